//! Kinds of services, and what each can be told.

use super::decode::{Map, Spanned, choice, table};
use super::text::Text;
use super::value::{Duration, Size};
use crate::diagnostic::Span;

choice! {
    /// What runs in a service.
    pub enum Kind as "kind" {
        /// A Temporal server on Aurora DSQL.
        TemporalServer = "temporal-server",
        /// Temporal's web UI.
        TemporalUi = "temporal-ui",
        /// Elasticsearch, for the clusters' visibility.
        Elasticsearch = "elasticsearch",
        /// The one-shot that creates the clusters' visibility indices.
        ElasticsearchSetup = "elasticsearch-setup",
        /// Mimir, all in one process.
        Mimir = "mimir",
        /// Loki, all in one process.
        Loki = "loki",
        /// Alloy, which scrapes metrics and collects logs.
        Alloy = "alloy",
        /// Grafana.
        Grafana = "grafana",
    }
}

choice! {
    /// A role of a Temporal server.
    pub enum Role as "role of a Temporal server" {
        /// Workflow state.
        History = "history",
        /// Task queues.
        Matching = "matching",
        /// The API.
        Frontend = "frontend",
        /// The system's own workflows.
        Worker = "worker",
    }
}

table! {
    /// What the kinds can be told. Each key belongs to one kind.
    pub struct Settings as "settings" {
        /// `elasticsearch`: the heap, e.g. `256m`.
        heap: Option<Spanned<Size>>,
        /// `loki`: how long logs are kept.
        retention: Option<Spanned<Duration>>,
        /// `mimir`: the most series of the tenant.
        max_series: Option<Spanned<u32>>,
        /// `mimir`: the most series of one metric.
        max_series_per_metric: Option<Spanned<u32>>,
        /// `mimir`: samples a second.
        ingestion_rate: Option<Spanned<u32>>,
        /// `mimir`: samples in one burst.
        ingestion_burst: Option<Spanned<u32>>,
        /// `alloy`: how often metrics are scraped.
        scrape_interval: Option<Spanned<Duration>>,
        /// `alloy`: programs on the host that serve metrics, by name, with their port.
        host_targets: Option<Spanned<Map<Spanned<u16>>>>,
        /// `alloy`: the service that stores metrics, if there are several.
        metrics_store: Option<Spanned<String>>,
        /// `alloy`: the service that stores logs, if there are several.
        logs_store: Option<Spanned<String>>,
        /// `grafana`: the administrator's password, a reference to a secret variable.
        admin_password: Option<Spanned<Text>>,
        /// `grafana`: plugins besides those that datasources need, as `id@version`.
        plugins: Option<Spanned<Vec<Spanned<String>>>>,
        /// `grafana`: title of each dashboard folder by its directory.
        folders: Option<Spanned<Map<String>>>,
    }
}

impl Settings {
    /// The keys that are set, with their places.
    #[must_use]
    pub fn in_use(&self) -> Vec<(&'static str, Span)> {
        macro_rules! set {
            ($($field:ident)*) => {
                [$(self.$field.as_ref().map(|value| (stringify!($field), value.span))),*]
            };
        }
        set!(
            heap retention max_series max_series_per_metric ingestion_rate ingestion_burst scrape_interval
            host_targets metrics_store logs_store admin_password plugins folders
        )
        .into_iter()
        .flatten()
        .collect()
    }
}
