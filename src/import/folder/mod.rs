//! From a folder with a Compose file and what Grafana is provisioned with to a spec.
//!
//! The project is imported as `import::compose` does. `grafana` then makes the service that runs Grafana one of the kind:
//! `mounts` says what its container sees of the folder, `provisioning` reads the datasources and where dashboards are, in
//! which `expand` replaces variables, and `dashboards` reads these. If the result isn't valid, the service stays as it was,
//! since nothing is lost then. Other configuration stays the user's own.

mod dashboards;
mod expand;
mod grafana;
mod mounts;
mod provisioning;

use std::collections::HashSet;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use grafana::Refusal;
use mounts::Mounts;

use super::compose::{self, Attempt, Error, Kind, Note, Notes, Read, images};
use crate::folder;
use crate::spec::MAIN;
use crate::spec::decode::shown;
use crate::spec::merge::SERVICE;
use crate::spec::tree::{Node, Table, Value};

/// How files are read; paths are relative to the current folder.
pub struct Files<'a> {
    /// Reads a file below the current folder.
    pub read: Read<'a>,
    /// Lists a folder below the current one.
    pub list: List<'a>,
}

/// How a folder is listed.
pub type List<'a> = &'a dyn Fn(&Utf8Path) -> io::Result<Vec<(String, folder::Kind)>>;

/// A folder that was read.
#[derive(Debug)]
pub struct Import {
    /// The files of the spec, by their paths.
    pub files: Vec<(Utf8PathBuf, String)>,
    /// What a person should know.
    pub notes: Vec<Note>,
}

impl Import {
    /// Whether all of the folder is in the spec, or as it was.
    pub fn is_whole(&self) -> bool {
        self.notes.iter().all(|note| note.kind != Kind::Lost)
    }
}

/// A folder as a path below the current one; nothing if it is elsewhere.
pub fn below(current: &Utf8Path, folder: &Utf8Path) -> Option<Utf8PathBuf> {
    let path = if folder.is_absolute() { folder.strip_prefix(current).ok()? } else { folder };
    Some(compose::paths::clean(path)).filter(|path| !path.starts_with(".."))
}

/// Reads a folder: the files of its Compose project, and what they mount. `name` is that of the project if no file says it.
///
/// # Errors
/// A file of the project can't be read, or real Compose would refuse it.
pub fn import(compose: &[Utf8PathBuf], name: &str, files: &Files<'_>) -> Result<Import, Error> {
    let mut plan = Ok(None);
    let base = compose::attempt(compose, name, files.read, &mut |spec, notes| {
        plan = grafana::plan(spec, files);
        configuration(spec, files, notes);
        Vec::new()
    })?;
    let refusal = match plan {
        Ok(None) => return Ok(finish(base, Vec::new(), Vec::new())),
        Err(refusal) => refusal,
        Ok(Some(mut plan)) => {
            let own: HashSet<&str> = base.problems.iter().map(|(_, note)| note.message.as_str()).collect();
            loop {
                let mut others = Vec::new();
                let mut attempt = compose::attempt(compose, name, files.read, &mut |spec, notes| {
                    configuration(spec, files, notes);
                    others = plan.apply(spec, notes);
                    others.clone()
                })?;
                let (of_dashboards, of_spec): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut attempt.problems).into_iter().partition(|(path, _)| plan.has(path));
                if let Some((_, note)) = of_spec.iter().find(|(_, note)| !own.contains(note.message.as_str())) {
                    break Refusal { service: plan.service, why: note.message.clone() };
                }
                if of_dashboards.is_empty() {
                    attempt.problems = of_spec;
                    let added = plan.added(&compose::sources(&attempt.text, &others));
                    let notes = plan.notes.into_iter().chain(added).chain(plan.found.into_notes()).collect();
                    return Ok(finish(attempt, others, notes));
                }
                // Each time fewer are left.
                plan.found.refuse(&of_dashboards);
            }
        }
    };
    let message = format!("`{}` keeps its own provisioning: {}", shown(&refusal.service), refusal.why);
    Ok(finish(base, Vec::new(), vec![Note { kind: Kind::Kept, place: None, message }]))
}

fn finish(attempt: Attempt, others: Vec<(Utf8PathBuf, String)>, mut notes: Vec<Note>) -> Import {
    notes.extend(attempt.notes);
    notes.extend(attempt.problems.into_iter().map(|(_, note)| note));
    let mut files = vec![(MAIN.into(), attempt.text)];
    files.extend(others);
    Import { files, notes: compose::in_order(notes) }
}

/// Images whose configuration stays as it is.
const CONFIGURED: [&str; 9] = [
    "grafana/alloy",
    "grafana/loki",
    "grafana/mimir",
    "grafana/promtail",
    "grafana/tempo",
    "otel/opentelemetry-collector",
    "otel/opentelemetry-collector-contrib",
    "prom/alertmanager",
    "prom/prometheus",
];

/// Names the configuration that stays as it is.
fn configuration(spec: &Table<'static>, files: &Files<'_>, notes: &mut Notes<'_>) {
    let Some(Node { value: Value::Table(services), .. }) = spec.at(&[SERVICE]) else { return };
    for (_, node) in &services.entries {
        let Value::Table(service) = &node.value else { continue };
        if !images::repository(service).is_some_and(|name| CONFIGURED.contains(&name)) {
            continue;
        }
        for (node, source, _) in Mounts::of(service, files).here() {
            notes.add(Kind::Kept, Some(node.span), format!("`{}` stays as it is", shown(source.as_str())));
        }
    }
}
