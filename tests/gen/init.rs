//! `gen init`: specs to begin with.

use std::fs;

use super::project::{DASHBOARDS, Project, WHOLE_REFERENCE};

const EXAMPLES: [&str; 5] = ["minimal", "observability", "web", "events", "temporal-dsql"];

fn example(name: &str) -> Project {
    let project = Project::empty();
    let run = project.run(&["init", "--example", name]);
    assert_eq!(run.code, Some(0), "{run:?}");
    project
}

#[test]
fn each_example_renders_and_checks_at_once() {
    for name in EXAMPLES {
        let project = example(name);
        for command in [&["render"][..], &["check"], &["fmt", "--check"]] {
            let run = project.run(command);
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{name}, {command:?}: {run:?}");
        }
    }
}

#[test]
fn it_says_what_it_wrote_and_what_comes_next() {
    let run = Project::empty().run(&["init", "--example", "observability"]);
    assert!(run.stdout.starts_with("spec/stack.toml: created\nspec/dashboards/stack.toml: created\n.gitattributes: created\n.gitignore: created\n\nNext steps:\n"));
    assert!(run.stdout.contains("\n  gen render ") && run.stdout.contains("\n  gen dev up "), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.len() <= 80), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}'));
    assert_eq!(run.stderr, "");
}

#[test]
fn without_a_name_it_is_the_minimal_one() {
    let project = Project::empty();
    assert_eq!(project.run(&["init"]).code, Some(0));
    assert_eq!(project.read("spec/stack.toml"), example("minimal").read("spec/stack.toml"));
    assert!(!project.path("spec/dashboards").exists());
    assert_eq!(project.run(&["init", "--example", "maximal"]).code, Some(2));
}

#[test]
fn the_small_ones_fit_a_terminal_and_are_explained() {
    for name in ["minimal", "observability", "web", "events"] {
        let project = example(name);
        let files = ["spec/stack.toml", "spec/dashboards/stack.toml"];
        for file in files.into_iter().filter(|file| project.path(file).exists()) {
            let text = project.read(file);
            let longest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(longest.chars().count() <= 100, "{name}, {file}: {longest}");
            assert!(text.starts_with("#:schema ") && text.contains(".schema.json\n# "), "{name}, {file}");
        }
    }
    let minimal = example("minimal").read("spec/stack.toml");
    for piece in ["${db.sql}", "[env.", "healthcheck", "volumes", "depends_on"] {
        assert!(minimal.contains(piece), "{piece}");
    }
}

#[test]
fn the_large_one_is_the_spec_of_this_repository() {
    let project = example("temporal-dsql");
    assert_eq!(project.read("spec/stack.toml"), WHOLE_REFERENCE);
    let dashboards = fs::read_dir(project.path("spec/dashboards")).unwrap().count();
    let own = fs::read_dir(format!("{}/spec/dashboards", env!("CARGO_MANIFEST_DIR"))).unwrap().count();
    assert_eq!(dashboards, own, "a dashboard of spec/dashboards/ is missing in src/edit/example.rs");
    for (path, text) in DASHBOARDS {
        assert_eq!(project.read(path), text);
    }
}

#[test]
fn the_images_of_an_example_are_those_of_the_reference() {
    let text = example("observability").read("spec/stack.toml");
    let images = text.split("[images]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(images.lines().count(), 4);
    for image in images.lines() {
        assert!(WHOLE_REFERENCE.contains(&format!("\n{image}\n")), "{image}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let project = Project::empty();
    project.write("spec/stack.toml", "# mine\n");
    let run = project.run(&["init"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("`spec/stack.toml` already exists") && run.stderr.contains("help: "), "{run:?}");
    assert_eq!(project.read("spec/stack.toml"), "# mine\n");

    // A dashboard of somebody else's stops it before the main file is written.
    let project = Project::empty();
    project.write("spec/dashboards/stack.toml", "# mine\n");
    let run = project.run(&["init", "--example", "observability"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("`spec/dashboards/stack.toml`"), "{run:?}");
    assert_eq!(project.read("spec/dashboards/stack.toml"), "# mine\n");
    assert!(!project.path("spec/stack.toml").exists());
}

#[test]
fn a_folder_of_another_project_is_refused() {
    let project = example("minimal");
    let spec = project.read("spec/stack.toml");
    project.write("spec/stack.toml", format!("{spec}\n[outputs]\ngenerated = \"deploy\"\n"));
    for folder in ["spec/a", "generated/dev", "deploy", "terraform/dev"] {
        fs::create_dir_all(project.path(folder)).unwrap();
        let run = project.run_in(folder, &["init"]);
        assert_eq!(run.code, Some(1), "{folder}: {run:?}");
        assert!(run.stderr.contains("belongs to another project, whose spec is `"), "{run:?}");
        assert!(!project.path(&format!("{folder}/spec")).exists());
    }
    // Below it, there may be more projects.
    fs::create_dir_all(project.path("services/shop")).unwrap();
    assert_eq!(project.run_in("services/shop", &["init"]).code, Some(0));
    assert_eq!(project.run(&["-C", "services/shop", "render"]).code, Some(0));
    assert!(project.path("services/shop/generated/dev/docker-compose.yml").exists());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_a_failure_and_leaves_nothing() {
    let project = Project::empty();
    // A file where the folder of the dashboards should be.
    project.write("spec/dashboards", "");
    let run = project.run(&["init", "--example", "observability"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("cannot write `spec/dashboards/stack.toml`"), "{run:?}");
    assert!(!project.path("spec/stack.toml").exists());
}

/// A clone with other line endings would differ from its render in every file.
#[test]
fn a_clone_with_other_line_endings_is_as_rendered() {
    use super::review::Repository;
    use std::process::Command;
    let project = Project::empty();
    project.write(".gitignore", "/target");
    assert!(project.run(&["init"]).stdout.contains("\n.gitignore: updated\n"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    let ignored = [
        "generated/dev/.env",
        "ops-generated/dev/.env",
        "services/shop/generated/dev/.env",
        "services/shop/terraform/dev/terraform.tfstate",
        "ops-terraform/dev/terraform.tfstate.backup",
        "ops-terraform/dev/terraform.tfvars",
        "ops/.staging/x",
    ];
    for path in ignored {
        project.write(path, "SECRET=1");
    }
    let repository = Repository::of(project);
    repository.commit("Begin");
    let files = repository.git(&["ls-files"]);
    assert!(files.contains("generated/dev/README.md") && files.contains(".env.example"), "{files}");
    assert!(!ignored.iter().any(|path| files.lines().any(|file| file == *path)), "{files}");
    let clone = Project::empty();
    let source = repository.project.root().to_str().unwrap();
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "-c", "core.autocrlf=true", source, clone.path("clone").to_str().unwrap()])
        .status();
    assert!(cloned.unwrap().success());
    let run = clone.run_in("clone", &["check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// A spec is shorter than its Compose file, and says more.
#[test]
fn an_example_is_shorter_than_what_it_makes() {
    let lines =
        |text: &str| text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty()).count();
    for (name, at_most) in [("web", 50), ("events", 50)] {
        let project = example(name);
        assert_eq!(project.run(&["render"]).code, Some(0));
        let (spec, compose) = (project.read("spec/stack.toml"), project.read("generated/dev/docker-compose.yml"));
        assert!(lines(&spec) * 100 <= lines(&compose) * at_most, "{name}: {} and {}", lines(&spec), lines(&compose));
    }
}

/// What the README shows first is what a render writes.
#[test]
fn the_readme_opens_with_a_spec_that_renders() {
    let readme = include_str!("../../README.md");
    let block = |language: &str| {
        let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let project = Project::new(block("toml"));
    super::project::clean(&project.run(&["render"]));
    let compose = project.read("generated/dev/docker-compose.yml");
    let shown: Vec<&str> = block("yaml").lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    assert!(shown.len() > 10 && compose.contains(&shown.join("\n")), "{compose}");
}
