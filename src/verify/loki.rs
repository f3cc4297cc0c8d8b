//! Loki checks its configuration with `-verify-config` (Loki 3.7).

use super::{Answer, Consumer, Program, Reading, place};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "loki",
    programs: &[Program { name: "loki", first: &[], version: &["-version"] }],
    how_to_get: "https://grafana.com/docs/loki/latest/setup/install/",
};

/// `failed parsing config: …` with a line for each wrong key, or a line of its log with `err="…"`.
pub(super) fn reading(answer: &Answer<'_>) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    answer.judged(yaml_complaints(answer))
}

/// The errors of a Go program about its YAML: those of the decoder have a line number, any other error is the only one.
pub(super) fn yaml_complaints(answer: &Answer<'_>) -> Vec<super::Complaint> {
    let text = answer.text();
    let decoder: Vec<super::Complaint> = answer
        .stderr
        .lines()
        .filter_map(|line| {
            let rest = line.trim_start().strip_prefix("line ")?;
            let (number, message) = rest.split_once(": ")?;
            let hint = message.find(". Use `-config.expand-env").unwrap_or(message.len());
            Some(answer.complaint(Some(number.parse().ok()?), &message[..hint]))
        })
        .collect();
    if !decoder.is_empty() {
        return decoder;
    }
    answer
        .stderr
        .lines()
        .filter(|line| line.contains("err=") || line.contains("rror ") || line.contains("failed"))
        .map(|line| {
            let message = line.split_once("err=\"").map_or(line, |(_, message)| message.trim_end_matches('"'));
            answer.complaint(place::line(text, message), message)
        })
        .take(1)
        .collect()
}
