//! The variables that Compose sees: those of the process override those of `.env`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::text::{Operator, Reference, Text};

/// Variables and their values.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The process's variables override those of the file, as in Compose.
    pub fn new(
        file: impl IntoIterator<Item = (String, String)>,
        process: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut variables: BTreeMap<String, String> = file.into_iter().collect();
        variables.extend(process);
        Self { variables }
    }

    /// The variables of this process.
    pub fn process() -> BTreeMap<String, String> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A text with its references resolved; `None` if a required variable has no value.
    pub fn expand(&self, text: &Text) -> Option<String> {
        text.replaced(|reference| self.reference(reference))
    }

    fn reference<'a>(&'a self, reference: &'a Reference) -> Option<Cow<'a, str>> {
        let value = self.get(&reference.name).map(Cow::Borrowed);
        let word = |word: &'a Text| match word.literal() {
            Some(literal) => Some(Cow::Borrowed(literal)),
            None => self.expand(word).map(Cow::Owned),
        };
        match &reference.operator {
            None => Some(value.unwrap_or_default()),
            Some(Operator::Default(default)) => value.or_else(|| word(default)),
            Some(Operator::Required(_)) => value,
            Some(Operator::Alternative(alternative)) if value.is_some() => word(alternative),
            Some(Operator::Alternative(_)) => Some(Cow::Borrowed("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn the_process_goes_before_the_file_and_empty_is_unset() {
        let environment = Environment::new(pairs(&[("A", "file"), ("B", "file"), ("C", "")]), pairs(&[("A", "shell")]));
        assert_eq!(environment.get("A"), Some("shell"));
        assert_eq!(environment.get("B"), Some("file"));
        assert_eq!(environment.get("C"), None);
    }

    #[test]
    fn references_are_read_as_compose_reads_them() {
        let environment = Environment::new(pairs(&[("A", "1")]), []);
        let text = |name: &str, operator| Text::from(Reference { name: name.to_owned(), operator });
        let word = || "word".to_owned();
        for (text, expected) in [
            (text("A", None), Some("1")),
            (text("B", None), Some("")),
            (text("A", Some(Operator::Default(word().into()))), Some("1")),
            (text("B", Some(Operator::Default(word().into()))), Some("word")),
            (text("A", Some(Operator::Required(word()))), Some("1")),
            (text("B", Some(Operator::Required(word()))), None),
            (text("A", Some(Operator::Alternative(word().into()))), Some("word")),
            (text("B", Some(Operator::Alternative(word().into()))), Some("")),
        ] {
            assert_eq!(environment.expand(&text).as_deref(), expected, "{text:?}");
        }
    }
}
