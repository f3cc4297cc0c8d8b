//! `config/<service>.alloy`.

use askama::Template;

use crate::lit::alloy as filters;
use crate::model::{Alloy, Stack};
use crate::spec::value::Duration;

#[derive(Template)]
#[template(path = "config/alloy.alloy")]
struct Config<'a> {
    alloy: &'a Alloy,
    /// A scrape may not take longer than the interval.
    timeout: String,
    /// What the containers of this Compose project are labelled with.
    label: String,
}

/// Prometheus's own time-out of a scrape.
const LONGEST_TIMEOUT_MILLISECONDS: u64 = 10_000;

pub(super) fn render(stack: &Stack, alloy: &Alloy) -> askama::Result<String> {
    let interval = Duration::parse(&alloy.scrape_interval).map_or(0, |interval| interval.milliseconds);
    Config {
        alloy,
        timeout: if interval >= LONGEST_TIMEOUT_MILLISECONDS {
            "10s".to_owned()
        } else {
            alloy.scrape_interval.clone()
        },
        label: format!("com.docker.compose.project={}", stack.project),
    }
    .render()
}
