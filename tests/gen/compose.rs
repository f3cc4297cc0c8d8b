//! What keys of Compose mean in the spec, where a reader of Compose's documentation would be surprised otherwise.

use serde_json::{Value as Json, json};
use serde_yaml::Value;

use super::project::Project;

const HEAD: &str = "[stack]\nname = \"shop\"\n[profiles.dev]\n";

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The services of the Compose file.
fn services(spec: &str) -> Value {
    let project = Project::new(spec);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
    yaml(&project.read("generated/dev/docker-compose.yml"))["services"].clone()
}

/// The service `web` with these lines.
fn web(lines: &str) -> Value {
    services(&format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\n{lines}\n"))["web"].clone()
}

/// The errors of a spec: each code, the text at its place and its help.
fn errors(spec: &str) -> Vec<(String, String, String)> {
    let run = Project::new(spec).run(&["check", "--format", "json"]);
    let report: Json = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let line = |found: &Json| {
        let line = found["labels"][0]["line"].as_u64().unwrap();
        spec.lines().nth(usize::try_from(line).unwrap() - 1).unwrap().to_owned()
    };
    let found = report["diagnostics"].as_array().into_iter().flatten();
    // Nothing is rendered.
    found
        .map(|found| (text(&found["code"]), line(found), text(&found["help"])))
        .filter(|(code, ..)| !code.is_empty())
        .collect()
}

/// The only error of the service `web` with these lines.
fn error(lines: &str) -> (String, String, String) {
    let spec = format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\n{lines}\n");
    let [error] = errors(&spec).try_into().unwrap_or_else(|errors| panic!("{lines}: {errors:?}"));
    error
}

#[test]
fn a_profile_adds_to_a_list_as_to_the_table_that_it_stands_for() {
    let base = r#"
[stack]
name = "shop"
[services.web]
image = "nginx:1.29"
environment = ["A=1", "B=2=3"]
labels = ["a=1", "bare"]
sysctls = ["net.core.somaxconn=1024"]
extra_hosts = ["one=10.0.0.1", "two:10.0.0.2", "two:10.0.0.3"]
depends_on = ["db"]
networks = ["front"]
build = { context = ".", args = ["X=1", "TOKEN"] }
[services.other]
image = "other:1"
build = "./other"
[services.db]
image = "postgres:18"
ports.sql = 5432
[networks.front]
[networks.back]
[profiles.dev.services.web]
environment.C = "3"
environment.A = "4"
labels.b = "2"
sysctls."net.ipv4.tcp_syncookies" = "0"
extra_hosts.three = "10.0.0.4"
depends_on.other = {}
networks.back.aliases = ["w"]
build.args.TOKEN = "t"
[profiles.dev.services.other.build]
target = "dev"
[profiles.dev.services.db.ports]
sql.host_ip = "0.0.0.0"
"#;
    let found = services(base);
    let web = &found["web"];
    assert_eq!(web["environment"], yaml("{A: '4', B: 2=3, C: '3'}"));
    assert_eq!(web["labels"], yaml("{a: '1', bare: '', b: '2'}"));
    assert_eq!(web["sysctls"], yaml("{net.core.somaxconn: '1024', net.ipv4.tcp_syncookies: '0'}"));
    assert_eq!(web["extra_hosts"], yaml("{one: 10.0.0.1, two: [10.0.0.2, 10.0.0.3], three: 10.0.0.4}"));
    assert_eq!(web["depends_on"], yaml("{db: {condition: service_started}, other: {condition: service_started}}"));
    assert_eq!(web["networks"], yaml("{front: {}, back: {aliases: [w]}}"));
    assert_eq!(web["build"]["args"], yaml("{X: '1', TOKEN: t}"));
    assert_eq!(found["other"]["build"], yaml("{context: ../../other, target: dev}"));
    let ports = yaml("[{name: sql, host_ip: 0.0.0.0, published: '5432', target: 5432}]");
    assert_eq!(found["db"]["ports"], ports);
}

#[test]
fn a_list_that_has_no_form_in_a_table_is_refused_under_one() {
    for (base, key, added) in
        [(r#"build.args = ["TOKEN"]"#, "build.args", "C = \"3\""), (r#"ports = ["8080:80"]"#, "ports", "dns = 53")]
    {
        let spec = format!(
            "[stack]\nname = \"shop\"\n[services.web]\nimage = \"nginx:1.29\"\n{base}\n\
             labels.token = \"${{TOKEN}}\"\n[env.TOKEN]\ndescription = \"t\"\n\
             [profiles.dev.services.web.{key}]\n{added}\n"
        );
        let found = errors(&spec);
        assert_eq!(found.len(), 1, "{found:?}");
        let (code, line, help) = &found[0];
        assert_eq!((code.as_str(), line.as_str()), ("list-in-base", &*format!("[profiles.dev.services.web.{key}]")));
        assert!(help.contains("as a table in the base"), "{help}");
    }
}

#[test]
fn an_empty_command_clears_the_images() {
    let found = web("command = []\nentrypoint = []");
    assert_eq!((&found["command"], &found["entrypoint"]), (&yaml("[]"), &yaml("[]")));
    let found = web("command = \"\"\nentrypoint = \"\"");
    assert_eq!((&found["command"], &found["entrypoint"]), (&yaml("''"), &yaml("''")));
    let found = web("");
    assert_eq!((found.get("command"), found.get("entrypoint")), (None, None));
    // It matters to a service that extends one of another file.
    assert_eq!(web("healthcheck = { disable = false }")["healthcheck"], yaml("{disable: false}"));
}

#[test]
fn a_listed_port_without_one_on_the_host_gets_a_random_one() {
    let listed = r#"ports = ["80", "127.0.0.2::5000", { target = 82 }, 83, "90-91/udp"]"#;
    assert_eq!(
        web(listed)["ports"],
        yaml(
            "[{name: '80', host_ip: 127.0.0.1, target: 80}, {name: '5000', host_ip: 127.0.0.2, target: 5000}, \
             {name: '82', host_ip: 127.0.0.1, target: 82}, {name: '83', host_ip: 127.0.0.1, target: 83}, \
             {name: 90-udp, host_ip: 127.0.0.1, target: 90, protocol: udp}, \
             {name: 90-udp-91, host_ip: 127.0.0.1, target: 91, protocol: udp}]"
        )
    );
    assert_eq!(web("ports.http = { target = 80 }").get("ports"), None);
    let (code, ..) = error("network_mode = \"host\"\nports = [\"80\"]");
    assert_eq!(code, "ignored-port");

    let project = Project::new(format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\nports = [\"80\"]\n"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert!(project.read("generated/dev/README.md").contains("`127.0.0.1:random`"));
    assert!(project.run(&["list", "ports"]).stdout.contains("127.0.0.1:random"));
    let rows = project.listed("ports");
    assert_eq!(rows[0]["host"], json!({ "address": "127.0.0.1", "port": null }));
}

/// Services, of which each names the next one by another key.
const NAMED: &str = r#"
[services.aa]
image = "aa:1"
links = ["bb:alias"]
[services.bb]
image = "bb:1"
network_mode = "service:cc"
[services.cc]
image = "cc:1"
volumes_from = ["dd:ro"]
[services.dd]
image = "dd:1"
pid = "service:ee"
[services.ee]
image = "ee:1"
ipc = "service:ff"
[services.ff]
image = "ff:1"
"#;

#[test]
fn a_service_starts_after_those_that_its_keys_name() {
    let project = Project::new(format!("{HEAD}{NAMED}"));
    let rows = project.listed("services");
    let after: Vec<(&str, Option<&str>)> =
        rows.iter().map(|row| (row["name"].as_str().unwrap(), row["depends_on"][0]["service"].as_str())).collect();
    let named = [("aa", "bb"), ("bb", "cc"), ("cc", "dd"), ("dd", "ee"), ("ee", "ff")];
    let expected: Vec<_> = named.iter().map(|&(from, to)| (from, Some(to))).chain([("ff", None)]).collect();
    assert_eq!(after, expected);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let readme = project.read("generated/dev/README.md");
    assert!(readme.lines().any(|line| line.contains("| `aa` |") && line.contains("`bb` (started)")), "{readme}");
    let graph = project.run(&["graph", "--format", "dot"]).stdout;
    for (from, to) in named {
        assert!(graph.contains(&format!("\"{from}\" -> \"{to}\"")), "{from} {to}\n{graph}");
    }
}

#[test]
fn a_cycle_may_lead_through_any_key_that_names_a_service() {
    assert_eq!(errors(&format!("{HEAD}{NAMED}")), []);
    for back in ["depends_on = [\"aa\"]", "links = [\"aa\"]", "uts = \"service:aa\""] {
        let found = errors(&format!("{HEAD}{NAMED}{back}\n"));
        assert_eq!(found.len(), 1, "{back}: {found:?}");
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("dependency-cycle", back));
    }
}

#[test]
fn a_key_that_names_a_disabled_service_is_refused() {
    let spec = |key: &str| {
        format!(
            "{HEAD}[services.web]\nimage = \"nginx:1.29\"\n{key}\n[services.db]\nimage = \"db:1\"\nprofiles = [\"debug\"]\n"
        )
    };
    for key in [
        "links = [\"db\"]",
        "volumes_from = [\"db\"]",
        "network_mode = \"service:db\"",
        "pid = \"service:db\"",
        "ipc = \"service:db\"",
    ] {
        let found = errors(&spec(key));
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), ("disabled-dependency", key));
        assert_eq!(errors(&spec(&format!("{key}\nprofiles = [\"debug\"]"))), [], "{key}");
    }
    // A service that is extended need not run.
    assert_eq!(errors(&spec("extends = \"db\"")), []);
}

#[test]
fn a_text_stands_for_the_type_that_compose_reads_from_it() {
    for (key, wrong, right) in [
        ("init", "3", "true"),
        ("tty", "yes", "false"),
        ("privileged", "no", "true"),
        ("read_only", "1", "true"),
        ("attach", "", "false"),
        ("scale", "two", "1"),
        ("cpu_count", "1.5", "2"),
        ("cpu_shares", "many", "73"),
        ("deploy.replicas", "one", "1"),
        ("cpu_quota", "1.5", "300"),
        ("ulimits.nofile", "lots", "1024"),
        ("ulimits.nproc.soft", "lots", "1024"),
        ("stop_grace_period", "soon", "1m30s"),
        ("deploy.update_config.delay", "5", "5s"),
        ("deploy.update_config.monitor", "a while", "1h"),
        ("deploy.restart_policy.window", "s", "2m"),
        ("build.provenance", "", "mode=max"),
        ("memswap_limit", "", "1g"),
        ("group_add", "", "audio"),
    ] {
        let more = match key {
            "ulimits.nproc.soft" => "\nulimits.nproc.hard = 2048",
            "build.provenance" => "\nbuild.context = \".\"",
            _ => "",
        };
        let line = |text: &str| match key {
            "group_add" => format!("{key} = [\"{text}\"]{more}"),
            _ => format!("{key} = \"{text}\"{more}"),
        };
        web(&line(right));
        if !wrong.is_empty() || key == "attach" {
            let (code, at, help) = error(&line(wrong));
            assert!(matches!(code.as_str(), "wrong-type" | "invalid-duration"), "{key}: {code}");
            assert_eq!(at, line(wrong).lines().next().unwrap());
            assert!(!help.contains("in quotes"), "{key}: {help}");
        }
    }
    // What a reference becomes is not known.
    let spec = format!(
        "{HEAD}[services.web]\nimage = \"nginx:1.29\"\ninit = \"${{INIT}}\"\n[env.INIT]\ndescription = \"i\"\n"
    );
    services(&spec);
    // The names of these are the user's.
    web("labels.cpus = \"many\"\nbuild = { context = \".\", args = { memory = \"some\" } }\nx-own.memory = \"some\"");
    let (_, _, help) = error("init = 3");
    assert_eq!(help, "");
    assert!(error("mem_limit = -1").0 == "invalid-size");
}

#[test]
fn forms_of_compose() {
    let found = web(
        "healthcheck = { test = \"x\", retries = \"3\", x-a = 1 }\nvolumes = [{ source = \"./a\", target = \"/a\", \
         read_only = \"true\" }]\nports = [{ target = 80, published = 80, x-b = 2 }]\ndepends_on.db = { restart = \
         \"true\", x-c = 3 }\nhostname = \"${HOST}\"\nrestart = \"${RESTART}\"\ncontainer_name = \"Web.One\"\n\
         [services.db]\nimage = \"db:1\"\nhealthcheck.disable = \"true\"\n[env.HOST]\ndescription = \"h\"\n\
         default = \"h\"\n[env.RESTART]\ndescription = \"r\"\ndefault = \"always\"",
    );
    assert_eq!(found["healthcheck"], yaml("{test: x, retries: 3, x-a: 1}"));
    assert_eq!(found["volumes"][0]["read_only"], true);
    assert_eq!(found["ports"][0], yaml("{name: '80', host_ip: 127.0.0.1, published: '80', target: 80, x-b: 2}"));
    assert_eq!(found["depends_on"]["db"], yaml("{condition: service_started, restart: true, x-c: 3}"));
    assert_eq!((&found["hostname"], &found["restart"]), (&yaml("'${HOST:-h}'"), &yaml("'${RESTART:-always}'")));
    assert_eq!(found["container_name"], "Web.One");
    assert_eq!(error("container_name = \"a/b\"").0, "invalid-name");
    assert_eq!(error("ports.http = { published = 80, name = \"x\" }").0, "unknown-key");
}

#[test]
fn each_line_of_a_listed_port_comes_from_it() {
    let project = Project::new(format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\nports = [\"8080:80\"]\n"));
    assert_eq!(project.run(&["render"]).code, Some(0));
    let compose = project.read("generated/dev/docker-compose.yml");
    let reached = project.run(&["impact", "services.web.ports"]).stdout;
    for part in ["published: \"8080\"", "target: 80"] {
        let line = compose.lines().position(|line| line.contains(part)).unwrap() + 1;
        let run = project.run(&["explain", &format!("generated/dev/docker-compose.yml:{line}")]);
        assert!(run.stdout.contains("services.web.ports[0]"), "{part}: {run:?}");
        assert!(reached.contains(part), "{reached}");
    }
}

#[test]
fn every_port_in_one_range() {
    let found = web("ports = [\"1-65535:1-65535\"]");
    assert_eq!(found["ports"].as_sequence().unwrap().len(), 65_535);
}

/// Of the last line of a service, the only error: its title, and what stands at its place.
#[test]
fn mistakes_are_shown_where_they_are() {
    for (line, title, place) in [
        ("blkio_config = 3", "expected a table, found an integer", "3"),
        ("devices = 3", "expected a list, found an integer", "3"),
        ("oom_score_adj = 1.5", "expected an integer, found a float", "1.5"),
        ("oom_score_adj = true", "expected an integer, found a boolean", "true"),
        ("environment = [\"A=$B\"]", "invalid reference `$B`", "$B"),
        ("extra_hosts = [\"db=$B\"]", "invalid reference `$B`", "$B"),
        ("labels = [\"a=1\", \"b=${B\"]", "unclosed reference", "${B"),
    ] {
        let spec = format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\n{line}\n");
        let run = Project::new(spec).run(&["check"]);
        let mut lines = run.stderr.lines().skip_while(|found| !found.starts_with("error["));
        assert!(lines.next().unwrap().ends_with(&format!(": {title}")), "{line}: {run:?}");
        let (_, marks) = lines.find_map(|found| found.split_once('^')).unwrap_or_else(|| panic!("{line}: {run:?}"));
        let at = line.find(place).unwrap() + 1;
        assert!(run.stderr.contains(&format!("stack.toml:6:{at}\n")), "{line}: {run:?}");
        assert_eq!(marks.chars().take_while(|mark| *mark == '^').count() + 1, place.len(), "{line}: {run:?}");
    }
}

#[test]
fn help_leads_somewhere() {
    let spec = "[services.mm]\nkind = \"mimir\"\n[services.nn]\nkind = \"mimir\"\n[services.alloy]\nkind = \"alloy\"\n";
    let found = errors(&format!("{HEAD}{spec}"));
    let help = found.iter().find(|(code, ..)| code == "ambiguous-service").map(|(.., help)| help.as_str());
    assert_eq!(help, Some("choose one: `settings.metrics_store = \"mm\"`"), "{found:?}");

    // Loki checks itself, and Mimir's image has nothing that could.
    for (kind, expected) in [("loki", "add a healthcheck there"), ("mimir", "wait for `service_started`: its image")] {
        let (code, _, help) = error(&format!(
            "depends_on.store = \"service_healthy\"\n[services.store]\nkind = \"{kind}\"\nimage = \"store:1\"\n\
             healthcheck.disable = true\n{}",
            if kind == "loki" { "settings.retention = \"72h\"" } else { "" }
        ));
        assert_eq!(code, "never-healthy");
        assert!(help.starts_with(expected), "{kind}: {help}");
    }

    let (code, _, help) = error("environment.A = \"${web.http}\"");
    assert_eq!((code.as_str(), help.as_str()), ("unknown-port", "declare it in the `ports` of `web`"));
    let (.., help) = error("gpus = \"none\"");
    assert_eq!(help, "expected `all`");

    let many = (0..2_000).fold(String::new(), |text, n| text + &format!("wrong{n} = 1\n"));
    let run = Project::new(format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\n{many}")).run(&["check"]);
    assert!(run.stderr.contains("at least 1000 problems in the spec"), "{}", run.stderr);
}

const PATHS: &str = r#"[stack]
name = "shop"
[profiles.dev]
[env.DATA]
description = "Folder of the data"
[services.api]
image = "shop/api:1"
build = { context = "./api", dockerfile = "Dockerfile.dev", additional_contexts = ["docs=./docs", "base=docker-image://alpine:3"] }
env_file = ["api.env", { path = "./more.env", required = false }]
label_file = "labels"
volumes = [
    "./nginx.conf:/etc/nginx.conf:ro",
    "${DATA}/x:/x",
    "/srv:/srv",
    "~/.config:/config",
    "cache:/cache",
    { type = "bind", source = "generated/dev/certs", target = "/certs" },
]
secrets = ["key"]
configs = ["settings"]
develop.watch = [{ action = "sync", path = "./api/src", target = "/src" }]
[services.docs]
image = "shop/docs:1"
build.dockerfile = "docs.Dockerfile"
[services.worker]
image = "shop/worker:1"
build = "."
env_file = "api.env"
extends = { file = "other/compose.yml", service = "base" }
[secrets.key]
file = "./secrets/key"
[configs.settings]
file = "settings.json"
[volumes.cache]
driver_opts = { type = "none", o = "bind", device = "./cache" }
"#;

/// In the spec a path is relative to the root of the project, two folders above the Compose file.
#[test]
fn a_relative_path_is_relative_to_the_root() {
    let project = Project::new(PATHS);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let file = yaml(&project.read("generated/dev/docker-compose.yml"));
    let api = &file["services"]["api"];
    let sources: Vec<_> = api["volumes"].as_sequence().unwrap().iter().map(|mount| mount["source"].as_str()).collect();
    assert_eq!(
        sources,
        ["../../nginx.conf", "${DATA:-}/x", "/srv", "~/.config", "cache", "./certs"].map(Some),
        "{api:?}"
    );
    for (at, expected) in [
        (&api["build"]["context"], "../../api"),
        // Relative to the context.
        (&api["build"]["dockerfile"], "Dockerfile.dev"),
        (&api["build"]["additional_contexts"][0], "docs=../../docs"),
        (&api["build"]["additional_contexts"][1], "base=docker-image://alpine:3"),
        (&api["env_file"][0], "../../api.env"),
        (&api["env_file"][1]["path"], "../../more.env"),
        (&api["label_file"], "../../labels"),
        (&api["develop"]["watch"][0]["path"], "../../api/src"),
        (&file["services"]["docs"]["build"]["context"], "../.."),
        (&file["services"]["worker"]["build"], "../.."),
        (&file["services"]["worker"]["env_file"], "../../api.env"),
        (&file["services"]["worker"]["extends"]["file"], "../../other/compose.yml"),
        (&file["secrets"]["key"]["file"], "../../secrets/key"),
        (&file["configs"]["settings"]["file"], "../../settings.json"),
        (&file["volumes"]["cache"]["driver_opts"]["device"], "../../cache"),
    ] {
        assert_eq!(at.as_str(), Some(expected), "{file:?}");
    }
}

#[test]
fn two_copies_of_a_stack_share_no_names() {
    let spec = |stack: &str| {
        let spec = format!(
            "[stack]\nname = \"shop\"\nnetwork = \"shop\"\n{stack}\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\n\
             [services.db]\nimage = \"db:1\"\ncontainer_name = \"the-db\"\n"
        );
        let project = Project::new(spec);
        assert_eq!(project.run(&["render"]).code, Some(0));
        yaml(&project.read("generated/dev/docker-compose.yml"))
    };
    let found = spec("");
    assert_eq!(found["services"]["web"].get("container_name"), None);
    assert_eq!(found["services"]["db"]["container_name"], "the-db");
    // Compose puts the project's name before it.
    assert_eq!(found["networks"], yaml("{shop: {}}"));
    assert_eq!(spec("container_names = true")["services"]["web"]["container_name"], "web");
}

#[test]
fn a_variable_in_a_relative_path_is_below_the_root() {
    let found = web(
        "volumes = [\"./${X}:/a\", \"./data/${X}:/b\", \"./generated/dev/${X}:/c\"]\nenv_file = \"./${X}\"\n\
                     build = { context = \"./${X}\", additional_contexts = [\"a=./${X}\"] }\n[env.X]\ndescription = \"x\"\n\
                     default = \"y\"",
    );
    let sources: Vec<&str> =
        found["volumes"].as_sequence().unwrap().iter().map(|mount| mount["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["../../${X:-y}", "../../data/${X:-y}", "./${X:-y}"]);
    assert!(serde_yaml::to_string(&found["env_file"]).unwrap().contains("../../${X:-y}"), "{found:?}");
    assert_eq!(found["build"]["context"], "../../${X:-y}");
    assert!(serde_yaml::to_string(&found["build"]).unwrap().contains("a=../../${X:-y}"), "{found:?}");
}

/// A service that extends another one of the spec is that one with its own keys, for all that `gen` checks.
#[test]
fn a_service_has_what_the_one_has_that_it_extends() {
    let spec = |lines: &str| {
        format!(
            "{HEAD}[services.base]\nimage = \"nginx:1.29\"\nhealthcheck.http = \"/\"\nports.http = {{ target = 80 }}\n\
             environment = [\"A=1\"]\nrestart = \"no\"\nprofiles = [\"never\"]\n{lines}\n"
        )
    };
    // In any order, through several services, and in both forms.
    let found = services(&spec(
        "[services.last]\nimage = \"nginx:1.30\"\nextends.service = \"web\"\nports.http = 81\n[services.web]\n\
         extends = \"base\"\nenvironment.B = \"2\"\n[services.waits]\nimage = \"a:1\"\nprofiles = [\"never\"]\n\
         depends_on.web = \"service_healthy\"",
    ));
    assert_eq!(found["web"]["image"], "nginx:1.29");
    assert_eq!(found["last"]["image"], "nginx:1.30");
    assert_eq!(found["last"]["environment"], yaml("{A: '1', B: '2'}"));
    assert_eq!(found["last"]["hostname"], "last");
    assert_eq!(found["web"].get("extends"), None);
    // A list says that its services are to be started, as in Compose.
    let found = services(&spec(
        "depends_on.db = \"service_healthy\"\n[services.web]\nextends = \"base\"\ndepends_on = [\"db\"]\n[services.db]\n\
         image = \"db:1\"\nhealthcheck.test = \"x\"",
    ));
    assert_eq!(found["web"]["depends_on"]["db"]["condition"], "service_started");
    let found = services(&spec(
        "depends_on.db = { condition = \"service_completed_successfully\", restart = true, required = false }\n\
         [services.web]\nextends = \"base\"\ndepends_on = [\"db\"]\n[services.db]\nimage = \"db:1\"",
    ));
    assert_eq!(found["web"]["depends_on"], yaml("{db: {condition: service_started, restart: true}}"));
    // A probe replaces another one, and a base that can't be healthy leaves its heir so.
    let found = services(&spec("[services.web]\nextends = \"base\"\nhealthcheck.test = [\"CMD\", \"true\"]"));
    assert_eq!(found["web"]["healthcheck"]["test"], yaml("[CMD, 'true']"));
    let waits = "[services.waits]\nimage = \"a:1\"\ndepends_on.web = \"service_healthy\"\nprofiles = [\"never\"]";
    for (own, code) in [("", None), ("healthcheck.disable = true", Some("never-healthy"))] {
        let found = errors(&spec(&format!("[services.web]\nextends = \"base\"\n{own}\n{waits}")));
        assert_eq!(found.first().map(|(code, ..)| code.as_str()), code, "{own}: {found:?}");
    }
    // A mistake of the base is reported there, once.
    let found = errors(&spec("stop_signal = 3\n[services.web]\nextends = \"base\""));
    let [(code, line, _)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((code.as_str(), line.as_str()), ("wrong-type", "stop_signal = 3"));
}

/// A version looks like a number: no digit of it may be lost.
#[test]
fn a_float_keeps_its_digits_where_a_text_is_meant() {
    let found = web("environment = { A = 1.50, B = 1_0.5 }\nlabels.version = 3.10\ncpus = 0.50\nx-own = 1.50\n\
         build = { context = \".\", args = { V = 3.10, W = 2.0, X = 0.5 }, labels.v = 1.0 }");
    assert_eq!(found["environment"], yaml("{A: '1.50', B: '10.5'}"));
    assert_eq!(found["labels"], yaml("{version: '3.10'}"));
    assert_eq!(found["build"]["args"], yaml("{V: '3.10', W: '2.0', X: 0.5}"));
    assert_eq!(found["build"]["labels"], yaml("{v: '1.0'}"));
    assert_eq!((&found["cpus"], &found["x-own"]), (&yaml("'0.50'"), &yaml("1.5")));
}

/// The advice of a diagnostic must not lead to the next one.
#[test]
fn advice_leads_nowhere_else() {
    for (lines, at, help) in [
        ("environment = 3", "expected a list or a table", ""),
        ("extra_hosts = 3", "expected a list or a table", ""),
        ("ports = 80", "expected a list or a table", ""),
        ("networks = \"front\"", "expected a list or a table", ""),
        ("depends_on = \"db\"", "expected a list or a table", ""),
        ("stop_grace_period = 5", "expected a string", "`\"5s\"`"),
        (
            "ports.http.target = 1\n[datasources.p]\ntitle = \"P\"\ntype = \"prometheus\"\n\
             [services.g]\nkind = \"grafana\"\nimage = \"grafana/grafana:12.2.1\"",
            "datasource `p` needs a service",
            "`service = ",
        ),
        ("restart = false", "expected a string", "write `\"no\"`"),
        ("settings.a = 1", "setting `a` cannot be used without a `kind`", "remove it"),
        ("kind = \"redis\"", "unknown kind `redis`", "`gen new kind redis`"),
        ("ports.http = \"\"", "empty port", "write a number"),
        (
            "volumes = [\"a.conf:/x\"]\n[files.\"a.conf\"]\ntemplate = \"spec/a.j2\"",
            "volume `a.conf`",
            "`{ file = \"a.conf\", target = \"/x\" }`",
        ),
        ("ports.sql.target = 1\nlabels.a = \"${web}\"", "variable `web` is not declared", "`web`, write `${web.sql}`"),
        ("labels.a = \"${__span.traceId}\"", "unknown service `__span`", "`$${__span.traceId}`"),
        ("instances = 2\nports.http = 9000", "duplicate host port 9000", "`\"${self.number+8999}\"`"),
        ("[lints]\nmissing-image = \"allow\"", "unknown lint `missing-image`", "the code of an error"),
        ("healthcheck = { test = \"x\", interval = 5 }", "expected a string", "with its unit"),
        ("pull_policy = true", "expected a string", ""),
        ("volumes = [\"sub/data:/x\"]", "volume `sub/data` is not declared", "start a path with"),
        ("networks.default.ipv4_address = \"0.0.0\"", "invalid IP address", "of the network's subnet"),
    ] {
        let spec = format!("{HEAD}[services.web]\nimage = \"nginx:1.29\"\n{lines}\n");
        let project = Project::new(&spec);
        project.write("spec/a.j2", "");
        let run = project.run(&["check", "--format", "json"]);
        let report: Json = serde_json::from_str(&run.stdout).unwrap();
        let found = &report["diagnostics"][0];
        assert!(found["title"].as_str().unwrap().starts_with(at), "{lines}: {found}");
        let said = found["help"].as_str().unwrap_or_default();
        assert!(said.contains(help) && !said.contains("in quotes"), "{lines}: {found}");
    }
}

#[test]
fn what_runs_elsewhere_needs_no_image() {
    for key in ["provider.type = \"cloud\"", "extends = { file = \"other.yml\", service = \"base\" }"] {
        let found = services(&format!("{HEAD}[services.web]\n{key}\n"));
        assert_eq!(found["web"].get("image"), None, "{key}");
    }
    // A profile turns off what the base has.
    let base = "[services.web]\nimage = \"a:1\"\nhealthcheck.test = \"x\"\n";
    let found = services(&format!("{HEAD}{base}[profiles.dev.services.web.healthcheck]\ndisable = true\n"));
    assert_eq!(found["web"]["healthcheck"], yaml("{disable: true}"));
}

#[test]
fn a_service_cannot_extend_itself_or_what_is_not_there() {
    let web = |name: &str| format!("extends = \"{name}\"");
    for (extends, code) in [
        (vec![("aa", "aa")], "dependency-cycle"),
        (vec![("aa", "bb"), ("bb", "cc"), ("cc", "aa")], "dependency-cycle"),
        (vec![("aa", "bb"), ("bb", "bb")], "dependency-cycle"),
        (vec![("aa", "zz")], "unknown-service"),
        (vec![("aa", "bb"), ("bb", "zz")], "unknown-service"),
    ] {
        let services: Vec<String> =
            extends.iter().map(|(own, base)| format!("[services.{own}]\n{}\n", web(base))).collect();
        let found = errors(&format!("{HEAD}{}", services.concat()));
        assert!(found.iter().all(|(found, line, _)| found == code && line.starts_with("extends")), "{found:?}");
        assert!(!found.is_empty(), "{extends:?}");
    }
    // A few lines must not become gigabytes.
    let heirs: Vec<String> = (0..40).map(|n| format!("[services.heir{n}]\nextends = \"base\"\n")).collect();
    let large = "x".repeat(1 << 20);
    let spec = format!("{HEAD}[services.base]\nimage = \"a:1\"\nlabels.a = \"{large}\"\n{}", heirs.concat());
    assert_eq!(errors(&spec)[0].0, "spec-too-large");
    // An argument from outside has no form in a table, so both are a list.
    let found = services(&format!(
        "{HEAD}[services.base]\nbuild = {{ context = \".\", args = [\"TOKEN\"] }}\n\
         [services.web]\nextends = \"base\"\nbuild.args.A = \"1\"\n"
    ));
    assert_eq!(found["web"]["build"]["args"], yaml("[TOKEN, A=1]"));
}

#[test]
fn an_image_with_a_tree_of_the_repository_is_built_by_whichever_service_starts_first() {
    let spec = format!(
        r#"{HEAD}[images.api]
ref = "shop/api:dev"
build = {{ context = "./api", dockerfile = "Dockerfile.dev", target = "web", args = {{ MODE = "${{MODE}}" }}, secrets = ["npm"], ssh = ["default"] }}
[images.base]
ref = "shop/base:dev"
build = "https://example.com/base.git#main"
[services.api]
image = "api"
[services.worker]
image = "api"
command = ["celery"]
[services.base]
image = "base"
[schema.migrate]
description = "Tables"
image = "api"
command = ["migrate"]
[secrets.npm]
file = "./npm.token"
[env.MODE]
description = "What is built"
default = "fast"
"#
    );
    let services = services(&spec);
    let build = yaml(
        "{ context: ../../api, dockerfile: Dockerfile.dev, target: web, args: { MODE: '${MODE:-fast}' }, \
         secrets: [npm], ssh: [default] }",
    );
    for name in ["api", "worker", "schema-migrate"] {
        assert_eq!(services[name]["build"], build, "{name}");
        assert_eq!(services[name]["image"], "shop/api:dev", "{name}");
        // Compose builds what is missing, and pulls nothing.
        assert!(services[name]["pull_policy"].is_null(), "{name}");
    }
    assert_eq!(services["base"]["build"], yaml("{ context: 'https://example.com/base.git#main' }"));
    let project = Project::new(&spec);
    let images = project.listed("images");
    let api = images.iter().find(|image| image["reference"] == "shop/api:dev").unwrap();
    assert_eq!(api["built"], true);
    let variables = project.listed("env");
    assert_eq!(variables[0]["services"], json!(["api", "worker", "schema-migrate"]));
}

#[test]
fn a_tmpfs_does_not_hide_the_volume_of_a_kind() {
    let found = errors(&format!(
        "{HEAD}[services.db]\nkind = \"postgres\"\nimage = \"postgres:18\"\nsettings.password = \"${{PASSWORD}}\"\n\
         tmpfs = [\"/run\", \"/var/lib/postgresql/data:size=1g\"]\n[env.PASSWORD]\ndescription = \"Its own\"\nsecret = true\n"
    ));
    assert_eq!(found.iter().map(|(code, ..)| code.as_str()).collect::<Vec<_>>(), ["mount-clash"]);
}
