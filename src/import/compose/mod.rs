//! From a Compose project to a spec that renders the same project.
//!
//! - `load` makes one tree of all files, which `yaml` reads as Compose does. `removed` and `extends` have its rules for what
//!   a document takes away and what services extend, `paths` makes paths relative to the current folder.
//! - `convert` makes a spec's texts of those in it, by `interpolation`.
//! - `adapt` makes a spec's tree of that one: `forms` has what Compose has other words for, `ports` gives names, `images` knows
//!   kinds, `env` describes variables.
//! - `write` writes it, and the spec's own parser reads it before it is given away.
//! - `same` compares what Compose makes of both.

mod adapt;
mod convert;
mod env;
mod extends;
mod forms;
pub(super) mod images;
mod interpolation;
mod load;
pub(super) mod paths;
mod ports;
mod removed;
mod same;
mod write;
pub(crate) mod yaml;

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

pub use same::differences;

use env::Known;

use crate::diagnostic::{self, Diagnostic, Span};
use crate::shown::printable;
use crate::spec::MAIN;
use crate::spec::lints::{self, Level};
use crate::spec::source::Sources;
use crate::spec::tree::{Key, Node, Table, Value};

use write::Written;
use yaml::Comments;

/// The files of which Compose takes the first (`DefaultFileNames` of compose-go).
const DEFAULT_FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// The files of which it adds the first (`DefaultOverrideFileNames`).
const DEFAULT_OVERRIDES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// A project that was read.
#[derive(Debug)]
pub struct Import {
    /// The spec.
    pub text: String,
    /// What a person should know, in the order of the files.
    pub notes: Vec<Note>,
    /// The variables that must be set, and that `.env` doesn't set.
    pub required: BTreeSet<String>,
}

impl Import {
    /// Whether all of the project is in the spec.
    pub fn is_whole(&self) -> bool {
        self.notes.iter().all(|note| note.kind != Kind::Lost)
    }

    /// The Compose file that the spec renders, as if it were in [`FOLDER`]; `None` if the spec has problems.
    pub fn compose_file(&self) -> Option<String> {
        let plans = crate::plan(&sources(&self.text, &[]), None).ok()?;
        let artifacts = crate::view::artifacts(plans.first()?.stack());
        artifacts.into_iter().find(|artifact| artifact.path == format!("{FOLDER}/docker-compose.yml"))?.render().ok()
    }
}

/// The folder of the outputs of an imported project, relative to the root.
pub const FOLDER: &str = "generated/dev";

/// What happened to a piece of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is written in another way that means the same.
    Converted,
    /// It had to be guessed.
    Assumed,
    /// It stays where it is.
    Kept,
    /// It is not in the spec, since it has no effect.
    Dropped,
    /// It could be said in another way, which would not render the same.
    Possible,
    /// The spec can't say it: the result is not the same project.
    Lost,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Converted => "converted",
            Self::Assumed => "assumed",
            Self::Kept => "kept",
            Self::Dropped => "dropped",
            Self::Possible => "possible",
            Self::Lost => "not converted",
        })
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What happened.
    pub kind: Kind,
    /// The file, and the line from 1.
    pub place: Option<(Utf8PathBuf, usize)>,
    /// What, and why.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_ref().map(|(path, line)| format!("{path}:{line}: ")).unwrap_or_default();
        f.write_str(&printable(&format!("{place}{}: {}", self.kind, self.message)))
    }
}

/// Why a project can't be imported.
#[derive(Debug)]
pub enum Error {
    /// A file can't be read.
    Io(Utf8PathBuf, io::Error),
    /// What is wrong with the files.
    Invalid(Box<(Sources, Vec<Diagnostic>)>),
}

/// How a file is read, by its path.
pub type Read<'r> = &'r dyn Fn(&Utf8Path) -> io::Result<String>;

/// The files that Compose takes from a folder below the current one if none is named.
///
/// # Errors
/// There is none, with what to say about it.
pub fn default_files(current: &Utf8Path, folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, String> {
    let first = |names: &[&str], folder: &Utf8Path| {
        names.iter().map(|name| folder.join(name)).find(|path| current.join(path).is_file())
    };
    if let Some(main) = first(&DEFAULT_FILES, folder) {
        return Ok(std::iter::once(main).chain(first(&DEFAULT_OVERRIDES, folder)).collect());
    }
    let above = current.ancestors().skip(1).filter(|_| folder.as_str().is_empty());
    let there = above.into_iter().find_map(|above| first(&DEFAULT_FILES, above));
    let shown = if folder.as_str().is_empty() { "." } else { folder.as_str() };
    Err(match there {
        Some(path) => format!("no Compose file in `{shown}`; found one at `{path}`"),
        None => format!("no Compose file in `{shown}`: none of {}", DEFAULT_FILES.join(", ")),
    })
}

/// The files that `COMPOSE_FILE` names, by the values of `.env` or of the process.
pub fn named_files(value: impl Fn(&str) -> Option<String>) -> Vec<Utf8PathBuf> {
    let Some(files) = value("COMPOSE_FILE").filter(|files| !files.is_empty()) else { return Vec::new() };
    let separator = value("COMPOSE_PATH_SEPARATOR").filter(|separator| !separator.is_empty());
    let separator = separator.unwrap_or_else(|| if cfg!(windows) { ";" } else { ":" }.to_owned());
    files.split(&separator).map(Utf8PathBuf::from).collect()
}

/// Files relative to a folder, which is the current one, if they are below it; and the name that Compose gives a project
/// of them.
pub fn located(files: &[Utf8PathBuf], current: &Utf8Path) -> (Vec<Utf8PathBuf>, String) {
    let relative = |file: &Utf8PathBuf| paths::clean(file.strip_prefix(current).unwrap_or(file));
    let files: Vec<Utf8PathBuf> = files.iter().map(relative).collect();
    let name = paths::clean(&current.join(folder(&files))).file_name().unwrap_or_default().to_owned();
    (files, name)
}

/// The folder of a project, which is that of its first file.
pub fn folder(files: &[Utf8PathBuf]) -> &Utf8Path {
    files.iter().find(|file| *file != "-").and_then(|file| file.parent()).unwrap_or(Utf8Path::new(""))
}

/// Reads a project: its files, of which later ones change the earlier ones. Paths are relative to the current folder, for
/// which the spec is. `name` is that of the project if no file says it.
///
/// # Errors
/// A file can't be read, or real Compose would refuse it.
pub fn import(files: &[Utf8PathBuf], name: &str, read: Read<'_>) -> Result<Import, Error> {
    let Attempt { text, mut notes, problems, required } = attempt(files, name, read, &mut |_, _| Vec::new())?;
    notes.extend(problems.into_iter().map(|(_, note)| note));
    Ok(Import { text, notes: in_order(notes), required })
}

/// Notes in the order of the files, each once.
pub(super) fn in_order(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by(|a, b| (&a.place, a.kind, &a.message).cmp(&(&b.place, b.kind, &b.message)));
    notes.dedup();
    notes
}

/// A spec that may have problems.
pub(super) struct Attempt {
    /// The spec.
    pub text: String,
    /// What a person should know.
    pub notes: Vec<Note>,
    /// What is wrong with the spec, each with its file.
    pub problems: Vec<(Utf8PathBuf, Note)>,
    /// The variables that must be set, and that `.env` doesn't set.
    pub required: BTreeSet<String>,
}

/// What else becomes of a project: changes its spec, and gives further files of it.
pub(super) type Extend<'e> = &'e mut dyn FnMut(&mut Table<'static>, &mut Notes<'_>) -> Vec<(Utf8PathBuf, String)>;

/// Reads a project, and extends its spec.
pub(super) fn attempt(files: &[Utf8PathBuf], name: &str, read: Read<'_>, extend: Extend<'_>) -> Result<Attempt, Error> {
    let (known, unreadable) = Known::read(folder(files), read);
    let project = load::load(files, &known.values, read)?;
    let mut notes = Notes { sources: &project.sources, list: Vec::new() };
    if let Some(why) = unreadable {
        notes.add(Kind::Assumed, None, why);
    }
    let comments = project.comments;
    let required = project.found.variables.iter().filter(|one| one.required && known.values.get(&one.name).is_none());
    let required = required.map(|one| one.name.clone()).collect();
    let mut spec = adapt::adapt(project.table, name, (&project.found, &known), &mut notes);
    let others = extend(&mut spec, &mut notes);
    adapt::suggest_kinds(&spec, &mut notes);
    ports::refer(&mut spec, &mut notes);
    let (text, problems) = settled(&mut spec, &comments, &others);
    let mut found = Vec::new();
    for problem in &problems {
        let span = problem.primary().unwrap_or(NOWHERE);
        let other = usize::from(span.file).checked_sub(1).and_then(|other| others.get(other));
        let place = if other.is_none() { text.origin(span.start as usize) } else { None };
        let help = problem.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let path = other.map_or_else(|| Utf8PathBuf::from(MAIN), |(path, _)| path.clone());
        found.push((path, notes.note(Kind::Lost, place, format!("{}{help}", problem.title))));
    }
    Ok(Attempt { text: text.text, notes: notes.list, problems: found, required })
}

/// The text of a spec, in which what only looks wrong is allowed once it is known, and what is wrong with it.
fn settled(
    spec: &mut Table<'static>,
    comments: &Comments,
    others: &[(Utf8PathBuf, String)],
) -> (Written, Vec<Diagnostic>) {
    let mut allowed: Vec<&'static str> = Vec::new();
    loop {
        let text = write::text(spec, comments);
        let problems = problems(&text.text, others);
        let Some(new) = levels(&problems).filter(|new| new.iter().any(|code| !allowed.contains(code))) else {
            return (text, problems);
        };
        allowed.extend(new);
        allowed.sort_unstable();
        allowed.dedup();
        set_levels(spec, &allowed);
    }
}

pub(super) fn sources(text: &str, others: &[(Utf8PathBuf, String)]) -> Sources {
    let mut sources = Sources::default();
    sources.push(MAIN, text.to_owned());
    for (path, text) in others {
        sources.push(path, text.clone());
    }
    sources.settle();
    sources
}

/// What is wrong with a spec.
fn problems(text: &str, others: &[(Utf8PathBuf, String)]) -> Vec<Diagnostic> {
    let mut problems = crate::plan_with_warnings(&sources(text, others), None).err().unwrap_or_default();
    problems.retain(|problem| problem.level == diagnostic::Level::Error);
    problems
}

/// The lint of images without a tag.
const UNTAGGED: &str = "untagged-image";

/// The lints among problems, whose level can be lowered.
fn levels(problems: &[Diagnostic]) -> Option<Vec<&'static str>> {
    // A name without a tag is that of an image in a registry, once those may have none.
    let codes = problems.iter().map(|problem| if problem.code == "unknown-image" { UNTAGGED } else { problem.code });
    let lints = codes.filter(|code| lints::default_level(code).is_some());
    Some(lints.collect::<Vec<_>>()).filter(|lints| !lints.is_empty())
}

fn set_levels(spec: &mut Table<'static>, codes: &[&'static str]) {
    spec.take("lints");
    let entry = |code: &&'static str| (key(code), string(Level::Warn.as_str()));
    let lints = Table { entries: codes.iter().map(entry).collect() };
    spec.entries.push((key("lints"), table(lints)));
}

/// The notes of one import.
pub(super) struct Notes<'s> {
    sources: &'s Sources,
    list: Vec<Note>,
}

impl Notes<'_> {
    pub(super) fn add(&mut self, kind: Kind, place: Option<Span>, message: impl Into<String>) {
        let note = self.note(kind, place, message);
        self.list.push(note);
    }

    fn note(&self, kind: Kind, place: Option<Span>, message: impl Into<String>) -> Note {
        let place = place.filter(|span| *span != NOWHERE).and_then(|span| {
            let source = self.sources.file(span)?;
            Some((source.path.clone(), self.sources.position(span).0))
        });
        Note { kind, place, message: message.into() }
    }
}

/// The place of what no file has.
pub(super) const NOWHERE: Span = Span { file: u16::MAX, start: u32::MAX, end: u32::MAX };

pub(super) fn key(name: &str) -> Key<'static> {
    Key { span: NOWHERE, name: name.to_owned().into() }
}

pub(super) fn string(text: &str) -> Node<'static> {
    Node { span: NOWHERE, value: Value::String(text.to_owned().into()) }
}

pub(super) fn table(table: Table<'static>) -> Node<'static> {
    Node { span: NOWHERE, value: Value::Table(table) }
}
