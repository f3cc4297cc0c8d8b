//! The pie chart plugin to Grafana's own pie chart.

use serde_json::{Value, json};

use super::super::object::Object;
use super::{alias_color, calculation, number, put_fields, take_fields};

pub(super) fn convert(panel: &mut Object<'_>) {
    let (mut defaults, mut overrides) = take_fields(panel);
    for (alias, color) in &panel.object("aliasColors").map {
        if color.as_str().is_some_and(|color| !color.is_empty()) {
            overrides.push(alias_color(alias, color));
        }
    }
    if let Some(unit) = panel.filled("format") {
        defaults.insert("unit".to_owned(), unit.into());
    }
    // The plugin showed whole numbers unless told otherwise, the successor shows one digit.
    let decimals = number(panel.map.get("decimals")).unwrap_or(json!(0));
    defaults.insert("decimals".to_owned(), decimals);
    let calc = panel.filled("valueName").as_deref().and_then(calculation).unwrap_or("lastNotNull");
    let mut legend = panel.object("legend");
    let kind = panel.filled("legendType");
    let graph = kind.as_deref() == Some("On graph");
    let show = legend.flag("show").unwrap_or(true) && !graph;
    let mut values = Vec::new();
    for (key, word) in [("values", "value"), ("percentage", "percent")] {
        if legend.flag(key) == Some(true) {
            values.push(word);
        }
    }
    let labels: Vec<&str> =
        if graph { ["name"].into_iter().chain(values.iter().copied()).collect() } else { Vec::new() };
    let placement = if kind.as_deref() == Some("Right side") { "right" } else { "bottom" };
    let shape = if panel.filled("pieType").as_deref() == Some("donut") { "donut" } else { "pie" };
    let mut options = json!({
        "reduceOptions": { "calcs": [calc], "fields": "", "values": false },
        "pieType": shape,
        "displayLabels": labels,
        "legend": {
            "showLegend": show, "displayMode": if show { "table" } else { "list" },
            "placement": if show { placement } else { "bottom" }, "calcs": [],
        },
    });
    if show && !values.is_empty() {
        options["legend"]["values"] = json!(values);
    }
    panel.forget(&["options", "decimals", "cacheTimeout", "maxDataPoints", "nullPointMode", "nullText"]);
    for key in ["combine", "strokeWidth", "fontSize", "breakPoint"] {
        panel.lose(key, "no successor in Grafana's own pie chart");
    }
    panel.map.insert("options".to_owned(), options);
    put_fields(panel, &defaults, &overrides);
    // What the plugin left at its usual values.
    if panel.map.get("interval").is_some_and(Value::is_null) {
        panel.forget(&["interval"]);
    }
}
