//! `[lints]`: how serious what only looks wrong in a spec is.

use serde_json::json;

use super::decode::{Context, Decode, Map, choice, expected, shown};
use super::schema::{Schema, Schemas};
use super::tree::{Node, Value};
use crate::diagnostic::Diagnostic;

/// What each lint finds, by the code of its diagnostic.
pub const LINTS: &[(&str, &str)] = &[
    ("literal-secret", "A value that looks like a secret is committed with the spec."),
    ("newer-setting", "The server of a Temporal cluster may be older than a dynamic setting, and ignores it then."),
    (
        "secret-in-command",
        "A secret is visible in a list of processes, the labels of a container or the history of an image.",
    ),
    ("shell-variable", "A variable of `.env` has a name that shells set, whose value Compose prefers."),
    ("unknown-dashboard-variable", "A dashboard has no variable of a name that it uses."),
    ("unreachable-port", "A port is published, but its service is in internal networks only."),
    ("unreachable-service", "A service talks to another one, but shares no network with it."),
    ("unregistered-namespace", "Nothing registers the namespaces of a Temporal cluster."),
    ("unscraped-metrics", "Nothing collects the metrics of a service."),
    ("unused-cluster", "No Temporal server runs a cluster."),
    ("unused-config", "No service reads a config."),
    ("unused-dashboard-variable", "Nothing in a dashboard uses its variable."),
    ("unused-folder", "No dashboard is in a folder of Grafana."),
    ("unused-image", "No service runs an image."),
    ("unused-model", "No service uses a model."),
    ("unused-network", "No service joins a network."),
    ("unused-secret", "No service reads a secret."),
    ("unused-variable", "Nothing refers to a variable."),
    ("unused-volume", "No service mounts a volume."),
];

/// The level of a lint that has none in the spec.
pub const DEFAULT: Level = Level::Warn;

/// Whether a diagnostic with that code has a level in `[lints]`.
pub fn is_lint(code: &str) -> bool {
    LINTS.iter().any(|(lint, _)| *lint == code)
}

choice! {
    /// How the findings of a lint are reported.
    pub enum Level as "level" {
        /// Nothing.
        Allow = "allow",
        /// A warning, which changes neither what is rendered nor the exit code.
        Warn = "warn",
        /// An error.
        Deny = "deny",
    }
}

/// The levels of lints; any other lint has the default.
#[derive(Debug, Clone, Default)]
pub struct Lints(Map<Level>);

impl Lints {
    /// The level of the lint with that code.
    pub fn level(&self, code: &str) -> Level {
        self.0.get(code).copied().unwrap_or(DEFAULT)
    }
}

impl Decode for Lints {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Table(table) = &node.value {
            for (key, _) in table.entries.iter().filter(|(key, _)| !is_lint(&key.name)) {
                let codes = || LINTS.iter().map(|(code, _)| *code);
                let title = format!("unknown lint `{}`", shown(&key.name));
                // Most codes are of errors.
                let help = || match crate::codes::page(&key.name) {
                    Ok(_) => "remove it: it is the code of an error, which has no level".to_owned(),
                    Err(_) => expected(codes()),
                };
                cx.diagnostics.push(Diagnostic::new("unknown-lint", title, key.span).suggest(&key.name, codes(), help));
            }
        }
        Map::decode(node, cx).map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        let level = Level::schema(schemas);
        let lint = |(code, docs): &(&str, &str)| {
            let mut lint = level.clone();
            lint["description"] = json!(docs);
            ((*code).to_owned(), lint)
        };
        let properties: serde_json::Map<String, Schema> = LINTS.iter().map(lint).collect();
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    }
}
