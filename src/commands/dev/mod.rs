//! `gen dev`: runs the stack. One file a subcommand.

mod build;
mod child;
mod doctor;
mod down;
mod env;
mod infra;
mod logs;
mod preflight;
mod ps;
mod restart;
mod schema;
mod up;

use std::fmt::Write as _;

use camino::Utf8PathBuf;
use stackgen::Plan;
use stackgen::dev::compose::{self, Compose, Container};
use stackgen::dev::{Environment, Finding, dotenv};
use stackgen::model::Stack;

use self::child::Children;
use super::report::{BOLD, CYAN, GREEN, RED, RESET, YELLOW};
use super::{Outcome, print, project};
use crate::cli::{Dev, DevCommand, Format, SchemaCommand};

/// What every subcommand needs.
struct Context {
    root: Utf8PathBuf,
    plan: Plan,
    compose: Compose,
    children: Children,
}

/// How a subcommand ended early: with a finding that has still to be said, or an outcome.
enum Stop {
    Finding(Finding),
    Outcome(Outcome),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Finding(finding)
    }
}

type Step<T = Outcome> = Result<T, Stop>;

pub fn run(arguments: &Dev) -> Outcome {
    match dispatch(arguments) {
        Ok(outcome) | Err(Stop::Outcome(outcome)) => outcome,
        Err(Stop::Finding(finding)) => {
            say(&[finding]);
            Outcome::Findings
        }
    }
}

fn dispatch(arguments: &Dev) -> Step {
    let mut project = project(Some(&arguments.profile), Format::Text).map_err(Stop::Outcome)?;
    let Some(plan) = project.plans.pop() else { return Ok(Outcome::Invalid) };
    let children = Children::new()
        .map_err(|error| Finding::error(format!("cannot receive signals: {error}"), "end some processes"))?;
    let context = Context { compose: Compose::new(&project.root, plan.stack()), root: project.root, plan, children };
    match &arguments.command {
        DevCommand::Up(arguments) => up::run(&context, arguments),
        DevCommand::Down { volumes } => down::run(&context, *volumes),
        DevCommand::Ps { format } => ps::run(&context, *format),
        DevCommand::Logs { follow, services } => logs::run(&context, *follow, services),
        DevCommand::Restart { services } => restart::run(&context, services),
        DevCommand::Build { targets, no_cache } => build::run(&context, targets, *no_cache),
        DevCommand::Schema(SchemaCommand::Setup { only }) => schema::setup(&context, only.as_deref()),
        DevCommand::Infra(command) => infra::run(&context, command),
        DevCommand::Doctor => doctor::run(&context),
        DevCommand::Env(command) => env::run(&context, command),
    }
}

impl Context {
    fn stack(&self) -> &Stack {
        self.plan.stack()
    }

    /// The user's `.env`, relative to the root.
    fn dotenv(&self) -> Utf8PathBuf {
        compose::folder(self.stack()).join(".env")
    }

    /// The variables that Compose sees.
    fn environment(&self) -> Result<Environment, Finding> {
        let path = self.dotenv();
        let file = dotenv::load(&self.root.join(&path), &path)?;
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let variables: Vec<_> = file.iter().flat_map(dotenv::Dotenv::variables).map(own).collect();
        let process =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Ok(Environment::new(variables, process))
    }

    /// The outputs that Compose reads must be there.
    fn rendered(&self) -> Step<()> {
        let file = self.compose.file();
        if self.root.join(file).is_file() {
            return Ok(());
        }
        say(&[Finding::error(format!("there is no `{file}`"), "run `gen render`")]);
        Err(Stop::Outcome(Outcome::Invalid))
    }

    /// The services must exist.
    fn known(&self, services: &[String]) -> Step<()> {
        stackgen::dev::services::known(self.stack(), services).map_err(|finding| {
            say(&[finding]);
            Stop::Outcome(Outcome::Invalid)
        })
    }

    /// Every container of the project.
    fn containers(&self) -> Result<Vec<Container>, Finding> {
        let answer = self.children.ask(&self.compose.ps())?;
        if !answer.succeeded {
            return Err(Finding::error(
                format!("`docker compose ps` failed: {}", answer.complaint()),
                "`gen dev doctor` looks for the cause",
            ));
        }
        compose::containers(&answer.stdout).map_err(|error| {
            Finding::error(format!("cannot read what `docker compose ps` says: {error}"), "update Docker Compose")
        })
    }
}

/// Findings, for people: two lines each.
fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let (colour, word) = if finding.is_error() { (RED, "error") } else { (YELLOW, "warning") };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{colour}{word}{RESET}: {}", finding.what);
        let _ = writeln!(out, "  {CYAN}help{RESET}: {}", finding.help);
    }
    out
}

/// Says findings on standard error.
fn say(findings: &[Finding]) {
    print(anstream::stderr(), &text(findings));
}

/// Says what is going on, on standard error: standard output is the child's.
fn note(message: &str) {
    print(anstream::stderr(), &format!("{BOLD}gen{RESET}: {message}\n"));
}
