//! Single files that people own, outside of the profiles' folders: every one is staged next to its place.

use std::fs;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::Error;
use super::disk::{Disk, Real};
use super::lock::{self, Access};
use crate::folder::{self, Kind};
use crate::links;

/// The ends of a staged file's name. Hidden, so that nothing takes it for a dashboard.
const STAGED: (&str, &str) = (".gen-", ".new");

/// Who may read a file after [`replace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those who could before; for a new file, those that the process's mask allows.
    Keep,
    /// The owner only.
    Private,
}

/// Replaces the text of a file below the root, or creates it. A process that is killed leaves the old text or the new
/// one, and at most a staged file that the next one removes. A link is followed unless it leads out of the root.
///
/// # Errors
/// The path is not one that may be written, or the system fails.
pub fn replace(root: &Utf8Path, path: &Utf8Path, text: &str, mode: Mode) -> Result<(), Error> {
    replace_on(&Real, root, path, text, mode)
}

pub(super) fn replace_on(
    disk: &impl Disk,
    root: &Utf8Path,
    path: &Utf8Path,
    text: &str,
    mode: Mode,
) -> Result<(), Error> {
    let target = resolve(root, path)?;
    let _lock = lock::lock(root, Access::Write)?;
    let write = || -> io::Result<()> {
        let old = match fs::metadata(&target) {
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("not a regular file")),
            // A rename would not ask.
            Ok(metadata) if metadata.permissions().readonly() => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
            }
            Ok(metadata) => Some(metadata.permissions()),
            // Whatever else is wrong is so next to it.
            Err(_) => None,
        };
        let folder = target.parent().unwrap_or(root);
        sweep_folder(disk, folder);
        let mut staged = Staged { disk, path: staged_name(folder, 0), placed: false };
        disk.stage(&staged.path, text.as_bytes(), mode == Mode::Private, old.filter(|_| mode == Mode::Keep))?;
        disk.rename(&staged.path, &target)?;
        staged.placed = true;
        Ok(())
    };
    write().map_err(|error| Error::io("write", path, error))
}

/// Creates files below the root, and the directories above them. If one can't be written, none is there, and a process
/// that is killed leaves whole files. One that has the same text already, as after a kill, stays.
///
/// # Errors
/// A file is there with another text, a path is not one that may be written, or the system fails.
pub fn create<'f>(root: &Utf8Path, files: impl IntoIterator<Item = (&'f Utf8Path, &'f str)>) -> Result<(), Error> {
    create_on(&Real, root, files)
}

pub(super) fn create_on<'f>(
    disk: &impl Disk,
    root: &Utf8Path,
    files: impl IntoIterator<Item = (&'f Utf8Path, &'f str)>,
) -> Result<(), Error> {
    let _lock = lock::lock(root, Access::Write)?;
    let mut made = Made { disk, folders: Vec::new(), files: Vec::new() };
    let mut staged: Vec<(&Utf8Path, Staged<'_, _>, Utf8PathBuf)> = Vec::new();
    let mut targets = Vec::new();
    for (path, text) in files {
        let target = resolve(root, path)?;
        sweep_folder(disk, target.parent().unwrap_or(root));
        targets.push((path, text, target));
    }
    for (path, text, target) in targets {
        let mut stage = || -> io::Result<()> {
            match fs::read(&target) {
                Ok(old) if old == text.as_bytes() => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
                Err(error) => return Err(error),
            }
            let folder = target.parent().unwrap_or(root);
            made.folder(folder)?;
            let file = Staged { disk, path: staged_name(folder, staged.len()), placed: false };
            disk.stage(&file.path, text.as_bytes(), false, None)?;
            staged.push((path, file, target.clone()));
            Ok(())
        };
        stage().map_err(|error| Error::io("write", path, error))?;
    }
    for (path, mut file, target) in staged {
        disk.rename_new(&file.path, &target).map_err(|error| Error::io("write", path, error))?;
        file.placed = true;
        made.files.push(target);
    }
    made.folders.clear();
    made.files.clear();
    Ok(())
}

/// Removes the staged files that a killed process left in these directories. What can't be removed stays: it is in
/// nobody's way.
///
/// # Errors
/// Another process does not finish.
pub fn sweep(root: &Utf8Path, folders: &[&Utf8Path]) -> Result<(), Error> {
    let folders = folders.iter().map(|folder| root.join(folder));
    let left: Vec<Utf8PathBuf> = folders.filter(|folder| !leftovers(folder).is_empty()).collect();
    if left.is_empty() {
        return Ok(());
    }
    // A file of a process that is still running is not left over.
    let _lock = lock::lock(root, Access::Write)?;
    for folder in left {
        sweep_folder(&Real, &folder);
    }
    Ok(())
}

fn sweep_folder(disk: &impl Disk, folder: &Utf8Path) {
    for path in leftovers(folder) {
        _ = disk.remove_file(&path);
    }
}

fn leftovers(folder: &Utf8Path) -> Vec<Utf8PathBuf> {
    let Ok(entries) = folder::entries(folder.as_std_path()) else { return Vec::new() };
    let is_staged = |name: &str| name.strip_prefix(STAGED.0).is_some_and(|rest| rest.ends_with(STAGED.1));
    let files = entries.into_iter().filter(|entry| entry.kind == Kind::File);
    files
        .filter_map(|file| file.name.into_string().ok())
        .filter(|name| is_staged(name))
        .map(|name| folder.join(name))
        .collect()
}

fn staged_name(folder: &Utf8Path, number: usize) -> Utf8PathBuf {
    folder.join(format!("{}{}-{number}{}", STAGED.0, std::process::id(), STAGED.1))
}

/// A staged file, which is removed unless it is in its place.
struct Staged<'d, D: Disk> {
    disk: &'d D,
    path: Utf8PathBuf,
    placed: bool,
}

impl<D: Disk> Drop for Staged<'_, D> {
    fn drop(&mut self) {
        // Best effort: the error that led here is the one to report.
        if !self.placed {
            _ = self.disk.remove_file(&self.path);
        }
    }
}

/// What was created so far, and is removed again unless all is.
struct Made<'d, D: Disk> {
    disk: &'d D,
    folders: Vec<Utf8PathBuf>,
    files: Vec<Utf8PathBuf>,
}

impl<D: Disk> Made<'_, D> {
    fn folder(&mut self, folder: &Utf8Path) -> io::Result<()> {
        let missing: Vec<&Utf8Path> = folder.ancestors().take_while(|above| !above.exists()).collect();
        for folder in missing.into_iter().rev() {
            self.disk.create_dir(folder)?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }
}

impl<D: Disk> Drop for Made<'_, D> {
    fn drop(&mut self) {
        for file in &self.files {
            _ = self.disk.remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            _ = self.disk.remove_dir(folder);
        }
    }
}

/// Where a path leads, through the links that are there.
fn resolve(root: &Utf8Path, path: &Utf8Path) -> Result<Utf8PathBuf, Error> {
    links::follow(root, path).map_err(|error| Error::io("write", path, error))
}
