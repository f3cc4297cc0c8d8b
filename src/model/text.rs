//! Strings of the spec in which environment references are typed.
//!
//! A reference is never a string that happens to contain `$`: the writer of a language decides how a reference in a
//! [`Text`] is spelled, and literal segments keep their dollar signs.

use std::borrow::Cow;

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
    /// Literal characters.
    Literal(String),
    /// The value of an environment variable.
    Env(Reference),
}

/// A reference to an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The variable's name: a letter or `_`, then letters, digits and `_`.
    pub name: String,
    /// What to do if the variable is set, or if it is not.
    pub operator: Option<Operator>,
}

/// The operator of a [`Reference`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// `:-`: the word replaces a variable that is unset or empty.
    Default(Text),
    /// `:?`: a variable that is unset or empty is an error with this message.
    Required(String),
    /// `:+`: the word replaces a variable that is set and not empty.
    Alternative(Text),
}

/// A typed value, or an environment reference instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<T> {
    /// The value itself.
    Is(T),
    /// A text that the consumer turns into the value.
    Env(Text),
}

/// An untyped tree, such as the value of a key that is passed through.
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
    /// The segments as one text: a literal unless one of them is a reference.
    pub fn joined(segments: impl IntoIterator<Item = Segment>) -> Self {
        let mut joined: Vec<Segment> = Vec::new();
        for segment in segments {
            match (joined.last_mut(), segment) {
                (Some(Segment::Literal(before)), Segment::Literal(literal)) => before.push_str(&literal),
                (_, segment) => joined.push(segment),
            }
        }
        match joined.as_mut_slice() {
            [] => Self::default(),
            [Segment::Literal(literal)] => Self::Literal(std::mem::take(literal)),
            _ => {
                joined.shrink_to_fit();
                Self::Parts(joined)
            }
        }
    }

    /// Texts as one.
    pub fn concat(texts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(texts.into_iter().flat_map(Self::into_segments))
    }

    /// Its segments.
    pub fn into_segments(self) -> Vec<Segment> {
        match self {
            Self::Literal(literal) => vec![Segment::Literal(literal)],
            Self::Parts(segments) => segments,
        }
    }

    /// The string, if it has no reference.
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Parts(_) => None,
        }
    }

    /// The string with something in the place of each reference; `None` if there is nothing for one of them.
    pub fn replaced<'t>(&'t self, by: impl Fn(&'t Reference) -> Option<Cow<'t, str>>) -> Option<String> {
        match self {
            Self::Literal(literal) => Some(literal.clone()),
            Self::Parts(segments) => segments
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(literal) => Some(Cow::Borrowed(literal.as_str())),
                    Segment::Env(reference) => by(reference),
                })
                .collect(),
        }
    }

    /// The text as shown in the docs: with references replaced by their defaults.
    pub fn shown(&self) -> String {
        self.replaced(|reference| Some(reference.stand_in().unwrap_or_else(|| reference.plain().into())))
            .unwrap_or_default()
    }

    /// Its segments if it has a reference.
    pub fn segments(&self) -> &[Segment] {
        match self {
            Self::Literal(_) => &[],
            Self::Parts(segments) => segments,
        }
    }

    /// Its references, with those in the words of others.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        let mut found = Vec::new();
        self.collect_references(&mut found);
        found.into_iter()
    }

    fn collect_references<'t>(&'t self, found: &mut Vec<&'t Reference>) {
        for segment in self.segments() {
            let Segment::Env(reference) = segment else { continue };
            found.push(reference);
            if let Some(Operator::Default(word) | Operator::Alternative(word)) = &reference.operator {
                word.collect_references(found);
            }
        }
    }

    /// The variables that it refers to.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.references().map(|reference| reference.name.as_str())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Literal(String::new())
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
    /// What stands in for a variable that is unset or empty, if it is not empty itself.
    pub fn stand_in(&self) -> Option<Cow<'_, str>> {
        let Some(Operator::Default(word)) = &self.operator else { return None };
        let word = word.literal().map_or_else(|| word.shown().into(), Cow::Borrowed);
        Some(word).filter(|word| !word.is_empty())
    }

    /// The reference without its operator.
    pub fn plain(&self) -> String {
        format!("${{{}}}", self.name)
    }
}

impl Operator {
    /// Whether Compose can read a word back.
    ///
    /// There is no escape for a brace or a line break in a word. Compose finds the end of a reference by counting
    /// braces on one line, and it does not look at the character after an opening one
    /// (`getFirstBraceClosingIndex` in compose-go's `template` package), so braces must come in pairs with
    /// something in between: `{a}` is a word, but `{`, `}` and `{}` are not.
    pub fn representable(word: &str) -> bool {
        let mut open = 0_usize;
        let mut bytes = word.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\n' => return false,
                b'{' => {
                    open += 1;
                    if matches!(bytes.next(), None | Some(b'\n')) {
                        return false;
                    }
                }
                b'}' if open == 0 => return false,
                b'}' => open -= 1,
                _ => {}
            }
        }
        open == 0
    }
}
