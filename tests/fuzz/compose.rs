//! A Compose project, imported: what an import writes resolves, unless it says what is missing.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::edit::format::format;
use stackgen::import::compose::{Error, import};

use super::check;
use super::random::Random;
use super::run::Target;
use super::text;

pub const TARGET: Target = Target { name: "compose", cases: 400, make, check };

/// The second file, which the first one may include or extend.
const OTHER: &str =
    "services:\n  base: &b\n    image: base:1\n    environment: {A: , B: '1'}\n    ports: ['1:1']\n  second: *b\n";

const LINES: &[&str] = &[
    "name: shop",
    "include: [other.yaml]",
    "x-a: &a {restart: always, environment: {A: $A, B: '${B:-x}'}}",
    "services:",
    "  web: {image: a}",
    "  db: {image: 'db:1', ports: ['5432:5432']}",
    "  api:  # beside",
    "  # above",
    "    <<: *a",
    "    <<: [*a, {image: a}]",
    "    extends: {file: other.yaml, service: base}",
    "    extends: db",
    "    image: web:${TAG:-1}",
    "    build: {context: ., args: {A: , B: 1}}",
    "    ports: ['80:80', '${P:-81}:81/udp', 8080, {target: 1, published: 2}]",
    "    ports: !override ['9:9']",
    "    environment: [A, 'URL=http://db:5432/$X', 'U=${A:-${B:+c}}']",
    "    environment: {URL: 'http://db:5432', N: 1.50, T: yes, E: }",
    "    environment: !reset null",
    "    volumes: ['data:/data', './a:/b:ro', '${D:-./d}:/d', 'c:/x:/y']",
    "    labels: {a.b: '$$x', c: }",
    "    labels: ['a.$A=b']",
    "    depends_on: {db: {condition: service_healthy}}",
    "    healthcheck: {test: [NONE]}",
    "    deploy: {replicas: 2, resources: {limits: {memory: 1g}}}",
    "    networks: {n: {aliases: [x]}, default: }",
    "    extra_hosts: ['$H:1.1.1.1', 'a=::1']",
    "    ulimits: {nofile: 0o17}",
    "    command: |",
    "      a: $1 ${A}",
    "    profiles: [x, '$P']",
    "volumes:",
    "  data:",
    "networks: {n: {driver: bridge}}",
    "secrets: {s: {environment: A}}",
    "---",
    "...",
    "# end",
];

/// The line that begins the services.
const SERVICES: usize = 3;

fn make(random: &mut Random) -> Vec<u8> {
    // Mostly in the order of a real file.
    let mut picked: Vec<usize> = (0..random.below(16)).map(|_| random.below(LINES.len())).collect();
    if !random.one_in(4) {
        picked.extend([SERVICES, SERVICES + 2, SERVICES + 3]);
        picked.sort_unstable();
        picked.dedup_by_key(|at| LINES[*at].split(':').next());
    }
    let mut input = picked.into_iter().map(|at| LINES[at]).collect::<Vec<_>>().join("\n").into_bytes();
    if random.one_in(3) {
        text::scratch(&mut input, random);
    }
    input
}

fn check(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let read = |path: &Utf8Path| match path.as_str() {
        "compose.yaml" => Ok(text.to_owned()),
        "other.yaml" => Ok(OTHER.to_owned()),
        ".env" => Ok("D=./data\n# The tag\nTAG=1\n".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let imported = match import(&[Utf8PathBuf::from("compose.yaml")], "a folder", &read) {
        Ok(imported) => imported,
        Err(Error::Io(..)) => return false,
        Err(Error::Invalid(found)) => {
            check::refused(&found.0, &found.1);
            return false;
        }
    };
    for note in &imported.notes {
        let note = note.to_string();
        assert!(note.len() < 2_000 && !note.contains(char::is_control), "{note:?}");
    }
    assert_eq!(format(&imported.text).as_deref(), Some(imported.text.as_str()), "not as `gen fmt` writes it");
    assert!(imported.compose_file().is_some() || !imported.is_whole(), "{}", imported.text);
    imported.is_whole()
}
