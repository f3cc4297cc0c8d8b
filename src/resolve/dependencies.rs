//! `depends_on`: what a condition needs of the other service, and cycles.

use std::collections::HashMap;

use super::Resolver;
use super::clusters::NAMESPACES;
use super::compose::{Mention, named};
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::Keys;
use crate::model::service::{Dependency, Healthcheck};
use crate::spec::decode::listed;
use crate::spec::kind::Takes;
use crate::spec::service::{CONDITION, Condition, Service};

/// A network mode that shares another service's network.
pub(super) const SHARED: &str = "service:";

impl<'a> Resolver<'a> {
    /// What a service waits for: what its kind implies, as the spec changes it.
    pub(super) fn dependencies(&mut self, name: &str, service: &Service, implied: Vec<Dependency>) -> Vec<Dependency> {
        let mut dependencies = self.written_dependencies(name, service, implied);
        // They are there before the stack.
        dependencies.retain(|known| !self.external.contains_key(known.service.as_str()));
        // Who waits until a frontend is healthy is about to use a namespace, unless it is a server of that cluster, or
        // registers its namespaces.
        let runs = service.kind.as_ref().is_some_and(|kind| kind.takes(Takes::Role) || kind.provides(NAMESPACES));
        let own = service.cluster.as_ref().filter(|_| runs).map(|cluster| cluster.value.as_str());
        let mut further: Vec<Dependency> = Vec::new();
        for known in dependencies.iter().filter(|known| known.condition == Condition::Healthy) {
            for one_shot in self.namespaces_behind(&known.service, own) {
                if one_shot == name || dependencies.iter().any(|known| known.service == one_shot) {
                    continue;
                }
                // A cluster may have several frontends.
                match further.iter_mut().find(|other| other.service == one_shot) {
                    Some(other) => other.required |= known.required,
                    None => further.push(Dependency {
                        service: one_shot.to_owned(),
                        condition: Condition::Completed,
                        restart: false,
                        required: known.required,
                        keys: Keys::default(),
                    }),
                }
            }
        }
        dependencies.extend(further);
        dependencies
    }

    fn written_dependencies(&mut self, name: &str, service: &Service, implied: Vec<Dependency>) -> Vec<Dependency> {
        let mut dependencies = implied;
        let implied = dependencies.len();
        let Some(written) = &service.depends_on else { return dependencies };
        dependencies.reserve_exact(written.0.len());
        for (other, dependency) in &written.0 {
            let dependency = &dependency.0;
            if other.value == name {
                self.report(
                    Diagnostic::new("dependency-cycle", format!("`{name}` depends on itself"), other.span)
                        .help("remove it"),
                );
                continue;
            }
            if self.external.contains_key(other.value.as_str())
                && dependency.condition.as_ref().is_none_or(|condition| condition.value != Condition::Completed)
            {
                continue;
            }
            if !self.index.contains_key(other.value.as_str()) {
                self.unknown_service(&other.value, other.span, Some(name));
                continue;
            }
            let resolved = Dependency {
                service: other.value.clone(),
                condition: dependency.condition.as_ref().map_or(CONDITION, |condition| condition.value),
                restart: dependency.restart.is_some_and(|restart| restart.0),
                required: dependency.required.unwrap_or(true),
                keys: self.keys(&dependency.compose),
            };
            match dependencies.iter_mut().take(implied).find(|known| known.service == other.value) {
                Some(known) => *known = resolved,
                None => dependencies.push(resolved),
            }
        }
        dependencies
    }

    /// Reports conditions that can never be met, and cycles.
    pub(super) fn check_dependencies(&mut self, services: &[model::Service]) {
        let positions: HashMap<&str, usize> =
            services.iter().enumerate().map(|(index, service)| (service.name.as_str(), index)).collect();
        for service in services {
            for dependency in &service.depends_on {
                let Some(other) = positions.get(dependency.service.as_str()).map(|&index| &services[index]) else {
                    continue;
                };
                if self.diagnostics.is_full() {
                    return;
                }
                if dependency.required {
                    self.check_switched_on(service, other, None);
                }
                let sound = self.in_spec(&other.name).is_some_and(|written| written.sound);
                match dependency.condition {
                    Condition::Healthy if !can_be_healthy(other) => {
                        let declared = self.service_span(&other.name);
                        self.report_missing(
                            sound,
                            Diagnostic::new(
                                "never-healthy",
                                format!(
                                    "`{}` waits for `{}` to be healthy, but it has no healthcheck",
                                    service.name, other.name
                                ),
                                self.dependency_span(&service.name, &other.name),
                            )
                            .also(declared, "has no healthcheck")
                            .help(
                                if other.kind.as_ref().is_some_and(|kind| !kind.can_be_probed()) {
                                    "wait for `service_started`: its image contains no program for a healthcheck"
                                } else {
                                    "add a healthcheck there (`healthcheck = {}` if its image brings one), or wait for \
                                 `service_started`"
                                },
                            ),
                        );
                    }
                    Condition::Completed if matches!(other.restart.literal(), Some("always" | "unless-stopped")) => {
                        let declared = self.service_span(&other.name);
                        self.report_missing(
                            sound,
                            Diagnostic::new(
                                "never-completed",
                                format!(
                                    "`{}` waits for `{}` to complete, but it is always restarted",
                                    service.name, other.name
                                ),
                                self.dependency_span(&service.name, &other.name),
                            )
                            .also(declared, format!("restarts: {}", other.restart.shown()))
                            .help("set `restart = \"no\"` there, or wait for `service_started`"),
                        );
                    }
                    _ => {}
                }
            }
        }
        for service in services {
            let Some(written) = self.in_spec(&service.name) else { continue };
            for mention in named(written) {
                let waits = |dependency: &Dependency| dependency.service == mention.name && dependency.required;
                if let Some(&other) = positions.get(mention.name)
                    && !service.depends_on.iter().any(waits)
                {
                    self.check_switched_on(service, &services[other], Some(&mention));
                }
            }
        }
        self.check_cycles(services, &positions);
    }

    /// Reports a service that another one mentions or, without a mention, waits for, although only a Compose profile enables
    /// it.
    fn check_switched_on(&mut self, service: &model::Service, other: &model::Service, mention: Option<&Mention<'_>>) {
        let always = other.profiles.is_empty()
            || (!service.profiles.is_empty()
                && service.profiles.iter().all(|profile| other.profiles.contains(profile)));
        if always {
            return;
        }
        let (what, span, otherwise) = match mention {
            Some(mention) => ("needs", mention.span, format!("remove it from `{}`", mention.key)),
            None => (
                "waits for",
                self.dependency_span(&service.name, &other.name),
                format!("write `depends_on.{} = {{ required = false }}`", other.name),
            ),
        };
        let declared = self.service_span(&other.name);
        self.report(
            Diagnostic::new(
                "disabled-dependency",
                format!("`{}` {what} `{}`, which only a Compose profile enables", service.name, other.name),
                span,
            )
            .also(declared, format!("only with {}", listed(other.profiles.iter().map(String::as_str))))
            .help(format!("give both the same `profiles`, or {otherwise}")),
        );
    }

    fn check_cycles(&mut self, services: &[model::Service], positions: &HashMap<&str, usize>) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            /// On the path, at this depth.
            Open(usize),
            Done,
        }
        let needs: Vec<Vec<usize>> = services.iter().map(|service| needs(service, positions)).collect();
        let mut states = vec![State::New; services.len()];
        for start in 0..services.len() {
            if states[start] != State::New {
                continue;
            }
            // An explicit stack: a chain of thousands of services would overflow the thread's.
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            states[start] = State::Open(0);
            while let Some((current, next)) = path.last_mut() {
                let Some(&target) = needs[*current].get(*next) else {
                    states[*current] = State::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                match states[target] {
                    State::Done => {}
                    State::New => {
                        states[target] = State::Open(path.len());
                        path.push((target, 0));
                    }
                    State::Open(from) => {
                        let cycle = path.get(from..).unwrap_or_default();
                        self.report_cycle(cycle.len(), |at| services[cycle[at].0].name.as_str());
                    }
                }
            }
        }
    }

    /// Reports a cycle of `length` services, of which `name` is the name of one. A long one is shown in part.
    fn report_cycle<'n>(&mut self, length: usize, name: impl Fn(usize) -> &'n str) {
        const MOST: usize = 8;
        let Some(last) = length.checked_sub(1) else { return };
        let shown = length.min(MOST);
        let mut chain: Vec<String> = (0..shown).map(|at| format!("`{}`", name(at))).collect();
        if shown < length {
            chain.push("…".to_owned());
        }
        chain.push(format!("`{}`", name(0)));
        let of = if shown < length { format!(" of {length} services") } else { String::new() };
        let title = format!("dependency cycle{of}: {}", chain.join(" → "));
        let (from, to) = (name(last), name(0));
        let mut diagnostic =
            Diagnostic::new("dependency-cycle", title, self.dependency_span(from, to)).at(self.why(from, to));
        for at in 0..shown.min(last) {
            let (from, to) = (name(at), name(at + 1));
            diagnostic = diagnostic.also(self.dependency_span(from, to), self.why(from, to));
        }
        let help = if shown < length { "remove one of the dependencies" } else { "remove one of these dependencies" };
        self.report(diagnostic.help(help));
    }

    /// How a service needs another one.
    fn why(&self, service: &str, other: &str) -> String {
        let written = self.in_spec(service);
        let mut waits = written.and_then(|service| service.depends_on.as_ref()).into_iter().flat_map(|waits| &waits.0);
        match written.and_then(|written| named(written).find(|mention| mention.name == other)) {
            Some(Mention { key, .. }) if !waits.any(|(name, _)| name.value == other) => {
                format!("`{service}` needs `{other}` for its `{key}`")
            }
            _ => format!("`{service}` waits for `{other}`"),
        }
    }

    /// Where a dependency is written, or where the service is that implies it.
    pub(super) fn dependency_span(&self, service: &str, other: &str) -> Span {
        let written = self.in_spec(service);
        let waits = written
            .and_then(|service| service.depends_on.as_ref())
            .and_then(|written| written.0.iter().find(|(name, _)| name.value == other))
            .map(|(name, _)| name.span);
        let mention = || Some(named(written?).find(|mention| mention.name == other)?.span);
        waits.or_else(mention).unwrap_or_else(|| self.service_span(service))
    }

    /// A service as the spec has it.
    pub(super) fn in_spec(&self, service: &str) -> Option<&'a Service> {
        self.spec.services.entries.get(*self.index.get(service)?).map(|(_, written)| &**written)
    }

    pub(super) fn service_span(&self, service: &str) -> Span {
        let index = self.index.get(service).copied();
        let entry = index.and_then(|index| self.spec.services.entries.get(index));
        let external = || self.external.get(service).map_or(self.spec.span, |elsewhere| elsewhere.written.span);
        entry.map_or_else(external, |(name, _)| name.span)
    }
}

/// What must be there before a service.
fn needs(service: &model::Service, positions: &HashMap<&str, usize>) -> Vec<usize> {
    let others = service.named.iter().map(String::as_str);
    let names = service.depends_on.iter().map(|dependency| dependency.service.as_str()).chain(others);
    // A dependency on itself was already reported.
    names.filter(|name| *name != service.name).filter_map(|name| positions.get(name).copied()).collect()
}

/// An image may define its own healthcheck, which an empty `healthcheck = {}` declares.
fn can_be_healthy(service: &model::Service) -> bool {
    matches!(service.healthcheck, Some(Healthcheck::Probe(_)))
}
