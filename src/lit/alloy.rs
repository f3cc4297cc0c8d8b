//! Alloy's configuration language.
//!
//! Strings are double-quoted on one line, with the escapes of Go
//! (<https://grafana.com/docs/alloy/latest/get-started/configuration-syntax/expressions/types_and_values/#strings>);
//! `$` and `%` mean nothing. A raw NUL would be an error; it is escaped like any control character.

use askama::filters::Safe;

use super::{Lit, common_escape, write_quoted, write_with};

language! {
    /// The value as an Alloy expression, on one line.
}

/// The label of a block, in an expression that refers to it.
#[askama::filter_fn]
pub fn identifier<T: AsRef<str>>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let mut out = value.as_ref().to_owned();
    out.retain(|character| character.is_ascii_alphanumeric() || character == '_');
    Ok(Safe(out))
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_with(out, lit, write_str);
}

fn write_str(out: &mut String, text: &str) {
    write_quoted(out, text, |_, character| common_escape(character));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    /// Reads a string literal; the escapes that the writer has no use for are errors.
    fn decode(source: &str) -> Option<String> {
        let inner = source.strip_prefix('"')?.strip_suffix('"')?;
        let mut text = String::new();
        let mut rest = inner.chars();
        while let Some(character) = rest.next() {
            text.push(match character {
                '\\' => match rest.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    same @ ('\\' | '"') => same,
                    'u' => {
                        let digits: String = rest.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    _ => return None,
                },
                '"' | '\n' | '\r' | '\0' => return None,
                _ => character,
            });
        }
        Some(text)
    }

    #[test]
    fn sigils_mean_nothing() {
        assert_eq!(string("${a} %{b} 'c' `d`"), "\"${a} %{b} 'c' `d`\"");
        assert_eq!(string(&["a"]), "[\"a\"]");
        assert_eq!(string(&true), "true");
    }

    proptest! {
        #[test]
        fn values_round_trip(text in hostile::string()) {
            prop_assert_eq!(decode(&string(&text)), Some(text));
        }
    }
}
