//! How a value is written in each target language.
//!
//! Values enter a template only through the `lit` filter of its language. The view selects the
//! language with one line, `use crate::lit::yaml as filters;`, and
//! the template writes `image: {= image|lit =}`.
//!
//! The filters turn typed values into source text, so that a boolean or an integer differs from a
//! string that looks like one. The module of the language decides what is quoted, and how; a string
//! that needs no quotes gets none.
//!
//! An expression without a filter does not compile, because [`Strict`] is not an escaper:
//!
//! ```compile_fail,E0599
//! use askama::Template;
//! use stackgen::lit::{self, yaml as filters};
//!
//! #[derive(Template)]
//! #[template(source = "image: {= image =}", ext = "yml")]
//! struct Service { image: String }
//!
//! fn main() {}
//! ```
//!
//! With the filter it does:
//!
//! ```standalone_crate
//! use askama::Template;
//! use stackgen::lit::{self, yaml as filters};
//!
//! #[derive(Template)]
//! #[template(source = "image: {= image|lit =}", ext = "yml")]
//! struct Service { image: String }
//!
//! fn main() {
//!     let service = Service { image: "no".into() };
//!     assert_eq!(service.render().unwrap(), r#"image: "no""#);
//! }
//! ```

#![allow(
    missing_docs,
    clippy::inline_always,
    clippy::missing_errors_doc,
    reason = "askama::filter_fn drops a filter's documentation and generates the rest; no filter fails"
)]

/// The filter and the function around a language's own `write`.
macro_rules! language {
    ($(#[$doc:meta])*) => {
        $(#[$doc])*
        #[askama::filter_fn]
        pub fn lit<T: $crate::lit::AsLit>(
            value: T,
            _: &dyn askama::Values,
        ) -> askama::Result<askama::filters::Safe<String>> {
            let source = string(&value);
            Ok(askama::filters::Safe(source))
        }

        /// The value as the `lit` filter writes it.
        pub fn string<T: $crate::lit::AsLit + ?Sized>(value: &T) -> String {
            $crate::lit::collect(&value.as_lit(), write)
        }
    };
}

pub mod alloy;
pub mod compose;
pub mod dockerfile;
pub mod dotenv;
pub mod hcl;
pub mod json;
pub mod manifest;
pub mod markdown;
pub mod shell;
pub mod toml;
pub mod xml;
pub mod yaml;

use std::fmt::Write as _;

/// The escaper of every template extension in askama's configuration.
///
/// It intentionally does not implement [`askama::filters::Escaper`]: a bare `{= value =}` then does
/// not compile, and the language's filter is the only way to write a value.
#[derive(Debug, Clone, Copy)]
pub struct Strict;

/// A value that all target languages can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lit<'a> {
    /// A string.
    Str(&'a str),
    /// An integer of any width.
    Int(i128),
    /// A boolean.
    Bool(bool),
    /// A list, written on one line.
    List(Vec<Lit<'a>>),
}

/// A type whose values all target languages can write.
///
/// [`Text`](crate::model::text::Text) is not one: only Compose interpolates references to the
/// environment, see [`compose::AsCompose`].
///
/// ```compile_fail,E0277
/// use stackgen::{lit::json, model::text::Text};
///
/// json::string(&Text::from("x"));
/// ```
pub trait AsLit {
    /// The value, borrowed.
    fn as_lit(&self) -> Lit<'_>;
}

impl<T: AsLit + ?Sized> AsLit for &T {
    fn as_lit(&self) -> Lit<'_> {
        (**self).as_lit()
    }
}

impl AsLit for Lit<'_> {
    fn as_lit(&self) -> Lit<'_> {
        self.clone()
    }
}

impl AsLit for str {
    fn as_lit(&self) -> Lit<'_> {
        Lit::Str(self)
    }
}

impl AsLit for String {
    fn as_lit(&self) -> Lit<'_> {
        Lit::Str(self)
    }
}

impl AsLit for bool {
    fn as_lit(&self) -> Lit<'_> {
        Lit::Bool(*self)
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl AsLit for $integer {
            fn as_lit(&self) -> Lit<'_> {
                Lit::Int((*self).into())
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 i8 i16 i32 i64);

impl<T: AsLit> AsLit for [T] {
    fn as_lit(&self) -> Lit<'_> {
        Lit::List(self.iter().map(AsLit::as_lit).collect())
    }
}

impl<T: AsLit> AsLit for Vec<T> {
    fn as_lit(&self) -> Lit<'_> {
        self.as_slice().as_lit()
    }
}

impl<T: AsLit, const N: usize> AsLit for [T; N] {
    fn as_lit(&self) -> Lit<'_> {
        self.as_slice().as_lit()
    }
}

/// Text for a comment, on one line.
#[askama::filter_fn]
pub fn line<T: AsRef<str>>(value: T, _: &dyn askama::Values) -> askama::Result<askama::filters::Safe<String>> {
    let mut out = String::with_capacity(value.as_ref().len());
    for word in value.as_ref().split(|character: char| character.is_whitespace() || character.is_control()) {
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    Ok(askama::filters::Safe(out))
}

/// Writes a value with integers, booleans and lists as in JSON, and strings by `string`.
fn write_with(out: &mut String, lit: &Lit<'_>, string: fn(&mut String, &str)) {
    write_between(out, lit, string, ["[", ", ", "]"]);
}

/// Writes a value with integers and booleans as in JSON, strings by `string`, and lists with these delimiters.
fn write_between(out: &mut String, lit: &Lit<'_>, string: fn(&mut String, &str), [open, separator, close]: [&str; 3]) {
    match lit {
        Lit::Str(text) => string(out, text),
        Lit::Int(integer) => write_int(out, *integer),
        Lit::Bool(boolean) => write_bool(out, *boolean),
        Lit::List(items) => {
            out.push_str(open);
            separated(out, items, separator, |out, item| write_between(out, item, string, [open, separator, close]));
            out.push_str(close);
        }
    }
}

/// The text of a value by one of the writers.
fn collect(lit: &Lit<'_>, write: fn(&mut String, &Lit<'_>)) -> String {
    let room = match lit {
        Lit::Str(text) => text.len() + 2,
        Lit::Int(_) | Lit::Bool(_) => 8,
        Lit::List(items) => 16 * items.len() + 2,
    };
    let mut out = String::with_capacity(room);
    write(&mut out, lit);
    out
}

fn separated<T>(out: &mut String, items: &[T], separator: &str, mut write: impl FnMut(&mut String, &T)) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push_str(separator);
        }
        write(out, item);
    }
}

fn write_int(out: &mut String, integer: i128) {
    // 64-bit formatting is several times faster than 128-bit, and nearly every integer fits.
    // Writing to a `String` cannot fail.
    let _ = match i64::try_from(integer) {
        Ok(narrow) => write!(out, "{narrow}"),
        Err(_) => write!(out, "{integer}"),
    };
}

fn write_bool(out: &mut String, boolean: bool) {
    out.push_str(if boolean { "true" } else { "false" });
}

/// Writes `text` with the replacements of `escape`; the text between is copied in one piece.
fn write_escaped(out: &mut String, text: &str, mut escape: impl FnMut(usize, char) -> Option<Escape>) {
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        let Some(replacement) = escape(at, character) else {
            continue;
        };
        out.push_str(&text[copied..at]);
        copied = at + character.len_utf8();
        match replacement {
            Escape::As(source) => out.push_str(source),
            Escape::Backslash => {
                out.push('\\');
                out.push(character);
            }
            Escape::Unicode => {
                let code = u32::from(character);
                // Writing to a `String` cannot fail.
                let _ = match u16::try_from(code) {
                    Ok(short) => write!(out, "\\u{short:04x}"),
                    Err(_) => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push_str(&text[copied..]);
}

/// Writes a double-quoted string.
fn write_quoted(out: &mut String, text: &str, escape: impl FnMut(usize, char) -> Option<Escape>) {
    out.push('"');
    if all_in(text, &NEVER_ESCAPED) {
        out.push_str(text);
    } else {
        write_escaped(out, text, escape);
    }
    out.push('"');
}

/// Printable ASCII without the quote, the backslash and the signs that open a template in HCL.
const NEVER_ESCAPED: [bool; 256] = {
    let mut set = [false; 256];
    let mut byte = b' ';
    while byte < 0x7f {
        set[byte as usize] = !matches!(byte, b'"' | b'\\' | b'$' | b'%');
        byte += 1;
    }
    set
};

/// The replacement of a character in a quoted string.
enum Escape {
    /// This source text.
    As(&'static str),
    /// The character behind a backslash.
    Backslash,
    /// `\uXXXX`, or `\UXXXXXXXX` beyond the Basic Multilingual Plane.
    Unicode,
}

/// The escapes in double-quoted strings of JSON, YAML, HCL and Alloy.
fn common_escape(character: char) -> Option<Escape> {
    match character {
        '"' | '\\' => Some(Escape::Backslash),
        '\n' => Some(Escape::As("\\n")),
        '\r' => Some(Escape::As("\\r")),
        '\t' => Some(Escape::As("\\t")),
        _ if unprintable(character) => Some(Escape::Unicode),
        _ => None,
    }
}

/// Characters that should not be raw in a file: some readers reject them or treat them as a line
/// break, and reviewers can't see them.
///
/// These are control characters, spaces and format characters without a glyph, bidi controls and
/// the noncharacters U+FFFE and U+FFFF, but not the joiners U+200C and U+200D, which scripts and
/// emoji need.
pub(crate) fn unprintable(character: char) -> bool {
    matches!(character,
        '\0'..='\x1f'
        | '\x7f'..='\u{a0}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{fffe}'..='\u{ffff}')
}

/// A lookup table of bytes.
const fn byte_set(bytes: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        set[bytes[at] as usize] = true;
        at += 1;
    }
    set
}

/// Whether all bytes of a string are in the set.
fn all_in(text: &str, set: &[bool; 256]) -> bool {
    text.bytes().all(|byte| set[usize::from(byte)])
}

#[cfg(test)]
pub(crate) mod hostile {
    //! Strings that break careless quoting.

    use proptest::prelude::*;

    /// Plain words that YAML 1.1 or 1.2 reads as something other than a string.
    #[rustfmt::skip]
    pub(crate) const YAML_TRAPS: &[&str] = &[
        "", "~", "null", "Null", "NULL", "nUll", "y", "Y", "n", "N", "yes", "Yes", "YES", "no",
        "No", "NO", "nO", "on", "On", "ON", "off", "Off", "OFF", "true", "True", "TRUE", "tRue",
        "false", "False", "FALSE", "0", "-0", "+1", "12", "-12", "012", "08", "0o17", "0O17",
        "-0o17", "0x1F", "0X1f", "-0xff", "0b101", "0B1", "1_000", "1,000", "22:22", "190:20:30",
        "190:20:30.15", "-1:30", "1.5", "1.", ".5", "-.5", "+.5", "1e3", "1E3", "1e+3", "1.5e-3",
        "1.e3", "1.2.3", "127.0.0.1", ".", "-", "+", "._", ".inf", ".Inf", ".INF", "-.inf", "+.inf",
        ".nan", ".NaN", ".NAN", "2024-01-01", "2024-1-1", "2024-01-01T10:00:00Z",
        "2024-01-01t10:00:00.5-05:00", "2024-01-01 10:00:00", "2024-01-01 10:00:00 +1", "=", "<<",
        "---", "...", "--- a", "... a", "-", "- a", "-\ta", "?", "? a", ":", ": a", "a:", "a: b",
        "a:\tb", "a #b", "#a", "&a", "*a", "!a", "!!str a", "|", "|-", ">", ">+", "'a'", "'", "\"",
        "\"a\"", "%YAML", "@a", "`a`", "[", "]", "[a]", "{", "}", "{a: b}", "{{ a }}", ",", ",a",
        " ", " a", "a ", "\t", "\ta", "a\t", "a\tb", "\n", "a\n", "\na", "a\nb", "a\r\nb", "\r",
        "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "\u{feff}a", "a\u{feff}", "a\0b", "\u{7f}",
        "a\u{1b}[0m", "\u{a0}", "a\u{fffe}",
    ];

    /// Fragments with a meaning in at least one of the languages.
    #[rustfmt::skip]
    const FRAGMENTS: &[&str] = &[
        "\"", "'", "`", "``", "$", "$$", "${", "${X}", "$X", "${X:-y}", "$(x)", "$((1))", "{{",
        "}}", "{{ x }}", "{", "}", "%", "%%", "%{", "%{ if x }", "\\", "\\\\", "\\n", "\\\"", "\\'",
        "\\$", "\n", "\n\n", "\r", "\r\n", "\t", " ", "  ", "\n ", "\n\t", " \n", "#", " #", ": ",
        ":", "- ", "-", "---", "...", "?", "!", "&", "&amp;", "*", "**", "_", "__", "|", "\\|", ">",
        "<", "<<", "<br>", "<!--", "-->", "[", "]", "[a](b)", "~", "~~", "~~~", "```", "=", "===",
        ";", "(", ")", "1.", "1)", "+", "/", "@", "^", "é", "ß", "e\u{301}", "漢字", "🦀",
        "👩\u{200d}🚀", "\u{10ffff}", "\u{feff}", "\u{85}", "\u{a0}", "\u{2028}", "\u{2029}",
        "\u{202e}", "\u{200b}", "\u{7f}", "\u{1b}", "\u{1}", "\u{b}", "\u{c}", "\u{9b}", "\u{fffd}",
        "\u{fffe}", "a", "b", "Z", "0", "7", "x", "true", "no", "null", "NAME", "export ", "EOF",
    ];

    /// Any mixture of the above and of arbitrary characters, NUL excepted.
    pub(crate) fn string() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            6 => proptest::sample::select(FRAGMENTS).prop_map(str::to_owned),
            1 => proptest::sample::select(YAML_TRAPS).prop_map(str::to_owned),
            2 => "[a-z ]{1,6}",
            1 => proptest::char::any().prop_map(String::from),
        ];
        prop_oneof![
            1 => proptest::sample::select(YAML_TRAPS).prop_map(str::to_owned),
            2 => "[0-9a-fxobeEtTzZ_.,:+ -]{1,12}",
            1 => any::<String>(),
            9 => proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
        ]
        .prop_map(|text| text.replace('\0', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_their_width() {
        let mut out = String::new();
        write_int(&mut out, i128::from(u64::MAX));
        write_int(&mut out, i128::from(i64::MIN));
        assert_eq!(out, "18446744073709551615-9223372036854775808");
    }

    #[test]
    fn references_and_lists_are_literals() {
        assert_eq!((&&true).as_lit(), Lit::Bool(true));
        assert_eq!(vec!["a", "b"].as_lit(), Lit::List(vec![Lit::Str("a"), Lit::Str("b")]));
        assert_eq!([1_u8].as_lit(), Lit::List(vec![Lit::Int(1)]));
    }

    /// The delimiters of the templates mean nothing in any of the target languages.
    #[test]
    fn foreign_syntax_passes_through_a_template() {
        use super::shell as filters;
        use askama::Template;

        const FOREIGN: &str = "{{ go }} {{- .X -}} {{/* c */}} ${VAR:-x} %{ if x }%{ endif } \
            <<EOF <<-'EOF' <<~ $((x)) { a = 1 } {a=1} x =} %} ${*} a ~= b {__name__=~\"x\"}";

        #[derive(Template)]
        #[template(
            source = "{{ go }} {{- .X -}} {{/* c */}} ${VAR:-x} %{ if x }%{ endif } <<EOF <<-'EOF' <<~ $((x)) { a = 1 } {a=1} x =} %} ${*} a ~= b {__name__=~\"x\"}",
            ext = "sh"
        )]
        struct Foreign;

        #[derive(Template)]
        #[template(source = "{#- a comment -#} {%- for name in names %}{= name|lit =};{% endfor -%}", ext = "sh")]
        struct Own {
            names: Vec<String>,
        }

        let names = vec!["a".to_owned(), "b c".to_owned()];
        assert_eq!(Own { names }.render().ok().as_deref(), Some("a;'b c';"));
        assert_eq!(Foreign.render().ok().as_deref(), Some(FOREIGN));
    }
}
