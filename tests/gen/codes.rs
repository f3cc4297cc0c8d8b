//! The pages of diagnostics: each of the two specs of a page is what it says it is.

use std::fs;

use camino::Utf8Path;
use stackgen::diagnostic::{Diagnostic, Level};
use stackgen::spec::{Location, ReadError};
use stackgen::{codes, spec};
use toml::{Table, Value};

use super::project::Project;

/// No spec of a few lines shows these.
const WITHOUT_SPEC: [&str; 6] =
    ["invalid-compose", "key-too-long", "not-utf8", "spec-too-large", "unknown-profile", "yaml-syntax"];

/// What a spec without `[stack]` leaves out.
const PRELUDE: &str = "stack.name = \"shop\"\nprofiles.dev = {}";

/// What the only cluster needs besides its own table.
const CLUSTER: &str = r#"
[services.elasticsearch]
kind = "elasticsearch"
image = "elasticsearch:8.19.21"
[services.elasticsearch-setup]
kind = "elasticsearch-setup"
image = "elasticsearch:8.19.21"
[services.temporal]
kind = "temporal-server"
cluster = "main"
[images]
temporal-server = "temporal:1.31"
[env.MAIN_HOST]
description = "Endpoint of DSQL"
[env.AWS_REGION]
description = "Region"
default = "eu-west-1"
"#;

/// What a datasource needs.
const GRAFANA: &str = r#"
[services.grafana]
kind = "grafana"
image = "grafana/grafana:13.2.1"
settings.admin_password = "${PASSWORD}"
[env.PASSWORD]
description = "Password"
secret = true
"#;

#[test]
fn a_wrong_spec_has_that_diagnostic_and_a_right_one_has_none() {
    let mut failures = Vec::new();
    for (code, page) in codes::all() {
        let (prose, specs) = page.split_once("\n```toml wrong\n").unzip();
        let first = prose.unwrap_or(page);
        assert!(first.contains('.') && first.lines().all(|line| line.chars().count() <= 100), "{code}: {first}");
        let Some(specs) = specs else {
            assert!(WITHOUT_SPEC.contains(code), "{code} has no specs");
            continue;
        };
        let (wrong, right) = specs.split_once("```\n\n```toml right\n").unwrap();
        let right = right.strip_suffix("```\n").unwrap();
        let found = diagnostics(wrong);
        let fits = |found: &Diagnostic| found.code == *code || found.level == Level::Warning;
        if !found.iter().all(fits) || !found.iter().any(|found| found.code == *code) {
            failures.push((code, "wrong", found));
        }
        let found = diagnostics(right);
        if found.iter().any(|found| found.code == *code || found.level == Level::Error) {
            failures.push((code, "right", found));
        }
    }
    let failures: Vec<String> = failures
        .iter()
        .map(|(code, which, found)| {
            let found: Vec<String> = found.iter().map(|found| format!("{}: {}", found.code, found.title)).collect();
            format!("{code}, {which}: {found:#?}")
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong in a spec of a page.
fn diagnostics(text: &str) -> Vec<Diagnostic> {
    let project = Project::empty();
    let marked = if text.starts_with("# spec/") { text.to_owned() } else { format!("# spec/stack.toml\n{text}") };
    for file in format!("\n{marked}").split("\n# spec/").skip(1) {
        let (path, text) = file.split_once('\n').unwrap();
        project.write(&format!("spec/{path}"), text);
    }
    if !marked.contains("# spec/stack.toml\n") {
        project.write("spec/stack.toml", include_str!("../dashboards/stack.toml"));
    }
    let path = project.path("spec/stack.toml");
    let main = fs::read_to_string(&path).unwrap();
    // One that is not TOML is complete but for the first few lines.
    match main.parse::<Table>() {
        Ok(table) if !table.contains_key("stack") => fs::write(path, completed(table)).unwrap(),
        Ok(_) => {}
        Err(_) => fs::write(path, format!("{PRELUDE}\n{main}")).unwrap(),
    }
    match spec::read(Utf8Path::from_path(project.root()).unwrap(), &Location::default()) {
        Ok(sources) => match stackgen::plan_with_warnings(&sources, None) {
            Ok((_, warnings)) => warnings,
            Err(diagnostics) => diagnostics,
        },
        Err((_, ReadError::Refused(diagnostics))) => diagnostics.into_sorted(),
        Err((_, error)) => panic!("{error:?}"),
    }
}

/// A spec with what it leaves out.
fn completed(mut spec: Table) -> String {
    let mut rest = vec![PRELUDE];
    rest.extend(spec.contains_key("clusters").then_some(CLUSTER));
    rest.extend(spec.contains_key("datasources").then_some(GRAFANA));
    for rest in rest {
        add(&mut spec, rest.parse().unwrap());
    }
    let lines: Vec<String> = spec.iter().map(|(key, value)| format!("{key:?} = {}", inline(value))).collect();
    lines.join("\n")
}

fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let entries: Vec<String> =
                table.iter().map(|(key, value)| format!("{key:?} = {}", inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => serde_json::to_string(other).unwrap(),
    }
}

fn add(to: &mut Table, rest: Table) {
    for (key, value) in rest {
        match (to.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(rest)) => add(inner, rest),
            (Some(_), _) => {}
            (None, value) => _ = to.insert(key, value),
        }
    }
}

#[test]
fn a_page_is_printed() {
    let run = Project::empty().run(&["explain", "--code", "unused-image"]);
    super::project::clean(&run);
    let wrong = "Wrong:\n\n    [images]\n    api = \"shop/api:1\"\n\n    [services.web]\n    image = \"nginx:1.29\"\n\nRight:\n";
    assert!(run.stdout.starts_with("warning[unused-image]\n\nNo service runs an image"), "{}", run.stdout);
    assert!(run.stdout.contains(wrong) && !run.stdout.contains("```"), "{}", run.stdout);
    assert!(run.stdout.ends_with("unless `[lints]` sets another one: `unused-image = \"allow\"`.\n"), "{}", run.stdout);
    let run = Project::empty().run(&["explain", "--code", "port-clash", "--format", "json"]);
    let page: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&page["code"], &page["level"]), (&"port-clash".into(), &"error".into()));
    assert_eq!(page["page"], codes::page("port-clash").unwrap());
}

#[test]
fn an_unknown_code_suggests_another() {
    for (code, help) in [
        ("port-clahs", "did you mean `port-clash`?"),
        ("E0308", "a diagnostic shows its code in brackets"),
        (
            "secret-source",
            "it is a change that `gen review` reports: The value of a variable is read from another place; for `cmd:`, `gen dev` runs a \
             command of the spec for it.",
        ),
    ] {
        let run = Project::empty().run(&["explain", "--code", code]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert_eq!(run.stderr, format!("error: unknown code `{code}`\n  help: {help}\n"));
    }
    for arguments in [&["explain"][..], &["explain", "a:1", "--code", "port-clash"]] {
        assert_eq!(Project::empty().run(arguments).code, Some(2), "{arguments:?}");
    }
}
