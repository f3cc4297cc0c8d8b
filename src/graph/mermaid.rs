//! Mermaid, which GitHub and others render in Markdown.

use std::fmt::Write as _;

use foldhash::HashSet;

use super::{Graph, Line, one_line};

/// Keywords that can't be IDs of nodes.
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

/// The graph as a flowchart. A solid arrow is a dependency, a label says what a connection is for.
pub fn render(graph: &Graph) -> String {
    let mut taken = HashSet::default();
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

/// An ID that is not a keyword and is unique.
fn id(name: &str, taken: &mut HashSet<String>) -> String {
    let mut first: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if WORDS.iter().any(|word| first.eq_ignore_ascii_case(word)) {
        first.push('_');
    }
    let mut id = first.clone();
    let mut number = 2;
    while !taken.insert(id.clone()) {
        id = format!("{first}_{number}");
        number += 1;
    }
    id
}

/// A quoted label. Special characters of Mermaid, HTML and Markdown are written as named HTML entities: Mermaid 11 reads its
/// own numeric ones (`#35;`) in labels of nodes but not of groups.
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
