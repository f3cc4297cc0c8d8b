//! The tokens of a query.

use std::borrow::Cow;
use std::ops::Range;

use super::{Problem, pattern};
use crate::resolve::dashboards::interpolation::{Reference, references};

/// More tokens than this are refused.
const MOST: usize = 2_000;

/// Deeper nesting than this is refused: the parser calls itself for each level.
const DEEPEST: usize = 100;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    Operator,
    Comma,
    Open,
    Close,
}

/// A part of a query that is read as a whole.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// As it is written.
    pub(super) text: &'a str,
    pub(super) variable: Option<Variable<'a>>,
}

impl<'a> Token<'a> {
    /// Whether it is one of these words, in any case: `SUM BY (le)` is valid.
    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        self.kind == Kind::Word && words.iter().any(|word| word.eq_ignore_ascii_case(self.text))
    }

    /// The content of a string as it is written.
    pub(super) fn content(&self) -> &'a str {
        self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or_default()
    }
}

/// The variable that a word or a number contains.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable<'a> {
    /// Whether there are only variables.
    pub(super) whole: bool,
    format: Option<&'a str>,
}

impl Variable<'_> {
    /// Whether the value may come with quotes.
    ///
    /// <https://grafana.com/docs/grafana/latest/visualizations/dashboards/variables/variable-syntax/>
    pub(super) fn is_quoted(self) -> bool {
        self.whole && matches!(self.format, Some("doublequote" | "singlequote" | "json" | "raw"))
    }
}

/// The tokens of a query.
///
/// # Errors
///
/// The first text that can't be a token, or a bracket that isn't closed.
pub(super) fn read(query: &str) -> Result<Vec<Token<'_>>, Problem> {
    Scanner { query, references: references(query), next: 0, open: Vec::new() }.all()
}

/// Splits a query into tokens as they are written.
struct Scanner<'a> {
    query: &'a str,
    references: Vec<Reference<'a>>,
    /// The first reference that has not been passed.
    next: usize,
    /// The brackets that are open.
    open: Vec<(char, Range<usize>)>,
}

impl<'a> Scanner<'a> {
    fn all(&mut self) -> Result<Vec<Token<'a>>, Problem> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(c) = self.char(at) {
            if c.is_ascii_whitespace() {
                at += 1;
            } else if c == '#' {
                let comment = self.query.get(at..).unwrap_or_default();
                at += comment.find(['\r', '\n']).unwrap_or(comment.len());
            } else {
                if tokens.len() >= MOST {
                    return Err(Problem::new(at..at + c.len_utf8(), format!("the query has more than {MOST} tokens")));
                }
                let token = self.token(at, c)?;
                at = token.range.end;
                tokens.push(token);
            }
        }
        match self.open.pop() {
            Some((bracket, range)) => Err(Problem::new(range, format!("`{bracket}` is never closed"))),
            None => Ok(tokens),
        }
    }

    fn char(&self, at: usize) -> Option<char> {
        self.query.get(at..)?.chars().next()
    }

    /// The reference that starts at this byte.
    fn reference(&mut self, at: usize) -> Option<(Range<usize>, Option<&'a str>)> {
        while self.references.get(self.next).is_some_and(|reference| reference.range.start < at) {
            self.next += 1;
        }
        let reference = self.references.get(self.next)?;
        (reference.range.start == at).then(|| (reference.range.clone(), reference.format))
    }

    fn token(&mut self, at: usize, c: char) -> Result<Token<'a>, Problem> {
        let rest = self.query.get(at..).unwrap_or_default();
        let inside = self.open.last().map(|(bracket, _)| *bracket);
        let second = rest.chars().nth(1);
        let (kind, end) = match c {
            _ if self.reference(at).is_some() => return self.word(at),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => return self.word(at),
            ':' if inside != Some('[') => return self.word(at),
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => return self.word(at),
            '"' | '\'' | '`' => (Kind::Text, self.text(at, c)?),
            '(' | '[' | '{' => {
                let range = at..at + 1;
                if let Some(outer @ ('[' | '{')) = inside {
                    return Err(Problem::expected(&format!("`{}`", closing(outer)), &self.query[range.clone()], range));
                }
                if self.open.len() >= DEEPEST {
                    return Err(Problem::new(range, format!("brackets are nested deeper than {DEEPEST} levels")));
                }
                self.open.push((c, range));
                (Kind::Open, at + 1)
            }
            ')' | ']' | '}' => {
                match self.open.pop() {
                    Some((bracket, _)) if closing(bracket) == c => {}
                    Some((bracket, _)) => {
                        let expected = format!("`{}`", closing(bracket));
                        return Err(Problem::expected(&expected, &self.query[at..=at], at..at + 1));
                    }
                    None => return Err(Problem::new(at..at + 1, format!("`{c}` has no opening bracket"))),
                }
                (Kind::Close, at + 1)
            }
            ',' => (Kind::Comma, at + 1),
            _ if ["==", "!=", "<=", ">=", "=~", "!~"].iter().any(|operator| rest.starts_with(operator)) => {
                if second == Some('~') && inside != Some('{') {
                    return Err(Problem::new(at..at + 2, format!("`{c}~` only compares labels, inside `{{…}}`")));
                }
                (Kind::Operator, at + 2)
            }
            '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '=' | '@' | ':' => (Kind::Operator, at + 1),
            _ => {
                let shown = if c.is_control() || c.is_whitespace() { c.escape_unicode().to_string() } else { c.into() };
                return Err(Problem::new(at..at + c.len_utf8(), format!("unknown character `{shown}`")));
            }
        };
        Ok(Token { range: at..end, kind, text: &self.query[at..end], variable: None })
    }

    /// A name, a number or a duration, with variables in it.
    fn word(&mut self, start: usize) -> Result<Token<'a>, Problem> {
        let inside = self.open.last().map(|(bracket, _)| *bracket);
        let number = self.char(start).is_some_and(|c| c.is_ascii_digit() || c == '.');
        let mut variable: Option<Variable<'_>> = None;
        let mut literal = false;
        let mut end = start;
        while let Some(c) = self.char(end) {
            if let Some((range, format)) = self.reference(end) {
                variable = Some(Variable { whole: true, format });
                end = range.end;
            } else if c.is_ascii_alphanumeric()
                || c == '_'
                || (c == ':' && inside != Some('['))
                || (number && (c == '.' || (matches!(c, '+' | '-') && is_exponent(&self.query[start..end]))))
            {
                literal = true;
                end += 1;
            } else {
                break;
            }
        }
        let (range, text) = (start..end, &self.query[start..end]);
        if number && variable.is_none() && !is_number(text) && !is_duration(text) {
            return Err(Problem::new(range, format!("invalid number or duration `{text}`")));
        }
        let variable = variable.map(|variable| Variable { whole: !literal, ..variable });
        Ok(Token { range, kind: if number { Kind::Number } else { Kind::Word }, text, variable })
    }

    /// The end of a string.
    fn text(&mut self, start: usize, quote: char) -> Result<usize, Problem> {
        let mut at = start + 1;
        loop {
            if let Some((range, _)) = self.reference(at) {
                at = range.end;
                continue;
            }
            match self.char(at) {
                Some(c) if c == quote => return Ok(at + 1),
                Some('\\') if quote != '`' => at = self.escape(at, quote)?,
                None => break,
                Some('\n') if quote != '`' => break,
                Some(c) => at += c.len_utf8(),
            }
        }
        Err(Problem::new(start..at, format!("the string has no closing `{quote}`")))
    }

    /// The end of an escape sequence, those of Go:
    /// <https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals>.
    fn escape(&self, start: usize, quote: char) -> Result<usize, Problem> {
        let Some(c) = self.char(start + 1) else { return Ok(start + 1) };
        let (from, digits, radix) = match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => return Ok(start + 2),
            _ if c == quote => return Ok(start + 2),
            '0'..='3' => (start + 1, 3, 8),
            'x' => (start + 2, 2, 16),
            'u' => (start + 2, 4, 16),
            'U' => (start + 2, 8, 16),
            _ => {
                let message = format!("unknown escape sequence `\\{c}`: write `\\\\` for a backslash");
                return Err(Problem::new(start..start + 1 + c.len_utf8(), message));
            }
        };
        match self.query.get(from..from + digits) {
            Some(code) if code.chars().all(|c| c.is_digit(radix)) => Ok(from + digits),
            _ => Err(Problem::new(start..start + 2, format!("`\\{c}` needs {digits} digits"))),
        }
    }
}

/// The bracket that closes this one.
fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// Whether a sign may follow, as in `1e-3`.
fn is_exponent(number: &str) -> bool {
    number
        .strip_suffix(['e', 'E'])
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// <https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations>
fn is_number(text: &str) -> bool {
    let plain = text.replace('_', "");
    match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        // Neither Rust nor Go accepts words such as `1inf`, and no text here starts with a letter.
        None => plain.parse::<f64>().is_ok(),
    }
}

/// Whether a text is numbers with units, each smaller than the one before.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    for unit in ["y", "w", "d", "h", "m", "s", "ms"] {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() == rest.len() {
            break;
        }
        let after = digits.strip_prefix(unit);
        // `5ms` is not in minutes.
        if let Some(after) = after.filter(|after| !(unit == "m" && after.starts_with('s'))) {
            rest = after;
        }
    }
    rest.is_empty()
}

/// Whether a label matcher with this operator and this string matches a series without the label.
///
/// # Errors
///
/// The string has to be a regular expression and is not a valid one.
pub(super) fn matches_nothing(operator: &str, value: &Token<'_>) -> Result<bool, Problem> {
    let matches = if operator.ends_with('~') {
        let pattern = unescaped(value.content(), value.text.starts_with('`'));
        if let Some(mistake) = pattern::mistake(&pattern) {
            return Err(Problem::new(value.range.clone(), format!("the regular expression {mistake}")));
        }
        pattern::matches_nothing(&pattern)
    } else {
        value.content().is_empty()
    };
    Ok(matches == operator.starts_with('='))
}

/// The content of a string, a letter for each variable and for each character that is written as a number.
fn unescaped(inner: &str, raw: bool) -> Cow<'_, str> {
    let references = references(inner);
    if references.is_empty() && (raw || !inner.contains('\\')) {
        return inner.into();
    }
    let mut plain = String::with_capacity(inner.len());
    let mut at = 0;
    for reference in references {
        plain.push_str(inner.get(at..reference.range.start).unwrap_or_default());
        plain.push('x');
        at = reference.range.end;
    }
    plain.push_str(inner.get(at..).unwrap_or_default());
    if raw {
        return plain.into();
    }
    let mut content = String::with_capacity(plain.len());
    let mut chars = plain.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => content.push(chars.next().filter(|c| !c.is_ascii_alphanumeric()).unwrap_or('x')),
            c => content.push(c),
        }
    }
    content.into()
}
