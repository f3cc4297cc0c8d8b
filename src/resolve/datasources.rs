//! `[datasources.<uid>]`.

use std::collections::HashMap;

use super::dashboards::LONGEST_UID;
use super::{DASHBOARDS, Resolver};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::{Address, Datasource};
use crate::spec::decode::shown;
use crate::spec::stack::DatasourceType;

impl Resolver<'_> {
    /// What Grafana queries; one datasource is the default.
    pub(super) fn datasources(&mut self) -> Vec<Datasource> {
        let spec = self.spec;
        let mut sources = Vec::with_capacity(spec.datasources.entries.len());
        let mut default = None;
        let mut titles: HashMap<&str, Span> = HashMap::new();
        for (uid, source) in spec.datasources.iter() {
            let what = format!("datasource `{}`", uid.value);
            if uid.value.len() > LONGEST_UID {
                self.report(
                    Diagnostic::new("invalid-uid", format!("invalid UID `{}`", shown(&uid.value)), uid.span)
                        .help(format!("use at most {LONGEST_UID} characters: Grafana refuses a longer one")),
                );
            }
            // Grafana finds a datasource by its title when it reads the file.
            if let Some(first) = titles.insert(&source.title.value, source.title.span) {
                let title = format!("duplicate datasource title `{}`", shown(&source.title.value));
                self.report(
                    Diagnostic::new("title-clash", title, source.title.span)
                        .also(first, "the other one")
                        .help("change one of them: in Grafana, the second datasource would replace the first"),
                );
            }
            let address = match source.kind.value {
                DatasourceType::Prometheus => self.queried("metrics", &what, source),
                DatasourceType::Loki => self.queried("logs", &what, source),
                DatasourceType::CloudWatch => {
                    if let Some(service) = &source.service {
                        self.report(
                            Diagnostic::new("contradiction", "`service` cannot be used with CloudWatch", service.span)
                                .help("remove `service`"),
                        );
                    }
                    self.check_grafana_credentials(uid);
                    None
                }
                DatasourceType::Json => self.json_address(uid, source),
            };
            if let Some(flag) = source.default.as_ref().filter(|flag| flag.value) {
                match default {
                    None => default = Some(flag.span),
                    Some(first) => self.report(
                        Diagnostic::new("two-defaults", "duplicate default datasource", flag.span)
                            .also(first, "the other one")
                            .help("remove one of the two: Grafana has one default per organization"),
                    ),
                }
            }
            sources.push(Datasource {
                uid: uid.value.clone(),
                title: source.title.value.clone(),
                kind: source.kind.value,
                address,
                default: source.default.as_ref().is_some_and(|flag| flag.value),
            });
        }
        sources
    }

    /// Where a store answers queries.
    fn queried(&mut self, provided: &str, what: &str, source: &crate::spec::stack::Datasource) -> Option<Address> {
        let service = self.store(("service", source.service.as_ref()), provided, what, source.span)?;
        self.provided(service, provided, |provision| provision.query.as_ref())
    }

    /// Grafana asks CloudWatch with the credentials and the region of its own container.
    fn check_grafana_credentials(&mut self, uid: &crate::spec::decode::Spanned<String>) {
        for (name, service) in self.providers(DASHBOARDS) {
            if !service.aws.as_ref().is_some_and(|aws| aws.value) {
                self.report(
                    Diagnostic::new(
                        "missing-credentials",
                        format!("missing AWS credentials for datasource `{}`", uid.value),
                        uid.span,
                    )
                    .also(name.span, "does not use AWS")
                    .help(format!("set `aws = true` in [services.{}]", name.value)),
                );
            }
        }
    }

    fn json_address(
        &mut self,
        uid: &crate::spec::decode::Spanned<String>,
        source: &crate::spec::stack::Datasource,
    ) -> Option<Address> {
        let Some(service) = &source.service else {
            self.report_missing(
                source.sound,
                Diagnostic::new(
                    "missing-key",
                    format!("missing key `service` in datasource `{}`", uid.value),
                    uid.span,
                )
                .help("set it to the service that provides the JSON API"),
            );
            return None;
        };
        let Some(&index) = self.index.get(service.value.as_str()) else {
            self.unknown_service(&service.value, service.span, None);
            return None;
        };
        let port = self.port_of(index, "http", service.span, &[])?;
        Some(Address::of_service(&service.value, port, ""))
    }
}
