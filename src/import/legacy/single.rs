//! The Angular singlestat, and the gauges of Grafana 6, to today's stat, gauge and bar gauge.

use serde_json::{Map, Value, json};

use super::super::note::Kind;
use super::super::object::Object;
use super::{calculation, number, old_steps, put_fields, take_fields, word};

pub(super) fn convert(panel: &mut Object<'_>, kind: &str) {
    let (mut defaults, overrides) = take_fields(panel);
    let mut options = Map::new();
    let value = panel.filled("valueName").unwrap_or_else(|| "avg".to_owned());
    let calc = calculation(&value).unwrap_or_else(|| {
        if value != "name" && value != "last_time" {
            panel.note(Kind::Converted, "valueName", format!("`{value}` to the mean"));
        }
        "mean"
    });
    let mut reduce = json!({ "calcs": [calc], "fields": "", "values": false });
    if let Some(column) = panel.filled("tableColumn") {
        reduce["fields"] = format!("/^{column}$/").into();
    }
    options.insert("reduceOptions".to_owned(), reduce);
    if let Some(unit) = panel.filled("format").filter(|unit| unit != "none") {
        defaults.insert("unit".to_owned(), unit.into());
    }
    if let Some(decimals) = number(panel.map.get("decimals")) {
        defaults.insert("decimals".to_owned(), decimals);
    }
    if let Some(text) = panel.filled("nullText") {
        defaults.insert("noValue".to_owned(), text.into());
    }
    affixes(panel, &mut defaults);
    thresholds(panel, &mut defaults);
    mappings(panel, &mut defaults);
    let mut gauge = panel.object("gauge");
    let (least, most) = (number(gauge.map.get("minValue")), number(gauge.map.get("maxValue")));
    if kind == "gauge" {
        defaults.insert("min".to_owned(), least.unwrap_or(json!(0)));
        defaults.insert("max".to_owned(), most.unwrap_or(json!(100)));
        for (old, new) in [("thresholdLabels", "showThresholdLabels"), ("thresholdMarkers", "showThresholdMarkers")] {
            if let Some(flag) = gauge.flag(old) {
                options.insert(new.to_owned(), flag.into());
            }
        }
    } else {
        let mode = if panel.flag("colorBackground") == Some(true) {
            "background"
        } else if panel.flag("colorValue") == Some(true) {
            "value"
        } else {
            "none"
        };
        options.insert("colorMode".to_owned(), mode.into());
        let mut sparkline = panel.object("sparkline");
        let shown = sparkline.flag("show") == Some(true);
        options.insert("graphMode".to_owned(), if shown { "area" } else { "none" }.into());
        if let Some(color) = sparkline.filled("lineColor").filter(|_| shown && mode == "none") {
            defaults.insert("color".to_owned(), json!({ "mode": "fixed", "fixedColor": color }));
        }
        sparkline.lose("full", "the sparkline has the lower part of the panel");
        if value == "name" {
            options.insert("textMode".to_owned(), json!("name"));
        }
    }
    panel.lose("colorPrefix", "no successor in the stat panel");
    panel.lose("colorPostfix", "no successor in the stat panel");
    panel.forget(&[
        "decimals",
        "nullPointMode",
        "mappingTypes",
        "mappingType",
        "colorBackground",
        "colorValue",
        "sparkline",
        "prefixFontSize",
        "postfixFontSize",
        "valueFontSize",
        "valueFontColor",
        "format",
        "options",
    ]);
    panel.map.insert("options".to_owned(), Value::Object(options));
    put_fields(panel, &defaults, &overrides);
}

/// Text before and behind the value: Grafana's units can hold one of the two.
fn affixes(panel: &mut Object<'_>, defaults: &mut Map<String, Value>) {
    for (key, unit) in [("prefix", "prefix"), ("postfix", "suffix")] {
        let Some(text) = panel.filled(key).filter(|text| !text.trim().is_empty()) else { continue };
        if defaults.contains_key("unit") {
            panel.note(Kind::Dropped, key, format!("`{text}`: a unit has no place for it"));
        } else {
            panel.note(Kind::Converted, key, "to the unit");
            defaults.insert("unit".to_owned(), format!("{unit}:{text}").into());
        }
    }
}

/// `"80,90"` with one colour more than numbers.
fn thresholds(panel: &mut Object<'_>, defaults: &mut Map<String, Value>) {
    let colors: Vec<Value> = panel.list("colors").into_iter().filter(Value::is_string).collect();
    let text = panel.filled("thresholds").unwrap_or_default();
    let mut levels: Vec<&str> = text.split(',').map(str::trim).filter(|level| !level.is_empty()).collect();
    // Before version 9 the first of three was the least value.
    if levels.len() >= colors.len().max(1) && levels.len() > 2 {
        levels.remove(0);
    }
    if levels.is_empty() || colors.is_empty() {
        return;
    }
    let mut steps = vec![json!({ "color": colors.first(), "value": null })];
    for (level, color) in levels.iter().zip(colors.iter().skip(1)) {
        match number(Some(&Value::String((*level).to_owned()))) {
            Some(value) => steps.push(json!({ "color": color, "value": value })),
            None => panel.note(Kind::Dropped, "thresholds", format!("`{level}` is no number")),
        }
    }
    defaults.insert("thresholds".to_owned(), json!({ "mode": "absolute", "steps": steps }));
}

fn mappings(panel: &mut Object<'_>, defaults: &mut Map<String, Value>) {
    let values = panel.list("valueMaps");
    let ranges = panel.list("rangeMaps");
    let by_range = match panel.map.get("mappingType").and_then(Value::as_i64) {
        Some(kind) => kind == 2,
        None => values.is_empty(),
    };
    let (kind, used, unused, key) =
        if by_range { (2, ranges, values, "valueMaps") } else { (1, values, ranges, "rangeMaps") };
    let says = |map: &&Value| !word(map.get("text")).is_empty();
    // Every singlestat has the first of these, and most have only that one, which says what an empty stat says anyway.
    let plain = |map: &Value| {
        word(map.get("text")) == "N/A" && (word(map.get("value")) == "null" || word(map.get("from")) == "null")
    };
    if unused.iter().any(|map| says(&map) && !plain(map)) {
        panel.note(Kind::Dropped, key, "the panel uses the other kind of mappings");
    }
    let list: Vec<Value> = used
        .iter()
        .filter(says)
        .filter(|map| map.is_object())
        .map(|map| {
            json!({
                "type": kind, "text": map.get("text"), "value": map.get("value"),
                "from": map.get("from"), "to": map.get("to"),
            })
        })
        .collect();
    if !list.is_empty() {
        defaults.insert("mappings".to_owned(), Value::Array(list));
    }
}

/// `options.fieldOptions` and `options.valueOptions` of Grafana 6 to field configuration.
pub(super) fn field_options(panel: &mut Object<'_>) {
    panel.note(Kind::Converted, "options", "options of Grafana 6 to field configuration");
    let (mut defaults, mut overrides) = take_fields(panel);
    let mut options = match panel.map.shift_remove("options-gauge") {
        Some(Value::Object(map)) => {
            panel.forget(&["options"]);
            let mut options = panel.object("options");
            options.map = map;
            let mut old = Map::new();
            for key in ["unit", "stat", "decimals", "prefix", "suffix"] {
                old.extend(options.take(key).map(|value| (key.to_owned(), value)));
            }
            options.map.insert("valueOptions".to_owned(), Value::Object(old));
            options.forget(&["options"]);
            options
        }
        _ => panel.object("options"),
    };
    let mut reduce = Map::new();
    if options.map.contains_key("valueOptions") {
        let mut old = options.object("valueOptions");
        for (key, new) in [("unit", "unit"), ("decimals", "decimals")] {
            defaults.extend(old.take(key).map(|value| (new.to_owned(), value)));
        }
        if let Some(calc) = old.filled("stat").as_deref().and_then(calculation) {
            reduce.insert("calcs".to_owned(), json!([calc]));
        }
        for key in ["prefix", "suffix"] {
            old.lose(key, "the unit has no place for it");
        }
        for (key, new) in [("minValue", "min"), ("maxValue", "max"), ("valueMappings", "mappings")] {
            defaults.extend(options.take(key).map(|value| (new.to_owned(), value)));
        }
    }
    let mut fields = options.object("fieldOptions");
    if let Some(Value::Object(own)) = fields.take("defaults") {
        defaults.extend(own);
    }
    for key in ["values", "limit", "calcs"] {
        reduce.extend(fields.take(key).map(|value| (key.to_owned(), value)));
    }
    for key in ["mappings", "thresholds"] {
        for value in [fields.take(key), options.take(key)].into_iter().flatten() {
            defaults.entry(key).or_insert(value);
        }
    }
    if let Some(Value::Array(own)) = fields.take("overrides") {
        overrides.extend(own);
    }
    fields.lose("override", "Grafana 6.6 ended it");
    if let Some(Value::Array(steps)) = defaults.get("thresholds") {
        let steps = old_steps(steps);
        defaults.insert("thresholds".to_owned(), json!({ "mode": "absolute", "steps": steps }));
    }
    if !reduce.is_empty() {
        reduce.entry("fields").or_insert(json!(""));
        reduce.entry("values").or_insert(json!(false));
        options.map.entry("reduceOptions").or_insert(Value::Object(reduce));
    }
    panel.map.insert("options".to_owned(), Value::Object(options.map));
    put_fields(panel, &defaults, &overrides);
}
