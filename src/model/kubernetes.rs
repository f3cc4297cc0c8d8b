//! How a stack runs in Kubernetes.

use std::collections::{HashMap, HashSet};

use super::service::Command;
use super::text::Text;
use super::{Stack, Variable};
use crate::spec::kubernetes::StoreKind;

/// The files of the overlay that a person fills in: values, and secrets.
pub const FILES: [&str; 2] = ["config.env", "secrets.env"];

/// The name of the `Secret` with the variables that are secrets.
pub const SECRETS: &str = "stack-secrets";

/// The folder below the base of kustomize that has the files which containers read.
pub const MOUNTED: &str = "files";

/// How the stack runs in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// The namespace.
    pub namespace: String,
    /// Where images that are built here are pushed, without a slash at its end.
    pub registry: Option<String>,
    /// The image of the containers that wait for a port.
    pub wait_image: String,
    /// The Gateway of routes: its namespace, if that is another one, and its name.
    pub gateway: Option<(Option<String>, String)>,
    /// Where secrets come from, if a person doesn't fill them in.
    pub external_secrets: Option<ExternalSecrets>,
    /// The contexts of kubeconfig that `gen dev` may use.
    pub contexts: Vec<String>,
}

/// A store of the External Secrets Operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalSecrets {
    /// Its name.
    pub store: String,
    /// Its kind.
    pub kind: StoreKind,
    /// What stands before the name of each variable.
    pub prefix: String,
}

impl ExternalSecrets {
    /// The key of a variable in the store.
    pub fn key(&self, variable: &Variable) -> String {
        format!("{}{}", self.prefix, variable.name)
    }
}

/// What only Kubernetes needs to know of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workload {
    /// The ID of the user that runs it.
    pub user: Option<u32>,
    /// The reserved CPUs, as a decimal number.
    pub cpus: Option<String>,
    /// The reserved memory, in bytes.
    pub memory: Option<u64>,
    /// The size of each volume, in bytes.
    pub storage: Option<u64>,
    /// The storage class of its volumes; the cluster's default if `None`.
    pub storage_class: Option<String>,
    /// Whether it is restarted when its healthcheck fails.
    pub liveness: bool,
    /// The name of the port by which its pods find each other.
    pub members: Option<String>,
    /// The host name of each port that is reachable from outside, by the name of the port.
    pub routes: Vec<(String, String)>,
    /// How often a one-shot that failed runs again, if its `restart` says that.
    pub retries: Option<u32>,
    /// A command of its image that succeeds once a one-shot has done its work.
    pub effect: Option<Command>,
    /// The role that IAM gives to its service account.
    pub role_arn: Option<String>,
}

/// The name by which the pods of a service find each other, also those that aren't ready.
pub fn members_of(service: &str) -> String {
    format!("{service}-members")
}

impl Kubernetes {
    /// The image of a service as the nodes pull it; `is_built` if it is built here.
    pub fn image(&self, reference: &Text, is_built: bool) -> String {
        match &self.registry {
            Some(registry) if is_built => format!("{registry}/{}", reference.shown()),
            _ => reference.shown(),
        }
    }
}

impl Variable {
    /// Whether it is in a file of the overlay: a person or Terraform has to fill it in.
    pub fn is_wanted(&self) -> bool {
        self.secret || self.required || (self.output.is_some() && self.default.is_none())
    }

    /// The file of the overlay that has it, if a person fills it in.
    pub fn file(&self) -> &'static str {
        FILES[usize::from(self.secret)]
    }
}

impl Stack {
    /// The variables that pods read, in the order of the spec.
    pub fn pod_variables(&self) -> impl Iterator<Item = &Variable> {
        let secrets = self.variables_of_secrets();
        let mut used: HashSet<&str> = HashSet::new();
        for service in self.every_service() {
            used.extend(service.refers_to.variables.iter().map(String::as_str));
            used.extend(service.secrets.iter().filter_map(|grant| secrets.get(grant.source.as_str())));
        }
        self.variables.iter().filter(move |variable| used.contains(variable.name.as_str()))
    }

    /// Those in the files of the overlay.
    pub fn wanted(&self) -> impl Iterator<Item = &Variable> {
        self.pod_variables().filter(|variable| variable.is_wanted() && !self.is_stored(variable))
    }

    /// Whether a variable comes from a store of secrets.
    pub fn is_stored(&self, variable: &Variable) -> bool {
        variable.secret && self.kubernetes.as_ref().is_some_and(|kubernetes| kubernetes.external_secrets.is_some())
    }

    /// What kustomize builds: the overlay, or the base if there is nothing to fill in.
    pub fn kustomization(&self) -> String {
        if self.wanted().next().is_some() { self.overlay() } else { self.base() }
    }

    /// The variable that each secret is taken from.
    pub fn variables_of_secrets(&self) -> HashMap<&str, &str> {
        let named = self.secrets.iter();
        named.filter_map(|secret| Some((secret.name.as_str(), secret.keys.text("environment")?.literal()?))).collect()
    }
}
