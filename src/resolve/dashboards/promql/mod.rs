//! Queries of Prometheus, in its language `PromQL`.
//!
//! Grammar and types are the crate `promql-parser`'s to judge (it follows Prometheus 3.8), but its errors name no place
//! and it knows no variables. So `tokens` checks what needs no grammar and gives every variable a stand-in, and when the
//! parser refuses a query, parts of it are parsed until the wrong one is found.

mod pattern;
mod tokens;

use std::ops::Range;

use promql_parser::parser::parse;
use tokens::{Kind, Token};

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
/// be is not known, so a query passes if it is right for some value, or if there are too many to try.
///
/// # Errors
///
/// The first problem, at the smallest part of the query that has it.
pub fn check(query: &str) -> Result<(), Problem> {
    check_with(query, misplaced)
}

/// Whether a query has no mistake: to find out which one takes a hundred times as long.
pub fn is_good(query: &str) -> bool {
    check_with(query, |query, _| Problem::new(0..query.len(), String::new())).is_ok()
}

fn check_with(query: &str, misplaced: impl Fn(&str, &[Token<'_>]) -> Problem) -> Result<(), Problem> {
    /// Parts with variables that are tried: each attempt can only fix one of them.
    const ROUNDS: usize = 8;
    let mut tokens = tokens::read(query)?;
    if tokens.is_empty() {
        return Err(Problem::new(0..query.len(), "the query is empty".into()));
    }
    for _ in 0..ROUNDS {
        match judge(&joined(&tokens)) {
            Verdict::Good => return Ok(()),
            Verdict::Syntax => return Err(misplaced(query, &tokens)),
            Verdict::Wrong(message) => {
                let part = culprit(&tokens, &message);
                let inside = tokens.get_mut(part.clone()).unwrap_or_default();
                match other_stand_ins(inside) {
                    Some(true) => {}
                    Some(false) => return Err(wrong(inside, &message)),
                    None => return Ok(()),
                }
            }
        }
    }
    Ok(())
}

/// The result of the parser.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It doesn't follow the grammar.
    Syntax,
    /// It follows the grammar, but makes no sense.
    Wrong(String),
}

fn judge(text: &str) -> Verdict {
    match parse(text) {
        Ok(_) => Verdict::Good,
        // The grammar has rules for some mistakes, whose messages start with these words.
        Err(message)
            if message == "invalid promql query"
                || message.starts_with("unexpected")
                || message.starts_with("trailing commas") =>
        {
            Verdict::Syntax
        }
        Err(message) => Verdict::Wrong(message),
    }
}

/// The text of some tokens. Between label matchers the parser takes `or` before a space for an operator, but not before
/// the end of a line.
fn joined(tokens: &[Token<'_>]) -> String {
    let mut text = String::with_capacity(tokens.iter().map(|token| token.text.len() + 1).sum());
    for token in tokens {
        text.push_str(&token.text);
        text.push('\n');
    }
    text
}

/// Tries what else the variables in a part of the query could stand for, until the part makes sense. Returns whether it
/// does, if that is known.
fn other_stand_ins(tokens: &mut [Token<'_>]) -> Option<bool> {
    /// Three variables with two choices and a function, or five with two.
    const TRIES: usize = 64;
    let before: Vec<_> = tokens.iter().map(|token| token.text.clone()).collect();
    for number in 0..TRIES {
        // The number has one digit for each variable, of as many values as there are choices.
        let mut digits = number;
        for token in tokens.iter_mut().filter(|token| !token.choices.is_empty()) {
            if let Some(choice) = token.choices.get(digits % token.choices.len()) {
                token.text = choice.clone();
            }
            digits /= token.choices.len();
        }
        if digits > 0 {
            // They have all been tried.
            for (token, text) in tokens.iter_mut().zip(before) {
                token.text = text;
            }
            return Some(false);
        }
        if judge(&joined(tokens)) == Verdict::Good {
            return Some(true);
        }
    }
    None
}

/// The smallest part of the query that the parser refuses for the same reason.
fn culprit(tokens: &[Token<'_>], message: &str) -> Range<usize> {
    /// In a longer part the place is not narrowed down any further: each token costs a parse.
    const LONGEST: usize = 200;
    let is_wrong = |part: &Range<usize>| {
        let text = tokens.get(part.clone()).map(joined).unwrap_or_default();
        matches!(judge(&text), Verdict::Wrong(other) if other == message)
    };
    let mut part = 0..tokens.len();
    while let Some(inner) = arguments(tokens, &part).into_iter().find(is_wrong) {
        part = inner;
    }
    if part.len() > LONGEST {
        return part;
    }
    if let Some(end) = (part.start + 1..part.end).find(|&end| is_wrong(&(part.start..end))) {
        part.end = end;
    }
    // `(foo)` is not a part of `rate(foo)`.
    let starts = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_list = tokens.get(at).is_some_and(|token| matches!(token.kind, Kind::Open | Kind::OpenList));
        at == part.start || !(is_list && before.is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Close)))
    };
    let start = part.clone().rev().find(|&start| starts(start) && is_wrong(&(start..part.end)));
    start.unwrap_or(part.start)..part.end
}

/// What stands between the outermost parentheses of a part and between the commas there.
fn arguments(tokens: &[Token<'_>], part: &Range<usize>) -> Vec<Range<usize>> {
    let mut arguments = Vec::new();
    let mut depth = 0_usize;
    let mut start = part.start;
    for at in part.clone() {
        let Some(token) = tokens.get(at) else { break };
        match token.kind {
            Kind::Open | Kind::OpenList => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            Kind::Close => {
                if depth == 1 {
                    arguments.push(start..at);
                }
                depth = depth.saturating_sub(1);
            }
            Kind::Comma if depth == 1 => {
                arguments.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    arguments
}

/// The error of the parser for a part of the query, in the words of this tool.
fn wrong(part: &[Token<'_>], message: &str) -> Problem {
    let start = part.first().map_or(0, |token| token.range.start);
    let end = part.last().map_or(start, |token| token.range.end);
    let name = part.first().map_or(start..end, |token| token.range.clone());
    if let Some(function) = message.strip_prefix("unknown function with name ") {
        return Problem::new(name, format!("unknown function {}", function.replace('\'', "`")));
    }
    if message.starts_with("metric name must not be set twice") {
        return Problem::new(start..end, "the metric's name is given twice".into());
    }
    if message == "ranges only allowed for vector selectors" {
        return Problem::new(start..end, "only a selector can have a range, a subquery has a colon: `[5m:]`".into());
    }
    let message = match message.strip_prefix("expected type ").and_then(|types| {
        let (expected, rest) = types.split_once(" in ")?;
        let (place, found) = rest.rsplit_once(", got ")?;
        Some(format!("expected {} in {place}, got {}", typed(expected), typed(found)))
    }) {
        Some(message) => message,
        None => message
            .replace("BOOL modifier", "`bool`")
            .replace("ON and GROUP clause", "`on` and `group_…`")
            .replace(" provided", ""),
    };
    Problem::new(start..end, message.replace('\'', "`"))
}

/// A type, as Prometheus' documentation calls it.
fn typed(name: &str) -> &str {
    match name {
        "vector" => "an instant vector",
        "matrix" => "a range vector such as `foo[5m]`",
        "scalar" => "a number",
        "string" => "a string in quotes",
        _ => "nothing",
    }
}

/// The first token at which no query can go on as this one does.
fn misplaced(query: &str, tokens: &[Token<'_>]) -> Problem {
    // Every prefix of a valid start is a valid start, so a binary search finds the place.
    let (mut good, mut bad) = (0, tokens.len() + 1);
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if is_start(&tokens[..middle], "") { good = middle } else { bad = middle }
    }
    let expected = expected(&tokens[..good]);
    match (tokens.get(good), tokens.last()) {
        (Some(token), _) => {
            let end = if matches!(token.kind, Kind::Matchers | Kind::Range) {
                token.range.start + 1
            } else {
                token.range.end
            };
            let range = token.range.start..end;
            Problem::expected(&expected, &query[range.clone()], range)
        }
        (None, last) => {
            let range = last.map_or(0..query.len(), |token| token.range.clone());
            Problem::new(range, format!("expected {expected} after this, found the end of the query"))
        }
    }
}

/// Whether some tokens and one more can start a query, regardless of types.
fn is_start(tokens: &[Token<'_>], more: &str) -> bool {
    /// After one of these a part of a query is complete: nothing is missing, an operand, an
    /// argument, arguments, the labels of a `by`, of an `on` and what follows them, a `fill` and what follows it.
    const REST: &[&str] = &["", "x", "1", "()", "(x)", "(x)\nx", "(x)\n(x)", "(1)\nx"];
    /// The innermost parenthesis may be that of a list of labels, which something has to follow.
    const AFTER_LIST: &[&str] = &["", "x", "(x)"];
    // Whether each open parenthesis can be that of a list.
    let mut open = Vec::new();
    for kind in tokens.iter().map(|token| token.kind) {
        match kind {
            Kind::Open => open.push(false),
            Kind::OpenList => open.push(true),
            Kind::Close => drop(open.pop()),
            _ => {}
        }
    }
    match more {
        "(" => open.push(true),
        ")" if open.pop().is_none() => return false,
        _ => {}
    }
    let after_list = if open.last() == Some(&true) { AFTER_LIST } else { &[""] };
    let mut text = joined(tokens);
    text.push_str(more);
    text.push('\n');
    let start = text.len();
    REST.iter().any(|rest| {
        after_list.iter().any(|after| {
            text.truncate(start);
            text.push_str(rest);
            if let Some(others) = open.len().checked_sub(1) {
                text.push_str(")\n");
                text.push_str(after);
                text.push_str(&")".repeat(others));
            }
            judge(&text) != Verdict::Syntax
        })
    })
}

/// What may follow the start of a query, in words.
fn expected(tokens: &[Token<'_>]) -> String {
    let may_be = |more: &str| is_start(tokens, more);
    let is_offset = tokens.last().is_some_and(|token| token.text.eq_ignore_ascii_case("offset"));
    let mut words = match (may_be("x"), may_be("1")) {
        (true, true) => vec!["an expression"],
        (true, false) => vec!["a label's name"],
        (false, true) if is_offset => vec!["a duration such as `5m`"],
        (false, true) => vec!["a number"],
        (false, false) if may_be("+") => vec!["an operator"],
        (false, false) if may_be("(") => vec!["`(`"],
        (false, false) => vec![],
    };
    words
        .extend([",", ")"].into_iter().filter(|more| may_be(more)).map(|more| if more == "," { "`,`" } else { "`)`" }));
    match words.split_last() {
        Some((last, [])) => (*last).into(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "the end of the query".into(),
    }
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
