//! `gen adopt`: edits of outputs that come back to the spec.

use std::collections::BTreeMap;
use std::fs;

use stackgen::spec::source::Sources;
use stackgen::trace::{Part, Trace};

use super::project::{Project, REFERENCE, Run, WHOLE_REFERENCE};
use super::review::Repository;

const SPEC: &str = "spec/stack.toml";
const COMPOSE: &str = "generated/dev/docker-compose.yml";
const LOKI: &str = "generated/dev/config/loki.yaml";
const MIMIR: &str = "generated/dev/config/mimir.yaml";

/// The stores and the collector of the reference: most of the cost of an edit is the number of keys to try.
fn stores() -> Project {
    let project = Project::new(
        "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[images]\nmimir = \"grafana/mimir:3.2.1\"\nloki = \"grafana/loki:3.7.6\"\n\
         alloy = \"grafana/alloy:v1.19.1\"\n\n[services.mimir]\nkind = \"mimir\"\nports.http = 9009\n\n[services.mimir.settings]\n\
         max_series = 500_000\nmax_series_per_metric = 50_000\n\n[services.loki]\nkind = \"loki\"\nports.http = 3100\n\
         settings.retention = \"72h\"\n\n[services.alloy]\nkind = \"alloy\"\nports.http = 12345\n",
    );
    assert_eq!(project.run(&["render"]).code, Some(0));
    project
}

/// Asserts that an edit was adopted whole: the file stays as it is, the spec has this in place of that, and nothing differs.
fn adopted(project: &Project, path: &str, [from, to]: [&str; 2], changes: &[(&str, &str)]) -> Run {
    let before = project.read(SPEC);
    project.replace(path, from, to);
    let edited = project.read(path);
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(project.read(path), edited);
    let expected = changes.iter().fold(before, |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        text.replace(old, new)
    });
    assert_eq!(project.read(SPEC), expected);
    assert_eq!(project.run(&["check"]).code, Some(0));
    run
}

/// Asserts that an edit was refused, and that nothing was written.
fn refused(project: &Project, arguments: &[&str], said: &str) -> Run {
    let before = project.outputs();
    let spec = project.read(SPEC);
    let run = project.run(arguments);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains(said), "`{said}` in {}", run.stdout);
    assert_eq!(project.read(SPEC), spec);
    assert!(project.outputs() == before, "an output was written");
    run
}

fn line(project: &Project, path: &str, needle: &str) -> usize {
    project.read(path).lines().position(|line| line.contains(needle)).unwrap() + 1
}

#[test]
fn a_value_in_a_file_of_a_service() {
    let project = Project::reference();
    let run = adopted(
        &project,
        MIMIR,
        ["max_global_series_per_user: 500000", "max_global_series_per_user: 650000"],
        &[("max_series = 500_000", "max_series = 650_000")],
    );
    assert!(run.stdout.contains("-max_series = 500_000\n+max_series = 650_000\n"), "{}", run.stdout);
    // The digest of the mounted file, in another output.
    assert!(run.stdout.contains(&format!("This also changes:\n--- {COMPOSE} (now)\n")), "{}", run.stdout);
    assert!(run.stdout.contains("1 change adopted\n"), "{}", run.stdout);
}

#[test]
fn an_output_that_cannot_be_read_is_an_error() {
    let project = stores();
    fs::remove_file(project.path(LOKI)).unwrap();
    fs::create_dir(project.path(LOKI)).unwrap();
    for arguments in [&["adopt"][..], &["adopt", LOKI]] {
        let run = project.run(arguments);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stdout.contains(&format!("{LOKI}: cannot be adopted: unreadable: ")), "{run:?}");
    }
}

#[test]
fn an_image_that_a_bot_has_updated() {
    let project = Project::reference();
    let run = adopted(
        &project,
        COMPOSE,
        [
            "grafana/loki:3.7.6",
            "grafana/loki:3.7.7@sha256:0123456789012345678901234567890123456789012345678901234567890123",
        ],
        &[(
            "loki = \"grafana/loki:3.7.6\"",
            "loki = \"grafana/loki:3.7.7@sha256:0123456789012345678901234567890123456789012345678901234567890123\"",
        )],
    );
    assert!(run.stdout.contains("+++ generated/dev/README.md (then)"), "{}", run.stdout);
    // One that several services have: all of them, or one.
    let all = project.read(COMPOSE).replace("temporalio/ui:2.54.1", "temporalio/ui:2.55.0");
    project.write(COMPOSE, &all);
    assert_eq!(project.run(&["adopt", COMPOSE]).code, Some(0));
    assert_eq!(project.read(COMPOSE), all);
    assert!(project.read(SPEC).contains("temporal-ui = \"temporalio/ui:2.55.0\"\n"));
    let one = all.replacen("temporalio/ui:2.55.0", "temporalio/ui:2.56.0", 1);
    project.write(COMPOSE, &one);
    assert_eq!(project.run(&["adopt", COMPOSE]).code, Some(0));
    assert_eq!(project.read(COMPOSE), one);
    assert!(project.read(SPEC).contains("temporal-ui = \"temporalio/ui:2.55.0\"\n"));
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn keys_and_items_of_a_service() {
    let project = Project::reference();
    // An item of a list.
    let items = "\"copilot.api:app\",\n";
    adopted(
        &project,
        COMPOSE,
        ["      - copilot.api:app\n", "      - copilot.api:app\n      - --reload\n"],
        &[(items, "\"copilot.api:app\", \"--reload\",\n")],
    );
    // A variable is removed, and another one gets another value.
    adopted(
        &project,
        COMPOSE,
        ["      KNOWLEDGE_BASE_ID: ${COPILOT_KNOWLEDGE_BASE_ID:-}\n", ""],
        &[("KNOWLEDGE_BASE_ID = \"${COPILOT_KNOWLEDGE_BASE_ID}\"\n", "")],
    );
    // One is added, which the image reads.
    let from = "      LOKI_URL: http://loki:3100\n";
    adopted(
        &project,
        COMPOSE,
        [from, &format!("{from}      KNOWLEDGE_BASE_ID: kb-1\n")],
        &[("LOKI_URL = \"${loki.url}\"\n", "LOKI_URL = \"${loki.url}\"\nKNOWLEDGE_BASE_ID = \"kb-1\"\n")],
    );
    // A key of the service is added, and removed again.
    let with = "mem_limit = \"1g\"\ncap_drop = [\"ALL\"]\n# Its user must";
    let text = project.read(COMPOSE);
    let at = text.find("    group_add:").unwrap();
    let at = text[..at].rfind("    cap_drop:").unwrap();
    let before = project.read(SPEC);
    project.write(COMPOSE, format!("{}    mem_limit: 1g\n{}", &text[..at], &text[at..]));
    assert_eq!(project.run(&["adopt"]).code, Some(0));
    assert_eq!(project.read(SPEC), before.replace("cap_drop = [\"ALL\"]\n# Its user must", with));
    project.write(COMPOSE, &text);
    assert_eq!(project.run(&["adopt"]).code, Some(0));
    assert_eq!(project.read(SPEC), before);
    // What the kind gives is overridden.
    let text = project.read(COMPOSE);
    let at = text.find("\n  mimir:\n").unwrap();
    let (above, below) = text.split_at(at);
    project.write(COMPOSE, format!("{above}{}", below.replacen("timeout: 5s", "timeout: 9s", 1)));
    assert_eq!(project.run(&["adopt"]).code, Some(0));
    assert!(project.read(SPEC).contains("healthcheck.timeout = \"9s\"\n"), "{}", project.read(SPEC));
}

#[test]
fn what_the_spec_refuses_says_why() {
    let project = Project::reference();
    let from = "      LOKI_URL: http://loki:3100\n";
    project.replace(COMPOSE, from, &format!("{from}      LOG_LEVEL: debug\n"));
    let said = "a change of `services.copilot-worker.environment.LOG_LEVEL` may produce this, but the spec would not be valid: \
                `LOG_LEVEL` is not read by this image (";
    refused(&project, &["adopt"], said);
    project.run(&["render", "--force"]);
    project.replace(LOKI, "retention_period: 72h", "retention_period: 100h");
    let said = "a change of `services.loki.settings.retention` may produce this, but the spec would not be valid: retention must \
                be a whole number of days";
    refused(&project, &["adopt"], said);
}

#[test]
fn a_line_that_a_render_puts_elsewhere() {
    let project = Project::reference();
    let from = "      AWS_CONFIG_FILE: /home/grafana/.aws/config\n";
    let text = project.read(COMPOSE);
    let from = if text.contains(from) { from } else { "      ES_SERVER: http://elasticsearch:9200\n" };
    // Variables of the spec are before, or after, those of the kind.
    project.replace(COMPOSE, from, &format!("      AAA: x\n{from}"));
    let run = project.run(&["adopt", "--dry-run"]);
    if run.code == Some(1) {
        assert!(run.stdout.contains("move it there, or accept that with `gen adopt"), "{}", run.stdout);
        let at = line(&project, COMPOSE, "AAA: x");
        assert_eq!(project.run(&["adopt", &format!("{COMPOSE}:{at}")]).code, Some(0));
    } else {
        assert_eq!(project.run(&["adopt"]).code, Some(0));
    }
    assert_eq!(project.run(&["check"]).code, Some(0));
    assert!(project.read(COMPOSE).contains("      AAA: x\n"));
}

#[test]
fn dashboards_come_back_through_their_import() {
    let project = Project::reference();
    let path = "generated/dev/grafana/server/server.json";
    let before = project.read("spec/dashboards/server.toml");
    project.replace(path, "\"title\": \"Temporal server health\"", "\"title\": \"Servers\"");
    let edited = project.read(path);
    let run = project.run(&["adopt", path]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(project.read(path), edited);
    assert_eq!(
        project.read("spec/dashboards/server.toml"),
        before.replace("title = \"Temporal server health\"", "title = \"Servers\"")
    );
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn a_template_of_the_user_gets_the_line() {
    let project = Project::reference();
    let path = "generated/dev/copilot/poller.py";
    let template = project.read("spec/files/poller.py");
    project.replace(path, "import asyncio\n", "import asyncio\nimport json\n");
    assert_eq!(project.run(&["adopt"]).code, Some(0));
    assert_eq!(
        project.read("spec/files/poller.py"),
        template.replace("import asyncio\n", "import asyncio\nimport json\n")
    );
}

#[test]
fn lines_of_a_template_move_together_or_not_at_all() {
    let spec = "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[services.web]\nimage = \"nginx:1.29\"\nports.http = 8080\n\
                volumes = [{ file = \"web.conf\", target = \"/etc/web.conf\" }]\n\n[files.\"web.conf\"]\n\
                template = \"spec/files/web.conf.j2\"\n";
    let template = "server {\n  listen 80;\n  root /srv;\n  proxy {= services.web.ports.http.target =};\n}\n";
    let project = Project::new(spec);
    project.write("spec/files/web.conf.j2", template);
    project.run(&["render"]);
    let path = "generated/dev/web.conf";
    for (from, to) in [
        ("  listen 80;\n  root /srv;\n", "  root /srv;\n  listen 80;\n"),
        ("server {\n  root /srv;\n", "  root /srv;\nserver {\n"),
    ] {
        let before = project.read("spec/files/web.conf.j2");
        project.replace(path, from, to);
        let run = project.run(&["adopt"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(project.read("spec/files/web.conf.j2"), before.replace(from, to));
        assert_eq!(project.run(&["check"]).code, Some(0));
    }
    // The template has the value of the spec in a line, so only a person can move it.
    project.replace(path, "  listen 80;\n  proxy 8080;\n", "  proxy 8080;\n  listen 80;\n");
    refused(&project, &["adopt"], "the line depends on:\n    spec/files/web.conf.j2 the template of this file\n");
}

#[test]
fn what_a_template_gives_is_refused_with_its_keys() {
    let project = stores();
    project.replace(LOKI, "auth_enabled: false", "auth_enabled: true");
    let at = line(&project, SPEC, "kind = \"loki\"");
    let said = format!(
        "{LOKI}:2: cannot be adopted\n  -auth_enabled: false\n  +auth_enabled: true\n  help: no change of a key produces this; \
         the line depends on:\n    {SPEC}:{at}:8 services.loki.kind\n      kind = \"loki\"\n"
    );
    refused(&project, &["adopt", LOKI], &said);
    let project = Project::reference();
    project.replace(COMPOSE, "\nservices:\n", "\nservices: # \u{1b}[2Jmine\n");
    let said = "no key of the spec produces this\n\nhelp: change the spec yourself, patch the value (`[patches]`)";
    let run = refused(&project, &["adopt"], said);
    assert!(run.stdout.contains("[2Jmine") && !run.stdout.contains('\u{1b}'), "{}", run.stdout);
}

#[test]
fn each_of_several_changes_is_adopted_on_its_own() {
    let project = stores();
    project.replace(MIMIR, "max_global_series_per_user: 500000", "max_global_series_per_user: 650000");
    project.replace(MIMIR, "  enabled: false\n", "  enabled: true\n");
    let edited = project.read(MIMIR);
    let run = project.run(&["adopt", MIMIR]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("+  enabled: true\n") || run.stdout.contains("enabled: true"), "{}", run.stdout);
    assert!(run.stdout.contains("1 change adopted, 1 not\n"), "{}", run.stdout);
    assert!(project.read(SPEC).contains("max_series = 650_000"));
    // Everything is rendered, but for the edit, which is still there and one of what is rendered now.
    assert_eq!(project.read(MIMIR), edited);
    let run = project.run(&["check"]);
    assert!(run.stdout.contains(&format!("{MIMIR}: edited by hand\n")), "{run:?}");
    assert!(run.stdout.ends_with(" compared, 1 differs\n"), "{run:?}");
    refused(&project, &["adopt"], "cannot be adopted");
    assert!(!project.run(&["adopt"]).stdout.contains("the spec has changed"));
    project.replace(MIMIR, "  enabled: true\n", "  enabled: false\n");
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn edits_of_files_that_are_not_named_stay() {
    let project = stores();
    // The digest of what Mimir mounts is in the other file.
    project.replace(MIMIR, "max_global_series_per_user: 500000", "max_global_series_per_user: 650000");
    project.replace(COMPOSE, "grafana/loki:3.7.6", "grafana/loki:3.7.7");
    let label = |text: &str| text.lines().find(|line| line.contains("stackgen.config")).map(ToOwned::to_owned);
    let before = project.read(COMPOSE);
    let run = project.run(&["adopt", MIMIR]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let after = project.read(COMPOSE);
    assert!(after.contains("grafana/loki:3.7.7") && project.read(SPEC).contains("grafana/loki:3.7.6"), "{after}");
    assert!(label(&after).is_some() && before != after, "{after}");
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.read(SPEC).contains("grafana/loki:3.7.7"));
    assert_eq!((project.read(COMPOSE), project.run(&["check"]).code), (after, Some(0)));
}

#[test]
fn an_edit_that_another_one_undoes_stays_in_its_file() {
    let project = Project::new(
        "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[services.web]\nimage = \"nginx:1.29\"\n\n[files.\"a.txt\"]\n\
         template = \"spec/files/a.txt.j2\"\n\n[files.\"b.txt\"]\ntemplate = \"spec/files/b.txt.j2\"\n",
    );
    project.write("spec/files/a.txt.j2", "image {= services.web.image =}\n");
    project.write("spec/files/b.txt.j2", "name {= services.web.image[:5] =}\n");
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let (a, b) = ("generated/dev/a.txt", "generated/dev/b.txt");
    project.replace(a, "nginx:1.29", "nginx:1.30");
    project.replace(b, "nginx", "httpd");
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout.contains(&format!("{a}: cannot be adopted: a change adopted from another file undoes it\n")),
        "{run:?}"
    );
    assert!(run.stdout.contains("1 change adopted, 1 not\n"), "{run:?}");
    assert_eq!([project.read(a), project.read(b)], ["image nginx:1.30\n", "name httpd\n"]);
    assert!(run.stderr.contains(&format!("{a}: edited by hand and out of date\n")), "{run:?}");
}

#[test]
fn a_missing_line_break_at_the_end_is_no_edit() {
    let project = Project::reference();
    let rendered = project.read(MIMIR);
    project.write(MIMIR, rendered.trim_end());
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout, format!("{MIMIR}: only its line breaks differ: there is nothing to adopt\n"));
    let edited = rendered.replace("max_global_series_per_user: 500000", "max_global_series_per_user: 650000");
    project.write(MIMIR, edited.trim_end());
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((project.read(MIMIR), project.run(&["check"]).code), (edited, Some(0)));
}

#[test]
fn a_long_edit_is_shown_in_part() {
    let project = Project::reference();
    let many = format!("# {}\n", "x".repeat(1_000)).repeat(1_000);
    project.replace(LOKI, "auth_enabled: false\n", &format!("auth_enabled: false\n{many}"));
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("+ … 980 more lines\n"), "{}", run.stdout);
    assert!(run.stdout.lines().count() < 60 && run.stdout.lines().all(|line| line.len() < 400), "{}", run.stdout);
}

#[test]
fn a_line_accepts_what_else_its_key_changes() {
    let project = stores();
    project.replace(LOKI, "retention_period: 72h", "retention_period: 96h");
    let at = line(&project, LOKI, "retention_period");
    let said = format!(
        "help: a change of `services.loki.settings.retention` produces this, and changes 1 other line of the file: \
         accept that with `gen adopt {LOKI}:{at}`\n"
    );
    refused(&project, &["adopt", LOKI], &said);
    // What is accepted is shown.
    let run = project.run(&["adopt", &format!("{LOKI}:{at}"), "--dry-run"]);
    assert!(run.stdout.contains(&format!("--- {LOKI} (now)\n")), "{}", run.stdout);
    assert!(run.stdout.contains("+  reject_old_samples_max_age: 96h\n"), "{}", run.stdout);
    let run = project.run(&["adopt", &format!("{LOKI}:{at}")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.read(SPEC).contains("settings.retention = \"96h\""));
    assert!(project.read(LOKI).contains("reject_old_samples_max_age: 96h"));
    assert_eq!(project.run(&["check"]).code, Some(0));
    // Only the change of that line.
    project.replace(COMPOSE, "grafana/loki:3.7.6", "grafana/loki:3.7.7");
    project.replace(COMPOSE, "grafana/alloy:v1.19.1", "grafana/alloy:v1.19.2");
    let at = line(&project, COMPOSE, "grafana/alloy");
    let run = project.run(&["adopt", &format!("{COMPOSE}:{at}")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(project.read(SPEC).contains("alloy:v1.19.2") && project.read(SPEC).contains("loki:3.7.6"));
    // The other one stays.
    assert!(project.read(COMPOSE).contains("loki:3.7.7"));
    assert_eq!(project.run(&["adopt"]).code, Some(0));
    assert!(project.read(SPEC).contains("loki:3.7.7"));
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn the_key_of_a_profile_changes_there() {
    let project = Project::new(WHOLE_REFERENCE);
    assert_eq!(project.run(&["render"]).code, Some(0));
    let compose = "generated/local/docker-compose.yml";
    adopted(&project, compose, ["postgres:17.6", "postgres:17.7"], &[("postgres:17.6", "postgres:17.7")]);
    // A key of the base: what it changes in other profiles is shown.
    let run = adopted(&project, compose, ["grafana/loki:3.7.6", "grafana/loki:3.7.7"], &[("loki:3.7.6", "loki:3.7.7")]);
    assert!(run.stdout.contains(&format!("--- {COMPOSE} (now)\n")), "{}", run.stdout);
    assert!(run.stdout.contains("other profiles change, too; move the key to `[profiles.local]`"), "{}", run.stdout);
    // A manifest of Kubernetes: the kind's value is overridden.
    let loki = "generated/cluster/kubernetes/base/loki.yaml";
    let text = project.read(loki);
    project.write(loki, text.replace("cpu: 100m", "cpu: 200m"));
    assert_eq!(project.run(&["adopt"]).code, Some(0));
    assert!(project.read(SPEC).contains("kubernetes.cpus = 0.2\n"));
    assert_eq!(project.run(&["check"]).code, Some(0));
}

#[test]
fn edits_of_several_files_that_depend_on_each_other() {
    let project = Project::reference();
    // The first one changes a digest in the second.
    project.replace(MIMIR, "max_global_series_per_user: 500000", "max_global_series_per_user: 650000");
    project.replace(COMPOSE, "grafana/loki:3.7.6", "grafana/loki:3.7.7");
    let run = project.run(&["adopt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("2 changes adopted\n"), "{}", run.stdout);
    assert_eq!(project.run(&["check"]).code, Some(0));
    assert!(project.read(COMPOSE).contains("grafana/loki:3.7.7"));
}

#[test]
fn line_endings_are_no_edit_and_stay_in_the_spec() {
    let project = Project::reference();
    let windows = |text: &str| text.replace('\n', "\r\n");
    let spec = project.read(SPEC);
    project.write(SPEC, windows(&spec));
    let edited = project.read(MIMIR).replace("per_user: 500000", "per_user: 650000");
    project.write(MIMIR, windows(&edited));
    let run = project.run(&["adopt", MIMIR]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(project.read(SPEC), windows(&spec.replace("500_000", "650_000")));
    assert_eq!(project.read(MIMIR), edited);
    project.write(MIMIR, windows(&edited));
    let run = project.run(&["adopt", MIMIR]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("line endings only, but not edited"), "{}", run.stdout);
}

#[test]
fn what_is_no_edit_says_so() {
    let project = Project::reference();
    let run = project.run(&["adopt"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "no output was edited by hand: there is nothing to adopt\n"));
    let run = project.run(&["adopt", LOKI]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("as rendered: there is nothing to adopt"), "{run:?}");
    for (place, said) in [
        ("generated/dev/config/lok.yaml", "did you mean `generated/dev/config/loki.yaml`?"),
        ("config/loki.yaml", "name the file of a profile: `generated/dev/config/loki.yaml`"),
        ("generated/dev/config/loki.yaml:x", "invalid line `x`"),
        ("generated/dev/config/loki.yaml:0", "invalid line `0`"),
        ("spec/stack.toml", "`spec/stack.toml` is not an output of a profile\n  help: "),
    ] {
        let run = project.run(&["adopt", place]);
        assert_eq!(run.code, Some(2), "{place}");
        assert!(run.stderr.contains(said), "{place}: {}", run.stderr);
    }
    project.replace(LOKI, "auth_enabled: false", "auth_enabled: true");
    refused(&project, &["adopt", &format!("{LOKI}:999")], "it has only 40 lines, not 999");
    let run = project.run(&["adopt", &format!("{LOKI}:5")]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains(":5: as rendered"), "{}", run.stdout);
    fs::write(project.path(LOKI), b"\xff\n").unwrap();
    refused(&project, &["adopt"], "cannot be adopted: it is not valid UTF-8\n");
    fs::remove_file(project.path(LOKI)).unwrap();
    refused(&project, &["adopt", LOKI], "cannot be adopted: missing\n  help: run `gen render`\n");
}

#[test]
fn a_spec_that_changed_meanwhile_is_not_undone() {
    let edit = |project: &Project| {
        project.replace(SPEC, "max_series = 500_000", "max_series = 700_000");
        project.replace(MIMIR, "ingestion_rate: 100000", "ingestion_rate: 110000");
    };
    // Without the text that was edited, nobody knows what the edit is.
    let project = Project::reference();
    edit(&project);
    let said = "the spec has changed since it was rendered, and Git does not have the text that was edited\n";
    refused(&project, &["adopt"], said);
    let [spec, by_hand] =
        ["max_global_series_per_user: ", "ingestion_rate: 110000"].map(|it| line(&project, MIMIR, it));
    for at in [spec, by_hand] {
        refused(&project, &["adopt", &format!("{MIMIR}:{at}")], said);
    }
    for arguments in [vec!["adopt".to_owned()], vec!["adopt".to_owned(), format!("{MIMIR}:{by_hand}")]] {
        let repository = Repository::of(Project::reference());
        repository.commit("Begin");
        let project = &repository.project;
        edit(project);
        // The line of what the spec has changed has no edit.
        let run = project.run(&["adopt", &format!("{MIMIR}:{spec}")]);
        assert!(run.stdout.contains("the spec changes this line"), "{run:?}");
        let run = project.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(run.code, Some(0), "{run:?}");
        let spec = project.read(SPEC);
        assert!(spec.contains("max_series = 700_000") && spec.contains("ingestion_rate = 110_000"), "{spec}");
        let text = project.read(MIMIR);
        assert!(text.contains("per_user: 700000") && text.contains("ingestion_rate: 110000"), "{text}");
        assert_eq!(project.run(&["check"]).code, Some(0));
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = Project::reference();
    project.replace(COMPOSE, "grafana/loki:3.7.6", "grafana/loki:3.7.7");
    let before = (project.outputs(), project.read(SPEC));
    let run = project.run(&["adopt", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("+loki = \"grafana/loki:3.7.7\"\n"), "{}", run.stdout);
    assert!(run.stdout.ends_with("1 change would be adopted\n"), "{}", run.stdout);
    assert!((project.outputs(), project.read(SPEC)) == before);
    let run = project.run(&["check"]);
    assert!(
        run.stdout.contains(&format!("move the change to the spec with `gen adopt {COMPOSE}`, or discard it")),
        "{run:?}"
    );
}

/// Random numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// What the edits of the test do.
const EDITS: [&str; 6] = ["value of a key", "number", "word", "line added", "line removed", "line twice"];

/// Another value of the same type.
fn other(value: &str) -> Option<String> {
    match value {
        "true" => return Some("false".to_owned()),
        "false" => return Some("true".to_owned()),
        _ => {}
    }
    let Some(end) = value.rfind(|c: char| c.is_ascii_digit()) else { return Some(format!("{value}x")) };
    let start = value[..=end].trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = value[start..=end].parse().ok()?;
    Some(format!("{}{}{}", &value[..start], number.checked_mul(2)?.max(1), &value[end + 1..]))
}

/// A text that was changed at random; `None` if there was nothing to change.
fn edit(random: &mut Random, kind: &str, text: &str, values: &[String]) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let mut at = random.below(lines.len());
    for _ in 0..lines.len() {
        at = (at + 1) % lines.len();
        let line = lines[at].clone();
        let words = |keep: fn(char) -> bool| -> Vec<String> {
            line.split(|c| !keep(c)).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
        };
        let replaced = |word: &str| Some(line.replacen(word, &other(word)?, 1));
        match kind {
            "value of a key" => {
                let alone =
                    |value: &&String| line.ends_with(&format!(" {value}")) || line.ends_with(&format!(" \"{value}\""));
                let Some(value) = values.iter().find(alone) else { continue };
                lines[at] = replaced(value)?;
            }
            "number" => {
                let found = words(|c| c.is_ascii_digit());
                if found.is_empty() {
                    continue;
                }
                let word: String = random.of(&found).clone();
                lines[at] = replaced(&word)?;
            }
            "word" => {
                let found: Vec<String> =
                    words(|c| c.is_ascii_alphabetic()).into_iter().filter(|word| word.len() > 2).collect();
                if found.is_empty() {
                    continue;
                }
                let word: String = random.of(&found).clone();
                lines[at] = replaced(&word)?;
            }
            "line added" => {
                let indent = &line[..line.len() - line.trim_start().len()];
                let added = match line.trim_start() {
                    item if item.starts_with("- ") && !item.contains(": ") => format!("{indent}- added"),
                    variable if variable.starts_with(|c: char| c.is_ascii_uppercase()) && variable.contains(": ") => {
                        format!("{indent}ADDED: \"1\"")
                    }
                    _ => continue,
                };
                lines.insert(at + 1, added);
            }
            "line removed" => _ = lines.remove(at),
            _ => lines.insert(at, line),
        }
        let edited = lines.join("\n") + "\n";
        return (edited != text).then_some(edited);
    }
    None
}

/// Adopts random edits of the outputs of the reference, and asserts that none is adopted in another way than it was made. Gives
/// for each kind of edit how many were adopted and how many refused.
fn adopt_at_random(seed: u64, count: usize) -> BTreeMap<&'static str, [usize; 2]> {
    let project = Project::reference();
    let mut sources = Sources::default();
    sources.push(SPEC, REFERENCE.to_owned());
    super::artifacts::push_files(&mut sources, REFERENCE);
    let keys = Trace::keys_of(&sources, "dev").unwrap();
    let values = keys.iter().filter(|key| key.part == Part::Value && !key.path.starts_with("dashboards."));
    let values: Vec<String> = values
        .filter_map(|key| sources.file(key.span)?.text.get(key.span.start as usize..key.span.end as usize))
        .map(|raw| raw.trim_matches('"').replace('_', if raw.starts_with('"') { "_" } else { "" }))
        .filter(|value| !value.is_empty() && !value.contains(['\n', '$']))
        .collect();
    let spec_files = ["spec/stack.toml", "spec/files/poller.py"].map(ToOwned::to_owned).into_iter();
    let spec_files: Vec<String> = spec_files
        .chain(["copilot", "persistence", "server", "postgresql"].map(|name| format!("spec/dashboards/{name}.toml")))
        .collect();
    let state = || -> Vec<(String, Vec<u8>)> {
        let spec = spec_files.iter().map(|path| (path.clone(), project.read(path).into_bytes()));
        spec.chain(project.outputs()).collect()
    };
    let original = state();
    let outputs: Vec<(String, String)> = project
        .outputs()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("spec/") && !path.ends_with(".sha256"))
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect();
    let mut random = Random(seed);
    let mut found: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut made = 0;
    while made < count {
        let kind = EDITS[made % EDITS.len()];
        let (path, text) = random.of(&outputs);
        let Some(edited) = edit(&mut random, kind, text, &values) else { continue };
        made += 1;
        project.write(path, &edited);
        let run = project.run(&["adopt"]);
        let after = state();
        let spec = |state: &[(String, Vec<u8>)]| state[..spec_files.len()].to_vec();
        let place = text.lines().zip(edited.lines()).take_while(|(old, new)| old == new).count() + 1;
        let context = format!("seed {seed}, edit {made}: {kind} in {path}:{place}\n{run:?}");
        match run.code {
            Some(0) => {
                assert_eq!(project.read(path), edited, "{context}");
                assert_eq!(project.run(&["check"]).code, Some(0), "{context}");
            }
            Some(1) => {
                assert!(spec(&after) == spec(&original), "{context}");
                assert_eq!(project.read(path), edited, "{context}");
            }
            _ => panic!("{context}"),
        }
        found.entry(kind).or_default()[usize::from(run.code == Some(1))] += 1;
        for (path, bytes) in &original {
            project.write(path, bytes);
        }
    }
    found
}

#[test]
fn random_edits_are_adopted_as_they_were_made_or_refused() {
    let found = adopt_at_random(1, 6);
    assert!(found.values().map(|[adopted, _]| adopted).sum::<usize>() > 0, "{found:?}");
}

/// As above, with more edits: `cargo test --test gen -- --ignored --nocapture adopt` prints the figures.
#[test]
#[ignore = "takes minutes"]
fn two_hundred_random_edits_are_adopted_as_they_were_made_or_refused() {
    let found = adopt_at_random(2, 200);
    let (mut adopted, mut refused) = (0, 0);
    for (kind, [of_kind, not]) in &found {
        println!("{kind}: {of_kind} adopted, {not} refused");
        adopted += of_kind;
        refused += not;
    }
    println!("200 edits: {adopted} adopted, {refused} refused, none wrong");
}
