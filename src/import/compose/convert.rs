//! A Compose file's tree as that of a spec: what YAML has and TOML lacks, and the forms of variables.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::Kind;
use super::interpolation::{Changed, Variable, braced};
use super::yaml::{At, Change};
use crate::diagnostic::Span;
use crate::spec::merge::{SERVICE, as_assignments, has_bare_name};
use crate::spec::tree::{Node, Table, Value};

/// What a conversion says.
#[derive(Debug, Default)]
pub struct Found {
    /// The variables, in order, with those that are there several times.
    pub variables: Vec<Variable>,
    /// References that are about variables that are set, as they were and as they are: about those that are not empty.
    pub softened: Vec<(Span, Changed)>,
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
const EMPTY: [&str; 4] = ["annotations", "driver_opts", "labels", "options"];

/// Mappings whose values are texts, also if they look like numbers.
const TEXTS: [&str; 8] =
    ["annotations", "args", "driver_opts", "environment", "labels", "options", "storage_opt", "sysctls"];

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
        Value::Float(number) if TEXTS.contains(&above) => Value::String(Cow::Owned(formatted(number))),
        // A service may be called `environment`, or a network `labels`.
        Value::Table(table) => {
            Value::Table(self::table(if NAMED.contains(&above) || above == SERVICE { "" } else { key }, table, found))
        }
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
            Some(mut value) => {
                if name != SERVICE && PASSED.contains(&&*key.name) && has_bare_name(&value) {
                    as_assignments(&mut value);
                }
                entries.push((key, value));
            }
            None if PASSED.contains(&name) => entries.push((key, Node { span, value: Value::Absent })),
            None if NAMED.contains(&name) => {
                entries.push((key, Node { span, value: Value::Table(Table::default()) }));
            }
            None => {}
        }
    }
    Table { entries }
}

/// A number as Compose writes it into a text: Go's `%v`.
fn formatted(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let shortest = format!("{number:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

fn string(text: &str, span: Span, found: &mut Found) -> String {
    let braced = braced(text);
    found.variables.extend(braced.variables);
    found.softened.extend(braced.changed.into_iter().map(|changed| (span, changed)));
    for text in braced.refused {
        let what = format!("a spec has no form for `{text}`; write the value, or declare its default in [env]");
        found.notes.push((Kind::Lost, span, what));
    }
    braced.text
}
