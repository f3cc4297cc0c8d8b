//! What the kind of a service implies for it: what the kind declares, and additional logic for a few kinds.

mod alloy;
mod declared;
mod elasticsearch;
mod grafana;
mod temporal;

pub(super) use temporal::server_environment;

use super::images::check_grammar;
use super::{DASHBOARDS, Resolver, add_a_provider};
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::Keys;
use crate::model::kind::{File, Secret, Setting};
use crate::model::service::{Command, Dependency, Metrics, Mount, Probe};
use crate::model::text::{Text, Value};
use crate::spec::compose::NO_NEW_PRIVILEGES;
use crate::spec::decode::{Spanned, shown};
use crate::spec::service::{Condition, MountType, Service};
use crate::spec::tree::MOST_COPIED;

/// What a kind implies for one service, as far as the spec doesn't say otherwise.
#[derive(Default)]
pub(super) struct Preset {
    /// What to do instead of setting a variable or the volume of a built-in kind: the spec can't change those.
    pub decides: Option<String>,
    pub description: Option<String>,
    pub command: Option<Command>,
    pub entrypoint: Option<Command>,
    pub environment: Vec<(String, Text)>,
    /// Further variables that the image's programs read; empty if that isn't known.
    pub reads: Vec<String>,
    /// Named volumes: name and where it appears.
    pub volumes: Vec<(String, String)>,
    pub mounts: Vec<Mount>,
    pub depends_on: Vec<Dependency>,
    pub healthcheck: Option<Probe>,
    pub extra_hosts: Vec<(String, Text)>,
    pub metrics: Option<Metrics>,
    /// The home of the image's user, if the kind knows it.
    pub aws_home: Option<String>,
    /// Whether it always uses AWS.
    pub always_aws: bool,
    /// Whether it exits when it is done.
    pub one_shot: bool,
    /// A command of its image that succeeds once that has been done.
    pub effect: Option<Command>,
    /// Further keys of Compose.
    pub keys: Keys,
    /// The settings of the kind.
    pub settings: Vec<Setting>,
    /// The secrets among them.
    pub secrets: Vec<Secret>,
    /// Generated files among its mounts.
    pub files: Vec<File>,
}

/// The models of the kinds whose files need more than their own settings.
#[derive(Default)]
pub(super) struct KindModels {
    pub alloys: Vec<model::Alloy>,
    pub grafanas: Vec<model::Grafana>,
}

/// What is not data of a kind, since it depends on other services.
struct Logic<'a> {
    /// Completes what the kind declares.
    preset: CompletePreset<'a>,
    /// What the files of the kind need, once every service is resolved.
    model: Option<AddModel<'a>>,
}

type CompletePreset<'a> = fn(&mut Resolver<'a>, &'a Spanned<String>, &'a Service, &mut Preset);
type AddModel<'a> = fn(&mut Resolver<'a>, &'a Spanned<String>, &'a Service, &[model::Service], &mut KindModels);

/// Whether a built-in kind is more than its declaration.
pub fn has_logic(name: &str) -> bool {
    logic(name).is_some()
}

/// The kinds with their own logic: the only place that refers to kinds by name.
fn logic<'a>(kind: &str) -> Option<Logic<'a>> {
    Some(match kind {
        "alloy" => Logic { preset: Resolver::alloy, model: Some(Resolver::alloy_model) },
        "elasticsearch-setup" => Logic { preset: Resolver::elasticsearch_setup, model: None },
        "grafana" => Logic { preset: Resolver::grafana, model: Some(Resolver::grafana_model) },
        "temporal-namespaces" => Logic { preset: Resolver::temporal_namespaces, model: None },
        "temporal-schema" => Logic { preset: Resolver::temporal_schema, model: None },
        "temporal-server" => Logic { preset: Resolver::temporal_server, model: None },
        _ => return None,
    })
}

impl Resolver<'_> {
    /// Whether the services have few enough copies of the project's kinds to be resolved; reports it if not.
    pub(super) fn kinds_fit(&mut self) -> bool {
        let of_services = self.spec.services.iter().filter_map(|(_, service)| service.kind.as_ref());
        let own = of_services.map(|kind| &kind.value).filter(|kind| kind.is_own());
        let most = usize::try_from(MOST_COPIED).unwrap_or(usize::MAX) / self.profile.share;
        let mut size: usize = 0;
        for kind in own {
            size = size.saturating_add(kind.size());
            if size > most {
                let title = "the spec is too large: the kinds of its services are copied too often";
                let help = "shorten the kind, or use it less often";
                self.report(Diagnostic::new("spec-too-large", title, kind.place()).help(help));
                return false;
            }
        }
        true
    }

    /// Reports kinds of the project that can't replace the built-in ones of their names.
    pub(super) fn check_kinds(&mut self) {
        let profile = self.profile;
        for (name, kind) in profile.kinds.own() {
            let image = kind.and_then(|kind| kind.new.as_ref()?.image.as_ref());
            if let Some(image) = image
                && let Err(problem) = check_grammar(image)
            {
                let title = format!("invalid image `{}`", shown(image));
                self.report(Diagnostic::new("invalid-image", title, image.span).help(problem));
            }
            if let Some(kind) = kind.filter(|_| has_logic(name)) {
                let title = format!("the built-in kind `{name}` cannot be replaced");
                let help = "rename its folder: `gen` generates what the built-in one needs of other services";
                self.report(Diagnostic::new("invalid-kind", title, kind.place()).help(help));
            }
        }
    }

    /// What the kind of a service implies for it.
    pub(super) fn preset(&mut self, index: usize) -> Preset {
        let spec = self.spec;
        let (name, service) = &spec.services.entries[index];
        let Some(kind) = service.kind.as_ref().map(|kind| &kind.value) else { return Preset::default() };
        let mut preset = self.declared(index, kind);
        if let Some(logic) = logic(kind.as_str()) {
            (logic.preset)(self, name, service, &mut preset);
        }
        preset
    }

    /// The models of the kinds whose files need more than their own settings.
    pub(super) fn kind_models(&mut self, services: &[model::Service]) -> KindModels {
        let mut models = KindModels::default();
        for (name, service) in self.spec.services.iter() {
            let model = service.kind.as_ref().and_then(|kind| logic(kind.value.as_str())?.model);
            if let Some(model) = model {
                model(self, name, service, services, &mut models);
            }
        }
        // A template of the project may list what is scraped.
        if models.alloys.is_empty()
            && self.spec.files.is_empty()
            && self.profile.kinds.are_built_in()
            && !self.removes()
        {
            // A port that is not known was reported.
            for (written, _) in self.spec.services.iter().zip(services).filter(|(_, service)| service.metrics.is_some())
            {
                if let Some(metrics) = &written.1.metrics {
                    self.report(
                        Diagnostic::new("unscraped-metrics", "nothing collects these metrics", metrics.span)
                            .help("add a service of kind `alloy`, or remove `metrics`"),
                    );
                }
            }
        }
        if let Some((name, _)) = self.spec.datasources.iter().next()
            && models.grafanas.is_empty()
            && !self.removes()
        {
            self.report_missing(
                self.spec.sound,
                Diagnostic::new("missing-service", format!("unused datasource `{}`", name.value), name.span)
                    .help(format!("{}, or remove the datasources", add_a_provider(&self.profile.kinds, DASHBOARDS))),
            );
        }
        models
    }

    /// The host-published number of a port, if it is published and known.
    pub(super) fn published(&self, service: &str, port: &str) -> Option<u16> {
        let index = *self.index.get(service)?;
        self.ports[index].iter().find(|known| known.name == port)?.published.as_ref()?.number()
    }
}

/// A dependency that a kind implies.
fn needs(service: &str, condition: Condition) -> Dependency {
    Dependency { service: service.to_owned(), condition, restart: false, required: true, keys: Keys::default() }
}

/// A line for a shell, as a command.
fn in_shell(line: &str) -> Command {
    Command::Arguments(vec!["sh".into(), "-c".into(), line.into()])
}

/// A generated file, mounted read-only; its path is relative to the Compose file.
fn generated(source: &str, target: &str) -> Mount {
    host_path(format!("./{source}").into(), target.into())
}

/// A path of the host, mounted read-only.
pub(super) fn host_path(source: Text, target: Text) -> Mount {
    let mut keys = Keys::default();
    super::mounts::keep_missing(&mut keys);
    Mount { kind: MountType::Bind, source: Some(source), target, read_only: Some(Value::Is(true)), keys }
}

/// Capabilities that are dropped, all of them.
pub(super) fn all_capabilities() -> Vec<Text> {
    vec!["ALL".into()]
}

/// What keeps a program from gaining privileges by running another one.
pub(super) fn no_new_privileges() -> Vec<Text> {
    vec![NO_NEW_PRIVILEGES.into()]
}

/// A variable with a fixed value.
fn fixed(name: &str, value: impl Into<Text>) -> (String, Text) {
    (name.to_owned(), value.into())
}
