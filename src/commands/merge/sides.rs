//! What a merge has left, and what its sides were: rendered, or edited by hand.

use std::env;
use std::fs;

use camino::Utf8Path;
use stackgen::{links, output};
use tempfile::TempDir;

use crate::commands::git::Git;

/// States of Git in which there is another side than `HEAD`; `MERGE_HEAD` may have several.
const OTHERS: [&str; 4] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"];

/// How the variables begin in which `git merge` names the heads.
const HEADS: &str = "GITHEAD_";

/// Manifests, wherever they are in the repository.
const MANIFESTS: [&str; 2] = [":(top,glob)**/manifest.sha256", ":(top,glob)**/schema.sha256"];

/// How `git merge-file` compares by default, and how `git merge` does (git 2.44).
const ALGORITHMS: [&[&str]; 2] = [&[], &["--diff-algorithm=histogram"]];

/// Whether a text is exactly what Git produces by merging two rendered texts, so that it contains nobody's own work. True outside a
/// repository, since nothing is merged there; false if the two texts can't be found.
pub fn are_merged(root: &Utf8Path, path: &Utf8Path, text: &[u8]) -> bool {
    if !root.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
        return true;
    }
    let Ok(git) = Git::new(root) else { return false };
    let Some(Sides { base, ours, theirs }) = in_index(&git, path).or_else(|| in_commits(&git, path)) else {
        return false;
    };
    let is_text = |options: &[&str]| {
        let merged = merge(&git, options, [&ours, &base, &theirs]);
        merged.is_some_and(|merged| without_labels(&merged) == without_labels(text))
    };
    was_rendered(&git, &ours) && was_rendered(&git, &theirs) && ALGORITHMS.iter().any(|options| is_text(options))
}

/// The texts of a merge of two sides.
struct Sides {
    base: Vec<u8>,
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// A text of a repository.
fn object(git: &Git<'_>, name: &str) -> Option<Vec<u8>> {
    let found = git.run("", &["cat-file", "blob", name]).ok()?;
    found.status.success().then_some(found.stdout)
}

/// The sides of a conflict that is not resolved yet.
fn in_index(git: &Git<'_>, path: &Utf8Path) -> Option<Sides> {
    let stage = |stage: u8| object(git, &format!(":{stage}:./{path}"));
    Some(Sides { base: stage(1).unwrap_or_default(), ours: stage(2)?, theirs: stage(3)? })
}

/// The sides of a merge of two that is under way or the last commit.
fn in_commits(git: &Git<'_>, path: &Utf8Path) -> Option<Sides> {
    let others: Vec<String> = OTHERS.iter().flat_map(|name| in_state(git, name)).collect();
    let (ours, theirs) = match others.as_slice() {
        [] => {
            let last = git.succeed("", &["rev-list", "--parents", "--max-count=1", "HEAD"]).ok()?;
            let parents: Vec<String> = last.split_whitespace().skip(1).map(str::to_owned).collect();
            let [ours, theirs] = parents.try_into().ok()?;
            (ours, theirs)
        }
        [theirs, rest @ ..] if rest.iter().all(|other| other == theirs) => ("HEAD".to_owned(), theirs.clone()),
        _ => return None,
    };
    // Git applies what a commit has changed.
    let is_applied = OTHERS[1..].iter().any(|name| !in_state(git, name).is_empty());
    let base = if is_applied {
        format!("{theirs}~1")
    } else {
        git.succeed("", &["merge-base", &ours, &theirs]).ok()?.trim().to_owned()
    };
    let at = |commit: &str| object(git, &format!("{commit}:./{path}"));
    Some(Sides { base: at(&base).unwrap_or_default(), ours: at(&ours)?, theirs: at(&theirs)? })
}

/// The commits that a state of Git names.
fn in_state(git: &Git<'_>, name: &str) -> Vec<String> {
    let state = super::git_path(git, name).and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    state.lines().filter(|line| is_object(line)).map(str::to_owned).collect()
}

fn is_object(name: &str) -> bool {
    name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What Git makes of three texts: ours, the base and theirs.
fn merge(git: &Git<'_>, options: &[&str], texts: [&[u8]; 3]) -> Option<Vec<u8>> {
    let folder = TempDir::new().ok()?;
    let mut files = Vec::new();
    for (name, text) in ["ours", "base", "theirs"].into_iter().zip(texts) {
        let file = folder.path().join(name);
        fs::write(&file, text).ok()?;
        files.push(file.into_os_string().into_string().ok()?);
    }
    let arguments = ["merge-file", "-p"].into_iter().chain(options.iter().copied()).chain(strings(&files));
    // The exit code is the number of conflicts.
    git.run("", &arguments.collect::<Vec<_>>())
        .ok()
        .filter(|merged| merged.status.code().is_some_and(|code| code < 128))
        .map(|merged| merged.stdout)
}

/// A text with conflict markers that don't say whose they are, and with the line ends of Unix.
fn without_labels(text: &[u8]) -> Vec<&[u8]> {
    let line = |line: &'_ [u8]| -> usize {
        let marker = line.get(..7).filter(|marker| [&b"<<<<<<<"[..], b"|||||||", b">>>>>>>"].contains(marker));
        if marker.is_some() && line.get(7).is_none_or(|&next| next == b' ') { 7 } else { line.len() }
    };
    let lines = text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.map(|text| &text[..line(text)]).collect()
}

/// Whether a file of the repository is an output of the current commit: one that was ejected is not.
pub fn is_output(git: &Git<'_>, path: &str, text: &[u8]) -> bool {
    let (entry, manifests) = (format!("^{}  ", output::digest(text)), manifests(git));
    let grep = ["grep", "-h", "--basic-regexp", "--no-textconv", "-e", &entry, "HEAD", "--"];
    let grep: Vec<&str> = grep.into_iter().chain(strings(&manifests)).collect();
    let found = if manifests.is_empty() { String::new() } else { git.succeed("", &grep).unwrap_or_default() };
    // Its paths are relative to the project, which may be in a folder.
    let mut listed = found.lines().filter_map(|line| line.split_once("  "));
    listed.any(|(_, listed)| path.strip_suffix(listed).is_some_and(|folder| folder.is_empty() || folder.ends_with('/')))
}

/// Commits of an output that are looked at for a text.
const MOST_COMMITS: &str = "100";

/// The texts of an output that a manifest lists, two after a merge, from the index or from one of the last commits; `None` if Git
/// does not have all of them.
pub fn rendered_texts(root: &Utf8Path, manifest: &Utf8Path, path: &Utf8Path) -> Option<Vec<String>> {
    let manifest = links::read_text(root, manifest, output::LARGEST).ok()?;
    let mut listed = output::listed_in_manifest(manifest.as_bytes()).remove(path.as_str())?;
    let git = Git::new(root).ok()?;
    let mut commits: Vec<String> = ["", ":2", ":3"].map(str::to_owned).into();
    for head in ["HEAD".to_owned()].into_iter().chain(in_state(&git, "MERGE_HEAD")) {
        let limit = format!("--max-count={MOST_COMMITS}");
        let list = ["rev-list", &limit, &head, "--", &format!(":(literal){path}")];
        commits.extend(git.succeed("", &list).unwrap_or_default().lines().map(str::to_owned));
    }
    let mut texts = Vec::new();
    for commit in commits {
        if listed.is_empty() {
            break;
        }
        let Some(text) = object(&git, &format!("{commit}:./{path}")) else { continue };
        if listed.remove(&output::digest(&text)) {
            texts.push(String::from_utf8(text).ok()?);
        }
    }
    listed.is_empty().then_some(texts)
}

/// Whether a manifest of any commit lists a text, so that `gen` has written it.
pub fn was_rendered(git: &Git<'_>, text: &[u8]) -> bool {
    let (manifests, heads, digest) = (manifests(git), heads(git), output::digest(text));
    if manifests.is_empty() {
        return false;
    }
    // Most are in the manifests of the two sides, which may be in no branch.
    if is_listed(git, &digest, &heads, &manifests) {
        return true;
    }
    let wanted = format!("-S{digest}");
    // A merge commit has outputs of its own.
    let log = ["log", "--max-count=1", "--format=%H", "--no-ext-diff", "--no-textconv", "--diff-merges=separate"];
    let log = log.into_iter().chain([wanted.as_str(), "--all"]).chain(strings(&heads)).chain(["--"]);
    git.succeed("", &log.chain(strings(&manifests)).collect::<Vec<_>>()).is_ok_and(|found| !found.trim().is_empty())
}

fn strings(of: &[String]) -> impl Iterator<Item = &str> {
    of.iter().map(String::as_str)
}

/// The manifests of the repository as paths for Git, which finds the commits of those much faster than those of a pattern.
fn manifests(git: &Git<'_>) -> Vec<String> {
    let listed = git.succeed("", &[&["ls-files", "--full-name", "-z", "--"], &MANIFESTS[..]].concat());
    let listed = listed.unwrap_or_default();
    let mut manifests: Vec<String> =
        listed.split_terminator('\0').map(|path| format!(":(top,literal){path}")).collect();
    // In the middle of a merge a path is listed up to three times.
    manifests.dedup();
    manifests
}

/// Whether a manifest of one of these commits has a digest.
fn is_listed(git: &Git<'_>, digest: &str, commits: &[String], manifests: &[String]) -> bool {
    let entry = format!("^{digest}  ");
    let grep = ["grep", "--quiet", "--basic-regexp", "--no-textconv", "-e", &entry];
    let grep: Vec<&str> = grep.into_iter().chain(strings(commits)).chain(["--"]).chain(strings(manifests)).collect();
    !manifests.is_empty() && git.run("", &grep).is_ok_and(|found| found.status.success())
}

/// The commits that Git merges.
fn heads(git: &Git<'_>) -> Vec<String> {
    let named = env::vars_os().filter_map(|(name, _)| name.into_string().ok()?.strip_prefix(HEADS).map(str::to_owned));
    let mut heads: Vec<String> = named.filter(|name| is_object(name)).collect();
    heads.extend(OTHERS.iter().chain(&["ORIG_HEAD"]).flat_map(|name| in_state(git, name)));
    heads.push("HEAD".to_owned());
    heads
}
