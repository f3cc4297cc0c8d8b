//! `grafana/<folder>/<name>.json`: a dashboard in Grafana's classic schema.
//!
//! There is no template: JSON is a tree, and so is a dashboard. Keys stand in one order, from what a dashboard is to what
//! it holds; what Grafana fills in by itself is left out, and an object that its types want whole is written whole.

use serde_json::{Map, Value, json};

use crate::lit;
use crate::model::dashboard::{
    Annotation, Ask, Choice, Color, Current, Dashboard, Datasource, Grid, JsonQuery, Legend, Link, LinkTarget,
    LokiQuery, Mapping, Matcher, Matches, MetricQuery, Panel, Passthrough, PromQuery, Property, Query, Reduce, Row,
    Thresholds, Tooltip, Transformation, TransformationStep, Variable, VariableValues,
};
use crate::spec::dashboard::{GraphTooltip, Hide, LegendMode, Refresh, Sort};

/// The classic schema's last version (`DASHBOARD_SCHEMA_VERSION` of Grafana 13).
const SCHEMA_VERSION: u32 = 42;

pub(super) fn render(dashboard: &Dashboard) -> String {
    lit::json::document(&Value::Object(document(dashboard)))
}

/// An object whose keys stand in the order in which they are added; what there is none of is left out.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    fn option(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// A flag that is off unless it is written.
    fn flag(self, key: &str, value: bool) -> Self {
        if value { self.with(key, true) } else { self }
    }

    /// A list, if there is anything in it.
    fn list<T>(self, key: &str, items: &[T], each: impl Fn(&T) -> Value) -> Self {
        if items.is_empty() { self } else { self.with(key, items.iter().map(each).collect::<Vec<_>>()) }
    }

    /// An object, if there is anything in it.
    fn object(self, key: &str, object: Self) -> Self {
        if object.0.is_empty() { self } else { self.with(key, object.0) }
    }

    /// Adds what the spec passes on: objects are joined, lists continued.
    fn and(mut self, more: &Passthrough) -> Self {
        join(&mut self.0, more);
        self
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

fn join(object: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (key, value) in more {
        match (object.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => join(old, new),
            (Some(Value::Array(old)), Value::Array(new)) => old.extend(new.iter().cloned()),
            _ => _ = object.insert(key.clone(), value.clone()),
        }
    }
}

fn document(dashboard: &Dashboard) -> Map<String, Value> {
    let mut panels: Vec<Value> = dashboard.panels.iter().map(panel).collect();
    for one in &dashboard.rows {
        panels.push(row(one));
        // Grafana keeps the panels of a closed row inside of it, those of an open one after it.
        if !one.collapsed {
            panels.extend(one.panels.iter().map(panel));
        }
    }
    Object::default()
        .with("uid", dashboard.uid.as_str())
        .with("title", dashboard.title.as_str())
        .option("description", some(&dashboard.description))
        .list("tags", &dashboard.tags, string)
        .flag_off("editable", dashboard.editable)
        .option(
            "graphTooltip",
            match dashboard.graph_tooltip {
                GraphTooltip::Default => None,
                GraphTooltip::Crosshair => Some(1),
                GraphTooltip::Tooltip => Some(2),
            },
        )
        .option("refresh", dashboard.refresh.as_deref())
        .option("time", dashboard.time.as_ref().map(|(from, to)| json!({ "from": from, "to": to })))
        .option("timezone", dashboard.timezone.as_deref())
        .list("links", &dashboard.links, link)
        .object("templating", Object::default().list("list", &dashboard.variables, variable))
        .object("annotations", Object::default().list("list", &dashboard.annotations, annotation))
        .and(&dashboard.grafana)
        .with("panels", panels)
        .with("schemaVersion", SCHEMA_VERSION)
        .0
}

impl Object {
    /// A flag that is on unless it is written.
    fn flag_off(self, key: &str, value: bool) -> Self {
        if value { self } else { self.with(key, false) }
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[expect(clippy::ptr_arg, reason = "it is handed to `list` as it is")]
fn string(text: &String) -> Value {
    Value::from(text.as_str())
}

/// A number as JSON writes it best: `1`, not `1.0`.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are cast")]
fn number(number: f64) -> Value {
    // Up to here a float holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT { Value::from(number as i64) } else { Value::from(number) }
}

fn datasource(source: &Datasource) -> Value {
    json!({ "type": source.plugin, "uid": source.uid })
}

fn link(link: &Link) -> Value {
    let (kind, url, tags, dropdown) = match &link.target {
        LinkTarget::Url(url) => ("link", Some(url.as_str()), [].as_slice(), false),
        LinkTarget::Dashboards { tags, dropdown } => ("dashboards", None, tags.as_slice(), *dropdown),
    };
    Object::default()
        .with("type", kind)
        .with("title", link.title.as_str())
        .option("url", url)
        .with("icon", link.icon.as_str())
        .with("tooltip", link.tooltip.as_str())
        .with("tags", tags)
        .with("asDropdown", dropdown)
        .with("includeVars", link.include_variables)
        .with("keepTime", link.keep_time)
        .with("targetBlank", link.new_tab)
        .into()
}

fn variable(variable: &Variable) -> Value {
    let object = Object::default()
        .with("name", variable.name.as_str())
        .with(
            "type",
            match &variable.values {
                VariableValues::Query { .. } => "query",
                VariableValues::Datasource { .. } => "datasource",
                VariableValues::Custom { .. } => "custom",
                VariableValues::Textbox(_) => "textbox",
                VariableValues::Interval { .. } => "interval",
                VariableValues::Adhoc(_) => "adhoc",
                VariableValues::Constant(_) => "constant",
            },
        )
        .option("label", variable.label.as_deref())
        .option("description", variable.description.as_deref())
        .option(
            "hide",
            variable.hide.map(|hide| match hide {
                Hide::Label => 1,
                Hide::Variable => 2,
            }),
        )
        .flag("skipUrlSync", variable.skip_url_sync);
    let current = |value: &Value| json!({ "text": value, "value": value });
    let object = match &variable.values {
        VariableValues::Query { datasource: source, query, refresh, choice } => {
            let refresh = match refresh {
                Refresh::Never => 0,
                Refresh::Load => 1,
                Refresh::TimeRange => 2,
            };
            let object = object.with("datasource", datasource(source)).with("query", query.clone());
            chosen(object.with("refresh", refresh), choice)
        }
        VariableValues::Datasource { plugin, choice } => chosen(object.with("query", plugin.as_str()), choice),
        VariableValues::Custom { values, choice } => {
            let query: Vec<String> = values.iter().map(|(text, value)| custom(text.as_deref(), value)).collect();
            chosen(object.with("query", query.join(", ")), choice)
        }
        VariableValues::Textbox(text) | VariableValues::Constant(text) => {
            object.with("query", text.as_str()).with("current", current(&Value::from(text.as_str())))
        }
        VariableValues::Interval { values, auto } => object
            .with("query", values.join(","))
            .flag("auto", auto.is_some())
            .option("auto_count", auto.as_ref().map(|(count, _)| *count))
            .option("auto_min", auto.as_ref().map(|(_, min)| min.as_str())),
        VariableValues::Adhoc(source) => object.with("datasource", datasource(source)),
    };
    let texts = match &variable.values {
        VariableValues::Custom { values, .. } => values.as_slice(),
        _ => &[],
    };
    object
        .option("current", variable.current.as_ref().map(|current| self::current(current, texts)))
        .and(&variable.grafana)
        .into()
}

fn chosen(object: Object, choice: &Choice) -> Object {
    object
        .option("regex", choice.regex.as_deref())
        .option(
            "sort",
            choice.sort.map(|sort| match sort {
                Sort::Disabled => 0,
                Sort::Alphabetical => 1,
                Sort::AlphabeticalDesc => 2,
                Sort::Numerical => 3,
                Sort::NumericalDesc => 4,
                Sort::AlphabeticalIgnoreCase => 5,
                Sort::AlphabeticalIgnoreCaseDesc => 6,
                Sort::Natural => 7,
                Sort::NaturalDesc => 8,
            }),
        )
        .flag("multi", choice.multi)
        .flag("includeAll", choice.include_all)
        .option("allValue", choice.all_value.as_deref())
        .flag_off("allowCustomValue", choice.allow_custom_value)
}

/// One value of a `custom` variable's query: `value` or `text : value`, in which a backslash keeps a comma.
fn custom(text: Option<&str>, value: &str) -> String {
    let plain = |text: &str| text.replace(',', "\\,");
    text.map_or_else(|| plain(value), |text| format!("{} : {}", plain(text), plain(value)))
}

fn current(current: &Current, texts: &[(Option<String>, String)]) -> Value {
    let text = |value: &String| {
        let named = texts.iter().find(|(_, other)| other == value).and_then(|(text, _)| text.as_deref());
        Value::from(if value == "$__all" { "All" } else { named.unwrap_or(value) })
    };
    match current {
        Current::One(value) => json!({ "text": text(value), "value": value }),
        Current::Many(values) => json!({ "text": values.iter().map(text).collect::<Vec<_>>(), "value": values }),
    }
}

fn annotation(note: &Annotation) -> Value {
    Object::default()
        .with("name", note.name.as_str())
        .with("datasource", datasource(&note.datasource))
        .with("enable", note.enabled)
        .flag("hide", note.hidden)
        .with("iconColor", note.color.as_str())
        .option("target", note.query.as_ref().map(target))
        .and(&note.grafana)
        .into()
}

fn grid(grid: Grid) -> Value {
    json!({ "h": grid.height, "w": grid.width, "x": grid.x, "y": grid.y })
}

fn row(row: &Row) -> Value {
    let inner: Vec<Value> = if row.collapsed { row.panels.iter().map(panel).collect() } else { Vec::new() };
    Object::default()
        .with("id", row.id)
        .with("type", "row")
        .with("title", row.title.as_str())
        .with("gridPos", grid(row.grid))
        .with("collapsed", row.collapsed)
        .option("repeat", row.repeat.as_deref())
        .and(&row.grafana)
        .with("panels", inner)
        .into()
}

fn panel(panel: &Panel) -> Value {
    let mut options = Object::default();
    if let Some(content) = &panel.content {
        // The types want the mode; the spec may give another one.
        options = options.with("mode", "markdown").with("content", content.as_str());
    }
    let options = options
        .option("reduceOptions", panel.reduce.as_ref().map(reduce))
        .option("legend", panel.legend.as_ref().map(legend))
        .option("tooltip", panel.tooltip.as_ref().map(tooltip))
        .and(&panel.options);
    let defaults = defaults(&panel.field);
    let mut object = Object::default()
        .with("id", panel.id)
        .with("type", panel.kind.as_str())
        .with("title", panel.title.as_str())
        .option("description", panel.description.as_deref())
        .flag("transparent", panel.transparent)
        .with("gridPos", grid(panel.grid))
        .list("links", &panel.links, link);
    if let Some((variable, direction, most)) = &panel.repeat {
        object = object
            .with("repeat", variable.as_str())
            .option("repeatDirection", direction.map(super::super::spec::dashboard::RepeatDirection::as_str))
            .option("maxPerRow", *most);
    }
    object = object
        .option("datasource", panel.datasource.as_ref().map(datasource))
        .option("interval", panel.interval.as_deref())
        .option("maxDataPoints", panel.max_data_points)
        .option("timeFrom", panel.time_from.as_deref())
        .option("timeShift", panel.time_shift.as_deref())
        .flag("hideTimeOverride", panel.hide_time_override)
        .list("targets", &panel.queries, target)
        .list("transformations", &panel.transformations, transformation);
    let has_field = panel.grafana.contains_key("fieldConfig");
    if !defaults.0.is_empty() || !panel.overrides.is_empty() || has_field {
        let overrides: Vec<Value> = panel.overrides.iter().map(|one| override_(&one.matcher, &one.field)).collect();
        object =
            object.with("fieldConfig", Object::default().with("defaults", defaults.0).with("overrides", overrides));
    }
    object.object("options", options).and(&panel.grafana).into()
}

fn target(query: &Query) -> Value {
    let object = Object::default()
        .with("refId", query.reference.as_str())
        .option("datasource", query.datasource.as_ref().map(datasource))
        .flag("hide", query.hide);
    let object = match &query.ask {
        Ask::Prometheus(query) => prometheus(object, query),
        Ask::Loki(query) => loki(object, query),
        Ask::Metric(query) => metric(object, query),
        Ask::Math { expression, label, region, period } => cloudwatch(object, 1)
            .with("region", if region.is_empty() { "default" } else { region })
            .with("namespace", "")
            .with("expression", expression.as_str())
            .option("label", label.as_deref())
            .option("period", period.as_deref()),
        Ask::Json(query) => json_api(object, query),
        Ask::Other => object,
    };
    object.and(&query.grafana).into()
}

fn prometheus(object: Object, query: &PromQuery) -> Object {
    object
        .with("expr", query.expr.as_str())
        .option("legendFormat", query.legend.as_deref())
        .option("format", query.format.map(super::super::spec::dashboard::QueryFormat::as_str))
        .flag("instant", query.instant)
        // Without either word Prometheus is asked for a range.
        .flag("range", query.range && query.instant)
        .flag("exemplar", query.exemplar)
        .option("interval", query.interval.as_deref())
}

fn loki(object: Object, query: &LokiQuery) -> Object {
    object
        .with("expr", query.expr.as_str())
        .option("legendFormat", query.legend.as_deref())
        .option("queryType", query.instant.then_some("instant"))
        .option("step", query.step.as_deref())
        .option("maxLines", query.max_lines)
        .option("direction", query.direction.map(super::super::spec::dashboard::Direction::as_str))
}

/// What every metric query of CloudWatch has; the editor's mode is 0 for a form, 1 for an expression.
fn cloudwatch(object: Object, editor: u8) -> Object {
    object.with("queryMode", "Metrics").with("metricQueryType", 0).with("metricEditorMode", editor).with("id", "")
}

fn metric(object: Object, query: &MetricQuery) -> Object {
    let mut dimensions = Object::default();
    for (name, values) in &query.dimensions {
        dimensions = match values.as_slice() {
            [one] => dimensions.with(name, one.as_str()),
            values => dimensions.with(name, values),
        };
    }
    cloudwatch(object, 0)
        .with("region", query.region.as_deref().unwrap_or("default"))
        .with("namespace", query.namespace.as_str())
        .with("metricName", query.metric.as_str())
        .with("statistic", query.statistic.as_str())
        .with("dimensions", dimensions)
        .with("matchExact", query.exact)
        .option("period", query.period.as_deref())
        .option("accountId", query.account.as_deref())
        .option("label", query.label.as_deref())
}

fn json_api(object: Object, query: &JsonQuery) -> Object {
    let column = |(title, selector, kind): &(String, String, crate::spec::dashboard::ColumnType)| json!({ "selector": selector, "text": title, "type": kind.as_str() });
    object
        .with("type", "json")
        .with("source", "url")
        .with("parser", query.parser.as_str())
        .with("format", query.format.as_str())
        .with("url", query.url.as_str())
        .with("url_options", json!({ "method": query.method.as_str(), "data": "" }))
        .with("root_selector", query.root.as_str())
        .with("columns", query.columns.iter().map(column).collect::<Vec<_>>())
        .with("filters", Vec::<Value>::new())
}

/// Properties as the object of a panel's defaults.
fn defaults(field: &[Property]) -> Object {
    let mut custom = Object::default();
    let mut object = Object::default();
    for one in field {
        if let Property::Custom(key, value) = one {
            custom = custom.with(key, value.clone());
        } else {
            let (id, value) = property(one);
            object = object.with(&id, value);
        }
    }
    object.object("custom", custom)
}

fn override_(matcher: &Matcher, field: &[Property]) -> Value {
    let (id, options) = match matcher {
        Matcher::Name(name) => ("byName", name),
        Matcher::Regexp(regexp) => ("byRegexp", regexp),
    };
    let properties: Vec<Value> = field
        .iter()
        .map(|one| {
            let (id, value) = property(one);
            json!({ "id": id, "value": value })
        })
        .collect();
    json!({ "matcher": { "id": id, "options": options }, "properties": properties })
}

/// A property's id and value.
fn property(property: &Property) -> (String, Value) {
    let (id, value) = match property {
        Property::DisplayName(name) => ("displayName", Value::from(name.as_str())),
        Property::Unit(unit) => ("unit", Value::from(unit.as_str())),
        Property::Decimals(decimals) => ("decimals", Value::from(*decimals)),
        Property::Min(min) => ("min", number(*min)),
        Property::Max(max) => ("max", number(*max)),
        Property::NoValue(text) => ("noValue", Value::from(text.as_str())),
        Property::Color(color) => ("color", self::color(color)),
        Property::Thresholds(thresholds) => ("thresholds", self::thresholds(thresholds)),
        Property::Mappings(mappings) => ("mappings", self::mappings(mappings)),
        Property::Links(links) => {
            let link = |(title, url, new_tab): &(String, String, bool)| {
                Value::from(
                    Object::default()
                        .with("title", title.as_str())
                        .with("url", url.as_str())
                        .flag("targetBlank", *new_tab),
                )
            };
            ("links", links.iter().map(link).collect())
        }
        Property::Custom(key, value) => return (format!("custom.{key}"), value.clone()),
        Property::Other(id, value) => return (id.clone(), value.clone()),
    };
    (id.to_owned(), value)
}

fn color(color: &Color) -> Value {
    Object::default()
        .with("mode", color.mode.as_str())
        .option("fixedColor", color.fixed.as_deref())
        .option("seriesBy", color.by.map(super::super::spec::dashboard::ColorBy::as_str))
        .into()
}

fn thresholds(thresholds: &Thresholds) -> Value {
    // The first colour holds from minus infinity on, which JSON writes as `null`.
    let step = |(from, color): &(Option<f64>, String)| json!({ "color": color, "value": from.map(number) });
    json!({ "mode": thresholds.mode.as_str(), "steps": thresholds.steps.iter().map(step).collect::<Vec<_>>() })
}

/// Mappings of single values that follow each other are one of Grafana's.
fn mappings(mappings: &[Mapping]) -> Value {
    let mut list: Vec<(&str, Object)> = Vec::new();
    for (index, mapping) in mappings.iter().enumerate() {
        let result = Object::default()
            .option("text", mapping.text.as_deref())
            .option("color", mapping.color.as_deref())
            .option("icon", mapping.icon.as_deref())
            .with("index", index);
        let (kind, options) = match &mapping.matches {
            Matches::Value(value) => {
                if let Some(("value", options)) = list.last_mut()
                    && !options.0.contains_key(value)
                {
                    options.0.insert(value.clone(), result.into());
                    continue;
                }
                ("value", Object::default().with(value, result))
            }
            Matches::Range(from, to) => (
                "range",
                Object::default().with("from", from.map(number)).with("to", to.map(number)).with("result", result),
            ),
            Matches::Regexp(pattern) => {
                ("regex", Object::default().with("pattern", pattern.as_str()).with("result", result))
            }
            Matches::Special(special) => {
                ("special", Object::default().with("match", special.as_str()).with("result", result))
            }
        };
        list.push((kind, options));
    }
    list.into_iter().map(|(kind, options)| json!({ "type": kind, "options": options.0 })).collect()
}

fn legend(legend: &Legend) -> Value {
    let shown = legend.mode != LegendMode::None;
    let mode = if shown { legend.mode.as_str() } else { LegendMode::List.as_str() };
    let object = Object::default()
        .with("showLegend", shown)
        .with("displayMode", mode)
        .with("placement", legend.placement.as_str())
        .with("calcs", legend.calcs.as_slice());
    let object = match &legend.sort {
        Some((by, desc)) => object.with("sortBy", by.as_str()).with("sortDesc", *desc),
        None => object,
    };
    object.option("width", legend.width).into()
}

fn tooltip(tooltip: &Tooltip) -> Value {
    let sort = tooltip.sort.map(super::super::spec::dashboard::TooltipSort::as_str);
    Object::default().with("mode", tooltip.mode.as_str()).option("sort", sort).into()
}

fn reduce(reduce: &Reduce) -> Value {
    Object::default()
        .with("calcs", reduce.calcs.as_slice())
        .with("fields", reduce.fields.as_str())
        .with("values", reduce.values)
        .option("limit", reduce.limit)
        .into()
}

fn transformation(transformation: &Transformation) -> Value {
    let truths = |names: &[String]| names.iter().fold(Object::default(), |object, name| object.with(name, true));
    let (id, options) = match &transformation.step {
        TransformationStep::Organize { exclude, include, rename, order } => {
            let renamed = rename.iter().fold(Object::default(), |object, (old, new)| object.with(old, new.as_str()));
            let ordered =
                order.iter().enumerate().fold(Object::default(), |object, (index, name)| object.with(name, index));
            let options = Object::default()
                .with("excludeByName", truths(exclude))
                .with("includeByName", truths(include))
                .with("indexByName", ordered)
                .with("renameByName", renamed);
            ("organize", options.into())
        }
        TransformationStep::JoinByField(field, mode) => {
            let options = Object::default().option("byField", field.as_deref()).with("mode", mode.as_str());
            ("joinByField", options.into())
        }
        TransformationStep::SortBy(field, desc) => ("sortBy", json!({ "sort": [{ "field": field, "desc": desc }] })),
        TransformationStep::FilterFieldsByName { include, exclude } => {
            let side = |(names, pattern): &(Vec<String>, Option<String>)| {
                Object::default().list("names", names, string).option("pattern", pattern.as_deref())
            };
            let options = Object::default().object("include", side(include)).object("exclude", side(exclude));
            ("filterFieldsByName", options.into())
        }
        TransformationStep::Merge => ("merge", json!({})),
        TransformationStep::Other(id, options) => (id.as_str(), options.clone()),
    };
    Object::default().with("id", id).flag("disabled", transformation.disabled).with("options", options).into()
}
