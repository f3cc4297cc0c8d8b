//! The objects of a service: what runs it, how others reach it, and what it may do.

use sha2::{Digest as _, Sha256};

use super::object::{Map, NAME, Object, bytes, number, pods_of, text};
use super::{Scope, pod};
use crate::lit::manifest::Node;
use crate::model::kubernetes::members_of;
use crate::model::text::Tree;
use crate::model::{Service, Stack};

/// The storage of a volume whose size nobody gives, in bytes.
const STORAGE: u64 = 10 << 30;

/// How often a one-shot that fails is repeated: Kubernetes's default.
const RETRIES: u32 = 6;

/// The objects of a service; `digest` is that of the files that it mounts.
pub(super) fn objects<'a>(scope: &Scope<'a>, service: &'a Service, digest: Option<&str>) -> Vec<Object<'a>> {
    let mut objects = account(scope, service);
    let has_pods = !service.ports.is_empty() && !service.one_shot;
    if has_pods {
        objects.push(Object::new("v1", "Service", &service.name).spec(reached(service)));
    }
    objects.extend(members(service));
    objects.extend(routes(scope, service));
    objects.push(workload(scope, service, digest));
    if service.is_several() {
        let spec = Map::default().key("maxUnavailable", 1_u32).key("selector", pods_of(&service.name));
        objects.push(Object::new("policy/v1", "PodDisruptionBudget", &service.name).spec(spec));
    }
    objects
}

/// Whether it finds the pods of the stack by the API server, and reads their logs.
pub(super) fn watches_pods(stack: &Stack, service: &Service) -> bool {
    stack.alloys.iter().any(|alloy| alloy.service == service.name && (alloy.metrics.is_some() || alloy.logs.is_some()))
}

/// The account of a service that has a role, in AWS or in the namespace.
fn account<'a>(scope: &Scope<'a>, service: &'a Service) -> Vec<Object<'a>> {
    let name = service.name.as_str();
    let watches = watches_pods(scope.stack, service);
    if !service.aws && !watches {
        return Vec::new();
    }
    let annotation = service.workload.role_arn.as_deref().map(|arn| ("eks.amazonaws.com/role-arn", arn));
    let mut objects = vec![
        Object::new("v1", "ServiceAccount", name).annotations(annotation).key("automountServiceAccountToken", false),
    ];
    if watches {
        let words = |words: &[&'a str]| Node::list(words.iter().copied(), Node::from);
        let allowed = Map::default()
            .key("apiGroups", words(&[""]))
            .key("resources", words(&["pods", "pods/log"]))
            .key("verbs", words(&["get", "list", "watch"]));
        let api = "rbac.authorization.k8s.io";
        let role = Map::default().key("apiGroup", api).key("kind", "Role").key("name", name);
        let subject = Map::default().key("kind", "ServiceAccount").key("name", name);
        objects.push(
            Object::new("rbac.authorization.k8s.io/v1", "Role", name).key("rules", Node::List(vec![allowed.into()])),
        );
        objects.push(
            Object::new("rbac.authorization.k8s.io/v1", "RoleBinding", name)
                .key("roleRef", role)
                .key("subjects", Node::List(vec![subject.into()])),
        );
    }
    objects
}

/// How others reach it, by its own name.
fn reached(service: &Service) -> Map<'_> {
    let ports = Node::list(service.ports.iter(), |port| {
        Map::default()
            .key("name", pod::port_name(port))
            .key("port", port.target)
            .key("targetPort", pod::port_name(port))
            .option("protocol", pod::protocol(port))
            .option("appProtocol", port.app_protocol.as_ref())
    });
    Map::default().key("selector", Map::default().key(NAME, &service.name)).key("ports", ports)
}

/// How its pods find each other, also those that aren't ready.
fn members(service: &Service) -> Option<Object<'_>> {
    let port = service.port(service.workload.members.as_deref()?)?;
    let port = Map::default()
        .key("name", pod::port_name(port))
        .key("port", port.target)
        .key("targetPort", pod::port_name(port))
        .option("protocol", pod::protocol(port));
    let spec = Map::default()
        .key("clusterIP", "None")
        .key("publishNotReadyAddresses", true)
        .key("selector", Map::default().key(NAME, &service.name))
        .key("ports", Node::List(vec![port.into()]));
    Some(Object::new("v1", "Service", members_of(&service.name)).spec(spec))
}

/// How it is reached from outside.
fn routes<'a>(scope: &Scope<'a>, service: &'a Service) -> Vec<Object<'a>> {
    let Some((namespace, gateway)) = &scope.kubernetes.gateway else { return Vec::new() };
    let routes = service.workload.routes.iter().filter_map(|(name, host)| Some((service.port(name)?, host)));
    let routes = routes.map(|(port, host)| {
        let parent = Map::default().key("name", gateway).option("namespace", namespace.as_ref());
        let backend = Map::default().key("name", &service.name).key("port", port.target);
        let rule = Map::default().key("backendRefs", Node::List(vec![backend.into()]));
        let spec = Map::default()
            .key("parentRefs", Node::List(vec![parent.into()]))
            .key("hostnames", Node::List(vec![host.into()]))
            .key("rules", Node::List(vec![rule.into()]));
        let name = format!("{}-{}", service.name, port.pod_name());
        Object::new("gateway.networking.k8s.io/v1", "HTTPRoute", name).spec(spec)
    });
    routes.collect()
}

/// What runs its pods.
fn workload<'a>(scope: &Scope<'a>, service: &'a Service, digest: Option<&str>) -> Object<'a> {
    let template = pod::template(scope, service);
    if service.one_shot {
        let template = Node::from(template);
        // A Job can't be changed: another one takes its place.
        let name = format!("{}-{}", service.name, job_digest(&template, digest));
        let spec =
            Map::default().key("backoffLimit", service.workload.retries.unwrap_or(RETRIES)).key("template", template);
        return Object::new("batch/v1", "Job", name).spec(spec);
    }
    let claims: Vec<Node<'a>> = service
        .mounts
        .iter()
        .filter(|mount| mount.volume().is_some())
        .map(|mount| claim(service, mount.volume_name()).into())
        .collect();
    let selector = pods_of(&service.name);
    if claims.is_empty() {
        let replicas = service.replicas().and_then(count);
        let spec = Map::default().option("replicas", replicas).key("selector", selector).key("template", template);
        return Object::new("apps/v1", "Deployment", &service.name).spec(spec);
    }
    let kept = Map::default().key("whenDeleted", "Retain").key("whenScaled", "Retain");
    let spec = Map::default()
        .option("serviceName", (!service.ports.is_empty()).then_some(&service.name))
        .key("replicas", service.replicas().and_then(count).unwrap_or_else(|| number(1)))
        .key("selector", selector)
        .key("persistentVolumeClaimRetentionPolicy", kept)
        .key("template", template)
        .key("volumeClaimTemplates", Node::List(claims));
    Object::new("apps/v1", "StatefulSet", &service.name).spec(spec)
}

fn count<'a>(count: &Tree) -> Option<Node<'a>> {
    match count {
        Tree::Integer(count) => Some(number(*count)),
        Tree::Text(text) => text.literal()?.parse::<i64>().ok().map(number),
        _ => None,
    }
}

fn claim(service: &Service, name: String) -> Map<'_> {
    let size = service.workload.storage.unwrap_or(STORAGE);
    let requests = Map::default().key("storage", bytes(size));
    let spec = Map::default()
        .key("accessModes", Node::List(vec!["ReadWriteOnce".into()]))
        .option("storageClassName", service.workload.storage_class.as_ref())
        .key("resources", Map::default().key("requests", requests));
    Map::default().key("metadata", Map::default().key("name", text(name))).key("spec", spec)
}

/// The first 8 hexadecimal digits of the SHA-256 of what a Job runs.
fn job_digest(template: &Node<'_>, files: Option<&str>) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{template:?}"));
    hash.update(files.unwrap_or_default());
    let first = hash.finalize().iter().take(4).fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
    format!("{first:08x}")
}
