//! Where in the source the characters of a string stand.

use std::ops::{Deref, Range};

use serde_json::json;

use super::decode::{Context, Decode};
use super::schema::{Schema, Schemas};
use super::tree::Node;
use crate::diagnostic::Span;

/// A string of which a part can be shown at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Quoted {
    /// The string, unquoted.
    pub value: String,
    /// Where it stands, with its quotes.
    pub span: Span,
    offsets: Option<Offsets>,
}

impl Quoted {
    /// A string that stands at `span` in another form, so that its parts have no place.
    pub fn unplaced(value: impl Into<String>, span: Span) -> Self {
        Self { value: value.into(), span, offsets: None }
    }

    /// The place of a range of the string's bytes.
    pub fn place(&self, range: &Range<usize>) -> Span {
        self.offsets.as_ref().map_or(self.span, |offsets| offsets.place(self.span, range.start, range.end))
    }
}

impl Deref for Quoted {
    type Target = str;

    fn deref(&self) -> &str {
        &self.value
    }
}

impl Decode for Quoted {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let value = String::decode(node, cx)?;
        let offsets = Offsets::new(&value, span, cx);
        Some(Self { value, span, offsets })
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": "string" })
    }
}

/// The place of a range of a string's bytes if it stands at `span` in simple quotes and without escapes; otherwise that of
/// the string.
pub(super) fn part(value: &str, span: Span, from: usize, to: usize) -> Span {
    let is_plain = (span.end - span.start) as usize == value.len() + 2;
    if is_plain { span.slice(from + 1, to + 1) } else { span }
}

/// How far the characters of an unquoted string are from the start of its quoted form.
#[derive(Debug, Clone, PartialEq)]
pub struct Offsets {
    /// From which byte of the string on, and how far; an escape begins a new entry.
    shifts: Vec<(usize, usize)>,
}

impl Offsets {
    /// Finds them; `None` if the source at `span` is not a quoted form of `value`.
    pub fn new(value: &str, span: Span, cx: &Context<'_>) -> Option<Self> {
        let source = &cx.sources.file(span)?.text;
        Self::of(value, source.get(span.start as usize..span.end as usize)?)
    }

    fn of(value: &str, raw: &str) -> Option<Self> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| raw.starts_with(quote))?;
        let mut at = quote.len();
        let mut rest = raw.get(at..raw.len().checked_sub(at)?)?;
        if quote.len() == 3
            && let Some(trimmed) = rest.strip_prefix('\n')
        {
            rest = trimmed;
            at += 1;
        }
        if rest == value {
            return Some(Self { shifts: vec![(0, at)] });
        }
        if quote.starts_with('\'') {
            return None;
        }
        let mut shifts = vec![(0, at)];
        let mut done = 0;
        while let Some(found) = rest.find('\\') {
            let escape = &rest[found..];
            let (length, decoded) = match escape.as_bytes().get(1)? {
                b'u' => (6, character(escape.get(2..6)?)?),
                b'U' => (10, character(escape.get(2..10)?)?),
                b'x' => (4, character(escape.get(2..4)?)?),
                b'n' | b't' | b'r' | b'b' | b'f' | b'e' | b'"' | b'\\' => (2, 1),
                // A backslash at the end of a line takes the white space that follows with it.
                _ => (escape.len() - escape.get(1..)?.trim_start().len(), 0),
            };
            done += found + decoded;
            at += found + length;
            shifts.push((done, at - done));
            rest = escape.get(length..)?;
        }
        (done + rest.len() == value.len()).then_some(Self { shifts })
    }

    /// The place of a range of the string's bytes.
    pub fn place(&self, span: Span, from: usize, to: usize) -> Span {
        let shift = |byte: usize| {
            let index = self.shifts.partition_point(|&(start, _)| start <= byte);
            byte + self.shifts.get(index.saturating_sub(1)).map_or(0, |&(_, shift)| shift)
        };
        // The end of a range belongs to the character before it.
        let end = if to > from { shift(to - 1) + 1 } else { shift(from) };
        span.slice(shift(from), end.max(shift(from)))
    }
}

/// The bytes of the character with that number.
fn character(digits: &str) -> Option<usize> {
    char::from_u32(u32::from_str_radix(digits, 16).ok()?).map(char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_string_is_found_in_its_source() {
        for (raw, value, part, expected) in [
            ("'rate(x)'", "rate(x)", "x", "x"),
            ("'rate(x)'", "rate(x)", "", ""),
            ("'''\nrate(\n  x)'''", "rate(\n  x)", "x", "x"),
            (r#""{a=\"b\"} or c""#, "{a=\"b\"} or c", "c", "c"),
            (r#""{a=\"b\"} or c""#, "{a=\"b\"} or c", "\"b\"", r#"\"b\""#),
            (r#""\u00e9\t\U0001F980 end""#, "é\t🦀 end", "end", "end"),
            (r#""\x41\e end""#, "A\u{1b} end", "end", "end"),
            ("\"\"\"a \\\n    b c\"\"\"", "a b c", "c", "c"),
        ] {
            let offsets = Offsets::of(value, raw).expect(raw);
            let from = value.find(part).unwrap();
            let span = Span { file: 0, start: 0, end: u32::try_from(raw.len()).unwrap() };
            let place = offsets.place(span, from, from + part.len());
            let shown = &raw[place.start as usize..place.end as usize];
            assert!(shown == expected || expected.starts_with(shown), "{raw}: {shown}");
        }
        // A key has no quotes, and a value that a profile changed stands elsewhere.
        assert_eq!(Offsets::of("x", "x"), None);
        assert_eq!(Offsets::of("other", "'text'"), None);
    }
}
