//! The outputs of a profile on disk: comparing and writing them.
//!
//! A committed manifest in `sha256sum` format lists the outputs. `gen` replaces a file if the manifest lists its digest;
//! anything else was made by somebody and is only overwritten by force.
//!
//! [`compare`] finds the cause of every difference and writes nothing. [`write()`] can be killed between any of its
//! steps:
//!
//! 1. stage every changed file, and the manifests, below `.staging`;
//! 2. put in place a manifest that owns both the old and the new content;
//! 3. rename each staged file to its place, then delete the orphans;
//! 4. put in place the final manifest, and remove the staging directory.
//!
//! An output that changes from a file to a directory, or back, is refused as unreadable before anything is written: the old
//! one has to be removed by hand.

mod digest;
mod disk;
mod drift;
mod error;
mod lock;
mod manifest;
mod replace;
mod scope;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use camino::Utf8PathBuf;

pub use self::digest::digest;
pub use self::disk::LARGEST;
pub use self::drift::{ask_about_merges, compare, permitted};
pub use self::error::{Error, PathProblem};
pub use self::lock::report_waiting;
pub use self::manifest::{
    FORMAT, Problem, ProblemKind, ejected as ejected_in_manifest, format_of, listed as listed_in_manifest,
    merged as merged_manifest,
};
pub use self::replace::{Mode, create, replace, sweep};
pub use self::write::write;

/// One rendered output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, separated by `/`.
    pub path: Utf8PathBuf,
    /// Whether the file is executable.
    pub executable: bool,
    /// The text.
    pub contents: String,
}

/// The paths that a profile owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The manifest, relative to the root and below one of the folders.
    pub manifest: Utf8PathBuf,
    /// The folders with all its outputs and none of another profile, relative to the root.
    pub folders: Vec<Utf8PathBuf>,
    /// Folders that the outputs were in before: only what the manifest lists is theirs.
    pub former: Vec<Utf8PathBuf>,
    /// Files and folders below the folders that may be there besides the outputs, `None` if any may.
    pub others: Option<Vec<String>>,
    /// What may be there only as a regular file. A name that ends with `*` stands for all with that beginning.
    pub files: Vec<String>,
    /// The digests of what would be written for outputs that are the user's own, by path: the manifest keeps them for a review.
    pub ejected: BTreeMap<String, String>,
}

/// An output that was edited by hand and is replaced without force, since nothing of the edit is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Relative to the root.
    pub path: Utf8PathBuf,
    /// The bytes that are replaced; others are another edit.
    pub on_disk: Vec<u8>,
    /// What is rendered; another text is of another spec.
    pub rendered: String,
    /// The new bytes: the rendered text with what is left of the edit.
    pub edited: Vec<u8>,
}

/// Options of [`write()`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options<'k> {
    /// Overwrite and delete files that [need force](Cause::needs_force).
    pub force: bool,
    /// Report what would be done or refused, without writing.
    pub dry_run: bool,
    /// Delete orphans. Without it they stay, and stay listed in the manifest.
    pub prune: bool,
    /// Edits that are in the spec now, or stay in their files.
    pub kept: &'k [Kept],
}

/// The result of [`compare`].
#[derive(Debug)]
pub struct Comparison {
    /// How many outputs were compared, the manifest among them.
    pub compared: usize,
    /// The outputs that differ, in the order in which they came; then orphans, by path; then the manifest.
    pub differences: Vec<Difference>,
}

/// An output on disk that differs from the rendered one.
#[derive(Debug)]
pub struct Difference {
    /// Relative to the root.
    pub path: Utf8PathBuf,
    /// Why it differs.
    pub cause: Cause,
    /// The bytes on disk, if they could be read.
    pub on_disk: Option<Vec<u8>>,
    /// The rendered text; `None` for an orphan.
    pub expected: Option<String>,
}

/// What [`write()`] did, or would do without a dry run.
#[derive(Debug, Default)]
pub struct Written {
    /// The outputs that were written, in the order in which they came, the manifest last.
    pub written: Vec<Finding>,
    /// The folders of outputs that containers can read now.
    pub opened: Vec<Finding>,
    /// The orphans that were deleted, by path.
    pub removed: Vec<Finding>,
    /// The orphans that were kept since pruning was disabled, by path, and the files that are not outputs.
    pub left: Vec<Finding>,
    /// How many outputs were up to date, including the manifest.
    pub unchanged: usize,
}

/// A path and its cause.
#[derive(Debug)]
pub struct Finding {
    /// Relative to the root.
    pub path: Utf8PathBuf,
    /// The cause.
    pub cause: Cause,
}

/// Why an output on disk differs from the rendered one.
#[derive(Debug)]
pub enum Cause {
    /// It does not exist.
    Missing,
    /// An output that is the user's own does not exist.
    EjectedMissing,
    /// It is the user's own, and a merge has left conflict markers in it.
    EjectedConflict,
    /// Only the executable bit differs.
    Mode {
        /// What the bit should be.
        executable: bool,
    },
    /// Only its owner or group can read it, or a folder of outputs, so that containers can't.
    Closed,
    /// Equal except for CRLF line endings.
    LineEndings,
    /// The file holds the markers of a merge conflict.
    MergeConflict,
    /// Both sides of a merge changed the output and Git merged the texts.
    Merged,
    /// A merge has left it, and it was edited by hand, on one side or since.
    MergedEdit,
    /// Written by an earlier render: the spec or the templates have changed since. The manifest: it lists other outputs or
    /// digests.
    Stale,
    /// The manifest does not list the file, so `gen` did not write it.
    Unlisted,
    /// Listed in the manifest with another digest.
    HandEdited {
        /// Whether the spec or the templates have changed as well.
        also_stale: bool,
    },
    /// Listed in the manifest, but no longer rendered.
    Orphan {
        /// Whether it was edited by hand.
        edited: bool,
    },
    /// Not an output, in a folder of outputs, where a consumer might read it.
    Stray,
    /// Git has it, though it may hold secrets or programs.
    Committed,
    /// It can't be read or is not a file.
    Unreadable(io::Error),
    /// It is a symbolic link, which is not followed.
    Symlink,
    /// The manifest only: a render was interrupted. Rendering again completes it.
    Interrupted,
    /// The manifest only: some lines are invalid and were ignored.
    Malformed(Vec<Problem>),
}

impl Cause {
    /// Whether overwriting or deleting the file could lose somebody's work, so that [`write()`] requires force.
    pub fn needs_force(&self) -> bool {
        matches!(
            self,
            Self::Unlisted | Self::HandEdited { .. } | Self::MergedEdit | Self::Symlink | Self::Orphan { edited: true }
        )
    }

    /// Whether [`write()`] refuses the file even with force, since its content is unknown.
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Self::Unreadable(_))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::EjectedMissing => f.write_str("missing, and your own"),
            Self::EjectedConflict => f.write_str("your own, with conflict markers"),
            Self::Mode { executable: true } => f.write_str("not executable"),
            Self::Mode { executable: false } => f.write_str("executable"),
            Self::Closed => f.write_str("not readable by other users"),
            Self::LineEndings => f.write_str("line endings only"),
            Self::MergeConflict => f.write_str("merge conflict"),
            Self::Merged => f.write_str("merged by Git"),
            Self::MergedEdit => f.write_str("edited by hand in a merge"),
            Self::Stale => f.write_str("out of date"),
            Self::Unlisted => f.write_str("not listed in the manifest"),
            Self::HandEdited { also_stale: false } => f.write_str("edited by hand"),
            Self::HandEdited { also_stale: true } => f.write_str("edited by hand and out of date"),
            Self::Orphan { edited: false } => f.write_str("orphan"),
            Self::Orphan { edited: true } => f.write_str("orphan, edited by hand"),
            Self::Stray => f.write_str("not an output"),
            Self::Committed => f.write_str("committed, and may contain secrets or programs"),
            Self::Unreadable(source) => write!(f, "unreadable: {source}"),
            Self::Symlink => f.write_str("symbolic link"),
            Self::Interrupted => f.write_str("interrupted render"),
            Self::Malformed(_) => f.write_str("malformed"),
        }
    }
}
