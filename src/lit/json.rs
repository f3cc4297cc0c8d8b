//! JSON after RFC 8259: values on one line, documents with a line for each value.

use std::ops::Deref;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::{Lit, common_escape, write_quoted, write_with};

language! {
    /// The value as JSON.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_with(out, lit, write_str);
}

/// Escapes invisible characters in addition to those that the RFC requires.
pub(super) fn write_str(out: &mut String, text: &str) {
    // Every character that `common_escape` names lies in the Basic Multilingual Plane, so that its
    // escape is `\uXXXX`, which is JSON.
    write_quoted(out, text, |_, character| common_escape(character));
}

/// An object, and its document, which is written once.
#[derive(Debug, Clone)]
pub struct Document {
    object: Map<String, Value>,
    text: OnceLock<String>,
}

impl Document {
    /// The document of an object.
    pub fn new(object: Map<String, Value>) -> Self {
        Self { object, text: OnceLock::new() }
    }

    /// Its text, indented by two spaces.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| document(&self.object))
    }
}

impl Deref for Document {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Map<String, Value> {
        &self.object
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}

/// A whole document, indented by two spaces.
pub fn document(object: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_object(&mut out, object, 0);
    out.push('\n');
    out
}

fn write_object(out: &mut String, object: &Map<String, Value>, depth: usize) {
    write_members(out, ['{', '}'], object, depth, |out, (key, value)| {
        write_str(out, key);
        out.push_str(": ");
        write_value(out, value, depth + 1);
    });
}

fn write_value(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(text) => write_str(out, text),
        Value::Array(items) => write_members(out, ['[', ']'], items, depth, |out, item| {
            write_value(out, item, depth + 1);
        }),
        Value::Object(object) => write_object(out, object, depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

fn write_members<T>(
    out: &mut String,
    [open, close]: [char; 2],
    members: impl IntoIterator<Item = T>,
    depth: usize,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    let mut members = members.into_iter().peekable();
    if members.peek().is_none() {
        out.push(close);
        return;
    }
    let indent = |out: &mut String, depth| (0..depth).for_each(|_| out.push_str("  "));
    while let Some(member) = members.next() {
        out.push('\n');
        indent(out, depth + 1);
        write(out, member);
        if members.peek().is_some() {
            out.push(',');
        }
    }
    out.push('\n');
    indent(out, depth);
    out.push(close);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::hostile;
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(string("\"\\/\n\u{7f}\u{9f}\u{2028}\u{feff}é🦀"), r#""\"\\/\n\u007f\u009f\u2028\ufeffé🦀""#);
        assert_eq!(string("\0"), r#""\u0000""#);
        assert_eq!(string(&[true, false]), "[true, false]");
    }

    #[test]
    fn a_document_has_a_line_for_each_value() {
        let value = json!({ "b": [1, { "c": null }], "a": {}, "d": [] });
        let expected = "{\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ],\n  \"a\": {},\n  \"d\": []\n}\n";
        assert_eq!(document(value.as_object().unwrap()), expected);
    }

    proptest! {
        #[test]
        fn documents_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4), number in any::<f64>()) {
            let value = json!({ "texts": texts, "keys": { (texts.concat()): number } });
            prop_assert_eq!(serde_json::from_str::<Value>(&document(value.as_object().unwrap()))?, value);
        }

        #[test]
        fn values_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4)) {
            let read: Value = serde_json::from_str(&string(&texts))?;
            prop_assert_eq!(read, Value::from(texts));
        }
    }
}
