//! `gen init`.

use std::fmt::Write as _;
use std::io;

use camino::Utf8Path;
use stackgen::edit::example::Example;
use stackgen::edit::repository::{ATTRIBUTES, IGNORED, with_lines};
use stackgen::model::Outputs;
use stackgen::spec::stack::{GENERATED, TERRAFORM};
use stackgen::spec::{self, MAIN};
use stackgen::{links, output};

use super::report::{BOLD, RESET};
use super::{Outcome, Ran, current_folder, load, location, print_text, stop, stop_with, sweep};
use crate::cli::Init;

pub fn run(arguments: &Init) -> Ran {
    // The command line takes the names of examples only.
    let example = Example::named(&arguments.example).ok_or(Outcome::Invalid)?;
    let current = current_folder()?;
    if !location().is_default() {
        let help = "create `spec/stack.toml` without `--spec`, then move it and name the folders of its outputs";
        return Err(stop_with(Outcome::Invalid, "`gen init` does not take `--spec`", help));
    }
    // Where another project has its spec and outputs, whatever their names.
    let taken = current.ancestors().skip(1).find(|folder| {
        let below = current.strip_prefix(folder).unwrap_or(&current);
        let top = below.components().next().map_or("", |part| part.as_str());
        folder.join(MAIN).exists() && folders(folder).iter().any(|taken| taken == top)
    });
    if let Some(above) = taken {
        return Err(stop_with(
            Outcome::Findings,
            format!("the current directory belongs to another project, whose spec is `{}`", above.join(MAIN)),
            "run `gen init` outside of the folders of that project's spec and outputs",
        ));
    }
    sweep(&current, [])?;
    let files = example.files();
    // A broken link counts as well; what a killed run has created doesn't, as long as the spec itself is missing.
    let differs = |path: &str, text: &str| {
        let path = current.join(path);
        path.symlink_metadata().is_ok() && std::fs::read_to_string(path).ok().as_deref() != Some(text)
    };
    let is_there = current.join(MAIN).symlink_metadata().is_ok();
    let refused = files.iter().find(|(path, text)| if *path == MAIN { is_there } else { differs(path, text) });
    if let Some((path, _)) = refused {
        return Err(stop_with(
            Outcome::Findings,
            format!("`{path}` already exists; nothing was written"),
            if *path == MAIN {
                "edit it, or run `gen init` in an empty directory"
            } else {
                "move it, or run `gen init` in an empty directory"
            },
        ));
    }
    // Those that are there are completed.
    let mut for_git = Vec::new();
    for (path, lines) in [ATTRIBUTES, IGNORED] {
        let old = match links::read_text(&current, path.into(), spec::LARGEST) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(stop(Outcome::Failed, format!("cannot read `{path}`: {error}"))),
        };
        for_git.extend(with_lines(old.as_deref(), lines).map(|text| (path, text, old.is_some())));
    }
    let new = for_git.iter().filter(|(.., is_there)| !is_there).map(|(path, text, _)| (*path, text.as_str()));
    // The spec last, since it is what makes a directory a project.
    let (main, others): (Vec<_>, Vec<_>) =
        files.iter().map(|(path, text)| (path.as_str(), *text)).partition(|(path, _)| *path == MAIN);
    let created = new.chain(others).chain(main);
    output::create(&current, created.map(|(path, text)| (Utf8Path::new(path), text)))
        .map_err(|error| stop(Outcome::Failed, error))?;
    for (path, text, _) in for_git.iter().filter(|(.., is_there)| *is_there) {
        output::replace(&current, Utf8Path::new(path), text, output::Mode::Keep)
            .map_err(|error| stop(Outcome::Failed, error))?;
    }
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    for (path, _) in &files {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: created");
    }
    for (path, _, is_there) in &for_git {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: {}", if *is_there { "updated" } else { "created" });
    }
    out.push_str("\nNext steps:\n  gen render    write the outputs to generated/\n");
    out.push_str("  gen dev up    start the stack (needs Docker)\n");
    print_text(&out);
    Ok(Outcome::Clean)
}

/// The folders of a project's spec and outputs: the default ones if its spec is wrong.
fn folders(root: &Utf8Path) -> Vec<String> {
    let mut all = ["spec", GENERATED, TERRAFORM].map(str::to_owned).to_vec();
    if let Ok(project) = load(root.to_owned(), location(), None) {
        let Outputs { generated, terraform, .. } = project.folders();
        all.extend([generated, terraform]);
    }
    all
}
