//! Profiles: the base, with keys added, changed or removed.

use super::decode::{Context, Decode, Spanned, expected, shown};
use super::merge::{self, Lists};
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
    let folders = ["generated", "terraform"];
    let named = folders.iter().filter_map(|name| overlay.at(&["outputs", name]));
    let is_folder = |path: &&Spanned<String>| match path.strip_prefix("outputs") {
        Some(rest) => rest.is_empty() || folders.iter().any(|name| rest.strip_prefix('.') == Some(name)),
        None => false,
    };
    for span in named.map(|node| node.span).chain(remove.iter().filter(is_folder).map(|path| path.span)) {
        cx.diagnostics.push(
            Diagnostic::new("unknown-key", "a profile cannot change the folders of the outputs", span)
                .help("name them in `[outputs]`: each profile has its own folder there"),
        );
    }
    let name = Spanned { value: key.name.clone().into_owned(), span: key.span };
    Some(Profile { name, remove, overlay })
}

impl<'s> Profile<'s> {
    /// What it removes: dotted paths.
    pub fn removed(&self) -> Vec<Spanned<String>> {
        self.remove.clone()
    }

    /// Whether it changes or removes something of a table of the spec.
    pub fn changes(&self, table: &str) -> bool {
        let is_in = |path: &str| path.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.overlay.at(&[table]).is_some() || self.remove.iter().any(|path| is_in(path))
    }

    /// Applies the profile to the base: first what it removes, then what it adds or changes.
    pub fn apply(self, mut base: Table<'s>, diagnostics: &mut Diagnostics) -> Table<'s> {
        for path in &self.remove {
            remove(&mut base, path, path.span, diagnostics);
        }
        merge::merge("", &mut base, self.overlay, Lists::Replaced, diagnostics);
        base
    }
}

/// Whether an item of a list is meant: the whole of it, its name, or what it is about.
fn is_item(item: &Node<'_>, wanted: &str) -> bool {
    match &item.value {
        Value::String(text) => {
            text == wanted || text.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(['=', ':']))
        }
        Value::Table(table) => ["name", "source", "path", "target"]
            .iter()
            .any(|key| table.at(&[key]).is_some_and(|node| node.value.written() == wanted)),
        other => other.written() == wanted,
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
        if let Value::List(items) = &mut table.entries[index].1.value {
            let rest = steps.collect::<Vec<_>>().join(".");
            if let Some(place) = items.iter().position(|item| is_item(item, &rest)) {
                items.remove(place);
                return;
            }
            diagnostics.push(
                Diagnostic::new("nothing-to-remove", format!("cannot remove unknown item `{}`", shown(path)), span)
                    .at(format!("`{}` has no item `{}`", shown(step), shown(&rest)))
                    .help("write an item as the list has it, or the part before its first `=` or `:`"),
            );
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
