//! Replacing and creating single files.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use camino::{Utf8Path, Utf8PathBuf};

use super::crash::{Fault, Faulty};
use crate::output::replace::{create_on, replace_on};
use crate::output::{Error, Mode, create, replace, sweep};

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
    fs::write(root.join("plain"), "").unwrap();
    replace(&root, "other".into(), "first", Mode::Keep).unwrap();
    create(&root, [("new".into(), "first")]).unwrap();
    assert_eq!(mode(&root.join("other")), mode(&root.join("plain")));
    assert_eq!(mode(&root.join("new")), mode(&root.join("plain")));
    assert_eq!(names(&root), ["file", "new", "other", "plain"]);
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
    // What a killed run had created already.
    create(&root, [("a/two".into(), "2"), ("b/three".into(), "3")]).unwrap();
    assert_eq!(
        (names(&root), names(&root.join("b"))),
        (vec!["a".to_owned(), "b".to_owned()], vec!["three".to_owned()])
    );
}

/// Runs `act` once for each operation that can fail, each time in a new directory that `start` has prepared.
fn at_each_operation(
    fault: Fault,
    start: impl Fn(&Utf8Path),
    act: impl Fn(&Faulty, &Utf8Path) -> Result<(), Error>,
    check: impl Fn(&Utf8Path, Result<(), Error>, usize),
) {
    let whole = Faulty::new(fault, usize::MAX);
    let (_directory, folder) = root();
    start(&folder);
    act(&whole, &folder).unwrap();
    assert!(whole.done.get() > 1);
    for at in 0..whole.done.get() {
        let (_directory, folder) = root();
        start(&folder);
        let result = act(&Faulty::new(fault, at), &folder);
        check(&folder, result, at);
    }
}

const LEFT_OVER: &str = ".gen-1-0.new";

#[test]
fn a_killed_replacement_leaves_the_old_text_or_the_new_and_the_next_one_sweeps() {
    for fault in [Fault::Death, Fault::Full] {
        let start = |root: &Utf8Path| {
            fs::write(root.join("file"), "the old text").unwrap();
            fs::write(root.join(LEFT_OVER), "the n").unwrap();
        };
        let act = |disk: &Faulty, root: &Utf8Path| replace_on(disk, root, "file".into(), "the new text", Mode::Keep);
        at_each_operation(fault, start, act, |root, result, at| {
            let text = fs::read_to_string(root.join("file")).unwrap();
            assert!(["the old text", "the new text"].contains(&text.as_str()), "{fault:?} at {at}: {text}");
            if fault == Fault::Full {
                assert_eq!(text == "the old text", result.is_err(), "at {at}");
                let own: Vec<String> = names(root).into_iter().filter(|name| name != LEFT_OVER).collect();
                assert_eq!(own, ["file"], "at {at}");
            }
            replace(root, "file".into(), "the last text", Mode::Keep).unwrap();
            assert_eq!(fs::read_to_string(root.join("file")).unwrap(), "the last text");
            assert_eq!(names(root), ["file"], "{fault:?} at {at}");
        });
    }
}

#[test]
fn a_killed_creation_leaves_whole_files_and_the_next_one_completes_it() {
    let files: [(&Utf8Path, &str); 3] =
        [("a/b/one".into(), "1 2 3"), ("a/two".into(), "4 5 6"), ("three".into(), "7 8 9")];
    let there = |root: &Utf8Path| files.map(|(path, _)| fs::read_to_string(root.join(path)).unwrap_or_default());
    for fault in [Fault::Death, Fault::Full] {
        at_each_operation(
            fault,
            |_| (),
            |disk, root| create_on(disk, root, files),
            |root, result, at| {
                assert!(result.is_err(), "{fault:?} at {at}");
                for (text, (path, whole)) in there(root).iter().zip(files) {
                    assert!(text.is_empty() || text == whole, "{fault:?} at {at}: {path}: {text}");
                    assert!(!(root.join(path).exists() && text.is_empty()), "{fault:?} at {at}: {path} is empty");
                }
                if fault == Fault::Full {
                    assert_eq!(names(root), [""; 0], "at {at}");
                }
                create(root, files).unwrap_or_else(|error| panic!("{fault:?} at {at}: {error}"));
                assert_eq!(there(root), files.map(|(_, text)| text), "{fault:?} at {at}");
                for (folder, own) in [("a", vec!["b", "two"]), ("a/b", vec!["one"]), ("", vec!["a", "three"])] {
                    assert_eq!(names(&root.join(folder)), own, "{fault:?} at {at}");
                }
            },
        );
    }
}

#[test]
fn only_staged_files_are_swept() {
    let (_directory, root) = root();
    fs::create_dir_all(root.join("spec/.gen-folder.new")).unwrap();
    for name in [".gen-1-0.new", ".gen-aB3dE6.new", "gen-1-0.new", ".gen-1-0.toml", "stack.toml"] {
        fs::write(root.join("spec").join(name), "").unwrap();
    }
    sweep(&root, &["spec".into(), "missing".into()]).unwrap();
    assert_eq!(names(&root.join("spec")), [".gen-1-0.toml", ".gen-folder.new", "gen-1-0.new", "stack.toml"]);
}
