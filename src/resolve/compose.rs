//! Keys of Compose without a type of their own: their values, and the names that they hold.

use std::collections::HashMap;

use super::Resolver;
use super::dependencies::SHARED;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Keys, text as model};
use crate::spec::compose;
use crate::spec::decode::{Short, Spanned, shown};
use crate::spec::rules;
use crate::spec::service::Service;
use crate::spec::stack::Image;
use crate::spec::text::Tree;
use crate::spec::value::Ports;

/// Keys with the same meaning: Compose rejects a service with two values for one of these, and the limit of 0 that a table
/// of resources without it stands for (`checkConsistency` in loader/validate.go of compose-go 2.9.1).
const SAME: &[(&str, &[&str])] = &[
    ("cpus", &["deploy", "resources", "limits", "cpus"]),
    ("mem_limit", &["deploy", "resources", "limits", "memory"]),
    ("mem_reservation", &["deploy", "resources", "reservations", "memory"]),
    ("pids_limit", &["deploy", "resources", "limits", "pids"]),
    ("scale", &["deploy", "replicas"]),
];

/// What may be reserved at most.
const AT_MOST: &[(&[&str], &[&str])] = &[
    (&["mem_reservation"], &["mem_limit"]),
    (&["mem_reservation"], &["deploy", "resources", "limits", "memory"]),
    (&["deploy", "resources", "reservations", "memory"], &["mem_limit"]),
    (&["deploy", "resources", "reservations", "memory"], &["deploy", "resources", "limits", "memory"]),
    (&["deploy", "resources", "reservations", "cpus"], &["cpus"]),
    (&["deploy", "resources", "reservations", "cpus"], &["deploy", "resources", "limits", "cpus"]),
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
        // Most services have neither.
        if ["deploy", "mem_reservation"].iter().any(|key| service.compose.get(key).is_some()) {
            for (key, path) in SAME {
                self.check_same(&service.compose, key, path);
            }
            for (reserved, limit) in AT_MOST {
                self.check_reserved(&service.compose, reserved, limit);
            }
        }
        if let Some((span, _)) = service.compose.entry_at(&["deploy", "replicas"])
            && let Some((mode, Tree::Text(text))) = service.compose.entry_at(&["deploy", "mode"])
            && text.literal().is_some_and(|mode| mode.starts_with("global"))
        {
            let diagnostic = Diagnostic::new("contradiction", "`replicas` conflicts with the mode `global`", span);
            self.report(diagnostic.also(mode, "one on each node").help("remove one of the two"));
        }
        if let Some((policy, Tree::Text(condition))) =
            service.compose.entry_at(&["deploy", "restart_policy", "condition"])
            && let Some(condition) = condition.literal()
            && let Some(restart) = &service.restart
            && let Some(literal) = restart.value.0.literal()
            && restart_condition(condition) != restart_condition(literal)
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

    /// Reports two values for keys with the same meaning.
    fn check_same(&mut self, keys: &compose::Keys, key: &str, path: &[&str]) {
        let Some((span, own)) = keys.entry(key) else { return };
        let Some((last, table)) = path.split_last() else { return };
        let amount_of = amount(key, own);
        // A limit of 0 is none.
        if table.len() > 1 && amount_of.as_deref() == Some("0") {
            return;
        }
        let others = match keys.entry_at(path) {
            Some((place, other)) if amount_of.is_none() || amount(last, other) != amount_of => {
                Some((place, path.join("."), "remove one of the two".to_owned()))
            }
            Some(_) => None,
            None => keys
                .entry_at(table)
                .filter(|_| table.len() > 1)
                .map(|(place, _)| (place, table.join("."), format!("write it as `{}` instead", path.join(".")))),
        };
        if let Some((place, other, help)) = others {
            self.report(
                Diagnostic::new("contradiction", format!("`{key}` conflicts with `{other}`"), span)
                    .also(place, "the other one")
                    .help(help),
            );
        }
    }

    /// Reports more that is reserved than there may be.
    fn check_reserved(&mut self, keys: &compose::Keys, reserved: &[&str], limit: &[&str]) {
        let number = |path: &[&str]| {
            let (span, tree) = keys.entry_at(path)?;
            Some((span, amount(path.last()?, tree)?.parse::<f64>().ok()?))
        };
        if let Some((span, reserves)) = number(reserved)
            && let Some((other, most)) = number(limit)
            && reserves > most
            && most > 0.0
        {
            let title = format!("`{}` is more than `{}`", reserved.join("."), limit.join("."));
            let diagnostic = Diagnostic::new("contradiction", title, span).also(other, "the limit");
            self.report(diagnostic.help("reserve at most the limit"));
        }
    }

    /// Reports a platform of a service that its build is not for.
    pub(super) fn check_platform(&mut self, keys: &Keys, span: Span) {
        let platform = keys.text("platform").and_then(model::Text::literal);
        let Some(model::Tree::List(built)) = keys.at(&[BUILD, "platforms"]) else { return };
        let is_other =
            |built: &model::Tree| built.text().and_then(model::Text::literal).is_some_and(|it| Some(it) != platform);
        if let Some(platform) = platform
            && !built.is_empty()
            && built.iter().all(is_other)
        {
            let title = format!("`build.platforms` lacks the service's platform `{}`", shown(platform));
            self.report(
                Diagnostic::new("contradiction", title, span).help("add it to `build.platforms`, or remove the others"),
            );
        }
    }

    /// Whether Compose builds the image of a service, as far as that is known.
    fn may_be_built(&self, service: &Service) -> bool {
        let image = service.image.as_ref().and_then(|image| self.spec.images.get(image.value.literal()?));
        service.kind.is_some()
            || service.compose.get(BUILD).is_some()
            || image.is_some_and(|Short(image)| image.build_of_compose().is_some())
    }

    /// Checks the names that a service mentions.
    pub(super) fn check_mentions(&mut self, name: &str, mentions: Vec<Mention<'_>>) {
        for Mention { key, section, name: mentioned, span } in mentions {
            let spec = self.spec;
            let Some(section) = section else {
                if key == BUILD
                    && let Some((other, _)) = self.index.get(mentioned).map(|&at| &spec.services.entries[at])
                    && self.in_spec(mentioned).is_some_and(|other| !self.may_be_built(other))
                {
                    self.report(
                        Diagnostic::new("contradiction", format!("`{mentioned}` is not built here"), span)
                            .at("is a context of a build")
                            .also(other.span, "has no `build`")
                            .help("give it a `build`, or write `docker-image://` and its image"),
                    );
                    continue;
                }
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

/// The number of a limit, in bytes if it is one of memory; `None` if it is not known.
fn amount(key: &str, tree: &Tree) -> Option<String> {
    match tree {
        Tree::Text(text) => text.literal().map(|text| rules::amount("", key, text).unwrap_or_else(|| text.to_owned())),
        Tree::Integer(number) => Some(number.to_string()),
        Tree::Float(number) => Some(number.to_string()),
        _ => None,
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
