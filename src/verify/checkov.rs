//! checkov finds what makes Terraform files, Dockerfiles and manifests unsafe. A finding that the spec accepts is ignored; one that
//! it accepts and that doesn't exist is an error.

use serde::Deserialize;

use super::{Answer, Check, Complaint, Consumer, Outputs, Program, Reading, Run};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "checkov",
    programs: &[Program { name: "checkov", first: &[], version: &["--version"] }],
    how_to_get: "`pip install checkov`, or https://www.checkov.io/2.Basics/Installing%20Checkov.html",
};

pub(super) fn check(outputs: &Outputs<'_>) -> Option<Check> {
    let mut files = outputs.which(|path| path.extension() == Some("tf") || path.as_str().ends_with("Dockerfile"));
    files.extend(super::kubernetes::manifests(outputs));
    let accepted: Vec<String> = outputs.stack.accepted.iter().map(|(id, _)| id.clone()).collect();
    let frameworks = ["--framework", "terraform", "dockerfile", "kubernetes"];
    // kustomize sets the namespace.
    let options = ["--skip-check", "CKV_K8S_21", "--skip-download", "--compact", "--output", "json"];
    let local =
        Run::new(frameworks.into_iter().chain(options).chain(["--file"]).chain(files.iter().map(|file| file.as_str())));
    let read = move |answer: &Answer<'_>| reading(answer, &accepted);
    (!files.is_empty()).then(|| Check::new(&CONSUMER, files, local, read))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reports {
    Many(Vec<Report>),
    One(Box<Report>),
}

#[derive(Deserialize)]
struct Report {
    results: Results,
    summary: Summary,
}

#[derive(Deserialize)]
struct Results {
    failed_checks: Vec<Failed>,
}

#[derive(Deserialize)]
struct Failed {
    check_id: String,
    check_name: String,
    repo_file_path: String,
    file_line_range: (usize, usize),
    resource: String,
}

#[derive(Deserialize)]
struct Summary {
    passed: usize,
    parsing_errors: usize,
}

/// Its exit code is 0 even for files that it can't read (3.3), so the summary is checked.
fn reading(answer: &Answer<'_>, accepted: &[String]) -> Reading {
    let Ok(reports) = serde_json::from_str::<Reports>(answer.stdout) else { return answer.unreadable() };
    let reports = match reports {
        Reports::Many(reports) => reports,
        Reports::One(report) => vec![*report],
    };
    if reports.iter().any(|report| report.summary.parsing_errors > 0) {
        return Reading::NoVerdict("failed to parse some of the files".to_owned());
    }
    let failed: Vec<&Failed> = reports.iter().flat_map(|report| &report.results.failed_checks).collect();
    if failed.is_empty() && reports.iter().all(|report| report.summary.passed == 0) {
        return Reading::NoVerdict("no checks were run".to_owned());
    }
    let mut complaints: Vec<Complaint> = failed
        .iter()
        .filter(|failed| !accepted.contains(&failed.check_id))
        .map(|failed| {
            let message = format!(
                "{}: {} ({}); fix it, or accept it with a reason in `[accepted]`: `{} = \"…\"`",
                failed.check_id, failed.check_name, failed.resource, failed.check_id
            );
            let line = Some(failed.file_line_range.0);
            match answer.named(&failed.repo_file_path) {
                Some(path) => Complaint { path: path.to_owned(), line, message },
                None => answer.complaint(None, message),
            }
        })
        .collect();
    for id in accepted.iter().filter(|id| !failed.iter().any(|failed| failed.check_id == **id)) {
        let message = format!(
            "the spec accepts {id}, which was not found: remove it, or, if another profile needs it, add \
             `remove = [\"accepted.{id}\"]` to this one"
        );
        complaints.push(answer.complaint(None, message));
    }
    Reading::Judged(complaints)
}
