//! `kustomization.yaml`: the objects, and what kustomize makes of files.

use std::collections::{HashMap, HashSet};

use askama::Template;

use super::object::{Map, text};
use super::{SECRETS, Scope, VARIABLES};
use crate::lit::manifest as filters;
use crate::lit::manifest::Node;
use crate::model::kubernetes::{FILES, MOUNTED};
use crate::model::service::Mount;
use crate::model::{Service, Stack};
use crate::spec::service::MountType;

/// A kustomization.
#[derive(Template)]
#[template(path = "kubernetes/kustomization.yaml")]
struct Kustomization<'a> {
    body: Node<'a>,
}

/// A `ConfigMap` of the files that a service mounts.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ConfigMap {
    /// Its name.
    pub name: String,
    /// The volume that has it in the pod.
    pub volume: String,
    /// The folder of the outputs whose files it has; `None` for single files.
    folder: Option<String>,
    /// The key of each file, and its path.
    files: Vec<(String, String)>,
    /// Whether one of its files is executable.
    pub executable: bool,
}

impl ConfigMap {
    /// The paths of its files, or that of its folder.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.folder.iter().chain(self.files.iter().map(|(_, path)| path)).map(String::as_str)
    }
}

/// What a mount shows of the outputs.
pub(super) enum Source {
    /// A file, by its key.
    File(String),
    /// A folder, by its volume.
    Folder(String),
}

/// The path of a mount among the outputs.
fn path_of(mount: &Mount) -> Option<&str> {
    mount.source.as_ref().filter(|_| mount.kind == MountType::Bind)?.literal()?.strip_prefix("./")
}

/// Whether a path is that of a folder: only Grafana's dashboards are in some, and nothing else is there.
fn is_folder(path: &str) -> bool {
    path.starts_with("grafana/")
}

/// What a mount shows; `keys` are those of its service.
pub(super) fn file_of(keys: &HashMap<&str, String>, mount: &Mount) -> Option<Source> {
    let path = path_of(mount)?;
    if is_folder(path) {
        return Some(Source::Folder(folder_volume(path)));
    }
    keys.get(path).cloned().map(Source::File)
}

fn folder_volume(path: &str) -> String {
    let lower = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    path.rsplit('/').next().unwrap_or(path).chars().map(lower).collect()
}

/// The key of each file that a service mounts, by its path: its name, or the path if others have that name.
pub(super) fn keys(service: &Service) -> HashMap<&str, String> {
    let name = |path: &'_ str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let paths = || service.mounts.iter().filter_map(path_of);
    let mut same: HashMap<String, usize> = HashMap::new();
    for path in paths() {
        *same.entry(name(path)).or_default() += 1;
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let key = |path: &str| {
        let own = name(path);
        let key = if same.get(&own).is_some_and(|&count| count > 1) { path.replace('/', ".") } else { own };
        key.chars().map(plain).collect()
    };
    paths().map(|path| (path, key(path))).collect()
}

/// What a service mounts of the outputs: its single files together, and each folder.
pub(super) fn config_maps(scope: &Scope<'_>, service: &Service) -> Vec<ConfigMap> {
    let keys = keys(service);
    let mut seen = HashSet::new();
    let mut all: Vec<ConfigMap> = Vec::new();
    let mut single = ConfigMap {
        name: format!("{}-files", service.name),
        volume: "files".to_owned(),
        folder: None,
        files: Vec::new(),
        executable: false,
    };
    for path in service.mounts.iter().filter_map(path_of) {
        if is_folder(path) {
            let volume = folder_volume(path);
            let name = format!("{}-files-{volume}", service.name);
            all.push(ConfigMap { name, volume, folder: Some(path.to_owned()), files: Vec::new(), executable: false });
            continue;
        }
        single.executable |= scope.executables.contains(path);
        if seen.insert(path) {
            single.files.push((keys.get(path).cloned().unwrap_or_default(), path.to_owned()));
        }
    }
    if !single.files.is_empty() {
        all.insert(0, single);
    }
    all
}

/// The base: every object of the stack. `files` are the outputs that pods may mount.
pub(super) fn base(scope: &Scope<'_>, files: &[String]) -> askama::Result<String> {
    let stack = scope.stack;
    let names = stack.every_service().map(|service| format!("{}.yaml", service.name));
    let stored = has_stored(stack).then(|| "external-secrets.yaml".to_owned());
    let resources = ["namespace.yaml".to_owned()].into_iter().chain(names).chain(stored);
    let resources = resources.chain(["network-policies.yaml".to_owned()]);
    let mut generators: Vec<Node<'_>> = Vec::new();
    let literals: Vec<Node<'_>> = stack
        .pod_variables()
        .filter(|variable| !variable.secret && !variable.required)
        .map(|variable| text(format!("{}={}", variable.name, variable.default.as_deref().unwrap_or_default())))
        .collect();
    if stack.pod_variables().any(|variable| !variable.secret) {
        generators.push(Map::default().key("name", VARIABLES).key("literals", Node::List(literals)).into());
    }
    for map in stack.every_service().flat_map(|service| config_maps(scope, service)) {
        let sources: Vec<Node<'_>> = match &map.folder {
            None => map.files.iter().map(|(key, path)| text(named(key, &mounted(path)))).collect(),
            Some(folder) => {
                let below = |path: &&String| path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder);
                files.iter().filter(below).map(|path| text(mounted(path))).collect()
            }
        };
        generators.push(Map::default().key("name", text(map.name)).key("files", Node::List(sources)).into());
    }
    let labels = Map::default().key("pairs", pairs(stack)).key("includeTemplates", true);
    let body = Map::default()
        .key("apiVersion", "kustomize.config.k8s.io/v1beta1")
        .key("kind", "Kustomization")
        .key("namespace", &scope.kubernetes.namespace)
        .key("labels", Node::List(vec![labels.into()]))
        .key("resources", Node::List(resources.map(text).collect()))
        .key("configMapGenerator", Node::List(generators));
    Kustomization { body: body.into() }.render()
}

/// Whether some secrets come from a store.
pub(super) fn has_stored(stack: &Stack) -> bool {
    stack.pod_variables().any(|variable| stack.is_stored(variable))
}

/// The labels of every object, by which `gen dev` finds them.
fn pairs(stack: &Stack) -> Map<'_> {
    Map::default().key("app.kubernetes.io/part-of", &stack.project).key("app.kubernetes.io/managed-by", "gen")
}

/// Where a file that containers read is, for the base.
fn mounted(path: &str) -> String {
    format!("{MOUNTED}/{path}")
}

/// A file of a generator, whose key is its name unless another is given.
fn named(key: &str, path: &str) -> String {
    if path.rsplit('/').next() == Some(key) { path.to_owned() } else { format!("{key}={path}") }
}

/// The overlay, with what a person fills in.
pub(super) fn overlay(scope: &Scope<'_>) -> askama::Result<String> {
    let namespace = &scope.kubernetes.namespace;
    let generator = |name: &'static str, secret: bool| {
        let file = FILES[usize::from(secret)];
        let has = scope.stack.wanted().any(|variable| variable.secret == secret);
        has.then(|| {
            Map::default().key("name", name).key("namespace", namespace).key("envs", Node::List(vec![file.into()]))
        })
    };
    let labels = Map::default().key("pairs", pairs(scope.stack));
    let variables = generator(VARIABLES, false).map(|map| map.key("behavior", "merge"));
    let body = Map::default()
        .key("apiVersion", "kustomize.config.k8s.io/v1beta1")
        .key("kind", "Kustomization")
        .key("labels", Node::List(vec![labels.into()]))
        .key("resources", Node::List(vec!["../../base".into()]))
        .option("configMapGenerator", variables.map(|map| Node::List(vec![map.into()])))
        .option("secretGenerator", generator(SECRETS, true).map(|map| Node::List(vec![map.into()])));
    Kustomization { body: body.into() }.render()
}
