//! `gen dev` hands the right commands to Docker: a stub on `PATH` records them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::project::{Project, Run};

/// A rendered project with a `docker` that records its arguments and ends with `code`.
fn project(code: u8) -> Project {
    let project = Project::reference();
    project.write("bin/docker", format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >> \"$RECORD\"\nexit {code}\n"));
    fs::set_permissions(project.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    project
}

fn run(project: &Project, arguments: &[&str]) -> Run {
    let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = project.command(arguments);
    command.env("PATH", path).env("RECORD", project.path("record"));
    command.env_remove("TEMPORAL_DSQL_PATH").env_remove("COPILOT_PATH").output().unwrap().into()
}

fn record(project: &Project) -> Vec<String> {
    let root = format!("{}/", fs::canonicalize(project.root()).unwrap().display());
    project.read("record").replace(&root, "").lines().map(ToOwned::to_owned).collect()
}

#[test]
fn compose_gets_the_file_the_verb_and_the_rest() {
    let project = project(0);
    for arguments in [
        &["dev", "up", "--detach", "grafana"][..],
        &["dev", "down", "-v"],
        &["dev", "ps"],
        &["dev", "--profile", "dev", "logs", "-f", "loki"],
    ] {
        let run = run(&project, arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let file = "compose --file generated/dev/docker-compose.yml";
    assert_eq!(
        record(&project),
        [
            format!("{file} up --detach grafana"),
            format!("{file} down -v"),
            format!("{file} ps"),
            format!("{file} logs -f loki"),
        ]
    );
}

#[test]
fn the_exit_code_is_dockers() {
    assert_eq!(run(&project(17), &["dev", "up"]).code, Some(17));
}

#[test]
fn images_are_built_each_after_its_base() {
    let project = project(0);
    project.write("dsql/go.mod", "module x\n\ngo 1.26.2\n");
    project.write("copilot/Dockerfile", "FROM scratch\n");
    project.write("generated/dev/.env", "TEMPORAL_DSQL_PATH=dsql\nCOPILOT_PATH='copilot'\n");
    let run = run(&project, &["dev", "build", "--no-cache"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(
        record(&project),
        [
            "build --tag temporal-dsql:test --file generated/dev/docker/base.Dockerfile \
             --build-arg GO_VERSION=1.26.2 dsql --no-cache",
            "build --tag temporal-sre-copilot:dev copilot --no-cache",
            "build --tag temporal-dsql-runtime:test generated/dev/docker --no-cache",
        ]
    );
}

#[test]
fn a_source_tree_that_is_missing_is_named_with_its_variable() {
    let project = project(0);
    let run = run(&project, &["dev", "build"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("temporal-dsql`; set TEMPORAL_DSQL_PATH in"), "{run:?}");
    assert!(!project.path("record").exists(), "nothing was built");
}

#[test]
fn a_build_that_fails_ends_the_rest() {
    let project = project(1);
    project.write("dsql/go.mod", "go 1.26\n");
    project.write("generated/dev/.env", "TEMPORAL_DSQL_PATH=dsql\n");
    let run = run(&project, &["dev", "build"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("`temporal-dsql:test` was not built"), "{run:?}");
    assert_eq!(record(&project).len(), 1);
}

#[test]
fn what_is_missing_is_said() {
    let rendered = Project::reference();
    let run = rendered.command(&["dev", "up"]).env("PATH", rendered.root()).output().unwrap();
    assert_eq!(run.status.code(), Some(3));
    assert!(String::from_utf8(run.stderr).unwrap().contains("cannot run `docker`"));

    let unrendered = Project::new(super::project::REFERENCE);
    let run = unrendered.run(&["dev", "up"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("run `gen render`"), "{run:?}");
}
