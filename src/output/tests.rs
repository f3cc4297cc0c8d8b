mod crash;
mod reading;
#[cfg(unix)]
mod replacing;
mod writing;

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use super::digest::Digest;
use super::{Comparison, Error, File, Kept, Options, Scope, Written, compare, write};

const MANIFEST: &str = "generated/dev/manifest.sha256";
const RENDER: Options = Options { force: false, dry_run: false, prune: true, kept: &[] };
const FORCE: Options = Options { force: true, ..RENDER };
const KEEP: Options = Options { prune: false, ..RENDER };
const DRY: Options = Options { dry_run: true, ..RENDER };

fn scope() -> Scope {
    Scope {
        manifest: MANIFEST.into(),
        folders: vec!["generated/dev".into(), "terraform/dev".into()],
        ..Scope::default()
    }
}

fn file(path: &str, contents: &str) -> File {
    File { path: path.into(), executable: Utf8Path::new(path).extension() == Some("sh"), contents: contents.into() }
}

/// Three files in three directories, one of them executable.
fn files() -> Vec<File> {
    vec![
        file("generated/dev/compose.yaml", "services:\n  web:\n"),
        file("generated/dev/temporal/start.sh", "#!/bin/sh\nexec temporal\n"),
        file("terraform/dev/main.tf", "terraform {}\n"),
    ]
}

fn digest(contents: &str) -> String {
    Digest::of(contents.as_bytes()).to_string()
}

/// A root of its own, removed in the end.
struct Sandbox {
    root: Utf8PathBuf,
    _directory: tempfile::TempDir,
}

/// A path with its mode, its time of modification and its bytes or target.
type Snapshot = BTreeMap<Utf8PathBuf, (u32, SystemTime, Vec<u8>)>;

impl Sandbox {
    fn new() -> Self {
        // In memory where that is to be had: some file systems flush at each rename over a file.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let root = Utf8Path::from_path(directory.path()).unwrap().join("root");
        fs::create_dir(&root).unwrap();
        Self { root, _directory: directory }
    }

    /// With [`files`] rendered.
    fn rendered() -> Self {
        let sandbox = Self::new();
        sandbox.write(files(), RENDER).unwrap();
        sandbox
    }

    fn path(&self, path: &str) -> Utf8PathBuf {
        self.root.join(path)
    }

    fn put(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    fn compare(&self, files: Vec<File>) -> Result<Comparison, Error> {
        compare(&self.root, &scope(), files.into_iter().map(Ok))
    }

    fn write(&self, files: Vec<File>, options: Options) -> Result<Written, Error> {
        write(&self.root, &scope(), files.into_iter().map(Ok), options)
    }

    /// Each difference as `path: cause`, in the order in which they are reported.
    fn differences(&self, files: Vec<File>) -> Vec<String> {
        let differences = self.compare(files).unwrap().differences;
        differences.iter().map(|difference| format!("{}: {:?}", difference.path, difference.cause)).collect()
    }

    fn refused(&self, files: Vec<File>, options: Options) -> Vec<String> {
        match self.write(files, options) {
            Err(Error::Refused(findings)) => {
                findings.iter().map(|finding| format!("{}: {:?}", finding.path, finding.cause)).collect()
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir_utf8().unwrap() {
                let path = entry.unwrap().into_path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let bytes = if metadata.is_symlink() {
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                } else if metadata.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                snapshot.insert(path, (mode(&metadata), metadata.modified().unwrap(), bytes));
            }
        }
        snapshot
    }
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode()
}

#[cfg(not(unix))]
fn mode(metadata: &fs::Metadata) -> u32 {
    u32::from(metadata.permissions().readonly())
}

#[cfg(unix)]
fn set_mode(path: &Utf8Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn paths(findings: &[super::Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.path.as_str()).collect()
}
