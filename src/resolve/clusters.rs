//! `[clusters.<name>]`.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::service::replicas;
use super::{Resolver, kinds, names};
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::kind::{Address, ClusterServer, Dsql, Namespace, Postgresql, Reservoir, Store, Visibility};
use crate::model::text::Text;
use crate::spec::decode::{Spanned, shown};
use crate::spec::kind::{Role, SCHEMA, SettingValue, Takes};
use crate::spec::service::Service;
use crate::spec::stack::{self as spec, Cluster, LOG_LEVEL, PERSISTENCE, Persistence, RETENTION};
use crate::spec::text::Tree;
use crate::spec::value::{Duration, Identifier};

/// DSQL closes connections after 60 minutes.
const DSQL_LIFETIME_MILLISECONDS: u64 = 60 * 60_000;

/// The default lifetime of a connection, in minutes.
const CONNECTION_LIFETIME: u32 = 55;

/// The namespace that Temporal's programs use unless they are told another one.
const DEFAULT_NAMESPACE: &str = "default";

/// What the store of a cluster's visibility provides.
pub(super) const VISIBILITY: &str = "visibility";

/// What a database server provides.
const SQL: &str = "sql";

/// What registers the namespaces of a cluster.
pub(super) const NAMESPACES: &str = "temporal-namespaces";

/// Temporal's index template covers the indices that begin like this (admin-tools 1.31.2); another
/// would get no mappings, and the tool switches auto-creation off.
const INDEX_PREFIX: &str = "temporal_visibility_v1";

/// Connections that the pools of the clusters leave to others: 3 are reserved for superusers
/// (`superuser_reserved_connections` of PostgreSQL), the rest is for the schema's one-shots, the healthcheck and `psql`.
const SPARE_CONNECTIONS: u32 = 10;

/// The connections that PostgreSQL allows by default (`max_connections`).
const MAX_CONNECTIONS: u32 = 100;

/// The databases that PostgreSQL copies for each new one: what a cluster creates there is in the next one, too.
const TEMPLATES: [&str; 2] = ["template0", "template1"];

/// Temporal's own namespace (`SystemLocalNamespace` in `common/primitives/namespaces.go` of Temporal 1.31.2).
const SYSTEM_NAMESPACE: &str = "temporal-system";

/// The shortest retention that a server accepts (`MinRetentionLocal` in `common/namespace/const.go` of Temporal 1.31.2).
const SHORTEST_RETENTION_MILLISECONDS: u64 = 3_600_000;

/// The pools of the clusters in a PostgreSQL service.
#[derive(Default)]
pub(super) struct Pools {
    /// The connections that they open at most.
    needed: u64,
    /// The size of those that have none in the spec.
    share: u64,
    /// The first size in the spec.
    written: Option<Span>,
}

/// Where a cluster persists.
pub(super) fn persistence(cluster: &Cluster) -> Persistence {
    let otherwise = if lacks_persistence(cluster) { Persistence::Postgresql } else { PERSISTENCE };
    cluster.persistence.as_ref().map_or(otherwise, |persistence| persistence.value)
}

/// Whether a cluster only describes PostgreSQL, and doesn't say that it persists there, which is reported.
fn lacks_persistence(cluster: &Cluster) -> bool {
    cluster.persistence.is_none() && cluster.postgresql.is_some() && cluster.dsql.is_none()
}

/// The database of a cluster's workflows in PostgreSQL, and where it is named.
fn database(name: &Spanned<String>, cluster: &Cluster) -> Spanned<String> {
    let named = cluster.postgresql.as_ref().and_then(|own| own.database.as_ref());
    named.map_or_else(|| name.clone(), text_of)
}

fn text_of(name: &Spanned<Identifier>) -> Spanned<String> {
    Spanned { value: name.value.0.clone(), span: name.span }
}

/// The database of a cluster's visibility in PostgreSQL, and where it is named.
fn visibility_database(name: &Spanned<String>, cluster: &Cluster) -> Spanned<String> {
    let named = cluster.postgresql.as_ref().and_then(|own| own.visibility_database.as_ref());
    let derived = || {
        let database = database(name, cluster);
        Spanned { value: format!("{}_visibility", database.value), span: database.span }
    };
    named.map_or_else(derived, text_of)
}

/// Whether the visibility of a cluster is in PostgreSQL.
fn has_sql_visibility(cluster: &Cluster) -> bool {
    persistence(cluster) == Persistence::Postgresql && cluster.visibility.is_none()
}

/// The namespaces of a cluster; `default` if the spec names none.
pub(super) fn namespaces(cluster: &Cluster) -> Vec<Namespace> {
    let namespace = |name: &str, retention: Option<&Spanned<Duration>>| {
        let written = retention.map(|retention| retention.value.clone());
        Some(Namespace { name: name.to_owned(), retention: written.or_else(|| Duration::parse(RETENTION))? })
    };
    if cluster.namespaces.is_empty() {
        return namespace(DEFAULT_NAMESPACE, None).into_iter().collect();
    }
    cluster.namespaces.iter().filter_map(|(name, own)| namespace(name, own.retention.as_ref())).collect()
}

/// The namespace that programs use unless they are told another one: `default`, or else the first of the cluster.
pub(super) fn main_namespace(cluster: &Cluster) -> &str {
    let has_default = cluster.namespaces.knows(DEFAULT_NAMESPACE);
    cluster.namespaces.names().next().filter(|_| !has_default).unwrap_or(DEFAULT_NAMESPACE)
}

impl<'a> Resolver<'a> {
    pub(super) fn clusters(&mut self) -> Vec<model::Cluster> {
        let spec = self.spec;
        let mut clusters: Vec<model::Cluster> = Vec::with_capacity(spec.clusters.entries.len());
        for (name, cluster) in spec.clusters.iter() {
            self.check_stores(name, cluster);
            if cluster.history_shards.value == 0 {
                self.report(zero("history_shards", cluster.history_shards.span));
            }
            let members: Vec<String> = self.servers(&name.value).map(|(server, _)| server.value.clone()).collect();
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
            self.check_one_shots(name);
            self.check_kinds_of_servers(name);
            let namespaces = namespaces(cluster);
            if !members.is_empty() && self.of_cluster(NAMESPACES, &name.value).next().is_none() {
                let title = format!("nothing registers the namespaces of cluster `{}`", name.value);
                self.report_unused(
                    "unknown-cluster",
                    Diagnostic::new("unregistered-namespace", title, name.span).help(format!(
                        "add a service with `kind = \"temporal-namespaces\"` and `cluster = \"{}\"`",
                        name.value
                    )),
                );
            }
            let dynamic_config = self.dynamic_config(cluster);
            let server = self.cluster_server(name, cluster);
            self.check_index(name, cluster, server.index(), &clusters);
            let variables = kinds::server_environment(&server).into_iter().map(|(variable, _)| variable);
            clusters.push(model::Cluster {
                name: name.value.clone(),
                title: cluster.title.clone().unwrap_or_else(|| name.value.clone()),
                variables: variables.collect(),
                server,
                dynamic_config,
                namespaces,
                services: members,
            });
        }
        self.check_databases();
        self.check_users();
        clusters
    }

    /// The services of kinds that do something for one cluster.
    pub(super) fn of_cluster(
        &self,
        what: &str,
        cluster: &str,
    ) -> impl Iterator<Item = (&'a Spanned<String>, &'a Service)> + use<'a> {
        let what = what.to_owned();
        let is_such = move |service: &Service| service.kind.as_ref().is_some_and(|kind| kind.value.provides(&what));
        self.services_at(self.of_clusters.get(cluster)).filter(move |(_, service)| is_such(service))
    }

    /// The servers of a cluster.
    pub(super) fn servers(&self, cluster: &str) -> impl Iterator<Item = (&'a Spanned<String>, &'a Service)> + use<'a> {
        let is_server = |service: &Service| service.kind.as_ref().is_some_and(|kind| kind.takes(Takes::Role));
        self.services_at(self.of_clusters.get(cluster)).filter(move |(_, service)| is_server(service))
    }

    /// One of each is enough: several would wait for each other, or create the same at once.
    fn check_one_shots(&mut self, name: &'a Spanned<String>) {
        for what in [NAMESPACES, SCHEMA] {
            let mut services = self.of_cluster(what, &name.value);
            let Some((first, _)) = services.next() else { continue };
            for (other, _) in services {
                let title = format!("cluster `{}` has two services of kind `{what}`", name.value);
                self.report(
                    Diagnostic::new("contradiction", title, other.span)
                        .also(first.span, "the other one")
                        .help("remove one of them"),
                );
            }
        }
    }

    /// Their configuration has the ports of one kind.
    fn check_kinds_of_servers(&mut self, name: &'a Spanned<String>) {
        let mut servers = self.servers(&name.value).filter_map(|(_, server)| server.kind.as_ref());
        let Some(first) = servers.next() else { return };
        if let Some(other) = servers.find(|kind| kind.value != first.value) {
            let title = format!("the servers of cluster `{}` are of different kinds", name.value);
            self.report(
                Diagnostic::new("contradiction", title, other.span)
                    .also(first.span, "the other kind")
                    .help(format!("set `kind = \"{}\"`, or use another cluster", first.value.as_str())),
            );
        }
    }

    fn check_namespaces(&mut self, cluster: &Cluster) {
        for (name, namespace) in cluster.namespaces.iter() {
            if name.value == SYSTEM_NAMESPACE {
                let title = format!("invalid namespace `{SYSTEM_NAMESPACE}`");
                self.report(Diagnostic::new("invalid-name", title, name.span).at("Temporal's own").help("rename it"));
            }
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            if !plain || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                self.report(
                    Diagnostic::new("invalid-name", format!("invalid namespace `{}`", shown(name)), name.span)
                        .help("use letters, digits, `_`, `-` and `.`, starting with a letter or a digit"),
                );
            }
            if let Some(retention) = &namespace.retention
                && retention.milliseconds < SHORTEST_RETENTION_MILLISECONDS
            {
                let title = format!("invalid retention `{}`", retention.text);
                self.report(
                    Diagnostic::new("number-out-of-range", title, retention.span)
                        .at("must be at least 1h")
                        .help(format!("lengthen it, or remove it to use the default of {RETENTION}")),
                );
            }
        }
    }

    /// Checks what a cluster says about its stores.
    fn check_stores(&mut self, name: &Spanned<String>, cluster: &Cluster) {
        self.check_namespaces(cluster);
        if !has_sql_visibility(cluster) {
            self.check_visibility(name, cluster);
        }
        if lacks_persistence(cluster) {
            let title = format!("missing key `persistence` in cluster `{}`", name.value);
            self.report_missing(
                cluster.sound,
                Diagnostic::new("missing-key", title, name.span).help("add `persistence = \"postgresql\"`"),
            );
        }
        match persistence(cluster) {
            Persistence::Dsql => match &cluster.dsql {
                Some(dsql) => self.check_dsql(dsql),
                None => self.report_missing(
                    cluster.sound,
                    Diagnostic::new(
                        "missing-key",
                        format!("missing key `dsql` in cluster `{}`", name.value),
                        name.span,
                    )
                    .help(format!(
                        "add `[clusters.{}.dsql]` with `host` and `pool`, or set `persistence = \"postgresql\"`",
                        name.value
                    )),
                ),
            },
            Persistence::Postgresql => self.check_postgresql(name, cluster),
        }
    }

    fn check_visibility(&mut self, name: &Spanned<String>, cluster: &Cluster) {
        let named = cluster.visibility.as_ref();
        if let Some(named) = named.filter(|_| persistence(cluster) == Persistence::Postgresql) {
            let is = |what: &str| self.find_store(Some(named), what).is_some();
            if is(SQL) && !is(VISIBILITY) {
                let title = format!("service `{}` has no visibility index", named.value);
                let help = "remove `visibility`: without it, visibility is in PostgreSQL";
                self.report(Diagnostic::new("unknown-service", title, named.span).help(help));
                return;
            }
            if let Some(database) = cluster.postgresql.as_ref().and_then(|own| own.visibility_database.as_ref()) {
                let title = format!("the visibility of cluster `{}` is not in PostgreSQL", name.value);
                self.report(
                    Diagnostic::new("contradiction", title, database.span)
                        .also(named.span, "it is in this service")
                        .help("remove `visibility_database`, or remove `visibility` to use it"),
                );
            }
        }
        let what = format!("the visibility of cluster `{}`", name.value);
        if let Some(found) = self.store(("visibility", named), VISIBILITY, &what, name.span) {
            self.check_queried(found, VISIBILITY);
        }
    }

    fn check_postgresql(&mut self, name: &Spanned<String>, cluster: &Cluster) {
        let own = cluster.postgresql.as_ref();
        let named = own.and_then(|own| own.service.as_ref());
        let what = format!("the persistence of cluster `{}`", name.value);
        if let Some(found) = self.store(("postgresql.service", named), SQL, &what, name.span) {
            self.check_queried(found, SQL);
        }
        if let Some(pool) = own.and_then(|own| own.pool.as_ref()).filter(|pool| pool.value == 0) {
            self.report(zero("pool", pool.span));
        }
        let visibility =
            has_sql_visibility(cluster).then(|| ("visibility_database", visibility_database(name, cluster)));
        for (key, database) in std::iter::once(("database", database(name, cluster))).chain(visibility) {
            let title = format!("invalid database name `{}`", shown(&database));
            let is_reported = database.span == name.span && names::problem(&name.value).is_some();
            if !is_reported && !Identifier::is_valid(&database) {
                // It is derived: one in the spec was checked where it was read.
                let help = format!("set `postgresql.{key}`; {}", Identifier::HELP);
                self.report(Diagnostic::new("invalid-name", title, database.span).help(help));
                break;
            }
            if TEMPLATES.contains(&database.as_str()) {
                self.report(
                    Diagnostic::new("invalid-name", title, database.span)
                        .at("PostgreSQL copies it for each new database")
                        .help("rename it"),
                );
            }
        }
    }

    /// Reports users that the first start of PostgreSQL can't create (`initdb --username` of PostgreSQL 15).
    fn check_users(&mut self) {
        for (_, service) in self.providers(SQL) {
            let user = service.settings.as_ref().and_then(|settings| settings.named("user"));
            let Some(user) = user.filter(|user| user.starts_with("pg_") || ["none", "public"].contains(&user.as_str()))
            else {
                continue;
            };
            let title = format!("invalid user `{}`", shown(&user));
            self.report(
                Diagnostic::new("invalid-name", title, user.span).at("reserved by PostgreSQL").help("rename it"),
            );
        }
    }

    /// Reports a service that provides a store, and whose kind doesn't say where it listens.
    fn check_queried(&mut self, service: &str, what: &str) {
        let is_reached = self.query_address(service, what).is_some();
        if let Some((kind, _)) = self.kind_of(service).filter(|_| !is_reached) {
            let title = format!("the kind `{}` does not say where `{what}` is reached", kind.as_str());
            let help = format!("add `query` to `[provides.{what}]`: the name of a port or an endpoint");
            self.report(Diagnostic::new("invalid-kind", title, kind.place()).help(help));
        }
    }

    fn check_dsql(&mut self, dsql: &spec::Dsql) {
        if dsql.pool.value == 0 {
            self.report(zero("pool", dsql.pool.span));
        }
        if let Some(lifetime) = &dsql.connection_lifetime
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

    /// Reports databases that two stores share, and pools that are larger than what PostgreSQL allows.
    fn check_databases(&mut self) {
        let spec = self.spec;
        let mut taken: HashMap<(&str, String), Span> = HashMap::new();
        for (name, cluster) in spec.clusters.iter() {
            let Some(service) = self.postgresql_service(cluster) else { continue };
            let mut databases = vec![database(name, cluster)];
            databases.extend(has_sql_visibility(cluster).then(|| visibility_database(name, cluster)));
            for database in databases {
                let span = database.span;
                if let Some(other) = taken.insert((service, database.value.clone()), span) {
                    self.report(
                        Diagnostic::new("database-clash", format!("duplicate database `{}`", shown(&database)), span)
                            .also(other, "the other one")
                            .help("rename one of them: each cluster needs a database for workflows and one for visibility"),
                    );
                }
            }
        }
        self.check_pools();
    }

    fn check_pools(&mut self) {
        for (service, pools) in self.pools().iter() {
            let (allowed, needed) =
                (self.max_connections(service), pools.needed.saturating_add(SPARE_CONNECTIONS.into()));
            if needed <= u64::from(allowed.value) {
                continue;
            }
            let title =
                format!("the clusters in `{service}` need {needed} connections, and it allows {}", allowed.value);
            let mut diagnostic = Diagnostic::new("too-few-connections", title, allowed.span);
            if let Some(pool) = pools.written {
                diagnostic = diagnostic.also(pool, "each role opens such a pool for each database");
            }
            self.report(diagnostic.help(format!(
                "set `services.{service}.settings.max_connections` to at least {needed}, or lower or remove `pool`"
            )));
        }
    }

    /// The pools in each PostgreSQL service, counted once.
    fn pools(&mut self) -> Rc<BTreeMap<&'a str, Pools>> {
        if let Some(pools) = &self.pools {
            return pools.clone();
        }
        let spec = self.spec;
        let mut roles: HashMap<&str, u32> = HashMap::new();
        for (_, server) in spec.services.iter() {
            if let (Some(kind), Some(cluster)) = (&server.kind, &server.cluster)
                && kind.takes(Takes::Role)
            {
                // Each role opens its own pools, also if they share a process.
                let own = if server.role.is_some() { 1 } else { u32::try_from(Role::ALL.len()).unwrap_or(u32::MAX) };
                let replicas = match replicas(server) {
                    Some((_, &Tree::Integer(count))) => u32::try_from(count).unwrap_or(u32::MAX),
                    _ => 1,
                };
                let counted = roles.entry(&cluster.value).or_default();
                *counted = counted.saturating_add(replicas.saturating_mul(own));
            }
        }
        let mut pools: BTreeMap<&'a str, Pools> = BTreeMap::new();
        // Those without a size share what the others leave.
        let mut others: HashMap<&'a str, u32> = HashMap::new();
        for (name, cluster) in spec.clusters.iter() {
            let Some(service) = self.postgresql_service(cluster) else { continue };
            let databases = if has_sql_visibility(cluster) { 2 } else { 1 };
            let count = roles.get(name.as_str()).map_or(0, |roles| roles.saturating_mul(databases));
            let own = pools.entry(service).or_default();
            if let Some(pool) = written_pool(cluster) {
                own.needed = own.needed.saturating_add(u64::from(count) * u64::from(pool.value));
                own.written = own.written.or(Some(pool.span));
            } else {
                let others = others.entry(service).or_default();
                *others = others.saturating_add(count);
            }
        }
        for (service, own) in &mut pools {
            let count = u64::from(others.get(service).copied().unwrap_or_default());
            let left = u64::from(self.max_connections(service).value.saturating_sub(SPARE_CONNECTIONS));
            own.share = (left.saturating_sub(own.needed) / count.max(1)).max(1);
            own.needed = own.needed.saturating_add(count * own.share);
        }
        self.pools.insert(Rc::new(pools)).clone()
    }

    /// The connections that a PostgreSQL service allows, and where that is said.
    fn max_connections(&self, service: &str) -> Spanned<u32> {
        let found = self.kind_of(service);
        let written = found.and_then(|(_, settings)| settings?.get("max_connections"));
        let declared = found.and_then(|(kind, _)| kind.declaration().settings.get("max_connections")?.default_value());
        let number = |value: &SettingValue| match value {
            SettingValue::Integer(number) => Some(*number),
            _ => None,
        };
        match written {
            Some(Spanned { value: SettingValue::Integer(number), span }) => Spanned { value: *number, span: *span },
            _ => Spanned {
                value: declared.as_ref().and_then(number).unwrap_or(MAX_CONNECTIONS),
                span: self.service_span(service),
            },
        }
    }

    /// The PostgreSQL service in which a cluster persists.
    pub(super) fn postgresql_service(&self, cluster: &Cluster) -> Option<&'a str> {
        if persistence(cluster) != Persistence::Postgresql {
            return None;
        }
        self.find_store(cluster.postgresql.as_ref().and_then(|own| own.service.as_ref()), SQL)
    }

    /// An index gets its mappings from Temporal's template, and belongs to one cluster.
    fn check_index(
        &mut self,
        name: &Spanned<String>,
        cluster: &Cluster,
        index: Option<&str>,
        others: &[model::Cluster],
    ) {
        let place_of = |name: &Spanned<String>, cluster: &Cluster| {
            cluster.visibility_index.as_ref().map_or(name.span, |index| index.span)
        };
        let Some(index) = index else { return };
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
        if let Some(other) = others.iter().find(|other| other.server.index() == Some(index)) {
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
    pub(super) fn cluster_server(&mut self, name: &Spanned<String>, cluster: &Cluster) -> ClusterServer {
        let store = match persistence(cluster) {
            Persistence::Dsql => Store::Dsql(self.dsql(cluster)),
            Persistence::Postgresql => Store::Postgresql(self.postgresql(name, cluster)),
        };
        ClusterServer {
            store,
            visibility: self.visibility(name, cluster),
            history_shards: cluster.history_shards.value,
            log_level: cluster.log_level.as_ref().map_or(LOG_LEVEL, |level| level.value),
        }
    }

    /// Where the visibility of a cluster is.
    pub(super) fn visibility(&self, name: &Spanned<String>, cluster: &Cluster) -> Visibility {
        if has_sql_visibility(cluster) {
            return Visibility::Postgresql { database: visibility_database(name, cluster).value };
        }
        let index = cluster.visibility_index.as_ref().map(|index| index.value.clone());
        Visibility::Elasticsearch {
            address: self.visibility_store(cluster),
            index: index.unwrap_or_else(|| format!("{INDEX_PREFIX}_{}", name.value)),
        }
    }

    /// The DSQL database of a cluster; an empty one if it is missing, which is reported.
    pub(super) fn dsql(&mut self, cluster: &Cluster) -> Dsql {
        let Some(dsql) = &cluster.dsql else {
            return Dsql {
                host: "".into(),
                database: "".into(),
                pool: 1,
                connection_lifetime: Duration::minutes(CONNECTION_LIFETIME),
                token_duration: None,
                staggered_startup: None,
                reservoir: None,
            };
        };
        Dsql {
            host: self.text(&dsql.host.value),
            database: dsql.database.as_ref().map_or_else(|| "postgres".into(), |database| self.text(database)),
            pool: dsql.pool.value,
            connection_lifetime: match &dsql.connection_lifetime {
                Some(lifetime) => lifetime.value.clone(),
                None => Duration::minutes(CONNECTION_LIFETIME),
            },
            token_duration: dsql.token_duration.as_ref().map(|duration| duration.value.clone()),
            staggered_startup: dsql.staggered_startup,
            reservoir: dsql.reservoir.as_ref().map(|reservoir| Reservoir {
                target: reservoir.target.value,
                base_lifetime: reservoir.base_lifetime.value.clone(),
                lifetime_jitter: reservoir.lifetime_jitter.value.clone(),
                guard_window: reservoir.guard_window.value.clone(),
            }),
        }
    }

    /// The PostgreSQL database of a cluster.
    pub(super) fn postgresql(&mut self, name: &Spanned<String>, cluster: &Cluster) -> Postgresql {
        let service = self.postgresql_service(cluster);
        let share = service.and_then(|service| self.pools().get(service).map(|pools| pools.share));
        let share = share.and_then(|share| u32::try_from(share).ok());
        Postgresql {
            address: service.and_then(|service| self.query_address(service, SQL)),
            user: service.and_then(|service| self.setting_text(service, "user")).unwrap_or_else(|| "postgres".into()),
            password: service.and_then(|service| self.setting_text(service, "password")),
            database: database(name, cluster).value,
            pool: written_pool(cluster).map_or(share.unwrap_or(1), |pool| pool.value),
        }
    }

    /// Where a service is asked for what it provides, if its kind says so.
    pub(super) fn query_address(&self, service: &str, what: &str) -> Option<Address> {
        self.provided(service, what, |provision| provision.query.as_ref())
    }

    /// A setting of another service, or the default of its kind.
    fn setting_text(&mut self, service: &str, setting: &str) -> Option<Text> {
        let (kind, settings) = self.kind_of(service)?;
        let written = settings.and_then(|settings| settings.get(setting));
        match written.map(|written| &written.value) {
            Some(SettingValue::Text(text)) => Some(self.text(text)),
            Some(SettingValue::String(text)) => Some(text.as_str().into()),
            Some(_) => None,
            None => match kind.declaration().settings.get(setting)?.default_value()? {
                SettingValue::Text(text) => text.literal().map(Text::from),
                SettingValue::String(text) => Some(text.into()),
                _ => None,
            },
        }
    }
}

/// The size of the pools of a cluster, if it is written.
fn written_pool(cluster: &Cluster) -> Option<&Spanned<u32>> {
    cluster.postgresql.as_ref()?.pool.as_ref()
}

pub(super) fn zero(key: &str, span: Span) -> Diagnostic {
    Diagnostic::new("number-out-of-range", "0 is out of range", span)
        .at("must be at least 1")
        .help(format!("set `{key}` to a positive number"))
}
