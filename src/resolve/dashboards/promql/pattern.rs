//! Regular expressions of label matchers.
//!
//! Prometheus reads them with Go's `regexp` (<https://github.com/google/re2/wiki/Syntax>), anchored at both ends. Rust's
//! `regex` differs in brackets and escapes and compiles for longer than the rest of a query takes to parse, so only the
//! usual mistakes are checked, without false positives.

/// Why Go's `regexp` rejects a pattern, if that is certain.
pub(super) fn mistake(pattern: &str) -> Option<String> {
    // `\Q…\E` quotes brackets, and is hardly ever used.
    if pattern.contains("\\Q") {
        return None;
    }
    let mut open = 0_usize;
    // Whether there is something that `*` can repeat, and whether that is a repetition already.
    let (mut operand, mut repeated) = (false, false);
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                None => return Some("ends with a single `\\`".into()),
                Some(digit @ '1'..='9') => {
                    return Some(format!("has the backreference `\\{digit}`, which RE2 does not support"));
                }
                Some(_) => (operand, repeated) = (true, false),
            },
            '[' => {
                rest = class(rest.as_str())?.chars();
                (operand, repeated) = (true, false);
            }
            '(' => {
                open += 1;
                (operand, repeated) = (false, false);
                if let Some(kind) = rest.as_str().strip_prefix('?') {
                    if ["=", "!", "<=", "<!"].iter().any(|look| kind.starts_with(look)) {
                        return Some("has a look-around, which RE2 does not support".into());
                    }
                    // A name or flags; the group ends at once if these are for what follows.
                    let end = kind.find([':', '>', ')']).unwrap_or(kind.len());
                    let flags = kind.get(end..).unwrap_or_default();
                    rest = flags.strip_prefix([':', '>']).unwrap_or(flags).chars();
                }
            }
            ')' => {
                let Some(fewer) = open.checked_sub(1) else { return Some("has an unmatched `)`".into()) };
                open = fewer;
                (operand, repeated) = (true, false);
            }
            '|' => (operand, repeated) = (false, false),
            '*' | '+' | '?' => {
                if !operand {
                    return Some(format!("has nothing before `{c}` to repeat"));
                }
                if repeated && c != '?' {
                    return Some(format!("has the nested repetition `{c}`"));
                }
                repeated = true;
            }
            _ => (operand, repeated) = (true, false),
        }
    }
    (open > 0).then(|| "has an unclosed `(`".into())
}

/// What follows a class of characters, whose `[` has been read; `None` if it doesn't end, or not for certain.
fn class(text: &str) -> Option<&str> {
    let text = text.strip_prefix('^').unwrap_or(text);
    // A bracket that comes first is one of the class.
    let mut rest = text.strip_prefix(']').unwrap_or(text);
    loop {
        let at = rest.find(['\\', ']', '['])?;
        let (bracket, after) = (rest.get(at..=at)?, rest.get(at + 1..)?);
        rest = match bracket {
            "]" => return Some(after),
            "\\" => after.get(after.chars().next()?.len_utf8()..)?,
            // `[:alpha:]`
            _ => match after.strip_prefix(':').and_then(|name| name.split_once(":]")) {
                Some((name, after)) if name.bytes().all(|byte| byte.is_ascii_alphabetic()) => after,
                _ => after,
            },
        };
    }
}

/// Whether a pattern certainly matches the empty text, as `.*` does.
pub(super) fn matches_nothing(pattern: &str) -> bool {
    !pattern.contains(['(', '[', '\\'])
        && pattern.split('|').any(|part| matches!(part.trim_start_matches('^').trim_end_matches('$'), "" | ".*" | ".?"))
}

#[cfg(test)]
mod tests {
    use super::{matches_nothing, mistake};

    #[test]
    fn good_patterns_have_no_mistake() {
        for pattern in [
            "",
            "a|b|",
            ".*",
            ".+?",
            "a??",
            "(a|b)+",
            "(?:a)*",
            "(?i)a",
            "(?P<name>a)",
            "a{2,3}",
            "[a]]",
            "[]a]",
            "[^]]+",
            "[[:alpha:]_]+",
            "[[]",
            "[(]",
            r"\(",
            r"a\.b",
            r"\d+",
            r"[\]]x",
            r"[\])]",
            "[[:alpha:])]",
            "{",
            "}",
            "^a$",
            "a^b",
            r"\Q(\E",
            "ä+",
            "x{",
            "()",
            "(?::*)",
            // Not closed: an error in Go, but not certain here.
            "[",
        ] {
            assert_eq!(mistake(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn the_usual_mistakes_are_found() {
        for (pattern, expected) in [
            ("*", "has nothing before `*` to repeat"),
            ("a|+", "has nothing before `+` to repeat"),
            ("(?:*a)", "has nothing before `*` to repeat"),
            ("(a", "has an unclosed `(`"),
            ("a)", "has an unmatched `)`"),
            ("[)](", "has an unclosed `(`"),
            // No name of a class.
            ("[[:1:])]", "has an unmatched `)`"),
            ("a**", "has the nested repetition `*`"),
            ("a\\", "ends with a single `\\`"),
            ("(?!a).*", "has a look-around, which RE2 does not support"),
            ("(?<=a)b", "has a look-around, which RE2 does not support"),
            (r"(a)\1", "has the backreference `\\1`, which RE2 does not support"),
        ] {
            assert_eq!(mistake(pattern).as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn the_empty_text_is_matched_by_few() {
        for pattern in ["", ".*", "a|", "^.*$", "a|.*"] {
            assert!(matches_nothing(pattern), "{pattern}");
        }
        for pattern in ["a", ".+", "a.*", "(|a)"] {
            assert!(!matches_nothing(pattern), "{pattern}");
        }
    }
}
