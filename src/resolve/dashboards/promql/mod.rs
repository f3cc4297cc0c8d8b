//! Queries of Prometheus, in its language `PromQL`.
//!
//! Queries of dashboards contain Grafana's variables, which no parser of Prometheus knows: here a variable is a token
//! whose meaning follows from its place, and an expression with one may have several types.

mod functions;
mod parser;
mod pattern;
mod tokens;
mod types;

use std::ops::Range;

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the query as it is written, with its variables.
    pub range: Range<usize>,
    /// One line.
    pub message: String,
}

impl Problem {
    fn new(range: Range<usize>, message: String) -> Self {
        Self { range, message }
    }

    fn expected(expected: &str, found: &str, range: Range<usize>) -> Self {
        Self::new(range, format!("expected {expected}, found `{}`", excerpt(found)))
    }
}

/// Checks a query in `PromQL` that may contain Grafana's variables.
///
/// A variable may stand wherever a text may make sense: in a string, for a name or a part of one, a label, a number, a
/// duration, a function, an operator, a whole list of label matchers, a modifier, or an expression. What its value will
/// be is not known, so a query passes if each of its expressions is right for some value.
///
/// # Errors
///
/// The first problem of the grammar, or else the first of the types, at the smallest part of the query that has it.
pub fn check(query: &str) -> Result<(), Problem> {
    let tokens = tokens::read(query)?;
    if tokens.is_empty() {
        return Err(Problem::new(0..query.len(), "the query is empty".into()));
    }
    parser::check(query, &tokens)
}

/// The start of the first line.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let line = text.split(char::is_control).next().unwrap_or_default();
    let mut short: String = line.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
