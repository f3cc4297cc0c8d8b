//! The outputs that `[patches]` change, and those that are the user's own.

use std::collections::{HashMap, HashSet};

use super::{Artifact, COMPOSE, artifacts};
use crate::model::Stack;
use crate::model::patch::{Edit, Patch};
use crate::patch::{Format, MOST_EDITS, Patched, Problem, apply};
use crate::spec::stack::TERRAFORM;

/// What is wrong with a patch.
#[derive(Debug)]
pub enum Fault {
    /// There is no such output.
    Unknown {
        /// What it is called, if it is written with the profile's folder.
        whole: Option<String>,
    },
    /// It can't be patched, and why.
    Refused(String),
    /// It is the user's own.
    Ejected,
    /// It is made by a template of the spec.
    OfTemplate(String),
    /// It has too many changes.
    TooMany,
    /// It changes a Job of Kubernetes.
    Job,
    /// One of its edits is wrong, and the patch that has the other one if two are at odds.
    Edit(Problem, Option<usize>),
}

/// The patches of an output: the first has the place among those of the stack.
pub(super) type Patches<'a> = Vec<(usize, &'a Patch)>;

/// An entry of the spec that is about an output, by its place in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Of `[patches]`.
    Patch(usize),
    /// Of `[ejected]`.
    Ejected(usize),
}

/// The name of an output in the spec: that of a file of containers is the same for every engine.
pub fn name(stack: &Stack, path: &str) -> Option<String> {
    let below = |folder: String| path.strip_prefix(&folder)?.strip_prefix('/');
    let name = below(stack.files()).or_else(|| below(stack.generated())).map(ToOwned::to_owned);
    name.or_else(|| Some(format!("{TERRAFORM}/{}", below(stack.terraform())?)))
}

/// What an output is called in the spec.
fn aliases(stack: &Stack, path: &str) -> impl Iterator<Item = String> {
    let first = name(stack, path);
    let second = path.strip_prefix(&stack.generated()).and_then(|path| path.strip_prefix('/')).map(ToOwned::to_owned);
    let second = second.filter(|second| Some(second) != first.as_ref());
    first.into_iter().chain(second)
}

/// The path and the name of each output.
pub fn names(stack: &Stack) -> Vec<(String, String)> {
    let artifacts = artifacts(stack).into_iter();
    artifacts.filter_map(|artifact| Some((artifact.path.to_string(), name(stack, artifact.path.as_str())?))).collect()
}

/// The outputs that are the user's own, with their names.
pub fn ejected(stack: &Stack) -> Vec<(String, Artifact<'_>)> {
    if stack.ejected.is_empty() {
        return Vec::new();
    }
    let artifacts = artifacts(stack).into_iter().filter(|artifact| artifact.ejected.is_some());
    artifacts.filter_map(|artifact| Some((name(stack, artifact.path.as_str())?, artifact))).collect()
}

/// The patches of outputs that the stack has: one of the whole spec may be of a file that only other profiles have.
pub fn applied(stack: &Stack) -> Vec<&Patch> {
    if stack.patches.is_empty() {
        return Vec::new();
    }
    let places: HashSet<usize> =
        artifacts(stack).iter().flat_map(|artifact| artifact.patches.iter().map(|(place, _)| *place)).collect();
    stack.patches.iter().enumerate().filter(|(place, _)| places.contains(place)).map(|(_, patch)| patch).collect()
}

/// Gives each output what the spec says of it.
pub(super) fn attach<'a>(stack: &'a Stack, artifacts: &mut [Artifact<'a>]) {
    if stack.patches.is_empty() && stack.ejected.is_empty() {
        return;
    }
    let ejected: HashMap<&str, &str> =
        stack.ejected.iter().map(|(file, reason)| (file.as_str(), reason.as_str())).collect();
    let mut patches: HashMap<&str, Patches<'a>> = HashMap::new();
    for (place, patch) in stack.patches.iter().enumerate() {
        patches.entry(&patch.file).or_default().push((place, patch));
    }
    for artifact in artifacts {
        for name in aliases(stack, artifact.path.as_str()) {
            artifact.patches.extend(patches.get(name.as_str()).into_iter().flatten());
            artifact.ejected = artifact.ejected.or_else(|| ejected.get(name.as_str()).copied());
        }
    }
}

impl Artifact<'_> {
    /// The text with its patches. What is wrong with one was reported; without it, the rest is applied.
    pub(super) fn patched(&self, text: String) -> String {
        let patched = self.format().and_then(|format| self.apply(&text, format).ok());
        patched.map_or(text, |patched| patched.text)
    }

    /// Whether the spec patches it.
    pub fn is_patched(&self) -> bool {
        !self.patches.is_empty()
    }

    /// Why it is the user's own, if it is.
    pub fn ejected(&self) -> Option<&str> {
        self.ejected
    }

    fn apply(&self, text: &str, format: Format) -> Result<Patched, String> {
        let edits: Vec<&Edit> = self.patches.iter().flat_map(|(_, patch)| &patch.edits).take(MOST_EDITS).collect();
        apply(text, format, &edits)
    }

    fn format(&self) -> Option<Format> {
        match self.path.extension()? {
            _ if self.path.file_name() == Some(COMPOSE) => Some(Format::Compose),
            "yaml" | "yml" => Some(Format::Yaml),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// The patch that has an edit, and the place of the edit in it.
    fn place_of(&self, mut edit: usize) -> Option<(usize, usize)> {
        for (place, patch) in &self.patches {
            match edit.checked_sub(patch.edits.len()) {
                None => return Some((*place, edit)),
                Some(rest) => edit = rest,
            }
        }
        None
    }

    /// What is wrong with its patches.
    fn faults(&self, stack: &Stack, found: &mut Vec<(usize, Fault)>) {
        let Some((first, _)) = self.patches.first() else { return };
        if self.ejected.is_some() {
            return found.push((*first, Fault::Ejected));
        }
        let name = name(stack, self.path.as_str());
        let template = name.as_ref().and_then(|name| stack.template_of(name));
        if let Some(template) = template {
            return found.push((*first, Fault::OfTemplate(template.to_owned())));
        }
        let Some(format) = self.format() else {
            return found.push((*first, Fault::Refused("only YAML and JSON can be".to_owned())));
        };
        if self.patches.iter().map(|(_, patch)| patch.edits.len()).sum::<usize>() > MOST_EDITS {
            return found.push((*first, Fault::TooMany));
        }
        // Only a broken template can fail, which `gen render` reports.
        let Ok(text) = self.plain() else { return };
        let patched = match self.apply(&text, format) {
            Ok(patched) => patched,
            Err(why) => return found.push((*first, Fault::Refused(why))),
        };
        for mut problem in patched.problems {
            let Some((place, edit)) = self.place_of(problem.edit) else { continue };
            let other = problem.other.and_then(|other| self.place_of(other));
            problem.edit = edit;
            problem.other = other.map(|(_, edit)| edit);
            found.push((place, Fault::Edit(problem, other.map(|(place, _)| place))));
        }
        let is_manifest = stack.kubernetes.is_some()
            && !self.path.as_str().starts_with(&stack.files())
            && self.path.as_str().starts_with(&stack.base());
        let is_job = |document: &serde_json::Value| document.get("kind").and_then(|kind| kind.as_str()) == Some("Job");
        if is_manifest && patched.changed.iter().flatten().any(is_job) {
            found.push((*first, Fault::Job));
        }
    }
}

/// What is wrong with what a stack says of outputs.
pub fn faults(stack: &Stack) -> Vec<(Entry, Fault)> {
    // Rendering is not for free.
    if stack.patches.is_empty() && stack.ejected.is_empty() {
        return Vec::new();
    }
    let artifacts = artifacts(stack);
    let mut found = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    for artifact in &artifacts {
        known.extend(aliases(stack, artifact.path.as_str()));
        artifact.faults(stack, &mut found);
    }
    let mut found: Vec<(Entry, Fault)> = found.into_iter().map(|(place, fault)| (Entry::Patch(place), fault)).collect();
    let patches = stack.patches.iter().enumerate().map(|(place, patch)| (Entry::Patch(place), &patch.file));
    let ejected = stack.ejected.iter().enumerate().map(|(place, (file, _))| (Entry::Ejected(place), file));
    let paths: HashSet<&str> = artifacts.iter().map(|artifact| artifact.path.as_str()).collect();
    let unknown = patches.chain(ejected).filter(|(_, file)| !known.contains(file.as_str()));
    found.extend(unknown.map(|(entry, file)| {
        let whole = paths.get(file.as_str()).and_then(|path| name(stack, path));
        (entry, Fault::Unknown { whole })
    }));
    found
}
