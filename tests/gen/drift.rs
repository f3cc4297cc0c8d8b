//! `gen render` and `gen check` on a tree that somebody else touches as well.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::project::{Project, REFERENCE, Run};

const COMPOSE: &str = "generated/dev/docker-compose.yml";
const LOKI: &str = "generated/dev/config/loki.yaml";
const SCRIPT: &str = "generated/dev/docker/render-and-start.sh";
const MANIFEST: &str = "generated/dev/manifest.sha256";

fn assert_clean(project: &Project) {
    let run = project.run(&["check"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stdout.ends_with("files compared, no difference\n"), "{run:?}");
}

/// Asserts that exactly one file differs, and how.
fn assert_one(run: &Run, path: &str, cause: &str) {
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.starts_with(&format!("{path}: {cause}\n")), "{run:?}");
    assert!(run.stdout.contains("files compared, 1 differs\n"), "{run:?}");
}

#[test]
fn a_fresh_project_is_rendered_and_clean() {
    let project = Project::new(REFERENCE);
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains(&format!("{COMPOSE}: missing")), "{run:?}");

    let run = project.run(&["render", "--dry-run"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains(&format!("would be written {COMPOSE}: missing")), "{run:?}");
    assert!(project.outputs().is_empty());

    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let count = project.outputs().len();
    assert!(run.stdout.ends_with(&format!("{count} files: {count} written, 0 removed, 0 unchanged\n")), "{run:?}");
    assert_clean(&project);

    let run = project.run(&["render"]);
    assert_eq!(run.stdout, format!("{count} files: 0 written, 0 removed, {count} unchanged\n"));
}

#[test]
fn a_spec_that_was_not_rendered_is_stale_and_its_diff_is_shown() {
    let project = Project::reference();
    project.replace("spec/stack.toml", "settings.retention = \"72h\"", "settings.retention = \"96h\"");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1));
    for line in [
        "generated/dev/config/loki.yaml: out of date\n",
        "-  retention_period: 72h\n",
        "+  retention_period: 96h\n",
        "  help: run `gen render`\n",
        "\n-      stackgen.config: ",
        "files compared, 3 differ\n",
    ] {
        assert!(run.stdout.contains(line), "{line}: {run:?}");
    }
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("3 written"), "one output, its reader's label and the manifest: {run:?}");
    assert_clean(&project);
}

#[test]
fn a_hand_edit_is_named_and_not_overwritten_without_force() {
    let project = Project::reference();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 99h");
    assert_one(&project.run(&["check"]), LOKI, "edited by hand");

    let before = project.outputs();
    project.replace("spec/stack.toml", "max_series = 500_000", "max_series = 400_000");
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(&format!("{LOKI}: edited by hand")), "{run:?}");
    assert!(run.stderr.contains("gen render --force"), "{run:?}");
    assert_eq!(project.outputs(), before, "nothing else may be written either");

    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    assert!(project.read(LOKI).contains("retention_period: 72h"));
    assert_clean(&project);
}

#[test]
fn every_other_cause_is_named() {
    let project = Project::reference();
    fs::set_permissions(project.path(SCRIPT), fs::Permissions::from_mode(0o644)).unwrap();
    assert_one(&project.run(&["check"]), SCRIPT, "not executable");
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert_clean(&project);

    project.write(LOKI, project.read(LOKI).replace('\n', "\r\n"));
    assert_one(&project.run(&["check"]), LOKI, "line endings only");
    assert_eq!(project.run(&["render"]).code, Some(0));

    fs::remove_file(project.path(LOKI)).unwrap();
    assert_one(&project.run(&["check"]), LOKI, "missing");
    assert_eq!(project.run(&["render"]).code, Some(0));

    let text = project.read(LOKI);
    project.write(LOKI, format!("<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n"));
    assert_one(&project.run(&["check"]), LOKI, "merge conflict");
    assert_eq!(project.run(&["render"]).code, Some(0));

    fs::remove_file(project.path(MANIFEST)).unwrap();
    assert_one(&project.run(&["check"]), MANIFEST, "missing");
    assert_eq!(project.run(&["render"]).code, Some(0));

    fs::remove_file(project.path(LOKI)).unwrap();
    fs::create_dir(project.path(LOKI)).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains(&format!("{LOKI}: unreadable: ")), "{run:?}");
    let run = project.run(&["render", "--force"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains(LOKI), "{run:?}");
}

/// A container's user is not the one who renders.
#[test]
fn containers_can_read_outputs_whatever_the_umask() {
    let project = Project::new(REFERENCE);
    for (umask, folders) in [("077", 0o755), ("000", 0o777)] {
        for folder in ["generated", "terraform"] {
            _ = fs::remove_dir_all(project.path(folder));
        }
        let command = format!("umask {umask} && exec {} render", env!("CARGO_BIN_EXE_gen"));
        let run: Run = Command::new("sh").args(["-c", &command]).current_dir(project.root()).output().unwrap().into();
        assert_eq!(run.code, Some(0), "{run:?}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (path, _) in project.outputs() {
            let path = project.path(&path);
            assert_eq!(mode(&path), if path.ends_with(SCRIPT) { 0o755 } else { 0o644 }, "{umask}: {path:?}");
        }
        for folder in ["generated", "generated/dev/grafana", "generated/dev/grafana/server"] {
            assert_eq!(mode(&project.path(folder)), folders, "{umask}: {folder}");
        }
    }
    assert_clean(&project);
    fs::set_permissions(project.path(LOKI), fs::Permissions::from_mode(0o600)).unwrap();
    assert_one(&project.run(&["check"]), LOKI, "not readable by other users");
    assert!(project.run(&["check", "--format", "json"]).stdout.contains("\"cause\": \"mode\""));
    assert_eq!(project.run(&["render"]).code, Some(0));
    let folder = "generated/dev/dynamicconfig";
    fs::set_permissions(project.path(folder), fs::Permissions::from_mode(0o700)).unwrap();
    assert_one(&project.run(&["check"]), folder, "not readable by other users");
    let run = project.run(&["render"]);
    assert!(run.stdout.starts_with(&format!("opened {folder}: not readable by other users\n")), "{run:?}");
    assert_clean(&project);
}

#[test]
fn a_renamed_service_leaves_an_orphan_that_render_removes() {
    let project = Project::reference();
    let spec = project.read("spec/stack.toml");
    project.write(
        "spec/stack.toml",
        spec.replace("services.loki]", "services.logs]")
            .replace(".loki.", ".logs.")
            .replace("${loki.url}", "${logs.url}")
            .replace("\nloki = \"service_started\"", "\nlogs = \"service_started\"")
            .replace("kind = \"loki\"\n", "kind = \"loki\"\nimage = \"loki\"\n"),
    );
    let run = project.run(&["check", "--stat"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains(&format!("{LOKI}: orphan\n")), "{run:?}");
    assert!(run.stdout.contains("generated/dev/config/logs.yaml: missing\n"), "{run:?}");

    let run = project.run(&["render", "--no-prune"]);
    assert!(run.stdout.contains(&format!("left {LOKI}: orphan")), "{run:?}");
    assert_one(&project.run(&["check"]), LOKI, "orphan");

    let run = project.run(&["render"]);
    assert!(run.stdout.contains(&format!("removed {LOKI}: orphan")), "{run:?}");
    assert!(!project.path(LOKI).exists());
    assert_clean(&project);
}

#[test]
fn a_file_that_no_render_wrote_is_neither_overwritten_nor_deleted() {
    let project = Project::new(REFERENCE);
    project.write(LOKI, "mine\n");
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(&format!("{LOKI}: not listed in the manifest")), "{run:?}");
    // The schemas are no part of the profile.
    let outputs = project.outputs();
    assert_eq!(outputs.iter().filter(|(path, _)| !path.starts_with("spec/")).count(), 1);
    fs::remove_file(project.path(LOKI)).unwrap();

    project.write("generated/dev/.env", "SECRET=1\n");
    project.write("generated/dev/notes.md", "mine\n");
    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    assert_one(&project.run(&["check"]), "generated/dev/notes.md", "not an output");
    assert_eq!(project.read("generated/dev/.env"), "SECRET=1\n");
    assert_eq!(project.read("generated/dev/notes.md"), "mine\n");
}

#[test]
fn stat_counts_lines_and_shows_none() {
    let project = Project::reference();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 99h");
    let run = project.run(&["check", "--stat"]);
    assert_one(&run, LOKI, "edited by hand");
    assert!(run.stdout.contains("  +1 -1 lines\n"), "{run:?}");
    assert!(!run.stdout.contains("@@"), "{run:?}");
}

#[test]
fn a_long_diff_is_cut_and_says_by_how_much() {
    let project = Project::reference();
    let text =
        project.read(COMPOSE).replace("restart: unless-stopped", "restart: always").replace("- CMD\n", "- CMD-SHELL\n");
    project.write(COMPOSE, text);
    let run = project.run(&["check"]);
    assert_one(&run, COMPOSE, "edited by hand");
    assert!(run.stdout.lines().count() < 220, "{}", run.stdout.lines().count());
    let cut = run.stdout.lines().find(|line| line.ends_with(" more lines")).unwrap();
    assert!(cut.starts_with("  … "), "{cut}");
}

#[test]
fn control_characters_of_a_hand_edit_do_not_reach_the_terminal() {
    let project = Project::reference();
    project.replace(LOKI, "limits_config", "\u{1b}[2Jlimits_config");
    let run = project.run(&["check"]);
    assert!(!run.stdout.contains('\u{1b}'), "{run:?}");
    project.write(LOKI, [0xff, 0xfe, b'\n']);
    let run = project.run(&["check"]);
    assert_one(&run, LOKI, "edited by hand");
    assert!(run.stdout.contains("not a text file"), "{run:?}");
}

#[test]
fn json_is_one_object() {
    let project = Project::reference();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 99h");
    let run = project.run(&["check", "--format", "json"]);
    assert_eq!(run.code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let difference = &report["differences"][0];
    assert_eq!(report["differences"].as_array().unwrap().len(), 1);
    assert_eq!(difference["path"], LOKI);
    assert_eq!(difference["cause"], "hand-edited");
    assert_eq!(difference["added"], 1);
    assert!(difference["diff"].as_str().unwrap().contains("+  retention_period: 72h\n"));

    project.replace("spec/stack.toml", "[services.mimir]\n", "[services.mimir]\nrestart = \"alwys\"\n");
    let run = project.run(&["check", "--format", "json"]);
    assert_eq!(run.code, Some(2));
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["diagnostics"][0]["code"], "unknown-value");
    assert_eq!(report["diagnostics"][0]["help"], "did you mean `always`?");
    assert_eq!(report["diagnostics"][0]["labels"][0]["path"], "spec/stack.toml");
}

#[test]
fn github_annotates_the_line() {
    let project = Project::reference();
    let line = 1 + project.read(LOKI).lines().position(|line| line.contains("retention_period")).unwrap();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 99h");
    let run = project.run(&["check", "--format", "github"]);
    assert_eq!(run.code, Some(1));
    let expected = format!("::error file={LOKI},line={line},col=1,title=hand-edited::{LOKI}: edited by hand%0A");
    assert!(run.stdout.starts_with(&expected), "{run:?}");

    project.replace("spec/stack.toml", "[services.mimir]\n", "[services.mimir]\nrestart = \"alwys\"\n");
    let run = project.run(&["check", "--format", "github"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.starts_with("::error file=spec/stack.toml,line="), "{run:?}");
    assert!(
        run.stdout.contains("title=unknown-value::unknown restart policy `alwys`%0Adid you mean `always`?"),
        "{run:?}"
    );
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let project = Project::reference();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 99h");
    assert!(!project.run(&["check"]).stdout.contains('\u{1b}'));
    let forced = project.command(&["check"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(String::from_utf8(forced.stdout).unwrap().contains("\u{1b}[32m+"));
    let refused = project.command(&["check"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().unwrap();
    assert!(!String::from_utf8(refused.stdout).unwrap().contains('\u{1b}'));
}

#[test]
fn commands_work_from_a_folder_below_and_nowhere_else() {
    let project = Project::reference();
    fs::create_dir_all(project.path("src/deep")).unwrap();
    assert_eq!(project.run_in("src/deep", &["check"]).code, Some(0));

    let nothing = Project::empty();
    for command in ["check", "render"] {
        let run = nothing.run(&[command]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("could not find `spec/stack.toml` in"), "{run:?}");
    }
    assert_eq!(project.run(&["chek"]).code, Some(2));
    assert_eq!(project.run(&["render", "--profil", "dev"]).code, Some(2));
}

#[test]
fn a_spec_with_errors_writes_nothing_and_shows_all_of_them() {
    let project = Project::reference();
    let before = project.outputs();
    project.replace("spec/stack.toml", "[services.grafana]\n", "[services.grafana]\nport.http = 1\n");
    project.replace("spec/stack.toml", "ports.http = 8080", "ports.http = 8082");
    for command in ["check", "render"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains("error[unknown-key]"), "{run:?}");
        assert!(run.stderr.contains("error[port-clash]"), "{run:?}");
        assert!(run.stderr.contains("2 problems in the spec"), "{run:?}");
    }
    assert_eq!(project.outputs(), before);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = Project::new(REFERENCE);
    let mut child = project.command(&["check"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn check_never_writes() {
    let project = Project::reference();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 99h");
    let modified = |path: &str| fs::metadata(project.path(path)).unwrap().modified().unwrap();
    let folders = ["generated", "generated/dev", "generated/dev/config", "terraform/dev", "."];
    let before: Vec<_> = folders.iter().map(|folder| modified(folder)).collect();
    let outputs = project.outputs();
    project.run(&["check"]);
    assert_eq!(project.outputs(), outputs);
    assert_eq!(folders.iter().map(|folder| modified(folder)).collect::<Vec<_>>(), before);
}

#[test]
fn renders_at_once_leave_a_whole_tree() {
    let project = Project::new(REFERENCE);
    let children: Vec<_> =
        (0..4).map(|_| project.command(&["render"]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_clean(&project);
    assert!(!project.path("generated/.staging").exists());
}

/// Git has what may hold secrets.
#[test]
fn a_committed_env_or_state_is_a_finding() {
    let project = Project::new(super::review::SHOP);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let paths = [
        ".env",
        "generated/dev/.env",
        "terraform/dev/terraform.tfstate",
        "terraform/dev/terraform.tfstate.backup",
        "terraform/dev/terraform.tfvars",
    ];
    for path in paths {
        project.write(path, "SECRET=1\n");
    }
    // A folder of plugins is one finding.
    project.write("terraform/dev/.terraform/providers/a", "x");
    project.write("terraform/dev/.terraform/providers/b", "x");
    // Nobody has committed it.
    assert_eq!(project.run(&["check"]).code, Some(0));
    super::review::git(project.root(), &["init", "--quiet"]);
    let run = project.run(&["check"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    super::review::git(project.root(), &["add", "--all", "--force"]);
    let run = project.run(&["check"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    for path in paths.iter().chain(&["terraform/dev/.terraform"]) {
        let line =
            format!("{path}: committed, and may contain secrets or programs\n  help: run `git rm -r --cached` on it");
        assert!(run.stdout.contains(&line), "{}", run.stdout);
    }
    assert!(run.stdout.contains("no difference, 6 should not be committed"), "{}", run.stdout);
    let run = project.run(&["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["differences"][0]["cause"], "committed", "{report:#}");
    super::review::git(project.root(), &["rm", "--quiet", "-r", "--cached", ".env", "generated/dev/.env", "terraform"]);
    assert_eq!(project.run(&["check"]).code, Some(0));
    // Nothing in the repository runs.
    super::review::git(project.root(), &["config", "core.fsmonitor", "touch ran; false"]);
    assert_eq!(project.run(&["check"]).code, Some(0));
    assert!(!project.path("ran").exists());
    // Git that can't tell is not silent.
    project.write(".git/index", "broken");
    let run = project.run(&["check"]);
    assert!(
        run.stderr.contains("cannot check that no `.env` and none of Terraform's state or plugins are committed"),
        "{run:?}"
    );
}

#[test]
fn many_profiles_are_listed_in_part() {
    let profiles = (0..600).map(|index| format!("[profiles.p{index}]")).collect::<Vec<_>>().join("\n");
    let spec = format!("[stack]\nname = \"shop\"\n{profiles}\n[services.web]\nimage = \"nginx:1.29\"\n");
    let repository = super::review::Repository::new(&spec);
    let project = &repository.project;
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{:?}", run.stderr);
    assert!(run.stdout.len() < 30_000 && run.stdout.contains("more\n"), "{} bytes", run.stdout.len());
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{:?}", run.stderr);
    assert!(run.stdout.len() < 30_000 && run.stdout.contains("more written"), "{} bytes", run.stdout.len());
    project.replace("spec/stack.toml", "1.29", "1.30");
    let run = project.run(&["review"]);
    assert!(run.stdout.len() < 2_000 && run.stdout.contains("p5, 594 more)"), "{}", run.stdout);
    let run = project.run(&["list", "services"]);
    assert!(run.stderr.len() < 2_000, "{} bytes", run.stderr.len());
}

/// Two stacks of one repository, each by its folder.
#[test]
fn a_command_runs_in_another_directory() {
    let project = Project::empty();
    for name in ["shop", "mail"] {
        let spec = format!("[stack]\nname = \"{name}\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n");
        project.write(&format!("stacks/{name}/spec/stack.toml"), spec);
        assert_eq!(project.run(&["-C", &format!("stacks/{name}"), "render"]).code, Some(0));
        assert!(project.read(&format!("stacks/{name}/generated/dev/docker-compose.yml")).contains(name));
    }
    assert_eq!(project.run(&["check", "-C", "stacks/mail/spec"]).code, Some(0));
    let run = project.run(&["check", "-C", "stacks/nothing"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.starts_with("error: cannot change to the directory `stacks/nothing`: "), "{run:?}");
}
