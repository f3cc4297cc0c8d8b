//! All files of a project as one tree: overrides, `include` and `extends` from other files.

use std::collections::{HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::convert::{self, Found};
use super::yaml::{self, Change, Comments, at};
use super::{Error, Read, paths};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::spec::decode::shown;
use crate::spec::merge::{Lists, SERVICE, merge};
use crate::spec::source::Sources;
use crate::spec::tree::{Node, Table, Value};

/// How deep files include and extend others.
const DEEPEST: usize = 16;

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

/// Reads the files of a project.
pub(super) fn load(files: &[Utf8PathBuf], read: Read<'_>) -> Result<Project, Error> {
    let mut loader = Loader {
        read,
        sources: Sources::default(),
        comments: Comments::default(),
        found: Found::default(),
        open: Vec::new(),
        problems: Diagnostics::default(),
    };
    let folder = files.first().and_then(|file| file.parent()).unwrap_or(Utf8Path::new("")).to_owned();
    let project = loader.project(files, &folder);
    let Loader { sources, comments, found, problems, .. } = loader;
    match project {
        Ok(table) if problems.is_empty() => Ok(Project { sources, table, comments, found }),
        Ok(_) => Err(Error::Invalid(Box::new((sources, problems.into_sorted())))),
        Err(Stop::Io(path, error)) => Err(Error::Io(path, error)),
        Err(Stop::Invalid(diagnostic)) => Err(Error::Invalid(Box::new((sources, vec![*diagnostic])))),
    }
}

enum Stop {
    Io(Utf8PathBuf, std::io::Error),
    Invalid(Box<Diagnostic>),
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Invalid(Box::new(diagnostic))
    }
}

struct Loader<'r> {
    read: Read<'r>,
    sources: Sources,
    comments: Comments,
    found: Found,
    /// The files that are being read, each of which another one names.
    open: Vec<Utf8PathBuf>,
    problems: Diagnostics,
}

impl Loader<'_> {
    /// Files, of which later ones change the earlier ones, and all that they include.
    fn project(&mut self, files: &[Utf8PathBuf], folder: &Utf8Path) -> Result<Table<'static>, Stop> {
        let mut whole = Table::default();
        for file in files {
            for document in self.file(file, folder, None)? {
                self.add(&mut whole, document);
            }
        }
        Ok(whole)
    }

    /// The documents of a file, of which only one service may be needed.
    fn file(&mut self, path: &Utf8Path, folder: &Utf8Path, only: Option<&str>) -> Result<Vec<Table<'static>>, Stop> {
        let path = paths::clean(path);
        let index = u16::try_from(self.sources.files().len()).unwrap_or(u16::MAX);
        if self.open.contains(&path) || self.open.len() >= DEEPEST || usize::from(index) >= Sources::MOST_FILES {
            let whole = Span { file: index.saturating_sub(1), start: 0, end: 0 };
            let title = format!("`{}` is part of itself, or nested too deep", shown(path.as_str()));
            return Err(Diagnostic::new("invalid-compose", title, whole)
                .help("remove the `include` or `extends`")
                .into());
        }
        let text = (self.read)(&path).map_err(|error| Stop::Io(path.clone(), error))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        self.sources.push(&path, text.clone());
        let documents = yaml::read(&text, index)?;
        self.comments.above.extend(documents.comments.above);
        self.comments.beside.extend(documents.comments.beside);
        self.comments.below.extend(documents.comments.below);
        self.found.aliased.extend(documents.aliased);
        self.found.changes.extend(documents.changes);
        self.open.push(path.clone());
        let mut tables = Vec::new();
        for node in documents.nodes {
            let span = node.span;
            match node.value {
                Value::Table(table) => tables.push(self.document(table, &path, folder, only)?),
                Value::Absent => {}
                other => {
                    let title = format!("expected a mapping, found {}", other.describe());
                    return Err(Diagnostic::new("invalid-compose", title, span).into());
                }
            }
        }
        self.open.pop();
        Ok(tables)
    }

    /// A document, with what it includes and what its services extend.
    fn document(
        &mut self,
        table: Table<'static>,
        path: &Utf8Path,
        folder: &Utf8Path,
        only: Option<&str>,
    ) -> Result<Table<'static>, Stop> {
        let mut table = convert::table("", table, &mut self.found);
        let included = table.take("include");
        paths::rebase(&mut table, folder);
        self.extend(&mut table, path, only)?;
        let Some((_, included)) = included.filter(|_| only.is_none()) else { return Ok(table) };
        let mut whole = Table::default();
        let span = included.span;
        let items = match included.value {
            Value::List(items) => items,
            value => vec![Node { span, value }],
        };
        for item in items {
            let (files, project) = included_files(&item, folder)?;
            let other = self.project(&files, &project)?;
            self.add(&mut whole, other);
        }
        self.add(&mut whole, table);
        Ok(whole)
    }

    /// Joins the services of a document with those that they extend.
    fn extend(&mut self, document: &mut Table<'static>, path: &Utf8Path, only: Option<&str>) -> Result<(), Stop> {
        let Some((_, Node { value: Value::Table(services), .. })) =
            document.entries.iter_mut().find(|(key, _)| key.name == SERVICE)
        else {
            return Ok(());
        };
        let places = services.places();
        let mut done = HashSet::new();
        match only {
            Some(only) => match places.get(only) {
                Some(&place) => self.extended(services, (&places, place), path, &mut done, 0),
                None => Ok(()),
            },
            None => {
                (0..places.len()).try_for_each(|place| self.extended(services, (&places, place), path, &mut done, 0))
            }
        }
    }

    fn extended(
        &mut self,
        services: &mut Table<'static>,
        (places, place): (&HashMap<String, usize>, usize),
        path: &Utf8Path,
        done: &mut HashSet<usize>,
        depth: usize,
    ) -> Result<(), Stop> {
        if !done.insert(place) {
            return Ok(());
        }
        let Some((_, Node { value: Value::Table(service), .. })) = services.entries.get_mut(place) else {
            return Ok(());
        };
        let Some((_, node)) = service.take("extends") else { return Ok(()) };
        let (base, file) = match &node.value {
            Value::String(base) => (base.clone().into_owned(), None),
            Value::Table(table) => {
                let text = |name: &str| match table.at(&[name]).map(|node| &node.value) {
                    Some(Value::String(text)) => Some(text.clone().into_owned()),
                    _ => None,
                };
                (text("service").unwrap_or_default(), text("file"))
            }
            _ => (String::new(), None),
        };
        let unknown = || {
            let title = format!("unknown service `{}` in `extends`", shown(&base));
            Stop::from(Diagnostic::new("invalid-compose", title, node.span).help("Compose refuses it, too"))
        };
        let own = std::mem::take(service);
        let mut whole = if let Some(file) = file {
            let folder = path.parent().unwrap_or(Utf8Path::new(""));
            // The paths of a document are relative to the current folder by now.
            let file = Utf8PathBuf::from(file);
            let below = file.parent().unwrap_or(folder).to_owned();
            let mut found = None;
            for mut document in self.file(&file, &below, Some(&base))? {
                if let Some((_, Node { value: Value::Table(mut services), .. })) = document.take(SERVICE)
                    && let Some((_, service)) = services.take(&base)
                {
                    found = Some(service);
                }
            }
            match found {
                Some(Node { value: Value::Table(service), .. }) => service,
                _ => return Err(unknown()),
            }
        } else {
            let other = places.get(&base).copied().filter(|other| *other != place && depth < DEEPEST);
            let other = other.ok_or_else(unknown)?;
            self.extended(services, (places, other), path, done, depth + 1)?;
            match services.entries.get(other).map(|(_, node)| &node.value) {
                Some(Value::Table(service)) => service.clone(),
                _ => return Err(unknown()),
            }
        };
        self.change(&mut whole, own, SERVICE);
        if let Some((_, node)) = services.entries.get_mut(place) {
            node.value = Value::Table(whole);
        }
        Ok(())
    }

    /// Adds a later document to what there is.
    fn add(&mut self, whole: &mut Table<'static>, document: Table<'static>) {
        each_known(whole, document, |key, old, node| match (old, node.value) {
            (Value::Table(old), Value::Table(new)) if SECTIONS.contains(&key) => {
                each_known(old, new, |_, old, node| match (old, node.value) {
                    (Value::Table(base), Value::Table(overlay)) => self.change(base, overlay, key),
                    (base, other) => *base = other,
                });
            }
            (old, new) => *old = new,
        });
    }

    /// Merges a table over another one, as Compose does.
    fn change(&mut self, base: &mut Table<'static>, mut overlay: Table<'static>, above: &str) {
        self.apply_changes(base, &mut overlay);
        merge(above, base, overlay, Lists::Joined, &mut self.problems);
    }

    /// Removes what `!reset` and `!override` replace.
    fn apply_changes(&self, base: &mut Table<'static>, overlay: &mut Table<'static>) {
        if self.found.changes.is_empty() {
            return;
        }
        let places = base.places();
        let mut removed = HashSet::new();
        overlay.entries.retain_mut(|(key, node)| {
            let place = places.get(&*key.name).copied();
            match (self.found.changes.get(&at(node.span)), &mut node.value) {
                (Some(change), _) => {
                    removed.extend(place);
                    *change == Change::Override
                }
                (None, Value::Table(inner)) => {
                    if let Some((_, Node { value: Value::Table(base), .. })) =
                        place.and_then(|place| base.entries.get_mut(place))
                    {
                        self.apply_changes(base, inner);
                    }
                    true
                }
                _ => true,
            }
        });
        let mut place = 0..;
        base.entries.retain(|_| place.next().is_none_or(|place| !removed.contains(&place)));
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

/// The files of an item of `include`, and the folder of their project; relative to that of the file.
fn included_files(item: &Node<'static>, folder: &Utf8Path) -> Result<(Vec<Utf8PathBuf>, Utf8PathBuf), Stop> {
    let wrong = || Stop::from(Diagnostic::new("invalid-compose", "expected a path in `include`", item.span));
    let text = |node: &Node<'static>| match &node.value {
        Value::String(text) => Some(folder.join(text.as_ref())),
        _ => None,
    };
    let (files, project) = match &item.value {
        Value::String(_) => (text(item).into_iter().collect(), None),
        Value::Table(table) => {
            let files = match table.at(&["path"]) {
                Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(text).collect(),
                Some(node) => text(node).into_iter().collect(),
                None => Vec::new(),
            };
            (files, table.at(&["project_directory"]).and_then(text))
        }
        _ => return Err(wrong()),
    };
    let first: &Utf8PathBuf = files.first().ok_or_else(wrong)?;
    let project = project.or_else(|| first.parent().map(ToOwned::to_owned)).unwrap_or_default();
    Ok((files, project))
}
