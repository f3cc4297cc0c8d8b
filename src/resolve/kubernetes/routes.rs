//! Routes: what is reachable from outside.

use std::collections::HashMap;
use std::net::IpAddr;

use super::names::is_host;
use super::{Known, Resolver};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{self, Stack};
use crate::spec::decode::{Spanned, shown};
use crate::spec::service::{Protocol, Service};

/// The routes of a service: the port and the host name of each.
fn routes(service: &Service) -> impl Iterator<Item = (&Spanned<String>, &Spanned<String>)> {
    service.kubernetes.iter().flat_map(|own| own.routes.iter())
}

impl Resolver<'_> {
    /// A route needs a Gateway, a port of the service that speaks HTTP, and a host name.
    pub(super) fn check_routes(&mut self, known: &Known<'_>, written: &Service, service: &model::Service) {
        for (port, host) in routes(written) {
            let found = service.port(&port.value);
            if found.is_none() {
                if let Some(&index) = self.index.get(service.name.as_str()) {
                    self.port_of(index, &port.value, port.span, &[]);
                }
            } else if service.one_shot || found.is_some_and(|port| port.protocol != Protocol::Tcp) {
                self.refuse(
                    &format!("a route to `{}`", shown(&port.value)),
                    port.span,
                    "remove it: only HTTP has routes",
                );
            }
            let name = host.value.strip_prefix("*.").unwrap_or(&host.value);
            // The Gateway API refuses addresses.
            if !is_host(name) || name.parse::<IpAddr>().is_ok() {
                let title = format!("invalid host `{}`", shown(&host.value));
                let help = "write a host name in lowercase letters, such as `shop.example.com`";
                self.report(Diagnostic::new("invalid-host", title, host.span).help(help));
            }
            if known.stack.kubernetes.as_ref().is_some_and(|kubernetes| kubernetes.gateway.is_none()) {
                let diagnostic = Diagnostic::new("missing-key", "missing key `gateway` in `kubernetes`", port.span);
                self.report(diagnostic.help("name the Gateway of routes: `kubernetes.gateway = \"namespace/name\"`"));
            }
        }
    }

    /// Reports two routes of one host, of which the Gateway takes the older one, and routes that have one name.
    pub(super) fn check_route_clashes(&mut self, stack: &Stack) {
        let mut hosts: HashMap<&str, Span> = HashMap::new();
        let mut names: HashMap<String, Span> = HashMap::new();
        for ((_, written), service) in self.spec.services.iter().zip(&stack.services) {
            for (port, host) in routes(written) {
                if let Some(first) = hosts.insert(&host.value, host.span) {
                    let title = format!("duplicate route of `{}`", shown(&host.value));
                    let diagnostic = Diagnostic::new("route-clash", title, host.span).also(first, "the other route");
                    self.report(diagnostic.help("give each service a host name of its own"));
                }
                let Some(port) = service.port(&port.value).map(|found| (found.pod_name(), port.span)) else { continue };
                let name = format!("{}-{}", service.name, port.0);
                if let Some(first) = names.insert(name, port.1) {
                    let title = format!("two routes are named `{}-{}`", service.name, port.0);
                    let diagnostic = Diagnostic::new("route-clash", title, port.1).also(first, "the other route");
                    self.report(diagnostic.help("rename the port or the service: a route has the names of both"));
                }
            }
        }
    }
}
