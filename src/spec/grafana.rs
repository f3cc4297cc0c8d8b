//! Tables that describe parts of Grafana's JSON key by key.
//!
//! An entry is a key's word in TOML, its documentation, its type, its place in the JSON and its default. Everything else
//! reads the entries: decoding and the JSON Schema here, rendering and the checks of `grafana` tables in
//! `resolve/dashboards`, the way back in `import/`, and `review/`.

use serde_json::{Value as Json, json};

use super::decode::{
    Context, Decode, Map, Spanned, check_characters, missing_key, quoting, table_of, unknown_key, unknown_word,
};
use super::quoted::Quoted;
use super::schema::{self, Schema, Schemas, any_of};
use super::tree::{Node, Value};
use crate::diagnostic::{Diagnostic, Span};

/// A table of the spec and the object of Grafana's JSON that it becomes.
#[derive(Debug)]
pub struct Table {
    /// What messages call it, e.g. `a panel`.
    pub what: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// The key that is meant by a value that is not a table.
    pub short: Option<&'static str>,
    /// What rendering and importing do besides reading the entries.
    pub logic: Logic,
    /// Its keys, in the order of the JSON; each part says where in the JSON its keys are.
    pub parts: &'static [(&'static str, &'static [Key])],
    /// Further paths that Grafana knows, which may be given below `grafana`; `None` where plugins decide.
    pub known: Option<&'static [&'static str]>,
}

/// What a table needs beyond its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logic {
    /// Nothing.
    Plain,
    /// Links have a type that follows from their keys.
    Link,
    /// Colors are a mode or a color.
    Color,
    /// Steps of thresholds must rise.
    Thresholds,
    /// Mappings of values are grouped in the JSON.
    Mapping,
    /// A hidden legend is a list that isn't shown.
    Legend,
    /// Whether a tooltip is sorted depends on the type of panel.
    Tooltip,
    /// Overrides hold properties instead of keys.
    Override,
    /// Each kind of transformation has its own options.
    Transformation,
    /// The keys of a query depend on its datasource.
    Query,
    /// Tables that are rendered by name: variables, panels, rows, annotations.
    Named,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in TOML; that of the table itself for [`Kind::Name`], and empty for a constant.
    pub word: &'static str,
    /// Its documentation.
    pub docs: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its places in the JSON, each with the variants of the table that it is for; without any, for all of them.
    places: &'static [(&'static [&'static str], &'static str)],
    path: Option<&'static str>,
    /// The variants that have it at `path`; all if empty.
    pub only: &'static [&'static str],
    /// Whether the table needs it.
    pub required: bool,
    /// The default.
    pub default: Option<Literal>,
    /// Whether the default is written to the JSON.
    pub always: bool,
    /// Whether Grafana accepts more at its place than the key can express, so that `grafana` may also contain it.
    pub open: bool,
}

/// The type of a key.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A string in which Grafana replaces variables.
    Text,
    /// A string that Grafana takes literally.
    Plain,
    /// The name of a variable, with or without its `$`.
    Variable,
    /// A color of Grafana's palette or of CSS.
    Color,
    /// A calculation, such as `mean`.
    Calculation,
    /// A duration, or one of some words.
    Duration(&'static [&'static str]),
    /// A time relative to now, or a date.
    Time,
    /// A datasource of the stack.
    Datasource,
    /// A string; a number or boolean is read as one.
    Word,
    /// A boolean.
    Flag,
    /// A boolean that means the opposite in the JSON.
    Inverted,
    /// A number from 0 on.
    Count,
    /// Any finite number.
    Number,
    /// One of a few words.
    Choice(&'static Choice),
    /// A list.
    List(&'static Kind),
    /// One value or a list; always a list in the JSON.
    Many(&'static Kind),
    /// One value or a list, also in the JSON.
    Either(&'static Kind),
    /// A list of names, which the JSON maps to `true`.
    Set,
    /// A list of names, which the JSON maps to their indexes.
    Order,
    /// A table with keys that the user chooses.
    Map(&'static Kind),
    /// A table with named keys.
    Table(&'static Table),
    /// A list, or a table of text and value.
    Values,
    /// Anything, in Grafana's words.
    Raw,
    /// A table in Grafana's words.
    Object,
    /// The name of the table itself.
    Name,
    /// Always the default.
    Fixed,
}

/// A few words and what they are in the JSON.
#[derive(Debug)]
pub struct Choice {
    /// What messages call one of them.
    pub what: &'static str,
    /// Each word, its documentation and its value in the JSON.
    pub words: &'static [(&'static str, &'static str, Literal)],
}

/// A constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// A string.
    Text(&'static str),
    /// A boolean.
    Flag(bool),
    /// A number.
    Int(i64),
    /// A list of strings.
    List(&'static [&'static str]),
    /// An empty table.
    Empty,
    /// No value.
    Null,
    /// The word itself.
    Same,
}

impl Literal {
    /// As JSON; `word` is what [`Literal::Same`] stands for.
    pub fn json(self, word: &str) -> Json {
        match self {
            Self::Text(text) => text.into(),
            Self::Flag(flag) => flag.into(),
            Self::Int(number) => number.into(),
            Self::List(items) => items.into(),
            Self::Empty => json!({}),
            Self::Null => Json::Null,
            Self::Same => word.into(),
        }
    }
}

/// An entry of a table.
pub const fn key(word: &'static str, docs: &'static str, kind: Kind) -> Key {
    Key {
        word,
        docs,
        kind,
        places: &[],
        path: None,
        only: &[],
        required: false,
        default: None,
        always: false,
        open: false,
    }
}

impl Key {
    /// Its place in the JSON, a dotted path.
    pub const fn at(mut self, path: &'static str) -> Self {
        self.path = Some(path);
        self
    }

    /// Only some variants of the table have it.
    pub const fn only(mut self, variants: &'static [&'static str]) -> Self {
        self.only = variants;
        self
    }

    /// Its place depends on the variant of the table.
    pub const fn of(mut self, places: &'static [(&'static [&'static str], &'static str)]) -> Self {
        self.places = places;
        self
    }

    /// The table needs it.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The default, which the JSON leaves out.
    pub const fn default(mut self, value: Literal) -> Self {
        self.default = Some(value);
        self
    }

    /// The default, which is written to the JSON.
    pub const fn always(mut self, value: Literal) -> Self {
        self.default = Some(value);
        self.always = true;
        self
    }

    /// Grafana accepts more at its place.
    pub const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Its place in the JSON of a variant, below that of its part.
    pub fn place(&self, variant: &str) -> Option<&'static str> {
        match self.path {
            Some(path) => (self.only.is_empty() || self.only.contains(&variant)).then_some(path),
            None => self.places.iter().find(|(variants, _)| variants.contains(&variant)).map(|&(_, path)| path),
        }
    }

    /// Whether every variant of the table has it.
    pub fn is_everywhere(&self) -> bool {
        self.places.is_empty() && self.only.is_empty()
    }

    /// Whether it is written in TOML.
    pub fn is_written(&self) -> bool {
        !matches!(self.kind, Kind::Name | Kind::Fixed)
    }

    /// The default as JSON.
    pub fn default_json(&self) -> Option<Json> {
        let default = self.default?;
        Some(match (self.kind, default) {
            (Kind::Choice(choice), Literal::Text(word)) => {
                choice.words.iter().find(|(known, ..)| *known == word).map_or(Json::Null, |(.., json)| json.json(word))
            }
            (Kind::Inverted, Literal::Flag(flag)) => Json::Bool(!flag),
            _ => default.json(self.word),
        })
    }
}

/// A value of the spec.
#[derive(Debug, Clone)]
pub struct Given {
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub data: Data,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Data {
    /// A string.
    Text(Quoted),
    /// A boolean.
    Flag(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction, finite.
    Float(f64),
    /// A word of a choice, and what it is in the JSON.
    Choice(&'static str, Literal),
    /// A list.
    List(Vec<Given>),
    /// A table with keys that the user chose.
    Map(Map<Given>),
    /// A table with named keys.
    Record(Record),
}

impl Given {
    /// The string.
    pub fn text(&self) -> Option<&Quoted> {
        if let Data::Text(text) = &self.data { Some(text) } else { None }
    }

    /// The table with named keys.
    pub fn record(&self) -> Option<&Record> {
        if let Data::Record(record) = &self.data { Some(record) } else { None }
    }

    /// The items of a list.
    pub fn items(&self) -> &[Self] {
        if let Data::List(items) = &self.data { items } else { &[] }
    }

    /// The entries of a table with keys that the user chose.
    pub fn entries(&self) -> impl Iterator<Item = (&Spanned<String>, &Self)> {
        let map = if let Data::Map(map) = &self.data { Some(map) } else { None };
        map.into_iter().flat_map(Map::iter)
    }

    /// The number.
    #[expect(clippy::cast_precision_loss, reason = "no consumer has more digits")]
    pub fn number(&self) -> Option<f64> {
        match self.data {
            Data::Int(number) => Some(number as f64),
            Data::Float(number) => Some(number),
            _ => None,
        }
    }
}

/// A table of the spec with its values, in the order of its description.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it is.
    pub span: Span,
    /// Whether all of it could be read. If not, a key that seems to be missing may be one that is wrong.
    pub sound: bool,
    /// Its description.
    pub table: &'static Table,
    entries: Vec<(&'static str, Given)>,
}

impl Record {
    /// The value of a key.
    pub fn get(&self, word: &str) -> Option<&Given> {
        #[cfg(test)]
        self.expect_known(word);
        self.entries.iter().find(|(key, _)| *key == word).map(|(_, given)| given)
    }

    /// A word that no key has is a mistake in the code. The search would slow down the program that other tests start.
    #[cfg(test)]
    fn expect_known(&self, word: &str) {
        assert!(self.table.key(word).is_some(), "{} has no key `{word}`", self.table.what);
    }

    /// The keys that are given, and their values.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Given)> {
        self.entries.iter().map(|(word, given)| (*word, given))
    }

    /// A string.
    pub fn text(&self, word: &str) -> Option<&Quoted> {
        self.get(word)?.text()
    }

    /// A boolean; `false` if it is left out.
    pub fn flag(&self, word: &str) -> bool {
        matches!(self.get(word), Some(Given { data: Data::Flag(true), .. }))
    }

    /// A number from 0 on.
    pub fn count(&self, word: &str) -> Option<u32> {
        if let Some(Given { data: Data::Int(number), .. }) = self.get(word) {
            u32::try_from(*number).ok()
        } else {
            None
        }
    }

    /// A word of a choice.
    pub fn word(&self, word: &str) -> Option<&'static str> {
        if let Some(Given { data: Data::Choice(word, _), .. }) = self.get(word) { Some(word) } else { None }
    }

    /// A table with named keys.
    pub fn record(&self, word: &str) -> Option<&Self> {
        self.get(word)?.record()
    }

    /// The items of a list.
    pub fn items(&self, word: &str) -> &[Given] {
        self.get(word).map(Given::items).unwrap_or_default()
    }

    /// The entries of a table with keys that the user chose.
    pub fn entries(&self, word: &str) -> impl Iterator<Item = (&Spanned<String>, &Given)> {
        self.get(word).into_iter().flat_map(Given::entries)
    }

    /// Like [`Self::entries`], of a table of tables.
    pub fn records(&self, word: &str) -> impl Iterator<Item = (&Spanned<String>, &Self)> {
        self.entries(word).filter_map(|(name, given)| Some((name, given.record()?)))
    }

    /// A table with keys that the user chose.
    pub fn map(&self, word: &str) -> Option<&Map<Given>> {
        if let Some(Given { data: Data::Map(map), .. }) = self.get(word) { Some(map) } else { None }
    }
}

impl Table {
    /// A table without keys.
    pub const fn new(what: &'static str, docs: &'static str) -> Self {
        Self { what, docs, short: None, logic: Logic::Plain, parts: &[], known: None }
    }

    /// The keys and where in the JSON each part of them is.
    pub fn keys(&self) -> impl Iterator<Item = (&'static str, &'static Key)> + use<> {
        self.parts.iter().flat_map(|(prefix, keys)| keys.iter().map(|key| (*prefix, key)))
    }

    /// The entry of a word.
    pub fn key(&'static self, word: &str) -> Option<&'static Key> {
        self.written().find(|key| key.word == word)
    }

    fn written(&'static self) -> impl Iterator<Item = &'static Key> {
        self.keys().map(|(_, key)| key).filter(|key| key.is_written())
    }

    /// Reads a table, or its short form; `None` after the problems were reported.
    pub fn decode(&'static self, node: Node<'_>, cx: &mut Context<'_>) -> Option<Record> {
        let span = node.span;
        if let Some(key) = self.short.and_then(|word| self.key(word))
            && !matches!(node.value, Value::Table(_))
        {
            let given = match (key.kind, &node.value) {
                (Kind::List(item), Value::List(_)) => Kind::List(item).decode(node, cx)?,
                (Kind::List(item) | Kind::Many(item), _) => {
                    Given { span, data: Data::List(vec![item.decode(node, cx)?]) }
                }
                (kind, _) => kind.decode(node, cx)?,
            };
            return Some(Record { span, sound: true, table: self, entries: vec![(key.word, given)] });
        }
        let before = cx.diagnostics.len();
        let table = table_of(node, &format!("a table for {}", self.what), cx)?;
        let mut read: Vec<(&str, Option<Given>)> = Vec::with_capacity(table.entries.len());
        let mut misspelt = Vec::new();
        for (name, node) in table.entries {
            if let Some(key) = self.key(&name.name) {
                read.push((key.word, key.kind.decode(node, cx)));
            } else {
                let words: Vec<&str> = self.written().map(|key| key.word).collect();
                misspelt.extend(unknown_key(&name, self.what, &words, cx));
            }
        }
        let mut complete = true;
        let mut entries = Vec::with_capacity(read.len());
        for key in self.written() {
            let place = read.iter().position(|(word, _)| *word == key.word);
            if place.is_none() && key.required && !misspelt.contains(&key.word) {
                missing_key(key.word, self.what, span, cx);
            }
            match place.and_then(|place| read.swap_remove(place).1) {
                Some(given) => entries.push((key.word, given)),
                None => complete &= !key.required,
            }
        }
        let sound = cx.diagnostics.len() == before && !cx.diagnostics.is_full();
        complete.then_some(Record { span, sound, table: self, entries })
    }

    /// Its JSON Schema, for editors.
    pub fn schema(&'static self, schemas: &mut Schemas) -> Schema {
        let own = schemas.define(self.what, self.docs, |schemas| self.fields(schemas));
        match self.short.and_then(|word| self.key(word)) {
            Some(Key { kind: Kind::Many(kind), .. }) => any_of([Kind::Many(kind).schema(schemas), own]),
            Some(key) => any_of([key.kind.schema(schemas), own]),
            None => own,
        }
    }

    /// The JSON Schema of its keys, for editors.
    pub fn fields(&'static self, schemas: &mut Schemas) -> Vec<schema::Field> {
        self.written()
            .map(|key| schema::Field {
                key: key.word.into(),
                docs: key.docs.into(),
                default: key.default.map(|default| default.json(key.word)).filter(says_something),
                schema: key.kind.schema(schemas),
                required: key.required,
            })
            .collect()
    }
}

/// Whether there is a default.
fn says_something(value: &Json) -> bool {
    !matches!(value, Json::Null | Json::Object(_)) && *value != json!("") && *value != json!([])
}

impl Kind {
    fn decode(self, node: Node<'_>, cx: &mut Context<'_>) -> Option<Given> {
        let span = node.span;
        let data = match self {
            Self::Flag | Self::Inverted => Data::Flag(bool::decode(node, cx)?),
            Self::Count => Data::Int(u32::decode(node, cx)?.into()),
            Self::Number => match node.value {
                Value::Integer(_) | Value::Float(_) | Value::Refused => return Self::Raw.decode(node, cx),
                _ => {
                    cx.mismatch(&node, "a number", None);
                    return None;
                }
            },
            Self::Word => match node.value {
                Value::Integer(number) => Data::Text(Quoted::unplaced(number.to_string(), span)),
                Value::Float(number) if number.is_finite() => Data::Text(Quoted::unplaced(number.to_string(), span)),
                Value::Boolean(flag) => Data::Text(Quoted::unplaced(flag.to_string(), span)),
                _ => Data::Text(Quoted::decode(node, cx)?),
            },
            Self::Choice(choice) => {
                let word = String::decode(node, cx)?;
                let Some((word, _, json)) = choice.words.iter().find(|(known, ..)| *known == word) else {
                    let words: Vec<&str> = choice.words.iter().map(|(word, ..)| *word).collect();
                    unknown_word(&word, choice.what, &words, span, cx);
                    return None;
                };
                Data::Choice(word, *json)
            }
            Self::List(item) => {
                let Value::List(items) = node.value else {
                    cx.mismatch(&node, "a list", None);
                    return None;
                };
                Data::List(items.into_iter().filter_map(|node| item.decode(node, cx)).collect())
            }
            Self::Many(item) | Self::Either(item) => match node.value {
                Value::List(_) => return Self::List(item).decode(node, cx),
                _ => Data::List(vec![item.decode(node, cx)?]),
            },
            Self::Map(item) => Data::Map(map(*item, node, cx)?),
            Self::Table(table) => Data::Record(table.decode(node, cx)?),
            Self::Values => match node.value {
                Value::Table(_) => return Self::Map(&Self::Plain).decode(node, cx),
                _ => return Self::List(&Self::Plain).decode(node, cx),
            },
            Self::Set | Self::Order => return Self::List(&Self::Plain).decode(node, cx),
            Self::Object => return Self::Map(&Self::Raw).decode(node, cx),
            Self::Raw => match node.value {
                Value::Integer(number) => Data::Int(number),
                Value::Float(number) if number.is_finite() => Data::Float(number),
                Value::Float(_) => {
                    cx.diagnostics.push(
                        Diagnostic::new("number-out-of-range", "number cannot be represented in JSON", span)
                            .help("write a finite number, or remove the key"),
                    );
                    return None;
                }
                Value::Boolean(flag) => Data::Flag(flag),
                Value::List(_) => return Self::List(&Self::Raw).decode(node, cx),
                Value::Table(_) => return Self::Map(&Self::Raw).decode(node, cx),
                Value::Refused | Value::Absent => return None,
                Value::Datetime => {
                    cx.mismatch(&node, "a string, number, boolean, list or table", quoting(&node.value));
                    return None;
                }
                Value::String(_) => Data::Text(Quoted::decode(node, cx)?),
            },
            _ => Data::Text(Quoted::decode(node, cx)?),
        };
        Some(Given { span, data })
    }

    fn schema(self, schemas: &mut Schemas) -> Schema {
        match self {
            Self::Flag | Self::Inverted => bool::schema(schemas),
            Self::Count => u32::schema(schemas),
            Self::Number => json!({ "type": "number" }),
            Self::Word => json!({ "type": ["string", "number", "boolean"] }),
            Self::Choice(choice) => {
                let words: Vec<&str> = choice.words.iter().map(|(word, ..)| *word).collect();
                let docs: Vec<&str> = choice.words.iter().map(|(_, docs, _)| *docs).collect();
                schema::words(&words, &docs)
            }
            Self::List(item) => json!({ "type": "array", "items": item.schema(schemas) }),
            Self::Many(item) | Self::Either(item) => any_of([item.schema(schemas), Self::List(item).schema(schemas)]),
            Self::Map(item) => json!({ "type": "object", "additionalProperties": item.schema(schemas) }),
            Self::Table(table) => table.schema(schemas),
            Self::Values => {
                any_of([Self::List(&Self::Plain), Self::Map(&Self::Plain)].map(|kind| kind.schema(schemas)))
            }
            Self::Set | Self::Order => Self::List(&Self::Plain).schema(schemas),
            Self::Object => Self::Map(&Self::Raw).schema(schemas),
            Self::Raw => json!({}),
            _ => json!({ "type": "string" }),
        }
    }
}

fn map(item: Kind, node: Node<'_>, cx: &mut Context<'_>) -> Option<Map<Given>> {
    if let Value::List(_) = node.value {
        cx.mismatch(&node, "a table", Some("write a name and a value for each: `name = …`"));
        return None;
    }
    let mut map = Map::default();
    for (key, node) in table_of(node, "a table", cx)?.entries {
        let name = key.name.into_owned();
        if !check_characters(&name, key.span, cx) {
            continue;
        }
        match item.decode(node, cx) {
            Some(given) => map.entries.push((Spanned { value: name, span: key.span }, given)),
            None => {
                map.broken.insert(name);
            }
        }
    }
    Some(map)
}

/// A path below another.
pub fn join(prefix: &str, path: &str) -> String {
    let dot = if prefix.is_empty() || path.is_empty() { "" } else { "." };
    [prefix, dot, path].concat()
}

/// Paths of the JSON at which a table's own keys are, with the words of the keys.
pub fn own(table: &'static Table) -> impl Iterator<Item = (String, &'static Key)> {
    let keys = table.keys().filter(|(_, key)| !matches!(key.kind, Kind::Fixed));
    keys.filter_map(|(prefix, key)| Some((join(prefix, key.path?), key)))
}
