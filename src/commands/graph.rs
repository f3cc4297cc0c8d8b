//! `gen graph`.

use std::io;

use stackgen::diagnostic::suggestion;
use stackgen::graph::{Graph as Drawn, dot, mermaid, svg};
use stackgen::spec::decode::{listed, shown};

use super::{Outcome, Ran, one_profile, print, stop_with};
use crate::cli::{Graph, GraphFormat};

pub fn run(arguments: &Graph) -> Ran {
    let plan = one_profile(arguments.profile.as_deref())?;
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
        GraphFormat::Svg => svg::render(&graph).ok_or_else(|| {
            let message = format!("too many lines between {} services for a drawing", graph.nodes.len());
            stop_with(Outcome::Invalid, message, "choose a part with `--focus`, or use `--format dot`")
        })?,
    };
    print(io::stdout(), &text);
    Ok(Outcome::Clean)
}
