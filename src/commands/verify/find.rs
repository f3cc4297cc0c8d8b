//! Finds checkers on this machine: programs on `PATH`, and images if there is an engine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use camino::Utf8Path;
use stackgen::dev::{self, Invocation};
use stackgen::verify::{Consumer, Image, Program, version};

use crate::commands::confined::{self, Ended, Programs, Room};

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
pub fn local(programs: &Programs, consumer: &Consumer) -> Result<Local, String> {
    let mut reasons = Vec::new();
    for program in consumer.programs {
        match ask(programs, program) {
            Ok(local) => return Ok(local),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join(", "))
}

fn ask(programs: &Programs, program: &Program) -> Result<Local, String> {
    let Some(path) = programs.find(program.name) else { return Err(format!("`{}` is not on PATH", program.name)) };
    let answer = Room::new().and_then(|room| {
        let mut command = programs.checker(&room, &path);
        command.args(program.first).args(program.version);
        confined::answer(command, confined::TIME)
    });
    let shown = || [&[program.name], program.first, program.version].concat().join(" ");
    match answer {
        Ok(answer) if answer.succeeded => {
            let version = version(&answer.stdout).or_else(|| version(&answer.stderr));
            Ok(Local { path, first: program.first, version: version.map(ToOwned::to_owned) })
        }
        Ok(_) => Err(format!("`{}` failed", shown())),
        Err(error) => Err(format!("cannot run `{}`: {error}", shown())),
    }
}

/// The engine, looked for when the first image is needed.
pub struct Engine<'r> {
    root: &'r Utf8Path,
    programs: &'r Programs,
    /// What is wrong with it.
    trouble: OnceLock<Option<String>>,
    /// Images that are built locally: whether they have been.
    built: Mutex<BTreeMap<String, bool>>,
}

impl<'r> Engine<'r> {
    pub fn new(root: &'r Utf8Path, programs: &'r Programs) -> Self {
        Self { root, programs, trouble: OnceLock::new(), built: Mutex::default() }
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

    fn ask(&self, invocation: &Invocation) -> Option<Ended> {
        let room = Room::new().ok()?;
        let mut command = self.programs.docker(&room)?;
        command.args(&invocation.args);
        confined::answer(command, confined::TIME).ok()
    }
}
