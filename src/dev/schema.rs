//! Steps that create the schema: which ones there are, and which are still to be done.

use super::Finding;
use super::compose::Container;
use super::services::unknown;
use crate::model::SchemaStep;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dev::compose::containers;

    fn steps(count: usize) -> Vec<SchemaStep> {
        (0..count)
            .map(|number| SchemaStep {
                name: format!("s{number}"),
                service: format!("schema-s{number}"),
                description: String::new(),
                compose_profile: true,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn a_step_that_fails_never_stops_the_others(fails in proptest::collection::vec(any::<bool>(), 0..8)) {
            let steps = steps(fails.len());
            let mut run = Vec::new();
            let (failed, interrupted) = run_all(&steps, |step| {
                run.push(step.name.clone());
                if fails[run.len() - 1] { StepEnd::Failed } else { StepEnd::Succeeded }
            });
            prop_assert!(!interrupted);
            prop_assert_eq!(run, steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>());
            let expected: Vec<_> = steps.iter().zip(&fails).filter(|(_, fails)| **fails).map(|(step, _)| step).collect();
            prop_assert_eq!(failed, expected);
        }
    }

    #[test]
    fn an_interrupt_stops_the_rest() {
        let steps = steps(3);
        let (failed, interrupted) = run_all(&steps, |step| match step.name.as_str() {
            "s0" => StepEnd::Failed,
            _ => StepEnd::Interrupted,
        });
        assert_eq!((failed.len(), interrupted), (1, true));
    }

    #[test]
    fn a_step_is_done_once_for_a_configuration() {
        let steps = steps(4);
        let line = |service: &str, code: u8, hash: &str| {
            format!(
                r#"{{"Service":"{service}","State":"exited","ExitCode":{code},"Labels":"com.docker.compose.config-hash={hash}"}}"#
            )
        };
        let known = containers(
            &[line("schema-s0", 0, "00"), line("schema-s1", 1, "01"), line("schema-s2", 0, "old")].join("\n"),
        );
        let hash = |service: &str| {
            Some(match service {
                "schema-s0" => "00",
                "schema-s1" => "01",
                "schema-s2" => "02",
                _ => "03",
            })
        };
        let pending = pending(&steps, &known.unwrap(), hash);
        assert_eq!(pending.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["s1", "s2", "s3"]);
    }
}
