//! Diagnostics for people, programs and GitHub.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Renderer, Snippet};
use serde::Serialize;
use serde_json::{Value, json};
use stackgen::diagnostic::{Diagnostic, Diagnostics, Label, Level};
use stackgen::model::public;
use stackgen::review::counted;
use stackgen::shown::{is_obeyed, printable};
use stackgen::spec::source::{Source, Sources};

/// Diagnostics that are shown; the rest is counted.
const MOST: usize = 50;

/// Lines around a label that are passed to the renderer.
const AROUND: usize = 3;

/// The largest distance in bytes between labels of one excerpt.
const LARGEST: usize = 1 << 20;

/// Bytes of a line that are passed to the renderer, which shows a part: a minified or hostile file may be one line. In a
/// longer line, the column is counted from the start of the piece that is passed.
const LONGEST_LINE: usize = 10_000;

/// Bytes of a longer line that are passed.
const PIECE: usize = 200;

pub const RED: &str = "\u{1b}[1;31m";
pub const GREEN: &str = "\u{1b}[32m";
pub const BOLD: &str = "\u{1b}[1m";
pub const CYAN: &str = "\u{1b}[36m";
pub const YELLOW: &str = "\u{1b}[33m";
pub const RESET: &str = "\u{1b}[0m";

/// Diagnostics with excerpts and the number of those not shown.
pub fn excerpts(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = first_excerpts(sources, diagnostics);
    if diagnostics.len() > MOST {
        let _ = writeln!(out, "… and {} more\n", diagnostics.len() - MOST);
    }
    out
}

fn first_excerpts(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MOST) {
        out.push_str(&one(sources, diagnostic, &renderer));
        out.push_str("\n\n");
    }
    out
}

/// Diagnostics with excerpts and their number.
pub fn text(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = first_excerpts(sources, diagnostics);
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error).count();
    let warnings = counted(diagnostics.len() - errors, "warning");
    if errors == 0 {
        let _ = writeln!(out, "{YELLOW}warning{RESET}: {warnings} in the spec");
        return out;
    }
    let cut = if diagnostics.len() > MOST { format!(", the first {MOST} shown") } else { String::new() };
    let problems = counted(errors, "problem");
    let problems = if errors < Diagnostics::MOST { problems } else { format!("at least {problems}") };
    let problems = if errors == diagnostics.len() { problems } else { format!("{problems} and {warnings}") };
    let _ = writeln!(out, "{RED}error{RESET}: {problems} in the spec{cut}; nothing was written or compared");
    if let Some(first) = diagnostics.iter().find(|diagnostic| diagnostic.level == Level::Error) {
        let _ = writeln!(out, "for more, run `gen explain --code {}`", first.code);
    }
    out
}

/// A piece of a source around labels.
struct Excerpt<'a> {
    source: &'a Source,
    text: String,
    first_line: usize,
    labels: Vec<(Range<usize>, &'a Label, bool)>,
}

fn one(sources: &Sources, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let mut files: Vec<u16> = Vec::new();
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    let mut excerpts: Vec<Excerpt<'_>> = Vec::new();
    for file in files {
        let Some(source) = sources.at(file) else { continue };
        let labels: Vec<(&Label, bool)> = diagnostic
            .labels
            .iter()
            .enumerate()
            .filter(|(_, label)| label.span.file == file)
            .map(|(index, label)| (label, index == 0))
            .collect();
        match excerpt(source, &labels) {
            Some(whole) => excerpts.push(whole),
            None => excerpts.extend(labels.iter().map(|&(label, primary)| cut(source, label, primary))),
        }
    }
    let shown = match diagnostic.level {
        Level::Error => annotate_snippets::Level::ERROR,
        Level::Warning => annotate_snippets::Level::WARNING,
    };
    let mut group: Group<'_> = Group::with_title(shown.primary_title(diagnostic.title.as_str()).id(diagnostic.code));
    for excerpt in &excerpts {
        let mut snippet =
            Snippet::source(excerpt.text.as_str()).path(excerpt.source.shown.as_str()).line_start(excerpt.first_line);
        for (range, label, primary) in &excerpt.labels {
            let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(range.clone());
            snippet = snippet.annotation(if label.text.is_empty() {
                annotation
            } else {
                annotation.label(label.text.as_str())
            });
        }
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(annotate_snippets::Level::HELP.message(sources.location().commands(help)));
    }
    renderer.render(&[group])
}

/// The bytes of a source that a label points at.
fn place(source: &Source, label: &Label) -> Range<usize> {
    let all = source.text.as_str();
    let clamp = |at: u32| floor(all, (at as usize).min(all.len()));
    let start = clamp(label.span.start);
    start..clamp(label.span.end).max(start)
}

/// The lines of a source around the labels, since the renderer would read all of a large spec for each diagnostic. `None` if
/// the labels are far apart or their lines too long.
fn excerpt<'a>(source: &'a Source, labels: &[(&'a Label, bool)]) -> Option<Excerpt<'a>> {
    let all = source.text.as_str();
    let places: Vec<Range<usize>> = labels.iter().map(|(label, _)| place(source, label)).collect();
    let first = places.iter().map(|place| place.start).min()?;
    let last = places.iter().map(|place| place.end).max()?;
    if last - first > LARGEST {
        return None;
    }
    let mut from = line_start(all, first);
    for _ in 0..AROUND {
        from = line_start(all, from.saturating_sub(1));
    }
    let mut to = line_end(all, last);
    for _ in 0..AROUND {
        to = line_end(all, (to + 1).min(all.len()));
    }
    let window = &all[from..to];
    if window.lines().any(|line| line.len() > LONGEST_LINE) {
        return None;
    }
    let labels = labels
        .iter()
        .zip(places)
        .map(|(&(label, primary), place)| (place.start - from..place.end - from, label, primary))
        .collect();
    Some(Excerpt { source, text: window.to_owned(), first_line: source.line(from), labels })
}

/// The piece of one line around a label.
fn cut<'a>(source: &'a Source, label: &'a Label, primary: bool) -> Excerpt<'a> {
    let all = source.text.as_str();
    let place = place(source, label);
    let from = floor(all, place.start.saturating_sub(PIECE / 2)).max(line_start(all, place.start));
    let to = floor(all, (from + PIECE).min(line_end(all, place.start))).max(place.start);
    let range = place.start - from..place.end.min(to) - from;
    Excerpt {
        source,
        text: all[from..to].to_owned(),
        first_line: source.line(from),
        labels: vec![(range, label, primary)],
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline)
}

/// A report for programs, an object: `gen schema report` has what each of them says.
pub fn versioned(mut report: Value) -> String {
    if let Value::Object(keys) = &mut report {
        keys.insert("version".to_owned(), public::VERSION.into());
    }
    serialise(&report)
}

/// One object with every diagnostic.
pub fn json(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    versioned(json!({ "diagnostics": json_diagnostics(sources, diagnostics) }))
}

/// A list of diagnostics.
pub fn json_diagnostics(sources: &Sources, diagnostics: &[Diagnostic]) -> Value {
    let label = |label: &Label| {
        let (line, column) = sources.position(label.span);
        let path = sources.file(label.span).map_or("", |source| source.shown.as_str());
        json!({ "path": path, "line": line, "column": column, "text": label.text })
    };
    let diagnostic = |Diagnostic { level, code, title, labels, help }: &Diagnostic| {
        let labels: Vec<Value> = labels.iter().map(label).collect();
        let help = help.as_ref().map(|help| sources.location().commands(help));
        json!({ "level": level.as_str(), "code": code, "title": title, "help": help, "labels": labels })
    };
    diagnostics.iter().map(diagnostic).collect()
}

/// A report as JSON, one object. What a terminal would obey is escaped: it can only be in a string.
pub fn serialise(report: &impl Serialize) -> String {
    // Serializing strings, numbers and lists can't fail.
    let text = serde_json::to_string_pretty(report).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if is_obeyed(c) {
            // None of these needs two units of UTF-16.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

/// One annotation for each diagnostic.
pub fn github(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.primary().and_then(|span| {
            let (line, column) = sources.position(span);
            Some((sources.file(span)?.shown.as_str(), line, column))
        });
        let mut message = diagnostic.title.clone();
        if let Some(help) = &diagnostic.help {
            message.push('\n');
            message.push_str(&sources.location().commands(help));
        }
        leveled_annotation(&mut out, diagnostic.level.as_str(), place, diagnostic.code, &message);
    }
    out
}

/// Writes an annotation of GitHub Actions (a workflow command: `::error file=…,line=…,col=…,title=…::message`).
pub fn annotation(out: &mut String, place: Option<(&str, usize, usize)>, title: &str, message: &str) {
    leveled_annotation(out, "error", place, title, message);
}

fn leveled_annotation(out: &mut String, level: &str, place: Option<(&str, usize, usize)>, title: &str, message: &str) {
    // The runner still obeys `##[command]` anywhere in a line.
    let escape = |text: &str| {
        printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("##[", "## [")
    };
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let _ = write!(out, "::{level} ");
    if let Some((path, line, column)) = place {
        let _ = write!(out, "file={},line={line},col={column},", property(path));
    }
    let _ = writeln!(out, "title={}::{}", property(title), escape(message));
}
