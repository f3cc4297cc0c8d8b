//! `docker/persistence-dsql.template.yaml`.

use askama::Template;

use crate::lit::yaml as filters;
use crate::model::Stack;
use crate::spec::kind::{Kind, KindPort, Kinds, Role, Takes};

#[derive(Template)]
#[template(path = "docker/persistence-dsql.template.yaml")]
struct Persistence {
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

/// The roles in the order in which they start.
const ROLES: [Role; 4] = [Role::History, Role::Matching, Role::Frontend, Role::Worker];

pub(super) fn render(stack: &Stack) -> askama::Result<String> {
    let has_roles = |kind: &Kind| kind.takes(Takes::Role);
    let used = stack.services.iter().find_map(|service| service.kind.clone().filter(has_roles));
    let kind = used.or_else(|| Kinds::default().all().find(has_roles));
    let port = |role: Role, name: &str| -> Option<&KindPort> { kind.as_ref()?.ports_of(Some(role)).get(name) };
    let number = |role, name| port(role, name).map_or(0, |port| port.target);
    let roles = ROLES.map(|role| TemporalRole {
        name: role.as_str(),
        grpc: number(role, "grpc"),
        membership: number(role, "membership"),
        http: port(role, "http").map(|port| port.target),
    });
    let (metrics, frontend) = (number(Role::Frontend, "metrics"), number(Role::Frontend, "grpc"));
    Persistence { roles: roles.into(), metrics, frontend }.render()
}
