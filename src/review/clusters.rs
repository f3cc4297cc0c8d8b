//! Temporal clusters.

use super::written::text;
use super::{Area, Change, Fate, Pair, Severity, fates, quoted, value};
use crate::model::kind::DynamicValue;
use crate::model::service::Service;
use crate::model::text::Text;
use crate::model::{Cluster, Stack};

const AREA: Area = Area::Clusters;

/// What each server of a cluster gets as a variable, the key of the spec that it comes from, and what another value does.
/// What no servers share is not among them.
const SETTINGS: &[(&str, &str, Severity, &str)] = &[
    (
        "TEMPORAL_HISTORY_SHARDS",
        "history_shards",
        Severity::Danger,
        "can't be changed: the workflows that a cluster has belong to shards, and are not found any more",
    ),
    ("TEMPORAL_SQL_HOST", "host", Severity::Caution, "another database: what the old one holds isn't there"),
    ("TEMPORAL_SQL_DATABASE", "database", Severity::Caution, "another database: what the old one holds isn't there"),
    (
        "TEMPORAL_ELASTICSEARCH_HOST",
        "visibility",
        Severity::Caution,
        "another store of visibility: what the old one holds isn't there",
    ),
    ("TEMPORAL_SQL_MAX_CONNS", "pool", Severity::Notice, ""),
    ("TEMPORAL_SQL_MAX_CONN_LIFETIME", "connection_lifetime", Severity::Notice, ""),
    ("TEMPORAL_LOG_LEVEL", "log_level", Severity::Notice, ""),
    ("DSQL_TOKEN_DURATION", "token_duration", Severity::Notice, ""),
    ("DSQL_STAGGERED_STARTUP", "staggered_startup", Severity::Notice, ""),
    ("DSQL_RESERVOIR_ENABLED", "reservoir", Severity::Notice, ""),
    ("DSQL_RESERVOIR_TARGET_READY", "reservoir.target", Severity::Notice, ""),
    ("DSQL_RESERVOIR_BASE_LIFETIME", "reservoir.base_lifetime", Severity::Notice, ""),
    ("DSQL_RESERVOIR_LIFETIME_JITTER", "reservoir.lifetime_jitter", Severity::Notice, ""),
    ("DSQL_RESERVOIR_GUARD_WINDOW", "reservoir.guard_window", Severity::Notice, ""),
];

/// Variables that follow from others of the cluster.
const DERIVED: &[&str] = &["TEMPORAL_SQL_MAX_IDLE_CONNS", "TEMPORAL_ELASTICSEARCH_INDEX"];

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.clusters, &pair.after.clusters, |cluster| cluster.name.as_str()) {
        match fate {
            Fate::Added(new) => changes.push(Change::notice(AREA, &new.name, "new").is(new.title.clone())),
            Fate::Removed(old) => changes.push(
                Change::notice(
                    AREA,
                    &old.name,
                    format!("gone; its index {} stays in Elasticsearch", quoted(&old.visibility_index)),
                )
                .was(old.title.clone()),
            ),
            Fate::Stays(old, new) => stays(pair, old, new, changes),
        }
    }
}

fn stays(pair: &Pair<'_>, old: &Cluster, new: &Cluster, changes: &mut Vec<Change>) {
    if old.title != new.title {
        changes.push(Change::notice(AREA, &new.name, "another title").was(old.title.clone()).is(new.title.clone()));
    }
    if old.visibility_index != new.visibility_index {
        let what = "another visibility index, which begins empty: executions in the old one are not listed any more";
        changes.push(
            Change::danger(AREA, &new.name, what).was(old.visibility_index.clone()).is(new.visibility_index.clone()),
        );
    }
    let (servers_before, servers_after) = (server(pair.before, old), server(pair.after, new));
    for &(variable, key, severity, why) in SETTINGS {
        let of = |server: Option<&Service>| server.and_then(|server| environment(server, variable)).cloned();
        let (before, after) = (of(servers_before), of(servers_after));
        let same = match (&before, &after) {
            (Some(before), Some(after)) => pair.same(before, after),
            _ => before == after,
        };
        if !same {
            let what =
                if why.is_empty() { format!("{} changed", quoted(key)) } else { format!("{} {why}", quoted(key)) };
            changes.push(
                Change::new(severity, AREA, &new.name, what)
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
        let shown = |value: &DynamicValue| match value {
            DynamicValue::Boolean(boolean) => boolean.to_string(),
            DynamicValue::Integer(number) => number.to_string(),
            DynamicValue::Float(number) => number.to_string(),
            DynamicValue::String(text) => text.clone(),
        };
        value(
            changes,
            (AREA, &new.name),
            &setting.key,
            before.map(|setting| shown(&setting.value)),
            after.map(|setting| shown(&setting.value)),
        );
    }
}

/// A server of the cluster: what belongs to the cluster is the same in all of them.
fn server<'s>(stack: &'s Stack, cluster: &Cluster) -> Option<&'s Service> {
    let name = cluster.services.first()?;
    stack.services.iter().find(|service| service.name == *name)
}

fn environment<'s>(service: &'s Service, variable: &str) -> Option<&'s Text> {
    service.environment.iter().find(|(name, _)| name == variable).map(|(_, value)| value)
}

/// Whether a variable of a service is told with its cluster.
pub(super) fn tells(pair: &Pair<'_>, service: &str, variable: &str) -> bool {
    let member = |stack: &Stack| {
        stack
            .clusters
            .iter()
            .find(|cluster| cluster.services.iter().any(|name| name == service))
            .map(|c| c.name.clone())
    };
    let known = DERIVED.contains(&variable) || SETTINGS.iter().any(|(name, ..)| *name == variable);
    known && member(pair.before).is_some() && member(pair.before) == member(pair.after)
}
