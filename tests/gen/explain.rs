//! `gen explain` and `gen impact`.

use std::collections::HashSet;

use serde_json::Value;

use super::project::Project;

const LOKI: &str = "generated/dev/config/loki.yaml";
const ALLOY: &str = "generated/dev/config/alloy.alloy";

fn line(project: &Project, path: &str, needle: &str) -> usize {
    project.read(path).lines().position(|line| line.contains(needle)).unwrap() + 1
}

#[test]
fn a_line_leads_to_its_keys() {
    let project = Project::reference();
    let at = line(&project, LOKI, "retention_period");
    let key = line(&project, "spec/stack.toml", "settings.retention");
    let run = project.run(&["explain", &format!("{LOKI}:{at}")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.starts_with(&format!(
            "{LOKI}:{at}\n  retention_period: 72h\n\nspec/stack.toml:{key}:22 services.loki.settings.retention\n  settings.retention = \"72h\"\n"
        )),
        "{}",
        run.stdout
    );
    // As an editor's own terminal has it: from a folder below, with a column.
    let run = project
        .run_in("generated/dev", &["explain", &format!("./config/../config/loki.yaml:{at}:3"), "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["path"], &report["line"], &report["rendered"]), (&LOKI.into(), &at.into(), &true.into()));
    assert_eq!(report["keys"][0]["key"], "services.loki.settings.retention");
    assert_eq!((&report["keys"][0]["line"], &report["keys"][0]["column"]), (&key.into(), &22.into()));
    assert_eq!(report["keys"][0]["part"], "value");
}

#[test]
fn a_line_is_there_because_of_a_table_that_others_refer_to() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\n\n[profiles.dev]\n[profiles.live]\n\n[services.api]\nimage = \"a:1\"\nports.http = 80\n\n\
         [services.web]\nimage = \"a:1\"\ndepends_on = [\"api\"]\nenvironment.API = \"${api.http}\"\n",
    );
    assert_eq!(project.run(&["render"]).code, Some(0));
    let compose = "generated/dev/docker-compose.yml";
    let run = project.run(&["explain", &format!("{compose}:{}", line(&project, compose, "ports:"))]);
    assert!(run.stdout.contains("spec/stack.toml:9:1 services.api.ports\n"), "{}", run.stdout);
    let run = project.run(&["impact", "services.api", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let keys = report["keys"].as_array().unwrap();
    let distinct: HashSet<String> = keys.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), keys.len(), "{keys:?}");
}

#[test]
fn a_line_that_no_key_makes_says_why() {
    let project = Project::reference();
    let run = project.run(&["explain", &format!("{LOKI}:{}", line(&project, LOKI, "auth_enabled"))]);
    // It is there because Loki is.
    assert!(run.stdout.ends_with("services.loki.kind\n  kind = \"loki\"\n"), "{}", run.stdout);
    let run = project.run(&["explain", "generated/dev/docker-compose.yml:1"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("comes from the template, not from a key of the spec"), "{}", run.stdout);
    // Lines above it have moved it, and it is still found.
    project.replace(LOKI, "auth_enabled: false\n", "auth_enabled: false\n# mine\n");
    let run = project.run(&["explain", &format!("{LOKI}:{}", line(&project, LOKI, "# mine"))]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("differs from the rendered output: run `gen check`"), "{}", run.stdout);
    // A comma is a difference, though not a dependency.
    project.replace(LOKI, "auth_enabled: false\n", "auth_enabled: false,\n");
    let run = project.run(&["explain", &format!("{LOKI}:{}", line(&project, LOKI, "auth_enabled"))]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let run = project.run(&["explain", &format!("{LOKI}:{}", line(&project, LOKI, "retention_period"))]);
    assert!(run.stdout.contains("services.loki.settings.retention"), "{}", run.stdout);
}

#[test]
fn what_is_no_line_of_an_output_is_refused() {
    let project = Project::reference();
    for (place, said) in [
        ("generated/dev/config/lok.yaml:1", "did you mean `generated/dev/config/loki.yaml`?"),
        ("spec/stack.toml:1", "`spec/stack.toml` is not an output\n  help: "),
        (LOKI, "invalid place `"),
        ("generated/dev/config/loki.yaml:0", "invalid place `"),
        ("generated/dev/config/loki.yaml:999", "`generated/dev/config/loki.yaml` has only 40 lines"),
        (":1", "invalid place `"),
    ] {
        let run = project.run(&["explain", place]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{place}");
        assert!(run.stderr.contains(said), "{place}: {}", run.stderr);
    }
}

#[test]
fn a_key_leads_to_its_lines() {
    let project = Project::reference();
    let at = line(&project, LOKI, "retention_period");
    let run = project.run(&["impact", "services.loki.settings.retention"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains(&format!("\n{LOKI}\n    {at}    retention_period: 72h\n")), "{}", run.stdout);
    assert!(run.stdout.ends_with("\n3 lines in 2 outputs\n"), "{}", run.stdout);
    // The same by its line; and derived values: the port of a service in a URL of another.
    let key = line(&project, "spec/stack.toml", "ports.http = 8082");
    let run = project.run(&["impact", &format!("spec/stack.toml:{key}"), "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["keys"][1]["key"], "services.copilot-ui.ports.http");
    let compose = &report["outputs"][0];
    assert_eq!(compose["path"], "generated/dev/docker-compose.yml");
    let texts: Vec<&str> =
        compose["lines"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().trim()).collect();
    assert!(texts.contains(&"TEMPORAL_CORS_ORIGINS: http://localhost:8082"), "{texts:?}");
    assert!(texts.contains(&"published: \"8082\""), "{texts:?}");
    // A switch, too: a line that it leaves out is in the digest of the file.
    let run = project.run(&["impact", "services.copilot-temporal.metrics"]);
    assert!(run.stdout.contains("stackgen.config"), "{}", run.stdout);
    let run = project.run(&["explain", &format!("{ALLOY}:{}", line(&project, ALLOY, "temporal-worker:9090"))]);
    assert!(run.stdout.contains("services.temporal-worker"), "{}", run.stdout);
    // In quotes, as TOML writes a name with a dot, and without them, as reports do.
    for key in ["\"frontend.persistenceMaxQPS\"", "'frontend.persistenceMaxQPS'", "frontend.persistenceMaxQPS"] {
        let run = project.run(&["impact", &format!("clusters.monitored.dynamic_config.{key}")]);
        assert!(run.code == Some(0) && run.stdout.contains("value: 6000"), "{run:?}");
    }
    let run = project.run(&["impact", "profiles.\"dev\".stack.title"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // What only people and checkers read reaches nothing.
    let run = project.run(&["impact", "accepted"]);
    assert!(run.stdout.ends_with("no line of any output depends on it\n"), "{}", run.stdout);
}

#[test]
fn what_is_no_key_is_refused() {
    let project = Project::reference();
    for (key, said) in [
        ("services.lokii", "unknown key `services.lokii`\n  help: did you mean `services.loki`?"),
        ("zzzzzz", "write it as a dotted key"),
        ("spec/stack.toml:9999", "no key of the spec at `spec/stack.toml:9999`"),
    ] {
        let run = project.run(&["impact", key]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{key}");
        assert!(run.stderr.contains(said), "{key}: {}", run.stderr);
    }
    let run = project.run(&["impact", "zzzzzz", "--profile", "dev"]);
    assert!(run.code == Some(2) && run.stderr.contains("profile `dev` does not have it"), "{run:?}");
    project.replace("spec/stack.toml", "retention = \"72h\"", "retention = 72");
    for command in ["explain", "impact"] {
        let run = project.run(&[command, "generated/dev/docker-compose.yml:1", "--format", "json"]);
        assert_eq!(run.code, Some(2));
        assert!(run.stdout.contains("wrong-type"), "{run:?}");
    }
}

#[test]
fn a_number_behind_any_character_is_changed_like_any_other() {
    let project = Project::reference();
    project.replace(
        "spec/stack.toml",
        "title = \"SRE copilot for Temporal on Aurora DSQL\"",
        "title = \"Answers in ≤5 s\"",
    );
    assert_eq!(project.run(&["render"]).code, Some(0));
    let run = project.run(&["impact", "stack.title"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("# Answers in ≤5 s"), "{}", run.stdout);
}

#[test]
fn the_keys_of_every_profile_are_told() {
    let project = Project::reference();
    let spec = project.read("spec/stack.toml");
    project.write(
        "spec/stack.toml",
        spec.replace("[profiles.dev]", "[profiles.dev]\n[profiles.prod.services.loki]\nsettings.retention = \"240h\""),
    );
    // A key of one profile reaches that profile's outputs only.
    let run = project.run(&["impact", "profiles.prod.services.loki.settings.retention"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("generated/prod/") && !run.stdout.contains("generated/dev/"), "{}", run.stdout);
    let run = project.run(&["impact", "services.loki.settings.retention", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let texts: Vec<&str> = report["keys"].as_array().unwrap().iter().map(|key| key["text"].as_str().unwrap()).collect();
    assert!(
        texts.iter().any(|text| text.contains("72h")) && texts.iter().any(|text| text.contains("240h")),
        "{texts:?}"
    );
}
