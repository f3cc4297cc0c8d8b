//! HCL, as Terraform reads it.
//!
//! A quoted template
//! (<https://developer.hashicorp.com/terraform/language/expressions/strings>): `${` and `%{` open
//! an interpolation and a directive, `$${` and `%%{` are the literal ones.
//!
//! Terraform normalises every string to Unicode NFC; a string in another form cannot be written.

use askama::filters::Safe;

pub use super::line;

use super::{Escape, Lit, common_escape, write_quoted, write_with};

language! {
    /// The value as an HCL expression, on one line.
}

/// A string as a part of a quoted template, which the file's template opens and closes.
#[askama::filter_fn]
pub fn inner<T: AsRef<str>>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let mut out = String::new();
    write_str(&mut out, value.as_ref());
    // The quotes are the first and the last byte.
    out.pop();
    out.remove(0);
    Ok(Safe(out))
}

/// A Terraform name in an expression, without invalid characters (names are checked with the spec).
#[askama::filter_fn]
pub fn identifier<T: AsRef<str>>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let mut out = value.as_ref().to_owned();
    out.retain(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    Ok(Safe(out))
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_with(out, lit, write_str);
}

fn write_str(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    write_quoted(out, text, |at, character| match character {
        '$' | '%' => sigil(bytes, at),
        _ => common_escape(character),
    });
}

/// A dollar or percent sign needs an escape only in a run of them before a brace.
fn sigil(bytes: &[u8], at: usize) -> Option<Escape> {
    let opens = bytes[at + 1..].iter().find(|byte| !matches!(byte, b'$' | b'%')).is_some_and(|&byte| byte == b'{');
    if !opens {
        return None;
    }
    match (bytes[at], bytes.get(at + 1)) {
        (b'$', Some(b'{')) => Some(Escape::As("$$")),
        (_, Some(b'{')) => Some(Escape::As("%%")),
        // One before the doubled sign: a code point, so that the scanner doesn't pair them.
        _ => Some(Escape::Unicode),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    fn read(source: &str) -> hcl::Value {
        let document = format!("a = {source}\n");
        // A document that cannot be read becomes a string that says why.
        let body: hcl::Value = hcl::from_str(&document).unwrap_or_else(|error| format!("{error}: {document:?}").into());
        body.as_object().and_then(|object| object.get("a")).cloned().unwrap_or_default()
    }

    #[test]
    fn templates_are_literal() {
        assert_eq!(string("${a} %{b} $a 5% $ { %"), r#""$${a} %%{b} $a 5% $ { %""#);
        assert_eq!(string("$${a}"), r#""\u0024$${a}""#);
        assert_eq!(string("\"\\\n\u{1}🦀"), r#""\"\\\n\u0001🦀""#);
        assert_eq!(string(&["a", "b"]), r#"["a", "b"]"#);
        assert_eq!(string(&1_u8), "1");
    }

    proptest! {
        #[test]
        fn values_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4)) {
            prop_assert_eq!(read(&string(&texts)), texts.into_iter().collect::<hcl::Value>());
        }
    }
}
