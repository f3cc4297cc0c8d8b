//! The static configuration of Temporal servers: `docker/persistence-dsql.template.yaml`, which the image renders, and
//! `config/temporal-<cluster>.yaml`, which the server renders itself.

use askama::Template;

use crate::lit::yaml as filters;
use crate::model::Stack;
use crate::model::kind::{Address, Cluster, ClusterServer, Postgresql, SQL_PLUGIN, Visibility};
use crate::model::text::Text;
use crate::spec::kind::{Kind, KindPort, Kinds, Role, Takes};

#[derive(Template)]
#[template(path = "docker/persistence-dsql.template.yaml")]
struct Persistence {
    shared: Shared,
}

#[derive(Template)]
#[template(path = "config/temporal.yaml")]
struct Config<'a> {
    server: &'a ClusterServer,
    store: &'a Postgresql,
    address: Text,
    elasticsearch: Text,
    shards: u64,
    pool: u64,
    shared: Shared,
}

/// What both have in common.
struct Shared {
    roles: Vec<TemporalRole>,
    metrics: u16,
    frontend: u16,
}

/// The ports of one role of a Temporal server.
struct TemporalRole {
    name: &'static str,
    grpc: u16,
    membership: u16,
    /// The HTTP API, which only the frontend has.
    http: Option<u16>,
}

pub(super) fn template(stack: &Stack) -> askama::Result<String> {
    let has_roles = |kind: &Kind| kind.takes(Takes::Role);
    let used = stack.services.iter().find_map(|service| service.kind.clone().filter(has_roles));
    Persistence { shared: shared(used.or_else(|| Kinds::default().all().find(has_roles)).as_ref()) }.render()
}

pub(super) fn config(stack: &Stack, cluster: &Cluster, store: &Postgresql) -> askama::Result<String> {
    let server = &cluster.server;
    let member = stack.services.iter().find(|service| cluster.services.first() == Some(&service.name));
    let authority = |address: Option<&Address>| address.map(Address::authority).unwrap_or_default();
    Config {
        server,
        store,
        address: authority(store.address.as_ref()),
        elasticsearch: authority(server.elasticsearch()),
        shards: server.history_shards.into(),
        pool: store.pool.into(),
        shared: shared(member.and_then(|service| service.kind.as_ref())),
    }
    .render()
}

fn shared(kind: Option<&Kind>) -> Shared {
    let port = |role: Role, name: &str| -> Option<&KindPort> { kind?.ports_of(Some(role)).get(name) };
    let number = |role, name| port(role, name).map_or(0, |port| port.target);
    let roles = Role::ALL.iter().map(|&role| TemporalRole {
        name: role.as_str(),
        grpc: number(role, "grpc"),
        membership: number(role, "membership"),
        http: port(role, "http").map(|port| port.target),
    });
    Shared {
        roles: roles.collect(),
        metrics: number(Role::Frontend, "metrics"),
        frontend: number(Role::Frontend, "grpc"),
    }
}
