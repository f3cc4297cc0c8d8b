//! Values of the model as a reader of the spec knows them.

use std::fmt::{Display, Write as _};

use crate::lit::json;
use crate::model::service::{Amount, Command, EnvFile, Logging, Metrics, NetworkMember};
use crate::model::text::{Operator, Segment, Text, Tree, Value};

/// Something that can be shown, or says nothing.
pub(super) trait Written {
    /// As text; `None` if there is nothing to show.
    fn written(&self) -> Option<String>;
}

impl Written for Text {
    fn written(&self) -> Option<String> {
        Some(text(self))
    }
}

impl Written for String {
    fn written(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.clone())
    }
}

impl Written for &str {
    fn written(&self) -> Option<String> {
        (!self.is_empty()).then(|| (*self).to_owned())
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

impl Written for (String, Value<i64>, Value<i64>) {
    fn written(&self) -> Option<String> {
        Some(format!("{}={}:{}", self.0, self.1.written()?, self.2.written()?))
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

impl Written for EnvFile {
    fn written(&self) -> Option<String> {
        let optional = if self.required { "" } else { " (optional)" };
        Some(format!("{}{optional}", text(&self.path)))
    }
}

impl Written for NetworkMember {
    fn written(&self) -> Option<String> {
        let mut out = self.name.clone();
        if let Some(address) = &self.ipv4_address {
            let _ = write!(out, " at {}", text(address));
        }
        if let Some(aliases) = self.aliases.written() {
            let _ = write!(out, " as {aliases}");
        }
        Some(out)
    }
}

impl Written for Logging {
    fn written(&self) -> Option<String> {
        let driver = self.driver.written().unwrap_or_else(|| "the engine's driver".to_owned());
        Some(self.options.written().map_or_else(|| driver.clone(), |options| format!("{driver}: {options}")))
    }
}

impl Written for Metrics {
    fn written(&self) -> Option<String> {
        Some(format!("{}{}", self.port, self.path))
    }
}

impl Written for Amount {
    fn written(&self) -> Option<String> {
        let parts = [("cpus", self.cpus.written()), ("memory", self.memory.written()), ("pids", self.pids.written())];
        let parts: Vec<String> =
            parts.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Written for Tree {
    fn written(&self) -> Option<String> {
        let mut out = String::new();
        tree(&mut out, self);
        Some(out)
    }
}

/// A text as the spec writes it. What a required variable's error says is `gen`'s own, and left out.
pub(super) fn text(text: &Text) -> String {
    match text {
        Text::Literal(literal) => literal.clone(),
        Text::Parts(segments) => segments
            .iter()
            .map(|segment| match segment {
                Segment::Literal(literal) => literal.clone(),
                Segment::Env(reference) => match &reference.operator {
                    Some(Operator::Default(word)) if !word.is_empty() => format!("${{{}:-{word}}}", reference.name),
                    Some(Operator::Alternative(word)) => format!("${{{}:+{word}}}", reference.name),
                    _ => format!("${{{}}}", reference.name),
                },
            })
            .collect(),
    }
}

/// An argument of a command, in quotes where it would be taken for several.
fn argument(value: &Text) -> String {
    let written = text(value);
    if written.is_empty() || written.contains(char::is_whitespace) { json::string(&written) } else { written }
}

/// A tree on one line, as JSON but for references.
fn tree(out: &mut String, value: &Tree) {
    match value {
        Tree::Text(value) => out.push_str(&json::string(&text(value))),
        Tree::Integer(number) => out.push_str(&number.to_string()),
        Tree::Float(number) => out.push_str(&number.to_string()),
        Tree::Boolean(boolean) => out.push_str(&boolean.to_string()),
        Tree::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                tree(out, item);
            }
            out.push(']');
        }
        Tree::Table(entries) => {
            out.push('{');
            for (index, (name, item)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(&json::string(name));
                out.push_str(": ");
                tree(out, item);
            }
            out.push('}');
        }
    }
}
