//! A Compose file's tree as that of a spec: what YAML has and TOML lacks, and the forms of variables.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::Kind;
use super::interpolation::{Variable, braced};
use super::yaml::{At, Change, at};
use crate::diagnostic::Span;
use crate::spec::tree::{Key, Node, Table, Value};

/// What a conversion says.
#[derive(Debug, Default)]
pub struct Found {
    /// The variables, in order, with those that are there several times.
    pub variables: Vec<Variable>,
    /// What is not in the result, or differs.
    pub notes: Vec<(Kind, Span, String)>,
    /// The values that have a tag of Compose.
    pub changes: HashMap<At, Change>,
    /// The values that aliases stand for.
    pub aliased: HashSet<At>,
}

/// Keys of mappings in which a name without a value stands for the value of the environment.
const PASSED: [&str; 2] = ["environment", "args"];

/// Tables whose entries may have no value: then they have their defaults.
const NAMED: [&str; 6] = ["volumes", "networks", "secrets", "configs", "models", "depends_on"];

/// Mappings in which a name without a value has an empty one.
const EMPTY: [&str; 2] = ["labels", "annotations"];

/// Converts a value at a key of a table.
pub fn node(above: &str, key: &str, node: Node<'static>, found: &mut Found) -> Option<Node<'static>> {
    let span = node.span;
    let value = match node.value {
        // A label without a value is empty.
        Value::Absent if EMPTY.contains(&above) => Value::String(Cow::Borrowed("")),
        Value::Absent => return None,
        Value::String(text) => Value::String(Cow::Owned(string(&text, span, found))),
        Value::List(items) => {
            Value::List(items.into_iter().filter_map(|item| self::node("", "", item, found)).collect())
        }
        Value::Table(table)
            if PASSED.contains(&key) && table.entries.iter().any(|(_, node)| node.value == Value::Absent) =>
        {
            Value::List(table.entries.into_iter().map(|entry| assignment(entry, found)).collect())
        }
        Value::Table(table) => Value::Table(self::table(key, table, found)),
        other => other,
    };
    Some(Node { span, value })
}

/// Converts the table of a key.
pub fn table(name: &str, table: Table<'static>, found: &mut Found) -> Table<'static> {
    let mut entries = Vec::new();
    for (key, value) in table.entries {
        let span = value.span;
        match node(name, &key.name, value, found) {
            Some(value) => entries.push((key, value)),
            None if NAMED.contains(&name) || found.changes.contains_key(&at(span)) => {
                entries.push((key, Node { span, value: Value::Table(Table::default()) }));
            }
            None => {}
        }
    }
    Table { entries }
}

/// `NAME`, or `NAME=value`.
fn assignment((key, node): (Key<'static>, Node<'static>), found: &mut Found) -> Node<'static> {
    let text = match node.value {
        Value::Absent => key.name.into_owned(),
        value => format!("{}={}", key.name, string(&value.written(), node.span, found)),
    };
    Node { span: key.span, value: Value::String(Cow::Owned(text)) }
}

fn string(text: &str, span: Span, found: &mut Found) -> String {
    let braced = braced(text);
    found.variables.extend(braced.variables);
    for (before, after) in braced.changed {
        let what = format!("`{before}` is `{after}` now: an empty variable counts as one that is not set");
        found.notes.push((Kind::Converted, span, what));
    }
    for text in braced.refused {
        found.notes.push((Kind::Lost, span, format!("`{text}` is not a reference to a variable")));
    }
    braced.text
}
