//! What the generated files tell the commands: the steps of the schema and the digests of what services mount.
//!
//! A stand-in: it takes both from the model as soon as the model has them.

use std::collections::BTreeMap;

use crate::Plan;
use crate::model::Stack;

/// The label that holds the digest of the generated files that a service mounts.
pub const CONFIG_LABEL: &str = "stackgen.config";

/// A step that creates a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its name.
    pub name: String,
    /// The one-shot service that does it.
    pub service: String,
    /// What it does.
    pub description: String,
    /// Whether Compose runs it only if told so; otherwise `up` runs it by itself.
    pub compose_profile: bool,
}

/// The steps, in the order in which they run.
#[must_use]
pub fn schema(stack: &Stack) -> Vec<SchemaStep> {
    use crate::spec::service::Kind;
    stack
        .services
        .iter()
        .filter(|service| service.kind == Some(Kind::ElasticsearchSetup) || service.name.starts_with("schema-"))
        .map(|service| SchemaStep {
            name: service.name.trim_start_matches("schema-").trim_end_matches("-setup").to_owned(),
            service: service.name.clone(),
            description: service.description.clone(),
            compose_profile: !service.profiles.is_empty(),
        })
        .collect()
}

/// The digest of each service's mounted files, by the service's name.
#[must_use]
pub fn config_digests(plan: &Plan) -> BTreeMap<String, String> {
    let label = |service: &crate::model::Service| {
        let (_, digest) = service.labels.iter().find(|(name, _)| name == CONFIG_LABEL)?;
        Some((service.name.clone(), digest.literal()?.to_owned()))
    };
    plan.stack().services.iter().filter_map(label).collect()
}
