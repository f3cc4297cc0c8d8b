//! `templating.list`.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::datasource::{Datasources, Reference};
use super::note::Kind;
use super::object::{Object, says_nothing};
use super::toml::{Item, Table};
use super::{entries, name_datasource};
use crate::resolve::dashboards::variables::promql_of;
use crate::resolve::dashboards::{is_variable, promql};
use crate::spec::dashboard::{SELECTED, VARIABLE};

/// A variable, before it is known whether its datasource has to be named.
pub(super) struct Variable {
    pub name: String,
    pub keys: Table,
    pub datasource: Option<Reference>,
}

impl Variable {
    pub fn finish(mut self, inherited: Option<&str>) -> (String, Table) {
        name_datasource(&mut self.keys, self.datasource.as_ref(), inherited, &VARIABLE);
        (self.name, self.keys)
    }
}

/// Reads a variable; none if the format can't have it.
pub(super) fn read(mut object: Object<'_>, datasources: &Datasources<'_>) -> Option<Variable> {
    let name = object.filled("name").unwrap_or_default();
    if !is_variable(&name) {
        object.note(Kind::Dropped, "name", "a variable without a valid name");
        return None;
    }
    let kind = object.map.entry("type").or_insert_with(|| json!("query")).as_str().unwrap_or_default().to_owned();
    let is_query = matches!(kind.as_str(), "query" | "adhoc");
    let datasource = is_query.then(|| datasources.take(&mut object).unwrap_or_else(|| datasources.default()));
    // What a query gives and what its datasource is called is found again when the dashboard opens.
    object.forget(&[
        "datasource",
        "definition",
        "id",
        "global",
        "index",
        "state",
        "error",
        "$$hashKey",
        "rootStateKey",
    ]);
    object.forget(&["selected"]);
    object.forget_if("hide", &json!(0));
    object.forget_if("regexApplyTo", &json!("value"));
    let fits = |query: &Value| query.is_string() || (query.is_object() && kind == "query");
    if matches!(kind.as_str(), "query" | "datasource") && object.map.get("query").is_some_and(|query| !fits(query)) {
        object.lose("query", "not of a form that `query` accepts");
    }
    match kind.as_str() {
        "query" => query(&mut object, datasource.as_ref()),
        "textbox" | "constant" => {
            if !object.map.get("current").is_some_and(|current| current.get("value").is_some_and(Value::is_string)) {
                let text = object.take("query").unwrap_or_default();
                object.map.insert("current".to_owned(), json!({ "value": text }));
            }
            object.forget(&["query"]);
        }
        _ => {}
    }
    let values = match kind.as_str() {
        "custom" | "interval" => values(&mut object, &kind),
        _ => None,
    };
    if kind != "query" {
        object.forget(&["refresh", "sort"]);
        if kind != "datasource" {
            object.forget(&["regex"]);
        }
    }
    let json = object.map.get("valuesFormat").and_then(Value::as_str) == Some("json");
    if !json {
        object.forget(&["options", "valuesFormat"]);
    }
    let current = current(&mut object, &kind, datasources);
    let mut keys = entries::read(&mut object, &VARIABLE, &kind);
    keys.get("type")?;
    keys.put_some("values", values);
    let needed = match kind.as_str() {
        "query" | "datasource" => "query",
        "custom" | "interval" => "values",
        _ => "type",
    };
    if keys.get(needed).is_none() {
        object.note(
            Kind::Dropped,
            "",
            format!("a variable of type `{kind}` without a {}", needed.trim_end_matches('s')),
        );
        return None;
    }
    if !matches!(keys.get("auto"), Some(Item::Bool(true))) {
        keys.remove("auto_count");
        keys.remove("auto_min");
    }
    select(&mut keys, &kind, current, &object);
    if let (Some(Item::Text(query)), Some("prometheus")) =
        (keys.get("query"), datasource.as_ref().and_then(|one| one.plugin.as_deref()))
        && let Some(Err(problem)) = promql_of(query).map(promql::check)
    {
        object.note(Kind::Passed, "query", format!("Prometheus refuses the query: {}", problem.message));
        let mut whole = Table::default();
        whole.put("query", query.as_str());
        whole.put("refId", "PrometheusVariableQueryEditor-VariableQuery");
        keys.put("query", whole);
    }
    let rest = entries::rest(&mut object, &VARIABLE);
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(&VARIABLE);
    Some(Variable { name, keys, datasource })
}

/// The query of a datasource that wants a table, if it is nothing but a text.
fn query(object: &mut Object<'_>, datasource: Option<&Reference>) {
    let Some(Value::Object(map)) = object.map.get_mut("query") else { return };
    let prometheus = datasource.and_then(|reference| reference.plugin.as_deref()) == Some("prometheus")
        || map.get("refId").and_then(Value::as_str).is_some_and(|id| id.starts_with("Prometheus"));
    // Types 0 to 3 and 5 are the words that the text begins with; 4, series, is not a text.
    let series = map.get("qryType").and_then(Value::as_i64) == Some(4);
    let more = map.keys().any(|key| !["query", "refId", "qryType"].contains(&key.as_str()));
    match map.get("query") {
        Some(text @ Value::String(_)) if !series && (!more || prometheus) => {
            let text = text.clone();
            object.map.insert("query".to_owned(), text);
        }
        // Other datasources want all of their query.
        _ if prometheus => map.retain(|key, value| key != "refId" && !says_nothing(value)),
        _ => {}
    }
}

/// The texts and values of a list such as `a, b : 1, c\,d`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pieces = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, pieces.last_mut()) {
            ('\\', Some(piece)) if characters.peek() == Some(&',') => {
                piece.push(',');
                characters.next();
            }
            (',', _) => pieces.push(String::new()),
            (c, Some(piece)) => piece.push(c),
            (_, None) => {}
        }
    }
    let pair = |piece: &String| match piece.rsplit_once(" : ") {
        Some((text, value)) => (text.trim().to_owned(), value.trim().to_owned()),
        None => (piece.trim().to_owned(), piece.trim().to_owned()),
    };
    pieces.iter().map(pair).filter(|(text, _)| !text.is_empty()).collect()
}

fn values(object: &mut Object<'_>, kind: &str) -> Option<Item> {
    if object.map.get("valuesFormat").and_then(Value::as_str) == Some("json") {
        object.note(Kind::Dropped, "valuesFormat", "values in JSON: write them as a list or table");
        object.forget(&["valuesFormat"]);
    }
    let mut pairs = object.text("query").map(|text| pairs(&text)).unwrap_or_default();
    if pairs.is_empty() {
        // Generated dashboards may hold the options only.
        for mut option in object.objects("options") {
            if let Some(value) = option.text("value").filter(|value| value != "$__all") {
                pairs.push((option.text("text").unwrap_or_else(|| value.clone()), value));
            }
        }
    }
    if kind == "interval" || pairs.iter().all(|(text, value)| text == value) {
        let values: Vec<String> = pairs.into_iter().map(|(_, value)| value).collect();
        return (!values.is_empty()).then(|| values.into());
    }
    // A table has a key once.
    let mut seen = HashSet::new();
    let mut table = Table::default();
    for (text, value) in pairs {
        if seen.insert(text.clone()) {
            table.push(text, value.into());
        } else {
            object.note(Kind::Dropped, "query", format!("a second value with the text `{text}`"));
        }
    }
    Some(table.into())
}

/// What is selected.
fn current(object: &mut Object<'_>, kind: &str, datasources: &Datasources<'_>) -> Vec<String> {
    let mut current = object.object("current");
    // Its text is found again with the value.
    let text = current.take("text");
    let word = |value: Value| match value {
        Value::String(text) => Some(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        _ => None,
    };
    let mut values: Vec<String> = match current.take("value") {
        Some(Value::Array(items)) => items.into_iter().filter_map(word).collect(),
        value => value.and_then(word).into_iter().collect(),
    };
    values.retain(|value| !value.is_empty());
    if values.is_empty() && text.is_some_and(|text| text == "All") {
        values.push("$__all".to_owned());
    }
    if kind == "datasource" {
        let plugin = object.map.get("query").and_then(Value::as_str).map(ToOwned::to_owned);
        for value in values.iter_mut().filter(|value| !matches!(value.as_str(), "$__all" | "default")) {
            let found = datasources.resolve(object, "current", value.clone(), plugin.clone()).uid;
            *value = found.unwrap_or_else(|| value.clone());
        }
    }
    values
}

fn select(keys: &mut Table, kind: &str, mut current: Vec<String>, object: &Object<'_>) {
    let is = |key: &str| matches!(keys.get(key), Some(Item::Bool(true)));
    let (all, multi) = (is("include_all"), is("multi"));
    if SELECTED.contains(&kind) && !all {
        current.retain(|value| value != "$__all");
        if keys.remove("all_value").is_some() {
            object.note(Kind::Dropped, "allValue", "no effect without `includeAll`");
        }
    }
    let item = match current.as_slice() {
        [] if kind == "constant" => Some(Item::from("")),
        [] => None,
        [one] if !multi || one == "$__all" => Some(one.as_str().into()),
        _ => Some(current.into()),
    };
    keys.remove("current");
    keys.put_some("current", item);
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn values_of_a_custom_variable() {
        let pair = |text: &str, value: &str| (text.to_owned(), value.to_owned());
        assert_eq!(pairs("a, Bee : b,c\\,d,"), [pair("a", "a"), pair("Bee", "b"), pair("c,d", "c,d")]);
        assert_eq!(pairs(""), []);
    }
}
