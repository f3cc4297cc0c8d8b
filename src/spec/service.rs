//! `[services.<name>]`: one container.

use std::collections::HashMap;
use std::mem;
use std::ops::Deref;

use super::compose::{self, Assignment, Keys};
use super::decode::{self, Context, Decode, Many, Map, Named, Short, Shorthand, Spanned, choice, shown, table};
pub use super::kind::{Kind, Role, Settings};
use super::kubernetes::Workload;
use super::quoted;
use super::schema::{self, Schema, Schemas};
use super::text::{self, Flag, Scalar, Text, Tree, Value};
use super::tree::{Node, Value as TreeValue};
use super::value::{Duration, Ports};
use crate::diagnostic::{Diagnostic, Span};

/// The default path of metrics.
pub const METRICS_PATH: &str = "/metrics";

/// The default protocol of a port.
pub const PROTOCOL: Protocol = Protocol::Tcp;

/// The default condition of a dependency.
pub const CONDITION: Condition = Condition::Started;

/// The default port of a GET.
pub const HTTP_PORT: &str = "http";

table! {
    /// One container. The keys from `image` on are Compose's, with Compose's meaning; so is any other that Compose has.
    pub struct Service as "a service" then super::kind::settle {
        /// What runs in it, if it is something that `gen` knows how to configure.
        kind: Option<Spanned<Kind>>,
        /// A heading that related services share in the docs.
        group: Option<String>,
        /// What it is for, in one line.
        description: Option<String>,
        /// The cluster that a `temporal-server` belongs to or a `temporal-ui` shows.
        cluster: Option<Box<Spanned<String>>>,
        /// The role of a `temporal-server`; without one it runs all of them.
        role: Option<Spanned<Role>>,
        /// Whether it uses AWS: it gets the region, `AWS_PROFILE` if it is declared, and the host's `~/.aws`, read-only, as
        /// whose owner it runs if `HOST_UID` is declared and set.
        aws: Option<Spanned<bool>>,
        /// Where it serves Prometheus metrics; `false` if they are not scraped, `true` for those of its kind.
        metrics: Option<Box<Spanned<Scraped>>>,
        /// The settings of its kind.
        settings: Option<Box<Settings>>,
        /// What only Kubernetes needs to know of it.
        kubernetes: Option<Box<Workload>>,
        /// A name in `[images]`, or an image with a tag or digest.
        image: Option<Spanned<Text>>,
        /// What to run instead of the image's command.
        command: Option<Box<Spanned<Command>>>,
        /// What to run instead of the image's entrypoint.
        entrypoint: Option<Box<Spanned<Command>>>,
        /// Its environment variables; in a list, one without a value is taken from where Compose runs.
        environment: Assignments,
        /// Its ports by name, or a list in Compose's forms.
        ports: NamedPorts,
        /// Bind mounts and volumes.
        volumes: Vec<Short<Mount>>,
        /// What must be up before it.
        depends_on: Option<Named<Short<Dependency>>>,
        /// How its health is probed.
        healthcheck: Option<Box<Healthcheck>>,
        /// When it is started again.
        restart: Option<Box<Spanned<Restart>>>,
        /// The networks it joins; without any, the stack's.
        networks: Named<NetworkMember>,
        /// Its container's name; its own name if left out.
        container_name: Option<Box<Spanned<Text>>>,
        /// Its host name; its own name if left out.
        hostname: Option<Box<Spanned<Text>>>,
        /// The Compose profiles that enable it.
        profiles: Vec<Spanned<String>>,
        /// Its container's labels.
        labels: Assignments,
        /// `host`, `none`, `service:<name>` or `container:<name>`.
        network_mode: Option<Box<Spanned<Text>>>,
        /// Host names and their addresses.
        extra_hosts: ExtraHosts,
        /// The secrets it reads.
        secrets: Vec<Short<FileGrant>>,
        /// The configs it reads.
        configs: Vec<Short<FileGrant>>,
        ..compose: "service",
    }
}

table! {
    /// Where a service serves Prometheus metrics.
    pub struct Metrics as "metrics" {
        /// One of the service's ports.
        port: Spanned<String>,
        /// The path.
        path: Option<String> = METRICS_PATH,
    }
}

/// Whether metrics are scraped, and where.
#[derive(Debug, Clone)]
pub enum Scraped {
    /// Whether those of the kind are.
    Kind(bool),
    /// Those of a port.
    At(Metrics),
}

impl Decode for Scraped {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            TreeValue::Boolean(scraped) => Some(Self::Kind(scraped)),
            TreeValue::Table(_) => Metrics::decode(node, cx).map(Self::At),
            _ => {
                cx.mismatch(&node, "a boolean or a table", None);
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([bool::schema(schemas), Metrics::schema(schemas)])
    }
}

/// A command: a string for the image's shell rules, or a list of arguments.
#[derive(Debug, Clone)]
pub enum Command {
    /// One string, split like a shell would.
    Line(Text),
    /// The arguments.
    Arguments(Vec<Text>),
}

impl Decode for Command {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            TreeValue::List(_) => Vec::decode(node, cx).map(Self::Arguments),
            TreeValue::String(_) => Text::decode(node, cx).map(Self::Line),
            _ => {
                cx.mismatch(&node, "a string or a list of strings", None);
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([Text::schema(schemas), schema::list::<Text>(schemas)])
    }
}

/// `NAME = value`, as a table or as Compose's list of `NAME=value`.
#[derive(Debug, Clone, Default)]
pub struct Assignments {
    values: Map<Scalar>,
    /// Names of a list that have no value.
    pub bare: Vec<Spanned<String>>,
    /// Items of a list whose names hold references, as they are written: the names of a table have none.
    pub referring: Vec<Text>,
}

impl Deref for Assignments {
    type Target = Map<Scalar>;

    fn deref(&self) -> &Self::Target {
        &self.values
    }
}

impl Decode for Assignments {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let mut node = node;
        let mut list = Self::default();
        if let TreeValue::Table(table) = &mut node.value
            && table.entries.iter().any(|(_, node)| node.value == TreeValue::Absent)
        {
            let (bare, valued) =
                mem::take(&mut table.entries).into_iter().partition(|(_, node)| node.value == TreeValue::Absent);
            table.entries = valued;
            list.bare =
                bare.into_iter().map(|(key, _)| Spanned { value: key.name.into_owned(), span: key.span }).collect();
        }
        let TreeValue::List(items) = node.value else {
            return Map::unlisted(node, cx).map(|values| Self { values, ..list });
        };
        let mut names = HashMap::with_capacity(items.len());
        for item in items {
            let TreeValue::String(text) = &item.value else {
                cx.mismatch(&item, "a string", decode::quoting(&item.value));
                continue;
            };
            if text.split('=').next().is_some_and(|name| name.contains("${")) {
                list.referring.extend(text::parse(text, item.span, cx));
                continue;
            }
            let Some(Assignment { name, value }) = compose::assignment(text, item.span, &['='], cx) else { continue };
            if !decode::listed_once(&name, &mut names, cx) {
                continue;
            }
            match value {
                None => list.bare.push(name),
                Some((value, span)) => match text::parse(value, span, cx) {
                    Some(value) => list.values.entries.push((name, Scalar(value))),
                    None => {
                        list.values.broken.insert(name.value);
                    }
                },
            }
        }
        Some(list)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([schema::map::<Scalar>(schemas), schema::list::<String>(schemas)])
    }
}

/// Host names and their addresses, as a table or as Compose's list of `host=address`.
#[derive(Debug, Clone, Default)]
pub struct ExtraHosts {
    /// The hosts.
    pub hosts: Vec<(Spanned<String>, Vec<Text>)>,
    /// Items of a list in which references decide the name, as they are written.
    pub referring: Vec<Text>,
}

impl Decode for ExtraHosts {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let TreeValue::List(items) = node.value else {
            let hosts: Map<Many<Text>> = Map::unlisted(node, cx)?;
            let hosts = hosts.entries.into_iter().map(|(host, addresses)| (host, addresses.0)).collect();
            return Some(Self { hosts, ..Self::default() });
        };
        let Self { mut hosts, mut referring } = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        for item in items {
            let TreeValue::String(text) = &item.value else {
                cx.mismatch(&item, "a string", decode::quoting(&item.value));
                continue;
            };
            if split_outside(text)[0].split('=').next().is_some_and(|name| name.contains("${")) {
                referring.extend(text::parse(text, item.span, cx));
                continue;
            }
            let parts = compose::assignment(text, item.span, &['=', ':'], cx);
            let Some(Assignment { name, value }) = parts else { continue };
            let Some((address, span)) = value.filter(|_| !name.is_empty() && !name.contains('[')) else {
                cx.diagnostics.push(
                    Diagnostic::new("invalid-host", format!("invalid host `{}`", shown(text)), item.span)
                        .help("write `host=address`"),
                );
                continue;
            };
            let Some(address) = text::parse(address, span, cx) else { continue };
            let place = *places.entry(name.value.clone()).or_insert(hosts.len());
            match hosts.get_mut(place) {
                Some((_, addresses)) => addresses.push(address),
                None => hosts.push((name, vec![address])),
            }
        }
        Some(Self { hosts, referring })
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([schema::map::<Many<Text>>(schemas), schema::list::<String>(schemas)])
    }
}

choice! {
    /// A transport protocol.
    pub enum Protocol as "protocol" {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// SCTP.
        Sctp = "sctp",
    }
}

choice! {
    /// How Compose publishes a port.
    pub enum PortMode as "port mode" {
        /// On each node.
        Host = "host",
        /// Load-balanced.
        Ingress = "ingress",
    }
}

table! {
    /// A port of a service.
    pub struct Port as "a port" (short published) {
        /// The port on the host; without one the port is reachable inside the network only.
        published: Option<Spanned<Value<Ports>>>,
        /// The port in the container, or as many as are published; the kind's, or the published one, if left out.
        target: Option<Spanned<Value<Ports>>>,
        /// The host's address to bind to; the stack's `bind` if left out.
        host_ip: Option<Spanned<Text>>,
        /// The transport protocol.
        protocol: Option<Protocol> = PROTOCOL.as_str(),
        /// Compose's default if left out.
        mode: Option<PortMode>,
        /// The protocol that is spoken, such as `http`.
        app_protocol: Option<String>,
        /// A path that answers a GET with 200, for the links in the docs.
        path: Option<Spanned<String>>,
        ..compose: "service/properties/ports/items/oneOf/2",
    }
}

/// Ports by name. A listed port without a name is named by its number in the container.
#[derive(Debug, Clone, Default)]
pub struct NamedPorts {
    ports: Map<Short<Port>>,
    /// Whether they are a list in Compose's forms, where a port without one on the host gets a free one.
    pub listed: bool,
}

impl NamedPorts {
    /// The ports, to change them.
    pub fn entries_mut(&mut self) -> &mut [(Spanned<String>, Short<Port>)] {
        &mut self.ports.entries
    }

    /// Where each port that is published says so.
    pub fn published(&self) -> impl Iterator<Item = Span> {
        self.iter().filter_map(|(name, port)| match &port.0.published {
            Some(published) => Some(published.span),
            None => self.listed.then_some(name.span),
        })
    }
}

impl Deref for NamedPorts {
    type Target = Map<Short<Port>>;

    fn deref(&self) -> &Self::Target {
        &self.ports
    }
}

impl Decode for NamedPorts {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let TreeValue::List(items) = node.value else {
            return Map::unlisted(node, cx).map(|ports| Self { ports, listed: false });
        };
        let mut ports: Map<Short<Port>> = Map::default();
        for mut item in items {
            let span = item.span;
            let written = match &mut item.value {
                TreeValue::Table(table) => table.take("name").and_then(|(_, name)| Spanned::<String>::decode(name, cx)),
                _ => None,
            };
            let port = match &item.value {
                TreeValue::Table(_) => Port::decode(item, cx),
                TreeValue::String(text) => short_port(text, span, cx),
                _ => Ports::decode(item, cx).map(|target| container_port(Value::Is(target), span)),
            };
            let Some(port) = port else { continue };
            let name = written.or_else(|| {
                let name = match &port.target.as_ref()?.value {
                    Value::Is(target) => target.first.to_string(),
                    Value::Env(text) => text.variables().next()?.to_ascii_lowercase(),
                };
                let protocol = port.protocol.filter(|&protocol| protocol != Protocol::Tcp);
                let suffix = protocol.map(|protocol| format!("-{}", protocol.as_str())).unwrap_or_default();
                Some(Spanned { value: format!("{name}{suffix}"), span })
            });
            match name {
                Some(name) => ports.entries.push((name, Short(port))),
                None => decode::missing_key("target", "an item of `ports`", span, cx),
            }
        }
        Some(Self { ports, listed: true })
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        let listed = schemas.compose(compose::described("service/properties/ports"));
        schema::any_of([schema::map::<Short<Port>>(schemas), listed])
    }
}

fn container_port(target: Value<Ports>, span: Span) -> Port {
    Port {
        span,
        sound: true,
        published: None,
        target: Some(Spanned { value: target, span }),
        host_ip: None,
        protocol: None,
        mode: None,
        app_protocol: None,
        path: None,
        compose: Keys::default(),
    }
}

/// The pieces of `[[address:]published:]target[/protocol]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShortPort<'t> {
    /// The address of the host.
    pub host_ip: Option<&'t str>,
    /// The port of the host.
    pub published: Option<&'t str>,
    /// The port in the container.
    pub target: &'t str,
    /// The transport protocol.
    pub protocol: Option<Protocol>,
}

impl<'t> ShortPort<'t> {
    /// Splits a text; `None` if its protocol is unknown.
    pub fn split(text: &'t str) -> Option<Self> {
        let (text, protocol) = match text.rsplit_once('/') {
            Some((ports, protocol)) => (ports, Some(Protocol::from_word(protocol)?)),
            None => (text, None),
        };
        let port = |host_ip, published: Option<&'t str>, target| Self {
            host_ip,
            published: published.filter(|published| !published.is_empty()),
            target,
            protocol,
        };
        Some(match split_outside(text).as_slice() {
            [] => port(None, None, text),
            [target] => port(None, None, target),
            [published, target] => port(None, Some(published), target),
            [address @ .., published, target] => {
                let end: usize = address.iter().map(|piece| piece.len() + 1).sum();
                port(text.get(..end - 1), Some(published), target)
            }
        })
    }
}

fn short_port(text: &str, span: Span, cx: &mut Context<'_>) -> Option<Port> {
    let wrong = |cx: &mut Context<'_>| {
        cx.diagnostics.push(
            Diagnostic::new("invalid-port", super::value::invalid_port(text), span)
                .help("write `published:target`, or `{ published = 8082, target = 8080 }`"),
        );
        None
    };
    let Some(ShortPort { host_ip, published, target, protocol }) = ShortPort::split(text) else { return wrong(cx) };
    let target = match Ports::parse(target) {
        Some(target) => Value::Is(target),
        None if target.contains("${") => Value::Env(text::parse(target, span, cx)?.into()),
        None => return wrong(cx),
    };
    let published = match published {
        Some(published) if published.contains("${") => Some(Value::Env(text::parse(published, span, cx)?.into())),
        Some(published) => match Ports::parse(published) {
            Some(ports) => Some(Value::Is(ports)),
            None => return wrong(cx),
        },
        None => None,
    };
    let host_ip = match host_ip {
        Some(host) => Some(Spanned { value: text::parse(host, span, cx)?, span }),
        None => None,
    };
    let published = published.map(|value| Spanned { value, span });
    Some(Port { published, host_ip, protocol, ..container_port(target, span) })
}

choice! {
    /// What is mounted.
    pub enum MountType as "type of mount" {
        /// A path of the host.
        Bind = "bind",
        /// A named volume.
        Volume = "volume",
        /// A file system in memory.
        Tmpfs = "tmpfs",
        /// An image's files.
        Image = "image",
        /// A named pipe of Windows.
        Npipe = "npipe",
        /// A volume of a cluster.
        Cluster = "cluster",
    }
}

table! {
    /// A mount.
    pub struct Mount as "a mount" {
        /// Its type; derived from the source if left out.
        kind as "type": Option<Spanned<MountType>>,
        /// A path of the host, the name of a volume, or an image.
        source: Option<Text>,
        /// A file of `[files]` instead, which the container may only read unless `read_only` says otherwise.
        file: Option<Spanned<String>>,
        /// Where it appears in the container.
        target: Text,
        /// Whether the container may only read it.
        read_only: Option<Value<bool>>,
        ..compose: "service/properties/volumes/items/oneOf/1",
    }
}

impl Shorthand for Mount {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let TreeValue::String(text) = &node.value else {
            cx.mismatch(&node, "a string or a table", None);
            return None;
        };
        let wrong = |cx: &mut Context<'_>, title: String| {
            cx.diagnostics.push(
                Diagnostic::new("invalid-mount", title, span)
                    .help("write `source:target`, `source:target:ro`, or `{ source = \"…\", target = \"…\" }`"),
            );
            None
        };
        let pieces = split_outside(text);
        let (source, target, options) = match pieces.as_slice() {
            [target] => (None, *target, ""),
            [source, target] => (Some(*source), *target, ""),
            [source, target, options] => (Some(*source), *target, *options),
            _ => return wrong(cx, format!("invalid mount `{}`", shown(text))),
        };
        if source == Some("") || target.is_empty() {
            return wrong(cx, "missing source or target of a mount".to_owned());
        }
        let mut read_only = None;
        let mut compose = Keys::default();
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => read_only = Some(Value::Is(true)),
                "z" | "Z" => compose.set("bind", "selinux", Tree::Text(Text::plain(option, span)), span),
                "nocopy" => compose.set("volume", "nocopy", Tree::Boolean(true), span),
                "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => {
                    compose.set("bind", "propagation", Tree::Text(Text::plain(option, span)), span);
                }
                // The default, and what Docker ignores by now.
                "rw" | "cached" | "delegated" | "consistent" => {}
                _ => {
                    let from = option.as_ptr() as usize - text.as_ptr() as usize;
                    let place = quoted::part(text, span, from, from + option.len());
                    let title = format!("unknown mount option `{}`", shown(option));
                    cx.diagnostics.push(Diagnostic::new("invalid-mount", title, place).help(
                        "expected one of `ro`, `rw`, `z`, `Z`, `nocopy`, `rprivate`, `private`, `rshared`, `shared`, `rslave`, `slave`",
                    ));
                    return None;
                }
            }
        }
        let mut piece = |piece: &str| {
            let from = piece.as_ptr() as usize - text.as_ptr() as usize;
            text::parse(piece, quoted::part(text, span, from, from + piece.len()), cx)
        };
        let source = match source {
            Some(source) => Some(piece(source)?),
            None => None,
        };
        Some(Self { span, sound: true, kind: None, source, file: None, target: piece(target)?, read_only, compose })
    }

    fn short_schema(_: &mut Schemas) -> Schema {
        schema::pattern("^.", &["data:/var/lib/data", "./conf:/etc/app:ro"])
    }
}

/// Whether a piece is the letter of a drive of Windows, and what follows its colon a path on it.
fn is_drive(letter: &str, path: &str) -> bool {
    letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_alphabetic()) && path.starts_with(['\\', '/'])
}

/// Splits at the colons that stand outside of `${…}` and are not those of drives: `C:/data` before another path, or as one.
pub(crate) fn split_outside(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    let mut is_closed = true;
    while let Some(found) = text[at..].find(['$', ':']) {
        at += found;
        let rest = &text[at + 1..];
        if text[at..].starts_with('$') {
            // Behind a reference that is never closed, none is.
            let length = rest.starts_with('{').then(|| is_closed.then(|| text::closing_brace(rest)).flatten());
            is_closed = length != Some(None);
            at += length.flatten().unwrap_or_default();
        } else if !(is_drive(&text[from..at], rest) && (from > 0 || rest.starts_with('\\') || rest.contains(":/"))) {
            pieces.push(&text[from..at]);
            from = at + 1;
        }
        at += 1;
    }
    pieces.push(&text[from..]);
    pieces
}

choice! {
    /// What a dependency waits for.
    pub enum Condition as "condition" {
        /// Its container runs.
        Started = "service_started",
        /// Its healthcheck passes.
        Healthy = "service_healthy",
        /// It has ended with exit code 0.
        Completed = "service_completed_successfully",
    }
}

table! {
    /// A dependency.
    pub struct Dependency as "a dependency" (short condition, listed) {
        /// What to wait for.
        condition: Option<Spanned<Condition>> = CONDITION.as_str(),
        /// Whether this service is restarted with it.
        restart: Option<Flag>,
        /// Whether it must be there at all.
        required: Option<bool>,
        ..compose: "service/properties/depends_on/oneOf/1/patternProperties/^[a-zA-Z0-9._-]+$",
    }
}

choice! {
    /// A program in the container that probes.
    pub enum Probe as "probe" {
        /// curl.
        Curl = "curl",
        /// wget.
        Wget = "wget",
        /// Python 3's standard library.
        Python3 = "python3",
        /// netcat.
        Nc = "nc",
    }
}

table! {
    /// How health is probed: by a GET (`http`), a connection (`tcp`) or any command (`test`).
    pub struct Healthcheck as "a healthcheck" {
        /// The path of a GET that answers 2xx when the service is healthy.
        http: Option<Spanned<String>>,
        /// The port, by name, that accepts connections when the service is healthy.
        tcp: Option<Spanned<String>>,
        /// The port of the GET, by name.
        port: Option<Spanned<String>> = HTTP_PORT,
        /// The program that probes. If left out: for a GET the first of `curl`, `wget` and `python3` that the image has as
        /// far as its kind says, else `curl`; `nc` for a connection.
        probe: Option<Spanned<Probe>>,
        /// A command instead: a list that begins with `CMD` or `CMD-SHELL`, or a shell line.
        test: Option<Spanned<Command>>,
        /// Between two probes.
        interval: Option<Spanned<Value<Duration>>>,
        /// Of one probe.
        timeout: Option<Spanned<Value<Duration>>>,
        /// Failures in a row until it counts as unhealthy.
        retries: Option<Value<u32>>,
        /// Failures that don't count after the start.
        start_period: Option<Spanned<Value<Duration>>>,
        /// Between two probes in the start period.
        start_interval: Option<Spanned<Value<Duration>>>,
        /// Turns off the healthcheck of the kind or the image.
        disable: Option<Spanned<Flag>>,
        ..compose: "healthcheck",
    }
}

/// When a container is started again.
#[derive(Debug, Clone, PartialEq)]
pub struct Restart(pub Text);

impl Decode for Restart {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        const WORDS: &[&str] = &["no", "always", "on-failure", "unless-stopped"];
        let span = node.span;
        // YAML's `no`.
        if let TreeValue::Boolean(false) = node.value {
            cx.mismatch(&node, "a string", Some("write `\"no\"`"));
            return None;
        }
        let text = Text::decode(node, cx)?;
        let Some(word) = text.literal() else { return Some(Self(text)) };
        let counted = word.strip_prefix("on-failure:").is_some_and(|count| count.parse::<u32>().is_ok());
        if counted || WORDS.contains(&word) {
            return Some(Self(text));
        }
        super::decode::unknown_word(word, "restart policy", WORDS, span, cx);
        None
    }

    fn schema(_: &mut Schemas) -> Schema {
        schema::pattern(
            r"^(no|always|on-failure(:[0-9]+)?|unless-stopped)$|\$\{",
            &["no", "always", "on-failure", "unless-stopped"],
        )
    }
}

table! {
    /// How a service joins a network.
    pub struct NetworkMember as "a network of a service" (listed) {
        /// A fixed address.
        ipv4_address: Option<Text>,
        ..compose: "service/properties/networks/oneOf/1/patternProperties/^[a-zA-Z0-9._-]+$/oneOf/0",
    }
}

table! {
    /// A secret or a config that a service reads from a file.
    pub struct FileGrant as "a file that a service reads" (short source) {
        /// Its name in `[secrets]` or `[configs]`.
        source: Spanned<String>,
        ..compose: "service_config_or_secret/items/oneOf/1",
    }
}
