//! `config/<service>.alloy`.

use askama::Template;

use crate::lit::alloy as filters;
use crate::model::{Alloy, Stack};
use crate::spec::value::Duration;

#[derive(Template)]
#[template(path = "kinds/alloy/alloy.alloy")]
struct Config<'a> {
    alloy: &'a Alloy,
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
    Config { alloy, timeout, label: format!("com.docker.compose.project={}", stack.project) }.render()
}
