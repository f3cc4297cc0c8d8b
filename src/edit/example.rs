//! Example specs.

use crate::spec::{DASHBOARDS, MAIN};

/// An example spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Its name.
    pub name: &'static str,
    /// Its main file.
    main: &'static str,
    /// Its dashboards, by the names of their files.
    dashboards: &'static [(&'static str, &'static str)],
}

/// All examples, the smallest first.
pub const EXAMPLES: [Example; 3] = [
    Example { name: "minimal", main: include_str!("examples/minimal.toml"), dashboards: &[] },
    Example {
        name: "observability",
        main: include_str!("examples/observability.toml"),
        dashboards: &[("stack.toml", include_str!("examples/observability/stack.toml"))],
    },
    // The spec of this repository.
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

/// The reference spec, which also has compatible versions of images.
pub(super) const REFERENCE: &str = include_str!("../../spec/stack.toml");

impl Example {
    /// The example of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EXAMPLES.iter().find(|example| example.name == name)
    }

    /// Its files: path below the root, and text.
    pub fn files(&self) -> Vec<(String, &'static str)> {
        let dashboards = self.dashboards.iter().map(|(name, text)| (format!("{DASHBOARDS}/{name}"), *text));
        std::iter::once((MAIN.to_owned(), self.main)).chain(dashboards).collect()
    }
}
