//! Stage 1: text to typed tables in which every value has a span.

pub mod accepted;
pub mod compose;
pub mod dashboard;
pub mod decode;
pub(crate) mod extends;
pub mod external;
mod fast;
pub mod files;
pub mod former;
pub mod forms;
pub mod grafana;
pub mod isolation;
pub mod kind;
pub mod kubernetes;
pub mod lints;
mod location;
pub(crate) mod merge;
pub mod patches;
pub mod profile;
pub mod provider;
pub mod quoted;
pub mod requires;
pub mod rules;
pub mod schema;
pub mod service;
pub mod source;
pub mod stack;
mod syntax;
pub mod text;
pub mod tree;
pub mod value;

use std::cell::OnceCell;
use std::io;
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use dashboard::Dashboard;
use decode::{Context, Decode, Map, Spanned};
use files::{Disk, Files};
use isolation::Isolation;
use kind::Kinds;
pub use location::Location;
use source::Sources;
use stack::Spec;
use tree::{Key, Node, Table, Value};

/// The main file of the spec, relative to the root, unless another one is named.
pub const MAIN: &str = "spec/stack.toml";

/// The limit of a file's size: 15,000 services need 10 MB.
pub const LARGEST: u64 = 64 * 1024 * 1024;

/// The limit of a template's size. Its expressions nest at most half as deep as they are long, which the stack has room for.
pub const LARGEST_TEMPLATE: u64 = 64 * 1024;

/// Why a spec could not be read at all.
#[derive(Debug)]
pub enum ReadError {
    /// A file could not be read: its path and the error.
    Io(Utf8PathBuf, io::Error),
    /// A file is not text, is too large, or may not be included.
    Refused(Diagnostics),
}

/// Reads the main file, the files it includes and the dashboards.
///
/// # Errors
/// A file cannot be read or is not UTF-8, or an include is wrong; nothing else is checked then.
pub fn read(root: &Utf8Path, location: &Location) -> Result<Sources, (Sources, ReadError)> {
    read_from(&Disk { root }, location)
}

/// Like [`read`], from files that need not be on disk.
///
/// # Errors
/// Those of [`read`].
pub fn read_from(from: &dyn Files, location: &Location) -> Result<Sources, (Sources, ReadError)> {
    let mut sources = Sources::new(location.clone());
    match read_all(from, &mut sources).and_then(|()| read_dashboards(from, &mut sources)) {
        Ok(()) => {
            read_templates(from, &mut sources);
            match read_kinds(from, &mut sources) {
                Ok(()) => Ok(sources),
                Err(error) => Err((sources, error)),
            }
        }
        Err(error) => Err((sources, error)),
    }
}

/// Reads the templates that `[files]` names, in the base and in profiles. What is wrong with one is reported with the
/// table that names it.
fn read_templates(files: &dyn Files, sources: &mut Sources) {
    let mut paths: Vec<String> = Vec::new();
    for (index, source) in sources.files().iter().enumerate() {
        // Only a spec that may have some is parsed twice.
        if sources.location().dashboard_name(&source.path).is_some() || !source.text.contains("template") {
            continue;
        }
        let table = tree::parse(sources, u16::try_from(index).unwrap_or(u16::MAX), &mut Diagnostics::default()).table;
        add_templates(&table, &mut paths);
        if let Some(Node { value: Value::Table(profiles), .. }) = table.at(&["profiles"]) {
            for (_, profile) in &profiles.entries {
                if let Value::Table(profile) = &profile.value {
                    add_templates(profile, &mut paths);
                }
            }
        }
    }
    paths.sort_unstable();
    paths.dedup();
    for path in paths.iter().take(Sources::MOST_FILES) {
        let text = read_template(files, path, sources.location());
        sources.push_template(path, text);
    }
}

/// The templates that the `files` of a table name.
fn add_templates(table: &Table<'_>, paths: &mut Vec<String>) {
    let Some(Node { value: Value::Table(entries), .. }) = table.at(&["files"]) else { return };
    for (_, entry) in &entries.entries {
        if let Value::Table(entry) = &entry.value
            && let Some(Node { value: Value::String(path), .. }) = entry.at(&["template"])
        {
            paths.push(path.to_string());
        }
    }
}

/// Reads the kinds of the project and their templates.
fn read_kinds(files: &dyn Files, sources: &mut Sources) -> Result<(), ReadError> {
    let location = sources.location().clone();
    let folder = &location.kinds();
    let mut names = match files.names(folder) {
        Ok(names) => names,
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(ReadError::Io(folder.to_owned(), error)),
    };
    names.retain(|name| {
        let declaration = folder.join(name).join(kind::DECLARATION);
        !name.starts_with('.') && !files.look(&declaration).is_err_and(|error| is_missing(&error))
    });
    names.sort_unstable();
    check_count(folder, sources.files().len() + names.len())?;
    for name in names {
        let folder = folder.join(name);
        let path = folder.join(kind::DECLARATION);
        let text = read_template(files, path.as_str(), &location);
        let mut templates: Vec<String> = Vec::new();
        if let Ok(text) = &text {
            let mut alone = Sources::default();
            alone.push_template(path.as_str(), Ok(text.clone()));
            add_templates(&tree::parse(&alone, 0, &mut Diagnostics::default()).table, &mut templates);
        }
        sources.push_template(path.as_str(), text);
        for template in templates {
            let path = folder.join(template);
            if sources.template(path.as_str()).is_ok() {
                continue;
            }
            sources.push_template(path.as_str(), read_template(files, path.as_str(), &location));
        }
    }
    sources.settle();
    Ok(())
}

/// Why a file can't be read that isn't there.
const MISSING: &str = "it does not exist";

/// The text of a template, or why it can't be read.
fn read_template(files: &dyn Files, path: &str, location: &Location) -> Result<String, String> {
    let below = location.folder();
    let path = Utf8Path::new(path);
    let is_plain = path.components().all(|part| matches!(part, Utf8Component::Normal(_)))
        && !path.as_str().contains(|c: char| c == '\\' || c.is_control() || crate::shown::is_obeyed(c));
    if !is_plain || !path.starts_with(below) {
        return Err(format!("its path must be in `{below}/`, without `..`"));
    }
    let found =
        files.look(path).map_err(|error| if is_missing(&error) { MISSING.to_owned() } else { error.to_string() })?;
    if !found.is_file {
        return Err("it is not a file".to_owned());
    }
    if found.size > LARGEST_TEMPLATE {
        return Err(format!("it has more than {LARGEST_TEMPLATE} bytes"));
    }
    let bytes = files.read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not valid UTF-8".to_owned())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}

fn read_all(files: &dyn Files, sources: &mut Sources) -> Result<(), ReadError> {
    let location = sources.location().clone();
    let main = location.main();
    read_file(files, main, None, sources)?;
    // Only a spec with includes is parsed twice.
    if !sources.files()[0].text.contains("include") {
        return Ok(());
    }
    let mut diagnostics = Diagnostics::default();
    let includes: Vec<Spanned<String>> = {
        // Syntax errors of the main file are reported when the whole is parsed.
        let mut table = tree::parse(sources, 0, &mut Diagnostics::default()).table;
        match table.take("include") {
            None => return Ok(()),
            Some((_, node)) => {
                let mut cx = Context { sources, diagnostics: &mut diagnostics };
                Vec::decode(node, &mut cx).unwrap_or_default()
            }
        }
    };
    let mut seen: Vec<(Utf8PathBuf, Span)> = Vec::new();
    for include in includes {
        let refuse = |title: String, help: &str| Diagnostic::new("invalid-include", title, include.span).help(help);
        let path = Utf8PathBuf::from(&include.value);
        let plain = path.components().all(|part| matches!(part, Utf8Component::Normal(_)));
        if !plain || path.as_str().is_empty() || path.as_str().contains(['\\', '\n']) {
            diagnostics.push(refuse(
                format!("invalid include `{}`", decode::shown(path.as_str())),
                &format!("expected a path relative to `{}/`, without `..`", location.folder()),
            ));
            continue;
        }
        let path = location.folder().join(path);
        if path == main {
            diagnostics.push(refuse("the spec includes itself".to_owned(), "remove it from the list"));
            continue;
        }
        if path.starts_with(location.dashboards()) {
            diagnostics.push(refuse(
                format!("dashboard `{path}` cannot be included"),
                "remove it from the list: all dashboards are read",
            ));
            continue;
        }
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == path) {
            diagnostics.push(
                refuse(format!("duplicate include `{}`", decode::shown(path.as_str())), "remove one of the two")
                    .also(*first, "first included here"),
            );
            continue;
        }
        if seen.len() >= Sources::MOST_FILES {
            diagnostics.push(refuse(
                format!("too many included files: the limit is {}", Sources::MOST_FILES),
                "merge some of them",
            ));
            break;
        }
        match read_file(files, &path, Some(include.span), sources) {
            Ok(()) => seen.push((path, include.span)),
            Err(ReadError::Refused(more)) => {
                diagnostics.append(more);
            }
            Err(error) => return Err(error),
        }
    }
    if diagnostics.is_empty() { Ok(()) } else { Err(ReadError::Refused(diagnostics)) }
}

/// Reads the dashboards, by name.
fn read_dashboards(files: &dyn Files, sources: &mut Sources) -> Result<(), ReadError> {
    let folder = &sources.location().dashboards();
    let mut names = match files.names(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ReadError::Io(folder.to_owned(), error)),
    };
    // Hidden files are those of editors.
    names.retain(|name| Utf8Path::new(name).extension() == Some("toml") && !name.starts_with('.'));
    names.sort_unstable();
    check_count(folder, sources.files().len() + names.len())?;
    for name in names {
        read_file(files, &folder.join(name), None, sources)?;
    }
    Ok(())
}

/// Refuses too many files, of which those of a folder are the last.
fn check_count(folder: &Utf8Path, count: usize) -> Result<(), ReadError> {
    // The main file is not counted.
    if count <= Sources::MOST_FILES + 1 {
        return Ok(());
    }
    let title = format!("the spec is too large: {count} files");
    let start = Span { file: 0, start: 0, end: 0 };
    let help = format!("merge or remove some in `{folder}`: the limit is {} files", Sources::MOST_FILES);
    let mut diagnostics = Diagnostics::default();
    diagnostics.push(Diagnostic::new("spec-too-large", title, start).help(help));
    Err(ReadError::Refused(diagnostics))
}

/// Reads one file; `from` is the include of it.
fn read_file(files: &dyn Files, path: &Utf8Path, from: Option<Span>, sources: &mut Sources) -> Result<(), ReadError> {
    let refuse = |sources: &mut Sources, code, title: String, text: String, offset: usize, help: &str| {
        let span = from.unwrap_or_else(|| {
            let (before, rest) = text.split_at_checked(offset).unwrap_or_default();
            let length = rest.chars().next().map_or(0, char::len_utf8);
            let offset = source::normalise(before.to_owned()).len();
            let file = sources.push(path, text);
            let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
            Span { file, start: at(offset), end: at(offset + length) }
        });
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(Diagnostic::new(code, title, span).help(help));
        Err(ReadError::Refused(diagnostics))
    };
    // It would be printed.
    if path.as_str().chars().any(|c| c.is_control() || crate::shown::is_obeyed(c)) {
        if from.is_some() {
            let title = format!("the path `{}` has a control character", decode::shown(path.as_str()));
            return refuse(sources, "invalid-include", title, String::new(), 0, "rename the file");
        }
        let message = "a name of a file or folder has a control character";
        let error = io::Error::new(io::ErrorKind::InvalidData, message);
        return Err(ReadError::Io(decode::shown(path.as_str()).into(), error));
    }
    let found = match files.look(path) {
        Ok(found) => found,
        Err(error) if from.is_some() && is_missing(&error) => {
            let title = format!("the included file `{}` does not exist", decode::shown(path.as_str()));
            return refuse(sources, "invalid-include", title, String::new(), 0, "create it, or fix the path");
        }
        Err(error) => return Err(ReadError::Io(path.to_owned(), error)),
    };
    // Reading a pipe could block forever.
    if !found.is_file {
        if from.is_some() {
            let title = format!("`{}` is not a file", decode::shown(path.as_str()));
            return refuse(sources, "invalid-include", title, String::new(), 0, "list each file by its own path");
        }
        return Err(ReadError::Io(path.to_owned(), io::Error::other("not a regular file")));
    }
    if found.size > LARGEST {
        let title = format!("`{path}` is too large: {} bytes", found.size);
        let help = format!("the limit is {LARGEST} bytes");
        return refuse(sources, "spec-too-large", title, String::new(), 0, &help);
    }
    let bytes = files.read(path).map_err(|error| ReadError::Io(path.to_owned(), error))?;
    match String::from_utf8(bytes) {
        Ok(text) => {
            sources.push(path, text);
            Ok(())
        }
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let line = bytes.iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1;
            let title = format!("`{path}` is not valid UTF-8 at byte {offset} in line {line}");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            refuse(sources, "not-utf8", title, text, offset, "save the file as UTF-8")
        }
    }
}

/// The spec as one profile sees it.
#[derive(Debug)]
pub struct ProfileSpec {
    /// The profile's name.
    pub profile: Spanned<String>,
    /// What it removes: dotted paths.
    pub removed: Vec<Spanned<String>>,
    /// Where the spec is.
    pub location: Location,
    /// The kinds that its services can have.
    pub kinds: Kinds,
    /// How many profiles share the limits of what a spec may become.
    pub share: usize,
    /// The tables; `None` after errors that prevent further checks.
    pub spec: Option<Spec>,
    /// What makes it the stack of one work tree.
    pub isolation: Option<Isolation>,
}

/// A spec whose text was parsed.
pub struct Document<'s> {
    sources: &'s Sources,
    base: Table<'s>,
    profiles: Vec<profile::Profile<'s>>,
    unreadable: Vec<Span>,
    /// Whether it is for another version of `gen`.
    is_foreign: bool,
    /// Dashboards of other specs, some of which this one may have, too.
    known: Option<&'s Dashboards<'static>>,
}

/// Parses all files, joins them and reads the profiles.
pub fn parse<'s>(sources: &'s Sources, diagnostics: &mut Diagnostics) -> Document<'s> {
    let mut all = diagnostics.apart();
    let document = parse_all(sources, &mut all);
    if let Some(refusal) = requires::refusal(&document.base) {
        diagnostics.push(refusal);
        return Document { base: Table::default(), profiles: Vec::new(), is_foreign: true, ..document };
    }
    diagnostics.append(all);
    document
}

fn parse_all<'s>(sources: &'s Sources, diagnostics: &mut Diagnostics) -> Document<'s> {
    let mut base = Table::default();
    let mut unreadable = Vec::new();
    for (index, source) in sources.files().iter().enumerate() {
        let file = u16::try_from(index).unwrap_or(u16::MAX);
        let parsed = tree::parse(sources, file, diagnostics);
        unreadable.extend(parsed.unreadable);
        let mut table = parsed.table;
        if let Some(name) = sources.location().dashboard_name(&source.path) {
            table = as_dashboard(name, table, start_of(file, &source.text));
        } else if let Some((key, _)) = table.take("include")
            && file > 0
        {
            diagnostics.push(
                Diagnostic::new("invalid-include", "an included file cannot include other files", key.span)
                    .help(format!("move it to the `include` of `{}`", sources.location().main())),
            );
        }
        join(&mut base, table, diagnostics);
    }
    for problem in sources.kind_problems() {
        diagnostics.push(problem.clone());
    }
    let mut found = Diagnostics::default();
    let mut cx = Context { sources, diagnostics: &mut found };
    let entry = base.take("profiles");
    let profiles = profile::read(entry, &mut cx);
    let document = Document { sources, base, profiles, unreadable, is_foreign: false, known: None };
    document.keep_certain(found, diagnostics);
    document
}

/// Decodes the tree of a spec.
pub(crate) fn decode(mut table: Table<'_>, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Spec> {
    extends::expand(&mut table, diagnostics);
    let node = Node { span: Span { file: 0, start: 0, end: 0 }, value: Value::Table(table) };
    Spec::decode(node, &mut Context { sources, diagnostics })
}

/// The table of the dashboards.
pub(crate) const DASHBOARDS: &str = "dashboards";

/// The dashboards of a spec, which are decoded once for all that have the same: profiles, and changes of a trace.
#[derive(Default)]
pub(crate) struct Dashboards<'s> {
    /// The table; `None` if the spec has no dashboards, or still has them in its tree.
    node: Option<Node<'s>>,
    decoded: OnceCell<Decoded<'s>>,
}

/// Dashboards that were decoded.
struct Decoded<'s> {
    /// What they were decoded from, with what they extend.
    tables: Node<'s>,
    map: Map<Arc<Dashboard>>,
    /// Whether that is all.
    is_sound: bool,
}

impl<'s> Dashboards<'s> {
    /// Takes them out of a tree, in which their name stays, for suggestions.
    pub(crate) fn take(table: &mut Table<'s>) -> Self {
        let node = dashboards_in(table).map(|node| {
            let none = Value::Table(Table::default());
            Node { span: node.span, value: std::mem::replace(&mut node.value, none) }
        });
        Self { node, decoded: OnceCell::new() }
    }

    /// The table.
    pub(crate) fn node(&self) -> Option<&Node<'s>> {
        self.node.as_ref()
    }

    /// Gives them to the spec of a tree without them.
    pub(crate) fn give(&self, spec: Option<&mut Spec>, sources: &Sources, diagnostics: &mut Diagnostics) {
        let Some(node) = &self.node else { return };
        let base = self.decoded.get_or_init(|| Decoded::new(node.clone(), sources, diagnostics));
        give(spec, base.map.clone(), base.is_sound);
    }

    /// Gives others, in a changed table, to the spec of a tree without them.
    pub(crate) fn give_changed(
        &self,
        node: Node<'s>,
        spec: Option<&mut Spec>,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) {
        let (known, before) = (self.decoded.get(), diagnostics.len());
        let mut tables = expanded(node, diagnostics);
        let mut shared: Vec<(usize, Spanned<String>, Arc<Dashboard>)> = Vec::new();
        if let (Value::Table(tables), Some(known)) = (&mut tables.value, known)
            && let Value::Table(all) = &known.tables.value
        {
            let mut place = 0;
            tables.entries.retain(|(key, node)| {
                let same = all.at(&[&key.name]) == Some(node);
                let dashboard = known.map.get(&key.name).filter(|_| same);
                let name = || Spanned { value: key.name.clone().into_owned(), span: key.span };
                shared.extend(dashboard.map(|dashboard| (place, name(), Arc::clone(dashboard))));
                place += 1;
                dashboard.is_none()
            });
        }
        let mut map = decode_tables(tables, sources, diagnostics);
        for (place, name, dashboard) in shared {
            map.entries.insert(place.min(map.entries.len()), (name, dashboard));
        }
        let is_sound = diagnostics.len() == before && known.is_none_or(|known| known.is_sound);
        give(spec, map, is_sound);
    }
}

impl Dashboards<'static> {
    /// Gives those in a table to the spec of a tree without them, and keeps the first ones for other specs.
    fn give_known(&self, node: Node<'_>, spec: Option<&mut Spec>, sources: &Sources, diagnostics: &mut Diagnostics) {
        if self.decoded.get().is_some() {
            return self.give_changed(node.into_owned(), spec, sources, diagnostics);
        }
        let first = self.decoded.get_or_init(|| Decoded::new(node.into_owned(), sources, diagnostics));
        give(spec, first.map.clone(), first.is_sound);
    }
}

impl<'s> Decoded<'s> {
    fn new(node: Node<'s>, sources: &Sources, diagnostics: &mut Diagnostics) -> Self {
        let before = diagnostics.len();
        let tables = expanded(node, diagnostics);
        let map = decode_tables(tables.clone(), sources, diagnostics);
        Self { tables, map, is_sound: diagnostics.len() == before }
    }
}

fn give(spec: Option<&mut Spec>, dashboards: Map<Arc<Dashboard>>, is_sound: bool) {
    if let Some(spec) = spec {
        spec.dashboards = dashboards;
        spec.sound &= is_sound;
    }
}

/// A table of dashboards with what they extend.
fn expanded<'s>(node: Node<'s>, diagnostics: &mut Diagnostics) -> Node<'s> {
    let span = node.span;
    let mut table = Table { entries: vec![(Key { span, name: DASHBOARDS.into() }, node)] };
    extends::expand(&mut table, diagnostics);
    table.entries.pop().map_or(Node { span, value: Value::Absent }, |(_, node)| node)
}

fn decode_tables(tables: Node<'_>, sources: &Sources, diagnostics: &mut Diagnostics) -> Map<Arc<Dashboard>> {
    Map::decode(tables, &mut Context { sources, diagnostics }).unwrap_or_default()
}

/// The table of the dashboards in a tree.
fn dashboards_in<'t, 's>(table: &'t mut Table<'s>) -> Option<&'t mut Node<'s>> {
    table.entries.iter_mut().find(|(key, _)| key.name == DASHBOARDS).map(|(_, node)| node)
}

/// A dashboard's file as the table `[dashboards.<name>]`, so that profiles can change or remove it.
fn as_dashboard<'s>(name: &'s str, table: Table<'s>, span: Span) -> Table<'s> {
    let wrap = |name: &'s str, value: Table<'s>| {
        let key = Key { span, name: name.into() };
        Table { entries: vec![(key, Node { span, value: Value::Table(value) })] }
    };
    wrap(DASHBOARDS, wrap(name, table))
}

/// The first character of a file.
pub(crate) fn start_of(file: u16, text: &str) -> Span {
    let length = text.chars().next().map_or(0, char::len_utf8);
    Span { file, start: 0, end: u32::try_from(length).unwrap_or(u32::MAX) }
}

/// Joins the tables of two files; a key that is in both is an error.
fn join<'s>(base: &mut Table<'s>, table: Table<'s>, diagnostics: &mut Diagnostics) {
    if base.entries.is_empty() {
        *base = table;
        return;
    }
    let places = base.places();
    for (key, node) in table.entries {
        match places.get(key.name.as_ref()).and_then(|&place| base.entries.get_mut(place)) {
            None => base.entries.push((key, node)),
            Some((existing, Node { value: old, .. })) => match (old, node.value) {
                (Value::Table(old), Value::Table(new)) => join(old, new, diagnostics),
                _ => diagnostics.push(
                    Diagnostic::new(
                        "defined-twice",
                        format!("duplicate key `{}` in two files", decode::shown(&key.name)),
                        key.span,
                    )
                    .at("again here")
                    .also(existing.span, "first here")
                    .help("remove one of them; only a profile can override a value"),
                ),
            },
        }
    }
}

impl<'s> Document<'s> {
    /// Takes the dashboards from other specs that it has in common with them.
    pub(crate) fn with_known(self, known: &'s Dashboards<'static>) -> Self {
        Self { known: Some(known), ..self }
    }

    /// The profiles' names.
    pub fn profiles(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.profiles.iter().map(|profile| &profile.name)
    }

    /// Decodes each profile that `wanted` accepts, and passes it to `each` if the spec has no syntax errors.
    pub fn for_each(
        mut self,
        wanted: impl Fn(&str) -> bool,
        diagnostics: &mut Diagnostics,
        mut each: impl FnMut(ProfileSpec, &mut Diagnostics),
    ) {
        if self.is_foreign {
            return;
        }
        let mut profiles = std::mem::take(&mut self.profiles);
        if profiles.is_empty() {
            // Report the other errors of the spec.
            let mut found = Diagnostics::default();
            let base = std::mem::take(&mut self.base);
            self.decode(base, &mut found);
            self.keep_certain(found, diagnostics);
        }
        profiles.retain(|profile| wanted(&profile.name));
        // Each profile but one copies the base.
        let most = usize::try_from(tree::MOST_COPIED / self.base.weight()).unwrap_or(usize::MAX).saturating_add(1);
        if profiles.len() > 1
            && let Some(profile) = profiles.get(most)
        {
            let title = format!("the spec is too large: {} profiles copy too much", profiles.len());
            let limit = format!("the limit is {} bytes", tree::MOST_COPIED);
            let diagnostic = Diagnostic::new("spec-too-large", title, profile.name.span);
            diagnostics.push(diagnostic.help(format!("remove profiles from here on, or services: {limit}")));
            return;
        }
        let share = profiles.len().max(1);
        let is_shared = profiles.len() > 1 || self.known.is_some();
        let dashboards = if is_shared { Dashboards::take(&mut self.base) } else { Dashboards::default() };
        let last = profiles.len().saturating_sub(1);
        for (index, profile) in profiles.into_iter().enumerate() {
            if diagnostics.is_full() {
                break;
            }
            // The last profile takes the base itself: a large spec has one profile.
            let mut base = if index == last { std::mem::take(&mut self.base) } else { self.base.clone() };
            let mut found = diagnostics.apart();
            let name = profile.name.clone();
            let removed = profile.removed();
            let has_own = dashboards.node().is_some() && profile.changes(DASHBOARDS);
            if has_own && let (Some(node), Some(empty)) = (dashboards.node(), dashboards_in(&mut base)) {
                *empty = node.clone();
            }
            let mut table = profile.apply(base, &mut found);
            let own = if has_own { Dashboards::take(&mut table).node } else { None };
            let mut spec = self.decode(table, &mut found);
            let node = if has_own { own } else { dashboards.node().cloned().filter(|_| self.known.is_some()) };
            match (node, self.known) {
                (Some(node), Some(known)) => known.give_known(node, spec.as_mut(), self.sources, &mut found),
                (Some(node), None) => dashboards.give_changed(node, spec.as_mut(), self.sources, &mut found),
                (None, _) if has_own => {}
                (None, _) => dashboards.give(spec.as_mut(), self.sources, &mut found),
            }
            self.keep_certain(found, diagnostics);
            if self.unreadable.is_empty() {
                each(
                    ProfileSpec {
                        profile: name,
                        removed,
                        location: self.sources.location().clone(),
                        kinds: self.sources.kinds().clone(),
                        share,
                        spec,
                        isolation: None,
                    },
                    diagnostics,
                );
            }
        }
    }

    /// The tree without a profile.
    pub fn base(&self) -> &Table<'s> {
        &self.base
    }

    /// The tree of a profile before it is decoded, with the profile's name and what it removes.
    pub fn profile(&self, name: &str) -> Option<(ProfileSpec, Table<'s>)> {
        let profile = self.profiles.iter().find(|profile| profile.name.value == name)?.clone();
        let (location, kinds) = (self.sources.location().clone(), self.sources.kinds().clone());
        let spec = ProfileSpec {
            profile: profile.name.clone(),
            removed: profile.removed(),
            location,
            kinds,
            share: 1,
            spec: None,
            isolation: None,
        };
        let table = profile.apply(self.base.clone(), &mut Diagnostics::default());
        Some((spec, table))
    }

    /// Decodes a tree.
    pub fn decode(&self, table: Table<'_>, diagnostics: &mut Diagnostics) -> Option<Spec> {
        decode(table, self.sources, diagnostics)
    }

    /// Keeps the errors that are certain: near a syntax error, keys may be missing or mistaken for others.
    fn keep_certain(&self, mut found: Diagnostics, diagnostics: &mut Diagnostics) {
        if !self.sources.kind_problems().is_empty() {
            found.retain(|diagnostic| diagnostic.code != kind::BROKEN);
        }
        if !self.unreadable.is_empty() {
            let hidden = |at: Span| {
                self.unreadable
                    .iter()
                    .any(|span| span.file == at.file && span.start <= at.start && at.start <= span.end)
            };
            found.retain(|diagnostic| {
                !matches!(diagnostic.code, "missing-key" | "nothing-to-remove")
                    && !diagnostic.labels.iter().any(|label| hidden(label.span))
            });
        }
        diagnostics.append(found);
    }
}
