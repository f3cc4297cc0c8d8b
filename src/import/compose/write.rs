//! A tree to TOML as a person would write it, with the comments of the file that it comes from.

use std::collections::HashSet;
use std::fmt::Write as _;

use toml_writer::{ToTomlKey as _, ToTomlValue as _, TomlKeyBuilder, TomlStringBuilder};

use super::yaml::{At, Comments, at};
use crate::diagnostic::Span;
use crate::spec::tree::{Key, Node, Table, Value};

/// A line with a table or a list is not longer than this.
const WIDTH: usize = 100;

/// A table with more entries than this has a header of its own.
const FEW: usize = 2;

/// A spec, and where its lines come from.
pub(super) struct Written {
    /// The text.
    pub text: String,
    /// The first byte of an entry, and the place of its key.
    origins: Vec<(usize, Span)>,
}

impl Written {
    /// The place of the key that became the entry at a byte.
    pub fn origin(&self, at: usize) -> Option<Span> {
        let place = self.origins.partition_point(|&(start, _)| start <= at);
        self.origins.get(place.checked_sub(1)?).map(|&(_, span)| span)
    }
}

/// The text of a table.
pub(super) fn text(table: &Table<'_>, comments: &Comments) -> Written {
    let mut writer = Writer { out: String::new(), origins: Vec::new(), comments, said: HashSet::new() };
    writer.section(&[], table);
    writer.rest();
    let Writer { out, origins, .. } = writer;
    Written { text: out, origins }
}

struct Writer<'c> {
    out: String,
    origins: Vec<(usize, Span)>,
    comments: &'c Comments,
    /// What has its comments: an alias makes several copies of one value.
    said: HashSet<At>,
}

/// A comment without what TOML refuses in one.
fn comment(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

impl Writer<'_> {
    fn line(&mut self, indent: &str, comment: &str) {
        let _ = writeln!(self.out, "{indent}#{}", self::comment(comment));
    }

    fn above(&mut self, span: Span, indent: &str) {
        if !self.said.contains(&at(span)) {
            for line in self.comments.above.get(&at(span)).into_iter().flatten() {
                self.line(indent, line);
            }
        }
        self.origins.push((self.out.len(), span));
    }

    /// The comment at the end of the line.
    fn beside(&mut self, span: Span) -> String {
        if !self.said.insert(at(span)) {
            return String::new();
        }
        self.comments.beside.get(&at(span)).map(|text| format!(" #{}", comment(text))).unwrap_or_default()
    }

    fn has_any(&self, span: Span) -> bool {
        !self.said.contains(&at(span))
            && (self.comments.above.contains_key(&at(span)) || self.comments.beside.contains_key(&at(span)))
    }

    /// Whether something inside of a value has a comment, which must not be lost.
    fn inside(&self, node: &Node<'_>) -> bool {
        match &node.value {
            Value::List(items) => items.iter().any(|item| self.has_any(item.span) || self.inside(item)),
            Value::Table(table) => table.entries.iter().any(|(key, node)| self.has_any(key.span) || self.inside(node)),
            _ => false,
        }
    }

    fn section(&mut self, path: &[String], table: &Table<'_>) {
        let (tables, values): (Vec<_>, Vec<_>) =
            table.entries.iter().partition(|(_, node)| self.has_header(path, node));
        for (key, node) in values {
            self.above(key.span, "");
            self.entry(key, node);
        }
        for (key, node) in tables {
            let Value::Table(inner) = &node.value else { continue };
            let path: Vec<String> = path.iter().cloned().chain([name(&key.name)]).collect();
            // A table that only has tables needs no header.
            let only_tables = !inner.entries.is_empty()
                && inner.entries.iter().all(|(_, node)| self.has_header(&path, node))
                && !self.comments.beside.contains_key(&at(key.span));
            if !self.out.is_empty() {
                self.out.push('\n');
            }
            self.above(key.span, "");
            if only_tables {
                self.said.insert(at(key.span));
                // Its comment is about the first table in it as well.
                if self.out.ends_with("\n\n") {
                    self.out.pop();
                }
            } else {
                let beside = self.beside(key.span);
                let _ = writeln!(self.out, "[{}]{beside}", path.join("."));
            }
            self.section(&path, inner);
        }
    }

    /// Whether a table has a header of its own.
    fn has_header(&self, path: &[String], node: &Node<'_>) -> bool {
        match &node.value {
            // Headers would change the order of ports.
            Value::Table(_) if path.last().is_some_and(|above| above == "ports") => false,
            Value::Table(table) => {
                path.len() < 2 || table.entries.len() > FEW || self.inside(node) || inline(node).len() > WIDTH
            }
            _ => false,
        }
    }

    fn entry(&mut self, key: &Key<'_>, node: &Node<'_>) {
        let beside = self.beside(key.span);
        let whole = inline(node);
        let name = name(&key.name);
        match &node.value {
            Value::List(items) if !items.is_empty() && (self.inside(node) || name.len() + whole.len() > WIDTH) => {
                let _ = writeln!(self.out, "{name} = [{beside}");
                for item in items {
                    self.above(item.span, "  ");
                    let beside = self.beside(item.span);
                    self.within(item, "  ");
                    let _ = writeln!(self.out, "  {},{beside}", inline(item));
                }
                self.out.push_str("]\n");
            }
            // Octal, as `chmod` takes it.
            Value::Integer(mode @ 0..) if key.name == "mode" => {
                let _ = writeln!(self.out, "{name} = 0o{mode:o}{beside}");
            }
            _ => {
                self.within(node, "");
                let _ = writeln!(self.out, "{name} = {whole}{beside}");
            }
        }
    }

    /// The comments inside of a value that is written on one line, above it.
    fn within(&mut self, node: &Node<'_>, indent: &str) {
        let places: Vec<(Span, &Node<'_>)> = match &node.value {
            Value::List(items) => items.iter().map(|item| (item.span, item)).collect(),
            Value::Table(table) => table.entries.iter().map(|(key, node)| (key.span, node)).collect(),
            _ => return,
        };
        for (span, node) in places {
            if self.has_any(span) {
                let comments = self.comments;
                let own = comments.above.get(&at(span)).into_iter().flatten().chain(comments.beside.get(&at(span)));
                own.for_each(|line| self.line(indent, line));
                self.said.insert(at(span));
            }
            self.within(node, indent);
        }
    }

    /// The comments that are about nothing in the spec.
    fn rest(&mut self) {
        let mut left: Vec<(At, &String)> = Vec::new();
        for (place, lines) in &self.comments.above {
            if !self.said.contains(place) {
                left.extend(lines.iter().map(|line| (*place, line)));
            }
        }
        left.extend(self.comments.beside.iter().filter(|(place, _)| !self.said.contains(place)).map(|(p, l)| (*p, l)));
        left.sort_by_key(|(place, _)| *place);
        let below: Vec<&String> = left.into_iter().map(|(_, line)| line).chain(&self.comments.below).collect();
        if !below.is_empty() {
            self.out.push('\n');
        }
        for line in below {
            self.line("", line);
        }
    }
}

/// A value on one line, but for texts with several.
fn inline(node: &Node<'_>) -> String {
    match &node.value {
        Value::String(text) => string(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => "nan".to_owned(),
        Value::Float(number) if number.is_infinite() => if *number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(flag) => flag.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(table) if table.entries.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let entries = table.entries.iter().map(|(key, node)| match &node.value {
                Value::Integer(mode @ 0..) if key.name == "mode" => format!("mode = 0o{mode:o}"),
                _ => format!("{} = {}", name(&key.name), inline(node)),
            });
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        _ => "\"\"".to_owned(),
    }
}

fn string(text: &str) -> String {
    let builder = TomlStringBuilder::new(text);
    let written = if text.contains('\n') {
        builder.as_ml_literal().or_else(|| builder.as_ml_basic_pretty()).unwrap_or_else(|| builder.as_ml_basic())
    } else {
        builder.as_default()
    };
    written.to_toml_value()
}

fn name(key: &str) -> String {
    TomlKeyBuilder::new(key).as_default().to_toml_key()
}
