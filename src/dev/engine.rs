//! Docker, Compose and Terraform: whether they are installed, recent enough and running.

use camino::Utf8Path;
use serde::Deserialize;

use super::{Finding, Invocation};
pub use crate::model::version::Version;

/// The version that the generated configuration requires.
const TERRAFORM: Version = Version(1, 9);

/// The recommended memory of the engine, in bytes.
const MEMORY: u64 = 8_000_000_000;

impl Version {
    /// Reads `2.40.3` or `v2.40.3-desktop.1`.
    pub fn read(text: &str) -> Option<Self> {
        let mut numbers = text.trim().trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

/// How to install a program.
pub fn how_to_get(program: &str) -> &'static str {
    match program {
        "kubectl" => "install kubectl: https://kubernetes.io/docs/tasks/tools/#kubectl",
        "terraform" => "install Terraform: https://developer.hashicorp.com/terraform/install",
        _ => "install Docker with Compose: https://docs.docker.com/get-started/get-docker/",
    }
}

/// Asks for Compose's version; see [`check_compose`].
pub fn compose_version(root: &Utf8Path) -> Invocation {
    Invocation::new("docker", root, ["compose", "version", "--short"])
}

/// Asks for the engine; see [`check_engine`].
pub fn info(root: &Utf8Path) -> Invocation {
    Invocation::new("docker", root, ["info", "--format", "{{json .}}"])
}

/// Who the users of containers are on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// The same numbers.
    Same,
    /// Root is whoever runs the engine, and nobody else exists on the host.
    Rootless,
    /// Others, or none: Docker Desktop maps the owners of files, a remapped engine its users.
    Mapped,
}

/// Reads the answer to [`info`].
pub fn users(answer: &str) -> Users {
    let info: Info = serde_json::from_str(answer.trim()).unwrap_or_default();
    let has = |name: &str| info.security_options.iter().any(|option| option.split(',').any(|part| part == name));
    if info.server_version.is_empty() || info.operating_system.contains("Docker Desktop") || has("name=userns") {
        Users::Mapped
    } else if has("name=rootless") {
        Users::Rootless
    } else {
        Users::Same
    }
}

/// Asks for the user of an image; fails if the image does not exist.
pub fn user(root: &Utf8Path, reference: &str) -> Invocation {
    Invocation::new("docker", root, ["image", "inspect", "--format", "{{.Config.User}}", reference])
}

/// Asks an image for the number of its user, which has a name.
pub fn user_number(root: &Utf8Path, reference: &str) -> Invocation {
    let alone = ["run", "--rm", "--pull", "never", "--network", "none", "--cap-drop", "ALL"];
    Invocation::new("docker", root, alone).with(["--entrypoint", "id", reference, "-u"])
}

/// Asks for an image; fails if it does not exist.
pub fn image(root: &Utf8Path, reference: &str) -> Invocation {
    Invocation::new("docker", root, ["image", "inspect", "--format", "{{.Id}}", reference])
}

/// Asks for the running containers of every project; see [`container_with_port`].
pub fn running(root: &Utf8Path) -> Invocation {
    Invocation::new("docker", root, ["ps", "--format", "{{.Names}}\t{{.Ports}}"])
}

/// Asks for Terraform's version; see [`check_terraform`].
pub fn terraform_version(root: &Utf8Path) -> Invocation {
    Invocation::new("terraform", root, ["version", "-json"])
}

/// How to install Compose.
const GET_COMPOSE: &str = "install the Compose plugin of Docker: https://docs.docker.com/compose/install/";

/// That Compose is not installed.
pub fn no_compose() -> Finding {
    Finding::error("the Docker Compose plugin is not installed", GET_COMPOSE)
}

/// Checks the version of Compose against the one that the stack needs.
pub fn check_compose(version: &str, needed: Version) -> Option<Finding> {
    match Version::read(version) {
        Some(version) if version >= needed => None,
        _ => Some(Finding::error(
            format!("Docker Compose {} is too old: {needed} or newer is required", version.trim()),
            GET_COMPOSE,
        )),
    }
}

/// Checks the output of `terraform version -json`.
pub fn check_terraform(answer: &str) -> Option<Finding> {
    #[derive(Deserialize)]
    struct Answer {
        terraform_version: String,
    }
    let text = serde_json::from_str::<Answer>(answer).map(|answer| answer.terraform_version).unwrap_or_default();
    match Version::read(&text) {
        Some(version) if version >= TERRAFORM => None,
        _ => Some(Finding::error(
            format!("Terraform {text} is too old: {TERRAFORM} or newer is required"),
            how_to_get("terraform"),
        )),
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    server_version: String,
    mem_total: u64,
    server_errors: Option<Vec<String>>,
    operating_system: String,
    security_options: Vec<String>,
}

/// Checks the output of `docker info`. Without an engine the client still answers, with the reason in its output or on
/// standard error.
pub fn check_engine(answer: &str, complaint: &str) -> Option<Finding> {
    let info: Info = serde_json::from_str(answer.trim()).unwrap_or_default();
    if info.server_version.is_empty() {
        let errors = info.server_errors.unwrap_or_default();
        let reason = errors.first().map_or(complaint, String::as_str).trim();
        let help = if reason.contains("permission denied") {
            "allow your user to use Docker: `sudo usermod -aG docker $USER`, then log in again"
        } else {
            "start Docker Desktop, or run `sudo systemctl start docker`"
        };
        return Some(Finding::error(format!("cannot connect to the Docker engine: {reason}"), help));
    }
    (info.mem_total < MEMORY).then(|| {
        Finding::warning(
            format!("the Docker engine has only {} of memory; 8 GB are recommended", gigabytes(info.mem_total)),
            "increase it in the settings of Docker Desktop, or start fewer services: `gen dev up SERVICE…`",
        )
    })
}

fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

/// The container that publishes a port, according to `docker ps`.
pub fn container_with_port(answer: &str, port: u16) -> Option<&str> {
    answer.lines().find_map(|line| {
        let (name, ports) = line.split_once('\t')?;
        ports
            .split(", ")
            .filter_map(|one| one.split_once("->")?.0.rsplit_once(':'))
            .any(|(_, numbers)| {
                let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
                let number = |text: &str| text.parse::<u16>().ok();
                number(first).zip(number(last)).is_some_and(|(first, last)| (first..=last).contains(&port))
            })
            .then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let needed = Version(2, 24);
        assert_eq!(Version::read("2.40.3\n"), Some(Version(2, 40)));
        assert_eq!(Version::read("v2.24.0-desktop.1"), Some(Version(2, 24)));
        assert_eq!(Version::read("dev"), None);
        assert_eq!(check_compose("2.24.0", needed), None);
        assert!(check_compose("v2.23.9", needed).unwrap().what.contains("2.23.9 is too old"));
        assert_eq!(check_terraform(r#"{"terraform_version":"1.9.0"}"#), None);
        assert!(check_terraform(r#"{"terraform_version":"1.8.5"}"#).is_some());
        assert!(check_terraform("?").is_some());
    }

    #[test]
    fn an_engine() {
        assert_eq!(check_engine(r#"{"ServerVersion":"28.0","MemTotal":8330000000}"#, ""), None);
        let small = check_engine(r#"{"ServerVersion":"28.0","MemTotal":4100000000}"#, "").unwrap();
        assert!(!small.is_error() && small.what.contains("4.1 GB"), "{small:?}");
        let away = check_engine(r#"{"ServerErrors":["Cannot connect to the Docker daemon"]}"#, "").unwrap();
        assert!(away.is_error() && away.what.contains("Cannot connect") && away.help.contains("systemctl"), "{away:?}");
        let denied = check_engine("", "permission denied while trying to connect").unwrap();
        assert!(denied.help.contains("usermod"), "{denied:?}");
    }

    #[test]
    fn who_the_users_of_containers_are() {
        let info = |system: &str, options: &str| {
            users(&format!(
                r#"{{"ServerVersion":"28.2","OperatingSystem":"{system}","SecurityOptions":["name=seccomp,profile=builtin"{options}]}}"#
            ))
        };
        assert_eq!(info("Debian GNU/Linux 13 (trixie)", ""), Users::Same);
        assert_eq!(info("Ubuntu 24.04", r#","name=rootless""#), Users::Rootless);
        assert_eq!(info("Ubuntu 24.04", r#","name=userns""#), Users::Mapped);
        assert_eq!(info("Docker Desktop", ""), Users::Mapped);
        assert_eq!(users(""), Users::Mapped);
        assert_eq!(users(r#"{"ServerVersion":"28.2.2","MemTotal":16000000000}"#), Users::Same);
    }

    #[test]
    fn the_container_with_a_port() {
        let answer = "web\t127.0.0.1:8080->80/tcp, :::9000-9002->9000-9002/tcp\ndb\t5432/tcp\n";
        assert_eq!(container_with_port(answer, 8080), Some("web"));
        assert_eq!(container_with_port(answer, 9001), Some("web"));
        assert_eq!(container_with_port(answer, 5432), None);
    }
}
