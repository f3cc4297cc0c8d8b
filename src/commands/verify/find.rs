//! Finds checkers on this machine: programs on `PATH`, and images if there is an engine.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use camino::Utf8Path;
use stackgen::dev::{self, Invocation};
use stackgen::verify::{Consumer, Image, Program, version};

use super::run;

/// A program on `PATH`.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its path.
    pub path: PathBuf,
    /// Arguments before all others.
    pub first: &'static [&'static str],
    /// Its version.
    pub version: Option<String>,
}

/// The first of a consumer's programs that is on `PATH` and prints its version.
///
/// # Errors
/// Why there is none.
pub fn local(root: &Utf8Path, consumer: &Consumer) -> Result<Local, String> {
    let mut reasons = Vec::new();
    for program in consumer.programs {
        match ask(root, program) {
            Ok(local) => return Ok(local),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join(", "))
}

fn ask(root: &Utf8Path, program: &Program) -> Result<Local, String> {
    let Some(path) = on_path(program.name) else { return Err(format!("`{}` is not on PATH", program.name)) };
    let mut command = run::command(root, &path);
    command.args(program.first).args(program.version);
    let shown = || [&[program.name], program.first, program.version].concat().join(" ");
    match run::answer(command, run::LOCAL_LIMIT) {
        Ok(answer) if answer.succeeded => {
            let version = version(&answer.stdout).or_else(|| version(&answer.stderr));
            Ok(Local { path, first: program.first, version: version.map(ToOwned::to_owned) })
        }
        Ok(_) => Err(format!("`{}` failed", shown())),
        Err(error) => Err(format!("cannot run `{}`: {error}", shown())),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        // A relative entry would be another directory for the child.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(&file))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// The engine, looked for when the first image is needed.
pub struct Engine<'r> {
    root: &'r Utf8Path,
    /// What is wrong with it.
    trouble: OnceLock<Option<String>>,
    /// Images that are built locally: whether they have been.
    built: Mutex<BTreeMap<String, bool>>,
}

impl<'r> Engine<'r> {
    pub fn new(root: &'r Utf8Path) -> Self {
        Self { root, trouble: OnceLock::new(), built: Mutex::default() }
    }

    /// Whether an image can be run.
    ///
    /// # Errors
    /// Why not.
    pub fn has(&self, image: &Image) -> Result<(), String> {
        if let Some(trouble) = self.trouble.get_or_init(|| self.look()) {
            return Err(trouble.clone());
        }
        if !image.built_here {
            return Ok(());
        }
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = *built.entry(image.reference.clone()).or_insert_with(|| {
            self.ask(&dev::engine::image(self.root, &image.reference)).is_some_and(|answer| answer.succeeded)
        });
        if is_there { Ok(()) } else { Err(format!("`{}` has not been built: run `gen dev build`", image.reference)) }
    }

    fn look(&self) -> Option<String> {
        let Some(answer) = self.ask(&dev::engine::info(self.root)) else {
            return Some("the Docker engine is not available".to_owned());
        };
        dev::engine::check_engine(&answer.stdout, answer.stderr.trim())
            .filter(dev::Finding::is_error)
            .map(|finding| finding.what)
    }

    fn ask(&self, invocation: &Invocation) -> Option<run::Ended> {
        let mut command = run::command(self.root, &on_path(invocation.program)?);
        command.args(&invocation.args);
        run::answer(command, run::LOCAL_LIMIT).ok()
    }
}
