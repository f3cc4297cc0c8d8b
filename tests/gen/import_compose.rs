//! `gen import compose`: what a project becomes, and that it renders the same.

use super::project::{Project, Run};

/// A project in files; the first one is imported.
fn imported(files: &[(&str, &str)]) -> (Project, Run) {
    let project = Project::empty();
    for (path, text) in files {
        project.write(path, text);
    }
    let run = project.run(&["import", "compose", "--output", "new/stack.toml"]);
    (project, run)
}

/// The Compose file that the imported spec renders.
fn rendered(project: &Project) -> serde_yaml::Value {
    let spec = project.read("new/stack.toml");
    project.write("spec/stack.toml", &spec);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{spec}\n{run:?}");
    serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap()
}

#[test]
fn a_project_keeps_its_names_its_comments_and_its_variables() {
    let (project, run) = imported(&[(
        "compose.yaml",
        "# The shop.\nname: shop\nx-common: &common\n  restart: always\n  environment: &env\n    LOG: $LEVEL\nservices:\n  \
         # Serves pages.\n  web:\n    <<: *common\n    image: nginx:1.29  # pinned\n    ports:\n      - \"8080:80\" # pages\n    \
         depends_on: [db]\n  db:\n    image: postgres\n    environment:\n      <<: *env\n      PASSWORD: ${DB_PASSWORD:?set it}\n    \
         volumes:\n      - data:/var/lib/postgresql/data\n      - ./init:/init:ro\nvolumes:\n  data:\n# The end.\n",
    )]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        project.read("new/stack.toml"),
        r#"# The shop.
[stack]
name = "shop"
project = "shop"
defaults = "compose"

[profiles.dev]

# Serves pages.
[services.web]
restart = "always"
environment = { LOG = "${LEVEL}" }
image = "nginx:1.29" # pinned
ports = [
  "8080:80", # pages
]
depends_on = ["db"]

[services.db]
image = "postgres"
environment = { LOG = "${LEVEL}", PASSWORD = "${DB_PASSWORD:?set it}" }
volumes = ["data:/var/lib/postgresql/data", "./init:/init:ro"]

[volumes.data]

[env.DB_PASSWORD]
description = "Read by `db`."
required = true
secret = true

[env.LEVEL]
description = "Read by `db`, `web`."

[lints]
untagged-image = "warn"

# The end.
"#
    );
    let file = rendered(&project);
    assert_eq!(file["name"], "shop");
    let web = &file["services"]["web"];
    assert_eq!(
        *web,
        yaml(
            "{image: 'nginx:1.29', environment: {LOG: '${LEVEL:-}'}, ports: [{published: '8080', target: 80}], \
             depends_on: {db: {condition: service_started}}, restart: always, networks: [default]}"
        )
    );
    let db = &file["services"]["db"];
    assert_eq!(db["image"], "postgres");
    assert_eq!(db["volumes"][1]["bind"]["create_host_path"], true);
    assert!(db.get("security_opt").is_none() && db.get("hostname").is_none() && db.get("restart").is_none(), "{db:?}");
}

fn yaml(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn overrides_includes_and_extended_services_are_one_spec() {
    let (project, run) = imported(&[
        (
            "compose.yaml",
            "include:\n  - db/compose.yaml\nservices:\n  api:\n    extends:\n      file: base/base.yaml\n      service: base\n    \
             image: api:1\n    ports: [\"80:80\"]\n    command: [serve]\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  api:\n    ports: !override [\"81:80\"]\n    command: [serve, --debug]\n    environment:\n      - DEBUG=1\n    \
             user: !reset null\n",
        ),
        (
            "base/base.yaml",
            "services:\n  base:\n    user: me\n    build: ./app\n    env_file: base.env\n    environment:\n      MODE: base\n  \
             other:\n    extends: {file: missing.yaml, service: x}\n",
        ),
        ("db/compose.yaml", "services:\n  db:\n    image: db:1\n    volumes: [\"./data:/data\"]\n"),
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let file = rendered(&project);
    let api = &file["services"]["api"];
    assert_eq!(api["build"], "../../base/app");
    assert_eq!(api["env_file"], "../../base/base.env");
    assert_eq!(api["environment"], yaml("{MODE: base, DEBUG: '1'}"));
    assert_eq!(api["command"], yaml("[serve, --debug]"));
    assert_eq!(api["ports"], yaml("[{published: '81', target: 80}]"));
    assert!(api.get("user").is_none());
    assert_eq!(file["services"]["db"]["volumes"][0]["source"], "../../db/data");
}

#[test]
fn what_variables_decide_stays_a_variable() {
    let (project, run) = imported(&[(
        "docker-compose.yml",
        "services:\n  web:\n    image: ${IMAGE:-web}:${TAG-1}\n    container_name: ${NAME}_web\n    ports:\n      \
         - \"${IP:-}:${PORT:-80}:${PORT:-80}\"\n      - \"${METRICS:-9090}\"\n    volumes:\n      - ${DATA:-./data}:/data\n    \
         labels:\n      - traefik.${NAME}.rule=x\n      - plain=$$5\n    environment:\n      - A=${B:-${C:-$D}}\n      - PASSED\n",
    )]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("docker-compose.yml:3: converted: `${TAG-1}` is `${TAG:-1}` now"), "{run:?}");
    let web = &rendered(&project)["services"]["web"];
    assert_eq!(web["image"], "${IMAGE:-web}:${TAG:-1}");
    assert_eq!(web["container_name"], "${NAME:-}_web");
    assert_eq!(web["ports"], yaml("['${IP:-}:${PORT:-80}:${PORT:-80}', {target: '${METRICS:-9090}'}]"));
    assert_eq!(web["volumes"][0]["source"], "${DATA:-../../data}");
    assert_eq!(web["labels"], yaml("['plain=$$5', 'traefik.${NAME:-}.rule=x']"));
    assert_eq!(web["environment"], yaml("{A: '${B:-${C:-${D:-}}}', PASSED: }"));
}

#[test]
fn what_a_spec_cannot_say_is_named_with_its_line() {
    let (_, run) = imported(&[(
        "compose.yml",
        "services:\n  web:\n    image: web:1\n    extra_hosts:\n      - \"${HOST}=10.0.0.1\"\n",
    )]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("compose.yml:4: not converted: invalid name `${HOST}`"), "{run:?}");
    assert!(run.stderr.contains("not all of the project was imported"), "{run:?}");
}

#[test]
fn what_compose_refuses_is_refused() {
    for (text, said) in [
        ("services: [a", "error[yaml-syntax]"),
        ("services: {web: {image: a, image: b}}", "duplicate key `image`"),
        ("services:\n  web: !new {image: a}", "unknown tag `!new`"),
        ("- a\n", "expected a mapping, found a list"),
        ("services:\n  web:\n    extends: other\n", "unknown service `other` in `extends`"),
        ("services:\n  web:\n    extends: web\n", "unknown service `web` in `extends`"),
        ("include: [compose.yaml]\n", "is part of itself"),
        ("a: &a [*a]\n", "error[yaml-syntax]"),
        ("<<: 1\n", "`<<` merges mappings only"),
    ] {
        let (_, run) = imported(&[("compose.yaml", text)]);
        assert_eq!(run.code, Some(2), "{text}: {run:?}");
        assert!(run.stderr.contains(said) && run.stderr.contains("compose.yaml:"), "{text}: {}", run.stderr);
    }
    let run = Project::empty().run(&["import", "compose"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("no Compose file in this directory"), "{run:?}");
    let run = Project::empty().run(&["import", "compose", "missing.yaml"]);
    assert_eq!(run.code, Some(3), "{run:?}");
}

#[test]
fn a_variable_of_an_extension_is_declared() {
    let (project, run) =
        imported(&[("compose.yaml", "x-log:\n  url: ${LOG_URL:?}\nservices:\n  web:\n    image: web:1\n")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(rendered(&project)["x-log"]["url"], "${LOG_URL:?}");
}
