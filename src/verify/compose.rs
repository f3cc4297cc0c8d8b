//! Docker Compose reads `docker-compose.yml` and, for the values in it, `.env`.

use std::fmt::Write as _;

use super::{Answer, Check, Consumer, EXAMPLE, Outputs, Program, Reading, Run, place};
use crate::model::Stack;
use crate::model::text::Tree;
use crate::view;

/// A file that Compose reads in place of one of the host, beside the Compose file.
const EMPTY: &str = "empty.env";

/// The file of the services that others extend, beside the Compose file.
const BASES: &str = "bases.yml";

pub(super) const CONSUMER: Consumer = Consumer {
    name: "compose",
    programs: &[
        Program { name: "docker", first: &["compose"], version: &["version", "--short"] },
        Program { name: "docker-compose", first: &[], version: &["version", "--short"] },
    ],
    how_to_get: "https://docs.docker.com/compose/install/",
};

pub(super) fn check(outputs: &Outputs<'_>) -> Check {
    let file = outputs.generated("docker-compose.yml");
    let example = view::env_example(outputs.stack);
    // A variable without a default gets a value; line numbers stay the same.
    let mut environment = String::new();
    for line in example.lines() {
        environment.push_str(line);
        if line.ends_with('=') && !line.starts_with('#') {
            environment.push_str(EXAMPLE);
        }
        environment.push('\n');
    }
    let (stack, bases) = without_files_of_the_host(outputs.stack);
    let text = view::artifacts(&stack).into_iter().find(|artifact| artifact.path == file);
    // A template that fails has been reported with the outputs.
    let text = text.and_then(|artifact| artifact.render().ok()).unwrap_or_default();
    let arguments = ["--env-file=env", &format!("--file={file}"), "--profile=*", "config", "--quiet"];
    let example = outputs.stack.outputs.env_example.then(|| outputs.generated(".env.example"));
    let artifacts = [file.clone()].into_iter().chain(example).collect();
    Check {
        stops_at_the_first: true,
        files: vec![
            ("env".into(), environment),
            (outputs.generated(EMPTY), String::new()),
            (outputs.generated(BASES), bases),
            (file, text),
        ],
        ..Check::new(&CONSUMER, artifacts, Run::new(arguments), reading)
    }
}

/// The stack with a stand-in for each file that Compose would read: whatever path the spec names, of the host or of a
/// repository, is not opened. Line numbers stay the same. The second value is the file of the extended services.
fn without_files_of_the_host(stack: &Stack) -> (Stack, String) {
    let mut stack = stack.clone();
    let mut bases: Vec<Tree> = Vec::new();
    for service in stack.services.iter_mut().chain(&mut stack.schema_services) {
        for key in ["env_file", "label_file"] {
            match service.keys.get_mut(key) {
                Some(Tree::List(items)) => items.iter_mut().for_each(replace_path),
                Some(one) => replace_path(one),
                None => {}
            }
        }
        if let Some(Tree::Table(extends)) = service.keys.get_mut("extends")
            && let Some((_, file)) = extends.iter_mut().find(|(key, _)| key == "file")
        {
            *file = BASES.into();
            bases.extend(extends.iter().find(|(key, _)| key == "service").map(|(_, name)| name.clone()));
        }
    }
    let mut text = "services:\n".to_owned();
    for (at, base) in bases.iter().enumerate() {
        if let Some(name) = base.text().and_then(|name| name.literal())
            && !bases[..at].contains(base)
        {
            // A JSON string is a YAML string. Writing to a `String` cannot fail.
            let _ = writeln!(text, "  {}: {{ image: base }}", serde_json::Value::from(name));
        }
    }
    (stack, text)
}

/// A path, or a table with one.
fn replace_path(tree: &mut Tree) {
    match tree {
        Tree::Table(entries) => {
            entries.iter_mut().filter(|(key, _)| key == "path").for_each(|(_, path)| *path = EMPTY.into());
        }
        path => *path = EMPTY.into(),
    }
}

/// Compose stops at the first error. Only YAML errors have a line (compose-go 2.9 and 2.16).
fn reading(answer: &Answer<'_>) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    let message = answer
        .stderr
        .lines()
        .filter(|line| !line.starts_with("time=") && !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n");
    if message.is_empty() {
        return answer.unreadable();
    }
    let of_environment = message.contains("failed to read") && message.contains("env");
    let index = usize::from(of_environment && answer.files.len() > 1);
    let (path, text) = answer.files.get(index).cloned().unwrap_or_default();
    let line = place::line(&text, &message);
    Reading::Judged(vec![super::Complaint { path, line, message }])
}
