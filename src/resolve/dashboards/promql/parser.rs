//! Grammar and types of a query: `generated_parser.y` and `parse.go` in `promql/parser/` of Prometheus.

use std::ops::Range;

use super::tokens::{Kind, Token, Variable, matches_nothing};
use super::types::Types;
use super::{Problem, functions};

/// Checks a query.
///
/// # Errors
///
/// The first token that doesn't follow the grammar; if there is none, the first expression whose types are wrong.
pub(super) fn check(query: &str, tokens: &[Token<'_>]) -> Result<(), Problem> {
    let mut parser = Parser { query, tokens, at: 0, inside: Inside::Query, wrong: None };
    parser.expression()?;
    if parser.peek().is_some() {
        return Err(parser.expected_operator());
    }
    parser.wrong.map_or(Ok(()), Err)
}

struct Parser<'a, 't> {
    query: &'a str,
    tokens: &'t [Token<'a>],
    /// The next token.
    at: usize,
    inside: Inside,
    /// The first expression that follows the grammar, but makes no sense.
    wrong: Option<Problem>,
}

/// What is around an expression.
#[derive(Clone, Copy)]
enum Inside {
    Query,
    Parentheses,
    Arguments,
}

/// An expression.
struct Operand {
    types: Types,
    range: Range<usize>,
    form: Form,
}

/// What decides whether a range, an `offset` or an `@` may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Selector,
    /// A selector with a range, or a subquery.
    Range,
    Other,
}

/// An operator that waits for its right side.
struct Operator {
    precedence: u8,
    /// Empty for a variable.
    text: &'static str,
    start: usize,
    /// `None` for a sign.
    matching: Option<Matching>,
}

/// What stands between an operator and its right side.
#[derive(Default)]
struct Matching {
    has_bool: bool,
    has_labels: bool,
    has_group: bool,
    /// A label of both `on` and `group_…`.
    twice: Option<String>,
}

/// Binary operators in ascending order of precedence; the last is the only one that binds to the right.
///
/// <https://prometheus.io/docs/prometheus/latest/querying/operators/#binary-operator-precedence>
const OPERATORS: &[&[&str]] =
    &[&["or"], &["and", "unless"], COMPARISONS, &["+", "-"], &["*", "/", "%", "atan2"], &["^"]];
const COMPARISONS: &[&str] = &["==", "!=", ">", "<", ">=", "<="];
const SETS: &[&str] = &["and", "or", "unless"];
/// The precedence of a sign is that of `*`.
const SIGN: u8 = 4;
const POWER: u8 = 5;

/// Words that no expression starts with.
const RESERVED: &[&str] = &["atan2", "bool", "group_left", "group_right", "ignoring", "on"];

impl<'a, 't> Parser<'a, 't> {
    fn peek(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at)
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.text == text)
    }

    /// Takes the next token if it is this bracket, comma or operator.
    fn take(&mut self, text: &str) -> bool {
        let is = self.next_is(text);
        self.at += usize::from(is);
        is
    }

    /// Takes the next token if it is one of these words.
    fn take_word(&mut self, words: &[&str]) -> Option<&'t Token<'a>> {
        let token = self.peek().filter(|token| token.is_one_of(words))?;
        self.at += 1;
        Some(token)
    }

    fn expected(&self, expected: &str) -> Problem {
        match (self.peek(), self.tokens.last()) {
            (Some(token), _) => Problem::expected(expected, &self.query[token.range.clone()], token.range.clone()),
            (None, last) => {
                let range = last.map_or(0..self.query.len(), |token| token.range.clone());
                Problem::new(range, format!("expected {expected} after this, found the end of the query"))
            }
        }
    }

    fn expected_expression(&self) -> Problem {
        let is_first = matches!(self.inside, Inside::Arguments) && self.last().is_some_and(|last| last.text == "(");
        self.expected(if is_first { "an expression or `)`" } else { "an expression" })
    }

    fn expected_operator(&self) -> Problem {
        self.expected(match self.inside {
            Inside::Query => "an operator",
            Inside::Parentheses => "an operator or `)`",
            Inside::Arguments => "an operator, `,` or `)`",
        })
    }

    fn require(&mut self, text: &str) -> Result<(), Problem> {
        if self.take(text) { Ok(()) } else { Err(self.expected(&format!("`{text}`"))) }
    }

    fn report(&mut self, range: Range<usize>, message: String) {
        self.wrong.get_or_insert(Problem::new(range, message));
    }

    /// The last token that was taken.
    fn last(&self) -> Option<&'t Token<'a>> {
        self.tokens.get(self.at.checked_sub(1)?)
    }

    fn end(&self) -> usize {
        self.last().map_or(0, |last| last.range.end)
    }

    /// An expression up to a token that can't continue it.
    fn expression(&mut self) -> Result<Operand, Problem> {
        let mut operands = Vec::new();
        let mut operators: Vec<Operator> = Vec::new();
        loop {
            while let Some(sign) = self.peek().filter(|token| matches!(token.text, "+" | "-")) {
                self.at += 1;
                operators.push(Operator { precedence: SIGN, text: "", start: sign.range.start, matching: None });
            }
            let operand = self.operand()?;
            operands.push(self.with_suffixes(operand)?);
            let next = self.operator()?;
            let limit = next.as_ref().map_or(0, |next| next.precedence + u8::from(next.precedence == POWER));
            while let Some(operator) = operators.pop_if(|last| last.precedence >= limit) {
                self.apply(&operator, &mut operands);
            }
            let Some(operator) = next else { break };
            operators.push(operator);
        }
        operands.pop().ok_or_else(|| self.expected_expression())
    }

    /// Replaces the operands of an operator by its result.
    fn apply(&mut self, operator: &Operator, operands: &mut Vec<Operand>) {
        let Some(mut right) = operands.pop() else { return };
        self.expect_value(&right);
        let Some(matching) = &operator.matching else {
            right.range.start = operator.start;
            right.form = Form::Other;
            operands.push(right);
            return;
        };
        let Some(left) = operands.pop() else { return };
        self.expect_value(&left);
        let range = left.range.start..right.range.end;
        let (scalar, instant) = (Types::SCALAR, Types::INSTANT);
        let is_set = SETS.contains(&operator.text);
        let vectors = left.types.may_be(instant) && right.types.may_be(instant);
        if is_set && (left.types == scalar || right.types == scalar) {
            self.report(range.clone(), format!("`{}` needs an instant vector on each side", operator.text));
        } else if is_set && matching.has_group {
            self.report(range.clone(), format!("`{}` can't have `group_left` or `group_right`", operator.text));
        } else if matching.has_labels && !vectors {
            self.report(range.clone(), "`on` and `ignoring` need an instant vector on each side".into());
        } else if let Some(label) = &matching.twice {
            self.report(range.clone(), format!("label `{label}` must not occur in `on` and `group_…` at once"));
        } else if COMPARISONS.contains(&operator.text)
            && left.types == scalar
            && right.types == scalar
            && !matching.has_bool
        {
            self.report(range.clone(), "comparisons between numbers must use `bool`".into());
        } else if matching.has_bool && !operator.text.is_empty() && !COMPARISONS.contains(&operator.text) {
            self.report(range.clone(), "`bool` can only be used on comparison operators".into());
        }
        let types = match (left.types.may_be(instant) || right.types.may_be(instant), left.types.may_be(scalar)) {
            (true, true) if right.types.may_be(scalar) => Types::VALUE,
            (true, _) => instant,
            (false, _) => scalar,
        };
        operands.push(Operand { types, range, form: Form::Other });
    }

    /// Reports an operand that no operator accepts.
    fn expect_value(&mut self, operand: &Operand) {
        if !operand.types.may_be(Types::VALUE) {
            let message = format!("operators need numbers or instant vectors, found {}", operand.types.name());
            self.report(operand.range.clone(), message);
        }
    }

    /// The binary operator that follows an operand, with what stands before its right side.
    fn operator(&mut self) -> Result<Option<Operator>, Problem> {
        let Some(token) = self.peek() else { return Ok(None) };
        let known = (0..).zip(OPERATORS).find_map(|(precedence, operators)| {
            Some((precedence, *operators.iter().find(|operator| operator.eq_ignore_ascii_case(token.text))?))
        });
        let (precedence, text) = match known {
            Some(known) => known,
            // A variable stands for one; which is not known, so its precedence is that of `+`.
            None if token.variable.is_some_and(|variable| variable.whole) => (3, ""),
            None => return Ok(None),
        };
        self.at += 1;
        let matching = self.matching()?;
        Ok(Some(Operator { precedence, text, start: token.range.start, matching: Some(matching) }))
    }

    fn matching(&mut self) -> Result<Matching, Problem> {
        let has_bool = self.take_word(&["bool"]).is_some();
        let mut matching = Matching { has_bool, ..Matching::default() };
        if let Some(word) = self.take_word(&["on", "ignoring"]) {
            let labels = self.labels()?;
            matching.has_labels = !labels.is_empty();
            if self.take_word(&["group_left", "group_right"]).is_some() {
                matching.has_group = true;
                let extra = if self.next_is("(") { self.labels()? } else { Vec::new() };
                let mut twice = extra.iter().filter(|label| word.is_one_of(&["on"]) && labels.contains(label));
                matching.twice = twice.next().map(|label| (*label).to_owned());
            }
        }
        // Without a parenthesis it is a metric.
        while self.tokens.get(self.at + 1).is_some_and(|next| next.text == "(")
            && self.take_word(&["fill", "fill_left", "fill_right"]).is_some()
        {
            self.at += 1;
            let _ = self.take("+") || self.take("-");
            if !self.take_number() {
                return Err(self.expected("a number"));
            }
            self.require(")")?;
        }
        Ok(matching)
    }

    /// Labels in parentheses, without those that are or contain variables.
    fn labels(&mut self) -> Result<Vec<&'a str>, Problem> {
        self.require("(")?;
        let mut labels = Vec::new();
        while !self.take(")") {
            match self.peek() {
                Some(token) if token.variable.is_some() => {}
                Some(token) if token.kind == Kind::Text => labels.push(token.content()),
                Some(token) if is_label(token) && !is_number_word(token) => labels.push(token.text),
                _ => return Err(self.expected("a label's name or `)`")),
            }
            self.at += 1;
            if !self.take(",") && !self.next_is(")") {
                return Err(self.expected("`,` or `)`"));
            }
        }
        Ok(labels)
    }

    /// Takes a number or a variable that stands for one.
    fn take_number(&mut self) -> bool {
        let is = self.peek().is_some_and(|token| token.kind == Kind::Number || token.variable.is_some());
        self.at += usize::from(is);
        is
    }

    /// What operators connect, without ranges and modifiers.
    fn operand(&mut self) -> Result<Operand, Problem> {
        let Some(token) = self.peek() else { return Err(self.expected_expression()) };
        let start = token.range.start;
        let (types, form) = match token.kind {
            Kind::Number => {
                self.at += 1;
                (Types::SCALAR, Form::Other)
            }
            Kind::Text => {
                self.at += 1;
                (Types::TEXT, Form::Other)
            }
            Kind::Open if token.text == "(" => {
                self.at += 1;
                let outside = std::mem::replace(&mut self.inside, Inside::Parentheses);
                let inner = self.expression()?;
                if !self.take(")") {
                    return Err(self.expected_operator());
                }
                self.inside = outside;
                (inner.types, Form::Other)
            }
            Kind::Open if token.text == "{" => {
                let matchers = self.matchers()?;
                if !matchers.selects {
                    let message = "vector selector must contain at least one non-empty matcher";
                    self.report(start..self.end(), message.into());
                }
                (Types::INSTANT, Form::Selector)
            }
            Kind::Word if !token.is_one_of(RESERVED) => return self.name(token),
            _ => return Err(self.expected_expression()),
        };
        Ok(Operand { types, range: start..self.end(), form })
    }

    /// A metric, a call, a number in words or a variable.
    fn name(&mut self, name: &Token<'a>) -> Result<Operand, Problem> {
        self.at += 1;
        let start = name.range.start;
        let follows = self.peek().filter(|next| next.variable.is_none());
        let is_call = follows.is_some_and(|next| next.text == "(");
        let is_grouped = follows.is_some_and(|next| next.is_one_of(&["by", "without"]));
        let aggregation = functions::aggregation(name.text).filter(|_| name.variable.is_none());
        let (types, form) = if is_call || (is_grouped && (name.variable.is_some() || aggregation.is_some())) {
            (self.call(name, aggregation)?, Form::Other)
        } else if is_number_word(name) {
            (Types::SCALAR, Form::Other)
        } else if follows.is_some_and(|next| next.text == "{") {
            if self.matchers()?.names_metric {
                self.report(start..self.end(), "the metric's name is given twice".into());
            }
            (Types::INSTANT, Form::Selector)
        } else {
            let types = match name.variable {
                Some(variable) if variable.is_quoted() => Types::VALUE_OR_TEXT,
                Some(variable) if variable.whole => Types::VALUE,
                _ => Types::INSTANT,
            };
            (types, Form::Selector)
        };
        Ok(Operand { types, range: start..self.end(), form })
    }

    /// The rest of a call, and the types of its result.
    fn call(&mut self, name: &Token<'a>, aggregation: Option<functions::Signature>) -> Result<Types, Problem> {
        let may_group = aggregation.is_some() || name.variable.is_some();
        let is_grouped = may_group && self.take_word(&["by", "without"]).is_some();
        if is_grouped {
            self.labels()?;
        }
        self.require("(")?;
        let outside = std::mem::replace(&mut self.inside, Inside::Arguments);
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.expression()?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return Err(self.expected_operator());
                }
            }
        }
        self.inside = outside;
        if may_group && !is_grouped && self.take_word(&["by", "without"]).is_some() {
            self.labels()?;
        }
        if name.variable.is_some() {
            return Ok(Types::VALUE);
        }
        let Some(signature) = aggregation.or_else(|| functions::function(name.text)) else {
            self.report(name.range.clone(), format!("unknown function `{}`", name.text));
            return Ok(Types::VALUE);
        };
        self.check_arguments(name, &signature, &arguments);
        Ok(signature.result)
    }

    fn check_arguments(&mut self, name: &Token<'_>, signature: &functions::Signature, arguments: &[Operand]) {
        let (least, most) = (signature.least, signature.most);
        if !(least..=most).contains(&arguments.len()) {
            let (limit, expected) = match arguments.len() {
                _ if least == most => ("", least),
                given if given < least => ("at least ", least),
                _ => ("at most ", most),
            };
            let s = if expected == 1 { "" } else { "s" };
            let message = format!("`{}` expects {limit}{expected} argument{s}, found {}", name.text, arguments.len());
            return self.report(name.range.start..self.end(), message);
        }
        for (at, argument) in arguments.iter().enumerate() {
            let expected = signature.arguments.get(at).or(signature.arguments.last());
            if let Some(expected) = expected.filter(|expected| !argument.types.may_be(**expected)) {
                let message = format!("`{}` expects {}, found {}", name.text, expected.name(), argument.types.name());
                return self.report(argument.range.clone(), message);
            }
        }
    }

    /// An operand with its range, subqueries, `offset` and `@`, and variables that stand for these.
    fn with_suffixes(&mut self, mut operand: Operand) -> Result<Operand, Problem> {
        let (mut has_offset, mut has_at) = (false, false);
        while let Some(token) = self.peek() {
            if token.text == "[" {
                self.range(&mut operand, has_offset || has_at)?;
                (has_offset, has_at) = (false, false);
            } else if token.is_one_of(&["offset"]) {
                self.at += 1;
                let _ = self.take("+") || self.take("-");
                if !self.take_number() {
                    return Err(self.expected("a duration such as `5m`"));
                }
                self.modify(&mut operand, "offset", std::mem::replace(&mut has_offset, true));
            } else if token.text == "@" {
                self.at += 1;
                self.time()?;
                self.modify(&mut operand, "@", std::mem::replace(&mut has_at, true));
            } else if token.variable.is_some_and(|variable| variable.whole) && !self.is_operator() {
                self.at += 1;
            } else {
                break;
            }
        }
        Ok(operand)
    }

    /// Whether a variable after an operand stands for an operator: another operand follows.
    fn is_operator(&self) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|next| match next.kind {
            Kind::Word => {
                next.variable.is_some() || !next.is_one_of(&["and", "or", "unless", "atan2", "offset", "by", "without"])
            }
            Kind::Number | Kind::Text => true,
            Kind::Open => next.text != "[",
            Kind::Operator | Kind::Comma | Kind::Close => false,
        })
    }

    /// What follows an `@`.
    fn time(&mut self) -> Result<(), Problem> {
        if self.take_word(&["start", "end"]).is_some() {
            self.require("(")?;
            return self.require(")");
        }
        let _ = self.take("+") || self.take("-");
        if self.take_number() { Ok(()) } else { Err(self.expected("a number")) }
    }

    /// Checks that an operand can have an `offset` or an `@`.
    fn modify(&mut self, operand: &mut Operand, modifier: &str, is_second: bool) {
        operand.range.end = self.end();
        if is_second {
            self.report(operand.range.clone(), format!("`{modifier}` is given twice"));
        } else if operand.form == Form::Other {
            let message = format!("only a selector, a range or a subquery can have `{modifier}`");
            self.report(operand.range.clone(), message);
        } else if operand.form == Form::Selector {
            operand.types = Types::INSTANT;
        }
    }

    /// `[…]`.
    fn range(&mut self, operand: &mut Operand, is_modified: bool) -> Result<(), Problem> {
        self.at += 1;
        let may_hold_step = self.peek().and_then(|token| token.variable).is_some_and(|variable| variable.whole);
        self.duration()?;
        let is_subquery = self.take(":");
        if is_subquery && !self.next_is("]") {
            self.duration()?;
        }
        if !self.take("]") {
            return Err(self.expected(if is_subquery { "`]`" } else { "`]` or `:`" }));
        }
        operand.range.end = self.end();
        let is_range = operand.form == Form::Selector && !is_modified;
        if is_subquery || (may_hold_step && !is_range) {
            if !operand.types.may_be(Types::INSTANT) {
                let message = format!("only an instant vector can have a subquery, found {}", operand.types.name());
                self.report(operand.range.clone(), message);
            }
        } else if operand.form != Form::Selector {
            let message = "only a selector can have a range, a subquery has a colon: `[5m:]`";
            self.report(operand.range.clone(), message.into());
        } else if is_modified {
            self.report(operand.range.clone(), "the range must come before `offset` and `@`".into());
        }
        operand.types = Types::RANGE;
        operand.form = Form::Range;
        Ok(())
    }

    /// A duration between square brackets.
    fn duration(&mut self) -> Result<(), Problem> {
        let Some(token) = self.peek().filter(|token| token.variable.is_some() || token.kind == Kind::Number) else {
            return Err(self.expected("a duration such as `5m`"));
        };
        if token.variable.is_none() && !token.text.contains(|c| matches!(c, '1'..='9')) {
            return Err(Problem::new(token.range.clone(), "the duration must be longer than 0".into()));
        }
        self.at += 1;
        Ok(())
    }

    /// `{…}`.
    fn matchers(&mut self) -> Result<Matchers, Problem> {
        self.at += 1;
        let mut matchers = Matchers::default();
        while !self.take("}") {
            let Some(name) = self.peek().filter(|name| is_label(name) || name.kind == Kind::Text) else {
                return Err(self.expected("a label's name"));
            };
            self.at += 1;
            let operator = self.peek().filter(|token| matches!(token.text, "=" | "!=" | "=~" | "!~"));
            if let Some(operator) = operator {
                self.at += 1;
                let value = self.peek();
                matchers.selects |= match value.filter(|value| value.kind == Kind::Text) {
                    Some(value) => !matches_nothing(operator.text, value)?,
                    None if value.and_then(|value| value.variable).is_some_and(Variable::is_quoted) => {
                        operator.text.starts_with('=')
                    }
                    None => return Err(self.expected("a string in quotes")),
                };
                self.at += 1;
                let label = if name.kind == Kind::Text { name.content() } else { name.text };
                matchers.names_metric |= label == "__name__";
            } else if name.kind == Kind::Text {
                matchers.selects = true;
                matchers.names_metric = true;
            } else if name.variable.is_some_and(|variable| variable.whole) {
                // Its value is label matchers.
                matchers.selects = true;
            } else {
                return Err(self.expected("`=`, `!=`, `=~` or `!~`"));
            }
            if !self.take(",") && !self.next_is("}") {
                return Err(self.expected("`,` or `}`"));
            }
        }
        Ok(matchers)
    }
}

/// What matters about label matchers.
#[derive(Default)]
struct Matchers {
    /// Whether one of them is not satisfied by a series that has no labels.
    selects: bool,
    /// Whether they contain the name of the metric.
    names_metric: bool,
}

/// Whether a word may be the name of a label.
fn is_label(token: &Token<'_>) -> bool {
    token.kind == Kind::Word && (token.variable.is_some() || !token.text.contains(':'))
}

fn is_number_word(token: &Token<'_>) -> bool {
    token.variable.is_none() && token.is_one_of(&["inf", "nan"])
}
