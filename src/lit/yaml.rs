//! YAML, for readers of versions 1.1 and 1.2.
//!
//! A string is plain if every reader reads it as that string: the implicit types of YAML 1.1
//! (yes/no/on/off, base 60, octal, timestamps; <https://yaml.org/type/>) count as much as the core
//! schema of 1.2 and the extras of Go's and Ruby's libraries. Anything else is double-quoted, with
//! the escapes that JSON and YAML share.

use std::fmt::Write as _;

use askama::filters::Safe;

use super::{AsLit, Lit, byte_set, common_escape, unprintable, write_quoted, write_with};

language! {
    /// The value on one line: in block context, as a mapping key or as the item of a list.
    ///
    /// Keys are limited to 1024 characters.
}

/// A string of several lines as a literal block scalar with its lines at column `indent`; any other
/// value as [`lit()`] writes it.
///
/// `indent` is two more than the column of the mapping or list that holds the value:
/// `key: {= value|block(6) =}` where `key` stands at column 4. The output has no line break at its
/// end, the template's own follows.
#[askama::filter_fn]
pub fn block<T: AsLit>(value: T, _: &dyn askama::Values, indent: usize) -> askama::Result<Safe<String>> {
    let mut out = String::new();
    write_block(&mut out, &value.as_lit(), indent);
    Ok(Safe(out))
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    match lit {
        Lit::Str(text) => write_str(out, text),
        _ => write_with(out, lit, write_flow_str),
    }
}

/// Appends the value as the `block` filter writes it.
pub fn write_block(out: &mut String, lit: &Lit<'_>, indent: usize) {
    match lit {
        Lit::Str(text) => write_block_str(out, text, indent),
        _ => write(out, lit),
    }
}

/// Appends a string for block context.
pub(super) fn write_str(out: &mut String, text: &str) {
    if is_plain(text, &SPECIAL_IN_BLOCK) {
        out.push_str(text);
    } else {
        quote(out, text);
    }
}

/// Appends a string for the inside of a flow sequence.
pub(super) fn write_flow_str(out: &mut String, text: &str) {
    if is_plain(text, &SPECIAL_IN_FLOW) {
        out.push_str(text);
    } else {
        quote(out, text);
    }
}

/// Appends a string as a literal block scalar where that round-trips, otherwise on one line.
pub(super) fn write_block_str(out: &mut String, text: &str, indent: usize) {
    if !is_block(text, indent) {
        return write_str(out, text);
    }
    let (body, chomping) = match text.strip_suffix('\n') {
        Some(body) => (body, ""),
        None => (text, "-"),
    };
    out.push('|');
    // The first non-empty line determines the indentation unless it is given, relative to the column
    // of the parent.
    if body.trim_start_matches('\n').starts_with([' ', '\t']) {
        out.push('2');
    }
    out.push_str(chomping);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
}

fn quote(out: &mut String, text: &str) {
    write_quoted(out, text, |_, character| common_escape(character));
}

/// Whether a literal block scalar can hold the string.
///
/// Not if it ends in more than one line break: it would need `|+`, which includes blank lines of the
/// template after the value. Nor if it has trailing whitespace, which editors and commit hooks
/// remove, or anything that needs an escape.
fn is_block(text: &str, indent: usize) -> bool {
    indent >= 2
        && text.contains('\n')
        && !text.ends_with("\n\n")
        && text != "\n"
        && !text.ends_with([' ', '\t'])
        && !text.contains(" \n")
        && !text.contains("\t\n")
        && !text.chars().any(|character| unprintable(character) && !matches!(character, '\n' | '\t'))
}

/// The bytes that may be special in a plain scalar, including control characters, DEL and all
/// non-ASCII ones.
const fn special(more: &[u8]) -> [bool; 256] {
    let mut set = byte_set(more);
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte >= 0x7f {
            set[byte] = true;
        }
        byte += 1;
    }
    set
}

const SPECIAL_IN_BLOCK: [bool; 256] = special(b":#");
// libyaml rejects a question mark after a colon in a flow collection.
const SPECIAL_IN_FLOW: [bool; 256] = special(b":#,[]{}?");

fn is_plain(text: &str, special: &[bool; 256]) -> bool {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let next = bytes.get(1).copied();
    let may_begin = match first {
        b' ' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
        | b'"' | b'%' | b'@' | b'`' => false,
        b'0'..=b'9' => !is_numeric(text) && !is_date(bytes),
        b'+' => !is_numeric(text),
        b'.' => !is_numeric(text) && !text.starts_with("..."),
        b'-' => !matches!(next, None | Some(b' ')) && !text.starts_with("---") && !is_numeric(text),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => !is_word(text),
        b'~' | b'=' => next.is_some(),
        b'<' => text != "<<",
        _ => true,
    };
    may_begin
        && !matches!(last, b' ' | b':')
        && bytes.iter().enumerate().all(|(at, &byte)| {
            !special[usize::from(byte)]
                || match byte {
                    b':' => bytes.get(at + 1) != Some(&b' '),
                    b'#' => at > 0 && bytes[at - 1] != b' ',
                    _ => byte >= 0x80,
                }
        })
        && (text.is_ascii() || !text.chars().any(unprintable))
}

/// The words that YAML 1.1 reads as a boolean or as null, in any case.
fn is_word(text: &str) -> bool {
    text.len() <= 5
        && ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether some reader may read the string as a number: decimal, with an exponent, in another base
/// or in base 60, with any separators between digits.
fn is_numeric(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let based = |prefix: &str| unsigned.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if ["0x", "0o", "0b"].into_iter().any(based)
        || unsigned.eq_ignore_ascii_case(".inf")
        || unsigned.eq_ignore_ascii_case(".nan")
    {
        return true;
    }
    let digits = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'_' | b',' | b':'));
    match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => digits(mantissa) && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => digits(unsigned),
    }
}

/// Whether the string starts like a date, `2024-1`.
fn is_date(bytes: &[u8]) -> bool {
    bytes.len() > 5 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-' && bytes[5].is_ascii_digit()
}

/// A float as a YAML scalar.
#[askama::filter_fn]
pub fn number(value: &f64, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let mut out = String::new();
    write_float(&mut out, *value);
    Ok(Safe(out))
}

/// In YAML 1.1 a float needs a point in the mantissa and a sign in the exponent.
pub(super) fn write_float(out: &mut String, float: f64) {
    if float.is_nan() {
        return out.push_str(".nan");
    }
    if float.is_infinite() {
        return out.push_str(if float > 0.0 { ".inf" } else { "-.inf" });
    }
    let digits = format!("{float:?}");
    let Some((mantissa, exponent)) = digits.split_once('e') else {
        return out.push_str(&digits);
    };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    // Writing to a `String` cannot fail.
    let _ = write!(out, "{mantissa}{point}e{sign}{exponent}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_yaml::Value;

    use super::super::hostile;
    use super::*;

    /// A source that cannot be read becomes a string that says why.
    fn read(source: &str) -> Value {
        serde_yaml::from_str(source).unwrap_or_else(|error| format!("{error}: {source:?}").into())
    }

    #[test]
    fn traps_are_quoted() {
        for trap in hostile::YAML_TRAPS {
            let source = string(*trap);
            assert!(source.starts_with('"'), "{source:?} is bare");
            assert_eq!(read(&source), Value::from(*trap));
        }
    }

    #[test]
    fn ordinary_strings_are_plain() {
        for plain in [
            "a",
            "nginx:1.27-alpine",
            "http://loki:3100/loki/api/v1/push",
            "-config.file=/etc/a.yml",
            "--flag",
            "15d",
            "24h",
            "1m30s",
            "5s",
            "512m",
            "8080:80/tcp",
            "/var/lib/a:/data:ro",
            "a b",
            "a#b",
            "it's",
            "a \"b\"",
            "$HOME",
            "${X:-a}",
            "a,b",
            "x{y}",
            "yesterday",
            "node",
            "é",
            "漢字",
            "🦀 crab",
            "a=b",
            "v1.2.3",
            "1.2.3-rc1",
            "a\\b",
            "<a>",
            "=a",
            "~/a",
            ".env",
            "+a",
            "a?b",
            "100%",
            "1234-a",
        ] {
            assert_eq!(string(plain), plain);
        }
    }

    #[test]
    fn types_stay_apart() {
        assert_eq!(string(&true), "true");
        assert_eq!(string("true"), "\"true\"");
        assert_eq!(string(&u64::MAX), "18446744073709551615");
        assert_eq!(string(&["a", "b,c", "1", "a?b"]), "[a, \"b,c\", \"1\", \"a?b\"]");
        assert_eq!(string::<[&str]>(&[]), "[]");
    }

    fn block_of(text: &str, indent: usize) -> String {
        let mut out = String::new();
        write_block(&mut out, &Lit::Str(text), indent);
        out
    }

    #[test]
    fn blocks_look_as_expected() {
        assert_eq!(block_of("a\nb\n", 2), "|\n  a\n  b");
        assert_eq!(block_of("a\n\nb", 4), "|-\n    a\n\n    b");
        assert_eq!(block_of("  a\nb", 2), "|2-\n    a\n  b");
        assert_eq!(block_of("\n a", 2), "|2-\n\n   a");
        assert_eq!(block_of("a", 2), "a");
        assert_eq!(block_of("a\n\n", 2), r#""a\n\n""#);
        assert_eq!(block_of("a \nb", 2), r#""a \nb""#);
        assert_eq!(block_of("a\r\nb", 2), r#""a\r\nb""#);
        assert_eq!(block_of("a\nb", 1), r#""a\nb""#);
    }

    #[test]
    fn filters_render() {
        use crate::lit::yaml as filters;
        use askama::Template;

        #[derive(Template)]
        #[template(
            source = "a: {= a|lit =}\nb: {= 1_u8|lit =}\nc:\n  d: {= a.trim().to_owned()|block(4) =}\n",
            ext = "yml"
        )]
        struct Page<'a> {
            a: &'a str,
        }

        let page = Page { a: " x\ny" };
        assert_eq!(page.render().ok().as_deref(), Some("a: \" x\\ny\"\nb: 1\nc:\n  d: |-\n    x\n    y\n"));
    }

    /// Lines with a meaning, joined: what `hostile::string` rarely gives.
    fn lines() -> impl Strategy<Value = String> {
        let line = proptest::sample::select(
            &["", "", "a", " a", "  a", "\ta", "a\tb", "a ", "# a", "---", "...", "- a", "a: b", "é", "🦀", "|", "%"][..],
        );
        proptest::collection::vec(line, 1..6).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn values_round_trip(text in hostile::string()) {
            let lit = string(&text);
            prop_assert_eq!(read(&lit), Value::from(text.as_str()));
            prop_assert_eq!(read(&format!("a:\n  - {lit}\n")), read_in(&text));
        }

        #[test]
        fn keys_round_trip(text in hostile::string()) {
            // Readers look at most 1024 characters ahead for the colon of a key.
            prop_assume!(text.len() < 150);
            let document = read(&format!("{}: 1\n", string(&text)));
            let mapping = document.as_mapping().cloned().unwrap_or_default();
            prop_assert_eq!(mapping.get(Value::from(text.as_str())), Some(&Value::from(1)));
            prop_assert_eq!(mapping.len(), 1);
        }

        #[test]
        fn lists_round_trip(texts in proptest::collection::vec(hostile::string(), 0..5)) {
            let expected: Value = texts.iter().map(String::as_str).collect();
            prop_assert_eq!(read(&format!("a: {}\n", string(&texts)))["a"].clone(), expected);
        }

        #[test]
        fn blocks_round_trip(text in prop_oneof![hostile::string(), lines()], step in 1..4_usize) {
            let indent = 2 * step;
            let mut document = String::new();
            for level in 0..step {
                document.extend(std::iter::repeat_n(' ', 2 * level));
                document.push_str("a: ");
                if level + 1 < step {
                    document.truncate(document.len() - 1);
                    document.push('\n');
                }
            }
            document.push_str(&block_of(&text, indent));
            document.push_str("\n\nz: 1\n");
            let mut value = read(&document);
            prop_assert_eq!(&value["z"], &Value::from(1));
            for _ in 0..step {
                value = value["a"].clone();
            }
            prop_assert_eq!(value, Value::from(text.as_str()));
        }
    }

    fn read_in(text: &str) -> Value {
        let mut mapping = serde_yaml::Mapping::new();
        mapping.insert("a".into(), std::iter::once(text).collect());
        Value::Mapping(mapping)
    }
}
