//! Example specs.

use crate::spec::MAIN;

/// An example spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Its name.
    pub name: &'static str,
    /// Its main file.
    main: &'static str,
    /// Its other files, by their paths in `spec/`.
    others: &'static [(&'static str, &'static str)],
}

/// All examples, the smallest first.
pub const EXAMPLES: [Example; 5] = [
    Example { name: "minimal", main: include_str!("examples/minimal.toml"), others: &[] },
    Example {
        name: "observability",
        main: include_str!("examples/observability.toml"),
        others: &[("dashboards/stack.toml", include_str!("examples/observability/stack.toml"))],
    },
    Example {
        name: "web",
        main: include_str!("examples/web.toml"),
        others: &[("files/nginx.conf.j2", include_str!("examples/web/nginx.conf.j2"))],
    },
    Example {
        name: "events",
        main: include_str!("examples/events.toml"),
        others: &[
            ("files/collector.yaml", include_str!("examples/events/collector.yaml")),
            ("files/tempo.yaml", include_str!("examples/events/tempo.yaml")),
            ("kinds/kafka/kind.toml", include_str!("examples/events/kinds/kafka/kind.toml")),
            ("kinds/kafka/server.properties", include_str!("examples/events/kinds/kafka/server.properties")),
            ("kinds/prometheus/alerts.yaml", include_str!("examples/events/kinds/prometheus/alerts.yaml")),
            ("kinds/prometheus/kind.toml", include_str!("examples/events/kinds/prometheus/kind.toml")),
            ("kinds/prometheus/prometheus.yaml", include_str!("examples/events/kinds/prometheus/prometheus.yaml")),
        ],
    },
    // The spec of this repository.
    Example {
        name: "temporal-dsql",
        main: REFERENCE,
        others: &[
            ("dashboards/copilot.toml", include_str!("../../spec/dashboards/copilot.toml")),
            ("dashboards/persistence.toml", include_str!("../../spec/dashboards/persistence.toml")),
            ("dashboards/postgresql.toml", include_str!("../../spec/dashboards/postgresql.toml")),
            ("dashboards/server.toml", include_str!("../../spec/dashboards/server.toml")),
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
        let others = self.others.iter().map(|(path, text)| (format!("spec/{path}"), *text));
        std::iter::once((MAIN.to_owned(), self.main)).chain(others).collect()
    }
}
