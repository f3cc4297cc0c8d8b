//! Services: what the kind implies, as the spec changes it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Resolver;
use super::compose::{named, single_ports};
use super::images::ServiceImage;
use super::kinds::{Preset, has_logic, no_new_privileges};
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::Keys;
use crate::model::kind::{DOCKER_HOST, Secret, Setting};
use crate::model::service::{CONFIG_LABEL, CREDENTIALS, Command, Mount, References};
use crate::model::text::{Text as ModelText, Tree as ModelTree};
use crate::spec::decode::{Map, Spanned, shown};
use crate::spec::kind::Takes;
use crate::spec::rules;
use crate::spec::service::{self as spec, Condition, MountType, Service};
use crate::spec::stack::Spec;
use crate::spec::text::{Part, Scalar, Text, Tree, Value, is_variable_name};
use crate::spec::value::Size;

/// Every service, and the volumes and secrets that kinds imply.
pub(super) struct Bundle {
    pub services: Vec<model::Service>,
    pub implied_volumes: Vec<String>,
    pub implied_secrets: Vec<Secret>,
}

/// The other key for a limit of memory.
const MEMORY: &[&str] = &["deploy", "resources", "limits", "memory"];

/// Shells: after one of these, a `$NAME` in an argument is expanded.
const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];

/// The variable for the AWS region.
pub(super) const REGION: &str = "AWS_REGION";

/// The only variable for the region that boto3 reads.
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";

/// The variable for the profile of `~/.aws`.
pub(super) const PROFILE: &str = "AWS_PROFILE";

/// The variable for the owner of `~/.aws`: Linux compares the numbers of users, and those files are their owner's only.
const HOST_USER: &str = "HOST_UID";

impl Resolver<'_> {
    pub(super) fn services(&mut self, network: &str) -> Bundle {
        let spec = self.spec;
        // Few services are of a kind, and a preset is large.
        let mut presets: HashMap<usize, (Preset, References)> = HashMap::new();
        let mut implied_volumes = Vec::new();
        let mut implied_secrets = Vec::new();
        for (index, (_, service)) in spec.services.iter().enumerate() {
            if service.kind.is_some() {
                self.references = References::default();
                let mut preset = self.preset(index);
                if preset.decides.is_none() {
                    // A mount of the spec replaces the volume, which it may be itself with other options.
                    let target_of =
                        |mount: &spec::Mount| Some(mount.target.literal()?.trim_end_matches('/').to_owned());
                    preset.volumes.retain(|(name, target)| {
                        let target = Some(target.trim_end_matches('/').to_owned());
                        let replacing = service.volumes.iter().find(|mount| target_of(&mount.0) == target);
                        let source = replacing.and_then(|mount| mount.0.source.as_ref()?.literal());
                        implied_volumes.extend(source.filter(|source| source == name).map(ToOwned::to_owned));
                        replacing.is_none()
                    });
                }
                implied_volumes.extend(preset.volumes.iter().map(|(name, _)| name.clone()));
                implied_secrets.extend(preset.secrets.iter().cloned());
                presets.insert(index, (preset, std::mem::take(&mut self.references)));
            }
        }
        let known_volumes: HashSet<String> = implied_volumes.iter().cloned().collect();
        // A service whose completion another one awaits is a one-shot, which is never restarted.
        let mut awaited: HashSet<&str> = HashSet::new();
        for (_, service) in spec.services.iter() {
            for (name, dependency) in service.depends_on.iter().flat_map(|written| &written.0) {
                if dependency.0.condition.as_ref().is_some_and(|condition| condition.value == Condition::Completed) {
                    awaited.insert(&name.value);
                }
            }
        }
        let mut services = Vec::with_capacity(spec.services.entries.len());
        let mut names: HashMap<String, (Span, &Service)> = HashMap::new();
        let mut built: HashMap<&str, usize> = HashMap::new();
        for (index, (name, service)) in spec.services.iter().enumerate() {
            let (preset, implied) = presets.remove(&index).unwrap_or_default();
            self.references = implied;
            if let Some(container) = container_name(spec, name, service)
                && let Some(own) = self.effective(&container.value)
                && let Some((first, other)) = names.insert(own.clone(), (container.span, service))
                && together(service, other)
            {
                let title = format!("duplicate container name `{}`", shown(&own));
                let diagnostic = Diagnostic::new("container-clash", title, container.span);
                self.report(if first == container.span {
                    diagnostic.help("set another `container_name` in the service that extends the other one")
                } else {
                    diagnostic.also(first, "the other one").help("change `container_name`")
                });
            }
            let one_shot = preset.one_shot || awaited.contains(name.value.as_str()) || self.ends(service);
            let (name_of, written) = (name, service);
            let service = self.service(index, preset, network, one_shot, &known_volumes);
            if service.is_built()
                && let Some(image) = &written.image
                && let Some(name) = image.value.literal()
                && let Some(first) = built.insert(name, index)
            {
                let (_, other) = &spec.services.entries[first];
                let same: &model::Service = &services[first];
                if together(written, other) && same.keys.get("build") != service.keys.get("build") {
                    let title = format!("image `{}` is built in two ways", shown(name));
                    let first = other.image.as_ref().map_or(other.span, |image| image.span);
                    // A service that extends the other one has its image from there.
                    let span = if image.span == first { name_of.span } else { image.span };
                    self.report(
                        Diagnostic::new("build-clash", title, span)
                            .also(first, "the other one")
                            .help("rename one of the images, or build it in one of the services"),
                    );
                }
            }
            services.push(model::Service { refers_to: self.references_of(&service), ..service });
        }
        Bundle { services, implied_volumes, implied_secrets }
    }

    /// What was referred to while a service was resolved; its ports were resolved before all services.
    fn references_of(&mut self, service: &model::Service) -> References {
        let mut references = std::mem::take(&mut self.references);
        references.services.retain(|name| *name != service.name);
        for published in service.ports.iter().filter_map(|port| port.published.as_ref()) {
            for name in published.port.iter().chain([&published.host_ip]).flat_map(ModelText::variables) {
                references.variable(name);
            }
        }
        references.services.shrink_to_fit();
        references.variables.shrink_to_fit();
        references
    }

    fn service(
        &mut self,
        index: usize,
        preset: Preset,
        network: &str,
        one_shot: bool,
        implied_volumes: &HashSet<String>,
    ) -> model::Service {
        let (name, service) = &self.spec.services.entries[index];
        let ports = Arc::clone(&self.ports[index]);
        self.check_kind_keys(service);
        let image = self.image_of(name, service);
        self.check_keys(name, service, image.entry);
        let aws = preset.always_aws || service.aws.as_ref().is_some_and(|aws| aws.value);
        let mut environment = self.environment(&service.environment, (service.sound, aws), &preset, image.entry);
        self.other_values(service, &mut environment);
        let mut implied_mounts: Vec<Mount> = preset
            .volumes
            .into_iter()
            .map(|(volume, target)| Mount {
                kind: MountType::Volume,
                source: Some(volume.into()),
                target: target.into(),
                read_only: None,
                keys: Keys::default(),
            })
            .collect();
        implied_mounts.extend(preset.mounts);
        if aws {
            self.aws(name, service, preset.aws_home.as_deref(), &image, &mut environment, &mut implied_mounts);
        }
        let single = !is_several(service);
        self.check_replicas(service, single);
        let restart = match &service.restart {
            Some(restart) => self.text(&restart.value.0),
            None if !self.adds_defaults() => ModelText::default(),
            None if one_shot => "no".into(),
            None => "unless-stopped".into(),
        };
        let hostname = self.hostname(name, service, single);
        let command = match &service.command {
            Some(command) => Some(self.program(&command.value, service.entrypoint.as_deref())),
            None => preset.command,
        };
        let entrypoint = match &service.entrypoint {
            Some(entrypoint) => Some(self.program(&entrypoint.value, None)),
            None => preset.entrypoint,
        };
        let extra_hosts = self.extra_hosts(service, preset.extra_hosts);
        let network_mode = self.network_mode(service);
        let workload = self.workload(service, image.user(), preset.effect);
        let mut keys = self.further_keys(service, image.is_never_pulled(), preset.keys);
        self.without_ignored(service, &mut keys);
        if let Some(build) = self.build_of(&image) {
            keys.0.push(("build".to_owned(), build));
        }
        keys.0.shrink_to_fit();
        self.check_platform(&keys, service.compose.entry("platform").map_or(name.span, |(span, _)| span));
        if aws {
            self.run_as_owner(&mut keys, name.span);
        }
        let paths = self.folder.service(&mut keys);
        let secrets = self.grants(&service.secrets, &preset.secrets);
        self.check_memory(name, service, &preset.settings, &keys);
        // A pod's secrets are a volume.
        if !self.is_kubernetes() {
            self.check_copied_files(name, service, &preset.secrets, &keys);
        }
        model::Service {
            name: name.value.clone(),
            kind: service.kind.as_ref().map(|kind| kind.value.clone()),
            settings: preset.settings,
            files: preset.files,
            group: service.group.clone().unwrap_or_default(),
            description: service.description.clone().or(preset.description).unwrap_or_default(),
            aws,
            one_shot,
            workload,
            metrics: self.metrics(index, service, preset.metrics).map(Box::new),
            image: image.reference,
            command,
            entrypoint,
            environment,
            inherited: self.inherited(service),
            mounts: self.mounts(service, implied_mounts, implied_volumes),
            depends_on: self.dependencies(&name.value, service, preset.depends_on),
            healthcheck: self.healthcheck(index, service.healthcheck.as_deref(), preset.healthcheck),
            ports,
            restart,
            networks: self.members(&name.value, service, network),
            container_name: container_name(self.spec, name, service)
                .filter(|_| single || service.container_name.is_some())
                .map(|name| self.text(&name.value)),
            hostname,
            profiles: service.profiles.iter().map(|profile| profile.value.clone()).collect(),
            labels: self.labels(service),
            referring_labels: self.texts(&service.labels.referring),
            referring_hosts: self.texts(&service.extra_hosts.referring),
            network_mode,
            extra_hosts,
            secrets,
            configs: self.grants(&service.configs, &[]),
            keys,
            named: named(service).map(|mention| mention.name.to_owned()).collect(),
            paths,
            refers_to: References::default(),
        }
    }

    fn hostname(&mut self, name: &Spanned<String>, service: &Service, single: bool) -> Option<ModelText> {
        // A pod's own name is its host name.
        let named_like_it = service.network_mode.is_none() && single && !self.is_kubernetes() && self.adds_defaults();
        match &service.hostname {
            Some(hostname) => Some(self.text(&hostname.value)),
            None => named_like_it.then(|| name.value.as_str().into()),
        }
    }

    /// The hosts that a service names itself, and those of its kind that it does not name.
    fn extra_hosts(&mut self, service: &Service, implied: Vec<(String, ModelText)>) -> Vec<(String, Vec<ModelText>)> {
        let mut hosts: Vec<(String, Vec<ModelText>)> = Vec::new();
        for (host, addresses) in &service.extra_hosts.hosts {
            hosts.push((host.value.clone(), self.texts(addresses)));
        }
        for (host, address) in implied {
            if !hosts.iter().any(|(known, _)| *known == host) {
                hosts.push((host, vec![address]));
            }
        }
        self.check_host_name(service, &hosts);
        hosts
    }

    /// Reports settings that take more of the container's memory than is good for them.
    fn check_memory(&mut self, name: &Spanned<String>, service: &Service, settings: &[Setting], keys: &Keys) {
        let Some(kind) = service.kind.as_ref().map(|kind| &kind.value) else { return };
        let Some(limit) = keys.get("mem_limit").or_else(|| keys.at(MEMORY)) else { return };
        let written = match limit {
            ModelTree::Integer(bytes) => bytes.to_string(),
            limit => limit.text().map(ModelText::shown).unwrap_or_default(),
        };
        // Zero means unlimited.
        let Some(memory) = Size(written.clone()).bytes().filter(|&memory| memory > 0) else { return };
        let own_limit = service.compose.entry("mem_limit").or_else(|| service.compose.entry_at(MEMORY));
        for (key, declared) in kind.settings.iter() {
            let Some(percent) = declared.percent_of_memory.as_ref().map(|percent| u64::from(percent.value)) else {
                continue;
            };
            let setting = settings.iter().find(|setting| setting.name == key.value);
            let Some(size) = setting.and_then(|setting| setting.value.amount()) else { continue };
            if size.saturating_mul(100) <= memory.saturating_mul(percent) {
                continue;
            }
            let written_here = service.settings.as_ref().and_then(|settings| settings.get(&key.value));
            let span = written_here.map(|value| value.span).or(own_limit.map(|(span, _)| span)).unwrap_or(name.span);
            let title = format!("`{}` is more than {percent}% of the memory limit", key.value);
            let mut diagnostic = Diagnostic::new("contradiction", title, span);
            if let Some((limit, _)) = own_limit.filter(|(limit, _)| *limit != span) {
                diagnostic = diagnostic.also(limit, "the limit");
            }
            let enough = size.saturating_mul(100).div_ceil(percent.max(1)).div_ceil(1 << 20);
            self.report(
                diagnostic.help(format!("set `mem_limit` to at least `{enough}m`; it is `{}`", shown(&written))),
            );
        }
    }

    /// Further keys of Compose, and what the kind, the stack and the image add to them.
    fn further_keys(&mut self, service: &Service, never_pulled: bool, implied: Keys) -> Keys {
        let mut keys = self.keys(&service.compose);
        if let Some(exposed) = keys.get_mut("expose").filter(|_| self.adds_defaults()) {
            let ports = std::mem::replace(exposed, ModelTree::List(Vec::new()));
            *exposed = single_ports(ports);
        }
        if never_pulled {
            keys.fill("pull_policy", "never");
        }
        if let Some(platform) = &self.spec.stack.platform {
            keys.fill("platform", self.text(platform));
        }
        let is_tmp = |text: &ModelText| text.literal().is_some_and(|path| path == "/tmp" || path.starts_with("/tmp:"));
        // A writable image needs none.
        if implied.is_set("read_only") && keys.get("read_only").is_none() && !keys.texts("tmpfs").any(is_tmp) {
            keys.add("tmpfs", ["/tmp".into()]);
        }
        let keeps_own = keys.get("cap_drop").is_some();
        let own_limit = keys.get("mem_limit").is_some();
        for (key, value) in implied.0 {
            // Compose refuses a limit of memory next to a table of limits without one.
            if key == "mem_limit"
                && !own_limit
                && let Some(ModelTree::Table(limits)) =
                    keys.get_mut("deploy").and_then(|deploy| deploy.get_mut("resources")?.get_mut("limits"))
            {
                if !limits.iter().any(|(key, _)| key == "memory") {
                    limits.push(("memory".to_owned(), value));
                }
                continue;
            }
            match (key.as_str(), value, keys.get_mut(&key)) {
                // An explicit `cap_drop` also determines what is kept.
                ("cap_add", ..) if keeps_own => {}
                ("cap_add", ModelTree::List(added), Some(ModelTree::List(own))) => own.extend(added),
                (_, ModelTree::Table(entries), Some(ModelTree::Table(own))) => {
                    own.extend(
                        entries
                            .into_iter()
                            .filter(|(name, _)| !own.iter().any(|(known, _)| known == name))
                            .collect::<Vec<_>>(),
                    );
                }
                (_, _, Some(_)) => {}
                (_, value, None) => keys.0.push((key, value)),
            }
        }
        if self.adds_defaults() {
            keys.fill("security_opt", no_new_privileges());
        }
        keys
    }

    /// Variables that are taken from where Compose runs.
    fn inherited(&mut self, service: &Service) -> Vec<String> {
        let mut names = Vec::with_capacity(service.environment.bare.len());
        for name in &service.environment.bare {
            // `.env` only declares names that a shell can set.
            if is_variable_name(&name.value) {
                self.undeclared_variable(&name.value, name.span);
                self.note_use(&name.value);
                self.references.variable(&name.value);
            }
            names.push(name.value.clone());
        }
        names
    }

    /// Reports keys that the kind sets, or that belong to another kind.
    fn check_kind_keys(&mut self, service: &Service) {
        let kind = service.kind.as_ref().map(|kind| &kind.value);
        if let Some(kind) = kind.filter(|kind| !kind.is_own()) {
            let given = kind.implied();
            let owned = [
                ("command", &service.command, given.is_some_and(|given| given.command.is_some())),
                ("entrypoint", &service.entrypoint, given.is_some_and(|given| given.entrypoint.is_some())),
            ];
            for (key, written, is_given) in owned {
                if let Some(span) = written.as_ref().map(|command| command.span)
                    && (is_given || has_logic(kind.as_str()))
                {
                    self.report(
                        Diagnostic::new("kind-decides", format!("`{key}` is set by kind `{}`", kind.as_str()), span)
                            .help("remove it, or describe the service without `kind`"),
                    );
                }
            }
        }
        if let Some(settings) = &service.settings {
            for diagnostic in &settings.out_of_range {
                self.report(diagnostic.clone());
            }
            for diagnostic in &settings.foreign {
                self.report_missing(service.sound, diagnostic.clone());
            }
        }
        let takes = |key| kind.is_some_and(|kind| kind.takes(key));
        let role = service.role.as_ref().map(|role| ("role", role.span)).filter(|_| !takes(Takes::Role));
        let cluster =
            service.cluster.as_ref().map(|cluster| ("cluster", cluster.span)).filter(|_| !takes(Takes::Cluster));
        for (key, span) in role.into_iter().chain(cluster) {
            self.report_missing(
                service.sound,
                Diagnostic::new("foreign-setting", format!("`{key}` can only be used in a Temporal service"), span)
                    .help("remove it, or set `kind`"),
            );
        }
    }

    pub(super) fn environment(
        &mut self,
        written: &Map<Scalar>,
        (sound, uses_aws): (bool, bool),
        preset: &Preset,
        image: Option<&crate::spec::stack::Image>,
    ) -> Vec<(String, ModelText)> {
        let mut environment = Vec::with_capacity(preset.environment.len() + written.entries.len());
        environment.extend(preset.environment.iter().cloned());
        let reads = image.and_then(|image| image.reads.as_ref());
        for (name, value) in written.iter() {
            let text = &value.0;
            let implied = preset.environment.iter().position(|(known, _)| *known == name.value);
            if let (Some(_), Some(instead)) = (implied, &preset.decides) {
                let title = format!("`{}` is set by the kind of this service", name.value);
                self.report(Diagnostic::new("kind-decides", title, name.span).help(instead.clone()));
                continue;
            }
            let is_region = uses_aws && [REGION, DEFAULT_REGION].contains(&name.value.as_str());
            let known = implied.is_some() || is_region || preset.reads.contains(&name.value);
            let listed_names = reads.map(|reads| &reads.value);
            let sound = sound && image.is_none_or(|image| image.sound);
            let unread = sound
                && match listed_names {
                    Some(list) => !known && !list.iter().any(|read| read.value == name.value),
                    None => !preset.reads.is_empty() && !known,
                };
            if unread {
                let names: Vec<&str> = listed_names
                    .map(|list| list.iter().map(|read| read.value.as_str()).collect::<Vec<_>>())
                    .unwrap_or_default()
                    .into_iter()
                    .chain(preset.reads.iter().map(String::as_str))
                    .collect();
                let mut diagnostic = Diagnostic::new(
                    "unread-variable",
                    format!("`{}` is not read by this image", name.value),
                    name.span,
                );
                if let Some(reads) = reads {
                    diagnostic = diagnostic.also(reads.span, "the variables that it reads");
                }
                self.report(diagnostic.suggest_of(self.diagnostics, &name.value, names, || {
                    "remove it, or add it to the image's `reads`".to_owned()
                }));
            }
            if text.literal().is_some()
                && let Some(used) = self.variables.get(name.value.as_str())
            {
                let declared = used.name.span;
                self.report(
                    Diagnostic::new(
                        "shadowed-variable",
                        format!("fixed value overrides the variable `{}`", name.value),
                        text.span,
                    )
                    .at("a fixed value")
                    .also(declared, "declared here, to be set in `.env`")
                    .help(format!("write `${{{}}}`, and set its default in [env]", name.value)),
                );
            }
            let value = self.text(text);
            match implied.and_then(|at| environment.get_mut(at)) {
                Some(entry) => entry.1 = value,
                None => environment.push((name.value.clone(), value)),
            }
        }
        environment
    }

    /// The region, the profile and the host's credentials, read-only, in the home of the image's user.
    fn aws(
        &mut self,
        name: &Spanned<String>,
        service: &Service,
        implied: Option<&str>,
        image: &ServiceImage<'_>,
        environment: &mut Vec<(String, ModelText)>,
        mounts: &mut Vec<Mount>,
    ) {
        let span = service.aws.as_ref().map_or(name.span, |aws| aws.span);
        // An image that is not known, or wrong, was reported.
        let certain = match service.image.as_ref().filter(|_| image.reference.is_none()) {
            Some(_) => false,
            None => service.sound && image.entry.is_none_or(|entry| entry.sound),
        };
        let home = image.entry.and_then(|entry| entry.home.as_ref()).map(|home| home.value.as_str()).or(implied);
        mounts.extend(self.credentials((&name.value, span), home, certain, environment));
    }

    /// The region, the profile if it is declared, and the host's credentials as a mount in the home of the user; an unknown
    /// home is reported if that is `certain`.
    pub(super) fn credentials(
        &mut self,
        (who, span): (&str, Span),
        home: Option<&str>,
        certain: bool,
        environment: &mut Vec<(String, ModelText)>,
    ) -> Option<Mount> {
        // A service may say which one: the other name is of the same region.
        let own = [REGION, DEFAULT_REGION].iter().find_map(|name| environment.iter().find(|(known, _)| known == name));
        let region = match own {
            Some((_, region)) => region.clone(),
            None if self.spec.env.knows(REGION) => self.reference(REGION, None, span).into(),
            None => {
                self.report_missing(
                    self.spec.sound,
                    Diagnostic::new("undeclared-variable", format!("variable `{REGION}` is not declared"), span)
                        .at("needs it to use AWS")
                        .help(format!("declare it: `[env.{REGION}]` with a `description`")),
                );
                "".into()
            }
        };
        // The cluster gives pods their role.
        if self.is_kubernetes() {
            for key in [REGION, DEFAULT_REGION] {
                if !environment.iter().any(|(known, _)| known == key) {
                    environment.push((key.to_owned(), region.clone()));
                }
            }
            return None;
        }
        let Some(home) = home else {
            self.report_missing(
                certain,
                Diagnostic::new("missing-home", format!("missing home directory of `{who}`'s user"), span)
                    .help("set `home` of its image in [images]: the AWS SDK looks for credentials there"),
            );
            return None;
        };
        let folder = format!("{home}/.aws");
        // A user that the image doesn't know has no home, where the SDK looks for what the AWS CLI caches.
        let home = self.spec.env.knows(HOST_USER).then(|| home.into());
        let profile = self.spec.env.knows(PROFILE).then(|| self.reference(PROFILE, None, span).into());
        let entries = [
            (REGION, Some(region.clone())),
            (DEFAULT_REGION, Some(region)),
            (PROFILE, profile),
            ("AWS_SHARED_CREDENTIALS_FILE", Some(format!("{folder}/credentials").into())),
            ("AWS_CONFIG_FILE", Some(format!("{folder}/config").into())),
            ("HOME", home),
        ];
        for (key, value) in entries.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            if !environment.iter().any(|(known, _)| known == key) {
                environment.push((key.to_owned(), value));
            }
        }
        Some(super::kinds::host_path(CREDENTIALS.into(), folder.into()))
    }

    /// Makes what reads the host's credentials run as their owner, if the variable is declared. If that is empty, Compose
    /// leaves the image's own user.
    pub(super) fn run_as_owner(&mut self, keys: &mut Keys, span: Span) {
        if keys.get("user").is_none() && self.spec.env.knows(HOST_USER) && !self.is_kubernetes() {
            let user = ModelText::from(self.reference(HOST_USER, None, span));
            keys.fill("user", user);
        }
    }

    /// The container's labels: all but the one that `gen` writes.
    fn labels(&mut self, service: &Service) -> Vec<(String, ModelText)> {
        if let Some((name, _)) = service.labels.iter().find(|(name, _)| name.value == CONFIG_LABEL) {
            self.report(
                Diagnostic::new("reserved-label", format!("label `{CONFIG_LABEL}` is reserved for `gen`"), name.span)
                    .at("would be overwritten")
                    .help("rename the label"),
            );
        }
        let mut labels = self.scalars(&service.labels);
        labels.extend(service.labels.bare.iter().map(|name| (name.value.clone(), ModelText::from(""))));
        labels
    }

    fn metrics(
        &mut self,
        index: usize,
        service: &Service,
        implied: Option<model::service::Metrics>,
    ) -> Option<model::service::Metrics> {
        let Some(metrics) = service.metrics.as_deref() else { return implied };
        match &metrics.value {
            spec::Scraped::At(at) => {
                let port = self.port_of(index, &at.port.value, at.port.span, &[])?;
                Some(model::service::Metrics::new(port, at))
            }
            spec::Scraped::Kind(false) => None,
            spec::Scraped::Kind(true) => {
                self.report_missing(
                    service.sound && implied.is_none(),
                    Diagnostic::new("missing-key", "missing port of the metrics", metrics.span)
                        .help("name one of the service's ports: `metrics.port = \"http\"`"),
                );
                implied
            }
        }
    }

    /// Reports replicas that share a name or a host port.
    fn check_replicas(&mut self, service: &Service, single: bool) {
        if let (Some(container), Some((span, _))) = (&service.container_name, replicas(service))
            && !single
        {
            self.report(
                Diagnostic::new(
                    "container-clash",
                    "`container_name` cannot be used with several replicas",
                    container.span,
                )
                .also(span, "several replicas")
                .help("remove one of the two"),
            );
        }
        let Some((span, &Tree::Integer(count @ 2..))) = replicas(service) else { return };
        if let Some(kind) = service.kind.as_ref().filter(|kind| !kind.value.is_own()) {
            let has_data = kind.value.implied().is_some_and(|service| !service.volumes.is_empty());
            let why = if has_data { "they would share its data" } else { "it runs once" };
            if has_data || kind.value.declaration().one_shot == Some(true) {
                let title = format!("a service of kind `{}` cannot have replicas", kind.value.as_str());
                let diagnostic = Diagnostic::new("contradiction", title, span).at(why);
                self.report(diagnostic.help("remove the number of replicas"));
                return;
            }
        }
        // Nothing is published there.
        if self.is_kubernetes() {
            return;
        }
        for (_, port) in service.ports.iter() {
            let Some(published) = &port.0.published else { continue };
            let Value::Is(ports) = published.value else { continue };
            if i64::from(ports.count()) < count {
                self.report(
                    Diagnostic::new("port-clash", "replicas cannot share a host port", published.span)
                        .at(format!("published: {ports}"))
                        .also(span, format!("{count} replicas"))
                        .help("publish a range with one port per replica, or remove the number of replicas"),
                );
            }
        }
    }

    pub(super) fn command(&mut self, command: &spec::Command) -> Command {
        match command {
            spec::Command::Line(text) => Command::Line(self.text(text)),
            spec::Command::Arguments(texts) => Command::Arguments(self.texts(texts)),
        }
    }

    /// A command or entrypoint; `shell` is the entrypoint that a command is handed to.
    pub(super) fn program(&mut self, command: &spec::Command, shell: Option<&Spanned<spec::Command>>) -> Command {
        let has_shell = shell.is_some_and(|entrypoint| match &entrypoint.value {
            spec::Command::Line(text) => text.literal().is_some_and(|line| line.split(' ').any(is_shell)),
            spec::Command::Arguments(texts) => texts.first().and_then(Text::literal).is_some_and(is_shell),
        });
        if let spec::Command::Line(line) = command {
            let literals = line.parts().iter().map(|part| if let Part::Literal(text) = part { text } else { "" });
            if let Some(problem) = rules::invalid_command(&literals.collect::<String>(), line.span) {
                self.report(problem);
            }
        }
        if !has_shell {
            match command {
                spec::Command::Line(text) => self.check_no_shell(std::slice::from_ref(text)),
                spec::Command::Arguments(texts) => self.check_no_shell(texts),
            }
        }
        self.command(command)
    }

    /// A `$NAME` that no shell will expand.
    pub(super) fn check_no_shell(&mut self, texts: &[Text]) {
        let first = texts.first().and_then(Text::literal).unwrap_or_default();
        if first.split(' ').next().is_some_and(is_shell) {
            return;
        }
        for text in texts {
            let found = text.parts().iter().find_map(|part| match part {
                Part::Literal(literal) => variable_in(literal),
                _ => None,
            });
            if let Some(found) = found {
                self.report(
                    Diagnostic::new("no-shell", format!("`{found}` is not expanded without a shell"), text.span)
                        .at("passed to the program unchanged")
                        .help(
                            "write `${NAME}` for a variable of `.env`, or run the command with `[\"sh\", \"-c\", …]`",
                        ),
                );
            }
        }
    }

    /// `host.docker.internal` only resolves on Linux if the service adds it.
    fn check_host_name(&mut self, service: &Service, extra_hosts: &[(String, Vec<ModelText>)]) {
        if extra_hosts.iter().any(|(host, _)| host == DOCKER_HOST) {
            return;
        }
        let commands =
            [&service.command, &service.entrypoint].into_iter().flatten().flat_map(|command| match &command.value {
                spec::Command::Line(text) => std::slice::from_ref(text),
                spec::Command::Arguments(texts) => texts.as_slice(),
            });
        let texts = service.environment.iter().map(|(_, value)| &value.0).chain(commands);
        let found = texts
            .filter(|text| {
                text.parts().iter().any(|part| matches!(part, Part::Literal(literal) if literal.contains(DOCKER_HOST)))
            })
            .map(|text| text.span)
            .next();
        if let Some(span) = found {
            self.report_missing(
                service.sound,
                Diagnostic::new("missing-extra-host", format!("`{DOCKER_HOST}` does not resolve on Linux"), span)
                    .help(format!("add `extra_hosts = {{ \"{DOCKER_HOST}\" = \"host-gateway\" }}` to the service")),
            );
        }
    }
}

/// Whether two services can run at the same time: those of different Compose profiles can't.
pub(super) fn together(a: &Service, b: &Service) -> bool {
    a.profiles.is_empty()
        || b.profiles.is_empty()
        || a.profiles.iter().any(|profile| b.profiles.iter().any(|other| other.value == profile.value))
}

/// The name of a service's container; without one, Compose names it.
pub(super) fn container_name<'s>(
    spec: &Spec,
    name: &'s Spanned<String>,
    service: &'s Service,
) -> Option<Spanned<Cow<'s, Text>>> {
    let named = spec.stack.container_names.as_ref().is_some_and(|names| names.value);
    let own = service.container_name.as_deref().map(|own| Spanned { value: Cow::Borrowed(&own.value), span: own.span });
    let alike = || Spanned { value: Cow::Owned(Text::plain(&name.value, name.span)), span: name.span };
    own.or_else(|| named.then(alike))
}

/// The number of replicas of a service, and its place.
pub(super) fn replicas(service: &Service) -> Option<(Span, &Tree)> {
    service.compose.entry_at(&["deploy", "replicas"]).or_else(|| service.compose.entry("scale"))
}

/// Whether a service may have several containers: a variable may be any number.
pub(super) fn is_several(service: &Service) -> bool {
    replicas(service).is_some_and(|(_, count)| match count {
        Tree::Text(text) => !matches!(text.literal(), Some("0" | "1")),
        count => !matches!(count, Tree::Integer(0 | 1)),
    })
}

fn is_shell(program: &str) -> bool {
    SHELLS.contains(&program.rsplit('/').next().unwrap_or_default())
}

/// The first `$NAME` or `${NAME}` among characters that stand for themselves.
fn variable_in(literal: &str) -> Option<&str> {
    literal.match_indices('$').find_map(|(at, _)| {
        let rest = &literal[at + 1..];
        let (inner, braces) = rest.strip_prefix('{').map_or((rest, 0), |inner| (inner, 2));
        let length = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let named = inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        named.then(|| literal.get(at..(at + 1 + braces + length).min(literal.len())).unwrap_or(literal))
    })
}
