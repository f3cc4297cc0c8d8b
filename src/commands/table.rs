//! Tables that fit into 80 columns unless a word is too long.

use std::fmt::Write as _;

use super::report::{BOLD, RESET};

/// The width of a terminal.
const WIDTH: usize = 80;

/// Between two columns.
const GAP: usize = 2;

/// A cell may wrap at a space or, in a `soft` column, after one of these.
const SOFT: [char; 4] = ['/', '-', ':', '_'];

/// A space at which a cell does not wrap.
pub const KEPT: char = '\u{a0}';

/// A table.
pub struct Table<const N: usize> {
    header: [&'static str; N],
    soft: [bool; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with a header.
    pub fn new(header: [&'static str; N]) -> Self {
        Self { header, soft: [false; N], rows: Vec::new() }
    }

    /// Allows breaking words in these columns, which have no names to copy.
    pub fn soft(mut self, columns: &[&str]) -> Self {
        self.soft = self.header.map(|title| columns.contains(&title));
        self
    }

    /// Adds a row.
    pub fn push(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()));
    }

    /// The table as text.
    pub fn text(&self) -> String {
        let widths = self.widths();
        let mut out = String::new();
        for index in 0..=self.rows.len() {
            let cells: Vec<Vec<String>> = (0..N)
                .map(|column| match index.checked_sub(1).and_then(|row| self.rows.get(row)) {
                    Some(row) => wrap(&row[column], widths[column], self.soft[column]),
                    None => vec![self.header[column].to_owned()],
                })
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or_default();
            for line in 0..height {
                let mut text = String::new();
                for (cell, &width) in cells.iter().zip(&widths) {
                    let cell = cell.get(line).map_or_else(String::new, |line| line.replace(KEPT, " "));
                    let filler = width.saturating_sub(length(&cell)) + GAP;
                    // Writing to a `String` cannot fail.
                    let _ = write!(text, "{cell}{:filler$}", "");
                }
                let text = text.trim_end();
                let _ = if index == 0 { writeln!(out, "{BOLD}{text}{RESET}") } else { writeln!(out, "{text}") };
            }
        }
        out
    }

    /// Shrinks the widest columns first, at most to their longest word; then words are broken.
    fn widths(&self) -> [usize; N] {
        let column = |column: usize, measure: &dyn Fn(&str) -> usize| {
            let cells = self.rows.iter().map(|row| measure(&row[column])).max().unwrap_or_default();
            cells.max(length(self.header[column]))
        };
        let mut widths: [usize; N] = std::array::from_fn(|index| column(index, &length));
        for soft in [[false; N], self.soft] {
            let least: [usize; N] = std::array::from_fn(|index| {
                column(index, &|cell| {
                    words(cell, soft[index]).iter().map(|word| length(word)).max().unwrap_or_default()
                })
            });
            while widths.iter().sum::<usize>() + GAP * (N - 1) > WIDTH {
                let widest = (0..N).filter(|&index| widths[index] > least[index]).max_by_key(|&index| widths[index]);
                let Some(widest) = widest else { break };
                widths[widest] -= 1;
            }
        }
        widths
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The unbreakable pieces of a cell.
fn words(cell: &str, soft: bool) -> Vec<&str> {
    let mut words = Vec::new();
    for word in cell.split(' ').filter(|word| !word.is_empty()) {
        if soft {
            words.extend(word.split_inclusive(SOFT));
        } else {
            words.push(word);
        }
    }
    words
}

/// Wraps a cell.
fn wrap(cell: &str, width: usize, soft: bool) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in cell.split(' ').filter(|word| !word.is_empty()) {
        let mut space = " ";
        for piece in words(word, soft) {
            let Some(line) = lines.last_mut() else { break };
            let gap = if line.is_empty() { "" } else { space };
            if line.is_empty() || length(line) + gap.len() + length(piece) <= width {
                line.push_str(gap);
                line.push_str(piece);
            } else {
                lines.push(piece.to_owned());
            }
            space = "";
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_goes_on_in_the_next_line() {
        assert_eq!(wrap("one two three", 7, false), ["one two", "three"]);
        assert_eq!(wrap("", 7, false), [""]);
        assert_eq!(wrap("docker.io/a-name:1.2", 10, false), ["docker.io/a-name:1.2"]);
        assert_eq!(wrap("docker.io/a-name:1.2", 10, true), ["docker.io/", "a-name:1.2"]);
        assert_eq!(wrap("../copilot, x", 12, true), ["../copilot,", "x"]);
    }

    #[test]
    fn columns_give_way_and_no_word_is_cut() {
        let mut table = Table::new(["A", "B"]);
        table.push(["x".repeat(50), "some words that go on and on and on and on".to_owned()]);
        let text = anstream::adapter::strip_str(&table.text()).to_string();
        assert!(text.lines().all(|line| length(line) <= WIDTH), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        table.push(["y".repeat(90), format!("z{KEPT}z")]);
        assert!(table.text().contains(&"y".repeat(90)));
        assert!(table.text().contains("y  z z\n"));
    }
}
