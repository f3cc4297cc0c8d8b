//! Kinds of services: what `kind.toml` in the folder of a kind declares, and the settings of a service, which are read
//! as its kind declares them.
//!
//! The built-in kinds are the folders of `templates/kinds/`, compiled in by the build script. The text of one is read
//! when a spec uses it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use camino::Utf8Path;

use serde_json::json;

use super::decode::{Context, Decode, Map, Spanned, choice, expected, listed, shown, table, table_of};
use super::schema::{self, Schema, Schemas};
use super::service::{Command, Condition, HTTP_PORT, Scraped, Service, split_outside};
use super::source::Sources;
use super::stack::{Language, Template};
use super::text::{AddressReference, Part, Text};
use super::tree::{self, Node, Value};
use super::value::{Duration, Identifier, Size};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

include!(concat!(env!("OUT_DIR"), "/kinds.rs"));

/// The code of a mistake that is a consequence of those of a kind, which are reported where they are.
pub(super) const BROKEN: &str = "broken-kind";

/// What declares a kind, in its folder.
pub const DECLARATION: &str = "kind.toml";

/// A kind that is compiled in.
struct BuiltIn {
    name: &'static str,
    toml: &'static str,
    templates: &'static [(&'static str, &'static str)],
    kind: OnceLock<Option<Kind>>,
}

impl BuiltIn {
    const fn new(name: &'static str, toml: &'static str, templates: &'static [(&'static str, &'static str)]) -> Self {
        Self { name, toml, templates, kind: OnceLock::new() }
    }

    fn decode(&self, diagnostics: &mut Diagnostics) -> Option<Kind> {
        let mut sources = Sources::default();
        let path = |file: &str| format!("templates/kinds/{}/{file}", self.name);
        sources.push_template(&path(DECLARATION), Ok(self.toml.to_owned()));
        for (name, text) in self.templates {
            sources.push_template(&path(name), Ok((*text).to_owned()));
        }
        Kind::read(self.name, false, 0, &sources, diagnostics)
    }
}

/// A kind of service: its name and what its folder declares.
#[derive(Clone)]
pub struct Kind(Arc<Named>);

struct Named {
    name: String,
    is_own: bool,
    /// The start of its declaration.
    place: Span,
    /// The bytes of its declaration.
    size: usize,
    declaration: Declaration,
}

impl Kind {
    /// The names of the built-in kinds, sorted.
    pub const WORDS: &[&str] = NAMES;

    /// The built-in kind of that name.
    pub fn built_in(name: &str) -> Option<Self> {
        let found = BUILT_IN.iter().find(|kind| kind.name == name)?;
        // A test checks that each can be decoded.
        found.kind.get_or_init(|| found.decode(&mut Diagnostics::default())).clone()
    }

    /// The files of the built-in kind of that name: their names and texts, `kind.toml` first.
    pub fn files_of_built_in(name: &str) -> Option<impl Iterator<Item = (&'static str, &'static str)>> {
        let found = BUILT_IN.iter().find(|kind| kind.name == name)?;
        Some(std::iter::once((DECLARATION, found.toml)).chain(found.templates.iter().copied()))
    }

    fn read(name: &str, is_own: bool, file: u16, sources: &Sources, diagnostics: &mut Diagnostics) -> Option<Self> {
        let before = diagnostics.len();
        let table = tree::parse(sources, file, diagnostics).table;
        if diagnostics.len() > before {
            return None;
        }
        Self::of_table(name, is_own, (file, table), sources, diagnostics)
    }

    /// The kind that a table of a file declares.
    pub(crate) fn of_table(
        name: &str,
        is_own: bool,
        (file, table): (u16, tree::Table<'_>),
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let before = diagnostics.len();
        let text = sources.at(file).map_or("", |source| source.text.as_str());
        let (start, size) = (super::start_of(file, text), text.len());
        let mut cx = Context { sources, diagnostics };
        let declaration = Declaration::decode(Node { span: start, value: Value::Table(table) }, &mut cx)?;
        // A template that can't be read is missing, too.
        let needs_templates = is_own && cx.diagnostics.len() == before;
        declaration.check(needs_templates, &mut cx);
        Some(Self(Arc::new(Named { name: name.to_owned(), is_own, place: start, size, declaration })))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0.name
    }

    /// Whether it is the project's, not built in.
    pub fn is_own(&self) -> bool {
        self.0.is_own
    }

    /// The start of its declaration.
    pub fn place(&self) -> Span {
        self.0.place
    }

    /// The bytes of its declaration, of which each of its services has a copy.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// The name in `[images]` that it runs unless the service names another.
    pub fn image_name(&self) -> &str {
        self.image.as_deref().unwrap_or(&self.0.name)
    }

    /// The paths of its files beside the Compose file, for a service.
    pub fn files_of(&self, service: &str) -> impl Iterator<Item = String> {
        self.files.names().map(move |path| path.replace("${self}", service))
    }

    /// What it declares.
    pub fn declaration(&self) -> &Declaration {
        &self.0.declaration
    }
}

impl Deref for Kind {
    type Target = Declaration;

    fn deref(&self) -> &Declaration {
        &self.0.declaration
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Kind {}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

/// The kinds of a spec: those of the project, and the built-in ones that they don't replace.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    /// Those of the project; `None` for one whose declaration is wrong.
    own: Vec<(String, Option<Kind>)>,
}

impl Kinds {
    /// The kinds of the project, from the files among the sources.
    pub fn read(sources: &Sources, diagnostics: &mut Diagnostics) -> Self {
        let mut own: Vec<(String, Option<Kind>)> = Vec::new();
        let kinds = sources.location().kinds();
        for (path, file) in sources.all_templates() {
            let Some(name) = own_name(path, &kinds) else { continue };
            let kind = if let Some(file) = file {
                Kind::read(name, true, file, sources, diagnostics)
            } else {
                let reason = sources.template(path.as_str()).err().unwrap_or_default();
                let title = format!("cannot read `{}`: {reason}", shown(path.as_str()));
                let start = Span { file: 0, start: 0, end: 0 };
                let help = "fix the file, or remove its folder";
                diagnostics.push(Diagnostic::new("unreadable-template", title, start).help(help));
                None
            };
            own.push((name.to_owned(), kind));
        }
        Self { own }
    }

    /// The kind of that name.
    pub fn get(&self, name: &str) -> Option<Kind> {
        match self.own.iter().find(|(known, _)| known == name) {
            Some((_, kind)) => kind.clone(),
            None => Kind::built_in(name),
        }
    }

    /// Those of the project: each with its name, and without its declaration if that is wrong.
    pub fn own(&self) -> impl Iterator<Item = (&str, Option<&Kind>)> {
        self.own.iter().map(|(name, kind)| (name.as_str(), kind.as_ref()))
    }

    /// These, with some of the project's replaced.
    pub(crate) fn with(&self, kinds: &[Kind]) -> Self {
        let new: HashMap<&str, &Kind> = kinds.iter().map(|kind| (kind.0.name.as_str(), kind)).collect();
        let replaced = |(name, old): &(String, Option<Kind>)| {
            (name.clone(), new.get(name.as_str()).copied().or(old.as_ref()).cloned())
        };
        Self { own: self.own.iter().map(replaced).collect() }
    }

    /// Whether a kind of that name exists, though its declaration may be wrong.
    pub fn knows(&self, name: &str) -> bool {
        self.own.iter().any(|(known, _)| known == name) || NAMES.contains(&name)
    }

    /// Whether the project has none of its own.
    pub fn are_built_in(&self) -> bool {
        self.own.is_empty()
    }

    /// The names of all kinds, sorted.
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.iter().map(|(name, _)| name.as_str());
        let mut names: Vec<&str> = own.chain(NAMES.iter().copied()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every kind. That reads all of them, so it is for messages, schemas and lists.
    pub fn all(&self) -> impl Iterator<Item = Kind> {
        self.names().into_iter().filter_map(|name| self.get(name))
    }
}

/// The name of the project's kind that a file declares, by the folder of the kinds.
fn own_name<'p>(path: &'p Utf8Path, folder_of_kinds: &Utf8Path) -> Option<&'p str> {
    let folder = path.parent().filter(|_| path.file_name() == Some(DECLARATION))?;
    folder.file_name().filter(|_| folder.parent().is_some_and(|kinds| kinds == folder_of_kinds))
}

impl Decode for Kind {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let word = String::decode(node, cx)?;
        let kinds = cx.sources.kinds();
        let found = kinds.get(&word);
        if found.is_none() {
            if kinds.knows(&word) {
                // Without it, its services would be reported for what they lack.
                let title = format!("the kind `{}` has errors", shown(&word));
                let code = BROKEN;
                cx.diagnostics.push(Diagnostic::new(code, title, span));
            } else {
                let title = format!("unknown kind `{}`", shown(&word));
                let names = kinds.names();
                let diagnostic = Diagnostic::new("unknown-value", title, span);
                cx.diagnostics.push(diagnostic.suggest(&word, names.iter().copied(), || {
                    let known = expected(names.iter().copied());
                    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                    if word.chars().all(is_name) && word.starts_with(|c: char| c.is_ascii_lowercase()) {
                        format!("{known}; or begin one with `gen new kind {word}`")
                    } else {
                        known
                    }
                }));
            }
        }
        found
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        let titles: Vec<String> = schemas.kinds.all().map(|kind| format!("{}.", kind.title)).collect();
        schema::words(&schemas.kinds.names(), &titles.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

table! {
    /// What a kind of service is.
    pub struct Declaration as "a kind" {
        /// What it is, in one line.
        title: String,
        /// The default description of a service of the kind.
        description: Option<Text>,
        /// The name in `[images]` that it runs unless the service names another; its own name if left out.
        image: Option<String>,
        /// Of the programs that healthchecks use, those in its image; `sh` stands for any shell line.
        programs: Option<Vec<String>>,
        /// Variables that the programs of its image read besides those that the kind sets; not known if empty.
        reads: Vec<String>,
        /// Keys of a service that only some kinds have.
        takes: Vec<Spanned<Takes>>,
        /// How it uses AWS.
        aws: Option<Aws>,
        /// Whether it exits when it is done.
        one_shot: Option<bool>,
        /// The ports that it listens on.
        ports: Map<KindPort>,
        /// The ports of the roles that have others.
        roles: Map<KindRole>,
        /// What it serves besides its ports, for `${service.name}`. A service with a port `http` has `url`.
        endpoints: Map<Endpoint>,
        /// What other services can use it for.
        provides: Map<Provision>,
        /// The services that it uses, each under the name by which the kind's texts refer to it.
        needs: Map<Need>,
        /// The settings of a service of the kind.
        settings: Map<Setting>,
        /// The files that it mounts, by their path beside the Compose file.
        files: Map<KindFile>,
        /// What `gen new` writes.
        new: Option<NewService>,
        /// The service in the spec's own words, which the spec may change.
        service: Option<Implied>,
    }
}

choice! {
    /// A key of a service that only some kinds have.
    pub enum Takes as "key of some kinds" {
        /// The Temporal cluster that it belongs to.
        Cluster = "cluster",
        /// The role in the cluster.
        Role = "role",
    }
}

choice! {
    /// A role of a Temporal server.
    pub enum Role as "role" {
        /// Workflow state.
        History = "history",
        /// Task queues.
        Matching = "matching",
        /// The API.
        Frontend = "frontend",
        /// The system's own workflows.
        Worker = "worker",
    }
}

table! {
    /// How a kind uses AWS.
    pub struct Aws as "a kind's use of AWS" {
        /// The home of the image's user; not known if left out.
        home: Option<String>,
        /// Whether it always uses AWS.
        always: Option<bool>,
    }
}

table! {
    /// A port that a kind listens on.
    pub struct KindPort as "a port of a kind" {
        /// The port in the container.
        target: u16,
        /// A path that answers a GET with 200.
        path: Option<String>,
    }
}

table! {
    /// A role with its own ports.
    pub struct KindRole as "a role of a kind" {
        /// Its ports.
        ports: Map<KindPort>,
    }
}

table! {
    /// Something that a kind serves.
    pub struct Endpoint as "an endpoint of a kind" {
        /// One of its ports.
        port: Spanned<String>,
        /// The path.
        path: Option<String>,
    }
}

/// What a service provides that creates the indices of the clusters' visibility in Elasticsearch.
pub const INDICES: &str = "visibility-indices";

/// What a service provides that creates the databases of a cluster in PostgreSQL.
pub const SCHEMA: &str = "temporal-schema";

table! {
    /// What other services can use a kind for: its endpoint or port for each use.
    pub struct Provision as "something that a kind provides" {
        /// For queries.
        query: Option<Spanned<String>>,
        /// For what pushes to it.
        push: Option<Spanned<String>>,
    }
}

table! {
    /// A service that a kind uses.
    pub struct Need as "a need of a kind" {
        /// What that service provides.
        provides: Option<Spanned<String>>,
        /// Or the role that it has in the service's own cluster.
        role: Option<Spanned<Role>>,
        /// The setting that names it, if there are several.
        setting: Option<Spanned<String>>,
        /// What needs it, for messages.
        what: Option<String>,
        /// What of it a service of the kind waits for.
        condition: Option<Condition>,
        /// When it is needed; always if left out.
        only_if: Option<OnlyIf>,
    }
}

choice! {
    /// When a kind needs another service.
    pub enum OnlyIf as "condition" {
        /// As soon as a service of the stack serves metrics.
        Metrics = "metrics",
        /// If there is one.
        Provided = "provided",
    }
}

table! {
    /// A setting of the services of a kind.
    pub struct Setting as "a setting of a kind" {
        /// What its value is.
        kind as "type": SettingType,
        /// What it is, in a few words.
        about: String,
        /// The default.
        default: Option<Literal>,
        /// What makes a boolean that is left out `true`.
        default_if: Option<Spanned<Fact>>,
        /// A value to show.
        example: Option<String>,
        /// The title of the error if it is missing; it is optional without one.
        required: Option<Text>,
        /// The minimum.
        minimum: Option<Literal>,
        /// The maximum.
        maximum: Option<Literal>,
        /// What it is a multiple of.
        multiple_of: Option<Literal>,
        /// How much of the container's memory limit a size may be, in percent.
        percent_of_memory: Option<Spanned<u32>>,
        /// The title of the error for any other value.
        otherwise: Option<String>,
        /// What the names of a table are: they are checked like those of services.
        names: Option<String>,
        /// What `gen review` reports of a change; without it the change is reported by what it changes.
        review: Option<Judgement>,
    }
}

choice! {
    /// Something that is true of a service or not.
    pub enum Fact as "fact" {
        /// Only this machine reaches it: it publishes ports, each on a loopback address.
        LoopbackOnly = "loopback-only",
    }
}

choice! {
    /// What the value of a setting is.
    pub enum SettingType as "type" {
        /// `true` or `false`.
        Boolean = "boolean",
        /// An integer from 0 on.
        Integer = "integer",
        /// A duration.
        Duration = "duration",
        /// A size in bytes.
        Size = "size",
        /// A string.
        String = "string",
        /// The name of a user or a database: lowercase letters, digits, `_` and `-`.
        Identifier = "identifier",
        /// A string that may refer to variables and addresses.
        Text = "text",
        /// A reference to a variable that is a secret.
        Secret = "secret",
        /// The name of a service.
        Service = "service",
        /// A list of strings.
        Strings = "strings",
        /// A string for each name.
        StringsByName = "strings-by-name",
        /// A port for each name.
        Ports = "ports",
    }
}

table! {
    /// How `gen review` judges a change of a setting.
    pub struct Judgement as "a judgement of a change" {
        /// What the change is about.
        area: JudgedArea,
        /// The value that means no limit.
        unlimited: Option<Literal>,
        /// Of a smaller value.
        less: Option<Verdict>,
        /// Of a larger value.
        more: Option<Verdict>,
        /// Of another value, if neither is larger.
        other: Option<Verdict>,
    }
}

choice! {
    /// What the change of a setting is about.
    pub enum JudgedArea as "area" {
        /// Resources, and what stores accept.
        Limits = "limits",
        /// How long data is kept.
        Retention = "retention",
        /// What is scraped, and how often.
        Metrics = "metrics",
        /// Who may do what.
        Privileges = "privileges",
        /// Anything else of a container.
        Services = "services",
    }
}

table! {
    /// What `gen review` reports of a change.
    pub struct Verdict as "a verdict" {
        /// How bad it is; a notice if left out.
        severity: Option<JudgedSeverity>,
        /// The message.
        says: String,
    }
}

choice! {
    /// How bad a change of a setting is.
    pub enum JudgedSeverity as "severity" {
        /// Data is lost.
        Danger = "danger",
        /// It may break something.
        Caution = "caution",
        /// It is just different.
        Notice = "notice",
    }
}

table! {
    /// A file that services of a kind mount, read-only.
    pub struct KindFile as "a file of a kind" {
        /// Its template, in the folder of the kind; without one `gen` generates it.
        template: Option<Spanned<Template>>,
        /// How values are written in it; by the extension of its path, or of the template's, if left out.
        language: Option<Language>,
        /// Where it appears in the container.
        target: Spanned<String>,
        /// The program that checks it in `gen verify`, which the image contains.
        verify: Option<Verifier>,
    }
}

choice! {
    /// A program that checks a file of a kind.
    pub enum Verifier as "checker" {
        /// Loki.
        Loki = "loki",
        /// Mimir.
        Mimir = "mimir",
    }
}

table! {
    /// What `gen new` writes for a service of a kind.
    pub struct NewService as "a new service" {
        /// The image, if the reference stack has none.
        image: Option<Spanned<String>>,
        /// Its settings.
        settings: Map<Literal>,
        /// What some other service has to provide besides the kind's `needs`.
        needs: Vec<String>,
        /// The variables that it needs, as the reference stack has them or as they are described here.
        env: Map<NewVariable>,
    }
}

table! {
    /// A variable that `gen new` declares.
    pub struct NewVariable as "a new variable" {
        /// What it is.
        description: Option<String>,
        /// Whether the stack can't start without it.
        required: Option<bool>,
        /// Whether it is a secret.
        secret: Option<bool>,
        /// Whether `gen dev up` chooses a value if it has none.
        generate: Option<bool>,
    }
}

/// A value of any type, read when the type is known.
#[derive(Debug, Clone)]
pub struct Literal(pub Node<'static>);

impl Decode for Literal {
    fn decode(node: Node<'_>, _: &mut Context<'_>) -> Option<Self> {
        Some(Self(node.into_owned()))
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({})
    }
}

/// Keys of a service that a kind can give.
const IMPLIED: &[&str] = &[
    "kubernetes",
    "metrics",
    "command",
    "entrypoint",
    "environment",
    "volumes",
    "healthcheck",
    "ulimits",
    "mem_limit",
    "read_only",
    "cap_add",
    "cap_drop",
];

/// A service as its kind gives it.
#[derive(Debug, Clone)]
pub struct Implied(pub Box<Service>);

/// Keys of a service that name something else of the stack, or a path, which a kind can't know.
const NAMING: &[&str] = &[
    "build",
    "credential_spec",
    "develop",
    "env_file",
    "extends",
    "external_links",
    "ipc",
    "label_file",
    "links",
    "models",
    "network_mode",
    "pid",
    "provider",
    "volumes_from",
];

impl Decode for Implied {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Table(table) = &node.value {
            for (key, node) in &table.entries {
                let name = key.name.as_ref();
                // An unknown key is reported as such.
                if NAMING.contains(&name) || (Service::KEYS.contains(&name) && !IMPLIED.contains(&name)) {
                    cx.diagnostics.push(
                        Diagnostic::new("unknown-key", format!("a kind cannot set the key `{name}`"), key.span)
                            .help("set it in the services of the kind"),
                    );
                }
                match (name, &node.value) {
                    ("volumes", Value::List(volumes)) => check_volumes(volumes, cx),
                    ("healthcheck", Value::Table(check)) => check_probe(check, cx),
                    _ => {}
                }
            }
        }
        Service::decode(node, cx).map(|service| Self(Box::new(service)))
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        Service::schema(schemas)
    }
}

/// A kind gives its services named volumes, and nothing else in the place of one.
fn check_volumes(volumes: &[Node<'_>], cx: &mut Context<'_>) {
    let mut targets: Vec<String> = Vec::new();
    for volume in volumes {
        let pieces = if let Value::String(text) = &volume.value { split_outside(text) } else { Vec::new() };
        let is_name = |name: &str| {
            let plain = name.replace("${self}", "self");
            plain.starts_with(|c: char| c.is_ascii_alphanumeric())
                && plain.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let problem = match pieces.as_slice() {
            [name, target] if is_name(name) && target.starts_with('/') => {
                let target = target.to_string();
                let is_second = targets.contains(&target);
                targets.push(target);
                is_second.then_some("two volumes of a kind have the same target")
            }
            _ => Some("a volume of a kind must be `name:/path`"),
        };
        if let Some(problem) = problem {
            let help = "mount a generated file with `[files]`, and anything else in the services of the kind";
            cx.diagnostics.push(Diagnostic::new("invalid-kind", problem, volume.span).help(help));
        }
    }
}

/// The probe of a kind is one that runs.
fn check_probe(check: &tree::Table<'_>, cx: &mut Context<'_>) {
    for (key, node) in &check.entries {
        let problem = match (key.name.as_ref(), &node.value) {
            ("disable", _) => Some(("a kind cannot disable a healthcheck", "remove `disable`")),
            ("test", Value::List(words)) => {
                let first = words.first().map(|word| word.value.written());
                let runs = matches!(first.as_deref(), Some("CMD" | "CMD-SHELL")) && words.len() > 1;
                (!runs).then_some((
                    "invalid healthcheck",
                    "write `[\"CMD\", …]`, `[\"CMD-SHELL\", \"…\"]` or a shell line",
                ))
            }
            _ => None,
        };
        if let Some((title, help)) = problem {
            cx.diagnostics.push(Diagnostic::new("invalid-kind", title, node.span).help(help));
        }
    }
}

impl Declaration {
    /// The service that it gives, in the spec's own words.
    pub fn implied(&self) -> Option<&Service> {
        self.service.as_ref().map(|implied| &*implied.0)
    }

    /// Whether its services have a key that only some kinds have.
    pub fn takes(&self, key: Takes) -> bool {
        self.takes.iter().any(|takes| takes.value == key)
    }

    /// The ports that a service of the kind listens on.
    pub fn ports_of(&self, role: Option<Role>) -> &Map<KindPort> {
        let own = role.and_then(|role| self.roles.get(role.as_str()));
        own.map_or(&self.ports, |own| &own.ports)
    }

    /// Whether other services can use it for that.
    pub fn provides(&self, what: &str) -> bool {
        self.provides.get(what).is_some()
    }

    /// Whether a healthcheck could work: the kind has one, or its image holds a program for one.
    pub fn can_be_probed(&self) -> bool {
        self.has_healthcheck() || self.programs.as_ref().is_none_or(|programs| !programs.is_empty())
    }

    /// Whether it has a default healthcheck.
    pub fn has_healthcheck(&self) -> bool {
        self.implied().is_some_and(|service| service.healthcheck.is_some())
    }

    /// The endpoint of that name: its port and its path.
    pub fn endpoint(&self, name: &str) -> Option<(&str, &str)> {
        let found = endpoints(Some(self)).find(|(known, ..)| *known == name).map(|(_, port, path)| (port, path));
        found.or_else(|| self.ports.names().find(|port| *port == name).map(|port| (port, "")))
    }

    /// Reports unknown names in the declaration.
    fn check(&self, needs_templates: bool, cx: &mut Context<'_>) {
        const DECLARE: &str = "declare it, or fix its name";
        let mut refuse = |span: Span, title: String, help: &str| {
            cx.diagnostics.push(Diagnostic::new("invalid-kind", title, span).help(help));
        };
        for (name, port) in self.ports.iter().chain(self.roles.iter().flat_map(|(_, role)| role.ports.iter())) {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(is_plain) {
                let help = "use lowercase letters, digits, `-` and `_`";
                refuse(name.span, format!("invalid port name `{}`", shown(name)), help);
            }
            if port.target == 0 {
                refuse(name.span, format!("invalid port `{}`", shown(name)), "`target` must be from 1 to 65535");
            }
            // The column `rpc_port` of `cluster_membership` is a SMALLINT in Temporal's schemas (1.31.2, and its fork
            // for DSQL): a server that can't write its port there ends.
            if self.takes(Takes::Role) && *name.value == *"membership" && port.target > 32_767 {
                let help = "`target` must be at most 32767, which is the most that Temporal can store";
                refuse(name.span, format!("invalid port `{}`", shown(name)), help);
            }
        }
        self.check_roles(&mut refuse);
        for (_, endpoint) in self.endpoints.iter() {
            if !self.ports.knows(&endpoint.port) {
                refuse(endpoint.port.span, format!("unknown port `{}`", shown(&endpoint.port)), DECLARE);
            }
        }
        for (_, provision) in self.provides.iter() {
            for name in [&provision.query, &provision.push].into_iter().flatten() {
                if self.endpoint(name).is_none() {
                    refuse(name.span, format!("unknown endpoint or port `{}`", shown(name)), DECLARE);
                }
            }
        }
        for (path, file) in self.files.iter() {
            if !file.target.starts_with('/') {
                refuse(file.target.span, "`target` must be an absolute path".to_owned(), "start it with `/`");
            }
            if needs_templates && file.template.is_none() {
                let title = format!("missing `template` of the file `{}`", shown(path));
                refuse(path.span, title, "name a file in the kind's folder");
            }
        }
        for (name, need) in self.needs.iter() {
            if need.provides.is_some() == need.role.is_some() {
                let title = format!("the need `{}` must have either `provides` or `role`", shown(name));
                refuse(name.span, title, "set one of them");
            }
            if let Some(setting) = need.setting.as_ref().filter(|setting| !self.settings.knows(setting)) {
                refuse(setting.span, format!("unknown setting `{}`", shown(setting)), DECLARE);
            }
            if let Some(role) = need.role.as_ref().filter(|_| !self.takes(Takes::Cluster)) {
                let title = format!("the need `{}` has a role, but the kind has no cluster", shown(name));
                refuse(role.span, title, "add `takes = [\"cluster\"]`, or use `provides`");
            }
        }
        for (name, setting) in self.settings.iter() {
            setting.check(name, &mut refuse);
        }
        for (name, _) in self.new.iter().flat_map(|new| new.settings.iter()) {
            if !self.settings.knows(name) {
                refuse(name.span, format!("unknown setting `{}`", shown(name)), DECLARE);
            }
        }
        for text in self.texts() {
            for part in text.parts() {
                let (span, unknown) = match part {
                    Part::Address(address) if !self.knows(&address.service, &address.endpoint) => {
                        (address.span, format!("{}.{}", address.service, address.endpoint))
                    }
                    Part::Address(address) => {
                        if let Some(kind) = self.kind_of(address).filter(|kind| !kind.is_written()) {
                            let title = format!("a setting of type `{}` cannot be written in a text", kind.as_str());
                            refuse(address.span, title, "use it in a template of `[files]`");
                        }
                        continue;
                    }
                    Part::Env(reference) if reference.name != "self" => (reference.span, reference.name.clone()),
                    Part::Env(_) | Part::Literal(_) => continue,
                };
                let is_of_cluster = ["cluster.name", "cluster.namespace"].contains(&unknown.as_str());
                let help = if is_of_cluster { "add `takes = [\"cluster\"]`" } else { DECLARE };
                refuse(span, format!("unknown reference `${{{}}}`", shown(&unknown)), help);
            }
        }
        for command in self.commands() {
            self.check_command(command, &mut refuse);
        }
        if let Some(service) = self.implied() {
            self.check_service(service, &mut refuse);
        }
        self.check_bounds(cx);
    }

    /// Reports ports that a role lacks, and roles with the same port: a server without a role runs all of them, and
    /// listens where its frontend does.
    fn check_roles(&self, refuse: &mut impl FnMut(Span, String, &str)) {
        let Some(takes) = self.takes.iter().find(|takes| takes.value == Takes::Role) else { return };
        let target = |role, port: &str| self.ports_of(role).get(port).map(|port| port.target);
        for port in ["grpc", "membership", "metrics"] {
            let lacking =
                Role::ALL.iter().filter(|role| target(Some(**role), port).is_none()).map(|role| role.as_str());
            let lacking: Vec<&str> = lacking.collect();
            if let [first, ..] = lacking[..] {
                let title = format!("missing port `{port}` of {}", roles(&lacking));
                refuse(takes.span, title, &format!("declare it: `[roles.{first}.ports.{port}]`"));
            } else if target(None, port) != target(Some(Role::Frontend), port) {
                let title = format!("the port `{port}` of the role `frontend` must be that of `[ports]`");
                refuse(takes.span, title, "remove it from `[roles.frontend.ports]`, or change the other one");
            }
        }
        let metrics = Role::ALL.iter().filter_map(|role| target(Some(*role), "metrics"));
        let mut listening: HashSet<u16> = metrics.collect();
        let mut is_shared = |role: &&Role| {
            let mut own = ["grpc", "membership"].into_iter().filter_map(|port| target(Some(**role), port));
            own.any(|port| !listening.insert(port))
        };
        let shared: Vec<&str> = Role::ALL.iter().filter(|role| is_shared(role)).map(|role| role.as_str()).collect();
        if let [first, ..] = shared[..] {
            let title = format!("{} share ports with others", roles(&shared));
            refuse(takes.span, title, &format!("declare ports of their own, such as `[roles.{first}.ports.grpc]`"));
        }
    }

    /// Reports what its services would lack: ports, names of variables, a program for the healthcheck.
    fn check_service(&self, service: &Service, refuse: &mut impl FnMut(Span, String, &str)) {
        let ports: Vec<&str> =
            self.ports.names().chain(self.roles.iter().flat_map(|(_, role)| role.ports.names())).collect();
        let mut need_port = |name: &str, span: Span| {
            if !ports.contains(&name) {
                refuse(
                    span,
                    format!("unknown port `{}`", shown(name)),
                    &format!("declare it: `[ports.{}]`", shown(name)),
                );
            }
        };
        if let Some(Spanned { value: Scraped::At(metrics), .. }) = service.metrics.as_deref() {
            need_port(&metrics.port, metrics.port.span);
        }
        if let Some(check) = &service.healthcheck {
            let named = check.port.as_ref().or(check.tcp.as_ref()).map(|port| (port.value.as_str(), port.span));
            let usual = check.http.as_ref().map(|path| (HTTP_PORT, path.span));
            if let Some((name, span)) = named.or(usual) {
                need_port(name, span);
            }
        }
        if let Some(Spanned { value: Scraped::Kind(_), span }) = service.metrics.as_deref() {
            refuse(*span, "missing port of the metrics".to_owned(), "name one: `metrics = { port = \"http\" }`");
        }
        for (name, _) in service.environment.iter() {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            if !name.chars().all(is_name) || !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                let help = "use letters, digits, `_`, `.` and `-`, and don't start with a digit";
                refuse(name.span, format!("invalid variable name `{}`", shown(name)), help);
            }
        }
        let probe = service.healthcheck.as_ref();
        if let (Some(path), Some(known)) = (probe.and_then(|probe| probe.http.as_ref()), &self.programs) {
            let wanted = probe.and_then(|probe| probe.probe.as_ref()).map(|probe| probe.value.as_str());
            let usable = ["curl", "wget", "python3"];
            let is_there =
                |program: &String| wanted.map_or(usable.contains(&program.as_str()), |wanted| program == wanted);
            if !known.iter().any(is_there) {
                let title = "`programs` has nothing that can do this GET".to_owned();
                refuse(path.span, title, "add `curl`, `wget` or `python3` if the image has it, or use `test`");
            }
        }
    }

    /// Reports what a command can't refer to: a value that may be missing, where what is left has another meaning, and
    /// in a line one that would have to be quoted.
    fn check_command(&self, command: &Command, refuse: &mut impl FnMut(Span, String, &str)) {
        let (texts, is_line) = match command {
            Command::Line(text) => (std::slice::from_ref(text), true),
            Command::Arguments(texts) => (texts.as_slice(), false),
        };
        for text in texts {
            for part in text.parts() {
                let Part::Address(address) = part else { continue };
                let name = format!("${{{}.{}}}", shown(&address.service), shown(&address.endpoint));
                if is_line && self.kind_of(address).is_some_and(SettingType::is_free) {
                    let title = format!("a command line cannot refer to `{name}`, whose value may have spaces");
                    refuse(address.span, title, "write the command as a list of arguments");
                } else if self.may_lack(address) && (is_line || text.parts().len() == 1) {
                    let title = format!("a command cannot depend on `{name}`, which may be missing");
                    let help = "give the setting a `default` or `required`, or write it in one argument with its option, \
                                such as `--name=${…}`, which is then left out";
                    refuse(address.span, title, help);
                }
            }
        }
    }

    /// The type of the setting that a reference names.
    fn kind_of(&self, address: &AddressReference) -> Option<SettingType> {
        let setting = self.settings.get(&address.endpoint).filter(|_| address.service == "settings");
        setting.map(|setting| setting.kind)
    }

    /// Whether what a reference names may be missing.
    fn may_lack(&self, address: &AddressReference) -> bool {
        match address.service.as_str() {
            "settings" => self.settings.get(&address.endpoint).is_some_and(|setting| {
                let is_set = setting.default.is_some() || setting.default_if.is_some() || setting.required.is_some();
                // So is an empty list.
                !is_set || setting.kind == SettingType::Strings
            }),
            "published" => true,
            need => self.needs.get(need).is_some_and(|need| need.only_if.is_some()),
        }
    }

    /// Reports bounds of settings that are not of their types, and defaults that are out of them.
    fn check_bounds(&self, cx: &mut Context<'_>) {
        for (_, setting) in self.settings.iter() {
            let limit = setting.review.as_ref().and_then(|review| review.unlimited.as_ref());
            let all = [&setting.minimum, &setting.maximum, &setting.multiple_of];
            for literal in all.into_iter().flatten().chain(limit) {
                let value = setting.kind.read(literal.0.clone(), cx);
                let is_zero = value.is_some_and(|value| value.amount() == Some(0));
                if is_zero && setting.multiple_of.as_ref().is_some_and(|step| std::ptr::eq(step, literal)) {
                    let title = "`multiple_of` must not be zero";
                    cx.diagnostics.push(Diagnostic::new("invalid-kind", title, literal.0.span).help("remove it"));
                }
            }
            if let Some(default) = &setting.default {
                let mut problems = Vec::new();
                setting.read(default.0.clone(), cx, &mut problems);
                for problem in problems {
                    cx.diagnostics.push(problem);
                }
            }
        }
    }
}

impl Declaration {
    /// The texts that are resolved for each service of the kind.
    fn texts(&self) -> Vec<&Text> {
        let mut texts: Vec<&Text> = self.description.iter().collect();
        texts.extend(self.settings.iter().filter_map(|(_, setting)| setting.required.as_ref()));
        let Some(service) = self.implied() else { return texts };
        for command in self.commands() {
            match command {
                Command::Line(text) => texts.push(text),
                Command::Arguments(arguments) => texts.extend(arguments),
            }
        }
        for (_, tree) in service.compose.iter() {
            tree.texts(&mut texts);
        }
        texts.extend(service.environment.iter().map(|(_, value)| &value.0));
        texts.extend(service.volumes.iter().flat_map(|mount| mount.0.source.iter().chain([&mount.0.target])));
        texts
    }

    /// Its commands: those of its services, and of their healthcheck.
    fn commands(&self) -> impl Iterator<Item = &Command> {
        let commands = self.implied().map(|service| {
            let probe = service.healthcheck.as_ref().and_then(|check| check.test.as_ref());
            [service.command.as_deref(), service.entrypoint.as_deref(), probe]
        });
        commands.into_iter().flatten().flatten().map(|command| &command.value)
    }

    /// Whether a reference in the kind's texts is known.
    fn knows(&self, of: &str, name: &str) -> bool {
        match of {
            "self" => self.endpoint(name).is_some(),
            "settings" => self.settings.knows(name),
            "published" => self.ports.knows(name),
            "cluster" => ["name", "namespace"].contains(&name) && self.takes(Takes::Cluster),
            need => self.needs.knows(need),
        }
    }
}

/// Roles in a message.
fn roles(names: &[&str]) -> String {
    format!("the role{} {}", if names.len() == 1 { "" } else { "s" }, listed(names.iter().copied()))
}

/// The endpoints of a kind, or of a service without one: name, port and path.
pub fn endpoints(kind: Option<&Declaration>) -> impl Iterator<Item = (&str, &str, &str)> {
    let own = kind.into_iter().flat_map(|kind| kind.endpoints.iter());
    let own = own.map(|(name, endpoint)| {
        (name.value.as_str(), endpoint.port.value.as_str(), endpoint.path.as_deref().unwrap_or_default())
    });
    std::iter::once(("url", "http", "")).chain(own)
}

/// The value of a setting.
#[derive(Debug, Clone)]
pub enum SettingValue {
    /// `true` or `false`.
    Boolean(bool),
    /// An integer.
    Integer(u32),
    /// A duration.
    Duration(Duration),
    /// A size.
    Size(Size),
    /// A string, or the name of a service.
    String(String),
    /// A string with references.
    Text(Text),
    /// A list of strings.
    Strings(Vec<Spanned<String>>),
    /// A string for each name.
    StringsByName(Map<String>),
    /// A port for each name.
    Ports(Map<Spanned<u16>>),
}

impl SettingValue {
    /// How much it is, to be compared with others of its type.
    pub fn amount(&self) -> Option<u64> {
        match self {
            Self::Boolean(value) => Some(u64::from(*value)),
            Self::Integer(number) => Some(u64::from(*number)),
            Self::Duration(duration) => Some(duration.milliseconds),
            Self::Size(size) => size.bytes(),
            _ => None,
        }
    }
}

impl SettingType {
    /// Reads a value of this type.
    pub fn read(self, node: Node<'_>, cx: &mut Context<'_>) -> Option<SettingValue> {
        Some(match self {
            Self::Boolean => SettingValue::Boolean(bool::decode(node, cx)?),
            Self::Integer => SettingValue::Integer(u32::decode(node, cx)?),
            Self::Duration => SettingValue::Duration(Duration::decode(node, cx)?),
            Self::Size => SettingValue::Size(Size::decode(node, cx)?),
            Self::String | Self::Service => SettingValue::String(String::decode(node, cx)?),
            Self::Identifier => SettingValue::String(Identifier::decode(node, cx)?.0),
            Self::Text | Self::Secret => SettingValue::Text(Text::decode(node, cx)?),
            Self::Strings => SettingValue::Strings(Vec::decode(node, cx)?),
            Self::StringsByName => SettingValue::StringsByName(Map::decode(node, cx)?),
            Self::Ports => SettingValue::Ports(Map::decode(node, cx)?),
        })
    }

    /// The value of a literal of the kind's own, which was checked when the kind was read.
    pub fn value_of(self, literal: &Literal) -> Option<SettingValue> {
        let mut diagnostics = Diagnostics::default();
        let mut cx = Context { sources: &Sources::default(), diagnostics: &mut diagnostics };
        self.read(literal.0.clone(), &mut cx)
    }

    fn schema(self, schemas: &mut Schemas) -> Schema {
        match self {
            Self::Boolean => bool::schema(schemas),
            Self::Integer => u32::schema(schemas),
            Self::Duration => Duration::schema(schemas),
            Self::Size => Size::schema(schemas),
            Self::String | Self::Service => String::schema(schemas),
            Self::Identifier => Identifier::schema(schemas),
            Self::Text | Self::Secret => Text::schema(schemas),
            Self::Strings => schema::list::<String>(schemas),
            Self::StringsByName => schema::map::<String>(schemas),
            Self::Ports => schema::map::<u16>(schemas),
        }
    }
}

impl SettingType {
    /// Whether a text can have it.
    fn is_written(self) -> bool {
        !matches!(self, Self::StringsByName | Self::Ports)
    }

    /// Whether its value may have any characters.
    fn is_free(self) -> bool {
        matches!(self, Self::String | Self::Text | Self::Strings)
    }
}

impl Setting {
    /// Reports a declaration that contradicts itself.
    fn check(&self, name: &Spanned<String>, refuse: &mut impl FnMut(Span, String, &str)) {
        if let Some(fact) = self.default_if.as_ref().filter(|_| self.kind != SettingType::Boolean) {
            let title = "only a boolean can have `default_if`".to_owned();
            refuse(fact.span, title, "remove it, or set `type = \"boolean\"`");
        }
        if self.required.is_some() && (self.default.is_some() || self.default_if.is_some()) {
            let title = format!("the required setting `{}` cannot have a default", shown(name));
            refuse(name.span, title, "remove `required` or the default");
        }
        let has_amount = matches!(self.kind, SettingType::Integer | SettingType::Duration | SettingType::Size);
        for (key, literal) in
            [("minimum", &self.minimum), ("maximum", &self.maximum), ("multiple_of", &self.multiple_of)]
        {
            if let Some(literal) = literal.as_ref().filter(|_| !has_amount) {
                let title = format!("a setting of type `{}` cannot have `{key}`", self.kind.as_str());
                refuse(literal.0.span, title, "remove it, or change `type` to `integer`, `duration` or `size`");
            }
        }
        let amount = |literal: &Literal| self.kind.value_of(literal)?.amount();
        if let (Some(least), Some(most)) = (&self.minimum, &self.maximum)
            && let (Some(low), Some(high)) = (amount(least), amount(most))
            && low > high
        {
            let title = format!("`maximum` of the setting `{}` is less than its `minimum`", shown(name));
            refuse(most.0.span, title, "raise `maximum`, or lower `minimum`");
        }
        if let Some(percent) = &self.percent_of_memory {
            if self.kind != SettingType::Size {
                refuse(
                    percent.span,
                    "only a size can have `percent_of_memory`".to_owned(),
                    "remove it, or set `type = \"size\"`",
                );
            } else if !(1..=100).contains(&percent.value) {
                refuse(percent.span, format!("invalid percentage {}", percent.value), "write an integer from 1 to 100");
            }
        }
    }

    /// Reads its value for a service, and checks that it is within its bounds.
    fn read(&self, node: Node<'_>, cx: &mut Context<'_>, problems: &mut Vec<Diagnostic>) -> Option<SettingValue> {
        let (span, written) = (node.span, node.value.written());
        let value = self.kind.read(node, cx)?;
        let Some(amount) = value.amount() else { return Some(value) };
        let bound = |literal: &Option<Literal>| {
            let literal = literal.as_ref()?;
            Some((self.kind.value_of(literal)?.amount()?, literal.0.value.written()))
        };
        let expected = match (bound(&self.minimum), bound(&self.maximum), bound(&self.multiple_of)) {
            (_, _, Some((step, written))) if !amount.is_multiple_of(step) => format!("a multiple of {written}"),
            (Some((least, written)), ..) if amount < least => format!("at least {written}"),
            (_, Some((most, written)), _) if amount > most => format!("at most {written}"),
            _ => return Some(value),
        };
        problems.push(self.out_of_range(&written, &expected, span));
        Some(value)
    }

    fn out_of_range(&self, written: &str, expected: &str, span: Span) -> Diagnostic {
        let title = self.otherwise.clone().unwrap_or_else(|| format!("{} is out of range", shown(written)));
        let diagnostic = Diagnostic::new("number-out-of-range", title, span).at(format!("must be {expected}"));
        match &self.example {
            Some(example) => diagnostic.help(format!("write e.g. `{example}`")),
            None => diagnostic,
        }
    }

    /// The default.
    pub fn default_value(&self) -> Option<SettingValue> {
        self.kind.value_of(self.default.as_ref()?)
    }

    fn schema(&self, schemas: &mut Schemas) -> Schema {
        let mut schema = self.kind.schema(schemas);
        if let Some(default) = &self.default {
            schema["default"] = default.0.value.json();
        }
        if let Some(example) = &self.example {
            schema["examples"] = json!([example]);
        }
        schema
    }
}

/// The settings of a service: read by [`settle`], which knows the kind.
#[derive(Debug, Clone)]
pub struct Settings {
    written: Vec<(Spanned<String>, Node<'static>)>,
    values: Vec<(String, Spanned<SettingValue>)>,
    /// Values that contradict what the kind declares: those that can be read, and are wrong.
    pub out_of_range: Vec<Diagnostic>,
    /// Settings that only other kinds have. The kind may be what is wrong.
    pub foreign: Vec<Diagnostic>,
}

impl Settings {
    /// The value of a setting that is written, and right.
    pub fn get(&self, name: &str) -> Option<&Spanned<SettingValue>> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The settings that are written, and right.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Spanned<SettingValue>)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The service that a setting names.
    pub fn named(&self, name: &str) -> Option<Spanned<String>> {
        let value = self.get(name)?;
        match &value.value {
            SettingValue::String(name) => Some(Spanned { value: name.clone(), span: value.span }),
            _ => None,
        }
    }

    /// A list of strings; empty if it isn't written.
    pub fn strings(&self, name: &str) -> &[Spanned<String>] {
        match self.get(name).map(|value| &value.value) {
            Some(SettingValue::Strings(strings)) => strings,
            _ => &[],
        }
    }

    /// A string for each name.
    pub fn strings_by_name(&self, name: &str) -> Option<&Map<String>> {
        match &self.get(name)?.value {
            SettingValue::StringsByName(map) => Some(map),
            _ => None,
        }
    }

    /// A port for each name.
    pub fn ports(&self, name: &str) -> Option<&Map<Spanned<u16>>> {
        match &self.get(name)?.value {
            SettingValue::Ports(map) => Some(map),
            _ => None,
        }
    }
}

impl Decode for Settings {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let table = table_of(node, "a table for settings", cx)?;
        let entry = |(key, node): (tree::Key<'_>, Node<'_>)| {
            (Spanned { value: key.name.into_owned(), span: key.span }, node.into_owned())
        };
        let written = table.entries.into_iter().map(entry).collect();
        Some(Self { written, values: Vec::new(), out_of_range: Vec::new(), foreign: Vec::new() })
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schemas.define("settings", "The settings of the kind, which decides which keys there are.", |schemas| {
            let mut fields: Vec<schema::Field> = Vec::new();
            for kind in schemas.kinds.clone().all() {
                for (name, setting) in kind.settings.iter() {
                    let own = setting.schema(schemas);
                    let docs = format!("`{}`: {}.", kind.as_str(), setting.about);
                    match fields.iter_mut().find(|known| known.key == name.value) {
                        Some(known) => {
                            known.schema = schema::any_of([known.schema.take(), own]);
                            known.docs = format!("{} {docs}", known.docs).into();
                        }
                        None => fields.push(schema::Field {
                            key: name.value.clone().into(),
                            docs: docs.into(),
                            default: None,
                            schema: own,
                            required: false,
                        }),
                    }
                }
            }
            fields
        })
    }
}

/// Reads the settings of a service as its kind declares them.
pub fn settle(mut service: Service, cx: &mut Context<'_>) -> Service {
    let kind = service.kind.as_ref().map(|kind| kind.value.clone());
    if let Some(settings) = &mut service.settings {
        service.sound &= settle_settings(kind.as_ref(), settings, service.sound, cx);
    }
    service
}

/// Reads settings as those of a kind; false if one can't be read.
pub fn settle_settings(kind: Option<&Kind>, settings: &mut Settings, sound: bool, cx: &mut Context<'_>) -> bool {
    let before = cx.diagnostics.len();
    // The kind may be what could not be read.
    if kind.is_none() && !sound {
        return true;
    }
    for (key, node) in std::mem::take(&mut settings.written) {
        if let Some(setting) = kind.and_then(|kind| kind.settings.get(&key.value)) {
            let span = node.span;
            let value = setting.read(node, cx, &mut settings.out_of_range);
            settings.values.extend(value.map(|value| (key.value, Spanned { value, span })));
            continue;
        }
        let (is_foreign, diagnostic) = unknown(kind, cx.sources.kinds(), &key, node.span);
        if is_foreign {
            settings.foreign.push(diagnostic);
        } else {
            cx.diagnostics.push(diagnostic);
        }
    }
    cx.diagnostics.len() == before
}

/// A setting that the kind doesn't have, and whether another kind has it.
fn unknown(kind: Option<&Kind>, kinds: &Kinds, key: &Spanned<String>, value: Span) -> (bool, Diagnostic) {
    let known: Vec<&str> = kind.into_iter().flat_map(|kind| kind.declaration().settings.names()).collect();
    let all: Vec<Kind> = kinds.all().collect();
    let elsewhere: Vec<&str> = all.iter().flat_map(|kind| kind.declaration().settings.names()).collect();
    let has = || match known.as_slice() {
        [] => "remove it".to_owned(),
        known => format!("expected one of {}", listed(known.iter().copied())),
    };
    if kind.is_none() || elsewhere.contains(&key.value.as_str()) {
        let title = match kind {
            Some(kind) => format!("unknown setting `{}` of kind `{}`", key.value, kind.as_str()),
            None => format!("setting `{}` cannot be used without a `kind`", shown(&key.value)),
        };
        return (true, Diagnostic::new("foreign-setting", title, value).help(has()));
    }
    let title = format!("unknown key `{}` in settings", shown(&key.value));
    (false, Diagnostic::new("unknown-key", title, key.span).suggest(&key.value, known.iter().copied(), has))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_decoded_without_a_diagnostic() {
        for kind in &BUILT_IN {
            let mut diagnostics = Diagnostics::default();
            assert!(kind.decode(&mut diagnostics).is_some(), "{}", kind.name);
            assert!(diagnostics.is_empty(), "{}: {:#?}", kind.name, diagnostics.into_sorted());
        }
        assert_eq!(Kinds::default().all().count(), Kind::WORDS.len());
    }

    #[test]
    fn a_setting_has_bounds() {
        let toml = "title = \"x\"\n[settings.size]\ntype = \"size\"\nabout = \"x\"\nminimum = \"2m\"\nmaximum = \"1g\"\n\
                    [settings.time]\ntype = \"duration\"\nabout = \"x\"\nminimum = \"1h\"\nmultiple_of = \"1h\"\nexample = \"3h\"\n\
                    [settings.count]\ntype = \"integer\"\nabout = \"x\"\nmaximum = 5\n";
        let declaration = BuiltIn::new("bounded", toml, &[]).decode(&mut Diagnostics::default()).unwrap();
        let span = Span { file: 0, start: 0, end: 1 };
        for (name, value, expected) in [
            ("count", "5", None),
            ("count", "6", Some(("must be at most 5", None))),
            ("size", "2m", None),
            ("size", "1024m", None),
            ("size", "2047k", Some(("must be at least 2m", None))),
            ("size", "1025m", Some(("must be at most 1g", None))),
            ("time", "120m", None),
            ("time", "90m", Some(("must be a multiple of 1h", Some("write e.g. `3h`")))),
            ("time", "0h", Some(("must be at least 1h", Some("write e.g. `3h`")))),
        ] {
            let (mut diagnostics, mut problems) = (Diagnostics::default(), Vec::new());
            let mut cx = Context { sources: &Sources::default(), diagnostics: &mut diagnostics };
            let number = value.parse().map(Value::Integer);
            let node = Node { span, value: number.unwrap_or_else(|_| Value::String(value.into())) };
            let read = declaration.settings.get(name).unwrap().read(node, &mut cx, &mut problems);
            assert!(read.is_some() && diagnostics.is_empty(), "{value}");
            let found = problems.first().map(|problem| (problem.labels[0].text.as_str(), problem.help.as_deref()));
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn a_wrong_kind_is_a_diagnostic_at_its_place() {
        for (toml, code, place) in [
            ("titel = \"x\"", "unknown-key", "titel"),
            ("title = \"x\"\nendpoints.a = { port = \"grpc\" }", "invalid-kind", "\"grpc\""),
            ("title = \"x\"\nprovides.logs.push = \"psh\"", "invalid-kind", "\"psh\""),
            ("title = \"x\"\nneeds.db = {}", "invalid-kind", "db"),
            ("title = \"x\"\nneeds.db = { provides = \"sql\", setting = \"s\" }", "invalid-kind", "\"s\""),
            (
                "title = \"x\"\nsettings.a = { type = \"duration\", about = \"x\", default = \"soon\" }",
                "invalid-duration",
                "\"soon\"",
            ),
            (
                "title = \"x\"\nsettings.a = { type = \"integer\", about = \"x\", minimum = \"1\" }",
                "wrong-type",
                "\"1\"",
            ),
            (
                "title = \"x\"\nsettings.a = { type = \"integer\", about = \"x\", default_if = \"loopback-only\" }",
                "invalid-kind",
                "\"loopback-only\"",
            ),
            ("title = \"x\"\nservice.command = [\"${settings.b}\"]", "invalid-kind", "${settings.b}"),
            ("title = \"x\"\ndescription = \"of ${cluster.name}\"", "invalid-kind", "${cluster.name}"),
            ("title = \"x\"\nservice.environment.A = \"${db.sql}\"", "invalid-kind", "${db.sql}"),
            ("title = \"x\"\nservice.environment.A = \"${self} ${B}\"", "invalid-kind", "${B}"),
            (
                "title = \"x\"\nports.http.target = 1\nservice.environment.A = \"${self.http} ${self.grpc}\"",
                "invalid-kind",
                "${self.grpc}",
            ),
            ("title = \"x\"\nnew.settings.b = 1", "invalid-kind", "b"),
            ("title = \"x\"\nservice.image = \"a:1\"", "unknown-key", "image"),
        ] {
            let toml: &'static str = Box::leak(toml.to_owned().into_boxed_str());
            let mut diagnostics = Diagnostics::default();
            BuiltIn::new("wrong", toml, &[]).decode(&mut diagnostics);
            let found = diagnostics.into_sorted();
            let span = found[0].primary().unwrap();
            assert_eq!((found.len(), found[0].code), (1, code), "{toml}: {found:#?}");
            assert_eq!(&toml[span.start as usize..span.end as usize], place, "{toml}");
        }
    }
}
