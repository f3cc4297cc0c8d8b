//! `docker/persistence-dsql.template.yaml`.

use askama::Template;

use crate::lit::yaml as filters;
use crate::model::kind::{FRONTEND, TEMPORAL_METRICS, TEMPORAL_ROLES, TemporalRole};

#[derive(Template)]
#[template(path = "docker/persistence-dsql.template.yaml")]
struct Persistence {
    roles: &'static [TemporalRole],
    metrics: u16,
    frontend: u16,
}

pub(super) fn render() -> askama::Result<String> {
    Persistence { roles: TEMPORAL_ROLES, metrics: TEMPORAL_METRICS, frontend: FRONTEND.grpc }.render()
}
