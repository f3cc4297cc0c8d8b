//! `gen dev`: runs the stack. One file for each subcommand.

mod build;
pub(super) mod child;
mod cluster;
mod doctor;
mod down;
mod env;
mod infra;
mod isolated;
mod logs;
mod preflight;
mod ps;
mod restart;
mod schema;
mod secrets;
mod up;

use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::Plan;
use stackgen::dev::compose::{self, Compose, Container};
use stackgen::dev::{Environment, Finding, Invocation, dotenv, provider};
use stackgen::model::Stack;

use self::child::Children;
use self::isolated::Place;
use super::report::{BOLD, CYAN, GREEN, RED, RESET, YELLOW};
use super::{Outcome, Project, location, one_of, print, print_error, print_text, project};
use crate::cli::{Dev, DevCommand, EnvCommand, Listing, SchemaCommand};

/// The way out where the cause is unknown.
const DOCTOR: &str = "run `gen dev doctor` to find the cause";

/// What every subcommand needs.
struct Context {
    root: Utf8PathBuf,
    plan: Plan,
    compose: Compose,
    children: Children,
    /// The plan of the committed outputs, if this is the isolated stack of a work tree.
    committed: Option<Plan>,
    /// Where that work tree is remembered.
    place: Option<Place>,
}

/// How a subcommand ended early.
struct Stop {
    outcome: Outcome,
    /// Not reported yet.
    findings: Vec<Finding>,
}

impl Stop {
    /// The command line, or what it refers to, is wrong.
    fn invalid(finding: Finding) -> Self {
        Self { outcome: Outcome::Invalid, findings: vec![finding] }
    }
}

impl From<Vec<Finding>> for Stop {
    fn from(findings: Vec<Finding>) -> Self {
        Self { outcome: Outcome::Findings, findings }
    }
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        vec![finding].into()
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, findings: Vec::new() }
    }
}

type Step<T = Outcome> = Result<T, Stop>;

pub fn run(arguments: &Dev) -> Outcome {
    dispatch(arguments).unwrap_or_else(|Stop { outcome, findings }| {
        say(&findings);
        outcome
    })
}

/// The plan of the stack that commands in this work tree act on: its isolated one, or that of the committed outputs.
pub fn plan_here(project: &Project, committed: Plan) -> Plan {
    match isolated::remembered(project, committed.profile()) {
        Ok(Some(plan)) => {
            note(&format!("names and host ports are those of this work tree's own stack, `{}`", plan.stack().project));
            plan
        }
        Ok(None) => committed,
        Err(finding) => {
            say(&[finding]);
            committed
        }
    }
}

fn dispatch(arguments: &Dev) -> Step {
    let mut project = project(arguments.profile.as_deref(), format_of(&arguments.command).into())?;
    let plan = one_of(std::mem::take(&mut project.plans), Plan::profile)?;
    let root = project.root.clone();
    let children = Children::new()
        .map_err(|error| Finding::error(format!("cannot receive signals: {error}"), "stop some processes"))?;
    let compose = Compose::new(&root, plan.stack());
    let context = Context { compose, root, plan, children, committed: None, place: None };
    if let Some(kubernetes) = &context.stack().kubernetes {
        return cluster::run(&context, kubernetes, &arguments.command);
    }
    let context = isolated::isolate(context, &project, &arguments.command)?;
    match &arguments.command {
        DevCommand::Up(arguments) => up::run(&context, arguments),
        DevCommand::Down { volumes } => down::run(&context, *volumes),
        DevCommand::Ps { format } => ps::run(&context, *format),
        DevCommand::Logs { follow, services } => logs::run(&context, *follow, services),
        DevCommand::Restart { services } => restart::run(&context, services),
        DevCommand::Forward { .. } => Err(Stop::invalid(Finding::error(
            format!("the profile `{}` runs on this machine, where its ports are published", context.stack().profile),
            "see `gen dev ps` for their addresses",
        ))),
        DevCommand::Build { targets, no_cache } => build::run(&context, targets, *no_cache),
        DevCommand::Schema(SchemaCommand::Setup { only }) => schema::setup(&context, only.as_deref()),
        DevCommand::Infra(command) => infra::run(&context, command),
        DevCommand::Doctor { format } => doctor::run(&context, *format),
        DevCommand::Env(command) => env::run(&context, command),
    }
}

/// The format of what a command prints.
fn format_of(command: &DevCommand) -> Listing {
    match command {
        DevCommand::Ps { format } | DevCommand::Doctor { format } | DevCommand::Env(EnvCommand::Check { format }) => {
            *format
        }
        _ => Listing::Text,
    }
}

impl Context {
    fn stack(&self) -> &Stack {
        self.plan.stack()
    }

    /// The user's `.env`, relative to the root.
    fn dotenv(&self) -> Utf8PathBuf {
        self.stack().dotenv().into()
    }

    /// The file that Terraform's outputs fill, relative to the root.
    fn values(&self) -> Utf8PathBuf {
        if self.stack().kubernetes.is_none() {
            return self.dotenv();
        }
        format!("{}/{}", self.stack().overlay(), stackgen::model::kubernetes::FILES[0]).into()
    }

    /// The variables that Compose sees.
    fn environment(&self) -> Result<Environment, Finding> {
        let path = self.dotenv();
        let file = dotenv::load(&self.root, &path)?;
        let process = Environment::process();
        let (values, _) = file.unwrap_or_default().values(&process);
        Ok(Environment::new(values, process))
    }

    /// Stops unless the outputs that Compose reads exist.
    fn rendered(&self) -> Step<()> {
        self.exists(self.compose.file())
    }

    /// Stops unless an output exists.
    fn exists(&self, file: &Utf8Path) -> Step<()> {
        if self.root.join(file).is_file() {
            return Ok(());
        }
        Err(Stop::invalid(Finding::error(format!("`{file}` does not exist"), "run `gen render`")))
    }

    /// Stops unless the services exist.
    fn known(&self, services: &[String]) -> Step<()> {
        stackgen::dev::services::known(self.stack(), services).map_err(Stop::invalid)
    }

    /// Runs a program for its answer, which it must give.
    fn ask(&self, invocation: &Invocation, what: &str, help: &str) -> Result<String, Finding> {
        let answer = self.children.ask(invocation)?;
        if answer.succeeded {
            return Ok(answer.stdout);
        }
        Err(Finding::error(format!("`{what}` failed: {}", answer.complaint()), help))
    }

    /// A command for containers that exist. Without a value for each required variable Compose does nothing; these containers
    /// keep those that they have, so any value will do, except in hooks. A number can also be a port.
    fn existing(&self, verb: &str) -> Result<Invocation, Finding> {
        let environment = self.environment()?;
        let missing = stackgen::dev::preflight::missing(self.stack(), &environment);
        // Compose would warn of one that isn't required.
        let elsewhere = provider::open(self.stack(), &environment).map(|(variable, _)| variable);
        let elsewhere = elsewhere.filter(|_| !self.compose.has_values());
        let names = missing.chain(elsewhere).map(|variable| variable.name.as_str());
        Ok(self.compose.command_for_all(verb).with_values(names, secrets::STAND_IN))
    }

    /// Every container of the project.
    fn containers(&self) -> Result<Vec<Container>, Finding> {
        let answer =
            self.ask(&self.existing("ps")?.with(["--all", "--format", "json"]), "docker compose ps", DOCTOR)?;
        compose::containers(&answer).map_err(|error| {
            Finding::error(format!("unexpected output of `docker compose ps`: {error}"), "update Docker Compose")
        })
    }
}

/// Findings as text, two lines each.
fn text(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let (colour, word) = if finding.is_error() { (RED, "error") } else { (YELLOW, "warning") };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{colour}{word}{RESET}: {}", finding.what);
        let _ = writeln!(out, "  {CYAN}help{RESET}: {}", location().commands(&finding.help));
    }
    out
}

/// Prints findings to standard error.
fn say(findings: &[Finding]) {
    print_error(&text(findings));
}

/// Prints progress to standard error: standard output is the child's.
fn note(message: &str) {
    print_error(&format!("{BOLD}gen{RESET}: {message}\n"));
}
