//! What the configuration files of the known kinds need.

use std::fmt;

use super::Datasource;
use super::text::Text;
use crate::spec::stack::LogLevel;
use crate::spec::value::Duration;

/// A Temporal cluster that persists in Aurora DSQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// What it is for; its name if the spec says nothing.
    pub title: String,
    /// What its servers share.
    pub server: ClusterServer,
    /// Its visibility index.
    pub visibility_index: String,
    /// Dynamic configuration, in spec order.
    pub dynamic_config: Vec<DynamicSetting>,
    /// The services that run it.
    pub services: Vec<String>,
    /// The variables by which its servers learn all of that.
    pub variables: Vec<String>,
}

/// How the servers of a cluster reach its stores, and what they log.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterServer {
    /// The endpoint of its DSQL cluster.
    pub host: Text,
    /// The database.
    pub database: Text,
    /// History shards.
    pub history_shards: u32,
    /// Connections of the pool.
    pub pool: u32,
    /// How long a connection lives.
    pub connection_lifetime: Duration,
    /// What is logged.
    pub log_level: LogLevel,
    /// The Elasticsearch service that holds its visibility index; empty if there is none.
    pub visibility: String,
    /// How long an authentication token is used, unless the plugin decides.
    pub token_duration: Option<Duration>,
    /// Whether servers wait a random time before they connect, unless the plugin decides.
    pub staggered_startup: Option<bool>,
    /// Connections that are kept ready.
    pub reservoir: Option<Reservoir>,
}

/// Connections that are kept ready.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservoir {
    /// How many.
    pub target: u32,
    /// How long each is kept.
    pub base_lifetime: Duration,
    /// How much the lifetimes vary.
    pub lifetime_jitter: Duration,
    /// How long before its end a connection is no longer handed out.
    pub guard_window: Duration,
}

/// Where something listens inside the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The machine.
    pub host: Host,
    /// The port there.
    pub port: u16,
    /// The path of its URL; may be empty.
    pub path: String,
}

/// A machine that containers reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The container of a service.
    Service(String),
    /// The machine that runs the containers.
    Docker,
}

/// The name of the machine that runs the containers, inside of one: Docker Desktop resolves it, Linux only with an
/// extra host.
pub const DOCKER_HOST: &str = "host.docker.internal";

impl Address {
    /// The port of a service.
    #[must_use]
    pub fn of_service(name: &str, port: u16, path: &str) -> Self {
        Self { host: Host::Service(name.to_owned()), port, path: path.to_owned() }
    }

    /// The service, if it is one of the stack's.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match &self.host {
            Host::Service(name) => Some(name),
            Host::Docker => None,
        }
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.service().unwrap_or(DOCKER_HOST);
        format!("{host}:{}", self.port)
    }
}

/// As a URL.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// A dynamic setting of a Temporal server.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicSetting {
    /// The key as the server spells it.
    pub key: String,
    /// Its value.
    pub value: DynamicValue,
}

/// The value of a dynamic setting.
#[derive(Debug, Clone, PartialEq)]
pub enum DynamicValue {
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A string or a duration.
    String(String),
}

/// Mimir in one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Mimir {
    /// The service.
    pub service: String,
    /// Its HTTP port.
    pub port: u16,
    /// The most series of the tenant.
    pub max_series: u32,
    /// The most series of one metric.
    pub max_series_per_metric: u32,
    /// Samples a second.
    pub ingestion_rate: u32,
    /// Samples in one burst.
    pub ingestion_burst: u32,
}

/// Loki in one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Loki {
    /// The service.
    pub service: String,
    /// Its HTTP port.
    pub port: u16,
    /// How long logs are kept.
    pub retention: Duration,
}

/// Alloy.
#[derive(Debug, Clone, PartialEq)]
pub struct Alloy {
    /// The service.
    pub service: String,
    /// How often metrics are scraped.
    pub scrape_interval: Duration,
    /// What is scraped.
    pub targets: Vec<ScrapeTarget>,
    /// Where metrics are pushed to; without one nothing is scraped.
    pub metrics: Option<Address>,
    /// Where logs are pushed to; without one none are collected.
    pub logs: Option<Address>,
}

/// Something that is scraped.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeTarget {
    /// The value of the `job` label.
    pub job: String,
    /// Where its metrics are.
    pub address: Address,
}

/// Grafana.
#[derive(Debug, Clone, PartialEq)]
pub struct Grafana {
    /// The service.
    pub service: String,
    /// What it queries.
    pub datasources: Vec<Datasource>,
    /// The folders that hold dashboards.
    pub folders: Vec<Folder>,
}

/// A dashboard folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    /// The directory of its files: below `grafana/` of the outputs.
    pub directory: String,
    /// Its title.
    pub title: String,
}

impl Folder {
    /// Where Grafana's container finds the dashboards.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/etc/grafana/dashboards/{}", self.directory)
    }
}

/// The ports of one role of a Temporal server: Temporal's own defaults, but for the HTTP one.
#[derive(Debug, Clone, Copy)]
pub struct TemporalRole {
    /// The role.
    pub name: &'static str,
    /// gRPC.
    pub grpc: u16,
    /// Membership.
    pub membership: u16,
    /// The HTTP API, which only the frontend has.
    pub http: Option<u16>,
}

/// Workflow state.
pub const HISTORY: TemporalRole = TemporalRole { name: "history", grpc: 7234, membership: 6934, http: None };
/// Task queues.
pub const MATCHING: TemporalRole = TemporalRole { name: "matching", grpc: 7235, membership: 6935, http: None };
/// The frontend's HTTP API.
pub const FRONTEND_HTTP: u16 = 8233;
/// The API.
pub const FRONTEND: TemporalRole =
    TemporalRole { name: "frontend", grpc: 7233, membership: 6933, http: Some(FRONTEND_HTTP) };
/// The system's own workflows.
pub const WORKER: TemporalRole = TemporalRole { name: "worker", grpc: 7239, membership: 6939, http: None };

/// The roles in the order in which they start.
pub const TEMPORAL_ROLES: &[TemporalRole] = &[HISTORY, MATCHING, FRONTEND, WORKER];

/// Where every Temporal server serves its metrics.
pub const TEMPORAL_METRICS: u16 = 9090;
/// Elasticsearch's HTTP API.
pub const ELASTICSEARCH_HTTP: u16 = 9200;
/// Mimir's HTTP API.
pub const MIMIR_HTTP: u16 = 9009;
/// Loki's HTTP API.
pub const LOKI_HTTP: u16 = 3100;
/// Alloy's UI.
pub const ALLOY_HTTP: u16 = 12345;
