//! `annotations.list`.

use serde_json::{Map, Value, json};

use super::datasource::{Datasources, Reference};
use super::entries;
use super::object::Object;
use super::toml::Table;
use super::{name_datasource, query};
use crate::model::dashboard::Language;
use crate::spec::dashboard::ANNOTATION;

/// An annotation, before it is known whether its datasource has to be named.
pub(super) struct Annotation {
    pub keys: Table,
    pub datasource: Reference,
}

impl Annotation {
    pub fn finish(mut self, inherited: Option<&str>) -> Table {
        name_datasource(&mut self.keys, Some(&self.datasource), inherited, &ANNOTATION);
        self.keys
    }
}

/// Whether it is the one that Grafana adds to every dashboard, as Grafana adds it.
pub(super) fn is_built_in(object: &Object<'_>) -> bool {
    let is = |key: &str, default: Value| object.map.get(key).is_none_or(|value| *value == default);
    object.map.get("builtIn").is_some_and(|mark| mark.as_i64() == Some(1) || mark.as_bool() == Some(true))
        && is("enable", json!(true))
        && is("hide", json!(true))
        && is("name", json!("Annotations & Alerts"))
        && is("type", json!("dashboard"))
        && is("iconColor", json!("rgba(0, 211, 255, 1)"))
        && !object.map.contains_key("filter")
}

/// Reads an annotation whose name is taken.
pub(super) fn read(mut object: Object<'_>, datasources: &Datasources<'_>) -> Annotation {
    let datasource = datasources.take(&mut object).unwrap_or_else(|| datasources.default());
    object.forget(&["$$hashKey", "name"]);
    let mut keys = entries::read(&mut object, &ANNOTATION, "");
    // Older ones have the expression beside the rest, newer ones below `target`.
    let target = object.object("target");
    if !target.map.is_empty() {
        keys.put_some("query", query::read_one(target, &datasource));
    }
    let language = datasource.plugin.as_deref().map(Language::of);
    let is_text = !matches!(language, Some(Language::CloudWatch | Language::Infinity));
    for key in ["expr", "query"] {
        if is_text && object.map.get(key).is_some_and(Value::is_string) && keys.get("query").is_none() {
            let expr = object.filled(key).map(Value::from);
            let target = expr.map(|expr| Map::from_iter([("expr".to_owned(), expr)])).unwrap_or_default();
            keys.put_some("query", query::read_one(Object { map: target, ..object.clone() }, &datasource));
        }
    }
    let rest = entries::rest(&mut object, &ANNOTATION);
    if !rest.is_empty() {
        keys.put("grafana", rest);
    }
    keys.arrange(&ANNOTATION);
    Annotation { keys, datasource }
}
