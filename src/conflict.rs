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
    let (mut separator, mut theirs) = (false, false);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let text = trim_line_end(line);
        match Marker::of(text) {
            Some(Marker::Ours) => ours = ours.or(Some(at..at + text.len())),
            Some(Marker::Separator) => separator = true,
            Some(Marker::Theirs) => theirs = true,
            Some(Marker::Base) | None => {}
        }
        at += line.len();
    }
    ours.filter(|_| separator && theirs)
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
    fn a_conflict_needs_all_three_markers() {
        assert!(is_in(b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\n"));
        assert!(is_in(b"<<<<<<< HEAD\r\n=======\r\n>>>>>>> topic"));
        assert!(!is_in(b"Title\n=======\n"));
        assert!(!is_in(b"<<<<<<<x\n=======\n>>>>>>> topic\n"));
        assert!(!is_in(b"<<<<<<< HEAD\n======= title\n>>>>>>> topic\n"));
        assert!(!is_in(b" <<<<<<< HEAD\n=======\n>>>>>>> topic\n"));
    }
}
