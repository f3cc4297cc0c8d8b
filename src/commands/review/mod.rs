//! `gen review`.

mod git;
mod report;

use std::io;

use stackgen::diagnostic::Diagnostic;
use stackgen::review::{self, Severity};
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ReadError};
use stackgen::{Plan, plan};

use self::git::Revision;
use super::report as diagnostics;
use super::{Outcome, fail, print, project};
use crate::cli::{Format, Review, ReviewFormat};

pub fn run(arguments: &Review) -> Outcome {
    let format = if arguments.format == ReviewFormat::Json { Format::Json } else { Format::Text };
    let project = match project(arguments.profile.as_deref(), format) {
        Ok(project) => project,
        Err(outcome) => return outcome,
    };
    let revision = match Revision::find(&project.root, &arguments.against) {
        Ok(revision) => revision,
        Err(failure) => {
            fail(&failure.message);
            return failure.outcome;
        }
    };
    let is_new = !revision.has(spec::MAIN);
    let (sources, plans) = if is_new {
        (Sources::default(), Vec::new())
    } else {
        match planned(&revision, arguments.profile.as_deref(), format) {
            Ok(planned) => planned,
            Err(outcome) => return outcome,
        }
    };
    let review = match review::review(&plans, &project.plans) {
        Ok(review) => review,
        Err(error) => {
            fail(&error.to_string());
            return Outcome::Failed;
        }
    };
    let report = report::Report {
        review: &review,
        revision: &revision,
        is_new,
        files_differ: texts(&sources) != texts(&project.sources),
        several: project.plans.len() > 1 || plans.len() > 1,
    };
    match arguments.format {
        ReviewFormat::Text => print(anstream::stdout(), &report.text()),
        ReviewFormat::Markdown => print(io::stdout(), &report.markdown()),
        ReviewFormat::Json => print(io::stdout(), &report.json()),
    }
    if review.count(Severity::Danger) > 0 { Outcome::Findings } else { Outcome::Clean }
}

fn texts(sources: &Sources) -> Vec<(&str, &str)> {
    sources.files().iter().map(|source| (source.path.as_str(), source.text.as_str())).collect()
}

/// Reads and plans the spec of a revision; reports what is wrong.
fn planned(revision: &Revision<'_>, profile: Option<&str>, format: Format) -> Result<(Sources, Vec<Plan>), Outcome> {
    let (sources, diagnostics) = match spec::read_from(revision) {
        Ok(sources) => match plan(&sources, profile) {
            Ok(plans) => return Ok((sources, plans)),
            // A profile of the work tree that wasn't there is a new one.
            Err(diagnostics) if diagnostics.iter().any(|diagnostic| diagnostic.code == "unknown-profile") => {
                return Ok((sources, Vec::new()));
            }
            Err(diagnostics) => (sources, diagnostics),
        },
        Err((_, ReadError::Io(path, error))) => {
            fail(&format!("cannot read `{path}` at {revision}: {error}"));
            return Err(Outcome::Failed);
        }
        Err((sources, ReadError::Refused(diagnostics))) => (sources, diagnostics.into_sorted()),
    };
    refused(revision, &sources, &diagnostics, format);
    Err(Outcome::Invalid)
}

fn refused(revision: &Revision<'_>, sources: &Sources, found: &[Diagnostic], format: Format) {
    if format == Format::Json {
        let list = diagnostics::json_diagnostics(sources, found);
        let object = serde_json::json!({ "revision": revision.name, "commit": revision.commit, "diagnostics": list });
        print(io::stdout(), &diagnostics::serialise(&object));
        return;
    }
    print(anstream::stderr(), &diagnostics::excerpts(sources, found));
    let problems = if found.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", found.len()) };
    fail(&format!(
        "{problems} in the spec at {revision}, while the one in the work tree is sound; compare with another revision \
         by `--against`"
    ));
}
