//! Keys of Compose without a type of their own: their values, and the names that they hold.

use std::collections::HashMap;

use super::Resolver;
use super::dependencies::SHARED;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Keys, text as model};
use crate::spec::compose;
use crate::spec::decode::{Short, Spanned, shown};
use crate::spec::service::Service;
use crate::spec::stack::Image;
use crate::spec::text::Tree;
use crate::spec::value::Ports;

/// Keys with the same meaning: Compose rejects a service with two values for one of these.
const SAME: &[(&str, &[&str])] = &[
    ("cpus", &["deploy", "resources", "limits", "cpus"]),
    ("mem_limit", &["deploy", "resources", "limits", "memory"]),
    ("mem_reservation", &["deploy", "resources", "reservations", "memory"]),
    ("pids_limit", &["deploy", "resources", "limits", "pids"]),
    ("scale", &["deploy", "replicas"]),
];

/// The key of a service that says how its image is built.
const BUILD: &str = "build";

/// A table of the spec whose entries services name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Secrets,
    Configs,
    Models,
}

/// The words that messages use for a table.
pub(super) struct Words {
    /// One entry.
    pub what: &'static str,
    /// The table, which is also the key of a service.
    pub table: &'static str,
    /// The code of an unknown name.
    pub unknown: &'static str,
    /// The code of an entry that no service names.
    pub unused: &'static str,
}

impl Section {
    pub(super) fn words(self) -> Words {
        match self {
            Self::Secrets => {
                Words { what: "secret", table: "secrets", unknown: "unknown-secret", unused: "unused-secret" }
            }
            Self::Configs => {
                Words { what: "config", table: "configs", unknown: "unknown-config", unused: "unused-config" }
            }
            Self::Models => Words { what: "model", table: "models", unknown: "unknown-model", unused: "unused-model" },
        }
    }
}

/// A name that a key holds.
pub(super) struct Mention<'s> {
    pub key: &'static str,
    /// The table that has it; that of the services if `None`.
    pub section: Option<Section>,
    pub name: &'s str,
    pub span: Span,
}

/// The names of the stack in a service, but for its networks and what it waits for.
pub(super) fn mentions(service: &Service) -> Vec<Mention<'_>> {
    let keys = &service.compose;
    let mut found = Vec::new();
    let mut add = |key, section, name, span| found.push(Mention { key, section, name, span });
    for (section, grants) in [(Section::Secrets, &service.secrets), (Section::Configs, &service.configs)] {
        for Short(grant) in grants {
            add(section.words().table, Some(section), grant.source.value.as_str(), grant.source.span);
        }
    }
    if let Some(mode) = &service.network_mode
        && let Some(name) = mode.value.literal().and_then(|mode| mode.strip_prefix(SHARED))
    {
        add("network_mode", None, name, mode.span);
    }
    // Most services have no further keys.
    if keys.iter().next().is_none() {
        return found;
    }
    for (key, foreign) in [("links", None), ("volumes_from", Some("container:"))] {
        for (name, span) in literals(keys.get(key)) {
            if foreign.is_none_or(|foreign| !name.starts_with(foreign)) {
                add(key, None, name.split(':').next().unwrap_or(name), span);
            }
        }
    }
    for key in ["pid", "ipc", "uts"] {
        found.extend(shared(key, keys.get(key)));
    }
    build_mentions(|key| keys.at(&[BUILD, key]), &mut found);
    let mut add = |key, section, name, span| found.push(Mention { key, section, name, span });
    let base = match keys.get("extends") {
        Some(table @ Tree::Table(_)) if table.get("file").is_none() => table.get("service"),
        Some(text @ Tree::Text(_)) => Some(text),
        _ => None,
    };
    // Only what the spec's tree could not resolve: an unknown service or a cycle.
    for (name, span) in literals(base) {
        add("extends", None, name, span);
    }
    for (name, span) in literals(keys.at(&["credential_spec", "config"])) {
        add("credential_spec", Some(Section::Configs), name, span);
    }
    if let Some(Tree::Table(models)) = keys.get("models") {
        for (name, _) in models {
            add("models", Some(Section::Models), &name.value, name.span);
        }
    } else {
        for (name, span) in literals(keys.get("models")) {
            add("models", Some(Section::Models), name, span);
        }
    }
    found
}

/// The names of the stack in the build of an image.
pub(super) fn build_mentions_of(image: &Image) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    if let Some(build) = image.build_of_compose() {
        build_mentions(|key| build.compose.get(key), &mut found);
    }
    found
}

/// The names of the stack in a build.
fn build_mentions<'s>(key: impl Fn(&str) -> Option<&'s Tree>, found: &mut Vec<Mention<'s>>) {
    found.extend(shared(BUILD, key("additional_contexts")));
    let secrets = match key("secrets") {
        Some(Tree::List(items)) => items.as_slice(),
        _ => &[],
    };
    for secret in secrets {
        let source = secret.get("source").unwrap_or(secret);
        let mention = |(name, span)| Mention { key: BUILD, section: Some(Section::Secrets), name, span };
        found.extend(literals(Some(source)).into_iter().map(mention));
    }
}

/// The services after `service:` in a value.
fn shared<'s>(key: &'static str, tree: Option<&'s Tree>) -> impl Iterator<Item = Mention<'s>> {
    literals(tree).into_iter().filter_map(move |(value, span)| {
        // An item of a list is `name=value`.
        let value = value.rsplit_once('=').map_or(value, |(_, value)| value);
        Some(Mention { key, section: None, name: value.strip_prefix(SHARED)?, span })
    })
}

/// The services that a service names, but for those that only its build needs.
pub(super) fn named(service: &Service) -> impl Iterator<Item = Mention<'_>> {
    mentions(service).into_iter().filter(|mention| mention.section.is_none() && mention.key != BUILD)
}

/// The strings without references of a value, of the items of a list, or of the values of a table.
fn literals(tree: Option<&Tree>) -> Vec<(&str, Span)> {
    let values: Vec<&Tree> = match tree {
        Some(Tree::List(items)) => items.iter().collect(),
        Some(Tree::Table(entries)) => entries.iter().map(|(_, value)| value).collect(),
        tree => tree.into_iter().collect(),
    };
    let mut literals = Vec::with_capacity(values.len());
    for value in values {
        if let Tree::Text(text) = value
            && let Some(literal) = text.literal()
        {
            literals.push((literal, text.span));
        }
    }
    literals
}

impl Resolver<'_> {
    /// Keys with their references resolved.
    pub(super) fn keys(&mut self, keys: &compose::Keys) -> Keys {
        Keys(keys.iter().map(|(key, value)| (key.value.clone(), self.tree(value))).collect())
    }

    pub(super) fn tree(&mut self, tree: &Tree) -> model::Tree {
        match tree {
            Tree::Text(text) => model::Tree::Text(self.text(text)),
            Tree::Integer(number) => model::Tree::Integer(*number),
            Tree::Float(number) => model::Tree::Float(*number),
            Tree::Boolean(boolean) => model::Tree::Boolean(*boolean),
            Tree::List(items) => model::Tree::List(items.iter().map(|item| self.tree(item)).collect()),
            Tree::Table(entries) => {
                model::Tree::Table(entries.iter().map(|(key, value)| (key.value.clone(), self.tree(value))).collect())
            }
        }
    }

    /// Reports two files of a service at one place of the container.
    fn check_grants(&mut self, service: &Service) {
        for (grants, folder) in [(&service.secrets, "/run/secrets/"), (&service.configs, "/")] {
            let mut places: HashMap<String, Span> = HashMap::with_capacity(grants.len());
            for Short(grant) in grants {
                let target = match grant.compose.get("target") {
                    Some(Tree::Text(text)) => text.literal(),
                    Some(_) => None,
                    None => Some(grant.source.value.as_str()),
                };
                let Some(target) = target else { continue };
                let place = if target.starts_with('/') { target.to_owned() } else { format!("{folder}{target}") };
                if let Some(first) = places.insert(place.clone(), grant.source.span) {
                    let title = format!("duplicate mount target `{}`", shown(&place));
                    self.report(
                        Diagnostic::new("mount-clash", title, grant.source.span)
                            .also(first, "the other one")
                            .help("change one of the targets, or remove one of the two"),
                    );
                }
            }
        }
    }

    /// Reports keys that Compose ignores or rejects of something that is not the stack's.
    pub(super) fn check_external(&mut self, keys: &compose::Keys) {
        let Some((external, Tree::Boolean(true))) = keys.entry("external") else { return };
        for (key, _) in keys.iter() {
            if !matches!(key.value.as_str(), "external" | "name") && !key.value.starts_with("x-") {
                self.report(
                    Diagnostic::new("contradiction", format!("`{}` conflicts with `external`", key.value), key.span)
                        .also(external, "it is made elsewhere")
                        .help("remove one of the two"),
                );
            }
        }
    }

    /// Checks the names in the further keys of a service, and conflicting keys.
    pub(super) fn check_keys(&mut self, name: &Spanned<String>, service: &Service, image: Option<&Image>) {
        if let Some(build) = image.and_then(Image::build_of_compose)
            && let Some((own, _)) = service.compose.entry(BUILD)
        {
            let title = format!("`build` of `{}` conflicts with that of its image", name.value);
            self.report(
                Diagnostic::new("contradiction", title, own)
                    .also(build.span, "the other one")
                    .help("remove one of the two"),
            );
        }
        for (key, path) in SAME {
            if let Some((span, _)) = service.compose.entry(key)
                && let Some((other, _)) = service.compose.entry_at(path)
            {
                let path = path.join(".");
                self.report(
                    Diagnostic::new("contradiction", format!("`{key}` conflicts with `{path}`"), span)
                        .also(other, "the other one")
                        .help("remove one of the two"),
                );
            }
        }
        if let Some((policy, Tree::Text(condition))) =
            service.compose.entry_at(&["deploy", "restart_policy", "condition"])
            && let Some(condition) = condition.literal()
            && let Some(restart) = &service.restart
            && let Some(literal) = restart.value.0.literal()
            && condition != restart_condition(literal)
        {
            self.report(
                Diagnostic::new("contradiction", "`restart` conflicts with `deploy.restart_policy`", restart.span)
                    .also(policy, "what Compose uses")
                    .help("remove one of the two"),
            );
        }
        self.check_grants(service);
        self.check_mentions(&name.value, mentions(service));
        self.check_mentions(&name.value, image.map(build_mentions_of).unwrap_or_default());
    }

    /// Checks the names that a service mentions.
    pub(super) fn check_mentions(&mut self, name: &str, mentions: Vec<Mention<'_>>) {
        for Mention { section, name: mentioned, span, .. } in mentions {
            let spec = self.spec;
            let Some(section) = section else {
                if mentioned == name {
                    self.report(
                        Diagnostic::new("dependency-cycle", format!("`{mentioned}` refers to itself"), span)
                            .help("remove it"),
                    );
                } else if !self.index.contains_key(mentioned) {
                    self.unknown_service(mentioned, span, Some(name));
                }
                continue;
            };
            let (known, source) = match section {
                Section::Secrets => {
                    (spec.secrets.knows(mentioned), spec.secrets.get(mentioned).map(|secret| &secret.compose))
                }
                Section::Configs => {
                    (spec.configs.knows(mentioned), spec.configs.get(mentioned).map(|config| &config.compose))
                }
                Section::Models => (spec.models.knows(mentioned), None),
            };
            if let Some((variable, _)) = literals(source.and_then(|keys| keys.get("environment"))).first() {
                self.references.variable(variable);
            }
            if !known && !self.diagnostics.is_full() {
                let Words { what, table, unknown: code, .. } = section.words();
                let title = format!("unknown {what} `{}`", shown(mentioned));
                let names: Vec<&str> = match section {
                    Section::Secrets => spec.secrets.names().collect(),
                    Section::Configs => spec.configs.names().collect(),
                    Section::Models => spec.models.names().collect(),
                };
                self.report_unknown((code, title), table, (mentioned, span), names, || {
                    format!("declare it: `[{table}.{mentioned}]`")
                });
            }
        }
    }
}

/// The condition of `deploy.restart_policy` that means the same as a restart policy.
fn restart_condition(restart: &str) -> &str {
    match restart {
        "no" => "none",
        "always" | "unless-stopped" => "any",
        counted => counted.split(':').next().unwrap_or(counted),
    }
}

/// `expose` with each port listed separately: Docker 29 rejects a range (`invalid port` of Compose 2.40.3).
pub(super) fn single_ports(exposed: model::Tree) -> model::Tree {
    let model::Tree::List(items) = exposed else { return exposed };
    let mut single = Vec::with_capacity(items.len());
    for item in items {
        let literal = match &item {
            model::Tree::Integer(port) => Some(port.to_string()),
            item => item.text().and_then(model::Text::literal).map(ToOwned::to_owned),
        };
        let Some(literal) = literal else {
            single.push(item);
            continue;
        };
        let (ports, protocol) = literal.split_once('/').map_or((literal.as_str(), None), |(p, rest)| (p, Some(rest)));
        let suffix = protocol.map(|protocol| format!("/{protocol}")).unwrap_or_default();
        match Ports::parse(ports) {
            Some(Ports { first, last }) => {
                single.extend((first..=last).map(|port| model::Tree::Text(format!("{port}{suffix}").into())));
            }
            None => single.push(item),
        }
    }
    model::Tree::List(single)
}
