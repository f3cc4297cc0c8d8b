//! `gen dev up`.

use std::borrow::Cow;
use std::fmt::Write as _;

use stackgen::dev::compose::Container;
use stackgen::dev::{Environment, Finding, services};
use stackgen::model::{SchemaStep, Service};
use stackgen::spec::service::Condition;

use super::preflight::{self, Machine};
use super::{BOLD, Context, Outcome, RESET, Step, child, env, note, print_error, print_text, say, schema, secrets};
use crate::cli::{Render, Up};

/// Lines of the log of a failed service that are shown.
const LAST_LINES: &str = "20";

/// How many characters of each.
const LONGEST_LINE: usize = 300;

pub fn run(context: &Context, arguments: &Up) -> Step {
    render(context)?;
    context.known(&arguments.services)?;
    let tools = preflight::tools(context);
    if !tools.iter().any(Finding::is_error) {
        env::generate(context)?;
    }
    let environment = context.environment()?;
    let started = services::started(context.stack(), &arguments.services);
    let containers = preflight(context, tools, &environment, &started)?;
    let for_schema = context.stack().schema_services.iter();
    secrets::read(context, &environment, &started.iter().copied().chain(for_schema).collect::<Vec<_>>())?;
    let steps = schema::pending(context, &started, &containers)?;
    prepare(context, &environment, &steps)?;
    let up = context.compose.command(&[], "up").with_flag("--detach", arguments.detach);
    let up = up.with_flag("--wait", arguments.wait).with(&arguments.services);
    let pages = pages(&started, &environment, context.place.is_some());
    if !arguments.detach && !arguments.wait {
        if !pages.is_empty() {
            print_error(&format!("Once the stack is up, open:\n{pages}"));
        }
        return Ok(Outcome::Exit(child::become_(&up)?));
    }
    let ended = context.children.run(&up)?;
    if ended.interrupted {
        return Ok(Outcome::Exit(ended.code));
    }
    let containers = context.containers()?;
    let crashed = report_crashes(context, &started, &containers)?;
    if ended.code != 0 {
        if !crashed {
            say(&[failure(&started, &containers, arguments.wait)]);
        }
        return Ok(Outcome::Exit(ended.code));
    }
    if crashed {
        return Ok(Outcome::Findings);
    }
    if pages.is_empty() {
        note("the stack is up");
    } else {
        print_text(&format!("Open:\n{pages}"));
    }
    Ok(Outcome::Clean)
}

/// Renders the stack if that never happened. Otherwise the outputs must be there.
fn render(context: &Context) -> Step<()> {
    if context.committed.is_none() && !context.root.join(context.stack().generated()).exists() {
        let all = Render { profile: None, force: false, dry_run: false, prune: true, no_prune: false };
        match crate::commands::render::run(&all) {
            Ok(Outcome::Clean) => {}
            Ok(outcome) | Err(outcome) => return Err(outcome.into()),
        }
    }
    context.rendered()
}

/// Reports problems, and stops if the services can't run. Returns the existing containers.
fn preflight(
    context: &Context,
    tools: Vec<Finding>,
    environment: &Environment,
    started: &[&Service],
) -> Step<Vec<Container>> {
    let mut findings = tools;
    let has_engine = !findings.iter().any(Finding::is_error);
    // Without an engine, none was chosen.
    let variables = if has_engine {
        preflight::variables(context, environment)?
    } else {
        preflight::missing(context, environment)?
    };
    let is_complete = variables.is_empty();
    findings.extend(variables);
    findings.extend(preflight::drift(context));
    findings.extend(preflight::shared(context, environment));
    let mut containers = Vec::new();
    if has_engine {
        let mut machine = Machine::new(context, environment);
        findings.extend(machine.images(started)?);
        // Without the required variables Compose fails.
        if is_complete {
            findings.extend(machine.paths(started));
            findings.extend(machine.credentials(started));
            containers = context.containers()?;
            findings.extend(machine.ports(started, &containers));
        }
    }
    say(&findings);
    if findings.iter().any(Finding::is_error) {
        note("nothing was started");
        return Err(Outcome::Findings.into());
    }
    Ok(containers)
}

/// Sets up the schema before the services that need it start.
fn prepare(context: &Context, environment: &Environment, steps: &[SchemaStep]) -> Step<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = steps.iter().map(|step| step.service.clone()).collect();
    let findings = Machine::new(context, environment).images(&services::started(context.stack(), &names))?;
    if !findings.is_empty() {
        say(&findings);
        note("nothing was started");
        return Err(Outcome::Findings.into());
    }
    match schema::run(context, environment, steps) {
        Outcome::Clean => Ok(()),
        outcome => Err(outcome.into()),
    }
}

/// The pages to open, one per line, and the other ports of an isolated stack, which stand nowhere else.
fn pages(started: &[&Service], environment: &Environment, is_isolated: bool) -> String {
    let width = started.iter().map(|service| service.name.len()).max().unwrap_or_default();
    let mut out = String::new();
    for service in started {
        let others = services::addresses(service, environment).into_iter().filter(|_| is_isolated);
        for url in services::urls(service, environment).into_iter().chain(others) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  {:width$}  {url}", service.name);
        }
    }
    out
}

/// That Compose failed although nothing crashed.
fn failure(started: &[&Service], containers: &[Container], wait: bool) -> Finding {
    // With `--wait`, Compose counts what has ended as failed unless a service that it starts waits for its end
    // (`getDependencyCondition` of Compose 2.40).
    let is_awaited =
        |name: &str| started.iter().any(|service| service.waits_for().contains(&(name, Condition::Completed)));
    let complete = started.iter().map(|service| service.name.as_str()).find(|name| {
        let has_succeeded = |container: &Container| container.service == *name && container.has_succeeded();
        wait && !is_awaited(name) && containers.iter().any(has_succeeded)
    });
    let is_fine = |service: &&Service| {
        let own = containers.iter().find(|container| container.service == service.name);
        own.is_some_and(|container| container.is_up() || container.has_succeeded())
    };
    match complete.filter(|_| started.iter().all(is_fine)) {
        Some(name) => Finding::error(
            format!("`{name}` is complete, which `--wait` counts as a failure"),
            format!(
                "let a service wait for it with `depends_on.{name} = \"service_completed_successfully\"`, or start the \
                 stack with `--detach`"
            ),
        ),
        None => Finding::error(
            "failed to start the stack",
            "see the output of Docker Compose above, `gen dev ps` and `gen dev logs SERVICE`",
        ),
    }
}

/// A line of a log, of which only the beginning is read by people: some programs log whole files.
fn beginning(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]).into(),
        None => line.into(),
    }
}

/// Shows the last lines of the logs of services that failed; whether there are any.
fn report_crashes(context: &Context, started: &[&Service], containers: &[Container]) -> Step<bool> {
    let own = |container: &&Container| started.iter().any(|service| service.name == container.service);
    let mut crashed = false;
    for container in containers.iter().filter(own) {
        let Some(trouble) = container.trouble() else { continue };
        crashed = true;
        let name = &container.service;
        let options = ["--no-log-prefix", "--no-color", "--tail", LAST_LINES];
        print_error(&format!("\n{BOLD}{name}{RESET}: end of the log\n"));
        let answer = context.children.ask(&context.compose.command_for_all("logs").with(options).with([name]))?;
        let mut said = answer.stdout + &answer.stderr;
        if said.trim().is_empty() {
            "(empty)\n".clone_into(&mut said);
        }
        print_error(&said.lines().fold(String::new(), |out, line| out + "  " + &beginning(line) + "\n"));
        say(&[Finding::error(
            format!("`{name}` {trouble}"),
            format!("run `gen dev up` again after fixing it; `gen dev logs {name}` shows the full log"),
        )]);
    }
    Ok(crashed)
}
