//! Queries, in the words that the format has for each datasource.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::datasource::{Datasources, Reference};
use super::note::Kind;
use super::object::{Object, empty};
use super::toml::{Item, Table};
use super::{entries, name_datasource};
use crate::model::dashboard::Language;
use crate::resolve::dashboards::ids::reference;
use crate::resolve::dashboards::promql;
use crate::spec::dashboard::QUERY;
use crate::spec::dashboard::variant::{JSON, LOKI, MATH, METRIC, PROMETHEUS};

/// A query, before it is known whether its datasource has to be named.
#[derive(Debug)]
pub(super) struct Query {
    pub keys: Table,
    pub datasource: Option<Reference>,
}

impl Query {
    /// As short as it can be said: an expression alone is a string.
    pub fn finish(mut self, inherited: Option<&str>) -> Item {
        name_datasource(&mut self.keys, self.datasource.as_ref(), inherited, &QUERY);
        short(self.keys)
    }
}

fn short(keys: Table) -> Item {
    match keys.get("expr") {
        Some(expr @ Item::Text(_)) if keys.len() == 1 => expr.clone(),
        _ => keys.into(),
    }
}

/// Reads the queries of a panel; `inherited` is the panel's datasource, none for a mixed one.
pub(super) fn read_all(
    panel: &mut Object<'_>,
    inherited: Option<&Reference>,
    datasources: &Datasources<'_>,
) -> Vec<Query> {
    let mut queries = Vec::new();
    let mut taken = HashSet::new();
    for mut target in panel.objects("targets") {
        // Before Grafana 8.5 a query could have a datasource that the panel's overruled; it still does.
        let own = datasources.take(&mut target);
        let own = match (own, inherited) {
            (Some(own), Some(inherited))
                if own.uid != inherited.uid && !is_special(&own) && inherited.uid.is_some() =>
            {
                target.note(Kind::Converted, "datasource", "to the panel's, which Grafana uses");
                inherited.clone()
            }
            (Some(own), _) => own,
            (None, Some(inherited)) => inherited.clone(),
            (None, None) => datasources.default(),
        };
        let name = target.filled("refId").filter(|name| taken.insert(name.clone()));
        let mut keys = read_keys(&mut target, &own);
        keys.put_some("ref", name.filter(|name| *name != reference(queries.len())));
        let says = |key: &str| !matches!(key, "ref" | "hide" | "legend");
        if !keys.iter().any(|(key, _)| says(key)) && !is_special(&own) {
            target.note(Kind::Dropped, "", "an empty query");
            continue;
        }
        keys.arrange(&QUERY);
        queries.push(Query { keys, datasource: Some(own) });
    }
    queries
}

/// Expressions stand beside the queries of any datasource.
fn is_special(reference: &Reference) -> bool {
    reference.uid.as_deref() == Some("__expr__")
}

/// The query of an annotation.
pub(super) fn read_one(mut target: Object<'_>, datasource: &Reference) -> Option<Item> {
    // Grafana's own name for the one query there is.
    target.forget(&["refId"]);
    let keys = read_keys(&mut target, datasource);
    (!keys.is_empty()).then(|| short(keys))
}

fn read_keys(target: &mut Object<'_>, datasource: &Reference) -> Table {
    target.forget(&["$$hashKey", "key"]);
    if target.map.get("expr").and_then(Value::as_str).is_some_and(|expr| expr.trim().is_empty()) {
        target.forget(&["expr"]);
    }
    let guessed = guess(&target.map);
    let variant = match datasource.plugin.as_deref().map(Language::of) {
        Some(Language::PromQl) => prometheus(target),
        Some(Language::LogQl) => loki(target),
        Some(Language::CloudWatch) => cloudwatch(target),
        Some(Language::Infinity) => JSON,
        // A plugin that is written likewise.
        Some(Language::Other) if guessed == PROMETHEUS => prometheus(target),
        Some(Language::Other) => "",
        None => match guessed {
            PROMETHEUS => prometheus(target),
            LOKI => loki(target),
            METRIC => cloudwatch(target),
            _ => "",
        },
    };
    let mut keys = entries::read(target, &QUERY, variant);
    match variant {
        PROMETHEUS => {
            if keys.get("format") == Some(&Item::from("time_series")) {
                keys.remove("format");
            }
            // With neither Grafana asks for a range.
            if keys.get("instant").is_none() {
                keys.remove("range");
            }
            if keys.get("expr").is_none() {
                return Table::default();
            }
        }
        LOKI => {
            if keys.get("direction") == Some(&Item::from("backward")) {
                keys.remove("direction");
            }
            if keys.get("expr").is_none() {
                return Table::default();
            }
        }
        METRIC => {
            if keys.get("namespace").is_none() || keys.get("metric").is_none() {
                return Table::default();
            }
            if keys.get("statistic").is_none() {
                target.note(Kind::Assumed, "statistic", "`Average`, as Grafana assumes");
                keys.put("statistic", "Average");
            }
        }
        MATH if keys.get("expr").is_none() => return Table::default(),
        JSON => {
            if keys.get("format") == Some(&Item::from("table")) {
                keys.remove("format");
            }
            if let Some(columns) = target.map.get("columns").and_then(columns) {
                target.forget(&["columns"]);
                if !columns.is_empty() {
                    keys.put("columns", columns);
                }
            }
            target.forget_if("global_query_id", &json!(""));
            if keys.get("url").is_none() && !keys.is_empty() {
                keys.put("url", "");
            }
        }
        _ => {}
    }
    let mut rest = entries::rest(target, &QUERY);
    let is_promql = datasource.plugin.as_deref().is_none_or(|plugin| Language::of(plugin) == Language::PromQl);
    if let Some(Item::Text(expr)) = keys.get("expr").filter(|_| variant == PROMETHEUS && is_promql)
        && let Err(problem) = promql::check(expr)
    {
        target.note(Kind::Passed, "expr", format!("Prometheus refuses the query: {}", problem.message));
        rest.put_some("expr", keys.remove("expr"));
    }
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(&QUERY);
    keys
}

/// What a query of an unknown datasource looks like.
fn guess(map: &Map<String, Value>) -> &'static str {
    let text = |key: &str| map.get(key).is_some_and(Value::is_string);
    if text("expr") {
        if text("queryType") || map.contains_key("maxLines") { LOKI } else { PROMETHEUS }
    } else if text("namespace") && text("metricName") {
        METRIC
    } else {
        ""
    }
}

/// The plugin of a datasource that is unknown otherwise, as the queries of a panel, a query or a variable look like.
pub(super) fn plugin(map: &Map<String, Value>) -> Option<&'static str> {
    /// Of Prometheus' variables.
    const FUNCTIONS: [&str; 4] = ["label_values(", "query_result(", "label_names(", "metrics("];
    let query = map.get("query").and_then(Value::as_str).unwrap_or_default();
    let targets = map.get("targets").and_then(Value::as_array).into_iter().flatten();
    let shapes = targets.filter_map(Value::as_object).chain([map]).map(guess);
    shapes.into_iter().find_map(|shape| match shape {
        PROMETHEUS => Some("prometheus"),
        LOKI => Some("loki"),
        METRIC => Some("cloudwatch"),
        _ => FUNCTIONS.iter().any(|function| query.starts_with(function)).then_some("prometheus"),
    })
}

/// What the query editors remember about themselves, and what has no effect any more.
fn editor_state(target: &mut Object<'_>) {
    target.forget_if("editorMode", &json!("code"));
    target.lose("editorMode", "the query opens in the code editor");
    for (key, default) in [
        ("includeNullMetadata", json!(true)),
        ("intervalFactor", json!(1)),
        ("resolution", json!(1)),
        ("qryType", json!(0)),
        ("disableTextWrap", json!(false)),
        ("fullMetaSearch", json!(false)),
        ("useBackend", json!(false)),
    ] {
        target.forget_if(key, &default);
    }
    for key in ["includeNullMetadata", "disableTextWrap", "fullMetaSearch", "useBackend", "metric", "requestId"] {
        target.lose(key, "the state of an editor, without effect");
    }
}

fn prometheus(target: &mut Object<'_>) -> &'static str {
    editor_state(target);
    target.lose("step", "Grafana computes it from `interval`");
    PROMETHEUS
}

fn loki(target: &mut Object<'_>) -> &'static str {
    editor_state(target);
    let (instant, range) = (target.flag("instant"), target.flag("range"));
    // Before Grafana 8.3 two flags said it. Streaming has no word.
    let kind = target.map.get("queryType").and_then(Value::as_str).unwrap_or_default();
    if kind == "instant" || (kind.is_empty() && instant == Some(true) && range != Some(true)) {
        target.map.insert("queryType".to_owned(), json!(true));
    } else if matches!(kind, "range" | "") {
        target.forget(&["queryType"]);
    } else {
        target.lose("queryType", "only `instant` and `range` are supported");
    }
    LOKI
}

fn cloudwatch(target: &mut Object<'_>) -> &'static str {
    let is = |target: &Object<'_>, key: &str, value: &Value| target.map.get(key).is_none_or(|found| found == value);
    // Logs, Metrics Insights and annotations are passed through as a whole.
    if !is(target, "queryMode", &json!("Metrics")) || !is(target, "metricQueryType", &json!(0)) {
        return "";
    }
    // Without a mode it is the expression that counts, if there is one.
    let filled = |key: &str| target.map.get(key).is_some_and(|value| !empty(value));
    let math = match target.map.get("metricEditorMode") {
        Some(mode) => mode.as_i64() == Some(1),
        None => filled("expression"),
    };
    target.forget(&["metricEditorMode"]);
    for key in ["sqlExpression", "alias"] {
        target.forget_if(key, &json!(""));
    }
    if math {
        for key in ["namespace", "metricName", "statistic", "statistics"] {
            target.lose(key, "no effect beside an expression");
        }
        target.forget(&["dimensions", "matchExact"]);
        return MATH;
    }
    target.lose("expression", "no effect beside a metric");
    // Before Grafana 8.4 one query had several statistics.
    if let Some(Value::Array(list)) = target.take("statistics") {
        if list.len() > 1 {
            target.note(Kind::Dropped, "statistics", "all but the first: write a query for each");
        }
        if let Some(first) = list.into_iter().next() {
            target.map.entry("statistic").or_insert(first);
        }
    }
    METRIC
}

/// Columns by title; none if two have one title or one says more than the format can.
fn columns(value: &Value) -> Option<Table> {
    let mut table = Table::default();
    let mut seen = HashSet::new();
    for column in value.as_array()? {
        let mut column = column.as_object()?.clone();
        let text = |value: Option<Value>| value.map_or(Some(String::new()), |text| text.as_str().map(str::to_owned));
        let title = text(column.shift_remove("text"))?;
        let selector = column.get("selector").and_then(Value::as_str).unwrap_or_default().to_owned();
        let title = if title.is_empty() { selector } else { title };
        let item = entries::strict(crate::spec::grafana::Kind::Table(&crate::spec::dashboard::COLUMN), &column.into())?;
        if title.is_empty() || !seen.insert(title.clone()) {
            return None;
        }
        table.push(title, item);
    }
    Some(table)
}
