//! The manifests of a stack that runs in Kubernetes: a base of kustomize with a file for each service, and an overlay if
//! something has to be filled in.

mod environment;
mod kustomization;
mod network;
mod object;
mod pod;
mod readme;
mod service;

use askama::Template;

use self::object::Object;
use super::{List, config_digests};
use crate::lit::manifest as filters;
use crate::model::kubernetes::FILES;
use crate::model::{Kubernetes, Stack};

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
#[derive(Clone, Copy)]
struct Scope<'a> {
    stack: &'a Stack,
    kubernetes: &'a Kubernetes,
}

/// The variable of the values that are no secrets, and that of the secrets.
const VARIABLES: &str = "stack-variables";
const SECRETS: &str = "stack-secrets";

/// Adds the manifests; `list` has every file that a pod mounts.
pub(super) fn add<'a>(list: &mut List<'a>, stack: &'a Stack, kubernetes: &'a Kubernetes) {
    let scope = Scope { stack, kubernetes };
    let files = list.below(&stack.files());
    let base = stack.files();
    list.push(format!("{base}/namespace.yaml"), false, move || render(vec![namespace(scope)]));
    for service in stack.every_service() {
        list.push(format!("{base}/{}.yaml", service.name), false, move || {
            // Another content of its files makes another Job.
            let digest = if service.one_shot && !kustomization::config_maps(stack, service).is_empty() {
                config_digests(stack)?.remove(&service.name)
            } else {
                None
            };
            render(service::objects(scope, service, digest.as_deref()))
        });
    }
    list.push(format!("{base}/network-policies.yaml"), false, move || render(network::policies(scope)));
    list.push(format!("{base}/kustomization.yaml"), false, move || kustomization::base(scope, &files));
    if stack.wanted().next().is_some() {
        let overlay = stack.overlay();
        list.push(format!("{overlay}/kustomization.yaml"), false, move || kustomization::overlay(scope));
        for file in FILES {
            if stack.wanted().any(|variable| variable.file() == file) {
                list.push(format!("{overlay}/{file}.example"), false, move || environment::example(stack, file));
            }
        }
    }
}

/// `README.md`.
pub(super) fn readme(stack: &Stack, kubernetes: &Kubernetes) -> askama::Result<String> {
    readme::render(Scope { stack, kubernetes })
}

/// The namespace, which refuses pods with more privileges than the stack's.
fn namespace(scope: Scope<'_>) -> Object<'_> {
    Object::cluster("v1", "Namespace", &scope.kubernetes.namespace).labels([
        ("pod-security.kubernetes.io/enforce", "restricted"),
        ("pod-security.kubernetes.io/warn", "restricted"),
    ])
}
