//! `gen adopt`.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{Display, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::adopt::{self, Adopted, Almost, Edit, Refused};
use stackgen::diagnostic::suggestion;
use stackgen::difference;
use stackgen::output::{self, Cause, Difference, File, Kept, Options};
use stackgen::review::counted;
use stackgen::shown::visible;
use stackgen::spec::decode::{listed, shown};
use stackgen::spec::source::Sources;
use stackgen::view::patched;
use stackgen::{Plan, conflict};

use super::explain::{below, place};
use super::report::{BOLD, CYAN, GREEN, RED, RESET};
use super::{
    Outcome, Project, Ran, check, location, merge, print_text, project, render, rewrite, stop, stop_with, sweep, warn,
};
use crate::cli::{Adopt, Format};

pub fn run(arguments: &Adopt) -> Ran {
    let project = project(None, Format::Text)?;
    let wanted = arguments.place.as_deref().map(|written| Wanted::new(&project, written)).transpose()?;
    let mut work = Work::new(&project);
    for plan in &project.plans {
        work.profile(plan, wanted.as_ref())?;
    }
    let Some(sources) = work.now.take() else {
        if !work.said && wanted.is_none() {
            print_text("no output was edited by hand: there is nothing to adopt\n");
        }
        return Ok(work.outcome());
    };
    let plans = stackgen::plan(&sources, None).map_err(|_| stop(Outcome::Failed, "the changed spec is invalid"))?;
    let files = files(&plans);
    let kept = work.kept(&files);
    work.show(&sources, &files, &kept);
    let count = counted(work.adopted, "change");
    let left = if work.refused == 0 { String::new() } else { format!(", {} not", work.refused) };
    if arguments.dry_run {
        print_text(&format!("{count} would be adopted{left}\n"));
        return Ok(work.outcome());
    }
    sweep(&project.root, [])?;
    let changed = adopt::changed(&project.sources, &sources).into_iter();
    rewrite(&project.root, &project.sources, changed.map(|(path, _, text)| (path.as_path(), text)))?;
    print_text(&format!("{count} adopted{left}\n"));
    Ok(work.outcome().max(finish(&kept)?))
}

/// The outputs of plans, each with its profile.
fn files(plans: &[Plan]) -> Vec<(&str, File)> {
    plans.iter().flat_map(|plan| plan.files().flatten().map(|file| (plan.profile(), file))).collect()
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
        if let Some((file, line)) = written.rsplit_once(':').filter(|(file, _)| known(&below(&project.root, file))) {
            let help = format!("write it as `{file}:12`");
            return Err(stop_with(Outcome::Invalid, format!("invalid line `{}`", shown(line)), help));
        }
        let outputs: Vec<(String, String)> =
            project.plans.iter().flat_map(|plan| patched::names(plan.stack())).collect();
        let of_profiles: Vec<&str> =
            outputs.iter().filter(|(_, name)| *name == path).map(|(path, _)| path.as_str()).collect();
        let help = if of_profiles.is_empty() {
            suggestion(path.as_str(), outputs.iter().map(|(path, _)| path.as_str()), || {
                "see `gen list artifacts`".to_owned()
            })
        } else {
            format!("name the file of a profile: {}", listed(of_profiles.into_iter()))
        };
        Err(stop_with(Outcome::Invalid, format!("`{path}` is not an output of a profile"), help))
    }
}

/// An edited output.
struct Edited {
    path: Utf8PathBuf,
    on_disk: Vec<u8>,
    /// What was rendered, and what a person made of it: both without the change of a line that was named, and adopted.
    texts: [String; 2],
    /// How many changes of it were adopted, if those are all.
    whole: Option<usize>,
}

/// What was adopted so far.
struct Work<'p> {
    project: &'p Project,
    /// The changed spec.
    now: Option<Sources>,
    /// All edited outputs, whether they are adopted or not.
    edited: Vec<Edited>,
    adopted: usize,
    refused: usize,
    /// Whether an output could not be read.
    unreadable: bool,
    /// Whether an edit was mentioned.
    said: bool,
    /// The profiles of the outputs with adopted edits.
    profiles: Vec<String>,
    /// How many more specs may be rendered.
    tries: Cell<usize>,
    /// How many more lines of refused changes are shown.
    shown: usize,
}

impl<'p> Work<'p> {
    fn new(project: &'p Project) -> Self {
        Self {
            project,
            now: None,
            edited: Vec::new(),
            adopted: 0,
            refused: 0,
            unreadable: false,
            said: false,
            profiles: Vec::new(),
            tries: Cell::new(adopt::MOST_TRIES),
            shown: check::MOST_LINES,
        }
    }

    fn outcome(&self) -> Outcome {
        match self.refused {
            _ if self.unreadable => Outcome::Failed,
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        }
    }

    /// Adopts the edits of a profile's outputs that are wanted.
    fn profile(&mut self, plan: &Plan, wanted: Option<&Wanted>) -> Ran<()> {
        let compared = output::compare(&self.project.root, &plan.scope(), plan.files());
        let differences = compared.map_err(|error| stop(Outcome::Failed, error))?.differences;
        for difference in &differences {
            let Difference { path, cause, .. } = difference;
            let of_wanted = wanted.filter(|wanted| wanted.path == *path);
            let line = of_wanted.and_then(|wanted| wanted.line);
            let is_wanted = wanted.is_none() || of_wanted.is_some();
            match cause {
                Cause::HandEdited { .. } => self.file(plan, difference, is_wanted, line),
                Cause::MergedEdit if is_wanted => self.file(plan, difference, true, line),
                Cause::Unlisted if wanted.is_none() => self.unlisted(path),
                Cause::Unreadable(_) if is_wanted => {
                    self.unreadable = true;
                    self.refuse(path, &cause.to_string(), &check::remedy(cause, path, location()));
                }
                _ if of_wanted.is_none() => {}
                Cause::Unlisted | Cause::Merged => self.file(plan, difference, true, line),
                Cause::Stale | Cause::LineEndings | Cause::Mode { .. } | Cause::Closed => {
                    self.nothing(path, &format!("{cause}, but not edited"));
                }
                _ => self.refuse(path, &cause.to_string(), &check::remedy(cause, path, location())),
            }
        }
        if let Some(Wanted { path, .. }) = wanted
            && plan.ejected().contains(path)
        {
            self.nothing(path, "your own (`[ejected]`)");
        } else if let Some(Wanted { path, .. }) = wanted
            && !differences.iter().any(|difference| difference.path == *path)
            && stackgen::view::artifacts(plan.stack()).iter().any(|artifact| artifact.path == *path)
        {
            self.nothing(path, "as rendered");
        }
        Ok(())
    }

    /// Nobody knows who wrote a file that is in no manifest.
    fn unlisted(&mut self, path: &Utf8Path) {
        self.said = true;
        let help = location().commands(&format!("to adopt what differs in it, run `gen adopt {path}`"));
        print_text(&format!("{BOLD}{path}{RESET}: {}\n  {CYAN}help{RESET}: {help}\n\n", Cause::Unlisted));
    }

    fn nothing(&mut self, place: impl Display, why: &str) {
        self.said = true;
        print_text(&format!("{BOLD}{place}{RESET}: {why}: there is nothing to adopt\n"));
    }

    fn refuse(&mut self, path: &Utf8Path, why: &str, help: &str) {
        self.said = true;
        self.refused += 1;
        let help = location().commands(help);
        print_text(&format!(
            "{BOLD}{path}{RESET}: {RED}cannot be adopted{RESET}: {why}\n  {CYAN}help{RESET}: {help}\n\n"
        ));
    }

    /// Adopts the edit of one file, or of a line of it, if it is wanted.
    fn file(&mut self, plan: &Plan, difference: &Difference, is_wanted: bool, line: Option<usize>) {
        let path = &difference.path;
        let texts = match self.texts(plan, difference) {
            Ok(texts) => texts,
            Err((why, help)) if is_wanted => return self.refuse(path, why, help),
            Err(_) => return,
        };
        let [rendered, edited] = &texts;
        if is_wanted && rendered == edited {
            self.nothing(path, "only its line breaks differ");
        } else if is_wanted {
            let count = edited.lines().count();
            if let Some(line) = line.filter(|line| *line > count) {
                let why = format!("it has only {}, not {line}", counted(count, "line"));
                return self.refuse(path, &why, "name a line of the file as it is on disk");
            }
            let edit = Edit { profile: plan.profile(), path, rendered, edited, line };
            match adopt::adopt(self.now.as_ref().unwrap_or(&self.project.sources), &edit, &self.tries) {
                Err(adopt::SAME_LINES) if self.now.is_some() => {
                    let why = "a change adopted from another file changes the same lines";
                    let table = format!("`[profiles.{}]`", plan.profile());
                    self.refuse(path, why, &format!("adopt one of the two, and write the other value in {table}"));
                }
                Err(why) => {
                    // An import would undo what the spec has changed since.
                    let is_fresh = matches!(difference.cause, Cause::HandEdited { also_stale: false });
                    let dashboard = adopt::dashboard_of(&self.project.sources, path).filter(|_| is_fresh);
                    let import = |file| format!("run `gen import dashboard {path} --into {file}`");
                    let help = dashboard.map_or_else(|| BY_HAND.to_owned(), |source| import(&source.path));
                    self.refuse(path, why, &help);
                }
                Ok(adopted) => return self.add(plan.profile(), difference, line, texts, adopted),
            }
        }
        self.edited.push(Edited::new(difference, texts));
    }

    /// What was rendered before an edit, and what a person made of it; or why that is not known, and what helps.
    fn texts(&self, plan: &Plan, difference: &Difference) -> Result<[String; 2], (&'static str, &'static str)> {
        let (Some(on_disk), Some(expected)) = (&difference.on_disk, &difference.expected) else {
            return Err(("it cannot be read", BY_HAND));
        };
        let Ok(edited) = std::str::from_utf8(on_disk) else { return Err(("it is not valid UTF-8", BY_HAND)) };
        if edited.lines().nth(MOST_LINES).is_some() {
            return Err(("it is too long to compare line by line", BY_HAND));
        }
        if conflict::is_in(on_disk) {
            return Err(("it has conflict markers", "resolve the conflict in it first, or run `gen render --force`"));
        }
        let texts = || {
            let texts = merge::rendered_texts(&self.project.root, &plan.scope().manifest, &difference.path);
            texts.ok_or((
                "the spec has changed since it was rendered, and Git does not have the text that was edited",
                "copy the file, run `gen render --force`, make the edit again, and adopt it then",
            ))
        };
        // The difference to what is rendered now could undo what the spec, or the other side of a merge, has changed.
        let candidates = match difference.cause {
            Cause::HandEdited { also_stale: true } => texts()?,
            Cause::MergedEdit | Cause::Merged => [expected.clone()].into_iter().chain(texts()?).collect(),
            _ => vec![expected.clone()],
        };
        // An edit may have been made of one side, or of what both became.
        let nearest = candidates.into_iter().min_by_key(|text| changed_lines(text, edited));
        let rendered = nearest.unwrap_or_else(|| expected.clone());
        // A render writes the line breaks anew.
        let mut edited = if rendered.contains('\r') { edited.to_owned() } else { edited.replace("\r\n", "\n") };
        if rendered.ends_with('\n') && !edited.is_empty() && !edited.ends_with('\n') {
            edited.push('\n');
        }
        Ok([rendered, edited])
    }

    fn add(
        &mut self,
        profile: &str,
        difference: &Difference,
        line: Option<usize>,
        texts: [String; 2],
        adopted: Adopted,
    ) {
        let Adopted { sources, adopted, refused, is_whole, others } = adopted;
        let path = &difference.path;
        self.adopted += adopted;
        self.refused += refused.len();
        self.said |= !refused.is_empty();
        if (sources.is_some() || refused.is_empty()) && !self.profiles.iter().any(|known| known == profile) {
            self.profiles.push(profile.to_owned());
        }
        if sources.is_none() && refused.is_empty() {
            match line {
                Some(line) => self.nothing(format_args!("{path}:{line}"), "as rendered"),
                None => self.nothing(path, "the spec already produces this edit"),
            }
        }
        self.now = sources.or(self.now.take());
        let whole = is_whole.then_some(adopted);
        self.edited.push(Edited { whole, ..Edited::new(difference, others.unwrap_or(texts)) });
        for refused in &refused {
            print_text(&refusal(path, refused, &mut self.shown));
        }
        if refused.iter().any(|refused| refused.almost.is_none() && refused.invalid.is_none()) {
            print_text(&format!("{CYAN}help{RESET}: {}\n\n", location().commands(BY_HAND)));
        }
    }

    /// What becomes of the edited files whose edits are adopted or stay, if the changed spec gives these files.
    fn kept(&mut self, files: &[(&str, File)]) -> Vec<Kept> {
        let texts: HashMap<&Utf8Path, &String> =
            files.iter().map(|(_, file)| (file.path.as_path(), &file.contents)).collect();
        let mut kept = Vec::new();
        for Edited { path, on_disk, texts: [rendered, edited], whole } in std::mem::take(&mut self.edited) {
            let now = texts.get(path.as_path()).copied();
            let text = now.and_then(|now| adopt::edited(&rendered, &edited, now));
            if let Some(count) = whole.filter(|_| now.is_none() || text.as_ref() != now) {
                self.adopted -= count;
                self.refuse(&path, "a change adopted from another file undoes it", "adopt one file at a time");
            }
            let (Some(now), Some(text)) = (now, text) else { continue };
            // What has an edit keeps its line breaks.
            let is_left = text == edited && text != *now;
            let edited = if is_left { on_disk.clone() } else { text.into_bytes() };
            kept.push(Kept { path, on_disk, rendered: now.clone(), edited });
        }
        kept
    }

    /// Shows the change of the spec, and what else it changes.
    fn show(&self, sources: &Sources, files: &[(&str, File)], kept: &[Kept]) {
        let mut out = String::new();
        for (path, old, new) in adopt::changed(&self.project.sources, sources) {
            out.push_str(&check::changed(path.as_str(), old, new, check::MOST_LINES));
        }
        let rendered = self.project.plans.iter().flat_map(Plan::files).flatten();
        let mut before: HashMap<Utf8PathBuf, Vec<u8>> =
            rendered.map(|file| (file.path, file.contents.into_bytes())).collect();
        let mut after: HashMap<&Utf8Path, &[u8]> = HashMap::new();
        for Kept { path, on_disk, edited, .. } in kept {
            before.insert(path.clone(), on_disk.clone());
            after.insert(path, edited);
        }
        let mut others = String::new();
        let mut is_elsewhere = false;
        let mut left = MOST_SHOWN;
        for (profile, file) in files {
            let old = before.get(&file.path).map_or(&[][..], Vec::as_slice);
            let new = after.get(file.path.as_path()).copied().unwrap_or(file.contents.as_bytes());
            if old != new {
                is_elsewhere |= !self.profiles.iter().any(|known| known == profile);
                let [old, new] = [old, new].map(String::from_utf8_lossy);
                let shown = check::changed(file.path.as_str(), &old, &new, left);
                left = left.saturating_sub(shown.lines().count());
                others.push_str(&shown);
            }
        }
        if !others.is_empty() {
            let _ = write!(out, "\n{BOLD}This also changes:{RESET}\n{others}");
        }
        if is_elsewhere {
            let names: Vec<String> = self.profiles.iter().map(|name| format!("`[profiles.{name}]`")).collect();
            let _ = writeln!(
                out,
                "  {CYAN}help{RESET}: other profiles change, too; move the key to {} if they should not",
                names.join(" or ")
            );
        }
        out.push('\n');
        print_text(&out);
    }
}

impl Edited {
    fn new(difference: &Difference, texts: [String; 2]) -> Self {
        let on_disk = difference.on_disk.clone().unwrap_or_default();
        Self { path: difference.path.clone(), on_disk, texts, whole: None }
    }
}

/// What to do with an edit that can't be compared.
const BY_HAND: &str = "change the spec yourself, patch the value (`[patches]`), make the file your own (`gen eject`), or discard the edit \
                       with `gen render --force`";

/// Lines of a file that are compared.
const MOST_LINES: usize = 200_000;

/// Characters of a line that are shown.
const LONGEST_SHOWN: usize = 200;

/// Lines of one refused change that are shown, of each side.
const MOST_REFUSED: usize = 20;

/// Lines of diffs of other outputs that are shown.
const MOST_SHOWN: usize = 60;

/// Why a change of an output can't be adopted, and what to look at. At most `left` of its lines are shown.
fn refusal(path: &Utf8Path, refused: &Refused, left: &mut usize) -> String {
    let line = refused.line;
    let mut out = format!("{BOLD}{path}:{line}{RESET}: {RED}cannot be adopted{RESET}\n");
    for (text, sign, colour) in [(&refused.old, '-', RED), (&refused.new, '+', GREEN)] {
        let count = text.lines().count();
        let shown = count.min(MOST_REFUSED).min(*left);
        *left -= shown;
        for text in text.lines().take(shown) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  {colour}{sign}{}{RESET}", short(text));
        }
        if count > shown {
            let _ = writeln!(out, "  {colour}{sign}{RESET} … {}", counted(count - shown, "more line"));
        }
    }
    let change = |key: &str| match key.strip_prefix(adopt::NAME_OF) {
        Some(name) => format!("renaming `{name}`"),
        None => format!("a change of `{key}`"),
    };
    let accepts = |what: &str| format!("{what} with `gen adopt {path}:{line}`");
    let help = match (&refused.almost, refused.keys.is_empty()) {
        (Some(Almost { key, line: Some(place), .. }), _) => {
            accepts(&format!("{} produces this, but in line {place}: move it there, or accept that", change(key)))
        }
        (Some(Almost { key, others, line: None }), _) => accepts(&format!(
            "{} produces this, and changes {} of the file: accept that",
            change(key),
            counted(*others, "other line")
        )),
        (None, _) if refused.invalid.is_some() => {
            let (key, why) = refused.invalid.clone().unwrap_or_default();
            format!("{} may produce this, but the spec would not be valid: {why}", change(&key))
        }
        (None, true) => "no key of the spec produces this".to_owned(),
        (None, false) => "no change of a key produces this; the line depends on:".to_owned(),
    };
    let _ = writeln!(out, "  {CYAN}help{RESET}: {}", location().commands(&help));
    for adopt::Cause { place, name, text } in &refused.keys {
        let _ = writeln!(out, "    {CYAN}{place}{RESET} {name}");
        if !text.is_empty() {
            let _ = writeln!(out, "      {}", short(text));
        }
    }
    out.push('\n');
    out
}

/// The beginning of a line.
fn short(line: &str) -> String {
    visible(&line.chars().take(LONGEST_SHOWN).collect::<String>())
}

/// Renders the changed spec. Edits that are left stay in their files.
fn finish(kept: &[Kept]) -> Ran {
    let project = project(None, Format::Text)?;
    warn(&project, Format::Text);
    let rendered = render::write(&project, None, Options { prune: true, kept, ..Options::default() });
    rendered.show();
    Ok(rendered.outcome)
}

/// How many lines of two texts differ.
fn changed_lines(old: &str, new: &str) -> usize {
    let (added, removed) = difference::counted(old, new);
    added + removed
}
