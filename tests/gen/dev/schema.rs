//! The steps of the schema: by `schema setup` and before `up`.

use super::{COMPOSE, SMALL, Stubs, free_port};

/// A stack with three steps that have succeeded.
pub fn stubs() -> Stubs {
    let mut spec = format!("{SMALL}\n[images]\nschema = \"example/schema:1\"\n");
    for name in ["a", "b", "c"] {
        spec.extend(["\n[schema.", name, "]\ndescription = \"Tables of ", name, "\"\n"]);
        spec.push_str("image = \"schema\"\ncommand = [\"set-up\"]\n");
    }
    let stubs = Stubs::new(&spec);
    stubs.project.write("generated/dev/.env", format!("TOKEN=a\nPORT={}\n", free_port()));
    let containers = ["a", "b", "c"].map(|name| {
        format!(
            r#"{{"ID":"id-{name}","Service":"schema-{name}","State":"exited","ExitCode":0,"Labels":"com.docker.compose.config-hash=0{name}"}}"#
        )
    });
    stubs.containers(&containers.each_ref().map(String::as_str));
    stubs.answer("config --hash", 0, "schema-a 0a\nschema-b 0b\nschema-c 0c");
    stubs.answer("docker wait", 0, "0");
    stubs
}

fn step(name: &str) -> [String; 3] {
    [
        format!("{COMPOSE} --profile schema up --detach --force-recreate schema-{name}"),
        format!("docker logs --follow id-{name}"),
        format!("docker wait id-{name}"),
    ]
}

#[test]
fn whatever_fails_the_rest_still_runs() {
    for failing in 0..8_u8 {
        let stubs = stubs();
        let fails = |index: usize| failing & (1 << index) != 0;
        for (index, name) in ["a", "b", "c"].into_iter().enumerate().filter(|(index, _)| fails(*index)) {
            // One way to fail each: to end with another code, or not to start.
            if index == 1 {
                stubs.answer(&format!("--force-recreate schema-{name}"), 1, "");
            } else {
                stubs.answer(&format!("docker logs --follow id-{name}"), 0, "no such table");
                stubs.answer(&format!("docker wait id-{name}"), 0, "3");
            }
        }
        let run = stubs.run(&["schema", "setup"]);
        assert_eq!(run.code, Some(u8::from(failing != 0).into()), "{run:?}");
        let mut expected = Vec::new();
        for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
            expected.extend(step(name).into_iter().take(if index == 1 && fails(index) { 1 } else { 3 }));
            let said = format!("error: schema step `{name}` failed\n  help: see its output above");
            assert_eq!(run.stderr.contains(&said), fails(index), "{run:?}");
        }
        assert_eq!(stubs.changes(), expected);
        assert_eq!(run.stdout.contains("no such table"), failing & 0b101 != 0, "{run:?}");
    }
}

#[test]
fn one_step_can_be_run_alone() {
    let stubs = stubs();
    assert_eq!(stubs.run(&["schema", "setup", "--only", "b"]).code, Some(0));
    assert_eq!(stubs.changes(), step("b"));
    let run = stubs.run(&["schema", "setup", "--only", "d"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("unknown schema step `d`"), "{run:?}");
    assert!(stubs.record().is_empty());
}

#[test]
fn up_runs_what_has_not_succeeded_with_its_configuration() {
    let stubs = stubs();
    let up = || vec![format!("{COMPOSE} up --detach")];
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(0));
    assert_eq!(stubs.changes(), up(), "all have");

    stubs.answer("config --hash", 0, "schema-a 0a\nschema-b changed\nschema-c 0c");
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(0));
    assert_eq!(stubs.changes(), [step("b").to_vec(), up()].concat());

    stubs.answer("docker wait", 0, "1");
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(stubs.changes(), step("b"), "nothing starts without its schema");
    assert!(run.stderr.contains("run `gen dev schema setup --only b`"), "{run:?}");
}

#[test]
fn a_step_belongs_to_those_who_run_its_image() {
    let spec = SMALL.replace("image = \"example/api:1\"\n", "image = \"api\"\nprofiles = [\"more\"]\n")
        + "\n[images]\napi = \"example/api:1\"\n\n[schema.api]\ndescription = \"Tables\"\nimage = \"api\"\n\
           command = [\"set-up\"]\n";
    let stubs = Stubs::new(&spec);
    stubs.project.write("generated/dev/.env", format!("TOKEN=a\nPORT={}\n", free_port()));
    let container = r#"{"ID":"id-api","Service":"schema-api","State":"exited","ExitCode":0,"Labels":"com.docker.compose.config-hash=00"}"#;
    stubs.containers(&[container]);
    stubs.answer("config --hash", 0, "schema-api 01");
    stubs.answer("docker wait", 0, "0");
    assert_eq!(stubs.run(&["up", "--detach"]).code, Some(0));
    assert_eq!(stubs.changes(), [format!("{COMPOSE} up --detach")]);
    assert_eq!(stubs.run(&["up", "--detach", "api"]).code, Some(0));
    assert_eq!(stubs.changes(), [step("api").to_vec(), vec![format!("{COMPOSE} up --detach api")]].concat());
    let readme = stubs.project.read("generated/dev/README.md");
    let (needed, further) = readme.split_once("Some services only start if they are named").unwrap();
    assert!(!needed.contains("run --rm schema-api") && further.contains("run --rm schema-api"), "{readme}");
}
