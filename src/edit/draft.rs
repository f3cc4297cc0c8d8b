//! A spec that is being edited, in memory.

use camino::{Utf8Path, Utf8PathBuf};
use toml_parser::lexer::TokenKind;
use toml_writer::{ToTomlKey as _, TomlKeyBuilder};

use super::outline::{self, KeyValue, Section};
use super::tokens;
use crate::diagnostic::{Diagnostic, Diagnostics, Level};
use crate::spec::decode::shown;
use crate::spec::kind::Kinds;
use crate::spec::source::Sources;
use crate::spec::tree::{Table, Value};
use crate::spec::{self, Location};

/// The order of the tables of a spec, which determines the place of a new one.
const ORDER: [&str; 15] = [
    "stack",
    "profiles",
    "images",
    "clusters",
    "services",
    "schema",
    "volumes",
    "networks",
    "secrets",
    "datasources",
    "env",
    "infrastructure",
    "patches",
    "ejected",
    "accepted",
];

/// The files of a spec with the changes so far.
#[derive(Debug)]
pub struct Draft {
    files: Vec<File>,
    /// The path and the text of each template, which no edit changes.
    templates: Vec<(String, String)>,
    location: Location,
    kinds: Kinds,
    changes: Vec<Change>,
}

#[derive(Debug)]
struct File {
    path: Utf8PathBuf,
    text: String,
    is_new: bool,
}

/// An insertion into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: Utf8PathBuf,
    /// Whether the file is new.
    pub is_new_file: bool,
    /// The table that got a key; `None` for a new table.
    pub table: Option<String>,
    /// The inserted lines.
    pub text: String,
}

/// Why something can't be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub message: String,
    /// The way out.
    pub help: String,
}

impl Refusal {
    /// A refusal with its way out.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl Draft {
    /// The current spec.
    pub fn new(sources: &Sources) -> Self {
        let files = sources.files().iter();
        let files = files.map(|file| File { path: file.path.clone(), text: file.text.clone(), is_new: false });
        let templates = sources.templates().iter();
        let templates = templates.map(|file| (file.path.to_string(), file.text.clone())).collect();
        let (location, kinds) = (sources.location().clone(), sources.kinds().clone());
        Self { files: files.collect(), templates, location, kinds, changes: Vec::new() }
    }

    /// The edited spec.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::new(self.location.clone());
        for file in &self.files {
            sources.push(&file.path, file.text.clone());
        }
        for (path, text) in &self.templates {
            sources.push_template(path, Ok(text.clone()));
        }
        sources.settle();
        sources
    }

    /// Where the spec is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The kinds that its services can have.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The insertions so far.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changed files: path, text, and whether it is new.
    pub fn changed(&self) -> impl Iterator<Item = (&Utf8Path, &str, bool)> {
        let is_changed = |file: &&File| self.changes.iter().any(|change| change.path == file.path);
        self.files.iter().filter(is_changed).map(|file| (file.path.as_path(), file.text.as_str(), file.is_new))
    }

    /// The edited spec and its new errors, compared with `before`.
    pub fn mistakes(&self, before: &Sources) -> (Sources, Vec<Diagnostic>) {
        let sources = self.sources();
        let mut known = crate::plan(before, None).err().unwrap_or_default();
        let mut mistakes = crate::plan(&sources, None).err().unwrap_or_default();
        mistakes.retain(|mistake| {
            if mistake.level == Level::Warning {
                return false;
            }
            // The same error may be on another line now.
            let same = |old: &Diagnostic| old.code == mistake.code && old.title == mistake.title;
            match known.iter().position(same) {
                Some(at) => {
                    known.swap_remove(at);
                    false
                }
                None => true,
            }
        });
        (sources, mistakes)
    }

    /// Passes the tree without profiles, and those of the profiles, to `look`.
    pub fn look<T>(&self, look: impl FnOnce(&Table<'_>, &[Table<'_>]) -> T) -> T {
        let sources = self.sources();
        let document = spec::parse(&sources, &mut Diagnostics::default());
        let names: Vec<String> = document.profiles().map(|profile| profile.value.clone()).collect();
        let profiles: Vec<Table<'_>> =
            names.iter().filter_map(|name| document.profile(name)).map(|(_, table)| table).collect();
        look(document.base(), &profiles)
    }

    /// Whether a key exists, with or without profiles.
    pub fn has(&self, path: &[&str]) -> bool {
        self.look(|base, profiles| std::iter::once(base).chain(profiles).any(|table| table.at(path).is_some()))
    }

    /// Whether a key is written, be it of a profile.
    pub fn has_written(&self, path: &[&str]) -> bool {
        let written = |file: &File| {
            outline::of(&file.text).iter().any(|section| {
                let is_it = |key: &KeyValue| section.path.iter().chain(&key.path).eq(path);
                section.keys.iter().any(is_it)
            })
        };
        self.files.iter().any(written)
    }

    /// Adds a file.
    pub fn add_file(&mut self, path: Utf8PathBuf, text: String) {
        self.changes.push(Change { path: path.clone(), is_new_file: true, table: None, text: text.clone() });
        self.files.push(File { path, text, is_new: true });
    }

    /// Adds a file, or replaces it.
    pub fn put_file(&mut self, path: Utf8PathBuf, text: String) {
        match self.files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.text = text,
            None => self.add_file(path, text),
        }
    }

    /// Adds a table, with its header, after the last one of that name.
    pub fn add_table(&mut self, table: &str, text: &str) {
        let Some((file, at)) = self.end_of(table) else { return };
        let Some(File { text: all, .. }) = self.files.get_mut(file) else { return };
        let before = &all[..at];
        let gap = match before {
            "" => "",
            _ if before.ends_with("\n\n") => "",
            _ if before.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        let after = &all[at..];
        let end = if after.is_empty() || after.starts_with('\n') { "" } else { "\n" };
        all.insert_str(at, &format!("{gap}{text}{end}"));
        self.note(file, None, text);
    }

    fn note(&mut self, file: usize, table: Option<&[&str]>, text: &str) {
        let Some(File { path, .. }) = self.files.get(file) else { return };
        let table = table.map(|table| table.join("."));
        self.changes.push(Change { path: path.clone(), is_new_file: false, table, text: text.to_owned() });
    }

    /// The file and the place after the last table of that name.
    fn end_of(&self, table: &str) -> Option<(usize, usize)> {
        let place = ORDER.iter().position(|known| *known == table)?;
        let dashboards = self.location.dashboards();
        // The table itself, then those before it, the nearest first.
        ORDER[..=place]
            .iter()
            .rev()
            .find_map(|wanted| {
                let files = self.files.iter().enumerate().filter(|(_, file)| !file.path.starts_with(&dashboards));
                files.rev().find_map(|(index, file)| {
                    let sections = outline::of(&file.text);
                    let last = sections.iter().rposition(|section| section.concerns(wanted))?;
                    Some((index, sections.get(last)?.end))
                })
            })
            .or_else(|| Some((0, outline::of(&self.files.first()?.text).last()?.end)))
    }

    /// Sets a new key in the nearest existing table: with a header, in braces or as dotted keys.
    ///
    /// # Errors
    /// There is no such table.
    pub fn set(&mut self, path: &[&str], value: &str) -> Result<(), Refusal> {
        for split in (1..path.len()).rev() {
            let (table, rest) = path.split_at(split);
            let line = format!("{} = {value}", dotted(rest));
            if let Some(place) = self.braces(table) {
                self.insert_into(place, &line, table);
                return Ok(());
            }
            if let Some((file, at)) = self.section(table) {
                self.insert_line(file, at, &line, table);
                return Ok(());
            }
            if let Some((file, at, depth)) = self.dotted(table) {
                let line = format!("{} = {value}", dotted(path.get(depth..).unwrap_or_default()));
                self.insert_line(file, at, &line, table);
                return Ok(());
            }
        }
        let (last, table) = path.split_last().unwrap_or((&"", &[]));
        let last = key(last);
        Err(Refusal::new(
            format!("cannot add `{last}`: `{}` has no table [{}]", self.location.main(), dotted(table)),
            format!("add `{last} = {value}` to that table yourself"),
        ))
    }

    /// Adds an item to a list.
    ///
    /// # Errors
    /// It is not a list.
    pub fn push(&mut self, path: &[&str], value: &str) -> Result<(), Refusal> {
        let place = self.look(|base, _| {
            let node = base.at(path)?;
            let Value::List(items) = &node.value else { return None };
            Some((node.span, items.last().map(|item| item.span.end as usize)))
        });
        let Some((span, last)) = place else {
            let name = path.join(".");
            return Err(Refusal::new(format!("`{name}` is not a list"), format!("change it to a list with {value}")));
        };
        let file = usize::from(span.file);
        let Some(File { text, .. }) = self.files.get_mut(file) else { return Ok(()) };
        let (start, end) = (span.start as usize, span.end as usize);
        let (at, inserted) = match last {
            // If the closing bracket is on its own line, so is each item.
            Some(last) if text.get(last..end).is_some_and(|rest| rest.contains('\n')) => {
                let line = text[..last].rfind('\n').map_or(0, |newline| newline + 1);
                let indent: String = text[line..].chars().take_while(|c| c.is_whitespace()).collect();
                // A comment after the last item stays after it.
                let rest = &text[last..end];
                let line_end = last + rest.find('\n').unwrap_or(rest.len());
                if rest.trim_start().starts_with(',') {
                    (line_end, format!("\n{indent}{value},"))
                } else {
                    text.insert(last, ',');
                    (line_end + 1, format!("\n{indent}{value}"))
                }
            }
            Some(last) => (last, format!(", {value}")),
            None => (start + 1, value.to_owned()),
        };
        text.insert_str(at, &inserted);
        self.note(file, Some(path), &format!("{value}\n"));
        Ok(())
    }

    /// The file and the end of the content of a table in braces, and whether it is empty.
    fn braces(&self, path: &[&str]) -> Option<(usize, usize, bool)> {
        let (span, is_empty) = self.look(|base, _| {
            let node = base.at(path)?;
            let Value::Table(table) = &node.value else { return None };
            Some((node.span, table.entries.is_empty()))
        })?;
        let file = usize::from(span.file);
        let inside = self.files.get(file)?.text.get(span.start as usize..span.end as usize)?;
        let before = inside.starts_with('{').then(|| inside.strip_suffix('}')).flatten()?;
        Some((file, span.start as usize + end_of_last(before), is_empty))
    }

    fn insert_into(&mut self, (file, at, is_empty): (usize, usize, bool), line: &str, table: &[&str]) {
        let Some(File { text, .. }) = self.files.get_mut(file) else { return };
        let comma = if is_empty || text[..at].ends_with(',') { "" } else { "," };
        // A comment stays after the key that it belongs to.
        let rest = &text[at..];
        let ends = rest.find('\n').filter(|&end| rest[..end].contains('#'));
        if let Some(end) = ends {
            text.insert_str(at + end, &format!("\n  {line}"));
            text.insert_str(at, comma);
        } else {
            let space = if rest.starts_with(char::is_whitespace) { "" } else { " " };
            text.insert_str(at, &format!("{comma} {line}{space}"));
        }
        self.note(file, Some(table), &format!("{line}\n"));
    }

    /// The file of a table with a header, and the end of its last key.
    fn section(&self, path: &[&str]) -> Option<(usize, usize)> {
        let is_it = |section: &&Section| section.has_header && section.path == path;
        self.files
            .iter()
            .enumerate()
            .find_map(|(index, file)| Some((index, outline::of(&file.text).iter().find(is_it)?.place.end)))
    }

    /// The file of a table that is written as dotted keys, the end of the last key, and how many names of the table are in
    /// the header above.
    fn dotted(&self, path: &[&str]) -> Option<(usize, usize, usize)> {
        self.files.iter().enumerate().find_map(|(index, file)| {
            outline::of(&file.text).iter().find_map(|section| {
                let (above, rest) = path.split_at_checked(section.path.len())?;
                if above != section.path {
                    return None;
                }
                let is_of_it =
                    |key: &&KeyValue| key.path.len() > rest.len() && key.path.iter().zip(rest).all(|(a, b)| a == b);
                let last = section.keys.iter().rev().find(is_of_it)?;
                Some((index, last.place.end, section.path.len()))
            })
        })
    }

    fn insert_line(&mut self, file: usize, at: usize, line: &str, table: &[&str]) {
        let Some(File { text, .. }) = self.files.get_mut(file) else { return };
        let newline = if text[..at].ends_with('\n') { "" } else { "\n" };
        text.insert_str(at, &format!("{newline}{line}\n"));
        self.note(file, Some(table), &format!("{line}\n"));
    }

    /// Refuses a name that is in use.
    ///
    /// # Errors
    /// It is in use.
    pub fn refuse_taken(&self, table: &str, what: &str, name: &str) -> Result<(), Refusal> {
        if self.has(&[table, name]) {
            let message = format!("{what} `{}` already exists", shown(name));
            return Err(Refusal::new(message, "choose another name, or edit the existing one"));
        }
        Ok(())
    }
}

/// A key, quoted if necessary.
pub fn key(name: &str) -> String {
    TomlKeyBuilder::new(name).as_default().to_toml_key()
}

/// A dotted key.
fn dotted(path: &[&str]) -> String {
    path.iter().map(|name| key(name)).collect::<Vec<_>>().join(".")
}

/// The end of the last token that is neither layout nor a comment.
fn end_of_last(text: &str) -> usize {
    let is_last = |token: &&tokens::Token<'_>| !token.is_layout() && token.kind != TokenKind::Comment;
    tokens::of(text).iter().rev().find(is_last).map_or(0, |token| token.place.end)
}
