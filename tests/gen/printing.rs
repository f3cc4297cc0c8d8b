//! What can't be printed is a failure, whatever the command; a reader that has gone away is none.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use super::project::{Project, Run};
use super::review::git;

/// One line or more for each subcommand: the arguments, and the exit code where the output can be written.
const COMMANDS: [(&[&str], i32); 47] = [
    (&["--help"], 0),
    (&["--version"], 0),
    (&["help", "check"], 0),
    (&["render", "--dry-run"], 0),
    (&["render"], 0),
    (&["check"], 0),
    (&["check", "--format", "json"], 0),
    (&["check", "--format", "github"], 0),
    (&["check", "--all"], 0),
    (&["explain", "generated/dev/docker-compose.yml:4"], 0),
    (&["explain", "generated/dev/docker-compose.yml:4", "--format", "json"], 0),
    (&["explain", "--code", "port-clash"], 0),
    (&["impact", "services.loki.settings"], 0),
    (&["adopt"], 0),
    (&["upgrade"], 0),
    (&["git", "uninstall"], 0),
    (&["completions", "bash"], 0),
    (&["man", "pages"], 0),
    (&["schema"], 0),
    (&["schema", "dashboard"], 0),
    (&["schema", "kind"], 0),
    (&["schema", "report"], 0),
    (&["schema", "reference"], 0),
    (&["kind", "show", "loki"], 0),
    (&["kind", "show", "loki", "--format", "json"], 0),
    (&["verify"], 3),
    (&["init"], 1),
    (&["new", "service", "web", "--image", "nginx:1.29"], 0),
    (&["fmt"], 0),
    (&["fmt", "--check"], 0),
    (&["fmt", "--check", "--format", "json"], 0),
    (&["pin", "--check"], 1),
    (&["pin", "--check", "--format", "json"], 1),
    (&["eject", "config/mimir.yaml", "--reason", "x"], 0),
    (&["review"], 0),
    (&["list", "services"], 0),
    (&["list", "env", "--format", "json"], 0),
    (&["model"], 0),
    (&["graph"], 0),
    (&["graph", "--format", "svg"], 0),
    (&["graph", "--networks"], 0),
    (&["graph", "--format", "json"], 0),
    (&["--spec", "spec/stack.toml", "list", "services"], 0),
    (&["dev", "doctor"], 1),
    (&["dev", "doctor", "--format", "json"], 1),
    (&["dev", "env", "check", "--format", "json"], 1),
    (&["import", "dashboard", "dashboard.json"], 0),
];

fn project() -> Project {
    let project = Project::reference();
    project.write("dashboard.json", r#"{"title": "T", "schemaVersion": 39, "panels": []}"#);
    git(project.root(), &["init", "--quiet"]);
    git(project.root(), &["add", "spec"]);
    git(project.root(), &["commit", "--quiet", "--message", "the spec"]);
    project
}

fn run(project: &Project, arguments: &[&str], stdout: impl Into<std::process::Stdio>) -> Run {
    let mut command = project.command(arguments);
    // Without the programs that they would run.
    if ["verify", "dev"].contains(&arguments[0]) {
        command.env("PATH", "");
    }
    command.stdout(stdout).output().unwrap().into()
}

#[test]
fn a_full_disk_is_a_failure_of_every_command() {
    let project = project();
    for (arguments, _) in COMMANDS {
        // It prints nothing to standard output then.
        if arguments == ["init"] {
            continue;
        }
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run = run(&project, arguments, full);
        assert_eq!(run.code, Some(3), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("cannot write the output: No space left on device"), "{arguments:?}: {run:?}");
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let empty = Project::empty();
    assert_eq!(run(&empty, &["init"], full).code, Some(3));
    // A watch would go on for ever.
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(run(&project, &["watch"], full).code, Some(3));
    // So is a diagnostic that is lost.
    project.write("spec/stack.toml", "");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = project.command(&["check"]).stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_reader_that_goes_away_has_read_enough() {
    let project = project();
    for (arguments, code) in COMMANDS {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let run = run(&project, arguments, writer);
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(!run.stderr.contains("cannot write the output"), "{arguments:?}: {run:?}");
    }
}

#[test]
fn every_command_is_in_the_table() {
    let help = Project::empty().run(&["--help"]).stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let list = list.split("\n\n").next().unwrap();
    let names: BTreeSet<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let tested: BTreeSet<&str> = COMMANDS.iter().map(|(arguments, _)| arguments[0]).collect();
    let missing: Vec<_> = names.difference(&tested).collect();
    // A server answers what it is asked.
    assert_eq!(missing, [&"mcp", &"watch"], "{list}");
}
