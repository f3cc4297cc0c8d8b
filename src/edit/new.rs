//! Adds a service, datasource or dashboard, and what it needs.

use std::collections::HashSet;
use std::fmt::Write as _;

use toml_writer::{ToTomlValue as _, TomlStringBuilder};

use super::draft::{Draft, Refusal, key};
use super::example::REFERENCE;
use super::outline;
use crate::diagnostic::nearest;
use crate::resolve::name_problem;
use crate::spec::MAIN;
use crate::spec::decode::{listed, shown};
use crate::spec::kind::{INDICES, Kind, OnlyIf, SCHEMA, Takes};
use crate::spec::source::Sources;
use crate::spec::stack::{Addressed, DatasourceType, Persistence, Plugin};
use crate::spec::tree::{Table, Value};

/// The folder of dashboards that a Grafana without any gets.
const FOLDER: &str = "stack";

/// What a kind provides that shows dashboards.
const DASHBOARDS_OF: &str = "dashboards";

/// What to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New<'a> {
    /// A service.
    Service(Service<'a>),
    /// A datasource.
    Datasource {
        /// Its name, which is its UID.
        name: &'a str,
        /// Its type.
        kind: DatasourceType,
        /// The service that is queried, if there is a choice.
        service: Option<&'a str>,
    },
    /// A dashboard.
    Dashboard {
        /// Its name.
        name: &'a str,
        /// A key of Grafana's `settings.folders`; the first one if left out.
        folder: Option<&'a str>,
    },
}

/// A service to add.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Service<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its kind; derived from its name if there is neither a kind nor an image.
    pub kind: Option<&'a str>,
    /// Its image.
    pub image: Option<&'a str>,
    /// Its port on the host.
    pub port: Option<u16>,
    /// The cluster of a Temporal server or UI, if there is a choice.
    pub cluster: Option<&'a str>,
}

/// Adds it to the spec, together with what it needs and the spec lacks.
///
/// # Errors
/// The name is taken or wrong, or there is a choice that only the user can make.
pub fn add(sources: &Sources, new: New<'_>) -> Result<Draft, Refusal> {
    let mut writer = Writer { draft: Draft::new(sources), begun: Vec::new() };
    let (what, name) = match new {
        New::Service(service) => ("service", service.name),
        New::Datasource { name, .. } => ("datasource", name),
        New::Dashboard { name, .. } => ("dashboard", name),
    };
    if let Some(problem) = name_problem(name) {
        return Err(Refusal::new(format!("invalid {what} name `{}`", shown(name)), problem));
    }
    match new {
        New::Service(service) => {
            writer.draft.refuse_taken("services", what, name)?;
            writer.service(service)?;
        }
        New::Datasource { name, kind, service } => {
            writer.draft.refuse_taken("datasources", what, name)?;
            writer.datasource(name, kind, service)?;
        }
        New::Dashboard { name, folder } => {
            writer.draft.refuse_taken("dashboards", what, name)?;
            writer.dashboard(name, folder)?;
        }
    }
    Ok(writer.draft)
}

struct Writer {
    draft: Draft,
    /// The kinds of services whose tables are still to be added, each with its cluster.
    begun: Vec<(String, Option<String>)>,
}

impl Writer {
    fn service(&mut self, service: Service<'_>) -> Result<(), Refusal> {
        let name = service.name;
        let mut image = service.image;
        let mut kind = match service.kind {
            None => None,
            Some(word) => Some(self.draft.kinds().get(word).ok_or_else(|| {
                let help = format!("expected one of {}", listed(self.draft.kinds().names().into_iter()));
                Refusal::new(format!("unknown kind `{}`", shown(word)), help)
            })?),
        };
        if kind.is_none() && image.is_none() {
            kind = self.draft.kinds().get(name);
            image = (kind.is_none() && self.draft.has(&["images", name])).then_some(name);
        }
        if kind.is_none() && image.is_none() {
            return Err(Refusal::new(
                format!("missing image or kind for service `{name}`"),
                format!(
                    "pass `--image REPOSITORY:TAG`, or `--kind` with one of {}",
                    listed(self.draft.kinds().names().into_iter())
                ),
            ));
        }
        let kind = kind.as_ref();
        let has_cluster = kind.is_some_and(|kind| kind.takes(Takes::Cluster));
        if service.cluster.is_some() && !has_cluster {
            let kinds = self.draft.kinds().all().filter(|kind| kind.takes(Takes::Cluster));
            let kinds: Vec<String> = kinds.map(|kind| format!("`{}`", kind.as_str())).collect();
            let message = format!("`--cluster` can only be used with the kind {}", kinds.join(" or "));
            return Err(Refusal::new(message, "remove `--cluster`"));
        }
        let mut lines = String::new();
        // Writing to a `String` cannot fail.
        if let Some(kind) = kind {
            let _ = writeln!(lines, "kind = \"{}\"", kind.as_str());
        }
        if let Some(image) = image {
            let _ = writeln!(lines, "image = {}", string(image));
        }
        let cluster = if has_cluster { Some(self.cluster(service.cluster, kind)?) } else { None };
        if let Some(cluster) = &cluster {
            let _ = writeln!(lines, "cluster = {}", string(cluster));
        }
        let main = kind.and_then(|kind| kind.ports_of(None).iter().next());
        let main = main.map(|(name, port)| (name.value.as_str(), port.target));
        match (main, kind, service.port) {
            (Some((port, target)), ..) => {
                let published = service.port.unwrap_or_else(|| self.free_port(target));
                let _ = writeln!(lines, "ports.{port} = {published}");
            }
            (None, None, Some(published)) => {
                let _ = writeln!(lines, "ports.http = {published}");
            }
            (None, Some(kind), Some(_)) => {
                let message = format!("`--port` cannot be used with the kind `{}`, which has no ports", kind.as_str());
                return Err(Refusal::new(message, "remove `--port`"));
            }
            (None, _, None) => {}
        }
        if let Some(kind) = kind {
            self.begun.push((kind.as_str().to_owned(), cluster.clone()));
            self.needs(kind, cluster.as_deref())?;
            lines.push_str(&self.settings(kind));
        }
        self.draft.add_table("services", &format!("[services.{}]\n{lines}", key(name)));
        if kind.is_some_and(|kind| kind.provides(DASHBOARDS_OF)) {
            let types = self.all("datasources", "type").into_iter();
            for kind in types.filter_map(|(_, word)| DatasourceType::from_word(&word)).collect::<Vec<_>>() {
                self.complete_grafana(kind)?;
            }
        }
        Ok(())
    }

    /// Adds what a kind needs in addition to its own table.
    fn needs(&mut self, kind: &Kind, cluster: Option<&str>) -> Result<(), Refusal> {
        let declared = kind.declaration();
        let name = kind.image_name();
        let in_sql = kind.takes(Takes::Role) && self.is_in_postgresql(cluster);
        // The one of a profile, which isn't built here.
        let official = in_sql.then(|| {
            reference().look(|_, profiles| {
                let images = profiles.iter().flat_map(|profile| entries(profile, "images"));
                let mut pulled = images.filter(|(image, table)| *image == name && table.at(&["build"]).is_none());
                pulled.find_map(|(_, table)| word(table, "ref").map(string))
            })
        });
        match official.flatten() {
            Some(image) => self.pulled(name, &image),
            None => self.image(name, declared.new.as_ref().and_then(|new| Some(new.image.as_ref()?.value.as_str())))?,
        }
        for what in declared.new.iter().flat_map(|new| &new.needs) {
            // With PostgreSQL, visibility is there, too.
            let in_sql = what == INDICES && self.is_in_postgresql(cluster);
            self.ensure(if in_sql { SCHEMA } else { what }, cluster)?;
        }
        for (_, need) in declared.needs.iter() {
            match (&need.provides, &need.role) {
                (Some(provided), _) if need.only_if.is_none() => self.ensure(provided, cluster)?,
                (_, Some(role)) if !self.has_member(cluster, role.as_str()) => {
                    let Some(kind) = self.draft.kinds().all().find(|kind| kind.takes(Takes::Role)) else { continue };
                    self.service_of(&kind, cluster)?;
                }
                _ => {}
            }
        }
        for (name, variable) in declared.new.iter().flat_map(|new| new.env.iter()) {
            let mut own = format!("[env.{}]\n", key(&name.value));
            // Writing to a `String` cannot fail.
            if let Some(description) = &variable.description {
                let _ = writeln!(own, "description = {}", string(description));
            }
            for (key, flag) in
                [("required", variable.required), ("secret", variable.secret), ("generate", variable.generate)]
            {
                if flag.unwrap_or(false) {
                    let _ = writeln!(own, "{key} = true");
                }
            }
            self.variable_or(&name.value, &own);
        }
        self.metrics(kind)
    }

    /// What stores metrics, as soon as there are any and something collects them.
    fn metrics(&mut self, new: &Kind) -> Result<(), Refusal> {
        let mut kinds = self.kinds();
        kinds.push(new.clone());
        let has_metrics = |kind: &Kind| kind.implied().is_some_and(|service| service.metrics.is_some());
        let any = kinds.iter().any(has_metrics)
            || self.draft.look(|base, _| entries(base, "services").any(|(_, table)| table.at(&["metrics"]).is_some()));
        let needs = kinds.iter().flat_map(|kind| kind.declaration().needs.iter());
        let stores = needs.filter(|(_, need)| any && need.only_if == Some(OnlyIf::Metrics));
        for store in stores.filter_map(|(_, need)| need.provides.as_ref()).collect::<Vec<_>>() {
            self.ensure(store, None)?;
        }
        Ok(())
    }

    /// Whether a service runs a role of a cluster.
    fn has_member(&self, cluster: Option<&str>, role: &str) -> bool {
        self.draft.look(|base, _| {
            entries(base, "services").any(|(_, table)| {
                self.kind_of(table).is_some_and(|kind| kind.takes(Takes::Role))
                    && word(table, "cluster") == cluster
                    && word(table, "role").is_none_or(|own| own == role)
            })
        })
    }

    /// The required and optional settings of a kind, as lines of its table.
    fn settings(&self, kind: &Kind) -> String {
        let mut lines = String::new();
        for (name, value) in kind.declaration().new.iter().flat_map(|new| new.settings.iter()) {
            let value = match &value.0.value {
                Value::String(text) => string(text),
                other => other.written(),
            };
            // Writing to a `String` cannot fail.
            let _ = writeln!(lines, "settings.{} = {value}", key(&name.value));
        }
        for (_, need) in kind.declaration().needs.iter() {
            let (Some(setting), Some(provided)) = (&need.setting, &need.provides) else { continue };
            if let [first, _, ..] = self.providers(provided).as_slice() {
                let _ = writeln!(lines, "settings.{} = {}", setting.value, string(first));
            }
        }
        lines
    }

    fn service_of(&mut self, kind: &Kind, cluster: Option<&str>) -> Result<(), Refusal> {
        // Two services may need each other.
        if self.begun.iter().any(|(begun, of)| begun == kind.as_str() && of.as_deref() == cluster) {
            return Ok(());
        }
        let name = self.free_name(kind.as_str());
        self.service(Service { name: &name, kind: Some(kind.as_str()), cluster, ..Service::default() })
    }

    /// Adds a service that provides something, if there is none, or none for the cluster.
    fn ensure(&mut self, provided: &str, cluster: Option<&str>) -> Result<(), Refusal> {
        let Some(kind) = self.draft.kinds().all().find(|kind| kind.provides(provided)) else { return Ok(()) };
        let cluster = cluster.filter(|_| kind.takes(Takes::Cluster));
        let is_there = self.draft.look(|base, _| {
            entries(base, "services").any(|(_, table)| {
                self.kind_of(table).is_some_and(|kind| kind.provides(provided))
                    && (cluster.is_none() || word(table, "cluster") == cluster)
            })
        });
        if is_there { Ok(()) } else { self.service_of(&kind, cluster) }
    }

    /// Whether a cluster persists in PostgreSQL.
    fn is_in_postgresql(&self, cluster: Option<&str>) -> bool {
        let is_it = |name: &str| cluster == Some(name);
        self.draft.look(|base, _| {
            entries(base, "clusters").any(|(name, table)| {
                is_it(name) && word(table, "persistence") == Some(Persistence::Postgresql.as_str())
            })
        })
    }

    /// The cluster that is named, the only one, or a new one.
    fn cluster(&mut self, wanted: Option<&str>, kind: Option<&Kind>) -> Result<String, Refusal> {
        if let Some(wanted) = wanted {
            return Ok(wanted.to_owned());
        }
        let known = self.names("clusters");
        match known.as_slice() {
            [only] => Ok(only.clone()),
            [] if kind.is_some_and(|kind| kind.provides(SCHEMA)) => {
                let lines = "persistence = \"postgresql\"\nhistory_shards = 4\n";
                self.draft.add_table("clusters", &format!("[clusters.temporal]\n{lines}"));
                Ok("temporal".to_owned())
            }
            [] => {
                if !self.draft.has(&["env", "TEMPORAL_SQL_HOST"]) {
                    let lines = "description = \"Endpoint of the cluster's DSQL cluster\"\nrequired = true\n";
                    self.draft.add_table("env", &format!("[env.TEMPORAL_SQL_HOST]\n{lines}"));
                }
                let lines = "history_shards = 4\ndsql = { host = \"${TEMPORAL_SQL_HOST}\", pool = 10 }\n";
                self.draft.add_table("clusters", &format!("[clusters.temporal]\n{lines}"));
                Ok("temporal".to_owned())
            }
            _ => {
                let names = listed(known.iter().map(String::as_str));
                Err(Refusal::new("missing cluster", format!("pass `--cluster` with one of {names}")))
            }
        }
    }

    /// An image that is pulled, a string of TOML, unless the spec has it.
    fn pulled(&mut self, name: &str, image: &str) {
        if !self.draft.has(&["images", name]) && self.draft.set(&["images", name], image).is_err() {
            self.draft.add_table("images", &format!("[images]\n{} = {image}\n", key(name)));
        }
    }

    /// An entry of `[images]`, as the reference spec has it, or the kind.
    fn image(&mut self, name: &str, otherwise: Option<&str>) -> Result<(), Refusal> {
        if self.draft.has(&["images", name]) {
            return Ok(());
        }
        let reference = reference();
        let found = reference.look(|base, profiles| {
            let mut tables = std::iter::once(base).chain(profiles);
            match tables.find_map(|table| table.at(&["images", name])).map(|node| &node.value) {
                Some(Value::String(image)) => Some((Some(string(image)), None)),
                Some(Value::Table(table)) => {
                    let base = table.at(&["build", "base"]).map(|node| &node.value);
                    let base = base
                        .and_then(|base| if let Value::String(base) = base { Some(base.to_string()) } else { None });
                    Some((None, base))
                }
                _ => None,
            }
        });
        match found.or_else(|| Some((Some(string(otherwise?)), None))) {
            Some((Some(image), _)) => {
                self.pulled(name, &image);
                Ok(())
            }
            Some((None, base)) => {
                if let Some(base) = base {
                    self.image(&base, None)?;
                }
                let text = table_of_reference("images", name);
                for variable in variables(&text) {
                    self.variable(&variable);
                }
                self.draft.add_table("images", &text);
                Ok(())
            }
            // A test checks that each kind has an image.
            None => Ok(()),
        }
    }

    /// A variable of `.env`, as the reference spec has it.
    fn variable(&mut self, name: &str) {
        self.variable_or(name, "");
    }

    /// A variable of `.env`, as the reference spec has it, or with these lines.
    fn variable_or(&mut self, name: &str, otherwise: &str) {
        if self.draft.has(&["env", name]) {
            return;
        }
        let has_outputs = self.draft.has(&["infrastructure"]);
        let text = table_of_reference("env", name);
        let text = if text.is_empty() { otherwise.to_owned() } else { text };
        // Terraform's outputs are those of the infrastructure, which not every stack has.
        let lines = text.split_inclusive('\n').filter(|line| has_outputs || !line.starts_with("output = "));
        let text: String = lines.collect();
        self.draft.add_table("env", &text);
    }

    fn datasource(&mut self, name: &str, kind: DatasourceType, service: Option<&str>) -> Result<(), Refusal> {
        let Plugin { provided: store, addressed, .. } = kind.plugin();
        let mut queried = service.map(ToOwned::to_owned);
        match (store, addressed) {
            (Some(store), _) => {
                self.ensure(store, None)?;
                let found = self.providers(store);
                if found.len() > 1 && queried.is_none() {
                    return Err(which_service(&found));
                }
            }
            (None, Addressed::Aws) => {}
            (None, _) if queried.is_none() => {
                let port = if addressed == Addressed::Http { "http" } else { "sql" };
                let found: Vec<String> = self.draft.look(|base, _| {
                    let has = |table: &Table<'_>| {
                        // Many kinds have a page at `http`, but one that answers SQL is meant.
                        let kind = self.kind_of(table);
                        table.at(&["ports", port]).is_some() && kind.is_none()
                            || port == "sql" && kind.is_some_and(|kind| kind.ports.knows(port))
                    };
                    let services = entries(base, "services").filter(|(_, table)| has(table));
                    services.map(|(name, _)| name.to_owned()).collect()
                });
                match <[String; 1]>::try_from(found) {
                    Ok([only]) => queried = Some(only),
                    Err(found) => return Err(which_service(&found)),
                }
            }
            (None, _) => {}
        }
        self.ensure(DASHBOARDS_OF, None)?;
        let mut text = format!("[datasources.{}]\ntype = \"{}\"\ntitle = {}\n", key(name), kind.as_str(), title(name));
        // Writing to a `String` cannot fail.
        if let Some(service) = queried {
            let _ = writeln!(text, "service = {}", string(&service));
        }
        match self.names("datasources").as_slice() {
            [] => text.push_str("default = true\n"),
            // Dashboards that name no datasource query the only one, which it no longer is.
            [only] if !self.draft.has(&["datasources", only, "default"]) => {
                self.draft.set(&["datasources", only, "default"], "true")?;
            }
            _ => {}
        }
        self.draft.add_table("datasources", &text);
        self.complete_grafana(kind)
    }

    /// What Grafana needs for a type of datasource.
    fn complete_grafana(&mut self, kind: DatasourceType) -> Result<(), Refusal> {
        let facts = kind.plugin();
        for grafana in self.providers(DASHBOARDS_OF) {
            if facts.addressed == Addressed::Aws {
                self.variable("AWS_REGION");
                self.variable("AWS_PROFILE");
                self.variable("HOST_UID");
                if !self.draft.has(&["services", &grafana, "aws"]) {
                    self.draft.set(&["services", &grafana, "aws"], "true")?;
                }
            }
            // The version of any other plugin is the user's choice, which the plan asks for.
            let Some(plugin) = plugin(facts.id).filter(|_| !facts.is_bundled) else { continue };
            let path = ["services", &grafana, "settings", "plugins"];
            let has = self.draft.look(|base, _| match base.at(&path).map(|node| &node.value) {
                Some(Value::List(items)) => Some(items.iter().any(
                    |item| matches!(&item.value, Value::String(text) if text.split('@').next() == Some(facts.id)),
                )),
                Some(_) => Some(true),
                None => None,
            });
            match has {
                None => self.draft.set(&path, &format!("[{}]", string(&plugin)))?,
                Some(false) => self.draft.push(&path, &string(&plugin))?,
                Some(true) => {}
            }
        }
        Ok(())
    }

    fn dashboard(&mut self, name: &str, folder: Option<&str>) -> Result<(), Refusal> {
        let grafanas = self.providers(DASHBOARDS_OF);
        let Some(grafana) = grafanas.first() else {
            let help = "add one first: `gen new service grafana`";
            return Err(Refusal::new("missing service of kind `grafana`", help));
        };
        let folders: Vec<String> = self.draft.look(|base, _| {
            let of = |grafana: &String| base.at(&["services", grafana, "settings", "folders"]).map(|node| &node.value);
            let tables = grafanas.iter().filter_map(of);
            tables
                .filter_map(|value| if let Value::Table(table) = value { Some(table) } else { None })
                .flat_map(|table| table.entries.iter().map(|(key, _)| key.name.to_string()))
                .collect()
        });
        let declare = |folder: &str| {
            format!("write `settings.folders.{} = {}` below [services.{grafana}]", key(folder), title(folder))
        };
        let folder = match (folder, folders.first()) {
            (Some(wanted), _) if folders.iter().any(|known| known == wanted) => wanted,
            (Some(wanted), _) => {
                let near = nearest(wanted, folders.iter().map(String::as_str));
                let help = near.map_or_else(
                    || match folders.as_slice() {
                        [] => declare(wanted),
                        folders => {
                            format!("{}, or use one of {}", declare(wanted), listed(folders.iter().map(String::as_str)))
                        }
                    },
                    |near| format!("did you mean `{near}`? If not, {}", declare(wanted)),
                );
                let help = if folders.is_empty() { declare(wanted) } else { help };
                return Err(Refusal::new(format!("unknown folder `{}`", shown(wanted)), help));
            }
            (None, Some(first)) => first,
            // The first folder, with a neutral name.
            (None, None) => {
                self.draft.set(&["services", grafana, "settings", "folders", FOLDER], &title(FOLDER))?;
                FOLDER
            }
        };
        let (datasource, kind) = self.default_datasource();
        let mut text =
            format!("#:schema ../dashboard.schema.json\nfolder = {}\ntitle = {}\n", string(folder), title(name));
        if let Some(datasource) = datasource {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "datasource = {}", string(&datasource));
        }
        text.push_str("\n[rows.\"Overview\".panels.");
        text.push_str(match kind {
            Some(DatasourceType::Prometheus) => {
                "\"Targets that answer\"]\ntype = \"timeseries\"\n\
                 queries = [{ expr = \"up\", legend = \"{{job}}\" }]\n"
            }
            Some(DatasourceType::Loki) => "\"Logs\"]\ntype = \"logs\"\nqueries = '{container=~\".+\"}'\n",
            _ => "\"About\"]\ntype = \"text\"\ncontent = \"What this dashboard is for.\"\n",
        });
        let path = self.draft.location().dashboards().join(format!("{name}.toml"));
        self.draft.add_file(path, text);
        Ok(())
    }

    /// The datasource of a new dashboard, if it must be named, and its type: the default, or the first one.
    fn default_datasource(&self) -> (Option<String>, Option<DatasourceType>) {
        self.draft.look(|base, _| {
            let all: Vec<(&str, &Table<'_>)> = entries(base, "datasources").collect();
            let is_default = |table: &Table<'_>| {
                table.at(&["default"]).is_some_and(|node| matches!(node.value, Value::Boolean(true)))
            };
            let default = all.iter().find(|(_, table)| is_default(table));
            let Some((name, table)) = default.or(all.first()) else { return (None, None) };
            let is_implied = default.is_some() || all.len() == 1;
            ((!is_implied).then(|| (*name).to_owned()), word(table, "type").and_then(DatasourceType::from_word))
        })
    }

    /// The services that provide something.
    fn providers(&self, what: &str) -> Vec<String> {
        self.draft.look(|base, _| {
            let found = entries(base, "services")
                .filter(|(_, table)| self.kind_of(table).is_some_and(|kind| kind.provides(what)));
            found.map(|(name, _)| name.to_owned()).collect()
        })
    }

    /// The kinds of all services.
    fn kinds(&self) -> Vec<Kind> {
        self.draft.look(|base, _| entries(base, "services").filter_map(|(_, table)| self.kind_of(table)).collect())
    }

    /// The names in a table, with the word that each has for a key.
    fn all(&self, table: &str, key: &str) -> Vec<(String, String)> {
        self.draft.look(|base, _| {
            entries(base, table)
                .filter_map(|(name, entry)| Some((name.to_owned(), word(entry, key)?.to_owned())))
                .collect()
        })
    }

    fn kind_of(&self, table: &Table<'_>) -> Option<Kind> {
        self.draft.kinds().get(word(table, "kind")?)
    }

    fn names(&self, table: &str) -> Vec<String> {
        self.draft.look(|base, _| entries(base, table).map(|(name, _)| name.to_owned()).collect())
    }

    /// A name that no service has.
    fn free_name(&self, wanted: &str) -> String {
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| !self.draft.has(&["services", name])).unwrap_or_default()
    }

    /// The first port from this one on that no profile publishes.
    fn free_port(&self, wanted: u16) -> u16 {
        let taken: HashSet<i64> = self.draft.look(|base, profiles| {
            let ports = std::iter::once(base).chain(profiles).flat_map(|table| entries(table, "services"));
            ports.flat_map(|(_, service)| published(service)).collect()
        });
        (wanted..=u16::MAX).find(|port| !taken.contains(&i64::from(*port))).unwrap_or(wanted)
    }
}

/// The ports of the host that a service takes, as far as they are plain numbers.
fn published(service: &Table<'_>) -> Vec<i64> {
    let Some(Value::Table(ports)) = service.at(&["ports"]).map(|node| &node.value) else { return Vec::new() };
    let numbers = ports.entries.iter().filter_map(|(_, node)| match &node.value {
        Value::Integer(number) => Some(*number),
        Value::Table(port) => match port.at(&["published"]).map(|node| &node.value) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        },
        _ => None,
    });
    numbers.collect()
}

/// The tables in a table, by name.
fn entries<'a>(base: &'a Table<'_>, table: &str) -> impl Iterator<Item = (&'a str, &'a Table<'a>)> + use<'a> {
    let found = match base.at(&[table]).map(|node| &node.value) {
        Some(Value::Table(found)) => found.entries.as_slice(),
        _ => &[],
    };
    found.iter().filter_map(|(key, node)| match &node.value {
        Value::Table(table) => Some((key.name.as_ref(), table)),
        _ => None,
    })
}

fn word<'a>(table: &'a Table<'_>, key: &str) -> Option<&'a str> {
    match &table.at(&[key])?.value {
        Value::String(word) => Some(word),
        _ => None,
    }
}

fn which_service(found: &[String]) -> Refusal {
    let help = match found {
        [] => "pass `--service` with the name of a service".to_owned(),
        found => format!("pass `--service` with one of {}", listed(found.iter().map(String::as_str))),
    };
    Refusal::new("missing service for the datasource", help)
}

/// The reference spec.
fn reference() -> Draft {
    let mut sources = Sources::default();
    sources.push(MAIN, REFERENCE.to_owned());
    Draft::new(&sources)
}

/// A plugin, in the version that the reference spec has.
fn plugin(id: &str) -> Option<String> {
    reference().look(|base, _| {
        let shows = |table: &Table<'_>| {
            word(table, "kind").and_then(Kind::built_in).is_some_and(|kind| kind.provides(DASHBOARDS_OF))
        };
        let mut grafanas = entries(base, "services").filter(|(_, table)| shows(table));
        let (_, grafana) = grafanas.next()?;
        let Value::List(plugins) = &grafana.at(&["settings", "plugins"])?.value else { return None };
        plugins.iter().find_map(|plugin| match &plugin.value {
            Value::String(text) if text.split('@').next() == Some(id) => Some(text.to_string()),
            _ => None,
        })
    })
}

/// A table of the reference spec, as it is written there.
fn table_of_reference(table: &str, name: &str) -> String {
    let sections = outline::of(REFERENCE);
    let section = sections.iter().find(|section| section.path == [table, name]);
    section.and_then(|section| REFERENCE.get(section.place.clone())).unwrap_or_default().to_owned()
}

/// The variables that a text refers to.
fn variables(text: &str) -> Vec<String> {
    let references = text.split("${").skip(1);
    references.map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()).collect()
}

/// A string of TOML.
fn string(text: &str) -> String {
    TomlStringBuilder::new(text).as_default().to_toml_value()
}

/// A name as a title, as a string of TOML.
fn title(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    string(&first.into_iter().chain(characters).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_spec_has_what_a_new_service_may_need() {
        let reference = reference();
        for kind in crate::spec::kind::Kinds::default().all() {
            let own = kind.declaration().new.as_ref().and_then(|new| new.image.as_ref());
            let image = kind.image_name();
            // One fact stands once.
            assert_ne!(reference.has(&["images", image]), own.is_some(), "{image}");
        }
        for variable in ["GRAFANA_ADMIN_PASSWORD", "AWS_REGION", "AWS_PROFILE", "HOST_UID", "TEMPORAL_DSQL_PATH"] {
            assert!(table_of_reference("env", variable).starts_with(&format!("[env.{variable}]\n")), "{variable}");
        }
        let id = DatasourceType::Json.plugin().id;
        assert!(plugin(id).is_some_and(|plugin| plugin.starts_with(id)));
    }
}
