//! Mimir in one process.

use super::{Preset, READ_ONLY, arguments, generated};
use crate::model;
use crate::model::kind::MIMIR_HTTP;
use crate::resolve::Resolver;
use crate::spec::decode::Spanned;
use crate::spec::service::Service;

/// Where the volume appears; every directory of the configuration lies below it.
pub(crate) const DATA: &str = "/data";

impl Resolver<'_> {
    #[expect(clippy::unused_self, reason = "one signature for every kind")]
    pub(super) fn mimir(&mut self, name: &Spanned<String>) -> Preset {
        Preset {
            description: Some("Metrics".to_owned()),
            command: Some(arguments(["-config.file=/etc/mimir/mimir.yaml"])),
            volumes: vec![(format!("{}-data", name.value), DATA.to_owned())],
            mounts: vec![generated(format!("./config/{}.yaml", name.value), "/etc/mimir/mimir.yaml")],
            // The image holds nothing but Mimir, which has no sub-command that probes.
            healthcheck: None,
            // As the Helm chart of Mimir runs it; everything is written below the volume.
            confinement: READ_ONLY,
            ..Preset::default()
        }
    }

    #[expect(clippy::unused_self, reason = "one signature for every kind")]
    pub(super) fn mimir_model(&mut self, name: &Spanned<String>, service: &Service) -> model::Mimir {
        let settings = service.settings.as_ref();
        let number = |value: Option<&Spanned<u32>>, default| value.map_or(default, |value| value.value);
        // Mimir's own limits (3.x), where the spec says nothing.
        model::Mimir {
            service: name.value.clone(),
            port: MIMIR_HTTP,
            max_series: number(settings.and_then(|s| s.max_series.as_ref()), 150_000),
            max_series_per_metric: number(settings.and_then(|s| s.max_series_per_metric.as_ref()), 0),
            ingestion_rate: number(settings.and_then(|s| s.ingestion_rate.as_ref()), 10_000),
            ingestion_burst: number(settings.and_then(|s| s.ingestion_burst.as_ref()), 200_000),
        }
    }
}
