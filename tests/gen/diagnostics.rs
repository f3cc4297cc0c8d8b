//! Every mistake in a spec is shown with its places and a way out.
//!
//! `tests/specs/<name>/` is the `spec/` folder of a project; what the binary says of it stands in
//! `tests/snapshots/<name>.snap`. A folder is named for the code of its diagnostic, and after a `--` for what is
//! special about it. Where there are only dashboards, the rest is `tests/dashboards/stack.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use stackgen::codes;

use super::project::Project;

/// Codes that no `stack.toml` alone can show: `hostile.rs` and `profiles.rs` have their tests, and
/// `warnings.snap` the rest.
const ELSEWHERE: [&str; 7] = [
    "invalid-compose",
    "literal-secret",
    "not-utf8",
    "secret-in-command",
    "spec-too-large",
    "unknown-profile",
    "yaml-syntax",
];

#[test]
fn each_wrong_spec_has_its_diagnostic() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::glob!("../specs", "*", |folder| {
            let name = folder.file_name().unwrap().to_str().unwrap();
            // The pattern matches the base itself, too.
            if name == "specs" {
                return;
            }
            let project = Project::new(include_str!("../dashboards/stack.toml"));
            for file in files(folder) {
                let below = file.strip_prefix(folder).unwrap().to_str().unwrap();
                project.write(&format!("spec/{below}"), fs::read(&file).unwrap());
            }
            let run = project.run(&["check", "--deny", "warnings"]);
            assert_eq!(run.code, Some(2), "{name}: {run:?}");
            assert_eq!(run.stdout, "", "{name}");
            assert!(run.stderr.contains(&format!("error[{}]", code(name))), "{name}: {}", run.stderr);
            insta::with_settings!({ snapshot_suffix => "" }, {
                insta::assert_snapshot!(name, run.stderr);
            });
        });
    });
}

/// A warning is shown on standard error, and stops nothing.
#[test]
fn what_looks_wrong_is_a_warning() {
    let spec = r#"
[stack]
name = "shop"
[profiles.dev]
[profiles.live]
[services.web]
image = "nginx:1.29"
command = ["serve", "--token", "${TOKEN}"]
environment = { DB_PASSWORD = "hunter2", DATABASE = "postgres://me:hunter2@db/shop", TOKEN = "${TOKEN}", TOKEN_TTL = "3600" }
labels.token = "x-${TOKEN}"
build = { context = ".", args = { TOKEN = "${TOKEN}" } }
healthcheck.test = ["CMD", "probe", "${TOKEN}"]
[env.TOKEN]
description = "Token"
secret = true
[env.API_KEY]
description = "Key"
default = "abcdef"
[services.db]
image = "postgres:18.1"
environment = ["POSTGRES_PASSWORD_FILE=/run/secrets/x", "API_KEY=${API_KEY}", "PASSWORD="]
"#;
    let project = Project::new(spec);
    let run = project.run(&["render"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("warnings", run.stderr);
    });
    assert!(!run.stdout.contains("warning"), "{run:?}");
    let run = project.run(&["check", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(run.stderr.is_empty() && report["diagnostics"][1]["code"] == "literal-secret", "{run:?}");
    let run = project.run(&["check", "--format", "github"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stdout.contains("::warning file=spec/stack.toml,line=8,col=33,title=secret-in-command::"), "{run:?}");
    assert!(!run.stdout.contains("::error"), "{run:?}");
    // The reference has none.
    let run = Project::new(super::project::REFERENCE).run(&["render"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

/// Options whose value is a secret, and others.
#[test]
fn a_secret_that_is_written_in_a_command_is_a_warning() {
    for (command, expected) in [
        ("[\"serve\", \"--token\", \"hunter2\"]", 1),
        ("\"serve --token hunter2\"", 1),
        ("[\"serve\", \"--token=hunter2\"]", 1),
        ("[\"sh\", \"-c\", \"curl -H 'Authorization: Bearer abcdef1234'\"]", 1),
        ("[\"serve\", \"--url\", \"http://me:hunter2@x\"]", 1),
        ("[\"serve\", \"--token-file\", \"/run/secrets/token\", \"--auth\", \"basic\", \"--token\", \"--x\"]", 0),
        ("[\"serve\", \"--token=/run/secrets/token\", \"hunter2\", \"--x\", \"hunter2\"]", 0),
        ("\"serve --password-stdin yes --max-tokens 4000\"", 0),
    ] {
        let spec = "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"a:1\"\n";
        let run = Project::new(format!("{spec}command = {command}\n")).run(&["render"]);
        assert_eq!(run.stderr.matches("warning[literal-secret]").count(), expected, "{command}: {run:?}");
    }
}

#[test]
fn programs_read_the_same_as_people() {
    let project = Project::new("[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n[services.\"wéb\"]\nimgae = \"100%\"\n");
    let run = project.run(&["check", "--format", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""), "{run:?}");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = serde_json::json!({ "version": 1, "diagnostics": [
        {
            "level": "error",
            "code": "invalid-name",
            "title": "invalid service name `wéb`",
            "help": "use letters, digits, `-`, `_` and `.`, and start with a letter, a digit or `_`",
            "labels": [{ "path": "spec/stack.toml", "line": 6, "column": 11, "text": "" }],
        },
        {
            "level": "error",
            "code": "unknown-key",
            "title": "unknown key `imgae` in a service",
            "help": "did you mean `image`?",
            "labels": [{ "path": "spec/stack.toml", "line": 7, "column": 1, "text": "" }],
        },
    ]});
    assert_eq!(report, expected);

    let run = project.run(&["check", "--format", "github"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(2), ""), "{run:?}");
    assert_eq!(
        run.stdout.lines().last().unwrap(),
        "::error file=spec/stack.toml,line=7,col=1,title=unknown-key::unknown key `imgae` in a service%0Adid you mean `image`?"
    );
}

#[test]
fn both_places_are_shown_however_far_from_each_other() {
    let service = |name: &str| format!("[services.{name}]\nimage = \"nginx:1.29\"\nports.http = 8080\n\n");
    let between = format!("# {}\n", "x".repeat(70)).repeat(30_000);
    let head = "[stack]\nname = \"shop\"\n\n[profiles.dev]\n\n";
    let run = Project::new(format!("{head}{}{between}{}", service("first"), service("second"))).run(&["check"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.len() < 2_000, "{} bytes", run.stderr.len());
    assert!(
        run.stderr.contains("already published by `first`") && run.stderr.contains("--> spec/stack.toml:30012:14"),
        "{}",
        run.stderr
    );
}

#[test]
fn each_code_has_a_wrong_spec() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut reported: BTreeSet<String> = BTreeSet::new();
    for file in files(&root.join("src")).iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let mut source: String = fs::read_to_string(file).unwrap();
        source.truncate(source.find("#[cfg(test)]\nmod tests").unwrap_or(source.len()));
        source.retain(|c| !c.is_whitespace());
        // A code is a literal where a diagnostic is made, or where one of these hands it on.
        for opening in ["Diagnostic::new(", "report_unknown((", "refuse(sources,", "fault(("] {
            for (at, _) in source.match_indices(opening) {
                let rest = &source[at + opening.len()..];
                match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                    Some((code, _)) => _ = reported.insert(code.to_owned()),
                    None => assert!(rest.starts_with("code,"), "{}: {opening} needs a literal code", file.display()),
                }
            }
        }
        // Some stand in a table beside other words.
        for key in ["unknown:\"", "unused:\""] {
            for (at, _) in source.match_indices(key) {
                reported.extend(source[at + key.len()..].split('"').next().map(str::to_owned));
            }
        }
    }
    let shown: BTreeSet<String> = fs::read_dir(root.join("tests/specs"))
        .unwrap()
        .map(|entry| code(entry.unwrap().file_name().to_str().unwrap()).to_owned())
        .chain(ELSEWHERE.map(str::to_owned))
        .collect();
    assert!(reported.len() > 50, "{reported:?}");
    assert_eq!(reported, shown, "codes in src/ (left) and folders of tests/specs/ (right)");
    let explained: BTreeSet<String> = codes::all().iter().map(|(code, _)| (*code).to_owned()).collect();
    assert_eq!(reported, explained, "codes in src/ (left) and pages of templates/codes/ (right)");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The code that a spec's folder is named for: what stands before a `--`.
fn code(name: &str) -> &str {
    name.split("--").next().unwrap_or(name)
}

/// A lint has one level in all profiles, or in one.
#[test]
fn a_lint_is_allowed_or_denied() {
    let run = |lints: &str, arguments: &[&str]| {
        let project = Project::new(format!(
            "[stack]\nname = \"shop\"\n[profiles.dev]\n[services.web]\nimage = \"nginx:1.29\"\n[volumes.old]\n{lints}"
        ));
        assert_ne!(project.run(&["render"]).code, Some(3));
        let run = project.run(&[&["check"], arguments].concat());
        let level =
            ["error", "warning"].into_iter().find(|level| run.stderr.contains(&format!("{level}[unused-volume]")));
        (run.code, level)
    };
    assert_eq!(run("", &[]), (Some(0), Some("warning")));
    assert_eq!(run("", &["--deny", "warnings"]), (Some(2), Some("error")));
    assert_eq!(run("[lints]\nunused-volume = \"warn\"", &[]), (Some(0), Some("warning")));
    assert_eq!(run("[lints]\nunused-volume = \"deny\"", &[]), (Some(2), Some("error")));
    for lints in ["[lints]\nunused-volume = \"allow\"", "[profiles.dev.lints]\nunused-volume = \"allow\""] {
        assert_eq!(run(lints, &["--deny", "warnings"]), (Some(0), None), "{lints}");
    }
}
