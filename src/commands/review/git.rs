//! The spec at a Git revision, read from the object database.

use std::collections::BTreeMap;
use std::{fmt, fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::spec::files::{Files, Found};
use stackgen::{folder, spec};

use super::super::git::{Failure, Git, failure};

/// Characters of a commit ID that are shown.
const SHORT: usize = 10;

/// The files of a project at a commit.
pub struct Revision<'r> {
    git: Git<'r>,
    /// As given by the user.
    pub name: String,
    /// The commit that is read.
    pub commit: String,
    /// Whether the commit is the merge base of the revision and HEAD rather than the revision itself.
    pub is_merge_base: bool,
    /// The path of the project in its repository, with a `/` at the end.
    prefix: String,
    /// Files in the folder of the spec, by their path below the project's root.
    entries: BTreeMap<Utf8PathBuf, Entry>,
}

/// A file of a tree.
struct Entry {
    mode: String,
    object: String,
    size: u64,
    /// The folder of its repository below the project's root: that of a submodule, or none.
    submodule: Utf8PathBuf,
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
    pub fn find(root: &'r Utf8Path, spec: &Utf8Path, name: &str) -> Result<Self, Failure> {
        let git = Git::new(root)?;
        // It could be mistaken for an option.
        if name.is_empty() || name.starts_with('-') || name.contains(char::is_control) {
            let shown = name.escape_default();
            return Err(Failure::invalid(format!("invalid revision `{shown}`: expected a branch, tag or commit")));
        }
        let prefix =
            git.prefix("`gen review` compares with a commit, so run `git init` and commit the project first")?;
        let Some(wanted) = git.commit(name)? else { return Err(git.unknown(name)?) };
        let base = git.merge_base(name, &wanted)?.unwrap_or_else(|| wanted.clone());
        let mut entries = BTreeMap::new();
        git.list(&base, Utf8Path::new(""), &prefix, spec.as_str(), &mut entries)?;
        Ok(Self { git, name: name.to_owned(), is_merge_base: base != wanted, commit: base, prefix, entries })
    }

    /// Whether there is a file.
    pub fn has(&self, path: &Utf8Path) -> bool {
        self.entries.contains_key(path)
    }

    /// What is at a path anywhere in the project: its mode, and its bytes.
    ///
    /// # Errors
    /// Git can't tell.
    pub fn at(&self, path: &Utf8Path) -> io::Result<Option<(String, Vec<u8>)>> {
        let mut entries = BTreeMap::new();
        let listed = self.git.list(&self.commit, Utf8Path::new(""), &self.prefix, path.as_str(), &mut entries);
        listed.map_err(|failure| io::Error::other(failure.message))?;
        let Some(entry) = entries.remove(path) else { return Ok(None) };
        if entry.size > spec::LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let bytes = self.blob(&entry)?;
        Ok(Some((entry.mode, bytes)))
    }

    /// What the index has at some paths, and not as the commit has it.
    ///
    /// # Errors
    /// Git can't tell.
    pub fn changed(&self, paths: &[&str]) -> Result<Vec<String>, Failure> {
        let arguments =
            ["diff-index", "--cached", "--name-only", "-z", "--no-renames", "--relative", "--diff-filter=d"];
        let listed = self.git.succeed("", &[&arguments[..], &[&self.commit, "--"], paths].concat())?;
        Ok(listed.split_terminator('\0').map(ToOwned::to_owned).collect())
    }

    fn blob(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        let arguments = ["cat-file", "blob", &entry.object];
        let output = self.git.command(&entry.submodule, &arguments).output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(io::Error::other(format!("{}; {MISSING}", failure(&arguments, &output).message)))
    }

    fn below(&self, folder: &Utf8Path) -> impl Iterator<Item = &Utf8Path> {
        self.entries.keys().filter_map(move |path| path.strip_prefix(folder).ok())
    }
}

impl Git<'_> {
    /// The object that a name stands for, if there is one.
    fn object(&self, name: &str) -> Result<Option<String>, Failure> {
        let output = self.run("", &["rev-parse", "--verify", "--quiet", name])?;
        let text = String::from_utf8_lossy(&output.stdout);
        let object = text.trim();
        // `^main` would be printed as what it excludes.
        let found =
            output.status.success() && object.len() >= 40 && object.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(found.then(|| object.to_owned()))
    }

    /// The commit that a name stands for.
    fn commit(&self, name: &str) -> Result<Option<String>, Failure> {
        let found = self.object(&format!("{name}^{{commit}}"))?;
        if found.is_none()
            && let Some(object) = self.object(name)?
            && !self.run("", &["cat-file", "-t", &object])?.status.success()
        {
            return Err(Failure::failed(format!("object {object} of `{name}` is missing or damaged; {MISSING}")));
        }
        Ok(found)
    }

    fn is_shallow(&self) -> Result<bool, Failure> {
        Ok(self.succeed("", &["rev-parse", "--is-shallow-repository"])?.trim() == "true")
    }

    fn unknown(&self, name: &str) -> Result<Failure, Failure> {
        if self.commit("HEAD")?.is_none() {
            self.check_empty()?;
            return Ok(Failure::invalid("the repository has no commits yet"));
        }
        let help = if self.is_shallow()? {
            "the clone is shallow: run `git fetch --unshallow`, or fetch the revision with `git fetch origin REF`"
        } else {
            "expected a branch, tag or commit; it may have to be fetched first"
        };
        Ok(Failure::invalid(format!("unknown revision `{name}`; {help}")))
    }

    /// Checks that a repository without a current commit has none at all: Git says nothing of files that it can't read.
    fn check_empty(&self) -> Result<(), Failure> {
        let folder = self.succeed("", &["rev-parse", "--git-common-dir"])?;
        let folder = self.root.join(folder.strip_suffix('\n').unwrap_or(&folder));
        for (name, is_folder) in [("HEAD", false), ("packed-refs", false), ("refs", true), ("objects", true)] {
            let path = folder.join(name);
            let read =
                if is_folder { folder::entries(path.as_std_path()).map(drop) } else { fs::read(&path).map(drop) };
            match read {
                Err(error) if name != "packed-refs" || error.kind() != io::ErrorKind::NotFound => {
                    return Err(Failure::failed(format!("cannot read `.git/{name}`: {error}; {MISSING}")));
                }
                _ => {}
            }
        }
        let arguments = ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"];
        if self.succeed("", &arguments)?.lines().any(|kind| kind == "commit") {
            return Err(Failure::failed(format!("the repository has commits, but no branch has any; {MISSING}")));
        }
        Ok(())
    }

    /// The merge base of HEAD and another commit.
    fn merge_base(&self, name: &str, other: &str) -> Result<Option<String>, Failure> {
        let Some(head) = self.commit("HEAD")? else { return Ok(None) };
        if head == other {
            return Ok(None);
        }
        let output = self.run("", &["merge-base", other, &head])?;
        let text = String::from_utf8_lossy(&output.stdout);
        match output.status.code() {
            Some(0) => Ok(text.lines().next().map(ToOwned::to_owned)),
            // There is none.
            Some(1) if self.is_shallow()? => Err(Failure::failed(format!(
                "the clone is shallow and has no common ancestor with `{name}`; run `git fetch --unshallow` \
                 (in actions/checkout: `fetch-depth: 0`)"
            ))),
            Some(1) => Ok(None),
            _ => Err(failure(&["merge-base"], &output)),
        }
    }

    /// Adds the files at a path of a tree, and those of its submodules. The repository in `folder` has the paths of the
    /// project below `prefix`.
    fn list(
        &self,
        tree: &str,
        folder: &Utf8Path,
        prefix: &str,
        path: &str,
        entries: &mut BTreeMap<Utf8PathBuf, Entry>,
    ) -> Result<(), Failure> {
        let path = format!("{prefix}{path}");
        let mut arguments = vec!["ls-tree", "-r", "-l", "-z", "--full-tree", tree];
        if !path.is_empty() {
            arguments.extend(["--", &path]);
        }
        for line in self.succeed(folder, &arguments)?.split_terminator('\0') {
            // `100644 blob <object>    <size>\t<path>`
            let Some((fields, path)) = line.split_once('\t') else { continue };
            let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
            let (&[mode, kind, object, size], Some(path)) = (fields.as_slice(), path.strip_prefix(prefix)) else {
                continue;
            };
            let path = folder.join(path);
            if kind == "commit" {
                self.check_submodule(&path, object)?;
                self.list(object, &path, "", "", entries)?;
                continue;
            }
            let entry = Entry {
                mode: mode.to_owned(),
                object: object.to_owned(),
                size: size.parse().unwrap_or_default(),
                submodule: folder.to_owned(),
            };
            entries.insert(path, entry);
        }
        Ok(())
    }

    /// Checks that a submodule can be read at a commit.
    fn check_submodule(&self, path: &Utf8Path, commit: &str) -> Result<(), Failure> {
        if self.root.join(path).join(".git").symlink_metadata().is_err() {
            return Err(Failure::failed(format!(
                "`{path}` is a submodule that is not checked out: run `git submodule update --init {path}`"
            )));
        }
        if self.run(path, &["cat-file", "-e", commit])?.status.success() {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "the submodule `{path}` does not have commit {commit}: run `git -C {path} fetch origin {commit}`"
        )))
    }
}

/// What to do about a missing object.
const MISSING: &str =
    "check the repository with `git fsck`; a partial clone gets all objects with `git fetch --refetch`";

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
        self.blob(self.entries.get(path).ok_or(io::ErrorKind::NotFound)?)
    }

    fn names(&self, folder: &Utf8Path) -> io::Result<Vec<String>> {
        let mut names: Vec<String> =
            self.below(folder).filter_map(|path| Some(path.components().next()?.as_str().to_owned())).collect();
        names.dedup();
        if names.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(names) }
    }
}
