//! What containers may do to the host: each grant that a service gains or loses.

use camino::Utf8Path;

use super::written::{Written, text};
use super::{Area, Change, Severity, quoted, value};
use crate::model::service::{Mount, Service};
use crate::model::text::{Text, Tree, Value};
use crate::spec::service::MountType;

const AREA: Area = Area::Privileges;

/// Keys of Compose that give a container a namespace of the host's, and its name.
const NAMESPACES: &[(&str, &str)] =
    &[("pid", "`pid`"), ("ipc", "`ipc`"), ("uts", "`uts`"), ("userns_mode", "user"), ("cgroup", "`cgroup`")];

/// Keys of Compose whose items each give a container something.
const LISTS: &[(&str, Severity, &str)] = &[
    ("devices", Severity::Danger, "access to the device"),
    ("device_cgroup_rules", Severity::Danger, "access to devices by the rule"),
    ("group_add", Severity::Caution, "membership in the group"),
];

/// Something that a service may do.
struct Grant {
    what: String,
    severity: Severity,
    /// Whether a service has it by default.
    usual: bool,
    /// Whether it is one of Docker's default capabilities, which can also be gained or lost as a whole.
    part: bool,
}

impl Grant {
    fn new(severity: Severity, what: impl Into<String>) -> Self {
        Self { what: what.into(), severity, usual: false, part: false }
    }
}

/// What a new service may do that is out of the ordinary.
pub(super) fn added(new: &Service, changes: &mut Vec<Change>) {
    for grant in grants(new).into_iter().filter(|grant| !grant.usual) {
        // Several kinds need it, and other services ask for it explicitly.
        let severity = if grant.what == CREDENTIALS { Severity::Caution } else { grant.severity };
        changes.push(Change::new(severity, AREA, &new.name, format!("gains {}", grant.what)));
    }
}

/// What a service may do now and could not before, and the other way round.
pub(super) fn compare(old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let (before, after) = (grants(old), grants(new));
    let whole = |grants: &[Grant]| grants.iter().any(|grant| grant.what == WHOLE);
    let together = whole(&before) != whole(&after);
    let stays = |grant: &Grant, others: &[Grant]| {
        let has = others.iter().any(|other| other.what == grant.what);
        has || (together && grant.part)
    };
    for grant in after.iter().filter(|grant| !stays(grant, &before)) {
        changes.push(Change::new(grant.severity, AREA, &new.name, format!("gains {}", grant.what)));
    }
    for grant in before.iter().filter(|grant| !stays(grant, &after)) {
        changes.push(Change::notice(AREA, &new.name, format!("loses {}", grant.what)));
    }
    let has_root = |grants: &[Grant]| grants.iter().any(|grant| grant.what == ROOT);
    if has_root(&before) == has_root(&after) {
        let start = changes.len();
        let user = |service: &Service| service.keys.get("user").and_then(Written::written);
        value(changes, (AREA, &new.name), "user", user(old), user(new));
        if let Some(change) = changes.get_mut(start) {
            // It may now be able to access files of other users.
            change.severity = Severity::Caution;
        }
    }
    // Same grants, different spelling or order.
    let names = |grants: &[Grant]| grants.iter().map(|grant| grant.what.clone()).collect::<Vec<_>>();
    if names(&before) == names(&after) {
        for name in ["cap_drop", "cap_add", "security_opt"] {
            let list = |service: &Service| service.keys.get(name).and_then(Written::written);
            value(changes, (AREA, &new.name), name, list(old), list(new));
        }
    }
}

fn grants(service: &Service) -> Vec<Grant> {
    let mut grants = Vec::new();
    let of_compose = |key: &str| service.keys.get(key);
    if service.keys.is_set("privileged") {
        grants.push(Grant::new(Severity::Danger, "full access to the host: `privileged`"));
    }
    if service.network_mode.as_ref().and_then(Text::literal) == Some("host") {
        let what = "the host's network: its ports are open on the host";
        grants.push(Grant::new(Severity::Danger, what));
    }
    for &(key, name) in NAMESPACES {
        if matches!(of_compose(key), Some(Tree::Text(Text::Literal(mode))) if mode == "host") {
            grants.push(Grant::new(Severity::Danger, format!("the host's {name} namespace")));
        }
    }
    if service.keys.is_set("use_api_socket") {
        let what = "the engine's API socket: whoever controls the container controls the host";
        grants.push(Grant::new(Severity::Danger, what));
    }
    for item in items(of_compose("gpus")) {
        grants.push(Grant::new(Severity::Danger, format!("access to GPUs of the host: {}", quoted(&item))));
    }
    further(service, &mut grants);
    for &(key, severity, what) in LISTS {
        for item in items(of_compose(key)) {
            grants.push(Grant::new(severity, format!("{what} {}", quoted(&item))));
        }
    }
    if let Some(user) = service.keys.text("user").and_then(Text::literal)
        && is_root(user)
    {
        grants.push(Grant::new(Severity::Danger, ROOT));
    }
    capabilities(service, &mut grants);
    let options: Vec<String> = service.keys.texts("security_opt").map(text).collect();
    let confined =
        |option: &String| matches!(option.replace('=', ":").as_str(), "no-new-privileges" | "no-new-privileges:true");
    if !options.iter().any(confined) {
        grants.push(Grant::new(Severity::Danger, "a way to escalate privileges: `no-new-privileges` is not set"));
    }
    for option in options {
        let plain = option.replace('=', ":");
        if plain.ends_with(":unconfined") || plain == "label:disable" {
            grants.push(Grant::new(Severity::Danger, format!("the security option {}", quoted(&option))));
        }
    }
    if !service.keys.is_set("read_only") {
        let what = "a writable root file system";
        grants.push(Grant { usual: true, ..Grant::new(Severity::Caution, what) });
    }
    for mount in &service.mounts {
        grants.extend(of_host(mount));
    }
    grants
}

/// What a service may do through something other than its own container's rights.
fn further(service: &Service, grants: &mut Vec<Grant>) {
    let of_compose = |key: &str| service.keys.get(key);
    let is_on = |tree: Option<&Tree>| match tree {
        Some(Tree::Boolean(on)) => *on,
        Some(Tree::Text(text)) => text.literal() != Some("false"),
        _ => false,
    };
    for key in ["post_start", "pre_stop", "pre_start"] {
        let Some(Tree::List(hooks)) = of_compose(key) else { continue };
        let root = |hook: &Tree| hook.get("user").and_then(Tree::text).and_then(Text::literal).is_some_and(is_root);
        if hooks.iter().any(|hook| is_on(hook.get("privileged"))) {
            grants
                .push(Grant::new(Severity::Danger, format!("a command with full access to the host: {}", quoted(key))));
        }
        if hooks.iter().any(root) {
            grants.push(Grant::new(Severity::Danger, format!("a command that runs as root: {}", quoted(key))));
        }
    }
    if is_on(of_compose("build").and_then(|build| build.get("privileged"))) {
        grants.push(Grant::new(Severity::Danger, "a build with full access to the host: `build.privileged`"));
    }
    if let Some(provider) = of_compose("provider") {
        let kind = provider.get("type").and_then(Written::written).unwrap_or_default();
        grants
            .push(Grant::new(Severity::Danger, format!("a program that Compose runs on the host: {}", quoted(&kind))));
    }
    if let Some(file) = of_compose("extends").and_then(|base| base.get("file")).and_then(Written::written) {
        grants.push(Grant::new(Severity::Danger, format!("whatever another file gives it: {}", quoted(&file))));
    }
    for other in service.keys.texts("volumes_from").map(text) {
        if let Some(name) = other.strip_prefix("container:") {
            let name = name.split(':').next().unwrap_or(name);
            let what = format!("the volumes of a container outside of the stack: {}", quoted(name));
            grants.push(Grant::new(Severity::Danger, what));
        }
    }
}

/// Whether a user, with or without a group, is root.
fn is_root(user: &str) -> bool {
    matches!(user.split(':').next(), Some("root" | "0"))
}

/// The capabilities of a container: Docker's defaults unless it drops all, and those that it adds.
fn capabilities(service: &Service, grants: &mut Vec<Grant>) {
    let name = |capability: &Text| {
        let name = text(capability).to_ascii_uppercase();
        name.strip_prefix("CAP_").map(ToOwned::to_owned).unwrap_or(name)
    };
    let dropped: Vec<String> = service.keys.texts("cap_drop").map(name).collect();
    for added in service.keys.texts("cap_add").map(name) {
        let what = format!("the capability {}", quoted(&added));
        grants.push(Grant::new(Severity::Danger, what));
    }
    if !dropped.iter().any(|dropped| dropped == "ALL") {
        grants.push(Grant { usual: true, ..Grant::new(Severity::Danger, WHOLE) });
        for &usual in USUAL.iter().filter(|usual| !dropped.iter().any(|dropped| dropped == *usual)) {
            let what = format!("the capability {}", quoted(usual));
            grants.push(Grant { usual: true, part: true, ..Grant::new(Severity::Danger, what) });
        }
    }
}

/// The grant of a mount of `~/.aws`, as `aws = true` adds it.
const CREDENTIALS: &str = "the host's AWS credentials";

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
fn of_host(mount: &Mount) -> Option<Grant> {
    if mount.kind != MountType::Bind {
        return None;
    }
    let source = text(mount.source.as_ref()?);
    let written = !matches!(mount.read_only, Some(Value::Is(true)));
    if is_socket(&source) || is_socket(&text(&mount.target)) {
        let what = "the Docker socket: whoever controls the container controls the host";
        return Some(Grant::new(Severity::Danger, what));
    }
    if Utf8Path::new(&source).ends_with(".aws") {
        return Some(Grant::new(Severity::Danger, CREDENTIALS));
    }
    if source == "/" {
        return Some(Grant::new(Severity::Danger, "the host's entire file system"));
    }
    // Files next to the Compose file belong to the project.
    (written && !source.starts_with("./"))
        .then(|| Grant::new(Severity::Caution, format!("write access to a host path: {}", quoted(&source))))
}

fn is_socket(path: &str) -> bool {
    path.ends_with("/docker.sock")
}

/// The items of a list of Compose.
fn items(tree: Option<&Tree>) -> Vec<String> {
    match tree {
        None => Vec::new(),
        Some(Tree::List(items)) => items
            .iter()
            .map(|item| match item {
                Tree::Text(value) => text(value),
                other => other.written().unwrap_or_default(),
            })
            .collect(),
        Some(other) => other.written().into_iter().collect(),
    }
}

/// Keys of Compose that are reported here.
pub(super) fn covers(key: &str) -> bool {
    const REPORTED: &[&str] =
        &["privileged", "user", "read_only", "cap_add", "cap_drop", "security_opt", "use_api_socket", "gpus"];
    REPORTED.contains(&key) || LISTS.iter().any(|(list, ..)| *list == key)
}
