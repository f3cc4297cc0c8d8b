//! Formats the files of a spec.
//!
//! Changes only whitespace and the comma after the last item of a list. The line breaks of lists stay, as does the space
//! before comments, since comments may be aligned.

use toml_parser::lexer::TokenKind;

use super::tokens::{self, Token};

/// The indentation of a list.
const INDENT: &str = "  ";

/// The formatted text; `None` if it is not TOML, or if anything but the layout would change.
pub fn format(text: &str) -> Option<String> {
    let formatted = unchecked(text)?;
    // The file is about to be replaced: better unformatted than wrong.
    (meaning(text) == meaning(&formatted)).then_some(formatted)
}

/// The first line that differs, one-based, before and after; `None` for a side without that line.
pub fn first_difference<'t>(before: &'t str, after: &'t str) -> Option<(usize, Option<&'t str>, Option<&'t str>)> {
    let (mut old, mut new) = (before.split('\n'), after.split('\n'));
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => return None,
            (old, new) if old != new => return Some((number, old, new)),
            _ => {}
        }
    }
    None
}

/// The tokens other than whitespace, in order.
fn meaning(text: &str) -> Vec<&str> {
    let tokens = tokens::of(text);
    // Without commas: the last one is optional, and a comment may be on either side.
    tokens
        .into_iter()
        .filter(|token| !token.is_layout() && token.kind != TokenKind::Comma)
        .map(|token| if token.kind == TokenKind::Comment { token.text.trim_end() } else { token.text })
        .collect()
}

fn unchecked(text: &str) -> Option<String> {
    let mut reader = Reader { source: text, tokens: tokens::of(text), next: 0 };
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    // Comments directly above the next key or header, and whether a blank line precedes them.
    let mut above: Vec<&str> = Vec::new();
    let mut is_apart = false;
    loop {
        let blank = reader.blank_lines();
        if blank > 0 {
            flush(&mut out, &mut above, is_apart);
            is_apart = true;
        }
        let Some(token) = reader.peek() else { break };
        match token.kind {
            TokenKind::Comment => {
                above.push(token.text.trim_end());
                reader.next += 1;
                reader.end_of_line();
                continue;
            }
            TokenKind::LeftSquareBracket => {
                let (header, close) = reader.header()?;
                flush(&mut out, &mut above, true);
                out.push_str(&header);
                out.push_str(&close);
            }
            _ => {
                flush(&mut out, &mut above, is_apart);
                let key = reader.key()?;
                reader.expect(TokenKind::Equals)?;
                let value = reader.value()?;
                out.push_str(&key);
                out.push_str(" = ");
                write(&value, 0, &mut out);
            }
        }
        is_apart = false;
        let gap = reader.whitespace();
        if let Some(comment) = reader.take(TokenKind::Comment) {
            out.push_str(if gap.is_empty() { " " } else { gap });
            out.push_str(comment.text.trim_end());
        }
        out.push('\n');
        if reader.peek().is_some() && !reader.end_of_line() {
            return None;
        }
    }
    if !above.is_empty() {
        flush(&mut out, &mut above, is_apart);
    }
    Some(out)
}

/// Writes pending comments, after a blank line unless at the start.
fn flush(out: &mut String, above: &mut Vec<&str>, is_apart: bool) {
    if is_apart && !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
    for comment in above.drain(..) {
        out.push_str(comment);
        out.push('\n');
    }
}

/// A value.
enum Value<'t> {
    /// As written.
    Scalar(&'t str),
    /// A list or an inline table.
    Group { open: &'t str, close: &'t str, entries: Vec<Entry<'t>>, is_tall: bool },
}

/// An entry of a list or an inline table.
struct Entry<'t> {
    /// Newlines before it.
    newlines: usize,
    content: Content<'t>,
}

enum Content<'t> {
    /// An item, with its key in an inline table.
    Item(Option<String>, Value<'t>),
    /// A comment, with the space before it.
    Comment(&'t str, &'t str),
}

struct Reader<'t> {
    source: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, kind: TokenKind) -> Option<Token<'t>> {
        let token = self.peek().filter(|token| token.kind == kind)?.clone();
        self.next += 1;
        Some(token)
    }

    fn expect(&mut self, kind: TokenKind) -> Option<Token<'t>> {
        self.whitespace();
        self.take(kind)
    }

    fn whitespace(&mut self) -> &'t str {
        self.take(TokenKind::Whitespace).map_or("", |token| token.text)
    }

    /// Whether the line ends here.
    fn end_of_line(&mut self) -> bool {
        self.whitespace();
        self.take(TokenKind::Newline).is_some()
    }

    /// Skips blank lines and indentation; returns the number of blank lines.
    fn blank_lines(&mut self) -> usize {
        let mut count = 0;
        while self.end_of_line() {
            count += 1;
        }
        count
    }

    /// `[a.b]` or `[[a.b]]`, split after the key.
    fn header(&mut self) -> Option<(String, String)> {
        let mut open = String::new();
        while self.take(TokenKind::LeftSquareBracket).is_some() {
            open.push('[');
        }
        let key = self.key()?;
        let mut close = String::new();
        self.whitespace();
        while self.take(TokenKind::RightSquareBracket).is_some() {
            close.push(']');
        }
        (open.len() == close.len()).then(|| (open + &key, close))
    }

    /// A key, dotted or not.
    fn key(&mut self) -> Option<String> {
        let mut key = String::new();
        loop {
            self.whitespace();
            let token = self.peek()?;
            match token.kind {
                TokenKind::Dot | TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => {
                    key.push_str(token.text);
                    self.next += 1;
                }
                _ => return (!key.is_empty()).then_some(key),
            }
        }
    }

    fn value(&mut self) -> Option<Value<'t>> {
        self.whitespace();
        let first = self.peek()?.clone();
        match first.kind {
            TokenKind::LeftSquareBracket => self.group("[", "]", TokenKind::RightSquareBracket),
            TokenKind::LeftCurlyBracket => self.group("{", "}", TokenKind::RightCurlyBracket),
            TokenKind::BasicString
            | TokenKind::LiteralString
            | TokenKind::MlBasicString
            | TokenKind::MlLiteralString => {
                self.next += 1;
                Some(Value::Scalar(first.text))
            }
            _ => self.atom(),
        }
    }

    /// A number, a boolean or a date, which may have several tokens.
    fn atom(&mut self) -> Option<Value<'t>> {
        let rest = &self.tokens[self.next..];
        let is_part = |kind| matches!(kind, TokenKind::Atom | TokenKind::Dot);
        let end = rest.iter().position(|token| !is_part(token.kind) && token.kind != TokenKind::Whitespace);
        let count = rest[..end.unwrap_or(rest.len())].iter().rposition(|token| is_part(token.kind))? + 1;
        let text = self.source.get(rest[0].place.start..rest[count - 1].place.end)?;
        self.next += count;
        Some(Value::Scalar(text))
    }

    fn group(&mut self, open: &'t str, close: &'t str, end: TokenKind) -> Option<Value<'t>> {
        self.next += 1;
        let mut entries: Vec<Entry<'t>> = Vec::new();
        let (mut newlines, mut is_tall) = (0, false);
        loop {
            let gap = self.whitespace();
            let token = self.peek()?.clone();
            match token.kind {
                kind if kind == end => {
                    self.next += 1;
                    return Some(Value::Group { open, close, entries, is_tall });
                }
                TokenKind::Newline => {
                    newlines += 1;
                    is_tall = true;
                    self.next += 1;
                }
                TokenKind::Comma => self.next += 1,
                TokenKind::Comment => {
                    let content = Content::Comment(gap, token.text.trim_end());
                    entries.push(Entry { newlines: std::mem::take(&mut newlines), content });
                    self.next += 1;
                }
                _ => {
                    let key = if end == TokenKind::RightCurlyBracket {
                        let key = self.key()?;
                        // The parser takes line breaks around the sign.
                        self.blank_lines();
                        self.expect(TokenKind::Equals)?;
                        self.blank_lines();
                        Some(key)
                    } else {
                        None
                    };
                    let content = Content::Item(key, self.value()?);
                    entries.push(Entry { newlines: std::mem::take(&mut newlines), content });
                }
            }
        }
    }
}

/// Writes a value at this depth of multi-line lists.
fn write(value: &Value<'_>, depth: usize, out: &mut String) {
    let (open, close, entries, is_tall) = match value {
        Value::Scalar(text) => return out.push_str(text),
        Value::Group { open, close, entries, is_tall } => (open, close, entries, *is_tall),
    };
    out.push_str(open);
    if !is_tall {
        let padding = if *open == "{" && !entries.is_empty() { " " } else { "" };
        out.push_str(padding);
        for (index, entry) in entries.iter().enumerate() {
            out.push_str(if index > 0 { ", " } else { "" });
            item(&entry.content, depth, out);
        }
        out.push_str(padding);
        out.push_str(close);
        return;
    }
    let inner = depth + 1;
    for (index, entry) in entries.iter().enumerate() {
        let Entry { newlines, content } = entry;
        match content {
            Content::Comment(gap, comment) if *newlines == 0 => {
                out.push_str(if gap.is_empty() { " " } else { gap });
                out.push_str(comment);
            }
            Content::Comment(_, comment) => {
                new_line(index > 0 && *newlines > 1, inner, out);
                out.push_str(comment);
            }
            Content::Item(..) => {
                if *newlines > 0 || index == 0 {
                    new_line(index > 0 && *newlines > 1, inner, out);
                } else {
                    out.push(' ');
                }
                item(content, inner, out);
                out.push(',');
            }
        }
    }
    if entries.is_empty() {
        out.push_str(close);
    } else {
        new_line(false, depth, out);
        out.push_str(close);
    }
}

fn item(content: &Content<'_>, depth: usize, out: &mut String) {
    // Only a multi-line list has comments.
    let Content::Item(key, value) = content else { return };
    if let Some(key) = key {
        out.push_str(key);
        out.push_str(" = ");
    }
    write(value, depth, out);
}

fn new_line(blank: bool, depth: usize, out: &mut String) {
    out.push_str(if blank { "\n\n" } else { "\n" });
    out.extend(std::iter::repeat_n(INDENT, depth));
}
