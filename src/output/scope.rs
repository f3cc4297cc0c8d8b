use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::{Error, PathProblem, Scope};

/// The name of the staging directory.
const STAGING: &str = ".staging";

impl Scope {
    /// Refuses a scope that could reach outside of its root, or whose manifest is outside of its folders.
    pub(super) fn check(&self) -> Result<(), Error> {
        for path in self.folders.iter().chain([&self.manifest]) {
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

    /// Whether a file or folder that is not an output may be in the folders.
    pub(super) fn tolerates(&self, path: &str) -> bool {
        self.others.is_none() || path == self.manifest.as_str() || self.is_users(path)
    }

    /// Whether a file or folder is the user's: it is never deleted, whatever a manifest says.
    pub(super) fn is_users(&self, path: &str) -> bool {
        self.others.iter().flatten().any(|other| match other.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path.strip_prefix(other.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        })
    }

    /// The folders but for those that are all the user's, which may be links to anywhere.
    pub fn own_folders(&self) -> impl Iterator<Item = &Utf8Path> {
        self.folders.iter().map(Utf8PathBuf::as_path).filter(|folder| !self.is_users(folder.as_str()))
    }

    fn holds(&self, path: &str) -> bool {
        self.folders.iter().any(|folder| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')))
    }
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
            others: Some(vec!["generated/dev/.env".into(), "terraform/dev/data".into(), "terraform/dev/state*".into()]),
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
            assert_eq!(scope().tolerates(path), may, "{path}");
        }
        assert!(Scope { others: None, ..scope() }.tolerates("generated/dev/a"));
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
            let scope = Scope { manifest: manifest.into(), folders: vec![folder.into()], others: None };
            assert!(scope.check().is_err(), "{manifest} {folder}");
        }
    }
}
