//! `config/<service>.alloy`.

use std::collections::HashSet;

use askama::Template;

use crate::lit::alloy as filters;
use crate::model::kind::ScrapeTarget;
use crate::model::{Alloy, Stack};
use crate::spec::value::Duration;

#[derive(Template)]
#[template(path = "kinds/alloy/alloy.alloy")]
struct Config<'a> {
    alloy: &'a Alloy,
    /// The targets with an address of their own.
    single: Vec<&'a ScrapeTarget>,
    /// The others, each with the label of its blocks.
    replicated: Vec<(String, &'a ScrapeTarget)>,
    /// A scrape must not take longer than the interval.
    timeout: Duration,
    /// Whether it watches pods, not containers.
    kubernetes: bool,
    /// The services and ports that pods serve metrics on, as a regular expression.
    ports: String,
    /// The label of the containers of this Compose project, or of the pods of this stack.
    label: String,
}

/// Prometheus's own scrape timeout, in seconds.
const LONGEST_TIMEOUT: u32 = 10;

pub(super) fn render(stack: &Stack, alloy: &Alloy) -> askama::Result<String> {
    let (longest, interval) = (Duration::seconds(LONGEST_TIMEOUT), &alloy.scrape_interval);
    let timeout = if interval.milliseconds >= longest.milliseconds { longest } else { interval.clone() };
    let kubernetes = stack.kubernetes.is_some();
    let (replicated, single): (Vec<_>, Vec<_>) =
        alloy.targets.iter().partition(|target| target.replicated && !kubernetes);
    let mut labels = HashSet::new();
    let replicated = replicated.into_iter().map(|target| (label(&target.job, &mut labels), target)).collect();
    let name = if kubernetes { "app.kubernetes.io/part-of" } else { "com.docker.compose.project" };
    // Names of services in Kubernetes have nothing that a regular expression reads as anything else.
    let ports: Vec<String> = alloy.targets.iter().map(|target| target.address.authority().shown()).collect();
    let label = format!("{name}={}", stack.project);
    Config { alloy, single, replicated, timeout, kubernetes, ports: ports.join("|"), label }.render()
}

/// The label of a service's blocks: unique, and different from `services`.
fn label(service: &str, labels: &mut HashSet<String>) -> String {
    let plain: String = service.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut label = format!("replicas_of_{plain}");
    while labels.contains(&label) {
        label.push('_');
    }
    labels.insert(label.clone());
    label
}
