//! `gen graph`.

use std::io;

use stackgen::diagnostic::nearest;
use stackgen::graph::{Graph as Drawn, dot, mermaid, svg};
use stackgen::spec::decode::{listed, shown};

use super::report::{CYAN, RESET};
use super::{Outcome, fail, one_profile, print};
use crate::cli::{Graph, GraphFormat};

pub fn run(arguments: &Graph) -> Outcome {
    let plan = match one_profile(arguments.profile.as_deref()) {
        Ok(plan) => plan,
        Err(outcome) => return outcome,
    };
    let mut graph = Drawn::of(plan.stack());
    if let Some(name) = &arguments.focus {
        let Some(node) = graph.find(name) else {
            let known = || graph.nodes.iter().map(|node| node.name.as_str());
            let help = match nearest(name, known()) {
                Some(found) => format!("did you mean `{found}`?"),
                None => format!("there are: {}", listed(known())),
            };
            fail(&format!("there is no service `{}`\n  {CYAN}help{RESET}: {help}", shown(name)));
            return Outcome::Invalid;
        };
        graph = graph.focus(node);
    }
    let text = match arguments.format {
        GraphFormat::Mermaid => mermaid::render(&graph),
        GraphFormat::Dot => dot::render(&graph),
        GraphFormat::Svg => svg::render(&graph),
    };
    print(io::stdout(), &text);
    Outcome::Clean
}
