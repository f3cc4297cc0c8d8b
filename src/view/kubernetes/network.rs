//! Who may connect to whom: nobody, but for the edges that the model knows.

use std::collections::{BTreeMap, BTreeSet};

use super::object::{Map, NAME, Object, text};
use super::{Scope, pod};
use crate::graph::Graph;
use crate::lit::manifest::Node;
use crate::model::Service;

/// One policy that refuses all ingress, and one for each service that others connect to. Egress is not limited.
pub(super) fn policies<'a>(scope: &Scope<'a>) -> Vec<Object<'a>> {
    let stack = scope.stack;
    let ingress = || Node::List(vec!["Ingress".into()]);
    let all = Map::default().even_empty("podSelector", Map::default()).key("policyTypes", ingress());
    let mut policies = vec![Object::new("networking.k8s.io/v1", "NetworkPolicy", "default-deny-ingress").spec(all)];
    let clients = clients(scope);
    for service in stack.services.iter().filter(|service| !service.ports.is_empty() && !service.one_shot) {
        let from: Vec<Node<'_>> = clients
            .get(service.name.as_str())
            .into_iter()
            .flatten()
            .map(|client| {
                let labels = Map::default().key("matchLabels", Map::default().key(NAME, text(*client)));
                Map::default().key("podSelector", labels).into()
            })
            .collect();
        let outside = service.workload.routes.iter().filter_map(|(name, _)| service.port(name)).map(|port| {
            Map::default().key("port", pod::port_name(port)).option("protocol", pod::protocol(port)).into()
        });
        // A Gateway may be anywhere, also outside of the cluster.
        let outside = Map::default().key("ports", Node::List(outside.collect()));
        let has_routes = !service.workload.routes.is_empty();
        if from.is_empty() && !has_routes {
            continue;
        }
        let ports = Node::list(&service.ports, |port| {
            Map::default().key("port", pod::port_name(port)).option("protocol", pod::protocol(port))
        });
        let has_clients = !from.is_empty();
        let inside = Map::default().key("from", Node::List(from)).key("ports", ports);
        let rules = [(inside, has_clients), (outside, has_routes)].into_iter();
        let rules = rules.filter(|(_, is_there)| *is_there).map(|(rule, _)| rule.into());
        let spec = Map::default()
            .key("podSelector", super::object::pods_of(&service.name))
            .key("policyTypes", ingress())
            .key("ingress", Node::List(rules.collect()));
        policies.push(Object::new("networking.k8s.io/v1", "NetworkPolicy", &service.name).spec(spec));
    }
    policies
}

/// The clients of each service: those that the graph has, the one-shots of the schema, and its own cluster.
fn clients<'a>(scope: &Scope<'a>) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let stack = scope.stack;
    let mut clients: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in Graph::of(stack).edges {
        let name = |index: usize| stack.services.get(index).map(|service| service.name.as_str());
        if let (Some(from), Some(to)) = (name(edge.from), name(edge.to)) {
            clients.entry(to).or_default().insert(from);
        }
    }
    for service in stack.every_service() {
        // Who waits for the effect of a one-shot asks what the one-shot asks.
        let awaited = service.depends_on.iter().filter_map(|dependency| scope.service(&dependency.service));
        let asking = awaited.filter(|other| other.one_shot).chain([service]);
        for target in asking.flat_map(|asking| &asking.refers_to.services) {
            clients.entry(target).or_default().insert(&service.name);
        }
    }
    // Members find each other, as do the servers of a cluster.
    for service in stack.services.iter().filter(|service| service.workload.members.is_some()) {
        clients.entry(&service.name).or_default().insert(&service.name);
    }
    for cluster in &stack.clusters {
        let servers = cluster.services.iter().filter_map(|name| scope.service(name));
        let members: Vec<&Service> = servers.filter(|service| service.workload.members.is_some()).collect();
        for server in &members {
            clients.entry(&server.name).or_default().extend(members.iter().map(|other| other.name.as_str()));
        }
    }
    clients
}
