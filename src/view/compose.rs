//! `docker-compose.yml`.

use std::collections::BTreeMap;

use askama::Template;

use crate::lit::compose::{self as filters, Node};
use crate::model::service::{
    CONFIG_LABEL, Command, Dependency, FileGrant, Healthcheck, Mount, NetworkMember, Port, Probe, Service,
};
use crate::model::text::Text;
use crate::model::{Keys, Named, Stack};
use crate::spec::service::{PortMode, Protocol};

#[derive(Template)]
#[template(path = "docker-compose.yml")]
struct Compose<'a> {
    stack: &'a Stack,
    /// The digests of the generated files that services mount, by service.
    digests: BTreeMap<String, String>,
}

/// Bytes of a typical service, so that the text of a large stack is not reallocated again and again.
const SERVICE: usize = 1_024;

/// The order of the keys of a service: from what it is to what it may use. Other keys follow in the order of the spec.
const ORDER: &[&str] = &[
    "image",
    "build",
    "pull_policy",
    "platform",
    "container_name",
    "hostname",
    "profiles",
    "user",
    "entrypoint",
    "command",
    "env_file",
    "environment",
    "secrets",
    "configs",
    "ports",
    "expose",
    "volumes",
    "tmpfs",
    "depends_on",
    "healthcheck",
    "restart",
    "network_mode",
    "networks",
    "extra_hosts",
    "ulimits",
    "mem_limit",
    "tty",
    "stdin_open",
    "read_only",
    "init",
    "shm_size",
    "cap_drop",
    "cap_add",
    "security_opt",
    "logging",
    "labels",
    "deploy",
];

/// The order of the keys of networks, volumes, secrets and configs.
const TOP_LEVEL_ORDER: &[&str] =
    &["file", "environment", "external", "name", "driver", "driver_opts", "internal", "ipam", "labels"];

pub(super) fn render(stack: &Stack) -> askama::Result<String> {
    let mut text = String::with_capacity((stack.services.len() + stack.schema_services.len() + 1) * SERVICE);
    Compose { stack, digests: super::config_digests(stack)? }.render_into(&mut text)?;
    Ok(text)
}

impl<'a> Compose<'a> {
    fn services(&self) -> impl Iterator<Item = (&'a str, Node<'_>)> {
        self.stack
            .every_service()
            .map(|service| (service.name.as_str(), body(service, self.digests.get(&service.name).map(String::as_str))))
    }

    /// The top-level sections other than the services.
    fn sections(&self) -> Vec<(&'static str, Vec<(&'a str, Node<'a>)>)> {
        let named = |entries: &'a [Named]| -> Vec<(&'a str, Node<'a>)> {
            entries.iter().map(|entry| (entry.name.as_str(), top_level(&entry.keys))).collect()
        };
        let mut sections = vec![
            ("networks", named(&self.stack.networks)),
            ("volumes", named(&self.stack.volumes)),
            ("secrets", named(&self.stack.secrets)),
            ("configs", named(&self.stack.configs)),
            ("models", named(&self.stack.models)),
        ];
        sections.retain(|(_, entries)| !entries.is_empty());
        sections
    }

    fn extensions(&self) -> Vec<(&'a str, Node<'a>)> {
        Body::default().with(&self.stack.extensions).0
    }
}

/// What is below the name of a network, a volume, a secret, a config or a model.
pub(crate) fn top_level(keys: &Keys) -> Node<'_> {
    Body::default().with(keys).ordered(TOP_LEVEL_ORDER)
}

/// Keys and values, without those that are empty.
#[derive(Default)]
struct Body<'a>(Vec<(&'a str, Node<'a>)>);

impl<'a> Body<'a> {
    fn key(mut self, key: &'a str, value: impl Into<Node<'a>>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((key, value));
        }
        self
    }

    fn option(self, key: &'a str, value: Option<impl Into<Node<'a>>>) -> Self {
        match value {
            Some(value) => self.key(key, value),
            None => self,
        }
    }

    /// An empty value clears the image's.
    fn even_empty(mut self, key: &'a str, value: Option<impl Into<Node<'a>>>) -> Self {
        self.0.extend(value.map(|value| (key, value.into())));
        self
    }

    fn flag(self, key: &'a str, value: bool, unless: bool) -> Self {
        if value == unless { self } else { self.key(key, value) }
    }

    /// Adds Compose's own keys from the spec, even if empty.
    fn with(mut self, keys: &'a Keys) -> Self {
        self.0.extend(keys.0.iter().map(|(key, value)| (key.as_str(), Node::from(value))));
        self
    }

    fn ordered(mut self, order: &[&str]) -> Node<'a> {
        // Most keys come in order, so each is looked for behind the one before it.
        let mut last = 0;
        self.0.sort_by_cached_key(|(key, _)| {
            let (before, behind) = order.split_at(last);
            let found = behind.iter().position(|known| known == key).map(|at| last + at);
            let rank = found.or_else(|| before.iter().position(|known| known == key));
            last = rank.unwrap_or(last);
            rank.unwrap_or(order.len())
        });
        Node::Table(self.0)
    }
}

impl<'a> From<Body<'a>> for Node<'a> {
    fn from(body: Body<'a>) -> Self {
        Self::Table(body.0)
    }
}

/// What is below the name of a service; `digest` is of the generated files that it mounts.
pub(crate) fn body<'a>(service: &'a Service, digest: Option<&'a str>) -> Node<'a> {
    let environment = service.environment.iter().map(|(name, value)| (name.as_str(), Node::from(value)));
    let inherited = service.inherited.iter().map(|name| (name.as_str(), Node::Null));
    Body(Vec::with_capacity(ORDER.len() / 2))
        .option("image", service.image.as_ref())
        .option("container_name", service.container_name.as_ref())
        .option("hostname", service.hostname.as_ref())
        .key("profiles", Node::list(&service.profiles, Node::from))
        .even_empty("entrypoint", service.entrypoint.as_ref())
        .even_empty("command", service.command.as_ref())
        .key("environment", Node::Table(environment.chain(inherited).collect()))
        .key("secrets", Node::list(&service.secrets, grant))
        .key("configs", Node::list(&service.configs, grant))
        .key("ports", Node::List(service.ports.iter().filter_map(port).collect()))
        .key("volumes", Node::list(&service.mounts, mount))
        .key("depends_on", Node::table(&service.depends_on, dependency))
        .option("healthcheck", service.healthcheck.as_ref().map(healthcheck))
        .option("restart", Some(&service.restart).filter(|restart| restart.literal() != Some("")))
        .option("network_mode", service.network_mode.as_ref())
        .key("networks", networks(&service.networks))
        .key("extra_hosts", extra_hosts(service))
        .key("labels", labels(service, digest))
        .with(&service.keys)
        .ordered(ORDER)
}

/// A table, or a list if variables decide names.
fn extra_hosts(service: &Service) -> Node<'_> {
    if service.referring_hosts.is_empty() {
        return Node::table(&service.extra_hosts, |(host, addresses)| match addresses.as_slice() {
            [address] => (host.as_str(), Node::from(address)),
            addresses => (host.as_str(), Node::list(addresses, Node::from)),
        });
    }
    let item = |host: &str, address: &Text| Node::from(Text::concat([format!("{host}=").into(), address.clone()]));
    let hosts = service.extra_hosts.iter();
    let all = hosts.flat_map(|(host, addresses)| addresses.iter().map(move |address| item(host, address)));
    Node::List(all.chain(service.referring_hosts.iter().map(Node::from)).collect())
}

/// A table, or a list if variables decide names: Compose replaces no variables in the names of a table.
fn labels<'a>(service: &'a Service, digest: Option<&'a str>) -> Node<'a> {
    let own = digest.map(|digest| (CONFIG_LABEL, Node::from(digest)));
    if service.referring_labels.is_empty() {
        return Node::Table(
            service.labels.iter().map(|(name, value)| (name.as_str(), Node::from(value))).chain(own).collect(),
        );
    }
    let all =
        service.labels.iter().map(|(name, value)| Node::from(Text::concat([format!("{name}=").into(), value.clone()])));
    let own = digest.map(|digest| Node::Str(format!("{CONFIG_LABEL}={digest}").into()));
    Node::List(all.chain(service.referring_labels.iter().map(Node::from)).chain(own).collect())
}

impl<'a> From<&'a Command> for Node<'a> {
    fn from(command: &'a Command) -> Self {
        match command {
            Command::Line(line) => line.into(),
            Command::Arguments(arguments) => Self::list(arguments, Self::from),
        }
    }
}

fn grant(grant: &FileGrant) -> Body<'_> {
    Body::default().key("source", &grant.source).with(&grant.keys)
}

/// A published port; others are not written to the Compose file.
fn port(port: &Port) -> Option<Node<'_>> {
    let published = port.published.as_ref()?;
    if let Some(short) = &published.short {
        return Some(short.into());
    }
    let body = Body::default()
        .option("name", published.is_named.then_some(&port.name))
        .option("host_ip", Some(&published.host_ip).filter(|address| address.literal() != Some("")))
        .option("published", published.port.as_ref())
        .key("target", port.variable.as_ref().map_or_else(|| Node::from(port.target), Node::from))
        .option("protocol", Some(port.protocol.as_str()).filter(|_| port.protocol != Protocol::Tcp))
        .option("app_protocol", port.app_protocol.as_ref())
        .option("mode", published.mode.map(PortMode::as_str))
        .with(&port.keys);
    Some(body.into())
}

fn mount(mount: &Mount) -> Body<'_> {
    Body::default()
        .key("type", mount.kind.as_str())
        .option("source", mount.source.as_ref())
        .key("target", &mount.target)
        .option("read_only", mount.read_only.as_ref())
        .with(&mount.keys)
}

fn dependency(dependency: &Dependency) -> (&str, Body<'_>) {
    let body = Body::default()
        .key("condition", dependency.condition.as_str())
        .flag("restart", dependency.restart, false)
        .flag("required", dependency.required, true)
        .with(&dependency.keys);
    (&dependency.service, body)
}

fn healthcheck(healthcheck: &Healthcheck) -> Body<'_> {
    match healthcheck {
        Healthcheck::Disabled { by_test: true } => Body::default().key("test", Node::List(vec!["NONE".into()])),
        Healthcheck::Disabled { by_test: false } => Body::default().key("disable", true),
        Healthcheck::Probe(probe) => {
            let Probe { test, interval, timeout, retries, start_period, start_interval, enable, http: _, tcp: _, keys } =
                &**probe;
            Body::default()
                .flag("disable", false, *enable)
                .option("test", test.as_ref())
                .option("interval", interval.as_ref())
                .option("timeout", timeout.as_ref())
                .option("retries", retries.as_ref())
                .option("start_period", start_period.as_ref())
                .option("start_interval", start_interval.as_ref())
                .with(keys)
        }
    }
}

/// A list of names, or a table if one has options.
fn networks(members: &[NetworkMember]) -> Node<'_> {
    if members.iter().all(|member| member.keys.0.is_empty()) {
        return Node::list(members, |member| &member.name);
    }
    Node::table(members, |member| (member.name.as_str(), Body::default().with(&member.keys)))
}
