//! Dashboards: what becomes of their descriptions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use stackgen::Plan;
use stackgen::spec::source::Sources;

use super::artifacts::{files, plan};
use super::project::{DASHBOARDS, Project, REFERENCE};

/// A stack with each type of datasource and the folder `main`.
const STACK: &str = include_str!("../dashboards/stack.toml");

/// A dashboard with every key.
const EVERYTHING: &str = include_str!("../dashboards/everything.toml");

fn try_plan(dashboard: &str) -> Result<Plan, String> {
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", STACK.to_owned());
    sources.push("spec/dashboards/main.toml", dashboard.to_owned());
    stackgen::plan(&sources, None).map(|mut plans| plans.remove(0)).map_err(|problems| format!("{problems:#?}"))
}

/// A dashboard of the folder `main`, rendered.
fn render(dashboard: &str) -> String {
    let plan = try_plan(dashboard).unwrap_or_else(|problems| panic!("{problems}\n{dashboard}"));
    files(&plan).remove("generated/dev/grafana/main/main.json").unwrap()
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// Every panel, also those of closed rows.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let of = |value: &'_ Value| value["panels"].as_array().map(Vec::as_slice).unwrap_or_default().to_vec();
    let outer = dashboard["panels"].as_array().unwrap();
    assert!(outer.iter().all(|panel| panel["type"] == "row" || of(panel).is_empty()));
    outer
        .iter()
        .flat_map(|panel| std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten()))
        .collect()
}

/// Where an object or list holds `null`.
fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Array(items) => items.iter().for_each(|item| nulls(item, &format!("{path}[]"), found)),
        Value::Object(object) => object.iter().for_each(|(key, item)| nulls(item, &format!("{path}.{key}"), found)),
        _ => {}
    }
}

#[test]
fn every_key_reaches_its_place() {
    // The same file is checked against Grafana's own types by `node tests/grafana/check.mjs`.
    let expected = include_str!("../dashboards/everything.json");
    let json = render(EVERYTHING);
    if json != expected {
        let diff =
            TextDiff::from_lines(expected, &json).unified_diff().header("everything.json", "rendered").to_string();
        panic!("{diff}");
    }
}

#[test]
fn the_reference_has_three_dashboards() {
    let plan = plan(REFERENCE);
    let files = files(&plan);
    let sources: BTreeSet<&str> =
        plan.stack().grafanas[0].datasources.iter().map(|source| source.uid.as_str()).collect();
    for path in ["server/server", "dsql/persistence", "copilot/copilot"] {
        let dashboard = parse(&files[&format!("generated/dev/grafana/{path}.json")]);
        assert_eq!(dashboard["schemaVersion"], 42, "{path}");
        let panels = panels(&dashboard);
        assert!(panels.len() > 10, "{path}");
        let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{path}: ids are unique");
        for panel in &panels {
            if let Some(uid) = panel["datasource"]["uid"].as_str() {
                assert!(sources.contains(uid), "{path}: {uid}");
            }
            let with_queries = !matches!(panel["type"].as_str(), Some("text" | "row"));
            assert_eq!(with_queries, !panel["targets"].is_null(), "{path}: {}", panel["title"]);
        }
        let mut found = Vec::new();
        nulls(&dashboard, "", &mut found);
        // JSON has no minus infinity, from which on the first colour holds.
        found.retain(|path| !path.ends_with(".steps[].value"));
        assert_eq!(found, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn grafana_finds_each_dashboard_where_compose_mounts_it() {
    let plan = plan(REFERENCE);
    let files = files(&plan);
    let yaml = |path: &str| serde_yaml::from_str::<serde_yaml::Value>(&files[path]).unwrap();
    let compose = yaml("generated/dev/docker-compose.yml");
    let mounts: BTreeMap<String, String> = compose["services"]["grafana"]["volumes"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|mount| (mount["target"].as_str().unwrap().to_owned(), mount["source"].as_str().unwrap().to_owned()))
        .collect();
    let provisioning = yaml("generated/dev/config/grafana-dashboards.yaml");
    let mut folders = BTreeSet::new();
    for provider in provisioning["providers"].as_sequence().unwrap() {
        let source = &mounts[provider["options"]["path"].as_str().unwrap()];
        folders.insert(format!("generated/dev/{}", source.trim_start_matches("./")));
    }
    let written: BTreeSet<String> = files
        .keys()
        .filter(|path| path.contains("/grafana/"))
        .map(|path| path.rsplit_once('/').unwrap().0.to_owned())
        .collect();
    assert_eq!(folders, written);
    assert_eq!(folders.len(), 3);
}

/// The hunks of a change, each as its removed and added lines.
fn hunks(before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(0);
    let lines = |group: &Vec<similar::DiffOp>| {
        group
            .iter()
            .flat_map(|op| diff.iter_changes(op))
            .filter(|change| change.tag() != ChangeTag::Equal)
            .map(|change| change.value().trim().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    groups.iter().map(lines).collect()
}

#[test]
fn one_changed_panel_is_one_hunk() {
    let before = render(EVERYTHING);
    let after = render(&EVERYTHING.replace("unit = \"reqps\"", "unit = \"ops\""));
    assert_eq!(hunks(&before, &after), [r#""unit": "reqps", "unit": "ops","#]);
}

#[test]
fn a_row_that_is_called_otherwise_is_one_line() {
    let server = DASHBOARDS[2].1;
    let dashboard = |text: &str| {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", REFERENCE.to_owned());
        for (path, original) in DASHBOARDS {
            sources.push(path, if original == server { text.to_owned() } else { original.to_owned() });
        }
        let plan = stackgen::plan(&sources, None).unwrap().remove(0);
        files(&plan)["generated/dev/grafana/server/server.json"].clone()
    };
    let row = "[rows.\"Is history keeping up?\"";
    assert!(server.contains(row));
    let renamed = dashboard(&server.replace(row, "[rows.\"History\""));
    let hunks = hunks(&dashboard(server), &renamed);
    assert_eq!(hunks.len(), 2, "its id and its title: {hunks:#?}");
}

#[test]
fn profiles_change_and_remove_dashboards() {
    let stack = STACK.replace(
        "[profiles.dev]\n",
        "[profiles.dev]\n\n[profiles.quiet]\nremove = [\"dashboards.main.refresh\"]\n\n[profiles.quiet.dashboards.main.panels.Health]\ntitle = \"Up?\"\n\n[profiles.none]\nremove = [\"dashboards.main\"]\n",
    );
    let project = Project::new(stack);
    project.write(
        "spec/dashboards/main.toml",
        "folder = \"main\"\ntitle = \"Main\"\nrefresh = \"5s\"\n\n[panels.Health]\ntype = \"stat\"\nqueries = \"up\"\n",
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let title = |profile: &str| {
        let dashboard = parse(&project.read(&format!("generated/{profile}/grafana/main/main.json")));
        (dashboard["refresh"].as_str().map(str::to_owned), dashboard["panels"][0]["title"].as_str().unwrap().to_owned())
    };
    assert_eq!(title("dev"), (Some("5s".to_owned()), "Health".to_owned()));
    assert_eq!(title("quiet"), (None, "Up?".to_owned()));
    assert!(!project.path("generated/none/grafana").exists());
    let compose = project.read("generated/none/docker-compose.yml");
    assert!(!compose.contains("/etc/grafana/dashboards"), "{compose}");
}

#[test]
fn files_of_an_editor_are_no_dashboards() {
    let project = Project::new(STACK);
    let dashboard = "folder = \"main\"\ntitle = \"Main\"\n\n[panels.Health]\ntype = \"stat\"\nqueries = \"up\"\n";
    project.write("spec/dashboards/main.toml", dashboard);
    project.write("spec/dashboards/.#main.toml", "nonsense");
    project.write("spec/dashboards/main.toml~", "nonsense");
    assert_eq!(project.run(&["render"]).code, Some(0));
    std::fs::create_dir(project.path("spec/dashboards/folder.toml")).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("spec/dashboards/folder.toml"), "{run:?}");
}

#[test]
fn a_dashboard_may_stand_in_the_main_file() {
    let inline = "\n[dashboards.main]\nfolder = \"main\"\ntitle = \"Main\"\n\n[dashboards.main.panels.Health]\ntype = \"stat\"\nqueries = \"up\"\n";
    let project = Project::new(format!("{STACK}{inline}"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    project.write("spec/dashboards/main.toml", "title = \"Again\"\n");
    let run = project.run(&["check"]);
    assert!(run.stderr.contains("error[defined-twice]"), "{run:?}");
}

/// A panel of a name.
fn panel(name: &str) -> String {
    format!("[panels.{name:?}]\ntype = \"stat\"\nqueries = \"up\"\n\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_panel_that_comes_or_goes_changes_no_other_ids(
        names in prop::collection::btree_set("[a-zA-Z ]{1,12}", 1..12), at in any::<prop::sample::Index>(),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let at = at.index(names.len());
        let render_all = |names: &[String]| {
            let panels: String = names.iter().map(|name| panel(name)).collect();
            let json = parse(&render(&format!("folder = \"main\"\ntitle = \"Main\"\n\n{panels}")));
            json["panels"].as_array().unwrap().iter()
                .map(|panel| (panel["title"].as_str().unwrap().to_owned(), panel["id"].as_u64().unwrap()))
                .collect::<BTreeMap<_, _>>()
        };
        let all = render_all(&names);
        prop_assert_eq!(all.values().collect::<BTreeSet<_>>().len(), names.len());
        let mut fewer = names.clone();
        let gone = fewer.remove(at);
        if !fewer.is_empty() {
            let mut rest = all;
            rest.remove(&gone);
            prop_assert_eq!(render_all(&fewer), rest);
        }
    }

    #[test]
    fn whatever_a_string_holds_reaches_the_json_whole(
        title in "[^\\p{Cc}$\\[]{0,20}", content in "[^$\\[\\p{Cc}]{0,40}",
    ) {
        // A string of JSON is one of TOML.
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let spec = format!(
            "folder = \"main\"\ntitle = {}\n\n[panels.Text]\ntype = \"text\"\ncontent = {}\n", quoted(&title), quoted(&content)
        );
        let json = parse(&render(&spec));
        prop_assert_eq!(json["title"].as_str(), Some(title.as_str()));
        prop_assert_eq!(json["panels"][0]["options"]["content"].as_str(), Some(content.as_str()));
    }
}
