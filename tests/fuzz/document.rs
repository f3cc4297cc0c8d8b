//! A TOML text in pieces that can be exchanged, with its layout and comments.

use std::fmt::Write as _;
use std::ops::Range;

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

/// A text.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The first one has no header.
    pub sections: Vec<Section>,
}

/// A table with a header, and its keys.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Comments and blank lines.
    before: String,
    /// `services.web`, without brackets.
    pub header: String,
    open: &'static str,
    /// The rest of the line.
    after: String,
    /// Its keys.
    pub entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    before: String,
    pub key: String,
    equals: String,
    pub value: String,
    after: String,
}

/// What a value, or a part of one, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A number, a flag or a date.
    Other,
}

impl Entry {
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        let [before, equals, after] = ["", " = ", "\n"].map(str::to_owned);
        Self { before, key: key.into(), equals, value: value.into(), after }
    }
}

impl Section {
    pub fn new(header: impl Into<String>, entries: Vec<Entry>) -> Self {
        Self { before: "\n".to_owned(), header: header.into(), open: "[", after: "]\n".to_owned(), entries }
    }

    /// The parts of the header.
    pub fn path(&self) -> Vec<&str> {
        path(&self.header)
    }
}

/// The parts of a dotted key, as they are written.
pub fn path(key: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quote) = (Vec::new(), 0, None);
    for (at, c) in key.char_indices() {
        match (quote, c) {
            (None, '.') => {
                parts.push(key[start..at].trim());
                start = at + 1;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
    }
    parts.push(key[start..].trim());
    parts
}

impl Document {
    /// Takes a text apart. What isn't TOML stays together somehow.
    pub fn read(text: &str) -> Self {
        let mut reader = Reader { text, tokens: Source::new(text).lex().into_vec(), next: 0 };
        let mut sections = vec![Section::default()];
        while !matches!(reader.kind(), TokenKind::Eof) {
            let before = reader.until(|kind| !is_layout(kind));
            let section = sections.last_mut().unwrap();
            if reader.kind() == TokenKind::LeftSquareBracket {
                let open = reader.until(|kind| kind != TokenKind::LeftSquareBracket);
                let open = if open.len() == 1 { "[" } else { "[[" };
                let header =
                    reader.until(|kind| matches!(kind, TokenKind::RightSquareBracket | TokenKind::Newline)).to_owned();
                let after = reader.line();
                sections.push(Section { before: before.to_owned(), header, open, after, entries: Vec::new() });
            } else {
                let key = reader.until(|kind| matches!(kind, TokenKind::Equals | TokenKind::Newline));
                let space = key.len() - key.trim_end().len();
                let key_end = key.len() - space;
                let equals_end = reader.until(|kind| !matches!(kind, TokenKind::Equals | TokenKind::Whitespace));
                let equals = key[key_end..].to_owned() + equals_end;
                let value = reader.value();
                let value_end = value.trim_end().len();
                let after = value[value_end..].to_owned() + &reader.line();
                let (key, value) = (key[..key_end].to_owned(), value[..value_end].to_owned());
                section.entries.push(Entry { before: before.to_owned(), key, equals, value, after });
            }
        }
        Self { sections }
    }

    /// Puts the pieces together.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for section in &self.sections {
            if !section.open.is_empty() {
                for piece in [&section.before, section.open, &section.header, &section.after] {
                    out.push_str(piece);
                }
                end_line(&mut out);
            }
            for Entry { before, key, equals, value, after } in &section.entries {
                for piece in [before, key, equals, value, after] {
                    out.push_str(piece);
                }
                end_line(&mut out);
            }
        }
        out
    }
}

/// The last line of a text may have no end, and may be moved.
fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

/// The single values in a value, and what they are.
pub fn scalars(value: &str) -> Vec<(Range<usize>, Kind)> {
    let tokens = Source::new(value).lex().into_vec();
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        let range = token.span().start()..token.span().end();
        let is_key = || {
            let next = tokens[index + 1..].iter().find(|next| next.kind() != TokenKind::Whitespace);
            depth > 0
                && next.is_some_and(|next| matches!(next.kind(), TokenKind::Equals | TokenKind::Dot))
                && !range_is_number(value, &range)
        };
        match token.kind() {
            TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightCurlyBracket => depth -= 1,
            kind if is_string(kind) && !is_key() => found.push((range, Kind::Text)),
            TokenKind::Atom | TokenKind::Dot => match found.last_mut() {
                // The lexer takes `1.5` apart.
                Some((last, Kind::Other)) if last.end == range.start => last.end = range.end,
                _ if token.kind() == TokenKind::Atom && !is_key() => found.push((range, Kind::Other)),
                _ => {}
            },
            _ => {}
        }
    }
    found
}

fn range_is_number(text: &str, range: &Range<usize>) -> bool {
    text[range.clone()].starts_with(|c: char| c.is_ascii_digit())
}

fn is_string(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::BasicString | TokenKind::LiteralString | TokenKind::MlBasicString | TokenKind::MlLiteralString
    )
}

fn is_layout(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment)
}

struct Reader<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    next: usize,
}

impl<'t> Reader<'t> {
    fn kind(&self) -> TokenKind {
        self.tokens.get(self.next).map_or(TokenKind::Eof, Token::kind)
    }

    /// The text of the tokens before one that ends them.
    fn until(&mut self, ends: impl Fn(TokenKind) -> bool) -> &'t str {
        let place =
            |reader: &Self| reader.tokens.get(reader.next).map_or(reader.text.len(), |token| token.span().start());
        let start = place(self);
        while self.kind() != TokenKind::Eof && !ends(self.kind()) {
            self.next += 1;
        }
        &self.text[start..place(self)]
    }

    /// A value, whose brackets may be on several lines.
    fn value(&mut self) -> &'t str {
        let start = self.next;
        let depth = std::cell::Cell::new(0_usize);
        let value = self.until(|kind| {
            match kind {
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth.set(depth.get() + 1),
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                    depth.set(depth.get().saturating_sub(1));
                }
                _ => {}
            }
            depth.get() == 0 && matches!(kind, TokenKind::Newline | TokenKind::Comment)
        });
        assert!(self.next >= start);
        value
    }

    /// The rest of the line, with its end.
    fn line(&mut self) -> String {
        let mut rest = self.until(|kind| kind == TokenKind::Newline).to_owned();
        if self.kind() == TokenKind::Newline {
            self.next += 1;
            rest.push('\n');
        }
        rest
    }
}

/// A text as TOML writes it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The text of a TOML string, without its quotes and escapes.
pub fn unquoted(value: &str) -> Option<String> {
    let table: toml::Table = format!("x = {value}").parse().ok()?;
    Some(table["x"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_as_it_is_until_something_changes() {
        let text = "# c\n a . b = 1 # one\n\n[x.\"y.z\"] # x\nlist = [\n  1.5, # a\n  \"b\",\n]\n[[y]]\nd = { e = 'f', g.h = 2 }\n";
        let document = Document::read(text);
        assert_eq!(document.text(), text);
        assert_eq!(document.sections[1].path(), ["x", "\"y.z\""]);
        let list = &document.sections[1].entries[0].value;
        let values = |value: &str| -> Vec<String> {
            scalars(value).into_iter().map(|(range, kind)| format!("{} {kind:?}", &value[range])).collect()
        };
        assert_eq!(values(list), ["1.5 Other", "\"b\" Text"]);
        assert_eq!(values(&document.sections[2].entries[0].value), ["'f' Text", "2 Other"]);
        assert_eq!(unquoted(&quoted("a\"\\\u{1}\né")).unwrap(), "a\"\\\u{1}\né");
    }
}
