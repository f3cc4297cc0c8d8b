//! `gen render`.

use std::collections::HashSet;
use std::fmt::Write as _;

use camino::Utf8PathBuf;
use stackgen::output::{self, Cause, Error, Finding, Options, Written};
use stackgen::review::counted;

use super::report::{BOLD, CYAN, RESET};
use super::{
    Around, Outcome, Outputs, Project, Ran, check, fail, location, print_text, project, stop_for, sweep, warn,
};
use crate::cli::{Format, Render};

pub fn run(arguments: &Render) -> Ran {
    let project = project(arguments.profile.as_deref(), Format::Text)?;
    warn(&project, Format::Text);
    let options = Options { force: arguments.force, dry_run: arguments.dry_run, prune: !arguments.no_prune, kept: &[] };
    let rendered = write(&project, arguments.profile.as_deref(), options);
    rendered.show();
    show_changes(&project, arguments.profile.as_deref(), &rendered.refused)?;
    let outcome = rendered.outcome;
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
    for Outputs { scope, files, .. } in project.outputs(profile, project.around(profile)?.removed) {
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

/// What a render did, or would do.
pub struct Rendered {
    pub outcome: Outcome,
    /// The files that were not replaced or deleted.
    pub refused: Vec<Utf8PathBuf>,
    /// The files that were written or deleted.
    pub changed: Vec<Utf8PathBuf>,
    report: String,
}

impl Rendered {
    /// Prints what was written, removed and left.
    pub fn show(&self) {
        print_text(&self.report);
    }
}

/// Writes what changed. What went wrong is reported.
pub fn write(project: &Project, profile: Option<&str>, options: Options<'_>) -> Rendered {
    let mut rendered =
        Rendered { outcome: Outcome::Clean, refused: Vec::new(), changed: Vec::new(), report: String::new() };
    if let Err(outcome) = write_all(project, profile, options, &mut rendered) {
        rendered.outcome = outcome;
    }
    rendered
}

fn write_all(project: &Project, profile: Option<&str>, options: Options<'_>, rendered: &mut Rendered) -> Ran<()> {
    let mut total = Written::default();
    let Around { removed, strays } = project.around(profile)?;
    let outputs = project.outputs(profile, removed);
    total.left.extend(strays.into_iter().map(|path| Finding { path, cause: Cause::Stray }));
    // Before anything is written.
    for Outputs { scope, .. } in &outputs {
        if let Err(error) = output::permitted(&project.root, scope) {
            return Err(stop_for(&error));
        }
    }
    if !options.dry_run {
        sweep(&project.root, outputs.iter().flat_map(|outputs| outputs.scope.own_folders()))?;
    }
    let mut outcome = Outcome::Clean;
    for Outputs { what, scope, files, ejected } in outputs {
        total.left.extend(check::own_with_problems(&project.root, ejected));
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
                rendered.refused.extend(findings.iter().map(|finding| finding.path.clone()));
                outcome = outcome.max(if findings.iter().any(|finding| finding.cause.is_hopeless()) {
                    Outcome::Failed
                } else {
                    Outcome::Findings
                });
            }
            // The others would wait for the same process, or be of the same version.
            Err(error @ (Error::Locked { .. } | Error::Newer { .. })) => return Err(stop_for(&error)),
            Err(error) => outcome = stop_for(&error),
        }
    }
    report(&mut rendered.report, &total, options, outcome);
    rendered.outcome = outcome;
    rendered.changed = total.written.into_iter().chain(total.removed).map(|finding| finding.path).collect();
    Ok(())
}

/// What was written, removed and left.
fn report(out: &mut String, total: &Written, options: Options<'_>, outcome: Outcome) {
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
    let is_merged = |finding: &Finding| matches!(finding.cause, Cause::MergeConflict | Cause::Merged);
    if !options.dry_run && total.written.iter().chain(&total.removed).any(is_merged) {
        let _ = writeln!(out, "{CYAN}help{RESET}: mark the outputs as resolved with `git add`");
    }
}

fn refuse(what: &str, findings: &[Finding]) {
    let mut message = format!("{what} were not written:\n");
    for Finding { path, cause } in findings.iter().take(check::MOST_FILES) {
        let _ = writeln!(message, "  {path}: {cause}");
        let _ = writeln!(message, "    {}", check::remedy(cause, path, location()));
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
