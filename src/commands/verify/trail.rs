//! From a complaint to the line of the output, and from there to the keys of the spec that produce it.

use camino::Utf8Path;
use stackgen::diagnostic::{Diagnostic, Label, Level, Span};
use stackgen::shown::on_one_line;
use stackgen::spec::source::Sources;
use stackgen::trace::{Key, Part, Trace};
use stackgen::verify::Complaint;

use super::{Profile, Verdict};

/// The complaints as diagnostics that point at outputs and the spec.
pub struct Trail {
    /// The files of the spec, then the outputs with complaints.
    pub sources: Sources,
    /// In the order of the checks.
    pub diagnostics: Vec<Diagnostic>,
}

/// Keys that are shown for a line.
const MOST_KEYS: usize = 2;

pub fn follow(spec: &Sources, profiles: &[Profile<'_>]) -> Trail {
    let mut trail = Trail { sources: Sources::default(), diagnostics: Vec::new() };
    for source in spec.files() {
        trail.sources.push(&source.path, source.text.clone());
    }
    for profile in profiles {
        // Created only if there is something to trace.
        let mut trace = None;
        for row in &profile.rows {
            let Verdict::Rejected(complaints) = &row.verdict else { continue };
            let trace = trace.get_or_insert_with(|| Trace::new(spec, profile.plan));
            for path in &row.check.artifacts {
                let of_file: Vec<&Complaint> = complaints.iter().filter(|complaint| complaint.path == *path).collect();
                if !of_file.is_empty() {
                    let text = profile.texts.get(path).map_or("", String::as_str);
                    trail.add(row.check.consumer.name, path, text, &of_file, trace.as_ref());
                }
            }
        }
    }
    trail
}

impl Trail {
    /// The complaints of a consumer about one output.
    fn add(
        &mut self,
        consumer: &'static str,
        path: &Utf8Path,
        text: &str,
        complaints: &[&Complaint],
        trace: Option<&Trace<'_>>,
    ) {
        let known = self.sources.files().iter().position(|source| source.path == path);
        let file = known
            .and_then(|index| u16::try_from(index).ok())
            .unwrap_or_else(|| self.sources.push(path, text.to_owned()));
        let lines: Vec<usize> = complaints.iter().filter_map(|complaint| complaint.line).collect();
        let keys = trace.filter(|_| !lines.is_empty()).map(|trace| trace.causes(path, &lines)).unwrap_or_default();
        let mut keys = keys.into_iter();
        for complaint in complaints {
            let diagnostic = Diagnostic {
                level: Level::Error,
                code: consumer,
                title: on_one_line(&complaint.message),
                labels: vec![Label { span: span_of(file, text, complaint.line.unwrap_or(1)), text: String::new() }],
                help: None,
            };
            self.diagnostics.push(match complaint.line {
                Some(_) => with_keys(diagnostic, &keys.next().unwrap_or_default()),
                None => diagnostic,
            });
        }
    }
}

/// Points at the keys that produce the line.
fn with_keys(diagnostic: Diagnostic, keys: &[&Key]) -> Diagnostic {
    if keys.is_empty() {
        return diagnostic.help("this line comes from the template, not from a key of the spec");
    }
    // The name of a key adds nothing to its value.
    let shown = |key: &&&Key| {
        key.part == Part::Value || !keys.iter().any(|other| other.part == Part::Value && other.path == key.path)
    };
    keys.iter().filter(shown).take(MOST_KEYS).fold(diagnostic, |diagnostic, key| {
        let what = if key.part == Part::Name { "the name of " } else { "" };
        diagnostic.also(key.span, format!("{what}`{}` produces this line", key.path))
    })
}

/// The text of a line without indentation.
fn span_of(file: u16, text: &str, line: usize) -> Span {
    let mut start = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line {
            let trimmed = content.trim();
            let from = start + (content.len() - content.trim_start().len()).min(content.len());
            let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
            return Span { file, start: at(from), end: at(from + trimmed.len()) };
        }
        start += content.len();
    }
    Span { file, start: 0, end: 0 }
}
