//! `gen dev env`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read as _};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::dev::dotenv::{self, Assignment, Change, Dotenv};
use stackgen::dev::preflight::{earlier, is_generated, volumes_behind};
use stackgen::dev::terraform::{self, Filled, Terraform};
use stackgen::dev::{Environment, Finding, provider};
use stackgen::model::{Infrastructure, Variable};
use stackgen::output::{self, Mode};
use stackgen::review::counted;

use super::super::location;
use super::{BOLD, Context, DOCTOR, GREEN, Outcome, RESET, Step, cluster, doctor, preflight, print_text, say, text};
use crate::cli::{EnvCommand, Listing};

pub fn run(context: &Context, command: &EnvCommand) -> Step {
    match command {
        EnvCommand::Check { format } => check(context, *format),
        EnvCommand::Fill => match &context.stack().infrastructure {
            Some(infrastructure) => {
                preflight::require_terraform(context)?;
                fill(context, infrastructure, &Terraform::new(&context.root, context.stack()))
            }
            None => fill_in(context, &[]),
        },
    }
}

fn check(context: &Context, format: Listing) -> Step {
    let environment = match context.environment() {
        Ok(environment) => environment,
        Err(finding) if format == Listing::Json => return Ok(doctor::show(&[finding], format)),
        Err(finding) => return Err(finding.into()),
    };
    let mut findings = preflight::missing(context, &environment)?;
    findings.extend(preflight::dotenv(context)?);
    let chosen = preflight::chosen(context, &environment)?;
    let chosen: Vec<&str> = chosen.iter().map(|variable| variable.name.as_str()).collect();
    if format == Listing::Json {
        return Ok(doctor::show(&findings, format));
    }
    let complete = !findings.iter().any(Finding::is_error);
    let mut out = text(&findings);
    if complete {
        // Writing to a `String` cannot fail.
        let _ = match chosen[..] {
            [] => writeln!(out, "{GREEN}complete{RESET}: all required variables have a value"),
            _ => writeln!(out, "{GREEN}complete{RESET}: `gen dev up` chooses {}", chosen.join(", ")),
        };
        for (variable, source) in provider::open(context.stack(), &environment) {
            let _ = writeln!(out, "  {}: `gen dev up` reads it from `{}`", variable.name, source.text);
        }
    }
    print_text(&out);
    Ok(if complete { Outcome::Clean } else { Outcome::Findings })
}

/// Merges Terraform's outputs into `.env`, or into the files of the overlay.
pub fn fill(context: &Context, infrastructure: &Infrastructure, terraform: &Terraform) -> Step {
    const FIRST: &str = "run `gen dev infra apply` first";
    let answer = context.ask(&terraform.command(&["output", "-json"]), "terraform output", FIRST)?;
    let filled = terraform::filled(infrastructure, &answer)?;
    if filled.is_empty() {
        say(&[Finding::warning("Terraform has no outputs yet", FIRST)]);
    }
    fill_in(context, &filled)
}

fn fill_in(context: &Context, filled: &[Filled]) -> Step {
    if context.stack().kubernetes.is_some() { cluster::fill(context, filled) } else { write(context, filled) }
}

/// Writes random values to `.env` for the variables that have none, if nothing else is missing.
pub fn generate(context: &Context) -> Step<()> {
    let environment = context.environment()?;
    let chosen = preflight::chosen(context, &environment)?;
    if !chosen.is_empty() && preflight::missing(context, &environment)?.is_empty() {
        write(context, &[])?;
    }
    Ok(())
}

/// A password: 144 random bits.
pub fn random() -> Step<String> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0; 24];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(|error| {
        Finding::error(format!("cannot read `/dev/urandom`: {error}"), "set the variables in `.env` yourself")
    })?;
    Ok(bytes.iter().map(|byte| char::from(DIGITS[usize::from(byte % 64)])).collect())
}

/// Writes `.env`; a new one starts as a copy of `.env.example`.
fn write(context: &Context, filled: &[Filled]) -> Step {
    let path = context.dotenv();
    let there = dotenv::load(&context.root, &path)?;
    let is_new = there.is_none();
    let file = match there {
        Some(file) => file,
        None => example(context)?,
    };
    let assignment = |name: &str, value: String| Assignment {
        name: name.to_owned(),
        value,
        description: variable(context, name).map(|variable| variable.description.clone()).unwrap_or_default(),
    };
    let mut assignments: Vec<Assignment> =
        filled.iter().map(|Filled { name, value, .. }| assignment(name, value.clone())).collect();
    let values = file.variables().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment = Environment::new(values, Environment::process());
    let mut problems = Vec::new();
    for variable in context.stack().variables.iter().filter(|variable| is_generated(variable, &environment)) {
        match volume_behind(context, variable) {
            Ok(None) => assignments.push(assignment(&variable.name, random()?)),
            Ok(Some(volume)) => problems.push(earlier(&variable.name, &path, &volume)),
            Err(finding) => problems.push(finding),
        }
    }
    let (text, changes) = file.fill(&assignments);
    let generated = &assignments[filled.len()..];
    if is_new || text != file.text() {
        output::replace(&context.root, &path, &text, Mode::Private).map_err(|error| not_written(&path, &error))?;
    }
    let mut out = if is_new { format!("{BOLD}{path}{RESET}: created\n") } else { String::new() };
    let own = |name: &str| file.get(name).unwrap_or_default().to_owned();
    let chosen: Vec<&str> = generated.iter().map(|assignment| assignment.name.as_str()).collect();
    out.push_str(&told(context, &path, filled.iter().zip(changes), &chosen, own));
    print_text(&out);
    if problems.is_empty() {
        problems = preflight::variables(context, &context.environment()?)?;
    }
    if problems.is_empty() { Ok(Outcome::Clean) } else { Err(problems.into()) }
}

/// What was done with a file: with the variables that Terraform fills, and with those that are chosen.
pub fn told<'f>(
    context: &Context,
    path: &Utf8Path,
    changed: impl Iterator<Item = (&'f Filled, Change)>,
    chosen: &[&str],
    own: impl Fn(&str) -> String,
) -> String {
    let mut out = String::new();
    let mut count = chosen.len();
    for (Filled { name, output, value }, change) in changed {
        let is_secret = variable(context, name).is_some_and(|variable| variable.secret);
        let shown = |value: &str| if is_secret { "(secret)".to_owned() } else { format!("`{}`", value.escape_debug()) };
        // Writing to a `String` cannot fail.
        let _ = match change {
            Change::Same => Ok(()),
            Change::Filled => {
                count += 1;
                writeln!(out, "  {name} = {} (Terraform output `{output}`)", shown(value))
            }
            Change::Kept => writeln!(
                out,
                "  {name} = {} (kept; Terraform output `{output}` is {})\n    \
                 help: to use the output, remove the value from `{path}` and run `{} dev env fill`",
                shown(&own(name)),
                shown(value),
                location().program()
            ),
        };
    }
    for name in chosen {
        let _ = writeln!(out, "  {name} = (secret) (chosen at random)");
    }
    let _ = writeln!(out, "{path}: {} filled", counted(count, "variable"));
    out
}

/// An existing volume that may need an earlier value of a variable.
fn volume_behind(context: &Context, variable: &Variable) -> Result<Option<String>, Finding> {
    for volume in volumes_behind(context.stack(), &variable.name) {
        let listed = context.ask(&context.compose.volume(volume), "docker volume ls", DOCTOR)?;
        if let Some(found) = listed.split_whitespace().next() {
            return Ok(Some(found.to_owned()));
        }
    }
    Ok(None)
}

pub fn not_written(path: &Utf8Path, error: &output::Error) -> Finding {
    let help = match error {
        output::Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
            format!("make it writable: `chmod u+w {path}`")
        }
        _ => "check the file and its directory".to_owned(),
    };
    Finding::error(error.to_string(), help)
}

/// `.env.example` without its header.
fn example(context: &Context) -> Step<Dotenv> {
    let path = Utf8PathBuf::from(format!("{}.example", context.stack().dotenv()));
    let file = match dotenv::load(&context.root, &path)? {
        Some(file) => file,
        None if context.stack().outputs.env_example => {
            return Err(Finding::error(format!("`{path}` does not exist"), "run `gen render`").into());
        }
        None => Dotenv::parse(&stackgen::view::env_example(context.stack())).unwrap_or_default(),
    };
    Ok(Dotenv::parse(without_header(file.text())).unwrap_or(file))
}

/// An example without what it says of itself.
pub fn without_header(text: &str) -> &str {
    let own = text.split_once("\n\n").filter(|(head, _)| head.lines().all(|line| line.starts_with('#')));
    own.map_or(text, |(_, rest)| rest)
}

fn variable<'a>(context: &'a Context, name: &str) -> Option<&'a stackgen::model::Variable> {
    context.stack().variables.iter().find(|variable| variable.name == name)
}
