//! `gen init`.

use std::fmt::Write as _;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::edit::example::Example;
use stackgen::edit::save;
use stackgen::spec::MAIN;

use super::report::{BOLD, CYAN, RESET};
use super::{Outcome, fail, print};
use crate::cli::Init;

pub fn run(arguments: &Init) -> Outcome {
    // The command line takes the names of examples only.
    let Some(example) = Example::named(&arguments.example) else { return Outcome::Invalid };
    let current = match std::env::current_dir().map(Utf8PathBuf::try_from) {
        Ok(Ok(current)) => current,
        Ok(Err(error)) => {
            fail(&format!("the current folder's path is not UTF-8: {error}"));
            return Outcome::Failed;
        }
        Err(error) => {
            fail(&format!("cannot tell the current folder: {error}"));
            return Outcome::Failed;
        }
    };
    if let Some(above) = current.ancestors().skip(1).find(|folder| folder.join(MAIN).exists()) {
        refuse(
            &format!("this folder lies inside another project, whose spec is `{}`", above.join(MAIN)),
            "run `gen init` in a folder outside of it, or edit that spec",
        );
        return Outcome::Findings;
    }
    let files = example.files();
    // A link that leads nowhere is something, too.
    if let Some((there, _)) = files.iter().find(|(path, _)| current.join(path).symlink_metadata().is_ok()) {
        let help = if there == MAIN {
            "edit it, or run `gen init` in an empty folder"
        } else {
            "move it away, or run `gen init` in an empty folder"
        };
        refuse(&format!("`{there}` is there already; nothing was written"), help);
        return Outcome::Findings;
    }
    let texts = files.iter().map(|(path, text)| (Utf8Path::new(path), *text));
    if let Err((index, error)) = save::create(&current, texts) {
        let path = files.get(index).map_or(MAIN, |(path, _)| path);
        fail(&format!("cannot write `{path}`: {error}"));
        return Outcome::Failed;
    }
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    for (path, _) in &files {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: created");
    }
    let _ = writeln!(out, "\nNext:\n  gen render    writes the stack's files to generated/");
    let _ = writeln!(out, "  gen dev up    says what is missing, or starts the stack (needs Docker)");
    print(anstream::stdout(), &out);
    Outcome::Clean
}

fn refuse(message: &str, help: &str) {
    fail(&format!("{message}\n  {CYAN}help{RESET}: {help}"));
}
