//! What the configuration files of the known kinds need.

use super::Datasource;

/// A Temporal cluster that persists in Aurora DSQL.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// What it is for; its name if the spec says nothing.
    pub title: String,
    /// Its visibility index.
    pub visibility_index: String,
    /// The variable that holds its DSQL endpoint.
    pub host_variable: Option<String>,
    /// Dynamic configuration, in spec order.
    pub dynamic_config: Vec<DynamicSetting>,
    /// The services that run it.
    pub services: Vec<String>,
}

/// A dynamic setting of a Temporal server.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub struct Loki {
    /// The service.
    pub service: String,
    /// Its HTTP port.
    pub port: u16,
    /// How long logs are kept, e.g. `72h`.
    pub retention: String,
}

/// Alloy.
#[derive(Debug, Clone)]
pub struct Alloy {
    /// The service.
    pub service: String,
    /// How often metrics are scraped, e.g. `15s`.
    pub scrape_interval: String,
    /// What is scraped.
    pub targets: Vec<ScrapeTarget>,
    /// Where metrics are pushed to; without one nothing is scraped.
    pub metrics_url: Option<String>,
    /// Where logs are pushed to; without one none are collected.
    pub logs_url: Option<String>,
}

/// Something that is scraped.
#[derive(Debug, Clone)]
pub struct ScrapeTarget {
    /// The value of the `job` label.
    pub job: String,
    /// Host and port.
    pub address: String,
    /// The path.
    pub path: String,
}

/// Grafana.
#[derive(Debug, Clone)]
pub struct Grafana {
    /// The service.
    pub service: String,
    /// What it queries.
    pub datasources: Vec<Datasource>,
    /// The folders that hold dashboards.
    pub folders: Vec<Folder>,
}

/// A dashboard folder.
#[derive(Debug, Clone)]
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
