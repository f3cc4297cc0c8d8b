//! The top level of a spec and every table but the services.

use std::sync::Arc;

use camino::Utf8Path;

use super::accepted::Acceptance;
use super::dashboard::Dashboard;
use super::decode::{Context, Decode, Map, Short, Spanned, choice, listed, shown, table};
use super::external::External;
use super::kind;
use super::kubernetes::{Kubernetes, TARGET, Target};
use super::lints::Lints;
use super::patches::Patch;
use super::provider::Source;
use super::schema::{self, Schema, Schemas};
use super::service::{Command, Service};
use super::text::{Scalar, Text, Tree};
use super::tree::Node;
use super::value::{Duration, Identifier};
use crate::diagnostic::Diagnostic;

/// The default address that published ports bind to: services here require no password, so none is open to the
/// network.
pub const LOOPBACK: &str = "127.0.0.1";

/// The image in which a Temporal server with the DSQL plugin runs.
pub const ALPINE: &str = "alpine:3.23";

/// The versions of Terraform that know everything in the configuration.
pub const TERRAFORM_VERSION: &str = ">= 1.9.0";

/// The versions of the provider that know all resources of the configuration.
pub const AWS_VERSION: &str = ">= 6.27.0, < 7.0.0";

/// The defaults of a stack that doesn't choose.
pub const DEFAULTS: Defaults = Defaults::Gen;

/// The default folder of the outputs.
pub const GENERATED: &str = "generated";

/// The default folder of Terraform's files.
pub const TERRAFORM: &str = "terraform";

/// The default log level of Temporal servers.
pub const LOG_LEVEL: LogLevel = LogLevel::Info;

/// Where clusters persist that don't say.
pub const PERSISTENCE: Persistence = Persistence::Dsql;

/// The default retention of a namespace, that of `temporal operator namespace create`.
pub const RETENTION: &str = "72h";

table! {
    /// A whole stack, as one profile sees it.
    pub struct Spec as "the spec" {
        /// The engine that runs the stack, usually a profile's: `[profiles.cluster] target = "kubernetes"`.
        target: Option<Spanned<Target>> = TARGET.as_str(),
        /// The name of the stack and what its services share.
        stack: Stack,
        /// Images by name.
        images: Map<Short<Image>>,
        /// Temporal clusters by name.
        clusters: Map<Cluster>,
        /// Services by name, in the order in which the outputs list them.
        services: Map<Box<Service>>,
        /// Services that already run outside of the stack, by name.
        external: Map<External>,
        /// Steps that create a schema, besides those that clusters and kinds imply.
        schema: Map<SchemaStep>,
        /// Volumes besides those that kinds imply.
        volumes: Map<Volume>,
        /// Networks besides the stack's own.
        networks: Map<Network>,
        /// Secrets.
        secrets: Map<SecretSource>,
        /// Configs: files that containers read.
        configs: Map<ConfigSource>,
        /// AI models that Compose runs.
        models: Map<AiModel>,
        /// Files of your own, by path in the folder of the outputs, rendered from templates.
        files: Map<OwnFile>,
        /// Values of outputs that differ from what is rendered, by path in the profile's folder: `[patches."config/mimir.yaml"]`.
        patches: Map<Patch>,
        /// Outputs that are your own, by path in the profile's folder, each with the reason: they are neither written nor
        /// compared.
        ejected: Map<Spanned<String>>,
        /// What Grafana queries.
        datasources: Map<Datasource>,
        /// Dashboards by name; each has a file of its own below `spec/dashboards/`.
        dashboards: Map<Arc<Dashboard>>,
        /// The variables of the user's `.env`.
        env: Map<Variable>,
        /// How the stack runs in Kubernetes.
        kubernetes: Option<Kubernetes>,
        /// What Terraform creates.
        infrastructure: Option<Infrastructure>,
        /// Where the outputs are, and which are written.
        outputs: Option<Outputs>,
        /// What is accepted, with reasons: a finding of checkov by the ID of its check (`CKV_AWS_18 = "…"`), and a danger
        /// or caution of `gen review` by its ID and what it is about (`engine-socket."agent:/run/docker.sock" = "…"`).
        accepted: Map<Acceptance>,
        /// How what only looks wrong is reported: `unused-image = "allow"`.
        lints: Lints,
        ..compose: "extensions",
    }
}

table! {
    /// The name of the stack and what its services share.
    pub struct Stack as "the stack" {
        /// Its name.
        name: Spanned<String>,
        /// The name of the Compose project, of which the names of containers and volumes begin; `<name>-<profile>` if left
        /// out.
        project: Option<Spanned<String>>,
        /// The versions of `gen` that the spec is for, as in `Cargo.toml`: `">=0.1"`. Another one reads nothing of it.
        requires: Option<String>,
        /// A title for the docs.
        title: Option<String>,
        /// What it is, in a sentence or two.
        description: Option<String>,
        /// The platform of every service.
        platform: Option<Text>,
        /// The name of the bridge network that services join; each Compose project has its own.
        network: Option<Spanned<String>>,
        /// Whether each container is named like its service. Then only one copy of the stack can run on a machine.
        container_names: Option<Spanned<bool>> = false,
        /// Whether `gen dev` gives each work tree a project name, volumes, tags of images built here and free host ports of its
        /// own, so that several run side by side; `gen dev up --isolated` does so for one work tree.
        isolated: Option<Spanned<bool>> = false,
        /// The host's address that published ports bind to; all of them by default with `defaults = "compose"`.
        bind: Option<Spanned<Text>> = LOOPBACK,
        /// What services get that they don't set. `gen`: they are restarted, have a host name, gain no privileges, publish on
        /// the loopback address, and a path of the host must exist. `compose`: what Compose does without a key.
        defaults: Option<Defaults> = DEFAULTS.as_str(),
        /// Files and folders in `generated/` and `terraform/` that are yours, not outputs: `terraform/dev/backend.tf`,
        /// `terraform/modules`; without infrastructure, `terraform` itself.
        unmanaged: Vec<Spanned<String>>,
    }
}

choice! {
    /// What services get that they don't set.
    pub enum Defaults as "defaults" {
        /// What is safe for development.
        Gen = "gen",
        /// What Compose does.
        Compose = "compose",
    }
}

table! {
    /// An image.
    pub struct Image as "an image" (short reference) {
        /// Repository with a tag or digest.
        reference as "ref": Spanned<Text>,
        /// How it is built, if it is built here; such an image is never pulled.
        build: Option<Short<ImageBuild>>,
        /// The home directory of its user, where AWS looks for credentials.
        home: Option<Spanned<String>>,
        /// The ID of its user, which Kubernetes has to know.
        user: Option<Spanned<u32>>,
        /// The variables that its programs read; then a service may set no other.
        reads: Option<Spanned<Vec<Spanned<String>>>>,
    }
}

choice! {
    /// A Dockerfile that `gen` writes.
    pub enum Recipe as "recipe" {
        /// The Temporal server with the DSQL plugin, from its Go source tree.
        TemporalDsql = "temporal-dsql",
        /// The base image with the persistence template and the entrypoint that renders it.
        TemporalRuntime = "temporal-runtime",
    }
}

table! {
    /// How an image is built here. Compose builds it, with any of its keys, unless a variable is the context.
    pub struct ImageBuild as "an image's build" (short context) {
        /// The source tree: a path relative to the root (the default), a URL, or a variable for one that is somewhere else
        /// on each machine, which `gen dev build` builds.
        context: Option<Spanned<Text>>,
        /// The Dockerfile that `gen` writes; without one the source tree brings its own.
        recipe: Option<Spanned<Recipe>>,
        /// The image that a recipe builds on, by its name in `[images]`: for `temporal-runtime`, the one with the recipe
        /// `temporal-dsql`; for that one, Alpine (`alpine:3.23` if left out).
        base: Option<Spanned<String>>,
        ..compose: "service/properties/build/oneOf/1",
    }
}

impl Image {
    /// The build, if Compose runs it.
    pub fn build_of_compose(&self) -> Option<&ImageBuild> {
        let Short(build) = self.build.as_ref()?;
        let is_elsewhere = build.context.as_ref().is_some_and(|context| context.value.variable().is_some());
        (build.recipe.is_none() && build.base.is_none() && !is_elsewhere).then_some(build)
    }
}

table! {
    /// A Temporal cluster: where it persists, and what its servers share.
    pub struct Cluster as "a cluster" {
        /// What it is for, in a few words.
        title: Option<String>,
        /// Where it persists.
        persistence: Option<Spanned<Persistence>> = PERSISTENCE.as_str(),
        /// Its DSQL cluster; only used with `persistence = "dsql"`.
        dsql: Option<Dsql>,
        /// Its databases in PostgreSQL; only used with `persistence = "postgresql"`.
        postgresql: Option<Postgresql>,
        /// History shards; they can't be changed later.
        history_shards: Spanned<u32>,
        /// What the servers log.
        log_level: Option<Spanned<LogLevel>> = LOG_LEVEL.as_str(),
        /// Its index in Elasticsearch; `temporal_visibility_v1_<name>` if left out.
        visibility_index: Option<Spanned<String>>,
        /// The Elasticsearch service, if there are several. With PostgreSQL, visibility is in PostgreSQL unless this names one.
        visibility: Option<Spanned<String>>,
        /// The namespaces that a service of kind `temporal-namespaces` registers; `default` if left out.
        namespaces: Map<Namespace>,
        /// Settings that the server reads again while it runs. A list has a value for each of some constraints:
        /// `[{ value = 100, constraints = { namespace = "a" } }, { value = 50 }]`.
        dynamic_config: Map<Spanned<Tree>>,
    }
}

choice! {
    /// Where a Temporal cluster persists.
    pub enum Persistence as "persistence" {
        /// Amazon Aurora DSQL.
        Dsql = "dsql",
        /// A service of kind `postgres`.
        Postgresql = "postgresql",
    }
}

table! {
    /// The DSQL cluster of a Temporal cluster.
    pub struct Dsql as "a DSQL cluster" {
        /// Its endpoint, a reference to a variable.
        host: Spanned<Text>,
        /// The database.
        database: Option<Text> = "postgres",
        /// Connections of the pool, all of which the DSQL plugin keeps open when idle.
        pool: Spanned<u32>,
        /// How long a connection lives; DSQL closes it after 60 minutes.
        connection_lifetime: Option<Spanned<Duration>>,
        /// How long an authentication token is used.
        token_duration: Option<Spanned<Duration>>,
        /// Whether servers wait a random time before they connect.
        staggered_startup: Option<bool>,
        /// Connections kept ready, opened ahead of need; off if left out.
        reservoir: Option<Reservoir>,
    }
}

table! {
    /// The databases of a Temporal cluster in PostgreSQL.
    pub struct Postgresql as "a cluster's databases in PostgreSQL" {
        /// The PostgreSQL service, if there are several.
        service: Option<Spanned<String>>,
        /// The database of workflows; the name of the cluster if left out.
        database: Option<Spanned<Identifier>>,
        /// The database of visibility; `<database>_visibility` if left out.
        visibility_database: Option<Spanned<Identifier>>,
        /// Connections of each pool: each role has one for each database. If left out, the clusters share those that
        /// PostgreSQL allows.
        pool: Option<Spanned<u32>>,
    }
}

table! {
    /// A namespace of a Temporal cluster.
    pub struct Namespace as "a namespace" {
        /// How long closed workflows are kept; at least an hour.
        retention: Option<Spanned<Duration>> = RETENTION,
    }
}

choice! {
    /// What a Temporal server logs.
    pub enum LogLevel as "log level" {
        /// Everything.
        Debug = "debug",
        /// What happens.
        Info = "info",
        /// What looks wrong.
        Warn = "warn",
        /// What is wrong.
        Error = "error",
    }
}

table! {
    /// Connections kept ready.
    pub struct Reservoir as "a reservoir" {
        /// How many.
        target: Spanned<u32>,
        /// How long each is kept.
        base_lifetime: Spanned<Duration>,
        /// How much the lifetimes vary.
        lifetime_jitter: Spanned<Duration>,
        /// How long before its end a connection is no longer handed out.
        guard_window: Spanned<Duration>,
    }
}

table! {
    /// A step that creates or updates a program's own schema: a one-shot in the Compose profile `schema`. It must
    /// be safe to repeat.
    pub struct SchemaStep as "a schema step" {
        /// What it creates, in one line.
        description: Spanned<String>,
        /// A name in `[images]`, or an image with a tag or digest.
        image: Spanned<Text>,
        /// What to run.
        command: Spanned<Command>,
        /// What to run instead of the image's entrypoint.
        entrypoint: Option<Spanned<Command>>,
        /// Whether it uses AWS: it gets the region, `AWS_PROFILE` if it is declared, and the host's `~/.aws`, read-only, as
        /// whose owner it runs if `HOST_UID` is declared and set.
        aws: Option<Spanned<bool>>,
        /// Its environment variables.
        environment: Map<Scalar>,
    }
}

table! {
    /// A volume.
    pub struct Volume as "a volume" {
        ..compose: "volume",
    }
}

table! {
    /// A network.
    pub struct Network as "a network" {
        ..compose: "network",
    }
}

table! {
    /// Where a secret comes from.
    pub struct SecretSource as "a secret" {
        ..compose: "secret",
    }
}

table! {
    /// Where a config comes from. A `file` may be the name of an entry of `[files]`.
    pub struct ConfigSource as "a config" {
        ..compose: "config",
    }
}

table! {
    /// A model that services use.
    pub struct AiModel as "a model" {
        ..compose: "model",
    }
}

table! {
    /// Where the outputs are, and which are written.
    pub struct Outputs as "the outputs" {
        /// The folder of the outputs, which has one for each profile; a profile can't change it.
        generated: Option<Spanned<String>> = GENERATED,
        /// The folder of Terraform's files, which has one for each profile; a profile can't change it.
        terraform: Option<Spanned<String>> = TERRAFORM,
        /// Whether there is a `README.md`.
        readme: Option<bool> = true,
        /// Whether there is an `.env.example`.
        env_example: Option<bool> = true,
        /// Whether the schemas for editors are written beside the spec.
        schemas: Option<bool> = true,
        /// Whether `spec/REFERENCE.md` is written: every key, kind, diagnostic and exit code.
        reference: Option<bool> = false,
    }
}

table! {
    /// A file that is rendered from a template of your own, over what `gen model` prints.
    pub struct OwnFile as "a file" {
        /// The template: a path relative to the root, in `spec/`. `{= value =}` prints a value, `{% if … %}` and
        /// `{% for … %}` are Jinja's.
        template: Spanned<Template>,
        /// How values are written; by the extension of the file's name if left out.
        language: Option<Language>,
        /// Whether the file is executable.
        executable: Option<bool>,
    }
}

choice! {
    /// How values are written in a file.
    pub enum Language as "language" {
        /// YAML.
        Yaml = "yaml",
        /// JSON.
        Json = "json",
        /// Terraform's.
        Hcl = "hcl",
        /// Alloy.
        Alloy = "alloy",
        /// TOML.
        Toml = "toml",
        /// XML: text or the value of an attribute.
        Xml = "xml",
        /// A POSIX shell.
        Shell = "shell",
        /// A `.env` file.
        Dotenv = "dotenv",
        /// A Dockerfile.
        Dockerfile = "dockerfile",
        /// Markdown.
        Markdown = "markdown",
        /// Values as they are, without quotes.
        Raw = "raw",
    }
}

impl Language {
    /// The language of a file by its name.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or_default();
        Some(match name.rsplit('.').next().unwrap_or_default() {
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "tf" | "hcl" => Self::Hcl,
            "alloy" => Self::Alloy,
            "sh" => Self::Shell,
            "env" => Self::Dotenv,
            "dockerfile" | "Dockerfile" => Self::Dockerfile,
            "md" => Self::Markdown,
            "toml" => Self::Toml,
            "xml" => Self::Xml,
            // Each program has its own rules there.
            "conf" | "cfg" | "ini" | "properties" | "txt" => Self::Raw,
            _ => return None,
        })
    }
}

/// A template of the user, or of a kind, in whose folder it is.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its path, relative to the root.
    pub path: String,
    /// Its file among the sources.
    pub file: u16,
    /// Its text.
    pub text: Arc<str>,
}

impl Decode for Template {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let mut path = String::decode(node, cx)?;
        let own = cx.sources.file(span).map(|source| source.path.as_path());
        let folder = own.filter(|path| path.file_name() == Some(kind::DECLARATION)).and_then(Utf8Path::parent);
        if let Some(folder) = folder {
            path = folder.join(path).into_string();
        }
        match cx.sources.template(&path) {
            Ok((file, text)) => {
                let text = text.into();
                Some(Self { path, file, text })
            }
            Err(reason) => {
                let title = format!("cannot read the template `{}`: {reason}", shown(&path));
                let help = if reason == super::MISSING {
                    "create the file, or fix the path".to_owned()
                } else if folder.is_some() {
                    "name a file in the kind's folder".to_owned()
                } else {
                    let example = cx.sources.location().beside("files/nginx.conf.j2");
                    format!("write a path relative to the root, such as `{example}`")
                };
                cx.diagnostics.push(Diagnostic::new("unreadable-template", title, span).help(help));
                None
            }
        }
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        String::schema(schemas)
    }
}

choice! {
    /// What Grafana queries.
    pub enum DatasourceType as "type of datasource" {
        /// The API of Prometheus, also that of Mimir.
        Prometheus = "prometheus",
        /// Loki.
        Loki = "loki",
        /// Tempo.
        Tempo = "tempo",
        /// Jaeger.
        Jaeger = "jaeger",
        /// PostgreSQL.
        Postgres = "postgres",
        /// MySQL.
        MySql = "mysql",
        /// ClickHouse.
        ClickHouse = "clickhouse",
        /// Elasticsearch.
        Elasticsearch = "elasticsearch",
        /// OpenSearch.
        OpenSearch = "opensearch",
        /// Alertmanager.
        Alertmanager = "alertmanager",
        /// Amazon's metrics.
        CloudWatch = "cloudwatch",
        /// Amazon's traces.
        XRay = "x-ray",
        /// A JSON API, by the Infinity plugin.
        Json = "json",
    }
}

/// How the address of a datasource is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressed {
    /// `http://host:port`.
    Http,
    /// `host:port`.
    HostAndPort,
    /// `jsonData` has `host`, `port` and `protocol`.
    Settings,
    /// By AWS credentials and a region.
    Aws,
}

/// What Grafana's plugin for a type of datasource expects (Grafana 13: the provisioning pages of each).
#[derive(Debug)]
pub struct Plugin {
    /// Its ID.
    pub id: &'static str,
    /// Whether Grafana's image has it.
    pub is_bundled: bool,
    /// What a kind of service that it queries provides.
    pub provided: Option<&'static str>,
    /// How its address is configured.
    pub addressed: Addressed,
    /// The key of `jsonData` for the database or index.
    pub database: Option<&'static str>,
    /// Further keys of `jsonData`, unless the spec sets them.
    pub settings: &'static [(&'static str, &'static str)],
}

impl DatasourceType {
    /// Its plugin.
    pub fn plugin(self) -> Plugin {
        let http = |id, is_bundled| Plugin {
            id,
            is_bundled,
            provided: None,
            addressed: Addressed::Http,
            database: None,
            settings: &[],
        };
        let aws = &[("authType", "default")];
        match self {
            Self::Prometheus => {
                Plugin { provided: Some("metrics"), settings: &[("httpMethod", "POST")], ..http("prometheus", true) }
            }
            Self::Loki => Plugin { provided: Some("logs"), ..http("loki", true) },
            Self::Tempo => http("tempo", true),
            Self::Jaeger => http("jaeger", true),
            Self::Postgres => Plugin {
                addressed: Addressed::HostAndPort,
                database: Some("database"),
                settings: &[("sslmode", "disable")],
                ..http("grafana-postgresql-datasource", true)
            },
            Self::MySql => {
                Plugin { addressed: Addressed::HostAndPort, database: Some("database"), ..http("mysql", true) }
            }
            Self::ClickHouse => Plugin {
                addressed: Addressed::Settings,
                database: Some("defaultDatabase"),
                ..http("grafana-clickhouse-datasource", false)
            },
            Self::Elasticsearch => Plugin {
                database: Some("index"),
                settings: &[("timeField", "@timestamp")],
                ..http("elasticsearch", true)
            },
            Self::OpenSearch => Plugin {
                database: Some("database"),
                settings: &[("flavor", "opensearch"), ("timeField", "@timestamp")],
                ..http("grafana-opensearch-datasource", false)
            },
            Self::Alertmanager => {
                Plugin { settings: &[("implementation", "prometheus")], ..http("alertmanager", true) }
            }
            Self::CloudWatch => Plugin { addressed: Addressed::Aws, settings: aws, ..http("cloudwatch", true) },
            Self::XRay => {
                Plugin { addressed: Addressed::Aws, settings: aws, ..http("grafana-x-ray-datasource", false) }
            }
            Self::Json => http("yesoreyeram-infinity-datasource", false),
        }
    }
}

/// Plugins in Grafana's image that have no word of their own.
const BUNDLED: &[&str] = &[
    "grafana-azure-monitor-datasource",
    "grafana-pyroscope-datasource",
    "grafana-testdata-datasource",
    "graphite",
    "influxdb",
    "mssql",
    "opentsdb",
    "parca",
    "stackdriver",
    "zipkin",
];

/// The type of a datasource: a word, or the ID of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queried {
    /// One that is known.
    Known(DatasourceType),
    /// Any other plugin.
    Plugin(String),
}

impl Queried {
    /// The type that a word or the ID of a plugin stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        let mut all = DatasourceType::WORDS.iter().filter_map(|word| DatasourceType::from_word(word));
        let known = DatasourceType::from_word(word).or_else(|| all.find(|kind| kind.plugin().id == word));
        known.map(Self::Known).or_else(|| {
            let is_plugin = BUNDLED.contains(&word) || word.ends_with("-datasource");
            is_plugin.then(|| Self::Plugin(word.to_owned()))
        })
    }

    /// How it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(kind) => kind.as_str(),
            Self::Plugin(id) => id,
        }
    }

    /// The ID of its plugin.
    pub fn plugin(&self) -> &str {
        match self {
            Self::Known(kind) => kind.plugin().id,
            Self::Plugin(id) => id,
        }
    }

    /// Whether Grafana's image has its plugin.
    pub fn is_bundled(&self) -> bool {
        match self {
            Self::Known(kind) => kind.plugin().is_bundled,
            Self::Plugin(id) => BUNDLED.contains(&id.as_str()),
        }
    }

    /// How its address is configured.
    pub fn addressed(&self) -> Addressed {
        match self {
            Self::Known(kind) => kind.plugin().addressed,
            Self::Plugin(id) if id == "mssql" => Addressed::HostAndPort,
            Self::Plugin(_) => Addressed::Http,
        }
    }
}

impl Decode for Queried {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let word = String::decode(node, cx)?;
        let found = Self::from_word(&word);
        if found.is_none() {
            let title = format!("unknown type of datasource `{}`", shown(&word));
            cx.diagnostics.push(Diagnostic::new("unknown-value", title, span).suggest(
                &word,
                DatasourceType::WORDS.iter().copied(),
                || {
                    let known = listed(DatasourceType::WORDS.iter().copied());
                    format!("expected one of {known}, or the ID of a plugin, such as `grafana-github-datasource`")
                },
            ));
        }
        found
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        let id = schema::pattern(&format!("^({}|.+-datasource)$", BUNDLED.join("|")), &["grafana-github-datasource"]);
        schema::any_of([DatasourceType::schema(schemas), id])
    }
}

table! {
    /// Something that Grafana queries; the name of the table is its UID.
    pub struct Datasource as "a datasource" {
        /// Its type, or the ID of any other plugin, e.g. `grafana-github-datasource`.
        kind as "type": Spanned<Queried>,
        /// Its title in Grafana.
        title: Spanned<String>,
        /// The service that is queried; the only one of the fitting kind if left out.
        service: Option<Spanned<String>>,
        /// The name of its port; `http`, `sql` or the only one if left out.
        port: Option<Spanned<String>>,
        /// Or where it is outside of the stack.
        url: Option<Spanned<Text>>,
        /// The user to log in as.
        user: Option<Spanned<Text>>,
        /// The user's password: a reference to a variable with `secret = true`.
        password: Option<Spanned<Text>>,
        /// The database or index.
        database: Option<Spanned<Text>>,
        /// Grafana's `jsonData`.
        json_data: Map<Tree>,
        /// Grafana's `secureJsonData`: references to variables with `secret = true`.
        secure_json_data: Map<Spanned<Text>>,
        /// Whether panels that name no datasource use it.
        default: Option<Spanned<bool>>,
    }
}

table! {
    /// A variable of the user's `.env`.
    pub struct Variable as "a variable" {
        /// What it is, in a sentence.
        description: Spanned<String>,
        /// A heading that related variables share.
        group: Option<String>,
        /// Whether the stack can't start without it.
        required: Option<Spanned<bool>>,
        /// The value if the user sets none.
        default: Option<Spanned<Scalar>>,
        /// Whether it is a secret.
        secret: Option<Spanned<bool>>,
        /// Whether `gen dev up` and `gen dev env fill` write a random value to `.env` if it has none: for a password that only
        /// this stack uses.
        generate: Option<Spanned<bool>>,
        /// The Terraform output that fills it.
        output: Option<Spanned<String>>,
        /// Where its value, a secret, lives: `gen dev` reads it there with the provider's own command when it is needed, unless
        /// `.env` or the environment has one. `op://vault/item/field`, `aws-sm://name#json-key`, `vault://path#field`, or what a
        /// shell command prints: `cmd:pass show shop/token`.
        from: Option<Spanned<Source>>,
    }
}

table! {
    /// What Terraform creates, besides a DSQL cluster for each Temporal cluster.
    pub struct Infrastructure as "the infrastructure" {
        /// The prefix of every resource's name and the `Project` tag.
        project: Spanned<String>,
        /// The AWS region.
        region: Spanned<String>,
        /// The versions of Terraform that may run it, as Terraform writes a constraint.
        terraform_version: Option<Spanned<String>> = TERRAFORM_VERSION,
        /// The versions of the provider `hashicorp/aws`, as Terraform writes a constraint.
        aws_version: Option<Spanned<String>> = AWS_VERSION,
        /// The Bedrock knowledge base.
        knowledge_base: Option<KnowledgeBase>,
        /// Further private buckets, by name.
        buckets: Map<Bucket>,
    }
}

table! {
    /// A Bedrock knowledge base on S3 Vectors, fed from an S3 bucket.
    pub struct KnowledgeBase as "the knowledge base" {
        /// What it knows.
        description: Option<Spanned<String>>,
        /// The embedding model's id.
        embedding_model: Spanned<String>,
        /// The embedding's dimensions.
        dimensions: Spanned<u32>,
        /// How distance is measured.
        distance: Spanned<Distance>,
        /// Tokens of a chunk.
        chunk_tokens: Spanned<u32>,
        /// How much of a chunk the next one repeats, in percent.
        chunk_overlap: Spanned<u32>,
    }
}

choice! {
    /// How the distance of two vectors is measured.
    pub enum Distance as "distance metric" {
        /// The angle between them.
        Cosine = "cosine",
        /// The straight line between them.
        Euclidean = "euclidean",
    }
}

table! {
    /// A private bucket.
    pub struct Bucket as "a bucket" {
        /// What it holds.
        description: Option<Spanned<String>>,
    }
}
