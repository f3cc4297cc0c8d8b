//! The specs that new ones are made of: those of the repository, its tests, and the texts in their sources.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::document::{Document, Kind, Section, path, scalars};
use super::project::Spec;

/// A spec in pieces, by path below `spec/`; the main file first.
#[derive(Debug, Clone)]
pub struct Pieces {
    pub files: Vec<(String, Document)>,
}

impl Pieces {
    pub fn spec(&self) -> Spec {
        Spec { files: self.files.iter().map(|(path, document)| (path.clone(), document.text().into())).collect() }
    }
}

/// All that can be taken from the seeds.
pub struct Seeds {
    /// Small specs without a mistake.
    pub valid: Vec<Pieces>,
    /// Large ones.
    pub large: Vec<Pieces>,
    /// Others, of which most have one mistake.
    pub others: Vec<Pieces>,
    /// Sections, by the first part of their headers.
    pub sections: BTreeMap<String, Vec<Section>>,
    /// Keys and values, by the kind of section that they are in.
    pub entries: HashMap<String, Vec<super::document::Entry>>,
    /// Values by key.
    pub values: HashMap<String, Vec<String>>,
    /// Single values.
    pub texts: Vec<String>,
    pub numbers: Vec<String>,
}

/// The kind of a section: its place, without names.
pub fn kind(section: &Section) -> String {
    let mut parts = section.path();
    if parts.first() == Some(&"profiles") {
        parts.drain(..parts.len().min(2));
    }
    let is_name = |index: usize| index % 2 == 1;
    let words = parts.iter().enumerate().map(|(index, part)| if is_name(index) { "*" } else { part });
    words.collect::<Vec<_>>().join(".")
}

/// The last part of a key.
pub fn word(key: &str) -> &str {
    path(key).pop().unwrap_or_default()
}

pub static SEEDS: LazyLock<Seeds> = LazyLock::new(|| {
    let mut seeds = Seeds {
        valid: Vec::new(),
        large: Vec::new(),
        others: Vec::new(),
        sections: BTreeMap::new(),
        entries: HashMap::new(),
        values: HashMap::new(),
        texts: Vec::new(),
        numbers: Vec::new(),
    };
    for files in specs() {
        let size: usize = files.iter().map(|(_, text)| text.len()).sum();
        let files = files.into_iter().map(|(path, text)| (path, Document::read(&text))).collect();
        let pieces = Pieces { files };
        pieces.files.iter().for_each(|(_, document)| seeds.learn(document));
        let list = match pieces.spec().plan() {
            Ok(_) if size > 3_000 => &mut seeds.large,
            Ok(_) => &mut seeds.valid,
            Err(_) => &mut seeds.others,
        };
        list.push(pieces);
    }
    seeds
});

impl Seeds {
    fn learn(&mut self, document: &Document) {
        for section in &document.sections {
            let first = section.path()[0].to_owned();
            if !first.is_empty() {
                self.sections.entry(first).or_default().push(section.clone());
            }
            for entry in &section.entries {
                self.entries.entry(kind(section)).or_default().push(entry.clone());
                self.values.entry(word(&entry.key).to_owned()).or_default().push(entry.value.clone());
                for (range, kind) in scalars(&entry.value) {
                    let list = if kind == Kind::Text { &mut self.texts } else { &mut self.numbers };
                    list.push(entry.value[range].to_owned());
                }
            }
        }
    }
}

/// Every spec, as texts by path.
fn specs() -> Vec<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let main = |text: String| vec![("stack.toml".to_owned(), text)];
    let below = |folder: &Path| -> Vec<(String, String)> {
        let files = files(folder).into_iter().filter(|file| file.extension().is_some_and(|end| end == "toml"));
        let mut texts: Vec<_> = files
            .map(|file| (file.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/"), read(&file)))
            .collect();
        texts.sort_by_key(|(path, _)| (path != "stack.toml", path.clone()));
        texts
    };
    let dashboards = read(&root.join("tests/dashboards/stack.toml"));
    let mut specs = vec![below(&root.join("spec")), below(&root.join("tests/e2e/spec"))];
    specs.push(below(&root.join("src/edit/examples/observability")));
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root.join("tests/specs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let mut texts = below(&folder);
        if texts.first().is_none_or(|(path, _)| path != "stack.toml") {
            texts.insert(0, ("stack.toml".to_owned(), dashboards.clone()));
        }
        specs.push(texts);
    }
    for file in ["src/edit/examples/minimal.toml", "src/edit/examples/observability.toml", "tests/gen/fields.toml"] {
        specs.push(main(read(&root.join(file))));
    }
    specs.push(main(dashboards.clone()));
    let everything = ("dashboards/everything.toml".to_owned(), read(&root.join("tests/dashboards/everything.toml")));
    specs.push(vec![("stack.toml".to_owned(), dashboards), everything]);
    let sources = files(&root.join("tests/gen")).into_iter().chain(files(&root.join("src")));
    for file in sources.filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        for text in literals(&read(&file)) {
            if text.contains(" = ") && text.contains('[') && text.contains(']') && text.contains('\n') {
                let head = if text.contains("[stack]") { "" } else { "[stack]\nname = \"x\"\n" };
                let profile = if text.contains("[profiles") { "" } else { "[profiles.dev]\n" };
                specs.push(main(format!("{head}{profile}{text}")));
            }
        }
    }
    specs
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The string literals of a Rust source, roughly: what is taken for one by mistake does no harm.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find('"') {
        let hashes = rest[..at].len() - rest[..at].trim_end_matches('#').len();
        let is_raw = rest[..at - hashes].ends_with('r');
        rest = &rest[at + 1..];
        if is_raw {
            let end = format!("\"{}", "#".repeat(hashes));
            let (text, after) = rest.split_once(&end).unwrap_or((rest, ""));
            found.push(text.to_owned());
            rest = after;
            continue;
        }
        let mut text = String::new();
        let mut chars = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((at, '\n')) => {
                        let line = &rest[at + 1..];
                        let indent = line.len() - line.trim_start().len();
                        chars = rest.char_indices();
                        // `nth` counts characters, and an indentation has one byte each.
                        let before = rest[..=at + indent].chars().count();
                        chars.nth(before - 1);
                    }
                    Some((_, c)) => text.push(c),
                    None => {}
                },
                c => text.push(c),
            }
        }
        found.push(text.replace("{{", "{").replace("}}", "}"));
        rest = &rest[end..];
    }
    found
}
