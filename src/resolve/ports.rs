//! The ports of services, and clashes of host ports.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Resolver;
use super::service::together;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::Keys;
use crate::model::service::{Port, Published};
use crate::model::text::{Reference, Text as ModelText};
use crate::spec::decode::{Spanned, expected, shown};
use crate::spec::kind::{Kind, KindPort};
use crate::spec::service::{self as spec, PROTOCOL, Protocol, Service};
use crate::spec::stack::LOOPBACK;
use crate::spec::text::{Part, Text, Value};
use crate::spec::value::Ports;

/// Host ports that a service publishes.
#[derive(Clone)]
struct Claim {
    address: String,
    protocol: Protocol,
    service: usize,
    span: Span,
}

/// How to write an address to bind a port to.
const ADDRESS: &str = "write e.g. `127.0.0.1`, or `0.0.0.0` for all addresses of the host";

/// The limit of ports in ranges: each becomes a port of its own, and a few lines would become gigabytes.
const MOST: u32 = 100_000;

impl Resolver<'_> {
    /// Fills in the ports of every service; everything else may refer to them.
    pub(super) fn resolve_ports(&mut self) {
        let spec = self.spec;
        if let Some(bind) = &spec.stack.bind {
            self.check_address(bind, ADDRESS);
        }
        let bind = match &spec.stack.bind {
            Some(bind) => self.text(bind),
            None => ModelText::Literal(self.default_address().to_owned()),
        };
        let mut left = MOST / u32::try_from(self.profile.share).unwrap_or(u32::MAX);
        for (_, service) in spec.services.iter() {
            let ports = self.ports_of(service, &bind, &mut left);
            self.ports.push(ports.into());
        }
    }

    /// The address of ports if the spec names none; Compose takes none for all of them.
    fn default_address(&self) -> &'static str {
        if self.adds_defaults() { LOOPBACK } else { "" }
    }

    fn ports_of(&mut self, service: &Service, bind: &ModelText, left: &mut u32) -> Vec<Port> {
        let role = service.role.as_ref().map(|role| role.value);
        let kind = service.kind.as_ref().map(|kind| &kind.value);
        let implied = kind.map(|kind| kind.ports_of(role).entries.as_slice()).unwrap_or_default();
        let mut ports = Vec::with_capacity(implied.len().max(service.ports.entries.len()));
        for (name, port) in service.ports.iter() {
            let port = &port.0;
            let known = implied.iter().find(|(known, _)| known.value == name.value).map(|(_, known)| known);
            if let Some(kind) = kind
                && known.is_none()
            {
                self.unknown_port((kind, implied), service, (name, port));
                continue;
            }
            let mut variable = None;
            let target = match (&port.target, known) {
                (Some(target), Some(known))
                    if self.effective_ports(&target.value)
                        != Some(Ports { first: known.target, last: known.target }) =>
                {
                    self.report(
                        Diagnostic::new(
                            "kind-decides",
                            format!("the kind sets the target of port `{}` to {}", name.value, known.target),
                            target.span,
                        )
                        .help("remove `target`; only `published` can be set"),
                    );
                    continue;
                }
                (_, Some(known)) => Ports { first: known.target, last: known.target },
                (Some(target), None) => match &target.value {
                    Value::Is(target) => *target,
                    Value::Env(text) => {
                        variable = Some(self.text(text));
                        let number = self.effective_ports(&target.value).map_or(0, |ports| ports.first);
                        Ports { first: number, last: number }
                    }
                },
                (None, None) => match port.published.as_ref().map(|published| &published.value) {
                    Some(Value::Is(ports)) if ports.first == ports.last => *ports,
                    _ => {
                        self.report_missing(
                            port.sound,
                            Diagnostic::new(
                                "missing-key",
                                format!("missing key `target` in port `{}`", name.value),
                                name.span,
                            )
                            .help("add `target = …`: it can only be left out if `published` is a single port number"),
                        );
                        continue;
                    }
                },
            };
            if let Some(address) = &port.host_ip {
                self.check_address(address, ADDRESS);
            }
            if let Some((span, _)) = port.compose.entry("name") {
                self.report(
                    Diagnostic::new("unknown-key", "unknown key `name` in a port", span)
                        .help(format!("remove it: its name is `{}`", name.value)),
                );
            }
            let published = self.of_host(service, port, (bind, name.span), variable.as_ref(), target);
            let path = port.path.as_ref().map(|path| path.value.clone());
            let resolved = Port {
                name: name.value.clone(),
                target: target.first,
                variable,
                published,
                protocol: port.protocol.unwrap_or(PROTOCOL),
                app_protocol: port.app_protocol.clone(),
                path: path.or_else(|| known.and_then(|known| known.path.clone())),
                keys: self.keys(&port.compose),
            };
            self.expand(resolved, target, port, (name.span, left), &mut ports);
        }
        for (name, known) in implied {
            if !ports.iter().any(|port: &Port| port.name == name.value) {
                ports.push(Port {
                    name: name.value.clone(),
                    target: known.target,
                    variable: None,
                    published: None,
                    protocol: Protocol::Tcp,
                    app_protocol: None,
                    path: None,
                    keys: Keys::default(),
                });
            }
        }
        ports
    }

    /// The port on the host, if there is one.
    fn of_host(
        &mut self,
        service: &Service,
        port: &spec::Port,
        (bind, name): (&ModelText, Span),
        variable: Option<&ModelText>,
        target: Ports,
    ) -> Option<Published> {
        let number = port.published.as_ref().map(|published| &published.value);
        if number.is_none() && !service.ports.listed {
            return None;
        }
        let published = Published {
            port: number.map(|number| self.written(number, Ports::to_string)),
            host_ip: match &port.host_ip {
                // The brackets belong to the short form only.
                Some(address) => match address.literal().and_then(|address| address.strip_prefix('[')) {
                    Some(address) => address.trim_end_matches(']').into(),
                    None => self.text(address),
                },
                None => bind.clone(),
            },
            mode: port.mode,
            // The name of a listed port that has none is at the item's place.
            is_named: self.adds_defaults() || (service.ports.listed && name != port.span),
            short: None,
        };
        let short = self.short_form(port, &published, variable, target);
        Some(Published { short, ..published })
    }

    /// A port in Compose's short form if that is the only one in which Compose can read it: its address may be empty, or its
    /// number have an address before it.
    fn short_form(
        &self,
        port: &spec::Port,
        published: &Published,
        variable: Option<&ModelText>,
        target: Ports,
    ) -> Option<ModelText> {
        let is_number = |number: &Value<Ports>| self.effective_ports(number).is_some();
        let is_address = |address: &Text| self.effective(address).is_some_and(|address| !address.is_empty());
        let is_long = port.published.as_ref().is_none_or(|number| is_number(&number.value))
            && port.host_ip.as_ref().is_none_or(|address| is_address(&address.value));
        if is_long || self.adds_defaults() || published.mode.is_some() || port.app_protocol.is_some() {
            return None;
        }
        let address = Some(published.host_ip.clone()).filter(|address| address.literal() != Some(""));
        let number = published.port.clone().unwrap_or_default();
        let target = variable.cloned().unwrap_or_else(|| target.to_string().into());
        let protocol = port.protocol.filter(|protocol| *protocol != PROTOCOL);
        let mut parts: Vec<ModelText> = Vec::new();
        for part in address.into_iter().chain([number]) {
            parts.extend([part, ":".into()]);
        }
        parts.push(target);
        parts.extend(protocol.map(|protocol| format!("/{}", protocol.as_str()).into()));
        Some(ModelText::concat(parts))
    }

    /// Reports a port that a kind does not have.
    fn unknown_port(
        &mut self,
        (kind, implied): (&Kind, &[(Spanned<String>, KindPort)]),
        service: &Service,
        (name, port): (&Spanned<String>, &spec::Port),
    ) {
        let number =
            port.target.as_ref().and_then(|target| self.effective_ports(&target.value)).map(|ports| ports.first);
        let same = implied.iter().find(|(_, known)| Some(known.target) == number).or_else(|| implied.first());
        let diagnostic = if let Some((same, known)) = same.filter(|_| service.ports.listed) {
            let title = format!("ports of kind `{}` cannot be a list", kind.as_str());
            let help = format!("write them by name, e.g. `ports.{} = {}`", same.value, known.target);
            Diagnostic::new("unknown-port", title, name.span).help(help)
        } else {
            let names = || implied.iter().map(|(known, _)| known.value.as_str());
            let title = format!("unknown port `{}` of kind `{}`", name.value, kind.as_str());
            let diagnostic = Diagnostic::new("unknown-port", title, name.span);
            diagnostic.suggest_of(self.diagnostics, &name.value, names(), || expected(names()))
        };
        self.report_missing(service.sound, diagnostic);
    }

    /// Whether the ports of a range are within what is left of the limit; reports the first that are not.
    fn is_small(&mut self, count: u32, place: Span, left: &mut u32) -> bool {
        let count = if count > 1 { count } else { 0 };
        let is_small = count <= *left;
        if !is_small && *left > 0 {
            self.report(
                Diagnostic::new("spec-too-large", "the spec is too large: too many ports in ranges", place)
                    .help(format!("write shorter ranges: the limit is {MOST} ports in all profiles together")),
            );
        }
        *left = left.checked_sub(count).unwrap_or_default();
        is_small
    }

    /// Adds a port, or each of a range, with as many ports of the host.
    fn expand(
        &mut self,
        first: Port,
        target: Ports,
        written: &spec::Port,
        (place, left): (Span, &mut u32),
        ports: &mut Vec<Port>,
    ) {
        let of_host = match written.published.as_ref().map(|published| &published.value) {
            Some(Value::Is(ports)) => ports.count(),
            _ => 1,
        };
        if !self.is_small(target.count().max(of_host), place, left) {
            return;
        }
        let port = |target| Port { name: numbered(&first, target), target, ..first.clone() };
        let targets = target.first..=target.last;
        match (target.count(), written.published.as_ref().map(|published| &published.value)) {
            (1, _) => ports.push(first),
            (count, Some(Value::Is(published))) if published.count() == count => {
                ports.extend(targets.zip(published.first..=published.last).map(|(target, number)| {
                    let published = first
                        .published
                        .clone()
                        .map(|published| Published { port: Some(number.to_string().into()), ..published });
                    Port { published, ..port(target) }
                }));
            }
            (_, None) => ports.extend(targets.map(port)),
            (count, Some(_)) => {
                let span = written.target.as_ref().map_or(place, |target| target.span);
                self.report(
                    Diagnostic::new("invalid-port", format!("mismatched ranges of port `{}`", first.name), span)
                        .at(format!("{count} ports in the container"))
                        .help("publish a range of the same size on the host"),
                );
            }
        }
    }

    fn effective_ports(&self, value: &Value<Ports>) -> Option<Ports> {
        match value {
            Value::Is(ports) => Some(*ports),
            Value::Env(text) => Ports::parse(&self.effective(text)?),
        }
    }

    /// Whether only this machine reaches a service. Without a published port, another service may pass requests on; in
    /// another network mode, its ports may be open on the host.
    pub(super) fn is_loopback_only(&self, index: usize, service: &Service) -> bool {
        let mut addresses =
            self.ports[index].iter().filter_map(|port| Some(&port.published.as_ref()?.host_ip)).peekable();
        let is_loopback = |address: &ModelText| {
            let address = address.replaced(Reference::stand_in);
            address.and_then(|address| address.parse::<IpAddr>().ok()).is_some_and(|address| address.is_loopback())
        };
        service.network_mode.is_none() && addresses.peek().is_some() && addresses.all(is_loopback)
    }

    /// Compose only accepts IP addresses to bind a port to.
    pub(super) fn check_address(&mut self, text: &Text, help: &str) {
        let is_written = matches!(text.parts(), [] | [Part::Literal(_)]);
        let Some(address) = self.effective(text) else { return };
        let plain = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&address);
        // A reference may stand for nothing.
        if (is_written || !address.is_empty()) && plain.parse::<IpAddr>().is_err() {
            self.report(
                Diagnostic::new("invalid-address", format!("invalid IP address `{}`", shown(&address)), text.span)
                    .help(help),
            );
        }
    }

    /// Reports services that publish the same host port at the same address.
    pub(super) fn check_port_clashes(&mut self) {
        // Nothing is published in Kubernetes.
        if self.diagnostics.has("spec-too-large") || self.is_kubernetes() {
            return;
        }
        let spec = self.spec;
        let bind = match &spec.stack.bind {
            Some(bind) => self.effective(bind),
            None => Some(self.default_address().to_owned()),
        };
        // Indexed by port, to avoid comparing all pairs in a stack of thousands of services.
        let mut claims: HashMap<u16, Vec<Claim>> = HashMap::with_capacity(spec.services.entries.len());
        let mut clashes: Vec<(u16, bool, Claim, Claim)> = Vec::new();
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
                let claim = Claim {
                    address,
                    protocol: port.protocol.unwrap_or(PROTOCOL),
                    service: index,
                    span: published.span,
                };
                let at_once = |other: &Claim| together(service, &spec.services.entries[other.service].1);
                let found = (ports.first..=ports.last).find_map(|number| {
                    let others = claims.get(&number)?;
                    Some((number, others.iter().find(|other| other.clashes_with(&claim) && at_once(other))?.clone()))
                });
                for number in ports.first..=ports.last {
                    claims.entry(number).or_insert_with(|| Vec::with_capacity(1)).push(claim.clone());
                }
                let is_single = ports.first == ports.last;
                clashes.extend(found.map(|(number, other)| (number, is_single, claim, other)));
            }
        }
        for (number, is_single, claim, other) in clashes {
            // A free port is looked for with each.
            if self.diagnostics.is_full() {
                return;
            }
            let name = |index: usize| &spec.services.entries[index].0.value;
            let diagnostic = Diagnostic::new("port-clash", format!("duplicate host port {number}"), claim.span);
            let names = [other.service, claim.service].map(name);
            // One of them extends the other, or both are instances, which have the place of what they are instances of.
            if claim.span == other.span {
                let place = |index: usize| spec.services.entries[index].0.span;
                let are_instances = place(claim.service) == place(other.service);
                let help = match free_port(&claims, number) {
                    _ if are_instances && is_single => {
                        let first = number.saturating_sub(1);
                        format!("publish each instance on a port of its own: `\"${{self.number+{first}}}\"`")
                    }
                    Some(free) => format!(
                        "name the port where it is written, e.g. `ports.http = {number}`, and change it in the service that \
                         extends the other one: `ports.http = {free}`"
                    ),
                    None => "publish it in one of them only".to_owned(),
                };
                self.report(diagnostic.at(format!("published by `{}` and by `{}`", names[0], names[1])).help(help));
                continue;
            }
            let diagnostic = diagnostic
                .at(format!("published by `{}`", names[1]))
                .also(other.span, format!("already published by `{}`", names[0]));
            self.report(match free_port(&claims, number) {
                Some(free) => diagnostic.help(format!("publish one of them on another port, e.g. {free}")),
                None => diagnostic.help("publish one of them on another port"),
            });
        }
    }
}

impl Claim {
    fn clashes_with(&self, other: &Self) -> bool {
        self.protocol == other.protocol && overlap(&self.address, &other.address)
    }
}

/// The name of a port in a range: the first port has the range's name; a port named by its number keeps that name.
fn numbered(first: &Port, target: u16) -> String {
    if target == first.target {
        first.name.clone()
    } else if first.name == first.target.to_string() {
        target.to_string()
    } else {
        format!("{}-{target}", first.name)
    }
}

/// The next free host port.
fn free_port(claims: &HashMap<u16, Vec<Claim>>, from: u16) -> Option<u16> {
    (from..=u16::MAX).find(|port| !claims.contains_key(port))
}

/// Whether two addresses of the host share a port: a wildcard shares with all.
fn overlap(a: &str, b: &str) -> bool {
    let wildcard = |address: &str| matches!(address, "" | "0.0.0.0" | "::" | "[::]");
    a == b || wildcard(a) || wildcard(b)
}
