//! Replacing and creating single files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use camino::{Utf8Path, Utf8PathBuf};

use crate::output::{Error, Mode, create, replace};

fn root() -> (tempfile::TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(directory.path()).unwrap().canonicalize_utf8().unwrap();
    (directory, root)
}

fn mode(path: &Utf8Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Utf8Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().file_name().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_keeps_its_mode_unless_it_is_private() {
    let (_directory, root) = root();
    let file = root.join("file");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    replace(&root, "file".into(), "new", Mode::Keep).unwrap();
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o644));
    replace(&root, "file".into(), "newer", Mode::Private).unwrap();
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("newer", 0o600));
    replace(&root, "other".into(), "first", Mode::Keep).unwrap();
    assert_eq!(mode(&root.join("other")), 0o600);
    assert_eq!(names(&root), ["file", "other"]);
}

#[test]
fn what_cannot_be_replaced_stays_and_is_named() {
    let (_directory, root) = root();
    fs::write(root.join("file"), "old").unwrap();
    fs::set_permissions(root.join("file"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::create_dir(root.join("folder")).unwrap();
    let error = |path: &str| replace(&root, path.into(), "new", Mode::Keep).unwrap_err().to_string();
    assert_eq!(error("file"), "cannot write `file`: the file is read-only");
    assert_eq!(error("folder"), "cannot write `folder`: not a regular file");
    assert!(error("file/below").starts_with("cannot write `file/below`: "), "{}", error("file/below"));
    assert_eq!(fs::read_to_string(root.join("file")).unwrap(), "old");
    assert_eq!(names(&root), ["file", "folder"]);
}

#[test]
fn links_are_followed_within_the_root() {
    let ((_directory, root), (_elsewhere, outside)) = (root(), root());
    fs::create_dir(root.join("real")).unwrap();
    fs::write(root.join("real/file"), "old").unwrap();
    symlink("real/file", root.join("link")).unwrap();
    replace(&root, "link".into(), "new", Mode::Keep).unwrap();
    assert_eq!(fs::read_to_string(root.join("real/file")).unwrap(), "new");
    assert!(root.join("link").is_symlink());

    fs::write(outside.join("file"), "old").unwrap();
    symlink(&outside, root.join("away")).unwrap();
    let error = replace(&root, "away/file".into(), "new", Mode::Keep).unwrap_err();
    assert!(error.to_string().contains("leads out of the project"), "{error}");
    let error = create(&root, [("away/new".into(), "new")]).unwrap_err();
    assert!(error.to_string().contains("leads out of the project"), "{error}");
    symlink("nowhere", root.join("broken")).unwrap();
    assert!(replace(&root, "broken".into(), "new", Mode::Keep).is_err());
    assert_eq!((fs::read_to_string(outside.join("file")).unwrap().as_str(), names(&outside).len()), ("old", 1));
}

#[test]
fn files_are_created_together_or_not_at_all() {
    let (_directory, root) = root();
    create(&root, [("a/b/one".into(), "1"), ("a/two".into(), "2")]).unwrap();
    assert_eq!(fs::read_to_string(root.join("a/b/one")).unwrap(), "1");
    let error = create(&root, [("three".into(), "3"), ("a/two".into(), "4")]).unwrap_err().to_string();
    assert!(error.starts_with("cannot write `a/two`: "), "{error}");
    assert_eq!(fs::read_to_string(root.join("a/two")).unwrap(), "2");
    assert_eq!(names(&root), ["a"]);
}
