//! Writes the spec of a synthetic stack: `cargo run --example synthetic -- 15000 DIRECTORY`.

mod synthetic;

use std::process::ExitCode;
use std::{env, fs, io, path::Path};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [count, directory] => match count.parse() {
            Ok(count) => write(count, Path::new(directory)),
            Err(error) => Err(io::Error::other(error)),
        },
        _ => Err(io::Error::other("usage: synthetic COUNT DIRECTORY")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn write(count: usize, directory: &Path) -> io::Result<()> {
    let folder = directory.join("spec");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("stack.toml"), synthetic::spec(count))
}
