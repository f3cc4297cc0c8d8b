//! What a line comes from, measured on the reference stack.

use std::sync::OnceLock;

use camino::Utf8Path;
use stackgen::Plan;
use stackgen::spec::source::Sources;
use stackgen::trace::{Key, Part, Trace};

use super::project::WHOLE_REFERENCE;

fn trace(profile: &str) -> Trace<'static> {
    static READ: OnceLock<(Sources, Vec<Plan>)> = OnceLock::new();
    let (sources, plans) = READ.get_or_init(|| {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", WHOLE_REFERENCE.to_owned());
        super::artifacts::push_files(&mut sources, WHOLE_REFERENCE);
        let plans = stackgen::plan(&sources, None).unwrap();
        (sources, plans)
    });
    Trace::new(sources, plans.iter().find(|plan| plan.profile() == profile).unwrap()).unwrap()
}

fn shown(key: &Key) -> String {
    format!("{}{}", if key.part == Part::Name { "name of " } else { "" }, key.path)
}

/// The keys that make the first line of an output that holds each of some texts.
fn causes<const N: usize>(path: &str, needles: [&str; N]) -> [Vec<String>; N] {
    let profile = path.split('/').nth(1).unwrap();
    let (path, trace) = (Utf8Path::new(path), trace(profile));
    let text = trace.output(path).unwrap();
    let lines = needles.map(|needle| {
        text.lines().position(|line| line.contains(needle)).unwrap_or_else(|| panic!("`{needle}` is nowhere")) + 1
    });
    let found = trace.causes(path, &lines);
    let mut found = found.into_iter().map(|keys| keys.into_iter().map(shown).collect());
    [(); N].map(|()| found.next().unwrap())
}

#[test]
fn a_line_of_the_compose_file() {
    let [image, url, origins, published, restart] = causes(
        "generated/dev/docker-compose.yml",
        [
            "image: grafana/loki",
            "PROMETHEUS_ENDPOINT: http://mimir:9009/prometheus",
            "TEMPORAL_CORS_ORIGINS: http://localhost:8082",
            "published: \"9009\"",
            "services:",
        ],
    );
    assert_eq!(image[0], "images.loki");
    // A URL that is made of a service's name: the reference to it, and the name.
    assert_eq!(url[1], "services.copilot-worker.environment.PROMETHEUS_ENDPOINT");
    assert!(url.contains(&"name of services.mimir".to_owned()), "{url:?}");
    // The port that another table publishes.
    assert_eq!(origins[0], "services.copilot-ui.ports.http");
    assert_eq!(published[0], "services.mimir.ports.http");
    // The template's own.
    assert_eq!(restart, [""; 0]);
}

#[test]
fn a_line_of_a_configuration_file() {
    let [target, interval, label] =
        causes("generated/dev/config/alloy.alloy", ["temporal-history:9090", "scrape_interval", "compose.project="]);
    assert_eq!(target[0], "name of services.temporal-history");
    // The spec says what is the default anyway.
    assert_eq!(interval[0], "services.alloy.settings.scrape_interval");
    assert_eq!(label[0], "stack.name");
    let [retention] = causes("generated/dev/config/loki.yaml", ["retention_period: 72h"]);
    assert_eq!(retention[0], "services.loki.settings.retention");
    let [value] = causes("generated/dev/dynamicconfig/monitored.yaml", ["- value: 6000"]);
    assert_eq!(value[0], "clusters.monitored.dynamic_config.frontend.persistenceMaxQPS");
    let [bucket, region] = causes("terraform/dev/main.tf", ["\"aws_s3_bucket\" \"profiles\"", "region = var.region"]);
    assert_eq!(bucket[0], "name of infrastructure.buckets.profiles");
    // Variables of the stack refer to what is in the table.
    assert_eq!(region, ["infrastructure"]);
}

#[test]
fn a_line_of_a_dashboard() {
    let [title, panel] =
        causes("generated/dev/grafana/copilot/copilot.json", ["\"title\": \"SRE copilot\"", "\"unit\""]);
    assert_eq!(title[0], "dashboards.copilot.title");
    assert!(panel[0].starts_with("dashboards.copilot."), "{panel:?}");
    // What the panel has only because of a list, or of an item.
    let [steps, sorted] =
        causes("generated/dev/grafana/copilot/copilot.json", ["\"thresholds\": {", "\"id\": \"sortBy\""]);
    assert!(steps[0].ends_with(".thresholds"), "{steps:?}");
    assert!(sorted[0].ends_with(".transformations[0]"), "{sorted:?}");
}

#[test]
fn a_line_that_is_there_because_of_a_key() {
    let [probe] = causes("generated/cluster/kubernetes/base/copilot-worker.yaml", ["startupProbe:"]);
    assert_eq!(probe[0], "services.copilot-worker.healthcheck.start_period");
    // Its cluster and its kind affect most lines of the file.
    let [token] = causes("generated/cluster/kubernetes/base/temporal-history.yaml", ["name: DSQL_TOKEN_DURATION"]);
    assert_eq!(token[0], "clusters.monitored.dsql.token_duration");
    // All of the file.
    let [workload] = causes("generated/cluster/kubernetes/base/alloy.yaml", ["apiVersion: apps/v1"]);
    assert_eq!(workload, ["services.alloy", "target"]);
    let [roles] = causes("terraform/cluster/main.tf", ["\"aws_iam_role\" \"pod\""]);
    assert!(roles.contains(&"kubernetes.eks_cluster".to_owned()), "{roles:?}");
    // An eleventh of the connections, rounded.
    let [pool] = causes("generated/local/config/temporal-copilot.yaml", ["maxConns:"]);
    assert!(pool.contains(&"services.postgres.settings.max_connections".to_owned()), "{pool:?}");
}

#[test]
fn a_key_reaches_every_artifact_that_it_stands_in() {
    let trace = trace("dev");
    let key = |path: &str, part| trace.keys().iter().find(|key| key.path == path && key.part == part).unwrap();
    let reached = |path, part| {
        trace.reach(&[key(path, part)]).into_iter().map(|reach| reach.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        reached("services.loki.settings.retention", Part::Value),
        // The first holds a digest of the second.
        ["generated/dev/docker-compose.yml", "generated/dev/config/loki.yaml"]
    );
    // A name is changed with all that refers to it, so that everything stays whole.
    let name = reached("services.mimir", Part::Name);
    for path in ["docker-compose.yml", "config/alloy.alloy", "config/grafana-datasources.yaml", "README.md"] {
        assert!(name.contains(&format!("generated/dev/{path}")), "{path}: {name:?}");
    }
    assert!(!name.iter().any(|path| path.starts_with("terraform")), "{name:?}");
    assert_eq!(reached("infrastructure.knowledge_base.chunk_tokens", Part::Value), ["terraform/dev/main.tf"]);
    // Its value is in few lines, and many are there because of it.
    let trace = self::trace("cluster");
    let cluster = trace.keys().iter().find(|key| key.path == "kubernetes.eks_cluster" && key.part == Part::Value);
    let reach = trace.reach(&[cluster.unwrap()]);
    let of_terraform = reach.iter().find(|reach| reach.path == "terraform/cluster/main.tf").unwrap();
    assert!(of_terraform.lines.len() > 100, "{reach:?}");
}
