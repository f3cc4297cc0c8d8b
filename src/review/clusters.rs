//! Temporal clusters.

use super::written::text;
use super::{Area, Change, Fate, Id, Pair, Severity, fates, quoted, value};
use crate::model::kind::{ClusterServer, DynamicSetting, DynamicValue, Reservoir, Store, Visibility};
use crate::model::text::Text;
use crate::model::{Cluster, Stack};
use crate::spec::stack::Persistence;
use crate::spec::value::Duration;

const AREA: Area = Area::Clusters;

/// A key of a cluster, how to read its value, the id and the severity of a change, and what the change does.
type Setting = (&'static str, fn(&ClusterServer) -> Option<Text>, Id, Severity, &'static str);

/// What the servers of a cluster share. The pool's idle connections follow from `pool`.
const SETTINGS: &[Setting] = &[
    (
        "persistence",
        |server| Some(persistence(server).into()),
        Id::ClusterStoreChanged,
        Severity::Danger,
        "changed: the new store starts empty, and no workflow is moved",
    ),
    (
        "history_shards",
        |server| Some(number(server.history_shards)),
        Id::HistoryShardsChanged,
        Severity::Danger,
        "cannot be changed: existing workflows belong to shards and would no longer be found",
    ),
    (
        "dsql.host",
        |server| Some(server.dsql()?.host.clone()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "dsql.database",
        |server| Some(server.dsql()?.database.clone()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "postgresql.service",
        |server| Some(server.postgresql()?.address.as_ref()?.name()?.into()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "postgresql.database",
        |server| Some(server.postgresql()?.database.as_str().into()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "postgresql.visibility_database",
        |server| sql_visibility(server),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the data in the old database is not moved",
    ),
    (
        "visibility",
        |server| Some(server.elasticsearch()?.name()?.into()),
        Id::ClusterStoreChanged,
        Severity::Caution,
        "changed: the visibility data in the old store is not moved",
    ),
    ("dsql.pool", |server| Some(number(server.dsql()?.pool)), Id::ClusterChanged, Severity::Notice, ""),
    ("postgresql.pool", |server| Some(number(server.postgresql()?.pool)), Id::ClusterChanged, Severity::Notice, ""),
    (
        "dsql.connection_lifetime",
        |server| duration(Some(&server.dsql()?.connection_lifetime)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    ("log_level", |server| Some(server.log_level.as_str().into()), Id::ClusterChanged, Severity::Notice, ""),
    (
        "dsql.token_duration",
        |server| duration(server.dsql()?.token_duration.as_ref()),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "dsql.staggered_startup",
        |server| Some(server.dsql()?.staggered_startup?.to_string().into()),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "dsql.reservoir",
        |server| Some(server.dsql()?.reservoir.is_some().to_string().into()),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "dsql.reservoir.target",
        |server| Some(number(reservoir(server)?.target)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "dsql.reservoir.base_lifetime",
        |server| duration(Some(&reservoir(server)?.base_lifetime)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "dsql.reservoir.lifetime_jitter",
        |server| duration(Some(&reservoir(server)?.lifetime_jitter)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
    (
        "dsql.reservoir.guard_window",
        |server| duration(Some(&reservoir(server)?.guard_window)),
        Id::ClusterChanged,
        Severity::Notice,
        "",
    ),
];

fn persistence(server: &ClusterServer) -> &'static str {
    match server.store {
        Store::Dsql(_) => Persistence::Dsql,
        Store::Postgresql(_) => Persistence::Postgresql,
    }
    .as_str()
}

fn sql_visibility(server: &ClusterServer) -> Option<Text> {
    match &server.visibility {
        Visibility::Postgresql { database } => Some(database.as_str().into()),
        Visibility::Elasticsearch { .. } => None,
    }
}

fn reservoir(server: &ClusterServer) -> Option<&Reservoir> {
    server.dsql()?.reservoir.as_ref()
}

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
            Fate::Removed(old) => {
                let what = match old.server.index() {
                    Some(index) => format!("removed; its index {} stays in Elasticsearch", quoted(index)),
                    None => "removed; its databases stay in PostgreSQL".to_owned(),
                };
                changes.push(Change::notice(Id::ClusterRemoved, AREA, &old.name, what).was(old.title.clone()));
            }
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
    let indices = (old.server.index(), new.server.index());
    if let (Some(before), Some(after)) = indices
        && before != after
    {
        let what =
            "visibility index changed: the new one starts empty, and executions in the old one are no longer listed";
        changes.push(
            Change::danger(Id::VisibilityIndexChanged, AREA, &new.name, what)
                .was(before.to_owned())
                .is(after.to_owned()),
        );
    }
    // The keys of the other store are part of that change.
    let is_moved = persistence(&old.server) != persistence(&new.server);
    for &(key, of, id, severity, why) in SETTINGS.iter().filter(|(key, ..)| !(is_moved && key.contains('.'))) {
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
    for fate in fates(&old.namespaces, &new.namespaces, |namespace| namespace.name.as_str()) {
        match fate {
            Fate::Added(added) => {
                let what = format!("namespace {} added", quoted(&added.name));
                changes.push(Change::notice(Id::NamespaceChanged, AREA, &new.name, what));
            }
            Fate::Removed(removed) => {
                let what = format!("namespace {} is no longer registered; the cluster keeps it", quoted(&removed.name));
                changes.push(Change::notice(Id::NamespaceChanged, AREA, &new.name, what));
            }
            Fate::Stays(before, after) if before.retention != after.retention => {
                let shorter = after.retention.milliseconds < before.retention.milliseconds;
                let effect = if shorter { ": closed workflows are deleted earlier" } else { "" };
                let severity = if shorter { Severity::Caution } else { Severity::Notice };
                let what = format!("retention of namespace {} changed{effect}", quoted(&after.name));
                changes.push(
                    Change::new(Id::NamespaceChanged, severity, AREA, &new.name, what)
                        .was(before.retention.text.clone())
                        .is(after.retention.text.clone()),
                );
            }
            Fate::Stays(..) => {}
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
