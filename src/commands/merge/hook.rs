//! The hooks: they render once Git has merged the spec.
//!
//! Git has written the tree of a merge before it asks `pre-merge-commit`, and asks nobody before it picks a commit. So the
//! outputs become part of a commit right after it was created, while nobody else has it. If Git picks several commits, that is
//! the last one: it keeps the index in memory, and takes what a hook writes for changes of the user.

use std::fs;

use camino::Utf8PathBuf;
use stackgen::output::Options;
use stackgen::spec::source::Sources;

use super::{git, git_path, merged_into, remember};
use crate::cli::Format;
use crate::commands::git::{Failure, Git, failure};
use crate::commands::{Outcome, Ran, Unread, current_folder, load, location, print_error, project, render, stop};

/// The hooks that [`run`] knows.
pub const NAMES: [&str; 4] = ["pre-merge-commit", "post-merge", "post-commit", "post-rewrite"];

/// How many paths are arguments of one run of Git.
const MOST: usize = 500;

/// What the reflog says of [`amend`].
const AMENDED: &str = "gen: render outputs";

/// How entries of the reflog begin for commits that Git makes of others.
const PICKED: [&str; 3] = ["cherry-pick", "commit (cherry-pick)", "revert"];

/// Runs a hook with the arguments that Git gives it. Only `pre-merge-commit` can prevent anything.
pub fn run(name: &str, arguments: &[String]) -> Ran {
    // Git runs a hook at the top of the work tree, and the hook's line names the project's folder. A branch may have no spec.
    let root = current_folder()?;
    if !root.join(location().main()).is_file() {
        return Ok(Outcome::Clean);
    }
    let git = git(&root)?;
    let (is_meant, commit, what) = match (name, arguments.first().map(String::as_str)) {
        ("pre-merge-commit", _) => return before_commit(&git),
        ("post-merge", Some("1")) => (true, Commit::Next, "merge"),
        ("post-merge", _) => (is_merge(&git), Commit::Last, "merge"),
        ("post-commit", _) if are_more_picked(&git) => return Ok(Outcome::Clean),
        ("post-commit", _) => (is_merge(&git) || is_pick(&git), Commit::Last, "commit"),
        ("post-rewrite", Some("rebase")) => (is_rebased(&git), Commit::Last, "rebase"),
        _ => return Ok(Outcome::Clean),
    };
    if is_meant { after(&git, commit, what) } else { Ok(Outcome::Clean) }
}

/// Refuses the commit of a merge whose spec is not valid. Whatever else is wrong is not the merge's.
fn before_commit(git: &Git<'_>) -> Ran {
    remember(git);
    let Err(Unread::Invalid(sources, diagnostics)) = load(git.root.to_owned(), location(), None) else {
        return Ok(Outcome::Clean);
    };
    let files = files_of(&sources);
    let is_merged = !answers(git, &["--literal-pathspecs", "diff", "--cached", "--quiet", "HEAD", "--"], &files);
    if !is_merged || !is_staged(git, &files) {
        return Ok(Outcome::Clean);
    }
    Unread::Invalid(sources, diagnostics).report(Format::Text);
    print_error(
        "gen: the merge is not committed, since the merged spec is not valid: fix it, run `gen render`, then `git commit`\n",
    );
    Err(Outcome::Findings)
}

/// What the outputs become part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commit {
    /// The commit that Git has just created.
    Last,
    /// The next one, of what is staged.
    Next,
}

/// Renders what Git has merged.
fn after(git: &Git<'_>, commit: Commit, what: &str) -> Ran {
    let project = project(None, Format::Text)?;
    let files = files_of(&project.sources);
    // Otherwise the outputs are not those of the commit, or more would become part of it.
    let is_of_commit = match commit {
        Commit::Last => answers(git, &["diff-index", "--cached", "--quiet", "HEAD"], &[]) && is_staged(git, &files),
        Commit::Next => is_staged(git, &files),
    };
    let rendered = render::write(&project, None, Options { prune: true, ..Options::default() });
    // What was refused was reported, and the merge didn't make it so.
    if rendered.changed.is_empty() {
        return Ok(rendered.outcome);
    }
    rendered.show();
    // Profiles whose outputs were edited by hand are left to people; the others are the merge's.
    let is_part = is_of_commit && rendered.outcome <= Outcome::Findings && {
        let added = stage(git, &rendered.changed).and_then(|()| match commit {
            Commit::Last => amend(git),
            Commit::Next => Ok(true),
        });
        added.map_err(|failure| stop(failure.outcome, failure.message))?
    };
    let said = match commit {
        Commit::Last if is_part => "into the commit".to_owned(),
        Commit::Next if is_part => format!("after the {what}, and are staged"),
        _ => format!("after the {what}; commit them yourself"),
    };
    print_error(&format!("gen: the outputs were rendered {said}\n"));
    Ok(rendered.outcome)
}

/// The files of a spec.
fn files_of(sources: &Sources) -> Vec<&str> {
    sources.files().iter().chain(sources.templates()).map(|source| source.path.as_str()).collect()
}

/// Whether Git answers a question with yes.
fn answers(git: &Git<'_>, arguments: &[&str], files: &[&str]) -> bool {
    git.run("", &[arguments, files].concat()).is_ok_and(|ended| ended.status.success())
}

/// Whether files are in the work tree as in the index, as far as Git looks at them.
fn is_staged(git: &Git<'_>, files: &[&str]) -> bool {
    let listed = |options: &[&str]| {
        let ask = [&["--literal-pathspecs", "ls-files"], options, &["--"], files].concat();
        git.succeed("", &ask).ok()
    };
    // Lower case: assumed to be unchanged. `S`: not in the work tree.
    let is_looked_at = |line: &str| line.starts_with(|tag: char| tag.is_ascii_uppercase() && tag != 'S');
    listed(&["--modified", "--deleted", "--others"]).is_some_and(|listed| listed.is_empty())
        && listed(&["-v"]).is_some_and(|listed| listed.lines().all(is_looked_at))
}

/// What the reflog says of the last commit.
fn last_entry(git: &Git<'_>) -> String {
    let entries = git.succeed("", &["reflog", "--max-count=9", "--format=%gs", "HEAD"]).unwrap_or_default();
    entries.lines().find(|entry| *entry != AMENDED).unwrap_or_default().to_owned()
}

/// Whether the last commit is the merge that Git was asked for, and has created.
fn is_merge(git: &Git<'_>) -> bool {
    let parents = git.succeed("", &["rev-list", "--parents", "--max-count=1", "HEAD"]).unwrap_or_default();
    let parents: Vec<&str> = parents.split_whitespace().skip(1).collect();
    parents.len() > 1
        && parents.first().copied() == merged_into(git).as_deref()
        && !last_entry(git).ends_with("Fast-forward")
}

/// Whether the last commit is made of another one, or the last of several.
fn is_pick(git: &Git<'_>) -> bool {
    let last = last_entry(git);
    PICKED.iter().any(|picked| last.strip_prefix(picked).is_some_and(|rest| rest.starts_with(':')))
        && is_after(git, "sequencer/head")
}

/// Whether the last commit is of a rebase in which outputs were merged.
fn is_rebased(git: &Git<'_>) -> bool {
    is_after(git, "rebase-merge/onto")
}

/// Whether outputs were merged into the commit before the last one, or into one since the start of a series, of which Git has
/// the commit before the first.
fn is_after(git: &Git<'_>, start: &str) -> bool {
    let Some(into) = merged_into(git) else { return false };
    let is_ancestor = |one: &str, of: &str| answers(git, &["merge-base", "--is-ancestor", one, of], &[]);
    let start = git_path(git, start).and_then(|path| fs::read_to_string(path).ok());
    match start.as_deref().map(str::trim) {
        Some(start) => is_ancestor(start, &into) && is_ancestor(&into, "HEAD~1"),
        None => git.succeed("", &["rev-parse", "--verify", "HEAD~1"]).is_ok_and(|commit| commit.trim() == into),
    }
}

/// Whether Git is about to pick another commit.
fn are_more_picked(git: &Git<'_>) -> bool {
    if ["rebase-merge", "rebase-apply"].iter().any(|state| git_path(git, state).is_some_and(|path| path.exists())) {
        return true;
    }
    // The current one is the first of the list.
    let todo = git_path(git, "sequencer/todo").and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    todo.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count() > 1
}

/// Adds outputs to the index, unless the project does not commit them.
fn stage(git: &Git<'_>, paths: &[Utf8PathBuf]) -> Result<(), Failure> {
    for paths in paths.chunks(MOST) {
        let asked = paths.iter().map(|path| path.as_str()).collect::<Vec<_>>().join("\0");
        let ignored = git.with_input(&["check-ignore", "-z", "--stdin"], asked.as_bytes())?;
        // 1: none is ignored.
        if !matches!(ignored.status.code(), Some(0 | 1)) {
            return Err(failure(&["check-ignore"], &ignored));
        }
        let ignored = String::from_utf8_lossy(&ignored.stdout);
        let ignored: Vec<&str> = ignored.split_terminator('\0').collect();
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).filter(|path| !ignored.contains(path)).collect();
        if !paths.is_empty() {
            git.succeed("", &[&["update-index", "--add", "--remove", "--replace", "--"], &paths[..]].concat())?;
        }
    }
    Ok(())
}

/// Replaces the last commit by one with the tree of the index, and the same in everything else; not one that is signed, or that
/// anything but the current branch has: others may have it, too. Git's own command refuses that in the middle of a cherry-pick or a
/// rebase.
fn amend(git: &Git<'_>) -> Result<bool, Failure> {
    let current = git.succeed("", &["rev-parse", "--symbolic-full-name", "HEAD"])?;
    let having = git.succeed("", &["for-each-ref", "--contains", "HEAD", "--format=%(refname)"])?;
    if having.lines().any(|name| name != current.trim()) {
        return Ok(false);
    }
    let old = git.succeed("", &["rev-parse", "--verify", "HEAD"])?;
    let arguments = ["cat-file", "commit", old.trim()];
    let commit = git.run("", &arguments)?;
    if !commit.status.success() {
        return Err(failure(&arguments, &commit));
    }
    let commit = commit.stdout;
    let head = commit.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
    let Some(line) = commit.iter().position(|&byte| byte == b'\n') else { return Ok(false) };
    if head.into_iter().any(|line| line.starts_with(b"gpgsig")) || !commit.starts_with(b"tree ") {
        return Ok(false);
    }
    let tree = git.succeed("", &["write-tree"])?;
    let new = [b"tree ", tree.trim().as_bytes(), &commit[line..]].concat();
    let arguments = ["hash-object", "-t", "commit", "-w", "--stdin"];
    let written = git.with_input(&arguments, &new)?;
    if !written.status.success() {
        return Err(failure(&arguments, &written));
    }
    let new = String::from_utf8_lossy(&written.stdout).trim().to_owned();
    git.succeed("", &["update-ref", "-m", AMENDED, "HEAD", &new, old.trim()])?;
    Ok(true)
}
