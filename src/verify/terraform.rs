//! Terraform checks its files with `validate`, which needs the provider, and their layout with `fmt`.

use camino::Utf8Path;
use serde::Deserialize;

use super::{Answer, Arg, Check, Complaint, Consumer, Outputs, Program, Reading, Run, place};

pub(super) const CONSUMER: Consumer = Consumer {
    name: "terraform",
    programs: &[Program { name: "terraform", first: &[], version: &["version", "-json"] }],
    how_to_get: "https://developer.hashicorp.com/terraform/install",
};

/// The variable of Terraform with the folder of the providers that were downloaded.
const PLUGIN_CACHE: &str = "TF_PLUGIN_CACHE_DIR";

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    let files = outputs.which(|path| path.extension() == Some("tf"));
    if files.is_empty() {
        return Vec::new();
    }
    let fmt = ["fmt", "-check", "-diff", "-no-color"];
    let folder = outputs.terraform.clone();
    let chdir = format!("-chdir={folder}");
    // The provider is not downloaded: it comes from the user's cache.
    let init = Run::new([chdir.as_str(), "init", "-backend=false", "-input=false", "-no-color"])
        .with(Arg::Folder("-plugin-dir=", PLUGIN_CACHE));
    let local = Run::new(fmt.into_iter().chain(files.iter().map(|file| file.as_str())));
    let fmt = Check { what: "fmt", ..Check::new(&CONSUMER, files.clone(), local, formatted) };
    let local = Run::new([chdir.as_str(), "validate", "-json", "-no-color"]);
    let read = move |answer: &Answer<'_>| validated(answer, &folder);
    vec![fmt, Check { what: "validate", before: Some(init), ..Check::new(&CONSUMER, files, local, read) }]
}

/// The differences of a file: `--- old/main.tf`, then hunks. A syntax error has `on FILE line N`.
fn formatted(answer: &Answer<'_>) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    let mut complaints = Vec::new();
    let mut file = None;
    let mut next = None;
    for line in answer.stdout.lines() {
        if let Some(name) = line.strip_prefix("--- old/") {
            file = answer.named(name).map(ToOwned::to_owned);
        } else if let Some(hunk) = line.strip_prefix("@@ -") {
            next = place::number(hunk);
        } else if let (Some(path), Some(at)) = (&file, next) {
            match line.as_bytes().first() {
                Some(b'-' | b'+') => {
                    let message = format!("not formatted: `{}` (`terraform fmt`)", line[1..].trim());
                    complaints.push(Complaint { path: path.clone(), line: Some(at), message });
                    next = None;
                }
                _ => next = Some(at + 1),
            }
        }
    }
    if complaints.is_empty() {
        complaints.extend(answer.stderr.lines().find_map(|line| {
            let (_, rest) = line.split_once(" on ")?;
            let (name, rest) = rest.split_once(" line ")?;
            let message =
                answer.stderr.lines().find_map(|line| line.split_once("Error: ")).map_or("syntax error", |(_, it)| it);
            Some(Complaint {
                path: answer.named(name)?.to_owned(),
                line: place::number(rest),
                message: message.to_owned(),
            })
        }));
    }
    answer.judged(complaints)
}

#[derive(Deserialize)]
struct Report {
    valid: bool,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    severity: String,
    summary: String,
    detail: String,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: usize,
}

fn validated(answer: &Answer<'_>, folder: &Utf8Path) -> Reading {
    let Ok(report) = serde_json::from_str::<Report>(answer.stdout) else { return answer.unreadable() };
    if report.valid {
        return Reading::Judged(Vec::new());
    }
    let errors: Vec<&Diagnostic> = report.diagnostics.iter().filter(|found| found.severity == "error").collect();
    // Terraform 1.11 reports these without a place and without other errors.
    let not_installed = ["Missing required provider", "Module not installed", "Required plugins are not installed"];
    if !errors.is_empty() && errors.iter().all(|error| not_installed.contains(&error.summary.as_str())) {
        return Reading::Skipped(format!(
            "the provider is not in a cache: set `{PLUGIN_CACHE}` to a folder outside the project, and run \
             `terraform -chdir={folder} init -backend=false`"
        ));
    }
    let complaints = errors
        .into_iter()
        .map(|error| {
            let place = error.range.as_ref();
            let path = place.and_then(|range| answer.named(&range.filename)).map(ToOwned::to_owned);
            let message = if error.detail.is_empty() {
                error.summary.clone()
            } else {
                format!("{}: {}", error.summary, error.detail)
            };
            match path {
                Some(path) => Complaint { path, line: place.map(|range| range.start.line), message },
                None => answer.complaint(None, message),
            }
        })
        .collect();
    answer.judged(complaints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stdout: &str) -> Reading {
        let files =
            [("terraform/dev/main.tf".into(), String::new()), ("terraform/dev/outputs.tf".into(), String::new())];
        let answer = Answer { succeeded: false, stdout, stderr: "", files: &files };
        validated(&answer, Utf8Path::new("terraform/dev"))
    }

    /// As Terraform 1.11 says it.
    #[test]
    fn what_validate_says_is_judged_skipped_or_a_complaint() {
        assert_eq!(answer(r#"{"valid":true,"diagnostics":[]}"#), Reading::Judged(Vec::new()));
        let missing = r#"{"valid":false,"diagnostics":[{"severity":"error","summary":"Missing required provider","detail":"This configuration requires provider registry.terraform.io/hashicorp/aws, but that provider isn't available."}]}"#;
        assert!(matches!(answer(missing), Reading::Skipped(reason) if reason.contains("init -backend=false")));
        let wrong = r#"{"valid":false,"diagnostics":[{"severity":"error","summary":"Unsupported argument","detail":"An argument named \"regoin\" is not expected here.","range":{"filename":"outputs.tf","start":{"line":7,"column":3,"byte":99}}}]}"#;
        let Reading::Judged(complaints) = answer(wrong) else { panic!("no verdict") };
        assert_eq!(complaints[0].path, "terraform/dev/outputs.tf");
        assert_eq!(complaints[0].line, Some(7));
        assert_eq!(complaints[0].message, "Unsupported argument: An argument named \"regoin\" is not expected here.");
        // A mistake beside a missing provider counts.
        let both = missing.replace(
            "\"diagnostics\":[",
            "\"diagnostics\":[{\"severity\":\"error\",\"summary\":\"Duplicate output\",\"detail\":\"\"},",
        );
        assert!(matches!(answer(&both), Reading::Judged(complaints) if complaints.len() == 2));
        assert!(matches!(answer("no JSON"), Reading::Judged(complaints) if complaints[0].message == "no JSON"));
    }
}
