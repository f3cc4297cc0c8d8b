//! Queries, in the words that the format has for each datasource.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::datasource::{Datasources, Reference};
use super::note::Kind;
use super::object::{Object, says_nothing};
use super::toml::{Item, Table};

/// The order of keys in a query.
const QUERY: &[&str] = &[
    "expr",
    "namespace",
    "metric",
    "statistic",
    "dimensions",
    "region",
    "period",
    "account",
    "search",
    "url",
    "root",
    "columns",
    "method",
    "parser",
    "legend",
    "format",
    "instant",
    "range",
    "exemplar",
    "interval",
    "max_lines",
    "direction",
    "hide",
    "datasource",
    "ref",
    "grafana",
];

/// A query, before it is known whether its datasource has to be named.
#[derive(Debug)]
pub(super) struct Query {
    pub keys: Table,
    pub datasource: Option<Reference>,
}

impl Query {
    /// As short as it can be said: an expression alone is a string.
    pub fn finish(mut self, inherited: Option<&str>) -> Item {
        if let Some(uid) = self.datasource.and_then(|reference| reference.uid)
            && Some(uid.as_str()) != inherited
        {
            self.keys.put("datasource", uid);
            self.keys.arrange(QUERY);
        }
        match self.keys.get("expr") {
            Some(expr @ Item::Text(_)) if self.keys.len() == 1 => expr.clone(),
            _ => self.keys.into(),
        }
    }
}

/// Reads the queries of a panel; `inherited` is the panel's datasource, none for a mixed one.
pub(super) fn read_all(
    panel: &mut Object<'_>,
    inherited: Option<&Reference>,
    datasources: &Datasources<'_>,
) -> Vec<Query> {
    let targets: Vec<Object<'_>> = panel.objects("targets");
    let mut queries = Vec::with_capacity(targets.len());
    for mut target in targets {
        // Before Grafana 8.5 a query could have a datasource that the panel's overruled; it still does.
        let own = datasources.take(&mut target);
        let own = match (own, inherited) {
            (Some(own), Some(inherited)) if own.uid != inherited.uid && !is_special(&own) => {
                if inherited.uid.is_some() {
                    target.note(Kind::Converted, "datasource", "to the panel's, which Grafana uses");
                    Some(inherited.clone())
                } else {
                    Some(own)
                }
            }
            (Some(own), _) => Some(own),
            (None, Some(inherited)) => Some(inherited.clone()),
            (None, None) => Some(datasources.default()),
        };
        let letter = letter(queries.len());
        let mut query = read(&mut target, own);
        if let Some(reference) = target.filled("refId").filter(|reference| *reference != letter) {
            query.keys.put("ref", reference);
        }
        finish_keys(&mut target, &mut query.keys);
        let empty = query.keys.iter().all(|(key, _)| matches!(key, "ref" | "hide"));
        if empty && !query.datasource.as_ref().is_some_and(is_special) {
            target.note(Kind::Dropped, "", "an empty query");
            continue;
        }
        queries.push(query);
    }
    queries
}

/// Expressions stand beside the queries of any datasource.
fn is_special(reference: &Reference) -> bool {
    reference.uid.as_deref() == Some("__expr__")
}

/// The query of an annotation, or what a variable asks for, where it is a table.
pub(super) fn read_one(mut target: Object<'_>, datasource: Option<Reference>) -> Table {
    let mut query = read(&mut target, datasource);
    // Grafana's own names for the one query there is.
    target.forget(&["refId"]);
    finish_keys(&mut target, &mut query.keys);
    query.keys
}

fn finish_keys(target: &mut Object<'_>, keys: &mut Table) {
    let rest = target.rest();
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(QUERY);
}

fn read(target: &mut Object<'_>, datasource: Option<Reference>) -> Query {
    let mut keys = Table::default();
    if target.flag("hide") == Some(true) {
        keys.put("hide", true);
    }
    target.forget(&["$$hashKey", "key"]);
    let plugin = datasource.as_ref().and_then(|reference| reference.plugin.as_deref());
    let plugin = plugin.or_else(|| guess(&target.map));
    match plugin {
        Some("prometheus") => prometheus(target, &mut keys),
        Some("loki") => loki(target, &mut keys),
        Some("cloudwatch") => cloudwatch(target, &mut keys),
        Some("yesoreyeram-infinity-datasource") => infinity(target, &mut keys),
        _ => {}
    }
    Query { keys, datasource }
}

/// What a query of an unknown datasource looks like.
fn guess(map: &Map<String, Value>) -> Option<&'static str> {
    let text = |key: &str| map.get(key).is_some_and(Value::is_string);
    if text("expr") {
        let loki = text("queryType") || map.contains_key("maxLines");
        Some(if loki { "loki" } else { "prometheus" })
    } else if text("namespace") && text("metricName") {
        Some("cloudwatch")
    } else {
        None
    }
}

fn prometheus(target: &mut Object<'_>, keys: &mut Table) {
    editor_state(target);
    keys.put_some("expr", target.text("expr"));
    keys.put_some("legend", target.filled("legendFormat"));
    keys.put_some("format", target.filled("format").filter(|format| format != "time_series"));
    let (instant, range) = (target.flag("instant"), target.flag("range"));
    match (instant.unwrap_or_default(), range.unwrap_or_default()) {
        (true, true) => {
            keys.put("instant", true);
            keys.put("range", true);
        }
        (true, false) => keys.put("instant", true),
        // With neither Grafana asks for a range.
        (false, _) => {}
    }
    if target.flag("exemplar") == Some(true) {
        keys.put("exemplar", true);
    }
    keys.put_some("interval", target.filled("interval"));
    target.forget_if("intervalFactor", &json!(1));
    target.forget_if("qryType", &json!(0));
    target.lose("step", "computed by Grafana from `interval`");
    target.lose("metric", "an editor's state without effect");
    target.lose("requestId", "an editor's state without effect");
}

/// What the query editors remember about themselves.
fn editor_state(target: &mut Object<'_>) {
    target.forget_if("editorMode", &json!("code"));
    target.lose("editorMode", "the query opens in the code editor");
    for (key, default) in [
        ("disableTextWrap", json!(false)),
        ("fullMetaSearch", json!(false)),
        ("includeNullMetadata", json!(true)),
        ("useBackend", json!(false)),
    ] {
        target.forget_if(key, &default);
        target.lose(key, "an editor's state without effect");
    }
}

fn loki(target: &mut Object<'_>, keys: &mut Table) {
    editor_state(target);
    keys.put_some("expr", target.text("expr"));
    keys.put_some("legend", target.filled("legendFormat"));
    let (instant, range) = (target.flag("instant"), target.flag("range"));
    match target.map.get("queryType").and_then(Value::as_str) {
        Some("instant") => keys.put("instant", true),
        // Before Grafana 8.3 two flags said it.
        None | Some("") if instant == Some(true) && range != Some(true) => keys.put("instant", true),
        None | Some("range" | "") => {}
        // Streaming has no word.
        Some(_) => return rest_of_loki(target, keys),
    }
    target.forget(&["queryType"]);
    rest_of_loki(target, keys);
}

fn rest_of_loki(target: &mut Object<'_>, keys: &mut Table) {
    keys.put_some("interval", target.filled("step"));
    keys.put_some("max_lines", target.integer("maxLines"));
    keys.put_some("direction", target.filled("direction").filter(|direction| direction != "backward"));
    target.forget_if("resolution", &json!(1));
}

fn cloudwatch(target: &mut Object<'_>, keys: &mut Table) {
    let is = |target: &Object<'_>, key: &str, value: &Value| target.map.get(key).is_none_or(|found| found == value);
    // Logs, Metrics Insights and annotations are passed through as a whole.
    if !is(target, "queryMode", &json!("Metrics")) || !is(target, "metricQueryType", &json!(0)) {
        return;
    }
    target.forget(&["queryMode", "metricQueryType"]);
    for key in ["sqlExpression", "id", "alias", "expression"] {
        if target.map.get(key).is_some_and(says_nothing) {
            target.map.shift_remove(key);
        }
    }
    keys.put_some("legend", target.filled("label"));
    // Without a mode it is the expression that counts, if there is one.
    let code = match target.map.get("metricEditorMode") {
        Some(mode) => mode.as_i64() == Some(1),
        None => target.map.contains_key("expression"),
    };
    target.forget(&["metricEditorMode"]);
    if code {
        keys.put_some("expr", target.filled("expression"));
        for key in ["namespace", "metricName", "statistic", "statistics"] {
            target.lose(key, "without effect beside an expression");
        }
        target.forget(&["dimensions", "matchExact"]);
    } else {
        target.lose("expression", "without effect beside a metric");
    }
    // Before Grafana 8.4 one query had several statistics.
    if let Some(first) = target.map.get("statistics").and_then(|list| list.get(0)).and_then(Value::as_str) {
        let first = first.to_owned();
        if target.map.get("statistics").and_then(Value::as_array).is_some_and(|list| list.len() > 1) {
            target.note(Kind::Dropped, "statistics", "all but the first: write a query for each");
        }
        target.map.shift_remove("statistics");
        target.map.entry("statistic").or_insert(first.into());
    }
    keys.put_some("namespace", target.filled("namespace"));
    keys.put_some("metric", target.filled("metricName"));
    keys.put_some("statistic", target.filled("statistic"));
    let dimensions = target.object("dimensions").own();
    if !dimensions.is_empty() {
        keys.put("dimensions", dimensions);
    }
    keys.put_some("region", target.filled("region").filter(|region| region != "default"));
    keys.put_some("period", target.filled("period"));
    keys.put_some("account", target.filled("accountId"));
    if target.flag("matchExact") == Some(false) {
        keys.put("search", true);
    }
}

fn infinity(target: &mut Object<'_>, keys: &mut Table) {
    target.forget_if("type", &json!("json"));
    target.forget_if("source", &json!("url"));
    target.forget_if("global_query_id", &json!(""));
    target.forget_if("format", &json!("table"));
    keys.put_some("url", target.filled("url"));
    keys.put_some("root", target.filled("root_selector"));
    keys.put_some("format", target.filled("format"));
    keys.put_some("parser", target.filled("parser"));
    let mut options = target.object("url_options");
    options.forget_if("method", &json!("GET"));
    options.forget_if("data", &json!(""));
    keys.put_some("method", options.filled("method"));
    options.map.retain(|_, value| !says_nothing(value));
    if !options.map.is_empty() {
        target.map.insert("url_options".to_owned(), Value::Object(options.map));
    }
    if let Some(columns) = target.map.get("columns").and_then(columns) {
        target.map.shift_remove("columns");
        if !columns.is_empty() {
            keys.put("columns", columns);
        }
    }
}

/// Columns by title; none if two have one title or one says more than the format can.
fn columns(value: &Value) -> Option<Table> {
    let mut table = Table::default();
    let mut seen = HashSet::new();
    for column in value.as_array()? {
        let column = column.as_object()?;
        if column
            .iter()
            .any(|(key, value)| !matches!(key.as_str(), "selector" | "text" | "type") && !says_nothing(value))
        {
            return None;
        }
        let text = |key: &str| column.get(key).map_or(Some(""), Value::as_str);
        let (selector, title, kind) = (text("selector")?, text("text")?, text("type")?);
        let title = if title.is_empty() { selector } else { title };
        if title.is_empty() || !seen.insert(title) {
            return None;
        }
        let item = match kind {
            "" | "string" => Item::from(selector),
            kind => {
                let mut column = Table::default();
                column.put("selector", selector);
                column.put("type", kind);
                column.into()
            }
        };
        table.push(title.to_owned(), item);
    }
    Some(table)
}

/// The id that Grafana gives to the query at an index: A to Z, then AA and so on.
fn letter(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + u8::try_from(index % 26).unwrap_or_default()));
        match (index / 26).checked_sub(1) {
            Some(next) => index = next,
            None => break,
        }
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 25, 26, 27, 701, 702].map(letter), ["A", "Z", "AA", "AB", "ZZ", "AAA"]);
    }
}
