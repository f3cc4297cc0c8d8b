//! Writing the outputs. A render that is killed or fails leaves old or new files, and a manifest that lists both.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::digest::Digest;
use super::disk::{Disk, Real};
use super::drift::{Found, Tree};
use super::lock::{self, Access};
use super::manifest::{self, Listing};
use super::{Cause, Error, File, Finding, Kept, Options, Scope, Written};

/// Writes the rendered files that differ from those on disk.
///
/// # Errors
///
/// [`Error::Refused`], before any output is written, if files [need force](Cause::needs_force) or
/// [can't be read](Cause::is_hopeless). Otherwise a path may not be written, or an I/O error: each file then has its old or
/// its new content, and writing again completes the render.
pub fn write(
    root: &Utf8Path,
    scope: &Scope,
    files: impl IntoIterator<Item = Result<File, Error>>,
    options: Options<'_>,
) -> Result<Written, Error> {
    write_to(&Real, root, scope, files, options)
}

pub(super) fn write_to<D: Disk>(
    disk: &D,
    root: &Utf8Path,
    scope: &Scope,
    files: impl IntoIterator<Item = Result<File, Error>>,
    options: Options<'_>,
) -> Result<Written, Error> {
    let access = if options.dry_run { Access::Read } else { Access::Write };
    let _lock = lock::lock(root, access)?;
    let mut tree = Tree::open(root, scope)?;
    let mut stage = Stage::new(disk, root, scope);
    if !options.dry_run {
        stage.sweep()?;
    }

    let mut plan = Plan { options, done: Written::default(), refused: Vec::new(), replaced: Listing::new() };
    let mut outputs = Vec::new();
    for file in files {
        let file = file?;
        let Some(found) = tree.examine(&file)? else {
            plan.done.unchanged += 1;
            continue;
        };
        if let Some(contents) = plan.contents(&file, found)
            && plan.refused.is_empty()
            && !options.dry_run
        {
            let folders = tree.missing_folders(&file.path)?;
            outputs.push(stage.add(&file.path, contents, file.executable, folders)?);
        }
    }
    plan.done.opened = tree.closed().into_iter().map(|path| Finding { path, cause: Cause::Closed }).collect();
    let unplanned = tree.unplanned()?;
    let mut kept = Listing::new();
    for path in &unplanned {
        if let Some(found) = tree.examine_orphan(path) {
            if options.prune {
                plan.accepts(path.as_ref(), found, Action::Remove);
            } else {
                kept.extend(tree.listed(path));
                plan.done.left.push(Finding { path: path.into(), cause: found.cause });
            }
        }
    }
    plan.done.left.extend(tree.strays()?.into_iter().map(|path| Finding { path, cause: Cause::Stray }));
    let outputs_change = !plan.done.written.is_empty() || !plan.done.removed.is_empty();
    let mut last = tree.planned();
    last.append(&mut kept);
    let last_text = manifest::text(&last, &scope.ejected);
    let abandoned = tree.is_abandoned() && last.is_empty();
    let manifest_change = tree.examine_manifest(&last_text);
    let manifest_changes = manifest_change.is_some() && !abandoned;
    match manifest_change {
        Some(found) if !abandoned => {
            plan.accepts(&scope.manifest, found, Action::Write);
        }
        Some(Found { cause: Cause::Missing, .. }) => {}
        // It goes with what it listed, and after that, so that a killed render is completed by the next one.
        Some(Found { cause: cause @ (Cause::Symlink | Cause::Unreadable(_)), .. }) => {
            plan.accepts(&scope.manifest, Found { cause, on_disk: None }, Action::Remove);
        }
        Some(_) => {
            plan.accepts(
                &scope.manifest,
                Found { cause: Cause::Orphan { edited: false }, on_disk: None },
                Action::Remove,
            );
        }
        None => plan.done.unchanged += 1,
    }

    let Plan { done, refused, mut replaced, .. } = plan;
    if !refused.is_empty() {
        return Err(Error::Refused(refused));
    }
    if options.dry_run {
        return Ok(done);
    }
    for folder in &done.opened {
        stage.try_to("open", &folder.path, D::open_dir)?;
    }
    if !(outputs_change || manifest_changes || abandoned) {
        return Ok(done);
    }
    if abandoned {
        stage.abandon(&done.removed)?;
        return Ok(done);
    }

    // From here on the manifest on disk has to list both the old and the new content, so that the next render, even of
    // another spec, takes neither for an edit.
    let listed = tree.manifest();
    replaced.extend(listed.iter().cloned());
    replaced.extend(last.iter().cloned());
    let complete = replaced == last;
    let folders = tree.missing_folders(&scope.manifest)?;
    let union = if !outputs_change || !manifest_changes || complete || replaced == listed {
        None
    } else {
        let text = format!("{}{}", manifest::UNDER_WAY, manifest::text(&replaced, &scope.ejected));
        Some(stage.add(&scope.manifest, text.as_bytes(), false, folders.clone())?)
    };
    let mut final_manifest =
        if manifest_changes { Some(stage.add(&scope.manifest, last_text.as_bytes(), false, folders)?) } else { None };
    // In a first render the final manifest itself is written first.
    let ahead = if complete { final_manifest.take() } else { union };

    let emptied = if options.prune { unplanned } else { Vec::new() };
    stage.commit(&Commit { ahead, outputs, removed: &done.removed, emptied, last: final_manifest })?;
    Ok(done)
}

impl Kept {
    /// Whether it is about this difference. The cause says that both texts are known.
    fn is(&self, file: &File, found: &Found) -> bool {
        self.path == file.path && self.rendered == file.contents && found.on_disk.as_ref() == Some(&self.on_disk)
    }
}

/// What to do with a path.
#[derive(Debug, Clone, Copy)]
enum Action {
    Write,
    Remove,
}

/// The decisions so far.
struct Plan<'k> {
    options: Options<'k>,
    done: Written,
    refused: Vec<Finding>,
    /// Replaced content that the manifest may not list: texts merged by Git.
    replaced: Listing,
}

impl<'k> Plan<'k> {
    /// The bytes that take the place of a file that differs; `None` if it stays.
    fn contents<'f>(&mut self, file: &'f File, found: Found) -> Option<&'f [u8]>
    where
        'k: 'f,
    {
        let Some(kept) = self.options.kept.iter().find(|kept| kept.is(file, &found)) else {
            return self.accepts(&file.path, found, Action::Write).then_some(file.contents.as_bytes());
        };
        if kept.edited == kept.on_disk {
            self.done.unchanged += 1;
            return None;
        }
        self.done.written.push(Finding { path: file.path.clone(), cause: found.cause });
        Some(&kept.edited)
    }

    /// Decides whether a difference may be removed.
    fn accepts(&mut self, path: &Utf8Path, Found { cause, on_disk }: Found, action: Action) -> bool {
        let needs_force = cause.needs_force();
        let accepted = !cause.is_hopeless() && (self.options.force || !needs_force);
        // Not the content that needs force, which is not ours, and not what is recognized without its digest (by line
        // endings or conflict markers), which still is after a crash.
        let merged = matches!(cause, Cause::Merged | Cause::Orphan { edited: false });
        if let Some(bytes) = on_disk.filter(|_| accepted && merged) {
            self.replaced.insert((path.as_str().to_owned(), Digest::of(&bytes)));
        }
        let findings = match action {
            _ if !accepted => &mut self.refused,
            Action::Write => &mut self.done.written,
            Action::Remove => &mut self.done.removed,
        };
        findings.push(Finding { path: path.to_owned(), cause });
        accepted
    }
}

/// A file in the staging directory.
struct Staged {
    from: Utf8PathBuf,
    to: Utf8PathBuf,
}

/// The steps after staging, in this order.
struct Commit<'a> {
    /// The manifest that lists both the old and the new content.
    ahead: Option<Staged>,
    outputs: Vec<Staged>,
    removed: &'a [Finding],
    /// Removed files, whose directories may be empty now.
    emptied: Vec<String>,
    /// The final manifest.
    last: Option<Staged>,
}

/// The staging directory. Dropped before [`Stage::finish`], it removes everything it has created that isn't in place.
struct Stage<'a, D: Disk> {
    disk: &'a D,
    root: &'a Utf8Path,
    scope: &'a Scope,
    staging: Utf8PathBuf,
    /// The number of staged files, which is the name of the next one. The directory is created with the first one.
    count: usize,
    /// Directories to create, in this order.
    folders: Vec<Utf8PathBuf>,
    created: Vec<Utf8PathBuf>,
}

impl<'a, D: Disk> Stage<'a, D> {
    fn new(disk: &'a D, root: &'a Utf8Path, scope: &'a Scope) -> Self {
        let staging = scope.staging();
        Self { disk, root, scope, staging, count: 0, folders: Vec::new(), created: Vec::new() }
    }

    /// Removes the staging directory of a killed run.
    fn sweep(&self) -> Result<(), Error> {
        match fs::symlink_metadata(self.root.join(&self.staging)) {
            Ok(_) => self.try_to("remove", &self.staging, D::remove_tree),
            // Whatever else is wrong stops its creation.
            Err(_) => Ok(()),
        }
    }

    /// Writes a file to the staging directory. `folders` are the missing directories of its path.
    fn add(
        &mut self,
        to: &Utf8Path,
        contents: &[u8],
        executable: bool,
        folders: Vec<Utf8PathBuf>,
    ) -> Result<Staged, Error> {
        if self.count == 0 {
            if let Some(parent) = self.staging.parent().map(Utf8Path::to_owned) {
                self.create_folder(&parent)?;
            }
            self.create_folder(&self.staging.clone())?;
        }
        let from = self.staging.join(self.count.to_string());
        self.count += 1;
        self.disk
            .create_file(&self.root.join(&from), contents, executable)
            .map_err(|error| Error::io("stage", to, error))?;
        for folder in folders {
            if !self.folders.contains(&folder) {
                self.folders.push(folder);
            }
        }
        Ok(Staged { from, to: to.to_owned() })
    }

    fn commit(mut self, commit: &Commit<'_>) -> Result<(), Error> {
        // Before the first rename, like everything that can run out of space.
        for folder in std::mem::take(&mut self.folders) {
            self.create_folder(&folder)?;
        }
        for staged in commit.ahead.iter().chain(&commit.outputs) {
            self.place(staged)?;
        }
        for orphan in commit.removed {
            self.remove(&orphan.path)?;
        }
        for path in &commit.emptied {
            self.remove_empty_folders(path.as_ref())?;
        }
        if let Some(last) = &commit.last {
            self.place(last)?;
        }
        self.finish()
    }

    /// Removes the outputs of a profile that no longer exists, their manifest last, and the folders that are empty then.
    fn abandon(mut self, removed: &[Finding]) -> Result<(), Error> {
        for orphan in removed {
            self.remove(&orphan.path)?;
        }
        for orphan in removed {
            self.remove_empty_folders(&orphan.path)?;
        }
        for folder in self.scope.own_folders().chain(self.scope.former.iter().map(Utf8PathBuf::as_path)) {
            match self.disk.remove_dir(&self.root.join(folder)) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                result => result.map_err(|error| Error::io("remove", folder, error))?,
            }
        }
        self.created.clear();
        Ok(())
    }

    fn create_folder(&mut self, folder: &Utf8Path) -> Result<(), Error> {
        match self.disk.create_dir(&self.root.join(folder)) {
            Ok(()) => {
                self.created.push(folder.to_owned());
                self.try_to("open", folder, D::open_dir)?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create", folder, error)),
        }
        Ok(())
    }

    fn place(&self, Staged { from, to }: &Staged) -> Result<(), Error> {
        self.try_to("rename", to, |disk, path| disk.rename(&self.root.join(from), path))
    }

    fn remove(&self, path: &Utf8Path) -> Result<(), Error> {
        self.try_to("remove", path, |disk, path| match disk.remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        })
    }

    /// Removes the empty parent directories of a removed file, except for the folders of the scope.
    fn remove_empty_folders(&self, path: &Utf8Path) -> Result<(), Error> {
        let below = |folder: &&Utf8Path| {
            self.scope
                .folders
                .iter()
                .chain(&self.scope.former)
                .any(|scope| folder.starts_with(scope) && folder != scope)
        };
        for folder in path.ancestors().skip(1).take_while(below) {
            match self.disk.remove_dir(&self.root.join(folder)) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => break,
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                result => result.map_err(|error| Error::io("remove", folder, error))?,
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        self.created.clear();
        self.try_to("remove", &self.staging, D::remove_dir)?;
        self.count = 0;
        Ok(())
    }

    fn try_to(
        &self,
        operation: &'static str,
        path: &Utf8Path,
        act: impl FnOnce(&D, &Utf8Path) -> io::Result<()>,
    ) -> Result<(), Error> {
        act(self.disk, &self.root.join(path)).map_err(|error| Error::io(operation, path, error))
    }
}

impl<D: Disk> Drop for Stage<'_, D> {
    fn drop(&mut self) {
        // Best effort: the original error is reported, and the next run cleans up.
        // File by file: opening the directory may be what fails.
        let staging = self.root.join(&self.staging);
        for number in 0..self.count {
            _ = self.disk.remove_file(&staging.join(number.to_string()));
        }
        for folder in self.created.iter().rev() {
            _ = self.disk.remove_dir(&self.root.join(folder));
        }
    }
}
