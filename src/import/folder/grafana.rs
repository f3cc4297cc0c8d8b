//! The service that runs Grafana, as one of the kind `grafana`.

use std::collections::{BTreeMap, HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::dashboards::Found;
use super::expand::Environment;
use super::mounts::{Mounts, PROVISIONING};
use super::provisioning::{Reader, Refused, Secret, Tables, boolean};
use super::{Files, Note};
use crate::import::compose::{Kind, NOWHERE, Notes, images, key, string, table};
use crate::import::names::Names;
use crate::model::Datasource;
use crate::model::text::Tree;
use crate::spec::decode::shown;
use crate::spec::merge::SERVICE;
use crate::spec::service::{HTTP_PORT, ShortPort};
use crate::spec::source::Sources;
use crate::spec::stack::Queried;
use crate::spec::tree::{Node, Table, Value};

/// The port on which it listens.
const PORT: &str = "3000";

/// What holds the administrator's password.
const PASSWORD: &str = "GF_SECURITY_ADMIN_PASSWORD";
const ANONYMOUS: &str = "GF_AUTH_ANONYMOUS_ENABLED";

const CUSTOM_PROVISIONING: &str = "GF_PATHS_PROVISIONING";

/// Variables that change what the kind relies on.
const FOREIGN: [&str; 4] =
    ["GF_PATHS_CONFIG", CUSTOM_PROVISIONING, "GF_SECURITY_ADMIN_PASSWORD__FILE", "GF_PLUGINS_PREINSTALL_SYNC"];

/// Variables with the only value that the kind can have.
const FIXED: [(&str, &str, &str); 2] = [
    ("GF_SERVER_PROTOCOL", "http", "it does not use HTTP"),
    ("GF_SERVER_HTTP_PORT", PORT, "it does not listen on port 3000"),
];

/// Where files of settings are. Variables, of which the kind sets some, have precedence.
const SETTINGS: [&str; 3] =
    ["/etc/grafana/grafana.ini", "/etc/grafana/custom.ini", "/usr/share/grafana/conf/custom.ini"];

/// Why a Grafana stays as it is.
pub(super) struct Refusal {
    /// Its service.
    pub service: String,
    /// Why.
    pub why: String,
}

/// What becomes of a Grafana.
pub(super) struct Plan {
    /// Its service.
    pub service: String,
    /// Its dashboards.
    pub found: Found,
    /// What to say.
    pub notes: Vec<Note>,
    datasources: Tables,
    secrets: BTreeMap<String, Secret>,
    password: String,
    anonymous: bool,
    volumes: Vec<Node<'static>>,
}

/// What becomes of the Grafana of a project, if that has provisioning in the folder.
pub(super) fn plan(spec: &Table<'static>, files: &Files<'_>) -> Result<Option<Plan>, Refusal> {
    let Some(Node { value: Value::Table(services), .. }) = spec.at(&[SERVICE]) else { return Ok(None) };
    let of_grafana = services.entries.iter().filter_map(|(name, node)| match &node.value {
        Value::Table(service) if images::kind(service) == Some("grafana") => Some((&*name.name, service)),
        _ => None,
    });
    let mut provisioned = of_grafana.filter_map(|(name, service)| {
        let mounts = Mounts::of(service, files);
        let is_provisioned = mounts.touch(Utf8Path::new(PROVISIONING))
            || mounts.unknown(true).is_some()
            || granted(service).iter().any(|target| Utf8Path::new(target).starts_with(PROVISIONING))
            || mounts.here().next().is_some() && environment(service).contains_key(CUSTOM_PROVISIONING);
        is_provisioned.then_some((name, service, mounts))
    });
    let Some((name, service, mounts)) = provisioned.next() else { return Ok(None) };
    let refuse = |why: String| Refusal { service: name.to_owned(), why };
    if let Some((other, ..)) = provisioned.next() {
        return Err(refuse(format!(
            "every Grafana of a spec has the same datasources, but `{}` has its own provisioning",
            shown(other)
        )));
    }
    convert((spec, services), (name, service), &mounts, files).map_err(refuse)
}

fn convert(
    (spec, services): (&Table<'static>, &Table<'static>),
    (name, service): (&str, &Table<'static>),
    mounts: &Mounts<'_>,
    files: &Files<'_>,
) -> Refused<Option<Plan>> {
    let environment = environment(service);
    settings(service, &environment, mounts)?;
    let anonymous = environment.get(ANONYMOUS).map_or("", String::as_str);
    if anonymous.contains('$') {
        return Err(format!("the value of `{ANONYMOUS}` depends on a variable"));
    }
    let anonymous = is_on(anonymous);
    let is_usual = |ports: &Value<'_>| match ports {
        Value::Table(ports) => matches!(ports.entries.as_slice(), [(key, _)] if key.name == HTTP_PORT),
        _ => false,
    };
    if service.at(&["ports"]).is_some_and(|node| !is_usual(&node.value)) {
        return Err(format!("the kind can publish port {PORT} only, and only once"));
    }
    let declared = match spec.at(&["env"]).map(|node| &node.value) {
        Some(Value::Table(env)) => env.entries.as_slice(),
        _ => &[],
    };
    let mut names = Names::default();
    for (key, _) in declared {
        names.unique(&key.name);
    }
    let is_required = |node: &Node<'_>| match &node.value {
        Value::Table(table) => table.at(&["required"]).is_some_and(|node| node.value == Value::Boolean(true)),
        _ => false,
    };
    let required = declared.iter().filter(|(_, node)| is_required(node));
    let port = |service: &str, number: u16| named_port(services, service, number);
    let mut reader = Reader {
        files,
        mounts,
        environment: &environment,
        port: &port,
        defaulted: defaulted(spec, name, &environment),
        required: required.map(|(key, _)| key.name.clone().into_owned()).collect(),
        names,
        notes: Vec::new(),
        secrets: BTreeMap::new(),
    };
    let (datasources, known) = reader.datasources()?;
    let providers = reader.providers()?;
    if datasources.is_empty() && providers.is_empty() {
        return Ok(None);
    }
    let found = Found::read(&providers, (mounts, files), known)?;
    let password = environment.get(PASSWORD).map_or("", String::as_str);
    let new = || "GRAFANA_ADMIN_PASSWORD".to_owned();
    let password = reader.secret(password, new, &format!("the administrator password of `{}`", shown(name)), &None);
    let paths: Vec<Utf8PathBuf> = providers.into_iter().map(|provider| provider.path).collect();
    let Reader { mut notes, secrets, .. } = reader;
    notes.push(Note {
        kind: Kind::Assumed,
        place: None,
        message: format!(
            "`kind = \"grafana\"` adds what `{}` does not set: a healthcheck, `mem_limit`, `cap_drop`, a volume for \
             `/var/lib/grafana`, and variables of Grafana; datasources cannot be edited in Grafana, and those \
             that leave the spec are deleted from it",
            shown(name)
        ),
    });
    if service.at(&["env_file"]).is_some() {
        let message = format!("variables that the kind sets override those in the `env_file` of `{}`", shown(name));
        notes.push(Note { kind: Kind::Assumed, place: None, message });
    }
    if let Some(path) = paths.iter().find(|path| Utf8Path::new(PROVISIONING).starts_with(path)) {
        return Err(format!("its folder of dashboards, `{path}`, contains other files of Grafana"));
    }
    let volumes = mounts.left(&paths);
    Ok(Some(Plan { service: name.to_owned(), found, notes, datasources, secrets, password, anonymous, volumes }))
}

/// Refuses settings that the kind would change.
fn settings(service: &Table<'_>, environment: &Environment, mounts: &Mounts<'_>) -> Refused<()> {
    if let Some(foreign) = FOREIGN.iter().find(|name| environment.contains_key(**name)) {
        return Err(format!("it sets `{foreign}`, which the kind does not support"));
    }
    for (name, only, why) in FIXED {
        match environment.get(name) {
            Some(value) if value.contains('$') => return Err(format!("the value of `{name}` depends on a variable")),
            Some(value) if !value.is_empty() && value != only => return Err(why.to_owned()),
            _ => {}
        }
    }
    if let Some(target) = mounts.unknown(false) {
        return Err(format!("the target `{}` of a mount depends on a variable", shown(target)));
    }
    let overridden = |path: &str| format!("the kind would override settings in `{path}`");
    for path in SETTINGS {
        if mounts.has(Utf8Path::new(path))? {
            return Err(overridden(path));
        }
    }
    let is_of_grafana = |target: &String| {
        SETTINGS.contains(&target.as_str()) || target.contains('$') || target.starts_with(PROVISIONING)
    };
    match granted(service).into_iter().find(is_of_grafana) {
        Some(target) if SETTINGS.contains(&target.as_str()) => Err(overridden(&target)),
        Some(target) => Err(format!("`{}` in the container comes from `configs` or `secrets`", shown(&target))),
        None => Ok(()),
    }
}

/// The paths at which a service has configs and secrets of the project.
fn granted(service: &Table<'_>) -> Vec<String> {
    let mut targets = Vec::new();
    for (section, folder) in [("configs", "/"), ("secrets", "/run/secrets/")] {
        let Some(Node { value: Value::List(items), .. }) = service.at(&[section]) else { continue };
        for item in items {
            let target = match &item.value {
                Value::Table(grant) => {
                    grant.at(&["target"]).or(grant.at(&["source"])).map_or(String::new(), |node| node.value.written())
                }
                name => name.written(),
            };
            targets.push(if target.starts_with('/') { target } else { format!("{folder}{target}") });
        }
    }
    targets
}

/// Whether a setting of Grafana is on: its INI files know more words than Go, and anything else is off (`parseBool` of
/// `gopkg.in/ini.v1`, `MustBool(false)` of `pkg/setting`).
fn is_on(text: &str) -> bool {
    boolean(text).unwrap_or_else(|| ["YES", "yes", "Yes", "y", "ON", "on", "On"].contains(&text))
}

/// What a service sets, by name.
fn environment(service: &Table<'_>) -> Environment {
    match service.at(&["environment"]).map(|node| &node.value) {
        Some(Value::Table(table)) => {
            table.entries.iter().map(|(name, node)| (name.name.clone().into_owned(), node.value.written())).collect()
        }
        Some(Value::List(items)) => {
            let items =
                items.iter().filter_map(|item| if let Value::String(text) = &item.value { Some(text) } else { None });
            let assigned = |text: &str| match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (text.to_owned(), format!("${{{text}}}")),
            };
            items.map(|text| assigned(text)).collect()
        }
        _ => Environment::new(),
    }
}

/// The name of the port of a service with a number.
fn named_port(services: &Table<'_>, service: &str, number: u16) -> Option<String> {
    let ports = &services.at(&[service, "ports"])?.value;
    let number = number.to_string();
    let mut named: Vec<String> = match ports {
        Value::Table(ports) => {
            let target = |node: &Node<'_>| match &node.value {
                Value::Table(port) => port.at(&["target"]).map(|node| node.value.written()),
                port => Some(port.written()),
            };
            let of_number = ports.entries.iter().filter(|(_, node)| target(node).is_some_and(|own| own == number));
            of_number.map(|(key, _)| key.name.clone().into_owned()).collect()
        }
        // Those without a name have that of their number.
        Value::List(items) => {
            let of_number = items.iter().filter(|item| match &item.value {
                Value::String(text) => ShortPort::split(text).is_some_and(|port| port.target == number),
                port => port.written() == number,
            });
            of_number.map(|_| number.clone()).collect()
        }
        _ => Vec::new(),
    };
    named.pop().filter(|_| named.is_empty())
}

/// The variables for which something has a default, other than Grafana's password.
fn defaulted(spec: &Table<'_>, grafana: &str, environment: &Environment) -> HashSet<String> {
    let mut found = HashSet::new();
    for (section, node) in &spec.entries {
        match &node.value {
            Value::Table(services) if section.name == SERVICE => {
                for (name, node) in &services.entries {
                    let Value::Table(service) = &node.value else { continue };
                    let is_searched = |key: &str| name.name != grafana || key != "environment";
                    let searched = service.entries.iter().filter(|(key, _)| is_searched(&key.name));
                    searched.for_each(|(_, node)| defaults(&node.value, &mut found));
                }
            }
            other => defaults(other, &mut found),
        }
    }
    for (_, text) in environment.iter().filter(|(name, _)| *name != PASSWORD) {
        defaults(&Value::String(text.as_str().into()), &mut found);
    }
    found
}

/// The variables for which a text of a spec has a default.
fn defaults(value: &Value<'_>, found: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            for (at, _) in text.match_indices("${") {
                let rest = &text[at + 2..];
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                if rest[end..].starts_with(":-") {
                    found.insert(rest[..end].to_owned());
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| defaults(&item.value, found)),
        Value::Table(table) => table.entries.iter().for_each(|(_, node)| defaults(&node.value, found)),
        _ => {}
    }
}

impl Plan {
    /// Changes the spec, and gives the files of the dashboards.
    pub fn apply(&self, spec: &mut Table<'static>, notes: &mut Notes<'_>) -> Vec<(Utf8PathBuf, String)> {
        let services = spec.entries.iter_mut().find(|(key, _)| key.name == SERVICE);
        if let Some((_, Node { value: Value::Table(services), .. })) = services
            && let Some((_, Node { value: Value::Table(service), .. })) =
                services.entries.iter_mut().find(|(key, _)| key.name == self.service)
        {
            self.change(service, notes);
        }
        let at = spec.entries.iter().position(|(key, _)| key.name == "env").unwrap_or(spec.entries.len());
        if !self.datasources.is_empty() {
            let sources = self.datasources.iter();
            let entries = sources.map(|(uid, source, _)| (key(uid), table(source.clone()))).collect();
            spec.entries.insert(at, (key("datasources"), table(Table { entries })));
        }
        self.declare(spec);
        self.found.dashboards.iter().map(|dashboard| (dashboard.path.clone(), dashboard.text.clone())).collect()
    }

    fn change(&self, service: &mut Table<'static>, notes: &mut Notes<'_>) {
        let flag = |value: bool| Node { span: NOWHERE, value: Value::Boolean(value) };
        service.entries.insert(0, (key("kind"), string("grafana")));
        // The user's own may be root, who needs capabilities for the files of others.
        if service.at(&["user"]).is_some() && service.at(&["cap_drop"]).is_none() {
            service.entries.push((key("cap_drop"), Node { span: NOWHERE, value: Value::List(Vec::new()) }));
        }
        for (key, node) in &mut service.entries {
            match (&*key.name, &mut node.value) {
                ("volumes", value) => *value = Value::List(self.volumes.clone()),
                ("environment", Value::Table(table)) => {
                    table.entries.retain(|(key, _)| ![PASSWORD, ANONYMOUS].contains(&&*key.name));
                    for (_, node) in &mut table.entries {
                        if let Value::String(text) = &node.value
                            && let Some(moved) = self.moved(text)
                        {
                            notes.add(Kind::Converted, Some(node.span), format!("`{}` is `{moved}`", shown(text)));
                            node.value = Value::String(moved.into());
                        }
                    }
                }
                ("environment", Value::List(items)) => {
                    let name = |text: &str| text.split('=').next().unwrap_or_default().to_owned();
                    items.retain(|item| ![PASSWORD, ANONYMOUS].contains(&name(&item.value.written()).as_str()));
                    for item in items {
                        if let Value::String(text) = &item.value
                            && let Some((name, path)) = text.split_once('=')
                            && let Some(moved) = self.moved(path)
                        {
                            notes.add(Kind::Converted, Some(item.span), format!("`{}` is `{moved}`", shown(path)));
                            item.value = Value::String(format!("{name}={moved}").into());
                        }
                    }
                }
                _ => {}
            }
        }
        service.entries.retain(|(key, node)| match &node.value {
            Value::List(items) => key.name != "volumes" && key.name != "environment" || !items.is_empty(),
            Value::Table(table) => key.name != "environment" || !table.entries.is_empty(),
            _ => true,
        });
        let used: HashSet<&str> = self.found.dashboards.iter().map(|dashboard| dashboard.folder.as_str()).collect();
        let folders = self.found.folders.iter().filter(|folder| used.contains(folder.name.as_str()));
        let folders: Vec<_> = folders.map(|folder| (key(&folder.name), string(&folder.title))).collect();
        let mut settings = Table {
            entries: vec![
                (key("admin_password"), string(&format!("${{{}}}", self.password))),
                (key("anonymous"), flag(self.anonymous)),
            ],
        };
        if !folders.is_empty() {
            settings.entries.push((key("folders"), table(Table { entries: folders })));
        }
        service.entries.push((key("settings"), table(settings)));
    }

    /// The path at which a dashboard is mounted now.
    fn moved(&self, path: &str) -> Option<String> {
        let moved = self.found.dashboards.iter().find(|dashboard| dashboard.mounted == path)?;
        Some(moved.target())
    }

    /// Declares the secrets.
    fn declare(&self, spec: &mut Table<'static>) {
        if spec.at(&["env"]).is_none() {
            spec.entries.push((key("env"), table(Table::default())));
        }
        let Some((_, Node { value: Value::Table(env), .. })) =
            spec.entries.iter_mut().find(|(key, _)| key.name == "env")
        else {
            return;
        };
        let places = env.places();
        for (name, secret) in &self.secrets {
            let flag = |name: &str| (key(name), Node { span: NOWHERE, value: Value::Boolean(true) });
            let known = places.get(name).and_then(|&place| Some(&mut env.entries.get_mut(place)?.1.value));
            if let Some(Value::Table(declared)) = known {
                // Compose starts nothing without it.
                for name in ["required", "secret"] {
                    if declared.at(&[name]).is_none() {
                        declared.entries.push(flag(name));
                    }
                }
                continue;
            }
            let description = secret.description.clone().unwrap_or_else(|| format!("Read by `{}`.", self.service));
            let mut declared = vec![(key("description"), string(&description)), flag("required"), flag("secret")];
            declared.extend(secret.generate.then(|| flag("generate")));
            env.entries.push((key(name), table(Table { entries: declared })));
        }
        env.entries.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    }

    /// What the datasources of a spec have besides what was written, so that this isn't known in two places.
    pub fn added(&self, sources: &Sources) -> Vec<Note> {
        let Ok(plans) = crate::plan(sources, None) else { return Vec::new() };
        let grafana = plans.first().and_then(|plan| plan.stack().grafanas.first());
        let resolved = grafana.into_iter().flat_map(|grafana| &grafana.datasources);
        let resolved: HashMap<&str, &Datasource> = resolved.map(|one| (one.uid.as_str(), one)).collect();
        let mut notes = Vec::new();
        for (uid, written, place) in &self.datasources {
            let Some(datasource) = resolved.get(uid.as_str()) else { continue };
            let known = if let Queried::Known(kind) = &datasource.kind { Some(kind.plugin()) } else { None };
            let database = known.and_then(|known| known.database).filter(|_| written.at(&["database"]).is_some());
            let user = written.at(&["user"]).map(|_| "username");
            let added = datasource.json.0.iter().filter(|(key, _)| {
                written.at(&["json_data", key]).is_none() && ![database, user].contains(&Some(&**key))
            });
            let added: Vec<String> = added
                .map(|(key, value)| match value {
                    Tree::Text(text) => format!("`{key}: {}`", text.shown()),
                    _ => format!("`{key}`"),
                })
                .collect();
            if let Some((last, others)) = added.split_last() {
                let others = if others.is_empty() { String::new() } else { format!("{} and ", others.join(", ")) };
                let message = format!(
                    "datasource `{}`: with {others}{last}, unless `json_data` says otherwise",
                    shown(&datasource.title)
                );
                notes.push(Note { kind: Kind::Assumed, place: place.clone(), message });
            }
        }
        notes
    }

    /// Whether a problem is in a file of a dashboard.
    pub fn has(&self, path: &Utf8Path) -> bool {
        self.found.dashboards.iter().any(|dashboard| dashboard.path == path)
    }
}
