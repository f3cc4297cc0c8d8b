//! What is run, and what is said.

use std::fs;

use super::super::project::{Project, REFERENCE};
use super::{COMPOSE, PORT, SMALL, Stubs, free_port};

#[test]
fn compose_gets_its_commands() {
    let stubs = Stubs::new(SMALL);
    for (arguments, expected) in [
        (&["down"][..], "--profile * down --remove-orphans"),
        (&["down", "-v"], "--profile * down --remove-orphans --volumes"),
        (&["logs"], "--profile * logs"),
        (&["logs", "--follow", "api", "db"], "--profile * logs --follow api db"),
        (&["--profile", "dev", "logs", "-f"], "--profile * logs --follow"),
        (&["restart", "db"], "--profile * restart db"),
    ] {
        let run = stubs.run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(stubs.changes(), [format!("{COMPOSE} {expected}")], "{arguments:?}");
    }
}

#[test]
fn up_starts_and_says_what_to_open() {
    let stubs = Stubs::new(SMALL);
    let port = free_port();
    stubs.project.write("generated/dev/.env", format!("TOKEN=hush\nPORT={port}\n"));
    for (arguments, expected) in [
        (&["up"][..], "up"),
        (&["up", "-d"], "up --detach"),
        (&["up", "--detach", "--wait", "api"], "up --detach --wait api"),
    ] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(stubs.changes(), [format!("{COMPOSE} {expected}")]);
        let said = format!("open:\n  api  http://localhost:{port}/health\n");
        assert!((run.stdout + &run.stderr).to_lowercase().contains(&said), "{arguments:?}");
    }
}

#[test]
fn the_exit_code_is_the_childs() {
    let stubs = Stubs::new(SMALL);
    stubs.answer(" up", 17, "");
    stubs.answer(" logs", 18, "");
    for (arguments, code) in [(&["up"][..], 17), (&["up", "--wait"], 17), (&["logs"], 18)] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(code), "{run:?}");
    }
}

#[test]
fn a_service_that_does_not_exist_is_refused() {
    let stubs = Stubs::new(SMALL);
    for command in ["up", "logs", "restart"] {
        let run = stubs.run(&[command, "apo"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("unknown service `apo`\n  help: did you mean `api`?"), "{run:?}");
    }
    assert!(stubs.record().is_empty());
}

#[test]
fn a_crash_is_told_with_its_last_lines() {
    let stubs = Stubs::new(SMALL);
    stubs.containers(&[
        r#"{"ID":"1","Service":"db","State":"restarting","Health":"","ExitCode":3}"#,
        r#"{"ID":"2","Service":"api","State":"running","Health":"starting","ExitCode":0}"#,
    ]);
    stubs.answer("logs --no-log-prefix --no-color --tail 20 db", 0, "cannot open the disk");
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("db: end of the log\n  cannot open the disk\n"), "{run:?}");
    stubs.answer("logs --no-log-prefix --no-color --tail 20 db", 0, &"é".repeat(1_000));
    let long = stubs.run(&["up", "--detach"]);
    assert!(long.stderr.contains(&format!("\n  {}…\n", "é".repeat(300))), "{long:?}");
    assert!(run.stderr.contains("error: `db` is restarting after it exited with code 3"), "{run:?}");

    stubs.answer(" up ", 9, "");
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(9));
}

#[test]
fn ps_shows_what_the_spec_and_the_engine_know() {
    let stubs = Stubs::new(SMALL);
    stubs.containers(&[
        r#"{"ID":"1","Service":"api","State":"running","Health":"healthy","ExitCode":0,"Labels":"a=b,stackgen.config=stale"}"#,
        r#"{"ID":"2","Service":"old","State":"exited","Health":"","ExitCode":3,"Labels":""}"#,
    ]);
    let run = stubs.run(&["ps"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        run.stdout.replace(&stubs.port.to_string(), PORT),
        "\
GROUP  SERVICE  STATE        HEALTH   URL
data   db       not created  -
front  api      running      healthy  http://localhost:18080/health
       old      exited (3)   -

stale configuration: api
  help: recreate them with `gen dev up --detach`

not in the spec: old
  help: remove all containers with `gen dev down`
"
    );
    let run = stubs.run(&["ps", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["project"], "small-dev");
    let api = &report["services"][1];
    assert_eq!((&api["service"], &api["health"]), (&"api".into(), &"healthy".into()));
    assert_eq!((&api["stale_configuration"], &api["group"]), (&true.into(), &"front".into()));
    assert_eq!(api["urls"][0], format!("http://localhost:{}/health", stubs.port));
}

#[test]
fn restart_takes_what_runs() {
    let stubs = Stubs::new(SMALL);
    let run = stubs.run(&["restart"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("no services are running"), "{run:?}");
    stubs.record();
    stubs.containers(&[r#"{"Service":"db","State":"running"}"#, r#"{"Service":"api","State":"exited"}"#]);
    assert_eq!(stubs.run(&["restart"]).code, Some(0));
    assert_eq!(stubs.changes(), [format!("{COMPOSE} --profile * restart db")]);
}

/// The reference stack with its source trees.
fn reference() -> Stubs {
    let stubs = Stubs::new(REFERENCE);
    stubs.project.write("dsql/go.mod", "module x\n\ngo 1.26.2\n");
    stubs.project.write("copilot/Dockerfile", "FROM scratch\n");
    stubs.project.write("generated/dev/.env", "TEMPORAL_DSQL_PATH=dsql\nCOPILOT_PATH='copilot'\n");
    stubs
}

#[test]
fn images_are_built_each_after_its_base() {
    let stubs = reference();
    let platform = "--platform linux/arm64";
    let base = format!(
        "docker build --tag temporal-dsql:test {platform} --file generated/dev/docker/base.Dockerfile \
         --build-arg GO_VERSION=1.26.2 dsql"
    );
    let copilot = format!("docker build --tag temporal-sre-copilot:dev {platform} copilot");
    let runtime = format!("docker build --tag temporal-dsql-runtime:test {platform} generated/dev/docker");
    for (targets, expected) in [
        (&[][..], &[&base, &copilot, &runtime][..]),
        (&["all"], &[&base, &copilot, &runtime]),
        (&["temporal"], &[&base, &runtime]),
        (&["copilot"], &[&copilot]),
        (&["copilot-api"], &[&copilot]),
        (&["monitored"], &[&base, &runtime]),
        (&["temporal-base"], &[&base]),
        (&["temporal-dsql-runtime:test"], &[&base, &runtime]),
    ] {
        let run = stubs.run(&[&["build"], targets].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        let expected: Vec<String> = expected.iter().map(|&line| line.clone()).collect();
        assert_eq!(stubs.record(), expected, "{targets:?}");
    }
    stubs.run(&["build", "--no-cache", "temporal-base"]);
    assert_eq!(stubs.record(), [base.replace(platform, &format!("{platform} --no-cache"))]);
}

#[test]
fn a_target_that_means_nothing_is_refused() {
    let stubs = reference();
    let run = stubs.run(&["build", "copilto"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("help: did you mean `copilot`?"), "{run:?}");
    let run = stubs.run(&["build", "grafana"]);
    assert!(run.stderr.contains("nothing to build for `grafana`"), "{run:?}");
}

#[test]
fn a_source_tree_that_is_missing_is_named_with_its_variable() {
    let stubs = Stubs::new(REFERENCE);
    let run = stubs.run(&["build"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let parent = fs::canonicalize(stubs.project.root()).unwrap().parent().unwrap().join("temporal-dsql");
    assert!(run.stderr.contains(&format!("source tree `{}` does not exist", parent.display())), "{run:?}");
    assert!(run.stderr.contains("set TEMPORAL_DSQL_PATH in `generated/dev/.env`"), "{run:?}");
    assert!(run.stderr.contains("set COPILOT_PATH in"), "{run:?}");
    assert!(stubs.record().is_empty(), "nothing was built");
}

#[test]
fn a_build_that_fails_ends_the_rest() {
    let stubs = reference();
    stubs.answer("docker build", 4, "");
    let run = stubs.run(&["build"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(run.stderr.contains("failed to build `temporal-dsql:test`"), "{run:?}");
    assert_eq!(stubs.record().len(), 1);
}

#[test]
fn what_is_missing_is_said() {
    let stubs = Stubs::new(SMALL);
    let mut command = stubs.command(&["logs"]);
    let run: super::Run = command.env("PATH", stubs.project.root()).output().unwrap().into();
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("`docker` is not installed"), "{run:?}");
    assert!(run.stderr.contains("help: install Docker"), "{run:?}");

    let unrendered = Project::new(SMALL);
    let run = unrendered.run(&["dev", "logs"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("run `gen render`"), "{run:?}");
    // The first start renders, but nothing that is missing later.
    let run = unrendered.run(&["dev", "up", "--detach"]);
    assert!(run.stdout.contains("written generated/dev/docker-compose.yml: missing"), "{run:?}");
    std::fs::remove_file(unrendered.path("generated/dev/docker-compose.yml")).unwrap();
    let run = unrendered.run(&["dev", "up", "--detach"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("run `gen render`"), "{run:?}");
}
