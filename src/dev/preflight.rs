//! What must hold before the stack can run: each check takes what was found out and gives what is wrong.

use camino::Utf8Path;

use super::dotenv::Dotenv;
use super::ports::Wanted;
use super::{Environment, Finding, build, compose};
use crate::diagnostic::nearest;
use crate::model::service::Service;
use crate::model::{Stack, Variable};

/// Required variables that have no value.
#[must_use]
pub fn variables(stack: &Stack, environment: &Environment, file: Option<&Dotenv>) -> Vec<Finding> {
    let path = compose::folder(stack).join(".env");
    stack
        .variables
        .iter()
        .filter(|variable| variable.required && variable.default.is_none() && environment.get(&variable.name).is_none())
        .map(|variable| {
            let place = if file.is_none() { format!("; there is no `{path}` yet") } else { String::new() };
            Finding::error(
                format!("`{}` has no value: {}{place}", variable.name, what_it_is(variable)),
                where_it_comes_from(variable, &path),
            )
        })
        .collect()
}

fn what_it_is(variable: &Variable) -> String {
    let description = variable.description.trim().trim_end_matches('.');
    if description.is_empty() { "a variable of `.env`".to_owned() } else { description.replace('\n', " ") }
}

fn where_it_comes_from(variable: &Variable, path: &Utf8Path) -> String {
    match &variable.output {
        Some(output) => format!(
            "it comes from Terraform's output `{output}`: run `gen dev infra apply`, or `gen dev env fill` if that was done"
        ),
        None => format!("you choose it: set {} in `{path}`", variable.name),
    }
}

/// Variables of the file that the spec doesn't declare: nobody reads them.
#[must_use]
pub fn strangers(stack: &Stack, file: &Dotenv) -> Vec<Finding> {
    let declared = || stack.variables.iter().map(|variable| variable.name.as_str());
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in file.variables() {
        // Those are for the tools themselves.
        let for_tools = ["COMPOSE_", "DOCKER_", "BUILDKIT_"].iter().any(|prefix| name.starts_with(prefix));
        if !for_tools && !seen.contains(&name) && !declared().any(|known| known == name) {
            seen.push(name);
        }
    }
    seen.into_iter()
        .map(|name| {
            let help = match nearest(name, declared()) {
                Some(found) => format!("did you mean `{found}`?"),
                None => format!("declare it below `[env.{name}]` of the spec, or remove it"),
            };
            Finding::warning(format!("`{name}` of `.env` is read by nobody"), help)
        })
        .collect()
}

/// Images that services run, that only a build can give, and that aren't there.
pub fn images(
    stack: &Stack,
    environment: &Environment,
    services: &[&Service],
    mut is_there: impl FnMut(&str) -> bool,
) -> Vec<Finding> {
    let run = |reference: &str| {
        services.iter().any(|service| super::services::image(service, environment).as_deref() == Some(reference))
    };
    stack
        .builds
        .iter()
        .filter(|image| run(&image.reference) && !is_there(&image.reference))
        .map(|image| {
            Finding::error(
                format!("the image `{}` is not there, and no registry has it", image.reference),
                format!("build it: `gen dev build {}`", image.name),
            )
        })
        .collect()
}

/// Source trees that aren't there. Who has the image can do without.
pub fn sources(
    root: &Utf8Path,
    stack: &Stack,
    environment: &Environment,
    mut is_built: impl FnMut(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for image in &stack.builds {
        let Some(tree) = build::tree(image) else { continue };
        if let Err(mut finding) = build::source(root, stack, environment, image, tree) {
            if is_built(&image.reference) {
                finding =
                    Finding::warning(finding.what.replace("can't be built", "can't be built again"), finding.help);
            }
            findings.push(finding);
        }
    }
    findings
}

/// A port that somebody has; `holder` says who, if the system tells.
#[must_use]
pub fn taken(port: &Wanted, holder: Option<&str>) -> Finding {
    let by = holder.map_or_else(|| "another program".to_owned(), ToOwned::to_owned);
    Finding::error(
        format!("port {} (`{}` of `{}`) is taken by {by}", port.number, port.name, port.service),
        "end that program, or publish the port elsewhere: `published` in the spec, then `gen render`",
    )
}

/// An address that this machine doesn't have.
#[must_use]
pub fn no_address(port: &Wanted) -> Finding {
    Finding::error(
        format!(
            "`{}` publishes port {} at {}, which is no address of this machine",
            port.service, port.number, port.address
        ),
        "change `host_ip` of the port or `stack.bind` in the spec, then run `gen render`",
    )
}

/// Outputs that aren't as they would be rendered now.
#[must_use]
pub fn drift(profile: &str, differences: usize) -> Option<Finding> {
    let files = if differences == 1 { "file is" } else { "files are" };
    (differences > 0).then(|| {
        Finding::warning(
            format!("{differences} generated {files} not as the spec says"),
            format!("see them with `gen check --profile {profile}`, then run `gen render --profile {profile}`"),
        )
    })
}

/// A `.env` that others can read, by its mode.
#[must_use]
pub fn readable_by_others(path: &Utf8Path, mode: u32) -> Option<Finding> {
    (mode & 0o077 != 0).then(|| {
        Finding::warning(
            format!("`{path}` may hold secrets, and others can read it"),
            format!("keep it to yourself: `chmod 600 {path}`"),
        )
    })
}
