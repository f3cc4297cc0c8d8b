//! GitHub-flavored Markdown, for paragraphs and table cells.
//!
//! A backslash escapes ASCII punctuation
//! (<https://github.github.com/gfm/#backslash-escapes>). A pipe is written as a character reference
//! instead: implementations differ in how they read `\\|` in a table, and `\|` in a code span means
//! different things inside and outside of a table.

use std::fmt::Write as _;

use askama::filters::Safe;

pub use super::line;

use super::{AsLit, Lit, all_in, byte_set, collect, separated, unprintable, write_bool, write_int};

language! {
    /// The value as text; a line break becomes `<br>`, and a list its items with commas between.
}

/// The value as code: a code span, or a `<code>` element for what a span cannot hold (a pipe, a line
/// break, nothing at all).
#[askama::filter_fn]
pub fn code<T: AsLit>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let source = collect(&value.as_lit(), write_code);
    Ok(Safe(source))
}

/// Text of another language for a fenced block. Three backticks, which would end the block, become apostrophes.
#[askama::filter_fn]
pub fn fenced<T: AsRef<str>>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    Ok(Safe(value.as_ref().trim_end().replace("```", "'''")))
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_each(out, lit, write_str);
}

/// Appends the value as the `code` filter writes it; each item of a list is code of its own.
pub fn write_code(out: &mut String, lit: &Lit<'_>) {
    write_each(out, lit, write_code_str);
}

fn write_each(out: &mut String, lit: &Lit<'_>, string: fn(&mut String, &str)) {
    let mut scalar = String::new();
    match lit {
        Lit::Str(text) => return string(out, text),
        Lit::List(items) => {
            return separated(out, items, ", ", |out, item| write_each(out, item, string));
        }
        Lit::Int(integer) => write_int(&mut scalar, *integer),
        Lit::Bool(boolean) => write_bool(&mut scalar, *boolean),
    }
    string(out, &scalar);
}

/// Bytes without a special meaning anywhere in a text.
const PLAIN: [bool; 256] = byte_set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/:,;'\"%@?!(");

/// Bytes without a special meaning in a code span.
const PLAIN_CODE: [bool; 256] =
    byte_set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:,;'\"%@?!(){}[]<>=+-_.*&#$~^\\");

fn write_str(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    // The fast path for words: characters that are special only at the start or the end are in the middle.
    if let [first, middle @ .., last] = bytes
        && [first, last].iter().all(|&&byte| PLAIN[usize::from(byte)])
        && middle.iter().all(|&byte| PLAIN[usize::from(byte)] || matches!(byte, b' ' | b'-' | b'.' | b'0'..=b'9'))
    {
        out.push_str(text);
        return;
    }
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    for (at, character) in text.char_indices() {
        let edge = at == 0 || at + 1 == bytes.len();
        match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '~' | '&' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // An underscore inside a word is not special.
            '_' if !between_alphanumerics(bytes, at) => out.push_str("\\_"),
            // The start of a heading, a list or an underline, unlike `-1`.
            '#' | '+' | '-' | '=' if at == 0 && !bytes.get(1).is_some_and(u8::is_ascii_alphanumeric) => {
                out.push('\\');
                out.push(character);
            }
            '.' | ')' if at == digits && at > 0 => {
                out.push('\\');
                out.push(character);
            }
            '|' => out.push_str("&#124;"),
            '\r' if bytes.get(at + 1) == Some(&b'\n') => {}
            '\n' | '\r' => out.push_str("<br>"),
            ' ' if edge => out.push_str("&#32;"),
            _ if unprintable(character) => push_reference(out, character),
            _ => out.push(character),
        }
    }
}

fn between_alphanumerics(bytes: &[u8], at: usize) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    at > 0 && alphanumeric(bytes.get(at - 1)) && alphanumeric(bytes.get(at + 1))
}

/// NUL has no reference (<https://github.github.com/gfm/#insecure-characters>): a reader shows
/// U+FFFD, and the specification never yields one.
fn push_reference(out: &mut String, character: char) {
    // Writing to a `String` cannot fail.
    let _ = write!(out, "&#{};", u32::from(character));
}

fn write_code_str(out: &mut String, text: &str) {
    if !text.is_empty() && all_in(text, &PLAIN_CODE) {
        for part in ["`", text, "`"] {
            out.push_str(part);
        }
        return;
    }
    let unfit = |character| matches!(character, '|') || unprintable(character);
    if text.is_empty() || text.contains(unfit) {
        out.push_str("<code>");
        write_str(out, text);
        out.push_str("</code>");
        return;
    }
    // The delimiter is one backtick longer than the longest run inside.
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // A reader strips one space from either end, unless there is nothing but spaces.
    let blank = text.bytes().all(|byte| byte == b' ');
    let edge = |end: bool| end && !blank;
    let padded =
        edge(text.starts_with('`') || text.ends_with('`')) || edge(text.starts_with(' ') && text.ends_with(' '));
    let padding = if padded { " " } else { "" };
    for part in [&fence, padding, text, padding, &fence] {
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::super::hostile;
    use super::*;

    fn code_of(text: &str) -> String {
        collect(&Lit::Str(text), write_code)
    }

    /// The text that a reader sees, with `code` around code and nothing but text allowed.
    fn read(document: &str) -> Option<Vec<String>> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM;
        let mut shown = vec![];
        let mut current = String::new();
        for event in Parser::new_ext(document, options) {
            match event {
                Event::Text(text) | Event::Code(text) => current.push_str(&text),
                Event::InlineHtml(html) | Event::Html(html) => match html.trim_end() {
                    "<br>" => current.push('\n'),
                    "<code>" | "</code>" => {}
                    _ => return None,
                },
                Event::Start(
                    Tag::Paragraph | Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell | Tag::HtmlBlock,
                ) => {}
                Event::End(_) => {
                    shown.push(std::mem::take(&mut current));
                }
                _ => return None,
            }
        }
        shown.retain(|text| !text.is_empty());
        Some(shown)
    }

    fn normal(text: &str) -> String {
        text.replace("\r\n", "\n").replace('\r', "\n")
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        assert_eq!(string("a TEMPORAL_ADDRESS, 1.5 (b-c)."), "a TEMPORAL_ADDRESS, 1.5 (b-c).");
        assert_eq!(string("# a"), "\\# a");
        assert_eq!(string("- a"), "\\- a");
        assert_eq!(string("12. a"), "12\\. a");
        assert_eq!(string("a|b\n<i>"), "a&#124;b<br>\\<i\\>");
        assert_eq!(string(" a "), "&#32;a&#32;");
        assert_eq!(string(&["a", "b"]), "a, b");
        assert_eq!(string(&-1), "-1");
    }

    #[test]
    fn code_spans() {
        assert_eq!(code_of("a*b"), "`a*b`");
        assert_eq!(code_of("a`b"), "``a`b``");
        assert_eq!(code_of("``"), "``` `` ```");
        assert_eq!(code_of(" a "), "`  a  `");
        assert_eq!(code_of(" "), "` `");
        assert_eq!(code_of("a|b"), "<code>a&#124;b</code>");
        assert_eq!(code_of(""), "<code></code>");
    }

    fn trimmed(cells: &[&str]) -> Vec<String> {
        cells.iter().filter(|cell| !cell.is_empty()).map(|cell| normal(cell)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn text_round_trips(text in hostile::string()) {
            prop_assert_eq!(read(&format!("{}\n", string(&text))), Some(trimmed(&[&text])));
        }

        #[test]
        fn code_round_trips(text in hostile::string()) {
            prop_assert_eq!(read(&format!("x {}\n", code_of(&text))), Some(vec![normal(&format!("x {text}"))]));
        }

        #[test]
        fn cells_round_trip(text in hostile::string(), code in hostile::string()) {
            let table = format!("| k | v |\n|---|---|\n| {} | {} |\n", string(&text), code_of(&code));
            prop_assert_eq!(read(&table), Some(trimmed(&["k", "v", &text, &code])));
        }
    }
}
