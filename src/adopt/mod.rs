//! Takes an edit of an output back to the spec: it inverts what [`trace`](crate::trace) measures.
//!
//! A change of a line is a guess at a change of the spec: another value of a key that the line shows, a key of a service that a
//! Compose file has now, a line of a template of the user, a dashboard that is imported again. Every guess is rendered. It is right
//! only if the file then has the edited lines, and all others as before; so nothing depends on how the guess was made.

mod compose;
mod edits;
mod hunks;
mod values;

use std::cell::Cell;

use camino::{Utf8Path, Utf8PathBuf};

use crate::Common;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::import::{self, Context};
use crate::spec::kind::{DECLARATION, Kind};
use crate::spec::source::{Source, Sources};
use crate::spec::tree::{self, Node, Table, Value};
use crate::trace::{Key, Part, Trace};
use crate::view::patched;
use edits::Text;
use hunks::{Change, Hunks};
use values::Line;

/// Changes of one file that are looked at.
pub const MOST_CHANGES: usize = 100;

/// Specs that are rendered for one change.
const MOST_TRIED: usize = 120;

/// Specs that are rendered for all edits of a project; each takes some milliseconds.
pub const MOST_TRIES: usize = 10_000;

/// Why an edit can't be adopted if the spec has changed its lines, too.
pub const SAME_LINES: &str = "the spec changes the same lines as the edit";

/// How the name of a key is called.
pub const NAME_OF: &str = "the name of ";

/// An edited output.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'e> {
    /// The profile that it is an output of.
    pub profile: &'e str,
    /// The output.
    pub path: &'e Utf8Path,
    /// What was rendered before the edit, perhaps from an older spec.
    pub rendered: &'e str,
    /// What a person made of it.
    pub edited: &'e str,
    /// The line of it whose change is wanted, one-based, instead of all.
    pub line: Option<usize>,
}

/// What became of an edit.
#[derive(Debug, Default)]
pub struct Adopted {
    /// The changed spec, unless nothing was adopted.
    pub sources: Option<Sources>,
    /// How many changes were adopted.
    pub adopted: usize,
    /// The changes that were not.
    pub refused: Vec<Refused>,
    /// Whether a render of the changed spec has all of the edit.
    pub is_whole: bool,
    /// If a line was named, what was rendered before, and that with the edits of all other lines.
    pub others: Option<[String; 2]>,
}

/// A change that no change of the spec gives.
#[derive(Debug)]
pub struct Refused {
    /// Its first line in the edited file, one-based.
    pub line: usize,
    /// The lines that were rendered.
    pub old: String,
    /// The lines that a person made of them.
    pub new: String,
    /// A change of the spec that gives the lines, but not only them.
    pub almost: Option<Almost>,
    /// A key whose change may give the lines, and why the spec would be invalid then.
    pub invalid: Option<(String, String)>,
    /// The keys that the line depends on.
    pub keys: Vec<Cause>,
    /// All changes that may give the lines, but not a valid spec.
    candidates: Vec<Invalid>,
}

/// A change of the spec that makes it invalid.
#[derive(Debug)]
struct Invalid {
    key: String,
    why: String,
    /// As of the [`Candidate`].
    is_clear: bool,
}

/// A change of the spec that gives an edited line, and more.
#[derive(Debug, Clone)]
pub struct Almost {
    /// The key that is changed.
    pub key: String,
    /// How many other lines of the file it changes.
    pub others: usize,
    /// Where the added lines are then, one-based, if it is not where the person put them.
    pub line: Option<usize>,
}

/// A key that a line depends on.
#[derive(Debug)]
pub struct Cause {
    /// Its file, line and column.
    pub place: String,
    /// What it is called.
    pub name: String,
    /// Its line.
    pub text: String,
}

impl Refused {
    fn is(&self, change: &Change<'_>) -> bool {
        self.line == change.new_at + 1 && self.old == change.old.concat() && self.new == change.new.concat()
    }
}

/// Changes the spec so that a render gives the edited output. What can't be taken over stays as it is. `tries` is how many specs
/// may still be rendered for that, at first [`MOST_TRIES`].
///
/// # Errors
/// The spec and the file have both changed the same lines since the file was rendered, or the file differs in too many places.
pub fn adopt(sources: &Sources, edit: &Edit<'_>, tries: &Cell<usize>) -> Result<Adopted, &'static str> {
    let common = Common::default();
    let Some(rendered) = render(&common, sources, edit) else {
        return Err("the spec has no such output any more");
    };
    let merged = hunks::merged(edit.rendered, edit.edited, &rendered);
    let edited = merged.ok_or(SAME_LINES)?;
    let line = match edit.line.map(|line| hunks::line_in(edit.edited, &edited, line - 1)) {
        Some(None) => return Err("the spec changes this line"),
        line => line.flatten(),
    };
    let mut work = Work {
        edit,
        common: &common,
        line,
        base: sources,
        now: None,
        rendered,
        edited,
        tries,
        adopted: 0,
        refused: Vec::new(),
        others: None,
    };
    work.run()?;
    // A part of one of the changes is none.
    let is_half = work.now.is_some() && work.pieces().is_none();
    if is_half && edit.line.is_none() {
        return Err("only a part of the changes can be taken over");
    }
    for refused in work.refused.iter_mut().filter(|_| work.edited != edit.edited) {
        refused.line =
            hunks::line_in(&work.edited, edit.edited, refused.line - 1).map_or(refused.line, |line| line + 1);
    }
    let is_whole = work.rendered == work.edited;
    Ok(Adopted { sources: work.now, adopted: work.adopted, refused: work.refused, is_whole, others: work.others })
}

/// A file with the edit that was made of a rendered text, in what is rendered now; `None` if both changed the same lines.
pub fn edited(rendered: &str, edited: &str, now: &str) -> Option<String> {
    hunks::merged(rendered, edited, now)
}

/// The output of a spec, unless the spec is invalid.
fn render(common: &Common, sources: &Sources, edit: &Edit<'_>) -> Option<String> {
    render_or(common, sources, edit).ok()
}

/// The output of a spec, or what is wrong with that.
fn render_or(common: &Common, sources: &Sources, edit: &Edit<'_>) -> Result<String, Option<String>> {
    let plans = crate::plan_like(common, sources, Some(edit.profile)).map_err(|mistakes| first(&mistakes))?;
    let stack = plans.first().ok_or(None)?.stack();
    let artifact = crate::view::artifacts(stack).into_iter().find(|artifact| artifact.path == edit.path).ok_or(None)?;
    artifact.render().map_err(|_| None)
}

/// What the first mistake is; what can't be read says nothing.
fn first(mistakes: &[Diagnostic]) -> Option<String> {
    let of_text = ["toml-syntax", "defined-twice", "unknown-key", "wrong-type"];
    let mistake = mistakes.iter().find(|mistake| !of_text.contains(&mistake.code))?;
    let help = mistake.help.as_ref().map(|help| format!(" ({help})"));
    Some(format!("{}{}", mistake.title, help.unwrap_or_default()))
}

/// A change of the spec to be tried.
struct Candidate {
    sources: Sources,
    /// The key that it changes, for a message.
    key: String,
    /// Whether the edit itself says that it is this key. What is wrong with others says something only if the line depends on them.
    is_clear: bool,
}

/// Where candidates come from.
type Guesses<'e> = fn(&Work<'e>, &Hunks<'_>, &Change<'_>) -> Vec<Candidate>;

struct Work<'e> {
    edit: &'e Edit<'e>,
    /// What the specs that are rendered have in common.
    common: &'e Common,
    /// The line whose change is wanted, from zero.
    line: Option<usize>,
    base: &'e Sources,
    /// The spec with what was adopted so far.
    now: Option<Sources>,
    /// What that renders.
    rendered: String,
    edited: String,
    /// How many more specs may be rendered.
    tries: &'e Cell<usize>,
    adopted: usize,
    refused: Vec<Refused>,
    others: Option<[String; 2]>,
}

/// What came of the candidates for a change.
enum Tried {
    /// One of them gives the change, and perhaps further ones.
    Found(Sources, String),
    /// None does; or one does, and more; and those that may, but are invalid.
    Not(Option<Almost>, Vec<Invalid>),
}

impl Work<'_> {
    fn sources(&self) -> &Sources {
        self.now.as_ref().unwrap_or(self.base)
    }

    fn run(&mut self) -> Result<(), &'static str> {
        let edited = self.edited.clone();
        let new = hunks::lines(&edited);
        let mut budget = MOST_CHANGES;
        loop {
            let rendered = self.rendered.clone();
            let old = hunks::lines(&rendered);
            let hunks = Hunks::of(&old, &new);
            let changes = hunks.changes();
            let is_wanted = |change: &&&Change<'_>| self.line.is_none_or(|line| change.concerns(line));
            let is_new = |change: &&&Change<'_>| !self.refused.iter().any(|refused| refused.is(change));
            let Some(change) = changes.iter().filter(is_wanted).find(is_new) else {
                self.refused.retain(|refused| changes.iter().any(|change| refused.is(change)));
                self.name_keys(&changes);
                return Ok(());
            };
            budget = budget.checked_sub(1).ok_or("it differs in too many places")?;
            if self.tries.get() == 0 {
                return Err("gave up after trying too many changes of the spec");
            }
            match self.attempt(&hunks, change) {
                Tried::Found(sources, text) => {
                    let left = Hunks::of(&hunks::lines(&text), &new).changes().len();
                    self.adopted += changes.len().saturating_sub(left).max(1);
                    (self.now, self.rendered) = (Some(sources), text);
                    if self.line.is_some() {
                        self.others = Some([rendered.clone(), hunks.with(|_, other| other != *change)]);
                        return Ok(());
                    }
                }
                Tried::Not(almost, candidates) => self.refused.push(Refused {
                    line: change.new_at + 1,
                    old: change.old.concat(),
                    new: change.new.concat(),
                    almost,
                    invalid: None,
                    keys: Vec::new(),
                    candidates,
                }),
            }
        }
    }

    /// Whether what is left to adopt are whole changes of the first comparison.
    fn pieces(&self) -> Option<()> {
        let first = render(self.common, self.base, self.edit)?;
        let (old, new) = (hunks::lines(&first), hunks::lines(&self.edited));
        Hunks::of(&old, &new).found_in(&self.rendered).map(|_| ())
    }

    /// Tries candidates until one gives the change.
    fn attempt(&self, hunks: &Hunks<'_>, change: &Change<'_>) -> Tried {
        let mut almost: Option<(Almost, Sources, String)> = None;
        let mut invalid = Vec::new();
        let place = |wanted: &Change<'_>| hunks.changes().iter().position(|other| *other == wanted);
        let number = place(change);
        // Without the other half, a line that was moved would be lost or there twice.
        let other_half = hunks.other_half_of(change).and_then(place);
        let kinds: [Guesses<'_>; 5] =
            [Self::of_values, Self::of_dashboard, Self::of_templates, Self::of_compose, Self::of_defaults];
        let candidates = kinds.into_iter().flat_map(|guesses| guesses(self, hunks, change));
        for Candidate { sources, key, is_clear } in candidates.take(MOST_TRIED.min(self.tries.get())) {
            self.tries.set(self.tries.get().saturating_sub(1));
            let text = match render_or(self.common, &sources, self.edit) {
                Ok(text) if text == self.rendered => continue,
                Ok(text) => text,
                Err(why) => {
                    invalid.extend(why.map(|why| Invalid { key, why, is_clear }));
                    continue;
                }
            };
            let taken = hunks.found_in(&text);
            let is_taken = |number: usize| taken.as_ref().and_then(|taken| taken.get(number).copied()) == Some(true);
            if number.is_some_and(is_taken) {
                if other_half.is_some_and(|number| !is_taken(number)) {
                    continue;
                }
                match crate::plan_like(self.common, &sources, None) {
                    Ok(_) => return Tried::Found(sources, text),
                    // The other profiles stay valid.
                    Err(mistakes) => {
                        invalid.extend(first(&mistakes).map(|why| Invalid { key, why, is_clear }));
                    }
                }
                continue;
            }
            let moved = self.moved(change, &text);
            let others = if moved.is_some() { Some(0) } else { others(hunks, change, &text) };
            if let Some(others) = others
                && almost.as_ref().is_none_or(|(best, ..)| others < best.others)
                && crate::plan_like(self.common, &sources, None).is_ok()
            {
                almost = Some((Almost { key, others, line: moved }, sources, text));
            }
        }
        match almost {
            Some((_, sources, text)) if self.line.is_some() => Tried::Found(sources, text),
            almost => Tried::Not(almost.map(|(almost, ..)| almost), invalid),
        }
    }

    /// Where added lines are in a text that has nothing else but them; one-based.
    fn moved(&self, change: &Change<'_>, text: &str) -> Option<usize> {
        let (old, new) = (hunks::lines(&self.rendered), hunks::lines(text));
        let between = Hunks::of(&old, &new);
        let changes = between.changes();
        match changes.as_slice() {
            [only] if change.old.is_empty() && only.old.is_empty() && only.new == change.new => Some(only.new_at + 1),
            _ => None,
        }
    }

    /// Other values and names of the keys that are written.
    fn of_values(&self, _: &Hunks<'_>, change: &Change<'_>) -> Vec<Candidate> {
        let ([old], [new]) = (change.old, change.new) else { return Vec::new() };
        let line = Line::new(old, new);
        let sources = self.sources();
        let Some(keys) = Trace::keys_of(sources, self.edit.profile) else { return Vec::new() };
        let dashboard = self.edit.path.file_stem().filter(|_| self.edit.path.extension() == Some("json"));
        let mut found: Vec<(usize, Span, String, String)> = Vec::new();
        for key in keys {
            // Dashboards come back as a whole, and make no other output.
            if key.path.starts_with("dashboards.") && dashboard.is_none() {
                continue;
            }
            let place = key.span.start as usize..key.span.end as usize;
            let Some(raw) = sources.file(key.span).and_then(|file| file.text.get(place)) else { continue };
            if key.part == Part::Value {
                let guesses = values::guesses(raw, &line).into_iter();
                found.extend(guesses.map(|guess| (guess.fit, key.span, guess.text, key.path.clone())));
            } else if key.part == Part::Name {
                let name = key.path.rsplit('.').next().unwrap_or_default();
                if name == raw {
                    let others = values::names(name, &line).into_iter().take(1).filter(|(_, name)| !name.is_empty());
                    let title = format!("{NAME_OF}{}", key.path);
                    found.extend(
                        others.map(|(fit, name)| (fit, key.span, crate::edit::draft::key(&name), title.clone())),
                    );
                }
            }
        }
        found.sort_by_key(|(fit, span, ..)| (usize::MAX - fit, *span));
        found.dedup_by(|a, b| a.1 == b.1 && a.2 == b.2);
        found.truncate(MOST_TRIED / 2);
        let candidates = found.into_iter().filter_map(|(_, span, text, key)| {
            let sources = edits::replaced(sources, span.file, span.start as usize..span.end as usize, &text)?;
            Some(Candidate { sources, key, is_clear: false })
        });
        candidates.collect()
    }

    /// What a Compose file has, in the words of the spec.
    fn of_compose(&self, hunks: &Hunks<'_>, change: &Change<'_>) -> Vec<Candidate> {
        if self.edit.path.file_name() != Some("docker-compose.yml") {
            return Vec::new();
        }
        let folder = self.edit.path.parent().map_or("", Utf8Path::as_str);
        let texts = [hunks.with_move_of(change), hunks.with_hunk_of(change)];
        let mut found = Vec::new();
        for text in texts {
            let specs = compose::candidates(self.sources(), self.edit.profile, folder, [&self.rendered, &text]);
            found.extend(specs.into_iter().map(|(sources, key)| Candidate { sources, key, is_clear: true }));
        }
        found
    }

    /// A setting that has a default, or what a kind gives a service: the spec may say otherwise.
    fn of_defaults(&self, _: &Hunks<'_>, change: &Change<'_>) -> Vec<Candidate> {
        let ([old], [new]) = (change.old, change.new) else { return Vec::new() };
        let line = Line::new(old, new);
        let sources = self.sources();
        let Some(text) = Text::new(sources, self.edit.profile) else { return Vec::new() };
        // Each with whether the file is the service's own, and how well it fits.
        let mut found: Vec<(bool, usize, Vec<String>, String)> = Vec::new();
        let above = self.rendered.lines().nth(change.old_at.wrapping_sub(1)).unwrap_or_default();
        for (path, table) in text.tables("services") {
            let is_own = self.edit.path.file_stem() == path.last().map(String::as_str);
            let key = |rest: &[&str]| -> Vec<String> {
                path.iter().map(String::as_str).chain(rest.iter().copied()).map(ToOwned::to_owned).collect()
            };
            // A variable of a container in Kubernetes.
            if let (true, Some(name), Some((_, value))) =
                (is_own, above.trim().strip_prefix("- name: "), line.scalars())
            {
                found.push((true, 0, key(&["environment", name]), values::quoted(value)));
            }
            let Some(Node { value: Value::String(kind), .. }) = table.at(&["kind"]) else { continue };
            for (names, default) in defaults(sources, kind) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                if table.at(&names).is_none() {
                    let guesses = values::guesses(&default, &line).into_iter();
                    found.extend(guesses.map(|guess| (is_own, guess.fit, key(&names), guess.text)));
                }
            }
        }
        found.sort_by_key(|(is_own, fit, ..)| (!is_own, usize::MAX - fit));
        found.truncate(MOST_TRIED / 4);
        let candidates = found.into_iter().flat_map(|(_, _, path, value)| {
            let specs = text.added(&path, &value, [None, None]).into_iter();
            specs.map(move |sources| Candidate { sources, key: path.join("."), is_clear: false })
        });
        candidates.collect()
    }

    /// The dashboard of the file, imported again.
    fn of_dashboard(&self, hunks: &Hunks<'_>, change: &Change<'_>) -> Vec<Candidate> {
        let find = || -> Option<Vec<Candidate>> {
            let sources = self.sources();
            let name = self.edit.path.file_stem().filter(|_| self.edit.path.extension() == Some("json"))?;
            let plans = crate::plan_like(self.common, sources, Some(self.edit.profile)).ok()?;
            let dashboard = plans.first()?.stack().dashboards.iter().find(|dashboard| dashboard.name == name)?;
            let source = dashboard_of(sources, self.edit.path)?;
            let index = sources.files().iter().position(|other| other.path == source.path)?;
            let context = Context { folder: Some(dashboard.folder.clone()), ..Context::of(sources)? };
            let texts = [hunks.with(|_, other| other == change), hunks.with_hunk_of(change), hunks.with(|_, _| true)];
            let texts =
                texts.iter().filter_map(|text| import::into(&source.text, &dashboard.json, text, &context).ok());
            let file = u16::try_from(index).ok()?;
            let candidates = texts.filter_map(|(text, _)| {
                let sources = edits::replaced(sources, file, 0..source.text.len(), &text)?;
                Some(Candidate { sources, key: source.path.to_string(), is_clear: false })
            });
            Some(candidates.collect())
        };
        find().unwrap_or_default()
    }

    /// The same lines in a template of the user.
    fn of_templates(&self, hunks: &Hunks<'_>, change: &Change<'_>) -> Vec<Candidate> {
        let sources = self.sources();
        let lines = hunks::lines(&self.rendered);
        let edited = hunks.with_move_of(change);
        let edited = hunks::lines(&edited);
        let ends = |change: &Change<'_>| change.old_at..change.old_at + change.old.len();
        let (own, other) = (ends(change), ends(hunks.other_half_of(change).unwrap_or(change)));
        let (from, to) = (own.start.min(other.start), own.end.max(other.end));
        let new = edited.get(from..(edited.len() + to).saturating_sub(lines.len())).unwrap_or_default().concat();
        let mut found = Vec::new();
        for context in 0..=3 {
            let start = from.saturating_sub(context);
            let end = (to + context).min(lines.len());
            let before = lines.get(start..from).unwrap_or_default().concat();
            let after = lines.get(to..end).unwrap_or_default().concat();
            let needle = lines.get(start..end).unwrap_or_default().concat();
            if needle.trim().is_empty() {
                continue;
            }
            for (path, file) in sources.all_templates() {
                let Some(source) = file.and_then(|file| sources.at(file)) else { continue };
                let mut places = source.text.match_indices(&needle);
                if let (Some((at, _)), None, Some(file)) = (places.next(), places.next(), file) {
                    let text = format!("{before}{new}{after}");
                    let sources = edits::replaced(sources, file, at..at + needle.len(), &text);
                    let key = path.to_string();
                    found.extend(sources.map(|sources| Candidate { sources, key, is_clear: false }));
                }
            }
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// Names the keys that each refused change depends on: those of its first line, or of the line above.
    fn name_keys(&mut self, changes: &[&Change<'_>]) {
        /// Keys that are named; the nearest ones come first.
        const MOST: usize = 4;
        if self.refused.is_empty() {
            return;
        }
        let line = |refused: &Refused| {
            let change = changes.iter().find(|change| refused.is(change))?;
            Some(if change.old.is_empty() { change.old_at } else { change.old_at + 1 })
        };
        let sources = self.now.as_ref().unwrap_or(self.base);
        if let Some(source) = dashboard_of(sources, self.edit.path) {
            // Nearly all of it is the dashboard's, and to measure which of its thousand keys takes long.
            for refused in &mut self.refused {
                let place = format!("{}:1:1", source.shown);
                refused.keys.push(Cause { place, name: "the dashboard".to_owned(), text: String::new() });
            }
            return;
        }
        let template = template_of(sources, self.edit);
        let of_template = |path: &Utf8PathBuf| Cause {
            place: sources.location().shown(path).to_string(),
            name: "the template of this file".to_owned(),
            text: String::new(),
        };
        let lines: Vec<usize> = self.refused.iter().map(|refused| line(refused).unwrap_or(1).max(1)).collect();
        let plans = crate::plan_like(self.common, sources, Some(self.edit.profile)).unwrap_or_default();
        let Some(trace) = plans.first().and_then(|plan| Trace::new(sources, plan)) else { return };
        let place = |key: &Key| {
            let (line, column) = sources.position(key.span);
            let source = sources.file(key.span)?;
            let text = source.text.lines().nth(line - 1).unwrap_or_default().trim().to_owned();
            let name = if key.part == Part::Name { format!("{NAME_OF}{}", key.path) } else { key.path.clone() };
            Some(Cause { place: format!("{}:{line}:{column}", source.shown), name, text })
        };
        for (refused, keys) in self.refused.iter_mut().zip(trace.causes(self.edit.path, &lines)) {
            let causes: Vec<Cause> = keys.into_iter().filter_map(place).collect();
            refused.invalid = std::mem::take(&mut refused.candidates)
                .into_iter()
                .find(|invalid| invalid.is_clear || causes.iter().any(|cause| cause.name == invalid.key))
                .map(|Invalid { key, why, .. }| (key, why));
            refused.keys = template.iter().map(of_template).chain(causes).take(MOST).collect();
        }
    }
}

/// How many other lines a text changes that has the change; `None` if it does not have it.
fn others(hunks: &Hunks<'_>, change: &Change<'_>, text: &str) -> Option<usize> {
    let wanted = hunks.with(|_, other| other == change);
    let (wanted, text) = (hunks::lines(&wanted), hunks::lines(text));
    let between = Hunks::of(&wanted, &text);
    let place = change.old_at..change.old_at + change.new.len();
    let touches = |other: &&Change<'_>| {
        let (start, end) = (other.old_at, other.old_at + other.old.len());
        // What is gone is between two lines.
        if place.is_empty() {
            start <= place.start && place.start <= end
        } else {
            start < place.end && place.start < end
        }
    };
    let changes = between.changes();
    if changes.iter().any(touches) {
        return None;
    }
    Some(changes.iter().map(|other| other.old.len().max(other.new.len())).sum())
}

/// The template of the user that an output is rendered from.
fn template_of(sources: &Sources, edit: &Edit<'_>) -> Option<Utf8PathBuf> {
    let plans = crate::plan(sources, Some(edit.profile)).ok()?;
    let stack = plans.first()?.stack();
    Some(stack.template_of(&patched::name(stack, edit.path.as_str())?)?.into())
}

/// The file of the spec that a dashboard's output is rendered from.
pub fn dashboard_of<'s>(sources: &'s Sources, path: &Utf8Path) -> Option<&'s Source> {
    let name = path.file_stem().filter(|_| path.extension() == Some("json"))?;
    let found = sources.files().iter().find(|source| sources.location().dashboard_name(&source.path) == Some(name));
    found.map(AsRef::as_ref)
}

/// The keys of a service that a kind decides if the spec does not, each with its value as TOML.
fn defaults(sources: &Sources, kind: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let Some(known) = sources.kinds().get(kind) else { return found };
    for (setting, declared) in known.declaration().settings.iter() {
        let default = declared.default.as_ref().and_then(|literal| values::written(&literal.0.value));
        found.extend(default.map(|default| (vec!["settings".to_owned(), setting.value.clone()], default)));
    }
    let own = sources.at(known.place().file).filter(|_| known.is_own()).map(|source| source.text.as_str());
    let built_in = || Kind::files_of_built_in(kind)?.find(|(name, _)| *name == DECLARATION).map(|(_, text)| text);
    let Some(text) = own.or_else(built_in) else { return found };
    let mut alone = Sources::default();
    let file = alone.push(DECLARATION, text.to_owned());
    let table = tree::parse(&alone, file, &mut Diagnostics::default()).table;
    if let Some(Node { value: Value::Table(service), .. }) = table.at(&["service"]) {
        scalars(service, &mut Vec::new(), &mut found);
    }
    found
}

/// The single values of a table and of those in it.
fn scalars(table: &Table<'_>, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    for (key, node) in &table.entries {
        path.push(key.name.clone().into_owned());
        match &node.value {
            Value::Table(table) => scalars(table, path, found),
            Value::List(_) => {}
            value => found.extend(values::written(value).map(|value| (path.clone(), value))),
        }
        path.pop();
    }
}

/// The files of a spec that differ in another one: the path, and the text in both.
pub fn changed<'s>(before: &'s Sources, after: &'s Sources) -> Vec<(&'s Utf8PathBuf, &'s str, &'s str)> {
    let files = |sources: &'s Sources| sources.files().iter().chain(sources.templates());
    let pairs = files(before).zip(files(after));
    let changed = pairs.filter(|(old, new)| old.text != new.text);
    changed.map(|(old, new)| (&old.path, old.text.as_str(), new.text.as_str())).collect()
}
