//! Values of outputs that the spec changes.

use serde_json::Value as Json;
use serde_yaml::Value;

use super::project::{Project, WHOLE_REFERENCE};
use super::review::{Repository, case};

const SPEC: &str = r#"
[stack]
name = "shop"

[profiles.dev]

[services.web]
image = "nginx:1.29"
ports.http = { published = 8080, target = 80 }
cap_drop = ["ALL"]

[services.mimir]
kind = "mimir"
image = "grafana/mimir:2.16.1"
"#;

const PATCH: &str = r#"
[patches."config/mimir.yaml"]
reason = "Our tenants push more"
set = { "limits.ingestion_rate" = 50000, "server.http_listen_port" = 9010 }
add = { limits = { max_label_names_per_series = 40 }, memberlist = { join = ["${web.http}"] } }
remove = ["limits.ingestion_burst_size"]
"#;

/// The beginning of a spec for Kubernetes.
const CLUSTER: &str = r#"target = "kubernetes"

[stack]
name = "shop"

[profiles.live]

[kubernetes]
registry = "registry.example.com/shop"
"#;

/// A project with a patch that adds to what is there.
fn patch() -> String {
    PATCH.replace(
        ", memberlist = { join = [\"${web.http}\"] }",
        ", \".\" = { memberlist = { join_members = [\"${web.http}\"] } }",
    )
}

fn rendered(spec: &str) -> Project {
    let project = Project::new(spec);
    let run = project.run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    project
}

/// The lines of a file that are others in a second project.
fn diff(one: &Project, other: &Project, path: &str) -> Vec<String> {
    let (one, other) = (one.read(path), other.read(path));
    similar::TextDiff::from_lines(&one, &other)
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            similar::ChangeTag::Delete => Some(format!("-{}", change.value().trim_end())),
            similar::ChangeTag::Insert => Some(format!("+{}", change.value().trim_end())),
            similar::ChangeTag::Equal => None,
        })
        .collect()
}

const MIMIR: &str = "generated/dev/config/mimir.yaml";
const COMPOSE: &str = "generated/dev/docker-compose.yml";

#[test]
fn only_what_is_patched_differs_and_the_container_is_recreated() {
    let plain = rendered(SPEC);
    let project = rendered(&format!("{SPEC}{}", patch()));
    assert_eq!(
        diff(&plain, &project, MIMIR),
        [
            "-  http_listen_port: 9009",
            "+  http_listen_port: 9010",
            "-  ingestion_rate: 10000",
            "-  ingestion_burst_size: 200000",
            "+  ingestion_rate: 50000",
            "+  max_label_names_per_series: 40",
            "+memberlist:",
            "+  join_members:",
            "+    - web:80",
        ]
    );
    let read: Value = serde_yaml::from_str(&project.read(MIMIR)).unwrap();
    assert_eq!(read["limits"]["ingestion_rate"], Value::from(50000));
    assert_eq!(read["memberlist"]["join_members"][0], Value::from("web:80"));
    // The digest of what it mounts is another one.
    let label = diff(&plain, &project, COMPOSE);
    assert!(
        label.len() == 2 && label.iter().all(|line| line[1..].trim_start().starts_with("stackgen.config: ")),
        "{label:?}"
    );
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_compose_file_can_have_variables() {
    let patch = r#"
[patches."docker-compose.yml"]
reason = "The host decides"
set = { "services.web.ports[name=http].published" = "${WEB_PORT}" }
add = { "services.web.cap_drop" = ["$$x"], "services.web" = { "x-note" = { by = "ops" } } }
remove = ["services.web.security_opt[0]"]
[env.WEB_PORT]
description = "Port of the shop"
default = "80"
"#;
    let (plain, project) = (rendered(SPEC), rendered(&format!("{SPEC}{patch}")));
    assert_eq!(
        diff(&plain, &project, COMPOSE),
        [
            "-        published: \"8080\"",
            "+        published: ${WEB_PORT:-80}",
            "-    security_opt:",
            "-      - no-new-privileges:true",
            "+      - $$x",
            "+    security_opt: []",
            "+    x-note:",
            "+      by: ops",
        ]
    );
}

#[test]
fn a_dashboard_is_printed_as_before() {
    let reference = WHOLE_REFERENCE.split("\n# ---- the profile `local`").next().unwrap();
    let patch = "\n[patches.\"grafana/server/server.json\"]\nreason = \"It is long\"\nset = { title = \"Servers\", \"panels[0].title\" = \"First\" }\n";
    let plain = Project::reference();
    let project = rendered(&format!("{reference}{patch}"));
    let board = "generated/dev/grafana/server/server.json";
    let lines = diff(&plain, &project, board);
    assert_eq!(lines.iter().filter(|line| line.starts_with('+')).count(), 2, "{lines:?}");
    let read: Json = serde_json::from_str(&project.read(board)).unwrap();
    assert_eq!((&read["title"], &read["panels"][0]["title"]), (&"Servers".into(), &"First".into()));
}

#[test]
fn a_line_is_explained_by_its_patch() {
    let project = rendered(&format!("{SPEC}{}", patch()));
    let text = project.read(MIMIR);
    for (line, key) in [
        ("  ingestion_rate: 50000", "patches.config/mimir.yaml.set.limits.ingestion_rate"),
        ("  max_label_names_per_series: 40", "patches.config/mimir.yaml.add.limits.max_label_names_per_series"),
        ("    - web:80", "services.web.ports.http"),
    ] {
        let number = text.lines().position(|found| found == line).unwrap() + 1;
        let run = project.run(&["explain", &format!("{MIMIR}:{number}")]);
        assert!(run.code == Some(0) && run.stdout.contains(key), "{line}: {run:?}");
    }
}

#[test]
fn each_profile_has_its_patches_and_its_outputs() {
    let base = WHOLE_REFERENCE;
    // Mimir's file is elsewhere for Kubernetes, and has the same name; there is no Compose file.
    let spec = format!(
        "{base}\n[patches.\"config/mimir.yaml\"]\nreason = \"More\"\nset = {{ \"limits.ingestion_burst_size\" = 7 }}\n\
         [patches.\"docker-compose.yml\"]\nreason = \"Why\"\nadd = {{ \".\" = {{ \"x-a\" = 1 }} }}\n\
         [profiles.local.patches.\"config/mimir.yaml\"]\nset = {{ \"limits.ingestion_burst_size\" = 8 }}\n"
    );
    let project = rendered(&spec);
    for (path, line) in [
        ("generated/dev/config/mimir.yaml", "  ingestion_burst_size: 7"),
        ("generated/local/config/mimir.yaml", "  ingestion_burst_size: 8"),
        ("generated/cluster/kubernetes/base/files/config/mimir.yaml", "  ingestion_burst_size: 7"),
        ("generated/dev/docker-compose.yml", "x-a: 1"),
    ] {
        assert!(project.read(path).lines().any(|found| found == line), "{path}");
    }
    // One profile alone is no reason to think that no profile has an output.
    let run = project.run(&["check", "--profile", "cluster"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let nowhere = spec.replace("[patches.\"docker-compose.yml\"]", "[patches.\"nowhere.yml\"]");
    let run = Project::new(&nowhere).run(&["check", "--profile", "cluster"]);
    assert!(run.code == Some(2) && run.stderr.contains("error[unknown-artifact]"), "{run:?}");
}

#[test]
fn manifests_are_several_documents() {
    let spec = format!(
        "{WHOLE_REFERENCE}\n[profiles.cluster.patches.\"kubernetes/base/alloy.yaml\"]\nreason = \"Slow\"\n\
         add = {{ \"[kind=ServiceAccount].metadata\" = {{ annotations = {{ a = \"b\" }} }} }}\n"
    );
    let project = rendered(&spec);
    let text = project.read("generated/cluster/kubernetes/base/alloy.yaml");
    assert!(
        text.contains("kind: ServiceAccount\nmetadata:\n  name: alloy\n  annotations:\n    a: b\nautomount"),
        "{text}"
    );
}

#[test]
fn outputs_show_that_they_are_patched() {
    let project = rendered(&format!("{SPEC}{}", patch()));
    let rows = project.listed("artifacts");
    let patched: Vec<&str> =
        rows.iter().filter(|row| row["patched"] == true).map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(patched, [MIMIR]);
    let table = project.run(&["list", "artifacts"]).stdout;
    assert!(table.lines().any(|line| line.starts_with(MIMIR) && line.ends_with("patched")), "{table}");
}

#[test]
fn a_secret_in_a_patch_is_a_warning() {
    let spec = format!(
        "{SPEC}{}",
        PATCH.replace(
            "limits = { max_label_names_per_series = 40 }, memberlist",
            "server = { tls_password = \"hunter2\" }, memberlist"
        )
    );
    let spec = spec.replace(", memberlist = { join = [\"${web.http}\"] }", "");
    let run = Project::new(&spec).run(&["render"]);
    assert!(run.code == Some(0) && run.stderr.contains("warning[literal-secret]"), "{run:?}");
    let repository = Repository::new(SPEC);
    repository.project.write("spec/stack.toml", &spec);
    let run = repository.review(&[]);
    assert!(run.stdout.contains("tls_password") || run.stdout.contains("server"), "{run:?}");
    assert!(!run.stdout.contains("hunter2"), "{run:?}");
}

#[test]
fn a_secret_is_known_by_the_name_beside_it() {
    let patch = "[patches.\"docker-compose.yml\"]\nreason = \"x\"\nadd = { \"services.web\" = { command = [\"--token\", \"hunter2\"], \
                 x-env = [{ name = \"DB_PASSWORD\", value = \"hunter2\" }] } }\n";
    let repository = Repository::new(SPEC);
    repository.project.write("spec/stack.toml", format!("{SPEC}\n{patch}"));
    let run = repository.project.run(&["render"]);
    for said in ["`DB_PASSWORD` looks like a secret that is committed", "`command` contains what looks like a secret"] {
        assert!(run.code == Some(0) && run.stderr.contains(said), "{run:?}");
    }
    let run = repository.review(&[]);
    assert!(run.stdout.contains("add `services.web`") && !run.stdout.contains("hunter2"), "{run:?}");
    let run = Project::new(format!(
        "{CLUSTER}\n[services.web]\nimage = \"shop/web:1\"\nuser = \"1000\"\nenvironment.AUTH = \"basic\"\n\n\
         [patches.\"kubernetes/base/web.yaml\"]\nreason = \"x\"\nset = {{ \
         \"[kind=Deployment].spec.template.spec.containers[name=web].env[name=AUTH].value\" = \"hunter2hunter2\" }}\n"
    ))
    .run(&["render"]);
    let said = "`AUTH` looks like a secret that is committed";
    assert!(run.code == Some(0) && run.stderr.contains(said), "{run:?}");
}

#[test]
fn a_job_stays_one() {
    let run = Project::new(format!(
        "{CLUSTER}\n[services.migrate]\nimage = \"shop/migrate:1\"\nuser = \"998\"\nkubernetes.effect = [\"migrate\", \"--check\"]\n\n\
         [services.web]\nimage = \"shop/web:1\"\nuser = \"1000\"\ndepends_on.migrate = \"service_completed_successfully\"\n\n\
         [patches.\"kubernetes/base/migrate.yaml\"]\nreason = \"x\"\nset = {{ \"[kind=Job].kind\" = \"Task\" }}\n"
    ))
    .run(&["check"]);
    assert!(run.code == Some(2) && run.stderr.contains("cannot be patched: a Job cannot change"), "{run:?}");
}

#[test]
fn a_review_says_what_is_patched_and_why() {
    let spec = format!("{SPEC}#");
    case(
        &spec,
        &[("#", "[patches.\"config/mimir.yaml\"]\nreason = \"More\"\nset = { \"limits.ingestion_rate\" = 50000 }")],
        &[
            "caution patches config/mimir.yaml: patched, set `limits.ingestion_rate`: More [- -> 50000]",
            "notice services mimir: recreated: configuration file",
        ],
    );
    case(
        &spec,
        &[(
            "#",
            "[patches.\"docker-compose.yml\"]\nreason = \"More\"\nadd = { \"services.web\" = { privileged = true } }",
        )],
        &[
            "danger patches docker-compose.yml: patched, add `services.web`; its effect on containers is not reviewed: More \
           [- -> {\"privileged\":true}]",
        ],
    );
    let patched = format!("{SPEC}{}", patch());
    case(
        &patched,
        &[("Our tenants", "Their tenants")],
        &[
            "notice patches config/mimir.yaml: `limits.ingestion_rate` patched for a different reason […",
            "notice patches config/mimir.yaml: `server.http_listen_port` patched for a different reason […",
            "notice patches config/mimir.yaml: `limits` patched for a different reason […",
            "notice patches config/mimir.yaml: `.` patched for a different reason […",
            "notice patches config/mimir.yaml: `limits.ingestion_burst_size` patched for a different reason […",
        ],
    );
}
