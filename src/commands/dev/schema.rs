//! `gen dev schema`, and the schema that `up` needs.

use std::collections::BTreeMap;

use stackgen::dev::compose::{self, Container};
use stackgen::dev::schema;
use stackgen::dev::{Environment, Finding, Invocation, services};
use stackgen::model::{SchemaStep, Service};

use super::preflight::{self, Machine};
use super::{Context, DOCTOR, Outcome, Step, Stop, note, say, secrets};

/// Runs every step, or one.
pub fn setup(context: &Context, only: Option<&str>) -> Step {
    context.rendered()?;
    let steps = schema::chosen(&context.stack().schema, only).map_err(Stop::invalid)?;
    if steps.is_empty() {
        note("nothing to do: the stack has no schema steps");
        return Ok(Outcome::Clean);
    }
    let environment = context.environment()?;
    let mut findings = preflight::tools(context);
    findings.extend(preflight::variables(context, &environment)?);
    if !findings.iter().any(Finding::is_error) {
        let names: Vec<String> = steps.iter().map(|step| step.service.clone()).collect();
        let started = services::started(context.stack(), &names);
        findings.extend(Machine::new(context, &environment).images(&started)?);
    }
    findings.retain(Finding::is_error);
    if !findings.is_empty() {
        return Err(findings.into());
    }
    let services =
        context.stack().every_service().filter(|service| steps.iter().any(|step| step.service == service.name));
    secrets::read(context, &environment, &services.collect::<Vec<_>>())?;
    Ok(run(context, &environment, steps))
}

/// The steps that `up` has to run before it starts these services: those that Compose doesn't run by itself and that have
/// not succeeded yet with their current configuration.
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
    let answer = context.ask(
        &context.compose.command_for_all("config").with(["--hash", &names.join(",")]),
        "docker compose config",
        DOCTOR,
    )?;
    let hashes: BTreeMap<&str, &str> = compose::hashes(&answer).collect();
    let pending = schema::pending(&steps, containers, |service| hashes.get(service).copied());
    Ok(pending.into_iter().cloned().collect())
}

/// Whether one of the services needs a step. One that is for no services in particular is for all clusters, and in a stack
/// without clusters for all services.
fn concerns(context: &Context, step: &SchemaStep, started: &[&Service]) -> bool {
    let stack = context.stack();
    let is_started = |name: &String| started.iter().any(|service| service.name == *name);
    match stack.owners_of(step) {
        Some(owners) => owners.iter().any(|owner| is_started(&owner.name)),
        None => {
            stack.clusters.is_empty() || stack.clusters.iter().flat_map(|cluster| &cluster.services).any(is_started)
        }
    }
}

/// Runs all steps, even if one fails, and reports which failed.
pub fn run<'a>(
    context: &Context,
    environment: &Environment,
    steps: impl IntoIterator<Item = &'a SchemaStep>,
) -> Outcome {
    let steps: Vec<&SchemaStep> = steps.into_iter().collect();
    let is_of_step = |service: &&Service| steps.iter().any(|step| step.service == service.name);
    let services: Vec<&Service> = context.stack().every_service().filter(is_of_step).collect();
    say(&Machine::new(context, environment).credentials(&services));
    let mut findings = Vec::new();
    for step in steps {
        match one(context, step) {
            Ok(true) => continue,
            Ok(false) => {}
            Err(Stop { outcome: Outcome::Findings, findings }) => say(&findings),
            Err(Stop { outcome, .. }) => return outcome,
        }
        findings.push(Finding::error(
            format!("schema step `{}` failed", step.name),
            format!("see its output above; after fixing it, run `gen dev schema setup --only {}`", step.name),
        ));
    }
    say(&findings);
    if findings.is_empty() { Outcome::Clean } else { Outcome::Findings }
}

/// Runs a step; whether it succeeded.
fn one(context: &Context, step: &SchemaStep) -> Step<bool> {
    let title = if step.description.is_empty() { &step.service } else { &step.description };
    note(&format!("schema step `{}`: {title}", step.name));
    let Some(service) = context.stack().every_service().find(|service| service.name == step.service) else {
        return Err(Finding::error(format!("unknown service `{}`", step.service), "run `gen render`").into());
    };
    let ended = context.children.run_without_input(&context.compose.start_once(service))?;
    if ended.interrupted {
        return Err(Outcome::Exit(ended.code).into());
    }
    if !ended.succeeded() {
        return Ok(false);
    }
    let containers = context.containers()?;
    let Some(container) = containers.iter().find(|container| container.service == step.service) else {
        return Err(Finding::error(format!("`{}` has no container", step.service), DOCTOR).into());
    };
    let docker = |args: &[&str]| Invocation::new("docker", &context.root, args.iter().copied());
    let ended = context.children.run_without_input(&docker(&["logs", "--follow", &container.id]))?;
    if ended.interrupted {
        // The container belongs to this command.
        context.children.ask(&docker(&["stop", &container.id]))?;
        return Err(Outcome::Exit(ended.code).into());
    }
    let answer = context.children.ask(&docker(&["wait", &container.id]))?;
    Ok(answer.succeeded && answer.stdout.trim() == "0")
}
