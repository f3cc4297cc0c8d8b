//! The Temporal server checks its dynamic configuration (`validate-dynamic-config`) and its static one (`render-config`),
//! as of 1.31: the one that the entrypoint of the image with the DSQL plugin renders from a template, and those that the
//! server renders itself.
//!
//! The server ignores unknown keys of the static configuration. `render-config` prints everything that it has read, so a
//! key that is not printed has no effect.

use std::collections::HashSet;

use super::{Answer, Arg, Check, Consumer, Outputs, Program, Reading, Run, place};
use crate::model::{Cluster, ImageRecipe, Service};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "temporal-server",
    programs: &[Program { name: "temporal-server", first: &[], version: &["--version"] }],
    how_to_get: "https://github.com/temporalio/temporal/releases",
};

/// Paths of the template and the entrypoint in the image.
const TEMPLATE: &str = "/etc/temporal/config/persistence-dsql.template.yaml";
const ENTRYPOINT: &str = "/etc/temporal/render-and-start.sh";

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = outputs
        .stack
        .clusters
        .iter()
        .map(|cluster| {
            let file = outputs.mounted(&format!("dynamicconfig/{}.yaml", cluster.name));
            let local = Run::new(["validate-dynamic-config", file.as_str()]);
            let inside = Run {
                entrypoint: Some("temporal-server"),
                ..Run::new(["validate-dynamic-config", &format!("{}/{file}", super::INSIDE)])
            };
            Check {
                image: member(outputs, cluster).and_then(|service| outputs.image(&service.name)),
                inside: Some(inside),
                ..Check::new(&CONSUMER, vec![file], local, dynamic)
            }
        })
        .collect();
    checks.extend(outputs.stack.clusters.iter().filter_map(|cluster| {
        cluster.server.postgresql()?;
        Some(config(outputs, cluster, member(outputs, cluster)?))
    }));
    let is_runtime = |recipe: &ImageRecipe| matches!(recipe, ImageRecipe::TemporalRuntime(_));
    if outputs.stack.builds.iter().any(|build| is_runtime(&build.recipe)) {
        checks.extend(
            outputs.stack.clusters.iter().filter_map(|cluster| Some(persistence(outputs, member(outputs, cluster)?))),
        );
    }
    checks
}

/// A service of a cluster.
fn member<'s>(outputs: &Outputs<'s>, cluster: &Cluster) -> Option<&'s Service> {
    outputs.stack.services.iter().find(|service| cluster.services.contains(&service.name))
}

/// The configuration that the server renders itself. `--env` names the file without `.yaml` (`getConfigFiles` in
/// `common/config/loader.go` of Temporal 1.31.2).
fn config(outputs: &Outputs<'_>, cluster: &Cluster, service: &Service) -> Check {
    let path = Cluster::config_of(&cluster.name);
    let file = outputs.mounted(&path);
    let env = variables(outputs, service, |name| outputs.text(&file).contains(&format!("env \"{name}\"")));
    let folder = file.parent().map(ToString::to_string).unwrap_or_default();
    let run = |folder: &str| Run {
        env: env.clone(),
        ..Run::new(["--config", folder, "--env", file.file_stem().unwrap_or_default(), "render-config"])
    };
    let inside = Run { entrypoint: Some("temporal-server"), ..run(&format!("{}/{folder}", super::INSIDE)) };
    Check {
        image: outputs.image(&service.name),
        inside: Some(inside),
        ..Check::new(&CONSUMER, vec![file.clone()], run(&folder), stat)
    }
}

/// The variables of a service that its configuration reads: others could tell the shell or the loader what to run.
fn variables(outputs: &Outputs<'_>, service: &Service, is_read: impl Fn(&str) -> bool) -> Vec<(String, Arg)> {
    let environment = outputs.environment();
    let read = service.environment.iter().filter(|(name, _)| is_read(name));
    read.filter_map(|(name, value)| Some((name.clone(), Arg::Is(environment.expand(value)?)))).collect()
}

/// The template as the entrypoint renders it with the variables of a service.
fn persistence(outputs: &Outputs<'_>, service: &Service) -> Check {
    let template = outputs.generated("docker/persistence-dsql.template.yaml");
    let script = outputs.generated("docker/render-and-start.sh");
    let mut env = variables(outputs, service, |name| outputs.text(&template).contains(&format!("${{{name}}}")));
    let inside = Run {
        env: env
            .iter()
            .cloned()
            .chain([("TEMPORAL_PERSISTENCE_CONFIG".to_owned(), Arg::Is("/tmp/base.yaml".to_owned()))])
            .collect(),
        mounts: vec![(template.clone(), TEMPLATE), (script.clone(), ENTRYPOINT)],
        ..Run::new(["--config", "/tmp", "render-config"])
    };
    env.push(("TEMPORAL_PERSISTENCE_TEMPLATE".to_owned(), Arg::Is(template.to_string())));
    env.push(("TEMPORAL_PERSISTENCE_CONFIG".to_owned(), Arg::Is("base.yaml".to_owned())));
    env.push(("TEMPORAL_BASE_ENTRYPOINT".to_owned(), Arg::Program));
    let local = Run { through: Some("bash"), env, ..Run::new([script.as_str(), "--config", ".", "render-config"]) };
    Check {
        image: outputs.image(&service.name),
        inside: Some(inside),
        files: vec![(script.clone(), outputs.text(&script).to_owned())],
        ..Check::new(&CONSUMER, vec![template], local, stat)
    }
}

/// The name of the file, then a line for each problem. The exit code is always 0 (1.31.2).
fn dynamic(answer: &Answer<'_>) -> Reading {
    let Some(file) = answer.files.first() else { return answer.unreadable() };
    if !answer.stdout.contains(file.0.as_str()) {
        return answer.unreadable();
    }
    let entries = place::entries(answer.text());
    let complaints = answer
        .stdout
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let message = line.strip_prefix("error: ").or_else(|| line.strip_prefix("warning: "))?;
            // It prints keys in lower case.
            let quoted = message.split('"').nth(1).unwrap_or_default();
            let by_key =
                entries.iter().find(|entry| entry.path.last().is_some_and(|key| key.eq_ignore_ascii_case(quoted)));
            Some(
                answer
                    .complaint(by_key.map(|entry| entry.line).or_else(|| place::line(answer.text(), message)), message),
            )
        })
        .collect();
    Reading::Judged(complaints)
}

fn stat(answer: &Answer<'_>) -> Reading {
    let template = answer.text();
    if !answer.succeeded {
        if let Some(message) = answer.stderr.lines().find_map(|line| line.strip_prefix("render-and-start: ")) {
            let name = message.rsplit(' ').next().unwrap_or_default();
            let line = template.lines().position(|line| line.contains(&format!("${{{name}}}"))).map(|at| at + 1);
            return Reading::Judged(vec![answer.complaint(line, message)]);
        }
        let message: Vec<&str> =
            answer.stderr.lines().filter(|line| !line.contains(" Loading config")).map(str::trim).collect();
        let message = message.join(" ");
        // Placeholders are replaced in their lines, so the lines of the rendered file are those of the template.
        let spelt = message.replace("Persistence.NumHistoryShards", "persistence.numHistoryShards");
        return answer.judged(vec![answer.complaint(place::line(template, &spelt), message)]);
    }
    let read: HashSet<Vec<String>> = place::entries(answer.stdout).into_iter().map(|entry| entry.path).collect();
    if read.is_empty() {
        return Reading::NoVerdict("`render-config` printed no configuration".to_owned());
    }
    Reading::Judged(
        place::entries(template)
            .into_iter()
            .filter(|entry| !read.contains(&entry.path))
            .map(|entry| {
                let message = format!("unknown key `{}`, which the server ignores", entry.path.join("."));
                answer.complaint(Some(entry.line), message)
            })
            .collect(),
    )
}
