//! Asks Compose whether an imported project still means what its files mean.

use std::fmt::Display;

use camino::Utf8PathBuf;
use stackgen::dev::Invocation;
use stackgen::import::compose::{FOLDER, Import, differences, folder};

use super::dev::child::{Answer, Children};
use super::{Outcome, Ran, current_folder, stop, stop_with};

/// The programs that Compose may be.
const PROGRAMS: [(&str, &[&str]); 2] = [("docker", &["compose"]), ("docker-compose", &[])];

/// Where what a project renders differs from what its files say.
pub fn verify(files: &[Utf8PathBuf], imported: &Import) -> Ran<Vec<String>> {
    let failed = |error: &dyn Display| stop(Outcome::Failed, format!("cannot compare with Compose: {error}"));
    if files.iter().any(|file| file == "-") {
        let help = "save it to a file, and name that";
        return Err(stop_with(Outcome::Invalid, "`--verify` cannot read standard input a second time", help));
    }
    let root = current_folder()?;
    let children = Children::new().map_err(|error| failed(&error))?;
    let answers = |(program, first): &&(&'static str, &[&str])| {
        let version = Invocation::new(program, &root, first.iter().copied()).with(["version"]);
        children.ask(&version).is_ok_and(|answer| answer.succeeded)
    };
    let Some((program, first)) = PROGRAMS.iter().find(answers) else {
        let help = "install it (https://docs.docker.com/compose/install/), or leave out `--verify`";
        return Err(stop_with(Outcome::Failed, "`--verify` needs Docker Compose, which is not on PATH", help));
    };
    // Most often, any value does if it is the same for both.
    let unset = || imported.required.iter().map(String::as_str).filter(|name| std::env::var_os(name).is_none());
    let config = |options: &[String]| -> Ran<Answer> {
        let options = options.iter().map(String::as_str).chain(["--profile=*", "config"]);
        let invocation = Invocation::new(program, &root, first.iter().copied()).with(options).with_values(unset(), "1");
        children.ask(&invocation).map_err(|finding| stop(Outcome::Failed, finding.what))
    };
    let named: Vec<String> = files.iter().map(|file| format!("--file={file}")).collect();
    let before = config(&named)?;
    if !before.succeeded {
        let what = format!("Compose refuses the project: {}", before.complaint());
        let missing: Vec<String> = unset().map(|name| format!("`{name}`")).collect();
        let help = match missing.as_slice() {
            [] => "fix it, or leave out `--verify`".to_owned(),
            variables => format!("set {}, or leave out `--verify`", variables.join(", ")),
        };
        return Err(stop_with(Outcome::Invalid, what, &help));
    }
    let Some(rendered) = imported.compose_file() else {
        return Ok(vec!["the spec has problems and renders nothing".to_owned()]);
    };
    let temporary = tempfile::tempdir().map_err(|error| failed(&error))?;
    let file = temporary.path().join("docker-compose.yml");
    std::fs::write(&file, rendered).map_err(|error| failed(&error))?;
    // Not the one that may be in the folder of the outputs already.
    let mut variables = root.join(folder(files)).join(".env");
    if !variables.exists() {
        let none = temporary.path().join("none.env");
        std::fs::write(&none, "").map_err(|error| failed(&error))?;
        variables = Utf8PathBuf::try_from(none).map_err(|error| failed(&error))?;
    }
    let after = config(&[
        format!("--file={}", file.display()),
        format!("--project-directory={}", root.join(FOLDER)),
        format!("--env-file={variables}"),
    ])?;
    if !after.succeeded {
        return Ok(vec![format!("Compose refuses what the spec renders: {}", after.complaint())]);
    }
    differences(&before.stdout, &after.stdout).map_err(|error| failed(&error))
}
