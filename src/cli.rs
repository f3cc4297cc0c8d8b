//! The command line.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

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

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the outputs that the spec describes
    Render(Render),
    /// Compare the outputs on disk with what the spec describes; never writes
    Check(Check),
    /// Have the programs that read the outputs check them
    Verify(Verify),
    /// List what there is: services, ports, variables, images, datasources, outputs
    List(List),
    /// Draw who needs whom
    Graph(Graph),
    /// Run the stack: Docker Compose, images, schema, Terraform, `.env`
    Dev(Dev),
    /// Turn something of another tool into a piece of the spec
    Import(Import),
}

/// Writes only files that change. A file that was edited by hand is not overwritten, and then nothing is.
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

/// Each difference is shown with its cause and with what mends it.
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

/// Runs the consumers' own checkers on the files on disk: Compose, Alloy, Loki, Mimir, Temporal, Terraform and the
/// linters of the rest. A checker is a program on PATH, or else the image that the spec pins, where there is an engine;
/// what neither can check is skipped, and said so. What a checker refuses is shown with the line and with the keys of the
/// spec that make it.
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

/// Runs Docker Compose, Docker and Terraform on the rendered files of a profile, at the root of the project.
///
/// Their input, output, signals and exit codes are passed on. Exit codes of its own: 0 clean, 1 findings, 2 the spec
/// or the command line is wrong, 3 the system failed.
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

/// Reads what another tool wrote and says it in the words of the spec.
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

/// Tables are made for 80 columns; names are never cut.
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

/// Services in their groups, and a line where one needs another: it starts after it, pushes to it, scrapes it, queries
/// it as a datasource, or uses its address.
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
