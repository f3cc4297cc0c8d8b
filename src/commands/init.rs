//! `gen init`.

use std::fmt::Write as _;

use camino::Utf8Path;
use stackgen::edit::example::Example;
use stackgen::output;
use stackgen::spec::MAIN;

use super::report::{BOLD, RESET};
use super::{Outcome, Ran, current_folder, print, stop, stop_with, sweep};
use crate::cli::Init;

pub fn run(arguments: &Init) -> Ran {
    // The command line takes the names of examples only.
    let example = Example::named(&arguments.example).ok_or(Outcome::Invalid)?;
    let current = current_folder()?;
    if let Some(above) = current.ancestors().skip(1).find(|folder| folder.join(MAIN).exists()) {
        return Err(stop_with(
            Outcome::Findings,
            format!("the current directory is inside another project, whose spec is `{}`", above.join(MAIN)),
            "run `gen init` in a directory outside of that project",
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
    // The spec last, since it is what makes a directory a project.
    let (main, others): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| *path == MAIN);
    output::create(&current, others.into_iter().chain(main).map(|(path, text)| (Utf8Path::new(path), *text)))
        .map_err(|error| stop(Outcome::Failed, error))?;
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    for (path, _) in &files {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: created");
    }
    out.push_str("\nNext steps:\n  gen render    write the outputs to generated/\n");
    out.push_str("  gen dev up    start the stack (needs Docker)\n");
    print(anstream::stdout(), &out);
    Ok(Outcome::Clean)
}
