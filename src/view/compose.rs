//! `docker-compose.yml`.

use std::collections::BTreeMap;

use askama::Template;

use crate::lit::compose as filters;
use crate::model::service::{CONFIG_LABEL, Command, Healthcheck};
use crate::model::{SecretSource, Stack};
use crate::spec::service::{MountType, Protocol};

#[derive(Template)]
#[template(path = "docker-compose.yml")]
struct Compose<'a> {
    stack: &'a Stack,
    /// Digests of the generated files that services mount.
    digests: BTreeMap<String, String>,
}

/// Bytes of a usual service, so that a large stack's text is not moved again and again.
const SERVICE: usize = 1_024;

pub(super) fn render(stack: &Stack) -> askama::Result<String> {
    let mut text = String::with_capacity((stack.services.len() + stack.schema_services.len() + 1) * SERVICE);
    Compose { stack, digests: super::config_digests(stack)? }.render_into(&mut text)?;
    Ok(text)
}
