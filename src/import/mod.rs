//! From a dashboard that was exported from Grafana to a description of the spec.
//!
//! This brings an edit from Grafana's editor, or somebody else's dashboard, into `spec/dashboards/`. The JSON goes through
//! `schema2`, which makes the newer schema the classic one, and through `legacy`, which brings older panels up to date. It
//! is then read by the tables that describe the format (`entries`) into a [`Description`], and [`toml`] writes that. Each
//! piece is *taken* out of the JSON, so that what is left at the end has no key in the format: what Grafana knows goes below
//! `grafana`, the rest is dropped, each with a [`Note`]. What is written renders, as long as the stack has the datasources
//! and plugins that notes name; [`check()`] says what it lacks.

mod annotation;
mod check;
pub mod compose;
mod datasource;
mod defaults;
mod entries;
mod fit;
pub mod folder;
mod into;
mod layout;
mod legacy;
mod link;
mod names;
mod note;
mod object;
mod panel;
mod query;
mod schema2;
pub mod toml;
mod variable;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::{fmt, iter};

use serde_json::{Map, Value, json};

pub use check::check;
use datasource::{Datasources, Reference};
pub use into::{Failure, into};
use layout::Section;
use names::Names;
use note::Notes;
pub use note::{Kind, Note};
use object::Object;
use toml::{Item, Table};

use crate::diagnostic::Diagnostics;
use crate::resolve::dashboards::interpolation::{is_literal, references};
use crate::resolve::dashboards::{is_uid, options};
use crate::spec;
use crate::spec::dashboard::{DASHBOARD, ROW};
use crate::spec::decode::Spanned;
use crate::spec::source::Sources;

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
    /// If the dashboard goes back to the file that it was rendered from.
    pub back: Option<Back>,
}

/// What an import into a dashboard's own file takes from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The UID of the datasource that its panels use if they name none.
    pub datasource: Option<String>,
}

impl Context {
    /// What a stack has, unless its spec has problems.
    pub fn of(sources: &Sources) -> Option<Self> {
        // Problems elsewhere don't matter here, e.g. a folder that has no dashboard yet.
        let mut diagnostics = Diagnostics::default();
        let mut found = None;
        // Profiles may differ, but dashboards are written for all of them.
        spec::parse(sources, &mut diagnostics).for_each(
            |_| true,
            &mut Diagnostics::default(),
            |profile, _| found = found.take().or(profile.spec),
        );
        let spec = found.filter(|_| diagnostics.is_empty())?;
        let datasource = |(uid, source): (&Spanned<String>, &spec::stack::Datasource)| Datasource {
            uid: uid.value.clone(),
            title: source.title.value.clone(),
            plugin: source.kind.value.plugin().to_owned(),
            default: source.default.as_ref().is_some_and(|flag| flag.value),
        };
        let settings =
            spec.services.iter().filter_map(|(_, service)| service.settings.as_ref()?.strings_by_name("folders"));
        let folders = settings
            .flat_map(spec::decode::Map::iter)
            .map(|(name, title)| Folder { name: name.value.clone(), title: title.clone() })
            .collect();
        Some(Self {
            datasources: Ok(spec.datasources.iter().map(datasource).collect()),
            folders,
            folder: None,
            back: None,
        })
    }
}

impl Default for Context {
    fn default() -> Self {
        Self { datasources: Err("no stack is known".to_owned()), folders: Vec::new(), folder: None, back: None }
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

impl Description {
    /// The folder that it is shown in.
    pub fn folder(&self) -> &str {
        if let Some(Item::Text(folder)) = self.keys.get("folder") { folder } else { "" }
    }
}

/// A row and its panels.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its ID in the JSON.
    pub id: Option<i64>,
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
    /// Its ID in the JSON.
    pub id: Option<i64>,
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

/// Why a file can't be imported.
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
    /// It is JSON, but not a dashboard; why.
    NoDashboard(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { line, column, message } => write!(f, "{line}:{column}: {message}"),
            Self::NoDashboard(why) => write!(f, "not a dashboard: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// Reads a dashboard.
///
/// # Errors
/// The text isn't JSON, or it is none of a dashboard.
pub fn import(text: &str, context: &Context) -> Result<Import, Error> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        Error::Json { line, column, message: message.strip_suffix(&place).unwrap_or(&message).to_owned() }
    })?;
    let notes = Notes::default();
    let (mut value, path, folder) = unwrap(value)?;
    if let Value::Object(map) = &mut value
        && schema2::is(map)
    {
        *map = schema2::classic(std::mem::take(map), &notes);
    }
    object::scrub(&mut value, path, 0, &notes);
    let Value::Object(map) = value else { return Err(Error::NoDashboard("it is not an object".to_owned())) };
    let description = read(Object::new(map, path, "dashboard", &notes), context, folder);
    Ok(Import { description, notes: notes.into_vec() })
}

/// Takes a dashboard out of what an API or a tool has wrapped around it; gives its path and its folder, too.
fn unwrap(value: Value) -> Result<(Value, &'static str, Option<String>), Error> {
    let Value::Object(mut map) = value else {
        return Err(Error::NoDashboard(format!("expected an object, found {}", object::described(&value))));
    };
    let mut folder = None;
    let mut path = "";
    let classic = |map: &Map<String, Value>| map.get("panels").or_else(|| map.get("rows")).is_some_and(Value::is_array);
    if !classic(&map) {
        if let Some(Value::Object(inner)) = map.shift_remove("dashboard") {
            let meta = map.shift_remove("meta").unwrap_or_default();
            folder = meta.get("folderTitle").and_then(Value::as_str).map(ToOwned::to_owned);
            (map, path) = (inner, "dashboard");
        } else if (map.contains_key("apiVersion") || map.contains_key("kind")) && map.contains_key("spec") {
            let kind = map.get("kind").and_then(Value::as_str).unwrap_or("Dashboard").to_owned();
            let name =
                map.get("metadata").and_then(|data| data.get("name")).and_then(Value::as_str).map(ToOwned::to_owned);
            if kind != "Dashboard" && kind != "DashboardWithAccessInfo" {
                return Err(Error::NoDashboard(format!("it is of kind `{}`", kind.escape_debug())));
            }
            let Some(Value::Object(mut inner)) = map.shift_remove("spec") else {
                return Err(Error::NoDashboard("its `spec` is not an object".to_owned()));
            };
            // Such a resource has its UID as its name.
            if let Some(name) = name {
                inner.entry("uid").or_insert(name.into());
            }
            (map, path) = (inner, "spec");
        }
    }
    let marks = ["panels", "rows", "schemaVersion", "templating", "annotations", "timepicker"];
    if !schema2::is(&map) && !marks.iter().any(|key| map.contains_key(*key)) {
        return Err(Error::NoDashboard("it has none of `panels`, `rows`, `templating` and `schemaVersion`".to_owned()));
    }
    Ok((Value::Object(map), path, folder))
}

fn read(mut object: Object<'_>, context: &Context, folder: Option<String>) -> Description {
    let notes = object.notes;
    if let Err(why) = &context.datasources {
        object.note(Kind::Assumed, "", format!("{why}: datasources are named as they were"));
    }
    let mut datasources = Datasources::new(context.datasources.as_deref().ok());
    inputs(&mut object, &mut datasources);
    let elements = object.object("__elements");
    legacy::dashboard(&mut object);
    let referred = referred(&object.map);
    let variables = read_variables(&mut object, &mut datasources);
    let annotations = read_annotations(&mut object, &datasources);
    let sections = layout::sections(&mut object);

    let mut reader = Reader { datasources: &datasources, referred, elements: elements.map, names: Names::default() };
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
        datasources.count(&annotation.datasource);
    }
    let (inherited, written) = match &context.back {
        Some(back) => (back.datasource.clone(), None),
        None => datasources.of_dashboard(),
    };
    let inherited = inherited.as_deref();

    let mut description = Description {
        variables: variables.into_iter().map(|one| one.finish(inherited)).collect(),
        annotations: annotations.into_iter().map(|(name, one)| (name, one.finish(inherited))).collect(),
        ..Description::default()
    };
    for (row, panels) in drafts {
        let panels: Vec<Panel> = panels.into_iter().map(|draft| draft.finish(inherited)).collect();
        match row {
            Some((id, name, keys)) => description.rows.push(Row { id, name, keys, panels }),
            None => description.panels.extend(panels),
        }
    }
    description.keys = read_keys(object, context, folder, written);
    if context.back.is_none() {
        drop_unused(&mut description, notes);
    }
    name_unknown(&description, notes);
    description
}

/// Names the variables that are missing.
fn name_unknown(description: &Description, notes: &Notes) {
    let text = toml::text(description);
    let references = references(&text);
    let known: HashSet<&str> = description.variables.iter().map(|(name, _)| name.as_str()).collect();
    // Expressions refer to queries, which have such names unless somebody gives them another.
    let has_expressions = text.contains("__expr__");
    let is_query = |name: &str| has_expressions && name.chars().all(|c| c.is_ascii_uppercase());
    let written = references.iter().filter(|one| !is_literal(&text, one) && !is_query(one.name)).map(|one| one.name);
    let missing: BTreeSet<&str> = written.chain(repeats(description)).filter(|name| !known.contains(name)).collect();
    for name in missing {
        notes.add(
            Kind::Assumed,
            "dashboard",
            "",
            format!("the dashboard has no variable `{name}`: add it, or write the value"),
        );
    }
}

/// The variables by which panels and rows are repeated.
fn repeats(description: &Description) -> impl Iterator<Item = &str> {
    let keys = description.panels.iter().map(|panel| &panel.keys);
    let rows =
        description.rows.iter().flat_map(|row| iter::once(&row.keys).chain(row.panels.iter().map(|one| &one.keys)));
    keys.chain(rows)
        .filter_map(|keys| if let Some(Item::Text(name)) = keys.get("repeat") { Some(name.as_str()) } else { None })
        .map(|name| name.trim_start_matches('$').trim_matches(['{', '}']))
}

/// Drops variables that nothing refers to, and then those that only these refer to.
fn drop_unused(description: &mut Description, notes: &Notes) {
    let is_passing = |text: &String| text.contains("include_variables = true");
    let variables = std::mem::take(&mut description.variables);
    let rest = toml::text(description);
    let mut uses: HashMap<String, usize> = HashMap::new();
    let mut refers = Vec::new();
    let mut texts = vec![rest];
    for (name, keys) in &variables {
        let one = Description { variables: vec![(name.clone(), keys.clone())], ..Description::default() };
        texts.push(toml::text(&one));
    }
    for text in &texts {
        let names: Vec<String> = references(text).iter().map(|one| one.name.to_owned()).collect();
        for name in &names {
            *uses.entry(name.clone()).or_default() += 1;
        }
        refers.push(names);
    }
    repeats(description).for_each(|name| *uses.entry(name.to_owned()).or_default() += 1);
    let all_pass = texts.iter().any(is_passing);
    let is_kept = |keys: &Table| all_pass || keys.get("type") == Some(&Item::from("adhoc"));
    let is_unused = |uses: &HashMap<String, usize>, name: &str| uses.get(name).is_none_or(|count| *count == 0);
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, (name, keys)) in variables.iter().enumerate() {
        if !is_kept(keys) {
            places.entry(name).or_default().push(place);
        }
    }
    let unused = places.iter().filter(|(name, _)| is_unused(&uses, name)).flat_map(|(_, places)| places);
    let mut unused: BTreeSet<usize> = unused.copied().collect();
    let mut dropped = HashSet::new();
    while let Some(place) = unused.pop_first() {
        notes.add(Kind::Dropped, &format!("variable `{}`", variables[place].0), "", "unused");
        dropped.insert(place);
        for name in &refers[place + 1] {
            if let Some(count) = uses.get_mut(name) {
                *count -= 1;
            }
            if is_unused(&uses, name) {
                unused.extend(places.get(name.as_str()).into_iter().flatten().filter(|place| !dropped.contains(place)));
            }
        }
    }
    let kept = variables.into_iter().enumerate().filter(|(place, _)| !dropped.contains(place));
    description.variables = kept.map(|(_, variable)| variable).collect();
}

/// Names the datasource of something that would get another one.
fn name_datasource(
    keys: &mut Table,
    own: Option<&Reference>,
    inherited: Option<&str>,
    table: &'static crate::spec::grafana::Table,
) {
    if let Some(uid) = own.and_then(|reference| reference.uid.as_deref())
        && Some(uid) != inherited
    {
        keys.put("datasource", uid);
        keys.arrange(table);
    }
}

/// The keys of the dashboard itself, with what is left.
fn read_keys(mut object: Object<'_>, context: &Context, folder: Option<String>, datasource: Option<String>) -> Table {
    let folder = choose_folder(&object, context, folder);
    if object.map.get("refresh").is_some_and(|refresh| !refresh.is_string()) {
        object.forget_if("refresh", &json!(false));
        object.lose("refresh", "expected an interval");
    }
    object.forget(&["id", "version", "iteration", "schemaVersion", "__requires"]);
    let mut keys = entries::read(&mut object, &DASHBOARD, "");
    keys.put("folder", folder);
    if keys.get("uid").is_some_and(|uid| !matches!(uid, Item::Text(uid) if is_uid(uid))) {
        object.note(Kind::Dropped, "uid", "not valid in a URL");
        keys.remove("uid");
    }
    if keys.get("title").is_none() {
        object.note(Kind::Assumed, "title", "`Untitled`: a dashboard needs a title");
        keys.put("title", "Untitled");
    }
    keys.put_some("datasource", datasource);
    if keys.get("time") == Some(&Item::from("now-6h")) {
        keys.remove("time");
    }
    // What Grafana assumes anyway.
    object.forget_if("fiscalYearStartMonth", &json!(0));
    for key in ["liveNow", "preload"] {
        object.forget_if(key, &json!(false));
    }
    object.lose("gnetId", "where the dashboard was found: name it in the description");
    let passed = entries::rest(&mut object, &DASHBOARD);
    if !passed.is_empty() {
        keys.put("grafana", passed);
    }
    keys.arrange(&DASHBOARD);
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
                let plugin = input.filled("pluginId");
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

fn read_variables(object: &mut Object<'_>, datasources: &mut Datasources<'_>) -> Vec<variable::Variable> {
    let mut templating = object.object("templating");
    let mut list = templating.objects("list");
    templating.forget(&["enable"]);
    object.put_back("templating", templating);
    for variable in &mut list {
        if let Some(name) = variable.map.get("name").and_then(Value::as_str) {
            let place = format!("variable `{name}`");
            *variable = variable.clone().named(&place);
        }
        legacy::variable(variable);
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
    object.put_back("annotations", holder);
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

fn read_row(row: Object<'_>, names: &mut Names, referred: &HashSet<i64>) -> (Option<i64>, String, Table) {
    let mut row = row;
    let title = row.text("title").unwrap_or_default();
    let wish = names::name(&title);
    let name = names.unique(if wish.is_empty() { "Row" } else { &wish });
    let mut row = row.named(&format!("row `{name}`"));
    let id = row.take("id").and_then(|id| id.as_i64());
    // A row has no queries; the others belong to rows of Grafana 4, and to repetitions.
    row.forget(&[
        "title",
        "type",
        "gridPos",
        "$$hashKey",
        "datasource",
        "targets",
        "collapse",
        "showTitle",
        "titleSize",
    ]);
    row.forget(&[
        "editable",
        "height",
        "repeatDirection",
        "repeatIteration",
        "repeatPanelId",
        "repeatRowId",
        "scopedVars",
    ]);
    row.forget(&["fieldConfig", "options", "pluginVersion"]);
    let mut keys = entries::read(&mut row, &ROW, "");
    keys.put_some("title", (name != title).then_some(title));
    keys.put_some("id", id.filter(|id| referred.contains(id)));
    let rest = entries::rest(&mut row, &ROW);
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(&ROW);
    (id, name, keys)
}

/// What is needed to read panels one after the other.
struct Reader<'a> {
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
        legacy::panel(&mut object);
        let kind = object.filled("type").unwrap_or_else(|| {
            object.note(Kind::Assumed, "type", "`timeseries`: the panel has no type");
            "timeseries".to_owned()
        });
        if !options::is_core(&kind) {
            object.note(Kind::Assumed, "type", format!("`{kind}`: Grafana needs the plugin"));
        }
        let mut keys = Table::default();
        let id = object.map.get("id").and_then(Value::as_i64);
        keys.put_some("id", self.id(&mut object));
        keys.put_some("title", (name != title).then_some(title));
        let mut draft = panel::read(object, (name, kind), keys, self.datasources);
        draft.panel.id = id;
        draft
    }

    /// The ID, if something refers to it and no other panel has it.
    fn id(&mut self, object: &mut Object<'_>) -> Option<i64> {
        let value = object.take("id")?;
        match value.as_i64() {
            Some(id) if (1..=i64::from(u32::MAX)).contains(&id) => self.referred.remove(&id).then_some(id),
            _ => {
                object.note(Kind::Dropped, "id", format!("{} is not an ID", object::described(&value)));
                None
            }
        }
    }

    /// A library panel is a reference; a shared export has what it refers to.
    fn library_panel(&self, object: &mut Object<'_>) {
        let Some(reference) = object.map.get("libraryPanel").and_then(Value::as_object) else { return };
        let uid = reference.get("uid").and_then(Value::as_str).unwrap_or_default();
        let element = self.elements.get(uid);
        if let Some(model) = element.and_then(|element| element.get("model")).and_then(Value::as_object) {
            object.note(Kind::Converted, "libraryPanel", "to a panel of its own");
            object.map.shift_remove("libraryPanel");
            for (key, value) in model {
                object.map.entry(key.clone()).or_insert_with(|| value.clone());
            }
        } else {
            let name = reference.get("name").and_then(Value::as_str).unwrap_or(uid);
            object.note(Kind::Assumed, "libraryPanel", format!("Grafana needs the library panel `{name}`"));
        }
    }
}
