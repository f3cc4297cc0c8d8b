//! JSON after RFC 8259: values on one line, documents with a line for each value.

use std::borrow::Cow;

use serde_json::Value;

use super::{Lit, common_escape, write_bool, write_int, write_quoted, write_with};

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

/// A tree of JSON whose strings may be those of the model.
#[derive(Debug, Clone)]
pub enum Tree<'a> {
    /// A string.
    Str(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A finite number; without a fraction it is written as a whole one.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// No value.
    Null,
    /// A list.
    List(Vec<Self>),
    /// An object, in the order in which it is written.
    Object(Vec<(Cow<'a, str>, Self)>),
    /// A value that is passed through.
    Value(&'a Value),
}

impl<'a> From<&'a str> for Tree<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Tree<'_> {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Tree<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<u32> for Tree<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<f64> for Tree<'_> {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl<'a> From<&'a Value> for Tree<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(value)
    }
}

/// A whole document, indented by two spaces.
#[must_use]
pub fn document(tree: &Tree<'_>) -> String {
    let mut out = String::new();
    write_tree(&mut out, tree, 0);
    out.push('\n');
    out
}

fn write_tree(out: &mut String, tree: &Tree<'_>, depth: usize) {
    match tree {
        Tree::Str(text) => write_str(out, text),
        Tree::Int(number) => write_int(out, i128::from(*number)),
        Tree::Float(number) => out.push_str(&number_of(*number)),
        Tree::Bool(flag) => write_bool(out, *flag),
        Tree::Null => out.push_str("null"),
        Tree::List(items) => write_members(out, ['[', ']'], items, depth, |out, item| {
            write_tree(out, item, depth + 1);
        }),
        Tree::Object(object) => write_members(out, ['{', '}'], object, depth, |out, (key, tree)| {
            write_str(out, key);
            out.push_str(": ");
            write_tree(out, tree, depth + 1);
        }),
        Tree::Value(value) => write_value(out, value, depth),
    }
}

fn write_value(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(text) => write_str(out, text),
        Value::Array(items) => write_members(out, ['[', ']'], items, depth, |out, item| {
            write_value(out, item, depth + 1);
        }),
        Value::Object(object) => write_members(out, ['{', '}'], object, depth, |out, (key, value)| {
            write_str(out, key);
            out.push_str(": ");
            write_value(out, value, depth + 1);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are cast")]
fn number_of(number: f64) -> String {
    // Floats represent all whole numbers up to this one.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        (number as i64).to_string()
    } else {
        Value::from(number).to_string()
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
        assert_eq!(document(&Tree::Value(&value)), expected);
        assert_eq!(
            document(&Tree::List(vec![Tree::Float(2.0), Tree::Float(0.5), Tree::Null])),
            "[\n  2,\n  0.5,\n  null\n]\n"
        );
    }

    proptest! {
        #[test]
        fn documents_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4), number in any::<f64>()) {
            let value = json!({ "texts": texts, "keys": { (texts.concat()): number } });
            prop_assert_eq!(serde_json::from_str::<Value>(&document(&Tree::Value(&value)))?, value);
        }

        #[test]
        fn values_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4)) {
            let read: Value = serde_json::from_str(&string(&texts))?;
            prop_assert_eq!(read, Value::from(texts));
        }
    }
}
