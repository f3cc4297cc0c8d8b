//! Some specs through the binary and the disk: what the other targets do in memory.

use std::process::Command;

use super::check;
use super::disk::{Project, Run};
use super::project::Spec;
use super::random::Random;
use super::run::Target;
use super::spec;

pub const TARGET: Target = Target { name: "binary", cases: 4, make, check };

fn make(random: &mut Random) -> Vec<u8> {
    (spec::TARGET.make)(random)
}

fn check(input: &[u8]) -> bool {
    let spec = Spec::read(input);
    let project = Project::empty();
    // An empty spec, to be compared with.
    project.write("spec/stack.toml", "[stack]\nname = \"x\"\n[profiles.dev]\n");
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "spec"]);
    git(&project, &["commit", "--quiet", "--message", "the spec"]);
    for (path, bytes) in &spec.files {
        // A name that no spec names, and that a disk may not have.
        if path.len() < 100 && path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\0') {
            project.write(&format!("spec/{path}"), bytes);
        }
    }
    let run = |arguments: &[&str]| -> Run {
        let run = project.run(arguments);
        assert!(!run.stderr.contains("panicked"), "{arguments:?}: {run:?}");
        check::plain(&run.stdout);
        check::plain(&run.stderr);
        run
    };
    let is_valid = spec.plan().is_ok();
    let rendered = run(&["render"]);
    assert_eq!(rendered.code, Some(if is_valid { 0 } else { 2 }), "{rendered:?}");
    for format in ["text", "json", "github"] {
        let checked = run(&["check", "--format", format]);
        assert_eq!(checked.code, rendered.code, "{checked:?}");
    }
    if !is_valid {
        return false;
    }
    for arguments in [&["fmt"][..], &["fmt", "--check"], &["check"], &["list", "services"], &["graph"]] {
        let run = run(arguments);
        let is_ambiguous = run.code == Some(2) && run.stderr.contains("several profiles");
        assert!(run.code == Some(0) || is_ambiguous, "{arguments:?}: {run:?}");
    }
    for format in ["text", "markdown", "json"] {
        let reviewed = run(&["review", "--format", format]);
        assert!(matches!(reviewed.code, Some(0 | 1)), "{reviewed:?}");
    }
    true
}

fn git(project: &Project, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]);
    command.args(arguments).current_dir(project.root());
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    assert!(command.status().unwrap().success(), "git {arguments:?}");
}
