//! Dashboards, their panels and variables, by title.

use std::collections::HashSet;
use std::fmt::Debug;

use super::written::Written;
use super::{Area, Change, Fate, Pair, fates, quoted, quoted_list};
use crate::model::Dashboard;
use crate::model::dashboard::{Ask, Grid, Panel, Query, Row};

const AREA: Area = Area::Dashboards;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.dashboards, &pair.after.dashboards, |dashboard| dashboard.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                changes.push(Change::notice(AREA, &new.title, format!("new, {}", counted(new))).is(new.uid.clone()));
            }
            Fate::Removed(old) => {
                let what = "gone: links to it lead nowhere";
                changes.push(Change::caution(AREA, &old.title, what).was(old.uid.clone()));
            }
            Fate::Stays(old, new) if format!("{old:?}") == format!("{new:?}") => {}
            Fate::Stays(old, new) => {
                let told = changes.len();
                stays(old, new, changes);
                if changes.len() == told {
                    changes.push(Change::notice(AREA, &new.title, "laid out otherwise"));
                }
            }
        }
    }
    let order = |dashboards: &[Dashboard], others: &[Dashboard]| -> Vec<String> {
        let known = |name: &str| others.iter().any(|other| other.name == name);
        dashboards.iter().map(|dashboard| dashboard.name.clone()).filter(|name| known(name)).collect()
    };
    if order(&pair.before.dashboards, &pair.after.dashboards) != order(&pair.after.dashboards, &pair.before.dashboards)
    {
        changes.push(Change::notice(AREA, &pair.after.project, "the same dashboards in another order"));
    }
}

fn counted(dashboard: &Dashboard) -> String {
    match panels(dashboard).len() {
        1 => "1 panel".to_owned(),
        many => format!("{many} panels"),
    }
}

/// Every panel with the title of its row.
fn panels(dashboard: &Dashboard) -> Vec<(&str, &Panel)> {
    let above = dashboard.panels.iter().map(|panel| ("", panel));
    let rows = dashboard.rows.iter().flat_map(|row| row.panels.iter().map(|panel| (row.title.as_str(), panel)));
    above.chain(rows).collect()
}

fn stays(old: &Dashboard, new: &Dashboard, changes: &mut Vec<Change>) {
    let title = &new.title;
    if old.uid != new.uid {
        let what = "another UID: links to it lead nowhere";
        changes.push(Change::caution(AREA, title, what).was(old.uid.clone()).is(new.uid.clone()));
    }
    let time = |dashboard: &Dashboard| dashboard.time.as_ref().map(|(from, to)| format!("{from} to {to}"));
    for (what, before, after) in [
        ("title", old.title.written(), new.title.written()),
        ("folder", old.folder.written(), new.folder.written()),
        ("description", old.description.written(), new.description.written()),
        ("tags", old.tags.written(), new.tags.written()),
        ("refresh", old.refresh.written(), new.refresh.written()),
        ("time", time(old), time(new)),
        ("timezone", old.timezone.written(), new.timezone.written()),
        ("graph_tooltip", Some(debug(&old.graph_tooltip)), Some(debug(&new.graph_tooltip))),
        ("editable", Some(old.editable.to_string()), Some(new.editable.to_string())),
    ] {
        super::value(changes, (AREA, title), what, before, after);
    }
    for (what, before, after) in
        [("links", debug(&old.links), debug(&new.links)), ("grafana", debug(&old.grafana), debug(&new.grafana))]
    {
        if before != after {
            changes.push(Change::notice(AREA, title, format!("{} changed", quoted(what))));
        }
    }
    for fate in fates(&old.variables, &new.variables, |variable| variable.name.as_str()) {
        named(title, "variable", &fate, |variable| &variable.name, changes);
    }
    for fate in fates(&old.annotations, &new.annotations, |annotation| annotation.name.as_str()) {
        named(title, "annotation", &fate, |annotation| &annotation.name, changes);
    }
    rows(old, new, changes);
    all_panels(old, new, changes);
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// A part that is told by its name and no more.
fn named<T: Debug>(
    dashboard: &str,
    part: &str,
    fate: &Fate<'_, T>,
    name: impl Fn(&T) -> &str,
    changes: &mut Vec<Change>,
) {
    let what = match fate {
        Fate::Added(new) => format!("{part} {} is new", quoted(name(new))),
        Fate::Removed(old) => format!("{part} {} is gone", quoted(name(old))),
        Fate::Stays(old, new) if debug(old) != debug(new) => format!("{part} {} changed", quoted(name(new))),
        Fate::Stays(..) => return,
    };
    changes.push(Change::notice(AREA, dashboard, what));
}

fn rows(old: &Dashboard, new: &Dashboard, changes: &mut Vec<Change>) {
    // Of a row that stays, what it holds and where it stands is told by its panels.
    let own = |row: &Row| Row { grid: Grid::default(), panels: Vec::new(), ..row.clone() };
    let own = |dashboard: &Dashboard| dashboard.rows.iter().map(own).collect::<Vec<_>>();
    for fate in fates(&own(old), &own(new), |row| row.id) {
        named(&new.title, "row", &fate, |row| &row.title, changes);
    }
}

fn all_panels(old: &Dashboard, new: &Dashboard, changes: &mut Vec<Change>) {
    let title = &new.title;
    let (before, after) = (panels(old), panels(new));
    for fate in fates(&before, &after, |(_, panel)| panel.id) {
        match fate {
            Fate::Added((row, panel)) => changes
                .push(Change::notice(AREA, title, format!("panel {} is new", quoted(&panel.title))).is(row.written())),
            Fate::Removed((row, panel)) => changes.push(
                Change::notice(AREA, title, format!("panel {} is gone", quoted(&panel.title))).was(row.written()),
            ),
            Fate::Stays((old_row, old), (new_row, new)) => {
                if old_row != new_row {
                    let what = format!("panel {} is in another row", quoted(&new.title));
                    changes.push(Change::notice(AREA, title, what).was(old_row.written()).is(new_row.written()));
                }
                panel(title, old, new, changes);
            }
        }
    }
    // A panel that comes or goes moves those below, which says nothing; another order does.
    let places = |panels: &[(&str, &Panel)], others: &[(&str, &Panel)]| -> Vec<u32> {
        let known: HashSet<u32> = others.iter().map(|(_, panel)| panel.id).collect();
        panels.iter().map(|(_, panel)| panel.id).filter(|id| known.contains(id)).collect()
    };
    if places(&before, &after) != places(&after, &before) {
        changes.push(Change::notice(AREA, title, "panels stand in another order"));
    }
}

fn panel(dashboard: &str, old: &Panel, new: &Panel, changes: &mut Vec<Change>) {
    let mut notice = |what: String, before: Option<String>, after: Option<String>| {
        changes.push(
            Change::notice(AREA, dashboard, format!("panel {}: {what}", quoted(&new.title))).was(before).is(after),
        );
    };
    if old.title != new.title {
        notice("another title".to_owned(), Some(old.title.clone()), Some(new.title.clone()));
    }
    if old.kind != new.kind {
        notice("another type".to_owned(), Some(old.kind.clone()), Some(new.kind.clone()));
    }
    for fate in fates(&old.queries, &new.queries, |query| query.reference.as_str()) {
        match fate {
            Fate::Added(query) => notice(format!("query {} is new", quoted(&query.reference)), None, asked(query)),
            Fate::Removed(query) => notice(format!("query {} is gone", quoted(&query.reference)), asked(query), None),
            Fate::Stays(old, new) if debug(old) != debug(new) => {
                let (before, after) = (asked(old), asked(new));
                if before == after {
                    notice(format!("query {} is shown otherwise", quoted(&new.reference)), None, None);
                } else {
                    notice(format!("query {} changed", quoted(&new.reference)), before, after);
                }
            }
            Fate::Stays(..) => {}
        }
    }
    let mut parts: Vec<&str> = Vec::new();
    macro_rules! parts {
        ($($field:ident $name:literal)*) => {
            $(if debug(&old.$field) != debug(&new.$field) {
                parts.push($name);
            })*
        };
    }
    parts!(
        description "description" datasource "datasource" field "field" overrides "overrides" content "content"
        legend "legend" tooltip "tooltip" reduce "reduce" options "options" transformations "transformations"
        links "links" repeat "repeat" interval "interval" max_data_points "max_data_points" time_from "time_from"
        time_shift "time_shift" hide_time_override "hide_time_override" transparent "transparent" grafana "grafana"
    );
    if !parts.is_empty() {
        notice(format!("another {}", quoted_list(parts)), None, None);
    }
    let size = |panel: &Panel| format!("{} × {}", panel.grid.width, panel.grid.height);
    if size(old) != size(new) {
        notice("another size".to_owned(), Some(size(old)), Some(size(new)));
    }
}

/// What a query asks, if that can be said in one line.
fn asked(query: &Query) -> Option<String> {
    let one_line = |text: &str| Some(text.split_whitespace().collect::<Vec<_>>().join(" "));
    match &query.ask {
        Ask::Prometheus(ask) => one_line(&ask.expr),
        Ask::Loki(ask) => one_line(&ask.expr),
        Ask::Metric(ask) => Some(format!("{} {} of {}", ask.statistic, ask.metric, ask.namespace)),
        Ask::Math { expression, .. } => one_line(expression),
        Ask::Json(ask) => Some(ask.url.clone()),
        Ask::Other => None,
    }
}
