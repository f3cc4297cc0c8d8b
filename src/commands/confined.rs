//! Runs programs on what may come from a stranger: programs from outside of the project, with an environment and a folder
//! of their own, and within limits.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use tempfile::TempDir;

/// The time limit of a program.
pub const TIME: Duration = Duration::from_mins(2);

/// The most that is read of what a program writes to one stream, in bytes.
const OUTPUT: u64 = 16 << 20;

/// The most memory that a process may fill, in bytes. Checkers of large stacks need a few hundred megabytes.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 4 << 30;

/// The largest file that a program may write, in bytes.
#[cfg(target_os = "linux")]
const FILE: u64 = 256 << 20;

/// An address that no proxy listens on, which keeps programs that respect proxies off the network.
const DEAD_PROXY: &str = "http://127.0.0.1:9";

/// Variables that every program gets from this process.
const LANGUAGE: &[&str] = &["LANG", "LC_ALL", "SystemRoot"];

/// Variables with folders of programs and modules. Those inside the project are left out.
const FOLDERS: &[&str] = &["PATH", "NODE_PATH"];

/// Variables by which Docker's programs find the engine and the user's settings.
const DOCKER: &[&str] = &[
    "HOME",
    "USER",
    "USERPROFILE",
    "APPDATA",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// How a program ended.
pub struct Ended {
    pub succeeded: bool,
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The programs outside of a project.
pub struct Programs {
    /// The project; a program below it is not run.
    project: PathBuf,
    /// A program that takes the network away from another one, if that works here.
    unshare: OnceLock<Option<PathBuf>>,
}

impl Programs {
    pub fn new(root: &Utf8Path) -> Self {
        let project = root.as_std_path();
        let project = project.canonicalize().unwrap_or_else(|_| project.to_owned());
        Self { project, unshare: OnceLock::new() }
    }

    /// Whether checkers have no network. Otherwise only those that respect proxies have none.
    pub fn without_network(&self) -> bool {
        self.unshare().is_some()
    }

    /// A program on `PATH`.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        env::split_paths(&self.folders("PATH")?).map(|folder| folder.join(&file)).find(|path| is_executable(path))
    }

    /// A checker that runs in a room.
    pub fn checker(&self, room: &Room, program: &Path) -> Command {
        let mut command = match self.unshare() {
            Some(unshare) => {
                let mut command = Command::new(unshare);
                command.args(NO_NETWORK).arg(program);
                command
            }
            None => Command::new(program),
        };
        self.prepare(&mut command, room);
        for name in ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(name, room.home());
        }
        for name in ["TMPDIR", "TEMP", "TMP"] {
            command.env(name, room.home());
        }
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(name, DEAD_PROXY);
        }
        // Terraform asks for newer versions otherwise.
        command.env("CHECKPOINT_DISABLE", "1");
        if program.file_stem().is_some_and(|name| name == "docker") {
            // Compose is a plugin that may be installed there.
            let settings = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
            let settings = settings.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".docker")));
            command.envs(settings.filter(|folder| self.is_outside(folder)).map(|folder| ("DOCKER_CONFIG", folder)));
        }
        command
    }

    /// Docker, with the user's settings: which engine there is, and how to sign in to registries.
    pub fn docker(&self, room: &Room) -> Option<Command> {
        let mut command = Command::new(self.find("docker")?);
        self.prepare(&mut command, room);
        command.envs(DOCKER.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        Some(command)
    }

    /// kubectl with the user's environment and network, to which a room only gives its input.
    ///
    /// # Errors
    /// Its settings, which name programs that it runs, are files of the project.
    pub fn kubectl(&self, room: &Room, program: &Path) -> Result<Command, String> {
        let own = env::var_os("HOME").map(|home| PathBuf::from(home).join(".kube"));
        if own.is_some_and(|folder| folder.exists() && !self.is_outside(&folder)) {
            return Err("`.kube` in `HOME` is in the project, whose files kubectl must not obey".to_owned());
        }
        let named = env::var_os("KUBECONFIG");
        let mut named = named.iter().flat_map(env::split_paths).filter(|file| !file.as_os_str().is_empty());
        // kubectl leaves out what does not exist.
        if let Some(file) = named.find(|file| !file.is_absolute() || file.exists() && !self.is_outside(file)) {
            let file = file.display();
            return Err(format!("`{file}` in `KUBECONFIG` is in the project or relative: name a file outside of it"));
        }
        let mut command = Command::new(program);
        command.current_dir(room.work());
        command.envs(FOLDERS.iter().filter_map(|name| Some((name, self.folders(name)?))));
        Ok(command)
    }

    /// A folder that a variable of the user names, unless it is inside the project.
    pub fn folder(&self, variable: &str) -> Option<PathBuf> {
        let folder = PathBuf::from(env::var_os(variable)?);
        self.is_outside(&folder).then_some(folder)
    }

    fn prepare(&self, command: &mut Command, room: &Room) {
        command.current_dir(room.work()).env_clear();
        command.envs(LANGUAGE.iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command.envs(FOLDERS.iter().filter_map(|name| Some((name, self.folders(name)?))));
    }

    /// A list of folders without those of the project and relative ones.
    fn folders(&self, variable: &str) -> Option<OsString> {
        let folders = env::var_os(variable)?;
        env::join_paths(env::split_paths(&folders).filter(|folder| self.is_outside(folder))).ok()
    }

    /// Whether a folder exists and is not of the project.
    fn is_outside(&self, folder: &Path) -> bool {
        folder.is_absolute() && folder.canonicalize().is_ok_and(|folder| !folder.starts_with(&self.project))
    }

    fn unshare(&self) -> Option<&Path> {
        let find = || {
            let unshare = self.find("unshare").filter(|_| cfg!(target_os = "linux"))?;
            let mut command = Command::new(&unshare);
            command.args(NO_NETWORK).arg(self.find("true")?).env_clear();
            answer(command, TIME).is_ok_and(|ended| ended.succeeded).then_some(unshare)
        };
        self.unshare.get_or_init(find).as_deref()
    }
}

/// A user namespace, so that no privilege is needed, and a network with nothing in it (util-linux, `unshare(1)`).
const NO_NETWORK: &[&str] = &["--map-current-user", "--net", "--"];

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// A folder for one program, removed at the end.
pub struct Room(TempDir);

impl Room {
    pub fn new() -> io::Result<Self> {
        let room = Self(TempDir::with_prefix("gen-verify-")?);
        std::fs::create_dir(room.work())?;
        std::fs::create_dir(room.home())?;
        Ok(room)
    }

    /// Where the program runs: nothing but its input is here.
    pub fn work(&self) -> PathBuf {
        self.0.path().join("work")
    }

    /// An empty home.
    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }
}

/// Runs a program for its output.
pub fn answer(mut command: Command, limit: Duration) -> io::Result<Ended> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // With those that it starts in turn, so that all of them can be ended.
        command.process_group(0);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    limit_resources(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let readers = thread::Builder::new()
        .spawn(move || read(stdout))
        .and_then(|stdout| Ok((stdout, thread::Builder::new().spawn(move || read(stderr))?)));
    let (stdout, stderr) = match readers {
        Ok(readers) => readers,
        Err(error) => {
            end_group(&child);
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
    };
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > limit {
            end_group(&child);
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("timed out after {} s", limit.as_secs())));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    // What it has left running would keep its output open.
    end_group(&child);
    Ok(Ended {
        succeeded: status.success(),
        code: status.code(),
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

/// Reads as much of a stream as is allowed. A program that writes more is ended by the closed pipe.
fn read(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What was read before an error is the answer.
        let _ = stream.take(OUTPUT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(target_os = "linux")]
fn limit_resources(child: &Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    for (resource, most) in [(Resource::Data, MEMORY), (Resource::Fsize, FILE), (Resource::Core, 0)] {
        // It has ended already, or has lower limits.
        let _ = prlimit(Some(pid), resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

/// Only Linux can limit another process.
#[cfg(not(target_os = "linux"))]
fn limit_resources(_: &Child) {}

/// Ends what a program has started.
#[cfg(unix)]
fn end_group(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_group(_: &Child) {}
