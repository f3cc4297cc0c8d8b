//! The spec at a Git revision, read from the object database.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::process::{Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::spec::files::{Files, Found};

use super::super::Outcome;

/// Characters of a commit ID that are shown.
const SHORT: usize = 10;

/// Why a revision can't be read.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong, and a way out.
    pub message: String,
    /// Whether the command line is wrong or the system failed.
    pub outcome: Outcome,
}

impl Failure {
    fn invalid(message: impl Into<String>) -> Self {
        Self { message: message.into(), outcome: Outcome::Invalid }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), outcome: Outcome::Failed }
    }
}

/// The files of a project at a commit.
pub struct Revision<'r> {
    root: &'r Utf8Path,
    /// As given by the user.
    pub name: String,
    /// The commit that is read.
    pub commit: String,
    /// Whether the commit is the merge base of the revision and HEAD rather than the revision itself.
    pub is_merge_base: bool,
    /// Files below `spec/`, by their path below the project's root.
    entries: BTreeMap<Utf8PathBuf, Entry>,
}

/// A file of a tree.
struct Entry {
    mode: String,
    object: String,
    size: u64,
}

impl fmt::Display for Revision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self.commit.get(..SHORT).unwrap_or(&self.commit);
        if self.is_merge_base {
            write!(f, "the merge base with `{}` ({commit})", self.name)
        } else {
            write!(f, "`{}` ({commit})", self.name)
        }
    }
}

impl<'r> Revision<'r> {
    /// Finds a revision of the repository that a project is in.
    ///
    /// # Errors
    /// If there is no repository or no such revision, or git can't be run.
    pub fn find(root: &'r Utf8Path, name: &str) -> Result<Self, Failure> {
        // It could be mistaken for an option.
        if name.is_empty() || name.starts_with('-') || name.contains(char::is_control) {
            let shown = name.escape_default();
            return Err(Failure::invalid(format!("invalid revision `{shown}`: expected a branch, tag or commit")));
        }
        let prefix = succeed(root, &["rev-parse", "--show-prefix"])?;
        let prefix = prefix.strip_suffix('\n').unwrap_or(&prefix).to_owned();
        let Some(wanted) = commit(root, name)? else { return Err(unknown(root, name)?) };
        let base = merge_base(root, name, &wanted)?.unwrap_or_else(|| wanted.clone());
        let tree =
            succeed(root, &["ls-tree", "-r", "-l", "-z", "--full-tree", &base, "--", &format!("{prefix}spec/")])?;
        let mut entries = BTreeMap::new();
        for line in tree.split_terminator('\0') {
            // `100644 blob <object>    <size>\t<path>`
            let Some((fields, path)) = line.split_once('\t') else { continue };
            let mut fields = fields.split_ascii_whitespace();
            let (Some(mode), Some(_), Some(object), Some(size)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            if let Some(path) = path.strip_prefix(&prefix) {
                let entry = Entry {
                    mode: mode.to_owned(),
                    object: object.to_owned(),
                    // A submodule has none.
                    size: size.parse().unwrap_or_default(),
                };
                entries.insert(Utf8PathBuf::from(path), entry);
            }
        }
        Ok(Self { root, name: name.to_owned(), is_merge_base: base != wanted, commit: base, entries })
    }

    /// Whether there is a file.
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(Utf8Path::new(path))
    }

    fn below(&self, folder: &Utf8Path) -> impl Iterator<Item = &Utf8Path> {
        self.entries.keys().filter_map(move |path| path.strip_prefix(folder).ok())
    }
}

/// The commit that a name stands for.
fn commit(root: &Utf8Path, name: &str) -> Result<Option<String>, Failure> {
    let output = run(root, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
    let text = String::from_utf8_lossy(&output.stdout);
    let object = text.trim();
    // `^main` would be printed as what it excludes.
    let found = output.status.success() && object.len() >= 40 && object.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(found.then(|| object.to_owned()))
}

fn is_shallow(root: &Utf8Path) -> Result<bool, Failure> {
    Ok(succeed(root, &["rev-parse", "--is-shallow-repository"])?.trim() == "true")
}

fn unknown(root: &Utf8Path, name: &str) -> Result<Failure, Failure> {
    if commit(root, "HEAD")?.is_none() {
        let message = "the repository has no commits yet";
        return Ok(Failure::invalid(message));
    }
    let help = if is_shallow(root)? {
        "the clone is shallow: run `git fetch --unshallow`, or fetch the revision with `git fetch origin REF`"
    } else {
        "expected a branch, tag or commit; it may have to be fetched first"
    };
    Ok(Failure::invalid(format!("unknown revision `{name}`; {help}")))
}

/// The merge base of HEAD and another commit.
fn merge_base(root: &Utf8Path, name: &str, other: &str) -> Result<Option<String>, Failure> {
    let Some(head) = commit(root, "HEAD")? else { return Ok(None) };
    if head == other {
        return Ok(None);
    }
    let output = run(root, &["merge-base", other, &head])?;
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(text.lines().next().map(ToOwned::to_owned)),
        // There is none.
        Some(1) if is_shallow(root)? => Err(Failure::failed(format!(
            "the clone is shallow and has no common ancestor with `{name}`; run `git fetch --unshallow` \
             (in actions/checkout: `fetch-depth: 0`)"
        ))),
        Some(1) => Ok(None),
        _ => Err(failure(&["merge-base"], &output)),
    }
}

/// Runs git without side effects on the repository that contains the project, whatever repository or directory a Git
/// hook has set in the environment.
fn command(root: &Utf8Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(root).stdin(Stdio::null()).env("GIT_OPTIONAL_LOCKS", "0");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"] {
        command.env_remove(variable);
    }
    command
}

fn run(root: &Utf8Path, arguments: &[&str]) -> Result<Output, Failure> {
    command(root, arguments).output().map_err(|error| not_run(&error))
}

fn not_run(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        Failure::failed("`git` is not installed or not on PATH")
    } else {
        Failure::failed(format!("cannot run `git`: {error}"))
    }
}

fn succeed(root: &Utf8Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = run(root, arguments)?;
    if !output.status.success() {
        return Err(failure(arguments, &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failure(arguments: &[&str], output: &Output) -> Failure {
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    let said = if said.is_empty() { "no error message" } else { said };
    Failure::failed(format!("`git {}` failed: {said}", arguments.first().copied().unwrap_or_default()))
}

impl Files for Revision<'_> {
    fn look(&self, path: &Utf8Path) -> io::Result<Found> {
        match self.entries.get(path) {
            Some(entry) if entry.mode.starts_with("100") => Ok(Found { is_file: true, size: entry.size }),
            // The target may be outside of the repository.
            Some(entry) if entry.mode == "120000" => {
                Err(io::Error::other("symbolic links are not followed in a revision"))
            }
            Some(_) => Ok(Found { is_file: false, size: 0 }),
            None if self.below(path).next().is_some() => Ok(Found { is_file: false, size: 0 }),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn read(&self, path: &Utf8Path) -> io::Result<Vec<u8>> {
        let entry = self.entries.get(path).ok_or(io::ErrorKind::NotFound)?;
        let arguments = ["cat-file", "blob", &entry.object];
        let output = command(self.root, &arguments).output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(io::Error::other(failure(&arguments, &output).message))
    }

    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>> {
        let mut names: Vec<String> =
            self.below(folder).filter_map(|path| Some(path.components().next()?.as_str().to_owned())).collect();
        names.dedup();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }
}
