//! The command line.

use std::ffi::OsStr;

use camino::Utf8PathBuf;
use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use stackgen::outcome::Outcome;
use stackgen::spec::kind::Kind;
use stackgen::spec::stack::DatasourceType;

/// Generate every file of a development stack from `spec/stack.toml`
#[derive(Debug, Parser)]
#[command(name = "gen", version, long_about = long_about())]
pub struct Cli {
    /// Change to this directory first
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<Utf8PathBuf>,
    /// Use this file in a folder of the current directory instead of `spec/stack.toml`
    #[arg(long, value_name = "FILE", global = true)]
    pub spec: Option<Utf8PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

fn long_about() -> String {
    let codes: Vec<String> = Outcome::OWN.iter().map(|(own, means)| format!("{} {means}", own.code())).collect();
    format!(
        "Generate every file of a development stack from `spec/stack.toml`\n\n\
        `gen` looks for the spec in the current directory and its parents.\n\n\
        Exit codes: {}.",
        codes.join(", ")
    )
}

impl Cli {
    /// Parses the command line. The error may be a help text that was asked for.
    pub fn read() -> Result<Self, clap::Error> {
        Self::try_parse()
    }

    /// The definition of the command line, for completions and man pages.
    pub fn definition() -> clap::Command {
        Self::command()
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the outputs
    ///
    /// Writes only the files that change. If a file was edited by hand, nothing of its profile is written.
    Render(Render),
    /// Check that the outputs on disk are up to date
    ///
    /// Shows the cause of each difference and how to fix it. Never writes.
    Check(Check),
    /// Show which keys of the spec produce a line of an output, or what a diagnostic means
    ///
    /// Changes each key in memory, renders again, and compares the lines, so derived values are found too. Keys that
    /// affect the fewest lines come first.
    ///
    /// With `--code`, prints what a diagnostic such as `error[port-clash]` means, with a wrong and a right spec. That needs
    /// no spec in the current directory.
    Explain(Explain),
    /// Show which lines of the outputs a key of the spec affects
    ///
    /// Works like `explain`. A table stands for all of its keys.
    Impact(Impact),
    /// Take edits of the outputs over into the spec
    ///
    /// Inverts `explain`: changes the key that gives an edited line, and accepts that only if the render is then the edited
    /// file. Shows the change of the spec, and what else it changes; then writes the spec and renders. Without FILE, takes every
    /// output that was edited by hand. With a line, takes only the change of that line, and accepts that other lines change.
    ///
    /// What can't be taken over is shown with the keys that the line depends on, and stays as it is. Exit codes: 0 adopted,
    /// 1 something could not be adopted, 2 invalid spec or command line, 3 I/O error.
    Adopt(Adopt),
    /// Render whenever the spec is saved
    ///
    /// Shows the lines that change. After an error, waits for the next save.
    Watch(Watch),
    /// Print a shell completion script
    #[command(after_help = "Example:\n  gen completions bash > ~/.local/share/bash-completion/completions/gen")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages
    #[command(after_help = "Example:\n  gen man ~/.local/share/man/man1")]
    Man {
        /// The directory to write them to
        #[arg(value_name = "DIR")]
        folder: Utf8PathBuf,
    },
    /// Print the JSON Schema of the spec or of reports, or the reference
    ///
    /// `gen render` also writes the schemas next to the spec. TOML editor extensions (Even Better TOML, Tombi, Taplo) use
    /// them for files that start with a line such as `#:schema stack.schema.json`.
    Schema(Schema),
    /// Validate the outputs with the programs that read them
    ///
    /// Runs the checkers of Compose, Alloy, Loki, Mimir, Temporal, Terraform and others on the files on disk. Uses the
    /// program on PATH or, with a Docker engine, the image that the spec pins; reports what was skipped. An error shows the
    /// line of the output and the keys of the spec that produce it.
    Verify(Verify),
    /// Create a spec in the current directory
    ///
    /// Writes `spec/stack.toml` and the dashboards of the example, or those of a folder that has a Compose file. Never
    /// overwrites a file. Exit codes with `--from`: 0 success, 1 something was not converted or a file is there already, 2 not
    /// a Compose file, 3 I/O error.
    Init(Init),
    /// Add a service, a datasource, a dashboard or a kind to the spec
    ///
    /// Inserts it next to similar entries, together with anything missing that it needs: an image, a variable, another
    /// service. Keeps comments and layout. Writes nothing if the result would have new errors.
    New(New),
    /// Format the spec
    ///
    /// Formats whitespace, blank lines, the indentation of lists and trailing commas in all files of the spec. Never changes
    /// or moves values and comments.
    Fmt(Fmt),
    /// Pin the spec's images by digest
    ///
    /// Asks the registries with docker buildx, crane or skopeo, and writes the digest of each tag into the spec. Keeps
    /// comments and layout. Images that are built here, or have a variable, are skipped.
    Pin(Pin),
    /// Make an output your own
    ///
    /// Adds it to `[ejected]` of the spec, with the reason. From then on the file is neither written nor compared, and `gen
    /// review` says what would have changed in it. Remove the entry to have it rendered again.
    Eject(Eject),
    /// List services, ports, variables, images, datasources, kinds or outputs
    ///
    /// Tables fit into 80 columns unless a name is too long; names are never truncated.
    List(List),
    /// Print the resolved stack: services, networks, volumes, datasources and clusters
    ///
    /// This is what the templates of `[files]` see. The `version` of the form changes if a key is removed or means something
    /// else. A string with variables is a table of its `text` and its `variables`. Values that are secrets are left out; what
    /// a service does not have is null.
    Model(Model),
    /// Show how a kind of service is declared
    #[command(subcommand, after_help = "Example:\n  gen kind show loki")]
    Kind(KindCommand),
    /// Draw the dependencies between services
    ///
    /// Draws a line if a service starts after another, pushes to it, scrapes it, queries it as a datasource, or uses its
    /// address.
    Graph(Graph),
    /// Explain the effects of a change to the spec, most dangerous first
    ///
    /// Compares the spec in the work tree with the one at a Git revision: services, images, ports, privileges, data,
    /// variables, dashboards and what Terraform would do. Changes neither the work tree nor the index.
    ///
    /// If the revision has moved on since the current branch was created, the merge base with HEAD is used, so that only
    /// the changes of the branch are reported. Both specs are read by this version of `gen`. Outputs that are committed
    /// differently at the revision, for example since an earlier version has rendered them, are named as such.
    ///
    /// Exit codes: 0 nothing dangerous, 1 data would be lost or something would be exposed, 2 invalid spec, revision or
    /// command line, 3 git is missing or failed.
    Review(Review),
    /// Run the stack: Docker Compose, images, schema, Terraform, `.env`
    ///
    /// Runs Docker Compose, Docker and Terraform in the root of the project, with the rendered files of a profile.
    ///
    /// Passes on their input, output, signals and exit codes. Its own exit codes: 0 success, 1 findings, 2 invalid spec or
    /// command line, 3 I/O error.
    Dev(Dev),
    /// Convert files of other tools to the spec's format
    Import(Import),
    /// Bring a spec of an older format to the current one
    ///
    /// Renames keys where they are, so that comments and layout stay, and says what it changed. What the outputs on disk have
    /// tells what the spec meant: each output that would differ from them in meaning is named. What it can't change is left to
    /// you, as a diagnostic.
    Upgrade(Upgrade),
    /// Serve the read-only commands to agents over the Model Context Protocol
    ///
    /// Speaks the protocol on standard input and output, as agents start it: list, explain, impact, check, review, model and
    /// diagnostics, as the commands of these names print them with `--format json`. Writes nothing unless `--write` is given.
    Mcp(Mcp),
    /// Let Git merge outputs by rendering them
    #[command(subcommand, after_help = "Example:\n  gen git install")]
    Git(GitCommand),
}

/// What `gen mcp` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example, with an agent that reads `.mcp.json`:\n  \
        {\"mcpServers\": {\"gen\": {\"command\": \"gen\", \"args\": [\"mcp\"]}}}")]
pub struct Mcp {
    /// Also serve the commands that write: render and adopt
    #[arg(long)]
    pub write: bool,
}

/// What `gen upgrade` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen upgrade --dry-run")]
pub struct Upgrade {
    /// Show what would be changed without changing it
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub enum GitCommand {
    /// Set up a merge driver and hooks in this clone
    ///
    /// A conflict in outputs or in a manifest no longer stops a merge: the driver takes what either side has rendered, and the
    /// hooks render once the spec is merged, into the commit that Git has just created by a merge, a cherry-pick or a revert, or
    /// into the last one of a rebase. If it is signed, or another branch or a tag has it, the outputs are in the work tree, to be
    /// committed. Conflicts in the spec, and in outputs that were edited by hand, stay conflicts.
    ///
    /// Says what it writes: the driver in the configuration of the repository, a few lines in its hooks, and in
    /// `.gitattributes`, which is to be committed. Without the driver, Git merges outputs as texts, and `gen render` after the
    /// merge does the same.
    Install,
    /// Undo `gen git install`
    ///
    /// Lines in `.gitattributes` that are committed stay, since other clones use them; they have no effect without the driver.
    Uninstall,
    /// Merge one file, as Git's merge driver
    #[command(hide = true)]
    MergeDriver(MergeDriver),
    /// Render after Git, as one of its hooks
    #[command(hide = true)]
    Hook {
        /// The hook
        name: String,
        /// What Git passes to it
        arguments: Vec<String>,
    },
}

/// What Git passes to a merge driver: `%O %A %B %L %P`.
#[derive(Debug, Args)]
pub struct MergeDriver {
    /// The common ancestor's text
    pub base: Utf8PathBuf,
    /// Our text, and the place of the result
    pub ours: Utf8PathBuf,
    /// Their text
    pub theirs: Utf8PathBuf,
    /// The size of a conflict marker
    pub size: String,
    /// The path of the file
    pub path: String,
}

/// What `gen render` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen render --dry-run")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Render {
    /// Render one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Overwrite and delete files that were edited by hand or not created by `gen`
    #[arg(long)]
    pub force: bool,
    /// Show what would be done without doing it
    #[arg(long)]
    pub dry_run: bool,
    /// Delete outputs that the spec no longer describes (default)
    #[arg(long, overrides_with = "no_prune")]
    pub prune: bool,
    /// Keep outputs that the spec no longer describes
    #[arg(long, overrides_with = "prune")]
    pub no_prune: bool,
}

/// What `gen check` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen check --stat\n  gen check --all\n  gen --spec ops/stack.toml check")]
pub struct Check {
    /// Check one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Show how many lines differ instead of the lines
    #[arg(long)]
    pub stat: bool,
    /// Treat warnings as errors
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    pub deny: Option<String>,
    /// Check every stack in and below the current directory
    ///
    /// Finds each `spec/stack.toml` that Git has or would add, or all outside of a Git repository, except in hidden
    /// directories, `node_modules` and `target`. Does not find specs with another name: check each with `--spec`. Does not
    /// follow links. The exit code is the highest of all.
    #[arg(long, conflicts_with = "profile")]
    pub all: bool,
}

/// What `gen explain` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen explain generated/dev/config/loki.yaml:33\n  \
        gen explain --format json terraform/dev/main.tf:49\n  gen explain --code port-clash")]
#[command(group(ArgGroup::new("what").required(true).args(["place", "code"])))]
pub struct Explain {
    /// A line of an output
    #[arg(value_name = "FILE:LINE")]
    pub place: Option<String>,
    /// The code of a diagnostic, which stands in brackets
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    pub format: Listing,
}

/// What `gen impact` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen impact services.loki.settings.retention\n  gen impact spec/stack.toml:148")]
pub struct Impact {
    /// A dotted key or a line of the spec
    #[arg(value_name = "KEY|FILE:LINE")]
    pub key: String,
    /// Search one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    pub format: Listing,
}

/// What `gen adopt` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen adopt\n  gen adopt --dry-run generated/dev/docker-compose.yml\n  \
        gen adopt generated/dev/config/loki.yaml:33")]
pub struct Adopt {
    /// An edited output, or one line of it [default: all that were edited by hand]
    #[arg(value_name = "FILE[:LINE]")]
    pub place: Option<String>,
    /// Show the change of the spec without making it
    #[arg(long)]
    pub dry_run: bool,
}

/// What `gen model` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen model --profile dev")]
pub struct Model {
    /// The profile [default: the only one, or `dev`]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = ModelFormat::Json)]
    pub format: ModelFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModelFormat {
    /// For programs
    Json,
}

/// What `gen watch` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen watch --profile dev")]
pub struct Watch {
    /// Render one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// What `gen schema` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen schema dashboard\n  gen schema reference")]
pub struct Schema {
    /// What the schema is for
    #[arg(value_enum, default_value_t = SchemaOf::Stack)]
    pub of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// `spec/stack.toml` and the files it includes
    Stack,
    /// `spec/dashboards/*.toml`
    Dashboard,
    /// `spec/kinds/*/kind.toml`
    Kind,
    /// What the commands print with `--format json`
    Report,
    /// All of them, for people: every key, kind, diagnostic and exit code, in Markdown
    Reference,
}

/// What `gen verify` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen verify\n  gen verify --require compose,alloy,temporal-server")]
pub struct Verify {
    /// Verify one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Fail if one of these consumers is skipped
    #[arg(long, value_name = "all|NAME,…", value_delimiter = ',')]
    pub require: Vec<String>,
    /// Also ask the API server of this context of kubectl, in a dry run, which changes nothing
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub context: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What `gen dev` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen dev up --wait")]
pub struct Dev {
    /// The profile to run [default: the only one, or `dev`]
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,
    #[command(subcommand)]
    pub command: DevCommand,
}

#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Start the stack, or some services and their dependencies
    ///
    /// First checks for problems and runs the schema steps that have not succeeded yet. Recreates services whose
    /// configuration has changed.
    Up(Up),
    /// Stop the stack and remove its containers and networks
    Down {
        /// Also remove the volumes and all their data
        #[arg(short, long)]
        volumes: bool,
    },
    /// List the services with state, health and URL, and those with a stale configuration
    Ps {
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Show the logs of services
    Logs {
        /// Follow the logs
        #[arg(short, long)]
        follow: bool,
        /// The services [default: all]
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Restart services
    Restart {
        /// The services [default: all that are running]
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Make the published ports of a service in Kubernetes reachable on this machine
    Forward {
        /// The service
        #[arg(value_name = "SERVICE")]
        service: String,
    },
    /// Build the images that are not pulled from a registry
    Build {
        /// `all`, `temporal`, or the name of an image, service or group [default: all]
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// Do not use the build cache
        #[arg(long)]
        no_cache: bool,
    },
    /// Set up database schemas
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Manage the infrastructure with Terraform
    #[command(subcommand)]
    Infra(InfraCommand),
    /// Check for anything that would prevent the stack from running
    Doctor {
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Check or fill the variables of `.env`
    #[command(subcommand)]
    Env(EnvCommand),
}

#[derive(Debug, Args)]
pub struct Up {
    /// Run in the background
    #[arg(short, long)]
    pub detach: bool,
    /// Run in the background and wait until the services are healthy
    #[arg(long)]
    pub wait: bool,
    /// Give this work tree a project name, volumes, image tags and free host ports of its own
    ///
    /// What was chosen is remembered outside of the project: later commands in this work tree act on this stack, until
    /// `gen dev down --volumes`. Committed outputs stay as they are.
    #[arg(long)]
    pub isolated: bool,
    /// The services [default: all]
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Run all steps, even if one fails
    Setup {
        /// Run only this step
        #[arg(long, value_name = "STEP")]
        only: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum InfraCommand {
    /// Create or update the infrastructure, then fill `.env` from the outputs
    Apply {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Destroy the infrastructure, after the project's name has been typed on standard input
    Destroy,
    /// Show Terraform's outputs
    Output,
}

#[derive(Debug, Subcommand)]
pub enum EnvCommand {
    /// Show which variables are missing and where their values come from
    Check {
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Fill variables without a value: from Terraform's outputs, or with a password that is chosen
    Fill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What `gen import` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen import dashboard exported.json --output spec/dashboards/server.toml")]
pub struct Import {
    #[command(subcommand)]
    pub command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Convert a dashboard exported from Grafana
    ///
    /// Writes TOML to standard output, and notes on what was passed through, converted, moved, assumed or dropped to standard
    /// error. Looks up datasources in the spec of the current directory, if there is one. Exit codes: 0 success, 2 not a
    /// dashboard, 3 I/O error.
    Dashboard(ImportDashboard),
    /// Convert a Compose project to a spec that renders the same project
    ///
    /// Writes TOML to standard output, and notes on what was converted, assumed, dropped or can't be converted to standard
    /// error. Paths are relative to the current directory, for which the spec is. Exit codes: 0 success, 1 something was not
    /// converted or differs, 2 not a Compose file, 3 I/O error.
    Compose(ImportCompose),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gen import compose --output spec/stack.toml\n  \
    gen import compose compose.yaml compose.prod.yaml --verify")]
pub struct ImportCompose {
    /// The Compose files, of which later ones change earlier ones; by default those that Compose takes
    #[arg(value_name = "FILE")]
    pub files: Vec<Utf8PathBuf>,
    /// Write to this new file instead of standard output
    #[arg(long, value_name = "FILE.toml")]
    pub output: Option<Utf8PathBuf>,
    /// Ask Docker Compose whether the result means the same as the files, and report what differs
    #[arg(long)]
    pub verify: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gen import dashboard exported.json --output spec/dashboards/server.toml\n  \
    gen import dashboard edited.json --into spec/dashboards/server.toml\n  \
    gen import dashboard server --from-grafana http://localhost:3000 --into spec/dashboards/server.toml")]
pub struct ImportDashboard {
    /// The exported file, or `-` for standard input; with `--from-grafana` the UID of a dashboard
    #[arg(value_name = "FILE.json")]
    pub file: Utf8PathBuf,
    /// Read the dashboard from this Grafana, with curl, and with the token in `GRAFANA_TOKEN` if that is set
    #[arg(long, value_name = "URL")]
    pub from_grafana: Option<String>,
    /// Write to this new file instead of standard output
    #[arg(long, value_name = "FILE.toml")]
    pub output: Option<Utf8PathBuf>,
    /// Change this dashboard of the spec, which was edited in Grafana, where the export differs from it
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["output", "folder"])]
    pub into: Option<Utf8PathBuf>,
    /// The folder of the dashboard: a key of Grafana's `settings.folders`
    #[arg(long, value_name = "NAME")]
    pub folder: Option<String>,
}

/// What `gen init` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen init\n  gen init --example observability\n  gen init --from .")]
pub struct Init {
    /// `minimal` (a web page and a database), `observability` (Mimir, Loki, Alloy and Grafana), `web` (nginx, an API with
    /// workers, PostgreSQL and more), `events` (Kafka, ClickHouse, traces and alerts), `temporal` (Temporal on
    /// PostgreSQL, with metrics, logs and dashboards) or `temporal-dsql` (the reference
    /// stack)
    #[arg(long, value_name = "NAME", default_value = "minimal", value_parser = ["minimal", "observability", "web", "events", "temporal", "temporal-dsql"])]
    pub example: String,
    /// Create the spec from this folder: its Compose file, and the datasources and dashboards that Grafana is provisioned with
    ///
    /// The folder is the current directory or below it. Other configuration files stay as they are. Notes on standard error
    /// say what was converted, assumed, kept or can't be converted.
    #[arg(long, value_name = "FOLDER", conflicts_with = "example")]
    pub from: Option<Utf8PathBuf>,
}

/// What `gen new` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gen new service api --image example/api:1.4.2 --port 8081\n  \
    gen new service loki\n  \
    gen new datasource logs --type loki\n  \
    gen new dashboard api --folder server\n  \
    gen new kind kafka")]
pub struct New {
    #[command(subcommand)]
    pub command: NewCommand,
}

#[derive(Debug, Subcommand)]
pub enum NewCommand {
    /// Add a service
    Service(NewService),
    /// Add a datasource of Grafana
    Datasource(NewDatasource),
    /// Add a dashboard with one row and one panel, in its own file
    Dashboard(NewDashboard),
    /// Begin a kind of service in `spec/kinds/`: a copy of the built-in kind of that name, or a service with a port, a
    /// setting and a configuration file
    #[command(after_help = "Examples:\n  gen new kind kafka\n  gen new kind loki")]
    Kind {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// What `gen kind` does.
#[derive(Debug, Subcommand)]
pub enum KindCommand {
    /// Print the files of a kind: the project's own, or a built-in one to copy to `spec/kinds/`
    #[command(after_help = "Example:\n  gen kind show loki")]
    Show {
        /// The kind
        #[arg(value_name = "KIND", value_parser = KindName)]
        name: String,
        /// Output format
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
}

/// The built-in kinds, as shells complete them; a project has others.
#[derive(Clone)]
struct KindName;

impl TypedValueParser for KindName {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Kind::WORDS.iter().map(PossibleValue::new)))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen new service api --image example/api:1.4.2 --port 8081")]
pub struct NewService {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its kind, a built-in one or one of `spec/kinds/`, for which `gen` generates the configuration [default: the kind
    /// of the same name]
    #[arg(long, value_name = "KIND", conflicts_with = "image", value_parser = KindName)]
    pub kind: Option<String>,
    /// The name of an entry of `[images]`, or an image with a tag or digest
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Its port on the host [default: the port of its kind, or the next free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The cluster of a Temporal server or UI, if there are several
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen new datasource logs --type loki")]
pub struct NewDatasource {
    /// Its name and UID
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its type
    #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(DatasourceType::WORDS))]
    pub kind: String,
    /// The service to query, if there are several
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen new dashboard api --folder server")]
pub struct NewDashboard {
    /// Its name, and that of its file
    #[arg(value_name = "NAME")]
    pub name: String,
    /// A key of Grafana's `settings.folders` [default: the first one]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<String>,
}

/// What `gen fmt` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen fmt --check")]
pub struct Fmt {
    /// Write nothing, and fail if a file is not formatted
    #[arg(long)]
    pub check: bool,
    /// Output format of `--check`
    #[arg(long, value_enum, default_value_t = Listing::Text, requires = "check")]
    pub format: Listing,
}

/// What `gen pin` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen pin\n  gen pin --update")]
pub struct Pin {
    /// Also replace the digests of images that are pinned
    #[arg(long, conflicts_with = "check")]
    pub update: bool,
    /// Write and ask nothing, and fail if an image is not pinned
    #[arg(long)]
    pub check: bool,
    /// Output format of `--check`
    #[arg(long, value_enum, default_value_t = Listing::Text, requires = "check")]
    pub format: Listing,
}

/// What `gen eject` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen eject config/mimir.yaml --reason \"We tune it by hand\"")]
pub struct Eject {
    /// The output: its path, for one profile, or the path in the profile's folder, for all
    pub file: String,
    /// Why, for reviewers
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// What `gen review` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen review\n  gen review --against origin/main --format markdown > comment.md")]
pub struct Review {
    /// The revision to compare with: a branch, a tag, a commit
    #[arg(long, value_name = "REF", default_value = "HEAD")]
    pub against: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = ReviewFormat::Text)]
    pub format: ReviewFormat,
    /// Compare one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReviewFormat {
    /// For people
    Text,
    /// For a comment on a pull request
    Markdown,
    /// For programs
    Json,
}

/// What `gen list` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gen list ports\n  gen list env --format json | jq '.env[] | select(.required).name'"
)]
pub struct List {
    /// What to list
    #[arg(value_enum, value_name = "WHAT")]
    pub what: Listed,
    /// The profile [default: the only one, or `dev`]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    pub format: Listing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Group, kind or image, published ports, dependencies
    Services,
    /// Ports on the host and in the network
    Ports,
    /// Variables of `.env`, with default, source and users
    Env,
    /// Images, with source and users
    Images,
    /// Grafana's datasources
    Datasources,
    /// Kinds of services, with their ports and settings
    Kinds,
    /// Outputs, with the programs that read them
    Artifacts,
}

/// What `gen graph` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gen graph --format svg > stack.svg\n  gen graph --focus grafana\n  gen graph --networks\n  \
    gen graph --format dot | dot -Tpdf > stack.pdf"
)]
pub struct Graph {
    /// Output format
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
    /// Group the services by the networks that they are in
    #[arg(long)]
    pub networks: bool,
    /// Draw only this service, its neighbors, and everything it starts after
    #[arg(long, value_name = "SERVICE")]
    pub focus: Option<String>,
    /// The profile [default: the only one, or `dev`]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For Markdown, e.g. on GitHub
    Mermaid,
    /// For Graphviz
    Dot,
    /// An image
    Svg,
    /// For programs
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// Annotations for GitHub Actions
    Github,
}

impl From<Listing> for Format {
    fn from(format: Listing) -> Self {
        match format {
            Listing::Text => Self::Text,
            Listing::Json => Self::Json,
        }
    }
}
