//! Paths on the host: in the spec they are relative to the root of the project, for Compose to the folder of its file.

use crate::model::Keys;
use crate::model::service::{HostPath, REMOTE_CONTEXTS};
use crate::model::text::{Operator, Reference, Segment, Text, Tree};
use crate::spec::forms::short_for;

/// The paths of a service that Compose makes absolute (`paths/resolve.go` of compose-go): what they are called, where they
/// are, and whether a container can't start without them. `*` is each item of a list and each value of a table.
const SERVICE: &[(&str, &[&str], bool)] = &[
    ("build.context", &["build", "context"], false),
    ("build.additional_contexts", &["build", "additional_contexts", "*"], false),
    ("build.ssh", &["build", "ssh", "*"], false),
    ("env_file", &["env_file", "*", "path"], true),
    ("label_file", &["label_file", "*"], true),
    ("extends", &["extends", "file"], true),
    ("develop.watch", &["develop", "watch", "*", "path"], false),
];

/// The folder of the Compose file.
pub(super) struct Folder {
    path: String,
    /// From there to the root.
    up: &'static str,
    /// What stays in the folder of that path, since the Compose file is in another one, as deep.
    left: Option<Vec<String>>,
}

impl Folder {
    pub(super) fn of(generated: &str, profile: &str) -> Self {
        Self { path: format!("{generated}/{profile}/"), up: "../../", left: None }
    }

    /// The Compose file moves to a folder of its own, with all outputs: what is not one of them stays.
    pub(super) fn leave<'p>(&mut self, unmanaged: impl Iterator<Item = &'p str>) {
        let own = unmanaged.map(|path| path.trim_end_matches('/').to_owned());
        self.left = Some(own.chain([format!("{}.env", self.path)]).collect());
    }

    /// Whether a path, relative to the root, is not where the Compose file is.
    fn is_left(&self, path: &str) -> bool {
        let is_in =
            |own: &String| path.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.left.iter().flatten().any(is_in)
    }

    /// Makes the paths in the further keys of a service relative to the folder; returns them.
    pub(super) fn service(&self, keys: &mut Keys) -> Vec<HostPath> {
        let mut found = Vec::new();
        for &(name, path, required) in SERVICE {
            if let Some((key, path)) = path.split_first()
                && let Some(tree) = keys.get_mut(key)
            {
                self.below((name, path), tree, required, &mut found);
            }
        }
        // Compose's default is the folder of its file, which has outputs only.
        if let Some(Tree::Table(build)) = keys.get_mut("build")
            && !build.iter().any(|(key, _)| key == "context")
        {
            build.insert(0, ("context".to_owned(), self.up.trim_end_matches('/').into()));
        }
        found
    }

    /// The device of a volume that is a bind mount.
    pub(super) fn volume(&self, keys: &mut Keys) {
        let options = keys.at(&["driver_opts", "o"]).and_then(Tree::text).and_then(Text::literal);
        if options.is_some_and(|options| options.split(',').any(|option| option == "bind"))
            && let Some(Tree::Text(device)) = keys.get_mut("driver_opts").and_then(|options| options.get_mut("device"))
        {
            self.text(device);
        }
    }

    /// The file of a secret or a config.
    pub(super) fn file(&self, keys: &mut Keys) {
        if let Some(Tree::Text(file)) = keys.get_mut("file") {
            self.text(file);
        }
    }

    fn below(&self, (key, steps): (&'static str, &[&str]), tree: &mut Tree, required: bool, found: &mut Vec<HostPath>) {
        match (steps, tree) {
            ([], Tree::Text(text)) => {
                self.text(text);
                found.push(HostPath { key, path: text.clone(), required });
            }
            (["*"], Tree::List(items)) if key.starts_with("build.") => {
                for item in items {
                    // `NAME=path`
                    if let Tree::Text(text) = item
                        && let Some(path) = self.after_sign(text)
                    {
                        found.push(HostPath { key, path, required });
                    }
                }
            }
            (["*", rest @ ..], Tree::List(items)) => {
                for item in items {
                    self.below((key, rest), item, required, found);
                }
            }
            (["*", rest @ ..], Tree::Table(entries)) if key.starts_with("build.") => {
                for (_, tree) in entries {
                    self.below((key, rest), tree, required, found);
                }
            }
            (["*", rest @ ..], one) => self.below((key, rest), one, required, found),
            ([step], text @ Tree::Text(_))
                if short_for("", key.strip_suffix(".context").unwrap_or(key)) == Some(*step) =>
            {
                self.below((key, &[]), text, required, found);
            }
            ([step, rest @ ..], table) => {
                let required = required && table.get("required") != Some(&Tree::Boolean(false));
                if let Some(tree) = table.get_mut(step) {
                    self.below((key, rest), tree, required, found);
                }
            }
            _ => {}
        }
    }

    /// A path. A variable at its beginning has a path of its own, which Compose takes from its folder; its default is of the
    /// spec.
    pub(super) fn text(&self, text: &mut Text) {
        if let Text::Parts(parts) = text
            && let Some(Segment::Env(Reference { operator: Some(Operator::Default(word)), .. })) = parts.first_mut()
        {
            return self.text(word);
        }
        if let Some((first, more)) = beginning(text)
            && let Some(path) = self.literal(first)
        {
            *first = path + slash(first, more);
        }
    }

    /// Makes the path of `NAME=path` relative to the folder, and returns it.
    fn after_sign(&self, text: &mut Text) -> Option<Text> {
        let (first, more) = beginning(text)?;
        let (name, written) = first.split_once('=')?;
        let path = self.literal(written).map_or_else(|| written.to_owned(), |path| path + slash(written, more));
        let whole = format!("{name}={path}");
        *first = path;
        let alone = text.clone();
        *beginning(text)?.0 = whole;
        Some(alone)
    }

    /// A relative path as seen from the folder; `None` if it is not one.
    fn literal(&self, path: &str) -> Option<String> {
        if !is_relative(path) {
            return None;
        }
        let mut rest = path;
        while let Some(shorter) = rest.strip_prefix("./") {
            rest = shorter.trim_start_matches('/');
        }
        let rest = if rest == "." { "" } else { rest };
        Some(match rest.strip_prefix(&self.path) {
            Some(inside) if !self.is_left(rest) => format!("./{inside}"),
            _ if rest.is_empty() => self.up.trim_end_matches('/').to_owned(),
            _ => format!("{}{rest}", self.up),
        })
    }
}

/// What a text begins with, unless that is a reference, and whether more follows.
fn beginning(text: &mut Text) -> Option<(&mut String, bool)> {
    match text {
        Text::Literal(literal) => Some((literal, false)),
        Text::Parts(parts) => {
            let more = parts.len() > 1;
            if let Segment::Literal(literal) = parts.first_mut()? { Some((literal, more)) } else { None }
        }
    }
}

/// The slash of `./` that a name follows.
fn slash(path: &str, more: bool) -> &'static str {
    if more && path.trim_start_matches("./").is_empty() && path.ends_with('/') { "/" } else { "" }
}

/// Whether a path is relative: neither absolute, on Windows either, nor a URL or another context of a build.
fn is_relative(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let elsewhere = path.contains("://")
        || path.starts_with(['/', '\\', '~'])
        || REMOTE_CONTEXTS.iter().any(|start| path.starts_with(start));
    !path.is_empty() && !drive && !elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_folder() {
        let folder = Folder::of("generated", "dev");
        for (path, seen) in [
            ("./api", Some("../../api")),
            ("api/", Some("../../api/")),
            (".", Some("../..")),
            ("./", Some("../..")),
            (".//a", Some("../../a")),
            ("../other", Some("../../../other")),
            ("generated/dev/certs", Some("./certs")),
            ("./generated/dev/certs", Some("./certs")),
            ("generated/other/certs", Some("../../generated/other/certs")),
            (".hidden", Some("../../.hidden")),
            ("/srv", None),
            ("~/.aws", None),
            ("C:\\data", None),
            ("d:/data", None),
            ("https://example.com/a.git", None),
            ("git@example.com:a.git", None),
            ("docker-image://alpine:3", None),
            ("service:base", None),
            ("", None),
        ] {
            assert_eq!(folder.literal(path).as_deref(), seen, "{path}");
        }
    }

    #[test]
    fn each_path_of_a_service_is_found_in_each_form() {
        let text = |text: &str| Tree::from(text);
        let table = |entries: &[(&str, Tree)]| -> Tree {
            Tree::Table(entries.iter().map(|(key, tree)| ((*key).to_owned(), tree.clone())).collect())
        };
        let found = |key: &str, tree: Tree| -> Vec<String> {
            let mut keys = Keys(vec![(key.to_owned(), tree)]);
            let found = Folder::of("generated", "dev").service(&mut keys);
            found.iter().map(|path| format!("{} {} {}", path.key, path.path.shown(), path.required)).collect()
        };
        let contexts = |tree: Tree| table(&[("context", text(".")), ("additional_contexts", tree)]);
        let both = ["build.context ../.. false", "build.additional_contexts ../../b false"];
        assert_eq!(found("build", text("./a")), ["build.context ../../a false"]);
        assert_eq!(found("build", contexts(Tree::List(vec![text("x=./b")]))), both);
        assert_eq!(found("build", contexts(table(&[("x", text("b"))]))), both);
        let files = [text("a"), table(&[("path", text("b")), ("required", Tree::Boolean(false))])];
        assert_eq!(found("env_file", Tree::List(files.into())), ["env_file ../../a true", "env_file ../../b false"]);
        assert_eq!(found("env_file", text("a")), ["env_file ../../a true"]);
        assert_eq!(found("label_file", text("a")), ["label_file ../../a true"]);
        let mut keys = Keys(vec![("build".to_owned(), contexts(Tree::List(vec![text("x=./b")])))]);
        Folder::of("generated", "dev").service(&mut keys);
        assert_eq!(keys.at(&["build", "additional_contexts"]), Some(&Tree::List(vec![text("x=../../b")])));
    }
}
