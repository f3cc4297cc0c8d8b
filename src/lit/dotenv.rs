//! Values of a `.env` file, as Docker Compose reads it.
//!
//! The rules are those of compose-go's `dotenv` package
//! (<https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax>):
//! a bare value and a double-quoted one are interpolated, a single-quoted one is not. A file in
//! which nothing needs double quotes can be sourced by a POSIX shell too.

use std::fmt::Write as _;

pub use super::line;

use super::{Lit, all_in, byte_set, unprintable, write_between};

language! {
    /// The value as what follows `NAME=`; a list is one value, its items joined with commas.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    if let Lit::Str(text) = lit {
        return write_str(out, text);
    }
    let mut text = String::new();
    write_between(&mut text, lit, String::push_str, ["", ",", ""]);
    write_str(out, &text);
}

const SAFE: [bool; 256] = byte_set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+.,:/@%=");

fn write_str(out: &mut String, text: &str) {
    if all_in(text, &SAFE) {
        out.push_str(text);
    } else if text.chars().any(|character| matches!(character, '\'' | '\\') || unprintable(character)) {
        double_quote(out, text);
    } else {
        out.push('\'');
        out.push_str(text);
        out.push('\'');
    }
}

/// The escapes are those of `expandEscapes` in compose-go, which has no `\u`: other characters are
/// written as they are.
fn double_quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '$' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "\\0{:03o}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    /// `extractVarValue`, `expandEscapes` and the interpolation of doubled dollars.
    fn decode(source: &str) -> Option<String> {
        let mut characters = source.chars();
        let quote = match characters.next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ if source.contains(['\n', '$', '\\', '#']) || source.trim() != source => return None,
            _ => return Some(source.to_owned()),
        };
        let mut value = String::new();
        let mut escape = false;
        loop {
            match characters.next()? {
                character if character == quote && !escape => break,
                '\\' if !escape => escape = true,
                character => {
                    if escape && character != quote {
                        value.push('\\');
                    }
                    escape = false;
                    value.push(character);
                }
            }
        }
        if characters.next().is_some() {
            return None;
        }
        if quote == '\'' {
            return Some(value);
        }
        let mut text = String::new();
        let mut rest = value.chars();
        while let Some(character) = rest.next() {
            text.push(match character {
                '\\' => match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => {
                        let digits: String = rest.by_ref().take(3).collect();
                        char::from_u32(u32::from_str_radix(&digits, 8).ok()?)?
                    }
                    same @ ('\\' | '$') => same,
                    _ => return None,
                },
                '$' => return None,
                _ => character,
            });
        }
        Some(text)
    }

    #[test]
    fn quotes_only_where_needed() {
        assert_eq!(string(""), "");
        assert_eq!(string("http://a:80/x?"), "'http://a:80/x?'");
        assert_eq!(string("a-b.c:80"), "a-b.c:80");
        assert_eq!(string("$a #b"), "'$a #b'");
        assert_eq!(string("it's $5"), r#""it's \$5""#);
        assert_eq!(string("a\n\u{1}1\\"), r#""a\n\00011\\""#);
        assert_eq!(string(&8080_u16), "8080");
        assert_eq!(string(&["a", "b c"]), "'a,b c'");
    }

    proptest! {
        #[test]
        fn values_round_trip(text in hostile::string()) {
            prop_assert_eq!(decode(&string(&text)), Some(text));
        }
    }
}
