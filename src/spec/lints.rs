//! `[lints]`: how serious what only looks wrong in a spec is.

use serde_json::json;

use super::decode::{Context, Decode, Map, choice, expected, shown};
use super::schema::{Schema, Schemas};
use super::tree::{Node, Value};
use crate::diagnostic::Diagnostic;

/// What each lint finds, by the code of its diagnostic, and its level if the spec sets none. Compose accepts all of it.
pub const LINTS: &[(&str, &str, Level)] = &[
    ("alias-clash", "An alias in a network is the name of another service.", Level::Deny),
    ("build-clash", "Two services build one image in two ways.", Level::Deny),
    ("container-clash", "Two services give their containers the same name.", Level::Deny),
    ("default-conflict", "A variable has two different defaults.", Level::Deny),
    ("disabled-dependency", "A service waits for one that only a Compose profile enables.", Level::Deny),
    ("ignored-port", "A port is published in a network mode that publishes none.", Level::Deny),
    ("invalid-image", "An image has a name that no registry accepts.", Level::Deny),
    ("latest-tag", "The tag `latest` of an image moves.", Level::Deny),
    ("literal-secret", "A value that looks like a secret is committed with the spec.", Level::Warn),
    ("missing-extra-host", "`host.docker.internal` does not resolve on Linux.", Level::Deny),
    ("mount-clash", "Two mounts of a service have one target.", Level::Deny),
    ("never-completed", "A service waits for the end of one that is always restarted.", Level::Deny),
    ("never-healthy", "A service waits for one to be healthy that has no healthcheck.", Level::Deny),
    (
        "newer-setting",
        "The server of a Temporal cluster may be older than a dynamic setting, and ignores it then.",
        Level::Warn,
    ),
    ("no-shell", "No shell expands a variable of a command.", Level::Deny),
    ("port-clash", "Two services publish the same port of the host.", Level::Deny),
    ("relative-target", "A mount appears at a relative path, which the Docker engine refuses.", Level::Deny),
    (
        "secret-in-command",
        "A secret is visible in a list of processes, the labels of a container or the history of an image.",
        Level::Warn,
    ),
    ("shadowed-variable", "A fixed value overrides a variable of `.env`.", Level::Deny),
    ("shell-variable", "A variable of `.env` has a name that shells set, whose value Compose prefers.", Level::Warn),
    ("undeclared-port", "A healthcheck probes a port that its service does not declare.", Level::Deny),
    ("unknown-dashboard-variable", "A dashboard has no variable of a name that it uses.", Level::Warn),
    ("unreachable-port", "A port is published, but its service is in internal networks only.", Level::Warn),
    ("unreachable-service", "A service talks to another one, but shares no network with it.", Level::Warn),
    ("unregistered-namespace", "Nothing registers the namespaces of a Temporal cluster.", Level::Warn),
    ("unscraped-metrics", "Nothing collects the metrics of a service.", Level::Warn),
    ("untagged-image", "An image has no tag, which stands for `latest`.", Level::Deny),
    ("unused-cluster", "No Temporal server runs a cluster.", Level::Warn),
    ("unused-config", "No service reads a config.", Level::Warn),
    ("unused-dashboard-variable", "Nothing in a dashboard uses its variable.", Level::Warn),
    ("unused-folder", "No dashboard is in a folder of Grafana.", Level::Warn),
    ("unused-image", "No service runs an image.", Level::Warn),
    ("unused-model", "No service uses a model.", Level::Warn),
    ("unused-network", "No service joins a network.", Level::Warn),
    ("unused-patch", "A patch changes nothing: the output has the value anyway.", Level::Warn),
    ("unused-secret", "No service reads a secret.", Level::Warn),
    ("unused-variable", "Nothing refers to a variable.", Level::Warn),
    ("unused-volume", "No service mounts a volume.", Level::Warn),
];

/// The level of a diagnostic that has none in the spec; `None` if that can't be set.
pub fn default_level(code: &str) -> Option<Level> {
    LINTS.iter().find(|(lint, ..)| *lint == code).map(|(_, _, level)| *level)
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

impl PartialEq for Lints {
    /// Whether they give each diagnostic the same level.
    fn eq(&self, other: &Self) -> bool {
        let levels = |lints: &Self| LINTS.iter().map(|(code, ..)| lints.level(code)).collect::<Vec<_>>();
        levels(self) == levels(other)
    }
}

impl Lints {
    /// The level of a diagnostic with that code. What is no lint is always denied.
    pub fn level(&self, code: &str) -> Level {
        self.0.get(code).copied().or_else(|| default_level(code)).unwrap_or(Level::Deny)
    }
}

impl Decode for Lints {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Table(table) = &node.value {
            for (key, _) in table.entries.iter().filter(|(key, _)| default_level(&key.name).is_none()) {
                let codes = || LINTS.iter().map(|(code, ..)| *code);
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
        let lint = |(code, docs, _): &(&str, &str, Level)| {
            let mut lint = level.clone();
            lint["description"] = json!(docs);
            ((*code).to_owned(), lint)
        };
        let properties: serde_json::Map<String, Schema> = LINTS.iter().map(lint).collect();
        json!({ "type": "object", "additionalProperties": false, "properties": properties })
    }
}
