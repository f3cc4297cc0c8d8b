//! Words of a POSIX shell.
//!
//! Between single quotes only the single quote is special
//! (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02>). NUL
//! can't be part of a word and is left out; the spec can't contain it.

use super::{Lit, all_in, byte_set, write_between};

language! {
    /// The value as one word; a list as words with spaces between them.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_between(out, lit, write_str, ["", " ", ""]);
}

const SAFE: [bool; 256] = byte_set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+.,:/@%=");

fn write_str(out: &mut String, text: &str) {
    if is_bare(text) {
        out.push_str(text);
        return;
    }
    out.push('\'');
    for (position, part) in text.split('\'').enumerate() {
        if position > 0 {
            out.push_str("'\\''");
        }
        out.extend(part.split('\0'));
    }
    out.push('\'');
}

/// Whether the word needs no quotes anywhere: in place of a command, `a=b` is an assignment and `if`
/// a keyword.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && all_in(text, &SAFE)
        && (!text.contains('=') || text.starts_with('-'))
        && !matches!(
            text,
            "if" | "then" | "else" | "elif" | "fi" | "do" | "done" | "case" | "esac" | "while" | "until" | "for" | "in"
        )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::super::hostile;
    use super::*;

    #[test]
    fn safe_words_are_bare() {
        for word in ["a", "--flag=a/b:c", "1", "user@host", "50%", "a,b"] {
            assert_eq!(string(word), word);
        }
        assert_eq!(string(""), "''");
        assert_eq!(string("a=b"), "'a=b'");
        assert_eq!(string("in"), "'in'");
        assert_eq!(string("~"), "'~'");
        assert_eq!(string("it's"), r"'it'\''s'");
        assert_eq!(string(&["a", "b c"]), "a 'b c'");
    }

    #[test]
    fn words_round_trip() {
        let mut runner = TestRunner::deterministic();
        let words: Vec<String> = (0..2000)
            .map(|_| hostile::string().new_tree(&mut runner).map(|tree| tree.current()))
            .collect::<Result<_, _>>()
            .unwrap_or_default();
        assert_eq!(words.len(), 2000);
        // Batches stay below the kernel's limit on the length of one argument.
        for batch in words.chunks(500) {
            let script = format!("printf '%s\\0' {}", string(batch));
            let output = Command::new("sh").arg("-c").arg(script).output();
            let stdout = output.map(|output| output.stdout).unwrap_or_default();
            let read: Vec<_> = stdout.split(|&byte| byte == 0).collect();
            let expected: Vec<_> = batch.iter().map(String::as_bytes).chain([&b""[..]]).collect();
            assert_eq!(read, expected);
        }
    }
}
