//! Tables of the spec to objects of Grafana's JSON, by the entries of their descriptions.

use serde_json::map::Entry;
use serde_json::{Number, Value, json};

use super::scope::Scope;
use crate::diagnostic::Diagnostic;
use crate::model::dashboard::Json;
use crate::spec::decode::{Map, expected, shown};
use crate::spec::grafana::{Data, Given, Kind, Logic, Record, Table, join, own};

/// Values of entries that follow from more than the entry, by word, or by path where the entry has none. `None` leaves
/// the entry out.
pub(super) type Made = Vec<(&'static str, Option<Value>)>;

impl Scope<'_, '_> {
    /// A table as JSON: each entry that the variant has, at its place.
    pub(super) fn object(&mut self, record: &Record, variant: &str, mut made: Made) -> Json {
        let mut object = Json::new();
        for (prefix, key) in record.table.keys() {
            let Some(path) = key.place(variant) else { continue };
            let name = if key.word.is_empty() { path } else { key.word };
            let given = if key.is_written() { record.get(key.word) } else { None };
            let value = match (made.iter_mut().find(|(word, _)| *word == name), given) {
                (Some((_, value)), _) => value.take(),
                (None, Some(given)) => self.value(key.kind, given),
                (None, None) if key.always => key.default_json(),
                (None, None) => None,
            };
            if let Some(value) = value.filter(|value| key.always || Some(value) != key.default_json().as_ref()) {
                put(&mut object, prefix, path, value);
            }
        }
        object
    }

    /// A value as JSON; `None` if there was a problem, or if it depends on more than its entry.
    pub(super) fn value(&mut self, kind: Kind, given: &Given) -> Option<Value> {
        Some(match (kind, &given.data) {
            (Kind::Datasource, _) => return None,
            (Kind::Plain | Kind::Word, Data::Text(text)) => {
                self.use_in(text);
                text.value.clone().into()
            }
            (Kind::Variable, Data::Text(name)) => self.repeat(name).into(),
            (Kind::Color, Data::Text(color)) => self.color_name(color).into(),
            (Kind::Calculation, Data::Text(name)) => self.calculation(name).into(),
            (Kind::Duration(words), Data::Text(duration)) => self.duration(duration, words).into(),
            (Kind::Time, Data::Text(time)) => self.time(time).into(),
            (_, Data::Text(text)) => self.text(text).into(),
            (Kind::Inverted, Data::Flag(flag)) => Value::Bool(!flag),
            (_, Data::Flag(flag)) => Value::Bool(*flag),
            (_, Data::Int(number)) => (*number).into(),
            (Kind::Number, Data::Float(number)) => whole(*number),
            (_, Data::Float(number)) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            (_, Data::Choice(word, json)) => json.json(word),
            (Kind::Set, Data::List(names)) => {
                names.iter().filter_map(|name| Some((name.text()?.value.clone(), Value::Bool(true)))).collect()
            }
            (Kind::Order, Data::List(names)) => {
                let numbered = (0_u32..).zip(names);
                numbered.filter_map(|(index, name)| Some((name.text()?.value.clone(), Value::from(index)))).collect()
            }
            (Kind::List(Kind::Table(table)), Data::List(items)) if table.logic == Logic::Mapping => {
                self.mappings(items)
            }
            (Kind::Either(item), Data::List(items)) if items.len() == 1 => self.value(*item, items.first()?)?,
            (Kind::List(item) | Kind::Many(item) | Kind::Either(item), Data::List(items)) => {
                items.iter().filter_map(|given| self.value(*item, given)).collect()
            }
            (_, Data::List(items)) => items.iter().filter_map(|given| self.value(Kind::Raw, given)).collect(),
            (Kind::Map(item), Data::Map(map)) => self.map(*item, map).into(),
            (_, Data::Map(map)) => self.map(Kind::Raw, map).into(),
            (_, Data::Record(record)) => match record.table.logic {
                Logic::Plain => self.object(record, "", Vec::new()).into(),
                Logic::Link => self.link(record),
                Logic::Color => self.color(record)?,
                Logic::Thresholds => self.thresholds(record),
                Logic::Transformation => self.transformation(record)?,
                // These depend on the panel.
                Logic::Legend | Logic::Tooltip | Logic::Override | Logic::Query | Logic::Mapping | Logic::Named => {
                    return None;
                }
            },
        })
    }

    fn map(&mut self, item: Kind, map: &Map<Given>) -> Json {
        map.iter().filter_map(|(key, given)| Some((key.value.clone(), self.value(item, given)?))).collect()
    }

    /// The `grafana` table of a record joined to its JSON: objects are merged, lists continued.
    pub(super) fn pass(&mut self, record: &Record, object: &mut Json) {
        if let Some(map) = record.map("grafana") {
            let passed = self.accepted("", map, record.table);
            merge(object, passed);
        }
    }

    fn accepted(&mut self, prefix: &str, map: &Map<Given>, table: &'static Table) -> Json {
        let mut object = Json::new();
        for (key, given) in map.iter() {
            let path = join(prefix, &key.value);
            match (Accepted::of(table, &path), &given.data) {
                (Accepted::Own(words), _) => {
                    self.report(
                        Diagnostic::new("first-class-key", format!("`{path}` cannot be set in `grafana`"), key.span)
                            .help(format!("use {words} instead")),
                    );
                }
                (Accepted::Inside, Data::Map(map)) => {
                    object.insert(key.value.clone(), self.accepted(&path, map, table).into());
                }
                (Accepted::Known, _) => {
                    let value = self.value(Kind::Raw, given);
                    object.extend(value.map(|value| (key.value.clone(), value)));
                }
                _ => {
                    let known = known(table);
                    let title = format!("unknown Grafana key `{}` in {}", shown(&path), table.what);
                    let own: Vec<String> = own(table).map(|(path, _)| path).collect();
                    let all = known.iter().map(String::as_str).chain(own.iter().map(String::as_str));
                    let unknown = Diagnostic::new("unknown-key", title, key.span);
                    self.report(unknown.suggest_of(self.resolver.diagnostics, &path, all, || {
                        expected(known.iter().map(String::as_str))
                    }));
                }
            }
        }
        object
    }
}

/// What a `grafana` table may hold at a path.
#[derive(Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Nothing: these keys of the spec, as listed in messages, have the same meaning.
    Own(String),
    /// An object, of which some keys are known.
    Inside,
    /// Anything.
    Known,
    /// Nothing: Grafana has no such key.
    Unknown,
}

impl Accepted {
    /// What the `grafana` table beside the keys of `table` may hold at a dotted path.
    pub fn of(table: &'static Table, path: &str) -> Self {
        let closed = own(table).filter(|(own, key)| own == path && !key.open);
        let words: Vec<String> = closed
            .map(|(_, key)| match key.kind {
                Kind::Name => "the name of its table".to_owned(),
                _ => format!("`{}`", key.word),
            })
            .collect();
        let inside = format!("{path}.");
        let known = known(table);
        if !words.is_empty() {
            Self::Own(words.join(" or "))
        } else if known.iter().any(|known| known == path) {
            Self::Known
        } else if known.iter().any(|known| known.starts_with(&inside)) {
            Self::Inside
        } else if table.known.is_none() {
            Self::Known
        } else {
            Self::Unknown
        }
    }
}

/// The paths that a `grafana` table may hold.
fn known(table: &'static Table) -> Vec<String> {
    let open = own(table).filter(|(_, key)| key.open).map(|(path, _)| path);
    table.known.unwrap_or_default().iter().map(|path| (*path).to_owned()).chain(open).collect()
}

/// A number as JSON, without a fraction if it is whole.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are cast")]
fn whole(number: f64) -> Value {
    // Up to here a float holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        (number as i64).into()
    } else {
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}

/// Puts a value at a dotted path below a prefix, which may be empty; existing values are merged with it.
pub fn put(mut object: &mut Json, prefix: &str, path: &str, value: Value) {
    let mut words = prefix.split('.').filter(|word| !word.is_empty()).chain(path.split('.')).peekable();
    while let Some(word) = words.next() {
        if words.peek().is_none() {
            merge_one(object, word.to_owned(), value);
            return;
        }
        if !object.contains_key(word) {
            object.insert(word.to_owned(), json!({}));
        }
        let Some(Value::Object(inner)) = object.get_mut(word) else { return };
        object = inner;
    }
}

fn merge(object: &mut Json, more: Json) {
    for (key, value) in more {
        merge_one(object, key, value);
    }
}

fn merge_one(object: &mut Json, key: String, value: Value) {
    match object.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(value);
        }
        Entry::Occupied(mut entry) => match (entry.get_mut(), value) {
            (Value::Object(old), Value::Object(new)) => merge(old, new),
            (Value::Array(old), Value::Array(new)) => old.extend(new),
            (old, new) => *old = new,
        },
    }
}
