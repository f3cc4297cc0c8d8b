//! Paths on the host: in the spec they are relative to the root of the project, for Compose to the folder of its file.

use crate::model::Keys;
use crate::model::service::HostPath;
use crate::model::text::{Segment, Text, Tree};
use crate::spec::forms::short_for;

/// The paths of a service that Compose makes absolute (`paths/resolve.go` of compose-go), and whether a container can't
/// start without them. `*` is each item of a list and each value of a table.
const SERVICE: &[(&str, &[&str], bool)] = &[
    ("build", &["context"], false),
    ("build", &["additional_contexts", "*"], false),
    ("build", &["ssh", "*"], false),
    ("env_file", &["*", "path"], true),
    ("label_file", &["*"], true),
    ("extends", &["file"], true),
    ("develop", &["watch", "*", "path"], false),
];

/// The folder of the Compose file.
pub(super) struct Folder {
    path: String,
    /// From there to the root.
    up: &'static str,
}

impl Folder {
    pub(super) fn of(profile: &str) -> Self {
        Self { path: format!("generated/{profile}/"), up: "../../" }
    }

    /// Makes the paths in the further keys of a service relative to the folder; returns them.
    pub(super) fn service(&self, keys: &mut Keys) -> Vec<HostPath> {
        let mut found = Vec::new();
        for &(key, path, required) in SERVICE {
            if let Some(tree) = keys.get_mut(key) {
                self.below((key, path), tree, required, &mut found);
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
        let mut add = |path: &Text| found.push(HostPath { key, path: path.clone(), required });
        match (steps, tree) {
            ([], Tree::Text(text)) => {
                self.text(text);
                add(text);
            }
            ([step], Tree::Text(text)) if short_for("", key) == Some(*step) => {
                self.text(text);
                add(text);
            }
            (["*", rest @ ..], Tree::List(items)) => {
                for item in items {
                    match item {
                        // A list of named contexts: `name=path`.
                        Tree::Text(text) if key == "build" => self.after_sign(text),
                        item => self.below((key, rest), item, required, found),
                    }
                }
            }
            (["*", rest @ ..], Tree::Table(entries)) if key == "build" => {
                for (_, tree) in entries {
                    self.below((key, rest), tree, required, found);
                }
            }
            (["*", rest @ ..], one) => self.below((key, rest), one, required, found),
            ([step, rest @ ..], table) => {
                let required = required && table.get("required") != Some(&Tree::Boolean(false));
                if let Some(tree) = table.get_mut(step) {
                    self.below((key, rest), tree, required, found);
                }
            }
            _ => {}
        }
    }

    /// A path. A reference at its beginning gives a path of its own, which Compose takes from its folder.
    pub(super) fn text(&self, text: &mut Text) {
        if let Some((first, more)) = beginning(text)
            && let Some(path) = self.literal(first)
        {
            *first = path + slash(first, more);
        }
    }

    fn after_sign(&self, text: &mut Text) {
        if let Some((first, more)) = beginning(text)
            && let Some((name, written)) = first.split_once('=')
            && let Some(path) = self.literal(written)
        {
            *first = format!("{name}={path}{}", slash(written, more));
        }
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
            Some(inside) => format!("./{inside}"),
            None if rest.is_empty() => self.up.trim_end_matches('/').to_owned(),
            None => format!("{}{rest}", self.up),
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

/// Whether a path is relative: neither absolute, on Windows either, nor a URL or another context of a build
/// (`isRemoteContext` of compose-go).
fn is_relative(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    let elsewhere = ["/", "\\", "~", "git@", "github.com/", "service:", "target:"];
    !path.is_empty() && !drive && !path.contains("://") && !elsewhere.iter().any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_folder() {
        let folder = Folder::of("dev");
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
}
