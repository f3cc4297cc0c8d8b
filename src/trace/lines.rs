//! Lines of a text in another one.

use similar::DiffOp;

use crate::difference::matched;

/// The lines of a text without the comma at their end, which depends on the line below.
fn split(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.strip_suffix(',').unwrap_or(line)).collect()
}

/// Where lines of a text are in another one, one-based; `None` if one of them is not in it.
pub(super) fn same(text: &str, other: &str, lines: &[usize]) -> Option<Vec<usize>> {
    if text == other {
        return Some(lines.to_vec());
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (text.lines().collect(), other.lines().collect());
    let places = places(&old, &new);
    lines.iter().map(|line| places.get(line.checked_sub(1)?).copied().flatten().map(|at| at + 1)).collect()
}

/// The changed lines of the old text, one-based.
pub(super) fn changed(old: &str, new: &str) -> Vec<usize> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (split(old), split(new));
    if old.len() == new.len() {
        return old.iter().zip(&new).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at + 1).collect();
    }
    let places = places(&old, &new).into_iter().enumerate();
    places.filter(|(_, place)| place.is_none()).map(|(at, _)| at + 1).collect()
}

/// Whether one of some lines of the old text may be changed, one-based. Where much has changed, the same line is in many
/// places; so a line counts as unchanged only if those that it is in, by indentation, are unchanged as well.
pub(super) fn may_be_changed(old: &str, new: &str, lines: &[usize]) -> bool {
    if old == new {
        return false;
    }
    let (old, new) = (split(old), split(new));
    let places = places(&old, &new);
    let is_whole = |line: &usize| {
        let (mut at, mut there) = (line.checked_sub(1)?, None);
        loop {
            let place = places.get(at).copied().flatten()?;
            // The line that the one below is in, in the new text.
            if there.is_some_and(|there| there != place) {
                return None;
            }
            let (above, above_there) = (above(&old, at), above(&new, place));
            match (above, above_there) {
                (None, None) => return Some(()),
                (Some(above), Some(above_there)) => (at, there) = (above, Some(above_there)),
                _ => return None,
            }
        }
    };
    lines.iter().any(|line| is_whole(line).is_none())
}

/// The nearest line above with less indentation.
fn above(lines: &[&str], at: usize) -> Option<usize> {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let own = indentation(lines.get(at)?);
    (0..at).rev().find(|&above| lines.get(above).is_some_and(|line| !line.is_empty() && indentation(line) < own))
}

/// The place of each old line among the new ones.
fn places(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    let mut places = vec![None; old.len()];
    for op in matched(old, new) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for (offset, place) in places.iter_mut().skip(old_index).take(len).enumerate() {
                *place = Some(new_index + offset);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a:\n  x: 1\n  y: 1\nb:\n  x: 1\n";

    #[test]
    fn lines_are_found_again() {
        assert_eq!(same(OLD, OLD, &[1, 5]), Some(vec![1, 5]));
        assert_eq!(same(OLD, "a:\n  y: 1\nb:\n  x: 1\n", &[3, 5]), Some(vec![2, 4]));
        assert_eq!(same(OLD, "b:\n  x: 1\n", &[3]), None);
        assert_eq!(same(OLD, "b:\n", &[0]), None);
    }

    #[test]
    fn changed_lines_are_those_that_are_gone() {
        assert_eq!(changed(OLD, OLD), [0; 0]);
        assert_eq!(changed(OLD, "a:\n  x: 1\n  y: 2\nb:\n  x: 1\n"), [3]);
        assert_eq!(changed(OLD, "a:\n  x: 1\nb:\n  x: 1\n"), [3]);
    }

    #[test]
    fn a_line_in_something_else_may_be_changed() {
        assert!(!may_be_changed(OLD, OLD, &[2]));
        let renamed = "c:\n  x: 1\n  y: 1\nb:\n  x: 1\n";
        assert!(may_be_changed(OLD, renamed, &[2]));
        assert!(!may_be_changed(OLD, renamed, &[4, 5]));
        assert!(may_be_changed(OLD, renamed, &[5, 1]));
        assert!(may_be_changed(OLD, "", &[5]));
    }
}
