//! The layout of a drawing: layers from top to bottom, a column for each group.
//!
//! The algorithm is that of Sugiyama, Tagawa and Toda (<https://doi.org/10.1109/TSMC.1981.4308636>): assign each service
//! to a layer below all its dependents; add places for long lines in the layers between; order each layer by barycenters;
//! then choose coordinates as near to the neighbors as the order allows (isotonic regression). In addition:
//!
//! - A group is a column through all layers, so that groups don't overlap and no line crosses a heading.
//! - Lines of one style to or from the same service share a trunk ([`Net`]).
//! - Lines are vertical within layers and turn only between layers, each net on its own track, so that no line can cross a
//!   service.

use std::collections::{BTreeMap, HashMap};

use super::{Graph, Line, Talk};
use crate::spec::service::Condition;

/// Height of a service's box.
pub const NODE_HEIGHT: i32 = 44;
/// Width of a character of a service's name and of its ports: 13 and 11 pixels of a monospaced font, rounded up.
const NAME_CHARACTER: i32 = 8;
const PORT_CHARACTER: i32 = 7;
/// Width of a character of a group's heading, at the most.
const TITLE_CHARACTER: i32 = 9;
/// Between the text of a box and its sides.
const NODE_PADDING: i32 = 14;
/// Between two boxes, a box and a line, two lines that pass beside each other.
const NODE_GAP: f64 = 28.0;
const LINE_GAP: f64 = 16.0;
const LINES_GAP: f64 = 12.0;
/// Between a column's sides and what it holds, and between two columns.
const COLUMN_PADDING: i32 = 20;
const COLUMN_GAP: i32 = 20;
/// Height of the headings, and what stands above the services without any.
const HEADER: i32 = 44;
const NO_HEADER: i32 = 8;
/// Around the drawing.
const MARGIN: i32 = 20;
/// Between two horizontal pieces of lines; above the first of them; below the last, where arrowheads are.
const TRACK: i32 = 9;
const ABOVE_TRACKS: i32 = 14;
const BELOW_TRACKS: i32 = 22;
/// Between two ends of lines at a box, and between them and its corners.
const PORT_GAP: f64 = 14.0;
const CORNER: f64 = 12.0;
/// How far a line bends where it joins another.
pub const BEND: i32 = 7;
/// Rounds of the heuristics; more make no visible difference.
const ORDER_ROUNDS: usize = 24;
const PLACE_ROUNDS: usize = 24;
/// With more lines between two layers, tracks are not optimized, which takes quadratic time.
const MOST_TRACKS: usize = 200;
/// With more lines, or layers that lines pass, nothing is drawn: nobody could read it, and the time is quadratic.
const MOST_LINES: usize = 20_000;
const MOST_PLACES: usize = 1_000_000;
/// With more groups, not all orders are tried.
const MOST_ORDERS: usize = 7;

/// A drawing, in pixels from the upper left corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
    /// The box of each service, by its index in the graph.
    pub nodes: Vec<Rect>,
    /// The column of each group, by its index in the graph.
    pub groups: Vec<Rect>,
    /// Lines.
    pub nets: Vec<Net>,
}

/// A rectangle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rect {
    /// Its left side.
    pub x: i32,
    /// Its upper side.
    pub y: i32,
    /// Its width.
    pub width: i32,
    /// Its height.
    pub height: i32,
}

/// Lines of one style that share a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// How it is drawn.
    pub style: Style,
    /// The graph's lines that it represents.
    pub lines: Vec<Line>,
    /// Its pieces, whose corners may be rounded by [`BEND`]: each goes horizontally or vertically from point to point.
    pub pieces: Vec<Vec<(i32, i32)>>,
    /// Where its arrowheads end.
    pub heads: Vec<Head>,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Style {
    /// What the connection is for, if there is one.
    pub talk: Option<Talk>,
    /// What the dependency waits for, if there is one.
    pub waits: Option<Condition>,
}

/// An arrowhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its tip.
    pub tip: (i32, i32),
    /// Whether it points down.
    pub down: bool,
}

/// The length of an arrowhead.
pub const HEAD: i32 = 9;

/// Lays out a graph, unless it has too many lines, or lines that pass too many services.
pub fn layout(graph: &Graph) -> Option<Layout> {
    let strokes = strokes(graph);
    if strokes.len() > MOST_LINES {
        return None;
    }
    let layers = layers(graph.nodes.len(), &strokes);
    if strokes.iter().map(|stroke| layers[stroke.from].abs_diff(layers[stroke.to])).sum::<usize>() > MOST_PLACES {
        return None;
    }
    let columns = columns(graph, &strokes);
    let mut drawing = Drawing::new(graph, &columns, &layers, &strokes);
    drawing.order();
    drawing.place();
    Some(drawing.finish(graph, &columns))
}

/// A line, or one of several between the same services.
struct Stroke {
    from: usize,
    to: usize,
    style: Style,
    line: Line,
}

/// The first connection of a pair and its dependency are one line, each further connection is another.
fn strokes(graph: &Graph) -> Vec<Stroke> {
    let mut strokes = Vec::new();
    for line in graph.lines() {
        let mut talks = line.talks.iter().copied();
        let first = Style { talk: talks.next(), waits: line.waits };
        for style in std::iter::once(first).chain(talks.map(|talk| Style { talk: Some(talk), waits: None })) {
            let line = Line { waits: style.waits, talks: style.talk.into_iter().collect(), ..line };
            strokes.push(Stroke { from: line.from, to: line.to, style, line });
        }
    }
    strokes
}

/// The layer of each node, the first at the top: below all its dependents, and not lower than necessary.
fn layers(count: usize, strokes: &[Stroke]) -> Vec<usize> {
    let (mut above, mut below): (Vec<Vec<usize>>, Vec<Vec<usize>>) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    // Dependencies have no cycles; in a cycle of connections a line is drawn upwards.
    let waiting = strokes.iter().filter(|stroke| stroke.style.waits.is_some());
    let talking = strokes.iter().filter(|stroke| stroke.style.waits.is_none());
    for stroke in waiting.chain(talking) {
        let (mut upper, mut lower) = (stroke.from, stroke.to);
        if reaches(&below, lower, upper) {
            std::mem::swap(&mut upper, &mut lower);
        }
        below[upper].push(lower);
        above[lower].push(upper);
    }
    // From the bottom: one more than the highest of those below.
    let mut rank = vec![0; count];
    let mut left: Vec<usize> = below.iter().map(Vec::len).collect();
    let mut sorted: Vec<usize> = (0..count).filter(|&node| left[node] == 0).collect();
    let mut next = 0;
    while let Some(&node) = sorted.get(next) {
        next += 1;
        for &upper in &above[node] {
            rank[upper] = rank[upper].max(rank[node] + 1);
            left[upper] -= 1;
            if left[upper] == 0 {
                sorted.push(upper);
            }
        }
    }
    // A node with more dependents than dependencies moves up to them.
    for _ in 0..8 {
        let mut moved = false;
        for &node in sorted.iter().rev() {
            let Some(highest) = above[node].iter().map(|&upper| rank[upper] - 1).min() else { continue };
            let lowest = below[node].iter().map(|&lower| rank[lower] + 1).max().unwrap_or_default();
            let wanted =
                if above[node].len() > below[node].len() { highest } else { rank[node].clamp(lowest, highest) };
            moved |= std::mem::replace(&mut rank[node], wanted) != wanted;
        }
        if !moved {
            break;
        }
    }
    let top = rank.iter().copied().max().unwrap_or_default();
    rank.into_iter().map(|rank| top - rank).collect()
}

fn reaches(below: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; below.len()];
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        if !std::mem::replace(&mut seen[node], true) {
            open.extend(&below[node]);
        }
    }
    false
}

/// The groups from left to right: those with many lines between them are near each other, otherwise as in the spec.
fn columns(graph: &Graph, strokes: &[Stroke]) -> Vec<usize> {
    let count = graph.groups.len();
    let mut between = vec![vec![0_usize; count]; count];
    for stroke in strokes {
        between[graph.nodes[stroke.from].group][graph.nodes[stroke.to].group] += 1;
    }
    let cost = |order: &[usize]| -> usize {
        let pairs = order
            .iter()
            .enumerate()
            .flat_map(|(a, &one)| order.iter().enumerate().map(move |(b, &two)| (a, one, b, two)));
        pairs.map(|(a, one, b, two)| between[one][two] * a.abs_diff(b)).sum()
    };
    let spec: Vec<usize> = (0..count).collect();
    let mut best = (cost(&spec), spec.clone());
    if count <= MOST_ORDERS {
        try_orders(&mut Vec::new(), &spec, &mut |order| {
            let cost = cost(order);
            if cost < best.0 {
                best = (cost, order.to_vec());
            }
        });
    }
    best.1
}

fn try_orders(begun: &mut Vec<usize>, all: &[usize], each: &mut dyn FnMut(&[usize])) {
    if begun.len() == all.len() {
        return each(begun);
    }
    for &next in all {
        if !begun.contains(&next) {
            begun.push(next);
            try_orders(begun, all, each);
            begun.pop();
        }
    }
}

/// An item of a layer: a node or a passing line.
struct Item {
    layer: usize,
    column: usize,
    width: f64,
    /// Its center, from the left of its column.
    x: f64,
    passes: bool,
}

/// A net between two layers: one of its sides has one item, the root.
struct Span {
    net: usize,
    upper: Vec<usize>,
    lower: Vec<usize>,
    /// Whether the lower side is the root.
    gathers: bool,
}

/// Strokes that become a net.
struct Bundle {
    strokes: Vec<usize>,
    /// Whether they lead to one node; otherwise they come from one.
    gathers: bool,
}

struct Drawing<'s> {
    strokes: &'s [Stroke],
    bundles: Vec<Bundle>,
    items: Vec<Item>,
    /// The passing items of each net, from top to bottom.
    passing: Vec<Vec<usize>>,
    /// The items of each layer and column, from left to right.
    rows: Vec<Vec<Vec<usize>>>,
    /// The nets between each layer and the next.
    channels: Vec<Vec<Span>>,
}

impl<'s> Drawing<'s> {
    fn new(graph: &Graph, columns: &[usize], layers: &[usize], strokes: &'s [Stroke]) -> Self {
        let mut column_of = vec![0; columns.len()];
        for (column, &group) in columns.iter().enumerate() {
            column_of[group] = column;
        }
        let mut ends = vec![0_usize; graph.nodes.len()];
        for stroke in strokes {
            ends[stroke.from] += 1;
            ends[stroke.to] += 1;
        }
        let items = graph.nodes.iter().zip(layers).zip(&ends).map(|((node, &layer), &ends)| Item {
            layer,
            column: column_of[node.group],
            width: f64::from(node_width(node)).max(f64::from(u32::try_from(ends.min(50)).unwrap_or_default()) * 8.0),
            x: 0.0,
            passes: false,
        });
        let depth = layers.iter().max().map_or(0, |last| last + 1);
        let mut drawing = Self {
            strokes,
            bundles: bundles(strokes, layers),
            items: items.collect(),
            passing: Vec::new(),
            rows: vec![vec![Vec::new(); columns.len()]; depth],
            channels: (1..depth).map(|_| Vec::new()).collect(),
        };
        for net in 0..drawing.bundles.len() {
            drawing.route(net);
        }
        for (index, item) in drawing.items.iter().enumerate() {
            drawing.rows[item.layer][item.column].push(index);
        }
        drawing
    }

    /// The upper and the lower end of a stroke.
    fn ends(&self, stroke: usize) -> (usize, usize) {
        let Stroke { from, to, .. } = self.strokes[stroke];
        if self.items[from].layer < self.items[to].layer { (from, to) } else { (to, from) }
    }

    /// Adds the items of a net in the layers that it passes, and its spans between the layers.
    fn route(&mut self, net: usize) {
        let gathers = self.bundles[net].gathers;
        let ends: Vec<(usize, usize)> = self.bundles[net].strokes.iter().map(|&stroke| self.ends(stroke)).collect();
        let Some(&(upper, lower)) = ends.first() else { return };
        let root = if gathers { lower } else { upper };
        let tips: Vec<usize> = ends.iter().map(|&(upper, lower)| if gathers { upper } else { lower }).collect();
        // It passes through the column with most of its ends.
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        for &end in tips.iter().chain([&root]) {
            *votes.entry(self.items[end].column).or_default() += 1;
        }
        let own = self.items[root].column;
        let column =
            votes.iter().max_by_key(|&(&column, &votes)| (votes, column == own)).map_or(own, |(&column, _)| column);
        let layers = || tips.iter().map(|&tip| self.items[tip].layer);
        let at_root = self.items[root].layer;
        let (first, last) = if gathers {
            (layers().min().unwrap_or(at_root), at_root)
        } else {
            (at_root, layers().max().unwrap_or(at_root))
        };
        let mut passing: Vec<usize> = Vec::new();
        for layer in first + 1..last {
            passing.push(self.items.len());
            self.items.push(Item { layer, column, width: 0.0, x: 0.0, passes: true });
        }
        for layer in first..last {
            let items = &self.items;
            let side = |layer: usize, is_root: bool| -> Vec<usize> {
                let passes = layer.checked_sub(first + 1).and_then(|index| passing.get(index)).copied();
                let tips = tips.iter().copied().filter(|&tip| items[tip].layer == layer);
                if is_root { vec![passes.unwrap_or(root)] } else { tips.chain(passes).collect() }
            };
            let span = Span { net, upper: side(layer, !gathers), lower: side(layer + 1, gathers), gathers };
            self.channels[layer].push(span);
        }
        self.passing.push(passing);
    }

    /// The items above and below each item.
    fn neighbours(&self) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let (mut above, mut below) = (vec![Vec::new(); self.items.len()], vec![Vec::new(); self.items.len()]);
        for span in self.channels.iter().flatten() {
            for &upper in &span.upper {
                for &lower in &span.lower {
                    above[lower].push(upper);
                    below[upper].push(lower);
                }
            }
        }
        (above, below)
    }

    /// Orders each layer for few crossings.
    fn order(&mut self) {
        let (above, below) = self.neighbours();
        let mut best = (self.crossings(), self.rows.clone());
        for round in 0..ORDER_ROUNDS {
            let downwards = round % 2 == 0;
            let mut place = self.places();
            let depth = self.rows.len();
            for step in 0..depth {
                let layer = if downwards { step } else { depth - 1 - step };
                for (column, row) in self.rows[layer].iter_mut().enumerate() {
                    let centre = |item: &usize| -> f64 {
                        let near = if downwards { &above[*item] } else { &below[*item] };
                        if near.is_empty() { place[*item] } else { mean(near.iter().map(|&other| place[other])) }
                    };
                    let mut keyed: Vec<(f64, usize)> = row.iter().map(|item| (centre(item), *item)).collect();
                    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
                    *row = keyed.into_iter().map(|(_, item)| item).collect();
                    set_places(&mut place, column, row);
                }
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.rows.clone());
            }
        }
        self.rows = best.1;
    }

    /// The place of each item, in units of columns.
    fn places(&self) -> Vec<f64> {
        let mut place = vec![0.0; self.items.len()];
        for (column, row) in self.rows.iter().flat_map(|layer| layer.iter().enumerate()) {
            set_places(&mut place, column, row);
        }
        place
    }

    /// How many pairs of lines cross.
    fn crossings(&self) -> usize {
        let mut index = vec![0_usize; self.items.len()];
        for layer in &self.rows {
            for (place, &item) in layer.iter().flatten().enumerate() {
                index[item] = place;
            }
        }
        let mut total = 0;
        for channel in &self.channels {
            let pairs = channel.iter().flat_map(|span| {
                span.upper.iter().flat_map(|&upper| span.lower.iter().map(move |&lower| (upper, lower)))
            });
            let mut pairs: Vec<(usize, usize)> = pairs.map(|(upper, lower)| (index[upper], index[lower])).collect();
            pairs.sort_unstable();
            // A Fenwick tree counts the earlier ones that end further to the right.
            let size = pairs.iter().map(|&(_, lower)| lower + 1).max().unwrap_or_default();
            let mut tree = vec![0_usize; size + 1];
            for (seen, &(_, lower)) in pairs.iter().enumerate() {
                let (mut up_to, mut at) = (0, lower + 1);
                while at > 0 {
                    up_to += tree[at];
                    at &= at - 1;
                }
                total += seen - up_to;
                let mut at = lower + 1;
                while at <= size {
                    tree[at] += 1;
                    at += at & at.wrapping_neg();
                }
            }
        }
        total
    }

    /// Places each item in its column, near its neighbors.
    fn place(&mut self) {
        let (above, below) = self.neighbours();
        for row in self.rows.iter().flatten() {
            let mut x = 0.0;
            for (index, &item) in row.iter().enumerate() {
                if let Some(&before) = index.checked_sub(1).and_then(|before| row.get(before)) {
                    x += apart(&self.items[before], &self.items[item]);
                }
                self.items[item].x = x;
            }
        }
        let depth = self.rows.len();
        for round in 0..PLACE_ROUNDS {
            for step in 0..depth {
                let layer = if round % 2 == 0 { step } else { depth - 1 - step };
                for row in &self.rows[layer] {
                    let wanted: Vec<(f64, f64)> = row
                        .iter()
                        .map(|&item| self.wanted(item, above[item].iter().chain(&below[item]).copied()))
                        .collect();
                    settle(&mut self.items, row, &wanted);
                }
            }
        }
        // Passing lines are straight, if necessary at the expense of their neighbors.
        for layer in 0..depth {
            for row in &self.rows[layer] {
                let wanted: Vec<(f64, f64)> = row
                    .iter()
                    .map(|&item| {
                        let before = above[item].iter().find(|&&upper| self.items[upper].passes);
                        match before.filter(|&&upper| self.same_column(item, upper)) {
                            Some(&upper) if self.items[item].passes => (self.items[upper].x, 1e6),
                            _ => (self.items[item].x, 1.0),
                        }
                    })
                    .collect();
                settle(&mut self.items, row, &wanted);
            }
        }
        for item in &mut self.items {
            item.x = item.x.round();
        }
    }

    fn same_column(&self, one: usize, two: usize) -> bool {
        self.items[one].column == self.items[two].column
    }

    /// The best place of an item for its neighbors, and its weight.
    fn wanted(&self, item: usize, near: impl Iterator<Item = usize>) -> (f64, f64) {
        let (mut sum, mut weight) = (0.0, 0.0);
        for other in near.filter(|&other| self.same_column(item, other)) {
            let pull = match (self.items[item].passes, self.items[other].passes) {
                (true, true) => 16.0,
                (false, false) => 1.0,
                _ => 2.0,
            };
            sum += pull * self.items[other].x;
            weight += pull;
        }
        if weight > 0.0 { (sum / weight, weight) } else { (self.items[item].x, 0.01) }
    }

    /// Columns side by side, layers below each other, and the lines.
    fn finish(mut self, graph: &Graph, columns: &[usize]) -> Layout {
        let mut groups = vec![Rect::default(); columns.len()];
        let mut left = MARGIN;
        for (column, &group) in columns.iter().enumerate() {
            let of_column = || self.items.iter().filter(move |item| item.column == column);
            let start = of_column().map(|item| item.x - item.width / 2.0).fold(f64::INFINITY, f64::min).floor();
            let end = of_column().map(|item| item.x + item.width / 2.0).fold(f64::NEG_INFINITY, f64::max).ceil();
            let content = whole(end - start).max(title_width(&graph.groups[group].title));
            let width = content + 2 * COLUMN_PADDING;
            let shift = f64::from(left + COLUMN_PADDING) + (f64::from(content) - (end - start)) / 2.0 - start;
            for item in self.items.iter_mut().filter(|item| item.column == column) {
                item.x = (item.x + shift).round();
            }
            groups[group] = Rect { x: left, y: MARGIN, width, height: 0 };
            left += width + COLUMN_GAP;
        }
        let ends = self.line_ends();
        let spans: Vec<Vec<Placed>> = self.channels.iter().map(|channel| placed(channel, &ends)).collect();
        let mut tops: Vec<i32> = Vec::new();
        let mut y = MARGIN + if graph.groups.iter().all(|group| group.title.is_empty()) { NO_HEADER } else { HEADER };
        let mut tracks: Vec<Vec<i32>> = Vec::new();
        for layer in 0..self.rows.len() {
            tops.push(y);
            y += NODE_HEIGHT;
            if let Some(spans) = spans.get(layer) {
                let (own, count) = assign(spans);
                let begin = y + ABOVE_TRACKS;
                tracks.push(own.iter().map(|track| begin + track * TRACK).collect());
                y = begin + (count - 1).max(0) * TRACK + BELOW_TRACKS;
            }
        }
        let bottom = y + COLUMN_PADDING;
        for group in &mut groups {
            group.height = bottom - group.y;
        }
        let nodes: Vec<Rect> = self.items[..graph.nodes.len()]
            .iter()
            .map(|item| {
                let width = whole(item.width);
                Rect { x: whole(item.x) - width / 2, y: tops[item.layer], width, height: NODE_HEIGHT }
            })
            .collect();
        let mut nets: Vec<Net> = self.bundles.iter().map(|bundle| self.net(bundle)).collect();
        for (layer, (spans, tracks)) in spans.iter().zip(&tracks).enumerate() {
            for (span, &track) in spans.iter().zip(tracks) {
                self.draw(&mut nets[span.net], span, track, (tops[layer] + NODE_HEIGHT, tops[layer + 1]));
            }
        }
        Layout { width: left - COLUMN_GAP + MARGIN, height: bottom + MARGIN, nodes, groups, nets }
    }

    fn net(&self, bundle: &Bundle) -> Net {
        let strokes = || bundle.strokes.iter().map(|&stroke| &self.strokes[stroke]);
        Net {
            style: strokes().next().map_or(Style { talk: None, waits: None }, |stroke| stroke.style),
            lines: strokes().map(|stroke| stroke.line.clone()).collect(),
            pieces: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// Where each net meets each item: a passing line in its middle, a node at a separate place for each line, as near as
    /// possible to where the line comes from.
    fn line_ends(&self) -> Ends {
        let mut ends = Ends::new();
        for (layer, channel) in self.channels.iter().enumerate() {
            for (items, is_upper) in [(&self.rows[layer], true), (&self.rows[layer + 1], false)] {
                let mut wishes: BTreeMap<usize, Vec<(f64, usize)>> = BTreeMap::new();
                for span in channel {
                    let (own, other) = if is_upper { (&span.upper, &span.lower) } else { (&span.lower, &span.upper) };
                    let at = |&item: &usize| {
                        let known = ends.get(&(span.net, item, true)).filter(|_| !is_upper);
                        known.map_or(self.items[item].x, |&x| f64::from(x))
                    };
                    let far = mean(other.iter().map(at));
                    for &item in own {
                        wishes.entry(item).or_default().push((far, span.net));
                    }
                }
                for &index in items.iter().flatten() {
                    let item = &self.items[index];
                    let Some(mut wishes) = wishes.remove(&index) else { continue };
                    wishes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    if item.passes {
                        ends.extend(wishes.iter().map(|&(_, net)| ((net, index, is_upper), whole(item.x))));
                        continue;
                    }
                    let room = (item.width / 2.0 - CORNER).max(1.0);
                    let count = f64::from(u32::try_from(wishes.len()).unwrap_or(u32::MAX));
                    let gap = PORT_GAP.min(2.0 * room / (count - 1.0).max(1.0)).floor();
                    let wanted: Vec<(f64, f64)> = wishes
                        .iter()
                        .map(|&(far, _)| {
                            let off = far - item.x;
                            // A line from far away ends near the middle.
                            let near = if off.abs() <= room { off } else { off.signum() * room / 2.0 };
                            (item.x + near, 1.0)
                        })
                        .collect();
                    let mut at = isotonic(&wanted, &|_| gap);
                    keep_within(&mut at, item.x - room, item.x + room);
                    ends.extend(wishes.iter().zip(at).map(|(&(_, net), x)| ((net, index, is_upper), whole(x.round()))));
                }
            }
        }
        ends
    }

    /// The pieces of a net between two layers, the end of the upper and the start of the lower one.
    fn draw(&self, net: &mut Net, span: &Placed, track: i32, (top, bottom): (i32, i32)) {
        let upwards = net.lines.first().is_some_and(|line| self.items[line.from].layer > self.items[line.to].layer);
        // A line ends where its arrowhead begins; a passing one continues to the other side of the layer.
        let from = |&(x, item): &(i32, usize)| {
            let passes = self.items[item].passes;
            (
                x,
                if passes && !span.gathers {
                    top - NODE_HEIGHT
                } else if upwards && !passes {
                    top + HEAD
                } else {
                    top
                },
            )
        };
        let to = |&(x, item): &(i32, usize)| {
            let passes = self.items[item].passes;
            (
                x,
                if passes && span.gathers {
                    bottom + NODE_HEIGHT
                } else if upwards || passes {
                    bottom
                } else {
                    bottom - HEAD
                },
            )
        };
        if upwards {
            let heads = span.upper.iter().filter(|(_, item)| !self.items[*item].passes);
            net.heads.extend(heads.map(|&(x, _)| Head { tip: (x, top), down: false }));
        } else {
            let heads = span.lower.iter().filter(|(_, item)| !self.items[*item].passes);
            net.heads.extend(heads.map(|&(x, _)| Head { tip: (x, bottom), down: true }));
        }
        let (root, tips): (_, Vec<(i32, i32)>) = if span.gathers {
            let Some(root) = span.lower.first() else { return };
            (to(root), span.upper.iter().map(from).collect())
        } else {
            let Some(root) = span.upper.first() else { return };
            (from(root), span.lower.iter().map(to).collect())
        };
        // The first line of a side runs the whole way and the others join it; the first of all continues to the root.
        let mut whole_way: Option<bool> = None;
        let mut sorted = tips;
        sorted.sort_by_key(|&(x, _)| (x != root.0, std::cmp::Reverse(x.abs_diff(root.0)), x));
        let mut sides = [false; 2];
        for (x, end) in sorted {
            let piece = if x == root.0 {
                whole_way = Some(true);
                vec![(x, end), root]
            } else {
                let side = usize::from(x > root.0);
                if std::mem::replace(&mut sides[side], true) {
                    let bend = BEND.min((x - root.0).abs()) * (root.0 - x).signum();
                    vec![(x, end), (x, track), (x + bend, track)]
                } else if whole_way.replace(true).is_some() {
                    let bend = if span.gathers { BEND } else { -BEND };
                    vec![(x, end), (x, track), (root.0, track), (root.0, track + bend)]
                } else {
                    vec![(x, end), (x, track), (root.0, track), root]
                }
            };
            net.pieces.push(piece);
        }
    }
}

/// The places where nets meet items: by the net, the item, and whether it is the upper one.
type Ends = HashMap<(usize, usize, bool), i32>;

/// Bundles strokes of one style that share an end, the largest bundles first.
fn bundles(strokes: &[Stroke], layers: &[usize]) -> Vec<Bundle> {
    let goes_down = |stroke: &Stroke| layers[stroke.from] < layers[stroke.to];
    let mut free: Vec<bool> = strokes.iter().map(goes_down).collect();
    let mut bundles = Vec::new();
    loop {
        let mut candidates: BTreeMap<(Style, bool, usize), Vec<usize>> = BTreeMap::new();
        for (index, stroke) in strokes.iter().enumerate().filter(|&(index, _)| free[index]) {
            candidates.entry((stroke.style, true, stroke.to)).or_default().push(index);
            candidates.entry((stroke.style, false, stroke.from)).or_default().push(index);
        }
        // Of the largest ones, the last by key: a single stroke leads to its end.
        let largest = candidates.values().map(Vec::len).max().unwrap_or_default();
        if largest == 0 {
            break;
        }
        for ((_, gathers, _), members) in candidates.iter().rev() {
            if members.len() == largest && members.iter().all(|&member| free[member]) {
                for &member in members {
                    free[member] = false;
                }
                bundles.push(Bundle { strokes: members.clone(), gathers: *gathers });
            }
        }
    }
    let upwards = strokes.iter().enumerate().filter(|(_, stroke)| !goes_down(stroke));
    bundles.extend(upwards.map(|(index, _)| Bundle { strokes: vec![index], gathers: true }));
    bundles
}

/// A net between two layers, its ends with their places.
struct Placed {
    net: usize,
    gathers: bool,
    upper: Vec<(i32, usize)>,
    lower: Vec<(i32, usize)>,
}

impl Placed {
    /// The extent of its horizontal piece, if it has one.
    fn extent(&self) -> Option<(i32, i32)> {
        let all = || self.upper.iter().chain(&self.lower).map(|&(x, _)| x);
        let (from, to) = (all().min()?, all().max()?);
        (from < to).then_some((from, to))
    }
}

fn placed(channel: &[Span], ends: &Ends) -> Vec<Placed> {
    let at = |span: &Span, items: &[usize], is_upper: bool| -> Vec<(i32, usize)> {
        items.iter().filter_map(|&item| Some((*ends.get(&(span.net, item, is_upper))?, item))).collect()
    };
    channel
        .iter()
        .map(|span| Placed {
            net: span.net,
            gathers: span.gathers,
            upper: at(span, &span.upper, true),
            lower: at(span, &span.lower, false),
        })
        .collect()
}

/// The track of each net, from the top, and how many there are.
fn assign(spans: &[Placed]) -> (Vec<i32>, i32) {
    /// Overlapping lines are worse than any crossings.
    const ON_TOP: i64 = 1_000;
    let turning: Vec<(usize, (i32, i32))> =
        spans.iter().enumerate().filter_map(|(index, span)| Some((index, span.extent()?))).collect();
    let meets = |x: i32, (from, to): (i32, i32)| x > from - 3 && x < to + 3;
    // The cost of one above the other.
    let cost = |&(above, of_above): &(usize, (i32, i32)), &(below, of_below): &(usize, (i32, i32))| -> i64 {
        let (above, below) = (&spans[above], &spans[below]);
        let down = above.lower.iter().filter(|(x, _)| meets(*x, of_below)).count();
        let up = below.upper.iter().filter(|(x, _)| meets(*x, of_above)).count();
        let on_top =
            above.lower.iter().flat_map(|(x, _)| below.upper.iter().filter(move |(y, _)| (x - y).abs() < 4)).count();
        let total = i64::try_from(down + up).unwrap_or(i64::MAX);
        total.saturating_add(ON_TOP.saturating_mul(i64::try_from(on_top).unwrap_or(i64::MAX)))
    };
    let mut order = turning;
    if order.len() <= MOST_TRACKS {
        // Each is moved to the cheapest place until nothing moves.
        for _ in 0..order.len() {
            let mut moved = false;
            for at in 0..order.len() {
                let (mut best, mut gain) = (at, 0);
                let mut change = 0;
                for other in (0..at).rev() {
                    change += cost(&order[at], &order[other]) - cost(&order[other], &order[at]);
                    if change < gain {
                        (best, gain) = (other, change);
                    }
                }
                change = 0;
                for other in at + 1..order.len() {
                    change += cost(&order[other], &order[at]) - cost(&order[at], &order[other]);
                    if change < gain {
                        (best, gain) = (other, change);
                    }
                }
                if best != at {
                    let net = order.remove(at);
                    order.insert(best, net);
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }
    let mut tracks = vec![0; spans.len()];
    let mut count = 0;
    for (index, one) in order.iter().enumerate() {
        let mut track = 0;
        for other in &order[..index] {
            let (a, b) = (one.1, other.1);
            let apart = a.1 + 12 < b.0 || b.1 + 12 < a.0;
            if !apart || cost(one, other) >= ON_TOP {
                track = track.max(tracks[other.0] + 1);
            }
        }
        tracks[one.0] = track;
        count = count.max(track + 1);
    }
    (tracks, count)
}

fn set_places(place: &mut [f64], column: usize, row: &[usize]) {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    for (index, &item) in row.iter().enumerate() {
        place[item] = number(column) + (number(index) + 0.5) / number(row.len());
    }
}

/// The least distance between the centers of two neighbors in a row.
fn apart(left: &Item, right: &Item) -> f64 {
    let gap = match (left.passes, right.passes) {
        (false, false) => NODE_GAP,
        (true, true) => LINES_GAP,
        _ => LINE_GAP,
    };
    f64::midpoint(left.width, right.width) + gap
}

/// Moves the items of a row as near as possible to their wanted places, by weight.
fn settle(items: &mut [Item], row: &[usize], wanted: &[(f64, f64)]) {
    let at = isotonic(wanted, &|index| apart(&items[row[index]], &items[row[index + 1]]));
    for (&item, x) in row.iter().zip(at) {
        items[item].x = x;
    }
}

/// The places nearest to the wanted ones (by weighted least squares) that are in order and at least so far apart: pool
/// adjacent violators.
fn isotonic(wanted: &[(f64, f64)], apart: &dyn Fn(usize) -> f64) -> Vec<f64> {
    // Of each pool: the weighted sum, the weight, the count.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets: Vec<f64> = Vec::with_capacity(wanted.len());
    let mut offset = 0.0;
    for (index, &(wish, weight)) in wanted.iter().enumerate() {
        if index > 0 {
            offset += apart(index - 1);
        }
        offsets.push(offset);
        let mut pool = ((wish - offset) * weight, weight, 1);
        while let Some(&(sum, total, count)) = pools.last() {
            if sum / total <= pool.0 / pool.1 {
                break;
            }
            pools.pop();
            pool = (pool.0 + sum, pool.1 + total, pool.2 + count);
        }
        pools.push(pool);
    }
    let levels = pools.iter().flat_map(|&(sum, weight, count)| std::iter::repeat_n(sum / weight, count));
    levels.zip(offsets).map(|(level, offset)| level + offset).collect()
}

/// Moves ordered places between two bounds, keeping their distances if they fit.
fn keep_within(at: &mut [f64], from: f64, to: f64) {
    let gap = |at: &[f64], index: usize| at[index + 1] - at[index];
    if let [first, .., last] = *at
        && last - first > to - from
    {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let step = (to - from) / number(at.len() - 1);
        for (index, place) in at.iter_mut().enumerate() {
            *place = from + step * number(index);
        }
        return;
    }
    let least = (0..at.len().saturating_sub(1)).map(|index| gap(at, index)).fold(f64::INFINITY, f64::min).min(PORT_GAP);
    let mut limit = to;
    for place in at.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - least;
    }
    let mut limit = from;
    for place in at.iter_mut() {
        *place = place.max(limit);
        limit = *place + least;
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Converts to pixels.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
fn whole(pixels: f64) -> i32 {
    pixels as i32
}

/// The width of a text in cells of a monospaced font, at most: some characters are twice as wide.
fn cells(text: &str) -> i32 {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

fn node_width(node: &super::Node) -> i32 {
    let text = (cells(&node.name) * NAME_CHARACTER).max(cells(&super::ports(node)) * PORT_CHARACTER);
    // Even, so that its middle is a pixel.
    (text + 2 * NODE_PADDING + 1) / 2 * 2
}

/// The width that a group's heading needs.
fn title_width(title: &str) -> i32 {
    cells(&super::one_line(title)) * TITLE_CHARACTER
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Edge, Group, Kind, Node};
    use super::*;

    /// Services with these numbers of characters in their names, by group, and edges by number.
    fn graph(groups: &[&[usize]], edges: &[(usize, usize, Kind)]) -> Graph {
        let mut graph = Graph { title: String::new(), groups: Vec::new(), nodes: Vec::new(), edges: Vec::new() };
        for (group, names) in groups.iter().enumerate() {
            graph.groups.push(Group { title: format!("group {group}") });
            graph.nodes.extend(names.iter().map(|&length| Node {
                name: "x".repeat(length),
                group,
                description: String::new(),
                published: Vec::new(),
            }));
        }
        graph.edges = edges.iter().map(|&(from, to, kind)| Edge { from, to, kind }).collect();
        graph.edges.sort_by_key(|edge| (edge.from, edge.to, edge.kind));
        graph.edges.dedup();
        graph
    }

    const WAITS: Kind = Kind::StartsAfter(Condition::Healthy);
    const USES: Kind = Kind::Talks(Talk::Uses);

    fn overlap(a: Rect, b: Rect) -> bool {
        a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
    }

    /// Whether a straight piece of a line goes through the inside of a box.
    fn goes_through((from, to): ((i32, i32), (i32, i32)), node: Rect) -> bool {
        let (left, right) = (from.0.min(to.0), from.0.max(to.0));
        let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
        left < node.x + node.width && right > node.x && top < node.y + node.height && bottom > node.y
    }

    fn check(graph: &Graph) {
        let layout = layout(graph).unwrap();
        assert_eq!(Some(&layout), super::layout(graph).as_ref(), "the same graph, the same drawing");
        let all = Rect { x: 0, y: 0, width: layout.width, height: layout.height };
        for (index, &node) in layout.nodes.iter().enumerate() {
            let column = layout.groups[graph.nodes[index].group];
            assert!(node.x > column.x && node.x + node.width < column.x + column.width, "{index} is in its group");
            assert!(node.y > column.y && node.y + node.height < column.y + column.height, "{index} is in its group");
            assert!(node.width >= cells(&graph.nodes[index].name) * NAME_CHARACTER, "{index} holds its name");
            for &other in &layout.nodes[..index] {
                assert!(!overlap(node, other), "{node:?} {other:?}");
            }
        }
        for (index, &column) in layout.groups.iter().enumerate() {
            assert!(layout.groups[..index].iter().all(|&other| !overlap(column, other)));
            assert!(column.x + column.width < all.width && column.y + column.height < all.height);
        }
        let mut drawn = 0;
        for net in &layout.nets {
            drawn += net.lines.len();
            for piece in &net.pieces {
                for ends in piece.windows(2) {
                    let (from, to) = (ends[0], ends[1]);
                    assert!(from.0 == to.0 || from.1 == to.1, "{from:?} {to:?} is oblique");
                    for &node in &layout.nodes {
                        assert!(!goes_through((from, to), node), "{from:?} {to:?} goes through {node:?}");
                    }
                }
            }
            // Each line begins at one service and has an arrowhead at the other.
            for line in &net.lines {
                let (from, to) = (layout.nodes[line.from], layout.nodes[line.to]);
                let touches = |node: Rect, (x, y): (i32, i32)| {
                    (node.x..=node.x + node.width).contains(&x) && (y == node.y || y == node.y + node.height)
                };
                assert!(net.heads.iter().any(|head| touches(to, head.tip)), "{line:?} has an arrowhead: {net:?}");
                let mut ends = net.pieces.iter().flatten();
                assert!(ends.any(|&end| touches(from, end)), "{line:?} begins at its service: {net:?}");
            }
        }
        let lines: usize = graph.lines().iter().map(|line| line.talks.len().max(1)).sum();
        assert_eq!(drawn, lines);
    }

    #[test]
    fn nothing_and_little() {
        check(&graph(&[], &[]));
        check(&graph(&[&[1]], &[]));
        check(&graph(&[&[3, 60]], &[(0, 1, WAITS), (0, 1, USES)]));
    }

    #[test]
    fn what_talks_in_a_circle_is_drawn_upwards_once() {
        let graph = graph(&[&[3, 3], &[3]], &[(0, 1, WAITS), (1, 2, USES), (2, 0, USES), (1, 0, USES)]);
        check(&graph);
        let nets = layout(&graph).unwrap().nets;
        let upwards = nets.iter().filter(|net| net.heads.iter().any(|head| !head.down));
        assert!(upwards.count() >= 2, "{nets:?}");
    }

    #[test]
    fn lines_to_one_service_share_a_trunk_and_an_arrowhead() {
        let graph = graph(&[&[4, 4, 4, 4]], &[(0, 3, WAITS), (1, 3, WAITS), (2, 3, WAITS)]);
        check(&graph);
        let nets = layout(&graph).unwrap().nets;
        assert_eq!((nets.len(), nets[0].lines.len(), nets[0].heads.len()), (1, 3, 1), "{nets:?}");
    }

    #[test]
    fn a_service_that_many_need_stands_right_below_them() {
        // 0 → 1 → 2 is a chain; 3, which needs nothing, could stand beside 2 as well.
        let graph = graph(&[&[3, 3, 3, 3]], &[(0, 1, WAITS), (1, 2, WAITS), (0, 3, WAITS)]);
        let nodes = layout(&graph).unwrap().nodes;
        assert_eq!(nodes[3].y, nodes[1].y);
        assert!(nodes[3].y < nodes[2].y);
    }

    #[test]
    fn the_nearest_places_in_order() {
        assert_eq!(isotonic(&[(0.0, 1.0), (10.0, 1.0)], &|_| 5.0), [0.0, 10.0]);
        assert_eq!(isotonic(&[(0.0, 1.0), (0.0, 1.0)], &|_| 4.0), [-2.0, 2.0]);
        assert_eq!(isotonic(&[(0.0, 3.0), (0.0, 1.0)], &|_| 4.0), [-1.0, 3.0]);
        let mut at = [1.0, 15.0, 29.0];
        keep_within(&mut at, 0.0, 20.0);
        assert!(at[0] >= 0.0 && at[2] <= 20.0 && at[0] < at[1] && at[1] < at[2], "{at:?}");
    }

    prop_compose! {
        /// Waiting goes from lower numbers to higher ones only, as it has no cycles; talking goes anywhere.
        fn any_graph()(sizes in prop::collection::vec(prop::collection::vec(1_usize..30, 1..6), 1..5))
            (edges in prop::collection::vec((0_usize..20, 0_usize..20, 0_usize..7), 0..50), sizes in Just(sizes)) -> Graph {
            let count = sizes.iter().map(Vec::len).sum::<usize>();
            let kinds = [
                WAITS, Kind::StartsAfter(Condition::Started), Kind::StartsAfter(Condition::Completed),
                USES, Kind::Talks(Talk::Pushes), Kind::Talks(Talk::Scrapes), Kind::Talks(Talk::Queries),
            ];
            let mut waits = std::collections::BTreeSet::new();
            let edges: Vec<(usize, usize, Kind)> = edges
                .into_iter()
                .map(|(from, to, kind)| (from % count, to % count, kinds[kind]))
                .filter(|(from, to, _)| from != to)
                .map(|(from, to, kind)| if matches!(kind, Kind::Talks(_)) { (from, to, kind) } else { (from.min(to), from.max(to), kind) })
                .filter(|(from, to, kind)| matches!(kind, Kind::Talks(_)) || waits.insert((*from, *to)))
                .collect();
            let sizes: Vec<&[usize]> = sizes.iter().map(Vec::as_slice).collect();
            graph(&sizes, &edges)
        }
    }

    proptest! {
        #[test]
        fn no_box_overlaps_and_no_line_goes_through_one(graph in any_graph()) {
            check(&graph);
        }
    }
}
