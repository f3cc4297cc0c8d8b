//! `gen dev ps`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;
use stackgen::dev::compose::Container;
use stackgen::dev::services::{addresses, urls};
use stackgen::model::service::CONFIG_LABEL;

use super::super::location;
use super::{Context, RESET, Step, YELLOW, preflight};
use crate::cli::Listing;
use crate::commands::table::{KEPT, Table};
use crate::commands::{report, show};

/// A container, or a service without one.
#[derive(Serialize)]
struct Row {
    service: String,
    group: String,
    state: String,
    health: Option<String>,
    exit_code: Option<i64>,
    urls: Vec<String>,
    /// Published ports that have no page.
    addresses: Vec<String>,
    /// Whether its container was created from other files than the current ones.
    stale_configuration: bool,
    /// Whether the spec has the service.
    in_spec: bool,
}

pub fn run(context: &Context, format: Listing) -> Step {
    context.rendered()?;
    preflight::require_compose(context)?;
    let containers = context.containers()?;
    let rows = rows(context, &containers)?;
    let project = &context.stack().project;
    Ok(show(
        format,
        || text(&rows, context.place.is_some()),
        || report::versioned(json!({ "project": project, "services": rows })),
    ))
}

fn rows(context: &Context, containers: &[Container]) -> Step<Vec<Row>> {
    let environment = context.environment()?;
    let digests: BTreeMap<String, String> = context.plan.config_digests();
    let mut rows = Vec::new();
    for service in &context.stack().services {
        let own = containers.iter().filter(|container| container.service == service.name);
        let before = rows.len();
        for container in own {
            rows.push(Row {
                group: service.group.clone(),
                urls: if container.is_up() { urls(service, &environment) } else { Vec::new() },
                addresses: if container.is_up() { addresses(service, &environment) } else { Vec::new() },
                stale_configuration: container.label(CONFIG_LABEL) != digests.get(&service.name).map(String::as_str),
                in_spec: true,
                ..Row::of(container)
            });
        }
        // Services of a Compose profile run only on demand.
        if rows.len() == before && service.profiles.is_empty() {
            rows.push(Row {
                service: service.name.clone(),
                group: service.group.clone(),
                state: "not created".to_owned(),
                health: None,
                exit_code: None,
                urls: Vec::new(),
                addresses: Vec::new(),
                stale_configuration: false,
                in_spec: true,
            });
        }
    }
    let unknown = |container: &&Container| !context.stack().every_service().any(|own| own.name == container.service);
    rows.extend(containers.iter().filter(unknown).map(Row::of));
    Ok(rows)
}

impl Row {
    fn of(container: &Container) -> Self {
        Self {
            service: container.service.clone(),
            group: String::new(),
            state: container.state.clone(),
            health: Some(container.health.clone()).filter(|health| !health.is_empty()),
            exit_code: (!container.is_up()).then_some(container.exit_code),
            urls: Vec::new(),
            addresses: Vec::new(),
            stale_configuration: false,
            in_spec: false,
        }
    }

    fn shown_state(&self) -> String {
        match self.exit_code {
            Some(code) if self.state == "exited" => format!("exited{KEPT}({code})"),
            _ => self.state.replace(' ', &KEPT.to_string()),
        }
    }
}

/// The ports of an isolated stack stand nowhere else.
fn text(rows: &[Row], is_isolated: bool) -> String {
    let mut table = Table::new(["GROUP", "SERVICE", "STATE", "HEALTH", "URL"]);
    for row in rows {
        let health = row.health.clone().unwrap_or_else(|| "-".to_owned());
        let addresses = row.addresses.iter().filter(|_| is_isolated);
        let places: Vec<&str> = row.urls.iter().chain(addresses).map(String::as_str).collect();
        table.push([row.group.clone(), row.service.clone(), row.shown_state(), health, places.join(" ")]);
    }
    let mut out = table.text();
    notes(&mut out, rows);
    out
}

/// Problems, and how to fix them.
fn notes(out: &mut String, rows: &[Row]) {
    let names = |wanted: &dyn Fn(&Row) -> bool| {
        let names: Vec<&str> = rows.iter().filter(|row| wanted(row)).map(|row| row.service.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(names) = names(&|row| row.stale_configuration) {
        let _ = writeln!(out, "\n{YELLOW}stale configuration{RESET}: {names}");
        let _ = writeln!(out, "  help: recreate them with `{} dev up --detach`", location().program());
    }
    if let Some(names) = names(&|row| !row.in_spec) {
        let _ = writeln!(out, "\n{YELLOW}not in the spec{RESET}: {names}");
        let _ = writeln!(out, "  help: remove all containers with `{} dev down`", location().program());
    }
}
