//! Temporal's servers.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::{Preset, fixed, generated, in_shell, needs};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, suggestion};
use crate::model;
use crate::model::kind::{Address, ClusterServer, Dsql, DynamicSetting, DynamicValue, SQL_PLUGIN, Store, Visibility};
use crate::model::service::Command;
use crate::model::text::Text;
use crate::resolve::clusters::{NAMESPACES, VISIBILITY, namespaces, persistence};
use crate::resolve::health::{nc, run};
use crate::resolve::images::TEMPORAL_HOME;
use crate::resolve::service::replicas;
use crate::resolve::{Resolver, add_a_provider};
use crate::spec::decode::{Spanned, expected, listed, shown};
use crate::spec::kind::{INDICES, SCHEMA, Takes};
use crate::spec::service::{Condition, Role, Service};
use crate::spec::stack::{Cluster, Persistence};
use crate::spec::text::Tree;
use crate::spec::value::Duration;

/// The keys that Temporal 1.31.2 reads from dynamic configuration, their types, and the release with which they came if
/// that is newer than the one that the server with the DSQL plugin is based on. Others are only a warning in
/// its log. Written by `target/consumers/dynamic-config-keys` from the server's own registry.
const DYNAMIC_CONFIG: &str = include_str!("temporal_dynamic_config.tsv");

/// Where a server finds its configuration if it renders that itself.
const CONFIG: &str = "/etc/temporal/config/temporal.yaml";

impl<'a> Resolver<'a> {
    /// The cluster that a service names.
    pub(super) fn cluster_of(
        &mut self,
        name: &Spanned<String>,
        service: &'a Service,
    ) -> Option<(&'a Spanned<String>, &'a Cluster)> {
        let spec = self.spec;
        let Some(wanted) = &service.cluster else {
            self.report_missing(
                service.sound,
                Diagnostic::new("missing-key", format!("missing key `cluster` in service `{}`", name.value), name.span)
                    .help(if spec.clusters.is_empty() {
                        "declare one: `[clusters.<name>]`".to_owned()
                    } else {
                        format!("add `cluster = …` with one of {}", listed(spec.clusters.names()))
                    }),
            );
            return None;
        };
        let found = self.find_cluster(service);
        if found.is_none() && !spec.clusters.knows(&wanted.value) {
            let title = format!("unknown cluster `{}`", shown(&wanted.value));
            self.report_unknown(
                ("unknown-cluster", title),
                "clusters",
                (&wanted.value, wanted.span),
                spec.clusters.names(),
                || format!("declare it: `[clusters.{}]`", wanted.value),
            );
        }
        found
    }

    fn find_cluster(&self, service: &Service) -> Option<(&'a Spanned<String>, &'a Cluster)> {
        let wanted = service.cluster.as_ref()?;
        self.spec.clusters.iter().find(|(known, _)| known.value == wanted.value)
    }

    /// Reports a role that a cluster needs but no service runs, once for all services that need it.
    pub(super) fn missing_role(&mut self, cluster: &Spanned<String>, role: Role) {
        // A service with a misspelled cluster may have meant this one.
        let certain = self.spec.sound && !self.diagnostics.has("unknown-cluster");
        self.report_missing(
            certain,
            Diagnostic::new(
                "missing-role",
                format!("missing {} service for cluster `{}`", role.as_str(), cluster.value),
                cluster.span,
            )
            .help(format!(
                "add a service with `role = \"{}\"`; a service without a role runs all of them",
                role.as_str()
            )),
        );
    }

    /// The service of a cluster that runs a role, or all of them.
    pub(in crate::resolve) fn member(&self, cluster: &str, role: Role) -> Option<&'a str> {
        self.servers(cluster)
            .find(|(_, service)| service.role.as_ref().is_none_or(|own| own.value == role))
            .map(|(name, _)| name.value.as_str())
    }

    pub(super) fn temporal_server(&mut self, name: &'a Spanned<String>, service: &'a Service, preset: &mut Preset) {
        // One that isn't there is reported with what the kind declares.
        let found = self.find_cluster(service);
        let role = service.role.as_ref().map(|role| role.value);
        let is_dsql = found.is_none_or(|(_, cluster)| persistence(cluster) == Persistence::Dsql);
        let mut command = if is_dsql {
            vec!["--config-file", "/etc/temporal/config/persistence-dsql.yaml"]
        } else {
            // The official image has no entrypoint.
            vec!["temporal-server", "--config-file", CONFIG]
        };
        command.extend(["--allow-no-auth", "start"]);
        if let Some(role) = role {
            command.extend(["--service", role.as_str()]);
        }
        if is_dsql {
            preset.aws_home = Some(TEMPORAL_HOME.to_owned());
        } else {
            preset.always_aws = false;
        }
        preset.command = Some(Command::Arguments(command.into_iter().map(Text::from).collect()));
        if let Some((name, cluster)) = found {
            self.wait_for_stores(name, cluster, preset);
        }
        // It writes what describes the cluster; the others must not start before that.
        let is_first =
            found.is_some_and(|(cluster, _)| self.member(&cluster.value, Role::History) == Some(name.value.as_str()));
        if let Some((cluster, _)) = found {
            let waits: &[(Role, Condition)] = match role {
                None | Some(Role::History) if is_first => &[],
                None | Some(Role::History | Role::Matching) => &[(Role::History, Condition::Healthy)],
                Some(Role::Frontend) => &[(Role::History, Condition::Healthy), (Role::Matching, Condition::Started)],
                Some(Role::Worker) => &[(Role::History, Condition::Healthy), (Role::Frontend, Condition::Healthy)],
            };
            for &(other, condition) in waits {
                match self.member(&cluster.value, other) {
                    // One server may run both roles; the first condition is the stricter one.
                    Some(member) if preset.depends_on.iter().any(|known| known.service == member) => {}
                    Some(member) => preset.depends_on.push(needs(member, condition)),
                    None => self.missing_role(cluster, other),
                }
            }
        }
        if let Some((name, cluster)) = found {
            let server = self.cluster_server(name, cluster);
            if is_first && server.postgresql().is_some() {
                self.check_first_server(service);
            }
            let database = server.postgresql().and_then(|own| own.address.as_ref());
            for store in [server.elasticsearch(), database].into_iter().flatten() {
                self.refer_to(store);
            }
            preset.environment = server_environment(&server);
            if server.postgresql().is_some() {
                preset.mounts.push(generated(&model::Cluster::config_of(&name.value), CONFIG));
            }
        }
        let cluster = found.map_or("unknown", |(cluster, _)| cluster.value.as_str());
        preset.description = Some(match role {
            Some(role) => format!("Temporal {} of the {cluster} cluster", role.as_str()),
            None => format!("Temporal server of the {cluster} cluster, all roles"),
        });
        preset
            .mounts
            .push(generated(&format!("dynamicconfig/{cluster}.yaml"), "/etc/temporal/config/dynamicconfig.yaml"));
        // The server listens on the container's own address only, so its host name is probed.
        let host = service.hostname.as_ref().and_then(|host| host.value.literal()).unwrap_or(&name.value);
        let grpc = service.kind.as_ref().and_then(|kind| kind.value.ports_of(role).get("grpc"));
        if let (Some(check), Some(grpc)) = (&mut preset.healthcheck, grpc) {
            check.test = Some(run(nc(host, grpc.target)));
        }
    }

    /// Reports several containers of the first server of a cluster: on an empty database, one of them writes what
    /// describes the cluster, and the others end (`cluster_metadata_info_pkey`).
    fn check_first_server(&mut self, first: &'a Service) {
        if let Some((span, Tree::Integer(2..))) = replicas(first) {
            let title = "replicas of the first server of a cluster start together";
            self.report(
                Diagnostic::new("contradiction", title, span)
                    .at("on an empty database, all but one of them fail")
                    .help("set `instances` instead: the others then wait until the first one is healthy"),
            );
        }
    }

    /// What creates the stores of a cluster must have ended.
    fn wait_for_stores(&mut self, name: &'a Spanned<String>, cluster: &'a Cluster, preset: &mut Preset) {
        let mut wait = |resolver: &mut Self, setups: Vec<&'a Spanned<String>>, what: &str, missing: &str| {
            if setups.is_empty() {
                let title = format!("missing service to create the {missing} of cluster `{}`", name.value);
                resolver.report_missing(
                    resolver.spec.sound,
                    Diagnostic::new("missing-service", title, name.span)
                        .help(add_a_provider(&resolver.profile.kinds, what)),
                );
            }
            preset.depends_on.extend(setups.into_iter().map(|setup| needs(&setup.value, Condition::Completed)));
        };
        // A named service that has no index is reported with the cluster.
        if let Visibility::Elasticsearch { address, .. } = self.visibility(name, cluster)
            && (address.is_some() || cluster.visibility.is_none())
        {
            let setups = self.providers(INDICES).map(|(setup, _)| setup).collect();
            wait(self, setups, INDICES, "visibility index");
        }
        if persistence(cluster) == Persistence::Postgresql {
            let setups = self.of_cluster(SCHEMA, &name.value).map(|(setup, _)| setup).collect();
            wait(self, setups, SCHEMA, "databases");
        }
    }

    /// The one-shot that creates the databases of a cluster in PostgreSQL.
    pub(super) fn temporal_schema(&mut self, _: &'a Spanned<String>, service: &'a Service, preset: &mut Preset) {
        let Some((name, cluster)) = self.find_cluster(service) else { return };
        let server = self.cluster_server(name, cluster);
        let Some(store) = server.postgresql() else {
            self.report_missing(
                cluster.sound,
                Diagnostic::new(
                    "contradiction",
                    format!("cluster `{}` does not persist in PostgreSQL", name.value),
                    service.cluster.as_ref().map_or(name.span, |cluster| cluster.span),
                )
                .also(name.span, "persists in Aurora DSQL, whose schema `gen dev schema setup` creates")
                .help("remove the service, or set `persistence = \"postgresql\"` in the cluster"),
            );
            return;
        };
        // Each command may be repeated, and changes nothing then (admin-tools 1.31.2).
        let mut script = String::from("set -eu\n");
        // Who waits must not run this at the same time. No command only asks for the version, but an update to what a folder has
        // reads it first, and fails at a version that has no manifest unless a later one is there.
        let mut effect = String::from("set -eu\nmkdir -p /tmp/schema/v0.1\n");
        let mut create = |database: &str, schema: &str| {
            for command in ["create-database", "setup-schema --version 0.0"] {
                let _ = writeln!(script, "temporal-sql-tool --database {database} {command}");
            }
            let update = format!("update-schema --schema-name postgresql/v12/{schema}");
            let _ = writeln!(script, "temporal-sql-tool --database {database} {update}");
            let _ = writeln!(effect, "temporal-sql-tool --database {database} update-schema --schema-dir /tmp/schema");
        };
        create(&store.database, "temporal");
        if let Visibility::Postgresql { database } = &server.visibility {
            create(database, "visibility");
        }
        preset.effect = Some(in_shell(&effect));
        preset.command = Some(Command::Arguments(vec![script.into()]));
        preset.environment.push(fixed("SQL_PLUGIN", SQL_PLUGIN));
        if let Some(address) = &store.address {
            preset.environment.push(fixed("SQL_HOST", address.host()));
            preset.environment.push(fixed("SQL_PORT", address.port.to_string()));
            self.refer_to(address);
            preset.depends_on.extend(address.name().map(|service| needs(service, Condition::Healthy)));
        }
        preset.environment.push(fixed("SQL_USER", store.user.clone()));
        preset.environment.extend(store.password.clone().map(|password| fixed("SQL_PASSWORD", password)));
    }

    /// The one-shot that registers the namespaces of a cluster.
    pub(super) fn temporal_namespaces(&mut self, _: &'a Spanned<String>, service: &'a Service, preset: &mut Preset) {
        let Some((_, cluster)) = self.find_cluster(service) else { return };
        let mut script = String::from("set -eu\n");
        let mut effect: Vec<String> = Vec::new();
        for namespace in namespaces(cluster) {
            let (name, retention) = (namespace.name, namespace.retention.text);
            let command = |what: &str| format!("temporal operator namespace {what} --namespace {name}");
            let _ = writeln!(
                script,
                "if {} > /dev/null 2>&1; then\n  {} --retention {retention}\nelse\n  {} --retention {retention}\nfi",
                command("describe"),
                command("update"),
                command("create"),
            );
            effect.push(command("describe"));
        }
        preset.effect = Some(in_shell(&effect.join(" && ")));
        preset.command = Some(Command::Arguments(vec![script.into()]));
    }

    /// The one-shots that register the namespaces of the cluster whose frontend a service is, unless it is `own`.
    pub(in crate::resolve) fn namespaces_behind(&self, frontend: &str, own: Option<&str>) -> Vec<&'a str> {
        let Some(service) = self.in_spec(frontend) else { return Vec::new() };
        let runs_frontend = service.kind.as_ref().is_some_and(|kind| kind.value.takes(Takes::Role))
            && service.role.as_ref().is_none_or(|role| role.value == Role::Frontend);
        let cluster = service.cluster.as_ref().filter(|cluster| runs_frontend && own != Some(cluster.value.as_str()));
        let Some(cluster) = cluster else { return Vec::new() };
        self.of_cluster(NAMESPACES, &cluster.value).map(|(name, _)| name.value.as_str()).collect()
    }

    /// The store of a cluster's visibility. Its absence is reported with the cluster.
    pub(in crate::resolve) fn visibility_store(&self, cluster: &Cluster) -> Option<Address> {
        let only = || self.provider_names(VISIBILITY).first().map(|name| name.value.as_str());
        let name = cluster.visibility.as_ref().map(|name| name.value.as_str()).or_else(only);
        self.query_address(name?, VISIBILITY)
    }
}

/// The variables that tell a server where its stores are.
pub(in crate::resolve) fn server_environment(server: &ClusterServer) -> Vec<(String, Text)> {
    match &server.store {
        Store::Dsql(dsql) => dsql_environment(server, dsql),
        // Its configuration has the rest.
        Store::Postgresql(own) => {
            let password = own.password.clone().map(|password| fixed("TEMPORAL_SQL_PASSWORD", password));
            // The file can't have a variable of Compose.
            let of = |name: &str, address: Option<&Address>| {
                let authority = address?.authority();
                authority.literal().is_none().then(|| fixed(name, authority))
            };
            let sql = of("TEMPORAL_SQL_ADDRESS", own.address.as_ref());
            let elasticsearch = of("TEMPORAL_ELASTICSEARCH_ADDRESS", server.elasticsearch());
            let user = std::iter::once(fixed("TEMPORAL_SQL_USER", own.user.clone()));
            user.chain(password).chain(sql).chain(elasticsearch).collect()
        }
    }
}

/// Each placeholder of the persistence template, and what the DSQL plugin reads.
fn dsql_environment(server: &ClusterServer, dsql: &Dsql) -> Vec<(String, Text)> {
    let (pool, store) = (dsql.pool.to_string(), server.elasticsearch());
    let mut environment = vec![
        fixed("TEMPORAL_SQL_HOST", dsql.host.clone()),
        fixed("TEMPORAL_SQL_PORT", "5432"),
        fixed("TEMPORAL_SQL_USER", "admin"),
        fixed("TEMPORAL_SQL_DATABASE", dsql.database.clone()),
        fixed("TEMPORAL_SQL_PLUGIN_NAME", "dsql"),
        fixed("TEMPORAL_SQL_TLS_ENABLED", "true"),
        // The DSQL plugin needs as many idle connections as open ones: each new connection costs a token.
        fixed("TEMPORAL_SQL_MAX_CONNS", pool.clone()),
        fixed("TEMPORAL_SQL_MAX_IDLE_CONNS", pool),
        fixed("TEMPORAL_SQL_MAX_CONN_LIFETIME", dsql.connection_lifetime.text.clone()),
        fixed("TEMPORAL_HISTORY_SHARDS", server.history_shards.to_string()),
        fixed("TEMPORAL_LOG_LEVEL", server.log_level.as_str()),
        fixed("TEMPORAL_ELASTICSEARCH_HOST", store.map(Address::host).unwrap_or_default()),
        fixed("TEMPORAL_ELASTICSEARCH_PORT", store.map(|store| store.port.to_string()).unwrap_or_default()),
        fixed("TEMPORAL_ELASTICSEARCH_SCHEME", "http"),
        fixed("TEMPORAL_ELASTICSEARCH_VERSION", "v8"),
        fixed("TEMPORAL_ELASTICSEARCH_INDEX", server.index().unwrap_or_default()),
    ];
    if let Some(duration) = &dsql.token_duration {
        environment.push(fixed("DSQL_TOKEN_DURATION", duration.text.clone()));
    }
    if let Some(staggered) = dsql.staggered_startup {
        environment.push(fixed("DSQL_STAGGERED_STARTUP", staggered.to_string()));
    }
    environment.push(fixed("DSQL_RESERVOIR_ENABLED", dsql.reservoir.is_some().to_string()));
    if let Some(reservoir) = &dsql.reservoir {
        environment.push(fixed("DSQL_RESERVOIR_TARGET_READY", reservoir.target.to_string()));
        environment.push(fixed("DSQL_RESERVOIR_BASE_LIFETIME", reservoir.base_lifetime.text.clone()));
        environment.push(fixed("DSQL_RESERVOIR_LIFETIME_JITTER", reservoir.lifetime_jitter.text.clone()));
        environment.push(fixed("DSQL_RESERVOIR_GUARD_WINDOW", reservoir.guard_window.text.clone()));
    }
    // Credentials come from files; a request to the instance metadata service would only cost time.
    environment.push(fixed("AWS_EC2_METADATA_DISABLED", "true"));
    environment
}

/// A key of the list, which is sorted case-insensitively, as the server looks keys up.
fn known_setting(name: &str) -> Option<Known> {
    let wanted = name.to_ascii_lowercase();
    let (mut from, mut to) = (0, DYNAMIC_CONFIG.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = DYNAMIC_CONFIG[..middle].rfind('\n').map_or(0, |newline| newline + 1);
        let end = DYNAMIC_CONFIG[middle..].find('\n').map_or(DYNAMIC_CONFIG.len(), |newline| middle + newline);
        let (key, rest) = DYNAMIC_CONFIG[start..end].split_once('\t')?;
        match key.to_ascii_lowercase().cmp(&wanted) {
            std::cmp::Ordering::Equal => {
                let (kind, since) = rest.split_once('\t').map_or((rest, None), |(kind, since)| (kind, Some(since)));
                return Some(Known { key, kind, since });
            }
            std::cmp::Ordering::Less => from = end + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    None
}

/// A setting that the server knows.
struct Known {
    key: &'static str,
    kind: &'static str,
    since: Option<&'static str>,
}

impl Resolver<'_> {
    /// A cluster's dynamic settings. A profile's replace those of the base, however they are spelled.
    pub(in crate::resolve) fn dynamic_config(&mut self, cluster: &Cluster) -> Vec<DynamicSetting> {
        let mut settings: Vec<DynamicSetting> = Vec::with_capacity(cluster.dynamic_config.entries.len());
        let mut spans: HashMap<&str, Span> = HashMap::new();
        for (name, value) in cluster.dynamic_config.iter() {
            let known = known_setting(&name.value);
            match dynamic_setting(known.as_ref(), name, value, self.diagnostics) {
                Ok(setting) => settings.push(setting),
                Err(diagnostic) => self.report(*diagnostic),
            }
            let Some(Known { key, since, .. }) = known else { continue };
            if let Some(first) = spans.insert(key, name.span) {
                let title = format!("duplicate dynamic setting `{key}`");
                let diagnostic = Diagnostic::new("defined-twice", title, name.span).also(first, "the other one");
                self.report(diagnostic.help("remove one of them: Temporal ignores case"));
            }
            if let Some(since) = since.filter(|_| persistence(cluster) == Persistence::Dsql) {
                let title = format!("dynamic setting `{key}` is new in Temporal {since}");
                self.report(Diagnostic::new("newer-setting", title, name.span).help(
                    "remove it unless the server knows it: one with the DSQL plugin is based on 1.29, and ignores it",
                ));
            }
        }
        settings
    }
}

/// A dynamic setting, spelled as the server spells it; the type of its value is checked.
fn dynamic_setting(
    known: Option<&Known>,
    name: &Spanned<String>,
    value: &Spanned<Tree>,
    among: &Diagnostics,
) -> Result<DynamicSetting, Box<Diagnostic>> {
    let Some(&Known { key, kind, .. }) = known else {
        let known = || DYNAMIC_CONFIG.lines().filter_map(|line| line.split_once('\t'));
        let title = format!("unknown dynamic setting `{}`", shown(&name.value));
        let diagnostic = Diagnostic::new("unknown-setting", title, name.span);
        return Err(Box::new(match among.nearest(&name.value, known().map(|(key, _)| key)) {
            Some(found) => diagnostic.help(format!("did you mean `{found}`?")),
            None => diagnostic.help("fix the name, or remove it: Temporal ignores unknown settings"),
        }));
    };
    let values = match &value.value {
        Tree::List(items) => constrained_values((key, kind), items, value.span),
        plain => dynamic_value((key, kind), plain, value.span).map(|value| vec![(Vec::new(), value)]),
    };
    match values {
        Ok(values) => Ok(DynamicSetting { key: key.to_owned(), values }),
        // Its value can't be written in any form.
        Err(diagnostic) if diagnostic.code == UNSUPPORTED => {
            let code = UNSUPPORTED;
            let diagnostic = Diagnostic::new(code, diagnostic.title, name.span);
            Err(Box::new(diagnostic.help("remove it: `gen` only writes plain values")))
        }
        Err(diagnostic) => Err(diagnostic),
    }
}

/// The code for a setting whose value is a structure.
const UNSUPPORTED: &str = "unsupported-setting";

/// What a value of a dynamic setting can be limited to, and the type of that (`convertYamlConstraints` of Temporal
/// 1.31).
const CONSTRAINTS: &[(&str, &str)] = &[
    ("namespace", "String"),
    ("namespaceID", "String"),
    ("taskQueueName", "String"),
    ("taskType", "TaskType"),
    ("historyTaskType", "String"),
    ("shardID", "Int"),
    ("destination", "String"),
    ("chasmTaskType", "String"),
];

/// The types of task queues (`TaskQueueType` of Temporal's API 1.62). A server does not start with another word.
const TASK_TYPES: [&str; 3] = ["Workflow", "Activity", "Nexus"];

type Constrained = (Vec<(String, DynamicValue)>, DynamicValue);

/// A value for each of some constraints.
fn constrained_values(
    (key, kind): (&str, &str),
    items: &[Tree],
    span: Span,
) -> Result<Vec<Constrained>, Box<Diagnostic>> {
    if items.is_empty() {
        let title = format!("`{key}` has no value");
        return Err(Box::new(Diagnostic::new("wrong-type", title, span).help("write a value, or remove the setting")));
    }
    let mut values: Vec<Constrained> = Vec::with_capacity(items.len());
    let mut seen: HashSet<Vec<String>> = HashSet::new();
    for item in items {
        let value = constrained((key, kind), item, span)?;
        let mut constraints: Vec<String> = value.0.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        constraints.sort();
        if !seen.insert(constraints) {
            let title = format!("two values of `{key}` have the same constraints");
            return Err(Box::new(Diagnostic::new("defined-twice", title, span).help("remove one of them")));
        }
        values.push(value);
    }
    Ok(values)
}

/// `{ value = …, constraints = { namespace = "…" } }`
fn constrained((key, kind): (&str, &str), item: &Tree, span: Span) -> Result<Constrained, Box<Diagnostic>> {
    let wrong = |title: String, help: String| Box::new(Diagnostic::new("wrong-type", title, span).help(help));
    let form = || {
        let help = "write each as `{ value = …, constraints = { namespace = \"…\" } }`, and one without constraints for the rest";
        wrong(format!("invalid values of `{key}`"), help.to_owned())
    };
    let Tree::Table(entries) = item else { return Err(form()) };
    if entries.iter().any(|(name, _)| !["value", "constraints"].contains(&name.value.as_str())) {
        return Err(form());
    }
    let value = dynamic_value((key, kind), item.get("value").ok_or_else(form)?, span)?;
    let constraints = match item.get("constraints") {
        None => &[][..],
        Some(Tree::Table(constraints)) => constraints,
        Some(_) => return Err(form()),
    };
    let constraints = constraints.iter().map(|(name, value)| {
        let Some((_, kind)) = CONSTRAINTS.iter().find(|(known, _)| *known == name.value) else {
            let title = format!("unknown constraint `{}`", shown(&name.value));
            let known = || CONSTRAINTS.iter().map(|(known, _)| *known);
            let help = suggestion(&name.value, known(), || expected(known()));
            return Err(Box::new(Diagnostic::new("unknown-key", title, name.span).help(help)));
        };
        Ok((name.value.clone(), dynamic_value((&name.value, kind), value, span)?))
    });
    Ok((constraints.collect::<Result<_, _>>()?, value))
}

fn dynamic_value((key, kind): (&str, &str), value: &Tree, span: Span) -> Result<DynamicValue, Box<Diagnostic>> {
    let wrong = |expected: &str| {
        Box::new(
            Diagnostic::new("wrong-type", format!("invalid value for `{key}`"), span)
                .at(format!("must be {expected}"))
                .help(format!("write {expected}: Temporal ignores a value of another type")),
        )
    };
    let text = |text: &crate::spec::text::Text| text.literal().map(ToOwned::to_owned);
    Ok(match (kind, value) {
        ("Bool", Tree::Boolean(boolean)) => DynamicValue::Boolean(*boolean),
        ("Bool", _) => return Err(wrong("`true` or `false`")),
        ("Int" | "Float", Tree::Integer(number)) => DynamicValue::Integer(*number),
        ("Int", _) => return Err(wrong("an integer")),
        ("Float", Tree::Float(number)) if number.is_finite() => DynamicValue::Float(*number),
        ("Float", _) => return Err(wrong("a number")),
        ("Duration", Tree::Text(duration)) => match text(duration).filter(|text| Duration::parse(text).is_some()) {
            Some(duration) => DynamicValue::String(duration),
            None => return Err(wrong("a duration such as `10s`")),
        },
        ("Duration", _) => return Err(wrong("a duration such as `10s`")),
        ("String", Tree::Text(string)) => match text(string) {
            Some(string) => DynamicValue::String(string),
            None => return Err(wrong("a string without references")),
        },
        ("String", _) => return Err(wrong("a string")),
        ("TaskType", Tree::Text(word)) => {
            let Some(word) = text(word).filter(|word| TASK_TYPES.contains(&word.as_str())) else {
                let title = format!("invalid task type `{}`", shown(word.literal().unwrap_or_default()));
                return Err(Box::new(Diagnostic::new("wrong-type", title, span).help(expected(TASK_TYPES))));
            };
            DynamicValue::String(word)
        }
        ("TaskType", _) => return Err(wrong("`Workflow`, `Activity` or `Nexus`")),
        _ => {
            let title = format!("unsupported dynamic setting `{key}`: its value is a structure");
            return Err(Box::new(Diagnostic::new("unsupported-setting", title, span)));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_list_is_found_in_any_case() {
        let mut count = 0;
        for line in DYNAMIC_CONFIG.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            let found = known_setting(&columns[0].to_uppercase()).unwrap();
            assert_eq!([found.key, found.kind], columns[..2]);
            assert_eq!(found.since, columns.get(2).copied());
            assert!(found.since.is_none_or(|since| ["1.30", "1.31"].contains(&since)), "{line}");
            count += 1;
        }
        assert_eq!(count, 626);
        for unknown in ["", "zzz", "frontend.persistenceMaxQP", "frontend.persistenceMaxQPSS", "é"] {
            assert!(known_setting(unknown).is_none(), "{unknown}");
        }
    }
}
