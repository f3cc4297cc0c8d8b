//! `gen dev up`.

use std::fmt::Write as _;

use stackgen::dev::compose::Container;
use stackgen::dev::{Environment, Finding, services};
use stackgen::model::{SchemaStep, Service};

use super::preflight::{self, Machine};
use super::{BOLD, Context, Outcome, RESET, Step, Stop, child, note, print, say, schema};
use crate::cli::Up;

/// So much of a service's log tells why it crashed.
const LAST_LINES: usize = 20;

pub fn run(context: &Context, arguments: &Up) -> Step {
    context.rendered()?;
    context.known(&arguments.services)?;
    let environment = context.environment()?;
    let started = services::started(context.stack(), &arguments.services);
    let containers = preflight(context, &environment, &started)?;
    let steps = schema::pending(context, &started, &containers)?;
    let set_up = prepare(context, &environment, &steps)?;
    if set_up != Outcome::Clean {
        return Ok(set_up);
    }
    let up = context.compose.up(arguments.detach, arguments.wait, &arguments.services);
    let pages = pages(&started, &environment);
    if !arguments.detach && !arguments.wait {
        if !pages.is_empty() {
            print(anstream::stderr(), &format!("When it is up, open:\n{pages}"));
        }
        return Ok(Outcome::Exit(child::become_(&up)?));
    }
    let ended = context.children.run(&up)?;
    if ended.interrupted {
        return Ok(Outcome::Exit(ended.code));
    }
    let crashed = report_crashes(context, &started)?;
    if ended.code != 0 {
        if !crashed {
            let help = "read what Docker Compose says above; `gen dev ps` and `gen dev logs SERVICE` tell more";
            say(&[Finding::error("the stack did not start", help)]);
        }
        return Ok(Outcome::Exit(ended.code));
    }
    if crashed {
        return Ok(Outcome::Findings);
    }
    if pages.is_empty() {
        note("the stack is up");
    } else {
        print(anstream::stdout(), &format!("Open:\n{pages}"));
    }
    Ok(Outcome::Clean)
}

/// Says what is found, and stops if it keeps the services from running. Gives the containers that there are.
fn preflight(context: &Context, environment: &Environment, started: &[&Service]) -> Step<Vec<Container>> {
    let mut findings = preflight::tools(&context.root, &context.children);
    let has_engine = !findings.iter().any(Finding::is_error);
    let variables = preflight::variables(context, environment)?;
    let is_complete = variables.is_empty();
    findings.extend(variables);
    findings.extend(preflight::drift(context));
    let mut containers = Vec::new();
    if has_engine {
        let mut machine = Machine::new(context, environment);
        findings.extend(machine.images(started)?);
        // Without its required variables Compose doesn't tell.
        if is_complete {
            containers = context.containers()?;
            findings.extend(machine.ports(started, &containers));
        }
    }
    say(&findings);
    if findings.iter().any(Finding::is_error) {
        note("nothing was started");
        return Err(Stop::Outcome(Outcome::Findings));
    }
    Ok(containers)
}

/// Creates the schema before what waits for it starts.
fn prepare(context: &Context, environment: &Environment, steps: &[SchemaStep]) -> Step {
    if steps.is_empty() {
        return Ok(Outcome::Clean);
    }
    let names: Vec<String> = steps.iter().map(|step| step.service.clone()).collect();
    let findings = Machine::new(context, environment).images(&services::started(context.stack(), &names))?;
    if !findings.is_empty() {
        say(&findings);
        note("nothing was started");
        return Ok(Outcome::Findings);
    }
    Ok(schema::run(context, steps))
}

/// What to open, a line each.
fn pages(started: &[&Service], environment: &Environment) -> String {
    let width = started.iter().map(|service| service.name.len()).max().unwrap_or_default();
    let mut out = String::new();
    for service in started {
        for url in services::urls(service, environment) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  {:width$}  {url}", service.name);
        }
    }
    out
}

/// Shows the last words of every service that doesn't do well, and says whether there is one.
fn report_crashes(context: &Context, started: &[&Service]) -> Step<bool> {
    let containers = context.containers()?;
    let own = |container: &&Container| started.iter().any(|service| service.name == container.service);
    let mut crashed = false;
    for container in containers.iter().filter(own) {
        let Some(trouble) = container.trouble() else { continue };
        crashed = true;
        let name = &container.service;
        print(anstream::stderr(), &format!("\n{BOLD}{name}{RESET}, its last lines:\n"));
        let answer = context.children.ask(&context.compose.last_lines(LAST_LINES, name))?;
        let mut said = answer.stdout + &answer.stderr;
        if said.trim().is_empty() {
            "(it said nothing)\n".clone_into(&mut said);
        }
        print(anstream::stderr(), &said.lines().fold(String::new(), |out, line| out + "  " + line + "\n"));
        say(&[Finding::error(
            format!("`{name}` {trouble}"),
            format!("mend it, then run `gen dev up` again; `gen dev logs {name}` shows the whole log"),
        )]);
    }
    Ok(crashed)
}
