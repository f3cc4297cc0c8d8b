//! A write that dies, or fails, at each of its operations.

use std::cell::Cell;
use std::io;

use super::*;
use crate::output::Cause;
use crate::output::disk::{Disk, Real};
use crate::output::write::write_to;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process is killed: nothing that comes later has an effect.
    Death,
    /// The disk is full, once.
    Full,
    /// Somebody else removes each file before it is removed.
    Removed,
}

pub(super) struct Faulty {
    fault: Fault,
    /// The operation that fails, counted from 0.
    at: usize,
    pub(super) done: Cell<usize>,
}

impl Faulty {
    pub(super) fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at, done: Cell::new(0) }
    }

    fn run(&self, act: impl FnOnce() -> io::Result<()>, half: impl FnOnce()) -> io::Result<()> {
        let count = self.done.replace(self.done.get() + 1);
        if self.fault == Fault::Removed {
            return act();
        }
        if count == self.at {
            half();
        }
        if count == self.at || (count > self.at && self.fault == Fault::Death) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        act()
    }
}

impl Disk for Faulty {
    fn create_dir(&self, path: &Utf8Path) -> io::Result<()> {
        self.run(|| Real.create_dir(path), || ())
    }

    fn open_dir(&self, path: &Utf8Path) -> io::Result<()> {
        self.run(|| Real.open_dir(path), || ())
    }

    fn create_file(&self, path: &Utf8Path, contents: &[u8], executable: bool) -> io::Result<()> {
        self.run(
            || Real.create_file(path, contents, executable),
            || Real.create_file(path, &contents[..contents.len() / 2], executable).unwrap(),
        )
    }

    fn stage(&self, path: &Utf8Path, contents: &[u8], private: bool, like: Option<fs::Permissions>) -> io::Result<()> {
        self.run(
            || Real.stage(path, contents, private, like),
            || Real.stage(path, &contents[..contents.len() / 2], private, None).unwrap(),
        )
    }

    fn rename(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.run(|| Real.rename(from, to), || ())
    }

    /// A process can be killed between the link and the removal.
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        self.run(
            || Real.rename_new(from, to),
            || {
                if self.fault == Fault::Death {
                    fs::hard_link(from, to).unwrap();
                }
            },
        )
    }

    fn remove_file(&self, path: &Utf8Path) -> io::Result<()> {
        if self.fault == Fault::Removed {
            Real.remove_file(path).unwrap();
        }
        self.run(|| Real.remove_file(path), || ())
    }

    fn remove_dir(&self, path: &Utf8Path) -> io::Result<()> {
        self.run(|| Real.remove_dir(path), || ())
    }

    fn remove_tree(&self, path: &Utf8Path) -> io::Result<()> {
        self.run(
            || Real.remove_tree(path),
            || {
                let first = path.read_dir_utf8().unwrap().next();
                if let Some(entry) = first {
                    fs::remove_file(entry.unwrap().path()).unwrap();
                }
            },
        )
    }
}

const DEV: &str = "generated/dev";

fn state(version: &str, names: &[&str]) -> Vec<File> {
    names
        .iter()
        .map(|name| {
            // What is named for `same` is so in every state.
            let version = if name.contains("same") { "" } else { version };
            file(&format!("{DEV}/{name}"), &format!("{name}\nversion {version}\n"))
        })
        .collect()
}

const NAMES: [&str; 8] = ["crlf", "same-crlf", "conflict", "gone", "same-mode.sh", "stale", "same", "x/y/stale"];

fn old() -> Vec<File> {
    let mut files = state("old", &NAMES);
    files.extend(state("old", &["orphan", "deep/er/orphan"]));
    files
}

fn new() -> Vec<File> {
    let mut files = state("new", &NAMES);
    files.extend(state("new", &["added", "new/folder/added"]));
    files.push(file("terraform/dev/main.tf", "new\n"));
    files
}

/// Plans neither all that the old state did nor all that the new one does.
fn third() -> Vec<File> {
    let mut files = state("third", &NAMES[..4]);
    files.extend(state("third", &["added", "deep/er/orphan", "third"]));
    files
}

/// What the write meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Nothing,
    Stale,
    /// As stale, with everything that is overwritten without asking, and leftovers.
    Disorder,
    /// As disorder, with a manifest in conflict and a text that git has merged.
    Merge,
}

impl Start {
    /// Stale files are in disorder too.
    const ALL: [Self; 3] = [Self::Nothing, Self::Disorder, Self::Merge];

    fn sandbox(self) -> Sandbox {
        let sandbox = Sandbox::new();
        if self == Self::Nothing {
            return sandbox;
        }
        sandbox.write(old(), RENDER).unwrap();
        if self == Self::Stale {
            return sandbox;
        }
        for name in ["crlf", "same-crlf"] {
            let path = format!("{DEV}/{name}");
            sandbox.put(&path, sandbox.text(&path).replace('\n', "\r\n"));
        }
        sandbox.put("generated/dev/conflict", "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n");
        fs::remove_file(sandbox.path("generated/dev/gone")).unwrap();
        #[cfg(unix)]
        set_mode(&sandbox.path("generated/dev/same-mode.sh"), 0o644);
        sandbox.put("generated/.staging/0", "left over");
        sandbox.put("generated/.staging/7", "left over");
        if self == Self::Merge {
            let ours = sandbox.text(MANIFEST);
            let (before, line) =
                ours.split_once(&format!("{}  {DEV}/stale\n", digest("stale\nversion old\n"))).unwrap();
            let side = |text| format!("{}  {DEV}/stale\n", digest(text));
            let conflict = format!("<<<<<<< a\n{}=======\n{}>>>>>>> b\n", side("theirs"), side("stale\nversion old\n"));
            sandbox.put(MANIFEST, format!("{before}{conflict}{line}"));
            sandbox.put("generated/dev/stale", "merged as text\n");
        }
        sandbox
    }
}

/// The bytes of each output, the manifests and the staging directory apart.
fn outputs(sandbox: &Sandbox) -> BTreeMap<Utf8PathBuf, Vec<u8>> {
    let root = &sandbox.root;
    let outputs = sandbox.snapshot().into_keys().filter(|path| path.is_file());
    outputs
        .map(|path| (path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()))
        .filter(|(path, _)| path != MANIFEST && !path.starts_with("generated/.staging"))
        .collect()
}

fn assert_old_or_new(before: &BTreeMap<Utf8PathBuf, Vec<u8>>, sandbox: &Sandbox, context: &str) {
    let new: BTreeMap<_, _> = new().into_iter().map(|file| (file.path, file.contents.into_bytes())).collect();
    let after = outputs(sandbox);
    for (path, bytes) in &after {
        assert!(
            before.get(path) == Some(bytes) || new.get(path) == Some(bytes),
            "{context}: {path} is neither old nor new"
        );
    }
    for path in before.keys() {
        assert!(after.contains_key(path) || !new.contains_key(path), "{context}: {path} is lost");
    }
}

fn assert_owned(sandbox: &Sandbox, context: &str) {
    for files in [old(), new(), third()] {
        for difference in sandbox.compare(files).unwrap().differences {
            assert!(!difference.cause.needs_force(), "{context}: {} is {:?}", difference.path, difference.cause);
            assert!(!matches!(difference.cause, Cause::Malformed(_)), "{context}: {:?}", difference.cause);
        }
    }
}

/// Runs a check after a write that fails at every operation in turn, from every start.
fn at_each_operation(
    starts: &[Start],
    fault: Fault,
    check: impl Fn(&Sandbox, Result<Written, Error>, &BTreeMap<Utf8PathBuf, Vec<u8>>, &str),
) {
    for start in starts {
        let whole = Faulty::new(fault, usize::MAX);
        write_to(&whole, &start.sandbox().root, &scope(), new().into_iter().map(Ok), RENDER).unwrap();
        let operations = whole.done.get();
        assert!(operations > 20, "{start:?}: {operations}");
        for at in 0..operations {
            let sandbox = start.sandbox();
            let before = outputs(&sandbox);
            let result = write_to(&Faulty::new(fault, at), &sandbox.root, &scope(), new().into_iter().map(Ok), RENDER);
            check(&sandbox, result, &before, &format!("{start:?}, {fault:?} at {at} of {operations}"));
        }
    }
}

#[test]
fn a_killed_write_leaves_old_or_new_files_that_the_manifest_owns_and_the_next_completes_it() {
    for next in [old, new, third] {
        at_each_operation(&Start::ALL, Fault::Death, |sandbox, _, before, context| {
            assert_old_or_new(before, sandbox, context);
            assert_owned(sandbox, context);
            sandbox.write(next(), RENDER).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(sandbox.differences(next()), [""; 0], "{context}");
            assert_eq!(outputs(sandbox).len(), next().len(), "{context}");
            assert!(!sandbox.exists("generated/.staging"), "{context}");
        });
    }
}

#[test]
fn a_write_killed_twice_is_still_completed() {
    at_each_operation(&[Start::Merge], Fault::Death, |sandbox, _, _, context| {
        for at in (0..40).step_by(5) {
            _ = write_to(&Faulty::new(Fault::Death, at), &sandbox.root, &scope(), third().into_iter().map(Ok), RENDER);
            assert_owned(sandbox, &format!("{context}, then at {at}"));
        }
        sandbox.write(old(), RENDER).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(sandbox.differences(old()), [""; 0], "{context}");
    });
}

#[test]
fn a_full_disk_is_an_error_that_loses_nothing() {
    at_each_operation(&Start::ALL, Fault::Full, |sandbox, result, before, context| {
        let error = result.map(|written| format!("{written:?}")).unwrap_err();
        let message = error.to_string();
        let Error::Io { operation, path, source } = error else { panic!("{context}: {message}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{context}");
        assert!(message.starts_with(&format!("cannot {operation} `{path}`: ")), "{context}: {message}");
        let tops = ["generated", "terraform"];
        assert!(tops.iter().any(|top| path.starts_with(top)), "{context}: {message}");
        assert_old_or_new(before, sandbox, context);
        assert_owned(sandbox, context);
        if operation != "remove" || path != "generated/.staging" {
            assert!(!sandbox.exists("generated/.staging"), "{context}: staged files are left");
        }
        if operation == "stage" {
            assert_eq!(&outputs(sandbox), before, "{context}");
            assert!(before.is_empty() <= !sandbox.exists("generated"), "{context}: a directory is left");
        }
        sandbox.write(third(), RENDER).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(sandbox.differences(third()), [""; 0], "{context}");
    });
}

#[test]
fn a_forced_write_that_is_killed_keeps_asking_for_what_is_left_of_the_edits() {
    let edited = || {
        let sandbox = Start::Stale.sandbox();
        sandbox.put("generated/dev/stale", "edited\n");
        sandbox
    };
    let whole = Faulty::new(Fault::Death, usize::MAX);
    write_to(&whole, &edited().root, &scope(), new().into_iter().map(Ok), FORCE).unwrap();
    for at in 0..whole.done.get() {
        let sandbox = edited();
        _ = write_to(&Faulty::new(Fault::Death, at), &sandbox.root, &scope(), new().into_iter().map(Ok), FORCE);
        let is_left = sandbox.text("generated/dev/stale") == "edited\n";
        match sandbox.write(third(), RENDER) {
            Err(Error::Refused(findings)) => {
                assert!(is_left, "at {at}");
                assert_eq!(paths(&findings), ["generated/dev/stale"], "at {at}");
            }
            result => assert!(!is_left && result.is_ok(), "at {at}: {result:?}"),
        }
    }
}

#[test]
fn a_file_that_somebody_else_removes_is_removed() {
    let sandbox = Sandbox::rendered();
    let rest = || files().into_iter().skip(1);
    write_to(&Faulty::new(Fault::Removed, 0), &sandbox.root, &scope(), rest().map(Ok), RENDER).unwrap();
    assert!(!sandbox.exists("generated/dev/compose.yaml"));
    assert!(sandbox.differences(rest().collect()).is_empty());
}

#[test]
fn after_a_refusal_nothing_is_staged() {
    let sandbox = Sandbox::new();
    sandbox.put("generated/dev/a.txt", "mine");
    let disk = Faulty::new(Fault::Full, usize::MAX);
    let files = [file("generated/dev/a.txt", "a"), file("generated/dev/b.txt", "b")].map(Ok);
    assert!(matches!(write_to(&disk, &sandbox.root, &scope(), files, RENDER), Err(Error::Refused(_))));
    assert_eq!(disk.done.get(), 0);
}
