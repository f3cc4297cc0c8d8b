//! Strings of the spec in which environment references are typed.
//!
//! A reference is never a string that happens to contain `$`: whoever writes a [`Text`] decides how
//! its language spells a reference, and every literal segment keeps its dollars.

/// A string of the spec whose environment references are typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// A string without a reference.
    Literal(String),
    /// A string with at least one reference; the segments follow each other without a separator.
    Parts(Vec<Segment>),
}

/// One piece of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Characters that stand for themselves.
    Literal(String),
    /// The value of an environment variable.
    Env(Reference),
}

/// A reference to an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The variable's name: a letter or `_`, then letters, digits and `_`.
    pub name: String,
    /// What happens when the variable has a value or has none.
    pub operator: Option<Operator>,
}

/// The operator of a [`Reference`]. Its word is literal: references do not nest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// `:-`, the word stands in for a variable that is unset or empty.
    Default(String),
    /// `:?`, a variable that is unset or empty is an error with this message.
    Required(String),
    /// `:+`, the word stands in for a variable that is set and not empty.
    Alternative(String),
}

/// A typed value or an environment reference in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<T> {
    /// The value itself.
    Is(T),
    /// A text that the consumer turns into the value.
    Env(Text),
}

/// An untyped tree: what a passthrough table holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A string.
    Text(Text),
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A list.
    List(Vec<Tree>),
    /// A table, in the order of the spec.
    Table(Vec<(String, Tree)>),
}

impl Text {
    /// The string, when it holds no reference.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Parts(_) => None,
        }
    }

    /// The references, in the order in which they stand.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let segments = match self {
            Self::Literal(_) => &[],
            Self::Parts(segments) => segments.as_slice(),
        };
        segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Env(reference) => Some(reference),
        })
    }
}

impl From<&str> for Text {
    fn from(literal: &str) -> Self {
        Self::Literal(literal.to_owned())
    }
}

impl From<String> for Text {
    fn from(literal: String) -> Self {
        Self::Literal(literal)
    }
}

impl From<Reference> for Text {
    fn from(reference: Reference) -> Self {
        Self::Parts(vec![Segment::Env(reference)])
    }
}

impl Reference {
    /// A reference without an operator.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), operator: None }
    }
}

impl Operator {
    /// The word behind the operator.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Default(word) | Self::Required(word) | Self::Alternative(word) => word,
        }
    }
}

impl Tree {
    /// Every text in the tree, in the order in which they stand.
    pub fn texts(&self) -> Box<dyn Iterator<Item = &Text> + '_> {
        match self {
            Self::Text(text) => Box::new(std::iter::once(text)),
            Self::Integer(_) | Self::Float(_) | Self::Boolean(_) => Box::new(std::iter::empty()),
            Self::List(items) => Box::new(items.iter().flat_map(Self::texts)),
            Self::Table(entries) => Box::new(entries.iter().flat_map(|(_, tree)| tree.texts())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_come_in_order() {
        let text = Text::Parts(vec![
            Segment::Env(Reference::new("A")),
            Segment::Literal("-".into()),
            Segment::Env(Reference::new("B")),
        ]);
        let names: Vec<_> = text.references().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["A", "B"]);
        assert_eq!(text.literal(), None);
        assert_eq!(Text::from("x").references().count(), 0);
        assert_eq!(Text::from("x").literal(), Some("x"));
    }

    #[test]
    fn a_tree_knows_its_texts() {
        let tree = Tree::Table(vec![
            ("a".into(), Tree::Text("1".into())),
            ("b".into(), Tree::List(vec![Tree::Integer(2), Tree::Text("3".into())])),
        ]);
        let texts: Vec<_> = tree.texts().filter_map(Text::literal).collect();
        assert_eq!(texts, ["1", "3"]);
    }
}
