//! Objects of Grafana's JSON to tables of the spec, by the entries of their descriptions: the way back of
//! `resolve/dashboards/object.rs`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::note::{Kind as Noted, Notes};
use super::object::{Object, amount, described, empty, equal, join, plain, says_nothing};
use super::toml::{Item, Table};
use crate::resolve::dashboards::object::Accepted;
use crate::resolve::dashboards::{is_valid, options};
use crate::spec::grafana::{self, Key, Kind, Logic};

/// Takes what a table has entries for; what an entry can't say stays where Grafana accepts it below `grafana`, and is
/// dropped with a note elsewhere.
pub(super) fn read(object: &mut Object<'_>, table: &'static grafana::Table, variant: &str) -> Table {
    let mut keys = Table::default();
    for (prefix, key) in table.keys() {
        if let Some(path) = key.place(variant)
            && fits_panel(key, path, variant)
        {
            at(object, &grafana::join(prefix, path), &mut |object, leaf| entry(object, leaf, key, &mut keys));
        }
    }
    keys
}

/// Whether a panel's type has what a key is about.
fn fits_panel(key: &Key, path: &str, kind: &str) -> bool {
    match (path.strip_prefix("options."), key.kind) {
        (Some(path), Kind::Table(table)) => {
            let short = table.short.and_then(|word| table.key(word)?.place(""));
            short.is_some_and(|short| options::has(kind, &format!("{path}.{short}")))
        }
        _ => true,
    }
}

/// Looks at the object that holds a path, and puts back what is left of it.
fn at<'a>(object: &mut Object<'a>, path: &str, look: &mut dyn FnMut(&mut Object<'a>, &str)) {
    match path.split_once('.') {
        None => look(object, path),
        Some((first, rest)) if object.map.get(first).is_some_and(Value::is_object) => {
            let mut inner = object.object(first);
            at(&mut inner, rest, look);
            object.put_back(first, inner);
        }
        Some(_) => {}
    }
}

fn entry(object: &mut Object<'_>, leaf: &str, key: &Key, keys: &mut Table) {
    let Some(value) = object.map.get(leaf) else { return };
    let default = key.default_json();
    match key.kind {
        Kind::Name | Kind::Datasource | Kind::Map(Kind::Table(_)) => return,
        Kind::List(Kind::Table(table)) if table.logic == Logic::Override => return,
        _ => {}
    }
    if value.is_null() || default.as_ref().is_some_and(|default| equal(value, default)) {
        // Grafana's options are all that its types know.
        if !matches!(key.kind, Kind::Object) {
            object.forget(&[leaf]);
        }
    } else if matches!(key.kind, Kind::Fixed | Kind::Object) {
        // These need more than the entry.
    } else if key.open {
        if says_nothing(value) {
            object.forget(&[leaf]);
        } else if let Some(item) = strict(key.kind, value) {
            object.forget(&[leaf]);
            keys.put(key.word, item);
        } else if !value.is_object() && !value.is_array() {
            object.lose(leaf, "not of a form that Grafana knows");
        }
    } else {
        keys.put_some(key.word, item(object, leaf, key.kind));
    }
}

/// A value, if the type says all of it.
pub(super) fn strict(kind: Kind, value: &Value) -> Option<Item> {
    let notes = Notes::default();
    let mut object = Object::new(Map::from_iter([(String::new(), value.clone())]), "", "", &notes);
    let item = item(&mut object, "", kind)?;
    (notes.is_empty() && object.map.values().all(empty)).then_some(item)
}

/// Takes a value of a type, or drops it with a note.
fn item(object: &mut Object<'_>, leaf: &str, kind: Kind) -> Option<Item> {
    match kind {
        Kind::Flag => object.flag(leaf).map(Item::Bool),
        Kind::Inverted => object.flag(leaf).map(|flag| Item::Bool(!flag)),
        Kind::Number => object.number(leaf).and_then(|number| amount(&number)),
        Kind::Count => {
            let count = object.integer(leaf)?;
            if u32::try_from(count).is_err() {
                object.note(Noted::Dropped, leaf, format!("{count} is out of range"));
                return None;
            }
            Some(Item::Int(count))
        }
        Kind::Choice(choice) => {
            let value = object.take(leaf)?;
            let found = choice.words.iter().find(|(word, _, json)| equal(&json.json(word), &value));
            if found.is_none() && !says_nothing(&value) {
                object.note(Noted::Dropped, leaf, format!("{} is not a {}", described(&value), choice.what));
            }
            found.map(|(word, ..)| Item::from(*word))
        }
        Kind::List(inner) | Kind::Many(inner) | Kind::Either(inner) => list(object, leaf, kind, *inner),
        Kind::Set | Kind::Order => names(&mut object.object(leaf)),
        Kind::Map(inner) => {
            let mut map = object.object(leaf);
            let mut table = Table::default();
            for (name, value) in std::mem::take(&mut map.map) {
                let mut one = map.child_at(&name, value);
                if let Some(item) = item(&mut one, "", *inner) {
                    table.push(name, item);
                }
            }
            (!table.is_empty()).then_some(Item::Table(table))
        }
        Kind::Table(table) => {
            let mut inner = object.object(leaf);
            let item = record(&mut inner, table);
            object.put_back(leaf, inner);
            item
        }
        Kind::Raw => object.take(leaf).and_then(|value| plain(&value)),
        _ => {
            let text = object.filled(leaf)?;
            if !is_valid(kind, &text) {
                object.note(Noted::Dropped, leaf, format!("`{text}` is not valid there"));
                return None;
            }
            Some(text.into())
        }
    }
}

fn list(object: &mut Object<'_>, leaf: &str, kind: Kind, inner: Kind) -> Option<Item> {
    if let (Kind::Either(_), Some(value)) = (kind, object.map.get(leaf))
        && !value.is_array()
    {
        return item(object, leaf, inner);
    }
    let path = object.path_of(leaf);
    let mut items = Vec::new();
    for (index, value) in object.list(leaf).into_iter().enumerate() {
        let mut one = object.child_at("", value);
        one.path = format!("{path}[{index}]");
        if let Kind::Table(table) = inner
            && table.logic == Logic::Mapping
        {
            items.extend(mapping(&mut one));
        } else {
            items.extend(item(&mut one, "", inner));
        }
        one.drop_rest("");
    }
    match (kind, items.len()) {
        (_, 0) => None,
        (Kind::Many(_), 1) => items.pop(),
        _ => Some(Item::List(items)),
    }
}

/// Names that the JSON maps to `true`, or to their places.
fn names(object: &mut Object<'_>) -> Option<Item> {
    let mut names: Vec<(f64, String)> = Vec::new();
    for (name, value) in std::mem::take(&mut object.map) {
        match value {
            Value::Bool(true) => names.push((0.0, name)),
            Value::Number(place) => names.push((place.as_f64().unwrap_or_default(), name)),
            Value::Bool(false) | Value::Null => {}
            other => object.note(Noted::Dropped, &name, format!("expected a boolean, found {}", described(&other))),
        }
    }
    names.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    (!names.is_empty()).then(|| names.into_iter().map(|(_, name)| name).collect::<Vec<_>>().into())
}

/// A table with named keys, in its short form if that says it all.
fn record(object: &mut Object<'_>, table: &'static grafana::Table) -> Option<Item> {
    let given = !object.map.is_empty();
    let mut keys = match table.logic {
        Logic::Link => return super::link::read(object),
        Logic::Transformation => return transformation(object),
        Logic::Legend => legend(object, table),
        Logic::Thresholds => thresholds(object, table)?,
        Logic::Tooltip => {
            object.forget_if("hideZeros", &json!(false));
            read(object, table, "sorted")
        }
        Logic::Color => color(read(object, table, ""))?,
        _ => read(object, table, ""),
    };
    for key in table.keys().map(|(_, key)| key) {
        if !key.required || keys.get(key.word).is_some() {
            continue;
        }
        if key.word != "title" {
            object.note(Noted::Dropped, "", format!("{} needs `{}`", table.what, key.word));
            return None;
        }
        keys.put(key.word, "");
    }
    keys.arrange(table);
    let Some(short) = table.short.and_then(|word| table.key(word)) else {
        return (!keys.is_empty()).then(|| keys.into());
    };
    match (keys.len(), keys.remove(short.word)) {
        (1, Some(item)) => Some(item),
        (_, Some(item)) => {
            keys.put(short.word, item);
            keys.arrange(table);
            Some(keys.into())
        }
        (0, None) => short.default.filter(|_| given).and_then(|default| match default {
            grafana::Literal::List(items) => items.first().map(|item| Item::from(*item)),
            default => plain(&default.json("")),
        }),
        (_, None) => Some(keys.into()),
    }
}

fn legend(object: &mut Object<'_>, table: &'static grafana::Table) -> Table {
    let shown = object.flag("showLegend").unwrap_or(true);
    object.forget(&["isVisible", "asTable"]);
    let hidden = object.map.get("displayMode") == Some(&json!("hidden"));
    if hidden {
        object.forget(&["displayMode"]);
    }
    let mut keys = read(object, table, if object.map.contains_key("sortBy") { "sorted" } else { "" });
    if !shown || hidden {
        if !keys.is_empty() {
            object.note(Noted::Dropped, "", "how the legend would look if it were shown");
        }
        object.forget(&["sortDesc", "limit", "values"]);
        keys = Table::default();
        keys.put("mode", "none");
    }
    object.forget(&["sortDesc"]);
    object.forget_if("enableFacetedFilter", &json!(false));
    keys
}

fn thresholds(object: &mut Object<'_>, table: &'static grafana::Table) -> Option<Table> {
    let mut last = f64::NEG_INFINITY;
    for (index, step) in object.map.get_mut("steps")?.as_array_mut()?.iter_mut().enumerate() {
        let step = step.as_object_mut()?;
        // Left-overs of older editors, which Grafana ignores; and it lets the first step begin below every value.
        step.shift_remove("index");
        step.shift_remove("state");
        if index == 0 {
            step.shift_remove("value");
        } else {
            let from = step.get("value")?.as_f64()?;
            if from <= last {
                return None;
            }
            last = from;
        }
    }
    let keys = read(object, table, "");
    keys.get("steps").is_some().then_some(keys)
}

fn color(mut keys: Table) -> Option<Table> {
    let is_mode = |word: &str| options::common_words("color-mode").any(|known| known == word);
    let mode = match keys.get("mode") {
        Some(Item::Text(mode)) if is_mode(mode) => mode.clone(),
        _ => return None,
    };
    // A color with the name of a mode would be read as the mode.
    if let ("fixed", 2, Some(Item::Text(fixed))) = (mode.as_str(), keys.len(), keys.get("fixed"))
        && !is_mode(fixed)
    {
        let fixed = fixed.clone();
        keys = Table::default();
        keys.put("mode", fixed);
    }
    Some(keys)
}

/// The mappings of one of Grafana's, which may have several for single values.
fn mapping(object: &mut Object<'_>) -> Vec<Item> {
    let mut mapping = object.object("");
    let kind = mapping.filled("type").unwrap_or_default();
    let mut options = mapping.object("options");
    let read_one = |object: &mut Object<'_>, value: Option<&str>| {
        if let Some(Value::Object(result)) = object.map.get_mut("result") {
            result.shift_remove("index");
        }
        let mut keys = read(object, &crate::spec::dashboard::MAPPING, &kind);
        let says = ["text", "color", "icon"].iter().any(|word| keys.get(word).is_some());
        keys.put_some("value", value);
        keys.arrange(&crate::spec::dashboard::MAPPING);
        let matches = ["value", "from", "to", "regexp", "special"].iter().any(|word| keys.get(word).is_some());
        if !says || !matches {
            object.note(Noted::Dropped, "", "a mapping that changes nothing");
        }
        (says && matches).then_some(Item::Table(keys))
    };
    let mut found = Vec::new();
    if kind == "value" {
        let mut results: Vec<(String, Value)> = std::mem::take(&mut options.map).into_iter().collect();
        let index = |value: &Value| value.get("index").and_then(Value::as_f64).unwrap_or_default();
        results.sort_by(|(_, a), (_, b)| index(a).total_cmp(&index(b)));
        for (value, result) in results {
            let mut one = options.child_at(&value, json!({ "result": result })).object("");
            found.extend(read_one(&mut one, Some(&value)));
            one.drop_rest("");
        }
    } else {
        found.extend(read_one(&mut options, None));
        mapping.put_back("options", options);
    }
    object.put_back("", mapping);
    found
}

fn transformation(object: &mut Object<'_>) -> Option<Item> {
    let table = &crate::spec::dashboard::TRANSFORMATION;
    let Some(id) = object.filled("id") else {
        object.note(Noted::Dropped, "", "a transformation without an ID");
        return None;
    };
    let disabled = object.flag("disabled").unwrap_or_default();
    let mut options = object.take("options").unwrap_or_default();
    let mut keys = Table::default();
    // Grafana has a list, of which only the first counts.
    let sort = options.get("sort").and_then(Value::as_array);
    let unwrapped = match sort.map(Vec::as_slice) {
        Some([sort]) if id == "sortBy" => json!({ "sort": sort }),
        _ => options.clone(),
    };
    let own = table.keys().map(|(_, key)| key).find(|key| key.place("") == Some(&*id));
    let item = match own.map(|key| key.kind) {
        Some(Kind::Table(table)) => strict(Kind::Table(table), &unwrapped),
        Some(_) => empty(&options).then_some(Item::Bool(true)),
        None => None,
    };
    if let (Some(key), Some(item)) = (own, item) {
        keys.put(key.word, item);
    } else {
        keys.put("id", id);
        if let Value::Object(_) = options
            && let Some(item @ Item::Table(_)) = object.item(options.take(), &object.path_of("options"))
        {
            keys.put("options", item);
        }
    }
    if disabled {
        keys.put("disabled", true);
    }
    Some(keys.into())
}

/// The override of some fields, if the format can say all of it.
pub(super) fn override_(rule: &Map<String, Value>, kind: &str) -> Option<Table> {
    let table = &crate::spec::dashboard::OVERRIDE;
    // Keys such as `__systemRef`, the mark of a series that was hidden by a click.
    if rule.iter().any(|(key, value)| key != "matcher" && key != "properties" && !says_nothing(value)) {
        return None;
    }
    let matcher = rule.get("matcher")?.as_object()?;
    let mut seen = HashSet::new();
    let (mut keys, mut custom, mut others) = (Table::default(), Table::default(), Table::default());
    let own = |id: &str| table.keys().map(|(_, key)| key).find(|key| key.place("") == Some(id));
    let options = matcher.get("options")?.as_str()?;
    keys.put(own(matcher.get("id")?.as_str()?).filter(|key| matches!(key.word, "name" | "regexp"))?.word, options);
    if matcher.len() > 2 {
        return None;
    }
    for property in rule.get("properties").unwrap_or(&Value::Null).as_array().into_iter().flatten() {
        let id = property.get("id")?.as_str()?;
        let value = property.get("value").filter(|value| !value.is_null())?;
        // Of two values for one property the last counts, but that isn't for the format to say.
        if property.as_object()?.len() > 2 || !seen.insert(id) {
            return None;
        }
        match (own(id), id.strip_prefix("custom.")) {
            (Some(key), _) if !matches!(key.word, "custom" | "name" | "regexp") => {
                keys.put(key.word, strict(key.kind, value)?);
            }
            (_, Some(key)) if !key.is_empty() && !key.contains('.') => custom.push(key.to_owned(), plain(value)?),
            _ => others.push(id.to_owned(), plain(value)?),
        }
    }
    let (custom, unknown) = super::fit::split(kind, options::Area::Custom, custom);
    for (key, item) in unknown.into_entries() {
        others.push(format!("custom.{key}"), item);
    }
    if !custom.is_empty() {
        keys.put("custom", custom);
    }
    if !others.is_empty() {
        keys.put("grafana", others);
    }
    if !rises(&keys) {
        return None;
    }
    keys.arrange(table);
    Some(keys)
}

/// Whether `min` is below `max`, where both are given.
pub(super) fn rises(keys: &Table) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "no consumer has more digits")]
    let number = |key: &str| match keys.get(key) {
        Some(Item::Int(number)) => Some(*number as f64),
        Some(Item::Float(number)) => Some(*number),
        _ => None,
    };
    number("min").zip(number("max")).is_none_or(|(min, max)| min < max)
}

/// What is left of an object, as the `grafana` table beside the keys of `table`: what Grafana knows is passed through, the
/// rest is dropped, each with a note.
pub(super) fn rest(object: &mut Object<'_>, table: &'static grafana::Table) -> Table {
    let map = std::mem::take(&mut object.map);
    let start = Place { path: String::new(), from: object.path.clone(), to: "grafana".to_owned() };
    passed(map, &start, object, table)
}

/// Where a value is below a table, in the file, and in the spec.
struct Place {
    path: String,
    from: String,
    to: String,
}

fn passed(map: Map<String, Value>, at: &Place, object: &Object<'_>, table: &'static grafana::Table) -> Table {
    let mut kept = Table::default();
    for (key, value) in map {
        if says_nothing(&value) {
            continue;
        }
        let place = Place { path: grafana::join(&at.path, &key), from: join(&at.from, &key), to: join(&at.to, &key) };
        let note = |kind: Noted, message: String| object.notes.add(kind, &object.place, &place.from, message);
        match (Accepted::of(table, &place.path), value) {
            (Accepted::Known, value) => {
                if let Some(item) = object.item(value, &place.from) {
                    note(Noted::Passed, format!("as `{}`", place.to));
                    kept.push(key, item);
                }
            }
            (Accepted::Inside, Value::Object(map)) => {
                let inner = passed(map, &place, object, table);
                if !inner.is_empty() {
                    kept.push(key, inner.into());
                }
            }
            (Accepted::Own(words), _) => note(Noted::Dropped, format!("not of a form that {words} accepts")),
            (Accepted::Inside, other) => {
                note(Noted::Dropped, format!("expected an object, found {}", described(&other)));
            }
            (Accepted::Unknown, _) => note(Noted::Dropped, format!("Grafana has no such key in {}", table.what)),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::dashboard::{COLOR, FIELD, THRESHOLDS};

    #[test]
    fn what_an_entry_cannot_say_is_left() {
        let of = |word: &str| FIELD.iter().find(|key| key.word == word).unwrap().kind;
        let steps = |steps: Value| strict(Kind::Table(&THRESHOLDS), &json!({ "mode": "absolute", "steps": steps }));
        let base = json!({ "color": "green", "value": null });
        let red = |value: i64| json!({ "color": "red", "value": value });
        assert!(matches!(steps(json!([base, red(1), red(2)])), Some(Item::List(items)) if items.len() == 3));
        assert_eq!(steps(json!([base, red(2), red(2)])), None);
        assert_eq!(steps(json!([base, { "color": "red" }])), None);
        assert_eq!(steps(json!([base, { "color": "reddish", "value": 1 }])), None);
        assert_eq!(steps(json!([])), None);

        let color = |value: Value| strict(Kind::Table(&COLOR), &value);
        assert_eq!(color(json!({ "mode": "fixed", "fixedColor": "red" })), Some("red".into()));
        assert_eq!(color(json!({ "mode": "thresholds" })), Some("thresholds".into()));
        let both = color(json!({ "mode": "shades", "fixedColor": "red" }));
        assert!(matches!(both, Some(Item::Table(keys)) if keys.len() == 2));
        assert_eq!(color(json!({ "mode": "gradient" })), None);

        let link = |more: Value| {
            let mut link = json!({ "title": "t", "url": "/" });
            link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            strict(of("data_links"), &json!([link]))
        };
        assert!(link(json!({ "oneClick": false })).is_some() && link(json!({ "targetBlank": true })).is_some());
        assert_eq!(link(json!({ "oneClick": true })), None);
        assert_eq!(strict(of("data_links"), &json!([{ "title": "t" }])), None);

        let mapping =
            |kind: &str, options: Value| strict(of("mappings"), &json!([{ "type": kind, "options": options }]));
        assert!(mapping("range", json!({ "from": 1, "to": null, "result": { "text": "x", "index": 0 } })).is_some());
        assert_eq!(mapping("range", json!({ "result": { "text": "x" } })), None);
        assert_eq!(mapping("value", json!({ "1": { "index": 0 } })), None);
        assert_eq!(mapping("special", json!({ "match": "zero", "result": { "text": "x" } })), None);
    }

    #[test]
    fn the_ends_of_an_axis_rise() {
        let axis = |min: i64, max: i64| {
            let mut keys = Table::default();
            keys.put("min", min);
            keys.put("max", max);
            rises(&keys)
        };
        assert!(axis(1, 2) && !axis(2, 2) && !axis(3, 2) && rises(&Table::default()));
    }
}
