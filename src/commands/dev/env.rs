//! `gen dev env`.

use std::fmt::Write as _;

use stackgen::dev::dotenv::{self, Assignment, Change, Dotenv};
use stackgen::dev::terraform::{self, Filled, Terraform};
use stackgen::dev::{Finding, compose};
use stackgen::model::Infrastructure;

use super::{BOLD, Context, GREEN, Outcome, RESET, Step, preflight, print, say, text};
use crate::cli::EnvCommand;

pub fn run(context: &Context, command: &EnvCommand) -> Step {
    match command {
        EnvCommand::Check => check(context),
        EnvCommand::Fill => match &context.stack().infrastructure {
            Some(infrastructure) => {
                let terraform = Terraform::new(&context.root, context.stack());
                let wrong = preflight::terraform(context);
                if !wrong.is_empty() {
                    say(&wrong);
                    return Ok(Outcome::Findings);
                }
                fill(context, infrastructure, &terraform)
            }
            None => write(context, &[]),
        },
    }
}

fn check(context: &Context) -> Step {
    let environment = context.environment()?;
    let mut findings = preflight::variables(context, &environment)?;
    findings.extend(preflight::dotenv(context)?);
    let complete = !findings.iter().any(Finding::is_error);
    let mut out = text(&findings);
    if complete {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{GREEN}complete{RESET}: every variable that the stack requires has a value");
    }
    print(anstream::stdout(), &out);
    Ok(if complete { Outcome::Clean } else { Outcome::Findings })
}

/// Merges Terraform's outputs into `.env`.
pub fn fill(context: &Context, infrastructure: &Infrastructure, terraform: &Terraform) -> Step {
    let answer = context.children.ask(&terraform.output_json())?;
    if !answer.succeeded {
        return Err(Finding::error(
            format!("Terraform doesn't tell its outputs: {}", answer.complaint()),
            "run `gen dev infra apply` first",
        )
        .into());
    }
    let filled = terraform::filled(infrastructure, &answer.stdout)?;
    if filled.is_empty() {
        say(&[Finding::warning("Terraform has no outputs yet", "run `gen dev infra apply` first")]);
    }
    write(context, &filled)
}

/// Without a file it begins as a copy of `.env.example`.
fn write(context: &Context, filled: &[Filled]) -> Step {
    let path = context.dotenv();
    let there = dotenv::load(&context.root.join(&path), &path)?;
    let is_new = there.is_none();
    let file = match there {
        Some(file) => file,
        None => example(context)?,
    };
    let assignments: Vec<Assignment> = filled
        .iter()
        .map(|Filled { name, value, .. }| Assignment {
            name: name.clone(),
            value: value.clone(),
            description: variable(context, name).map(|variable| variable.description.clone()).unwrap_or_default(),
        })
        .collect();
    let (text, changes) = file.fill(&assignments);
    if is_new || text != file.text() {
        dotenv::save(&context.root, &path, &text)?;
    }
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    if is_new {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: created");
    }
    let mut count = 0;
    for (Filled { name, output, value }, change) in filled.iter().zip(changes) {
        let is_secret = variable(context, name).is_some_and(|variable| variable.secret);
        let shown = |value: &str| if is_secret { "(secret)".to_owned() } else { format!("`{}`", value.escape_debug()) };
        match change {
            Change::Same => {}
            Change::Filled => {
                count += 1;
                let _ = writeln!(out, "  {name} = {}, from Terraform's output `{output}`", shown(value));
            }
            Change::Kept => {
                let own = file.get(name).unwrap_or_default();
                let _ =
                    writeln!(out, "  {name} keeps {}; Terraform's output `{output}` is {}", shown(own), shown(value));
                let _ = writeln!(out, "    help: empty it in `{path}` and run `gen dev env fill` to take that one");
            }
        }
    }
    let variables = if count == 1 { "variable" } else { "variables" };
    let _ = writeln!(out, "{path}: {count} {variables} filled");
    print(anstream::stdout(), &out);
    let environment = context.environment()?;
    let missing = preflight::variables(context, &environment)?;
    say(&missing);
    Ok(if missing.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

/// The list of variables as it was rendered, without the lines about itself.
fn example(context: &Context) -> Step<Dotenv> {
    let path = compose::folder(context.stack()).join(".env.example");
    let Some(file) = dotenv::load(&context.root.join(&path), &path)? else {
        return Err(Finding::error(format!("there is no `{path}`"), "run `gen render`").into());
    };
    let own = file.text().split_once("\n\n").filter(|(head, _)| head.lines().all(|line| line.starts_with('#')));
    let text = own.map_or(file.text(), |(_, rest)| rest);
    Ok(Dotenv::parse(text).unwrap_or(file))
}

fn variable<'a>(context: &'a Context, name: &str) -> Option<&'a stackgen::model::Variable> {
    context.stack().variables.iter().find(|variable| variable.name == name)
}
