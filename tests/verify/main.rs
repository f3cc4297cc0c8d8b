//! `gen verify` with the consumers' own checkers: `.ci/checkers cargo test --test verify`.
//!
//! Each case breaks one output of the reference stack in one place, and the consumer must find it there. A checker that
//! is not on `PATH` fails its cases. Loki and Mimir are not among them: `tests/gen/verify.rs` has what they say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

#[path = "../gen/project.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod project;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use camino::Utf8PathBuf;
use serde_json::Value;

use project::{Project, REFERENCE, Run};

/// Runs `gen verify` with these programs on `PATH` and what every system has.
fn verify(project: &Project, bin: &Path, programs: &[&str], arguments: &[&str]) -> (Run, Value) {
    for &program in programs {
        let link = bin.join(program);
        if !link.exists() {
            symlink(which(program), link).unwrap();
        }
    }
    let arguments = [&["verify", "--format", "json"], arguments].concat();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let path = if programs.contains(&"grafana-check") {
        format!("{path}:{}", which("node").parent().unwrap().display())
    } else {
        path
    };
    let run: Run = project.command(&arguments).env("PATH", path).output().unwrap().into();
    let report = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    (run, report)
}

fn which(program: &str) -> PathBuf {
    std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(program))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("`{program}` is not on PATH: run `.ci/checkers cargo test --test verify`"))
}

/// Breaks an output and wants the consumer to say `said` of the line that then holds `at`. `gen verify` hands out what the
/// spec renders, so what the consumer runs as breaks the file just before it is read.
fn refuses(consumer: &str, path: &str, (from, to): (&str, &str), at: &str, said: &str) {
    let project = Project::reference();
    let text = project.read(path);
    assert!(text.contains(from), "nothing to break: `{from}` in {path}");
    let broken = text.replacen(from, to, 1);
    let line = broken.lines().position(|line| line.contains(at)).unwrap() + 1;
    let program = if consumer == "compose" { "docker-compose" } else { consumer };
    let real = which(program).canonicalize().unwrap();
    let bin = tempfile::tempdir().unwrap();
    let (kept, own) = (bin.path().join("broken"), bin.path().join(program));
    fs::write(&kept, broken).unwrap();
    // The queries of a dashboard are handed out as rules.
    let breaks = format!(
        "test -e {path} && cat '{}' > {path}\ntest -e rules.yaml && sed -i '0,/{from}/s//{to}/' rules.yaml",
        kept.display(),
    );
    let breaks = if consumer == "promtool" { breaks } else { breaks.lines().next().unwrap().to_owned() };
    // The entrypoint reads its template before it starts the server.
    for (file, real) in [(own, real), (bin.path().join("bash"), which("bash"))] {
        fs::write(&file, format!("#!/bin/sh\n{breaks}\nexec '{}' \"$@\"\n", real.display())).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Of Terraform's two checks one needs the provider.
    let require: &[&str] = if consumer == "terraform" { &[] } else { &["--require", consumer] };
    let (run, report) = verify(&project, bin.path(), &[program], require);
    assert_eq!(run.code, Some(1), "{consumer}, {to}: {run:?}");
    let complaints = report["complaints"].as_array().unwrap();
    let found = complaints.iter().find(|complaint| {
        let place = &complaint["labels"][0];
        complaint["code"] == consumer
            && place["path"] == path
            && place["line"] == line
            && complaint["title"].as_str().unwrap().contains(said)
    });
    assert!(found.is_some(), "{consumer} is to say `{said}` at {path}:{line}: {complaints:#?}");
    assert!(complaints.iter().all(|complaint| complaint["code"] == consumer), "{complaints:#?}");
}

const COMPOSE: &str = "generated/dev/docker-compose.yml";

#[test]
fn compose() {
    let breaks = |change, at, said| refuses("compose", COMPOSE, change, at, said);
    breaks(("    hostname: mimir\n", "    hostnam: mimir\n"), "hostnam: mimir", "'hostnam' not allowed");
    breaks(("    tmpfs:\n      - /tmp\n", "    tmpfs: 3\n"), "tmpfs: 3", "tmpfs must be");
    breaks(
        ("        source: loki-data\n", "        source: lokis-data\n"),
        "lokis-data",
        "undefined volume lokis-data",
    );
    breaks(("      interval: 5s\n", "      interval: soon\n"), "interval: soon", "invalid duration");
    breaks(
        ("    restart: \"no\"\n", "    restart: \"no\"\n    restart: always\n"),
        "restart: always",
        "already defined",
    );
    breaks(
        ("      elasticsearch:\n        condition", "      elastic:\n        condition"),
        "      elastic:",
        "depends on undefined service \"elastic\"",
    );
    breaks(("\nvolumes:\n", "\nvolumez: {}\nvolumes:\n"), "volumez", "'volumez' not allowed");
}

#[test]
fn compose_accepts_each_form_of_its_keys() {
    let project = Project::new(include_str!("../gen/fields.toml"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    for file in ["common.env", "local.env", "db.env", "a.env"] {
        project.write(file, String::new());
    }
    let output = Command::new(which("docker-compose"))
        .args(["--file", project.path(COMPOSE).to_str().unwrap(), "--profile", "*", "config", "--quiet"])
        .envs([("TITLE", "x"), ("DB_PASSWORD", "x"), ("NOFILE", "40000"), ("CPUS", "1"), ("PIDS", "9")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Services of a spec in Compose's words only, of which the others extend `base`.
const EXTENDED: &[&str] = &[
    r#"
    [base]
    image = "a/b:1"
    command = ["serve", "--all"]
    environment = { A = "1", B = "2" }
    labels = ["a=1", "b=2"]
    dns = "10.0.0.1"
    cap_add = ["NET_RAW"]
    ports = ["127.0.0.1::80"]
    volumes = ["data:/data", { type = "bind", source = "/srv", target = "/srv", bind = { propagation = "shared" } }]
    tmpfs = "/tmp"
    extra_hosts = { one = "10.0.0.1" }
    networks = ["front"]
    depends_on = ["db"]
    healthcheck = { test = ["CMD", "true"], interval = "5s" }
    logging = { driver = "local", options = { max-size = "1m" } }
    ulimits = { nofile = { soft = 1, hard = 2 }, nproc = 3 }
    build = { context = "/b", args = ["X=1"] }
    deploy = { resources = { limits = { memory = "1g" } } }
    [db]
    image = "db:1"
    [web]
    extends = { service = "base" }
    image = "a/b:2"
    command = ["work"]
    environment = ["B=3", "C=4"]
    labels = { b = "3" }
    dns = ["10.0.0.2", "10.0.0.1"]
    cap_add = ["NET_RAW", "SYS_NICE"]
    ports = ["127.0.0.1:8081:80", "127.0.0.1::80"]
    volumes = [{ type = "volume", source = "more", target = "/data" }, "more:/more"]
    tmpfs = ["/tmp", "/run"]
    extra_hosts = ["one=10.0.0.2", "two=10.0.0.3"]
    networks = { front = { aliases = ["w"] }, back = {} }
    depends_on = { db = { condition = "service_started", restart = true } }
    healthcheck = { test = ["CMD", "false"] }
    logging = { driver = "local", options = { max-file = "3" } }
    ulimits = { nofile = { soft = 2, hard = 2 } }
    build = "/c"
    deploy = { resources = { limits = { cpus = "1" } } }
    "#,
    r#"
    [base]
    image = "a/b:1"
    entrypoint = "run"
    env_file = [{ path = "/a.env", required = false }]
    logging = { driver = "local", options = { max-size = "1m" } }
    secrets = ["key", { source = "key", target = "/key" }]
    devices = ["/dev/null:/dev/x"]
    expose = ["80", "81"]
    sysctls = { "net.core.somaxconn" = 1 }
    annotations = ["a=1"]
    stop_grace_period = "5s"
    group_add = ["1"]
    healthcheck = { test = "true", retries = 3 }
    [other]
    extends = "base"
    entrypoint = ["run", "other"]
    group_add = ["2"]
    [web]
    extends = "other"
    image = "a/b:2"
    env_file = [{ path = "/a.env", required = false, format = "raw" }, { path = "/b.env", required = false }]
    logging = { driver = "json-file", options = { max-file = "3" } }
    secrets = [{ source = "more", target = "/key" }, "key"]
    devices = ["/dev/zero:/dev/x", "/dev/null"]
    expose = ["81", "82"]
    sysctls = ["net.core.somaxconn=2", "net.ipv4.tcp_syncookies=0"]
    annotations = { b = "2" }
    stop_grace_period = "6s"
    "#,
];

/// `gen` joins a service and the one that it extends as Compose does.
#[test]
fn a_service_extends_another_one_as_in_compose() {
    let shared = "[networks]\nfront = {}\nback = {}\n[volumes]\ndata = {}\nmore = {}\n\
                  [secrets]\nkey.file = \"/key\"\nmore.file = \"/more\"\n";
    let config = |file: &Path| {
        let arguments = ["--file", file.to_str().unwrap(), "config", "--format", "json"];
        let output = Command::new(which("docker-compose")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let config: Value = serde_json::from_slice(&output.stdout).unwrap();
        config["services"].clone()
    };
    for services in EXTENDED {
        let services = services.replace("\n    [", "\n    [services.");
        let written: toml::Table = format!("{services}{shared}").parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.json");
        fs::write(&file, serde_json::to_string(&written).unwrap()).unwrap();
        let expected = config(&file);

        let used = "[services.used]\nimage = \"used:1\"\nnetworks = [\"front\", \"back\"]\nvolumes = [\"data:/d\", \"more:/m\"]\n\
                    secrets = [\"key\", \"more\"]\n";
        let project = Project::new(format!("[stack]\nname = \"shop\"\n[profiles.dev]\n{services}{used}{shared}"));
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let found = config(&project.path(COMPOSE));
        for (name, expected) in expected.as_object().unwrap() {
            for (key, value) in expected.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
                assert_eq!(sorted(&found[name][key]), sorted(value), "{name}.{key}");
            }
        }
    }
}

/// A value in which the order of lists, empty tables and the names of ports, which `gen` adds, don't count.
fn sorted(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(sorted).collect();
            items.sort();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(key, value)| *key != "name" && **value != serde_json::json!({}));
            entries.map(|(key, value)| [key, ": ", &sorted(value), "; "].concat()).collect()
        }
        value => value.to_string(),
    }
}

#[test]
fn alloy() {
    let path = "generated/dev/config/alloy.alloy";
    let breaks = |change, at, said| refuses("alloy", path, change, at, said);
    breaks(
        ("\tscrape_timeout ", "\tscrape_timeoot "),
        "scrape_timeoot",
        "unrecognized attribute name \"scrape_timeoot\"",
    );
    breaks(
        ("\t\turl = \"http://mimir", "\t\tuurl = \"http://mimir"),
        "endpoint {",
        "missing required attribute \"url\"",
    );
    breaks(("[prometheus.remote_write.metrics.receiver]", "3"), "forward_to      = 3", "should be");
    breaks(("\"15s\"", "\"soon\""), "\"soon\"", "invalid duration");
    breaks(("loki.write.logs.receiver", "loki.write.logz.receiver"), "logz", "does not exist");
    breaks(("\tlevel  = ", "\tlevel = "), "\tlevel = ", "(`alloy fmt`)");
}

#[test]
fn temporal() {
    let dynamic = "generated/dev/dynamicconfig/monitored.yaml";
    let breaks = |path, change, at, said| refuses("temporal-server", path, change, at, said);
    breaks(dynamic, ("history.enableChasm:", "history.enableChazm:"), "Chazm", "unregistered key");
    breaks(dynamic, ("- value: 6000", "- value: many"), "frontend.persistenceMaxQPS", "value type is not int");
    breaks(
        dynamic,
        ("- value: 6000", "- value: 6000\n    constraints:\n      nampespace: x"),
        "nampespace",
        "unknown constraint",
    );
    let fixed = "generated/dev/docker/persistence-dsql.template.yaml";
    breaks(
        fixed,
        ("    listenAddress:", "    listenAdress:"),
        "listenAdress",
        "unknown key `global.metrics.prometheus.listenAdress`",
    );
    breaks(fixed, ("      grpcPort: 7234", "      grpcPort: many"), "grpcPort: many", "cannot unmarshal");
    breaks(
        fixed,
        ("maxJoinDuration: 30s", "maxJoinDuration: ${JOIN_DURATION}"),
        "JOIN_DURATION",
        "not set: JOIN_DURATION",
    );
    breaks(
        fixed,
        ("numHistoryShards: ${TEMPORAL_HISTORY_SHARDS}", "numHistoryShards: 0"),
        "numHistoryShards: 0",
        "zero value",
    );
}

#[test]
fn promtool() {
    let path = "generated/dev/grafana/server/server.json";
    let breaks = |change, at, said| refuses("promtool", path, change, at, said);
    breaks(("sum(rate(", "sum(rat("), "sum(rat(", "unknown function");
}

#[test]
fn grafana() {
    let breaks = |path, change, at, said| refuses("grafana-check", path, change, at, said);
    let server = "generated/dev/grafana/server/server.json";
    breaks(server, ("\"schemaVersion\"", "\"schemaVersions\""), "schemaVersions", "'schemaVersions' does not exist");
    breaks(server, ("\"graphMode\"", "\"grafMode\""), "grafMode", "'grafMode' does not exist");
    let datasources = "generated/dev/config/grafana-datasources.yaml";
    breaks(datasources, ("httpMethod: POST", "httpMethod: PUT"), "PUT", "not assignable");
    let providers = "generated/dev/config/grafana-dashboards.yaml";
    breaks(providers, ("    allowUiUpdates:", "    allowUIUpdates:"), "allowUIUpdates", "does not exist");
}

#[test]
fn linters() {
    let base = "generated/dev/docker/base.Dockerfile";
    refuses("hadolint", base, ("# hadolint ignore=DL3018\n", ""), "RUN apk add", "DL3018");
    refuses("hadolint", base, ("WORKDIR /src", "WORKDIR src"), "WORKDIR src", "DL3000");
    let script = "generated/dev/docker/render-and-start.sh";
    refuses(
        "shellcheck",
        script,
        ("printf 'render-and-start: %s\\n' \"$*\"", "printf \"render-and-start: $*\\n\""),
        "printf \"render",
        "SC2059",
    );
    refuses("shellcheck", script, ("missing=()", "missing=()\nunused=()"), "unused=()", "SC2034");
    let terraform = "terraform/dev/main.tf";
    refuses(
        "terraform",
        terraform,
        ("  force_destroy = true\n", "  force_destroy  = true\n"),
        "force_destroy  =",
        "(`terraform fmt`)",
    );
    refuses("terraform", terraform, ("provider \"aws\" {", "provider \"aws\" {{"), "provider \"aws\" {{", "");
}

#[test]
fn checkov() {
    let terraform = "terraform/dev/main.tf";
    refuses(
        "checkov",
        terraform,
        ("  block_public_acls       = true", "  block_public_acls       = false"),
        "resource \"aws_s3_bucket_public_access_block\"",
        "CKV_AWS_53",
    );
    let runtime = "generated/dev/docker/Dockerfile";
    refuses("checkov", runtime, ("USER 1000:1000", "USER root"), "USER root", "CKV_DOCKER_8");
}

/// What a variable makes of a value, only Compose checks.
#[test]
fn what_the_spec_causes_is_told_at_the_spec() {
    let spec = REFERENCE.replace(
        "group_add = [\"${SOCKET_GROUP_ID}\"]",
        "group_add = [\"${SOCKET_GROUP_ID}\"]\nstop_grace_period = \"${AWS_REGION:+soon}\"",
    );
    let project = Project::new(&spec);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let (run, report) = verify(&project, tempfile::tempdir().unwrap().path(), &["docker-compose"], &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let labels = &report["complaints"][0]["labels"];
    let line = |text: &str, needle: &str| text.lines().position(|line| line.contains(needle)).unwrap() + 1;
    assert_eq!(labels[0]["path"], COMPOSE);
    assert_eq!(labels[0]["line"], line(&project.read(COMPOSE), "stop_grace_period: ${AWS_REGION:+soon}"));
    let key = labels
        .as_array()
        .unwrap()
        .iter()
        .find(|label| label["text"].as_str().unwrap().starts_with("`services.copilot-worker.stop_grace_period`"));
    assert_eq!(key.unwrap_or_else(|| panic!("{labels:#}"))["path"], "spec/stack.toml");
    assert_eq!(key.unwrap()["line"], line(&spec, "stop_grace_period"));
}

/// Codes of problems that the shape of a table has, which a schema can tell.
const SHAPE: [&str; 12] = [
    "unknown-key",
    "wrong-type",
    "unknown-value",
    "missing-key",
    "number-out-of-range",
    "invalid-duration",
    "invalid-source",
    "invalid-size",
    "invalid-cpus",
    "invalid-port",
    "invalid-mount",
    "listed-twice",
];

/// Specs whose problem has such a code, and is one between tables, of another program's words, of a number that no schema
/// has a bound for, of a table that an included file may hold, or of a string for which Compose's schema has no format.
const BETWEEN_TABLES: [&str; 28] = [
    "first-class-key--dashboard",
    "invalid-cpus",
    "invalid-duration--dashboard",
    "invalid-duration--long",
    "invalid-mount",
    "invalid-name--namespace",
    "invalid-port--ranges",
    "invalid-port--short",
    "invalid-size",
    "missing-key--builds",
    "missing-key--dashboard",
    "missing-key--dsql",
    "missing-key--external",
    "missing-key--gateway",
    "missing-key--kinds",
    "missing-key--kubernetes",
    "missing-key--persistence",
    "missing-key--stack",
    "no-profile--empty",
    "number-out-of-range",
    "number-out-of-range--64-bits",
    "number-out-of-range--connections",
    "number-out-of-range--kubernetes",
    "number-out-of-range--retention",
    "unknown-value--dashboard",
    "wrong-type--base",
    "wrong-type--constraints",
    "wrong-type--setting",
];

/// Specs whose problem has another code, and is one of the form of a string.
const OF_A_STRING: [&str; 1] = ["invalid-name--database"];

/// What an editor calls wrong is what `gen` calls wrong, as far as a schema can tell: Taplo reads every wrong spec of
/// `tests/specs` and every right one.
#[test]
fn the_schema_and_the_parser_agree() {
    let root = Utf8PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let taplo = which("taplo");
    // The reference stack has no kinds of its own, so its `spec/` lacks their schema.
    let of_kinds = Project::empty();
    of_kinds.write("kind.schema.json", of_kinds.run(&["schema", "kind"]).stdout);
    let accepts = |file: &Path, schema: &str| {
        let schema = if schema == "kind" {
            format!("file://{}", of_kinds.path("kind.schema.json").display())
        } else {
            format!("file://{root}/spec/{schema}.schema.json")
        };
        let output = Command::new(&taplo).args(["lint", "--schema", &schema]).arg(file).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (file, schema) in [
        ("spec/stack.toml", "stack"),
        ("spec/dashboards/server.toml", "dashboard"),
        ("spec/dashboards/persistence.toml", "dashboard"),
        ("spec/dashboards/copilot.toml", "dashboard"),
        ("tests/dashboards/everything.toml", "dashboard"),
        ("tests/dashboards/stack.toml", "stack"),
        ("tests/gen/fields.toml", "stack"),
        ("tests/e2e/spec/stack.toml", "stack"),
        ("templates/kinds/loki/kind.toml", "kind"),
        ("templates/kinds/temporal-server/kind.toml", "kind"),
        ("templates/new/kind.toml", "kind"),
        ("src/edit/examples/events/kinds/kafka/kind.toml", "kind"),
    ] {
        let (accepted, said) = accepts(root.join(file).as_std_path(), schema);
        assert!(accepted, "{file}: {said}");
    }
    let mut differ = Vec::new();
    for folder in fs::read_dir(root.join("tests/specs")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let project = Project::new(include_str!("../dashboards/stack.toml"));
        let mut accepted = true;
        for (file, schema) in files(&folder) {
            // Only the project's own schema knows its kinds.
            let is_own = schema == "stack" && folder.join("kinds").is_dir();
            let below = file.strip_prefix(&folder).unwrap().to_str().unwrap();
            project.write(&format!("spec/{below}"), std::fs::read(&file).unwrap());
            accepted &= is_own || accepts(&file, schema).0;
        }
        let report: Value =
            serde_json::from_str(&project.run(&["check", "--deny", "warnings", "--format", "json"]).stdout).unwrap();
        let codes: Vec<&str> =
            report["diagnostics"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect();
        // Taplo's own reader has more to say of syntax than the schema.
        if codes.contains(&"toml-syntax") {
            continue;
        }
        let is_of_shape = codes.iter().any(|code| SHAPE.contains(code)) && !BETWEEN_TABLES.contains(&name.as_str());
        let expected = !is_of_shape && !OF_A_STRING.contains(&name.as_str());
        if accepted != expected {
            differ.push(format!("{name}: {codes:?}, and the schema {}", if accepted { "accepts" } else { "refuses" }));
        }
    }
    assert!(differ.is_empty(), "{differ:#?}");
}

/// The files of a spec, with the name of their schema.
fn files(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("kinds") {
            let kinds = fs::read_dir(&path).unwrap().map(|entry| (entry.unwrap().path().join("kind.toml"), "kind"));
            files.extend(kinds);
        } else if path.is_dir() {
            let dashboards = fs::read_dir(&path).unwrap().map(|entry| (entry.unwrap().path(), "dashboard"));
            files.extend(dashboards);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push((path, "stack"));
        }
    }
    files
}

#[test]
fn what_is_accepted_in_vain_is_told() {
    let spec = REFERENCE.replace("[accepted]\n", "[accepted]\nCKV_AWS_19 = \"It is encrypted\"\n");
    let project = Project::new(&spec);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let (run, report) = verify(&project, tempfile::tempdir().unwrap().path(), &["checkov"], &["--require", "checkov"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let title = report["complaints"][0]["title"].as_str().unwrap();
    assert!(title.contains("CKV_AWS_19, which was not found"), "{title}");
}

/// Imports a project, and has Compose compare it with what the spec renders.
fn imported(project: &Project, arguments: &[&str]) -> Run {
    let bin = tempfile::tempdir().unwrap();
    symlink(which("docker-compose"), bin.path().join("docker-compose")).unwrap();
    // What only says that it is Compose would accept everything.
    let refused = Command::new(which("docker-compose")).args(["--file", "/nonexistent", "config"]).output().unwrap();
    assert!(!refused.status.success(), "{refused:?}");
    let arguments = [&["import", "compose", "--verify"], arguments].concat();
    let path = format!("{}:/usr/bin:/bin", bin.path().display());
    project.command(&arguments).env("PATH", path).output().unwrap().into()
}

#[test]
fn an_imported_project_means_the_same_to_compose() {
    let mut wrong = Vec::new();
    let cases: Vec<&str> = include_str!("imports/projects.txt").split("\n== ").skip(1).collect();
    assert!(cases.len() > 50, "{}", cases.len());
    for case in cases {
        let (title, files) = case.split_once('\n').unwrap();
        let (name, arguments) = title.split_once(" : ").unwrap_or((title, ""));
        let project = Project::empty();
        for file in format!("\n{files}").split("\n-- ").skip(1) {
            let (path, text) = file.split_once('\n').unwrap();
            project.write(path, text);
        }
        let run = imported(&project, &arguments.split_whitespace().collect::<Vec<_>>());
        if run.code != Some(0) || !run.stderr.ends_with("project imported, and it means the same to Compose\n") {
            wrong.push(format!("{name}: {}", run.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn each_form_is_merged_as_compose_merges_it() {
    /// Lists in which Compose takes an item only once.
    const ONCE: [&str; 5] = ["device_cgroup_rules", "external_links", "group_add", "security_opt", "volumes_from"];
    let forms: toml::Table = toml::from_str(include_str!("imports/forms.toml")).unwrap();
    let rest = "  b: {image: y:1, healthcheck: {test: x}}\n  c: {image: z:1}\nnetworks: {n: {}, m: {}}\nvolumes: {data: {}}\n\
                secrets: {s: {file: ./s}, t: {file: ./t}}\nconfigs: {c: {file: ./c}, d: {content: x}}\n\
                models: {m1: {model: ai/x}}\n";
    let (mut first, mut second, mut extended) = ("services:\n".to_owned(), "services:\n".to_owned(), String::new());
    for (key, forms) in &forms {
        let forms: Vec<&str> = forms.as_array().unwrap().iter().map(|form| form.as_str().unwrap()).collect();
        let image = if matches!(key.as_str(), "build" | "provider") { "" } else { "image: x:1, " };
        let pairs = (0..forms.len()).flat_map(|one| (0..forms.len()).map(move |other| (one, other)));
        let is_once = ONCE.contains(&key.as_str());
        // Compose adds nothing but a list to a list.
        let refuses = |(one, other): &(usize, usize)| (is_once && one == other) || (key == "gpus" && *other == 0);
        for (one, other) in pairs.filter(|pair| !refuses(pair)) {
            let name = format!("{key}-{one}-{other}");
            let value = |form: usize| match key.as_str() {
                // Each container has a name of its own.
                "container_name" => name.clone(),
                _ => forms[form].to_owned(),
            };
            writeln!(extended, "  {name}-0: {{{image}{key}: {}}}", value(one)).unwrap();
            writeln!(extended, "  {name}: {{extends: {name}-0, {key}: {}}}", forms[other]).unwrap();
            writeln!(first, "  {name}: {{{image}{key}: {}}}", value(one)).unwrap();
            writeln!(second, "  {name}: {{{key}: {}}}", value(other)).unwrap();
        }
    }
    let project = Project::empty();
    project.write("a.yaml", first + rest);
    project.write("b.yaml", second);
    project.write("c.yaml", format!("services:\n{extended}{rest}"));
    for file in ["e1", "e2", "l1", "l2"] {
        project.write(file, format!("{file}=1\n"));
    }
    for files in [&["a.yaml", "b.yaml"] as &[&str], &["c.yaml"]] {
        let run = imported(&project, files);
        let differing: Vec<&str> = run
            .stderr
            .lines()
            .filter(|line| ["differs", "not converted", "error"].iter().any(|word| line.contains(word)))
            .collect();
        assert!(run.stderr.ends_with("means the same to Compose\n"), "{files:?}: {differing:#?}\n{:.2000}", run.stderr);
    }
}
