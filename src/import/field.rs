//! Field configuration: the standard options of a panel's fields, and the overrides of some of them.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::defaults;
use super::fit;
use super::note::Kind;
use super::object::{Object, amount, equal, says_nothing};
use super::toml::{Item, Table};
use crate::resolve::options::Area;

/// The order of keys in an override.
const OVERRIDE: &[&str] = &[
    "name",
    "regexp",
    "unit",
    "decimals",
    "min",
    "max",
    "no_value",
    "display_name",
    "thresholds",
    "mappings",
    "color",
    "data_links",
    "custom",
    "grafana",
];

/// Reads `fieldConfig` into a panel's keys; gives what is passed through.
pub(super) fn read(object: &mut Object<'_>, kind: &str, keys: &mut Table) -> Table {
    let mut passed = Table::default();
    let mut fields = object.object("defaults");
    keys.put_some("unit", fields.filled("unit"));
    for (id, key) in [("decimals", "decimals"), ("min", "min"), ("max", "max")] {
        keys.put_some(key, fields.amount(id));
    }
    keys.put_some("no_value", fields.filled("noValue"));
    keys.put_some("display_name", fields.filled("displayName"));
    defaults::forget_field(kind, &mut fields);
    for (id, key) in
        [("thresholds", "thresholds"), ("mappings", "mappings"), ("color", "color"), ("links", "data_links")]
    {
        let Some(value) = fields.map.get(id) else { continue };
        if says_nothing(value) {
            fields.map.shift_remove(id);
        } else if let Some(item) = standard(id, value) {
            fields.map.shift_remove(id);
            keys.put(key, item);
        } else if !value.is_object() && !value.is_array() {
            fields.lose(id, "not of a form that Grafana knows");
        }
    }
    let mut custom = fields.object("custom");
    defaults::forget_custom(kind, &mut custom);
    let (own, unknown) = fit::split(kind, Area::Custom, custom.own());
    if !own.is_empty() {
        keys.put("custom", own);
    }
    for (key, _) in unknown.iter() {
        custom.note(
            Kind::Passed,
            key,
            "as one of `grafana.fieldConfig.defaults.custom`: Grafana's types don't have it",
        );
    }
    let mut rest = fields.rest_below("fieldConfig.defaults");
    if !unknown.is_empty() {
        rest.put("custom", unknown);
    }
    if !rest.is_empty() {
        passed.put("defaults", rest);
    }
    let (overrides, others) = overrides(object, kind);
    if !overrides.is_empty() {
        keys.put("overrides", overrides);
    }
    if !others.is_empty() {
        passed.put("overrides", Item::List(others));
    }
    for (key, item) in object.rest_below("fieldConfig") {
        passed.push(key, item);
    }
    passed
}

/// The overrides that the format has words for, and the others, which are appended to them.
fn overrides(object: &mut Object<'_>, kind: &str) -> (Vec<Table>, Vec<Item>) {
    let mut read = Vec::new();
    let mut others = Vec::new();
    // An override beats those before it: one that sets what a passed one sets has to stay behind it.
    let mut set_by_others: HashSet<String> = HashSet::new();
    for rule in object.objects("overrides") {
        let properties = rule.map.get("properties").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let ids: Vec<&str> = properties.iter().filter_map(|property| property.get("id")?.as_str()).collect();
        let behind = ids.iter().any(|id| set_by_others.contains(*id));
        match one_override(&rule.map, kind).filter(|_| !behind) {
            Some(table) if table.len() > 1 => read.push(table),
            Some(_) => rule.note(Kind::Dropped, "", "an override without properties"),
            None => {
                set_by_others.extend(ids.iter().map(|id| (*id).to_owned()));
                rule.note(Kind::Passed, "", "as one of `grafana.fieldConfig.overrides`");
                others.extend(rule.item(Value::Object(rule.map.clone()), &rule.path));
            }
        }
    }
    (read, others)
}

fn one_override(rule: &Map<String, Value>, kind: &str) -> Option<Table> {
    // Keys such as `__systemRef`, the mark of a series that was hidden by a click.
    if rule.iter().any(|(key, value)| key != "matcher" && key != "properties" && !says_nothing(value)) {
        return None;
    }
    let matcher = rule.get("matcher")?.as_object()?;
    let options = matcher.get("options")?.as_str()?;
    if matcher.keys().any(|key| key != "id" && key != "options") {
        return None;
    }
    let mut table = Table::default();
    match matcher.get("id")?.as_str()? {
        "byName" => table.put("name", options),
        "byRegexp" => table.put("regexp", options),
        _ => return None,
    }
    let (mut custom, mut others) = (Table::default(), Table::default());
    let mut seen = HashSet::new();
    for property in rule.get("properties").unwrap_or(&Value::Null).as_array().into_iter().flatten() {
        let id = property.get("id")?.as_str()?;
        let value = property.get("value").filter(|value| !value.is_null())?;
        if property.as_object()?.len() > 2 {
            return None;
        }
        let (target, key, item) = match id {
            "unit" => (&mut table, id, Some(value.as_str()?.into())),
            "noValue" => (&mut table, "no_value", Some(value.as_str()?.into())),
            "displayName" => (&mut table, "display_name", Some(value.as_str()?.into())),
            "decimals" | "min" | "max" => (&mut table, id, value.as_number().and_then(amount)),
            "thresholds" | "mappings" | "color" => (&mut table, id, standard(id, value)),
            "links" => (&mut table, "data_links", standard(id, value)),
            _ => match id.strip_prefix("custom.") {
                Some(key) if !key.is_empty() && !key.contains('.') => (&mut custom, key, plain(value)),
                _ => (&mut others, id, plain(value)),
            },
        };
        // Of two values for one property the last counts, but that isn't for the format to say.
        if !seen.insert(id) {
            return None;
        }
        target.push(key.to_owned(), item?);
    }
    let (custom, unknown) = fit::split(kind, Area::Custom, custom);
    for (key, item) in unknown.into_entries() {
        others.push(format!("custom.{key}"), item);
    }
    if !custom.is_empty() {
        table.put("custom", custom);
    }
    if !others.is_empty() {
        table.put("grafana", others);
    }
    table.arrange(OVERRIDE);
    Some(table)
}

/// A value that TOML can say without losing anything.
fn plain(value: &Value) -> Option<Item> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(number) => amount(number),
        Value::String(text) => Some(text.as_str().into()),
        Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>().map(Item::List),
        Value::Object(map) => {
            let mut table = Table::default();
            for (key, value) in map {
                if !value.is_null() {
                    table.push(key.clone(), plain(value)?);
                }
            }
            Some(table.into())
        }
    }
}

/// A standard option in the format's words; none if it has no words for it.
fn standard(id: &str, value: &Value) -> Option<Item> {
    match id {
        "thresholds" => thresholds(value),
        "mappings" => mappings(value),
        "color" => color(value),
        "links" => data_links(value),
        _ => None,
    }
}

fn only(map: &Map<String, Value>, keys: &[&str]) -> bool {
    map.iter().all(|(key, value)| keys.contains(&key.as_str()) || value.is_null())
}

fn thresholds(value: &Value) -> Option<Item> {
    let map = value.as_object()?;
    if !only(map, &["mode", "steps"]) {
        return None;
    }
    let mut steps: Vec<Item> = Vec::new();
    for step in map.get("steps")?.as_array()? {
        let step = step.as_object()?;
        // `index` and `state` are left-overs of older editors, which Grafana ignores.
        if !only(step, &["value", "color", "index", "state"]) {
            return None;
        }
        let color = step.get("color")?.as_str()?;
        if steps.is_empty() {
            // Whatever the first step says, Grafana lets it begin below every value.
            steps.push(color.into());
        } else {
            let mut table = Table::default();
            table.put("from", amount(step.get("value")?.as_number()?)?);
            table.put("color", color);
            steps.push(table.into());
        }
    }
    if steps.is_empty() {
        return None;
    }
    match map.get("mode").and_then(Value::as_str) {
        None | Some("absolute") => Some(Item::List(steps)),
        Some(mode @ "percentage") => {
            let mut table = Table::default();
            table.put("mode", mode);
            table.put("steps", Item::List(steps));
            Some(table.into())
        }
        Some(_) => None,
    }
}

fn mappings(value: &Value) -> Option<Item> {
    let mut mappings = Vec::new();
    for mapping in value.as_array()? {
        let mapping = mapping.as_object()?;
        if !only(mapping, &["type", "options"]) {
            return None;
        }
        let options = mapping.get("options")?.as_object()?;
        match mapping.get("type")?.as_str()? {
            "value" => {
                let mut entries: Vec<(f64, Table)> = Vec::new();
                for (text, result) in options {
                    let mut table = Table::default();
                    table.put("value", text.as_str());
                    results(&mut table, result)?;
                    entries.push((result.get("index").and_then(Value::as_f64).unwrap_or_default(), table));
                }
                entries.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                mappings.extend(entries.into_iter().map(|(_, table)| Item::from(table)));
            }
            kind @ ("range" | "regex" | "special") => {
                let mut table = Table::default();
                let known: &[&str] = match kind {
                    "range" => {
                        for key in ["from", "to"] {
                            match options.get(key) {
                                None | Some(Value::Null) => {}
                                Some(value) => table.put(key, amount(value.as_number()?)?),
                            }
                        }
                        &["from", "to", "result"]
                    }
                    "regex" => {
                        table.put("regexp", options.get("pattern")?.as_str()?);
                        &["pattern", "result"]
                    }
                    _ => {
                        let word = options.get("match")?.as_str()?;
                        if !["null", "nan", "null+nan", "true", "false", "empty"].contains(&word) {
                            return None;
                        }
                        table.put("special", word);
                        &["match", "result"]
                    }
                };
                // A range without bounds would be no range in the format.
                if table.is_empty() || !only(options, known) {
                    return None;
                }
                results(&mut table, options.get("result")?)?;
                mappings.push(table.into());
            }
            _ => return None,
        }
    }
    Some(Item::List(mappings))
}

fn results(table: &mut Table, result: &Value) -> Option<()> {
    let result = result.as_object()?;
    if !only(result, &["text", "color", "icon", "index"]) {
        return None;
    }
    for key in ["text", "color", "icon"] {
        match result.get(key) {
            None | Some(Value::Null) => {}
            Some(value) => table.put(key, value.as_str()?),
        }
    }
    Some(())
}

fn color(value: &Value) -> Option<Item> {
    let map = value.as_object()?;
    if !only(map, &["mode", "fixedColor", "seriesBy"]) {
        return None;
    }
    let text = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(|text| Some(text).filter(|text| !text.is_empty())),
    };
    let (mode, fixed, by) = (text("mode")?, text("fixedColor")?, text("seriesBy")?);
    match (mode, fixed, by) {
        // A fixed colour with the name of a mode would be read as the mode.
        (Some("fixed"), Some(fixed), None) if !is_mode(fixed) => Some(fixed.into()),
        (Some(mode), None, None) if is_mode(mode) => Some(mode.into()),
        (Some(mode), fixed, by) => {
            let mut table = Table::default();
            table.put("mode", mode);
            table.put_some("fixed", fixed);
            table.put_some("by", by);
            Some(table.into())
        }
        (None, ..) => None,
    }
}

/// Whether a word of the key `color` is a mode and no colour.
fn is_mode(word: &str) -> bool {
    matches!(word, "thresholds" | "shades") || word.starts_with("palette-") || word.starts_with("continuous-")
}

fn data_links(value: &Value) -> Option<Item> {
    let mut links = Vec::new();
    for link in value.as_array()? {
        let link = link.as_object()?;
        let known = |key: &str, value: &Value| {
            matches!(key, "title" | "url" | "targetBlank") || value.is_null() || equal(value, &json!(false))
        };
        if !link.iter().all(|(key, value)| known(key, value)) {
            return None;
        }
        let mut table = Table::default();
        table.put("title", link.get("title").map_or(Some(""), Value::as_str)?);
        table.put("url", link.get("url")?.as_str()?);
        match link.get("targetBlank") {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) => table.put("new_tab", true),
            Some(_) => return None,
        }
        links.push(table);
    }
    Some(links.into())
}
