//! kubectl: its commands for a stack in Kubernetes, and its answers.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::{Finding, Invocation};
use crate::model::service::Service;
use crate::model::{Kubernetes, Stack, Variable};

/// The kinds of objects that are rendered into a namespace, but for claims: those have data.
const KINDS: &str = "configmap,secret,service,serviceaccount,deployment,statefulset,job,role,rolebinding,networkpolicy,\
                     poddisruptionbudget";

/// How long a rollout may take.
const PATIENCE: &str = "--timeout=10m";

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
        self.command([verb, KINDS, "--selector", &self.labels])
    }

    /// Deletes the claims of the stack, and what is in their volumes.
    pub fn delete_claims(&self) -> Invocation {
        self.command(["delete", "persistentvolumeclaim", "--selector", &self.labels])
    }

    /// Deletes objects, by the names that other commands print.
    pub fn delete(&self, names: &[String]) -> Invocation {
        self.command(["delete", "--wait=false"]).with(names)
    }

    /// Waits until an object of that name has come up; `None` if there is nothing to wait for.
    pub fn wait(&self, name: &str) -> Option<Invocation> {
        match name.split_once('/')?.0 {
            "deployment.apps" | "statefulset.apps" => Some(self.command(["rollout", "status", PATIENCE, name])),
            "job.batch" => Some(self.command(["wait", "--for=condition=Complete", PATIENCE, name])),
            _ => None,
        }
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
        let all = ["logs", "--all-containers", "--prefix", "--tail=-1", "--max-log-requests=1000"];
        self.command(all).with(["--selector".to_owned(), selector])
    }

    /// Replaces the pods of services.
    pub fn restart<'s>(&self, services: impl IntoIterator<Item = &'s Service>) -> Invocation {
        self.command(["rollout", "restart"]).with(services.into_iter().map(workload))
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

    /// Asks for the storage classes that claims without one get.
    pub fn default_classes(&self) -> Invocation {
        let path = r#"jsonpath={.items[?(@.metadata.annotations.storageclass\.kubernetes\.io/is-default-class=="true")].metadata.name}"#;
        self.command(["get", "storageclass", "--output", path])
    }
}

/// What runs the pods of a service, for kubectl.
fn workload(service: &Service) -> String {
    let kind = if service.mounts.iter().any(|mount| mount.volume().is_some()) { "statefulset" } else { "deployment" };
    format!("{kind}/{}", service.name)
}

/// The objects that a command prints, one a line.
pub fn names(answer: &str) -> BTreeSet<String> {
    answer.lines().map(str::trim).filter(|line| line.contains('/')).map(ToOwned::to_owned).collect()
}

/// The Jobs that can't be changed, as an error of `kubectl apply` says.
pub fn immutable_jobs(errors: &str) -> Vec<String> {
    let jobs = errors.lines().filter(|line| line.ends_with("field is immutable"));
    jobs.filter_map(|line| Some(format!("job.batch/{}", line.strip_prefix("The Job \"")?.split('"').next()?))).collect()
}

/// What is wrong with a file that a person fills in, as kustomize reads it.
pub fn unfilled<'v>(path: &str, text: Option<&str>, wanted: impl IntoIterator<Item = &'v Variable>) -> Vec<Finding> {
    let Some(text) = text else {
        let help = format!("run `cp {path}.example {path}`, and fill it in");
        return vec![Finding::error(format!("`{path}` does not exist"), help)];
    };
    let mut findings = Vec::new();
    for variable in wanted {
        let value =
            text.lines().rev().find_map(|line| line.trim_start().strip_prefix(&variable.name)?.strip_prefix('='));
        match value {
            None | Some("") => findings.push(Finding::error(
                format!("`{}` is not set in `{path}`", variable.name),
                format!("set it: {}", variable.description),
            )),
            Some(value) if value.starts_with(['"', '\'']) => findings.push(Finding::warning(
                format!("the value of `{}` in `{path}` begins with a quote, which kustomize keeps", variable.name),
                "remove the quotes",
            )),
            Some(_) => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_jobs_are_replaced() {
        let errors = "The Job \"setup-1\" is invalid: spec.template: Invalid value: {}: field is immutable\n\
                      The StatefulSet \"db\" is invalid: spec: Forbidden: updates to statefulset spec are forbidden\n";
        assert_eq!(immutable_jobs(errors), ["job.batch/setup-1"]);
    }

    #[test]
    fn a_value_is_what_kustomize_reads() {
        let wanted: Vec<Variable> = ["A", "B", "C", "D"]
            .map(|name| Variable {
                name: name.to_owned(),
                description: "About it".to_owned(),
                group: String::new(),
                required: true,
                default: None,
                secret: false,
                generate: false,
                output: None,
            })
            .to_vec();
        let findings = unfilled("x.env", Some("# A=1\nA=\nB=1\n  C=\"1\"\n"), &wanted);
        let said: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(
            said,
            [
                "`A` is not set in `x.env`",
                "the value of `C` in `x.env` begins with a quote, which kustomize keeps",
                "`D` is not set in `x.env`"
            ]
        );
        assert_eq!(unfilled("x.env", None, &wanted).len(), 1);
    }
}
