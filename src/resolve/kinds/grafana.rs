//! Grafana.

use super::{KindModels, Preset, generated, needs};
use crate::diagnostic::Diagnostic;
use crate::model;
use crate::model::kind::Folder;
use crate::resolve::Resolver;
use crate::spec::decode::{Map, Short, Spanned};
use crate::spec::service::{Condition, Mount, Service};

/// Variables that have a value by default only: nothing that is generated relies on them.
const DEFAULTS: [&str; 4] = [
    "GF_SECURITY_ADMIN_USER",
    "GF_AUTH_ANONYMOUS_ORG_ROLE",
    "GF_ANALYTICS_REPORTING_ENABLED",
    "GF_PLUGINS_PREINSTALL_AUTO_UPDATE",
];

impl<'a> Resolver<'a> {
    pub(super) fn grafana(&mut self, _: &'a Spanned<String>, service: &'a Service, preset: &mut Preset) {
        self.check_plugins(service);
        let sets = |name: &str| service.environment.iter().any(|(known, _)| known.value == name);
        preset.environment.retain(|(name, _)| !(DEFAULTS.contains(&name.as_str()) && sets(name)));
        // The user may mount the data from elsewhere.
        let mounts = |target: &str| {
            let literal = |mount: &'a Short<Mount>| mount.0.target.literal();
            service
                .volumes
                .iter()
                .filter_map(literal)
                .any(|own| own.trim_end_matches('/') == target.trim_end_matches('/'))
        };
        preset.volumes.retain(|(_, target)| !mounts(target));
        let (variables, secrets) = self.for_datasources();
        let written = |name: &str| service.environment.iter().any(|(known, _)| known.value == name);
        preset.environment.extend(variables.into_iter().filter(|(name, _)| !written(name)));
        preset.secrets.extend(secrets);
        let mut provision = |path: &str, what: &str| {
            preset.mounts.push(generated(path, &format!("/etc/grafana/provisioning/{what}/stack.yaml")));
        };
        provision(model::Grafana::DATASOURCES, "datasources");
        let folders = self.folders(service);
        if !folders.is_empty() {
            provision(model::Grafana::DASHBOARDS, "dashboards");
        }
        let folder = |folder: &Folder| generated(&format!("grafana/{}", folder.directory), &folder.path());
        preset.mounts.extend(folders.iter().map(folder));
        let mut stores: Vec<_> = self
            .providers("metrics")
            .chain(self.providers("logs"))
            .map(|(name, _)| (self.index.get(name.value.as_str()), name))
            .collect();
        stores.sort_by_key(|(place, _)| *place);
        stores.dedup_by_key(|(place, _)| *place);
        preset.depends_on.extend(stores.into_iter().map(|(_, name)| needs(&name.value, Condition::Started)));
    }

    /// Plugins are written as `id@version`, and those that datasources need are among them.
    fn check_plugins(&mut self, service: &'a Service) {
        let plugins = service.settings.as_ref().map(|settings| settings.strings("plugins")).unwrap_or_default();
        for plugin in plugins {
            let pinned = plugin
                .value
                .split_once('@')
                .is_some_and(|(id, version)| !id.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()));
            let plain = plugin.value.chars().all(|c| c.is_ascii_alphanumeric() || "@.-+".contains(c));
            if !pinned || !plain {
                self.report(
                    Diagnostic::new("unpinned-plugin", format!("plugin `{}` is not pinned", plugin.value), plugin.span)
                        .help("add its version: `id@version`"),
                );
            }
        }
        let has = |id: &str| plugins.iter().any(|plugin| plugin.value.split('@').next() == Some(id));
        let spec = self.spec;
        for (name, source) in spec.datasources.iter() {
            let kind = &source.kind.value;
            let id = kind.plugin();
            if !kind.is_bundled() && !has(id) {
                self.report_missing(
                    service.sound,
                    Diagnostic::new(
                        "missing-plugin",
                        format!("missing plugin `{id}` for datasource `{}`", name.value),
                        name.span,
                    )
                    .help(format!("add `\"{id}@<version>\"` to Grafana's `settings.plugins`")),
                );
            }
        }
    }

    pub(super) fn grafana_model(
        &mut self,
        name: &'a Spanned<String>,
        service: &'a Service,
        _: &[model::Service],
        models: &mut KindModels,
    ) {
        let (service, folders) = (name.value.clone(), self.folders(service));
        models.grafanas.push(model::Grafana { service, datasources: self.datasources(), folders });
    }

    /// The folders that hold a dashboard: Git does not keep empty directories.
    fn folders(&self, service: &Service) -> Vec<Folder> {
        let written = service.settings.as_ref().and_then(|settings| settings.strings_by_name("folders"));
        written
            .into_iter()
            .flat_map(Map::iter)
            .filter(|(directory, _)| {
                self.spec.dashboards.iter().any(|(_, dashboard)| dashboard.folder.value == directory.value)
            })
            .map(|(directory, title)| Folder { directory: directory.value.clone(), title: title.clone() })
            .collect()
    }
}
