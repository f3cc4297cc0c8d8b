//! Compose's own specification: which keys there are and what each holds.
//!
//! A key that `gen` does not reason about needs no line here: it is checked against the embedded JSON Schema at its place
//! in the spec, travels as a [`Tree`], and is printed as it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::decode::{
    Context, Decode, Spanned, check_characters, check_decimal, check_key, digits, listed_once, missing_key, shown,
    unknown_key, unknown_word,
};
use super::quoted;
use super::rules::{Place, number_out_of_range};
use super::text::Tree;
use super::tree::{Key, Node, Value};
use crate::diagnostic::{Diagnostic, Span};

/// The JSON Schema of the Compose Specification, without its descriptions.
static SPECIFICATION: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/compose-spec.json"))).unwrap_or_default()
});

/// The same with the descriptions, for editors.
static DESCRIBED: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("compose-spec.json")).unwrap_or_default());

/// The extensions at the top level of a Compose file, of which a spec has no other key.
static EXTENSIONS: LazyLock<Json> =
    LazyLock::new(|| json!({ "patternProperties": { "^x-": {} }, "additionalProperties": false }));

/// Keys that take a number or a text, and whose text need not be a number: sizes, names, durations.
const NOT_NUMBERS: &[&str] = &["group_add", "options"];

/// Keys that take a boolean or a text, and whose text need not be a boolean.
const NOT_BOOLEANS: &[&str] = &["provenance", "sbom"];

/// What a number may also be, by the name of the key.
const WORDS_FOR_NUMBERS: &[(&str, &str)] = &[("count", "all")];

/// What keeps a program from gaining privileges by running another one: the default of every service.
pub const NO_NEW_PRIVILEGES: &str = "no-new-privileges:true";

/// What `gen` writes for a key of a service that is left out, where that is one value for all.
pub(super) fn filled_in(key: &str) -> Option<Json> {
    (key == "security_opt").then(|| json!([NO_NEW_PRIVILEGES]))
}

/// The type that Compose reads from a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Literal {
    Boolean,
    Integer,
    Number,
}

impl Literal {
    /// The type, if the key takes it besides a text.
    fn of(types: &[&str], at: Place<'_>) -> Option<Self> {
        let (has, key) = (|name| types.contains(&name), at.key);
        if !has("string") || has("null") || at.has_format() || at.has_strings() {
            return None;
        }
        match (has("boolean"), has("integer"), has("number")) {
            (true, false, false) => (!NOT_BOOLEANS.contains(&key)).then_some(Self::Boolean),
            (false, true, _) => (!NOT_NUMBERS.contains(&key)).then_some(Self::Integer),
            (false, false, true) if at.has_integers() => Some(Self::Integer),
            (false, false, true) => (!NOT_NUMBERS.contains(&key)).then_some(Self::Number),
            _ => None,
        }
    }

    fn described(self) -> &'static str {
        match self {
            Self::Boolean => "`true` or `false`",
            Self::Integer => "an integer",
            Self::Number => "a number",
        }
    }

    /// Whether Compose reads the type from a text.
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Boolean => matches!(text, "true" | "false"),
            Self::Integer => text.parse::<i64>().is_ok(),
            Self::Number => {
                text.ends_with(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok_and(f64::is_finite)
            }
        }
    }
}

/// Keys of Compose with their values, in source order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys(Vec<(Spanned<String>, Tree)>);

impl Keys {
    /// Checks and adds a key of the table at `definition`.
    pub(super) fn add(
        &mut self,
        key: &Key<'_>,
        mut node: Node<'_>,
        shape: Shape,
        definition: &str,
        cx: &mut Context<'_>,
    ) {
        let table = definition.strip_prefix("service/properties/").and_then(|rest| rest.split('/').next());
        let table = table.map(|key| Place::of(None, key));
        if check_key(&key.name, key.span, cx)
            && shape.check(&mut node, Place::of(table.as_ref(), &key.name), cx)
            && let Some(tree) = Tree::decode(node, cx)
        {
            self.0.push((Spanned { value: key.name.clone().into_owned(), span: key.span }, tree));
        }
    }

    /// Sets a key of a table among them.
    pub(super) fn set(&mut self, table: &str, key: &str, value: Tree, span: Span) {
        let spanned = |name: &str| Spanned { value: name.to_owned(), span };
        if !self.0.iter().any(|(name, _)| name.value == table) {
            self.0.push((spanned(table), Tree::Table(Vec::new())));
        }
        if let Some((_, Tree::Table(entries))) = self.0.iter_mut().find(|(name, _)| name.value == table) {
            entries.push((spanned(key), value));
        }
    }

    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.entry(name).map(|(_, tree)| tree)
    }

    /// A key and its value.
    pub fn entry(&self, name: &str) -> Option<(Span, &Tree)> {
        self.iter().find(|(key, _)| key.value == name).map(|(key, tree)| (key.span, tree))
    }

    /// A key below others and its value: `["deploy", "replicas"]`.
    pub fn entry_at(&self, path: &[&str]) -> Option<(Span, &Tree)> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.entry(first)?, |(_, tree), key| tree.entry(key))
    }

    /// The value below keys.
    pub fn at(&self, path: &[&str]) -> Option<&Tree> {
        self.entry_at(path).map(|(_, tree)| tree)
    }

    /// The keys in source order.
    pub fn iter(&self) -> impl Iterator<Item = &(Spanned<String>, Tree)> {
        self.0.iter()
    }
}

/// The schema of a value in the specification.
#[derive(Debug, Clone, Copy)]
pub struct Shape(&'static Json);

/// A definition of the specification by its name, or a part of one by the JSON Pointer that follows.
pub fn definition(pointer: &str) -> Shape {
    part(&SPECIFICATION, pointer)
}

/// The same with its description.
pub(super) fn described(pointer: &str) -> Shape {
    part(&DESCRIBED, pointer)
}

fn part(specification: &'static Json, pointer: &str) -> Shape {
    if pointer == "extensions" {
        return Shape(&EXTENSIONS);
    }
    let definitions = specification.get("$defs").unwrap_or(&Json::Null);
    // Most are not parts, and a `Value::pointer` allocates for each step.
    Shape(definitions.get(pointer).or_else(|| definitions.pointer(&format!("/{pointer}"))).unwrap_or(&Json::Null))
}

/// A reference of the specification, by the name of its definition.
pub(super) fn referenced(schema: &Json) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

impl Shape {
    /// The schema itself.
    pub(super) fn schema(self) -> &'static Json {
        self.0
    }

    fn resolved(self) -> Self {
        match referenced(self.0) {
            Some(name) => definition(name).resolved(),
            None => self,
        }
    }

    fn list(self, keyword: &str) -> &'static [Json] {
        self.0.get(keyword).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    /// The named keys of a table, in the order of the specification.
    pub fn keys(self) -> impl Iterator<Item = &'static str> {
        self.0.get("properties").and_then(Json::as_object).into_iter().flat_map(|keys| keys.keys().map(String::as_str))
    }

    /// Whether the specification itself names a key.
    fn named(self, name: &str) -> bool {
        self.0.get("properties").is_some_and(|keys| keys.get(name).is_some())
    }

    /// A key of a table; `None` if there is no such key.
    pub fn key(self, name: &str) -> Option<Self> {
        if let Some(known) = self.0.get("properties").and_then(|keys| keys.get(name)) {
            return Some(Self(known));
        }
        let patterns = self.0.get("patternProperties").and_then(Json::as_object);
        // Besides extensions, the specification only has patterns for names of any kind.
        let pattern = patterns.into_iter().flatten().find(|(pattern, _)| *pattern != "^x-" || name.starts_with("x-"));
        if let Some((_, shape)) = pattern {
            return Some(Self(shape));
        }
        match self.0.get("additionalProperties") {
            Some(Json::Bool(false)) => None,
            Some(shape) => Some(Self(shape)),
            // A table with names for its keys has no others: the specification forgot to say so for `gpus`.
            None if self.0.get("properties").is_some() => None,
            None => Some(Self(&Json::Null)),
        }
    }

    /// Reports required keys that a table lacks, among its own and the further ones.
    pub(super) fn check_required(self, own: &[&str], keys: &Keys, what: &str, span: Span, cx: &mut Context<'_>) {
        for name in self.list("required").iter().filter_map(Json::as_str) {
            if !own.contains(&name) && keys.get(name).is_none() {
                missing_key(name, what, span, cx);
            }
        }
    }

    /// The forms that a value may take: names of JSON's types.
    fn types(self) -> Vec<&'static str> {
        match self.0.get("type") {
            Some(Json::String(name)) => vec![name],
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ => self.list("oneOf").iter().flat_map(|form| Self(form).resolved().types()).collect(),
        }
    }

    /// Reports all problems with the value of `key`; returns whether there are none.
    fn check(self, node: &mut Node<'_>, at: Place<'_>, cx: &mut Context<'_>) -> bool {
        let (key, shape) = (at.key, self.resolved());
        let mut types = shape.types();
        at.narrow(&mut types);
        let has_reference = matches!(&node.value, Value::String(text) if text.contains("${"));
        if has_reference && (types.is_empty() || types.contains(&"string")) {
            // Compose reads the type from what it becomes.
            if let (Value::String(line), "command") = (&node.value, key) {
                super::rules::check_line(line, node.span, cx);
            }
            return true;
        }
        let quotes = if let Value::Float(_) = node.value { "" } else { " without quotes" };
        if let Value::Float(number) = node.value
            && types.contains(&"string")
        {
            let written = digits(number, node.span, cx);
            if written != number.to_string() || at.has_strings() {
                node.value = Value::String(written.into());
            }
        }
        if types.contains(&"string") && types.contains(&"null") && !check_decimal(node, cx) {
            return false;
        }
        let literal = Literal::of(&types, at);
        if !types.is_empty() && !types.iter().any(|name| fits(name, &node.value)) {
            // Quotes would only lead to the next mistake.
            let plain = types.contains(&"string") && !at.has_format();
            let help = plain.then(|| super::decode::quoting(&node.value)).flatten();
            let help = if has_reference { Some("write the value: Compose reads no variable here") } else { help };
            let seconds = at.in_seconds(&node.value);
            match literal {
                Some(literal) => cx.mismatch(node, &expected_also(literal, &types), None),
                None => cx.mismatch(node, &expected(&types), seconds.as_deref().or(help)),
            }
            return false;
        }
        if let (Some(literal), Value::String(text)) = (literal, &node.value)
            && !literal.fits(text)
            && !WORDS_FOR_NUMBERS.contains(&(key, text))
        {
            let must = literal.described();
            cx.diagnostics.push(
                Diagnostic::new(
                    "wrong-type",
                    format!("invalid value `{}` of `{}`", shown(text), shown(key)),
                    node.span,
                )
                .at(format!("must be {must}"))
                .help(format!("write {must}{quotes}")),
            );
            return false;
        }
        let forms = shape.list("oneOf");
        if literal.is_some() && matches!(node.value, Value::String(_)) {
            for form in forms {
                Self(form).check_bounds(node, cx);
            }
        }
        if let Some(form) = forms.iter().map(|form| Self(form).resolved()).find(|form| {
            let types = form.types();
            types.is_empty() || types.iter().any(|name| fits(name, &node.value))
        }) {
            return form.check(node, at, cx);
        }
        let before = cx.diagnostics.len();
        shape.check_scalar(node, key, cx);
        // A list is checked item by item.
        if !matches!(node.value, Value::List(_)) {
            at.check(node, cx);
        }
        match &mut node.value {
            Value::List(items) => {
                at.check_items(items, cx);
                shape.check_list(items, at, cx);
            }
            Value::Table(table) => {
                let what = format!("`{}`", shown(key));
                for (name, value) in &mut table.entries {
                    match shape.key(&name.name) {
                        // A name that the user chose says nothing about the format of its value.
                        Some(inner) if shape.named(&name.name) => {
                            inner.check(value, Place::of(Some(&at), &name.name), cx);
                        }
                        Some(_) if name.name.is_empty() && shape.0.get("patternProperties").is_some() => {
                            cx.diagnostics.push(
                                Diagnostic::new("invalid-name", format!("invalid name `` in {what}"), name.span)
                                    .help("use at least one character"),
                            );
                        }
                        Some(inner) => _ = inner.check(value, at.of_entry(), cx),
                        None => {
                            unknown_key(name, &what, &shape.keys().collect::<Vec<_>>(), cx);
                        }
                    }
                }
                for name in shape.list("required").iter().filter_map(Json::as_str) {
                    if !table.entries.iter().any(|(key, _)| key.name == name) {
                        missing_key(name, &what, node.span, cx);
                    }
                }
            }
            _ => {}
        }
        cx.diagnostics.len() == before
    }

    fn check_list(self, items: &mut [Node<'_>], at: Place<'_>, cx: &mut Context<'_>) {
        let unique = self.0.get("uniqueItems") == Some(&Json::Bool(true));
        let mut seen = HashMap::new();
        for item in items {
            if let Some(shape) = self.0.get("items") {
                Self(shape).check(item, at, cx);
            }
            if let Value::String(text) = &item.value
                && unique
            {
                listed_once(&Spanned { value: text.clone().into_owned(), span: item.span }, &mut seen, cx);
            }
        }
    }

    fn check_scalar(self, node: &Node<'_>, key: &str, cx: &mut Context<'_>) {
        let words: Vec<&'static str> = self.list("enum").iter().filter_map(Json::as_str).collect();
        if let Value::String(word) = &node.value
            && !words.is_empty()
            && !words.contains(&word.as_ref())
        {
            unknown_word(word, &format!("value of `{}`:", shown(key)), &words, node.span, cx);
        }
        if let Value::Integer(_) = node.value {
            self.check_bounds(node, cx);
        }
    }

    fn check_bounds(self, node: &Node<'_>, cx: &mut Context<'_>) {
        if let Ok(number) = node.value.written().parse() {
            let bound = |keyword: &str| self.0.get(keyword).and_then(Json::as_i64);
            let (least, most) = (bound("minimum"), bound("maximum"));
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                number_out_of_range(number, (least, most), node.span, cx);
            }
        }
    }
}

/// Whether a value is of one of JSON's types.
fn fits(name: &str, value: &Value<'_>) -> bool {
    match value {
        Value::String(_) | Value::Datetime => name == "string",
        Value::Integer(_) | Value::Refused => matches!(name, "integer" | "number"),
        Value::Float(_) => name == "number",
        Value::Boolean(_) => name == "boolean",
        Value::List(_) => name == "array",
        Value::Table(_) => name == "object",
        Value::Absent => false,
    }
}

/// A type that Compose also reads from a text, and the others of a key in the words of TOML.
fn expected_also(literal: Literal, types: &[&str]) -> String {
    let others: Vec<&str> = types.iter().copied().filter(|name| matches!(*name, "array" | "object")).collect();
    match expected(&others) {
        others if others.is_empty() => literal.described().to_owned(),
        others => format!("{} or {others}", literal.described()),
    }
}

/// JSON's types in the words of TOML.
fn expected(types: &[&str]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for name in types {
        let word = match *name {
            "string" => "a string",
            "integer" => "an integer",
            "number" => "a number",
            "boolean" => "a boolean",
            "array" => "a list",
            "object" => "a table",
            _ => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

/// `NAME=value` at a place of the spec.
pub(super) struct Assignment<'t> {
    /// The part before the sign, and where it stands.
    pub name: Spanned<String>,
    /// The part behind it, and where it stands; `None` without a sign.
    pub value: Option<(&'t str, Span)>,
}

/// Splits an item of one of Compose's lists of assignments at the first of some signs.
pub(super) fn assignment<'t>(
    text: &'t str,
    span: Span,
    signs: &[char],
    cx: &mut Context<'_>,
) -> Option<Assignment<'t>> {
    let parts = check_characters(text, span, cx).then(|| split(text, span, signs))?;
    check_key(&parts.name.value, parts.name.span, cx).then_some(parts)
}

/// The same without a check of the characters.
pub(super) fn split<'t>(text: &'t str, span: Span, signs: &[char]) -> Assignment<'t> {
    let place = |from: usize, to: usize| quoted::part(text, span, from, to);
    let (name, value) = match text.split_once(signs) {
        Some((name, value)) => (name, Some((value, place(text.len() - value.len(), text.len())))),
        None => (text, None),
    };
    Assignment { name: Spanned { value: name.to_owned(), span: place(0, name.len()) }, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_specification_is_whole() {
        assert!(described("service").schema()["description"].is_string());
        assert_eq!(definition("service").schema().get("description"), None);
        assert!(definition("service").keys().eq(described("service").keys()));
        for name in ["service", "network", "volume", "secret", "config", "model", "deployment"] {
            assert!(definition(name).keys().count() > 0, "{name}");
        }
        assert!(definition("service").key("stop_signal").is_some());
        assert!(definition("service").key("x-anything").is_some());
        assert!(definition("service").key("stop_sgnal").is_none());
    }

    #[test]
    fn types_are_named_in_words_of_toml() {
        assert_eq!(expected(&["array", "null"]), "a list");
        assert_eq!(
            expected(&["string", "integer", "number", "boolean", "array", "object", "string"]),
            "a string, an integer, a number, a boolean, a list or a table"
        );
    }

    #[test]
    fn an_assignment_knows_where_its_parts_are() {
        let mut diagnostics = crate::diagnostic::Diagnostics::default();
        let sources = crate::spec::source::Sources::default();
        let mut cx = Context { sources: &sources, diagnostics: &mut diagnostics };
        let span = Span { file: 0, start: 10, end: 20 };
        let found = assignment("HOST=a=b", span, &['='], &mut cx).unwrap();
        assert_eq!((found.name.value.as_str(), found.name.span), ("HOST", Span { file: 0, start: 11, end: 15 }));
        assert_eq!(found.value, Some(("a=b", Span { file: 0, start: 16, end: 19 })));
        // With an escape, they are somewhere in the string.
        let span = Span { file: 0, start: 10, end: 25 };
        let found = assignment("HOST=a=b", span, &['='], &mut cx).unwrap();
        assert_eq!((found.name.span, found.value), (span, Some(("a=b", span))));
    }

    /// What [`Shape`] does not check: a newer specification may need more.
    #[test]
    fn every_keyword_of_the_specification_is_known() {
        const KNOWN: &[&str] = &[
            "$ref",
            "additionalProperties",
            "default",
            "deprecated",
            "description",
            "enum",
            "items",
            "maximum",
            "minimum",
            "oneOf",
            "pattern",
            "patternProperties",
            "properties",
            "required",
            "title",
            "type",
            "uniqueItems",
        ];
        fn walk(schema: &Json, patterns: &mut Vec<String>) {
            let Some(object) = schema.as_object() else { return };
            for (keyword, value) in object {
                assert!(KNOWN.contains(&keyword.as_str()), "{keyword}");
                match keyword.as_str() {
                    "pattern" => patterns.push(value.to_string()),
                    "properties" | "patternProperties" => {
                        value.as_object().unwrap().values().for_each(|value| walk(value, patterns));
                    }
                    "oneOf" => value.as_array().unwrap().iter().for_each(|value| walk(value, patterns)),
                    "items" | "additionalProperties" => walk(value, patterns),
                    _ => {}
                }
            }
        }
        let mut patterns = Vec::new();
        SPECIFICATION["$defs"].as_object().unwrap().values().for_each(|schema| walk(schema, &mut patterns));
        // Names of containers, which `names.rs` checks, and pull policies.
        assert_eq!(patterns.len(), 2, "{patterns:?}");
    }
}
