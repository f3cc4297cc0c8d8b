//! Ports: which are published, where, and who can reach them.

use std::net::IpAddr;

use super::written::{text, tree};
use super::{Area, Change, Fate, Id, Pair, Severity, fates, sides, value};
use crate::model::service::{Port, Published, RANDOM, Service};
use crate::model::text::{Operator, Reference, Segment, Text};

const AREA: Area = Area::Ports;

/// Who can reach a port of the host, from the fewest to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Nobody outside the stack.
    Nobody,
    /// The host itself.
    Host,
    /// It depends on `.env`.
    Unknown,
    /// Everyone who can reach one address of the host.
    Address,
    /// Everyone who can reach the host.
    Everybody,
}

impl Reach {
    fn of(port: Option<&Published>) -> Self {
        let Some(port) = port else { return Self::Nobody };
        // Without a word of its own, `:+` is nothing: every address.
        let is_conditional = |text: &Text| {
            let Text::Parts(segments) = text else { return false };
            let mut all = segments.iter().map(|segment| match segment {
                Segment::Literal(_) => false,
                Segment::Env(reference) => matches!(reference.operator, Some(Operator::Alternative(_))),
            });
            all.len() > 0 && all.all(|is| is)
        };
        if is_conditional(&port.host_ip) {
            return Self::Everybody;
        }
        let Some(address) = effective(&port.host_ip) else { return Self::Unknown };
        let plain = address.trim_start_matches('[').trim_end_matches(']');
        match plain.parse::<IpAddr>() {
            // To Compose, an empty address means all of them.
            _ if plain.is_empty() => Self::Everybody,
            Ok(address) if address.is_unspecified() => Self::Everybody,
            Ok(address) if address.is_loopback() => Self::Host,
            Ok(_) => Self::Address,
            Err(_) => Self::Unknown,
        }
    }

    fn id(self) -> Id {
        match self {
            Self::Nobody | Self::Host => Id::PortPublished,
            Self::Unknown => Id::PortPublishedByVariable,
            Self::Address => Id::PortPublishedOnAddress,
            Self::Everybody => Id::PortPublishedEverywhere,
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Nobody | Self::Host => Severity::Notice,
            Self::Unknown => Severity::Caution,
            Self::Address | Self::Everybody => Severity::Danger,
        }
    }

    fn described(self) -> &'static str {
        match self {
            Self::Nobody | Self::Host => "",
            Self::Unknown => " on an address set in `.env`",
            Self::Address => " on a host address that other machines can reach",
            Self::Everybody => " on every address of the host: reachable from the network",
        }
    }
}

/// A text with its references replaced by their defaults; `None` if one has no default.
fn effective(text: &Text) -> Option<String> {
    text.replaced(Reference::stand_in)
}

/// A port as references name it.
fn named(service: &Service, port: &Port) -> String {
    format!("{}.{}", service.name, port.name)
}

fn binding(published: &Published) -> String {
    let address = if published.host_ip.literal() == Some("") { published.address() } else { text(&published.host_ip) };
    format!("{address}:{}", port(published))
}

fn port(published: &Published) -> String {
    published.port.as_ref().map_or_else(|| RANDOM.to_owned(), text)
}

/// The ports that a new service publishes.
pub(super) fn added(new: &Service, changes: &mut Vec<Change>) {
    for port in new.ports.iter() {
        if let Some(published) = &port.published {
            opened(new, port, published, changes);
        }
    }
}

fn opened(service: &Service, port: &Port, published: &Published, changes: &mut Vec<Change>) {
    let reach = Reach::of(Some(published));
    let what = format!("published{}", reach.described());
    changes.push(Change::new(reach.id(), reach.severity(), AREA, named(service, port), what).is(binding(published)));
}

/// The ports of a service that was there before.
pub(super) fn compare(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    for fate in fates(&old.ports, &new.ports, |port| port.name.as_str()) {
        match fate {
            Fate::Added(port) => match &port.published {
                Some(published) => opened(new, port, published, changes),
                None => changes.push(
                    Change::notice(Id::PortAdded, AREA, named(new, port), "added inside the network")
                        .is(port.target.to_string()),
                ),
            },
            Fate::Removed(port) => changes.push(
                Change::notice(Id::PortRemoved, AREA, named(old, port), "removed")
                    .was(port.published.as_ref().map_or_else(|| port.target.to_string(), binding)),
            ),
            Fate::Stays(before, after) => stays(pair, new, before, after, changes),
        }
    }
}

fn stays(pair: &Pair<'_>, service: &Service, before: &Port, after: &Port, changes: &mut Vec<Change>) {
    let subject = &named(service, after);
    if before.target != after.target {
        changes.push(
            Change::notice(Id::PortChanged, AREA, subject, "container port changed")
                .was(before.target.to_string())
                .is(after.target.to_string()),
        );
    }
    if before.protocol != after.protocol {
        changes.push(
            Change::notice(Id::PortChanged, AREA, subject, "protocol changed")
                .was(before.protocol.as_str().to_owned())
                .is(after.protocol.as_str().to_owned()),
        );
    }
    match (&before.published, &after.published) {
        (None, None) => {}
        (None, Some(published)) => opened(service, after, published, changes),
        (Some(published), None) => {
            changes.push(
                Change::notice(Id::PortUnpublished, AREA, subject, "no longer published").was(binding(published)),
            );
        }
        (Some(old), Some(new)) => {
            let reach = Reach::of(Some(new));
            let wider = reach > Reach::of(Some(old));
            if wider || !pair.same(&old.host_ip, &new.host_ip) {
                let (id, severity, what) = if wider {
                    (reach.id(), reach.severity(), format!("published{}", reach.described()))
                } else {
                    (Id::PortChanged, Severity::Notice, "published on a different address".to_owned())
                };
                let (before, after) = (text(&old.host_ip), text(&new.host_ip));
                changes.push(Change::new(id, severity, AREA, subject, what).was(before).is(after));
            }
            let same = match (&old.port, &new.port) {
                (Some(old), Some(new)) => pair.same(old, new),
                (old, new) => old == new,
            };
            if !same {
                changes.push(
                    Change::notice(Id::PortChanged, AREA, subject, "host port changed").was(port(old)).is(port(new)),
                );
            }
            if old.mode != new.mode {
                let mode = |published: &Published| published.mode.map(|mode| mode.as_str().to_owned());
                changes.push(
                    Change::notice(Id::PortChanged, AREA, subject, "publish mode changed").was(mode(old)).is(mode(new)),
                );
            }
        }
    }
    let shown = |port: &Port| port.app_protocol.clone();
    value(changes, (Id::PortChanged, AREA, subject), "app_protocol", shown(before), shown(after));
    for fate in fates(&before.keys.0, &after.keys.0, |(key, _)| key.as_str()) {
        let (key, before, after) = sides(&fate);
        tree(changes, (Id::PortChanged, AREA, subject), key, before, after);
    }
    if before.path != after.path {
        changes.push(
            Change::notice(Id::PortChanged, AREA, subject, "path in the docs changed")
                .was(before.path.clone())
                .is(after.path.clone()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::{Operator, Reference};

    fn reach(address: impl Into<Text>) -> Reach {
        Reach::of(Some(&Published {
            port: Some("80".into()),
            host_ip: address.into(),
            mode: None,
            is_named: true,
            short: None,
        }))
    }

    #[test]
    fn who_reaches_an_address() {
        let variable = |default: Option<&str>| {
            Text::from(Reference {
                name: "BIND".to_owned(),
                operator: default.map(|word| Operator::Default(word.into())),
            })
        };
        for (address, expected) in [
            ("127.0.0.1", Reach::Host),
            ("127.1.2.3", Reach::Host),
            ("::1", Reach::Host),
            ("[::1]", Reach::Host),
            ("0.0.0.0", Reach::Everybody),
            ("::", Reach::Everybody),
            ("[::]", Reach::Everybody),
            ("", Reach::Everybody),
            ("192.168.0.7", Reach::Address),
        ] {
            assert_eq!(reach(address), expected, "{address}");
            if !address.is_empty() {
                assert_eq!(reach(variable(Some(address))), expected, "{address}");
            }
        }
        assert_eq!(reach(variable(None)), Reach::Unknown);
        assert_eq!(Reach::of(None), Reach::Nobody);
    }
}
