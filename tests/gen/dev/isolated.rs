//! `gen dev up --isolated`: a stack of a work tree's own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use serde_yaml::Value;

use super::super::project::Run;
use super::Stubs;

/// A stack with each thing that only one copy could have.
const SPEC: &str = r#"
[stack]
name = "shop"
title = "Shop"
container_names = true

[profiles.dev]

[images.api]
ref = "example/api:1"
build = { context = "${API_PATH}" }

[services.api]
image = "api"
ports.http = { published = 8080, target = 80 }
ports.range = { published = "9100-9102", target = "9100-9102" }
ports.any = { published = "9200-9299", target = 9200 }
ports.own = { published = "${PORT}", target = 7000 }
ports.same = 7001
healthcheck = { http = "/health" }
volumes = ["data:/data", "./site:/site:ro", "./generated/dev/certs:/certs:ro"]
networks = ["shop-dev", "front"]

[services.tool]
image = "example/tool"
build = { context = "." }
container_name = "the-tool"
network_mode = "container:api"
env_file = "generated/dev/.env"
volumes = ["cache:/cache"]

[services.page]
image = "example/page:1"
volumes = [{ file = "page.txt", target = "/page.txt" }]

[files."page.txt"]
template = "spec/files/page.txt.j2"

[volumes.data]
name = "shop-data"

[volumes.cache]
external = true

[networks.shop-dev]

[networks.front]
name = "shop-front"
ipam = { config = [{ subnet = "172.30.0.0/16" }] }

[env.API_PATH]
description = "Source tree of the API"
default = "api"

[env.PORT]
description = "A port of the API"
default = "18080"

[lints]
untagged-image = "allow"
"#;

const TEMPLATE: &str = "{= project =} {= services.api.ports.http.published =}\n";

fn stubs() -> Stubs {
    stubs_of(SPEC)
}

fn stubs_of(spec: &str) -> Stubs {
    let stubs = Stubs::with_files(
        &spec.replace("title = \"Shop\"\n", "title = \"Shop\"\nunmanaged = [\"generated/dev/certs\"]\n"),
        &[("spec/files/page.txt.j2", TEMPLATE), ("api/Dockerfile", "FROM scratch\n"), ("site/index.html", "")],
    );
    fs::create_dir_all(stubs.project.path("generated/dev/certs")).unwrap();
    stubs
}

/// Runs `gen dev` with the memory of another project.
fn run_with(stubs: &Stubs, other: &Stubs, arguments: &[&str]) -> Run {
    stubs.command(arguments).env("XDG_STATE_HOME", other.project.path("state")).output().unwrap().into()
}

/// The isolated Compose file.
fn compose(stubs: &Stubs) -> Value {
    serde_yaml::from_str(&stubs.project.read(".gen/dev/docker-compose.yml")).unwrap()
}

/// The end of its names.
fn suffix(stubs: &Stubs) -> String {
    compose(stubs)["name"].as_str().unwrap().strip_prefix("shop-dev-").unwrap().to_owned()
}

fn published(stubs: &Stubs, service: &str, name: &str) -> String {
    let compose = compose(stubs);
    let ports = compose["services"][service]["ports"].as_sequence().unwrap().clone();
    let port = ports.iter().find(|port| port["name"].as_str() == Some(name)).unwrap();
    port["published"].as_str().unwrap().to_owned()
}

fn command(stubs: &Stubs) -> String {
    format!(
        "docker compose --project-name shop-dev-{} --file .gen/dev/docker-compose.yml --env-file generated/dev/.env",
        suffix(stubs)
    )
}

#[test]
fn everything_that_only_one_copy_could_have_is_of_the_work_tree() {
    let stubs = stubs();
    let before = stubs.project.outputs();
    let run = stubs.run(&["up", "--detach", "--isolated"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let suffix = suffix(&stubs);
    assert!(suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{suffix}");
    assert!(run.stderr.contains(&format!("this work tree has a stack of its own: `shop-dev-{suffix}`")), "{run:?}");
    assert_eq!(stubs.changes(), [format!("{} up --detach", command(&stubs))]);

    let http: u16 = published(&stubs, "api", "http").parse().unwrap();
    assert!((20_000..30_000).contains(&http), "{http}");
    assert!(run.stdout.contains(&format!("http://localhost:{http}/health")), "{run:?}");
    let range: Vec<u16> =
        ["range", "range-9101", "range-9102"].map(|name| published(&stubs, "api", name).parse().unwrap()).to_vec();
    assert!(range.windows(2).all(|pair| pair[1] == pair[0] + 1) && range[0] > http, "{range:?}");
    assert!(published(&stubs, "api", "any").parse::<u16>().unwrap() > range[2]);
    assert_eq!(published(&stubs, "api", "own"), format!("${{PORT:-{}}}", stubs.port));
    // Only host ports change.
    let targets = |path: &str| -> Vec<Value> {
        let compose: Value = serde_yaml::from_str(&stubs.project.read(path)).unwrap();
        let ports = compose["services"]["api"]["ports"].as_sequence().unwrap();
        ports.iter().map(|port| port["target"].clone()).collect()
    };
    assert_eq!(targets(".gen/dev/docker-compose.yml"), targets("generated/dev/docker-compose.yml"));
    assert_ne!(published(&stubs, "api", "same"), "7001");

    let compose = compose(&stubs);
    let api = &compose["services"]["api"];
    assert_eq!(api["image"], format!("example/api:1-{suffix}").as_str());
    assert_eq!(api["container_name"], format!("api-{suffix}").as_str());
    let tool = &compose["services"]["tool"];
    assert_eq!(tool["image"], format!("example/tool:{suffix}").as_str());
    assert_eq!(tool["container_name"], format!("the-tool-{suffix}").as_str());
    assert_eq!(tool["network_mode"], format!("container:api-{suffix}").as_str());
    assert_eq!(compose["volumes"]["data"]["name"], format!("shop-data-{suffix}").as_str());
    assert_eq!(compose["networks"]["front"]["name"], format!("shop-front-{suffix}").as_str());
    // What is not an output stays where it is.
    let sources: Vec<&str> =
        api["volumes"].as_sequence().unwrap().iter().filter_map(|mount| mount["source"].as_str()).collect();
    assert_eq!(sources, ["data", "../../site", "../../generated/dev/certs"]);
    assert_eq!(tool["env_file"], "../../generated/dev/.env");
    assert_eq!(compose["services"]["page"]["volumes"][0]["source"], "./page.txt");
    assert_eq!(stubs.project.read(".gen/dev/page.txt"), format!("shop-dev-{suffix} {http}\n"));

    // Git sees none of it, and the committed outputs are as they were.
    assert!(stubs.project.read(".gen/dev/.gitignore").ends_with("\n*\n"));
    let committed: Vec<_> =
        stubs.project.outputs().into_iter().filter(|(path, _)| !path.starts_with(".gen/")).collect();
    assert_eq!(committed, before);
    let check = stubs.project.run(&["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[test]
fn what_is_shared_all_the_same_is_said() {
    let stubs = stubs();
    let said = [
        "port `own` of `api` is `PORT`, whose default is the same in every work tree",
        "help: set PORT in `generated/dev/.env`, or write a number in the spec",
        "network `front` has a fixed subnet, which only one running stack can have",
        "volume `cache` is external, so every work tree uses the same one",
    ];
    let run = stubs.run(&["up", "--detach", "--isolated"]);
    for said in said {
        assert!(run.stderr.contains(said), "`{said}`: {run:?}");
    }
    let run = stubs.run(&["doctor"]);
    for said in said {
        assert!(run.stdout.contains(said), "`{said}`: {run:?}");
    }
    stubs.project.write("generated/dev/.env", format!("PORT={}\n", super::free_port()));
    assert!(!stubs.run(&["up", "--detach"]).stderr.contains(said[0]));
    let patch = "\n[patches.\"docker-compose.yml\"]\nreason = \"x\"\nadd = { \"services.api\" = { x-note = \"a\" } }\n";
    stubs.project.write("spec/stack.toml", stubs.project.read("spec/stack.toml") + patch);
    assert_eq!(stubs.project.run(&["render"]).code, Some(0));
    let run = stubs.run(&["doctor"]);
    let said = "`docker-compose.yml` is patched, so its ports and names may be the same in every work tree";
    assert!(run.stdout.contains(said), "{run:?}");
}

#[test]
fn later_commands_act_on_it_until_its_data_is_removed() {
    let stubs = stubs();
    assert_eq!(stubs.run(&["up", "--detach", "--isolated"]).code, Some(0));
    let (own, port, suffix) = (command(&stubs), published(&stubs, "api", "http"), suffix(&stubs));
    stubs.record();
    for (arguments, expected) in [
        (&["up", "--detach"][..], "up --detach"),
        (&["logs", "api"], "--profile * logs api"),
        (&["restart", "api"], "--profile * restart api"),
        (&["down"], "--profile * down --remove-orphans"),
        (&["up", "--detach", "--isolated"], "up --detach"),
    ] {
        let run = stubs.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(stubs.changes(), [format!("{own} {expected}")], "{arguments:?}");
        assert_eq!(published(&stubs, "api", "http"), port, "{arguments:?}");
    }
    assert_eq!(stubs.run(&["build", "api"]).code, Some(0));
    assert_eq!(stubs.changes(), [format!("docker build --tag example/api:1-{suffix} api")]);
    stubs.containers(&[r#"{"ID":"1","Service":"api","State":"running","Health":"healthy","ExitCode":0}"#]);
    let run = stubs.run(&["ps", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["project"], format!("shop-dev-{suffix}"));
    assert_eq!(report["services"][0]["urls"][0], format!("http://localhost:{port}/health"));
    // Its other ports stand nowhere else.
    let range = published(&stubs, "api", "range");
    assert!(report["services"][0]["addresses"].to_string().contains(&format!("\"localhost:{range}\"")), "{report}");
    assert!(stubs.run(&["ps"]).stdout.contains(&format!("localhost:{range}")));
    let listed = |arguments: &[&str]| {
        let state = stubs.project.path("state");
        Run::from(stubs.project.command(arguments).env("XDG_STATE_HOME", state).output().unwrap())
    };
    let ports = listed(&["list", "ports"]);
    assert!(ports.stdout.contains(&port), "{ports:?}");
    let said = format!("names and host ports are those of this work tree's own stack, `shop-dev-{suffix}`");
    assert!(ports.stderr.contains(&said), "{ports:?}");
    assert!(listed(&["list", "images"]).stdout.contains(&format!("example/api:1-{suffix}")));

    // What somebody removed is made again.
    fs::remove_dir_all(stubs.project.path(".gen")).unwrap();
    assert_eq!(stubs.run(&["logs"]).code, Some(0));
    assert_eq!(published(&stubs, "api", "http"), port);

    // Terraform's resources are the account's.
    assert_eq!(stubs.run(&["infra", "output"]).code, Some(2));
    stubs.record();
    let run = stubs.run(&["down", "--volumes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(stubs.changes(), [format!("{own} --profile * down --remove-orphans --volumes")]);
    assert!(!stubs.project.path(".gen/dev/docker-compose.yml").exists());
    assert_eq!(stubs.run(&["logs"]).code, Some(0));
    let plain = "docker compose --project-name shop-dev --file generated/dev/docker-compose.yml --profile * logs";
    assert_eq!(stubs.changes(), [plain]);
}

#[test]
fn two_work_trees_have_nothing_in_common() {
    let (one, other) = (stubs(), stubs());
    assert_eq!(one.run(&["up", "--detach", "--isolated"]).code, Some(0));
    assert_eq!(run_with(&other, &one, &["up", "--detach", "--isolated"]).code, Some(0));
    assert_ne!(suffix(&one), suffix(&other));
    for name in ["http", "range", "range-9102", "any"] {
        assert_ne!(published(&one, "api", name), published(&other, "api", name));
    }
    // What one has is not chosen by another, even if it doesn't run.
    let state = other.project.path("state/gen");
    fs::create_dir_all(&state).unwrap();
    let (file, own) = (format!("{}.json", "0".repeat(64)), published(&one, "api", "http"));
    for (root, is_chosen) in [(other.project.path("gone"), true), (other.project.root().to_owned(), false)] {
        let text = serde_json::json!({ "root": root, "spec": "b", "profiles": { "dev": { "x/y": own } } });
        fs::write(one.project.path("state/gen").join(&file), text.to_string()).unwrap();
        assert_eq!(one.run(&["down", "--volumes"]).code, Some(0));
        assert_eq!(one.run(&["up", "--detach", "--isolated"]).code, Some(0));
        assert_eq!(published(&one, "api", "http") == own, is_chosen, "{root:?}");
    }
}

#[test]
fn a_port_that_another_program_has_taken_is_replaced() {
    let stubs = stubs();
    assert_eq!(stubs.run(&["up", "--detach", "--isolated"]).code, Some(0));
    let (port, any) = (published(&stubs, "api", "http"), published(&stubs, "api", "any"));
    let _taken = TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
    // The stack itself has it.
    stubs.answer(
        &format!("docker ps --filter label=com.docker.compose.project=shop-dev-{}", suffix(&stubs)),
        0,
        &format!("shop-api\t127.0.0.1:{port}->80/tcp"),
    );
    stubs.run(&["up", "--detach"]);
    assert_eq!(published(&stubs, "api", "http"), port);
    stubs.answer("docker ps --filter label=com.docker.compose.project=", 0, "");
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_ne!(published(&stubs, "api", "http"), port);
    let said = format!("host port {port} of `api/http` is in use; it is now {}\n", published(&stubs, "api", "http"));
    assert!(run.stderr.contains(&said), "{run:?}");
    assert_eq!(published(&stubs, "api", "any"), any, "only that one");
}

#[test]
fn a_spec_can_ask_for_it() {
    let stubs = stubs_of(&SPEC.replace("container_names", "isolated = true\ncontainer_names"));
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(stubs.changes(), [format!("{} up --detach", command(&stubs))]);
    assert!(stubs.project.read("generated/dev/docker-compose.yml").contains("\nname: shop-dev\n"));
    let check = stubs.project.run(&["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[test]
fn a_stack_that_runs_without_isolation_is_stopped_first() {
    let stubs = stubs();
    let folder = stubs.project.root().canonicalize().unwrap().join("generated/dev");
    let asked = format!(
        "docker ps --quiet --filter label=com.docker.compose.project=shop-dev \
         --filter label=com.docker.compose.project.working_dir={}",
        folder.display()
    );
    stubs.answer(&asked, 0, "4f1c");
    let run = stubs.run(&["up", "--isolated"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let said = "error: the stack `shop-dev` already runs from this work tree without isolation\n  \
                help: stop it with `gen dev down`, then run `gen dev up --isolated` again\n";
    assert_eq!(run.stderr, said);
    assert!(!stubs.project.path(".gen").exists());
}

#[test]
fn what_a_tree_brings_along_is_not_obeyed() {
    let stubs = stubs();
    assert_eq!(stubs.run(&["up", "--detach", "--isolated"]).code, Some(0));
    let state = stubs.project.path("state/gen");
    let memory = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let memory = memory.into_iter().find(|path| path.extension().is_some()).unwrap();
    let good = fs::read_to_string(&memory).unwrap();
    fs::write(&memory, good.replace("\"api/http\": \"", "\"api/http\": \"x")).unwrap();
    let run = stubs.run(&["ps"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("is not a port from 1024 on\n  help: delete the file and run"), "{run:?}");
    fs::write(&memory, &good).unwrap();

    // A link in place of the folder, and files that no one rendered.
    fs::remove_dir_all(stubs.project.path(".gen")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), stubs.project.path(".gen")).unwrap();
    let run = stubs.run(&["up", "--detach"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("cannot write the outputs of this work tree's stack"), "{run:?}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    fs::remove_file(stubs.project.path(".gen")).unwrap();
    stubs.project.write(".gen/dev/docker-compose.yml", "name: \"theirs\"\n");
    let run = stubs.run(&["up", "--detach"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(suffix(&stubs).len() == 8);

    // A copy of the tree is another work tree.
    let copy = stubs_of(SPEC);
    for (path, contents) in stubs.project.outputs() {
        copy.project.write(&path, contents);
    }
    assert_eq!(run_with(&copy, &stubs, &["logs"]).code, Some(0));
    assert!(copy.changes().iter().all(|line| line.contains("--project-name shop-dev --file generated/dev")));
}

#[test]
fn without_a_home_it_is_refused() {
    let stubs = stubs();
    let without = |arguments: &[&str]| -> Run {
        let mut command = stubs.command(arguments);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME").output().unwrap().into()
    };
    let run = without(&["up", "--isolated"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("HOME is not set\n  help: set HOME or XDG_STATE_HOME"), "{run:?}");
    assert_eq!(without(&["logs"]).code, Some(0));
}
