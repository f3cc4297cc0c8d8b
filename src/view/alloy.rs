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
    /// The label of the containers of this Compose project.
    label: String,
}

/// Prometheus's own scrape timeout, in seconds.
const LONGEST_TIMEOUT: u32 = 10;

pub(super) fn render(stack: &Stack, alloy: &Alloy) -> askama::Result<String> {
    let (longest, interval) = (Duration::seconds(LONGEST_TIMEOUT), &alloy.scrape_interval);
    let timeout = if interval.milliseconds >= longest.milliseconds { longest } else { interval.clone() };
    let (replicated, single): (Vec<_>, Vec<_>) = alloy.targets.iter().partition(|target| target.replicated);
    let mut labels = HashSet::new();
    let replicated = replicated.into_iter().map(|target| (label(&target.job, &mut labels), target)).collect();
    Config { alloy, single, replicated, timeout, label: format!("com.docker.compose.project={}", stack.project) }
        .render()
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
