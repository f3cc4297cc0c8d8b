//! Description to text, laid out as a person would write it.
//!
//! A value is on the line of its key if it fits. A longer table becomes dotted keys, a longer list has one item per line,
//! and so do the lists of tables in `EACH_A_LINE`, so that one more query or override is one more line in a diff.

use std::fmt::Write as _;

use toml_writer::{ToTomlKey as _, ToTomlValue as _, TomlKeyBuilder, TomlStringBuilder};

use super::{Description, Panel};
use crate::shown::is_obeyed;

/// A line with a table or a list is not longer than this if taking the value apart can help.
const WIDTH: usize = 120;

/// Lists of tables in which every item has a line of its own, however short.
const EACH_A_LINE: &[&str] = &["queries", "overrides", "transformations", "links", "data_links", "mappings"];

/// Strings that are code in another language: always literal, whether they have quotes or not.
const CODE: &[&str] = &["expr"];

/// A value of the description.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite number with a fraction or too large for an integer.
    Float(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Item>),
    /// A table.
    Table(Table),
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Item {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Item {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Item {
    fn from(integer: i64) -> Self {
        Self::Int(integer)
    }
}

impl From<Table> for Item {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl<T: Into<Item>> From<Vec<T>> for Item {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

/// Keys and values in the order in which they are written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    entries: Vec<(String, Item)>,
}

impl Table {
    /// Sets a key.
    pub fn put(&mut self, key: impl Into<String>, item: impl Into<Item>) {
        let (key, item) = (key.into(), item.into());
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some(entry) => entry.1 = item,
            None => self.entries.push((key, item)),
        }
    }

    /// Sets a key if there is a value.
    pub fn put_some(&mut self, key: &str, item: Option<impl Into<Item>>) {
        if let Some(item) = item {
            self.put(key, item);
        }
    }

    /// Adds a key that is known to be new: for tables that mirror a map, which may be large.
    pub fn push(&mut self, key: String, item: Item) {
        self.entries.push((key, item));
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Item> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, item)| item)
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Item> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(index).1)
    }

    /// The entries in order.
    pub fn into_entries(self) -> impl Iterator<Item = (String, Item)> {
        self.entries.into_iter()
    }

    /// The keys and their values, in order, as they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.entries.iter().map(|(key, item)| (key.as_str(), item))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Brings the keys into the order of a table's description.
    pub(super) fn arrange(&mut self, table: &'static crate::spec::grafana::Table) {
        let words: Vec<&str> = table.keys().map(|(_, key)| key.word).collect();
        self.entries.sort_by_key(|(key, _)| words.iter().position(|word| word == key));
    }
}

impl IntoIterator for Table {
    type Item = (String, Item);
    type IntoIter = std::vec::IntoIter<(String, Item)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// The text of a dashboard's file.
pub fn text(description: &Description) -> String {
    let mut out = String::new();
    body(&mut out, &description.keys);
    for (name, table) in &description.variables {
        section(&mut out, &format!("variables.{}", key(name)), table);
    }
    for (name, table) in &description.annotations {
        section(&mut out, &format!("annotations.{}", quoted(name)), table);
    }
    panels(&mut out, "", &description.panels);
    for row in &description.rows {
        let header = format!("rows.{}", quoted(&row.name));
        // A header of its own keeps rows in order and lets a reader see where one begins.
        section(&mut out, &header, &row.keys);
        panels(&mut out, &format!("{header}."), &row.panels);
    }
    out
}

/// The name of a table in its header.
pub(super) fn path(names: &[impl AsRef<str>]) -> String {
    let titled = |place: usize| {
        let above = |word: &str| names.get(place.wrapping_sub(1)).is_some_and(|name| name.as_ref() == word);
        matches!(place, 1 | 3) && (above("panels") || above("rows") || above("annotations"))
    };
    let name = |(place, name): (usize, &_)| {
        let name = AsRef::<str>::as_ref(name);
        if titled(place) { quoted(name) } else { key(name) }
    };
    names.iter().enumerate().map(name).collect::<Vec<_>>().join(".")
}

/// A table with its header.
pub(super) fn table(header: &str, keys: &Table) -> String {
    let mut out = format!("[{header}]\n");
    body(&mut out, keys);
    out
}

/// The lines of a key, which may be dotted.
pub(super) fn entries(path: &[&str], item: &Item) -> String {
    let mut out = String::new();
    let name = path.last().copied().unwrap_or_default();
    entry(&mut out, &path.iter().map(|name| key(name)).collect::<Vec<_>>().join("."), name, item);
    out
}

/// A value as it stands behind its key: on one line, or a list of lines.
pub(crate) fn assigned(name: &str, item: &Item) -> String {
    let mut out = String::new();
    if let Item::List(_) = item {
        entry(&mut out, "", name, item);
        return out.trim_start_matches(" = ").trim_end().to_owned();
    }
    value(&mut out, name, item);
    out
}

fn panels(out: &mut String, prefix: &str, panels: &[Panel]) {
    for panel in panels {
        section(out, &format!("{prefix}panels.{}", quoted(&panel.name)), &panel.keys);
    }
}

fn section(out: &mut String, header: &str, table: &Table) {
    let _ = writeln!(out, "\n[{header}]");
    body(out, table);
}

fn body(out: &mut String, table: &Table) {
    for (name, item) in table.iter() {
        entry(out, &key(name), name, item);
    }
}

/// A key with its value: on one line, as a list of lines or as dotted keys.
fn entry(out: &mut String, path: &str, name: &str, item: &Item) {
    let each = EACH_A_LINE.contains(&name);
    let lines = |items: &[Item]| each && items.len() > 1 && items.iter().any(|item| matches!(item, Item::Table(_)));
    if !matches!(item, Item::List(items) if lines(items)) {
        let mut inline = String::new();
        value(&mut inline, name, item);
        let longest = inline.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        let fits = path.chars().count() + 3 + longest <= WIDTH;
        let whole = match item {
            Item::Table(table) => table.is_empty(),
            Item::List(items) => items.is_empty(),
            _ => true,
        };
        if fits || whole {
            let _ = writeln!(out, "{path} = {inline}");
            return;
        }
    }
    match item {
        Item::Table(table) => {
            for (name, item) in table.iter() {
                entry(out, &format!("{path}.{}", key(name)), name, item);
            }
        }
        Item::List(items) => {
            let _ = writeln!(out, "{path} = [");
            for item in items {
                out.push_str("  ");
                value(out, name, item);
                out.push_str(",\n");
            }
            out.push_str("]\n");
        }
        // Other values can't be split.
        _ => {}
    }
}

fn value(out: &mut String, name: &str, item: &Item) {
    match item {
        Item::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Item::Int(integer) => {
            let _ = write!(out, "{integer}");
        }
        // The debug form always has a point or an exponent, without which TOML would read an integer.
        Item::Float(number) => {
            let _ = write!(out, "{number:?}");
        }
        Item::Text(text) => string(out, text, CODE.contains(&name) || name == "queries"),
        Item::List(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                value(out, name, item);
            }
            out.push(']');
        }
        Item::Table(table) if table.is_empty() => out.push_str("{}"),
        Item::Table(table) => {
            out.push_str("{ ");
            for (position, (name, item)) in table.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                out.push_str(&key(name));
                out.push_str(" = ");
                value(out, name, item);
            }
            out.push_str(" }");
        }
    }
}

fn string(out: &mut String, text: &str, code: bool) {
    let builder = TomlStringBuilder::new(text);
    if text.contains(is_raw) {
        return out.push_str(&escaped(&builder.as_basic().to_toml_value()));
    }
    let written = if text.contains('\n') {
        // One that ends in quotes or holds control characters can't be a literal.
        builder.as_ml_literal().or_else(|| builder.as_ml_basic_pretty()).unwrap_or_else(|| builder.as_ml_basic())
    } else if code {
        builder.as_literal().unwrap_or_else(|| builder.as_default())
    } else {
        builder.as_default()
    };
    out.push_str(&written.to_toml_value());
}

/// A key, quoted if it must be.
fn key(name: &str) -> String {
    let builder = TomlKeyBuilder::new(name);
    if name.contains(is_raw) { escaped(&builder.as_basic().to_toml_key()) } else { builder.as_default().to_toml_key() }
}

/// Whether TOML has a character as it is that a terminal or an editor obeys.
fn is_raw(c: char) -> bool {
    is_obeyed(c) && !c.is_control()
}

/// A basic string without characters that a terminal or an editor would obey.
fn escaped(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    for c in written.chars() {
        if is_raw(c) {
            let _ = write!(out, "\\U{:08X}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// A key that is a title: always quoted, so that all of them look alike.
fn quoted(name: &str) -> String {
    if name.contains(is_raw) {
        return key(name);
    }
    let builder = TomlKeyBuilder::new(name);
    builder.as_basic_pretty().or_else(|| builder.as_literal()).unwrap_or_else(|| builder.as_basic()).to_toml_key()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item() -> impl Strategy<Value = Item> {
        let text = crate::lit::hostile::string;
        let leaf = prop_oneof![
            any::<bool>().prop_map(Item::Bool),
            any::<i64>().prop_map(Item::Int),
            proptest::num::f64::NORMAL.prop_map(Item::Float),
            text().prop_map(Item::Text),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Item::List),
                proptest::collection::vec((text(), inner), 0..5).prop_map(|entries| {
                    let mut table = Table::default();
                    for (key, item) in entries {
                        table.put(key, item);
                    }
                    Item::Table(table)
                }),
            ]
        })
    }

    fn same(item: &Item, read: &toml::Value) -> bool {
        match (item, read) {
            (Item::Bool(a), toml::Value::Boolean(b)) => a == b,
            (Item::Int(a), toml::Value::Integer(b)) => a == b,
            (Item::Float(a), toml::Value::Float(b)) => a.to_bits() == b.to_bits(),
            (Item::Text(a), toml::Value::String(b)) => a == b,
            (Item::List(a), toml::Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Item::Table(a), toml::Value::Table(b)) => {
                a.len() == b.len() && a.iter().all(|(key, item)| b.get(key).is_some_and(|read| same(item, read)))
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in crate::lit::hostile::string(), item in item()) {
            let mut keys = Table::default();
            keys.put(name, item);
            let text = text(&Description { keys: keys.clone(), ..Description::default() });
            let read: toml::Table = match toml::from_str(&text) {
                Ok(read) => read,
                Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}"))),
            };
            prop_assert!(same(&Item::Table(keys), &toml::Value::Table(read)), "{}", text);
        }
    }

    #[test]
    fn a_long_table_is_taken_apart_and_a_long_list_too() {
        let mut inner = Table::default();
        inner.put("wordy", "x".repeat(60));
        inner.put("list", vec!["y".repeat(60), "z".repeat(60)]);
        let mut keys = Table::default();
        keys.put("custom", inner);
        keys.put("queries", "up");
        let expected = format!(
            "custom.wordy = \"{}\"\ncustom.list = [\n  \"{}\",\n  \"{}\",\n]\nqueries = 'up'\n",
            "x".repeat(60),
            "y".repeat(60),
            "z".repeat(60)
        );
        assert_eq!(text(&Description { keys, ..Description::default() }), expected);
    }
}
