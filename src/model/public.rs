//! The resolved stack as programs and templates of the user read it: `gen model` prints it, and it is the context of every
//! template of `[files]`.
//!
//! What it has is a promise: [`VERSION`] changes if a key is removed or means something else. It never has the value of a
//! secret.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::kind::{Address, SettingValue, Store};
use super::secret;
use super::service::{self, Command};
use super::text::{self, Text};
use super::{Datasource, External, Keys, Named, Stack};

/// The version of the form, and of every other report for programs.
pub const VERSION: u32 = 1;

/// One profile of a stack.
#[derive(Debug, serde::Serialize)]
pub struct Model<'a> {
    version: u32,
    /// The profile.
    profile: &'a str,
    /// The name of the Compose project.
    project: &'a str,
    title: &'a str,
    description: &'a str,
    /// Services by name, in the order of the spec.
    services: Table<'a, Service<'a>>,
    /// What runs outside of the stack, by name.
    external: Table<'a, Outside<'a>>,
    /// Networks by name.
    networks: Table<'a, Network<'a>>,
    /// Volumes by name, with their keys of Compose.
    volumes: Table<'a, &'a Keys>,
    /// What Grafana queries, by UID.
    datasources: Table<'a, Source<'a>>,
    /// Temporal clusters by name.
    clusters: Table<'a, Cluster<'a>>,
}

/// Values by name, in order.
#[derive(Debug)]
struct Table<'a, T>(Vec<(&'a str, T)>);

#[derive(Debug, serde::Serialize)]
struct Service<'a> {
    name: &'a str,
    kind: Option<&'a str>,
    group: &'a str,
    description: &'a str,
    image: Option<&'a Text>,
    command: Option<&'a Command>,
    /// The settings of its kind, except secrets.
    settings: Table<'a, Setting<'a>>,
    /// Ports by name.
    ports: Table<'a, Port<'a>>,
    /// Variables by name. Values that are secrets are left out.
    environment: Table<'a, &'a Text>,
    /// Mounts, in the order of the Compose file.
    volumes: Vec<Mount<'a>>,
    /// The condition of each service that must be up before.
    depends_on: Table<'a, &'a str>,
    networks: Vec<&'a str>,
    /// Where it serves Prometheus metrics.
    metrics: Option<Metrics<'a>>,
}

#[derive(Debug, serde::Serialize)]
struct Port<'a> {
    /// The port in the container.
    target: u16,
    /// Where other services reach it: `api:8080`.
    address: String,
    protocol: &'a str,
    /// The port on the host; none if it is not published, or if the engine chooses one.
    published: Option<&'a Text>,
    host_ip: Option<&'a Text>,
}

#[derive(Debug, serde::Serialize)]
struct Outside<'a> {
    description: &'a str,
    host: &'a Text,
    /// Ports by name.
    ports: Table<'a, OutsidePort>,
}

#[derive(Debug, serde::Serialize)]
struct OutsidePort {
    target: u16,
    /// Where services reach it: `db.example.com:5432`.
    address: Text,
}

#[derive(Debug, serde::Serialize)]
struct Mount<'a> {
    r#type: &'a str,
    source: Option<&'a Text>,
    target: &'a Text,
    read_only: Option<&'a text::Value<bool>>,
}

#[derive(Debug, serde::Serialize)]
struct Metrics<'a> {
    address: String,
    path: &'a str,
}

#[derive(Debug, serde::Serialize)]
struct Network<'a> {
    /// The services that join it.
    services: Vec<&'a str>,
    keys: &'a Keys,
}

#[derive(Debug, serde::Serialize)]
struct Source<'a> {
    title: &'a str,
    r#type: &'a str,
    /// None if Grafana is not told a URL.
    url: Option<&'a Text>,
    default: bool,
}

#[derive(Debug, serde::Serialize)]
struct Cluster<'a> {
    title: &'a str,
    host: Text,
    database: Text,
    history_shards: u32,
    /// None if visibility is in PostgreSQL.
    visibility_index: Option<&'a str>,
    namespaces: Vec<&'a str>,
    /// The services that run it.
    services: &'a [String],
}

/// A setting of a kind.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Setting<'a> {
    Boolean(bool),
    Integer(u32),
    Plain(&'a str),
    Text(&'a Text),
    Strings(&'a [String]),
    Map(Table<'a, &'a str>),
}

impl<'a> Model<'a> {
    /// The public form of a service.
    pub fn of_service(service: &'a service::Service) -> impl Serialize + 'a {
        Service::of(service)
    }

    /// The public form of a stack.
    pub fn of(stack: &'a Stack) -> Self {
        let datasources = stack.grafanas.first().map_or(&[][..], |grafana| &grafana.datasources);
        let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for service in &stack.services {
            for member in &service.networks {
                members.entry(&member.name).or_default().push(&service.name);
            }
        }
        Self {
            version: VERSION,
            profile: &stack.profile,
            project: &stack.project,
            title: &stack.title,
            description: &stack.description,
            services: Table::of(&stack.services, |service| (&service.name, Service::of(service))),
            external: Table::of(&stack.external, |external| (&external.name, Outside::of(external))),
            networks: Table::of(&stack.networks, |Named { name, keys }| {
                (name, Network { services: members.remove(name.as_str()).unwrap_or_default(), keys })
            }),
            volumes: Table::of(&stack.volumes, |volume| (&volume.name, &volume.keys)),
            datasources: Table::of(datasources, |source| (&source.uid, Source::of(source))),
            clusters: Table::of(&stack.clusters, |cluster| {
                let (host, database) = match &cluster.server.store {
                    Store::Dsql(dsql) => (dsql.host.clone(), dsql.database.clone()),
                    Store::Postgresql(own) => {
                        let host = own.address.as_ref().map(Address::host);
                        (host.unwrap_or_default(), own.database.as_str().into())
                    }
                };
                let cluster_model = Cluster {
                    title: &cluster.title,
                    host,
                    database,
                    history_shards: cluster.server.history_shards,
                    visibility_index: cluster.server.index(),
                    namespaces: cluster.namespaces.iter().map(|namespace| namespace.name.as_str()).collect(),
                    services: &cluster.services,
                };
                (&cluster.name, cluster_model)
            }),
        }
    }
}

impl<'a> Service<'a> {
    fn of(service: &'a service::Service) -> Self {
        let name = service.name.as_str();
        let is_open = |(name, value): &&(String, Text)| !secret::is_written(name, value);
        let environment = service.environment.iter().filter(is_open);
        Self {
            name,
            kind: service.kind.as_ref().map(crate::spec::kind::Kind::as_str),
            group: &service.group,
            description: &service.description,
            image: service.image.as_ref(),
            command: service.command.as_ref(),
            settings: Table(service.settings.iter().filter_map(setting_of).collect()),
            ports: Table::of(&service.ports, |port| (&port.name, Port::of(service, port))),
            environment: Table(environment.map(|(name, value)| (name.as_str(), value)).collect()),
            volumes: service.mounts.iter().map(Mount::of).collect(),
            depends_on: Table::of(&service.depends_on, |other| (&other.service, other.condition.as_str())),
            networks: service.networks.iter().map(|member| member.name.as_str()).collect(),
            metrics: service
                .metrics
                .as_ref()
                .map(|metrics| Metrics { address: format!("{name}:{}", metrics.port), path: &metrics.path }),
        }
    }
}

fn setting_of(setting: &super::kind::Setting) -> Option<(&str, Setting<'_>)> {
    let value = match &setting.value {
        SettingValue::Boolean(value) => Setting::Boolean(*value),
        SettingValue::Integer(number) => Setting::Integer(*number),
        SettingValue::Duration(duration) => Setting::Plain(&duration.text),
        SettingValue::Size(size) => Setting::Plain(&size.0),
        SettingValue::Text(text) if secret::is_written(&setting.name, text) => return None,
        SettingValue::Text(text) => Setting::Text(text),
        SettingValue::Secret(_) => return None,
        SettingValue::Strings(strings) => Setting::Strings(strings),
        SettingValue::Map(map) => Setting::Map(Table::of(map, |(name, value)| (name, value.as_str()))),
    };
    Some((&setting.name, value))
}

impl<'a> Port<'a> {
    fn of(service: &service::Service, port: &'a service::Port) -> Self {
        Self {
            target: port.target,
            address: service.address(port),
            protocol: port.protocol.as_str(),
            published: port.published.as_ref().and_then(|published| published.port.as_ref()),
            host_ip: port.published.as_ref().map(|published| &published.host_ip),
        }
    }
}

impl<'a> Outside<'a> {
    fn of(external: &'a External) -> Self {
        let port = |(name, target): &'a (String, u16)| {
            let address = Text::concat([external.host.clone(), format!(":{target}").into()]);
            (name, OutsidePort { target: *target, address })
        };
        Self { description: &external.description, host: &external.host, ports: Table::of(&external.ports, port) }
    }
}

impl<'a> Mount<'a> {
    fn of(mount: &'a service::Mount) -> Self {
        Self {
            r#type: mount.kind.as_str(),
            source: mount.source.as_ref(),
            target: &mount.target,
            read_only: mount.read_only.as_ref(),
        }
    }
}

impl<'a> Source<'a> {
    fn of(source: &'a Datasource) -> Self {
        Self { title: &source.title, r#type: source.kind.as_str(), url: source.url.as_ref(), default: source.default }
    }
}

impl<'a, T> Table<'a, T> {
    fn of<S>(items: &'a [S], each: impl FnMut(&'a S) -> (&'a String, T)) -> Self {
        Self(items.iter().map(each).map(|(name, value)| (name.as_str(), value)).collect())
    }
}

impl<T: Serialize> Serialize for Table<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A string, or a table of the string and the variables in it, whose values only Compose knows.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(literal) = self.literal() {
            return serializer.serialize_str(&secret::hide(literal));
        }
        let mut table = serializer.serialize_map(Some(2))?;
        let plain = self.replaced(|reference| Some(reference.plain().into())).unwrap_or_default();
        table.serialize_entry("text", &secret::hide(&plain))?;
        table.serialize_entry("variables", &self.variables().collect::<Vec<_>>())?;
        table.end()
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Line(text) => text.serialize(serializer),
            Self::Arguments(texts) => serializer.collect_seq(texts),
        }
    }
}

impl<T: Serialize> Serialize for text::Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Is(value) => value.serialize(serializer),
            Self::Env(text) => text.serialize(serializer),
        }
    }
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, tree)| (name, tree)))
    }
}

impl Serialize for text::Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Self::List(items) => serializer.collect_seq(items),
            Self::Table(entries) => serializer.collect_map(entries.iter().map(|(name, tree)| (name, tree))),
        }
    }
}
