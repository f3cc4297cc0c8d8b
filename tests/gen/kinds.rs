//! Kinds of the project's own: what a built-in kind has, they have.

use serde_json::Value as Json;

use super::project::{Project, clean};
use super::review::git;

const STACK: &str = r#"[stack]
name = "shop"

[profiles.dev]

[images]
prometheus = "prom/prometheus:v3.7.3"

[services.api]
image = "shop/api:1.0"
ports = { http = { target = 8000 }, admin = { target = 8001 } }
metrics = { port = "admin", path = "/stats" }

[services.prometheus]
kind = "prometheus"
ports.http = 9090
settings.interval = "30s"

[services.watcher]
kind = "watcher"
image = "shop/watcher:2.1"
"#;

/// One that serves, with a template over the whole model.
const PROMETHEUS: &str = r#"title = "Prometheus"
description = "Metrics of the stack"
programs = ["sh", "wget"]

[ports.http]
target = 9090
path = "/-/ready"

[endpoints]
write = { port = "http", path = "/api/v1/write" }

[provides.metrics]
query = "url"
push = "write"

[settings.interval]
type = "duration"
about = "how often metrics are scraped"
default = "15s"
minimum = "1s"

[settings.interval.review]
area = "metrics"
more = { severity = "caution", says = "scraped less often" }

[files."config/${self}.yaml"]
template = "prometheus.yaml"
target = "/etc/prometheus/prometheus.yml"

[new]
image = "prom/prometheus:v3.7.3"

[service]
command = ["--config.file=/etc/prometheus/prometheus.yml", "--web.listen-address=:${self.http.port}"]
volumes = ["${self}-data:/prometheus"]
read_only = true
user = "65534"
healthcheck = { http = "/-/ready" }
"#;

const PROMETHEUS_YAML: &str = "global:
  scrape_interval: {= service.settings.interval =}
scrape_configs:
{%- for name, target in services|items if target.metrics %}
  - job_name: {= name =}
    metrics_path: {= target.metrics.path =}
    static_configs:
      - targets: {= [target.metrics.address] =}
{%- endfor %}
";

/// One that needs another.
const WATCHER: &str = r#"title = "What reads metrics"

[needs.store]
provides = "metrics"
condition = "service_healthy"

[service.environment]
STORE = "${store.url}"
"#;

fn shop() -> Project {
    let project = Project::new(STACK);
    project.write("spec/kinds/prometheus/kind.toml", PROMETHEUS);
    project.write("spec/kinds/prometheus/prometheus.yaml", PROMETHEUS_YAML);
    project.write("spec/kinds/watcher/kind.toml", WATCHER);
    project
}

fn yaml(project: &Project, path: &str) -> serde_yaml::Value {
    serde_yaml::from_str(&project.read(path)).unwrap()
}

#[test]
fn a_strangers_kind_has_what_a_built_in_one_has() {
    let project = shop();
    clean(&project.run(&["render"]));
    let config = yaml(&project, "generated/dev/config/prometheus.yaml");
    let expected = "{ global: { scrape_interval: 30s }, scrape_configs: [ { job_name: api, metrics_path: /stats, \
                    static_configs: [ { targets: [ 'api:8001' ] } ] } ] }";
    assert_eq!(config, serde_yaml::from_str::<serde_yaml::Value>(expected).unwrap());
    let compose = yaml(&project, "generated/dev/docker-compose.yml");
    let service = &compose["services"]["prometheus"];
    assert_eq!(service["image"], "prom/prometheus:v3.7.3");
    assert_eq!(service["command"][1], "--web.listen-address=:9090");
    assert_eq!((&service["user"], &service["read_only"]), (&"65534".into(), &true.into()));
    // By a program of its image.
    assert_eq!(service["healthcheck"]["test"][1], "wget");
    assert_eq!(service["healthcheck"]["test"][5], "http://127.0.0.1:9090/-/ready");
    assert_eq!(compose["services"]["watcher"]["environment"]["STORE"], "http://prometheus:9090");
    assert_eq!(compose["services"]["watcher"]["depends_on"]["prometheus"]["condition"], "service_healthy");

    // Its setting has a default and bounds,
    project.replace("spec/stack.toml", "settings.interval = \"30s\"\n", "");
    clean(&project.run(&["render"]));
    assert_eq!(yaml(&project, "generated/dev/config/prometheus.yaml")["global"]["scrape_interval"], "15s");
    project.replace("spec/stack.toml", "ports.http = 9090\n", "ports.http = 9090\nsettings.interval = \"10ms\"\n");
    let run = project.run(&["check"]);
    assert!(run.stderr.contains("error[number-out-of-range]") && run.stderr.contains("must be at least 1s"), "{run:?}");
    project.replace("spec/stack.toml", "settings.interval = \"10ms\"\n", "");

    // an editor completes it,
    let schema: Json = serde_json::from_str(&project.read("spec/stack.schema.json")).unwrap();
    let properties = &schema["definitions"]["Settings"]["properties"];
    assert_eq!(properties["interval"]["description"], "`prometheus`: how often metrics are scraped.");
    let kinds = schema["definitions"]["Service"]["properties"]["kind"].to_string();
    assert!(kinds.contains("prometheus") && kinds.contains("What reads metrics."), "{kinds}");

    // and its outputs lead to its template.
    let run = project.run(&["explain", "generated/dev/config/prometheus.yaml:5"]);
    assert!(run.stdout.contains("services.api.metrics.path"), "{run:?}");
    assert!(run.stdout.contains("spec/kinds/prometheus/prometheus.yaml the template"), "{run:?}");
    let rows = project.listed("kinds");
    let own: Vec<&Json> = rows.iter().filter(|row| row["built_in"] == false).collect();
    assert_eq!(own.iter().map(|row| &row["name"]).collect::<Vec<_>>(), ["prometheus", "watcher"]);
}

#[test]
fn a_change_of_a_kind_is_a_difference_and_reviewed() {
    let project = shop();
    clean(&project.run(&["render"]));
    git(project.root(), &["init", "--quiet"]);
    git(project.root(), &["add", "--all"]);
    git(project.root(), &["commit", "--quiet", "--message", "The stack"]);
    project.replace("spec/kinds/prometheus/prometheus.yaml", "global:", "# All of it.\nglobal:");
    let run = project.run(&["check", "--stat"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("config/prometheus.yaml: out of date"), "{run:?}");
    let run = project.run(&["review"]);
    assert!(run.stdout.contains("prometheus: recreated: configuration file"), "{run:?}");
    project.replace("spec/stack.toml", "interval = \"30s\"", "interval = \"60s\"");
    let run = project.run(&["review"]);
    assert!(run.stdout.contains("caution[setting-raised] prometheus: scraped less often"), "{run:?}");
    // A branch can't declare that its change is harmless.
    project.replace("spec/kinds/prometheus/kind.toml", "severity = \"caution\", ", "");
    let run = project.run(&["review"]);
    assert!(run.stdout.contains("caution[setting-raised] prometheus: scraped less often"), "{run:?}");
}

/// One that gives everything that a service can override.
const WORKER: &str = r#"title = "A worker"

[settings.queue]
type = "string"
about = "what it works on"

[settings.memory]
type = "size"
about = "its limit"
default = "64m"

[service]
command = ["work", "--queue=${settings.queue}"]
volumes = ["${self}-data:/data", "${self}-cache:/cache"]
mem_limit = "${settings.memory}"
environment = { MODE = "fast", NAME = "${self}", QUEUE = "${settings.queue}" }
"#;

#[test]
fn a_service_says_otherwise_than_its_own_kind() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\n[profiles.dev]\n[images]\nworker = \"shop/worker:1.0\"\n[volumes.files]\n\
         [services.plain]\nkind = \"worker\"\n[services.set]\nkind = \"worker\"\nsettings.queue = \"mail\"\n\
         [services.other]\nkind = \"worker\"\ncommand = \"idle\"\nenvironment = { MODE = \"slow\", MORE = 1 }\n\
         volumes = [\"files:/data/\", \"other-cache:/cache:ro\"]\n",
    );
    project.write("spec/kinds/worker/kind.toml", WORKER);
    clean(&project.run(&["render"]));
    let compose = yaml(&project, "generated/dev/docker-compose.yml");
    let service = |name: &str, key: &str| serde_json::to_value(&compose["services"][name][key]).unwrap();
    // What has no value is left out as a whole.
    assert_eq!(service("plain", "command"), serde_json::json!(["work"]));
    assert_eq!(service("plain", "environment"), serde_json::json!({ "MODE": "fast", "NAME": "plain" }));
    assert_eq!(service("plain", "mem_limit"), "64m");
    assert_eq!(service("set", "command"), serde_json::json!(["work", "--queue=mail"]));
    assert_eq!(service("set", "environment")["QUEUE"], "mail");
    assert_eq!(service("other", "command"), "idle");
    assert_eq!(service("other", "environment"), serde_json::json!({ "MODE": "slow", "NAME": "other", "MORE": "1" }));
    let mounts = service("other", "volumes");
    let mounts: Vec<_> = mounts
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| (&mount["source"], &mount["target"], &mount["read_only"]))
        .collect();
    let expected =
        [(&"files".into(), &"/data/".into(), &Json::Null), (&"other-cache".into(), &"/cache".into(), &true.into())];
    assert_eq!(mounts, expected);
    let volumes: Vec<&str> =
        compose["volumes"].as_mapping().unwrap().keys().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(volumes, ["plain-data", "plain-cache", "set-data", "set-cache", "other-cache", "files"]);

    // Its file is a reason like the spec.
    let run = project.run(&["impact", "spec/kinds/worker/kind.toml:15"]);
    assert!(run.stdout.contains("kinds.worker.service.mem_limit"), "{run:?}");
    let run = project.run(&["impact", "kinds.worker.settings.memory.default"]);
    assert!(run.stdout.contains("mem_limit: 64m") && run.stdout.contains("3 lines in 1 output"), "{run:?}");
    let compose = project.read("generated/dev/docker-compose.yml");
    let line = compose.lines().position(|line| line.contains("MODE: fast")).unwrap() + 1;
    let run = project.run(&["explain", &format!("generated/dev/docker-compose.yml:{line}")]);
    assert!(run.stdout.contains("spec/kinds/worker/kind.toml:16:24 kinds.worker.service.environment.MODE"), "{run:?}");
    let run = project.run(&["kind", "show", "worker"]);
    assert!(run.stdout.starts_with("# kind.toml\ntitle = \"A worker\"\n"), "{run:?}");
    let run = project.run(&["kind", "show", "wroker"]);
    assert!(run.code == Some(2) && run.stderr.contains("did you mean `worker`?"), "{run:?}");
}

#[test]
fn a_copy_of_a_built_in_kind_makes_the_same() {
    let spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[images]\nloki = \"grafana/loki:3.7.6\"\n\
                [services.loki]\nkind = \"loki\"\nsettings.retention = \"72h\"\n";
    let project = Project::new(spec);
    clean(&project.run(&["render"]));
    clean(&project.run(&["new", "kind", "loki"]));
    let run = project.run(&["check", "--profile", "dev"]);
    clean(&run);
    assert!(run.stdout.contains("no difference"), "{run:?}");
    // It is the one in use.
    project.replace("spec/kinds/loki/loki.yaml", "reporting_enabled: false", "reporting_enabled: true");
    assert_eq!(project.run(&["check", "--profile", "dev"]).code, Some(1));
    let shown = project.run(&["kind", "show", "loki"]).stdout;
    assert!(shown.starts_with("# kind.toml\n") && shown.contains("\n# loki.yaml\n"));
}

#[test]
fn a_new_kind_can_be_used_at_once() {
    let project = Project::new("[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"nginx:1.29\"\n");
    clean(&project.run(&["new", "kind", "queue"]));
    clean(&project.run(&["new", "service", "queue"]));
    clean(&project.run(&["render"]));
    assert!(project.read("generated/dev/config/queue.yaml").ends_with("listen: \"0.0.0.0:8080\"\nlevel: info\n"));
    let run = project.run(&["new", "kind", "queue"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("duplicate kind `queue`"), "{run:?}");
    let run = project.run(&["new", "kind", "alloy"]);
    assert!(run.stderr.contains("the built-in kind `alloy` cannot be replaced"), "{run:?}");
    let run = project.run(&["new", "kind", "../x"]);
    assert!(run.stderr.contains("invalid kind name `../x`"), "{run:?}");
    let run = project.run(&["new", "service", "other", "--kind", "queu"]);
    assert!(run.stderr.contains("unknown kind `queu`"), "{run:?}");
    let schema: Json = serde_json::from_str(&project.read("spec/kind.schema.json")).unwrap();
    let file = &schema["properties"]["files"]["additionalProperties"]["$ref"];
    assert_eq!(file, "#/definitions/FileKind");
    assert_eq!(schema["required"], serde_json::json!(["title"]));
}

#[test]
fn the_files_of_a_kind_are_outputs_of_its_own() {
    let project = shop();
    let path = "spec/kinds/prometheus/kind.toml";
    for (file, mistake) in [
        ("../../../.git/hooks/pre-commit", "error[invalid-path]: invalid path `../../../.git/hooks/pre-commit`"),
        ("/etc/cron.d/x", "error[invalid-path]"),
        ("docker-compose.yml", "error[output-clash]: duplicate output `docker-compose.yml`"),
        ("Grafana/x.yaml", "error[output-clash]"),
    ] {
        project.write(path, PROMETHEUS.replace("config/${self}.yaml", file));
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(2), "{file}: {run:?}");
        assert!(run.stderr.contains(mistake), "{file}: {run:?}");
        assert!(run.stderr.contains(&format!("--> {path}")), "{file}: {run:?}");
    }
    // Two services of it have a file each.
    project.write(path, PROMETHEUS.replace("config/${self}.yaml", "prometheus.yaml"));
    project.replace(
        "spec/stack.toml",
        "[services.watcher]",
        "[services.second]\nkind = \"prometheus\"\n\n[services.watcher]",
    );
    project.replace(
        "spec/kinds/watcher/kind.toml",
        "provides = \"metrics\"",
        "provides = \"metrics\"\nonly_if = \"metrics\"",
    );
    let run = project.run(&["render"]);
    assert!(run.stderr.contains("error[output-clash]: duplicate output `prometheus.yaml`"), "{run:?}");
}

#[test]
fn a_kind_that_cannot_be_read_is_reported() {
    let project = shop();
    let path = "spec/kinds/prometheus/kind.toml";
    for (text, reason) in [
        (vec![b'#'; 100_000], "it has more than 65536 bytes"),
        (b"title = \"\xff\"\n".to_vec(), "it is not valid UTF-8"),
        (b"title = \n".to_vec(), "error[toml-syntax]"),
    ] {
        project.write(path, text);
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(reason), "{run:?}");
        // Its services have no mistakes of their own.
        assert!(run.stderr.contains("\nerror: 1 problem in the spec; nothing was written or compared\n"), "{run:?}");
    }
    // Another folder beside it is none of its business.
    project.write(path, PROMETHEUS);
    project.write("spec/kinds/notes/README.md", "# Notes\n");
    clean(&project.run(&["render"]));
}
