//! Specs that nobody writes on purpose: each ends with the right exit code and a short message that names the
//! place, and nothing is written.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use super::project::{DASHBOARDS, Project, REFERENCE, Run};
use super::review::{Repository, SHOP};

const SPEC: &str = "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[services.web]\nimage = \"nginx:1.29\"\n";

/// More than any message needs.
const SHORT: usize = 4_096;

/// The length of long inputs, in bytes.
const LONG: usize = 4 << 20;

/// Runs both commands on a spec that is wrong; the message holds each of `parts`.
fn refused(project: &Project, parts: &[&str]) {
    for command in ["check", "render"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, Some(2), "{command} {parts:?}: {}", shown(&run));
        said(&run, parts);
    }
    assert!(!project.path("generated").exists(), "{parts:?}");
}

/// Whether a run said this, in few words.
fn said(run: &Run, parts: &[&str]) {
    assert!(run.stderr.len() < SHORT, "{} bytes: {}", run.stderr.len(), shown(run));
    assert!(!run.stderr.contains("panicked"), "{}", shown(run));
    assert!(!run.stderr.contains(|c: char| c.is_control() && c != '\n'), "{}", shown(run));
    for part in parts {
        assert!(run.stderr.contains(part), "`{part}`: {}", shown(run));
    }
}

fn shown(run: &Run) -> String {
    format!("{:?} {}", run.code, run.stderr.chars().take(SHORT).collect::<String>())
}

#[test]
fn bytes_that_are_no_text() {
    let latin = [SPEC.as_bytes(), b"description = \"caf\xe9\"\n"].concat();
    refused(
        &Project::new(latin),
        &["error[not-utf8]", "`spec/stack.toml` is not valid UTF-8", "in line 8\n", "stack.toml:8:19"],
    );
    refused(&Project::new(b"\xff\xfe[\0s\0"), &["error[not-utf8]", "stack.toml:1:1"]);
    let included = Project::new(format!("include = [\"web.toml\"]\n{SPEC}"));
    included.write("spec/web.toml", b"x = \"\xff\"");
    refused(&included, &["error[not-utf8]", "`spec/web.toml` is not valid UTF-8", "stack.toml:1:12"]);
    refused(&Project::new(format!("{SPEC}\0")), &["error[toml-syntax]", "stack.toml:8:1"]);
    refused(&Project::new(format!("{SPEC}# \u{1b}[31mred\n")), &["error[toml-syntax]", "stack.toml:8:3"]);
}

#[test]
fn what_an_editor_adds_changes_nothing() {
    let plain = Project::reference();
    for spec in [format!("\u{feff}{REFERENCE}"), REFERENCE.replace('\n', "\r\n")] {
        let project = Project::new(spec);
        let run = project.run(&["render"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(project.outputs(), plain.outputs());
    }
    // A byte order mark has no column.
    refused(&Project::new("\u{feff}x = 1\r\n"), &["error[unknown-key]", "stack.toml:1:1"]);
}

#[test]
fn nesting_without_an_end() {
    for nested in [
        "[".repeat(LONG),
        format!("{SPEC}command = {}", "[".repeat(LONG)),
        format!("a{} = 1", ".a".repeat(LONG / 2)),
        format!("[a{}]", ".a".repeat(LONG / 2)),
        format!("{SPEC}x-x = {}", "{a=".repeat(LONG / 3)),
        format!("{SPEC}x-x = {}1{}", "{a=".repeat(LONG / 4), "}".repeat(LONG / 4)),
    ] {
        let run = Project::new(nested).run(&["check"]);
        assert_eq!(run.code, Some(2), "{}", shown(&run));
        said(&run, &["error[toml-syntax]", "spec/stack.toml:"]);
    }
}

#[test]
fn nesting_is_reported_where_it_is() {
    for nested in
        [format!("a{} = 1", ".a".repeat(100)), format!("[a{}]", ".a".repeat(100)), format!("a={}", "[".repeat(100))]
    {
        let run = Project::new(format!("{SPEC}{nested}\n")).run(&["check"]);
        assert_eq!(run.code, Some(2), "{}", shown(&run));
        said(&run, &["error[toml-syntax]", "recurs", "spec/stack.toml:8:", "help: reduce the nesting"]);
    }
}

/// A spec with one file, of a template in `spec/t.j2`.
fn with_template(text: impl AsRef<[u8]>) -> Project {
    let project = Project::new(format!("{SPEC}[files.\"a.yaml\"]\ntemplate = \"spec/t.j2\"\n"));
    project.write("spec/t.j2", text);
    project
}

#[test]
fn templates_that_never_end_or_grow_without_bounds() {
    const MANY: usize = 20_000;
    let doubled =
        format!("{{% set a = [1] %}}{{% set b = [1] %}}{}", "{% set a = [a, a] %}{% set b = [b, b] %}".repeat(60));
    let in_tag = |piece: &str, end: &str| format!("{{= {}{end} =}}", piece.repeat(60_000 / piece.len()));
    for template in [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}".to_owned(),
        format!("{{% for a in range(100000) %}}{}{{% endfor %}}", "x".repeat(60_000)),
        format!("{{% set a %}}{{% for a in range(100000) %}}{}{{% endfor %}}{{% endset %}}", "x".repeat(60_000)),
        format!("{{% set a = 'xxxx' %}}{}{{= a =}}", "{% set a = a ~ a %}".repeat(1_000)),
        "{% for x in [1] recursive %}{= loop([x, x]) =}{% endfor %}".to_owned(),
        "{= 'x' * 99999999 =}".to_owned(),
        "{= '=}' ~ ([1] * 99999999) =}".to_owned(),
        "{= 'x'|indent(99999999, true) =}".to_owned(),
        "{= '%99999999d'|format(1) =}".to_owned(),
        "{= [1]|batch(99999999, 'x') =}".to_owned(),
        "{= range(100000)|map('string')|join('x')|replace('x', 'y' ~ range(1000)) =}".to_owned(),
        format!("{doubled}{{= a == b =}}"),
        format!("{doubled}{{= a|string =}}"),
        format!("{doubled}{{= a =}}"),
        in_tag("1-", "1"),
        in_tag("-", "1"),
        in_tag("not ", "x"),
        in_tag("(", "x"),
        in_tag("[", "x"),
        in_tag("1 if 1 else ", "x"),
        format!("{{= x{} =}}", "|string".repeat(8_000)),
        format!("{{= x{} =}}", ".a".repeat(MANY)),
        "{% if 1 %}".repeat(6_000),
        "{= ".repeat(MANY),
        "{#".repeat(MANY),
        "{= '\\".repeat(MANY / 2),
    ] {
        let shown_template: String = template.chars().take(80).collect();
        let run = with_template(&template).run(&["check"]);
        // One that ends is out of date.
        if run.code != Some(1) {
            assert_eq!(run.code, Some(2), "{shown_template}: {}", shown(&run));
            said(&run, &["error[invalid-template]", "spec/t.j2:"]);
        }
    }
}

#[test]
fn templates_that_are_no_files_of_the_spec() {
    let project = with_template("a");
    project.write("outside", "a secret");
    project.write("spec/.hidden", "a secret");
    for (what, prepare) in [
        ("it is a link that leads out of the project", "/etc/hostname"),
        ("it is a link to a hidden file", ".hidden"),
        ("it is not a file", "/dev/zero"),
    ] {
        let path = project.path("spec/t.j2");
        std::fs::remove_file(&path).unwrap();
        symlink(prepare, &path).unwrap();
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{}", shown(&run));
        said(&run, &["error[unreadable-template]", if prepare == "/dev/zero" { "out of the project" } else { what }]);
        assert!(!run.stderr.contains("a secret"));
    }
    let large = with_template("x".repeat(64 * 1024 + 1));
    refused(&large, &["error[unreadable-template]", "it has more than 65536 bytes"]);
    refused(&with_template(b"\xff"), &["error[unreadable-template]", "it is not valid UTF-8"]);
    for path in ["/etc/hostname", "spec/../outside", "outside", "spec/t.j2/below", ""] {
        let spec = format!("{SPEC}[files.\"a.yaml\"]\ntemplate = \"{path}\"\n");
        refused(&Project::new(spec), &["error[unreadable-template]", "stack.toml:"]);
    }
}

fn repeated(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

/// A spec with so many services, each with a line of its own.
fn services(count: usize, line: impl Fn(usize) -> String) -> String {
    let service = |index| format!("[services.service-{index:05}]\nimage = \"nginx:1.29\"\n{}\n", line(index));
    format!("[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n{}", repeated(count, service))
}

#[test]
fn twenty_thousand_of_each_mistake() {
    const MANY: usize = 20_000;
    let tables =
        |table: &str, keys: &str| -> String { repeated(MANY, |index| format!("[{table}.known-{index:05}]\n{keys}\n")) };
    let next = |index: usize| (index + 1) % MANY;
    for (code, spec) in [
        ("unknown-service", services(MANY, |index| format!("depends_on = [\"servcie-{index:05}\"]"))),
        ("unknown-service", services(MANY, |index| format!("links = [\"servcie-{index:05}\"]"))),
        ("unknown-service", services(MANY, |index| format!("environment.A = \"${{servcie-{index:05}.http}}\""))),
        ("dependency-cycle", services(MANY, |index| format!("depends_on = [\"service-{:05}\"]", next(index)))),
        (
            "dependency-cycle",
            services(MANY, |index| format!("depends_on = [\"service-{:05}\", \"service-00000\"]", next(index))),
        ),
        ("dependency-cycle", services(MANY, |index| format!("network_mode = \"service:service-{:05}\"", next(index)))),
        (
            "unknown-network",
            services(MANY, |index| format!("networks = [\"konwn-{index:05}\"]")) + &tables("networks", ""),
        ),
        (
            "unknown-secret",
            services(MANY, |index| format!("secrets = [\"konwn-{index:05}\"]")) + &tables("secrets", "file = \"x\""),
        ),
        (
            "undeclared-volume",
            services(MANY, |index| format!("volumes = [\"konwn-{index:05}:/x\"]")) + &tables("volumes", ""),
        ),
        ("undeclared-variable", services(MANY, |index| format!("environment.A = \"${{KONWN_{index:05}}}\""))),
        ("unknown-key", services(MANY, |index| format!("imgae-{index:05} = 1"))),
        ("port-clash", services(MANY, |_| "ports.http = { published = 80, target = 80 }".to_owned())),
        (
            "nothing-to-remove",
            services(MANY, |_| String::new()).replace(
                "[profiles.dev]",
                &format!(
                    "[profiles.dev]\nremove = [{}]",
                    repeated(MANY, |index| format!("\"services.servcie-{index:05}\","))
                ),
            ),
        ),
    ] {
        let run = Project::new(spec).run(&["check"]);
        assert_eq!(run.code, Some(2), "{code}: {}", shown(&run));
        assert!(run.stderr.contains(&format!("error[{code}]")), "{code}: {}", shown(&run));
        assert!(run.stderr.len() < 128 * 1024, "{code}: {} bytes", run.stderr.len());
    }
}

#[test]
fn a_cycle_is_shown_in_part() {
    let cycle = |count| services(count, |index| format!("depends_on = [\"service-{:05}\"]", (index + 1) % count));
    let whole = Project::new(cycle(8)).run(&["check"]).stderr;
    assert!(whole.contains("dependency cycle: `service-00000` → "), "{whole}");
    assert!(whole.contains(" → `service-00007` → `service-00000`\n"), "{whole}");
    let part = Project::new(cycle(1_000)).run(&["check"]).stderr;
    assert!(part.contains("dependency cycle of 1000 services: `service-00000` → `service-00001` → "), "{part}");
    assert!(part.contains(" → `service-00007` → … → `service-00000`\n"), "{part}");
    assert!(part.contains("`service-00999` waits for `service-00000`"), "{part}");
    assert!(part.len() < SHORT, "{} bytes", part.len());
}

#[test]
fn memory_grows_with_the_text_and_not_with_its_lines() {
    const MEGABYTES: usize = 1 << 20;
    for (what, spec, code) in [
        ("newlines", format!("{SPEC}{}", "\n".repeat(12 * MEGABYTES)), 1),
        ("comments", format!("{SPEC}{}", "#\n".repeat(6 * MEGABYTES)), 1),
        ("newlines in a string", format!("{SPEC}command = \"\"\"{}\"\"\"", "\n".repeat(12 * MEGABYTES)), 1),
        ("keys without values", "x\n".repeat(6 * MEGABYTES), 2),
        ("one key", "x=1\n".repeat(3 * MEGABYTES), 2),
        ("dots", format!("a{} = 1", ".a".repeat(6 * MEGABYTES)), 2),
        ("brackets", "[".repeat(12 * MEGABYTES), 2),
        ("items of a list", format!("{SPEC}command = [{}]", "1,".repeat(6 * MEGABYTES)), 2),
    ] {
        let project = Project::new(spec);
        let mut command = std::process::Command::new("sh");
        let limited = format!("ulimit -v {}; exec \"$0\" check", 260 * 1024);
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_gen")]).current_dir(project.root());
        // The allocator reserves a gigabyte of addresses at once, which the limit counts though they are not memory.
        command.env("MIMALLOC_DISALLOW_ARENA_ALLOC", "1");
        let run: Run = command.output().unwrap().into();
        assert_eq!(run.code, Some(code), "{what}: {}", shown(&run));
    }
}

#[test]
fn a_large_text_with_a_mistake_is_reported_where_it_is() {
    let many = repeated(200_000, |index| format!("x-{index} = 1\n"));
    for (mistake, parts) in [
        ("y = \n", &["error[toml-syntax]", "spec/stack.toml:200008:5"][..]),
        ("x-7 = 2\n", &["error[toml-syntax]", "duplicate key", "spec/stack.toml:200008:"]),
        ("[services.web]\n", &["error[toml-syntax]", "duplicate key", "spec/stack.toml:200008:"]),
        ("y = 'a\n", &["error[toml-syntax]", "spec/stack.toml:200008:"]),
        ("y = 1979-05-27\n", &["error[toml-syntax]", "dates", "spec/stack.toml:200008:"]),
    ] {
        refused(&Project::new(format!("{SPEC}{many}{mistake}z = 1\n")), parts);
    }
}

#[test]
fn a_lock_that_another_process_holds() {
    let project = Project::reference();
    let holder = File::open(project.root()).unwrap();
    for (arguments, shared) in [(&["check"][..], false), (&["render"], true), (&["fmt"], true), (&["man", "."], true)] {
        if shared { holder.lock_shared() } else { holder.lock() }.unwrap();
        project.replace("spec/stack.toml", "[stack]\n", "[stack]\n\n");
        let mut child = project.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("waiting for process {} (`", std::process::id())), "{arguments:?}: {line}");
        assert!(line.contains("`, started "), "{line}");
        assert!(child.try_wait().unwrap().is_none(), "{arguments:?} did not wait");
        holder.unlock().unwrap();
        let code = child.wait().unwrap().code();
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        assert_eq!((code, rest.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

/// The outputs of each profile have a lock of their own, which the same process holds.
#[test]
fn a_lock_that_is_never_given_back_is_waited_for_once() {
    let project = Project::reference();
    let holder = File::open(project.root()).unwrap();
    holder.lock().unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_eq!((run.stderr.matches("waiting for").count(), run.stderr.matches("error").count()), (1, 1), "{run:?}");
}

#[test]
fn what_a_killed_command_left_is_swept_by_the_next() {
    for arguments in [&["render"][..], &["fmt"], &["new", "service", "web", "--image", "nginx:1.29"]] {
        let project = Project::reference();
        let left = ["spec/.gen-4711-0.new", "spec/dashboards/.gen-aB3dE6.new"];
        for path in left {
            project.write(path, "[sta");
        }
        assert_eq!(project.run(&["check"]).code, Some(0));
        let run = project.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:?}");
        for path in left {
            assert!(!project.path(path).exists(), "{arguments:?}: {path}");
        }
    }
    let whole = Project::empty();
    assert_eq!(whole.run(&["init", "--example", "temporal-dsql"]).code, Some(0));
    let half = Project::empty();
    half.write(DASHBOARDS[0].0, DASHBOARDS[0].1);
    half.write("spec/.gen-4711-1.new", "[sta");
    let run = half.run(&["init", "--example", "temporal-dsql"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(half.read("spec/stack.toml"), whole.read("spec/stack.toml"));
    assert!(!half.path("spec/.gen-4711-1.new").exists());
}

#[test]
fn a_folder_of_dashboards_with_other_files() {
    let project = Project::reference();
    for name in [&b"caf\xe9.md"[..], b"notes.txt"] {
        std::fs::write(project.path("spec/dashboards").join(OsStr::from_bytes(name)), "").unwrap();
    }
    assert_eq!(project.run(&["check"]).code, Some(0));
    std::fs::write(project.path("spec/dashboards").join(OsStr::from_bytes(b"caf\xe9.toml")), "").unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    said(&run, &["cannot read `spec/dashboards`: the file name `caf\u{fffd}.toml` is not valid UTF-8"]);

    let many = Project::new(SPEC);
    for index in 0..1_001 {
        many.write(&format!("spec/dashboards/d{index}.toml"), "");
    }
    refused(&many, &["error[spec-too-large]", "the spec is too large: 1002 files", "the limit is 1000 files"]);
    // The main file is not one of them.
    std::fs::remove_file(many.path("spec/dashboards/d0.toml")).unwrap();
    let run = many.run(&["check"]);
    assert!(!run.stderr.contains("spec-too-large") && run.stderr.contains("missing-key"), "{}", shown(&run));
}

#[test]
fn a_file_in_the_place_of_the_dashboards() {
    let project = Project::new(SPEC);
    project.write("spec/dashboards", "");
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    said(&run, &["cannot read `spec/dashboards`"]);
}

#[test]
fn an_include_that_leads_to_itself() {
    let project = Project::new(format!("include = [\"a.toml\"]\n{SPEC}"));
    symlink("b.toml", project.path("spec/a.toml")).unwrap();
    symlink("a.toml", project.path("spec/b.toml")).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    said(&run, &["cannot read `spec/a.toml`"]);
}

#[test]
fn a_syntax_error_hides_the_mistakes_of_its_own_table() {
    let service = |name: &str, line: &str| format!("[services.{name}]\nimage = \"a:1\"\nnope = 1\n{line}\n");
    let run = Project::new(format!("{SPEC}{}{}{}", service("a1", ""), service("b1", "x = "), service("c1", "")))
        .run(&["check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let found = report["diagnostics"].as_array().unwrap().iter();
    let found: Vec<_> =
        found.map(|one| (one["code"].as_str().unwrap(), one["labels"][0]["line"].as_u64().unwrap())).collect();
    assert_eq!(found, [("unknown-key", 10), ("toml-syntax", 15), ("unknown-key", 18)]);
}

#[test]
fn a_manifest_that_is_unreadable() {
    let project = Project::reference();
    std::fs::remove_file(project.path("generated/dev/manifest.sha256")).unwrap();
    std::fs::create_dir(project.path("generated/dev/manifest.sha256")).unwrap();
    project.write("generated/dev/docker-compose.yml", "edited");
    for command in ["check", "render"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, Some(3), "{run:?}");
        said(&run, &["cannot read `generated/dev/manifest.sha256`: is a directory"]);
        assert!(!run.stdout.contains("not listed"), "{run:?}");
    }
    assert!(project.run(&["check"]).stdout.ends_with(" no difference; others could not be compared\n"));
    let report = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&project.run(&[&["check", "--format", "json"], arguments].concat()).stdout).unwrap()
    };
    let error = "cannot read `generated/dev/manifest.sha256`: is a directory";
    assert_eq!(report(&[])["errors"], serde_json::json!([error]));
    assert_eq!(report(&["--all"])["projects"][0]["errors"], serde_json::json!([error]));
    let run = project.run(&["check", "--format", "github"]);
    assert!(run.stdout.starts_with(&format!("::error title=not compared::{error}\n")), "{run:?}");
    assert_eq!(project.read("generated/dev/docker-compose.yml"), "edited");
}

#[test]
fn a_spec_behind_a_link_out_of_the_project() {
    let (outside, project) = (Project::new(SPEC), Project::empty());
    symlink(outside.path("spec"), project.path("spec")).unwrap();
    let run = project.run(&["render"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert!(!project.path("generated").exists() && !outside.path("spec/stack.schema.json").exists(), "{run:?}");
}

#[test]
fn an_import_next_to_a_spec_that_cannot_be_read() {
    let project = Project::empty();
    project.write("spec/stack.toml/inside", "");
    project.write("dashboard.json", r#"{"title": "T", "schemaVersion": 39, "panels": []}"#);
    let run = project.run(&["import", "dashboard", "dashboard.json", "--output", "new.toml"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    said(&run, &["cannot read `spec/stack.toml`: not a regular file"]);
    assert!(!project.path("new.toml").exists());
}

#[test]
fn one_long_line() {
    let long = "x".repeat(LONG);
    for (line, code) in [
        (format!("restart = \"{long}\""), "unknown-value"),
        (format!("hostname = \"{long}\""), "invalid-name"),
        (format!("{long} = 1"), "unknown-key"),
        (format!("ports.http = {}", long.replace('x', "9")), "number-out-of-range"),
        (format!("user = \"${{{long}}}\""), "undeclared-variable"),
        (format!("shm_size = \"{long}\""), "invalid-size"),
        (format!("depends_on = [\"{long}\"]"), "unknown-service"),
    ] {
        let run = Project::new(format!("{SPEC}{line}\n")).run(&["check"]);
        assert_eq!(run.code, Some(2), "{}", shown(&run));
        said(&run, &[&format!("error[{code}]"), "spec/stack.toml:8:"]);
    }
    // Long, and right.
    let run = Project::new(format!("{SPEC}description = \"{long}\"\n")).run(&["check"]);
    assert_eq!(run.code, Some(1), "{}", shown(&run));
}

#[test]
fn the_column_in_a_long_line() {
    let line = format!("environment = {{ A = \"{}\", B = \"${{nope.http}}\" }}", "x".repeat(5_000));
    let run = Project::new(format!("{SPEC}{line}\n")).run(&["check"]);
    said(&run, &["error[unknown-service]", "spec/stack.toml:8:5030\n"]);
}

#[test]
fn hundreds_of_thousands_of_problems() {
    for line in ["x", "x = 1", "user = \"$A$A$A$A\"", "[services.a]\nx", "tty = true"] {
        let spec = format!("{SPEC}{}", format!("{line}\n").repeat(LONG / 10 / (line.len() + 1)));
        let run = Project::new(spec).run(&["check"]);
        assert_eq!(run.code, Some(2), "{line}: {}", shown(&run));
        assert!(!run.stderr.contains("panicked"), "{line}: {}", shown(&run));
        assert!(run.stderr.len() < 64 * 1024, "{line}: {} bytes", run.stderr.len());
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let project = Project::new("");
    // A hole takes no space on disk.
    let file = std::fs::File::create(project.path("spec/stack.toml")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    refused(&project, &["error[spec-too-large]", "`spec/stack.toml` is too large: 67108865 bytes"]);
    // The limit itself is allowed: what is wrong is that there is nothing but zeros.
    file.set_len(64 << 20).unwrap();
    let run = project.run(&["check"]);
    assert_eq!(run.code, Some(2), "{}", shown(&run));
    said(&run, &["error[toml-syntax]"]);
}

#[test]
fn names_that_are_no_names() {
    for name in ["a/b", "../web", "..", ".", "", "a b", "Web", "-a", "wéb", "a\\u0000b", "a\\nb", "a\\u202eb"] {
        for (table, rest) in [("services", "image = \"nginx:1.29\""), ("profiles", "")] {
            // Compose accepts it.
            if (table, name) == ("services", "Web") {
                continue;
            }
            let project = Project::new(format!("{SPEC}\n[{table}.\"{name}\"]\n{rest}\n"));
            let run = project.run(&["render"]);
            assert_eq!(run.code, Some(2), "{table} {name}: {}", shown(&run));
            said(&run, &["spec/stack.toml:9:"]);
            assert!(!project.path("generated").exists() && !project.path("terraform").exists(), "{table} {name}");
        }
    }
}

#[test]
fn no_spec_at_all() {
    let run = Project::empty().run(&["check"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    said(&run, &["could not find `spec/stack.toml`"]);
    refused(&Project::new(""), &["error[no-profile]", "`[profiles.dev]`", "error[missing-key]", "spec/stack.toml:1:1"]);
    refused(&Project::new("# nothing"), &["error[no-profile]"]);
}

#[test]
fn a_folder_in_the_place_of_the_spec() {
    let project = Project::empty();
    project.write("spec/stack.toml/inside", "");
    for command in ["check", "render"] {
        let run = project.run(&[command]);
        assert_eq!(run.code, Some(3), "{run:?}");
        said(&run, &["cannot read `spec/stack.toml`", "not a regular file"]);
    }
}

#[test]
fn includes_of_what_is_no_file_of_the_spec() {
    for (include, title) in [
        ("/etc/passwd", "invalid include `/etc/passwd`"),
        ("../stack.toml", "invalid include `../stack.toml`"),
        ("a/../../x.toml", "invalid include `"),
        ("./x.toml", "invalid include `./x.toml`"),
        ("a\\\\b.toml", "invalid include `"),
        ("", "invalid include ``"),
        ("stack.toml", "the spec includes itself"),
        ("missing.toml", "`spec/missing.toml` does not exist"),
        ("folder", "`spec/folder` is not a file"),
        ("folder/inside.toml/x", "`spec/folder/inside.toml/x` does not exist"),
        ("a\\nb", "invalid include `"),
        ("a\\u0000b", "control character"),
        (&"x".repeat(5_000), "does not exist"),
    ] {
        let project = Project::new(format!("include = [\"{include}\"]\n{SPEC}"));
        project.write("spec/folder/inside.toml", "");
        let run = project.run(&["check"]);
        assert_eq!(run.code, Some(2), "{include}: {}", shown(&run));
        said(&run, &[title, "spec/stack.toml:1:12"]);
    }
    let nested = Project::new(format!("include = [\"a.toml\", \"a.toml\"]\n{SPEC}"));
    nested.write("spec/a.toml", "include = [\"b.toml\"]\n");
    refused(&nested, &["duplicate include `spec/a.toml`", "stack.toml:1:22", "first included here"]);
    nested.replace("spec/stack.toml", ", \"a.toml\"", "");
    refused(&nested, &["an included file cannot include other files", "spec/a.toml:1:1"]);
    refused(&Project::new(format!("include = \"a.toml\"\n{SPEC}")), &["error[wrong-type]", "stack.toml:1:11"]);
}

#[test]
fn outputs_behind_a_link_out_of_the_project() {
    let outside = Project::empty();
    outside.write("kept", "kept");
    for link in ["generated", "generated/dev", "terraform"] {
        let project = Project::new(REFERENCE);
        let path = project.path(link);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(outside.root(), &path).unwrap();
        for arguments in [&["check"][..], &["render"], &["render", "--force"]] {
            let run = project.run(arguments);
            assert_eq!(run.code, Some(3), "{link} {arguments:?}: {}", shown(&run));
            said(&run, &[link, "leads to"]);
        }
        assert_eq!(std::fs::read_dir(outside.root()).unwrap().count(), 1, "{link}");
        assert_eq!(outside.read("kept"), "kept");
    }
}

#[test]
fn a_profile_whose_folder_is_a_link_inside_the_project() {
    let project = Project::new(REFERENCE);
    project.write("elsewhere/README.md", "somebody's");
    std::fs::create_dir(project.path("generated")).unwrap();
    symlink("../elsewhere", project.path("generated/dev")).unwrap();
    let run = project.run(&["render"]);
    // Whatever is done with the link, nothing of somebody else is lost.
    assert_eq!(project.read("elsewhere/README.md"), "somebody's", "{run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    assert_ne!(run.code, Some(0), "{run:?}");
}

mod mutations {
    //! The reference spec, with pieces lost, repeated and replaced.

    use proptest::prelude::*;
    use stackgen::spec::source::Sources;

    use super::REFERENCE;

    /// What a slip or a merge does to a text.
    #[derive(Debug, Clone)]
    enum Mutation {
        DeleteLine(usize),
        RepeatLine(usize),
        SwapLines(usize, usize),
        ReplaceToken(usize, String),
        DeleteToken(usize),
        Insert(usize, String),
        Cut(usize),
    }

    fn fragment() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "",
                "=",
                "[",
                "]",
                "[[",
                "{",
                "}",
                "\"",
                "'",
                "\"\"\"",
                "#",
                ".",
                ",",
                "\n",
                "\\",
                "$",
                "${",
                "${A}",
                "${a.b}",
                "${a.b.port}",
                "$$",
                "0",
                "-1",
                "1e9",
                "99999999999999999999",
                "true",
                "1979-05-27",
                "[profiles.x]",
                "include = [\"x\"]",
                "remove = [\"services\"]",
                "kind = \"loki\"",
                "[services.x]",
                "\u{feff}",
                "é",
                "\u{0}",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,8}",
        ]
    }

    fn mutation() -> impl Strategy<Value = Mutation> {
        let at = any::<usize>;
        prop_oneof![
            at().prop_map(Mutation::DeleteLine),
            at().prop_map(Mutation::RepeatLine),
            (at(), at()).prop_map(|(a, b)| Mutation::SwapLines(a, b)),
            (at(), fragment()).prop_map(|(a, text)| Mutation::ReplaceToken(a, text)),
            at().prop_map(Mutation::DeleteToken),
            (at(), fragment()).prop_map(|(a, text)| Mutation::Insert(a, text)),
            at().prop_map(Mutation::Cut),
        ]
    }

    /// The bytes of one word, number or sign.
    fn token(text: &str, at: usize) -> std::ops::Range<usize> {
        let mut tokens: Vec<usize> = Vec::new();
        let mut inside = false;
        for (offset, c) in text.char_indices() {
            let word = c.is_alphanumeric() || c == '_' || c == '-';
            if !(word && inside) {
                tokens.push(offset);
            }
            inside = word;
        }
        tokens.push(text.len());
        let index = at % (tokens.len() - 1).max(1);
        tokens[index]..tokens.get(index + 1).copied().unwrap_or(text.len())
    }

    fn mutate(text: &mut String, mutation: &Mutation) {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let count = lines.len().max(1);
        match mutation {
            Mutation::DeleteLine(at) if !lines.is_empty() => {
                lines.remove(at % count);
                *text = lines.concat();
            }
            Mutation::RepeatLine(at) if !lines.is_empty() => {
                lines.insert(at % count, lines[at % count]);
                *text = lines.concat();
            }
            Mutation::SwapLines(a, b) if !lines.is_empty() => {
                lines.swap(a % count, b % count);
                *text = lines.concat();
            }
            Mutation::ReplaceToken(at, new) => text.replace_range(token(text, *at), new),
            Mutation::DeleteToken(at) => text.replace_range(token(text, *at), ""),
            Mutation::Insert(at, new) => text.insert_str(token(text, *at).start, new),
            Mutation::Cut(at) => text.truncate(token(text, *at).start),
            _ => {}
        }
    }

    fn plan(text: String) {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", text);
        match stackgen::plan(&sources, None) {
            // What the resolver accepts, every template can print.
            Ok(plans) => {
                for plan in &plans {
                    for file in plan.files() {
                        assert!(file.is_ok(), "{:?}", file.map(|file| file.path));
                    }
                }
            }
            Err(diagnostics) => {
                assert!(!diagnostics.is_empty());
                for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
                    let text = &sources.file(label.span).unwrap().text;
                    assert!(label.span.start <= label.span.end && label.span.start as usize <= text.len());
                }
                for diagnostic in &diagnostics {
                    assert!(!diagnostic.title.is_empty() && diagnostic.title.len() < 1_100, "{diagnostic:?}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_mutated_spec_is_planned_or_refused(mutations in prop::collection::vec(mutation(), 1..6)) {
            let mut text = REFERENCE.to_owned();
            for mutation in &mutations {
                mutate(&mut text, mutation);
            }
            plan(text);
        }

        #[test]
        fn any_text_is_planned_or_refused(text in "(\\PC|\n|[\\[\\]{}=\"'.,$#]){0,200}") {
            plan(text);
        }
    }
}

#[test]
fn ranges_of_ports_stay_small() {
    let services = repeated(100, |index| format!("[services.s{index}]\nimage = \"a:1\"\nports = [\"1-65535\"]\n"));
    refused(
        &Project::new(format!("[stack]\nname = \"x\"\n[profiles.dev]\n{services}")),
        &["error[spec-too-large]", "too many ports in ranges", "the limit is 100000 ports"],
    );
}

#[test]
fn profiles_copy_only_so_much() {
    let spec = |profiles: usize, count: usize| {
        let profiles = repeated(profiles, |index| format!("[profiles.p{index}]\n"));
        Project::new(services(count, |_| String::new()) + &profiles)
    };
    refused(
        &spec(4_000, 1_000),
        &["error[spec-too-large]", "4001 profiles copy too much", "spec/stack.toml:", "the limit is 33554432 bytes"],
    );
    // One of them is no copy.
    for arguments in [&["list", "services", "--profile", "p9"][..], &["model", "--profile", "p0"]] {
        assert_eq!(spec(4_000, 100).run(arguments).code, Some(0));
    }
}

#[test]
fn a_graph_that_nobody_could_read_is_not_drawn() {
    let all = |index: usize| {
        let names: Vec<String> = (0..index).map(|index| format!("\"service-{index:05}\"")).collect();
        format!("depends_on = [{}]", names.join(", "))
    };
    let project = Project::new(services(300, all));
    let run = project.run(&["graph", "--format", "svg"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", shown(&run));
    said(&run, &["too many lines between 300 services for a drawing", "--focus"]);
    assert_eq!(project.run(&["graph", "--format", "dot"]).code, Some(0));
    // Those of a hundred are drawn.
    assert_eq!(Project::new(services(100, all)).run(&["graph", "--format", "svg"]).code, Some(0));
}

/// Git would wait for the other end for ever.
#[test]
fn a_pipe_among_the_files_of_git_is_not_opened() {
    for path in [".git/HEAD", ".git/packed-refs", ".git/refs/heads/main"] {
        let repository = Repository::new(SHOP);
        let pipe = repository.project.path(path);
        let _ = std::fs::remove_file(&pipe);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let run = repository.project.run(&["review"]);
        assert_eq!(run.code, Some(3), "{path}: {}", shown(&run));
        said(&run, &[path, "is not a regular file"]);
    }
}

#[test]
fn a_change_that_can_not_be_shown_is_told() {
    let project = Project::new(SPEC);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let run: Run = project.command(&["new", "service", "q", "--image", "x:1"]).stdout(full).output().unwrap().into();
    assert_eq!(run.code, Some(3), "{}", shown(&run));
    said(&run, &["cannot write the output", "the change is in `spec/stack.toml`"]);
    assert!(project.read("spec/stack.toml").contains("[services.q]"));
}

#[test]
fn an_import_of_unused_variables_takes_linear_time() {
    let project = Project::new(SPEC);
    let variable = |index| format!("{{\"name\": \"v{index}\", \"type\": \"textbox\", \"query\": \"$v{}\"}}", index + 1);
    let variables: Vec<String> = (0..20_000).map(variable).collect();
    project.write(
        "board.json",
        format!("{{\"title\": \"x\u{202e}\", \"templating\": {{\"list\": [{}]}}}}", variables.join(",")),
    );
    // With quadratic time this would take minutes.
    let run = project.run(&["import", "dashboard", "board.json"]);
    // The stack has no Grafana.
    assert_eq!(run.code, Some(2), "{}", shown(&run));
    assert_eq!(run.stderr.matches("dropped: variable `v").count(), 20_000, "{}", shown(&run));
    assert!(!run.stdout.contains("[variables") && run.stdout.contains("\\U0000202E"), "{}", run.stdout);
}

/// What is small in the spec may be large in all profiles and services together.
#[test]
fn products_are_limited() {
    let many = |count: u32, each: &dyn Fn(u32) -> String| (0..count).map(each).collect::<Vec<_>>().concat();
    let profiles = many(100, &|n| format!("[profiles.p{n}]\n"));
    let head = "[stack]\nname = \"x\"\n";
    let ports = format!("[services.a]\nimage = \"a:1\"\nports = [\"1-{}\"]\n", 60_000);
    let run = Project::new(format!("{head}{profiles}{ports}")).run(&["check"]);
    assert!(run.stderr.contains("error[spec-too-large]") && run.stderr.contains("too many ports"), "{run:?}");

    // A kind's files, and what it gives each of its services.
    let services = many(200, &|n| format!("[services.s{n}]\nkind = \"big\"\n"));
    let spec = format!("{head}[profiles.dev]\n[images]\nbig = \"big:1\"\n{services}");
    let files = many(50, &|n| format!("[files.\"${{self}}/{n}.yaml\"]\ntemplate = \"t.yaml\"\ntarget = \"/f{n}\"\n"));
    let project = Project::new(&spec);
    project.write("spec/kinds/big/kind.toml", format!("title = \"Big\"\n{files}"));
    project.write("spec/kinds/big/t.yaml", "# a comment\n".repeat(5_000));
    let run = project.run(&["check"]);
    assert!(run.stderr.contains("error[spec-too-large]") && run.stderr.contains("bytes of templates"), "{run:?}");
    // A build that many services have.
    let arguments = many(2_000, &|n| format!("A{n} = \"value\"\n"));
    let users = many(2_000, &|n| format!("[services.u{n}]\nimage = \"app\"\n"));
    let spec = format!(
        "{head}[profiles.dev]\n[images.app]\nref = \"app:1\"\nbuild.context = \".\"\n[images.app.build.args]\n{arguments}{users}"
    );
    let run = Project::new(spec).run(&["check"]);
    assert!(run.stderr.contains("error[spec-too-large]") && run.stderr.contains("the builds of its images"), "{run:?}");
    let variables = many(2_000, &|n| format!("V{n} = \"value\"\n"));
    let project = Project::new(format!("{head}{profiles}[images]\nbig = \"big:1\"\n{services}"));
    project.write("spec/kinds/big/kind.toml", format!("title = \"Big\"\n[service.environment]\n{variables}"));
    let run = project.run(&["check"]);
    assert!(run.stderr.contains("error[spec-too-large]") && run.stderr.contains("copied too often"), "{run:?}");
}

/// Compose would load or obey it without being told.
#[test]
fn what_compose_loads_by_itself_is_no_output() {
    let head = "[stack]\nname = \"x\"\n[profiles.dev]\n[services.a]\nimage = \"a:1\"\n";
    for name in ["docker-compose.override.yml", "compose.yaml", "Compose.Override.yaml"] {
        let project = Project::new(format!("{head}[files.\"{name}\"]\ntemplate = \"spec/files/x\"\n"));
        project.write("spec/files/x", "services: {}\n");
        let run = project.run(&["check"]);
        assert!(run.stderr.contains("error[output-clash]"), "{name}: {run:?}");
    }
    let variable = "[env.COMPOSE_FILE]\ndescription = \"x\"\ndefault = \"docker-compose.yml:../../evil.yml\"\n";
    let run = Project::new(format!("{head}{variable}")).run(&["check"]);
    assert!(run.stderr.contains("variable `COMPOSE_FILE` is reserved for Compose"), "{run:?}");
}

#[test]
fn an_import_of_nonsense_keeps_its_notes_short() {
    let project = Project::empty();
    project.write("d.json", format!("{{\"title\": \"t\", \"panels\": [{}1]}}", "1,".repeat(150_000)));
    let run = project.run(&["import", "dashboard", "d.json"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.contains(" more notes like these\n"), "{}", &run.stderr[run.stderr.len() - 300..]);
    assert!(run.stderr.lines().count() < 100_100);
}
