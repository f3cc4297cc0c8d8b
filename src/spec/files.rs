//! Where the files of a spec are: on the disk, or wherever else somebody keeps them.

use std::{fs, io};

use camino::Utf8Path;

/// What is found at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Whether it is a file: to read a pipe would take for ever.
    pub is_file: bool,
    /// Its size in bytes.
    pub size: u64,
}

/// Files below the root of a project. Errors mean what they mean on the disk: what is not there is
/// [`NotFound`](io::ErrorKind::NotFound).
pub trait Files {
    /// What is at a path.
    ///
    /// # Errors
    /// If nothing is there, or it can't be looked at.
    fn look(&self, path: &Utf8Path) -> io::Result<Found>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// If it can't be read.
    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>>;

    /// The names of what is in a folder, in any order.
    ///
    /// # Errors
    /// If it is not there, or can't be read.
    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>>;
}

/// Those on the disk.
#[derive(Debug, Clone, Copy)]
pub struct Disk<'r> {
    /// The root of the project.
    pub root: &'r Utf8Path,
}

impl Files for Disk<'_> {
    fn look(&self, path: &Utf8Path) -> io::Result<Found> {
        let metadata = fs::metadata(self.root.join(path))?;
        Ok(Found { is_file: metadata.is_file(), size: metadata.len() })
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        fs::read(self.root.join(path))
    }

    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>> {
        self.root.join(folder).read_dir_utf8()?.map(|entry| Ok(entry?.file_name().to_owned())).collect()
    }
}
