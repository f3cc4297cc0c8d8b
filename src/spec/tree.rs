//! TOML text to a tree in which every key and value has a span.
//!
//! A text without errors is read in one pass; one with errors by the `toml` crate, which recovers from them.
//!
//! The spans of the `toml` crate's tree count from the start of one text; a spec has several files, and its profiles mix
//! them, so a span of this tree includes the file. Keys are in source order.

use std::borrow::Cow;
use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::shown;
use super::fast::{self, Failure, Why};
use super::source::{Source, Sources};
use super::syntax::{self, Problem};
use crate::conflict;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// The largest text with errors that is read to its end. The `toml` crate keeps a hundred bytes for each of it.
const MOST_RECOVERED: usize = 2 << 20;

/// How much `extends` may copy, and all profiles together, in `Value::weight`: a copy takes a dozen times as much
/// memory.
pub const MOST_COPIED: u64 = 32 << 20;

/// What a table takes besides its entries: an empty service has defaults.
const TABLE: u64 = 100;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'s> {
    /// The place of the value.
    pub span: Span,
    /// The value.
    pub value: Value<'s>,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'s> {
    /// A string.
    String(Cow<'s, str>),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A date or time, which no key of the spec accepts.
    Datetime,
    /// A number that is too large and was reported.
    Refused,
    /// No value: of a name in a list that became a table.
    Absent,
    /// An array.
    List(Vec<Node<'s>>),
    /// A table.
    Table(Table<'s>),
}

impl Node<'_> {
    /// The value without borrows of the text.
    pub fn into_owned(self) -> Node<'static> {
        Node { span: self.span, value: self.value.into_owned() }
    }
}

impl Value<'_> {
    fn into_owned(self) -> Value<'static> {
        match self {
            Self::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Self::Integer(number) => Value::Integer(number),
            Self::Float(number) => Value::Float(number),
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Datetime => Value::Datetime,
            Self::Refused => Value::Refused,
            Self::Absent => Value::Absent,
            Self::List(items) => Value::List(items.into_iter().map(Node::into_owned).collect()),
            Self::Table(table) => {
                let entry = |(key, node): (Key<'_>, Node<'_>)| {
                    (Key { span: key.span, name: Cow::Owned(key.name.into_owned()) }, node.into_owned())
                };
                Value::Table(Table { entries: table.entries.into_iter().map(entry).collect() })
            }
        }
    }

    /// About how many bytes of a file it takes.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::String(text) => text.len() as u64,
            Self::List(items) => items.iter().map(|item| 2 + item.value.weight()).sum(),
            Self::Table(table) => table.weight(),
            _ => 1,
        }
    }

    /// The value as JSON.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::String(text) => text.as_ref().into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Boolean(boolean) => (*boolean).into(),
            Self::Datetime | Self::Refused | Self::Absent => serde_json::Value::Null,
            Self::List(items) => items.iter().map(|item| item.value.json()).collect(),
            Self::Table(table) => {
                let entry = |(key, node): &(Key<'_>, Node<'_>)| (key.name.clone().into_owned(), node.value.json());
                serde_json::Value::Object(table.entries.iter().map(entry).collect())
            }
        }
    }

    /// A string or number as a reader expects it in a message.
    pub fn written(&self) -> String {
        match self {
            Self::String(text) => text.clone().into_owned(),
            other => other.json().to_string(),
        }
    }

    /// The type of the value, for a message.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) | Self::Refused => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime => "a date or time",
            Self::Absent => "no value",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key<'s> {
    /// Its place.
    pub span: Span,
    /// Its name, unquoted.
    pub name: Cow<'s, str>,
}

/// A table, in source order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table<'s> {
    /// Its keys and values.
    pub entries: Vec<(Key<'s>, Node<'s>)>,
}

impl<'s> Table<'s> {
    /// The index of each entry by its name.
    pub fn places(&self) -> HashMap<String, usize> {
        self.entries.iter().enumerate().map(|(place, (key, _))| (key.name.clone().into_owned(), place)).collect()
    }

    /// About how many bytes of a file it takes.
    pub fn weight(&self) -> u64 {
        let entry = |(key, node): &(Key<'_>, Node<'_>)| 4 + key.name.len() as u64 + node.value.weight();
        TABLE + self.entries.iter().map(entry).sum::<u64>()
    }

    /// The value at a path.
    pub fn at(&self, path: &[&str]) -> Option<&Node<'s>> {
        let (name, rest) = path.split_first()?;
        let (_, node) = self.entries.iter().find(|(key, _)| key.name == *name)?;
        match &node.value {
            _ if rest.is_empty() => Some(node),
            Value::Table(table) => table.at(rest),
            _ => None,
        }
    }

    /// Removes and returns the entry of that name.
    pub fn take(&mut self, name: &str) -> Option<(Key<'s>, Node<'s>)> {
        let index = self.entries.iter().position(|(key, _)| key.name == name)?;
        Some(self.entries.remove(index))
    }
}

/// The tree of a file, and the parts of the file in which it isn't reliable.
#[derive(Debug, Default)]
pub struct Parsed<'s> {
    /// The tree.
    pub table: Table<'s>,
    /// The tables with syntax errors, from header to header.
    pub unreadable: Vec<Span>,
}

/// Parses one file, reports syntax errors and returns what could be read.
pub fn parse<'s>(sources: &'s Sources, file: u16, diagnostics: &mut Diagnostics) -> Parsed<'s> {
    let Some(source) = sources.at(file) else {
        return Parsed::default();
    };
    let failure = match fast::parse(&source.text, file) {
        Ok(table) => return Parsed { table, unreadable: Vec::new() },
        Err(failure) => failure,
    };
    // A text may have markers that mean nothing.
    if conflict::is_marker_at(source.text.as_bytes(), failure.at)
        && let Some(range) = conflict::first(source.text.as_bytes())
    {
        let diagnostic = Diagnostic::new("toml-syntax", "unresolved merge conflict", span(file, &range))
            .help("resolve it and remove the markers");
        diagnostics.push(diagnostic);
        return Parsed { table: Table::default(), unreadable: vec![span(file, &(0..source.text.len()))] };
    }
    if failure.why != Why::TooLarge && source.text.len() <= MOST_RECOVERED {
        return parse_recovering(source, file, failure.at, diagnostics);
    }
    diagnostics.push(first_mistake(source, file, failure));
    Parsed { table: Table::default(), unreadable: vec![span(file, &(0..source.text.len()))] }
}

/// The only mistake of a text that is reported if the text is too large to be read by a parser that recovers.
fn first_mistake(source: &Source, file: u16, Failure { at, why }: Failure) -> Diagnostic {
    match why {
        Why::TooLarge => {
            let title = format!("`{}` is too large: more than {} keys and values", source.path, fast::MOST);
            Diagnostic::new("spec-too-large", title, span(file, &(at..at + 1))).help("remove those that are not needed")
        }
        Why::Number => {
            let number = source.text.get(at..).unwrap_or_default();
            let end = number.find(|c: char| !c.is_ascii_alphanumeric() && !"+-_".contains(c)).unwrap_or(number.len());
            out_of_range(&number[..end], span(file, &(at..at + end)))
        }
        Why::Syntax | Why::Repeated | Why::Date => {
            let problem = syntax::first(&source.text, Failure { at, why });
            problem.diagnostic(span(file, &problem.range), None)
        }
    }
}

fn out_of_range(number: &str, span: Span) -> Diagnostic {
    Diagnostic::new("number-out-of-range", format!("integer `{}` is out of range", shown(number)), span)
        .help("integers have at most 64 bits")
}

/// Parses a file with errors; the place of the first one is known.
fn parse_recovering<'s>(source: &'s Source, file: u16, first: usize, diagnostics: &mut Diagnostics) -> Parsed<'s> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    let errors: Vec<Problem> = errors.iter().map(|error| Problem::new(error, 0, first)).collect();
    let (problems, chunks) = syntax::causes(&source.text, errors);
    for problem in problems {
        let first = syntax::first_of(&source.text, document.get_ref(), &problem).map(|range| span(file, &range));
        diagnostics.push(problem.diagnostic(span(file, &problem.range), first));
    }
    let mut found = Diagnostics::default();
    let mut reader = Reader { file, diagnostics: &mut found };
    let table = reader.table(document.into_inner());
    // After a syntax error a number may be a part of something else.
    if chunks.is_empty() {
        diagnostics.append(found);
    }
    Parsed { table, unreadable: chunks.iter().map(|chunk| span(file, chunk)).collect() }
}

fn span(file: u16, range: &std::ops::Range<usize>) -> Span {
    let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { file, start: at(range.start), end: at(range.end) }
}

struct Reader<'d> {
    file: u16,
    diagnostics: &'d mut Diagnostics,
}

impl Reader<'_> {
    fn table<'s>(&mut self, table: DeTable<'s>) -> Table<'s> {
        let mut entries: Vec<(Key<'s>, Node<'s>)> = table
            .into_iter()
            .map(|(key, value)| {
                let key = Key { span: span(self.file, &key.span()), name: key.into_inner() };
                (key, self.node(value))
            })
            .collect();
        // The crate's map is sorted by name.
        entries.sort_by_key(|(key, _)| key.span.start);
        Table { entries }
    }

    fn node<'s>(&mut self, value: Spanned<DeValue<'s>>) -> Node<'s> {
        let span = span(self.file, &value.span());
        let value = match value.into_inner() {
            // What stands for a value that the parser could not find has no place.
            DeValue::Integer(_) if span.start == span.end => Value::Refused,
            DeValue::String(text) => Value::String(text),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or_else(
                |_| {
                    self.diagnostics.push(out_of_range(number.as_str(), span));
                    Value::Refused
                },
                Value::Integer,
            ),
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(boolean) => Value::Boolean(boolean),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { span, value }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Both readers on one text: the fast one's tree, the other's, and whether the other found an error.
    fn both(text: &str, check: impl FnOnce(Option<Table<'_>>, Table<'_>, bool)) {
        let mut sources = Sources::default();
        let file = sources.push("spec/stack.toml", text.to_owned());
        let source = &sources.files()[usize::from(file)];
        let mut diagnostics = Diagnostics::default();
        let fast = fast::parse(&source.text, file);
        let first = fast.as_ref().map_or_else(|failure| failure.at, |_| 0);
        let slow = parse_recovering(source, file, first, &mut diagnostics);
        check(fast.ok(), slow.table, !diagnostics.is_empty());
    }

    #[test]
    fn both_readers_see_the_same_tree() {
        for text in [
            "",
            "# only a comment",
            include_str!("../../spec/stack.toml"),
            "a = 1\nb = [1, [2, { c = 'x', d.e = 1.5 }], true]\n[t]\nx.y = 1\nx.z = 2\n[t.u.v]\nw = 0x1f\n[t.u]\nq = \"\\u00e9\"\n",
            "[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = 3\n[[a.c]]\n[[a.c]]\nz = 4\n",
            "\"quoted key\" = '''\nliteral'''\n'k' = \"\"\"\nline \\\n   joined\"\"\"\n",
            "a = [\n[1],\n[2],\n]\n",
        ] {
            both(text, |fast, slow, wrong| {
                assert!(!wrong, "{text}");
                assert_eq!(fast.expect(text), slow, "{text}");
            });
        }
        let many = (0..2_000).fold(String::new(), |text, n| text + &format!("[t.s{n}]\nk = {n}\nl = [\n  [{n}],\n]\n"));
        both(&many, |fast, slow, _| assert!(fast.expect("many tables") == slow));
    }

    #[test]
    fn the_fast_reader_leaves_every_mistake_to_the_other() {
        for text in [
            "a = 1\na = 2\n",
            "[a]\n[a]\n",
            "[a]\nb.c = 1\n[a.b]\n",
            "a = { b = 1 }\n[a.c]\n",
            "a = { b = 1, b = 2 }\n",
            "a = [1]\n[[a]]\n",
            "[[a]]\n[a]\n",
            "a = \n",
            "a = 'x\n",
            "[a\n",
            "a = 99999999999999999999\n",
            "a = 1 b = 2\n",
            "a\nb = 1\n",
            "a",
            "a = { b }\n",
            "a = { b, c = 1 }\n",
            "[a\n]\n",
            "a = \"\\q\"\n",
        ] {
            both(text, |fast, _, wrong| {
                assert!(wrong, "{text}");
                assert_eq!(fast, None, "{text}");
            });
        }
        both(&format!("a = {}", "[".repeat(10_000)), |fast, _, _| assert_eq!(fast, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_the_fast_reader_accepts_the_other_reads_alike(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "a", "b", "c", "\"d e\"", "'f'", ".", ".", " = ", " = ", "[", "]", "[[", "]]", "{ ", " }", ", ", "\n", "\n",
                "1", "-2.5", "true", "\"x\"", "'y'", "\"\"\"\n\"\"\"", "# c", " ", "\n[a]\n", "\n[a.b]\n", "\n[[c]]\n",
                "\na.b = 1\n", "\nb = { a.b = 1, c = [1, 2] }\n", "1979-05-27", "nan", "\n",
            ]), 0..30)
        ) {
            let text = pieces.concat();
            both(&text, |fast, slow, wrong| {
                if let Some(fast) = fast {
                    assert!(!wrong, "{text:?}");
                    // No float equals `nan`.
                    assert_eq!(format!("{fast:?}"), format!("{slow:?}"), "{text:?}");
                }
            });
        }
    }
}
