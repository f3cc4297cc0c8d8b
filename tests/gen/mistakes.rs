//! The mistakes that hand-made versions of this stack contain, one test each: either a diagnostic refuses the spec,
//! or the outputs of the reference spec, read by real parsers, can't have it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use hcl::{Attribute, Block, Body, Expression};
use serde_yaml::Value;
use stackgen::Plan;
use stackgen::model::ImageRecipe;

use super::project::{Project, REFERENCE};

/// A plan and its files by path, without the folder of the profile.
struct Rendered {
    plan: Plan,
    files: BTreeMap<String, String>,
}

static STACK: LazyLock<Rendered> = LazyLock::new(|| render(REFERENCE));

fn render(spec: &str) -> Rendered {
    let plan = super::artifacts::plan(spec);
    let files = plan
        .files()
        .map(|file| {
            let file = file.unwrap();
            (file.path.as_str().trim_start_matches("generated/dev/").to_owned(), file.contents)
        })
        .collect();
    Rendered { plan, files }
}

fn file(path: &str) -> &'static str {
    STACK.files.get(path).unwrap_or_else(|| panic!("no output `{path}` among {:?}", STACK.files.keys()))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(file(path)).unwrap()
}

fn terraform(name: &str) -> Body {
    hcl::from_str(file(&format!("terraform/dev/{name}"))).unwrap()
}

/// Compose's services by name.
fn services() -> BTreeMap<String, Value> {
    let compose = yaml("docker-compose.yml");
    let services = compose["services"].as_mapping().unwrap();
    services.iter().map(|(name, service)| (name.as_str().unwrap().to_owned(), service.clone())).collect()
}

/// The services that run a Temporal server.
fn servers() -> BTreeMap<String, Value> {
    let servers: BTreeSet<&str> =
        STACK.plan.stack().clusters.iter().flat_map(|cluster| &cluster.services).map(String::as_str).collect();
    assert_eq!(servers.len(), 5);
    services().into_iter().filter(|(name, _)| servers.contains(name.as_str())).collect()
}

fn environment(service: &Value) -> BTreeMap<String, String> {
    let entries = service["environment"].as_mapping();
    entries.into_iter().flatten().map(|(name, value)| (text(name), text(value))).collect()
}

fn list(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().map(text).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is no string")).to_owned()
}

/// The names between `${` and `}`, `:` or the end of the name.
fn references(text: &str) -> BTreeSet<String> {
    let pieces = text.match_indices("${").map(|(at, _)| &text[at + 2..]);
    pieces.map(|rest| rest.chars().take_while(|&c| c.is_ascii_alphanumeric() || c == '_').collect()).collect()
}

/// The variables of `.env.example`.
fn variables() -> BTreeMap<String, String> {
    let lines = file(".env.example").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Every path of keys that leads to a scalar.
fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                leaves(value, &format!("{path}.{}", text(key)), found);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                leaves(item, &format!("{path}[]"), found);
            }
        }
        _ => _ = found.insert(path.trim_start_matches('.').to_owned()),
    }
}

fn blocks<'b>(body: &'b Body, identifier: &str, label: &str) -> Vec<&'b Block> {
    let found: Vec<&Block> = body
        .blocks()
        .filter(|block| block.identifier() == identifier)
        .filter(|block| label.is_empty() || block.labels().first().is_some_and(|first| first.as_str() == label))
        .collect();
    assert!(!found.is_empty(), "no {identifier} {label}");
    found
}

fn attribute<'b>(block: &'b Block, key: &str) -> Option<&'b Expression> {
    block.body().attributes().find(|attribute| attribute.key() == key).map(Attribute::expr)
}

/// A spec with the mistake is refused with this code, at a line of the spec and with a way out; nothing is written.
fn refused_as(code: &str) {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(code).join("stack.toml");
    let spec = std::fs::read_to_string(spec).unwrap();
    let project = Project::new(&spec);
    let run = project.run(&["check", "--format", "json"]);
    assert_eq!(run.code, Some(2), "{code}: {run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let found: Vec<&serde_json::Value> = report["diagnostics"].as_array().unwrap().iter().collect();
    assert!(found.iter().any(|diagnostic| diagnostic["code"] == code), "{code}: {report:#}");
    for diagnostic in found {
        let place = &diagnostic["labels"][0];
        assert_eq!(place["path"], "spec/stack.toml", "{diagnostic:#}");
        assert!((1..=spec.lines().count() as u64).contains(&place["line"].as_u64().unwrap()), "{diagnostic:#}");
        assert!(diagnostic["help"].as_str().is_some_and(|help| !help.is_empty()), "{diagnostic:#}");
    }
    assert_eq!(project.run(&["render"]).code, Some(2), "{code}");
    assert!(project.outputs().is_empty(), "{code}");
}

#[test]
fn one_clusters_server_dials_the_other_ones_frontend() {
    // The template is shared, so it names no service; a server finds its own frontend by membership.
    let template = file("docker/persistence-dsql.template.yaml");
    for service in services().keys().filter(|name| *name != "elasticsearch") {
        assert!(!template.contains(service.as_str()), "{service}");
    }
    let config = yaml("docker/persistence-dsql.template.yaml");
    assert_eq!(config["publicClient"], Value::Null);
    for (name, service) in servers() {
        for (variable, value) in environment(&service) {
            assert!(!value.contains("frontend"), "{name} {variable}={value}");
        }
    }
}

#[test]
fn an_index_has_three_names_of_which_two_get_no_mappings() {
    refused_as("index-outside-template");
    refused_as("index-clash");
    let setup = list(&services()["elasticsearch-setup"]["command"]).concat();
    let created: Vec<&str> =
        setup.lines().filter_map(|line| line.split("create-index --index ").nth(1)).map(str::trim).collect();
    let mut used = BTreeSet::new();
    for cluster in &STACK.plan.stack().clusters {
        for member in &cluster.services {
            let index = environment(&servers()[member])["TEMPORAL_ELASTICSEARCH_INDEX"].clone();
            assert_eq!(Some(index.as_str()), cluster.server.index(), "{member}");
            // The pattern of Temporal's index template.
            assert!(index.starts_with("temporal_visibility_v1"), "{member}: {index}");
            assert!(created.contains(&index.as_str()), "{member}: {index} is not among {created:?}");
            used.insert(index);
        }
    }
    assert_eq!(created.len(), used.len());
    // No file has a third one.
    for (path, contents) in &STACK.files {
        for (at, _) in contents.match_indices("temporal_visibility_v1") {
            let name: String =
                contents[at..].chars().take_while(|&c| c.is_ascii_alphanumeric() || "_-.".contains(c)).collect();
            assert!(used.contains(&name), "{path}: {name}");
        }
    }
}

#[test]
fn a_healthcheck_probes_a_port_nobody_listens_on() {
    refused_as("unknown-port");
    let mut probes = 0;
    for service in &STACK.plan.stack().services {
        let test = list(&services()[&service.name]["healthcheck"]["test"]);
        // A URL's port, or an argument that is a number.
        let ports = test.iter().filter_map(|word| match word.split_once("://") {
            Some((_, rest)) => {
                rest.split(':').nth(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
            }
            None => Some(word.clone()).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit())),
        });
        for port in ports.collect::<Vec<String>>() {
            probes += 1;
            let listens = service.ports.iter().any(|known| known.target.to_string() == port);
            assert!(listens, "{} probes {port}: {test:?}", service.name);
        }
    }
    assert!(probes >= 10, "{probes} probes of a port");
}

#[test]
fn a_reference_is_handed_to_a_program_without_a_shell() {
    refused_as("no-shell");
    for (name, service) in services() {
        let [entrypoint, command, test] =
            [&service["entrypoint"], &service["command"], &service["healthcheck"]["test"]].map(list);
        let shell =
            entrypoint.first().is_some_and(|program| program == "sh") || test.first().is_some_and(|t| t == "CMD-SHELL");
        for word in entrypoint.iter().chain(&command).chain(&test) {
            assert!(shell || !word.contains("$$"), "{name}: {word}");
        }
    }
}

#[test]
fn a_documented_url_answers_404() {
    // What answers a GET with 200; everything else of these programs is a guess.
    const ANSWERS: [(&str, &str); 9] = [
        ("elasticsearch", "/"),
        ("temporal-frontend", "/api/v1/system-info"),
        ("temporal-ui", "/"),
        ("mimir", "/"),
        ("loki", "/ready"),
        ("alloy", "/"),
        ("grafana", "/"),
        ("copilot-ui", "/"),
        ("copilot-api", "/status"),
    ];
    let urls: BTreeSet<String> = ANSWERS
        .iter()
        .map(|(name, path)| {
            let service = STACK.plan.stack().services.iter().find(|service| service.name == *name).unwrap();
            let published = service.port("http").unwrap().published.as_ref().unwrap().number().unwrap();
            format!("http://localhost:{published}{path}")
        })
        // Grafana shows a dashboard at its UID.
        .chain(["server", "persistence", "copilot"].map(|uid| format!("http://localhost:3000/d/{uid}")))
        .collect();
    let readme = file("README.md");
    let mut found = BTreeSet::new();
    for (at, _) in readme.match_indices("http://localhost:") {
        let url: String = readme[at..].chars().take_while(|&c| !c.is_whitespace() && !">)`|\"".contains(c)).collect();
        assert!(urls.contains(&url), "{url}");
        found.insert(url);
    }
    assert_eq!(found, urls);
}

/// The lines of the README's shell blocks.
fn documented_commands() -> Vec<&'static str> {
    let mut commands = Vec::new();
    let mut shell = false;
    for line in file("README.md").lines() {
        match line.strip_prefix("```") {
            Some(language) => shell = language == "sh",
            None if shell => commands.push(line),
            None => {}
        }
    }
    commands
}

#[test]
fn the_first_documented_command_only_prints_help() {
    let commands = documented_commands();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        // A program that has sub-commands is given one.
        let mut words = command.split_whitespace().filter(|word| !word.starts_with('-'));
        let program = words.next().unwrap();
        if ["gen", "just", "make", "docker", "terraform"].contains(&program) {
            assert!(words.next().is_some(), "{command}");
        }
        assert!(!command.ends_with("docker compose") && !command.contains("--help"), "{command}");
    }
}

#[test]
fn a_service_starts_before_its_schema_exists() {
    refused_as("missing-service");
    refused_as("never-completed");
    let services = services();
    let setup = "elasticsearch-setup";
    assert_eq!(services[setup]["depends_on"]["elasticsearch"]["condition"], "service_healthy");
    assert_eq!(services[setup]["restart"], "no");
    for (name, server) in servers() {
        assert_eq!(server["depends_on"][setup]["condition"], "service_completed_successfully", "{name}");
    }
    // Compose can't wait for DSQL's schema: the docs have it before the start.
    let commands = documented_commands();
    let schema = commands.iter().position(|command| command.contains("schema")).unwrap();
    let start = commands.iter().position(|command| command.split(' ').any(|word| word == "up")).unwrap();
    assert!(schema < start, "{commands:#?}");
}

#[test]
fn a_terraform_variable_is_set_by_nobody() {
    for variable in blocks(&terraform("variables.tf"), "variable", "") {
        assert!(attribute(variable, "default").is_some(), "{:?}", variable.labels());
    }
}

#[test]
fn an_ephemeral_bucket_holds_objects_and_stays() {
    let main = terraform("main.tf");
    let buckets = ["aws_s3_bucket", "aws_s3vectors_vector_bucket"].map(|kind| blocks(&main, "resource", kind));
    for bucket in buckets.into_iter().flatten() {
        assert_eq!(attribute(bucket, "force_destroy"), Some(&Expression::Bool(true)), "{:?}", bucket.labels());
    }
    for cluster in blocks(&main, "resource", "aws_dsql_cluster") {
        let protected = attribute(cluster, "deletion_protection_enabled");
        assert_eq!(protected, Some(&Expression::Bool(false)), "{:?}", cluster.labels());
    }
}

#[test]
fn the_knowledge_base_is_created_before_its_roles_policies() {
    let main = terraform("main.tf");
    let policies: Vec<String> = blocks(&main, "resource", "aws_iam_role_policy")
        .iter()
        .map(|policy| policy.labels().iter().map(hcl::BlockLabel::as_str).collect::<Vec<_>>().join("."))
        .collect();
    for base in blocks(&main, "resource", "aws_bedrockagent_knowledge_base") {
        let waits = hcl::format::to_string(attribute(base, "depends_on").unwrap()).unwrap();
        for policy in &policies {
            assert!(waits.contains(policy.as_str()), "{policy}: {waits}");
        }
    }
}

#[test]
fn a_scrape_target_never_resolves_on_linux() {
    const HOST: &str = "host.docker.internal";
    refused_as("missing-extra-host");
    assert!(file("config/alloy.alloy").contains(HOST));
    assert_eq!(services()["alloy"]["extra_hosts"][HOST], "host-gateway");
    // The other targets are services with that port.
    for alloy in &STACK.plan.stack().alloys {
        assert!(alloy.targets.iter().any(|target| target.address.name().is_some()));
        for address in alloy.targets.iter().map(|target| &target.address) {
            let Some(name) = address.name() else { continue };
            let service = STACK.plan.stack().services.iter().find(|service| service.name == name).unwrap();
            assert!(service.ports.iter().any(|known| known.target == address.port), "{address}");
        }
    }
}

#[test]
fn a_missing_source_of_a_bind_mount_becomes_a_folder() {
    let mut binds = 0;
    for (name, service) in services() {
        for mount in service["volumes"].as_sequence().into_iter().flatten() {
            // The short form would create it.
            assert!(mount.is_mapping(), "{name}: {mount:?}");
            if mount["type"] == "bind" {
                binds += 1;
                assert_eq!(mount["bind"]["create_host_path"], false, "{name}: {mount:?}");
            }
        }
    }
    assert!(binds > 10, "{binds}");
}

#[test]
fn a_variable_of_the_template_is_not_required() {
    let placeholders = references(file("docker/persistence-dsql.template.yaml"));
    assert_eq!(placeholders.len(), 16, "{placeholders:?}");
    for (name, server) in servers() {
        let environment = environment(&server);
        for placeholder in &placeholders {
            assert!(environment.get(placeholder).is_some_and(|value| !value.is_empty()), "{name}: {placeholder}");
        }
    }
    // The entrypoint reads the list from the template: it has none of its own that could lag behind.
    let entrypoint = file("docker/render-and-start.sh");
    for placeholder in &placeholders {
        assert!(!entrypoint.contains(placeholder.as_str()), "{placeholder}");
    }
}

#[test]
fn a_variable_of_the_users_env_is_overruled() {
    refused_as("shadowed-variable");
    refused_as("default-conflict");
    let variables = variables();
    for (name, service) in services() {
        for (variable, value) in environment(&service) {
            assert!(!variables.contains_key(&variable) || value.starts_with("${"), "{name}: {variable}={value}");
        }
    }
}

#[test]
fn a_variable_is_set_and_read_by_nobody() {
    // What Temporal's DSQL plugin and the AWS SDK read, besides the template's placeholders.
    const READ: [&str; 14] = [
        "DSQL_TOKEN_DURATION",
        "DSQL_STAGGERED_STARTUP",
        "DSQL_RESERVOIR_ENABLED",
        "DSQL_RESERVOIR_TARGET_READY",
        "DSQL_RESERVOIR_BASE_LIFETIME",
        "DSQL_RESERVOIR_LIFETIME_JITTER",
        "DSQL_RESERVOIR_GUARD_WINDOW",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "HOME",
    ];
    refused_as("unread-variable");
    refused_as("undeclared-variable");
    let server = "[services.temporal-history]\n";
    let spec =
        REFERENCE.replacen(server, &format!("{server}environment.AWS_DEFAULT_REGION = \"${{AWS_REGION}}\"\n"), 1);
    let run = Project::new(spec).run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "what a service that uses AWS reads");
    let compose = file("docker-compose.yml");
    let variables: BTreeSet<String> = variables().into_keys().collect();
    let mut in_compose = references(compose);
    // Secrets name theirs.
    in_compose.extend(compose.lines().filter_map(|line| Some(line.strip_prefix("    environment: ")?.to_owned())));
    assert_eq!(in_compose.difference(&variables).collect::<Vec<_>>(), Vec::<&String>::new(), "not in .env.example");
    // The rest says where the source trees are that images are built from.
    let trees: BTreeSet<&str> = STACK
        .plan
        .stack()
        .builds
        .iter()
        .filter_map(|build| match &build.recipe {
            ImageRecipe::TemporalDsql(tree, _) | ImageRecipe::Own(tree) => Some(tree.variable.as_str()),
            ImageRecipe::TemporalRuntime(_) => None,
        })
        .collect();
    for variable in variables.difference(&in_compose) {
        assert!(trees.contains(variable.as_str()), "{variable}");
    }

    let placeholders = references(file("docker/persistence-dsql.template.yaml"));
    for (name, server) in servers() {
        for variable in environment(&server).keys() {
            assert!(placeholders.contains(variable) || READ.contains(&variable.as_str()), "{name}: {variable}");
        }
    }
}

#[test]
fn a_server_setting_is_ignored_because_there_is_none() {
    // The keys of Temporal 1.31.2 that the template uses; the server drops any other without a word.
    const KEYS: [&str; 35] = [
        "log.stdout",
        "log.level",
        "persistence.defaultStore",
        "persistence.visibilityStore",
        "persistence.numHistoryShards",
        "persistence.datastores.*.sql.pluginName",
        "persistence.datastores.*.sql.databaseName",
        "persistence.datastores.*.sql.connectAddr",
        "persistence.datastores.*.sql.connectProtocol",
        "persistence.datastores.*.sql.user",
        "persistence.datastores.*.sql.maxConns",
        "persistence.datastores.*.sql.maxIdleConns",
        "persistence.datastores.*.sql.maxConnLifetime",
        "persistence.datastores.*.sql.tls.enabled",
        "persistence.datastores.*.sql.tls.enableHostVerification",
        "persistence.datastores.*.sql.tls.serverName",
        "persistence.datastores.*.elasticsearch.version",
        "persistence.datastores.*.elasticsearch.url.scheme",
        "persistence.datastores.*.elasticsearch.url.host",
        "persistence.datastores.*.elasticsearch.indices.visibility",
        "global.membership.maxJoinDuration",
        "global.metrics.prometheus.framework",
        "global.metrics.prometheus.listenAddress",
        "services.*.rpc.grpcPort",
        "services.*.rpc.membershipPort",
        "services.*.rpc.httpPort",
        "clusterMetadata.enableGlobalNamespace",
        "clusterMetadata.failoverVersionIncrement",
        "clusterMetadata.masterClusterName",
        "clusterMetadata.currentClusterName",
        "clusterMetadata.clusterInformation.*.enabled",
        "clusterMetadata.clusterInformation.*.initialFailoverVersion",
        "clusterMetadata.clusterInformation.*.rpcAddress",
        "dynamicConfigClient.filepath",
        "dynamicConfigClient.pollInterval",
    ];
    refused_as("unknown-setting");
    let mut used = BTreeSet::new();
    leaves(&yaml("docker/persistence-dsql.template.yaml"), "", &mut used);
    for path in used {
        let steps: Vec<&str> = path.split('.').collect();
        let known = KEYS.iter().any(|key| {
            let key: Vec<&str> = key.split('.').collect();
            key.len() == steps.len() && key.iter().zip(&steps).all(|(key, step)| *key == "*" || key == step)
        });
        assert!(known, "{path}");
    }
}

#[test]
fn a_region_is_fixed_in_one_file_and_variable_in_the_rest() {
    const REGION: &str = "eu-west-1";
    assert_eq!(REFERENCE.matches(REGION).count(), 1);
    let elsewhere = render(&REFERENCE.replace(REGION, "us-east-2"));
    for (path, contents) in &elsewhere.files {
        assert!(!contents.contains(REGION), "{path}");
    }
    // Only defaults name it: what the user or Terraform's caller sets wins everywhere.
    for (name, service) in services() {
        for (variable, value) in environment(&service) {
            assert!(
                !value.contains(REGION) || value == format!("${{AWS_REGION:-{REGION}}}"),
                "{name}: {variable}={value}"
            );
        }
    }
    for (path, contents) in STACK
        .files
        .iter()
        .filter(|(path, _)| path.starts_with("config/") || path.ends_with("/main.tf") || path.ends_with("/outputs.tf"))
    {
        assert!(!contents.contains(REGION), "{path}");
    }
}

#[test]
fn log_positions_are_lost_with_a_flag_or_a_volume() {
    let alloy = &services()["alloy"];
    let command = list(&alloy["command"]);
    let path = command.iter().find_map(|word| word.strip_prefix("--storage.path=")).unwrap();
    let mounts = alloy["volumes"].as_sequence().unwrap();
    let volume = mounts.iter().find(|mount| mount["target"] == path).unwrap();
    assert_eq!(volume["type"], "volume");
    assert!(yaml("docker-compose.yml")["volumes"].get(text(&volume["source"])).is_some());
}

#[test]
fn a_tag_is_latest() {
    refused_as("latest-tag");
    refused_as("untagged-image");
    let tagged = |image: &str| {
        let tag = image.rsplit('/').next().unwrap().split_once(':').map(|(_, tag)| tag);
        tag.is_some_and(|tag| !tag.is_empty() && tag != "latest")
    };
    for (name, service) in services() {
        assert!(tagged(&text(&service["image"])), "{name}: {:?}", service["image"]);
    }
    for path in ["docker/Dockerfile", "docker/base.Dockerfile"] {
        let mut stages: Vec<&str> = Vec::new();
        for line in file(path).lines().filter(|line| line.starts_with("FROM ")) {
            let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with("--")).collect();
            assert!(stages.contains(&words[1]) || tagged(words[1]), "{path}: {line}");
            stages.extend(words.get(3));
        }
        assert!(file(path).contains("FROM "), "{path}");
    }
}

#[test]
fn every_port_is_open_to_the_network() {
    let mut ports = 0;
    for (name, service) in services() {
        for port in service["ports"].as_sequence().into_iter().flatten() {
            ports += 1;
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}: {port:?}");
        }
    }
    assert_eq!(ports, 14);
    refused_as("exposed-secret");
    let password = &environment(&services()["grafana"])["GF_SECURITY_ADMIN_PASSWORD"];
    assert_eq!(password, "$$__file{/run/secrets/grafana-admin_password}");
    // No container has it in its environment.
    let compose = file("docker-compose.yml");
    let named: Vec<&str> = compose.lines().filter(|line| line.contains("GRAFANA_ADMIN_PASSWORD")).collect();
    assert_eq!(named, ["    environment: GRAFANA_ADMIN_PASSWORD"]);
    // A secret has no default that would be committed.
    assert_eq!(variables()["GRAFANA_ADMIN_PASSWORD"], "");
}

#[test]
fn a_container_may_do_more_than_it_needs() {
    let mut socket = Vec::new();
    let mut writable = Vec::new();
    for (name, service) in services() {
        assert_eq!(list(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        // The image of the copilot's own schema is not known here, and neither is what it needs.
        let dropped = list(&service["cap_drop"]);
        assert!(dropped == ["ALL"] || name == "schema-copilot-app", "{name}: {dropped:?}");
        assert!(service["cap_add"].is_null() || name == "alloy", "{name}");
        assert!(service["privileged"].is_null(), "{name}");
        if service["read_only"].as_bool() == Some(true) {
            assert!(list(&service["tmpfs"]).contains(&"/tmp".to_owned()), "{name} has nowhere to write");
        } else {
            writable.push(name.clone());
        }
        let mounts = service["volumes"].as_sequence().cloned().unwrap_or_default();
        if mounts.iter().any(|mount| text(&mount["source"]).ends_with("docker.sock")) {
            socket.push(name);
        }
    }
    // Alloy reads the containers' logs, the worker restarts containers.
    assert_eq!(socket, ["alloy", "copilot-worker"]);
    // Those that write to their own image, or whose image is not known here.
    assert_eq!(
        writable,
        [
            "copilot-api",
            "copilot-temporal",
            "copilot-ui",
            "copilot-worker",
            "elasticsearch",
            "grafana",
            "schema-copilot-app",
            "temporal-frontend",
            "temporal-history",
            "temporal-matching",
            "temporal-ui",
            "temporal-worker",
        ]
    );
}

#[test]
fn a_collector_without_logs_has_the_socket_all_the_same() {
    let spec = REFERENCE.replace(
        "[profiles.dev]",
        "[profiles.dev]\nremove = [\"services.loki\", \"datasources.loki\", \"services.copilot-worker\", \
         \"dashboards.copilot\", \"services.grafana.settings.folders.copilot\"]",
    );
    let rendered = render(&spec);
    let compose: Value = serde_yaml::from_str(&rendered.files["docker-compose.yml"]).unwrap();
    assert!(!rendered.files["config/alloy.alloy"].contains("discovery.docker"));
    assert!(!serde_yaml::to_string(&compose["services"]["alloy"]).unwrap().contains("docker.sock"));
}
