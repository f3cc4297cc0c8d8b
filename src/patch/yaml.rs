//! YAML, of which only the lines of what changes are written again: comments and the layout of the rest stay.
//!
//! Lists and maps between brackets become blocks if something in them changes. What outputs don't have (anchors, tags, keys that are no
//! scalars) is refused.

use std::collections::HashSet;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span as Place, StructureStyle};
use serde_json::Value as Json;

use super::Refused;
use super::tree::{Entry, Node, Value};
use crate::import::compose::yaml::scalar_of;
use crate::lit::compose::{Node as Lit, write_lines, write_node};
use crate::spec::decode::shown;

/// How deep a tree may be.
const DEEPEST: usize = 64;

/// Reads the documents of a text.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Refused> {
    let mut reader = Reader { events: Parser::new_from_str(text), text, comments: 0 };
    let mut documents = Vec::new();
    loop {
        let (event, place) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentEnd | Event::DocumentStart(..) => {}
            event => documents.push(reader.node(event, place, 0)?),
        }
    }
    if documents.is_empty() { Err("it is empty".to_owned()) } else { Ok(documents) }
}

struct Reader<'t, E> {
    events: E,
    text: &'t str,
    /// How many comments were read.
    comments: usize,
}

impl<'t, E: Iterator<Item = Result<(Event<'t>, Place), granit_parser::ScanError>>> Reader<'t, E> {
    fn next(&mut self) -> Result<(Event<'t>, Place), Refused> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => self.comments += 1,
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => return Err(format!("it is not YAML: {}", error.info())),
                None => return Ok((Event::StreamEnd, Place::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Result<Node, Refused> {
        if depth > DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST} levels"));
        }
        let mut at = range(place);
        let comments = self.comments;
        let refused = |what: &str| Err(format!("it has {what}"));
        let (value, style) = match event {
            Event::Scalar(text, style, 0, None) => {
                let plain = scalar_of(&text, style);
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    at.start = self.indicator(at.start);
                }
                // A block ends with the line breaks that follow it.
                at.end = at.start + self.text.get(at.clone()).unwrap_or_default().trim_end().len();
                (Value::Scalar(plain), StructureStyle::Block)
            }
            Event::SequenceStart(style, 0, None) => {
                let mut items = Vec::new();
                let end = loop {
                    let (event, place) = self.next()?;
                    if event == Event::SequenceEnd {
                        break range(place).end;
                    }
                    items.push(self.node(event, place, depth + 1)?);
                };
                at.end =
                    if style == StructureStyle::Flow { end } else { items.last().map_or(at.end, |item| item.at.end) };
                (Value::List(items), style)
            }
            Event::MappingStart(style, 0, None) => {
                let (entries, end) = self.entries(depth)?;
                let last = entries.last().map_or(at.end, |(_, _, node)| node.at.end);
                at.end = if style == StructureStyle::Flow { end } else { last };
                (Value::Map(entries), style)
            }
            Event::Alias(_) => return refused("an alias"),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                return refused("an anchor or a tag");
            }
            _ => return refused("no value where one is expected"),
        };
        let is_flow = style == StructureStyle::Flow;
        Ok(Node { value, at, is_flow, has_comments: is_flow && self.comments > comments, ..Node::default() })
    }

    /// Where a block begins whose text is at a place: at its `|` or `>`, which the text may begin with as well.
    fn indicator(&self, start: usize) -> usize {
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.trim_end();
        let head = line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
        let is_above = before[line.len()..].contains('\n') && head.ends_with(['|', '>']);
        if is_above { head.len() - 1 } else { start }
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), Refused> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        loop {
            let (event, place) = self.next()?;
            let at = range(place);
            let key = match event {
                Event::MappingEnd => return Ok((entries, at.end)),
                Event::Scalar(text, _, 0, None) => text.into_owned(),
                _ => return Err("it has a key that is not a scalar".to_owned()),
            };
            if key == "<<" {
                return Err("it merges the keys of another map".to_owned());
            }
            if !seen.insert(key.clone()) {
                return Err(format!("it has the key `{}` twice", shown(&key)));
            }
            let (event, place) = self.next()?;
            let mut node = self.node(event, place, depth + 1)?;
            // No value stands right after the colon.
            if node.at.end < at.end {
                node.at = at.end..at.end;
            }
            entries.push((key, at, node));
        }
    }
}

fn range(place: Place) -> Range<usize> {
    let [start, end] = [place.start, place.end].map(|mark| mark.byte_offset().unwrap_or_default());
    start..end.max(start)
}

/// Writes the changes of marked documents into their text.
pub(super) fn write(text: &str, documents: &[Node]) -> Result<String, Refused> {
    let mut writer = Writer { text, replaced: Vec::new() };
    for document in documents.iter().filter(|document| document.is_touched()) {
        let column = writer.column(document.at.start);
        if is_rewritten(document) {
            let mut new = String::new();
            writer.block(&mut new, document, column)?;
            writer.replaced.push((document.at.clone(), new));
        } else {
            writer.container(document)?;
        }
    }
    let Writer { mut replaced, .. } = writer;
    // What is in a value was added before what follows it.
    replaced.sort_by_key(|(at, _)| (at.start, at.end));
    let mut out = String::with_capacity(text.len() + replaced.iter().map(|(_, new)| new.len()).sum::<usize>());
    let mut done = 0;
    for (at, new) in replaced {
        // A removed line that was part of another change.
        let Some(kept) = text.get(done..at.start) else { return Err("its layout can't be kept".to_owned()) };
        out.push_str(kept);
        out.push_str(&new);
        done = at.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(out)
}

/// Whether a value is written again as a whole.
fn is_rewritten(node: &Node) -> bool {
    let (count, removed) = node.counts();
    node.change.is_some() || (node.is_touched() && (node.is_flow || count == removed))
}

struct Writer<'t> {
    text: &'t str,
    replaced: Vec<(Range<usize>, String)>,
}

impl Writer<'_> {
    /// What changes in a block.
    fn container(&mut self, node: &Node) -> Result<(), Refused> {
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => {
                let dashes = items.iter().map(|item| self.dash(item)).collect::<Result<Vec<_>, _>>()?;
                let parts: Vec<_> = dashes.iter().copied().zip(items).collect();
                self.remove(&parts);
                for (dash, item) in parts {
                    self.value(item, dash + 1, self.column(dash))?;
                }
            }
            Value::Map(entries) => {
                let parts: Vec<_> = entries.iter().map(|(_, key, node)| (key.start, node)).collect();
                self.remove(&parts);
                for (_, key, child) in entries {
                    let colon = self.text.get(key.end..).and_then(|rest| rest.find(':'));
                    let after = colon.map(|colon| key.end + colon + 1).ok_or("it has a key without a colon")?;
                    self.value(child, after, self.column(key.start))?;
                }
            }
        }
        if let Some((_, more)) = &node.added {
            let column = match &node.value {
                Value::List(items) => items.first().map(|item| self.dash(item)).transpose()?,
                _ => Some(node.at.start),
            };
            let column = self.column(column.unwrap_or(node.at.start));
            let mut new = String::new();
            start_line(&mut new, column);
            lines(&mut new, more, column);
            let end = self.line_end(node.at.end);
            self.replaced.push((end..end, new));
        }
        Ok(())
    }

    /// A value behind its colon or dash, of which `column` is that of the key or the dash.
    fn value(&mut self, node: &Node, after: usize, column: usize) -> Result<(), Refused> {
        if !node.is_touched() || node.is_removed() {
            return Ok(());
        }
        if !is_rewritten(node) {
            return self.container(node);
        }
        let is_item = self.text.as_bytes().get(after.saturating_sub(1)) == Some(&b'-');
        let mut new = String::new();
        self.behind(&mut new, node, column + 2, is_item)?;
        let mut end = node.at.end.max(after);
        // A comment behind it would become a part of a text of several lines, and is of an item if there were several.
        let is_block = !node.is_flow && !matches!(node.value, Value::Scalar(_));
        if is_block || new.contains('\n') {
            end = self.line_end(end);
        }
        self.replaced.push((after..end, new));
        Ok(())
    }

    /// Appends a value behind its colon or dash; its lines begin at a column. What does not change keeps its text.
    fn behind(&self, out: &mut String, node: &Node, column: usize, is_item: bool) -> Result<(), Refused> {
        if !node.is_touched() {
            let text = self.text.get(node.at.clone()).unwrap_or_default();
            if !text.is_empty() {
                out.push(' ');
                out.push_str(text);
            }
            return Ok(());
        }
        let value = node.after();
        let has_lines = value.as_array().is_some_and(|items| !items.is_empty())
            || value.as_object().is_some_and(|entries| !entries.is_empty());
        if !has_lines {
            write_node(out, &lit(&value), column, |text| text.into());
            return Ok(());
        }
        // The first line of an item stands on that of its dash.
        if is_item {
            out.push(' ');
        } else {
            start_line(out, column);
        }
        self.block(out, node, column)
    }

    /// Appends the lines of a list or a map, of which the first begins where `out` ends.
    fn block(&self, out: &mut String, node: &Node, column: usize) -> Result<(), Refused> {
        let (count, removed) = node.counts();
        if node.change.is_some() || count == removed {
            lines(out, &node.after(), column);
            return Ok(());
        }
        if node.has_comments {
            return Err("it has comments between brackets, which would be lost".to_owned());
        }
        let mut is_first = true;
        let mut start = |out: &mut String| {
            if !std::mem::take(&mut is_first) {
                start_line(out, column);
            }
        };
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => {
                for item in items.iter().filter(|item| !item.is_removed()) {
                    start(out);
                    out.push('-');
                    self.behind(out, item, column + 2, true)?;
                }
            }
            Value::Map(entries) => {
                for (_, key, child) in entries.iter().filter(|(.., child)| !child.is_removed()) {
                    start(out);
                    out.push_str(self.text.get(key.clone()).unwrap_or_default());
                    out.push(':');
                    self.behind(out, child, column + 2, false)?;
                }
            }
        }
        if let Some((_, more)) = &node.added {
            start(out);
            lines(out, more, column);
        }
        Ok(())
    }

    /// Removes those that are, each with the lines of its own comment. Each part begins with a key or a dash.
    fn remove(&mut self, parts: &[(usize, &Node)]) {
        // The first one may be behind the dash of an item: what follows it takes its place.
        let inline = parts.first().is_some_and(|(start, _)| !self.is_first(*start));
        let run = parts.iter().take_while(|(_, node)| inline && node.is_removed()).count();
        if run > 0
            && let (Some((first, _)), Some((next, _))) = (parts.first(), parts.get(run))
        {
            self.replaced.push((*first..*next, String::new()));
        }
        for (start, node) in parts.iter().skip(run).filter(|(_, node)| node.is_removed()) {
            let column = self.column(*start);
            let mut from = start - column;
            while let Some(line) = self.line_before(from)
                && line.start > 0
                && is_comment_at(&self.text[line.clone()], column)
            {
                from = line.start;
            }
            let end = self.line_end(node.at.end.max(*start));
            // One of two blank lines.
            let is_blank_before = self.line_before(from).is_some_and(|line| line.len() == 1);
            let rest = &self.text[end..];
            if is_blank_before && (rest.len() <= 1 || rest.starts_with("\n\n")) {
                from -= 1;
            }
            self.replaced.push((from.saturating_sub(1)..end, String::new()));
        }
    }

    /// Where the dash of an item is.
    fn dash(&self, item: &Node) -> Result<usize, Refused> {
        let before = self.text.get(..item.at.start).unwrap_or_default().trim_end();
        // An item without a value begins behind its dash, or at it.
        let at = if self.text[item.at.start..].starts_with('-') && item.at.is_empty() {
            item.at.start
        } else {
            before.len().saturating_sub(1)
        };
        if self.text.as_bytes().get(at) == Some(&b'-') {
            Ok(at)
        } else {
            Err("it has an item without a dash".to_owned())
        }
    }

    /// Whether there is nothing but spaces before a place in its line.
    fn is_first(&self, at: usize) -> bool {
        self.text[at - self.column(at)..at].bytes().all(|byte| byte == b' ')
    }

    /// The bytes before a place in its line.
    fn column(&self, at: usize) -> usize {
        at - self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// The end of the line of a place, before its line break.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// The line that ends where another one begins, with its line break.
    fn line_before(&self, start: usize) -> Option<Range<usize>> {
        let end = start.checked_sub(1)?;
        Some(self.text[..end].rfind('\n').map_or(0, |end| end + 1)..start)
    }
}

/// Appends a line break and the spaces before a column.
fn start_line(out: &mut String, column: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', column));
}

/// Whether a line is a comment that begins at a column.
fn is_comment_at(line: &str, column: usize) -> bool {
    let text = line.trim_start_matches(' ');
    text.starts_with('#') && line.len() - text.len() == column
}

/// Appends the lines of a value, of which the first begins where `out` ends.
fn lines(out: &mut String, value: &Json, column: usize) {
    let is_empty =
        value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty {
        return out.push_str(if value.is_array() { "[]" } else { "{}" });
    }
    write_lines(out, &lit(value), column, |text| text.into());
}

fn lit(value: &Json) -> Lit<'_> {
    match value {
        Json::Null => Lit::Null,
        Json::Bool(boolean) => Lit::Boolean(*boolean),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Lit::Integer(integer),
            None => Lit::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Lit::from(text),
        Json::Array(items) => Lit::list(items, lit),
        Json::Object(entries) => Lit::table(entries, |(key, value)| (key.as_str(), lit(value))),
    }
}

/// A document, for tests.
#[cfg(test)]
pub(super) fn printed(value: &Json) -> String {
    let mut out = String::new();
    lines(&mut out, value, 0);
    out.push('\n');
    out
}
