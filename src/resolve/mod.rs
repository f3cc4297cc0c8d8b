//! Stage 2: spec to model. Names are looked up, defaults filled in, and everything that one table
//! says about another is checked. Every problem is collected; only a spec without any has a model.

mod clusters;
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
mod service;
mod text;
mod variables;

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model;
use crate::spec::ProfileSpec;
use crate::spec::decode::Spanned;
use crate::spec::service::{Kind, Service};
use crate::spec::stack::Spec;

/// Resolves one profile; `None` if there is a problem with it.
#[must_use]
pub fn resolve(profile: &ProfileSpec, diagnostics: &mut Diagnostics) -> Option<model::Stack> {
    names::profile(&profile.profile, diagnostics);
    let spec = profile.spec.as_ref()?;
    let mut resolver = Resolver::new(spec, diagnostics);
    let stack = resolver.stack(&profile.profile);
    diagnostics.is_empty().then_some(stack)
}

/// What the parts of this stage share.
struct Resolver<'a> {
    spec: &'a Spec,
    diagnostics: &'a mut Diagnostics,
    /// Index of each service by its name.
    index: HashMap<&'a str, usize>,
    /// The ports of each service, by index.
    ports: Vec<Vec<model::service::Port>>,
    /// Declared variables, and whether something refers to them.
    variables: HashMap<&'a str, Used<'a>>,
}

struct Used<'a> {
    variable: &'a crate::spec::stack::Variable,
    used: bool,
    /// The first default that a reference gave to a variable that declares none.
    inline: Option<(String, Span)>,
}

impl<'a> Resolver<'a> {
    fn new(spec: &'a Spec, diagnostics: &'a mut Diagnostics) -> Self {
        let index = spec.services.names().enumerate().map(|(index, name)| (name, index)).collect();
        let variables = spec
            .env
            .iter()
            .map(|(name, variable)| (name.value.as_str(), Used { variable, used: false, inline: None }))
            .collect();
        Self { spec, diagnostics, index, ports: Vec::new(), variables }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The services of a kind, in spec order.
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&'a Spanned<String>, &'a Service)> + use<'a> {
        self.spec.services.iter().filter(move |(_, service)| is_kind(service, kind))
    }

    /// The service that a table names, or the only one of the kind.
    fn store(&mut self, named: Option<&Spanned<String>>, kind: Kind, what: &str, span: Span) -> Option<&'a str> {
        if let Some(name) = named {
            let found = self.of_kind(kind).find(|(candidate, _)| candidate.value == name.value);
            if let Some((found, _)) = found {
                return Some(&found.value);
            }
            if self.spec.services.broken.contains(&name.value) {
                return None;
            }
            let candidates: Vec<&str> = self.of_kind(kind).map(|(name, _)| name.value.as_str()).collect();
            let listed = crate::spec::decode::listed(candidates.iter().copied());
            let title = format!("no service of kind `{}` is called `{}`", kind.as_str(), name.value);
            self.report(
                Diagnostic::new("unknown-service", title, name.span)
                    .suggest(&name.value, candidates, || format!("of that kind there is: {listed}")),
            );
            return None;
        }
        let found: Vec<&Spanned<String>> = self.of_kind(kind).map(|(name, _)| name).collect();
        match found.as_slice() {
            [only] => Some(&only.value),
            [] => {
                if self.spec.services.broken.is_empty() {
                    self.report(
                        Diagnostic::new(
                            "missing-service",
                            format!("{what} needs a service of kind `{}`", kind.as_str()),
                            span,
                        )
                        .help(format!("add a service with `kind = \"{}\"`", kind.as_str())),
                    );
                }
                None
            }
            [first, second, ..] => {
                self.report(
                    Diagnostic::new(
                        "ambiguous-service",
                        format!("{what} could use `{}` or `{}`", first.value, second.value),
                        span,
                    )
                    .also(first.span, "one of that kind")
                    .also(second.span, "another")
                    .help("name the one to use"),
                );
                None
            }
        }
    }

    fn stack(&mut self, profile: &Spanned<String>) -> model::Stack {
        let spec = self.spec;
        names::stack(spec, self.diagnostics);
        self.resolve_ports();
        let network = spec.stack.network.as_ref().map_or_else(|| "default".to_owned(), |name| name.value.clone());
        let bundle = self.services(&network);
        let builds = self.builds();
        let clusters = self.clusters(&bundle.services);
        let infrastructure = self.infrastructure();
        let kinds = self.kind_models(&bundle.services);
        let networks = self.networks(&network, &bundle.services);
        let volumes = self.volumes(bundle.implied_volumes, &bundle.services);
        let secrets = self.secrets(&bundle.services);
        let variables = self.finish_variables();
        self.check_port_clashes();
        self.check_dependencies(&bundle.services);
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
            builds,
            clusters,
            mimirs: kinds.mimirs,
            lokis: kinds.lokis,
            alloys: kinds.alloys,
            grafanas: kinds.grafanas,
            variables,
            infrastructure,
        }
    }
}

fn is_kind(service: &Service, kind: Kind) -> bool {
    service.kind.as_ref().is_some_and(|found| found.value == kind)
}
