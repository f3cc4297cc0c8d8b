//! `[external]`: services that already run outside of the stack, in both engines.

use super::artifacts::{files, plan, yaml};
use super::project::Project;

/// Its profiles are added.
const SPEC: &str = r#"
[stack]
name = "shop"
[lints]
unregistered-namespace = "allow"
[images]
temporal-server = { ref = "temporalio/server:1.31.2", user = 1000 }
temporal-admin-tools = { ref = "temporalio/admin-tools:1.31.2", user = 1000 }
alloy = "grafana/alloy:v1.19.1"
grafana = "grafana/grafana:13.2.1"
[env.GRAFANA_PASSWORD]
description = "Password of Grafana"
secret = true
required = true
[env.DB_HOST]
description = "Endpoint of the database"
required = true
[env.DB_PASSWORD]
description = "Its password"
secret = true
required = true
[external.postgres]
kind = "postgres"
host = "${DB_HOST}"
ports.sql = 6432
settings.user = "shop"
settings.password = "${DB_PASSWORD}"
[external.search]
kind = "elasticsearch"
host = "search-${DB_HOST}"
[external.metrics]
kind = "mimir"
host = "mimir.example.com"
description = "Metrics of all teams"
[external.mail]
host = "smtp.example.com"
ports.smtp = 587
[clusters.main]
persistence = "postgresql"
visibility = "search"
history_shards = 4
[services.temporal]
kind = "temporal-server"
cluster = "main"
[services.schema]
kind = "temporal-schema"
cluster = "main"
[services.indices]
kind = "elasticsearch-setup"
[services.alloy]
kind = "alloy"
[services.grafana]
kind = "grafana"
settings.admin_password = "${GRAFANA_PASSWORD}"
[datasources.metrics]
title = "Metrics"
type = "prometheus"
[datasources.shop]
title = "Shop"
type = "postgres"
service = "postgres"
database = "shop"
[services.web]
image = "shop/web:1"
user = "1000"
environment = { DB = "postgres://${postgres.sql}/shop", PORT = "${postgres.sql.port}", MAIL = "${mail.smtp}", METRICS = "${metrics.url}", PGHOST = "${postgres.host}", OWN = "${temporal.host}" }
depends_on = ["postgres"]
"#;

const HOST: &str = "${DB_HOST:?set DB_HOST in .env}";

#[test]
fn compose_runs_none_of_them_and_passes_their_addresses() {
    let files = files(&plan(&format!("{SPEC}[profiles.dev]\n")));
    let compose = yaml(&files, "generated/dev/docker-compose.yml");
    let services = &compose["services"];
    let names: Vec<&str> = services.as_mapping().unwrap().keys().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, ["temporal", "schema", "indices", "alloy", "grafana", "web"]);
    let web = &services["web"]["environment"];
    assert_eq!(web["DB"], format!("postgres://{HOST}:6432/shop").as_str());
    assert_eq!(web["PORT"], "6432");
    assert_eq!((&web["PGHOST"], &web["OWN"]), (&HOST.into(), &"temporal".into()));
    assert_eq!(web["MAIL"], "smtp.example.com:587");
    assert_eq!(web["METRICS"], "http://mimir.example.com:9009");
    // They are there before the stack.
    for service in ["web", "schema", "indices"] {
        assert!(services[service]["depends_on"].is_null(), "{service}");
    }
    assert_eq!(services["schema"]["environment"]["SQL_HOST"], HOST);
    assert_eq!(services["indices"]["environment"]["ES_SERVER"], format!("http://search-{HOST}:9200").as_str());
    // Its file can't have a variable of Compose.
    let temporal = &services["temporal"]["environment"];
    assert_eq!(temporal["TEMPORAL_SQL_ADDRESS"], format!("{HOST}:6432").as_str());
    assert_eq!(temporal["TEMPORAL_ELASTICSEARCH_ADDRESS"], format!("search-{HOST}:9200").as_str());
    assert_eq!(temporal["TEMPORAL_SQL_USER"], "shop");
    let config = &files["generated/dev/config/temporal-main.yaml"];
    assert!(config.contains("connectAddr: {{ env \"TEMPORAL_SQL_ADDRESS\" | quote }}\n"), "{config}");
    assert!(config.contains("host: {{ env \"TEMPORAL_ELASTICSEARCH_ADDRESS\" | quote }}\n"), "{config}");
    // Grafana expands its own environment.
    assert_eq!(services["grafana"]["environment"]["DB_HOST"], HOST);
    let sources = yaml(&files, "generated/dev/config/grafana-datasources.yaml");
    assert_eq!(sources["datasources"][0]["url"], "http://mimir.example.com:9009/prometheus");
    assert_eq!(sources["datasources"][1]["url"], "${DB_HOST}:6432");
    let alloy = &files["generated/dev/config/alloy.alloy"];
    assert!(alloy.contains("\"http://mimir.example.com:9009/api/v1/push\""), "{alloy}");
    let readme = &files["generated/dev/README.md"];
    assert!(readme.contains("| `metrics` | `mimir.example.com` | http 9009 | Metrics of all teams |"), "{readme}");
    assert!(readme.contains("web -.->|\"uses\"| mail"), "{readme}");
}

#[test]
fn kubernetes_has_no_object_for_them() {
    let files = files(&plan(&format!("target = \"kubernetes\"\n{SPEC}[profiles.live]\n")));
    let base = "generated/live/kubernetes/base";
    assert!(!files.contains_key(&format!("{base}/postgres.yaml")));
    let web = &files[&format!("{base}/web.yaml")];
    assert!(web.contains("value: postgres://$(DB_HOST):6432/shop\n"), "{web}");
    assert!(!web.contains("initContainers"), "{web}");
    let policies = &files[&format!("{base}/network-policies.yaml")];
    assert!(!policies.contains("postgres"), "{policies}");
}

#[test]
fn a_service_of_the_stack_can_be_external_in_a_profile() {
    let spec = "[stack]\nname = \"shop\"\n[services.db]\nimage = \"postgres:17.6\"\nports.sql = 5432\n\
                [services.web]\nimage = \"shop/web:1\"\nenvironment.DB = \"${db.sql}\"\ndepends_on = [\"db\"]\n\
                [profiles.dev]\n[profiles.shared]\nremove = [\"services.db\"]\n\
                [profiles.shared.external.db]\nhost = \"db.example.com\"\nports.sql = 5432\n";
    let project = Project::new(spec);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.read("generated/dev/docker-compose.yml").contains("DB: db:5432\n"));
    let shared = project.read("generated/shared/docker-compose.yml");
    assert!(shared.contains("DB: db.example.com:5432\n") && !shared.contains("depends_on"), "{shared}");
}
