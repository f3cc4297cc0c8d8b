//! What a document takes away from the files before it: `!reset`, `!override`, and `null` where Compose replaces a value
//! (`loader/reset.go` and `override/merge.go` of compose-go).

use std::collections::HashMap;

use super::yaml::{At, Change, at};
use crate::spec::merge::SERVICE;
use crate::spec::tree::{Node, Table, Value};

/// The keys whose earlier values are gone.
#[derive(Debug, Default, Clone)]
pub(super) struct Removed {
    is_whole: bool,
    below: HashMap<String, Self>,
}

/// Lists of which Compose makes mappings before it reads the next file (`transform/canonical.go`).
const MAPPED: [&str; 3] = ["depends_on", "models", "networks"];

/// Mappings of which Compose makes lists when it merges two (`mergeToSequence`).
const LISTED: [&str; 4] = ["annotations", "environment", "labels", "sysctls"];

/// Whether the entries come from several files.
fn is_merged(table: &Table<'_>) -> bool {
    let mut files = table.entries.iter().map(|(key, _)| key.span.file);
    files.next().is_some_and(|first| files.any(|file| file != first))
}

/// Whether a key replaces its earlier value even if it has none.
fn is_replaced(path: &[&str]) -> bool {
    matches!(path, [SERVICE, _, "command" | "entrypoint"] | [SERVICE, _, "healthcheck", "test"])
}

impl Removed {
    /// Takes what is reset out of a document.
    pub fn take(document: &mut Table<'static>, changes: &HashMap<At, Change>) -> Self {
        let mut removed = Self::default();
        removed.table(document, &[], changes);
        removed
    }

    fn table(&mut self, table: &mut Table<'static>, path: &[&str], changes: &HashMap<At, Change>) {
        table.entries.retain_mut(|(key, node)| {
            let path = [path, &[key.name.as_ref()]].concat();
            let change = changes.get(&at(node.span));
            let mut below = Self::default();
            if change.is_some() || (matches!(node.value, Value::Absent) && is_replaced(&path)) {
                below.is_whole = true;
            } else {
                below.value(&mut node.value, &path, changes);
            }
            if below.is_whole || !below.below.is_empty() {
                self.below.insert(key.name.clone().into_owned(), below);
            }
            change != Some(&Change::Reset)
        });
    }

    fn value(&mut self, value: &mut Value<'static>, path: &[&str], changes: &HashMap<At, Change>) {
        match value {
            Value::Table(table) => self.table(table, path, changes),
            Value::List(items) => {
                items.retain(|item| changes.get(&at(item.span)) != Some(&Change::Reset));
                // Nothing in an item of an earlier list can be named.
                for item in items {
                    Self::default().value(&mut item.value, &[], changes);
                }
            }
            _ => {}
        }
    }

    /// What is removed below a key.
    pub fn below(&self, key: &str) -> Option<&Self> {
        self.below.get(key)
    }

    /// Removes the earlier values.
    pub fn apply(&self, earlier: &mut Table<'static>) {
        if self.below.is_empty() {
            return;
        }
        let is_gone = |name: &str| self.below(name).is_some_and(|removed| removed.is_whole);
        earlier.entries.retain(|(key, _)| !is_gone(&key.name));
        for (key, node) in &mut earlier.entries {
            match (self.below(&key.name), &mut node.value) {
                // Of a mapping that was merged, Compose has a list by now.
                (Some(_), Value::Table(table)) if LISTED.contains(&&*key.name) && is_merged(table) => {}
                (Some(removed), Value::Table(table)) => removed.apply(table),
                (Some(removed), Value::List(items)) if MAPPED.contains(&&*key.name) => {
                    items.retain(|item| !removed.has_item(item));
                }
                _ => {}
            }
        }
    }

    /// Removes values from what is included, of which the names in sections stay.
    pub fn apply_below_names(&self, included: &mut Table<'static>) {
        for (section, node) in &mut included.entries {
            let (Some(removed), Value::Table(entries)) = (self.below(&section.name), &mut node.value) else { continue };
            for (name, node) in &mut entries.entries {
                if let (Some(removed), Value::Table(entry)) = (removed.below(&name.name), &mut node.value) {
                    removed.apply(entry);
                }
            }
        }
    }

    fn has_item(&self, item: &Node<'static>) -> bool {
        let Value::String(text) = &item.value else { return false };
        self.below(text).is_some_and(|removed| removed.is_whole)
    }
}
