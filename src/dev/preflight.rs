//! Checks before the stack is started.

use camino::{Utf8Path, Utf8PathBuf};

use super::build::clean;
use super::dotenv::{Dotenv, Lost};
use super::ports::Wanted;
use super::{Environment, Finding, build, compose};
use crate::diagnostic::suggestion;
use crate::model::secret;
use crate::model::service::{CREDENTIALS, REMOTE_CONTEXTS, Service};
use crate::model::text::{Text, Tree};
use crate::model::{ImageRecipe, Stack, Variable};
use crate::review::counted;
use crate::spec::service::MountType;

/// Whether a variable is one that `gen` chooses a value for, and has none.
pub fn is_generated(variable: &Variable, environment: &Environment) -> bool {
    variable.generate && environment.get(&variable.name).is_none()
}

/// Required variables that have no value.
pub fn missing<'s>(stack: &'s Stack, environment: &Environment) -> impl Iterator<Item = &'s Variable> {
    let is_missing = |variable: &&Variable| {
        variable.required && variable.default.is_none() && environment.get(&variable.name).is_none()
    };
    stack.variables.iter().filter(is_missing)
}

/// Required variables that have no value and live nowhere else, and values that can't work.
pub fn variables(stack: &Stack, environment: &Environment, file: Option<&Dotenv>) -> Vec<Finding> {
    let path = Utf8PathBuf::from(stack.dotenv());
    missing(stack, environment)
        .filter(|variable| variable.from.is_none())
        .map(|variable| {
            let what = format!("`{}` has no value: {}", variable.name, what_it_is(variable));
            match file.map(|file| file.get(&variable.name)) {
                None => {
                    let what = format!("{what}; `{path}` does not exist yet");
                    Finding::error(what, where_it_comes_from(variable, &path))
                }
                Some(Some(written)) if written.contains('$') => {
                    let what = format!("{what}; Compose reads the `$` in `{path}` as a reference to a variable");
                    Finding::error(what, quote(&variable.name))
                }
                Some(_) => Finding::error(what, where_it_comes_from(variable, &path)),
            }
        })
        .chain(passwords(stack, environment))
        .collect()
}

/// Passwords of PostgreSQL that Temporal can't use: it writes a space in the URL of a database as `+`, which PostgreSQL
/// reads as a plus (`buildDSN` of its plugin for PostgreSQL, 1.31.2).
fn passwords(stack: &Stack, environment: &Environment) -> Vec<Finding> {
    let passwords = stack.clusters.iter().filter_map(|cluster| cluster.server.postgresql()?.password.as_ref());
    let mut names: Vec<&str> = passwords.flat_map(Text::variables).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| environment.get(name).is_some_and(|value| value.contains(' ')));
    let finding = |name: &str| {
        Finding::error(
            format!("the value of `{name}` contains a space, so Temporal cannot log in to PostgreSQL"),
            "choose a password without spaces",
        )
    };
    names.into_iter().map(finding).collect()
}

/// The volumes of the services that read a variable: a program may have stored its value there.
pub fn volumes_behind<'s>(stack: &'s Stack, variable: &str) -> Vec<&'s str> {
    let is_secret = |name: &str| {
        let secret = stack.secrets.iter().find(|secret| secret.name == name);
        secret.and_then(|secret| secret.keys.text("environment")?.literal()) == Some(variable)
    };
    let readers = stack.services.iter().filter(|service| {
        service.secrets.iter().any(|grant| is_secret(&grant.source))
            || service.environment.iter().any(|(_, value)| value.variables().any(|name| name == variable))
    });
    let mounts = readers.flat_map(|service| &service.mounts).filter(|mount| mount.kind == MountType::Volume);
    mounts.filter_map(|mount| mount.source.as_ref()?.literal()).collect()
}

/// A volume that may have been created with an earlier value of a variable.
pub fn earlier(variable: &str, path: &Utf8Path, volume: &str) -> Finding {
    Finding::error(
        format!("`{variable}` has no value, but the volume `{volume}` exists, which may need an earlier one"),
        format!(
            "set {variable} in `{path}` to the value with which the volume was created, or delete the data of the stack: \
             `gen dev down --volumes`"
        ),
    )
}

fn what_it_is(variable: &Variable) -> String {
    let description = variable.description.trim().trim_end_matches('.');
    if description.is_empty() { "a variable of `.env`".to_owned() } else { description.replace('\n', " ") }
}

fn where_it_comes_from(variable: &Variable, path: &Utf8Path) -> String {
    match &variable.output {
        Some(output) => format!(
            "run `gen dev infra apply`, or `gen dev env fill` if the infrastructure exists: it is Terraform's output `{output}`"
        ),
        None if variable.generate => {
            format!("set {} in `{path}`, or run `gen dev env fill`, which chooses a value", variable.name)
        }
        None => format!("set {} in `{path}` to a value of your choice", variable.name),
    }
}

/// Variables that Compose reads from the file. `gen dev` doesn't see what the first adds; it names the project itself, and
/// `docker compose` then sees another one.
const CHOOSE_THE_STACK: [&str; 2] = ["COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"];

/// Variables that choose the engine. Docker reads them from the environment only (`setEnvWithDotEnv` of Compose 2.40).
const CHOOSE_THE_ENGINE: [&str; 2] = ["DOCKER_HOST", "DOCKER_CONTEXT"];

/// Variables of the file that the spec doesn't declare: nothing uses them, or only Docker does.
pub fn strangers(stack: &Stack, file: &Dotenv) -> Vec<Finding> {
    let declared = || stack.variables.iter().map(|variable| variable.name.as_str());
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in file.variables() {
        // These configure Docker itself.
        let for_tools = ["COMPOSE_", "DOCKER_", "BUILDKIT_"].iter().any(|prefix| name.starts_with(prefix));
        let is_unknown = !for_tools && !declared().any(|known| known == name);
        let is_told = CHOOSE_THE_STACK.contains(&name) || CHOOSE_THE_ENGINE.contains(&name);
        if (is_unknown || is_told) && !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.into_iter()
        .map(|name| {
            if CHOOSE_THE_STACK.contains(&name) {
                let what = format!("`{name}` in `.env` changes what Docker Compose runs");
                return Finding::warning(what, "remove it, and set it in your shell where you need it");
            }
            if CHOOSE_THE_ENGINE.contains(&name) {
                return Finding::warning(format!("`{name}` in `.env` has no effect"), "set it in your shell");
            }
            let help = suggestion(name, declared(), || format!("declare it in `[env.{name}]`, or remove it"));
            Finding::warning(format!("unused variable `{name}` in `.env`"), help)
        })
        .collect()
}

/// Values of the file of which Compose loses a part, or which it refuses, for a `$`. What follows the `$` of a secret may
/// be a part of it.
pub fn dollars(stack: &Stack, path: &Utf8Path, lost: &[Lost]) -> Vec<Finding> {
    let finding = |Lost { name, reference }: &Lost| {
        let is_secret = secret::is_secret_name(name)
            || stack.variables.iter().any(|variable| variable.secret && variable.name == *name);
        match reference {
            Some(reference) => {
                let to = if is_secret { "a variable that".to_owned() } else { format!("`{reference}`, which") };
                let what = format!(
                    "Compose drops a part of the value of `{name}` in `{path}`: it reads the `$` as a reference to {to} is not set"
                );
                Finding::warning(what, quote(name))
            }
            None => Finding::error(
                format!("Compose cannot read the value of `{name}` in `{path}`: invalid reference after a `$`"),
                quote(name),
            ),
        }
    };
    let mut findings: Vec<Finding> = lost.iter().map(finding).collect();
    findings.dedup();
    findings
}

fn quote(name: &str) -> String {
    format!("write the value in single quotes, {name}='…', or `$$` for each `$`")
}

/// Images of services that have to be built and don't exist.
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
                format!("image `{}` has not been built", image.reference),
                format!("run `gen dev build {}`", image.name),
            )
        })
        .collect()
}

/// Source trees for the images of services that don't exist: a warning if the image has been built.
pub fn sources(
    root: &Utf8Path,
    stack: &Stack,
    environment: &Environment,
    services: &[&Service],
    mut is_built: impl FnMut(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut needed: Vec<String> =
        services.iter().filter_map(|service| super::services::image(service, environment)).collect();
    // An image is built after those that it is based on.
    for image in stack.builds.iter().rev() {
        match &image.recipe {
            ImageRecipe::TemporalRuntime(base) if needed.contains(&image.reference) => needed.push(base.clone()),
            _ => {}
        }
    }
    for image in stack.builds.iter().filter(|image| needed.contains(&image.reference)) {
        let Some(tree) = build::tree(image) else { continue };
        if let Err(mut finding) = build::source(root, stack, environment, image, tree) {
            if is_built(&image.reference) {
                finding = Finding::warning(finding.what.replace("cannot build", "cannot rebuild"), finding.help);
            }
            findings.push(finding);
        }
    }
    findings
}

/// Files and folders of the host that don't exist, although the services need them: Compose refuses to start those.
pub fn paths(root: &Utf8Path, stack: &Stack, environment: &Environment, services: &[&Service]) -> Vec<Finding> {
    let folder = root.join(compose::folder(stack));
    let home = environment.get("HOME").unwrap_or_default();
    let mut findings = Vec::new();
    let mut look = |what: String, path: &Text, required: bool| {
        // A missing required variable is reported with the variables.
        let Some(path) = environment.expand(path).filter(|path| !path.is_empty() && !path.contains("://")) else {
            return;
        };
        let full = match path.strip_prefix('~') {
            Some(rest) => Utf8PathBuf::from(format!("{home}{rest}")),
            None => clean(&folder.join(&path)),
        };
        // The engine's socket is on the engine's machine.
        if full.exists() || full.as_str().ends_with("/docker.sock") {
            return;
        }
        let finding = if path == CREDENTIALS {
            Finding::error(format!("no AWS credentials: `{full}` does not exist"), "run `aws configure`")
        } else {
            let what = format!("{what}: `{full}` does not exist");
            let help = "create it, or fix the path in the spec, which is relative to the root of the project";
            if required { Finding::error(what, help) } else { Finding::warning(what, help) }
        };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    };
    for service in services {
        let named_by = |key: &str| format!("`{key}` of `{}`", service.name);
        for mount in service.mounts.iter().filter(|mount| mount.kind == MountType::Bind) {
            let created = mount.keys.at(&["bind", "create_host_path"]) != Some(&Tree::Boolean(false));
            if let Some(source) = mount.source.as_ref().filter(|_| !created) {
                look(named_by("volumes"), source, true);
            }
        }
        for mount in service.mounts.iter().filter(|mount| mount.kind == MountType::Volume) {
            let name = mount.source.as_ref().and_then(Text::literal);
            let Some(volume) = stack.volumes.iter().find(|volume| Some(volume.name.as_str()) == name) else { continue };
            let option = |key: &str| volume.keys.at(&["driver_opts", key]).and_then(Tree::text);
            let is_bound = option("o").and_then(Text::literal).is_some_and(|o| o.split(',').any(|word| word == "bind"));
            if let Some(device) = option("device").filter(|_| is_bound) {
                look(format!("`driver_opts.device` of the volume `{}`", volume.name), device, true);
            }
        }
        if let Some(build) = service.keys.get("build")
            && let Some(dockerfile) = build.get("dockerfile").and_then(Tree::text).and_then(Text::literal)
            && let Some(context) = build.get("context").unwrap_or(build).text()
            && let Some(context) = environment.expand(context)
        {
            let path =
                if dockerfile.starts_with('/') { dockerfile.to_owned() } else { format!("{context}/{dockerfile}") };
            look(named_by("build.dockerfile"), &path.into(), false);
        }
        // Only a build needs its context; a missing optional file is nothing to report.
        let is_remote = |path: &Text| {
            path.literal().is_some_and(|path| REMOTE_CONTEXTS.iter().any(|start| path.starts_with(start)))
        };
        let looked_at = |key: &str| key.starts_with("build.") || key.starts_with("develop.");
        let named = service.paths.iter().filter(|named| named.required || looked_at(named.key));
        for named in named.filter(|named| !is_remote(&named.path)) {
            look(named_by(named.key), &named.path, named.required);
        }
        for (kind, table, grants) in
            [("secret", &stack.secrets, &service.secrets), ("config", &stack.configs, &service.configs)]
        {
            for grant in grants {
                let source = table.iter().find(|source| source.name == grant.source);
                if let Some(file) = source.and_then(|source| source.keys.text("file")) {
                    look(format!("{kind} `{}`", grant.source), file, true);
                }
            }
        }
    }
    findings
}

/// A port in use, by `holder` if known.
pub fn taken(port: &Wanted, holder: Option<&str>) -> Finding {
    let by = holder.map_or_else(|| "another program".to_owned(), ToOwned::to_owned);
    Finding::error(
        format!("port {} (`{}` of `{}`) is in use by {by}", port.number, port.name, port.service),
        "stop that program, or change the `published` port in the spec and run `gen render`",
    )
}

/// A port that is published at an address of another machine.
pub fn no_address(port: &Wanted) -> Finding {
    Finding::error(
        format!(
            "`{}` publishes port {} at {}, which is not an address of this machine",
            port.service, port.number, port.address
        ),
        "change `host_ip` of the port or `stack.bind` in the spec and run `gen render`",
    )
}

/// Outputs that are not up to date.
pub fn drift(profile: &str, differences: usize) -> Option<Finding> {
    let are = if differences == 1 { "is" } else { "are" };
    (differences > 0).then(|| {
        Finding::warning(
            format!("{} {are} out of date", counted(differences, "output")),
            format!("see `gen check --profile {profile}`, or run `gen render --profile {profile}`"),
        )
    })
}

/// Files that Git has, though they may hold secrets.
pub fn committed(path: &str) -> Finding {
    Finding::warning(
        format!("`{path}` is committed, and may contain secrets or programs"),
        format!("run `git rm -r --cached {path}`, add it to `.gitignore`, and change the secrets"),
    )
}

/// A `.env` that other users can read, by its mode.
pub fn readable_by_others(path: &Utf8Path, mode: u32) -> Option<Finding> {
    (mode & 0o077 != 0).then(|| {
        Finding::warning(
            format!("other users can read `{path}`, which may contain secrets"),
            format!("run `chmod 600 {path}`"),
        )
    })
}
