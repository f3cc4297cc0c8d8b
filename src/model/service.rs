//! A container, as Compose will run it.

use super::Passthrough;
use super::kind::{File, Setting, SettingValue};
use super::text::{Text, Value};
use crate::spec::service::{Condition, Kind, MountType, PortMode, Protocol};

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
    /// What it tells its kind, or its kind takes for granted.
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
    /// Its image; `None` if Compose builds it and names it.
    pub image: Option<Text>,
    /// How Compose builds it.
    pub build: Option<Box<Build>>,
    /// What to run instead of the image's command.
    pub command: Option<Command>,
    /// What to run instead of the image's entrypoint.
    pub entrypoint: Option<Command>,
    /// Its environment.
    pub environment: Vec<(String, Text)>,
    /// Files of environment variables.
    pub env_file: Vec<EnvFile>,
    /// Its ports, published or not.
    pub ports: Vec<Port>,
    /// Ports documented as reachable inside the network, e.g. `8000` or `8000-8010`.
    pub expose: Vec<String>,
    /// Its mounts.
    pub mounts: Vec<Mount>,
    /// What must be up before it.
    pub depends_on: Vec<Dependency>,
    /// How its health is probed.
    pub healthcheck: Option<Healthcheck>,
    /// When it is started again.
    pub restart: String,
    /// The networks it joins; none with a network mode.
    pub networks: Vec<NetworkMember>,
    /// Its container's name; none if it has replicas.
    pub container_name: Option<String>,
    /// Its host name.
    pub hostname: Option<String>,
    /// The Compose profiles that switch it on.
    pub profiles: Vec<String>,
    /// The user it runs as.
    pub user: Option<Text>,
    /// Where its output goes.
    pub logging: Option<Box<Logging>>,
    /// Its container's labels.
    pub labels: Vec<(String, Text)>,
    /// When its image is pulled.
    pub pull_policy: Option<&'static str>,
    /// Its platform.
    pub platform: Option<Text>,
    /// Its network mode.
    pub network_mode: Option<Text>,
    /// Host names and their addresses.
    pub extra_hosts: Vec<(String, Text)>,
    /// Limits of the kernel: name, soft, hard.
    pub ulimits: Vec<(String, Value<i64>, Value<i64>)>,
    /// Whether it gets a terminal.
    pub tty: Option<Value<bool>>,
    /// Whether its standard input stays open.
    pub stdin_open: Option<Value<bool>>,
    /// Replicas and resources.
    pub deploy: Option<Box<Deploy>>,
    /// Whether its root file system is read-only.
    pub read_only: Option<Value<bool>>,
    /// Where it gets file systems in memory.
    pub tmpfs: Vec<Text>,
    /// The secrets it reads.
    pub secrets: Vec<SecretUse>,
    /// Capabilities it gets.
    pub cap_add: Vec<Text>,
    /// Capabilities that are taken from it.
    pub cap_drop: Vec<Text>,
    /// Security options.
    pub security_opt: Vec<Text>,
    /// The size of `/dev/shm`.
    pub shm_size: Option<Text>,
    /// Whether an init process reaps its children.
    pub init: Option<Value<bool>>,
    /// Any other keys.
    pub passthrough: Passthrough,
    /// What it refers to, now that its texts hold addresses only.
    pub refers_to: References,
}

/// What the definition of a service refers to, each once, in the order in which it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Services whose address it holds.
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
    /// What the condition means, in one word.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
        }
    }
}

impl Service {
    /// Whether it joins its networks without aliases or fixed addresses.
    #[must_use]
    pub fn plain_networks(&self) -> bool {
        self.networks.iter().all(|member| member.aliases.is_empty() && member.ipv4_address.is_none())
    }

    /// Whether any of its ports is published.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.ports.iter().any(|port| port.published.is_some())
    }

    /// The value of a setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&SettingValue> {
        self.settings.iter().find(|setting| setting.name == name).map(|setting| &setting.value)
    }

    /// The port of that name.
    #[must_use]
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }
}

/// Where a service serves Prometheus metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// The port in the container.
    pub port: u16,
    /// The path.
    pub path: String,
}

/// How Compose builds an image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Build {
    /// The folder that is sent to the builder.
    pub context: Option<Text>,
    /// The Dockerfile.
    pub dockerfile: Option<Text>,
    /// The stage to build.
    pub target: Option<Text>,
    /// Build arguments.
    pub args: Vec<(String, Text)>,
    /// Images to take cached layers from.
    pub cache_from: Vec<Text>,
    /// Any other keys.
    pub passthrough: Passthrough,
}

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// One string, split like a shell would.
    Line(Text),
    /// The arguments.
    Arguments(Vec<Text>),
}

/// A file of environment variables.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvFile {
    /// The file, relative to the Compose file.
    pub path: Text,
    /// Whether it must exist.
    pub required: bool,
}

/// A port.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// In the container.
    pub target: u16,
    /// On the host.
    pub published: Option<Published>,
    /// Its protocol.
    pub protocol: Protocol,
    /// A path that answers a GET with 200, for links.
    pub path: Option<String>,
}

/// A port on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The number or range as Compose reads it.
    pub port: Text,
    /// The number that a link uses: the first one, or the reference's default.
    pub number: Option<u16>,
    /// The address it binds to.
    pub host_ip: Text,
    /// How it is published; Compose's default if `None`.
    pub mode: Option<PortMode>,
}

/// A mount.
#[derive(Debug, Clone, PartialEq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountType,
    /// A path of the host or a volume's name; none for an anonymous volume or memory.
    pub source: Option<Text>,
    /// Where it appears.
    pub target: Text,
    /// Whether it can't be written.
    pub read_only: Option<Value<bool>>,
}

/// A dependency.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// The service that must be up.
    pub service: String,
    /// What that means.
    pub condition: Condition,
    /// Whether this service is restarted with it.
    pub restart: bool,
    /// Whether it must be there at all.
    pub required: bool,
}

/// How health is probed.
#[derive(Debug, Clone, PartialEq)]
pub enum Healthcheck {
    /// Not at all.
    Disabled,
    /// By a command, or by the image's own when there is none.
    Probe(Box<Probe>),
}

/// A command that probes, and when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probe {
    /// The command; the image's own if `None`.
    pub test: Option<Command>,
    /// Between two probes.
    pub interval: Option<Text>,
    /// Of one probe.
    pub timeout: Option<Text>,
    /// Failures in a row until it counts as unhealthy.
    pub retries: Option<Value<u32>>,
    /// Failures that don't count after the start.
    pub start_period: Option<Text>,
    /// Between two probes in the start period.
    pub start_interval: Option<Text>,
    /// The path of its GET, if it is one, and the port.
    pub http: Option<(u16, String)>,
}

/// A network that a service joins.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkMember {
    /// The network.
    pub name: String,
    /// Further host names.
    pub aliases: Vec<Text>,
    /// A fixed address.
    pub ipv4_address: Option<Text>,
}

/// Where output goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Logging {
    /// Docker's logging driver.
    pub driver: Option<Text>,
    /// The driver's options.
    pub options: Vec<(String, Text)>,
}

/// Replicas and resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Deploy {
    /// How many containers.
    pub replicas: Option<Value<u32>>,
    /// At most.
    pub limits: Option<Amount>,
    /// At least.
    pub reservations: Option<Amount>,
    /// Any other keys.
    pub passthrough: Passthrough,
}

/// An amount of resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// CPUs.
    pub cpus: Option<Text>,
    /// Memory.
    pub memory: Option<Text>,
    /// Processes.
    pub pids: Option<Value<u32>>,
}

/// A secret that a service reads.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretUse {
    /// Its name.
    pub source: String,
    /// The file below `/run/secrets`.
    pub target: Option<Text>,
    /// The file's owner.
    pub uid: Option<String>,
    /// The file's group.
    pub gid: Option<String>,
    /// The file's mode.
    pub mode: Option<String>,
}

impl Probe {
    /// Whether it says anything; an image's own healthcheck may be taken as it is.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.test.is_some()
            || self.interval.is_some()
            || self.timeout.is_some()
            || self.retries.is_some()
            || self.start_period.is_some()
            || self.start_interval.is_some()
    }
}

impl Deploy {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replicas.is_none() && self.limits.is_none() && self.reservations.is_none() && self.passthrough.is_empty()
    }
}
