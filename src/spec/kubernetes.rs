//! `target`, `[kubernetes]`, and the `kubernetes` table of a service: what only Kubernetes needs to know.

use super::decode::{Map, Spanned, choice, table};
use super::service::{Assignments, Command};
use super::value::{Cpus, Size};

/// The default image of the containers that wait for what a pod needs.
pub const WAIT_IMAGE: &str = "busybox:1.37.0";

choice! {
    /// The engine that runs the stack.
    pub enum Target as "target" {
        /// Docker Compose.
        Compose = "compose",
        /// Kubernetes, by kustomize.
        Kubernetes = "kubernetes",
    }
}

/// The engine that runs a stack that doesn't say.
pub const TARGET: Target = Target::Compose;

table! {
    /// How the stack runs in Kubernetes; only used with `target = "kubernetes"`.
    pub struct Kubernetes as "Kubernetes" {
        /// The namespace, which the outputs create; `<name>-<profile>` if left out.
        namespace: Option<Spanned<String>>,
        /// The contexts of kubeconfig that `gen dev` may use; it refuses any other.
        contexts: Vec<Spanned<String>>,
        /// The Gateway of the routes of services: `name`, or `namespace/name`.
        gateway: Option<Spanned<String>>,
        /// Where secrets come from, instead of `secrets.env`: a store of the External Secrets Operator.
        external_secrets: Option<ExternalSecrets>,
        /// Where images that are built here are pushed: `registry.example.com/team`.
        registry: Option<Spanned<String>>,
        /// The EKS cluster in which services with `aws = true` get roles of their own by EKS Pod Identity; Terraform creates them.
        eks_cluster: Option<Spanned<String>>,
        /// The storage class of volumes; the cluster's default if left out.
        storage_class: Option<Spanned<String>>,
        /// The image of the containers that wait for a port; it has `sh` and `nc`.
        wait_image: Option<Spanned<String>> = WAIT_IMAGE,
    }
}

table! {
    /// Secrets from a store of the External Secrets Operator: each variable that is a secret is a key there.
    pub struct ExternalSecrets as "external secrets" {
        /// The name of the store.
        store: Spanned<String>,
        /// Its kind.
        kind: Option<StoreKind> = STORE_KIND.as_str(),
        /// What stands before the name of each variable: `dev/shop/`.
        prefix: Option<String>,
    }
}

choice! {
    /// The kind of a store.
    pub enum StoreKind as "kind of store" {
        /// One of the namespace.
        Store = "SecretStore",
        /// One of the cluster.
        ClusterStore = "ClusterSecretStore",
    }
}

/// The kind of a store that doesn't say.
pub const STORE_KIND: StoreKind = StoreKind::Store;

table! {
    /// What only Kubernetes needs to know of a service.
    pub struct Workload as "a service in Kubernetes" {
        /// The ID of the user that runs it: Kubernetes can't see whether a name is root.
        user: Option<Spanned<u32>>,
        /// Environment variables that have other values there.
        environment: Assignments,
        /// The CPUs that are reserved for each pod.
        cpus: Option<Spanned<Cpus>>,
        /// The memory that is reserved for each pod; its limit if left out.
        memory: Option<Spanned<Size>>,
        /// The size of each of its volumes.
        storage: Option<Spanned<Size>>,
        /// The storage class of its volumes, if it differs from that of the stack.
        storage_class: Option<Spanned<String>>,
        /// Whether it is restarted when its healthcheck fails, not only taken out of its Service.
        liveness: Option<Spanned<bool>> = false,
        /// The port by which several pods of the service find each other, also before they are ready.
        members: Option<Spanned<String>>,
        /// The host name at which each port is reachable from outside, by the name of the port: `{ http = "shop.example.com" }`.
        routes: Map<Spanned<String>>,
        /// For a one-shot: a command of its image that succeeds once its work is done. Those that wait for it run it.
        effect: Option<Box<Spanned<Command>>>,
        /// The IAM role of a service with `aws = true`, for IAM roles for service accounts; without one it gets its role by
        /// EKS Pod Identity.
        role_arn: Option<Spanned<String>>,
        /// Keys of Compose that only matter there.
        ignore: Vec<Spanned<String>>,
    }
}
