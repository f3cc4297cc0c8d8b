//! `gen check`.

use std::fmt::Write as _;
use std::io;
use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use stackgen::diagnostic::{Diagnostic, Level};
use stackgen::difference::{self, Line};
use stackgen::output::{self, Cause, Difference, Error, Finding};
use stackgen::review::counted;
use stackgen::shown::visible;
use stackgen::spec::{self, Location};
use stackgen::{conflict, links};

use super::report::{self, BOLD, CYAN, GREEN, RED, RESET, YELLOW};
use super::{
    Around, Outcome, Outputs, Project, Ran, SPEC, Unread, current_folder, git, load, location, print, print_error,
    print_text, project, projects, stop, stop_for, stop_with, warn,
};
use crate::cli::{Check, Format};

/// Files that are shown; the rest is counted.
pub const MOST_FILES: usize = 200;

/// Lines of diffs that are shown; the rest is counted. `--stat` shows none.
pub const MOST_LINES: usize = 200;

/// Lines of a file on disk that are compared: comparing takes memory for each.
const MOST_COMPARED: usize = 2_000_000;

pub fn run(arguments: &Check) -> Ran {
    if arguments.all {
        return all(arguments);
    }
    let project = project(arguments.profile.as_deref(), arguments.format)?;
    let project = denied(project, arguments).map_err(|unread| unread.report(arguments.format))?;
    warn(&project, arguments.format);
    let checked = check(&project, arguments.profile.as_deref())?;
    let outcome = checked.outcome;
    match arguments.format {
        Format::Text => print_text(&text("", location(), &checked, arguments.stat)),
        Format::Json => print(io::stdout(), &report::versioned(json(&project, &checked, arguments.stat))),
        Format::Github => print(io::stdout(), &github(location(), &checked)),
    }
    // The process ends: freeing a large stack, string by string, would only take time.
    std::mem::forget(project);
    Ok(outcome)
}

/// Checks every project in and below the current folder.
fn all(arguments: &Check) -> Ran {
    if SPEC.get().is_some() {
        let help = "run `gen --spec FILE check` for each file that is not a `spec/stack.toml`";
        return Err(stop_with(Outcome::Invalid, "`--all` cannot be used with `--spec`", help));
    }
    let current = current_folder()?;
    let roots = projects::find(&current)?;
    if roots.is_empty() {
        let message = format!("could not find a `{}` in or below `{current}`", spec::MAIN);
        return Err(stop_with(Outcome::Invalid, message, "create one with `gen init`"));
    }
    let mut worst = Outcome::Clean;
    let mut failed = 0;
    let mut reports: Vec<Value> = Vec::new();
    for root in &roots {
        let name = if root.as_str().is_empty() { ".".to_owned() } else { visible(root.as_str()) };
        let name = Utf8Path::new(&name);
        let location = Location::below(root);
        let project = load(current.join(root), &location, None);
        let (outcome, report) = match project.and_then(|project| denied(project, arguments)) {
            Ok(project) => {
                warn(&project, arguments.format);
                match check(&project, None) {
                    Ok(checked) => (checked.outcome, one_of_all(name, &project, &checked, arguments)),
                    Err(outcome) => {
                        print_error(&format!("{BOLD}{name}{RESET} was not checked\n"));
                        (outcome, json!({ "error": "it was not checked" }))
                    }
                }
            }
            Err(Unread::Invalid(sources, diagnostics)) if arguments.format == Format::Json => {
                (Outcome::Invalid, json!({ "diagnostics": report::json_diagnostics(&sources, &diagnostics) }))
            }
            Err(unread) => (unread.report(arguments.format), json!({ "error": "it cannot be read" })),
        };
        let mut whole = json!({ "project": name.as_str() });
        if let (Value::Object(whole), Value::Object(report)) = (&mut whole, report) {
            whole.extend(report);
        }
        reports.push(whole);
        failed += usize::from(outcome != Outcome::Clean);
        worst = worst.max(outcome);
    }
    match arguments.format {
        Format::Json => print(io::stdout(), &report::versioned(json!({ "projects": reports }))),
        _ => print_text(&format!("{} checked, {failed} with problems\n", counted(roots.len(), "project"))),
    }
    Ok(worst)
}

/// Prints what was found in one of several projects, or returns it as JSON.
fn one_of_all(name: &Utf8Path, project: &Project, checked: &Checked, arguments: &Check) -> Value {
    let spec = project.sources.location();
    match arguments.format {
        Format::Json => return json(project, checked, arguments.stat),
        Format::Text => print_text(&text(&format!("{BOLD}{name}{RESET}: "), spec, checked, arguments.stat)),
        Format::Github => print(io::stdout(), &github(spec, checked)),
    }
    Value::Null
}

/// The project, unless warnings are errors and it has some.
fn denied(project: Project, arguments: &Check) -> Result<Project, Unread> {
    if arguments.deny.is_none() || project.warnings.is_empty() {
        return Ok(project);
    }
    let error = |warning| Diagnostic { level: Level::Error, ..warning };
    Err(Unread::Invalid(project.sources, project.warnings.into_iter().map(error).collect()))
}

/// What was found in a project.
struct Checked {
    /// How many files were compared.
    compared: usize,
    found: Vec<Drift>,
    /// Why other files were not compared.
    errors: Vec<String>,
    outcome: Outcome,
}

fn check(project: &Project, profile: Option<&str>) -> Ran<Checked> {
    let Around { removed, strays } = project.around(profile)?;
    let committed = committed(project, removed.iter().map(|removed| removed.name.clone()))?;
    let mut compared = 0;
    let bare = |path, cause| Drift::new(Difference { path, cause, on_disk: None, expected: None });
    let mut found: Vec<Drift> = strays.into_iter().map(|path| bare(path, Cause::Stray)).collect();
    let mut outcome = Outcome::Clean;
    let mut errors = Vec::new();
    for Outputs { scope, files, ejected, .. } in project.outputs(profile, removed) {
        // Services mount it.
        let own = own_with_problems(&project.root, ejected);
        found.extend(own.map(|Finding { path, cause }| bare(path, cause)));
        match output::compare(&project.root, &scope, files) {
            Ok(comparison) => {
                compared += comparison.compared;
                let manifest = scope.manifest;
                found.extend(comparison.differences.into_iter().map(|mut difference| {
                    // Its lines are digests of the outputs: they repeat the other differences.
                    if difference.path == manifest {
                        difference.on_disk = None;
                    }
                    Drift::new(difference)
                }));
            }
            // The others would wait for the same process, or be of the same version.
            Err(error @ (Error::Locked { .. } | Error::Newer { .. })) => return Err(stop_for(&error)),
            Err(error) => {
                outcome = stop_for(&error);
                errors.push(error.to_string());
            }
        }
    }
    match committed.join() {
        Ok(Ok(mut paths)) => {
            // One that the spec says is the user's is a danger of the review that saw it first.
            paths.retain(|path| !project.plans.iter().any(|plan| plan.stack().unmanaged.contains(path)));
            found.extend(paths.into_iter().map(|path| bare(path.into(), Cause::Committed)));
        }
        Ok(Err(failure)) => {
            let what = "cannot check that no `.env` and none of Terraform's state or plugins are committed";
            print_error(&format!("{YELLOW}warning{RESET}: {what}: {}\n", failure.message));
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
    if compared == 0 && outcome == Outcome::Clean {
        return Err(stop(Outcome::Failed, "nothing was compared"));
    }
    if !found.is_empty() {
        outcome = outcome.max(Outcome::Findings);
    }
    if found.iter().any(|drift| matches!(drift.difference.cause, Cause::Unreadable(_))) {
        outcome = Outcome::Failed;
    }
    for drift in &mut found {
        drift.difference.path = project.sources.location().shown(&drift.difference.path);
    }
    Ok(Checked { compared, found, errors, outcome })
}

/// Of the outputs that are the user's own, those that are missing, can't be read or have conflict markers.
pub fn own_with_problems(root: &Utf8Path, ejected: Vec<Utf8PathBuf>) -> impl Iterator<Item = Finding> {
    ejected.into_iter().filter_map(move |path| Some(Finding { cause: problem_of_own(root, &path)?, path }))
}

fn problem_of_own(root: &Utf8Path, path: &Utf8Path) -> Option<Cause> {
    if !links::is_file(root, path) {
        return Some(Cause::EjectedMissing);
    }
    match links::read(root, path, output::LARGEST) {
        Ok(text) => conflict::is_in(&text).then_some(Cause::EjectedConflict),
        Err(error) => Some(Cause::Unreadable(error)),
    }
}

/// Asks Git, while the outputs are compared, which files it has though they may hold secrets.
fn committed(
    project: &Project,
    removed: impl Iterator<Item = String>,
) -> Ran<JoinHandle<Result<Vec<String>, git::Failure>>> {
    let profiles: Vec<String> = project.plans.iter().map(|plan| plan.profile().to_owned()).chain(removed).collect();
    let (root, outputs) = (project.root.clone(), project.folders());
    let ask = move || git::committed(&root, &outputs, profiles.iter().map(String::as_str));
    std::thread::Builder::new()
        .spawn(ask)
        .map_err(|error| stop(Outcome::Failed, format!("cannot start a thread: {error}")))
}

/// A difference and its lines.
struct Drift {
    difference: Difference,
    diff: Diff,
}

/// What rendering would change, line by line.
#[derive(Default)]
struct Diff {
    /// Each with its color.
    lines: Vec<(&'static str, String)>,
    added: usize,
    removed: usize,
    /// The first line on disk that differs, one-based.
    first: usize,
    /// Whether the lines could be compared.
    kind: Comparable,
}

/// Whether two files can be compared line by line.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Comparable {
    #[default]
    Yes,
    Binary,
    TooLong,
}

impl Drift {
    fn new(difference: Difference) -> Self {
        let diff = match (&difference.on_disk, &difference.expected) {
            (Some(on_disk), Some(expected)) => Diff::of(on_disk, expected),
            _ => Diff { first: 1, ..Diff::default() },
        };
        Self { difference, diff }
    }
}

impl Diff {
    fn of(on_disk: &[u8], expected: &str) -> Self {
        let Ok(on_disk) = std::str::from_utf8(on_disk) else {
            return Self { kind: Comparable::Binary, first: 1, ..Self::default() };
        };
        if on_disk.lines().nth(MOST_COMPARED).is_some() {
            return Self { kind: Comparable::TooLong, first: 1, ..Self::default() };
        }
        let mut diff = Self::default();
        for hunk in difference::hunks(on_disk, expected, 3) {
            diff.lines.push((CYAN, format!("{}\n", hunk.header)));
            if diff.first == 0 {
                diff.first = hunk.first;
            }
            for line in hunk.lines {
                let (color, sign, text) = match line {
                    Line::Same(text) => ("", ' ', text),
                    Line::Removed(text) => (RED, '-', text),
                    Line::Added(text) => (GREEN, '+', text),
                };
                diff.removed += usize::from(sign == '-');
                diff.added += usize::from(sign == '+');
                let end = if text.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
                // An output has no escape sequence, and one on disk could pretend to be a part of the report.
                diff.lines.push((color, format!("{sign}{}{end}", text.replace('\u{1b}', "\\u{1b}"))));
            }
        }
        diff.first = diff.first.max(1);
        diff
    }
}

/// How to fix a difference of a spec's outputs.
pub fn remedy(cause: &Cause, path: &Utf8Path, spec: &Location) -> String {
    let of_path;
    spec.commands(match cause {
        // The conflicts of the spec are resolved: it was read.
        Cause::Missing
        | Cause::Stale
        | Cause::Mode { .. }
        | Cause::LineEndings
        | Cause::Interrupted
        | Cause::MergeConflict
        | Cause::Merged => "run `gen render`",
        Cause::EjectedMissing => "restore the file, or remove its entry from `[ejected]` and run `gen render`",
        Cause::EjectedConflict => "resolve the conflicts in the file",
        Cause::Closed => "run `gen render`: containers run as other users",
        Cause::HandEdited { .. } | Cause::MergedEdit => {
            // The path is relative to the project that the command is for.
            let path = path.strip_prefix(spec.shown(Utf8Path::new(""))).unwrap_or(path);
            of_path = if path.starts_with(spec.folder()) {
                "discard the change with `gen render --force`: the file describes the spec".to_owned()
            } else if matches!(cause, Cause::MergedEdit) {
                format!("resolve its conflicts, if any, then move the change to the spec with `gen adopt {path}`, or discard it with `gen render --force`")
            } else {
                format!("move the change to the spec with `gen adopt {path}`, or discard it with `gen render --force`")
            };
            &of_path
        }
        Cause::Unlisted => "move the file, or overwrite it with `gen render --force`",
        Cause::Orphan { edited: false } => "run `gen render` to delete it",
        Cause::Orphan { edited: true } => "move the file, or delete it with `gen render --force`",
        Cause::Stray => "remove it, or list it in `[stack] unmanaged`",
        Cause::Committed => "run `git rm -r --cached` on it, add it to `.gitignore`, and change the secrets in it",
        Cause::Symlink => "remove the link, or replace it with `gen render --force`",
        Cause::Unreadable(_) => "make it a readable file, or remove it",
        Cause::Malformed(_) => "run `gen render` to rewrite it",
    })
}

fn count(Checked { compared, found, errors, .. }: &Checked) -> String {
    let files = counted(*compared, "file");
    let committed = found.iter().filter(|drift| matches!(drift.difference.cause, Cause::Committed)).count();
    let differ = match found.len() - committed {
        0 => "no difference".to_owned(),
        1 => "1 differs".to_owned(),
        many => format!("{many} differ"),
    };
    let committed = if committed == 0 { String::new() } else { format!(", {committed} should not be committed") };
    let others = if errors.is_empty() { "" } else { "; others could not be compared" };
    format!("{files} compared, {differ}{committed}{others}")
}

/// The lines that rendering would change, at most `most` of them; none for a new file.
pub fn changes(differences: Vec<Difference>, most: usize) -> String {
    let mut out = String::new();
    let mut left = most;
    for drift in differences.into_iter().map(Drift::new) {
        let path = drift.difference.path.as_str();
        lines(&mut out, [path, "on disk", "rendered"], &drift.diff, drift.difference.expected.is_some(), &mut left);
    }
    out
}

/// The lines that a change of a file changes, at most `most` of them.
pub fn changed(path: &str, old: &str, new: &str, most: usize) -> String {
    let mut out = String::new();
    lines(&mut out, [path, "now", "then"], &Diff::of(old.as_bytes(), new), true, &mut most.clone());
    out
}

/// The differences, then their count after a `name`.
fn text(name: &str, spec: &Location, checked: &Checked, stat: bool) -> String {
    let found = &checked.found;
    let mut out = String::new();
    let mut left = MOST_LINES;
    for Drift { difference, diff } in found.iter().take(MOST_FILES) {
        let Difference { path, cause, expected, .. } = difference;
        let _ = writeln!(out, "{BOLD}{path}{RESET}: {RED}{cause}{RESET}");
        if let Cause::Malformed(problems) = cause {
            for problem in problems {
                let _ = writeln!(out, "  {problem}");
            }
        }
        if stat {
            if diff.added + diff.removed > 0 {
                let _ = writeln!(out, "  {GREEN}+{}{RESET} {RED}-{}{RESET} lines", diff.added, diff.removed);
            }
        } else {
            lines(&mut out, [path.as_str(), "on disk", "rendered"], diff, expected.is_some(), &mut left);
        }
        let _ = writeln!(out, "  {CYAN}help{RESET}: {}", remedy(cause, path, spec));
        out.push('\n');
    }
    if found.len() > MOST_FILES {
        let _ = writeln!(out, "… and {} more\n", found.len() - MOST_FILES);
    }
    let _ = writeln!(out, "{name}{}", count(checked));
    out
}

fn lines(out: &mut String, [path, old, new]: [&str; 3], diff: &Diff, planned: bool, left: &mut usize) {
    if planned && diff.kind != Comparable::Yes {
        let why = if diff.kind == Comparable::Binary { "not a text file" } else { "too long to compare line by line" };
        let _ = writeln!(out, "  {why}");
        return;
    }
    if diff.lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "--- {path} ({old})\n+++ {path} ({new})");
    let shown = diff.lines.len().min(*left);
    *left -= shown;
    for (color, line) in diff.lines.iter().take(shown) {
        let (text, end) = line.strip_suffix('\n').map_or((line.as_str(), "\n"), |text| (text, "\n"));
        let reset = if color.is_empty() { "" } else { RESET };
        let _ = write!(out, "{color}{text}{reset}{end}");
    }
    let cut = diff.lines.len() - shown;
    if cut > 0 {
        let _ = writeln!(out, "  … {cut} more lines");
    }
}

/// A stable name of a cause, for programs.
fn code(cause: &Cause) -> &'static str {
    match cause {
        Cause::Missing | Cause::EjectedMissing => "missing",
        Cause::Mode { .. } | Cause::Closed => "mode",
        Cause::LineEndings => "line-endings",
        Cause::MergeConflict | Cause::EjectedConflict => "merge-conflict",
        Cause::Merged => "merged",
        Cause::Stale => "stale",
        Cause::Unlisted | Cause::Stray => "unlisted",
        Cause::HandEdited { .. } | Cause::MergedEdit => "hand-edited",
        Cause::Orphan { .. } => "orphan",
        Cause::Unreadable(_) => "unreadable",
        Cause::Committed => "committed",
        Cause::Symlink => "symlink",
        Cause::Interrupted => "interrupted",
        Cause::Malformed(_) => "malformed",
    }
}

fn json(project: &Project, Checked { compared, found, errors, .. }: &Checked, stat: bool) -> Value {
    let spec = project.sources.location();
    let difference = |Drift { difference, diff }: &Drift| {
        let mut report = json!({
            "path": difference.path.as_str(),
            "cause": code(&difference.cause),
            "description": difference.cause.to_string(),
            "help": remedy(&difference.cause, &difference.path, spec),
            "line": diff.first,
            "added": diff.added,
            "removed": diff.removed,
        });
        if !stat && !diff.lines.is_empty() {
            report["diff"] = diff.lines.iter().map(|(_, line)| line.as_str()).collect::<String>().into();
        }
        report
    };
    let differences: Vec<Value> = found.iter().map(difference).collect();
    let warnings = report::json_diagnostics(&project.sources, &project.warnings);
    json!({ "compared": compared, "differences": differences, "errors": errors, "diagnostics": warnings })
}

fn github(spec: &Location, checked: &Checked) -> String {
    let mut out = String::new();
    for error in &checked.errors {
        report::annotation(&mut out, None, "not compared", error);
    }
    for Drift { difference, diff } in checked.found.iter().take(MOST_FILES) {
        let message =
            format!("{}: {}\n{}", difference.path, difference.cause, remedy(&difference.cause, &difference.path, spec));
        let place = Some((difference.path.as_str(), diff.first, 1));
        report::annotation(&mut out, place, code(&difference.cause), &message);
    }
    let _ = writeln!(out, "{}", count(checked));
    out
}
