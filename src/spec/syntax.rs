//! Separates syntax errors from their consequences.
//!
//! The parser continues after an error, so that every line after a missing bracket is an error. A table of the spec ends at
//! the next header, so each table with an error is parsed again on its own: an error that disappears was a consequence.

use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::fast::{Failure, Why};
use crate::diagnostic::{Diagnostic, Span};

/// The limit of syntax errors in a file.
const MOST: usize = 50;

/// A longer table isn't parsed repeatedly: only its first error is reported.
const LONGEST: usize = 64 * 1024;

const DUPLICATE: &str = "duplicate key";

/// A syntax error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The message of the parser.
    message: String,
    /// Where, in bytes of the file.
    pub(super) range: Range<usize>,
}

impl Problem {
    /// An error in a text that starts at byte `offset` of the file. The parser has no place for some of them, such as
    /// too many dots: those are at `otherwise`, in bytes of the text.
    pub(super) fn new(error: &Error, offset: usize, otherwise: usize) -> Self {
        let range = error.span().unwrap_or(otherwise..otherwise);
        // So is a bare word that starts like `nan` or `inf`.
        let message = if error.message().starts_with("invalid float, expected `") {
            "string values must be quoted"
        } else if error.message().starts_with("string values must be quoted")
            && error.span().is_some_and(|span| span.is_empty())
        {
            "missing value"
        } else {
            error.message()
        };
        Self { message: message.to_owned(), range: range.start + offset..range.end + offset }
    }

    pub(super) fn diagnostic(&self, span: Span, first: Option<Span>) -> Diagnostic {
        let diagnostic = Diagnostic::new("toml-syntax", format!("invalid TOML: {}", self.message), span);
        match self.message.as_str() {
            DUPLICATE => {
                let diagnostic = diagnostic.help("remove one of them");
                match first {
                    Some(first) => diagnostic.at("again here").also(first, "first here"),
                    None => diagnostic,
                }
            }
            message if message.contains("recurs") => diagnostic.help("reduce the nesting"),
            message if message.contains("must be quoted") => {
                diagnostic.help("add quotes; a boolean is `true` or `false`")
            }
            "missing value" => diagnostic.help("write a value after `=`"),
            _ => diagnostic,
        }
    }
}

/// The first error of a text that is too large to be read by a parser that recovers: it keeps a hundred bytes for each of
/// the text.
pub(super) fn first(text: &str, failure: Failure) -> Problem {
    let mut at = failure.at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    // Around the error, from one line that starts a table to the next.
    let mut from = text[..at].rfind("\n[").map_or(0, |newline| newline + 1);
    if at - from > LONGEST {
        from = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    }
    let mut to = text[at..].find("\n[").map_or(text.len(), |newline| at + newline + 1).min(at + LONGEST);
    while !text.is_char_boundary(to) {
        to += 1;
    }
    let (_, errors) = DeTable::parse_recoverable(&text[from..to]);
    let problems = errors.iter().map(|error| Problem::new(error, from, at - from));
    let first = problems.filter(|problem| problem.message != DUPLICATE).min_by_key(|problem| problem.range.start);
    let message = match failure.why {
        Why::Repeated => DUPLICATE,
        Why::Date => "dates are not supported",
        Why::Syntax | Why::Number | Why::TooLarge => "not a key with a value, a table or a comment",
    };
    first.unwrap_or_else(|| Problem { message: message.to_owned(), range: at..at })
}

/// The errors that are not consequences of others, and the tables that have errors.
pub(super) fn causes(text: &str, errors: Vec<Problem>) -> (Vec<Problem>, Vec<Range<usize>>) {
    let (mut causes, mut others): (Vec<Problem>, Vec<Problem>) =
        errors.into_iter().partition(|error| error.message == DUPLICATE);
    others.sort_by_key(|error| error.range.start);
    let first = others.first().map_or(usize::MAX, |error| error.range.start);
    // The keys below an invalid header are read as those of the table before.
    causes.retain(|error| error.range.start < first);
    causes.truncate(MOST);
    if others.is_empty() {
        return (causes, Vec::new());
    }
    let tables = tables(text);
    let mut chunks: Vec<Range<usize>> = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let error_in = |table: &Range<usize>| {
            let error = others.get(others.partition_point(|error| error.range.start < table.start))?;
            // An error at its end is often its own, such as a missing bracket.
            (error.range.start <= table.end).then_some(error)
        };
        let error = error_in(table);
        // So is one in the next header.
        let next = || tables.get(index + 1).and_then(error_in);
        if error.is_none() && next().is_none() {
            continue;
        }
        let before = causes.len();
        if table.len() <= LONGEST {
            in_table(text, table, &mut causes);
        }
        if let Some(error) = error
            && causes.len() == before
            && chunks.is_empty()
        {
            // Valid on its own, but the first table with an error.
            causes.push(error.clone());
        }
        if error.is_some() || causes.len() > before {
            chunks.push(table.clone());
        }
    }
    causes.sort_by_key(|problem| problem.range.start);
    causes.truncate(MOST);
    (causes, chunks)
}

/// The errors of one table, parsed on its own; after each error from the next key on.
fn in_table(text: &str, chunk: &Range<usize>, causes: &mut Vec<Problem>) {
    let mut from = chunk.start;
    while causes.len() < MOST {
        let (_, errors) = DeTable::parse_recoverable(&text[from..chunk.end]);
        // They are not sorted.
        let first = errors
            .iter()
            .map(|error| Problem::new(error, from, 0))
            .filter(|problem| problem.message != DUPLICATE)
            .min_by_key(|problem| problem.range.start);
        let Some(problem) = first else { return };
        let at = problem.range.start;
        causes.push(problem);
        let Some(next) = lines(text, chunk)
            .filter(|line| line.start > from && line.start >= at)
            .find(|line| is_key(&text[line.clone()]))
        else {
            return;
        };
        from = next.start;
    }
}

/// The tables, from header to header; the first one has no header.
fn tables(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    starts.extend(lines(text, &(0..text.len())).filter(|line| is_header(&text[line.clone()])).map(|line| line.start));
    let ends = starts.iter().copied().skip(1).chain([text.len()]);
    starts.iter().zip(ends).map(|(&start, end)| start..end).collect()
}

fn lines<'t>(text: &'t str, chunk: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let mut at = chunk.start;
    text[chunk.clone()].split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        start..at
    })
}

/// Whether a line looks like the header of a table, with or without its closing bracket.
fn is_header(line: &str) -> bool {
    line.starts_with('[') && line.split('#').next().unwrap_or_default().chars().all(|c| is_key_character(c, "[]"))
}

/// Whether a line looks like the beginning of a key and its value.
fn is_key(line: &str) -> bool {
    line.split_once('=').is_some_and(|(key, _)| {
        key.starts_with(|c: char| c.is_alphanumeric() || "_\"'".contains(c))
            && key.chars().all(|c| is_key_character(c, ""))
    })
}

fn is_key_character(c: char, more: &str) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_-.\"'".contains(c) || more.contains(c)
}

/// The first place of a duplicate key.
pub(super) fn first_of(text: &str, document: &DeTable<'_>, problem: &Problem) -> Option<Range<usize>> {
    if problem.message != DUPLICATE {
        return None;
    }
    let at = problem.range.end;
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..at];
    let header_of = |line: Range<usize>| steps(text[line].trim_start_matches('[').split(']').next()?);
    let headers = || lines(text, &(0..start)).filter(|line| is_header(&text[line.clone()]));
    if line.starts_with('[') {
        // The tree only has the place of the second header.
        let path = header_of(start..at)?;
        let first = headers().find(|line| header_of(line.clone()).as_ref() == Some(&path))?;
        return Some(first.start..first.start + text[first].trim_end().len());
    }
    let mut path = match headers().last() {
        Some(header) => header_of(header)?,
        None => Vec::new(),
    };
    path.extend(steps(line)?);
    let (last, tables) = path.split_last()?;
    let mut table = document;
    for step in tables {
        let DeValue::Table(inner) = table.get(step.as_str())?.get_ref() else { return None };
        table = inner;
    }
    let (key, _) = table.get_key_value(last.as_str())?;
    Some(key.span()).filter(|range| range.start < problem.range.start)
}

/// The parts of a dotted key.
fn steps(key: &str) -> Option<Vec<String>> {
    let line = format!("{key} = 0");
    let document = DeTable::parse(&line).ok()?;
    let mut steps = Vec::new();
    let mut table = document.get_ref();
    loop {
        let (key, value) = table.iter().next()?;
        steps.push(key.get_ref().clone().into_owned());
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and message of each cause, and how many tables can't be trusted.
    fn found(text: &str) -> (Vec<(usize, String)>, usize) {
        let (_, errors) = DeTable::parse_recoverable(text);
        let errors: Vec<Problem> = errors.iter().map(|error| Problem::new(error, 0, 0)).collect();
        let (causes, chunks) = causes(text, errors);
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        (causes.into_iter().map(|cause| (line(cause.range.start), cause.message)).collect(), chunks.len())
    }

    #[test]
    fn a_bracket_that_is_never_closed_is_one_error() {
        let (causes, chunks) = found("[a]\nx = [1,\n  2\n\n[b]\ny = 1\n\n[c]\nz = 1\n");
        assert_eq!(causes.len(), 1, "{causes:?}");
        assert_eq!(chunks, 3);
        let (causes, _) = found("[a]\nx = [1, 2\ny = 1\nz = 1\n\n[b]\nx = { a = 1\ny = 1\n");
        let lines: Vec<usize> = causes.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 8], "{causes:?}");
        let (causes, _) = found("[a]\nx = [\n1,\n\n[]\n[\nx = \n");
        let lines: Vec<usize> = causes.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 5, 6, 7], "{causes:?}");
    }

    #[test]
    fn there_is_an_end_of_what_is_told() {
        let (causes, _) = found(&format!("[a]\n{}", "x = \n".repeat(3 * MOST)));
        assert_eq!(causes.len(), MOST);
        // Of a table that is too long to be read again and again, only the first.
        let (causes, chunks) = found(&format!("[a]\nx = \ny = \n{}", "# comment\n".repeat(LONGEST / 10)));
        assert_eq!((causes.len(), chunks), (1, 1), "{causes:?}");
    }

    #[test]
    fn errors_that_have_nothing_to_do_with_each_other_are_all_told() {
        let (causes, chunks) = found("[a]\nx = \ny = no\nz = 'a\nw = 1\n\n[b]\nv = 1\n\n[c\nu = \"\n");
        let lines: Vec<usize> = causes.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 4, 10, 11], "{causes:?}");
        assert_eq!(chunks, 2);
    }

    #[test]
    fn a_duplicate_knows_the_first() {
        for (text, first) in [
            ("[a.b]\nx = 1\n[c]\nx = 2\nx = 3\n", 4),
            ("[a.b]\nx = 1\n[c]\n[a.b]\n", 1),
            ("x = 1\n'x' = 2\n", 1),
            ("[a]\nx.y = 1\nx.z = 2\nx.y = 3\n", 2),
        ] {
            let (document, errors) = DeTable::parse_recoverable(text);
            let problem = Problem::new(&errors[0], 0, 0);
            let range = first_of(text, document.get_ref(), &problem).unwrap_or_else(|| panic!("{text}: {problem:?}"));
            assert_eq!(text[..range.start].matches('\n').count() + 1, first, "{text}");
        }
    }

    #[test]
    fn a_key_is_told_from_a_part_of_a_value() {
        for line in ["a = 1", "a.b-c = 1", "'a b'.c = [", "  \t_ = x".trim_start()] {
            assert!(is_key(line), "{line}");
        }
        for line in ["a", "# a = 1", "{ a = 1 }", "] = 1", "a(b) = 1", "- a = 1"] {
            assert!(!is_key(line), "{line}");
        }
    }

    #[test]
    fn duplicates_behind_another_error_may_be_its_consequence() {
        let (causes, _) = found("[a]\nx = 1\nb]\nx = 1\n");
        assert_eq!(causes.len(), 1, "{causes:?}");
    }
}
