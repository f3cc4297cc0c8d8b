//! The disk: what a profile owns there, how it differs from what was rendered, and how it is written.
//!
//! Ownership stands in a committed manifest in `sha256sum` format. A file is the tool's to replace when its
//! digest is one that the manifest lists; anything else was made by somebody, and is not overwritten unasked.
//!
//! [`compare`] names the cause of every difference and writes nothing. [`write()`] goes in steps that leave the
//! tree in order wherever it is killed:
//!
//! 1. stage every changed file, and the manifests, below `.staging`;
//! 2. put in place a manifest that owns both the old and the new content;
//! 3. rename each staged file to its place, then delete the orphans;
//! 4. put in place the final manifest, and remove the staging directory.
//!
//! An output that turns from a file into a directory, or back, is not handled: it is refused as unreadable
//! before anything is written, and the old one is removed by hand.

mod digest;
mod disk;
mod drift;
mod error;
mod manifest;
mod replace;
mod scope;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::io;

use camino::Utf8PathBuf;

pub use self::drift::compare;
pub use self::error::{Error, PathProblem};
pub use self::manifest::{Problem, ProblemKind};
pub use self::replace::{Mode, create, replace};
pub use self::write::write;

/// One rendered output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the root, separated by `/`.
    pub path: Utf8PathBuf,
    /// Whether the file is to be executable.
    pub executable: bool,
    /// The text, to the last byte.
    pub contents: String,
}

/// What a profile owns on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The manifest, relative to the root and below one of the folders.
    pub manifest: Utf8PathBuf,
    /// The folders, relative to the root, that hold every output and nothing of another profile.
    pub folders: Vec<Utf8PathBuf>,
}

/// What [`write()`] may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Overwrite and delete what [needs force](Cause::needs_force).
    pub force: bool,
    /// Do everything but write: report what would be done, and refuse what would be refused.
    pub dry_run: bool,
    /// Delete orphans. Without it they stay, and stay listed in the manifest.
    pub prune: bool,
}

/// What [`compare`] found.
#[derive(Debug)]
pub struct Comparison {
    /// How many outputs were compared, the manifest among them.
    pub compared: usize,
    /// The outputs that differ, in the order in which they came; then orphans, by path; then the manifest.
    pub differences: Vec<Difference>,
}

/// One output that is not on disk as it was rendered.
#[derive(Debug)]
pub struct Difference {
    /// Relative to the root.
    pub path: Utf8PathBuf,
    /// Why it differs.
    pub cause: Cause,
    /// The bytes on disk, where there are any and they could be read.
    pub on_disk: Option<Vec<u8>>,
    /// What was rendered; nothing for an orphan.
    pub expected: Option<String>,
}

/// What [`write()`] did, or would do in a dry run.
#[derive(Debug, Default)]
pub struct Written {
    /// The outputs that were written, in the order in which they came, the manifest last.
    pub written: Vec<Finding>,
    /// The orphans that were deleted, by path.
    pub removed: Vec<Finding>,
    /// The orphans that were left because pruning was not asked for, by path.
    pub left: Vec<Finding>,
    /// How many outputs were as rendered and have not been touched, the manifest among them.
    pub unchanged: usize,
}

/// A path and what was found there.
#[derive(Debug)]
pub struct Finding {
    /// Relative to the root.
    pub path: Utf8PathBuf,
    /// What was found.
    pub cause: Cause,
}

/// Why an output is not on disk as it was rendered.
#[derive(Debug)]
pub enum Cause {
    /// Nothing is there.
    Missing,
    /// Only the executable bit differs.
    Mode {
        /// What the bit ought to be.
        executable: bool,
    },
    /// Equal but for CRLF where LF was rendered.
    LineEndings,
    /// The file holds the markers of a merge conflict.
    MergeConflict,
    /// Both sides of a merge changed the output and git joined the texts: nobody wrote what is there.
    Merged,
    /// As an earlier render left it: the spec or the templates have changed since. For the manifest: it lists
    /// other outputs or digests than were rendered.
    Stale,
    /// The manifest does not list the file: somebody else made it.
    Unlisted,
    /// Listed, but not as any render left it.
    HandEdited {
        /// The spec or the templates have changed as well.
        also_stale: bool,
    },
    /// Listed and there, but no longer rendered.
    Orphan {
        /// Not as any render left it.
        edited: bool,
    },
    /// What is there cannot be read, or is not a file.
    Unreadable(io::Error),
    /// What is there is a symbolic link; it is not followed.
    Symlink,
    /// Only of the manifest: a render was killed before its end. Rendering again completes it.
    Interrupted,
    /// Only of the manifest: some lines were not used. The rest was.
    Malformed(Vec<Problem>),
}

impl Cause {
    /// Whether overwriting or deleting the file could lose what somebody made, so that [`write()`] does it only
    /// when forced.
    #[must_use]
    pub fn needs_force(&self) -> bool {
        matches!(self, Self::Unlisted | Self::HandEdited { .. } | Self::Symlink | Self::Orphan { edited: true })
    }

    /// Whether [`write()`] refuses the file even when forced: nobody can tell what would be lost.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Self::Unreadable(_))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Mode { executable: true } => f.write_str("not executable"),
            Self::Mode { executable: false } => f.write_str("executable"),
            Self::LineEndings => f.write_str("line endings only"),
            Self::MergeConflict => f.write_str("merge conflict"),
            Self::Merged => f.write_str("merged as text"),
            Self::Stale => f.write_str("not rendered since the spec or the templates changed"),
            Self::Unlisted => f.write_str("not listed in the manifest"),
            Self::HandEdited { also_stale: false } => f.write_str("edited by hand"),
            Self::HandEdited { also_stale: true } => {
                f.write_str("edited by hand, and the spec or the templates changed")
            }
            Self::Orphan { edited: false } => f.write_str("orphan"),
            Self::Orphan { edited: true } => f.write_str("orphan, edited by hand"),
            Self::Unreadable(source) => write!(f, "unreadable: {source}"),
            Self::Symlink => f.write_str("a symbolic link"),
            Self::Interrupted => f.write_str("a render was interrupted"),
            Self::Malformed(_) => f.write_str("malformed"),
        }
    }
}
