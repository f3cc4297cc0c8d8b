//! `gen completions` and `gen man`.

use std::fmt::Display;
use std::io;

use camino::{Utf8Component, Utf8Path};
use clap_complete::Shell;
use stackgen::links;
use stackgen::output::{self, Mode};

use super::{Outcome, Ran, current_folder, print, stop};
use crate::cli::Cli;

/// The name that the binary is installed as.
const NAME: &str = "gen";

pub fn run(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::definition(), NAME, &mut script);
    print(io::stdout(), &String::from_utf8_lossy(&script));
    Outcome::Clean
}

pub fn man(folder: &Utf8Path) -> Ran {
    let cannot =
        |error: &dyn Display| stop(Outcome::Failed, format!("cannot write the man pages to `{folder}`: {error}"));
    // Where the user says, but not where a link of the tree leads.
    let current = current_folder()?;
    if let Ok(inside) = current.join(folder).strip_prefix(&current)
        && !inside.components().any(|part| part == Utf8Component::ParentDir)
    {
        links::follow(&current, inside).map_err(|error| cannot(&error))?;
    }
    std::fs::create_dir_all(folder).map_err(|error| cannot(&error))?;
    for (name, page) in pages().map_err(|error| cannot(&error))? {
        output::replace(folder, Utf8Path::new(&name), &page, Mode::Keep).map_err(|error| cannot(&error))?;
    }
    print(
        io::stdout(),
        &format!("wrote gen.1 and a page for each command to `{folder}`; read it with `man {folder}/gen.1`\n"),
    );
    Ok(Outcome::Clean)
}

/// The name and the text of each page.
fn pages() -> io::Result<Vec<(String, String)>> {
    let folder = tempfile::tempdir()?;
    clap_mangen::generate_to(Cli::definition(), &folder)?;
    let pages = std::fs::read_dir(&folder)?.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path())?))
    });
    pages.collect()
}
