//! `gen completions` and `gen man`: what is written from the definition of the command line.

use std::io;

use camino::Utf8Path;
use clap_complete::Shell;

use super::{Outcome, fail, print};
use crate::cli::Cli;

/// The name that the binary is installed as.
const NAME: &str = "gen";

pub fn run(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::definition(), NAME, &mut script);
    print(io::stdout(), &String::from_utf8_lossy(&script));
    Outcome::Clean
}

pub fn man(folder: &Utf8Path) -> Outcome {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::definition(), folder));
    match written {
        Ok(()) => {
            print(
                io::stdout(),
                &format!("wrote gen.1 and a page for each command to `{folder}`; see `man {folder}/gen.1`\n"),
            );
            Outcome::Clean
        }
        Err(error) => {
            fail(&format!("cannot write the man pages to `{folder}`: {error}"));
            Outcome::Failed
        }
    }
}
