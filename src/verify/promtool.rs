//! promtool checks the queries of dashboards, each as a recording rule, with Prometheus's own parser.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Answer, Check, Consumer, Outputs, Program, Reading, Run, place};
use crate::resolve::with_stand_ins;

pub(super) const CONSUMER: Consumer = Consumer {
    name: "promtool",
    programs: &[Program { name: "promtool", first: &[], version: &["--version"] }],
    how_to_get: "it comes with Prometheus: https://prometheus.io/download/",
};

/// The prefix of the name of a query's rule; its number follows.
const RULE: &str = "query:";

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    outputs
        .which(|path| path.extension() == Some("json"))
        .into_iter()
        .filter_map(|file| {
            let queries = queries(outputs.text(&file));
            let local = Run::new(["check", "rules", "rules.yaml"]);
            let rules = ("rules.yaml".into(), rules(&queries));
            (!queries.is_empty()).then(|| Check {
                files: vec![rules],
                ..Check::new(&CONSUMER, vec![file], local, move |answer| reading(answer, &queries))
            })
        })
        .collect()
}

/// A query and its line in the dashboard.
struct Query {
    line: usize,
    text: String,
}

/// The Prometheus queries of a dashboard. Each value of a dashboard has its own line, so the lines of the queries are those
/// with the key, in the same order.
fn queries(text: &str) -> Vec<Query> {
    let Ok(dashboard) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with("\"expr\":"))
        .map(|(at, _)| at + 1)
        .collect::<Vec<_>>()
        .into_iter();
    let mut found = Vec::new();
    collect(&dashboard, false, &mut |expression, is_prometheus| {
        let line = lines.next().unwrap_or(1);
        if is_prometheus {
            found.push(Query { line, text: expression.to_owned() });
        }
    });
    found
}

/// Every `expr`, and whether the nearest datasource around it is Prometheus.
fn collect(value: &Value, above: bool, found: &mut impl FnMut(&str, bool)) {
    match value {
        Value::Object(object) => {
            let own = object.get("datasource").and_then(|datasource| datasource.get("type")).and_then(Value::as_str);
            let is_prometheus = own.map_or(above, |own| own == "prometheus");
            for (key, value) in object {
                match value {
                    Value::String(expression) if key == "expr" => found(expression, is_prometheus),
                    value => collect(value, is_prometheus, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, above, found)),
        _ => {}
    }
}

fn rules(queries: &[Query]) -> String {
    let mut rules = String::from("groups:\n- name: queries\n  rules:\n");
    for (number, query) in queries.iter().enumerate() {
        // A JSON string is a YAML string.
        let expression = Value::String(with_stand_ins(&query.text));
        // Writing to a `String` cannot fail.
        let _ = writeln!(rules, "  - record: {RULE}{number}\n    expr: {expression}");
    }
    rules
}

/// `rules.yaml: 5:11: group "queries", rule 1, "query:0": could not parse expression: …`.
fn reading(answer: &Answer<'_>, queries: &[Query]) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    let complaints = answer
        .stderr
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(&format!("\"{RULE}"))?;
            let query = queries.get(place::number(rest)?)?;
            let (_, message) = rest.split_once("\": ")?;
            Some(answer.complaint(Some(query.line), message))
        })
        .collect();
    answer.judged(complaints)
}
