//! XML: what may be the text of an element or the value of an attribute.

use std::fmt::Write as _;

use super::{Lit, write_between};

language! {
    /// The value as text or in an attribute; a list is one value, its items joined with commas.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_between(out, lit, write_str, ["", ",", ""]);
}

fn write_str(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // A reader makes these a space in an attribute.
            '\n' | '\r' | '\t' => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "&#{};", u32::from(character));
            }
            // XML has no way to write the other control characters, and the spec refuses them.
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_value_is_markup() {
        assert_eq!(string("a<b>&\"c\"'\n\u{1}é"), "a&lt;b&gt;&amp;&quot;c&quot;&apos;&#10;\u{fffd}é");
        assert_eq!(
            (string(&["a&b", "c"]), string(&false), string(&1_u8)),
            ("a&amp;b,c".into(), "false".into(), "1".into())
        );
    }
}
