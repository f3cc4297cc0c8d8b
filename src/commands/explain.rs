//! `gen explain`.

use std::fmt::Write as _;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use stackgen::diagnostic::nearest;
use stackgen::spec::source::Sources;
use stackgen::trace::{Key, Part, Trace};

use super::report::{self, BOLD, CYAN, RESET};
use super::{Outcome, fail, print, project};
use crate::cli::{Explain, Format, Listing};

pub fn run(arguments: &Explain) -> Outcome {
    let Some((file, line)) = place(&arguments.place) else {
        fail(&format!("`{}` is no line of a file: write e.g. `generated/dev/docker-compose.yml:12`", arguments.place));
        return Outcome::Invalid;
    };
    let format = if arguments.format == Listing::Json { Format::Json } else { Format::Text };
    let project = match project(None, format) {
        Ok(project) => project,
        Err(outcome) => return outcome,
    };
    let path = below(&project.root, file);
    let mut known = Vec::new();
    for plan in &project.plans {
        let Some(trace) = Trace::new(&project.sources, plan.profile()) else { continue };
        known.extend(trace.outputs().map(ToString::to_string));
        if trace.output(&path).is_some() {
            return explain(&project.root, &project.sources, &trace, (&path, line), arguments.format);
        }
    }
    let hint = nearest(path.as_str(), known.iter().map(String::as_str))
        .map_or_else(|| "`gen list artifacts` lists them".to_owned(), |found| format!("did you mean `{found}`?"));
    fail(&format!("`{path}` is no output of the spec: {hint}"));
    Outcome::Invalid
}

fn explain(
    root: &Utf8Path,
    sources: &Sources,
    trace: &Trace<'_>,
    (path, line): (&Utf8Path, usize),
    format: Listing,
) -> Outcome {
    let on_disk = match std::fs::read_to_string(root.join(path)) {
        Ok(text) => text,
        // It will be as it is rendered.
        Err(error) if error.kind() == io::ErrorKind::NotFound => trace.output(path).unwrap_or_default().to_owned(),
        Err(error) => {
            fail(&format!("cannot read `{path}`: {error}"));
            return Outcome::Failed;
        }
    };
    let Some(text) = line.checked_sub(1).and_then(|at| on_disk.lines().nth(at)) else {
        let count = on_disk.lines().count();
        fail(&format!("`{path}` has {count} {}", if count == 1 { "line" } else { "lines" }));
        return Outcome::Invalid;
    };
    let rendered = trace.rendered_line(path, &on_disk, line);
    let keys = rendered.map(|line| trace.causes(path, &[line]).pop().unwrap_or_default());
    match format {
        Listing::Text => print(anstream::stdout(), &as_text(sources, (path, line), text, keys.as_deref())),
        Listing::Json => {
            let report = JsonReport {
                path: path.as_str(),
                line,
                text,
                rendered: keys.is_some(),
                keys: keys.iter().flatten().map(|key| JsonKey::new(sources, key)).collect(),
            };
            print(io::stdout(), &report::serialise(&report));
        }
    }
    // Not what the spec says: something to do about it.
    if keys.is_some() { Outcome::Clean } else { Outcome::Findings }
}

fn as_text(sources: &Sources, (path, line): (&Utf8Path, usize), text: &str, keys: Option<&[&Key]>) -> String {
    let mut out = format!("{BOLD}{path}:{line}{RESET}\n  {}\n\n", text.trim());
    match keys {
        None => out.push_str("is not what the spec says: `gen check` shows the difference\n"),
        Some([]) => out.push_str("comes from no key of the spec: it is the template's own\n"),
        Some(keys) => {
            for key in keys {
                let (line, column) = sources.position(key.span);
                let file = sources.file(key.span).map_or("", |source| source.path.as_str());
                // Writing to a `String` cannot fail.
                let _ = writeln!(out, "{CYAN}{file}:{line}:{column}{RESET} {}", named(key));
                let _ = writeln!(out, "  {}", source_line(sources, key).trim());
            }
        }
    }
    out
}

/// A key, and whether its name is meant.
pub fn named(key: &Key) -> String {
    if key.part == Part::Name { format!("the name of {}", key.path) } else { key.path.clone() }
}

/// The line of the spec that a key stands in.
pub fn source_line<'s>(sources: &'s Sources, key: &Key) -> &'s str {
    let (line, _) = sources.position(key.span);
    sources.file(key.span).and_then(|source| source.text.lines().nth(line.saturating_sub(1))).unwrap_or_default()
}

/// `FILE:LINE`, or `FILE:LINE:COLUMN` as compilers write it.
pub fn place(text: &str) -> Option<(&str, usize)> {
    let (file, last) = text.trim_end_matches(':').rsplit_once(':')?;
    let last: usize = last.parse().ok()?;
    match file.rsplit_once(':').map(|(file, line)| (file, line.parse::<usize>())) {
        Some((file, Ok(line))) => Some((file, line)),
        _ => Some((file, last)),
    }
    .filter(|(file, line)| !file.is_empty() && *line > 0)
}

/// A path that was typed in the current folder, below the root.
pub fn below(root: &Utf8Path, file: &str) -> Utf8PathBuf {
    let current = std::env::current_dir().ok().and_then(|path| Utf8PathBuf::try_from(path).ok()).unwrap_or_default();
    let mut full = Utf8PathBuf::new();
    for part in current.join(file).components() {
        match part {
            camino::Utf8Component::CurDir => {}
            camino::Utf8Component::ParentDir => {
                full.pop();
            }
            part => full.push(part),
        }
    }
    full.strip_prefix(root).map_or_else(|_| Utf8PathBuf::from(file), ToOwned::to_owned)
}

#[derive(Serialize)]
struct JsonReport<'a> {
    path: &'a str,
    line: usize,
    text: &'a str,
    /// Whether the line is what the spec says.
    rendered: bool,
    keys: Vec<JsonKey<'a>>,
}

/// A key and its place.
#[derive(Serialize)]
pub struct JsonKey<'a> {
    key: &'a str,
    part: &'static str,
    path: &'a str,
    line: usize,
    column: usize,
    text: &'a str,
}

impl<'a> JsonKey<'a> {
    pub fn new(sources: &'a Sources, key: &'a Key) -> Self {
        let (line, column) = sources.position(key.span);
        Self {
            key: &key.path,
            part: match key.part {
                Part::Name => "name",
                Part::Value => "value",
            },
            path: sources.file(key.span).map_or("", |source| source.path.as_str()),
            line,
            column,
            text: source_line(sources, key),
        }
    }
}
