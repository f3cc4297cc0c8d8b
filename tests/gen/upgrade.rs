//! `gen upgrade`, from the spec of the reference stack in format 1, with the Compose file that was rendered from it.

use crate::project::{Project, Run, clean};
use crate::review::git;

const OLD: &str = include_str!("upgrade/stack.toml");
const COMPOSE: &str = include_str!("upgrade/docker-compose.yml");

fn old() -> Project {
    let project = Project::new(OLD);
    project.write("generated/dev/docker-compose.yml", COMPOSE);
    project
}

#[test]
fn the_reference_spec_is_brought_to_the_current_format() {
    let project = old();
    let run = project.run(&["check"]);
    assert_eq!(
        (run.code, run.stderr.matches("a key of an older format: run `gen upgrade`").count()),
        (Some(2), 9),
        "{run:?}"
    );
    let dry = project.run(&["upgrade", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert_eq!(project.read("spec/stack.toml"), OLD);
    let run = project.run(&["upgrade"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.stdout, dry.stdout.replace("would be ", ""));
    // Limits, retries and the like are what later versions render; names and values of the spec are the same.
    let said: Vec<&str> = run.stdout.lines().take_while(|line| line.starts_with("spec/")).collect();
    assert_eq!(said.len(), 10, "{run:?}");
    assert!(run.stdout.contains("generated/dev/docker-compose.yml: differs"), "{run:?}");
    for same in ["container_name", "group_add", "volumes", "image", "ports", "depends_on"] {
        assert!(!run.stdout.contains(&format!(".{same}`")), "{same}: {run:?}");
    }
    let new = project.read("spec/stack.toml");
    let changed: Vec<String> = similar::TextDiff::from_lines(OLD, &new)
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{}{change}", change.tag()))
        .collect();
    assert_eq!(
        changed.concat(),
        r#"+container_names = true
-host = "${TEMPORAL_SQL_HOST}"
+dsql.host = "${TEMPORAL_SQL_HOST}"
-pool = 50
-token_duration = "2m"
-staggered_startup = false
-reservoir = { target = 50, base_lifetime = "11m", lifetime_jitter = "2m", guard_window = "45s" }
+dsql.pool = 50
+dsql.token_duration = "2m"
+dsql.staggered_startup = false
+dsql.reservoir = { target = 50, base_lifetime = "11m", lifetime_jitter = "2m", guard_window = "45s" }
-host = "${COPILOT_DSQL_HOST}"
-database = "${COPILOT_DSQL_DATABASE}"
+dsql.host = "${COPILOT_DSQL_HOST}"
+dsql.database = "${COPILOT_DSQL_DATABASE}"
-pool = 10
+dsql.pool = 10
-compose.group_add = ["${DOCKER_GROUP_ID}"]
+group_add = ["${DOCKER_GROUP_ID}"]
"#
    );
    let run = project.run(&["render", "--force"]);
    assert_eq!((run.code, run.stderr.contains("error")), (Some(0), false), "{run:?}");
    let run = project.run(&["upgrade"]);
    clean(&run);
    assert_eq!(run.stdout, "The spec and its outputs have the current format, 2.\n");
    // What a branch from before brings along.
    project.replace(
        "spec/stack.toml",
        "group_add = [\"${DOCKER_GROUP_ID}\"]",
        "compose.group_add = [\"${DOCKER_GROUP_ID}\"]",
    );
    let run = project.run(&["upgrade"]);
    clean(&run);
    assert!(run.stdout.contains("1 change, 1 file changed"), "{run:?}");
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn a_review_reads_the_older_format_as_it_is_upgraded() {
    let project = old();
    git(project.root(), &["init", "--quiet"]);
    git(project.root(), &["add", "--all"]);
    git(project.root(), &["commit", "--quiet", "--message", "Format 1"]);
    assert_eq!(project.run(&["upgrade"]).code, Some(0));
    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    let run = project.run(&["review"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    // The spec means the same.
    let named: Vec<&str> = run.stdout.lines().filter(|line| line.contains('[')).collect();
    assert!(named.iter().all(|line| line.contains("[rendered-differently]")), "{run:?}");
}

#[test]
fn a_spec_for_another_gen_is_neither_upgraded_nor_formatted() {
    let project = old();
    let spec = project.read("spec/stack.toml").replacen("[stack]\n", "[stack]\nrequires   = \">=99\"\n", 1);
    project.write("spec/stack.toml", &spec);
    for arguments in [&["upgrade"][..], &["fmt"], &["fmt", "--check"]] {
        let run = project.run(arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("error[unsupported-version]: this spec requires gen `>=99`"), "{run:?}");
        assert_eq!(project.read("spec/stack.toml"), spec);
    }
}

#[test]
fn what_cannot_be_changed_is_left_to_people() {
    let project = Project::new(format!("{OLD}\n[services.copilot-api.unknown]\nx = 1\n"));
    let run = project.run(&["upgrade"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("unknown key `unknown`") && !run.stderr.contains("`host`"), "{run:?}");
    assert!(project.read("spec/stack.toml").contains("dsql.host"));
    // Without outputs, nothing says what paths and names of containers were.
    assert!(!project.read("spec/stack.toml").contains("container_names"));
    // A key that the service has, too, and a table on one line.
    let twice = "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[services.api]\nimage = \"api:1\"\nenvironment = { A = \"1\" }\n\n\
                 [services.api.compose]\nenvironment = { B = \"2\" }\n";
    let inline = "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[services]\napi = { image = \"api:1\", compose = { tty = true } }\n";
    for (spec, said) in [(twice, "duplicate key"), (inline, "it is a key of an older format: write its keys")] {
        let project = Project::new(spec);
        let run = project.run(&["upgrade"]);
        assert!(run.code == Some(2) && run.stderr.contains(said), "{run:?}");
        assert_eq!(project.read("spec/stack.toml"), spec);
    }
    let broken = Project::new("[stack\n");
    let Run { code, stderr, .. } = broken.run(&["upgrade"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert_eq!(broken.read("spec/stack.toml"), "[stack\n");
}
