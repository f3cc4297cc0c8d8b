//! Profiles: the base, with keys added, changed or removed.

use std::borrow::Cow;
use std::collections::HashMap;

use super::compose::{self, Assignment};
use super::decode::{Context, Decode, Spanned, expected, shown};
use super::tree::{Key, Node, Table, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// One profile: its name and what it changes.
#[derive(Debug, Clone)]
pub struct Profile<'s> {
    /// Its name: a folder of the outputs.
    pub name: Spanned<String>,
    remove: Vec<Spanned<String>>,
    overlay: Table<'s>,
}

/// Reads `[profiles]`.
pub fn read<'s>(entry: Option<(Key<'s>, Node<'s>)>, cx: &mut Context<'_>) -> Vec<Profile<'s>> {
    let Some((_, node)) = entry else { return Vec::new() };
    let Some(profiles) = super::decode::table_of(node, "a table of profiles", cx) else {
        return Vec::new();
    };
    profiles.entries.into_iter().filter_map(|(key, node)| one(&key, node, cx)).collect()
}

fn one<'s>(key: &Key<'s>, node: Node<'s>, cx: &mut Context<'_>) -> Option<Profile<'s>> {
    let mut overlay = super::decode::table_of(node, "a profile", cx)?;
    let remove = match overlay.take("remove") {
        None => Vec::new(),
        Some((_, node)) => Vec::decode(node, cx)?,
    };
    for reserved in ["profiles", "include"] {
        if let Some((key, _)) = overlay.take(reserved) {
            cx.diagnostics.push(
                Diagnostic::new("unknown-key", format!("a profile cannot change `{reserved}`"), key.span)
                    .help("move it to the top of the spec"),
            );
        }
    }
    let name = Spanned { value: key.name.clone().into_owned(), span: key.span };
    Some(Profile { name, remove, overlay })
}

impl<'s> Profile<'s> {
    /// What it removes: dotted paths.
    pub fn removed(&self) -> Vec<Spanned<String>> {
        self.remove.clone()
    }

    /// Applies the profile to the base: first what it removes, then what it adds or changes.
    pub fn apply(self, mut base: Table<'s>, diagnostics: &mut Diagnostics) -> Table<'s> {
        for path in &self.remove {
            remove(&mut base, path, path.span, diagnostics);
        }
        merge("", &mut base, self.overlay, diagnostics);
        base
    }
}

fn remove(base: &mut Table<'_>, path: &str, span: Span, diagnostics: &mut Diagnostics) {
    // The tree is of no use any more.
    if diagnostics.is_full() {
        return;
    }
    let mut table = base;
    let mut steps = path.split('.').peekable();
    while let Some(step) = steps.next() {
        let missing = |table: &Table<'_>, diagnostics: &Diagnostics| {
            Diagnostic::new("nothing-to-remove", format!("cannot remove unknown key `{}`", shown(path)), span)
                .at(format!("`{}` does not exist", shown(step)))
                .suggest_of(diagnostics, step, table.entries.iter().map(|(key, _)| key.name.as_ref()), || {
                    expected(table.entries.iter().map(|(key, _)| key.name.as_ref()))
                })
        };
        let Some(index) = table.entries.iter().position(|(key, _)| key.name == step) else {
            let missing = missing(table, diagnostics);
            diagnostics.push(missing);
            return;
        };
        if steps.peek().is_none() {
            table.entries.remove(index);
            return;
        }
        let Value::Table(inner) = &mut table.entries[index].1.value else {
            diagnostics.push(
                Diagnostic::new("nothing-to-remove", format!("cannot remove unknown key `{}`", shown(path)), span)
                    .at(format!("`{}` is not a table", shown(step)))
                    .help(format!("remove or change `{}` itself", shown(step))),
            );
            return;
        };
        table = inner;
    }
}

/// How an item of one of Compose's lists is written as an entry of the table that the key also accepts.
#[derive(Clone, Copy)]
enum Items {
    /// `NAME=value`, with one of these signs.
    Assignments(&'static [char]),
    /// Like that, and a name alone has an empty value.
    Labels,
    /// A name, without options.
    Names,
    /// Only `gen` has a table for the key.
    Apart,
}

fn items_of(key: &str) -> Option<Items> {
    match key {
        "environment" | "args" | "sysctls" | "additional_contexts" | "ssh" => Some(Items::Assignments(&['='])),
        "extra_hosts" => Some(Items::Assignments(&['=', ':'])),
        "labels" | "annotations" => Some(Items::Labels),
        "depends_on" | "networks" | "models" => Some(Items::Names),
        "ports" => Some(Items::Apart),
        _ => None,
    }
}

/// The key of a table that a value stands for, if it is written without the table; `above` is the table's own key.
fn short_for(above: &str, key: &str) -> Option<&'static str> {
    match (above, key) {
        ("ports", _) => Some("published"),
        ("depends_on", _) => Some("condition"),
        ("images", _) => Some("reference"),
        (_, "build") => Some("context"),
        (_, "extends") => Some("service"),
        _ => None,
    }
}

/// Merges tables key by key, and replaces anything else. A list or a short form counts as the table that it stands for.
fn merge<'s>(above: &str, base: &mut Table<'s>, overlay: Table<'s>, diagnostics: &mut Diagnostics) {
    let places = base.places();
    for (key, node) in overlay.entries {
        match places.get(key.name.as_ref()).and_then(|&place| base.entries.get_mut(place)) {
            None => base.entries.push((key, node)),
            Some((existing, old)) => match (as_table(above, &key, old, &node, diagnostics), node.value) {
                (Some(mut old_table), Value::Table(new)) => {
                    merge(&key.name, &mut old_table, new, diagnostics);
                    old.value = Value::Table(old_table);
                }
                (_, value) => {
                    existing.span = key.span;
                    *old = Node { span: node.span, value };
                }
            },
        }
    }
}

/// The old value as a table, if a table is merged into it; reports a list that has no such form.
fn as_table<'s>(
    above: &str,
    key: &Key<'s>,
    old: &mut Node<'s>,
    new: &Node<'s>,
    diagnostics: &mut Diagnostics,
) -> Option<Table<'s>> {
    let Value::Table(new) = &new.value else { return None };
    match &mut old.value {
        Value::Table(table) => Some(std::mem::take(table)),
        Value::List(items) => {
            let form = items_of(&key.name)?;
            let replaced = new.places();
            let mut places: HashMap<String, usize> = HashMap::with_capacity(items.len());
            let mut table = Table::default();
            for item in items {
                match entry(item, form) {
                    Ok((key, None)) if replaced.contains_key(key.name.as_ref()) => {}
                    Ok((key, Some(node))) => {
                        let place = *places.entry(key.name.clone().into_owned()).or_insert(table.entries.len());
                        match table.entries.get_mut(place) {
                            Some((_, first)) => also(first, node),
                            None => table.entries.push((key, node)),
                        }
                    }
                    Ok((_, None)) | Err(()) => {
                        let title = format!("a profile cannot add to the list `{}` of the base", shown(&key.name));
                        diagnostics.push(
                            Diagnostic::new("list-in-base", title, key.span)
                                .at("a table")
                                .also(item.span, "cannot be an entry of a table")
                                .help(
                                    "write it as a table in the base, or as a list here, which replaces the whole list",
                                ),
                        );
                        return None;
                    }
                }
            }
            Some(table)
        }
        _ => {
            let name = short_for(above, &key.name)?.into();
            let value = std::mem::replace(&mut old.value, Value::Refused);
            Some(Table { entries: vec![(Key { span: old.span, name }, Node { span: old.span, value })] })
        }
    }
}

/// An item of a list as an entry of a table; `None` for a value that a table can't express.
fn entry<'s>(item: &Node<'s>, form: Items) -> Result<(Key<'s>, Option<Node<'s>>), ()> {
    let Value::String(text) = &item.value else { return Err(()) };
    let plain = |name: &str, value: Value<'s>| {
        let key = Key { span: item.span, name: Cow::Owned(name.to_owned()) };
        Ok((key, Some(Node { span: item.span, value })))
    };
    let signs = match form {
        Items::Names => return plain(text, Value::Table(Table::default())),
        Items::Labels => &['='],
        Items::Assignments(signs) => signs,
        Items::Apart => return Err(()),
    };
    let Assignment { name, value } = compose::split(text, item.span, signs);
    let key = Key { span: name.span, name: Cow::Owned(name.value) };
    match value {
        Some((value, span)) => Ok((key, Some(Node { span, value: Value::String(Cow::Owned(value.to_owned())) }))),
        None if matches!(form, Items::Labels) => plain(text, Value::String(Cow::Borrowed(""))),
        None => Ok((key, None)),
    }
}

/// Adds a value to that of the same name: a host has several addresses.
fn also<'s>(first: &mut Node<'s>, node: Node<'s>) {
    if let Value::List(all) = &mut first.value {
        all.push(node);
    } else {
        let one = Node { span: first.span, value: std::mem::replace(&mut first.value, Value::Refused) };
        first.value = Value::List(vec![one, node]);
    }
}
