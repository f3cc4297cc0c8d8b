//! Values of the model as the spec writes them.

use std::fmt::Display;

use super::meaning::alike;
use super::{Area, Change, Id, changed, quoted};
use crate::lit::json;
use crate::model::service::{Command, Metrics, NetworkMember};
use crate::model::text::{Operator, Reference, Text, Tree, Value};
use crate::model::{Keys, secret};

/// Something that can be shown, unless it is empty.
pub(super) trait Written {
    /// As text; `None` if there is nothing to show.
    fn written(&self) -> Option<String>;
}

impl Written for Text {
    fn written(&self) -> Option<String> {
        Some(text(self))
    }
}

impl<T: Written + ?Sized> Written for &T {
    fn written(&self) -> Option<String> {
        (**self).written()
    }
}

impl Written for String {
    fn written(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.clone())
    }
}

impl Written for str {
    fn written(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_owned())
    }
}

impl<T: Written> Written for Option<T> {
    fn written(&self) -> Option<String> {
        self.as_ref().and_then(Written::written)
    }
}

impl<T: Written> Written for Box<T> {
    fn written(&self) -> Option<String> {
        (**self).written()
    }
}

impl<T: Written> Written for Vec<T> {
    fn written(&self) -> Option<String> {
        let items: Vec<String> = self.iter().filter_map(Written::written).collect();
        (!items.is_empty()).then(|| items.join(", "))
    }
}

impl<T: Display> Written for Value<T> {
    fn written(&self) -> Option<String> {
        Some(match self {
            Self::Is(value) => value.to_string(),
            Self::Env(reference) => text(reference),
        })
    }
}

impl Written for (String, Text) {
    fn written(&self) -> Option<String> {
        Some(format!("{}={}", self.0, text(&self.1)))
    }
}

impl Written for (String, Vec<Text>) {
    fn written(&self) -> Option<String> {
        Some(format!("{}={}", self.0, self.1.iter().map(text).collect::<Vec<_>>().join(" ")))
    }
}

impl Written for Command {
    fn written(&self) -> Option<String> {
        Some(match self {
            Self::Line(line) => text(line),
            Self::Arguments(arguments) => arguments.iter().map(argument).collect::<Vec<_>>().join(" "),
        })
    }
}

impl Written for NetworkMember {
    fn written(&self) -> Option<String> {
        let how = self.keys.written();
        Some(how.map_or_else(|| self.name.clone(), |how| format!("{} ({how})", self.name)))
    }
}

impl Written for Keys {
    fn written(&self) -> Option<String> {
        entries(&self.0)
    }
}

impl Written for Metrics {
    fn written(&self) -> Option<String> {
        Some(format!("{}{}", self.port, self.path))
    }
}

impl Written for Tree {
    fn written(&self) -> Option<String> {
        match self {
            Self::Text(value) => Some(text(value)),
            Self::List(items) => items.iter().map(Tree::text).collect::<Option<Vec<_>>>().map_or_else(
                || Some(one_line(self)),
                |texts| Some(texts.into_iter().map(text).collect::<Vec<_>>().join(", ")),
            ),
            Self::Table(table) => entries(table),
            other => Some(one_line(other)),
        }
    }
}

/// Keys and values in the order of the spec.
pub(super) fn entries(entries: &[(String, Tree)]) -> Option<String> {
    let entries: Vec<String> = entries
        .iter()
        .map(|(key, value)| match value {
            Tree::Text(value) if secret::is_hidden(key, value) => format!("{key} {}", secret::HIDDEN),
            Tree::Text(value) => format!("{key} {}", text(value)),
            value => format!("{key} {}", one_line(value)),
        })
        .collect();
    (!entries.is_empty()).then(|| entries.join(", "))
}

/// The change of a key of Compose, if it changed.
pub(super) fn tree(
    changes: &mut Vec<Change>,
    (id, area, subject): (Id, Area, &str),
    key: &str,
    before: Option<&Tree>,
    after: Option<&Tree>,
) {
    if before == after {
        return;
    }
    if alike(key, before, after) {
        changes.push(rewritten((id, area, subject), key));
    } else {
        let (before, after) = (before.and_then(Tree::written), after.and_then(Tree::written));
        changes.push(changed((id, area, subject), key, before, after));
    }
}

/// The change of a key that means the same.
pub(super) fn rewritten((id, area, subject): (Id, Area, &str), key: &str) -> Change {
    let what = format!("{} is written differently, with the same meaning", quoted(key));
    Change::notice(id, area, subject, what).explains([key])
}

pub(super) fn one_line(value: &Tree) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

/// A text as the spec writes it, without the error message of a required variable, which `gen` adds.
pub(super) fn text(text: &Text) -> String {
    let written = |reference: &Reference| match &reference.operator {
        Some(Operator::Default(word)) if word.literal() != Some("") => {
            format!("${{{}:-{}}}", reference.name, self::text(word))
        }
        Some(Operator::Alternative(word)) => format!("${{{}:+{}}}", reference.name, self::text(word)),
        _ => reference.plain(),
    };
    text.replaced(|reference| Some(written(reference).into())).unwrap_or_default()
}

/// An argument of a command, in quotes if it would look like several.
fn argument(value: &Text) -> String {
    let written = text(value);
    if written.is_empty() || written.contains(char::is_whitespace) { json::string(&written) } else { written }
}

/// A tree on one line, as TOML except for references.
fn write(out: &mut String, value: &Tree) {
    match value {
        Tree::Text(value) => out.push_str(&json::string(&text(value))),
        Tree::Integer(number) => out.push_str(&number.to_string()),
        Tree::Float(number) => out.push_str(&number.to_string()),
        Tree::Boolean(boolean) => out.push_str(&boolean.to_string()),
        Tree::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write(out, item);
            }
            out.push(']');
        }
        Tree::Table(entries) => {
            out.push('{');
            for (index, (name, item)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { " " } else { ", " });
                let is_bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
                out.push_str(&if is_bare { name.clone() } else { json::string(name) });
                out.push_str(" = ");
                match item {
                    Tree::Text(value) if secret::is_hidden(name, value) => {
                        out.push_str(&json::string(secret::HIDDEN));
                    }
                    item => write(out, item),
                }
            }
            out.push_str(if entries.is_empty() { "}" } else { " }" });
        }
    }
}
