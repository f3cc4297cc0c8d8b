//! A project in a folder of its own, and the binary run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The reference spec with its profile `dev` only.
pub const REFERENCE: &str = until(WHOLE_REFERENCE, "\n# ---- the profile `local`");

/// The reference spec with all of its profiles.
pub const WHOLE_REFERENCE: &str = include_str!("../../spec/stack.toml");

/// The part of a text that is before another one.
const fn until(text: &'static str, end: &str) -> &'static str {
    let (bytes, end) = (text.as_bytes(), end.as_bytes());
    let mut at = 0;
    while at + end.len() <= bytes.len() {
        let mut same = 0;
        while same < end.len() && bytes[at + same] == end[same] {
            same += 1;
        }
        if same == end.len() {
            return text.split_at(at).0;
        }
        at += 1;
    }
    panic!("the text has no such part");
}

/// Its dashboards.
pub const DASHBOARDS: [(&str, &str); 4] = [
    ("spec/dashboards/copilot.toml", include_str!("../../spec/dashboards/copilot.toml")),
    ("spec/dashboards/persistence.toml", include_str!("../../spec/dashboards/persistence.toml")),
    ("spec/dashboards/server.toml", include_str!("../../spec/dashboards/server.toml")),
    ("spec/dashboards/postgresql.toml", include_str!("../../spec/dashboards/postgresql.toml")),
];

/// The template of its own file.
pub const POLLER: (&str, &str) = ("spec/files/poller.py", include_str!("../../spec/files/poller.py"));

/// The files that belong to a spec besides: those of the reference, if it names them.
pub fn files_of(spec: &[u8]) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let has = |words: &[u8]| spec.windows(words.len()).any(|part| part == words);
    let dashboards = has(b"folders = { server").then_some(DASHBOARDS);
    dashboards.into_iter().flatten().chain(has(POLLER.0.as_bytes()).then_some(POLLER))
}

/// A project.
pub struct Project {
    folder: TempDir,
}

/// How a run of the binary ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Asserts that a run has nothing to say but what it printed.
pub fn clean(run: &Run) {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A folder with a main file, and the dashboards that belong to it.
    pub fn new(spec: impl AsRef<[u8]>) -> Self {
        let project = Self::empty();
        for (path, text) in files_of(spec.as_ref()) {
            project.write(path, text);
        }
        project.write("spec/stack.toml", spec);
        project
    }

    /// A folder with the reference spec, rendered.
    pub fn reference() -> Self {
        let project = Self::new(REFERENCE);
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        project
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The full path of a file.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// Writes a file and the folders above it.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Replaces a piece of a file that stands in it once.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
        self.write(path, text.replace(from, to));
    }

    /// Runs the binary in the folder.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_in(".", arguments)
    }

    /// Runs the binary in a folder below.
    pub fn run_in(&self, folder: &str, arguments: &[&str]) -> Run {
        self.command(arguments).current_dir(self.path(folder)).output().unwrap().into()
    }

    /// What `gen list` has of something.
    pub fn listed(&self, what: &str) -> Vec<Value> {
        let run = self.run(&["list", what, "--format", "json"]);
        clean(&run);
        let mut report: Value = serde_json::from_str(&run.stdout).unwrap();
        let Value::Array(rows) = report[what].take() else { panic!("{}", run.stdout) };
        rows
    }

    /// The binary with these arguments, to be run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gen"));
        command.args(arguments).current_dir(self.root()).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
        command
    }

    /// Every file that a render writes, with its bytes, sorted by path.
    pub fn outputs(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for folder in ["generated", "terraform", "spec"] {
            collect(self.root(), &self.path(folder), &mut files);
        }
        files.retain(|(path, _)| {
            !path.starts_with("spec/")
                || [".schema.json", ".sha256", "REFERENCE.md"].iter().any(|end| path.ends_with(end))
        });
        files.sort();
        files
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push((name, fs::read(&path).unwrap()));
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
