//! JSON after RFC 8259, on one line.

use super::{Lit, common_escape, write_quoted, write_with};

language! {
    /// The value as JSON.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_with(out, lit, write_str);
}

/// Beyond what the RFC asks for, characters that nobody can see are escaped too.
pub(super) fn write_str(out: &mut String, text: &str) {
    // Every character that `common_escape` names lies in the Basic Multilingual Plane, so that its
    // escape is `\uXXXX`, which is JSON.
    write_quoted(out, text, |_, character| common_escape(character));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::hostile;
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(string("\"\\/\n\u{7f}\u{9f}\u{2028}\u{feff}é🦀"), r#""\"\\/\n\u007f\u009f\u2028\ufeffé🦀""#);
        assert_eq!(string("\0"), r#""\u0000""#);
        assert_eq!(string(&[true, false]), "[true, false]");
    }

    proptest! {
        #[test]
        fn values_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4)) {
            let read: Value = serde_json::from_str(&string(&texts))?;
            prop_assert_eq!(read, Value::from(texts));
        }
    }
}
