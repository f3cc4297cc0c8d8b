//! The metrics that the queries of the dashboards name, asked of the Prometheus that stands in for Mimir.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::Project;

/// What no target has, and why.
const NOT_PROVOKED: [(&str, &str); 5] = [
    ("persistence_errors_total", "requests of the database only fail if two servers meet while they start"),
    ("service_error_with_type_total", "the frontend only answers with errors that are expected"),
    ("visibility_persistence_error_with_type_total", "no request for visibility fails"),
    ("sharditem_removed_count_total", "shards only move when a second history server starts or ends"),
    ("task_errors_total", "history tasks only fail unexpectedly"),
];

/// Fails on a query one of whose metrics no target has; prints which target has which.
pub fn every_query_has_its_metrics(project: &Project) {
    let queries = queries(project);
    assert!(queries.len() > 40, "{queries:#?}");
    let mut selectors = BTreeMap::<String, String>::new();
    for query in &queries {
        find_selectors(query, &mut selectors);
    }
    // A scrape and a push later, everything is there.
    let ends = Instant::now() + Duration::from_mins(1);
    let mut seen = BTreeMap::<&str, BTreeSet<String>>::new();
    let mut missing = loop {
        let mut missing = Vec::new();
        for (selector, name) in &selectors {
            let jobs = jobs(selector);
            if jobs.is_empty() {
                missing.push((name, selector));
            }
            seen.entry(name).or_default().extend(jobs);
        }
        let expected = |name: &str| NOT_PROVOKED.iter().any(|(other, _)| *other == name);
        if Instant::now() > ends || missing.iter().all(|(name, _)| expected(name)) {
            break missing;
        }
        thread::sleep(Duration::from_millis(500));
    };
    // Only its unexpected types are not provoked.
    assert!(!jobs("service_error_with_type_total").is_empty());
    for (name, jobs) in &seen {
        println!("{name}: {}", jobs.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    missing.retain(|(name, _)| match NOT_PROVOKED.iter().find(|(other, _)| other == name) {
        Some((name, reason)) => {
            println!("{name}: not provoked, {reason}");
            false
        }
        None => true,
    });
    for query in &queries {
        let answer = ask("query", &[("query", query)]);
        assert_eq!(answer["status"], "success", "{answer}: {query}");
        if answer["data"]["result"] == Value::Array(Vec::new()) {
            println!("empty: {query}");
        }
    }
    println!("{} queries of {} metrics", queries.len(), seen.len());
    assert_eq!(missing, [], "no target has them");
}

/// The queries of all dashboards that are Prometheus' to answer, with values for their variables.
fn queries(project: &Project) -> Vec<String> {
    let mut queries = Vec::new();
    for folder in fs::read_dir(project.path("generated/local/grafana")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let dashboard: Value = serde_json::from_str(&text).unwrap();
            let variables = variables(&dashboard);
            for panel in dashboard["panels"].as_array().unwrap() {
                for target in panel["targets"].as_array().into_iter().flatten() {
                    let uid = target["datasource"]["uid"].as_str().or(panel["datasource"]["uid"].as_str());
                    if let (Some("mimir"), Some(query)) = (uid, target["expr"].as_str()) {
                        let value = |query: String, (name, value): &(String, String)| query.replace(name, value);
                        queries.push(variables.iter().fold(query.to_owned(), value));
                    }
                }
            }
        }
    }
    queries
}

/// What to write for each variable: anything that it can be.
fn variables(dashboard: &Value) -> Vec<(String, String)> {
    let mut variables = vec![
        ("$__rate_interval".to_owned(), "1m".to_owned()),
        ("$__range".into(), "5m".into()),
        ("$__interval".into(), "15s".into()),
    ];
    for variable in dashboard["templating"]["list"].as_array().into_iter().flatten() {
        let query = variable["query"].as_str().unwrap_or_default();
        let value = match variable["type"].as_str() {
            Some("constant") => query.to_owned(),
            // `title : value, …`
            Some("custom") => {
                let values = query.split(", ").map(|value| value.rsplit(" : ").next().unwrap_or(value));
                values.collect::<Vec<_>>().join("|")
            }
            _ => ".*".into(),
        };
        variables.push((format!("${}", variable["name"].as_str().unwrap()), value.replace('\\', "\\\\")));
    }
    variables.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    variables
}

/// Adds the selectors of a query, without their ranges, and their metrics.
fn find_selectors(query: &str, selectors: &mut BTreeMap<String, String>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.');
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        rest = match (first, after.trim_start()) {
            ('"', _) => end_of_text(rest),
            ('{', _) => panic!("{rest} names no metric"),
            ('[', _) => rest.split_once(']').unwrap().1,
            _ if name.is_empty() => &rest[first.len_utf8()..],
            _ if first.is_ascii_digit() => after,
            (_, list) if ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(&name) => {
                if list.starts_with('(') { list.split_once(')').unwrap().1 } else { list }
            }
            (_, after) if ["(", "by ", "without "].iter().any(|next| after.starts_with(next)) => after,
            (_, after) if ["and", "or", "unless", "bool", "offset"].contains(&name) => after,
            (_, mut after) => {
                if after.starts_with('{') {
                    while !after.starts_with('}') {
                        let text = after.find(['"', '}']).unwrap();
                        after =
                            if after[text..].starts_with('"') { end_of_text(&after[text..]) } else { &after[text..] };
                    }
                    after = &after[1..];
                }
                let selector = &rest[..rest.len() - after.len()];
                selectors.insert(selector.trim_end().to_owned(), name.to_owned());
                after
            }
        }
        .trim_start();
    }
}

/// What follows a string in quotes.
fn end_of_text(text: &str) -> &str {
    let mut is_escaped = true;
    let end = text.find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = !is_escaped && c == '\\';
        ends
    });
    &text[end.unwrap() + 1..]
}

/// The jobs with series of a selector.
fn jobs(selector: &str) -> BTreeSet<String> {
    let answer = ask("series", &[("match[]", selector)]);
    let series = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}: {selector}"));
    series.iter().filter_map(|series| series["job"].as_str().map(Into::into)).collect()
}

/// Asks at the address of Grafana's datasource, as it is published.
fn ask(path: &str, parameters: &[(&str, &str)]) -> Value {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", 9009)).unwrap();
    let pairs = pairs.join("&");
    write!(stream, "GET /prometheus/api/v1/{path}?{pairs} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn escaped(text: &str) -> String {
    text.bytes().flat_map(|byte| ['%', digit(byte >> 4), digit(byte & 15)]).collect()
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or('0')
}
