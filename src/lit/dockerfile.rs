//! Values of a Dockerfile's `ARG`, `ENV` and `LABEL`, with `\` as the escape character.
//!
//! Inside double quotes a backslash escapes `"`, `$` and itself
//! (<https://docs.docker.com/reference/dockerfile/#environment-replacement>). An instruction ends
//! with its line and there is no escape for a line break: a space is written in its place.

pub use super::line;

use super::{Escape, Lit, all_in, byte_set, json, separated, write_bool, write_escaped, write_int};

language! {
    /// The value as what follows `NAME=`, or a word elsewhere; a list is in the JSON form of `CMD` and
    /// `ENTRYPOINT`.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    match lit {
        Lit::Str(text) => write_str(out, text),
        Lit::Int(integer) => write_int(out, *integer),
        Lit::Bool(boolean) => write_bool(out, *boolean),
        Lit::List(items) => {
            out.push('[');
            // Docker accepts only strings in this form.
            separated(out, items, ", ", |out, item| match item {
                Lit::Int(_) | Lit::Bool(_) => {
                    out.push('"');
                    json::write(out, item);
                    out.push('"');
                }
                Lit::Str(_) | Lit::List(_) => json::write(out, item),
            });
            out.push(']');
        }
    }
}

const SAFE: [bool; 256] = byte_set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+.,:/@%");

fn write_str(out: &mut String, text: &str) {
    if !text.is_empty() && all_in(text, &SAFE) {
        out.push_str(text);
        return;
    }
    out.push('"');
    write_escaped(out, text, |_, character| match character {
        '"' | '\\' | '$' => Some(Escape::Backslash),
        '\n' | '\r' | '\0' => Some(Escape::As(" ")),
        _ => None,
    });
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    /// `processDoubleQuote` of `BuildKit`'s shell lexer, for a word that is one quoted string.
    fn decode(source: &str) -> Option<String> {
        let Some(inner) = source.strip_prefix('"') else {
            return (!source.contains([' ', '\'', '"', '\\', '$'])).then(|| source.to_owned());
        };
        let mut text = String::new();
        let mut rest = inner.chars();
        loop {
            match rest.next()? {
                '"' => break,
                '$' => return None,
                '\\' => match rest.next()? {
                    same @ ('"' | '$' | '\\') => text.push(same),
                    other => text.extend(['\\', other]),
                },
                character => text.push(character),
            }
        }
        rest.next().is_none().then_some(text)
    }

    #[test]
    fn words() {
        assert_eq!(string("1.27-alpine"), "1.27-alpine");
        assert_eq!(string(""), "\"\"");
        assert_eq!(string("a $b \"c\" \\"), r#""a \$b \"c\" \\""#);
        assert_eq!(string("a\nRUN b"), "\"a RUN b\"");
        assert_eq!(string(&["a", "b\nc"]), r#"["a", "b\nc"]"#);
        assert_eq!(string(&[1, 2]), r#"["1", "2"]"#);
    }

    proptest! {
        #[test]
        fn values_round_trip(text in hostile::string()) {
            let source = string(&text);
            prop_assert!(!source.contains(['\n', '\r']));
            let expected = text.replace(['\n', '\r'], " ");
            prop_assert_eq!(decode(&source), Some(expected));
        }
    }
}
