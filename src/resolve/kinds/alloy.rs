//! Alloy: scrapes metrics, collects the containers' logs.

use super::{Confinement, Preset, READ_ONLY, arguments, generated, needs};
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::kind::{Address, DOCKER_HOST, Host, LOKI_HTTP, MIMIR_HTTP};
use crate::resolve::Resolver;
use crate::spec::decode::Spanned;
use crate::spec::service::{Condition, Kind, Service};
use crate::spec::value::Duration;

/// How often metrics are scraped unless the spec says otherwise, in seconds.
const INTERVAL: u32 = 15;

/// What Alloy needs a store for: the setting that names it, its kind, and what is stored there.
const STORES: [(&str, Kind, &str); 2] =
    [("metrics_store", Kind::Mimir, "Alloy, for the metrics,"), ("logs_store", Kind::Loki, "Alloy, for the logs,")];

const SOCKET: &str = "/var/run/docker.sock";

impl<'a> Resolver<'a> {
    pub(super) fn alloy(&mut self, name: &Spanned<String>, service: &'a Service) -> Preset {
        let settings = service.settings.as_ref();
        let stores = self.alloy_stores(name.span, service);
        let depends_on = stores.iter().flatten().map(|store| needs(store, Condition::Started)).collect();
        let mut mounts = vec![generated(format!("./config/{}.alloy", name.value), "/etc/alloy/config.alloy")];
        // Who may use the socket may do anything on the host: only the containers' logs need it.
        if stores[1].is_some() {
            mounts.push(generated(SOCKET.to_owned(), SOCKET));
        }
        let hosts =
            settings.is_some_and(|settings| settings.host_targets.as_ref().is_some_and(|targets| !targets.is_empty()));
        Preset {
            description: Some("Collects metrics and logs".to_owned()),
            command: Some(arguments([
                "run",
                "--server.http.listen-addr=0.0.0.0:12345",
                // Log positions and the write-ahead log: without it logs are read again after a restart.
                "--storage.path=/var/lib/alloy/data",
                "--disable-reporting",
                "/etc/alloy/config.alloy",
            ])),
            volumes: vec![(format!("{}-data", name.value), "/var/lib/alloy/data".to_owned())],
            mounts,
            depends_on,
            // It runs as root in a folder of another user (Alloy 1.19), and only this capability lets it write there.
            confinement: Confinement { keep: &["DAC_OVERRIDE"], ..READ_ONLY },
            // Docker Desktop knows the name by itself, Linux does not.
            extra_hosts: if hosts { vec![(DOCKER_HOST.to_owned(), "host-gateway".into())] } else { Vec::new() },
            ..Preset::default()
        }
    }

    /// The services that store metrics and logs, if there are any; reports it when they can't be told.
    fn alloy_stores(&mut self, span: Span, service: &'a Service) -> [Option<&'a str>; 2] {
        STORES.map(|(key, kind, what)| {
            let named = store_setting(service, kind);
            let any = named.is_some() || self.of_kind(kind).next().is_some();
            any.then(|| self.store((key, named), kind, what, span)).flatten()
        })
    }

    pub(super) fn alloy_model(
        &mut self,
        name: &Spanned<String>,
        service: &'a Service,
        services: &[model::Service],
    ) -> model::Alloy {
        let [metrics, logs] = STORES.map(|(_, kind, _)| self.find_store(store_setting(service, kind), kind));
        let settings = service.settings.as_ref();
        let mut targets: Vec<model::kind::ScrapeTarget> = services
            .iter()
            .filter_map(|service| {
                let metrics = service.metrics.as_ref()?;
                Some(model::kind::ScrapeTarget {
                    job: service.name.clone(),
                    address: Address::of_service(&service.name, metrics.port, &metrics.path),
                })
            })
            .collect();
        for (target, port) in
            settings.and_then(|settings| settings.host_targets.as_ref()).into_iter().flat_map(|map| map.iter())
        {
            if targets.iter().any(|known| known.job == target.value) {
                let declared = self.service_span(&target.value);
                self.report(
                    Diagnostic::new("target-clash", format!("`{}` is scraped twice", target.value), target.span)
                        .also(declared, "a service with metrics is scraped already")
                        .help("choose another name for the target on the host"),
                );
            }
            targets.push(model::kind::ScrapeTarget {
                job: target.value.clone(),
                address: Address { host: Host::Docker, port: port.value, path: "/metrics".to_owned() },
            });
        }
        if metrics.is_none()
            && let Some(target) = targets.first()
            && self.of_kind(Kind::Mimir).next().is_none()
        {
            let declared = self.index.contains_key(target.job.as_str()).then(|| self.service_span(&target.job));
            let declared = declared.unwrap_or(name.span);
            let title = format!("`{}` has metrics, and nothing stores them", target.job);
            self.report_missing(
                self.spec.sound,
                Diagnostic::new("missing-service", title, name.span)
                    .also(declared, "has metrics")
                    .help("add a service with `kind = \"mimir\"`, or remove the metrics"),
            );
        }
        model::Alloy {
            service: name.value.clone(),
            scrape_interval: settings
                .and_then(|settings| settings.scrape_interval.as_ref())
                .map_or_else(|| Duration::seconds(INTERVAL), |interval| interval.value.clone()),
            targets,
            metrics: metrics.map(|store| Address::of_service(store, MIMIR_HTTP, "/api/v1/push")),
            logs: logs.map(|store| Address::of_service(store, LOKI_HTTP, "/loki/api/v1/push")),
        }
    }
}

/// The setting that names a store.
fn store_setting(service: &Service, kind: Kind) -> Option<&Spanned<String>> {
    let settings = service.settings.as_ref()?;
    match kind {
        Kind::Mimir => settings.metrics_store.as_ref(),
        _ => settings.logs_store.as_ref(),
    }
}
