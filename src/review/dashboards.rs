//! Dashboards, their panels and variables, by title. Their JSON is compared key by key of the spec.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::written::Written;
use super::{Area, Change, Fate, Id, Pair, fates, quoted, quoted_list};
use crate::model::Dashboard;
use crate::model::dashboard::Json;
use crate::spec::dashboard::{DASHBOARD, PANEL};
use crate::spec::grafana::{Kind, Table, own};

const AREA: Area = Area::Dashboards;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.dashboards, &pair.after.dashboards, |dashboard| dashboard.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                changes.push(
                    Change::notice(Id::DashboardAdded, AREA, &new.title, format!("added with {}", counted(new)))
                        .is(new.uid.clone()),
                );
            }
            Fate::Removed(old) => {
                let what = "removed: links to it will break";
                changes.push(Change::caution(Id::DashboardRemoved, AREA, &old.title, what).was(old.uid.clone()));
            }
            Fate::Stays(old, new) if old == new => {}
            Fate::Stays(old, new) => {
                let start = changes.len();
                stays(old, new, changes);
                if changes.len() == start {
                    changes.push(Change::notice(Id::DashboardChanged, AREA, &new.title, "layout changed"));
                }
            }
        }
    }
    let order = |dashboards: &[Arc<Dashboard>], others: &[Arc<Dashboard>]| -> Vec<String> {
        let known = |name: &str| others.iter().any(|other| other.name == name);
        dashboards.iter().map(|dashboard| dashboard.name.clone()).filter(|name| known(name)).collect()
    };
    if order(&pair.before.dashboards, &pair.after.dashboards) != order(&pair.after.dashboards, &pair.before.dashboards)
    {
        changes.push(Change::notice(
            Id::DashboardChanged,
            AREA,
            &pair.after.project,
            "the order of dashboards changed",
        ));
    }
}

fn counted(dashboard: &Dashboard) -> String {
    match panels(dashboard).len() {
        1 => "1 panel".to_owned(),
        many => format!("{many} panels"),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn items<'v>(value: Option<&'v Value>, key: &str) -> &'v [Value] {
    value.and_then(|value| value.get(key)).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_row(panel: &Value) -> bool {
    text(panel, "type") == "row"
}

/// Every panel with the title of its row.
fn panels(dashboard: &Dashboard) -> Vec<(&str, &Value)> {
    let mut row = "";
    let mut found = Vec::new();
    for panel in dashboard.json.get("panels").and_then(Value::as_array).into_iter().flatten() {
        if is_row(panel) {
            row = text(panel, "title");
            found.extend(items(Some(panel), "panels").iter().map(|panel| (row, panel)));
        } else {
            found.push((row, panel));
        }
    }
    found
}

fn stays(old: &Dashboard, new: &Dashboard, changes: &mut Vec<Change>) {
    let title = &new.title;
    if old.uid != new.uid {
        let what = "UID changed: links to it will break";
        changes.push(Change::caution(Id::DashboardMoved, AREA, title, what).was(old.uid.clone()).is(new.uid.clone()));
    }
    super::value(changes, (Id::DashboardChanged, AREA, title), "folder", old.folder.written(), new.folder.written());
    let apart = ["uid", "variables", "annotations", "panels", "rows"];
    for (word, before, after) in differences(&DASHBOARD, &old.json, &new.json) {
        if apart.contains(&word) {
            continue;
        }
        let shown = [shown(before.as_ref()), shown(after.as_ref())];
        if let [Ok(before), Ok(after)] = shown {
            super::value(changes, (Id::DashboardChanged, AREA, title), word, before, after);
        } else {
            changes.push(Change::notice(Id::DashboardChanged, AREA, title, format!("{} changed", quoted(word))));
        }
    }
    for (part, holder) in [("variable", "templating"), ("annotation", "annotations")] {
        let [before, after] = [old, new].map(|dashboard| items(dashboard.json.get(holder), "list"));
        named(title, part, before, after, "name", changes);
    }
    // The contents and the place of a row are reported with its panels.
    let [before, after] = [old, new].map(|dashboard| {
        let rows =
            dashboard.json.get("panels").and_then(Value::as_array).into_iter().flatten().filter(|row| is_row(row));
        let own = |row: &Value| {
            let mut row = row.clone();
            if let Some(row) = row.as_object_mut() {
                row.shift_remove("panels");
                row.shift_remove("gridPos");
            }
            row
        };
        rows.map(own).collect::<Vec<_>>()
    });
    named(title, "row", &before, &after, "id", changes);
    all_panels(old, new, changes);
}

/// A value in a few words; an error if it has too many parts.
fn shown(value: Option<&Value>) -> Result<Option<String>, ()> {
    Ok(match value {
        None => None,
        Some(Value::String(text)) => text.written(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().written()
        }
        Some(Value::Object(time)) if time.len() == 2 && time.contains_key("from") => {
            let [from, to] = ["from", "to"].map(|key| time.get(key).and_then(Value::as_str).unwrap_or_default());
            Some(format!("{from} to {to}"))
        }
        Some(Value::Array(_) | Value::Object(_)) => return Err(()),
        Some(value) => Some(value.to_string()),
    })
}

/// The keys of the spec that differ between two JSON objects, with their values. Any other difference is reported as
/// `grafana`.
fn differences(table: &'static Table, old: &Json, new: &Json) -> Vec<(&'static str, Option<Value>, Option<Value>)> {
    let (mut old, mut new) = (old.clone(), new.clone());
    let mut found = Vec::new();
    for (path, key) in own(table).filter(|(_, key)| !matches!(key.kind, Kind::Name)) {
        let (before, after) = (take(&mut old, &path), take(&mut new, &path));
        if before != after {
            // A switch that the JSON leaves out has its default.
            let default = || key.default_json().filter(|_| matches!(key.kind, Kind::Flag));
            found.push((key.word, before.or_else(default), after.or_else(default)));
        }
    }
    if old != new {
        found.push(("grafana", Some(old.into()), Some(new.into())));
    }
    found
}

/// Takes the value at a dotted path.
fn take(object: &mut Json, path: &str) -> Option<Value> {
    match path.split_once('.') {
        Some((first, rest)) => take(object.get_mut(first)?.as_object_mut()?, rest),
        None => object.shift_remove(path),
    }
}

/// Parts of which only the name is reported.
fn named(dashboard: &str, part: &str, old: &[Value], new: &[Value], key: &str, changes: &mut Vec<Change>) {
    let name = |value: &Value| quoted(if part == "row" { text(value, "title") } else { text(value, "name") });
    for fate in fates(old, new, |value| value.get(key).map(ToString::to_string)) {
        let what = match fate {
            Fate::Added(new) => format!("{part} {} added", name(new)),
            Fate::Removed(old) => format!("{part} {} removed", name(old)),
            Fate::Stays(old, new) if old != new => format!("{part} {} changed", name(new)),
            Fate::Stays(..) => continue,
        };
        changes.push(Change::notice(Id::DashboardChanged, AREA, dashboard, what));
    }
}

fn all_panels(old: &Dashboard, new: &Dashboard, changes: &mut Vec<Change>) {
    let title = &new.title;
    let (before, after) = (panels(old), panels(new));
    let id = |panel: &Value| panel.get("id").and_then(Value::as_u64);
    for fate in fates(&before, &after, |(_, panel)| id(panel)) {
        match fate {
            Fate::Added((row, panel)) => {
                let what = format!("{} added", called(panel));
                changes.push(Change::notice(Id::PanelAdded, AREA, title, what).is(row.written()));
            }
            Fate::Removed((row, panel)) => {
                let what = format!("{} removed", called(panel));
                changes.push(Change::notice(Id::PanelRemoved, AREA, title, what).was(row.written()));
            }
            Fate::Stays((old_row, old), (new_row, new)) => {
                if old_row != new_row {
                    let what = format!("{} moved to another row", called(new));
                    changes.push(
                        Change::notice(Id::PanelChanged, AREA, title, what)
                            .was(old_row.written())
                            .is(new_row.written()),
                    );
                }
                let name = called(new);
                if let (Some(old), Some(new)) = (old.as_object(), new.as_object()) {
                    panel((title, &name), old, new, changes);
                }
            }
        }
    }
    // An added or removed panel moves those below it, which is not worth reporting; a different order is.
    let places = |panels: &[(&str, &Value)], others: &[(&str, &Value)]| -> Vec<Option<u64>> {
        let known: HashSet<Option<u64>> = others.iter().map(|(_, panel)| id(panel)).collect();
        panels.iter().map(|(_, panel)| id(panel)).filter(|id| known.contains(id)).collect()
    };
    if places(&before, &after) != places(&after, &before) {
        changes.push(Change::notice(Id::DashboardChanged, AREA, title, "the order of panels changed"));
    }
}

/// A panel by its title.
fn called(panel: &Value) -> String {
    match text(panel, "title") {
        "" => "untitled panel".to_owned(),
        title => format!("panel {}", quoted(title)),
    }
}

fn panel((dashboard, name): (&str, &str), old: &Json, new: &Json, changes: &mut Vec<Change>) {
    let mut notice = |what: String, before: Option<String>, after: Option<String>| {
        changes
            .push(Change::notice(Id::PanelChanged, AREA, dashboard, format!("{name}: {what}")).was(before).is(after));
    };
    let mut parts: Vec<&str> = Vec::new();
    for (word, before, after) in differences(&PANEL, old, new) {
        let [was, is] = [&before, &after].map(|value| value.as_ref().and_then(Value::as_str).map(ToOwned::to_owned));
        match word {
            "title" | "type" => notice(format!("{word} changed"), was, is),
            "width" | "height" => {
                let size = |place: Option<&Value>| {
                    let of = |key: &str| place.and_then(|place| place.get(key)).and_then(Value::as_u64);
                    Some(format!("{} × {}", of("w")?, of("h")?))
                };
                if size(before.as_ref()) != size(after.as_ref()) {
                    notice("size changed".to_owned(), size(before.as_ref()), size(after.as_ref()));
                }
            }
            "queries" => {
                let [old, new] = [before, after].map(|list| match list {
                    Some(Value::Array(list)) => list,
                    _ => Vec::new(),
                });
                queries(&old, &new, &mut notice);
            }
            _ => parts.push(word),
        }
    }
    if !parts.is_empty() {
        notice(format!("{} changed", quoted_list(parts)), None, None);
    }
}

fn queries(old: &[Value], new: &[Value], notice: &mut impl FnMut(String, Option<String>, Option<String>)) {
    for fate in fates(old, new, |query| text(query, "refId")) {
        match fate {
            Fate::Added(query) => notice(format!("query {} added", quoted(text(query, "refId"))), None, asked(query)),
            Fate::Removed(query) => {
                notice(format!("query {} removed", quoted(text(query, "refId"))), asked(query), None);
            }
            Fate::Stays(old, new) if old != new => {
                let (name, before, after) = (quoted(text(new, "refId")), asked(old), asked(new));
                if before == after {
                    notice(format!("options of query {name} changed"), None, None);
                } else {
                    notice(format!("query {name} changed"), before, after);
                }
            }
            Fate::Stays(..) => {}
        }
    }
}

/// What a query asks for, if it fits on one line.
fn asked(query: &Value) -> Option<String> {
    let given = |key: &str| Some(text(query, key)).filter(|text| !text.is_empty());
    if let (Some(metric), Some(namespace)) = (given("metricName"), given("namespace")) {
        return Some(format!("{} {metric} of {namespace}", text(query, "statistic")));
    }
    let asked = ["expr", "expression", "url"].into_iter().find_map(given)?;
    Some(asked.split_whitespace().collect::<Vec<_>>().join(" "))
}
