//! File operations.

use std::fs;
use std::io::{self, Write as _};

use camino::Utf8Path;

/// The operations of a write, so that tests can make any of them fail.
pub(super) trait Disk {
    fn create_dir(&self, path: &Utf8Path) -> io::Result<()>;
    /// Lets everybody read a directory: containers run as other users.
    fn open_dir(&self, path: &Utf8Path) -> io::Result<()>;
    /// Creates a file that everybody can read, whatever the process's mask; fails if it exists.
    fn create_file(&self, path: &Utf8Path, contents: &[u8], executable: bool) -> io::Result<()>;
    /// Creates a file that can't be rendered again: its bytes are on the disk before it replaces another one. The mode
    /// is that of `like`, or the process's default, or `private`.
    fn stage(&self, path: &Utf8Path, contents: &[u8], private: bool, like: Option<fs::Permissions>) -> io::Result<()>;
    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;
    /// Fails if there is a file already.
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()>;
    fn remove_file(&self, path: &Utf8Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Utf8Path) -> io::Result<()>;
    /// Removes a directory with its content, or a symbolic link itself.
    fn remove_tree(&self, path: &Utf8Path) -> io::Result<()>;
}

/// The real disk.
///
/// Without `fsync`: outputs can be rendered again, so the guarantee is for a killed process, not for a power failure, and
/// syncing every file would take many times as long as the write.
pub(super) struct Real;

impl Disk for Real {
    fn create_dir(&self, path: &Utf8Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    #[cfg_attr(not(unix), allow(unused_variables))]
    fn open_dir(&self, path: &Utf8Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(path)?.permissions().mode();
            if mode & 0o755 != 0o755 {
                // A file system without modes may refuse, as with a file.
                _ = fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o755));
            }
        }
        Ok(())
    }

    fn create_file(&self, path: &Utf8Path, contents: &[u8], executable: bool) -> io::Result<()> {
        let mode = if executable { 0o755 } else { 0o644 };
        let mut file = new_file(path, mode)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if file.metadata()?.permissions().mode() & 0o777 != mode {
                // A file system without modes may refuse; `gen check` reports what is wrong there.
                _ = file.set_permissions(fs::Permissions::from_mode(mode));
            }
        }
        file.write_all(contents)
    }

    fn stage(&self, path: &Utf8Path, contents: &[u8], private: bool, like: Option<fs::Permissions>) -> io::Result<()> {
        // Until it has the mode of the other one, nobody else may read it.
        let mut file = new_file(path, if private || like.is_some() { 0o600 } else { 0o666 })?;
        file.write_all(contents)?;
        if let Some(permissions) = like {
            file.set_permissions(permissions)?;
        }
        file.sync_all()
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            Ok(()) => {
                // It is in its place; the other name is swept by the next run.
                _ = fs::remove_file(from);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // A file system without links.
            Err(_) if to.symlink_metadata().is_err() => fs::rename(from, to),
            Err(error) => Err(error),
        }
    }

    fn remove_file(&self, path: &Utf8Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Utf8Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_tree(&self, path: &Utf8Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
}

/// A file that does not exist yet.
#[cfg_attr(not(unix), allow(unused_variables))]
fn new_file(path: &Utf8Path, mode: u32) -> io::Result<fs::File> {
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    options.open(path)
}

/// What is at a path, without following links.
#[derive(Debug)]
pub(super) enum Look {
    Missing,
    Symlink,
    Unreadable(io::Error),
    /// A file, whose bytes are in the buffer.
    File {
        /// `None` on systems without modes.
        mode: Option<u32>,
    },
    /// A file with the expected bytes, which are not in the buffer.
    Same {
        /// `None` on systems without modes.
        mode: Option<u32>,
    },
}

/// How much of a file is compared at once, in bytes.
const PIECE: usize = 64 << 10;

/// The largest output, in bytes. That of a stack of 15,000 services has 16 MB.
pub const LARGEST: u64 = 256 << 20;

/// Reads a file into the buffer, after one `lstat` for type, mode and size. One that has the expected bytes is compared in
/// pieces: nearly every output has them, and a large one would otherwise be in memory twice.
pub(super) fn look(path: &Utf8Path, expected: Option<&[u8]>, buffer: &mut Vec<u8>) -> Look {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        // A manifest may list a path that is too long to be one.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => {
            return Look::Missing;
        }
        Err(error) => return Look::Unreadable(error),
    };
    if metadata.is_symlink() {
        Look::Symlink
    } else if metadata.is_dir() {
        Look::Unreadable(io::ErrorKind::IsADirectory.into())
    } else if !metadata.is_file() {
        // Opening a pipe would block.
        Look::Unreadable(io::Error::other("not a regular file"))
    } else {
        if metadata.len() > LARGEST {
            let error = format!("it has {} bytes: the limit is {LARGEST}", metadata.len());
            return Look::Unreadable(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        let expected = expected.filter(|expected| expected.len() as u64 == metadata.len());
        let mode = mode(&metadata);
        let same = expected.map_or(Ok(false), |expected| is(fs::File::open(path)?, expected, buffer));
        match same.and_then(|same| if same { Ok(true) } else { read(path, metadata.len(), buffer).map(|()| false) }) {
            Ok(true) => Look::Same { mode },
            Ok(false) => Look::File { mode },
            Err(error) => Look::Unreadable(error),
        }
    }
}

/// Whether a file has these bytes. What is in the buffer afterwards has no meaning.
fn is(mut file: impl io::Read, mut expected: &[u8], buffer: &mut Vec<u8>) -> io::Result<bool> {
    if buffer.len() < PIECE {
        buffer.resize(PIECE, 0);
    }
    loop {
        match file.read(buffer) {
            Ok(count) => match buffer.get(..count).and_then(|piece| expected.strip_prefix(piece)) {
                // There was room for more.
                Some([]) if count < buffer.len() => return Ok(true),
                Some(_) if count == 0 => return Ok(false),
                Some(rest) => expected = rest,
                None => return Ok(false),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Like `fs::read`, but into a reused buffer, and with a third of the system calls: the size is known.
fn read(path: &Utf8Path, size: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    fill(fs::File::open(path)?, size, buffer)
}

fn fill(mut file: impl io::Read, size: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    let size = usize::try_from(size).unwrap_or(0);
    // One more byte, to notice that a file has grown.
    buffer.resize(size.saturating_add(1), 0);
    let mut filled = 0;
    loop {
        match file.read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled == size {
            break;
        }
        if filled == buffer.len() {
            buffer.resize(filled.saturating_mul(2), 0);
        }
    }
    buffer.truncate(filled);
    Ok(())
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)]
pub(super) fn mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(metadata.permissions().mode())
}

#[cfg(not(unix))]
pub(super) fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes at a time, each after an interruption, and then an error.
    struct Stuttering(u8);

    impl io::Read for Stuttering {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 | 3 => Err(io::ErrorKind::Interrupted.into()),
                2 | 4 => {
                    buffer[..2].fill(self.0);
                    Ok(2)
                }
                _ => Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    #[test]
    fn an_interruption_is_no_error() {
        let mut buffer = Vec::new();
        fill(Stuttering(0), 4, &mut buffer).unwrap();
        assert_eq!(buffer, [2, 2, 4, 4]);
        assert_eq!(fill(Stuttering(0), 5, &mut buffer).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_file_is_compared_to_its_end() {
        let mut buffer = Vec::new();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut same = |read: &[u8]| is(read, &bytes, &mut buffer).unwrap();
            assert!(same(&bytes), "{length}");
            assert!(!same(&[&bytes[..], b"x"].concat()), "{length}");
            if let Some((last, start)) = bytes.split_last() {
                assert!(!same(start) && !same(&[start, &[last.wrapping_add(1)]].concat()), "{length}");
            }
        }
        assert!(is(Stuttering(0), &[2, 2, 4, 4], &mut buffer).unwrap());
        assert_eq!(is(Stuttering(0), &[2, 2, 4, 4, 6], &mut buffer).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_file_is_read_whole_whatever_its_size_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().join("file");
        let mut buffer = Vec::new();
        for length in [0, 1, 100, 10_000] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            fs::write(&path, &bytes).unwrap();
            for size in [0, length / 2, length, length + 5].map(|size| size as u64) {
                read(&path, size, &mut buffer).unwrap();
                assert!(buffer == bytes, "{length} as {size}: {}", buffer.len());
            }
        }
    }
}
