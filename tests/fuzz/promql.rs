//! A query of Prometheus, in a panel.

use std::sync::LazyLock;

use serde_json::Value;
use stackgen::resolve::dashboards::interpolation::unescaped;
use stackgen::spec::source::Sources;

use super::check;
use super::document::{quoted, unquoted};
use super::random::Random;
use super::run::Target;
use super::seeds;
use super::text;

pub const TARGET: Target = Target { name: "promql", cases: 1_000, make, check };

const STACK: &str = include_str!("../dashboards/stack.toml");

/// Pieces of queries.
const PIECES: &[&str] = &[
    "up",
    "rate(",
    "sum by (job) (",
    "sum(",
    ")",
    "(",
    "{",
    "}",
    "[5m]",
    "[1h:5m]",
    "[$__rate_interval]",
    "job=\"x\"",
    "le!~\"a|b\"",
    "\"a\"",
    "'b'",
    "`c`",
    " + ",
    " / ",
    " == bool ",
    " and on (a) ",
    " or ",
    " unless ",
    " offset 5m",
    " offset -1d",
    " @ start()",
    " @ 1.5",
    "1",
    "0x1f",
    "1e9",
    "NaN",
    "-Inf",
    "$x",
    "${x}",
    "${x:regex}",
    "[[x]]",
    "[[x:csv]]",
    "$__interval",
    "$__range",
    "$",
    "${",
    "histogram_quantile(0.9, ",
    "label_replace(",
    "topk(5, ",
    " by ",
    " without (",
    " group_left (b) ",
    " ignoring (",
    ",",
    "=~",
    "=",
    "!=",
    "!",
    "#",
    "# x\n",
    "\n",
    "{\"a.b\"}",
    "a:b",
    ":",
    "\\",
    "\"",
    "\"\\x\"",
    "\"\\u00e9\"",
    "é",
    "5m",
    "1w2d3h4m5s6ms",
    "5",
    "-",
    "^",
    "%",
    "atan2",
    " bool ",
    "count_values(\"x\", ",
    "absent(",
    "time()",
    "vector(1)",
    "__name__",
    "start",
    "on",
    "by",
    "offset",
    "bool",
    "inf",
    "nan",
    "sum",
    "rate",
    "\u{a0}",
    "\u{2028}",
];

/// The queries of the specs.
static QUERIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let values = ["query", "queries", "expr"].iter().filter_map(|key| seeds::SEEDS.values.get(*key)).flatten();
    let queries: Vec<String> = values.filter_map(|value| unquoted(value)).collect();
    assert!(queries.len() > 10);
    queries
});

fn make(random: &mut Random) -> Vec<u8> {
    let mut input = match random.below(4) {
        0 => (0..random.below(12)).map(|_| *random.pick(PIECES)).collect::<String>(),
        _ => random.pick(&QUERIES).clone(),
    };
    for _ in 0..random.below(4) {
        let ends: Vec<usize> = (0..=input.len())
            .filter(|&at| input.is_char_boundary(at))
            .filter(|&at| {
                !input[at..].starts_with(char::is_alphanumeric) || !input[..at].ends_with(char::is_alphanumeric)
            })
            .collect();
        let (one, other) = (*random.pick(&ends), *random.pick(&ends));
        let (from, to) = (one.min(other), one.max(other));
        match random.below(4) {
            0 if to - from < 20 => drop(input.drain(from..to)),
            1 => {
                let piece = input[from..to].to_owned();
                let at = *random.pick(&ends);
                input.insert_str(at, &piece);
            }
            _ => input.insert_str(from, random.pick::<&str>(PIECES)),
        }
    }
    let mut input = input.into_bytes();
    if random.one_in(6) {
        text::scratch(&mut input, random);
    }
    input
}

fn check(input: &[u8]) -> bool {
    let Ok(query) = str::from_utf8(input) else { return false };
    let dashboard = format!(
        "title = \"T\"\nfolder = \"main\"\n[variables.x]\ntype = \"textbox\"\n\
         [panels.a]\ntype = \"text\"\ncontent = \"$x\"\n[panels.b]\ntype = \"stat\"\nqueries = {}\n",
        quoted(query)
    );
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", STACK.to_owned());
    sources.push("spec/dashboards/query.toml", dashboard);
    match stackgen::plan(&sources, None) {
        Ok(plans) => {
            let files = check::files(&plans);
            let json: Value = serde_json::from_str(&files["generated/dev/grafana/main/query.json"]).unwrap();
            assert_eq!(json["panels"][1]["targets"][0]["expr"], unescaped(query).as_ref());
            true
        }
        Err(diagnostics) => {
            check::refused(&sources, &diagnostics);
            let mut ours = vec![
                "contradiction",
                "control-character",
                "invalid-promql",
                "invalid-reference",
                "unknown-dashboard-variable",
            ];
            ours.extend(query.trim().is_empty().then_some("missing-key"));
            assert!(diagnostics.iter().all(|found| ours.contains(&found.code)), "{diagnostics:#?}");
            false
        }
    }
}
