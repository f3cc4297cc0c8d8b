//! `gen list`.

use serde_json::{Value, json};
use stackgen::spec::kind::Kinds;

use super::project::{Project, REFERENCE};

fn one<'v>(rows: &'v [Value], key: &str, value: &str) -> &'v Value {
    let mut found = rows.iter().filter(|row| row[key] == value);
    let row = found.next().unwrap_or_else(|| panic!("no {key} {value}: {rows:#?}"));
    assert!(found.next().is_none(), "{key} {value} is there twice");
    row
}

#[test]
fn services() {
    let rows = Project::new(REFERENCE).listed("services");
    assert_eq!(rows.len(), 17);
    assert_eq!(
        one(&rows, "name", "temporal-frontend"),
        &json!({
            "name": "temporal-frontend",
            "group": "monitored",
            "description": "Temporal frontend of the monitored cluster",
            "kind": "temporal-server",
            "image": "temporal-dsql-runtime:test",
            "published_ports": ["7233", "8233"],
            "depends_on": [
                { "service": "elasticsearch-setup", "condition": "completed" },
                { "service": "temporal-history", "condition": "healthy" },
                { "service": "temporal-matching", "condition": "started" },
            ],
        })
    );
    assert_eq!(one(&rows, "name", "copilot-api")["kind"], Value::Null);
}

#[test]
fn ports_by_their_number_and_those_of_the_network() {
    let project = Project::new(REFERENCE);
    project.replace("spec/stack.toml", "ports.http = 3100\n", "ports.http = 3100\nexpose = [\"9095\"]\n");
    let rows = project.listed("ports");
    let api = one(&rows, "service", "copilot-api");
    assert_eq!(api["host"], json!({ "address": "127.0.0.1", "port": "8081" }));
    assert_eq!(
        (&api["name"], &api["container_port"], &api["protocol"]),
        (&json!("http"), &json!("8080"), &json!("tcp"))
    );
    let inside = rows.iter().find(|row| row["service"] == "temporal-history" && row["name"] == "metrics").unwrap();
    assert_eq!((&inside["host"], &inside["container_port"]), (&Value::Null, &json!("9090")));
    let exposed = one(&rows, "container_port", "9095");
    assert_eq!((&exposed["service"], &exposed["name"]), (&json!("loki"), &Value::Null));
    let number = |row: &Value| -> u16 {
        let port = if row["host"].is_null() { &row["container_port"] } else { &row["host"]["port"] };
        port.as_str().unwrap().parse().unwrap()
    };
    assert!(rows.is_sorted_by_key(number), "{rows:#?}");
    let published = rows.iter().filter(|row| !row["host"].is_null()).count();
    assert_eq!(published, 14);
}

#[test]
fn variables_and_who_reads_them() {
    let rows = Project::new(REFERENCE).listed("env");
    let host = one(&rows, "name", "TEMPORAL_SQL_HOST");
    assert_eq!(
        (&host["required"], &host["default"], &host["secret"], &host["terraform_output"]),
        (&json!(true), &Value::Null, &json!(false), &json!("monitored_endpoint"))
    );
    assert_eq!(
        host["services"],
        json!(["temporal-history", "temporal-matching", "temporal-frontend", "temporal-worker", "schema-monitored"])
    );
    let password = one(&rows, "name", "GRAFANA_ADMIN_PASSWORD");
    assert_eq!((&password["secret"], &password["services"]), (&json!(true), &json!(["grafana"])));
    // Of a passthrough key, of a mount, of a build.
    assert_eq!(one(&rows, "name", "SOCKET_GROUP_ID")["services"], json!(["copilot-worker"]));
    assert_eq!(one(&rows, "name", "COPILOT_DEPLOYMENT_PROFILE")["services"], json!(["copilot-worker"]));
    let tree = one(&rows, "name", "TEMPORAL_DSQL_PATH");
    assert_eq!((&tree["services"], &tree["images"]), (&json!([]), &json!(["temporal-base"])));
    // Each is read by somebody, and each service that the Compose file says so of is there.
    assert!(rows.iter().all(|row| row["services"] != json!([]) || row["images"] != json!([])), "{rows:#?}");
}

#[test]
fn variables_agree_with_the_compose_file() {
    let project = Project::reference();
    let compose: Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    for row in project.listed("env") {
        let reference = format!("${{{}", row["name"].as_str().unwrap());
        let mentions = |service: &Value| {
            let granted = service["secrets"].as_array().into_iter().flatten();
            let mut secrets = granted.map(|grant| &compose["secrets"][grant["source"].as_str().unwrap()]);
            if secrets.any(|secret| secret["environment"] == row["name"]) {
                return true;
            }
            let text = service.to_string();
            text.match_indices(&reference).any(|(at, _)| {
                !text[at + reference.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            })
        };
        let wanted: Vec<&String> = compose["services"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, service)| mentions(service))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(row["services"], json!(wanted), "{row}");
    }
}

#[test]
fn images_and_who_uses_them() {
    let rows = Project::new(REFERENCE).listed("images");
    let base = one(&rows, "reference", "temporal-dsql:test");
    assert_eq!(
        (&base["built"], &base["services"], &base["images"]),
        (&json!(true), &json!(["schema-monitored", "schema-copilot"]), &json!(["temporal-server"]))
    );
    let loki = one(&rows, "reference", "grafana/loki:3.7.6");
    assert_eq!((&loki["built"], &loki["services"]), (&json!(false), &json!(["loki"])));
}

#[test]
fn an_image_that_compose_builds() {
    let spec = "[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nbuild.context = \".\"\n[services.api]\nimage = \"a:1\"\n";
    let rows = Project::new(spec).listed("images");
    assert_eq!(
        json!(rows),
        json!([
            { "reference": "a:1", "built": false, "services": ["api"], "images": [] },
            { "reference": "x-dev-web", "built": true, "services": ["web"], "images": [] },
        ])
    );
}

#[test]
fn datasources() {
    let rows = Project::new(REFERENCE).listed("datasources");
    assert_eq!(
        rows[0],
        json!({
            "uid": "mimir", "title": "Prometheus", "type": "prometheus", "url": "http://mimir:9009/prometheus", "default": true,
        })
    );
    let outside = one(&rows, "uid", "cloudwatch");
    assert_eq!((&outside["url"], &outside["default"]), (&Value::Null, &json!(false)));
}

#[test]
fn artifacts_are_those_that_a_render_writes() {
    let project = Project::reference();
    let rows = project.listed("artifacts");
    let mut paths: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    let outputs = project.outputs();
    let written: Vec<&str> = outputs
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| !path.ends_with("manifest.sha256") && !path.starts_with("spec/"))
        .collect();
    assert_eq!(paths, written);
    for (path, bytes) in &outputs {
        let Some(row) = rows.iter().find(|row| row["path"] == path.as_str()) else { continue };
        assert_eq!(row["bytes"], bytes.len(), "{path}");
        assert_eq!(row["lines"], String::from_utf8_lossy(bytes).matches('\n').count(), "{path}");
        assert_eq!(row["executable"], path.ends_with("render-and-start.sh"), "{path}");
    }
    assert_eq!(one(&rows, "path", "generated/dev/config/loki.yaml")["readers"], json!(["loki"]));
    assert_eq!(
        one(&rows, "path", "generated/dev/grafana/server/server.json")["readers"],
        json!(["grafana-check", "promtool"])
    );
    assert_eq!(one(&rows, "path", "generated/dev/README.md")["readers"], json!([]));
}

#[test]
fn a_list_needs_no_output_on_disk() {
    let project = Project::new(REFERENCE);
    assert_eq!(project.listed("artifacts").len(), Project::reference().listed("artifacts").len());
    assert!(project.outputs().is_empty());
}

#[test]
fn tables_fit_and_cut_no_name() {
    let project = Project::new(REFERENCE);
    for (what, name) in [
        ("services", "elasticsearch-setup"),
        ("ports", "temporal-matching.membership"),
        ("env", "COPILOT_DEPLOYMENT_PROFILE"),
        ("images", "temporal-dsql-runtime:test"),
        ("datasources", "http://mimir:9009/prometheus"),
        ("artifacts", "generated/dev/docker/persistence-dsql.template.yaml"),
    ] {
        let run = project.run(&["list", what]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
        assert!(run.stdout.lines().all(|line| line == line.trim_end()), "{}", run.stdout);
        assert!(run.stdout.contains(name), "{}", run.stdout);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    let ports = project.run(&["list", "ports"]).stdout;
    assert!(ports.contains("127.0.0.1:7243   copilot-temporal.grpc         7233/tcp\n"), "{ports}");
    assert!(ports.contains("(network only)   temporal-history.metrics      9090/tcp\n"), "{ports}");
}

#[test]
fn a_profile_is_named_or_the_only_one_or_dev() {
    let with =
        |profiles: &str| Project::new(format!("{profiles}\n[stack]\nname = \"x\"\n[services.web]\nimage = \"a:1\"\n"));
    let image = |project: &Project, arguments: &[&str]| {
        let run = project.run(&[&["list", "images"], arguments].concat());
        run.stdout.lines().nth(1).map(|line| line.split(' ').next().unwrap().to_owned()).ok_or((run.code, run.stderr))
    };
    let stage = "[profiles.stage]\nservices.web.image = \"a:2\"\n";
    assert_eq!(image(&with(stage), &[]).unwrap(), "a:2");
    let both = with(&format!("{stage}[profiles.dev]\n"));
    assert_eq!(image(&both, &[]).unwrap(), "a:1");
    assert_eq!(image(&both, &["--profile", "stage"]).unwrap(), "a:2");
    let (code, error) = image(&with(&format!("{stage}[profiles.live]\n")), &[]).unwrap_err();
    assert_eq!(code, Some(2));
    assert!(error.contains("choose one with `--profile`: `stage`, `live`"), "{error}");
    let (code, error) = image(&both, &["--profile", "stagge"]).unwrap_err();
    assert_eq!(code, Some(2));
    assert!(error.contains("did you mean `stage`?"), "{error}");
}

#[test]
fn a_spec_with_errors_is_no_list() {
    let project = Project::new(REFERENCE);
    project.replace("spec/stack.toml", "ports.http = 8082", "ports.http = 8080");
    let run = project.run(&["list", "ports", "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""), "{run:?}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(report["ports"].is_null() && report["diagnostics"][0]["code"] == "port-clash", "{run:?}");
    let run = project.run(&["list", "ports"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("error[port-clash]"), "{run:?}");
}

/// The README's table of kinds says what the kinds declare.
#[test]
fn the_readme_lists_the_kinds() {
    let readme = include_str!("../../README.md");
    let names = |names: Vec<&str>| match names.as_slice() {
        [] => "–".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let kinds = Kinds::default();
    let rows = kinds.all().map(|kind| {
        let declared = kind.declaration();
        let ports = names(declared.ports.names().collect());
        let settings = names(declared.settings.names().collect());
        format!("| `{}` | {} | {ports} | {settings} |\n", kind.as_str(), declared.title)
    });
    let table =
        format!("| Kind | What it is | Ports | Settings |\n| --- | --- | --- | --- |\n{}\n", rows.collect::<String>());
    assert!(readme.contains(&table), "the README should have\n{table}");
}

/// Each subcommand of `gen dev` has a recipe, and a line for agents; the README's steps name some of them.
#[test]
fn the_subcommands_of_dev_are_known_outside() {
    let help = Project::new(REFERENCE).run(&["dev", "--help"]).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    assert!(names.contains(&"up") && names.contains(&"doctor"), "{names:?}");
    let recipes = include_str!("../../Justfile");
    let agents = include_str!("../../AGENTS.md");
    for name in &names {
        let subcommand = if *name == "schema" { "schema setup" } else { name };
        let recipe = format!("\ndev-{name} *ARGS:\n    cargo run --quiet -- dev {subcommand} {{{{ ARGS }}}}\n");
        assert!(recipes.contains(&recipe), "the Justfile should have{recipe}");
        assert!(agents.contains(&format!("| `gen dev {subcommand}")), "AGENTS.md should have `gen dev {subcommand}`");
    }
    for folder in ["config/", "grafana/", "docker/", "dynamicconfig/"] {
        assert!(agents.contains(folder), "AGENTS.md should have `{folder}`");
    }
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Local development\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    for step in 1..=5 {
        let line = section.lines().find(|line| line.starts_with(&format!("{step}. "))).unwrap();
        let first = line.split("`gen dev ").nth(1).and_then(|rest| rest.split([' ', '`']).next()).unwrap();
        assert!(names.contains(&first), "{line}");
    }
    assert!(section.contains("](generated/dev/README.md)"));
}
