//! A spec of an older format in the words of the current one. Keys are renamed where they are, so comments and layout stay.

use std::ops::Range;

use camino::Utf8PathBuf;
use toml_parser::lexer::TokenKind;

use super::outline::{self, Section};
use super::tokens;

/// Keys of a cluster that belong to its table `dsql` since format 2.
const OF_DSQL: [&str; 6] = ["host", "database", "pool", "token_duration", "staggered_startup", "reservoir"];

/// The tables with paths of the host, which are relative to the root since format 2, and not to the Compose file.
const WITH_PATHS: [&str; 4] = ["services", "volumes", "secrets", "configs"];

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
        self.compose.iter().any(|text| text.contains(path) && !text.contains(&format!("{UP}{path}")))
    }
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

/// What the text of a file has to be changed in. It has no syntax errors.
pub fn changes(path: &Utf8PathBuf, text: &str, is_main: bool, rendered: &Rendered) -> Vec<Change> {
    let sections = outline::of(text);
    let mut file = File { path, text, changes: Vec::new() };
    for section in &sections {
        if section.has_header {
            file.header(section, &sections);
        }
        for key in &section.keys {
            file.key(section, &key.path, key.place.clone());
        }
    }
    file.paths(&sections, rendered);
    if is_main && rendered.names_containers() && !text.contains("container_names") {
        file.container_names(&sections);
    }
    file.changes.sort_by_key(|change| change.place.start);
    file.changes
}

/// The text with all of its changes.
pub fn changed(text: &str, changes: &[Change]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for change in changes {
        out.push_str(text.get(at..change.place.start).unwrap_or_default());
        out.push_str(&change.text);
        at = change.place.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
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
                self.change(of_service.end..of_service.end, keys, what);
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
            ["services", service, "compose"] => self.expand(service, place),
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

    /// `compose = { a = 1, b = 2 }`
    fn expand(&mut self, service: &str, place: Range<usize>) {
        let statement = &self.text[place.clone()];
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
        let text = entries.join("\n");
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
                for token in tokens::of(&self.text[key.place.clone()]) {
                    if !matches!(token.kind, TokenKind::BasicString | TokenKind::LiteralString) {
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
        let what = "containers are named by Compose unless `container_names` is true";
        if let Some(stack) = sections.iter().find(|section| section.has_header && section.path == ["stack"]) {
            let at = stack.keys.last().map_or(stack.place.end, |key| key.place.end);
            self.change(at..at, "container_names = true\n", what);
        } else if let Some(key) = sections.first().and_then(|root| {
            root.keys
                .iter()
                .rev()
                .find(|key| key.path.len() > 1 && key.path.first().is_some_and(|first| first == "stack"))
        }) {
            self.change(key.place.end..key.place.end, "stack.container_names = true\n", what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgraded(text: &str, compose: &str) -> String {
        let rendered = Rendered { compose: vec![compose.to_owned()] };
        changed(text, &changes(&"spec/stack.toml".into(), text, true, &rendered))
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
            ("[profiles.p.services.a]\ncompose.init = true\n", "[profiles.p.services.a]\ninit = true\n"),
            ("[services.compose]\nimage = \"a\"\n", "[services.compose]\nimage = \"a\"\n"),
        ] {
            assert_eq!(upgraded(old, ""), new, "{old}");
            toml::from_str::<toml::Table>(new).unwrap();
        }
    }

    #[test]
    fn a_cluster_persists_in_a_table() {
        let old = "[clusters.c]\nhost = \"h\" # why\nhistory_shards = 4\npool = 5\n[clusters.c.reservoir]\ntarget = 1\n\
                   [clusters.pool]\ntitle = \"x\"\n[profiles.p.clusters]\nc.pool = 6\n";
        let new = "[clusters.c]\ndsql.host = \"h\" # why\nhistory_shards = 4\ndsql.pool = 5\n[clusters.c.dsql.reservoir]\n\
                   target = 1\n[clusters.pool]\ntitle = \"x\"\n[profiles.p.clusters]\nc.dsql.pool = 6\n";
        assert_eq!(upgraded(old, ""), new);
        toml::from_str::<toml::Table>(new).unwrap();
    }

    #[test]
    fn what_the_outputs_had_decides_about_paths_and_names() {
        let old = "[stack]\nname = \"s\"\n\n[services.a]\nvolumes = [\"../../data:/data:ro\", '../../x:/x', \"n:/../../y\"]\n";
        let compose = "services:\n  a:\n    container_name: a\n    volumes: [../../data:/data, ../../../../x:/x]\n";
        let new = "[stack]\nname = \"s\"\ncontainer_names = true\n\n[services.a]\n\
                   volumes = [\"./data:/data:ro\", '../../x:/x', \"n:/../../y\"]\n";
        assert_eq!(upgraded(old, compose), new);
        assert_eq!(upgraded(old, ""), old);
        assert_eq!(upgraded(new, compose), new);
    }
}
