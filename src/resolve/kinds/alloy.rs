//! Alloy: scrapes metrics, collects the containers' logs.

use super::{KindModels, Preset, host_path};
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::kind::{Address, DOCKER_HOST, Host, SettingValue};
use crate::resolve::{Resolver, add_a_provider};
use crate::spec::decode::{Map, Spanned};
use crate::spec::kind::Provision;
use crate::spec::service::Service;
use crate::spec::value::Duration;

/// What Alloy needs a store for, and the setting that names it.
const METRICS: (&str, &str) = ("metrics", "metrics_store");
const LOGS: (&str, &str) = ("logs", "logs_store");

const SOCKET: &str = "/var/run/docker.sock";

impl<'a> Resolver<'a> {
    pub(super) fn alloy(&mut self, _: &'a Spanned<String>, service: &'a Service, preset: &mut Preset) {
        // Access to the socket is root access to the host, and only the containers' logs need it.
        if self.alloy_store(service, LOGS).is_some() && !self.is_kubernetes() {
            preset.mounts.push(host_path(SOCKET.into(), SOCKET.into()));
        }
        let targets = service.settings.as_ref().and_then(|settings| settings.ports("host_targets"));
        if let Some((target, _)) = targets.and_then(|targets| targets.iter().next())
            && self.is_kubernetes()
        {
            let title = format!("target `{}` of the host has no equivalent in Kubernetes", target.value);
            let help = "remove it in this profile: no pod reaches the machine of a developer";
            self.report(Diagnostic::new("not-in-kubernetes", title, target.span).help(help));
        } else if targets.is_some_and(|targets| !targets.is_empty()) {
            // Docker Desktop resolves the name without help, Linux does not.
            preset.extra_hosts.push((DOCKER_HOST.to_owned(), "host-gateway".into()));
        }
    }

    fn alloy_store(&self, service: &Service, (provided, setting): (&str, &str)) -> Option<&'a str> {
        let named = service.settings.as_ref().and_then(|settings| settings.named(setting));
        self.find_store(named.as_ref(), provided)
    }

    pub(super) fn alloy_model(
        &mut self,
        name: &'a Spanned<String>,
        service: &'a Service,
        services: &[model::Service],
        models: &mut KindModels,
    ) {
        let push = |provision: &'a Provision| provision.push.as_ref();
        let [metrics, logs] = [METRICS, LOGS].map(|wanted| {
            let store = self.alloy_store(service, wanted)?;
            let address = self.provided(store, wanted.0, push)?;
            if address.host().literal().is_none() {
                let title =
                    format!("the configuration of `{}` can't have a variable in the host of `{store}`", name.value);
                let span = self.external.get(store).map_or(name.span, |elsewhere| elsewhere.written.host.span);
                let diagnostic = Diagnostic::new("invalid-reference", title, span).also(name.span, "pushes to it");
                self.report(diagnostic.help("write the host itself"));
            }
            Some(address)
        });
        let mut targets: Vec<model::kind::ScrapeTarget> = services
            .iter()
            .filter_map(|service| {
                let metrics = service.metrics.as_ref()?;
                Some(model::kind::ScrapeTarget {
                    job: service.name.clone(),
                    address: self.address_of(&service.name, metrics.port, &metrics.path),
                    replicated: service.is_several(),
                })
            })
            .collect();
        let on_host = service.settings.as_ref().and_then(|settings| settings.ports("host_targets"));
        for (target, port) in on_host.into_iter().flat_map(Map::iter) {
            if targets.iter().any(|known| known.job == target.value) {
                let declared = self.service_span(&target.value);
                self.report(
                    Diagnostic::new("target-clash", format!("duplicate scrape target `{}`", target.value), target.span)
                        .also(declared, "this service is already scraped")
                        .help("rename the target on the host"),
                );
            }
            targets.push(model::kind::ScrapeTarget {
                job: target.value.clone(),
                address: Address { host: Host::Docker, port: port.value, path: "/metrics".to_owned() },
                replicated: false,
            });
        }
        if metrics.is_none()
            && let Some(target) = targets.first()
            && self.provider_names(METRICS.0).is_empty()
        {
            let declared = self.index.contains_key(target.job.as_str()).then(|| self.service_span(&target.job));
            let declared = declared.unwrap_or(name.span);
            let title = format!("missing store for the metrics of `{}`", target.job);
            self.report_missing(
                self.spec.sound,
                Diagnostic::new("missing-service", title, name.span)
                    .also(declared, "has metrics")
                    .help(format!("{}, or remove the metrics", add_a_provider(&self.profile.kinds, METRICS.0))),
            );
        }
        let model = services.iter().find(|model| model.name == name.value);
        let scrape_interval = match model.and_then(|model| model.setting("scrape_interval")) {
            Some(SettingValue::Duration(interval)) => interval.clone(),
            _ => Duration::seconds(0),
        };
        let file = model.and_then(|model| model.files.first()).map(|file| file.path.clone()).unwrap_or_default();
        models.alloys.push(model::Alloy { service: name.value.clone(), file, scrape_interval, targets, metrics, logs });
    }
}
