//! `gen completions` and `gen man`.

use std::io;

use camino::Utf8Path;
use clap_complete::Shell;

use super::{Outcome, Ran, print, stop};
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
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::definition(), folder))
        .map_err(|error| stop(Outcome::Failed, format!("cannot write the man pages to `{folder}`: {error}")))?;
    print(
        io::stdout(),
        &format!("wrote gen.1 and a page for each command to `{folder}`; read it with `man {folder}/gen.1`\n"),
    );
    Ok(Outcome::Clean)
}
