//! Values of any shape whose strings are another program's: no reference of the stack is looked for in them.

use serde_json::json;

use super::decode::{Context, Decode, Map, Spanned};
use super::schema::{Schema, Schemas};
use super::tree::{Node, Value};
use crate::diagnostic::{Diagnostic, Span};

/// A number, whole or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl Decode for Number {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            // Beyond 2^53 a whole number is not exact, in the JSON of a browser neither.
            #[expect(clippy::cast_precision_loss, reason = "no consumer has more digits")]
            Value::Integer(number) => Some(Self(number as f64)),
            Value::Float(number) if number.is_finite() => Some(Self(number)),
            Value::Float(_) => {
                not_finite(node.span, cx);
                None
            }
            _ => {
                cx.mismatch(&node, "a number", None);
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": "number" })
    }
}

fn not_finite(span: Span, cx: &mut Context<'_>) {
    cx.diagnostics.push(
        Diagnostic::new("number-out-of-range", "JSON has no such number", span)
            .help("write a finite number, or leave the key out"),
    );
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: RawValue,
}

/// A value of any shape.
#[derive(Debug, Clone, PartialEq)]
pub enum RawValue {
    /// A string.
    String(String),
    /// An integer.
    Integer(i64),
    /// A float, finite.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A list.
    List(Vec<Raw>),
    /// A table.
    Table(Vec<(Spanned<String>, Raw)>),
}

impl Decode for Raw {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let value = match node.value {
            Value::String(_) => RawValue::String(String::decode(node, cx)?),
            Value::Integer(number) => RawValue::Integer(number),
            Value::Float(number) if number.is_finite() => RawValue::Float(number),
            Value::Float(_) => {
                not_finite(span, cx);
                return None;
            }
            Value::Boolean(boolean) => RawValue::Boolean(boolean),
            Value::List(_) => RawValue::List(Vec::decode(node, cx)?),
            Value::Table(_) => RawValue::Table(Map::decode(node, cx)?.entries),
            Value::Refused => return None,
            Value::Datetime => {
                cx.mismatch(&node, "a string, number, boolean, list or table", super::decode::quoting(&node.value));
                return None;
            }
        };
        Some(Self { span, value })
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({})
    }
}
