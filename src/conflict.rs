//! The conflict markers of Git.

use std::ops::Range;

/// A conflict marker of Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    Ours,
    Base,
    Separator,
    Theirs,
}

impl Marker {
    /// The marker that a line is, without its line break.
    pub(crate) fn of(line: &[u8]) -> Option<Self> {
        let (marker, rest) = line.split_at_checked(7)?;
        if !matches!(rest, [] | [b' ', ..]) {
            return None;
        }
        match marker {
            b"<<<<<<<" => Some(Self::Ours),
            b"|||||||" => Some(Self::Base),
            b"=======" if rest.is_empty() => Some(Self::Separator),
            b">>>>>>>" => Some(Self::Theirs),
            _ => None,
        }
    }
}

/// The first line of a conflict, if all three markers are present. One alone may be something else: equals signs underline a
/// heading in Markdown.
pub(crate) fn first(bytes: &[u8]) -> Option<Range<usize>> {
    let mut at = 0;
    let mut ours = None;
    let mut is_separated = false;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let text = trim_line_end(line);
        match Marker::of(text) {
            Some(Marker::Ours) => ours = ours.or(Some(at..at + text.len())),
            Some(Marker::Separator) => is_separated |= ours.is_some(),
            Some(Marker::Theirs) if is_separated => return ours,
            Some(Marker::Base | Marker::Theirs) | None => {}
        }
        at += line.len();
    }
    None
}

/// Whether the line at a byte is a marker.
pub(crate) fn is_marker_at(bytes: &[u8], at: usize) -> bool {
    let (before, after) = bytes.split_at(at.min(bytes.len()));
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let end = after.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |newline| before.len() + newline);
    Marker::of(trim_line_end(&bytes[start..end])).is_some()
}

/// Whether a text has an unresolved conflict.
pub fn is_in(bytes: &[u8]) -> bool {
    first(bytes).is_some()
}

/// A line without its line break.
pub(crate) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_at_a_byte_may_be_a_marker() {
        let text = b"a\n<<<<<<< x\nb";
        let found: Vec<bool> = (0..=text.len() + 1).map(|at| is_marker_at(text, at)).collect();
        assert_eq!(found.iter().filter(|found| **found).count(), 10, "{found:?}");
        assert!(!found[1] && found[2] && found[11] && !found[12]);
    }

    #[test]
    fn a_conflict_needs_all_three_markers() {
        assert!(is_in(b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\n"));
        assert!(is_in(b"<<<<<<< HEAD\r\n=======\r\n>>>>>>> topic"));
        assert!(!is_in(b"Title\n=======\n"));
        assert!(!is_in(b">>>>>>> topic\n=======\n<<<<<<< HEAD\n"));
        assert!(!is_in(b"<<<<<<<x\n=======\n>>>>>>> topic\n"));
        assert!(!is_in(b"<<<<<<< HEAD\n======= title\n>>>>>>> topic\n"));
        assert!(!is_in(b" <<<<<<< HEAD\n=======\n>>>>>>> topic\n"));
    }
}
