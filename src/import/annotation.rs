//! `annotations.list`.

use serde_json::{Value, json};

use super::datasource::{Datasources, Reference};
use super::object::Object;
use super::query;
use super::toml::{Item, Table};

/// The order of keys in an annotation.
const ANNOTATION: &[&str] = &["query", "datasource", "color", "enabled", "hidden", "grafana"];

/// An annotation, before it is known whether its datasource has to be named.
pub(super) struct Annotation {
    pub keys: Table,
    datasource: Option<Reference>,
}

impl Annotation {
    pub fn count(&self, datasources: &mut Datasources<'_>) {
        self.datasource.iter().for_each(|reference| datasources.count(reference));
    }

    pub fn finish(mut self, inherited: Option<&str>) -> Table {
        if let Some(uid) = self.datasource.and_then(|reference| reference.uid)
            && Some(uid.as_str()) != inherited
        {
            self.keys.put("datasource", uid);
            self.keys.arrange(ANNOTATION);
        }
        self.keys
    }
}

/// Whether it is the one that Grafana adds to every dashboard, as Grafana adds it.
pub(super) fn is_built_in(object: &Object<'_>) -> bool {
    let is = |key: &str, default: Value| object.map.get(key).is_none_or(|value| *value == default);
    let color = object.map.get("iconColor").and_then(Value::as_str);
    object.map.get("builtIn").is_some_and(|mark| mark.as_i64() == Some(1) || mark.as_bool() == Some(true))
        && is("enable", json!(true))
        && is("hide", json!(true))
        && is("name", json!("Annotations & Alerts"))
        && is("type", json!("dashboard"))
        && matches!(color, None | Some("rgba(0, 211, 255, 1)"))
        && !object.map.contains_key("filter")
}

/// Reads an annotation whose name is taken.
pub(super) fn read(mut object: Object<'_>, datasources: &Datasources<'_>) -> Annotation {
    let mut keys = Table::default();
    let datasource = datasources.take(&mut object).unwrap_or_else(|| datasources.default());
    keys.put_some("color", object.filled("iconColor"));
    keys.put_some("enabled", object.flag("enable").filter(|flag| !flag));
    keys.put_some("hidden", object.flag("hide").filter(|flag| *flag));
    // Older ones have the expression beside the rest, newer ones below `target`.
    let target = object.object("target");
    if !target.map.is_empty() {
        let table = query::read_one(target, Some(datasource.clone()));
        match table.get("expr") {
            Some(expr @ Item::Text(_)) if table.len() == 1 => keys.put("query", expr.clone()),
            _ if table.is_empty() => {}
            _ => keys.put("query", table),
        }
    }
    for key in ["expr", "query"] {
        if object.map.get(key).is_some_and(Value::is_string) && keys.get("query").is_none() {
            keys.put_some("query", object.filled(key));
        }
    }
    object.forget(&["$$hashKey", "name"]);
    let rest = object.rest();
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(ANNOTATION);
    Annotation { keys, datasource: Some(datasource) }
}
