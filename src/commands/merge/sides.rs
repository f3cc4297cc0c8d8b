//! What the sides of a merge were: rendered, or edited by hand.

use camino::Utf8Path;
use stackgen::{links, output};

use crate::commands::git::Git;

/// States of Git in which there is another side than `HEAD`; `MERGE_HEAD` may have several.
const OTHERS: [&str; 4] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"];

/// Whether each side of a merge of an output was rendered. True outside of a repository, where there is no merge; false if
/// the sides are not known.
pub fn were_rendered(root: &Utf8Path, path: &Utf8Path) -> bool {
    if !root.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok()) {
        return true;
    }
    let Ok(git) = Git::new(root) else { return false };
    let sides = in_index(&git, path).or_else(|| in_commits(&git, path)).unwrap_or_default();
    let text = |side: &String| git.run("", &["cat-file", "blob", side]).ok().filter(|output| output.status.success());
    !sides.is_empty() && sides.iter().all(|side| text(side).is_some_and(|text| was_rendered(&git, &text.stdout)))
}

/// The sides of a conflict that is not resolved yet.
fn in_index(git: &Git<'_>, path: &Utf8Path) -> Option<Vec<String>> {
    let listed = git.succeed("", &["--literal-pathspecs", "ls-files", "-u", "-z", "--", path.as_str()]).ok()?;
    let side = |entry: &str| {
        let mut parts = entry.split('\t').next()?.split(' ').skip(1);
        let (object, stage) = (parts.next()?, parts.next()?);
        (stage != "1").then(|| object.to_owned())
    };
    let sides: Vec<String> = listed.split_terminator('\0').filter_map(side).collect();
    (!sides.is_empty()).then_some(sides)
}

/// The sides of a merge that is under way or the last commit. One that doesn't have the output has no edit of it.
fn in_commits(git: &Git<'_>, path: &Utf8Path) -> Option<Vec<String>> {
    let mut commits: Vec<String> = Vec::new();
    for name in OTHERS {
        let state = std::fs::read_to_string(super::git_path(git, name)?).unwrap_or_default();
        commits
            .extend(state.lines().filter(|line| line.bytes().all(|byte| byte.is_ascii_hexdigit())).map(str::to_owned));
    }
    if commits.is_empty() {
        let last = git.succeed("", &["rev-list", "--parents", "--max-count=1", "HEAD"]).ok()?;
        commits.extend(last.split_whitespace().skip(1).map(str::to_owned));
        if commits.len() < 2 {
            return None;
        }
    } else {
        commits.push("HEAD".to_owned());
    }
    let object = |commit: &String| {
        let found = git.succeed("", &["rev-parse", "--quiet", "--verify", &format!("{commit}:./{path}")]).ok()?;
        Some(found.trim().to_owned())
    };
    Some(commits.iter().filter_map(object).collect())
}

/// Commits of an output that are looked at for a text.
const MOST_COMMITS: &str = "100";

/// The text of an output that a manifest lists, from the index or from one of the last commits.
pub fn last_rendered(root: &Utf8Path, manifest: &Utf8Path, path: &Utf8Path) -> Option<String> {
    let manifest = links::read_text(root, manifest, output::LARGEST).ok()?;
    let listed = output::listed_in_manifest(manifest.as_bytes()).remove(path.as_str())?;
    let git = Git::new(root).ok()?;
    let limit = format!("--max-count={MOST_COMMITS}");
    let commits = ["rev-list", &limit, "HEAD", "--", &format!(":(literal){path}")];
    let commits = git.succeed("", &commits).unwrap_or_default();
    [""].into_iter().chain(commits.lines()).find_map(|commit| {
        let blob = git.run("", &["cat-file", "blob", &format!("{commit}:./{path}")]).ok()?;
        (blob.status.success() && listed.contains(&output::digest(&blob.stdout)))
            .then(|| String::from_utf8(blob.stdout).ok())?
    })
}

/// Whether a manifest of any commit lists a text, so that `gen` has written it.
pub fn was_rendered(git: &Git<'_>, text: &[u8]) -> bool {
    let named = [":(top,glob)**/manifest.sha256", ":(top,glob)**/schema.sha256"];
    let Ok(manifests) = git.succeed("", &[&["ls-files", "--full-name", "-z", "--"], &named[..]].concat()) else {
        return false;
    };
    // Git finds the commits of a path much faster than those of a pattern. In the middle of a merge a path is listed up to
    // three times.
    let mut manifests: Vec<String> =
        manifests.split_terminator('\0').map(|path| format!(":(top,literal){path}")).collect();
    manifests.dedup();
    if manifests.is_empty() {
        return false;
    }
    let wanted = format!("-S{}", output::digest(text));
    let mut arguments = vec!["log", "--all", "HEAD", "--max-count=1", "--format=%H", "--no-ext-diff", "--no-textconv"];
    // A merge commit has outputs of its own.
    arguments.extend(["--diff-merges=separate", &wanted, "--"]);
    arguments.extend(manifests.iter().map(String::as_str));
    git.succeed("", &arguments).is_ok_and(|found| !found.trim().is_empty())
}
