//! `config/grafana-datasources.yaml` and `config/grafana-dashboards.yaml`.

use askama::Template;

use crate::lit::compose as filters;
use crate::lit::compose::Node;
use crate::model::{Datasource, Grafana, Stack};
use crate::spec::stack::{Addressed, DatasourceType, Queried};

#[derive(Template)]
#[template(path = "kinds/grafana/datasources.yaml")]
struct Datasources<'a> {
    grafana: &'a Grafana,
    /// How often metrics are scraped: the smallest step that makes sense.
    interval: &'a str,
}

impl Datasources<'_> {
    /// Grafana expands variables as Compose does.
    fn json<'s>(&'s self, source: &'s Datasource) -> Node<'s> {
        let mut entries: Vec<(&str, Node<'_>)> =
            source.json.0.iter().map(|(key, tree)| (key.as_str(), Node::from(tree))).collect();
        if source.kind == Queried::Known(DatasourceType::Prometheus) && source.json.get("timeInterval").is_none() {
            entries.push(("timeInterval", self.interval.into()));
        }
        Node::Table(entries)
    }
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
