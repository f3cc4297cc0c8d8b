use std::fmt;
use std::io;

use camino::Utf8PathBuf;

use super::{FORMAT, Finding};

/// Why outputs could not be compared or written.
#[derive(Debug)]
pub enum Error {
    /// An I/O error.
    Io {
        /// The operation: a verb.
        operation: &'static str,
        /// The path, relative to the root, or the root itself.
        path: Utf8PathBuf,
        /// The error.
        source: io::Error,
    },
    /// A rendered path, or the scope itself, is not one that may be written.
    Path {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// A directory of an output is a symbolic link that is broken or leads out of the root.
    OutsideRoot {
        /// The output.
        path: Utf8PathBuf,
        /// The directory that is a link.
        link: Utf8PathBuf,
        /// Where it leads.
        target: String,
    },
    /// A newer version of `gen` has written the outputs.
    Newer {
        /// The manifest, which says so.
        path: Utf8PathBuf,
        /// The format of the outputs.
        format: u32,
    },
    /// Another process uses the outputs and does not finish.
    Locked {
        /// The root.
        root: Utf8PathBuf,
        /// The process, as far as it is known.
        process: String,
    },
    /// A template could not be rendered, which is a bug.
    Render {
        /// The output.
        path: Utf8PathBuf,
        /// The error of the template engine.
        reason: String,
    },
    /// A cluster does not take the `ConfigMap` of a file.
    TooLarge {
        /// The output with which it is too large.
        path: Utf8PathBuf,
        /// The name of the `ConfigMap`.
        map: String,
        /// Its size, in bytes.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// Only from a write: these may not be overwritten or deleted, so nothing was written.
    Refused(Vec<Finding>),
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathProblem {
    /// Absolute, or with an empty, `.` or `..` component, a backslash or a control character.
    NotPlain,
    /// Not below one of the scope's folders.
    OutsideScope,
    /// The manifest's own path, or one in the staging directory.
    Reserved,
    /// Rendered more than once.
    Duplicate,
}

impl Error {
    pub(super) fn io(operation: &'static str, path: impl Into<Utf8PathBuf>, source: io::Error) -> Self {
        Self::Io { operation, path: path.into(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { operation, path, source } => write!(f, "cannot {operation} `{path}`: {source}"),
            Self::Path { path, problem } => write!(f, "cannot write `{}`: {problem}", path.as_str().escape_debug()),
            Self::TooLarge { path, map, size, most } => write!(
                f,
                "the files of the ConfigMap `{map}` are too large for Kubernetes: {size} bytes with `{path}`, of at most {most}; \
                 put dashboards into several folders, or shorten the files"
            ),
            Self::OutsideRoot { path, link, target } => {
                write!(f, "cannot use `{path}`: `{link}` leads to `{target}`, outside of the project")
            }
            Self::Newer { path, format } => write!(
                f,
                "`{path}` was written by a newer version of gen, in format {format}; this is gen {}, which knows format {FORMAT}",
                env!("CARGO_PKG_VERSION"),
            ),
            Self::Locked { root, process } => {
                write!(f, "cannot lock `{root}`: {process} uses the outputs and does not finish; end it, or try again")
            }
            Self::Render { path, reason } => write!(f, "cannot render `{path}` (this is a bug): {reason}"),
            Self::Refused(findings) => {
                f.write_str("nothing was written: ")?;
                for (index, Finding { path, cause }) in findings.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}`{path}` ({cause})")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPlain => "not a plain relative path",
            Self::OutsideScope => "outside the profile's folders",
            Self::Reserved => "reserved for `gen`",
            Self::Duplicate => "rendered twice",
        })
    }
}

// No `source()`: the message includes it, and a chain would print it twice.
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Cause;

    #[test]
    fn a_message_lists_what_was_refused_and_says_why() {
        let finding = |path: &str| Finding { path: path.into(), cause: Cause::Symlink };
        let message = Error::Refused(vec![finding("a"), finding("b")]).to_string();
        let cause = Cause::Symlink;
        assert_eq!(message, format!("nothing was written: `a` ({cause}), `b` ({cause})"));
        let message = |problem| Error::Path { path: "a\n".into(), problem }.to_string();
        assert_eq!(message(PathProblem::Reserved), "cannot write `a\\n`: reserved for `gen`");
        assert_eq!(message(PathProblem::Duplicate), "cannot write `a\\n`: rendered twice");
    }
}
