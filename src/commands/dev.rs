//! `gen dev`: runs Docker Compose and Docker on the rendered files.

use std::fs;
use std::process::{Command, ExitStatus};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::model::{ImageBuild, ImageRecipe, SourceTree, Stack};

use super::{Outcome, fail, project};
use crate::cli::{Dev, DevCommand, Format};

pub fn run(arguments: &Dev) -> Outcome {
    let project = match project(Some(&arguments.profile), Format::Text) {
        Ok(project) => project,
        Err(outcome) => return outcome,
    };
    let Some(plan) = project.plans.first() else { return Outcome::Invalid };
    let folder = project.root.join("generated").join(plan.profile());
    let file = folder.join("docker-compose.yml");
    if !file.exists() {
        fail(&format!("there is no `{file}`; run `gen render`"));
        return Outcome::Invalid;
    }
    let (verb, rest) = match &arguments.command {
        DevCommand::Up { rest } => ("up", rest),
        DevCommand::Down { rest } => ("down", rest),
        DevCommand::Ps { rest } => ("ps", rest),
        DevCommand::Logs { rest } => ("logs", rest),
        DevCommand::Build { rest } => return build(plan.stack(), &folder, rest),
    };
    let mut command = Command::new("docker");
    command.arg("compose").arg("--file").arg(&file).arg(verb).args(rest);
    replace(command)
}

/// Becomes the command: its signals and its exit code are this process's then.
#[cfg(unix)]
fn replace(mut command: Command) -> Outcome {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    cannot_run(&error)
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> Outcome {
    match command.status() {
        Ok(status) => outcome(status),
        Err(error) => cannot_run(&error),
    }
}

fn cannot_run(error: &std::io::Error) -> Outcome {
    let hint = if error.kind() == std::io::ErrorKind::NotFound { "; install Docker with Compose" } else { "" };
    fail(&format!("cannot run `docker`: {error}{hint}"));
    Outcome::Failed
}

fn outcome(status: ExitStatus) -> Outcome {
    if status.success() { Outcome::Clean } else { Outcome::Failed }
}

/// Builds every image that no registry has, each after the one that it builds on.
fn build(stack: &Stack, folder: &Utf8Path, rest: &[String]) -> Outcome {
    for image in &stack.builds {
        let command = match build_command(image, folder) {
            Ok(command) => command,
            Err(message) => {
                fail(&format!("cannot build `{}`: {message}", image.reference));
                return Outcome::Failed;
            }
        };
        let status = match { command }.args(rest).status() {
            Ok(status) => status,
            Err(error) => return cannot_run(&error),
        };
        if !status.success() {
            fail(&format!("`{}` was not built: docker ended with {status}", image.reference));
            return outcome(status);
        }
    }
    Outcome::Clean
}

fn build_command(image: &ImageBuild, folder: &Utf8Path) -> Result<Command, String> {
    let docker = folder.join("docker");
    let mut command = Command::new("docker");
    command.arg("build").arg("--tag").arg(&image.reference);
    match &image.recipe {
        ImageRecipe::TemporalDsql(tree) => {
            let source = source(tree, folder)?;
            let version = go_version(&source)?;
            command.arg("--file").arg(docker.join("base.Dockerfile"));
            command.arg("--build-arg").arg(format!("GO_VERSION={version}")).arg(&source);
        }
        ImageRecipe::TemporalRuntime(_) => {
            command.arg(&docker);
        }
        ImageRecipe::Own(tree) => {
            command.arg(source(tree, folder)?);
        }
    }
    Ok(command)
}

/// The folder of a source tree: the variable of the environment, else of `.env`, else the default; relative to the
/// root.
fn source(tree: &SourceTree, folder: &Utf8Path) -> Result<Utf8PathBuf, String> {
    let file = folder.join(".env");
    let configured = std::env::var(&tree.variable)
        .ok()
        .or_else(|| fs::read_to_string(&file).ok().and_then(|text| variable(&text, &tree.variable)))
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| tree.default.clone());
    let root = folder.ancestors().nth(2).unwrap_or(folder);
    let path = root.join(&configured);
    if path.is_dir() {
        return Ok(path);
    }
    Err(format!("there is no source tree at `{path}`; set {} in `{file}` or the environment", tree.variable))
}

/// A variable of a `.env` file; quotes are taken off, nothing is expanded.
fn variable(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='))
        .map(|value| {
            let value = value.trim();
            ['"', '\'']
                .iter()
                .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote))
                .unwrap_or(value)
                .to_owned()
        })
        .next_back()
}

/// The Go version that a source tree wants: the tag of the image that builds it.
fn go_version(source: &Utf8Path) -> Result<String, String> {
    let path = source.join("go.mod");
    let text = fs::read_to_string(&path).map_err(|error| format!("cannot read `{path}`: {error}"))?;
    let version = text.lines().find_map(|line| line.strip_prefix("go "));
    version.map(|version| version.trim().to_owned()).ok_or_else(|| format!("`{path}` names no Go version"))
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn a_variable_of_a_dotenv_file() {
        let text = "# A=0\nB=x\nA=1\n AB=2\nA = '3 4'\nC=\"5\"\n";
        assert_eq!(variable(text, "A").as_deref(), Some("3 4"));
        assert_eq!(variable(text, "C").as_deref(), Some("5"));
        assert_eq!(variable(text, "AB").as_deref(), Some("2"));
        assert_eq!(variable(text, "D"), None);
    }
}
