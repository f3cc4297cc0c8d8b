//! Datasources of any type, as Grafana's provisioning reads them.

use serde_yaml::Value;

use super::project::Project;

const STACK: &str = r#"[stack]
name = "shop"

[profiles.dev]

[images]
grafana = "grafana/grafana:13.2.1"
loki = "grafana/loki:3.7.6"
mimir = "grafana/mimir:3.2.1"

[services.grafana]
kind = "grafana"
ports.http = 3000
settings.admin_password = "${PASSWORD}"
settings.plugins = ["grafana-clickhouse-datasource@4.11.0", "grafana-github-datasource@1.9.0"]

[services.loki]
kind = "loki"
settings.retention = "72h"

[services.mimir]
kind = "mimir"

[services.prometheus]
image = "prom/prometheus:v3.7.3"
ports.web.target = 9090

[services.tempo]
image = "grafana/tempo:2.9.0"
ports.http.target = 3200

[services.db]
image = "postgres:18.1"
ports.sql.target = 5432
environment.POSTGRES_PASSWORD_FILE = "/run/secrets/x"

[services.events]
image = "clickhouse/clickhouse-server:25.8"
ports = { http = { target = 8123 }, native = { target = 9000 } }

[env.PASSWORD]
description = "The password of everything"
required = true
secret = true

[env.DB_USER]
description = "Who asks"

[datasources.metrics]
type = "prometheus"
title = "Metrics"
service = "mimir"
default = true

[datasources.logs]
type = "loki"
title = "Logs"

[datasources.traces]
type = "tempo"
title = "Traces"
service = "tempo"
json_data = { nodeGraph.enabled = true, tracesToLogsV2 = { datasourceUid = "logs", customQuery = true, query = "{app=\"$${__span.tags.app}\"}" } }

[datasources.shop]
type = "postgres"
title = "Shop"
service = "db"
user = "${DB_USER:-reader}"
password = "${PASSWORD}"
database = "shop-${DB_USER}"

[datasources.events]
type = "clickhouse"
title = "Events"
service = "events"
port = "native"
user = "default"
password = "${PASSWORD}"
database = "events"

[datasources.scraped]
type = "grafana-github-datasource"
title = "GitHub"
secure_json_data.accessToken = "${PASSWORD}"

[datasources.elsewhere]
type = "alertmanager"
title = "Alerts"
url = "https://alerts.example.com"
user = "me"
password = "${PASSWORD}"
"#;

/// The provisioned datasources by UID, without what all have.
fn provisioned(project: &Project) -> Value {
    let file: Value = serde_yaml::from_str(&project.read("generated/dev/config/grafana-datasources.yaml")).unwrap();
    let mut by_uid = serde_yaml::Mapping::new();
    for source in file["datasources"].as_sequence().unwrap() {
        let mut source = source.as_mapping().unwrap().clone();
        for key in ["name", "access", "editable", "isDefault"] {
            source.remove(key).unwrap();
        }
        by_uid.insert(source.remove("uid").unwrap(), Value::Mapping(source));
    }
    Value::Mapping(by_uid)
}

#[test]
fn each_type_has_what_its_plugin_reads() {
    let project = Project::new(STACK);
    let run = project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let found = provisioned(&project);
    let expected: Value = serde_yaml::from_str(
        r#"
metrics:
  type: prometheus
  url: http://mimir:9009/prometheus
  jsonData:
    httpMethod: POST
    prometheusType: Mimir
    exemplarTraceIdDestinations: [{ name: trace_id, datasourceUid: traces }]
    timeInterval: 15s
logs:
  type: loki
  url: http://loki:3100
  jsonData:
    derivedFields:
      - name: trace_id
        matcherRegex: trace_?[iI][dD]"?[=:]\s*"?(\w+)
        url: $${__value.raw}
        datasourceUid: traces
traces:
  type: tempo
  url: http://tempo:3200
  jsonData:
    tracesToLogsV2: { datasourceUid: logs, customQuery: true, query: '{app="$${__span.tags.app}"}' }
    tracesToMetrics: { datasourceUid: metrics }
    serviceMap: { datasourceUid: metrics }
    nodeGraph: { enabled: true }
shop:
  type: grafana-postgresql-datasource
  url: db:5432
  user: ${DB_USER}
  jsonData: { sslmode: disable, database: "shop-${DB_USER}" }
  secureJsonData: { password: "$__file{/run/secrets/datasource.shop.password}" }
events:
  type: grafana-clickhouse-datasource
  jsonData: { host: events, port: 9000, protocol: native, defaultDatabase: events, username: default }
  secureJsonData: { password: "$__file{/run/secrets/datasource.events.password}" }
scraped:
  type: grafana-github-datasource
  secureJsonData: { accessToken: "$__file{/run/secrets/datasource.scraped.accessToken}" }
elsewhere:
  type: alertmanager
  url: https://alerts.example.com
  basicAuth: true
  basicAuthUser: me
  jsonData: { implementation: prometheus }
  secureJsonData: { basicAuthPassword: "$__file{/run/secrets/datasource.elsewhere.basicAuthPassword}" }
"#,
    )
    .unwrap();
    for (uid, expected) in expected.as_mapping().unwrap() {
        assert_eq!(&found[uid], expected, "{uid:?}");
    }
    assert_eq!(found.as_mapping().unwrap().len(), expected.as_mapping().unwrap().len());
    // Grafana gets what it needs for that.
    let compose: Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    let grafana = &compose["services"]["grafana"];
    assert_eq!(grafana["environment"]["DB_USER"], "${DB_USER:-reader}");
    let secrets: Vec<&str> =
        grafana["secrets"].as_sequence().unwrap().iter().map(|secret| secret["source"].as_str().unwrap()).collect();
    assert!(secrets.contains(&"datasource.shop.password"), "{secrets:?}");
    assert_eq!(compose["secrets"]["datasource.shop.password"]["environment"], "PASSWORD");
}

#[test]
fn a_prometheus_may_be_any_service() {
    let project = Project::new(STACK);
    project.replace("spec/stack.toml", "service = \"mimir\"", "service = \"prometheus\"");
    assert_eq!(project.run(&["render"]).code, Some(0));
    let found = provisioned(&project);
    assert_eq!(found["metrics"]["url"], "http://prometheus:9090");
    assert_eq!(found["metrics"]["jsonData"]["prometheusType"], "Prometheus");
    // As it may be an address outside of the stack.
    project.replace("spec/stack.toml", "service = \"prometheus\"", "url = \"https://metrics.example.com\"");
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert_eq!(provisioned(&project)["metrics"]["url"], "https://metrics.example.com");
}

#[test]
fn what_does_not_fit_is_a_diagnostic() {
    let project = Project::new(STACK);
    for (from, to, message) in [
        ("type = \"tempo\"", "type = \"temppo\"", "error[unknown-value]: unknown type of datasource `temppo`"),
        ("service = \"tempo\"", "service = \"tempoo\"", "error[unknown-service]: unknown service `tempoo`"),
        ("service = \"tempo\"", "", "error[missing-key]: missing key `service` in datasource `traces`"),
        ("service = \"tempo\"", "service = \"tempo\"\nport = \"grpc\"", "error[unknown-port]: unknown port `grpc`"),
        ("service = \"tempo\"", "service = \"tempo\"\nurl = \"http://x\"", "`service` cannot be used with `url`"),
        (
            "service = \"tempo\"",
            "service = \"tempo\"\ndatabase = \"x\"",
            "`database` cannot be used with the type `tempo`",
        ),
        (
            "service = \"events\"\nport = \"native\"",
            "url = \"http://x\"",
            "`url` cannot be used with the type `clickhouse`",
        ),
        ("password = \"${PASSWORD}\"\ndatabase = \"events\"", "password = \"hunter2\"", "error[exposed-secret]"),
        ("accessToken = \"${PASSWORD}\"", "accessToken = \"${DB_USER}\"", "error[exposed-secret]"),
        (
            ", \"grafana-github-datasource@1.9.0\"",
            "",
            "missing plugin `grafana-github-datasource` for datasource `scraped`",
        ),
    ] {
        project.write("spec/stack.toml", STACK);
        project.replace("spec/stack.toml", from, to);
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{to}: {run:?}");
        assert!(run.stderr.contains(message), "{to}: {}", run.stderr);
    }
}
