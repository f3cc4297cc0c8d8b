//! `gen init --from`: what a folder becomes, and that it renders the same.

use serde_yaml::Value;

use super::project::{Project, Run};

const COMPOSE: &str = "\
services:
  app:
    image: shop/app:1.2
    ports: [\"8080:8080\"]
    environment:
      DATABASE: ${DATABASE:-shop}
    depends_on: [loki]
  prometheus:
    image: prom/prometheus:v3.7.3
    volumes:
      - ./prometheus.yml:/etc/prometheus/prometheus.yml:ro
      - metrics:/prometheus
  loki:
    image: grafana/loki:3.5.0
    command: -config.file=/etc/loki/local.yaml
    ports:
      - 3100:3100
    volumes:
      - ./loki.yaml:/etc/loki/local.yaml:ro
  grafana:
    image: docker.io/grafana/grafana:${GRAFANA_VERSION:-12.1.0}
    environment:
      - GF_SECURITY_ADMIN_USER=${ADMIN_USER:-admin}
      - GF_SECURITY_ADMIN_PASSWORD=${ADMIN_PASSWORD:-admin}
      - GF_AUTH_ANONYMOUS_ORG_ROLE=Admin
      - GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=/var/lib/grafana/dashboards/ops/node.json
      - PROMETHEUS=http://prometheus:9090
      - TENANT=${TENANT}
    ports:
      - \"127.0.0.1:${GRAFANA_PORT:-3000}:3000\"
    volumes:
      - data:/var/lib/grafana
      - ./grafana/provisioning:/etc/grafana/provisioning:ro
      - ./grafana/dashboards:/var/lib/grafana/dashboards
volumes:
  data:
  metrics:
";

const DATASOURCES: &str = "\
apiVersion: 1
deleteDatasources: [{name: Old, orgId: 1}]
datasources:
  - name: Prometheus
    type: prometheus
    access: proxy
    orgId: 1
    url: $PROMETHEUS
    isDefault: true
    editable: true
    jsonData: {timeInterval: 5s}
  - name: Loki
    type: loki
    uid: loki
    url: http://loki:3100
    basicAuth: false
    jsonData:
      httpHeaderName1: X-Scope-OrgID
      derivedFields: [{name: trace, matcherRegex: 'trace=(\\w+)$', url: '$${__value.raw}'}]
    secureJsonData: {httpHeaderValue1: \"${TENANT}\", httpHeaderValue2: s3cret}
";

const PROVIDERS: &str = "\
apiVersion: 1
providers:
  - name: ops
    folder: Operations
    folderUid: ops-team
    options: {path: /var/lib/grafana/dashboards/ops}
  - name: shop
    type: file
    options: {path: /var/lib/grafana/dashboards/shop}
";

const NODE: &str = r#"{"uid": "node", "title": "Node", "schemaVersion": 36, "panels": [{"type": "timeseries", "title": "CPU",
    "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "datasource": {"type": "prometheus", "uid": "PBFA97CFB590B2093"},
    "targets": [{"expr": "rate(node_cpu_seconds_total[5m])", "refId": "A"}]}]}"#;

const ORDERS: &str = r#"{"title": "Orders", "schemaVersion": 36, "panels": [{"type": "logs", "title": "Log", "datasource": "Loki",
    "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "targets": [{"expr": "{app=\"shop\"}", "refId": "A"}]}]}"#;

/// A shop with everything that Grafana can be provisioned with.
fn shop() -> Project {
    let project = Project::empty();
    for (path, text) in [
        ("compose.yaml", COMPOSE),
        ("prometheus.yml", "scrape_configs: []\n"),
        ("loki.yaml", "auth_enabled: false\n"),
        ("grafana/provisioning/datasources/all.yml", DATASOURCES),
        ("grafana/provisioning/dashboards/all.yaml", PROVIDERS),
        ("grafana/provisioning/alerting/rules.yaml", "apiVersion: 1\n"),
        ("grafana/provisioning/plugins/.keep", ""),
        ("grafana/dashboards/ops/node.json", NODE),
        ("grafana/dashboards/shop/orders.json", ORDERS),
    ] {
        project.write(path, text);
    }
    project
}

fn init(project: &Project) -> Run {
    project.run(&["init", "--from", "."])
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The Compose file that the spec renders.
fn rendered(project: &Project) -> Value {
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{}\n{run:?}", project.read("spec/stack.toml"));
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    yaml(&project.read("generated/dev/docker-compose.yml"))
}

#[test]
fn a_folder_becomes_a_spec_of_which_grafana_has_the_same() {
    let project = shop();
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    for path in ["spec/stack.toml", "spec/dashboards/node.toml", "spec/dashboards/orders.toml", ".gitignore"] {
        assert!(run.stdout.contains(&format!("{path}: created\n")), "{run:?}");
    }
    for note in [
        "compose.yaml:11: kept: `prometheus.yml` stays as it is\n",
        "compose.yaml:19: kept: `loki.yaml` stays as it is\n",
        "assumed: the administrator password of `grafana` is now `${ADMIN_PASSWORD}`, a secret without a default",
        "assumed: folder `Dashboards`: for dashboards without a folder\n",
        "all.yml:12: assumed: `httpHeaderValue2` of datasource `Loki` is now `${LOKI_HTTP_HEADER_VALUE2}`",
        "all.yml:4: assumed: datasource `Prometheus`: with `httpMethod: POST` and `prometheusType: Prometheus`, unless",
        "all.yml:12: assumed: `httpHeaderValue1` of datasource `Loki` is `${TENANT}`, a secret: it must now be set",
        "\nfolder imported\n",
    ] {
        assert!(run.stderr.contains(note), "{note}: {}", run.stderr);
    }
    let spec = project.read("spec/stack.toml");
    assert!(!spec.contains("s3cret") && !run.stderr.contains("s3cret"), "{spec}");

    let file = rendered(&project);
    let sources = yaml(&project.read("generated/dev/config/grafana-datasources.yaml"));
    assert_eq!(
        sources["datasources"],
        yaml(
            "
- {name: Prometheus, uid: PBFA97CFB590B2093, type: prometheus, access: proxy, url: 'http://prometheus:9090', isDefault: true,
   editable: false, jsonData: {httpMethod: POST, prometheusType: Prometheus, timeInterval: 5s}}
- name: Loki
  uid: loki
  type: loki
  access: proxy
  url: http://loki:3100
  isDefault: false
  editable: false
  jsonData:
    httpHeaderName1: X-Scope-OrgID
    derivedFields: [{name: trace, matcherRegex: 'trace=(\\w+)$$', url: '$${__value.raw}'}]
  secureJsonData:
    httpHeaderValue1: $__file{/run/secrets/datasource.loki.httpHeaderValue1}
    httpHeaderValue2: $__file{/run/secrets/datasource.loki.httpHeaderValue2}
"
        )
    );
    let secrets = &file["secrets"];
    assert_eq!(secrets["datasource.loki.httpHeaderValue1"]["environment"], "TENANT");
    assert_eq!(secrets["grafana-admin_password"]["environment"], "ADMIN_PASSWORD");
    let folders = yaml(&project.read("generated/dev/config/grafana-dashboards.yaml"));
    for (at, uid, title) in [(0, "ops-team", "Operations"), (1, "dashboards", "Dashboards")] {
        assert_eq!(folders["providers"][at]["folderUid"], uid);
        assert_eq!(folders["providers"][at]["folder"], title);
    }
    let json = |path: &str| -> serde_json::Value { serde_json::from_str(&project.read(path)).unwrap() };
    let node = json("generated/dev/grafana/ops-team/node.json");
    assert_eq!((&node["uid"], &node["title"]), (&"node".into(), &"Node".into()));
    assert_eq!(node["panels"][0]["targets"][0]["expr"], "rate(node_cpu_seconds_total[5m])");
    let orders = json("generated/dev/grafana/dashboards/orders.json");
    assert_eq!(orders["panels"][0]["datasource"]["uid"], "loki");
}

#[test]
fn the_services_of_a_folder_stay_the_same() {
    let project = shop();
    init(&project);
    let file = rendered(&project);
    let services = &file["services"];
    assert_eq!(
        services["app"],
        yaml(
            "{image: 'shop/app:1.2', environment: {DATABASE: '${DATABASE:-shop}'}, ports: [{published: '8080', target: 8080}], \
             depends_on: {loki: {condition: service_started}}, networks: [default]}"
        )
    );
    assert_eq!(services["loki"]["command"], "-config.file=/etc/loki/local.yaml");
    assert_eq!(services["loki"]["volumes"][0]["source"], "../../loki.yaml");
    assert_eq!(services["prometheus"]["volumes"][1]["source"], "metrics");
    let grafana = &services["grafana"];
    assert_eq!(grafana["image"], "docker.io/grafana/grafana:${GRAFANA_VERSION:-12.1.0}");
    assert_eq!(grafana["ports"], yaml("[{published: '${GRAFANA_PORT:-3000}', target: 3000, host_ip: 127.0.0.1}]"));
    let environment = &grafana["environment"];
    assert_eq!(environment["GF_SECURITY_ADMIN_USER"], "${ADMIN_USER:-admin}");
    assert_eq!(environment["GF_AUTH_ANONYMOUS_ORG_ROLE"], "Admin");
    // Without the variable nobody could see it, though its port is only published on a loopback address.
    assert_eq!(environment["GF_AUTH_ANONYMOUS_ENABLED"], "false");
    let home = "/etc/grafana/dashboards/ops-team/node.json";
    assert_eq!(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"], home);
    let own = |mount: &&Value| !mount["source"].as_str().unwrap().starts_with("./");
    let own: Vec<&Value> = grafana["volumes"].as_sequence().unwrap().iter().filter(own).collect();
    let [data, alerting] = own.as_slice() else { panic!("{own:?}") };
    assert_eq!((&data["source"], &data["target"]), (&"data".into(), &"/var/lib/grafana".into()));
    assert_eq!(alerting["source"], "../../grafana/provisioning/alerting");
    assert_eq!(alerting["target"], "/etc/grafana/provisioning/alerting");
    assert_eq!(alerting["read_only"], true);
}

#[test]
fn folders_follow_the_files_where_a_provider_says_so() {
    let project = shop();
    let compose = COMPOSE.replace("      - GF_SECURITY_ADMIN_PASSWORD=${ADMIN_PASSWORD:-admin}\n", "").replace(
        "      - ./grafana/dashboards:/var/lib/grafana/dashboards\n",
        "      - type: bind\n        source: ./grafana/dashboards\n        target: /dashboards\n",
    );
    project.write("compose.yaml", compose);
    project.write(
        "grafana/provisioning/dashboards/all.yaml",
        "providers: [{name: all, options: {path: /dashboards, foldersFromFilesStructure: true}}]\n",
    );
    project.write(
        "grafana/dashboards/shop/node.json",
        NODE.replace("\"node\"", "\"other\"").replace("\"Node\"", "\"Other\""),
    );
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    let spec = project.read("spec/stack.toml");
    assert!(spec.contains("folders = { ops = \"ops\", shop = \"shop\" }"), "{spec}");
    assert!(!spec.contains("/dashboards\""), "{spec}");
    // Nobody chose a password.
    assert!(spec.contains("[env.GRAFANA_ADMIN_PASSWORD]") && spec.contains("\ngenerate = true\n"), "{spec}");
    rendered(&project);
    for path in ["ops/node", "shop/orders", "shop/node-2"] {
        assert!(project.path(&format!("generated/dev/grafana/{path}.json")).exists(), "{path}");
    }
}

#[test]
fn what_cannot_be_said_is_named() {
    let project = shop();
    project.write("grafana/dashboards/ops/list.json", "[]");
    project.write("grafana/dashboards/ops/same.json", NODE.replace("\"node\"", "\"other\""));
    project.replace(
        "grafana/provisioning/datasources/all.yml",
        "    basicAuth: false\n",
        "    withCredentials: true\n",
    );
    let run = init(&project);
    assert_eq!(run.code, Some(1), "{run:?}");
    for note in [
        "not converted: dashboard `grafana/dashboards/ops/list.json`: not a dashboard: expected an object, found a list\n",
        "not converted: dashboard `grafana/dashboards/ops/same.json`: duplicate dashboard title `Node` in a folder",
        "all.yml:12: not converted: datasource `Loki`: `withCredentials`\n",
        "\nnot all of the folder was imported\n",
    ] {
        assert!(run.stderr.contains(note), "{note}: {}", run.stderr);
    }
    assert!(!project.path("spec/dashboards/same.toml").exists());
    rendered(&project);
}

/// What the provider files of the kind say is not what others say.
#[test]
fn providers_that_differ_get_notes() {
    let project = shop();
    let provider = "grafana/provisioning/dashboards/all.yaml";
    project.replace(provider, "folderUid: ops-team", "folderUid: Ops_Team.1\n    allowUiUpdates: \"true\"");
    project.replace(provider, "    type: file", "    allowUiUpdates: true\n    updateIntervalSeconds: 30");
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    for note in [
        "all.yaml:3: assumed: provider `ops`: `updateIntervalSeconds: 30`, as the kind has it\n",
        "all.yaml:3: assumed: folder `Operations` has the UID `operations`: `Ops_Team.1` is not a valid name in a spec\n",
        "all.yml:2: dropped: `deleteDatasources` of `Old`: Grafana only deletes datasources that leave the spec\n",
    ] {
        assert!(run.stderr.contains(note), "{note}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("provider `shop`"), "{run:?}");
    rendered(&project);

    let project = shop();
    project.replace(provider, "    type: file", "    disableDeletion: true");
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    let all = "all.yaml:7: assumed: provider `shop`: `allowUiUpdates: true`, `updateIntervalSeconds: 30`, \
               `disableDeletion: false`, as the kind has it\n";
    assert!(run.stderr.contains(all), "{run:?}");
}

#[test]
fn the_dashboards_of_all_providers_are_counted() {
    let project = shop();
    for folder in ["ops", "shop"] {
        for number in 0..500 {
            project.write(&format!("grafana/dashboards/{folder}/{number}.json"), "{}");
        }
    }
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("it has 1002 dashboards, and the limit is 900\n"), "{run:?}");
    assert!(!project.path("spec/dashboards").exists());
}

/// Grafana links logs, metrics and traces where there is one datasource of each.
#[test]
fn what_the_spec_adds_to_datasources_gets_notes() {
    let project = shop();
    project.replace(
        "grafana/provisioning/datasources/all.yml",
        "  - name: Loki\n",
        "  - {name: Tempo, type: tempo, url: 'http://tempo:3200', jsonData: {serviceMap: {datasourceUid: x}}}\n  \
         - {name: DB, type: postgres, url: 'db:5432', user: me, database: shop}\n  - name: Loki\n",
    );
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    for note in [
        "all.yml:4: assumed: datasource `Prometheus`: with `httpMethod: POST`, `prometheusType: Prometheus` and \
         `exemplarTraceIdDestinations`, unless `json_data` says otherwise\n",
        "all.yml:12: assumed: datasource `Tempo`: with `tracesToLogsV2` and `tracesToMetrics`, unless",
    ] {
        assert!(run.stderr.contains(note), "{note}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("datasource `Loki`: with") && !run.stderr.contains("`database"), "{}", run.stderr);
}

/// Grafana reads texts as booleans, in its settings also those of INI files.
#[test]
fn booleans_are_those_of_grafana() {
    let sources = "grafana/provisioning/datasources/all.yml";
    for (written, expected) in [("\"true\"", true), ("1", true), ("\"F\"", false), ("\"\"", false), ("$ON", true)] {
        let project = shop();
        project.replace("compose.yaml", "      - TENANT", "      - ON=t\n      - TENANT");
        project.replace(
            sources,
            "isDefault: true\n    editable: true",
            &format!("isDefault: {written}\n    editable: \"true\""),
        );
        let run = init(&project);
        assert_eq!(run.code, Some(0), "{run:?}");
        let spec = project.read("spec/stack.toml");
        assert!(spec.contains("[datasources.") && spec.contains("default = true") == expected, "{written}: {spec}");
    }
    for (written, expected) in [
        ("1", true),
        ("t", true),
        ("yes", true),
        ("ON", true),
        ("True", true),
        ("no", false),
        ("tRUE", false),
        ("", false),
    ] {
        let project = shop();
        project.replace(
            "compose.yaml",
            "      - TENANT",
            &format!("      - GF_AUTH_ANONYMOUS_ENABLED={written}\n      - TENANT"),
        );
        let run = init(&project);
        assert_eq!(run.code, Some(0), "{run:?}");
        let spec = project.read("spec/stack.toml");
        assert!(spec.contains(&format!("anonymous = {expected}")), "{written}: {spec}");
    }
}

#[test]
fn a_grafana_that_the_kind_cannot_say_stays_as_it_was() {
    let provisioning = "grafana/provisioning/datasources/all.yml";
    for (path, from, to, why) in [
        ("compose.yaml", "      - TENANT=${TENANT}\n", "", "the service does not set `TENANT`"),
        ("compose.yaml", "TENANT=${TENANT}", "GF_PATHS_PROVISIONING=/etc", "it sets `GF_PATHS_PROVISIONING`"),
        ("compose.yaml", "TENANT=${TENANT}", "GF_PATHS_CONFIG=/my.ini", "it sets `GF_PATHS_CONFIG`"),
        ("compose.yaml", "TENANT=${TENANT}", "GF_SERVER_PROTOCOL=https", "it does not use HTTP"),
        (
            "compose.yaml",
            "TENANT=${TENANT}",
            "GF_SERVER_HTTP_PORT=${PORT:-3000}",
            "the value of `GF_SERVER_HTTP_PORT` depends on a variable",
        ),
        (
            "compose.yaml",
            "      - ./grafana/dashboards:",
            "      - ./loki.yaml:/etc/grafana/grafana.ini\n      - ./grafana/dashboards:",
            "the kind would override settings in `/etc/grafana/grafana.ini`",
        ),
        (
            "compose.yaml",
            "      - ./grafana/dashboards:",
            "      - ./grafana/alerting:${DIR:-/etc/grafana/provisioning/alerting}\n      - ./grafana/dashboards:",
            "the target `${DIR:-/etc/grafana/provisioning/alerting}` of a mount depends on a variable",
        ),
        ("compose.yaml", "TENANT=${TENANT}", "GF_SERVER_HTTP_PORT=80", "it does not listen on port 3000"),
        (
            "compose.yaml",
            "TENANT=${TENANT}",
            "GF_AUTH_ANONYMOUS_ENABLED=${A}",
            "the value of `GF_AUTH_ANONYMOUS_ENABLED` depends on a variable",
        ),
        ("compose.yaml", "${GRAFANA_PORT:-3000}:3000", "3000:3001", "the kind can publish port 3000 only"),
        (
            "compose.yaml",
            "./grafana/dashboards:",
            "/srv/dashboards:",
            "in the container is not mounted from this folder",
        ),
        (provisioning, "\"${TENANT}\"", "'$__file{/run/secrets/tenant}'", "it uses `$__file{…}`"),
        (provisioning, "isDefault: true", "isDefault: yes please", "`yes please` is not a valid boolean"),
        (provisioning, "type: loki", "type: loci", "datasource `Loki` has the unsupported type `loci`"),
        (provisioning, "type: loki", "type: grafana-github-datasource", "missing plugin `grafana-github-datasource`"),
        (provisioning, "uid: loki", "uid: PBFA97CFB590B2093", "two datasources have the UID"),
        (provisioning, "apiVersion: 1", "apiVersion: [", "cannot read `grafana/provisioning/datasources/all.yml`"),
        ("grafana/provisioning/dashboards/all.yaml", "type: file", "type: other", "is not of type `file`"),
    ] {
        let project = shop();
        project.replace(path, from, to);
        let run = init(&project);
        assert_eq!(run.code, Some(0), "{to}: {run:?}");
        assert!(run.stderr.contains("kept: `grafana` keeps its own provisioning: "), "{to}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{why}: {}", run.stderr);
        assert!(!project.path("spec/dashboards").exists());
        let file = rendered(&project);
        let volumes = &file["services"]["grafana"]["volumes"];
        assert_eq!(volumes[1]["source"], "../../grafana/provisioning", "{to}");
    }
}

/// Provisioning that is not found where Grafana has it by default is not passed over in silence.
#[test]
fn a_grafana_with_its_provisioning_elsewhere_stays_as_it_was() {
    let mount = "./grafana/provisioning:/etc/grafana/provisioning:ro";
    for (to, why) in [
        ("./grafana/provisioning:${DIR:-/etc/grafana/provisioning}", "of a mount depends on a variable"),
        ("./grafana/provisioning:/provisioning", "it sets `GF_PATHS_PROVISIONING`"),
        ("${DIR:-/srv}/provisioning:/etc/grafana/provisioning", "in the container is not mounted from this folder"),
        ("./grafana/provisioning/..:/etc/grafana", "the kind would override settings in `/etc/grafana/grafana.ini`"),
    ] {
        let project = shop();
        project.write("grafana/grafana.ini", "");
        project.replace("compose.yaml", mount, to);
        if to.ends_with(":/provisioning") {
            project.replace(
                "compose.yaml",
                "      - TENANT",
                "      - GF_PATHS_PROVISIONING=/provisioning\n      - TENANT",
            );
        }
        let run = init(&project);
        assert_eq!(run.code, Some(0), "{to}: {run:?}");
        assert!(run.stderr.contains("keeps its own provisioning") && run.stderr.contains(why), "{to}: {}", run.stderr);
        assert!(!project.path("spec/dashboards").exists());
    }
    let project = shop();
    project.replace("compose.yaml", "./grafana/provisioning:/etc/grafana/provisioning:ro", "./grafana/other:/other");
    let configs = "    configs: [{source: sources, target: /etc/grafana/provisioning/datasources/all.yaml}]\n    volumes:\n      - data";
    project.replace("compose.yaml", "    volumes:\n      - data", configs);
    let text =
        project.read("compose.yaml") + "configs:\n  sources:\n    file: ./grafana/provisioning/datasources/all.yml\n";
    project.write("compose.yaml", text);
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    let why = "`/etc/grafana/provisioning/datasources/all.yaml` in the container comes from `configs` or `secrets`";
    assert!(run.stderr.contains(why), "{run:?}");
}

#[test]
fn a_variable_that_had_to_be_set_gets_no_note() {
    let project = shop();
    project.replace("compose.yaml", "TENANT=${TENANT}", "TENANT=${TENANT:?}");
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.stderr.contains("`${TENANT}`"), "{run:?}");
    rendered(&project);
}

/// A secret has no default, so one that others have a default for can't be the same variable.
#[test]
fn a_password_with_a_default_elsewhere_gets_a_variable_of_its_own() {
    let project = shop();
    project.replace("compose.yaml", "DATABASE: ${DATABASE:-shop}", "PASSWORD: ${ADMIN_PASSWORD:-admin}");
    project.replace("compose.yaml", "TENANT=${TENANT}", "TENANT=${TENANT:-shop}");
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    let file = rendered(&project);
    assert_eq!(file["services"]["app"]["environment"]["PASSWORD"], "${ADMIN_PASSWORD:-admin}");
    assert_eq!(file["secrets"]["grafana-admin_password"]["environment"], "GRAFANA_ADMIN_PASSWORD");
    assert_eq!(file["secrets"]["datasource.loki.httpHeaderValue1"]["environment"], "LOKI_HTTP_HEADER_VALUE1");
}

#[test]
fn a_second_grafana_keeps_both_as_they_were() {
    let project = shop();
    let second = "  other:\n    image: grafana/grafana-oss:12.1.0\n    volumes: [\"./other:/etc/grafana/provisioning\"]\nvolumes:\n";
    project.write("compose.yaml", COMPOSE.replace("volumes:\n  data", &format!("{second}  data")));
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("has the same datasources, but `other` has its own provisioning"), "{run:?}");
}

#[test]
fn a_folder_below_has_its_own_paths_and_a_folder_elsewhere_is_refused() {
    let shop = shop();
    let project = Project::empty();
    for path in [
        "compose.yaml",
        "grafana/provisioning/datasources/all.yml",
        "grafana/provisioning/dashboards/all.yaml",
        "grafana/provisioning/alerting/rules.yaml",
        "grafana/dashboards/ops/node.json",
        "grafana/dashboards/shop/orders.json",
    ] {
        project.write(&format!("deploy/{path}"), shop.read(path));
    }
    project.write("deploy/.env", "TENANT=a\n");
    let run = project.run(&["init", "--from", "./deploy/"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("\n  cp deploy/.env generated/dev/.env\n"), "{run:?}");
    let spec = project.read("spec/stack.toml");
    assert!(spec.starts_with("[stack]\nname = \"deploy\"\n"), "{spec}");
    assert!(
        spec.contains("\"./deploy/grafana/provisioning/alerting:/etc/grafana/provisioning/alerting:ro\""),
        "{spec}"
    );
    rendered(&project);

    for folder in ["..", "deploy/../..", "/", "missing"] {
        let project = Project::empty();
        let run = project.run(&["init", "--from", folder]);
        assert_ne!(run.code, Some(0), "{folder}: {run:?}");
        assert!(!project.path("spec").exists() && !project.path(".gitignore").exists(), "{folder}");
    }
}

#[test]
fn nothing_is_written_if_something_is_refused() {
    let project = Project::empty();
    let run = init(&project);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(
        run.stderr.contains("no Compose file in `.`: none of compose.yaml, compose.yml, docker-compose.yml"),
        "{run:?}"
    );
    project.write("compose.yaml", "services: [\n");
    let run = init(&project);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("error[yaml-syntax]"), "{run:?}");
    assert!(!project.path(".gitignore").exists());

    for taken in ["spec/stack.toml", "spec/dashboards/orders.toml"] {
        let project = shop();
        project.write(taken, "# mine\n");
        let run = init(&project);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(&format!("`{taken}` already exists; nothing was written")), "{run:?}");
        assert_eq!(project.read(taken), "# mine\n");
        assert!(!project.path("spec/dashboards/node.toml").exists() && !project.path(".gitignore").exists());
    }
    let run = shop().run(&["init", "--from", ".", "--example", "web"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

/// What the folder has may be a stranger's.
#[cfg(unix)]
#[test]
fn links_are_followed_to_files_of_the_folder_only() {
    use std::os::unix::fs::symlink;
    let outside = Project::empty();
    outside.write("secret.json", NODE);
    let project = shop();
    symlink(outside.path("secret.json"), project.path("grafana/dashboards/shop/secret.json")).unwrap();
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("is neither a file nor a folder"), "{run:?}");

    // Nor are files of the Compose project read from elsewhere.
    outside.write("compose.yaml", "services:\n  outside:\n    image: secret:1\n");
    let (link, above) = ("it is a link that leads out of the project", "it is not below the current directory");
    for (linked, included, why) in
        [("compose.yaml", None, link), ("more.yaml", Some("more.yaml"), link), ("x", Some("../compose.yaml"), above)]
    {
        let project = shop();
        let _ = std::fs::remove_file(project.path(linked));
        symlink(outside.path("compose.yaml"), project.path(linked)).unwrap();
        if let Some(included) = included {
            project.write("compose.yaml", format!("include: [{included}]\n{COMPOSE}"));
        }
        let run = init(&project);
        assert_eq!(run.code, Some(if included.is_some() { 2 } else { 3 }), "{linked}: {run:?}");
        assert!(run.stderr.contains(why) && !project.path("spec").exists(), "{linked}: {run:?}");
    }

    let project = shop();
    symlink("../ops/node.json", project.path("grafana/dashboards/shop/alias.json")).unwrap();
    project.write("grafana/dashboards/ops/node.json", ORDERS.replace("Orders", "Esc \\u001b[31m"));
    std::fs::remove_file(project.path("grafana/dashboards/shop/orders.json")).unwrap();
    let run = init(&project);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.path("spec/dashboards/alias.toml").exists());
    assert!(!run.stderr.contains('\u{1b}') && !run.stdout.contains('\u{1b}'), "{run:?}");
}

/// Before `gen` owns a file, it says what would change in it.
#[test]
fn a_render_shows_what_would_become_of_a_file_of_somebody_else() {
    let project = shop();
    init(&project);
    let compose = "generated/dev/docker-compose.yml";
    project.write(compose, "services:\n  old: {}\n");
    for arguments in [&["render"][..], &["render", "--dry-run"]] {
        let run = project.run(arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        let head = format!("--- {compose} (on disk)\n+++ {compose} (rendered)\n@@ -1,2 +1,");
        assert!(run.stdout.contains(&head) && run.stdout.contains("\n-  old: {}\n"), "{run:?}");
        assert!(run.stdout.contains("\n+    image: shop/app:1.2\n"), "{run:?}");
        assert!(run.stderr.contains("`gen render --force` overwrites or deletes the files"), "{run:?}");
        assert_eq!(project.read(compose), "services:\n  old: {}\n");
        assert!(!project.path("generated/dev/README.md").exists());
    }
    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    assert!(project.read(compose).contains("shop/app:1.2"));
}
