//! Generates every file of a development stack from one declarative spec.
//!
//! The crate is structured by the path of the data; a stage only uses those before it:
//!
//! 1. [`spec`] reads text into typed tables in which every value has a span;
//! 2. [`resolve`] looks up names, fills in defaults and checks the tables against each other, which gives
//! 3. the [`model`], which is valid;
//! 4. [`view`] prepares each artifact for its template, whose values are written by
//! 5. [`lit`], language by language;
//! 6. [`output`] compares the rendered files with the disk or writes them.
//!
//! [`dev`] runs the stack, [`verify`] validates the outputs with the programs that read them, [`review`] explains the
//! difference between two specs, and [`edit`] creates, extends and formats a spec.
//!
//! [`import`] converts a dashboard of Grafana to the spec's format. [`trace`] finds the keys of the spec that produce a
//! line of an output, and [`adopt`] takes an edit of an output back to the spec. [`graph`] draws dependencies, and [`list`]
//! lists services, ports and the like.
//!
//! [`plan()`] runs stages 1 to 4. A problem of the spec is a [`diagnostic`], as data; only the commands of the binary
//! print.

pub mod adopt;
pub mod codes;
pub mod conflict;
pub mod dev;
pub mod diagnostic;
pub mod difference;
pub mod edit;
pub mod editor;
pub mod folder;
pub mod graph;
pub mod import;
pub mod links;
pub mod list;
pub mod lit;
pub mod model;
pub mod outcome;
pub mod output;
pub mod parallel;
pub mod patch;
#[cfg(test)]
mod reference;
pub mod resolve;
pub mod review;
pub mod shown;
pub mod spec;
mod template;
pub mod trace;
pub mod verify;
pub mod view;

use std::cell::RefCell;
use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use diagnostic::{Diagnostic, Diagnostics, Span};
use spec::ProfileSpec;
use spec::decode::expected;
use spec::isolation::Isolation;
use spec::source::Sources;
use spec::stack::TERRAFORM;

/// The outputs of one profile.
#[derive(Debug)]
pub struct Plan {
    stack: model::Stack,
}

impl Plan {
    /// The profile.
    pub fn profile(&self) -> &str {
        &self.stack.profile
    }

    /// The resolved stack.
    pub fn stack(&self) -> &model::Stack {
        &self.stack
    }

    /// The paths that the profile owns.
    pub fn scope(&self) -> output::Scope {
        let outputs = &self.stack.outputs;
        if outputs.isolated {
            let folder = self.stack.generated();
            return output::Scope {
                manifest: format!("{folder}/{MANIFEST}").into(),
                folders: vec![folder.into()],
                others: Some(Vec::new()),
                ..output::Scope::default()
            };
        }
        let scope = scope_of([&outputs.generated, &outputs.terraform], self.profile(), self.stack.unmanaged.clone());
        // Only the first one has the manifest.
        let former = (outputs.terraform != TERRAFORM).then(|| format!("{TERRAFORM}/{}", self.profile()).into());
        let files = scope.files.into_iter().chain(self.ejected().into_iter().map(Utf8PathBuf::into_string)).collect();
        let digest = |artifact: &view::Artifact<'_>| Some(output::digest(artifact.render().ok()?.as_bytes()));
        let ejected = view::patched::ejected(&self.stack).into_iter();
        let ejected = ejected.filter_map(|(_, artifact)| Some((artifact.path.to_string(), digest(&artifact)?)));
        output::Scope { former: former.into_iter().collect(), files, ejected: ejected.collect(), ..scope }
    }

    /// The outputs that are the user's own: they are neither written nor compared.
    pub fn ejected(&self) -> Vec<Utf8PathBuf> {
        let ejected = view::patched::ejected(&self.stack).into_iter();
        ejected.map(|(_, artifact)| artifact.path).collect()
    }

    /// The digest of the generated files that a service mounts, by the service's name: the value of its label
    /// [`CONFIG_LABEL`](model::service::CONFIG_LABEL). A container with another one runs with a stale configuration.
    pub fn config_digests(&self) -> BTreeMap<String, String> {
        // Only a broken template can fail, which `files` reports.
        view::config_digests(&self.stack).unwrap_or_default()
    }

    /// The outputs, each rendered when it is needed: a large stack's outputs need not be in memory at once.
    pub fn files(&self) -> impl Iterator<Item = Result<output::File, output::Error>> + '_ {
        let mut sizes = view::Sizes::of(&self.stack);
        let isolated = self.stack.outputs.isolated.then(|| format!("{}/", self.stack.generated()));
        // Infrastructure is not isolated.
        let is_own = move |path: &Utf8PathBuf| isolated.as_ref().is_none_or(|folder| path.as_str().starts_with(folder));
        let artifacts = view::artifacts(&self.stack).into_iter();
        let own = artifacts.filter(move |artifact| artifact.ejected().is_none() && is_own(&artifact.path));
        own.map(move |artifact| match artifact.render() {
            Ok(contents) => match sizes.add(artifact.path.as_str(), contents.len()) {
                None => Ok(output::File { path: artifact.path, executable: artifact.executable, contents }),
                Some((map, size)) => {
                    Err(output::Error::TooLarge { path: artifact.path, map: map.to_owned(), size, most: view::LARGEST })
                }
            },
            Err(error) => Err(output::Error::Render { path: artifact.path, reason: error.to_string() }),
        })
    }
}

/// The name of the list of a profile's outputs.
pub const MANIFEST: &str = "manifest.sha256";

/// The files of a profile that the user fills in, relative to its folder; the first ones have secrets.
pub fn of_the_user(profile: &str) -> [String; 3] {
    let overlay = format!("kubernetes/overlays/{profile}");
    [".env".to_owned(), format!("{overlay}/secrets.env"), format!("{overlay}/config.env")]
}

/// The folders of a profile, and what else may be there: the user's `.env`, Terraform's state and plugins, and `more`.
pub fn scope_of(folders: [&str; 2], profile: &str, more: Vec<String>) -> output::Scope {
    // Not `join`: the paths of outputs have a `/` on every system.
    let [generated, terraform] = folders.map(|folder| format!("{folder}/{profile}"));
    let of_terraform = [
        "terraform.tfvars",
        "terraform.tfstate*",
        ".terraform.lock.hcl",
        ".terraform.tfstate.lock.info",
        "errored.tfstate",
    ];
    let files = of_terraform.map(|name| format!("{terraform}/{name}"));
    output::Scope {
        manifest: format!("{generated}/{MANIFEST}").into(),
        others: Some([format!("{terraform}/.terraform")].into_iter().chain(more).collect()),
        files: of_the_user(profile).map(|file| format!("{generated}/{file}")).into_iter().chain(files).collect(),
        folders: vec![generated.into(), terraform.into()],
        ..output::Scope::default()
    }
}

/// Plans the outputs of one profile, or of all.
///
/// # Errors
/// Every problem of the spec, in source order.
pub fn plan(sources: &Sources, profile: Option<&str>) -> Result<Vec<Plan>, Vec<Diagnostic>> {
    plan_with_warnings(sources, profile).map(|(plans, _)| plans)
}

/// What specs that differ little have in common, for [`plan_like`].
#[derive(Default)]
pub struct Common {
    dashboards: spec::Dashboards<'static>,
    shared: RefCell<resolve::Shared>,
}

/// As [`plan()`], for one of several specs that differ little: dashboards that are the same in several are read and resolved once.
///
/// # Errors
/// As [`plan()`].
pub fn plan_like(common: &Common, sources: &Sources, profile: Option<&str>) -> Result<Vec<Plan>, Vec<Diagnostic>> {
    plan_changed(sources, profile, |_| {}, Some(common)).map(|(plans, _)| plans)
}

/// As [`plan()`], with what looks wrong in a valid spec.
///
/// # Errors
/// Every problem of the spec, in source order.
pub fn plan_with_warnings(
    sources: &Sources,
    profile: Option<&str>,
) -> Result<(Vec<Plan>, Vec<Diagnostic>), Vec<Diagnostic>> {
    plan_changed(sources, profile, |_| {}, None)
}

/// Plans the outputs of one profile as the stack of one work tree, which `isolation` says.
///
/// # Errors
/// Those of [`plan()`]: a name that fits the spec may be too long with the end that it gets.
pub fn plan_isolated(sources: &Sources, profile: &str, isolation: &Isolation) -> Result<Plan, Vec<Diagnostic>> {
    let (plans, _) = plan_changed(sources, Some(profile), |spec| spec.isolate(isolation), None)?;
    plans.into_iter().next().ok_or_else(Vec::new)
}

/// The host ports that an isolated stack of a profile needs: see [`ProfileSpec::host_ports`].
pub fn host_ports(sources: &Sources, profile: &str) -> Vec<(String, u16)> {
    let mut diagnostics = Diagnostics::default();
    let mut ports = Vec::new();
    let document = spec::parse(sources, &mut diagnostics);
    document.for_each(|name| name == profile, &mut diagnostics, |spec, _| ports = spec.host_ports());
    ports
}

fn plan_changed(
    sources: &Sources,
    profile: Option<&str>,
    change: impl Fn(&mut ProfileSpec),
    common: Option<&Common>,
) -> Result<(Vec<Plan>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::default();
    let mut document = spec::parse(sources, &mut diagnostics);
    if let Some(common) = common {
        document = document.with_known(&common.dashboards);
    }
    let names: Vec<String> = document.profiles().map(|name| name.value.clone()).collect();
    // After a syntax error the profiles may be unreadable.
    if diagnostics.is_empty() && !names.iter().any(|name| profile.is_none_or(|wanted| wanted == name)) {
        diagnostics.push(no_profile(profile, &names));
    }
    let mut plans = Vec::new();
    let own = RefCell::default();
    let mut shared = common.map_or(&own, |common| &common.shared).borrow_mut();
    // Apart from the rest, without which no other profile would be resolved.
    let mut of_outputs = Diagnostics::default();
    // What is removed leaves others unused.
    let mut whole = 0;
    document.for_each(
        |name| profile.is_none_or(|wanted| wanted == name),
        &mut diagnostics,
        |mut spec, diagnostics| {
            change(&mut spec);
            whole += usize::from(spec.removed.is_empty());
            let stack = resolve::resolve(&spec, &mut shared, diagnostics);
            if let (Some(stack), Some(spec)) = (&stack, &spec.spec) {
                patch::report(spec, stack, &mut of_outputs);
            }
            plans.extend(stack.map(|stack| Plan { stack }));
        },
    );
    diagnostics.keep_unused(whole);
    // Of one profile alone, all is kept here.
    of_outputs.keep_of_outputs(names.len().min(if profile.is_some() { 1 } else { usize::MAX }));
    diagnostics.append(of_outputs);
    if profile.is_some() && diagnostics.has(diagnostic::OF_NO_PROFILE) {
        // Another profile may have it.
        let mut all = match plan_with_warnings(sources, None) {
            Ok((_, warnings)) => warnings,
            Err(found) => found,
        };
        all.retain(|diagnostic| diagnostic.code == diagnostic::OF_NO_PROFILE);
        diagnostics.retain(|found| found.code != diagnostic::OF_NO_PROFILE || all.contains(found));
    }
    if diagnostics.is_empty() { Ok((plans, diagnostics.into_sorted())) } else { Err(diagnostics.into_sorted()) }
}

/// The stacks of a spec, whatever is wrong with its templates: what these can use. Never written.
pub fn stacks_for_templates(sources: &Sources, profile: Option<&str>) -> Vec<model::Stack> {
    let mut diagnostics = Diagnostics::default();
    let document = spec::parse(sources, &mut diagnostics);
    let mut stacks = Vec::new();
    let mut shared = resolve::Shared::default();
    document.for_each(
        |name| profile.is_none_or(|wanted| wanted == name),
        &mut diagnostics,
        |spec, diagnostics| stacks.extend(resolve::resolve_all_the_same(&spec, &mut shared, diagnostics)),
    );
    stacks
}

fn no_profile(wanted: Option<&str>, names: &[String]) -> Diagnostic {
    let start = Span { file: 0, start: 0, end: 0 };
    let names = || names.iter().map(String::as_str);
    match wanted {
        Some(wanted) => {
            let title = format!("unknown profile `{}`", spec::decode::shown(wanted));
            let unknown = Diagnostic::new("unknown-profile", title, start);
            // The command line names it, not a place of the spec.
            Diagnostic { labels: Vec::new(), ..unknown }.suggest(wanted, names(), || expected(names()))
        }
        None => {
            Diagnostic::new("no-profile", "the spec has no profiles", start).help("add an empty one: `[profiles.dev]`")
        }
    }
}
