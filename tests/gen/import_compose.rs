//! `gen import compose`: what a project becomes, and that it renders the same.

#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;

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
        "# The shop.\nname: shop\nx-common: &common\n  restart: always\n  environment: &env\n    LOG: $LEVEL\n# What runs.\nservices:\n  \
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

# What runs.

# Serves pages.
[services.web]
restart = "always"
environment = { LOG = "${LEVEL}" }
image = "nginx:1.29" # pinned
depends_on = ["db"]

[services.web.ports]
http = { published = 8080, target = 80 } # pages

[services.db]
image = "postgres"
environment = { LOG = "${LEVEL}", PASSWORD = "${DB_PASSWORD:?set it}" }
volumes = ["data:/var/lib/postgresql/data", "./init:/init:ro"]

[volumes.data]

[env.DB_PASSWORD]
description = "Read by `db`"
required = true
secret = true

[env.LEVEL]
description = "Read by `db`, `web`"

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
    let (_, run) =
        imported(&[("compose.yml", "services:\n  web:\n    image: web:1\n    environment:\n      - \"${NAME}=x\"\n")]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("compose.yml:4: not converted: the name of a variable refers to another one"),
        "{run:?}"
    );
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
        ("services:\n  web:\n    extends: web\n", "service `web` extends itself"),
        ("services: {a: {extends: b}, b: {extends: a}}", "service `a` extends itself"),
        ("include: ['https://example.com/compose.yaml']", "is not a local file"),
        ("include: [other.yaml]", "cannot read `other.yaml`"),
        ("include: {path: a}", "expected a list in `include`"),
        ("include: [compose.yaml]\n", "`compose.yaml` includes itself"),
        ("a: &a [*a]\n", "error[yaml-syntax]"),
        ("<<: 1\n", "`<<` merges mappings only"),
    ] {
        let (_, run) = imported(&[("compose.yaml", text)]);
        assert_eq!(run.code, Some(2), "{text}: {run:?}");
        assert!(run.stderr.contains(said) && run.stderr.contains("compose.yaml:"), "{text}: {}", run.stderr);
    }
    let large = format!("x: &a {}\ny: [{}]\n", "x".repeat(20_000), "*a, ".repeat(10_000));
    let (_, run) = imported(&[("compose.yaml", &large)]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("error[spec-too-large]: aliases stand for more than 32 MB"), "{}", run.stderr);
    let run = Project::empty().run(&["import", "compose"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("no Compose file in `.`"), "{run:?}");
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

#[test]
fn ports_have_names_and_addresses_refer_to_them() {
    let compose = "services:
  api:
    image: api:1
    ports: ['8081:80', '8080:8080', '127.0.0.1:${P:-9000}:9000/udp', {target: 5432, published: '5432', mode: host}]
    environment: {SELF: 'http://api:8080'}
  worker:
    image: worker:1
    ports: ['6000-6001:6000-6001', '80']
    command: [--api=http://api:8080/v1, 'api:80,api:5432 api:9000 my-api:80 http://u:p@api:80/']
    environment:
      - API=http://api:80
      - OTHER=${API:-http://api:80} x:api:80 api:800 worker:80
";
    let (project, run) = imported(&[("compose.yaml", compose)]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let spec = project.read("new/stack.toml");
    for line in [
        "http = { published = 8081, target = 80 }\nhttp-8080 = 8080\n",
        "udp-9000 = { published = \"${P:-9000}\", target = 9000, host_ip = \"127.0.0.1\", protocol = \"udp\" }",
        "sql = { target = 5432, published = \"5432\", mode = \"host\" }",
        "ports = [\"6000-6001:6000-6001\", \"80\"]",
        "SELF = \"http://api:8080\"",
        "\"--api=http://${api.http-8080}/v1\"",
        "\"${api.http},${api.sql} api:9000 my-api:80 http://u:p@${api.http}/\"",
        "API = \"${api.url}\"",
        "OTHER = \"${API:-http://api:80} x:api:80 api:800 worker:80\"",
    ] {
        assert!(spec.contains(line), "{line}\n{spec}");
    }
    assert!(run.stderr.contains("compose.yaml:11: converted: `http://api:80` is `${api.url}` now"), "{run:?}");
    let file = rendered(&project);
    assert_eq!(file["services"]["worker"]["environment"]["API"], "http://api:80");
    let ports: Vec<u64> = file["services"]["api"]["ports"].as_sequence().unwrap().iter().map(target).collect();
    assert_eq!(ports, [80, 8080, 9000, 5432]);
}

fn target(port: &serde_yaml::Value) -> u64 {
    port["target"].as_u64().unwrap()
}

#[test]
fn what_compose_accepts_is_a_warning() {
    let (project, run) = imported(&[(
        "compose.yaml",
        "services:\n  web:\n    image: web:1\n    container_name: web\n    ports: ['80:80']\n    volumes: ['data:rel', 'd:/src:/dst', './x:C:/x']\n    \
         extra_hosts: ['${HOST}:10.0.0.1', 'b=10.0.0.2', '${HOST}=::1']\n    environment: [dotted.name, A]\n    \
         healthcheck: {test: [NONE]}\n    deploy: {replicas: 2, restart_policy: {condition: unless-stopped}}\n\
         volumes: {data: }\n",
    )]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let spec = project.read("new/stack.toml");
    let lints = "[lints]\ncontainer-clash = \"warn\"\nport-clash = \"warn\"\nrelative-target = \"warn\"\n";
    assert!(spec.ends_with(lints) && spec.contains("[env.A]") && spec.contains("[env.HOST]"), "{spec}");
    let web = &rendered(&project)["services"]["web"];
    assert_eq!(web["container_name"], "web");
    assert_eq!(web["volumes"][0]["target"], "rel");
    assert_eq!(web["volumes"][1]["source"], "d:/src");
    assert_eq!(web["volumes"][2]["target"], "C:/x");
    assert_eq!(web["extra_hosts"], yaml("['b=10.0.0.2', '${HOST:-}:10.0.0.1', '${HOST:-}=::1']"));
    assert_eq!(web["environment"], yaml("{A: , dotted.name: }"));
    assert_eq!(web["healthcheck"], yaml("{test: [NONE]}"));
}

#[test]
fn variables_have_the_comments_of_their_files() {
    let compose = "services:\n  web:\n    image: web:${TAG}\n    volumes: ['${DATA}:/data', '${LOGS:-./logs}:/logs', '${ABSOLUTE}:/a']\n    \
                   environment: [SECRET_KEY, OTHER]\n";
    let (project, run) = imported(&[
        ("compose.yaml", compose),
        (
            ".env.example",
            "#### Web ####\n\n# The version\n# to run\nTAG=1\n#OTHER=x # Not set by default\nSECRET_KEY=\n# a\n# b\n# c\n# d\nDATA=x\n",
        ),
        (".env", "# A secret of last year: hunter2\nDATA=./data\nABSOLUTE=/a\nTAG=2\n"),
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said = "compose.yaml:4: converted: `${DATA}` is `./${DATA}` now: `DATA` is a relative path in `.env`\n";
    assert!(run.stderr.contains(said) && run.stderr.matches("converted:").count() == 1, "{run:?}");
    let spec = project.read("new/stack.toml");
    for lines in [
        "[env.TAG]\ndescription = \"The version to run\"\n",
        "[env.OTHER]\ndescription = \"Not set by default\"\n",
        "[env.SECRET_KEY]\ndescription = \"Read by `web`\"\nsecret = true\n",
        "[env.DATA]\ndescription = \"Read by `web`\"\n",
    ] {
        assert!(spec.contains(lines), "{lines}\n{spec}");
    }
}

#[cfg(unix)]
#[test]
fn what_compose_makes_of_both_is_compared() {
    for (second, code, said) in [
        ("echo '{\"name\": \"a\", \"services\": {}}'", 0, "project imported, and it means the same to Compose"),
        (
            "echo '{\"name\": \"b\"}'",
            1,
            "differs: `name`: `\"a\"` became `\"b\"`\nthe imported project is not the same",
        ),
        ("echo broken >&2; exit 1", 1, "differs: Compose refuses what the spec renders: broken"),
        ("echo '{'", 3, "cannot compare with Compose"),
    ] {
        let project = Project::empty();
        project.write("compose.yaml", "services:\n  web:\n    image: web:1\n");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n  *version*) ;;\n  *project-directory*) {second};;\n  *) echo '{{\"name\": \"a\"}}';;\nesac\n"
        );
        project.write("bin/docker", script);
        std::fs::set_permissions(project.path("bin/docker"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", project.path("bin").display(), std::env::var("PATH").unwrap());
        let run = Run::from(project.command(&["import", "compose", "--verify"]).env("PATH", path).output().unwrap());
        assert_eq!(run.code, Some(code), "{second}: {run:?}");
        assert!(run.stderr.contains(said), "{second}: {run:?}");
    }
}

#[test]
fn the_comment_at_the_beginning_is_about_all_of_the_file() {
    let (project, run) = imported(&[("compose.yaml", "# Licensed.\n\nservices:\n  # A\n  a: {image: 'a:1'}\n")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let spec = project.read("new/stack.toml");
    assert!(
        spec.starts_with("# Licensed.\n[stack]\n") && spec.ends_with("\n# A\n[services.a]\nimage = \"a:1\"\n"),
        "{spec}"
    );
}

#[test]
fn a_passed_variable_stays_one_when_it_is_extended() {
    let (project, run) = imported(&[(
        "compose.yaml",
        "services:\n  a:\n    image: a:1\n    environment: {PASSED: , B: x}\n  b:\n    extends: a\n    environment: {B: y}\n",
    )]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(rendered(&project)["services"]["b"]["environment"], yaml("{B: y, PASSED: }"));
}

#[test]
fn included_projects_have_limits() {
    let chain = |deepest: usize, twice: bool| {
        let project = Project::empty();
        for file in 0..deepest {
            let next = format!("f{}.yaml", file + 1);
            let include = if twice { format!("[{next}, {next}]") } else { format!("[{next}]") };
            project.write(
                &format!("f{file}.yaml"),
                format!("include: {include}\nservices: {{a{file}: {{image: a:1}}}}\n"),
            );
        }
        project.write(&format!("f{deepest}.yaml"), "services: {z: {image: z:1}}\n");
        project.run(&["import", "compose", "f0.yaml"])
    };
    assert_eq!(chain(20, false).code, Some(0));
    let run = chain(40, false);
    assert!(run.code == Some(2) && run.stderr.contains("`include` is nested deeper than 32 files"), "{run:?}");
    let run = chain(20, true);
    assert!(run.code == Some(2) && run.stderr.contains("more than 1000 projects are included"), "{run:?}");
}

#[test]
fn what_is_above_services_is_merged() {
    let (project, run) = imported(&[
        ("compose.yaml", "x-a: {b: 1, l: [1]}\nservices: {a: {image: a:1}}\n"),
        ("compose.override.yaml", "x-a: {c: 2, l: [2]}\n"),
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(rendered(&project)["x-a"], yaml("{b: 1, l: [1, 2], c: 2}"));
}

#[test]
fn variables_of_an_included_project_are_named() {
    let (_, run) = imported(&[
        ("compose.yaml", "include: [{path: [sub/a.yaml, sub/b.yaml]}]\n"),
        ("sub/a.yaml", "services: {a: {image: a:1, environment: [X]}}\n"),
        ("sub/b.yaml", "services: {a: {environment: {Y: 1}}}\n"),
        ("sub/.env", "X=5\nUNUSED=1\n"),
    ]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let said = "compose.yaml:1: not converted: `sub/.env` sets `X` for the included files only: add it to the `.env`";
    assert!(run.stderr.contains(said), "{run:?}");
}

#[test]
fn the_first_included_service_counts() {
    let (project, run) = imported(&[
        ("compose.yaml", "include: [p.yaml, q.yaml]\nservices: {a: {image: a:1}}\n"),
        ("p.yaml", "services: {s: {image: p:1}}\n"),
        ("q.yaml", "services: {s: {image: q:1, user: me}}\n"),
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(rendered(&project)["services"]["s"]["image"], "p:1");
    assert_eq!(rendered(&project)["services"]["s"]["user"], "me");
}

#[test]
fn comments_inside_of_values_stay_with_them() {
    let (project, run) = imported(&[(
        "compose.yaml",
        "services:\n  a:\n    image: a:1\n    volumes:\n      # One.\n      - type: bind\n        source: ./x # From.\n        target: /x\n      # Two.\n      - ./y:/y\n",
    )]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let volumes = "volumes = [\n  # One.\n  # From.\n  { type = \"bind\", source = \"./x\", target = \"/x\" },\n  # Two.\n  \"./y:/y\",\n]\n";
    assert!(project.read("new/stack.toml").ends_with(volumes), "{}", project.read("new/stack.toml"));
}

#[test]
fn the_files_of_a_project_may_be_elsewhere() {
    let project = Project::empty();
    project.write("shop/compose.yaml", "services: {a: {image: a:1, volumes: ['./d:/d', '.:/app']}}\n");
    let whole = project.path("shop/compose.yaml");
    for file in ["shop/compose.yaml", whole.to_str().unwrap()] {
        let run = project.run(&["import", "compose", file]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), "project imported\n"), "{run:?}");
        assert!(
            run.stdout.contains("project = \"shop\"") && run.stdout.contains("[\"./shop/d:/d\", \"./shop:/app\"]"),
            "{run:?}"
        );
    }
    let run = project.run(&["import", "compose", "."]);
    assert!(run.code == Some(3) && run.stderr.contains("cannot read `.`: not a regular file"), "{run:?}");
    let run = project.run(&["import", "compose", "-", "--verify"]);
    assert!(run.code == Some(2) && run.stderr.contains("cannot read standard input a second time"), "{run:?}");
}
