//! Every key of Compose, in each of its forms.
//!
//! `fields.toml` holds those that `gen` reasons about, and some others; Compose's specification holds them all. The Compose
//! file is read by a YAML parser and compared value by value.

use serde_json::{Value as Json, json};
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
                "{context: ../../../web, dockerfile: Dockerfile.dev, target: runtime, \
                 args: {VERSION: '1.50', DEBUG: false, JOBS: 4}, \
                 cache_from: ['shop/web:cache', 'type=local,src=./cache'], \
                 no_cache: true, labels: {com.example.built: here}, secrets: [token]}",
            ),
            ("command", "[serve, --title, '${TITLE:?set TITLE in .env}', '--cost=$$5']"),
            ("entrypoint", "[/bin/serve]"),
            (
                "environment",
                "{TITLE: '${TITLE:?set TITLE in .env}', COUNT: '3', FLAG: 'true', 'YES': 'yes', VERSION: '1.50', \
                 EMPTY: '', DATABASE: 'db:5432', PORT: '5432', LINES: \"first\\nsecond\\n\"}",
            ),
            ("env_file", "[../../common.env, {path: ../../local.env, required: false}]"),
            (
                "ports",
                "[{name: http, host_ip: '0.0.0.0', published: '8080', target: 80, mode: host}, \
                 {name: dns, host_ip: '127.0.0.1', published: '5353', target: 53, protocol: udp}, \
                 {name: range, host_ip: '127.0.0.1', published: '9100-9105', target: 9100}, \
                 {name: flexible, host_ip: '127.0.0.1', published: '${PORT:-7070}', target: 7000}]",
            ),
            ("expose", "['9000', '9001', '9002', '9003']"),
            (
                "volumes",
                "[{type: bind, source: ../../site, target: /srv/site, read_only: true, bind: {create_host_path: false}}, \
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
            ("logging", "{driver: json-file, options: {max-size: 10m, max-file: 3}}"),
            ("labels", "{com.example.team: shop, com.example.weight: '5'}"),
            ("pull_policy", "missing"),
            ("platform", "linux/arm64"),
            ("extra_hosts", "{host.docker.internal: host-gateway, old.example: 172.30.0.9}"),
            ("ulimits", "{nproc: 65535, nofile: {soft: 20000, hard: '${NOFILE:-40000}'}}"),
            ("tty", "true"),
            ("stdin_open", "false"),
            (
                "deploy",
                "{replicas: 1, resources: {limits: {cpus: '0.50', memory: 512m, pids: 100}, \
                 reservations: {cpus: 0.25, memory: 128m}}, \
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
            ("build", "../../../db"),
            ("platform", "linux/amd64"),
            ("container_name", "db"),
            ("hostname", "db"),
            ("profiles", "[full, web]"),
            ("entrypoint", "docker-entrypoint.sh"),
            ("command", "postgres -c 'log_statement=all'"),
            ("env_file", "../../db.env"),
            ("secrets", "[{source: token}, {source: password}]"),
            (
                "volumes",
                "[{type: volume, source: data, target: /var/lib/postgresql}, \
                 {type: bind, source: ../../init, target: /docker-entrypoint-initdb.d, read_only: true, \
                 bind: {create_host_path: false}}, \
                 {type: bind, source: '${CACHE_PATH:-/tmp}', target: /cache, bind: {create_host_path: false}}]",
            ),
            ("tmpfs", "/tmp"),
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
            ("shop", "{}"),
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
             labels: {kept: true}}",
        )],
    );
    has(
        &compose["secrets"],
        &[("token", "{file: ../../token, name: shop-token}"), ("password", "{environment: DB_PASSWORD}")],
    );
}

#[test]
fn the_other_forms_of_compose() {
    let compose = compose();
    has(
        &compose["services"]["forms"],
        &[
            ("image", "forms:1"),
            ("platform", "linux/amd64"),
            ("container_name", "forms"),
            ("hostname", "forms"),
            ("profiles", "[full, web]"),
            ("env_file", "[{path: ../../a.env, required: false, format: raw}]"),
            ("environment", "{A: '1', TITLE: '${TITLE:?set TITLE in .env}', EMPTY: '', DB_PASSWORD: null}"),
            ("configs", "[{source: site}, {source: site, target: /etc/site.conf, mode: 0o440}]"),
            (
                "ports",
                "[{name: '3000', host_ip: 127.0.0.1, target: 3000}, \
                 {name: '3002', host_ip: 127.0.0.1, published: '3001', target: 3002}, \
                 {name: 53-udp, host_ip: 127.0.0.2, published: '5353', target: 53, protocol: udp}, \
                 {name: '443', host_ip: '::1', published: '8443', target: 443}, \
                 {name: '81', host_ip: 127.0.0.9, published: '${PORT:-7070}', target: 81}, \
                 {name: '5000', host_ip: 127.0.0.1, published: '4000', target: 5000}, \
                 {name: '5001', host_ip: 127.0.0.1, published: '4001', target: 5001}, \
                 {name: '5002', host_ip: 127.0.0.1, published: '4002', target: 5002}, \
                 {name: admin, host_ip: 127.0.0.1, published: '9001', target: 9000, app_protocol: http}]",
            ),
            (
                "volumes",
                "[{type: volume, target: /anonymous}, \
                 {type: volume, source: data, target: /data, volume: {nocopy: true}}, \
                 {type: bind, source: ../../site, target: /site, read_only: true, \
                 bind: {selinux: z, create_host_path: false}}, \
                 {type: bind, source: ../../shared, target: /shared, bind: {propagation: rslave, create_host_path: true}}, \
                 {type: volume, source: data, target: /part, volume: {subpath: part}}, \
                 {type: tmpfs, target: /scratch, tmpfs: {size: 10m, mode: 1023}}, \
                 {type: image, source: 'tools:1', target: /tools, image: {subpath: bin}}]",
            ),
            ("restart", "unless-stopped"),
            ("networks", "{back: {gw_priority: 1, mac_address: '02:42:ac:11:00:03'}}"),
            ("extra_hosts", "{one.example: [10.0.0.1, '::1'], two.example: 10.0.0.2}"),
            ("security_opt", "['no-new-privileges:true']"),
            ("labels", "{com.example.team: shop, com.example.bare: ''}"),
            ("deploy", "{resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}"),
            ("gpus", "all"),
            ("stop_signal", "SIGTERM"),
            ("links", "['db:database']"),
            ("volumes_from", "['db:ro', 'container:other']"),
            ("pid", "'service:db'"),
            ("models", "[llm]"),
            ("develop", "{watch: [{action: sync, path: ../../api, target: /app}]}"),
        ],
    );
    assert_eq!(compose["services"]["heir"]["image"], "batch:1");
    has(&compose["configs"], &[("site", "{content: 'listen ${PORT:-7070}'}")]);
    has(&compose["models"], &[("llm", "{model: ai/small, context_size: 1024}")]);
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
    use stackgen::spec::service::{FileGrant, Healthcheck, Mount, NetworkMember, Port, Service};

    // What only kinds have, or the docs; `file` is in `files.rs`; `http` and `tcp` of a healthcheck are tested with the kinds.
    let elsewhere =
        ["kind", "cluster", "role", "aws", "metrics", "settings", "kubernetes", "tcp", "disable", "path", "file"];
    let spec: toml::Table = SPEC.parse().unwrap();
    let services: Vec<&toml::Table> = tables(&spec["services"]);
    let below = |key: &str| services.iter().filter_map(|service| service.get(key)).flat_map(tables).collect();
    let own = |key: &str| services.iter().filter_map(|service| service.get(key)?.as_table()).collect();
    let cases: [(&str, &[&str], Vec<&toml::Table>); 7] = [
        ("healthcheck", Healthcheck::KEYS, own("healthcheck")),
        ("volumes", Mount::KEYS, below("volumes")),
        ("ports", Port::KEYS, below("ports")),
        ("networks", NetworkMember::KEYS, below("networks")),
        ("secrets", FileGrant::KEYS, below("secrets")),
        ("configs", FileGrant::KEYS, below("configs")),
        ("services", Service::KEYS, services.clone()),
    ];
    for (name, keys, written) in cases {
        for key in keys.iter().filter(|key| !elsewhere.contains(key)) {
            assert!(written.iter().any(|table| table.contains_key(*key)), "`{key}` of `{name}` is not in fields.toml");
        }
    }
}

/// A value for each form that the specification has of a key, as TOML and as what YAML makes of it.
fn samples(schema: &Json, root: &Json) -> Vec<Json> {
    if let Some(name) = schema["$ref"].as_str() {
        return samples(&root["$defs"][name.strip_prefix("#/$defs/").unwrap()], root);
    }
    if let Some(forms) = schema["oneOf"].as_array()
        && forms.iter().any(|form| !["string", "integer"].map(Json::from).contains(&form["type"]))
    {
        return forms.iter().flat_map(|form| samples(form, root)).collect();
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.clone();
    }
    let types = match &schema["type"] {
        Json::String(name) => vec![name.as_str()],
        Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
        _ if schema["oneOf"].is_array() => vec!["string", "integer"],
        _ => vec!["string"],
    };
    let has = |name: &str| types.contains(&name);
    let of_type = |name: &str| match name {
        // Compose reads the other type from the text.
        "string" if types.len() == 2 && has("boolean") => vec![json!("true")],
        "string" if types.len() == 2 && (has("integer") || has("number")) => vec![json!("3")],
        "string" => vec![json!("word"), json!("$$5")],
        "integer" => vec![json!(3)],
        "number" => vec![json!(3), json!(1.5)],
        "boolean" => vec![json!(true)],
        "array" => samples(&schema["items"], root).into_iter().map(|item| json!([item])).collect(),
        "object" => {
            let mut whole = serde_json::Map::new();
            for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
                whole.insert(key.clone(), samples(schema, root).swap_remove(0));
            }
            let patterns = schema["patternProperties"].as_object().into_iter().flatten();
            for (_, schema) in patterns.filter(|(pattern, _)| *pattern != "^x-") {
                whole.insert("name".to_owned(), samples(schema, root).swap_remove(0));
            }
            vec![Json::Object(whole)]
        }
        _ => Vec::new(),
    };
    types.iter().copied().flat_map(of_type).collect()
}

fn toml(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{} = {}", json!(key), toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// Whatever Compose knows and `gen` does not reason about comes out as it was written, in each form.
#[test]
fn every_further_key_of_the_specification() {
    use stackgen::spec::service::Service;

    // Values with a format of their own, or names of what the stack must have.
    const NAMES: &[(&str, &str)] = &[
        ("cpus", "'0.5'"),
        ("devices", "[{source: /dev/x, target: /dev/y, permissions: rw}]"),
        ("group_add", "[audio, 20]"),
        ("mac_address", "'02:42:ac:11:00:02'"),
        ("links", "['db']"),
        ("mem_limit", "64m"),
        ("mem_reservation", "64m"),
        ("models", "['llm']"),
        ("pull_policy", "daily"),
        ("dns", "1.1.1.1"),
        ("env_file", "[{path: word, format: raw}]"),
        ("gpus", "[{capabilities: [gpu], count: 3, driver: word, options: {name: word}}]"),
        ("ipc", "host"),
        ("isolation", "default"),
        ("memswap_limit", "64m"),
        ("pid", "host"),
        ("uts", "host"),
        ("shm_size", "64m"),
        ("volumes_from", "['db']"),
        ("extends", "{file: other.yml, service: db}"),
        ("credential_spec", "{file: spec.json}"),
        ("build", "{context: ., dockerfile_inline: FROM scratch}"),
        ("expose", "['53/udp']"),
        (
            "deploy",
            "{mode: replicated, replicas: 1, labels: [a=b], update_config: {parallelism: 2, order: start-first}}",
        ),
        ("scale", "1"),
        ("stop_grace_period", "1m30s"),
    ];
    let root: Json = serde_json::from_str(include_str!("../../src/spec/compose-spec.json")).unwrap();
    let mut tried = 0;
    for (key, schema) in root["$defs"]["service"]["properties"].as_object().unwrap() {
        if Service::KEYS.contains(&key.as_str()) {
            continue;
        }
        let values = match NAMES.iter().find(|(name, _)| name == key) {
            Some((_, yaml)) => vec![serde_yaml::from_str(yaml).unwrap()],
            None => samples(schema, &root),
        };
        assert!(!values.is_empty(), "{key}");
        for value in values {
            let spec = format!(
                "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.db]\nimage = \"db:1\"\n[services.web]\n\
                 image = \"web:1\"\n{key} = {}\n[services.other]\nimage = \"other:1\"\nmodels = [\"llm\"]\n\
                 [models.llm]\nmodel = \"m\"\n",
                toml(&value)
            );
            let project = Project::new(&spec);
            let run = project.run(&["render"]);
            assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
            let compose: Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
            let found: Json = serde_json::to_value(&compose["services"]["web"][key.as_str()]).unwrap();
            // Paths are rewritten for the folder of the Compose file.
            let from_root = |json: &Json| json.to_string().replace("\"../..\"", "\".\"").replace("../../", "");
            assert_eq!(from_root(&found), from_root(&value), "{key}");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
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

/// Each pair is refused and accepted: they differ in the condition that decides.
const MISTAKES: &[(&str, Option<&str>)] = &[
    // A range with a port for each replica, and one that is a port short.
    ("ports.http = { published = \"8080-8081\", target = 80 }\ndeploy.replicas = 2", None),
    ("ports.http = { published = \"8080-8081\", target = 80 }\ndeploy.replicas = 3", Some("port-clash")),
    ("ports.http = { published = 8080, target = 80 }\nscale = 1", None),
    ("ports.http = { published = 8080, target = 80 }\nscale = 2", Some("port-clash")),
    // An address needs a subnet, unless the network is made elsewhere.
    ("networks.back.ipv4_address = \"10.0.0.5\"\n[networks.back]", Some("missing-subnet")),
    ("networks.back.ipv4_address = \"10.0.0.5\"\n[networks.back]\nexternal = false", Some("missing-subnet")),
    ("networks.back.ipv4_address = \"10.0.0.5\"\n[networks.back]\nexternal = true", None),
    ("networks.back.ipv4_address = \"10.0.0.5\"\n[networks.back]\nipam.config = [{ subnet = \"10.0.0.0/24\" }]", None),
    // All of the profiles that switch a service on must switch on what it waits for.
    ("profiles = [\"a\", \"b\"]\ndepends_on = [\"db\"]\n[services.db]\nimage = \"db:1\"", None),
    (
        "profiles = [\"a\", \"b\"]\ndepends_on = [\"db\"]\n[services.db]\nimage = \"db:1\"\nprofiles = [\"a\"]",
        Some("disabled-dependency"),
    ),
    (
        "profiles = [\"a\", \"b\"]\ndepends_on = [\"db\"]\n[services.db]\nimage = \"db:1\"\n\
             profiles = [\"c\", \"b\", \"a\"]",
        None,
    ),
    ("depends_on = [\"db\"]\n[services.db]\nimage = \"db:1\"\nprofiles = [\"a\"]", Some("disabled-dependency")),
    // Every address includes each, whichever comes first.
    (
        "ports.http = { published = 80, host_ip = \"0.0.0.0\" }\n[services.other]\nimage = \"o:1\"\nports.http = 80",
        Some("port-clash"),
    ),
    (
        "ports.http = 80\n[services.other]\nimage = \"o:1\"\nports.http = { published = 80, host_ip = \"0.0.0.0\" }",
        Some("port-clash"),
    ),
    (
        "ports.http = { published = 80, host_ip = \"127.0.0.2\" }\n[services.other]\nimage = \"o:1\"\nports.http = 80",
        None,
    ),
    // What the image of a kind holds is known, and not what another holds.
    (
        "[images]\nmimir = \"grafana/mimir:3\"\n[services.mimir]\nkind = \"mimir\"\nhealthcheck.http = \"/ready\"",
        Some("missing-program"),
    ),
    (
        "[images]\nmimir = \"grafana/mimir:3\"\n[services.mimir]\nkind = \"mimir\"\nhealthcheck.tcp = \"http\"",
        Some("missing-program"),
    ),
    ("[services.mimir]\nkind = \"mimir\"\nimage = \"own/mimir:3\"\nhealthcheck.http = \"/ready\"", None),
    // A config has one source.
    ("configs = [\"site\"]\n[configs.site]\ncontent = \"x\"", None),
    ("configs = [\"site\"]\n[configs.site]\ncontent = \"x\"\nfile = \"./x\"", Some("contradiction")),
    ("configs = [\"site\"]\n[configs.site]\nexternal = false\nfile = \"./x\"", None),
    ("configs = [\"site\"]\n[configs.site]\nexternal = false", Some("contradiction")),
    // Another file may have the image.
    ("extends = { file = \"base.yml\", service = \"base\" }", None),
    // Compose refuses two values for one thing, and a limit that is 0 in a table of others.
    ("mem_limit = \"1g\"\ndeploy.resources.limits.cpus = \"1\"", Some("contradiction")),
    ("mem_limit = 0\ndeploy.resources.limits.cpus = \"1\"", None),
    ("mem_limit = \"1g\"\ndeploy.resources.reservations.cpus = \"1\"", None),
    ("mem_limit = \"64m\"\ndeploy.resources.limits.memory = \"65536k\"", None),
    ("mem_limit = \"64m\"\ndeploy.resources.limits.memory = \"64k\"", Some("contradiction")),
    ("cpus = 1\ndeploy.resources.limits.cpus = \"1\"", None),
    ("cpus = 0.5\ndeploy.resources.limits.cpus = \"1\"", Some("contradiction")),
    ("scale = 2\ndeploy.replicas = 2", None),
    ("scale = 2\ndeploy.replicas = 3", Some("contradiction")),
    ("scale = 2\ndeploy.labels.a = \"b\"", None),
    ("cpus = \"inf\"", Some("invalid-cpus")),
    ("cpus = \"0\"", Some("invalid-cpus")),
    ("shm_size = \"k\"", Some("invalid-size")),
    ("environment.A = \"${B:?set it}\"\n[env.B]\ndescription = \"B\"", None),
    // Services that run at the same time need different names, also if one runs always.
    (
        "container_name = \"one\"\n[services.b]\nimage = \"b:1\"\ncontainer_name = \"one\"\nprofiles = [\"p\"]",
        Some("container-clash"),
    ),
    // The bounds are allowed, and so is what is there twice unless the specification says otherwise.
    ("oom_score_adj = 1000", None),
    ("oom_score_adj = -1000", None),
    ("oom_score_adj = -1001", Some("number-out-of-range")),
    ("oom_score_adj = 1001", Some("number-out-of-range")),
    ("devices = [\"/dev/null\", \"/dev/null\"]", None),
    ("group_add = [\"audio\", \"audio\"]", Some("listed-twice")),
    ("models = [\"llm\"]\n[models.llm]\ncontext_size = 1024", Some("missing-key")),
    // What only the prose and the code of Compose, Docker and its engine say of a value.
    ("mem_limit = \"1.5gb\"", None),
    ("mem_limit = \"64MiB\"", None),
    ("mem_limit = \"1 tb\"", None),
    ("mem_limit = \"10q\"", Some("invalid-size")),
    ("mem_limit = -1", Some("invalid-size")),
    ("memswap_limit = -1", None),
    ("memswap_limit = \"lots\"", Some("invalid-size")),
    ("volumes = [{ type = \"tmpfs\", target = \"/b\", tmpfs.size = \"64MiB\" }]", None),
    ("volumes = [{ type = \"tmpfs\", target = \"/b\", tmpfs.size = \"lots\" }]", Some("invalid-size")),
    ("blkio_config.device_read_bps = [{ path = \"/dev/sda\", rate = \"1q\" }]", Some("invalid-size")),
    ("blkio_config.device_read_iops = [{ path = \"/dev/sda\", rate = \"120\" }]", None),
    ("scale = -1", Some("number-out-of-range")),
    ("deploy.replicas = -1", Some("number-out-of-range")),
    ("deploy.update_config.parallelism = -1", Some("number-out-of-range")),
    ("deploy.restart_policy.max_attempts = -1", Some("number-out-of-range")),
    ("deploy.mode = \"global\"", None),
    ("deploy.mode = \"globl\"", Some("unknown-value")),
    ("deploy.endpoint_mode = \"vips\"", Some("unknown-value")),
    ("deploy.restart_policy.condition = \"any\"", None),
    ("deploy.restart_policy.condition = \"sometimes\"", Some("unknown-value")),
    ("restart = \"no\"\ndeploy.restart_policy.condition = \"any\"", Some("contradiction")),
    ("restart = \"always\"\ndeploy.restart_policy.condition = \"any\"", None),
    ("deploy.update_config.failure_action = \"stop\"", Some("unknown-value")),
    ("volumes = [{ type = \"bind\", source = \"/a\", target = \"/b\", bind.propagation = \"rshared\" }]", None),
    (
        "volumes = [{ type = \"bind\", source = \"/a\", target = \"/b\", bind.propagation = \"share\" }]",
        Some("unknown-value"),
    ),
    ("env_file = [{ path = \"a\", format = \"raw\" }]", None),
    ("env_file = [{ path = \"a\", format = \"row\" }]", Some("unknown-value")),
    ("pid = \"host\"", None),
    ("pid = \"container:x\"", None),
    ("pid = \"container:\"", Some("unknown-value")),
    ("pid = \"hst\"", Some("unknown-value")),
    ("ipc = \"shareable\"", None),
    ("ipc = \"shared\"", Some("unknown-value")),
    ("uts = \"hst\"", Some("unknown-value")),
    ("cgroup = \"hst\"", Some("unknown-value")),
    ("userns_mode = \"keep-id\"", None),
    ("userns_mode = \"hst\"", Some("unknown-value")),
    ("network_mode = \"made-elsewhere\"", None),
    ("network_mode = \"hst\"", Some("unknown-value")),
    ("isolation = \"hyper\"", Some("unknown-value")),
    ("pull_policy = \"every_1d12h\"", None),
    ("pull_policy = \"every_soon\"", Some("unknown-value")),
    ("pull_policy = \"every_\"", Some("unknown-value")),
    ("volumes_from = [\"other:ro\"]\n[services.other]\nimage = \"b:1\"", None),
    ("volumes_from = [\"container:other:rx\"]", Some("unknown-value")),
    ("dns = [\"1.1.1.1\", \"::1\"]", None),
    ("dns = \"example.org\"", Some("invalid-address")),
    (
        "networks = [\"n\"]\n[networks.n]\nipam.config = [{ subnet = \"172.30.0.0/16\", gateway = \"172.30.0.1\" }]",
        None,
    ),
    ("networks = [\"n\"]\n[networks.n]\nipam.config = [{ subnet = \"172.30.0.0/33\" }]", Some("invalid-address")),
    ("networks = [\"n\"]\n[networks.n]\nipam.config = [{ ip_range = \"172.30.0.0\" }]", Some("invalid-address")),
    (
        "networks = [\"n\"]\n[networks.n]\nipam.config = [{ aux_addresses.host = \"172.30.0\" }]",
        Some("invalid-address"),
    ),
    ("networks = [\"n\"]\n[networks.n]\nexternal = true\nname = \"m\"\nx-a = 1", None),
    ("networks = [\"n\"]\n[networks.n]\nexternal = true\ndriver = \"bridge\"", Some("contradiction")),
    ("volumes = [\"v:/v\"]\n[volumes.v]\nexternal = true\ndriver = \"local\"", Some("contradiction")),
    ("secrets = [\"s\"]\n[secrets.s]\nexternal = true\nlabels.a = \"b\"", Some("contradiction")),
    ("build = { context = \".\", dockerfile = \"D\", dockerfile_inline = \"FROM x\" }", Some("contradiction")),
    ("healthcheck = { disable = true, test = [\"CMD\", \"x\"] }", Some("contradiction")),
    ("healthcheck = { disable = false, test = [\"CMD\", \"x\"] }", None),
    ("gpus = [{ driver = \"nvidia\", count = \"all\" }]", None),
    ("gpus = [{ cout = 1 }]", Some("unknown-key")),
    ("gpus = [{ count = 1, device_ids = [\"0\"] }]", Some("contradiction")),
    ("develop.watch = [{ action = \"rebuild\", path = \".\" }]", None),
    ("develop.watch = [{ action = \"sync\", path = \".\" }]", Some("missing-key")),
    // What compose-go reads, whatever the specification says.
    ("blkio_config.weight = 300", None),
    ("blkio_config.weight = \"300\"", Some("wrong-type")),
    ("blkio_config.weight = -1", Some("number-out-of-range")),
    ("blkio_config.weight = \"${A}\"\n[env.A]\ndescription = \"A\"", Some("wrong-type")),
    ("blkio_config.weight_device = [{ path = \"/x\", weight = \"200\" }]", Some("wrong-type")),
    ("volumes = [{ type = \"tmpfs\", target = \"/x\", tmpfs.mode = 511 }]", None),
    ("volumes = [{ type = \"tmpfs\", target = \"/x\", tmpfs.mode = \"0777\" }]", Some("wrong-type")),
    ("ulimits.nofile = \"5\"", None),
    ("build = { context = \".\", ulimits.nofile = 5 }", None),
    ("build = { context = \".\", ulimits.nofile = \"5\" }", Some("wrong-type")),
    ("build = { context = \".\", ulimits.nofile = { soft = \"5\", hard = 6 } }", Some("wrong-type")),
    (
        "[services.bb]\nimage = \"own\"\n[images.own]\nref = \"own:1\"\nbuild = { context = \".\", ulimits.nofile = \"5\" }",
        Some("wrong-type"),
    ),
    ("cpu_rt_runtime = \"400000\"", None),
    ("cpu_rt_runtime = \"400ms\"", Some("wrong-type")),
    ("cpu_shares = \"1.5\"", Some("wrong-type")),
    ("oom_score_adj = \"500\"", None),
    ("oom_score_adj = \"5000\"", Some("number-out-of-range")),
    ("deploy.placement.max_replicas_per_node = -1", Some("number-out-of-range")),
    ("group_add = [1.5]", Some("wrong-type")),
    ("storage_opt.size = true", Some("wrong-type")),
    ("networks.n.priority = \"${A}\"\n[networks.n]\n[env.A]\ndescription = \"A\"", Some("wrong-type")),
    ("secrets = [{ source = \"s\", mode = \"0440\" }]\n[secrets.s]\nfile = \"./s\"", None),
    ("secrets = [{ source = \"s\", mode = \"0999\" }]\n[secrets.s]\nfile = \"./s\"", Some("wrong-type")),
    ("configs = [{ source = \"s\", mode = 1.5 }]\n[configs.s]\nfile = \"./s\"", Some("wrong-type")),
    ("labels = [\"=a\"]", Some("invalid-name")),
    ("annotations.\"\" = \"a\"", Some("invalid-name")),
    ("extra_hosts.\"\" = \"1.1.1.1\"", Some("invalid-name")),
    ("devices = [{ source = \"/dev/x\" }]", Some("missing-key")),
    ("devices = [\"/dev/x:/dev/y:r:w\"]", Some("wrong-type")),
    ("links = [\"db:x\"]\n[services.db]\nimage = \"db:1\"", None),
    ("links = [\"db:x:y\"]\n[services.db]\nimage = \"db:1\"", Some("wrong-type")),
    ("build = { context = \".\", additional_contexts = [\"x=./y\"] }", None),
    ("build = { context = \".\", additional_contexts = [\"x\"] }", Some("wrong-type")),
    ("build = { context = \".\", extra_hosts = [\"x\"] }", Some("wrong-type")),
    ("build = { context = \".\", ssh = [\"\"] }", Some("wrong-type")),
    ("build = { context = \".\", ssh = [\"x\"] }", Some("wrong-type")),
    ("build = { context = \".\", ssh = [\"default\", \"x=./y\"] }", None),
    ("build = { context = \".\", additional_contexts.x = 5 }", Some("wrong-type")),
    ("build = { context = \".\", additional_contexts.x = \"5\" }", None),
    ("build = { context = \".\", extra_hosts.x = [\"1.1.1.1\", \"1.1.1.2\"] }", None),
    ("build = { context = \".\", secrets = [{}] }", Some("missing-key")),
    ("secrets = [\"s\"]\n[secrets.s]\ndriver = \"x\"", Some("contradiction")),
    ("secrets = [\"s\"]\n[secrets.s]\ndriver = \"x\"\nfile = \"./s\"", None),
    ("mem_swappiness = \"60\"", None),
    ("mem_swappiness = \"-1\"", Some("wrong-type")),
    ("mem_swappiness = -1", None),
    (
        "build = { context = \".\", additional_contexts.x = \"service:db\" }\n[services.db]\nimage = \"db:1\"",
        Some("contradiction"),
    ),
    (
        "build = { context = \".\", additional_contexts.x = \"service:db\" }\n[services.db]\nbuild = \"db\"\nimage = \"db:1\"",
        None,
    ),
    ("platform = \"linux/amd64\"\nbuild = { context = \".\", platforms = [\"linux/arm64\"] }", Some("contradiction")),
    ("platform = \"linux/amd64\"\nbuild = { context = \".\", platforms = [\"linux/arm64\", \"linux/amd64\"] }", None),
    ("env_file = \"\"", Some("wrong-type")),
    ("develop.watch = [{ action = \"sync\", path = \".\", target = \"\" }]", Some("missing-key")),
    ("ports = [{ target = 80, host_ip = \"\" }]", Some("invalid-address")),
    // What only the engine refuses.
    (
        "networks.n.ipv4_address = \"10.0.0.5\"\n[networks.n]\nipam.config = [{ subnet = \"10.0.0.0/30\" }]",
        Some("invalid-address"),
    ),
    ("networks.n.ipv4_address = \"10.0.0.5\"\n[networks.n]\nipam.config = [{ subnet = \"10.0.0.0/29\" }]", None),
    (
        "networks.n.ipv4_address = \"10.0.0.5\"\nprofiles = [\"a\"]\n[services.bb]\nimage = \"b:1\"\nprofiles = [\"b\"]\n\
             networks.n.ipv4_address = \"10.0.0.5\"\n[networks.n]\nipam.config = [{ subnet = \"10.0.0.0/24\" }]",
        None,
    ),
    ("mac_address = \"02:42:ac:11:00:02\"", None),
    ("mac_address = \"02-42-AC-11-00-02\"", None),
    ("mac_address = \"0242.ac11.0002\"", None),
    ("mac_address = \"zz\"", Some("wrong-type")),
    ("mac_address = \"02:42:ac:11:00\"", Some("wrong-type")),
    ("devices = [\"/dev/x:/dev/y:rw\", \"vendor.com/class=all\"]", None),
    ("devices = [\"/dev/x:/dev/y:q\"]", Some("wrong-type")),
    ("devices = [{ source = \"/dev/x\", target = \"/dev/x\", permissions = \"q\" }]", Some("wrong-type")),
    ("mem_reservation = \"1g\"\nmem_limit = \"512m\"", Some("contradiction")),
    ("mem_reservation = \"1g\"\nmem_limit = \"1024m\"", None),
    ("mem_reservation = \"1g\"\nmem_limit = 0", None),
    ("mem_limit = 0\ndeploy.resources.limits.memory = \"1g\"", None),
    ("pids_limit = 0\ndeploy.resources.limits.pids = 5", None),
    ("pids_limit = 5\ndeploy.resources.limits.pids = 0", Some("contradiction")),
    ("scale = 0\ndeploy.replicas = 2", Some("contradiction")),
    ("deploy.resources = { limits.cpus = \"1\", reservations.cpus = \"1.5\" }", Some("contradiction")),
    ("deploy.resources = { limits.cpus = 10, reservations.cpus = 9 }", None),
    ("deploy = { mode = \"global\", replicas = 2 }", Some("contradiction")),
    ("deploy = { mode = \"replicated\", replicas = 2 }", None),
    // A network of the stack is joined by `networks`.
    ("network_mode = \"front\"\n[networks.front]\n[lints]\nunused-network = \"allow\"", Some("contradiction")),
    ("network_mode = \"front\"\n[networks.front]\nname = \"front\"\n[lints]\nunused-network = \"allow\"", None),
    ("network_mode = \"front\"\n[networks.front]\nexternal = true\n[lints]\nunused-network = \"allow\"", None),
    ("expose = [\"80/sctp\"]", None),
    ("volumes = [\"./d:/x:foo\"]", Some("invalid-mount")),
    // Two things at one place of the container, or under one name of a network or an image.
    ("build = \"./a\"\n[services.bb]\nimage = \"web:1\"\nbuild = \"./b\"", Some("build-clash")),
    ("build = \"./a\"\n[services.bb]\nimage = \"web:1\"\nbuild = \"./a\"", None),
    ("build = \"./a\"\n[services.bb]\nextends = \"web\"", None),
    ("build = \"./a\"\n[services.bb]\nextends = \"web\"\nbuild.target = \"b\"", Some("build-clash")),
    ("volumes = [\"/a:/x\", \"/b:/x/\"]", Some("mount-clash")),
    ("volumes = [\"/a:/x\"]\ntmpfs = [\"/x:size=1m\"]", Some("mount-clash")),
    ("volumes = [\"/a:/x\"]\ntmpfs = [\"/y\"]", None),
    ("secrets = [\"s\", \"s\"]\n[secrets.s]\nfile = \"./s\"", Some("mount-clash")),
    ("secrets = [\"s\", { source = \"s\", target = \"t\" }]\n[secrets.s]\nfile = \"./s\"", None),
    (
        "configs = [\"s\", { source = \"t\", target = \"/s\" }]\n[configs.s]\nfile = \"./s\"\n[configs.t]\nfile = \"./t\"",
        Some("mount-clash"),
    ),
    (
        "networks.n.aliases = [\"db\"]\n[services.db]\nimage = \"db:1\"\nnetworks = [\"n\"]\n[networks.n]",
        Some("alias-clash"),
    ),
    ("networks.n.aliases = [\"db\"]\n[services.db]\nimage = \"db:1\"\n[networks.n]", None),
    // Another entry of `extra_hosts` does not help.
    ("environment.A = \"host.docker.internal\"\nextra_hosts.\"host.docker.internal\" = \"host-gateway\"", None),
    ("environment.A = \"host.docker.internal\"\nextra_hosts.db = \"10.0.0.1\"", Some("missing-extra-host")),
    // A mistake in the image or the service hides what may only be its consequence.
    ("[images]\nmimir = 3\n[services.mimir]\nkind = \"mimir\"", Some("wrong-type")),
    ("[images]\nown = 3\n[services.bb]\nimage = \"own\"", Some("wrong-type")),
    ("environment.A = \"${db.nope}\"\n[services.db]\nimgae = \"db:1\"", Some("unknown-key")),
    ("imgae = \"web:1\"\naws = true\n[env.AWS_REGION]\ndescription = \"Region\"", Some("unknown-key")),
    (
        "[schema.own]\ndescription = \"Own\"\nimage = \"own:1\"\ncommand = [\"migrate\"]\naws = true\nimgae = 1\n\
             [env.AWS_REGION]\ndescription = \"Region\"",
        Some("unknown-key"),
    ),
    ("environment._A = \"1\"", None),
    ("[infrastructure]\nproject = \"a-name-with-24-characters\"\nregion = \"eu-west-1\"", Some("invalid-name")),
    ("[infrastructure]\nproject = \"name-with-24-characters-\"\nregion = \"eu-west-1\"", None),
    ("[infrastructure]\nproject = \"a_name\"\nregion = \"eu-west-1\"", Some("invalid-name")),
    ("[infrastructure]\nproject = \"name\"\nregion = \"eu-west-1\"\naws_version = \"~> 6.27, != 6.30.1-beta\"", None),
    ("[infrastructure]\nproject = \"name\"\nregion = \"eu-west-1\"\naws_version = \"6.x\"", Some("invalid-version")),
    (
        "[infrastructure]\nproject = \"name\"\nregion = \"eu-west-1\"\nterraform_version = \">> 1\"",
        Some("invalid-version"),
    ),
    ("[infrastructure]\nproject = \"name\"\nregion = \"eu-west-1\"\nterraform_version = \"\"", Some("invalid-version")),
    ("[infrastructure]\nproject = \"name\"\nregion = \"eu-West-1\"", Some("invalid-region")),
    ("[infrastructure]\nproject = \"name\"\nregion = \"euwest-1\"", Some("invalid-region")),
    // What the kind says may be repeated.
    (
        "[images]\nmimir = \"mimir:3\"\n[services.mimir]\nkind = \"mimir\"\nports.http = { target = 9009, published = 9 }",
        None,
    ),
    (
        "[images]\nmimir = \"mimir:3\"\n[services.mimir]\nkind = \"mimir\"\nports.http = { target = 9010, published = 9 }",
        Some("kind-decides"),
    ),
    // The shell that runs a test has to be in the image, not what the shell runs.
    (
        "[images]\nelasticsearch = \"es:8\"\n[services.es]\nkind = \"elasticsearch\"\n\
             healthcheck.test = [\"CMD-SHELL\", \"my-check || exit 1\"]",
        None,
    ),
    (
        "[images]\nalloy = \"alloy:v1\"\n[services.alloy]\nkind = \"alloy\"\nsettings.host_targets.\"a b\" = 9091",
        Some("missing-service invalid-name"),
    ),
    // The shell itself may be missing.
    (
        "[images]\nmimir = \"mimir:3\"\n[services.mimir]\nkind = \"mimir\"\nhealthcheck.test = [\"CMD-SHELL\", \"true\"]",
        Some("missing-program"),
    ),
    // The base of a runtime has the recipe of one.
    (
        "[images]\nserver = { ref = \"s:1\", build = { recipe = \"temporal-runtime\", base = \"own\" } }\n\
             own = { ref = \"own:1\", build.context = \"${OWN}\" }\n[services.a1]\nimage = \"server\"\n\
             [env.OWN]\ndescription = \"Own\"\ndefault = \"../own\"",
        Some("unknown-image"),
    ),
    // A store that is named has to be one, also where none is needed.
    (
        "[images]\nalloy = \"alloy:v1\"\n[services.alloy]\nkind = \"alloy\"\nsettings.metrics_store = \"web\"",
        Some("unknown-service"),
    ),
    (
        "[images]\ngrafana = \"grafana:13\"\n[services.grafana]\nkind = \"grafana\"\n[services.grafana.settings]\n\
             admin_password = \"${PASSWORD}\"\nfolders = { \"a b\" = \"A\" }\n[env.PASSWORD]\ndescription = \"P\"\nsecret = true",
        Some("invalid-name"),
    ),
    ("environment.A = \"${A}\"\n[env.A]\ndescription = \"A\"\nsecret = true\ndefault = \"x\"", Some("contradiction")),
    // Each port of a range is one of the host's, and so is what a reference falls back to.
    (
        "ports.http = { published = \"8080-8081\", target = \"80-81\" }\n[services.bb]\nimage = \"b:1\"\nports.http = 8081",
        Some("port-clash"),
    ),
    (
        "ports.http = { published = \"8080-8081\", target = \"80-81\" }\n[services.bb]\nimage = \"b:1\"\nports.http = 8082",
        None,
    ),
    (
        "ports.http = { published = \"${PORT:-8080}\", target = 80 }\n[services.bb]\nimage = \"b:1\"\nports.http = 8080\n\
             [env.PORT]\ndescription = \"Port\"",
        Some("port-clash"),
    ),
    // An alternative is not there without the variable, whatever its default.
    (
        "ports.http = { published = 8080, target = 80, host_ip = \"${IP:+10.0.0.1}\" }\n\
             [env.IP]\ndescription = \"Address\"\ndefault = \"none\"",
        None,
    ),
    // Of an endpoint with a path, there is no number.
    (
        "environment.A = \"${mimir.prometheus}\"\n[images]\nmimir = \"mimir:3\"\n[services.mimir]\nkind = \"mimir\"",
        None,
    ),
    (
        "environment.A = \"${mimir.prometheus.port}\"\n[images]\nmimir = \"mimir:3\"\n[services.mimir]\nkind = \"mimir\"",
        Some("unknown-port"),
    ),
    // An image with a mistake may also have one in what it reads, and one that is not known may have a home.
    (
        "[images.own]\nref = \"own:1\"\nreads = [\"A\"]\nraeds = [\"B\"]\n[services.bb]\nimage = \"own\"\nenvironment.B = \"1\"",
        Some("unknown-key"),
    ),
    (
        "[schema.own]\ndescription = \"Own\"\nimage = \"other\"\ncommand = [\"migrate\"]\naws = true\n\
             [env.AWS_REGION]\ndescription = \"Region\"",
        Some("unknown-image"),
    ),
];

#[test]
fn what_decides_a_mistake() {
    let codes = |services: &str| {
        let spec = format!("[stack]\nname = \"shop\"\n[profiles.dev]\n{services}");
        let run = Project::new(&spec).run(&["render"]);
        let found = run.stderr.lines().filter_map(|line| line.strip_prefix("error[")?.split(']').next());
        let found: Vec<&str> = found.collect();
        assert_eq!(run.code, Some(if found.is_empty() { 0 } else { 2 }), "{spec}\n{run:?}");
        (!found.is_empty()).then(|| found.join(" "))
    };
    let web = "[services.web]\nimage = \"web:1\"\n";
    for (spec, expected) in MISTAKES {
        assert_eq!(codes(&format!("{web}{spec}\n")).as_deref(), *expected, "{spec}");
    }
}

/// A service of a kind with these keys, as Compose gets it.
fn agent(keys: &str) -> Value {
    let spec = format!(
        "[stack]\nname = \"shop\"\n[profiles.dev]\n[images]\nalloy = \"grafana/alloy:v1\"\n\
         [services.agent]\nkind = \"alloy\"\n{keys}\n"
    );
    let project = Project::new(&spec);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
    let compose: Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    compose["services"]["agent"].clone()
}

#[test]
fn what_a_kind_fills_in_gives_way_to_the_service() {
    let service = |keys: &str| {
        let service = agent(keys);
        ["read_only", "tmpfs", "cap_drop", "cap_add"].map(|key| serde_json::to_string(&service[key]).unwrap())
    };
    for (keys, expected) in [
        ("", ["true", "[\"/tmp\"]", "[\"ALL\"]", "[\"DAC_OVERRIDE\"]"]),
        // A root that can be written needs no memory for /tmp.
        ("read_only = false", ["false", "null", "[\"ALL\"]", "[\"DAC_OVERRIDE\"]"]),
        ("tmpfs = \"/tmp:size=1m\"", ["true", "\"/tmp:size=1m\"", "[\"ALL\"]", "[\"DAC_OVERRIDE\"]"]),
        ("tmpfs = [\"/tmp\"]", ["true", "[\"/tmp\"]", "[\"ALL\"]", "[\"DAC_OVERRIDE\"]"]),
        ("tmpfs = \"/tmpfiles\"", ["true", "[\"/tmpfiles\",\"/tmp\"]", "[\"ALL\"]", "[\"DAC_OVERRIDE\"]"]),
        // Who says what is dropped says what is kept.
        ("cap_drop = [\"NET_RAW\"]", ["true", "[\"/tmp\"]", "[\"NET_RAW\"]", "null"]),
        ("cap_add = [\"NET_ADMIN\"]", ["true", "[\"/tmp\"]", "[\"ALL\"]", "[\"NET_ADMIN\",\"DAC_OVERRIDE\"]"]),
    ] {
        assert_eq!(service(keys), expected, "{keys}");
    }
}

#[test]
fn a_service_changes_the_memory_limit_of_its_kind() {
    for (keys, expected) in [
        ("", "[\"1g\",null]"),
        ("mem_limit = \"300m\"", "[\"300m\",null]"),
        ("mem_limit = 0", "[0,null]"),
        ("deploy.resources.limits.memory = \"2g\"", "[null,\"2g\"]"),
        // Next to other limits, Compose wants it there.
        ("deploy.resources.limits.cpus = \"1\"", "[null,\"1g\"]"),
    ] {
        let service = agent(keys);
        let limits = [&service["mem_limit"], &service["deploy"]["resources"]["limits"]["memory"]];
        assert_eq!(serde_json::to_string(&limits).unwrap(), expected, "{keys}");
    }
}

#[test]
fn a_port_comes_before_an_endpoint_of_its_name() {
    let address = |port: &str| {
        let spec = format!(
            "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n{port}\n\
             environment.A = \"${{web.url}}\"\n"
        );
        let project = Project::new(&spec);
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
        let compose: Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
        compose["services"]["web"]["environment"]["A"].as_str().unwrap().to_owned()
    };
    assert_eq!(address("ports.http.target = 80"), "http://web:80");
    assert_eq!(address("ports = { http.target = 80, url.target = 81 }"), "web:81");
}

/// A key of a rendered service, or of the top level, and what decides it.
#[test]
fn what_decides_an_output() {
    for (spec, path, expected) in [
        // The default network is only there if a service joins it.
        ("", &["networks", "default"][..], "{}"),
        ("network_mode = \"none\"", &["networks"], "null"),
        (
            "volumes = [\"./a:/b:z,rslave,rw,cached\"]",
            &["services", "web", "volumes"],
            "[{type: bind, source: ../../a, target: /b, bind: {selinux: z, propagation: rslave, create_host_path: false}}]",
        ),
        (
            "[x-site]\nversion = 1.10\nnames = [\"a\", { b = \"${C}\" }]\n[env.C]\ndescription = \"C\"",
            &["x-site"],
            "{version: 1.1, names: [a, {b: '${C:-}'}]}",
        ),
        (
            "extends = \"db\"\nenvironment = [\"A\"]\n[services.db]\nimage = \"db:1\"\nenvironment = { A = \"${A}\", B = \"1\" }\n\
          [env.A]\ndescription = \"A\"",
            &["services", "web", "environment"],
            "{A: null, B: '1'}",
        ),
        ("storage_opt.size = 1.10", &["services", "web", "storage_opt"], "{size: '1.10'}"),
        (
            "secrets = [\"s\"]\n[secrets.s]\nfile = \"./s\"\ndriver_opts.x = 1.5",
            &["secrets", "s", "driver_opts"],
            "{x: '1.5'}",
        ),
        // As Compose reads it.
        ("networks = []", &["services", "web", "networks"], "[default]"),
        // The user's address comes before the kind's.
        (
            "[images]\nalloy = \"alloy:1\"\nmimir = \"mimir:3\"\n[services.mimir]\nkind = \"mimir\"\n\
             [services.alloy]\nkind = \"alloy\"\nextra_hosts.\"host.docker.internal\" = \"10.0.0.1\"\n\
             settings.host_targets.app = 9091",
            &["services", "alloy", "extra_hosts"],
            "{host.docker.internal: 10.0.0.1}",
        ),
        (
            "[schema.own]\ndescription = \"Own\"\nimage = \"own:1\"\nentrypoint = [\"/bin/own\"]\ncommand = [\"migrate\"]",
            &["services", "schema-own", "entrypoint"],
            "[/bin/own]",
        ),
        (
            "ports.http.target = 80\nhealthcheck = { tcp = \"http\", probe = \"nc\" }",
            &["services", "web", "healthcheck", "test"],
            "[CMD, nc, -z, 127.0.0.1, '80']",
        ),
        (
            "ports.http.target = 80\nhealthcheck = { tcp = \"http\", probe = \"python3\" }",
            &["services", "web", "healthcheck", "test"],
            "[CMD, python3, -c, 'import socket; socket.create_connection((\"127.0.0.1\", 80), 4).close()']",
        ),
        ("extra_hosts.db = [\"10.0.0.1\", \"::1\"]", &["services", "web", "extra_hosts"], "{db: [10.0.0.1, '::1']}"),
        // Only a reference may hold a colon.
        (
            "volumes = [\"./a{b:/c\", \"${D:-./d}:/d\"]\n[env.D]\ndescription = \"D\"",
            &["services", "web", "volumes"],
            "[{type: bind, source: '../../a{b', target: /c, bind: {create_host_path: false}}, \
              {type: bind, source: '${D:-../../d}', target: /d, bind: {create_host_path: false}}]",
        ),
        // A variable without a value is left out.
        (
            "[images]\ngrafana = \"grafana:13\"\n[services.grafana]\nkind = \"grafana\"\n\
             settings = { admin_password = \"${PASSWORD}\", plugins = [] }\n[env.PASSWORD]\ndescription = \"P\"\nsecret = true",
            &["services", "grafana", "environment", "GF_PLUGINS_PREINSTALL_SYNC"],
            "null",
        ),
        // Of a table, what the kind says is added.
        (
            "[images]\nelasticsearch = \"es:8\"\n[services.es]\nkind = \"elasticsearch\"\nulimits.nproc = 10",
            &["services", "es", "ulimits"],
            "{nproc: 10, nofile: {soft: 65536, hard: 65536}}",
        ),
        (
            "[images]\nelasticsearch = \"es:8\"\n[services.es]\nkind = \"elasticsearch\"\nulimits = { nproc = 10, nofile = 5 }",
            &["services", "es", "ulimits"],
            "{nproc: 10, nofile: 5}",
        ),
    ] {
        let spec = format!("[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n{spec}\n");
        let project = Project::new(&spec);
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
        let compose: Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
        let found = path.iter().fold(&compose, |value, key| &value[*key]);
        assert_eq!(*found, serde_yaml::from_str::<Value>(expected).unwrap(), "{spec}");
    }
}
