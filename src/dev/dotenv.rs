//! The user's `.env`: read as Compose reads it, and filled without changing existing values.
//!
//! The rules are those of compose-go's `dotenv` package (`parser.go`): `NAME=value` or `NAME: value`, with `export`
//! before it or not; a value is bare, up to ` #` or the end of the line, or quoted, possibly over several lines.
//! `NAME` alone takes the value of the environment.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use camino::Utf8Path;

use super::Finding;
use crate::links;
use crate::lit::dotenv as lit;

/// A `.env` file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dotenv {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    value: String,
    /// The value before its references are replaced, if it may have some.
    template: Option<String>,
    /// Where the value is, including quotes.
    place: Range<usize>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `NAME` alone.
    Inherited,
    Bare,
    Quoted,
}

/// A variable to be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The comment of a variable that is added.
    pub description: String,
}

/// What filling does with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It had no value, or was added.
    Filled,
    /// It already has that value.
    Same,
    /// It has another value, which is kept.
    Kept,
}

/// A file that Compose can't read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line, one-based.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl Dotenv {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Compose can't read it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut parser = Parser { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
        let mut entries = Vec::new();
        while let Some(entry) = parser.entry()? {
            entries.push(entry);
        }
        Ok(Self { text: text.to_owned(), entries })
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value of a variable: the last one, without interpolation.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entry(name).filter(|entry| entry.form != Form::Inherited).map(|entry| entry.value.as_str())
    }

    /// Names and values, in order.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.entries.iter().filter(|entry| entry.form != Form::Inherited);
        own.map(|entry| (entry.name.as_str(), entry.value.as_str()))
    }

    /// The values as Compose has them: what refers to a variable of the process, or of a line before, has its value.
    /// And what gets lost by that.
    pub fn values(&self, process: &BTreeMap<String, String>) -> (BTreeMap<String, String>, Vec<Lost>) {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        let mut lost = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.form != Form::Inherited) {
            let value = match &entry.template {
                None => entry.value.clone(),
                Some(template) => {
                    let mut unset = Vec::new();
                    let value = substitute(template, &values, process, &mut unset, 0);
                    let unset = if value.is_some() { unset } else { vec![None] };
                    lost.extend(unset.into_iter().map(|reference| Lost { name: entry.name.clone(), reference }));
                    value.unwrap_or_default()
                }
            };
            values.insert(entry.name.clone(), value);
        }
        (values, lost)
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.name == name)
    }

    /// The text with values for the variables that have none yet, and what was done with each. Nothing else changes.
    pub fn fill(&self, assignments: &[Assignment]) -> (String, Vec<Change>) {
        let mut changes = Vec::new();
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let mut added = String::new();
        let line_end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        for Assignment { name, value, description } in assignments {
            let quoted = lit::string(value);
            changes.push(match self.entry(name) {
                Some(entry) if entry.form != Form::Inherited && entry.value == *value => Change::Same,
                Some(entry) if !entry.value.is_empty() => Change::Kept,
                Some(entry) => {
                    edits.push((
                        entry.place.clone(),
                        match entry.form {
                            Form::Inherited => format!("={quoted}"),
                            Form::Bare => quoted,
                            // The rest of the line could become a part of a bare value.
                            Form::Quoted if quoted.starts_with(['\'', '"']) => quoted,
                            Form::Quoted => format!("'{quoted}'"),
                        },
                    ));
                    Change::Filled
                }
                None => {
                    added.push_str(line_end);
                    for line in description.lines() {
                        added.extend(["# ", line, line_end]);
                    }
                    added.extend([name.as_str(), "=", quoted.as_str(), line_end]);
                    Change::Filled
                }
            });
        }
        let mut text = self.text.clone();
        edits.sort_by_key(|(place, _)| place.start);
        for (place, replacement) in edits.into_iter().rev() {
            text.replace_range(place, &replacement);
        }
        if !added.is_empty() {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push_str(line_end);
            }
            text.push_str(if text.is_empty() { added.trim_start() } else { &added });
        }
        (text, changes)
    }
}

/// A `$` in a value that Compose takes for a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The variable with the value.
    pub name: String,
    /// The variable that the `$` refers to, which is not set; `None` if Compose refuses the reference.
    pub reference: Option<String>,
}

/// How deep references are nested at most; more would only cost time.
const DEEPEST: usize = 8;

/// Replaces references by the rules of compose-go (`template.Substitute`): `$NAME`, `${NAME}` with `:-`, `-`, `:+`, `+`,
/// `:?` and `?`, whose words may have references, too; `$$` is a dollar, and so is one before anything else. `None` if
/// Compose refuses it.
fn substitute(
    text: &str,
    values: &BTreeMap<String, String>,
    process: &BTreeMap<String, String>,
    unset: &mut Vec<Option<String>>,
    depth: usize,
) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after.strip_prefix('{');
        let (reference, word) = name_at(braced.unwrap_or(after));
        let value = process.get(reference).or_else(|| values.get(reference)).map(String::as_str);
        rest = match braced {
            _ if after.starts_with('$') => {
                out.push('$');
                after.get(1..)?
            }
            None if reference.is_empty() => {
                out.push('$');
                after
            }
            None => {
                match value {
                    Some(value) => out.push_str(value),
                    None => unset.push(Some(reference.to_owned())),
                }
                word
            }
            Some(_) => {
                let (word, after) = word.split_at_checked(closing(word)?)?;
                let operator =
                    [":-", ":+", ":?", "-", "+", "?"].into_iter().find(|operator| word.starts_with(operator));
                let (operator, word) = word.split_at(operator.map_or(0, str::len));
                let value = value.filter(|value| !operator.starts_with(':') || !value.is_empty());
                let mut nested = || {
                    let deeper = depth.checked_add(1).filter(|&depth| depth < DEEPEST)?;
                    substitute(word, values, process, unset, deeper)
                };
                match (operator.trim_start_matches(':'), value) {
                    _ if reference.is_empty() => return None,
                    ("", None) if operator.is_empty() && word.is_empty() => unset.push(Some(reference.to_owned())),
                    ("", Some(value)) if operator.is_empty() && word.is_empty() => out.push_str(value),
                    ("-" | "?", Some(value)) => out.push_str(value),
                    ("-", None) | ("+", Some(_)) => out.push_str(&nested()?),
                    ("+", None) => {}
                    _ => return None,
                }
                after.get(1..)?
            }
        };
    }
    out.push_str(rest);
    Some(out)
}

/// The name of a variable at the beginning, which may be empty, and what follows.
fn name_at(text: &str) -> (&str, &str) {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let end = if text.starts_with(|first: char| first.is_ascii_digit()) { 0 } else { text.len() };
    text.split_at(text.find(|character| !is_part(character)).unwrap_or(end).min(end))
}

/// Where the brace is closed that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// `isSpace` of the package: white space except for the end of a line.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(skipped).len();
    }

    fn malformed(&self, at: usize, reason: &'static str) -> Malformed {
        Malformed { line: self.text[..at].matches('\n').count() + 1, reason }
    }

    fn entry(&mut self) -> Result<Option<Entry>, Malformed> {
        loop {
            self.skip(char::is_whitespace);
            if !self.rest().starts_with('#') {
                break;
            }
            self.skip(|character| character != '\n');
        }
        if self.rest().is_empty() {
            return Ok(None);
        }
        if let Some(after) = self.rest().strip_prefix("export")
            && after.starts_with(char::is_whitespace)
        {
            self.at += "export".len();
            self.skip(is_blank);
        }
        let start = self.at;
        let mut end = self.text.len();
        let mut separator = None;
        for (offset, character) in self.rest().char_indices() {
            match character {
                '=' | ':' | '\n' => {
                    end = start + offset;
                    separator = Some(character);
                    break;
                }
                '_' | '.' | '-' | '[' | ']' => {}
                _ if is_blank(character) || character.is_alphabetic() || character.is_numeric() => {}
                _ => return Err(self.malformed(start, "invalid character in a variable name")),
            }
        }
        let name = self.text[start..end].trim_end().to_owned();
        if name.contains(' ') {
            return Err(self.malformed(start, "space in a variable name"));
        }
        self.at = end + separator.map_or(0, char::len_utf8);
        if !matches!(separator, Some('=' | ':')) {
            let place = start + name.len();
            let place = place..place;
            return Ok(Some(Entry { name, value: String::new(), template: None, place, form: Form::Inherited }));
        }
        let after_separator = self.at;
        self.skip(is_blank);
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(name, quote).map(Some),
            _ => Ok(Some(self.bare(name, after_separator))),
        }
    }

    fn bare(&mut self, name: String, after_separator: usize) -> Entry {
        let line = self.rest().split('\n').next().unwrap_or_default();
        let value = line.split(" #").next().unwrap_or_default().trim_end().to_owned();
        let start = if value.is_empty() { after_separator } else { self.at };
        let place = start..start + value.len();
        self.at += line.len();
        let template = value.contains('$').then(|| value.clone());
        Entry { name, value, template, place, form: Form::Bare }
    }

    fn quoted(&mut self, name: String, quote: char) -> Result<Entry, Malformed> {
        let start = self.at;
        let mut value = String::new();
        let mut escaped = false;
        for (offset, character) in self.rest().char_indices().skip(1) {
            if character == quote && !escaped {
                self.at = start + offset + 1;
                let value = value.replace("\r\n", "\n");
                let template = (quote == '"' && value.contains('$')).then(|| expand_escapes(&value, true));
                let value = if quote == '"' { expand_escapes(&value, false) } else { value };
                return Ok(Entry { name, value, template, place: start..self.at, form: Form::Quoted });
            }
            if character == '\\' && !escaped {
                escaped = true;
                continue;
            }
            if escaped && character != quote {
                value.push('\\');
            }
            escaped = false;
            value.push(character);
        }
        Err(self.malformed(start, "missing closing quote"))
    }
}

/// `expandEscapes`, and escaped dollars unless these are yet to be read.
fn expand_escapes(value: &str, keep_dollars: bool) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '$' && !keep_dollars && rest.next_if_eq(&'$').is_some() {
            text.push('$');
            continue;
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        match rest.next() {
            Some('a') => text.push('\u{7}'),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('v') => text.push('\u{b}'),
            Some('$') if keep_dollars => text.push_str("$$"),
            Some(same @ ('\\' | '$' | '"')) => text.push(same),
            Some('0') => {
                let mut code = 0;
                for _ in 0..3 {
                    let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    rest.next();
                }
                text.extend(char::from_u32(code));
            }
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The text of a file that the user fills in; `None` if it does not exist.
///
/// # Errors
/// It can't be read.
pub fn read(root: &Utf8Path, path: &Utf8Path) -> Result<Option<String>, Finding> {
    match links::read_text(root, path, LARGEST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Finding::error(
            format!("cannot read `{path}`: {error}"),
            "replace it with a text file that you can read",
        )),
    }
}

/// Reads the file; `None` if it does not exist.
///
/// # Errors
/// It can't be read, by this process or by Compose.
pub fn load(root: &Utf8Path, path: &Utf8Path) -> Result<Option<Dotenv>, Finding> {
    let Some(text) = read(root, path)? else { return Ok(None) };
    match Dotenv::parse(&text) {
        Ok(file) => Ok(Some(file)),
        Err(Malformed { line, reason }) => {
            Err(Finding::error(format!("invalid `{path}`: line {line}: {reason}"), "fix this line"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Change::{Filled, Kept, Same};
    use super::*;

    fn assign(name: &str, value: &str) -> Assignment {
        Assignment { name: name.to_owned(), value: value.to_owned(), description: "What it is".to_owned() }
    }

    #[test]
    fn a_file_is_read_as_compose_reads_it() {
        let text = "\u{feff}# A=0\nA=x\nexport B = 'it''s' # no\nC: \"a\\n$$5\\$\" # c\r\nD=1 # two\nE=\r\nF\nG='a\nb'\nA=1\nH=a#b";
        let file = Dotenv::parse(&text.replace("'it''s'", "'it\\'s'")).unwrap();
        let variables: Vec<_> = file.variables().collect();
        assert_eq!(
            variables,
            [
                ("A", "x"),
                ("B", "it's"),
                ("C", "a\n$5$"),
                ("D", "1"),
                ("E", ""),
                ("G", "a\nb"),
                ("A", "1"),
                ("H", "a#b")
            ]
        );
        assert_eq!(file.get("A"), Some("1"));
        assert_eq!(file.get("F"), None);
    }

    /// What Docker Compose 2.40 says to each.
    #[test]
    fn references_are_replaced_as_compose_replaces_them() {
        let process =
            BTreeMap::from([("X", "9"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        for (written, value, lost) in [
            ("pa$word1", Some("pa"), Some("word1")),
            ("$nope", Some(""), Some("nope")),
            ("pa$1x$", Some("pa$1x$"), None),
            ("pa$$word", Some("pa$word"), None),
            ("\"pa\\$word\"", Some("pa$word"), None),
            ("'pa$word'", Some("pa$word"), None),
            ("\"a$word1 b\"", Some("a b"), Some("word1")),
            ("a\\$b", Some("a\\"), Some("b")),
            ("$(x)", Some("$(x)"), None),
            ("$B-$é", Some("before-$é"), None),
            ("$X", Some("9"), None),
            ("${X:-d}${U:-d}${U-e}${EMPTY:-f}${EMPTY-g}", Some("9def"), None),
            ("${X:+x}${U+y}${EMPTY:+z}.", Some("x."), None),
            ("${U:-${V:-z}}}", Some("z}"), None),
            ("${U:-a$V}", Some("a"), Some("V")),
            ("${U-:80}${U--v}${U-?}${U:--x}", Some(":80-v?-x"), None),
            ("${X?e}", Some("9"), None),
            ("${U:?e}", None, None),
            ("${a/b}", None, None),
            ("${X", None, None),
            ("${}", None, None),
            ("${X:}", None, None),
        ] {
            let file = Dotenv::parse(&format!("X=1\nB=before\nP={written}\nU=1\n")).unwrap();
            let (values, found) = file.values(&process);
            assert_eq!(values.get("P").map(String::as_str), Some(value.unwrap_or_default()), "{written}");
            let found: Vec<_> = found.into_iter().map(|lost| lost.reference).collect();
            let expected =
                if value.is_none() { vec![None] } else { lost.map(|lost| Some(lost.to_owned())).into_iter().collect() };
            assert_eq!(found, expected, "{written}");
        }
        let deep = format!("P={}{}", "${A:-".repeat(100_000), "}".repeat(100_000));
        assert_eq!(Dotenv::parse(&deep).unwrap().values(&process).1.len(), 1);
    }

    #[test]
    fn what_compose_refuses_is_refused() {
        for (text, line) in [("A=1\nB='2\n\n", 2), ("\n\nA B=1", 3), ("A%=1", 1)] {
            assert_eq!(Dotenv::parse(text).unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn only_what_has_no_value_is_filled() {
        let text = "# mine\nKEEP=mine # really\nexport EMPTY=   \nQUOTED=\"\"#c\n\nINHERITED\nSAME='x y'\nLAST=1";
        let file = Dotenv::parse(text).unwrap();
        let names =
            [("KEEP", "a"), ("EMPTY", "b"), ("QUOTED", "c"), ("INHERITED", "d"), ("SAME", "x y"), ("NEW", "e f")];
        let assignments: Vec<_> = names.iter().map(|&(name, value)| assign(name, value)).collect();
        let (filled, changes) = file.fill(&assignments);
        assert_eq!(
            filled,
            "# mine\nKEEP=mine # really\nexport EMPTY=b   \nQUOTED='c'#c\n\nINHERITED=d\nSAME='x y'\nLAST=1\n\n# What it is\nNEW='e f'\n"
        );
        assert_eq!(changes, [Kept, Filled, Filled, Filled, Same, Filled]);
    }

    /// Lines as users write them, and others.
    fn files() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just(String::new()),
            "# [ -~é]{0,20}",
            "(export )?[AB](=|: | =|= )[a-z# ]{0,6}",
            "[ABC]=('[a-z \\n#]{0,5}'|\"[a-z \\\\\\n$\"#]{0,5}\")( # c)?",
            "[ABCD]",
            "[ABC]=",
            "\\PC{0,10}",
        ];
        (proptest::collection::vec(line, 0..10), prop_oneof![Just("\n"), Just("\r\n")], any::<bool>())
            .prop_map(|(lines, line_end, last)| lines.join(line_end) + if last { line_end } else { "" })
    }

    proptest! {
        #[test]
        fn a_merge_keeps_every_line_and_is_done_once(
            text in files(),
            values in proptest::collection::vec("[ -~\\n\\té$'\"\\\\]{1,8}", 3),
        ) {
            let Ok(file) = Dotenv::parse(&text) else { return Ok(()) };
            let assignments: Vec<_> = ["A", "B", "NEW"].iter().zip(&values).map(|(name, value)| assign(name, value)).collect();
            let (filled, changes) = file.fill(&assignments);
            let again = Dotenv::parse(&filled).unwrap();
            for (assignment, change) in assignments.iter().zip(&changes) {
                let now = again.get(&assignment.name);
                let expected = if *change == Kept { file.get(&assignment.name) } else { Some(assignment.value.as_str()) };
                prop_assert_eq!(now, expected);
            }
            // Every line is there in its place; a filled one holds what it held.
            let mut lines = filled.lines();
            for line in text.lines() {
                let now = lines.next().unwrap_or_default();
                let mut rest = now.chars();
                let contained = line.chars().filter(|c| !matches!(c, '\'' | '"')).all(|c| rest.any(|other| other == c));
                prop_assert!(contained, "{:?} became {:?}", line, now);
            }
            for (name, value) in file.variables() {
                if !["A", "B", "NEW"].contains(&name) {
                    prop_assert!(again.variables().any(|other| other == (name, value)));
                }
            }
            let (twice, changes) = again.fill(&assignments);
            prop_assert_eq!(twice, filled);
            prop_assert!(!changes.contains(&Filled));
        }
    }
}
