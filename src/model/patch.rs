//! Values of outputs that differ from what is rendered.

use super::text::Tree;
use crate::spec::patches::Path;

/// What differs in one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// The output, relative to the folder of the Compose file or to that of the files that containers read.
    pub file: String,
    /// Why.
    pub reason: String,
    /// What is changed, in the order of the spec.
    pub edits: Vec<Edit>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What it changes.
    pub path: Path,
    /// How.
    pub action: Action,
}

/// How a value is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It is another one.
    Set(Tree),
    /// A list has more items, or a map more keys.
    Add(Tree),
    /// It is gone.
    Remove,
}

impl Action {
    /// Its word in the spec.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Add(_) => "add",
            Self::Remove => "remove",
        }
    }

    /// The value.
    pub fn value(&self) -> Option<&Tree> {
        match self {
            Self::Set(tree) | Self::Add(tree) => Some(tree),
            Self::Remove => None,
        }
    }
}
