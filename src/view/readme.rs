//! `README.md`.

use askama::Template;

use crate::graph::{Graph, mermaid};
use crate::lit::{markdown as filters, shell};
use crate::model::service::{Port, Service};
use crate::model::{ImageBuild, ImageRecipe, SCHEMA_PROFILE, SchemaStep, SourceTree, Stack};

#[derive(Template)]
#[template(path = "README.md")]
struct Readme<'a> {
    stack: &'a Stack,
    program: String,
    generated: String,
    terraform: String,
    compose: (u64, u64),
    count: u64,
    published: u64,
    trees: Vec<&'a SourceTree>,
    builds: Vec<String>,
    schemas: Vec<&'a SchemaStep>,
    links: Vec<Link<'a>>,
    diagram: String,
    ports: Vec<PortRow<'a>>,
    dashboards: Vec<DashboardRow<'a>>,
    aws: bool,
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
    Readme {
        stack,
        compose: (compose.0.into(), compose.1.into()),
        program: stack.spec.program(),
        generated: stack.generated(),
        terraform: stack.terraform(),
        count: stack.services.len() as u64,
        published: ports.len() as u64,
        trees: stack.builds.iter().filter_map(source_tree).collect(),
        builds: stack.builds.iter().map(|build| build_command(stack, build)).collect(),
        schemas: stack.schema.iter().filter(|step| step.compose_profile).collect(),
        links,
        diagram: mermaid::render(&Graph::of(stack)),
        dashboards: dashboards(stack, &ports),
        aws: stack.services.iter().any(|service| service.aws),
        ports,
    }
    .render()
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

fn source_tree(build: &ImageBuild) -> Option<&SourceTree> {
    match &build.recipe {
        ImageRecipe::TemporalDsql(tree) | ImageRecipe::Own(tree) => Some(tree),
        ImageRecipe::TemporalRuntime(_) => None,
    }
}

/// The path of a source tree for a shell, with its default.
fn tree_path(tree: &SourceTree) -> String {
    format!("\"${{{}:-{}}}\"", tree.variable, tree.default)
}

fn build_command(stack: &Stack, build: &ImageBuild) -> String {
    let tag = shell::string(build.reference.as_str());
    let docker = format!("{}/docker", stack.generated());
    match &build.recipe {
        ImageRecipe::TemporalDsql(tree) => {
            let path = tree_path(tree);
            format!(
                "docker build --tag {tag} --file {docker}/base.Dockerfile \
                 --build-arg GO_VERSION=\"$(sed -n 's/^go //p' {path}/go.mod)\" {path}"
            )
        }
        ImageRecipe::TemporalRuntime(_) => format!("docker build --tag {tag} {docker}"),
        ImageRecipe::Own(tree) => format!("docker build --tag {tag} {}", tree_path(tree)),
    }
}

fn url(service: &Service, port: &Port) -> Option<String> {
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
        .flat_map(|service| service.ports.iter().map(move |port| (service, port)))
        .filter_map(|(service, port)| Some(Link { title: &service.name, url: url(service, port)? }))
        .collect()
}

fn ports(stack: &Stack) -> Vec<PortRow<'_>> {
    let mut rows = Vec::new();
    for service in &stack.services {
        for port in &service.ports {
            let Some(published) = &port.published else { continue };
            rows.push(PortRow {
                service: &service.name,
                name: &port.name,
                published: format!("{}:{}", published.host_ip.shown(), published.shown()),
                address: format!("{}:{}", service.name, port.target),
                url: url(service, port),
            });
        }
    }
    rows
}
