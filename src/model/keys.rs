//! Keys of Compose that `gen` passes on, and how to look some of them up.

use super::text::{Text, Tree, Value};

/// Keys of Compose with their values, in the order of the spec.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keys(pub Vec<(String, Tree)>);

impl Keys {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, tree)| tree)
    }

    /// The value of a key, mutable.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Tree> {
        self.0.iter_mut().find(|(key, _)| key == name).map(|(_, tree)| tree)
    }

    /// The value below a key of a key: `["deploy", "replicas"]`.
    pub fn at(&self, path: &[&str]) -> Option<&Tree> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.get(first)?, |tree, key| tree.get(key))
    }

    /// The string of a key.
    pub fn text(&self, name: &str) -> Option<&Text> {
        self.get(name)?.text()
    }

    /// The strings of a key that takes one or a list.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &Text> {
        let items = match self.get(name) {
            Some(Tree::List(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        items.iter().filter_map(Tree::text)
    }

    /// Whether a key is set to anything but `false`, including a table.
    pub fn is_set(&self, name: &str) -> bool {
        match self.get(name) {
            None | Some(Tree::Boolean(false)) => false,
            Some(Tree::Text(text)) => text.literal() != Some("false"),
            Some(_) => true,
        }
    }

    /// Adds strings to a key that takes one or a list.
    pub fn add(&mut self, name: &str, texts: impl IntoIterator<Item = Text>) {
        let mut list: Vec<Text> = self.texts(name).cloned().collect();
        list.extend(texts);
        match self.get_mut(name) {
            Some(tree) => *tree = list.into(),
            None => self.0.push((name.to_owned(), list.into())),
        }
    }

    /// Adds a key unless it is already set.
    pub fn fill(&mut self, name: &str, value: impl Into<Tree>) {
        if self.get(name).is_none() {
            self.0.push((name.to_owned(), value.into()));
        }
    }
}

impl Tree {
    /// Shows every string in it.
    pub fn each_text<'t>(&'t self, show: &mut impl FnMut(&'t Text)) {
        match self {
            Self::Text(text) => show(text),
            Self::List(items) => items.iter().for_each(|item| item.each_text(show)),
            Self::Table(entries) => entries.iter().for_each(|(_, value)| value.each_text(show)),
            Self::Integer(_) | Self::Float(_) | Self::Boolean(_) => {}
        }
    }

    /// The value of a table's key.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Table(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// The value of a key of a table, mutable.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Table(entries) => entries.iter_mut().find(|(key, _)| key == name).map(|(_, tree)| tree),
            _ => None,
        }
    }

    /// The string.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Text> for Tree {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Vec<Text>> for Tree {
    fn from(texts: Vec<Text>) -> Self {
        Self::List(texts.into_iter().map(Self::Text).collect())
    }
}

impl From<Value<bool>> for Tree {
    fn from(value: Value<bool>) -> Self {
        match value {
            Value::Is(value) => Self::Boolean(value),
            Value::Env(text) => Self::Text(text),
        }
    }
}
