//! The projects in and below a folder.

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::folder::{self, Kind};
use stackgen::links;
use stackgen::spec::MAIN;

use super::git::Git;
use super::{Outcome, Ran, stop};

/// Folders of other programs, which may have copies of projects.
const SKIPPED: &[&str] = &["node_modules", "target"];

/// The roots of all projects, relative to the folder and in order.
///
/// In a repository, Git knows which files are its own: not those of submodules, and not those that it ignores, unless they
/// are committed anyway.
pub fn find(folder: &Utf8Path) -> Ran<Vec<Utf8PathBuf>> {
    let in_repository = folder.ancestors().any(|above| above.join(".git").symlink_metadata().is_ok());
    let mut roots = if in_repository { listed(folder)? } else { walked(folder)? };
    roots.sort_unstable();
    roots.dedup();
    Ok(roots)
}

fn listed(folder: &Utf8Path) -> Ran<Vec<Utf8PathBuf>> {
    let pattern = format!(":(glob)**/{MAIN}");
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", &pattern];
    let listed = Git::new(folder).and_then(|git| git.succeed("", &arguments));
    let listed = listed.map_err(|failure| stop(failure.outcome, &failure.message))?;
    let root = |path: &str| {
        let root = Utf8Path::new(path.strip_suffix(MAIN)?);
        let is_skipped = root.components().any(|part| is_skipped(part.as_str()));
        // Git still has what was deleted, or replaced with a link.
        let is_plain = links::follow(folder, path.into()).is_ok_and(|target| target.ends_with(path));
        let is_there = is_plain && folder.join(path).symlink_metadata().is_ok_and(|found| found.is_file());
        (!is_skipped && is_there).then(|| root.components().collect())
    };
    Ok(listed.split_terminator('\0').filter_map(root).collect())
}

fn walked(folder: &Utf8Path) -> Ran<Vec<Utf8PathBuf>> {
    let mut roots = Vec::new();
    let mut open = vec![Utf8PathBuf::new()];
    while let Some(below) = open.pop() {
        let cannot = |error| stop(Outcome::Failed, format!("cannot read `{}`: {error}", folder.join(&below)));
        for entry in folder::entries(folder.join(&below).as_std_path()).map_err(cannot)? {
            // No project has a name that can't be shown, and links are not followed.
            let Some(name) = entry.name.to_str() else { continue };
            let path = below.join(name);
            match entry.kind {
                Kind::Folder if !is_skipped(name) => open.push(path),
                Kind::File if path.ends_with(MAIN) => {
                    roots.extend(below.parent().map(Utf8Path::to_owned));
                }
                _ => {}
            }
        }
    }
    Ok(roots)
}

fn is_skipped(name: &str) -> bool {
    name.starts_with('.') || SKIPPED.contains(&name)
}
