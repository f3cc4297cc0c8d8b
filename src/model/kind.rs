//! What the configuration files of the known kinds need.

use std::fmt;

use super::Datasource;
use super::text::Text;
use crate::spec::kind::Verifier;
use crate::spec::stack::LogLevel;
use crate::spec::value::{Duration, Size};

/// A Temporal cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// What it is for; its name unless the spec has a title.
    pub title: String,
    /// What its servers share.
    pub server: ClusterServer,
    /// Dynamic configuration, in spec order.
    pub dynamic_config: Vec<DynamicSetting>,
    /// The namespaces that are registered in it, if a service does that.
    pub namespaces: Vec<Namespace>,
    /// The services that run it.
    pub services: Vec<String>,
    /// The variables that pass all of this to its servers.
    pub variables: Vec<String>,
}

/// How the servers of a cluster reach its stores, and what they log.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterServer {
    /// Where workflows are.
    pub store: Store,
    /// Where visibility is.
    pub visibility: Visibility,
    /// History shards.
    pub history_shards: u32,
    /// What is logged.
    pub log_level: LogLevel,
}

/// Where the workflows of a cluster are.
#[derive(Debug, Clone, PartialEq)]
pub enum Store {
    /// In Aurora DSQL.
    Dsql(Dsql),
    /// In PostgreSQL.
    Postgresql(Postgresql),
}

/// Where the visibility of a cluster is.
#[derive(Debug, Clone, PartialEq)]
pub enum Visibility {
    /// In an index.
    Elasticsearch {
        /// Where it is reached; always set in a valid spec.
        address: Option<Address>,
        /// The index.
        index: String,
    },
    /// In a database of the PostgreSQL that has the workflows.
    Postgresql {
        /// The database.
        database: String,
    },
}

/// A database in Aurora DSQL, and how it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Dsql {
    /// The endpoint.
    pub host: Text,
    /// The database.
    pub database: Text,
    /// Connections of the pool.
    pub pool: u32,
    /// How long a connection lives.
    pub connection_lifetime: Duration,
    /// How long an authentication token is used; the plugin's default if `None`.
    pub token_duration: Option<Duration>,
    /// Whether servers wait a random time before they connect; the plugin's default if `None`.
    pub staggered_startup: Option<bool>,
    /// Connections that are kept ready.
    pub reservoir: Option<Reservoir>,
}

/// A database in PostgreSQL, and how it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Postgresql {
    /// Where it is reached; always set in a valid spec.
    pub address: Option<Address>,
    /// The user.
    pub user: Text,
    /// The user's password, a reference to a variable; none if the service has no such setting.
    pub password: Option<Text>,
    /// The database.
    pub database: String,
    /// Connections of the pool of each role for each database.
    pub pool: u32,
}

/// A namespace of a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// How long closed workflows are kept.
    pub retention: Duration,
}

/// The plugin for PostgreSQL from version 12 on.
pub const SQL_PLUGIN: &str = "postgres12";

impl Cluster {
    /// The configuration of the servers of a cluster that persists in PostgreSQL, relative to the Compose file.
    pub fn config_of(name: &str) -> String {
        format!("config/temporal-{name}.yaml")
    }
}

impl ClusterServer {
    /// The DSQL database, if the cluster persists in DSQL.
    pub fn dsql(&self) -> Option<&Dsql> {
        match &self.store {
            Store::Dsql(dsql) => Some(dsql),
            Store::Postgresql(_) => None,
        }
    }

    /// The PostgreSQL database, if the cluster persists in PostgreSQL.
    pub fn postgresql(&self) -> Option<&Postgresql> {
        match &self.store {
            Store::Dsql(_) => None,
            Store::Postgresql(postgresql) => Some(postgresql),
        }
    }

    /// The visibility index, if there is one.
    pub fn index(&self) -> Option<&str> {
        match &self.visibility {
            Visibility::Elasticsearch { index, .. } => Some(index),
            Visibility::Postgresql { .. } => None,
        }
    }

    /// Where the visibility index is.
    pub fn elasticsearch(&self) -> Option<&Address> {
        match &self.visibility {
            Visibility::Elasticsearch { address, .. } => address.as_ref(),
            Visibility::Postgresql { .. } => None,
        }
    }
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
    /// How long before its expiry a connection is no longer handed out.
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
    /// An external service.
    External {
        /// Its name in the spec.
        name: String,
        /// Its host name or address.
        host: Text,
    },
    /// The machine that runs the containers.
    Docker,
}

/// The name of the machine that runs the containers, as seen from inside one: Docker Desktop resolves it, Linux needs
/// an extra host.
pub const DOCKER_HOST: &str = "host.docker.internal";

impl Address {
    /// The service in the spec, also if it is external.
    pub fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Service(name) | Host::External { name, .. } => Some(name),
            Host::Docker => None,
        }
    }

    /// The host as containers reach it.
    pub fn host(&self) -> Text {
        match &self.host {
            Host::Service(name) => name.as_str().into(),
            Host::External { host, .. } => host.clone(),
            Host::Docker => DOCKER_HOST.into(),
        }
    }

    /// Host and port.
    pub fn authority(&self) -> Text {
        Text::concat([self.host(), format!(":{}", self.port).into()])
    }

    /// The URL.
    pub fn url(&self) -> Text {
        Text::concat(["http://".into(), self.authority(), self.path.as_str().into()])
    }
}

/// The URL as shown in the docs.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url().shown())
    }
}

/// A dynamic setting of a Temporal server.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicSetting {
    /// The key as the server spells it.
    pub key: String,
    /// Its values, each with the constraints under which it holds; none for the rest.
    pub values: Vec<(Vec<(String, DynamicValue)>, DynamicValue)>,
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

/// A setting of a service, or the default of its kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: SettingValue,
}

/// The value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingValue {
    /// `true` or `false`.
    Boolean(bool),
    /// An integer.
    Integer(u32),
    /// A duration.
    Duration(Duration),
    /// A size, as Docker and Java read it.
    Size(Size),
    /// A string, which may hold references.
    Text(Text),
    /// A secret of the service.
    Secret(Secret),
    /// A list of strings.
    Strings(Vec<String>),
    /// Strings by name.
    Map(Vec<(String, String)>),
}

/// A secret that the service reads from a file: it is neither in its environment nor in what the engine shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name in the Compose file.
    pub name: String,
    /// The variable of the user's `.env` that holds it.
    pub variable: String,
}

impl Secret {
    /// Where Compose puts it in the container.
    pub fn path(&self) -> String {
        format!("/run/secrets/{}", self.name)
    }
}

impl SettingValue {
    /// Its amount, for comparison with others of the same type.
    pub fn amount(&self) -> Option<u64> {
        match self {
            Self::Boolean(value) => Some(u64::from(*value)),
            Self::Integer(number) => Some(u64::from(*number)),
            Self::Duration(duration) => Some(duration.milliseconds),
            Self::Size(size) => size.bytes(),
            _ => None,
        }
    }
}

/// A generated file that a service mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path, relative to the Compose file.
    pub path: String,
    /// Its text; `None` if it has a view of its own.
    pub text: Option<String>,
    /// The template in the spec that made it.
    pub template: Option<String>,
    /// The program that checks it.
    pub check: Option<Verifier>,
}

/// Alloy.
#[derive(Debug, Clone, PartialEq)]
pub struct Alloy {
    /// The service.
    pub service: String,
    /// Its configuration file, relative to the Compose file.
    pub file: String,
    /// How often metrics are scraped.
    pub scrape_interval: Duration,
    /// What is scraped.
    pub targets: Vec<ScrapeTarget>,
    /// Where metrics are pushed; if `None`, nothing is scraped.
    pub metrics: Option<Address>,
    /// Where logs are pushed; if `None`, no logs are collected.
    pub logs: Option<Address>,
}

/// Something that is scraped.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeTarget {
    /// The value of the `job` label.
    pub job: String,
    /// Where its metrics are.
    pub address: Address,
    /// Whether several containers have that name: each is a target of its own.
    pub replicated: bool,
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

impl Grafana {
    /// The file that lists the datasources, shared by every Grafana of a stack.
    pub const DATASOURCES: &str = "config/grafana-datasources.yaml";
    /// The file that lists the folders, if there are any.
    pub const DASHBOARDS: &str = "config/grafana-dashboards.yaml";
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
    pub fn path(&self) -> String {
        format!("/etc/grafana/dashboards/{}", self.directory)
    }
}
