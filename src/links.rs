//! Files of a project that are reached through no link that leaves it: the tree may be a stranger's, and what a link leads
//! to would be printed, or overwritten.

use std::fs;
use std::io::{self, Read as _};

use camino::{Utf8Path, Utf8PathBuf};

/// Where a path below a root leads, through the links on the way; it need not exist.
///
/// # Errors
/// It leads out of the root or, through a link, to a hidden file or directory such as `.git`; or the system fails.
pub fn follow(root: &Utf8Path, path: &Utf8Path) -> io::Result<Utf8PathBuf> {
    let real_root = root.canonicalize_utf8()?;
    let full = root.join(path);
    let there = full.ancestors().find(|part| part.symlink_metadata().is_ok()).unwrap_or(root);
    let mut target = there.canonicalize_utf8()?;
    let without_links = real_root.join(there.strip_prefix(root).unwrap_or(Utf8Path::new("")));
    if target != without_links {
        let Ok(inside) = target.strip_prefix(&real_root) else {
            return Err(io::Error::other("it is a link that leads out of the project"));
        };
        if inside.components().any(|part| part.as_str().starts_with('.')) {
            return Err(io::Error::other("it is a link to a hidden file"));
        }
    }
    target.extend(full.strip_prefix(there).into_iter().flatten());
    Ok(target)
}

/// Whether there is a regular file below a root, through links that [`follow`] allows.
pub fn is_file(root: &Utf8Path, path: &Utf8Path) -> bool {
    follow(root, path).is_ok_and(|target| target.is_file())
}

/// The bytes of a regular file below a root.
///
/// # Errors
/// Those of [`follow`]; it is not a regular file, or has more bytes than `most`.
pub fn read(root: &Utf8Path, path: &Utf8Path, most: u64) -> io::Result<Vec<u8>> {
    let target = follow(root, path)?;
    let metadata = fs::metadata(&target)?;
    // Opening a pipe would block.
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes"));
    if metadata.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(metadata.len()).unwrap_or_default())?;
    // It may have grown.
    fs::File::open(&target)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > most) {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The text of a regular file below a root.
///
/// # Errors
/// Those of [`read`]; it is not UTF-8.
pub fn read_text(root: &Utf8Path, path: &Utf8Path, most: u64) -> io::Result<String> {
    let not_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-8");
    String::from_utf8(read(root, path, most)?).map_err(not_text)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_in_the_project_and_off_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        let base = Utf8Path::from_path(folder.path()).unwrap();
        let root = base.join("project");
        fs::create_dir_all(root.join("spec")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        for file in ["outside", "project/spec/a", "project/.git/config", "project/.env"] {
            fs::write(base.join(file), "x").unwrap();
        }
        for (link, target) in [
            ("spec/inside", "a"),
            ("spec/out", "../../outside"),
            ("spec/absolute", base.join("outside").as_str()),
            ("spec/git", "../.git/config"),
            ("spec/environment", "../.env"),
            ("spec/dangling", "../../nothing"),
            ("folder", ".."),
            ("home", ".git"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        for path in ["spec/a", "spec/inside", ".env", ".git/config", "spec/new", "new/file"] {
            assert!(follow(&root, path.into()).is_ok(), "{path}: {:?}", follow(&root, path.into()));
        }
        for path in [
            "spec/out",
            "spec/absolute",
            "spec/git",
            "spec/environment",
            "spec/dangling",
            "folder/outside",
            "home/config",
        ] {
            assert!(follow(&root, path.into()).is_err(), "{path}");
        }
        assert_eq!(read(&root, "spec/a".into(), 1).unwrap(), b"x");
        assert_eq!(read(&root, "spec/a".into(), 0).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read(&root, "spec".into(), 9).is_err());
        // Reading it would take hours.
        fs::File::create(root.join("sparse")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&root, "sparse".into(), 1 << 39).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
