//! A stack that shares nothing by name or host port with the same stack of another work tree.
//!
//! The tables are changed before they are resolved, so that whatever refers to a name or a port has the changed one.

use std::collections::BTreeMap;

use super::ProfileSpec;
use super::decode::{Short, Spanned};
use super::stack::Stack;
use super::text::{Text, Value};
use super::value::Ports;

/// What a work tree has of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Isolation {
    /// The end of names: digits and lowercase letters.
    pub suffix: String,
    /// The host ports, by [`key`].
    pub ports: BTreeMap<String, Ports>,
}

/// How a port of a service is named among those that are chosen.
pub fn key(service: &str, port: &str) -> String {
    format!("{service}/{port}")
}

/// The project's name of a stack that isn't isolated.
pub fn project(stack: &Stack, profile: &str) -> String {
    match &stack.project {
        Some(project) => project.value.clone(),
        None => format!("{}-{profile}", stack.name.value),
    }
}

impl ProfileSpec {
    /// The host ports to choose, by [`key`], with how many in a row each needs. One that a variable decides is the user's, and
    /// one that the engine chooses is free anyway.
    pub fn host_ports(&self) -> Vec<(String, u16)> {
        let services = self.spec.iter().flat_map(|spec| spec.services.iter());
        let ports = services.flat_map(|(service, written)| {
            written.ports.iter().filter_map(|(name, Short(port))| {
                let Value::Is(published) = port.published.as_ref()?.value else { return None };
                // Of several for one port in the container, Compose takes a free one.
                let is_range =
                    matches!(&port.target, Some(Spanned { value: Value::Is(target), .. }) if target.count() > 1);
                let count = if is_range { published.last - published.first } else { 0 };
                Some((key(&service.value, &name.value), count.saturating_add(1)))
            })
        });
        ports.collect()
    }

    /// Gives names and host ports an end, or a number, of their own.
    pub fn isolate(&mut self, isolation: &Isolation) {
        let Isolation { suffix, ports } = isolation;
        let Some(spec) = &mut self.spec else { return };
        let name = format!("{}-{suffix}", project(&spec.stack, &self.profile.value));
        let span = spec.stack.project.as_ref().map_or(spec.stack.name.span, |project| project.span);
        spec.stack.project = Some(Spanned { value: name, span });
        for (_, Short(image)) in &mut spec.images.entries {
            if image.build.is_some() {
                tag(&mut image.reference.value, suffix);
            }
        }
        for (service, written) in &mut spec.services.entries {
            // The name of an image has its build there.
            let is_name = |image: &Text| image.literal().is_some_and(|image| !image.contains([':', '/', '@']));
            if let Some(image) = &mut written.image
                && written.compose.get("build").is_some()
                && !is_name(&image.value)
            {
                tag(&mut image.value, suffix);
            }
            for (name, Short(port)) in written.ports.entries_mut() {
                let Some(published) = &mut port.published else { continue };
                let Some(chosen) = ports.get(&key(&service.value, &name.value)) else { continue };
                // A target that is left out is the port that was published, unless a kind has it.
                if written.kind.is_none() && port.target.is_none() {
                    port.target = Some(published.clone());
                }
                published.value = Value::Is(*chosen);
            }
        }
        self.isolation = Some(isolation.clone());
    }
}

/// Adds the end to the tag of an image that is built here. One with a digest is not.
fn tag(reference: &mut Text, suffix: &str) {
    match reference.literal() {
        Some(literal) if literal.contains('@') => {}
        Some(literal) if !literal.rsplit('/').next().unwrap_or_default().contains(':') => {
            reference.push(&format!(":{suffix}"));
        }
        _ => reference.push(&format!("-{suffix}")),
    }
}
