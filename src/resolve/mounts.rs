//! Mounts, volumes, networks, secrets.

use std::collections::{HashMap, HashSet};

use super::Resolver;
use super::dependencies::SHARED;
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::service::Mount;
use crate::spec::decode::{Map, Spanned, shown};
use crate::spec::service::{self as spec, MountType, Service};
use crate::spec::text::Part;

impl Resolver<'_> {
    /// A service's mounts after those that its kind implies.
    pub(super) fn mounts(
        &mut self,
        service: &Service,
        implied: Vec<Mount>,
        implied_volumes: &HashSet<String>,
    ) -> Vec<Mount> {
        let mut mounts = implied;
        mounts.reserve_exact(service.volumes.len());
        let mut places: HashMap<String, Option<Span>> = HashMap::new();
        for mount in &mounts {
            places.insert(mount.target.literal().unwrap_or_default().to_owned(), None);
        }
        for mount in &service.volumes {
            let span = mount.0.span;
            let Some(mount) = self.mount(&mount.0, implied_volumes) else { continue };
            if let Some(target) = mount.target.literal()
                && let Some(first) = places.insert(target.to_owned(), Some(span))
            {
                let diagnostic = Diagnostic::new("mount-clash", format!("two mounts appear at `{target}`"), span);
                self.report(match first {
                    Some(first) => diagnostic.also(first, "the other one").help("change one of the targets"),
                    None => diagnostic.help("the service's kind mounts something there; change the target"),
                });
            }
            mounts.push(mount);
        }
        mounts
    }

    fn mount(&mut self, mount: &spec::Mount, implied_volumes: &HashSet<String>) -> Option<Mount> {
        let read_only = mount.read_only.as_ref().map(|value| self.value(value));
        let target = self.text(&mount.target);
        let relative = target.literal().is_some_and(|target| !target.starts_with('/'));
        if relative {
            self.report(
                Diagnostic::new("invalid-mount", "a mount appears at an absolute path", mount.target.span)
                    .help("begin it with `/`"),
            );
        }
        let Some(source) = &mount.source else {
            let kind = mount.kind.as_ref().map_or(MountType::Volume, |kind| kind.value);
            if kind == MountType::Bind {
                self.report_missing(
                    mount.sound,
                    Diagnostic::new("missing-key", "a bind mount needs the key `source`", mount.span)
                        .help("add the path of the host: `source = \"./…\"`"),
                );
                return None;
            }
            return Some(Mount { kind, source: None, target, read_only });
        };
        // A reference at the beginning can only be a path: volumes have fixed names.
        let is_path = match source.parts().first() {
            Some(Part::Literal(text)) => text.starts_with(['.', '/', '~']),
            Some(_) => true,
            None => false,
        };
        let kind =
            mount.kind.as_ref().map_or(if is_path { MountType::Bind } else { MountType::Volume }, |kind| kind.value);
        if kind == MountType::Tmpfs {
            self.report(
                Diagnostic::new("contradiction", "a file system in memory has no source", source.span)
                    .help("remove `source`"),
            );
        }
        if kind == MountType::Volume && source.literal().is_none() {
            self.report(
                Diagnostic::new("undeclared-volume", "a volume has a fixed name", source.span)
                    .at("a reference")
                    .help("begin a path with `./`, `/`, `~` or the reference; declare a volume under [volumes]"),
            );
        }
        if kind == MountType::Volume
            && let Some(name) = source.literal()
            && !self.spec.volumes.knows(name)
            && !implied_volumes.contains(name)
        {
            let names: Vec<&str> =
                self.spec.volumes.names().chain(implied_volumes.iter().map(String::as_str)).collect();
            // A kind that could not be read may imply it.
            if self.spec.sound {
                let title = format!("the volume `{}` is not declared", shown(name));
                self.report_unknown(("undeclared-volume", title), "volumes", (name, source.span), names, || {
                    format!("declare it: `[volumes.{name}]`; a path begins with `./`, `/` or `~`")
                });
            }
        }
        Some(Mount { kind, source: Some(self.text(source)), target, read_only })
    }

    /// Declared volumes, after those that kinds imply.
    pub(super) fn volumes(&mut self, implied: Vec<String>, services: &[model::Service]) -> Vec<model::Volume> {
        let spec = self.spec;
        let mut volumes: Vec<model::Volume> = Vec::new();
        let used: HashSet<&str> = services
            .iter()
            .flat_map(|service| &service.mounts)
            .filter(|mount| mount.kind == MountType::Volume)
            .filter_map(|mount| mount.source.as_ref()?.literal())
            .collect();
        for name in implied {
            if !spec.volumes.knows(&name) {
                volumes.push(model::Volume {
                    name,
                    engine_name: None,
                    driver: None,
                    driver_opts: Vec::new(),
                    external: false,
                    labels: Vec::new(),
                });
            }
        }
        for (name, volume) in spec.volumes.iter() {
            if !used.contains(name.value.as_str()) {
                if self.removes() {
                    continue;
                }
                self.report_unused(
                    "undeclared-volume",
                    Diagnostic::new("unused-volume", format!("nothing mounts the volume `{}`", name.value), name.span)
                        .help("mount it in a service's `volumes`, or remove it"),
                );
            }
            volumes.push(model::Volume {
                name: name.value.clone(),
                engine_name: self.optional_text(volume.name.as_ref()),
                driver: self.optional_text(volume.driver.as_ref()),
                driver_opts: self.scalars(&volume.driver_opts),
                external: volume.external.unwrap_or(false),
                labels: self.scalars(&volume.labels),
            });
        }
        volumes
    }

    /// The networks that services join.
    pub(super) fn networks(&mut self, stack: &str, services: &[model::Service]) -> Vec<model::Network> {
        let spec = self.spec;
        let used: HashSet<&str> =
            services.iter().flat_map(|service| &service.networks).map(|member| member.name.as_str()).collect();
        let mut networks = Vec::new();
        if !spec.networks.knows(stack) && used.contains(stack) {
            networks.push(model::Network {
                name: stack.to_owned(),
                // Without a name of its own Compose would put the project's before it.
                engine_name: spec.stack.network.as_ref().map(|name| model::text::Text::from(name.value.as_str())),
                driver: Some("bridge".into()),
                driver_opts: Vec::new(),
                external: false,
                internal: false,
                subnet: None,
                labels: Vec::new(),
            });
        }
        for (name, network) in spec.networks.iter() {
            if !used.contains(name.value.as_str()) {
                if self.removes() {
                    continue;
                }
                self.report_unused(
                    "unknown-network",
                    Diagnostic::new(
                        "unused-network",
                        format!("no service joins the network `{}`", name.value),
                        name.span,
                    )
                    .help("name it in a service's `networks`, or remove it"),
                );
            }
            networks.push(model::Network {
                name: name.value.clone(),
                engine_name: self.optional_text(network.name.as_ref()),
                driver: self.optional_text(network.driver.as_ref()),
                driver_opts: self.scalars(&network.driver_opts),
                external: network.external.unwrap_or(false),
                internal: network.internal.unwrap_or(false),
                subnet: self.optional_text(network.subnet.as_ref()),
                labels: self.scalars(&network.labels),
            });
        }
        networks
    }

    /// The networks that one service joins.
    pub(super) fn members(&mut self, service: &Service, stack: &str) -> Vec<model::service::NetworkMember> {
        let Some(networks) = &service.networks else {
            if service.network_mode.is_some() {
                return Vec::new();
            }
            return vec![model::service::NetworkMember {
                name: stack.to_owned(),
                aliases: Vec::new(),
                ipv4_address: None,
            }];
        };
        if let Some(mode) = &service.network_mode
            && let Some((name, _)) = networks.0.first()
        {
            self.report(
                Diagnostic::new("contradiction", "a service has networks or a network mode", name.span)
                    .at("a network")
                    .also(mode.span, "a network mode")
                    .help("remove one of the two"),
            );
        }
        for (name, member) in &networks.0 {
            if let Some(address) = &member.ipv4_address {
                self.check_address(address);
                let subnet = self.spec.networks.get(&name.value);
                if subnet.map_or(name.value == stack, |network| {
                    network.sound && network.subnet.is_none() && !network.external.unwrap_or(false)
                }) {
                    self.report(
                        Diagnostic::new(
                            "missing-subnet",
                            format!("the network `{}` has no subnet", shown(&name.value)),
                            address.span,
                        )
                        .at("a fixed address")
                        .help(format!("declare it: `[networks.{}]` with `subnet = \"172.30.0.0/24\"`", name.value)),
                    );
                }
            }
        }
        let known = |name: &str| name == stack || self.spec.networks.knows(name);
        let unknown: Vec<_> = networks.0.iter().filter(|(name, _)| !known(&name.value)).collect();
        for (name, _) in unknown {
            let names: Vec<&str> = self.spec.networks.names().chain([stack]).collect();
            let title = format!("there is no network `{}`", shown(&name.value));
            self.report_unknown(("unknown-network", title), "networks", (&name.value, name.span), names, || {
                format!("declare it: `[networks.{}]`", name.value)
            });
        }
        networks
            .0
            .iter()
            .map(|(name, member)| model::service::NetworkMember {
                name: name.value.clone(),
                aliases: self.texts(&member.aliases),
                ipv4_address: self.optional_text(member.ipv4_address.as_ref()),
            })
            .collect()
    }

    /// A network mode: `host`, `none`, or another container's network.
    pub(super) fn network_mode(&mut self, name: &Spanned<String>, service: &Service) -> Option<model::text::Text> {
        let mode = service.network_mode.as_ref()?;
        let text = self.text(&mode.value);
        let literal = mode.value.literal().unwrap_or_default();
        let shared = literal.strip_prefix(SHARED);
        if let Some(other) = shared {
            if other == name.value {
                self.report(
                    Diagnostic::new("dependency-cycle", format!("`{other}` shares its own network"), mode.span)
                        .help("remove it"),
                );
            } else if !self.index.contains_key(other) {
                self.unknown_service(other, mode.span, Some(&name.value));
            }
        }
        let borrowed = shared.is_some() || literal.starts_with("container:");
        if (borrowed || matches!(literal, "host" | "none"))
            && let Some(port) = service.ports.iter().find_map(|(_, port)| port.0.published.as_ref())
        {
            self.report(
                Diagnostic::new(
                    "contradiction",
                    format!("with the network mode `{}` no port is published", shown(literal)),
                    port.span,
                )
                .at("published")
                .also(mode.span, "the network mode")
                .help("remove one of the two"),
            );
        }
        if borrowed && let Some(hostname) = &service.hostname {
            self.report(
                Diagnostic::new("contradiction", "who shares a network shares its host name", hostname.span)
                    .also(mode.span, "the network mode")
                    .help("remove `hostname`"),
            );
        }
        Some(text)
    }

    /// The secrets that one service reads.
    pub(super) fn secret_uses(&mut self, service: &Service) -> Vec<model::service::SecretUse> {
        let mut uses = Vec::with_capacity(service.secrets.len());
        for secret in &service.secrets {
            let secret = &secret.0;
            if !self.spec.secrets.knows(&secret.source.value) {
                let names: Vec<&str> = self.spec.secrets.names().collect();
                let name = &secret.source.value;
                let title = format!("there is no secret `{}`", shown(name));
                self.report_unknown(("unknown-secret", title), "secrets", (name, secret.source.span), names, || {
                    format!("declare it: `[secrets.{name}]`")
                });
            }
            uses.push(model::service::SecretUse {
                source: secret.source.value.clone(),
                target: self.optional_text(secret.target.as_ref()),
                uid: secret.uid.clone(),
                gid: secret.gid.clone(),
                mode: secret.mode.clone(),
            });
        }
        uses
    }

    /// Declared secrets.
    pub(super) fn secrets(&mut self, services: &[model::Service]) -> Vec<model::Secret> {
        let spec = self.spec;
        let mut secrets = Vec::new();
        for (name, secret) in spec.secrets.iter() {
            let used = services.iter().flat_map(|service| &service.secrets).any(|used| used.source == name.value);
            if !used {
                if self.removes() {
                    continue;
                }
                self.report_unused(
                    "unknown-secret",
                    Diagnostic::new(
                        "unused-secret",
                        format!("no service reads the secret `{}`", name.value),
                        name.span,
                    )
                    .help("name it in a service's `secrets`, or remove it"),
                );
            }
            let external = secret.external.as_ref().is_some_and(|external| external.value);
            let source = match (&secret.file, &secret.environment, external) {
                (Some(file), None, false) => model::SecretSource::File(self.text(&file.value)),
                (None, Some(variable), false) => {
                    self.undeclared_variable(&variable.value, variable.span);
                    self.note_use(&variable.value);
                    model::SecretSource::Environment(variable.value.clone())
                }
                (None, None, true) => model::SecretSource::External,
                _ => {
                    self.report_missing(
                        secret.sound,
                        Diagnostic::new(
                            "contradiction",
                            format!(
                                "secret `{}` needs exactly one of `file`, `environment` and `external`",
                                name.value
                            ),
                            name.span,
                        )
                        .help("say where it comes from, once"),
                    );
                    continue;
                }
            };
            secrets.push(model::Secret {
                name: name.value.clone(),
                source,
                engine_name: self.optional_text(secret.name.as_ref()),
            });
        }
        secrets
    }

    /// A table of texts.
    pub(super) fn text_map(&mut self, map: &Map<crate::spec::text::Text>) -> Vec<(String, model::text::Text)> {
        map.iter().map(|(name, text)| (name.value.clone(), self.text(text))).collect()
    }
}
