//! One object of Kubernetes, and the tables in it.

use crate::lit::manifest::Node;

/// The label with the name of the service: what selects its pods.
pub(super) const NAME: &str = "app.kubernetes.io/name";

/// An object.
pub(super) struct Object<'a>(pub Map<'a>);

/// A table whose empty values are left out.
#[derive(Default)]
pub(super) struct Map<'a>(Vec<(&'a str, Node<'a>)>);

impl<'a> Object<'a> {
    /// An object; kustomize sets its namespace, if its kind has one.
    pub(super) fn new(api: &'a str, kind: &'a str, name: impl Into<String>) -> Self {
        let metadata = Map::default().key("name", text(name));
        Self(Map::default().key("apiVersion", api).key("kind", kind).key("metadata", metadata))
    }

    /// Adds labels.
    pub(super) fn labels(self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.metadata("labels", labels)
    }

    /// Adds annotations.
    pub(super) fn annotations(self, annotations: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.metadata("annotations", annotations)
    }

    fn metadata(mut self, key: &'a str, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = Node::table(values, |(name, value)| (name, value));
        if !values.is_empty()
            && let Some((_, Node::Table(metadata))) = self.0.0.iter_mut().find(|(key, _)| *key == "metadata")
        {
            metadata.push((key, values));
        }
        self
    }

    /// Adds its specification.
    pub(super) fn spec(self, spec: Map<'a>) -> Self {
        self.key("spec", spec)
    }

    /// Adds a key.
    pub(super) fn key(self, key: &'a str, value: impl Into<Node<'a>>) -> Self {
        Self(self.0.key(key, value))
    }

    /// As a node, for a template.
    pub(super) fn node(&self) -> Node<'a> {
        Node::Table(self.0.0.clone())
    }
}

impl<'a> Map<'a> {
    /// Adds a key, unless its value is an empty list or table.
    pub(super) fn key(mut self, key: &'a str, value: impl Into<Node<'a>>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((key, value));
        }
        self
    }

    /// Adds a key that may have no value.
    pub(super) fn option(self, key: &'a str, value: Option<impl Into<Node<'a>>>) -> Self {
        match value {
            Some(value) => self.key(key, value),
            None => self,
        }
    }

    /// Adds a key even if its value is empty: `emptyDir: {}`.
    pub(super) fn even_empty(mut self, key: &'a str, value: impl Into<Node<'a>>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// Adds the keys of another table.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds a key if it is set.
    pub(super) fn flag(self, key: &'a str, set: bool) -> Self {
        if set { self.key(key, true) } else { self }
    }
}

impl<'a> From<Map<'a>> for Node<'a> {
    fn from(map: Map<'a>) -> Self {
        Node::Table(map.0)
    }
}

/// A string of its own.
pub(super) fn text<'a>(text: impl Into<String>) -> Node<'a> {
    Node::Str(text.into().into())
}

/// A number.
pub(super) fn number<'a>(number: impl Into<i64>) -> Node<'a> {
    Node::Integer(number.into())
}

/// The pods of a service.
pub(super) fn pods_of(service: &str) -> Map<'_> {
    Map::default().key("matchLabels", Map::default().key(NAME, service))
}

/// Bytes as a quantity, in the largest unit that needs no fraction.
pub fn quantity(bytes: u64) -> String {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    match unit {
        Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

pub(super) fn bytes<'a>(bytes: u64) -> Node<'a> {
    text(quantity(bytes))
}

/// Thousandths of CPUs as a quantity.
pub(super) fn cpus<'a>(thousandths: u64) -> Node<'a> {
    text(if thousandths.is_multiple_of(1000) { (thousandths / 1000).to_string() } else { format!("{thousandths}m") })
}
