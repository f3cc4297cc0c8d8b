//! What containers may do to the host: each grant that a service gains or loses.

use std::collections::{HashMap, HashSet};

use super::host::{CREDENTIALS, ENGINE, Gift, Given, Project, Way, gift};
use super::meaning::{Sense, alike};
use super::written::{Written, text, tree};
use super::{Area, Change, Ground, Id, Severity, Side, quoted, value};
use crate::model::service::{FileGrant, Mount, REMOTE_CONTEXTS, Service};
use crate::model::text::{Text, Tree, Value};
use crate::model::{Named, Stack};
use crate::spec::service::MountType;

const AREA: Area = Area::Privileges;

/// Keys of Compose that give a container a namespace of the host's, and its name.
const NAMESPACES: &[(&str, &str)] =
    &[("pid", "`pid`"), ("ipc", "`ipc`"), ("uts", "`uts`"), ("userns_mode", "user"), ("cgroup", "`cgroup`")];

/// Switches that give a container, or a build, the host: where they are, and what they give.
const SWITCHES: &[(&[&str], Id, &str)] = &[
    (&["privileged"], Id::Privileged, "full access to the host: `privileged`"),
    (
        &["use_api_socket"],
        Id::EngineSocket,
        "the engine's API socket: whoever controls the container controls the host",
    ),
    (&["build", "privileged"], Id::PrivilegedBuild, "a build with full access to the host: `build.privileged`"),
];

/// Keys of Compose whose items each give a container something.
const LISTS: &[(&[&str], Id, Severity, &str)] = &[
    (&["devices"], Id::DeviceAccess, Severity::Danger, "access to the device"),
    (&["device_cgroup_rules"], Id::DeviceAccess, Severity::Danger, "access to devices by the rule"),
    (&["group_add"], Id::GroupAdded, Severity::Caution, "membership in the group"),
    (&["build", "entitlements"], Id::PrivilegedBuild, Severity::Danger, "a build with the entitlement"),
    (&["build", "ssh"], Id::SshForwarded, Severity::Danger, "a build with SSH keys of the host:"),
];

/// Keys of Compose that have a path of the host which Compose leaves as it is: where it is, and whether something is
/// written there. The others are the paths of the service.
const FILES: &[(&[&str], bool)] =
    &[(&["credential_spec", "file"], false), (&["build", "cache_from"], false), (&["build", "cache_to"], true)];

/// Keys of a service that are reported here, and what they give.
const KEYS: &[(&str, &[Id])] = &[
    ("privileged", &[Id::Privileged]),
    ("use_api_socket", &[Id::EngineSocket]),
    ("devices", &[Id::DeviceAccess]),
    ("device_cgroup_rules", &[Id::DeviceAccess]),
    ("group_add", &[Id::GroupAdded]),
    ("user", &[Id::RootUser]),
    ("read_only", &[Id::WritableRoot]),
    ("cap_add", &[Id::CapabilityAdded]),
    ("cap_drop", &[Id::DefaultCapabilities]),
    ("security_opt", &[Id::PrivilegeEscalation, Id::SecurityOption, Id::CustomSecurityProfile]),
];

/// How a context of a build names a path of the host rather than a URL.
const LOCAL: &[&str] = &["oci-layout://", "file://"];

/// What a namespace is taken from that isn't the stack's: how the value begins, and what that is. The second is Podman's.
const FOREIGN: &[(&str, Id, &str)] = &[
    ("container:", Id::ForeignNamespace, "a container outside of the stack"),
    ("ns:", Id::HostNamespace, "a process of the host"),
];

/// Options of a bridge that open every port of its containers to the network, and their values that do.
const GATEWAYS: [&str; 2] =
    ["com.docker.network.bridge.gateway_mode_ipv4", "com.docker.network.bridge.gateway_mode_ipv6"];
const OPEN_GATEWAYS: [&str; 2] = ["nat-unprotected", "routed"];

/// Variables of whoever runs Compose that hold credentials, or how they begin.
const VARIABLES: &[&str] = &[
    "ACTIONS_",
    "ANTHROPIC_API_KEY",
    "ARM_",
    "AWS_",
    "AZURE_",
    "CI_JOB_",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "GOOGLE_",
    "NPM_TOKEN",
    "OPENAI_API_KEY",
    "VAULT_",
];

/// Security options that turn no protection off by themselves.
const OPTIONS: &[&str] = &["no-new-privileges", "seccomp", "apparmor", "label", "mask"];

/// Runtimes that isolate a container at least as Docker's own does.
const RUNTIMES: &[&str] =
    &["runc", "crun", "youki", "runsc", "kata-runtime", "kata", "io.containerd.runc.v2", "io.containerd.kata.v2", ""];

/// File systems of a volume whose device is not the host's.
const REMOTE: &[&str] = &["nfs", "nfs4", "cifs", "smb3", "tmpfs"];

/// What the stack has at its top level that services name.
pub(super) struct Shared<'s> {
    project: Project<'s>,
    volumes: HashMap<&'s str, &'s Named>,
    networks: HashMap<&'s str, &'s Named>,
    secrets: HashMap<&'s str, &'s Named>,
    configs: HashMap<&'s str, &'s Named>,
    services: HashMap<&'s str, &'s Service>,
    /// The same with and without each conditional word, if it has any.
    forms: Vec<Self>,
}

impl<'s> Shared<'s> {
    pub(super) fn of(stack: &'s Stack, forms: &'s [Stack], ground: &'s dyn Ground, side: Side) -> Self {
        let by_name = |list: &'s [Named]| list.iter().map(|named| (named.name.as_str(), named)).collect();
        Self {
            project: Project { stack, ground, side },
            volumes: by_name(&stack.volumes),
            networks: by_name(&stack.networks),
            secrets: by_name(&stack.secrets),
            configs: by_name(&stack.configs),
            services: stack.services.iter().map(|service| (service.name.as_str(), service)).collect(),
            forms: forms.iter().map(|form| Self::of(form, &[], ground, side)).collect(),
        }
    }
}

/// Something that a service may do.
struct Grant {
    id: Id,
    what: String,
    severity: Severity,
    /// What of the host it is about, if there may be several.
    thing: Option<String>,
    /// Whether a service has it by default.
    usual: bool,
    /// Whether it is one of Docker's default capabilities, which can also be gained or lost as a whole.
    part: bool,
    /// How many GPUs, unless some are named.
    gpus: u32,
    /// The device of the host, and how it may be accessed.
    device: Option<(String, String)>,
}

impl Grant {
    fn new(id: Id, severity: Severity, what: impl Into<String>) -> Self {
        Self { id, what: what.into(), severity, thing: None, usual: false, part: false, gpus: 0, device: None }
    }

    fn danger(id: Id, what: impl Into<String>) -> Self {
        Self::new(id, Severity::Danger, what)
    }

    fn of(self, thing: impl Into<String>) -> Self {
        Self { thing: Some(thing.into()), ..self }
    }

    /// A key whose value only `.env` has.
    fn open(key: &str, given: &Given) -> Self {
        let what = format!("whatever `.env` sets for {}: {}", quoted(key), quoted(&given.text));
        Self::new(Id::PrivilegeVariable, Severity::Caution, what).of(key)
    }

    /// What makes it another one.
    fn name(&self) -> (String, Option<String>) {
        // What is shown of two sockets may be the same.
        (self.what.clone(), self.thing.clone().filter(|_| self.id == Id::EngineSocket))
    }

    fn gained(&self, service: &str, severity: Severity) -> Change {
        let change = Change::new(self.id, severity, AREA, service, format!("gains {}", self.what));
        Change { thing: self.thing.clone(), ..change }.explains(self.keys())
    }

    /// Whether others of its kind give as much.
    fn is_part_of(&self, others: &[Self]) -> bool {
        if let Some((source, access)) = &self.device {
            let more =
                |device: &(String, String)| device.0 == *source && access.chars().all(|right| device.1.contains(right));
            return others.iter().filter_map(|other| other.device.as_ref()).any(more);
        }
        let most = others.iter().map(|other| other.gpus).max().unwrap_or_default();
        self.id == Id::GpuAccess && (most == u32::MAX || (0 < self.gpus && self.gpus < most))
    }

    /// What can no longer be done with a device that stays, of those of others.
    fn lost(&self, others: &[Self]) -> Option<String> {
        let (source, access) = self.device.as_ref()?;
        let still = others.iter().filter_map(|other| other.device.as_ref()).find(|device| device.0 == *source)?;
        let rights = [('r', "read"), ('w', "write to"), ('m', "create")];
        let lost = rights.iter().filter(|(right, _)| access.contains(*right) && !still.1.contains(*right));
        let lost = lost.map(|(_, what)| *what).collect::<Vec<_>>().join(" or ");
        Some(format!("can no longer {lost} the device {}", quoted(source)))
    }

    /// The keys of a service that it may come from.
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        let gives = |&&(key, ids): &&(&str, &[Id])| {
            ids.contains(&self.id) || (self.id == Id::PrivilegeVariable && self.thing.as_deref() == Some(key))
        };
        KEYS.iter().filter(gives).map(|(key, _)| *key)
    }
}

impl From<Gift> for Grant {
    fn from(Gift { id, severity, what, path }: Gift) -> Self {
        Self::new(id, severity, what).of(path)
    }
}

/// What a new service may do that is out of the ordinary.
pub(super) fn added(shared: &Shared<'_>, new: &Service, changes: &mut Vec<Change>) {
    for grant in grants(shared, new).into_iter().filter(|grant| !grant.usual) {
        // Several kinds need it, and other services ask for it explicitly.
        let severity = if new.aws && grant.what == CREDENTIALS { Severity::Caution } else { grant.severity };
        changes.push(grant.gained(&new.name, severity));
    }
}

/// What a service may do now and could not before, and the other way round.
pub(super) fn compare(
    (shared_before, old): (&Shared<'_>, &Service),
    (shared_after, new): (&Shared<'_>, &Service),
    changes: &mut Vec<Change>,
) {
    let start = changes.len();
    let (before, after) = (grants(shared_before, old), grants(shared_after, new));
    let whole = |grants: &[Grant]| grants.iter().any(|grant| grant.what == WHOLE);
    let together = whole(&before) != whole(&after);
    let names = |grants: &[Grant]| grants.iter().map(Grant::name).collect::<HashSet<_>>();
    let (had, has) = (names(&before), names(&after));
    let stays = |grant: &Grant, others: &HashSet<_>| others.contains(&grant.name()) || (together && grant.part);
    for grant in after.iter().filter(|grant| !stays(grant, &had) && !grant.is_part_of(&before)) {
        changes.push(grant.gained(&new.name, grant.severity));
    }
    for grant in
        before.iter().filter(|grant| !stays(grant, &has) && (grant.device.is_none() || !grant.is_part_of(&after)))
    {
        let what = grant.lost(&after).unwrap_or_else(|| format!("loses {}", grant.what));
        let change = Change::notice(Id::PrivilegeRemoved, AREA, &new.name, what);
        changes.push(change.explains(grant.keys()));
    }
    let extended = |service: &Service| Some(Given::of(service.keys.at(&["extends", "file"])?.text()?));
    if let Some(file) = extended(new).filter(|file| extended(old).is_some_and(|old| old.text == file.text)) {
        let Project { ground, .. } = &shared_after.project;
        let inside = shared_after.project.inside(&file.text).filter(|_| !file.open);
        if ground.differs(inside.as_deref()) {
            let what = format!("whatever another file gives it changed: {}", quoted(&file.text));
            let change = Change::danger(Id::ExtendsFileChanged, AREA, &new.name, what);
            changes.push(Change { thing: Some(file.text), ..change });
        }
    }
    let has_root = |grants: &[Grant]| grants.iter().any(|grant| grant.id == Id::RootUser);
    if has_root(&before) == has_root(&after) {
        let place = changes.len();
        let user =
            |service: &Service| service.keys.get("user").and_then(Written::written).filter(|user| !user.is_empty());
        if !alike("user", old.keys.get("user"), new.keys.get("user")) {
            value(changes, (Id::UserChanged, AREA, &new.name), "user", user(old), user(new));
        }
        if let Some(change) = changes.get_mut(place) {
            // It may now be able to access files of other users.
            change.severity = Severity::Caution;
        }
    }
    // Same grants, different spelling or order.
    for (key, _) in KEYS {
        if !changes[start..].iter().any(|change| change.keys.iter().any(|told| told == key)) {
            let subject = (Id::PrivilegesRewritten, AREA, new.name.as_str());
            tree(changes, subject, key, old.keys.get(key), new.keys.get(key));
        }
    }
}

/// What a service may do in any of its forms.
fn grants(shared: &Shared<'_>, service: &Service) -> Vec<Grant> {
    if shared.forms.is_empty() {
        return grants_of(shared, service);
    }
    let forms = shared.forms.iter().filter_map(|form| Some((form, *form.services.get(service.name.as_str())?)));
    let mut known = HashSet::new();
    let all = forms.flat_map(|(form, service)| grants_of(form, service));
    all.filter(|grant| known.insert(grant.name())).collect()
}

fn grants_of(shared: &Shared<'_>, service: &Service) -> Vec<Grant> {
    let mut grants = Vec::new();
    for &(path, id, what) in SWITCHES {
        switch(service.keys.at(path), &path.join("."), &mut grants, || {
            let grant = Grant::danger(id, what);
            if id == Id::Privileged { grant } else { grant.of(path.join(".")) }
        });
    }
    let network = service.network_mode.as_ref().map(Given::of);
    if network.as_ref().is_some_and(|mode| mode.text == "host") {
        grants.push(Grant::danger(Id::HostNetwork, "the host's network: its ports are open on the host"));
    }
    namespaces(service, network, &mut grants);
    for member in &service.networks {
        let Some(network) = shared.networks.get(member.name.as_str()) else { continue };
        // An external network of that name is the host's.
        let name = network.keys.text("name").or_else(|| network.keys.at(&["external", "name"])?.text());
        let name = name.map_or_else(|| network.name.clone(), |name| Given::of(name).text);
        let driver = network.keys.text("driver").map(|driver| Given::of(driver).text).unwrap_or_default();
        if driver == "host" || (network.keys.is_set("external") && name == "host") {
            let what = format!("the host's network, through the network {}", quoted(&network.name));
            grants.push(Grant::danger(Id::HostNetwork, what));
        } else if matches!(driver.as_str(), "macvlan" | "ipvlan") {
            let what = format!("an address in the host's own network, through {}", quoted(&network.name));
            grants.push(Grant::new(Id::HostNetwork, Severity::Caution, what).of(&network.name));
        }
        let gateways = GATEWAYS.iter().filter_map(|key| network.keys.at(&["driver_opts", key])?.text());
        if gateways.map(Given::of).any(|mode| OPEN_GATEWAYS.contains(&mode.text.as_str())) {
            let what = format!("open ports, published or not, through the network {}", quoted(&network.name));
            grants.push(Grant::danger(Id::HostNetwork, what).of(&network.name));
        }
    }
    let reserved = service.keys.at(&["deploy", "resources", "reservations", "devices"]);
    let gpus = [service.keys.get("gpus"), reserved].map(|devices| Sense::Read.of("gpus", devices));
    for device in gpus.iter().flatten().flat_map(each).flat_map(each_gpu) {
        let count = device.get("count").written();
        // Without a count, it is all.
        let is_all = matches!(device, Tree::Table(_))
            && count.as_deref().is_none_or(|count| count == "-1")
            && ["device_ids", "capabilities"].iter().all(|key| device.get(key).is_none());
        let item = if is_all { "all".to_owned() } else { device.written().unwrap_or_default() };
        let what = format!("access to GPUs of the host: {}", quoted(&item));
        let gpus = if is_all { u32::MAX } else { count.and_then(|count| count.parse().ok()).unwrap_or_default() };
        grants.push(Grant { gpus, ..Grant::danger(Id::GpuAccess, what).of(item) });
    }
    further(service, &mut grants);
    for &(path, id, severity, what) in LISTS {
        let tree = service.keys.at(path);
        let devices = if path == ["devices"] { Sense::Read.of("devices", tree) } else { None };
        let devices = devices.as_ref().map(each).unwrap_or_default();
        for (index, item) in items(tree).into_iter().enumerate().filter(|(_, item)| !item.is_empty()) {
            let part = |key| devices.get(index)?.get(key).written();
            let device = part("source").map(|source| (source, part("permissions").unwrap_or_else(|| "rwm".to_owned())));
            // `c 1:3 rwm`
            let rule = item.rsplit_once(' ').filter(|_| path == ["device_cgroup_rules"]);
            let device = device.or_else(|| rule.map(|(which, access)| (which.to_owned(), access.to_owned())));
            grants.push(Grant { device, ..Grant::new(id, severity, format!("{what} {}", quoted(&item))).of(item) });
        }
    }
    if let Some(user) = service.keys.text("user").map(Given::of) {
        if is_root(&user.text) {
            grants.push(Grant::danger(Id::RootUser, ROOT));
        } else if user.open {
            grants.push(Grant::open("user", &user));
        }
    }
    capabilities(service, &mut grants);
    security_options(service, &mut grants);
    if !service.keys.is_set("read_only") {
        let what = "a writable root file system";
        // In a cluster it weakens the security context of a pod that shares its node with others.
        let in_cluster = shared.project.stack.kubernetes.is_some();
        let severity = if in_cluster { Severity::Danger } else { Severity::Caution };
        grants.push(Grant { usual: true, ..Grant::new(Id::WritableRoot, severity, what) });
    }
    for mount in &service.mounts {
        mounted(shared, mount, &mut grants);
    }
    let names = |list: &'_ [FileGrant]| list.iter().map(|grant| grant.source.clone()).collect::<Vec<_>>();
    let of_build = match service.keys.at(&["build", "secrets"]) {
        Some(Tree::List(list)) => list.iter().filter_map(|item| item.get("source").unwrap_or(item).written()).collect(),
        _ => Vec::new(),
    };
    for (what, granted, sources) in [
        ("secret", names(&service.secrets), &shared.secrets),
        ("config", names(&service.configs), &shared.configs),
        ("build's secret", of_build, &shared.secrets),
    ] {
        for name in granted {
            let Some(source) = sources.get(name.as_str()) else { continue };
            let file = source.keys.text("file");
            let through = format!("the {what} {}", quoted(&name));
            let way = Way { through: &through, written: false, outside: false };
            grants.extend(file.and_then(|file| gift(&shared.project, file, &way)).map(Grant::from));
            let variable = source.keys.text("environment").and_then(Text::literal);
            if let Some(variable) = variable.filter(|name| VARIABLES.iter().any(|start| name.starts_with(start))) {
                let what = format!("credentials of the host: the variable {}, {through}", quoted(variable));
                grants.push(Grant::danger(Id::HostCredentials, what).of(variable));
            }
        }
    }
    files(&shared.project, service, &mut grants);
    grants
}

/// Adds what a switch gives if it is on, or may be.
fn switch(tree: Option<&Tree>, key: &str, grants: &mut Vec<Grant>, grant: impl FnOnce() -> Grant) {
    match tree {
        Some(Tree::Boolean(true)) => grants.push(grant()),
        Some(Tree::Text(text)) => {
            let given = Given::of(text);
            if given.is_on() {
                grants.push(grant());
            } else if given.open {
                grants.push(Grant::open(key, &given));
            }
        }
        _ => {}
    }
}

/// Namespaces of the host, or of a container that isn't the stack's.
fn namespaces(service: &Service, network: Option<Given>, grants: &mut Vec<Grant>) {
    for &(key, name) in NAMESPACES {
        if let Some(mode) = service.keys.text(key).map(Given::of) {
            if mode.text == "host" {
                grants.push(Grant::danger(Id::HostNamespace, format!("the host's {name} namespace")).of(key));
            }
            foreign(key, &mode, grants);
        }
    }
    if let Some(mode) = network {
        foreign("network_mode", &mode, grants);
    }
    if let Some(runtime) = service.keys.text("runtime").map(Given::of) {
        if runtime.open {
            grants.push(Grant::open("runtime", &runtime));
        } else if runtime.text.starts_with("nvidia") {
            let what = format!("access to GPUs of the host: the runtime {}", quoted(&runtime.text));
            grants.push(Grant::danger(Id::GpuAccess, what).of(runtime.text));
        } else if !RUNTIMES.contains(&runtime.text.as_str()) {
            let what = format!("a runtime that decides what is isolated from the host: {}", quoted(&runtime.text));
            grants.push(Grant::danger(Id::UnknownRuntime, what).of(runtime.text));
        }
    }
}

fn foreign(key: &str, mode: &Given, grants: &mut Vec<Grant>) {
    let found = FOREIGN.iter().find_map(|(start, id, whose)| Some((*id, *whose, mode.text.strip_prefix(start)?)));
    if let Some((id, whose, name)) = found {
        let what = format!("{} of {whose}: {}", quoted(key), quoted(name));
        grants.push(Grant::danger(id, what).of(format!("{key}:{name}")));
    } else if mode.open {
        grants.push(Grant::open(key, mode));
    }
}

/// What a service may do through something other than its own container's rights.
fn further(service: &Service, grants: &mut Vec<Grant>) {
    let of_compose = |key: &str| service.keys.get(key);
    let mut hooks: Vec<(&str, &Tree)> = Vec::new();
    for key in ["post_start", "pre_stop", "pre_start"] {
        hooks.extend(of_compose(key).into_iter().flat_map(each).map(|hook| (key, hook)));
    }
    for watched in watched(service) {
        hooks.extend(watched.get("exec").map(|hook| ("develop.watch", hook)));
    }
    for (key, hook) in hooks {
        // Another command is another danger.
        let command = hook.get("command").written().unwrap_or_default();
        let grant = |id, whose: &str| {
            let what = format!("a command {whose}, in {}: {}", quoted(key), quoted(&command));
            Grant::danger(id, what).of(format!("{key}:{command}"))
        };
        switch(hook.get("privileged"), key, grants, || grant(Id::PrivilegedHook, "with full access to the host"));
        if let Some(user) = hook.get("user").and_then(Tree::text).map(Given::of) {
            if is_root(&user.text) {
                grants.push(grant(Id::RootHook, "that runs as root"));
            } else if user.open {
                grants.push(Grant::open(key, &user));
            }
        }
    }
    if let Some(network) = service.keys.at(&["build", "network"]).and_then(Tree::text).map(Given::of) {
        if network.text == "host" {
            let what = "a build in the host's network: `build.network`";
            grants.push(Grant::danger(Id::PrivilegedBuild, what).of("build.network"));
        } else {
            foreign("build.network", &network, grants);
        }
    }
    if let Some(provider) = of_compose("provider") {
        let kind = provider.get("type").written().unwrap_or_default();
        let options = provider.get("options").written().map(|options| format!(" {options}")).unwrap_or_default();
        let what = format!("a program that Compose runs on the host: {}", quoted(&format!("{kind}{options}")));
        grants.push(Grant::danger(Id::HostProgram, what).of(format!("{kind}{options}")));
    }
    if let Some(base) = of_compose("extends")
        && let Some(file) = base.get("file").written()
    {
        let of_file = format!("{file}:{}", base.get("service").written().unwrap_or_default());
        let what = format!("whatever another file gives it: {}", quoted(&of_file));
        grants.push(Grant::danger(Id::ExtendsFile, what).of(of_file));
    }
    for other in service.keys.texts("volumes_from").map(Given::of) {
        let written = other.text.strip_suffix(":rw").unwrap_or(&other.text);
        if !other.open && !written.ends_with(":ro") {
            let what = format!("write access to the volumes of {}", quoted(written));
            grants.push(Grant::new(Id::BorrowedVolumes, Severity::Caution, what).of(written));
        }
        if let Some(name) = other.text.strip_prefix("container:") {
            let name = name.split(':').next().unwrap_or(name);
            let what = format!("the volumes of a container outside of the stack: {}", quoted(name));
            grants.push(Grant::danger(Id::ForeignVolumes, what).of(name));
        } else if other.open {
            grants.push(Grant::open("volumes_from", &other));
        }
    }
}

/// Paths of the host that keys of Compose read, or write.
fn files(project: &Project<'_>, service: &Service, grants: &mut Vec<Grant>) {
    let mut add = |through: &str, path: String, written: bool| {
        let through = quoted(through);
        let way = Way { through: &through, written, outside: true };
        grants.extend(gift(project, &path.into(), &way).map(Grant::from));
    };
    // The other two are dangers of their own.
    for named in service.paths.iter().filter(|named| !matches!(named.key, "build.ssh" | "extends")) {
        for path in places(named.key, &Given::of(&named.path).text) {
            add(named.key, path, false);
        }
    }
    for &(keys, written) in FILES {
        let through = keys.join(".");
        for item in service.keys.at(keys).into_iter().flat_map(each).filter_map(Tree::text) {
            for path in places(&through, &Given::of(item).text) {
                add(&through, path, written);
            }
        }
    }
    let of_build = |key| Some(Given::of(service.keys.at(&["build", key])?.text()?).text);
    if let Some(file) = of_build("dockerfile") {
        // Relative to a context that is reported itself.
        if file.starts_with(['/', '~', '\\', '$']) {
            add("build.dockerfile", file, false);
        } else if let Some(context) = of_build("context").filter(|_| file.contains(".."))
            && let Some(context) = local(&context)
        {
            add("build.dockerfile", format!("{context}/{file}"), false);
        }
    }
}

/// The paths that a value has.
fn places(key: &str, value: &str) -> Vec<String> {
    match key {
        // `type=local,dest=/x`
        "build.cache_from" | "build.cache_to" => {
            let is_path = |key: &str| ["src", "dest"].iter().any(|name| key.trim().eq_ignore_ascii_case(name));
            let path = |(key, path): (&str, &str)| is_path(key).then(|| local(path.trim()))?;
            fields(value).iter().filter_map(|field| path(field.split_once('=')?)).collect()
        }
        // An item of a list is `name=path`.
        "build.additional_contexts" => {
            local(value.split_once('=').map_or(value, |(_, path)| path)).into_iter().collect()
        }
        _ => local(value).into_iter().collect(),
    }
}

/// The fields of a line, as `BuildKit` reads it: those with a comma are in quotes.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut in_quotes = false;
    for c in line.chars() {
        match (c, fields.last_mut()) {
            ('"', _) => in_quotes = !in_quotes,
            (',', _) if !in_quotes => fields.push(String::new()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    fields
}

/// The path that a value is, unless it is a URL, an image or a service.
fn local(value: &str) -> Option<String> {
    let path = LOCAL.iter().find_map(|start| value.strip_prefix(start)).unwrap_or(value);
    let is_path = !path.contains("://") && !REMOTE_CONTEXTS.iter().any(|start| path.starts_with(start));
    is_path.then(|| path.to_owned())
}

fn watched(service: &Service) -> impl Iterator<Item = &Tree> {
    service.keys.at(&["develop", "watch"]).into_iter().flat_map(each)
}

/// Whether a user, with or without a group, is root.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name == "root" || name.parse() == Ok(0_u32)
}

/// The capabilities of a container: Docker's defaults unless it drops all, and those that it adds.
fn capabilities(service: &Service, grants: &mut Vec<Grant>) {
    let name = |capability: &Text| {
        let given = Given::of(capability);
        let name = given.text.to_ascii_uppercase();
        (name.strip_prefix("CAP_").map(ToOwned::to_owned).unwrap_or(name), given)
    };
    let dropped: Vec<String> = service.keys.texts("cap_drop").map(name).map(|(name, _)| name).collect();
    for (added, given) in service.keys.texts("cap_add").map(name) {
        if given.open {
            grants.push(Grant::open("cap_add", &given));
        } else {
            let what = format!("the capability {}", quoted(&added));
            grants.push(Grant::danger(Id::CapabilityAdded, what).of(added));
        }
    }
    if !dropped.iter().any(|dropped| dropped == "ALL") {
        grants.push(Grant { usual: true, ..Grant::danger(Id::DefaultCapabilities, WHOLE) });
        for &usual in USUAL.iter().filter(|usual| !dropped.iter().any(|dropped| dropped == *usual)) {
            let what = format!("the capability {}", quoted(usual));
            let grant = Grant::danger(Id::DefaultCapabilities, what).of(usual);
            grants.push(Grant { usual: true, part: true, ..grant });
        }
    }
}

/// Protections that a service turns off or replaces, and those that it leaves out.
fn security_options(service: &Service, grants: &mut Vec<Grant>) {
    let options: Vec<(String, Given)> =
        service.keys.texts("security_opt").map(|option| (text(option), Given::of(option))).collect();
    let plain = |given: &Given| given.text.replacen('=', ":", 1).to_ascii_lowercase();
    let confined = |given: &Given| matches!(plain(given).as_str(), "no-new-privileges" | "no-new-privileges:true");
    let undone = |given: &Given| plain(given) == "no-new-privileges:false";
    if !options.iter().any(|(_, given)| confined(given)) || options.iter().any(|(_, given)| undone(given)) {
        let what = "a way to escalate privileges: `no-new-privileges` is not set";
        grants.push(Grant::danger(Id::PrivilegeEscalation, what));
    }
    for (written, given) in options {
        let option = plain(&given);
        let (kind, profile) = option.split_once(':').unwrap_or((&option, ""));
        let off = profile == "unconfined"
            || option == "label:disable"
            || ["spc_t", "unconfined_t"].iter().any(|label| profile.contains(label))
            || !(given.open || OPTIONS.contains(&kind));
        if off {
            let what = format!("the security option {}", quoted(&written.replacen('=', ":", 1)));
            grants.push(Grant::danger(Id::SecurityOption, what).of(given.text.clone()));
        } else if given.open {
            grants.push(Grant::open("security_opt", &given));
        } else if matches!(kind, "seccomp" | "apparmor" | "label")
            && !matches!(profile, "" | "builtin" | "docker-default")
        {
            let what = format!("a security profile of its own: {}", quoted(&written));
            grants.push(Grant::new(Id::CustomSecurityProfile, Severity::Caution, what).of(given.text.clone()));
        }
    }
}

/// The grant of a service whose user is root.
const ROOT: &str = "root as its user";

/// All of Docker's default capabilities.
const WHOLE: &str = "Docker's default capabilities";

/// The capabilities that Docker gives a container by default (`DefaultCapabilities` of Moby's `oci/caps`).
const USUAL: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

/// What a mount gives of the host.
fn mounted(shared: &Shared<'_>, mount: &Mount, grants: &mut Vec<Grant>) {
    let read_only = match &mount.read_only {
        Some(Value::Is(read_only)) => *read_only,
        Some(Value::Env(text)) => Given::of(text).is_on(),
        None => false,
    };
    let Some(source) = &mount.source else { return };
    match mount.kind {
        MountType::Bind => {
            let way = Way { through: "", written: !read_only, outside: false };
            let found = gift(&shared.project, source, &way).map(Grant::from);
            let into_socket = Given::of(&mount.target).text.ends_with("/docker.sock");
            if into_socket && found.as_ref().is_none_or(|grant| grant.id != Id::EngineSocket) {
                grants.push(Grant::danger(Id::EngineSocket, ENGINE).of(text(source)));
            } else {
                grants.extend(found);
            }
            let propagation = mount.keys.at(&["bind", "propagation"]).and_then(Tree::text).map(Given::of);
            if let Some(propagation) = propagation.filter(|propagation| propagation.text.ends_with("shared")) {
                let target = text(&mount.target);
                let what = format!("mounts that the host sees: {} is {}", quoted(&target), quoted(&propagation.text));
                grants.push(Grant::danger(Id::MountPropagation, what).of(target));
            }
        }
        MountType::Npipe => {
            let what = format!("a named pipe of the host: {}", quoted(&text(source)));
            grants.push(Grant::danger(Id::EngineSocket, what).of(text(source)));
        }
        MountType::Volume => {
            let volume = shared.volumes.get(text(source).as_str());
            grants.extend(volume.and_then(|volume| from_volume(&shared.project, volume, !read_only)));
        }
        MountType::Tmpfs | MountType::Image | MountType::Cluster => {}
    }
}

/// What a volume gives of the host: Docker's own driver mounts whatever its options say.
fn from_volume(project: &Project<'_>, volume: &Named, written: bool) -> Option<Grant> {
    let given = |key: &str| volume.keys.at(&["driver_opts", key]).and_then(Tree::text).map(Given::of);
    let through = format!("the volume {}", quoted(&volume.name));
    if let Some(driver) = volume.keys.text("driver").map(Given::of)
        && driver.text != "local"
    {
        let what = format!("whatever the plugin {} mounts, through {through}", quoted(&driver.text));
        let options = volume.keys.get("driver_opts").written().map(|options| format!(":{options}")).unwrap_or_default();
        let thing = format!("{}{options}", volume.name);
        return Some(Grant::new(Id::VolumePlugin, Severity::Caution, what).of(thing));
    }
    let (kind, options) = (given("type"), given("o").map(|given| given.text).unwrap_or_default());
    let has = |option: &str| options.split(',').any(|word| word.trim() == option);
    let kind = kind.map(|given| given.text).unwrap_or_default();
    if kind == "overlay" || options.contains("lowerdir=") {
        let what = format!("host paths, through {through}: {}", quoted(&options));
        // Other folders are another danger.
        return Some(Grant::danger(Id::HostSystemPath, what).of(options));
    }
    let device = volume.keys.at(&["driver_opts", "device"])?.text()?;
    // The kernel ignores the type of a bind mount.
    let bound = has("bind") || has("rbind");
    if !bound && REMOTE.contains(&kind.as_str()) {
        return None;
    }
    if bound || matches!(kind.as_str(), "" | "none" | "bind") {
        let way = Way { through: &through, written: written && !has("ro"), outside: false };
        return gift(project, device, &way).map(Grant::from);
    }
    let device = text(device);
    let what = format!("access to the device {}, through {through}", quoted(&device));
    Some(Grant::danger(Id::DeviceAccess, what).of(device))
}

/// A request for GPUs, as one for each that it names.
fn each_gpu(request: &Tree) -> Vec<Tree> {
    let Tree::Table(entries) = request else { return vec![request.clone()] };
    let mut rest = entries.clone();
    // What `gpus` reserves.
    rest.retain(|(key, value)| key != "capabilities" || value.written().as_deref() != Some("gpu"));
    let Some(Tree::List(ids)) = request.get("device_ids").filter(|ids| !each(ids).is_empty()) else {
        return vec![Tree::Table(rest)];
    };
    let only = |id: &Tree| {
        let entries = rest.iter().map(|(key, value)| {
            let value = if key == "device_ids" { Tree::List(vec![id.clone()]) } else { value.clone() };
            (key.clone(), value)
        });
        Tree::Table(entries.collect())
    };
    ids.iter().map(only).collect()
}

/// The items of a list of Compose, which may have one without a list.
fn each(tree: &Tree) -> &[Tree] {
    if let Tree::List(items) = tree { items } else { std::slice::from_ref(tree) }
}

fn items(tree: Option<&Tree>) -> Vec<String> {
    match tree {
        // `NAME` or `NAME=value`
        Some(Tree::Table(entries)) => entries
            .iter()
            .map(|(name, value)| {
                let value = value.written().filter(|value| !value.is_empty());
                value.map_or_else(|| name.clone(), |value| format!("{name}={value}"))
            })
            .collect(),
        tree => tree.into_iter().flat_map(each).map(|item| item.written().unwrap_or_default()).collect(),
    }
}

/// Keys of Compose that are reported here.
pub(super) fn covers(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key)
}
