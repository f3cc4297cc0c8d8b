//! `gen fmt`.

use std::fmt::Write as _;

use stackgen::diagnostic::Diagnostics;
use stackgen::edit::{format, save};
use stackgen::spec::source::{Source, Sources};
use stackgen::spec::{self, ReadError, tree};

use super::report::{BOLD, CYAN, GREEN, RED, RESET};
use super::{Outcome, fail, print, report_diagnostics, root};
use crate::cli::{self, Fmt};

pub fn run(arguments: &Fmt) -> Outcome {
    let root = match root() {
        Ok(root) => root,
        Err(outcome) => return outcome,
    };
    let (sources, diagnostics) = match spec::read(&root) {
        Ok(sources) => {
            let diagnostics = syntax(&sources);
            (sources, diagnostics)
        }
        Err((_, ReadError::Io(path, error))) => {
            fail(&format!("cannot read `{path}`: {error}"));
            return Outcome::Failed;
        }
        Err((sources, ReadError::Refused(diagnostics))) => (sources, diagnostics),
    };
    if !diagnostics.is_empty() {
        report_diagnostics(&sources, &diagnostics.into_sorted(), cli::Format::Text);
        return Outcome::Invalid;
    }
    let mut changed: Vec<(&Source, String)> = Vec::new();
    for source in sources.files() {
        let Some(text) = format::format(&source.text) else {
            fail(&format!("cannot format `{}` without changing what it says; nothing was written", source.path));
            return Outcome::Failed;
        };
        if text != source.text {
            changed.push((source, text));
        }
    }
    if arguments.check {
        print(anstream::stdout(), &differences(sources.files().len(), &changed));
        return if changed.is_empty() { Outcome::Clean } else { Outcome::Findings };
    }
    let mut out = String::new();
    for (source, text) in &changed {
        if let Err(error) = save::replace(&root.join(&source.path), text) {
            print(anstream::stdout(), &out);
            fail(&format!("cannot write `{}`: {error}", source.path));
            return Outcome::Failed;
        }
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{BOLD}{}{RESET}: formatted", source.path);
    }
    let _ = writeln!(out, "{}", count(sources.files().len(), changed.len(), "formatted"));
    print(anstream::stdout(), &out);
    Outcome::Clean
}

/// What keeps the files from being read as TOML. What they say may be as wrong as it likes.
fn syntax(sources: &Sources) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for file in 0..sources.files().len() {
        tree::parse(sources, u16::try_from(file).unwrap_or(u16::MAX), &mut diagnostics);
    }
    // A number that is too large is laid out like any other.
    diagnostics.retain(|diagnostic| diagnostic.code == "toml-syntax");
    diagnostics
}

fn differences(files: usize, changed: &[(&Source, String)]) -> String {
    let mut out = String::new();
    for (source, text) in changed {
        let Some((number, old, new)) = format::first_difference(&source.text, text) else { continue };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{BOLD}{}:{number}{RESET}: not in its canonical layout", source.path);
        for (colour, sign, line) in [(RED, '-', old), (GREEN, '+', new)] {
            let Some(line) = line else { continue };
            // What is wrong with a line may be the blanks at its end.
            let kept = line.trim_end_matches([' ', '\t']);
            let blanks = line[kept.len()..].replace(' ', "·").replace('\t', "→");
            let _ = writeln!(out, "{colour}{sign}{kept}{blanks}{RESET}");
        }
        let _ = writeln!(out, "  {CYAN}help{RESET}: run `gen fmt`\n");
    }
    let _ = writeln!(out, "{}", count(files, changed.len(), "to be formatted"));
    out
}

fn count(files: usize, changed: usize, what: &str) -> String {
    let noun = if files == 1 { "file" } else { "files" };
    match changed {
        0 => format!("{files} {noun} of the spec, each in its canonical layout"),
        some => format!("{files} {noun} of the spec, {some} {what}"),
    }
}
