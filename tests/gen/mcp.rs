//! `gen mcp`, as an agent talks to it.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::project::{Project, Run};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// What the server answers to these messages.
fn answers(project: &Project, arguments: &[&str], messages: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = messages.iter().map(ToString::to_string).collect();
    let run = sent(project, arguments, lines.join("\n").as_bytes());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sent(project: &Project, arguments: &[&str], input: &[u8]) -> Run {
    // Colours of the agent's own terminal are not the report's.
    let mut command = project.command(arguments);
    command.env("CLICOLOR_FORCE", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

fn call(name: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": arguments } })
}

/// The result of a call.
fn called(project: &Project, name: &str, arguments: &Value) -> Value {
    answers(project, &["mcp"], &[call(name, arguments)]).remove(0)["result"].take()
}

#[test]
fn both_ways_to_begin_are_answered() {
    let project = Project::reference();
    let found = answers(
        &project,
        &["mcp"],
        &[
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
            }}),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": "a", "method": "ping" }),
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2099-01-01" } }),
            json!({ "jsonrpc": "2.0", "id": 2, "method": "server/discover", "params": { "_meta": { VERSION: "2026-07-28" } } }),
            json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": { "_meta": { VERSION: "2026-07-28" } } }),
            json!({ "jsonrpc": "2.0", "id": 4, "method": "tools/list" }),
            json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": { "_meta": { VERSION: "2099-01-01" } } }),
        ],
    );
    let ids: Vec<&Value> = found.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(json!(ids), json!([0, "a", 1, 2, 3, 4, 5]));
    assert_eq!(found[0]["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(found[1]["result"], json!({}));
    assert_eq!(found[2]["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(found[3]["result"]["resultType"], "complete");
    assert_eq!(found[3]["result"]["supportedVersions"][0], "2026-07-28");
    let names = |answer: &Value| -> Vec<String> {
        let tools = answer["result"]["tools"].as_array().unwrap();
        assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&found[4]), ["list", "explain", "impact", "check", "review", "model", "diagnostics"]);
    assert_eq!(names(&found[5]), names(&found[4]));
    assert_eq!(found[4]["result"]["resultType"], "complete");
    assert_eq!(found[5]["result"].get("resultType"), None);
    assert_eq!(
        (&found[6]["error"]["code"], &found[6]["error"]["data"]["requested"]),
        (&json!(-32022), &json!("2099-01-01"))
    );
}

#[test]
fn a_call_returns_what_the_command_prints() {
    let project = Project::reference();
    for (name, arguments, command) in [
        ("list", json!({ "what": "ports" }), &["list", "ports", "--format", "json"][..]),
        ("explain", json!({ "code": "port-clash" }), &["explain", "--code", "port-clash", "--format", "json"]),
        ("check", json!({ "profile": "dev" }), &["check", "--profile", "dev", "--format", "json"]),
        ("model", json!({}), &["model"]),
        (
            "impact",
            json!({ "key": "services.loki.ports.http" }),
            &["impact", "services.loki.ports.http", "--format", "json"],
        ),
    ] {
        let result = called(&project, name, &arguments);
        let run = project.run(command);
        assert_eq!(result["isError"], false, "{result}");
        assert_eq!(result["content"][0]["text"], run.stdout.as_str(), "{name}");
        assert_eq!(result["structuredContent"], serde_json::from_str::<Value>(&run.stdout).unwrap(), "{name}");
    }
    // Findings are no error of the call.
    project.replace("generated/dev/docker-compose.yml", "published: \"3100\"", "published: \"3101\"");
    let result = called(&project, "check", &json!({}));
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(result["structuredContent"]["differences"][0]["cause"], "hand-edited");
    assert_eq!(
        called(&project, "diagnostics", &json!({}))["structuredContent"],
        json!({ "version": 1, "diagnostics": [] })
    );
    project.write("spec/stack.toml", "[stack]\nname = \"x\"\nnot = 1\n\n[profiles.dev]\n");
    let result = called(&project, "diagnostics", &json!({}));
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(result["structuredContent"]["diagnostics"][0]["code"], "unknown-key");
    let result = called(&project, "list", &json!({ "what": "services" }));
    assert_eq!(result["isError"], true, "{result}");
    assert_eq!(result["structuredContent"]["diagnostics"][0]["code"], "unknown-key");
}

#[test]
fn what_is_wrong_with_a_message_is_said() {
    let project = Project::reference();
    let input = b"{\n[]\n\xff\n\n7\n{\"id\":1}\n{\"id\":1,\"result\":{}}\n{\"id\":{},\"method\":\"ping\"}\n{\"id\":null,\"method\":\"ping\"}\n{\"id\":2,\"method\":\"nothing\"}\n";
    let run = sent(&project, &["mcp"], input);
    let codes: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["error"]["code"].take()).collect();
    assert_eq!(codes, [-32700, -32600, -32700, -32600, -32600, -32600, -32600, -32601]);
    assert_eq!(answers(&project, &["mcp"], &[call("render", &json!({}))])[0]["error"]["code"], -32602);
    for (name, arguments, says) in [
        ("list", json!({}), "`list` needs the argument `what`"),
        ("list", json!({ "what": "port" }), "invalid value `port` of `what`: expected one of `services`, `ports`"),
        ("explain", json!({}), "`explain` needs the argument `place` or `code`"),
        ("list", json!({ "what": "--help" }), "invalid value `--help`"),
        ("list", json!({ "what": 7 }), "the argument `what` must be a string"),
        ("check", json!({ "stat": true }), "unknown argument `stat` of `check`"),
        ("impact", json!({ "key": "services.nobody" }), "unknown key `services.nobody`"),
        ("review", json!({ "against": "--output=x" }), "`--output=x`"),
    ] {
        let result = called(&project, name, &arguments);
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"].to_string().contains(says), "{says}: {result}");
    }
}

#[test]
fn it_writes_only_if_it_was_told_to() {
    let project = Project::reference();
    project.replace("spec/stack.toml", "ports.http = 3100\n", "ports.http = 3101\n");
    let before = project.outputs();
    let listed =
        answers(&project, &["mcp", "--write"], &[json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })]);
    let tools = listed[0]["result"]["tools"].as_array().unwrap();
    let writing: Vec<&Value> =
        tools.iter().filter(|tool| tool["annotations"]["readOnlyHint"] == false).map(|tool| &tool["name"]).collect();
    assert_eq!(writing, ["render", "adopt"]);
    assert_eq!(project.outputs(), before);
    let rendered = answers(&project, &["mcp", "--write"], &[call("render", &json!({}))]);
    assert_eq!(rendered[0]["result"]["isError"], false, "{rendered:?}");
    // What was refused was not done.
    project.replace("generated/dev/docker-compose.yml", "published: \"3101\"", "published: \"3102\"");
    let refused = answers(&project, &["mcp", "--write"], &[call("render", &json!({}))]);
    assert_eq!(refused[0]["result"]["isError"], true, "{refused:?}");
    project.replace("generated/dev/docker-compose.yml", "published: \"3102\"", "published: \"3101\"");
    let odd = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "check", "arguments": ["dev"] } });
    assert_eq!(answers(&project, &["mcp"], &[odd])[0]["error"]["code"], -32602);
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn another_spec_is_served_as_elsewhere() {
    let project = Project::empty();
    project.write(
        "ops/stack.toml",
        "[stack]\nname = \"ops\"\n[profiles.dev]\n[outputs]\ngenerated = \"out\"\nterraform = \"tf\"\n[services.web]\nimage = \"nginx:1.29\"\n",
    );
    let found =
        answers(&project, &["--spec", "ops/stack.toml", "mcp"], &[call("list", &json!({ "what": "services" }))]);
    assert_eq!(found[0]["result"]["structuredContent"]["services"][0]["name"], "web", "{found:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_is_lost_is_a_failure() {
    let project = Project::reference();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child =
        project.command(&["mcp"]).stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"id\":1,\"method\":\"ping\"}\n").unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(3), "{run:?}");
}
