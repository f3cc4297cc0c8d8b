//! The tokens of a query, as written and as the parser gets to read them.
//!
//! The parser's own errors have no place, so what the tokens alone show is checked here: strings, numbers,
//! brackets, label matchers, ranges. The parser reads a stand-in for everything whose text makes no difference to it:
//! it panics on a duration that is too long, rejects backslashes between backquotes, and compiles each regular
//! expression.

use std::borrow::Cow;
use std::ops::Range;

use super::{Problem, pattern};
use crate::resolve::dashboards::interpolation::{Reference, references};

/// More tokens than this are refused: the tree of `a + a + …` is as deep as it is long, and freeing it recurses.
const MOST: usize = 2_000;

/// Deeper nesting than this is refused, for the same reason.
const DEEPEST: usize = 100;

/// Aggregations and functions that a variable before `(` may stand for, one for each kind of arguments.
const CALLS: &[&str] = &["sum", "rate", "quantile", "clamp_max", "quantile_over_time", "count_values", "time"];

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    Operator,
    Comma,
    /// Any opening bracket as it is written; for the parser `(` of an expression or of arguments.
    Open,
    /// `(` of labels or of a `fill`.
    OpenList,
    Close,
    /// A whole `{…}`.
    Matchers,
    /// A whole `[…]`.
    Range,
}

/// A token for the parser.
#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// What the parser reads.
    pub(super) text: Cow<'a, str>,
    /// Alternatives, where it depends on the value of a variable.
    pub(super) choices: Vec<Cow<'static, str>>,
    /// Whether an operand ends here, so that an operator may follow.
    ends: bool,
}

/// A token as it is written.
struct Written<'a> {
    range: Range<usize>,
    kind: Kind,
    text: &'a str,
    variable: Option<Variable<'a>>,
}

/// The variable that a word or a number contains.
#[derive(Clone, Copy)]
struct Variable<'a> {
    /// Whether there are only variables.
    whole: bool,
    format: Option<&'a str>,
}

impl Variable<'_> {
    /// Whether the value may come with quotes.
    ///
    /// <https://grafana.com/docs/grafana/latest/visualizations/dashboards/variables/variable-syntax/>
    fn is_quoted(self) -> bool {
        self.whole && matches!(self.format, Some("doublequote" | "singlequote" | "json" | "raw"))
    }
}

/// The tokens of a query.
///
/// # Errors
///
/// A problem that needs no parser to be seen.
pub(super) fn read(query: &str) -> Result<Vec<Token<'_>>, Problem> {
    let mut scanner = Scanner { query, references: references(query), next: 0, open: Vec::new() };
    Choice::new(&scanner.all()?).all()
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
    fn all(&mut self) -> Result<Vec<Written<'a>>, Problem> {
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

    fn token(&mut self, at: usize, c: char) -> Result<Written<'a>, Problem> {
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
        Ok(Written { range: at..end, kind, text: &self.query[at..end], variable: None })
    }

    /// A name, a number or a duration, with variables in it.
    fn word(&mut self, start: usize) -> Result<Written<'a>, Problem> {
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
        Ok(Written { range, kind: if number { Kind::Number } else { Kind::Word }, text, variable })
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

/// Chooses what the parser reads for each token.
struct Choice<'a, 't> {
    written: &'t [Written<'a>],
    tokens: Vec<Token<'a>>,
    /// The parentheses that are open, and what they hold.
    open: Vec<Group>,
}

/// What stands between parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// An expression or arguments.
    Expression,
    /// Labels of `by` or `without`.
    Labels,
    /// Labels or a number between an operator and its right side.
    Matching,
}

impl<'a, 't> Choice<'a, 't> {
    fn new(written: &'t [Written<'a>]) -> Self {
        Self { written, tokens: Vec::with_capacity(written.len()), open: Vec::new() }
    }

    fn all(mut self) -> Result<Vec<Token<'a>>, Problem> {
        let mut at = 0;
        while let Some(token) = self.written.get(at) {
            let next = match token.text {
                "{" => self.matchers(at)?,
                "[" => self.range(at)?,
                _ => {
                    self.plain(token, self.written.get(at + 1));
                    at + 1
                }
            };
            at = next;
        }
        Ok(self.tokens)
    }

    fn push(&mut self, range: Range<usize>, kind: Kind, text: Cow<'a, str>, ends: bool) {
        self.tokens.push(Token { range, kind, text, choices: Vec::new(), ends });
    }

    /// A token outside of `{…}` and `[…]`.
    fn plain(&mut self, token: &Written<'a>, next: Option<&Written<'a>>) {
        let range = token.range.clone();
        match token.kind {
            Kind::Word => match token.variable {
                Some(variable) => self.variable(range, variable, next),
                None => self.word(token),
            },
            Kind::Number => self.push(range, Kind::Number, "1".into(), true),
            // The parser reads some strings differently from Prometheus, and only needs to know that it is one.
            Kind::Text => self.push(range, Kind::Text, "\"x\"".into(), true),
            Kind::Open => {
                let group = match self.tokens.last() {
                    Some(last) if is_one_of(&last.text, &["by", "without"]) => Group::Labels,
                    Some(last) if is_one_of(&last.text, MATCHING) => Group::Matching,
                    _ => Group::Expression,
                };
                self.open.push(group);
                let kind = if group == Group::Expression { Kind::Open } else { Kind::OpenList };
                self.push(range, kind, token.text.into(), false);
            }
            Kind::Close => {
                let ends = self.open.pop() != Some(Group::Matching);
                self.push(range, Kind::Close, token.text.into(), ends);
            }
            _ => self.push(range, token.kind, token.text.into(), false),
        }
    }

    fn word(&mut self, token: &Written<'a>) {
        let text = if is_one_of(token.text, &["inf", "nan"]) {
            // The parser panics on an endless duration.
            if self.is_after_offset() { "x" } else { "1" }
        } else {
            token.text
        };
        let ends = !is_one_of(text, MATCHING) && !is_one_of(text, KEYWORDS);
        self.push(token.range.clone(), Kind::Word, text.into(), ends);
    }

    /// Whether a duration or a time follows, perhaps after a sign.
    fn is_after_offset(&self) -> bool {
        let mut before = self.tokens.iter().rev().map(|token| token.text.as_ref()).peekable();
        before.next_if(|text| matches!(*text, "+" | "-"));
        before.next().is_some_and(|text| text == "@" || is_one_of(text, &["offset"]))
    }

    /// A word with variables, whose values depend on the place.
    fn variable(&mut self, range: Range<usize>, variable: Variable<'_>, next: Option<&Written<'a>>) {
        // Each has its own name: labels of `on` and `group_left` must differ.
        let name = Cow::Owned(format!("v{}", self.tokens.len()));
        let after = |texts: &[&str]| next.is_some_and(|next| next.variable.is_none() && is_one_of(next.text, texts));
        let follows_operand = self.tokens.last().is_some_and(|last| last.ends);
        let choices: Vec<Cow<'static, str>> = if self.is_after_offset() {
            vec!["1".into()]
        } else if self.open.last().is_some_and(|group| *group != Group::Expression) {
            vec![name]
        } else if variable.is_quoted() {
            vec!["\"x\"".into(), name, "1".into()]
        } else if variable.whole && follows_operand {
            // `a $op b`, or a modifier: `a $offset`.
            let operand = next.is_some_and(|next| {
                matches!(next.kind, Kind::Word | Kind::Number | Kind::Text) || matches!(next.text, "(" | "{")
            });
            let modifier = !operand || after(&["and", "or", "unless", "atan2", "offset", "by", "without"]);
            vec![if modifier { "".into() } else { "+".into() }]
        } else if after(&["(", "by", "without"]) {
            CALLS.iter().map(|name| (*name).into()).collect()
        } else if !variable.whole || after(&["{", "[", "offset", "@"]) {
            vec![name]
        } else if self.tokens.last().is_some_and(|last| last.kind == Kind::Open) && after(&[","]) {
            // Of the functions of several arguments, those that take a number first have a variable there more often.
            vec!["1".into(), name]
        } else {
            vec![name, "1".into()]
        };
        let text = choices.first().cloned().unwrap_or_default();
        let choices = if choices.len() > 1 { choices } else { Vec::new() };
        self.tokens.push(Token { range, kind: Kind::Word, text, choices, ends: true });
    }

    /// `{…}`; the token after it.
    fn matchers(&mut self, open: usize) -> Result<usize, Problem> {
        let mut text = String::from("{");
        let mut at = open + 1;
        while let Some(name) = self.written.get(at).filter(|token| token.kind != Kind::Close) {
            let is_metric = name.kind == Kind::Word && name.variable.is_none() && name.text.contains(':');
            if is_metric || !matches!(name.kind, Kind::Word | Kind::Text) {
                return Err(name.unexpected("a label's name"));
            }
            let label = match name.variable {
                Some(_) => "x",
                // The parser takes backslashes in it for escape sequences.
                None if name.text.starts_with('`') => "\"x\"",
                None => name.text,
            };
            let Some(operator) = self.written.get(at + 1) else { break };
            if matches!(operator.text, "=" | "!=" | "=~" | "!~") {
                let Some(value) = self.written.get(at + 2) else { break };
                let holds = match value.variable {
                    _ if value.kind == Kind::Text => compared(operator.text, value)?,
                    Some(variable) if variable.is_quoted() => "\"x\"",
                    _ => return Err(value.unexpected("a string in quotes")),
                };
                let operator = if operator.text.starts_with('=') { "=" } else { "!=" };
                text.extend([label, operator, holds]);
                at += 3;
            } else if name.kind == Kind::Text {
                // The name of a metric.
                text.push_str(label);
                at += 1;
            } else if name.variable.is_some_and(|variable| variable.whole) {
                // Its value is label matchers.
                text.push_str("x=\"x\"");
                at += 1;
            } else {
                return Err(operator.unexpected("`=`, `!=`, `=~` or `!~`"));
            }
            match self.written.get(at) {
                Some(comma) if comma.kind == Kind::Comma => at += 1,
                Some(other) if other.kind != Kind::Close => return Err(other.unexpected("`,` or `}`")),
                _ => {}
            }
            text.push(',');
        }
        // The parser refuses a comma before the brace only where nothing is before it, and so does the loop above.
        text.push('}');
        Ok(self.bracket(open, at, Kind::Matchers, text.into()))
    }

    /// `[…]`; the token after it.
    fn range(&mut self, open: usize) -> Result<usize, Problem> {
        let duration = |at: usize| match self.written.get(at) {
            Some(token) if token.variable.is_some() => Ok(()),
            Some(token) if token.kind == Kind::Number => {
                if token.text.contains(|c| matches!(c, '1'..='9')) {
                    Ok(())
                } else {
                    Err(Problem::new(token.range.clone(), "the duration must be longer than 0".into()))
                }
            }
            Some(token) => Err(token.unexpected("a duration such as `5m`")),
            None => Ok(()),
        };
        let is = |at: usize, text: &str| self.written.get(at).is_some_and(|token: &Written<'_>| token.text == text);
        duration(open + 1)?;
        let (close, text) = if !is(open + 2, ":") {
            (open + 2, "[1]")
        } else if is(open + 3, "]") {
            (open + 3, "[1:]")
        } else {
            duration(open + 3)?;
            (open + 4, "[1:1]")
        };
        if let Some(other) = self.written.get(close).filter(|token| token.kind != Kind::Close) {
            return Err(other.unexpected(if close == open + 2 { "`]` or `:`" } else { "`]`" }));
        }
        let holds_step = text == "[1]"
            && self.written.get(open + 1).and_then(|token| token.variable).is_some_and(|variable| variable.whole);
        let next = self.bracket(open, close, Kind::Range, text.into());
        if let Some(token) = self.tokens.last_mut().filter(|_| holds_step) {
            token.choices = vec!["[1]".into(), "[1:1]".into()];
        }
        Ok(next)
    }

    /// Adds one token for everything from an opening bracket to its closing one.
    fn bracket(&mut self, open: usize, close: usize, kind: Kind, text: Cow<'a, str>) -> usize {
        if let (Some(first), Some(last)) = (self.written.get(open), self.written.get(close)) {
            self.push(first.range.start..last.range.end, kind, text, true);
        }
        close + 1
    }
}

impl Written<'_> {
    fn unexpected(&self, expected: &str) -> Problem {
        Problem::expected(expected, self.text, self.range.clone())
    }
}

/// Words between an operator and its right side.
const MATCHING: &[&str] = &["on", "ignoring", "group_left", "group_right", "fill", "fill_left", "fill_right"];

/// Words after which something must follow.
const KEYWORDS: &[&str] = &["and", "or", "unless", "atan2", "bool", "offset", "by", "without"];

/// Whether a word is one of these, in any case: `SUM BY (le)` is valid.
fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|candidate| candidate.eq_ignore_ascii_case(word))
}

/// A value for the parser that is as empty as the one that a label is compared with.
///
/// # Errors
///
/// The value is not a valid regular expression, but has to be one.
fn compared(operator: &str, value: &Written<'_>) -> Result<&'static str, Problem> {
    let inner = value.text.get(1..value.text.len() - 1).unwrap_or_default();
    let empty = if operator.ends_with('~') {
        let pattern = unescaped(inner, value.text.starts_with('`'));
        if let Some(mistake) = pattern::mistake(&pattern) {
            return Err(Problem::new(value.range.clone(), format!("the regular expression {mistake}")));
        }
        pattern::matches_nothing(&pattern)
    } else {
        inner.is_empty()
    };
    Ok(if empty { "\"\"" } else { "\"x\"" })
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
