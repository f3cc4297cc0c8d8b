//! Every key of Compose that has a field of its own, in each of its forms.
//!
//! `fields.toml` holds them; the Compose file is read by a YAML parser and compared value by value.

use serde_yaml::Value;

use super::project::Project;

const SPEC: &str = include_str!("fields.toml");

fn compose() -> Value {
    let project = Project::new(SPEC);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap()
}

/// Compares each key of a table with YAML, and that there is no other key.
fn has(table: &Value, expected: &[(&str, &str)]) {
    let keys: Vec<&str> = table.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap()).collect();
    for key in &keys {
        assert!(expected.iter().any(|(known, _)| known == key), "`{key}` was not expected");
    }
    for (key, yaml) in expected {
        let value: Value = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(table[*key], value, "{key}");
    }
}

#[test]
fn long_forms() {
    has(
        &compose()["services"]["web"],
        &[
            (
                "image",
                "registry.example:5000/shop/web:1.29@sha256:\
                 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "build",
                "{context: ../web, dockerfile: Dockerfile.dev, target: runtime, \
                 args: {VERSION: '1.50', DEBUG: 'false', JOBS: '4'}, \
                 cache_from: ['shop/web:cache', 'type=local,src=./cache'], \
                 no_cache: true, labels: {com.example.built: here}}",
            ),
            ("command", "[serve, --title, '${TITLE:?set TITLE in .env}', '--cost=$$5']"),
            ("entrypoint", "[/bin/serve]"),
            (
                "environment",
                "{TITLE: '${TITLE:?set TITLE in .env}', COUNT: '3', FLAG: 'true', 'YES': 'yes', VERSION: '1.50', \
                 EMPTY: '', DATABASE: 'db:5432', PORT: '5432', LINES: \"first\\nsecond\\n\"}",
            ),
            ("env_file", "[{path: ./common.env, required: true}, {path: ./local.env, required: false}]"),
            (
                "ports",
                "[{name: http, host_ip: '0.0.0.0', published: '8080', target: 80, mode: host}, \
                 {name: dns, host_ip: '127.0.0.1', published: '5353', target: 53, protocol: udp}, \
                 {name: range, host_ip: '127.0.0.1', published: '9100-9105', target: 9100}, \
                 {name: flexible, host_ip: '127.0.0.1', published: '${PORT:-7070}', target: 7000}]",
            ),
            ("expose", "['9000', '9001-9003']"),
            (
                "volumes",
                "[{type: bind, source: ./site, target: /srv/site, read_only: true, bind: {create_host_path: false}}, \
                 {type: volume, source: data, target: /srv/data}, {type: tmpfs, target: /srv/scratch}]",
            ),
            (
                "depends_on",
                "{db: {condition: service_healthy, restart: true}, \
                 migrate: {condition: service_completed_successfully}, \
                 agent: {condition: service_started, required: false}}",
            ),
            (
                "healthcheck",
                "{test: [CMD, curl, -f, 'http://localhost:80/'], interval: 1m30s, timeout: 10s, \
                 retries: '${RETRIES:-3}', start_period: 40s, start_interval: 5s}",
            ),
            ("restart", "on-failure:3"),
            ("networks", "{shop: {}, back: {aliases: [shop-web, www], ipv4_address: 172.30.0.5}}"),
            ("container_name", "shop-web"),
            ("hostname", "web"),
            ("profiles", "[full, web]"),
            ("user", "'1000:1000'"),
            ("logging", "{driver: json-file, options: {max-size: 10m, max-file: '3'}}"),
            ("labels", "{com.example.team: shop, com.example.weight: '5'}"),
            ("pull_policy", "missing"),
            ("platform", "linux/arm64"),
            ("extra_hosts", "{host.docker.internal: host-gateway, old.example: 172.30.0.9}"),
            ("ulimits", "{nproc: {soft: 65535, hard: 65535}, nofile: {soft: 20000, hard: '${NOFILE:-40000}'}}"),
            ("tty", "true"),
            ("stdin_open", "false"),
            (
                "deploy",
                "{replicas: 1, resources: {limits: {cpus: '0.50', memory: 512m, pids: 100}, \
                 reservations: {cpus: '0.25', memory: 128m}}, \
                 restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3}}",
            ),
            ("read_only", "true"),
            ("tmpfs", "[/tmp, '/run:size=64m']"),
            ("secrets", "[{source: token, target: api-token, uid: '103', gid: '103', mode: '0440'}]"),
            ("cap_add", "[NET_ADMIN, SYS_PTRACE]"),
            ("cap_drop", "[ALL]"),
            ("security_opt", "['no-new-privileges:true', 'label=disable']"),
            ("shm_size", "64m"),
            ("init", "true"),
            ("working_dir", "/srv"),
            ("stop_grace_period", "1m"),
            ("group_add", "['${GROUP:-21}', 20]"),
            ("sysctls", "{net.core.somaxconn: 1024}"),
            ("x-note", "kept"),
            ("privileged", "false"),
        ],
    );
}

#[test]
fn short_forms_and_typed_values_as_references() {
    // `healthcheck = {}` takes the image's own as it is: nothing is written.
    has(
        &compose()["services"]["db"],
        &[
            ("image", "postgres:18"),
            ("build", "{context: ../db}"),
            ("platform", "linux/amd64"),
            ("container_name", "db"),
            ("hostname", "db"),
            ("profiles", "[full, web]"),
            ("entrypoint", "docker-entrypoint.sh"),
            ("command", "postgres -c 'log_statement=all'"),
            ("env_file", "[{path: ./db.env, required: true}]"),
            ("secrets", "[{source: token}, {source: password}]"),
            (
                "volumes",
                "[{type: volume, source: data, target: /var/lib/postgresql}, \
                 {type: bind, source: ./init, target: /docker-entrypoint-initdb.d, read_only: true, \
                 bind: {create_host_path: false}}, \
                 {type: bind, source: '${CACHE_PATH:-/tmp}', target: /cache, bind: {create_host_path: false}}]",
            ),
            ("tmpfs", "[/tmp]"),
            ("security_opt", "['no-new-privileges:true']"),
            ("restart", "unless-stopped"),
            ("networks", "[back]"),
            ("tty", "'${TTY:-false}'"),
            ("read_only", "'${READ_ONLY:-false}'"),
            ("init", "'${INIT:-true}'"),
            ("shm_size", "'${SHM:-128m}'"),
            ("deploy", "{resources: {limits: {cpus: '${CPUS:-1}', memory: '${MEMORY:-1g}', pids: '${PIDS:-200}'}}}"),
        ],
    );
}

#[test]
fn what_a_key_implies_for_the_others() {
    let compose = compose();
    let services = &compose["services"];
    // Another's network has no host name of its own, and who is waited for to end is not restarted.
    has(
        &services["migrate"],
        &[
            ("image", "migrate:1"),
            ("platform", "linux/amd64"),
            ("container_name", "migrate"),
            ("profiles", "[full, web]"),
            ("depends_on", "{db: {condition: service_started}}"),
            ("healthcheck", "{disable: true}"),
            ("restart", "'no'"),
            ("network_mode", "service:db"),
            ("security_opt", "['no-new-privileges:true']"),
        ],
    );
    // Replicas have no names; the image is the one of [images].
    has(
        &services["agent"],
        &[
            ("image", "agent:1.2"),
            ("platform", "linux/amd64"),
            ("profiles", "[debug]"),
            ("ports", "[{name: stats, host_ip: '127.0.0.1', published: '9200', target: 9200}]"),
            (
                "healthcheck",
                "{test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1:9200/live'], interval: '${INTERVAL:-10s}'}",
            ),
            ("restart", "unless-stopped"),
            ("networks", "[shop]"),
            ("security_opt", "['no-new-privileges:true']"),
            ("deploy", "{replicas: '${AGENTS:-2}'}"),
        ],
    );
    has(
        &services["batch"],
        &[
            ("image", "batch:1"),
            ("platform", "linux/amd64"),
            ("container_name", "batch"),
            ("healthcheck", "{test: test -f /tmp/ready}"),
            ("restart", "'no'"),
            ("network_mode", "none"),
            ("security_opt", "['no-new-privileges:true']"),
        ],
    );
}

#[test]
fn the_top_level() {
    let compose = compose();
    has(
        &compose["networks"],
        &[
            ("shop", "{name: shop, driver: bridge}"),
            (
                "back",
                "{name: shop-back, driver: bridge, driver_opts: {com.docker.network.bridge.name: shop0}, \
                 internal: true, ipam: {config: [{subnet: 172.30.0.0/24}]}, labels: {kept: 'yes'}}",
            ),
        ],
    );
    has(
        &compose["volumes"],
        &[(
            "data",
            "{name: shop-data, driver: local, driver_opts: {type: none, o: bind, device: /srv/data}, \
             labels: {kept: 'true'}}",
        )],
    );
    has(
        &compose["secrets"],
        &[("token", "{file: ./token, name: shop-token}"), ("password", "{environment: DB_PASSWORD}")],
    );
}

/// The tables in a table or a list.
fn tables(value: &toml::Value) -> Vec<&toml::Table> {
    match value {
        toml::Value::Table(table) => table.values().filter_map(toml::Value::as_table).collect(),
        toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_table).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_field_is_in_the_spec_above() {
    use stackgen::spec::service::{Build, Deploy, Healthcheck, Mount, Port, Secret, Service};

    // What only kinds have, or the docs; `http` and `tcp` of a healthcheck are tested with the kinds.
    let elsewhere = ["kind", "cluster", "role", "aws", "metrics", "settings", "tcp", "disable", "path"];
    let spec: toml::Table = SPEC.parse().unwrap();
    let services: Vec<&toml::Table> = tables(&spec["services"]);
    let below = |key: &str| services.iter().filter_map(|service| service.get(key)).flat_map(tables).collect();
    let own = |key: &str| services.iter().filter_map(|service| service.get(key)?.as_table()).collect();
    let cases: [(&str, &[&str], Vec<&toml::Table>); 7] = [
        ("build", Build::KEYS, own("build")),
        ("deploy", Deploy::KEYS, own("deploy")),
        ("healthcheck", Healthcheck::KEYS, own("healthcheck")),
        ("volumes", Mount::KEYS, below("volumes")),
        ("ports", Port::KEYS, below("ports")),
        ("secrets", Secret::KEYS, below("secrets")),
        ("services", Service::KEYS, services.clone()),
    ];
    for (name, keys, written) in cases {
        for key in keys.iter().filter(|key| !elsewhere.contains(key)) {
            assert!(written.iter().any(|table| table.contains_key(*key)), "`{key}` of `{name}` is not in fields.toml");
        }
    }
}

#[test]
fn what_only_looks_like_a_mistake() {
    let project = Project::new(
        r#"
[stack]
name = "shop"

[profiles.dev]

# Never together: they may have one port and one name.
[services.cpu]
image = "model:1"
profiles = ["cpu"]
container_name = "model"
ports.http = 8000

[services.gpu]
image = "model:1-cuda"
profiles = ["gpu"]
container_name = "model"
ports.http = 8000

# Other addresses, another protocol.
[services.dns]
image = "dns:1"
ports.plain = { published = 5353, target = 53, host_ip = "127.0.0.2" }
ports.loop = { published = 5353, target = 53 }
ports.udp = { published = 5353, target = 53, protocol = "udp" }

# Where one is, there is the other.
[services.tester]
image = "tester:1"
profiles = ["gpu"]
depends_on = ["gpu"]

# The image brings a healthcheck; another waits for one that may be switched off.
[services.db]
image = "postgres:18"
healthcheck = {}

[services.web]
image = "nginx:1.29"
depends_on.db = "service_healthy"
depends_on.gpu = { required = false }
command = ["sh", "-c", "exec serve --home $$HOME"]
healthcheck.test = "curl -f $$HOSTNAME"
"#,
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}
