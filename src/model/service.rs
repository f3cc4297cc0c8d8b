//! A container, as Compose will run it.

use std::sync::Arc;

use super::Keys;
use super::kind::{File, Setting, SettingValue};
use super::kubernetes::{Workload, members_of};
use super::text::{Text, Tree, Value};
use crate::spec::service::{self as spec, CONDITION, Condition, Kind, MountType, PortMode, Protocol};
use crate::spec::value::{Ports, bytes};

/// Where the host's credentials for AWS are.
pub const CREDENTIALS: &str = "~/.aws";

/// The label of a container that holds a digest of the generated files that it mounts: Compose does not notice that
/// the contents of a mounted file changed, but a changed label makes it recreate the container.
pub const CONFIG_LABEL: &str = "stackgen.config";

/// One service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    /// Its name: also its host name inside the network.
    pub name: String,
    /// What runs in it, if `gen` knows how to configure it.
    pub kind: Option<Kind>,
    /// Its settings, with the defaults of its kind.
    pub settings: Vec<Setting>,
    /// The generated files that its kind mounts.
    pub files: Vec<File>,
    /// A heading for the docs; may be empty.
    pub group: String,
    /// What it is for; may be empty.
    pub description: String,
    /// Whether it talks to AWS, with the region and the credentials of the host.
    pub aws: bool,
    /// Where it serves Prometheus metrics.
    pub metrics: Option<Box<Metrics>>,
    /// Whether it ends by itself.
    pub one_shot: bool,
    /// What only Kubernetes needs to know of it.
    pub workload: Arc<Workload>,
    /// Its image; `None` if Compose builds it and names it.
    pub image: Option<Text>,
    /// What to run instead of the image's command.
    pub command: Option<Command>,
    /// What to run instead of the image's entrypoint.
    pub entrypoint: Option<Command>,
    /// Its environment.
    pub environment: Vec<(String, Text)>,
    /// Variables that Compose passes through from its own environment, if they are set there.
    pub inherited: Vec<String>,
    /// Its ports, published or not.
    pub ports: Arc<[Port]>,
    /// Its mounts.
    pub mounts: Vec<Mount>,
    /// The services that must be up before it.
    pub depends_on: Vec<Dependency>,
    /// How its health is probed.
    pub healthcheck: Option<Healthcheck>,
    /// When it is restarted; empty for Compose's default, never.
    pub restart: Text,
    /// The networks it joins; none with a network mode.
    pub networks: Vec<NetworkMember>,
    /// Its container's name; none if it has replicas.
    pub container_name: Option<Text>,
    /// Its host name.
    pub hostname: Option<Text>,
    /// The Compose profiles that enable it.
    pub profiles: Vec<String>,
    /// Its container's labels.
    pub labels: Vec<(String, Text)>,
    /// Further labels, as `name=value`: variables decide their names.
    pub referring_labels: Vec<Text>,
    /// Its network mode.
    pub network_mode: Option<Text>,
    /// Host names and their addresses.
    pub extra_hosts: Vec<(String, Vec<Text>)>,
    /// Further hosts, as `host=address`: variables decide their names.
    pub referring_hosts: Vec<Text>,
    /// The secrets it reads.
    pub secrets: Vec<FileGrant>,
    /// The configs it reads.
    pub configs: Vec<FileGrant>,
    /// Other keys of Compose.
    pub keys: Keys,
    /// The services that keys other than `depends_on` name: Compose starts them before it (`setImplicitDependsOn` of
    /// compose-go).
    pub named: Vec<String>,
    /// The files and folders of the host that its keys name.
    pub paths: Vec<HostPath>,
    /// What it refers to: its texts only hold addresses.
    pub refers_to: References,
}

/// How a context of a build begins that is not a path, besides URLs (`isRemoteContext` of compose-go).
pub const REMOTE_CONTEXTS: [&str; 4] = ["git@", "github.com/", "service:", "target:"];

/// A file or folder of the host that a key of a service names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath {
    /// The key, such as `env_file` or `build.context`.
    pub key: &'static str,
    /// As Compose reads it, relative to the folder of its file.
    pub path: Text,
    /// Whether the container can't start without it.
    pub required: bool,
}

/// What the definition of a service refers to, without duplicates, in order of appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Services whose address it contains.
    pub services: Vec<String>,
    /// Variables of the user's `.env` that it reads.
    pub variables: Vec<String>,
}

impl References {
    /// Adds a service.
    pub fn service(&mut self, name: &str) {
        if !self.services.iter().any(|known| known == name) {
            self.services.push(name.to_owned());
        }
    }

    /// Adds a variable.
    pub fn variable(&mut self, name: &str) {
        if !self.variables.iter().any(|known| known == name) {
            self.variables.push(name.to_owned());
        }
    }
}

impl Condition {
    /// The condition in one word.
    pub fn described(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
        }
    }
}

impl Service {
    /// Whether Compose builds its image.
    pub fn is_built(&self) -> bool {
        self.keys.get("build").is_some()
    }

    /// Where other services reach one of its ports: `api:8080`.
    pub fn address(&self, port: &Port) -> String {
        let is_of_members = self.workload.members.as_ref() == Some(&port.name);
        let host = if is_of_members { members_of(&self.name) } else { self.name.clone() };
        format!("{host}:{}", port.target)
    }

    /// Whether any of its ports is published.
    pub fn publishes(&self) -> bool {
        self.ports.iter().any(|port| port.published.is_some())
    }

    /// The number of its containers; one if there is none.
    pub fn replicas(&self) -> Option<&Tree> {
        self.keys.at(&["deploy", "replicas"]).or_else(|| self.keys.get("scale"))
    }

    /// Whether it may have several containers: a variable may be any number.
    pub fn is_several(&self) -> bool {
        self.replicas().is_some_and(|count| match count {
            Tree::Text(text) => !matches!(text.literal(), Some("0" | "1")),
            count => !matches!(count, Tree::Integer(0 | 1)),
        })
    }

    /// What is reserved for each of its pods, and what that may take.
    pub fn resources(&self) -> Resources {
        let scalar = |tree: &Tree| match tree {
            Tree::Text(text) => text.shown(),
            Tree::Integer(integer) => integer.to_string(),
            Tree::Float(float) => float.to_string(),
            _ => String::new(),
        };
        let amount = |key: &str, kind: &str, name: &str| {
            let tree = self.keys.get(key).or_else(|| self.keys.at(&["deploy", "resources", kind, name]));
            tree.map(scalar)
        };
        let memory_limit =
            amount("mem_limit", "limits", "memory").and_then(|size| bytes(&size)).filter(|&size| size > 0);
        let reserved = amount("mem_reservation", "reservations", "memory").and_then(|size| bytes(&size));
        let cpus = self.keys.at(&["deploy", "resources", "reservations", "cpus"]).map(scalar);
        Resources {
            cpus: cpus.or_else(|| self.workload.cpus.clone()).as_deref().and_then(thousandths),
            cpus_limit: amount("cpus", "limits", "cpus").as_deref().and_then(thousandths),
            memory: reserved.or(self.workload.memory).or(memory_limit),
            memory_limit,
        }
    }

    /// The value of a setting.
    pub fn setting(&self, name: &str) -> Option<&SettingValue> {
        self.settings.iter().find(|setting| setting.name == name).map(|setting| &setting.value)
    }

    /// What it starts after, each only once: the service and what of it.
    pub fn waits_for(&self) -> Vec<(&str, Condition)> {
        let mut waits: Vec<(&str, Condition)> =
            self.depends_on.iter().map(|dependency| (dependency.service.as_str(), dependency.condition)).collect();
        for named in &self.named {
            if !waits.iter().any(|(service, _)| service == named) {
                waits.push((named, CONDITION));
            }
        }
        waits
    }

    /// Whether it has data of its own.
    pub fn has_volumes(&self) -> bool {
        self.mounts.iter().any(|mount| mount.volume().is_some())
    }

    /// The port by which others see that it runs: the one that its healthcheck probes, or its first.
    pub fn awaited_port(&self) -> Option<u16> {
        let probed = match &self.healthcheck {
            Some(Healthcheck::Probe(probe)) => probe.http.as_ref().map(|(port, _)| *port).or(probe.tcp),
            _ => None,
        };
        let first = || self.ports.iter().find(|port| port.protocol == Protocol::Tcp).map(|port| port.target);
        probed.or_else(first)
    }

    /// The port of that name.
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }
}

/// What is reserved for a pod, and what it may take: thousandths of CPUs, and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// The reserved CPUs.
    pub cpus: Option<u64>,
    /// The most CPUs.
    pub cpus_limit: Option<u64>,
    /// The reserved memory: its limit unless there is another.
    pub memory: Option<u64>,
    /// The most memory.
    pub memory_limit: Option<u64>,
}

/// A decimal number of CPUs in thousandths, rounded up.
fn thousandths(cpus: &str) -> Option<u64> {
    let number = cpus.parse::<f64>().ok().filter(|number| *number > 0.0 && *number < 1e9)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range, and not negative")]
    Some((number * 1000.0).ceil() as u64)
}

/// Where a service serves Prometheus metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// The port in the container.
    pub port: u16,
    /// The path.
    pub path: String,
}

impl Metrics {
    /// As the spec says, at a port whose number is known.
    pub fn new(port: u16, written: &spec::Metrics) -> Self {
        Self { port, path: written.path.clone().unwrap_or_else(|| spec::METRICS_PATH.to_owned()) }
    }
}

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// One string, split as a shell would split it.
    Line(Text),
    /// The arguments.
    Arguments(Vec<Text>),
}

impl Command {
    /// Its texts.
    pub fn texts(&self) -> &[Text] {
        match self {
            Self::Line(line) => std::slice::from_ref(line),
            Self::Arguments(arguments) => arguments,
        }
    }
}

/// A port.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The port in the container; 0 if only a variable without a default says it.
    pub target: u16,
    /// The port in the container as a text, if a variable decides it.
    pub variable: Option<Text>,
    /// The port on the host.
    pub published: Option<Published>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its application protocol.
    pub app_protocol: Option<String>,
    /// A path that returns 200 for a GET, for links.
    pub path: Option<String>,
    /// Other keys of Compose.
    pub keys: Keys,
}

/// The longest name of a port in a pod (`IsValidPortName` of k8s.io/apimachinery).
const LONGEST_PORT: usize = 15;

impl Port {
    /// Its name in a pod: a short one is its own, and a number can't be one.
    pub fn pod_name(&self) -> String {
        let lower = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let mut name: String = self.name.chars().map(lower).collect();
        while name.contains("--") {
            name = name.replace("--", "-");
        }
        let name = name.trim_matches('-');
        let has_letter = name.contains(|c: char| c.is_ascii_lowercase());
        if has_letter && name.len() <= LONGEST_PORT { name.to_owned() } else { format!("port-{}", self.target) }
    }
}

/// A port on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The number or range as Compose reads it; `None` if the engine chooses a free port.
    pub port: Option<Text>,
    /// The address it binds to; empty for all of them.
    pub host_ip: Text,
    /// How it is published; Compose's default if `None`.
    pub mode: Option<PortMode>,
    /// Whether the Compose file has the port's name.
    pub is_named: bool,
    /// The port in Compose's short form, if variables decide more of it than a number.
    pub short: Option<Text>,
}

impl Published {
    /// The number that a link uses: the first one, or the reference's default.
    pub fn number(&self) -> Option<u16> {
        Ports::parse(&self.port.as_ref()?.shown()).map(|ports| ports.first)
    }

    /// The address as shown in the docs; to Compose, none is all of them.
    pub fn address(&self) -> String {
        let address = self.host_ip.shown();
        if address.is_empty() { "0.0.0.0".to_owned() } else { address }
    }

    /// The port as shown in the docs.
    pub fn shown(&self) -> String {
        self.port.as_ref().map_or_else(|| RANDOM.to_owned(), Text::shown)
    }
}

/// The word for a port that the engine chooses.
pub const RANDOM: &str = "random";

/// A mount.
#[derive(Debug, Clone, PartialEq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountType,
    /// A path of the host or the name of a volume; `None` for an anonymous volume or a tmpfs.
    pub source: Option<Text>,
    /// The path in the container.
    pub target: Text,
    /// Whether it is read-only.
    pub read_only: Option<Value<bool>>,
    /// Other keys of Compose.
    pub keys: Keys,
}

impl Mount {
    /// The name of what it mounts in a pod: of the claim, or of a folder that lives as long as the pod.
    pub fn volume_name(&self) -> String {
        let lower = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        match self.volume() {
            Some(name) => name.chars().map(lower).collect(),
            None => format!("scratch-{}", self.target.shown().chars().map(lower).collect::<String>().trim_matches('-')),
        }
    }

    /// The named volume that it mounts.
    pub fn volume(&self) -> Option<&str> {
        self.source.as_ref().filter(|_| self.kind == MountType::Volume)?.literal()
    }
}

/// A dependency.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// The service that must be up.
    pub service: String,
    /// The condition that it must meet.
    pub condition: Condition,
    /// Whether this service is restarted with it.
    pub restart: bool,
    /// Whether it must exist.
    pub required: bool,
    /// Other keys of Compose.
    pub keys: Keys,
}

/// How health is probed.
#[derive(Debug, Clone, PartialEq)]
pub enum Healthcheck {
    /// Health is not probed.
    Disabled {
        /// Whether it is the `test` that says so: `["NONE"]`.
        by_test: bool,
    },
    /// Health is probed by a command, or by the image's own if there is none.
    Probe(Box<Probe>),
}

/// A command that probes, and when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probe {
    /// The command; the image's own if `None`.
    pub test: Option<Command>,
    /// The time between two probes.
    pub interval: Option<Text>,
    /// The timeout of a probe.
    pub timeout: Option<Text>,
    /// Consecutive failures after which the container is unhealthy.
    pub retries: Option<Value<u32>>,
    /// The time after the start in which failures don't count.
    pub start_period: Option<Text>,
    /// The time between two probes in the start period.
    pub start_interval: Option<Text>,
    /// Whether it explicitly enables the healthcheck that a service it extends disables.
    pub enable: bool,
    /// The port and the path of its GET, if it is one.
    pub http: Option<(u16, String)>,
    /// The port that it connects to, if that is all.
    pub tcp: Option<u16>,
    /// Other keys of Compose.
    pub keys: Keys,
}

/// A network that a service joins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkMember {
    /// The network.
    pub name: String,
    /// Its options.
    pub keys: Keys,
}

/// A secret or a config that a service reads from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileGrant {
    /// Its name.
    pub source: String,
    /// Its options, such as path and permissions.
    pub keys: Keys,
}

impl Probe {
    /// Whether any of its keys is set; if not, the image's own healthcheck is used unchanged.
    pub fn says_something(&self) -> bool {
        self.test.is_some()
            || self.interval.is_some()
            || self.timeout.is_some()
            || self.retries.is_some()
            || self.start_period.is_some()
            || self.start_interval.is_some()
            || self.enable
    }
}
