//! `README.md`.

use askama::Template;

use crate::graph::{Graph, mermaid};
use crate::lit::{markdown as filters, shell};
use crate::model::kind::Store;
use crate::model::service::{Port, Service};
use crate::model::text::Text;
use crate::model::{Cluster, Datasource, ImageBuild, ImageRecipe, SCHEMA_PROFILE, SchemaStep, SourceTree, Stack};
use crate::spec::stack::{DatasourceType, Queried};

#[derive(Template)]
#[template(path = "README.md")]
struct Readme<'a> {
    stack: &'a Stack,
    program: String,
    dev: String,
    generated: String,
    terraform: String,
    compose: (u64, u64),
    count: u64,
    published: u64,
    trees: Vec<&'a SourceTree>,
    builds: Vec<String>,
    /// The services that only start if they are named, and how their images are built.
    optional: Vec<&'a str>,
    optional_builds: Vec<String>,
    optional_trees: Vec<&'a SourceTree>,
    optional_schemas: Vec<&'a SchemaStep>,
    optional_aws: bool,
    schemas: Vec<&'a SchemaStep>,
    links: Vec<Link<'a>>,
    diagram: String,
    ports: Vec<PortRow<'a>>,
    dashboards: Vec<DashboardRow<'a>>,
    aws: bool,
    /// Whether `gen dev up` chooses passwords.
    generates: bool,
    /// A server of each cluster in Aurora DSQL, and the endpoint for a shell.
    dsql: Vec<(&'a str, String)>,
    /// Elasticsearch, and what sets it up.
    elasticsearch: Vec<&'a str>,
    /// Grafana, what collects metrics, and where they are.
    metrics: Option<[String; 3]>,
}

struct Link<'a> {
    title: &'a str,
    url: String,
}

struct PortRow<'a> {
    service: &'a str,
    name: &'a str,
    published: String,
    address: String,
    url: Option<String>,
}

struct DashboardRow<'a> {
    title: &'a str,
    folder: &'a str,
    description: &'a str,
    url: Option<String>,
}

pub(super) fn render(stack: &Stack) -> askama::Result<String> {
    let ports = ports(stack);
    let links = links(stack);
    let compose = stack.compose_version();
    let is_optional = |service: &&Service| !service.profiles.is_empty();
    let is_further = |services: &[&Service]| !services.is_empty() && services.iter().all(is_optional);
    let (optional_schemas, schemas): (Vec<&SchemaStep>, Vec<&SchemaStep>) = stack
        .schema
        .iter()
        .filter(|step| step.compose_profile)
        .partition(|step| stack.owners_of(step).is_some_and(|owners| is_further(&owners)));
    let (further, needed): (Vec<&ImageBuild>, Vec<&ImageBuild>) = stack.builds.iter().partition(|build| {
        let is_run = |service: &&Service| service.image.as_ref().and_then(Text::literal) == Some(&build.reference);
        let needs =
            |step: &&SchemaStep| stack.schema_services.iter().any(|own| own.name == step.service && is_run(&own));
        is_further(&stack.services.iter().filter(is_run).collect::<Vec<_>>()) && !schemas.iter().any(needs)
    });
    Readme {
        stack,
        compose: (compose.0.into(), compose.1.into()),
        program: stack.spec.program(),
        dev: stack.dev(),
        generated: stack.generated(),
        terraform: stack.terraform(),
        count: stack.services.len() as u64,
        published: ports.len() as u64,
        trees: needed.iter().copied().filter_map(source_tree).collect(),
        builds: needed.iter().map(|build| build_command(stack, build)).collect(),
        optional: stack.services.iter().filter(is_optional).map(|service| service.name.as_str()).collect(),
        optional_builds: further.iter().map(|build| build_command(stack, build)).collect(),
        optional_trees: further.iter().copied().filter_map(source_tree).collect(),
        optional_schemas,
        optional_aws: stack.services.iter().any(|service| service.aws && is_optional(&service)),
        schemas,
        links,
        diagram: mermaid::render(&Graph::of(stack)),
        dashboards: dashboards(stack, &ports),
        generates: stack.variables.iter().any(|variable| variable.generate),
        aws: stack.services.iter().any(|service| service.aws),
        dsql: stack.clusters.iter().filter_map(dsql).collect(),
        elasticsearch: ["elasticsearch", "elasticsearch-setup"]
            .iter()
            .filter_map(|kind| of_kind(stack, kind))
            .collect(),
        metrics: metrics(stack),
        ports,
    }
    .render()
}

fn dsql(cluster: &Cluster) -> Option<(&str, String)> {
    let Store::Dsql(dsql) = &cluster.server.store else { return None };
    let endpoint = match dsql.host.variables().next() {
        Some(variable) => format!("${{{variable}}}"),
        None => dsql.host.shown(),
    };
    Some((cluster.services.first()?, endpoint))
}

fn of_kind<'a>(stack: &'a Stack, kind: &str) -> Option<&'a str> {
    let service = stack.services.iter().find(|service| service.kind.as_ref().is_some_and(|own| own.as_str() == kind));
    service.map(|service| service.name.as_str())
}

/// What the way of metrics to Grafana is.
fn metrics(stack: &Stack) -> Option<[String; 3]> {
    let grafana = stack.grafanas.first()?;
    let alloy = stack.alloys.iter().find(|alloy| alloy.metrics.is_some())?;
    let is_prometheus = |source: &&Datasource| source.kind == Queried::Known(DatasourceType::Prometheus);
    let store = grafana.datasources.iter().find(is_prometheus)?.address.as_ref()?;
    Some([grafana.service.clone(), alloy.service.clone(), store.to_string()])
}

/// Each dashboard with its URL, if Grafana's port is published.
fn dashboards<'a>(stack: &'a Stack, ports: &[PortRow<'_>]) -> Vec<DashboardRow<'a>> {
    let Some(grafana) = stack.grafanas.first() else { return Vec::new() };
    let port = ports.iter().find(|port| port.service == grafana.service);
    let base = port.and_then(|port| port.url.as_deref()).map(|url| url.trim_end_matches('/'));
    stack
        .dashboards
        .iter()
        .map(|dashboard| DashboardRow {
            title: &dashboard.title,
            folder: grafana
                .folders
                .iter()
                .find(|folder| folder.directory == dashboard.folder)
                .map_or("", |folder| folder.title.as_str()),
            description: &dashboard.description,
            url: base.map(|base| format!("{base}/d/{}", dashboard.uid)),
        })
        .collect()
}

pub(super) fn source_tree(build: &ImageBuild) -> Option<&SourceTree> {
    match &build.recipe {
        ImageRecipe::TemporalDsql(tree, _) | ImageRecipe::Own(tree) => Some(tree),
        ImageRecipe::TemporalRuntime(_) => None,
    }
}

/// The path of a source tree for a shell, with its default.
fn tree_path(tree: &SourceTree) -> String {
    format!("\"${{{}:-{}}}\"", tree.variable, tree.default)
}

pub(super) fn build_command(stack: &Stack, build: &ImageBuild) -> String {
    let tag = shell::string(build.reference.as_str());
    let docker = format!("{}/docker", stack.generated());
    // A shell reads references as Compose does.
    let platform = stack.platform_of(build).map_or_else(String::new, |platform| match platform.literal() {
        Some(platform) => format!(" --platform {}", shell::string(platform)),
        None => format!(" --platform \"{}\"", platform.shown()),
    });
    match &build.recipe {
        ImageRecipe::TemporalDsql(tree, _) => {
            let path = tree_path(tree);
            format!(
                "docker build --tag {tag}{platform} --file {docker}/base.Dockerfile \
                 --build-arg GO_VERSION=\"$(sed -n 's/^go //p' {path}/go.mod)\" {path}"
            )
        }
        ImageRecipe::TemporalRuntime(_) => format!("docker build --tag {tag}{platform} {docker}"),
        ImageRecipe::Own(tree) => format!("docker build --tag {tag}{platform} {}", tree_path(tree)),
    }
}

pub(super) fn url(service: &Service, port: &Port) -> Option<String> {
    let number = port.published.as_ref()?.number()?;
    let probed = match &service.healthcheck {
        Some(crate::model::service::Healthcheck::Probe(probe)) => probe.http.as_ref(),
        _ => None,
    };
    let path = match (&port.path, probed) {
        (Some(path), _) => path,
        (None, Some((target, path))) if *target == port.target => path,
        _ => return None,
    };
    Some(format!("http://localhost:{number}{path}"))
}

fn links(stack: &Stack) -> Vec<Link<'_>> {
    stack
        .services
        .iter()
        .filter(|service| service.profiles.is_empty())
        .flat_map(|service| service.ports.iter().map(move |port| (service, port)))
        .filter_map(|(service, port)| Some(Link { title: &service.name, url: url(service, port)? }))
        .collect()
}

fn ports(stack: &Stack) -> Vec<PortRow<'_>> {
    let mut rows = Vec::new();
    for service in &stack.services {
        for port in service.ports.iter() {
            let Some(published) = &port.published else { continue };
            rows.push(PortRow {
                service: &service.name,
                name: &port.name,
                published: format!("{}:{}", published.address(), published.shown()),
                address: format!("{}:{}", service.name, port.target),
                url: url(service, port),
            });
        }
    }
    rows
}
