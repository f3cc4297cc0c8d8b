//! Temporal clusters.

use super::written::text;
use super::{Area, Change, Fate, Id, Pair, Severity, fates, quoted, value};
use crate::model::kind::{ClusterServer, DynamicSetting, DynamicValue};
use crate::model::text::Text;
use crate::model::{Cluster, Stack};
use crate::spec::value::Duration;

const AREA: Area = Area::Clusters;

/// A key of a cluster, how to read its value, the id and the severity of a change, and what the change does.
type Setting = (&'static str, fn(&ClusterServer) -> Option<Text>, Id, Severity, &'static str);

/// What the servers of a cluster share. The pool's idle connections follow from `pool`.
const SETTINGS: &[Setting] = &[
    (
        "history_shards",
        |server| Some(number(server.history_shards)),
        Id::HistoryShardsChanged,
        Severity::Danger,
        "cannot be changed: existing workflows belong to shards and would no longer be found",
    ),
    (
        "host",
        |server| Some(server.host.clone()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "database",
        |server| Some(server.database.clone()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "visibility",
        |server| Some(server.visibility.as_ref()?.service()?.into()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the visibility data in the old store is not moved",
    ),
    ("pool", |server| Some(number(server.pool)), Id::ClusterChanged, Severity::Notice, ""),
    (
        "connection_lifetime",
        |server| duration(Some(&server.connection_lifetime)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    ("log_level", |server| Some(server.log_level.as_str().into()), Id::ClusterChanged, Severity::Notice, ""),
    ("token_duration", |server| duration(server.token_duration.as_ref()), Id::ClusterChanged, Severity::Notice, ""),
    (
        "staggered_startup",
        |server| server.staggered_startup.map(|staggered| staggered.to_string().into()),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "reservoir",
        |server| Some(server.reservoir.is_some().to_string().into()),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "reservoir.target",
        |server| Some(number(server.reservoir.as_ref()?.target)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "reservoir.base_lifetime",
        |server| duration(server.reservoir.as_ref().map(|reservoir| &reservoir.base_lifetime)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "reservoir.lifetime_jitter",
        |server| duration(server.reservoir.as_ref().map(|reservoir| &reservoir.lifetime_jitter)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "reservoir.guard_window",
        |server| duration(server.reservoir.as_ref().map(|reservoir| &reservoir.guard_window)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
];

fn number(number: u32) -> Text {
    number.to_string().into()
}

fn duration(duration: Option<&Duration>) -> Option<Text> {
    duration.map(|duration| duration.text.as_str().into())
}

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.clusters, &pair.after.clusters, |cluster| cluster.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                changes.push(Change::notice(Id::ClusterAdded, AREA, &new.name, "added").is(new.title.clone()));
            }
            Fate::Removed(old) => changes.push(
                Change::notice(
                    Id::ClusterRemoved,
                    AREA,
                    &old.name,
                    format!("removed; its index {} stays in Elasticsearch", quoted(&old.visibility_index)),
                )
                .was(old.title.clone()),
            ),
            Fate::Stays(old, new) => stays(pair, old, new, changes),
        }
    }
}

fn stays(pair: &Pair<'_>, old: &Cluster, new: &Cluster, changes: &mut Vec<Change>) {
    if old.title != new.title {
        changes.push(
            Change::notice(Id::ClusterChanged, AREA, &new.name, "title changed")
                .was(old.title.clone())
                .is(new.title.clone()),
        );
    }
    if old.visibility_index != new.visibility_index {
        let what =
            "visibility index changed: the new one starts empty, and executions in the old one are no longer listed";
        changes.push(
            Change::danger(Id::VisibilityIndexChanged, AREA, &new.name, what)
                .was(old.visibility_index.clone())
                .is(new.visibility_index.clone()),
        );
    }
    for &(key, of, id, severity, why) in SETTINGS {
        let (before, after) = (of(&old.server), of(&new.server));
        let same = match (&before, &after) {
            (Some(before), Some(after)) => pair.same(before, after),
            _ => before == after,
        };
        if !same {
            let what =
                if why.is_empty() { format!("{} changed", quoted(key)) } else { format!("{} {why}", quoted(key)) };
            changes.push(
                Change::new(id, severity, AREA, &new.name, what)
                    .was(before.as_ref().map(text))
                    .is(after.as_ref().map(text)),
            );
        }
    }
    for fate in fates(&old.dynamic_config, &new.dynamic_config, |setting| setting.key.as_str()) {
        let (before, after) = match fate {
            Fate::Added(new) => (None, Some(new)),
            Fate::Removed(old) => (Some(old), None),
            Fate::Stays(old, new) => (Some(old), Some(new)),
        };
        let Some(setting) = after.or(before) else { continue };
        value(
            changes,
            (Id::DynamicConfigChanged, AREA, &new.name),
            &setting.key,
            before.map(dynamic),
            after.map(dynamic),
        );
    }
}

/// The values of a dynamic setting on one line.
fn dynamic(setting: &DynamicSetting) -> String {
    let shown = |value: &DynamicValue| match value {
        DynamicValue::Boolean(boolean) => boolean.to_string(),
        DynamicValue::Integer(number) => number.to_string(),
        DynamicValue::Float(number) => number.to_string(),
        DynamicValue::String(text) => text.clone(),
    };
    let values = setting.values.iter().map(|(constraints, value)| {
        let constraints: Vec<String> =
            constraints.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
        if constraints.is_empty() { shown(value) } else { format!("{} ({})", shown(value), constraints.join(", ")) }
    });
    values.collect::<Vec<_>>().join(", ")
}

/// Whether a change of a service's variable is reported with its cluster.
pub(super) fn covers(pair: &Pair<'_>, service: &str, variable: &str) -> bool {
    let (Some(before), Some(after)) = (cluster_of(pair.before, service), cluster_of(pair.after, service)) else {
        return false;
    };
    before.name == after.name && before.variables.iter().chain(&after.variables).any(|name| name == variable)
}

/// The cluster that a service belongs to.
fn cluster_of<'s>(stack: &'s Stack, service: &str) -> Option<&'s Cluster> {
    stack.clusters.iter().find(|cluster| cluster.services.iter().any(|name| name == service))
}
