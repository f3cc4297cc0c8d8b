//! The way back: a dashboard that was exported from Grafana to a description of the spec.
//!
//! An edit in Grafana's editor, or a dashboard of somebody else, comes into `spec/dashboards/` by this. It stands beside
//! the stages and knows of them only the layout: the JSON goes through `legacy`, which brings older forms up to date, is read
//! piece by piece into a [`Description`], and [`toml`] writes that. Each piece is *taken* out of the JSON, so that what
//! is left at the end is what the format has no key for; that goes below `grafana` and is told as a [`Note`].

mod annotation;
mod datasource;
mod defaults;
mod field;
mod fit;
mod layout;
mod legacy;
mod link;
mod names;
mod note;
mod object;
mod panel;
mod query;
pub mod toml;
mod variable;

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::{Map, Value, json};

use datasource::Datasources;
use layout::Section;
use names::Names;
use note::Notes;
pub use note::{Kind, Note};
use object::Object;
use toml::Table;

/// The order of keys of a dashboard.
const DASHBOARD: &[&str] = &[
    "folder",
    "title",
    "uid",
    "description",
    "tags",
    "datasource",
    "refresh",
    "time",
    "timezone",
    "graph_tooltip",
    "editable",
    "links",
    "grafana",
];

/// A datasource of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datasource {
    /// Its UID.
    pub uid: String,
    /// Its title, by which dashboards before Grafana 8.3 name it.
    pub title: String,
    /// The id of its plugin: `prometheus`, `loki`.
    pub plugin: String,
    /// Whether panels that name no datasource use it.
    pub default: bool,
}

/// A folder for dashboards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name in the spec.
    pub name: String,
    /// Its title in Grafana.
    pub title: String,
}

/// What the dashboard comes to.
#[derive(Debug, Clone)]
pub struct Context {
    /// The stack's datasources, or why they aren't known.
    pub datasources: Result<Vec<Datasource>, String>,
    /// The stack's folders.
    pub folders: Vec<Folder>,
    /// The folder that the user chose.
    pub folder: Option<String>,
}

impl Default for Context {
    fn default() -> Self {
        Self { datasources: Err("no stack is known".to_owned()), folders: Vec::new(), folder: None }
    }
}

/// A dashboard in the words of the spec.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    /// Its own keys.
    pub keys: Table,
    /// Variables by name.
    pub variables: Vec<(String, Table)>,
    /// Annotations by name.
    pub annotations: Vec<(String, Table)>,
    /// Panels before the first row.
    pub panels: Vec<Panel>,
    /// Rows.
    pub rows: Vec<Row>,
}

/// A row and its panels.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name: the title, made unique.
    pub name: String,
    /// Its own keys.
    pub keys: Table,
    /// Its panels in order.
    pub panels: Vec<Panel>,
}

/// A panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Its name: the title, made unique.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its keys.
    pub keys: Table,
}

/// A dashboard that was read, and what a person should know about that.
#[derive(Debug, Clone)]
pub struct Import {
    /// The dashboard.
    pub description: Description,
    /// What was passed through, converted, moved, assumed and dropped, in the order of the JSON as far as possible.
    pub notes: Vec<Note>,
}

/// Why a file is no dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It isn't JSON.
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// It is JSON, but no dashboard; why.
    NoDashboard(String),
    /// It is a dashboard of the schema that came after the classic one.
    NewSchema,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { line, column, message } => write!(f, "{line}:{column}: {message}"),
            Self::NoDashboard(why) => write!(f, "no dashboard: {why}"),
            Self::NewSchema => f.write_str(
                "a dashboard of the schema v2, with `elements` and `layout`; export the classic one: \
                 Export, Export as code, Model: Classic",
            ),
        }
    }
}

impl std::error::Error for Error {}

/// Reads a dashboard.
///
/// # Errors
/// The text isn't JSON, or it is none of a classic dashboard.
pub fn import(text: &str, context: &Context) -> Result<Import, Error> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        Error::Json { line, column, message: message.strip_suffix(&place).unwrap_or(&message).to_owned() }
    })?;
    let notes = Notes::default();
    let (mut value, path, folder) = unwrap(value)?;
    object::scrub(&mut value, path, 0, &notes);
    let Value::Object(map) = value else { return Err(Error::NoDashboard("it is no object".to_owned())) };
    let description = read(Object::new(map, path, "dashboard", &notes), context, folder);
    Ok(Import { description, notes: notes.into_vec() })
}

/// Takes a dashboard out of what an API or a tool has wrapped around it; gives its path and its folder, too.
fn unwrap(value: Value) -> Result<(Value, &'static str, Option<String>), Error> {
    let Value::Object(mut map) = value else {
        return Err(Error::NoDashboard(format!("expected an object, found {}", object::described(&value))));
    };
    let new = |map: &Map<String, Value>| {
        map.get("elements").is_some_and(Value::is_object)
            && map.get("layout").is_some_and(|layout| layout.get("kind").is_some())
    };
    let mut folder = None;
    let mut path = "";
    let classic = |map: &Map<String, Value>| map.get("panels").or_else(|| map.get("rows")).is_some_and(Value::is_array);
    if !classic(&map) {
        if let Some(dashboard @ Value::Object(_)) = map.shift_remove("dashboard") {
            let meta = map.shift_remove("meta").unwrap_or_default();
            folder = meta.get("folderTitle").and_then(Value::as_str).map(ToOwned::to_owned);
            let Value::Object(inner) = dashboard else { return Err(Error::NewSchema) };
            (map, path) = (inner, "dashboard");
        } else if (map.contains_key("apiVersion") || map.contains_key("kind")) && map.contains_key("spec") {
            let version = map.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned();
            let kind = map.get("kind").and_then(Value::as_str).unwrap_or("Dashboard").to_owned();
            let name =
                map.get("metadata").and_then(|data| data.get("name")).and_then(Value::as_str).map(ToOwned::to_owned);
            if kind != "Dashboard" && kind != "DashboardWithAccessInfo" {
                return Err(Error::NoDashboard(format!("it is of kind `{}`", kind.escape_debug())));
            }
            let Some(Value::Object(mut inner)) = map.shift_remove("spec") else {
                return Err(Error::NoDashboard("its `spec` is no object".to_owned()));
            };
            if new(&inner) || version.rsplit('/').next().is_some_and(|version| version.starts_with("v2")) {
                return Err(Error::NewSchema);
            }
            // Such a resource has its UID as its name.
            if let Some(name) = name {
                inner.entry("uid").or_insert(name.into());
            }
            (map, path) = (inner, "spec");
        }
    }
    if new(&map) {
        return Err(Error::NewSchema);
    }
    let marks = ["panels", "rows", "schemaVersion", "templating", "annotations", "timepicker"];
    if !marks.iter().any(|key| map.contains_key(*key)) {
        return Err(Error::NoDashboard("it has none of `panels`, `rows`, `templating` and `schemaVersion`".to_owned()));
    }
    Ok((Value::Object(map), path, folder))
}

fn read(mut object: Object<'_>, context: &Context, folder: Option<String>) -> Description {
    let notes = object.notes;
    let version = object.map.get("schemaVersion").and_then(Value::as_i64).unwrap_or(0);
    if let Err(why) = &context.datasources {
        object.note(Kind::Assumed, "", format!("{why}: datasources are named as they were"));
    }
    // A version says nothing in a file that was written by hand; one with a grid is not that old.
    let version = if object.map.contains_key("panels") { version.max(16) } else { version };
    let mut datasources = Datasources::new(context.datasources.as_deref().ok());
    inputs(&mut object, &mut datasources);
    let elements = object.object("__elements");
    legacy::dashboard(&mut object);
    let referred = referred(&object.map);
    let variables = read_variables(&mut object, version, &mut datasources);
    let annotations = read_annotations(&mut object, &datasources);
    let sections = layout::sections(&mut object);

    let mut reader =
        Reader { version, datasources: &datasources, referred, elements: elements.map, names: Names::default() };
    let mut row_names = Names::default();
    let mut drafts = Vec::new();
    for Section { row, panels } in sections {
        let row = row.map(|row| read_row(row, &mut row_names, &reader.referred));
        let (objects, spots): (Vec<_>, Vec<_>) = panels.into_iter().map(|placed| (placed.object, placed.spot)).unzip();
        let mut panels: Vec<panel::Draft> = objects.into_iter().map(|object| reader.panel(object)).collect();
        let mut placed: Vec<&mut Panel> = panels.iter_mut().map(|draft| &mut draft.panel).collect();
        layout::arrange(&mut placed, &spots, notes);
        drafts.push((row, panels));
    }
    drafts.iter().flat_map(|(_, panels)| panels).for_each(|draft| draft.count(&mut datasources));
    variables.iter().filter_map(|one| one.datasource.as_ref()).for_each(|reference| datasources.count(reference));
    for (_, annotation) in &annotations {
        annotation.count(&mut datasources);
    }
    let (inherited, written) = datasources.of_dashboard();
    let inherited = inherited.as_deref();

    let mut description = Description {
        variables: variables.into_iter().map(|one| one.finish(inherited)).collect(),
        annotations: annotations.into_iter().map(|(name, one)| (name, one.finish(inherited))).collect(),
        ..Description::default()
    };
    for (row, panels) in drafts {
        let panels: Vec<Panel> = panels.into_iter().map(|draft| draft.finish(inherited)).collect();
        match row {
            Some((name, keys)) => description.rows.push(Row { name, keys, panels }),
            None => description.panels.extend(panels),
        }
    }
    description.keys = read_keys(object, context, folder, written);
    description
}

/// The keys of the dashboard itself, with what is left.
fn read_keys(mut object: Object<'_>, context: &Context, folder: Option<String>, datasource: Option<String>) -> Table {
    let mut keys = Table::default();
    keys.put("folder", choose_folder(&object, context, folder));
    let title = object.filled("title").unwrap_or_else(|| {
        object.note(Kind::Assumed, "title", "a dashboard needs one");
        "Untitled".to_owned()
    });
    keys.put("title", title);
    keys.put_some("uid", object.filled("uid"));
    keys.put_some("description", object.filled("description"));
    let tags = object.texts("tags");
    if !tags.is_empty() {
        keys.put("tags", tags);
    }
    keys.put_some("datasource", datasource);
    if let Some(Value::Bool(refresh)) = object.map.get("refresh") {
        if *refresh {
            object.note(Kind::Dropped, "refresh", "expected an interval");
        }
        object.forget(&["refresh"]);
    }
    keys.put_some("refresh", object.filled("refresh"));
    let mut time = object.object("time");
    let from = time.filled("from").unwrap_or_else(|| "now-6h".to_owned());
    let to = time.filled("to").unwrap_or_else(|| "now".to_owned());
    if to != "now" {
        let mut table = Table::default();
        table.put("from", from);
        table.put("to", to);
        keys.put("time", table);
    } else if from != "now-6h" {
        keys.put("time", from);
    }
    let rest = time.rest_below("time");
    keys.put_some("timezone", object.filled("timezone"));
    match object.integer("graphTooltip") {
        Some(1) => keys.put("graph_tooltip", "crosshair"),
        Some(2) => keys.put("graph_tooltip", "tooltip"),
        None | Some(0) => {}
        Some(other) => object.note(Kind::Dropped, "graphTooltip", format!("{other} is none of 0, 1 and 2")),
    }
    keys.put_some("editable", object.flag("editable").filter(|flag| !flag));
    let links: Vec<Table> = object.objects("links").into_iter().filter_map(link::read).collect();
    if !links.is_empty() {
        keys.put("links", links);
    }
    // What the database knows about a dashboard, and what Grafana takes for granted.
    object.forget(&["id", "version", "iteration", "schemaVersion", "__requires", "variables"]);
    object.forget_if("fiscalYearStartMonth", &json!(0));
    object.forget_if("liveNow", &json!(false));
    object.forget_if("preload", &json!(false));
    object.forget_if("weekStart", &json!(""));
    object.forget_if("scopeMeta", &json!({}));
    object.lose("gnetId", "where the dashboard was found: name it in the description");
    let mut passed = object.rest();
    if !rest.is_empty() {
        passed.put("time", rest);
    }
    if !passed.is_empty() {
        keys.put("grafana", passed);
    }
    keys.arrange(DASHBOARD);
    keys
}

fn choose_folder(object: &Object<'_>, context: &Context, title: Option<String>) -> String {
    if let Some(folder) = &context.folder {
        return folder.clone();
    }
    let assume = |message: String| object.note(Kind::Assumed, "", message);
    if let Some(found) = title.and_then(|title| context.folders.iter().find(|folder| folder.title == title)) {
        return found.name.clone();
    }
    match context.folders.first() {
        Some(folder) if context.folders.len() == 1 => folder.name.clone(),
        Some(folder) => {
            assume(format!("folder `{}`: the JSON doesn't say which; choose with `--folder`", folder.name));
            folder.name.clone()
        }
        None => {
            assume("folder `general`: the JSON doesn't say which; choose with `--folder`".to_owned());
            "general".to_owned()
        }
    }
}

/// `__inputs` of a shared export: names for datasources, and constants, which are put in where they are used.
fn inputs(object: &mut Object<'_>, datasources: &mut Datasources<'_>) {
    let mut constants = HashMap::new();
    for mut input in object.objects("__inputs") {
        let Some(name) = input.filled("name") else { continue };
        match input.filled("type").as_deref() {
            Some("datasource") => {
                let plugin = input.filled("pluginId").unwrap_or_default();
                datasources.add_input(name, plugin);
            }
            Some("constant") => {
                let value = input.text("value").unwrap_or_default();
                input.note(Kind::Converted, "", format!("`{name}` to its value `{value}`"));
                constants.insert(format!("${{{name}}}"), value);
            }
            _ => input.note(Kind::Dropped, "", "neither a datasource nor a constant"),
        }
    }
    if !constants.is_empty() {
        object.map.values_mut().for_each(|value| put_in(value, &constants));
    }
}

fn put_in(value: &mut Value, constants: &HashMap<String, String>) {
    match value {
        Value::String(text) if text.contains("${") => {
            for (name, constant) in constants {
                if text.contains(name) {
                    *text = text.replace(name, constant);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put_in(item, constants)),
        Value::Object(map) => map.values_mut().for_each(|item| put_in(item, constants)),
        _ => {}
    }
}

/// Ids of panels that something refers to: the other ids are Grafana's own business.
fn referred(map: &Map<String, Value>) -> HashSet<i64> {
    let mut ids = HashSet::new();
    let values: Vec<&Value> = map.values().collect();
    let mut left = values;
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => {
                for mark in ["viewPanel=", "editPanel=", "panelId="] {
                    for rest in text.split(mark).skip(1) {
                        let rest = rest.strip_prefix("panel-").unwrap_or(rest);
                        let digits = rest.chars().take_while(char::is_ascii_digit).count();
                        ids.extend(rest[..digits].parse::<i64>());
                    }
                }
            }
            Value::Array(items) => left.extend(items),
            Value::Object(map) => {
                // A query of the datasource `-- Dashboard --`, and the panels that an annotation is shown in.
                ids.extend(map.get("panelId").and_then(Value::as_i64));
                if map.contains_key("exclude") {
                    ids.extend(
                        map.get("ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64),
                    );
                }
                left.extend(map.values());
            }
            _ => {}
        }
    }
    ids
}

fn read_variables(object: &mut Object<'_>, version: i64, datasources: &mut Datasources<'_>) -> Vec<variable::Variable> {
    let mut templating = object.object("templating");
    let mut list = templating.objects("list");
    templating.forget(&["enable"]);
    if !templating.map.is_empty() {
        object.map.insert("templating".to_owned(), Value::Object(templating.map));
    }
    for variable in &mut list {
        if let Some(name) = variable.map.get("name").and_then(Value::as_str) {
            let place = format!("variable `{name}`");
            *variable = variable.clone().named(&place);
        }
        legacy::variable(variable, version);
        let text = |key: &str| variable.map.get(key).and_then(Value::as_str);
        if let (Some("datasource"), Some(name), Some(plugin)) = (text("type"), text("name"), text("query")) {
            datasources.add_variable(name.to_owned(), plugin.to_owned());
        }
    }
    let mut taken = HashSet::new();
    let mut variables = Vec::new();
    for variable in list {
        let name = variable.map.get("name").and_then(Value::as_str).unwrap_or_default();
        if !name.is_empty() && !taken.insert(name.to_owned()) {
            variable.note(Kind::Dropped, "", "a second variable of the name");
            continue;
        }
        variables.extend(variable::read(variable, datasources));
    }
    variables
}

fn read_annotations(object: &mut Object<'_>, datasources: &Datasources<'_>) -> Vec<(String, annotation::Annotation)> {
    let mut names = Names::default();
    let mut holder = object.object("annotations");
    let list = holder.objects("list");
    holder.forget(&["enable"]);
    if !holder.map.is_empty() {
        object.map.insert("annotations".to_owned(), Value::Object(holder.map));
    }
    let mut annotations = Vec::new();
    for mut annotation in list {
        if annotation::is_built_in(&annotation) {
            continue;
        }
        let wish = annotation.filled("name").map(|name| names::name(&name)).filter(|name| !name.is_empty());
        let wish = wish.unwrap_or_else(|| "Annotation".to_owned());
        let name = names.unique(&wish);
        if name != wish {
            annotation.note(Kind::Converted, "name", format!("`{wish}` to `{name}`: names are unique"));
        }
        let place = format!("annotation `{name}`");
        annotations.push((name, annotation::read(annotation.named(&place), datasources)));
    }
    annotations
}

fn read_row(row: Object<'_>, names: &mut Names, referred: &HashSet<i64>) -> (String, Table) {
    let mut row = row;
    let title = row.text("title").unwrap_or_default();
    let wish = names::name(&title);
    let name = names.unique(if wish.is_empty() { "Row" } else { &wish });
    let mut row = row.named(&format!("row `{name}`"));
    let mut keys = Table::default();
    keys.put_some("title", (name != title).then_some(title));
    keys.put_some("collapsed", row.flag("collapsed").filter(|flag| *flag));
    keys.put_some("repeat", row.filled("repeat"));
    if let Some(id) = row.map.get("id").and_then(Value::as_i64).filter(|id| referred.contains(id)) {
        keys.put("id", id);
    }
    row.forget(&["id", "type", "gridPos", "$$hashKey"]);
    // A row has no queries; and what rows of Grafana 4 had.
    row.forget(&[
        "datasource",
        "targets",
        "collapse",
        "showTitle",
        "titleSize",
        "editable",
        "height",
        "repeatDirection",
    ]);
    for key in
        ["repeatIteration", "repeatPanelId", "repeatRowId", "scopedVars", "fieldConfig", "options", "pluginVersion"]
    {
        row.map.shift_remove(key);
    }
    let rest = row.rest();
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    (name, keys)
}

/// What is needed to read panels one after the other.
struct Reader<'a> {
    version: i64,
    datasources: &'a Datasources<'a>,
    referred: HashSet<i64>,
    /// Library panels of a shared export.
    elements: Map<String, Value>,
    names: Names,
}

impl Reader<'_> {
    fn panel(&mut self, mut object: Object<'_>) -> panel::Draft {
        self.library_panel(&mut object);
        let title = match object.map.get("title") {
            Some(Value::String(title)) => title.clone(),
            None | Some(Value::Null) => String::new(),
            // The note comes later, from where the panel has a name.
            Some(other) => other.as_number().map(ToString::to_string).unwrap_or_default(),
        };
        let wish = names::name(&title);
        let kind = object.map.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
        let name = self.names.unique(if wish.is_empty() { kind.unwrap_or("panel") } else { &wish });
        let mut object = object.named(&format!("panel `{name}`"));
        if object.map.get("title").is_some_and(|title| title.is_array() || title.is_object()) {
            object.text("title");
        }
        legacy::panel(&mut object, self.version);
        let kind = object.filled("type").unwrap_or_else(|| {
            object.note(Kind::Assumed, "type", "`timeseries`: the panel has no type");
            "timeseries".to_owned()
        });
        let id = self.id(&mut object);
        let title = (name != title).then_some(title);
        panel::read(object, panel::Named { name, title, kind, id }, self.datasources)
    }

    /// The id, if something refers to it and it is one.
    fn id(&self, object: &mut Object<'_>) -> Option<i64> {
        let value = object.take("id")?;
        match value.as_i64() {
            Some(id) if (1..=i64::from(u32::MAX)).contains(&id) => self.referred.contains(&id).then_some(id),
            _ => {
                object.note(Kind::Dropped, "id", format!("{} is no id", object::described(&value)));
                None
            }
        }
    }

    /// A library panel is a reference; a shared export has what it refers to.
    fn library_panel(&self, object: &mut Object<'_>) {
        let Some(reference) = object.map.get("libraryPanel").and_then(Value::as_object) else { return };
        let uid = reference.get("uid").and_then(Value::as_str).unwrap_or_default();
        match self.elements.get(uid).and_then(|element| element.get("model")).and_then(Value::as_object) {
            Some(model) => {
                object.note(Kind::Converted, "libraryPanel", "to a panel of its own");
                object.map.shift_remove("libraryPanel");
                for (key, value) in model {
                    object.map.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            None => object.note(Kind::Assumed, "libraryPanel", "Grafana has to have the library panel"),
        }
    }
}
