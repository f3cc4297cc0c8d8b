//! Runs one check.

use std::env;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::verify::{Answer, Arg, Check, INSIDE, Image, Reading, Run};
use tempfile::TempDir;

use super::Verdict;
use super::find::Local;
use crate::commands::read_all;

/// The time limit of a program.
pub const LOCAL_LIMIT: Duration = Duration::from_mins(2);

/// The time limit of a container, whose image may have to be pulled first.
const IMAGE_LIMIT: Duration = Duration::from_mins(15);

/// The inherited variables: those that are needed to find programs, an engine and settings. Any other could change the
/// meaning of an output.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SystemRoot",
    "APPDATA",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "TF_PLUGIN_CACHE_DIR",
    "NODE_PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
];

/// How a program ended.
pub struct Ended {
    pub succeeded: bool,
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A program that runs in the root, with few of this process's variables.
pub fn command(root: &Utf8Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command
}

/// Runs a program for its output.
pub fn answer(mut command: Command, limit: Duration) -> io::Result<Ended> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stdout = thread::spawn(move || read_all(stdout));
    let stderr = thread::spawn(move || read_all(stderr));
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("timed out after {} s", limit.as_secs())));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Ok(Ended {
        succeeded: status.success(),
        code: status.code(),
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

/// Runs a check with the program on `PATH`.
pub fn local(root: &Utf8Path, check: &Check, local: &Local) -> Verdict {
    let inputs = match inputs(check) {
        Ok(inputs) => inputs,
        Err(error) => return Verdict::Broken(format!("cannot write temporary files: {error}")),
    };
    let value = |arg: &Arg| match arg {
        Arg::Is(text) => text.into(),
        Arg::Input(before, name) => {
            let mut text = std::ffi::OsString::from(before);
            text.push(if name.is_empty() { inputs.path().to_owned() } else { inputs.path().join(name) });
            text
        }
        Arg::Program => local.path.clone().into_os_string(),
    };
    let run = &check.local;
    let mut command = match run.through {
        Some(other) => command(root, Path::new(other)),
        None => command(root, &local.path),
    };
    if run.through.is_none() {
        command.args(local.first);
    }
    command.args(run.args.iter().map(value)).envs(run.env.iter().map(|(name, arg)| (name, value(arg))));
    match answer(command, LOCAL_LIMIT) {
        Ok(ended) => verdict(root, check, &ended),
        Err(error) => Verdict::Broken(error.to_string()),
    }
}

/// Runs a check in an image, without a network and with nothing mounted but its input.
pub fn inside(root: &Utf8Path, check: &Check, image: &Image, run: &Run) -> Verdict {
    let folder = match TempDir::with_prefix("gen-verify-") {
        Ok(folder) => folder,
        Err(error) => return Verdict::Broken(format!("cannot write temporary files: {error}")),
    };
    let id = folder.path().join("container");
    let mut command = command(root, Path::new("docker"));
    command.arg("run").arg("--cidfile").arg(&id);
    command.args(["--rm", "--network=none", if image.built_here { "--pull=never" } else { "--pull=missing" }]);
    let mounts = check.artifacts.iter().map(|path| (path, format!("{INSIDE}/{path}")));
    for (path, target) in mounts.chain(run.mounts.iter().map(|(path, target)| (path, (*target).to_owned()))) {
        command.arg(format!("--volume={}:{target}:ro", root.join(path)));
    }
    for (name, value) in &run.env {
        if let Arg::Is(value) = value {
            command.arg(format!("--env={name}={value}"));
        }
    }
    command.args(run.entrypoint.map(|entrypoint| format!("--entrypoint={entrypoint}")));
    command.arg(&image.reference);
    command.args(run.args.iter().filter_map(|arg| if let Arg::Is(text) = arg { Some(text) } else { None }));
    match answer(command, IMAGE_LIMIT) {
        // `docker run` could not start the container.
        Ok(ended) if matches!(ended.code, Some(125..=127)) => {
            Verdict::Skipped(format!("cannot run `{}`: {}", image.reference, reason(&ended.stderr)))
        }
        Ok(ended) if ended.stderr.contains("exec format error") => {
            Verdict::Skipped(format!("`{}` is for another platform", image.reference))
        }
        Ok(ended) => verdict(root, check, &ended),
        Err(error) => {
            // The client was killed, but not the container.
            if let Ok(container) = std::fs::read_to_string(&id) {
                let mut kill = self::command(root, Path::new("docker"));
                kill.args(["kill", container.trim()]);
                let _ = answer(kill, LOCAL_LIMIT);
            }
            Verdict::Broken(error.to_string())
        }
    }
}

fn inputs(check: &Check) -> io::Result<TempDir> {
    let folder = TempDir::with_prefix("gen-verify-")?;
    for (name, text) in &check.inputs {
        std::fs::write(folder.path().join(name), text)?;
    }
    Ok(folder)
}

fn verdict(root: &Utf8Path, check: &Check, ended: &Ended) -> Verdict {
    let files: Vec<(Utf8PathBuf, String)> = check
        .artifacts
        .iter()
        .map(|path| (path.clone(), std::fs::read_to_string(root.join(path)).unwrap_or_default()))
        .collect();
    let answer = Answer { succeeded: ended.succeeded, stdout: &ended.stdout, stderr: &ended.stderr, files: &files };
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
