//! An export back into the file of the spec that it was rendered from.
//!
//! What is compared is not the file and the export, but two readings of an export: of the one that the file renders, and of
//! the one that Grafana gives back. Both say the same things in the same words, so what differs was edited in Grafana; and
//! only that is changed in the file's text, whose words, comments and order may be others. Panels and rows are matched by
//! their IDs, which a render derives from their names, variables and annotations by their names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde_json::{Map, Value as Json};

use super::toml::{self, Item, Table as Keys};
use super::{Back, Context, Description, Error, Note, Panel, import};
use crate::diagnostic::Diagnostics;
use crate::edit::draft::Refusal;
use crate::edit::outline::{self, Section};
use crate::spec::source::Sources;
use crate::spec::tree::{self, Node, Table, Value};

/// Why an export can't be brought back.
#[derive(Debug)]
pub enum Failure {
    /// It is not a dashboard.
    Import(Error),
    /// The layout of the file differs from that of an import, so the change can't be placed.
    Refused(Refusal),
}

/// The text of a dashboard's file with what differs in `exported` from what the file renders as `rendered`, and the notes
/// about that.
///
/// # Errors
/// The text is not a dashboard, or a change can't be placed in the file.
pub fn into(
    text: &str,
    rendered: &Map<String, Json>,
    exported: &str,
    context: &Context,
) -> Result<(String, Vec<Note>), Failure> {
    let mut sources = Sources::default();
    let file = sources.push("dashboard.toml", text.to_owned());
    let parsed = tree::parse(&sources, file, &mut Diagnostics::default());
    let named = parsed.table.at(&["datasource"]).map(|node| node.value.written());
    let default = || context.datasources.as_ref().ok()?.iter().find(|source| source.default).map(|one| one.uid.clone());
    let context = Context { back: Some(Back { datasource: named.or_else(default) }), ..context.clone() };
    let read = |text: &str| import(text, &context).map_err(Failure::Import);
    let (old, mut new) = (read(&Json::Object(rendered.clone()).to_string())?, read(exported)?);
    identify(&old.description, &mut new.description);
    let known: HashSet<String> = old.notes.iter().map(ToString::to_string).collect();
    let notes = new.notes.into_iter().filter(|note| !known.contains(&note.to_string())).collect();
    let text = changed(text, &parsed.table, rendered, &old.description, &new.description);
    Ok((text.map_err(Failure::Refused)?, notes))
}

/// Gives rows and panels without an ID that of the one with their title: the schema v2 has no IDs of rows.
fn identify(old: &Description, new: &mut Description) {
    fn title<'d>(name: &'d str, keys: &'d Keys) -> &'d str {
        if let Some(Item::Text(title)) = keys.get("title") { title } else { name }
    }
    let mut taken: HashSet<i64> =
        new.panels.iter().chain(new.rows.iter().flat_map(|row| &row.panels)).filter_map(|panel| panel.id).collect();
    taken.extend(new.rows.iter().filter_map(|row| row.id));
    let mut rows: HashMap<&str, i64> = HashMap::new();
    let mut panels: HashMap<&str, i64> = HashMap::new();
    for row in &old.rows {
        rows.extend(row.id.filter(|id| !taken.contains(id)).map(|id| (title(&row.name, &row.keys), id)));
    }
    for panel in old.panels.iter().chain(old.rows.iter().flat_map(|row| &row.panels)) {
        panels.extend(panel.id.filter(|id| !taken.contains(id)).map(|id| (title(&panel.name, &panel.keys), id)));
    }
    for row in &mut new.rows {
        row.id = row.id.or_else(|| rows.remove(title(&row.name, &row.keys)));
    }
    for panel in new.panels.iter_mut().chain(new.rows.iter_mut().flat_map(|row| &mut row.panels)) {
        panel.id = panel.id.or_else(|| panels.remove(title(&panel.name, &panel.keys)));
    }
}

fn changed(
    text: &str,
    tree: &Table<'_>,
    rendered: &Map<String, Json>,
    old: &Description,
    new: &Description,
) -> Result<String, Refusal> {
    let paths = paths(tree, rendered);
    let (before, after) = (parts(old, &paths), parts(new, &paths));
    let mut edits = Edits { text, tree, sections: outline::of(text), list: Vec::new() };
    edits.keys(&[], &old.keys, &new.keys)?;
    let with_panels: HashSet<&Id> = after.values().filter_map(|part| part.row.as_ref()).collect();
    let sections = edits.sections.clone();
    let implied = implied(&sections);
    for (id, part) in &after {
        let Some(old) = before.get(id) else { continue };
        let (old, new) = (titled(old), titled(part));
        if let Some(first) = implied_by(&implied, &part.path) {
            if old != new || !with_panels.contains(id) {
                edits.header(&part.path, first, &old, new);
            }
        } else {
            let path: Vec<&str> = part.path.iter().map(String::as_str).collect();
            edits.keys(&path, &old, &new)?;
        }
    }
    let text = apply(text, edits.list);
    blocks(&text, (&ids(old), &before), (&ids(new), &after), &paths)
}

/// What a part of a dashboard is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Id {
    Variable(String),
    Annotation(String),
    /// A panel or a row.
    Panel(i64),
    /// One that has no ID yet, by its place.
    New(usize),
}

/// A part of a dashboard that has a table of its own.
struct Part<'d> {
    /// Its table in the file; for a new one the table that it would have.
    path: Vec<String>,
    keys: &'d Keys,
    /// What it is called if it has no title.
    name: &'d str,
    /// The row that it is in.
    row: Option<Id>,
    is_titled: bool,
}

/// The parts in order.
fn ids(description: &Description) -> Vec<Id> {
    let mut ids: Vec<Id> = Vec::new();
    ids.extend(description.variables.iter().map(|(name, _)| Id::Variable(name.clone())));
    ids.extend(description.annotations.iter().map(|(name, _)| Id::Annotation(name.clone())));
    let mut seen = HashSet::new();
    let mut panels = |id: Option<i64>| {
        // Of two with one ID, the second is new.
        let known = id.filter(|id| seen.insert(*id));
        ids.push(known.map_or(Id::New(ids.len()), Id::Panel));
    };
    description.panels.iter().for_each(|panel| panels(panel.id));
    for row in &description.rows {
        panels(row.id);
        row.panels.iter().for_each(|panel| panels(panel.id));
    }
    ids
}

/// The parts by their IDs.
fn parts<'d>(description: &'d Description, paths: &HashMap<i64, Vec<String>>) -> BTreeMap<Id, Part<'d>> {
    let mut ids = ids(description).into_iter();
    let mut parts = BTreeMap::new();
    let mut add = |parts: &mut BTreeMap<Id, Part<'d>>, above: &[String], name: &'d str, keys, row, is_titled| {
        let id = ids.next().unwrap_or(Id::New(usize::MAX));
        let known = if let Id::Panel(id) = &id { paths.get(id).cloned() } else { None };
        let path = known.unwrap_or_else(|| [above, &[name.to_owned()]].concat());
        parts.insert(id.clone(), Part { path: path.clone(), keys, name, row, is_titled });
        (id, path)
    };
    let table = |name: &str| vec![name.to_owned()];
    for (name, keys) in &description.variables {
        add(&mut parts, &table("variables"), name, keys, None, false);
    }
    for (name, keys) in &description.annotations {
        add(&mut parts, &table("annotations"), name, keys, None, false);
    }
    for Panel { name, keys, .. } in &description.panels {
        add(&mut parts, &table("panels"), name, keys, None, true);
    }
    for row in &description.rows {
        let (id, path) = add(&mut parts, &table("rows"), &row.name, &row.keys, None, true);
        let panels = [&path[..], &["panels".to_owned()]].concat();
        for Panel { name, keys, .. } in &row.panels {
            add(&mut parts, &panels, name, keys, Some(id.clone()), true);
        }
    }
    parts
}

/// The keys of a part, and how it is called: a title belongs to the key, as the name in the file may be another.
fn titled(part: &Part<'_>) -> Keys {
    let mut keys = part.keys.clone();
    // The ID is derived from a name that stays.
    keys.remove("id");
    if part.is_titled && keys.get("title").is_none() {
        keys.put("title", part.name);
    }
    keys
}

/// The tables of panels and rows by their IDs: a render keeps their order.
fn paths(file: &Table<'_>, rendered: &Map<String, Json>) -> HashMap<i64, Vec<String>> {
    let names = |table: Option<&Node<'_>>| -> Vec<String> {
        let Some(Node { value: Value::Table(table), .. }) = table else { return Vec::new() };
        table.entries.iter().map(|(key, _)| key.name.clone().into_owned()).collect()
    };
    let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut tables: Vec<Vec<String>> = Vec::new();
    tables.extend(names(file.at(&["panels"])).iter().map(|name| path(&["panels", name])));
    for row in names(file.at(&["rows"])) {
        tables.push(path(&["rows", &row]));
        tables
            .extend(names(file.at(&["rows", &row, "panels"])).iter().map(|name| path(&["rows", &row, "panels", name])));
    }
    let list = |value: &Json| value.get("panels").and_then(Json::as_array).cloned().unwrap_or_default();
    let panels = rendered.get("panels").and_then(Json::as_array).into_iter().flatten();
    let all = panels.flat_map(|panel| std::iter::once(panel.clone()).chain(list(panel)));
    let ids = all.map(|panel| panel.get("id").and_then(Json::as_i64).unwrap_or_default());
    ids.zip(tables).collect()
}

/// Changes of a text at places that don't overlap.
struct Edits<'t> {
    text: &'t str,
    tree: &'t Table<'t>,
    sections: Vec<Section>,
    list: Vec<(Range<usize>, String)>,
}

impl Edits<'_> {
    /// Changes the keys of a table that differ.
    fn keys(&mut self, path: &[&str], old: &Keys, new: &Keys) -> Result<(), Refusal> {
        for (key, _) in old.iter().filter(|(key, _)| new.get(key).is_none()) {
            self.remove(path, key);
        }
        let mut before: Vec<&str> = Vec::new();
        for (key, item) in new.iter() {
            if old.get(key) != Some(item) {
                let whole = [path, &[key]].concat();
                let node = self.tree.at(&whole);
                match (node, old.get(key)) {
                    (Some(node), Some(old)) => self.change(&whole, node, old, item)?,
                    (Some(node), None) => self.replace(&whole, node, item)?,
                    (None, _) => self.insert(path, key, item, &before)?,
                }
            }
            before.push(key);
        }
        Ok(())
    }

    /// Changes what differs in a value, if the file has it in the same form.
    fn change(&mut self, path: &[&str], node: &Node<'_>, old: &Item, new: &Item) -> Result<(), Refusal> {
        match (&node.value, old, new) {
            (Value::Table(_), Item::Table(old), Item::Table(new)) if !self.is_inline(node) => self.keys(path, old, new),
            (Value::Table(table), Item::Table(old), Item::Table(new)) => {
                let same = old.len() == new.len() && new.iter().all(|(key, _)| old.get(key).is_some());
                let found = new.iter().map(|(key, item)| (table.at(&[key]), old.get(key), item));
                let differ: Vec<_> = found.filter(|(_, old, new)| *old != Some(*new)).collect();
                if !same || differ.iter().any(|(node, ..)| node.is_none()) {
                    return self.replace(path, node, &Item::Table(new.clone()));
                }
                for (node, old, new) in differ {
                    if let (Some(node), Some(old)) = (node, old) {
                        self.change(path, node, old, new)?;
                    }
                }
                Ok(())
            }
            (Value::List(nodes), Item::List(old), Item::List(new))
                if nodes.len() == old.len() && old.len() == new.len() =>
            {
                for ((node, old), new) in nodes.iter().zip(old).zip(new).filter(|((_, old), new)| old != new) {
                    self.change(path, node, old, new)?;
                }
                Ok(())
            }
            _ => self.replace(path, node, new),
        }
    }

    fn is_inline(&self, node: &Node<'_>) -> bool {
        self.text.get(node.span.start as usize..).is_some_and(|rest| rest.starts_with('{'))
    }

    /// Writes a value in the place of another.
    fn replace(&mut self, path: &[&str], node: &Node<'_>, new: &Item) -> Result<(), Refusal> {
        if matches!(node.value, Value::Table(_)) && !self.is_inline(node) {
            let (key, table) = path.split_last().unwrap_or((&"", &[]));
            self.remove(table, key);
            return self.insert(table, key, new, &[]);
        }
        let name = path.last().copied().unwrap_or_default();
        self.list.push((node.span.start as usize..node.span.end as usize, toml::assigned(name, new)));
        Ok(())
    }

    /// Removes a key with its comment, or the tables that are its value.
    fn remove(&mut self, path: &[&str], key: &str) {
        let whole = [path, &[key]].concat();
        for section in &self.sections {
            if starts_with(&section.path, &whole) {
                self.list.push((section.place.clone(), String::new()));
            } else if let Some(rest) = whole.get(section.path.len()..).filter(|_| is_below(&section.path, &whole)) {
                let keys = section.keys.iter().filter(|key| starts_with(&key.path, rest));
                self.list.extend(keys.map(|key| (key.place.clone(), String::new())));
            }
        }
    }

    /// Gives a row that has no header one with the keys that differ, above its `first` section.
    fn header(&mut self, path: &[String], first: &Section, old: &Keys, new: Keys) {
        let mut keys = Keys::default();
        for (key, item) in new.into_entries().filter(|(key, item)| old.get(key) != Some(item)) {
            keys.push(key, item);
        }
        let at = whole(self.text, first).start;
        self.list.push((at..at, format!("{}\n", toml::table(&toml::path(path), &keys))));
    }

    /// Adds a key behind the last one of those `before` it that the table has.
    fn insert(&mut self, path: &[&str], key: &str, item: &Item, before: &[&str]) -> Result<(), Refusal> {
        // The table itself, or one above with dotted keys.
        for split in (0..=path.len()).rev() {
            let (header, dots) = path.split_at(split);
            let Some(section) = self.sections.iter().find(|section| section.path == header) else { continue };
            let of_table: Vec<_> = section.keys.iter().filter(|key| starts_with(&key.path, dots)).collect();
            if !dots.is_empty() && of_table.is_empty() {
                continue;
            }
            let is_before = |key: &&&outline::KeyValue| {
                key.path.get(dots.len()).is_some_and(|name| before.contains(&name.as_str()))
            };
            let at = match (of_table.iter().rev().find(is_before), of_table.first()) {
                (Some(last), _) => last.place.end,
                (None, Some(first)) => first.place.start,
                (None, None) => section.place.end,
            };
            let written = toml::entries(&[dots, &[key]].concat(), item);
            let is_open = self.text.get(..at).is_some_and(|before| !before.is_empty() && !before.ends_with('\n'));
            self.list.push((at..at, format!("{}{written}", if is_open { "\n" } else { "" })));
            return Ok(());
        }
        let table = toml::path(path);
        Err(Refusal::new(
            format!("missing table [{table}] for the key `{key}`"),
            "write the table with a header, and import again",
        ))
    }
}

/// The text with each change in its place. Only what is removed overlaps: what it has in it is removed, too.
fn apply(text: &str, mut list: Vec<(Range<usize>, String)>) -> String {
    list.sort_by_key(|(place, _)| (place.start, place.end));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (place, written) in list {
        if place.start < from {
            from = from.max(if written.is_empty() { place.end } else { from });
            continue;
        }
        out.push_str(text.get(from..place.start).unwrap_or_default());
        out.push_str(&written);
        from = place.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

fn starts_with(path: &[String], start: &[&str]) -> bool {
    path.len() >= start.len() && path.iter().zip(start).all(|(a, b)| a == b)
}

fn is_below(path: &[String], whole: &[&str]) -> bool {
    path.len() < whole.len() && path.iter().zip(whole).all(|(a, b)| a == b)
}

/// The rows that only the headers of their panels name, each with the first section of those.
fn implied(sections: &[Section]) -> HashMap<&str, &Section> {
    let mut own: HashSet<&str> = HashSet::new();
    let mut first: HashMap<&str, &Section> = HashMap::new();
    for section in sections {
        match section.path.as_slice() {
            [rows, name] if rows == "rows" => {
                own.insert(name);
            }
            [rows, name, ..] if rows == "rows" => {
                first.entry(name).or_insert(section);
            }
            above => {
                for key in &section.keys {
                    let mut names = above.iter().chain(&key.path);
                    own.extend(names.next().filter(|name| *name == "rows").and(names.next()).map(String::as_str));
                }
            }
        }
    }
    first.retain(|name, _| !own.contains(name));
    first
}

/// The first section of a row that has no header, by its table.
fn implied_by<'s>(implied: &HashMap<&str, &'s Section>, path: &[String]) -> Option<&'s Section> {
    match path {
        [rows, name] if rows == "rows" => implied.get(name.as_str()).copied(),
        _ => None,
    }
}

/// Adds, removes and moves whole tables.
fn blocks(
    text: &str,
    (old, before): (&[Id], &BTreeMap<Id, Part<'_>>),
    (new, after): (&[Id], &BTreeMap<Id, Part<'_>>),
    paths: &HashMap<i64, Vec<String>>,
) -> Result<String, Refusal> {
    let stays = in_order((old, before), (new, after));
    if stays.len() == old.len() && old.len() == new.len() {
        return Ok(text.to_owned());
    }
    let sections = outline::of(text);
    let places = places(&sections, before);
    let implied = implied(&sections);
    // A row without a header is where its panels are.
    let is_hidden = |id: &Id| {
        let part = before.get(id).filter(|_| !places.contains_key(id));
        part.is_some_and(|part| implied_by(&implied, &part.path).is_none())
    };
    if let Some(missing) = old.iter().find(|id| !stays.contains(*id) && is_hidden(id)) {
        let table = before.get(missing).map(|part| toml::path(&part.path)).unwrap_or_default();
        return Err(Refusal::new(
            format!("missing table [{table}]: it cannot be moved or removed"),
            "write the table with a header, and import again",
        ));
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for section in old.iter().filter(|id| !stays.contains(id)).filter_map(|id| places.get(id)).flatten() {
        edits.extend(sections.get(*section).map(|section| (with_gap(text, section), String::new())));
    }
    let of_file = ["variables", "annotations", "panels", "rows"];
    let is_part = |section: &&Section| section.path.first().is_some_and(|name| of_file.contains(&name.as_str()));
    let front =
        sections.iter().take_while(|section| !is_part(section)).last().map_or(text.len(), |section| section.end);
    let mut taken: HashSet<String> = paths.values().filter_map(|path| path.last().cloned()).collect();
    let mut tables: HashMap<&Id, Vec<String>> = HashMap::new();
    let mut at = front;
    let mut hidden: Option<&Part<'_>> = None;
    for (id, part) in new.iter().filter_map(|id| Some((id, after.get(id)?))) {
        let section = places.get(id).and_then(|list| sections.get(*list.last()?)).filter(|_| stays.contains(id));
        if let Some(section) = section {
            (at, hidden) = (section.end, None);
            continue;
        }
        if before.contains_key(id) && !places.contains_key(id) {
            hidden = Some(part).filter(|_| is_hidden(id)).or(hidden);
            continue;
        }
        if let Some(hidden) = hidden {
            return Err(Refusal::new(
                format!("table [{}] has no header: nothing can be added after it", toml::path(&hidden.path)),
                "write the table with a header, and import again",
            ));
        }
        let row = part.row.as_ref().and_then(|row| tables.get(row).or(after.get(row).map(|row| &row.path)));
        let is_table = part.path.len() == 2 && part.path.first().is_some_and(|word| word != "panels");
        let name = part.path.last().cloned().unwrap_or_default();
        let mut path = match row {
            Some(row) => [&row[..], &["panels".to_owned(), name]].concat(),
            None if is_table => part.path.clone(),
            None => vec!["panels".to_owned(), name],
        };
        let block = match places.get(id) {
            Some(place) => moved(text, place, &sections, &path),
            None => added(&mut path, part, &mut taken),
        };
        tables.insert(id, path);
        let is_open = text.get(..at).is_some_and(|before| !before.is_empty() && !before.ends_with('\n'));
        edits.push((at..at, format!("{}\n{block}", if is_open { "\n" } else { "" })));
    }
    Ok(apply(text, edits))
}

/// The parts that stay where they are: the most that are in the same order, in the same row.
fn in_order<'i>(
    (old, before): (&'i [Id], &BTreeMap<Id, Part<'_>>),
    (new, after): (&'i [Id], &BTreeMap<Id, Part<'_>>),
) -> HashSet<&'i Id> {
    let place: HashMap<&Id, usize> = old.iter().enumerate().map(|(place, id)| (id, place)).collect();
    let row = |parts: &BTreeMap<Id, Part<'_>>, id: &Id| parts.get(id).and_then(|part| part.row.clone());
    let kept = new.iter().filter(|id| place.contains_key(id) && row(before, id) == row(after, id));
    // The longest rising sequence of places: the ends of the best ones of each length.
    let mut ends: Vec<(usize, &Id)> = Vec::new();
    let mut previous: HashMap<&Id, Option<&Id>> = HashMap::new();
    for id in kept {
        let at = place.get(id).copied().unwrap_or_default();
        let length = ends.partition_point(|(end, _)| *end < at);
        previous.insert(id, length.checked_sub(1).and_then(|before| ends.get(before)).map(|(_, id)| *id));
        match ends.get_mut(length) {
            Some(end) => *end = (at, id),
            None => ends.push((at, id)),
        }
    }
    let mut found = HashSet::new();
    let mut next = ends.last().map(|(_, id)| *id);
    while let Some(id) = next {
        found.insert(id);
        next = previous.get(id).copied().flatten();
    }
    found
}

/// The sections of each part; of a row without those of its panels.
fn places(sections: &[Section], parts: &BTreeMap<Id, Part<'_>>) -> BTreeMap<Id, Vec<usize>> {
    let by_path: HashMap<&[String], &Id> = parts.iter().map(|(id, part)| (part.path.as_slice(), id)).collect();
    let mut places: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    for (index, section) in sections.iter().enumerate().filter(|(_, section)| section.has_header) {
        // The longest start of the header that is a part.
        let found = (1..=section.path.len()).rev().find_map(|length| by_path.get(section.path.get(..length)?));
        if let Some(id) = found {
            places.entry((*id).clone()).or_default().push(index);
        }
    }
    places
}

/// From the comments directly above a header to the end of those directly below its last key.
fn whole(text: &str, section: &Section) -> Range<usize> {
    let mut start = section.place.start;
    while let Some(above) = text.get(..start).and_then(|before| before.strip_suffix('\n')) {
        let line = above.rfind('\n').map_or(0, |newline| newline + 1);
        if !above.get(line..).is_some_and(|line| line.trim_start().starts_with('#')) {
            break;
        }
        start = line;
    }
    start..section.end
}

/// As [`whole`], with the line that separates it from what follows.
fn with_gap(text: &str, section: &Section) -> Range<usize> {
    let place = whole(text, section);
    let gap = text.get(place.end..).is_some_and(|rest| rest.starts_with('\n'));
    // The last one takes the line above.
    let is_last = text.get(place.end..).is_some_and(str::is_empty);
    let above = is_last && text.get(..place.start).is_some_and(|before| before.ends_with("\n\n"));
    place.start - usize::from(above)..place.end + usize::from(gap)
}

/// A part with another header.
fn moved(text: &str, place: &[usize], sections: &[Section], path: &[String]) -> String {
    let mut out = String::new();
    let depth = place.first().and_then(|first| sections.get(*first)).map_or(0, |section| section.path.len());
    for section in place.iter().filter_map(|index| sections.get(*index)) {
        if !out.is_empty() {
            out.push('\n');
        }
        let place = whole(text, section);
        let below = section.path.get(depth..).unwrap_or_default();
        let header = toml::path(&[path, below].concat());
        let (start, end) = (section.header.start, section.header.end);
        out.push_str(text.get(place.start..start).unwrap_or_default());
        out.push('[');
        out.push_str(&header);
        out.push(']');
        out.push_str(text.get(end..place.end).unwrap_or_default());
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// A new part, under a name that no other has.
fn added(path: &mut Vec<String>, part: &Part<'_>, taken: &mut HashSet<String>) -> String {
    let mut keys = part.keys.clone();
    if part.is_titled {
        let name = path.pop().unwrap_or_default();
        let mut free = name.clone();
        let mut number = 1;
        while !taken.insert(free.clone()) {
            number += 1;
            free = format!("{name} {number}");
        }
        if free != name && keys.get("title").is_none() {
            keys.put("title", name);
        }
        path.push(free);
    }
    toml::table(&toml::path(path), &keys)
}
