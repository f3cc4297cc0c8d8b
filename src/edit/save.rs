//! The files of a spec on the disk.

use std::fs;
use std::io::{self, Write as _};

use camino::Utf8Path;

/// Replaces the text of a file, or leaves it as it is: there is no time at which it is half-written. Its mode, the ends
/// of its lines and a byte order mark stay; a link is followed.
///
/// # Errors
/// The system's.
pub fn replace(path: &Utf8Path, text: &str) -> io::Result<()> {
    let target = path.canonicalize_utf8()?;
    let folder = target.parent().unwrap_or(Utf8Path::new("/"));
    let metadata = fs::metadata(&target)?;
    // A rename would not ask.
    if metadata.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let old = String::from_utf8_lossy(&fs::read(&target)?).into_owned();
    // Begins with a dot, as editors' own files do: nobody takes it for a dashboard.
    let mut staged = tempfile::Builder::new().prefix(".gen-").suffix(".new").tempfile_in(folder)?;
    staged.write_all(like(&old, text).as_bytes())?;
    staged.as_file().set_permissions(metadata.permissions())?;
    // Unlike an output it can't be rendered again.
    staged.as_file().sync_all()?;
    staged.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// A text with the line endings and the byte order mark of another.
fn like(old: &str, text: &str) -> String {
    let windows = old.contains('\n') && old.matches('\n').count() == old.matches("\r\n").count();
    let mark = if old.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    format!("{mark}{}", if windows { text.replace('\n', "\r\n") } else { text.to_owned() })
}

/// Writes files that don't exist yet, below a folder, and the folders above them. If one can't be written, those before
/// it are removed again.
///
/// # Errors
/// The index of the file, and what the system says.
pub fn create<'f>(
    root: &Utf8Path,
    files: impl IntoIterator<Item = (&'f Utf8Path, &'f str)>,
) -> Result<(), (usize, io::Error)> {
    let mut written = Vec::new();
    for (index, (path, text)) in files.into_iter().enumerate() {
        let path = root.join(path);
        let result = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let mut file = fs::File::options().write(true).create_new(true).open(&path)?;
            written.push(path.clone());
            file.write_all(text.as_bytes())
        });
        if let Err(error) = result {
            // Best effort: the error that led here is the one to report.
            for path in &written {
                let _ = fs::remove_file(path);
            }
            return Err((index, error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn line_endings_and_the_mark_stay() {
        assert_eq!(like("a\r\nb\r\n", "c\nd\n"), "c\r\nd\r\n");
        assert_eq!(like("a\r\nb\n", "c\n"), "c\n");
        assert_eq!(like("\u{feff}a\n", "c\n"), "\u{feff}c\n");
        assert_eq!(like("", "c\n"), "c\n");
    }
}
