//! `gen dev up`.

use std::fmt::Write as _;

use stackgen::dev::compose::Container;
use stackgen::dev::{Finding, services};
use stackgen::model::Service;

use super::{BOLD, Context, Outcome, RESET, Step, child, note, print, say};
use crate::cli::Up;

/// So much of a service's log tells why it crashed.
const LAST_LINES: usize = 20;

pub fn run(context: &Context, arguments: &Up) -> Step {
    context.rendered()?;
    context.known(&arguments.services)?;
    let environment = context.environment()?;
    let started = services::started(context.stack(), &arguments.services);
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

/// What to open, a line each.
fn pages(started: &[&Service], environment: &stackgen::dev::Environment) -> String {
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
