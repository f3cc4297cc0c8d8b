//! Where a spec is in its project.

use std::fmt::Write as _;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::MAIN;
use crate::lit::shell;

/// The main file of a spec. What else belongs to the spec is in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    main: Utf8PathBuf,
    /// The root of the project, if its paths are shown relative to a folder above it.
    below: Utf8PathBuf,
}

impl Default for Location {
    fn default() -> Self {
        Self { main: MAIN.into(), below: Utf8PathBuf::new() }
    }
}

impl Location {
    /// The location of a main file, by its path relative to the root: in a folder, since what is generated beside it has
    /// one of its own; so there is one a folder. `None` if it can't be one: it is named in comments of all outputs.
    pub fn new(path: &Utf8Path) -> Option<Self> {
        let main: Utf8PathBuf = path.components().filter(|part| *part != Utf8Component::CurDir).collect();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ' | '/');
        let is_plain = main.components().all(|part| matches!(part, Utf8Component::Normal(_)));
        // Not `/` on every system.
        let main = Utf8PathBuf::from(main.components().map(|part| part.as_str()).collect::<Vec<_>>().join("/"));
        let has_folder = main.parent().is_some_and(|folder| !folder.as_str().is_empty());
        let is_named = main.file_name() == Utf8Path::new(MAIN).file_name();
        (is_plain && has_folder && is_named && main.as_str().chars().all(is_allowed))
            .then_some(Self { main, ..Self::default() })
    }

    /// The default one in a project whose paths are shown relative to a folder above it.
    pub fn below(root: &Utf8Path) -> Self {
        Self { below: crate::shown::visible(root.as_str()).into(), ..Self::default() }
    }

    /// As it is in the project's own folder: outputs don't depend on where `gen` runs.
    pub fn in_root(&self) -> Self {
        Self { main: self.main.clone(), ..Self::default() }
    }

    /// A path of the project as it is shown.
    pub fn shown(&self, path: &Utf8Path) -> Utf8PathBuf {
        if self.below.as_str().is_empty() { path.to_owned() } else { format!("{}/{path}", self.below).into() }
    }

    /// How `gen` is called for this spec in the current directory: `gen --spec ops/stack.toml`.
    pub fn program(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        let (option, path) = if self.below.as_str().is_empty() { ("--spec", &self.main) } else { ("-C", &self.below) };
        match path.as_str() {
            MAIN => "gen".to_owned(),
            path if path.chars().all(is_plain) => format!("gen {option} {path}"),
            path => format!("gen {option} {}", shell::string(path)),
        }
    }

    /// A text in which each command, such as `` `gen render` ``, is for this spec.
    pub fn commands(&self, text: &str) -> String {
        let mut parts = text.split("`gen ");
        let mut all = parts.next().unwrap_or_default().to_owned();
        let program = self.program();
        for part in parts {
            // An option says itself which spec it is for.
            let program = if part.starts_with('-') { "gen" } else { &program };
            let _ = write!(all, "`{program} {part}");
        }
        all
    }

    /// The main file, relative to the root.
    pub fn main(&self) -> &Utf8Path {
        &self.main
    }

    /// Its folder: includes and templates are in it.
    pub fn folder(&self) -> &Utf8Path {
        self.main.parent().unwrap_or(Utf8Path::new(""))
    }

    /// The folder in the root that the spec is in.
    pub fn top(&self) -> &str {
        self.main.components().next().map_or("", |part| part.as_str())
    }

    /// A file or folder beside the main file. Not `join`: paths have a `/` on every system.
    pub fn beside(&self, name: &str) -> Utf8PathBuf {
        format!("{}/{name}", self.folder()).into()
    }

    /// The folder of the dashboards, one file each.
    pub fn dashboards(&self) -> Utf8PathBuf {
        self.beside("dashboards")
    }

    /// The folder of the project's kinds, each in its own folder.
    pub fn kinds(&self) -> Utf8PathBuf {
        self.beside("kinds")
    }

    /// Whether it is where a spec is if nothing else is said.
    pub fn is_default(&self) -> bool {
        self.main == MAIN
    }

    /// The name of the dashboard that a file describes.
    pub(crate) fn dashboard_name<'p>(&self, path: &'p Utf8Path) -> Option<&'p str> {
        path.file_stem().filter(|_| path.parent().is_some_and(|folder| folder == self.dashboards()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_file_is_in_a_folder_of_the_project() {
        for (path, main) in [
            ("ops/stack.toml", Some("ops/stack.toml")),
            ("./ops/./a b/stack.toml", Some("ops/a b/stack.toml")),
            ("ops/other.toml", None),
            ("spec/stack.toml", Some("spec/stack.toml")),
            ("stack.toml", None),
            ("", None),
            ("..", None),
            ("../ops/stack.toml", None),
            ("ops/../stack.toml", None),
            ("/ops/stack.toml", None),
            ("ops/a\nb/stack.toml", None),
            ("a-->/stack.toml", None),
        ] {
            assert_eq!(Location::new(path.into()).map(|place| place.main), main.map(Utf8PathBuf::from), "{path}");
        }
        let text = "run `gen render`, or `gen -C a check`, not `general`";
        for (location, render) in [
            (Location::default(), "gen render"),
            (Location::below("services/shop".into()), "gen -C services/shop render"),
            (Location::new("ops/stack.toml".into()).unwrap(), "gen --spec ops/stack.toml render"),
            (Location::new("ops/a b/stack.toml".into()).unwrap(), "gen --spec 'ops/a b/stack.toml' render"),
        ] {
            assert_eq!(location.commands(text), text.replace("gen render", render));
        }
        let location = Location::new("a/b/stack.toml".into()).unwrap();
        assert_eq!((location.folder().as_str(), location.top()), ("a/b", "a"));
        assert_eq!(location.dashboard_name("a/b/dashboards/x.toml".into()), Some("x"));
        assert_eq!(location.dashboard_name("spec/dashboards/x.toml".into()), None);
    }
}
