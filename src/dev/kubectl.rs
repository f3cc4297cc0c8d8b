//! kubectl: its commands for a stack in Kubernetes, and its answers.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::{Finding, Invocation};
use crate::model::service::Service;
use crate::model::{Kubernetes, Stack};

/// The kinds of objects that are rendered into a namespace, but for claims: those have data.
const KINDS: &str = "configmap,secret,service,serviceaccount,deployment,statefulset,job,role,rolebinding,networkpolicy,\
                     poddisruptionbudget";

/// The kinds of objects that only some clusters know.
pub const CUSTOM_KINDS: [&str; 2] = ["httproute.gateway.networking.k8s.io", "externalsecret.external-secrets.io"];

/// The namespace of a stack in one cluster.
#[derive(Debug, Clone)]
pub struct Kubectl {
    root: Utf8PathBuf,
    context: String,
    namespace: String,
    /// What every object of the stack has.
    labels: String,
}

/// Asks for the context that kubectl uses.
pub fn current_context(root: &Utf8Path) -> Invocation {
    Invocation::new("kubectl", root, ["config", "current-context"])
}

/// Refuses a context that the profile does not name.
///
/// # Errors
/// What to do instead.
pub fn allowed(kubernetes: &Kubernetes, current: &str, profile: &str) -> Result<(), Finding> {
    if kubernetes.contexts.iter().any(|known| known == current) {
        return Ok(());
    }
    let name = format!("`kubernetes.contexts = [\"{current}\"]`");
    Err(match kubernetes.contexts.first() {
        None => Finding::error(
            format!("the profile `{profile}` names no context, and the current one is `{current}`"),
            format!("if the stack belongs there, add {name} to the profile"),
        ),
        Some(first) => Finding::error(
            format!("the profile `{profile}` does not name the current context `{current}`"),
            format!("run `kubectl config use-context {first}`, or add the context to `kubernetes.contexts`"),
        ),
    })
}

impl Kubectl {
    /// The namespace of a stack in the cluster of a context.
    pub fn new(root: &Utf8Path, context: &str, stack: &Stack, kubernetes: &Kubernetes) -> Self {
        Self {
            root: root.to_owned(),
            context: context.to_owned(),
            namespace: kubernetes.namespace.clone(),
            labels: format!("app.kubernetes.io/part-of={},app.kubernetes.io/managed-by=gen", stack.project),
        }
    }

    /// A command in the namespace.
    pub fn command<'a>(&'a self, arguments: impl IntoIterator<Item = &'a str>) -> Invocation {
        let own = ["--context", &self.context, "--namespace", &self.namespace];
        Invocation::new("kubectl", &self.root, own.into_iter().chain(arguments))
    }

    /// Applies what kustomize builds of a folder; the answer names each object.
    pub fn apply(&self, kustomization: &str) -> Invocation {
        let options = ["apply", "--server-side", "--field-manager", "gen", "--output", "name"];
        self.command(options).with(["--kustomize", kustomization])
    }

    /// Lists the objects of the stack, or deletes them: `get` or `delete`.
    pub fn objects(&self, verb: &str) -> Invocation {
        self.custom(verb, KINDS)
    }

    /// The same for one of [`CUSTOM_KINDS`].
    pub fn custom(&self, verb: &str, kind: &str) -> Invocation {
        self.command([verb, kind, "--selector", &self.labels])
    }

    /// Deletes the claims of the stack, and what is in their volumes.
    pub fn delete_claims(&self) -> Invocation {
        self.command(["delete", "persistentvolumeclaim", "--selector", &self.labels])
    }

    /// Deletes objects, by the names that other commands print.
    pub fn delete(&self, names: &[String]) -> Invocation {
        self.command(["delete", "--wait=false", "--ignore-not-found"]).with(names)
    }

    /// Asks for the state of everything that comes up; [`Progress`] reads the answer.
    pub fn state(&self) -> Invocation {
        let kinds = "deployment,statefulset,job,replicaset,pod";
        self.command(["get", kinds, "--selector", &self.labels, "--output", "json"])
    }

    /// Lists the pods of the stack.
    pub fn pods(&self) -> Invocation {
        self.command(["get", "pods", "--selector", &self.labels])
    }

    /// Shows the logs of services, or of all.
    pub fn logs(&self, services: &[String]) -> Invocation {
        let mut selector = self.labels.clone();
        if !services.is_empty() {
            selector = format!("{selector},app.kubernetes.io/name in ({})", services.join(","));
        }
        // Without those of the containers that wait; a pod that still waits has no others.
        let all = ["logs", "--ignore-errors", "--prefix", "--tail=-1", "--max-log-requests=1000"];
        // Without a container, kubectl prints a line about the one that it chose.
        let container = if let [only] = services { vec!["--container".to_owned(), only.clone()] } else { Vec::new() };
        self.command(all).with(container).with(["--selector".to_owned(), selector])
    }

    /// Replaces the pods of services.
    pub fn restart<'s>(&self, services: impl IntoIterator<Item = &'s Service>) -> Invocation {
        self.command(["rollout", "restart", "--output", "name"]).with(services.into_iter().map(workload))
    }

    /// Forwards the published ports of a service, as they are on the host with Compose.
    pub fn forward(&self, service: &Service) -> Invocation {
        let published = service.ports.iter().filter_map(|port| Some((port, port.published.as_ref()?)));
        let ports =
            published.map(|(port, published)| format!("{}:{}", published.number().unwrap_or(port.target), port.target));
        self.command(["port-forward"]).with([format!("service/{}", service.name)]).with(ports)
    }

    /// Asks the cluster for its version.
    pub fn version(&self) -> Invocation {
        self.command(["version", "--output", "json"])
    }

    /// Asks for the stack that the namespace belongs to; nothing if there is none.
    pub fn owner(&self) -> Invocation {
        let label = r"jsonpath={.metadata.labels.app\.kubernetes\.io/part-of}";
        self.command(["get", "namespace", &self.namespace, "--ignore-not-found", "--output", label])
    }

    /// Lists the Secrets of the stack.
    pub fn secrets(&self) -> Invocation {
        self.command(["get", "secret", "--selector", &self.labels, "--output", "name"])
    }

    /// How a person writes the values of a Secret to a file.
    pub fn shown(&self, secret: &str, path: &Utf8Path) -> String {
        let template = r#"{{range $name, $value := .data}}{{$name}}={{$value | base64decode}}{{"\n"}}{{end}}"#;
        let Self { context, namespace, .. } = self;
        format!(
            "kubectl --context {context} --namespace {namespace} get {secret} --output go-template='{template}' > {path}"
        )
    }

    /// Lists the storage classes.
    pub fn storage_classes(&self) -> Invocation {
        self.command(["get", "storageclass", "--output", "jsonpath={.items[*].metadata.name}"])
    }

    /// Asks for the storage classes that claims without one get.
    pub fn default_classes(&self) -> Invocation {
        let path = r#"jsonpath={.items[?(@.metadata.annotations.storageclass\.kubernetes\.io/is-default-class=="true")].metadata.name}"#;
        self.command(["get", "storageclass", "--output", path])
    }
}

/// What runs the pods of a service, for kubectl.
fn workload(service: &Service) -> String {
    let kind = if service.has_volumes() { "statefulset" } else { "deployment" };
    format!("{kind}/{}", service.name)
}

/// How far objects have come up.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Those that have not, by the names that commands print.
    pub waiting: Vec<String>,
    /// What of them will not come up by itself.
    pub stuck: Vec<String>,
    /// Pods of an earlier revision that will not come up: a `StatefulSet` replaces only pods that are ready
    /// (`StatefulSet` of the documentation, "Forced rollback").
    pub outdated: Vec<String>,
    /// Why pods have no node yet. One may be on its way.
    pub homeless: Vec<String>,
}

/// How often a container may end before that is not taken for its wait for another one.
const RESTARTS: u64 = 5;

impl Progress {
    /// Reads the answer to [`Kubectl::state`] for the objects of these names.
    ///
    /// # Errors
    /// The answer is not what kubectl prints.
    pub fn of(answer: &str, names: &[String]) -> serde_json::Result<Self> {
        let answer: Value = serde_json::from_str(answer)?;
        let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let mut progress = Self::default();
        // What pods of the newest revision have: the others are being replaced, whatever their state.
        let mut current: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut revisions: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut sets: BTreeSet<&str> = BTreeSet::new();
        for item in items {
            let name = text(item, "/metadata/name");
            let (group, is_up) = match text(item, "/kind") {
                "Deployment" => ("deployment.apps", is_rolled_out(item, "/status/availableReplicas")),
                "StatefulSet" => ("statefulset.apps", is_rolled_out(item, "/status/readyReplicas")),
                "Job" => ("job.batch", has(item, "Complete")),
                _ => continue,
            };
            let full = format!("{group}/{name}");
            // What the spec no longer has is deleted later.
            if is_up || !names.contains(&*full) {
                continue;
            }
            progress.waiting.push(full);
            // Until the cluster has seen a change, the revision is the one before.
            match group {
                "job.batch" => {
                    current.insert((name, ""));
                    if has(item, "Failed") {
                        progress.stuck.push(format!("`{name}` failed: {}", condition(item, "Failed")));
                    }
                }
                _ if !is_seen(item) => {}
                "deployment.apps" => {
                    revisions.insert((name, text(item, REVISION)));
                    // An earlier failure is forgotten late.
                    let pods = item.pointer("/status/updatedReplicas").and_then(Value::as_u64).unwrap_or_default();
                    if pods == 0 && has(item, "ReplicaFailure") {
                        progress.stuck.push(format!("`{name}` gets no pods: {}", condition(item, "ReplicaFailure")));
                    }
                    if item.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
                        progress.stuck.push(format!("`{name}` is paused: `kubectl rollout resume` continues it"));
                    }
                }
                _ => {
                    sets.insert(name);
                    current.insert((name, text(item, "/status/updateRevision")));
                }
            }
        }
        for item in items.iter().filter(|item| text(item, "/kind") == "ReplicaSet") {
            let owner = text(item, "/metadata/ownerReferences/0/name");
            if revisions.contains(&(owner, text(item, REVISION))) {
                current.insert((text(item, "/metadata/name"), ""));
            }
        }
        for item in items.iter().filter(|item| text(item, "/kind") == "Pod") {
            let owner = text(item, "/metadata/ownerReferences/0/name");
            let revision = text(item, "/metadata/labels/controller-revision-hash");
            if item.pointer("/metadata/deletionTimestamp").is_some() {
                continue;
            }
            if current.contains(&(owner, revision)) {
                progress.stuck.extend(why_stuck(item));
                progress.homeless.extend(why_homeless(item));
            } else if sets.contains(owner) && why_stuck(item).is_some() {
                progress.outdated.push(format!("pod/{}", text(item, "/metadata/name")));
            }
        }
        Ok(progress)
    }
}

/// The annotation with the revision of a Deployment and of its `ReplicaSet`s.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether the status is that of what was applied last.
fn is_seen(item: &Value) -> bool {
    let number = |pointer: &str| item.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    number("/status/observedGeneration") >= number("/metadata/generation")
}

/// Whether all pods of a Deployment or a `StatefulSet` are of its newest revision, and ready.
fn is_rolled_out(item: &Value, ready: &str) -> bool {
    let number = |pointer: &str| item.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    let wanted = item.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let counts = ["/status/updatedReplicas", "/status/replicas", ready];
    is_seen(item) && counts.into_iter().all(|count| number(count) == wanted)
}

fn conditions<'v>(item: &'v Value, kind: &str) -> impl Iterator<Item = &'v Value> {
    let all = item.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    all.filter(move |one| text(one, "/type") == kind && text(one, "/status") == "True")
}

fn has(item: &Value, kind: &str) -> bool {
    conditions(item, kind).next().is_some()
}

fn condition<'v>(item: &'v Value, kind: &str) -> &'v str {
    conditions(item, kind).next().map_or("", |one| text(one, "/message"))
}

/// Why a container of a pod doesn't start.
fn why_stuck(pod: &Value) -> Option<String> {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let mut statuses = statuses.into_iter().filter_map(|pointer| pod.pointer(pointer)?.as_array()).flatten();
    statuses.find_map(|status| {
        let (reason, message) = (text(status, "/state/waiting/reason"), text(status, "/state/waiting/message"));
        let restarts = status.pointer("/restartCount").and_then(Value::as_u64).unwrap_or_default();
        let is_stuck = match reason {
            "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "CreateContainerConfigError"
            | "CreateContainerError" => true,
            "CrashLoopBackOff" => restarts >= RESTARTS,
            _ => false,
        };
        let (pod, container) = (text(pod, "/metadata/name"), text(status, "/name"));
        is_stuck.then(|| format!("container `{container}` of `{pod}`: {reason}: {message}"))
    })
}

/// Why the scheduler finds no node for a pod.
fn why_homeless(pod: &Value) -> Option<String> {
    let all = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let mut all = all.filter(|one| text(one, "/reason") == "Unschedulable" && text(one, "/status") == "False");
    all.next().map(|one| format!("`{}` has no node: {}", text(pod, "/metadata/name"), text(one, "/message")))
}

/// The objects that a command prints, one a line.
pub fn names(answer: &str) -> BTreeSet<String> {
    answer.lines().map(str::trim).filter(|line| line.contains('/')).map(ToOwned::to_owned).collect()
}

/// Whether an error of kubectl says that the cluster doesn't know a kind.
pub fn is_unknown_kind(errors: &str) -> bool {
    errors.contains("the server doesn't have a resource type")
}

/// Whether an error of kubectl says that the user has no permission.
pub fn is_forbidden(errors: &str) -> bool {
    errors.contains("(Forbidden)")
}

/// The Jobs that can't be changed, as an error of `kubectl apply` says.
pub fn immutable_jobs(errors: &str) -> Vec<String> {
    let jobs = errors.lines().filter(|line| line.ends_with("field is immutable"));
    let name = |line: &str| {
        // The first if it is the only error.
        let starts = ["The Job \"", " Job.batch \""];
        let (_, rest) = starts.iter().find_map(|start| line.split_once(start))?;
        Some(format!("job.batch/{}", rest.split('"').next()?))
    };
    jobs.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_jobs_are_replaced() {
        let errors = "Error from server (Invalid): Job.batch \"other\" is invalid: spec.template: field is immutable\n\
                      The Job \"setup-1\" is invalid: spec.template: Invalid value: {}: field is immutable\n\
                      The StatefulSet \"db\" is invalid: spec: Forbidden: updates to statefulset spec are forbidden\n";
        assert_eq!(immutable_jobs(errors), ["job.batch/other", "job.batch/setup-1"]);
    }

    fn state(pod: &str, available: u64) -> String {
        format!(
            r#"{{"items": [
                {{"kind": "Deployment", "metadata": {{"name": "web", "generation": 2,
                  "annotations": {{"deployment.kubernetes.io/revision": "2"}}}}, "spec": {{"replicas": 1}},
                  "status": {{"observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": {available}}}}},
                {{"kind": "ReplicaSet", "metadata": {{"name": "web-1", "ownerReferences": [{{"name": "web"}}],
                  "annotations": {{"deployment.kubernetes.io/revision": "1"}}}}}},
                {{"kind": "ReplicaSet", "metadata": {{"name": "web-2", "ownerReferences": [{{"name": "web"}}],
                  "annotations": {{"deployment.kubernetes.io/revision": "2"}}}}}},
                {{"kind": "Job", "metadata": {{"name": "old"}}}},
                {{"kind": "Job", "metadata": {{"name": "setup"}},
                  "status": {{"conditions": [{{"type": "Complete", "status": "True"}}]}}}},
                {pod}
            ]}}"#
        )
    }

    fn pod(owner: &str, reason: &str, restarts: u64) -> String {
        format!(
            r#"{{"kind": "Pod", "metadata": {{"name": "{owner}-x", "ownerReferences": [{{"name": "{owner}"}}]}},
                "status": {{"containerStatuses": [{{"name": "web", "restartCount": {restarts},
                "state": {{"waiting": {{"reason": "{reason}", "message": "no such image"}}}}}}]}}}}"#
        )
    }

    #[test]
    fn only_what_was_applied_and_is_of_the_newest_revision_counts() {
        let names = ["deployment.apps/web", "job.batch/setup"].map(ToOwned::to_owned);
        let progress = |pod: &str, available| Progress::of(&state(pod, available), &names).unwrap();
        let bad = pod("web-2", "ImagePullBackOff", 0);
        assert_eq!(progress(&pod("web-2", "", 0), 1), Progress::default());
        let stuck = progress(&bad, 0);
        assert_eq!(stuck.waiting, ["deployment.apps/web"]);
        assert_eq!(stuck.stuck, ["container `web` of `web-2-x`: ImagePullBackOff: no such image"]);
        // It may wait for another one, or be replaced.
        for other in [
            pod("web-2", "CrashLoopBackOff", 1),
            pod("web-1", "ImagePullBackOff", 0),
            pod("web-2", "ContainerCreating", 0),
        ] {
            assert_eq!(progress(&other, 0).stuck, [""; 0]);
        }
        assert_eq!(progress(&pod("web-2", "CrashLoopBackOff", RESTARTS), 0).stuck.len(), 1);
        // What the spec no longer has is deleted once the rest is up.
        assert_eq!(progress(&pod("old", "ImagePullBackOff", 0), 0).stuck, [""; 0]);
    }

    #[test]
    fn what_keeps_pods_away() {
        let of_kind = |kind: &str, group: &str, status: &str, pod: &str| {
            let answer = format!(
                r#"{{"items": [{{"kind": "{kind}", "metadata": {{"name": "db", "generation": 1}}, "spec": {{"replicas": 1,
                    "paused": true}}, "status": {{"observedGeneration": 1, "updateRevision": "2", {status}}}}}, {pod}]}}"#
            );
            Progress::of(&answer, &[format!("{group}/db")]).unwrap()
        };
        let failure = r#""conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]"#;
        let none = r#"{"kind": "Pod", "metadata": {"name": "x"}}"#;
        assert_eq!(
            of_kind("Deployment", "deployment.apps", failure, none).stuck,
            ["`db` gets no pods: exceeded quota", "`db` is paused: `kubectl rollout resume` continues it"]
        );
        let pod = |revision: u32, status: &str| {
            format!(
                r#"{{"kind": "Pod", "metadata": {{"name": "db-0", "ownerReferences": [{{"name": "db"}}],
                    "labels": {{"controller-revision-hash": "{revision}"}}}}, "status": {{{status}}}}}"#
            )
        };
        let waiting = r#""containerStatuses": [{"name": "db", "state": {"waiting": {"reason": "ErrImageNeverPull"}}}]"#;
        let set = |pod: String| of_kind("StatefulSet", "statefulset.apps", r#""replicas": 1"#, &pod);
        let old = set(pod(1, waiting));
        assert_eq!((old.outdated.len(), old.stuck.len()), (1, 0), "{old:?}");
        let new = set(pod(2, waiting));
        assert_eq!((new.outdated.len(), new.stuck.len()), (0, 1), "{new:?}");
        let full = r#""conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}]"#;
        assert_eq!(set(pod(2, full)).homeless, ["`db-0` has no node: 0/1"]);
    }
}
