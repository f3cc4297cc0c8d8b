//! Panels onto the grid: 24 columns, rows of 30 pixels.
//!
//! Panels flow in order, line by line, onto as few lines as their minimum widths allow. Lines are filled evenly, with panels
//! of one height together where that costs no line; what is left of a line widens the panels without a width, and those
//! without a height get the height of the line. A panel with a width and a height moves up under a shorter one, as in
//! Grafana, but never before the panel that it follows.

use crate::model::dashboard::Grid;

/// The grid's columns (`GRID_COLUMN_COUNT` of Grafana).
pub const COLUMNS: u32 = 24;

/// A panel to be placed.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// Its minimum width, and whether that is fixed.
    pub width: (u32, bool),
    /// Its height, and whether that is fixed.
    pub height: (u32, bool),
}

impl Item {
    /// A panel of a type, with the size in the spec, if there is one.
    pub fn new(kind: &str, width: Option<u32>, height: Option<u32>) -> Self {
        let (least, usual) = match kind {
            "stat" => (4, 4),
            "gauge" => (4, 6),
            "text" => (COLUMNS, 3),
            "logs" => (COLUMNS, 10),
            "table" | "state-timeline" => (12, 8),
            _ => (8, 8),
        };
        let size = |written: Option<u32>, usual| written.map_or((usual, false), |size| (size, true));
        let (width, fixed) = size(width, least);
        Self { width: (width.clamp(1, COLUMNS), fixed), height: size(height, usual) }
    }
}

/// Places panels from row `top` on; returns their places and the first row below them.
pub fn place(items: &[Item], top: u32) -> (Vec<Grid>, u32) {
    let mut places = Vec::with_capacity(items.len());
    // The first free row of each column.
    let mut skyline = [top; COLUMNS as usize];
    let mut last = Grid { x: 0, y: top, width: 0, height: 0 };
    let mut start = 0;
    for end in lines(items) {
        let line = items.get(start..end).unwrap_or_default();
        for (width, height) in sizes(line) {
            let (x, y) = spot(&skyline, width, last);
            let place = Grid { x, y, width, height };
            for free in skyline.iter_mut().skip(x as usize).take(width as usize) {
                *free = y.saturating_add(height);
            }
            last = place;
            places.push(place);
        }
        start = end;
    }
    (places, skyline.into_iter().max().unwrap_or(top))
}

/// Where each line ends: as few lines as possible, and of those the ones with the least cost, which is the square of what
/// is left in each.
fn lines(items: &[Item]) -> Vec<usize> {
    // A line of panels of several heights looks worse than any that is not full.
    const MIXED: u64 = (COLUMNS * COLUMNS) as u64;
    // For the panels up to each: the lines, their cost, where the last begins.
    let mut best: Vec<(usize, u64, usize)> = vec![(0, 0, 0)];
    for end in 1..=items.len() {
        let mut found: Option<(usize, u64, usize)> = None;
        let mut used = 0;
        let mut mixed = 0;
        let height = items.get(end - 1).map(|item| item.height.0);
        for start in (0..end).rev() {
            let item = items.get(start);
            used += item.map_or(0, |item| item.width.0);
            if item.map(|item| item.height.0) != height {
                mixed = MIXED;
            }
            if used > COLUMNS {
                break;
            }
            let Some(&(count, cost, _)) = best.get(start) else { break };
            let rest = u64::from(COLUMNS - used);
            let candidate = (count + 1, cost + rest * rest + mixed, start);
            // Of two equally good ones, the later start has the longer first lines, which look better.
            if found.is_none_or(|found| (candidate.0, candidate.1) < (found.0, found.1)) {
                found = Some(candidate);
            }
        }
        best.push(found.unwrap_or((0, 0, 0)));
    }
    let mut ends = Vec::new();
    let mut end = items.len();
    while end > 0 {
        ends.push(end);
        end = best.get(end).map_or(0, |&(_, _, start)| start);
    }
    ends.reverse();
    ends
}

/// The sizes of the panels of one line.
fn sizes(line: &[Item]) -> Vec<(u32, u32)> {
    let used: u32 = line.iter().map(|item| item.width.0).sum();
    let mut elastic = u32::try_from(line.iter().filter(|item| !item.width.1).count()).unwrap_or(COLUMNS);
    let mut rest = COLUMNS.saturating_sub(used);
    let tallest = line.iter().map(|item| item.height.0).max().unwrap_or_default();
    line.iter()
        .map(|item| {
            let mut width = item.width.0;
            if !item.width.1 {
                let more = rest.div_ceil(elastic.max(1));
                width += more;
                rest -= more;
                elastic -= 1;
            }
            (width, if item.height.1 { item.height.0 } else { tallest })
        })
        .collect()
}

/// The highest place that is wide enough, rests on something and comes after the last panel in reading order.
fn spot(skyline: &[u32; COLUMNS as usize], width: u32, last: Grid) -> (u32, u32) {
    (0..=COLUMNS - width)
        .filter_map(|x| {
            let y = skyline.iter().skip(x as usize).take(width as usize).copied().max()?;
            // Grafana moves panels up into empty space.
            let after = y > last.y || (y == last.y && x >= last.x + last.width);
            after.then_some((y, x))
        })
        .min()
        // There always is one below the last panel.
        .map_or((0, 0), |(y, x)| (x, y))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(kinds: &[&str]) -> Vec<(u32, u32, u32, u32)> {
        let items: Vec<Item> = kinds.iter().map(|kind| Item::new(kind, None, None)).collect();
        place(&items, 1).0.iter().map(|grid| (grid.x, grid.y, grid.width, grid.height)).collect()
    }

    #[test]
    fn a_line_is_filled_evenly() {
        assert_eq!(row(&["timeseries"; 2]), [(0, 1, 12, 8), (12, 1, 12, 8)]);
        assert_eq!(row(&["timeseries"; 3]), [(0, 1, 8, 8), (8, 1, 8, 8), (16, 1, 8, 8)]);
        let four = row(&["timeseries"; 4]);
        assert_eq!(four, [(0, 1, 12, 8), (12, 1, 12, 8), (0, 9, 12, 8), (12, 9, 12, 8)]);
        let five: Vec<u32> = row(&["timeseries"; 5]).iter().map(|place| place.2).collect();
        assert_eq!(five, [8, 8, 8, 12, 12]);
        let kinds = [["stat"; 6].as_slice(), &["timeseries"; 4]].concat();
        let lines: Vec<u32> = row(&kinds).iter().map(|place| place.1).collect();
        assert_eq!(lines, [1, 1, 1, 1, 1, 1, 5, 5, 13, 13]);
        assert_eq!(row(&["stat"; 5]).iter().map(|place| place.2).collect::<Vec<_>>(), [5, 5, 5, 5, 4]);
        // More even than a line of six and one of four.
        assert_eq!(row(&["stat"; 10]).iter().filter(|place| place.1 == 1).count(), 5);
        // The shorter one gets the line's height.
        assert_eq!(row(&["text", "stat", "timeseries"])[1..], [(0, 4, 10, 8), (10, 4, 14, 8)]);
    }

    #[test]
    fn panels_of_a_given_size_are_stacked_beside_a_taller_one() {
        let sized = |width, height| Item::new("stat", Some(width), Some(height));
        let (places, below) = place(&[sized(12, 8), sized(12, 4), sized(12, 4), sized(24, 3)], 0);
        let places: Vec<_> = places.iter().map(|grid| (grid.x, grid.y)).collect();
        assert_eq!(places, [(0, 0), (12, 0), (12, 4), (0, 8)]);
        assert_eq!(below, 11);
        // A gap on the left of the last one would come before it.
        let gap = [(6, 4), (6, 8), (12, 4), (12, 4), (6, 4)].map(|(width, height)| sized(width, height));
        let places: Vec<_> = place(&gap, 0).0.iter().map(|grid| (grid.x, grid.y)).collect();
        assert_eq!((places[3], places[4].1), ((12, 4), 8));
    }

    fn item() -> impl Strategy<Value = Item> {
        let kind = prop::sample::select(vec!["stat", "gauge", "timeseries", "table", "text", "logs", "plugin"]);
        let size = |most| prop::option::weighted(0.3, 1_u32..=most);
        (kind, size(COLUMNS), size(40)).prop_map(|(kind, width, height)| Item::new(kind, width, height))
    }

    proptest! {
        #[test]
        fn nothing_overlaps_and_the_order_is_kept(items in prop::collection::vec(item(), 0..40), top in 0_u32..1000) {
            let (places, below) = place(&items, top);
            prop_assert_eq!(places.len(), items.len());
            for (index, (place, item)) in places.iter().zip(&items).enumerate() {
                prop_assert!(place.width > 0 && place.x + place.width <= COLUMNS, "{place:?}");
                prop_assert!(place.y >= top && place.y + place.height <= below);
                prop_assert!(place.width == item.width.0 || (!item.width.1 && place.width > item.width.0));
                prop_assert!(place.height == item.height.0 || (!item.height.1 && place.height > item.height.0));
                for other in &places[..index] {
                    prop_assert!((other.y, other.x) < (place.y, place.x), "{other:?} {place:?}");
                    let beside = other.x + other.width <= place.x || place.x + place.width <= other.x;
                    let apart = other.y + other.height <= place.y || place.y + place.height <= other.y;
                    prop_assert!(beside || apart, "{other:?} {place:?}");
                }
            }
        }

        #[test]
        fn a_line_without_sizes_is_full(items in prop::collection::vec(item(), 1..40)) {
            let elastic: Vec<Item> =
                items.iter().map(|item| Item { width: (item.width.0, false), height: (item.height.0, false) }).collect();
            let (places, _) = place(&elastic, 0);
            let mut widths = std::collections::BTreeMap::<u32, u32>::new();
            for place in &places {
                *widths.entry(place.y).or_default() += place.width;
            }
            prop_assert!(widths.values().all(|&width| width == COLUMNS), "{places:?}");
        }
    }
}
