//! `config/grafana-datasources.yaml` and `config/grafana-dashboards.yaml`.

use askama::Template;

use crate::lit::grafana as filters;
use crate::model::{Grafana, Stack};
use crate::spec::stack::DatasourceType;

#[derive(Template)]
#[template(path = "kinds/grafana/datasources.yaml")]
struct Datasources<'a> {
    grafana: &'a Grafana,
    /// How often metrics are scraped: the smallest step that makes sense.
    interval: &'a str,
}

pub(super) fn datasources(stack: &Stack, grafana: &Grafana) -> askama::Result<String> {
    let interval = stack.alloys.first().map_or("15s", |alloy| alloy.scrape_interval.text.as_str());
    Datasources { grafana, interval }.render()
}

#[derive(Template)]
#[template(path = "kinds/grafana/dashboards.yaml")]
struct Dashboards<'a> {
    grafana: &'a Grafana,
}

pub(super) fn dashboards(grafana: &Grafana) -> askama::Result<String> {
    Dashboards { grafana }.render()
}
