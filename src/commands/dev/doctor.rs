//! `gen dev doctor`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stackgen::dev::{Finding, services};
use stackgen::review::counted;

use super::preflight::{self, Machine};
use super::{Context, GREEN, Outcome, RESET, Step, text};
use crate::cli::Listing;
use crate::commands::{self, location, report};

pub fn run(context: &Context, format: Listing) -> Step {
    let mut findings = preflight::tools(context);
    let has_engine = !findings.iter().any(Finding::is_error);
    if context.stack().infrastructure.is_some() {
        findings.extend(preflight::terraform(context));
    }
    findings.extend(preflight::drift(context));
    findings.extend(preflight::committed(context));
    match context.environment() {
        Err(finding) => findings.push(finding),
        Ok(environment) => {
            findings.extend(preflight::missing(context, &environment)?);
            findings.extend(preflight::shared(context, &environment));
            findings.extend(preflight::providers(context, &environment));
            findings.extend(preflight::dotenv(context)?);
            // `up` and `build` check those that only start if they are named.
            let services = services::started(context.stack(), &[]);
            let mut machine = Machine::new(context, &environment);
            if has_engine {
                findings.extend(machine.images(&services)?);
                let steps = context.stack().schema_services.iter();
                findings.extend(machine.credentials(&services.iter().copied().chain(steps).collect::<Vec<_>>()));
            }
            findings.extend(machine.sources(&services));
            findings.extend(machine.paths(&services));
            // Without `.env` and its required variables Compose doesn't list the project's containers.
            let containers = if has_engine { context.containers().unwrap_or_default() } else { Vec::new() };
            findings.extend(machine.ports(&services, &containers));
        }
    }
    Ok(show(&findings, format))
}

/// Prints what was found.
pub fn show(findings: &[Finding], format: Listing) -> Outcome {
    commands::show(format, || as_text(findings), || json(findings));
    if findings.iter().any(Finding::is_error) { Outcome::Findings } else { Outcome::Clean }
}

/// Findings for programs.
pub fn json(findings: &[Finding]) -> String {
    let finding = |finding: &Finding| {
        let level = if finding.is_error() { "error" } else { "warning" };
        json!({ "level": level, "message": finding.what, "help": location().commands(&finding.help) })
    };
    report::versioned(json!({ "findings": findings.iter().map(finding).collect::<Vec<Value>>() }))
}

fn as_text(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let mut out = text(findings);
    // Writing to a `String` cannot fail.
    let _ = match (errors, findings.len()) {
        (0, 0) => writeln!(out, "{GREEN}no problems found{RESET}"),
        (0, warnings) => writeln!(out, "{}; the stack can run", counted(warnings, "warning")),
        (errors, all) => writeln!(out, "{}, {}", counted(errors, "error"), counted(all - errors, "warning")),
    };
    out
}
