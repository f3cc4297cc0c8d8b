//! `gen dev schema`, and the schema that `up` needs.

use std::collections::BTreeMap;

use stackgen::dev::compose::{self, Container};
use stackgen::dev::schema::{self, StepEnd};
use stackgen::dev::{Finding, services};
use stackgen::model::{SchemaStep, Service};

use super::preflight::{self, Machine};
use super::{Context, Outcome, Step, Stop, note, say};

/// Runs every step, or one.
pub fn setup(context: &Context, only: Option<&str>) -> Step {
    context.rendered()?;
    let steps = match schema::chosen(&context.stack().schema, only) {
        Ok(steps) => steps,
        Err(finding) => {
            say(&[finding]);
            return Ok(Outcome::Invalid);
        }
    };
    if steps.is_empty() {
        note("the stack has no schema to set up");
        return Ok(Outcome::Clean);
    }
    let environment = context.environment()?;
    let mut findings = preflight::tools(&context.root, &context.children);
    findings.extend(preflight::variables(context, &environment)?);
    if !findings.iter().any(Finding::is_error) {
        let names: Vec<String> = steps.iter().map(|step| step.service.clone()).collect();
        let started = services::started(context.stack(), &names);
        findings.extend(Machine::new(context, &environment).images(&started)?);
    }
    findings.retain(Finding::is_error);
    if !findings.is_empty() {
        say(&findings);
        return Ok(Outcome::Findings);
    }
    Ok(run(context, steps))
}

/// The steps that `up` has to run before it starts these services: of those that Compose doesn't run by itself, the
/// ones that have not succeeded yet with the configuration that they have now.
pub fn pending(context: &Context, started: &[&Service], containers: &[Container]) -> Step<Vec<SchemaStep>> {
    let steps: Vec<SchemaStep> = context
        .stack()
        .schema
        .iter()
        .filter(|step| step.compose_profile && concerns(context, step, started))
        .cloned()
        .collect();
    if steps.is_empty() {
        return Ok(steps);
    }
    let names: Vec<String> = steps.iter().map(|step| step.service.clone()).collect();
    let answer = context.children.ask(&context.compose.hash(&names))?;
    if !answer.succeeded {
        return Err(Finding::error(
            format!("Docker Compose can't read `{}`: {}", context.compose.file(), answer.complaint()),
            "`gen dev doctor` looks for the cause",
        )
        .into());
    }
    let hashes: BTreeMap<&str, &str> = compose::hashes(&answer.stdout).collect();
    let pending = schema::pending(&steps, containers, |service| hashes.get(service).copied());
    Ok(pending.into_iter().cloned().collect())
}

/// Whether one of the services needs a step: those of the cluster of its name; a step of no cluster is for all
/// clusters, and for everything in a stack without any.
fn concerns(context: &Context, step: &SchemaStep, started: &[&Service]) -> bool {
    if context.stack().clusters.is_empty() {
        return true;
    }
    let is_started = |name: &String| started.iter().any(|service| service.name == *name);
    match context.stack().clusters.iter().find(|cluster| cluster.name == step.name) {
        Some(cluster) => cluster.services.iter().any(is_started),
        None => context.stack().clusters.iter().flat_map(|cluster| &cluster.services).any(is_started),
    }
}

/// Runs steps, whatever becomes of the others; says which failed.
pub fn run<'a>(context: &Context, steps: impl IntoIterator<Item = &'a SchemaStep>) -> Outcome {
    let mut error = None;
    let (failed, interrupted) = schema::run_all(steps, |step| match one(context, step) {
        Ok(end) => end,
        Err(Stop::Finding(finding)) => {
            say(&[finding]);
            StepEnd::Failed
        }
        Err(Stop::Outcome(outcome)) => {
            error = Some(outcome);
            StepEnd::Interrupted
        }
    });
    if interrupted {
        return error.unwrap_or(Outcome::Exit(130));
    }
    let findings: Vec<Finding> = failed
        .iter()
        .map(|step| {
            Finding::error(
                format!("schema step `{}` failed", step.name),
                format!("its output stands above; mend it, then run `gen dev schema setup --only {}`", step.name),
            )
        })
        .collect();
    say(&findings);
    if findings.is_empty() { Outcome::Clean } else { Outcome::Findings }
}

fn one(context: &Context, step: &SchemaStep) -> Step<StepEnd> {
    let title = if step.description.is_empty() { &step.service } else { &step.description };
    note(&format!("schema step `{}`: {title}", step.name));
    let Some(service) = context.stack().every_service().find(|service| service.name == step.service) else {
        return Err(Finding::error(format!("there is no service `{}`", step.service), "run `gen render`").into());
    };
    let ended = context.children.run_without_input(&context.compose.start_once(service))?;
    if ended.interrupted {
        return Err(Stop::Outcome(Outcome::Exit(ended.code)));
    }
    if !ended.succeeded() {
        return Ok(StepEnd::Failed);
    }
    let containers = context.containers()?;
    let Some(container) = containers.iter().find(|container| container.service == step.service) else {
        return Err(Finding::error(
            format!("`{}` has no container", step.service),
            "`gen dev doctor` looks for the cause",
        )
        .into());
    };
    let ended = context.children.run_without_input(&compose::follow(&context.root, &container.id))?;
    if ended.interrupted {
        // It is this command's, and must not go on without it.
        context.children.ask(&compose::stop(&context.root, &container.id))?;
        return Err(Stop::Outcome(Outcome::Exit(ended.code)));
    }
    let answer = context.children.ask(&compose::wait(&context.root, &container.id))?;
    Ok(if answer.succeeded && answer.stdout.trim() == "0" { StepEnd::Succeeded } else { StepEnd::Failed })
}
