//! Single files that people own, outside of the profiles' folders.

use std::fs;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::Error;
use crate::links;

/// Who may read a file after [`replace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those who could before; the owner only for a new file.
    Keep,
    /// The owner only.
    Private,
}

/// Replaces the text of a file below the root, or creates it. A process that is killed leaves the old text or the new
/// one, and nothing else. A link is followed unless it leads out of the root.
///
/// # Errors
/// The path is not one that may be written, or the system fails.
pub fn replace(root: &Utf8Path, path: &Utf8Path, text: &str, mode: Mode) -> Result<(), Error> {
    let target = resolve(root, path)?;
    let write = || -> io::Result<()> {
        let old = match fs::metadata(&target) {
            Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("not a regular file")),
            // A rename would not ask.
            Ok(metadata) if metadata.permissions().readonly() => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
            }
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let folder = target.parent().unwrap_or(root);
        // Hidden, so that nothing takes it for a dashboard; readable by its owner only.
        let mut staged = tempfile::Builder::new().prefix(".gen-").suffix(".new").tempfile_in(folder)?;
        staged.write_all(text.as_bytes())?;
        if let (Mode::Keep, Some(old)) = (mode, old) {
            staged.as_file().set_permissions(old.permissions())?;
        }
        // Unlike an output it can't be rendered again.
        staged.as_file().sync_all()?;
        staged.persist(&target).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Error::io("write", path, error))
}

/// Creates files below the root that don't exist yet, and the directories above them. If one can't be written, those
/// before it are removed again.
///
/// # Errors
/// A path is not one that may be written, or the system fails.
pub fn create<'f>(root: &Utf8Path, files: impl IntoIterator<Item = (&'f Utf8Path, &'f str)>) -> Result<(), Error> {
    let mut written = Vec::new();
    let mut write = |path: &Utf8Path, text: &str| {
        let target = resolve(root, path)?;
        let mut write = || -> io::Result<()> {
            target.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = fs::File::options().write(true).create_new(true).open(&target)?;
            written.push(target.clone());
            file.write_all(text.as_bytes())
        };
        write().map_err(|error| Error::io("write", path, error))
    };
    let result = files.into_iter().try_for_each(|(path, text)| write(path, text));
    if result.is_err() {
        // Best effort: the error that led here is the one to report.
        for path in &written {
            let _ = fs::remove_file(path);
        }
    }
    result
}

/// Where a path leads, through the links that are there.
fn resolve(root: &Utf8Path, path: &Utf8Path) -> Result<Utf8PathBuf, Error> {
    links::follow(root, path).map_err(|error| Error::io("write", path, error))
}
