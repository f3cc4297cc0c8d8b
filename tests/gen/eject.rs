//! Outputs that are the user's own.

use super::project::Project;
use super::review::{case, git};

const SPEC: &str = r#"# Kept.
[stack]
name = "shop" # kept, too

[profiles.dev]

[services.mimir]
kind = "mimir"
image = "grafana/mimir:2.16.1"
settings.max_series = 9000

[services.web]
image = "nginx:1.29"
"#;

const MIMIR: &str = "generated/dev/config/mimir.yaml";

fn rendered(spec: &str) -> Project {
    let project = Project::new(spec);
    let run = project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    project
}

fn ejected() -> Project {
    let project = rendered(SPEC);
    let run = project.run(&["eject", "config/mimir.yaml", "--reason", "We \"tune\" it"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let run = project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    project
}

#[test]
fn a_review_says_that_another_version_would_render_it_differently() {
    let project = ejected();
    git(project.root(), &["init", "--quiet"]);
    let review = || {
        git(project.root(), &["add", "--all"]);
        git(project.root(), &["commit", "--quiet", "--allow-empty", "--message", "Another"]);
        project.run(&["review"]).stdout
    };
    assert!(!review().contains("this version of"), "{}", review());
    let manifest = project.read("generated/dev/manifest.sha256");
    let line = manifest.lines().find(|line| line.ends_with(MIMIR)).unwrap();
    project.replace("generated/dev/manifest.sha256", line, &format!("# ejected: {}  {MIMIR}", "0".repeat(64)));
    let said = review();
    assert!(
        said.contains("config/mimir.yaml") && said.contains("would render it differently than the last render"),
        "{said}"
    );
    // A render writes the current one.
    assert_eq!(project.run(&["check"]).code, Some(1));
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert_eq!(project.read("generated/dev/manifest.sha256"), manifest);
}

#[test]
fn an_ejected_file_is_neither_written_nor_compared() {
    let project = ejected();
    let spec = project.read("spec/stack.toml");
    assert!(spec.starts_with(SPEC), "{spec}");
    assert!(spec.ends_with("\n[ejected]\n\"config/mimir.yaml\" = 'We \"tune\" it'\n"), "{spec}");
    let manifest = project.read("generated/dev/manifest.sha256");
    let lines: Vec<&str> = manifest.lines().filter(|line| line.ends_with(MIMIR)).collect();
    assert!(matches!(lines[..], [line] if line.starts_with("# ejected: ")), "{manifest}");
    project.write(MIMIR, "target: all # mine\n");
    for arguments in [["check"], ["render"], ["check"]] {
        let run = project.run(&arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert_eq!(project.read(MIMIR), "target: all # mine\n");
    }
    // What it has is not known, so it is not part of the label.
    assert!(!project.read("generated/dev/docker-compose.yml").contains("stackgen.config"));
    let rows = project.listed("artifacts");
    let own: Vec<&str> =
        rows.iter().filter(|row| row["ejected"] == true).map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(own, [MIMIR]);
}

#[test]
fn a_line_of_one_is_neither_explained_nor_adopted() {
    let project = ejected();
    project.write(MIMIR, "target: all # mine\n");
    let run = project.run(&["adopt", MIMIR]);
    assert!(run.stdout.contains(&format!("{MIMIR}: your own (`[ejected]`): there is nothing to adopt\n")), "{run:?}");
    let run = project.run(&["explain", &format!("{MIMIR}:1")]);
    assert!(run.stdout.contains("This file is your own (`[ejected]`)"), "{run:?}");
}

#[test]
fn a_missing_one_is_a_difference() {
    let project = ejected();
    std::fs::remove_file(project.path(MIMIR)).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("generated/dev/config/mimir.yaml: missing, and your own"), "{run:?}");
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("left generated/dev/config/mimir.yaml: missing, and your own\n"), "{run:?}");
    assert!(!project.path(MIMIR).exists());
    let run = project.run(&["eject", "config/mimir.yaml", "--reason", "x"]);
    assert!(run.stderr.contains("remove its entry from `[ejected]`"), "{run:?}");
}

#[test]
fn conflict_markers_in_one_are_a_difference() {
    let project = ejected();
    project.write(MIMIR, "<<<<<<< a\nx: 1\n=======\nx: 2\n>>>>>>> b\n");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("config/mimir.yaml: your own, with conflict markers"), "{run:?}");
}

#[test]
fn one_that_cannot_be_read_is_an_error() {
    let project = ejected();
    // More than an output may have.
    std::fs::File::create(project.path(MIMIR)).unwrap().set_len(1 << 40).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("config/mimir.yaml: unreadable: it has more than "), "{run:?}");
}

#[test]
fn without_its_entry_it_is_rendered_again_by_force_only() {
    let project = ejected();
    project.write(MIMIR, "target: all # mine\n");
    project.write("spec/stack.toml", SPEC);
    assert_eq!(project.run(&["check"]).code, Some(1));
    let run = project.run(&["render"]);
    assert!(run.code == Some(1) && run.stderr.contains("config/mimir.yaml: not listed in the manifest"), "{run:?}");
    assert_eq!(project.read(MIMIR), "target: all # mine\n");
    let run = project.run(&["adopt"]);
    assert!(run.stdout.contains(&format!("{MIMIR}: not listed in the manifest\n")), "{run:?}");
    assert!(run.stdout.contains(&format!("run `gen adopt {MIMIR}`")), "{run:?}");
    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    assert_eq!(project.read(MIMIR), rendered(SPEC).read(MIMIR));
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn a_path_is_that_of_one_profile() {
    let project = rendered(&SPEC.replace("[profiles.dev]", "[profiles.dev]\n\n[profiles.live]"));
    let run = project.run(&["eject", "./generated/live/config/mimir.yaml", "--reason", "x"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(project.read("spec/stack.toml").contains("[profiles.live]\nejected.\"config/mimir.yaml\" = \"x\"\n"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    let listed = |profile: &str| {
        let manifest = project.read(&format!("generated/{profile}/manifest.sha256"));
        manifest.lines().any(|line| !line.starts_with('#') && line.ends_with("mimir.yaml"))
    };
    assert_eq!((listed("dev"), listed("live")), (true, false));
    let again = project.run(&["eject", "generated/live/config/mimir.yaml", "--reason", "x"]);
    assert!(again.code == Some(2) && again.stderr.contains("is ejected already"), "{again:?}");
}

#[test]
fn a_name_is_that_of_all_profiles() {
    let project = rendered(&SPEC.replace("[profiles.dev]", "[profiles.dev]\n\n[profiles.live]"));
    // A path is relative to the current directory.
    let run = project.run_in("generated/live", &["eject", "config/../config/mimir.yaml", "--reason", "x"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(project.read("spec/stack.toml").contains("[profiles.live]\nejected.\"config/mimir.yaml\" = \"x\"\n"));
    // That one profile has it says nothing of the others.
    std::fs::remove_file(project.path(MIMIR)).unwrap();
    let run = project.run(&["eject", "config/mimir.yaml", "--reason", "x"]);
    assert!(run.code == Some(2) && run.stderr.contains(&format!("`{MIMIR}` does not exist; nothing")), "{run:?}");
    project.write(MIMIR, "target: all # mine\n");
    let run = project.run(&["eject", "config/mimir.yaml", "--reason", "x"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(project.read("spec/stack.toml").contains("\n[ejected]\n\"config/mimir.yaml\" = \"x\"\n"));
}

#[test]
fn what_cannot_be_ejected_is_said() {
    let project = Project::new(SPEC);
    for (file, message) in [
        ("config/mimr.yaml", "unknown output `config/mimr.yaml`"),
        ("config/mimir.yaml", "`generated/dev/config/mimir.yaml` does not exist"),
    ] {
        let run = project.run(&["eject", file, "--reason", "x"]);
        assert!(run.code == Some(2) && run.stderr.contains(message) && run.stderr.contains("help"), "{run:?}");
    }
    let patch = "\n[patches.\"config/mimir.yaml\"]\nreason = \"x\"\nset = { target = \"x\" }\n";
    let project = rendered(&format!("{SPEC}{patch}"));
    let run = project.run(&["eject", "config/mimir.yaml", "--reason", "x"]);
    assert!(run.code == Some(2) && run.stderr.contains("error[unpatchable-artifact]"), "{run:?}");
    assert!(!project.read("spec/stack.toml").contains("[ejected]"));
}

#[test]
fn a_review_says_what_would_have_changed() {
    let own = "[ejected]\n\"config/mimir.yaml\" = \"By hand\"\n";
    case(
        &format!("{SPEC}\n#@"),
        &[("#@", own)],
        &[
            "caution patches config/mimir.yaml: your own now, neither rendered nor compared: By hand",
            "notice services mimir: recreated: configuration file",
        ],
    );
    case(
        &format!("{SPEC}{own}"),
        &[("max_series = 9000", "max_series = 10000")],
        &[
            "caution patches config/mimir.yaml: ejected, so it is left alone: 1 line would be added, and 1 line removed",
            "notice limits mimir: `max_series` raised [9000 -> 10000]",
        ],
    );
}
