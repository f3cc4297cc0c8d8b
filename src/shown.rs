//! Text that may come from a stranger, made fit for a terminal and for the log of a build.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::lit::{Lit, markdown, unprintable};

/// The text without what a terminal would obey, or would show in another order than it stands there: control characters,
/// escape sequences other than those of our colours, marks that change the direction of text, line separators.
///
/// They become escapes such as `\u{202e}`; line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = if c == '\u{1b}' { style(rest) } else { None };
        let length = style.map_or(c.len_utf8(), str::len);
        match style {
            Some(style) => out.push_str(style),
            None if is_obeyed(c) => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "{}", c.escape_default());
            }
            None => out.push(c),
        }
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

/// Whether a terminal does something else with a character than to show it.
pub fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The escape sequence at the start, if it sets what reports are set in: bold, dim, underlined, a bright colour. One that
/// hides text is none of them.
fn style(text: &str) -> Option<&str> {
    let end = text.find('m')? + 1;
    let numbers = text.get(2..end - 1).filter(|_| text.starts_with("\u{1b}["))?;
    let is_harmless = |number: &str| {
        matches!(number, "" | "0" | "1" | "2" | "4" | "22" | "24" | "39")
            || matches!(number.parse::<u8>(), Ok(31..=37 | 90..=97))
    };
    numbers.split(';').all(is_harmless).then(|| &text[..end])
}

/// A text of several lines in which GitHub's runner finds no command (`::error::` after any space at the start of a line,
/// `##[error]` anywhere).
pub fn without_commands(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        let (space, rest) = line.split_at(indent);
        let rest = rest.strip_prefix("::").map_or_else(|| rest.to_owned(), |rest| format!(": :{rest}"));
        format!("{space}{}", rest.replace("##[", "## ["))
    };
    Cow::Owned(text.split('\n').map(line).collect::<Vec<_>>().join("\n"))
}

/// A text on one line, whatever it holds.
pub fn on_one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A text on one line that shows each character: line breaks and what can't be seen, or would change the order of what
/// can, become escapes.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end_matches('\n').chars() {
        // Writing to a `String` cannot fail.
        let _ = match c {
            '\n' | '\r' | '\t' => write!(out, "{}", c.escape_default()),
            // Tags, which some readers obey and nobody sees.
            '\u{e0000}'..='\u{e007f}' => write!(out, "{}", c.escape_unicode()),
            c if unprintable(c) => write!(out, "{}", c.escape_unicode()),
            c => out.write_char(c),
        };
    }
    out
}

/// A stranger's text in GitHub's Markdown: a code span on one line, wherever it stands. GitHub neither links nor mentions
/// anything in one (an address, `@user`, `#1`, a commit), HTML in it is text, and it can't end the cell of a table: readers
/// differ in how a pipe is escaped there, so that it becomes a similar character.
pub fn markdown_code(text: &str) -> String {
    let mut out = String::new();
    markdown::write_code(&mut out, &Lit::Str(&visible(text).replace('|', "│")));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;
    use crate::lit::hostile;

    /// What GitHub would link or mention, or take for HTML or the end of a cell.
    const LINKS: &[&str] = &[
        "@user",
        "@org/team",
        "#1",
        "GH-1",
        "a/b#1",
        "0123456789abcdef0123456789abcdef01234567",
        "http://a.example",
        "https://a.example",
        "www.a.example",
        "a@b.example",
        "mailto:a@b.example",
        "[a](http://b)",
        "![a](http://b)",
        "<b>",
        "<http://a.example>",
        "<!--",
        "-->",
        "</code>",
        "</details>",
        "|",
        "\\|",
        "\\",
        "`",
        "```",
        "\n\n",
        "\n# a",
        " ",
        "&#64;",
        ":smile:",
        "$a$",
        "~~a~~",
        "\u{200b}",
        "\u{202e}",
        "\u{e0041}",
        "[^1]",
        "- [ ] a",
    ];

    fn stranger() -> impl Strategy<Value = String> {
        let piece = prop_oneof![2 => proptest::sample::select(LINKS).prop_map(str::to_owned), 1 => hostile::string()];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    /// The code of a document, and the text outside of it; an error for anything else.
    fn read(document: &str) -> Result<(Vec<String>, String), String> {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_GFM
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_MATH;
        let (mut code, mut plain) = (Vec::new(), String::new());
        for event in Parser::new_ext(document, options) {
            match event {
                Event::Code(text) => code.push(text.into_string()),
                Event::Text(text) => plain.push_str(&text),
                // Nothing at all can't be a span.
                Event::InlineHtml(html) if matches!(&*html, "<code>" | "</code>") => {}
                Event::Start(
                    Tag::Paragraph
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell
                    | Tag::List(_)
                    | Tag::Item,
                )
                | Event::End(_) => {}
                other => return Err(format!("{other:?} in {document}")),
            }
        }
        Ok((code, plain))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn a_stranger_writes_nothing_but_code(a in stranger(), b in stranger()) {
            let shown = |text: &str| visible(text).replace('|', "│");
            let expected: Vec<String> = [&a, &b].into_iter().map(|text| shown(text)).filter(|text| !text.is_empty()).collect();
            let [a, b] = [&a, &b].map(|text| markdown_code(text));
            prop_assert!(!a.contains('\n') && !a.contains('|'), "{}", a);
            for (document, plain) in [
                (format!("| x | y |\n| --- | --- |\n| {a} | {b} |\n"), "xy"),
                (format!("- x {a}, {b}\n"), "x , "),
                (format!("x {a} → {b}.\n"), "x  → ."),
            ] {
                prop_assert_eq!(read(&document), Ok((expected.clone(), plain.to_owned())));
            }
        }
    }

    #[test]
    fn what_is_not_seen_is_shown() {
        assert_eq!(
            visible("a\nb\u{1b}[31m\u{202e}c\u{200b}\u{e0041}\n"),
            "a\\nb\\u{1b}[31m\\u{202e}c\\u{200b}\\u{e0041}"
        );
        assert_eq!(markdown_code("a|b @x"), "`a│b @x`");
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        for (text, shown) in [
            ("plain\ttext\n é 🦀", "plain\ttext\n é 🦀"),
            ("\u{1b}[1m\u{1b}[31mred\u{1b}[0m \u{1b}[1;96mx", "\u{1b}[1m\u{1b}[31mred\u{1b}[0m \u{1b}[1;96mx"),
            ("\u{1b}[8mhidden", "\\u{1b}[8mhidden"),
            ("\u{1b}[40m", "\\u{1b}[40m"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("\u{1b}", "\\u{1b}"),
            ("a\rb\u{8}\u{7f}\u{9b}31m", "a\\rb\\u{8}\\u{7f}\\u{9b}31m"),
            ("user\u{202e}nimda\u{2066}\u{200f}", "user\\u{202e}nimda\\u{2066}\\u{200f}"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(shown), shown);
        }
    }

    #[test]
    fn no_line_is_a_command() {
        for (text, shown) in [
            ("a::b\nc", "a::b\nc"),
            ("::stop-commands::x\n \t::error::y", ": :stop-commands::x\n \t: :error::y"),
            ("a ##[group]b", "a ## [group]b"),
        ] {
            assert_eq!(without_commands(text), shown);
        }
        assert_eq!(on_one_line(" a\n::b\u{0}c "), "a ::b c");
    }
}
