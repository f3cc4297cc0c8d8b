//! The stack of `spec/stack.toml`, under a name and with ports of its own, and the engine that runs it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;

use super::project::{Project, Run};

const SPEC: &str = include_str!("spec/stack.toml");
const PAGE: &str = "<h1>It works</h1>\n";

/// The program in the image, compiled once.
static SERVICE: LazyLock<PathBuf> = LazyLock::new(|| {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("service");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/image/service.rs");
    let status = Command::new("rustc")
        .args(["--edition=2024", "-Copt-level=1", "-Cstrip=symbols", "-Ctarget-feature=+crt-static", "-o"])
        .args([&program, &source])
        .status()
        .unwrap();
    assert!(status.success());
    program
});

/// The image, built once, by the binary.
static IMAGE: LazyLock<()> = LazyLock::new(|| {
    let stack = Stack::without_image("build");
    stack.dev(&["build"]).succeeded();
});

/// A rendered project, with what runs of it.
pub struct Stack {
    pub project: Project,
    /// Compose's name of it.
    pub name: String,
    /// The published port of `web`.
    pub web: u16,
}

impl Stack {
    /// A rendered stack with a complete `.env`, whose image is there and of which nothing runs. Each test has a name
    /// of its own.
    pub fn new(test: &str) -> Self {
        LazyLock::force(&IMAGE);
        Self::without_image(test)
    }

    fn without_image(test: &str) -> Self {
        Self::at(test, (free_port(), free_port()))
    }

    /// Two of the same stack, with the same names and ports, of which nothing runs.
    pub fn twins(test: &str) -> [Self; 2] {
        let ports = (free_port(), free_port());
        [Self::at(test, ports), Self::at(test, ports)]
    }

    fn at(test: &str, (web, loki): (u16, u16)) -> Self {
        let name = format!("gen-e2e-{test}");
        let spec = SPEC.replace("stackgen-e2e", &name);
        let spec = spec.replace("published = 28000", &format!("published = {web}"));
        let spec = spec.replace("ports.http = 23100", &format!("ports.http = {loki}"));
        let stack = Self { project: Project::new(spec), name: format!("{name}-dev"), web };
        // What an earlier run left that was killed.
        stack.remove();
        stack.project.write("files/page.html", PAGE);
        stack.project.write("image/Dockerfile", include_str!("image/Dockerfile"));
        fs::copy(&*SERVICE, stack.project.path("image/service")).unwrap();
        stack.render();
        stack.project.write("generated/dev/.env", "# mine\nGREETING=hello\n");
        stack
    }

    /// From now on it is the isolated one of its work tree, which was rendered.
    pub fn find_isolated(&mut self, profile: &str) {
        let compose = self.project.read(&format!(".gen/{profile}/docker-compose.yml"));
        let compose: serde_yaml::Value = serde_yaml::from_str(&compose).unwrap();
        compose["name"].as_str().unwrap().clone_into(&mut self.name);
        if let Some(web) = compose["services"].get("web") {
            self.web = web["ports"][0]["published"].as_str().unwrap().parse().unwrap();
        }
    }

    /// Changes the spec and renders it.
    pub fn change(&self, from: &str, to: &str) {
        self.project.replace("spec/stack.toml", from, to);
        self.render();
    }

    fn render(&self) {
        self.project.run(&["render"]).succeeded();
    }

    /// Runs `gen dev`. One that hangs is ended, so that the test fails instead.
    pub fn dev(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=10", "300", env!("CARGO_BIN_EXE_gen"), "dev"]).args(arguments);
        command.current_dir(self.project.root()).env_remove("CLICOLOR_FORCE");
        command.env("XDG_STATE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("state"));
        for variable in ["GREETING", "SERVICE_PATH", "COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"] {
            command.env_remove(variable);
        }
        command.output().unwrap().into()
    }

    /// Starts all of it, and waits.
    pub fn up(&self) -> Run {
        let run = self.dev(&["up", "--wait"]);
        assert_eq!(run.code, Some(0), "{run}\n{:#?}", self.everything());
        run
    }

    /// Prints its containers.
    pub fn show(&self) {
        let filter = format!("label=com.docker.compose.project={}", self.name);
        println!("{}", docker(&["ps", "--filter", &filter, "--format", "table {{.Names}}\t{{.Ports}}\t{{.Status}}"]));
    }

    /// The ids of its containers by service.
    pub fn containers(&self) -> BTreeMap<String, String> {
        let format = "{{.Label \"com.docker.compose.service\"}} {{.ID}}";
        let list = self.listed(&["ps", "--all", "--no-trunc", "--format", format]);
        list.iter().filter_map(|line| line.split_once(' ')).map(|(name, id)| (name.into(), id.into())).collect()
    }

    /// What the engine says about the container of a service.
    pub fn inspect(&self, service: &str) -> Value {
        let containers = self.containers();
        let id = containers.get(service).unwrap_or_else(|| panic!("no container of {service}: {containers:?}"));
        serde_json::from_str::<Vec<Value>>(&docker(&["inspect", id])).unwrap().remove(0)
    }

    /// A moment of a container's life: `StartedAt`, `FinishedAt`.
    pub fn moment(&self, service: &str, key: &str) -> String {
        comparable(self.inspect(service)["State"][key].as_str().unwrap())
    }

    /// The lines of a service's log, with their moments, from the engine itself.
    pub fn log(&self, service: &str) -> Vec<(String, String)> {
        let log = docker(&["logs", "--timestamps", &self.containers()[service]]);
        log.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(moment, line)| (comparable(moment), line.into()))
            .collect()
    }

    /// The containers, networks and volumes of it that the engine has, whatever their state.
    pub fn everything(&self) -> Vec<String> {
        let mut all = self.listed(&["ps", "--all", "--format", "container {{.Names}} {{.Status}}"]);
        all.extend(self.listed(&["network", "ls", "--format", "network {{.Name}}"]));
        all.extend(self.listed(&["volume", "ls", "--format", "volume {{.Name}}"]));
        all
    }

    fn listed(&self, arguments: &[&str]) -> Vec<String> {
        let label = format!("label=com.docker.compose.project={}", self.name);
        docker(&[arguments, &["--filter", &label]].concat()).lines().map(ToOwned::to_owned).collect()
    }

    /// GET of a path of `web`, from the host: the whole answer.
    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.web)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Removes what the engine has of it.
    pub fn remove(&self) {
        for (list, remove) in [
            (&["ps", "--all", "--quiet"][..], &["rm", "--force"][..]),
            (&["network", "ls", "--quiet"], &["network", "rm"]),
            (&["volume", "ls", "--quiet"], &["volume", "rm"]),
        ] {
            let listed = self.listed(list);
            if !listed.is_empty() {
                // A test that fails already has said more than a second one could.
                drop(Command::new("docker").args(remove).args(&listed).output());
            }
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Run {
    /// Fails the test unless the exit code is 0.
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// Fails the test if the exit code is 0, or if it was ended because it hung.
    pub fn failed(self) -> Self {
        assert!(!matches!(self.code, Some(0)), "{self}");
        assert!(!matches!(self.code, None | Some(124 | 137)), "it hung: {self}");
        self
    }

    /// Fails the test unless all of it was said, on either stream.
    pub fn says(&self, pieces: &[&str]) {
        let said = format!("{}{}", self.stdout, self.stderr);
        for piece in pieces {
            assert!(said.contains(piece), "`{piece}` is not said:\n{self}");
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs the engine's client.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A port of 127.0.0.1 that nobody has, below those that the system gives away by itself; no test gets it again.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(18_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A time of the engine, whose fraction has as many digits as it needs, as text that sorts by time.
fn comparable(moment: &str) -> String {
    let text = moment.strip_suffix('Z').unwrap_or_else(|| panic!("`{moment}` is not in UTC"));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{seconds}.{fraction:0<9}")
}
