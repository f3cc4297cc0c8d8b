//! One panel.

use serde_json::{Map, Value};

use super::datasource::{Datasources, MIXED, Reference};
use super::entries;
use super::note::Kind;
use super::object::Object;
use super::query::{self, Query};
use super::toml::{Item, Table};
use super::{Panel, defaults, fit, name_datasource};
use crate::resolve::dashboards::options::{self, Area};
use crate::resolve::dashboards::panel::needs_query;
use crate::spec::dashboard::PANEL;

/// A panel, before it is known which datasources have to be named.
pub(super) struct Draft {
    pub panel: Panel,
    /// The datasource of all its queries; none if they have none in common.
    pub datasource: Option<Reference>,
    pub queries: Vec<Query>,
}

impl Draft {
    /// Counts the datasources that need not be named.
    pub fn count(&self, datasources: &mut Datasources<'_>) {
        match &self.datasource {
            Some(reference) => datasources.count(reference),
            None => {
                self.queries
                    .iter()
                    .filter_map(|query| query.datasource.as_ref())
                    .for_each(|one| datasources.count(one));
            }
        }
    }

    pub fn finish(self, of_dashboard: Option<&str>) -> Panel {
        let Self { mut panel, datasource, queries } = self;
        name_datasource(&mut panel.keys, datasource.as_ref(), of_dashboard, &PANEL);
        let own = datasource.and_then(|reference| reference.uid);
        let inherited = own.as_deref().or(of_dashboard);
        let mut items: Vec<Item> = queries.into_iter().map(|query| query.finish(inherited)).collect();
        if let ([Item::Text(_)], Some(item)) = (items.as_slice(), items.first().cloned()) {
            panel.keys.put("queries", item);
        } else if !items.is_empty() || (needs_query(&panel.kind) && !is_library(&panel)) {
            // Several queries look alike: strings only if all are.
            if items.iter().any(|item| matches!(item, Item::Table(_))) {
                items.iter_mut().for_each(as_table);
            }
            panel.keys.put("queries", Item::List(items));
        }
        panel.keys.arrange(&PANEL);
        panel
    }
}

/// A library panel has its queries in the library.
fn is_library(panel: &Panel) -> bool {
    matches!(panel.keys.get("grafana"), Some(Item::Table(passed)) if passed.get("libraryPanel").is_some())
}

fn as_table(item: &mut Item) {
    if let Item::Text(text) = item {
        let mut table = Table::default();
        table.put("expr", std::mem::take(text));
        *item = table.into();
    }
}

/// Reads a panel of that name and type; `keys` has what is known of it before.
pub(super) fn read(
    mut object: Object<'_>,
    (name, kind): (String, String),
    mut keys: Table,
    datasources: &Datasources<'_>,
) -> Draft {
    object.forget(&["id", "gridPos", "title", "type", "$$hashKey", "scopedVars", "isNew", "cachedPluginOptions"]);
    if object.take("pluginVersion").is_some() {
        object.notes.once(Kind::Dropped, "panels[].pluginVersion", "Grafana writes it when a dashboard is saved");
    }
    keys.put("type", kind.as_str());
    defaults::forget(&kind, &mut object);
    if object.map.get("repeat").and_then(Value::as_str).is_none_or(str::is_empty) {
        // Left behind by the editor when a repeat is removed.
        object.forget(&["repeatDirection", "maxPerRow"]);
    }
    let tooltip = object.map.get_mut("options").and_then(|options| options.get_mut("tooltip")?.as_object_mut());
    if !options::has(&kind, "tooltip.sort")
        && let Some(sort) = tooltip.and_then(|tooltip| tooltip.shift_remove("sort"))
        && sort != "none"
    {
        object.note(Kind::Dropped, "options.tooltip.sort", format!("no effect in a panel of type `{kind}`"));
    }
    let (datasource, queries) = read_queries(&mut object, datasources);
    let overrides = overrides(&mut object, &kind);
    for (key, item) in entries::read(&mut object, &PANEL, &kind) {
        keys.put(key, item);
    }
    if !overrides.is_empty() {
        keys.put("overrides", overrides);
    }
    if !entries::rises(&keys) {
        object.note(Kind::Dropped, "fieldConfig", "`max`: it is not above `min`");
        keys.remove("max");
    }
    if keys.get("repeat_direction") == Some(&Item::from("h")) {
        keys.remove("repeat_direction");
    }
    // What these plugins do anyway.
    for (key, item) in defaults::short(&kind) {
        if keys.get(key) == Some(&Item::from(*item)) {
            keys.remove(key);
        }
    }
    if kind == "text" && keys.get("content").is_none() {
        keys.put("content", "");
    }
    let mut fields = object.object("fieldConfig");
    let mut standard = fields.object("defaults");
    let custom = own_words(standard.object("custom"), (&kind, Area::Custom), "fieldConfig.defaults.custom", &mut keys);
    fields.put_back("defaults", standard);
    object.put_back("fieldConfig", fields);
    let options = own_words(object.object("options"), (&kind, Area::Options), "options", &mut keys);
    let mut passed = entries::rest(&mut object, &PANEL);
    merge(&mut passed, "fieldConfig.defaults.custom", custom);
    merge(&mut passed, "options", options);
    if !passed.is_empty() {
        keys.put("grafana", passed);
    }
    keys.arrange(&PANEL);
    Draft { panel: Panel { id: None, name, kind, keys }, datasource, queries }
}

/// A table in Grafana's words, `options` or `custom`; gives what its types don't have, which is passed through.
fn own_words(mut table: Object<'_>, (kind, area): (&str, Area), path: &str, keys: &mut Table) -> Table {
    let (own, rest) = fit::split(kind, area, table.own());
    if !own.is_empty() {
        keys.put(path.rsplit('.').next().unwrap_or(path), own);
    }
    for (key, _) in rest.iter() {
        table.note(Kind::Passed, key, format!("as one of `grafana.{path}`: Grafana's types don't have it"));
    }
    rest
}

/// Puts entries below a dotted path.
fn merge(table: &mut Table, path: &str, rest: Table) {
    if rest.is_empty() {
        return;
    }
    let (first, below) = path.split_once('.').map_or((path, None), |(first, below)| (first, Some(below)));
    let mut inner = match table.remove(first) {
        Some(Item::Table(inner)) => inner,
        _ => Table::default(),
    };
    match below {
        Some(below) => merge(&mut inner, below, rest),
        None => rest.into_iter().for_each(|(key, item)| inner.put(key, item)),
    }
    table.put(first, inner);
}

/// The overrides that the format can say; the others stay where they are, and are appended to them.
fn overrides(object: &mut Object<'_>, kind: &str) -> Vec<Table> {
    let mut fields = object.object("fieldConfig");
    let mut read = Vec::new();
    let mut others: Vec<Value> = Vec::new();
    for rule in fields.objects("overrides") {
        let ids = ids(&rule.map);
        // An override beats those before it: one that sets what a passed one sets has to stay behind it.
        let behind =
            others.iter().filter_map(Value::as_object).any(|other| self::ids(other).iter().any(|id| ids.contains(id)));
        match entries::override_(&rule.map, kind).filter(|_| !behind) {
            Some(table) if table.len() > 1 => read.push(table),
            Some(_) => rule.note(Kind::Dropped, "", "an override without properties"),
            None => others.push(Value::Object(rule.map)),
        }
    }
    if !others.is_empty() {
        fields.map.insert("overrides".to_owned(), Value::Array(others));
    }
    object.put_back("fieldConfig", fields);
    read
}

fn ids(rule: &Map<String, Value>) -> Vec<String> {
    let properties = rule.get("properties").and_then(Value::as_array).into_iter().flatten();
    properties.filter_map(|property| Some(property.get("id")?.as_str()?.to_owned())).collect()
}

fn read_queries(object: &mut Object<'_>, datasources: &Datasources<'_>) -> (Option<Reference>, Vec<Query>) {
    let own = datasources.take(object);
    let mixed = own.as_ref().is_some_and(|own| own.uid.as_deref() == Some(MIXED));
    // A panel without a datasource has that of its first query.
    let queries = query::read_all(object, own.as_ref().filter(|_| !mixed), datasources);
    if queries.is_empty() {
        return (None, queries);
    }
    let mut real = queries
        .iter()
        .filter_map(|query| query.datasource.as_ref())
        .filter(|one| one.uid.as_deref() != Some("__expr__"));
    let common = real.next().cloned().filter(|first| real.all(|other| other.uid == first.uid));
    (common, queries)
}
