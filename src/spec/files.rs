//! The files of a spec: on disk or elsewhere.

use std::path::Path;
use std::{fs, io};

use camino::Utf8Path;

use crate::folder;
use crate::links;

/// What is found at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Its size in bytes.
    pub size: u64,
}

/// Files of a project, by path relative to its root. A missing file is [`NotFound`](io::ErrorKind::NotFound).
pub trait Files {
    /// What is at a path.
    ///
    /// # Errors
    /// It does not exist or can't be accessed.
    fn look(&self, path: &Utf8Path) -> io::Result<Found>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// It can't be read.
    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>>;

    /// The names of the entries of a directory, in any order.
    ///
    /// # Errors
    /// It does not exist or can't be read.
    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>>;
}

/// Files on disk.
#[derive(Debug, Clone, Copy)]
pub struct Disk<'r> {
    /// The root of the project.
    pub root: &'r Utf8Path,
}

impl Files for Disk<'_> {
    fn look(&self, path: &Utf8Path) -> io::Result<Found> {
        let metadata = fs::metadata(links::follow(self.root, path)?)?;
        Ok(Found { is_file: metadata.is_file(), size: metadata.len() })
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        links::read(self.root, path, super::LARGEST)
    }

    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in folder::entries(links::follow(self.root, folder)?.as_std_path())? {
            match entry.name.into_string() {
                Ok(name) => names.push(name),
                // It can't be shown either.
                Err(name) if Path::new(&name).extension().is_some_and(|extension| extension == "toml") => {
                    let name = name.to_string_lossy();
                    let message = format!("the file name `{}` is not valid UTF-8", name.escape_debug());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                Err(_) => {}
            }
        }
        Ok(names)
    }
}
