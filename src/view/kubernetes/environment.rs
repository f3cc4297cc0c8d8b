//! The variables of pods: those of the spec are in a `ConfigMap` or, if they are secrets, in a `Secret`.

use std::collections::HashSet;

use askama::Template;

use super::object::{Map, text};
use super::{SECRETS, Scope, VARIABLES};
use crate::lit::dotenv as filters;
use crate::lit::manifest::{Node, expanded};
use crate::model::service::Command;
use crate::model::text::{Reference, Segment, Text};
use crate::model::{Service, Stack, Variable};

/// The `env` of a container.
pub(super) fn of_container<'a>(scope: &Scope<'a>, service: &'a Service) -> Node<'a> {
    let is_secret = |name: &str| scope.secrets.contains(name);
    // A text that only has a part of a variable needs that variable beside it.
    let mut helpers: Vec<(&str, String)> = Vec::new();
    let commands = [&service.entrypoint, &service.command].into_iter().flatten().flat_map(Command::texts);
    let joined = service.environment.iter().map(|(_, text)| text).filter(|text| whole(text).is_none());
    for reference in joined.chain(commands).flat_map(Text::references) {
        if !helpers.iter().any(|(known, _)| *known == reference.name) {
            helpers.push((&reference.name, helper(service, &reference.name)));
        }
    }
    let own = service.environment.iter().map(|(name, _)| name.as_str()).collect::<HashSet<_>>();
    let helpers = helpers
        .into_iter()
        // The service has it under the same name.
        .filter(|(_, helper)| !own.contains(helper.as_str()))
        .map(|(variable, helper)| from(text(helper), variable, is_secret(variable)));
    let entries = service.environment.iter().map(|(name, value)| match whole(value) {
        Some(reference) => from(Node::from(name), &reference.name, is_secret(&reference.name)),
        None => Map::default().key("name", name).key("value", spelled(service, value)),
    });
    // Kubernetes expands a value with what is defined before it.
    let (simple, joined): (Vec<_>, Vec<_>) = entries
        .zip(&service.environment)
        .partition(|(_, (_, value))| value.literal().is_some() || whole(value).is_some());
    let maps = helpers.chain(simple.into_iter().chain(joined).map(|(map, _)| map));
    Node::List(maps.map(Node::from).collect())
}

fn from<'a>(name: Node<'a>, variable: &'a str, is_secret: bool) -> Map<'a> {
    let (kind, source) = if is_secret { ("secretKeyRef", SECRETS) } else { ("configMapKeyRef", VARIABLES) };
    let source = Map::default().key("name", source).key("key", variable);
    Map::default().key("name", name).key("valueFrom", Map::default().key(kind, source))
}

/// The reference that a text consists of.
fn whole(text: &Text) -> Option<&Reference> {
    match text.segments() {
        [Segment::Env(reference)] => Some(reference),
        _ => None,
    }
}

/// The name that a variable of the spec has in a container: another if the service has one of its name with another value.
fn helper(service: &Service, variable: &str) -> String {
    let own = service.environment.iter().find(|(name, _)| name == variable);
    let differs = own.is_some_and(|(_, value)| whole(value).is_none_or(|reference| reference.name != variable));
    let mut name = variable.to_owned();
    // A name that the service has means something else.
    while differs && service.environment.iter().any(|(known, _)| *known == name) {
        name.insert_str(0, "STACK_");
    }
    name
}

/// A text as Kubernetes expands it.
pub(super) fn spelled<'a>(service: &Service, value: &'a Text) -> Node<'a> {
    match value {
        Text::Literal(literal) => Node::Str(expanded(literal)),
        Text::Parts(segments) => {
            let mut out = String::new();
            for (at, segment) in segments.iter().enumerate() {
                match segment {
                    Segment::Literal(literal) => {
                        out.push_str(&expanded(literal));
                        // A dollar before a reference would escape it.
                        if literal.ends_with('$') && at + 1 < segments.len() {
                            out.push('$');
                        }
                    }
                    Segment::Env(reference) => {
                        out.push_str("$(");
                        out.push_str(&helper(service, &reference.name));
                        out.push(')');
                    }
                }
            }
            text(out)
        }
    }
}

#[derive(Template)]
#[template(path = "kubernetes/variables.env")]
struct Example<'a> {
    file: &'a str,
    variables: Vec<&'a Variable>,
}

/// What is to be filled in.
pub(super) fn example(stack: &Stack, file: &str) -> askama::Result<String> {
    let variables = stack.wanted().filter(|variable| variable.file() == file).collect();
    Example { file, variables }.render()
}
