//! The profile `local` of the reference spec with the real Temporal, PostgreSQL and Prometheus, in images that
//! `.ci/images` makes: `.ci/engine bash -c '.ci/images load && cargo test --test e2e -- --ignored local'`.

mod metrics;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::project::{Project, Run, WHOLE_REFERENCE};
use super::stack::{Stack, docker};

/// The images of the spec, and what stands in for each.
const IMAGES: [(&str, &str); 10] = [
    ("temporalio/server:1.31.2", "temporal-server"),
    ("temporalio/admin-tools:1.31.2", "temporal-admin-tools"),
    ("temporalio/ui:2.54.1", "temporal-ui"),
    ("postgres:17.6", "postgres"),
    ("docker.elastic.co/elasticsearch/elasticsearch:8.19.21", "elasticsearch"),
    ("temporal-sre-copilot:dev", "copilot"),
    ("grafana/mimir:3.2.1", "observability"),
    ("grafana/loki:3.7.6", "observability"),
    ("grafana/alloy:v1.19.1", "observability"),
    ("grafana/grafana:13.2.1", "observability"),
];

// The addresses of the clusters' frontends.
const MONITORED: &str = "temporal-frontend:7233";
const COPILOT: &str = "copilot-temporal:7233";
const CLUSTERS: [&str; 2] = [MONITORED, COPILOT];

/// Held by the test that runs: both publish the ports of the reference stack.
static PORTS: Mutex<()> = Mutex::new(());

#[test]
#[ignore = "needs the images of .ci/images"]
fn profile_local_runs_workflows_and_has_the_metrics_of_its_dashboards() {
    let _ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let stack = stack(&[]);
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
    let one_shots = ["temporal-schema", "copilot-schema", "temporal-namespaces", "copilot-namespaces"];
    let ran = one_shots.map(|service| stack.moment(service, "StartedAt"));
    stack.dev(&["up", "--profile", "local", "--wait"]).succeeded();
    assert_eq!(stack.containers(), containers);
    for (service, before) in one_shots.iter().zip(ran) {
        assert!(stack.moment(service, "StartedAt") > before, "{service} did not run again");
        assert_eq!(stack.inspect(service)["State"]["ExitCode"], 0, "{service}");
    }
    assert_eq!(stack.moment("temporal-history", "StartedAt"), started);

    // The worker only starts if it is named, and is healthy as long as it polls.
    stack.dev(&["up", "--profile", "local", "--wait", "copilot-worker"]).succeeded();
    docker(&["kill", "--signal", "USR1", "copilot-worker"]);

    run_workflows(&stack, &CLUSTERS);
    // While the database is away, requests fail; then the servers go on by themselves.
    let before = stack.moment("postgres", "StartedAt");
    stack.dev(&["restart", "--profile", "local", "postgres"]).succeeded();
    assert!(stack.moment("postgres", "StartedAt") > before);
    run_workflows(&stack, &CLUSTERS);
    assert_eq!(stack.moment("temporal-history", "StartedAt"), started);

    metrics::every_query_has_its_metrics(&stack.project);

    becomes_unhealthy(&stack, "copilot-worker");
    let health = &stack.inspect("copilot-worker")["State"]["Health"]["Log"];
    assert!(health.to_string().contains("no worker of copilot-worker has polled copilot-task-queue"), "{health:#}");

    stack.dev(&["down", "--profile", "local", "-v"]).succeeded();
    assert_eq!(stack.everything(), [""; 0]);
}

#[test]
#[ignore = "needs the images of .ci/images"]
fn profile_local_finds_workflows_in_elasticsearch() {
    let _ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    // As in the profile `dev`, whose server needs an account of AWS.
    let stack = stack(&[
        ("  \"images.elasticsearch\",\n  \"services.elasticsearch\",\n  \"services.elasticsearch-setup\",\n", ""),
        (
            "monitored.persistence = \"postgresql\"",
            "monitored.persistence = \"postgresql\"\nmonitored.visibility = \"elasticsearch\"",
        ),
        // Not every engine of CI may raise the limit of open files.
        ("grafana.aws = false", "grafana.aws = false\nelasticsearch.ulimits.nofile = 4096"),
    ]);
    for _ in 0..2 {
        // The setup runs again, and changes nothing then.
        stack.dev(&["up", "--profile", "local", "--wait", "temporal-worker", "temporal-ui"]).succeeded();
    }
    run_workflows(&stack, &[MONITORED]);
    for (path, expected) in [
        ("temporal_visibility_v1_monitored/_search?q=WorkflowType:Greeting", "\"WorkflowType\":\"Greeting\""),
        // The settings have arrived: with the default, a disk that is nearly full would block new indexes.
        ("_nodes/settings?flat_settings", "\"cluster.routing.allocation.disk.watermark.high\":\"256mb\""),
    ] {
        let command = ["curl", "-fsS", &format!("http://elasticsearch:9200/{path}")].map(String::from);
        inside(&stack, "debian", &command).succeeded().says(&[expected]);
    }
}

#[test]
#[ignore = "needs the images of .ci/images"]
fn profile_local_runs_twice_side_by_side() {
    let _ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut trees = [stack(&[]), stack(&[])];
    for tree in &mut trees {
        tree.dev(&["up", "--profile", "local", "--wait", "--isolated"]).succeeded();
        tree.find_isolated("local");
    }
    trees.iter().for_each(Stack::show);
    let [one, other] = &trees;
    assert_ne!(one.name, other.name);
    assert_eq!(one.containers().into_keys().collect::<Vec<_>>(), other.containers().into_keys().collect::<Vec<_>>());
    for tree in &trees {
        run_workflows(tree, &CLUSTERS);
        let check = tree.project.run(&["check"]);
        assert_eq!(check.code, Some(0), "{check}");
    }
    for tree in &trees {
        tree.dev(&["down", "--profile", "local", "-v"]).succeeded();
        assert_eq!(tree.everything(), [""; 0]);
    }
}

/// The stack with stand-ins for its images, after other changes to its spec.
fn stack(changes: &[(&str, &str)]) -> Stack {
    let mut spec = WHOLE_REFERENCE.replacen("name = \"sre-copilot\"", "name = \"gen-e2e\"", 1);
    // Only the copilot itself has the program of this step.
    let (remove, schema) = ("[profiles.local]\nremove = [", "[profiles.local]\nremove = [\"schema\",");
    let worker = "aws = true\ncommand = [\"python\", \"-m\", \"copilot.worker\"]";
    for (from, to) in changes.iter().chain(&[(worker, worker.trim_start_matches("aws = true\n")), (remove, schema)]) {
        assert!(spec.contains(from), "{from} is not in the spec");
        spec = spec.replacen(from, to, 1);
    }
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
    let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}";
    let network = docker(&["inspect", "--format", format, &stack.containers()["postgres"]]);
    Command::new("timeout")
        .args(["--kill-after=10", "180", "docker", "run", "--rm", "--network", network.trim(), "--volume"])
        .arg(format!("{}:/workflows.py:ro", workflows.display()))
        .arg(format!("gen-local/{image}:1"))
        .args(command)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", stack.name))
        .into()
}

/// Waits until a service is unhealthy, for at most five minutes.
fn becomes_unhealthy(stack: &Stack, service: &str) {
    let started = stack.inspect(service)["State"]["StartedAt"].as_str().unwrap().to_owned();
    let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 300;
    let mut events = Command::new("docker")
        .args(["events", "--since", &started, "--until", &end.to_string(), "--filter", "event=health_status"])
        .args(["--filter", &format!("container={service}"), "--format", "{{.Status}}"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.find(|line| line.contains("unhealthy")).as_deref(), Some("health_status: unhealthy"));
    events.kill().unwrap();
    events.wait().unwrap();
}

/// Runs workflows of all outcomes on each cluster, one after the other, and finds them by its visibility.
fn run_workflows(stack: &Stack, clusters: &[&str]) {
    for cluster in clusters {
        let command = ["python3", "/workflows.py", cluster].map(String::from);
        let run = inside(stack, "debian", &command).succeeded();
        run.says(&["Greeting hello stack", "Failing ActivityError", "found greeting"]);
    }
}
