//! `gen watch`, `gen completions` and `gen man`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use super::project::{Project, REFERENCE};

/// A watch that runs until it is dropped.
struct Watch {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watch {
    fn start(project: &Project) -> Self {
        let mut child = project.command(&["watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// What it says until it waits again.
    fn until_it_waits(&mut self) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it ended: {said}");
            if line == "watching spec/\n" {
                return said;
            }
            said.push_str(&line);
        }
    }

    /// Ends it, and gives what it complained about.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut complaints = String::new();
        for line in BufReader::new(self.child.stderr.take().unwrap()).lines() {
            complaints.push_str(&line.unwrap());
            complaints.push('\n');
        }
        self.child.wait().unwrap();
        complaints
    }
}

/// Saves as many editors do: another file takes the name, so that nobody sees half of it.
fn save(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
    project.write("spec/.saving", text.replace(from, to));
    std::fs::rename(project.path("spec/.saving"), project.path(path)).unwrap();
}

impl Drop for Watch {
    fn drop(&mut self) {
        // A test that fails leaves no process behind; one that has ended can't be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_save_is_rendered_and_a_mistake_ends_nothing() {
    let project = Project::new(REFERENCE);
    let mut watch = Watch::start(&project);
    assert!(watch.until_it_waits().contains("26 files: 26 written"), "everything was missing");

    save(&project, "spec/stack.toml", "retention = \"72h\"", "retention = \"96h\"");
    let said = watch.until_it_waits();
    assert!(said.contains("-  retention_period: 72h\n+  retention_period: 96h\n"), "{said}");
    assert!(said.contains("26 files: 3 written, 0 removed, 23 unchanged"), "{said}");
    assert!(project.read("generated/dev/config/loki.yaml").contains("retention_period: 96h"));

    save(&project, "spec/stack.toml", "retention = \"96h\"", "retention = 96");
    assert_eq!(watch.until_it_waits(), "");
    assert!(project.read("generated/dev/config/loki.yaml").contains("retention_period: 96h"));

    save(&project, "spec/stack.toml", "retention = 96", "retention = \"48h\"");
    assert!(watch.until_it_waits().contains("+  retention_period: 48h\n"));

    // What an editor keeps beside is none of the spec's.
    project.write("spec/.stack.toml.swp", "");
    save(&project, "spec/dashboards/server.toml", "title = \"Temporal server health\"", "title = \"Server health\"");
    assert!(watch.until_it_waits().contains("+  \"title\": \"Server health\""));

    let complaints = watch.end();
    assert!(complaints.contains("error[wrong-type]") && complaints.contains("1 problem in the spec"), "{complaints}");
}

#[test]
fn there_must_be_something_to_watch() {
    let run = Project::empty().run(&["watch"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("could not find `spec/stack.toml`"), "{}", run.stderr);
}

#[test]
fn every_shell_and_the_manual_know_every_command() {
    let project = Project::empty();
    let help = project.run(&["--help"]).stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.contains(&"verify") && commands.contains(&"watch"), "{commands:?}");
    for command in &commands {
        assert!(include_str!("../../README.md").contains(&format!("`gen {command}")), "{command} is not in the README");
        let help = project.run(&[command, "--help"]).stdout;
        assert!(help.contains("Example"), "{command} has no example");
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = project.run(&["completions", shell]).stdout;
        for command in &commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let run = project.run(&["man", "share/man"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for command in &commands {
        let page = project.read(&format!("share/man/gen-{command}.1"));
        assert!(page.contains(".SH NAME"), "{command}");
    }
    assert!(project.read("share/man/gen.1").contains("gen\\-verify(1)"));
    project.write("file", "");
    assert_eq!(project.run(&["man", "file/below"]).code, Some(3));
    // A link of the tree is not where the user said.
    let elsewhere = Project::empty();
    std::os::unix::fs::symlink(elsewhere.root(), project.path("linked")).unwrap();
    for folder in ["linked", "linked/man", "./linked", project.path("linked").to_str().unwrap()] {
        let run = project.run(&["man", folder]);
        assert_eq!(run.code, Some(3), "{folder}: {run:?}");
        assert!(run.stderr.contains("it is a link that leads out of the project"), "{folder}: {run:?}");
    }
    assert_eq!(std::fs::read_dir(elsewhere.root()).unwrap().count(), 0);
    assert_eq!(project.run(&["completions", "tcsh"]).code, Some(2));
}
