//! `gen impact`.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use stackgen::Plan;
use stackgen::diagnostic::suggestion;
use stackgen::review::counted;
use stackgen::spec::source::Sources;
use stackgen::trace::{Key, Part, Reach, Trace};

use super::explain::{below, json_key, named, place};
use super::report::{self, BOLD, CYAN, RESET};
use super::{Outcome, Project, Ran, project, show, stop, stop_with};
use crate::cli::Impact;

/// Lines of one output that are shown; the rest is counted.
const MOST_LINES: usize = 20;

pub fn run(arguments: &Impact) -> Ran {
    let project = project(arguments.profile.as_deref(), arguments.format.into())?;
    let traces: Vec<Trace<'_>> = project.plans.iter().filter_map(|plan| Trace::new(&project.sources, plan)).collect();
    let written = if place(&arguments.key).is_some() { arguments.key.clone() } else { plain(&arguments.key) };
    // A key of a profile is that key, in the outputs of the profile.
    let of_profile = |plan: &Plan| written.strip_prefix("profiles.")?.strip_prefix(plan.profile())?.strip_prefix('.');
    let only = project.plans.iter().find_map(|plan| Some((plan.profile(), of_profile(plan)?)));
    let wanted = Wanted::new(&project, only.map_or(written.as_str(), |(_, key)| key));
    let mut found: Vec<(&Trace<'_>, Vec<&Key>)> = Vec::new();
    for (trace, plan) in traces.iter().zip(&project.plans) {
        if only.is_some_and(|(profile, _)| profile != plan.profile()) {
            continue;
        }
        let keys: Vec<&Key> = trace.keys().iter().filter(|key| wanted.accepts(&project.sources, key)).collect();
        if !keys.is_empty() {
            found.push((trace, keys));
        }
    }
    if found.is_empty() {
        return Err(wanted.not_found(&traces, arguments.profile.as_deref()));
    }
    let reached: Vec<(&Trace<'_>, Vec<&Key>, Vec<Reach>)> = found
        .into_iter()
        .map(|(trace, keys)| {
            let reach = trace.reach(&keys);
            (trace, keys, reach)
        })
        .collect();
    Ok(show(arguments.format, || text(&project.sources, &reached), || json(&project.sources, &reached)))
}

/// A dotted key without the quotes that TOML needs around some names, and reports leave out.
fn plain(key: &str) -> String {
    key.replace(['"', '\''], "")
}

/// The keys that were asked for.
enum Wanted<'a> {
    /// Those of a line of the spec.
    Line(camino::Utf8PathBuf, usize),
    /// A key and all keys below it.
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
                key.part != Part::Table
                    && sources.file(key.span).is_some_and(|source| source.path == *path)
                    && sources.position(key.span).0 == *line
            }
            Self::Key(wanted) => {
                let path = plain(&key.path);
                let rest = path.strip_prefix(wanted);
                rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with(['.', '[']) && key.part < Part::List))
            }
        }
    }

    fn not_found(&self, traces: &[Trace<'_>], profile: Option<&str>) -> Outcome {
        match self {
            Self::Line(path, line) => stop(Outcome::Invalid, format!("no key of the spec at `{path}:{line}`")),
            Self::Key(wanted) => {
                let keys = traces.iter().flat_map(Trace::keys).map(|key| key.path.as_str());
                let help = suggestion(wanted, keys, || {
                    if wanted.starts_with("profiles.") {
                        return "add a key that the profile has: `profiles.<name>.<key>`".to_owned();
                    }
                    match profile {
                        Some(profile) => {
                            format!("profile `{profile}` does not have it; without `--profile`, all are searched")
                        }
                        None => "write it as a dotted key, e.g. `services.loki.settings.retention`".to_owned(),
                    }
                });
                stop_with(Outcome::Invalid, format!("unknown key `{wanted}`"), help)
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
        0 => writeln!(out, "\nno line of any output depends on it"),
        _ => writeln!(out, "\n{} in {}", counted(lines, "line"), counted(files, "output")),
    };
    out
}

fn json(sources: &Sources, reached: &[(&Trace<'_>, Vec<&Key>, Vec<Reach>)]) -> String {
    let mut known = HashSet::new();
    let mut keys: Vec<Value> = Vec::new();
    for key in reached.iter().flat_map(|(_, keys, _)| keys) {
        // Profiles share most of the spec.
        if known.insert((&key.path, key.span.file, key.span.start, key.part)) {
            keys.push(json_key(sources, key));
        }
    }
    let outputs = reached.iter().flat_map(|(trace, _, reach)| reach.iter().map(move |reach| (trace, reach)));
    let outputs: Vec<Value> = outputs
        .map(|(trace, Reach { path, lines })| {
            let text: Vec<&str> = trace.output(path).unwrap_or_default().lines().collect();
            let line = |&line: &usize| json!({ "line": line, "text": text.get(line - 1) });
            json!({ "path": path.as_str(), "lines": lines.iter().map(line).collect::<Vec<Value>>() })
        })
        .collect();
    report::versioned(json!({ "keys": keys, "outputs": outputs }))
}
