//! Draws the README's pictures: what `gen` prints of a small project, as SVG. `cargo run --example pictures`.

#![expect(clippy::unwrap_used, reason = "a picture that can't be drawn is not drawn")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anstyle_svg::{Term, WIN10_CONSOLE};

/// The reference spec and its other files.
const SPEC: [(&str, &str); 6] = [
    ("spec/stack.toml", include_str!("../../spec/stack.toml")),
    ("spec/dashboards/copilot.toml", include_str!("../../spec/dashboards/copilot.toml")),
    ("spec/dashboards/persistence.toml", include_str!("../../spec/dashboards/persistence.toml")),
    ("spec/dashboards/server.toml", include_str!("../../spec/dashboards/server.toml")),
    ("spec/dashboards/postgresql.toml", include_str!("../../spec/dashboards/postgresql.toml")),
    ("spec/files/poller.py", include_str!("../../spec/files/poller.py")),
];

/// Where the README finds them.
const FOLDER: &str = ".github/pictures";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = root.join(FOLDER);
    fs::create_dir_all(&out).unwrap();
    // The binary that belongs to these sources, wherever else one is installed.
    let built =
        Command::new(env!("CARGO")).args(["build", "--quiet", "--bin", "gen"]).current_dir(root).status().unwrap();
    assert!(built.success());
    let binary = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("gen");
    for picture in PICTURES {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (path, text) in SPEC {
            write(path, text);
        }
        let run = |arguments: &[&str]| {
            let output = Command::new(&binary)
                .args(arguments)
                .current_dir(folder.path())
                .env("CLICOLOR_FORCE", "1")
                .env("COLUMNS", "100")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            [output.stdout, output.stderr].concat()
        };
        let git = |arguments: &[&str]| {
            let author = ["-c", "user.name=reader", "-c", "user.email=reader@example.org"];
            // The same commit each time.
            let dates = ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, "2026-01-01T00:00:00Z"));
            let mut command = Command::new("git");
            command.args(author).args(arguments).envs(dates).current_dir(folder.path());
            assert!(command.status().unwrap().success());
        };
        git(&["init", "--quiet"]);
        run(&["render"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "--message", "a stack"]);
        if picture.command.contains(&"graph") {
            fs::write(out.join("graph.svg"), run(picture.command)).unwrap();
            continue;
        }
        for (path, from, to) in picture.edits {
            let text = fs::read_to_string(folder.path().join(path)).unwrap();
            assert!(text.contains(from), "{}: `{from}`", picture.name);
            write(path, &text.replacen(from, to, 1));
        }
        let said = String::from_utf8(run(picture.command)).unwrap();
        let session = format!("\u{1b}[1m$ gen {}\u{1b}[0m\n{}", picture.command.join(" "), said.trim_end());
        let svg = Term::new().palette(WIN10_CONSOLE).render_svg(&session);
        fs::write(out.join(format!("{}.svg", picture.name)), svg).unwrap();
    }
}

/// What is shown: a change of a rendered project, and what a command says of it.
struct Picture {
    name: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
    command: &'static [&'static str],
}

const PICTURES: &[Picture] = &[
    Picture {
        name: "diagnostic",
        edits: &[
            ("spec/stack.toml", "ports.http = 8082", "ports.http = 8080"),
            ("spec/stack.toml", "\"${temporal-frontend.grpc}\"", "\"${temporal-fronted.grpc}\""),
        ],
        command: &["check"],
    },
    Picture {
        name: "drift",
        edits: &[("generated/dev/config/loki.yaml", "retention_period: 72h", "retention_period: 99h")],
        command: &["check"],
    },
    Picture {
        name: "review",
        edits: &[
            ("spec/stack.toml", "grafana/loki:3.7.6", "grafana/loki:3.8.0"),
            ("spec/stack.toml", "settings.retention = \"72h\"", "settings.retention = \"48h\""),
            ("spec/stack.toml", "ports.http = 9009", "ports.http = { published = 9009, host_ip = \"0.0.0.0\" }"),
        ],
        command: &["review"],
    },
    Picture { name: "graph", edits: &[], command: &["graph", "--format", "svg"] },
    Picture { name: "explain", edits: &[], command: &["explain", "generated/dev/config/loki.yaml:33"] },
];
