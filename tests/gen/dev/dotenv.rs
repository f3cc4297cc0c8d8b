//! `gen dev env`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::project::{REFERENCE, Run};
use super::Stubs;
use super::terraform::OUTPUTS;

const ENV: &str = "generated/dev/.env";

fn stubs() -> Stubs {
    let stubs = Stubs::new(REFERENCE);
    fs::remove_file(stubs.project.path(ENV)).unwrap();
    stubs.answer("output -json", 0, OUTPUTS);
    stubs
}

#[test]
fn check_says_what_is_missing_and_where_it_comes_from() {
    let stubs = stubs();
    let run = stubs.run(&["env", "check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for said in [
        "error: `TEMPORAL_SQL_HOST` has no value: Endpoint of the monitored cluster's DSQL cluster; \
         `generated/dev/.env` does not exist yet\n  help: run `gen dev infra apply`",
        "error: `GRAFANA_ADMIN_PASSWORD` has no value",
        "help: set GRAFANA_ADMIN_PASSWORD in `generated/dev/.env`, or run `gen dev env fill`, which chooses a value",
    ] {
        assert!(run.stdout.contains(said), "`{said}` in:\n{}", run.stdout);
    }
    stubs.project.write(ENV, "TEMPORAL_SQL_HOST=a\nCOPILOT_DSQL_HOST=b\nGRAFANA_ADMIN_PASSWORD=c\n");
    let run = stubs.run(&["env", "check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("complete: all required variables"), "{run:?}");
}

#[test]
fn a_dollar_that_compose_takes_for_a_reference_is_reported() {
    let stubs = stubs();
    let env = |password: &str| {
        let text = format!(
            "TEMPORAL_SQL_HOST=a${{nope}}\nCOPILOT_DSQL_HOST=$TEMPORAL_SQL_HOST\nGRAFANA_ADMIN_PASSWORD={password}\n"
        );
        stubs.project.write(ENV, text);
        fs::set_permissions(stubs.project.path(ENV), fs::Permissions::from_mode(0o600)).unwrap();
        stubs.run(&["env", "check"])
    };
    let quote = "\n  help: write the value in single quotes, GRAFANA_ADMIN_PASSWORD='…', or `$$` for each `$`\n";
    let loses = "warning: Compose drops a part of the value of `GRAFANA_ADMIN_PASSWORD` in `generated/dev/.env`: \
                 it reads the `$` as a reference to a variable that is not set";
    let run = env("pa$word1");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains(&format!("{loses}{quote}")), "{run:?}");
    assert!(!run.stdout.contains("word1"), "a part of a secret: {run:?}");
    let named = "warning: Compose drops a part of the value of `TEMPORAL_SQL_HOST` in `generated/dev/.env`: \
                 it reads the `$` as a reference to `nope`, which is not set\n";
    assert!(run.stdout.contains(named), "{run:?}");
    assert!(stubs.run(&["doctor"]).stdout.contains(loses));

    let run = env("$nope");
    assert_eq!(run.code, Some(1), "{run:?}");
    let missing = "error: `GRAFANA_ADMIN_PASSWORD` has no value: Password of Grafana's user admin; \
                   Compose reads the `$` in `generated/dev/.env` as a reference to a variable";
    assert!(run.stdout.contains(&format!("{missing}{quote}")), "{run:?}");
    let run = env("${a/b}");
    assert_eq!(run.code, Some(1), "{run:?}");
    let refused = "error: Compose cannot read the value of `GRAFANA_ADMIN_PASSWORD` in `generated/dev/.env`";
    assert!(run.stdout.contains(refused), "{run:?}");
    for whole in ["'pa$word1'", "pa$$word1", "pa$1", "\"pa\\$word\""] {
        let run = env(whole);
        assert_eq!(run.code, Some(0), "{whole}: {run:?}");
        assert!(!run.stdout.contains("GRAFANA"), "{whole}: {run:?}");
    }
}

#[test]
fn fill_begins_with_the_example_and_says_what_is_left() {
    let stubs = Stubs::new(&REFERENCE.replace("secret = true\ngenerate = true\n", "secret = true\n"));
    stubs.answer("output -json", 0, OUTPUTS);
    fs::remove_file(stubs.project.path(ENV)).unwrap();
    let run = stubs.run(&["env", "fill"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("generated/dev/.env: created\n"), "{run:?}");
    let line = "  TEMPORAL_SQL_HOST = `monitored.dsql.on.aws` (Terraform output `monitored_endpoint`)\n";
    assert!(run.stdout.contains(line), "{run:?}");
    assert!(run.stdout.contains("generated/dev/.env: 3 variables filled"), "{run:?}");
    assert!(run.stderr.contains("`GRAFANA_ADMIN_PASSWORD` has no value"), "{run:?}");

    let expected = stubs.project.read("generated/dev/.env.example");
    let (_, expected) = expected.split_once("\n\n").unwrap();
    let expected = expected
        .replace("TEMPORAL_SQL_HOST=\n", "TEMPORAL_SQL_HOST=monitored.dsql.on.aws\n")
        .replace("COPILOT_DSQL_HOST=\n", "COPILOT_DSQL_HOST=copilot.dsql.on.aws\n")
        .replace("COPILOT_KNOWLEDGE_BASE_ID=\n", "COPILOT_KNOWLEDGE_BASE_ID='KB $1'\n");
    assert_eq!(stubs.project.read(ENV), expected);
    let mode = fs::metadata(stubs.project.path(ENV)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut names = fs::read_dir(stubs.project.path("generated/dev")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.any(|name| name.to_string_lossy().ends_with(".new")));
}

/// The value of a variable of `.env`.
fn value(stubs: &Stubs, name: &str) -> String {
    let env = stubs.project.read(ENV);
    env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned()
}

#[test]
fn a_password_that_only_the_stack_uses_is_chosen_once() {
    let name = "GRAFANA_ADMIN_PASSWORD";
    let (one, other) = (stubs(), stubs());
    let run = one.run(&["env", "fill"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("  GRAFANA_ADMIN_PASSWORD = (secret) (chosen at random)\n"), "{run:?}");
    assert!(run.stdout.contains("generated/dev/.env: 4 variables filled"), "{run:?}");
    let chosen = value(&one, name);
    assert!(chosen.len() >= 20 && chosen.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{chosen}");
    assert!(!(run.stdout + &run.stderr).contains(&chosen));
    assert_eq!(one.run(&["env", "fill"]).code, Some(0));
    assert_eq!(value(&one, name), chosen);
    assert_eq!(other.run(&["env", "fill"]).code, Some(0));
    assert_ne!(value(&other, name), chosen);

    // `up` chooses one only if nothing else is missing.
    let stubs = stubs();
    let run = stubs.run(&["up"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(!stubs.project.path(ENV).exists());
    stubs.project.write(ENV, "TEMPORAL_SQL_HOST=a\nCOPILOT_DSQL_HOST=b\nGRAFANA_ADMIN_PASSWORD=\n");
    stubs.run(&["up", "--detach"]);
    assert!(!value(&stubs, name).is_empty());

    // One that isn't required, too.
    let optional = Stubs::new(&REFERENCE.replace("required = true\nsecret = true\n", "secret = true\n"));
    optional.project.write(ENV, "TEMPORAL_SQL_HOST=a\nCOPILOT_DSQL_HOST=b\nGRAFANA_ADMIN_PASSWORD=\n");
    optional.run(&["up", "--detach"]);
    assert!(!value(&optional, name).is_empty());
}

#[test]
fn values_that_are_there_stay() {
    let stubs = stubs();
    let own = "# mine\r\nTEMPORAL_SQL_HOST=my.host # really\r\nGRAFANA_ADMIN_PASSWORD='x'\r\nCOPILOT_DSQL_HOST=\r\n";
    stubs.project.write(ENV, own);
    let run = stubs.run(&["env", "fill"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said = "TEMPORAL_SQL_HOST = `my.host` (kept; Terraform output `monitored_endpoint` is `monitored.dsql.on.aws`)\n    \
                help: to use the output, remove the value from `generated/dev/.env`";
    assert!(run.stdout.contains(said), "{run:?}");
    let env = stubs.project.read(ENV);
    assert!(env.starts_with(&own.replace("COPILOT_DSQL_HOST=", "COPILOT_DSQL_HOST=copilot.dsql.on.aws")), "{env}");
}

#[test]
fn secrets_are_not_shown() {
    let secret = REFERENCE.replace("output = \"monitored_endpoint\"", "output = \"monitored_endpoint\"\nsecret = true");
    let stubs = Stubs::new(&secret);
    stubs.answer("output -json", 0, OUTPUTS);
    let run = stubs.run(&["env", "fill"]);
    assert!(run.stdout.contains("TEMPORAL_SQL_HOST = (secret) ("), "{run:?}");
    stubs.project.write(ENV, "TEMPORAL_SQL_HOST=hush\n");
    let run = stubs.run(&["env", "fill"]);
    assert!(run.stdout.contains("TEMPORAL_SQL_HOST = (secret) (kept; "), "{run:?}");
    assert!(!(run.stdout + &run.stderr).contains("hush"));
}

#[test]
fn a_link_is_followed_within_the_project_only() {
    let stubs = stubs();
    let elsewhere = tempfile::tempdir().unwrap();
    let outside = elsewhere.path().join("env");
    fs::write(&outside, "A=1\n").unwrap();
    symlink(&outside, stubs.project.path(ENV)).unwrap();
    let run = stubs.run(&["env", "fill"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("cannot read `generated/dev/.env`: it is a link that leads out of the project\n"),
        "{run:?}"
    );
    assert_eq!(fs::read_to_string(&outside).unwrap(), "A=1\n");

    fs::remove_file(stubs.project.path(ENV)).unwrap();
    stubs.project.write("shared.env", "GRAFANA_ADMIN_PASSWORD=x\n");
    symlink("../../shared.env", stubs.project.path(ENV)).unwrap();
    let run = stubs.run(&["env", "fill"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(stubs.project.read("shared.env").contains("TEMPORAL_SQL_HOST=monitored"));
    assert!(fs::symlink_metadata(stubs.project.path(ENV)).unwrap().is_symlink());
}

#[test]
fn terraform_without_outputs_is_said() {
    let stubs = stubs();
    stubs.answer("output -json", 0, "{}");
    let run = stubs.run(&["env", "fill"]);
    assert!(run.stderr.contains("Terraform has no outputs yet\n  help: run `gen dev infra apply` first"), "{run:?}");
    stubs.script("output -json", "echo 'Error: no state' >&2\nexit 1\n");
    let run = stubs.run(&["env", "fill"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("`terraform output` failed: Error: no state"), "{run:?}");
}

/// A cluster in PostgreSQL, whose password `up` chooses.
fn postgresql() -> Stubs {
    let spec = include_str!("../../specs/too-few-connections/stack.toml").replace("postgresql.pool = 20\n", "");
    Stubs::new(&(spec + "generate = true\n"))
}

#[test]
fn temporal_cannot_log_in_with_a_space_in_the_password() {
    let stubs = postgresql();
    let env = |password: &str| stubs.project.write(ENV, format!("POSTGRES_PASSWORD={password}\n"));
    env("two words");
    for arguments in [&["env", "check"][..], &["doctor"], &["up", "--detach"]] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        let said = run.stdout + &run.stderr;
        let error = "error: the value of `POSTGRES_PASSWORD` contains a space, so Temporal cannot log in to \
                     PostgreSQL\n  help: choose a password without spaces\n";
        assert!(said.contains(error) && !said.contains("words"), "{said}");
        assert!(stubs.changes().is_empty());
    }
    env("one+word%20'\"'");
    let run = stubs.run(&["env", "check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn no_password_is_chosen_for_data_with_an_earlier_one() {
    let stubs = postgresql();
    fs::remove_file(stubs.project.path(ENV)).unwrap();
    let volume = "volume ls --quiet --filter label=com.docker.compose.project=shop-dev \
                  --filter label=com.docker.compose.volume=postgres-data";
    stubs.answer(volume, 0, "shop-dev_postgres-data");
    for arguments in [&["up", "--detach"][..], &["env", "fill"]] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        let error = "error: `POSTGRES_PASSWORD` has no value, but the volume `shop-dev_postgres-data` exists, which may \
                     need an earlier one\n  help: set POSTGRES_PASSWORD in `generated/dev/.env` to the value with which \
                     the volume was created, or delete the data of the stack: `gen dev down --volumes`\n";
        assert!(run.stderr.contains(error), "{run:?}");
        assert!(stubs.changes().is_empty());
        assert_eq!(value(&stubs, "POSTGRES_PASSWORD"), "");
    }
    // The advice works without the value.
    stubs.script(" down ", "[ \"$POSTGRES_PASSWORD\" = 1 ]; exit $?\n");
    assert_eq!(stubs.run(&["down", "--volumes"]).code, Some(0));
    stubs.record();

    // An engine that can't be asked may have such a volume.
    stubs.answer(volume, 1, "");
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(1));
    stubs.answer("docker info", 1, "");
    let run = stubs.run(&["up", "--detach"]);
    assert!(run.stderr.contains("error: cannot connect to the Docker engine"), "{run:?}");
    assert_eq!(value(&stubs, "POSTGRES_PASSWORD"), "");
    stubs.answer("docker info", 0, r#"{"ServerVersion":"28.2.2","MemTotal":16000000000}"#);

    // A value of the process is one.
    let run: Run = stubs.command(&["up", "--detach"]).env("POSTGRES_PASSWORD", "a").output().unwrap().into();
    assert_eq!((run.code, value(&stubs, "POSTGRES_PASSWORD").as_str()), (Some(0), ""), "{run:?}");
    stubs.answer(volume, 0, "");
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(0));
    let chosen = value(&stubs, "POSTGRES_PASSWORD");
    assert!(!chosen.is_empty());
    // One that is there is kept, whatever volumes there are.
    stubs.answer(volume, 0, "shop-dev_postgres-data");
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(0));
    assert_eq!(value(&stubs, "POSTGRES_PASSWORD"), chosen);
}

#[test]
fn what_makes_compose_run_something_else_is_reported() {
    let stubs = postgresql();
    stubs
        .project
        .write(ENV, "POSTGRES_PASSWORD=a\nCOMPOSE_PROFILES=all\nCOMPOSE_PARALLEL_LIMIT=2\nDOCKER_HOST=tcp://a\n");
    let run = stubs.run(&["env", "check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for said in [
        "warning: `COMPOSE_PROFILES` in `.env` changes what Docker Compose runs\n  help: remove it",
        "warning: `DOCKER_HOST` in `.env` has no effect\n  help: set it in your shell",
    ] {
        assert!(run.stdout.contains(said), "{run:?}");
    }
    assert!(!run.stdout.contains("PARALLEL"), "{run:?}");
}
