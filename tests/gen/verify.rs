//! `gen verify` with stand-ins for the consumers, which answer as the real ones do. `tests/verify/` has the real ones, as
//! far as they can be had without their images.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::project::{Project, Run};

/// A folder of programs that is all that `gen` finds. It is not in the project: nothing there would be run.
pub struct Bench {
    pub project: Project,
    bin: TempDir,
}

impl Bench {
    /// The reference stack and no program.
    pub fn new() -> Self {
        Self { project: Project::reference(), bin: tempfile::tempdir().unwrap() }
    }

    /// A program that answers by a shell script; its arguments are recorded.
    pub fn program(self, name: &str, script: &str) -> Self {
        let path = self.bin.path().join(name);
        let record = self.project.path("record");
        let record = format!("printf '%s %s\\n' {name} \"$*\" >> '{}'", record.display());
        fs::write(&path, format!("#!/bin/sh\n{record}\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// A consumer of that version that says something on standard error and ends with a code.
    pub fn says(self, name: &str, version: &str, complaint: &str, code: u8) -> Self {
        self.program(
            name,
            &format!(
                "case \"$*\" in *-version*) echo '{name}, version {version} (branch: HEAD)' ;; *) cat >&2 <<'END'\n{complaint}\nEND\nexit {code} ;; esac"
            ),
        )
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        // Only what stands in the folder, and what scripts need: the system may have some of the consumers.
        for tool in ["sh", "cat", "bash", "env", "find", "mv", "true", "unshare"] {
            let link = self.bin.path().join(tool);
            if !link.exists() {
                std::os::unix::fs::symlink(format!("/usr/bin/{tool}"), link).unwrap();
            }
        }
        let mut command = self.project.command(&[&["verify"], arguments].concat());
        command.env("PATH", self.bin.path());
        command
    }

    pub fn record(&self) -> String {
        self.project.read("record")
    }
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn line_of(project: &Project, path: &str, needle: &str) -> usize {
    project.read(path).lines().position(|line| line.contains(needle)).unwrap() + 1
}

#[test]
fn nothing_at_hand_is_no_success() {
    let bench = Bench::new();
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("18 checks: 0 accepted, 18 skipped"), "{}", run.stdout);
    assert!(
        run.stdout.contains("skipped: loki: `loki` is not on PATH, and the Docker engine is not available"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("skipped: hadolint: `hadolint` is not on PATH; to install it: "), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

#[test]
fn what_is_skipped_is_a_failure_where_it_is_required() {
    let bench = Bench::new().says("loki", "3.7.6", "", 0);
    assert_eq!(bench.run(&[]).code, Some(0));
    assert_eq!(bench.run(&["--require", "loki"]).code, Some(0));
    let run = bench.run(&["--require", "loki,mimir"]);
    assert_eq!(run.code, Some(3));
    assert!(run.stdout.contains("error: mimir is required but was skipped: "), "{}", run.stdout);
    assert_eq!(bench.run(&["--require", "all"]).code, Some(3));
    let run = bench.run(&["--require", "all", "--format", "github"]);
    assert!(
        run.stdout.contains("::error file=generated/dev/config/mimir.yaml,line=1,col=1,title=mimir::required"),
        "{}",
        run.stdout
    );
    let run = bench.run(&["--require", "lokki"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains(
            "in `--require`\n  help: the consumers are: all, compose, kustomize, kubeconform, api-server, alloy, loki"
        ),
        "{}",
        run.stderr
    );
}

#[test]
fn the_table_says_who_judged_what() {
    let bench = Bench::new().says("loki", "3.6.0", "", 0);
    let run = bench.run(&[]);
    let line = run.stdout.lines().find(|line| line.starts_with("config/loki.yaml")).unwrap();
    assert!(line.contains("loki 3.6.0") && line.contains("accepted") && line.ends_with('s'), "{line}");
    assert!(run.stdout.contains("note: checked with loki 3.6.0, but the spec pins 3.7.6"), "{}", run.stdout);
    assert!(run.stdout.lines().any(|line| line.starts_with("README.md") && line.ends_with("not checked")));
    assert!(run.stdout.lines().all(|line| line.len() <= 80 || line.starts_with("skipped")), "{}", run.stdout);
    assert!(bench.record().contains("loki -verify-config -config.file=generated/dev/config/loki.yaml"));
    let report = json(&bench.run(&["--format", "json"]));
    let check = report["checks"].as_array().unwrap().iter().find(|check| check["consumer"] == "loki").unwrap();
    assert_eq!(
        (&check["version"], &check["pinned"], &check["verdict"]),
        (&"3.6.0".into(), &"3.7.6".into(), &"accepted".into())
    );
    assert_eq!(report["unread"], serde_json::json!(["generated/dev/copilot/poller.py", "generated/dev/README.md"]));
}

/// What Loki and Mimir say, and the line that it is about.
#[test]
fn the_words_of_loki_and_mimir_lead_to_their_lines() {
    let loki = "generated/dev/config/loki.yaml";
    let mimir = "generated/dev/config/mimir.yaml";
    for (consumer, path, complaint, at, said, key) in [
        (
            "loki",
            loki,
            "failed parsing config: generated/dev/config/loki.yaml: yaml: unmarshal errors:\n  line 33: field retention_perio not found in type validation.plain. Use `-config.expand-env=true` flag if you want to expand environment variables in your config file",
            "retention_period:",
            "field retention_perio not found in type validation.plain",
            "services.loki.settings.retention",
        ),
        (
            "loki",
            loki,
            "level=error ts=2026-01-01T00:00:00Z caller=main.go:79 msg=\"validating config\" err=\"CONFIG ERROR: invalid compactor config: compactor.delete-request-store should be configured when retention is enabled\"",
            "delete_request_store",
            "compactor.delete-request-store should be configured",
            "services.loki",
        ),
        (
            "mimir",
            mimir,
            "error loading config from generated/dev/config/mimir.yaml: Error parsing config file: yaml: unmarshal errors:\n  line 45: cannot unmarshal !!str `many` into int",
            "max_global_series_per_user",
            "cannot unmarshal !!str `many` into int",
            "services.mimir.settings.max_series",
        ),
        (
            "mimir",
            mimir,
            "error validating config: the configured blocks storage filesystem directory \"/data/blocks\" cannot overlap with the configured tsdb directory \"/data/tsdb\"; please set different paths, also ensuring one is not a subdirectory of the other one",
            "dir: /data/tsdb",
            "cannot overlap with the configured tsdb directory",
            "services.mimir",
        ),
    ] {
        let bench = Bench::new().says(consumer, "3.7.6", complaint, 1);
        let run = bench.run(&["--format", "json"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let report = json(&run);
        let found = &report["complaints"][0];
        assert_eq!(found["code"], consumer);
        assert!(found["title"].as_str().unwrap().contains(said), "{found:#}");
        assert_eq!(found["labels"][0]["path"], path);
        assert_eq!(found["labels"][0]["line"], line_of(&bench.project, path, at), "{found:#}");
        let text = found["labels"][1]["text"].as_str().unwrap();
        assert!(text.contains(&format!("`{key}")), "{found:#}");
        assert_eq!(found["labels"][1]["path"], "spec/stack.toml");
    }
}

#[test]
fn a_complaint_is_shown_with_both_places() {
    let complaint = "error loading config from f: Error parsing config file: yaml: unmarshal errors:\n  line 45: field x not found in type validation.plainLimits";
    let bench = Bench::new().says("mimir", "3.2.1", complaint, 1);
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(1));
    for part in [
        "error[mimir]: field x not found in type validation.plainLimits",
        "--> generated/dev/config/mimir.yaml:45:3",
        "max_global_series_per_user: 500000",
        "spec/stack.toml",
        "`services.mimir.settings.max_series` produces this line",
        "18 checks: 0 accepted, 1 rejected, 17 skipped",
    ] {
        assert!(run.stdout.contains(part), "`{part}` in {}", run.stdout);
    }
    let run = bench.run(&["--format", "github"]);
    assert!(
        run.stdout.starts_with("::error file=generated/dev/config/mimir.yaml,line=45,col=3,title=mimir::"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_consumer_that_fails_without_a_word_has_not_judged() {
    let bench = Bench::new().program("mimir", "case \"$*\" in *-version*) echo 'Mimir, version 3.2.1' ;; esac");
    let run = bench.run(&[]);
    // It ended well, and listed no modules: something else calls itself so.
    assert_eq!(run.code, Some(3));
    assert!(
        run.stdout.contains("error: mimir failed to run: it succeeded without listing its modules"),
        "{}",
        run.stdout
    );
    let bench = Bench::new().says("loki", "3.7.6", "", 1);
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(3));
    assert!(run.stdout.contains("error: loki failed to run: it failed without an error message"), "{}", run.stdout);
}

#[test]
fn the_pinned_image_judges_where_there_is_no_program() {
    let docker = "case \"$*\" in\n\
        info*) echo '{\"ServerVersion\":\"28.0\",\"MemTotal\":16000000000}' ;;\n\
        *loki:3.7.6*) exit 0 ;;\n\
        *mimir:3.2.1*) echo 'distributor *' ;;\n\
        *alloy:v1.19.1*) echo 'no such platform' >&2; exit 125 ;;\n\
        *) exit 1 ;;\nesac";
    let bench = Bench::new().program("docker", docker);
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let verdict = |path: &str| run.stdout.lines().find(|line| line.starts_with(path)).unwrap().to_owned();
    assert!(verdict("config/loki.yaml").contains("loki 3.7.6"), "{}", run.stdout);
    assert!(verdict("config/mimir.yaml").contains("accepted"), "{}", run.stdout);
    assert!(verdict("config/alloy.alloy").contains("skipped"), "{}", run.stdout);
    assert!(run.stdout.contains("cannot run `grafana/alloy:v1.19.1`: no such platform"), "{}", run.stdout);
    assert!(
        run.stdout.contains("`temporal-dsql-runtime:test` has not been built: run `gen dev build`"),
        "{}",
        run.stdout
    );
    let record = bench.record();
    let loki = record.lines().find(|line| line.contains("loki:3.7.6")).unwrap();
    let file = "generated/dev/config/loki.yaml";
    // Where the container's id is written to, so that it can be ended.
    let (start, rest) = loki.split_once(" --cidfile ").unwrap();
    let (id, rest) = rest.split_once(' ').unwrap();
    let folder = id.strip_suffix("/container").unwrap();
    assert_eq!(
        format!("{start} {rest}"),
        format!(
            "docker run --rm --network=none --cap-drop=ALL --security-opt=no-new-privileges --read-only --tmpfs=/tmp --pids-limit=512 --memory=2g --pull=missing --volume={folder}/{file}:/verify/{file}:ro -- grafana/loki:3.7.6 -verify-config -config.file=/verify/{file}",
        )
    );
    assert!(record.contains("--pull=missing"), "{record}");
}

#[test]
fn what_is_not_rendered_is_told_first() {
    let bench = Bench::new().says("loki", "3.7.6", "", 0);
    fs::remove_file(bench.project.path("generated/dev/config/loki.yaml")).unwrap();
    bench.project.write("terraform/dev/main.tf", "x");
    let run = bench.run(&[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stdout.starts_with(
            "error: 2 files on disk differ from what the spec renders:\n  generated/dev/config/loki.yaml\n  terraform/dev/main.tf\n  help: only what the spec renders is verified: run `gen render`"
        ),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("1 accepted"), "{}", run.stdout);
    let report = json(&bench.run(&["--format", "json"]));
    assert_eq!(report["different"], serde_json::json!(["generated/dev/config/loki.yaml", "terraform/dev/main.tf"]));
    let run = bench.run(&["--format", "github"]);
    assert!(
        run.stdout.starts_with("::error file=generated/dev/config/loki.yaml,line=1,col=1,title=different::"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_wrong_spec_is_told_before_anything_is_run() {
    let bench = Bench::new().says("loki", "3.7.6", "", 0);
    bench.project.replace("spec/stack.toml", "retention = \"72h\"", "retention = 72");
    let run = bench.run(&["--format", "json"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(json(&run)["diagnostics"][0]["code"], "wrong-type");
    assert!(!bench.project.path("record").exists());
}
