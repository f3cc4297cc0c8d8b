//! Services: which ones a command starts, and their pages.

use std::collections::BTreeSet;

use super::{Environment, Finding};
use crate::diagnostic::suggestion;
use crate::model::Stack;
use crate::model::service::{Healthcheck, Port, Service};
use crate::spec::decode::{expected, shown};

/// Checks that services exist.
///
/// # Errors
/// One doesn't.
pub fn known(stack: &Stack, names: &[String]) -> Result<(), Finding> {
    let all = || stack.every_service().map(|service| service.name.as_str());
    match names.iter().find(|&name| !all().any(|known| known == name)) {
        None => Ok(()),
        Some(name) => Err(unknown("service", name, all)),
    }
}

pub(super) fn unknown<'a, I: Iterator<Item = &'a str>>(what: &str, name: &str, all: impl Fn() -> I) -> Finding {
    let help = suggestion(name, all(), || expected(all()));
    Finding::error(format!("unknown {what} `{}`", shown(name)), help)
}

/// The services that `up` starts for these names, or for none: with their dependencies, in spec order.
pub fn started<'a>(stack: &'a Stack, names: &[String]) -> Vec<&'a Service> {
    let mut open: Vec<&str> = if names.is_empty() {
        stack
            .services
            .iter()
            .filter(|service| service.profiles.is_empty())
            .map(|service| service.name.as_str())
            .collect()
    } else {
        names.iter().map(String::as_str).collect()
    };
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    while let Some(name) = open.pop() {
        if wanted.insert(name)
            && let Some(service) = stack.every_service().find(|service| service.name == name)
        {
            open.extend(service.depends_on.iter().map(|dependency| dependency.service.as_str()));
        }
    }
    stack.every_service().filter(|service| wanted.contains(service.name.as_str())).collect()
}

/// The image of a service.
pub fn image(service: &Service, environment: &Environment) -> Option<String> {
    environment.expand(service.image.as_ref()?)
}

/// The pages of a service on this machine.
pub fn urls(service: &Service, environment: &Environment) -> Vec<String> {
    service.ports.iter().filter_map(|port| url(service, port, environment)).collect()
}

/// Where the ports of a service that have no page are on this machine.
pub fn addresses(service: &Service, environment: &Environment) -> Vec<String> {
    let others = service.ports.iter().filter(|port| url(service, port, environment).is_none());
    others.filter_map(|port| address(port, environment)).collect()
}

/// A port has a page if the spec has its path, or if the healthcheck requests one.
fn url(service: &Service, port: &Port, environment: &Environment) -> Option<String> {
    let probed = match &service.healthcheck {
        Some(Healthcheck::Probe(probe)) => probe.http.as_ref(),
        _ => None,
    };
    let path = match (&port.path, probed) {
        (Some(path), _) => path,
        (None, Some((target, path))) if *target == port.target => path,
        _ => return None,
    };
    Some(format!("http://{}{path}", address(port, environment)?))
}

/// Where a port is on this machine, unless the engine chooses.
fn address(port: &Port, environment: &Environment) -> Option<String> {
    let published = port.published.as_ref()?;
    let numbers = environment.expand(published.port.as_ref()?)?;
    let number = numbers.split('-').next()?;
    let host = environment.expand(&published.host_ip)?;
    let host = match host.as_str() {
        "" | "0.0.0.0" | "127.0.0.1" | "::" | "::1" | "[::]" | "[::1]" => "localhost",
        address => address,
    };
    Some(format!("{host}:{number}"))
}
