//! Several stacks in one repository: `--spec`, and `check --all`.

use serde_json::Value;

use super::project::{Project, clean};
use super::review::git;

const WEB: &str = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"nginx:1.29\"\n";

const OPS: &str = r#"include = ["more.toml"]
[stack]
name = "ops"
[profiles.dev]
[outputs]
generated = "ops-out"
terraform = "ops-tf"
[services.tool]
kind = "tool"
image = "tool:1"
volumes = ["./ops/data:/data", { file = "a.conf", target = "/a.conf" }]
[files."a.conf"]
template = "ops/files/a.j2"
language = "raw"
"#;

fn repository() -> Project {
    let project = Project::new(WEB);
    project.write("ops/stack.toml", OPS);
    project.write("ops/more.toml", "[services.cache]\nimage = \"redis:8\"\n");
    project.write("ops/files/a.j2", "{= project =}\n");
    project.write("ops/kinds/tool/kind.toml", "title = \"Tool\"\n[service]\nread_only = true\n");
    project
}

#[test]
fn two_stacks_of_one_repository_stand_side_by_side() {
    let project = repository();
    let ops = |arguments: &[&str]| project.run(&[&["--spec", "ops/stack.toml"], arguments].concat());
    for _ in 0..2 {
        clean(&project.run(&["render"]));
        clean(&ops(&["render"]));
        clean(&project.run(&["check"]));
        clean(&ops(&["check"]));
    }
    let compose = project.read("ops-out/dev/docker-compose.yml");
    assert!(compose.starts_with("# Generated from ops/stack.toml: edit"), "{compose}");
    for text in ["name: ops-dev", "  cache:", "source: ../../ops/data", "read_only: true"] {
        assert!(compose.contains(text), "{text}: {compose}");
    }
    assert_eq!(project.read("ops-out/dev/a.conf"), "ops-dev\n");
    for path in ["ops/stack.schema.json", "ops/kind.schema.json", "ops/schema.sha256", "ops-out/dev/manifest.sha256"] {
        assert!(project.path(path).exists(), "{path}");
    }
    assert!(!project.path("spec/kind.schema.json").exists());
    // Each only sees its own.
    project.write("ops-out/other.yml", "");
    clean(&project.run(&["check"]));
    let run = ops(&["check"]);
    assert!(run.code == Some(1) && run.stdout.contains("ops-out/other.yml: not an output"), "{run:?}");
    // What they print to be run is for the same spec.
    let call = "gen --spec ops/stack.toml";
    assert!(
        compose.lines().next().is_some_and(|line| line.ends_with(&format!("then run `{call} render`."))),
        "{compose}"
    );
    let readme = project.read("ops-out/dev/README.md");
    for text in ["then run `_ render`. -->", "(or use `_ dev up --detach`)", "`_ graph --profile dev --format svg`"] {
        assert!(readme.contains(&text.replace('_', call)), "{text}: {readme}");
    }
    assert!(!readme.contains("`gen render") && !readme.contains("`gen dev"), "{readme}");
    project.write("ops-out/dev/a.conf", "mine\n");
    let help = "with `gen --spec ops/stack.toml adopt ops-out/dev/a.conf`, or discard it with `gen --spec ops/stack.toml render \
                --force`";
    for arguments in [&["check"][..], &["check", "--format", "json"], &["check", "--format", "github"], &["render"]] {
        let run = ops(arguments);
        assert!(format!("{}{}", run.stdout, run.stderr).contains(help), "{run:?}");
    }
    clean(&ops(&["render", "--force"]));
    let run = ops(&["explain", "ops-out/dev/a.conf:1"]);
    assert!(run.code == Some(0) && run.stdout.contains("ops/stack.toml:3"), "{run:?}");
}

#[test]
fn commands_edit_and_review_the_spec_that_is_named() {
    let project = repository();
    let ops = |arguments: &[&str]| project.run(&[&["--spec", "ops/stack.toml"], arguments].concat());
    git(project.root(), &["init", "--quiet"]);
    git(project.root(), &["add", "."]);
    git(project.root(), &["commit", "--quiet", "--message", "all"]);
    let before = project.read("spec/stack.toml");
    for arguments in [&["new", "service", "proxy", "--image", "nginx:1.29"][..], &["new", "kind", "loki"], &["fmt"]] {
        let run = ops(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert_eq!(project.read("spec/stack.toml"), before);
    assert!(project.read("ops/more.toml").contains("[services.proxy]"));
    assert!(project.path("ops/kinds/loki/kind.toml").exists() && !project.path("spec/kinds").exists());
    let run = ops(&["review"]);
    assert!(run.stdout.contains("proxy") && !run.stdout.contains("web"), "{run:?}");
    let run = project.run(&["review"]);
    assert!(run.code == Some(0) && !run.stdout.contains("proxy"), "{run:?}");
}

#[test]
fn a_spec_is_in_a_folder_of_the_project_and_names_its_outputs() {
    let project = repository();
    project.write("stack.toml", WEB);
    for path in ["stack.toml", "../x/stack.toml", "ops/../ops/stack.toml", "/etc/passwd", "a-->/b.toml", ""] {
        let run = project.run(&["--spec", path, "check"]);
        assert!(run.code == Some(2) && run.stderr.contains("invalid path of a spec"), "{path}: {run:?}");
    }
    let run = project.run(&["--spec", "other/stack.toml", "check"]);
    assert!(run.code == Some(2) && run.stderr.contains("could not find `other/stack.toml`"), "{run:?}");
    clean(&project.run(&["render"]));
    // Otherwise a render would delete what the other stack has made.
    for (from, to) in [("generated = \"ops-out\"\n", ""), ("terraform = \"ops-tf\"\n", "")] {
        project.write("ops/stack.toml", OPS.replace(from, to));
        let run = project.run(&["--spec", "ops/stack.toml", "render"]);
        assert!(run.code == Some(2) && run.stderr.contains("must name the folders of its outputs"), "{run:?}");
    }
    project.write("ops/stack.toml", OPS.replace("\"ops-out\"", "\"ops\""));
    let run = project.run(&["--spec", "ops/stack.toml", "render"]);
    assert!(run.code == Some(2) && run.stderr.contains("error[invalid-path]"), "{run:?}");
    let run = project.run(&["--spec", "ops/stack.toml", "init"]);
    assert!(run.code == Some(2) && run.stderr.contains("`gen init` does not take `--spec`"), "{run:?}");
    let run = project.run(&["--spec", "spec/stack.toml", "check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// The projects that `check --all` reports.
fn projects(project: &Project, folder: &str) -> Vec<String> {
    let run = project.run(&["-C", folder, "check", "--all", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    report["projects"].as_array().unwrap().iter().map(|one| one["project"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_projects_are_found_and_no_others() {
    let project = Project::empty();
    let places = ["a", "a/deep/b", "c d", "node_modules/x", "target/x", ".hidden/x", "ignored/x", "nested"];
    for place in places {
        project.write(&format!("{place}/spec/stack.toml"), WEB);
    }
    project.write("lonely/spec/other.toml", WEB);
    project.write("myspec/stack.toml", WEB);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a", project.path("linked")).unwrap();
        std::fs::create_dir(project.path("half")).unwrap();
        std::os::unix::fs::symlink("../a/spec", project.path("half/spec")).unwrap();
    }
    assert_eq!(projects(&project, "."), ["a", "a/deep/b", "c d", "ignored/x", "nested"]);
    git(project.root(), &["init", "--quiet"]);
    project.write(".gitignore", "ignored/\n");
    git(&project.path("nested"), &["init", "--quiet"]);
    assert_eq!(projects(&project, "."), ["a", "a/deep/b", "c d"]);
    // What is committed can't be hidden, and what is deleted is not there.
    git(project.root(), &["add", "--force", "a", "c d", "ignored"]);
    std::fs::remove_file(project.path("c d/spec/stack.toml")).unwrap();
    assert_eq!(projects(&project, "."), ["a", "a/deep/b", "ignored/x"]);
    assert_eq!(projects(&project, "a"), [".", "deep/b"]);
    let run = project.run(&["-C", "lonely", "check", "--all"]);
    assert!(run.code == Some(2) && run.stderr.contains("could not find a `spec/stack.toml` in or below"), "{run:?}");
}

#[test]
fn all_projects_are_checked_and_the_worst_counts() {
    let project = Project::empty();
    for place in ["a", "b"] {
        project.write(&format!("{place}/spec/stack.toml"), WEB);
        clean(&project.run(&["-C", place, "render"]));
    }
    let run = project.run(&["check", "--all"]);
    clean(&run);
    assert!(run.stdout.ends_with("2 projects checked, 0 with problems\n"), "{run:?}");
    project.write("b/generated/dev/README.md", "mine\n");
    let run = project.run(&["check", "--all", "--stat"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.starts_with("a: ") && run.stdout.contains("b/generated/dev/README.md: edited"), "{run:?}");
    assert!(run.stdout.contains("discard it with `gen -C b render --force`"), "{run:?}");
    let run = project.run(&["check", "--all", "--format", "github"]);
    assert!(run.stdout.contains("::error file=b/generated/dev/README.md,line=1"), "{run:?}");
    project.write("a/spec/stack.toml", WEB.replace("image", "imag"));
    let run = project.run(&["check", "--all"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("--> a/spec/stack.toml:5:1"), "{run:?}");
    assert!(run.stdout.contains("b/generated/dev/README.md: edited"), "{run:?}");
    let run = project.run(&["check", "--all", "--format", "github"]);
    assert!(run.stdout.contains("::error file=a/spec/stack.toml,line=5"), "{run:?}");
    let run = project.run(&["check", "--all", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let [a, b] = report["projects"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(a["diagnostics"][0]["labels"][0]["path"], "a/spec/stack.toml");
    assert_eq!(b["differences"][0]["path"], "b/generated/dev/README.md");
    // A warning is an error in each.
    project.write("a/spec/stack.toml", format!("{WEB}[volumes.v]\n"));
    let run = project.run(&["check", "--all", "--deny", "warnings"]);
    assert!(run.code == Some(2) && run.stderr.contains("error[unused-volume]"), "{run:?}");
    for arguments in [&["check", "--all", "--profile", "dev"][..], &["--spec", "a/x.toml", "check", "--all"]] {
        assert_eq!(project.run(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn two_specs_never_share_a_folder() {
    let spec = |profile: &str| {
        format!(
            "[stack]\nname = \"shop\"\n[outputs]\ngenerated = \"deploy\"\nterraform = \"infra\"\n[profiles.{profile}]\n[services.web]\nimage = \"a:1\"\n"
        )
    };
    let project = Project::new(spec("dev"));
    project.write("ops/stack.toml", spec("prod"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    for command in ["render", "check"] {
        let run = project.run(&["--spec", "ops/stack.toml", command]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(
            run.stderr.contains("`deploy/dev` has outputs of `spec/stack.toml`, not of `ops/stack.toml`"),
            "{run:?}"
        );
    }
    assert!(project.path("deploy/dev/docker-compose.yml").is_file());
    assert_eq!(project.run(&["check"]).code, Some(0));
    // There is one spec a folder, whose schemas are beside it.
    project.write("spec/other.toml", spec("prod"));
    assert_eq!(project.run(&["--spec", "spec/other.toml", "check"]).code, Some(2));
}
