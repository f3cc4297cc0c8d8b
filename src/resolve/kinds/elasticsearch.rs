//! Elasticsearch for the clusters' visibility, and the one-shot that prepares it.

use super::{Preset, fixed, needs, probe};
use crate::model::kind::ELASTICSEARCH_HTTP;
use crate::model::service::Command;
use crate::model::text::Text;
use crate::resolve::Resolver;
use crate::resolve::health::{curl, run};
use crate::spec::decode::Spanned;
use crate::spec::service::{Condition, Kind, Service};

/// Enough for a development stack's visibility records.
const HEAP: &str = "256m";

impl<'a> Resolver<'a> {
    #[expect(clippy::unused_self, reason = "one signature for every kind")]
    pub(super) fn elasticsearch(&mut self, name: &Spanned<String>, service: &Service) -> Preset {
        let heap = service
            .settings
            .as_ref()
            .and_then(|settings| settings.heap.as_ref())
            .map_or(HEAP, |heap| heap.value.0.as_str());
        // The server's own time-out is shorter than the probe's, so that it answers.
        let url = format!("http://127.0.0.1:{ELASTICSEARCH_HTTP}/_cluster/health?wait_for_status=yellow&timeout=3s");
        Preset {
            description: Some("Visibility store of the Temporal clusters".to_owned()),
            environment: vec![
                fixed("discovery.type", "single-node"),
                fixed("xpack.security.enabled", "false"),
                fixed("ES_JAVA_OPTS", format!("-Xms{heap} -Xmx{heap}")),
                // Free bytes; the defaults are percentages that a laptop's full disk violates.
                fixed("cluster.routing.allocation.disk.watermark.low", "512mb"),
                fixed("cluster.routing.allocation.disk.watermark.high", "256mb"),
                fixed("cluster.routing.allocation.disk.watermark.flood_stage", "128mb"),
            ],
            volumes: vec![(format!("{}-data", name.value), "/usr/share/elasticsearch/data".to_owned())],
            healthcheck: Some(probe(run(curl(&url)), "5s", "5s", 60, "30s")),
            ulimits: vec![("nofile", 65_536)],
            ..Preset::default()
        }
    }

    pub(super) fn elasticsearch_setup(&mut self, name: &'a Spanned<String>) -> Preset {
        let store = self.store(None, Kind::Elasticsearch, &format!("`{}`", name.value), name.span);
        // Both steps may be repeated: an index that exists is left as it is (admin-tools 1.31.2).
        let mut script = String::from("set -eu\ntemporal-elasticsearch-tool setup-schema\n");
        for index in self.visibility_indices() {
            script.push_str("temporal-elasticsearch-tool create-index --index ");
            script.push_str(&index);
            script.push('\n');
        }
        let Some(store) = store else { return Preset::default() };
        Preset {
            description: Some("Creates the visibility schema and indices, then ends".to_owned()),
            entrypoint: super::arguments(["sh", "-c"]),
            command: Some(Command::Arguments(vec![Text::from(script)])),
            environment: vec![fixed("ES_SERVER", format!("http://{store}:{ELASTICSEARCH_HTTP}"))],
            depends_on: vec![needs(store, Condition::Healthy)],
            one_shot: true,
            ..Preset::default()
        }
    }
}
