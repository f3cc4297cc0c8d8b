//! Steps that create the schema: which ones there are, and which are still to be done.

use super::Finding;
use super::compose::Container;
use super::generated::SchemaStep;
use super::services::unknown;

/// The steps to run: all, or one.
///
/// # Errors
/// There is no such step.
pub fn chosen<'a>(steps: &'a [SchemaStep], only: Option<&str>) -> Result<Vec<&'a SchemaStep>, Finding> {
    let Some(only) = only else { return Ok(steps.iter().collect()) };
    match steps.iter().find(|step| step.name == only || step.service == only) {
        Some(step) => Ok(vec![step]),
        None => Err(unknown("schema step", only, || steps.iter().map(|step| step.name.as_str()))),
    }
}

/// The steps that have not succeeded yet with the configuration that they have now, as far as the containers tell
/// that Compose has kept.
pub fn pending<'a>(
    steps: impl IntoIterator<Item = &'a SchemaStep>,
    containers: &[Container],
    hash: impl Fn(&str) -> Option<&'a str>,
) -> Vec<&'a SchemaStep> {
    let done = |step: &SchemaStep| {
        containers.iter().any(|container| {
            container.service == step.service
                && container.has_succeeded()
                && container.hash().is_some_and(|made_with| hash(&step.service) == Some(made_with))
        })
    };
    steps.into_iter().filter(|step| !done(step)).collect()
}

/// Runs every step, whatever the others do, until somebody says stop. Gives the names of those that failed.
pub fn run_all<'a>(
    steps: impl IntoIterator<Item = &'a SchemaStep>,
    mut run: impl FnMut(&'a SchemaStep) -> StepEnd,
) -> (Vec<&'a SchemaStep>, bool) {
    let mut failed = Vec::new();
    for step in steps {
        match run(step) {
            StepEnd::Succeeded => {}
            StepEnd::Failed => failed.push(step),
            StepEnd::Interrupted => return (failed, true),
        }
    }
    (failed, false)
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEnd {
    /// The schema is there.
    Succeeded,
    /// It isn't.
    Failed,
    /// Somebody told this process to end.
    Interrupted,
}
