//! Schema steps.

use super::Finding;
use super::compose::Container;
use super::services::unknown;
use crate::model::SchemaStep;

/// The steps to run: all, or one.
///
/// # Errors
/// The step is unknown.
pub fn chosen<'a>(steps: &'a [SchemaStep], only: Option<&str>) -> Result<Vec<&'a SchemaStep>, Finding> {
    let Some(only) = only else { return Ok(steps.iter().collect()) };
    match steps.iter().find(|step| step.name == only || step.service == only) {
        Some(step) => Ok(vec![step]),
        None => Err(unknown("schema step", only, || steps.iter().map(|step| step.name.as_str()))),
    }
}

/// The steps that have not succeeded yet with their current configuration, going by their containers.
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

#[cfg(test)]
mod tests {
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
