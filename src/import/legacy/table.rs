//! The Angular table to today's.

use serde_json::{Map, Value, json};

use super::super::note::Kind;
use super::super::object::Object;
use super::{calculation, matcher, number, put_fields, take_fields};

pub(super) fn convert(panel: &mut Object<'_>) {
    let (mut defaults, mut overrides) = take_fields(panel);
    transform(panel);
    for style in panel.objects("styles") {
        let mut style = style;
        style.forget(&["$$hashKey"]);
        let pattern = style.filled("pattern").unwrap_or_default();
        let properties = properties(&mut style);
        if pattern == "/.*/" {
            for (id, value) in properties {
                match id.strip_prefix("custom.") {
                    Some(key) => {
                        if let Value::Object(custom) = defaults.entry("custom").or_insert_with(|| json!({})) {
                            custom.insert(key.to_owned(), value);
                        }
                    }
                    None => {
                        defaults.insert(id, value);
                    }
                }
            }
        } else if pattern.is_empty() {
            style.note(Kind::Dropped, "", "a style without columns");
        } else if !properties.is_empty() {
            let list: Vec<Value> =
                properties.into_iter().map(|(id, value)| json!({ "id": id, "value": value })).collect();
            overrides.push(json!({ "matcher": matcher(&pattern), "properties": list }));
        }
    }
    let mut sort = panel.object("sort");
    if let Some(column) = sort.number("col") {
        sort.note(Kind::Dropped, "", format!("sorted by column {column}: add a `sort_by` transformation"));
    }
    panel.forget(&["columns", "fontSize", "showHeader", "scroll", "filterNull", "link"]);
    panel.lose("pageSize", "the table scrolls");
    put_fields(panel, &defaults, &overrides);
}

/// How series became rows and columns.
fn transform(panel: &mut Object<'_>) {
    let Some(kind) = panel.filled("transform") else { return };
    let calcs: Vec<&str> = panel
        .map
        .get("columns")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|column| calculation(column.get("value")?.as_str()?))
        .collect();
    let (id, options) = match kind.as_str() {
        "timeseries_to_rows" => ("seriesToRows", json!({})),
        "timeseries_to_columns" => ("joinByField", json!({ "byField": "Time", "mode": "outer" })),
        "timeseries_aggregations" => ("reduce", json!({ "reducers": calcs, "includeTimeField": false })),
        "table" => ("merge", json!({})),
        other => {
            panel.note(Kind::Dropped, "transform", format!("`{other}` has no successor"));
            return;
        }
    };
    panel.note(Kind::Converted, "transform", format!("to the transformation `{id}`"));
    if let Value::Array(list) = panel.map.entry("transformations").or_insert_with(|| json!([])) {
        list.push(json!({ "id": id, "options": options }));
    }
}

fn properties(style: &mut Object<'_>) -> Vec<(String, Value)> {
    let mut properties = Map::new();
    let mut order: Vec<String> = Vec::new();
    let mut set = |id: &str, value: Value| {
        if properties.insert(id.to_owned(), value).is_none() {
            order.push(id.to_owned());
        }
    };
    if let Some(alias) = style.filled("alias") {
        set("displayName", alias.into());
    }
    let kind = style.filled("type").unwrap_or_default();
    let unit = style.filled("unit");
    let format = style.filled("dateFormat");
    match kind.as_str() {
        "hidden" => set("custom.hidden", true.into()),
        "date" => set("unit", format!("time:{}", format.unwrap_or_else(|| "YYYY-MM-DD HH:mm:ss".to_owned())).into()),
        "string" => {}
        _ => {
            if let Some(unit) = unit {
                set("unit", unit.into());
            }
            if let Some(decimals) = number(style.map.get("decimals")) {
                set("decimals", decimals);
            }
        }
    }
    let color = match style.filled("colorMode").as_deref() {
        Some("cell" | "row") => Some("color-background"),
        Some("value") => Some("color-text"),
        _ => None,
    };
    if let Some(color) = color {
        set("custom.cellOptions", json!({ "type": color }));
    }
    if let Some(align) = style.filled("align").filter(|align| align != "auto") {
        set("custom.align", align.into());
    }
    let colors: Vec<Value> = style.list("colors").into_iter().filter(Value::is_string).collect();
    let mut levels = style.list("thresholds");
    if levels.len() > 2 {
        levels.remove(0);
    }
    if !levels.is_empty() && !colors.is_empty() && color.is_some() {
        let mut steps = vec![json!({ "color": colors.first(), "value": null })];
        for (level, color) in levels.iter().zip(colors.iter().skip(1)) {
            if let Some(value) = number(Some(level)) {
                steps.push(json!({ "color": color, "value": value }));
            }
        }
        set("thresholds", json!({ "mode": "absolute", "steps": steps }));
    }
    if style.flag("link") == Some(true) {
        let link = json!({
            "title": style.filled("linkTooltip").unwrap_or_default(),
            "url": style.filled("linkUrl").unwrap_or_default(),
            "targetBlank": style.flag("linkTargetBlank").unwrap_or_default(),
        });
        set("links", json!([link]));
    }
    let maps = style.list("valueMaps");
    if kind == "string" && !maps.is_empty() {
        let list: Vec<Value> = maps
            .iter()
            .filter(|map| map.is_object())
            .map(|map| json!({ "type": 1, "value": map.get("value"), "text": map.get("text") }))
            .collect();
        set("mappings", Value::Array(list));
    }
    style.lose("rangeMaps", "write mappings");
    style.lose("preserveFormat", "no successor in the table");
    style.lose("sanitize", "no successor in the table");
    order.into_iter().filter_map(|id| properties.remove(&id).map(|value| (id, value))).collect()
}
