//! Values of variables that live elsewhere: read when Compose needs them, once a command, and kept in memory.

use stackgen::dev::{Environment, Finding, dotenv, provider};
use stackgen::model::Service;

use super::{Context, Step, note};

/// What stands for a value that nothing needs: Compose wants one for each required variable. A number can also be a port.
pub const STAND_IN: &str = "1";

/// Reads what these services need, and what they start, and gives it to Compose.
pub fn read(context: &Context, environment: &Environment, services: &[&Service]) -> Step<()> {
    let is_set = environment.get("COMPOSE_PROFILES").is_some_and(|profiles| !profiles.is_empty());
    let services = if is_set {
        context.stack().every_service().collect()
    } else {
        provider::with_dependencies(context.stack(), services)
    };
    let dotenv = dotenv::load(&context.root, &context.dotenv())?.map(|file| file.text().to_owned()).unwrap_or_default();
    // Compose replaces variables in the values of `.env`, too.
    let in_dotenv = |name: &str| [format!("${name}"), format!("${{{name}")].iter().any(|text| dotenv.contains(text));
    read_those(context, environment, |variable| {
        provider::is_needed(context.stack(), variable, &services) || in_dotenv(variable)
    })
}

/// Reads what the hooks of services need, which run when they end.
pub fn read_for_hooks(context: &Context, services: &[String]) -> Step<()> {
    let is_meant = |name: &String| services.is_empty() || services.contains(name);
    let services: Vec<&Service> = context.stack().services.iter().filter(|service| is_meant(&service.name)).collect();
    read_those(context, &context.environment()?, |variable| {
        services.iter().any(|service| provider::is_in_hooks(service, variable))
    })
}

/// Reads what the builds of these services need.
pub fn read_for_builds(context: &Context, environment: &Environment, services: &[&Service]) -> Step<()> {
    read_those(context, environment, |variable| {
        services.iter().any(|service| provider::is_in_build(context.stack(), service, variable))
    })
}

fn read_those(context: &Context, environment: &Environment, is_needed: impl Fn(&str) -> bool) -> Step<()> {
    let mut values = Vec::new();
    let mut findings = Vec::new();
    for (variable, source) in provider::open(context.stack(), environment) {
        let name = &variable.name;
        if !is_needed(name) {
            values.push((name.clone(), STAND_IN.to_owned()));
            continue;
        }
        note(&format!("reading `{name}` from `{}`", source.text));
        let command = provider::command(&context.root, source);
        let value = match context.children.read(&command) {
            Ok(Some(printed)) => provider::value(name, source, printed),
            Ok(None) => Err(provider::failed(name, source, &command)),
            Err(finding) => Err(Finding::error(
                format!("cannot read `{name}` from `{}`: {}", source.text, finding.what),
                format!("{}; or set {name} in `.env`", finding.help),
            )),
        };
        match value {
            Ok(value) => values.push((name.clone(), value)),
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(findings.into());
    }
    context.compose.give(values);
    Ok(())
}
