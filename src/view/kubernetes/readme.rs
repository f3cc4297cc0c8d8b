//! `README.md` of a stack in Kubernetes.

use askama::Template;

use super::Scope;
use crate::graph::{Graph, mermaid};
use crate::lit::{markdown as filters, shell};
use crate::model::kubernetes::FILES;
use crate::model::{Service, SourceTree, Stack, Variable};
use crate::view::readme;

/// What people run instead of a single pod, by kind (checked in November 2026).
const LARGER: &[(&str, &str)] = &[
    ("elasticsearch", "[Elastic Cloud on Kubernetes](https://www.elastic.co/docs/deploy-manage/deploy/cloud-on-k8s)"),
    ("grafana", "its [Helm chart](https://github.com/grafana-community/helm-charts)"),
    ("loki", "its [Helm chart](https://grafana.com/docs/loki/latest/setup/install/helm/)"),
    ("mimir", "the chart [mimir-distributed](https://grafana.com/docs/helm-charts/mimir-distributed/latest/)"),
    ("postgres", "[CloudNativePG](https://cloudnative-pg.io/), or a managed PostgreSQL"),
    ("temporal-server", "its [Helm chart](https://github.com/temporalio/helm-charts)"),
];

#[derive(Template)]
#[template(path = "kubernetes/README.md")]
struct Readme<'a> {
    stack: &'a Stack,
    namespace: &'a str,
    terraform: String,
    overlay: String,
    /// What is applied: the overlay, or the base.
    root: String,
    count: u64,
    has_volumes: bool,
    trees: Vec<&'a SourceTree>,
    builds: Vec<String>,
    /// Each image that is built here, as it is built and as it is pushed.
    pushes: Vec<(String, String)>,
    /// The files to fill in.
    wanted: Vec<&'static str>,
    ports: Vec<Port<'a>>,
    /// The Gateway of routes.
    gateway: Option<String>,
    /// The store of secrets, with its kind, and its keys.
    store: String,
    stored: Vec<String>,
    /// The cluster that gives pods their roles.
    eks_cluster: Option<&'a str>,
    /// The services that use AWS with a role that nothing here gives them.
    without_role: Vec<&'a str>,
    /// Whether some have a role of their own, for their service account.
    has_roles: bool,
    /// The host names of services that are open to the outside.
    routes: Vec<(&'a str, &'a str)>,
    diagram: String,
    /// The variables of pods, each with the file or the object that has it.
    variables: Vec<(&'a Variable, String)>,
    larger: Vec<(&'a str, &'static str)>,
}

struct Port<'a> {
    service: &'a str,
    number: String,
    target: String,
    url: Option<String>,
}

pub(super) fn render(scope: &Scope<'_>) -> askama::Result<String> {
    let stack = scope.stack;
    let has = |file: &&str| stack.wanted().any(|variable| variable.file() == *file);
    let wanted: Vec<&'static str> = FILES.into_iter().filter(|file| has(file)).collect();
    let place = |variable: &Variable| {
        if stack.is_stored(variable) {
            "ExternalSecret".to_owned()
        } else if variable.is_wanted() {
            variable.file().to_owned()
        } else {
            super::VARIABLES.to_owned()
        }
    };
    let of_kind = |service: &Service, name: &str| service.kind.as_ref().is_some_and(|kind| kind.as_str() == name);
    let larger = stack.services.iter().filter(|service| service.has_volumes());
    let larger = larger.filter_map(|service| {
        let (_, instead) = LARGER.iter().find(|(kind, _)| of_kind(service, kind))?;
        Some((service.name.as_str(), *instead))
    });
    let pushes = stack.builds.iter().map(|build| {
        let remote = scope.kubernetes.image(&build.reference.as_str().into(), true);
        (shell::string(build.reference.as_str()), shell::string(remote.as_str()))
    });
    let secrets = scope.kubernetes.external_secrets.as_ref();
    let infrastructure = stack.infrastructure.as_ref();
    let has_routes = stack.services.iter().any(|service| !service.workload.routes.is_empty());
    let eks_cluster = infrastructure.and_then(|own| own.pods.as_ref()).map(|identity| identity.cluster.as_str());
    let in_aws = || stack.every_service().filter(|service| service.aws);
    let without_role = in_aws().filter(|service| service.workload.role_arn.is_none() && eks_cluster.is_none());
    Readme {
        stack,
        namespace: &scope.kubernetes.namespace,
        terraform: stack.terraform(),
        overlay: stack.overlay(),
        root: stack.kustomization(),
        count: stack.services.len() as u64,
        has_volumes: stack.services.iter().any(Service::has_volumes),
        trees: stack.builds.iter().filter_map(readme::source_tree).collect(),
        builds: stack.builds.iter().map(|build| readme::build_command(stack, build)).collect(),
        pushes: pushes.collect(),
        wanted,
        ports: ports(stack),
        routes: stack
            .services
            .iter()
            .flat_map(|service| service.workload.routes.iter().map(|(_, host)| (service.name.as_str(), host.as_str())))
            .collect(),
        gateway: scope.kubernetes.gateway.as_ref().filter(|_| has_routes).map(|(namespace, name)| match namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.clone(),
        }),
        store: secrets.map_or_else(String::new, |secrets| format!("{} `{}`", secrets.kind.as_str(), secrets.store)),
        stored: secrets
            .into_iter()
            .flat_map(|secrets| {
                let of_store = stack.pod_variables().filter(|variable| stack.is_stored(variable));
                of_store.map(|variable| secrets.key(variable))
            })
            .collect(),
        eks_cluster,
        without_role: without_role.map(|service| service.name.as_str()).collect(),
        has_roles: in_aws().any(|service| service.workload.role_arn.is_some()),
        diagram: mermaid::render(&Graph::of(stack)),
        variables: stack.pod_variables().map(|variable| (variable, place(variable))).collect(),
        larger: larger.collect(),
    }
    .render()
}

/// The ports that Compose would publish, with the number that they have there.
fn ports(stack: &Stack) -> Vec<Port<'_>> {
    let mut rows = Vec::new();
    for service in &stack.services {
        for port in service.ports.iter() {
            let Some(published) = &port.published else { continue };
            rows.push(Port {
                service: &service.name,
                number: published.number().unwrap_or(port.target).to_string(),
                target: port.target.to_string(),
                url: readme::url(service, port),
            });
        }
    }
    rows
}
