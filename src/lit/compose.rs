//! The YAML of a Compose file.
//!
//! Compose interpolates every string *value* after it has read the YAML, never a key
//! (<https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>): `${NAME}` is a
//! reference and `$$` a literal dollar. This is the one language that accepts a
//! [`Text`] with references in it.

use std::borrow::Cow;

use askama::filters::Safe;

use super::yaml::write_float;
use super::{AsLit, Lit, separated, write_bool, write_int, yaml};
use crate::model::text::{Operator, Reference, Segment, Text, Tree, Value};

/// The value on one line.
#[askama::filter_fn]
pub fn lit<T: AsCompose>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let source = string(&value);
    Ok(Safe(source))
}

/// A mapping key, in which Compose interpolates nothing.
#[askama::filter_fn]
pub fn key<T: AsLit>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let source = yaml::string(&value);
    Ok(Safe(source))
}

/// A node as what follows a key and its colon: `name:{= node|tree(6) =}`.
///
/// A scalar or an empty table or list stays on the line of the key, behind a space. Anything else
/// begins on the next line, one entry or item a line at column `indent`, which is two more than the
/// column of the key.
#[askama::filter_fn]
pub fn tree<T: AsNode>(value: T, _: &dyn askama::Values, indent: usize) -> askama::Result<Safe<String>> {
    // As long as the body of a typical service.
    let mut out = String::with_capacity(1024);
    write_node(&mut out, &value.as_node(), indent, literal);
    Ok(Safe(out))
}

/// What the `tree` filter accepts.
pub trait AsNode {
    /// The node, borrowed if it is one.
    fn as_node(&self) -> Cow<'_, Node<'_>>;
}

impl AsNode for Node<'_> {
    fn as_node(&self) -> Cow<'_, Node<'_>> {
        Cow::Borrowed(self)
    }
}

impl AsNode for Tree {
    fn as_node(&self) -> Cow<'_, Node<'_>> {
        Cow::Owned(self.into())
    }
}

impl<T: AsNode + ?Sized> AsNode for &T {
    fn as_node(&self) -> Cow<'_, Node<'_>> {
        (**self).as_node()
    }
}

/// The value as the `lit` filter writes it.
pub fn string<T: AsCompose + ?Sized>(value: &T) -> String {
    let mut out = String::new();
    match value.as_compose() {
        Compose::Str(text) => {
            out.reserve(text.len() + 2);
            yaml::write_str(&mut out, &text);
        }
        other => write(&mut out, &other),
    }
    out
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, value: &Compose<'_>) {
    match value {
        Compose::Str(text) => yaml::write_str(out, text),
        _ => write_flow(out, value),
    }
}

/// How a string that means itself is written.
pub type Escape = fn(&str) -> Cow<'_, str>;

/// A value of a Compose file or a manifest that borrows its strings.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// No value.
    Null,
    /// A string with references.
    Text(Cow<'a, Text>),
    /// A string that means itself.
    Str(Cow<'a, str>),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A list.
    List(Vec<Self>),
    /// A table.
    Table(Vec<(&'a str, Self)>),
}

impl<'a> Node<'a> {
    /// A list of what there is of each item.
    pub fn list<T, N: Into<Self>>(items: impl IntoIterator<Item = T>, each: impl Fn(T) -> N) -> Self {
        Self::List(items.into_iter().map(|item| each(item).into()).collect())
    }

    /// A table of what there is of each item.
    pub fn table<T, N: Into<Self>>(items: impl IntoIterator<Item = T>, each: impl Fn(T) -> (&'a str, N)) -> Self {
        let entry = |item| {
            let (key, value) = each(item);
            (key, value.into())
        };
        Self::Table(items.into_iter().map(entry).collect())
    }

    /// Whether it is a table or list with nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Table(entries) => entries.is_empty(),
            _ => false,
        }
    }
}

impl<'a> From<&'a Tree> for Node<'a> {
    fn from(tree: &'a Tree) -> Self {
        match tree {
            Tree::Text(text) => text.into(),
            Tree::Integer(integer) => Self::Integer(*integer),
            Tree::Float(float) => Self::Float(*float),
            Tree::Boolean(boolean) => Self::Boolean(*boolean),
            Tree::List(items) => Self::list(items, Self::from),
            Tree::Table(entries) => Self::table(entries, |(key, value)| (key.as_str(), Self::from(value))),
        }
    }
}

impl<'a> From<&'a Text> for Node<'a> {
    fn from(text: &'a Text) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<Text> for Node<'_> {
    fn from(text: Text) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for Node<'a> {
    fn from(text: &'a str) -> Self {
        Self::Str(text.into())
    }
}

impl<'a> From<&'a String> for Node<'a> {
    fn from(text: &'a String) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Node<'_> {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<u16> for Node<'_> {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}

impl<'a, T: Copy + Into<Self>> From<&'a Value<T>> for Node<'a> {
    fn from(value: &'a Value<T>) -> Self {
        match value {
            Value::Is(value) => (*value).into(),
            Value::Env(text) => text.into(),
        }
    }
}

impl From<u32> for Node<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Appends a node as the `tree` filter writes it; `literal` escapes what means itself.
pub fn write_node(out: &mut String, node: &Node<'_>, indent: usize, literal: Escape) {
    match node {
        Node::Null => {}
        Node::Text(text) => {
            out.push(' ');
            yaml::write_block_str(out, &source(text), indent);
        }
        Node::Str(text) => {
            out.push(' ');
            yaml::write_block_str(out, &literal(text), indent);
        }
        Node::Integer(integer) => {
            out.push(' ');
            write_int(out, i128::from(*integer));
        }
        Node::Float(float) => {
            out.push(' ');
            write_float(out, *float);
        }
        Node::Boolean(boolean) => {
            out.push(' ');
            write_bool(out, *boolean);
        }
        Node::List(items) if items.is_empty() => out.push_str(" []"),
        Node::Table(entries) if entries.is_empty() => out.push_str(" {}"),
        Node::List(_) | Node::Table(_) => {
            line(out, indent);
            write_lines(out, node, indent, literal);
        }
    }
}

/// Appends the lines of a table or list that is not empty; the first begins where `out` ends, at
/// column `indent`.
pub fn write_lines(out: &mut String, node: &Node<'_>, indent: usize, literal: Escape) {
    let between = |out: &mut String, position: usize| {
        if position > 0 {
            line(out, indent);
        }
    };
    match node {
        Node::List(items) => {
            for (position, item) in items.iter().enumerate() {
                between(out, position);
                out.push('-');
                match item {
                    // The first entry of a table or list stands on the line of its dash.
                    Node::Table(_) | Node::List(_) if !item.is_empty() => {
                        out.push(' ');
                        write_lines(out, item, indent + 2, literal);
                    }
                    _ => write_node(out, item, indent + 2, literal),
                }
            }
        }
        Node::Table(entries) => {
            for (position, (key, value)) in entries.iter().enumerate() {
                between(out, position);
                yaml::write_str(out, key);
                out.push(':');
                write_node(out, value, indent + 2, literal);
            }
        }
        _ => {}
    }
}

/// A third of a Compose file is indentation, so it is copied instead of written a character at a time.
const SPACES: &str = "                                ";

fn line(out: &mut String, indent: usize) {
    out.push('\n');
    let mut left = indent;
    while left > 0 {
        let step = left.min(SPACES.len());
        out.push_str(&SPACES[..step]);
        left -= step;
    }
}

fn write_flow(out: &mut String, value: &Compose<'_>) {
    match value {
        Compose::Str(text) => yaml::write_flow_str(out, text),
        Compose::Int(integer) => write_int(out, *integer),
        Compose::Bool(boolean) => write_bool(out, *boolean),
        Compose::List(items) => {
            out.push('[');
            separated(out, items, ", ", write_flow);
            out.push(']');
        }
    }
}

/// A value on its way into a Compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compose<'a> {
    /// A string in the syntax of Compose's interpolation.
    Str(Cow<'a, str>),
    /// An integer of any width.
    Int(i128),
    /// A boolean.
    Bool(bool),
    /// A list, written on one line.
    List(Vec<Compose<'a>>),
}

/// A type whose values a Compose file can hold.
pub trait AsCompose {
    /// The value, borrowed where nothing has to be escaped.
    fn as_compose(&self) -> Compose<'_>;
}

impl<T: AsCompose + ?Sized> AsCompose for &T {
    fn as_compose(&self) -> Compose<'_> {
        (**self).as_compose()
    }
}

impl AsCompose for Text {
    fn as_compose(&self) -> Compose<'_> {
        Compose::Str(source(self))
    }
}

impl<T: AsCompose> AsCompose for Value<T> {
    fn as_compose(&self) -> Compose<'_> {
        match self {
            Self::Is(value) => value.as_compose(),
            Self::Env(text) => text.as_compose(),
        }
    }
}

impl<T: AsCompose> AsCompose for [T] {
    fn as_compose(&self) -> Compose<'_> {
        Compose::List(self.iter().map(AsCompose::as_compose).collect())
    }
}

impl<T: AsCompose> AsCompose for Vec<T> {
    fn as_compose(&self) -> Compose<'_> {
        self.as_slice().as_compose()
    }
}

impl<T: AsCompose, const N: usize> AsCompose for [T; N] {
    fn as_compose(&self) -> Compose<'_> {
        self.as_slice().as_compose()
    }
}

/// The types that every language can write; a blanket implementation would clash with `Vec<Text>`.
macro_rules! literals {
    ($($literal:ty)*) => {$(
        impl AsCompose for $literal {
            fn as_compose(&self) -> Compose<'_> {
                self.as_lit().into()
            }
        }
    )*};
}

literals!(str String bool u8 u16 u32 u64 i8 i16 i32 i64);

impl<'a> From<Lit<'a>> for Compose<'a> {
    fn from(lit: Lit<'a>) -> Self {
        match lit {
            Lit::Str(text) => Self::Str(literal(text)),
            Lit::Int(integer) => Self::Int(integer),
            Lit::Bool(boolean) => Self::Bool(boolean),
            Lit::List(items) => Self::List(items.into_iter().map(Self::from).collect()),
        }
    }
}

/// A string that means itself, in the syntax of the interpolation.
fn literal(text: &str) -> Cow<'_, str> {
    if text.contains('$') { Cow::Owned(text.replace('$', "$$")) } else { Cow::Borrowed(text) }
}

/// A text in the syntax of the interpolation.
fn source(text: &Text) -> Cow<'_, str> {
    match text {
        Text::Literal(text) => literal(text),
        Text::Parts(segments) => {
            let mut out = String::new();
            for segment in segments {
                match segment {
                    Segment::Literal(text) => out.push_str(&literal(text)),
                    Segment::Env(reference) => push_reference(&mut out, reference),
                }
            }
            Cow::Owned(out)
        }
    }
}

fn push_reference(out: &mut String, reference: &Reference) {
    out.push_str("${");
    out.push_str(&reference.name);
    if let Some(operator) = &reference.operator {
        let (sign, word) = match operator {
            Operator::Default(word) => (":-", source(word)),
            Operator::Required(message) => (":?", literal(message)),
            Operator::Alternative(word) => (":+", source(word)),
        };
        out.push_str(sign);
        out.push_str(&word);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    fn env(name: &str, operator: Option<Operator>) -> Segment {
        Segment::Env(Reference { name: name.into(), operator })
    }

    #[test]
    fn references_and_dollars() {
        let text = Text::Parts(vec![
            Segment::Literal("$A ${B} ".into()),
            env("C", None),
            Segment::Literal("/".into()),
            env("D", Some(Operator::Default("x$y".into()))),
        ]);
        assert_eq!(string(&text), "$$A $${B} ${C}/${D:-x$$y}");
        let port = Value::<u16>::Env(Text::Parts(vec![env("P", Some(Operator::Default("80".into())))]));
        assert_eq!(string(&port), "${P:-80}");
        assert_eq!(string(&vec![port, Value::Is(81)]), "[\"${P:-80}\", 81]");
        assert_eq!(string("$a"), "$$a");
        assert_eq!(string(&true), "true");
        let required = Operator::Required("set it: now".into());
        assert_eq!(string(&Text::Parts(vec![env("E", Some(required))])), "\"${E:?set it: now}\"");
        let alternative = Operator::Alternative(Text::default());
        assert_eq!(string(&Text::Parts(vec![env("E", Some(alternative))])), "${E:+}");
    }

    #[test]
    fn braces_of_a_word() {
        for word in ["", "a", "{a}", "${b}", "a$b", "{{a}b", "{a{b}c}", "\\", "\"", ":-?+"] {
            assert!(Operator::representable(word), "{word:?}");
        }
        for word in ["{", "}", "{}", "}{", "{{a}}", "a\nb", "{\n}", "{a", "a}"] {
            assert!(!Operator::representable(word), "{word:?}");
        }
    }

    fn sample() -> Tree {
        let text = |text: &str| Tree::Text(text.into());
        Tree::Table(vec![
            ("$a".into(), text("$b")),
            ("lines".into(), text("one\n two\n")),
            ("on".into(), Tree::Boolean(true)),
            ("empty".into(), Tree::List(vec![])),
            (
                "list".into(),
                Tree::List(vec![
                    Tree::Integer(1),
                    text("  x\ny"),
                    Tree::Table(vec![
                        ("k".into(), Tree::Float(1e300)),
                        ("l".into(), Tree::Table(vec![])),
                        ("m".into(), Tree::List(vec![text("no"), text("{")])),
                    ]),
                    Tree::List(vec![text("a"), Tree::List(vec![Tree::Float(1.0)])]),
                ]),
            ),
        ])
    }

    #[test]
    fn trees_are_one_item_a_line() {
        let mut out = "t:".to_owned();
        write_node(&mut out, &Node::from(&sample()), 2, literal);
        assert_eq!(
            out,
            r#"t:
  $a: $$b
  lines: |
    one
     two
  "on": true
  empty: []
  list:
    - 1
    - |2-
        x
      y
    - k: 1.0e+300
      l: {}
      m:
        - "no"
        - "{"
    - - a
      - - 1.0"#
        );
    }

    #[test]
    fn filters_render() {
        use crate::lit::compose as filters;
        use askama::Template;

        #[derive(Template)]
        #[template(
            source = "{= name|key =}:\n  a: {= text|lit =}\n  b:{= other|tree(4) =}\n  c:{= tree|tree(4) =}\n",
            ext = "yml"
        )]
        struct Page {
            name: String,
            text: Text,
            other: Tree,
            tree: Tree,
        }

        let page = Page {
            name: "$x".into(),
            text: "$1\n2".into(),
            other: "$1\n2".into(),
            tree: Tree::Table(vec![("k".into(), Tree::Integer(1))]),
        };
        assert_eq!(
            page.render().ok().as_deref(),
            Some("$x:\n  a: \"$$1\\n2\"\n  b: |-\n    $$1\n    2\n  c:\n    k: 1\n")
        );
    }

    /// What Compose makes of a string when every variable is unset, or else set to `<NAME>`: the
    /// rules of compose-go's `template` package for braced references and doubled dollars.
    fn interpolate(source: &str, set: bool) -> Option<String> {
        let mut out = String::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let end = closing_brace(after)?;
            let inner = &after[1..end];
            if inner.contains('\n') {
                return None;
            }
            let name = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
            let value = format!("<{}>", &inner[..name]);
            match (inner.get(name..name + 2), set) {
                (None | Some(":-" | ":?"), true) => out.push_str(&value),
                (None | Some(":+"), false) => {}
                (Some(":?"), false) => {
                    out.push('!');
                    out.push_str(&interpolate(&inner[name + 2..], set)?);
                }
                (Some(":-"), false) | (Some(":+"), true) => {
                    out.push_str(&interpolate(&inner[name + 2..], set)?);
                }
                _ => return None,
            }
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        Some(out)
    }

    fn closing_brace(text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let (mut at, mut open) = (0, 0_i64);
        while at < bytes.len() {
            if bytes[at] == b'}' {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            if bytes[at] == b'{' {
                open += 1;
                at += 1;
            }
            at += 1;
        }
        None
    }

    fn expected(text: &Text, set: bool) -> String {
        let Text::Parts(segments) = text else {
            return text.literal().unwrap_or_default().to_owned();
        };
        let mut out = String::new();
        for segment in segments {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Env(Reference { name, operator }) => match (operator, set) {
                    (None | Some(Operator::Default(_) | Operator::Required(_)), true) => {
                        out.extend(["<", name, ">"]);
                    }
                    (None | Some(Operator::Alternative(_)), false) => {}
                    (Some(Operator::Required(word)), false) => out.extend(["!", word]),
                    (Some(Operator::Default(word)), false) | (Some(Operator::Alternative(word)), true) => {
                        out.push_str(word.literal().unwrap_or_default());
                    }
                },
            }
        }
        out
    }

    fn word() -> impl Strategy<Value = String> {
        hostile::string().prop_filter("a word that Compose can read", |word| Operator::representable(word))
    }

    fn text() -> impl Strategy<Value = Text> {
        let operator = prop_oneof![
            Just(None),
            word().prop_map(|word| Some(Operator::Default(word.into()))),
            word().prop_map(|word| Some(Operator::Required(word))),
            word().prop_map(|word| Some(Operator::Alternative(word.into()))),
        ];
        let segment = prop_oneof![
            hostile::string().prop_map(Segment::Literal),
            ("[A-Za-z_][A-Za-z0-9_]{0,4}", operator)
                .prop_map(|(name, operator)| Segment::Env(Reference { name, operator })),
        ];
        prop_oneof![
            hostile::string().prop_map(Text::Literal),
            proptest::collection::vec(segment, 1..4).prop_map(Text::Parts),
        ]
    }

    fn arbitrary_tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            text().prop_map(Tree::Text),
            any::<i64>().prop_map(Tree::Integer),
            any::<bool>().prop_map(Tree::Boolean),
            proptest::num::f64::NORMAL.prop_map(Tree::Float),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::List),
                proptest::collection::btree_map(hostile::string(), inner, 0..4)
                    .prop_map(|table| Tree::Table(table.into_iter().collect())),
            ]
        })
    }

    fn as_yaml(tree: &Tree) -> serde_yaml::Value {
        match tree {
            Tree::Text(text) => source(text).as_ref().into(),
            Tree::Integer(integer) => (*integer).into(),
            Tree::Float(float) => (*float).into(),
            Tree::Boolean(boolean) => (*boolean).into(),
            Tree::List(items) => items.iter().map(as_yaml).collect(),
            Tree::Table(entries) => serde_yaml::Value::Mapping(
                entries.iter().map(|(key, value)| (key.as_str().into(), as_yaml(value))).collect(),
            ),
        }
    }

    proptest! {
        #[test]
        fn values_round_trip(text in text(), set: bool) {
            let source: String = serde_yaml::from_str(&string(&text))?;
            prop_assert_eq!(interpolate(&source, set), Some(expected(&text, set)));
        }

        #[test]
        fn trees_round_trip(tree in arbitrary_tree()) {
            let mut out = "t:".to_owned();
            write_node(&mut out, &Node::from(&tree), 2, literal);
            out.push_str("\nz: 1\n");
            let read: serde_yaml::Value = serde_yaml::from_str(&out)?;
            prop_assert_eq!(&read["t"], &as_yaml(&tree));
            prop_assert_eq!(&read["z"], &serde_yaml::Value::from(1));
        }
    }
}
