//! `gen upgrade`, from the spec of the reference stack in format 1, with the Compose file that was rendered from it.

use crate::project::{Project, Run, clean};

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
    assert_eq!(project.run(&["check"]).code, Some(2));
    let dry = project.run(&["upgrade", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert_eq!(project.read("spec/stack.toml"), OLD);
    let run = project.run(&["upgrade"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.stdout, dry.stdout.replace("would be ", ""));
    insta::assert_snapshot!("upgrade", run.stdout);
    // Only these lines are other ones.
    let new = project.read("spec/stack.toml");
    let changed: Vec<String> = similar::TextDiff::from_lines(OLD, &new)
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{}{change}", change.tag()))
        .collect();
    insta::assert_snapshot!("upgrade-spec", changed.concat());
    let run = project.run(&["render", "--force"]);
    assert_eq!((run.code, run.stderr.contains("error")), (Some(0), false), "{run:?}");
    let run = project.run(&["upgrade"]);
    clean(&run);
    assert_eq!(run.stdout, "The spec and its outputs have the current format, 2.\n");
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
    let broken = Project::new("[stack\n");
    let Run { code, stderr, .. } = broken.run(&["upgrade"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert_eq!(broken.read("spec/stack.toml"), "[stack\n");
}
