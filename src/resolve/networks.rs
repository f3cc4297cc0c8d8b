//! Whether services that talk to each other share a network.

use std::fmt;

use super::Resolver;
use super::compose::mentions;
use super::dependencies::SHARED;
use super::kinds::KindModels;
use super::mounts::engine_name;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::kind::Host;
use crate::model::{self, Address};
use crate::spec::decode::{listed, shown};
use crate::spec::service::{Command, Condition, Service};
use crate::spec::stack::Network;
use crate::spec::text::{Part, Text, Tree};

/// The longest chain of services that use each other's network.
const DEEPEST: usize = 8;

/// A reason to need a service that is none to reach it.
const WAITS: &str = "waits for it";

/// The networks of a service, or a network mode without those of the stack.
struct Joined {
    networks: Vec<String>,
    mode: Option<String>,
}

impl fmt::Display for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.mode {
            Some(mode) => write!(f, "network mode `{mode}`"),
            None => f.write_str(&listed(self.networks.iter().map(String::as_str))),
        }
    }
}

impl Resolver<'_> {
    pub(super) fn check_networks(&mut self, services: &[model::Service], kinds: &KindModels) {
        let is_internal = |(_, network): (_, &Network)| network.compose.get("internal") == Some(&Tree::Boolean(true));
        if self.spec.networks.iter().any(is_internal) {
            for service in services {
                self.check_internal(service);
            }
        }
        // All of them are in one network.
        if self.spec.services.iter().all(|(_, service)| service.networks.0.is_empty() && service.network_mode.is_none())
        {
            return;
        }
        for service in services {
            for other in &service.refers_to.services {
                let span = self.in_spec(&service.name).and_then(|written| address_in(written, other));
                let span = span.unwrap_or_else(|| self.service_span(&service.name));
                self.check_reach(services, &service.name, other, ("uses its address", span));
            }
            for dependency in &service.depends_on {
                // A job may leave files for another service.
                if dependency.condition != Condition::Completed {
                    let span = self.dependency_span(&service.name, &dependency.service);
                    self.check_reach(services, &service.name, &dependency.service, (WAITS, span));
                }
            }
            if let Some(written) = self.in_spec(&service.name).filter(|written| written.compose.get("links").is_some())
            {
                for link in mentions(written).into_iter().filter(|mention| mention.key == "links") {
                    self.check_reach(services, &service.name, link.name, ("links to it", link.span));
                }
            }
        }
        for alloy in &kinds.alloys {
            let span = self.service_span(&alloy.service);
            let scraped =
                alloy.targets.iter().map(|target| ("scrapes it", &target.address)).filter(|_| alloy.metrics.is_some());
            let stores = [&alloy.metrics, &alloy.logs].into_iter().flatten().map(|address| ("pushes to it", address));
            for (what, address) in scraped.chain(stores) {
                self.check_address_reach(services, &alloy.service, address, (what, span));
            }
        }
        for grafana in &kinds.grafanas {
            for source in &grafana.datasources {
                let names = self.spec.datasources.iter().map(|(name, _)| name);
                let span = names.into_iter().find(|name| name.value == source.uid).map(|name| name.span);
                let span = span.unwrap_or_else(|| self.service_span(&grafana.service));
                if let Some(address) = &source.address {
                    self.check_address_reach(services, &grafana.service, address, ("queries it", span));
                }
            }
        }
    }

    fn check_address_reach(&mut self, services: &[model::Service], from: &str, to: &Address, how: (&str, Span)) {
        if let Host::Service(to) = &to.host {
            self.check_reach(services, from, to, how);
        }
    }

    /// Reports a service that another one cannot reach by its name.
    fn check_reach(&mut self, services: &[model::Service], from: &str, to: &str, (what, span): (&str, Span)) {
        let [Some(ours), Some(theirs)] = [from, to].map(|name| self.joined(services, name, 0)) else { return };
        let shared = |ours: &String, theirs: &String| ours == theirs || self.is_one_network(ours, theirs);
        let by_name = |service: &Service| service.extra_hosts.hosts.iter().any(|(host, _)| host.value == to);
        if from == to
            || ours.networks.iter().any(|ours| theirs.networks.iter().any(|theirs| shared(ours, theirs)))
            // Ports of the host may be what it waits for.
            || (what == WAITS && (ours.mode.is_some() || theirs.mode.is_some()))
            || self.in_spec(from).is_some_and(by_name)
        {
            return;
        }
        let written = self.in_spec(to);
        let declared = written.and_then(|written| Some(written.networks.0.first()?.0.span));
        let declared = declared.or_else(|| Some(written?.network_mode.as_ref()?.span));
        let declared = declared.unwrap_or_else(|| self.service_span(to));
        let help = match (&ours.mode, &theirs.mode) {
            (None, None) => "let one of them join a network of the other",
            _ => "remove `network_mode`: only services in a network of the stack reach each other by name",
        };
        self.report(
            Diagnostic::new("unreachable-service", format!("`{}` cannot reach `{}`", shown(from), shown(to)), span)
                .at(format!("`{from}` {what}, and is in {ours}"))
                .also(declared, format!("`{to}` is in {theirs}"))
                .help(help),
        );
    }

    /// Whether two networks of the spec are one in the engine.
    fn is_one_network(&self, a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|name| engine_name(name, self.spec.networks.get(name)?));
        a.is_some() && a == b
    }

    /// Where a service is; `None` if that is not known.
    fn joined(&self, services: &[model::Service], name: &str, depth: usize) -> Option<Joined> {
        let at =
            self.index.get(name).copied().filter(|&at| services.get(at).is_some_and(|service| service.name == name));
        let service = at.map_or_else(|| services.iter().find(|service| service.name == name), |at| services.get(at))?;
        let Some(mode) = service.network_mode.as_ref() else {
            let networks = service.networks.iter().map(|member| member.name.clone()).collect();
            return Some(Joined { networks, mode: None });
        };
        let mode = mode.literal()?;
        match mode.strip_prefix(SHARED) {
            Some(other) => (depth < DEEPEST).then(|| self.joined(services, other, depth + 1))?,
            // The engine resolves no names there.
            None => ["bridge", "default", "host", "none"]
                .contains(&mode)
                .then(|| Joined { networks: Vec::new(), mode: Some(mode.to_owned()) }),
        }
    }

    /// Reports ports that Docker does not publish: those of a container that is in internal networks only.
    fn check_internal(&mut self, service: &model::Service) {
        let Some(written) = self.in_spec(&service.name) else { return };
        let is_internal = |member: &model::service::NetworkMember| {
            let network = self.spec.networks.get(&member.name);
            network.is_some_and(|network| network.compose.get("internal") == Some(&Tree::Boolean(true)))
        };
        if service.networks.is_empty() || !service.networks.iter().all(is_internal) {
            return;
        }
        let Some(published) = written.ports.published().next() else { return };
        let declared = written.networks.0.first();
        let title = format!("`{}` publishes a port, but is in internal networks only", service.name);
        let mut diagnostic = Diagnostic::new("unreachable-port", title, published)
            .help("let it join a network that is not internal, or do not publish the port");
        if let Some((name, _)) = declared {
            diagnostic = diagnostic.also(name.span, "internal");
        }
        self.report(diagnostic);
    }
}

/// Where a service uses the address of another one.
fn address_in(service: &Service, other: &str) -> Option<Span> {
    let of_text = |text: &Text| {
        text.parts().iter().find_map(|part| match part {
            Part::Address(address) if address.service == other => Some(address.span),
            _ => None,
        })
    };
    let commands = [&service.command, &service.entrypoint].into_iter().flatten();
    let arguments = commands.flat_map(|command| match &command.value {
        Command::Line(line) => std::slice::from_ref(line),
        Command::Arguments(arguments) => arguments.as_slice(),
    });
    let values =
        [&service.environment, &service.labels].into_iter().flat_map(|map| map.iter().map(|(_, value)| &value.0));
    values.chain(arguments).find_map(of_text)
}
