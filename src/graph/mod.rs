//! Who needs whom, as data: services in their groups, and edges that say how one needs the other.
//!
//! [`Graph::of`] and [`Graph::by_network`] read it off the model, [`Graph::focus`] cuts it down to what matters to one service, and
//! [`mermaid`], [`dot`] and [`svg`] write it, one file a format. [`layout`] says where things are in a drawing.

mod clients;
pub mod dot;
pub mod layout;
pub mod mermaid;
pub mod svg;

pub use clients::clients;

use std::borrow::Cow;
use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::model::service::Published;
use crate::model::{Address, Service, Stack};
use crate::spec::service::Condition;

/// The heading of what runs outside of the stack, unless it has one of its own.
const EXTERNAL: &str = "External";

/// A stack as a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// What it is a graph of.
    pub title: String,
    /// Groups in the order of the spec.
    pub groups: Vec<Group>,
    /// Services in the order of the spec.
    pub nodes: Vec<Node>,
    /// Edges; a pair of services may have several, each of another kind.
    pub edges: Vec<Edge>,
}

/// Services under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The heading; empty for the services without one.
    pub title: String,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The index of its group.
    pub group: usize,
    /// What it is for; may be empty.
    pub description: String,
    /// The ports that it publishes on the host, as the spec writes them.
    pub published: Vec<String>,
}

/// One service needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The index of the one that needs.
    pub from: usize,
    /// The index of the one that is needed.
    pub to: usize,
    /// How.
    pub kind: Kind,
}

/// How one service needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It starts after the other.
    StartsAfter(Condition),
    /// It talks to the other.
    Talks(Talk),
}

/// What a service talks to another for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Talk {
    /// It pushes metrics or logs.
    Pushes,
    /// It scrapes metrics.
    Scrapes,
    /// It queries it as a datasource.
    Queries,
    /// Its environment, its command, its settings or a file that it mounts hold the other's address.
    Uses,
}

impl Talk {
    /// Every kind, in the order of legends.
    pub const ALL: [Self; 4] = [Self::Uses, Self::Queries, Self::Scrapes, Self::Pushes];

    /// What the one does to the other.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Pushes => "pushes to",
            Self::Scrapes => "scrapes",
            Self::Queries => "queries",
            Self::Uses => "uses",
        }
    }
}

/// What a line of a drawing says: one service needs another, and how, all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The index of the one that needs.
    pub from: usize,
    /// The index of the one that is needed.
    pub to: usize,
    /// What the one waits for, if it does.
    pub waits: Option<Condition>,
    /// What the one talks to the other for.
    pub talks: Vec<Talk>,
}

impl Graph {
    /// The running stack: the steps of the schema are no part of it.
    pub fn of(stack: &Stack) -> Self {
        Self::grouped(stack, |service| service.group.clone())
    }

    /// The same, with a group for each set of networks that services are in: those of two networks stand by themselves.
    pub fn by_network(stack: &Stack) -> Self {
        let networks: HashMap<&str, (usize, bool)> = stack
            .networks
            .iter()
            .enumerate()
            .map(|(index, network)| (network.name.as_str(), (index, network.keys.is_set("internal"))))
            .collect();
        Self::grouped(stack, |service| {
            if let Some(mode) = &service.network_mode {
                return format!("network mode {}", mode.shown());
            }
            let mut joined: Vec<_> =
                service.networks.iter().map(|member| (networks.get(member.name.as_str()), &member.name)).collect();
            // In whichever order a service lists them.
            joined.sort_unstable();
            let shown = |(known, name): &(Option<&(usize, bool)>, &String)| match known {
                Some((_, true)) => format!("{name} (internal)"),
                _ => (*name).clone(),
            };
            joined.iter().map(shown).collect::<Vec<_>>().join(" + ")
        })
    }

    fn grouped(stack: &Stack, group: impl Fn(&Service) -> String) -> Self {
        let mut graph = Self {
            title: format!("{}: profile {}", stack.title, stack.profile),
            groups: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        let mut groups: HashMap<String, usize> = HashMap::default();
        let mut index: HashMap<&str, usize> = HashMap::default();
        for service in &stack.services {
            let group = *groups.entry(group(service)).or_insert_with_key(|title| {
                graph.groups.push(Group { title: title.clone() });
                graph.groups.len() - 1
            });
            index.insert(&service.name, graph.nodes.len());
            graph.nodes.push(Node {
                name: service.name.clone(),
                group,
                description: service.description.clone(),
                published: service
                    .ports
                    .iter()
                    .filter_map(|port| port.published.as_ref())
                    .map(Published::shown)
                    .collect(),
            });
        }
        for external in &stack.external {
            let own = Some(&external.group).filter(|group| !group.is_empty());
            let group = own.map_or_else(|| EXTERNAL.to_owned(), Clone::clone);
            let group = *groups.entry(group).or_insert_with_key(|title| {
                graph.groups.push(Group { title: title.clone() });
                graph.groups.len() - 1
            });
            index.insert(&external.name, graph.nodes.len());
            let (name, description) = (external.name.clone(), external.description.clone());
            graph.nodes.push(Node { name, group, description, published: Vec::new() });
        }
        let mut edges: Vec<Edge> = Vec::new();
        let mut add = |from: &str, to: &str, kind: Kind| {
            if let (Some(&from), Some(&to)) = (index.get(from), index.get(to))
                && from != to
            {
                edges.push(Edge { from, to, kind });
            }
        };
        for service in &stack.services {
            for (other, condition) in service.waits_for() {
                add(&service.name, other, Kind::StartsAfter(condition));
            }
            for used in &service.refers_to.services {
                add(&service.name, used, Kind::Talks(Talk::Uses));
            }
        }
        for alloy in &stack.alloys {
            for store in [&alloy.metrics, &alloy.logs].into_iter().flatten().filter_map(Address::name) {
                add(&alloy.service, store, Kind::Talks(Talk::Pushes));
            }
            // Without a store nothing is scraped.
            let targets = alloy.targets.iter().filter(|_| alloy.metrics.is_some());
            for target in targets.filter_map(|target| target.address.name()) {
                add(&alloy.service, target, Kind::Talks(Talk::Scrapes));
            }
        }
        for grafana in &stack.grafanas {
            for queried in grafana.datasources.iter().filter_map(|datasource| datasource.address.as_ref()?.name()) {
                add(&grafana.service, queried, Kind::Talks(Talk::Queries));
            }
        }
        // In the order of the spec, whatever made them; two datasources of one service are one edge.
        edges.sort_by_key(|edge| (edge.from, edge.to, edge.kind));
        edges.dedup();
        graph.edges = edges;
        graph
    }

    /// The index of a service.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// A service with its neighbours, what it starts after, and what that starts after in turn. Of the edges those are
    /// left that tell why a service is there.
    pub fn focus(&self, node: usize) -> Self {
        let mut chain = vec![false; self.nodes.len()];
        let mut waits: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for edge in &self.edges {
            if matches!(edge.kind, Kind::StartsAfter(_)) {
                waits[edge.from].push(edge.to);
            }
        }
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut chain[next], true) {
                open.extend(&waits[next]);
            }
        }
        // Of the chain each link is told whole: what waits for another may use it as well.
        let stays = |edge: &&Edge| {
            let of_chain = chain[edge.from] && waits[edge.from].contains(&edge.to);
            of_chain || edge.from == node || edge.to == node
        };
        let edges: Vec<Edge> = self.edges.iter().filter(stays).copied().collect();
        let mut kept = vec![false; self.nodes.len()];
        kept[node] = true;
        for edge in &edges {
            kept[edge.from] = true;
            kept[edge.to] = true;
        }
        self.only(&kept, edges)
    }

    /// Some of the nodes, and edges between them.
    fn only(&self, kept: &[bool], edges: Vec<Edge>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of: BTreeMap<usize, usize> = BTreeMap::new();
        let mut nodes: Vec<Node> = Vec::new();
        let mut place = vec![0; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().filter(|&(index, _)| kept[index]) {
            let group = *group_of.entry(node.group).or_insert_with(|| {
                groups.push(self.groups[node.group].clone());
                groups.len() - 1
            });
            place[index] = nodes.len();
            nodes.push(Node { group, ..node.clone() });
        }
        let edges = edges.into_iter().map(|edge| Edge { from: place[edge.from], to: place[edge.to], ..edge }).collect();
        Self { title: self.title.clone(), groups, nodes, edges }
    }

    /// The edges, one line for each pair.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for edge in &self.edges {
            if lines.last().is_none_or(|line| (line.from, line.to) != (edge.from, edge.to)) {
                lines.push(Line { from: edge.from, to: edge.to, waits: None, talks: Vec::new() });
            }
            let Some(line) = lines.last_mut() else { continue };
            match edge.kind {
                Kind::StartsAfter(condition) => line.waits = Some(condition),
                Kind::Talks(talk) => line.talks.push(talk),
            }
        }
        lines
    }

    /// The nodes of each group.
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.groups.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            members[node.group].push(index);
        }
        members
    }
}

impl Line {
    /// What the one does to the other; empty if it only waits.
    pub fn verbs(&self) -> String {
        self.talks.iter().map(|talk| talk.verb()).collect::<Vec<_>>().join(", ")
    }
}

/// The published ports of a service in short.
fn ports(node: &Node) -> String {
    node.published.iter().map(|port| format!(":{}", one_line(port))).collect::<Vec<_>>().join(" ")
}

/// Text on one line: what breaks a line or moves the cursor becomes a space.
fn one_line(text: &str) -> Cow<'_, str> {
    let is_space = |c: char| c.is_whitespace() || c.is_control();
    if !text.contains(is_space) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}
