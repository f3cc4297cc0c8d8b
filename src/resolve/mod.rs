//! Stage 2: spec to model. Names are looked up, defaults filled in, and everything that one table
//! assumes about another is checked. Every problem is collected; only a spec without any has a model.

mod accepted;
mod clusters;
mod compose;
mod connections;
pub mod dashboards;
mod datasources;
mod dependencies;
mod external;
mod files;
mod health;
mod images;
mod infrastructure;
mod isolated;
mod kinds;
mod kubernetes;
mod mounts;
mod names;
mod networks;
mod patches;
mod paths;
mod ports;
mod schema;
mod secrets;
mod service;
mod text;
mod variables;

pub use dashboards::{Shared, with_stand_ins};
pub use images::{is_digest, tag};
pub use kinds::has_logic;
pub use names::{is_setting, problem as name_problem};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::HashMap;

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model;
use crate::model::Address;
use crate::model::service::References;
use crate::spec::ProfileSpec;
use crate::spec::decode::{Spanned, expected, shown};
use crate::spec::isolation;
use crate::spec::kind::{Kind, Kinds, Provision, Settings};
use crate::spec::lints::Level;
use crate::spec::service::Service;
use crate::spec::stack::{DEFAULTS, Defaults, GENERATED, Spec, TERRAFORM};
use paths::Folder;

/// Resolves one profile; `None` if there is a problem with it. `shared` has what earlier profiles of the spec have in common with it.
pub fn resolve(profile: &ProfileSpec, shared: &mut Shared, diagnostics: &mut Diagnostics) -> Option<model::Stack> {
    names::profile(&profile.profile, diagnostics);
    let stack = resolve_all_the_same(profile, shared, diagnostics)?;
    diagnostics.is_empty().then_some(stack)
}

/// What can be resolved of a profile despite its problems: never run or written, only used to show the effect
/// of a key.
pub fn resolve_all_the_same(
    profile: &ProfileSpec,
    shared: &mut Shared,
    diagnostics: &mut Diagnostics,
) -> Option<model::Stack> {
    let spec = profile.spec.as_ref()?;
    let mut resolver = Resolver::new(profile, spec, shared, diagnostics);
    resolver.kinds_fit().then(|| resolver.stack(&profile.profile))
}

/// What a kind provides that shows dashboards.
const DASHBOARDS: &str = "dashboards";

/// What the parts of this stage share.
struct Resolver<'a> {
    profile: &'a ProfileSpec,
    spec: &'a Spec,
    shared: &'a mut Shared,
    diagnostics: &'a mut Diagnostics,
    /// Where the Compose file is.
    folder: Folder,
    /// Index of each service by its name.
    index: HashMap<&'a str, usize>,
    /// What runs outside of the stack, by name.
    external: HashMap<&'a str, external::Elsewhere<'a>>,
    /// The index of each service that others can use for something, in spec order, by what it provides.
    providers: HashMap<&'a str, Rc<Vec<usize>>>,
    /// The index of each service that names a cluster, in spec order, by that name.
    of_clusters: HashMap<&'a str, Rc<Vec<usize>>>,
    /// The ports of each service, by index.
    ports: Vec<Arc<[model::service::Port]>>,
    /// What each service has outside of Kubernetes.
    workload: Arc<model::kubernetes::Workload>,
    /// Declared variables by name.
    variables: HashMap<&'a str, Declared<'a>>,
    /// The pools in each PostgreSQL service, as soon as one is asked for.
    pools: Option<Rc<BTreeMap<&'a str, clusters::Pools>>>,
    /// How much of builds of images was copied so far.
    copied: u64,
    /// The references since this was last taken: those of a service are complete once it is resolved.
    references: References,
    /// The services with a fixed address in a network, and where it is written.
    addresses: HashMap<(&'a str, IpAddr), Vec<(Span, &'a Service)>>,
}

/// A variable of the user's `.env`.
struct Declared<'a> {
    name: &'a Spanned<String>,
    variable: &'a crate::spec::stack::Variable,
    /// Whether something that was resolved so far refers to it.
    used: bool,
    /// The first default that a reference gave to a variable that declares none.
    inline: Option<(crate::spec::text::Text, Span)>,
}

impl<'a> Resolver<'a> {
    fn new(profile: &'a ProfileSpec, spec: &'a Spec, shared: &'a mut Shared, diagnostics: &'a mut Diagnostics) -> Self {
        let index = spec.services.names().enumerate().map(|(index, name)| (name, index)).collect();
        let variables = spec
            .env
            .iter()
            .map(|(name, variable)| (name.value.as_str(), Declared { name, variable, used: false, inline: None }))
            .collect();
        let mut providers: HashMap<&'a str, Vec<usize>> = HashMap::default();
        let mut of_clusters: HashMap<&'a str, Vec<usize>> = HashMap::default();
        for (index, (_, service)) in spec.services.iter().enumerate() {
            for what in service.kind.iter().flat_map(|kind| kind.value.declaration().provides.names()) {
                providers.entry(what).or_default().push(index);
            }
            if let Some(cluster) = &service.cluster {
                of_clusters.entry(&cluster.value).or_default().push(index);
            }
        }
        // Shared, so that the resolver can be used meanwhile.
        let counted = |places: HashMap<&'a str, Vec<usize>>| {
            places.into_iter().map(|(name, places)| (name, Rc::new(places))).collect()
        };
        let (providers, of_clusters) = (counted(providers), counted(of_clusters));
        let references = References::default();
        let generated = spec.outputs.as_ref().and_then(|outputs| outputs.generated.as_ref());
        let mut folder = Folder::of(generated.map_or(GENERATED, |name| &name.value), &profile.profile.value);
        if profile.isolation.is_some() {
            folder.leave(spec.stack.unmanaged.iter().map(|path| path.value.as_str()));
        }
        let (ports, addresses) = (Vec::new(), HashMap::default());
        Self {
            profile,
            spec,
            shared,
            diagnostics,
            folder,
            index,
            external: HashMap::default(),
            providers,
            of_clusters,
            ports,
            workload: Arc::default(),
            variables,
            references,
            addresses,
            pools: None,
            copied: 0,
        }
    }

    /// Reports a diagnostic, at the level that the spec chooses if it only looks wrong.
    fn report(&mut self, diagnostic: Diagnostic) {
        match self.spec.lints.level(diagnostic.code) {
            Level::Allow => {}
            Level::Warn => self.diagnostics.warn(diagnostic),
            Level::Deny => self.diagnostics.push(diagnostic),
        }
    }

    /// Whether services get what `gen` thinks safe if they don't set it.
    fn adds_defaults(&self) -> bool {
        self.spec.stack.defaults.unwrap_or(DEFAULTS) == Defaults::Gen
    }

    /// Reports something missing, if its table was `sound`: otherwise it may be the part that could not be read.
    fn report_missing(&mut self, sound: bool, diagnostic: Diagnostic) {
        if sound {
            self.report(diagnostic);
        }
    }

    /// Reports something unused, unless an unknown name, of the code `unknown`, may have been meant for it.
    fn report_unused(&mut self, unknown: &str, diagnostic: Diagnostic) {
        if self.spec.sound && !self.diagnostics.has(unknown) {
            self.report(diagnostic);
        }
    }

    /// Whether the profile removes something: what only that used is then left out without an error.
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
                .also(removed.span, format!("removed by the profile `{}`", shown(&self.profile.profile.value)))
                .help("remove or change the reference in the profile"),
            None => diagnostic.suggest_of(self.diagnostics, name, candidates, otherwise),
        };
        self.report(diagnostic);
    }

    /// Reports an unknown service.
    fn unknown_service(&mut self, name: &str, span: Span, but: Option<&str>) {
        // Reported already, or dropped anyway.
        let is_broken = self.spec.services.broken.contains(name) || self.spec.external.broken.contains(name);
        if is_broken || self.diagnostics.is_full() {
            return;
        }
        if let Some(elsewhere) = self.external.get(name) {
            let title = format!("`{}` is external, and has no container here", shown(name));
            let declared = elsewhere.written.span;
            let port = elsewhere.ports().first().map_or_else(|| "port".to_owned(), |(port, _)| port.clone());
            let help = format!("remove it; its address is `${{{}.{}}}`", shown(name), shown(&port));
            self.report(Diagnostic::new("unknown-service", title, span).also(declared, "declared here").help(help));
            return;
        }
        if name.strip_prefix(schema::PREFIX).is_some_and(|step| self.is_step(step)) {
            self.report(
                Diagnostic::new("unknown-service", format!("`{}` is a schema step, not a service", shown(name)), span)
                    .at("only runs on demand")
                    .help("remove it: services cannot depend on or connect to a schema step"),
            );
            return;
        }
        if let Some(base) = self.spec.services.base(name) {
            let first = format!("{name}-1");
            let (title, help) = if self.spec.services.knows(&first) {
                ("has instances", format!("name one of them: `{}`", shown(&first)))
            } else {
                ("is abstract", "name a service that extends it".to_owned())
            };
            let title = format!("service `{}` {title}", shown(name));
            self.report(Diagnostic::new("unknown-service", title, span).also(base, "declared here").help(help));
            return;
        }
        let title = format!("unknown service `{}`", shown(name));
        let names = self.spec.services.names().filter(|known| Some(*known) != but);
        let names = names.chain(self.spec.external.names());
        self.report_unknown(("unknown-service", title), "services", (name, span), names, || {
            "declare it under [services]".to_owned()
        });
    }

    /// The port of a service by its name; reports an unknown one, with the names of `also` as candidates.
    fn port_of(&mut self, index: usize, name: &str, span: Span, also: &[&str]) -> Option<u16> {
        let ports = &self.ports[index];
        if let Some(port) = ports.iter().find(|port| port.name == name) {
            return Some(port.target);
        }
        let (service, written) = &self.spec.services.entries[index];
        // A rejected port, or one that a wrong kind or role lacks, was already reported.
        if written.sound && !written.ports.knows(name) {
            let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).chain(also.iter().copied()).collect();
            let title = format!("unknown port `{}` of service `{}`", shown(name), service.value);
            let diagnostic = Diagnostic::new("unknown-port", title, span).also(service.span, "the service").suggest_of(
                self.diagnostics,
                name,
                names.iter().copied(),
                || match names.as_slice() {
                    [] => format!("declare it in the `ports` of `{}`", service.value),
                    names => expected(names.iter().copied()),
                },
            );
            self.report(diagnostic);
        }
        None
    }

    /// The services that others can use for something, in spec order.
    fn providers(&self, what: &str) -> impl Iterator<Item = (&'a Spanned<String>, &'a Service)> + use<'a> {
        self.services_at(self.providers.get(what))
    }

    /// The names of all that others can use for something, external ones last.
    fn provider_names(&self, what: &str) -> Vec<&'a Spanned<String>> {
        let external = self.spec.external.iter().filter(|(_, external)| {
            external.kind.as_ref().is_some_and(|kind| kind.value.declaration().provides.get(what).is_some())
        });
        self.providers(what).map(|(name, _)| name).chain(external.map(|(name, _)| name)).collect()
    }

    /// The kind of a service or of an external one, and its settings.
    fn kind_of(&self, name: &str) -> Option<(&'a Kind, Option<&'a Settings>)> {
        if let Some(service) = self.in_spec(name) {
            return Some((&service.kind.as_ref()?.value, service.settings.as_deref()));
        }
        let written = self.spec.external.get(name)?;
        Some((&written.kind.as_ref()?.value, written.settings.as_deref()))
    }

    fn services_at(
        &self,
        places: Option<&Rc<Vec<usize>>>,
    ) -> impl Iterator<Item = (&'a Spanned<String>, &'a Service)> + use<'a> {
        let (spec, places) = (self.spec, places.cloned().unwrap_or_default());
        (0..places.len()).filter_map(move |at| {
            let (name, service) = spec.services.entries.get(*places.get(at)?)?;
            Some((name, &**service))
        })
    }

    /// Where a service is reached for something that it provides; `None` if it doesn't.
    fn provided(
        &self,
        service: &str,
        what: &str,
        by: impl Fn(&'a Provision) -> Option<&'a Spanned<String>>,
    ) -> Option<Address> {
        let kind = self.kind_of(service)?.0.declaration();
        let (port, path) = kind.endpoint(by(kind.provides.get(what)?)?)?;
        let target = kind.ports.get(port)?.target;
        let number = self.external.get(service).map_or(Some(target), |elsewhere| elsewhere.port(port))?;
        Some(self.address_of(service, number, path))
    }

    /// The service that the `key` of a table names, or the only one that provides it.
    fn store(
        &mut self,
        (key, named): (&str, Option<&Spanned<String>>),
        provided: &str,
        what: &str,
        span: Span,
    ) -> Option<&'a str> {
        if let Some(found) = self.find_store(named, provided) {
            return Some(found);
        }
        if let Some(name) = named {
            let other = self.spec.services.get(&name.value).map(|service| service.sound);
            let other = other.or_else(|| Some(self.spec.external.get(&name.value)?.sound));
            let is_broken = self.spec.services.knows(&name.value) || self.spec.external.knows(&name.value);
            if other.map_or(is_broken, |sound| !sound) {
                return None;
            }
            let candidates: Vec<&str> = self.provider_names(provided).iter().map(|name| name.value.as_str()).collect();
            let otherwise = if candidates.is_empty() {
                add_a_provider(&self.profile.kinds, provided)
            } else {
                expected(candidates.iter().copied())
            };
            let kinds = kinds_that(&self.profile.kinds, provided);
            let title = match other {
                Some(_) => format!("service `{}` is not of {kinds}", shown(&name.value)),
                None => format!("unknown service `{}` of {kinds}", shown(&name.value)),
            };
            self.report_unknown(("unknown-service", title), "services", (&name.value, name.span), candidates, || {
                otherwise
            });
            return None;
        }
        let found = self.provider_names(provided);
        match found.as_slice() {
            [] => {
                let add = add_a_provider(&self.profile.kinds, provided);
                // A datasource may query any service.
                let is_any =
                    key == "service" && self.spec.services.entries.iter().any(|(_, service)| service.kind.is_none());
                let help = if is_any {
                    format!("{add}, or name the service that serves it: `service = \"…\"`")
                } else {
                    add
                };
                self.report_missing(
                    self.spec.sound,
                    Diagnostic::new(
                        "missing-service",
                        format!("{what} needs a service of {}", kinds_that(&self.profile.kinds, provided)),
                        span,
                    )
                    .help(help),
                );
                None
            }
            [first, others @ ..] => {
                let second = others.first().unwrap_or(first);
                self.report(
                    Diagnostic::new(
                        "ambiguous-service",
                        format!("ambiguous service for {what}: `{}` or `{}`", first.value, second.value),
                        span,
                    )
                    .also(first.span, "one candidate")
                    .also(second.span, "another candidate")
                    .help(format!("choose one: `{key} = \"{}\"`", first.value)),
                );
                None
            }
        }
    }

    /// As [`Self::store`], without reporting anything.
    fn find_store(&self, named: Option<&Spanned<String>>, provided: &str) -> Option<&'a str> {
        let found = self.provider_names(provided);
        let mut found = found.into_iter().filter(|name| named.is_none_or(|named| named.value == name.value));
        let first = found.next()?;
        found.next().is_none().then_some(first.value.as_str())
    }

    /// Where the outputs are, and which there are.
    fn outputs_of(&mut self) -> model::Outputs {
        let mut found = model::Outputs { isolated: self.profile.isolation.is_some(), ..model::Outputs::default() };
        let Some(outputs) = &self.spec.outputs else { return found };
        found.readme = outputs.readme.unwrap_or(found.readme);
        found.env_example = outputs.env_example.unwrap_or(found.env_example);
        found.schemas = outputs.schemas.unwrap_or(found.schemas);
        found.reference = outputs.reference.unwrap_or(found.reference);
        for (name, to, other) in [
            (&outputs.generated, &mut found.generated, TERRAFORM),
            (&outputs.terraform, &mut found.terraform, GENERATED),
        ] {
            let Some(name) = name else { continue };
            to.clone_from(&name.value);
            let problem = if name.value == self.profile.location.top().to_ascii_lowercase() {
                Some("the spec is in it".to_owned())
            } else if name.value == other {
                Some(format!("it is the default of `outputs.{other}`"))
            } else {
                names::problem(&name.value)
            };
            if let Some(problem) = problem {
                let title = format!("invalid folder of outputs `{}`", shown(&name.value));
                self.diagnostics.push(Diagnostic::new("invalid-path", title, name.span).at(problem).help(
                    "write the name of a folder in the root of the project that has nothing else in it, such as `deploy`",
                ));
            }
        }
        if found.generated == found.terraform
            && let Some(name) = outputs.terraform.as_ref().or(outputs.generated.as_ref())
        {
            let title = format!("duplicate folder of outputs `{}`", shown(&name.value));
            self.report(Diagnostic::new("output-clash", title, name.span).help("rename `generated` or `terraform`"));
        }
        found
    }

    /// The paths in the folders of the outputs that are the user's.
    fn unmanaged(&mut self, profile: &str, outputs: &model::Outputs) -> Vec<String> {
        let folders = [&outputs.generated, &outputs.terraform];
        let mut paths = Vec::new();
        for path in &self.spec.stack.unmanaged {
            let plain = path.value.trim_end_matches('/');
            let below = plain.split_once('/').filter(|(top, _)| folders.iter().any(|folder| folder == top));
            let below = below.map(|(_, below)| below);
            let is_unused = plain == outputs.terraform && self.spec.infrastructure.is_none();
            if !is_plain(&path.value) || !(is_unused || below.is_some_and(|below| below != profile)) {
                self.report(
                    Diagnostic::new("invalid-path", format!("invalid path `{}`", shown(&path.value)), path.span).help(
                        format!(
                            "write a path in a folder of the outputs, such as `{}/dev/backend.tf`",
                            shown(&outputs.terraform)
                        ),
                    ),
                );
            } else {
                paths.push(plain.to_owned());
            }
        }
        paths
    }

    fn stack(&mut self, profile: &Spanned<String>) -> model::Stack {
        let spec = self.spec;
        names::stack(spec, self.diagnostics);
        self.check_kinds();
        self.resolve_external();
        self.resolve_ports();
        let network = spec.stack.network.as_ref().map_or_else(|| "default".to_owned(), |name| name.value.clone());
        let mut bundle = self.services(&network);
        let running = bundle.services.len();
        let schema = self.schema(&network, &mut bundle.services);
        let builds = self.builds();
        let clusters = self.clusters();
        let infrastructure = self.infrastructure();
        let kinds = self.kind_models(&bundle.services);
        let dashboards = self.dashboards();
        let networks = self.networks(&network, &bundle.services);
        let volumes = self.volumes(bundle.implied_volumes, &bundle.services);
        let secrets = self.secrets(bundle.implied_secrets);
        let configs = self.configs();
        let models = self.models();
        let extensions = self.keys(&spec.compose);
        let accepted = self.accepted(&bundle.services);
        let patches = self.patches();
        let ejected = self.ejected();
        let variables = self.finish_variables();
        self.check_secrets();
        self.check_port_clashes();
        self.check_dependencies(&bundle.services);
        self.check_networks(&bundle.services, &kinds);
        let schema_services = bundle.services.split_off(running);
        let mut outputs = self.outputs_of();
        // Nobody reads those of an isolated stack; they are next to the committed outputs.
        outputs.readme &= !outputs.isolated;
        outputs.env_example &= !outputs.isolated;
        let unmanaged = self.unmanaged(&profile.value, &outputs);
        let title = spec.stack.title.clone().unwrap_or_else(|| spec.stack.name.value.clone());
        let project = isolation::project(&spec.stack, &profile.value);
        let mut stack = model::Stack {
            spec: self.profile.location.in_root(),
            profile: profile.value.clone(),
            kubernetes: self.kubernetes(&project),
            project,
            isolated: spec.stack.isolated.as_ref().is_some_and(|isolated| isolated.value),
            title,
            description: spec.stack.description.clone().unwrap_or_default(),
            networks,
            volumes,
            secrets,
            configs,
            models,
            extensions,
            services: bundle.services,
            external: self.external_models(),
            schema_services,
            schema,
            builds,
            clusters,
            alloys: kinds.alloys,
            grafanas: kinds.grafanas,
            dashboards,
            files: Vec::new(),
            patches,
            ejected,
            outputs,
            variables,
            infrastructure,
            accepted: accepted.findings,
            accepted_changes: accepted.changes,
            unmanaged,
        };
        if let Some(isolation) = &self.profile.isolation {
            isolated::rename(&mut stack, &isolation.suffix);
        }
        self.files(&mut stack);
        connections::add(&mut stack);
        let pods = self.pod_identity(&stack);
        if let Some(infrastructure) = &mut stack.infrastructure {
            infrastructure.pods = pods;
        }
        self.check_kubernetes(&stack);
        stack
    }
}

/// Whether a path is relative and has neither `..` nor an empty part but the last.
fn is_plain(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    !path.contains(['\\', '\n']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The kinds that provide something, for a message.
fn kinds_that(kinds: &Kinds, provide: &str) -> String {
    let kinds = kinds.all().filter(|kind| kind.provides(provide));
    let names = kinds.map(|kind| format!("`{}`", kind.as_str())).collect::<Vec<_>>().join(" or ");
    if names.is_empty() { format!("a kind that provides `{}`", shown(provide)) } else { format!("kind {names}") }
}

/// How to add a missing provider.
fn add_a_provider(kinds: &Kinds, provided: &str) -> String {
    match kinds.all().find(|kind| kind.provides(provided)) {
        Some(kind) => format!("add a service with `kind = \"{}\"`", kind.as_str()),
        None => format!("add `[provides.{}]` to a kind in `spec/kinds/`", shown(provided)),
    }
}
