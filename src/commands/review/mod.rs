//! `gen review`.

mod git;
mod ground;
mod report;

use std::io;

use stackgen::diagnostic::Diagnostic;
use stackgen::edit::upgrade::{Rendered, upgraded};
use stackgen::review::{self, Severity, counted};
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ReadError};
use stackgen::{Plan, plan};

use self::git::Revision;
use self::ground::Compared;
use super::report as diagnostics;
use super::{Outcome, Project, Ran, location, print, print_error, print_text, project, stop, stop_with};
use crate::cli::{Format, Review, ReviewFormat};

pub fn run(arguments: &Review) -> Ran {
    let format = if arguments.format == ReviewFormat::Json { Format::Json } else { Format::Text };
    let profile = arguments.profile.as_deref();
    let project = project(profile, format)?;
    let revision = Revision::find(&project.root, location().folder(), &arguments.against)
        .map_err(|failure| stop(failure.outcome, &failure.message))?;
    let is_new = !revision.has(location().main());
    let outputs = project.folders();
    let (sources, plans) = if is_new { Default::default() } else { planned(&revision, &project, profile, format)? };
    let ground =
        Compared::new(&project.root, outputs, &revision).map_err(|failure| stop(failure.outcome, &failure.message))?;
    let review = review::review(&plans, &project.plans, &ground).map_err(|error| stop(Outcome::Failed, error))?;
    let report = report::Report {
        review: &review,
        revision: &revision,
        is_new,
        files_differ: texts(&sources) != texts(&project.sources),
        several: project.plans.len() > 1 || plans.len() > 1,
    };
    match arguments.format {
        ReviewFormat::Text => print_text(&report.text()),
        ReviewFormat::Markdown => print(io::stdout(), &report.markdown()),
        ReviewFormat::Json => print(io::stdout(), &report.json()),
    }
    Ok(if review.count(Severity::Danger) > 0 { Outcome::Findings } else { Outcome::Clean })
}

fn texts(sources: &Sources) -> Vec<(&str, &str)> {
    sources
        .files()
        .iter()
        .chain(sources.templates())
        .map(|source| (source.path.as_str(), source.text.as_str()))
        .collect()
}

/// Reads and plans the spec of a revision; reports what is wrong.
fn planned(
    revision: &Revision<'_>,
    project: &Project,
    profile: Option<&str>,
    format: Format,
) -> Ran<(Sources, Vec<Plan>)> {
    let (sources, diagnostics) = match spec::read_from(revision, location()) {
        Ok(sources) => match plan(&sources, profile) {
            Ok(plans) => return Ok((sources, plans)),
            // The profile is new in the work tree.
            Err(diagnostics) if diagnostics.iter().any(|diagnostic| diagnostic.code == "unknown-profile") => {
                return Ok((sources, Vec::new()));
            }
            Err(diagnostics) => {
                // It may have an older format, which is reviewed as `gen upgrade` would change it.
                let compose = |plan: &Plan| {
                    let path = format!("{}/docker-compose.yml", plan.stack().generated());
                    let (_, text) = revision.at(path.as_ref()).ok()??;
                    String::from_utf8(text).ok()
                };
                let rendered = Rendered { compose: project.plans.iter().filter_map(compose).collect() };
                let (upgraded, _) = upgraded(&sources, &rendered);
                if let Ok(plans) = plan(&upgraded, profile) {
                    return Ok((upgraded, plans));
                }
                (sources, diagnostics)
            }
        },
        Err((_, ReadError::Io(path, error))) => {
            return Err(stop(Outcome::Failed, format!("cannot read `{path}` at {revision}: {error}")));
        }
        Err((sources, ReadError::Refused(diagnostics))) => (sources, diagnostics.into_sorted()),
    };
    Err(invalid(revision, &sources, &diagnostics, format))
}

fn invalid(revision: &Revision<'_>, sources: &Sources, found: &[Diagnostic], format: Format) -> Outcome {
    if format == Format::Json {
        let list = diagnostics::json_diagnostics(sources, found);
        let object = serde_json::json!({ "revision": revision.name, "commit": revision.commit, "diagnostics": list });
        print(io::stdout(), &diagnostics::versioned(object));
        return Outcome::Invalid;
    }
    print_error(&diagnostics::excerpts(sources, found));
    let message =
        format!("{} in the spec at {revision}; the spec in the work tree is valid", counted(found.len(), "problem"));
    stop_with(Outcome::Invalid, message, "compare with another revision: `--against REF`")
}
