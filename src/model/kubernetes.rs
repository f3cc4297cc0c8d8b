//! How a stack runs in Kubernetes.

use super::service::Command;
use super::text::Text;

/// How the stack runs in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// The namespace.
    pub namespace: String,
    /// Where images that are built here are pushed, without a slash at its end.
    pub registry: Option<String>,
    /// The image of the containers that wait for a port.
    pub wait_image: String,
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
    /// A command of its image that succeeds once a one-shot has done its work.
    pub effect: Option<Command>,
    /// The role that IAM gives to its service account.
    pub role_arn: Option<String>,
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
