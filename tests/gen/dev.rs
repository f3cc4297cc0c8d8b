//! `gen dev` hands the right commands to Docker and Terraform: stubs on `PATH` record them and answer from files.

mod commands;
mod dotenv;
mod isolated;
mod persistence;
mod preflight;
mod schema;
mod secrets;
mod signals;
mod terraform;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::project::{Project, Run};

/// A stack without anything of the reference one.
const SMALL: &str = r#"
[stack]
name = "small"
title = "Small"

[profiles.dev]

[services.db]
image = "example/db:1"
group = "data"

[services.api]
image = "example/api:1"
group = "front"
ports.http = { published = "${PORT}", target = 80 }
depends_on.db = "service_started"
healthcheck = { http = "/health" }
environment = { DB = "db", TOKEN = "${TOKEN}" }

[env.PORT]
description = "The port of the API"
default = "18080"

[env.TOKEN]
description = "Token of the payment provider"
required = true
secret = true
"#;

/// The command of Compose for the small stack.
const COMPOSE: &str = "docker compose --project-name small-dev --file generated/dev/docker-compose.yml";

/// Records its arguments; answers as the first pattern says that they hold, and otherwise with nothing.
const STUB: &str = r#"#!/bin/sh
set -u
line="${0##*/} $*"
printf '%s\n' "${line}" >> "${STUB}/record"
for answer in "${STUB}"/answers/*/; do
  [ -f "${answer}pattern" ] || continue
  case "${line}" in
  *"$(cat "${answer}pattern")"*) . "${answer}script" ;;
  esac
done
exit 0
"#;

/// The default port of the small stack.
const PORT: &str = "18080";

/// A project with stubs.
struct Stubs {
    project: Project,
    /// Stands for [`PORT`].
    port: u16,
    answers: std::cell::Cell<usize>,
}

impl Stubs {
    /// A rendered project; its `.env` is filled, and the engine is fine.
    fn new(spec: &str) -> Self {
        Self::with_files(spec, &[])
    }

    /// The same, of a spec that names files.
    fn with_files(spec: &str, files: &[(&str, &str)]) -> Self {
        // Two tests that look whether a port is free at once find it in use.
        let port = free_port();
        let spec = spec.replace(PORT, &port.to_string());
        let stubs = Self { project: Project::new(spec), answers: std::cell::Cell::new(50), port };
        for (path, text) in files {
            stubs.project.write(path, text);
        }
        let run = stubs.project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        for program in ["docker", "terraform"] {
            stubs.project.write(&format!("bin/{program}"), STUB);
            let path = stubs.project.path(&format!("bin/{program}"));
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        stubs.project.write("generated/dev/.env", "TOKEN=hush\n");
        stubs.answer("docker compose version", 0, "2.40.3\n");
        stubs.answer("docker info", 0, r#"{"ServerVersion":"28.2.2","MemTotal":16000000000}"#);
        stubs.answer("terraform version", 0, r#"{"terraform_version":"1.11.4"}"#);
        stubs
    }

    /// Later answers go before earlier ones.
    fn script(&self, pattern: &str, script: &str) {
        let number = self.answers.get() - 1;
        self.answers.set(number);
        self.project.write(&format!("answers/{number:02}/pattern"), pattern);
        self.project.write(&format!("answers/{number:02}/script"), script);
    }

    fn answer(&self, pattern: &str, code: u8, stdout: &str) {
        self.script(pattern, &format!("cat <<'END'\n{stdout}\nEND\nexit {code}\n"));
    }

    /// The containers that Compose knows.
    fn containers(&self, lines: &[&str]) {
        self.answer("ps --all --format json", 0, &lines.join("\n"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let path = format!("{}:{}", self.project.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = self.project.command(&[&["dev"], arguments].concat());
        command.env("PATH", path).env("STUB", self.project.root()).env("XDG_STATE_HOME", self.project.path("state"));
        for name in ["TEMPORAL_DSQL_PATH", "COPILOT_PATH", "TOKEN", "PORT", "DOCKER_HOST"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// What was run since the last time.
    fn record(&self) -> Vec<String> {
        let path = self.project.path("record");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// Of what was run, what changed something.
    fn changes(&self) -> Vec<String> {
        let asks =
            ["compose version", "docker info", " ps ", " config ", "image inspect", "volume ls", "terraform version"];
        self.record().into_iter().filter(|line| !asks.iter().any(|ask| line.contains(ask))).collect()
    }
}

/// A port that nobody has.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
