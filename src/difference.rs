//! What differs between two texts, line by line.

use std::time::{Duration, Instant};

use similar::algorithms::{Capture, Compact, Replace, myers, patience};
use similar::{DiffOp, group_diff_ops};

/// The time limit of a comparison, which is coarser after that.
const TIME: Duration = Duration::from_secs(2);

/// The lines of a text, with their line breaks.
pub fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What makes the new lines, or words, of the old ones.
///
/// All comparisons are this one: for each type and way of comparing, the crate's functions would be compiled again.
pub fn compared(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut changes = Compact::new(Replace::new(Capture::new()), old, new);
    let end = Some(Instant::now() + TIME);
    let Ok(()) = myers::diff_deadline(&mut changes, old, 0..old.len(), new, 0..new.len(), end);
    changes.into_inner().into_inner().into_ops()
}

/// As [`compared`], but lines that each text has once are matched first, so that a block is not matched with another one that
/// looks like it.
pub fn matched(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut changes = Replace::new(Capture::new());
    let end = Some(Instant::now() + TIME);
    let Ok(()) = patience::diff_deadline(&mut changes, old, 0..old.len(), new, 0..new.len(), end);
    changes.into_inner().into_ops()
}

/// A line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'t> {
    /// It is in both texts.
    Same(&'t str),
    /// Only the old text has it.
    Removed(&'t str),
    /// Only the new text has it.
    Added(&'t str),
}

/// Lines that changed near each other, with some around them.
#[derive(Debug)]
pub struct Hunk<'t> {
    /// Where it is in both texts, as unified diffs write it: `@@ -1,3 +1,4 @@`.
    pub header: String,
    /// The first line that differs, one-based: in the old text, if that has it.
    pub first: usize,
    /// Its lines.
    pub lines: Vec<Line<'t>>,
}

/// Compares two texts, with `around` equal lines before and after each change.
pub fn hunks<'t>(old: &'t str, new: &'t str, around: usize) -> Vec<Hunk<'t>> {
    let (old, new) = (lines(old), lines(new));
    let groups = group_diff_ops(compared(&old, &new), around);
    let hunk = |group: Vec<DiffOp>| {
        let (first, last) = (group.first()?, group.last()?);
        let ranges = [
            first.old_range().start..last.old_range().end, // The old text's.
            first.new_range().start..last.new_range().end,
        ];
        let [before, after] = ranges.map(|range| match range.len() {
            0 => format!("{},0", range.start),
            1 => format!("{}", range.start + 1),
            length => format!("{},{length}", range.start + 1),
        });
        let changed = group.iter().find(|op| !matches!(op, DiffOp::Equal { .. }))?;
        let at = if changed.old_range().is_empty() { changed.new_range().start } else { changed.old_range().start };
        let mut lines = Vec::new();
        for op in &group {
            if let DiffOp::Equal { .. } = op {
                lines.extend(old[op.old_range()].iter().copied().map(Line::Same));
            } else {
                lines.extend(old[op.old_range()].iter().copied().map(Line::Removed));
                lines.extend(new[op.new_range()].iter().copied().map(Line::Added));
            }
        }
        Some(Hunk { header: format!("@@ -{before} +{after} @@"), first: at + 1, lines })
    };
    groups.into_iter().filter_map(hunk).collect()
}

/// How many lines are added, and how many removed.
pub fn counted(old: &str, new: &str) -> (usize, usize) {
    let changes = compared(&lines(old), &lines(new)).into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changes.fold((0, 0), |(added, removed), op| (added + op.new_range().len(), removed + op.old_range().len()))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hunks_are_those_of_a_unified_diff() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9";
        let found = hunks(old, new, 1);
        let headers: Vec<(&str, usize)> = found.iter().map(|hunk| (hunk.header.as_str(), hunk.first)).collect();
        assert_eq!(headers, [("@@ -4,3 +4,3 @@", 5), ("@@ -8,2 +8,2 @@", 9)]);
        assert_eq!(
            found[1].lines,
            [Line::Same("8\n"), Line::Removed("9\n"), Line::Added("9")],
            "the line break is what differs"
        );
        assert_eq!(hunks("", "a\n", 3)[0].header, "@@ -0,0 +1 @@");
        assert_eq!(counted(old, new), (2, 2));
        assert_eq!(counted(old, old), (0, 0));
        assert!(hunks(old, old, 3).is_empty());
    }

    proptest! {
        /// As the crate prints it.
        #[test]
        fn hunks_are_those_of_the_crate(old in "([a-c]\n){0,12}[a-c]?", new in "([a-c]\n){0,12}[a-c]?") {
            let mut printed = String::new();
            for Hunk { header, lines, .. } in hunks(&old, &new, 2) {
                writeln!(printed, "{header}").unwrap();
                for line in lines {
                    let (sign, line) = match line {
                        Line::Same(line) => (' ', line),
                        Line::Removed(line) => ('-', line),
                        Line::Added(line) => ('+', line),
                    };
                    let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
                    write!(printed, "{sign}{line}{end}").unwrap();
                }
            }
            let diff = similar::TextDiff::from_lines(&old, &new);
            prop_assert_eq!(printed, diff.unified_diff().context_radius(2).to_string());
        }
    }
}
