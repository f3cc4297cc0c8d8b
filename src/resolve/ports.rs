//! Ports: what a service's are, and who wants one of the host's twice.

use std::collections::HashMap;

use super::{Resolver, kinds};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::service::{Port, Published};
use crate::model::text::Text as ModelText;
use crate::spec::decode::listed;
use crate::spec::service::{Protocol, Service};
use crate::spec::text::Value;
use crate::spec::value::Ports;

/// The address that published ports bind to unless the spec says otherwise: nothing here asks for a
/// password, so nothing is open to the network.
const LOOPBACK: &str = "127.0.0.1";

/// A port of the host that a service wants.
struct Claim {
    ports: Ports,
    address: String,
    protocol: Protocol,
    service: usize,
    span: Span,
}

impl Resolver<'_> {
    /// Fills in the ports of every service; everything else may refer to them.
    pub(super) fn resolve_ports(&mut self) {
        let spec = self.spec;
        let bind = match &spec.stack.bind {
            Some(bind) => self.text(bind),
            None => ModelText::Literal(LOOPBACK.to_owned()),
        };
        for (_, service) in spec.services.iter() {
            let ports = self.ports_of(service, &bind);
            self.ports.push(ports);
        }
    }

    fn ports_of(&mut self, service: &Service, bind: &ModelText) -> Vec<Port> {
        let role = service.role.as_ref().map(|role| role.value);
        let implied = kinds::ports(service.kind.as_ref().map(|kind| kind.value), role);
        let mut ports = Vec::with_capacity(implied.len().max(service.ports.entries.len()));
        for (name, port) in service.ports.iter() {
            let port = &port.0;
            let known = implied.iter().find(|known| known.name == name.value);
            if let Some(kind) = &service.kind
                && known.is_none()
            {
                let names = || implied.iter().map(|known| known.name);
                let title = format!("a service of kind `{}` has no port `{}`", kind.as_str(), name.value);
                self.report(
                    Diagnostic::new("unknown-port", title, name.span)
                        .suggest(&name.value, names(), || format!("it has: {}", listed(names()))),
                );
                continue;
            }
            let target = match (&port.target, known) {
                (Some(target), Some(known)) if target.value != known.target => {
                    self.report(
                        Diagnostic::new(
                            "kind-decides",
                            format!("port `{}` of this kind is {} in the container", name.value, known.target),
                            target.span,
                        )
                        .help("remove `target`; `published` is free"),
                    );
                    continue;
                }
                (Some(target), None) if target.value == 0 => {
                    self.report(
                        Diagnostic::new("invalid-port", "`0` is no port", target.span).at("must be from 1 to 65535"),
                    );
                    continue;
                }
                (_, Some(known)) => known.target,
                (Some(target), None) => target.value,
                (None, None) => match port.published.as_ref().map(|published| &published.value) {
                    Some(Value::Is(ports)) if ports.first == ports.last => ports.first,
                    _ => {
                        self.report(
                            Diagnostic::new(
                                "missing-key",
                                format!("port `{}` needs a `target`", name.value),
                                name.span,
                            )
                            .help("only a single published number says what the port in the container is"),
                        );
                        continue;
                    }
                },
            };
            let published = port.published.as_ref().map(|published| Published {
                port: self.written(&published.value, written),
                number: self.effective_ports(&published.value).map(|ports| ports.first),
                host_ip: match &port.host_ip {
                    Some(address) => self.text(address),
                    None => bind.clone(),
                },
                mode: port.mode,
            });
            ports.push(Port {
                name: name.value.clone(),
                target,
                published,
                protocol: port.protocol.unwrap_or(Protocol::Tcp),
                path: port
                    .path
                    .as_ref()
                    .map(|path| path.value.clone())
                    .or_else(|| known.and_then(|known| known.path).map(ToOwned::to_owned)),
            });
        }
        for known in implied {
            let listed = ports.iter().any(|port: &Port| port.name == known.name);
            if !listed {
                ports.push(Port {
                    name: known.name.to_owned(),
                    target: known.target,
                    published: None,
                    protocol: Protocol::Tcp,
                    path: None,
                });
            }
        }
        ports
    }

    fn effective_ports(&self, value: &Value<Ports>) -> Option<Ports> {
        match value {
            Value::Is(ports) => Some(*ports),
            Value::Env(text) => Ports::parse(&self.effective(text)?),
        }
    }

    /// Two services can't publish one port of the host at the same address.
    pub(super) fn check_port_clashes(&mut self) {
        let spec = self.spec;
        let bind = match &spec.stack.bind {
            Some(bind) => self.effective(bind),
            None => Some(LOOPBACK.to_owned()),
        };
        // By port: a stack of thousands of services must not compare each with each.
        let mut claims: HashMap<u16, Vec<Claim>> = HashMap::new();
        for (index, (_, service)) in spec.services.iter().enumerate() {
            for (_, port) in service.ports.iter() {
                let port = &port.0;
                let Some(published) = &port.published else { continue };
                let Some(ports) = self.effective_ports(&published.value) else { continue };
                let address = match &port.host_ip {
                    Some(address) => self.effective(address),
                    None => bind.clone(),
                };
                let Some(address) = address else { continue };
                let protocol = port.protocol.unwrap_or(Protocol::Tcp);
                let mut clash = None;
                for number in ports.first..=ports.last {
                    let others = claims.entry(number).or_default();
                    let found =
                        others.iter().find(|other| other.protocol == protocol && overlap(&other.address, &address));
                    if let Some(found) = found {
                        clash = Some((number, found.service, found.span));
                        break;
                    }
                    others.push(Claim {
                        ports,
                        address: address.clone(),
                        protocol,
                        service: index,
                        span: published.span,
                    });
                }
                if let Some((number, other, other_span)) = clash {
                    let name = |index: usize| &spec.services.entries[index].0.value;
                    let free = free_port(&claims, number);
                    let diagnostic = Diagnostic::new(
                        "port-clash",
                        format!("port {number} of the host is published twice"),
                        published.span,
                    )
                    .at(format!("by `{}`", name(index)))
                    .also(other_span, format!("and by `{}`", name(other)));
                    self.report(match free {
                        Some(free) => diagnostic.help(format!("publish one of them elsewhere; {free} is free")),
                        None => diagnostic,
                    });
                }
            }
        }
    }
}

fn free_port(claims: &HashMap<u16, Vec<Claim>>, from: u16) -> Option<u16> {
    // A range that was only partly entered above may go on: skip to its end.
    let mut candidate = from;
    while let Some(others) = claims.get(&candidate) {
        let last = others.iter().map(|claim| claim.ports.last).max().unwrap_or(candidate);
        candidate = last.max(candidate).checked_add(1)?;
    }
    Some(candidate)
}

fn written(ports: &Ports) -> String {
    if ports.first == ports.last { ports.first.to_string() } else { format!("{}-{}", ports.first, ports.last) }
}

/// Whether two addresses of the host share a port: a wildcard shares with all.
fn overlap(a: &str, b: &str) -> bool {
    let wildcard = |address: &str| matches!(address, "" | "0.0.0.0" | "::" | "[::]");
    a == b || wildcard(a) || wildcard(b)
}
