//! The files that a spec is written in.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::Location;
use super::kind::{Kind, Kinds};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// One file of the spec.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path below the project's root, `/` between its components.
    pub path: Utf8PathBuf,
    /// The path in reports.
    pub shown: Utf8PathBuf,
    /// Its text, without a byte order mark and with `\n` at the ends of its lines.
    pub text: String,
    /// How many lines end before each piece of the text.
    lines: Vec<u32>,
}

/// Bytes between two counts of lines: a list of all lines could be larger than the text.
const PIECE: usize = 16 * 1024;

impl Source {
    fn new(path: Utf8PathBuf, shown: Utf8PathBuf, text: String) -> Self {
        let text = normalise(text);
        let mut before = 0;
        let count = |piece| {
            let lines = before;
            before += u32::try_from(newlines(piece)).unwrap_or(u32::MAX);
            lines
        };
        // One more, for the end of a text that ends with a piece.
        let lines = text.as_bytes().chunks(PIECE).chain([&[][..]]).map(count).collect();
        Self { path, shown, text, lines }
    }

    /// The one-based number of the line at a byte.
    pub fn line(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        let before = self.lines.get(at / PIECE).map_or(0, |&lines| lines as usize);
        before + newlines(&self.text.as_bytes()[at / PIECE * PIECE..at]) + 1
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().map(|&byte| usize::from(byte == b'\n')).sum()
}

/// Every file of the spec: the main one first, then the included ones in their order, dashboards, templates, and the files
/// of kinds.
#[derive(Debug, Default)]
pub struct Sources {
    location: Location,
    files: Vec<Arc<Source>>,
    /// How many of the files are TOML; the rest are templates.
    toml: usize,
    /// The templates that could not be read: the path and why.
    unread: Vec<(Utf8PathBuf, String)>,
    /// The kinds of the project and what is wrong with them, once they are read.
    kinds: Kinds,
    kind_problems: Vec<Diagnostic>,
}

impl Sources {
    /// The limit of files, below that of a [`Span`].
    pub const MOST_FILES: usize = 1_000;

    /// No files yet.
    pub fn new(location: Location) -> Self {
        Self { location, ..Self::default() }
    }

    /// Where the spec is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Adds a file of TOML and returns its index. All of these come before the templates.
    pub fn push(&mut self, path: impl AsRef<Utf8Path>, text: String) -> u16 {
        self.toml += 1;
        self.add(path.as_ref(), text)
    }

    /// Adds a template, or why it can't be read.
    pub fn push_template(&mut self, path: &str, text: Result<String, String>) {
        match text {
            Ok(text) => _ = self.add(Utf8Path::new(path), text),
            Err(reason) => self.unread.push((path.into(), reason)),
        }
    }

    /// The index and the text of a template, or why it can't be read.
    ///
    /// # Errors
    /// It was not found or is refused.
    pub fn template(&self, path: &str) -> Result<(u16, &str), &str> {
        let found = (self.toml..).zip(self.files.iter().skip(self.toml)).find(|(_, source)| source.path == path);
        if let Some((index, source)) = found {
            return Ok((u16::try_from(index).unwrap_or(u16::MAX), &source.text));
        }
        let unread = self.unread.iter().find(|(unread, _)| unread == path);
        Err(unread.map_or("it does not exist", |(_, reason)| reason))
    }

    /// The path of each file that isn't TOML of the spec, with its index unless it can't be read.
    pub fn all_templates(&self) -> impl Iterator<Item = (&Utf8Path, Option<u16>)> {
        let read = (self.toml..).zip(self.templates());
        let read = read.map(|(index, file)| (file.path.as_path(), Some(u16::try_from(index).unwrap_or(u16::MAX))));
        read.chain(self.unread.iter().map(|(path, _)| (path.as_path(), None)))
    }

    /// Reads the kinds of the project, once all files are there.
    pub fn settle(&mut self) {
        let mut problems = Diagnostics::default();
        self.kinds = Kinds::read(self, &mut problems);
        self.kind_problems = problems.into_sorted();
    }

    /// The kinds that the spec can use.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The same files, with kinds of the project replaced.
    pub(crate) fn with_kinds(&self, kinds: &[Kind]) -> Self {
        Self { files: self.files.clone(), toml: self.toml, kinds: self.kinds.with(kinds), ..Self::default() }
    }

    /// The same files, with another text of one of them.
    pub(crate) fn with_text(&self, file: u16, text: String) -> Self {
        let mut new =
            Self { files: self.files.clone(), unread: self.unread.clone(), ..Self::new(self.location.clone()) };
        new.toml = self.toml;
        if let Some(changed) = new.files.get_mut(usize::from(file)) {
            *changed = Arc::new(Source::new(changed.path.clone(), changed.shown.clone(), text));
        }
        new.settle();
        new
    }

    /// What is wrong with the kinds of the project.
    pub fn kind_problems(&self) -> &[Diagnostic] {
        &self.kind_problems
    }

    fn add(&mut self, path: &Utf8Path, text: String) -> u16 {
        let index = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        let shown = self.location.shown(path);
        self.files.push(Arc::new(Source::new(path.to_owned(), shown, text)));
        index
    }

    /// The files of TOML, in order.
    pub fn files(&self) -> &[Arc<Source>] {
        &self.files[..self.toml]
    }

    /// The templates, and the files of the project's kinds.
    pub fn templates(&self) -> &[Arc<Source>] {
        &self.files[self.toml..]
    }

    /// The file that a span lies in.
    pub fn file(&self, span: Span) -> Option<&Source> {
        self.at(span.file)
    }

    /// The file with that index: of TOML, or a template.
    pub fn at(&self, index: u16) -> Option<&Source> {
        self.files.get(usize::from(index)).map(Arc::as_ref)
    }

    /// One-based line and column (in characters) of a span's start.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let Some(source) = self.file(span) else { return (1, 1) };
        let end = (span.start as usize).min(source.text.len());
        let start = source.text.as_bytes()[..end].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let column = source.text.get(start..end).unwrap_or_default().chars().count() + 1;
        (source.line(end), column)
    }
}

/// Removes the byte order mark and Windows line endings, which would otherwise reach the outputs in multi-line strings.
pub(crate) fn normalise(mut text: String) -> String {
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.contains("\r\n") { text.replace("\r\n", "\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters() {
        let mut sources = Sources::default();
        let file = sources.push("spec/stack.toml", "\u{feff}ä = 1\r\nö = 2\r\n".to_owned());
        assert_eq!(sources.files()[0].text, "ä = 1\nö = 2\n");
        let at = |start| sources.position(Span { file, start, end: start + 1 });
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(3), (1, 3));
        assert_eq!(at(7), (2, 1));
        assert_eq!(at(99), (3, 1));
        for size in [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let text = "\n".repeat(size);
            let file = sources.push("spec/stack.toml", text);
            for at in [0, 1, PIECE - 1, PIECE, size] {
                let at = at.min(size);
                let start = u32::try_from(at).unwrap();
                assert_eq!(sources.position(Span { file, start, end: start }), (at + 1, 1), "{at} of {size}");
            }
        }
    }
}
