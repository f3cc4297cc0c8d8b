//! The lists of `gen list`: a struct for the rows of each, built from the model.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Plan;
use crate::model::service::Service;
use crate::model::text::Text;
use crate::model::{ImageRecipe, Stack};
use crate::output;
use crate::spec::kind::{Kind, Kinds};
use crate::spec::service::Condition;
use crate::{verify, view};

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
    pub kind: Option<&'s str>,
    /// Its image; `None` if Compose builds it and names it.
    pub image: Option<String>,
    /// Its ports on the host, as in the spec.
    pub published_ports: Vec<String>,
    /// Its dependencies.
    pub depends_on: Vec<DependencyRow<'s>>,
}

/// A dependency of a service.
#[derive(Debug, Serialize)]
pub struct DependencyRow<'s> {
    /// The other service.
    pub service: &'s str,
    /// What it waits for: `started`, `healthy` or `completed`.
    pub condition: &'static str,
}

/// A port of a service.
#[derive(Debug, Serialize)]
pub struct PortRow<'s> {
    /// Its place on the host; `None` if it isn't published.
    pub host: Option<Host>,
    /// The service.
    pub service: &'s str,
    /// The port's name; `None` for a number in `expose`.
    pub name: Option<&'s str>,
    /// The port in the container, or a range such as `8000-8010`.
    pub container_port: String,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
}

/// A place on the host.
#[derive(Debug, Serialize)]
pub struct Host {
    /// The address.
    pub address: String,
    /// The port, or a range such as `8000-8010`; `None` if the engine chooses a free port.
    pub port: Option<String>,
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
    /// Its default.
    pub default: Option<&'s str>,
    /// Whether it is a secret.
    pub secret: bool,
    /// The Terraform output that fills it; `None` if the user does.
    pub terraform_output: Option<&'s str>,
    /// Whether `gen dev up` chooses its value.
    pub generated: bool,
    /// Where its value lives.
    pub from: Option<&'s str>,
    /// The services that use it, including schema steps.
    pub services: Vec<&'s str>,
    /// The images whose source tree it is the path of.
    pub images: Vec<&'s str>,
}

/// An image.
#[derive(Debug, Serialize)]
pub struct ImageRow<'s> {
    /// Repository and tag.
    pub reference: String,
    /// Whether it is built locally; otherwise it is pulled.
    pub built: bool,
    /// The services that use it, including schema steps.
    pub services: Vec<&'s str>,
    /// The images that are based on it.
    pub images: Vec<&'s str>,
}

/// A kind of service.
#[derive(Debug, Serialize)]
pub struct KindRow {
    /// Its name.
    pub name: String,
    /// What it is.
    pub title: String,
    /// Whether it is built in; otherwise it is in `spec/kinds/`.
    pub built_in: bool,
    /// The names of its ports.
    pub ports: Vec<String>,
    /// The names of its settings.
    pub settings: Vec<String>,
}

/// The kinds that services of a spec can have, by name.
pub fn kinds(kinds: &Kinds) -> Vec<KindRow> {
    let names = |names: &mut dyn Iterator<Item = &str>| names.map(ToOwned::to_owned).collect();
    let row = |kind: Kind| KindRow {
        name: kind.as_str().to_owned(),
        title: kind.title.clone(),
        built_in: !kind.is_own(),
        ports: names(&mut kind.ports.names()),
        settings: names(&mut kind.settings.names()),
    };
    kinds.all().map(row).collect()
}

/// A datasource of Grafana.
#[derive(Debug, Serialize)]
pub struct DatasourceRow<'s> {
    /// Its UID.
    pub uid: &'s str,
    /// Its title.
    pub title: &'s str,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'s str,
    /// Its URL inside the network; `None` if it is outside.
    pub url: Option<String>,
    /// Whether it is the default datasource.
    pub default: bool,
}

/// An output.
#[derive(Debug, Serialize)]
pub struct ArtifactRow {
    /// Its path, relative to the root.
    pub path: String,
    /// The programs that read or check it: those of `gen verify`.
    pub readers: Vec<&'static str>,
    /// Whether it is executable.
    pub executable: bool,
    /// Whether `[patches]` change it.
    pub patched: bool,
    /// Whether it is the user's own; then the numbers are of what `gen` would write.
    pub ejected: bool,
    /// Its number of lines.
    pub lines: usize,
    /// Its size in bytes.
    pub bytes: usize,
}

/// The services, in the order of the spec.
pub fn services(stack: &Stack) -> Vec<ServiceRow<'_>> {
    let row = |service: &'_ Service| -> Vec<String> {
        service.ports.iter().filter_map(|port| Some(port.published.as_ref()?.shown())).collect()
    };
    stack
        .services
        .iter()
        .map(|service| ServiceRow {
            name: &service.name,
            group: &service.group,
            description: &service.description,
            kind: service.kind.as_ref().map(crate::spec::kind::Kind::as_str),
            image: service.image.as_ref().map(Text::shown),
            published_ports: row(service),
            depends_on: waits(service),
        })
        .collect()
}

fn waits(service: &Service) -> Vec<DependencyRow<'_>> {
    let row = |(service, condition): (_, Condition)| DependencyRow { service, condition: condition.described() };
    service.waits_for().into_iter().map(row).collect()
}

/// The ports, sorted by the port on the host or, if not published, in the container.
pub fn ports(stack: &Stack) -> Vec<PortRow<'_>> {
    let mut rows: Vec<PortRow<'_>> = Vec::new();
    for service in &stack.services {
        rows.extend(service.ports.iter().map(|port| PortRow {
            host:
                port.published.as_ref().map(|published| Host {
                    address: published.address(),
                    port: published.port.as_ref().map(Text::shown),
                }),
            service: &service.name,
            name: Some(&port.name),
            container_port: port.target.to_string(),
            protocol: port.protocol.as_str(),
        }));
        rows.extend(service.keys.texts("expose").map(|exposed| {
            let exposed = exposed.shown();
            let (ports, protocol) = exposed.split_once('/').unwrap_or((&exposed, "tcp"));
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
    rows.sort_by_cached_key(|row| {
        number(row.host.as_ref().and_then(|host| host.port.as_ref()).unwrap_or(&row.container_port))
    });
    rows
}

/// The variables of the user's `.env`, in the order of the spec.
pub fn variables(stack: &Stack) -> Vec<VariableRow<'_>> {
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in stack.every_service() {
        for variable in &service.refers_to.variables {
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
            generated: variable.generate,
            from: variable.from.as_ref().map(|source| source.text.as_str()),
            services: readers.remove(variable.name.as_str()).unwrap_or_default(),
            images: stack
                .builds
                .iter()
                .filter(|build| match &build.recipe {
                    ImageRecipe::TemporalDsql(tree, _) | ImageRecipe::Own(tree) => tree.variable == variable.name,
                    ImageRecipe::TemporalRuntime(_) => false,
                })
                .map(|build| build.name.as_str())
                .collect(),
        })
        .collect()
}

/// The images of services, in the order of the services, and their base images.
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
        if let ImageRecipe::TemporalRuntime(base) | ImageRecipe::TemporalDsql(_, base) = &build.recipe {
            let place = row(&mut rows, base.clone());
            rows[place].images.push(&build.name);
        }
    }
    // An image that Compose builds has a default name.
    for service in stack.services.iter().filter(|service| service.is_built()) {
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

/// The datasources of Grafana, in the order of the spec. All Grafana services have the same ones.
pub fn datasources(stack: &Stack) -> Vec<DatasourceRow<'_>> {
    let Some(grafana) = stack.grafanas.first() else { return Vec::new() };
    grafana
        .datasources
        .iter()
        .map(|datasource| DatasourceRow {
            uid: &datasource.uid,
            title: &datasource.title,
            kind: datasource.kind.as_str(),
            url: datasource.url.as_ref().map(Text::shown),
            default: datasource.default,
        })
        .collect()
}

/// The outputs, which need not be on disk.
///
/// # Errors
/// A template is broken.
pub fn artifacts(plan: &Plan) -> Result<Vec<ArtifactRow>, output::Error> {
    let artifacts = view::artifacts(plan.stack());
    let mut texts = BTreeMap::new();
    for artifact in &artifacts {
        let text = artifact.render().map_err(|error| {
            let reason = error.to_string();
            output::Error::Render { path: artifact.path.clone(), reason }
        })?;
        texts.insert(artifact.path.clone(), text);
    }
    let checks = verify::checks(plan.stack(), &texts);
    let rows = artifacts.iter().map(|artifact| {
        let mut readers: Vec<&'static str> = Vec::new();
        for check in checks.iter().filter(|check| check.artifacts.contains(&artifact.path)) {
            if !readers.contains(&check.consumer.name) {
                readers.push(check.consumer.name);
            }
        }
        let text = texts.get(&artifact.path).map_or("", String::as_str);
        ArtifactRow {
            path: artifact.path.to_string(),
            readers,
            executable: artifact.executable,
            patched: artifact.is_patched(),
            ejected: artifact.ejected().is_some(),
            lines: text.lines().count(),
            bytes: text.len(),
        }
    });
    Ok(rows.collect())
}
