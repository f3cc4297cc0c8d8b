//! The command line.

use camino::Utf8PathBuf;
use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use stackgen::spec::kind::Kind;
use stackgen::spec::stack::DatasourceType;

/// Turns `spec/stack.toml` into every file that the stack needs.
///
/// The spec is looked for in this folder and those above it. Exit codes: 0 clean, 1 drift or findings,
/// 2 the spec or the command line is wrong, 3 the system failed.
#[derive(Debug, Parser)]
#[command(name = "gen", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line itself, for what is written from it.
    pub fn definition() -> clap::Command {
        Self::command()
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the outputs that the spec describes
    ///
    /// Writes only files that change. A file that was edited by hand is not overwritten, and then nothing is.
    Render(Render),
    /// Compare the outputs on disk with what the spec describes; never writes
    ///
    /// Each difference is shown with its cause and with what mends it.
    Check(Check),
    /// Say which keys of the spec make a line of an output
    ///
    /// It is measured: each key is changed, everything is rendered again, and the lines that move are those it reaches. So a
    /// name, a port or a value is found in whatever is derived from it. Keys come first that reach the fewest lines.
    Explain(Explain),
    /// Say which lines of the outputs a key of the spec reaches
    ///
    /// It is measured as by `explain`. A table stands for all that it holds.
    Impact(Impact),
    /// Render whenever the spec is saved
    ///
    /// Shows which lines change. A mistake in the spec, or an output that was edited by hand, is told, and the next save is
    /// waited for.
    Watch(Watch),
    /// Print what a shell needs to complete commands
    #[command(after_help = "Example:\n  gen completions bash > ~/.local/share/bash-completion/completions/gen")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages
    #[command(after_help = "Example:\n  gen man ~/.local/share/man/man1")]
    Man {
        /// The folder to write them to
        #[arg(value_name = "FOLDER")]
        folder: Utf8PathBuf,
    },
    /// Print the JSON Schema of the spec, for editors
    ///
    /// A render writes both schemas beside the spec. A TOML editor (Even Better TOML, Tombi, Taplo) completes and checks a file
    /// that begins with a line such as `#:schema stack.schema.json`.
    Schema(Schema),
    /// Have the programs that read the outputs check them
    ///
    /// Runs the consumers' own checkers on the files on disk: Compose, Alloy, Loki, Mimir, Temporal, Terraform and the
    /// linters of the rest. A checker is a program on PATH, or else the image that the spec pins, where there is an engine;
    /// what neither can check is skipped, and said so. What a checker refuses is shown with the line and with the keys of the
    /// spec that make it.
    Verify(Verify),
    /// Write a small spec to begin with
    ///
    /// Writes `spec/stack.toml`, and dashboards where the example has some, into the current folder. Nothing that is there
    /// is overwritten.
    Init(Init),
    /// Add a service, a datasource or a dashboard to the spec
    ///
    /// Puts it where others of its sort stand, with what it needs besides and isn't there: an image, a variable, another
    /// service. Comments and layout stay as they are. Nothing is written if the spec would have a mistake that it hasn't now.
    New(New),
    /// Lay out the spec's files
    ///
    /// Lays out the main file, those that it includes and the dashboards: blanks, blank lines, indentation of lists, commas
    /// behind the last item. No value and no comment changes, and nothing moves.
    Fmt(Fmt),
    /// List what there is: services, ports, variables, images, datasources, outputs
    ///
    /// Tables are made for 80 columns; names are never cut.
    List(List),
    /// Draw who needs whom
    ///
    /// Services in their groups, and a line where one needs another: it starts after it, pushes to it, scrapes it, queries
    /// it as a datasource, or uses its address.
    Graph(Graph),
    /// Say what a change of the spec means, dangers first
    ///
    /// Compares the spec in the work tree with the one at a revision of git: services, images, ports, privileges, data,
    /// variables, dashboards, what Terraform would do. The revision is read from git's objects; neither the work tree
    /// nor the index is touched.
    ///
    /// A revision that has gone on since the current branch left it is compared as it was then (the merge base with
    /// HEAD), so that only changes of the branch are told. Both specs are read by this `gen`: what another version of it
    /// would write is not told.
    ///
    /// Exit codes: 0 nothing is dangerous, 1 data would be lost or something exposed, 2 a spec, the revision or the
    /// command line is wrong, 3 git is missing or fails.
    Review(Review),
    /// Run the stack: Docker Compose, images, schema, Terraform, `.env`
    ///
    /// Runs Docker Compose, Docker and Terraform on the rendered files of a profile, at the root of the project.
    ///
    /// Their input, output, signals and exit codes are passed on. Exit codes of its own: 0 clean, 1 findings, 2 the spec
    /// or the command line is wrong, 3 the system failed.
    Dev(Dev),
    /// Turn something of another tool into a piece of the spec
    ///
    /// Reads what another tool wrote and says it in the words of the spec.
    Import(Import),
}

/// What `gen render` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen render --dry-run")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Render {
    /// Render one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Overwrite and delete files that were edited by hand or made by somebody else
    #[arg(long)]
    pub force: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Delete files that an earlier render wrote and that are no longer described (default)
    #[arg(long, overrides_with = "no_prune")]
    pub prune: bool,
    /// Leave such files
    #[arg(long, overrides_with = "prune")]
    pub no_prune: bool,
}

/// What `gen check` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen check --stat")]
pub struct Check {
    /// Check one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Show how many lines differ instead of the lines
    #[arg(long)]
    pub stat: bool,
}

/// What `gen explain` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gen explain generated/dev/config/loki.yaml:33\n  gen explain --format json terraform/dev/main.tf:49"
)]
pub struct Explain {
    /// A line of an output
    #[arg(value_name = "FILE:LINE")]
    pub place: String,
    /// How to report
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    pub format: Listing,
}

/// What `gen impact` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen impact services.loki.settings.retention\n  gen impact spec/stack.toml:148")]
pub struct Impact {
    /// A key with dots, or a line of the spec
    #[arg(value_name = "KEY|FILE:LINE")]
    pub key: String,
    /// Look at one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Listing::Text)]
    pub format: Listing,
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
#[command(after_help = "Example:\n  gen schema dashboard")]
pub struct Schema {
    /// Of which files
    #[arg(value_enum, default_value_t = SchemaOf::Stack)]
    pub of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// `spec/stack.toml` and the files that it includes
    Stack,
    /// `spec/dashboards/*.toml`
    Dashboard,
}

/// What `gen verify` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen verify\n  gen verify --require compose,alloy,temporal-server")]
pub struct Verify {
    /// Verify one profile instead of all
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Fail if one of these consumers, or of all, is skipped
    #[arg(long, value_name = "all|NAME,…", value_delimiter = ',')]
    pub require: Vec<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What `gen dev` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen dev up --wait")]
pub struct Dev {
    /// The profile to run
    #[arg(long, value_name = "NAME", default_value = "dev", global = true)]
    pub profile: String,
    #[command(subcommand)]
    pub command: DevCommand,
}

#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Start the stack, or some services and what they depend on
    ///
    /// Looks first for what would keep it from running, and runs the steps of the schema that have not succeeded yet.
    /// Recreates the services whose configuration has changed.
    Up(Up),
    /// Stop the stack, and remove its containers and networks
    Down {
        /// Remove the volumes, too: all data is lost
        #[arg(short, long)]
        volumes: bool,
    },
    /// List the services: state, health, URL, and whether their configuration is stale
    Ps {
        /// How to list
        #[arg(long, value_enum, default_value_t = Listing::Text)]
        format: Listing,
    },
    /// Show what the services say
    Logs {
        /// Go on until stopped
        #[arg(short, long)]
        follow: bool,
        /// The services; all without one
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Stop services and start them again
    Restart {
        /// The services; those that run without one
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Build the images that no registry has
    Build {
        /// `all`, `temporal`, or the name of an image, a service or a group; all without one
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// Build every layer anew
        #[arg(long)]
        no_cache: bool,
    },
    /// The schema of the databases
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// What Terraform creates
    #[command(subcommand)]
    Infra(InfraCommand),
    /// Look for whatever could keep the stack from running
    Doctor,
    /// The variables of `.env`
    #[command(subcommand)]
    Env(EnvCommand),
}

#[derive(Debug, Args)]
pub struct Up {
    /// Leave the stack running in the background
    #[arg(short, long)]
    pub detach: bool,
    /// Wait until it is healthy, then leave it running in the background
    #[arg(long)]
    pub wait: bool,
    /// The services; all without one
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Run each step's service; one that fails doesn't keep the others from running
    Setup {
        /// Run one step
        #[arg(long, value_name = "STEP")]
        only: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum InfraCommand {
    /// Create or change it, then fill `.env` with the outputs
    Apply {
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// Destroy all of it; asks for the project's name, which is read from standard input
    Destroy,
    /// Show Terraform's outputs
    Output,
}

#[derive(Debug, Subcommand)]
pub enum EnvCommand {
    /// Say which variables are missing, what they are and where they come from
    Check,
    /// Fill what has no value yet with Terraform's outputs; nothing else is touched
    Fill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// For people
    Text,
    /// For programs: one object
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
    /// A dashboard that was exported from Grafana, as JSON of the classic model
    ///
    /// Writes the TOML to standard output, and to standard error what was passed through, converted, moved, assumed
    /// and dropped. Datasources are looked up in the spec of the current folder, if there is one. Exit codes:
    /// 0 written, 2 the file is no dashboard, 3 it cannot be read or the output cannot be written.
    Dashboard(ImportDashboard),
}

/// Both streams are for people: the TOML to be edited, the notes to be read once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gen import dashboard exported.json --output spec/dashboards/server.toml\n  \
    curl --silent localhost:3000/api/dashboards/uid/server | gen import dashboard -")]
pub struct ImportDashboard {
    /// The exported file; `-` is standard input
    #[arg(value_name = "FILE.json")]
    pub file: Utf8PathBuf,
    /// Write this file, which must not exist, instead of standard output
    #[arg(long, value_name = "FILE.toml")]
    pub output: Option<Utf8PathBuf>,
    /// The folder of the dashboard: a key of `settings.folders` of Grafana
    #[arg(long, value_name = "NAME")]
    pub folder: Option<String>,
}

/// What `gen init` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen init\n  gen init --example observability")]
pub struct Init {
    /// `minimal` is a web page and a database; `observability` has Mimir, Loki, Alloy and Grafana; `temporal-dsql` is
    /// the reference stack
    #[arg(long, value_name = "NAME", default_value = "minimal", value_parser = ["minimal", "observability", "temporal-dsql"])]
    pub example: String,
}

/// What `gen new` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    gen new service api --image example/api:1.4.2 --port 8081\n  \
    gen new service loki\n  \
    gen new datasource logs --type loki\n  \
    gen new dashboard api --folder server")]
pub struct New {
    #[command(subcommand)]
    pub command: NewCommand,
}

#[derive(Debug, Subcommand)]
pub enum NewCommand {
    /// A service, behind the last one
    Service(NewService),
    /// A datasource of Grafana, behind the last one
    Datasource(NewDatasource),
    /// A dashboard, in a file of its own with one row and one panel
    Dashboard(NewDashboard),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen new service api --image example/api:1.4.2 --port 8081")]
pub struct NewService {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What runs in it, if `gen` knows how to configure that; without kind and image, what its name says
    #[arg(long, value_name = "KIND", conflicts_with = "image", value_parser = PossibleValuesParser::new(Kind::WORDS))]
    pub kind: Option<String>,
    /// The name of an entry of `[images]`, or an image with a tag or digest
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Its port on the host; that of its kind, or the next free one, if left out
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The cluster of a Temporal server or UI, if there are several
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen new datasource logs --type loki")]
pub struct NewDatasource {
    /// Its name, which is its UID
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its type
    #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(DatasourceType::WORDS))]
    pub kind: String,
    /// The service that is queried, if there is a choice
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen new dashboard api --folder server")]
pub struct NewDashboard {
    /// Its name, which is that of its file
    #[arg(value_name = "NAME")]
    pub name: String,
    /// A key of Grafana's `settings.folders`; the first one if left out
    #[arg(long, value_name = "DIR")]
    pub folder: Option<String>,
}

/// What `gen fmt` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gen fmt --check")]
pub struct Fmt {
    /// Write nothing; say which files would change, and fail if there is one
    #[arg(long)]
    pub check: bool,
}

/// What to compare with, and how to report.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen review\n  gen review --against origin/main --format markdown > comment.md")]
pub struct Review {
    /// The revision to compare with: a branch, a tag, a commit
    #[arg(long, value_name = "REF", default_value = "HEAD")]
    pub against: String,
    /// How to report
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
    /// For the comment of a pull request
    Markdown,
    /// For programs: one object
    Json,
}

/// What `gen list` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen list ports\n  gen list env --format json | jq '.[] | select(.required).name'")]
pub struct List {
    /// What to list
    #[arg(value_enum, value_name = "WHAT")]
    pub what: Listed,
    /// The profile; without it the only one, or of several `dev`
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// How to list
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub format: ListFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// Group, kind or image, published ports, and what each starts after
    Services,
    /// By number: on the host, and in the network only
    Ports,
    /// Variables of `.env`: default, where the value comes from, who reads it
    Env,
    /// Built or pulled, and who uses them
    Images,
    /// What Grafana queries
    Datasources,
    /// Every output, and the programs that read it
    Artifacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people: a table
    Text,
    /// For programs: a list of objects
    Json,
}

/// What `gen graph` takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gen graph --format svg > stack.svg\n  gen graph --focus grafana\n  \
    gen graph --format dot | dot -Tpdf > stack.pdf")]
pub struct Graph {
    /// Draw for this language, or this reader
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
    /// Draw this service only, with those that it needs or that need it, and whatever it starts after
    #[arg(long, value_name = "SERVICE")]
    pub focus: Option<String>,
    /// The profile; without it the only one, or of several `dev`
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For Markdown on GitHub and elsewhere
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture, for a browser
    Svg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs: one object
    Json,
    /// For GitHub Actions: annotations
    Github,
}

/// Parses the command line; exits with code 2 if it is wrong.
pub fn parse() -> Cli {
    Cli::parse()
}
