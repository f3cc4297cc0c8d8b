//! Specs of any size, shaped like the reference stack's own services: what grows with the number of services has
//! to grow in every stage.

use std::fmt::Write as _;

/// Published ports begin here, above those of the three services that watch the others.
const FIRST_PORT: usize = 20_000;

/// What the services do: the name of their binary, of their volume and of their image.
const TRADES: [&str; 8] = ["orders", "billing", "catalogue", "search", "shipping", "accounts", "reports", "gateway"];

/// A spec of `count` services, besides an Alloy, a Mimir and a Loki. The same count gives the same text.
pub fn spec(count: usize) -> String {
    let mut text = String::with_capacity(1_200 + count * 820);
    text.extend([HEAD, VARIABLES, WATCHERS]);
    for index in 1..=count {
        service(&mut text, index);
    }
    for index in (1..=count).filter(|index| has_volume(*index)) {
        let _ = writeln!(text, "[volumes.{}-data]", name(index));
    }
    text
}

/// A spec with a Grafana for any number of dashboards.
pub fn spec_with_dashboards() -> String {
    [HEAD, WATCHERS, GRAFANA].concat()
}

/// A dashboard of `panels` panels, in rows of ten.
pub fn dashboard(index: usize, panels: usize) -> String {
    let mut text = format!(
        "folder = \"generated\"\ntitle = \"Dashboard {index}\"\nrefresh = \"30s\"\n\n\
         [variables.instance]\ntype = \"query\"\nquery = \"label_values(up, instance)\"\nmulti = true\n\n"
    );
    for panel in 0..panels {
        let (row, trade) = (panel / 10, trade(index + panel));
        let _ = writeln!(
            text,
            "[rows.\"Row {row}\".panels.\"Requests {panel}\"]\ntype = \"timeseries\"\n\
             description = \"What {trade} answers, by code\"\nunit = \"reqps\"\nmin = 0\n\
             queries = [\n  {{ expr = 'sum by (code) (rate({trade}_requests_total{{instance=~\"$instance\", \
             shard=\"{index}\"}}[$__rate_interval]))', legend = \"{{{{code}}}}\" }},\n  {{ expr = \
             'histogram_quantile(0.99, sum by (le) (rate({trade}_seconds_bucket{{shard=\"{panel}\"}}[5m])))', \
             legend = \"p99\" }},\n]\nthresholds = [\"green\", {{ from = 80, color = \"red\" }}]\n"
        );
    }
    text
}

const GRAFANA: &str = r#"[services.grafana]
kind = "grafana"
image = "grafana/grafana:13.2.1"
group = "observability"
ports.http = 3000

[services.grafana.settings]
admin_password = "${GRAFANA_ADMIN_PASSWORD}"
folders = { generated = "Generated" }

[datasources.mimir]
type = "prometheus"
title = "Prometheus"
default = true

[env.GRAFANA_ADMIN_PASSWORD]
description = "Password of Grafana's user admin"
required = true
secret = true
generate = true
"#;

const HEAD: &str = r#"[stack]
name = "synthetic"
title = "A synthetic stack"
description = "As many services as somebody asked for."
platform = "linux/amd64"
network = "backbone"

[profiles.bench]

[images]
mimir = "grafana/mimir:3.2.1"
loki = "grafana/loki:3.7.6"
alloy = "grafana/alloy:v1.19.1"

"#;

const VARIABLES: &str = r#"[env.LOG_LEVEL]
description = "How much the services log"
default = "info"

[env.DATABASE_HOST]
description = "Host of the database"
required = true

[env.CACHE_SIZE]
description = "Entries that a service keeps in memory"
default = "10000"

"#;

const WATCHERS: &str = r#"[services.mimir]
kind = "mimir"
group = "observability"
ports.http = 9009

[services.loki]
kind = "loki"
group = "observability"
ports.http = 3100
settings.retention = "72h"

[services.alloy]
kind = "alloy"
group = "observability"
ports.http = 12345

"#;

fn trade(index: usize) -> &'static str {
    TRADES[index % TRADES.len()]
}

fn name(index: usize) -> String {
    format!("{}-{index:05}", trade(index))
}

fn has_volume(index: usize) -> bool {
    index.is_multiple_of(2)
}

/// Writing to a `String` cannot fail, so that the results are dropped.
fn service(text: &mut String, index: usize) {
    let (name, trade, team) = (name(index), trade(index), index % 40);
    // Nothing waits for a service behind it, so that there is no cycle.
    let (near, far) = (index - 1, index / 2);
    let _ = writeln!(
        text,
        "[services.{name}]\ngroup = \"team-{team:02}\"\ndescription = \"The {trade} of shard {index}\"\n\
         image = \"registry.example.com/{trade}:1.{}.{}\"",
        index % 30,
        index % 11,
    );
    if index.is_multiple_of(3) {
        let _ = writeln!(text, "command = [\"/usr/bin/{trade}\", \"serve\", \"--shard\", \"{index}\"]");
    }
    let port = FIRST_PORT + index;
    if u16::try_from(port).is_ok() {
        let _ = writeln!(text, "ports.http = {{ published = {port}, target = 8080 }}");
    } else {
        text.push_str("ports.http.target = 8080\n");
    }
    if index.is_multiple_of(3) {
        text.push_str("ports.metrics.target = 9090\nmetrics.port = \"metrics\"\n");
    }
    if has_volume(index) {
        let _ = writeln!(text, "volumes = [\"{name}-data:/var/lib/{trade}\"]");
    } else if index.is_multiple_of(5) {
        let _ = writeln!(text, "volumes = [\"./{trade}.yaml:/etc/{trade}.yaml:ro\"]");
    }
    text.push_str("healthcheck = { http = \"/health\", interval = \"10s\", timeout = \"5s\", retries = 5 }\n");
    if near > 0 {
        let _ = writeln!(text, "depends_on.{} = \"service_healthy\"", self::name(near));
    }
    if far > 0 && far != near {
        let _ = writeln!(text, "depends_on.{} = \"service_started\"", self::name(far));
    }
    let _ = writeln!(
        text,
        "[services.{name}.environment]\nLOG_LEVEL = \"${{LOG_LEVEL}}\"\n\
         DATABASE_URL = \"postgres://${{DATABASE_HOST}}:5432/{trade}\"\nREGION = \"region-{}\"\nSHARD = {index}",
        index % 7,
    );
    if near > 0 {
        let _ = writeln!(text, "UPSTREAM_URL = \"http://${{{}.http}}/v1\"", self::name(near));
    }
    if index % 4 == 1 {
        text.push_str("CACHE_SIZE = \"${CACHE_SIZE}\"\n");
    }
    text.push('\n');
}
