//! What the differences between two specs mean for whoever runs the stack, as data.
//!
//! Two resolved stacks are compared area by area, one file each, in the order of the spec. Names, defaults and derived
//! values are resolved before, so comments, order and files don't matter. Each difference is a [`Change`]: how
//! dangerous it is, what it is about, what happens, and both values.
//!
//! A test checks that each key of the reference spec that affects an output leads to a change.

mod accepted;
mod clusters;
mod conditional;
mod dashboards;
mod datasources;
mod environment;
mod external;
mod files;
mod host;
mod images;
mod infrastructure;
mod kubernetes;
mod meaning;
mod patches;
mod ports;
mod privileges;
mod profiles;
mod schema;
mod services;
mod settings;
mod storage;
mod unexplained;
mod variables;
mod written;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use camino::Utf8PathBuf;
use serde::Serialize;

use crate::Plan;
use crate::model::text::{Operator, Segment, Text};
use crate::model::{Stack, secret};
use crate::output;
pub use crate::spec::accepted::{Id, Names};

/// How much attention a change needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Data is lost or no longer found, or something is exposed.
    Danger,
    /// It may break something, or weakens a protection.
    Caution,
    /// Anything else.
    Notice,
}

/// What a change is about, in the order of the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Added and removed profiles.
    Profiles,
    /// The stack as a whole.
    Stack,
    /// What services run, and what is built here.
    Images,
    /// Temporal clusters.
    Clusters,
    /// Containers.
    Services,
    /// Ports of the host and of the network.
    Ports,
    /// What containers see of the host and of volumes.
    Mounts,
    /// What containers may do.
    Privileges,
    /// The variables that containers see.
    Environment,
    /// Resources, and what stores accept.
    Limits,
    /// What waits for what.
    Dependencies,
    /// How health is probed.
    Healthchecks,
    /// How long data is kept.
    Retention,
    /// What is scraped, and how often.
    Metrics,
    /// Named volumes.
    Volumes,
    /// Networks.
    Networks,
    /// Secrets of Compose.
    Secrets,
    /// What creates schemas.
    Schema,
    /// What Grafana queries.
    Datasources,
    /// What Grafana shows.
    Dashboards,
    /// The user's `.env`.
    Variables,
    /// What Terraform creates.
    Infrastructure,
    /// What is accepted: findings of scanners, and changes.
    Accepted,
    /// Files that templates of the spec make.
    Files,
    /// Values of outputs that the spec changes.
    Patches,
    /// Outputs that changed although no other area explains it.
    Outputs,
}

impl Area {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Stack => "stack",
            Self::Images => "images",
            Self::Clusters => "clusters",
            Self::Services => "services",
            Self::Ports => "ports",
            Self::Mounts => "mounts",
            Self::Privileges => "privileges",
            Self::Environment => "environment",
            Self::Limits => "limits",
            Self::Dependencies => "dependencies",
            Self::Healthchecks => "healthchecks",
            Self::Retention => "retention",
            Self::Metrics => "metrics",
            Self::Volumes => "volumes",
            Self::Networks => "networks",
            Self::Secrets => "secrets",
            Self::Schema => "schema",
            Self::Datasources => "datasources",
            Self::Dashboards => "dashboards",
            Self::Variables => "variables",
            Self::Infrastructure => "infrastructure",
            Self::Accepted => "accepted",
            Self::Files => "files",
            Self::Patches => "patches",
            Self::Outputs => "outputs",
        }
    }
}

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Change {
    /// What kind of change it is.
    pub id: Id,
    /// How much attention it needs.
    pub severity: Severity,
    /// What it is about.
    pub area: Area,
    /// What is different: a name of the spec, of Terraform or of an image.
    pub subject: String,
    /// What happens, in one line; names are in back-ticks.
    pub what: String,
    /// The old value.
    pub before: Option<String>,
    /// The new value.
    pub after: Option<String>,
    /// Which of several things it is about: a path, a capability.
    pub thing: Option<String>,
    /// Why it is accepted, if it is.
    pub accepted: Option<String>,
    /// The profiles that it applies to.
    pub profiles: Vec<String>,
    /// The keys of the subject that it explains, for the safety net.
    #[serde(skip)]
    keys: Vec<String>,
}

impl Change {
    fn new(id: Id, severity: Severity, area: Area, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            id,
            severity,
            area,
            subject: subject.into(),
            what: what.into(),
            before: None,
            after: None,
            thing: None,
            accepted: None,
            profiles: Vec::new(),
            keys: area.key().into_iter().map(str::to_owned).collect(),
        }
    }

    /// Hides secrets that are written in the spec, wherever a value of it is shown.
    fn hide_secrets(&mut self) {
        let Self { what, before, after, thing, subject, .. } = self;
        for text in [what, subject].into_iter().chain([before, after, thing].into_iter().flatten()) {
            if let Cow::Owned(hidden) = secret::hide(text) {
                *text = hidden;
            }
        }
        let Self { what, before, after, .. } = self;
        if before == after && before.as_ref().is_some_and(|value| value.contains(secret::HIDDEN)) {
            what.push_str(" (the value is hidden)");
            if before.as_deref() == Some(secret::HIDDEN) {
                (*before, *after) = (None, None);
            }
        }
    }

    /// By what it is accepted: `privileged.web`, `capability-added.web:SYS_ADMIN`.
    pub fn name(&self) -> String {
        let thing = self.thing.as_ref().map(|thing| format!(":{thing}")).unwrap_or_default();
        format!("{}.{}{thing}", self.id.as_str(), self.subject)
    }

    fn danger(id: Id, area: Area, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(id, Severity::Danger, area, subject, what)
    }

    fn caution(id: Id, area: Area, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(id, Severity::Caution, area, subject, what)
    }

    fn notice(id: Id, area: Area, subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(id, Severity::Notice, area, subject, what)
    }

    /// It explains these keys, too.
    fn explains<'k>(mut self, keys: impl IntoIterator<Item = &'k str>) -> Self {
        self.keys.extend(keys.into_iter().map(str::to_owned));
        self
    }

    /// It explains all of its subject, which was added or removed.
    fn whole(self) -> Self {
        self.explains([unexplained::WHOLE])
    }

    fn was(mut self, before: impl Into<Option<String>>) -> Self {
        self.before = before.into();
        self
    }

    fn is(mut self, after: impl Into<Option<String>>) -> Self {
        self.after = after.into();
        self
    }
}

/// What a change of the spec means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Dangers first, then cautions, then the rest; each in the order of the spec.
    pub changes: Vec<Change>,
    /// The outputs that a render would write, change or delete.
    pub outputs: Outputs,
}

/// Outputs that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// Those that were added.
    pub added: Vec<String>,
    /// Those whose contents changed.
    pub changed: Vec<String>,
    /// Those that were removed.
    pub removed: Vec<String>,
}

impl Review {
    /// The number of changes with that severity that are not accepted.
    pub fn count(&self, severity: Severity) -> usize {
        self.changes.iter().filter(|change| change.severity == severity && change.accepted.is_none()).count()
    }

    /// The number of changes that are accepted.
    pub fn accepted(&self) -> usize {
        self.changes.iter().filter(|change| change.accepted.is_some()).count()
    }
}

/// One of the two projects that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// That of the base.
    Before,
    /// That of the work tree.
    After,
}

/// Where a path leads through links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Led {
    /// To another path of the project, relative to its root.
    Inside(String),
    /// Out of the project, to nowhere, or to a hidden file: as the last link says it.
    Outside(String),
}

/// What the files of the project are, compared with those at the base: what a spec gives a container depends on them.
pub trait Ground {
    /// Where a path, relative to the root, leads if there are links on the way.
    fn leads(&self, side: Side, path: &str) -> Option<Led>;

    /// Whether a file that `extends` names, or one that it names in turn, says something else than at the base. One that is
    /// not in the project may.
    fn differs(&self, path: Option<&str>) -> bool;

    /// Files that programs read beside the outputs of a profile, and that are committed and not as at the base.
    fn committed(&self, profile: &str) -> Vec<String>;

    /// The list of a profile's outputs at the base, if it is committed there.
    fn manifest(&self, path: &str) -> Option<Vec<u8>>;
}

/// Only the specs are compared.
impl Ground for () {
    fn leads(&self, _: Side, _: &str) -> Option<Led> {
        None
    }

    fn differs(&self, _: Option<&str>) -> bool {
        false
    }

    fn committed(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn manifest(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Compares the plans of two specs, profile by profile.
///
/// # Errors
/// Only if a template is wrong, never because of the spec.
pub fn review(before: &[Plan], after: &[Plan], ground: &dyn Ground) -> Result<Review, output::Error> {
    // A change in several profiles is reported once.
    let mut found: Vec<Change> = Vec::new();
    let mut places: HashMap<Change, usize> = HashMap::new();
    for (profile, mut changes) in profiles::compare(before, after, ground) {
        for change in changes.drain(..) {
            let place = *places.entry(change.clone()).or_insert(found.len());
            if place == found.len() {
                found.push(change);
            }
            if let Some(change) = found.get_mut(place)
                && change.profiles.last() != Some(&profile)
            {
                change.profiles.push(profile.clone());
            }
        }
    }
    let (outputs, differently) = outputs(before, after, ground)?;
    let terraform = after.first().map_or("", |plan| &plan.stack().outputs.terraform);
    found.extend(unexplained::outputs(&found, &outputs.changed, terraform));
    found.extend(unexplained::rendered_differently(&differently));
    found.iter_mut().for_each(Change::hide_secrets);
    found.sort_by_key(|change| (change.severity, change.area));
    Ok(Review { changes: found, outputs })
}

/// The outputs that differ, and those of the base that are not committed there as they are rendered now.
fn outputs(before: &[Plan], after: &[Plan], ground: &dyn Ground) -> Result<(Outputs, Vec<String>), output::Error> {
    let mut old: BTreeMap<String, String> = BTreeMap::new();
    let mut differently = Vec::new();
    for plan in before {
        let listed = ground.manifest(plan.scope().manifest.as_str()).unwrap_or_default();
        let listed = output::listed_in_manifest(&listed);
        for file in plan.files() {
            let file = file?;
            let is_committed = |digests: &BTreeSet<String>| digests.contains(&output::digest(file.contents.as_bytes()));
            if listed.get(file.path.as_str()).is_some_and(|digests| !is_committed(digests)) {
                differently.push(file.path.to_string());
            }
            old.insert(file.path.into_string(), file.contents);
        }
    }
    let mut outputs = Outputs::default();
    // A file that becomes the user's own stays where it is.
    let ejected = |plans: &[Plan]| -> HashSet<String> {
        plans.iter().flat_map(Plan::ejected).map(Utf8PathBuf::into_string).collect()
    };
    let (was, is) = (ejected(before), ejected(after));
    old.retain(|path, _| !is.contains(path));
    for file in after.iter().flat_map(Plan::files) {
        let file = file?;
        match old.remove(file.path.as_str()) {
            None if was.contains(file.path.as_str()) => {}
            None => outputs.added.push(file.path.into_string()),
            Some(contents) if contents != file.contents => outputs.changed.push(file.path.into_string()),
            Some(_) => {}
        }
    }
    outputs.removed = old.into_keys().collect();
    Ok((outputs, differently))
}

/// The two stacks of a profile.
struct Pair<'p> {
    before: &'p Stack,
    after: &'p Stack,
    ground: &'p dyn Ground,
    /// Variables whose default, or whether they are required, changed. That changes every reference to them, which is
    /// reported once.
    redefined: HashSet<&'p str>,
}

impl<'p> Pair<'p> {
    fn new(before: &'p Stack, after: &'p Stack, ground: &'p dyn Ground) -> Self {
        let defined = |stack: &'p Stack| -> HashMap<&'p str, (bool, Option<&'p str>)> {
            let variables = stack.variables.iter();
            variables.map(|v| (v.name.as_str(), (v.required, v.default.as_deref()))).collect()
        };
        // The region is the infrastructure's unless it is set.
        let region = |stack: &Stack| stack.infrastructure.as_ref().map(|infrastructure| infrastructure.region.clone());
        let (old, new) = (defined(before), defined(after));
        let mut redefined: HashSet<&str> =
            old.iter().filter(|(name, value)| new.get(*name) != Some(value)).map(|(name, _)| *name).collect();
        redefined.extend(new.keys().filter(|name| !old.contains_key(*name)));
        if region(before) != region(after) {
            redefined.insert("AWS_REGION");
        }
        Self { before, after, ground, redefined }
    }

    /// Whether two texts are the same except for variables whose declaration changed.
    fn same(&self, a: &Text, b: &Text) -> bool {
        a == b || self.plain(a) == self.plain(b)
    }

    /// A text without what comes from the declarations of variables.
    fn plain(&self, text: &Text) -> Text {
        let Text::Parts(segments) = text else { return text.clone() };
        let segments = segments.iter().cloned().map(|segment| match segment {
            Segment::Env(mut reference)
                if self.redefined.contains(reference.name.as_str())
                    && !matches!(reference.operator, Some(Operator::Alternative(_))) =>
            {
                reference.operator = None;
                Segment::Env(reference)
            }
            other => other,
        });
        Text::Parts(segments.collect())
    }

    /// The variables in a text whose declaration changed.
    fn through<'t>(&self, text: &'t Text) -> Vec<&'t str> {
        text.variables().filter(|name| self.redefined.contains(name)).collect()
    }
}

/// What happened to an item of a list whose items have names.
enum Fate<'i, T> {
    Added(&'i T),
    Removed(&'i T),
    Stays(&'i T, &'i T),
}

/// Matches the items of two lists by a key: first those of the new list in its order, then those that were removed.
fn fates<'i, T, K: Hash + Eq>(before: &'i [T], after: &'i [T], key: impl Fn(&'i T) -> K) -> Vec<Fate<'i, T>> {
    let mut old: HashMap<K, &T> = HashMap::with_capacity(before.len());
    for item in before {
        old.entry(key(item)).or_insert(item);
    }
    let mut seen = HashSet::with_capacity(after.len());
    let mut fates = Vec::with_capacity(after.len());
    for item in after {
        let key = key(item);
        fates.push(match old.get(&key) {
            Some(&other) => Fate::Stays(other, item),
            None => Fate::Added(item),
        });
        seen.insert(key);
    }
    fates.extend(before.iter().filter(|item| !seen.contains(&key(item))).map(Fate::Removed));
    fates
}

/// The key of an entry, and its value before and after.
fn sides<'i, K: AsRef<str>, V>(fate: &Fate<'i, (K, V)>) -> (&'i str, Option<&'i V>, Option<&'i V>) {
    match *fate {
        Fate::Added((key, after)) => (key.as_ref(), None, Some(after)),
        Fate::Removed((key, before)) => (key.as_ref(), Some(before), None),
        Fate::Stays((key, before), (_, after)) => (key.as_ref(), Some(before), Some(after)),
    }
}

/// A name in a line of text. It is untrusted and must not end the quotation.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "'"))
}

/// A number of things.
pub fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Names, as in a sentence.
fn quoted_list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    /// More names than this are not useful.
    const MOST: usize = 12;
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    match names.as_slice() {
        [first @ .., _] if names.len() > MOST => {
            format!("{} and {} more", first[..MOST - 1].join(", "), names.len() - (MOST - 1))
        }
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The change of an optional value, if it changed.
fn value(
    changes: &mut Vec<Change>,
    (id, area, subject): (Id, Area, &str),
    name: &str,
    before: Option<String>,
    after: Option<String>,
) {
    if before != after {
        changes.push(changed((id, area, subject), name, before, after));
    }
}

/// The change of an optional value, which may look the same without its secrets.
fn changed((id, area, subject): (Id, Area, &str), name: &str, before: Option<String>, after: Option<String>) -> Change {
    let hidden =
        |text: String| if secret::is_written(name, &text.as_str().into()) { secret::hidden(&text) } else { text };
    let what = match (&before, &after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let change = Change::notice(id, area, subject, format!("{} {what}", quoted(name))).explains([name]);
    change.was(before.map(hidden)).is(after.map(hidden))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::resolve::Shared;
    use crate::spec::source::Sources;
    use crate::trace::{Part, Trace};

    const REFERENCE: &[(&str, &str)] = &[
        ("spec/stack.toml", include_str!("../../spec/stack.toml")),
        ("spec/dashboards/copilot.toml", include_str!("../../spec/dashboards/copilot.toml")),
        ("spec/dashboards/persistence.toml", include_str!("../../spec/dashboards/persistence.toml")),
        ("spec/dashboards/server.toml", include_str!("../../spec/dashboards/server.toml")),
        ("spec/dashboards/postgresql.toml", include_str!("../../spec/dashboards/postgresql.toml")),
        ("spec/files/poller.py", include_str!("../../spec/files/poller.py")),
    ];

    const FIELDS: &[(&str, &str)] = &[("spec/stack.toml", include_str!("../../tests/gen/fields.toml"))];

    const DASHBOARD: &[(&str, &str)] = &[
        ("spec/stack.toml", include_str!("../../tests/dashboards/stack.toml")),
        ("spec/dashboards/everything.toml", include_str!("../../tests/dashboards/everything.toml")),
    ];

    /// Changes each key, and returns what is reported for it, and the keys whose effect on outputs is not explained.
    fn told(files: &[(&str, &str)]) -> (usize, String, Vec<String>) {
        let mut sources = Sources::default();
        for &(path, text) in files {
            if camino::Utf8Path::new(path).extension() == Some("toml") {
                sources.push(path, text.to_owned());
            } else {
                sources.push_template(path, Ok(text.to_owned()));
            }
        }
        let before = crate::plan(&sources, Some("dev")).unwrap();
        let trace = Trace::new(&sources, &before[0]).unwrap();
        let mut shared = Shared::default();
        let (mut changed, mut told, mut untold) = (0, String::new(), Vec::new());
        for key in trace.keys() {
            // The dashboards of the reference are many and cover nothing that `everything.toml` doesn't.
            if files.len() > 2 && key.path.starts_with("dashboards.") {
                continue;
            }
            let Some(stack) = trace.changed(key, &mut shared) else { continue };
            let review = review(&before, &[Plan { stack }], &()).unwrap();
            let Outputs { added, changed: files, removed } = &review.outputs;
            if added.is_empty() && files.is_empty() && removed.is_empty() {
                continue;
            }
            changed += 1;
            let nothing = removed.is_empty() && added.is_empty() && review.changes.is_empty();
            if nothing || review.changes.iter().any(|change| change.area == Area::Outputs) {
                untold.push(format!("{} ({:?}): {files:?}", key.path, key.part));
            }
            if matches!(key.part, Part::Value | Part::List) {
                let _ = writeln!(told, "{}", key.path);
                for Change { severity, area, subject, what, before, after, .. } in review.changes.iter().take(3) {
                    let _ = write!(told, "    {severity:?} {area:?} {subject}: {what}");
                    for value in [before, after].into_iter().flatten() {
                        let _ = write!(told, " | {}", value.escape_debug().take(60).collect::<String>());
                    }
                    told.push('\n');
                }
            }
        }
        (changed, told, untold)
    }

    #[test]
    fn each_key_that_reaches_an_output_has_a_change() {
        for (files, least, name) in
            [(REFERENCE, 200, None), (FIELDS, 80, Some("fields")), (DASHBOARD, 100, Some("dashboard"))]
        {
            let (changed, told, untold) = told(files);
            assert!(changed >= least, "{changed}");
            assert!(untold.is_empty(), "{untold:#?}");
            let Some(name) = name else { continue };
            insta::with_settings!({ snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("review-keys-{name}"), told);
            });
        }
    }
}
