//! Rows and panels in the order in which they appear.
//!
//! The classic JSON has one list of panels with coordinates; the panels of an open row follow it, those of a collapsed
//! one are in it. Before schema version 16 there were rows with heights and panels with twelfths of their width.

use serde_json::{Value, json};

use super::Panel;
use super::note::{Kind, Notes};
use super::object::{Object, parse};
use crate::resolve::dashboards::layout::{Item, place};

/// Columns of the grid.
const COLUMNS: i64 = 24;

/// A panel higher than this is a mistake; the spec refuses it.
const HIGHEST: i64 = 300;

/// A row and its panels; without a row, those before the first one.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub row: Option<Object<'a>>,
    pub panels: Vec<Placed<'a>>,
}

/// A panel and where it is.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub object: Object<'a>,
    pub spot: Spot,
}

/// Where a panel is.
#[derive(Debug)]
pub(super) struct Spot {
    /// The panel's JSON path.
    path: String,
    /// Whether the file says so.
    known: bool,
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

impl<'a> Placed<'a> {
    /// Notes name the panel by its title as long as it has no name.
    fn new(mut object: Object<'a>, x: i64, y: i64, width: i64, height: i64) -> Self {
        if let Some(title) = object.map.get("title").and_then(Value::as_str).filter(|title| !title.is_empty()) {
            let place = format!("panel `{title}`");
            object = object.named(&place);
        }
        let spot = Spot { path: object.path.clone(), known: true, x, y, width, height };
        Self { object, spot }
    }
}

/// Takes the panels of a dashboard, in order.
pub(super) fn sections<'a>(dashboard: &mut Object<'a>) -> Vec<Section<'a>> {
    let has_panels = dashboard.map.get("panels").and_then(Value::as_array).is_some_and(|panels| !panels.is_empty());
    if has_panels {
        // Grafana reads `rows` of old versions only, in which there were no panels beside them.
        dashboard.lose("rows", "Grafana ignores it beside `panels`");
    } else if dashboard.map.get("rows").and_then(Value::as_array).is_some_and(|rows| !rows.is_empty()) {
        dashboard.map.shift_remove("panels");
        return old_rows(dashboard);
    }
    dashboard.forget_if("rows", &json!([]));
    let mut sections = vec![Section { row: None, panels: Vec::new() }];
    for placed in placed(dashboard) {
        let mut object = placed.object;
        if object.map.get("type").and_then(Value::as_str) != Some("row") {
            if let Some(section) = sections.last_mut() {
                section.panels.push(Placed { object, spot: placed.spot });
            }
            continue;
        }
        if object.map.get("repeatIteration").is_some_and(|mark| !mark.is_null())
            && object.map.get("repeatPanelId").is_some_and(|mark| !mark.is_null())
        {
            object.note(Kind::Dropped, "", "a repetition, which Grafana creates again");
            continue;
        }
        let mut panels = Vec::new();
        for mut inner in self::placed(&mut object) {
            if inner.object.map.get("type").and_then(Value::as_str) == Some("row") {
                inner.object.note(Kind::Dropped, "", "a row inside a row; its panels stay");
                let innermost = self::placed(&mut inner.object).into_iter();
                panels.extend(
                    innermost.filter(|panel| panel.object.map.get("type").and_then(Value::as_str) != Some("row")),
                );
            } else {
                panels.push(inner);
            }
        }
        sections.push(Section { row: Some(object), panels });
    }
    sections
}

/// Takes `panels`, sorted by place.
fn placed<'a>(object: &mut Object<'a>) -> Vec<Placed<'a>> {
    let mut panels: Vec<Placed<'a>> = Vec::new();
    let (mut x, mut y) = (0, 0);
    for mut panel in object.objects("panels") {
        if panel.map.get("repeatPanelId").is_some_and(|mark| !mark.is_null()) {
            panel.note(Kind::Dropped, "", "a repetition, which Grafana creates again");
            continue;
        }
        let row = panel.map.get("type").and_then(Value::as_str) == Some("row");
        let mut place = panel.object("gridPos");
        let known = !place.map.is_empty();
        let mut read = |key: &str, least: i64, most: i64| {
            place.integer(key).map(|number| {
                let clamped = number.clamp(least, most);
                if clamped != number {
                    place.note(Kind::Converted, key, format!("{number} to {clamped}"));
                }
                clamped
            })
        };
        let width = read("w", 1, COLUMNS);
        let height = read("h", 1, HIGHEST);
        // One without a position comes after the one before it.
        (x, y) = (read("x", 0, COLUMNS - 1).unwrap_or(x), read("y", 0, i64::from(i32::MAX)).unwrap_or(y));
        let width = if row { COLUMNS } else { width.unwrap_or(12) };
        let height = if row { 1 } else { height.unwrap_or(8) };
        let mut placed = Placed::new(panel, x, y, width, height);
        placed.spot.known = known;
        if !known && !row {
            placed.object.note(Kind::Assumed, "gridPos", "it has no position and is placed automatically");
        }
        panels.push(placed);
    }
    panels.sort_by_key(|panel| (panel.spot.y, panel.spot.x));
    panels
}

/// The rows of schema versions before 16.
fn old_rows<'a>(dashboard: &mut Object<'a>) -> Vec<Section<'a>> {
    let rows = dashboard.objects("rows");
    let is = |row: &Object<'_>, key: &str| row.map.get(key) == Some(&Value::Bool(true));
    let says =
        |row: &Object<'_>| row.map.get("repeat").and_then(Value::as_str).is_some_and(|repeat| !repeat.is_empty());
    // Grafana shows either all titles or none.
    let shown = rows.iter().any(|row| is(row, "collapse") || is(row, "showTitle") || says(row));
    dashboard.note(
        Kind::Converted,
        "rows",
        if shown { "rows of Grafana 4 to rows with panels" } else { "rows of Grafana 4 without titles to panels" },
    );
    let mut sections = vec![Section { row: None, panels: Vec::new() }];
    let mut top = 0;
    for mut row in rows {
        if row.map.get("repeatIteration").is_some_and(|mark| !mark.is_null()) {
            row.note(Kind::Dropped, "", "a repetition, which Grafana creates again");
            continue;
        }
        let row_height = height(row.take("height").as_ref()).unwrap_or(7);
        let (mut x, mut line) = (0, 0);
        let mut panels = Vec::new();
        for mut panel in row.objects("panels") {
            if panel.map.get("repeatPanelId").is_some_and(|mark| !mark.is_null()) {
                panel.note(Kind::Dropped, "", "a repetition, which Grafana creates again");
                continue;
            }
            let span = panel.number("span").and_then(|span| span.as_f64()).unwrap_or(4.0);
            let width = columns(span);
            let own = height(panel.take("height").as_ref()).unwrap_or(row_height);
            if x + width > COLUMNS {
                x = 0;
                top += line;
                line = 0;
            }
            panels.push(Placed::new(panel, x, top, width, own));
            x += width;
            line = line.max(own);
        }
        top += line;
        if shown {
            row.map.entry("collapsed").or_insert(json!(false));
            if is(&row, "collapse") {
                row.map.insert("collapsed".to_owned(), json!(true));
            }
            sections.push(Section { row: Some(row), panels });
        } else if let Some(section) = sections.last_mut() {
            section.panels.extend(panels);
        }
    }
    sections
}

/// Twelfths of the width in columns.
fn columns(span: f64) -> i64 {
    (1..=12).rev().find(|twelfths| f64::from(*twelfths) <= span).map_or(2, |twelfths| i64::from(twelfths) * 2)
}

/// Pixels, such as `250` and `"250px"`, in rows of the grid: 30 pixels and 8 between them.
fn height(value: Option<&Value>) -> Option<i64> {
    let pixels = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => parse(text.trim_end_matches("px"))?.as_f64()?,
        _ => return None,
    };
    (3..=HIGHEST).find(|rows| f64::from(i32::try_from(*rows).unwrap_or(i32::MAX)) * 38.0 >= pixels.max(90.0))
}

/// Gives panels the sizes that lead to where they were, if the layout doesn't lead there by itself, and notes which
/// will move: panels flow, and a place right of a gap can't be written.
pub(super) fn arrange(panels: &mut [&mut Panel], spots: &[Spot], notes: &Notes) {
    // Nobody looks at a section with more panels, and trying to leave out every size takes long.
    const MOST: usize = 200;
    let layout = |sizes: &[Size]| {
        let items: Vec<Item> =
            panels.iter().zip(sizes).map(|(panel, size)| Item::new(&panel.kind, size.width, size.height)).collect();
        place(&items, 0).0
    };
    let written = |spot: &Spot| {
        let size = Size { width: u32::try_from(spot.width).ok(), height: u32::try_from(spot.height).ok() };
        if spot.known { size } else { Size::default() }
    };
    let mut sizes: Vec<Size> = spots.iter().map(written).collect();
    let goal = layout(&sizes);
    let free = vec![Size::default(); sizes.len()];
    if layout(&free) == goal {
        sizes = free;
    } else if sizes.len() <= MOST {
        for index in 0..sizes.len() {
            let Some(size) = sizes.get(index).copied() else { break };
            for less in [Size::default(), Size { width: None, ..size }, Size { height: None, ..size }] {
                let mut fewer = sizes.clone();
                if let Some(size) = fewer.get_mut(index) {
                    *size = less;
                }
                if layout(&fewer) == goal {
                    sizes = fewer;
                    break;
                }
            }
        }
    }
    if spots.iter().all(|spot| spot.known) {
        let mut was = Skyline::default();
        for ((spot, panel), will) in spots.iter().zip(panels.iter()).zip(&goal) {
            let now = (spot.x, was.rest(spot.x, spot.width, spot.height));
            let then = (i64::from(will.x), i64::from(will.y));
            if now != then {
                let message =
                    format!("from column {}, row {} to column {}, row {} of its section", now.0, now.1, then.0, then.1);
                notes.add(Kind::Moved, &format!("panel `{}`", panel.name), &format!("{}.gridPos", spot.path), message);
            }
        }
    }
    for (panel, size) in panels.iter_mut().zip(sizes) {
        panel.keys.put_some("width", size.width.map(i64::from));
        panel.keys.put_some("height", size.height.map(i64::from));
    }
}

/// The size that is written for a panel.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    width: Option<u32>,
    height: Option<u32>,
}

/// How far down each column is filled: Grafana moves panels up until they meet another.
#[derive(Debug, Default)]
struct Skyline {
    bottoms: [i64; 24],
}

impl Skyline {
    /// The row in which a panel comes to rest.
    fn rest(&mut self, x: i64, width: i64, height: i64) -> i64 {
        let from = usize::try_from(x).unwrap_or_default().min(self.bottoms.len() - 1);
        let to = from.saturating_add(usize::try_from(width).unwrap_or_default()).min(self.bottoms.len());
        let columns = &mut self.bottoms[from..to];
        let row = columns.iter().copied().max().unwrap_or_default();
        columns.fill(row + height);
        row
    }
}
