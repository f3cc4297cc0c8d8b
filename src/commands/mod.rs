//! One file a subcommand. Only here is anything printed.

mod check;
mod completions;
mod dev;
mod explain;
mod fmt;
mod graph;
mod impact;
mod import;
mod init;
mod list;
mod new;
mod render;
mod report;
mod review;
mod schema;
mod table;
mod verify;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;

use camino::Utf8PathBuf;
use stackgen::Plan;
use stackgen::diagnostic::Diagnostic;
use stackgen::editor;
use stackgen::output;
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ReadError};

use crate::cli::{Cli, Command, Format};

/// Of several profiles the one that is meant if none is named.
const DEFAULT_PROFILE: &str = "dev";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing to do about anything.
    Clean,
    /// Drift, or something that was refused.
    Findings,
    /// The spec or the command line is wrong.
    Invalid,
    /// The system failed.
    Failed,
    /// A program that was run ended with this code.
    Exit(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Clean => 0,
            Outcome::Findings => 1,
            Outcome::Invalid => 2,
            Outcome::Failed => 3,
            Outcome::Exit(code) => code,
        })
    }
}

/// Runs a command.
pub fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Render(arguments) => render::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Impact(arguments) => impact::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { folder } => completions::man(&folder),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
    }
}

/// The project that the current folder belongs to, and its plans.
struct Project {
    root: Utf8PathBuf,
    sources: Sources,
    plans: Vec<Plan>,
}

impl Project {
    /// What is owned on disk and what is to stand there: that of each profile and, unless one was chosen, the schemas.
    fn outputs(&self, profile: Option<&str>) -> Vec<Outputs<'_>> {
        let mut outputs: Vec<Outputs<'_>> = self
            .plans
            .iter()
            .map(|plan| Outputs {
                what: format!("profile `{}` was", plan.profile()),
                scope: plan.scope(),
                files: Box::new(plan.files()),
            })
            .collect();
        if profile.is_none() {
            outputs.push(Outputs {
                what: "the schemas were".to_owned(),
                scope: editor::scope(),
                files: Box::new(editor::files().map(Ok)),
            });
        }
        outputs
    }
}

/// Outputs that stand and fall together.
struct Outputs<'p> {
    /// For a sentence that goes on with what was not done to them.
    what: String,
    scope: output::Scope,
    /// Rendered one after the other.
    files: Box<dyn Iterator<Item = Result<output::File, output::Error>> + 'p>,
}

/// Finds, reads and plans; reports what is wrong.
fn project(profile: Option<&str>, format: Format) -> Result<Project, Outcome> {
    let root = root()?;
    let (sources, diagnostics) = match spec::read(&root) {
        Ok(sources) => match stackgen::plan(&sources, profile) {
            Ok(plans) => return Ok(Project { root, sources, plans }),
            Err(diagnostics) => (sources, diagnostics),
        },
        Err((_, ReadError::Io(path, error))) => {
            fail(&format!("cannot read `{path}`: {error}"));
            return Err(Outcome::Failed);
        }
        Err((sources, ReadError::Refused(diagnostics))) => (sources, diagnostics.into_sorted()),
    };
    report_diagnostics(&sources, &diagnostics, format);
    Err(Outcome::Invalid)
}

/// The plan of the profile that a command is about: the one that is named, the only one, or `dev`.
fn one_profile(profile: Option<&str>) -> Result<Plan, Outcome> {
    let mut plans = project(profile, Format::Text)?.plans;
    if plans.len() > 1 {
        let Some(index) = plans.iter().position(|plan| plan.profile() == DEFAULT_PROFILE) else {
            let names: Vec<&str> = plans.iter().map(Plan::profile).collect();
            fail(&format!("the spec has several profiles: name one with `--profile`: {}", names.join(", ")));
            return Err(Outcome::Invalid);
        };
        plans.swap(0, index);
    }
    plans.into_iter().next().ok_or(Outcome::Invalid)
}

fn root() -> Result<Utf8PathBuf, Outcome> {
    let current = match std::env::current_dir().map(Utf8PathBuf::try_from) {
        Ok(Ok(current)) => current,
        Ok(Err(error)) => {
            fail(&format!("the current folder's path is not UTF-8: {error}"));
            return Err(Outcome::Failed);
        }
        Err(error) => {
            fail(&format!("cannot tell the current folder: {error}"));
            return Err(Outcome::Failed);
        }
    };
    for folder in current.ancestors() {
        match folder.join(spec::MAIN).try_exists() {
            Ok(true) => return Ok(folder.to_owned()),
            Ok(false) => {}
            Err(error) => {
                fail(&format!("cannot look for `{}`: {error}", folder.join(spec::MAIN)));
                return Err(Outcome::Failed);
            }
        }
    }
    fail(&format!("no `{}` in `{current}` or a folder above it", spec::MAIN));
    Err(Outcome::Invalid)
}

fn report_diagnostics(sources: &Sources, diagnostics: &[Diagnostic], format: Format) {
    match format {
        Format::Text => print(anstream::stderr(), &report::text(sources, diagnostics)),
        Format::Json => print(io::stdout(), &report::json(sources, diagnostics)),
        Format::Github => print(io::stdout(), &report::github(sources, diagnostics)),
    }
}

/// Writes a report. A reader that went away early, as `head` does, has read all that it wanted.
fn print(mut stream: impl Write, text: &str) {
    let result = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = writeln!(io::stderr(), "error: cannot write the report: {error}");
    }
}

/// Reports a failure that has no place in the spec.
fn fail(message: &str) {
    print(anstream::stderr(), &format!("{}error{}: {message}\n", report::RED, report::RESET));
}
