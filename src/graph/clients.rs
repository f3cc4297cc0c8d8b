//! Who may connect to whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Graph;
use crate::model::{Service, Stack};

/// The clients of each service: those that the graph has, the one-shots of the schema, and its own cluster.
pub fn clients(stack: &Stack) -> BTreeMap<&str, BTreeSet<&str>> {
    let services: HashMap<&str, &Service> =
        stack.services.iter().map(|service| (service.name.as_str(), service)).collect();
    let find = |name: &str| services.get(name).copied();
    let mut clients: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in Graph::of(stack).edges {
        let name = |index: usize| stack.services.get(index).map(|service| service.name.as_str());
        if let (Some(from), Some(to)) = (name(edge.from), name(edge.to)) {
            clients.entry(to).or_default().insert(from);
        }
    }
    for service in stack.every_service() {
        // Who waits for the effect of a one-shot asks what the one-shot asks.
        let awaited = service.depends_on.iter().filter_map(|dependency| find(&dependency.service));
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
        let servers = cluster.services.iter().filter_map(|name| find(name));
        let members: Vec<&Service> = servers.filter(|service| service.workload.members.is_some()).collect();
        for server in &members {
            clients.entry(&server.name).or_default().extend(members.iter().map(|other| other.name.as_str()));
        }
    }
    clients
}
