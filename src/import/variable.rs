//! `templating.list`.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::datasource::{Datasources, Reference};
use super::note::Kind;
use super::object::{Object, described, says_nothing};
use super::toml::{Item, Table};

/// The order of keys in a variable.
const VARIABLE: &[&str] = &[
    "type",
    "label",
    "description",
    "hide",
    "datasource",
    "query",
    "values",
    "regex",
    "sort",
    "refresh",
    "multi",
    "include_all",
    "all_value",
    "current",
    "skip_url_sync",
    "allow_custom_value",
    "auto",
    "auto_count",
    "auto_min",
    "grafana",
];

const TYPES: &[&str] = &["query", "datasource", "custom", "textbox", "interval", "adhoc", "constant"];

/// Grafana's numbers for orders, from 1.
const SORTS: &[&str] = &[
    "alphabetical",
    "alphabetical-desc",
    "numerical",
    "numerical-desc",
    "alphabetical-ignore-case",
    "alphabetical-ignore-case-desc",
    "natural",
    "natural-desc",
];

/// A variable, before it is known whether its datasource has to be named.
pub(super) struct Variable {
    pub name: String,
    pub keys: Table,
    pub datasource: Option<Reference>,
}

impl Variable {
    pub fn finish(mut self, inherited: Option<&str>) -> (String, Table) {
        if let Some(uid) = self.datasource.and_then(|reference| reference.uid)
            && Some(uid.as_str()) != inherited
        {
            self.keys.put("datasource", uid);
            self.keys.arrange(VARIABLE);
        }
        (self.name, self.keys)
    }
}

/// Reads a variable; none if the format has no such type.
pub(super) fn read(mut object: Object<'_>, datasources: &Datasources<'_>) -> Option<Variable> {
    let Some(name) = object.filled("name") else {
        object.note(Kind::Dropped, "", "a variable without a name");
        return None;
    };
    let kind = object.filled("type").unwrap_or_else(|| "query".to_owned());
    if !TYPES.contains(&kind.as_str()) {
        object.note(Kind::Dropped, "type", format!("there are no variables of type `{kind}` in a spec"));
        return None;
    }
    let mut keys = Table::default();
    keys.put("type", kind.as_str());
    keys.put_some("label", object.filled("label"));
    keys.put_some("description", object.filled("description"));
    match object.map.get("hide").and_then(Value::as_i64) {
        Some(1) => keys.put("hide", "label"),
        Some(2) => keys.put("hide", "variable"),
        _ => {}
    }
    if object.map.get("hide").is_none_or(|hide| matches!(hide.as_i64(), Some(0..=2))) {
        object.forget(&["hide"]);
    }
    for (flag, key, default) in [
        ("multi", "multi", false),
        ("includeAll", "include_all", false),
        ("skipUrlSync", "skip_url_sync", false),
        ("allowCustomValue", "allow_custom_value", true),
    ] {
        keys.put_some(key, object.flag(flag).filter(|flag| *flag != default));
    }
    keys.put_some("all_value", object.filled("allValue"));
    let mut datasource = None;
    if matches!(kind.as_str(), "query" | "adhoc") {
        datasource = Some(datasources.take(&mut object).unwrap_or_else(|| datasources.default()));
    } else {
        object.forget(&["datasource"]);
    }
    // What a query gives and what it is called is found again when the dashboard opens.
    object.forget(&["definition", "id", "global", "index", "state", "error", "$$hashKey", "rootStateKey", "selected"]);
    ended(&mut object);
    match kind.as_str() {
        "query" => query_variable(&mut object, &mut keys, datasource.as_ref()),
        "datasource" => {
            keys.put_some("query", object.filled("query"));
            keys.put_some("regex", object.filled("regex"));
            object.forget(&["options", "refresh", "sort"]);
        }
        "custom" => custom(&mut object, &mut keys),
        "interval" => interval(&mut object, &mut keys),
        "textbox" | "constant" => {
            if !object.map.get("current").is_some_and(|current| current.get("value").is_some_and(Value::is_string)) {
                object.forget(&["current"]);
                keys.put_some("current", object.text("query").filter(|text| !text.is_empty()));
            }
            object.forget(&["query", "options", "regex", "sort", "refresh"]);
        }
        _ => object.forget(&["options", "refresh", "regex", "sort", "query"]),
    }
    current(&mut object, &mut keys, &kind, datasources);
    let rest = object.rest();
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(VARIABLE);
    Some(Variable { name, keys, datasource })
}

/// Keys of variables that Grafana has given up.
fn ended(object: &mut Object<'_>) {
    object.forget_if("useTags", &json!(false));
    for key in ["tags", "tagsQuery", "tagValuesQuery", "useTags"] {
        object.lose(key, "Grafana 8 ended tags of variables");
    }
    object.lose("allFormat", "Grafana 2 ended it: write `${name:format}` where the variable is used");
    object.lose("multiFormat", "Grafana 2 ended it: write `${name:format}` where the variable is used");
    for key in ["includeAllOption", "hideLabel", "hideVariable", "refresh_on_load"] {
        object.lose(key, "an older Grafana's, without effect");
    }
}

fn query_variable(object: &mut Object<'_>, keys: &mut Table, datasource: Option<&Reference>) {
    match object.take("query") {
        Some(Value::String(text)) if text.is_empty() => {}
        Some(Value::String(text)) => keys.put("query", text),
        Some(Value::Object(map)) => {
            let path = object.path_of("query");
            let prometheus = datasource.and_then(|reference| reference.plugin.as_deref()) == Some("prometheus")
                || map.get("refId").and_then(Value::as_str).is_some_and(|id| id.starts_with("Prometheus"));
            // Types 0 to 3 and 5 are the words that the text begins with; 4, series, is no text.
            let series = map.get("qryType").and_then(Value::as_i64) == Some(4);
            let words = map.get("query").and_then(Value::as_str);
            let more = map.keys().any(|key| !["query", "refId", "qryType"].contains(&key.as_str()));
            match words {
                Some(words) if !series && (!more || prometheus) => keys.put("query", words),
                _ => {
                    if let Some(mut table) = object.child(Value::Object(map), path) {
                        // Other datasources want all of their query.
                        if prometheus {
                            table.forget(&["refId"]);
                            table.map.retain(|_, value| !says_nothing(value));
                        }
                        keys.put("query", table.own());
                    }
                }
            }
        }
        Some(other) => object.note(Kind::Dropped, "query", format!("expected a query, found {}", described(&other))),
        None => {}
    }
    keys.put_some("regex", object.filled("regex"));
    object.forget_if("regexApplyTo", &json!("value"));
    match object.map.get("sort").and_then(Value::as_i64) {
        Some(0) => object.forget(&["sort"]),
        Some(number) => {
            let word =
                number.checked_sub(1).and_then(|index| usize::try_from(index).ok()).and_then(|index| SORTS.get(index));
            if let Some(word) = word {
                keys.put("sort", *word);
                object.forget(&["sort"]);
            }
        }
        None => object.lose("sort", "expected a number"),
    }
    match object.map.get("refresh").and_then(Value::as_i64) {
        Some(0) => keys.put("refresh", "never"),
        Some(2) => keys.put("refresh", "time-range"),
        // Loading is what is meant if nothing is said.
        _ => {}
    }
    if object.map.get("refresh").is_none_or(|refresh| matches!(refresh.as_i64(), Some(0..=2))) {
        object.forget(&["refresh"]);
    } else {
        object.lose("refresh", "expected 0, 1 or 2");
    }
    // With `never` the options are the values; but a query is asked anyway as soon as there are none.
    object.forget(&["options"]);
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

fn values(object: &Object<'_>, mut pairs: Vec<(String, String)>) -> Item {
    // A table has a key once.
    let mut seen = HashSet::new();
    if pairs.iter().any(|(text, value)| text != value) {
        pairs.retain(|(text, _)| {
            let new = seen.insert(text.clone());
            if !new {
                object.note(Kind::Dropped, "query", format!("a second value with the text `{text}`"));
            }
            new
        });
    }
    if pairs.iter().all(|(text, value)| text == value) {
        return pairs.into_iter().map(|(_, value)| value).collect::<Vec<_>>().into();
    }
    let mut table = Table::default();
    for (text, value) in pairs {
        table.push(text, value.into());
    }
    table.into()
}

fn custom(object: &mut Object<'_>, keys: &mut Table) {
    if object.map.get("valuesFormat").and_then(Value::as_str) == Some("json") {
        // The query is a JSON text then.
        object.forget(&["options", "refresh", "regex", "sort"]);
        return;
    }
    object.forget(&["valuesFormat"]);
    let mut read = object.text("query").map(|text| pairs(&text)).unwrap_or_default();
    if read.is_empty() {
        // Generated dashboards may hold the options only.
        for mut option in object.objects("options") {
            let value = option.text("value").filter(|value| value != "$__all");
            if let Some(value) = value {
                read.push((option.text("text").unwrap_or_else(|| value.clone()), value));
            }
        }
    }
    if !read.is_empty() {
        keys.put("values", values(object, read));
    }
    object.forget(&["options", "refresh", "regex", "sort"]);
}

fn interval(object: &mut Object<'_>, keys: &mut Table) {
    let read = object.text("query").map(|text| pairs(&text)).unwrap_or_default();
    if !read.is_empty() {
        keys.put("values", read.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
    }
    let auto = object.flag("auto").unwrap_or_default();
    if auto {
        keys.put("auto", true);
        keys.put_some("auto_count", object.integer("auto_count").filter(|count| *count != 30));
        keys.put_some("auto_min", object.filled("auto_min").filter(|least| least != "10s"));
    }
    object.forget(&["auto_count", "auto_min", "options", "refresh", "regex", "sort"]);
}

fn current(object: &mut Object<'_>, keys: &mut Table, kind: &str, datasources: &Datasources<'_>) {
    let mut current = object.object("current");
    // Its text is found again with the value; so is what is selected.
    let text = current.take("text");
    current.forget(&["selected", "isNone", "tags", "$$hashKey"]);
    let word = |value: Value| match value {
        Value::String(text) => Some(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
        _ => None,
    };
    let mut value = match current.take("value") {
        Some(Value::Array(items)) => items.into_iter().filter_map(word).collect(),
        Some(value) => word(value).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    value.retain(|value| !value.is_empty());
    if value.is_empty() && text.as_ref().is_some_and(|text| text == "All") && !keys_lack_all(keys) {
        value.push("$__all".to_owned());
    }
    if kind == "datasource" {
        let plugin =
            keys.get("query").and_then(|query| if let Item::Text(text) = query { Some(text.clone()) } else { None });
        for value in &mut value {
            if value != "$__all" && value != "default" {
                let uid = datasources.resolve(object, "current", value.clone(), plugin.clone()).uid;
                *value = uid.unwrap_or_else(|| value.clone());
            }
        }
    }
    let item = match value.as_slice() {
        [] => None,
        [all] if all == "$__all" => Some(Item::from("$__all")),
        [one] if !matches!(keys.get("multi"), Some(Item::Bool(true))) => Some(one.as_str().into()),
        _ => Some(value.into()),
    };
    keys.put_some("current", item);
    current.map.retain(|_, value| !says_nothing(value));
    if !current.map.is_empty() {
        object.map.insert("current".to_owned(), Value::Object(current.map));
    }
}

fn keys_lack_all(keys: &Table) -> bool {
    keys.get("include_all").is_none()
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
