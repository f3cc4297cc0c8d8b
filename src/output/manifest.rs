//! The manifest: the outputs of a profile and their digests. Reading it never fails as a whole: it is committed, so it may
//! be merged, edited or truncated like any other file.
//!
//! A line that never changes is between two entries: Git takes changes of adjacent lines for a conflict, so without it two
//! branches that change different outputs could not be merged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::digest::Digest;
use super::{PathProblem, Scope};
use crate::conflict::{Marker, trim_line_end};

/// The first line of a manifest during a render. `sha256sum` ignores lines that start with `#`.
pub(super) const UNDER_WAY: &str = "# A render is in progress or was interrupted. Run `gen render` to complete it.\n";

/// The format of specs and outputs that this version of `gen` reads and writes, which `gen upgrade` brings older ones to. The
/// manifest names it, from 2 on, so that an older version doesn't take the outputs of a newer one for stale ones.
pub const FORMAT: u32 = 2;

/// Begins the line that names the format.
const HEADER: &str = "# gen format ";

/// Ends that line.
const PURPOSE: &str = ": the digest of each output, for `sha256sum --check`";

/// The line between two entries.
const BETWEEN: &str = "#\n";

/// Begins the line of an output that is the user's own: the digest of what would be written.
const EJECTED: &str = "# ejected: ";

/// Every pair of a path and a digest that a manifest lists, in the order of its lines.
pub(super) type Listing = BTreeSet<(String, Digest)>;

/// A parsed manifest.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    /// Without paths outside of the scope.
    pub(super) entries: BTreeMap<String, Entry>,
    /// Lines that were ignored.
    pub(super) problems: Vec<Problem>,
    /// Whether it has conflict markers.
    pub(super) conflict: bool,
    /// Whether it was written during a render.
    pub(super) under_way: bool,
    /// The newest format that it names.
    pub(super) format: Option<u32>,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// Several after a merge or during a render.
    pub(super) digests: Vec<Digest>,
    /// Whether the sides of a merge differ.
    pub(super) contested: bool,
    /// Its first line.
    pub(super) line: usize,
}

/// A line of the manifest that was ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// The line, or its path. It may contain control characters.
    pub text: String,
    /// Why it was ignored.
    pub kind: ProblemKind,
}

/// Why a line of the manifest was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Not an entry, a comment or a conflict marker.
    NotAnEntry,
    /// The path can't be an output of the profile.
    Path(PathProblem),
    /// The path leads through a symbolic link and is no longer rendered.
    ThroughSymlink,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, kind } = self;
        write!(f, "line {line}: `{}`: ", text.escape_debug())?;
        match kind {
            ProblemKind::NotAnEntry => f.write_str("expected a digest and a path"),
            ProblemKind::Path(problem) => problem.fmt(f),
            ProblemKind::ThroughSymlink => f.write_str("the path leads through a symbolic link"),
        }
    }
}

impl Manifest {
    pub(super) fn parse(bytes: &[u8], scope: &Scope) -> Self {
        let mut manifest = Self::default();
        let mut in_conflict = false;
        for (line, bytes) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
            let text = trim_line_end(bytes);
            if let Some(marker) = Marker::of(text) {
                manifest.conflict = true;
                in_conflict = marker != Marker::Theirs;
            } else if text.starts_with(b"#") {
                manifest.under_way |= text == UNDER_WAY.trim_end().as_bytes();
                manifest.format = manifest.format.max(format(text));
            } else if let Some((digest, path)) = entry(text) {
                if let Err(problem) = scope.admits(path) {
                    manifest.problem(line, path.to_owned(), ProblemKind::Path(problem));
                } else {
                    manifest.add(line, path, digest, in_conflict);
                }
            } else {
                manifest.problem(line, String::from_utf8_lossy(text).into_owned(), ProblemKind::NotAnEntry);
            }
        }
        if !manifest.under_way {
            // A union merge leaves no markers.
            for entry in manifest.entries.values_mut() {
                entry.contested |= entry.digests.len() > 1;
            }
        }
        manifest
    }

    pub(super) fn problem(&mut self, line: usize, text: String, kind: ProblemKind) {
        self.problems.push(Problem { line, text, kind });
    }

    fn add(&mut self, line: usize, path: &str, digest: Digest, contested: bool) {
        if let Some(entry) = self.entries.get_mut(path) {
            if !entry.digests.contains(&digest) {
                entry.digests.push(digest);
            }
            entry.contested |= contested;
        } else {
            self.entries.insert(path.to_owned(), Entry { digests: vec![digest], contested, line });
        }
    }

    pub(super) fn listing(&self) -> Listing {
        let pairs = |(path, entry): (&String, &Entry)| -> Vec<_> {
            entry.digests.iter().map(|&digest| (path.clone(), digest)).collect()
        };
        self.entries.iter().flat_map(pairs).collect()
    }
}

/// The lines of a manifest, with the digests of outputs that are the user's own.
pub(super) fn text(listing: &Listing, ejected: &BTreeMap<String, String>) -> String {
    let mut text = String::with_capacity(96 + listing.iter().map(|(path, _)| path.len() + 69).sum::<usize>());
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{HEADER}{FORMAT}{PURPOSE}");
    for (path, digest) in ejected {
        let _ = writeln!(text, "{BETWEEN}{EJECTED}{digest}  {path}");
    }
    for (path, digest) in listing {
        text.push_str(BETWEEN);
        digest.push_hex(&mut text);
        text.push_str("  ");
        text.push_str(path);
        text.push('\n');
    }
    text
}

/// The manifest that lists what both sides of a merge list: the digests of the side that changed an entry, or of both. `None`
/// if a side is not a manifest, or is of another format.
pub fn merged(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<String> {
    let is_current = |side: &[u8]| side.split(|&byte| byte == b'\n').find_map(format) == Some(FORMAT);
    if ![ours, theirs].into_iter().all(is_current) {
        return None;
    }
    let sides = [base, ours, theirs];
    let [base, ours, theirs] = sides.map(lines);
    let (base, ours, theirs) = (base.unwrap_or_default(), ours?, theirs?);
    let none = BTreeSet::new();
    let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut listing = Listing::new();
    for path in paths {
        let [base, ours, theirs] = [&base, &ours, &theirs].map(|side| side.get(path).unwrap_or(&none));
        let digests = match () {
            () if ours == base => theirs.clone(),
            () if theirs == base => ours.clone(),
            () => ours | theirs,
        };
        listing.extend(digests.into_iter().map(|digest| (path.clone(), digest)));
    }
    // Where the sides differ, a render writes it again.
    let mut own = ejected(sides[1]);
    let others = ejected(sides[2]);
    own.retain(|path, digest| others.get(path) == Some(digest));
    Some(text(&listing, &own))
}

/// The digests of what would have been written for outputs that are the user's own, by path.
pub fn ejected(manifest: &[u8]) -> BTreeMap<String, String> {
    let line = |line| str::from_utf8(line).ok()?.strip_prefix(EJECTED)?.split_once("  ");
    let lines = manifest.split(|&byte| byte == b'\n').map(trim_line_end).filter_map(line);
    lines.map(|(digest, path)| (path.to_owned(), digest.to_owned())).collect()
}

/// The digests that a manifest lists for each path; none if it is not a manifest.
pub fn listed(manifest: &[u8]) -> BTreeMap<String, BTreeSet<String>> {
    let digests = |digests: BTreeSet<Digest>| digests.iter().map(ToString::to_string).collect();
    lines(manifest).unwrap_or_default().into_iter().map(|(path, listed)| (path, digests(listed))).collect()
}

/// The digests of each path, whatever the scope; `None` if a line is not one of a manifest.
fn lines(bytes: &[u8]) -> Option<BTreeMap<String, BTreeSet<Digest>>> {
    let mut all: BTreeMap<String, BTreeSet<Digest>> = BTreeMap::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n').map(trim_line_end) {
        if line.starts_with(b"#") || Marker::of(line).is_some() {
            continue;
        }
        let (digest, path) = entry(line)?;
        all.entry(path.to_owned()).or_default().insert(digest);
    }
    Some(all)
}

/// The format that a manifest names; none before 2.
pub fn format_of(manifest: &str) -> Option<u32> {
    manifest.lines().find_map(|line| format(line.as_bytes()))
}

/// The format that the first line of a manifest names.
fn format(line: &[u8]) -> Option<u32> {
    str::from_utf8(line).ok()?.strip_prefix(HEADER)?.strip_suffix(PURPOSE)?.parse().ok()
}

fn entry(line: &[u8]) -> Option<(Digest, &str)> {
    let (digest, path) = str::from_utf8(line).ok()?.split_once("  ")?;
    Some((digest.parse().ok()?, path))
}

/// The bytes with LF instead of CRLF; `None` without CRLF.
pub(super) fn with_unix_line_ends(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.windows(2).any(|pair| pair == b"\r\n") {
        return None;
    }
    let mut unix = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if let Some(line) = line.strip_suffix(b"\r\n") {
            unix.extend_from_slice(line);
            unix.push(b'\n');
        } else {
            unix.extend_from_slice(line);
        }
    }
    Some(unix)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope() -> Scope {
        Scope {
            manifest: "g/dev/manifest.sha256".into(),
            folders: vec!["g/dev".into(), "t/dev".into()],
            ..Scope::default()
        }
    }

    fn digest(seed: u8) -> Digest {
        Digest::of(&[seed])
    }

    fn parse(text: &str) -> Manifest {
        Manifest::parse(text.as_bytes(), &scope())
    }

    #[test]
    fn both_sides_of_a_conflict_count_and_only_they_are_contested() {
        let [a, b, c, d] = [1, 2, 3, 4].map(digest);
        let manifest = parse(&format!(
            "{a}  g/dev/a\n<<<<<<< HEAD\n{b}  g/dev/b\n||||||| base\n{d}  g/dev/b\n=======\r\n{c}  g/dev/b\n>>>>>>> x\n{d}  g/dev/d\n"
        ));
        assert!(manifest.conflict);
        assert_eq!(manifest.problems, []);
        assert_eq!(manifest.entries["g/dev/b"].digests, [b, d, c]);
        let contested: Vec<_> = manifest.entries.iter().filter(|(_, entry)| entry.contested).collect();
        assert_eq!(contested.len(), 1);
        assert_eq!(contested[0].0, "g/dev/b");
    }

    #[test]
    fn an_entry_stays_contested_if_its_digest_is_listed_again() {
        let a = digest(1);
        for text in [
            format!("{a}  g/dev/a\n<<<<<<< HEAD\n{a}  g/dev/a\n=======\n>>>>>>> x\n"),
            format!("<<<<<<< HEAD\n{a}  g/dev/a\n=======\n>>>>>>> x\n{a}  g/dev/a\n"),
        ] {
            assert!(parse(&text).entries["g/dev/a"].contested, "{text}");
        }
    }

    #[test]
    fn several_digests_are_a_merge_unless_a_render_was_under_way() {
        let lines = format!("{}  g/dev/a\n{}  g/dev/a\n", digest(1), digest(2));
        assert!(parse(&lines).entries["g/dev/a"].contested);
        let under_way = parse(&format!("{UNDER_WAY}{lines}"));
        assert!(under_way.under_way && !under_way.conflict);
        assert!(!under_way.entries["g/dev/a"].contested);
    }

    #[test]
    fn lines_that_are_no_entries_are_reported_and_the_rest_is_used() {
        let a = digest(1);
        let manifest = parse(&format!(
            "hello\n{a} g/dev/one-space\n\n# note\n{a}  ../../etc/passwd\n{a}  /etc/passwd\n{a}  g/prod/x\n{a}  g/dev/ok\r\n"
        ));
        assert_eq!(manifest.entries.keys().collect::<Vec<_>>(), ["g/dev/ok"]);
        let problems: Vec<_> = manifest.problems.iter().map(|problem| (problem.line, problem.kind)).collect();
        assert_eq!(
            problems,
            [
                (1, ProblemKind::NotAnEntry),
                (2, ProblemKind::NotAnEntry),
                (3, ProblemKind::NotAnEntry),
                (5, ProblemKind::Path(PathProblem::NotPlain)),
                (6, ProblemKind::Path(PathProblem::NotPlain)),
                (7, ProblemKind::Path(PathProblem::OutsideScope)),
            ]
        );
    }

    #[test]
    fn a_problem_shows_no_raw_control_characters() {
        let manifest = parse("\u{1b}[2Jboo\n");
        assert_eq!(manifest.problems[0].to_string(), r"line 1: `\u{1b}[2Jboo`: expected a digest and a path");
    }

    #[test]
    fn a_merge_lists_what_either_side_changed() {
        let [a, b, c, d] = [1, 2, 3, 4].map(digest);
        let listing = |entries: &[(&str, Digest)]| {
            text(&entries.iter().map(|(path, digest)| ((*path).to_owned(), *digest)).collect(), &BTreeMap::new())
        };
        let base = listing(&[("g/dev/a", a), ("g/dev/b", a), ("g/dev/c", a), ("g/dev/d", a)]);
        let ours = listing(&[("g/dev/a", b), ("g/dev/b", a), ("g/dev/c", b), ("g/dev/x", d)]);
        let theirs = listing(&[("g/dev/a", c), ("g/dev/b", c), ("g/dev/c", a), ("g/dev/d", a)]);
        let both = merged(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).unwrap();
        let expected = [("g/dev/a", b), ("g/dev/a", c), ("g/dev/b", c), ("g/dev/c", b), ("g/dev/x", d)];
        assert_eq!(both, listing(&expected));
        assert_eq!(merged(b"", b"not a manifest", theirs.as_bytes()), None);
        // Both have added the file that they conflict in, or the base is a conflict itself, as of a criss-cross merge.
        let markers = format!("<<<<<<< x\n{ours}=======\n{theirs}>>>>>>> y\n");
        for base in ["", &markers] {
            assert!(merged(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).is_some());
        }
    }

    #[test]
    fn the_format_is_read_back() {
        assert_eq!(parse(&text(&Listing::new(), &BTreeMap::new())).format, Some(FORMAT));
        assert_eq!(parse("# gen format 7: the digest of each output, for `sha256sum --check`\r\n").format, Some(7));
        for other in ["", "# gen format 7", "# gen format -1: the digest of each output, for `sha256sum --check`\n"] {
            assert_eq!(parse(other).format, None, "{other}");
        }
    }

    #[test]
    fn what_is_ejected_is_no_entry_and_is_read_back() {
        let own = BTreeMap::from([("g/dev/a".to_owned(), digest(1).to_string())]);
        let text = text(&[("g/dev/b".to_owned(), digest(2))].into(), &own);
        assert_eq!(ejected(text.replace('\n', "\r\n").as_bytes()), own);
        let manifest = parse(&text);
        assert_eq!(manifest.entries.keys().collect::<Vec<_>>(), ["g/dev/b"]);
        assert_eq!(manifest.problems, []);
        assert_eq!(ejected(merged(b"", text.as_bytes(), text.as_bytes()).unwrap().as_bytes()), own);
    }

    #[test]
    fn only_crlf_is_replaced() {
        assert_eq!(with_unix_line_ends(b"a\r\nb\rc\n\r\n").unwrap(), b"a\nb\rc\n\n");
        assert_eq!(with_unix_line_ends(b"a\nb\r"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_only_admitted_paths_are_owned(lines in prop::collection::vec(
            prop_oneof![
                "\\PC*",
                "(<<<<<<<|=======|>>>>>>>|[|]{7})( x)?",
                "[0-9a-f]{64}  (g/dev|t/dev|g|/etc|[.]{1,2})(/[a-z.]{0,3}){0,3}",
                "[0-9a-fA-F]{60,66} {0,3}g/dev/[a-z]",
            ],
            0..20,
        ), cut in any::<prop::sample::Index>()) {
            let text = lines.join("\n").into_bytes();
            let end = cut.index(text.len() + 1);
            let manifest = Manifest::parse(&text[..end], &scope());
            for path in manifest.entries.keys() {
                prop_assert_eq!(scope().admits(path), Ok(()));
            }
        }

        #[test]
        fn a_listing_survives_a_round_trip(pairs in prop::collection::btree_set(("g/dev/[a-z ]{1,4}", any::<u8>()), 0..20)) {
            let listing: Listing = pairs.into_iter().map(|(path, seed)| (path, digest(seed))).collect();
            let manifest = parse(&text(&listing, &BTreeMap::new()));
            prop_assert_eq!(manifest.problems.as_slice(), &[]);
            prop_assert_eq!(manifest.listing(), listing);
        }
    }
}
