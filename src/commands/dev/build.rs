//! `gen dev build`.

use stackgen::dev::{Finding, build};

use super::{Context, Outcome, Step, Stop, note, say, secrets};

pub fn run(context: &Context, targets: &[String], no_cache: bool) -> Step {
    context.rendered()?;
    let environment = context.environment()?;
    let targets = build::targets(context.stack(), &environment, targets).map_err(Stop::invalid)?;
    // Everything that is missing is reported before anything is built.
    let mut missing: Vec<Finding> = Vec::new();
    let mut commands = Vec::new();
    for image in targets.images {
        match build::invocation(&context.root, context.stack(), &environment, image, no_cache) {
            Ok(command) => commands.push((format!("`{}`", image.reference), command)),
            Err(finding) => missing.push(finding),
        }
    }
    if !missing.is_empty() {
        return Err(missing.into());
    }
    if !targets.services.is_empty() {
        let services = context.stack().services.iter().filter(|service| targets.services.contains(&service.name));
        secrets::read_for_builds(context, &environment, &services.collect::<Vec<_>>())?;
        let build = context.compose.command_for_all("build").with_flag("--no-cache", no_cache).with(&targets.services);
        commands.push((targets.services.join(", "), build));
    }
    if commands.is_empty() {
        note("nothing to build: all images come from registries");
    }
    for (what, command) in commands {
        note(&format!("building {what}"));
        let ended = context.children.run(&command)?;
        if !ended.succeeded() {
            say(&[Finding::error(format!("failed to build {what}"), "see the output of the build above")]);
            return Ok(Outcome::Exit(ended.code.max(1)));
        }
    }
    Ok(Outcome::Clean)
}
