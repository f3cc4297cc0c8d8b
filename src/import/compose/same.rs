//! Whether two configurations of Compose mean the same, as `docker compose config` prints them: as YAML, since it can't print
//! each as JSON.

use std::collections::HashSet;

use serde_json::Value;

use crate::shown::printable;

/// The most characters of a value in a message.
const LONGEST: usize = 60;

/// Where two configurations differ, and how: nothing if they mean the same.
///
/// # Errors
/// One of them is not YAML.
pub fn differences(before: &str, after: &str) -> Result<Vec<String>, serde_yaml::Error> {
    let mut found = Vec::new();
    compare(&serde_yaml::from_str(before)?, &serde_yaml::from_str(after)?, "", &mut found);
    Ok(found)
}

/// Where values may be secrets.
const HIDDEN: [&str; 9] =
    ["annotations", "args", "command", "content", "entrypoint", "environment", "healthcheck", "labels", "options"];

/// Lists whose order says nothing, which Compose may print in another one each time.
const UNORDERED: [&str; 2] = [".build.ssh", ".extra_hosts"];

/// A missing value, and one that says nothing, are the same.
fn is_empty(value: &Value, path: &str) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) if is_named(path) => entries.is_empty(),
        Value::Object(entries) => entries.iter().all(|(key, value)| is_empty(value, &format!("{path}.{key}"))),
        _ => false,
    }
}

/// Whether a name without a value says something: a network that is joined, a variable that is passed on.
fn is_named(path: &str) -> bool {
    ["networks", "environment", "args"].iter().any(|key| path.ends_with(&format!(".{key}")))
}

type Entries = serde_json::Map<String, Value>;

/// Whether another project creates it, which makes anything but its name meaningless.
fn is_external(entry: &Entries) -> bool {
    entry.get("external") == Some(&Value::Bool(true))
}

/// Whether nothing else of a healthcheck has an effect.
fn is_disabled(check: &Entries) -> bool {
    let test = check.get("test").and_then(Value::as_array).and_then(|test| test.first());
    check.get("disable") == Some(&Value::Bool(true)) || test.and_then(Value::as_str) == Some("NONE")
}

/// Whether all are among others, in any order and number.
fn is_subset(some: &[Value], others: &[Value]) -> bool {
    let others: HashSet<&str> = others.iter().filter_map(Value::as_str).collect();
    some.iter().all(|one| one.as_str().is_some_and(|one| others.contains(one)))
}

fn compare(before: &Value, after: &Value, path: &str, found: &mut Vec<String>) {
    if is_empty(before, path) && is_empty(after, path) {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            let both = |is: fn(&Entries) -> bool| is(old) && is(new);
            if path.ends_with(".healthcheck") && both(is_disabled) {
                return;
            }
            let is_external = both(is_external);
            for key in old.keys().chain(added).filter(|key| !is_external || *key == "name") {
                // Extensions are for those who write the file.
                if path.is_empty() && key.starts_with("x-") {
                    continue;
                }
                let dot = if path.is_empty() { "" } else { "." };
                let inner = format!("{path}{dot}{key}");
                match (old.get(key), new.get(key)) {
                    (Some(_), None) if is_named(path) => {
                        found.push(printable(&format!("`{inner}` is gone")).into_owned());
                    }
                    (None, Some(_)) if is_named(path) => {
                        found.push(printable(&format!("`{inner}` is new")).into_owned());
                    }
                    (old, new) => {
                        compare(old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), &inner, found);
                    }
                }
            }
        }
        (Value::Array(old), Value::Array(new))
            if UNORDERED.iter().any(|key| path.ends_with(key)) && is_subset(old, new) && is_subset(new, old) => {}
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                compare(old, new, &format!("{path}[{at}]"), found);
            }
        }
        (before, after) if before == after => {}
        (Value::String(old), Value::String(new)) if path.ends_with(".protocol") && old.eq_ignore_ascii_case(new) => {}
        (..) if path.split(['.', '[']).any(|key| HIDDEN.contains(&key)) => {
            found.push(printable(&format!("`{path}` has another value")).into_owned());
        }
        (before, after) => {
            found.push(printable(&format!("`{path}`: {} became {}", described(before), described(after))).into_owned());
        }
    }
}

fn described(value: &Value) -> String {
    if is_empty(value, "") {
        return "nothing".to_owned();
    }
    let text = value.to_string();
    let short: String = text.chars().take(LONGEST).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("`{short}{dots}`")
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn what_differs_is_named() {
        let before =
            r#"{"name": "a", "x-a": 1, "services": {"web": {"command": null, "ports": [{"target": 80}], "a": [1]}}}"#;
        let after =
            r#"{"name": "a", "services": {"web": {"ports": [{"target": 81}], "labels": {"b": "c"}, "a": [1, 2]}}}"#;
        assert_eq!(
            differences(before, after).unwrap(),
            [
                "`services.web.ports[0].target`: `80` became `81`",
                "`services.web.a`: `[1]` became `[1,2]`",
                "`services.web.labels` has another value",
            ]
        );
        let before = r#"{"services": {"a": {"environment": {"A": null, "P": "secret"}, "networks": {"one": null}}}}"#;
        let after = r#"{"services": {"a": {"environment": {"P": "x"}, "networks": {"two": null}}}}"#;
        assert_eq!(
            differences(before, after).unwrap(),
            [
                "`services.a.environment.A` is gone",
                "`services.a.environment.P` has another value",
                "`services.a.networks.one` is gone",
                "`services.a.networks.two` is new",
            ]
        );
        assert!(differences(before, before).unwrap().is_empty());
        assert!(differences(before, "{").is_err());
    }
}
