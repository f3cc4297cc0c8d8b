//! The schema that came after the classic one, `elements` and `layout`, to the classic one, before anything else is read.
//!
//! Grafana does the same when a classic dashboard is asked for (`apps/dashboard/pkg/migration/conversion`); the schema is
//! `apps/dashboard/kinds/v2/dashboard_spec.cue`. What the versions before it (`v2alpha1`, `v2beta1`) call otherwise is read,
//! too. The classic schema has rows of panels and nothing else: a tab becomes a row, rows of a row follow it, and what is
//! shown under a condition is always shown.

use serde_json::{Map, Value, json};

use super::note::{Kind, Notes};
use super::object::described;

type Json = Map<String, Value>;

/// Whether an object is a dashboard of that schema.
pub(super) fn is(map: &Json) -> bool {
    map.get("elements").is_some_and(Value::is_object)
        || map.get("layout").is_some_and(|layout| layout.get("kind").is_some())
}

/// The dashboard in the classic schema.
pub(super) fn classic(mut map: Json, notes: &Notes) -> Json {
    notes.add(Kind::Converted, "dashboard", "", "the schema v2 to the classic one, whose paths are in these notes");
    let elements = take(&mut map, "elements");
    let mut layout = Layout { elements, sections: vec![Section::default()], variables: Vec::new(), notes };
    layout.any(map.shift_remove("layout").unwrap_or_default(), "layout");
    let Layout { elements: left, sections, variables: of_sections, .. } = layout;
    for (name, _) in left {
        notes.add(Kind::Dropped, "dashboard", &format!("elements.{name}"), "the layout doesn't have it");
    }
    let variables = list(map.shift_remove("variables")).into_iter().chain(of_sections);
    let variables: Vec<Value> = variables.filter_map(|one| variable(one, notes)).collect();
    let annotations: Vec<Value> = list(map.shift_remove("annotations")).into_iter().filter_map(annotation).collect();
    if let Some(sync) = map.shift_remove("cursorSync") {
        map.insert("graphTooltip".to_owned(), number(&sync, &["Off", "Crosshair", "Tooltip"]));
    }
    time(&mut map);
    map.insert("templating".to_owned(), json!({ "list": variables }));
    map.insert("annotations".to_owned(), json!({ "list": annotations }));
    map.insert("panels".to_owned(), panels(sections));
    map
}

fn take(map: &mut Json, key: &str) -> Json {
    if let Some(Value::Object(inner)) = map.shift_remove(key) { inner } else { Json::new() }
}

fn list(value: Option<Value>) -> Vec<Value> {
    if let Some(Value::Array(items)) = value { items } else { Vec::new() }
}

fn object(value: Value) -> Option<Json> {
    if let Value::Object(map) = value { Some(map) } else { None }
}

/// A word by its place in a list; anything else stays, for a note.
fn number(word: &Value, words: &[&str]) -> Value {
    let place = word.as_str().and_then(|word| words.iter().position(|known| *known == word));
    place.map_or_else(|| word.clone(), Value::from)
}

/// `kind` and `spec` of an object, which both moved in the course of the versions: what a kind was called is `group` now.
fn kind_and_spec(value: Value) -> Option<(String, Json, Json)> {
    let mut map = object(value)?;
    let spec = take(&mut map, "spec");
    let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some((kind, spec, map))
}

/// What a query, a visualization or a transformation is for.
fn group(kind: String, map: &Json) -> String {
    map.get("group").and_then(Value::as_str).map_or(kind, ToOwned::to_owned)
}

// ---- the layout -------------------------------------------------------------------------------------------

/// Panels under a row; those before the first one have none.
#[derive(Default)]
struct Section {
    row: Option<Json>,
    panels: Vec<Value>,
}

struct Layout<'n> {
    /// The elements that were not placed yet.
    elements: Json,
    sections: Vec<Section>,
    /// Variables that only a row or a tab has.
    variables: Vec<Value>,
    notes: &'n Notes,
}

impl Layout<'_> {
    /// A layout of the dashboard, or of a row or tab.
    fn any(&mut self, layout: Value, path: &str) {
        let Some((kind, spec, _)) = kind_and_spec(layout) else { return };
        match kind.as_str() {
            "RowsLayout" => self.rows(spec, "rows", path),
            "TabsLayout" => {
                self.notes.add(Kind::Converted, "dashboard", path, "tabs to rows");
                self.rows(spec, "tabs", path);
            }
            "AutoGridLayout" => self.auto_grid(spec, path),
            "GridLayout" => self.grid(spec, path),
            other => {
                let message = format!("a layout of the kind `{other}`");
                self.notes.add(Kind::Dropped, "dashboard", path, message);
            }
        }
    }

    fn rows(&mut self, mut spec: Json, key: &str, path: &str) {
        for (index, row) in list(spec.shift_remove(key)).into_iter().enumerate() {
            let path = format!("{path}.{key}[{index}]");
            let Some((_, mut spec, _)) = kind_and_spec(row) else { continue };
            let title = spec.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
            let place = format!("row `{title}`");
            self.unconditional(&mut spec, &place, &path);
            let variables = list(spec.shift_remove("variables"));
            if !variables.is_empty() {
                self.notes.add(Kind::Converted, &place, &path, "its variables to those of the dashboard");
                self.variables.extend(variables);
            }
            for (key, why) in
                [("hideHeader", "a row has a header"), ("fillScreen", "a row has the height of its panels")]
            {
                if spec.shift_remove(key) == Some(Value::Bool(true)) {
                    self.notes.add(Kind::Dropped, &place, &format!("{path}.{key}"), why);
                }
            }
            let mut row = Json::from_iter([("type".to_owned(), json!("row")), ("title".to_owned(), json!(title))]);
            if spec.shift_remove("collapse") == Some(Value::Bool(true)) {
                row.insert("collapsed".to_owned(), json!(true));
            }
            repeat(&mut spec, &mut row);
            let layout = spec.shift_remove("layout").unwrap_or_default();
            if layout.get("kind").is_some_and(|kind| kind == "RowsLayout" || kind == "TabsLayout") {
                self.notes.add(Kind::Converted, &place, &path, "its rows to rows that follow it");
            }
            self.sections.push(Section { row: Some(row), panels: Vec::new() });
            self.any(layout, &format!("{path}.layout"));
        }
    }

    /// Notes that a condition is dropped.
    fn unconditional(&self, spec: &mut Json, place: &str, path: &str) {
        if spec.shift_remove("conditionalRendering").is_some() {
            let path = format!("{path}.conditionalRendering");
            self.notes.add(Kind::Dropped, place, &path, "a condition: it is always shown");
        }
    }

    fn grid(&mut self, mut spec: Json, path: &str) {
        for (index, item) in list(spec.shift_remove("items")).into_iter().enumerate() {
            let Some((_, mut item, _)) = kind_and_spec(item) else { continue };
            let mut at = Json::new();
            for (key, short) in [("x", "x"), ("y", "y"), ("width", "w"), ("height", "h")] {
                at.extend(item.shift_remove(key).map(|value| (short.to_owned(), value)));
            }
            self.place(item, at, &format!("{path}.items[{index}]"));
        }
    }

    /// As many columns as there may be, and rows of a height, by the pixels of Grafana (`AutoGridLayoutManager`).
    fn auto_grid(&mut self, mut spec: Json, path: &str) {
        let most = spec.get("maxColumnCount").and_then(Value::as_u64).unwrap_or(3).clamp(1, 24);
        let height = match spec.get("rowHeightMode").and_then(Value::as_str) {
            Some("short") => 168.0,
            Some("tall") => 512.0,
            Some("custom") => spec.get("rowHeight").and_then(Value::as_f64).unwrap_or(320.0),
            _ => 320.0,
        };
        // Rows of the grid have 30 pixels and 8 between them.
        let height = (1_u64..40).find(|rows| f64::from(u32::try_from(*rows).unwrap_or(40)) * 38.0 - 8.0 >= height);
        let (width, height) = (24 / most, height.unwrap_or(40));
        for (index, item) in list(spec.shift_remove("items")).into_iter().enumerate() {
            let Some((_, item, _)) = kind_and_spec(item) else { continue };
            let place = u64::try_from(index).unwrap_or_default();
            let at = json!({ "x": place % most * width, "y": place / most * height, "w": width, "h": height });
            self.place(item, object(at).unwrap_or_default(), &format!("{path}.items[{index}]"));
        }
    }

    /// Takes the element of an item, which is placed once.
    fn place(&mut self, mut item: Json, at: Json, path: &str) {
        let reference = item.get("element").and_then(|element| element.get("name")).and_then(Value::as_str);
        let name = reference.unwrap_or_default().to_owned();
        let Some(mut panel) = self.elements.swap_remove(&name).and_then(panel) else {
            let message = format!("no panel `{name}`, or it is placed already");
            self.notes.add(Kind::Dropped, "dashboard", path, message);
            return;
        };
        let title = panel.get("title").and_then(Value::as_str).unwrap_or_default();
        self.unconditional(&mut item, &format!("panel `{title}`"), path);
        panel.insert("gridPos".to_owned(), at.into());
        repeat(&mut item, &mut panel);
        if let Some(section) = self.sections.last_mut() {
            section.panels.push(panel.into());
        }
    }
}

/// The variable that something is repeated by.
fn repeat(item: &mut Json, to: &mut Json) {
    let mut repeat = take(item, "repeat");
    for (key, word) in [("value", "repeat"), ("direction", "repeatDirection"), ("maxPerRow", "maxPerRow")] {
        to.extend(repeat.shift_remove(key).map(|value| (word.to_owned(), value)));
    }
}

/// One list of panels: rows after the panels that have none, each with its own.
fn panels(sections: Vec<Section>) -> Value {
    let mut panels: Vec<Value> = Vec::new();
    // Panels are read in the order of their places.
    let mut below = i64::from(i32::MAX) - i64::try_from(sections.len()).unwrap_or_default();
    for Section { row, panels: inner } in sections {
        match row {
            Some(mut row) => {
                below += 1;
                row.insert("gridPos".to_owned(), json!({ "x": 0, "y": below, "w": 24, "h": 1 }));
                row.insert("panels".to_owned(), inner.into());
                panels.push(row.into());
            }
            None => panels.extend(inner),
        }
    }
    panels.into()
}

// ---- what it holds ----------------------------------------------------------------------------------------

/// A panel, or a library panel, whose keys are found again where the export has them.
fn panel(element: Value) -> Option<Json> {
    let (kind, mut panel, _) = kind_and_spec(element)?;
    if kind == "LibraryPanel" {
        return Some(panel);
    }
    let (kind, mut shown, about) = kind_and_spec(panel.shift_remove("vizConfig").unwrap_or_default())?;
    panel.insert("type".to_owned(), group(kind, &about).into());
    for key in ["options", "fieldConfig"] {
        panel.extend(shown.shift_remove(key).map(|value| (key.to_owned(), value)));
    }
    let (_, mut data, _) = kind_and_spec(panel.shift_remove("data").unwrap_or_default()).unwrap_or_default();
    let targets: Vec<Value> = list(data.shift_remove("queries")).into_iter().filter_map(target).collect();
    panel.insert("targets".to_owned(), targets.into());
    let steps = list(data.shift_remove("transformations")).into_iter().filter_map(|step| {
        let (kind, mut spec, about) = kind_and_spec(step)?;
        spec.entry("id").or_insert_with(|| group(kind, &about).into());
        Some(Value::Object(spec))
    });
    panel.insert("transformations".to_owned(), steps.collect());
    for (key, value) in take(&mut data, "queryOptions") {
        panel.entry(key).or_insert(value);
    }
    Some(panel)
}

/// The datasource of a query, which has its plugin's name as its group.
fn datasource(kind: String, about: &Json) -> Option<Value> {
    let plugin = group(kind, about);
    let uid = about.get("datasource").and_then(|datasource| datasource.get("name")).filter(|uid| !uid.is_null());
    match (plugin.as_str(), uid) {
        ("" | "DataQuery", None) => None,
        ("" | "DataQuery", Some(uid)) => Some(json!({ "uid": uid })),
        ("__expr__", None) => Some(json!({ "type": plugin, "uid": plugin })),
        (_, None) => Some(json!({ "type": plugin })),
        (_, Some(uid)) => Some(json!({ "type": plugin, "uid": uid })),
    }
}

/// A query and its datasource, `datasource` of which is beside it in the first version.
fn query(value: Option<Value>, beside: Option<Value>) -> (Json, Option<Value>) {
    let Some((kind, spec, about)) = value.and_then(kind_and_spec) else { return (Json::new(), beside) };
    let found = beside.filter(Value::is_object).or_else(|| datasource(kind, &about));
    (spec, found)
}

fn target(value: Value) -> Option<Value> {
    let (_, mut spec, _) = kind_and_spec(value)?;
    let beside = spec.shift_remove("datasource");
    let (mut target, datasource) = query(spec.shift_remove("query"), beside);
    target.extend(datasource.map(|datasource| ("datasource".to_owned(), datasource)));
    for (key, word) in [("refId", "refId"), ("hidden", "hide")] {
        target.extend(spec.shift_remove(key).map(|value| (word.to_owned(), value)));
    }
    Some(target.into())
}

fn annotation(value: Value) -> Option<Value> {
    let (_, mut spec, _) = kind_and_spec(value)?;
    let beside = spec.shift_remove("datasource");
    let (target, datasource) = query(spec.shift_remove("query"), beside);
    spec.extend(datasource.map(|datasource| ("datasource".to_owned(), datasource)));
    if !target.is_empty() {
        spec.insert("target".to_owned(), target.into());
    }
    // Keys that the classic schema has beside the others.
    for (key, value) in take(&mut spec, "legacyOptions") {
        spec.entry(key).or_insert(value);
    }
    Some(spec.into())
}

fn variable(value: Value, notes: &Notes) -> Option<Value> {
    const SORT: [&str; 9] = [
        "disabled",
        "alphabeticalAsc",
        "alphabeticalDesc",
        "numericalAsc",
        "numericalDesc",
        "alphabeticalCaseInsensitiveAsc",
        "alphabeticalCaseInsensitiveDesc",
        "naturalAsc",
        "naturalDesc",
    ];
    const HIDE: [&str; 4] = ["dontHide", "hideLabel", "hideVariable", "inControlsMenu"];
    const REFRESH: [&str; 3] = ["never", "onDashboardLoad", "onTimeRangeChanged"];
    let found = described(&value);
    let Some((kind, mut spec, about)) = kind_and_spec(value) else {
        notes.add(Kind::Dropped, "dashboard", "variables", format!("expected a variable, found {found}"));
        return None;
    };
    for (key, words) in [("hide", &HIDE[..]), ("refresh", &REFRESH), ("sort", &SORT)] {
        if let Some(word) = spec.get(key) {
            let number = number(word, words);
            spec.insert(key.to_owned(), number);
        }
    }
    let kind = match kind.as_str() {
        "QueryVariable" => {
            let beside = spec.shift_remove("datasource");
            let (mut query, datasource) = query(spec.shift_remove("query"), beside);
            spec.extend(datasource.map(|datasource| ("datasource".to_owned(), datasource)));
            // A query that is only a text.
            let text = query.shift_remove("__legacyStringValue").filter(Value::is_string);
            spec.insert("query".to_owned(), text.unwrap_or_else(|| query.into()));
            "query"
        }
        "AdhocVariable" => {
            let datasource = datasource(String::new(), &about);
            spec.extend(datasource.map(|datasource| ("datasource".to_owned(), datasource)));
            "adhoc"
        }
        "DatasourceVariable" => {
            let plugin = spec.shift_remove("pluginId");
            spec.extend(plugin.map(|plugin| ("query".to_owned(), plugin)));
            "datasource"
        }
        "SwitchVariable" => {
            switch(&mut spec, notes);
            "custom"
        }
        "TextVariable" => "textbox",
        "ConstantVariable" => "constant",
        "IntervalVariable" => "interval",
        "CustomVariable" => "custom",
        "GroupByVariable" => "groupby",
        other => other,
    };
    spec.insert("type".to_owned(), kind.into());
    Some(spec.into())
}

/// A switch to a list of its two values.
fn switch(spec: &mut Json, notes: &Notes) {
    let name = spec.get("name").and_then(Value::as_str).unwrap_or_default();
    notes.add(Kind::Converted, &format!("variable `{name}`"), "", "a switch to a list of two values");
    let mut value = |key: &str, usual: &str| {
        let value = spec.shift_remove(key);
        value.as_ref().and_then(Value::as_str).unwrap_or(usual).replace(',', "\\,")
    };
    let (on, off) = (value("enabledValue", "true"), value("disabledValue", "false"));
    let current = spec.shift_remove("current").unwrap_or_else(|| off.clone().into());
    spec.insert("query".to_owned(), format!("{on},{off}").into());
    spec.insert("current".to_owned(), json!({ "value": current }));
}

fn time(map: &mut Json) {
    let mut settings = take(map, "timeSettings");
    let mut range = Json::new();
    for key in ["from", "to"] {
        range.extend(settings.shift_remove(key).map(|value| (key.to_owned(), value)));
    }
    if !range.is_empty() {
        map.insert("time".to_owned(), range.into());
    }
    let mut picker = Json::new();
    for (key, word) in [
        ("autoRefreshIntervals", "refresh_intervals"),
        ("quickRanges", "quick_ranges"),
        ("hideTimepicker", "hidden"),
        ("nowDelay", "nowDelay"),
    ] {
        let value = settings.shift_remove(key).filter(|value| *value != json!(false) && *value != json!([]));
        picker.extend(value.map(|value| (word.to_owned(), value)));
    }
    if !picker.is_empty() {
        map.insert("timepicker".to_owned(), picker.into());
    }
    let refresh = settings.shift_remove("autoRefresh");
    map.extend(refresh.map(|value| ("refresh".to_owned(), value)));
    map.extend(settings);
}
