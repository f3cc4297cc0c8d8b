//! A spec in memory, written as one text: `#%% path` starts a file, and the first one is the main file.

use std::io;
use std::path::Path;

use camino::Utf8Path;
use stackgen::Plan;
use stackgen::diagnostic::Diagnostic;
use stackgen::spec::files::{Files, Found};
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ReadError};
use tempfile::TempDir;

/// The files of `spec/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// By path below `spec/`.
    pub files: Vec<(String, Vec<u8>)>,
}

const MARK: &[u8] = b"#%% ";

impl Spec {
    pub fn read(input: &[u8]) -> Self {
        let mut files = vec![("stack.toml".to_owned(), Vec::new())];
        for line in input.split_inclusive(|&byte| byte == b'\n') {
            if let Some(path) = line.strip_prefix(MARK) {
                files.push((String::from_utf8_lossy(path).trim().to_owned(), Vec::new()));
            } else {
                files.last_mut().unwrap().1.extend_from_slice(line);
            }
        }
        Self { files }
    }

    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (index, (path, bytes)) in self.files.iter().enumerate() {
            if index > 0 {
                if !text.ends_with(b"\n") {
                    text.push(b'\n');
                }
                text.extend_from_slice(MARK);
                text.extend_from_slice(path.as_bytes());
                text.push(b'\n');
            }
            text.extend_from_slice(bytes);
        }
        text
    }

    /// Its sources, or what is wrong with them.
    pub fn sources(&self) -> Result<Sources, (Sources, Vec<Diagnostic>)> {
        spec::read_from(self, &spec::Location::default()).map_err(|(sources, error)| match error {
            ReadError::Refused(diagnostics) => (sources, diagnostics.into_sorted()),
            ReadError::Io(path, error) => panic!("{path}: {error}"),
        })
    }

    pub fn plan(&self) -> Result<(Sources, Vec<Plan>), (Sources, Vec<Diagnostic>)> {
        let sources = self.sources()?;
        match stackgen::plan(&sources, None) {
            Ok(plans) => Ok((sources, plans)),
            Err(diagnostics) => Err((sources, diagnostics)),
        }
    }

    fn find(&self, path: &Utf8Path) -> io::Result<&Vec<u8>> {
        let below = path.as_str().strip_prefix("spec/").unwrap_or_default();
        let file = self.files.iter().find(|(path, _)| path == below);
        file.map(|(_, bytes)| bytes).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Files for Spec {
    fn look(&self, path: &Utf8Path) -> io::Result<Found> {
        Ok(Found { is_file: true, size: self.find(path)?.len() as u64 })
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        self.find(path).cloned()
    }

    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>> {
        let below = folder.as_str().strip_prefix("spec/").unwrap_or_default();
        let names = self.files.iter().filter_map(|(path, _)| path.strip_prefix(below)?.strip_prefix('/'));
        let names = names.filter_map(|name| name.split('/').next());
        let mut names: Vec<String> = names.map(ToOwned::to_owned).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// A folder for a case, in memory if the system has such a place.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}
