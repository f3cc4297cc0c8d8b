//! Strings that may hold references: `${NAME}` to an environment variable, `${service.port}` to an
//! address of the stack.
//!
//! `$$` is a literal dollar, as in Compose; a `$` before anything but `{`, a letter or `_` stands
//! for itself. `$NAME` is refused, since both Compose and a shell would expand it.

use serde_json::json;

use super::decode::{Context, Decode, Map, Spanned, check_characters, check_decimal, digits, shown};
use super::schema::{self, Schema, Schemas};
use super::tree::{Node, Value as TreeValue};
use crate::diagnostic::{Diagnostic, Span};

/// A string and its references.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Where the string stands.
    pub span: Span,
    parts: Parts,
}

/// The pieces of a [`Text`]: nearly every string of a spec is one, which then needs no allocation.
#[derive(Debug, Clone, PartialEq)]
enum Parts {
    One(Part),
    Many(Vec<Part>),
}

/// A piece of a [`Text`].
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Characters that stand for themselves.
    Literal(String),
    /// A reference to an environment variable.
    Env(Box<EnvReference>),
    /// A reference to an address of the stack.
    Address(Box<AddressReference>),
}

/// `${NAME}`, with `:-word`, `:?message` or `:+word`.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvReference {
    /// The variable.
    pub name: String,
    /// What follows the name.
    pub operator: Option<Operator>,
    /// Where the reference stands.
    pub span: Span,
}

/// `${service.name}` or `${service.name.port}`.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressReference {
    /// The service.
    pub service: String,
    /// One of its ports, or an endpoint that its kind has.
    pub endpoint: String,
    /// Whether just the port's number is wanted.
    pub number: bool,
    /// Where the reference stands.
    pub span: Span,
}

/// What a reference does when its variable is unset or empty, or set.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// `:-word`: the word instead.
    Default(Text),
    /// `:?message`: stop with the message.
    Required(String),
    /// `:+word`: the word if the variable is set, else nothing.
    Alternative(Text),
}

impl Text {
    /// A text without references.
    pub fn plain(text: impl Into<String>, span: Span) -> Self {
        Self { span, parts: Parts::One(Part::Literal(text.into())) }
    }

    /// The pieces, in order; an empty string has none.
    pub fn parts(&self) -> &[Part] {
        match &self.parts {
            Parts::One(part) => std::slice::from_ref(part),
            Parts::Many(parts) => parts,
        }
    }

    /// Adds characters.
    pub fn push(&mut self, more: &str) {
        match &mut self.parts {
            Parts::One(Part::Literal(text)) => text.push_str(more),
            Parts::One(part) => self.parts = Parts::Many(vec![part.clone(), Part::Literal(more.to_owned())]),
            Parts::Many(parts) => match parts.last_mut() {
                Some(Part::Literal(text)) => text.push_str(more),
                _ => parts.push(Part::Literal(more.to_owned())),
            },
        }
    }

    /// The variables that it refers to.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts().iter().filter_map(|part| match part {
            Part::Env(reference) => Some(reference.name.as_str()),
            _ => None,
        })
    }

    /// The variable, if the text is one reference and nothing else.
    pub fn variable(&self) -> Option<&str> {
        match self.parts() {
            [Part::Env(reference)] => Some(&reference.name),
            _ => None,
        }
    }

    /// Whether it says the same as another one, elsewhere.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |one: &Part, other: &Part| match (one, other) {
            (Part::Env(one), Part::Env(other)) => {
                one.name == other.name
                    && match (&one.operator, &other.operator) {
                        (None, None) => true,
                        (Some(Operator::Required(one)), Some(Operator::Required(other))) => one == other,
                        (Some(Operator::Default(one)), Some(Operator::Default(other)))
                        | (Some(Operator::Alternative(one)), Some(Operator::Alternative(other))) => one.is_same(other),
                        _ => false,
                    }
            }
            (Part::Address(one), Part::Address(other)) => {
                (&one.service, &one.endpoint, one.number) == (&other.service, &other.endpoint, other.number)
            }
            (one, other) => one == other,
        };
        let (ours, theirs) = (self.parts(), other.parts());
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(one, other)| same(one, other))
    }

    /// The characters, if there is no reference among them.
    pub fn literal(&self) -> Option<&str> {
        match self.parts() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl Decode for Text {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let TreeValue::String(text) = node.value else {
            cx.mismatch(&node, "a string", super::decode::quoting(&node.value));
            return None;
        };
        check_characters(&text, node.span, cx).then(|| parse(&text, node.span, cx))?
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": "string" })
    }
}

/// The value of an environment variable: a string, integer or boolean.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar(pub Text);

impl Decode for Scalar {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let plain = |text: String| Some(Self(Text::plain(text, node.span)));
        match node.value {
            TreeValue::Integer(_) if !check_decimal(&node, cx) => None,
            TreeValue::Integer(number) => plain(number.to_string()),
            TreeValue::Boolean(boolean) => plain(boolean.to_string()),
            TreeValue::Float(number) => plain(digits(number, node.span, cx)),
            _ => Text::decode(node, cx).map(Self),
        }
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

/// A typed value, or a text with a reference in its place.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<T> {
    /// The value.
    Is(T),
    /// A string that holds a reference; Compose reads the type from what it becomes.
    Env(Box<Text>),
}

impl<T: Decode> Decode for Value<T> {
    fn decode(mut node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let TreeValue::String(text) = &node.value {
            if text.contains("${") {
                return Box::decode(node, cx).map(Self::Env);
            }
            if let Some(value) = T::unquoted(text) {
                node.value = value;
            }
        }
        T::decode(node, cx).map(Self::Is)
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        // Compose reads the type of a text, too.
        let literal = match (T::unquoted("true"), T::unquoted("1")) {
            (Some(_), _) => r"\$\{|^(true|false)$",
            (_, Some(_)) => r"\$\{|^[0-9]+$",
            _ => r"\$\{",
        };
        schema::any_of([T::schema(schemas), schema::pattern(literal, &["${NAME:-default}"])])
    }
}

/// A boolean, or a text that is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Decode for Flag {
    fn decode(mut node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let TreeValue::String(text) = &node.value
            && let Some(value) = bool::unquoted(text)
        {
            node.value = value;
        }
        bool::decode(node, cx).map(Self)
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([bool::schema(schemas), schema::pattern("^(true|false)$", &[])])
    }
}

/// A value of any shape, for tables that are passed on.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A string.
    Text(Text),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A list.
    List(Vec<Self>),
    /// A table.
    Table(Vec<(Spanned<String>, Self)>),
}

impl Tree {
    /// A key of a table, where it stands, and its value.
    pub fn entry(&self, name: &str) -> Option<(Span, &Self)> {
        match self {
            Self::Table(entries) => {
                entries.iter().find(|(key, _)| key.value == name).map(|(key, tree)| (key.span, tree))
            }
            _ => None,
        }
    }

    /// The value of a table's key.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, tree)| tree)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&Text> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Adds its texts.
    pub fn texts<'t>(&'t self, texts: &mut Vec<&'t Text>) {
        match self {
            Self::Text(text) => texts.push(text),
            Self::List(items) => items.iter().for_each(|item| item.texts(texts)),
            Self::Table(entries) => entries.iter().for_each(|(_, value)| value.texts(texts)),
            Self::Integer(_) | Self::Float(_) | Self::Boolean(_) => {}
        }
    }
}

impl Decode for Tree {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        Some(match node.value {
            TreeValue::String(_) => Self::Text(Text::decode(node, cx)?),
            TreeValue::Integer(number) => Self::Integer(number),
            TreeValue::Float(number) if !number.is_finite() => {
                cx.diagnostics.push(
                    Diagnostic::new("wrong-type", "infinity and NaN are not supported here", node.span)
                        .help("use a finite number"),
                );
                return None;
            }
            TreeValue::Float(number) => Self::Float(number),
            TreeValue::Boolean(boolean) => Self::Boolean(boolean),
            TreeValue::List(_) => Self::List(Vec::decode(node, cx)?),
            TreeValue::Table(_) => Self::Table(Map::decode(node, cx)?.entries),
            TreeValue::Refused | TreeValue::Absent => return None,
            TreeValue::Datetime => {
                cx.diagnostics.push(
                    Diagnostic::new("wrong-type", "dates are not supported here", node.span).help("put it in quotes"),
                );
                return None;
            }
        })
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({})
    }
}

/// Byte offset in the source of a string's first character, if none of its characters is escaped.
fn content_start(text: &str, span: Span, cx: &Context<'_>) -> Option<usize> {
    let source = &cx.sources.file(span)?.text;
    let raw = source.get(span.start as usize..span.end as usize)?;
    let unquoted = raw.strip_prefix("\"\"\"").or_else(|| raw.strip_prefix("'''")).map_or_else(
        || raw.get(1..raw.len().saturating_sub(1)),
        |rest| rest.strip_suffix("\"\"\"").or_else(|| rest.strip_suffix("'''")),
    )?;
    let unquoted = unquoted.strip_prefix('\n').unwrap_or(unquoted);
    (unquoted == text).then(|| unquoted.as_ptr() as usize - raw.as_ptr() as usize)
}

/// Splits a string into its parts; `None` after a problem was reported.
pub fn parse(text: &str, span: Span, cx: &mut Context<'_>) -> Option<Text> {
    parse_word(text, span, 0, cx)
}

/// How deep references nest in the words of others.
pub const DEEPEST: usize = 8;

/// Where the reference ends that begins with the brace at the start, as Compose finds it (`getFirstBraceClosingIndex` of
/// compose-go): it does not look at the character after an opening brace.
pub fn closing_brace(text: &str) -> Option<usize> {
    if text.starts_with("{}") {
        return Some(1);
    }
    let mut open = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => {
                open += 1;
                bytes.next();
            }
            b'}' => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn parse_word(text: &str, span: Span, depth: usize, cx: &mut Context<'_>) -> Option<Text> {
    if !text.contains('$') {
        return Some(Text::plain(text, span));
    }
    let start = content_start(text, span, cx);
    let place = |from: usize, to: usize| start.map_or(span, |s| span.slice(s + from, s + to));
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut sound = true;
    let mut at = 0;
    while let Some(found) = text[at..].find('$') {
        if cx.diagnostics.is_full() {
            return None;
        }
        let dollar = at + found;
        literal.push_str(&text[at..dollar]);
        let rest = &text[dollar + 1..];
        match rest.chars().next() {
            Some('$') => {
                literal.push('$');
                at = dollar + 2;
            }
            Some('{') => {
                let Some(length) = closing_brace(rest) else {
                    cx.diagnostics.push(
                        Diagnostic::new("invalid-reference", "unclosed reference", place(dollar, text.len()))
                            .help("close it with `}`, or write `$$` for a literal dollar"),
                    );
                    return None;
                };
                let end = dollar + 1 + length + 1;
                let known = cx.diagnostics.len();
                match reference(&rest[1..length], place(dollar, end), depth, cx) {
                    Ok(part) => {
                        if !literal.is_empty() {
                            parts.push(Part::Literal(std::mem::take(&mut literal)));
                        }
                        parts.push(part);
                    }
                    Err(diagnostic) => {
                        // A problem of its word was reported there.
                        if cx.diagnostics.len() == known {
                            cx.diagnostics.push(*diagnostic);
                        }
                        sound = false;
                    }
                }
                at = end;
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !is_name_character(c)).unwrap_or(rest.len());
                let name = shown(&rest[..length]);
                cx.diagnostics.push(
                    Diagnostic::new(
                        "unbraced-reference",
                        format!("invalid reference `${name}`"),
                        place(dollar, dollar + 1 + length),
                    )
                    .help(format!(
                        "write `${{{name}}}` for the variable of `.env`, or `$${name}` for a dollar that a \
                         shell in the container expands"
                    )),
                );
                sound = false;
                at = dollar + 1;
            }
            _ => {
                literal.push('$');
                at = dollar + 1;
            }
        }
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    if !sound {
        return None;
    }
    let parts = match parts.pop() {
        Some(only) if parts.is_empty() => Parts::One(only),
        last => {
            parts.extend(last);
            parts.shrink_to_fit();
            Parts::Many(parts)
        }
    };
    Some(Text { span, parts })
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a name is a valid variable name for every shell and Compose.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_name_character)
}

/// Parses what stands between `${` and `}`.
fn reference(inner: &str, span: Span, depth: usize, cx: &mut Context<'_>) -> Result<Part, Box<Diagnostic>> {
    let wrong = |title: String, help: &str| Err(Box::new(Diagnostic::new("invalid-reference", title, span).help(help)));
    if let Some((service, rest)) = inner.split_once('.')
        && !inner.contains(':')
    {
        let (endpoint, number) = match rest.split_once('.') {
            None => (rest, false),
            Some((endpoint, "port")) => (endpoint, true),
            Some(_) => {
                return wrong(
                    format!("invalid reference `${{{}}}`: too many parts", shown(inner)),
                    "write `${service.port-name}` for `service:1234`, or `${service.port-name.port}` for `1234`",
                );
            }
        };
        let (service, endpoint) = (service.to_owned(), endpoint.to_owned());
        return Ok(Part::Address(Box::new(AddressReference { service, endpoint, number, span })));
    }
    let length = inner.find(|c: char| !is_name_character(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(length);
    if !is_variable_name(name) {
        return wrong(
            format!("invalid reference `${{{}}}`: expected a variable name", shown(inner)),
            "write `${NAME}` or `${service.port-name}`, or `$$` for a literal dollar",
        );
    }
    let word = rest.get(2..).unwrap_or_default();
    let mut parsed = || {
        let problem = || Box::new(Diagnostic::new("invalid-reference", "references nest too deep", span));
        if depth == DEEPEST { Err(problem()) } else { parse_word(word, span, depth + 1, cx).ok_or_else(problem) }
    };
    let operator = match rest.get(..2) {
        None if rest.is_empty() => None,
        Some(":-") => Some(Operator::Default(parsed()?)),
        Some(":?") => Some(Operator::Required(word.to_owned())),
        Some(":+") => Some(Operator::Alternative(parsed()?)),
        _ if rest.starts_with('.') => {
            return wrong(
                format!("invalid reference `${{{}}}`: an address has no operator", shown(inner)),
                "write `${service.port-name}`",
            );
        }
        _ => {
            return wrong(
                format!("invalid reference `${{{}}}`: unknown operator", shown(inner)),
                "write `:-default`, `:?message` or `:+alternative` after the name",
            );
        }
    };
    // Compose looks for the end of a reference in its first line.
    if rest.contains('\n') || (matches!(operator, Some(Operator::Required(_))) && rest.contains(['$', '{'])) {
        return wrong(
            format!(
                "invalid reference `${{{}}}`: contains a line break, or a dollar or brace in a message",
                shown(inner)
            ),
            "declare the default in [env] instead",
        );
    }
    Ok(Part::Env(Box::new(EnvReference { name: name.to_owned(), operator, span })))
}

#[cfg(test)]
mod tests {
    use super::super::source::Sources;
    use super::*;
    use crate::diagnostic::Diagnostics;

    fn parsed(toml: &str) -> (Option<Vec<Part>>, Vec<(String, String)>) {
        let mut sources = Sources::default();
        let file = sources.push("spec/stack.toml", toml.to_owned());
        let mut diagnostics = Diagnostics::default();
        let mut table = super::super::tree::parse(&sources, file, &mut diagnostics).table;
        let node = table.take("a").map(|(_, node)| node).unwrap();
        let mut cx = Context { sources: &sources, diagnostics: &mut diagnostics };
        let text = Text::decode(node, &mut cx);
        let found = diagnostics
            .into_sorted()
            .into_iter()
            .map(|d| {
                let span = d.primary().unwrap();
                let place = &sources.file(span).unwrap().text[span.start as usize..span.end as usize];
                (d.code.to_owned(), place.to_owned())
            })
            .collect();
        (text.map(|text| text.parts().to_vec()), found)
    }

    #[test]
    fn references_and_dollars() {
        let (parts, found) = parsed("a = 'x$$y ${A:-1} $( $1 ${db.sql} ${db.sql.port}$'");
        assert!(found.is_empty(), "{found:?}");
        let parts = parts.unwrap();
        assert_eq!(parts.len(), 7);
        assert_eq!(parts[0], Part::Literal("x$y ".into()));
        assert!(matches!(&parts[1], Part::Env(reference)
            if reference.name == "A"
                && matches!(&reference.operator, Some(Operator::Default(word)) if word.literal() == Some("1"))));
        assert_eq!(parts[2], Part::Literal(" $( $1 ".into()));
        assert!(matches!(&parts[3], Part::Address(address) if !address.number));
        assert!(matches!(&parts[5], Part::Address(address) if address.number));
        assert_eq!(parts[6], Part::Literal("$".into()));
    }

    #[test]
    fn every_problem_of_a_string_is_reported_at_its_place() {
        for (toml, expected) in [
            ("a = \"x $HOME ${1}\"", vec![("unbraced-reference", "$HOME"), ("invalid-reference", "${1}")]),
            ("a = \"\"\"\nline\n ${A!}\"\"\"", vec![("invalid-reference", "${A!}")]),
            ("a = '${A'", vec![("invalid-reference", "${A")]),
            ("a = '${A:-${B!}}'", vec![("invalid-reference", "${A:-${B!}}")]),
            ("a = '${A:-$B}'", vec![("unbraced-reference", "${A:-$B}")]),
            ("a = '${A:?$$B}'", vec![("invalid-reference", "${A:?$$B}")]),
            ("a = '${a.b.c}'", vec![("invalid-reference", "${a.b.c}")]),
            // With an escape in the string the offsets are unknown: the whole string is shown.
            ("a = \"\\t${A!}\"", vec![("invalid-reference", "\"\\t${A!}\"")]),
            ("a = \"\\u0000\"", vec![("control-character", "\"\\u0000\"")]),
        ] {
            let (parts, found) = parsed(toml);
            assert!(parts.is_none(), "{toml}");
            let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(found, expected, "{toml}");
        }
    }
}
