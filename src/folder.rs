//! Entries of a folder.
//!
//! Not `std::fs::read_dir`: on Unix it panics if the system can't close a folder.

use std::ffi::OsString;
use std::io;
use std::path::Path;

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is itself; a link is not followed.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a socket or a device.
    Other,
}

/// The entries of a folder, in no order.
///
/// # Errors
/// It is not a folder, or the system fails.
#[cfg(unix)]
pub fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    use std::os::unix::ffi::OsStringExt as _;

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

    let opened = rustix::fs::open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut entries = Vec::new();
    for entry in Dir::read_from(&opened)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let mut found = entry.file_type();
        // Not every file system says it.
        if found == FileType::Unknown {
            let stat = rustix::fs::statat(&opened, name, AtFlags::SYMLINK_NOFOLLOW)?;
            found = FileType::from_raw_mode(stat.st_mode);
        }
        let kind = match found {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            _ => Kind::Other,
        };
        entries.push(Entry { name: OsString::from_vec(name.to_bytes().to_vec()), kind });
    }
    Ok(entries)
}

/// The entries of a folder, in no order.
///
/// # Errors
/// It is not a folder, or the system fails.
#[cfg(not(unix))]
pub fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let read = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry?;
        let found = entry.file_type()?;
        let kind = if found.is_file() {
            Kind::File
        } else if found.is_dir() {
            Kind::Folder
        } else {
            Kind::Other
        };
        Ok(Entry { name: entry.file_name(), kind })
    };
    std::fs::read_dir(folder)?.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("folder", folder.path().join("link")).unwrap();
        let mut found = entries(folder.path()).unwrap();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let found: Vec<_> = found.iter().map(|entry| (entry.name.to_str().unwrap(), entry.kind)).collect();
        assert_eq!(found[..2], [("file", Kind::File), ("folder", Kind::Folder)]);
        assert_eq!(&found[2..], if cfg!(unix) { &[("link", Kind::Other)][..] } else { &[] });
        assert_eq!(entries(&folder.path().join("file")).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert_eq!(entries(&folder.path().join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
