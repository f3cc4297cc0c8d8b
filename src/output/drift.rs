//! Differences and their causes.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use super::digest::Digest;
use super::disk::{self, Look};
use super::lock::{self, Access};
use super::manifest::{self, Entry, Listing, Manifest, ProblemKind};
use super::{Cause, Comparison, Difference, Error, FORMAT, File, PathProblem, Scope};
use crate::folder::{self, Kind};
use crate::{conflict, links};

/// A function of the root, an output's path, and its text on disk.
type AreMerged = fn(&Utf8Path, &Utf8Path, &[u8]) -> bool;

/// Who knows whether a text is a merge of rendered ones.
static MERGES: OnceLock<AreMerged> = OnceLock::new();

/// Sets who knows whether a text on disk is what Git makes of the sides of a merge, each of which was rendered. Only asked about
/// outputs that a merge may have left. The first one stays; without one, each such text is taken for that.
pub fn ask_about_merges(are_merged: AreMerged) {
    _ = MERGES.set(are_merged);
}

/// Compares the rendered files with those on disk.
///
/// # Errors
///
/// The root cannot be opened or locked, or a path may not be written. An output that cannot be read is a [`Difference`], so
/// that the others are still compared.
pub fn compare(
    root: &Utf8Path,
    scope: &Scope,
    files: impl IntoIterator<Item = Result<File, Error>>,
) -> Result<Comparison, Error> {
    let _lock = lock::lock(root, Access::Read)?;
    let mut tree = Tree::open(root, scope)?;
    let mut compared = 1;
    let mut differences = Vec::new();
    for file in files {
        let file = file?;
        compared += 1;
        if let Some(Found { cause, on_disk }) = tree.examine(&file)? {
            differences.push(Difference { path: file.path, cause, on_disk, expected: Some(file.contents) });
        }
    }
    for path in tree.closed() {
        differences.push(Difference { path, cause: Cause::Closed, on_disk: None, expected: None });
    }
    let mut listing = tree.planned();
    for path in tree.unplanned()? {
        if let Some(Found { cause, on_disk }) = tree.examine_orphan(&path) {
            // The orphan is reported, so its line in the manifest isn't.
            listing.extend(tree.listed(&path));
            differences.push(Difference { path: path.into(), cause, on_disk, expected: None });
        }
    }
    for path in tree.strays()? {
        differences.push(Difference { path, cause: Cause::Stray, on_disk: None, expected: None });
    }
    if tree.is_abandoned() {
        if matches!(tree.manifest_look, Look::Missing) {
            compared = 0;
        } else {
            let cause = Cause::Orphan { edited: false };
            differences.push(Difference { path: scope.manifest.clone(), cause, on_disk: None, expected: None });
        }
        return Ok(Comparison { compared, differences });
    }
    let expected = manifest::text(&listing, &scope.ejected);
    if let Some(Found { cause, on_disk }) = tree.examine_manifest(&expected) {
        let path = scope.manifest.clone();
        differences.push(Difference { path, cause, on_disk, expected: Some(expected) });
    }
    Ok(Comparison { compared, differences })
}

/// Whether the folders of a profile may be written, and its manifest read.
///
/// # Errors
/// One leads out of the root, or the manifest can't be read.
pub fn permitted(root: &Utf8Path, scope: &Scope) -> Result<(), Error> {
    let mut tree = Tree::open(root, scope)?;
    for folder in scope.own_folders() {
        tree.folder(folder, folder)?;
    }
    Ok(())
}

/// A difference at a known path.
pub(super) struct Found {
    pub(super) cause: Cause,
    pub(super) on_disk: Option<Vec<u8>>,
}

impl Found {
    fn bare(cause: Cause) -> Self {
        Self { cause, on_disk: None }
    }
}

/// The state of the disk; each directory and each file is read once.
pub(super) struct Tree<'a> {
    root: &'a Utf8Path,
    scope: &'a Scope,
    manifest: Manifest,
    manifest_look: Look,
    manifest_bytes: Vec<u8>,
    folders: HashMap<String, Folder>,
    closed: Vec<Utf8PathBuf>,
    planned: BTreeMap<String, Digest>,
    buffer: Vec<u8>,
}

/// A directory on the way to an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    /// A directory, or something else that is reported for the file itself.
    Plain,
    Missing,
    /// Reached through a symbolic link, but inside the root.
    Linked,
}

impl<'a> Tree<'a> {
    pub(super) fn open(root: &'a Utf8Path, scope: &'a Scope) -> Result<Self, Error> {
        scope.check()?;
        let mut tree = Self {
            root,
            scope,
            manifest: Manifest::default(),
            manifest_look: Look::Missing,
            manifest_bytes: Vec::new(),
            folders: HashMap::new(),
            closed: Vec::new(),
            planned: BTreeMap::new(),
            buffer: Vec::new(),
        };
        if tree.folder_of(&scope.manifest)? != Folder::Missing {
            tree.manifest_look = disk::look(&root.join(&scope.manifest), None, &mut tree.manifest_bytes);
            // Without it each output looks like somebody's.
            if let Look::Unreadable(error) = tree.manifest_look {
                return Err(Error::io("read", &scope.manifest, error));
            }
            tree.manifest = Manifest::parse(&tree.manifest_bytes, scope);
            if let Some(format) = tree.manifest.format.filter(|&format| format > FORMAT) {
                return Err(Error::Newer { path: scope.manifest.clone(), format });
            }
        }
        Ok(tree)
    }

    /// Adds a rendered file to the plan and compares it with the one on disk.
    pub(super) fn examine(&mut self, file: &File) -> Result<Option<Found>, Error> {
        let path = file.path.as_str();
        let refuse = |problem| Error::Path { path: file.path.clone(), problem };
        self.scope.admits(path).map_err(refuse)?;
        let rendered = Digest::of(file.contents.as_bytes());
        if self.planned.insert(path.to_owned(), rendered).is_some() {
            return Err(refuse(PathProblem::Duplicate));
        }
        if self.folder_of(&file.path)? == Folder::Missing {
            return Ok(Some(Found::bare(Cause::Missing)));
        }
        let contents = file.contents.as_bytes();
        let look = disk::look(&self.root.join(path), Some(contents), &mut self.buffer);
        let is_same = matches!(look, Look::Same { .. });
        let found = differs(look, &self.buffer, contents, file.executable, self.scope.is_mounted(&file.path));
        Ok(found.map(|found| match found {
            Differs::Known(cause) => {
                let bytes = if is_same { contents } else { &self.buffer };
                Found { on_disk: cause.is_text().then(|| bytes.to_vec()), cause }
            }
            Differs::Unknown => {
                let cause = self.recognise(path, Some(rendered));
                Found { cause, on_disk: Some(self.buffer.clone()) }
            }
        }))
    }

    /// What is at a listed path that is no longer rendered, if anything.
    pub(super) fn examine_orphan(&mut self, path: &str) -> Option<Found> {
        match disk::look(&self.root.join(path), None, &mut self.buffer) {
            Look::Missing => None,
            // The listed file is gone; a directory in its place, or a file in place of its directory, is not ours.
            Look::Unreadable(error)
                if matches!(error.kind(), io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory) =>
            {
                None
            }
            Look::Unreadable(error) => Some(Found::bare(Cause::Unreadable(error))),
            Look::Symlink => Some(Found::bare(Cause::Orphan { edited: true })),
            Look::File { .. } | Look::Same { .. } => {
                let edited = matches!(
                    self.recognise(path, None),
                    Cause::HandEdited { .. } | Cause::MergedEdit | Cause::Unlisted
                );
                Some(Found { cause: Cause::Orphan { edited }, on_disk: Some(self.buffer.clone()) })
            }
        }
    }

    /// Compares the manifest with its new text. Takes the manifest's bytes.
    pub(super) fn examine_manifest(&mut self, expected: &str) -> Option<Found> {
        let on_disk = std::mem::take(&mut self.manifest_bytes);
        let look = std::mem::replace(&mut self.manifest_look, Look::Missing);
        let cause = match differs(look, &on_disk, expected.as_bytes(), false, false)? {
            Differs::Known(cause) => cause,
            Differs::Unknown if !self.manifest.problems.is_empty() => {
                let mut problems = std::mem::take(&mut self.manifest.problems);
                problems.sort_by_key(|problem| problem.line);
                Cause::Malformed(problems)
            }
            Differs::Unknown if self.manifest.conflict => Cause::MergeConflict,
            Differs::Unknown if self.manifest.under_way => Cause::Interrupted,
            Differs::Unknown => Cause::Stale,
        };
        Some(Found { on_disk: cause.is_text().then_some(on_disk), cause })
    }

    /// Paths that the manifest lists and that were not rendered, after all rendered files; not those of the user. A path through a symbolic link is
    /// reported instead, since the file may not be ours.
    pub(super) fn unplanned(&mut self) -> Result<Vec<String>, Error> {
        let mut paths: Vec<_> = self
            .manifest
            .entries
            .keys()
            .filter(|path| !self.planned.contains_key(*path) && !self.scope.is_users(path))
            .cloned()
            .collect();
        let mut failure = None;
        paths.retain(|path| match self.folder_of(Utf8Path::new(path)) {
            Ok(Folder::Plain | Folder::Missing) => true,
            Ok(Folder::Linked) | Err(Error::OutsideRoot { .. }) => {
                if let Some(entry) = self.manifest.entries.remove(path) {
                    self.manifest.problem(entry.line, path.clone(), ProblemKind::ThroughSymlink);
                }
                false
            }
            Err(error) => {
                failure.get_or_insert(error);
                false
            }
        });
        failure.map_or(Ok(paths), Err)
    }

    /// The folders of the outputs so far that others can't read.
    pub(super) fn closed(&mut self) -> Vec<Utf8PathBuf> {
        std::mem::take(&mut self.closed)
    }

    /// Whether nothing is rendered into the folders any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.planned.is_empty()
    }

    /// Files and links in the folders that are neither outputs nor the user's, by path.
    ///
    /// # Errors
    /// A folder can't be read, or leads out of the root.
    pub(super) fn strays(&mut self) -> Result<Vec<Utf8PathBuf>, Error> {
        let mut strays = Vec::new();
        if self.scope.others.is_none() {
            return Ok(strays);
        }
        let mut folders: Vec<Utf8PathBuf> = self.scope.own_folders().map(Utf8Path::to_owned).collect();
        for folder in &folders {
            self.folder(folder, folder)?;
        }
        while let Some(folder) = folders.pop() {
            let entries = match folder::entries(self.root.join(&folder).as_std_path()) {
                Ok(entries) => entries,
                // Reported for the outputs in it.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => return Err(Error::io("read", &folder, error)),
            };
            for folder::Entry { name, kind } in entries {
                let path = Utf8PathBuf::from(format!("{folder}/{}", name.to_string_lossy().escape_debug()));
                let known =
                    self.planned.contains_key(path.as_str()) || self.manifest.entries.contains_key(path.as_str());
                // A link may lead to a regular file of the project.
                let is_file = || match kind {
                    Kind::File => true,
                    Kind::Folder => false,
                    Kind::Other => links::is_file(self.root, &path),
                };
                if known || self.scope.tolerates(path.as_str(), is_file()) {
                    continue;
                }
                // A linked folder is one file to Git.
                if kind == Kind::Folder { folders.push(path) } else { strays.push(path) }
            }
        }
        strays.sort_unstable();
        Ok(strays)
    }

    /// The new entries of the manifest for the rendered files.
    pub(super) fn planned(&self) -> Listing {
        self.planned.iter().map(|(path, &digest)| (path.clone(), digest)).collect()
    }

    /// The current entries of the manifest for one path.
    pub(super) fn listed(&self, path: &str) -> Listing {
        let digests = self.manifest.entries.get(path).map_or(&[][..], |entry| &entry.digests);
        digests.iter().map(|&digest| (path.to_owned(), digest)).collect()
    }

    /// The current entries of the manifest.
    pub(super) fn manifest(&self) -> Listing {
        self.manifest.listing()
    }

    /// The missing parent directories of a path, outermost first.
    pub(super) fn missing_folders(&mut self, path: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Error> {
        let mut missing = Vec::new();
        for folder in path.ancestors().skip(1) {
            if self.folder(folder, path)? != Folder::Missing {
                break;
            }
            missing.push(folder.to_owned());
        }
        missing.reverse();
        Ok(missing)
    }

    /// Where the bytes in the buffer come from, which are not the rendered ones.
    fn recognise(&self, path: &str, rendered: Option<Digest>) -> Cause {
        let Some(Entry { digests, contested, .. }) = self.manifest.entries.get(path) else {
            return Cause::Unlisted;
        };
        let listed = |bytes: &[u8]| digests.contains(&Digest::of(bytes));
        // A checkout with `core.autocrlf` changes every line of a file that nobody edited.
        if listed(&self.buffer) || manifest::with_unix_line_ends(&self.buffer).is_some_and(|unix| listed(&unix)) {
            Cause::Stale
        } else if conflict::is_in(&self.buffer) {
            self.unless_edited(path, Cause::MergeConflict)
        } else if *contested {
            self.unless_edited(path, Cause::Merged)
        } else {
            // A killed render leaves several digests: the edit may be that of an older text.
            Cause::HandEdited { also_stale: rendered.is_some_and(|rendered| *digests != [rendered]) }
        }
    }

    /// The cause of the text in the buffer, if a merge of rendered ones has left it.
    fn unless_edited(&self, path: &str, cause: Cause) -> Cause {
        let is_merged = MERGES.get().is_none_or(|are_merged| are_merged(self.root, path.as_ref(), &self.buffer));
        if is_merged { cause } else { Cause::MergedEdit }
    }

    fn folder_of(&mut self, path: &Utf8Path) -> Result<Folder, Error> {
        self.folder(path.parent().unwrap_or(Utf8Path::new("")), path)
    }

    /// Checks a parent directory of a path, and those above it, once each.
    fn folder(&mut self, folder: &Utf8Path, path: &Utf8Path) -> Result<Folder, Error> {
        if folder.as_str().is_empty() {
            return Ok(Folder::Plain);
        }
        if let Some(&known) = self.folders.get(folder.as_str()) {
            return Ok(known);
        }
        let above = self.folder(folder.parent().unwrap_or(Utf8Path::new("")), path)?;
        let state = if above == Folder::Missing {
            Folder::Missing
        } else {
            match fs::symlink_metadata(self.root.join(folder)) {
                Ok(metadata) if metadata.is_symlink() => {
                    self.check_link(folder, path)?;
                    Folder::Linked
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Folder::Missing,
                Ok(metadata) if metadata.is_dir() => {
                    if self.scope.is_mounted(folder) && disk::mode(&metadata).is_some_and(|mode| mode & 0o055 != 0o055)
                    {
                        self.closed.push(folder.to_owned());
                    }
                    above
                }
                // An inaccessible directory is reported for the file itself.
                Ok(_) | Err(_) => above,
            }
        };
        self.folders.insert(folder.as_str().to_owned(), state);
        Ok(state)
    }

    /// Refuses a link that leads out of the root.
    fn check_link(&self, link: &Utf8Path, path: &Utf8Path) -> Result<(), Error> {
        let full = self.root.join(link);
        let outside = |target: &std::path::Path| Error::OutsideRoot {
            path: path.to_owned(),
            link: link.to_owned(),
            target: target.display().to_string(),
        };
        let root = fs::canonicalize(self.root).map_err(|error| Error::io("resolve", self.root, error))?;
        match fs::canonicalize(&full) {
            Ok(target) if target.starts_with(&root) => Ok(()),
            Ok(target) => Err(outside(&target)),
            // A broken link or a cycle: its target might be created outside.
            Err(_) => {
                Err(fs::read_link(&full).map_or_else(|error| Error::io("read", link, error), |target| outside(&target)))
            }
        }
    }
}

enum Differs {
    Known(Cause),
    /// Other bytes of unknown origin.
    Unknown,
}

/// Compares a path with the rendered file, without the manifest.
fn differs(look: Look, bytes: &[u8], rendered: &[u8], executable: bool, mounted: bool) -> Option<Differs> {
    let look = match look {
        // Its size was another one when it was looked at.
        Look::File { mode } if bytes == rendered => Look::Same { mode },
        look => look,
    };
    let cause = match look {
        Look::Missing => Cause::Missing,
        Look::Symlink => Cause::Symlink,
        Look::Unreadable(error) => Cause::Unreadable(error),
        Look::Same { mode } => match mode {
            // The owner's bit, as in Git.
            Some(mode) if (mode & 0o100 != 0) != executable => Cause::Mode { executable },
            Some(mode) if mounted && mode & 0o444 != 0o444 => Cause::Closed,
            _ => return None,
        },
        Look::File { .. } if manifest::with_unix_line_ends(bytes).is_some_and(|unix| unix == rendered) => {
            Cause::LineEndings
        }
        Look::File { .. } => return Some(Differs::Unknown),
    };
    Some(Differs::Known(cause))
}

impl Cause {
    /// Whether the bytes of a file were read.
    fn is_text(&self) -> bool {
        !matches!(self, Self::Missing | Self::Symlink | Self::Unreadable(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_size_than_it_seemed_to_have_is_the_same() {
        let look = || Look::File { mode: Some(0o644) };
        assert!(differs(look(), b"a\n", b"a\n", false, true).is_none());
        assert!(matches!(differs(look(), b"b\n", b"a\n", false, true), Some(Differs::Unknown)));
    }
}
