//! One panel.

use serde_json::{Map, Value, json};

use super::datasource::{Datasources, MIXED, Reference};
use super::fit;
use super::note::Kind;
use super::object::{Object, says_nothing};
use super::query::{self, Query};
use super::toml::{Item, Table};
use super::{Panel, defaults, field, link};
use crate::resolve::options::{self as panel_options, Area};

/// The order of keys in a panel.
const PANEL: &[&str] = &[
    "title",
    "type",
    "description",
    "transparent",
    "datasource",
    "queries",
    "unit",
    "decimals",
    "min",
    "max",
    "no_value",
    "display_name",
    "thresholds",
    "mappings",
    "color",
    "custom",
    "options",
    "legend",
    "tooltip",
    "reduce",
    "content",
    "overrides",
    "links",
    "data_links",
    "transformations",
    "width",
    "height",
    "id",
    "repeat",
    "repeat_direction",
    "max_per_row",
    "interval",
    "max_data_points",
    "time_from",
    "time_shift",
    "hide_time_override",
    "grafana",
];

/// A panel, before it is known which datasources have to be named.
pub(super) struct Draft {
    pub panel: Panel,
    /// The datasource of all its queries; none if they have none in common.
    datasource: Option<Reference>,
    queries: Vec<Query>,
}

/// What is known about a panel before it is read.
pub(super) struct Named {
    pub name: String,
    /// The title, if it isn't the name.
    pub title: Option<String>,
    pub kind: String,
    /// The id, if something refers to it.
    pub id: Option<i64>,
}

impl Draft {
    /// Counts the datasources that could go without a name.
    pub fn count(&self, datasources: &mut Datasources<'_>) {
        match &self.datasource {
            Some(reference) => datasources.count(reference),
            None => self.queries.iter().filter_map(|query| query.datasource.as_ref()).for_each(|reference| {
                datasources.count(reference);
            }),
        }
    }

    pub fn finish(self, of_dashboard: Option<&str>) -> Panel {
        let Self { mut panel, datasource, mut queries } = self;
        let mut inherited = of_dashboard.map(ToOwned::to_owned);
        if let Some(Reference { uid: Some(uid), .. }) = datasource {
            if Some(uid.as_str()) != of_dashboard {
                panel.keys.put("datasource", uid.as_str());
            }
            inherited = Some(uid);
        }
        // A special one, an expression say, names itself; the others have the panel's.
        for query in &mut queries {
            if query.datasource.as_ref().is_some_and(|reference| reference.uid == inherited) {
                query.datasource = None;
            }
        }
        let mut items: Vec<Item> = queries.into_iter().map(|query| query.finish(inherited.as_deref())).collect();
        let alone = items.len() == 1 && matches!(items.first(), Some(Item::Text(_)));
        if alone {
            panel.keys.put_some("queries", items.pop());
        } else if !items.is_empty() {
            panel.keys.put("queries", Item::List(alike(items)));
        }
        panel.keys.arrange(PANEL);
        panel
    }
}

/// Several queries look alike: strings only if all are.
fn alike(items: Vec<Item>) -> Vec<Item> {
    if items.iter().all(|item| matches!(item, Item::Text(_))) {
        return items;
    }
    let table = |item| match item {
        Item::Text(text) => {
            let mut table = Table::default();
            table.put("expr", text);
            Item::Table(table)
        }
        other => other,
    };
    items.into_iter().map(table).collect()
}

/// Reads a panel.
pub(super) fn read(mut object: Object<'_>, named: Named, datasources: &Datasources<'_>) -> Draft {
    let Named { name, title, kind, id } = named;
    let mut keys = Table::default();
    keys.put_some("title", title);
    keys.put("type", kind.as_str());
    keys.put_some("description", object.filled("description"));
    keys.put_some("transparent", object.flag("transparent").filter(|flag| *flag));
    let mut passed = Table::default();

    let mut fields = object.object("fieldConfig");
    let field_config = field::read(&mut fields, &kind, &mut keys);
    if !field_config.is_empty() {
        passed.put("fieldConfig", field_config);
    }
    let mut options = object.object("options");
    let more = read_options(&mut options, &kind, &mut keys);
    if !more.is_empty() {
        passed.put("options", more);
    }

    let links = object.objects("links");
    let links: Vec<Table> = links.into_iter().filter_map(link::read).collect();
    if !links.is_empty() {
        keys.put("links", links);
    }
    transformations(&mut object, &mut keys);
    keys.put_some("id", id);
    if let Some(repeat) = object.filled("repeat") {
        keys.put("repeat", repeat);
        keys.put_some("repeat_direction", object.filled("repeatDirection").filter(|direction| direction != "h"));
        keys.put_some("max_per_row", object.integer("maxPerRow"));
    } else {
        // Left behind by the editor when a repeat is taken back.
        object.forget(&["repeatDirection", "maxPerRow"]);
    }
    keys.put_some("interval", object.filled("interval"));
    keys.put_some("max_data_points", object.integer("maxDataPoints"));
    keys.put_some("time_from", object.filled("timeFrom"));
    keys.put_some("time_shift", object.filled("timeShift"));
    keys.put_some("hide_time_override", object.flag("hideTimeOverride").filter(|flag| *flag));

    let (datasource, queries) = read_queries(&mut object, datasources);
    object.forget(&["id", "gridPos", "title", "type", "$$hashKey", "scopedVars", "isNew", "cachedPluginOptions"]);
    if object.take("pluginVersion").is_some() {
        object.notes.once(Kind::Dropped, "panels[].pluginVersion", "Grafana writes it when a dashboard is saved");
    }
    for (key, item) in object.rest() {
        passed.push(key, item);
    }
    if !passed.is_empty() {
        keys.put("grafana", passed);
    }
    keys.arrange(PANEL);
    Draft { panel: Panel { name, kind, keys }, datasource, queries }
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

/// Whether a tooltip is the one that most panels have; that of a heatmap, say, is another.
fn only_common(tooltip: Option<&Value>) -> bool {
    let common = ["mode", "sort", "hideZeros", "maxHeight", "maxWidth"];
    tooltip.and_then(Value::as_object).is_some_and(|map| map.keys().all(|key| common.contains(&key.as_str())))
}

/// Reads `options`; gives what is passed through.
fn read_options(options: &mut Object<'_>, kind: &str, keys: &mut Table) -> Table {
    let mut passed = Table::default();
    defaults::forget_options(kind, options);
    if options.map.get("legend").is_some_and(|legend| {
        ["displayMode", "showLegend", "calcs", "placement"].iter().any(|key| legend.get(key).is_some())
    }) && panel_options::has(kind, "legend.displayMode")
    {
        let mut legend = options.object("legend");
        read_legend(&mut legend, kind, keys);
        let rest = legend.rest_below("options.legend");
        if !rest.is_empty() {
            passed.put("legend", rest);
        }
    }
    if let Some(mode) = options.map.get("tooltip").and_then(|tooltip| tooltip.get("mode")).and_then(Value::as_str)
        && ["single", "multi", "none"].contains(&mode)
        && panel_options::has(kind, "tooltip.mode")
        && only_common(options.map.get("tooltip"))
    {
        let mut tooltip = options.object("tooltip");
        read_tooltip(&mut tooltip, kind, keys);
        let rest = tooltip.rest_below("options.tooltip");
        if !rest.is_empty() {
            passed.put("tooltip", rest);
        }
    }
    if options.map.get("reduceOptions").is_some_and(Value::is_object) && panel_options::has(kind, "reduceOptions.calcs")
    {
        let mut reduce = options.object("reduceOptions");
        read_reduce(&mut reduce, kind, keys);
        let rest = reduce.rest_below("options.reduceOptions");
        if !rest.is_empty() {
            passed.put("reduceOptions", rest);
        }
    }
    if kind == "text" {
        keys.put_some("content", options.filled("content"));
    }
    // What is left of the legend and its like stands beside the other options.
    let mut own = options.own();
    for (key, rest) in passed.into_entries() {
        own.push(key, rest);
    }
    let (own, rest) = fit::split(kind, Area::Options, own);
    if !own.is_empty() {
        keys.put("options", own);
    }
    for (key, _) in rest.iter() {
        options.note(Kind::Passed, key, "as one of `grafana.options`: Grafana's types don't have it");
    }
    rest
}

fn read_legend(legend: &mut Object<'_>, kind: &str, keys: &mut Table) {
    let mode = legend.filled("displayMode").unwrap_or_else(|| "list".to_owned());
    let shown = legend.flag("showLegend").unwrap_or(true) && mode != "hidden";
    legend.forget(&["isVisible", "asTable"]);
    let placement = legend.filled("placement").unwrap_or_else(|| "bottom".to_owned());
    let calcs = legend.texts("calcs");
    if !shown {
        keys.put("legend", "none");
        if mode == "table" || placement != "bottom" || !calcs.is_empty() {
            legend.note(Kind::Dropped, "", "how the legend would look if it were shown");
        }
        legend.forget(&["sortBy", "sortDesc", "width", "limit"]);
        // The values of a hidden legend of a pie chart.
        legend.forget_if("values", &json!([]));
        return;
    }
    let mut table = Table::default();
    table.put("mode", mode.as_str());
    if placement != "bottom" {
        table.put("placement", placement);
    }
    if !calcs.is_empty() {
        table.put("calcs", calcs);
    }
    table.put_some("sort_by", legend.filled("sortBy"));
    table.put_some("sort_desc", legend.flag("sortDesc").filter(|flag| *flag));
    table.put_some("width", legend.amount("width"));
    legend.forget_if("enableFacetedFilter", &json!(false));
    if table.len() > 1 || !["list", "table"].contains(&mode.as_str()) {
        keys.put("legend", table);
    } else if mode != "list" || !defaults::plain_legend(kind) {
        keys.put("legend", mode);
    }
}

fn read_tooltip(tooltip: &mut Object<'_>, kind: &str, keys: &mut Table) {
    let mode = tooltip.filled("mode").unwrap_or_else(|| "single".to_owned());
    let sort = tooltip.filled("sort").filter(|sort| sort != "none");
    tooltip.forget_if("hideZeros", &json!(false));
    if let Some(sort) = sort {
        let mut table = Table::default();
        table.put("mode", mode);
        table.put("sort", sort);
        keys.put("tooltip", table);
    } else if mode != "single" || !defaults::plain_tooltip(kind) {
        keys.put("tooltip", mode);
    }
}

fn read_reduce(reduce: &mut Object<'_>, kind: &str, keys: &mut Table) {
    let calcs = reduce.texts("calcs");
    let fields = reduce.filled("fields");
    let values = reduce.flag("values").unwrap_or_default();
    let limit = reduce.integer("limit");
    match calcs.as_slice() {
        [] if fields.is_none() && !values && limit.is_none() => {}
        [calc] if fields.is_none() && !values && limit.is_none() => {
            if calc != "lastNotNull" || !defaults::reduces(kind) {
                keys.put("reduce", calc.as_str());
            }
        }
        _ => {
            let mut table = Table::default();
            if !calcs.is_empty() {
                table.put("calcs", calcs);
            }
            table.put_some("fields", fields);
            if values {
                table.put("values", true);
            }
            table.put_some("limit", limit);
            keys.put("reduce", table);
        }
    }
}

fn transformations(object: &mut Object<'_>, keys: &mut Table) {
    let list = object.map.get("transformations").and_then(Value::as_array);
    if list.is_none_or(Vec::is_empty) {
        object.objects("transformations");
        return;
    }
    // One that the format can't hold leaves all of them to the passthrough: their order counts.
    let known = |one: &Value| {
        one.as_object().is_some_and(|one| {
            one.get("id").is_some_and(Value::is_string)
                && one
                    .iter()
                    .all(|(key, value)| matches!(key.as_str(), "id" | "options" | "disabled") || says_nothing(value))
                && one.get("options").is_none_or(|options| options.is_object() || options.is_null())
                && one.get("disabled").is_none_or(|disabled| disabled.is_boolean() || disabled.is_null())
        })
    };
    if !object.map.get("transformations").and_then(Value::as_array).is_some_and(|list| list.iter().all(known)) {
        return;
    }
    let list = object.objects("transformations");
    let mut read = Vec::with_capacity(list.len());
    for mut one in list {
        let id = one.filled("id").unwrap_or_default();
        let disabled = one.flag("disabled").unwrap_or_default();
        let mut options = one.object("options");
        let mut table = Table::default();
        if let Some((word, item)) = in_words(&id, &Value::Object(options.map.clone())) {
            table.put(word, item);
        } else {
            table.put("id", id);
            let options = options.own();
            if !options.is_empty() {
                table.put("options", options);
            }
        }
        if disabled {
            table.put("disabled", true);
        }
        read.push(table);
    }
    keys.put("transformations", read);
}

/// A transformation that the format has a word for, if it says nothing beyond it.
fn in_words(id: &str, options: &Value) -> Option<(&'static str, Item)> {
    let map = options.as_object()?;
    let known = |keys: &[&str]| map.iter().all(|(key, value)| keys.contains(&key.as_str()) || says_nothing(value));
    let mut table = Table::default();
    match id {
        "merge" if known(&[]) => Some(("merge", true.into())),
        "joinByField" if known(&["byField", "mode"]) => {
            table.put("field", map.get("byField")?.as_str()?);
            match map.get("mode") {
                None => {}
                Some(mode) => match mode.as_str()? {
                    "outer" => {}
                    mode => table.put("mode", mode),
                },
            }
            Some(("join_by_field", table.into()))
        }
        "sortBy" if known(&["sort"]) => {
            let [sort] = map.get("sort")?.as_array()?.as_slice() else { return None };
            let sort = sort.as_object()?;
            if sort.keys().any(|key| key != "field" && key != "desc") {
                return None;
            }
            table.put("field", sort.get("field")?.as_str()?);
            if sort.get("desc").map_or(Some(false), Value::as_bool)? {
                table.put("desc", true);
            }
            Some(("sort_by", table.into()))
        }
        "organize" if known(&["excludeByName", "includeByName", "renameByName", "indexByName"]) => {
            let names = |key: &str| -> Option<Vec<String>> {
                let Some(value) = map.get(key) else { return Some(Vec::new()) };
                let mut names = Vec::new();
                for (name, flag) in value.as_object()? {
                    if flag.as_bool()? {
                        names.push(name.clone());
                    }
                }
                Some(names)
            };
            for (key, word) in [("excludeByName", "exclude"), ("includeByName", "include")] {
                let names = names(key)?;
                if !names.is_empty() {
                    table.put(word, names);
                }
            }
            let mut rename = Table::default();
            let nothing = Map::new();
            for (from, to) in map.get("renameByName").map_or(Some(&nothing), Value::as_object)? {
                // An empty name is no other name.
                match to.as_str()? {
                    "" => {}
                    to => rename.push(from.clone(), to.into()),
                }
            }
            if !rename.is_empty() {
                table.put("rename", rename);
            }
            let mut order: Vec<(f64, &str)> = Vec::new();
            for (name, index) in map.get("indexByName").map_or(Some(&nothing), Value::as_object)? {
                order.push((index.as_f64()?, name));
            }
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            if !order.is_empty() {
                table.put("order", order.into_iter().map(|(_, name)| name).collect::<Vec<_>>());
            }
            Some(("organize", table.into()))
        }
        "filterFieldsByName" if known(&["include", "exclude"]) => {
            for (side, names_key, pattern_key) in
                [("include", "include", "include_regexp"), ("exclude", "exclude", "exclude_regexp")]
            {
                for (key, value) in map.get(side).map_or(Some(&Map::new()), Value::as_object)? {
                    match key.as_str() {
                        "names" => {
                            let names = value.as_array()?.iter().map(|name| name.as_str().map(Item::from));
                            table.put(names_key, Item::List(names.collect::<Option<Vec<_>>>()?));
                        }
                        "pattern" => table.put(pattern_key, value.as_str()?),
                        _ => return None,
                    }
                }
            }
            Some(("filter_fields_by_name", table.into()))
        }
        _ => None,
    }
}
