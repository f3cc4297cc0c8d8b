//! What a spec says once: `extends`, `abstract` and `instances`.

use serde_json::Value as Json;
use serde_yaml::Value;

use super::project::Project;

const HEAD: &str = "[stack]\nname = \"shop\"\n[profiles.dev]\n";

/// A rendered project.
fn rendered(spec: &str) -> Project {
    let project = Project::new(format!("{HEAD}{spec}"));
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
    project
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn compose(project: &Project, profile: &str) -> Value {
    yaml(&project.read(&format!("generated/{profile}/docker-compose.yml")))
}

fn names(section: &Value) -> Vec<&str> {
    section.as_mapping().into_iter().flatten().filter_map(|(name, _)| name.as_str()).collect()
}

/// The codes of the errors of a spec, with the text that each is about.
fn errors(spec: &str) -> Vec<(String, String)> {
    let spec = format!("{HEAD}{spec}");
    let run = Project::new(&spec).run(&["check", "--format", "json"]);
    let report: Json = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let place = |found: &Json| {
        let at = |key: &str| usize::try_from(found["labels"][0][key].as_u64().unwrap()).unwrap() - 1;
        spec.lines().nth(at("line")).unwrap()[at("column")..].to_owned()
    };
    let found = report["diagnostics"].as_array().into_iter().flatten();
    let found = found.filter(|found| found["level"] == "error");
    found.map(|found| (found["code"].as_str().unwrap().to_owned(), place(found))).collect()
}

const BROKERS: &str = r#"
[services.kafka]
instances = 3
image = "apache/kafka:4.1.1"
hostname = "${self}"
user = "100${self.number}"
ports.plaintext.target = 9092
ports.external = { published = "${self.number+19090}", target = 9094 }
environment = { ID = "${self.number}", SEEN_AS = "${self.plaintext}", PORT = "${self.plaintext.port}", RAW = "$${self}" }
volumes = ["data-${self.number}:/data"]
[services.kafka-2]
environment.ID = "two"
environment.MORE = "x"
[services.registry]
image = "registry:1"
depends_on = ["kafka"]
[services.viewer]
image = "viewer:1"
depends_on.kafka = { condition = "service_started", restart = true }
depends_on.kafka-2 = { condition = "service_started", required = false }
[volumes.data]
instances = 3
labels.of = "kafka-${self.number}"
"#;

#[test]
fn several_instances_are_made_of_one_description() {
    let project = rendered(BROKERS);
    let found = compose(&project, "dev");
    let services = &found["services"];
    assert_eq!(names(services), ["kafka-1", "kafka-2", "kafka-3", "registry", "viewer"]);
    let third = &services["kafka-3"];
    assert_eq!(third["environment"], yaml("{ID: '3', SEEN_AS: 'kafka-3:9092', PORT: '9092', RAW: '$${self}'}"));
    assert_eq!((&third["user"], &third["hostname"]), (&yaml("'1003'"), &yaml("kafka-3")));
    assert_eq!(third["ports"][0]["published"], "19093");
    assert_eq!(third["ports"][0]["target"], 9094);
    // Its own table wins.
    assert_eq!(services["kafka-2"]["environment"]["ID"], "two");
    assert_eq!(services["kafka-2"]["environment"]["MORE"], "x");
    // Who waits for the group waits for each, as it says for one of them.
    assert_eq!(names(&services["registry"]["depends_on"]), ["kafka-1", "kafka-2", "kafka-3"]);
    assert_eq!(services["viewer"]["depends_on"]["kafka-3"]["restart"], true);
    assert_eq!(services["viewer"]["depends_on"]["kafka-2"]["required"], false);
    assert_eq!(names(&found["volumes"]), ["data-1", "data-2", "data-3"]);
    assert_eq!(found["volumes"]["data-2"]["labels"]["of"], "kafka-2");
}

#[test]
fn a_profile_changes_the_description_first_and_then_an_instance() {
    let project = rendered(&format!(
        "{BROKERS}[profiles.small.services.kafka]\ninstances = 2\nenvironment.ID = \"all\"\nenvironment.MORE = \"all\"\n\
         [profiles.small.services.kafka-2]\nenvironment.ONLY = \"small\"\n[profiles.small.volumes.data]\ninstances = 2\n"
    ));
    let found = compose(&project, "small")["services"].clone();
    assert_eq!(names(&found), ["kafka-1", "kafka-2", "registry", "viewer"]);
    assert_eq!(found["kafka-1"]["environment"]["ID"], "all");
    let second = &found["kafka-2"]["environment"];
    assert_eq!((&second["ID"], &second["MORE"], &second["ONLY"]), (&yaml("two"), &yaml("x"), &yaml("small")));
    assert_eq!(names(&compose(&project, "dev")["services"])[..3], ["kafka-1", "kafka-2", "kafka-3"]);
}

#[test]
fn a_table_has_the_keys_of_all_that_it_extends_and_an_abstract_one_is_not_there() {
    let project = rendered(
        r#"
[services.logged]
abstract = true
logging = { driver = "json-file", options.max-size = "10m" }
environment = ["LEVEL=info", "BY=logged"]
cap_drop = ["ALL"]
[services.patient]
abstract = true
extends = "logged"
stop_grace_period = "1m"
environment.BY = "patient"
[services.aws]
abstract = true
environment.BY = "aws"
hostname = "${self}-own"
cap_drop = ["NET_RAW"]
[services.web]
image = "nginx:1.29"
extends = ["patient", "aws"]
logging.options.max-size = "20m"
[services.own]
image = "nginx:1.29"
extends = "aws"
environment.BY = "own"
[secrets.base]
abstract = true
environment = "TOKEN"
[secrets.token]
extends = "base"
[env.TOKEN]
extends = "SECRET"
description = "A token"
[env.SECRET]
abstract = true
secret = true
"#,
    );
    let found = compose(&project, "dev");
    assert_eq!(names(&found["services"]), ["web", "own"]);
    let web = &found["services"]["web"];
    assert_eq!(web["environment"], yaml("{LEVEL: info, BY: aws}"));
    assert_eq!(web["cap_drop"], yaml("[ALL, NET_RAW]"));
    assert_eq!(web["logging"]["options"]["max-size"], "20m");
    assert_eq!((&web["hostname"], &web["stop_grace_period"]), (&yaml("web-own"), &yaml("1m")));
    assert_eq!(found["services"]["own"]["environment"]["BY"], "own");
    let example = project.read("generated/dev/.env.example");
    assert!(example.contains("A token") && !example.contains("SECRET"), "{example}");
}

#[test]
fn dashboards_and_their_panels_extend_one_another() {
    let project = Project::new(format!(
        "{HEAD}[images]\ng = \"grafana/grafana:13.2.1\"\n[services.grafana]\nkind = \"grafana\"\nimage = \"g\"\n\
         settings.admin_password = \"${{PASSWORD}}\"\nsettings.folders.main = \"Main\"\n[env.PASSWORD]\ndescription = \"Its own\"\nsecret = true\n\
         [datasources.base]\nabstract = true\ntype = \"prometheus\"\nurl = \"http://example.com\"\n\
         [datasources.one]\nextends = \"base\"\ntitle = \"One\"\ndefault = true\n\
         [datasources.two]\nextends = \"base\"\ntitle = \"Two\"\n"
    ));
    project.write(
        "spec/dashboards/base.toml",
        "abstract = true\nfolder = \"main\"\ntags = [\"all\"]\n[panels.Rate]\nabstract = true\ntype = \"timeseries\"\n\
         unit = \"reqps\"\ndescription = \"Requests\"\n",
    );
    project.write(
        "spec/dashboards/web.toml",
        "extends = \"base\"\ntitle = \"Web\"\n[rows.One.panels.\"A rate\"]\nextends = \"Rate\"\nqueries = ['rate(a_total[5m])']\n\
         [rows.Two.panels.\"B rate\"]\nextends = \"A rate\"\nqueries = ['rate(b_total[5m])']\nunit = \"short\"\n",
    );
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let outputs = project.outputs();
    let found: Vec<_> =
        outputs.iter().filter(|(path, _)| path.starts_with("generated/") && path.contains(".json")).collect();
    let [(_, dashboard)] = found.as_slice() else { panic!("{found:?}") };
    let dashboard: Json = serde_json::from_slice(dashboard).unwrap();
    assert_eq!((&dashboard["title"], &dashboard["tags"]), (&"Web".into(), &serde_json::json!(["all"])));
    let panel = |title: &str| {
        let panels = dashboard["panels"].as_array().unwrap();
        panels.iter().find(|panel| panel["title"] == title).unwrap_or_else(|| panic!("{title}: {dashboard}")).clone()
    };
    let [one, two] = ["A rate", "B rate"].map(panel);
    assert_eq!((&one["type"], &two["type"]), (&"timeseries".into(), &"timeseries".into()));
    assert_eq!(one["fieldConfig"]["defaults"]["unit"], "reqps");
    assert_eq!(two["fieldConfig"]["defaults"]["unit"], "short");
    assert_eq!(two["targets"][0]["expr"], "rate(b_total[5m])");
    assert!(!dashboard.to_string().contains("\"Rate\""));
}

#[test]
fn a_line_of_an_heir_is_explained_by_both_places() {
    let project = rendered(
        "[services.base]\nabstract = true\nstop_signal = \"SIGINT\"\n[services.web]\nimage = \"a:1\"\nextends = \"base\"\n",
    );
    let file = "generated/dev/docker-compose.yml";
    let line = project.read(file).lines().position(|line| line.contains("SIGINT")).unwrap() + 1;
    let run = project.run(&["explain", &format!("{file}:{line}")]);
    for place in ["services.base.stop_signal", "services.web.extends"] {
        assert!(run.stdout.contains(place), "{run:?}");
    }
    let run = project.run(&["impact", "services.base.stop_signal"]);
    assert!(run.stdout.contains("SIGINT"), "{run:?}");
}

#[test]
fn what_cannot_be_joined_is_reported_once() {
    let web = "[services.web]\nimage = \"a:1\"\n";
    for (spec, code, at) in [
        (format!("{web}extends = [\"base\"]"), "unknown-service", "\"base\"]"),
        (format!("{web}extends = [1]"), "wrong-type", "1]"),
        (format!("{web}extends = 1"), "wrong-type", "1"),
        (format!("{web}abstract = \"yes\""), "wrong-type", "\"yes\""),
        (format!("{web}instances = 0"), "number-out-of-range", "0"),
        (format!("{web}instances = 1001"), "number-out-of-range", "1001"),
        (format!("{web}instances = \"3\""), "wrong-type", "\"3\""),
        (format!("{web}abstrakt = true"), "unknown-key", "abstrakt = true"),
        (format!("{web}[volumes.a]\nextends = \"b\"\n[volumes.b]\nextends = \"a\""), "dependency-cycle", "\"a\""),
        (format!("{web}[volumes.a]\nextends = \"c\""), "unknown-base", "\"c\""),
        (format!("{web}[networks.a]\nextends = {{ service = \"b\" }}"), "wrong-type", "{ service = \"b\" }"),
        (format!("{web}instances = 2\n[services.web-1]\ninstances = 2"), "contradiction", "instances = 2"),
        // Its name is known, whatever is wrong with it.
        (format!("{web}depends_on = [\"db\"]\n[services.db]\nextends = \"dc\""), "unknown-service", "\"dc\""),
        (format!("{web}environment.A = \"${{self.number}}\""), "invalid-reference", "\"${self.number}\""),
        (
            format!("{web}instances = 2\nenvironment.A = \"${{self.number+}}\""),
            "invalid-reference",
            "\"${self.number+}\"",
        ),
        (
            format!("{web}instances = 2\nenvironment.A = \"${{self.number*2}}\""),
            "invalid-reference",
            "\"${self.number*2}\"",
        ),
        (
            format!("{web}abstract = true\n[services.db]\nimage = \"a:1\"\ndepends_on = [\"web\"]"),
            "unknown-service",
            "\"web\"]",
        ),
        (
            format!("{web}instances = 2\n[services.db]\nimage = \"a:1\"\nlinks = [\"web\"]"),
            "unknown-service",
            "\"web\"]",
        ),
        (format!("{web}environment.A = \"${{self.http}}\""), "unknown-port", "\"${self.http}\""),
    ] {
        assert_eq!(errors(&spec), [(code.to_owned(), at.to_owned())], "{spec}");
    }
}

#[test]
fn extending_costs_no_more_than_what_is_written() {
    // A long chain, and many instances of much.
    let volumes = |count: usize, bases: fn(usize) -> String| {
        let heirs: Vec<String> = (1..count).map(|n| format!("[volumes.v{n}]\nextends = {}\n", bases(n - 1))).collect();
        format!("[volumes.v0]\nlabels.a = \"x\"\n{}", heirs.concat())
    };
    let chain = volumes(5_000, |base| format!("\"v{base}\""));
    let web = "[services.web]\nimage = \"a:1\"\nvolumes = [\"v4999:/x\"]\n[lints]\nunused-volume = \"allow\"\n";
    let found = compose(&rendered(&format!("{web}{chain}")), "dev");
    assert_eq!(found["volumes"]["v4999"]["labels"]["a"], "x");
    let large = format!("[services.web]\ninstances = 1000\nimage = \"a:1\"\nlabels.a = \"{}\"\n", "x".repeat(1 << 17));
    assert_eq!(errors(&large)[0].0, "spec-too-large");
    // What a few lines multiply.
    let groups: Vec<String> = (0..8)
        .map(|n| {
            let waits: Vec<String> = (0..n).map(|base| format!("\"g{base}\"")).collect();
            format!("[services.g{n}]\nimage = \"a:1\"\ninstances = 1000\ndepends_on = [{}]\n", waits.join(", "))
        })
        .collect();
    assert_eq!(errors(&groups.concat())[0].0, "spec-too-large");
    let name = "n".repeat(10_000);
    let large = format!("[services.{name}]\nimage = \"a:1\"\ncommand = [\"{}\"]\n", "${self}".repeat(10_000));
    assert!(errors(&large).iter().any(|(code, _)| code == "spec-too-large"));
    let unclosed = format!("[services.web]\nimage = \"a:1\"\ncommand = [\"{}\"]\n", "${self:-".repeat(200_000));
    assert!(!errors(&unclosed).is_empty());
    let bases: Vec<String> =
        (0..5_000).map(|n| format!("[services.b{n}]\nabstract = true\ncap_add = [\"A{n}\"]\n")).collect();
    let names: Vec<String> = (0..5_000).map(|n| format!("\"b{n}\"")).collect();
    let many = format!("{}[services.web]\nimage = \"a:1\"\nextends = [{}]\n", bases.concat(), names.join(", "));
    assert_eq!(errors(&many)[0].0, "spec-too-large");
    let both = volumes(60, |base| format!("[\"v{base}\", \"v{base}\"]"));
    compose(&rendered(&format!("{}{both}", web.replace("4999", "59"))), "dev");
}

/// An integer in a profile is a port of the host, whatever says the one in the container.
#[test]
fn a_profile_moves_a_port_of_the_host_only() {
    let spec = |web: &str, profile: &str| {
        let project = rendered(&format!("{web}[profiles.other.services]\n{profile}\n"));
        let services = compose(&project, "other")["services"].clone();
        let one = |name: &str| {
            let port = &services[name]["ports"][0];
            (port["published"].as_str().map(str::to_owned), port["target"].as_u64())
        };
        ["web", "web-1", "web-2", "heir"].map(one)
    };
    let port = |published: &str, target: u64| (Some(published.to_owned()), Some(target));
    let none = (None, None);
    let base = "[services.base]\nabstract = true\nrestart = \"no\"\n";
    let web = "[services.web]\nimage = \"a:1\"\n";
    for (own, to) in [
        ("ports.http = { published = 8080, target = 3000 }", 3000),
        ("ports.http = 8080", 8080),
        ("ports.http.target = 3000", 3000),
    ] {
        let found = spec(&format!("{base}{web}extends = \"base\"\n{own}\n"), "web.ports.http = 9000");
        assert_eq!(found[0], port("9000", to), "{own}");
    }
    // What is extended says it first.
    let heir = "[services.heir]\nimage = \"a:1\"\nextends = \"web\"\nports.http = 8081\n";
    let found =
        spec(&format!("{web}ports.http = {{ published = 8080, target = 80 }}\n{heir}"), "heir.ports.http = 9001");
    assert_eq!((&found[0], &found[3]), (&port("8080", 80), &port("9001", 80)));
    let found = spec(&format!("{web}ports.http = 8080\n{heir}"), "heir.ports.http = 9001\nweb.ports.http = 9000");
    assert_eq!((&found[0], &found[3]), (&port("9000", 8080), &port("9001", 8080)));
    // So does the description of instances.
    let web = format!("{web}instances = 2\nports.http.target = 80\n[services.web-2]\nports.http = 8082\n");
    let found = spec(&web, "web-1.ports.http = 9001\nweb-2.ports.http = 9002");
    assert_eq!(found, [none.clone(), port("9001", 80), port("9002", 80), none]);
}

#[test]
fn what_two_have_from_a_third_is_there_once() {
    let project = rendered(
        "[services.base]\nabstract = true\nimage = \"a:1\"\nsecurity_opt = [\"label=a\"]\nexternal_links = [\"db\"]\n\
         [services.one]\nabstract = true\nextends = \"base\"\n[services.two]\nabstract = true\nextends = \"base\"\n\
         security_opt = [\"label=b\"]\n[services.web]\nextends = [\"one\", \"two\"]\n",
    );
    let web = &compose(&project, "dev")["services"]["web"];
    assert_eq!(web["external_links"], yaml("[db]"));
    let options: Vec<&str> = web["security_opt"].as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        options.iter().filter(|option| option.starts_with("label=")).collect::<Vec<_>>(),
        [&"label=a", &"label=b"]
    );
}
