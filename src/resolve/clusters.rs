//! `[clusters.<name>]`.

use super::{Resolver, kinds};
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::kind::{ClusterServer, Reservoir};
use crate::model::text::Text;
use crate::spec::decode::{Spanned, shown};
use crate::spec::kind::Takes;
use crate::spec::stack::{Cluster, LOG_LEVEL};
use crate::spec::value::Duration;

/// DSQL closes connections after 60 minutes.
const DSQL_LIFETIME_MILLISECONDS: u64 = 60 * 60_000;

/// The default lifetime of a connection, in minutes.
const CONNECTION_LIFETIME: u32 = 55;

/// What the store of a cluster's visibility provides.
pub(super) const VISIBILITY: &str = "visibility";

/// What creates the indices in it.
pub(super) const INDICES: &str = "visibility-indices";

/// Temporal's index template covers the indices that begin like this (admin-tools 1.31.2); another
/// would get no mappings, and the tool switches auto-creation off.
const INDEX_PREFIX: &str = "temporal_visibility_v1";

/// The visibility index of a cluster, shared by the server and the one-shot.
pub(super) fn visibility_index(name: &str, cluster: &Cluster) -> String {
    cluster.visibility_index.as_ref().map_or_else(|| format!("{INDEX_PREFIX}_{name}"), |index| index.value.clone())
}

impl Resolver<'_> {
    pub(super) fn clusters(&mut self, services: &[model::Service]) -> Vec<model::Cluster> {
        let spec = self.spec;
        let mut clusters: Vec<model::Cluster> = Vec::with_capacity(spec.clusters.entries.len());
        for (name, cluster) in spec.clusters.iter() {
            self.store(
                ("visibility", cluster.visibility.as_ref()),
                VISIBILITY,
                &format!("the visibility of cluster `{}`", name.value),
                name.span,
            );
            let index = visibility_index(&name.value, cluster);
            self.check_index(name, cluster, &index, &clusters);
            self.check_lifetime(cluster);
            for (key, number) in [("history_shards", &cluster.history_shards), ("pool", &cluster.pool)] {
                if number.value == 0 {
                    self.report(
                        Diagnostic::new("number-out-of-range", "0 is out of range", number.span)
                            .at("must be at least 1")
                            .help(format!("set `{key}` to a positive number")),
                    );
                }
            }
            let members: Vec<String> = services
                .iter()
                .filter(|service| service.kind.as_ref().is_some_and(|kind| kind.takes(Takes::Role)))
                .filter(|service| {
                    let written =
                        self.index.get(service.name.as_str()).and_then(|&index| spec.services.entries.get(index));
                    written
                        .and_then(|(_, service)| service.cluster.as_ref())
                        .is_some_and(|cluster| cluster.value == name.value)
                })
                .map(|service| service.name.clone())
                .collect();
            if members.is_empty() {
                if self.removes() {
                    continue;
                }
                self.report_unused(
                    "unknown-cluster",
                    Diagnostic::new(
                        "unused-cluster",
                        format!("unused cluster `{}`", name.value),
                        name.span,
                    )
                    .help(format!(
                        "add a service with `kind = \"temporal-server\"` and `cluster = \"{}\"`, or remove the cluster",
                        name.value
                    )),
                );
            }
            let mut dynamic_config = Vec::with_capacity(cluster.dynamic_config.entries.len());
            for (key, value) in cluster.dynamic_config.iter() {
                match kinds::dynamic_setting(key, value) {
                    Ok(setting) => dynamic_config.push(setting),
                    Err(diagnostic) => self.report(*diagnostic),
                }
            }
            let server = self.cluster_server(cluster);
            let variables = kinds::server_environment(&server, &index).into_iter().map(|(variable, _)| variable);
            clusters.push(model::Cluster {
                name: name.value.clone(),
                title: cluster.title.clone().unwrap_or_else(|| name.value.clone()),
                variables: variables.collect(),
                server,
                visibility_index: index,
                dynamic_config,
                services: members,
            });
        }
        clusters
    }

    fn check_lifetime(&mut self, cluster: &Cluster) {
        if let Some(lifetime) = &cluster.connection_lifetime
            && lifetime.milliseconds >= DSQL_LIFETIME_MILLISECONDS
        {
            self.report(
                Diagnostic::new(
                    "connection-lifetime",
                    "Aurora DSQL closes connections after 60 minutes",
                    lifetime.span,
                )
                .at("must be less than 60m")
                .help("shorten it, or remove it to use the default of 55m"),
            );
        }
    }

    /// An index gets its mappings from Temporal's template, and belongs to one cluster.
    fn check_index(&mut self, name: &Spanned<String>, cluster: &Cluster, index: &str, others: &[model::Cluster]) {
        let place_of = |name: &Spanned<String>, cluster: &Cluster| {
            cluster.visibility_index.as_ref().map_or(name.span, |index| index.span)
        };
        let place = place_of(name, cluster);
        let plain = index.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c));
        if !index.starts_with(INDEX_PREFIX) || !plain {
            let title = format!("invalid index name `{}`", shown(index));
            self.report(
                Diagnostic::new("index-outside-template", title, place)
                    .at(format!("must start with `{INDEX_PREFIX}` to get its mappings"))
                    .help(format!(
                        "use lowercase letters, digits and `_`, or remove it to use `{INDEX_PREFIX}_{}`",
                        name.value
                    )),
            );
        }
        if let Some(other) = others.iter().find(|other| other.visibility_index == index) {
            let mut written = self.spec.clusters.iter();
            let other = written.find(|(known, _)| known.value == other.name);
            self.report(
                Diagnostic::new("index-clash", format!("duplicate index `{index}`"), place)
                    .also(other.map_or(place, |(name, cluster)| place_of(name, cluster)), "the other one")
                    .help("remove `visibility_index`: by default each cluster has its own index"),
            );
        }
    }

    /// What the servers of a cluster share. The caller then refers to its variables.
    pub(super) fn cluster_server(&mut self, cluster: &Cluster) -> ClusterServer {
        ClusterServer {
            host: self.text(&cluster.host.value),
            database: self.database(cluster),
            history_shards: cluster.history_shards.value,
            pool: cluster.pool.value,
            connection_lifetime: match &cluster.connection_lifetime {
                Some(lifetime) => lifetime.value.clone(),
                None => Duration::minutes(CONNECTION_LIFETIME),
            },
            log_level: cluster.log_level.as_ref().map_or(LOG_LEVEL, |level| level.value),
            visibility: self.visibility_store(cluster),
            token_duration: cluster.token_duration.as_ref().map(|duration| duration.value.clone()),
            staggered_startup: cluster.staggered_startup,
            reservoir: cluster.reservoir.as_ref().map(|reservoir| Reservoir {
                target: reservoir.target.value,
                base_lifetime: reservoir.base_lifetime.value.clone(),
                lifetime_jitter: reservoir.lifetime_jitter.value.clone(),
                guard_window: reservoir.guard_window.value.clone(),
            }),
        }
    }

    /// The database of a cluster.
    pub(super) fn database(&mut self, cluster: &Cluster) -> Text {
        cluster.database.as_ref().map_or_else(|| "postgres".into(), |database| self.text(database))
    }
}
