//! Mermaid, which GitHub and many others draw in Markdown.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::{Graph, Line, one_line};

/// Words that mean something where a node's name stands; so would a name that begins with one and a dash.
const WORDS: [&str; 14] = [
    "call",
    "class",
    "classdef",
    "click",
    "default",
    "direction",
    "end",
    "flowchart",
    "graph",
    "href",
    "interpolate",
    "linkstyle",
    "style",
    "subgraph",
];

/// The graph as a flowchart. A solid arrow waits, a dotted one doesn't; one with a label talks.
#[must_use]
pub fn render(graph: &Graph) -> String {
    let mut taken = HashSet::new();
    let ids: Vec<String> = graph.nodes.iter().map(|node| id(&node.name, &mut taken)).collect();
    let mut out = String::from("flowchart LR\n");
    for (group, members) in graph.groups.iter().zip(graph.members()) {
        let indent = if group.title.is_empty() {
            "  "
        } else {
            let id = id(&format!("group-{}", group.title), &mut taken);
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  subgraph {id}[{}]", quoted(&group.title));
            "    "
        };
        for member in members {
            let _ = writeln!(out, "{indent}{}[{}]", ids[member], quoted(&graph.nodes[member].name));
        }
        if !group.title.is_empty() {
            out.push_str("  end\n");
        }
    }
    for line in graph.lines() {
        let _ = writeln!(out, "  {} {} {}", ids[line.from], arrow(&line), ids[line.to]);
    }
    out
}

fn arrow(line: &Line) -> String {
    let arrow = if line.waits.is_some() { "-->" } else { "-.->" };
    match line.verbs().as_str() {
        "" => arrow.to_owned(),
        verbs => format!("{arrow}|{}|", quoted(verbs)),
    }
}

/// A name that Mermaid takes for nothing else, and that no other node has.
fn id(name: &str, taken: &mut HashSet<String>) -> String {
    let mut id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if WORDS.contains(&id.to_ascii_lowercase().as_str()) {
        id.push('_');
    }
    let name = id.clone();
    let mut number = 2;
    while taken.contains(&id) {
        id = format!("{name}_{number}");
        number += 1;
    }
    taken.insert(id.clone());
    id
}

/// A label in quotes. What could end it, or mean HTML, Markdown or something to Mermaid is written as an entity of HTML,
/// with a name: Mermaid 11 reads its own numbered ones (`#35;`) in labels of nodes and not in those of groups.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in one_line(text).chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '`' => out.push_str("&grave;"),
            '#' => out.push_str("&num;"),
            '%' => out.push_str("&percnt;"),
            '\\' => out.push_str("&bsol;"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
