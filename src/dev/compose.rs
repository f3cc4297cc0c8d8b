//! Docker Compose: its commands and its answers.

use std::cell::OnceCell;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::Invocation;
use crate::model::Stack;
use crate::model::service::Service;

/// The label in which Compose keeps the digest of a container's configuration.
const HASH_LABEL: &str = "com.docker.compose.config-hash";

/// The Compose project of a profile.
#[derive(Debug, Clone)]
pub struct Compose {
    root: Utf8PathBuf,
    project: String,
    file: Utf8PathBuf,
    /// The user's `.env`, if it isn't next to the file.
    dotenv: Option<Utf8PathBuf>,
    /// The values of variables that live elsewhere: for Compose's own environment, never for a file or an argument.
    values: OnceCell<Vec<(String, String)>>,
}

/// A container of the project.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Container {
    /// Its id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its service.
    pub service: String,
    /// `created`, `running`, `restarting`, `exited`, …
    pub state: String,
    /// `healthy`, `unhealthy`, `starting`, or empty without a healthcheck.
    pub health: String,
    /// Its exit code, if it ended.
    pub exit_code: i64,
    /// `name=value`, separated by commas.
    labels: String,
    /// Its ports on the host.
    publishers: Option<Vec<Publisher>>,
}

/// A port of a container on the host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Publisher {
    published_port: u16,
}

impl Compose {
    /// The project of a profile, whose Compose file is one of its outputs.
    pub fn new(root: &Utf8Path, stack: &Stack) -> Self {
        Self {
            root: root.to_owned(),
            project: stack.project.clone(),
            file: folder(stack).join("docker-compose.yml"),
            values: OnceCell::new(),
            dotenv: stack.outputs.isolated.then(|| stack.dotenv().into()),
        }
    }

    /// Gives every command from now on the values of variables that live elsewhere, once.
    pub fn give(&self, values: Vec<(String, String)>) {
        // Nobody reads them twice.
        let _ = self.values.set(values);
    }

    /// Whether it was given values.
    pub fn has_values(&self) -> bool {
        self.values.get().is_some()
    }

    /// The Compose file, relative to the root.
    pub fn file(&self) -> &Utf8Path {
        &self.file
    }

    /// A command for the services without a Compose profile and those of the profiles in `options`.
    ///
    /// Passes the project's name, since a variable of the environment would override the one in the file.
    pub fn command(&self, options: &[&str], verb: &str) -> Invocation {
        let project = ["compose", "--project-name", &self.project, "--file", self.file.as_str()];
        // Compose refuses one that does not exist.
        let dotenv = self.dotenv.iter().filter(|path| self.root.join(path).is_file());
        let dotenv = dotenv.flat_map(|path| ["--env-file", path.as_str()]);
        let command = Invocation::new("docker", &self.root, project).with(dotenv);
        let environment = self.values.get().cloned().unwrap_or_default();
        Invocation { environment, ..command.with(options.iter().copied()).with([verb]) }
    }

    /// A command for the services of every Compose profile.
    pub fn command_for_all(&self, verb: &str) -> Invocation {
        self.command(&["--profile", "*"], verb)
    }

    /// Asks for a volume of the project: its name in the engine, or nothing.
    pub fn volume(&self, name: &str) -> Invocation {
        let label = |key: &str, value: &str| format!("label=com.docker.compose.{key}={value}");
        Invocation::new("docker", &self.root, ["volume", "ls", "--quiet"])
            .with(["--filter".to_owned(), label("project", &self.project)])
            .with(["--filter".to_owned(), label("volume", name)])
    }

    /// Starts a new container of a one-shot service, after its dependencies.
    pub fn start_once(&self, service: &Service) -> Invocation {
        let mut options = Vec::new();
        for profile in &service.profiles {
            options.extend(["--profile", profile.as_str()]);
        }
        self.command(&options, "up").with(["--detach", "--force-recreate", service.name.as_str()])
    }
}

/// The folder of a profile's outputs: of the Compose file.
pub fn folder(stack: &Stack) -> Utf8PathBuf {
    stack.generated().into()
}

/// Reads the output of `docker compose ps --format json`: one object per line.
///
/// # Errors
/// The output is not as expected.
pub fn containers(answer: &str) -> Result<Vec<Container>, serde_json::Error> {
    let mut containers = Vec::new();
    for value in serde_json::Deserializer::from_str(answer).into_iter::<serde_json::Value>() {
        match value? {
            // The format before Compose 2.21.
            serde_json::Value::Array(items) => {
                for item in items {
                    containers.push(serde_json::from_value(item)?);
                }
            }
            value => containers.push(serde_json::from_value(value)?),
        }
    }
    Ok(containers)
}

/// Reads the output of `docker compose config --hash`: a service and its digest per line.
pub fn hashes(answer: &str) -> impl Iterator<Item = (&str, &str)> {
    answer
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .map(|(name, hash)| (name, hash.trim()))
}

impl Container {
    /// A label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.split(',').find_map(|label| label.strip_prefix(name)?.strip_prefix('='))
    }

    /// The digest of the configuration that it was created with.
    pub fn hash(&self) -> Option<&str> {
        self.label(HASH_LABEL)
    }

    /// Its ports on the host.
    pub fn published(&self) -> impl Iterator<Item = u16> {
        self.publishers.iter().flatten().map(|publisher| publisher.published_port).filter(|&port| port != 0)
    }

    /// Whether it runs or is about to.
    pub fn is_up(&self) -> bool {
        matches!(self.state.as_str(), "running" | "restarting" | "paused")
    }

    /// Whether it ended successfully.
    pub fn has_succeeded(&self) -> bool {
        self.state == "exited" && self.exit_code == 0
    }

    /// What is wrong with it.
    pub fn trouble(&self) -> Option<String> {
        match (self.state.as_str(), self.health.as_str()) {
            ("exited", _) if self.exit_code != 0 => Some(format!("exited with code {}", self.exit_code)),
            ("dead", _) => Some("is dead".to_owned()),
            ("restarting", _) => Some(format!("is restarting after it exited with code {}", self.exit_code)),
            ("running", "unhealthy") => Some("is unhealthy".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"
{"ID":"1","Service":"web","State":"running","Health":"healthy","ExitCode":0,"Labels":"a=1,stackgen.config=0f,b=2","Publishers":[{"URL":"127.0.0.1","TargetPort":80,"PublishedPort":8080,"Protocol":"tcp"},{"URL":"","TargetPort":81,"PublishedPort":0,"Protocol":"tcp"}]}
{"ID":"2","Service":"once","State":"exited","Health":"","ExitCode":3,"Labels":"","Publishers":null,"New":{}}
"#;

    #[test]
    fn containers_are_read_as_lines_or_as_a_list() {
        let read = containers(ANSWER).unwrap();
        let list = format!("[{}]", ANSWER.trim().replace('\n', ","));
        assert_eq!(containers(&list).unwrap(), read);
        assert_eq!(read[0].label("stackgen.config"), Some("0f"));
        assert_eq!(read[0].published().collect::<Vec<_>>(), [8080]);
        assert_eq!(read[0].trouble(), None);
        assert_eq!(read[1].trouble().as_deref(), Some("exited with code 3"));
        assert!(containers("").unwrap().is_empty());
        assert!(containers("no JSON").is_err());
    }

    #[test]
    fn hashes_are_read_line_by_line() {
        assert_eq!(hashes("a  01\nb 02\n\n").collect::<Vec<_>>(), [("a", "01"), ("b", "02")]);
    }
}
