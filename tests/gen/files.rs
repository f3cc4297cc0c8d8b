//! Files that a stranger brings: templates over the model, mounted, guarded and traced like any other output; and outputs
//! that are left out.

use serde_json::Value as Json;

use super::project::{Project, Run, clean};

const NGINX: &str = r#"[stack]
name = "shop"

[profiles.dev]

[profiles.staging]
services.api.ports.http.target = 9000

[services.web]
image = "nginx:1.29"
ports.http = { published = 8080, target = 80 }
volumes = [{ file = "nginx/nginx.conf", target = "/etc/nginx/nginx.conf" }]
depends_on = ["api"]

[services.api]
image = "shop/api:1.0"
ports.http = { target = 8000 }

[services.db]
image = "postgres:18"

[files."nginx/nginx.conf"]
template = "spec/files/nginx.conf.j2"
language = "raw"
"#;

const TEMPLATE: &str = r"# {= project =}: ${uri} {{ x }} a+b*{# 1 + 1 #}
{% for name, service in services|items if service.ports.http is defined -%}
upstream {= name =} { server {= service.ports.http.address =}; }
{% endfor %}
";

fn nginx() -> Project {
    let project = Project::new(NGINX);
    project.write("spec/files/nginx.conf.j2", TEMPLATE);
    project
}

fn json(run: &Run) -> Json {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"))
}

/// The digest that the Compose file has for a service.
fn digest(project: &Project) -> String {
    let compose = project.read("generated/dev/docker-compose.yml");
    let line = compose.lines().find(|line| line.contains("stackgen.config")).unwrap();
    line.trim().to_owned()
}

#[test]
fn a_strangers_file_is_an_output_like_any_other() {
    let project = nginx();
    clean(&project.run(&["render"]));
    let path = "generated/dev/nginx/nginx.conf";
    let expected =
        "# shop-dev: ${uri} {{ x }} a+b*\nupstream web { server web:80; }\nupstream api { server api:8000; }\n";
    assert_eq!(project.read(path), expected);
    assert!(project.read("generated/staging/nginx/nginx.conf").contains("server api:9000;"));
    assert!(project.read("generated/dev/manifest.sha256").contains("nginx/nginx.conf"));
    let compose: serde_yaml::Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    let mount = "{ type: bind, source: ./nginx/nginx.conf, target: /etc/nginx/nginx.conf, read_only: true, \
                 bind: { create_host_path: false } }";
    assert_eq!(compose["services"]["web"]["volumes"][0], serde_yaml::from_str::<serde_yaml::Value>(mount).unwrap());

    let spec_before = project.read("spec/stack.toml");

    // It is guarded,
    project.write(path, "mine");
    let run = project.run(&["check", "--stat"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("nginx/nginx.conf: edited by hand"), "{run:?}");
    project.write(path, expected);
    clean(&project.run(&["check"]));
    // its container is recreated with it,
    let before = digest(&project);
    project.replace("spec/files/nginx.conf.j2", "${uri}", "${host}");
    assert_eq!(project.run(&["check"]).code, Some(1));
    clean(&project.run(&["render"]));
    assert_ne!(digest(&project), before);
    // and its lines come from keys.
    let run = project.run(&["explain", &format!("{path}:3"), "--format", "json"]);
    let keys: Vec<String> =
        json(&run)["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect();
    assert!(keys.iter().any(|key| key == "services.api.ports.http.target"), "{keys:?}");
    let run = project.run(&["impact", "services.api.ports.http"]);
    assert!(run.stdout.contains(path), "{run:?}");
    let run = project.run(&["list", "artifacts"]);
    assert!(run.stdout.contains(path), "{run:?}");
    let verify = project.command(&["verify"]).env("PATH", "").output().unwrap();
    assert!(verify.status.code().is_some_and(|code| code != 2), "{verify:?}");

    // An edited spec still has its templates.
    clean(&project.run(&["new", "service", "cache", "--image", "redis:8.2"]));
    project.write("spec/stack.toml", &spec_before);

    // What the spec no longer has goes.
    let spec = project.read("spec/stack.toml");
    let mount = "volumes = [{ file = \"nginx/nginx.conf\", target = \"/etc/nginx/nginx.conf\" }]\n";
    project.write("spec/stack.toml", spec.split("[files").next().unwrap().replace(mount, ""));
    clean(&project.run(&["render"]));
    assert!(!project.path(path).exists());
}

#[test]
fn values_are_quoted_by_the_language_of_the_file() {
    let cases = [
        ("a.yaml", "{= v =} {= n =} {= l =}", "\"no: \\\"x\\\" # $y\" 80 [a b, \"no\"]"),
        ("a.json", "{= v =} {= n =} {= l =}", "\"no: \\\"x\\\" # $y\" 80 [\"a b\", \"no\"]"),
        ("a.sh", "{= v =} {= n =} {= l =}", "'no: \"x\" # $y' 80 'a b' no"),
        ("a.env", "A={= v =}", "A='no: \"x\" # $y'"),
        ("sub/a.tf", "{= v =}", "\"no: \\\"x\\\" # $y\""),
        ("a.alloy", "{= v =}", "\"no: \\\"x\\\" # $y\""),
        ("a.toml", "v = {= v =} {= n =} {= l =}", "v = \"no: \\\"x\\\" # $y\" 80 [\"a b\", \"no\"]"),
        ("a.xml", "<v n='{= n =}'>{= v =}</v>", "<v n='80'>no: &quot;x&quot; # $y</v>"),
        ("a.conf", "v {= v =};", "v no: \"x\" # $y;"),
        // Concatenated first, then quoted once; what was captured is quoted already.
        ("b.json", "{= v ~ \":+\" ~ n =}", "\"no: \\\"x\\\" # $y:+80\""),
        ("c.json", "{% set x %}{= v =}{% endset %}[{= x =}]", "[\"no: \\\"x\\\" # $y\"]"),
        ("d.json", "{= v|raw =} {= true =} {= services.web.restart|default(\"-\") =}", "no: \"x\" # $y true \"-\""),
    ];
    let mut spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"nginx:1.29\"\n\
                    command = [\"a b\", \"no\"]\nports.http = { target = 80 }\n\
                    environment.V = 'no: \"x\" # $$y'\n"
        .to_owned();
    let project = Project::empty();
    for (index, (path, template, _)) in cases.iter().enumerate() {
        let set = "{%- set v = services.web.environment.V -%}{%- set n = services.web.ports.http.target -%}\
                   {%- set l = services.web.command -%}";
        project.write(&format!("spec/files/{index}.j2"), format!("{set}{template}\n"));
        spec.push_str(&["[files.\"", path, "\"]\ntemplate = \"spec/files/", &index.to_string(), ".j2\"\n"].concat());
    }
    project.write("spec/stack.toml", spec);
    clean(&project.run(&["render"]));
    for (path, _, expected) in cases {
        assert_eq!(project.read(&format!("generated/dev/{path}")), format!("{expected}\n"), "{path}");
    }
}

#[test]
fn a_config_can_be_a_file_that_is_rendered() {
    let project = nginx();
    project.replace(
        "spec/stack.toml",
        "volumes = [{ file = \"nginx/nginx.conf\", target = \"/etc/nginx/nginx.conf\" }]\n",
        "configs = [{ source = \"nginx\", target = \"/etc/nginx/nginx.conf\" }]\n",
    );
    let spec = project.read("spec/stack.toml");
    project.write("spec/stack.toml", format!("{spec}\n[configs.nginx]\nfile = \"nginx/nginx.conf\"\n"));
    clean(&project.run(&["render"]));
    let compose: serde_yaml::Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    assert_eq!(compose["configs"]["nginx"]["file"], "./nginx/nginx.conf");
    // Its container is recreated with it.
    let before = digest(&project);
    project.replace("spec/files/nginx.conf.j2", "${uri}", "${host}");
    clean(&project.run(&["render"]));
    assert_ne!(digest(&project), before);
    // A path of the project is still one.
    project.replace("spec/stack.toml", "file = \"nginx/nginx.conf\"\n", "file = \"./nginx/nginx.conf\"\n");
    clean(&project.run(&["render"]));
    let compose: serde_yaml::Value = serde_yaml::from_str(&project.read("generated/dev/docker-compose.yml")).unwrap();
    assert_eq!(compose["configs"]["nginx"]["file"], "../../nginx/nginx.conf");
}

#[test]
fn a_mistake_in_a_template_is_reported_at_its_line() {
    let project = nginx();
    for (template, message, place) in [
        ("\n{= nothing =}", "`nothing` is undefined", "2:4"),
        ("\n\né {= services.apii.image =}", "`services.apii` is undefined", "3:14"),
        ("{= services.web =}", "a table cannot be written", "1:4"),
        ("{= services.web.depends_on|list =}", "a list cannot be written as it is", "1:"),
        ("{= 1 / 2 =}", "only integers can be written", "1:4"),
        ("{= none =}", "`none` cannot be written", "1:4"),
        ("a\n{= project|nofilter =}", "filter nofilter is unknown", "2:12"),
        ("{% include \"x\" %}", "unknown statement include", "1:4"),
        ("{% macro x() %}{% endmacro %}", "unknown statement macro", "1:4"),
        ("{= 1 + 1 =}", "`+` cannot be used in a template", "1:6"),
        ("{= project|safe =}", "filter safe is unknown", "1:12"),
        ("{% if services.web.x %}{% endif %}", "`services.web.x` is undefined", "1:"),
        ("\n{% for x in services %}", "unexpected end of input", "2:"),
    ] {
        project.write("spec/files/nginx.conf.j2", template);
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{template}: {run:?}");
        let title = format!("error[invalid-template]: {message}");
        assert!(run.stderr.contains(&title), "{template}: {}", run.stderr);
        assert!(run.stderr.contains(&format!("--> spec/files/nginx.conf.j2:{place}")), "{template}: {}", run.stderr);
    }
}

#[test]
fn a_mistake_in_a_template_is_reported_with_a_way_out() {
    let project = nginx();
    let model = "`gen model` prints what a template can use";
    for (template, help) in [
        ("{= nothing =}", Some(model)),
        ("{= services.worker-1.name =}", Some("write `services[\"worker-1\"]`: without quotes, `-` subtracts")),
        ("{% for a, b in services.items() %}{% endfor %}", Some("use the filter: `|items`")),
        ("{% for x in services %}", Some("write values as `{= name =}` and tags as")),
        ("{= services.web =}", None),
    ] {
        project.write("spec/files/nginx.conf.j2", template);
        let run = project.run(&["check"]);
        assert_eq!(run.stderr.lines().find_map(|line| line.split_once("help: ")).is_some(), help.is_some(), "{run:?}");
        assert!(run.stderr.contains(help.unwrap_or_default()), "{template}: {}", run.stderr);
    }
    std::fs::remove_file(project.path("spec/files/nginx.conf.j2")).unwrap();
    let run = project.run(&["check"]);
    assert!(run.stderr.contains("create the file, or fix the path"), "{}", run.stderr);
    // It may only be wrong in one of several profiles.
    project.write("spec/files/nginx.conf.j2", "{% if profile == \"staging\" %}{= nothing =}{% endif %}");
    let run = project.run(&["check"]);
    assert!(
        run.stderr.contains("`nothing` is undefined") && run.stderr.contains("in the profile `staging`"),
        "{run:?}"
    );
}

/// The command that shows what a template can use is needed most while one is wrong.
#[test]
fn the_model_is_printed_while_a_template_is_wrong() {
    let project = nginx();
    project.write("spec/files/nginx.conf.j2", "{= nothing =}");
    let run = project.run(&["model"]);
    assert!(run.code == Some(2) && run.stderr.contains("`nothing` is undefined"), "{run:?}");
    assert!(json(&run)["services"]["web"].is_object(), "{run:?}");
    let spec = project.read("spec/stack.toml");
    project.write("spec/stack.toml", format!("{spec}\n[volume.x]\n"));
    let run = project.run(&["model"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(json(&run)["diagnostics"][0]["code"], "unknown-key");
}

#[test]
fn the_model_has_what_templates_see_and_no_secrets() {
    let spec = r#"[stack]
name = "shop"
[profiles.dev]
[services.web]
image = "nginx:1.29"
ports.http = { published = 8080, target = 80 }
volumes = ["data:/data", "./site:/site:ro"]
command = "serve --token=sesame-open"
[services.web.environment]
PLAIN = "a"
API_TOKEN = "hunter2hunter2"
URL = "postgres://me:hunter2@db/x"
DATABASE = "postgres://me:${PASSWORD}@db/${NAME:-main}"
[volumes.data]
[env.PASSWORD]
description = "Password"
secret = true
required = true
[env.NAME]
description = "Database"
default = "main"
"#;
    let run = Project::new(spec).run(&["model"]);
    clean(&run);
    assert!(!run.stdout.contains("hunter2") && !run.stdout.contains("sesame"), "{}", run.stdout);
    let model = json(&run);
    assert_eq!(model["version"], 1);
    assert_eq!(model["project"], "shop-dev");
    let web = &model["services"]["web"];
    assert_eq!(web["ports"]["http"]["address"], "web:80");
    assert_eq!(web["ports"]["http"]["published"], "8080");
    assert_eq!(web["volumes"][1]["source"], "../../site");
    let variables =
        serde_json::json!({ "text": "postgres://me:${PASSWORD}@db/${NAME}", "variables": ["PASSWORD", "NAME"] });
    assert_eq!(web["environment"], serde_json::json!({ "PLAIN": "a", "DATABASE": variables }));
    assert_eq!(model["networks"]["default"]["services"], serde_json::json!(["web"]));
    // The reference has one of everything.
    let model = json(&Project::reference().run(&["model", "--format", "json"]));
    assert_eq!(model["datasources"]["mimir"]["type"], "prometheus");
    assert_eq!(model["services"]["loki"]["settings"]["retention"], "72h");
    assert!(model["clusters"].as_object().is_some_and(|clusters| !clusters.is_empty()));
}

#[test]
fn outputs_can_be_left_out() {
    let spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"nginx:1.29\"\n";
    let project = Project::new(spec);
    clean(&project.run(&["render"]));
    project
        .write("spec/stack.toml", format!("{spec}[outputs]\nreadme = false\nenv_example = false\nschemas = false\n"));
    assert_eq!(project.run(&["check"]).code, Some(1));
    clean(&project.run(&["render"]));
    let paths: Vec<String> = project.outputs().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["generated/dev/docker-compose.yml", "generated/dev/manifest.sha256"]);
    clean(&project.run(&["check"]));
    // The reference is only written if it is asked for, with or without the schemas.
    assert!(!project.path("spec/REFERENCE.md").exists());
    project.write("spec/stack.toml", format!("{spec}[outputs]\nreference = true\nschemas = false\n"));
    clean(&project.run(&["render"]));
    clean(&project.run(&["check"]));
    assert!(project.path("spec/REFERENCE.md").exists() && !project.path("spec/stack.schema.json").exists());
}

const SHOP: &str = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"nginx:1.29\"\n\
                    volumes = [\"./site:/site\", \"./deploy/dev/conf:/conf\"]\nbuild = \"./web\"\n\
                    [infrastructure]\nproject = \"shop\"\nregion = \"eu-west-1\"\n\
                    [infrastructure.buckets.one]\ndescription = \"One\"\n";

#[test]
fn the_folders_of_outputs_have_other_names() {
    let project = Project::new(SHOP);
    clean(&project.run(&["render"]));
    project.write("generated/dev/.env", "A=1\n");
    project.write("spec/stack.toml", format!("{SHOP}[outputs]\ngenerated = \"deploy\"\nterraform = \"infra\"\n"));
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    for orphan in ["generated/dev/docker-compose.yml: orphan", "terraform/dev/main.tf: orphan"] {
        assert!(run.stdout.contains(orphan), "{orphan}: {run:?}");
    }
    clean(&project.run(&["render"]));
    assert!(!project.path("generated/dev/docker-compose.yml").exists() && !project.path("terraform/dev").exists());
    assert_eq!(project.read("generated/dev/.env"), "A=1\n");
    let compose = project.read("deploy/dev/docker-compose.yml");
    for path in ["source: ../../site", "source: ./conf", "build: ../../web"] {
        assert!(compose.contains(path), "{path}: {compose}");
    }
    assert!(project.read("deploy/dev/README.md").contains("docker compose --file deploy/dev/docker-compose.yml"));
    clean(&project.run(&["check"]));
    let run = project.run(&["explain", "infra/dev/main.tf:12"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // The user's files, others, and those of removed profiles are told apart as in the default folders.
    project.write("deploy/dev/.env", "");
    project.write("infra/dev/terraform.tfstate", "");
    clean(&project.run(&["check"]));
    for stray in ["deploy/dev/other.yml", "deploy/other.yml", "infra/x/main.tf"] {
        project.write(stray, "");
        let run = project.run(&["check"]);
        assert!(run.code == Some(1) && run.stdout.contains(&format!("{stray}: not an output")), "{run:?}");
        std::fs::remove_file(project.path(stray)).unwrap();
    }
    // The default folders are the user's now.
    project.write("terraform/modules/main.tf", "");
    project.write("generated/notes/README.md", "");
    clean(&project.run(&["check"]));
}

#[test]
fn one_of_the_folders_has_another_name() {
    for (name, kept, gone) in [
        ("generated = \"deploy\"", "terraform/dev/main.tf", "generated/dev/docker-compose.yml"),
        ("terraform = \"infra\"", "generated/dev/docker-compose.yml", "terraform/dev/main.tf"),
    ] {
        let project = Project::new(SHOP);
        clean(&project.run(&["render"]));
        project.write("spec/stack.toml", format!("{SHOP}[outputs]\n{name}\n"));
        let run = project.run(&["check"]);
        assert!(run.stdout.contains(&format!("{gone}: orphan")) && !run.stdout.contains("malformed"), "{run:?}");
        // What a reader edited is not deleted.
        let text = project.read(gone);
        project.write(gone, format!("{text}# mine\n"));
        assert_eq!(project.run(&["render"]).code, Some(1));
        assert!(project.path(gone).exists());
        project.write(gone, text);
        clean(&project.run(&["render"]));
        assert!(project.path(kept).exists() && !project.path(gone).exists(), "{name}");
        clean(&project.run(&["check"]));
    }
}

#[test]
fn a_folder_with_files_of_others_is_left_alone() {
    let project = Project::new(format!("{SHOP}[outputs]\ngenerated = \"src\"\n"));
    project.write("src/dev/docker-compose.yml", "mine\n");
    project.write("src/main.rs", "fn main() {}\n");
    let run = project.run(&["render"]);
    assert!(run.code == Some(1) && run.stderr.contains("src/dev/docker-compose.yml: not listed"), "{run:?}");
    assert_eq!(project.read("src/dev/docker-compose.yml"), "mine\n");
    std::fs::remove_file(project.path("src/dev/docker-compose.yml")).unwrap();
    clean(&project.run(&["render"]));
    assert_eq!(project.read("src/main.rs"), "fn main() {}\n");
    let run = project.run(&["check"]);
    assert!(run.stdout.contains("src/main.rs: not an output"), "{run:?}");
}

#[test]
fn a_folder_that_is_not_one_of_outputs_is_refused() {
    for (folders, code) in [
        ("generated = \"spec\"", "invalid-path"),
        ("generated = \"a/b\"", "invalid-path"),
        ("terraform = \"..\"", "invalid-path"),
        ("terraform = \".github\"", "invalid-path"),
        ("terraform = \".git\"", "invalid-path"),
        ("generated = \"/etc\"", "invalid-path"),
        ("generated = \"\"", "invalid-path"),
        ("generated = \"terraform\"", "invalid-path"),
        ("generated = \"Generated\"", "invalid-path"),
        ("generated = \"x\"\nterraform = \"x\"", "output-clash"),
        ("[profiles.other.outputs]\ngenerated = \"x\"", "unknown-key"),
        ("[profiles.other]\nremove = [\"outputs.generated\"]", "unknown-key"),
    ] {
        let project = Project::new(format!("{SHOP}[outputs]\n{folders}\n"));
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(&format!("error[{code}]")), "{folders}: {}", run.stderr);
    }
}
