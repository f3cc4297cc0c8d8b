//! Signals reach the child once, and its end is passed on. Nothing sleeps: each side waits for the other on a pipe.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::{SMALL, Stubs};

/// Notes every signal and tells of it through `noticed`; ends by SIGTERM, or with 7 when told through `go`. Its reader has
/// the shell's traps until it has run: only a SIGKILL is never lost on it, and a reader that lives on keeps the output open.
const PATIENT: &str = r#"
trap 'echo INT >> "${STUB}/signals"; echo INT > "${STUB}/noticed"' INT
trap 'echo TERM >> "${STUB}/signals"; kill -KILL "${reader}"; exit 143' TERM
(read -r line < "${STUB}/go") &
reader=$!
echo ready > "${STUB}/ready"
while kill -0 "${reader}" 2>/dev/null; do wait "${reader}"; done
exit 7
"#;

fn patient(pattern: &str) -> Stubs {
    let stubs = Stubs::new(SMALL);
    let port = super::free_port();
    stubs.project.write("generated/dev/.env", format!("TOKEN=hush\nPORT={port}\n"));
    with_patient(stubs, pattern)
}

fn with_patient(stubs: Stubs, pattern: &str) -> Stubs {
    for pipe in ["ready", "noticed", "go"] {
        assert!(Command::new("mkfifo").arg(stubs.project.path(pipe)).status().unwrap().success());
    }
    stubs.script(pattern, PATIENT);
    stubs
}

/// Starts in a process group of its own, as a shell does, and waits until the stub is ready.
fn start(stubs: &Stubs, arguments: &[&str]) -> Child {
    let mut command = stubs.command(arguments);
    let child = command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(stubs.project.read("ready"), "ready\n");
    child
}

fn kill(signal: &str, target: &str) {
    assert!(Command::new("kill").args([signal, "--", target]).status().unwrap().success());
}

#[test]
fn a_ctrl_c_reaches_the_child_once_and_gen_outlives_it() {
    for arguments in [&["up", "--detach"][..], &["up"], &["logs", "--follow"]] {
        let stubs = patient(if arguments[0] == "up" { " up" } else { " logs" });
        let mut child = start(&stubs, arguments);
        kill("-INT", &format!("-{}", child.id()));
        assert_eq!(stubs.project.read("noticed"), "INT\n");
        assert_eq!(child.try_wait().unwrap(), None, "{arguments:?}");
        fs::write(stubs.project.path("go"), "go\n").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7), "{arguments:?}");
        assert_eq!(stubs.project.read("signals"), "INT\n", "{arguments:?}");
    }
}

#[test]
fn a_sigterm_is_sent_on() {
    for arguments in [&["up", "--detach"][..], &["up"], &["build"]] {
        let stubs = patient(" up");
        stubs.script("docker build", PATIENT);
        if arguments[0] == "build" {
            let spec = format!(
                "{SMALL}\n[images.own]\nref = \"own:1\"\nbuild = {{ context = \".\" }}\n[services.own]\nimage = \"own\"\n"
            );
            stubs.project.write(
                "spec/stack.toml",
                spec.replace("\".\"", "\"${TREE}\"") + "[env.TREE]\ndescription = \"x\"\ndefault = \".\"\n",
            );
            assert_eq!(stubs.project.run(&["render"]).code, Some(0));
        }
        let mut child = start(&stubs, arguments);
        kill("-TERM", &child.id().to_string());
        assert_eq!(child.wait().unwrap().code(), Some(143), "{arguments:?}");
        assert_eq!(stubs.project.read("signals"), "TERM\n", "{arguments:?}");
    }
}

#[test]
fn gen_ends_by_the_signal_while_it_asks() {
    use std::os::unix::process::ExitStatusExt;
    let stubs = patient("ps --all");
    let mut child = start(&stubs, &["ps"]);
    kill("-TERM", &child.id().to_string());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert_eq!(stubs.project.read("signals"), "TERM\n");
}

#[test]
fn a_schema_step_that_is_interrupted_is_stopped_and_so_are_the_rest() {
    let stubs = with_patient(super::schema::stubs(), "docker logs --follow id-a");
    let mut child = start(&stubs, &["schema", "setup"]);
    kill("-INT", &format!("-{}", child.id()));
    assert_eq!(stubs.project.read("noticed"), "INT\n");
    fs::write(stubs.project.path("go"), "go\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    let changes = stubs.changes();
    assert_eq!(changes.last().map(String::as_str), Some("docker stop id-a"), "{changes:?}");
    assert!(!changes.iter().any(|line| line.contains("schema-b")), "{changes:?}");
}
