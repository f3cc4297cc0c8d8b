//! Mounts, volumes, networks, secrets.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::Resolver;
use super::compose::{Section, Words, build_mentions_of, mentions};
use super::dependencies::SHARED;
use super::names;
use super::service::together;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::model;
use crate::model::kind::Secret;
use crate::model::service::{FileGrant, Mount, NetworkMember};
use crate::spec::compose::Keys;
use crate::spec::decode::{self, Map, Short, Spanned, listed, shown};
use crate::spec::forms::{CONFIG_SOURCES, SECRET_SOURCES};
use crate::spec::rules;
use crate::spec::service::{self as spec, MountType, Service};
use crate::spec::stack::{ConfigSource, Network, SecretSource};
use crate::spec::text::{Part, Tree};

const OF_KIND: &str = "change the target: the kind of the service already uses it";

impl<'a> Resolver<'a> {
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
        let tmpfs = match service.compose.get("tmpfs") {
            Some(Tree::List(items)) => items.as_slice(),
            one => one.map(std::slice::from_ref).unwrap_or_default(),
        };
        for tree in tmpfs {
            if let Tree::Text(text) = tree
                && let Some(literal) = text.literal()
            {
                let target = literal.split(':').next().unwrap_or(literal).trim_end_matches('/');
                if places.insert(target.to_owned(), Some(text.span)) == Some(None) {
                    let title = format!("duplicate mount target `{target}`");
                    self.report(Diagnostic::new("mount-clash", title, text.span).help(OF_KIND));
                }
            }
        }
        for mount in &service.volumes {
            let span = mount.0.span;
            let Some(mount) = self.mount(&mount.0, implied_volumes) else { continue };
            if let Some(target) = mount.target.literal().map(|target| target.trim_end_matches('/'))
                && let Some(first) = places.insert(target.to_owned(), Some(span))
            {
                let diagnostic = Diagnostic::new("mount-clash", format!("duplicate mount target `{target}`"), span);
                self.report(match first {
                    Some(first) => diagnostic.also(first, "the other one").help("change one of the targets"),
                    None => diagnostic.help(OF_KIND),
                });
            }
            mounts.push(mount);
        }
        mounts
    }

    fn mount(&mut self, mount: &spec::Mount, implied_volumes: &HashSet<String>) -> Option<Mount> {
        let read_only = mount.read_only.as_ref().map(|value| self.value(value));
        let mut keys = self.keys(&mount.compose);
        let target = self.text(&mount.target);
        let relative = target.literal().is_some_and(|target| !is_absolute(target));
        if relative {
            self.report(
                Diagnostic::new("relative-target", "mount target must be an absolute path", mount.target.span)
                    .help("start it with `/`"),
            );
        }
        if let Some(file) = &mount.file {
            return self.file_mount(
                mount,
                file,
                Mount { kind: MountType::Bind, source: None, target, read_only, keys },
            );
        }
        let Some(source) = &mount.source else {
            let kind = mount.kind.as_ref().map_or(MountType::Volume, |kind| kind.value);
            if kind == MountType::Bind {
                self.report_missing(
                    mount.sound,
                    Diagnostic::new("missing-key", "missing key `source` in a bind mount", mount.span)
                        .help("add the path on the host: `source = \"./…\"`"),
                );
                return None;
            }
            return Some(Mount { kind, source: None, target, read_only, keys });
        };
        // A reference at the beginning can only be a path: volumes have fixed names.
        let is_path = match source.parts().first() {
            Some(Part::Literal(text)) => text.starts_with(['.', '~']) || is_absolute(text),
            // Where nothing adds to Compose, a default may say that it is a volume.
            Some(_) => {
                let default = self.effective(source).filter(|_| !self.adds_defaults());
                default.is_none_or(|default| {
                    default.is_empty() || default.starts_with(['.', '~']) || is_absolute(&default)
                })
            }
            None => false,
        };
        let kind =
            mount.kind.as_ref().map_or(if is_path { MountType::Bind } else { MountType::Volume }, |kind| kind.value);
        if kind == MountType::Tmpfs {
            self.report(
                Diagnostic::new("contradiction", "`source` cannot be used with a tmpfs mount", source.span)
                    .help("remove `source`"),
            );
        }
        if kind == MountType::Volume && source.literal().is_none() && self.adds_defaults() {
            self.report(
                Diagnostic::new("undeclared-volume", "volume name cannot contain a reference", source.span)
                    .at("contains a reference")
                    .help("start a path with `./`, `/`, `~` or the reference, or declare the volume under [volumes]"),
            );
        }
        if kind == MountType::Volume
            && let Some(name) = source.literal()
            && !self.spec.volumes.knows(name)
            && !implied_volumes.contains(name)
        {
            let names = self.spec.volumes.names().chain(implied_volumes.iter().map(String::as_str));
            // A kind that could not be read may imply it.
            if self.spec.sound {
                let title = format!("volume `{}` is not declared", shown(name));
                let own_file = self.spec.files.knows(name);
                let to = target.literal().unwrap_or("…").to_owned();
                self.report_unknown(("undeclared-volume", title), "volumes", (name, source.span), names, || {
                    let path = "start a path with `./`, `/` or `~`";
                    match names::problem(name) {
                        _ if own_file => format!("write `{{ file = \"{name}\", target = \"{to}\" }}`"),
                        Some(_) => path.to_owned(),
                        None => format!("declare it: `[volumes.{name}]`, or {path}"),
                    }
                });
            }
        }
        // Compose creates the path of the short form, which has no type.
        if kind == MountType::Bind && self.adds_defaults() {
            keep_missing(&mut keys);
        } else if kind == MountType::Bind && mount.kind.is_none() {
            create_missing(&mut keys, true);
        }
        let mut source = self.text(source);
        if kind == MountType::Bind {
            self.folder.text(&mut source);
        }
        Some(Mount { kind, source: Some(source), target, read_only, keys })
    }

    /// The mount of a file of `[files]`.
    fn file_mount(&mut self, written: &spec::Mount, file: &Spanned<String>, mount: Mount) -> Option<Mount> {
        let other = written.source.as_ref().map(|source| ("source", source.span));
        let other = other.or(written.kind.as_ref().map(|kind| ("type", kind.span)));
        if let Some((key, span)) = other {
            self.report(
                Diagnostic::new("contradiction", format!("`{key}` cannot be used with `file`"), span)
                    .also(file.span, "the file")
                    .help("remove one of the two"),
            );
        }
        if !self.spec.files.knows(&file.value) {
            let names = self.spec.files.names();
            let title = format!("unknown file `{}`", shown(&file.value));
            self.report_unknown(("unknown-file", title), "files", (&file.value, file.span), names, || {
                format!("declare it: `[files.\"{}\"]`", shown(&file.value))
            });
            return None;
        }
        let mut keys = mount.keys;
        keep_missing(&mut keys);
        let read_only = mount.read_only.or(Some(model::text::Value::Is(true)));
        Some(Mount { source: Some(format!("./{}", file.value).into()), read_only, keys, ..mount })
    }

    /// Declared volumes, after those that kinds imply.
    pub(super) fn volumes(&mut self, implied: Vec<String>, services: &[model::Service]) -> Vec<model::Named> {
        let spec = self.spec;
        let mut volumes: Vec<model::Named> = Vec::new();
        let used: HashSet<&str> = services
            .iter()
            .flat_map(|service| &service.mounts)
            .filter(|mount| mount.kind == MountType::Volume)
            .filter_map(|mount| mount.source.as_ref()?.literal())
            .collect();
        for name in implied {
            if !spec.volumes.knows(&name) {
                volumes.push(model::Named { name, keys: model::Keys::default() });
            }
        }
        for (name, volume) in spec.volumes.iter() {
            self.check_external(&volume.compose);
            if !used.contains(name.value.as_str()) {
                if self.removes() {
                    continue;
                }
                self.report_unused(
                    "undeclared-volume",
                    Diagnostic::new("unused-volume", format!("unused volume `{}`", name.value), name.span)
                        .help("mount it in a service's `volumes`, or remove it"),
                );
            }
            let mut keys = self.keys(&volume.compose);
            self.folder.volume(&mut keys);
            volumes.push(model::Named { name: name.value.clone(), keys });
        }
        volumes
    }

    /// The networks that services join.
    pub(super) fn networks(&mut self, stack: &str, services: &[model::Service]) -> Vec<model::Named> {
        let spec = self.spec;
        let used: HashSet<&str> =
            services.iter().flat_map(|service| &service.networks).map(|member| member.name.as_str()).collect();
        let mut networks = Vec::new();
        if !spec.networks.knows(stack) && used.contains(stack) {
            networks.push(model::Named { name: stack.to_owned(), keys: model::Keys::default() });
        }
        for (name, network) in spec.networks.iter() {
            self.check_external(&network.compose);
            if !used.contains(name.value.as_str()) {
                if self.removes() {
                    continue;
                }
                self.report_unused(
                    "unknown-network",
                    Diagnostic::new("unused-network", format!("unused network `{}`", name.value), name.span)
                        .help("add it to a service's `networks`, or remove it"),
                );
            }
            networks.push(model::Named { name: name.value.clone(), keys: self.keys(&network.compose) });
        }
        networks
    }

    /// The networks that one service joins.
    pub(super) fn members(&mut self, own: &str, service: &'a Service, stack: &str) -> Vec<NetworkMember> {
        let networks = &service.networks;
        if networks.0.is_empty() {
            // A provider runs something other than a container.
            if service.network_mode.is_some() || service.compose.get("provider").is_some() {
                return Vec::new();
            }
            return vec![NetworkMember { name: stack.to_owned(), ..NetworkMember::default() }];
        }
        if let Some(mode) = &service.network_mode
            && let Some((name, _)) = networks.0.first()
        {
            self.report(
                Diagnostic::new("contradiction", "`networks` conflicts with `network_mode`", name.span)
                    .also(mode.span, "the network mode")
                    .help("remove one of the two"),
            );
        }
        for (name, member) in &networks.0 {
            if let Some(address) = &member.ipv4_address {
                self.check_address(address, "write an address of the network's subnet, e.g. `172.30.0.5`");
                if let Some(literal) = address.literal().and_then(|text| text.parse::<IpAddr>().ok()) {
                    self.check_static((own, service), (name, literal, address.span));
                }
                let subnet = self.spec.networks.get(&name.value);
                if subnet.map_or(name.value == stack, |network| network.sound && !has_subnet(&network.compose)) {
                    self.report(
                        Diagnostic::new(
                            "missing-subnet",
                            format!("missing subnet for network `{}`", shown(&name.value)),
                            address.span,
                        )
                        .at("a static address needs one")
                        .help(format!(
                            "add `ipam.config = [{{ subnet = \"172.30.0.0/24\" }}]` to [networks.{}]",
                            name.value
                        )),
                    );
                }
            }
        }
        self.check_aliases(own, networks, stack);
        let known = |name: &str| name == stack || self.spec.networks.knows(name);
        let unknown: Vec<_> = networks.0.iter().filter(|(name, _)| !known(&name.value)).collect();
        for (name, _) in unknown {
            let names = self.spec.networks.names().chain([stack]);
            let title = format!("unknown network `{}`", shown(&name.value));
            self.report_unknown(("unknown-network", title), "networks", (&name.value, name.span), names, || {
                format!("declare it: `[networks.{}]`", name.value)
            });
        }
        let mut members = Vec::with_capacity(networks.0.len());
        for (name, member) in &networks.0 {
            let mut keys = self.keys(&member.compose);
            if let Some(address) = &member.ipv4_address {
                keys.0.push(("ipv4_address".to_owned(), self.text(address).into()));
            }
            members.push(NetworkMember { name: name.value.clone(), keys });
        }
        members
    }

    /// Reports an address that a network can't give, or has given to another service.
    fn check_static(
        &mut self,
        (own, service): (&str, &'a Service),
        (network, address, span): (&'a Spanned<String>, IpAddr, Span),
    ) {
        let spec = self.spec;
        let subnets = spec.networks.get(&network.value).and_then(|network| network.compose.at(&["ipam", "config"]));
        let subnets = if let Some(Tree::List(blocks)) = subnets { blocks.as_slice() } else { &[] };
        let subnets = || subnets.iter().filter_map(|block| block.get("subnet"));
        let holds = |subnet: &Tree| match subnet {
            Tree::Text(text) => text.literal().and_then(rules::subnet).is_none_or(|subnet| is_in(address, subnet)),
            _ => true,
        };
        let title = if address.is_ipv6() {
            Some(format!("`{address}` is not an IPv4 address"))
        } else if subnets().next().is_some() && !subnets().any(holds) {
            Some(format!("`{address}` is not in a subnet of the network `{}`", shown(&network.value)))
        } else {
            None
        };
        if let Some(title) = title {
            let diagnostic = Diagnostic::new("invalid-address", title, span);
            self.report(match subnets().next() {
                Some(Tree::Text(subnet)) if address.is_ipv4() => {
                    diagnostic.also(subnet.span, "the subnet").help("change the address or the subnet")
                }
                _ => diagnostic.help("write it as `ipv6_address`"),
            });
            return;
        }
        let others = self.addresses.entry((network.value.as_str(), address)).or_default();
        let clash = others.iter().find(|(_, other)| together(service, other)).map(|(first, _)| *first);
        others.push((span, service));
        if let Some(first) = clash {
            let title = format!("duplicate address `{address}` in the network `{}`", shown(&network.value));
            let diagnostic = Diagnostic::new("address-clash", title, span).at(format!("the address of `{own}`"));
            self.report(diagnostic.also(first, "the other one").help("change one of the addresses"));
        }
    }

    /// Reports an alias that is the name of another service on the network: either may answer to it.
    fn check_aliases(&mut self, own: &str, networks: &decode::Named<spec::NetworkMember>, stack: &str) {
        for (network, member) in &networks.0 {
            let Some(Tree::List(aliases)) = member.compose.get("aliases") else { continue };
            for alias in aliases {
                let Tree::Text(text) = alias else { continue };
                let Some(name) = text.literal().filter(|name| *name != own) else { continue };
                let Some((other, service)) =
                    self.index.get(name).and_then(|&index| self.spec.services.entries.get(index))
                else {
                    continue;
                };
                let joins = match service.networks.0.as_slice() {
                    [] => service.network_mode.is_none() && network.value == stack,
                    networks => networks.iter().any(|(name, _)| name.value == network.value),
                };
                if joins {
                    let title = format!("alias `{name}` is the name of another service");
                    self.report(
                        Diagnostic::new("alias-clash", title, text.span)
                            .also(other.span, "on the same network")
                            .help("change the alias"),
                    );
                }
            }
        }
    }

    /// A network mode: `host`, `none`, or another container's network.
    pub(super) fn network_mode(&mut self, service: &Service) -> Option<model::text::Text> {
        let mode = service.network_mode.as_ref()?;
        let text = self.text(&mode.value);
        let literal = mode.value.literal().unwrap_or_default();
        let borrowed = literal.starts_with(SHARED) || literal.starts_with("container:");
        // Any other name may be a network that was made elsewhere.
        let modes = ["bridge", "default", "host", "none"];
        let declared = self.spec.networks.get(literal).filter(|_| !modes.contains(&literal));
        if let Some(network) = declared
            && engine_name(literal, network) != Some(literal)
        {
            let title = format!("`network_mode` cannot name the network `{literal}` of the stack");
            self.report(
                Diagnostic::new("contradiction", title, mode.span)
                    .at(format!("means a network of the engine that is called `{literal}`"))
                    .help(format!("write `networks = [\"{literal}\"]` instead")),
            );
        } else if !borrowed
            && !modes.contains(&literal)
            && let Some(meant) = nearest(literal, modes)
        {
            let title = format!("unknown network mode `{}`", shown(literal));
            let diagnostic = Diagnostic::new("unknown-value", title, mode.span);
            self.report(diagnostic.help(format!("did you mean `{meant}`?")));
        }
        if (borrowed || matches!(literal, "host" | "none"))
            && let Some(published) = service.ports.published().next()
        {
            self.report(
                Diagnostic::new(
                    "ignored-port",
                    format!("ports cannot be published with network mode `{}`", shown(literal)),
                    published,
                )
                .at("published")
                .also(mode.span, "the network mode")
                .help("remove one of the two"),
            );
        }
        if borrowed && let Some(hostname) = &service.hostname {
            self.report(
                Diagnostic::new("contradiction", "`hostname` cannot be used with a shared network", hostname.span)
                    .also(mode.span, "the network mode")
                    .help("remove `hostname`"),
            );
        }
        Some(text)
    }

    /// The secrets or configs that one service reads, those of its kind first.
    pub(super) fn grants(&mut self, written: &[Short<spec::FileGrant>], implied: &[Secret]) -> Vec<FileGrant> {
        let own = |name: &str| written.iter().any(|Short(grant)| grant.source.value == name);
        let implied = implied.iter().filter(|secret| !own(&secret.name));
        let mut grants: Vec<FileGrant> =
            implied.map(|secret| FileGrant { source: secret.name.clone(), keys: model::Keys::default() }).collect();
        let grant = |Short(grant): &Short<spec::FileGrant>| FileGrant {
            source: grant.source.value.clone(),
            keys: self.keys(&grant.compose),
        };
        grants.extend(written.iter().map(grant));
        grants
    }

    /// Reports files that Compose would copy into a read-only container: all but those of the host (`pkg/compose/secrets.go`
    /// of Compose 2.34 to 5.5).
    pub(super) fn check_copied_files(
        &mut self,
        name: &Spanned<String>,
        service: &Service,
        implied: &[Secret],
        keys: &model::Keys,
    ) {
        let read_only = match keys.get("read_only") {
            Some(model::text::Tree::Text(text)) => text.shown() == "true",
            read_only => read_only == Some(&model::text::Tree::Boolean(true)),
        };
        if !read_only {
            return;
        }
        let spec = self.spec;
        let copied = |keys: &Keys| ["environment", "content"].iter().any(|source| keys.get(source).is_some());
        let read_only = service.compose.entry("read_only").map_or(name.span, |(span, _)| span);
        let mut found: Vec<(&str, &str, Span)> = implied
            .iter()
            .filter(|secret| spec.secrets.get(&secret.name).is_none_or(|secret| copied(&secret.compose)))
            .map(|secret| ("secret", secret.name.as_str(), read_only))
            .collect();
        for Short(grant) in &service.secrets {
            let secret = spec.secrets.get(&grant.source.value).filter(|secret| copied(&secret.compose));
            found.extend(secret.map(|_| ("secret", grant.source.value.as_str(), grant.source.span)));
        }
        for Short(grant) in &service.configs {
            let config = spec.configs.get(&grant.source.value).filter(|config| copied(&config.compose));
            found.extend(config.map(|_| ("config", grant.source.value.as_str(), grant.source.span)));
        }
        for (what, source, span) in found {
            let title = format!("{what} `{}` cannot be copied into a read-only container", shown(source));
            self.report(
                Diagnostic::new("contradiction", title, span)
                    .help(format!("set `read_only = false`, or read the {what} from a `file`")),
            );
        }
    }

    /// Declared secrets, after those that kinds imply.
    pub(super) fn secrets(&mut self, implied: Vec<Secret>) -> Vec<model::Named> {
        let spec = self.spec;
        let used = self.used(&spec.secrets, Section::Secrets, &implied);
        let source = |(name, secret): (&Spanned<String>, &'a SecretSource)| {
            self.file_source(name, secret.sound, &secret.compose, Section::Secrets)
        };
        let own: Vec<model::Named> = used.into_iter().filter_map(source).collect();
        let implied = implied.into_iter().filter(|secret| !spec.secrets.knows(&secret.name)).map(|secret| {
            let mut keys = model::Keys::default();
            keys.fill("environment", secret.variable.as_str());
            model::Named { name: secret.name, keys }
        });
        implied.chain(own).collect()
    }

    /// Declared configs.
    pub(super) fn configs(&mut self) -> Vec<model::Named> {
        let used = self.used(&self.spec.configs, Section::Configs, &[]);
        let source = |(name, config): (&Spanned<String>, &'a ConfigSource)| {
            self.file_source(name, config.sound, &config.compose, Section::Configs)
        };
        used.into_iter().filter_map(source).collect()
    }

    /// Declared models.
    pub(super) fn models(&mut self) -> Vec<model::Named> {
        let spec = self.spec;
        let used = self.used(&spec.models, Section::Models, &[]);
        used.into_iter()
            .map(|(name, model)| model::Named { name: name.value.clone(), keys: self.keys(&model.compose) })
            .collect()
    }

    /// The entries of a table, except those that a profile left unused; reports any other unused entry.
    fn used<T>(
        &mut self,
        table: &'a Map<T>,
        section: Section,
        implied: &[Secret],
    ) -> Vec<(&'a Spanned<String>, &'a T)> {
        let spec = self.spec;
        let mentioned: HashSet<&str> = spec
            .services
            .iter()
            .flat_map(|(_, service)| mentions(service))
            .chain(spec.images.iter().flat_map(|(_, image)| build_mentions_of(&image.0)))
            .filter(|mention| mention.section == Some(section))
            .map(|mention| mention.name)
            .chain(implied.iter().map(|secret| secret.name.as_str()))
            .collect();
        let (unused, _): (Vec<_>, Vec<_>) =
            table.iter().partition(|(name, _)| !mentioned.contains(name.value.as_str()));
        let removes = self.removes();
        let Words { what, table: key, unknown, unused: code } = section.words();
        for (name, _) in unused.iter().filter(|_| !removes) {
            self.report_unused(
                unknown,
                Diagnostic::new(code, format!("unused {what} `{}`", name.value), name.span)
                    .help(format!("add it to a service's `{key}`, or remove it")),
            );
        }
        table.iter().filter(|(name, _)| !removes || mentioned.contains(name.value.as_str())).collect()
    }

    /// Where a secret or a config comes from.
    fn file_source(
        &mut self,
        name: &Spanned<String>,
        sound: bool,
        keys: &Keys,
        section: Section,
    ) -> Option<model::Named> {
        let sources = if section == Section::Secrets { SECRET_SOURCES } else { CONFIG_SOURCES };
        let says = |key: &&&str| !matches!(keys.get(key), None | Some(Tree::Boolean(false)));
        if sources.iter().filter(says).count() != 1 {
            let title = format!("{} `{}` must have exactly one source", section.words().what, name.value);
            self.report_missing(
                sound,
                Diagnostic::new("contradiction", title, name.span)
                    .help(format!("set one of {}", listed(sources.iter().copied()))),
            );
            return None;
        }
        self.check_external(keys);
        if let Some(Tree::Text(variable)) = keys.get("environment")
            && let Some(name) = variable.literal()
        {
            self.undeclared_variable(name, variable.span);
            self.note_use(name);
        }
        let mut keys = self.keys(keys);
        match keys.get("file").and_then(model::text::Tree::text).and_then(model::text::Text::literal) {
            // One of `[files]`, beside the Compose file.
            Some(own) if section == Section::Configs && self.spec.files.knows(own) => {
                let path = format!("./{own}");
                if let Some(file) = keys.get_mut("file") {
                    *file = path.as_str().into();
                }
            }
            _ => self.folder.file(&mut keys),
        }
        Some(model::Named { name: name.value.clone(), keys })
    }
}

/// Whether a path is absolute, in Windows too.
fn is_absolute(path: &str) -> bool {
    let has_drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    path.starts_with(['/', '\\']) || has_drive
}

/// Compose's default, which `gen` turns off: creating a directory for a missing path.
pub(super) fn keep_missing(keys: &mut model::Keys) {
    create_missing(keys, false);
}

fn create_missing(keys: &mut model::Keys, creates: bool) {
    keys.fill("bind", model::text::Tree::Table(Vec::new()));
    if let Some(model::text::Tree::Table(bind)) = keys.get_mut("bind")
        && !bind.iter().any(|(key, _)| key == "create_host_path")
    {
        bind.push(("create_host_path".to_owned(), creates.into()));
    }
}

/// Whether a subnet has an address.
fn is_in(address: IpAddr, (network, length): (IpAddr, u8)) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    let differing = bits(address) ^ bits(network);
    address.is_ipv4() == network.is_ipv4() && differing.leading_zeros() >= u32::from(length)
}

/// Whether a network of the stack has a subnet, or may have one where it was made.
fn has_subnet(keys: &Keys) -> bool {
    let blocks = match keys.at(&["ipam", "config"]) {
        Some(Tree::List(blocks)) => blocks.as_slice(),
        _ => &[],
    };
    blocks.iter().any(|block| block.get("subnet").is_some())
        || !matches!(keys.get("external"), None | Some(Tree::Boolean(false)))
}

/// The name of a network in the engine, if the spec gives it one.
pub(super) fn engine_name<'s>(name: &'s str, network: &'s Network) -> Option<&'s str> {
    match network.compose.get("name") {
        Some(Tree::Text(own)) => own.literal(),
        _ => matches!(network.compose.get("external"), Some(Tree::Boolean(true))).then_some(name),
    }
}
