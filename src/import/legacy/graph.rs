//! The Angular graph to the time series panel.

use serde_json::{Map, Value, json};

use super::super::note::Kind;
use super::super::object::Object;
use super::{alias_color, calculation, matcher, number, put_fields, take_fields};

/// Calculations of a legend and the titles of their columns, by which it is sorted.
const LEGEND: [(&str, &str); 5] =
    [("min", "Min"), ("max", "Max"), ("avg", "Mean"), ("current", "Last *"), ("total", "Total")];

pub(super) fn convert(panel: &mut Object<'_>) {
    old_grid(panel);
    let (mut defaults, mut overrides) = take_fields(panel);
    let mut custom = match defaults.shift_remove("custom") {
        Some(Value::Object(custom)) => custom,
        _ => Map::new(),
    };
    let axes: Vec<Value> = panel.list("yaxes");
    let (left, left_custom) = axis(axes.first());
    let decimals = number(panel.map.get("decimals"));
    defaults.extend(left.clone());
    custom.extend(left_custom.clone());
    if let Some(decimals) = decimals {
        defaults.entry("decimals").or_insert(decimals);
    }
    panel.forget(&["decimals", "yaxis"]);
    draw(panel, &mut custom);
    thresholds(panel, &mut defaults, &mut custom);
    let colors = panel.object("aliasColors");
    for (alias, color) in &colors.map {
        if color.as_str().is_some_and(|color| !color.is_empty()) {
            overrides.push(alias_color(alias, color));
        }
    }
    let right = axis(axes.get(1));
    let mut below = false;
    for series in panel.objects("seriesOverrides") {
        overrides.extend(series_override(series, (&left, &left_custom), &right, &mut below));
    }
    if below {
        // Bands were filled like this.
        custom.insert("fillOpacity".to_owned(), json!(35));
    }
    let mut options = panel.object("options");
    options.forget(&["alertThreshold"]);
    if let Some(links @ Value::Array(_)) = options.take("dataLinks") {
        defaults.entry("links").or_insert(links);
    }
    let (legend, tooltip) = (legend(panel), tooltip(panel));
    options.map.entry("legend").or_insert(legend);
    options.map.entry("tooltip").or_insert(tooltip);
    panel.map.insert("options".to_owned(), Value::Object(options.map));
    let mut xaxis = panel.object("xaxis");
    if xaxis.flag("show") == Some(false) {
        xaxis.note(Kind::Dropped, "show", "a hidden x axis needs an override of the time field");
    }
    xaxis.forget_if("mode", &json!("time"));
    xaxis.forget(&["buckets", "name", "values"]);
    xaxis.lose("mode", "the time series panel has time on its x axis; see barchart and histogram");
    panel.lose("timeRegions", "no successor in the time series panel");
    panel.forget(&["hiddenSeries", "grid", "steppedLine", "y-axis", "x-axis", "zerofill", "interactive", "resolution"]);
    if !custom.is_empty() {
        defaults.insert("custom".to_owned(), Value::Object(custom));
    }
    put_fields(panel, &defaults, &overrides);
}

/// Axes and thresholds of Grafana 2, which stood below `grid`.
fn old_grid(panel: &mut Object<'_>) {
    if let Some(Value::Bool(show)) = panel.map.get("legend") {
        let show = *show;
        panel.map.insert("legend".to_owned(), json!({ "show": show }));
    }
    let formats = panel.list("y_formats");
    let show = panel.flag("y-axis").unwrap_or(true);
    let (left, right) = (panel.take("leftYAxisLabel"), panel.take("rightYAxisLabel"));
    let mut grid = panel.object("grid");
    if !panel.map.contains_key("yaxes") && (!grid.map.is_empty() || !formats.is_empty()) {
        let mut side = |name: &str, index: usize, label: Option<Value>| {
            json!({
                "show": show,
                "min": grid.take(&format!("{name}Min")),
                "max": grid.take(&format!("{name}Max")),
                "logBase": grid.take(&format!("{name}LogBase")),
                "format": formats.get(index),
                "label": label,
            })
        };
        let axes = json!([side("left", 0, left), side("right", 1, right)]);
        panel.map.insert("yaxes".to_owned(), axes);
    }
    let line = grid.flag("thresholdLine").unwrap_or_default();
    let mut thresholds = Vec::new();
    for name in ["threshold1", "threshold2"] {
        let color = grid.take(&format!("{name}Color"));
        if let Some(value) = number(grid.map.get(name)) {
            thresholds.push(json!({
                "value": value, "op": "gt", "line": line, "fill": !line, "colorMode": "custom",
                "fillColor": color, "lineColor": color,
            }));
        }
    }
    if let [first, second] = thresholds.as_mut_slice()
        && first["value"].as_f64() > second["value"].as_f64()
    {
        first["op"] = json!("lt");
        second["op"] = json!("lt");
    }
    if !thresholds.is_empty()
        && panel.map.get("thresholds").is_none_or(|list| list.as_array().is_none_or(Vec::is_empty))
    {
        panel.map.insert("thresholds".to_owned(), Value::Array(thresholds));
    }
    for (alias, axis) in &panel.object("aliasYAxis").map {
        let rule = json!({ "alias": alias, "yaxis": axis });
        if let Value::Array(list) = panel.map.entry("seriesOverrides").or_insert_with(|| json!([])) {
            list.push(rule);
        }
    }
}

/// Standard options and custom ones of a y axis.
fn axis(axis: Option<&Value>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut fields, mut custom) = (Map::new(), Map::new());
    let Some(Value::Object(axis)) = axis else { return (fields, custom) };
    if let Some(unit) = axis.get("format").and_then(Value::as_str)
        && !unit.is_empty()
    {
        fields.insert("unit".to_owned(), unit.into());
    }
    for key in ["decimals", "min", "max"] {
        if let Some(number) = number(axis.get(key)) {
            fields.insert(key.to_owned(), number);
        }
    }
    if axis.get("show") == Some(&Value::Bool(false)) {
        custom.insert("axisPlacement".to_owned(), json!("hidden"));
    }
    if let Some(label) = axis.get("label").and_then(Value::as_str).filter(|label| !label.is_empty()) {
        custom.insert("axisLabel".to_owned(), label.into());
    }
    if let Some(base @ (2 | 10)) = number(axis.get("logBase")).as_ref().and_then(Value::as_i64) {
        custom.insert("scaleDistribution".to_owned(), json!({ "type": "log", "log": base }));
    }
    (fields, custom)
}

fn draw(panel: &mut Object<'_>, custom: &mut Map<String, Value>) {
    let bars = panel.flag("bars").unwrap_or_default();
    let lines = panel.flag("lines").unwrap_or(true);
    let points = panel.flag("points").unwrap_or_default();
    let mut set = |key: &str, value: Value| custom.insert(key.to_owned(), value);
    if bars {
        set("drawStyle", json!("bars"));
    } else if !lines {
        set("drawStyle", json!("points"));
    }
    if points {
        set("showPoints", json!("always"));
    } else if bars || lines {
        set("showPoints", json!("never"));
    }
    if let Some(radius) = panel.number("pointradius").and_then(|radius| radius.as_f64())
        && points
    {
        set("pointSize", json!(2.0 + radius * 2.0));
    }
    if let Some(width) = number(panel.map.get("linewidth")) {
        set("lineWidth", width);
    }
    let tens = |number: Option<f64>| number.map(|number| json!((number * 10.0).clamp(0.0, 100.0)));
    let gradient = panel.number("fillGradient").and_then(|fill| fill.as_f64()).filter(|fill| *fill > 0.0);
    let fill = panel.number("fill").and_then(|fill| fill.as_f64());
    if let Some(opacity) = tens(gradient.or(fill)) {
        set("fillOpacity", opacity);
    }
    if gradient.is_some() {
        set("gradientMode", json!("opacity"));
    }
    if bars {
        set("fillOpacity", json!(100));
    }
    if panel.flag("dashes").unwrap_or_default() {
        let dash = number(panel.map.get("dashLength")).unwrap_or(json!(10));
        let space = number(panel.map.get("spaceLength")).unwrap_or(json!(10));
        set("lineStyle", json!({ "fill": "dash", "dash": [dash, space] }));
    }
    if panel.flag("steppedLine").unwrap_or_default() {
        set("lineInterpolation", json!("stepAfter"));
    }
    let percentage = panel.flag("percentage").unwrap_or_default();
    if panel.flag("stack").unwrap_or_default() {
        let mode = if percentage { "percent" } else { "normal" };
        set("stacking", json!({ "mode": mode, "group": "A" }));
    }
    match panel.filled("nullPointMode").as_deref() {
        Some("connected") => {
            set("spanNulls", json!(true));
        }
        Some("null as zero") => {
            panel.note(Kind::Dropped, "nullPointMode", "nulls as zeros: write `expr or vector(0)`");
        }
        _ => {}
    }
    panel.forget(&["linewidth", "dashLength", "spaceLength"]);
}

fn thresholds(panel: &mut Object<'_>, defaults: &mut Map<String, Value>, custom: &mut Map<String, Value>) {
    let mut list: Vec<(f64, Object<'_>)> = Vec::new();
    // Nothing but a list has been seen here; Grafana 2 wrote an empty string.
    panel.forget_if("thresholds", &json!(""));
    for mut threshold in panel.objects("thresholds") {
        match threshold.number("value").and_then(|value| value.as_f64()) {
            Some(value) => list.push((value, threshold)),
            None => threshold.note(Kind::Dropped, "", "a threshold without a value"),
        }
    }
    list.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let color = |threshold: &Object<'_>| {
        let text = |key: &str| threshold.map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        match text("colorMode") {
            Some("warning") => "orange",
            Some("custom") => text("fillColor").or(text("lineColor")).unwrap_or("red"),
            Some("ok") => "green",
            _ => "red",
        }
        .to_owned()
    };
    let is = |threshold: &Object<'_>, key: &str| threshold.map.get(key) == Some(&Value::Bool(true));
    let op = |threshold: &Object<'_>| threshold.map.get("op").and_then(Value::as_str) == Some("lt");
    let mut steps: Vec<Value> = Vec::new();
    for (index, (value, threshold)) in list.iter().enumerate() {
        if op(threshold) {
            if steps.is_empty() {
                steps.push(json!({ "color": color(threshold), "value": null }));
            }
            // Between two upper bounds the next one's colour applies, above the last none.
            let above = list.get(index + 1).filter(|(_, next)| op(next)).map(|(_, next)| color(next));
            steps.push(json!({ "color": above.unwrap_or_else(|| "transparent".to_owned()), "value": value }));
        } else {
            if steps.is_empty() {
                steps.push(json!({ "color": "transparent", "value": null }));
            }
            steps.push(json!({ "color": color(threshold), "value": value }));
        }
        if threshold.map.get("yaxis").and_then(Value::as_str) == Some("right") {
            threshold.note(Kind::Dropped, "yaxis", "thresholds belong to fields, not to an axis");
        }
    }
    if steps.is_empty() {
        return;
    }
    let area = list.iter().any(|(_, threshold)| is(threshold, "fill"));
    let line = list.iter().any(|(_, threshold)| is(threshold, "line"));
    let mode = match (line, area) {
        (true, true) => "line+area",
        (false, true) => "area",
        _ => "line",
    };
    custom.insert("thresholdsStyle".to_owned(), json!({ "mode": mode }));
    defaults.insert("thresholds".to_owned(), json!({ "mode": "absolute", "steps": steps }));
}

type Axis = (Map<String, Value>, Map<String, Value>);

fn series_override(
    mut series: Object<'_>,
    left: (&Map<String, Value>, &Map<String, Value>),
    right: &Axis,
    below: &mut bool,
) -> Option<Value> {
    let Some(alias) = series.filled("alias") else {
        series.note(Kind::Dropped, "", "an override without a series");
        return None;
    };
    series.forget(&["$$hashKey"]);
    let mut properties: Vec<Value> = Vec::new();
    let mut set = |id: &str, value: Value| {
        // The last one counts.
        properties.retain(|property: &Value| property["id"] != id);
        properties.push(json!({ "id": id, "value": value }));
    };
    if series.integer("yaxis") == Some(2) {
        set("custom.axisPlacement", json!("right"));
        for (key, value) in right.0.iter().filter(|(key, value)| left.0.get(*key) != Some(*value)) {
            set(key, value.clone());
        }
        for (key, value) in right.1.iter().filter(|(key, value)| left.1.get(*key) != Some(*value)) {
            set(&format!("custom.{key}"), value.clone());
        }
    }
    let tens = |number: f64| json!((number * 10.0).clamp(0.0, 100.0));
    if let Some(fill) = series.number("fill").and_then(|fill| fill.as_f64()) {
        set("custom.fillOpacity", tens(fill));
    }
    if let Some(name) = series.filled("fillBelowTo") {
        *below = true;
        set("custom.fillBelowTo", name.into());
    }
    if let Some(fill) = series.number("fillGradient").and_then(|fill| fill.as_f64()).filter(|fill| *fill > 0.0) {
        set("custom.gradientMode", json!("opacity"));
        set("custom.fillOpacity", tens(fill));
    }
    if let Some(points) = series.flag("points") {
        set("custom.showPoints", json!(if points { "always" } else { "never" }));
    }
    match series.flag("lines") {
        Some(false) => set("custom.lineWidth", json!(0)),
        Some(true) => set("custom.drawStyle", json!("line")),
        None => {}
    }
    match series.flag("bars") {
        Some(true) => {
            set("custom.drawStyle", json!("bars"));
            set("custom.fillOpacity", json!(100));
        }
        Some(false) => set("custom.drawStyle", json!("line")),
        None => {}
    }
    if let Some(width) = number(series.map.shift_remove("linewidth").as_ref()) {
        set("custom.lineWidth", width);
    }
    if let Some(radius) = series.number("pointradius").and_then(|radius| radius.as_f64()) {
        set("custom.pointSize", json!(2.0 + radius * 2.0));
    }
    if let Some(dashes) = series.flag("dashes") {
        let dash = number(series.map.shift_remove("dashLength").as_ref()).unwrap_or(json!(10));
        let space = number(series.map.shift_remove("spaceLength").as_ref()).unwrap_or(json!(10));
        set("custom.lineStyle", json!({ "fill": if dashes { "dash" } else { "solid" }, "dash": [dash, space] }));
    }
    match series.take("stack") {
        Some(Value::Bool(false)) => set("custom.stacking", json!({ "mode": "none", "group": "A" })),
        Some(Value::Bool(true)) => set("custom.stacking", json!({ "mode": "normal", "group": "A" })),
        Some(Value::String(group)) => set("custom.stacking", json!({ "mode": "normal", "group": group })),
        _ => {}
    }
    if let Some(color) = series.filled("color") {
        set("color", json!({ "mode": "fixed", "fixedColor": color }));
    }
    match series.filled("transform").as_deref() {
        Some("negative-Y") => set("custom.transform", json!("negative-Y")),
        Some("constant") => set("custom.transform", json!("constant")),
        _ => {}
    }
    if series.flag("legend") == Some(false) {
        set("custom.hideFrom", json!({ "legend": true, "tooltip": false, "viz": false }));
    }
    if series.flag("hideTooltip") == Some(true) {
        set("custom.hideFrom", json!({ "legend": false, "tooltip": true, "viz": false }));
    }
    let keys: Vec<String> = series.map.keys().cloned().collect();
    for key in keys {
        series.lose(&key, "no successor in the time series panel");
    }
    (!properties.is_empty()).then(|| json!({ "matcher": matcher(&alias), "properties": properties }))
}

fn legend(panel: &mut Object<'_>) -> Value {
    let mut legend = panel.object("legend");
    let show = legend.flag("show").unwrap_or(true);
    let values = legend.flag("values").unwrap_or_default();
    let table = legend.flag("alignAsTable").unwrap_or_default();
    let right = legend.flag("rightSide").unwrap_or_default();
    let mut calcs = Vec::new();
    for (name, _) in LEGEND {
        if legend.flag(name).unwrap_or_default() && values {
            calcs.extend(calculation(name));
        }
    }
    let mut new = json!({
        "showLegend": show,
        "displayMode": if table && show { "table" } else { "list" },
        "placement": if right && show { "right" } else { "bottom" },
        "calcs": if show { calcs } else { Vec::new() },
    });
    let sort = legend.filled("sort").and_then(|sort| LEGEND.iter().find(|(name, _)| *name == sort));
    let descending = legend.flag("sortDesc").unwrap_or_default();
    if let (Some((_, title)), true, Some(new)) = (sort, show && table, new.as_object_mut()) {
        new.insert("sortBy".to_owned(), (*title).into());
        new.insert("sortDesc".to_owned(), descending.into());
    }
    if let (Some(width), true, Some(new)) = (number(legend.map.get("sideWidth")), show && right, new.as_object_mut()) {
        new.insert("width".to_owned(), width);
    }
    for key in ["hideEmpty", "hideZero"] {
        if legend.flag(key) == Some(true) {
            legend.note(Kind::Dropped, key, "no successor in the time series panel");
        }
    }
    new
}

fn tooltip(panel: &mut Object<'_>) -> Value {
    let mut tooltip = panel.object("tooltip");
    let mode = if tooltip.flag("shared").unwrap_or(true) { "multi" } else { "single" };
    let sort = match tooltip.integer("sort") {
        Some(1) => "asc",
        Some(2) => "desc",
        _ => "none",
    };
    json!({ "mode": mode, "sort": sort })
}
