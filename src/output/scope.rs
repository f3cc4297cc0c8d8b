use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::{Error, PathProblem, Scope};

/// The name of the staging directory.
const STAGING: &str = ".staging";

impl Scope {
    /// Refuses a scope that could reach outside of its root, or whose manifest is outside of its folders.
    pub(super) fn check(&self) -> Result<(), Error> {
        for path in self.folders.iter().chain(&self.former).chain([&self.manifest]) {
            if !is_plain(path.as_str()) {
                return Err(Error::Path { path: path.clone(), problem: PathProblem::NotPlain });
            }
        }
        if !self.holds(self.manifest.as_str()) {
            return Err(Error::Path { path: self.manifest.clone(), problem: PathProblem::OutsideScope });
        }
        Ok(())
    }

    /// Whether the profile may own a file at this path.
    pub(super) fn admits(&self, path: &str) -> Result<(), PathProblem> {
        if !is_plain(path) {
            Err(PathProblem::NotPlain)
        } else if !self.holds(path) {
            Err(PathProblem::OutsideScope)
        } else if path == self.manifest.as_str() || self.is_staged(path) {
            Err(PathProblem::Reserved)
        } else {
            Ok(())
        }
    }

    /// Next to the outputs, so that a rename stays on one file system; the same for all profiles, since the lock allows only
    /// one writer.
    pub(super) fn staging(&self) -> Utf8PathBuf {
        let mut staging: Utf8PathBuf = self.manifest.components().take(1).collect();
        staging.push(STAGING);
        staging
    }

    /// Whether the path is the staging directory or below it. Compares strings for speed.
    fn is_staged(&self, path: &str) -> bool {
        let top = |path| str::split_once(path, '/');
        match (top(path), top(self.manifest.as_str())) {
            (Some((ours, rest)), Some((theirs, _))) => ours == theirs && rest.split('/').next() == Some(STAGING),
            _ => false,
        }
    }

    /// Whether something that is not an output may be in the folders.
    pub(super) fn tolerates(&self, path: &str, is_file: bool) -> bool {
        let Some(others) = &self.others else { return true };
        let is_named = |file: &String| match file.strip_suffix('*') {
            Some(start) => path.strip_prefix(start).is_some_and(|rest| !rest.contains('/')),
            None => path == file,
        };
        path == self.manifest.as_str()
            || others.iter().any(|other| is_in(path, other))
            || (is_file && self.files.iter().any(is_named))
    }

    /// Whether a file or folder is the user's: it is never deleted, whatever a manifest says.
    pub(super) fn is_users(&self, path: &str) -> bool {
        let of_user = |file: &String| match file.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => is_in(path, file),
        };
        self.others.iter().flatten().any(|other| is_in(path, other)) || self.files.iter().any(of_user)
    }

    /// Whether containers may read a file or folder: next to the manifest, but not where others have files, as next to the
    /// spec.
    pub(super) fn is_mounted(&self, path: &Utf8Path) -> bool {
        self.others.is_some() && self.manifest.parent().is_some_and(|folder| path.starts_with(folder))
    }

    /// The folders but for those that are all the user's, which may be links to anywhere.
    pub fn own_folders(&self) -> impl Iterator<Item = &Utf8Path> {
        self.folders.iter().map(Utf8PathBuf::as_path).filter(|folder| !self.is_users(folder.as_str()))
    }

    fn holds(&self, path: &str) -> bool {
        self.folders
            .iter()
            .chain(&self.former)
            .any(|folder| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// Whether a path is another one or in it.
fn is_in(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `sha256sum` would escape control characters and backslashes. On Windows a backslash is a separator, and the last
/// condition excludes drives.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains(|c: char| c.is_control() || c == '\\')
        && Utf8Path::new(path).components().all(|part| matches!(part, Utf8Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            manifest: "generated/dev/manifest.sha256".into(),
            folders: vec!["generated/dev".into(), "terraform/dev".into()],
            others: Some(vec!["terraform/dev/data".into()]),
            files: vec!["generated/dev/.env".into(), "terraform/dev/state*".into()],
            ..Scope::default()
        }
    }

    #[test]
    fn only_plain_paths_below_the_folders_are_admitted() {
        use PathProblem::{NotPlain, OutsideScope, Reserved};
        for (path, verdict) in [
            ("generated/dev/a", Ok(())),
            ("terraform/dev/a b/é.tf", Ok(())),
            ("generated/dev/..a", Ok(())),
            ("", Err(NotPlain)),
            ("/etc/passwd", Err(NotPlain)),
            ("generated/dev/../prod/a", Err(NotPlain)),
            ("generated/dev/./a", Err(NotPlain)),
            ("generated/dev//a", Err(NotPlain)),
            ("generated/dev/a/", Err(NotPlain)),
            ("generated/dev/a\\b", Err(NotPlain)),
            ("generated/dev/a\nb", Err(NotPlain)),
            ("generated/dev", Err(OutsideScope)),
            ("generated/developer/a", Err(OutsideScope)),
            ("generated/prod/a", Err(OutsideScope)),
            ("generated/dev/manifest.sha256", Err(Reserved)),
        ] {
            assert_eq!(scope().admits(path), verdict, "{path:?}");
        }
        let wide = Scope { folders: vec!["generated".into()], ..scope() };
        assert_eq!(wide.admits("generated/.staging/0"), Err(Reserved));
        assert_eq!(wide.admits("generated/.staging"), Err(Reserved));
        assert_eq!(wide.admits("generated/.staging0"), Ok(()));
    }

    #[test]
    fn what_may_be_there_besides_the_outputs() {
        for (path, may) in [
            ("generated/dev/manifest.sha256", true),
            ("generated/dev/.env", true),
            ("generated/dev/.env2", false),
            ("terraform/dev/data", true),
            ("terraform/dev/data/a/b", true),
            ("terraform/dev/database", false),
            ("terraform/dev/state.1", true),
            ("terraform/dev/zz.tf", false),
        ] {
            assert_eq!(scope().tolerates(path, true), may, "{path}");
        }
        assert!(Scope { others: None, ..scope() }.tolerates("generated/dev/a", true));
        // A folder of such a name is not the user's, nor is what is in it; but neither is deleted.
        for path in ["generated/dev/.env", "terraform/dev/state.d"] {
            assert!(!scope().tolerates(path, false) && scope().is_users(path), "{path}");
            let inside = format!("{path}/x.tf");
            assert!(!scope().tolerates(&inside, true) && scope().is_users(&inside), "{path}");
        }
    }

    #[test]
    fn a_scope_that_reaches_outside_is_refused() {
        assert!(scope().check().is_ok());
        for (manifest, folder) in [
            ("generated/dev/manifest.sha256", ".."),
            ("generated/dev/manifest.sha256", "/etc"),
            ("../manifest.sha256", "generated/dev"),
            ("generated/manifest.sha256", "generated/dev"),
        ] {
            let scope = Scope { manifest: manifest.into(), folders: vec![folder.into()], ..scope() };
            assert!(scope.check().is_err(), "{manifest} {folder}");
        }
    }
}
