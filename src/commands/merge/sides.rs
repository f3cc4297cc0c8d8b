//! What a merge has left, and what its sides were: rendered, or edited by hand.

use std::collections::BTreeSet;
use std::{env, fs, slice};

use camino::Utf8Path;
use stackgen::{links, output};
use tempfile::TempDir;

use crate::commands::git::Git;

/// States of Git in which there is another side than `HEAD`; `MERGE_HEAD` may have several.
const OTHERS: [&str; 4] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"];

/// States that name commits that no branch may have, and that Git may be about to apply.
const ELSEWHERE: [&str; 4] = ["FETCH_HEAD", "MERGE_AUTOSTASH", "rebase-merge/autostash", "rebase-apply/autostash"];

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
    let Some(Sides { base, ours, theirs, commits }) = in_index(&git, path).or_else(|| in_commits(&git, path)) else {
        return false;
    };
    let is_text = |options: &[&str]| {
        let merged = merge(&git, options, [&ours, &base, &theirs]);
        merged.is_some_and(|merged| without_labels(&merged) == without_labels(text))
    };
    let is_rendered = |text: &[u8], commit: &Option<String>| match commit {
        Some(commit) => !listing(&git, path.as_str(), text, slice::from_ref(commit)).is_empty(),
        None => was_rendered(&git, path.as_str(), text),
    };
    let (our, their) = (&commits[0], &commits[1]);
    is_rendered(&ours, our) && is_rendered(&theirs, their) && ALGORITHMS.iter().any(|options| is_text(options))
}

/// The texts of a merge of two sides.
struct Sides {
    base: Vec<u8>,
    ours: Vec<u8>,
    theirs: Vec<u8>,
    /// Ours and theirs, if they are known.
    commits: [Option<String>; 2],
}

/// A text of a repository.
fn object(git: &Git<'_>, name: &str) -> Option<Vec<u8>> {
    let found = git.run("", &["cat-file", "blob", name]).ok()?;
    found.status.success().then_some(found.stdout)
}

/// The sides of a conflict that is not resolved yet.
fn in_index(git: &Git<'_>, path: &Utf8Path) -> Option<Sides> {
    let stage = |stage: u8| object(git, &format!(":{stage}:./{path}"));
    Some(Sides { base: stage(1).unwrap_or_default(), ours: stage(2)?, theirs: stage(3)?, commits: [None, None] })
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
    Some(Sides {
        base: at(&base).unwrap_or_default(),
        ours: at(&ours)?,
        theirs: at(&theirs)?,
        commits: [Some(ours), Some(theirs)],
    })
}

/// The commits that a state of Git names.
fn in_state(git: &Git<'_>, name: &str) -> Vec<String> {
    let state = super::git_path(git, name).and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    // `FETCH_HEAD` says more of each.
    let commits = state.lines().filter_map(|line| line.split_whitespace().next());
    commits.filter(|commit| is_object(commit)).map(str::to_owned).collect()
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
    !listing(git, path, text, &["HEAD".to_owned()]).is_empty()
}

/// Those of the commits whose manifests list a text of a file.
fn listing(git: &Git<'_>, path: &str, text: &[u8], commits: &[String]) -> BTreeSet<String> {
    let (entry, manifests) = (format!("^{}  ", output::digest(text)), manifests(git));
    let grep = ["grep", "--full-name", "--no-color", "--basic-regexp", "--no-textconv", "-e", &entry];
    let grep: Vec<&str> = grep.into_iter().chain(strings(commits)).chain(["--"]).chain(strings(&manifests)).collect();
    let found = if manifests.is_empty() { String::new() } else { git.succeed("", &grep).unwrap_or_default() };
    let Ok(prefix) = git.succeed("", &["rev-parse", "--show-prefix"]) else { return BTreeSet::new() };
    let path = format!("{}{path}", prefix.trim_end_matches('\n'));
    let commit = |line: &str| {
        let (commit, rest) = line.split_once(':')?;
        let (entry, listed) = rest.split_once("  ")?;
        let (manifest, _) = entry.rsplit_once(':')?;
        is_listed(&path, manifest, listed).then(|| commit.to_owned())
    };
    found.lines().filter_map(commit).collect()
}

/// Whether a path that a manifest lists is that path of the repository. Projects, which may be in folders, have files of the same
/// name.
fn is_listed(path: &str, manifest: &str, listed: &str) -> bool {
    // What a manifest lists is relative to its project.
    let Some(project) = path.strip_suffix(listed).filter(|folder| folder.is_empty() || folder.ends_with('/')) else {
        return false;
    };
    let Some(folder) = manifest.strip_prefix(project).and_then(|rest| rest.rsplit_once('/')).map(|(folder, _)| folder)
    else {
        return false;
    };
    // That of a profile is in `generated/<profile>`, and lists files of `terraform/<profile>` as well.
    let profile = folder.split_once('/').map(|(_, profile)| profile);
    listed.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        || profile.is_some_and(|profile| !profile.contains('/') && listed.split('/').nth(1) == Some(profile))
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

/// Whether a text of a side was rendered, rather than edited by hand: the manifest of each commit that the side may be lists it. A
/// text that was rendered at some time may have been restored by hand.
pub fn was_rendered(git: &Git<'_>, path: &str, text: &[u8]) -> bool {
    let has_text = |commit: &String| object(git, &format!("{commit}:./{path}")).as_deref() == Some(text);
    let mut commits: Vec<String> = heads(git).into_iter().filter(has_text).collect();
    // Git doesn't say which commit it picks.
    if commits.is_empty() {
        commits = commits_with(git, path, text);
    }
    commits.sort();
    commits.dedup();
    !commits.is_empty() && listing(git, path, text, &commits).len() == commits.len()
}

/// The commits whose change has given a file a text.
fn commits_with(git: &Git<'_>, path: &str, text: &[u8]) -> Vec<String> {
    let find = || {
        let named = git.with_input(&["hash-object", "--stdin"], text).ok().filter(|named| named.status.success())?;
        let blob = String::from_utf8(named.stdout).ok()?;
        let wanted = format!("--find-object={}", blob.trim());
        let elsewhere: Vec<String> = ELSEWHERE.iter().flat_map(|name| in_state(git, name)).collect();
        // A merge commit has outputs of its own.
        let log =
            ["log", "--all", "--reflog", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let path = format!(":(literal){path}");
        let log = log.into_iter().chain(["--diff-merges=separate", "--format=%H", &wanted]);
        let found = git.succeed("", &log.chain(strings(&elsewhere)).chain(["--", &path]).collect::<Vec<_>>()).ok()?;
        let mut commit = "";
        let mut commits = Vec::new();
        for line in found.lines() {
            match line.strip_prefix(':') {
                // Both modes, both objects, what happened, and the path.
                Some(change) if change.split(' ').nth(3) == Some(blob.trim()) => commits.push(commit.to_owned()),
                None if is_object(line) => commit = line,
                _ => {}
            }
        }
        Some(commits)
    };
    find().unwrap_or_default()
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

/// The commits that Git merges, as far as it says so.
fn heads(git: &Git<'_>) -> Vec<String> {
    let named = env::vars_os().filter_map(|(name, _)| name.into_string().ok()?.strip_prefix(HEADS).map(str::to_owned));
    let mut heads: Vec<String> = named.filter(|name| is_object(name)).collect();
    heads.extend(OTHERS.iter().flat_map(|name| in_state(git, name)));
    heads.extend(picked(git));
    heads.extend(git.succeed("", &["rev-parse", "--verify", "HEAD"]).ok().map(|head| head.trim().to_owned()));
    heads
}

/// The commit of a series that Git picks.
fn picked(git: &Git<'_>) -> Option<String> {
    let read = |state: &str| super::git_path(git, state).and_then(|path| fs::read_to_string(path).ok());
    let line = match (read("rebase-merge/done"), read("sequencer/todo")) {
        (Some(done), _) => done.lines().last().map(str::to_owned),
        (None, todo) => todo?.lines().next().map(str::to_owned),
    };
    let commit = line?.split(' ').nth(1)?.to_owned();
    // It may be abbreviated.
    let whole = git
        .succeed("", &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{commit}^{{commit}}")])
        .ok()?;
    Some(whole.trim().to_owned())
}
