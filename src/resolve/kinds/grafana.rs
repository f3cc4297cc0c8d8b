//! Grafana.

use super::{Preset, WRITABLE, fixed, generated, needs, probe};
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::text::Text;
use crate::resolve::Resolver;
use crate::resolve::health::{curl, run};
use crate::spec::decode::Spanned;
use crate::spec::service::{Condition, Kind, Service};
use crate::spec::stack::DatasourceType;
use crate::spec::text::Text as SpecText;

/// The home of the image's user; it holds an empty `.aws` for this purpose.
const HOME: &str = "/usr/share/grafana";

/// The plugin that queries JSON APIs.
const INFINITY: &str = "yesoreyeram-infinity-datasource";

impl<'a> Resolver<'a> {
    pub(super) fn grafana(&mut self, name: &Spanned<String>, service: &'a Service) -> Preset {
        let settings = service.settings.as_ref();
        let password = settings.and_then(|settings| settings.admin_password.as_ref());
        if password.is_none() {
            self.report_missing(
                service.sound,
                Diagnostic::new(
                    "missing-key",
                    format!("what is the password of `{}`'s administrator?", name.value),
                    name.span,
                )
                .help("set `settings.admin_password` to a reference to a secret variable"),
            );
        }
        let password = password.map_or_else(|| "".into(), |password| self.password(password));
        let mut environment = vec![
            fixed("GF_SECURITY_ADMIN_USER", "admin"),
            ("GF_SECURITY_ADMIN_PASSWORD".to_owned(), password),
            fixed("GF_AUTH_ANONYMOUS_ENABLED", "true"),
            fixed("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer"),
            fixed("GF_ANALYTICS_REPORTING_ENABLED", "false"),
            // Grafana 13.2 would replace its bundled datasource plugins at every start.
            fixed("GF_PLUGINS_PREINSTALL_AUTO_UPDATE", "false"),
        ];
        let plugins = self.plugins(service);
        if !plugins.is_empty() {
            environment.push(fixed("GF_PLUGINS_PREINSTALL_SYNC", plugins.join(",")));
        }
        let mut check = probe(run(curl("http://127.0.0.1:3000/api/health")), "10s", "5s", 10, "30s");
        check.http = Some((3000, "/api/health".to_owned()));
        let provisioning = "/etc/grafana/provisioning";
        let mut mounts = vec![generated(
            "./config/grafana-datasources.yaml".to_owned(),
            &format!("{provisioning}/datasources/stack.yaml"),
        )];
        let folders = self.folders(service);
        if !folders.is_empty() {
            mounts.push(generated(
                "./config/grafana-dashboards.yaml".to_owned(),
                &format!("{provisioning}/dashboards/stack.yaml"),
            ));
        }
        mounts
            .extend(folders.iter().map(|folder| generated(format!("./grafana/{}", folder.directory), &folder.path())));
        let stores = self
            .spec
            .services
            .iter()
            .filter(|(_, service)| {
                service.kind.as_ref().is_some_and(|kind| matches!(kind.value, Kind::Mimir | Kind::Loki))
            })
            .map(|(name, _)| needs(&name.value, Condition::Started))
            .collect();
        Preset {
            description: Some("Dashboards".to_owned()),
            environment,
            volumes: vec![(format!("{}-data", name.value), "/var/lib/grafana".to_owned())],
            mounts,
            depends_on: stores,
            healthcheck: Some(check),
            aws: Some(HOME),
            // It moves its bundled plugins about.
            confinement: WRITABLE,
            ..Preset::default()
        }
    }

    /// A password is a reference to a secret variable: anything else would be committed.
    fn password(&mut self, password: &Spanned<SpecText>) -> Text {
        let mut named = None;
        let secret = match password.value.variable() {
            Some(name) => {
                let used = self.variables.get(name);
                named = used.map(|used| used.name.span);
                // One that is not declared, or wrongly, is reported as such.
                used.is_none_or(|used| {
                    !used.variable.sound || used.variable.secret.as_ref().is_some_and(|secret| secret.value)
                })
            }
            None => false,
        };
        if !secret {
            let diagnostic =
                Diagnostic::new("exposed-secret", "a password would be committed with the outputs", password.span);
            self.report(match named {
                Some(variable) => diagnostic
                    .also(variable, "this variable is no secret")
                    .help("give the variable `secret = true`: then it has no default that could be committed"),
                None => diagnostic.help("write a reference to a variable with `secret = true`"),
            });
        }
        self.text(&password.value)
    }

    /// Plugins as `id@version`: those that the spec names, which must have the ones that datasources need.
    fn plugins(&mut self, service: &'a Service) -> Vec<String> {
        let written = service.settings.as_ref().and_then(|settings| settings.plugins.as_ref());
        let mut plugins: Vec<String> = Vec::new();
        for plugin in written.iter().flat_map(|plugins| &plugins.value) {
            let pinned = plugin
                .value
                .split_once('@')
                .is_some_and(|(id, version)| !id.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()));
            let plain = plugin.value.chars().all(|c| c.is_ascii_alphanumeric() || "@.-+".contains(c));
            if !pinned || !plain {
                self.report(
                    Diagnostic::new(
                        "unpinned-plugin",
                        format!("the plugin `{}` has no version", plugin.value),
                        plugin.span,
                    )
                    .help("write `id@version`"),
                );
            }
            plugins.push(plugin.value.clone());
        }
        let json = self.spec.datasources.iter().find(|(_, source)| source.kind.value == DatasourceType::Json);
        let has_infinity = plugins.iter().any(|plugin| plugin.split('@').next() == Some(INFINITY));
        if let Some((name, _)) = json
            && !has_infinity
        {
            self.report_missing(
                service.sound,
                Diagnostic::new(
                    "missing-plugin",
                    format!("the datasource `{}` needs the plugin `{INFINITY}`", name.value),
                    name.span,
                )
                .help(format!("add `\"{INFINITY}@<version>\"` to Grafana's `settings.plugins`")),
            );
        }
        plugins
    }

    pub(super) fn grafana_model(&mut self, name: &Spanned<String>, service: &'a Service) -> model::Grafana {
        model::Grafana { service: name.value.clone(), datasources: self.datasources(), folders: self.folders(service) }
    }

    /// The folders that hold a dashboard: a directory without files would not be there.
    fn folders(&self, service: &Service) -> Vec<model::kind::Folder> {
        let written = service.settings.as_ref().and_then(|settings| settings.folders.as_ref());
        written
            .into_iter()
            .flat_map(|map| map.iter())
            .filter(|(directory, _)| {
                self.spec.dashboards.iter().any(|(_, dashboard)| dashboard.folder.value == directory.value)
            })
            .map(|(directory, title)| model::kind::Folder { directory: directory.value.clone(), title: title.clone() })
            .collect()
    }
}
