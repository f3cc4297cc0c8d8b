//! Graphviz.

use std::fmt::Write as _;

use super::{Graph, Line, Talk, one_line};
use crate::spec::service::Condition;

/// The graph in Graphviz's language.
pub fn render(graph: &Graph) -> String {
    let mut out = String::from("digraph stack {\n");
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "  label={};", quoted(&graph.title));
    out.push_str("  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"monospace\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (index, (group, members)) in graph.groups.iter().zip(graph.members()).enumerate() {
        let indent = if group.title.is_empty() {
            "  "
        } else {
            let _ = writeln!(out, "  subgraph cluster_{index} {{\n    label={};", quoted(&group.title));
            "    "
        };
        for node in members.into_iter().map(|member| &graph.nodes[member]) {
            let name = quoted(&node.name);
            let _ = match node.description.as_str() {
                "" => writeln!(out, "{indent}{name};"),
                description => writeln!(out, "{indent}{name} [tooltip={}];", quoted(description)),
            };
        }
        if !group.title.is_empty() {
            out.push_str("  }\n");
        }
    }
    for line in graph.lines() {
        let (from, to) = (quoted(&graph.nodes[line.from].name), quoted(&graph.nodes[line.to].name));
        let _ = writeln!(out, "  {from} -> {to} [{}];", attributes(&line));
    }
    out.push_str("}\n");
    out
}

fn attributes(line: &Line) -> String {
    let style = if line.waits.is_some() { "solid" } else { "dashed" };
    let mut attributes = format!("style={style}");
    if let Some(&talk) = line.talks.first() {
        let _ = write!(attributes, ", color=\"{0}\", fontcolor=\"{0}\"", color(talk));
    }
    if !line.talks.is_empty() {
        let _ = write!(attributes, ", label={}", quoted(&line.verbs()));
    }
    let head = match line.waits {
        None => "vee",
        Some(Condition::Started) => "empty",
        Some(Condition::Healthy) => "normal",
        Some(Condition::Completed) => "diamond",
    };
    let _ = write!(attributes, ", arrowhead={head}");
    if let Some(condition) = line.waits {
        let tip = format!("starts after: {}", condition.described());
        let _ = write!(attributes, ", tooltip={}", quoted(&tip));
    }
    attributes
}

fn color(talk: Talk) -> &'static str {
    match talk {
        Talk::Uses => "#0a7a5c",
        Talk::Queries => "#1f6feb",
        Talk::Scrapes => "#b45309",
        Talk::Pushes => "#8a3ffc",
    }
}

/// A quoted string without escapes such as `\N`, the name of the node.
fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}
