//! A spec of an older format in the words of the current one. Keys are renamed where they are, so comments and layout stay.

use std::ops::Range;

use camino::Utf8PathBuf;
use toml_parser::lexer::TokenKind;

use super::draft::Draft;
use super::outline::{self, Section};
use super::tokens;
use crate::spec::former::OF_DSQL;
use crate::spec::source::Sources;

/// The tables with paths of the host, which are relative to the root since format 2, and not to the Compose file.
const WITH_PATHS: [&str; 4] = ["services", "volumes", "secrets", "configs"];

/// The keys of a service that have paths of the host.
const PATHS_OF_SERVICE: [&str; 6] = ["volumes", "env_file", "build", "extends", "develop", "label_file"];

/// How a path of the root was written relative to the Compose file.
const UP: &str = "../../";

/// The Compose files as an older version has rendered them: what the spec meant.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Their texts.
    pub compose: Vec<String>,
}

impl Rendered {
    /// Whether containers were named like their services: the default before format 2.
    fn names_containers(&self) -> bool {
        !self.compose.is_empty() && self.compose.iter().all(|text| text.contains("\n    container_name: "))
    }

    /// Whether a path is in a Compose file as it is in the spec.
    fn has_path(&self, path: &str) -> bool {
        let moved = format!("{UP}{path}");
        self.compose.iter().any(|text| has_path(text, path) && !has_path(text, &moved))
    }
}

/// Whether a text contains a path that is not part of a longer one.
fn has_path(text: &str, path: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    text.match_indices(path).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + path.len()..]);
        !before.ends_with(goes_on) && !after.starts_with(goes_on)
    })
}

/// A change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: Utf8PathBuf,
    /// Its line, before any change.
    pub line: usize,
    /// What changes, for people.
    pub what: String,
    place: Range<usize>,
    text: String,
}

/// A spec in the current format, and what changes, file by file. It has no syntax errors.
pub fn upgraded(sources: &Sources, rendered: &Rendered) -> (Sources, Vec<Change>) {
    let (mut draft, mut all) = (Draft::new(sources), Vec::new());
    for file in sources.files() {
        let (text, changes) = upgrade(&file.path, &file.text, file.path == sources.location().main(), rendered);
        if !changes.is_empty() {
            draft.put_file(file.path.clone(), text);
            all.extend(changes);
        }
    }
    (draft.sources(), all)
}

/// The text of a file in the current format, and what changes.
fn upgrade(path: &Utf8PathBuf, text: &str, is_main: bool, rendered: &Rendered) -> (String, Vec<Change>) {
    // They may be in a table that moves. No line begins or ends in one.
    let mut file = File { path, text, changes: Vec::new() };
    file.paths(&outline::of(text), rendered);
    let (text, mut all) = file.finish();
    let sections = outline::of(&text);
    let mut file = File { path, text: &text, changes: Vec::new() };
    for section in &sections {
        if section.has_header {
            file.header(section, &sections);
        }
        for key in &section.keys {
            file.key(section, &key.path, key.place.clone());
        }
    }
    if is_main && rendered.names_containers() {
        file.container_names(&sections);
    }
    let (text, changes) = file.finish();
    all.extend(changes);
    all.sort_by_key(|change| change.line);
    (text, all)
}

struct File<'f> {
    path: &'f Utf8PathBuf,
    text: &'f str,
    changes: Vec<Change>,
}

/// A path without the profile that it belongs to, and how many names that leaves out.
fn in_spec(path: &[String]) -> (usize, Vec<&str>) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["profiles", _, rest @ ..] => (2, rest.to_vec()),
        _ => (0, names),
    }
}

impl File<'_> {
    /// The text with all of its changes, in their order.
    fn finish(mut self) -> (String, Vec<Change>) {
        self.changes.sort_by_key(|change| change.place.start);
        let mut out = String::with_capacity(self.text.len());
        let mut at = 0;
        for change in &self.changes {
            out.push_str(self.text.get(at..change.place.start).unwrap_or_default());
            out.push_str(&change.text);
            at = change.place.end.max(at);
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        (out, self.changes)
    }

    /// Inserts lines at the end of another one, which may be the last of the file.
    fn insert(&mut self, at: usize, lines: &str, what: impl Into<String>) {
        let newline = if self.text[..at].ends_with('\n') { "" } else { "\n" };
        self.change(at..at, format!("{newline}{lines}"), what);
    }

    fn change(&mut self, place: Range<usize>, text: impl Into<String>, what: impl Into<String>) {
        let line = self.text[..place.start].matches('\n').count() + 1;
        self.changes.push(Change { path: self.path.clone(), line, what: what.into(), place, text: text.into() });
    }

    /// The places of the names of a header or of a key.
    fn names(&self, place: Range<usize>) -> Vec<Range<usize>> {
        let statement = self.text.get(place.clone()).unwrap_or_default();
        tokens::of(statement)
            .into_iter()
            .skip_while(|token| token.is_layout() || token.kind == TokenKind::LeftSquareBracket)
            .take_while(|token| !matches!(token.kind, TokenKind::Equals | TokenKind::RightSquareBracket))
            .filter(|token| !token.is_layout() && token.kind != TokenKind::Dot)
            .map(|token| place.start + token.place.start..place.start + token.place.end)
            .collect()
    }

    fn header(&mut self, section: &Section, all: &[Section]) {
        let (skipped, path) = in_spec(&section.path);
        let names = self.names(section.header.clone());
        match path.as_slice() {
            ["clusters", _, key, ..] if OF_DSQL.contains(key) => self.move_to_dsql(&names, skipped + 2, key),
            ["services", service, "compose"] => {
                let at = skipped + 2;
                let of_service = all.iter().find(|other| other.has_header && other.path == section.path[..at]);
                let what = format!("keys of `compose` are keys of the service `{service}`");
                let Some(of_service) = of_service else {
                    if let [.., before, last] = names.as_slice() {
                        self.change(before.end..last.end, "", what);
                    }
                    return;
                };
                let header = self.text[section.header.end..].find('\n').map_or(0, |newline| newline + 1);
                let keys = self.text.get(section.header.end + header..section.place.end).unwrap_or_default().to_owned();
                self.change(section.place.clone(), "", what.clone());
                self.insert(of_service.end, &keys, what);
            }
            ["services", service, "compose", ..] => self.out_of_compose(&names, skipped + 2, service),
            _ => {}
        }
    }

    fn key(&mut self, section: &Section, key: &[String], place: Range<usize>) {
        let whole: Vec<String> = section.path.iter().chain(key).cloned().collect();
        let (skipped, path) = in_spec(&whole);
        // The name is in the header, which was changed.
        let Some(at) = (skipped + 2).checked_sub(section.path.len()) else { return };
        let names = self.names(place.clone());
        match path.as_slice() {
            ["clusters", _, key, ..] if OF_DSQL.contains(key) => self.move_to_dsql(&names, at, key),
            ["services", service, "compose"] => {
                let before = names.get(at).map_or(place.start, |name| name.start);
                self.expand(service, place, before);
            }
            ["services", service, "compose", ..] => self.out_of_compose(&names, at, service),
            _ => {}
        }
    }

    fn move_to_dsql(&mut self, names: &[Range<usize>], at: usize, key: &str) {
        if let Some(name) = names.get(at) {
            self.change(name.start..name.start, "dsql.", format!("`{key}` of a cluster is `dsql.{key}`"));
        }
    }

    fn out_of_compose(&mut self, names: &[Range<usize>], at: usize, service: &str) {
        if let (Some(compose), Some(next)) = (names.get(at), names.get(at + 1)) {
            let what = format!("keys of `compose` are keys of the service `{service}`");
            self.change(compose.start..next.start, "", what);
        }
    }

    /// `compose = { a = 1, b = 2 }`, whose name may come after that of the service.
    fn expand(&mut self, service: &str, place: Range<usize>, name: usize) {
        let statement = &self.text[place.clone()];
        let before = &self.text[place.start..name];
        let mut depth = 0_usize;
        let (mut entries, mut start, mut end) = (Vec::new(), None, 0);
        for token in tokens::of(statement) {
            match token.kind {
                TokenKind::LeftCurlyBracket | TokenKind::LeftSquareBracket => {
                    depth += 1;
                    if depth == 1 {
                        start = Some(token.place.end);
                    }
                }
                TokenKind::RightCurlyBracket | TokenKind::RightSquareBracket => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        entries.extend(start.take().map(|start| statement[start..token.place.start].trim()));
                        end = token.place.end;
                    }
                }
                TokenKind::Comma if depth == 1 => {
                    entries.extend(start.map(|start| statement[start..token.place.start].trim()));
                    start = Some(token.place.end);
                }
                _ => {}
            }
        }
        entries.retain(|entry| !entry.is_empty());
        let text = entries.iter().map(|entry| format!("{before}{entry}")).collect::<Vec<_>>().join("\n");
        let what = format!("keys of `compose` are keys of the service `{service}`");
        self.change(place.start..place.start + end, text, what);
    }

    /// Paths that are relative to the Compose file.
    fn paths(&mut self, sections: &[Section], rendered: &Rendered) {
        for section in sections {
            for key in &section.keys {
                let whole: Vec<String> = section.path.iter().chain(&key.path).cloned().collect();
                let (_, path) = in_spec(&whole);
                if !path.first().is_some_and(|table| WITH_PATHS.contains(table)) {
                    continue;
                }
                let is_service = path.first() == Some(&"services");
                let named = path.iter().skip(2).find(|name| **name != "compose").copied();
                // The key of an inline table.
                let (mut depth, mut last, mut inline) = (0_usize, "", "");
                for token in tokens::of(&self.text[key.place.clone()]) {
                    match token.kind {
                        TokenKind::LeftCurlyBracket => depth += 1,
                        TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
                        TokenKind::Equals if depth == 1 => inline = last,
                        TokenKind::Atom => last = token.text,
                        _ => {}
                    }
                    let is_path = !is_service || PATHS_OF_SERVICE.contains(&named.unwrap_or(inline));
                    if !is_path || !matches!(token.kind, TokenKind::BasicString | TokenKind::LiteralString) {
                        continue;
                    }
                    let Some(inside) = token.text.get(1..).filter(|inside| inside.starts_with(UP)) else { continue };
                    let old = inside.split([':', '"', '\'']).next().unwrap_or_default();
                    if rendered.has_path(old) {
                        let start = key.place.start + token.place.start + 1;
                        let new = &old[UP.len()..];
                        self.change(
                            start..start + UP.len(),
                            "./",
                            format!("`{old}` is `./{new}` relative to the root"),
                        );
                    }
                }
            }
        }
    }

    fn container_names(&mut self, sections: &[Section]) {
        let of_stack = |section: &Section, key: &outline::KeyValue| {
            let mut path = section.path.iter().chain(&key.path);
            path.next().is_some_and(|name| name == "stack").then(|| path.next().cloned()).flatten()
        };
        let mut last = None;
        for section in sections {
            for key in &section.keys {
                match of_stack(section, key).as_deref() {
                    Some("container_names") => return,
                    Some(_) => last = Some((section.path.is_empty(), key.place.end)),
                    None => {}
                }
            }
        }
        if let Some((is_dotted, at)) = last {
            let what = "containers are named by Compose unless `container_names` is true";
            let stack = if is_dotted { "stack." } else { "" };
            self.insert(at, &format!("{stack}container_names = true\n"), what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str, compose: &str) -> String {
        let rendered = Rendered { compose: vec![compose.to_owned()] };
        upgrade(&"spec/stack.toml".into(), text, true, &rendered).0
    }

    #[test]
    fn keys_of_compose_are_keys_of_the_service() {
        for (old, new) in [
            ("[services.a]\ncompose.init = true # why\n", "[services.a]\ninit = true # why\n"),
            ("[services.a]\ncompose . \"init\" = true\n", "[services.a]\n\"init\" = true\n"),
            ("[services]\na.compose.deploy.x = 1\n", "[services]\na.deploy.x = 1\n"),
            ("[services.a.compose.deploy]\nx = 1\n", "[services.a.deploy]\nx = 1\n"),
            ("[services.a.compose]\n# why\ninit = true\n", "[services.a]\n# why\ninit = true\n"),
            (
                "[services.a]\nimage = \"a\"\n\n[services.a.compose]\ninit = true\n\n[services.b]\n",
                "[services.a]\nimage = \"a\"\ninit = true\n\n\n[services.b]\n",
            ),
            (
                "[services.a]\ncompose = { init = true, dns = [\"a\", \"b\"] } # why\n",
                "[services.a]\ninit = true\ndns = [\"a\", \"b\"] # why\n",
            ),
            ("[services]\na.compose = { init = true, tty = true }\n", "[services]\na.init = true\na.tty = true\n"),
            (
                "[services.a]\nimage = \"a\"\n[services.a.compose]\ninit = true",
                "[services.a]\nimage = \"a\"\ninit = true",
            ),
            ("[profiles.p.services.a]\ncompose.init = true\n", "[profiles.p.services.a]\ninit = true\n"),
            ("[services.compose]\nimage = \"a\"\n", "[services.compose]\nimage = \"a\"\n"),
        ] {
            assert_eq!(text_of(old, ""), new, "{old}");
            toml::from_str::<toml::Table>(new).unwrap();
        }
    }

    #[test]
    fn a_cluster_persists_in_a_table() {
        let old = "[clusters.c]\nhost = \"h\" # why\nhistory_shards = 4\npool = 5\n[clusters.c.reservoir]\ntarget = 1\n\
                   [clusters.pool]\ntitle = \"x\"\n[profiles.p.clusters]\nc.pool = 6\n";
        let new = "[clusters.c]\ndsql.host = \"h\" # why\nhistory_shards = 4\ndsql.pool = 5\n[clusters.c.dsql.reservoir]\n\
                   target = 1\n[clusters.pool]\ntitle = \"x\"\n[profiles.p.clusters]\nc.dsql.pool = 6\n";
        assert_eq!(text_of(old, ""), new);
        toml::from_str::<toml::Table>(new).unwrap();
    }

    #[test]
    fn what_the_outputs_had_decides_about_paths_and_names() {
        let old = "[stack]\nname = \"s\"\n\n[services.a]\nvolumes = [\"../../data:/data:ro\", '../../x:/x', \"n:/../../y\"]\n";
        let compose = "services:\n  a:\n    container_name: a\n    volumes: [../../data:/data, ../../../../x:/x]\n";
        let new = "[stack]\nname = \"s\"\ncontainer_names = true\n\n[services.a]\n\
                   volumes = [\"./data:/data:ro\", '../../x:/x', \"n:/../../y\"]\n";
        assert_eq!(text_of(old, compose), new);
        assert_eq!(text_of(old, ""), old);
        assert_eq!(text_of(new, compose), new);
    }

    #[test]
    fn a_path_in_a_table_that_moves_is_changed_too() {
        let compose = "services:\n  a:\n    volumes: [../../data:/data]\n";
        for (old, new) in [
            (
                "[services.a]\nimage = \"a\"\n[services.a.compose]\nvolumes = [\"../../data:/data\"]\n",
                "[services.a]\nimage = \"a\"\nvolumes = [\"./data:/data\"]\n",
            ),
            (
                "[services.a]\ncompose = { volumes = [\"../../data:/data\"] }\n",
                "[services.a]\nvolumes = [\"./data:/data\"]\n",
            ),
            // No paths of the host.
            (
                "[services.a]\ncommand = [\"../../data\"]\nenvironment = { D = \"../../data\" }\n",
                "[services.a]\ncommand = [\"../../data\"]\nenvironment = { D = \"../../data\" }\n",
            ),
            (
                "[services]\na = { volumes = [\"../../data:/data\"], command = [\"../../data\"] }\n",
                "[services]\na = { volumes = [\"./data:/data\"], command = [\"../../data\"] }\n",
            ),
            // Another path that only begins like it.
            ("[services.a]\nvolumes = [\"../../dat:/data\"]\n", "[services.a]\nvolumes = [\"../../dat:/data\"]\n"),
        ] {
            assert_eq!(text_of(old, compose), new);
        }
    }

    #[test]
    fn names_of_containers_are_added_once_in_a_line_of_their_own() {
        let compose = "services:\n  a:\n    container_name: a\n";
        for (old, new) in [
            (
                "# container_names\n[stack]\nname = \"s\"",
                "# container_names\n[stack]\nname = \"s\"\ncontainer_names = true\n",
            ),
            ("stack.name = \"s\"", "stack.name = \"s\"\nstack.container_names = true\n"),
            ("[stack]\ncontainer_names = false\n", "[stack]\ncontainer_names = false\n"),
        ] {
            assert_eq!(text_of(old, compose), new);
        }
    }
}
