//! Who may connect to whom: nobody, but for the edges that the model knows.

use super::object::{Map, NAME, Object, text};
use super::{Scope, pod};
use crate::graph;
use crate::lit::manifest::Node;

/// One policy that refuses all ingress, and one for each service that others connect to. Egress is not limited.
pub(super) fn policies<'a>(scope: &Scope<'a>) -> Vec<Object<'a>> {
    let stack = scope.stack;
    let ingress = || Node::List(vec!["Ingress".into()]);
    let all = Map::default().even_empty("podSelector", Map::default()).key("policyTypes", ingress());
    let mut policies = vec![Object::new("networking.k8s.io/v1", "NetworkPolicy", "default-deny-ingress").spec(all)];
    let clients = graph::clients(stack);
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
        let ports = Node::list(service.ports.iter(), |port| {
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
