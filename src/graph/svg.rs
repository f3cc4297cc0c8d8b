//! SVG, with a legend, for light and dark mode.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::layout::{BEND, HEAD, Head, Layout, Net, Rect, Style, layout};
use super::{Graph, Line, Talk, one_line, ports};
use crate::spec::service::Condition;

/// Colours of the light and of the dark drawing, by class and property.
const COLORS: &[(&str, &str, &str, &str)] = &[
    (".ground", "fill", "#ffffff", "#0d1117"),
    (".group", "fill", "#f6f8fa", "#151b23"),
    (".group", "stroke", "#d1d9e0", "#2f3742"),
    (".node rect", "fill", "#ffffff", "#212830"),
    (".node rect", "stroke", "#818b98", "#656c76"),
    (".name", "fill", "#1f2328", "#f0f6fc"),
    (".small", "fill", "#59636e", "#9198a1"),
    (".waits", "color", "#6e7781", "#8b949e"),
    (".uses", "color", "#0a7a5c", "#3fb98f"),
    (".queries", "color", "#0b62d6", "#58a6ff"),
    (".scrapes", "color", "#b45309", "#f0a04b"),
    (".pushes", "color", "#8a3ffc", "#b78bff"),
    (".net .hollow", "fill", "#ffffff", "#0d1117"),
];

/// Styles other than colours. The boxes are sized for a monospaced font.
const STYLE: &str = "\
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\
.name{font-size:13px;font-weight:600}.title{font-size:14px;font-weight:600}.small{font-size:11px}\
.node text{text-anchor:middle}\
.net path{fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}\
.net .full{fill:currentColor}\
.net:hover path{stroke-width:3}\
.dashed.uses .line{stroke-dasharray:6 4}.dashed.queries .line{stroke-dasharray:10 4}\
.dashed.scrapes .line{stroke-dasharray:1 4;stroke-width:2}.dashed.pushes .line{stroke-dasharray:10 4 2 4}";

/// The legend: its margin, line height, and the width of a sample and of a character.
const LEGEND_LEFT: i32 = 24;
const LEGEND_LINE: i32 = 22;
const SAMPLE: i32 = 46;
const CHARACTER: i32 = 7;

/// The graph as an image, unless it is too large for one.
pub fn render(graph: &Graph) -> Option<String> {
    let layout = layout(graph)?;
    let legend = legend(&layout);
    let legend_width =
        legend.iter().map(|row| LEGEND_LEFT + row.last().map_or(0, |entry| entry.x + entry.width())).max();
    let width = layout.width.max(legend_width.unwrap_or_default() + LEGEND_LEFT);
    let legend_height = LEGEND_LINE * i32::try_from(legend.len()).unwrap_or_default();
    let height = layout.height + legend_height;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{}</title>\n<style>{STYLE}",
        escaped(&graph.title)
    );
    // Writing to a `String` cannot fail.
    for (class, property, light, _) in COLORS {
        let _ = write!(out, "{class}{{{property}:{light}}}");
    }
    out.push_str("@media(prefers-color-scheme:dark){");
    for (class, property, _, dark) in COLORS {
        let _ = write!(out, "{class}{{{property}:{dark}}}");
    }
    let _ = writeln!(out, "}}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>");
    for (group, rect) in graph.groups.iter().zip(&layout.groups) {
        if !group.title.is_empty() {
            let _ = writeln!(out, "<rect class=\"group\" {} rx=\"10\"/>", place(rect));
            let (x, y) = (rect.x + 20, rect.y + 27);
            let _ = writeln!(out, "<text class=\"small title\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(&group.title));
        }
    }
    for net in &layout.nets {
        draw_net(&mut out, graph, net);
    }
    for (node, rect) in graph.nodes.iter().zip(&layout.nodes) {
        draw_node(&mut out, node, rect);
    }
    for (row, y) in legend.iter().zip((layout.height..).step_by(usize::try_from(LEGEND_LINE).unwrap_or(1))) {
        for entry in row {
            entry.draw(&mut out, y);
        }
    }
    out.push_str("</svg>\n");
    Some(out)
}

fn place(rect: &Rect) -> String {
    format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", rect.x, rect.y, rect.width, rect.height)
}

fn draw_node(out: &mut String, node: &super::Node, rect: &Rect) {
    let ports = ports(node);
    let (x, middle) = (rect.x + rect.width / 2, rect.y + rect.height / 2);
    let baseline = if ports.is_empty() { middle + 5 } else { middle - 3 };
    let _ = write!(out, "<g class=\"node\">");
    if !node.description.is_empty() {
        let _ = write!(out, "<title>{}</title>", escaped(&node.description));
    }
    let _ = write!(out, "<rect {} rx=\"6\"/>", place(rect));
    let _ = write!(out, "<text class=\"name\" x=\"{x}\" y=\"{baseline}\">{}</text>", escaped(&node.name));
    if !ports.is_empty() {
        let _ = write!(out, "<text class=\"small\" x=\"{x}\" y=\"{}\">{}</text>", middle + 14, escaped(&ports));
    }
    out.push_str("</g>\n");
}

fn draw_net(out: &mut String, graph: &Graph, net: &Net) {
    let told: Vec<String> = net.lines.iter().map(|line| tell(graph, line)).collect();
    let _ = write!(out, "<g class=\"net {}\"><title>{}</title>", classes(net.style), escaped(&told.join("; ")));
    for piece in &net.pieces {
        let _ = write!(out, "<path class=\"line\" d=\"{}\"/>", path(piece));
    }
    for head in &net.heads {
        draw_head(out, *head, net.style);
    }
    out.push_str("</g>\n");
}

/// A line in words.
fn tell(graph: &Graph, line: &Line) -> String {
    let (from, to) = (&graph.nodes[line.from].name, &graph.nodes[line.to].name);
    let waits = line.waits.map(|condition| format!("starts after {to} {}", words(condition)));
    let talks = line.talks.iter().map(|talk| format!("{} {to}", talk.verb()));
    let all: Vec<String> = talks.chain(waits).collect();
    format!("{from} {}", all.join(" and "))
}

/// A condition in words.
fn words(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "has started",
        Condition::Healthy => "is healthy",
        Condition::Completed => "has completed",
    }
}

fn classes(style: Style) -> String {
    let kind = style.talk.map_or("waits", class);
    if style.waits.is_some() { kind.to_owned() } else { format!("{kind} dashed") }
}

fn class(talk: Talk) -> &'static str {
    match talk {
        Talk::Pushes => "pushes",
        Talk::Scrapes => "scrapes",
        Talk::Queries => "queries",
        Talk::Uses => "uses",
    }
}

/// A polyline with rounded corners.
fn path(points: &[(i32, i32)]) -> String {
    let mut out = String::new();
    let length = |a: (i32, i32), b: (i32, i32)| (a.0 - b.0).abs() + (a.1 - b.1).abs();
    let toward =
        |a: (i32, i32), b: (i32, i32), by: i32| (a.0 + (b.0 - a.0).signum() * by, a.1 + (b.1 - a.1).signum() * by);
    let last = points.len().saturating_sub(1);
    for (index, &point) in points.iter().enumerate() {
        if index == 0 {
            let _ = write!(out, "M{} {}", point.0, point.1);
        } else if index == last {
            let _ = write!(out, "L{} {}", point.0, point.1);
        } else {
            let (before, after) = (points[index - 1], points[index + 1]);
            // A corner takes at most half of a piece with another corner at its other end.
            let room = |other: (i32, i32), is_end: bool| length(point, other) / if is_end { 1 } else { 2 };
            let bend = BEND.min(room(before, index == 1)).min(room(after, index + 1 == last));
            let (start, end) = (toward(point, before, bend), toward(point, after, bend));
            let _ = write!(out, "L{} {}Q{} {} {} {}", start.0, start.1, point.0, point.1, end.0, end.1);
        }
    }
    out
}

/// An arrowhead: hollow if the other must have started, filled if it must be healthy, a diamond if it must have completed,
/// open without a dependency.
fn draw_head(out: &mut String, head: Head, style: Style) {
    let (x, y) = head.tip;
    let back = if head.down { y - HEAD } else { y + HEAD };
    let middle = i32::midpoint(y, back);
    let (left, right) = (x - 4, x + 4);
    let (class, shape) = match style.waits {
        None => ("open", format!("M{x} {back}L{x} {y}M{left} {back}L{x} {y}L{right} {back}")),
        Some(Condition::Started) => ("hollow", format!("M{left} {back}L{right} {back}L{x} {y}Z")),
        Some(Condition::Healthy) => ("full", format!("M{left} {back}L{right} {back}L{x} {y}Z")),
        Some(Condition::Completed) => ("full", format!("M{x} {back}L{left} {middle}L{x} {y}L{right} {middle}Z")),
    };
    let _ = write!(out, "<path class=\"{class}\" d=\"{shape}\"/>");
}

/// A sample with its meaning, or a heading.
struct Entry {
    x: i32,
    style: Option<Style>,
    text: &'static str,
}

impl Entry {
    fn width(&self) -> i32 {
        let text = i32::try_from(self.text.len()).unwrap_or_default() * CHARACTER;
        text + if self.style.is_some() { SAMPLE } else { 0 }
    }

    fn draw(&self, out: &mut String, y: i32) {
        let start = LEGEND_LEFT + self.x;
        let text = start + if self.style.is_some() { SAMPLE } else { 0 };
        if let Some(style) = self.style {
            // Drawn downwards and rotated to point to the right.
            let _ = write!(
                out,
                "<g class=\"net {}\" transform=\"translate({start} {y}) rotate(-90)\"><path class=\"line\" d=\"M0 0L0 {}\"/>",
                classes(style),
                SAMPLE - 10 - HEAD
            );
            draw_head(out, Head { tip: (0, SAMPLE - 10), down: true }, style);
            out.push_str("</g>");
        }
        let _ = writeln!(out, "<text class=\"small\" x=\"{text}\" y=\"{}\">{}</text>", y + 4, self.text);
    }
}

/// The legend's rows: one for dependencies and one for connections.
fn legend(layout: &Layout) -> Vec<Vec<Entry>> {
    let styles: BTreeSet<Style> = layout.nets.iter().map(|net| net.style).collect();
    let conditions = [Condition::Started, Condition::Healthy, Condition::Completed];
    let waits = conditions.into_iter().filter(|&wanted| styles.iter().any(|style| style.waits == Some(wanted)));
    let waits: Vec<(Option<Style>, &'static str)> =
        waits.map(|condition| (Some(Style { talk: None, waits: Some(condition) }), words(condition))).collect();
    let talks = Talk::ALL.into_iter().filter(|&wanted| styles.iter().any(|style| style.talk == Some(wanted)));
    let talks: Vec<(Option<Style>, &'static str)> =
        talks.map(|talk| (Some(Style { talk: Some(talk), waits: None }), talk.verb())).collect();
    let both = styles.iter().any(|style| style.talk.is_some() && style.waits.is_some());
    let note = both.then_some((None, "(solid: also starts after it)"));
    let rows = [("starts after it", waits, None), ("talks to it", talks, note)];
    rows.into_iter()
        .filter(|(_, entries, _)| !entries.is_empty())
        .map(|(word, entries, note)| {
            let mut x = 0;
            std::iter::once((None, word))
                .chain(entries)
                .chain(note)
                .map(|(style, text)| {
                    let entry = Entry { x, style, text };
                    x += entry.width() + 18;
                    entry
                })
                .collect()
        })
        .collect()
}

/// Escapes a text for XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML (<https://www.w3.org/TR/xml/#charsets>).
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}
