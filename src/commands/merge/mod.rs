//! `gen git`: how Git merges outputs.
//!
//! A conflict in outputs is resolved by rendering, but a merge driver can't render: Git asks it file by file, before the merged
//! spec is in the work tree. So the driver takes one side of an output, if both were rendered, and what both sides of a manifest
//! list; a hook renders when Git is done. `sides.rs` knows what was rendered: only such a text may be replaced.

mod driver;
mod hook;
mod install;
mod sides;

use camino::{Utf8Path, Utf8PathBuf};

pub use self::sides::{are_merged, rendered_texts};
use super::git::Git;
use super::{Ran, stop};
use crate::cli::GitCommand;

pub fn run(command: &GitCommand) -> Ran {
    match command {
        GitCommand::Install => install::install(),
        GitCommand::Uninstall => install::uninstall(),
        GitCommand::MergeDriver(arguments) => driver::run(arguments),
        GitCommand::Hook { name, arguments } => hook::run(name, arguments),
    }
}

/// Git in the current directory.
fn git(folder: &Utf8Path) -> Ran<Git<'_>> {
    Git::new(folder).map_err(|failure| stop(failure.outcome, failure.message))
}

/// A path of Git's own, such as that of a state. It is that of the work tree, not of all.
fn git_path(git: &Git<'_>, name: &str) -> Option<Utf8PathBuf> {
    let path = git.succeed("", &["rev-parse", "--git-path", name]).ok()?;
    Some(git.root.join(path.trim_end_matches('\n')))
}

/// Names the commit into which Git merges. It is never removed, since each project of the repository has a hook that reads it: a hook
/// only acts on the next commit, or on those of a series, after it.
const INTO: &str = "gen-merged-into";

/// Leaves outputs to a hook. Without that, the next `gen check` says that they have to be rendered.
fn remember(git: &Git<'_>) {
    if let (Some(state), Ok(head)) = (git_path(git, INTO), git.succeed("", &["rev-parse", "--verify", "HEAD"])) {
        let _ = std::fs::write(state, head);
    }
}

/// The commit into which Git has merged outputs.
fn merged_into(git: &Git<'_>) -> Option<String> {
    let commit = std::fs::read_to_string(git_path(git, INTO)?).ok()?;
    let commit = commit.trim();
    commit.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| commit.to_owned())
}
