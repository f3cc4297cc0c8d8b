//! `gen`: see the library for what it does.

mod cli;
mod commands;

use std::process::ExitCode;

/// A large spec is hundreds of thousands of small strings.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run().into()
}
