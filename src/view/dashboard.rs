//! `grafana/<folder>/<name>.json`: a dashboard in Grafana's classic schema.
//!
//! There is no template: JSON is a tree, and so is a dashboard. Keys stand in one order, from what a dashboard is to what
//! it holds; what Grafana fills in by itself is left out, and an object that its types want whole is written whole.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::lit::json::{Tree, document as print};
use crate::model::dashboard::{
    Annotation, Ask, Choice, Color, Current, Dashboard, Datasource, Grid, JsonQuery, Legend, Link, LinkTarget,
    LokiQuery, Mapping, Matcher, Matches, MetricQuery, Override, Panel, Passthrough, PromQuery, Property, Query,
    Reduce, Row, Thresholds, Tooltip, Transformation, TransformationStep, Variable, VariableValues,
};
use crate::spec::dashboard::{
    ColorBy, ColumnType, Direction, GraphTooltip, Hide, LegendMode, QueryFormat, Refresh, RepeatDirection, Sort,
    TooltipSort,
};

/// The classic schema's last version (`DASHBOARD_SCHEMA_VERSION` of Grafana 13).
const SCHEMA_VERSION: u32 = 42;

pub(super) fn render(dashboard: &Dashboard) -> String {
    print(&document(dashboard).into())
}

/// An object whose keys stand in the order in which they are added; what there is none of is left out.
#[derive(Default)]
struct Object<'a>(Vec<(Cow<'a, str>, Tree<'a>)>);

impl<'a> Object<'a> {
    fn with(mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Tree<'a>>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    fn option(self, key: &'a str, value: Option<impl Into<Tree<'a>>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// A flag that is off unless it is written.
    fn flag(self, key: &'a str, value: bool) -> Self {
        if value { self.with(key, true) } else { self }
    }

    /// A flag that is on unless it is written.
    fn flag_off(self, key: &'a str, value: bool) -> Self {
        if value { self } else { self.with(key, false) }
    }

    /// A list, if there is anything in it.
    fn list<T, R: Into<Tree<'a>>>(self, key: &'a str, items: &'a [T], each: impl Fn(&'a T) -> R) -> Self {
        if items.is_empty() { self } else { self.with(key, list(items, each)) }
    }

    /// An object, if there is anything in it.
    fn object(self, key: &'a str, object: Self) -> Self {
        if object.0.is_empty() { self } else { self.with(key, object) }
    }

    /// Adds what the spec passes on: objects are joined, lists continued.
    fn and(mut self, more: &'a Passthrough) -> Self {
        join(&mut self.0, more);
        self
    }
}

fn join<'a>(object: &mut Vec<(Cow<'a, str>, Tree<'a>)>, more: &'a Map<String, Value>) {
    for (key, value) in more {
        let place = object.iter_mut().find(|(name, _)| name == key).map(|(_, tree)| tree);
        match (place, value) {
            (Some(Tree::Object(old)), Value::Object(new)) => join(old, new),
            (Some(Tree::List(old)), Value::Array(new)) => old.extend(new.iter().map(Tree::Value)),
            (Some(old), new) => *old = Tree::Value(new),
            (None, _) => object.push((key.as_str().into(), Tree::Value(value))),
        }
    }
}

impl<'a> From<Object<'a>> for Tree<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object.0)
    }
}

/// A list of what `each` makes of the items.
fn list<'a, T, R: Into<Tree<'a>>>(items: &'a [T], each: impl Fn(&'a T) -> R) -> Tree<'a> {
    Tree::List(items.iter().map(|item| each(item).into()).collect())
}

fn document(dashboard: &Dashboard) -> Object<'_> {
    let mut panels: Vec<Tree<'_>> = dashboard.panels.iter().map(|one| panel(one).into()).collect();
    for one in &dashboard.rows {
        panels.push(row(one).into());
        // Grafana keeps the panels of a closed row inside of it, those of an open one after it.
        if !one.collapsed {
            panels.extend(one.panels.iter().map(|one| Tree::from(panel(one))));
        }
    }
    Object::default()
        .with("uid", dashboard.uid.as_str())
        .with("title", dashboard.title.as_str())
        .option("description", some(&dashboard.description))
        .list("tags", &dashboard.tags, String::as_str)
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
        .option(
            "time",
            dashboard
                .time
                .as_ref()
                .map(|(from, to)| Object::default().with("from", from.as_str()).with("to", to.as_str())),
        )
        .option("timezone", dashboard.timezone.as_deref())
        .list("links", &dashboard.links, link)
        .object("templating", Object::default().list("list", &dashboard.variables, variable))
        .object("annotations", Object::default().list("list", &dashboard.annotations, annotation))
        .and(&dashboard.grafana)
        .with("panels", Tree::List(panels))
        .with("schemaVersion", SCHEMA_VERSION)
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn datasource(source: &Datasource) -> Object<'_> {
    Object::default().with("type", source.plugin.as_str()).with("uid", source.uid.as_str())
}

fn strings(texts: &[String]) -> Tree<'_> {
    list(texts, String::as_str)
}

fn link(link: &Link) -> Object<'_> {
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
        .with("tags", strings(tags))
        .with("asDropdown", dropdown)
        .with("includeVars", link.include_variables)
        .with("keepTime", link.keep_time)
        .with("targetBlank", link.new_tab)
}

fn variable(variable: &Variable) -> Object<'_> {
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
    let object = match &variable.values {
        VariableValues::Query { datasource: source, query, refresh, choice } => {
            let refresh = match refresh {
                Refresh::Never => 0,
                Refresh::Load => 1,
                Refresh::TimeRange => 2,
            };
            let object = object.with("datasource", datasource(source)).with("query", query);
            chosen(object.with("refresh", refresh), choice)
        }
        VariableValues::Datasource { plugin, choice } => chosen(object.with("query", plugin.as_str()), choice),
        VariableValues::Custom { values, choice } => {
            let query: Vec<String> = values.iter().map(|(text, value)| custom(text.as_deref(), value)).collect();
            chosen(object.with("query", query.join(", ")), choice)
        }
        VariableValues::Textbox(text) | VariableValues::Constant(text) => {
            let current = Object::default().with("text", text.as_str()).with("value", text.as_str());
            object.with("query", text.as_str()).with("current", current)
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
}

fn chosen<'a>(object: Object<'a>, choice: &'a Choice) -> Object<'a> {
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

fn current<'a>(current: &'a Current, texts: &'a [(Option<String>, String)]) -> Object<'a> {
    let text = |value: &'a String| {
        let named = texts.iter().find(|(_, other)| other == value).and_then(|(text, _)| text.as_deref());
        if value == "$__all" { "All" } else { named.unwrap_or(value) }
    };
    match current {
        Current::One(value) => Object::default().with("text", text(value)).with("value", value.as_str()),
        Current::Many(values) => Object::default().with("text", list(values, text)).with("value", strings(values)),
    }
}

fn annotation(note: &Annotation) -> Object<'_> {
    Object::default()
        .with("name", note.name.as_str())
        .with("datasource", datasource(&note.datasource))
        .with("enable", note.enabled)
        .flag("hide", note.hidden)
        .with("iconColor", note.color.as_str())
        .option("target", note.query.as_ref().map(target))
        .and(&note.grafana)
}

fn grid(grid: Grid) -> Object<'static> {
    Object::default().with("h", grid.height).with("w", grid.width).with("x", grid.x).with("y", grid.y)
}

fn row(row: &Row) -> Object<'_> {
    let inner = if row.collapsed { row.panels.as_slice() } else { &[] };
    Object::default()
        .with("id", row.id)
        .with("type", "row")
        .with("title", row.title.as_str())
        .with("gridPos", grid(row.grid))
        .with("collapsed", row.collapsed)
        .option("repeat", row.repeat.as_deref())
        .and(&row.grafana)
        .with("panels", list(inner, panel))
}

fn panel(panel: &Panel) -> Object<'_> {
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
            .option("repeatDirection", direction.map(RepeatDirection::as_str))
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
    if !panel.field.is_empty() || !panel.overrides.is_empty() || panel.grafana.contains_key("fieldConfig") {
        let field = Object::default().with("defaults", defaults(&panel.field));
        object = object.with("fieldConfig", field.with("overrides", list(&panel.overrides, override_)));
    }
    object.object("options", options).and(&panel.grafana)
}

fn target(query: &Query) -> Object<'_> {
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
    object.and(&query.grafana)
}

fn prometheus<'a>(object: Object<'a>, query: &'a PromQuery) -> Object<'a> {
    object
        .with("expr", query.expr.as_str())
        .option("legendFormat", query.legend.as_deref())
        .option("format", query.format.map(QueryFormat::as_str))
        .flag("instant", query.instant)
        // Without either word Prometheus is asked for a range.
        .flag("range", query.range && query.instant)
        .flag("exemplar", query.exemplar)
        .option("interval", query.interval.as_deref())
}

fn loki<'a>(object: Object<'a>, query: &'a LokiQuery) -> Object<'a> {
    object
        .with("expr", query.expr.as_str())
        .option("legendFormat", query.legend.as_deref())
        .option("queryType", query.instant.then_some("instant"))
        .option("step", query.step.as_deref())
        .option("maxLines", query.max_lines)
        .option("direction", query.direction.map(Direction::as_str))
}

/// What every metric query of CloudWatch has; the editor's mode is 0 for a form, 1 for an expression.
fn cloudwatch(object: Object<'_>, editor: u32) -> Object<'_> {
    object.with("queryMode", "Metrics").with("metricQueryType", 0).with("metricEditorMode", editor).with("id", "")
}

fn metric<'a>(object: Object<'a>, query: &'a MetricQuery) -> Object<'a> {
    let mut dimensions = Object::default();
    for (name, values) in &query.dimensions {
        dimensions = match values.as_slice() {
            [one] => dimensions.with(name, one.as_str()),
            values => dimensions.with(name, strings(values)),
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

fn json_api<'a>(object: Object<'a>, query: &'a JsonQuery) -> Object<'a> {
    let column = |column: &'a (String, String, ColumnType)| {
        let (title, selector, kind) = column;
        Object::default().with("selector", selector.as_str()).with("text", title.as_str()).with("type", kind.as_str())
    };
    object
        .with("type", "json")
        .with("source", "url")
        .with("parser", query.parser.as_str())
        .with("format", query.format.as_str())
        .with("url", query.url.as_str())
        .with("url_options", Object::default().with("method", query.method.as_str()).with("data", ""))
        .with("root_selector", query.root.as_str())
        .with("columns", list(&query.columns, column))
        .with("filters", Tree::List(Vec::new()))
}

/// Properties as the object of a panel's defaults.
fn defaults(field: &[Property]) -> Object<'_> {
    let mut custom = Object::default();
    let mut object = Object::default();
    for one in field {
        if let Property::Custom(key, value) = one {
            custom = custom.with(key, value);
        } else {
            let (id, value) = property(one);
            object = object.with(id, value);
        }
    }
    object.object("custom", custom)
}

fn override_(one: &Override) -> Object<'_> {
    let (id, options) = match &one.matcher {
        Matcher::Name(name) => ("byName", name),
        Matcher::Regexp(regexp) => ("byRegexp", regexp),
    };
    let matcher = Object::default().with("id", id).with("options", options.as_str());
    let each = |one| {
        let (id, value) = property(one);
        Object::default().with("id", Tree::Str(id)).with("value", value)
    };
    Object::default().with("matcher", matcher).with("properties", list(&one.field, each))
}

/// A property's id and value.
fn property(property: &Property) -> (Cow<'_, str>, Tree<'_>) {
    let (id, value) = match property {
        Property::DisplayName(name) => ("displayName", name.as_str().into()),
        Property::Unit(unit) => ("unit", unit.as_str().into()),
        Property::Decimals(decimals) => ("decimals", (*decimals).into()),
        Property::Min(min) => ("min", (*min).into()),
        Property::Max(max) => ("max", (*max).into()),
        Property::NoValue(text) => ("noValue", text.as_str().into()),
        Property::Color(color) => ("color", self::color(color).into()),
        Property::Thresholds(thresholds) => ("thresholds", self::thresholds(thresholds).into()),
        Property::Mappings(mappings) => ("mappings", self::mappings(mappings)),
        Property::Links(links) => {
            let each = |link| {
                let (title, url, new_tab): &(String, String, bool) = link;
                Object::default().with("title", title.as_str()).with("url", url.as_str()).flag("targetBlank", *new_tab)
            };
            ("links", list(links, each))
        }
        Property::Custom(key, value) => return (format!("custom.{key}").into(), value.into()),
        Property::Other(id, value) => return (id.as_str().into(), value.into()),
    };
    (id.into(), value)
}

fn color(color: &Color) -> Object<'_> {
    Object::default()
        .with("mode", color.mode.as_str())
        .option("fixedColor", color.fixed.as_deref())
        .option("seriesBy", color.by.map(ColorBy::as_str))
}

fn thresholds(thresholds: &Thresholds) -> Object<'_> {
    let step = |step| {
        // The first colour holds from minus infinity on, which JSON writes as `null`.
        let (from, color): &(Option<f64>, String) = step;
        Object::default().with("color", color.as_str()).with("value", or_null(*from))
    };
    Object::default().with("mode", thresholds.mode.as_str()).with("steps", list(&thresholds.steps, step))
}

fn or_null(number: Option<f64>) -> Tree<'static> {
    number.map_or(Tree::Null, Tree::Float)
}

/// Mappings of single values that follow each other are one of Grafana's.
fn mappings(mappings: &[Mapping]) -> Tree<'_> {
    let mut found: Vec<(&str, Object<'_>)> = Vec::new();
    for (index, mapping) in (0_u32..).zip(mappings) {
        let result = Object::default()
            .option("text", mapping.text.as_deref())
            .option("color", mapping.color.as_deref())
            .option("icon", mapping.icon.as_deref())
            .with("index", index);
        let (kind, options) = match &mapping.matches {
            Matches::Value(value) => {
                if let Some(("value", options)) = found.last_mut()
                    && !options.0.iter().any(|(known, _)| known == value)
                {
                    options.0.push((value.into(), result.into()));
                    continue;
                }
                ("value", Object::default().with(value, result))
            }
            Matches::Range(from, to) => {
                let range = Object::default().with("from", or_null(*from)).with("to", or_null(*to));
                ("range", range.with("result", result))
            }
            Matches::Regexp(pattern) => {
                ("regex", Object::default().with("pattern", pattern.as_str()).with("result", result))
            }
            Matches::Special(special) => {
                ("special", Object::default().with("match", special.as_str()).with("result", result))
            }
        };
        found.push((kind, options));
    }
    let each = |(kind, options)| Object::default().with("type", kind).with("options", options).into();
    Tree::List(found.into_iter().map(each).collect())
}

fn legend(legend: &Legend) -> Object<'_> {
    let shown = legend.mode != LegendMode::None;
    let mode = if shown { legend.mode.as_str() } else { LegendMode::List.as_str() };
    let object = Object::default()
        .with("showLegend", shown)
        .with("displayMode", mode)
        .with("placement", legend.placement.as_str())
        .with("calcs", strings(&legend.calcs));
    let object = match &legend.sort {
        Some((by, desc)) => object.with("sortBy", by.as_str()).with("sortDesc", *desc),
        None => object,
    };
    object.option("width", legend.width)
}

fn tooltip(tooltip: &Tooltip) -> Object<'_> {
    let sort = tooltip.sort.map(TooltipSort::as_str);
    Object::default().with("mode", tooltip.mode.as_str()).option("sort", sort)
}

fn reduce(reduce: &Reduce) -> Object<'_> {
    Object::default()
        .with("calcs", strings(&reduce.calcs))
        .with("fields", reduce.fields.as_str())
        .with("values", reduce.values)
        .option("limit", reduce.limit)
}

fn transformation(transformation: &Transformation) -> Object<'_> {
    fn truths(names: &[String]) -> Object<'_> {
        names.iter().fold(Object::default(), |object, name| object.with(name, true))
    }
    fn side((names, pattern): &(Vec<String>, Option<String>)) -> Object<'_> {
        Object::default().list("names", names, String::as_str).option("pattern", pattern.as_deref())
    }
    let (id, options): (&str, Tree<'_>) = match &transformation.step {
        TransformationStep::Organize { exclude, include, rename, order } => {
            let renamed = rename.iter().fold(Object::default(), |object, (old, new)| object.with(old, new.as_str()));
            let ordered =
                (0_u32..).zip(order).fold(Object::default(), |object, (index, name)| object.with(name, index));
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
        TransformationStep::SortBy(field, desc) => {
            let sort = Object::default().with("field", field.as_str()).with("desc", *desc);
            ("sortBy", Object::default().with("sort", Tree::List(vec![sort.into()])).into())
        }
        TransformationStep::FilterFieldsByName { include, exclude } => {
            let options = Object::default().object("include", side(include)).object("exclude", side(exclude));
            ("filterFieldsByName", options.into())
        }
        TransformationStep::Merge => ("merge", Object::default().into()),
        TransformationStep::Other(id, options) => (id, options.into()),
    };
    Object::default().with("id", id).flag("disabled", transformation.disabled).with("options", options)
}
