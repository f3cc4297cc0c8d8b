//! What creates schemas: one-shots in a Compose profile of their own.

use std::process::Command;

use serde_yaml::Value;
use stackgen::model::{SCHEMA_PROFILE, SchemaStep};

use super::artifacts::{files, plan};
use super::project::{Project, REFERENCE};

fn compose(spec: &str) -> Value {
    serde_yaml::from_str(&files(&plan(spec))["generated/dev/docker-compose.yml"]).unwrap()
}

#[test]
fn each_store_of_the_reference_has_its_step() {
    let plan = plan(REFERENCE);
    let steps: Vec<(&str, &str, bool)> = plan
        .stack()
        .schema
        .iter()
        .map(|SchemaStep { name, service, compose_profile, .. }| (name.as_str(), service.as_str(), *compose_profile))
        .collect();
    let expected = [
        ("monitored", "schema-monitored", true),
        ("copilot", "schema-copilot", true),
        ("copilot-app", "schema-copilot-app", true),
        ("elasticsearch", "elasticsearch-setup", false),
    ];
    assert_eq!(steps, expected);
    assert!(plan.stack().schema.iter().all(|step| !step.description.is_empty()));
}

#[test]
fn a_step_is_switched_on_by_the_profile_only_and_nobody_waits_for_it() {
    let plan = plan(REFERENCE);
    let file = compose(REFERENCE);
    let services = file["services"].as_mapping().unwrap();
    for step in &plan.stack().schema {
        let service = &file["services"][step.service.as_str()];
        let profiles = service["profiles"].as_sequence().map(|profiles| profiles[0].as_str().unwrap());
        assert_eq!(profiles, step.compose_profile.then_some(SCHEMA_PROFILE), "{}", step.service);
        assert_eq!(service["restart"], "no", "{}", step.service);
        assert!(service["ports"].is_null() && service["build"].is_null(), "{}", step.service);
        if step.compose_profile {
            assert!(service["depends_on"].is_null(), "{}", step.service);
            for (name, other) in services {
                assert!(other["depends_on"][step.service.as_str()].is_null(), "{name:?} waits for {}", step.service);
            }
            assert!(plan.stack().services.iter().all(|service| service.name != step.service));
        }
    }
}

#[test]
fn a_clusters_step_reaches_the_database_of_its_servers() {
    let file = compose(REFERENCE);
    for (step, server) in [("schema-monitored", "temporal-history"), ("schema-copilot", "copilot-temporal")] {
        let (step, server) = (&file["services"][step], &file["services"][server]);
        for (own, theirs) in [
            ("CLUSTER_ENDPOINT", "TEMPORAL_SQL_HOST"),
            ("SQL_PORT", "TEMPORAL_SQL_PORT"),
            ("SQL_USER", "TEMPORAL_SQL_USER"),
            ("SQL_DATABASE", "TEMPORAL_SQL_DATABASE"),
            ("AWS_REGION", "AWS_REGION"),
            ("AWS_CONFIG_FILE", "AWS_CONFIG_FILE"),
            ("AWS_SHARED_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
        ] {
            assert!(step["environment"][own].is_string());
            assert_eq!(step["environment"][own], server["environment"][theirs], "{own}");
        }
        assert!(server["volumes"].as_sequence().unwrap().contains(&step["volumes"][0]));
        // The tool is in the image that the runtime is built on, and its entrypoint would start a server.
        assert_eq!((step["image"].as_str(), step["pull_policy"].as_str()), (Some("temporal-dsql:test"), Some("never")));
        assert_eq!(step["entrypoint"][0], "sh");
    }
}

/// Runs a cluster's script; the tool is replaced by one that writes down its arguments and ends as it is told.
fn run(setup: i32, update: i32) -> (Option<i32>, String) {
    let project = Project::empty();
    let tool = format!(
        "#!/bin/sh\necho \"$*\" >> calls\ncase $1 in setup-schema) exit {setup} ;; update-schema) exit {update} ;; esac\n"
    );
    project.write("bin/temporal-dsql-tool", tool);
    assert!(Command::new("chmod").arg("755").arg(project.path("bin/temporal-dsql-tool")).status().unwrap().success());
    let file = compose(REFERENCE);
    let script = file["services"]["schema-monitored"]["command"][0].as_str().unwrap();
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let status =
        Command::new("sh").args(["-c", script]).current_dir(project.root()).env("PATH", path).output().unwrap();
    (status.status.code(), project.read("calls"))
}

#[test]
fn the_exit_code_is_that_of_the_update_whatever_the_versions_table_says() {
    let calls = "setup-schema --version 0.0\nupdate-schema --schema-name dsql/temporal\n";
    for (setup, update) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        assert_eq!(run(setup, update), (Some(update), calls.to_owned()), "{setup} {update}");
    }
}

#[test]
fn the_docs_run_each_step_and_count_none() {
    let readme = files(&plan(REFERENCE))["generated/dev/README.md"].clone();
    for step in plan(REFERENCE).stack().schema.iter().filter(|step| step.compose_profile) {
        let command = format!(" --profile {SCHEMA_PROFILE} run --rm {}\n", step.service);
        assert_eq!(readme.matches(&command).count(), 1, "{command}");
        assert_eq!(
            readme.matches(&step.service).count(),
            readme.matches(&format!("run --rm {}", step.service)).count()
        );
    }
    assert!(readme.contains("has 17 services and 14 published ports"));
}

#[test]
fn a_stack_without_the_tools_image_has_no_step_for_a_cluster() {
    let spec = REFERENCE
        .replace("build = { recipe = \"temporal-dsql\", context = \"${TEMPORAL_DSQL_PATH}\", base = \"alpine\" }", "")
        .replace("build = { recipe = \"temporal-runtime\", base = \"temporal-base\" }", "")
        .replace("[images.temporal-base]\nref = \"temporal-dsql:test\"\n", "")
        .replace("alpine = \"alpine:3.23\"\n", "");
    let from = spec.find("[env.TEMPORAL_DSQL_PATH]").unwrap();
    let to = spec.find("[env.COPILOT_PATH]").unwrap();
    let spec = format!("{}{}", &spec[..from], &spec[to..]);
    let plan = plan(&spec);
    let names: Vec<&str> = plan.stack().schema.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["copilot-app", "elasticsearch"]);
}
