//! The hooks: they render once Git has merged the spec.
//!
//! Git has written the tree of a merge before it asks `pre-merge-commit`, and asks nobody before it picks a commit. So the
//! outputs become part of a commit right after it was created, while nobody else has it. If Git picks several commits, that is
//! the last one: it keeps the index in memory, and takes what a hook writes for changes of the user.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::output::Options;

use super::{UNRENDERED, git, git_path, remember};
use crate::cli::Format;
use crate::commands::git::{Failure, Git, failure};
use crate::commands::{Outcome, Ran, current_folder, find_root, print_error, project, render, stop};

/// The hooks that [`run`] knows.
pub const NAMES: [&str; 4] = ["pre-merge-commit", "post-merge", "post-commit", "post-rewrite"];

/// How many paths are arguments of one run of Git.
const MOST: usize = 500;

/// Runs a hook with the arguments that Git gives it. Only `pre-merge-commit` can prevent anything.
pub fn run(name: &str, arguments: &[String]) -> Ran {
    // A branch may have no spec.
    let Some(root) = find_root(&current_folder()?)? else { return Ok(Outcome::Clean) };
    let git = git(&root)?;
    let state = git_path(&git, UNRENDERED);
    let is_left = state.as_ref().is_some_and(|state| state.exists());
    let ran = match (name, arguments.first().map(String::as_str)) {
        ("pre-merge-commit", _) => return before_commit(state.as_deref()),
        ("post-merge", Some("1")) => after(&git, Commit::Next, "merge"),
        ("post-merge", _) if is_left => after(&git, Commit::Last, "merge"),
        ("post-commit", _) if is_left && !are_more_picked(&git) => after(&git, Commit::Last, "commit"),
        ("post-rewrite", Some("rebase")) => after(&git, Commit::Last, "rebase"),
        _ => return Ok(Outcome::Clean),
    };
    if let Some(state) = state.filter(|_| ran.is_ok()) {
        let _ = fs::remove_file(state);
    }
    ran
}

/// Refuses the commit of a merge whose spec is not valid.
fn before_commit(state: Option<&Utf8Path>) -> Ran {
    if project(None, Format::Text).is_err() {
        print_error("gen: the merge is not committed: fix the spec, run `gen render`, then `git commit`\n");
        return Err(Outcome::Findings);
    }
    remember(state);
    Ok(Outcome::Clean)
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
    let is_clean = |arguments: &[&str]| git.run("", arguments).is_ok_and(|ended| ended.status.success());
    let sources = project.sources.files().iter().chain(project.sources.templates());
    let sources: Vec<&str> = sources.map(|source| source.path.as_str()).collect();
    // Otherwise the outputs are not those of the commit, or more would become part of it.
    let is_of_commit = is_clean(&["diff-index", "--cached", "--quiet", "HEAD"])
        && is_clean(
            &[
                &["--literal-pathspecs", "diff", "--quiet", "--no-ext-diff", "--no-textconv", "HEAD", "--"],
                &sources[..],
            ]
            .concat(),
        );
    let rendered = render::write(&project, None, Options { prune: true, ..Options::default() });
    // What was refused was reported, and the merge didn't make it so.
    if rendered.changed.is_empty() {
        return Ok(rendered.outcome);
    }
    rendered.show();
    let failed = |failure: Failure| stop(failure.outcome, failure.message);
    let can_amend = is_of_commit && rendered.outcome == Outcome::Clean;
    let said = match commit {
        Commit::Last if can_amend && stage(git, &rendered.changed).and_then(|()| amend(git)).map_err(failed)? => {
            "into the commit".to_owned()
        }
        Commit::Next => {
            stage(git, &rendered.changed).map_err(failed)?;
            format!("after the {what}, and are staged")
        }
        Commit::Last => format!("after the {what}: commit them"),
    };
    print_error(&format!("gen: the outputs were rendered {said}\n"));
    Ok(rendered.outcome)
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
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
        let ignored = git.run("", &[&["check-ignore", "-z", "--"], &paths[..]].concat())?.stdout;
        let ignored = String::from_utf8_lossy(&ignored);
        let ignored: Vec<&str> = ignored.split_terminator('\0').collect();
        let mut arguments = vec!["update-index", "--add", "--remove", "--"];
        arguments.extend(paths.iter().filter(|path| !ignored.contains(path)));
        git.succeed("", &arguments)?;
    }
    Ok(())
}

/// Replaces the last commit by one with the tree of the index, and the same in everything else; not one that is signed. Git's
/// own command refuses that in the middle of a cherry-pick or a rebase.
fn amend(git: &Git<'_>) -> Result<bool, Failure> {
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
    let failed = |error: std::io::Error| Failure::failed(format!("cannot run `git hash-object`: {error}"));
    let mut command = git.command("", &arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&new).map_err(failed)?;
    }
    let written = child.wait_with_output().map_err(failed)?;
    if !written.status.success() {
        return Err(failure(&arguments, &written));
    }
    let new = String::from_utf8_lossy(&written.stdout).trim().to_owned();
    git.succeed("", &["update-ref", "-m", "gen: render outputs", "HEAD", &new, old.trim()])?;
    Ok(true)
}
