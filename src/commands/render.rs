//! `gen render`.

use std::fmt::Write as _;

use stackgen::output::{self, Cause, Error, Finding, Options, Written};

use super::report::{BOLD, RESET};
use super::{Outcome, Outputs, Project, check, fail, print, project};
use crate::cli::{Format, Render};

pub fn run(arguments: &Render) -> Outcome {
    let project = match project(arguments.profile.as_deref(), Format::Text) {
        Ok(project) => project,
        Err(outcome) => return outcome,
    };
    let options = Options { force: arguments.force, dry_run: arguments.dry_run, prune: !arguments.no_prune };
    let outcome = write(&project, arguments.profile.as_deref(), options);
    // The process ends: taking a large stack apart, string by string, would only take time.
    std::mem::forget(project);
    outcome
}

/// Writes what changed, and says what was written, removed and left.
pub fn write(project: &Project, profile: Option<&str>, options: Options) -> Outcome {
    let mut outcome = Outcome::Clean;
    let mut out = String::new();
    let mut total = Written::default();
    for Outputs { what, scope, files } in project.outputs(profile) {
        match output::write(&project.root, &scope, files, options) {
            Ok(written) => {
                total.written.extend(written.written);
                total.removed.extend(written.removed);
                total.left.extend(written.left);
                total.unchanged += written.unchanged;
            }
            Err(Error::Refused(findings)) => {
                refuse(&what, &findings);
                outcome = outcome.max(if findings.iter().any(|finding| finding.cause.is_hopeless()) {
                    Outcome::Failed
                } else {
                    Outcome::Findings
                });
            }
            Err(error) => {
                fail(&error.to_string());
                outcome = Outcome::Failed;
            }
        }
    }
    let would = if options.dry_run { "would be " } else { "" };
    let mut lines = |verb: &str, findings: &[Finding]| {
        for Finding { path, cause } in findings {
            let _ = writeln!(out, "{BOLD}{would}{verb}{RESET} {path}: {cause}");
        }
    };
    lines("written", &total.written);
    lines("removed", &total.removed);
    lines("left", &total.left);
    if outcome == Outcome::Clean || !total.written.is_empty() {
        let count = total.written.len() + total.unchanged;
        let _ = writeln!(
            out,
            "{count} {}: {} {would}written, {} {would}removed, {} unchanged{}",
            if count == 1 { "file" } else { "files" },
            total.written.len(),
            total.removed.len(),
            total.unchanged,
            if total.left.is_empty() { String::new() } else { format!(", {} orphans left", total.left.len()) },
        );
    }
    print(anstream::stdout(), &out);
    outcome
}

fn refuse(what: &str, findings: &[Finding]) {
    let mut message = format!("{what} not rendered, and nothing there was changed:\n");
    for Finding { path, cause } in findings {
        let _ = writeln!(message, "  {path}: {cause}");
        let _ = writeln!(message, "    {}", check::remedy(cause));
    }
    if !findings.iter().any(|finding| matches!(finding.cause, Cause::Unreadable(_))) {
        message.push_str("`gen render --force` overwrites and deletes them; `gen check` shows what would be lost");
    }
    fail(message.trim_end());
}
