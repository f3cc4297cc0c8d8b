//! Whether services that talk to each other share a network.

use super::Resolver;
use super::dependencies::SHARED;
use super::kinds::KindModels;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::kind::Host;
use crate::model::{self, Address};
use crate::spec::decode::shown;
use crate::spec::service::{Command, Condition, Service};
use crate::spec::stack::Network;
use crate::spec::text::{Part, Text, Tree};

/// The longest chain of services that use each other's network.
const DEEPEST: usize = 8;

impl Resolver<'_> {
    pub(super) fn check_networks(&mut self, services: &[model::Service], kinds: &KindModels) {
        let is_internal = |(_, network): (_, &Network)| network.compose.get("internal") == Some(&Tree::Boolean(true));
        if self.spec.networks.iter().any(is_internal) {
            for service in services {
                self.check_internal(service);
            }
        }
        // All of them are in one network.
        if self.spec.services.iter().all(|(_, service)| service.networks.is_none()) {
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
                    self.check_reach(services, &service.name, &dependency.service, ("waits for it", span));
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

    /// Reports a service that another one cannot reach.
    fn check_reach(&mut self, services: &[model::Service], from: &str, to: &str, (what, span): (&str, Span)) {
        let [Some(ours), Some(theirs)] = [from, to].map(|name| self.joined(services, name, 0)) else { return };
        if from == to || ours.iter().any(|network| theirs.contains(network)) {
            return;
        }
        let declared = self.in_spec(to).and_then(|written| written.networks.as_ref()?.0.first());
        let declared = declared.map_or_else(|| self.service_span(to), |(name, _)| name.span);
        let names =
            |networks: &[String]| networks.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        self.lint(
            Diagnostic::new("unreachable-service", format!("`{}` cannot reach `{}`", shown(from), shown(to)), span)
                .at(format!("`{from}` {what}, and is in {}", names(&ours)))
                .also(declared, format!("`{to}` is in {}", names(&theirs)))
                .help("let one of them join a network of the other"),
        );
    }

    /// The networks that a service is in; `None` if that is not known.
    fn joined(&self, services: &[model::Service], name: &str, depth: usize) -> Option<Vec<String>> {
        let at =
            self.index.get(name).copied().filter(|&at| services.get(at).is_some_and(|service| service.name == name));
        let service = at.map_or_else(|| services.iter().find(|service| service.name == name), |at| services.get(at))?;
        match service.network_mode.as_ref() {
            None => Some(service.networks.iter().map(|member| member.name.clone()).collect()),
            Some(mode) => {
                let other = mode.literal()?.strip_prefix(SHARED)?;
                (depth < DEEPEST).then(|| self.joined(services, other, depth + 1))?
            }
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
        let declared = written.networks.as_ref().and_then(|networks| networks.0.first());
        let title = format!("`{}` publishes a port, but is in internal networks only", service.name);
        let mut diagnostic = Diagnostic::new("unreachable-port", title, published)
            .help("let it join a network that is not internal, or do not publish the port");
        if let Some((name, _)) = declared {
            diagnostic = diagnostic.also(name.span, "internal");
        }
        self.lint(diagnostic);
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
