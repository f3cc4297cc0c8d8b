//! `gen graph`.

use std::collections::BTreeSet;

use roxmltree::Document;
use stackgen::graph::{Graph, Kind, Talk};
use stackgen::spec::service::Condition;

use super::project::{Project, REFERENCE};

fn graph_of(project: &Project) -> Graph {
    let root = camino::Utf8PathBuf::try_from(project.root().to_owned()).unwrap();
    let sources = stackgen::spec::read(&root, &stackgen::spec::Location::default())
        .unwrap_or_else(|_| panic!("the spec can't be read"));
    Graph::of(stackgen::plan(&sources, Some("dev")).unwrap()[0].stack())
}

fn edges(graph: &Graph, kind: Kind) -> Vec<(&str, &str)> {
    let name = |node: usize| graph.nodes[node].name.as_str();
    graph.edges.iter().filter(|edge| edge.kind == kind).map(|edge| (name(edge.from), name(edge.to))).collect()
}

fn drawn(project: &Project, arguments: &[&str]) -> String {
    let run = project.run(&[&["graph"], arguments].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run.stdout
}

#[test]
fn a_service_waits_once_for_what_several_others_stand_for() {
    let spec = include_str!("../specs/too-few-connections/stack.toml").replace("postgresql.pool = 20\n", "");
    let two = r#"
[services.frontend]
kind = "temporal-server"
cluster = "main"
role = "frontend"

[services.worker]
kind = "temporal-server"
cluster = "main"
role = "worker"

[services.spare]
kind = "temporal-server"
cluster = "main"

[services.history]
kind = "temporal-server"
cluster = "main"
role = "history"
instances = 2

[services.ui]
kind = "temporal-ui"
image = "ui:1"
cluster = "main"

[services.web]
image = "web:1"
depends_on = { temporal = "service_healthy", frontend = "service_healthy" }
"#;
    let namespaces = "history_shards = 4\nnamespaces = { orders = {}, carts = {} }";
    let connections = "settings.max_connections = 300\nsettings.password";
    let spec = spec.replace("history_shards = 4", namespaces).replace("settings.password", connections);
    let project = Project::new(spec + two);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // The parser refuses a key that is there twice.
    let compose: serde_yaml::Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    let waits = |service: &str| {
        let waits = compose["services"][service]["depends_on"].as_mapping().unwrap().iter();
        waits.map(|(name, wait)| (name.as_str().unwrap(), wait["condition"].as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(waits("worker"), [("temporal-schema", DONE), ("temporal", HEALTHY)]);
    for after_the_first in ["spare", "history-1", "history-2"] {
        assert_eq!(waits(after_the_first), [("temporal-schema", DONE), ("temporal", HEALTHY)], "{after_the_first}");
    }
    assert_eq!(compose["services"]["ui"]["environment"]["TEMPORAL_DEFAULT_NAMESPACE"], "orders");
    assert_eq!(waits("web"), [("temporal", HEALTHY), ("frontend", HEALTHY), ("temporal-namespaces", DONE)]);
}

const DONE: &str = "service_completed_successfully";
const HEALTHY: &str = "service_healthy";

#[test]
fn every_kind_of_edge_is_in_the_reference_stack() {
    let graph = graph_of(&Project::new(REFERENCE));
    let starts = |condition| edges(&graph, Kind::StartsAfter(condition));
    assert!(starts(Condition::Started).contains(&("temporal-frontend", "temporal-matching")));
    assert!(starts(Condition::Healthy).contains(&("temporal-ui", "temporal-frontend")));
    assert_eq!(
        starts(Condition::Completed),
        [
            ("temporal-history", "elasticsearch-setup"),
            ("temporal-matching", "elasticsearch-setup"),
            ("temporal-frontend", "elasticsearch-setup"),
            ("temporal-worker", "elasticsearch-setup"),
            // Whoever waits for a frontend uses a namespace.
            ("temporal-ui", "temporal-namespaces"),
            ("copilot-temporal", "elasticsearch-setup"),
            ("copilot-ui", "copilot-namespaces"),
            ("copilot-worker", "copilot-namespaces"),
            ("copilot-api", "copilot-namespaces"),
        ]
    );
    // The target on the host is no service.
    assert_eq!(
        edges(&graph, Kind::Talks(Talk::Scrapes)),
        [
            ("alloy", "temporal-history"),
            ("alloy", "temporal-matching"),
            ("alloy", "temporal-frontend"),
            ("alloy", "temporal-worker"),
        ]
    );
    assert_eq!(edges(&graph, Kind::Talks(Talk::Pushes)), [("alloy", "mimir"), ("alloy", "loki")]);
    // CloudWatch is no service either.
    assert_eq!(
        edges(&graph, Kind::Talks(Talk::Queries)),
        [("grafana", "mimir"), ("grafana", "loki"), ("grafana", "copilot-api")]
    );
    assert_eq!(
        edges(&graph, Kind::Talks(Talk::Uses)),
        [
            ("elasticsearch-setup", "elasticsearch"),
            ("temporal-history", "elasticsearch"),
            ("temporal-matching", "elasticsearch"),
            ("temporal-frontend", "elasticsearch"),
            ("temporal-worker", "elasticsearch"),
            ("temporal-namespaces", "temporal-frontend"),
            ("temporal-ui", "temporal-frontend"),
            ("copilot-temporal", "elasticsearch"),
            ("copilot-namespaces", "copilot-temporal"),
            ("copilot-ui", "copilot-temporal"),
            ("copilot-worker", "mimir"),
            ("copilot-worker", "loki"),
            ("copilot-worker", "copilot-temporal"),
            ("copilot-api", "temporal-frontend"),
            ("copilot-api", "mimir"),
            ("copilot-api", "copilot-temporal"),
        ]
    );
}

#[test]
fn an_address_is_an_edge_wherever_it_stands_and_a_word_is_none() {
    let spec = "\
[stack]
name = \"x\"
[profiles.dev]
[services.db]
image = \"a:1\"
ports.sql = { target = 1 }
[services.web]
image = \"a:1\"
command = [\"serve\", \"--database=${db.sql}\"]
[services.api]
image = \"a:1\"
x-database = \"${db.sql.port}\"
[services.words]
image = \"a:1\"
environment.HINT = \"db:2 is not the address of db\"
[services.plain]
image = \"a:1\"
environment.DATABASE = \"sql://db:1/x\"
[services.own]
image = \"a:1\"
ports.http = 80
environment.SELF = \"${own.url}\"
";
    let graph = graph_of(&Project::new(spec));
    assert_eq!(edges(&graph, Kind::Talks(Talk::Uses)), [("web", "db"), ("api", "db"), ("plain", "db")]);
    assert_eq!(graph.edges.len(), 3);
}

#[test]
fn a_focus_keeps_neighbours_and_what_the_service_starts_after() {
    let graph = graph_of(&Project::new(REFERENCE));
    let names = |focus: &str| -> BTreeSet<String> {
        let focused = graph.focus(graph.find(focus).unwrap());
        focused.nodes.iter().map(|node| node.name.clone()).collect()
    };
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|&name| name.to_owned()).collect() };
    assert_eq!(names("mimir"), set(&["mimir", "alloy", "grafana", "copilot-worker", "copilot-api"]));
    // It queries copilot-api, whose own needs are no matter.
    assert_eq!(names("grafana"), set(&["grafana", "mimir", "loki", "copilot-api"]));
    // Down to what the last of the chain starts after.
    assert_eq!(
        names("temporal-ui"),
        set(&[
            "temporal-ui",
            "temporal-namespaces",
            "temporal-frontend",
            "temporal-matching",
            "temporal-history",
            "elasticsearch-setup",
            "elasticsearch"
        ])
    );
    let chain = graph.focus(graph.find("temporal-ui").unwrap());
    assert_eq!(
        edges(&chain, Kind::Talks(Talk::Uses)),
        [
            ("elasticsearch-setup", "elasticsearch"),
            ("temporal-namespaces", "temporal-frontend"),
            ("temporal-ui", "temporal-frontend"),
        ]
    );
    let focused = graph.focus(graph.find("mimir").unwrap());
    assert!(focused.edges.iter().all(|edge| focused.nodes[edge.to].name == "mimir"), "{focused:?}");
    assert_eq!(focused.groups.len(), 2);
}

#[test]
fn networks_are_groups_and_so_are_those_that_services_share() {
    let spec = "\
[stack]
name = \"x\"
[profiles.dev]
[networks.front]
[networks.back]
internal = true
[services.proxy]
image = \"a:1\"
networks = [\"front\"]
depends_on = [\"api\"]
[services.api]
image = \"a:1\"
networks = [\"back\", \"front\"]
[services.worker]
image = \"a:1\"
networks = [\"front\", \"back\"]
[services.db]
image = \"a:1\"
networks = [\"back\"]
[services.agent]
image = \"a:1\"
network_mode = \"host\"
";
    let project = Project::new(spec);
    let mermaid = drawn(&project, &["--networks"]);
    let groups: Vec<&str> =
        mermaid.lines().filter(|line| !line.contains("flowchart") && *line != "  end").map(str::trim).collect();
    assert_eq!(
        groups,
        [
            "subgraph group_front[\"front\"]",
            "proxy[\"proxy\"]",
            "subgraph group_front___back__internal_[\"front + back (internal)\"]",
            "api[\"api\"]",
            "worker[\"worker\"]",
            "subgraph group_back__internal_[\"back (internal)\"]",
            "db[\"db\"]",
            "subgraph group_network_mode_host[\"network mode host\"]",
            "agent[\"agent\"]",
            "proxy --> api",
        ]
    );
    assert!(drawn(&project, &["--networks", "--format", "dot"]).contains("label=\"front + back (internal)\";"));
    assert!(drawn(&project, &["--networks", "--format", "svg"]).contains(">front + back (internal)</text>"));
    let focused = drawn(&project, &["--networks", "--focus", "proxy"]);
    assert!(focused.contains("front + back") && !focused.contains("db"), "{focused}");
}

#[test]
fn a_focus_on_nothing_says_what_was_meant() {
    let project = Project::new(REFERENCE);
    let run = project.run(&["graph", "--focus", "grafanna"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert_eq!(run.stderr, "error: unknown service `grafanna`\n  help: did you mean `grafana`?\n");
    let run = project.run(&["graph", "--focus", "x"]);
    assert!(run.stderr.contains("the services are: `elasticsearch`, `elasticsearch-setup`"), "{}", run.stderr);
}

#[test]
fn the_readme_has_the_diagram() {
    let project = Project::reference();
    let diagram = drawn(&project, &[]);
    assert!(diagram.contains("  alloy -->|\"pushes to\"| mimir\n"), "{diagram}");
    assert!(diagram.contains("  grafana -.->|\"queries\"| copilot_api\n"), "{diagram}");
    assert!(diagram.contains("  temporal_history --> elasticsearch_setup\n"), "{diagram}");
    let readme = project.read("generated/dev/README.md");
    assert!(readme.contains(&format!("```mermaid\n{diagram}```\n")), "{readme}");
}

#[test]
fn the_picture_has_every_service_and_group_and_a_legend() {
    let project = Project::new(REFERENCE);
    let svg = drawn(&project, &["--format", "svg"]);
    assert_eq!(svg, drawn(&project, &["--format", "svg"]), "the same spec, the same picture");
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
    for service in graph_of(&project).nodes {
        assert!(texts.contains(&service.name.as_str()), "{texts:?}");
    }
    for text in ["monitored", "observability", "copilot", ":7233 :8233", "is healthy", "pushes to"] {
        assert!(texts.contains(&text), "`{text}`: {texts:?}");
    }
    let titles: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("title")).filter_map(|node| node.text()).collect();
    assert!(
        titles.iter().any(|title| title.contains("grafana queries loki and starts after loki has started")),
        "{titles:?}"
    );
    assert!(svg.contains("@media(prefers-color-scheme:dark)"));
}

/// Whatever a title or a description holds, it ends nothing and begins nothing.
const HOSTILE: &str = r#"</text><script>alert(1)</script> "quoted' ]]> `tick` --> end ]\" \\N #quot; & -- ```"#;

fn hostile() -> Project {
    let quoted = serde_json::to_string(&format!("{HOSTILE}\nsecond")).unwrap();
    Project::new(format!(
        "[stack]\nname = \"x\"\ntitle = {quoted}\n[profiles.dev]\n\
         [services.end]\nimage = \"a:1\"\ngroup = {quoted}\ndescription = {quoted}\ndepends_on = [\"a--b\"]\n\
         [services.a--b]\nimage = \"a:1\"\n[services.a__b]\nimage = \"a:1\"\ngroup = \"two\"\n"
    ))
}

#[test]
fn hostile_texts_are_texts_in_a_picture() {
    let svg = drawn(&hostile(), &["--format", "svg"]);
    let document = Document::parse(&svg).unwrap();
    assert!(!document.descendants().any(|node| node.has_tag_name("script")), "{svg}");
    let heading = document.descendants().find(|node| node.attribute("class") == Some("small title")).unwrap();
    assert_eq!(heading.text(), Some(format!("{HOSTILE} second").as_str()));
    let title = document.root_element().first_element_child().unwrap();
    assert_eq!(title.text(), Some(format!("{HOSTILE} second: profile dev").as_str()));
}

#[test]
fn hostile_texts_are_labels_in_mermaid() {
    let project = hostile();
    let mermaid = drawn(&project, &[]);
    let group = mermaid.lines().find(|line| line.contains("second")).unwrap();
    let label = group.split_once('[').unwrap().1;
    assert!(label.starts_with('"') && label.ends_with("\"]"), "{group}");
    let inside = &label[1..label.len() - 2];
    assert!(!inside.contains(['"', '<', '>', '`', '#', '%', '\\']), "{group}");
    let entities = [
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&grave;", "`"),
        ("&num;", "#"),
        ("&bsol;", "\\"),
        ("&amp;", "&"),
    ];
    let read = entities.iter().fold(inside.to_owned(), |text, (entity, character)| text.replace(entity, character));
    assert_eq!(read, format!("{HOSTILE} second"));
    // `end` would end the subgraph, and `a--b` is a line; their labels are what they are called.
    assert!(mermaid.contains("    end_[\"end\"]\n"), "{mermaid}");
    assert!(mermaid.contains("  a__b[\"a--b\"]\n") && mermaid.contains("    a__b_2[\"a__b\"]\n"), "{mermaid}");
    assert!(mermaid.contains("  end_ --> a__b\n"), "{mermaid}");
    assert_eq!(mermaid.lines().filter(|line| line.trim() == "end").count(), 2, "{mermaid}");
    project.run(&["render"]);
    let readme = project.read("generated/dev/README.md");
    assert!(readme.contains(&mermaid), "{readme}");
}

#[test]
fn hostile_texts_are_strings_in_dot() {
    let dot = drawn(&hostile(), &["--format", "dot"]);
    let label = dot.lines().find(|line| line.starts_with("    label=")).unwrap();
    let string = label.trim().strip_prefix("label=\"").unwrap().strip_suffix("\";").unwrap();
    let mut read = String::new();
    let mut characters = string.chars();
    while let Some(c) = characters.next() {
        assert_ne!(c, '"', "{label}");
        read.push(if c == '\\' { characters.next().unwrap() } else { c });
    }
    assert_eq!(read, format!("{HOSTILE} second"));
    assert!(dot.contains("  \"end\" -> \"a--b\" [style=solid, arrowhead=empty"), "{dot}");
}

#[test]
fn a_spec_with_errors_is_not_drawn() {
    let project = Project::new(REFERENCE);
    project.replace("spec/stack.toml", "ports.http = 8082", "ports.http = 8080");
    let run = project.run(&["graph", "--format", "svg"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("error[port-clash]"), "{}", run.stderr);
    let run = Project::empty().run(&["graph"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("could not find `spec/stack.toml` in"), "{}", run.stderr);
}
