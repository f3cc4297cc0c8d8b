//! `gen render`.

use std::collections::HashSet;
use std::fmt::Write as _;

use camino::Utf8PathBuf;
use stackgen::output::{self, Cause, Error, Finding, Options, Written};
use stackgen::review::counted;

use super::report::{BOLD, RESET};
use super::{Outcome, Outputs, Project, Ran, check, fail, location, print_text, project, stop, sweep, warn};
use crate::cli::{Format, Render};

pub fn run(arguments: &Render) -> Ran {
    let project = project(arguments.profile.as_deref(), Format::Text)?;
    warn(&project, Format::Text);
    let options = Options { force: arguments.force, dry_run: arguments.dry_run, prune: !arguments.no_prune };
    let (outcome, refused) = write(&project, arguments.profile.as_deref(), options);
    show_changes(&project, arguments.profile.as_deref(), &refused)?;
    // The process ends: freeing a large stack, string by string, would only take time.
    std::mem::forget(project);
    Ok(outcome)
}

/// Shows what would become of files that were refused.
fn show_changes(project: &Project, profile: Option<&str>, refused: &[Utf8PathBuf]) -> Ran<()> {
    if refused.is_empty() {
        return Ok(());
    }
    let refused: HashSet<&Utf8PathBuf> = refused.iter().collect();
    let mut differences = Vec::new();
    for Outputs { scope, files, .. } in project.outputs(profile)? {
        // What can't be compared was reported.
        if let Ok(comparison) = output::compare(&project.root, &scope, files) {
            // The lines of a manifest repeat the other differences.
            let is_shown = |path: &Utf8PathBuf| refused.contains(path) && *path != scope.manifest;
            differences.extend(comparison.differences.into_iter().filter(|difference| is_shown(&difference.path)));
        }
    }
    print_text(&check::changes(differences, check::MOST_LINES));
    Ok(())
}

/// Writes what changed, and reports what was written, removed and left. Gives the files that it refused to replace or delete.
pub fn write(project: &Project, profile: Option<&str>, options: Options) -> (Outcome, Vec<Utf8PathBuf>) {
    let mut refused = Vec::new();
    let outcome = write_all(project, profile, options, &mut refused);
    (outcome, refused)
}

fn write_all(project: &Project, profile: Option<&str>, options: Options, refused: &mut Vec<Utf8PathBuf>) -> Outcome {
    let mut outcome = Outcome::Clean;
    let mut out = String::new();
    let mut total = Written::default();
    let outputs = match project.outputs(profile) {
        Ok(outputs) => outputs,
        Err(outcome) => return outcome,
    };
    if profile.is_none() {
        match project.around() {
            Ok(around) => {
                total.left.extend(around.strays.into_iter().map(|path| Finding { path, cause: Cause::Stray }));
            }
            Err(outcome) => return outcome,
        }
    }
    // Before anything is written.
    for Outputs { scope, .. } in &outputs {
        if let Err(error) = output::permitted(&project.root, scope) {
            return stop(Outcome::Failed, error);
        }
    }
    if !options.dry_run {
        let folders = outputs.iter().flat_map(|outputs| outputs.scope.own_folders());
        if let Err(outcome) = sweep(&project.root, folders) {
            return outcome;
        }
    }
    for Outputs { what, scope, files, .. } in outputs {
        match output::write(&project.root, &scope, files, options) {
            Ok(written) => {
                total.written.extend(written.written);
                total.opened.extend(written.opened);
                total.removed.extend(written.removed);
                total.left.extend(written.left);
                total.unchanged += written.unchanged;
            }
            Err(Error::Refused(findings)) => {
                refuse(&what, &findings);
                refused.extend(findings.iter().map(|finding| finding.path.clone()));
                outcome = outcome.max(if findings.iter().any(|finding| finding.cause.is_hopeless()) {
                    Outcome::Failed
                } else {
                    Outcome::Findings
                });
            }
            // The others would wait for the same process.
            Err(error @ Error::Locked { .. }) => return stop(Outcome::Failed, error),
            Err(error) => outcome = stop(Outcome::Failed, error),
        }
    }
    let would = if options.dry_run { "would be " } else { "" };
    let mut lines = |verb: &str, findings: &[Finding]| {
        for Finding { path, cause } in findings.iter().take(check::MOST_FILES) {
            let _ = writeln!(out, "{BOLD}{would}{verb}{RESET} {path}: {cause}");
        }
        if findings.len() > check::MOST_FILES {
            let _ = writeln!(out, "… and {} more {would}{verb}", findings.len() - check::MOST_FILES);
        }
    };
    lines("written", &total.written);
    lines("opened", &total.opened);
    lines("removed", &total.removed);
    lines("left", &total.left);
    if outcome == Outcome::Clean || !total.written.is_empty() {
        let count = total.written.len() + total.unchanged;
        let _ = writeln!(
            out,
            "{}: {} {would}written, {} {would}removed, {} unchanged{}",
            counted(count, "file"),
            total.written.len(),
            total.removed.len(),
            total.unchanged,
            if total.left.is_empty() { String::new() } else { format!(", {} left", counted(total.left.len(), "file")) },
        );
    }
    print_text(&out);
    outcome
}

fn refuse(what: &str, findings: &[Finding]) {
    let mut message = format!("{what} were not written:\n");
    for Finding { path, cause } in findings.iter().take(check::MOST_FILES) {
        let _ = writeln!(message, "  {path}: {cause}");
        let _ = writeln!(message, "    {}", check::remedy(cause, location()));
    }
    if findings.len() > check::MOST_FILES {
        let _ = writeln!(message, "  … and {} more", findings.len() - check::MOST_FILES);
    }
    if !findings.iter().any(|finding| matches!(finding.cause, Cause::Unreadable(_))) {
        let help = "`gen check` shows all differences; `gen render --force` overwrites or deletes the files";
        message.push_str(&location().commands(help));
    }
    fail(message.trim_end());
}
