//! What `gen` renders for Kubernetes, applied to a real API server: `.ci/cluster cargo test --test cluster`.
//!
//! kwok says of each pod that it runs, so what is tested is what the control plane does: it accepts each object and each pod
//! (types, immutable fields, Pod Security), binds claims, rolls pods out and completes Jobs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

#[path = "../gen/project.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod project;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use project::{Project, Run, WHOLE_REFERENCE};

/// How long the control plane may take for what takes it seconds.
const PATIENCE: &str = "--timeout=180s";

fn kubectl(arguments: &[&str]) -> Run {
    Command::new("kubectl").args(arguments).output().unwrap().into()
}

/// Runs kubectl, which must succeed.
fn done(arguments: &[&str]) -> String {
    let run = kubectl(arguments);
    assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
    run.stdout
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&done(&[arguments, &["--output", "json"]].concat())).unwrap()
}

/// Renders a profile and fills in what a person has to.
fn render(project: &Project, profile: &str) -> String {
    let run = project.run(&["render", "--profile", profile]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let folder = format!("generated/{profile}/kubernetes");
    let overlay = format!("{folder}/overlays/{profile}");
    if !project.path(&overlay).exists() {
        return project.path(&format!("{folder}/base")).display().to_string();
    }
    for name in ["config.env", "secrets.env"] {
        if project.path(&format!("{overlay}/{name}.example")).exists() {
            let text = project.read(&format!("{overlay}/{name}.example")).replace("=\n", "=example\n");
            project.write(&format!("{overlay}/{name}"), format!("{}=example\n", text.trim_end_matches('=').trim_end()));
        }
    }
    project.path(&overlay).display().to_string()
}

fn apply(root: &str) -> String {
    done(&["apply", "--server-side", "--kustomize", root])
}

/// Waits until everything in a namespace has come up.
fn wait(namespace: &str) {
    let own = ["--namespace", namespace];
    for (kind, condition) in [("deployment", "Available"), ("job", "Complete")] {
        let wanted = format!("--for=condition={condition}");
        if !done(&[&own[..], &["get", kind, "--output", "name"]].concat()).is_empty() {
            done(&[&own[..], &["wait", &wanted, PATIENCE, kind, "--all"]].concat());
        }
    }
    for set in done(&[&own[..], &["get", "statefulset", "--output", "name"]].concat()).lines() {
        done(&[&own[..], &["rollout", "status", PATIENCE, set]].concat());
    }
}

/// The generation of each workload: another one if its pods were replaced.
fn generations(namespace: &str) -> Vec<(String, i64)> {
    let all = json(&["--namespace", namespace, "get", "deployment,statefulset"]);
    let one = |object: &Value| {
        (object["metadata"]["name"].as_str().unwrap().to_owned(), object["metadata"]["generation"].as_i64().unwrap())
    };
    all["items"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn the_reference_stack_comes_up_and_a_change_replaces_only_what_reads_it() {
    let project = Project::new(WHOLE_REFERENCE);
    let root = render(&project, "cluster");
    apply(&root);
    wait("sre-copilot");
    let before = generations("sre-copilot");
    assert_eq!(before.len(), 14, "{before:?}");
    let jobs = json(&["--namespace", "sre-copilot", "get", "job"]);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 6);
    let claims = json(&["--namespace", "sre-copilot", "get", "pvc"]);
    let bound = claims["items"].as_array().unwrap().iter().filter(|claim| claim["status"]["phase"] == "Bound").count();
    assert_eq!(bound, 5);
    // Pod Security only warns of a workload, and refuses its pods.
    let events = done(&["--namespace", "sre-copilot", "get", "events", "--output", "jsonpath={.items[*].message}"]);
    assert!(!events.contains("violates PodSecurity"), "{events}");

    // Nothing changes by itself.
    apply(&root);
    assert_eq!(generations("sre-copilot"), before);

    project.replace("spec/stack.toml", "settings.retention = \"72h\"", "settings.retention = \"96h\"");
    apply(&render(&project, "cluster"));
    wait("sre-copilot");
    let changed: Vec<String> = generations("sre-copilot")
        .into_iter()
        .zip(before)
        .filter(|(after, before)| after != before)
        .map(|((name, _), _)| name)
        .collect();
    assert_eq!(changed, ["loki"]);
    done(&["delete", "namespace", "sre-copilot", "--wait=false"]);
}

#[test]
fn a_small_stack_has_replicas_and_waits_for_its_one_shot() {
    let project = Project::new(
        r#"
target = "kubernetes"
[stack]
name = "shop"
[profiles.live]
[env.TOKEN]
description = "Token"
required = true
secret = true
[secrets.token]
environment = "TOKEN"
[services.db]
image = "postgres:17.6"
user = "999"
ports.sql = { target = 5432 }
volumes = ["db-data:/var/lib/postgresql/data"]
kubernetes.storage = "1g"
[volumes.db-data]
[services.migrate]
image = "shop/migrate:1"
user = "1000"
depends_on = ["db"]
environment.DATABASE = "${db.sql}"
kubernetes.effect = ["migrate", "--check"]
[services.web]
image = "shop/web:1"
user = "1000"
mem_limit = "64m"
read_only = true
tmpfs = ["/tmp"]
shm_size = "32m"
cap_add = ["NET_BIND_SERVICE"]
secrets = ["token"]
ports.http = { target = 8080 }
ports.name-of-a-port-that-is-long = { target = 9000 }
ports.dns = { target = 53, protocol = "udp" }
deploy.replicas = 3
command = "serve --token-file /run/secrets/token --cost=$$5"
healthcheck = { http = "/ready", interval = "5s", timeout = "2s", retries = 3, start_period = "20s" }
kubernetes.liveness = true
depends_on = { migrate = "service_completed_successfully", db = "service_started" }
extra_hosts = { other = "192.0.2.1" }
stop_grace_period = "45s"
labels.team = "shop"
"#,
    );
    let root = render(&project, "live");
    apply(&root);
    wait("shop-live");
    let pods = json(&["--namespace", "shop-live", "get", "pods", "--selector", "app.kubernetes.io/name=web"]);
    assert_eq!(pods["items"].as_array().unwrap().len(), 3);
    let slices =
        json(&["--namespace", "shop-live", "get", "endpointslices", "--selector", "kubernetes.io/service-name=web"]);
    assert_eq!(slices["items"][0]["endpoints"].as_array().unwrap().len(), 3);
    done(&["delete", "namespace", "shop-live", "--wait=false"]);
}

/// A stack that `gen dev` runs: a database, a one-shot that reads a value, and a server.
const DEV: &str = r#"
target = "kubernetes"
[stack]
name = "tea"
[profiles.dev]
[kubernetes]
contexts = ["kwok"]
[env.MODE]
description = "How it runs"
required = true
[env.TOKEN]
description = "Token"
required = true
secret = true
generate = true
[services.db]
image = "shop/db:1"
user = "999"
ports.sql = { target = 5432 }
volumes = ["db-data:/data"]
[volumes.db-data]
[services.setup]
image = "shop/setup:1"
user = "1000"
environment = { MODE = "${MODE}", DB = "${db.sql}" }
kubernetes.effect = ["setup", "--check"]
[services.web]
image = "shop/web:1"
user = "1000"
ports.http = { published = 8080, target = 80, path = "/" }
environment.TOKEN = "${TOKEN}"
depends_on.setup = "service_completed_successfully"
"#;

fn dev(project: &Project, arguments: &[&str]) -> Run {
    project.run(&[&["dev"], arguments].concat())
}

fn listed(kind: &str) -> Vec<String> {
    let answer = done(&["--namespace", "tea-dev", "get", kind, "--output", "name"]);
    answer.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn gen_dev_applies_prunes_and_removes() {
    let project = Project::new(DEV);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let overlay = "generated/dev/kubernetes/overlays/dev";

    // Not before everything is there.
    let run = dev(&project, &["up"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("`generated/dev/kubernetes/overlays/dev/config.env` does not exist"), "{run:?}");
    assert_eq!(kubectl(&["get", "namespace", "tea-dev"]).code, Some(1));
    project.write(&format!("{overlay}/config.env"), "MODE=fast\n");

    // Not in a context that the profile doesn't name.
    let spec = project.read("spec/stack.toml");
    project.write("spec/stack.toml", spec.replace("[\"kwok\"]", "[\"elsewhere\"]"));
    let run = dev(&project, &["down"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("`dev` does not name the current context `kwok`"), "{run:?}");
    project.write("spec/stack.toml", &spec);

    let run = dev(&project, &["up"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("context `kwok`, namespace `tea-dev`"), "{run:?}");
    assert!(run.stdout.contains("http://localhost:8080/  gen dev forward web"), "{run:?}");
    let secrets = project.read(&format!("{overlay}/secrets.env"));
    assert_eq!(secrets.trim_end().rsplit_once("\nTOKEN=").unwrap().1.len(), 24, "{secrets}");
    let jobs = listed("job");
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(listed("secret").len(), 1);

    // Again: nothing is another one.
    let before = generations("tea-dev");
    assert_eq!(dev(&project, &["up"]).code, Some(0));
    assert_eq!((generations("tea-dev"), listed("job")), (before, jobs.clone()));
    assert_eq!(project.read(&format!("{overlay}/secrets.env")), secrets);

    // On another machine: the data in the cluster may need the first password.
    let file = project.path(&format!("{overlay}/secrets.env"));
    std::fs::remove_file(&file).unwrap();
    let run = dev(&project, &["up"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let (_, command) = run.stderr.split_once("take them from there: `").unwrap();
    let (command, _) = command.rsplit_once('`').unwrap();
    let run: Run = Command::new("sh").args(["-c", command]).current_dir(project.root()).output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim_end(), secrets.trim_end().rsplit('\n').next().unwrap());

    // Another value: the Job that reads it is replaced, and the old values are deleted.
    let id = || done(&["--namespace", "tea-dev", "get", &jobs[0], "--output", "jsonpath={.metadata.uid}"]);
    let first = id();
    project.write(&format!("{overlay}/config.env"), "MODE=slow\n");
    let run = dev(&project, &["up"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("replacing job.batch/setup-"), "{run:?}");
    assert_ne!(id(), first);
    let values = listed("configmap").into_iter().filter(|name| name.contains("stack-variables")).count();
    assert_eq!(values, 1);

    // Not in a namespace of another stack.
    let label = |stack: &str| {
        let label = format!("app.kubernetes.io/part-of={stack}");
        done(&["label", "namespace", "tea-dev", "--overwrite", &label]);
    };
    label("milk-dev");
    let run = dev(&project, &["up"]);
    assert!(run.code == Some(2) && run.stderr.contains("belongs to the stack `milk-dev`"), "{run:?}");
    label("tea-dev");

    let run = dev(&project, &["ps"]);
    assert!(run.code == Some(0) && run.stdout.contains("db-0"), "{run:?}");
    assert_eq!(dev(&project, &["restart", "web"]).code, Some(0));
    let run = dev(&project, &["forward", "setup"]);
    assert!(run.code == Some(2) && run.stderr.contains("`setup` publishes no port"), "{run:?}");
    let run = dev(&project, &["doctor"]);
    assert_eq!(run.code, Some(0), "{run:?}");

    // What the spec no longer has goes, but not its data.
    let (rest, _) = spec.split_once("[services.web]").unwrap();
    let rest =
        rest.replace("[env.TOKEN]\ndescription = \"Token\"\nrequired = true\nsecret = true\ngenerate = true\n", "");
    project.write(
        "spec/stack.toml",
        rest.replace("[volumes.db-data]\n", "").replace("volumes = [\"db-data:/data\"]\n", ""),
    );
    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    let run = dev(&project, &["up"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("deployment.apps/web") && run.stderr.contains("statefulset.apps/db"), "{run:?}");
    assert_eq!(listed("pvc").len(), 1);

    assert_eq!(dev(&project, &["down"]).code, Some(0));
    assert!(listed("deployment,statefulset,job,networkpolicy").is_empty());
    assert_eq!(listed("pvc").len(), 1);
    assert_eq!(dev(&project, &["down", "--volumes"]).code, Some(0));
    assert!(listed("pvc").is_empty());
    done(&["delete", "namespace", "tea-dev", "--wait=false"]);
}

/// A stack with a claim, a route and a stored secret.
const VERIFIED: &str = r#"
target = "kubernetes"
[stack]
name = "inn"
[profiles.live]
[kubernetes]
gateway = "public/web"
external_secrets = { store = "vault", prefix = "inn/" }
[env.TOKEN]
description = "Token"
required = true
secret = true
[services.db]
image = "inn/db:1"
user = "999"
ports.sql = { target = 5432 }
volumes = ["db-data:/data"]
kubernetes.storage = "2g"
[volumes.db-data]
[services.web]
image = "inn/web:1"
user = "1000"
ports.http = { target = 8080 }
environment = { TOKEN = "${TOKEN}", DB = "${db.sql}" }
kubernetes.routes = { http = "inn.example.com" }
[env.MODE]
description = "How it begins"
required = true
[services.setup]
image = "inn/setup:1"
user = "1000"
restart = "on-failure:2"
environment.MODE = "${MODE}"
"#;

#[test]
fn gen_verify_asks_the_server() {
    let project = Project::new(VERIFIED);
    let verify = |rejected: &[&str]| {
        assert_eq!(project.run(&["render"]).code, Some(0));
        let run = project.run(&["verify", "--context", "kwok", "--require", "api-server"]);
        assert_eq!(run.code, Some(i32::from(!rejected.is_empty())), "{run:?}");
        for said in rejected {
            assert!(run.stdout.contains(said), "{said}: {run:?}");
        }
    };
    // It does not create the namespace.
    assert_eq!(project.run(&["render"]).code, Some(0));
    let run = project.run(&["verify", "--context", "kwok", "--require", "api-server"]);
    assert!(run.code == Some(3) && run.stdout.contains("kubectl create namespace inn-live"), "{run:?}");
    assert_eq!(kubectl(&["get", "namespace", "inn-live"]).code, Some(1));
    let run = project.run(&["verify", "--context", "none", "--require", "api-server"]);
    assert!(run.code == Some(3) && run.stdout.contains("context \"none\" does not exist"), "{run:?}");
    // A file of the project names no program that kubectl runs.
    project.write("kubeconfig", std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap());
    let mut command = project.command(&["verify", "--context", "kwok"]);
    let run: Run = command.env("KUBECONFIG", project.path("kubeconfig")).output().unwrap().into();
    assert!(run.code == Some(3) && run.stdout.contains("in `KUBECONFIG` is in the project"), "{run:?}");
    // What the cluster lacks.
    let spec = project.read("spec/stack.toml");
    project.replace("spec/stack.toml", "gateway =", "storage_class = \"fast\"\ncontexts = [\"kwok\"]\ngateway =");
    assert_eq!(project.run(&["render"]).code, Some(0));
    let run = format!("{:?}", dev(&project, &["doctor"]));
    assert!(run.contains("no storage class `fast` for the volumes of `db`"), "{run}");
    assert!(run.contains("does not know the kind `httproute`"), "{run}");
    assert!(run.contains("does not know the kind `externalsecret`"), "{run}");
    project.write("spec/stack.toml", spec);

    done(&["create", "namespace", "inn-live"]);
    verify(&["no matches for kind \"HTTPRoute\"", "no matches for kind \"ExternalSecret\""]);
    done(&["apply", "--server-side", "--filename", &std::env::var("CRDS").unwrap()]);
    done(&["wait", "--for=condition=Established", PATIENCE, "crd", "--all"]);
    verify(&[]);
    assert_eq!(kubectl(&["--namespace", "inn-live", "get", "service", "web"]).code, Some(1), "only a dry run");

    let root = render(&project, "live");
    // Other values than those of the dry run.
    project.replace("generated/live/kubernetes/overlays/live/config.env", "MODE=example", "MODE=own");
    done(&["apply", "--server-side", "--field-manager", "gen", "--kustomize", &root]);
    let job = json(&["--namespace", "inn-live", "get", "job"]);
    assert_eq!(job["items"][0]["spec"]["backoffLimit"], 2);
    let route = json(&["--namespace", "inn-live", "get", "httproute", "web-http"]);
    assert_eq!(route["spec"]["rules"][0]["backendRefs"][0]["port"], 8080);
    done(&["--namespace", "inn-live", "get", "externalsecret"]);
    verify(&[]);
    project.replace("spec/stack.toml", "target = 8080", "target = 8081");
    verify(&[]);
    // Valid, but not as a change of what is there.
    project.replace("spec/stack.toml", "kubernetes.storage = \"2g\"", "kubernetes.storage = \"1g\"");
    verify(&["generated/live/kubernetes/base/db.yaml:57", "field is immutable"]);
    done(&["delete", "namespace", "inn-live", "--wait=false"]);
}

/// What the API server refuses, and kubeconform, of mistakes that other generators make: the object, what the server says,
/// and whether its schema says it.
const MISTAKES: &[(&str, &str, bool)] = &[
    (
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"a"}},"template":{"metadata":{"labels":{"a":"a"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"x"}]}}}}"#,
        "supported values: \"Always\"",
        false,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"name":"http","port":80,"targetPort":"prometheus-remote-write"}]}}"#,
        "must be no more than 15 characters",
        false,
    ),
    (
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"a"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"x"}]}}}}"#,
        "`selector` does not match template `labels`",
        false,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x","volumeMounts":[{"name":"none","mountPath":"/x"}]}]}}"#,
        "Not found: \"none\"",
        false,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x","resources":{"requests":{"memory":"2Gi"},"limits":{"memory":"1Gi"}}}]}}"#,
        "must be less than or equal to memory limit",
        false,
    ),
    (
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a"},"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x"}]}}}}"#,
        "valid values: \"OnFailure\", \"Never\"",
        false,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x","livenessProbe":{"httpGet":{"scheme":"http","port":80}}}]}}"#,
        "supported values: \"HTTP\", \"HTTPS\"",
        false,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x","readinesProbe":{"tcpSocket":{"port":1}}}]}}"#,
        "readinesProbe",
        true,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x","env":[{"name":"PORT","value":8080}]}]}}"#,
        "expected string",
        true,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x"}],"volumes":[{"name":"l","hostPath":{"path":"/var/log"}}]}}"#,
        "violates PodSecurity",
        false,
    ),
    (
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x"}],"volumes":[{"name":"v","emptyDir":{}},{"name":"v","emptyDir":{}}]}}"#,
        "duplicate entries",
        false,
    ),
    (
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"a"},"spec":{"podSelector":{},"ingress":[{"ports":[{"port":"a name that is long"}]}]}}"#,
        "Invalid value",
        false,
    ),
];

fn with_input(program: &str, arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn the_server_refuses_what_schemas_do_not_see() {
    done(&["create", "namespace", "mistakes"]);
    done(&["label", "namespace", "mistakes", "pod-security.kubernetes.io/enforce=restricted"]);
    let schemas = concat!("-schema-location=", env!("CARGO_MANIFEST_DIR"), "/target/kubernetes/schemas");
    for (object, said, has_schema) in MISTAKES {
        let dry = ["--namespace", "mistakes", "apply", "--server-side", "--dry-run=server", "--filename", "-"];
        let run = with_input("kubectl", &dry, object);
        assert!(run.code == Some(1) && run.stderr.contains(said), "{said}: {run:?}");
        let run = with_input("kubeconform", &["-strict", schemas], object);
        assert_eq!(run.code == Some(1), *has_schema, "{said}: {run:?}");
    }
    done(&["delete", "namespace", "mistakes", "--wait=false"]);
}
