//! Dashboards: what becomes of their descriptions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use stackgen::Plan;
use stackgen::spec::source::Sources;

use super::artifacts::{files, plan};
use super::project::{DASHBOARDS, POLLER, Project, REFERENCE};

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

/// What is wrong, or only looks wrong, in a dashboard of the folder `main`.
fn found(dashboard: &str) -> String {
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", STACK.to_owned());
    sources.push("spec/dashboards/main.toml", dashboard.to_owned());
    let found = stackgen::plan_with_warnings(&sources, None);
    let found = found.map_or_else(|problems| problems, |(_, warnings)| warnings);
    if found.is_empty() { String::new() } else { format!("{found:#?}") }
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

#[test]
fn the_example_of_the_readme_renders() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Dashboards\n").unwrap();
    let (_, example) = section.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("\n```\n").unwrap();
    let dashboard = parse(&render(&example.replace("folder = \"server\"", "folder = \"main\"")));
    assert_eq!(dashboard["panels"][1]["title"], "p95 latency by service");
}

#[test]
fn a_panel_may_have_no_query_or_one_in_grafanas_words() {
    let panel = |queries: &str| {
        format!(
            "folder = \"main\"\ntitle = \"Main\"\n\n[panels.Now]\ntype = \"stat\"\ndatasource = \"cloud\"\n{queries}\n"
        )
    };
    let dashboard = parse(&render(&panel("queries = []")));
    assert_eq!(dashboard["panels"][0].get("targets"), None);
    assert!(try_plan(&panel("")).unwrap_err().contains("missing-query"));
    let logs = "queries = { grafana = { queryMode = \"Logs\", expression = \"fields @message\" } }";
    let target = &parse(&render(&panel(logs)))["panels"][0]["targets"][0];
    assert_eq!(target, &serde_json::json!({ "refId": "A", "queryMode": "Logs", "expression": "fields @message" }));
    // With a key of its own it is one of those that have to be whole.
    let half = logs.replace("grafana", "region = \"eu-west-1\", grafana");
    assert!(try_plan(&panel(&half)).unwrap_err().contains("missing-key"));
}

/// What is accepted and what is refused differ in the condition that decides.
#[test]
fn what_decides_a_mistake_in_a_dashboard() {
    let codes = |keys: &str| {
        let problems = found(&format!("folder = \"main\"\ntitle = \"Main\"\n{keys}\n"));
        let codes = problems.lines().filter_map(|line| line.trim().strip_prefix("code: \"")?.strip_suffix("\","));
        codes.collect::<Vec<_>>().join(" ")
    };
    let variable =
        |keys: &str| format!("[panels.Now]\ntype = \"stat\"\nqueries = \"up{{a='$v'}}\"\n[variables.v]\n{keys}");
    for (keys, expected) in [
        // What a plugin's options are called is not known.
        (
            "[panels.Clock]\ntype = \"yesoreyeram-infinity-datasource\"\nqueries = \"up\"\noptions = { mode = \"x\" }"
                .to_owned(),
            "",
        ),
        ("[panels.Now]\ntype = \"stat\"\nqueries = \"up\"\noptions = { mode = \"x\" }".to_owned(), "unknown-option"),
        // Only an expression uses the other queries.
        (
            "[panels.Now]\ntype = \"stat\"\nqueries = [{ expr = \"up\" }, { datasource = \"__expr__\", \
             grafana = { type = \"math\", expression = \"$A * 2\" } }]"
                .to_owned(),
            "",
        ),
        (
            "[panels.Now]\ntype = \"stat\"\nqueries = [{ expr = \"up\" }, { expr = \"up * $A\" }]".to_owned(),
            "unknown-dashboard-variable",
        ),
        // Queries of variables are Prometheus's functions or PromQL, and Loki's are neither.
        (variable("type = \"query\"\nquery = \"query_result(up)\""), ""),
        (variable("type = \"query\"\nquery = \"query_result(up up)\""), "invalid-promql"),
        (variable("type = \"query\"\nquery = \"label_values(up, job)\""), ""),
        (variable("type = \"query\"\nquery = \"label_values(up up, job)\""), "invalid-promql"),
        (variable("type = \"query\"\nquery = \"metrics(up up)\""), ""),
        (variable("type = \"query\"\nquery = \"up up\""), "invalid-promql"),
        (variable("type = \"query\"\ndatasource = \"logs\"\nquery = \"up up\""), ""),
        // Only a choice can be everything.
        (variable("type = \"custom\"\nvalues = [\"a\"]\ncurrent = \"$__all\""), "contradiction"),
        (variable("type = \"custom\"\nvalues = [\"a\"]\ncurrent = \"$__all\"\ninclude_all = true"), ""),
        (variable("type = \"textbox\"\ncurrent = \"$__all\""), ""),
        (
            "[panels.Now]\ntype = \"stat\"\nqueries = [{ expr = \"up\" }, { datasource = \"__expr__\", \
             grafana = { type = \"math\", expression = \"$C * 2\" } }]"
                .to_owned(),
            "unknown-dashboard-variable",
        ),
        // One of the numbers that Grafana knows, and another.
        ("[panels.Now]\ntype = \"timeseries\"\nqueries = \"up\"\ncustom.barAlignment = 1".to_owned(), ""),
        ("[panels.Now]\ntype = \"timeseries\"\nqueries = \"up\"\ncustom.barAlignment = 2".to_owned(), "invalid-option"),
        // A step without a color is not taken for the first, which has no `from`.
        (
            "[panels.Now]\ntype = \"stat\"\nqueries = \"up\"\nthresholds.steps = [{ from = 1 }]".to_owned(),
            "missing-key",
        ),
        ("[panels.Now]\ntype = \"stat\"\nqueries = \"up\"\nmappings = [{ value = inf }]".to_owned(), "wrong-type"),
        (
            "[panels.Now]\ntype = \"stat\"\nqueries = \"up\"\nmappings = [{ value = 1, text = \"$v\" }]\n[variables.v]\n\
             type = \"textbox\""
                .to_owned(),
            "",
        ),
        // What is passed through may use a variable.
        (
            "grafana = { weekStart = \"$v\" }\n[panels.Now]\ntype = \"stat\"\nqueries = \"up\"\n[variables.v]\n\
             type = \"textbox\""
                .to_owned(),
            "",
        ),
    ] {
        assert_eq!(codes(&keys), expected, "{keys}");
    }
}

#[test]
fn a_variable_is_named_by_its_table() {
    let problem = try_plan(
        "folder = \"main\"\ntitle = \"Main\"\n[variables.v]\ntype = \"textbox\"\ngrafana = { name = \"x\" }\n",
    );
    assert!(problem.unwrap_err().contains("use the name of its table instead"));
}

#[test]
fn nothing_selected_and_nothing_set() {
    let dashboard = |keys: &str| parse(&render(&format!("folder = \"main\"\ntitle = \"Main\"\n{keys}\n")));
    let current = |keys: &str| {
        let json = dashboard(&format!(
            "[panels.Now]\ntype = \"stat\"\nqueries = \"up{{a='$v'}}\"\n[variables.v]\ntype = \"custom\"\n\
             values = [\"a\", \"b\"]\n{keys}"
        ));
        json["templating"]["list"][0].get("current").cloned().unwrap_or_default()
    };
    assert_eq!(current(""), Value::Null);
    assert_eq!(current("current = \"a\""), serde_json::json!({ "text": "a", "value": "a" }));
    assert_eq!(current("multi = true\ncurrent = \"a\""), serde_json::json!({ "text": ["a"], "value": ["a"] }));
    assert_eq!(current("multi = true\ncurrent = []"), serde_json::json!({ "text": [], "value": [] }));
    let mapped = |value: &str| {
        let mapping = format!("mappings = [{{ value = {value}, text = \"x\" }}]");
        let json = dashboard(&format!("[panels.Now]\ntype = \"stat\"\nqueries = \"up\"\n{mapping}"));
        let options = &json["panels"][0]["fieldConfig"]["defaults"]["mappings"][0]["options"];
        options.as_object().unwrap().keys().next().unwrap().clone()
    };
    assert_eq!(["1.5", "3", "true", "\"a\""].map(mapped), ["1.5", "3", "true", "a"]);
    let panel = |keys: &str| dashboard(&format!("[panels.Now]\ntype = \"stat\"\n{keys}"))["panels"][0].clone();
    let found = panel("queries = \"up\"\noverrides = [{ name = \"up\", unit = \"s\" }]");
    assert_eq!(found["fieldConfig"]["defaults"], serde_json::json!({}));
    // Where there are only expressions, there is no data of several sources.
    let found = panel("queries = { datasource = \"__expr__\", grafana = { type = \"math\", expression = \"1\" } }");
    assert_eq!(found["datasource"]["uid"], "__expr__");
    // A whole number has no fraction.
    let found = panel("queries = \"up\"\nthresholds.steps = [{ color = \"red\" }, { color = \"green\", from = 80.0 }]");
    assert_eq!(found["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"], serde_json::json!(80));
    let fields = |keys: &str| {
        let json = dashboard(&format!("[panels.Guide]\ntype = \"text\"\ncontent = \"x\"\n{keys}"));
        json["panels"][0].get("fieldConfig").is_some()
    };
    assert_eq!(
        ["", "custom = {}", "data_links = []", "overrides = []", "decimals = 1"].map(fields),
        [false, false, false, false, true]
    );
}

#[test]
fn a_dollar_that_is_no_variable_stays() {
    let panel = |query: &str, legend: &str| {
        format!(
            "folder = \"main\"\ntitle = \"Main\"\n\n[panels.Now]\ntype = \"stat\"\nqueries = {{ expr = '{query}', legend = '{legend}' }}\n"
        )
    };
    let json = parse(&render(&panel(r#"up{topic!~"\\$SYS"}"#, "{{ $__name__ }}")));
    let target = &json["panels"][0]["targets"][0];
    assert_eq!(target["expr"], r#"up{topic!~"\\$SYS"}"#);
    assert_eq!(target["legendFormat"], "{{ $__name__ }}");
    for legend in ["$SYS", "$__other", "$name__"] {
        let json = parse(&render(&panel("up", legend)));
        assert_eq!(json["panels"][0]["targets"][0]["legendFormat"], legend);
        let warnings = found(&panel("up", legend));
        assert!(warnings.contains("unknown-dashboard-variable"), "{legend}: {warnings}");
    }
    // What is meant to be a text looks like one.
    for (written, rendered) in [("$$SYS", "$SYS"), ("$${SYS}", "${SYS}"), ("a$$SYS $$", "a$SYS $$")] {
        let json = parse(&render(&panel("up", written)));
        assert_eq!(json["panels"][0]["targets"][0]["legendFormat"], rendered);
        assert_eq!(found(&panel("up", written)), "");
    }
    let variable = "[variables.SYS]\ntype = \"textbox\"\ncurrent = \"x\"\n";
    let problems = found(&format!("{}{variable}", panel("up", "$SYS $$SYS")));
    assert!(problems.contains("contradiction") && problems.contains("`$$SYS` cannot be literal"), "{problems}");
    let json = parse(&render(&format!("{}{variable}", panel("up", "$$$SYS"))));
    assert_eq!(json["panels"][0]["targets"][0]["legendFormat"], "$$SYS");
}

#[test]
fn a_name_without_a_variable_is_reported_once() {
    let dashboard = "folder = \"main\"\ntitle = \"$a $a\"\n[panels.\"$b\"]\ntype = \"stat\"\nqueries = 'up > $a'\n";
    assert_eq!(found(dashboard).matches("unknown-dashboard-variable").count(), 2);
}

#[test]
fn a_query_below_grafana_is_not_parsed() {
    let panel = |query: &str| {
        format!("folder = \"main\"\ntitle = \"Main\"\n[panels.Now]\ntype = \"stat\"\nqueries = {query}\n")
    };
    let json = parse(&render(&panel("{ legend = \"x\", grafana = { expr = \"up default 0\" } }")));
    let target = &json["panels"][0]["targets"][0];
    assert_eq!((&target["expr"], &target["legendFormat"]), (&Value::from("up default 0"), &Value::from("x")));
    assert!(found(&panel("\"up default 0\"")).contains("invalid-promql"));
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
        sources.push_template(POLLER.0, Ok(POLLER.1.to_owned()));
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
        "[profiles.dev]\n\n[profiles.quiet]\nremove = [\"dashboards.main.refresh\"]\n\n[profiles.quiet.dashboards.main.panels.Health]\ntitle = \"Up?\"\n\n[profiles.none]\nremove = [\"dashboards.main\", \"dashboards.other\"]\n\n[profiles.one]\nremove = [\"dashboards.main\"]\n",
    );
    let stack = stack.replace("{ main = \"Main\" }", "{ main = \"Main\", other = \"Other\" }");
    let project = Project::new(stack);
    project.write(
        "spec/dashboards/main.toml",
        "folder = \"main\"\ntitle = \"Main\"\nrefresh = \"5s\"\n\n[panels.Health]\ntype = \"stat\"\nqueries = \"up\"\n",
    );
    project.write(
        "spec/dashboards/other.toml",
        "folder = \"other\"\ntitle = \"Other\"\n\n[panels.Health]\ntype = \"stat\"\nqueries = \"up\"\n",
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // A folder is only provisioned if it exists.
    for (profile, expected) in [("dev", [true, true]), ("one", [false, true])] {
        let provisioned = project.read(&format!("generated/{profile}/config/grafana-dashboards.yaml"));
        assert_eq!(["Main", "Other"].map(|title| provisioned.contains(title)), expected, "{profile}: {provisioned}");
    }
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

/// Without ids, which go by the names that an import makes of the titles.
fn without_ids(mut dashboard: Value) -> Value {
    fn strip(panels: &mut Value) {
        for panel in panels.as_array_mut().into_iter().flatten() {
            panel.as_object_mut().unwrap().shift_remove("id");
            strip(&mut panel["panels"]);
            if panel["panels"].is_null() {
                panel.as_object_mut().unwrap().shift_remove("panels");
            }
        }
    }
    strip(&mut dashboard["panels"]);
    dashboard
}

/// Imports a dashboard and renders it in a stack; returns what became of it and what was noted.
fn round_trip(stack: &str, json: &str) -> (Value, Vec<String>) {
    let project = Project::new(stack);
    project.write("dashboard.json", json);
    let _ = std::fs::remove_dir_all(project.path("spec/dashboards"));
    // The folders are there as long as nothing is checked.
    let run = project.run(&["import", "dashboard", "dashboard.json", "--folder", "main", "--output", "imported.toml"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let notes = run.stderr.lines().map(str::to_owned).collect();
    project.write("spec/dashboards/imported.toml", project.read("imported.toml"));
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.stderr, project.read("imported.toml"));
    (parse(&project.read("generated/dev/grafana/main/imported.json")), notes)
}

#[test]
fn what_is_rendered_comes_back_the_same_from_an_import() {
    // What an import leaves out: what Grafana fills in by itself.
    let everything = include_str!("../dashboards/everything.json");
    let (again, notes) = round_trip(STACK, everything);
    let [before, after] = [parse(everything), again.clone()].map(|json| pretty(&without_ids(json)));
    let diff = TextDiff::from_lines(&before, &after).unified_diff().context_radius(1).to_string();
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("import-everything", format!("{diff}\n{}", notes.join("\n")));
    });
    // A second time nothing more goes.
    let (third, notes) = round_trip(STACK, &again.to_string());
    assert_same(&without_ids(again), &without_ids(third), &notes);

    let stack = reference_like();
    for (path, json) in files(&plan(REFERENCE)).iter().filter(|(path, _)| path.contains("/grafana/")) {
        let (again, notes) = round_trip(&stack, json);
        assert!(
            notes.iter().all(|note| !note.starts_with("moved") && !note.starts_with("dropped")),
            "{path}: {notes:#?}"
        );
        assert_same(&without_ids(parse(json)), &without_ids(again), &notes);
    }
}

/// Keys in order, so that only what they hold counts.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(object) => {
            let keys: BTreeSet<&String> = object.keys().collect();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&object[key]))).collect())
        }
        _ => value.clone(),
    }
}

#[test]
fn dashboards_of_every_age_render_after_an_import() {
    let stack = reference_like();
    for name in ["modern", "legacy"] {
        let json =
            std::fs::read_to_string(format!("{}/tests/dashboards/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
        // An unknown datasource and a variable that nothing uses are for a person to decide about.
        let json = json.replace("Elsewhere", "loki").replace("\"Nodes\"", "\"Nodes of $job\"");
        let (again, _) = round_trip(&stack, &json);
        let [before, after] = [parse(&json), again].map(|json| pretty(&sorted(&without_ids(json))));
        let diff = TextDiff::from_lines(&before, &after).unified_diff().context_radius(2).to_string();
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("import-rendered-{name}"), diff);
        });
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// The small stack, with datasources that are called as those of the reference stack.
pub fn reference_like() -> String {
    STACK
        .replace("[datasources.metrics]", "[datasources.mimir]")
        .replace("title = \"Metrics\"", "title = \"Prometheus\"")
        .replace("[datasources.logs]", "[datasources.loki]")
        .replace("[datasources.cloud]", "[datasources.cloudwatch]")
        .replace("[datasources.api]", "[datasources.copilot]")
}

fn assert_same(expected: &Value, found: &Value, notes: &[String]) {
    let (expected, found) = (pretty(expected), pretty(found));
    if expected != found {
        let diff = TextDiff::from_lines(&expected, &found).unified_diff().header("before", "after").to_string();
        panic!("{diff}\n{notes:#?}");
    }
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
