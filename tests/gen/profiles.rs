//! Profiles and included files: what is rendered where, and whose line a diagnostic shows.

use std::collections::BTreeSet;

use serde_yaml::Value;

use super::project::{Project, REFERENCE, WHOLE_REFERENCE, files_of};

const TWO: &str = r#"
[stack]
name = "shop"

[profiles.dev]

[profiles.staging]
remove = ["services.debugger", "services.web.environment.DEBUG", "volumes.cores"]

[profiles.staging.services.web]
ports.http.published = 9080
healthcheck.retries = 9
environment.TITLE = "Staging"

[profiles.staging.services.cache]
image = "redis:8.4"

[images]
debugger = "debugger:1"

[services.web]
image = "nginx:1.29"
ports.http = { published = 8080, target = 80 }
healthcheck = { http = "/", interval = "5s", retries = 3 }
environment = { DEBUG = "1", TITLE = "Shop" }

[services.debugger]
image = "debugger"
environment.TOKEN = "${TOKEN}"
volumes = ["cores:/cores"]
secrets = ["key"]

[volumes.cores]

[secrets.key]
file = "./key"

[env.TOKEN]
description = "Token of the debugger"
"#;

fn compose(project: &Project, profile: &str) -> Value {
    serde_yaml::from_str(&project.read(&format!("generated/{profile}/docker-compose.yml"))).unwrap()
}

fn services(compose: &Value) -> Vec<String> {
    compose["services"].as_mapping().unwrap().keys().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_profile_has_a_folder_of_its_own() {
    let project = Project::new(TWO);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");

    let dev = compose(&project, "dev");
    assert_eq!(dev["name"], "shop-dev");
    assert_eq!(services(&dev), ["web", "debugger"]);
    assert_eq!(dev["services"]["web"]["ports"][0]["published"], "8080");
    assert_eq!(dev["services"]["web"]["healthcheck"]["retries"], 3);
    assert_eq!(dev["services"]["web"]["environment"]["DEBUG"], "1");

    let staging = compose(&project, "staging");
    assert_eq!(staging["name"], "shop-staging");
    assert_eq!(services(&staging), ["web", "cache"]);
    let web = &staging["services"]["web"];
    assert_eq!(web["ports"][0]["published"], "9080");
    // What stands beside a changed key stays.
    assert_eq!(web["ports"][0]["target"], 80);
    assert_eq!(web["healthcheck"]["retries"], 9);
    assert_eq!(web["healthcheck"]["interval"], "5s");
    assert_eq!(web["environment"]["TITLE"], "Staging");
    assert_eq!(web["environment"]["DEBUG"], Value::Null);
}

#[test]
fn what_only_a_removed_service_read_is_left_out() {
    let project = Project::new(TWO);
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert!(project.read("generated/dev/.env.example").contains("TOKEN"));
    assert!(!project.read("generated/staging/.env.example").contains("TOKEN"));
    assert_eq!(compose(&project, "dev")["volumes"]["cores"], Value::Mapping(serde_yaml::Mapping::new()));
    assert_eq!(compose(&project, "staging")["volumes"], Value::Null);
    assert_eq!(compose(&project, "dev")["secrets"]["key"]["file"], "../../key");
    assert_eq!(compose(&project, "staging")["secrets"], Value::Null);
}

#[test]
fn what_another_service_reads_stays() {
    let project = Project::new(
        TWO.replace("TITLE = \"Shop\" }", "TITLE = \"Shop\", REGION = \"${REGION}\" }\nsecrets = [\"cert\"]")
            .replace("[secrets.key]", "[secrets.cert]\nfile = \"./cert\"\n\n[secrets.key]")
            .replace(
                "[env.TOKEN]\n",
                "[infrastructure]\nproject = \"shop\"\nregion = \"eu-west-1\"\n\n\
                 [env.REGION]\ndescription = \"Region\"\noutput = \"region\"\n\n[env.TOKEN]\noutput = \"region\"\n",
            ),
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (profile, secrets, fills) in
        [("dev", &["cert", "key"][..], "; fills REGION, TOKEN\""), ("staging", &["cert"], "; fills REGION\"")]
    {
        let compose = compose(&project, profile);
        let found: Vec<&str> = compose["secrets"].as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
        assert_eq!(found, secrets, "{profile}");
        let outputs = project.read(&format!("terraform/{profile}/outputs.tf"));
        assert!(outputs.contains(fills), "{profile}: {outputs}");
    }
}

/// One line leaves out Terraform, or Grafana, with all that only served it.
#[test]
fn a_part_of_the_reference_is_left_out_in_one_line() {
    let project = Project::reference();
    let spec = format!(
        "{}\n[profiles.local]\nremove = [\"infrastructure\"]\n[profiles.bare]\nremove = [\"services.grafana\"]\n",
        project.read("spec/stack.toml")
    );
    project.write("spec/stack.toml", spec);
    let run = project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let local = project.read("generated/local/.env.example");
    assert!(local.contains("TEMPORAL_SQL_HOST") && !local.contains("erraform"), "{local}");
    assert!(!project.path("terraform/local").exists());
    for gone in ["grafana", "config/grafana-datasources.yaml"] {
        assert!(!project.path(&format!("generated/bare/{gone}")).exists(), "{gone}");
    }
    let bare = compose(&project, "bare");
    assert!(bare["services"].get("grafana").is_none() && bare["volumes"].get("grafana-data").is_none(), "{bare:?}");
    assert!(!project.read("generated/bare/.env.example").contains("GRAFANA"));
}

#[test]
fn a_profile_of_the_command_line_is_the_only_one() {
    let project = Project::new(TWO);
    let run = project.run(&["render", "--profile", "staging"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.path("generated/staging/docker-compose.yml").exists());
    assert!(!project.path("generated/dev").exists());
    assert_eq!(project.run(&["check", "--profile", "staging"]).code, Some(0));
    // The other one was never rendered.
    assert_eq!(project.run(&["check"]).code, Some(1));
}

#[test]
fn a_profile_removes_an_item_of_a_list() {
    let spec = |removed: &str| {
        format!(
            "[stack]\nname = \"shop\"\n[profiles.dev]\nremove = [\"services.web.{removed}\"]\n[services.web]\n\
             image = \"web:1\"\ncap_add = [\"NET_RAW\", \"KILL\"]\nenvironment = [\"A.B=1\", \"C=2\"]\n\
             volumes = [\"/srv:/srv\", {{ type = \"tmpfs\", target = \"/tmp\" }}]\n"
        )
    };
    for (removed, key, expected) in [
        ("cap_add.KILL", "cap_add", "[NET_RAW]"),
        ("environment.A.B", "environment", "{C: '2'}"),
        ("environment.C=2", "environment", "{A.B: '1'}"),
        ("volumes./srv", "volumes", "[{type: tmpfs, target: /tmp}]"),
        ("volumes./tmp", "volumes", "[{type: bind, source: /srv, target: /srv, bind: {create_host_path: false}}]"),
    ] {
        let project = Project::new(spec(removed));
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{removed}: {run:?}");
        let found = compose(&project, "dev")["services"]["web"][key].clone();
        assert_eq!(found, serde_yaml::from_str::<Value>(expected).unwrap(), "{removed}");
    }
    let run = Project::new(spec("cap_add.SYS_ADMIN")).run(&["check"]);
    assert!(run.stderr.contains("`cap_add` has no item `SYS_ADMIN`"), "{run:?}");
}

#[test]
fn a_profile_has_the_dashboard_of_its_store_and_every_link_leads_to_one() {
    let project = Project::new(REFERENCE);
    project.replace(
        "spec/stack.toml",
        "[profiles.dev]\n",
        "[profiles.dev]\n[profiles.lite]\nremove = [\"dashboards.persistence\", \"services.grafana.settings.folders.dsql\"]\n\
         dashboards.postgresql.abstract = false\n",
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for (profile, store) in [("dev", "dsql/persistence"), ("lite", "server/postgresql")] {
        let boards = ["server/server", "copilot/copilot", store];
        let texts = boards.map(|board| project.read(&format!("generated/{profile}/grafana/{board}.json")));
        let uids: BTreeSet<String> = texts
            .iter()
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap()["uid"].as_str().unwrap().to_owned())
            .collect();
        let links: BTreeSet<String> = texts
            .iter()
            .flat_map(|text| text.split("/d/").skip(1))
            .map(|link| link.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_owned())
            .collect();
        assert_eq!(links, uids, "{profile}");
        let other = if profile == "dev" { "server/postgresql" } else { "dsql/persistence" };
        assert!(!project.path(&format!("generated/{profile}/grafana/{other}.json")).exists());
    }
}

#[test]
fn an_unknown_profile_has_a_suggestion() {
    let project = Project::new(TWO);
    for command in ["render", "check"] {
        let run = project.run(&[command, "--profile", "stagign"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains("error[unknown-profile]: unknown profile `stagign`"), "{}", run.stderr);
        assert!(run.stderr.contains("did you mean `staging`?"), "{}", run.stderr);
        // It is no mistake of the spec.
        assert!(!run.stderr.contains("spec/stack.toml"), "{}", run.stderr);
    }
    // `profiles` and `include` are suggested, too, although they are read before the rest.
    let project = Project::new("[stack]\nname = \"shop\"\n[profile.dev]\n");
    assert!(project.run(&["check"]).stderr.contains("did you mean `profiles`?"));
    let project = Project::new(TWO);
    let run = project.run(&["check", "--profile", "production"]);
    assert!(run.stderr.contains("expected one of `dev`, `staging`"), "{}", run.stderr);
    assert!(!project.path("generated").exists());
}

#[test]
fn a_diagnostic_shows_the_line_of_the_overlay() {
    let project = Project::new(TWO);
    project.replace("spec/stack.toml", "healthcheck.retries = 9", "healthcheck.retries = \"often\"");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("error[wrong-type]"), "{}", run.stderr);
    assert!(run.stderr.contains("healthcheck.retries = \"often\""), "{}", run.stderr);
    assert!(run.stderr.contains("--> spec/stack.toml:12:23"), "{}", run.stderr);
    // The other profile has no part in it.
    assert_eq!(project.run(&["check", "--profile", "dev"]).code, Some(1));
}

#[test]
fn a_role_that_a_misspelled_cluster_may_have_is_not_missing() {
    let frontend = "cluster = \"monitored\"\nrole = \"frontend\"";
    for (to, expected) in [
        ("cluster = \"monitord\"\nrole = \"frontend\"", "error[unknown-cluster]"),
        ("cluster = \"copilot\"\nrole = \"frontend\"", "error[missing-role]"),
    ] {
        let project = Project::new(REFERENCE.replace(frontend, to));
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        for code in ["error[unknown-cluster]", "error[missing-role]"] {
            assert_eq!(run.stderr.contains(code), code == expected, "{code}: {}", run.stderr);
        }
    }
}

#[test]
fn a_problem_that_profiles_share_is_told_once() {
    let project = Project::new(TWO);
    project.replace("spec/stack.toml", "interval = \"5s\"", "interval = \"soon\"");
    let run = project.run(&["check"]);
    assert_eq!(run.stderr.matches("error[").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("error: 1 problem in the spec"), "{}", run.stderr);
}

#[test]
fn mistakes_in_dashboards_that_profiles_share_are_told_beside_others() {
    let spec = "[stak]\nname = \"shop\"\n\n[profiles.dev]\n\n[profiles.other]\nremove = [\"dashboard.x\"]\n";
    let project = Project::new(spec);
    project.write("spec/dashboards/x.toml", "folder = \"x\"\ntitel = 5\n");
    let said = project.run(&["check"]).stderr;
    for wanted in ["unknown key `stak`", "did you mean `dashboards`?", "unknown key `titel`"] {
        assert_eq!(said.matches(wanted).count(), 1, "{wanted}: {said}");
    }
}

#[test]
fn what_is_not_there_can_not_be_removed() {
    let project = Project::new(TWO);
    project.replace("spec/stack.toml", "\"services.web.environment.DEBUG\"", "\"services.web.environment.DEBGU\"");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("error[nothing-to-remove]"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean `DEBUG`?"), "{}", run.stderr);
}

/// The spec cut at headers: each file has whole tables.
fn cut(spec: &str) -> [String; 3] {
    let at = |header: &str| spec.find(header).unwrap_or_else(|| panic!("{header} in the reference spec"));
    let (services, datasources) = (at("[services.elasticsearch]"), at("[datasources.mimir]"));
    [spec[..services].to_owned(), spec[services..datasources].to_owned(), spec[datasources..].to_owned()]
}

#[test]
fn a_spec_in_three_files_renders_the_same_bytes() {
    let whole = Project::reference();
    let [head, services, rest] = cut(REFERENCE);
    let split = Project::new(format!("include = [\"services.toml\", \"more/rest.toml\"]\n\n{head}"));
    for (path, text) in files_of(REFERENCE.as_bytes()) {
        split.write(path, text);
    }
    split.write("spec/services.toml", services);
    split.write("spec/more/rest.toml", rest);
    let run = split.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(split.outputs(), whole.outputs());
}

#[test]
fn a_project_name_is_unique_for_its_profile() {
    let project = Project::new(TWO);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let names: BTreeSet<String> =
        ["dev", "staging"].map(|profile| compose(&project, profile)["name"].as_str().unwrap().to_owned()).into();
    assert_eq!(names.len(), 2);
}

#[test]
fn an_integer_in_a_profile_moves_no_port_of_a_container() {
    let spec = r#"[stack]
name = "shop"
[profiles.dev]
[profiles.ci]
services.db.ports.sql = 5433
services.api.ports.http = 8081
services.web.ports.http = 8082
services.loki.ports.http = 3101
services.new.ports.http = 8083
[images]
loki = "grafana/loki:3.7.6"
[services.db]
image = "postgres:18.1"
ports.sql = 5432
[services.api]
image = "shop/api:1"
ports.http = { published = 8080, target = 80 }
environment.DATABASE = "${db.sql}"
[services.web]
image = "shop/web:1"
ports.http = { published = 8090 }
[services.loki]
kind = "loki"
ports.http = 3100
settings.retention = "72h"
[services.new]
image = "shop/new:1"
"#;
    let project = Project::new(spec);
    let run = project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let compose: serde_yaml::Value = serde_yaml::from_str(&project.read("generated/ci/docker-compose.yml")).unwrap();
    for (service, published, target) in [
        ("db", "5433", 5432),
        ("api", "8081", 80),
        ("web", "8082", 8090),
        ("loki", "3101", 3100),
        ("new", "8083", 8083),
    ] {
        let port = &compose["services"][service]["ports"][0];
        assert_eq!((&port["published"], &port["target"]), (&published.into(), &target.into()), "{service}");
    }
    assert_eq!(compose["services"]["api"]["environment"]["DATABASE"], "db:5432");
}

/// Temporal compares the names of its settings without case.
#[test]
fn a_dynamic_setting_is_overridden_in_any_case() {
    let cluster = "\n[profiles.dev.clusters.monitored.dynamic_config]\n\"frontend.PERSISTENCEMAXQPS\" = 7\n\
                   \"frontend.namespaceRPS\" = [{ value = 100, constraints = { namespace = \"a\" } }, { value = 50 }]\n\
                   \"matching.rps\" = [{ value = 9, constraints = { taskQueueName = \"q\", taskType = \"Workflow\" } }]\n";
    let project = Project::new(REFERENCE.to_owned() + cluster);
    assert_eq!(project.run(&["render", "--profile", "dev"]).code, Some(0));
    let settings: Value = serde_yaml::from_str(&project.read("generated/dev/dynamicconfig/monitored.yaml")).unwrap();
    let json = |text: &str| -> Value { serde_yaml::from_str(text).unwrap() };
    assert_eq!(settings["frontend.persistenceMaxQPS"], json("[{ value: 7 }]"));
    assert!(settings.get("frontend.PERSISTENCEMAXQPS").is_none());
    let constrained = json("[{ value: 100, constraints: { namespace: a } }, { value: 50 }]");
    assert_eq!(settings["frontend.namespaceRPS"], constrained);
    assert_eq!(settings["matching.rps"][0]["constraints"], json("{ taskQueueName: q, taskType: Workflow }"));
    // The DSQL plugin's server is older.
    assert!(settings.get("history.enableCHASMSchedulerSentinels").is_none());
}

#[test]
fn the_readme_has_the_sections_that_apply() {
    let project = Project::new(WHOLE_REFERENCE);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let [dev, local] = ["dev", "local"].map(|profile| project.read(&format!("generated/{profile}/README.md")));
    for line in [
        "- Buildx",
        "\nset -a; . generated/dev/.env; set +a",
        "\ndocker build --tag temporal-dsql:test --platform linux/arm64 --file generated/dev/docker/base.Dockerfile ",
        "\ndocker build --tag temporal-dsql-runtime:test --platform linux/arm64 generated/dev/docker\n",
        "\ndocker build --tag temporal-sre-copilot:dev --platform linux/arm64 \"${COPILOT_PATH:-../temporal-sre-copilot}\"\n",
        "\n  nc -vz -w 5 \"${COPILOT_DSQL_HOST}\" 5432\n",
        "exec elasticsearch curl -s 'localhost:9200/_cluster/health?pretty'\n",
        "logs elasticsearch-setup\n",
        "exec grafana curl -s 'http://mimir:9009/prometheus/api/v1/query?query=up'\n",
    ] {
        assert!(dev.contains(line), "{line}");
    }
    for line in ["Aurora DSQL: its log", "curl -s 'localhost:9200", "--platform", "temporal-dsql"] {
        assert!(!local.contains(line), "{line}");
    }
    assert!(local.contains("- No data in Grafana"));
}

/// Neither program of the copilot reads more.
#[test]
fn the_copilot_gets_what_it_reads() {
    let project = Project::reference();
    let services = &compose(&project, "dev")["services"];
    let has = |service: &str, name: &str| services[service]["environment"].get(name).is_some();
    assert!(has("copilot-api", "MONITORED_TEMPORAL_ADDRESS") && !has("copilot-worker", "MONITORED_TEMPORAL_ADDRESS"));
    assert!(!has("copilot-api", "COPILOT_DSQL_DATABASE") && !has("copilot-worker", "COPILOT_DSQL_DATABASE"));
}
