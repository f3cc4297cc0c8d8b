//! `gen graph`.

use std::io;

use serde_json::{Value, json};
use stackgen::diagnostic::suggestion;
use stackgen::graph::{Graph as Drawn, Kind, dot, mermaid, svg};
use stackgen::spec::decode::{listed, shown};

use super::{Outcome, Ran, one_profile, print, report, stop_with};
use crate::cli::{Format, Graph, GraphFormat};

pub fn run(arguments: &Graph) -> Ran {
    let is_json = arguments.format == GraphFormat::Json;
    let plan = one_profile(arguments.profile.as_deref(), if is_json { Format::Json } else { Format::Text })?;
    let mut graph = if arguments.networks { Drawn::by_network(plan.stack()) } else { Drawn::of(plan.stack()) };
    if let Some(name) = &arguments.focus {
        let Some(node) = graph.find(name) else {
            let known = || graph.nodes.iter().map(|node| node.name.as_str());
            let help = suggestion(name, known(), || format!("the services are: {}", listed(known())));
            return Err(stop_with(Outcome::Invalid, format!("unknown service `{}`", shown(name)), help));
        };
        graph = graph.focus(node);
    }
    let text = match arguments.format {
        GraphFormat::Mermaid => mermaid::render(&graph),
        GraphFormat::Dot => dot::render(&graph),
        GraphFormat::Json => json(&graph),
        GraphFormat::Svg => svg::render(&graph).ok_or_else(|| {
            let message = format!("too many lines between {} services for a drawing", graph.nodes.len());
            stop_with(Outcome::Invalid, message, "choose a part with `--focus`, or use `--format dot`")
        })?,
    };
    print(io::stdout(), &text);
    Ok(Outcome::Clean)
}

fn json(graph: &Drawn) -> String {
    let name = |node: usize| graph.nodes.get(node).map_or("", |node| node.name.as_str());
    let services: Vec<Value> = graph
        .nodes
        .iter()
        .map(|node| {
            json!({
                "name": node.name,
                "group": graph.groups.get(node.group).map_or("", |group| group.title.as_str()),
                "description": node.description,
                "published_ports": node.published,
            })
        })
        .collect();
    let edges: Vec<Value> = graph
        .edges
        .iter()
        .map(|edge| json!({ "from": name(edge.from), "to": name(edge.to), "kind": kind(edge.kind) }))
        .collect();
    report::versioned(json!({ "title": graph.title, "services": services, "edges": edges }))
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::StartsAfter(condition) => format!("starts-after-{}", condition.described()),
        Kind::Talks(talk) => talk.verb().replace(' ', "-"),
    }
}
