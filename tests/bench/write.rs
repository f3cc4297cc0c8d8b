//! Writes the spec of a synthetic stack: `cargo run --example synthetic -- 15000 DIRECTORY` of so many services, `300x40` of so many
//! dashboards, each with so many panels.

mod synthetic;

use std::process::ExitCode;
use std::{env, fs, io, path::Path};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.as_slice() {
        [size, directory] => write(size, Path::new(directory)),
        _ => Err(io::Error::other("usage: synthetic SERVICES|DASHBOARDSxPANELS DIRECTORY")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn write(size: &str, directory: &Path) -> io::Result<()> {
    let folder = directory.join("spec");
    fs::create_dir_all(folder.join("dashboards"))?;
    let number = |text: &str| text.parse::<usize>().map_err(io::Error::other);
    let Some((dashboards, panels)) = size.split_once('x') else {
        return fs::write(folder.join("stack.toml"), synthetic::spec(number(size)?));
    };
    fs::write(folder.join("stack.toml"), synthetic::spec_with_dashboards())?;
    let panels = number(panels)?;
    for index in 1..=number(dashboards)? {
        let path = folder.join(format!("dashboards/dashboard-{index:04}.toml"));
        fs::write(path, synthetic::dashboard(index, panels))?;
    }
    Ok(())
}
