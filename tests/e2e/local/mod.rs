//! The profile `local` of the reference spec with the real Temporal, PostgreSQL and Prometheus, in images that
//! `.ci/images` makes: `.ci/engine bash -c '.ci/images load && cargo test --test e2e -- --ignored local'`.

mod metrics;

use std::path::Path;
use std::process::Command;

use super::project::{Project, Run, WHOLE_REFERENCE};
use super::stack::{Stack, docker};

/// The images of the spec, and what stands in for each.
const IMAGES: [(&str, &str); 8] = [
    ("temporalio/server:1.31.2", "temporal-server"),
    ("temporalio/admin-tools:1.31.2", "temporal-admin-tools"),
    ("temporalio/ui:2.54.1", "temporal-ui"),
    ("postgres:17.6", "postgres"),
    ("grafana/mimir:3.2.1", "observability"),
    ("grafana/loki:3.7.6", "observability"),
    ("grafana/alloy:v1.19.1", "observability"),
    ("grafana/grafana:13.2.1", "observability"),
];

/// The clusters by the address of their frontend.
const CLUSTERS: [&str; 2] = ["temporal-frontend:7233", "copilot-temporal:7233"];

#[test]
#[ignore = "needs the images of .ci/images"]
fn profile_local_runs_workflows_and_has_the_metrics_of_its_dashboards() {
    let stack = stack();
    // One command and no edit: passwords are chosen by it.
    assert!(!stack.project.path("generated/local/.env").exists());
    stack.dev(&["up", "--profile", "local", "--wait"]).succeeded();
    let containers = stack.containers();
    for cluster in CLUSTERS {
        let described = inside(&stack, "temporal-admin-tools", &describe(cluster)).succeeded();
        described.says(&["\"name\": \"default\"", "259200s"]);
    }

    // Repeating the one-shots changes nothing, and nothing else starts again.
    let started = stack.moment("temporal-history", "StartedAt");
    stack.dev(&["up", "--profile", "local", "--wait"]).succeeded();
    assert_eq!(stack.containers(), containers);
    assert_eq!(stack.moment("temporal-history", "StartedAt"), started);

    run_workflows(&stack);
    // While the database is away, requests fail; then the servers go on by themselves.
    let before = stack.moment("postgres", "StartedAt");
    stack.dev(&["restart", "--profile", "local", "postgres"]).succeeded();
    assert!(stack.moment("postgres", "StartedAt") > before);
    run_workflows(&stack);
    assert_eq!(stack.moment("temporal-history", "StartedAt"), started);

    metrics::every_query_has_its_metrics(&stack.project);

    stack.dev(&["down", "--profile", "local", "-v"]).succeeded();
    assert_eq!(stack.everything(), [""; 0]);
}

fn stack() -> Stack {
    let mut spec = WHOLE_REFERENCE.replacen("name = \"sre-copilot\"", "name = \"gen-e2e\"", 1);
    for (image, stand_in) in IMAGES {
        let quoted = format!("\"{image}\"");
        assert!(spec.contains(&quoted), "{image} is not in the spec");
        spec = spec.replace(&quoted, &format!("\"gen-local/{stand_in}:1\""));
    }
    let stack = Stack { project: Project::new(spec), name: "gen-e2e-local".into(), web: 0 };
    stack.remove();
    stack.project.run(&["render"]).succeeded();
    stack
}

fn describe(address: &str) -> Vec<String> {
    let arguments = ["temporal", "operator", "namespace", "describe", "--namespace", "default", "--output", "json"];
    [&arguments[..], &["--address", address]].concat().into_iter().map(Into::into).collect()
}

/// Runs a command of an image in the network of the stack.
fn inside(stack: &Stack, image: &str, command: &[String]) -> Run {
    let workflows = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/local/workflows.py");
    let network = docker(&[
        "inspect",
        "--format",
        "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}",
        "postgres",
    ]);
    Command::new("timeout")
        .args(["--kill-after=10", "180", "docker", "run", "--rm", "--network", network.trim(), "--volume"])
        .arg(format!("{}:/workflows.py:ro", workflows.display()))
        .arg(format!("gen-local/{image}:1"))
        .args(command)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", stack.name))
        .into()
}

/// On each cluster, one after the other: of all outcomes, and found by their visibility.
fn run_workflows(stack: &Stack) {
    for cluster in CLUSTERS {
        let command = ["python3", "/workflows.py", cluster].map(String::from);
        let run = inside(stack, "debian", &command).succeeded();
        run.says(&["Greeting hello stack", "Failing ActivityError", "found greeting"]);
    }
}
