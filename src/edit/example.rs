//! Specs to begin with.

use crate::spec::{DASHBOARDS, MAIN};

/// A spec to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// What it is called.
    pub name: &'static str,
    /// Its main file.
    main: &'static str,
    /// Its dashboards, by the names of their files.
    dashboards: &'static [(&'static str, &'static str)],
}

/// All of them, the smallest first.
pub const EXAMPLES: [Example; 3] = [
    Example { name: "minimal", main: include_str!("examples/minimal.toml"), dashboards: &[] },
    Example {
        name: "observability",
        main: include_str!("examples/observability.toml"),
        dashboards: &[("stack.toml", include_str!("examples/observability/stack.toml"))],
    },
    // The spec of this repository itself, so that it can't fall behind.
    Example {
        name: "temporal-dsql",
        main: REFERENCE,
        dashboards: &[
            ("copilot.toml", include_str!("../../spec/dashboards/copilot.toml")),
            ("persistence.toml", include_str!("../../spec/dashboards/persistence.toml")),
            ("server.toml", include_str!("../../spec/dashboards/server.toml")),
        ],
    },
];

/// The reference spec, which also knows the versions of images that fit each other.
pub(super) const REFERENCE: &str = include_str!("../../spec/stack.toml");

impl Example {
    /// The example of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        EXAMPLES.iter().find(|example| example.name == name)
    }

    /// Its files: path below the root, and text.
    #[must_use]
    pub fn files(&self) -> Vec<(String, &'static str)> {
        let dashboards = self.dashboards.iter().map(|(name, text)| (format!("{DASHBOARDS}/{name}"), *text));
        std::iter::once((MAIN.to_owned(), self.main)).chain(dashboards).collect()
    }
}
