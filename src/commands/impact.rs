//! `gen impact`.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use stackgen::diagnostic::nearest;
use stackgen::review::counted;
use stackgen::spec::source::Sources;
use stackgen::trace::{Key, Reach, Trace};

use super::explain::{JsonKey, below, named, place};
use super::report::{self, BOLD, CYAN, RESET};
use super::{Outcome, Project, fail, print, project};
use crate::cli::{Format, Impact, Listing};

/// Lines of one output that are shown; the rest is counted.
const MOST_LINES: usize = 20;

pub fn run(arguments: &Impact) -> Outcome {
    let format = if arguments.format == Listing::Json { Format::Json } else { Format::Text };
    let project = match project(arguments.profile.as_deref(), format) {
        Ok(project) => project,
        Err(outcome) => return outcome,
    };
    let traces: Vec<Trace<'_>> =
        project.plans.iter().filter_map(|plan| Trace::new(&project.sources, plan.profile())).collect();
    let wanted = Wanted::new(&project, &arguments.key);
    let mut found: Vec<(&Trace<'_>, Vec<&Key>)> = Vec::new();
    for trace in &traces {
        let keys: Vec<&Key> = trace.keys().iter().filter(|key| wanted.accepts(&project.sources, key)).collect();
        if !keys.is_empty() {
            found.push((trace, keys));
        }
    }
    if found.is_empty() {
        fail(&wanted.not_there(&traces));
        return Outcome::Invalid;
    }
    let reached: Vec<(&Trace<'_>, Vec<&Key>, Vec<Reach>)> = found
        .into_iter()
        .map(|(trace, keys)| {
            let reach = trace.reach(&keys);
            (trace, keys, reach)
        })
        .collect();
    match arguments.format {
        Listing::Text => print(anstream::stdout(), &text(&project.sources, &reached)),
        Listing::Json => print(io::stdout(), &json(&project.sources, &reached)),
    }
    Outcome::Clean
}

/// The keys that were asked for.
enum Wanted<'a> {
    /// Those of a line of the spec.
    Line(camino::Utf8PathBuf, usize),
    /// One, and all below it.
    Key(&'a str),
}

impl<'a> Wanted<'a> {
    fn new(project: &Project, text: &'a str) -> Self {
        match place(text) {
            Some((file, line)) => Self::Line(below(&project.root, file), line),
            None => Self::Key(text),
        }
    }

    fn accepts(&self, sources: &Sources, key: &Key) -> bool {
        match self {
            Self::Line(path, line) => {
                sources.file(key.span).is_some_and(|source| source.path == *path)
                    && sources.position(key.span).0 == *line
            }
            Self::Key(wanted) => {
                let rest = key.path.strip_prefix(wanted);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            }
        }
    }

    fn not_there(&self, traces: &[Trace<'_>]) -> String {
        match self {
            Self::Line(path, line) => format!("no key of the spec stands at `{path}:{line}`"),
            Self::Key(wanted) => {
                let keys = traces.iter().flat_map(Trace::keys).map(|key| key.path.as_str());
                let hint = nearest(wanted, keys).map_or_else(
                    || "write its names with dots, e.g. `services.loki.settings.retention`".to_owned(),
                    |found| format!("did you mean `{found}`?"),
                );
                format!("the spec has no key `{wanted}`: {hint}")
            }
        }
    }
}

fn text(sources: &Sources, reached: &[(&Trace<'_>, Vec<&Key>, Vec<Reach>)]) -> String {
    let mut out = String::new();
    let mut said: Vec<String> = Vec::new();
    for key in reached.iter().flat_map(|(_, keys, _)| keys) {
        let (line, column) = sources.position(key.span);
        let file = sources.file(key.span).map_or("", |source| source.path.as_str());
        let place = format!("{CYAN}{file}:{line}:{column}{RESET} {}\n", named(key));
        if !said.contains(&place) {
            said.push(place);
        }
    }
    out.extend(said);
    for (trace, _, reach) in reached {
        for Reach { path, lines } in reach {
            let text: Vec<&str> = trace.output(path).unwrap_or_default().lines().collect();
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "\n{BOLD}{path}{RESET}");
            for &line in lines.iter().take(MOST_LINES) {
                let _ = writeln!(out, "{line:>6}  {}", text.get(line - 1).map_or("", |text| text.trim_end()));
            }
            if lines.len() > MOST_LINES {
                let _ = writeln!(out, "        … {} more lines", lines.len() - MOST_LINES);
            }
        }
    }
    let lines: usize = reached.iter().flat_map(|(_, _, reach)| reach).map(|reach| reach.lines.len()).sum();
    let files: usize = reached.iter().map(|(_, _, reach)| reach.len()).sum();
    let _ = match lines {
        0 => writeln!(out, "\nreaches no line of any output"),
        _ => writeln!(out, "\n{} of {}", counted(lines, "line"), counted(files, "output")),
    };
    out
}

#[derive(Serialize)]
struct JsonReport<'a> {
    keys: Vec<JsonKey<'a>>,
    outputs: Vec<JsonReach<'a>>,
}

#[derive(Serialize)]
struct JsonReach<'a> {
    path: &'a str,
    lines: Vec<JsonLine<'a>>,
}

#[derive(Serialize)]
struct JsonLine<'a> {
    line: usize,
    text: &'a str,
}

fn json(sources: &Sources, reached: &[(&Trace<'_>, Vec<&Key>, Vec<Reach>)]) -> String {
    let mut keys: Vec<&Key> = Vec::new();
    for key in reached.iter().flat_map(|(_, keys, _)| keys) {
        // Profiles share most of the spec.
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    let outputs = reached
        .iter()
        .flat_map(|(trace, _, reach)| reach.iter().map(move |reach| (trace, reach)))
        .map(|(trace, reach)| {
            let text: Vec<&str> = trace.output(&reach.path).unwrap_or_default().lines().collect();
            let line = |&line: &usize| JsonLine { line, text: text.get(line - 1).copied().unwrap_or_default() };
            JsonReach { path: reach.path.as_str(), lines: reach.lines.iter().map(line).collect() }
        })
        .collect();
    report::serialise(&JsonReport { keys: keys.iter().map(|key| JsonKey::new(sources, key)).collect(), outputs })
}
