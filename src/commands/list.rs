//! `gen list`.

use clap::ValueEnum as _;
use serde::Serialize;
use serde_json::json;
use stackgen::model::service::RANDOM;
use stackgen::{Plan, list};

use super::table::Table;
use super::{Outcome, Ran, dev, location, one_of, project, report, show, stop};
use crate::cli::{List, Listed};

pub fn run(arguments: &List) -> Ran {
    if arguments.what == Listed::Kinds {
        let project = project(None, arguments.format.into())?;
        return Ok(rows(arguments, &list::kinds(project.sources.kinds()), kinds));
    }
    let mut project = project(arguments.profile.as_deref(), arguments.format.into())?;
    let committed = one_of(std::mem::take(&mut project.plans), Plan::profile)?;
    // What runs here, or what is committed.
    let plan = match arguments.what {
        Listed::Services | Listed::Ports | Listed::Images => dev::plan_here(&project, committed),
        _ => committed,
    };
    let stack = plan.stack();
    Ok(match arguments.what {
        Listed::Services => rows(arguments, &list::services(stack), services),
        Listed::Ports => rows(arguments, &list::ports(stack), ports),
        Listed::Env => rows(arguments, &list::variables(stack), variables),
        Listed::Images => rows(arguments, &list::images(stack), images),
        Listed::Datasources => rows(arguments, &list::datasources(stack), datasources),
        // Listed above: they don't depend on a profile.
        Listed::Kinds => Outcome::Clean,
        Listed::Artifacts => {
            let artifacts_of = list::artifacts(&plan).map_err(|error| stop(Outcome::Failed, error))?;
            rows(arguments, &artifacts_of, artifacts)
        }
    })
}

/// Shows a table, or a report with the list under the name that was asked for.
fn rows<T: Serialize>(arguments: &List, rows: &[T], text: impl Fn(&[T]) -> String) -> Outcome {
    let name = arguments.what.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    show(arguments.format, || text(rows), || report::versioned(json!({ name: rows })))
}

/// Names, or a dash.
fn joined<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<S> = names.into_iter().collect();
    or_dash(names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "))
}

fn or_dash(text: impl Into<String>) -> String {
    let text = text.into();
    if text.is_empty() { "-".to_owned() } else { text }
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "-" }.to_owned()
}

fn services(rows: &[list::ServiceRow<'_>]) -> String {
    let mut table =
        Table::new(["GROUP", "SERVICE", "KIND OR IMAGE", "PORTS", "STARTS AFTER"]).soft(&["GROUP", "KIND OR IMAGE"]);
    for row in rows {
        let runs = row.kind.map_or_else(|| or_dash(row.image.clone().unwrap_or_default()), ToOwned::to_owned);
        let after = joined(row.depends_on.iter().map(|dependency| dependency.service));
        table.push([or_dash(row.group), row.name.to_owned(), runs, joined(&row.published_ports), after]);
    }
    table.text()
}

fn ports(rows: &[list::PortRow<'_>]) -> String {
    let mut table = Table::new(["ON THE HOST", "SERVICE.PORT", "IN THE CONTAINER"]);
    for row in rows {
        let host = row.host.as_ref().map_or_else(
            || "(network only)".to_owned(),
            |host| {
                let port = host.port.as_deref().unwrap_or(RANDOM);
                if host.address.is_empty() { port.to_owned() } else { format!("{}:{port}", host.address) }
            },
        );
        let name = row.name.map_or_else(|| row.service.to_owned(), |name| format!("{}.{name}", row.service));
        table.push([host, name, format!("{}/{}", row.container_port, row.protocol)]);
    }
    table.text()
}

fn variables(rows: &[list::VariableRow<'_>]) -> String {
    let mut table = Table::new(["VARIABLE", "DEFAULT", "FROM", "READ BY"]).soft(&["DEFAULT"]);
    for row in rows {
        let default = match (row.required, row.default) {
            (true, _) => "(required)".to_owned(),
            (false, default) => or_dash(default.unwrap_or_default()),
        };
        let from = match (row.terraform_output, row.secret) {
            (None, _) if row.generated => "chosen by `up`".to_owned(),
            (None, _) if row.from.is_some() => row.from.unwrap_or_default().to_owned(),
            (Some(output), _) => format!("Terraform {output}"),
            (None, true) => "you, a secret".to_owned(),
            (None, false) => "you".to_owned(),
        };
        let services = row.services.iter().map(|&name| name.to_owned());
        let images = row.images.iter().map(|name| format!("image {name}"));
        let readers: Vec<String> = services.chain(images).collect();
        // Every variable is used: if not by a service or an image, then by networks, volumes and the like.
        let readers = if readers.is_empty() { "Compose".to_owned() } else { readers.join(", ") };
        table.push([row.name.to_owned(), default, from, readers]);
    }
    table.text()
}

fn images(rows: &[list::ImageRow<'_>]) -> String {
    let mut table = Table::new(["IMAGE", "FROM", "USED BY"]).soft(&["IMAGE"]);
    for row in rows {
        let services = row.services.iter().map(|&name| name.to_owned());
        let images = row.images.iter().map(|name| format!("image {name}"));
        let from = if row.built { "built" } else { "pulled" };
        table.push([row.reference.clone(), from.to_owned(), joined(services.chain(images))]);
    }
    table.text()
}

fn datasources(rows: &[list::DatasourceRow<'_>]) -> String {
    let mut table = Table::new(["UID", "TITLE", "TYPE", "URL", "DEFAULT"]);
    for row in rows {
        let url = or_dash(row.url.as_deref().unwrap_or_default());
        table.push([row.uid.to_owned(), row.title.to_owned(), row.kind.to_owned(), url, yes(row.default)]);
    }
    table.text()
}

fn kinds(rows: &[list::KindRow]) -> String {
    let mut table = Table::new(["KIND", "FROM", "PORTS", "SETTINGS"]).soft(&["SETTINGS"]);
    let own = location().kinds();
    for row in rows {
        let from = if row.built_in { "built in" } else { own.as_str() };
        table.push([row.name.clone(), from.to_owned(), joined(&row.ports), joined(&row.settings)]);
    }
    table.text()
}

fn artifacts(rows: &[list::ArtifactRow]) -> String {
    let row =
        |row: &list::ArtifactRow| [row.path.clone(), joined(&row.readers), row.lines.to_string(), yes(row.executable)];
    // Most specs change none.
    if !rows.iter().any(|row| row.ejected || row.patched) {
        let mut table = Table::new(["PATH", "READ BY", "LINES", "RUN"]);
        for artifact in rows {
            table.push(row(artifact));
        }
        return table.text();
    }
    let mut table = Table::new(["PATH", "READ BY", "LINES", "RUN", "CHANGED"]);
    for artifact in rows {
        let changed = or_dash(match (artifact.ejected, artifact.patched) {
            (true, _) => "ejected",
            (_, true) => "patched",
            _ => "",
        });
        let [path, readers, lines, run] = row(artifact);
        table.push([path, readers, lines, run, changed]);
    }
    table.text()
}
