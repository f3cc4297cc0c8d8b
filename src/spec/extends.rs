//! `extends`: a service that begins as another one of the same spec.
//!
//! It is resolved in the tree, so that all else sees the whole service, with spans in the one that is extended. What
//! can't be resolved stays for the resolver to report, and a service of another file for Compose.

use super::merge::{self, Lists, SERVICE};
use super::tree::{MOST_COPIED, Node, Table, Value};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The key.
pub const EXTENDS: &str = "extends";

/// Replaces `extends` by what it stands for.
pub fn expand(table: &mut Table<'_>, diagnostics: &mut Diagnostics) {
    let services = table.entries.iter_mut().find(|(key, _)| key.name == "services");
    let Some((_, Node { value: Value::Table(services), .. })) = services else { return };
    let names: Vec<Option<String>> = services.entries.iter().map(|(_, node)| base(node).map(str::to_owned)).collect();
    if names.iter().all(Option::is_none) {
        return;
    }
    let places = services.places();
    let mut bases: Vec<Option<usize>> =
        names.iter().map(|name| name.as_ref().and_then(|name| places.get(name)).copied()).collect();
    let mut left = MOST_COPIED;
    for start in 0..bases.len() {
        // The services from this one to the first that extends no other; more than there are is a cycle.
        let mut chain = Vec::new();
        let mut at = start;
        while let Some(base) = bases[at]
            && chain.len() <= bases.len()
        {
            chain.push((at, base));
            at = base;
        }
        let is_cycle = chain.len() > bases.len();
        for (service, base) in chain.into_iter().rev() {
            bases[service] = None;
            if is_cycle {
                continue;
            }
            let Value::Table(extended) = &services.entries[base].1.value else { continue };
            let Some(rest) = left.checked_sub(services.entries[base].1.value.weight()) else {
                let title = "the spec is too large: `extends` copies too much";
                let diagnostic = Diagnostic::new("spec-too-large", title, services.entries[service].0.span);
                diagnostics.push(diagnostic.help(format!("the limit is {MOST_COPIED} bytes")));
                return;
            };
            left = rest;
            let mut merged = extended.clone();
            let Value::Table(own) = &mut services.entries[service].1.value else { continue };
            let mut own = std::mem::take(own);
            own.take(EXTENDS);
            merge::merge(SERVICE, &mut merged, own, Lists::Joined, diagnostics);
            services.entries[service].1.value = Value::Table(merged);
        }
    }
}

/// The service of the same spec that a service extends.
fn base<'n>(service: &'n Node<'_>) -> Option<&'n str> {
    let Value::Table(service) = &service.value else { return None };
    let (_, extends) = service.entries.iter().find(|(key, _)| key.name == EXTENDS)?;
    let name = match &extends.value {
        Value::Table(table) => match table.entries.as_slice() {
            [(key, name)] if key.name == "service" => &name.value,
            _ => return None,
        },
        short => short,
    };
    if let Value::String(name) = name { Some(name) } else { None }
}
