//! What there is in a stack, as rows that a table or a program can take: one struct a list, read off the model.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Plan;
use crate::model::service::Service;
use crate::model::text::Text;
use crate::model::{ImageRecipe, SecretSource, Stack};
use crate::output;
use crate::verify;

/// A service of the running stack.
#[derive(Debug, Serialize)]
pub struct ServiceRow<'s> {
    /// Its name.
    pub name: &'s str,
    /// Its heading; may be empty.
    pub group: &'s str,
    /// What it is for; may be empty.
    pub description: &'s str,
    /// Its kind, if it has one.
    pub kind: Option<&'static str>,
    /// Its image; `None` if Compose builds it and names it.
    pub image: Option<String>,
    /// The ports that it publishes on the host, as the spec writes them.
    pub published_ports: Vec<String>,
    /// What it starts after.
    pub depends_on: Vec<DependencyRow<'s>>,
}

/// What a service starts after.
#[derive(Debug, Serialize)]
pub struct DependencyRow<'s> {
    /// The other service.
    pub service: &'s str,
    /// What must be true of it: `started`, `healthy` or `completed`.
    pub condition: &'static str,
}

/// A port of a service.
#[derive(Debug, Serialize)]
pub struct PortRow<'s> {
    /// Where it is published on the host; `None` if it is known inside the network only.
    pub host: Option<Host>,
    /// The service.
    pub service: &'s str,
    /// The port's name; `None` if the spec only lists the number below `expose`.
    pub name: Option<&'s str>,
    /// The number in the container, or several as `8000-8010`.
    pub container_port: String,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
}

/// A place on the host.
#[derive(Debug, Serialize)]
pub struct Host {
    /// The address that is bound.
    pub address: String,
    /// The port, or several as `8000-8010`.
    pub port: String,
}

/// A variable of the user's `.env`.
#[derive(Debug, Serialize)]
pub struct VariableRow<'s> {
    /// Its name.
    pub name: &'s str,
    /// What it is.
    pub description: &'s str,
    /// Whether the stack can't start without it.
    pub required: bool,
    /// What it is when nobody sets it.
    pub default: Option<&'s str>,
    /// Whether it is a secret.
    pub secret: bool,
    /// The output of Terraform that fills it; `None` if a person does.
    pub terraform_output: Option<&'s str>,
    /// The services that read it, steps of the schema among them.
    pub services: Vec<&'s str>,
    /// The images that are built from the source tree at its path.
    pub images: Vec<&'s str>,
}

/// An image.
#[derive(Debug, Serialize)]
pub struct ImageRow<'s> {
    /// Repository and tag.
    pub reference: String,
    /// Whether it is built here; else it is pulled.
    pub built: bool,
    /// The services that run it, steps of the schema among them.
    pub services: Vec<&'s str>,
    /// The images that are built upon it.
    pub images: Vec<&'s str>,
}

/// What Grafana queries.
#[derive(Debug, Serialize)]
pub struct DatasourceRow<'s> {
    /// Its UID.
    pub uid: &'s str,
    /// Its title.
    pub title: &'s str,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its URL inside the network; `None` for what is outside.
    pub url: Option<String>,
    /// Whether panels that name no datasource use it.
    pub default: bool,
}

/// An output.
#[derive(Debug, Serialize)]
pub struct ArtifactRow {
    /// Below the root.
    pub path: String,
    /// The programs that read it, or check its language: those of `gen verify`.
    pub readers: Vec<&'static str>,
    /// Whether it can be run.
    pub executable: bool,
    /// How many lines it has.
    pub lines: usize,
    /// How many bytes it has.
    pub bytes: usize,
}

/// The services in the order of the spec.
#[must_use]
pub fn services(stack: &Stack) -> Vec<ServiceRow<'_>> {
    let row = |service: &'_ Service| -> Vec<String> {
        service.ports.iter().filter_map(|port| Some(port.published.as_ref()?.port.shown())).collect()
    };
    stack
        .services
        .iter()
        .map(|service| ServiceRow {
            name: &service.name,
            group: &service.group,
            description: &service.description,
            kind: service.kind.map(crate::spec::kind::Kind::as_str),
            image: service.image.as_ref().map(Text::shown),
            published_ports: row(service),
            depends_on: service
                .depends_on
                .iter()
                .map(|dependency| DependencyRow {
                    service: &dependency.service,
                    condition: dependency.condition.described(),
                })
                .collect(),
        })
        .collect()
}

/// The ports by their number: the one on the host, or that in the container of those that aren't published.
#[must_use]
pub fn ports(stack: &Stack) -> Vec<PortRow<'_>> {
    let mut rows: Vec<PortRow<'_>> = Vec::new();
    for service in &stack.services {
        rows.extend(service.ports.iter().map(|port| {
            PortRow {
                host: port
                    .published
                    .as_ref()
                    .map(|published| Host { address: published.host_ip.shown(), port: published.port.shown() }),
                service: &service.name,
                name: Some(&port.name),
                container_port: port.target.to_string(),
                protocol: port.protocol.as_str(),
            }
        }));
        rows.extend(service.expose.iter().map(|exposed| {
            let (ports, protocol) = exposed.split_once('/').unwrap_or((exposed, "tcp"));
            PortRow {
                host: None,
                service: &service.name,
                name: None,
                container_port: ports.to_owned(),
                protocol: if protocol == "udp" { "udp" } else { "tcp" },
            }
        }));
    }
    let number = |text: &str| -> u32 {
        let digits = text.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
    };
    rows.sort_by_cached_key(|row| number(row.host.as_ref().map_or(&row.container_port, |host| &host.port)));
    rows
}

/// The variables of the user's `.env`, in the order of the spec.
#[must_use]
pub fn variables(stack: &Stack) -> Vec<VariableRow<'_>> {
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // The variables that are the source of a secret.
    let secrets: BTreeMap<&str, &str> = stack
        .secrets
        .iter()
        .filter_map(|secret| match &secret.source {
            SecretSource::Environment(variable) => Some((secret.name.as_str(), variable.as_str())),
            SecretSource::File(_) | SecretSource::External => None,
        })
        .collect();
    for service in stack.every_service() {
        let by_secret = service.secrets.iter().filter_map(|used| secrets.get(used.source.as_str()).copied());
        for variable in service.refers_to.variables.iter().map(String::as_str).chain(by_secret) {
            let readers = readers.entry(variable).or_default();
            if readers.last() != Some(&service.name.as_str()) {
                readers.push(&service.name);
            }
        }
    }
    stack
        .variables
        .iter()
        .map(|variable| VariableRow {
            name: &variable.name,
            description: &variable.description,
            required: variable.required,
            default: variable.default.as_deref(),
            secret: variable.secret,
            terraform_output: variable.output.as_deref(),
            services: readers.remove(variable.name.as_str()).unwrap_or_default(),
            images: stack
                .builds
                .iter()
                .filter(|build| match &build.recipe {
                    ImageRecipe::TemporalDsql(tree) | ImageRecipe::Own(tree) => tree.variable == variable.name,
                    ImageRecipe::TemporalRuntime(_) => false,
                })
                .map(|build| build.name.as_str())
                .collect(),
        })
        .collect()
}

/// The images that services run, in the order in which they do, and those that others are built upon.
#[must_use]
pub fn images(stack: &Stack) -> Vec<ImageRow<'_>> {
    let mut rows: Vec<ImageRow<'_>> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    let built = |reference: &str| stack.builds.iter().any(|build| build.reference == reference);
    let mut row = |rows: &mut Vec<ImageRow<'_>>, reference: String| {
        *index.entry(reference.clone()).or_insert_with(|| {
            let built = built(&reference);
            rows.push(ImageRow { reference, built, services: Vec::new(), images: Vec::new() });
            rows.len() - 1
        })
    };
    for service in stack.every_service() {
        let Some(image) = &service.image else { continue };
        let place = row(&mut rows, image.shown());
        rows[place].services.push(&service.name);
    }
    for build in &stack.builds {
        row(&mut rows, build.reference.clone());
        if let ImageRecipe::TemporalRuntime(base) = &build.recipe {
            let place = row(&mut rows, base.clone());
            rows[place].images.push(&build.name);
        }
    }
    // What Compose builds by itself, it also names if nothing else does.
    for service in stack.services.iter().filter(|service| service.build.is_some()) {
        let reference =
            service.image.as_ref().map_or_else(|| format!("{}-{}", stack.project, service.name), Text::shown);
        let place = row(&mut rows, reference);
        rows[place].built = true;
        if service.image.is_none() {
            rows[place].services.push(&service.name);
        }
    }
    rows
}

/// What Grafana queries, in the order of the spec. Every Grafana of a stack has the same.
#[must_use]
pub fn datasources(stack: &Stack) -> Vec<DatasourceRow<'_>> {
    let Some(grafana) = stack.grafanas.first() else { return Vec::new() };
    grafana
        .datasources
        .iter()
        .map(|datasource| DatasourceRow {
            uid: &datasource.uid,
            title: &datasource.title,
            kind: datasource.kind.as_str(),
            url: datasource.address.as_ref().map(ToString::to_string),
            default: datasource.default,
        })
        .collect()
}

/// The outputs as they are described: none need be on disk.
///
/// # Errors
/// Only if a template is wrong.
pub fn artifacts(plan: &Plan) -> Result<Vec<ArtifactRow>, output::Error> {
    let files = plan.files().collect::<Result<Vec<_>, _>>()?;
    let read = |path: &camino::Utf8Path| files.iter().find(|file| file.path == path).map(|file| file.contents.clone());
    let checks = verify::checks(plan.stack(), &read);
    let rows = files.iter().map(|file| {
        let mut readers: Vec<&'static str> = Vec::new();
        for check in checks.iter().filter(|check| check.artifacts.contains(&file.path)) {
            if !readers.contains(&check.consumer.name) {
                readers.push(check.consumer.name);
            }
        }
        ArtifactRow {
            path: file.path.to_string(),
            readers,
            executable: file.executable,
            lines: file.contents.lines().count(),
            bytes: file.contents.len(),
        }
    });
    Ok(rows.collect())
}
