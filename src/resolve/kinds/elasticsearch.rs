//! Elasticsearch for the clusters' visibility, and the one-shot that prepares it.

use std::fmt::Write as _;

use super::{Preset, READ_ONLY, WRITABLE, fixed, needs, probe};
use crate::model::kind::ELASTICSEARCH_HTTP;
use crate::model::service::Command;
use crate::model::text::Text;
use crate::resolve::Resolver;
use crate::resolve::clusters::visibility_index;
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
            // Java reads `256m`, and not the `256mb` that Docker reads, too.
            .map_or(HEAP, |heap| heap.value.0.trim_end_matches(['b', 'B']));
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
            // It creates its keystore beside its configuration.
            confinement: WRITABLE,
            ..Preset::default()
        }
    }

    pub(super) fn elasticsearch_setup(&mut self, name: &'a Spanned<String>) -> Preset {
        let mut stores: Vec<(String, Vec<String>)> = Vec::new();
        for (cluster_name, cluster) in self.spec.clusters.iter() {
            // A cluster without a store is reported with the cluster.
            let Some(store) = self.visibility_store(cluster) else { continue };
            self.references.service(&store);
            let index = visibility_index(&cluster_name.value, cluster);
            match stores.iter_mut().find(|(known, _)| *known == store) {
                Some((_, indices)) => indices.push(index),
                None => stores.push((store, vec![index])),
            }
        }
        if self.spec.clusters.is_empty() {
            let what = format!("`{}`", name.value);
            let store = self.store(("visibility", None), Kind::Elasticsearch, &what, name.span);
            if let Some(store) = store {
                self.references.service(store);
            }
            stores.extend(store.map(|store| (store.to_owned(), Vec::new())));
        }
        // Every step may be repeated: an index that exists is left as it is (admin-tools 1.31.2).
        let mut script = String::from("set -eu\n");
        for (store, indices) in &stores {
            if stores.len() > 1 {
                let _ = writeln!(script, "export ES_SERVER={}", url(store));
            }
            script.push_str("temporal-elasticsearch-tool setup-schema\n");
            for index in indices {
                let _ = writeln!(script, "temporal-elasticsearch-tool create-index --index {index}");
            }
        }
        let environment = match stores.as_slice() {
            [(store, _)] => vec![fixed("ES_SERVER", url(store))],
            _ => Vec::new(),
        };
        Preset {
            description: Some("Creates the visibility schema and indices, then ends".to_owned()),
            entrypoint: Some(super::arguments(["sh", "-c"])),
            command: Some(Command::Arguments(vec![Text::from(script)])),
            environment,
            depends_on: stores.iter().map(|(store, _)| needs(store, Condition::Healthy)).collect(),
            one_shot: true,
            confinement: READ_ONLY,
            ..Preset::default()
        }
    }
}

fn url(store: &str) -> String {
    format!("http://{store}:{ELASTICSEARCH_HTTP}")
}
