//! `gen import dashboard`: JSON of Grafana in, TOML and notes out.
//!
//! `tests/dashboards/<name>.json` are dashboards of several ages; what becomes of each stands in
//! `tests/snapshots/import-<name>.snap`, the TOML first, then the notes.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use stackgen::diagnostic::{Diagnostic, Level};
use stackgen::import::{Context, Datasource, Error, Folder, import, toml as writer};
use stackgen::spec::source::Sources;

use super::dashboards::reference_like;
use super::project::{Project, REFERENCE, Run};

fn dashboard(name: &str) -> String {
    fs::read_to_string(format!("{}/tests/dashboards/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What the reference stack has.
fn context() -> Context {
    let source = |uid: &str, title: &str, plugin: &str| Datasource {
        uid: uid.to_owned(),
        title: title.to_owned(),
        plugin: plugin.to_owned(),
        default: uid == "mimir",
    };
    Context {
        datasources: Ok(vec![
            source("mimir", "Prometheus", "prometheus"),
            source("cloudwatch", "CloudWatch", "cloudwatch"),
            source("loki", "Loki", "loki"),
            source("copilot", "Copilot API", "yesoreyeram-infinity-datasource"),
        ]),
        folders: vec![Folder { name: "server".to_owned(), title: "Temporal".to_owned() }],
        ..Context::default()
    }
}

/// The TOML and the notes of a dashboard.
fn imported(text: &str, context: &Context) -> (String, Vec<String>) {
    let imported = import(text, context).unwrap();
    let text = writer::text(&imported.description);
    check(&text);
    (text, imported.notes.iter().map(ToString::to_string).collect())
}

fn of_panel(panel: &Value) -> String {
    let text = json!({ "schemaVersion": 42, "title": "T", "panels": [panel] }).to_string();
    imported(&text, &context()).0.split_once("\n\n").map(|(_, panel)| panel.to_owned()).unwrap_or_default()
}

#[test]
fn dashboards_of_every_age() {
    for name in ["modern", "legacy", "shared", "hostile", "v2"] {
        let (text, notes) = imported(&dashboard(name), &context());
        insta::with_settings!({
            snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true
        }, {
            insta::assert_snapshot!(format!("import-{name}"), format!("{text}\n# Notes\n\n{}", notes.join("\n")));
        });
    }
}

/// What a render says of an imported dashboard.
fn problems(text: &str) -> Vec<Diagnostic> {
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", reference_like());
    sources.push("spec/dashboards/main.toml", text.to_owned());
    let found = stackgen::plan(&sources, None).err().unwrap_or_default();
    found.into_iter().filter(|one| one.level == Level::Error).collect()
}

/// Fails unless the text renders, but for what an import can only name: another stack may have it.
fn check(text: &str) {
    let known = ["unknown-datasource", "missing-datasource", "unknown-panel-type"];
    let text = text.replacen("folder = \"server\"", "folder = \"main\"", 1);
    let text = text.replacen("folder = \"general\"", "folder = \"main\"", 1);
    let found: Vec<_> = problems(&text).into_iter().filter(|one| !known.contains(&one.code)).collect();
    assert!(found.is_empty(), "{found:#?}\n{text}");
}

/// An import renders as it is; returns what was noted.
fn renders(value: &Value) -> Vec<String> {
    let (text, notes) = imported(&value.to_string(), &Context { folder: Some("main".to_owned()), ..context() });
    let found = problems(&text);
    assert!(found.is_empty(), "{found:#?}\n{text}");
    notes
}

// ---- what is special ----------------------------------------------------------------------------

#[test]
fn the_datasource_of_most_panels_is_the_dashboards() {
    let panel = |uid: &str| json!({ "type": "logs", "datasource": { "uid": uid }, "targets": [{ "expr": "{}" }] });
    let text = json!({ "panels": [panel("loki"), panel("mimir"), panel("loki")] }).to_string();
    let (toml, _) = imported(&text, &context());
    let read: toml::Table = toml::from_str(&toml).unwrap();
    assert_eq!(read["datasource"].as_str(), Some("loki"));
    let datasource = |name: &str| read["panels"][name].get("datasource").and_then(toml::Value::as_str);
    assert_eq!([datasource("logs"), datasource("logs 2"), datasource("logs 3")], [None, Some("mimir"), None]);

    // One that means the default can't be named where the default isn't known.
    let text = json!({ "panels": [panel("loki"), { "type": "logs", "targets": [{ "expr": "{}" }] }] }).to_string();
    let (toml, notes) = imported(&text, &Context::default());
    let read: toml::Table = toml::from_str(&toml).unwrap();
    assert_eq!((read.get("datasource"), read["panels"]["logs"]["datasource"].as_str()), (None, Some("loki")));
    assert!(notes[0].contains("no stack is known"), "{notes:?}");
}

#[test]
fn overrides_stay_in_order() {
    let rule = |id: &str, property: &str| json!({ "matcher": { "id": id, "options": "x" }, "properties": [{ "id": property, "value": "s" }] });
    let rules = [rule("byName", "unit"), rule("byType", "unit"), rule("byName", "unit"), rule("byName", "displayName")];
    let panel = of_panel(&json!({ "type": "x", "fieldConfig": { "overrides": rules } }));
    let read: toml::Table = toml::from_str(&panel).unwrap();
    let panel = &read["panels"]["x"];
    // The third beats the second, so both are behind; the fourth has nothing to do with them.
    assert_eq!(panel["overrides"].as_array().unwrap().len(), 2, "{panel:?}");
    assert_eq!(panel["grafana"]["fieldConfig"]["overrides"].as_array().unwrap().len(), 2, "{panel:?}");
}

#[test]
fn places_that_do_not_flow_are_said() {
    let panel = |x: i64, y: i64, w: i64, h: i64| json!({ "type": "t", "gridPos": { "x": x, "y": y, "w": w, "h": h } });
    let moved = |panels: Value| {
        let text = json!({ "panels": panels }).to_string();
        let (_, notes) = imported(&text, &context());
        notes.into_iter().filter(|note| note.starts_with("moved")).collect::<Vec<_>>()
    };
    assert!(moved(json!([panel(0, 0, 12, 8), panel(12, 0, 12, 8), panel(0, 8, 24, 8)])).is_empty());
    // A gap above closes by itself.
    assert!(moved(json!([panel(0, 5, 12, 8), panel(12, 5, 12, 8)])).is_empty());
    // Beside a taller one panels stack.
    assert!(moved(json!([panel(0, 0, 12, 8), panel(12, 0, 12, 4), panel(12, 4, 12, 4)])).is_empty());
    assert_eq!(moved(json!([panel(6, 0, 12, 8)])).len(), 1);
}

#[test]
fn queries_of_cloudwatch_say_what_counts() {
    let queries = |target: Value| {
        let datasource = json!({ "type": "cloudwatch", "uid": "cloudwatch" });
        let panel = of_panel(&json!({ "type": "x", "datasource": datasource, "targets": [target] }));
        panel.lines().find(|line| line.starts_with("queries")).unwrap_or_default().to_owned()
    };
    let builder = json!({ "metricEditorMode": 0, "namespace": "N", "metricName": "M", "expression": "X" });
    assert_eq!(queries(builder), "queries = [{ namespace = \"N\", metric = \"M\", statistic = \"Average\" }]");
    // Without a mode an expression is one; and one statistic was a list of one.
    assert_eq!(
        queries(json!({ "namespace": "N", "expression": "X", "id": "e" })),
        "queries = [{ expr = 'X', grafana = { id = \"e\" } }]"
    );
    let old = json!({ "namespace": "N", "metricName": "M", "statistics": ["Sum"] });
    assert_eq!(queries(old), "queries = [{ namespace = \"N\", metric = \"M\", statistic = \"Sum\" }]");
    // Logs are passed through.
    let logs = json!({ "queryMode": "Logs", "expression": "fields @message" });
    assert_eq!(queries(logs), "queries = [{ grafana = { queryMode = \"Logs\", expression = \"fields @message\" } }]");
}

#[test]
fn what_grafana_does_not_know_is_dropped_with_a_note() {
    let dropped = |value: Value, paths: &[&str]| {
        let notes = renders(&value);
        for path in paths {
            assert!(notes.iter().any(|note| note.starts_with("dropped") && note.contains(path)), "{path}: {notes:#?}");
        }
    };
    let panel = |panel: Value| {
        let mut whole = json!({ "type": "timeseries", "title": "P", "targets": [{ "refId": "A", "expr": "up" }] });
        whole.as_object_mut().unwrap().extend(panel.as_object().unwrap().clone());
        json!({ "title": "T", "schemaVersion": 39, "panels": [whole] })
    };
    dropped(
        json!({ "title": "T", "folderTitle": "x", "_meta": { "a": 1 }, "panels": [] }),
        &[": folderTitle: ", ": _meta: "],
    );
    // What a conversion in Grafana left behind.
    let old = json!({ "fill": 1, "stack": false, "yaxes": [{ "format": "s" }], "tooltip": { "shared": true }, "aliasColors": {} });
    dropped(panel(old), &["panels[0].fill", "panels[0].yaxes", "panels[0].tooltip"]);
    dropped(panel(json!({ "importance": 1 })), &["panels[0].importance"]);
    dropped(
        panel(json!({ "fieldConfig": { "defaults": { "unitScale": true } } })),
        &["fieldConfig.defaults.unitScale"],
    );
    // What the format can't say.
    dropped(panel(json!({ "fieldConfig": { "defaults": { "decimals": -2 } } })), &["fieldConfig.defaults.decimals"]);
    dropped(panel(json!({ "fieldConfig": { "defaults": { "min": 3, "max": 2 } } })), &["`max`"]);
    dropped(
        panel(json!({ "interval": "soon", "maxDataPoints": 1.5 })),
        &["panels[0].interval", "panels[0].maxDataPoints"],
    );
    dropped(
        panel(json!({ "options": { "legend": { "displayMode": "cloud", "calcs": ["most"] } } })),
        &["displayMode", "calcs[0]"],
    );
    dropped(json!({ "title": "T", "uid": "a/b", "panels": [] }), &[": uid: "]);
}

#[test]
fn what_says_nothing_renders() {
    let notes = renders(&json!({ "title": "T", "panels": [
        { "type": "text", "title": "Head", "options": { "mode": "markdown", "content": "" } },
        { "type": "timeseries", "title": "New", "targets": [{ "refId": "A", "expr": "", "legendFormat": "__auto" }] },
        { "title": "Lib", "libraryPanel": { "uid": "u", "name": "Mine" } },
        { "type": "timeseries", "title": "Cloud", "datasource": { "type": "cloudwatch", "uid": "cloudwatch" }, "targets": [
            { "refId": "A", "namespace": "N", "metricName": "M", "statistic": "Sum", "dimensions": { "Zone": [1, "b"] } },
        ] },
    ] }));
    for note in ["an empty query", "Grafana needs the library panel", "dimensions.Zone[0]"] {
        assert!(notes.iter().any(|found| found.contains(note)), "{note}: {notes:#?}");
    }
}

#[test]
fn variables_are_those_that_are_used() {
    let variable = |name: &str, more: Value| {
        let mut whole = json!({ "name": name, "type": "custom", "query": "a,b" });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let dashboard = |expr: &str, variables: Value| {
        json!({ "title": "T", "templating": { "list": variables }, "panels": [
            { "type": "stat", "title": "P", "targets": [{ "refId": "A", "expr": expr, "legendFormat": "{{ $__name__ }}" }] },
        ] })
    };
    // One that only an unused one uses is unused too.
    let chain = json!([variable("one", json!({})), variable("two", json!({ "label": "of $one" }))]);
    let notes = renders(&dashboard("up", chain));
    assert_eq!(notes.iter().filter(|note| note.ends_with(": unused")).count(), 2, "{notes:#?}");
    // All of them can only be selected if the variable says so.
    let all = json!([variable("job", json!({ "allValue": ".*", "current": { "value": "$__all" } }))]);
    let notes = renders(&dashboard("up{job=~\"$job\"}", all));
    assert!(notes.iter().any(|note| note.starts_with("dropped") && note.contains("allValue")), "{notes:#?}");
    renders(&dashboard("up{job!~\"\\\\$SYS.*\"}", json!([])));

    let notes = renders(&dashboard("up{job=\"$jop\"}", json!([])));
    assert!(notes.iter().any(|note| note.contains("the dashboard has no variable `jop`")), "{notes:#?}");
}

#[test]
fn wrappers_are_taken_off() {
    let classic = json!({ "title": "T", "panels": [] });
    for wrapped in [
        json!({ "dashboard": classic, "meta": { "folderTitle": "Temporal" } }),
        json!({ "apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": { "name": "u" }, "spec": classic }),
    ] {
        let (text, _) = imported(&wrapped.to_string(), &context());
        assert!(text.starts_with("folder = \"server\"\n") && text.contains("\ntitle = \"T\"\n"), "{text}");
        assert_eq!(text.contains("\nuid = \"u\"\n"), wrapped.get("metadata").is_some(), "{text}");
    }
    let new = json!({ "title": "T", "elements": {}, "layout": { "kind": "GridLayout", "spec": {} } });
    for new in [
        json!({ "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "spec": new }),
        json!({ "dashboard": new }),
        new,
    ] {
        let (text, notes) = imported(&new.to_string(), &context());
        assert!(text.contains("\ntitle = \"T\"\n"), "{text}");
        assert!(notes[0].contains("the schema v2 to the classic one"), "{notes:?}");
    }
    for other in
        ["[]", "5", "{}", "{\"a\":1}", "{\"kind\":\"Folder\",\"spec\":{}}", "{\"kind\":\"Dashboard\",\"spec\":1}"]
    {
        assert!(matches!(import(other, &context()).unwrap_err(), Error::NoDashboard(_)), "{other}");
    }
}

#[test]
fn a_datasource_that_is_unknown_is_guessed() {
    let of = |datasource: Value, target: Value, more: Value| {
        let panel = json!({ "type": "stat", "datasource": datasource, "targets": [target] });
        let mut whole = json!({ "title": "T", "panels": [panel] });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (text, notes) = imported(&whole.to_string(), &context());
        let read: toml::Table = toml::from_str(&text).unwrap();
        let named = read["panels"]["stat"].get("datasource").or(read.get("datasource"));
        (named.and_then(toml::Value::as_str).unwrap_or("mimir").to_owned(), notes)
    };
    let expr = || json!({ "expr": "up" });
    let logs = || json!({ "expr": "{}", "queryType": "range" });
    let none = || json!({});
    // By the plugin, by the form of the query, and else the default one.
    assert_eq!(of(json!({ "type": "loki", "uid": "x" }), logs(), none()).0, "loki");
    assert_eq!(of(json!("Their Loki"), logs(), none()).0, "loki");
    assert_eq!(of(json!("Theirs"), json!({ "query": "up" }), none()).0, "mimir");
    assert_eq!(of(json!({ "type": "influxdb", "uid": "x" }), json!({ "query": "up" }), none()).0, "x");
    // A placeholder that nothing declares, one without a plugin, and a variable that is a name.
    let (uid, notes) = of(json!({ "type": "prometheus", "uid": "${DS_PROMETHEUS}" }), expr(), none());
    assert_eq!(uid, "mimir");
    assert!(notes.iter().any(|note| note.contains("`${DS_PROMETHEUS}` is `mimir`")), "{notes:#?}");
    let input = json!({ "__inputs": [{ "name": "DS", "type": "datasource" }] });
    assert_eq!(of(json!("${DS}"), logs(), input).0, "loki");
    let name = json!({ "templating": { "list": [{ "name": "ds", "type": "custom", "query": "a,b" }] } });
    assert_eq!(of(json!("$ds"), expr(), name).0, "mimir");
    // Old IDs of plugins.
    let mut stack = context();
    stack.datasources.as_mut().unwrap().push(Datasource {
        uid: "db".to_owned(),
        title: "DB".to_owned(),
        plugin: "grafana-postgresql-datasource".to_owned(),
        default: false,
    });
    let datasource = json!({ "type": "postgres", "uid": "x" });
    let panel = json!({ "type": "stat", "datasource": datasource, "targets": [{ "rawSql": "x" }] });
    assert!(imported(&json!({ "panels": [panel] }).to_string(), &stack).0.contains("\ndatasource = \"db\"\n"));
}

#[test]
fn a_query_that_prometheus_refuses_is_passed_through() {
    let notes = renders(&json!({
        "title": "T",
        "templating": { "list": [{ "name": "v", "type": "query", "query": "show tag values", "datasource": "mimir" }] },
        "annotations": { "list": [{ "name": "Deploys", "expr": "up default 0", "datasource": "mimir" }] },
        "panels": [{ "type": "stat", "title": "$v", "targets": [{ "expr": "topk_max(3, up)", "legendFormat": "x" }] }],
    }));
    let refused: Vec<_> = notes.iter().filter(|note| note.contains("Prometheus refuses the query")).collect();
    assert_eq!(refused.len(), 3, "{notes:#?}");
}

#[test]
fn dollars_stay_what_they_are() {
    let dashboard = json!({ "title": "T", "panels": [
        { "type": "stat", "title": "$$__interval", "targets": [{ "refId": "A", "expr": "up{a=~\"x$$b$\"}" }] },
    ] });
    let (text, _) = imported(&dashboard.to_string(), &Context { folder: Some("main".to_owned()), ..context() });
    assert!(text.contains("x$$$b$") && text.contains("\"$$$__interval\""), "{text}");
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", reference_like());
    sources.push("spec/dashboards/main.toml", text);
    let plans = stackgen::plan(&sources, None).unwrap();
    let file = plans[0].files().map(Result::unwrap).find(|file| file.path.as_str().ends_with("/main.json")).unwrap();
    let rendered: Value = serde_json::from_str(&file.contents).unwrap();
    assert_eq!(rendered["panels"][0]["title"], "$$__interval");
    assert_eq!(rendered["panels"][0]["targets"][0]["expr"], "up{a=~\"x$$b$\"}");
}

#[test]
fn an_element_is_placed_once() {
    let panel = json!({ "kind": "Panel", "spec": { "title": "P", "vizConfig": { "kind": "VizConfig", "group": "text", "spec": {} } } });
    let item = json!({ "kind": "GridLayoutItem", "spec": { "element": { "kind": "ElementReference", "name": "p" } } });
    let layout = json!({ "kind": "GridLayout", "spec": { "items": [item, item] } });
    let notes = renders(&json!({ "title": "T", "elements": { "p": panel }, "layout": layout }));
    assert!(notes.iter().any(|note| note.contains("no panel `p`, or it is placed already")), "{notes:#?}");
}

// ---- the command --------------------------------------------------------------------------------

fn piped(project: &Project, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = project.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that refuses early closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

#[test]
fn the_command_writes_toml_and_notes() {
    let project = Project::new(REFERENCE);
    project.write("in.json", dashboard("shared"));
    let run = project.run(&["import", "dashboard", "in.json", "--folder", "dsql"]);
    // The stack has no Elasticsearch as a datasource.
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stdout.starts_with("folder = \"dsql\"\ntitle = \"Shared\"\n"), "{run:?}");
    assert!(run.stderr.contains("`${DS_PROMETHEUS}` is `mimir`, the only datasource of type `prometheus`"), "{run:?}");
    assert!(run.stderr.contains("\ndashboard imported: "), "{run:?}");

    let again = piped(&project, &["import", "dashboard", "-", "--folder", "dsql"], dashboard("shared").as_bytes());
    assert_eq!((again.code, &again.stdout), (Some(2), &run.stdout), "{again:?}");

    let arguments = ["import", "dashboard", "in.json", "--folder", "dsql", "--output", "out.toml"];
    let written = project.run(&arguments);
    assert_eq!((written.code, written.stdout.as_str()), (Some(2), ""), "{written:?}");
    assert_eq!(project.read("out.toml"), run.stdout);
    project.write("out.toml", "mine");
    let refused = project.run(&arguments);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("cannot write `out.toml`"), "{refused:?}");
    assert_eq!(project.read("out.toml"), "mine");
}

#[test]
fn what_the_stack_lacks_is_shown() {
    let project = Project::new(REFERENCE);
    let datasource = json!({ "type": "influxdb", "uid": "x" });
    let panel = json!({ "type": "stat", "title": "P", "datasource": datasource, "targets": [{ "query": "up" }] });
    project.write("in.json", json!({ "title": "T", "panels": [panel] }).to_string());
    let path = "spec/dashboards/new.toml";
    let run = project.run(&["import", "dashboard", "in.json", "--folder", "dsql", "--output", path]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("error[unknown-datasource]: unknown datasource `x`"), "{run:?}");
    assert!(run.stderr.contains("--> spec/dashboards/new.toml:"), "{run:?}");
    assert!(run.stderr.contains("error: the imported dashboard has 1 problem in this stack"), "{run:?}");
    assert!(project.read(path).contains("datasource = \"x\""));
    // Without a stack nobody knows.
    let run = piped(&Project::empty(), &["import", "dashboard", "-"], project.read("in.json").as_bytes());
    assert_eq!(run.code, Some(0), "{run:?}");
    // A folder that Grafana lacks; a dashboard that the spec has is replaced.
    let text = json!({ "title": "T", "uid": "server", "panels": [] }).to_string();
    let run = piped(&project, &["import", "dashboard", "-", "--folder", "none"], text.as_bytes());
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("unknown-folder") && !run.stderr.contains("uid-clash"), "{run:?}");
}

#[test]
fn a_stack_is_not_needed() {
    for (spec, why) in [(None, "no spec in this folder or above it"), (Some("[stack"), "the spec has problems")] {
        let project = Project::empty();
        if let Some(spec) = spec {
            project.write("spec/stack.toml", spec);
        }
        let run = piped(&project, &["import", "dashboard", "-"], dashboard("modern").as_bytes());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stderr.contains(why), "{run:?}");
        check(&run.stdout);
    }
}

#[test]
fn what_is_no_dashboard_is_refused() {
    let project = Project::empty();
    let deep = "[".repeat(100_000);
    for (input, message) in [
        (&b"{\n  \"panels\": [,]\n}"[..], "-:2:14: expected value"),
        (b"", "-:1:0: EOF while parsing a value"),
        (deep.as_bytes(), "recursion limit exceeded"),
        (b"[1]", "not a dashboard: expected an object, found a list"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
    ] {
        let run = piped(&project, &["import", "dashboard", "-"], input);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.stderr.contains(message), "{run:?}");
    }
    let run = project.run(&["import", "dashboard", "none.json"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("cannot read `none.json`"), "{run:?}");
}

#[test]
fn a_title_cannot_talk_to_the_terminal() {
    let text = json!({ "panels": [{ "title": "\u{1b}[2J", "odd": 1, "\u{1b}[2J": 1 }] }).to_string();
    let run = piped(&Project::empty(), &["import", "dashboard", "-"], text.as_bytes());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
}

// ---- back into its own file -----------------------------------------------------------------------

/// A project and what its dashboard at `path` renders.
fn rendered(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).unwrap()
}

fn into(project: &Project, exported: &Value, file: &str) -> Run {
    project.write("exported.json", exported.to_string());
    project.run(&["import", "dashboard", "exported.json", "--into", file])
}

#[test]
fn what_a_dashboard_renders_changes_nothing() {
    let project = Project::new(REFERENCE);
    assert_eq!(project.run(&["render"]).code, Some(0));
    for (file, json) in
        [("server", "server/server"), ("persistence", "dsql/persistence"), ("copilot", "copilot/copilot")]
    {
        let file = format!("spec/dashboards/{file}.toml");
        let before = project.read(&file);
        let mut exported = rendered(&project, &format!("generated/dev/grafana/{json}.json"));
        let run = into(&project, &exported, &file);
        assert!(run.code == Some(0) && run.stderr.ends_with(": unchanged\n"), "{run:?}");
        // What Grafana adds when it saves.
        exported["version"] = json!(7);
        exported["id"] = json!(3);
        exported["panels"][0]["pluginVersion"] = json!("13.2.1");
        let run = into(&project, &exported, &file);
        assert!(run.code == Some(0), "{run:?}");
        assert_eq!(project.read(&file), before);
        // The schema v2 has no IDs of rows.
        for row in exported["panels"].as_array_mut().unwrap().iter_mut().filter(|panel| panel["type"] == "row") {
            row.as_object_mut().unwrap().remove("id");
        }
        let run = into(&project, &exported, &file);
        assert!(run.code == Some(0), "{run:?}");
        assert_eq!(project.read(&file), before);
    }
}

#[test]
fn only_what_was_edited_changes() {
    let project = Project::new(REFERENCE);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let file = "spec/dashboards/server.toml";
    let before = project.read(file);
    let original = rendered(&project, "generated/dev/grafana/server/server.json");
    let panel = |json: &mut Value, title: &str, edit: &dyn Fn(&mut Value)| {
        let panels = json["panels"].as_array_mut().unwrap();
        edit(panels.iter_mut().find(|panel| panel["title"] == title).unwrap());
    };
    let titles: Vec<String> = original["panels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|panel| panel["title"].as_str().unwrap().to_owned())
        .collect();
    let first = |kind: &str| {
        let panels = original["panels"].as_array().unwrap();
        panels.iter().find(|panel| panel["type"] == kind).unwrap()["title"].as_str().unwrap().to_owned()
    };
    let stat = first("stat");
    let diff = |exported: &Value| {
        project.write(file, &before);
        let run = into(&project, exported, file);
        assert!(run.code == Some(0) && run.stderr.ends_with(": changed\n"), "{run:?}");
        let after = project.read(file);
        let check = project.run(&["check"]);
        assert_ne!(check.code, Some(2), "{check:?}");
        let diff = similar::TextDiff::from_lines(&before, &after);
        let lines = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
        lines.map(|change| format!("{}{}", change.tag(), change.value().trim_end())).collect::<Vec<_>>()
    };
    // The dashboard's title.
    let mut json = original.clone();
    json["title"] = json!("Server");
    assert_eq!(diff(&json), ["-title = \"Temporal server health\"", "+title = \"Server\""]);
    // A panel's title, under which it keeps its name and so its ID.
    let mut json = original.clone();
    panel(&mut json, &stat, &|panel| panel["title"] = json!("Other"));
    assert_eq!(diff(&json), ["+title = \"Other\""]);
    // A query.
    let mut json = original.clone();
    panel(&mut json, &stat, &|panel| panel["targets"][0]["expr"] = json!("vector(42)"));
    let changes = diff(&json);
    assert!(changes.iter().filter(|line| line.starts_with('+')).count() == 1, "{changes:?}");
    assert!(changes.iter().any(|line| line.contains("vector(42)")), "{changes:?}");
    // A threshold.
    let mut json = original.clone();
    let with_steps = original["panels"].as_array().unwrap().iter().find(|panel| {
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().is_some_and(|steps| steps.len() > 1)
    });
    let title = with_steps.unwrap()["title"].as_str().unwrap().to_owned();
    panel(&mut json, &title, &|panel| {
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"] = json!(4321);
    });
    let changes = diff(&json);
    assert!(changes.len() == 2 && changes[1].contains("4321"), "{changes:?}");
    // A deleted panel.
    let mut json = original.clone();
    json["panels"].as_array_mut().unwrap().retain(|panel| panel["title"] != stat.as_str());
    let changes = diff(&json);
    assert!(changes.iter().any(|line| line.starts_with('-') && line.contains(&stat)), "{changes:?}");
    assert!(changes.iter().filter(|line| line.starts_with('-') && line.starts_with("-[")).count() == 1, "{changes:?}");
    // A new one, at the end of the last open row.
    let mut json = original.clone();
    let below = json!({ "h": 8, "w": 24, "x": 0, "y": 9000 });
    let new = json!({ "id": 7, "type": "stat", "title": "New", "gridPos": below, "targets": [{ "refId": "A", "expr": "up" }] });
    json["panels"].as_array_mut().unwrap().push(new);
    let changes = diff(&json);
    assert!(changes.iter().all(|line| line.starts_with('+')), "{changes:?}");
    assert!(changes.iter().any(|line| line.contains(".panels.\"New\"]")), "{changes:?}");
    assert!(titles.len() > 10);
}

#[test]
fn a_panel_moves_with_its_comments() {
    let dashboard = "# About it.\nfolder = \"main\"\ntitle = \"T\"\n\n[rows.\"A\"]\n\n# One.\n[rows.\"A\".panels.\"1\"] # x\n\
                     type   = \"stat\"\nqueries = 'up' # y\n\n[rows.\"A\".panels.\"2\"]\ntype = \"stat\"\nqueries = 'down'\n\n\
                     [rows.\"B\"]\n\n[rows.\"B\".panels.\"3\"]\ntype = \"stat\"\nqueries = 'left'\n";
    let project = Project::new(include_str!("../dashboards/stack.toml"));
    project.write("spec/dashboards/main.toml", dashboard);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let mut json = rendered(&project, "generated/dev/grafana/main/main.json");
    let panels = json["panels"].as_array_mut().unwrap();
    let at = panels.iter().position(|panel| panel["title"] == "1").unwrap();
    panels[at]["gridPos"]["y"] = json!(1000);
    let run = into(&project, &json, "spec/dashboards/main.toml");
    assert_eq!(run.code, Some(0), "{run:?}");
    let after = project.read("spec/dashboards/main.toml");
    let moved = "\n# One.\n[rows.\"B\".panels.\"1\"] # x\ntype   = \"stat\"\nwidth = 12\nqueries = 'up' # y\n";
    assert!(
        after.ends_with(moved) && after.starts_with("# About it.\n") && !after.contains("\"A\".panels.\"1\""),
        "{after}"
    );
    assert_eq!(project.run(&["render"]).code, Some(0));
    // Only a dashboard of the spec.
    let run = into(&project, &json, "spec/dashboards/none.toml");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("is not a dashboard of the spec"), "{run:?}");
}

/// Rows that only the headers of their panels name.
const IMPLIED: &str = "# About it.\nfolder = \"main\"\ntitle = \"T\"\n\n# One.\n[rows.\"A\".panels.\"1\"] # x\n\
    type   = \"stat\"\nqueries = 'up' # y\n\n[rows.\"A\".panels.\"2\"]\ntype = \"stat\"\nqueries = 'down'\n\n\
    # Three.\n[rows.\"B\".panels.\"3\"]\ntype = \"stat\"\nqueries = 'left'\n";

/// The lines in which a dashboard differs once an edited export is back in its file.
fn changed_lines(dashboard: &str, edit: impl Fn(&mut Value)) -> Vec<String> {
    let project = Project::new(include_str!("../dashboards/stack.toml"));
    let file = "spec/dashboards/main.toml";
    project.write(file, dashboard);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let mut json = rendered(&project, "generated/dev/grafana/main/main.json");
    edit(&mut json);
    let run = into(&project, &json, file);
    assert_eq!(run.code, Some(0), "{run:?}");
    let after = project.read(file);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}\n{after}");
    let json = rendered(&project, "generated/dev/grafana/main/main.json");
    let again = into(&project, &json, file);
    assert!(again.stderr.ends_with(": unchanged\n"), "{again:?}\n{after}");
    let diff = similar::TextDiff::from_lines(dashboard, &after);
    let lines = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    lines.map(|change| format!("{}{}", change.tag(), change.value().trim_end())).collect()
}

#[test]
fn a_row_without_a_header_is_not_added_again() {
    let panel = |title: &str, y: i64| {
        json!({ "id": 7, "type": "stat", "title": title, "gridPos": { "h": 4, "w": 24, "x": 0, "y": y },
                "targets": [{ "refId": "A", "expr": "up" }] })
    };
    assert_eq!(changed_lines(IMPLIED, |_| {}), Vec::<String>::new());
    let new = |row: &str| ["+".to_owned(), format!("+[rows.\"{row}\".panels.\"New\"]")];
    let changes = changed_lines(IMPLIED, |json| json["panels"].as_array_mut().unwrap().push(panel("New", 100)));
    assert_eq!(changes[..2], new("B"), "{changes:?}");
    assert!(changes.iter().all(|line| line.starts_with('+') && !line.starts_with("+[rows.\"B\"]")), "{changes:?}");
    let changes = changed_lines(IMPLIED, |json| {
        json["templating"]["list"] = json!([{ "type": "custom", "name": "host", "query": "a,b" }]);
    });
    assert!(changes.contains(&"+[variables.host]".to_owned()), "{changes:?}");
    assert_eq!(changes.iter().filter(|line| line.starts_with("+[")).count(), 1, "{changes:?}");
    let changes = changed_lines(IMPLIED, |json| {
        json["annotations"]["list"] = json!([{ "name": "Deploys", "enable": true, "iconColor": "red",
            "datasource": { "type": "prometheus", "uid": "metrics" }, "expr": "changes(up[5m])" }]);
    });
    assert!(changes.contains(&"+[annotations.\"Deploys\"]".to_owned()), "{changes:?}");
    assert!(!changes.iter().any(|line| line.starts_with('-') || line.contains("rows")), "{changes:?}");
}

#[test]
fn a_row_without_a_header_gets_one_for_its_keys() {
    let header = |key: &str| ["+[rows.\"A\"]".to_owned(), format!("+{key}"), "+".to_owned()];
    assert_eq!(changed_lines(IMPLIED, |json| json["panels"][0]["title"] = json!("Other")), header("title = \"Other\""));
    let changes = changed_lines(IMPLIED, |json| {
        let panels = json["panels"].as_array_mut().unwrap();
        let inner: Vec<Value> = panels.drain(1..3).collect();
        panels[0]["panels"] = json!(inner);
        panels[0]["collapsed"] = json!(true);
    });
    assert_eq!(changes, header("collapsed = true"));
    let open = IMPLIED.replace("# One.\n", "[rows.\"A\"]\ncollapsed = true # closed\n\n# One.\n");
    let changes = changed_lines(&open, |json| {
        let panels = json["panels"].as_array_mut().unwrap();
        let inner = panels[0]["panels"].take();
        panels[0]["collapsed"] = json!(false);
        for (at, panel) in inner.as_array().unwrap().iter().enumerate() {
            panels.insert(at + 1, panel.clone());
        }
        for (panel, y) in panels[3..].iter_mut().zip([100, 101]) {
            panel["gridPos"]["y"] = json!(y);
        }
    });
    assert_eq!(changes, ["-collapsed = true # closed"]);
    // The row stays when its panels are gone.
    let changes = changed_lines(IMPLIED, |json| {
        json["panels"].as_array_mut().unwrap().retain(|panel| panel["title"] != "3");
    });
    assert!(changes.contains(&"+[rows.\"B\"]".to_owned()), "{changes:?}");
    assert_eq!(changes.iter().filter(|line| line.starts_with('-')).count(), 4, "{changes:?}");
}

#[test]
fn a_row_without_a_header_moves_with_its_panels() {
    let lines = changed_lines(IMPLIED, |json| {
        let panels = json["panels"].as_array_mut().unwrap();
        for (panel, y) in panels.iter_mut().zip([10, 11, 11, 0, 1]) {
            panel["gridPos"]["y"] = json!(y);
        }
    });
    assert!(!lines.iter().any(|line| line.ends_with("[rows.\"B\"]") || line.contains("A 2")), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with('+')) && lines.iter().any(|line| line.starts_with('-')),
        "{lines:?}"
    );
    // What goes with its row is removed with it.
    let lines = changed_lines(IMPLIED, |json| {
        json["panels"].as_array_mut().unwrap().truncate(3);
    });
    assert!(lines.len() == 5 && lines.iter().all(|line| line.starts_with('-')), "{lines:?}");
}

#[test]
fn nothing_is_added_behind_a_panel_whose_place_is_unknown() {
    let project = Project::new(include_str!("../dashboards/stack.toml"));
    let file = "spec/dashboards/main.toml";
    project.write(file, "folder = \"main\"\ntitle = \"T\"\n\n[panels]\n1 = { type = \"stat\", queries = \"up\" }\n");
    assert_eq!(project.run(&["render"]).code, Some(0));
    let mut json = rendered(&project, "generated/dev/grafana/main/main.json");
    let panels = json["panels"].as_array_mut().unwrap();
    panels.push(json!({ "id": 7, "type": "text", "title": "New", "gridPos": { "h": 4, "w": 24, "x": 0, "y": 90 } }));
    let run = into(&project, &json, file);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("table [panels.\"1\"] has no header: nothing can be added after it"), "{run:?}");
}

// ---- from a running Grafana -----------------------------------------------------------------------

/// Answers with a dashboard, and records its arguments and the headers that it was given.
#[cfg(unix)]
const CURL: &str = r#"#!/bin/sh
printf '%s\n' "$*" > "${0%/*}/arguments"
eval "address=\${$#}"
while [ "$1" != --header ]; do shift; done
cat "${2#@}" > "${0%/*}/headers"
case "${address}" in
*/missing) echo 'curl: (22) The requested URL returned error: 404' >&2; exit 22 ;;
esac
echo '{ "dashboard": { "title": "T", "panels": [] }, "meta": { "folderTitle": "Temporal" } }'
"#;

#[cfg(unix)]
#[test]
fn a_dashboard_is_read_from_grafana() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::empty();
    project.write("bin/curl", CURL);
    fs::set_permissions(project.path("bin/curl"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |uid: &str, url: &str, token: &str| -> Run {
        let mut command = project.command(&["import", "dashboard", uid, "--from-grafana", url]);
        let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("GRAFANA_TOKEN", token).output().unwrap().into()
    };
    let found = run("server", "http://localhost:3000/", "glsa_secret");
    assert_eq!(found.code, Some(0), "{found:?}");
    assert!(found.stdout.contains("title = \"T\"\n"), "{found:?}");
    let arguments = project.read("bin/arguments");
    assert!(arguments.ends_with(" http://localhost:3000/api/dashboards/uid/server\n"), "{arguments}");
    assert!(!arguments.contains("secret") && !arguments.contains("--location"), "{arguments}");
    assert_eq!(project.read("bin/headers"), "Authorization: Bearer glsa_secret\n");
    let missing = run("missing", "http://localhost:3000", "t");
    assert_eq!(missing.code, Some(3), "{missing:?}");
    assert!(missing.stderr.contains("The requested URL returned error: 404"), "{missing:?}");
    for (uid, url, token) in [
        ("../x", "http://localhost", "t"),
        ("x", "file:///etc", "t"),
        ("x", "http://me:hunter2@localhost", "t"),
        ("x", "-o", "t"),
        ("x", "http://localhost", "a\nX-Other: b"),
    ] {
        let refused = run(uid, url, token);
        assert_eq!(refused.code, Some(2), "{refused:?}");
    }
}

// ---- anything at all ----------------------------------------------------------------------------

/// Words that mean something in a dashboard.
const WORDS: &[&str] = &[
    "title",
    "type",
    "panels",
    "rows",
    "targets",
    "datasource",
    "uid",
    "expr",
    "fieldConfig",
    "defaults",
    "overrides",
    "custom",
    "options",
    "legend",
    "tooltip",
    "reduceOptions",
    "calcs",
    "thresholds",
    "steps",
    "value",
    "color",
    "mappings",
    "links",
    "url",
    "matcher",
    "id",
    "properties",
    "transformations",
    "gridPos",
    "x",
    "y",
    "w",
    "h",
    "templating",
    "list",
    "name",
    "query",
    "current",
    "annotations",
    "time",
    "from",
    "to",
    "refresh",
    "schemaVersion",
    "yaxes",
    "format",
    "seriesOverrides",
    "alias",
    "aliasColors",
    "styles",
    "pattern",
    "span",
    "height",
    "collapse",
    "gauge",
    "show",
    "valueMaps",
    "rangeMaps",
    "text",
    "colors",
    "fieldOptions",
    "libraryPanel",
    "__inputs",
    "__elements",
    "pluginId",
    "repeat",
    "repeatPanelId",
    "tags",
    "mode",
    "columns",
    "minSpan",
    "hide",
    "sort",
    "\u{7}",
    "grid",
    "y_formats",
    "threshold1",
    "legendFormat",
    "options-gauge",
    "valueOptions",
    "nav",
    "pulldowns",
    "timepicker",
    "elements",
    "layout",
    "kind",
    "spec",
    "group",
    "element",
    "items",
    "vizConfig",
    "data",
];

/// Values that choose a way through the code.
const VALUES: &[&str] = &[
    "graph",
    "singlestat",
    "table",
    "table-old",
    "grafana-piechart-panel",
    "row",
    "timeseries",
    "stat",
    "gauge",
    "text",
    "query",
    "datasource",
    "custom",
    "interval",
    "constant",
    "textbox",
    "adhoc",
    "prometheus",
    "loki",
    "cloudwatch",
    "yesoreyeram-infinity-datasource",
    "-- Mixed --",
    "-- Dashboard --",
    "__expr__",
    "$ds",
    "${DS}",
    "default",
    "mimir",
    "byName",
    "byRegexp",
    "unit",
    "thresholds",
    "custom.x",
    "custom.",
    "value",
    "range",
    "special",
    "regex",
    "null",
    "1,2",
    "80",
    "250px",
    "organize",
    "joinByField",
    "sortBy",
    "filterFieldsByName",
    "merge",
    "lt",
    "gt",
    "a : b, c",
    "viewPanel=5",
    "'''",
    "\"\"\"",
    "\n",
    "\r\n",
    "\\",
    "",
    "fixed",
    "percentage",
    "constant",
    "dashboard",
    "GridLayout",
    "AutoGridLayout",
    "RowsLayout",
    "TabsLayout",
    "Panel",
    "LibraryPanel",
];

fn json_value() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(WORDS).prop_map(str::to_owned);
    let leaf = prop_oneof![
        4 => prop::sample::select(VALUES).prop_map(|text| json!(text)),
        2 => any::<String>().prop_map(|text| json!(text)),
        2 => any::<bool>().prop_map(|flag| json!(flag)),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => any::<u64>().prop_map(|number| json!(number)),
        1 => any::<f64>().prop_map(|number| json!(number)),
        3 => (-3_i64..30).prop_map(|number| json!(number)),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(7, 80, 8, move |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            5 => prop::collection::vec((prop_oneof![9 => word(), 1 => any::<String>()], inner), 0..9)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A panel with keys that panels have, each with anything.
fn panel_value() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(&VALUES[..10]);
    let keys = || prop::sample::select(WORDS).prop_map(str::to_owned);
    (kinds, prop::collection::vec((keys(), json_value()), 0..10)).prop_map(|(kind, entries)| {
        let mut map: Map<String, Value> = entries.into_iter().collect();
        map.insert("type".to_owned(), json!(kind));
        Value::Object(map)
    })
}

fn dashboard_value() -> impl Strategy<Value = Value> {
    let panels = || prop::collection::vec(panel_value(), 0..4);
    let typed = (prop::sample::select(&VALUES[10..17]), json_value());
    prop_oneof![
        json_value(),
        (panels(), prop::collection::vec(typed, 0..4), json_value(), any::<bool>()).prop_map(
            |(panels, variables, rest, old)| {
                let variables: Vec<Value> = variables
                    .into_iter()
                    .enumerate()
                    .map(|(index, (kind, value))| {
                        let mut value = if value.is_object() { value } else { json!({ "query": value }) };
                        value["name"] = json!(format!("v{index}"));
                        value["type"] = json!(kind);
                        value
                    })
                    .collect();
                let mut value = if rest.is_object() { rest } else { json!({ "title": rest }) };
                value["templating"] = json!({ "list": variables });
                if old {
                    value["panels"] = Value::Null;
                    value["rows"] = json!([{ "panels": panels, "collapse": true }]);
                } else {
                    value["panels"] = json!(panels);
                }
                value
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_json_gives_toml_or_an_error(value in dashboard_value(), known in any::<bool>()) {
        let context = if known { context() } else { Context::default() };
        if let Ok(imported) = import(&value.to_string(), &context) {
            check(&writer::text(&imported.description));
        }
    }

    #[test]
    fn any_text_is_refused_or_read(text in "[\\[\\]{}\":,0-9eE.a-z \\n\\\\-]{0,64}") {
        let _ = import(&text, &Context::default());
    }
}
