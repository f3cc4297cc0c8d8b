//! One declarative description of a development stack in, every file that the stack needs out.
//!
//! The path of the data is the shape of this crate; a stage knows those above it only:
//!
//! 1. [`spec`] reads text into typed tables in which every value knows its place;
//! 2. [`resolve`] looks up names, fills in defaults and checks one table against another, which gives
//! 3. the [`model`], in which nothing can be wrong any more;
//! 4. [`view`] prepares each artifact for its template, whose values are written by
//! 5. [`lit`], language by language;
//! 6. [`output`] compares the rendered files with the disk or writes them.
//!
//! [`dev`] runs what the files describe, [`verify`] has them judged by the programs that read them. [`review`] says what
//! the difference between two specs means.
//!
//! [`edit`] starts a spec, adds to it and lays it out.
//!
//! [`import`] is a way back: a dashboard of Grafana becomes a description of the spec. [`trace`] is another: it tells
//! which keys of the spec a line of an output comes from.
//!
//! [`graph`] draws who needs whom, and [`list`] tells what there is.
//!
//! [`plan()`] goes from 1 to 4. What is wrong with a spec is a [`diagnostic`], as data; only the commands of
//! the binary print.

pub mod dev;
pub mod diagnostic;
pub mod edit;
pub mod editor;
pub mod graph;
pub mod import;
pub mod list;
pub mod lit;
pub mod model;
pub mod output;
pub mod parallel;
pub mod resolve;
pub mod review;
pub mod spec;
pub mod trace;
pub mod verify;
pub mod view;

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use diagnostic::{Diagnostic, Diagnostics, Span};
use spec::decode::listed;
use spec::source::Sources;

/// The outputs of one profile.
#[derive(Debug)]
pub struct Plan {
    stack: model::Stack,
}

impl Plan {
    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.stack.profile
    }

    /// The resolved stack.
    #[must_use]
    pub fn stack(&self) -> &model::Stack {
        &self.stack
    }

    /// What the profile owns on disk.
    #[must_use]
    pub fn scope(&self) -> output::Scope {
        let profile = &self.stack.profile;
        let generated = Utf8PathBuf::from("generated").join(profile);
        output::Scope {
            manifest: generated.join("manifest.sha256"),
            folders: vec![generated, Utf8PathBuf::from("terraform").join(profile)],
        }
    }

    /// The digest of the generated files that a service mounts, by the service's name: the value of its label
    /// [`CONFIG_LABEL`](model::service::CONFIG_LABEL). A container with another one runs with a stale configuration.
    #[must_use]
    pub fn config_digests(&self) -> BTreeMap<String, String> {
        // Only a template that is wrong can fail, and then `files` says so.
        view::config_digests(&self.stack).unwrap_or_default()
    }

    /// Every output, rendered when it is asked for: a large stack's files need not be in memory at once.
    pub fn files(&self) -> impl Iterator<Item = Result<output::File, output::Error>> + '_ {
        view::artifacts(&self.stack).into_iter().map(|artifact| match artifact.render() {
            Ok(contents) => Ok(output::File { path: artifact.path, executable: artifact.executable, contents }),
            Err(error) => Err(output::Error::Render { path: artifact.path, reason: error.to_string() }),
        })
    }
}

/// Plans the outputs of one profile, or of all.
///
/// # Errors
/// Every problem of the spec, in source order.
pub fn plan(sources: &Sources, profile: Option<&str>) -> Result<Vec<Plan>, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::default();
    let document = spec::parse(sources, &mut diagnostics);
    let names: Vec<String> = document.profiles().map(|name| name.value.clone()).collect();
    // After a syntax error the profiles may be what could not be read.
    if diagnostics.is_empty() && !names.iter().any(|name| profile.is_none_or(|wanted| wanted == name)) {
        diagnostics.push(no_profile(profile, &names));
    }
    let mut plans = Vec::new();
    document.for_each(
        |name| profile.is_none_or(|wanted| wanted == name),
        &mut diagnostics,
        |profile, diagnostics| plans.extend(resolve::resolve(&profile, diagnostics).map(|stack| Plan { stack })),
    );
    if diagnostics.is_empty() { Ok(plans) } else { Err(diagnostics.into_sorted()) }
}

fn no_profile(wanted: Option<&str>, names: &[String]) -> Diagnostic {
    let start = Span { file: 0, start: 0, end: 0 };
    let names = || names.iter().map(String::as_str);
    match wanted {
        Some(wanted) => Diagnostic::new(
            "unknown-profile",
            format!("the spec has no profile `{}`", spec::decode::shown(wanted)),
            start,
        )
        .suggest(wanted, names(), || format!("it has: {}", listed(names()))),
        None => Diagnostic::new("no-profile", "the spec has no profile", start)
            .help("add one that changes nothing: `[profiles.dev]`"),
    }
}
