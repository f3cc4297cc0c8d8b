//! The places of the tables and keys of a file.

use std::ops::Range;

use toml_parser::decoder::Encoding;
use toml_parser::lexer::TokenKind;
use toml_parser::{ParseError, Raw, Span};

use super::tokens::{self, Token};

/// A header and the keys below it; the first section of a file has no header.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Section {
    /// The names in the header.
    pub path: Vec<String>,
    /// Whether there is a header.
    pub has_header: bool,
    /// The header with its brackets.
    pub header: Range<usize>,
    /// Its keys.
    pub keys: Vec<KeyValue>,
    /// From the start of the header's line to the end of the last key's, with their newlines and comments.
    pub place: Range<usize>,
    /// Where the next section can be inserted: after comments directly below the last key.
    pub end: usize,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The names in the key.
    pub path: Vec<String>,
    /// Its lines, with the newline.
    pub place: Range<usize>,
}

impl Section {
    /// Whether it has keys of this table or of tables in it.
    pub fn concerns(&self, table: &str) -> bool {
        match self.path.first() {
            Some(first) => first == table,
            None => self.keys.iter().any(|key| key.path.first().is_some_and(|first| first == table)),
        }
    }
}

/// The sections of a text without syntax errors, in order.
pub fn of(text: &str) -> Vec<Section> {
    let tokens = tokens::of(text);
    let mut sections = vec![Section::default()];
    // The end of the comments directly below the last key, while there is nothing else.
    let mut below: Option<usize> = None;
    for line in lines(&tokens) {
        let place = line.first().map_or(0, |token| token.place.start)..line.last().map_or(0, |token| token.place.end);
        let Some(first) = line.iter().find(|token| !token.is_layout()) else {
            // A comment directly below a key, unless it is directly above the next table, belongs to the key.
            if let (Some(end), Some(section)) = (below.take(), sections.last_mut()) {
                section.end = end;
            }
            continue;
        };
        match first.kind {
            TokenKind::Comment => {
                if let Some(end) = &mut below {
                    *end = place.end;
                }
                continue;
            }
            TokenKind::LeftSquareBracket => {
                let path = path(line, TokenKind::LeftSquareBracket, TokenKind::RightSquareBracket);
                sections.push(Section {
                    path,
                    has_header: true,
                    header: header(line),
                    keys: Vec::new(),
                    end: place.end,
                    place: place.clone(),
                });
            }
            _ => {
                let path = path(line, TokenKind::Whitespace, TokenKind::Equals);
                if let Some(section) = sections.last_mut() {
                    section.keys.push(KeyValue { path, place: place.clone() });
                    section.place.end = place.end;
                    section.end = place.end;
                }
            }
        }
        below = Some(place.end);
    }
    if let (Some(end), Some(section)) = (below, sections.last_mut()) {
        section.end = end;
    }
    sections
}

/// The tokens of each statement, comment or blank line; a statement may have several lines.
fn lines<'a, 't>(tokens: &'a [Token<'t>]) -> impl Iterator<Item = &'a [Token<'t>]> {
    let mut depth = 0_usize;
    tokens.split_inclusive(move |token| {
        match token.kind {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        token.kind == TokenKind::Newline && depth == 0
    })
}

/// From the first bracket of a header to the last.
fn header(line: &[Token<'_>]) -> Range<usize> {
    let start = line.iter().find(|token| token.kind == TokenKind::LeftSquareBracket);
    let end = line.iter().rev().find(|token| token.kind == TokenKind::RightSquareBracket);
    let (start, end) = (start.map_or(0, |token| token.place.start), end.map_or(0, |token| token.place.end));
    start..end.max(start)
}

/// The names before a token.
fn path(line: &[Token<'_>], skip: TokenKind, end: TokenKind) -> Vec<String> {
    let key = line.iter().take_while(|token| token.kind != end);
    key.filter(|token| token.kind != skip && token.kind != TokenKind::Dot && !token.is_layout()).map(name).collect()
}

/// A name without its quotes.
fn name(token: &Token<'_>) -> String {
    let encoding = match token.kind {
        TokenKind::BasicString => Some(Encoding::BasicString),
        TokenKind::LiteralString => Some(Encoding::LiteralString),
        _ => None,
    };
    let mut name = std::borrow::Cow::Borrowed("");
    let span = Span::new_unchecked(0, token.text.len());
    let mut ignored: Option<ParseError> = None;
    Raw::new_unchecked(token.text, encoding, span).decode_key(&mut name, &mut ignored);
    name.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_a_text() {
        let text = "a.\"b c\" = 1 # x\n\n# ---- heading\n\n# about t\n[t.'u v']\nk = [\n  1, # [\n]\n# k2 = 1\n\n[w] # y\n# about z\n[z]\n";
        let sections = of(text);
        let paths: Vec<Vec<String>> = sections.iter().map(|section| section.path.clone()).collect();
        assert_eq!(paths, [vec![], vec!["t".to_owned(), "u v".to_owned()], vec!["w".to_owned()], vec!["z".to_owned()]]);
        assert_eq!(sections[0].keys[0].path, ["a", "b c"]);
        assert_eq!(&text[..sections[0].end], "a.\"b c\" = 1 # x\n");
        assert_eq!(&text[sections[1].place.clone()], "[t.'u v']\nk = [\n  1, # [\n]\n");
        // The comment below belongs to the table, the one above the next header to that.
        assert!(text[..sections[1].end].ends_with("# k2 = 1\n"));
        assert!(text[..sections[2].end].ends_with("[w] # y\n"));
        assert_eq!(sections[3].end, text.len());
        assert!(sections[0].concerns("a") && sections[1].concerns("t") && !sections[1].concerns("u v"));
    }
}
