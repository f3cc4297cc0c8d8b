//! A stack that works: up, ps, logs, restart, down.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::stack::Stack;

/// When a server answered a probe for the first time; before, it refused two.
fn first_answer(stack: &Stack, service: &str) -> String {
    let log = stack.log(service);
    let answers: Vec<&(String, String)> = log.iter().filter(|(_, line)| line.contains("-health ")).collect();
    let refused = answers.iter().take_while(|(_, line)| line.ends_with("503 Unavailable")).count();
    assert_eq!(refused, 2, "{log:?}");
    answers[refused].0.clone()
}

#[test]
fn everything_starts_after_what_it_waits_for_and_down_leaves_nothing() {
    let stack = Stack::new("order");
    let up = stack.up();

    let steps = [
        ("db starts", stack.moment("db", "StartedAt")),
        ("db is healthy", first_answer(&stack, "db")),
        ("setup has ended", stack.moment("setup", "FinishedAt")),
        ("api starts", stack.moment("api", "StartedAt")),
        ("api is healthy", first_answer(&stack, "api")),
        ("web starts", stack.moment("web", "StartedAt")),
    ];
    assert!(steps.is_sorted_by_key(|(_, moment)| moment), "{steps:#?}");
    // Not among the steps: the engine writes down the start of something so short when it has ended already.
    assert!(stack.moment("setup", "StartedAt") > first_answer(&stack, "db"));
    assert_eq!(stack.inspect("setup")["State"]["ExitCode"], 0);
    assert_eq!(stack.log("setup").first().unwrap().1, "schema 7");
    for service in ["db", "api", "web", "loki", "mimir"] {
        assert_eq!(stack.inspect(service)["State"]["Health"]["Status"], "healthy", "{service}");
    }
    assert!(stack.get("/").ends_with("<h1>It works</h1>\n"));
    up.says(&[&format!(":{}", stack.web)]);

    let running = stack.containers();
    stack.up();
    assert_eq!(stack.containers(), running, "its own ports are not taken, and nothing is new");

    let everything = stack.everything();
    for (kind, count) in [("container", 6), ("network", 1), ("volume", 2)] {
        assert_eq!(everything.iter().filter(|one| one.starts_with(kind)).count(), count, "{everything:?}");
    }
    stack.dev(&["down", "-v"]).succeeded();
    assert_eq!(stack.everything(), [""; 0]);
}

#[test]
fn ps_and_logs_show_what_runs_and_restart_restarts_one() {
    let stack = Stack::new("ps");
    let none = stack.dev(&["ps"]).succeeded();
    assert!(!none.stdout.contains("healthy"), "{none}");
    stack.up();

    let text = stack.dev(&["ps"]).succeeded();
    let row = |service: &str| {
        let row = text.stdout.lines().find(|line| line.split_whitespace().any(|word| word == service));
        row.unwrap_or_else(|| panic!("no row of {service}: {text}"))
    };
    let url = format!(":{}", stack.web);
    for piece in ["app", "running", "healthy", &url] {
        assert!(row("web").contains(piece), "`{piece}`: {text}");
    }
    for (service, piece) in [("db", "data"), ("db", "healthy"), ("setup", "exited"), ("loki", "observability")] {
        assert!(row(service).contains(piece), "`{piece}`: {text}");
    }

    let json = stack.dev(&["ps", "--format", "json"]).succeeded();
    let value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json}"));
    let web = object_of(&value, "web").unwrap_or_else(|| panic!("no object of web: {json}"));
    for piece in ["\"app\"", "\"running\"", "\"healthy\"", &url] {
        assert!(web.to_string().contains(piece), "`{piece}`: {web}");
    }

    stack.dev(&["logs", "web"]).succeeded().says(&["serving on 8000", "GET /web-health 200"]);
    let logs = stack.dev(&["logs", "setup"]).succeeded();
    assert!(logs.stdout.contains("schema 7") && !logs.stdout.contains("serving"), "{logs}");

    let (ids, db) = (stack.containers(), stack.moment("db", "StartedAt"));
    let api = stack.moment("api", "StartedAt");
    stack.dev(&["restart", "api"]).succeeded();
    assert_eq!(stack.containers(), ids, "a restart makes no new container");
    assert!(stack.moment("api", "StartedAt") > api);
    assert_eq!(stack.moment("db", "StartedAt"), db);
}

/// The innermost object in which a value is this name.
fn object_of<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| object_of(item, name)),
        Value::Object(entries) => entries
            .values()
            .find_map(|entry| object_of(entry, name))
            .or_else(|| entries.values().any(|entry| entry == name).then_some(value)),
        _ => None,
    }
}

#[test]
fn an_interrupt_stops_what_runs_in_the_foreground() {
    let stack = Stack::new("interrupt");
    // A process group of its own is what a terminal interrupts.
    let mut child = Command::new(env!("CARGO_BIN_EXE_gen"))
        .args(["dev", "up"])
        .current_dir(stack.project.root())
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let group = format!("-{}", child.id());
    let signal = |name: &str| assert!(Command::new("kill").args([name, "--", &group]).status().unwrap().success());
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    // Whoever hangs fails.
    let next = || lines.recv_timeout(Duration::from_secs(90));
    let mut said = Vec::new();
    while !said.last().is_some_and(|line: &String| line.contains("GET /web-health 200")) {
        match next() {
            Ok(line) => said.push(line),
            Err(error) => {
                drop(child.kill());
                panic!("{error}: {said:#?}");
            }
        }
    }
    signal("-INT");
    loop {
        match next() {
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                signal("-KILL");
                panic!("the interrupt did not end it");
            }
        }
    }
    let status = child.wait().unwrap();
    reader.join().unwrap().unwrap();
    let running: Vec<String> = stack.everything().into_iter().filter(|line| line.contains(" Up ")).collect();
    assert_eq!(running, [""; 0], "{status}");
}

#[test]
fn the_schema_is_there_before_the_stack_and_a_step_that_fails_stops_no_other() {
    let stack = Stack::new("schema");
    let step = |name: &str, command: &str| {
        format!("[schema.{name}]\ndescription = \"Tables of {name}\"\nimage = \"service\"\ncommand = {command}\n\n")
    };
    let torn = "[\"crash\", \"no such column\"]";
    let steps = step("torn", torn) + &step("whole", "[\"say\", \"all tables are there\"]");
    stack.change("[env.GREETING]", &format!("{steps}[env.GREETING]"));

    let run = stack.dev(&["up", "--wait"]).failed();
    run.says(&["no such column", "`torn` failed", "schema setup --only torn", "all tables are there"]);
    assert!(!stack.containers().contains_key("db"), "nothing starts without its schema: {run}");
    assert_eq!(stack.dev(&["schema", "setup"]).code, Some(1));
    stack.dev(&["schema", "setup", "--only", "whole"]).succeeded().says(&["all tables are there"]);

    stack.change(torn, "[\"say\", \"the column is there now\"]");
    let up = stack.up();
    up.says(&["the column is there now"]);
    assert!(!format!("{up}").contains("all tables are there"), "what has succeeded isn't repeated: {up}");
    assert!(stack.moment("schema-torn", "FinishedAt") < stack.moment("db", "StartedAt"));
    assert!(!stack.up().stderr.contains("schema step"), "both are done");
    stack.dev(&["down", "-v"]).succeeded();
    assert_eq!(stack.everything(), [""; 0]);
}
