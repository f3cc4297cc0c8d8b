//! Runs one check.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use camino::Utf8PathBuf;
use stackgen::verify::{Answer, Arg, Check, INSIDE, Image, Reading, Run};

use super::Verdict;
use super::find::Local;
use crate::commands::confined::{self, Ended, Programs, Room};

/// The time limit of a container, whose image may have to be pulled first.
const IMAGE_LIMIT: Duration = Duration::from_mins(15);

/// What a container may not do, and how much it may use. `/tmp` is the only place that it can write to.
const LIMITS: &[&str] = &[
    "--rm",
    "--network=none",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--read-only",
    "--tmpfs=/tmp",
    "--pids-limit=512",
    "--memory=2g",
];

const NO_CLUSTER: &str = "no cluster is named; to ask one: `--context NAME`";

/// Runs a check with the program on `PATH`; `context` is that of kubectl which the user names.
pub fn local(programs: &Programs, check: &Check, local: &Local, context: Option<&str>) -> Verdict {
    if check.local.asks_cluster() && context.is_none() {
        return Verdict::Skipped(NO_CLUSTER.to_owned());
    }
    in_room(check, |room| {
        if let Some(before) = &check.before
            && let Ok(command) = command(programs, room, before, local, context)
        {
            // If it fails, the check itself says what is missing.
            confined::answer(command, confined::TIME)?;
        }
        match command(programs, room, &check.local, local, context) {
            Ok(command) => Ok(verdict(room, check, &confined::answer(command, confined::TIME)?)),
            // The user asked for it.
            Err(reason) if check.local.asks_cluster() => Ok(Verdict::Broken(reason)),
            Err(missing) => Ok(Verdict::Skipped(missing)),
        }
    })
}

/// # Errors
/// What is missing.
fn command(
    programs: &Programs,
    room: &Room,
    run: &Run,
    local: &Local,
    context: Option<&str>,
) -> Result<Command, String> {
    let value = |arg: &Arg| match arg {
        Arg::Is(text) => Ok(text.into()),
        Arg::Folder(before, variable) => {
            let folder = programs.folder(variable);
            let mut text = std::ffi::OsString::from(before);
            text.push(folder.ok_or_else(|| format!("`{variable}` is not set to a folder outside the project"))?);
            Ok(text)
        }
        Arg::Context(before) => match context {
            Some(context) => Ok(format!("{before}{context}").into()),
            None => Err(NO_CLUSTER.to_owned()),
        },
        Arg::Program => Ok(local.path.clone().into_os_string()),
    };
    let starter = |name: &str| programs.find(name).ok_or_else(|| format!("`{name}` is not on PATH"));
    let mut command = match run.through {
        Some(other) => programs.checker(room, &starter(other)?),
        None if run.asks_cluster() => programs.kubectl(room, &local.path)?,
        None => programs.checker(room, &local.path),
    };
    if run.through.is_none() {
        command.args(local.first);
    }
    command.args(run.args.iter().map(value).collect::<Result<Vec<_>, _>>()?);
    for (name, arg) in &run.env {
        command.env(name, value(arg)?);
    }
    Ok(command)
}

/// Runs a check in an image, without a network and with nothing mounted but its input.
pub fn inside(programs: &Programs, check: &Check, image: &Image, run: &Run) -> Verdict {
    in_room(check, |room| {
        let docker = || programs.docker(room).ok_or(io::ErrorKind::NotFound);
        let id = room.work().join("container");
        let mut command = docker()?;
        command.arg("run").arg("--cidfile").arg(&id).args(LIMITS);
        command.arg(if image.built_here { "--pull=never" } else { "--pull=missing" });
        let mounts = check.artifacts.iter().map(|path| (path, format!("{INSIDE}/{path}")));
        for (path, target) in mounts.chain(run.mounts.iter().map(|(path, target)| (path, (*target).to_owned()))) {
            command.arg(format!("--volume={}:{target}:ro", room.work().join(path).display()));
        }
        for (name, value) in &run.env {
            if let Arg::Is(value) = value {
                command.arg(format!("--env={name}={value}"));
            }
        }
        command.args(run.entrypoint.map(|entrypoint| format!("--entrypoint={entrypoint}")));
        // The reference can't be read as an option.
        command.arg("--").arg(&image.reference);
        command.args(run.args.iter().filter_map(|arg| if let Arg::Is(text) = arg { Some(text) } else { None }));
        match confined::answer(command, IMAGE_LIMIT) {
            // `docker run` could not start the container.
            Ok(ended) if matches!(ended.code, Some(125..=127)) => {
                Ok(Verdict::Skipped(format!("cannot run `{}`: {}", image.reference, reason(&ended.stderr))))
            }
            Ok(ended) if ended.stderr.contains("exec format error") => {
                Ok(Verdict::Skipped(format!("`{}` is for another platform", image.reference)))
            }
            Ok(ended) => Ok(verdict(room, check, &ended)),
            Err(error) => {
                // The client was killed, but not the container.
                if let Ok(container) = std::fs::read_to_string(&id) {
                    let mut kill = docker()?;
                    kill.args(["kill", container.trim()]);
                    let _ = confined::answer(kill, confined::TIME);
                }
                Err(error)
            }
        }
    })
}

/// A folder with the files of a check, and what came of it there.
fn in_room(check: &Check, work: impl FnOnce(&Room) -> io::Result<Verdict>) -> Verdict {
    let written = Room::new().and_then(|room| {
        for (path, text) in &check.files {
            let path = room.work().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
            std::fs::write(path, text)?;
        }
        Ok(room)
    });
    match written {
        Ok(room) => work(&room).unwrap_or_else(|error| Verdict::Broken(error.to_string())),
        Err(error) => Verdict::Broken(format!("cannot write temporary files: {error}")),
    }
}

fn verdict(room: &Room, check: &Check, ended: &Ended) -> Verdict {
    let files: Vec<(Utf8PathBuf, String)> = check
        .artifacts
        .iter()
        .map(|path| (path.clone(), std::fs::read_to_string(room.work().join(path)).unwrap_or_default()))
        .collect();
    // The folder is gone when the message is read.
    let own = format!("{}/", room.work().display());
    let (stdout, stderr) = (ended.stdout.replace(&own, ""), ended.stderr.replace(&own, ""));
    let answer = Answer { succeeded: ended.succeeded, stdout: &stdout, stderr: &stderr, files: &files };
    match (check.read)(&answer) {
        Reading::Judged(complaints) if complaints.is_empty() => Verdict::Accepted,
        Reading::Judged(complaints) => Verdict::Rejected(complaints),
        Reading::Skipped(reason) => Verdict::Skipped(reason),
        Reading::NoVerdict(reason) => Verdict::Broken(reason),
    }
}

/// Docker's error message, without the hint that follows.
fn reason(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().find_map(|line| line.strip_prefix("docker: "));
    first.or_else(|| lines.next_back()).unwrap_or("no error message")
}
