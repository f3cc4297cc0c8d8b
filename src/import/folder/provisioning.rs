//! Grafana's provisioning files (<https://grafana.com/docs/grafana/latest/administration/provisioning/>), as tables of a spec.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use super::expand::{self, Environment};
use super::mounts::{Mounts, PROVISIONING, Place};
use super::{Files, Note};
use crate::folder;
use crate::import::Datasource;
use crate::import::compose::{Kind, NOWHERE, key, string, table, yaml};
use crate::import::names::Names;
use crate::spec::decode::shown;
use crate::spec::stack::{Addressed, Queried};
use crate::spec::tree::{Node, Table, Value};

/// What is read, and what is known of the service.
pub(super) struct Reader<'r> {
    pub files: &'r Files<'r>,
    pub mounts: &'r Mounts<'r>,
    pub environment: &'r Environment,
    /// The name of the port of a service at a number.
    pub port: &'r dyn Fn(&str, u16) -> Option<String>,
    /// The variables for which something else has a default.
    pub defaulted: HashSet<String>,
    /// The variables that must be set in any case.
    pub required: HashSet<String>,
    /// The names of all variables.
    pub names: Names,
    pub notes: Vec<Note>,
    pub secrets: BTreeMap<String, Secret>,
}

/// A variable that is a secret.
pub(super) struct Secret {
    /// What it is, if nothing declares it yet.
    pub description: Option<String>,
    /// Whether any value will do.
    pub generate: bool,
}

/// Where Grafana finds dashboards.
pub(super) struct Provider {
    /// The folder in Grafana, and its UID, if they are named.
    pub folder: Option<String>,
    pub uid: Option<String>,
    /// The folder in the container.
    pub path: Utf8PathBuf,
    /// Whether each folder of the disk is one of Grafana.
    pub by_structure: bool,
    /// Where that is written.
    pub place: Line,
}

/// Keys that say nothing about what is provisioned, or what `gen` says itself.
const SILENT: [&str; 3] = ["apiVersion", "version", "readOnly"];

/// Why a service can't be of the kind.
pub(super) type Refused<T> = Result<T, String>;

/// The datasources of a spec by their UIDs, and where each is written.
pub(super) type Tables = Vec<(String, Table<'static>, Line)>;

/// The file and the line of a note.
pub(super) type Line = Option<(Utf8PathBuf, usize)>;

struct File {
    path: Utf8PathBuf,
    text: String,
    /// A byte, and its line from 1: lines are asked for in their order.
    last: (usize, usize),
}

impl File {
    fn line(&mut self, node: &Node<'_>) -> usize {
        let (at, line) = self.last;
        let start = node.span.start as usize;
        if let Some(between) = self.text.get(at..start) {
            self.last = (start, line + between.matches('\n').count());
        }
        self.last.1
    }
}

impl Reader<'_> {
    /// The datasources, as tables by UID, and for the dashboards.
    pub fn datasources(&mut self) -> Refused<(Tables, Vec<Datasource>)> {
        let mut tables = Tables::new();
        let (mut known, mut uids) = (Vec::new(), HashSet::new());
        for (mut file, document) in self.documents("datasources")? {
            for (name, node) in document.entries {
                match (&*name.name, node.value) {
                    ("datasources", Value::List(items)) => {
                        for item in items {
                            let line = file.line(&item);
                            let place = Some((file.path.clone(), line));
                            let Value::Table(written) = item.value else { continue };
                            let (table, source) = self.datasource(written, &place)?;
                            if !uids.insert(source.uid.clone()) {
                                return Err(format!("two datasources have the UID `{}`", shown(&source.uid)));
                            }
                            tables.push((source.uid.clone(), table, place));
                            known.push(source);
                        }
                    }
                    ("deleteDatasources", Value::List(items)) => {
                        for item in items {
                            let place = Some((file.path.clone(), file.line(&item)));
                            let name = match &item.value {
                                Value::Table(table) => table.at(&["name"]).map(|node| node.value.written()),
                                _ => None,
                            };
                            let message = format!(
                                "`deleteDatasources` of `{}`: Grafana only deletes datasources that leave the spec",
                                shown(&name.unwrap_or_default())
                            );
                            self.notes.push(Note { kind: Kind::Dropped, place, message });
                        }
                    }
                    // What leaves the spec is deleted in any case.
                    ("prune", _) => {}
                    (silent, _) if SILENT.contains(&silent) => {}
                    (_, Value::Absent) => {}
                    (other, _) => self.lose(&None, format!("`{}`: key `{}`", file.path, shown(other))),
                }
            }
        }
        Ok((tables, known))
    }

    /// The providers of dashboards.
    pub fn providers(&mut self) -> Refused<Vec<Provider>> {
        let mut providers = Vec::new();
        for (mut file, mut document) in self.documents("dashboards")? {
            let Some((_, Node { value: Value::List(items), .. })) = document.take("providers") else { continue };
            for item in items {
                let line = file.line(&item);
                let place = Some((file.path.clone(), line));
                let Value::Table(written) = &item.value else { continue };
                providers.push(self.provider(written, &file.path, &place)?);
            }
        }
        Ok(providers)
    }

    fn provider(&mut self, written: &Table<'static>, file: &Utf8Path, place: &Line) -> Refused<Provider> {
        let value = |path: &[&str]| written.at(path).map(|node| &node.value);
        let text = |path: &[&str]| match value(path) {
            None | Some(Value::Absent) => Ok(None),
            Some(value) => self.literal(&value.written()).map(|text| Some(text).filter(|text| !text.is_empty())),
        };
        let is_first = text(&["orgId"])?.is_none_or(|id| id == "0" || id == "1");
        let kind = text(&["type"])?.unwrap_or_else(|| "file".to_owned());
        let path = text(&["options", "path"])?.or(text(&["options", "folder"])?);
        let (Some(path), true, "file") = (path, is_first, kind.as_str()) else {
            return Err(format!(
                "a provider in `{file}` is not of type `file`, has no path or belongs to another organization"
            ));
        };
        let provider = Provider {
            folder: text(&["folder"])?,
            uid: text(&["folderUid"])?,
            path: Utf8PathBuf::from(path.trim_end_matches('/')),
            // Grafana takes a text for `false` here.
            by_structure: value(&["options", "foldersFromFilesStructure"]) == Some(&Value::Boolean(true)),
            place: place.clone(),
        };
        let what = format!("provider `{}`", shown(&text(&["name"])?.unwrap_or_default()));
        let (updates, interval) = (self.flag(value(&["allowUiUpdates"]))?, text(&["updateIntervalSeconds"])?);
        let set = [
            ("`allowUiUpdates: true`", updates),
            ("`updateIntervalSeconds: 30`", interval.is_some_and(|interval| interval == "30")),
            ("`disableDeletion: false`", !self.flag(value(&["disableDeletion"]))?),
        ];
        let differs: Vec<&str> = set.iter().filter(|(_, is_same)| !is_same).map(|(key, _)| *key).collect();
        if !differs.is_empty() {
            let message = format!("{what}: {}, as the kind has it", differs.join(", "));
            self.notes.push(Note { kind: Kind::Assumed, place: place.clone(), message });
        }
        Ok(provider)
    }

    /// A boolean as Grafana reads one (`BoolValue` of `pkg/services/provisioning/values`).
    fn flag(&self, value: Option<&Value<'_>>) -> Refused<bool> {
        let text = match value {
            None | Some(Value::Absent) => return Ok(false),
            Some(value) => self.literal(&value.written())?,
        };
        if text.is_empty() {
            return Ok(false);
        }
        boolean(&text).ok_or_else(|| format!("`{}` is not a valid boolean", shown(&text)))
    }

    fn documents(&self, what: &str) -> Refused<Vec<(File, Table<'static>)>> {
        let folder = Utf8Path::new(PROVISIONING).join(what);
        let mut documents = Vec::new();
        for (name, kind) in self.mounts.entries(&folder)? {
            if kind != folder::Kind::File || ![".yaml", ".yml"].iter().any(|end| name.ends_with(end)) {
                continue;
            }
            let Place::Here(path) = self.mounts.place(&folder.join(&name)) else {
                return Err(format!("`{folder}/{}` in the container is not mounted from this folder", shown(&name)));
            };
            let text = (self.files.read)(&path).map_err(|error| format!("cannot read `{path}`: {error}"))?;
            let read = yaml::read(&text, 0).map_err(|error| format!("cannot read `{path}`: {}", error.title))?;
            let file = File { path, text, last: (0, 1) };
            match read.nodes.into_iter().next().map(|node| node.value) {
                Some(Value::Table(table)) => documents.push((file, table)),
                None | Some(Value::Absent) => {}
                Some(_) => return Err(format!("`{}` is in the format of Grafana 4", file.path)),
            }
        }
        Ok(documents)
    }

    fn lose(&mut self, place: &Line, message: String) {
        self.notes.push(Note { kind: Kind::Lost, place: place.clone(), message });
    }

    fn datasource(&mut self, written: Table<'static>, place: &Line) -> Refused<(Table<'static>, Datasource)> {
        let mut all: HashMap<String, Value<'static>> =
            written.entries.into_iter().map(|(key, node)| (key.name.into_owned(), node.value)).collect();
        all.retain(|_, value| *value != Value::Absent && *value != Value::String("".into()));
        let mut text = |name: &str| match all.remove(name) {
            Some(Value::String(text)) => expand::text(&text, self.environment).map(Some),
            Some(other) => expand::text(&other.written(), self.environment).map(Some),
            None => Ok(None),
        };
        let (title, plugin) = (text("name")?, text("type")?);
        let (Some(title), Some(plugin)) = (title, plugin) else {
            return Err("a datasource has no name or no type".to_owned());
        };
        let uid = text("uid")?.unwrap_or_else(|| uid_of(&title));
        if [&title, &uid].iter().any(|text| text.contains('$')) {
            return Err(format!("the name or UID of datasource `{}` depends on a variable", shown(&title)));
        }
        let what = format!("datasource `{}`", shown(&title));
        let Some(queried) = Queried::from_word(&plugin) else {
            return Err(format!("{what} has the unsupported type `{}`", shown(&plugin)));
        };
        let (url, user, database) = (text("url")?, text("user")?, text("database")?);
        let (access, basic_user) = (text("access")?, text("basicAuthUser")?);
        let (default, basic) = (self.flag(all.get("isDefault"))?, self.flag(all.get("basicAuth"))?);
        let with_credentials = self.flag(all.get("withCredentials"))?;
        all.retain(|key, _| {
            !["isDefault", "basicAuth"].contains(&&**key) && (key != "withCredentials" || with_credentials)
        });
        let mut unsaid: Vec<String> = Vec::new();
        let mut lose = |key: &str| unsaid.push(shown(key));
        if access.is_some_and(|access| access != "proxy" && access != "server") {
            lose("access");
        }
        let mut table =
            Table { entries: vec![(key("type"), string(queried.as_str())), (key("title"), string(&title))] };
        let mut put = |name: &str, node: Node<'static>| table.entries.push((key(name), node));
        match (url, queried.addressed()) {
            (Some(url), addressed @ (Addressed::Http | Addressed::HostAndPort)) => {
                match self.service(&url, addressed) {
                    Some((service, port)) => {
                        put("service", string(&service));
                        put("port", string(&port));
                    }
                    None => put("url", string(&url)),
                }
            }
            (Some(_), Addressed::Settings | Addressed::Aws) => lose("url"),
            (None, _) => {}
        }
        let is_http = queried.addressed() == Addressed::Http;
        let own = if is_http { basic_user.clone().filter(|_| basic) } else { user.clone() };
        if let Some(own) = own {
            put("user", string(&own));
        } else if basic {
            lose("basicAuth");
        }
        if is_http && user.is_some() {
            lose("user");
        }
        let known = if let Queried::Known(kind) = &queried { Some(kind.plugin()) } else { None };
        match database {
            Some(database) if known.as_ref().is_some_and(|known| known.database.is_some()) => {
                put("database", string(&database));
            }
            Some(_) => lose("database"),
            None => {}
        }
        let (json, secure) = (all.remove("jsonData"), all.remove("secureJsonData"));
        unsaid.extend(left(&all));
        for key in unsaid {
            self.lose(place, format!("{what}: `{key}`"));
        }
        let json = match json {
            Some(Value::Table(json)) => self.tree(json)?,
            _ => Table::default(),
        };
        let mut secure = match secure {
            Some(Value::Table(secure)) => self.secure(secure, (&title, is_http), &what, place)?,
            _ => Table::default(),
        };
        table.entries.extend(secure.take("password"));
        for (name, inner) in [("json_data", json), ("secure_json_data", secure)] {
            if !inner.entries.is_empty() {
                table.entries.push((key(name), self::table(inner)));
            }
        }
        if default {
            table.entries.push((key("default"), Node { span: NOWHERE, value: Value::Boolean(true) }));
        }
        let known = Datasource { uid, title, plugin: queried.plugin().to_owned(), default };
        Ok((table, known))
    }

    /// The secrets of a datasource, each a reference to a variable.
    fn secure(
        &mut self,
        written: Table<'static>,
        (title, is_http): (&str, bool),
        what: &str,
        place: &Line,
    ) -> Refused<Table<'static>> {
        let mut table = Table::default();
        for (name, node) in written.entries {
            let text = match node.value {
                Value::Absent => continue,
                value => expand::text(&value.written(), self.environment)?,
            };
            if text.is_empty() {
                continue;
            }
            let new = || variable_name(&format!("{title}_{}", name.name));
            let variable = self.secret(&text, new, &format!("`{}` of {what}", shown(&name.name)), place);
            let password = if is_http { "basicAuthPassword" } else { "password" };
            let name = if name.name == password { "password" } else { &*name.name };
            table.entries.push((key(name), string(&format!("${{{variable}}}"))));
        }
        Ok(table)
    }

    /// The variable that a secret is in, a new one if the text is the secret itself.
    pub fn secret(&mut self, text: &str, new: impl FnOnce() -> String, what: &str, place: &Line) -> String {
        // Nothing may have a default for a secret.
        let free = |name: &&str| !self.defaulted.contains(*name);
        let written = expand::variable(text).and_then(|(name, more)| Some((free(&name).then_some(name)?, more)));
        let (variable, description) = match written {
            Some((variable, _)) if self.required.contains(variable) => {
                self.secrets.entry(variable.to_owned()).or_insert(Secret { description: None, generate: false });
                return variable.to_owned();
            }
            Some((variable, false)) => {
                let entry = self.secrets.entry(variable.to_owned());
                if matches!(entry, Entry::Vacant(_)) {
                    let message = format!("{what} is `${{{variable}}}`, a secret: it must now be set in `.env`");
                    self.notes.push(Note { kind: Kind::Assumed, place: place.clone(), message });
                }
                entry.or_insert(Secret { description: None, generate: false });
                return variable.to_owned();
            }
            Some((variable, true)) => (variable.to_owned(), None),
            None => {
                let description = format!("Secret of Grafana: {}", what.replace('`', ""));
                (self.names.unique_with(&new(), "_"), Some(description))
            }
        };
        let set = if text.is_empty() { "" } else { ": set it in `.env` to the old value" };
        let message = format!("{what} is now `${{{variable}}}`, a secret without a default{set}");
        self.notes.push(Note { kind: Kind::Assumed, place: place.clone(), message });
        let generate = text.is_empty();
        self.secrets.entry(variable.clone()).or_insert(Secret { description, generate });
        variable
    }

    /// The service of the project that an address is certainly that of.
    fn service(&self, url: &str, addressed: Addressed) -> Option<(String, String)> {
        let authority = match addressed {
            Addressed::Http => url.strip_prefix("http://")?,
            _ => url,
        };
        let (service, port) = authority.trim_end_matches('/').split_once(':')?;
        let port = (self.port)(service, port.parse().ok()?)?;
        Some((service.to_owned(), port))
    }

    /// `jsonData`, with its texts as those of the spec.
    fn tree(&self, table: Table<'static>) -> Refused<Table<'static>> {
        let mut out = Table::default();
        for (name, node) in table.entries {
            if let Some(value) = self.value(node.value)? {
                out.entries.push((key(&name.name), Node { span: NOWHERE, value }));
            }
        }
        Ok(out)
    }

    fn value(&self, value: Value<'static>) -> Refused<Option<Value<'static>>> {
        Ok(match value {
            Value::Absent => None,
            Value::String(text) => Some(Value::String(expand::text(&text, self.environment)?.into())),
            Value::Table(table) => Some(Value::Table(self.tree(table)?)),
            Value::List(items) => {
                let mut list = Vec::new();
                for item in items {
                    list.extend(self.value(item.value)?.map(|value| Node { span: NOWHERE, value }));
                }
                Some(Value::List(list))
            }
            other => Some(other),
        })
    }

    /// A text in which nothing is a variable of the spec.
    fn literal(&self, text: &str) -> Refused<String> {
        let expanded = expand::text(text, self.environment)?;
        if expanded.contains('$') {
            return Err(format!("the value of `{}` depends on a variable", shown(text)));
        }
        Ok(expanded)
    }
}

/// The keys of a datasource that a spec can't say.
fn left(keys: &HashMap<String, Value<'_>>) -> Vec<String> {
    let is_said = |key: &str, value: &Value<'_>| match key {
        // Nothing of the spec can be changed in Grafana.
        "editable" => true,
        "orgId" => ["0", "1"].contains(&&*value.written()),
        _ => SILENT.contains(&key) || *value == Value::Boolean(false),
    };
    let unsaid = keys.iter().filter(|(key, value)| !is_said(key, value));
    let mut keys: Vec<String> = unsaid.map(|(key, _)| shown(key)).collect();
    keys.sort();
    keys
}

/// A boolean in a text, as Go reads it (`strconv.ParseBool`).
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The UID that Grafana gives a datasource that has none (`safeUIDFromName` of `pkg/services/provisioning/datasources`).
fn uid_of(title: &str) -> String {
    let digest = Sha256::digest(title.as_bytes());
    digest.iter().take(8).fold("P".to_owned(), |uid, byte| format!("{uid}{byte:02X}"))
}

/// A name for a variable: `Prometheus_httpHeaderValue1` as `PROMETHEUS_HTTP_HEADER_VALUE1`.
fn variable_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if c.is_ascii_uppercase() && name.ends_with(|before: char| before.is_ascii_lowercase()) {
            name.push('_');
        }
        name.push(c);
    }
    let name = name.to_ascii_uppercase();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_grafana_and_the_shell() {
        assert_eq!(uid_of("Prometheus"), "PBFA97CFB590B2093");
        assert_eq!(variable_name("loki-1_httpHeaderValue1"), "LOKI_1_HTTP_HEADER_VALUE1");
        assert_eq!(variable_name("1_é"), "_1__");
    }
}
