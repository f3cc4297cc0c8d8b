//! Panels of older Grafanas to their successors, on the JSON, before anything else is read.
//!
//! Grafana does the same when it opens an old dashboard (`DashboardMigrator.ts`, and the migration handlers of its panels),
//! but key by key. Here is what a reader of the dashboard would miss; whatever else is left is dropped with a note, like
//! any key that Grafana doesn't have. Forms are told by their shape: dashboards are also written by hand and by
//! generators, and their schema versions lie.

use serde_json::{Map, Value, json};

use super::note::Kind;
use super::object::{Object, amount, empty, parse};
use super::toml::Item;
use crate::resolve::dashboards::object::put;

type Json = Map<String, Value>;

/// Keys of a dashboard that say nothing.
pub(super) fn dashboard(object: &mut Object<'_>) {
    object.forget_if("style", &json!("dark"));
    object.forget(&["hideControls"]);
    let Some(Value::Object(mut picker)) = object.map.shift_remove("timepicker") else { return };
    for key in ["collapse", "enable", "notice", "now", "status", "type", "time_options"] {
        picker.shift_remove(key);
    }
    // What the editor writes into every dashboard.
    let usual = json!(["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"]);
    if picker.get("refresh_intervals") == Some(&usual) {
        picker.shift_remove("refresh_intervals");
    }
    if !picker.is_empty() {
        object.map.insert("timepicker".to_owned(), picker.into());
    }
}

/// A variable's older keys.
pub(super) fn variable(object: &mut Object<'_>) {
    if let Some(Value::Bool(refresh)) = object.map.get("refresh") {
        let refresh = i64::from(*refresh);
        object.map.insert("refresh".to_owned(), json!(refresh));
    }
    object.forget(&["allFormat", "multiFormat", "tags", "tagsQuery", "tagValuesQuery", "useTags"]);
}

/// A panel's older forms.
pub(super) fn panel(object: &mut Object<'_>) {
    let kind = object.map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let to = |object: &mut Object<'_>, to: &str| {
        object.note(Kind::Converted, "type", format!("`{kind}` to `{to}`"));
        object.map.insert("type".to_owned(), to.into());
    };
    match kind.as_str() {
        "graph" => {
            to(object, "timeseries");
            graph(object);
        }
        "singlestat" | "grafana-singlestat-panel" => {
            let gauge = object.map.get("gauge").and_then(|gauge| gauge.get("show")) == Some(&Value::Bool(true));
            to(object, if gauge { "gauge" } else { "stat" });
            single(object, gauge);
        }
        "table-old" => {
            to(object, "table");
            table(object);
        }
        // The old table has styles, the new one has field configuration.
        "table" if object.map.contains_key("styles") => {
            object.note(Kind::Converted, "type", "the old `table` to the new one");
            table(object);
        }
        "grafana-piechart-panel" => {
            to(object, "piechart");
            pie(object);
        }
        "text" => {
            // The old text panel has its content beside its options.
            for key in ["content", "mode"] {
                if let Some(value @ Value::String(_)) = object.map.shift_remove(key) {
                    option(object, key, value);
                }
            }
        }
        _ => {}
    }
    field_options(object);
    common(object);
}

/// Sets the standard option of a panel's fields.
fn field(object: &mut Object<'_>, id: &str, value: impl Into<Value>) {
    put(&mut object.map, "fieldConfig.defaults", id, value.into());
}

fn custom(object: &mut Object<'_>, key: &str, value: impl Into<Value>) {
    field(object, &format!("custom.{key}"), value);
}

fn option(object: &mut Object<'_>, path: &str, value: impl Into<Value>) {
    put(&mut object.map, "options", path, value.into());
}

/// Adds properties to the fields of a name, or of an expression between slashes.
fn add_override(object: &mut Object<'_>, pattern: &str, properties: Vec<(String, Value)>) {
    if properties.is_empty() {
        return;
    }
    let regexp = pattern.len() > 1 && pattern.starts_with('/') && pattern.ends_with('/');
    let properties: Vec<Value> =
        properties.into_iter().map(|(id, value)| json!({ "id": id, "value": value })).collect();
    let matcher = json!({ "id": if regexp { "byRegexp" } else { "byName" }, "options": pattern });
    let rule = json!({ "matcher": matcher, "properties": properties });
    put(&mut object.map, "fieldConfig", "overrides", json!([rule]));
}

/// The Angular graph to the time series panel.
fn graph(panel: &mut Object<'_>) {
    let axes = panel.objects("yaxes");
    let right: Vec<(String, Value)> = axes.get(1).map(axis).unwrap_or_default();
    let left: Vec<(String, Value)> = axes.first().map(axis).unwrap_or_default();
    for (id, value) in &left {
        field(panel, id, value.clone());
    }
    if let Some(decimals) = number(panel.take("decimals").as_ref()) {
        field(panel, "decimals", decimals);
    }
    let is = |panel: &mut Object<'_>, key: &str| panel.flag(key).unwrap_or_default();
    let (bars, points, lines) = (is(panel, "bars"), is(panel, "points"), panel.flag("lines").unwrap_or(true));
    if bars {
        custom(panel, "drawStyle", "bars");
    } else if !lines {
        custom(panel, "drawStyle", "points");
    }
    custom(panel, "showPoints", if points { "always" } else { "never" });
    if let Some(width) = number(panel.take("linewidth").as_ref()) {
        custom(panel, "lineWidth", width);
    }
    let fill = panel.number("fill").and_then(|fill| fill.as_f64());
    if let Some(fill) = if bars { Some(10.0) } else { fill } {
        custom(panel, "fillOpacity", (fill * 10.0).clamp(0.0, 100.0));
    }
    if is(panel, "steppedLine") {
        custom(panel, "lineInterpolation", "stepAfter");
    }
    let percentage = is(panel, "percentage");
    if is(panel, "stack") {
        custom(panel, "stacking", json!({ "mode": if percentage { "percent" } else { "normal" }, "group": "A" }));
    }
    match panel.filled("nullPointMode").as_deref() {
        Some("connected") => custom(panel, "spanNulls", true),
        Some("null as zero") => panel.note(Kind::Dropped, "nullPointMode", "nulls as zeros: write `expr or vector(0)`"),
        _ => {}
    }
    graph_thresholds(panel);
    alias_colors(panel);
    for mut series in panel.objects("seriesOverrides") {
        let alias = series.filled("alias").unwrap_or_default();
        let mut properties = Vec::new();
        if series.integer("yaxis") == Some(2) {
            properties.push(("custom.axisPlacement".to_owned(), json!("right")));
            properties.extend(right.iter().filter(|one| !left.contains(one)).cloned());
        }
        if let Some(color) = series.filled("color") {
            properties.push(("color".to_owned(), json!({ "mode": "fixed", "fixedColor": color })));
        }
        match series.take("stack") {
            Some(Value::Bool(true)) => properties.push(("custom.stacking".to_owned(), json!({ "mode": "normal" }))),
            Some(Value::Bool(false)) => properties.push(("custom.stacking".to_owned(), json!({ "mode": "none" }))),
            _ => {}
        }
        series.forget(&["$$hashKey"]);
        for key in series.map.keys().cloned().collect::<Vec<_>>() {
            series.lose(&key, "of a series: write it in `overrides`");
        }
        add_override(panel, &alias, properties);
    }
    graph_legend(panel);
    let mut tooltip = panel.object("tooltip");
    option(panel, "tooltip.mode", if tooltip.flag("shared").unwrap_or(true) { "multi" } else { "single" });
    let sort = match tooltip.integer("sort") {
        Some(1) => "asc",
        Some(2) => "desc",
        _ => "none",
    };
    option(panel, "tooltip.sort", sort);
    let mut xaxis = panel.object("xaxis");
    xaxis.forget_if("mode", &json!("time"));
    xaxis.lose("mode", "the time series panel has time on its x axis; see barchart and histogram");
    panel.forget(&["dashLength", "spaceLength", "dashes", "pointradius", "fillGradient", "hiddenSeries", "renderer"]);
    panel.forget(&["yaxis", "grid"]);
}

/// Standard options of a y axis.
fn axis(axis: &Object<'_>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut set = |id: &str, value: Value| found.push((id.to_owned(), value));
    let text = |key: &str| axis.map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(unit) = text("format") {
        set("unit", unit.into());
    }
    for key in ["decimals", "min", "max"] {
        if let Some(number) = number(axis.map.get(key)) {
            set(key, number);
        }
    }
    if axis.map.get("show") == Some(&Value::Bool(false)) {
        set("custom.axisPlacement", json!("hidden"));
    }
    if let Some(label) = text("label") {
        set("custom.axisLabel", label.into());
    }
    if let Some(base @ (2 | 10)) = number(axis.map.get("logBase")).as_ref().and_then(Value::as_i64) {
        set("custom.scaleDistribution", json!({ "type": "log", "log": base }));
    }
    found
}

fn graph_thresholds(panel: &mut Object<'_>) {
    panel.forget_if("thresholds", &json!(""));
    let mut list: Vec<(f64, Object<'_>)> = Vec::new();
    for mut threshold in panel.objects("thresholds") {
        match threshold.number("value").and_then(|value| value.as_f64()) {
            Some(value) => list.push((value, threshold)),
            None => threshold.note(Kind::Dropped, "", "a threshold without a value"),
        }
    }
    list.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    list.dedup_by(|(a, _), (b, _)| a.total_cmp(b).is_eq());
    let text = |threshold: &Object<'_>, key: &str| {
        threshold.map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    let color = |threshold: &Object<'_>| match text(threshold, "colorMode").as_deref() {
        Some("warning") => "orange".to_owned(),
        Some("custom") => {
            text(threshold, "fillColor").or(text(threshold, "lineColor")).unwrap_or_else(|| "red".to_owned())
        }
        Some("ok") => "green".to_owned(),
        _ => "red".to_owned(),
    };
    let is_upper = |threshold: &Object<'_>| text(threshold, "op").as_deref() == Some("lt");
    let Some((_, first)) = list.first() else { return };
    let mut steps = vec![json!({ "color": if is_upper(first) { color(first) } else { "transparent".to_owned() } })];
    for (index, (value, threshold)) in list.iter().enumerate() {
        let color = if is_upper(threshold) {
            // Between two upper bounds the next one's color applies, above the last none.
            let above = list.get(index + 1).filter(|(_, next)| is_upper(next)).map(|(_, next)| color(next));
            above.unwrap_or_else(|| "transparent".to_owned())
        } else {
            color(threshold)
        };
        steps.push(json!({ "color": color, "value": value }));
    }
    let any = |key: &str| list.iter().any(|(_, threshold)| threshold.map.get(key) == Some(&Value::Bool(true)));
    let mode = match (any("line"), any("fill")) {
        (true, true) => "line+area",
        (false, true) => "area",
        _ => "line",
    };
    custom(panel, "thresholdsStyle", json!({ "mode": mode }));
    field(panel, "thresholds", json!({ "mode": "absolute", "steps": steps }));
}

fn alias_colors(panel: &mut Object<'_>) {
    for (alias, color) in panel.object("aliasColors").map {
        if color.as_str().is_some_and(|color| !color.is_empty()) {
            add_override(panel, &alias, vec![("color".to_owned(), json!({ "mode": "fixed", "fixedColor": color }))]);
        }
    }
}

fn graph_legend(panel: &mut Object<'_>) {
    // The calculations of a legend and the titles of their columns, by which it is sorted.
    const CALCULATIONS: [(&str, &str); 5] =
        [("min", "Min"), ("max", "Max"), ("avg", "Mean"), ("current", "Last *"), ("total", "Total")];
    if let Some(show @ Value::Bool(_)) = panel.map.get("legend") {
        panel.map.insert("legend".to_owned(), json!({ "show": show.clone() }));
    }
    let mut legend = panel.object("legend");
    let mut is = |key: &str| legend.flag(key).unwrap_or_default();
    let (values, table, right) = (is("values"), is("alignAsTable"), is("rightSide"));
    let calcs: Vec<&str> =
        CALCULATIONS.iter().filter(|(name, _)| is(name) && values).filter_map(|(name, _)| calculation(name)).collect();
    let shown = legend.flag("show").unwrap_or(true);
    if !shown {
        option(panel, "legend.showLegend", false);
        return;
    }
    let sort = legend.filled("sort").and_then(|sort| CALCULATIONS.iter().find(|(name, _)| *name == sort));
    option(panel, "legend.displayMode", if table { "table" } else { "list" });
    option(panel, "legend.placement", if right { "right" } else { "bottom" });
    option(panel, "legend.calcs", calcs);
    if let (Some((_, title)), true) = (sort, table) {
        option(panel, "legend.sortBy", *title);
        option(panel, "legend.sortDesc", legend.flag("sortDesc").unwrap_or_default());
    }
    if let (Some(width), true) = (number(legend.map.get("sideWidth")), right) {
        option(panel, "legend.width", width);
    }
    for key in ["hideEmpty", "hideZero"] {
        legend.lose(key, "the time series panel has no such key");
    }
}

/// The Angular singlestat to the stat panel or the gauge.
fn single(panel: &mut Object<'_>, is_gauge: bool) {
    let value = panel.filled("valueName").unwrap_or_else(|| "avg".to_owned());
    panel.forget(&["options"]);
    option(panel, "reduceOptions.calcs", vec![calculation(&value).unwrap_or("mean")]);
    if let Some(column) = panel.filled("tableColumn") {
        option(panel, "reduceOptions.fields", format!("/^{column}$/"));
    }
    let unit = panel.filled("format").filter(|unit| unit != "none");
    let mut unit = unit.map(Value::from);
    for (key, form) in [("prefix", "prefix"), ("postfix", "suffix")] {
        let Some(text) = panel.filled(key).filter(|text| !text.trim().is_empty()) else { continue };
        if unit.is_some() {
            panel.note(Kind::Dropped, key, format!("`{text}`: the unit has no place for it"));
        } else {
            panel.note(Kind::Converted, key, "to the unit");
            unit = Some(format!("{form}:{text}").into());
        }
    }
    if let Some(unit) = unit {
        field(panel, "unit", unit);
    }
    if let Some(decimals) = number(panel.take("decimals").as_ref()) {
        field(panel, "decimals", decimals);
    }
    if let Some(text) = panel.filled("nullText") {
        field(panel, "noValue", text);
    }
    let levels: Vec<Value> =
        panel.filled("thresholds").unwrap_or_default().split(',').map(|level| level.trim().into()).collect();
    let colors = panel.list("colors");
    if let Some(thresholds) = thresholds(levels, &colors) {
        field(panel, "thresholds", thresholds);
    }
    let (values, ranges) = (panel.list("valueMaps"), panel.list("rangeMaps"));
    let by_range = panel.take("mappingType").map_or(values.is_empty(), |kind| kind == json!(2));
    let (kind, used) = if by_range { (2, ranges) } else { (1, values) };
    let says = |map: &&Value| !word(map.get("text")).is_empty();
    let list: Vec<Value> = used.iter().filter(says).filter_map(|map| mapping(map, kind)).collect();
    if !list.is_empty() {
        field(panel, "mappings", list);
    }
    let mut gauge = panel.object("gauge");
    if is_gauge {
        for (key, id, usual) in [("minValue", "min", 0), ("maxValue", "max", 100)] {
            field(panel, id, number(gauge.take(key).as_ref()).unwrap_or(json!(usual)));
        }
    } else {
        let background = panel.flag("colorBackground") == Some(true);
        let mode = if background {
            "background"
        } else if panel.flag("colorValue") == Some(true) {
            "value"
        } else {
            "none"
        };
        option(panel, "colorMode", mode);
        let sparkline = panel.object("sparkline").flag("show") == Some(true);
        option(panel, "graphMode", if sparkline { "area" } else { "none" });
        if value == "name" {
            option(panel, "textMode", "name");
        }
    }
    panel.forget(&["nullPointMode", "mappingTypes", "colorBackground", "colorValue", "sparkline", "valueFontColor"]);
    panel.forget(&["prefixFontSize", "postfixFontSize", "valueFontSize"]);
}

/// The Angular table to today's.
fn table(panel: &mut Object<'_>) {
    let columns = panel.list("columns");
    let calcs: Vec<&str> = columns.iter().filter_map(|column| calculation(column.get("value")?.as_str()?)).collect();
    let step = match panel.filled("transform").as_deref() {
        Some("timeseries_to_rows") => Some(json!({ "id": "seriesToRows", "options": {} })),
        Some("timeseries_to_columns") => Some(json!({ "id": "joinByField", "options": { "byField": "Time" } })),
        Some("timeseries_aggregations") => Some(json!({ "id": "reduce", "options": { "reducers": calcs } })),
        Some("table") => Some(json!({ "id": "merge", "options": {} })),
        _ => None,
    };
    if let Some(step) = step {
        panel.note(Kind::Converted, "transform", format!("to the transformation `{}`", word(step.get("id"))));
        put(&mut panel.map, "", "transformations", json!([step]));
    }
    for mut style in panel.objects("styles") {
        let pattern = style.filled("pattern").unwrap_or_default();
        let properties = column(&mut style);
        if pattern == "/.*/" {
            for (id, value) in properties {
                field(panel, &id, value);
            }
        } else if pattern.is_empty() {
            style.note(Kind::Dropped, "", "a style without columns");
        } else {
            add_override(panel, &pattern, properties);
        }
    }
    panel.lose("sort", "add a `sort_by` transformation");
    panel.forget(&["fontSize", "showHeader", "scroll", "filterNull", "link", "pageSize"]);
}

/// What a style of the old table says of its columns.
fn column(style: &mut Object<'_>) -> Vec<(String, Value)> {
    let mut properties: Vec<(String, Value)> = Vec::new();
    let mut set = |id: &str, value: Value| properties.push((id.to_owned(), value));
    if let Some(alias) = style.filled("alias") {
        set("displayName", alias.into());
    }
    let (kind, unit, format) = (style.filled("type"), style.filled("unit"), style.filled("dateFormat"));
    let decimals = number(style.take("decimals").as_ref());
    match kind.as_deref() {
        Some("hidden") => set("custom.hidden", true.into()),
        Some("date") => {
            set("unit", format!("time:{}", format.as_deref().unwrap_or("YYYY-MM-DD HH:mm:ss")).into());
        }
        Some("string") => {}
        _ => {
            let unit = unit.map(Value::from);
            for (id, value) in [("unit", unit), ("decimals", decimals)] {
                if let Some(value) = value {
                    set(id, value);
                }
            }
        }
    }
    let color = match style.filled("colorMode").as_deref() {
        Some("cell" | "row") => Some("color-background"),
        Some("value") => Some("color-text"),
        _ => None,
    };
    let (levels, colors) = (style.list("thresholds"), style.list("colors"));
    if let Some(color) = color {
        set("custom.cellOptions", json!({ "type": color }));
        if let Some(thresholds) = thresholds(levels, &colors) {
            set("thresholds", thresholds);
        }
    }
    if style.flag("link") == Some(true) {
        let link = json!({
            "title": style.filled("linkTooltip").unwrap_or_default(),
            "url": style.filled("linkUrl").unwrap_or_default(),
            "targetBlank": style.flag("linkTargetBlank").unwrap_or_default(),
        });
        set("links", json!([link]));
    }
    let maps: Vec<Value> = style.list("valueMaps").iter().filter_map(|map| mapping(map, 1)).collect();
    if kind.as_deref() == Some("string") && !maps.is_empty() {
        set("mappings", maps.into());
    }
    properties
}

/// The pie chart plugin to Grafana's own pie chart.
fn pie(panel: &mut Object<'_>) {
    panel.forget(&["options"]);
    alias_colors(panel);
    if let Some(unit) = panel.filled("format") {
        field(panel, "unit", unit);
    }
    // The plugin showed whole numbers unless told otherwise, its successor shows one decimal.
    let decimals = number(panel.take("decimals").as_ref()).unwrap_or(json!(0));
    field(panel, "decimals", decimals);
    let calc = panel.filled("valueName").as_deref().and_then(calculation).unwrap_or("lastNotNull");
    option(panel, "reduceOptions.calcs", vec![calc]);
    let donut = panel.filled("pieType").as_deref() == Some("donut");
    option(panel, "pieType", if donut { "donut" } else { "pie" });
    let kind = panel.filled("legendType");
    let mut legend = panel.object("legend");
    let is_graph = kind.as_deref() == Some("On graph");
    if is_graph || legend.flag("show") == Some(false) {
        option(panel, "legend.showLegend", false);
    } else {
        option(panel, "legend.displayMode", "table");
        option(panel, "legend.placement", if kind.as_deref() == Some("Right side") { "right" } else { "bottom" });
    }
    let values: Vec<&str> = [("values", "value"), ("percentage", "percent")]
        .into_iter()
        .filter(|(key, _)| legend.flag(key) == Some(true))
        .map(|(_, word)| word)
        .collect();
    if is_graph {
        option(panel, "displayLabels", [vec!["name"], values].concat());
    } else if legend.map.get("show") != Some(&Value::Bool(false)) && !values.is_empty() {
        option(panel, "legend.values", values);
    }
    panel.forget(&["cacheTimeout", "nullPointMode", "nullText"]);
}

/// `options.fieldOptions` of Grafana 6 to field configuration.
fn field_options(panel: &mut Object<'_>) {
    if !panel.map.get("options").is_some_and(|options| options.get("fieldOptions").is_some_and(Value::is_object)) {
        return;
    }
    panel.note(Kind::Converted, "options", "`fieldOptions` to field configuration");
    let mut options = panel.object("options");
    let mut old = options.object("fieldOptions");
    let (defaults, overrides) = (old.object("defaults"), old.list("overrides"));
    let reduce: Json =
        ["calcs", "values", "limit"].into_iter().filter_map(|key| Some((key.to_owned(), old.take(key)?))).collect();
    panel.put_back("options", options);
    let more = ["mappings", "thresholds"].into_iter().filter_map(|key| Some((key.to_owned(), old.take(key)?)));
    for (key, mut value) in defaults.map.into_iter().chain(more) {
        if let ("thresholds", Value::Array(steps)) = (key.as_str(), &mut value) {
            let bound = |step: &Value| step.get("value").and_then(Value::as_f64).unwrap_or(f64::NEG_INFINITY);
            steps.sort_by(|a, b| bound(a).total_cmp(&bound(b)));
            value = json!({ "mode": "absolute", "steps": steps });
        }
        field(panel, if key == "title" { "displayName" } else { &key }, value);
    }
    option(panel, "reduceOptions", reduce);
    put(&mut panel.map, "fieldConfig", "overrides", overrides.into());
}

/// What panels of every type have in common.
fn common(object: &mut Object<'_>) {
    object.lose("alert", "alerts of panels were removed in Grafana 11: write an alert rule");
    object.forget(&[
        "span",
        "error",
        "thresholdsBackup",
        "repeatPanelId",
        "repeatByRow",
        "repeatIteration",
        "repeatedByRow",
    ]);
    for key in ["editable", "minSpan", "autoMigrateFrom"] {
        object.map.shift_remove(key);
    }
    let is_table = object.map.get("type") == Some(&json!("table"));
    let fields = object.map.get_mut("fieldConfig").and_then(Value::as_object_mut);
    if let Some(fields) = fields {
        if let Some(Value::Object(defaults)) = fields.get_mut("defaults") {
            if let Some(Value::Array(old)) = defaults.get_mut("mappings") {
                mappings(old);
            }
            if let Some(Value::Object(custom)) = defaults.get_mut("custom").filter(|_| is_table)
                && let Some(Value::String(mode)) = custom.shift_remove("displayMode")
            {
                custom.entry("cellOptions").or_insert(cell_options(&mode));
            }
        }
        let rules = fields.get_mut("overrides").and_then(Value::as_array_mut).into_iter().flatten();
        let properties = rules.filter_map(|rule| rule.get_mut("properties")?.as_array_mut()).flatten();
        for property in properties.filter_map(Value::as_object_mut) {
            let id = word(property.get("id"));
            match (id.as_str(), property.get_mut("value")) {
                ("mappings", Some(Value::Array(old))) => mappings(old),
                ("custom.displayMode", Some(Value::String(mode))) if is_table => {
                    let options = cell_options(mode);
                    property.insert("id".to_owned(), json!("custom.cellOptions"));
                    property.insert("value".to_owned(), options);
                }
                _ => {}
            }
        }
    }
    for one in object.map.get_mut("transformations").and_then(Value::as_array_mut).into_iter().flatten() {
        if one.get("id") == Some(&json!("seriesToColumns")) {
            one["id"] = json!("joinByField");
        }
    }
}

/// Mappings of Grafana 7, `{ type: 1, value, text }` and `{ type: 2, from, to, text }`, to those of today.
fn mappings(list: &mut [Value]) {
    for one in list {
        if let Some(kind @ (1 | 2)) = one.get("type").and_then(Value::as_i64)
            && let Some(new) = mapping(one, kind)
        {
            *one = new;
        }
    }
}

/// A mapping of a value (1) or of a range (2).
fn mapping(old: &Value, kind: i64) -> Option<Value> {
    let (value, from, to) = (word(old.get("value")), word(old.get("from")), word(old.get("to")));
    let mut result = json!({ "text": word(old.get("text")) });
    if let Some(color) = old.get("color").filter(|color| color.is_string()) {
        result["color"] = color.clone();
    }
    let is_null = if kind == 1 { value == "null" } else { from == "null" && to == "null" };
    old.is_object().then(|| {
        if is_null {
            json!({ "type": "special", "options": { "match": "null", "result": result } })
        } else if kind == 1 {
            json!({ "type": "value", "options": { value: result } })
        } else {
            json!({ "type": "range", "options": { "from": parse(&from), "to": parse(&to), "result": result } })
        }
    })
}

/// Levels, and one color more than levels.
fn thresholds(mut levels: Vec<Value>, colors: &[Value]) -> Option<Value> {
    levels.retain(|level| !empty(level));
    // Once the first of three was the lowest value.
    if levels.len() > 2 && levels.len() >= colors.len() {
        levels.remove(0);
    }
    let (base, colors) = colors.split_first()?;
    let mut steps = vec![json!({ "color": base, "value": null })];
    for (level, color) in levels.iter().zip(colors) {
        steps.push(json!({ "color": color, "value": number(Some(level))? }));
    }
    (steps.len() > 1).then(|| json!({ "mode": "absolute", "steps": steps }))
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
        Value::Number(number) => number.clone(),
        Value::String(text) => parse(text)?,
        _ => return None,
    };
    match amount(&number)? {
        Item::Int(whole) => Some(whole.into()),
        Item::Float(float) => Some(float.into()),
        _ => None,
    }
}

/// The display mode of a table's cells before Grafana 10.
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
