//! What each kind of service implies.

mod alloy;
mod elasticsearch;
mod grafana;
mod loki;
mod mimir;
mod temporal;

pub(super) use temporal::{dynamic_setting, server_environment};

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::Keys;
use crate::model::kind::{
    ALLOY_HTTP, ELASTICSEARCH_HTTP, FRONTEND, FRONTEND_HTTP, HISTORY, LOKI_HTTP, MATCHING, MIMIR_HTTP,
    TEMPORAL_METRICS, WORKER,
};
use crate::model::service::{Command, Dependency, Metrics, Mount, Probe};
use crate::model::text::{Text, Value};
use crate::spec::compose::NO_NEW_PRIVILEGES;
use crate::spec::decode::Spanned;
use crate::spec::service::{Condition, Kind, Role, Service};

/// A port that a kind listens on.
pub(crate) struct KindPort {
    pub name: &'static str,
    pub target: u16,
    /// A path that answers a GET with 200.
    pub path: Option<&'static str>,
}

/// Something that a kind serves, for `${service.name}`.
pub(super) struct Endpoint {
    pub name: &'static str,
    pub port: &'static str,
    pub path: &'static str,
}

/// What a kind implies for one service. The spec may change all of it but the command and the
/// variables.
#[derive(Default)]
pub(super) struct Preset {
    pub description: Option<String>,
    pub command: Option<Command>,
    pub entrypoint: Option<Command>,
    pub environment: Vec<(String, Text)>,
    /// Further variables that the image's programs read; empty if that isn't known.
    pub reads: &'static [&'static str],
    /// Named volumes: name and where it appears.
    pub volumes: Vec<(String, String)>,
    pub mounts: Vec<Mount>,
    pub depends_on: Vec<Dependency>,
    pub healthcheck: Option<Probe>,
    pub extra_hosts: Vec<(String, Text)>,
    pub ulimits: Vec<(&'static str, i64)>,
    pub metrics: Option<Metrics>,
    /// The home of the image's user, if the kind knows it.
    pub aws: Option<&'static str>,
    /// Whether it ends by itself.
    pub one_shot: bool,
    /// What its processes may not do.
    pub confinement: Confinement,
}

/// What the processes of a known image need not do, and so may not.
#[derive(Default, Clone, Copy)]
pub(super) struct Confinement {
    /// Whether every capability is dropped.
    pub drop_all: bool,
    /// Those that it needs all the same.
    pub keep: &'static [&'static str],
    /// Whether the image's own files can't be changed; then what is written goes to volumes and to `/tmp` in memory.
    pub read_only: bool,
}

/// No capabilities, and an image that is only read.
const READ_ONLY: Confinement = Confinement { drop_all: true, keep: &[], read_only: true };

/// No capabilities, for an image that writes to itself.
const WRITABLE: Confinement = Confinement { drop_all: true, keep: &[], read_only: false };

/// The models of the kinds that have a configuration file.
#[derive(Default)]
pub(super) struct KindModels {
    pub mimirs: Vec<model::Mimir>,
    pub lokis: Vec<model::Loki>,
    pub alloys: Vec<model::Alloy>,
    pub grafanas: Vec<model::Grafana>,
}

macro_rules! kind_ports {
    ($($name:literal = $target:expr $(=> $path:expr)?),* $(,)?) => {
        &[$(KindPort { name: $name, target: $target, path: kind_ports!(@path $($path)?) }),*]
    };
    (@path) => { None };
    (@path $path:expr) => { Some($path) };
}

/// The ports of a kind.
pub(crate) fn ports(kind: Option<Kind>, role: Option<Role>) -> &'static [KindPort] {
    // The frontend's HTTP API answers nothing at `/` (Temporal 1.31.2).
    const FRONTEND_API: &str = "/api/v1/system-info";
    macro_rules! server_ports {
        ($role:ident) => {
            kind_ports!["grpc" = $role.grpc, "membership" = $role.membership, "metrics" = TEMPORAL_METRICS,]
        };
    }
    match kind {
        None | Some(Kind::ElasticsearchSetup) => &[],
        Some(Kind::TemporalServer) => match role {
            Some(Role::History) => server_ports!(HISTORY),
            Some(Role::Matching) => server_ports!(MATCHING),
            Some(Role::Worker) => server_ports!(WORKER),
            Some(Role::Frontend) | None => kind_ports![
                "grpc" = FRONTEND.grpc,
                "http" = FRONTEND_HTTP => FRONTEND_API,
                "membership" = FRONTEND.membership,
                "metrics" = TEMPORAL_METRICS,
            ],
        },
        Some(Kind::TemporalUi) => kind_ports!["http" = 8080 => "/"],
        Some(Kind::Elasticsearch) => kind_ports!["http" = ELASTICSEARCH_HTTP => "/"],
        Some(Kind::Mimir) => kind_ports!["http" = MIMIR_HTTP => "/"],
        // Loki answers 404 at `/`.
        Some(Kind::Loki) => kind_ports!["http" = LOKI_HTTP => "/ready"],
        Some(Kind::Alloy) => kind_ports!["http" = ALLOY_HTTP => "/"],
        Some(Kind::Grafana) => kind_ports!["http" = 3000 => "/"],
    }
}

/// The endpoints of a kind, besides its ports.
pub(super) fn endpoints(kind: Option<Kind>) -> &'static [Endpoint] {
    const URL: Endpoint = Endpoint { name: "url", port: "http", path: "" };
    match kind {
        Some(Kind::Mimir) => &[
            URL,
            Endpoint { name: "prometheus", port: "http", path: "/prometheus" },
            Endpoint { name: "push", port: "http", path: "/api/v1/push" },
        ],
        Some(Kind::Loki) => &[URL, Endpoint { name: "push", port: "http", path: "/loki/api/v1/push" }],
        _ => &[URL],
    }
}

/// The settings that a kind takes.
pub(super) fn settings(kind: Option<Kind>) -> &'static [&'static str] {
    match kind {
        Some(Kind::Elasticsearch) => &["heap"],
        Some(Kind::Mimir) => &["max_series", "max_series_per_metric", "ingestion_rate", "ingestion_burst"],
        Some(Kind::Loki) => &["retention"],
        Some(Kind::Alloy) => &["scrape_interval", "host_targets", "metrics_store", "logs_store"],
        Some(Kind::Grafana) => &["admin_password", "plugins", "folders"],
        Some(Kind::TemporalServer | Kind::TemporalUi | Kind::ElasticsearchSetup) | None => &[],
    }
}

/// Of the programs that healthchecks use, those in the image of a kind; `sh` stands for any shell line.
pub(super) fn programs(kind: Kind) -> &'static [&'static str] {
    match kind {
        // Distroless.
        Kind::Mimir | Kind::Loki => &[],
        // Ubuntu without tools for the network (Alloy 1.19).
        Kind::Alloy => &["sh", "bash"],
        // The image that elasticsearch 8 builds on has curl only.
        Kind::Elasticsearch => &["sh", "bash", "curl"],
        // Alpine, whose busybox has `wget` and `nc` (admin-tools 1.31, ui 2.54).
        Kind::ElasticsearchSetup | Kind::TemporalUi => &["sh", "wget", "nc"],
        Kind::Grafana => &["sh", "bash", "curl", "wget", "nc"],
        // As its Dockerfile here installs them.
        Kind::TemporalServer => &["sh", "bash", "curl", "wget", "nc", "python3"],
    }
}

/// The name in `[images]` that a kind runs unless the service names another.
pub(crate) fn image(kind: Kind) -> &'static str {
    match kind {
        Kind::ElasticsearchSetup => "temporal-admin-tools",
        kind => kind.as_str(),
    }
}

impl<'a> Resolver<'a> {
    /// What the kind of a service implies for it.
    pub(super) fn preset(&mut self, name: &'a Spanned<String>, service: &'a Service) -> Preset {
        match service.kind.as_ref().map(|kind| kind.value) {
            None => Preset::default(),
            Some(Kind::TemporalServer) => self.temporal_server(name, service),
            Some(Kind::TemporalUi) => self.temporal_ui(name, service),
            Some(Kind::Elasticsearch) => self.elasticsearch(name, service),
            Some(Kind::ElasticsearchSetup) => self.elasticsearch_setup(name),
            Some(Kind::Mimir) => self.mimir(name),
            Some(Kind::Loki) => self.loki(name),
            Some(Kind::Alloy) => self.alloy(name, service),
            Some(Kind::Grafana) => self.grafana(name, service),
        }
    }

    /// The models of the kinds that have a configuration file.
    pub(super) fn kind_models(&mut self, services: &[model::Service]) -> KindModels {
        let mut models = KindModels::default();
        for (name, service) in self.spec.services.iter() {
            match service.kind.as_ref().map(|kind| kind.value) {
                Some(Kind::Mimir) => models.mimirs.push(self.mimir_model(name, service)),
                Some(Kind::Loki) => models.lokis.extend(self.loki_model(name, service)),
                Some(Kind::Alloy) => models.alloys.push(self.alloy_model(name, service, services)),
                Some(Kind::Grafana) => models.grafanas.push(self.grafana_model(name, service)),
                _ => {}
            }
        }
        if let Some((name, _)) = self.spec.datasources.iter().next()
            && models.grafanas.is_empty()
            && !self.removes()
        {
            self.report_missing(
                self.spec.sound,
                Diagnostic::new(
                    "missing-service",
                    format!("nothing queries the datasource `{}`", name.value),
                    name.span,
                )
                .help("add a service with `kind = \"grafana\"`, or remove the datasources"),
            );
        }
        models
    }

    /// The host-published number of a port, if it is published and known.
    pub(super) fn published(&self, service: &str, port: &str) -> Option<u16> {
        let index = *self.index.get(service)?;
        self.ports[index].iter().find(|known| known.name == port)?.published.as_ref()?.number
    }
}

/// A dependency that a kind implies.
fn needs(service: &str, condition: Condition) -> Dependency {
    Dependency { service: service.to_owned(), condition, restart: false, required: true }
}

/// A generated file, mounted read-only; its path is relative to the Compose file.
fn generated(source: String, target: &str) -> Mount {
    host_path(source, target.to_owned())
}

/// A path of the host, mounted read-only.
pub(super) fn host_path(source: String, target: String) -> Mount {
    let mut keys = Keys::default();
    super::mounts::keep_missing(&mut keys);
    let (kind, read_only) = (crate::spec::service::MountType::Bind, Some(Value::Is(true)));
    Mount { kind, source: Some(source.into()), target: target.into(), read_only, keys }
}

/// Arguments of a command.
fn arguments<const N: usize>(arguments: [&str; N]) -> Command {
    Command::Arguments(arguments.map(Text::from).to_vec())
}

/// A probe with its times.
fn probe(test: Command, interval: &str, timeout: &str, retries: u32, start_period: &str) -> Probe {
    Probe {
        test: Some(test),
        interval: Some(interval.into()),
        timeout: Some(timeout.into()),
        retries: Some(Value::Is(retries)),
        start_period: Some(start_period.into()),
        start_interval: None,
        http: None,
    }
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
