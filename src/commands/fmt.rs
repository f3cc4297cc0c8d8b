//! `gen fmt`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stackgen::edit::format;
use stackgen::review::counted;
use stackgen::spec::source::Source;

use super::report::{self, BOLD, CYAN, GREEN, RED, RESET};
use super::{Outcome, Ran, location, print_text, read_toml, rewrite, root, show, stop, sweep};
use crate::cli::Fmt;

pub fn run(arguments: &Fmt) -> Ran {
    let root = root()?;
    if !arguments.check {
        sweep(&root, [])?;
    }
    let sources = read_toml(&root, arguments.format.into())?;
    let mut changed: Vec<(&Source, String)> = Vec::new();
    for source in sources.files() {
        let Some(text) = format::format(&source.text) else {
            let message = format!("cannot format `{}` without changing its meaning; nothing was written", source.path);
            return Err(stop(Outcome::Failed, message));
        };
        if text != source.text {
            changed.push((source, text));
        }
    }
    if arguments.check {
        show(
            arguments.format,
            || differences(sources.files().len(), &changed),
            || {
                let place = |(source, text): &(&Source, String)| {
                    let line = format::first_difference(&source.text, text).map(|(number, ..)| number);
                    json!({ "path": source.path.as_str(), "line": line })
                };
                let differ: Vec<Value> = changed.iter().map(place).collect();
                report::versioned(json!({ "checked": sources.files().len(), "not_formatted": differ }))
            },
        );
        return Ok(if changed.is_empty() { Outcome::Clean } else { Outcome::Findings });
    }
    rewrite(&root, &sources, changed.iter().map(|(source, text)| (source.path.as_path(), text.as_str())))?;
    for (source, _) in &changed {
        print_text(&format!("{BOLD}{}{RESET}: formatted\n", source.path));
    }
    print_text(&count(sources.files().len(), changed.len(), "formatted"));
    Ok(Outcome::Clean)
}

fn differences(files: usize, changed: &[(&Source, String)]) -> String {
    let mut out = String::new();
    for (source, text) in changed {
        let Some((number, old, new)) = format::first_difference(&source.text, text) else { continue };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{BOLD}{}:{number}{RESET}: not formatted", source.path);
        for (colour, sign, line) in [(RED, '-', old), (GREEN, '+', new)] {
            let Some(line) = line else { continue };
            // What is wrong with a line may be the blanks at its end.
            let kept = line.trim_end_matches([' ', '\t']);
            let blanks = line[kept.len()..].replace(' ', "·").replace('\t', "→");
            let _ = writeln!(out, "{colour}{sign}{kept}{blanks}{RESET}");
        }
        let _ = writeln!(out, "  {CYAN}help{RESET}: run `{} fmt`\n", location().program());
    }
    out.push_str(&count(files, changed.len(), "to format"));
    out
}

fn count(files: usize, changed: usize, what: &str) -> String {
    let files = counted(files, "file");
    if changed == 0 {
        format!("{files} checked, all formatted\n")
    } else {
        format!("{files} checked, {changed} {what}\n")
    }
}
