//! `gen explain`.

use std::fmt::Write as _;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use stackgen::codes;
use stackgen::diagnostic::{Level, suggestion};
use stackgen::links;
use stackgen::output;
use stackgen::review::counted;
use stackgen::spec::decode::shown;
use stackgen::spec::lints;
use stackgen::spec::source::Sources;
use stackgen::trace::{Key, Part, Trace};
use stackgen::view;

use super::report::{self, BOLD, CYAN, GREEN, RED, RESET};
use super::{Outcome, Project, Ran, location, project, show, stop, stop_with};
use crate::cli::{Explain, Listing};

pub fn run(arguments: &Explain) -> Ran {
    if let Some(code) = &arguments.code {
        return explain_code(code, arguments.format);
    }
    let written = arguments.place.as_deref().unwrap_or_default();
    let Some((file, line)) = place(written) else {
        let message = format!("invalid place `{written}`");
        return Err(stop_with(Outcome::Invalid, message, "write it as `generated/dev/docker-compose.yml:12`"));
    };
    let project = project(None, arguments.format.into())?;
    let path = below(&project.root, file);
    let mut known = Vec::new();
    for plan in &project.plans {
        let outputs: Vec<Utf8PathBuf> = view::artifacts(plan.stack()).into_iter().map(|output| output.path).collect();
        if outputs.contains(&path)
            && let Some(trace) = Trace::new(&project.sources, plan)
        {
            let beside = path.strip_prefix(plan.stack().files()).ok();
            let template = beside.and_then(|path| plan.stack().template_of(path.as_str()));
            return explain(&project, &trace, (&path, line), template, arguments.format);
        }
        known.extend(outputs.into_iter().map(Utf8PathBuf::into_string));
    }
    let help = suggestion(path.as_str(), known.iter().map(String::as_str), || "see `gen list artifacts`".to_owned());
    Err(stop_with(Outcome::Invalid, format!("`{path}` is not an output"), help))
}

fn explain_code(code: &str, format: Listing) -> Ran {
    let page = codes::page(code)
        .map_err(|help| stop_with(Outcome::Invalid, format!("unknown code `{}`", shown(code)), help))?;
    let level =
        if lints::default_level(code) == Some(lints::Level::Warn) { Level::Warning } else { Level::Error }.as_str();
    let text = || page_as_text(code, level, page);
    Ok(show(format, text, || report::versioned(json!({ "code": code, "level": level, "page": page }))))
}

/// A page for a terminal: specs are indented instead of fenced.
fn page_as_text(code: &str, level: &str, page: &str) -> String {
    let mut out = format!("{BOLD}{level}[{code}]{RESET}\n\n");
    let mut is_spec = false;
    for line in page.lines() {
        is_spec ^= line.starts_with("```");
        // Writing to a `String` cannot fail.
        let _ = match line {
            "```toml wrong" => writeln!(out, "{RED}Wrong:{RESET}\n"),
            "```toml right" => writeln!(out, "{GREEN}Right:{RESET}\n"),
            "```" => Ok(()),
            line if is_spec && !line.is_empty() => writeln!(out, "    {line}"),
            line => writeln!(out, "{line}"),
        };
    }
    if let Some(level) = lints::default_level(code) {
        let level = level.as_str();
        let _ = writeln!(out, "\nIts level is `{level}` unless `[lints]` sets another one: `{code} = \"allow\"`.");
    }
    out
}

fn explain(
    project: &Project,
    trace: &Trace<'_>,
    (path, line): (&Utf8Path, usize),
    template: Option<&str>,
    format: Listing,
) -> Ran {
    let sources = &project.sources;
    let on_disk = match links::read_text(&project.root, path, output::LARGEST) {
        Ok(text) => text,
        // Not rendered yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => trace.output(path).unwrap_or_default().to_owned(),
        Err(error) => return Err(stop(Outcome::Failed, format!("cannot read `{path}`: {error}"))),
    };
    let Some(text) = line.checked_sub(1).and_then(|at| on_disk.lines().nth(at)) else {
        let message = format!("`{path}` has only {}", counted(on_disk.lines().count(), "line"));
        return Err(stop(Outcome::Invalid, message));
    };
    let rendered = trace.rendered_line(path, &on_disk, line);
    let keys = rendered.map(|line| trace.causes(path, &[line]).pop().unwrap_or_default());
    let is_ejected = project.plans.iter().any(|plan| plan.ejected().iter().any(|own| own == path));
    show(
        format,
        || as_text(sources, (path, line), (text, is_ejected), template, keys.as_deref()),
        || {
            let found: Vec<Value> = keys.iter().flatten().map(|key| json_key(sources, key)).collect();
            // Whether the line is as rendered, and the keys that it depends on.
            report::versioned(json!({
                "path": path.as_str(),
                "line": line,
                "text": text,
                "rendered": keys.is_some(),
                "template": template,
                "keys": found,
            }))
        },
    );
    Ok(if keys.is_some() { Outcome::Clean } else { Outcome::Findings })
}

fn as_text(
    sources: &Sources,
    (path, line): (&Utf8Path, usize),
    (text, is_ejected): (&str, bool),
    template: Option<&str>,
    keys: Option<&[&Key]>,
) -> String {
    let mut out = format!("{BOLD}{path}:{line}{RESET}\n  {}\n\n", text.trim());
    match keys {
        None if is_ejected => {
            out.push_str("This file is your own (`[ejected]`), and differs from what would be rendered here.\n");
        }
        None => out.push_str(&location().commands("This line differs from the rendered output: run `gen check`.\n")),
        Some([]) if template.is_some() => {}
        Some([]) => out.push_str("This line comes from the template, not from a key of the spec.\n"),
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
    if let Some(template) = template.filter(|_| keys.is_some()) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{CYAN}{template}{RESET} the template");
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

/// A path that was given relative to the current directory, relative to the root.
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

/// A key and its place.
pub fn json_key(sources: &Sources, key: &Key) -> Value {
    let (line, column) = sources.position(key.span);
    json!({
        "key": key.path,
        "part": match key.part {
            Part::Name => "name",
            Part::Value => "value",
            Part::List => "list",
            Part::Table => "table",
        },
        "path": sources.file(key.span).map_or("", |source| source.path.as_str()),
        "line": line,
        "column": column,
        "text": source_line(sources, key),
    })
}
