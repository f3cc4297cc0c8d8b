//! `gen adopt`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::Plan;
use stackgen::adopt::{self, Adopted, Almost, Edit, Refused};
use stackgen::diagnostic::suggestion;
use stackgen::output::{self, Cause, Difference, Options};
use stackgen::review::counted;
use stackgen::shown::visible;
use stackgen::spec::source::Sources;

use super::explain::{below, place};
use super::report::{BOLD, CYAN, GREEN, RED, RESET};
use super::{
    Outcome, Outputs, Project, Ran, check, location, print_text, project, render, rewrite, stop, stop_with, sweep, warn,
};
use crate::cli::{Adopt, Format};

pub fn run(arguments: &Adopt) -> Ran {
    let project = project(None, Format::Text)?;
    let wanted = arguments.place.as_deref().map(|written| Wanted::new(&project, written)).transpose()?;
    let mut work = Work { now: None, whole: Vec::new(), adopted: 0, refused: 0, profiles: Vec::new() };
    for plan in &project.plans {
        work.profile(&project, plan, wanted.as_ref())?;
    }
    let outcome = if work.refused > 0 { Outcome::Findings } else { Outcome::Clean };
    let Some(sources) = &work.now else {
        if work.refused == 0 && wanted.is_none() {
            print_text("no output was edited by hand: there is nothing to adopt\n");
        }
        return Ok(outcome);
    };
    show(&project, sources, &work)?;
    let count = counted(work.adopted, "change");
    let left = if work.refused == 0 { String::new() } else { format!(", {} not", work.refused) };
    if arguments.dry_run {
        print_text(&format!("{count} would be adopted{left}\n"));
        return Ok(outcome);
    }
    sweep(&project.root, [])?;
    let changed = adopt::changed(&project.sources, sources).into_iter();
    rewrite(&project.root, &project.sources, changed.map(|(path, _, text)| (path.as_path(), text)))?;
    print_text(&format!("{count} adopted{left}\n"));
    Ok(outcome.max(finish(&work.whole)?))
}

/// The output, and perhaps the line, that was named.
struct Wanted {
    path: Utf8PathBuf,
    line: Option<usize>,
}

impl Wanted {
    fn new(project: &Project, written: &str) -> Ran<Self> {
        let known = |path: &Utf8Path| {
            let artifacts = project.plans.iter().flat_map(|plan| stackgen::view::artifacts(plan.stack()));
            artifacts.into_iter().any(|artifact| artifact.path == path)
        };
        let path = below(&project.root, written);
        if known(&path) {
            return Ok(Self { path, line: None });
        }
        let (path, line) = place(written).map_or((path, None), |(file, line)| (below(&project.root, file), Some(line)));
        if known(&path) {
            return Ok(Self { path, line });
        }
        let artifacts = project.plans.iter().flat_map(|plan| stackgen::view::artifacts(plan.stack()));
        let names: Vec<String> = artifacts.into_iter().map(|artifact| artifact.path.to_string()).collect();
        let help =
            suggestion(path.as_str(), names.iter().map(String::as_str), || "see `gen list artifacts`".to_owned());
        Err(stop_with(Outcome::Invalid, format!("`{path}` is not an output of a profile"), help))
    }
}

/// What was adopted so far.
struct Work {
    /// The changed spec.
    now: Option<Sources>,
    /// The outputs whose whole edit is in it.
    whole: Vec<Utf8PathBuf>,
    adopted: usize,
    refused: usize,
    /// The profiles of the edited outputs.
    profiles: Vec<String>,
}

impl Work {
    /// Adopts the edits of a profile's outputs.
    fn profile(&mut self, project: &Project, plan: &Plan, wanted: Option<&Wanted>) -> Ran<()> {
        if let Some(Wanted { path, .. }) = wanted
            && !stackgen::view::artifacts(plan.stack()).iter().any(|artifact| artifact.path == *path)
        {
            return Ok(());
        }
        let compared = output::compare(&project.root, &plan.scope(), plan.files());
        let differences = compared.map_err(|error| stop(Outcome::Failed, error))?.differences;
        let Some(Wanted { path, line }) = wanted else {
            for difference in &differences {
                let is_edit = matches!(difference.cause, Cause::HandEdited { .. } | Cause::MergedEdit);
                if is_edit && difference.expected.is_some() {
                    self.file(project, plan.profile(), difference, None);
                }
            }
            return Ok(());
        };
        match differences.iter().find(|difference| difference.path == *path) {
            None => print_text(&format!("{BOLD}{path}{RESET}: as rendered, there is nothing to adopt\n")),
            Some(difference) => match difference.cause {
                Cause::Stale | Cause::LineEndings | Cause::Mode { .. } | Cause::Closed => {
                    let Difference { cause, .. } = difference;
                    print_text(&format!("{BOLD}{path}{RESET}: {cause}, but not edited: there is nothing to adopt\n"));
                }
                Cause::HandEdited { .. } | Cause::MergedEdit | Cause::Unlisted | Cause::Merged => {
                    self.file(project, plan.profile(), difference, *line);
                }
                _ => {
                    let Difference { cause, .. } = difference;
                    self.refuse(path, &cause.to_string(), &check::remedy(cause, path, location()));
                }
            },
        }
        Ok(())
    }

    fn refuse(&mut self, path: &Utf8Path, why: &str, help: &str) {
        self.refused += 1;
        let help = location().commands(help);
        print_text(&format!(
            "{BOLD}{path}{RESET}: {RED}cannot be adopted{RESET}: {why}\n  {CYAN}help{RESET}: {help}\n\n"
        ));
    }

    /// Adopts the edit of one file, or of a line of it.
    fn file(&mut self, project: &Project, profile: &str, difference: &Difference, line: Option<usize>) {
        let path = &difference.path;
        let by_hand = "change the spec yourself, or discard the edit with `gen render --force`";
        if line.is_none() && matches!(difference.cause, Cause::HandEdited { also_stale: true }) {
            let why = "the spec has changed, too, so the file differs in more than the edit";
            let help = format!("name each line that you edited: `gen adopt {path}:LINE`");
            return self.refuse(path, why, &help);
        }
        let (Some(on_disk), Some(rendered)) = (&difference.on_disk, &difference.expected) else {
            return self.refuse(path, "it cannot be read", by_hand);
        };
        let Ok(edited) = std::str::from_utf8(on_disk) else {
            return self.refuse(path, "it is not valid UTF-8", by_hand);
        };
        if edited.lines().nth(MOST_LINES).is_some() {
            return self.refuse(path, "it is too long to compare line by line", by_hand);
        }
        if let Some(line) = line.filter(|line| *line > edited.lines().count()) {
            let why = format!("it has only {}, not {line}", counted(edited.lines().count(), "line"));
            return self.refuse(path, &why, "name a line of the file as it is on disk");
        }
        // A render writes the line endings anew.
        let edited = if rendered.contains('\r') { edited.to_owned() } else { edited.replace("\r\n", "\n") };
        let edit = Edit { profile, path, rendered, edited: &edited, line };
        match adopt::adopt(self.now.as_ref().unwrap_or(&project.sources), &edit) {
            Err(why) => self.refuse(path, why, by_hand),
            Ok(adopted) => self.add(profile, path, line, adopted),
        }
    }

    fn add(&mut self, profile: &str, path: &Utf8Path, line: Option<usize>, adopted: Adopted) {
        let Adopted { sources, adopted, refused, is_whole } = adopted;
        self.adopted += adopted;
        self.refused += refused.len();
        if is_whole {
            self.whole.push(path.to_owned());
        }
        if sources.is_some() && !self.profiles.iter().any(|known| known == profile) {
            self.profiles.push(profile.to_owned());
        }
        if let Some(line) = line.filter(|_| sources.is_none() && refused.is_empty()) {
            print_text(&format!("{BOLD}{path}:{line}{RESET}: as rendered, there is nothing to adopt\n"));
        }
        self.now = sources.or(self.now.take());
        for refused in refused {
            print_text(&refusal(path, &refused));
        }
    }
}

/// Lines of a file that are compared.
const MOST_LINES: usize = 200_000;

/// Characters of a refused line that are shown.
const LONGEST_SHOWN: usize = 200;

/// Lines of diffs of other outputs that are shown.
const MOST_SHOWN: usize = 60;

/// Why a change of an output can't be adopted, and what to look at.
fn refusal(path: &Utf8Path, refused: &Refused) -> String {
    let line = refused.line;
    let mut out = format!("{BOLD}{path}:{line}{RESET}: {RED}cannot be adopted{RESET}\n");
    for (text, sign, colour) in [(&refused.old, '-', RED), (&refused.new, '+', GREEN)] {
        for text in text.lines() {
            let text: String = text.chars().take(LONGEST_SHOWN).collect();
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  {colour}{sign}{}{RESET}", visible(&text));
        }
    }
    let accepts = |what: &str| format!("{what}: `gen adopt {path}:{line}` accepts that");
    let help = match (&refused.almost, refused.keys.is_empty()) {
        (Some(Almost { key, line: Some(place), .. }), _) => accepts(&format!(
            "a change of `{key}` gives this, but in line {place}: move it there, or let a render do that"
        )),
        (Some(Almost { key, others, line: None }), _) => accepts(&format!(
            "a change of `{key}` gives this, and changes {} of the file",
            counted(*others, "other line")
        )),
        (None, _) if refused.invalid.is_some() => {
            let (key, why) = refused.invalid.clone().unwrap_or_default();
            format!("a change of `{key}` may give this, but the spec would be invalid: {why}")
        }
        (None, true) => "no key of the spec gives this line: it comes from a template".to_owned(),
        (None, false) => "no change of a key gives this; the line depends on:".to_owned(),
    };
    let _ = writeln!(out, "  {CYAN}help{RESET}: {}", location().commands(&help));
    for adopt::Cause { place, name, text } in &refused.keys {
        let _ = writeln!(out, "    {CYAN}{place}{RESET} {name}");
        if !text.is_empty() {
            let _ = writeln!(out, "      {text}");
        }
    }
    out.push('\n');
    out
}

/// Shows the change of the spec, and what it changes besides the edited files.
fn show(project: &Project, sources: &Sources, work: &Work) -> Ran<()> {
    let mut out = String::new();
    for (path, old, new) in adopt::changed(&project.sources, sources) {
        out.push_str(&check::changed(path.as_str(), old, new, check::MOST_LINES));
    }
    let plans = stackgen::plan(sources, None).map_err(|_| stop(Outcome::Failed, "the changed spec is invalid"))?;
    let mut texts: BTreeMap<Utf8PathBuf, String> = BTreeMap::new();
    for file in project.plans.iter().flat_map(Plan::files).flatten() {
        texts.insert(file.path, file.contents);
    }
    let mut others = String::new();
    let mut is_elsewhere = false;
    let mut left = MOST_SHOWN;
    for plan in &plans {
        for file in plan.files().flatten().filter(|file| !work.whole.contains(&file.path)) {
            let old = texts.get(&file.path).map_or("", String::as_str);
            if old != file.contents {
                is_elsewhere |= !work.profiles.iter().any(|profile| profile == plan.profile());
                let shown = check::changed(file.path.as_str(), old, &file.contents, left);
                left = left.saturating_sub(shown.lines().count());
                others.push_str(&shown);
            }
        }
    }
    if !others.is_empty() {
        let _ = write!(out, "\n{BOLD}This also changes:{RESET}\n{others}");
    }
    if is_elsewhere {
        let names: Vec<String> = work.profiles.iter().map(|name| format!("`[profiles.{name}]`")).collect();
        let _ = writeln!(
            out,
            "  {CYAN}help{RESET}: other profiles change, too; move the key to {} if they should not",
            names.join(" or ")
        );
    }
    out.push('\n');
    print_text(&out);
    Ok(())
}

/// Renders the changed spec, unless an edit would be lost.
fn finish(whole: &[Utf8PathBuf]) -> Ran {
    let project = project(None, Format::Text)?;
    warn(&project, Format::Text);
    let mut force = false;
    for Outputs { scope, files, .. } in project.outputs(None)? {
        let compared = output::compare(&project.root, &scope, files).map_err(|error| stop(Outcome::Failed, error))?;
        for Difference { path, .. } in compared.differences.iter().filter(|difference| difference.cause.needs_force()) {
            if !whole.contains(path) {
                let help =
                    "`gen check` shows what is left; `gen render` writes the outputs once it is adopted or undone";
                print_text(&format!("not rendered: {path} has other edits\n  {}\n", location().commands(help)));
                return Ok(Outcome::Clean);
            }
            // All of its edit is in the spec.
            force = true;
        }
    }
    let rendered = render::write(&project, None, Options { force, dry_run: false, prune: true });
    rendered.show();
    Ok(rendered.outcome)
}
