//! `[services.<name>]`: one container.

use super::decode::{Context, Decode, Listed, Many, Map, Named, Short, Shorthand, Spanned, choice, table};
pub use super::kind::{Kind, Role, Settings};
use super::schema::{self, Schema, Schemas};
use super::text::{Scalar, Text, Tree, Value};
use super::tree::{Node, Value as TreeValue};
use super::value::{Cpus, Duration, Ports, Size};
use crate::diagnostic::{Diagnostic, Span};

table! {
    /// One container. The keys from `image` on are Compose's, with Compose's meaning.
    pub struct Service as "a service" then super::kind::settle {
        /// What runs in it, if it is something that `gen` knows how to configure.
        kind: Option<Spanned<Kind>>,
        /// A heading that related services share in the docs.
        group: Option<String>,
        /// What it is for, in one line.
        description: Option<String>,
        /// The cluster that a `temporal-server` belongs to or a `temporal-ui` shows.
        cluster: Option<Spanned<String>>,
        /// The role of a `temporal-server`; without one it runs all of them.
        role: Option<Spanned<Role>>,
        /// Whether it talks to AWS: it gets the region and the host's `~/.aws`, read-only.
        aws: Option<Spanned<bool>>,
        /// Where it serves Prometheus metrics.
        metrics: Option<Box<Metrics>>,
        /// What its kind can be told.
        settings: Option<Box<Settings>>,
        /// A name in `[images]`, or an image with a tag or digest.
        image: Option<Spanned<Text>>,
        /// How Compose builds its image.
        build: Option<Box<Short<Build>>>,
        /// What to run instead of the image's command.
        command: Option<Spanned<Command>>,
        /// What to run instead of the image's entrypoint.
        entrypoint: Option<Spanned<Command>>,
        /// Its environment variables.
        environment: Map<Scalar>,
        /// Files of environment variables, relative to the Compose file.
        env_file: Many<Short<EnvFile>>,
        /// Its ports by name.
        ports: Map<Short<Port>>,
        /// Ports that are documented as reachable inside the network.
        expose: Vec<Spanned<Ports>>,
        /// Bind mounts and volumes.
        volumes: Vec<Short<Mount>>,
        /// What must be up before it.
        depends_on: Option<Named<Short<Dependency>>>,
        /// How its health is probed.
        healthcheck: Option<Box<Healthcheck>>,
        /// When it is started again.
        restart: Option<Spanned<Restart>>,
        /// The networks it joins; without any, the stack's.
        networks: Option<Named<NetworkMember>>,
        /// Its container's name; its own name if left out.
        container_name: Option<Spanned<String>>,
        /// Its host name; its own name if left out.
        hostname: Option<Spanned<String>>,
        /// The Compose profiles that switch it on.
        profiles: Vec<Spanned<String>>,
        /// The user it runs as.
        user: Option<Text>,
        /// Where its output goes.
        logging: Option<Box<Logging>>,
        /// Its container's labels.
        labels: Map<Scalar>,
        /// When its image is pulled.
        pull_policy: Option<Spanned<PullPolicy>>,
        /// Its platform; the stack's if left out.
        platform: Option<Text>,
        /// `host`, `none`, `service:<name>` or `container:<name>`.
        network_mode: Option<Spanned<Text>>,
        /// Host names and their addresses.
        extra_hosts: Map<Text>,
        /// Limits of the kernel.
        ulimits: Map<Short<Ulimit>>,
        /// Whether it gets a terminal.
        tty: Option<Value<bool>>,
        /// Whether its standard input stays open.
        stdin_open: Option<Value<bool>>,
        /// Replicas and resources.
        deploy: Option<Box<Deploy>>,
        /// Whether its root file system is read-only.
        read_only: Option<Value<bool>>,
        /// Where it gets file systems in memory.
        tmpfs: Many<Text>,
        /// The secrets it reads.
        secrets: Vec<Short<Secret>>,
        /// Capabilities it gets.
        cap_add: Vec<Text>,
        /// Capabilities that are taken from it; `["ALL"]` for a kind, none for any other service, if left out.
        cap_drop: Option<Vec<Text>>,
        /// Security options; `["no-new-privileges:true"]` if left out.
        security_opt: Option<Vec<Text>>,
        /// The size of `/dev/shm`.
        shm_size: Option<Value<Size>>,
        /// Whether an init process reaps its children.
        init: Option<Value<bool>>,
        /// Any other key of a Compose service, as it is.
        compose: Map<Tree>,
    }
}

table! {
    /// Where a service serves Prometheus metrics.
    pub struct Metrics as "metrics" {
        /// One of the service's ports.
        port: Spanned<String>,
        /// The path, `/metrics` if left out.
        path: Option<String>,
    }
}

table! {
    /// How Compose builds an image.
    pub struct Build as "build" {
        /// The folder that is sent to the builder.
        context: Option<Text>,
        /// The Dockerfile, relative to the context.
        dockerfile: Option<Text>,
        /// The stage to build.
        target: Option<Text>,
        /// Build arguments.
        args: Map<Scalar>,
        /// Images to take cached layers from.
        cache_from: Vec<Text>,
    }
}

impl Shorthand for Build {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let context = Some(Text::decode(node, cx)?);
        Some(Self {
            span,
            sound: true,
            context,
            dockerfile: None,
            target: None,
            args: Map::default(),
            cache_from: Vec::new(),
        })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Text::schema(schemas)
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

table! {
    /// A file of environment variables.
    pub struct EnvFile as "env_file" {
        /// The file.
        path: Text,
        /// Whether it must exist.
        required: Option<bool>,
    }
}

impl Shorthand for EnvFile {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, path: Text::decode(node, cx)?, required: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Text::schema(schemas)
    }
}

choice! {
    /// A transport protocol.
    pub enum Protocol as "protocol" {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
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
    pub struct Port as "a port" {
        /// The port on the host; without one the port is reachable inside the network only.
        published: Option<Spanned<Value<Ports>>>,
        /// The port in the container; the kind's, or the published one, if left out.
        target: Option<Spanned<u16>>,
        /// The host's address to bind to; the stack's `bind` if left out.
        host_ip: Option<Spanned<Text>>,
        /// `tcp` if left out.
        protocol: Option<Protocol>,
        /// Compose's default if left out.
        mode: Option<PortMode>,
        /// A path that answers a GET with 200, for the links in the docs.
        path: Option<Spanned<String>>,
    }
}

impl Shorthand for Port {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        if let TreeValue::String(text) = &node.value
            && text.contains(':')
            && !text.contains("${")
        {
            cx.diagnostics.push(
                Diagnostic::new("invalid-port", format!("`{}` is no port", super::decode::shown(text)), span)
                    .help("write `{ published = 8082, target = 8080 }`"),
            );
            return None;
        }
        let published = Some(Spanned::decode(node, cx)?);
        Some(Self { span, sound: true, published, target: None, host_ip: None, protocol: None, mode: None, path: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Value::<Ports>::schema(schemas)
    }
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
    }
}

table! {
    /// A mount.
    pub struct Mount as "a mount" {
        /// What it is; told from the source if left out.
        kind as "type": Option<Spanned<MountType>>,
        /// A path of the host, or the name of a volume.
        source: Option<Text>,
        /// Where it appears in the container.
        target: Text,
        /// Whether the container may only read it.
        read_only: Option<Value<bool>>,
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
        let pieces = split_outside_references(text);
        let (source, target, read_only) = match pieces.as_slice() {
            [source, target] | [source, target, "rw"] => (*source, *target, false),
            [source, target, "ro"] => (*source, *target, true),
            _ => return wrong(cx, format!("`{}` is no mount", super::decode::shown(text))),
        };
        if source.is_empty() || target.is_empty() {
            return wrong(cx, "a mount needs a source and a target".to_owned());
        }
        let mut piece = |piece: &str| {
            let from = piece.as_ptr() as usize - text.as_ptr() as usize;
            // One for the quote; a place inside a string with escapes is only near.
            super::text::parse(piece, span.slice(from + 1, from + 1 + piece.len()), cx)
        };
        let (source, target) = (piece(source), piece(target));
        Some(Self {
            span,
            sound: true,
            kind: None,
            source: Some(source?),
            target: target?,
            read_only: read_only.then_some(Value::Is(true)),
        })
    }

    fn short_schema(_: &mut Schemas) -> Schema {
        schema::pattern(":", &["data:/var/lib/data", "./conf:/etc/app:ro"])
    }
}

/// Splits at the colons that stand outside of `${…}`.
fn split_outside_references(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut from, mut inside, mut before) = (0, false, ' ');
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => inside = true,
            '}' => inside = false,
            ':' if !inside => {
                pieces.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        before = c;
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
    pub struct Dependency as "a dependency" {
        /// What to wait for; `service_started` if left out.
        condition: Option<Spanned<Condition>>,
        /// Whether this service is restarted with it.
        restart: Option<bool>,
        /// Whether it must be there at all.
        required: Option<bool>,
    }
}

impl Shorthand for Dependency {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self { span, sound: true, condition: Some(Spanned::decode(node, cx)?), restart: None, required: None })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Condition::schema(schemas)
    }
}

impl Listed for Dependency {
    fn from_name(span: Span) -> Self {
        Self { span, sound: true, condition: None, restart: None, required: None }
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
        /// The port of the GET, by name; `http` if left out.
        port: Option<Spanned<String>>,
        /// The program that probes: `curl` for a GET and `nc` for a connection if left out.
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
        /// Switches off the kind's or the image's own.
        disable: Option<Spanned<bool>>,
    }
}

/// When a container is started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart(pub String);

impl Decode for Restart {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        const WORDS: &[&str] = &["no", "always", "on-failure", "unless-stopped"];
        let span = node.span;
        let word = String::decode(node, cx)?;
        let counted = word.strip_prefix("on-failure:").is_some_and(|count| count.parse::<u32>().is_ok());
        if counted || WORDS.contains(&word.as_str()) {
            return Some(Self(word));
        }
        super::decode::unknown_word(&word, "restart policy", WORDS, span, cx);
        None
    }

    fn schema(_: &mut Schemas) -> Schema {
        schema::pattern(
            "^(no|always|on-failure(:[0-9]+)?|unless-stopped)$",
            &["no", "always", "on-failure", "unless-stopped"],
        )
    }
}

choice! {
    /// When an image is pulled.
    pub enum PullPolicy as "pull policy" {
        /// Every time.
        Always = "always",
        /// Not at all.
        Never = "never",
        /// If it isn't there.
        Missing = "missing",
        /// It is built.
        Build = "build",
        /// Once a day.
        Daily = "daily",
        /// Once a week.
        Weekly = "weekly",
    }
}

table! {
    /// How a service joins a network.
    pub struct NetworkMember as "a network of a service" {
        /// Further host names.
        aliases: Vec<Text>,
        /// A fixed address.
        ipv4_address: Option<Text>,
    }
}

impl Listed for NetworkMember {
    fn from_name(span: Span) -> Self {
        Self { span, sound: true, aliases: Vec::new(), ipv4_address: None }
    }
}

table! {
    /// Where output goes.
    pub struct Logging as "logging" {
        /// Docker's logging driver.
        driver: Option<Text>,
        /// The driver's options.
        options: Map<Scalar>,
    }
}

table! {
    /// A limit of the kernel: one number for both, or a soft and a hard one.
    pub struct Ulimit as "a ulimit" {
        /// What the process starts with.
        soft: Value<i64>,
        /// What it may raise it to.
        hard: Value<i64>,
    }
}

impl Shorthand for Ulimit {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let both: Value<i64> = Value::decode(node, cx)?;
        Some(Self { span, sound: true, soft: both.clone(), hard: both })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        Value::<i64>::schema(schemas)
    }
}

table! {
    /// Replicas and resources.
    pub struct Deploy as "deploy" {
        /// How many containers.
        replicas: Option<Spanned<Value<u32>>>,
        /// What they may use.
        resources: Option<Resources>,
    }
}

table! {
    /// What containers may use.
    pub struct Resources as "resources" {
        /// At most.
        limits: Option<Amount>,
        /// At least.
        reservations: Option<Amount>,
    }
}

table! {
    /// An amount of resources.
    pub struct Amount as "an amount of resources" {
        /// CPUs.
        cpus: Option<Value<Cpus>>,
        /// Memory.
        memory: Option<Value<Size>>,
        /// Processes.
        pids: Option<Value<u32>>,
    }
}

table! {
    /// A secret that a service reads.
    pub struct Secret as "a secret of a service" {
        /// Its name in `[secrets]`.
        source: Spanned<String>,
        /// The file below `/run/secrets`.
        target: Option<Text>,
        /// The file's owner.
        uid: Option<String>,
        /// The file's group.
        gid: Option<String>,
        /// The file's mode, e.g. `"0440"`.
        mode: Option<String>,
    }
}

impl Shorthand for Secret {
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        Some(Self {
            span,
            sound: true,
            source: Spanned::decode(node, cx)?,
            target: None,
            uid: None,
            gid: None,
            mode: None,
        })
    }

    fn short_schema(schemas: &mut Schemas) -> Schema {
        String::schema(schemas)
    }
}
