//! Stage 2: spec to model. Names are looked up, defaults filled in, and everything that one table
//! says about another is checked. Every problem is collected; only a spec without any has a model.

mod accepted;
mod clusters;
pub mod dashboards;
mod datasources;
mod dependencies;
mod health;
mod images;
mod infrastructure;
mod kinds;
mod mounts;
mod names;
mod passthrough;
mod ports;
mod schema;
mod service;
mod text;
mod variables;

pub use dashboards::with_stand_ins;
pub(crate) use kinds::{image as image_of_kind, ports as ports_of_kind};
pub use names::problem as name_problem;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model;
use crate::model::service::References;
use crate::spec::ProfileSpec;
use crate::spec::decode::{Spanned, listed, shown};
use crate::spec::service::{Kind, Service};
use crate::spec::stack::Spec;

/// Resolves one profile; `None` if there is a problem with it.
#[must_use]
pub fn resolve(profile: &ProfileSpec, diagnostics: &mut Diagnostics) -> Option<model::Stack> {
    names::profile(&profile.profile, diagnostics);
    let stack = resolve_all_the_same(profile, diagnostics)?;
    diagnostics.is_empty().then_some(stack)
}

/// What can be resolved of a profile, whatever is wrong with it: nothing that is run or written comes from it, but it
/// shows what a key is good for.
#[must_use]
pub fn resolve_all_the_same(profile: &ProfileSpec, diagnostics: &mut Diagnostics) -> Option<model::Stack> {
    let spec = profile.spec.as_ref()?;
    let mut resolver = Resolver::new(profile, spec, diagnostics);
    Some(resolver.stack(&profile.profile))
}

/// What the parts of this stage share.
struct Resolver<'a> {
    profile: &'a ProfileSpec,
    spec: &'a Spec,
    diagnostics: &'a mut Diagnostics,
    /// Index of each service by its name.
    index: HashMap<&'a str, usize>,
    /// The ports of each service, by index.
    ports: Vec<Vec<model::service::Port>>,
    /// Declared variables by name.
    variables: HashMap<&'a str, Declared<'a>>,
    /// What was referred to since somebody took it: what a service refers to is known when it has been resolved.
    references: References,
}

/// A variable of the user's `.env`.
struct Declared<'a> {
    name: &'a Spanned<String>,
    variable: &'a crate::spec::stack::Variable,
    /// Whether something that was resolved so far refers to it.
    used: bool,
    /// The first default that a reference gave to a variable that declares none.
    inline: Option<(String, Span)>,
}

impl<'a> Resolver<'a> {
    fn new(profile: &'a ProfileSpec, spec: &'a Spec, diagnostics: &'a mut Diagnostics) -> Self {
        let index = spec.services.names().enumerate().map(|(index, name)| (name, index)).collect();
        let variables = spec
            .env
            .iter()
            .map(|(name, variable)| (name.value.as_str(), Declared { name, variable, used: false, inline: None }))
            .collect();
        Self { profile, spec, diagnostics, index, ports: Vec::new(), variables, references: References::default() }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports what is missing, if the table that it should be in was `sound`: else it may be what is wrong there.
    fn report_missing(&mut self, sound: bool, diagnostic: Diagnostic) {
        if sound {
            self.report(diagnostic);
        }
    }

    /// Reports what nothing uses. A name that is not known may have been meant for it: those have the code `unknown`.
    fn report_unused(&mut self, unknown: &str, diagnostic: Diagnostic) {
        if self.spec.sound && !self.diagnostics.has(unknown) {
            self.report(diagnostic);
        }
    }

    /// Whether the profile removes something: what only that used is left out then, and no mistake.
    fn removes(&self) -> bool {
        !self.profile.removed.is_empty()
    }

    /// Reports a name that the table `section` does not have.
    fn report_unknown<'n>(
        &mut self,
        (code, title): (&'static str, String),
        section: &str,
        (name, span): (&str, Span),
        candidates: impl IntoIterator<Item = &'n str>,
        otherwise: impl FnOnce() -> String,
    ) {
        let diagnostic = Diagnostic::new(code, title, span);
        let path = format!("{section}.{name}");
        let removed = self.profile.removed.iter().find(|removed| removed.value == path);
        let diagnostic = match removed {
            Some(removed) => diagnostic
                .also(removed.span, format!("the profile `{}` removes it", shown(&self.profile.profile.value)))
                .help("let the profile remove or change what refers to it, too"),
            None => diagnostic.suggest(name, candidates, otherwise),
        };
        self.report(diagnostic);
    }

    /// Reports the name of a service that isn't there.
    fn unknown_service(&mut self, name: &str, span: Span, but: Option<&str>) {
        if self.spec.services.broken.iter().any(|broken| broken == name) {
            return;
        }
        if name.strip_prefix(schema::PREFIX).is_some_and(|step| self.is_step(step)) {
            self.report(
                Diagnostic::new("unknown-service", format!("`{}` is a schema step, and no service", shown(name)), span)
                    .at("not there unless somebody runs it")
                    .help("remove it: nothing can wait for a schema step or reach it"),
            );
            return;
        }
        let title = format!("there is no service `{}`", shown(name));
        let names: Vec<&str> = self.spec.services.names().filter(|known| Some(*known) != but).collect();
        self.report_unknown(("unknown-service", title), "services", (name, span), names, || {
            "declare it under [services]".to_owned()
        });
    }

    /// The port of a service by its name; reports that there is none, among the names of `also`.
    fn port_of(&mut self, index: usize, name: &str, span: Span, also: &[&str]) -> Option<u16> {
        let ports = &self.ports[index];
        if let Some(port) = ports.iter().find(|port| port.name == name) {
            return Some(port.target);
        }
        let (service, written) = &self.spec.services.entries[index];
        // A port that was refused, or that a wrong kind or role doesn't have, was reported.
        if written.sound && !written.ports.knows(name) {
            let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).chain(also.iter().copied()).collect();
            let title = format!("service `{}` has no port `{}`", service.value, shown(name));
            let diagnostic = Diagnostic::new("unknown-port", title, span).also(service.span, "the service").suggest(
                name,
                names.iter().copied(),
                || format!("it has: {}", listed(names.iter().copied())),
            );
            self.report(diagnostic);
        }
        None
    }

    /// The services of a kind, in spec order.
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&'a Spanned<String>, &'a Service)> + use<'a> {
        self.spec.services.iter().filter(move |(_, service)| is_kind(service, kind))
    }

    /// The service that the `key` of a table names, or the only one of the kind.
    fn store(
        &mut self,
        (key, named): (&str, Option<&Spanned<String>>),
        kind: Kind,
        what: &str,
        span: Span,
    ) -> Option<&'a str> {
        if let Some(found) = self.find_store(named, kind) {
            return Some(found);
        }
        if let Some(name) = named {
            let other = self.spec.services.get(&name.value);
            if other.map_or(self.spec.services.knows(&name.value), |service| !service.sound) {
                return None;
            }
            let candidates: Vec<&str> = self.of_kind(kind).map(|(name, _)| name.value.as_str()).collect();
            let there_is = listed(candidates.iter().copied());
            let title = format!("no service of kind `{}` is called `{}`", kind.as_str(), shown(&name.value));
            self.report_unknown(("unknown-service", title), "services", (&name.value, name.span), candidates, || {
                format!("of that kind there is: {there_is}")
            });
            return None;
        }
        let found: Vec<&Spanned<String>> = self.of_kind(kind).map(|(name, _)| name).collect();
        match found.as_slice() {
            [] => {
                self.report_missing(
                    self.spec.sound,
                    Diagnostic::new(
                        "missing-service",
                        format!("{what} needs a service of kind `{}`", kind.as_str()),
                        span,
                    )
                    .help(format!("add a service with `kind = \"{}\"`", kind.as_str())),
                );
                None
            }
            [first, others @ ..] => {
                let second = others.first().unwrap_or(first);
                self.report(
                    Diagnostic::new(
                        "ambiguous-service",
                        format!("{what} could use `{}` or `{}`", first.value, second.value),
                        span,
                    )
                    .also(first.span, "one of that kind")
                    .also(second.span, "another")
                    .help(format!("name the one to use: `{key} = \"{}\"`", first.value)),
                );
                None
            }
        }
    }

    /// The same without a report.
    fn find_store(&self, named: Option<&Spanned<String>>, kind: Kind) -> Option<&'a str> {
        let mut found = self.of_kind(kind).filter(|(name, _)| named.is_none_or(|named| named.value == name.value));
        let (first, _) = found.next()?;
        found.next().is_none().then_some(first.value.as_str())
    }

    fn stack(&mut self, profile: &Spanned<String>) -> model::Stack {
        let spec = self.spec;
        names::stack(spec, self.diagnostics);
        self.resolve_ports();
        let network = spec.stack.network.as_ref().map_or_else(|| "default".to_owned(), |name| name.value.clone());
        let mut bundle = self.services(&network);
        let running = bundle.services.len();
        let schema = self.schema(&network, &mut bundle.services);
        let builds = self.builds();
        let clusters = self.clusters(&bundle.services);
        let infrastructure = self.infrastructure();
        let kinds = self.kind_models(&bundle.services);
        let dashboards = self.dashboards();
        let networks = self.networks(&network, &bundle.services);
        let volumes = self.volumes(bundle.implied_volumes, &bundle.services);
        let secrets = self.secrets(&bundle.services);
        let accepted = self.accepted();
        let variables = self.finish_variables();
        self.check_port_clashes();
        self.check_dependencies(&bundle.services);
        let schema_services = bundle.services.split_off(running);
        let title = spec.stack.title.clone().unwrap_or_else(|| spec.stack.name.value.clone());
        model::Stack {
            profile: profile.value.clone(),
            project: format!("{}-{}", spec.stack.name.value, profile.value),
            title,
            description: spec.stack.description.clone().unwrap_or_default(),
            networks,
            volumes,
            secrets,
            services: bundle.services,
            schema_services,
            schema,
            builds,
            clusters,
            mimirs: kinds.mimirs,
            lokis: kinds.lokis,
            alloys: kinds.alloys,
            grafanas: kinds.grafanas,
            dashboards,
            variables,
            infrastructure,
            accepted,
        }
    }
}

fn is_kind(service: &Service, kind: Kind) -> bool {
    service.kind.as_ref().is_some_and(|found| found.value == kind)
}
