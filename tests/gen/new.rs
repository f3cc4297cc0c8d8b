//! `gen new`: a block more, and nothing else.

use std::fs;

use stackgen::spec::kind::Kind;
use stackgen::spec::stack::{Addressed, DatasourceType};

use super::project::{Project, REFERENCE, Run};

const MAIN: &str = "spec/stack.toml";

fn example(name: &str) -> Project {
    let project = Project::empty();
    let run = project.run(&["init", "--example", name]);
    assert_eq!(run.code, Some(0), "{run:?}");
    project
}

fn new(project: &Project, arguments: &[&str]) -> Run {
    project.run(&[&["new"], arguments].concat())
}

/// Runs it; what was there is there still, in order, and all is well.
fn added(project: &Project, arguments: &[&str]) -> String {
    let before = project.read(MAIN);
    let run = new(project, arguments);
    assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
    assert_eq!(run.stderr, "", "{arguments:?}");
    let after = project.read(MAIN);
    let mut lines = after.lines();
    for line in before.lines() {
        assert!(lines.any(|kept| kept == line), "{arguments:?}: `{line}` is lost:\n{after}");
    }
    checks(project, arguments);
    after
}

fn checks(project: &Project, arguments: &[&str]) {
    for command in [&["render"][..], &["check"], &["fmt", "--check"]] {
        let run = project.run(command);
        assert_eq!(run.code, Some(0), "{arguments:?}, {command:?}: {run:?}");
    }
}

/// Runs it; it is refused with this in the message, and the spec is as before.
fn refused(project: &Project, arguments: &[&str], messages: &[&str]) {
    let before = project.read(MAIN);
    let run = new(project, arguments);
    assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
    for message in messages {
        assert!(run.stderr.contains(message), "{arguments:?}: no `{message}` in\n{}", run.stderr);
    }
    assert_eq!(run.stdout, "");
    assert_eq!(project.read(MAIN), before);
}

#[test]
fn a_service_of_every_kind_checks_at_once() {
    for example_name in ["minimal", "observability"] {
        for kind in Kind::WORDS {
            // Which of two stores is meant only the user knows.
            if example_name == "observability" && ["mimir", "loki"].contains(kind) {
                continue;
            }
            let project = example(example_name);
            let text = added(&project, &["service", "one", "--kind", kind]);
            assert!(text.contains(&format!("\n[services.one]\nkind = \"{kind}\"\n")), "{text}");
        }
    }
}

/// A kind that the reference stack doesn't run: all that is known of it stands in its `kind.toml`.
#[test]
fn a_kind_needs_no_code() {
    let project = example("minimal");
    let run = new(&project, &["service", "orders", "--kind", "postgres"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let spec = project.read(MAIN);
    for block in [
        "[services.orders]\nkind = \"postgres\"\nports.sql = 5432\nsettings.password = \"${POSTGRES_PASSWORD}\"\n",
        "postgres = \"postgres:17.6\"\n",
        "[env.POSTGRES_PASSWORD]\ndescription = \"Password of PostgreSQL's superuser\"\nrequired = true\nsecret = true\ngenerate = true\n",
    ] {
        assert!(spec.contains(block), "no\n{block}in\n{spec}");
    }
    project.replace(MAIN, "settings.password = ", "settings.database = \"orders\"\nsettings.password = ");
    project.replace(MAIN, "ADMINER_DEFAULT_SERVER = \"${db.sql}\"", "ADMINER_DEFAULT_SERVER = \"${orders.sql}\"");
    checks(&project, &[]);
    let compose: serde_yaml::Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    let service = &compose["services"]["orders"];
    assert_eq!(service["image"], "postgres:17.6");
    assert_eq!(service["environment"]["POSTGRES_USER"], "postgres");
    assert_eq!(service["environment"]["POSTGRES_DB"], "orders");
    assert_eq!(service["environment"]["POSTGRES_PASSWORD_FILE"], "/run/secrets/orders-password");
    // The data is in the volume whatever the image's default is.
    assert_eq!(service["volumes"][0]["target"], service["environment"]["PGDATA"]);
    assert_eq!(service["secrets"][0]["source"], "orders-password");
    assert_eq!(compose["secrets"]["orders-password"]["environment"], "POSTGRES_PASSWORD");
    let test: Vec<&str> =
        service["healthcheck"]["test"].as_sequence().unwrap().iter().filter_map(serde_yaml::Value::as_str).collect();
    assert_eq!(test, ["CMD", "pg_isready", "--host", "127.0.0.1", "--username", "postgres", "--dbname", "orders"]);
    assert_eq!(service["volumes"][0]["source"], "orders-data");
    assert!(service["cap_add"].as_sequence().unwrap().iter().any(|name| name == "SETUID"));
    assert!(service.get("read_only").is_none());
    let adminer = project.read("generated/dev/docker-compose.yml");
    assert!(adminer.contains("ADMINER_DEFAULT_SERVER: orders:5432\n"), "{adminer}");
    let listed = project.run(&["list", "services"]);
    assert!(listed.stdout.lines().any(|line| line.contains("orders") && line.contains("postgres")), "{listed:?}");
    // Mistakes are reported as for any kind.
    for (from, to, code, title) in [
        ("\"${POSTGRES_PASSWORD}\"", "\"hush\"", "exposed-secret", "the secret would be committed"),
        ("settings.database", "settings.databse", "unknown-key", "unknown key `databse` in settings"),
        ("settings.database", "settings.heap", "foreign-setting", "unknown setting `heap` of kind `postgres`"),
        ("settings.password", "# settings.password", "missing-key", "missing superuser password for `orders`"),
        ("kind = \"postgres\"", "kind = \"postgre\"", "unknown-value", "did you mean `postgres`?"),
        ("ports.sql = 5432", "ports.http = 5432", "unknown-port", "unknown port `http` of kind `postgres`"),
    ] {
        let before = project.read(MAIN);
        project.replace(MAIN, from, to);
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{to}: {run:?}");
        for part in [&format!("error[{code}]"), title] {
            assert!(run.stderr.contains(part), "{to}: no `{part}` in\n{}", run.stderr);
        }
        project.write(MAIN, before);
    }
}

#[test]
fn a_datasource_of_every_type_checks_at_once() {
    for example_name in ["minimal", "observability"] {
        for kind in DatasourceType::WORDS {
            let project = example(example_name);
            // A service that has a JSON API.
            if example_name == "observability" {
                added(&project, &["service", "api", "--image", "example/api:1", "--port", "8080"]);
            }
            let plugin = DatasourceType::from_word(kind).unwrap().plugin();
            if !plugin.is_bundled && !REFERENCE.contains(plugin.id) {
                // Nothing says which version of it would do.
                let run = new(&project, &["datasource", "one", "--type", kind, "--service", "grafana"]);
                assert!(run.stderr.contains(&format!("add `\"{}@<version>\"`", plugin.id)), "{run:?}");
                continue;
            }
            let mut arguments = vec!["datasource", "one", "--type", kind];
            if plugin.addressed == Addressed::HostAndPort {
                arguments.extend(["--service", if example_name == "minimal" { "db" } else { "api" }]);
            }
            let text = added(&project, &arguments);
            assert!(text.contains(&format!("\n[datasources.one]\ntype = \"{kind}\"\ntitle = \"One\"\n")), "{text}");
            // The first one is the default, a further one isn't.
            let is_default = text.split("[datasources.one]\n").nth(1).unwrap().split("\n\n").next().unwrap();
            assert_eq!(is_default.contains("default = true"), example_name == "minimal", "{text}");
        }
    }
}

#[test]
fn a_service_stands_behind_the_last_one() {
    let project = Project::new(REFERENCE);
    let run = new(&project, &["service", "mailer", "--image", "example/mailer:1.2", "--port", "8025"]);
    assert_eq!(
        run.stdout,
        "spec/stack.toml: added\n+ [services.mailer]\n+ image = \"example/mailer:1.2\"\n+ ports.http = 8025\n\n\
         run `gen render` to write the outputs\n"
    );
    let block = "\n[services.mailer]\nimage = \"example/mailer:1.2\"\nports.http = 8025\n";
    let heading = "\n# ---- files of the stack";
    // The sub-tables of the last service stay with it, the heading of what comes next with that.
    let expected = REFERENCE.replacen(heading, &format!("{block}{heading}"), 1);
    assert_eq!(project.read(MAIN), expected);
    checks(&project, &[]);
}

#[test]
fn what_runs_in_a_service_may_follow_from_its_name() {
    let project = example("minimal");
    assert!(added(&project, &["service", "loki"]).contains("[services.loki]\nkind = \"loki\"\n"));
    let project = Project::new(REFERENCE);
    assert!(added(&project, &["service", "copilot"]).contains("[services.copilot]\nimage = \"copilot\"\n"));
    refused(
        &project,
        &["service", "api"],
        &["missing image or kind for service `api`", "--image", "--kind", "`grafana`"],
    );
    refused(&project, &["service", "api", "--kind", "grafna"], &["grafana"]);
    refused(&project, &["service", "api", "--kind", "grafana", "--image", "x:1"], &["--image"]);
}

#[test]
fn a_port_that_is_taken_is_not_taken_again() {
    let project = example("observability");
    assert!(added(&project, &["service", "other", "--kind", "grafana"]).contains("ports.http = 3001\n"));
    assert!(added(&project, &["service", "third", "--kind", "grafana"]).contains("ports.http = 3002\n"));
    assert!(
        added(&project, &["service", "own", "--kind", "grafana", "--port", "4000"]).contains("ports.http = 4000\n")
    );
    let clash = ["error[port-clash]", "duplicate host port 3000", "1 new problem; nothing was written"];
    refused(&project, &["service", "api", "--image", "x:1", "--port", "3000"], &clash);
    refused(&project, &["service", "s", "--kind", "elasticsearch-setup", "--port", "1"], &["which has no ports"]);

    // One that only a profile publishes is taken, too.
    let project = example("minimal");
    project.replace(MAIN, "[profiles.dev]\n", "[profiles.dev]\n[profiles.dev.services.web.ports]\nui = 3000\n");
    let run = new(&project, &["service", "grafana"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("+ ports.http = 3001\n"), "{run:?}");
}

#[test]
fn a_temporal_server_needs_to_know_its_cluster() {
    let project = Project::new(REFERENCE);
    refused(&project, &["service", "ui", "--kind", "temporal-ui"], &["missing cluster", "`monitored`, `copilot`"]);
    let text = added(&project, &["service", "ui", "--kind", "temporal-ui", "--cluster", "copilot"]);
    assert!(
        text.contains("[services.ui]\nkind = \"temporal-ui\"\ncluster = \"copilot\"\nports.http = 8083\n"),
        "{text}"
    );
    refused(&project, &["service", "u", "--kind", "temporal-ui", "--cluster", "no"], &["unknown cluster `no`"]);
    refused(&project, &["service", "u", "--image", "x:1", "--cluster", "copilot"], &["remove `--cluster`"]);
}

#[test]
fn which_of_two_stores_is_meant_only_the_user_knows() {
    let project = Project::new(REFERENCE);
    refused(&project, &["service", "mimir-2", "--kind", "mimir"], &["error[ambiguous-service]", "nothing was written"]);
    project.replace(MAIN, "[datasources.mimir]\n", "[datasources.mimir]\nservice = \"mimir\"\n");
    project.replace(MAIN, "[services.alloy.settings]\n", "[services.alloy.settings]\nmetrics_store = \"mimir\"\n");
    added(&project, &["service", "mimir-2", "--kind", "mimir"]);
    refused(&project, &["datasource", "more", "--type", "prometheus"], &["--service", "`mimir`, `mimir-2`"]);
    let text = added(&project, &["datasource", "more", "--type", "prometheus", "--service", "mimir-2"]);
    assert!(text.contains("[datasources.more]\ntype = \"prometheus\"\ntitle = \"More\"\nservice = \"mimir-2\"\n"));
    assert!(
        added(&project, &["service", "collector", "--kind", "alloy", "--port", "9"])
            .contains("metrics_store = \"mimir\"\n")
    );
}

#[test]
fn a_json_api_needs_to_be_named_if_there_are_several() {
    let project = Project::new(REFERENCE);
    // The only service without a kind that has a port `http`.
    assert!(
        added(&project, &["datasource", "one", "--type", "json"])
            .contains("title = \"One\"\nservice = \"copilot-api\"\n")
    );
    added(&project, &["service", "api", "--image", "example/api:1", "--port", "8090"]);
    refused(&project, &["datasource", "two", "--type", "json"], &["missing service", "`copilot-api`, `api`"]);
    refused(&project, &["datasource", "two", "--type", "json", "--service", "no"], &["unknown service `no`"]);
    added(&project, &["datasource", "two", "--type", "json", "--service", "api"]);
}

/// The plugin for JSON APIs comes to the others, however they are written.
#[test]
fn a_setting_goes_where_the_others_are() {
    let grafana = "[services.grafana.settings]\nadmin_password = \"${GRAFANA_ADMIN_PASSWORD}\"\n\
                   # Title of each folder of dashboards; spec/dashboards/*.toml name one of these keys.\n\
                   folders = { stack = \"Stack\" }\n";
    let password = "admin_password = \"${GRAFANA_ADMIN_PASSWORD}\"";
    let plugin = "yesoreyeram-infinity-datasource@3.11.3";
    for (written, expected) in [
        (
            format!(
                "\n[services.grafana.settings]\n{password}\nfolders.stack = \"Stack\"\nplugins = [\"a-panel@1.0.0\"]\n"
            ),
            format!("plugins = [\"a-panel@1.0.0\", \"{plugin}\"]\n"),
        ),
        (
            format!(
                "\n[services.grafana.settings]\n{password}\nfolders.stack = \"Stack\"\nplugins = [\n  \"a-panel@1.0.0\", # x\n]\n"
            ),
            format!("plugins = [\n  \"a-panel@1.0.0\", # x\n  \"{plugin}\",\n]\n"),
        ),
        (
            format!("settings = {{ {password}, folders = {{ stack = \"Stack\" }} }}\n"),
            format!("folders = {{ stack = \"Stack\" }}, plugins = [\"{plugin}\"] }}\n"),
        ),
        (
            format!("settings.{password}\nsettings.folders.stack = \"Stack\"\n# the end\n"),
            format!("settings.folders.stack = \"Stack\"\nsettings.plugins = [\"{plugin}\"]\n# the end\n"),
        ),
    ] {
        let project = example("observability");
        project.replace(MAIN, &format!("\n{grafana}"), &written);
        added(&project, &["service", "api", "--image", "example/api:1", "--port", "8080"]);
        let run = new(&project, &["datasource", "api", "--type", "json"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let text = project.read(MAIN);
        assert!(text.contains(&expected), "{text}");
        let rendered = project.run(&["render"]);
        assert_eq!(rendered.code, Some(0), "{rendered:?}");
    }
}

/// Tables may be written without any header, or in braces.
#[test]
fn tables_are_found_however_they_are_written() {
    for (text, expected) in [
        (
            "stack.name = \"dotted\"\nprofiles.dev = {}\nimages.web = \"example/web:1\"\nservices.web.image = \"web\"\n",
            "images.web = \"example/web:1\"\nimages.loki = \"grafana/loki:3.7.6\"\nservices.web.image = \"web\"\n\n[services.loki]\n",
        ),
        (
            "stack = { name = \"braces\" }\nprofiles = { dev = {} }\nimages = {}\n\n[services]\nweb = { image = \"example/web:1\" }",
            "images = { loki = \"grafana/loki:3.7.6\" }\n\n[services]\nweb = { image = \"example/web:1\" }\n\n[services.loki]\n",
        ),
    ] {
        let project = Project::new(text);
        let run = new(&project, &["service", "loki"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{text}");
        let after = project.read(MAIN);
        assert!(after.contains(expected), "{after}");
        checks(&project, &[]);
    }
    // A table in braces can't be added to by a header, so nothing is done.
    let project =
        Project::new("stack = { name = \"x\" }\nprofiles = { dev = {} }\nservices = { web = { image = \"a/b:1\" } }\n");
    refused(&project, &["service", "api", "--image", "c/d:1"], &["error[toml-syntax]", "nothing was written"]);
}

#[test]
fn a_spec_of_several_files_gets_each_block_where_its_sort_is() {
    let main = "include = [\"services.toml\"]\n\n[stack]\nname = \"split\"\n\n[profiles.dev]\n\n[images]\n\
                web = \"adminer:5.4.1\"\n\n[env.GREETING]\ndescription = \"What it says\"\ndefault = \"hello\"\n";
    let services = "# services\n\n[services.web]\nimage = \"web\"\nenvironment.GREETING = \"${GREETING}\"\n";
    let project = Project::new(main);
    project.write("spec/services.toml", services);
    let run = new(&project, &["service", "api", "--image", "example/api:1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.starts_with("spec/services.toml: added\n"), "{run:?}");
    assert_eq!(project.read(MAIN), main);
    assert!(project.read("spec/services.toml").ends_with("\n\n[services.api]\nimage = \"example/api:1\"\n"));
    let run = new(&project, &["service", "grafana"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.read(MAIN).contains("[env.GRAFANA_ADMIN_PASSWORD]\n"));
    assert!(project.read("spec/services.toml").contains("[services.grafana]\n"));
    checks(&project, &[]);
}

#[test]
fn a_dashboard_gets_a_file_of_its_own() {
    let project = example("observability");
    let main = project.read(MAIN);
    let run = new(&project, &["dashboard", "api-latency"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let text = project.read("spec/dashboards/api-latency.toml");
    assert_eq!(
        text,
        "#:schema ../dashboard.schema.json\nfolder = \"stack\"\ntitle = \"Api latency\"\n\n[rows.\"Overview\".panels.\"Targets that answer\"]\n\
         type = \"timeseries\"\nqueries = [{ expr = \"up\", legend = \"{{job}}\" }]\n"
    );
    assert!(
        run.stdout.starts_with(
            "spec/dashboards/api-latency.toml: created\n+ #:schema ../dashboard.schema.json\n+ folder = \"stack\"\n"
        ),
        "{run:?}"
    );
    assert_eq!(project.read(MAIN), main);
    checks(&project, &[]);

    refused(&project, &["dashboard", "stack"], &["dashboard `stack` already exists"]);
    refused(&project, &["dashboard", "d", "--folder", "stak"], &["unknown folder `stak`", "did you mean `stack`?"]);
    let declare = "write `settings.folders.other = \"Other\"` below [services.grafana]";
    refused(&project, &["dashboard", "d", "--folder", "other"], &["unknown folder `other`", declare]);
    assert!(!project.path("spec/dashboards/d.toml").exists());
}

#[test]
fn a_dashboard_queries_what_there_is() {
    let project = example("minimal");
    refused(&project, &["dashboard", "d"], &["missing service of kind `grafana`", "gen new service grafana"]);
    added(&project, &["service", "grafana"]);
    // A Grafana without a folder gets one.
    let run = new(&project, &["dashboard", "d"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("+ settings.folders.stack = \"Stack\"\n"), "{run:?}");
    // The folder is unused until the new file is there.
    fs::remove_file(project.path("spec/dashboards/d.toml")).unwrap();
    assert!(project.run(&["check"]).stderr.contains("warning[unused-folder]"));
    added(&project, &["dashboard", "without"]);
    assert!(project.read("spec/dashboards/without.toml").contains("type = \"text\"\n"));
    added(&project, &["datasource", "loki", "--type", "loki"]);
    added(&project, &["dashboard", "logs"]);
    assert!(project.read("spec/dashboards/logs.toml").contains("type = \"logs\"\n"));
    // With a second datasource the first one is the default no longer by itself.
    project.replace(MAIN, "title = \"Loki\"\ndefault = true\n", "title = \"Loki\"\n");
    let text = added(&project, &["datasource", "aws", "--type", "cloudwatch"]);
    assert!(text.contains("title = \"Loki\"\ndefault = true\n"), "{text}");
    // Without a default it must be named.
    project.replace(MAIN, "title = \"Loki\"\ndefault = true\n", "title = \"Loki\"\n");
    assert_eq!(new(&project, &["dashboard", "more"]).code, Some(0));
    assert!(project.read("spec/dashboards/more.toml").contains("datasource = \"loki\"\n"));
}

#[test]
fn names_that_are_taken_or_wrong_are_refused() {
    let project = example("observability");
    let image = ["--image", "x:1"];
    let service = |name| [&["service", name][..], &image].concat();
    refused(&project, &service("loki"), &["service `loki` already exists", "help: "]);
    refused(&project, &["datasource", "loki", "--type", "loki"], &["datasource `loki` already exists"]);
    for name in ["A", "a b", "", "a.b", "../a", "a\nb", "\"]\n[x"] {
        refused(&project, &service(name), &["invalid service name `", "help: "]);
        refused(&project, &["datasource", name, "--type", "loki"], &["invalid datasource name"]);
        refused(&project, &["dashboard", name], &["invalid dashboard name"]);
    }
    // A service of one profile has its name, too.
    project.replace(MAIN, "[profiles.dev]\n", "[profiles.dev]\n[profiles.dev.services.extra]\nimage = \"x:1\"\n");
    refused(&project, &service("extra"), &["service `extra` already exists"]);
    // Text is text.
    refused(&project, &["service", "s", "--image", "\"\n[services.t]\nimage = \"x:1"], &["error[invalid-image]"]);
}

#[test]
fn mistakes_that_are_there_already_do_not_stand_in_the_way() {
    let project = example("minimal");
    project.replace(MAIN, "image = \"adminer:5.4.1\"\n", "image = \"adminer\"\n");
    let before = project.read(MAIN);
    let run = new(&project, &["service", "api", "--image", "example/api:1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stderr, "the spec has 1 other problem; run `gen check` to see more\n");
    assert!(project.read(MAIN).len() > before.len());
    // One of one's own does, and only that is told.
    let before = project.read(MAIN);
    let run = new(&project, &["service", "web-2", "--image", "example/web:latest"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("error[latest-tag]") && !run.stderr.contains("adminer"), "{run:?}");
    assert_eq!(project.read(MAIN), before);
    // After a syntax error nobody knows what is there.
    project.write(MAIN, format!("{before}[services.x\n"));
    refused(&project, &["service", "api-2", "--image", "example/api:1"], &["error[toml-syntax]"]);
}

#[test]
fn line_endings_stay() {
    let project = example("minimal");
    let windows = project.read(MAIN).replace('\n', "\r\n");
    project.write(MAIN, &windows);
    let run = new(&project, &["service", "api", "--image", "example/api:1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let block = "[services.api]\r\nimage = \"example/api:1\"\r\n\r\n";
    assert_eq!(project.read(MAIN).replacen(block, "", 1), windows);
}

#[test]
fn comments_below_a_table_stay_with_it() {
    let project = example("minimal");
    let end = "ADMINER_DEFAULT_SERVER = \"${db.sql}\"\n";
    project.replace(MAIN, end, &format!("{end}# OTHER = \"1\"\n"));
    let text = added(&project, &["service", "api", "--image", "example/api:1"]);
    assert!(text.contains("# OTHER = \"1\"\n\n[services.api]\nimage = \"example/api:1\"\n\n# ---- volumes"), "{text}");
}

#[test]
fn outside_of_a_project_there_is_nothing_to_add_to() {
    let run = new(&Project::empty(), &["service", "api", "--image", "x:1"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("could not find `spec/stack.toml` in "), "{run:?}");
}

#[test]
fn a_comment_stays_with_what_it_stands_behind() {
    let project = example("minimal");
    added(&project, &["service", "grafana"]);
    let text = project.read(MAIN);
    let start = text.find("[services.grafana]").unwrap();
    let end = start + text[start..].find("\n\n").unwrap();
    let in_braces = "[services]\ngrafana = {\n  kind = \"grafana\",\n  ports.http = 3000,\n  settings.plugins = [\n    \
                     \"a-panel@1.0.0\", # needed by the map\n  ],\n  \
                     settings.admin_password = \"${GRAFANA_ADMIN_PASSWORD}\" # kept\n}";
    project.write(MAIN, format!("{}{in_braces}{}", &text[..start], &text[end..]));
    assert_eq!(new(&project, &["datasource", "cw", "--type", "cloudwatch"]).code, Some(0));
    let text = project.read(MAIN);
    assert!(text.contains("\"${GRAFANA_ADMIN_PASSWORD}\", # kept\n  aws = true\n}"), "{text}");
    assert_eq!(new(&project, &["datasource", "api", "--type", "json", "--service", "web"]).code, Some(0));
    let text = project.read(MAIN);
    assert!(text.contains("\"a-panel@1.0.0\", # needed by the map\n    \"yesoreyeram-infinity-datasource@"), "{text}");
}
