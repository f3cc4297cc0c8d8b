//! From a complaint to the line of the output, and from there to the keys of the spec that produce it.

use camino::Utf8Path;
use stackgen::diagnostic::{Diagnostic, Label, Span};
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

pub fn follow(root: &Utf8Path, spec: &Sources, profiles: &[Profile<'_>]) -> Trail {
    let mut trail = Trail { sources: Sources::default(), diagnostics: Vec::new() };
    for source in spec.files() {
        trail.sources.push(&source.path, source.text.clone());
    }
    for profile in profiles {
        // Created only if there is something to trace.
        let mut trace = None;
        for row in &profile.rows {
            let Verdict::Rejected(complaints) = &row.verdict else { continue };
            let trace = trace.get_or_insert_with(|| Trace::new(spec, profile.plan.profile()));
            for path in &row.check.artifacts {
                let of_file: Vec<&Complaint> = complaints.iter().filter(|complaint| complaint.path == *path).collect();
                if !of_file.is_empty() {
                    trail.add(root, row.check.consumer.name, path, &of_file, trace.as_ref());
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
        root: &Utf8Path,
        consumer: &'static str,
        path: &Utf8Path,
        complaints: &[&Complaint],
        trace: Option<&Trace<'_>>,
    ) {
        let text = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let known = self.sources.files().iter().position(|source| source.path == path);
        let file =
            known.and_then(|index| u16::try_from(index).ok()).unwrap_or_else(|| self.sources.push(path, text.clone()));
        let rendered: Vec<Option<usize>> =
            complaints.iter().map(|complaint| trace?.rendered_line(path, &text, complaint.line?)).collect();
        let lines: Vec<usize> = rendered.iter().copied().flatten().collect();
        let keys = trace.filter(|_| !lines.is_empty()).map(|trace| trace.causes(path, &lines)).unwrap_or_default();
        let mut keys = keys.into_iter();
        for (complaint, rendered) in complaints.iter().zip(rendered) {
            let diagnostic = Diagnostic {
                code: consumer,
                title: one_line(&complaint.message),
                labels: vec![Label { span: span_of(file, &text, complaint.line.unwrap_or(1)), text: String::new() }],
                help: None,
            };
            self.diagnostics.push(match rendered {
                Some(_) => with_keys(diagnostic, &keys.next().unwrap_or_default()),
                None if complaint.line.is_some() => {
                    diagnostic.help("this line differs from the rendered output: run `gen check`")
                }
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

/// A consumer's message on one line.
fn one_line(message: &str) -> String {
    message
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
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
