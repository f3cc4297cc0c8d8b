//! Grafana ignores unknown keys, so `grafana-check`, a program of this project, checks its files against the types that it
//! publishes (`@grafana/schema`).

use super::{Answer, Check, Complaint, Consumer, Outputs, Program, Reading, Run};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "grafana-check",
    programs: &[Program { name: "grafana-check", first: &[], version: &["--version"] }],
    how_to_get: "`npm install --global --install-links tests/grafana` in gen's source",
};

pub(super) fn check(outputs: &Outputs<'_>) -> Option<Check> {
    let provisioning = ["grafana-datasources.yaml", "grafana-dashboards.yaml"];
    let files = outputs.which(|path| {
        path.extension() == Some("json") || path.file_name().is_some_and(|name| provisioning.contains(&name))
    });
    let local = Run::new(files.iter().map(|file| file.as_str()));
    (!files.is_empty()).then(|| Check::new(&CONSUMER, files, local, reading))
}

/// `file:line:column message`, then the number of checked files.
fn reading(answer: &Answer<'_>) -> Reading {
    if !answer.stdout.contains(" checked, ") {
        return answer.unreadable();
    }
    let complaints = answer
        .stdout
        .lines()
        .filter_map(|line| {
            let (path, rest) = answer.files.iter().find_map(|(path, _)| {
                let (_, rest) = line.split_once(&format!("{path}:"))?;
                Some((path, rest))
            })?;
            let (place, message) = rest.split_once(' ')?;
            let number = place.split(':').next()?.parse().ok()?;
            Some(Complaint { path: path.clone(), line: Some(number), message: message.to_owned() })
        })
        .collect();
    answer.judged(complaints)
}
