//! A JSON object that is taken apart key by key: what is left at the end was not understood.

use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::note::{Kind, Notes};
use super::toml::{Item, Table};
use crate::resolve::dashboards::interpolation::escaped;

/// Values of a file may be nested this deeply. Parsers of TOML have a limit of their own, 80 for the one used here.
const DEEPEST: usize = 56;

/// A JSON object, its place and its path.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    pub map: Map<String, Value>,
    pub path: String,
    pub place: Rc<str>,
    pub notes: &'a Notes,
}

impl<'a> Object<'a> {
    pub fn new(map: Map<String, Value>, path: impl Into<String>, place: &str, notes: &'a Notes) -> Self {
        Self { map, path: path.into(), place: place.into(), notes }
    }

    /// The same object with another place, once a panel's name is known.
    pub fn named(mut self, place: &str) -> Self {
        self.place = place.into();
        self
    }

    pub fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    pub fn note(&self, kind: Kind, key: &str, message: impl Into<String>) {
        let path = if key.is_empty() { self.path.clone() } else { self.path_of(key) };
        self.notes.add(kind, &self.place, &path, message);
    }

    /// Takes a value; null is nothing.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) {
        self.note(Kind::Dropped, key, format!("expected {expected}, found {}", described(found)));
    }

    /// Takes an object; an empty one if it is missing.
    pub fn object(&mut self, key: &str) -> Self {
        let map = match self.take(key) {
            Some(Value::Object(map)) => map,
            None => Map::new(),
            Some(other) => {
                self.wrong(key, "an object", &other);
                Map::new()
            }
        };
        Self { map, path: self.path_of(key), place: self.place.clone(), notes: self.notes }
    }

    /// Takes a list; an empty one if it is missing.
    pub fn list(&mut self, key: &str) -> Vec<Value> {
        match self.take(key) {
            Some(Value::Array(items)) => items,
            None => Vec::new(),
            Some(other) => {
                self.wrong(key, "a list", &other);
                Vec::new()
            }
        }
    }

    /// Takes a list of objects.
    pub fn objects(&mut self, key: &str) -> Vec<Self> {
        let path = self.path_of(key);
        let items = self.list(key);
        let mut objects = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            objects.extend(self.child(item, format!("{path}[{index}]")));
        }
        objects
    }

    /// A value as an object at a path of its own.
    pub fn child(&self, value: Value, path: String) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, path, place: self.place.clone(), notes: self.notes }),
            Value::Null => None,
            other => {
                self.notes.add(
                    Kind::Dropped,
                    &self.place,
                    &path,
                    format!("expected an object, found {}", described(&other)),
                );
                None
            }
        }
    }

    /// Takes a string; a number or a boolean is converted.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            value @ (Value::Number(_) | Value::Bool(_)) => {
                self.note(Kind::Converted, key, format!("{} to a string", described(&value)));
                Some(value.to_string())
            }
            other => {
                self.wrong(key, "a string", &other);
                None
            }
        }
    }

    /// Takes a string that is not empty.
    pub fn filled(&mut self, key: &str) -> Option<String> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// Takes a boolean; older files hold them as strings and numbers.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.take(key)?;
        let flag = match &value {
            Value::Bool(flag) => return Some(*flag),
            Value::String(text) if text.is_empty() => return None,
            Value::String(text) if text == "true" => true,
            Value::String(text) if text == "false" => false,
            Value::Number(number) if number.as_f64() == Some(0.0) => false,
            Value::Number(number) if number.as_f64() == Some(1.0) => true,
            other => {
                self.wrong(key, "a boolean", other);
                return None;
            }
        };
        self.note(Kind::Converted, key, format!("{} to a boolean", described(&value)));
        Some(flag)
    }

    /// Takes a number; a string that holds one is converted, an empty one is nothing.
    pub fn number(&mut self, key: &str) -> Option<Number> {
        match self.take(key)? {
            Value::Number(number) => Some(number),
            Value::String(text) if text.trim().is_empty() || text == "auto" => None,
            Value::String(text) => {
                let number = parse(&text);
                match &number {
                    Some(_) => self.note(Kind::Converted, key, "a string to a number"),
                    None => self.wrong(key, "a number", &Value::String(text)),
                }
                number
            }
            other => {
                self.wrong(key, "a number", &other);
                None
            }
        }
    }

    /// Takes a number without a fraction.
    pub fn integer(&mut self, key: &str) -> Option<i64> {
        let number = self.number(key)?;
        let whole = whole(&number);
        if whole.is_none() {
            self.note(Kind::Dropped, key, format!("expected an integer, found {number}"));
        }
        whole
    }

    /// Takes keys that need no note.
    pub fn forget(&mut self, keys: &[&str]) {
        for key in keys {
            self.map.shift_remove(*key);
        }
    }

    /// Takes a key if it has the value that Grafana assumes anyway.
    pub fn forget_if(&mut self, key: &str, default: &Value) {
        if self.map.get(key).is_some_and(|value| equal(value, default)) {
            self.map.shift_remove(key);
        }
    }

    /// Drops a key with a note, unless it is empty.
    pub fn lose(&mut self, key: &str, why: &str) {
        if let Some(value) = self.take(key)
            && !empty(&value)
        {
            self.note(Kind::Dropped, key, why);
        }
    }

    /// Everything that is left, in Grafana's own names: for tables that are Grafana's own in the format too.
    pub fn own(&mut self) -> Table {
        mirror(std::mem::take(&mut self.map), &self.path, &self.place, self.notes)
    }

    /// Puts back what is left of an object that was taken.
    pub fn put_back(&mut self, key: &str, inner: Self) {
        if !inner.map.is_empty() {
            self.map.insert(key.to_owned(), Value::Object(inner.map));
        }
    }

    /// An object that holds a value below the empty key, at a path of its own.
    pub fn child_at(&self, key: &str, value: Value) -> Self {
        let map = Map::from_iter([(String::new(), value)]);
        Self { map, path: self.path_of(key), place: self.place.clone(), notes: self.notes }
    }

    /// Drops what is left of a value, with a note for each key.
    pub fn drop_rest(&mut self, key: &str) {
        let mut inner = match self.map.shift_remove(key) {
            Some(Value::Object(map)) => Self { map, path: self.path_of(key), ..self.clone() },
            _ => return,
        };
        for key in inner.map.keys().cloned().collect::<Vec<_>>() {
            inner.lose(&key, "the format has no key for it");
        }
    }

    /// A value as TOML, with notes about what can't be.
    pub fn item(&self, value: Value, path: &str) -> Option<Item> {
        item(value, path, &self.place, self.notes)
    }
}

/// Removes what a spec can't hold, before anything is read: control characters other than line breaks and tabs, and
/// what is nested too deeply. Escapes what has another meaning there.
pub(super) fn scrub(value: &mut Value, path: &str, depth: usize, notes: &Notes) {
    let drop = |path: &str, why: &str| notes.add(Kind::Dropped, "dashboard", path, why);
    escape(value);
    match value {
        Value::String(text) if text.chars().any(control) => {
            *text = text.replace("\r\n", "\n");
            if text.chars().any(control) {
                text.retain(|c| !control(c));
                drop(path, "the string's control characters");
            } else {
                notes.add(Kind::Converted, "dashboard", path, "Windows line breaks to line feeds");
            }
        }
        Value::Array(_) | Value::Object(_) if depth >= DEEPEST => {
            drop(path, &format!("nested deeper than {DEEPEST} levels"));
            *value = Value::Null;
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                scrub(item, &format!("{path}[{index}]"), depth + 1, notes);
            }
        }
        Value::Object(map) => {
            map.retain(|key, _| {
                let control = key.chars().any(control);
                if control {
                    drop(&join(path, key), "the key holds control characters");
                }
                !control
            });
            for (key, item) in map {
                scrub(item, &join(path, key), depth + 1, notes);
            }
        }
        _ => {}
    }
}

/// Escapes a `$` before a variable: in a spec, `$$name` is the literal text `$name`.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("$$") => *text = escaped(text).into_owned(),
        Value::Object(map) if map.keys().any(|key| key.contains("$$")) => {
            let entries = std::mem::take(map).into_iter();
            map.extend(entries.map(|(key, value)| (escaped(&key).into_owned(), value)));
        }
        _ => {}
    }
}

fn control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// A value as TOML. It has no null: a key without a value is left out as Grafana leaves it out, but a missing
/// item of a list is worth a note.
fn item(value: Value, path: &str, place: &str, notes: &Notes) -> Option<Item> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => Item::Bool(flag),
        Value::Number(number) => return amount(&number),
        Value::String(text) => Item::Text(text),
        Value::Array(items) => Item::List(
            items
                .into_iter()
                .enumerate()
                .filter_map(|(index, value)| {
                    let path = format!("{path}[{index}]");
                    if value.is_null() {
                        notes.add(Kind::Dropped, place, &path, "TOML has no null in a list");
                    }
                    item(value, &path, place, notes)
                })
                .collect(),
        ),
        Value::Object(map) => Item::Table(mirror(map, path, place, notes)),
    })
}

fn mirror(map: Map<String, Value>, path: &str, place: &str, notes: &Notes) -> Table {
    let mut table = Table::default();
    for (key, value) in map {
        let path = join(path, &key);
        if let Some(item) = item(value, &path, place, notes) {
            table.push(key, item);
        }
    }
    table
}

/// A value that TOML can say without losing anything.
pub(super) fn plain(value: &Value) -> Option<Item> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(number) => amount(number),
        Value::String(text) => Some(text.as_str().into()),
        Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>().map(Item::List),
        Value::Object(map) => {
            let mut table = Table::default();
            for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                table.push(key.clone(), plain(value)?);
            }
            Some(table.into())
        }
    }
}

/// Whether nothing is lost with a value.
pub(super) fn empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().all(empty),
        Value::Array(items) => items.iter().all(empty),
        Value::Bool(flag) => !flag,
        value => says_nothing(value),
    }
}

/// Null, nothing, an empty list or object: Grafana's own way to say that something isn't set.
pub(super) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether two values are the same to Grafana, for which 1 is 1.0.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// The path of a key: `a.b`, or `a["b c"]` if it is not a word.
pub(super) fn join(path: &str, key: &str) -> String {
    let word = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match (path.is_empty() || key.is_empty(), word) {
        (_, false) if key.is_empty() => path.to_owned(),
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key:?}]"),
    }
}

/// A number of JSON in a string.
pub(super) fn parse(text: &str) -> Option<Number> {
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => text.parse::<f64>().ok().and_then(Number::from_f64),
    }
}

/// A number without a fraction, of a size that a JavaScript number holds exactly.
#[expect(clippy::cast_possible_truncation, reason = "checked against the limits")]
pub(super) fn whole(number: &Number) -> Option<i64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| {
        let number = number.as_f64()?;
        (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(number as i64)
    })
}

pub(super) fn amount(number: &Number) -> Option<Item> {
    match whole(number) {
        Some(integer) => Some(Item::Int(integer)),
        None => number.as_f64().filter(|number| number.is_finite()).map(Item::Float),
    }
}

/// What a value is, for a message.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let mut short: String = text.chars().take(24).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            format!("the string `{short}`")
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
