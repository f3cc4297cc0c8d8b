//! The persistence template, rendered by the entrypoint itself for any values.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_yaml::Value;

use super::super::project::Project;

/// The template's folder, its text, and its variables.
struct Template {
    project: Project,
    text: String,
    variables: BTreeMap<String, Place>,
}

/// Where a variable stands.
#[derive(Clone, Copy)]
struct Place {
    /// Always inside quotes.
    quoted: bool,
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let project = Project::reference();
        let text = project.read("generated/dev/docker/persistence-dsql.template.yaml");
        let mut variables = BTreeMap::new();
        for line in text.lines() {
            for (at, _) in line.match_indices("${") {
                let name = line[at + 2..].split('}').next().unwrap().to_owned();
                let place = variables.entry(name).or_insert(Place { quoted: true });
                place.quoted &= line[..at].matches('"').count() % 2 == 1;
            }
        }
        project.write("entrypoint", "#!/bin/sh\ntouch \"${OUT}.started\"\n");
        assert!(Command::new("chmod").arg("755").arg(project.path("entrypoint")).status().unwrap().success());
        Template { project, text, variables }
    })
}

/// Runs the script: the configuration that it wrote, if it started the server, and what it complained about.
fn start(values: &BTreeMap<String, String>) -> (Option<String>, String) {
    let project = &template().project;
    let out = tempfile::tempdir().unwrap();
    let config = out.path().join("config");
    let output = Command::new("bash")
        .arg(project.path("generated/dev/docker/render-and-start.sh"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TEMPORAL_PERSISTENCE_TEMPLATE", project.path("generated/dev/docker/persistence-dsql.template.yaml"))
        .env("TEMPORAL_PERSISTENCE_CONFIG", &config)
        .env("TEMPORAL_BASE_ENTRYPOINT", project.path("entrypoint"))
        .env("OUT", &config)
        .envs(values)
        .output()
        .unwrap();
    let started = out.path().join("config.started").exists();
    assert_eq!(output.status.success(), started);
    assert_eq!(config.exists(), started, "a configuration is there only for a server that starts");
    (fs::read_to_string(config).ok(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Values that can stand where the variables do: printable ones in quotes, plain ones outside.
fn complete() -> impl Strategy<Value = BTreeMap<String, String>> {
    let one = |place: Place| {
        if place.quoted {
            prop_oneof![
                "[A-Za-z0-9.]{1,12}",
                // Line breaks of YAML 1.1 that are no control characters.
                "\\PC{1,12}".prop_map(|text| text.replace(['\u{2028}', '\u{2029}'], "x")),
                "[ ${}\"'\\\\#:A-Z&*%@`!|>/-]{1,12}",
                Just("${TEMPORAL_SQL_HOST}".to_owned()),
                Just("\\\"${".to_owned()),
            ]
            .boxed()
        } else {
            "[A-Za-z0-9][A-Za-z0-9._-]{0,11}".boxed()
        }
    };
    template()
        .variables
        .iter()
        .map(|(name, place)| (Just(name.clone()), one(*place)))
        .collect::<Vec<_>>()
        .prop_map(|pairs: Vec<(String, String)>| pairs.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_complete_set_leaves_no_placeholder(values in complete()) {
        let (config, complaint) = start(&values);
        prop_assert!(config.is_some(), "{}", complaint);
        let config = config.unwrap();
        // What looks like a placeholder now was in a value.
        let held: usize = values
            .iter()
            .map(|(name, value)| template().text.matches(&format!("${{{name}}}")).count() * value.matches("${").count())
            .sum();
        prop_assert_eq!(config.matches("${").count(), held);
        let config: Value = serde_yaml::from_str(&config).unwrap();
        let sql = &config["persistence"]["datastores"]["dsql"]["sql"];
        prop_assert_eq!(sql["user"].as_str(), Some(values["TEMPORAL_SQL_USER"].as_str()));
        prop_assert_eq!(sql["tls"]["serverName"].as_str(), Some(values["TEMPORAL_SQL_HOST"].as_str()));
        let address = format!("{}:{}", values["TEMPORAL_SQL_HOST"], values["TEMPORAL_SQL_PORT"]);
        prop_assert_eq!(sql["connectAddr"].as_str(), Some(address.as_str()));
    }

    #[test]
    fn an_incomplete_set_is_refused(
        values in complete(),
        missing in proptest::sample::subsequence(template().variables.keys().cloned().collect::<Vec<_>>(), 1..=template().variables.len()),
        empty in any::<bool>(),
    ) {
        let mut values = values;
        for name in &missing {
            if empty {
                values.insert(name.clone(), String::new());
            } else {
                values.remove(name);
            }
        }
        let (config, complaint) = start(&values);
        prop_assert_eq!(config, None);
        for name in &missing {
            prop_assert!(complaint.contains(name.as_str()), "{}", complaint);
        }
    }

    #[test]
    fn a_value_that_would_break_the_configuration_is_refused(
        values in complete(),
        index in any::<proptest::sample::Index>(),
        hostile in "[a-z]{0,3}[\\x01-\\x1f\\x7f][a-z]{0,3}",
    ) {
        let mut values = values;
        let name = index.get(&template().variables.keys().collect::<Vec<_>>()).to_owned().clone();
        values.insert(name.clone(), hostile);
        let (config, complaint) = start(&values);
        prop_assert_eq!(config, None);
        prop_assert!(complaint.contains(&name), "{}", complaint);
    }
}
