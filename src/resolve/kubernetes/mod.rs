//! What a stack needs to run in Kubernetes, and what it has that has no equivalent there: each is reported with a way out,
//! none is dropped.

mod effects;
mod names;
mod routes;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::effects::Effects;
use self::names::{LONGEST_LABEL, LONGEST_NAME};
use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::kubernetes::{ExternalSecrets, Kubernetes, Workload};
use crate::model::service::{Command, Healthcheck, Mount};
use crate::model::text::{Operator, Text as ModelText, Value as ModelValue};
use crate::model::{Keys, Stack};
use crate::spec::compose::NO_NEW_PRIVILEGES;
use crate::spec::decode::{Spanned, shown};
use crate::spec::kubernetes::{STORE_KIND, Target, WAIT_IMAGE, Workload as Written};
use crate::spec::service::{self as spec, Condition, MountType, PortMode, Service};
use crate::spec::text::{Text, Tree};

/// The files of the outputs, and the policy, that a service can't be named like.
const TAKEN: [&str; 5] = ["default-deny-ingress", "external-secrets", "kustomization", "namespace", "network-policies"];

/// How the containers that wait are named: for ports, and for a one-shot.
const WAITING: &str = "wait-for-";

/// The largest ID of a user (`ValidateUserID` of k8s.io/apimachinery).
const LARGEST_USER: u32 = 2_147_483_647;

/// The keys of Compose that have an equivalent. The others of a service are reported, with the way out of [`WAYS_OUT`] if
/// there is one.
const KEYS: &[&str] = &[
    "annotations",
    "cap_add",
    "cap_drop",
    "cpus",
    "deploy",
    "mem_limit",
    "mem_reservation",
    "platform",
    "pull_policy",
    "read_only",
    "scale",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "tmpfs",
    "tty",
    "user",
    "working_dir",
];

/// What to do instead of a key that has no equivalent.
const WAYS_OUT: &[(&str, &str)] = &[
    ("build", "push the image to a registry, and name it in `image`"),
    ("devices", "use a device plugin, in an overlay of your own"),
    ("dns", "configure the DNS of the cluster"),
    ("env_file", "write its variables below `environment`"),
    ("expose", "write it in `ports`: pods reach all ports of a service"),
    ("extends", "write the keys of the other service here"),
    ("gpus", "use a device plugin, in an overlay of your own"),
    ("group_add", "give the files to the user or the group that the service runs as"),
    ("init", "use an image whose entrypoint reaps processes"),
    ("logging", "the nodes of the cluster keep the logs"),
    ("privileged", "run it outside of this namespace, which forbids privileged pods"),
    ("sysctls", "configure the nodes of the cluster"),
    ("ulimits", "configure the container runtime of the nodes, whose limits are usually high"),
];

/// What the checks of services look up.
struct Known<'s> {
    stack: &'s Stack,
    /// The default of each variable; empty without one.
    defaults: HashMap<&'s str, &'s str>,
    /// The paths of the files of `[files]`.
    files: HashSet<&'s str>,
}

/// What a service and its kind say of Kubernetes; what comes first counts.
pub(super) fn workloads(service: &Service) -> impl Iterator<Item = &Written> {
    let of_kind = service.kind.as_ref().and_then(|kind| kind.value.implied()?.kubernetes.as_deref());
    service.kubernetes.as_deref().into_iter().chain(of_kind)
}

fn literal_restart(service: &Service) -> &str {
    service.restart.as_ref().and_then(|restart| restart.value.0.literal()).unwrap_or_default()
}

/// How often a one-shot that failed runs again: never, or the number of `on-failure:3`.
fn retries(service: &Service) -> Option<u32> {
    match literal_restart(service) {
        "no" => Some(0),
        restart => restart.strip_prefix("on-failure:")?.parse().ok(),
    }
}

impl Resolver<'_> {
    /// Whether the stack runs in Kubernetes.
    pub(super) fn is_kubernetes(&self) -> bool {
        self.spec.target.as_ref().is_some_and(|target| target.value == Target::Kubernetes)
    }

    /// Whether a service ends by itself although no other one waits for that: a Job in Kubernetes.
    pub(super) fn ends(&self, service: &Service) -> bool {
        let has_effect = service.kubernetes.as_ref().is_some_and(|own| own.effect.is_some());
        let restart = literal_restart(service);
        let stays_ended = restart == "no" || restart.starts_with("on-failure");
        let is_bare = service.kind.is_none() && service.ports.iter().next().is_none();
        self.is_kubernetes() && is_bare && (has_effect || stays_ended)
    }

    /// How the stack runs in Kubernetes, if it does.
    pub(super) fn kubernetes(&mut self, project: &str) -> Option<Kubernetes> {
        if !self.is_kubernetes() {
            return None;
        }
        let written = self.spec.kubernetes.as_ref();
        let namespace = written.and_then(|written| written.namespace.as_ref());
        if let Some(namespace) = namespace {
            self.check_label(&namespace.value, namespace.span, "namespace", LONGEST_LABEL);
        } else {
            self.check_label(project, self.spec.stack.name.span, "namespace", LONGEST_LABEL);
        }
        if let Some(namespace) = namespace.filter(|name| name.value == "default" || name.value.starts_with("kube-")) {
            let title = format!("namespace `{}` is the cluster's own", shown(&namespace.value));
            let help = "name one for the stack: its policies and its Pod Security are those of the whole namespace";
            self.report(Diagnostic::new("invalid-name", title, namespace.span).help(help));
        }
        let registry = written.and_then(|written| written.registry.as_ref());
        if let Some(registry) = registry
            && let Err(problem) = super::images::check_grammar(&format!("{}/image:tag", registry.value))
        {
            let title = format!("invalid registry `{}`", shown(&registry.value));
            self.report(Diagnostic::new("invalid-image", title, registry.span).help(problem));
        }
        let wait_image = written.and_then(|written| written.wait_image.as_ref());
        if let Some(image) = wait_image
            && let Err(problem) = super::images::check_grammar(&image.value)
        {
            let title = format!("invalid image `{}`", shown(&image.value));
            self.report(Diagnostic::new("invalid-image", title, image.span).help(problem));
        }
        let gateway = written.and_then(|written| written.gateway.as_ref());
        if let Some(gateway) = gateway {
            self.check_gateway(&gateway.value, gateway.span);
        }
        let secrets = written.and_then(|written| written.external_secrets.as_ref());
        if let Some(secrets) = secrets {
            let kind = secrets.kind.unwrap_or(STORE_KIND).as_str().to_lowercase();
            self.check_object_name(&secrets.store.value, secrets.store.span, "store", &kind);
        }
        if let Some(class) = written.and_then(|written| written.storage_class.as_ref()) {
            self.check_object_name(&class.value, class.span, "storage class", "storageclass");
        }
        if let Some(cluster) = written.and_then(|written| written.eks_cluster.as_ref()) {
            self.check_eks_cluster(cluster);
        }
        Some(Kubernetes {
            gateway: gateway.map(|gateway| match gateway.value.split_once('/') {
                Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
                None => (None, gateway.value.clone()),
            }),
            external_secrets: secrets.map(|secrets| ExternalSecrets {
                store: secrets.store.value.clone(),
                kind: secrets.kind.unwrap_or(STORE_KIND),
                prefix: secrets.prefix.clone().unwrap_or_default(),
            }),
            namespace: namespace.map_or(project, |namespace| &namespace.value).to_owned(),
            registry: registry.map(|registry| registry.value.clone()),
            wait_image: wait_image.map_or(WAIT_IMAGE, |image| &image.value).to_owned(),
            contexts: written
                .into_iter()
                .flat_map(|written| &written.contexts)
                .map(|name| name.value.clone())
                .collect(),
        })
    }

    /// What only Kubernetes needs to know of a service: what its kind says, unless the service says otherwise.
    pub(super) fn workload(
        &mut self,
        service: &Service,
        image_user: Option<u32>,
        effect: Option<Command>,
    ) -> Arc<Workload> {
        if !self.is_kubernetes() {
            return Arc::clone(&self.workload);
        }
        let own = service.kubernetes.as_deref();
        let of_kind = service.kind.as_ref().and_then(|kind| kind.value.implied()?.kubernetes.as_deref());
        let both = || workloads(service);
        if let Some(role) = own.and_then(|own| own.role_arn.as_ref())
            && !(role.value.starts_with("arn:") && role.value.contains(":iam::") && role.value.contains(":role/"))
        {
            let title = format!("invalid role `{}`", shown(&role.value));
            let help = "write its ARN: `arn:aws:iam::123456789012:role/name`";
            self.report(Diagnostic::new("invalid-name", title, role.span).help(help));
        }
        if let Some(class) = own.and_then(|own| own.storage_class.as_ref()) {
            self.check_object_name(&class.value, class.span, "storage class", "storageclass");
        }
        // The user of an own image is not that of the kind's.
        let kind_user = of_kind.filter(|_| service.image.is_none()).and_then(|kind| kind.user.as_ref());
        let user_key = service.compose.entry("user").and_then(|(_, tree)| match tree {
            Tree::Integer(user) => u32::try_from(*user).ok(),
            Tree::Text(text) => text.literal()?.split(':').next()?.parse().ok(),
            _ => None,
        });
        let user = own.and_then(|own| own.user.as_ref()).map(|user| user.value).or(user_key).or(image_user);
        let stack_class = self.spec.kubernetes.as_ref().and_then(|written| written.storage_class.as_ref());
        let class = both().find_map(|workload| workload.storage_class.as_ref()).or(stack_class);
        let effect = match both().find_map(|workload| workload.effect.as_ref()) {
            Some(effect) => Some(self.command(&effect.value)),
            None => effect,
        };
        Arc::new(Workload {
            user: user.or(kind_user.map(|user| user.value)),
            cpus: both().find_map(|workload| workload.cpus.as_ref()).map(|cpus| cpus.value.0.clone()),
            memory: both().find_map(|workload| workload.memory.as_ref()).and_then(|memory| memory.value.bytes()),
            storage: both().find_map(|workload| workload.storage.as_ref()).and_then(|size| size.value.bytes()),
            storage_class: class.map(|class| class.value.clone()),
            liveness: both().find_map(|workload| workload.liveness.as_ref()).is_some_and(|liveness| liveness.value),
            members: both().find_map(|workload| workload.members.as_ref()).map(|port| port.value.clone()),
            routes: own
                .into_iter()
                .flat_map(|own| own.routes.iter())
                .map(|(port, host)| (port.value.clone(), host.value.clone()))
                .collect(),
            retries: retries(service),
            effect,
            role_arn: own.and_then(|own| own.role_arn.as_ref()).map(|role| role.value.clone()),
        })
    }

    /// Sets the variables that have other values in Kubernetes.
    pub(super) fn other_values(&mut self, service: &Service, environment: &mut Vec<(String, ModelText)>) {
        if let Some(own) = service.kubernetes.as_ref().filter(|_| self.is_kubernetes()) {
            for (name, value) in self.scalars(&own.environment) {
                environment.retain(|(known, _)| *known != name);
                environment.push((name, value));
            }
        }
    }

    /// Leaves out the keys that only matter in Compose.
    pub(super) fn without_ignored(&self, service: &Service, keys: &mut Keys) {
        if !self.is_kubernetes() {
            return;
        }
        for ignored in workloads(service).flat_map(|workload| &workload.ignore) {
            keys.0.retain(|(key, _)| *key != ignored.value);
        }
    }

    /// Reports what has no equivalent in Kubernetes.
    pub(super) fn check_kubernetes(&mut self, stack: &Stack) {
        let spec = self.spec;
        if stack.kubernetes.is_none() {
            return;
        }
        if let Some(names) = spec.stack.container_names.as_ref().filter(|names| names.value) {
            self.refuse(
                "`container_names`",
                names.span,
                "remove it in this profile: `remove = [\"stack.container_names\"]`",
            );
        }
        if let Some(isolated) = spec.stack.isolated.as_ref().filter(|isolated| isolated.value) {
            self.refuse("`isolated`", isolated.span, "remove it in this profile: `remove = [\"stack.isolated\"]`");
        }
        for (name, variable) in spec.env.iter() {
            if let Some(from) = &variable.from {
                let help = format!(
                    "use `kubernetes.external_secrets`, and remove it in this profile: `remove = [\"env.{}.from\"]`",
                    name.value
                );
                self.refuse("`from`", from.span, help);
            }
        }
        let tables = [
            ("configs", spec.configs.iter().next().map(|(name, _)| name.span), "use [files] and a mount with `file`"),
            ("models", spec.models.iter().next().map(|(name, _)| name.span), "remove it in this profile"),
        ];
        for (what, span, help) in tables {
            if let Some(span) = span {
                self.refuse(&format!("`{what}`"), span, help);
            }
        }
        let of_networks = spec.networks.iter().map(|(_, network)| &network.compose);
        let of_volumes = spec.volumes.iter().map(|(_, volume)| &volume.compose);
        for (key, _) in of_networks.chain(of_volumes).flat_map(crate::spec::compose::Keys::iter) {
            let help = "remove it in this profile: the cluster decides how networks and volumes work";
            self.refuse(&format!("`{}`", key.value), key.span, help);
        }
        for (name, secret) in spec.secrets.iter() {
            let Some(variable) = secret.compose.get("environment") else {
                let help = "take it from a variable: `environment = \"NAME\"`";
                self.refuse(&format!("secret `{}`", name.value), name.span, help);
                continue;
            };
            let variable = if let Tree::Text(text) = variable { text.literal() } else { None };
            let declared = variable.and_then(|variable| self.variables.get(variable));
            // An unknown variable is reported with the secrets.
            if let Some((known, declared)) = declared.map(|declared| (declared.name, declared.variable))
                && declared.sound
                && declared.secret.as_ref().is_none_or(|secret| !secret.value)
            {
                let title = format!("variable `{}` of secret `{}` is not a secret", known.value, name.value);
                let diagnostic = Diagnostic::new("not-in-kubernetes", title, known.span).also(name.span, "the secret");
                self.report(diagnostic.help("add `secret = true` to the variable: others are in a ConfigMap"));
            }
        }
        let defaults = stack
            .variables
            .iter()
            .map(|variable| (variable.name.as_str(), variable.default.as_deref().unwrap_or_default()));
        let files = stack.files.iter().map(|file| file.path.as_str()).collect();
        let known = Known { stack, defaults: defaults.collect(), files };
        self.check_defaults(stack);
        let mut used: HashMap<&str, &str> = HashMap::new();
        let mut effects = Effects::default();
        // In the order of the spec, too.
        for ((name, written), service) in spec.services.iter().zip(&stack.services) {
            self.check_service(&known, name, written, service);
            effects.add(name, written, service);
            for volume in service.mounts.iter().filter_map(Mount::volume) {
                if let Some(other) = used.insert(volume, &service.name).filter(|other| *other != service.name) {
                    let title = format!("volume `{volume}` is shared with `{other}`");
                    let help = "give each service a volume of its own: most clusters can't mount one on several nodes";
                    self.report(Diagnostic::new("not-in-kubernetes", title, name.span).help(help));
                }
            }
        }
        for diagnostic in effects.useless() {
            self.report(diagnostic);
        }
        self.check_clashes(stack);
        for service in &stack.schema_services {
            let place = service.name.strip_prefix(super::schema::PREFIX).unwrap_or(&service.name);
            let of_cluster = spec.clusters.iter().find(|(name, _)| name.value == place).map(|(name, _)| name.span);
            let own = spec.schema.iter().find(|(name, _)| name.value == place).map(|(name, _)| name.span);
            if let Some(span) = own.or(of_cluster) {
                self.check_label(place, span, "name of a schema step", LONGEST_NAME - super::schema::PREFIX.len());
                self.check_user(service, span, "set `user` of its image in [images], its number");
                self.check_image(stack, service, span);
                self.check_texts(&known, service, span);
            }
        }
    }

    /// kustomize takes quotes away at both ends of a literal (`ParseLiteralSource`).
    fn check_defaults(&mut self, stack: &Stack) {
        for variable in stack.pod_variables().filter(|variable| !variable.secret) {
            let default = variable.default.as_deref().unwrap_or_default();
            let declared = self.variables.get(variable.name.as_str()).map(|used| used.name.span);
            if let Some(span) = declared.filter(|_| default.starts_with(['"', '\'']) || default.ends_with(['"', '\'']))
            {
                let what = format!("a quote at the end of the default of `{}`", variable.name);
                let help = "write `required = true` instead of the default, and the value in `config.env`";
                self.refuse(&what, span, help);
            }
        }
    }

    /// What EKS allows (`ClusterName` of its API), and what makes the roles.
    fn check_eks_cluster(&mut self, cluster: &Spanned<String>) {
        let name = &cluster.value;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.len() > 100 || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(fits) {
            let title = format!("invalid EKS cluster `{}`", shown(name));
            let help = "write the name of the cluster alone: letters, digits, `-` and `_`, at most 100 in all";
            self.report(Diagnostic::new("invalid-name", title, cluster.span).help(help));
        }
        if self.spec.infrastructure.is_none() {
            let title = "`eks_cluster` without [infrastructure]";
            let help = "declare [infrastructure], whose Terraform creates the roles, or give each service its `kubernetes.role_arn`";
            self.report(Diagnostic::new("contradiction", title, cluster.span).help(help));
        }
    }

    fn refuse(&mut self, what: &str, span: Span, help: impl Into<String>) {
        self.report(
            Diagnostic::new("not-in-kubernetes", format!("{what} has no equivalent in Kubernetes"), span).help(help),
        );
    }

    fn check_service(
        &mut self,
        known: &Known<'_>,
        name: &Spanned<String>,
        written: &Service,
        service: &model::Service,
    ) {
        self.check_label(&name.value, name.span, "service name", LONGEST_NAME);
        if TAKEN.contains(&name.value.as_str()) {
            let title = format!("`{}` is the name of another object", name.value);
            self.report(Diagnostic::new("invalid-name", title, name.span).help("rename the service"));
        }
        if name.value.starts_with(WAITING) || name.value == "ports" && service.one_shot {
            let title = format!("`{}` has the name of a container that waits", name.value);
            self.report(Diagnostic::new("invalid-name", title, name.span).help("rename the service"));
        }
        self.check_compose_keys(written);
        let typed: [(&str, Option<Span>, &str); 4] = [
            ("container_name", written.container_name.as_ref().map(|name| name.span), "remove it in this profile"),
            ("hostname", written.hostname.as_ref().map(|host| host.span), "remove it: its Service has its name"),
            (
                "network_mode",
                written.network_mode.as_ref().map(|mode| mode.span),
                "remove it: pods have a network of their own",
            ),
            (
                "profiles",
                written.profiles.first().map(|profile| profile.span),
                "remove the service in this profile, or its `profiles`",
            ),
        ];
        for (key, span, help) in typed {
            if let Some(span) = span {
                self.refuse(&format!("`{key}`"), span, help);
            }
        }
        if let Some(bare) = written.environment.bare.first() {
            let help = "declare the variable below [env], and write its value: `NAME = \"${NAME}\"`";
            self.refuse("a variable of Compose's own environment", bare.span, help);
        }
        for grant in &written.secrets {
            if let Some((key, _)) = grant.0.compose.iter().next() {
                let help = "remove it: the group of the pod reads its secrets";
                self.refuse(&format!("`{}` of a secret", key.value), key.span, help);
            }
        }
        if let Some(grant) = written.configs.first() {
            self.refuse(
                "`configs`",
                grant.0.span,
                "mount a file of [files] instead: `{ file = \"…\", target = \"…\" }`",
            );
        }
        for (host, addresses) in &written.extra_hosts.hosts {
            let is_ip = |text: &Text| text.literal().is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok());
            if host.value == model::kind::DOCKER_HOST || !addresses.iter().all(is_ip) {
                let what = format!("`{}`", host.value);
                self.refuse(
                    &what,
                    host.span,
                    "no pod reaches the machine of a developer: write an IP address, or remove it",
                );
            }
        }
        if let Some(host) = written.extra_hosts.referring.first() {
            self.refuse(
                "a host whose name a variable decides",
                host.span,
                "write its name and IP address, or remove it",
            );
        }
        for (_, port) in written.ports.iter() {
            if port.0.mode == Some(PortMode::Host) {
                self.refuse(
                    "a port of the host",
                    port.0.span,
                    "remove `mode`: `kubectl port-forward` reaches the port",
                );
            }
        }
        if let Some(port) = written.kubernetes.as_ref().and_then(|own| own.members.as_ref())
            && let Some(&index) = self.index.get(service.name.as_str())
        {
            self.port_of(index, &port.value, port.span, &[]);
        }
        self.check_one_shot(name, written, service);
        self.check_further(written);
        self.check_commands(written);
        let targets: HashMap<&str, &Mount> =
            service.mounts.iter().rev().filter_map(|mount| Some((mount.target.literal()?, mount))).collect();
        self.check_mounts(known, written, &targets);
        self.check_volumes(written, &targets);
        self.check_ports(name, service);
        self.check_routes(known, written, service);
        self.check_annotations(written, service);
        self.check_resources(name, written, service);
        self.check_restart(written, service);
        self.check_waits(known, name, written, service);
        self.check_probe(name, written, service);
        let span = written.image.as_ref().map_or(name.span, |image| image.span);
        let user = written.kubernetes.as_ref().and_then(|own| own.user.as_ref()).map_or(span, |user| user.span);
        self.check_user(service, user, "set `kubernetes.user` of the service, or `user` of its image in [images]");
        self.check_image(known.stack, service, span);
        self.check_texts(known, service, name.span);
    }

    fn check_one_shot(&mut self, name: &Spanned<String>, written: &Service, service: &model::Service) {
        if service.one_shot {
            if service.has_volumes() {
                self.refuse(
                    "a volume of a one-shot",
                    name.span,
                    "write to what a service serves, or remove the volume",
                );
            }
            if let Some((span, _)) = super::service::replicas(written).filter(|_| service.is_several()) {
                self.refuse("several replicas of a one-shot", span, "remove the number of replicas: a Job runs once");
            }
        }
    }

    /// Reports what is only read in part.
    fn check_further(&mut self, written: &Service) {
        for mount in &written.volumes {
            if mount.0.target.literal().is_none() {
                self.refuse("a variable in the target of a mount", mount.0.target.span, "write the path itself");
            }
        }
        for (_, label) in written.labels.iter().filter(|(_, label)| label.0.variable().is_some()) {
            self.refuse("a variable in a label", label.0.span, "write the value itself");
        }
        if let Some(label) = written.labels.referring.first() {
            self.refuse("a label whose name a variable decides", label.span, "write the name itself");
        }
        for (_, member) in &written.networks.0 {
            if let Some((key, _)) = member.compose.iter().next() {
                self.refuse(&format!("`{}` of a network", key.value), key.span, "remove it in this profile");
            }
        }
    }

    fn check_commands(&mut self, written: &Service) {
        for (key, command) in [("command", &written.command), ("entrypoint", &written.entrypoint)] {
            let Some(Spanned { value, span }) = command.as_deref() else { continue };
            match value {
                spec::Command::Arguments(arguments) if arguments.is_empty() => {
                    self.refuse(
                        &format!("an empty `{key}`"),
                        *span,
                        "write the command: the image's own can't be cleared",
                    );
                }
                // Compose and the splitter differ about comments.
                spec::Command::Line(line)
                    if line.literal().is_none_or(|line| line.contains('#') || shlex::split(line).is_none()) =>
                {
                    self.refuse(
                        &format!("this form of `{key}`"),
                        *span,
                        "write it as a list: `[\"program\", \"argument\"]`",
                    );
                }
                _ => {}
            }
        }
    }

    fn check_compose_keys(&mut self, written: &Service) {
        let ignored = |key: &str| {
            let ignored = written.kubernetes.as_deref().map(|workload| &workload.ignore);
            ignored.into_iter().flatten().any(|ignored| ignored.value == key)
        };
        for (key, tree) in written.compose.iter() {
            let name = key.value.as_str();
            if name.starts_with("x-") || ignored(name) {
                continue;
            }
            if !KEYS.contains(&name) {
                let way_out =
                    WAYS_OUT.iter().find(|(known, _)| *known == name).map(|(_, way_out)| format!("{way_out}, or "));
                let help = format!("{}ignore it: `kubernetes.ignore = [\"{name}\"]`", way_out.unwrap_or_default());
                self.refuse(&format!("`{name}`"), key.span, help);
                continue;
            }
            let mut texts = Vec::new();
            tree.texts(&mut texts);
            if let Some(text) = texts.iter().find(|text| text.literal().is_none()) {
                self.refuse("a variable in this key", text.span, "write the value itself");
                continue;
            }
            let strings = || texts.iter().filter_map(|text| Some((text.literal()?, text.span)));
            match name {
                "cap_add" => {
                    let other = strings().find(|(capability, _)| *capability != "NET_BIND_SERVICE");
                    if let Some((capability, span)) = other {
                        let help = "Pod Security `restricted` only allows `NET_BIND_SERVICE`: run it as another user";
                        self.refuse(&format!("capability `{}`", shown(capability)), span, help);
                    }
                }
                "security_opt" => {
                    if let Some((option, span)) = strings().find(|(option, _)| *option != NO_NEW_PRIVILEGES) {
                        self.refuse(&format!("`{}`", shown(option)), span, "remove it in this profile");
                    }
                }
                "user" => {
                    let number = |text: &str| text.split(':').all(|part| part.parse::<u32>().is_ok());
                    if let Some((user, span)) = strings().find(|(user, _)| !number(user)) {
                        let title = format!("user `{}`", shown(user));
                        self.refuse(&title, span, "write its number: Kubernetes can't see whether a name is root");
                    }
                }
                "tmpfs" => {
                    let option = strings().find(|(text, _)| text.contains(':'));
                    if let Some((_, span)) = option {
                        self.refuse("an option of `tmpfs`", span, "write the path alone");
                    }
                }
                "platform" => {
                    let other = strings().find(|(platform, _)| !platform.starts_with("linux/"));
                    if let Some((platform, span)) = other {
                        self.refuse(
                            &format!("platform `{}`", shown(platform)),
                            span,
                            "write `linux/amd64` or `linux/arm64`",
                        );
                    }
                }
                "pull_policy" => {
                    let known = ["always", "never", "missing", "if_not_present"];
                    if let Some((policy, span)) = strings().find(|(policy, _)| !known.contains(policy)) {
                        self.refuse(
                            &format!("pull policy `{}`", shown(policy)),
                            span,
                            "write `always`, `missing` or `never`",
                        );
                    }
                }
                "deploy" => self.check_deploy(tree),
                _ => {}
            }
        }
    }

    fn check_deploy(&mut self, deploy: &Tree) {
        let Tree::Table(entries) = deploy else { return };
        for (key, tree) in entries {
            match (key.value.as_str(), tree) {
                ("replicas", _) => {}
                ("resources", Tree::Table(resources)) => {
                    for (key, _) in resources.iter().flat_map(|(_, amounts)| match amounts {
                        Tree::Table(amounts) => amounts.as_slice(),
                        _ => &[],
                    }) {
                        if !["cpus", "memory"].contains(&key.value.as_str()) {
                            self.refuse(&format!("`{}`", key.value), key.span, "remove it in this profile");
                        }
                    }
                }
                (name, _) => self.refuse(&format!("`deploy.{name}`"), key.span, "remove it in this profile"),
            }
        }
    }

    fn check_mounts(&mut self, known: &Known<'_>, written: &Service, targets: &HashMap<&str, &Mount>) {
        for mount in &written.volumes {
            let mount = &mount.0;
            if let Some((key, _)) = mount.compose.iter().find(|(key, _)| key.value != "bind") {
                self.refuse(&format!("`{}` of a mount", key.value), key.span, "remove it in this profile");
            }
            let source = mount.source.as_ref();
            let kind = mount.kind.as_ref().map(|kind| kind.value);
            if !matches!(kind, None | Some(MountType::Bind | MountType::Volume | MountType::Tmpfs)) {
                self.refuse("a mount of this type", mount.span, "remove it in this profile");
                continue;
            }
            let Some(source) = source.filter(|_| mount.file.is_none()) else { continue };
            let resolved = mount.target.literal().and_then(|target| targets.get(target));
            let resolved = resolved.filter(|mount| mount.kind == MountType::Bind);
            let is_bind = resolved.is_some() || source.literal().is_none();
            let is_output = resolved
                .and_then(|mount| mount.source.as_ref()?.literal())
                .is_some_and(|path| path.strip_prefix("./").is_some_and(|path| known.files.contains(path)));
            if is_bind && !is_output {
                let socket = source.literal().is_some_and(|source| source.ends_with("docker.sock"));
                self.refuse(
                    if socket { "the Docker socket" } else { "a path of the host" },
                    source.span,
                    if socket {
                        "remove it in this profile: the API of Kubernetes takes its place, with a role of its own"
                    } else {
                        "use a volume, or a file of [files]: `{ file = \"…\", target = \"…\" }`"
                    },
                );
            }
        }
        if let (Some((span, _)), true) =
            (super::service::replicas(written), targets.values().any(|mount| mount.volume().is_some()))
            && super::service::is_several(written)
        {
            self.refuse(
                "a volume of several replicas",
                span,
                "remove the number of replicas: several pods can't share the data",
            );
        }
    }

    /// Ports of a pod have different names and numbers.
    fn check_ports(&mut self, name: &Spanned<String>, service: &model::Service) {
        let (mut names, mut numbers) = (HashMap::new(), HashMap::new());
        for port in service.ports.iter() {
            let same_name = names.insert(port.pod_name(), port);
            let same_number = numbers.insert((port.target, port.protocol), port);
            if let Some(other) = same_name.or(same_number) {
                let title =
                    format!("ports `{}` and `{}` of `{}` are one in Kubernetes", other.name, port.name, name.value);
                let help = "rename one, or give it another number";
                self.report(Diagnostic::new("not-in-kubernetes", title, name.span).help(help));
            }
        }
    }

    /// The names of a pod's volumes come from those of the spec, and others are of the pod itself.
    fn check_volumes(&mut self, written: &Service, targets: &HashMap<&str, &Mount>) {
        let mut names: HashMap<String, &str> = HashMap::new();
        for mount in &written.volumes {
            let volume = mount.0.target.literal().and_then(|target| targets.get(target));
            let Some((known, volume)) = volume.and_then(|known| Some((known, known.volume()?))) else { continue };
            let name = known.volume_name();
            let is_reserved = ["files", "secrets", "shm"].contains(&name.as_str())
                || ["memory-", "scratch-"].iter().any(|start| name.starts_with(start));
            let other = names.insert(name, volume);
            if is_reserved || other.is_some() {
                let title = match other {
                    Some(other) if other == volume => format!("volume `{volume}` is mounted twice"),
                    Some(other) => format!("volumes `{volume}` and `{other}` have one name in Kubernetes"),
                    None => format!("volume name `{volume}` is reserved in Kubernetes"),
                };
                let help = if other == Some(volume) { "mount it once" } else { "rename it, such as `<service>-data`" };
                self.report(Diagnostic::new("not-in-kubernetes", title, mount.0.span).help(help));
            }
        }
    }

    /// A pod that reserves more than it may take is refused.
    fn check_resources(&mut self, name: &Spanned<String>, written: &Service, service: &model::Service) {
        let resources = service.resources();
        let over =
            |reserved: Option<u64>, limit: Option<u64>| reserved.zip(limit).is_some_and(|(own, most)| own > most);
        let own = written.kubernetes.as_deref();
        let (memory, cpus) = (own.and_then(|own| own.memory.as_ref()), own.and_then(|own| own.cpus.as_ref()));
        for (what, is_over, span) in [
            ("memory", over(resources.memory, resources.memory_limit), memory.map(|memory| memory.span)),
            ("CPUs", over(resources.cpus, resources.cpus_limit), cpus.map(|cpus| cpus.span)),
        ] {
            let span = span.unwrap_or(name.span);
            if is_over {
                let title = format!("`{}` reserves more {what} than its limit", name.value);
                let help = "lower what is reserved, or raise the limit";
                self.report(Diagnostic::new("contradiction", title, span).help(help));
            }
        }
    }

    fn check_restart(&mut self, written: &Service, service: &model::Service) {
        let Some(restart) = &written.restart else { return };
        let word = restart.value.0.literal().unwrap_or_default();
        if !service.one_shot && !matches!(word, "always" | "unless-stopped") {
            let help =
                "remove it: a pod that ends is started again; or remove its ports: a one-shot without ports is a Job";
            self.refuse(&format!("`restart = \"{}\"`", shown(word)), restart.span, help);
        }
    }

    fn check_waits(&mut self, known: &Known<'_>, name: &Spanned<String>, written: &Service, service: &model::Service) {
        for (other, condition) in service.waits_for() {
            let index = self.index.get(other).copied();
            let Some(dependency) = index.and_then(|index| known.stack.services.get(index)) else { continue };
            let own = written.depends_on.iter().flat_map(|depends_on| &depends_on.0);
            let span = own.clone().find(|(known, _)| known.value == other).map_or(name.span, |(known, _)| known.span);
            let problem = match condition {
                Condition::Completed if dependency.workload.effect.is_none() => Some((
                    format!("nothing shows that `{other}` has completed"),
                    format!("give it a command that succeeds then: `services.{other}.kubernetes.effect = [\"…\"]`"),
                )),
                Condition::Started | Condition::Healthy
                    if dependency.one_shot || dependency.awaited_port().is_none() =>
                {
                    Some((
                        format!("nothing shows that `{other}` is {}", condition.described()),
                        "remove the dependency in this profile, or give the other service a port".to_owned(),
                    ))
                }
                _ => None,
            };
            if let Some((title, help)) = problem {
                self.report(
                    Diagnostic::new("not-in-kubernetes", title, span)
                        .at("a pod can only wait for a port or an effect")
                        .help(help),
                );
            }
        }
        let restarts = written.depends_on.iter().flat_map(|depends_on| &depends_on.0);
        for (known, dependency) in restarts {
            if dependency.0.restart.as_ref().is_some_and(|restart| restart.0) {
                self.refuse("`restart` of a dependency", known.span, "remove it: clients must reconnect by themselves");
            }
        }
    }

    fn check_probe(&mut self, name: &Spanned<String>, written: &Service, service: &model::Service) {
        let Some(Healthcheck::Probe(probe)) = &service.healthcheck else { return };
        let span = written.healthcheck.as_ref().map_or(name.span, |check| check.span);
        if probe.test.is_none() {
            let help = "write the test: Kubernetes doesn't run an image's own healthcheck";
            self.refuse("the image's own healthcheck", span, help);
        }
        let times = [&probe.interval, &probe.timeout, &probe.start_period, &probe.start_interval];
        let has_variable = times.into_iter().flatten().any(|text| text.literal().is_none())
            || matches!(&probe.retries, Some(ModelValue::Env(_)))
            || match &probe.test {
                Some(Command::Arguments(texts)) => texts.iter().any(|text| text.literal().is_none()),
                Some(Command::Line(text)) => text.literal().is_none(),
                None => false,
            };
        if has_variable {
            self.refuse("a variable in a healthcheck", span, "write the value itself");
        }
    }

    fn check_user(&mut self, service: &model::Service, span: Span, help: &str) {
        match service.workload.user {
            Some(user) if user > LARGEST_USER => {
                let title = format!("{user} is out of range");
                let diagnostic = Diagnostic::new("number-out-of-range", title, span);
                self.report(diagnostic.help(format!("write the ID of a user up to {LARGEST_USER}")));
            }
            Some(0) => self.refuse("the user root", span, "name another user: Pod Security `restricted` forbids root"),
            // A name was reported.
            None if self.spec.sound && service.keys.get("user").is_none() => {
                let title = format!("missing user of `{}`", service.name);
                self.report(Diagnostic::new("missing-key", title, span).help(format!(
                    "{help}: Pod Security `restricted` forbids root, and the number of an image's user isn't known"
                )));
            }
            _ => {}
        }
    }

    fn check_image(&mut self, stack: &Stack, service: &model::Service, span: Span) {
        let Some(image) = &service.image else { return };
        if image.literal().is_none() {
            self.refuse("a variable in an image", span, "write the image itself");
        }
        if service.is_built() {
            let title = format!("image `{}` is built by Compose, and no node can pull it", image.shown());
            let help = "push it to a registry, write its name there in `ref`, and remove `build` in this profile";
            self.report(Diagnostic::new("not-in-kubernetes", title, span).help(help));
        }
        let is_built = stack.is_built(service);
        if is_built && stack.kubernetes.as_ref().is_some_and(|kubernetes| kubernetes.registry.is_none()) {
            let title = format!("image `{}` is built here, and no node can pull it", image.shown());
            let help = "name the registry that it is pushed to: `kubernetes.registry = \"registry.example.com/team\"`";
            self.report(Diagnostic::new("not-in-kubernetes", title, span).help(help));
        }
    }

    /// What stands in for an empty variable has no equivalent, unless it is the variable's own default.
    fn check_texts(&mut self, known: &Known<'_>, service: &model::Service, span: Span) {
        let commands = [&service.command, &service.entrypoint].into_iter().flatten().flat_map(Command::texts);
        let texts = service.environment.iter().map(|(_, text)| text).chain(commands);
        for reference in texts.flat_map(ModelText::references) {
            let default = known.defaults.get(reference.name.as_str()).copied().unwrap_or_default();
            let problem = match &reference.operator {
                Some(Operator::Alternative(_)) => Some(format!("`${{{}:+…}}`", reference.name)),
                Some(Operator::Default(word)) if word.literal() != Some(default) => {
                    Some(format!("`${{{}:-…}}`", reference.name))
                }
                _ => None,
            };
            if let Some(what) = problem {
                let help = "write the value itself, or a reference to a variable that holds it";
                let what = format!("{what} in `{}`", service.name);
                self.refuse(&what, span, help);
            }
        }
    }
}
