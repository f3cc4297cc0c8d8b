//! The manifests of a stack that runs in Kubernetes: a base of kustomize with a file for each service, and an overlay if
//! something has to be filled in.

mod environment;
mod kustomization;
mod network;
mod object;
mod pod;
mod readme;
mod service;
mod size;

pub use object::quantity;
pub use size::{LARGEST, Sizes};

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use askama::Template;

use self::object::{Map, Object};
use super::{List, config_digests};
use crate::lit::manifest::{self as filters, Node};
use crate::model::kubernetes::{ExternalSecrets, FILES, SECRETS};
use crate::model::{Kubernetes, Service, Stack};

/// A file with objects.
#[derive(Template)]
#[template(path = "kubernetes/objects.yaml")]
struct Objects<'a> {
    objects: Vec<Object<'a>>,
}

fn render(objects: Vec<Object<'_>>) -> askama::Result<String> {
    Objects { objects }.render()
}

/// What the objects of a stack have in common.
struct Scope<'a> {
    stack: &'a Stack,
    kubernetes: &'a Kubernetes,
    /// The running services by name.
    services: HashMap<&'a str, &'a Service>,
    /// The variable that each secret is taken from.
    granted: HashMap<&'a str, &'a str>,
    /// The variables that are secrets.
    secrets: HashSet<&'a str>,
    /// The paths of files that are executable.
    executables: HashSet<&'a str>,
    /// The digests of the files that services mount, once they are asked for.
    digests: OnceCell<BTreeMap<String, String>>,
}

impl<'a> Scope<'a> {
    fn new(stack: &'a Stack, kubernetes: &'a Kubernetes) -> Self {
        let services = stack.services.iter().map(|service| (service.name.as_str(), service)).collect();
        let secrets = stack.variables.iter().filter(|variable| variable.secret).map(|variable| variable.name.as_str());
        let executables = stack.files.iter().filter(|file| file.executable).map(|file| file.path.as_str());
        Self {
            stack,
            kubernetes,
            services,
            granted: stack.variables_of_secrets(),
            secrets: secrets.collect(),
            executables: executables.collect(),
            digests: OnceCell::new(),
        }
    }

    fn service(&self, name: &str) -> Option<&'a Service> {
        self.services.get(name).copied()
    }

    /// The digest of the files that a service mounts.
    fn digest(&self, service: &Service) -> askama::Result<Option<&str>> {
        if kustomization::config_maps(self, service).is_empty() {
            return Ok(None);
        }
        if self.digests.get().is_none() {
            // It can only be set once, and is not.
            let _ = self.digests.set(config_digests(self.stack)?);
        }
        Ok(self.digests.get().and_then(|digests| digests.get(&service.name)).map(String::as_str))
    }
}

/// The name of the `ConfigMap` with the others.
const VARIABLES: &str = "stack-variables";

/// Adds the manifests; `list` has every file that a pod mounts.
pub(super) fn add<'a>(list: &mut List<'a>, stack: &'a Stack, kubernetes: &'a Kubernetes) {
    let scope = Rc::new(Scope::new(stack, kubernetes));
    let files = list.below(&stack.files());
    let base = stack.base();
    list.push(format!("{base}/namespace.yaml"), false, move || render(vec![namespace(kubernetes)]));
    for service in stack.every_service() {
        let scope = Rc::clone(&scope);
        list.push(format!("{base}/{}.yaml", service.name), false, move || {
            // Another content of its files makes another Job.
            let digest = if service.one_shot { scope.digest(service)? } else { None };
            render(service::objects(&scope, service, digest))
        });
    }
    let [of_policies, of_base, of_overlay] = [&scope; 3].map(Rc::clone);
    if let Some(secrets) = kubernetes.external_secrets.as_ref().filter(|_| kustomization::has_stored(stack)) {
        list.push(format!("{base}/external-secrets.yaml"), false, move || render(vec![stored(stack, secrets)]));
    }
    list.push(format!("{base}/network-policies.yaml"), false, move || render(network::policies(&of_policies)));
    list.push(format!("{base}/kustomization.yaml"), false, move || kustomization::base(&of_base, &files));
    if stack.wanted().next().is_some() {
        let overlay = stack.overlay();
        list.push(format!("{overlay}/kustomization.yaml"), false, move || kustomization::overlay(&of_overlay));
        for file in FILES {
            if stack.wanted().any(|variable| variable.file() == file) {
                list.push(format!("{overlay}/{file}.example"), false, move || environment::example(stack, file));
            }
        }
    }
}

/// The example of a file that a person fills in.
pub(super) fn values_example(stack: &Stack, file: &str) -> askama::Result<String> {
    environment::example(stack, file)
}

/// `README.md`.
pub(super) fn readme(stack: &Stack, kubernetes: &Kubernetes) -> askama::Result<String> {
    readme::render(&Scope::new(stack, kubernetes))
}

/// The `Secret` as the External Secrets Operator makes it (`external-secrets.io/v1`).
fn stored<'a>(stack: &'a Stack, secrets: &'a ExternalSecrets) -> Object<'a> {
    let store = Map::default().key("name", &secrets.store).key("kind", secrets.kind.as_str());
    let data = Node::list(stack.pod_variables().filter(|variable| variable.secret), |variable| {
        let key = object::text(secrets.key(variable));
        Map::default().key("secretKey", &variable.name).key("remoteRef", Map::default().key("key", key))
    });
    let spec = Map::default()
        .key("refreshInterval", "1h")
        .key("secretStoreRef", store)
        .key("target", Map::default().key("name", SECRETS))
        .key("data", data);
    Object::new("external-secrets.io/v1", "ExternalSecret", SECRETS).spec(spec)
}

/// The namespace, which refuses pods with more privileges than the stack's.
fn namespace(kubernetes: &Kubernetes) -> Object<'_> {
    Object::new("v1", "Namespace", &kubernetes.namespace).labels([
        ("pod-security.kubernetes.io/enforce", "restricted"),
        ("pod-security.kubernetes.io/warn", "restricted"),
    ])
}
