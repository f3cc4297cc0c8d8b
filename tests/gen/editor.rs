//! `gen schema`, and the schemas beside the spec. That they agree with the parser is in `tests/verify/`.

use serde_json::Value;

use super::project::Project;

#[test]
fn a_schema_says_what_the_tables_say() {
    let run = Project::empty().run(&["schema"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let schema: Value = serde_json::from_str(&run.stdout).unwrap();
    let service = &schema["definitions"]["Service"]["properties"];
    let kinds = &service["kind"];
    let place = kinds["enum"].as_array().unwrap().iter().position(|kind| kind == "temporal-server").unwrap();
    assert_eq!(kinds["x-taplo"]["docs"]["enumValues"][place], "A Temporal server on Aurora DSQL.");
    let settings = &schema["definitions"]["Settings"]["properties"];
    assert_eq!(
        settings["retention"]["description"],
        "`loki`: how long logs are kept. `mimir`: how long metrics are kept; forever if it is 0s."
    );
    assert_eq!(settings["retention"]["anyOf"][0]["examples"], serde_json::json!(["72h"]));
    assert_eq!(settings["max_series"]["default"], 150_000);
    assert_eq!(settings["host_targets"]["additionalProperties"]["type"], "integer");
    assert_eq!(service["security_opt"]["default"], serde_json::json!(["no-new-privileges:true"]));
    assert_eq!(schema["definitions"]["Cluster"]["then"]["required"], serde_json::json!(["history_shards"]));
    // A profile changes what it names, and may leave the rest out.
    assert_eq!(schema["definitions"]["ClusterChanges"].get("required"), None);
    assert!(schema["definitions"]["Profile"]["properties"]["remove"].is_object());
    let run = Project::empty().run(&["schema", "dashboard"]);
    let schema: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(schema["then"]["required"], serde_json::json!(["folder", "title"]));
    assert_eq!(schema["properties"]["refresh"]["examples"], serde_json::json!(["30s"]));
}

#[test]
fn the_schemas_beside_the_spec_are_guarded() {
    let project = Project::reference();
    for (path, arguments) in [
        ("spec/stack.schema.json", &["schema"] as &[&str]),
        ("spec/dashboard.schema.json", &["schema", "dashboard"]),
        ("spec/REFERENCE.md", &["schema", "reference"]),
    ] {
        assert_eq!(project.read(path), project.run(arguments).stdout, "{path}");
    }
    project.replace("spec/REFERENCE.md", "# Reference", "# My reference");
    let run = project.run(&["check"]);
    assert!(run.stdout.contains("spec/REFERENCE.md: edited by hand"), "{}", run.stdout);
    project.replace("spec/stack.schema.json", "\"title\": \"A stack\"", "\"title\": \"My stack\"");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("spec/stack.schema.json: edited by hand"), "{}", run.stdout);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("the schemas were not written:"), "{}", run.stderr);
    // One profile alone has nothing to do with them.
    assert_eq!(project.run(&["check", "--profile", "dev"]).code, Some(0));
    assert_eq!(project.run(&["render", "--force"]).code, Some(0));
    assert_eq!(project.run(&["check"]).code, Some(0));
}
