//! Every artifact of the reference stack, read back by a parser of its language and compared with the model.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_yaml::Value;
use stackgen::Plan;
use stackgen::model::service::Healthcheck;
use stackgen::model::text::{Operator, Segment, Text};
use stackgen::spec::source::Sources;

use super::project::{Project, REFERENCE, files_of};
use super::read_back::{alloy_as_hcl, compose};

/// Adds the files that belong to a spec besides.
pub fn push_files(sources: &mut Sources, spec: &str) {
    for (path, text) in files_of(spec.as_bytes()) {
        if camino::Utf8Path::new(path).extension() == Some("toml") {
            sources.push(path, text.to_owned());
        } else {
            sources.push_template(path, Ok(text.to_owned()));
        }
    }
}

/// Plans a spec in this process.
pub fn plan(spec: &str) -> Plan {
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", spec.to_owned());
    push_files(&mut sources, spec);
    stackgen::plan(&sources, None).unwrap_or_else(|problems| panic!("{problems:#?}")).pop().unwrap()
}

/// Every file of a plan by its path.
pub fn files(plan: &Plan) -> BTreeMap<String, String> {
    plan.files().map(|file| file.unwrap()).map(|file| (file.path.into_string(), file.contents)).collect()
}

pub fn yaml(files: &BTreeMap<String, String>, path: &str) -> Value {
    serde_yaml::from_str(&files[path]).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn hcl(files: &BTreeMap<String, String>, path: &str) -> serde_json::Value {
    hcl::from_str(&files[path]).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_sequence().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_compose_file_says_what_the_model_says() {
    let plan = plan(REFERENCE);
    let file = yaml(&files(&plan), "generated/dev/docker-compose.yml");
    let stack = plan.stack();
    assert_eq!(file["name"], stack.project.as_str());
    let services = file["services"].as_mapping().unwrap();
    let names: Vec<&str> = services.keys().map(|key| key.as_str().unwrap()).collect();
    let all = || stack.services.iter().chain(&stack.schema_services);
    assert_eq!(names, all().map(|service| service.name.as_str()).collect::<Vec<_>>());
    assert_eq!(stack.services.len(), 17);
    for service in all() {
        let found = &file["services"][service.name.as_str()];
        assert_eq!(found["image"], compose(service.image.as_ref().unwrap()).as_str());
        let name = service.profiles.is_empty().then_some(service.name.as_str());
        assert_eq!((found["container_name"].as_str(), found["hostname"].as_str()), (name, name));
        assert_eq!(found["platform"], "linux/arm64");
        assert_eq!(found["restart"], compose(&service.restart).as_str());
        let environment: Vec<(String, String)> = found["environment"]
            .as_mapping()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned()))
            .collect();
        let expected: Vec<(String, String)> =
            service.environment.iter().map(|(name, text)| (name.clone(), compose(text))).collect();
        assert_eq!(environment, expected, "{}", service.name);
        let ports: Vec<(String, String, u64)> = found["ports"]
            .as_sequence()
            .into_iter()
            .flatten()
            .map(|port| {
                let text = |key: &str| port[key].as_str().unwrap().to_owned();
                (text("host_ip"), text("published"), port["target"].as_u64().unwrap())
            })
            .collect();
        let expected: Vec<(String, String, u64)> = service
            .ports
            .iter()
            .filter_map(|port| {
                let published = port.published.as_ref()?;
                Some((compose(&published.host_ip), compose(published.port.as_ref()?), port.target.into()))
            })
            .collect();
        assert_eq!(ports, expected, "{}", service.name);
        let depends_on: Vec<(&str, &str)> = found["depends_on"]
            .as_mapping()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str().unwrap(), value["condition"].as_str().unwrap()))
            .collect();
        let expected: Vec<(&str, &str)> = service
            .depends_on
            .iter()
            .map(|dependency| (dependency.service.as_str(), dependency.condition.as_str()))
            .collect();
        assert_eq!(depends_on, expected, "{}", service.name);
        let mounts = found["volumes"].as_sequence().map_or(0, Vec::len);
        assert_eq!(mounts, service.mounts.len(), "{}", service.name);
        match &service.healthcheck {
            Some(Healthcheck::Probe(probe)) => {
                let test = strings(&found["healthcheck"]["test"]);
                assert_eq!(test[0], "CMD", "{}", service.name);
                assert_eq!(found["healthcheck"]["interval"], compose(probe.interval.as_ref().unwrap()).as_str());
            }
            _ => assert!(found["healthcheck"].is_null(), "{}", service.name),
        }
    }
    let volumes: Vec<&str> = file["volumes"].as_mapping().unwrap().keys().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(volumes, stack.volumes.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>());
    assert!(file["networks"]["temporal-network"].is_mapping());
}

#[test]
fn the_services_depend_and_are_probed_as_the_reference_says() {
    let file = yaml(&files(&plan(REFERENCE)), "generated/dev/docker-compose.yml");
    let test = |service: &str| strings(&file["services"][service]["healthcheck"]["test"]).join(" ");
    assert_eq!(test("temporal-worker"), "CMD nc -z temporal-worker 7239");
    assert_eq!(test("copilot-temporal"), "CMD nc -z copilot-temporal 7233");
    assert_eq!(test("loki"), "CMD /usr/bin/loki -health");
    assert!(test("grafana").ends_with("http://127.0.0.1:3000/api/health"));
    assert!(test("temporal-ui").ends_with("http://127.0.0.1:8080/healthz"));
    assert_eq!(test("copilot-worker"), "CMD python /etc/copilot/poller.py copilot-task-queue");
    assert!(test("copilot-api").contains("http://127.0.0.1:8080/status"));
    for silent in ["mimir", "alloy", "elasticsearch-setup"] {
        assert!(file["services"][silent]["healthcheck"].is_null(), "{silent}");
    }
    let elasticsearch = &file["services"]["elasticsearch"]["healthcheck"];
    assert_eq!((elasticsearch["interval"].as_str(), elasticsearch["retries"].as_u64()), (Some("5s"), Some(60)));
    assert_eq!(file["services"]["elasticsearch-setup"]["restart"], "no");
    assert_eq!(file["services"]["alloy"]["extra_hosts"]["host.docker.internal"], "host-gateway");
}

/// A variable of a kind whose text refers to something that isn't there is left out.
#[test]
fn what_a_kind_refers_to_may_be_missing() {
    let variables = |spec: &str, service: &str| -> Vec<String> {
        let file = yaml(&files(&plan(spec)), "generated/dev/docker-compose.yml");
        file["services"][service]["environment"]
            .as_mapping()
            .unwrap()
            .keys()
            .map(|key| key.as_str().unwrap().to_owned())
            .collect()
    };
    let has = |spec: &str, service: &str, name: &str| variables(spec, service).iter().any(|known| known == name);
    assert!(has(REFERENCE, "copilot-ui", "TEMPORAL_CORS_ORIGINS"));
    assert!(has(REFERENCE, "grafana", "GF_PLUGINS_PREINSTALL_SYNC"));
    let without = REFERENCE.replace("ports.http = 8082\n", "");
    assert!(!has(&without, "copilot-ui", "TEMPORAL_CORS_ORIGINS"));
    assert!(has(&without, "copilot-ui", "TEMPORAL_ADDRESS"));
    let small = "[stack]\nname = \"small\"\n[profiles.dev]\n[images]\ngrafana = \"grafana/grafana:13.2.1\"\n\
                 [services.grafana]\nkind = \"grafana\"\nsettings.admin_password = \"${SECRET}\"\n\
                 [env.SECRET]\ndescription = \"x\"\nrequired = true\nsecret = true\n";
    assert!(!has(small, "grafana", "GF_PLUGINS_PREINSTALL_SYNC"));
    assert!(has(small, "grafana", "GF_SECURITY_ADMIN_PASSWORD"));
}

#[test]
fn dashboards_need_a_password_unless_only_this_machine_reaches_them() {
    let anonymous = |stack: &str, grafana: &str| {
        let spec = format!(
            "[stack]\nname = \"small\"\n{stack}\n[profiles.dev]\n[images]\ngrafana = \"grafana/grafana:13.2.1\"\n\
             [services.grafana]\nkind = \"grafana\"\nsettings.admin_password = \"${{SECRET}}\"\n{grafana}\n\
             [env.SECRET]\ndescription = \"x\"\nrequired = true\nsecret = true\n\
             [env.BIND]\ndescription = \"x\"\n[env.OTHER]\ndescription = \"x\"\ndefault = \"127.0.0.1\"\n\
             [services.web]\nimage = \"web:1\"\nenvironment = {{ A = \"${{BIND}}${{OTHER}}\" }}\n"
        );
        let file = yaml(&files(&plan(&spec)), "generated/dev/docker-compose.yml");
        let value = &file["services"]["grafana"]["environment"]["GF_AUTH_ANONYMOUS_ENABLED"];
        value.as_str().unwrap().parse::<bool>().unwrap()
    };
    let publish = "ports.http = 3000";
    let bind = |address: &str| format!("ports.http = {{ published = 3000, host_ip = \"{address}\" }}");
    let own = "settings.anonymous = ";
    for (stack, grafana, expected) in [
        ("", publish.to_owned(), true),
        ("bind = \"::1\"", publish.to_owned(), true),
        ("bind = \"0.0.0.0\"", bind("127.3.2.1"), true),
        ("", bind("[::1]"), true),
        // What a variable stands for unless it is set.
        ("bind = \"${OTHER}\"", publish.to_owned(), true),
        ("", bind("${OTHER}"), true),
        ("", bind("${BIND}"), false),
        ("bind = \"0.0.0.0\"", publish.to_owned(), false),
        ("", bind("192.168.1.2"), false),
        ("", bind("::"), false),
        // Another service may pass requests on, and the host's network has no published ports.
        ("", String::new(), false),
        ("", "network_mode = \"host\"".to_owned(), false),
        // The user's decision.
        ("bind = \"0.0.0.0\"", format!("{publish}\n{own}true"), true),
        ("", format!("{publish}\n{own}false"), false),
    ] {
        assert_eq!(anonymous(stack, &grafana), expected, "{stack} {grafana}");
    }
}

/// Declared secrets take the place of those that a kind implies.
#[test]
fn a_secret_of_a_kind_is_a_file() {
    let spec = |own: &str| {
        format!(
            "[stack]\nname = \"small\"\n[profiles.dev]\n[images]\npostgres = \"postgres:17.6\"\n\
             [services.db]\nkind = \"postgres\"\nsettings.password = \"${{SECRET}}\"\n\
             [services.other]\nkind = \"postgres\"\nsettings.password = \"${{SECRET}}\"\n{own}\n\
             [env.SECRET]\ndescription = \"x\"\nrequired = true\nsecret = true\n"
        )
    };
    for (own, source) in [
        ("", "environment: SECRET"),
        (
            "secrets = [{ source = \"other-password\", mode = \"0400\", uid = \"999\" }]\n[secrets.other-password]\nfile = \"./b\"",
            "file: ../../b",
        ),
        ("[secrets.other-password]\nfile = \"./b\"", "file: ../../b"),
    ] {
        let plan = plan(&spec(own));
        let file = yaml(&files(&plan), "generated/dev/docker-compose.yml");
        for name in ["db", "other"] {
            let service = &file["services"][name];
            let secret = format!("{name}-password");
            assert_eq!(service["environment"]["POSTGRES_PASSWORD_FILE"], format!("/run/secrets/{secret}").as_str());
            assert_eq!(service["secrets"].as_sequence().unwrap().len(), 1, "{own}");
            assert_eq!(service["secrets"][0]["source"], secret.as_str());
        }
        assert_eq!(file["secrets"].as_mapping().unwrap().len(), 2, "{own}");
        assert_eq!(file["secrets"]["db-password"]["environment"], "SECRET");
        let (key, value) = source.split_once(": ").unwrap();
        assert_eq!(file["secrets"]["other-password"][key], value);
    }
}

#[test]
fn loki_deletes_what_is_old() {
    let file = yaml(&files(&plan(REFERENCE)), "generated/dev/config/loki.yaml");
    assert_eq!(file["limits_config"]["retention_period"], "72h");
    assert_eq!(file["compactor"]["retention_enabled"], true);
    assert_eq!(file["compactor"]["delete_request_store"], "filesystem");
    let schema = &file["schema_config"]["configs"][0];
    assert_eq!((schema["store"].as_str(), schema["schema"].as_str()), (Some("tsdb"), Some("v13")));
    assert_eq!(schema["index"]["period"], "24h");
    assert!(schema["from"].is_string(), "a date would be read as one by YAML 1.1");
}

#[test]
fn mimir_has_its_limits_and_disjoint_directories() {
    let plan = plan(REFERENCE);
    let file = yaml(&files(&plan), "generated/dev/config/mimir.yaml");
    assert_eq!(file["server"]["http_listen_port"], 9009);
    assert_eq!(file["limits"]["max_global_series_per_user"], 500_000);
    assert_eq!(file["limits"]["max_global_series_per_metric"], 50_000);
    assert_eq!(file["limits"]["ingestion_rate"], 100_000);
    assert_eq!(file["limits"]["ingestion_burst_size"], 200_000);
    assert_eq!(file["ingester"]["ring"]["replication_factor"], 1);
    assert_eq!(file["store_gateway"]["sharding_ring"]["replication_factor"], 1);
    let directories: Vec<&str> = [
        &file["blocks_storage"]["filesystem"]["dir"],
        &file["blocks_storage"]["tsdb"]["dir"],
        &file["blocks_storage"]["bucket_store"]["sync_dir"],
        &file["compactor"]["data_dir"],
        &file["ruler"]["rule_path"],
        &file["ruler_storage"]["filesystem"]["dir"],
        &file["activity_tracker"]["filepath"],
    ]
    .iter()
    .map(|value| value.as_str().unwrap())
    .collect();
    let service = plan.stack().services.iter().find(|service| service.name == "mimir").unwrap();
    let volume = service.mounts.iter().find(|mount| mount.source == Some("mimir-data".into())).unwrap();
    let inside = format!("{}/", volume.target.literal().unwrap());
    for (index, one) in directories.iter().enumerate() {
        assert!(one.starts_with(&inside), "{one}");
        for (other_index, other) in directories.iter().enumerate() {
            assert!(index == other_index || !format!("{one}/").starts_with(&format!("{other}/")), "{one} in {other}");
        }
    }
}

#[test]
fn grafana_is_provisioned_with_the_datasources_and_folders() {
    let files = files(&plan(REFERENCE));
    let file = yaml(&files, "generated/dev/config/grafana-datasources.yaml");
    let sources = file["datasources"].as_sequence().unwrap();
    let found: Vec<(&str, &str, &str, bool)> = sources
        .iter()
        .map(|source| {
            let text = |key: &str| source[key].as_str().unwrap_or_default();
            (text("uid"), text("type"), text("url"), source["isDefault"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("mimir", "prometheus", "http://mimir:9009/prometheus", true),
            ("cloudwatch", "cloudwatch", "", false),
            ("loki", "loki", "http://loki:3100", false),
            ("copilot", "yesoreyeram-infinity-datasource", "http://copilot-api:8080", false),
        ]
    );
    assert_eq!(sources[0]["jsonData"]["httpMethod"], "POST");
    assert_eq!(sources[1]["jsonData"]["defaultRegion"], "${AWS_REGION}");
    let file = yaml(&files, "generated/dev/config/grafana-dashboards.yaml");
    let providers = file["providers"].as_sequence().unwrap();
    let folders: Vec<&str> = providers.iter().map(|provider| provider["folder"].as_str().unwrap()).collect();
    assert_eq!(folders, ["Temporal", "DSQL", "Copilot"]);
    assert!(providers.iter().all(|provider| provider["updateIntervalSeconds"] == 30));
}

#[test]
fn alloy_scrapes_pushes_and_labels() {
    let plan = plan(REFERENCE);
    let source = files(&plan)["generated/dev/config/alloy.alloy"].clone();
    let file: serde_json::Value = hcl::from_str(&alloy_as_hcl(&source)).unwrap();
    let scrape = &file["prometheus_scrape"]["services"];
    let targets: Vec<(&str, &str)> = scrape["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| (target["job"].as_str().unwrap(), target["__address__"].as_str().unwrap()))
        .collect();
    let mut expected: Vec<(String, String)> = plan
        .stack()
        .services
        .iter()
        .filter_map(|service| {
            Some((service.name.clone(), format!("{}:{}", service.name, service.metrics.as_ref()?.port)))
        })
        .collect();
    // Not the copilot's own server: its metrics have the same names as those of the cluster that it watches.
    assert_eq!(expected.len(), 4);
    expected.push(("copilot-test-worker".to_owned(), "host.docker.internal:9091".to_owned()));
    let expected: Vec<(&str, &str)> = expected.iter().map(|(job, address)| (job.as_str(), address.as_str())).collect();
    assert_eq!(targets, expected);
    assert_eq!(scrape["scrape_interval"].as_str(), Some("15s"));
    let url = |block: &str, label: &str| file[block][label]["endpoint"]["url"].as_str().unwrap().to_owned();
    assert_eq!(url("prometheus_remote_write", "metrics"), "http://mimir:9009/api/v1/push");
    assert_eq!(url("loki_write", "logs"), "http://loki:3100/loki/api/v1/push");
    let labels: Vec<(&str, &str)> = file["discovery_relabel"]["containers"]["rule"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["target_label"].as_str().unwrap(), rule["source_labels"][0].as_str().unwrap()))
        .collect();
    // What asks for logs by `job` (`{job=~"temporal.*"}`) means the same names as in metrics.
    let compose_service = "__meta_docker_container_label_com_docker_compose_service";
    assert_eq!(
        labels,
        [("container", "__meta_docker_container_name"), ("service", compose_service), ("job", compose_service)]
    );
    assert_eq!(
        file["discovery_docker"]["containers"]["filter"]["values"][0].as_str(),
        Some("com.docker.compose.project=sre-copilot-dev")
    );
}

/// The panels of a dashboard of the reference stack, and the queries of each, by title.
fn queries(path: &str) -> BTreeMap<String, (serde_json::Value, String)> {
    let files = files(&plan(REFERENCE));
    let board: serde_json::Value = serde_json::from_str(&files[path]).unwrap();
    let panels = board["panels"].as_array().unwrap().iter();
    let panels = panels.flat_map(|panel| [panel].into_iter().chain(panel["panels"].as_array().into_iter().flatten()));
    let queries = |panel: &serde_json::Value| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.filter_map(|target| target["expr"].as_str()).collect::<Vec<_>>().join("\n")
    };
    panels.map(|panel| (panel["title"].as_str().unwrap().to_owned(), (panel.clone(), queries(panel)))).collect()
}

#[test]
fn stuck_tasks_stay_visible_and_no_data_is_not_fine() {
    let panels = queries("generated/dev/grafana/server/server.json");
    let (stat, query) = &panels["Tasks nobody polls for"];
    // A gauge: the counter `no_poller_tasks_total` counts each attempt, and stops when nothing arrives.
    assert!(query.contains("approximate_backlog_count"), "{query}");
    assert!(!query.contains("vector(0)"), "{query}");
    assert!(panels.values().all(|(_, query)| !query.contains("no_poller_tasks_total")));
    assert!(panels["Oldest waiting task by queue"].1.contains("approximate_backlog_age_seconds"));
    let defaults = &stat["fieldConfig"]["defaults"];
    assert_eq!(defaults["noValue"], "no data");
    // Without a mapping, Grafana shows a missing value in the first threshold's green.
    let mapping = &defaults["mappings"][0]["options"];
    assert_eq!((&mapping["match"], &mapping["result"]["color"]), (&"null+nan".into(), &"text".into()));
    // The server sets the gauge to 0 when it unloads the queue, by default after five minutes without polls.
    let files = files(&plan(REFERENCE));
    let config = yaml(&files, "generated/dev/dynamicconfig/monitored.yaml");
    assert_eq!(config["matching.maxTaskQueueIdleTime"][0]["value"], "24h");
}

#[test]
fn conflicts_are_what_the_plugin_counts_and_lost_conditions_are_none() {
    let panels = queries("generated/dev/grafana/dsql/persistence.json");
    let metrics = |title: &str| -> BTreeSet<&str> {
        let words = panels[title].1.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.filter(|word| word.ends_with("_total")).collect()
    };
    let [conflicts, retries, given_up] =
        ["conflict", "retry", "exhausted"].map(|counted| format!("dsql_tx_{counted}_total"));
    assert_eq!(metrics("Conflicts"), BTreeSet::from([conflicts.as_str(), "persistence_requests_total"]));
    assert_eq!(metrics("Conflicts by operation"), BTreeSet::from([conflicts.as_str()]));
    assert_eq!(
        metrics("Conflicts, retries and what is given up"),
        BTreeSet::from([conflicts.as_str(), &retries, &given_up])
    );
    // A lost lease is no conflict.
    let lost = "Lost conditions by type and service";
    assert_eq!(metrics(lost), BTreeSet::from(["persistence_error_with_type_total"]));
    let of_conditions = panels.iter().filter(|(_, (_, query))| query.contains("error_type=~\"$conditions\""));
    assert_eq!(of_conditions.map(|(title, _)| title.as_str()).collect::<Vec<_>>(), [lost]);
    // A counter is missing until its first event: that is 0 only if the server reports at all.
    assert!(!panels["Conflicts"].1.contains("vector(0)"), "{}", panels["Conflicts"].1);
    let server = queries("generated/dev/grafana/server/server.json");
    assert!(server["Unexpected persistence errors"].1.contains("persistence_errors_total"));
}

#[test]
fn a_profile_switches_metrics_on_and_off() {
    let scraped = |metrics: &str| {
        let spec = REFERENCE.replace("[profiles.dev]", &format!("[profiles.dev]\n{metrics}"));
        let plan = plan(&spec);
        let targets = &plan.stack().alloys[0].targets;
        let targets =
            targets.iter().map(|target| format!("{}{}", target.address.authority().shown(), target.address.path));
        targets
            .filter(|target| target.starts_with("temporal-worker") || target.starts_with("copilot"))
            .collect::<Vec<_>>()
    };
    let (worker, copilot) = ("temporal-worker:9090/metrics", "copilot-temporal:9090/metrics");
    assert_eq!(scraped(""), [worker]);
    assert_eq!(scraped("services.temporal-worker.metrics = false"), [] as [&str; 0]);
    assert_eq!(scraped("services.copilot-temporal.metrics = true"), [worker, copilot]);
    assert_eq!(
        scraped("services.copilot-temporal.metrics = { port = \"http\", path = \"/m\" }"),
        [worker, "copilot-temporal:8233/m"]
    );
}

#[test]
fn alloy_finds_each_replica_by_dns() {
    let spec = "\
[stack]
name = \"x\"
[profiles.dev]
[env.SIZE]
description = \"Size\"
default = \"1\"
[services.a-b]
image = \"a:1\"
deploy.replicas = 3
ports.m.target = 8000
metrics = { port = \"m\", path = \"/stats\" }
[services.a_b]
image = \"a:1\"
scale = \"${SIZE}\"
ports.m.target = 9000
metrics.port = \"m\"
[services.one]
image = \"a:1\"
scale = 1
ports.m.target = 7000
metrics.port = \"m\"
[services.mimir]
kind = \"mimir\"
image = \"grafana/mimir:3.2.1\"
[services.alloy]
kind = \"alloy\"
image = \"grafana/alloy:v1.19.1\"
";
    let source = files(&plan(spec))["generated/dev/config/alloy.alloy"].clone();
    let file: serde_json::Value = hcl::from_str(&alloy_as_hcl(&source)).unwrap();
    let targets = file["prometheus_scrape"]["services"]["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 1, "{source}");
    assert_eq!(targets[0]["__address__"], "one:7000");
    for (label, job, port, path) in
        [("replicas_of_a_b", "a-b", 8000, "/stats"), ("replicas_of_a_b_", "a_b", 9000, "/metrics")]
    {
        let dns = &file["discovery_dns"][label];
        assert_eq!(
            (&dns["names"][0], &dns["type"], &dns["port"]),
            (&job.into(), &"A".into(), &port.into()),
            "{source}"
        );
        let scrape = &file["prometheus_scrape"][label];
        assert_eq!((&scrape["job_name"], &scrape["metrics_path"]), (&job.into(), &path.into()), "{source}");
        assert_eq!(scrape["targets"], format!("${{discovery.dns.{label}.targets}}"), "{source}");
    }
    // Without any other target there is nothing else to scrape.
    let only = spec.replace("scale = 1\n", "scale = 2\n");
    let source = files(&plan(&only))["generated/dev/config/alloy.alloy"].clone();
    assert!(!source.contains("\"services\""), "{source}");
}

#[test]
fn what_uses_aws_gets_its_region_by_both_names() {
    let spec = "\
[stack]
name = \"x\"
[profiles.dev]
[images]
own = { ref = \"own:1\", home = \"/home/own\" }
[env.AWS_REGION]
description = \"Region\"
[env.OTHER]
description = \"Another region\"
[services.usual]
image = \"own\"
aws = true
[services.renamed]
image = \"own\"
aws = true
environment.AWS_REGION = \"${OTHER}\"
[services.default]
image = \"own\"
aws = true
environment.AWS_DEFAULT_REGION = \"eu-north-1\"
[services.none]
image = \"own\"
[schema.step]
description = \"Step\"
image = \"own\"
aws = true
command = [\"migrate\"]
";
    let compose = |spec: &str| yaml(&files(&plan(spec)), "generated/dev/docker-compose.yml");
    let file = compose(spec);
    for (service, region) in [
        ("usual", Some("${AWS_REGION:-}")),
        ("renamed", Some("${OTHER:-}")),
        ("default", Some("eu-north-1")),
        ("none", None),
        ("schema-step", Some("${AWS_REGION:-}")),
    ] {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            assert_eq!(file["services"][service]["environment"][name].as_str(), region, "{service} {name}");
        }
    }
    // So the variable is only needed by what doesn't say its region.
    let own = spec.replace("aws = true\ncommand", "aws = true\nenvironment.AWS_REGION = \"eu-west-1\"\ncommand");
    let own = own.replace("[services.usual]\nimage = \"own\"\naws = true\n", "");
    let own = own.replace("[env.AWS_REGION]\ndescription = \"Region\"\n", "");
    assert_eq!(compose(&own)["services"]["schema-step"]["environment"]["AWS_DEFAULT_REGION"], "eu-west-1");
}

#[test]
fn the_example_environment_lists_every_variable() {
    let plan = plan(REFERENCE);
    let source = files(&plan)["generated/dev/.env.example"].clone();
    let found: Vec<(&str, &str)> = source
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('=').unwrap())
        .collect();
    let expected: Vec<(&str, &str)> = plan
        .stack()
        .variables
        .iter()
        .map(|variable| (variable.name.as_str(), variable.default.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(found, expected);
    for variable in plan.stack().variables.iter().filter(|variable| variable.secret) {
        assert_eq!(variable.default, None, "{}", variable.name);
    }
    assert!(found.contains(&("AWS_REGION", "eu-west-1")));
}

#[test]
fn dynamic_configuration_is_a_list_of_values_a_key() {
    let plan = plan(REFERENCE);
    let file = yaml(&files(&plan), "generated/dev/dynamicconfig/monitored.yaml");
    let keys: Vec<&str> = file.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap()).collect();
    let expected: Vec<&str> =
        plan.stack().clusters[0].dynamic_config.iter().map(|setting| setting.key.as_str()).collect();
    assert_eq!(keys, expected);
    assert_eq!(file["frontend.persistenceMaxQPS"][0]["value"], 6000);
    assert_eq!(file["matching.numTaskqueueReadPartitions"][0]["value"], 8);
    assert_eq!(file["system.enableActivityEagerExecution"][0]["value"], true);
    // A value of each other type.
    let spec = REFERENCE.replace(
        "\"frontend.persistenceMaxQPS\" = 6000",
        "\"frontend.persistenceMaxQPS\" = 6000\n\"activity.longPollBuffer\" = \"10s\"\n\
         \"admin.matchingNamespaceToPartitionDispatchRate\" = 1.5\n\
         \"admin.matchingNamespaceTaskqueueToPartitionDispatchRate\" = 2\n\"history.TaskDLQErrorPattern\" = \"x\"",
    );
    let file = yaml(&files(&super::artifacts::plan(&spec)), "generated/dev/dynamicconfig/monitored.yaml");
    assert_eq!(file["activity.longPollBuffer"][0]["value"], "10s");
    assert_eq!(file["admin.matchingNamespaceToPartitionDispatchRate"][0]["value"], 1.5);
    assert_eq!(file["admin.matchingNamespaceTaskqueueToPartitionDispatchRate"][0]["value"], 2);
    assert_eq!(file["history.TaskDLQErrorPattern"][0]["value"], "x");
}

/// Two stores have their indices one after the other, each named to the tool.
#[test]
fn each_store_of_visibility_has_its_own_indices() {
    let spec = include_str!("../specs/index-clash/stack.toml")
        .replace("visibility_index = \"temporal_visibility_v1_main\"", "visibility = \"other\"")
        .replace("[clusters.second]", "[services.other]\nkind = \"elasticsearch\"\n\n[clusters.second]")
        .replace("[clusters.main]", "[clusters.main]\nvisibility = \"elasticsearch\"");
    let compose = yaml(&files(&plan(&spec)), "generated/dev/docker-compose.yml");
    let setup = &compose["services"]["setup"];
    assert_eq!(
        strings(&setup["command"]).last().unwrap().lines().skip(1).collect::<Vec<_>>(),
        [
            "export ES_SERVER=http://elasticsearch:9200",
            "temporal-elasticsearch-tool setup-schema",
            "temporal-elasticsearch-tool create-index --index temporal_visibility_v1_main",
            "export ES_SERVER=http://other:9200",
            "temporal-elasticsearch-tool setup-schema",
            "temporal-elasticsearch-tool create-index --index temporal_visibility_v1_second",
        ]
    );
    assert_eq!(setup["environment"]["ES_SERVER"], Value::Null);
}

#[test]
fn terraform_describes_what_the_model_says() {
    let plan = plan(REFERENCE);
    let files = files(&plan);
    let main = hcl(&files, "terraform/dev/main.tf");
    let resource = |kind: &str, name: &str| main["resource"][kind][name].clone();
    for cluster in ["monitored", "copilot"] {
        assert_eq!(resource("aws_dsql_cluster", cluster)["deletion_protection_enabled"], false);
    }
    for bucket in ["knowledge_source", "profiles"] {
        assert_eq!(resource("aws_s3_bucket", bucket)["force_destroy"], true);
        let policy = &main["data"]["aws_iam_policy_document"][format!("{bucket}_tls")];
        let statement = &policy["statement"];
        assert_eq!((&statement["effect"], &statement["actions"][0]), (&"Deny".into(), &"s3:*".into()), "{policy}");
        assert_eq!(statement["condition"]["variable"], "aws:SecureTransport");
        assert_eq!(statement["condition"]["values"][0], "false");
        assert_eq!(
            resource("aws_s3_bucket_policy", bucket)["policy"],
            format!("${{data.aws_iam_policy_document.{bucket}_tls.json}}").as_str()
        );
        let block = resource("aws_s3_bucket_public_access_block", bucket);
        assert_eq!(block["restrict_public_buckets"], true);
        assert!(!resource("aws_s3_bucket_versioning", bucket).is_null());
        assert!(!resource("aws_s3_bucket_server_side_encryption_configuration", bucket).is_null());
    }
    let index = resource("aws_s3vectors_index", "knowledge");
    assert_eq!(index["dimension"].as_u64(), Some(1024));
    assert_eq!(index["distance_metric"].as_str(), Some("cosine"));
    let chunks = &resource("aws_bedrockagent_data_source", "this")["vector_ingestion_configuration"]["chunking_configuration"]
        ["fixed_size_chunking_configuration"];
    assert_eq!((chunks["max_tokens"].as_u64(), chunks["overlap_percentage"].as_u64()), (Some(512), Some(20)));
    let tags = &main["provider"]["aws"]["default_tags"]["tags"];
    assert_eq!((tags["Lifecycle"].as_str(), tags["ManagedBy"].as_str()), (Some("ephemeral"), Some("terraform")));
    let outputs = hcl(&files, "terraform/dev/outputs.tf");
    let names: BTreeSet<&str> = outputs["output"].as_object().unwrap().keys().map(String::as_str).collect();
    let infrastructure = plan.stack().infrastructure.as_ref().unwrap();
    assert_eq!(names, infrastructure.outputs.iter().map(|output| output.name.as_str()).collect::<BTreeSet<_>>());
    let variables = hcl(&files, "terraform/dev/variables.tf");
    assert_eq!(variables["variable"]["region"]["default"].as_str(), Some("eu-west-1"));
}

#[test]
fn the_docs_list_every_service_port_dashboard_and_variable() {
    let plan = plan(REFERENCE);
    let source = files(&plan)["generated/dev/README.md"].clone();
    let mut tables: Vec<usize> = Vec::new();
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    for event in pulldown_cmark::Parser::new_ext(&source, options) {
        match event {
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::Table(_)) => tables.push(0),
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::TableRow) => *tables.last_mut().unwrap() += 1,
            _ => {}
        }
    }
    let stack = plan.stack();
    let published =
        stack.services.iter().flat_map(|service| service.ports.iter()).filter(|port| port.published.is_some()).count();
    assert_eq!(tables, [stack.services.len(), published, stack.dashboards.len(), stack.variables.len()]);
    for service in &stack.services {
        assert!(source.contains(&format!("[\"{}\"]\n", service.name)), "{} in the diagram", service.name);
    }
}

/// Renders the persistence template as the container does; the server is replaced by `cat`.
fn start(environment: &[(String, String)]) -> (bool, String, String) {
    let project = Project::empty();
    let files = files(&plan(REFERENCE));
    project.write("script", &files["generated/dev/docker/render-and-start.sh"]);
    project.write("template", &files["generated/dev/docker/persistence-dsql.template.yaml"]);
    project.write("entrypoint", "#!/bin/sh\ncat config\necho \"arguments: $*\" >&2\n");
    let made = Command::new("chmod").arg("755").arg(project.path("entrypoint")).status().unwrap();
    assert!(made.success());
    let output = Command::new("bash")
        .arg("script")
        .args(["start", "--service", "history"])
        .current_dir(project.root())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TEMPORAL_PERSISTENCE_TEMPLATE", "template")
        .env("TEMPORAL_PERSISTENCE_CONFIG", "config")
        .env("TEMPORAL_BASE_ENTRYPOINT", "./entrypoint")
        .envs(environment.iter().cloned())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// What Compose hands to a service, with `example` for every variable that has no default.
fn environment_of(service: &str) -> Vec<(String, String)> {
    let plan = plan(REFERENCE);
    let service = plan.stack().services.iter().find(|found| found.name == service).unwrap().clone();
    let value = |text: &Text| match text {
        Text::Literal(text) => text.clone(),
        Text::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                Segment::Literal(text) => text.clone(),
                Segment::Env(reference) => match &reference.operator {
                    Some(Operator::Default(word)) => word.shown(),
                    _ => "example".to_owned(),
                },
            })
            .collect(),
    };
    service.environment.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}

#[test]
fn the_entrypoint_renders_the_template_for_each_server() {
    for service in ["temporal-history", "temporal-matching", "temporal-frontend", "temporal-worker", "copilot-temporal"]
    {
        let (ok, stdout, stderr) = start(&environment_of(service));
        assert!(ok, "{service}: {stderr}");
        assert_eq!(stderr, "arguments: start --service history\n");
        assert!(!stdout.contains("${"), "{stdout}");
        let config: Value = serde_yaml::from_str(&stdout).unwrap();
        let sql = &config["persistence"]["datastores"]["dsql"]["sql"];
        assert_eq!(sql["connectAddr"], "example:5432");
        assert_eq!(sql["maxConns"], sql["maxIdleConns"]);
        assert!(sql["maxConns"].is_u64() && sql["tls"]["enabled"] == true);
        let index = &config["persistence"]["datastores"]["elasticsearch"]["elasticsearch"]["indices"]["visibility"];
        let own = if service.starts_with("copilot") { "copilot" } else { "monitored" };
        assert_eq!(index.as_str(), Some(format!("temporal_visibility_v1_{own}").as_str()));
        assert!(config["publicClient"].is_null(), "a fixed address would make one cluster dial the other");
        assert!(!stdout.contains("temporal-frontend"));
    }
}

#[test]
fn the_entrypoint_refuses_what_is_missing_or_cannot_stand_there() {
    let whole = environment_of("temporal-history");
    let placeholders: BTreeSet<String> = files(&plan(REFERENCE))["generated/dev/docker/persistence-dsql.template.yaml"]
        .split("${")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap().to_owned())
        .collect();
    assert!(placeholders.len() > 10);
    for name in &placeholders {
        let without: Vec<_> = whole.iter().filter(|(known, _)| known != name).cloned().collect();
        assert!(without.len() < whole.len(), "{name} is not set by Compose");
        let (ok, stdout, stderr) = start(&without);
        assert!(!ok && stdout.is_empty(), "{name}");
        assert!(stderr.contains("not set: ") && stderr.contains(name.as_str()), "{stderr}");
    }
    let with = |name: &str, value: &str| {
        let mut changed = whole.clone();
        changed.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.to_owned();
        start(&changed)
    };
    for (name, value) in [
        ("TEMPORAL_SQL_MAX_CONNS", "50\nuser: root"),
        ("TEMPORAL_HISTORY_SHARDS", "4 # four"),
        ("TEMPORAL_LOG_LEVEL", "{}"),
        ("TEMPORAL_SQL_HOST", "a\nb"),
    ] {
        let (ok, stdout, stderr) = with(name, value);
        assert!(!ok && stdout.is_empty(), "{name}={value:?}");
        assert!(stderr.contains(&format!("cannot stand in the configuration: {name}")), "{stderr}");
    }
    for value in ["a\"b", "back\\slash", "${TEMPORAL_SQL_USER}", "& sed", "'quoted'", "ü 😀", "* [x] {y}", "a: b #c"]
    {
        let (ok, stdout, stderr) = with("TEMPORAL_SQL_DATABASE", value);
        assert!(ok, "{value}: {stderr}");
        let config: Value = serde_yaml::from_str(&stdout).unwrap();
        assert_eq!(config["persistence"]["datastores"]["dsql"]["sql"]["databaseName"].as_str(), Some(value));
    }
}

#[test]
fn rendering_twice_gives_the_same_bytes_and_permuting_services_only_moves_lines() {
    let once = files(&plan(REFERENCE));
    assert_eq!(once, files(&plan(REFERENCE)));
    let (head, rest) = REFERENCE.split_once("# ---- services: observability").unwrap();
    let (observability, rest) = rest.split_once("# ---- services: the copilot").unwrap();
    let (copilot, tail) = rest.split_once("# ---- datasources").unwrap();
    let permuted = files(&plan(&format!("{head}#{copilot}\n#{observability}\n# ---- datasources{tail}")));
    assert_eq!(once.keys().collect::<Vec<_>>(), permuted.keys().collect::<Vec<_>>());
    for (path, text) in &once {
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(text), sorted(&permuted[path]), "{path}");
    }
    assert_ne!(once["generated/dev/docker-compose.yml"], permuted["generated/dev/docker-compose.yml"]);
}

#[test]
fn a_new_service_changes_no_line_of_another() {
    let spec = format!("{REFERENCE}\n[services.extra]\nimage = \"alpine:3.23\"\nports.http = 9999\n");
    let (before, after) = (files(&plan(REFERENCE)), files(&plan(&spec)));
    for (path, text) in &after {
        let diff = similar::TextDiff::from_lines(&before[path], text);
        let removed: Vec<&str> = diff
            .iter_all_changes()
            .filter(|change| change.tag() == similar::ChangeTag::Delete)
            .map(|change| change.value())
            .collect();
        // The docs count services and ports.
        let expected = usize::from(path.ends_with("README.md"));
        assert_eq!(removed.len(), expected, "{path}: {removed:?}");
    }
}

#[test]
fn templates_have_no_way_around_the_literal_filters() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/templates"))];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for banned in ["|safe", "| safe", "escape("] {
                assert!(!text.contains(banned), "{banned} in {}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 10);
}
