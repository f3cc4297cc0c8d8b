//! The `compose` table of a service: keys of Compose that have no field of their own.

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::model::{Passthrough, text as model};
use crate::spec::decode::{Spanned, listed};
use crate::spec::service::{Build, Deploy, Service};
use crate::spec::text::Tree;

/// Keys of a Compose service that have no field of their own (Compose Specification, JSON Schema of
/// compose-go 2.9.1, which Docker Compose 2.40 embeds).
const SERVICE: &[&str] = &[
    "annotations",
    "attach",
    "blkio_config",
    "cgroup",
    "cgroup_parent",
    "configs",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpuset",
    "credential_spec",
    "develop",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "extends",
    "external_links",
    "gpus",
    "group_add",
    "ipc",
    "isolation",
    "label_file",
    "links",
    "mac_address",
    "mem_swappiness",
    "memswap_limit",
    "models",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "post_start",
    "pre_stop",
    "privileged",
    "provider",
    "pull_refresh_after",
    "runtime",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "use_api_socket",
    "userns_mode",
    "uts",
    "volumes_from",
    "working_dir",
];

/// Older keys of Compose that say what a field says.
const SAME: &[(&str, &str)] = &[
    ("cpus", "deploy.resources.limits.cpus"),
    ("mem_limit", "deploy.resources.limits.memory"),
    ("mem_reservation", "deploy.resources.reservations.memory"),
    ("pids_limit", "deploy.resources.limits.pids"),
    ("scale", "deploy.replicas"),
];

/// Keys of `build` without a field of their own.
const BUILD: &[&str] = &[
    "additional_contexts",
    "cache_to",
    "dockerfile_inline",
    "entitlements",
    "extra_hosts",
    "isolation",
    "labels",
    "network",
    "no_cache",
    "platforms",
    "privileged",
    "provenance",
    "pull",
    "sbom",
    "secrets",
    "shm_size",
    "ssh",
    "tags",
    "ulimits",
];

/// Keys of `deploy` without a field of their own.
const DEPLOY: &[&str] =
    &["endpoint_mode", "labels", "mode", "placement", "restart_policy", "rollback_config", "update_config"];

/// The passthrough keys of a service, and those inside its `build` and `deploy`.
#[derive(Default)]
pub(super) struct Extra {
    pub service: Passthrough,
    pub build: Passthrough,
    pub deploy: Passthrough,
}

impl Resolver<'_> {
    /// Checks the keys of a service's `compose` table and resolves its values.
    pub(super) fn passthrough(&mut self, service: &Service) -> Extra {
        let mut extra = Extra::default();
        for (key, value) in service.compose.iter() {
            let inner = match (key.value.as_str(), value) {
                // Without a table they are first-class keys, and refused as such.
                ("build", Tree::Table(table)) => Some((table, "build", Build::KEYS, BUILD, &mut extra.build)),
                ("deploy", Tree::Table(table)) => Some((table, "deploy", Deploy::KEYS, DEPLOY, &mut extra.deploy)),
                _ => None,
            };
            if let Some((table, what, first_class, known, target)) = inner {
                *target = self.keys(table, what, first_class, known);
            } else if self.allowed(key, "a service", Service::KEYS, SERVICE) {
                extra.service.push((key.value.clone(), self.tree(value)));
            }
        }
        extra
    }

    fn keys(
        &mut self,
        table: &[(Spanned<String>, Tree)],
        what: &str,
        first_class: &[&str],
        known: &[&str],
    ) -> Passthrough {
        let mut keys = Vec::with_capacity(table.len());
        for (key, value) in table {
            if self.allowed(key, what, first_class, known) {
                keys.push((key.value.clone(), self.tree(value)));
            }
        }
        keys
    }

    fn allowed(&mut self, key: &Spanned<String>, what: &str, first_class: &[&str], known: &[&str]) -> bool {
        let name = key.value.as_str();
        if known.contains(&name) || name.starts_with("x-") {
            return true;
        }
        let shown = crate::spec::decode::shown(name);
        let own = if what == "a service" { name.to_owned() } else { format!("{what}.{name}") };
        let instead = SAME.iter().find(|(other, _)| *other == name).map(|(_, field)| *field);
        self.report(if first_class.contains(&name) || instead.is_some() {
            Diagnostic::new("first-class-key", format!("`{shown}` has a key of its own"), key.span)
                .help(format!("write `{}` in the service itself, not in `compose`", instead.unwrap_or(&own)))
        } else {
            Diagnostic::new("unknown-key", format!("Compose knows no key `{shown}` of {what}"), key.span).suggest(
                name,
                known.iter().chain(first_class).copied(),
                || format!("it knows: {}", listed(known.iter().copied())),
            )
        });
        false
    }

    fn tree(&mut self, tree: &Tree) -> model::Tree {
        match tree {
            Tree::Text(text) => model::Tree::Text(self.text(text)),
            Tree::Integer(number) => model::Tree::Integer(*number),
            Tree::Float(number) => model::Tree::Float(*number),
            Tree::Boolean(boolean) => model::Tree::Boolean(*boolean),
            Tree::List(items) => model::Tree::List(items.iter().map(|item| self.tree(item)).collect()),
            Tree::Table(entries) => {
                model::Tree::Table(entries.iter().map(|(key, value)| (key.value.clone(), self.tree(value))).collect())
            }
        }
    }
}
