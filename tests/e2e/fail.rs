//! What doesn't work is said, before anything starts if it can be known then.

use std::net::TcpListener;

use super::project::Run;
use super::stack::Stack;

#[test]
fn a_taken_port_is_reported_before_anything_starts() {
    let stack = Stack::new("port");
    let taken = TcpListener::bind(("127.0.0.1", stack.web)).unwrap();
    for arguments in [&["up", "--wait"][..], &["up", "-d"]] {
        let run = stack.dev(arguments).failed();
        run.says(&[&stack.web.to_string(), "http", "web"]);
        assert_eq!(stack.everything(), [""; 0], "{run}");
    }
    let doctor = stack.dev(&["doctor"]);
    assert_eq!(doctor.code, Some(1), "{doctor}");
    doctor.says(&[&stack.web.to_string(), "web"]);

    drop(taken);
    stack.up();
    // The project itself has the port now, and nothing else is wrong.
    stack.dev(&["doctor"]).succeeded();
}

#[test]
fn a_missing_variable_is_reported_before_anything_starts() {
    let stack = Stack::new("env");
    stack.project.write("generated/dev/.env", "# nothing\n");
    let run = stack.dev(&["up", "--wait"]).failed();
    run.says(&["GREETING", "What the API answers"]);
    assert_eq!(stack.everything(), [""; 0], "{run}");
}

const API: &str = "command = [\"serve\", \"${api.http.port}\"]";
const WEB: &str = "command = [\"serve\", \"${web.http.port}\", \"/srv/page.html\"]";
const CRASH: &str = "command = [\"crash\", \"reading the ledger\", \"the ledger is torn\"]";

/// A server that crashes: started again and again by the default policy, or once.
fn crashing(test: &str, server: &str, restart: &str) -> (Stack, Run) {
    let stack = Stack::new(test);
    stack.change(server, &format!("{CRASH}{restart}"));
    let run = stack.dev(&["up", "--wait"]).failed();
    (stack, run)
}

fn says_code_3(run: &Run) {
    let words = ["(3)", "code 3", "status 3", "with 3"];
    assert!(words.iter().any(|word| run.stdout.contains(word) || run.stderr.contains(word)), "{run}");
}

#[test]
fn a_crash_is_reported_with_its_last_lines_and_what_waits_does_not_start() {
    let (stack, run) = crashing("crash", API, "\nrestart = \"no\"");
    run.says(&["api", "the ledger is torn"]);
    says_code_3(&run);
    // Never, for the engine.
    assert!(stack.moment("web", "StartedAt").starts_with("0001-"), "{run}");
    assert_eq!(stack.inspect("db")["State"]["Health"]["Status"], "healthy", "{run}");
}

#[test]
fn a_crash_again_and_again_is_reported_like_one() {
    let (stack, run) = crashing("crashes", API, "");
    run.says(&["api", "the ledger is torn"]);
    assert!(stack.moment("web", "StartedAt").starts_with("0001-"), "{run}");
}

#[test]
fn a_crash_that_nothing_waits_for_is_reported_too() {
    let (_stack, run) = crashing("leaf", WEB, "\nrestart = \"no\"");
    run.says(&["web", "the ledger is torn"]);
    says_code_3(&run);
}

#[test]
fn a_crash_again_and_again_that_nothing_waits_for_is_reported_too() {
    let (_stack, run) = crashing("leaves", WEB, "");
    run.says(&["web", "the ledger is torn"]);
}

#[test]
fn a_one_shot_that_nothing_waits_for_is_what_wait_counts_as_a_failure() {
    let stack = Stack::new("one-shot");
    let run = stack.dev(&["up", "--wait", "setup"]).failed();
    run.says(&["`setup` is complete", "service_completed_successfully"]);
    stack.dev(&["up", "--detach", "setup"]).succeeded();
}
