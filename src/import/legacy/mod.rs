//! Older forms to their successors, on the JSON, before anything else is read.
//!
//! Grafana does the same when it opens an old dashboard (`DashboardMigrator.ts`, to schema version 42, and the migration
//! handlers of its panels). What it finds out from the schema version is told from the shape here wherever it can be:
//! dashboards are written by hand and by generators, too, and their versions lie.

mod graph;
mod pie;
mod single;
mod table;

use serde_json::{Map, Value, json};

use super::note::Kind;
use super::object::{Object, amount, parse, whole};
use super::toml::Item;

/// Keys of a dashboard that have moved or ended.
pub(super) fn dashboard(object: &mut Object<'_>) {
    if object.flag("sharedCrosshair") == Some(true) && !object.map.contains_key("graphTooltip") {
        object.note(Kind::Converted, "sharedCrosshair", "to `graph_tooltip`");
        object.map.insert("graphTooltip".to_owned(), json!(1));
    }
    for mut pulldown in object.objects("pulldowns") {
        let list = pulldown.take("annotations");
        if pulldown.map.get("type").and_then(Value::as_str) == Some("annotations")
            && let Some(list @ Value::Array(_)) = list
            && !object.map.contains_key("annotations")
        {
            pulldown.note(Kind::Converted, "annotations", "to annotations of the dashboard");
            object.map.insert("annotations".to_owned(), json!({ "list": list }));
        }
    }
    if let Some(first) = object.objects("nav").into_iter().next()
        && !object.map.contains_key("timepicker")
    {
        first.note(Kind::Converted, "", "to `timepicker`");
        object.map.insert("timepicker".to_owned(), Value::Object(first.map));
    }
    for key in ["hideControls", "hideAllLegends", "originalTitle", "time_options", "services", "failover"] {
        object.lose(key, "Grafana has ended it");
    }
    object.forget_if("style", &json!("dark"));
    object.lose("style", "Grafana 10 ended styles of dashboards");
    if let Some(Value::Object(mut picker)) = object.map.shift_remove("timepicker") {
        for key in ["collapse", "enable", "notice", "now", "status", "type", "time_options"] {
            picker.shift_remove(key);
        }
        // What the editor writes into every dashboard.
        let usual = |list: &Value, usual: &[&str]| {
            list.as_array().is_some_and(|list| list.iter().map(Value::as_str).eq(usual.iter().map(|one| Some(*one))))
        };
        let intervals = ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"];
        if picker.get("refresh_intervals").is_some_and(|list| usual(list, &intervals)) {
            picker.shift_remove("refresh_intervals");
        }
        if !picker.is_empty() {
            object.map.insert("timepicker".to_owned(), Value::Object(picker));
        }
    }
}

/// A variable's older keys.
pub(super) fn variable(object: &mut Object<'_>, version: i64) {
    if let Some(Value::Bool(refresh)) = object.map.get("refresh") {
        let refresh = i64::from(*refresh);
        object.map.insert("refresh".to_owned(), json!(refresh));
    }
    // Before version 29 a query was asked on loading even if the variable said never.
    if version < 29 && matches!(object.map.get("refresh").and_then(Value::as_i64), Some(0)) {
        object.forget(&["refresh"]);
    }
    for (key, hide) in [("hideVariable", 2), ("hideLabel", 1)] {
        if object.flag(key) == Some(true) {
            object.map.entry("hide").or_insert(json!(hide));
        }
    }
    if object.map.get("type").and_then(Value::as_str) == Some("filter") {
        object.map.insert("type".to_owned(), json!("query"));
    }
    let shown = !matches!(object.map.get("hide").and_then(Value::as_i64), Some(2));
    if version < 27 && shown && object.map.get("type").and_then(Value::as_str) == Some("constant") {
        object.note(Kind::Converted, "type", "a constant that is shown to a textbox");
        object.map.insert("type".to_owned(), json!("textbox"));
    }
}

/// A panel's older forms.
pub(super) fn panel(object: &mut Object<'_>, version: i64) {
    let kind = object.map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let to = |object: &mut Object<'_>, to: &str| {
        object.note(Kind::Converted, "type", format!("`{kind}` to `{to}`"));
        object.map.insert("type".to_owned(), to.into());
    };
    match kind.as_str() {
        "graph" | "graphite" => {
            to(object, "timeseries");
            graph::convert(object);
        }
        "singlestat" | "grafana-singlestat-panel" => {
            let gauge = object.map.get("gauge").and_then(|gauge| gauge.get("show")) == Some(&Value::Bool(true));
            let kind = if gauge { "gauge" } else { "stat" };
            to(object, kind);
            single::convert(object, kind);
        }
        "table-old" => {
            to(object, "table");
            table::convert(object);
        }
        // The old table has styles, the new one has field configuration.
        "table" if object.map.contains_key("styles") => {
            object.note(Kind::Converted, "", "the old `table` to the new one");
            table::convert(object);
        }
        "table2" => to(object, "table"),
        "text2" => to(object, "text"),
        "grafana-piechart-panel" => {
            to(object, "piechart");
            pie::convert(object);
        }
        "grafana-worldmap-panel" => object.note(Kind::Assumed, "type", "an Angular panel, which Grafana 12 can't show"),
        "text" => text(object),
        _ => {}
    }
    if object
        .map
        .get("options")
        .is_some_and(|options| ["fieldOptions", "valueOptions"].iter().any(|key| options.get(key).is_some()))
        || object.map.contains_key("options-gauge")
    {
        single::field_options(object);
    }
    common(object);
    by_version(object, version);
}

/// What only the schema version tells: the same JSON means something else since.
fn by_version(object: &mut Object<'_>, version: i64) {
    if version < 21 {
        let mut old = false;
        for key in ["fieldConfig", "options"] {
            old |= object.map.get_mut(key).is_some_and(old_variables);
        }
        if old {
            object.note(Kind::Converted, "", "variables of data links, such as `__series_name`, to their new names");
        }
    }
    if version < 19
        && let Some(Value::Array(links)) = object.map.get_mut("links")
    {
        for link in links.iter_mut().filter_map(Value::as_object_mut) {
            for (flag, variable) in [("keepTime", "$__url_time_range"), ("includeVars", "$__all_variables")] {
                if link.shift_remove(flag) == Some(Value::Bool(true))
                    && let Some(Value::String(url)) = link.get_mut("url")
                {
                    url.push(if url.contains('?') { '&' } else { '?' });
                    url.push_str(variable);
                }
            }
        }
    }
    if version < 31
        && let Some(Value::Array(list)) = object.map.get_mut("transformations")
        && let Some(index) = list.iter().position(|one| one.get("id") == Some(&json!("labelsToFields")))
    {
        list.insert(index + 1, json!({ "id": "merge", "options": {} }));
        object.note(Kind::Converted, "transformations", "with a `merge`, which `labelsToFields` had in it");
    }
    if version < 39
        && let Some(Value::Array(list)) = object.map.get_mut("transformations")
    {
        for one in list.iter_mut().filter(|one| one.get("id") == Some(&json!("timeSeriesTable"))) {
            let Some(Value::Object(options)) = one.get_mut("options") else { continue };
            if let Some(Value::Object(old)) = options.shift_remove("refIdToStat") {
                options.extend(old.into_iter().map(|(id, stat)| (id, json!({ "stat": stat }))));
            }
        }
    }
    let series = object.map.get("type").and_then(Value::as_str) == Some("timeseries");
    let Some(Value::Object(fields)) = object.map.get_mut("fieldConfig") else { return };
    let placement =
        fields.get("defaults").and_then(|all| all.get("custom")).and_then(|custom| custom.get("axisPlacement"));
    // The placement has meant the x axis, too, since version 35.
    let hidden = version < 35 && series && placement == Some(&json!("hidden"));
    let overrides = fields.entry("overrides").or_insert_with(|| json!([]));
    let Value::Array(overrides) = overrides else { return };
    if version < 42 {
        for property in overrides.iter_mut().filter_map(|rule| rule.get_mut("properties")?.as_array_mut()).flatten() {
            if property.get("id") == Some(&json!("custom.hideFrom"))
                && let Some(Value::Object(hide)) = property.get_mut("value")
                && hide.get("viz") == Some(&Value::Bool(true))
            {
                hide.insert("tooltip".to_owned(), json!(true));
            }
        }
    }
    if hidden {
        overrides.push(json!({
            "matcher": { "id": "byType", "options": "time" },
            "properties": [{ "id": "custom.axisPlacement", "value": "auto" }],
        }));
        object.note(Kind::Converted, "fieldConfig", "with an override that keeps the x axis visible");
    }
}

/// Brings the variables of data links up to date; says whether there were any.
fn old_variables(value: &mut Value) -> bool {
    match value {
        Value::String(text) if text.contains("__") => {
            let mut new = text.clone();
            for (old, name) in [
                ("$__series_name", "${__series.name}"),
                ("__series_name", "__series.name"),
                ("__value_time", "__value.time"),
                ("$__field_name", "${__field.name}"),
                ("__field_name", "__field.name"),
                ("__series.labels", "__field.labels"),
            ] {
                new = new.replace(old, name);
            }
            let changed = new != *text;
            *text = new;
            changed
        }
        // All of them are brought up to date, whatever was found before: no `any`.
        Value::Array(items) => items.iter_mut().filter_map(|item| old_variables(item).then_some(())).count() > 0,
        Value::Object(map) => map.values_mut().filter_map(|item| old_variables(item).then_some(())).count() > 0,
        _ => false,
    }
}

/// The old text panel has its content beside its options.
fn text(object: &mut Object<'_>) {
    for key in ["content", "mode"] {
        if let Some(value @ Value::String(_)) = object.map.shift_remove(key)
            && let Value::Object(options) = object.map.entry("options").or_insert_with(|| json!({}))
        {
            options.entry(key).or_insert(value);
        }
    }
    object.lose("style", "styles of text panels ended");
}

/// What panels of every type have in common.
fn common(object: &mut Object<'_>) {
    if object.map.contains_key("alert") {
        object.lose("alert", "alerts of panels ended with Grafana 11; write an alert rule");
    }
    object.forget(&["span", "error", "transform", "renderer", "isNew", "thresholdsBackup", "autoMigrateFrom"]);
    if object.map.get("editable").is_some_and(Value::is_boolean) {
        object.forget(&["editable"]);
    }
    if let Some(least) = object.map.get("minSpan").and_then(Value::as_f64) {
        object.map.shift_remove("minSpan");
        // The most of 1, 2, 3, 4, 6, 8, 12 and 24 panels that are as wide.
        let most = 12.0 / least.clamp(1.0, 12.0);
        let count = [24, 12, 8, 6, 4, 3, 2].into_iter().find(|count| f64::from(*count) <= most).unwrap_or(1);
        object.note(Kind::Converted, "minSpan", format!("to `max_per_row = {count}`"));
        object.map.entry("maxPerRow").or_insert(json!(count));
    }
    object.lose("minSpan", "expected a number");
    if object.map.get("repeat").is_some() && object.map.get("repeatDirection").and_then(Value::as_str) == Some("") {
        object.forget(&["repeatDirection"]);
    }
    for key in ["repeatPanelId", "repeatByRow", "repeatIteration", "repeatedByRow"] {
        object.map.shift_remove(key);
    }
    if let Some(Value::Array(links)) = object.map.get_mut("links") {
        for link in links.iter_mut().filter_map(Value::as_object_mut) {
            panel_link(link);
        }
    }
    let kind = object.map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(Value::Object(fields)) = object.map.get_mut("fieldConfig") {
        if let Some(Value::Object(defaults)) = fields.get_mut("defaults") {
            standard(defaults);
            display_mode(&kind, defaults.get_mut("custom").and_then(Value::as_object_mut));
        }
        for rule in fields.get_mut("overrides").and_then(Value::as_array_mut).into_iter().flatten() {
            for property in rule.get_mut("properties").and_then(Value::as_array_mut).into_iter().flatten() {
                override_property(&kind, property);
            }
        }
    }
    if let Some(Value::Object(options)) = object.map.get_mut("options")
        && let Some(old) = options.shift_remove("tooltipOptions")
    {
        options.entry("tooltip").or_insert(old);
    }
    let Some(Value::Array(transformations)) = object.map.get_mut("transformations") else { return };
    for one in transformations.iter_mut().filter_map(Value::as_object_mut) {
        if one.get("id").and_then(Value::as_str) == Some("seriesToColumns") {
            one.insert("id".to_owned(), json!("joinByField"));
        }
    }
}

/// Links of panels before version 19.
fn panel_link(link: &mut Map<String, Value>) {
    let kind = link.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let text = |link: &Map<String, Value>, key: &str| {
        link.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    if kind == "dashboard" || text(link, "url").is_none() {
        let url = match (text(link, "dashUri"), text(link, "dashboard")) {
            (Some(uri), _) => Some(format!("dashboard/{uri}")),
            (None, Some(name)) => Some(format!("dashboard/db/{}", slug(&name))),
            (None, None) => None,
        };
        if let Some(mut url) = url {
            if let Some(parameters) = text(link, "params") {
                url = format!("{url}?{parameters}");
            }
            link.insert("url".to_owned(), url.into());
        }
    } else if let (Some(url), Some(parameters)) = (text(link, "url"), text(link, "params")) {
        let sign = if url.contains('?') { '&' } else { '?' };
        link.insert("url".to_owned(), format!("{url}{sign}{parameters}").into());
    }
    if kind != "dashboards" {
        for key in ["type", "dashUri", "dashboard", "params"] {
            link.shift_remove(key);
        }
    }
}

/// A title in an address.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if c.is_alphanumeric() {
            slug.extend(c.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Standard options of fields in their older forms.
fn standard(defaults: &mut Map<String, Value>) {
    if let Some(title) = defaults.shift_remove("title") {
        defaults.entry("displayName").or_insert(title);
    }
    if let Some(Value::String(color)) = defaults.get("color") {
        let color = json!({ "mode": "fixed", "fixedColor": color });
        defaults.insert("color".to_owned(), color);
    }
    if let Some(Value::Array(steps)) = defaults.get("thresholds") {
        let steps = old_steps(steps);
        defaults.insert("thresholds".to_owned(), json!({ "mode": "absolute", "steps": steps }));
    }
    if let Some(old) = defaults.get("mappings").and_then(Value::as_array).and_then(|list| mappings(list)) {
        defaults.insert("mappings".to_owned(), old);
    }
    // What it was about is done by the reducer since Grafana 7.
    defaults.shift_remove("nullValueMode");
    if let Some(Value::Object(hide)) = defaults.get_mut("custom").and_then(|custom| custom.get_mut("hideFrom"))
        && let Some(graph) = hide.shift_remove("graph")
    {
        hide.insert("viz".to_owned(), graph);
    }
}

/// Sorted, the first one without a bound.
fn old_steps(steps: &[Value]) -> Vec<Value> {
    let bound = |step: &Value| step.get("value").and_then(Value::as_f64).unwrap_or(f64::NEG_INFINITY);
    let mut sorted: Vec<&Value> = steps.iter().collect();
    sorted.sort_by(|a, b| bound(a).total_cmp(&bound(b)));
    let step = |(index, step): (usize, &Value)| {
        let value = if index == 0 { Value::Null } else { step.get("value").cloned().unwrap_or_default() };
        json!({ "color": step.get("color").cloned().unwrap_or_default(), "value": value })
    };
    sorted.into_iter().enumerate().map(step).collect()
}

/// Mappings before version 30: `{ type: 1, value, text }` and `{ type: 2, from, to, text }`. None if they are new.
fn mappings(old: &[Value]) -> Option<Value> {
    let number = |value: &Value| match value {
        Value::Number(number) => Some(number.as_i64() == Some(1) || number.as_i64() == Some(2)),
        _ => None,
    };
    if old.is_empty() || !old.iter().all(|one| one.get("type").and_then(number) == Some(true)) {
        return None;
    }
    let mut new = Vec::new();
    for (index, one) in old.iter().enumerate() {
        let mut result = json!({ "text": word(one.get("text")), "index": index });
        if let (Some(color), Some(result)) =
            (one.get("color").filter(|color| color.is_string()), result.as_object_mut())
        {
            result.insert("color".to_owned(), color.clone());
        }
        if one.get("type").and_then(Value::as_i64) == Some(1) {
            let value = word(one.get("value"));
            new.push(if value == "null" {
                json!({ "type": "special", "options": { "match": "null", "result": result } })
            } else {
                json!({ "type": "value", "options": { value: result } })
            });
        } else {
            let (from, to) = (word(one.get("from")), word(one.get("to")));
            new.push(if from == "null" && to == "null" {
                json!({ "type": "special", "options": { "match": "null", "result": result } })
            } else {
                json!({ "type": "range", "options": { "from": parse(&from), "to": parse(&to), "result": result } })
            });
        }
    }
    Some(Value::Array(new))
}

/// What old panels hold as a string or as a number.
fn word(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

/// A number that may stand in a string.
fn number(value: Option<&Value>) -> Option<Value> {
    let number = match value? {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => parse(text),
        _ => None,
    }?;
    match (whole(&number), amount(&number)) {
        (Some(whole), _) => Some(whole.into()),
        (None, Some(Item::Float(float))) => Some(json!(float)),
        _ => None,
    }
}

/// The display mode of a table's cells before version 38.
fn display_mode(kind: &str, custom: Option<&mut Map<String, Value>>) {
    if kind != "table" {
        return;
    }
    let Some(custom) = custom else { return };
    if let Some(mode) = custom.get("displayMode").and_then(Value::as_str) {
        let options = cell_options(mode);
        custom.shift_remove("displayMode");
        custom.entry("cellOptions").or_insert(options);
    }
}

fn cell_options(mode: &str) -> Value {
    match mode {
        "basic" => json!({ "type": "gauge", "mode": "basic" }),
        "gradient-gauge" => json!({ "type": "gauge", "mode": "gradient" }),
        "lcd-gauge" => json!({ "type": "gauge", "mode": "lcd" }),
        "color-background" => json!({ "type": "color-background", "mode": "gradient" }),
        "color-background-solid" => json!({ "type": "color-background", "mode": "basic" }),
        other => json!({ "type": other }),
    }
}

fn override_property(kind: &str, property: &mut Value) {
    let Some(property) = property.as_object_mut() else { return };
    let id = property.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = property.get("value").cloned().unwrap_or_default();
    let (id, value) = match (id.as_str(), value) {
        ("title", value) => ("displayName", value),
        ("custom.displayMode", Value::String(mode)) if kind == "table" => ("custom.cellOptions", cell_options(&mode)),
        ("mappings", Value::Array(list)) => match mappings(&list) {
            Some(new) => ("mappings", new),
            None => return,
        },
        ("thresholds", Value::Array(steps)) => {
            ("thresholds", json!({ "mode": "absolute", "steps": old_steps(&steps) }))
        }
        ("color", Value::String(color)) => ("color", json!({ "mode": "fixed", "fixedColor": color })),
        ("custom.hideFrom", Value::Object(mut hide)) if hide.contains_key("graph") => {
            let graph = hide.shift_remove("graph").unwrap_or_default();
            hide.insert("viz".to_owned(), graph);
            ("custom.hideFrom", Value::Object(hide))
        }
        _ => return,
    };
    property.insert("id".to_owned(), id.into());
    property.insert("value".to_owned(), value);
}

/// The field configuration of a panel, made if there is none.
fn take_fields(object: &mut Object<'_>) -> (Map<String, Value>, Vec<Value>) {
    let Some(Value::Object(mut fields)) = object.map.shift_remove("fieldConfig") else {
        return (Map::new(), Vec::new());
    };
    let defaults = match fields.shift_remove("defaults") {
        Some(Value::Object(defaults)) => defaults,
        _ => Map::new(),
    };
    let overrides = match fields.shift_remove("overrides") {
        Some(Value::Array(overrides)) => overrides,
        _ => Vec::new(),
    };
    (defaults, overrides)
}

fn put_fields(object: &mut Object<'_>, defaults: &Map<String, Value>, overrides: &[Value]) {
    object.map.insert("fieldConfig".to_owned(), json!({ "defaults": defaults, "overrides": overrides }));
}

/// A fixed colour for the series of a name.
fn alias_color(alias: &str, color: &Value) -> Value {
    json!({
        "matcher": { "id": "byName", "options": alias },
        "properties": [{ "id": "color", "value": { "mode": "fixed", "fixedColor": color } }],
    })
}

/// A matcher of a name, or of an expression between slashes.
fn matcher(pattern: &str) -> Value {
    let regexp = pattern.len() > 1 && pattern.starts_with('/') && pattern.ends_with('/');
    json!({ "id": if regexp { "byRegexp" } else { "byName" }, "options": pattern })
}

/// The calculation that an old panel calls by another name.
fn calculation(name: &str) -> Option<&'static str> {
    Some(match name {
        "avg" | "mean" => "mean",
        "current" | "lastNotNull" => "lastNotNull",
        "total" | "sum" => "sum",
        "min" => "min",
        "max" => "max",
        "count" => "count",
        "first" => "first",
        "last" => "last",
        "delta" => "delta",
        "diff" => "diff",
        "range" => "range",
        _ => return None,
    })
}
