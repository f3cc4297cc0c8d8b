//! What is said once: `extends`, `abstract` and `instances`.
//!
//! They are resolved in the tree, so that all else sees whole tables, with spans where each key is written, in this
//! order: profiles have changed the tables that are written; `instances` makes several of one; each is joined with those
//! that it extends; then `${self}` is its name. A service of another file stays for Compose.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::mem;

use serde_json::json;

use super::decode::shown;
use super::merge::{self, Lists, SERVICE};
use super::schema::{Schema, any_of};
use super::tree::{Key, MOST_COPIED, Node, Table, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// The key with the names of what a table extends: later ones win, and its own keys over all.
pub const EXTENDS: &str = "extends";

/// The key of a table that only others extend.
pub const ABSTRACT: &str = "abstract";

/// The key with how often a table is made.
const INSTANCES: &str = "instances";

/// All of them.
pub const KEYS: [&str; 3] = [EXTENDS, ABSTRACT, INSTANCES];

/// The sections whose tables may have them, and what one of their tables is called.
pub const SECTIONS: [(&str, &str); 14] = [
    ("images", "an image"),
    ("clusters", "a cluster"),
    (SERVICE, "a service"),
    ("schema", "a schema step"),
    ("volumes", "a volume"),
    ("networks", "a network"),
    ("secrets", "a secret"),
    ("configs", "a config"),
    ("models", "a model"),
    ("files", "a file"),
    ("datasources", "a datasource"),
    (ENV, "a variable"),
    (DASHBOARDS, "a dashboard"),
    (PANELS, PANEL),
];

/// The panels of a dashboard, in all of its rows.
const PANELS: &str = "panels";

const PANEL: &str = "a panel";

/// The section whose names have no hyphens.
const ENV: &str = "env";

/// The section whose texts have another `${…}`: Grafana's.
const DASHBOARDS: &str = "dashboards";

/// About how many bytes of a file a dependency takes.
const DEPENDENCY: u64 = 100;

/// The limit of `instances`.
const MOST_INSTANCES: i64 = 1_000;

/// Replaces the keys by what they stand for.
pub fn expand(table: &mut Table<'_>, diagnostics: &mut Diagnostics) {
    let mut left = MOST_COPIED;
    for (key, node) in &mut table.entries {
        let Some(&(section, what)) = SECTIONS.iter().find(|(section, _)| *section == key.name) else { continue };
        let Value::Table(tables) = &mut node.value else { continue };
        let mut expansion = Expansion { section, what, left: &mut left, diagnostics };
        if section == DASHBOARDS {
            expansion.inherit(tables);
            for (_, dashboard) in &mut tables.entries {
                if let Value::Table(dashboard) = &mut dashboard.value {
                    expansion.panels(dashboard);
                }
            }
            expansion.drop_abstract(tables);
        } else {
            let groups = if section == ENV { Groups::new() } else { expansion.multiply(tables) };
            expansion.inherit(tables);
            expansion.drop_abstract(tables);
            expansion.fill(tables, &groups);
            if section == SERVICE {
                for (name, service) in &mut tables.entries {
                    if let Value::Table(service) = &mut service.value {
                        merge::settle_targets(service);
                        expansion.wait_for_all(name.span, service, &groups);
                    }
                }
            }
        }
    }
}

/// The names of what was made of a table, by its name.
type Groups = HashMap<String, Vec<String>>;

/// The work on one section.
struct Expansion<'d> {
    section: &'static str,
    what: &'static str,
    /// How many bytes may still be copied.
    left: &'d mut u64,
    diagnostics: &'d mut Diagnostics,
}

/// How far a table has been joined with those that it extends.
#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

impl Expansion<'_> {
    /// Puts the instances of a table behind it; it becomes abstract.
    fn multiply<'s>(&mut self, tables: &mut Table<'s>) -> Groups {
        let mut groups = Groups::new();
        let mut places: HashMap<String, Span> = HashMap::new();
        for (key, node) in &mut tables.entries {
            let Value::Table(table) = &mut node.value else { continue };
            let Some((instances, count)) = table.take(INSTANCES) else { continue };
            let count_at = count.span;
            let count = match count.value {
                Value::Integer(count @ 1..=MOST_INSTANCES) => count,
                Value::Integer(other) => {
                    let title = format!("{other} is out of range");
                    let diagnostic = Diagnostic::new("number-out-of-range", title, count.span);
                    self.diagnostics.push(diagnostic.at(format!("must be from 1 to {MOST_INSTANCES}")));
                    1
                }
                other => {
                    self.wrong_type(&other, "an integer", count.span);
                    1
                }
            };
            table.take(ABSTRACT);
            let name = Key { span: instances.span, name: Cow::Borrowed(ABSTRACT) };
            table.entries.push((name, Node { span: count_at, value: Value::Boolean(true) }));
            let names = (1..=count).map(|number| format!("{}-{number}", key.name)).collect();
            groups.insert(key.name.clone().into_owned(), names);
            places.insert(key.name.clone().into_owned(), instances.span);
        }
        for name in groups.values().flatten() {
            if let Some(span) = places.get(name) {
                let title = format!("`{}` is an instance itself", shown(name));
                let diagnostic = Diagnostic::new("contradiction", title, *span);
                self.diagnostics.push(diagnostic.help("remove `instances` here, or rename the table"));
            }
        }
        if groups.is_empty() {
            return groups;
        }
        let claimed: HashSet<&str> = groups.values().flatten().map(String::as_str).collect();
        let (written, rest): (Vec<_>, Vec<_>) =
            mem::take(&mut tables.entries).into_iter().partition(|(key, _)| claimed.contains(key.name.as_ref()));
        let mut written: HashMap<String, (Key<'s>, Node<'s>)> =
            written.into_iter().map(|entry| (entry.0.name.clone().into_owned(), entry)).collect();
        for (key, node) in rest {
            let names = groups.get(key.name.as_ref()).map_or(&[][..], Vec::as_slice);
            let (group, span, at) = (key.name.clone(), key.span, node.span);
            tables.entries.push((key, node));
            for name in names {
                let (key, mut node) = written.remove(name).unwrap_or_else(|| {
                    let name = Key { span, name: Cow::Owned(name.clone()) };
                    (name, Node { span: at, value: Value::Table(Table::default()) })
                });
                if let Value::Table(table) = &mut node.value {
                    let group = Node { span, value: Value::String(group.clone()) };
                    let (extends, bases) = match table.take(EXTENDS) {
                        None => (Key { span, name: Cow::Borrowed(EXTENDS) }, vec![group]),
                        Some((extends, Node { value: Value::List(own), .. })) => {
                            (extends, std::iter::once(group).chain(own).collect())
                        }
                        Some((extends, own)) => (extends, vec![group, own]),
                    };
                    let span = extends.span;
                    table.entries.push((extends, Node { span, value: Value::List(bases) }));
                }
                tables.entries.push((key, node));
            }
        }
        groups
    }

    /// Joins each table with those that it extends.
    fn inherit(&mut self, tables: &mut Table<'_>) {
        if !tables.entries.iter().any(|(_, node)| has(node, EXTENDS)) {
            return;
        }
        let mut bases: Vec<Vec<(String, Span)>> = tables.entries.iter_mut().map(|(_, node)| self.bases(node)).collect();
        let places = tables.places();
        let mut states = vec![State::New; bases.len()];
        for start in 0..bases.len() {
            let mut stack = vec![start];
            while let Some(&at) = stack.last() {
                if states[at] != State::New {
                    stack.pop();
                    if states[at] == State::Open {
                        states[at] = State::Done;
                        self.join(tables, at, &mem::take(&mut bases[at]), &places);
                    }
                    continue;
                }
                states[at] = State::Open;
                let mut wrong = None;
                let mut is_cycle = false;
                bases[at].retain(|(base, span)| match places.get(base) {
                    Some(&base) if states[base] == State::New => {
                        stack.push(base);
                        true
                    }
                    Some(&base) if states[base] == State::Open => {
                        let (name, own) = (&tables.entries[base].0, &tables.entries[at].0);
                        let title = format!("`{}` extends itself", shown(&name.name));
                        let mut diagnostic = Diagnostic::new("dependency-cycle", title, *span);
                        if base != at {
                            diagnostic = diagnostic.at(format!("`{}` extends it", shown(&own.name)));
                            diagnostic = diagnostic.also(name.span, format!("extends `{}` in turn", shown(&own.name)));
                        }
                        self.diagnostics.push(diagnostic.help("remove it, or extend another table"));
                        is_cycle = true;
                        wrong = Some(*span);
                        false
                    }
                    Some(_) => true,
                    None => {
                        self.unknown(base, *span, tables, at);
                        wrong = Some(*span);
                        false
                    }
                });
                let Some(span) = wrong else { continue };
                // What it lacks is not another mistake. The rest of a service is still checked.
                match &mut tables.entries[at].1.value {
                    Value::Table(table) if self.section == SERVICE && !is_cycle => {
                        let name = Key { span, name: Cow::Borrowed(EXTENDS) };
                        table.entries.push((name, Node { span, value: Value::String(Cow::Borrowed("?")) }));
                    }
                    value => *value = Value::Refused,
                }
            }
        }
    }

    /// Joins a table with those that it extends, which are whole.
    fn join(&mut self, tables: &mut Table<'_>, at: usize, bases: &[(String, Span)], places: &HashMap<String, usize>) {
        let (above, lists) = if self.section == SERVICE { (SERVICE, Lists::Joined) } else { ("", Lists::Replaced) };
        if bases.is_empty() || tables.entries[at].1.value == Value::Refused {
            return;
        }
        let mut whole = Table::default();
        for (base, span) in bases {
            let Some(Value::Table(base)) = places.get(base).map(|&base| &tables.entries[base].1.value) else {
                tables.entries[at].1.value = Value::Refused;
                return;
            };
            // What is there already is looked at again.
            if !self.may_copy(base.weight() + whole.weight(), *span) {
                tables.entries[at].1.value = Value::Refused;
                return;
            }
            let mut base = base.clone();
            base.take(ABSTRACT);
            if whole.entries.is_empty() {
                whole = base;
            } else {
                merge::merge(above, &mut whole, base, lists, self.diagnostics);
            }
        }
        if let Value::Table(own) = &mut tables.entries[at].1.value {
            let own = mem::take(own);
            merge::merge(above, &mut whole, own, lists, self.diagnostics);
            tables.entries[at].1.value = Value::Table(whole);
        }
    }

    /// Takes the names of what a table extends. A service of another file stays.
    fn bases(&mut self, node: &mut Node<'_>) -> Vec<(String, Span)> {
        let Value::Table(table) = &mut node.value else { return Vec::new() };
        let Some(place) = table.entries.iter().position(|(key, _)| key.name == EXTENDS) else { return Vec::new() };
        let in_table = self.section == SERVICE;
        let names = match &table.entries[place].1.value {
            Value::Table(of) if in_table => match of.entries.as_slice() {
                [(key, name)] if key.name == "service" => vec![name.clone()],
                _ => return Vec::new(),
            },
            Value::List(names) => names.clone(),
            _ => vec![table.entries[place].1.clone()],
        };
        table.entries.remove(place);
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            match name.value {
                Value::String(text) => found.push((text.into_owned(), name.span)),
                other => self.wrong_type(&other, "a name or a list of names", name.span),
            }
        }
        found
    }

    /// Empties what is there only to be extended.
    fn drop_abstract(&mut self, tables: &mut Table<'_>) {
        for (_, node) in &mut tables.entries {
            let Value::Table(table) = &mut node.value else { continue };
            match table.take(ABSTRACT).map(|(_, node)| node) {
                None | Some(Node { value: Value::Boolean(false), .. }) => {}
                Some(Node { value: Value::Boolean(true), .. }) => node.value = Value::Absent,
                Some(Node { value, span }) => {
                    self.wrong_type(&value, "`true` or `false`", span);
                    node.value = Value::Refused;
                }
            }
        }
    }

    /// Joins the panels of a dashboard, which extend one another across its rows.
    fn panels(&mut self, dashboard: &mut Table<'_>) {
        let (section, what) = (mem::replace(&mut self.section, PANELS), mem::replace(&mut self.what, PANEL));
        let mut all = Table::default();
        let mut counts = Vec::new();
        each_panels(dashboard, &mut |panels| {
            counts.push(panels.entries.len());
            all.entries.append(&mut panels.entries);
        });
        self.inherit(&mut all);
        let mut rest = all.entries.into_iter();
        let mut counts = counts.into_iter();
        each_panels(dashboard, &mut |panels| {
            panels.entries.extend(rest.by_ref().take(counts.next().unwrap_or_default()));
            self.drop_abstract(panels);
            panels.entries.retain(|(_, panel)| panel.value != Value::Absent);
        });
        (self.section, self.what) = (section, what);
    }

    fn unknown(&mut self, name: &str, span: Span, tables: &Table<'_>, own: usize) {
        let kind = self.what.trim_start_matches("a ").trim_start_matches("an ");
        let title = format!("unknown {kind} `{}`", shown(name));
        let others = tables.entries.iter().enumerate().filter(|(at, _)| *at != own);
        let names = others.map(|(_, (key, _))| key.name.as_ref());
        let diagnostic = match self.section {
            SERVICE => Diagnostic::new("unknown-service", title, span),
            _ => Diagnostic::new("unknown-base", title, span),
        };
        self.diagnostics.push(
            diagnostic.suggest_of(self.diagnostics, name, names, || format!("declare it under [{}]", self.section)),
        );
    }

    fn wrong_type(&mut self, value: &Value<'_>, wanted: &str, span: Span) {
        if *value != Value::Refused {
            let title = format!("expected {wanted}, found {}", value.describe());
            self.diagnostics.push(Diagnostic::new("wrong-type", title, span).at(format!("must be {wanted}")));
        }
    }
}

/// Calls a function with each table of panels of a dashboard.
fn each_panels<'s>(dashboard: &mut Table<'s>, each: &mut impl FnMut(&mut Table<'s>)) {
    for (key, node) in &mut dashboard.entries {
        let Value::Table(table) = &mut node.value else { continue };
        if key.name == PANELS {
            each(table);
        } else if key.name == "rows" {
            for (_, row) in &mut table.entries {
                if let Value::Table(row) = &mut row.value {
                    each_panels(row, each);
                }
            }
        }
    }
}

fn has(node: &Node<'_>, wanted: &str) -> bool {
    matches!(&node.value, Value::Table(table) if table.entries.iter().any(|(key, _)| key.name == wanted))
}

/// The keys of the tables that are called `what`.
pub fn keys_of(what: &str) -> &'static [&'static str] {
    match SECTIONS.iter().find(|(_, table)| *table == what) {
        None => &[],
        Some((DASHBOARDS | PANELS | ENV, _)) => &[EXTENDS, ABSTRACT],
        Some(_) => &KEYS,
    }
}

/// The type and the documentation of a key.
pub fn described(key: &str) -> (Schema, &'static str) {
    match key {
        EXTENDS => (
            any_of([json!({ "type": "string" }), json!({ "type": "array", "items": { "type": "string" } })]),
            "The table of this section whose keys it has, too, or a list of them, of which a later one wins.",
        ),
        ABSTRACT => (json!({ "type": "boolean" }), "Whether it only exists to be extended."),
        _ => (
            json!({ "type": "integer", "minimum": 1, "maximum": MOST_INSTANCES }),
            "How many there are of it: `<name>-1`, `<name>-2` and so on, of which each may have a table of its own.",
        ),
    }
}

/// How a text of the spec begins that has the name or number of its own table.
const SELF: &str = "${self";

impl Expansion<'_> {
    /// Takes from what may be copied; reports the first that is too much.
    fn may_copy(&mut self, bytes: u64, span: Span) -> bool {
        if let Some(rest) = self.left.checked_sub(bytes) {
            *self.left = rest;
            return true;
        }
        // Once is enough.
        if mem::take(self.left) > 0 {
            let title = "the spec is too large: `extends` and `instances` copy too much";
            let diagnostic = Diagnostic::new("spec-too-large", title, span);
            self.diagnostics.push(diagnostic.help(format!("the limit is {MOST_COPIED} bytes")));
        }
        false
    }

    /// Whoever waits for a service of which several are made waits for each. A condition for one of them wins.
    fn wait_for_all(&mut self, span: Span, service: &mut Table<'_>, groups: &Groups) {
        let waits = service.entries.iter_mut().find(|(key, _)| key.name == "depends_on").filter(|_| !groups.is_empty());
        let Some((_, Node { value, .. })) = waits else { return };
        let group_of = |name: &str| groups.get(name).map_or(&[][..], Vec::as_slice);
        let named: Vec<&str> = match value {
            Value::List(items) => items.iter().filter_map(|item| text_of(item)).collect(),
            Value::Table(table) => table.entries.iter().map(|(key, _)| key.name.as_ref()).collect(),
            _ => return,
        };
        let count: usize = named.iter().map(|name| group_of(name).len()).sum();
        if count == 0 {
            return;
        }
        let named: HashSet<String> = named.into_iter().map(str::to_owned).collect();
        if !self.may_copy(DEPENDENCY.saturating_mul(count as u64), span) {
            *value = Value::Refused;
            return;
        }
        let others = |name: &str| group_of(name).iter().filter(|name| !named.contains(*name));
        match value {
            Value::List(items) => replace(items, |item| {
                let group = text_of(item).filter(|group| groups.contains_key(*group))?;
                let each = |name: &String| Node { span: item.span, value: Value::String(name.clone().into()) };
                Some(others(group).map(each).collect())
            }),
            Value::Table(table) => replace(&mut table.entries, |(key, node)| {
                let each = |name: &String| (Key { span: key.span, name: name.clone().into() }, node.clone());
                groups.contains_key(key.name.as_ref()).then(|| others(&key.name).map(each).collect())
            }),
            _ => {}
        }
    }

    /// Writes its own name into the texts of each table, and its number if it is one of several.
    fn fill(&mut self, tables: &mut Table<'_>, groups: &Groups) {
        let numbered = groups.values().flat_map(|names| names.iter().zip(1..));
        let numbers: HashMap<&str, usize> = numbered.map(|(name, number)| (name.as_str(), number)).collect();
        for (key, node) in &mut tables.entries {
            self.fill_value(node, &key.name, numbers.get(key.name.as_ref()).copied());
        }
    }

    fn fill_value(&mut self, node: &mut Node<'_>, name: &str, number: Option<usize>) {
        match &mut node.value {
            Value::String(text) if text.contains(SELF) => {
                let longer = text.matches(SELF).count().saturating_mul(name.len());
                if !self.may_copy(longer.saturating_add(text.len()) as u64, node.span) {
                    node.value = Value::Refused;
                    return;
                }
                match filled(text, name, number) {
                    Ok(filled) => *text = Cow::Owned(filled),
                    Err(wrong) => {
                        let title = format!("invalid reference `{}`", shown(&wrong));
                        let help = if number.is_some() {
                            "write `${self.number}`, or `${self.number+8080}` for the number plus 8080"
                        } else {
                            "set `instances`: only instances have a number"
                        };
                        self.diagnostics.push(Diagnostic::new("invalid-reference", title, node.span).help(help));
                        node.value = Value::Refused;
                    }
                }
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.fill_value(item, name, number)),
            Value::Table(table) => table.entries.iter_mut().for_each(|(_, node)| self.fill_value(node, name, number)),
            _ => {}
        }
    }
}

/// A text with `${self}`, `${self.<port>}`, `${self.number}` and `${self.number+<integer>}` replaced, or the reference that
/// is none.
fn filled(text: &str, name: &str, number: Option<usize>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // Up to the next reference, so that the cost is linear.
        let inner = rest.strip_prefix(SELF).and_then(|inner| Some(inner.split_at(inner.find(['}', '$'])?)));
        match inner.and_then(|(path, after)| Some((path, after.strip_prefix('}')?))) {
            Some(("", after)) => {
                out.push_str(name);
                rest = after;
            }
            Some((path, after)) if path.starts_with('.') => {
                match path
                    .strip_prefix(".number")
                    .filter(|more| !more.starts_with(|c: char| c == '-' || c.is_alphanumeric()))
                {
                    None => out.extend(["${", name, path, "}"]),
                    Some(more) => match number.and_then(|number| counted(more, number)) {
                        Some(number) => out.push_str(&number.to_string()),
                        None => return Err(format!("{SELF}{path}}}")),
                    },
                }
                rest = after;
            }
            // `$$` is a dollar.
            _ => {
                let length = if rest.starts_with("$$") { 2 } else { 1 };
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    Ok(out + rest)
}

/// A number plus what is behind it.
fn counted(more: &str, number: usize) -> Option<usize> {
    match more.strip_prefix('+') {
        None => more.is_empty().then_some(number),
        Some(more) if more.bytes().all(|byte| byte.is_ascii_digit()) => number.checked_add(more.parse().ok()?),
        Some(_) => None,
    }
}

fn text_of<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    if let Value::String(text) = &node.value { Some(text) } else { None }
}

/// Puts several items in the place of one.
fn replace<T>(items: &mut Vec<T>, others: impl Fn(&T) -> Option<Vec<T>>) {
    *items = mem::take(items).into_iter().flat_map(|item| others(&item).unwrap_or_else(|| vec![item])).collect();
}
