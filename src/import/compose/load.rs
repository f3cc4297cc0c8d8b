//! All files of a project as one tree: documents, overrides and `include`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::adapt::passed;
use super::convert::{self, Found};
use super::env::VALUES;
use super::extends::Extended;
use super::interpolation::resolved;
use super::paths::is_remote;
use super::removed::Removed;
use super::yaml::{self, Comments};
use super::{Error, Kind, Read, paths};
use crate::dev::dotenv::Dotenv;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::spec::decode::{listed, shown};
use crate::spec::merge::{Lists, SERVICE, merge};
use crate::spec::source::Sources;
use crate::spec::tree::{Key, Node, Table, Value};

/// How deep files include others.
const DEEPEST: usize = 32;

/// How many projects may be included, each of which may include others.
const MOST_PROJECTS: usize = 1_000;

/// How many documents a file may have.
const MOST_DOCUMENTS: usize = 100;

/// The sections with names.
pub(super) const SECTIONS: [&str; 6] = [SERVICE, "networks", "volumes", "secrets", "configs", "models"];

/// A project.
pub(super) struct Project {
    /// The files.
    pub sources: Sources,
    /// All of it, with paths relative to the current folder.
    pub table: Table<'static>,
    /// The comments.
    pub comments: Comments,
    /// What the conversion found.
    pub found: Found,
}

/// Reads the files of a project; `values` are those of its `.env`.
pub(super) fn load(files: &[Utf8PathBuf], values: &Dotenv, read: Read<'_>) -> Result<Project, Error> {
    let mut loader = Loader {
        read,
        sources: Sources::default(),
        comments: Comments::default(),
        found: Found::default(),
        parsed: HashMap::new(),
        open: Vec::new(),
        values: vec![values.clone()],
        projects: 0,
        extended: Extended::default(),
        problems: Diagnostics::default(),
    };
    let project = loader.project(files, super::folder(files), None);
    let Loader { sources, comments, found, problems, .. } = loader;
    match project {
        Ok(table) if problems.is_empty() => Ok(Project { sources, table, comments, found }),
        Ok(_) => Err(Error::Invalid(Box::new((sources, problems.into_sorted())))),
        Err(Stop::Io(path, error)) => Err(Error::Io(path, error)),
        Err(Stop::Invalid(diagnostic)) => Err(Error::Invalid(Box::new((sources, vec![*diagnostic])))),
    }
}

/// Why a project can't be loaded.
pub(super) enum Stop {
    Io(Utf8PathBuf, std::io::Error),
    Invalid(Box<Diagnostic>),
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Invalid(Box::new(diagnostic))
    }
}

fn invalid(title: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::new("invalid-compose", title, span)
}

/// What is read by now.
pub(super) struct Loader<'r> {
    read: Read<'r>,
    sources: Sources,
    comments: Comments,
    found: Found,
    /// The documents of each file.
    parsed: HashMap<Utf8PathBuf, Rc<[Node<'static>]>>,
    /// The files that are being read, each of which includes the next one.
    open: Vec<Utf8PathBuf>,
    /// The files of variables that apply, of which the first one that has a variable counts.
    values: Vec<Dotenv>,
    /// The number of projects that are included.
    projects: usize,
    pub(super) extended: Extended,
    problems: Diagnostics,
}

impl Loader<'_> {
    /// Files, of which later ones change the earlier ones, and all that they include.
    fn project(
        &mut self,
        files: &[Utf8PathBuf],
        folder: &Utf8Path,
        from: Option<Span>,
    ) -> Result<Table<'static>, Stop> {
        self.projects += 1;
        if let Some(span) = from.filter(|_| self.projects > MOST_PROJECTS) {
            let title = format!("more than {MOST_PROJECTS} projects are included");
            return Err(Diagnostic::new("spec-too-large", title, span).into());
        }
        let mut whole = Table::default();
        for path in files.iter().map(|path| paths::clean(path)) {
            if let Some(span) = from.filter(|_| self.open.contains(&path)) {
                let title = format!("`{}` includes itself", shown(path.as_str()));
                return Err(invalid(title, span).help("remove an `include`").into());
            }
            if let Some(span) = from.filter(|_| self.open.len() >= DEEPEST) {
                return Err(invalid(format!("`include` is nested deeper than {DEEPEST} files"), span).into());
            }
            self.open.push(path.clone());
            for (mut document, removed) in self.documents(&path, folder, from)? {
                let mut all = self.included(document.take("include"), folder)?;
                removed.apply_below_names(&mut all);
                self.add(&mut all, document);
                removed.apply(&mut whole);
                self.extend(&mut all, &removed)?;
                self.add(&mut whole, all);
            }
            self.open.pop();
        }
        paths::default_contexts(&mut whole, folder);
        Ok(whole)
    }

    /// The documents of a file with paths relative to the current folder, and what each of them removes.
    pub(super) fn documents(
        &mut self,
        path: &Utf8Path,
        folder: &Utf8Path,
        from: Option<Span>,
    ) -> Result<Vec<(Table<'static>, Removed)>, Stop> {
        let mut documents = Vec::new();
        for Node { span, value } in self.parsed(path, from)?.iter().cloned() {
            let mut table = match value {
                Value::Table(table) => table,
                Value::Absent => continue,
                other => return Err(invalid(format!("expected a mapping, found {}", other.describe()), span).into()),
            };
            let removed = Removed::take(&mut table, &self.found.changes);
            let mut table = convert::table("", table, &mut self.found);
            self.settle_references(&mut table);
            let values = &self.values;
            let value = |name: &str| values.iter().find_map(|values| values.get(name)).map(ToOwned::to_owned);
            let said = paths::rebase(&mut table, folder, &value);
            self.found.notes.extend(said.into_iter().map(|(span, said)| (Kind::Converted, span, said)));
            documents.push((table, removed));
        }
        Ok(documents)
    }

    /// The documents of a file, as they are written.
    fn parsed(&mut self, path: &Utf8Path, from: Option<Span>) -> Result<Rc<[Node<'static>]>, Stop> {
        if let Some(parsed) = self.parsed.get(path) {
            return Ok(parsed.clone());
        }
        let path = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
        let text = (self.read)(path).map_err(|error| match from {
            None => Stop::Io(path.to_owned(), error),
            Some(span) => invalid(format!("cannot read `{}`: {error}", shown(path.as_str())), span).into(),
        })?;
        let index = u16::try_from(self.sources.files().len()).unwrap_or(u16::MAX);
        if let Some(span) = from.filter(|_| usize::from(index) >= Sources::MOST_FILES) {
            return Err(
                Diagnostic::new("spec-too-large", format!("more than {} files", Sources::MOST_FILES), span).into()
            );
        }
        self.sources.push(path, text.clone());
        let documents = yaml::read(&text, index)?;
        if let Some(node) = documents.nodes.get(MOST_DOCUMENTS) {
            let title = format!("more than {MOST_DOCUMENTS} documents in one file");
            return Err(Diagnostic::new("spec-too-large", title, node.span).into());
        }
        self.comments.above.extend(documents.comments.above);
        self.comments.beside.extend(documents.comments.beside);
        self.comments.below.extend(documents.comments.below);
        self.found.aliased.extend(documents.aliased);
        self.found.changes.extend(documents.changes);
        let nodes: Rc<[Node<'static>]> = documents.nodes.into();
        self.parsed.insert(path.to_owned(), nodes.clone());
        Ok(nodes)
    }

    /// Resolves the variables in `include`, `extends` and `name`: a spec can't have them there.
    fn settle_references(&mut self, document: &mut Table<'static>) {
        for (key, node) in &mut document.entries {
            match (&*key.name, &mut node.value) {
                ("include", Value::List(items)) => items.iter_mut().for_each(|item| self.settle("include", item)),
                ("name", Value::String(_)) => self.settle("name", node),
                (SERVICE, Value::Table(services)) => {
                    for (_, service) in &mut services.entries {
                        if let Value::Table(service) = &mut service.value
                            && let Some((_, node)) = service.entries.iter_mut().find(|(key, _)| key.name == "extends")
                        {
                            self.settle("extends", node);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn settle(&mut self, key: &str, node: &mut Node<'static>) {
        match &mut node.value {
            Value::String(text) => {
                let values = &self.values;
                let value = |name: &str| values.iter().find_map(|values| values.get(name));
                if let Some((now, said)) = resolved(key, text, &value) {
                    self.found.notes.push((Kind::Assumed, node.span, said));
                    *text = now.into();
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.settle(key, item)),
            Value::Table(table) => table.entries.iter_mut().for_each(|(_, node)| self.settle(key, node)),
            _ => {}
        }
    }

    /// All that a document includes.
    fn included(
        &mut self,
        include: Option<(Key<'static>, Node<'static>)>,
        folder: &Utf8Path,
    ) -> Result<Table<'static>, Stop> {
        let mut whole = Table::default();
        let Some((_, Node { span, value })) = include else { return Ok(whole) };
        let Value::List(items) = value else {
            return Err(invalid(format!("expected a list in `include`, found {}", value.describe()), span).into());
        };
        for item in items {
            let Included { files, project, variables } = Included::read(&item, folder)?;
            let outer = self.values.len();
            let mut paths = Vec::new();
            for (path, values) in self.variables(variables.as_deref(), &project, item.span)? {
                paths.push(path);
                self.values.push(values);
            }
            let before = self.found.variables.len();
            let mut other = self.project(&files, &project, Some(item.span))?;
            other.entries.retain(|(key, _)| SECTIONS.contains(&&*key.name));
            let used = self.used(before, &other);
            for (path, values) in paths.iter().zip(self.values.split_off(outer)) {
                self.note_values(path, &values, &used, item.span);
            }
            self.include(&mut whole, other);
        }
        Ok(whole)
    }

    /// The files of variables that apply to an included project alone: of several, the later ones count.
    fn variables(
        &self,
        named: Option<&[Utf8PathBuf]>,
        project: &Utf8Path,
        span: Span,
    ) -> Result<Vec<(Utf8PathBuf, Dotenv)>, Stop> {
        let default = [project.join(VALUES)];
        let mut found = Vec::new();
        for path in named.unwrap_or(&default).iter().rev() {
            let text = match (self.read)(path) {
                Ok(text) => text,
                Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    return Err(invalid(format!("cannot read `{}`: {error}", shown(path.as_str())), span).into());
                }
            };
            let values = Dotenv::parse(&text).map_err(|error| {
                invalid(format!("cannot read `{}`: line {}: {}", shown(path.as_str()), error.line, error.reason), span)
            })?;
            found.push((path.clone(), values));
        }
        Ok(found)
    }

    /// The variables that an included project uses: those found since then, and those that its services pass on.
    fn used(&self, since: usize, project: &Table<'static>) -> HashSet<String> {
        let found = self.found.variables.get(since..).unwrap_or_default();
        let mut used: HashSet<String> = found.iter().map(|one| one.name.clone()).collect();
        if let Some(Node { value: Value::Table(services), .. }) = project.at(&[SERVICE]) {
            for (_, service) in &services.entries {
                passed(&service.value, &mut |name| {
                    used.insert(name.to_owned());
                });
            }
        }
        used
    }

    /// Names the variables of an included project that the others don't have: a spec has one set of them.
    fn note_values(&mut self, path: &Utf8Path, values: &Dotenv, used: &HashSet<String>, span: Span) {
        let is_lost = |name: &&str| used.contains(*name) && self.values.iter().all(|values| values.get(name).is_none());
        let lost: BTreeSet<&str> = values.variables().map(|(name, _)| name).filter(is_lost).collect();
        if !lost.is_empty() {
            let what = format!(
                "`{}` sets {} for the included files only: add {} to the `{VALUES}` of the project",
                shown(path.as_str()),
                listed(lost.iter().copied()),
                if lost.len() == 1 { "it" } else { "them" }
            );
            self.found.notes.push((Kind::Lost, span, what));
        }
    }

    /// Adds an included project: what is there already is merged over it.
    fn include(&mut self, whole: &mut Table<'static>, project: Table<'static>) {
        each_known(whole, project, |key, old, node| {
            let (Value::Table(old), Value::Table(new)) = (old, node.value) else { return };
            each_known(old, new, |_, old, node| match (old, node.value) {
                (old, new) if *old == new => {}
                (Value::Table(old), Value::Table(mut new)) => {
                    std::mem::swap(old, &mut new);
                    self.change(old, new, key);
                }
                _ => {}
            });
        });
    }

    /// Adds a later document to what there is.
    pub(super) fn add(&mut self, whole: &mut Table<'static>, mut document: Table<'static>) {
        let others = document.entries.extract_if(.., |(key, _)| !SECTIONS.contains(&&*key.name)).collect();
        self.change(whole, Table { entries: others }, "");
        each_known(whole, document, |key, old, node| match (old, node.value) {
            (Value::Table(old), Value::Table(new)) => {
                each_known(old, new, |_, old, node| match (old, node.value) {
                    // One file may be included several times.
                    (old, new) if *old == new => {}
                    (Value::Table(base), Value::Table(overlay)) => {
                        if key == SERVICE {
                            list_gpus(base);
                        }
                        self.change(base, overlay, key);
                    }
                    (base, other) => *base = other,
                });
            }
            (old, new) => *old = new,
        });
    }

    /// Merges a table over another one, as Compose does.
    pub(super) fn change(&mut self, base: &mut Table<'static>, overlay: Table<'static>, above: &str) {
        merge(above, base, overlay, Lists::Joined, &mut self.problems);
    }
}

/// Makes a list of `gpus: all`, as Compose does before another file adds to it.
fn list_gpus(service: &mut Table<'static>) {
    let gpus = service.entries.iter_mut().find(|(key, _)| key.name == "gpus");
    if let Some((_, node)) = gpus
        && let Value::String(_) = node.value
    {
        let Node { span, value } = node.clone();
        let entries = vec![(Key { span, name: "count".into() }, Node { span, value })];
        node.value = Value::List(vec![Node { span, value: Value::Table(Table { entries }) }]);
    }
}

/// Adds the entries that a table lacks, and calls `known` with the value of each other one.
fn each_known(
    whole: &mut Table<'static>,
    new: Table<'static>,
    mut known: impl FnMut(&str, &mut Value<'static>, Node<'static>),
) {
    let places = whole.places();
    for (key, node) in new.entries {
        match places.get(&*key.name).and_then(|&place| whole.entries.get_mut(place)) {
            Some((_, old)) => known(&key.name, &mut old.value, node),
            None => whole.entries.push((key, node)),
        }
    }
}

/// An item of `include`.
struct Included {
    files: Vec<Utf8PathBuf>,
    /// The folder of the project.
    project: Utf8PathBuf,
    /// The files of variables, unless it is the one in that folder.
    variables: Option<Vec<Utf8PathBuf>>,
}

impl Included {
    /// Reads an item, whose paths are relative to a folder.
    fn read(item: &Node<'static>, folder: &Utf8Path) -> Result<Self, Stop> {
        let path = |node: &Node<'static>| match &node.value {
            Value::String(text) if is_remote(text) => {
                let title = format!("`{}` in `include` is not a local file", shown(text));
                Err(Stop::from(invalid(title, node.span).help("download it, and include the copy")))
            }
            Value::String(text) => Ok(folder.join(text.as_ref())),
            _ => Err(invalid("expected a path in `include`", node.span).into()),
        };
        let paths = |node: Option<&Node<'static>>| match node {
            Some(Node { value: Value::List(items), .. }) => items.iter().map(path).collect(),
            Some(node) => path(node).map(|path| vec![path]),
            None => Ok(Vec::new()),
        };
        let at = |name| if let Value::Table(table) = &item.value { table.at(&[name]) } else { None };
        let files = if let Value::Table(_) = &item.value { paths(at("path"))? } else { paths(Some(item))? };
        let Some(first) = files.first() else {
            return Err(invalid("expected a path in `include`", item.span).into());
        };
        let own = at("project_directory").map(path).transpose()?;
        let project = own.or_else(|| first.parent().map(ToOwned::to_owned)).unwrap_or_default();
        let variables = at("env_file").map(|node| paths(Some(node))).transpose()?;
        let variables = variables.map(|paths| paths.into_iter().filter(|path| path != "/dev/null").collect());
        Ok(Self { files, project, variables })
    }
}
