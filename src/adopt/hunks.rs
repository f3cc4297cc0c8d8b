//! What a person changed in an output, in parts that can be taken one by one.

use std::collections::BTreeMap;
use std::ops::Range;

use similar::DiffOp;

use crate::difference::compared;
pub(super) use crate::difference::lines;

/// Ways through a text that are followed side by side; a text with more of them has the same lines again and again.
const MOST_WAYS: usize = 64;

/// Pairs of lines of one hunk that are compared; a larger one stays whole.
const MOST_PAIRS: usize = 10_000;

/// Lines by which others may have moved: what was removed and added farther away are two changes.
const FARTHEST_MOVE: usize = 20;

/// A piece of two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'t> {
    /// It is in both.
    Same(&'t [&'t str]),
    /// It differs.
    Differs(Change<'t>),
}

/// A part of a text that differs: a line that became another one, or lines that were added or removed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change<'t> {
    /// The lines of the rendered text, each with its line break.
    pub(super) old: &'t [&'t str],
    /// The lines of the edited one.
    pub(super) new: &'t [&'t str],
    /// The first of the old lines, from zero: where they are or would be.
    pub(super) old_at: usize,
    /// The first of the new lines, from zero.
    pub(super) new_at: usize,
    /// The hunk that it is a part of.
    hunk: usize,
}

impl Change<'_> {
    /// Whether it and another one are the two halves of a move.
    fn moves_with(&self, other: &Self) -> bool {
        let is_half = |one: &Self, other: &Self| {
            one.new.is_empty()
                && other.old.is_empty()
                && one.old == other.new
                && one.old.iter().any(|line| !line.trim().is_empty())
        };
        self.old_at.abs_diff(other.old_at) <= FARTHEST_MOVE && (is_half(self, other) || is_half(other, self))
    }

    /// Whether a line of the edited text, from zero, is a part of it. A removal is between two lines.
    pub(super) fn concerns(&self, line: usize) -> bool {
        let end = self.new_at + self.new.len();
        if self.new.is_empty() {
            line + 1 == self.new_at || line == self.new_at
        } else {
            (self.new_at..end).contains(&line)
        }
    }
}

/// Where a line of a text, from zero, is in another one that has it, too.
pub(super) fn line_in(from: &str, to: &str, line: usize) -> Option<usize> {
    let same = compared(&lines(from), &lines(to)).into_iter().find_map(|op| match op {
        DiffOp::Equal { .. } if op.old_range().contains(&line) => Some((op.old_range().start, op.new_range().start)),
        _ => None,
    });
    same.map(|(old, new)| new + line - old)
}

/// The differences between two texts.
#[derive(Debug)]
pub(super) struct Hunks<'t> {
    pieces: Vec<Piece<'t>>,
}

impl<'t> Hunks<'t> {
    /// Compares two texts.
    pub(super) fn of(old: &'t [&'t str], new: &'t [&'t str]) -> Self {
        let mut pieces = Vec::new();
        for (hunk, op) in compared(old, new).into_iter().enumerate() {
            let (before, after) = (op.old_range(), op.new_range());
            if matches!(op, DiffOp::Equal { .. }) {
                pieces.push(Piece::Same(&old[before]));
            } else {
                let (lines, others) = (&old[before.clone()], &new[after.clone()]);
                pieces.extend(parts(lines, others).into_iter().map(|(left, right)| {
                    Piece::Differs(Change {
                        old_at: before.start + left.start,
                        new_at: after.start + right.start,
                        old: &lines[left],
                        new: &others[right],
                        hunk,
                    })
                }));
            }
        }
        Self { pieces }
    }

    /// What differs, in order.
    pub(super) fn changes(&self) -> Vec<&Change<'t>> {
        let changes = self.pieces.iter();
        changes.filter_map(|piece| if let Piece::Differs(change) = piece { Some(change) } else { None }).collect()
    }

    /// The old text with those changes that `taken` accepts, by their number and themselves.
    pub(super) fn with(&self, taken: impl Fn(usize, &Change<'t>) -> bool) -> String {
        let mut number = 0;
        let mut out = String::new();
        for piece in &self.pieces {
            let lines = match piece {
                Piece::Same(lines) => lines,
                Piece::Differs(change) => {
                    number += 1;
                    if taken(number - 1, change) { change.new } else { change.old }
                }
            };
            out.extend(lines.iter().copied());
        }
        out
    }

    /// The change that adds what another one removes, or the reverse, close to it: together they move lines.
    pub(super) fn other_half_of(&self, one: &Change<'t>) -> Option<&Change<'t>> {
        self.changes().into_iter().find(|other| one.moves_with(other))
    }

    /// The old text with one change, and with the other half of it if it moves lines.
    pub(super) fn with_move_of(&self, wanted: &Change<'t>) -> String {
        self.with(|_, change| change == wanted || wanted.moves_with(change))
    }

    /// The old text with all changes of the hunk that one is a part of.
    pub(super) fn with_hunk_of(&self, wanted: &Change<'t>) -> String {
        self.with(|_, change| change.hunk == wanted.hunk)
    }

    /// If a text is the old one with some of the changes, whether it has each.
    pub(super) fn found_in(&self, text: &str) -> Option<Vec<bool>> {
        /// The ways that lead to a byte: whether the last change was made, and the byte before it.
        type Ways = BTreeMap<usize, (bool, usize)>;
        let mut steps: Vec<(bool, Ways)> = Vec::with_capacity(self.pieces.len());
        let mut here: Vec<usize> = vec![0];
        for piece in &self.pieces {
            let mut next = Ways::new();
            let mut follow = |lines: &[&str], made: bool| {
                for &at in &here {
                    let end = lines.iter().try_fold(at, |at, line| {
                        text.get(at..).is_some_and(|rest| rest.starts_with(line)).then_some(at + line.len())
                    });
                    if let Some(end) = end {
                        next.entry(end).or_insert((made, at));
                    }
                }
            };
            let differs = match piece {
                Piece::Same(lines) => {
                    follow(lines, false);
                    false
                }
                Piece::Differs(change) => {
                    follow(change.new, true);
                    follow(change.old, false);
                    true
                }
            };
            if next.is_empty() || next.len() > MOST_WAYS {
                return None;
            }
            here = next.keys().copied().collect();
            steps.push((differs, next));
        }
        let mut at = text.len();
        let mut made = Vec::new();
        for (differs, ways) in steps.iter().rev() {
            let (is_made, before) = *ways.get(&at)?;
            if *differs {
                made.push(is_made);
            }
            at = before;
        }
        made.reverse();
        Some(made)
    }
}

/// The parts of a hunk: pairs of lines that are alike, and what is between them.
fn parts(old: &[&str], new: &[&str]) -> Vec<(Range<usize>, Range<usize>)> {
    if old.len() == new.len() {
        return (0..old.len()).map(|at| (at..at + 1, at..at + 1)).collect();
    }
    if old.len().saturating_mul(new.len()) > MOST_PAIRS {
        return vec![(0..old.len(), 0..new.len())];
    }
    let mut parts = Vec::new();
    let (mut left, mut right) = (0, 0);
    let mut put = |before: Range<usize>, after: Range<usize>| {
        if !before.is_empty() || !after.is_empty() {
            parts.push((before, after));
        }
    };
    for (at, line) in old.iter().enumerate() {
        // Only what begins alike can be the same line.
        let found = new.iter().skip(right).position(|other| is_alike(line, other));
        if let Some(found) = found {
            put(left..at, right..right + found);
            put(at..at + 1, right + found..right + found + 1);
            (left, right) = (at + 1, right + found + 1);
        }
    }
    put(left..old.len(), right..new.len());
    parts
}

/// Whether two lines have the same key, or almost the same text.
fn is_alike(old: &str, new: &str) -> bool {
    let key = |line: &str| line.find([':', '=']).map(|end| line[..end].to_owned());
    match (key(old), key(new)) {
        (Some(old), Some(new)) => old == new,
        (None, None) => {
            let same = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
            !old.trim().is_empty() && same * 2 > old.len().max(new.len())
        }
        _ => false,
    }
}

/// A text with the differences between `base` and `one`, and those between `base` and `other`; `None` if both changed the same
/// lines.
pub(super) fn merged(base: &str, one: &str, other: &str) -> Option<String> {
    if base == other || one == other {
        return Some(one.to_owned());
    }
    let base = lines(base);
    let (one, other) = (lines(one), lines(other));
    let edits = |lines: &[&str]| -> Vec<(Range<usize>, String)> {
        let mut edits = Vec::new();
        for op in compared(&base, lines).into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
            // Both may have changed the first of two lines, and only one the second.
            let (old, new) = (op.old_range(), &lines[op.new_range()]);
            edits.extend(
                parts(&base[old.clone()], new)
                    .into_iter()
                    .map(|(left, right)| (old.start + left.start..old.start + left.end, new[right].concat())),
            );
        }
        edits
    };
    let touch = |a: &Range<usize>, b: &Range<usize>| {
        // Lines that are added are between two others.
        if a.is_empty() || b.is_empty() {
            a.start <= b.end && b.start <= a.end
        } else {
            a.start < b.end && b.start < a.end
        }
    };
    let (mut left, mut right) = (edits(&one).into_iter().peekable(), edits(&other).into_iter().peekable());
    let mut out = String::new();
    let mut from = 0;
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if a == b => {
                right.next();
                left.next()
            }
            (Some((a, _)), Some((b, _))) if touch(a, b) => return None,
            (Some((a, _)), Some((b, _))) if b.start < a.start => right.next(),
            (Some(_), _) => left.next(),
            (None, _) => right.next(),
        };
        let Some((range, text)) = next else { break };
        out.extend(base[from..range.start].iter().copied());
        out.push_str(&text);
        from = range.end;
    }
    out.extend(base[from..].iter().copied());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_some_of_the_changes() {
        let (old, new) = ("a: 1\nb: 2\nc: 3\nd: 4\n", "a: 9\nb: 2\nx: 0\nc: 3\n");
        let (old, new) = (lines(old), lines(new));
        let hunks = Hunks::of(&old, &new);
        assert_eq!(hunks.changes().len(), 3);
        assert_eq!(hunks.found_in("a: 1\nb: 2\nc: 3\nd: 4\n"), Some(vec![false; 3]));
        assert_eq!(hunks.found_in("a: 9\nb: 2\nx: 0\nc: 3\n"), Some(vec![true; 3]));
        assert_eq!(hunks.found_in("a: 9\nb: 2\nc: 3\nd: 4\n"), Some(vec![true, false, false]));
        assert_eq!(hunks.found_in("a: 9\nb: 2\nx: 0\nc: 3\nd: 4\n"), Some(vec![true, true, false]));
        for other in ["", "a: 8\nb: 2\nc: 3\nd: 4\n", "a: 9\nb: 2\nx: 0\nc: 3\nd: 4\ne: 5\n"] {
            assert_eq!(hunks.found_in(other), None, "{other}");
        }
        assert_eq!(hunks.with(|number, _| number == 1), "a: 1\nb: 2\nx: 0\nc: 3\nd: 4\n");
    }

    #[test]
    fn the_same_lines_again_and_again_are_found() {
        let (old, new) = ("a\na\na\n", "a\na\na\na\na\n");
        let (old, new) = (lines(old), lines(new));
        let hunks = Hunks::of(&old, &new);
        assert_eq!(hunks.found_in("a\na\na\na\na\n"), Some(vec![true]));
        assert_eq!(hunks.found_in("a\na\na\na\n"), None);
    }

    #[test]
    fn a_line_and_one_more_are_two_changes() {
        let (old, new) = ("  x: 1\n  z: 1\n", "  x: 2\n  y: 1\n  z: 1\n");
        let (old, new) = (lines(old), lines(new));
        let changes: Vec<(usize, usize)> =
            Hunks::of(&old, &new).changes().iter().map(|change| (change.old.len(), change.new.len())).collect();
        assert_eq!(changes, [(1, 1), (0, 1)]);
    }

    #[test]
    fn a_line_is_found_again() {
        let (from, to) = ("a\nb\nc\n", "x\na\nB\nc\n");
        assert_eq!([0, 1, 2, 3].map(|line| line_in(from, to, line)), [Some(1), None, Some(3), None]);
    }

    #[test]
    fn edits_of_two_are_merged_unless_they_meet() {
        let base = "a\nb\nc\nd\ne\n";
        assert_eq!(merged(base, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n").as_deref(), Some("A\nb\nc\nd\nE\n"));
        assert_eq!(merged(base, "A\nb\nc\nd\ne\n", "A\nb\nc\nd\nE\n").as_deref(), Some("A\nb\nc\nd\nE\n"));
        assert_eq!(merged(base, "A\nb\nc\nd\ne\n", "A\nB\nc\nd\ne\n").as_deref(), Some("A\nB\nc\nd\ne\n"));
        assert_eq!(merged(base, "A\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n").as_deref(), Some("A\nB\nc\nd\ne\n"));
        let (pairs, both, one) = ("a: 1\nb: 2\n", "a: 9\nx: 0\nb: 2\n", "a: 9\nb: 2\n");
        assert_eq!(merged(pairs, both, one).as_deref(), Some(both));
        assert_eq!(merged(base, "a\nx\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n"), None);
        assert_eq!(merged(base, "A\nb\nc\nd\ne\n", "x\nb\nc\nd\ne\n"), None);
        assert_eq!(merged(base, base, "a\n").as_deref(), Some("a\n"));
        assert_eq!(merged(base, "a\n", base).as_deref(), Some("a\n"));
    }
}
