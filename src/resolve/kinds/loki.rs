//! Loki in one process.

use super::{Preset, READ_ONLY, arguments, generated, probe};
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::kind::LOKI_HTTP;
use crate::resolve::Resolver;
use crate::resolve::health::run;
use crate::spec::decode::Spanned;
use crate::spec::service::Service;

/// The index's period: retention works in whole ones.
const PERIOD_MILLISECONDS: u64 = 24 * 3_600_000;

impl Resolver<'_> {
    #[expect(clippy::unused_self, reason = "one signature for every kind")]
    pub(super) fn loki(&mut self, name: &Spanned<String>) -> Preset {
        let mut probe = probe(run(vec!["/usr/bin/loki".to_owned(), "-health".to_owned()]), "10s", "5s", 10, "30s");
        probe.http = Some((LOKI_HTTP, "/ready".to_owned()));
        Preset {
            description: Some("Logs".to_owned()),
            command: Some(arguments(["-config.file=/etc/loki/loki.yaml"])),
            volumes: vec![(format!("{}-data", name.value), "/loki".to_owned())],
            mounts: vec![generated(format!("./config/{}.yaml", name.value), "/etc/loki/loki.yaml")],
            healthcheck: Some(probe),
            // As the Helm chart of Loki runs it.
            confinement: READ_ONLY,
            ..Preset::default()
        }
    }

    pub(super) fn loki_model(&mut self, name: &Spanned<String>, service: &Service) -> Option<model::Loki> {
        let retention = service.settings.as_ref().and_then(|settings| settings.retention.as_ref());
        let Some(retention) = retention else {
            self.report_missing(
                service.sound,
                Diagnostic::new("missing-key", format!("how long does `{}` keep logs?", name.value), name.span)
                    .help("set `settings.retention`, e.g. `\"72h\"`"),
            );
            return None;
        };
        if retention.milliseconds < PERIOD_MILLISECONDS || retention.milliseconds % PERIOD_MILLISECONDS != 0 {
            self.report(
                Diagnostic::new("invalid-retention", "Loki deletes whole days", retention.span)
                    .at("must be a multiple of 24h")
                    .help("write e.g. `72h`"),
            );
        }
        Some(model::Loki { service: name.value.clone(), port: LOKI_HTTP, retention: retention.value.clone() })
    }
}
