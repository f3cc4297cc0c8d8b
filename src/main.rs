//! `gen`: see the library for what it does.

mod cli;
mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run().into()
}
