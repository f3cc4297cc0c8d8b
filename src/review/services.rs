//! Containers: those added, removed and recreated, and every key without an area of its own.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::environment::{self, Secrets};
use super::meaning::{Sense, alike, split, trimmed};
use super::written::{Written, rewritten, tree};
use super::{
    Area, Change, Fate, Id, Pair, Side, changed, conditional, fates, ports, privileges, quoted, quoted_list, settings,
    sides, storage, value,
};
use crate::Plan;
use crate::model::service::{Command, FileGrant, Healthcheck, NetworkMember, Port, Service};
use crate::model::text::{Text, Tree};
use crate::model::{Keys, Stack};
use crate::spec::rules;

/// Whether services belong to the stack or run on demand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Stack,
    Schema,
}

impl Role {
    fn area(self) -> Area {
        match self {
            Self::Stack => Area::Services,
            Self::Schema => Area::Schema,
        }
    }
}

/// The digests of the files that services mount.
pub(super) struct Digests {
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
}

impl Digests {
    pub(super) fn of(before: Option<&Plan>, after: Option<&Plan>) -> Self {
        let digests = |plan: Option<&Plan>| plan.map(Plan::config_digests).unwrap_or_default();
        Self { before: digests(before), after: digests(after) }
    }
}

pub(super) fn compare(pair: &Pair<'_>, digests: &Digests, changes: &mut Vec<Change>) {
    let secrets = [pair.before, pair.after].map(Secrets::of);
    let forms = [pair.before, pair.after].map(conditional::of);
    let shared = [
        privileges::Shared::of(pair.before, &forms[0], pair.ground, Side::Before),
        privileges::Shared::of(pair.after, &forms[1], pair.ground, Side::After),
    ];
    let context = Context { pair, secrets: &secrets, digests, shared: &shared, same_shared: same_shared(pair) };
    let both = [
        (Role::Stack, &pair.before.services, &pair.after.services),
        (Role::Schema, &pair.before.schema_services, &pair.after.schema_services),
    ];
    for (role, before, after) in both {
        // The first service that publishes each port.
        let mut taken: HashMap<u16, usize> = HashMap::new();
        for (index, service) in after.iter().enumerate() {
            host_ports(service).for_each(|port| _ = taken.entry(port).or_insert(index));
        }
        for fate in fates(before, after, |service| service.name.as_str()) {
            match fate {
                Fate::Added(new) => {
                    added(role, &shared[1], new, changes);
                    environment::secrets(None, (new, &secrets[1]), changes);
                }
                Fate::Removed(old) => {
                    let what = "removed; `docker compose up` keeps its container unless run with `--remove-orphans`";
                    let in_compose = pair.after.kubernetes.is_none();
                    let what = if role == Role::Stack && in_compose { what } else { "removed" };
                    let mut change = Change::notice(Id::ServiceRemoved, role.area(), &old.name, what);
                    let held = host_ports(old).filter_map(|port| Some((taken.get(&port)?, port)));
                    if role == Role::Stack
                        && in_compose
                        && let Some((&index, port)) = held.min_by_key(|(index, _)| **index)
                    {
                        let other = quoted(&after[index].name);
                        let what = format!(
                            "removed, but its container still holds the port {port} that {other} publishes: run `docker \
                             compose up --remove-orphans`, which stops it first"
                        );
                        change = Change::caution(Id::ServiceRemoved, role.area(), &old.name, what);
                    }
                    changes.push(change.was(old.image.written()).whole());
                }
                Fate::Stays(old, new) => stays(role, &context, old, new, changes),
            }
        }
        let common = |services: &[Service], others: &[Service]| -> Vec<String> {
            let known: HashSet<&str> = others.iter().map(|service| service.name.as_str()).collect();
            services.iter().map(|s| s.name.clone()).filter(|name| known.contains(name.as_str())).collect()
        };
        if common(before, after) != common(after, before) {
            let what = "the order of services changed";
            changes.push(Change::notice(Id::ServiceOrderChanged, role.area(), &pair.after.project, what));
        }
    }
}

/// The ports of the host that a service publishes.
fn host_ports(service: &Service) -> impl Iterator<Item = u16> {
    service.ports.iter().filter_map(|port| port.published.as_ref()?.number())
}

/// What the services of two stacks are compared with.
struct Context<'c> {
    pair: &'c Pair<'c>,
    secrets: &'c [Secrets<'c>; 2],
    digests: &'c Digests,
    shared: &'c [privileges::Shared<'c>; 2],
    /// Whether what services name at the top level is the same.
    same_shared: bool,
}

fn same_shared(pair: &Pair<'_>) -> bool {
    fn of(stack: &Stack) -> [&[crate::model::Named]; 4] {
        [&stack.volumes, &stack.networks, &stack.secrets, &stack.configs]
    }
    of(pair.before) == of(pair.after)
}

fn added(role: Role, shared: &privileges::Shared<'_>, new: &Service, changes: &mut Vec<Change>) {
    let image = new.image.written().or_else(|| new.is_built().then(|| "built by Compose".to_owned()));
    changes.push(Change::notice(Id::ServiceAdded, role.area(), &new.name, "added").is(image).whole());
    ports::added(new, changes);
    privileges::added(shared, new, changes);
}

fn stays(role: Role, context: &Context<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let &Context { pair, secrets, digests, shared, same_shared } = context;
    let digest = |digests: &BTreeMap<String, String>, name: &str| digests.get(name).cloned();
    let reconfigured = digest(&digests.before, &old.name) != digest(&digests.after, &new.name);
    // Most services of a large stack are unchanged.
    if !reconfigured && old == new {
        let has_files =
            !(new.mounts.is_empty() && new.paths.is_empty() && new.secrets.is_empty() && new.configs.is_empty());
        if has_files || !same_shared {
            privileges::compare((&shared[0], old), (&shared[1], new), changes);
        }
        return;
    }
    environment::compare(pair, &secrets[0], old, new, changes);
    environment::secrets(Some((old, &secrets[0])), (new, &secrets[1]), changes);
    ports::compare(pair, old, new, changes);
    privileges::compare((&shared[0], old), (&shared[1], new), changes);
    storage::mounts(pair, old, new, changes);
    settings::service(pair, old, new, changes);
    keys(role, pair, old, new, changes);
    if pair.before.project == pair.after.project {
        recreated(role, pair, reconfigured, old, new, changes);
    }
}

/// Keys whose names are explanation enough.
fn keys(role: Role, pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let subject = (Id::ServiceChanged, role.area(), new.name.as_str());
    let kind = |service: &Service| service.kind.as_ref().map(|kind| kind.as_str().to_owned());
    value(changes, subject, "kind", kind(old), kind(new));
    macro_rules! keys {
        ($($field:ident)*) => {
            $(value(changes, subject, stringify!($field), old.$field.written(), new.$field.written());)*
        };
    }
    keys!(group description metrics container_name hostname profiles labels network_mode extra_hosts);
    for (name, old, new) in [
        ("labels", &old.referring_labels, &new.referring_labels),
        ("extra_hosts", &old.referring_hosts, &new.referring_hosts),
    ] {
        value(changes, subject, name, old.written(), new.written());
    }
    if old.networks != new.networks {
        // What is hidden may have changed.
        changes.push(changed(subject, "networks", old.networks.written(), new.networks.written()));
    }
    let restart = |service: &Service| service.restart.written().map(|restart| Tree::from(restart.as_str()));
    tree(changes, subject, "restart", restart(old).as_ref(), restart(new).as_ref());
    for (name, old, new) in [("command", &old.command, &new.command), ("entrypoint", &old.entrypoint, &new.entrypoint)]
    {
        let (before, after) = (plain(pair, old.as_ref()), plain(pair, new.as_ref()));
        if before != after {
            let (id, area, subject) = (Id::CommandChanged, subject.1, subject.2);
            let same = before.map(split) == after.map(split);
            let (before, after) = (old.written(), new.written());
            if same {
                changes.push(rewritten((id, area, subject), name));
            } else if before == after {
                // A line and the list of its words.
                let what = format!("{} is split differently", quoted(name));
                changes.push(Change::notice(id, area, subject, what).explains([name]));
            } else {
                value(changes, (id, area, subject), name, before, after);
            }
        }
    }
    for fate in fates(&old.keys.0, &new.keys.0, |(key, _)| key.as_str()) {
        let (key, before, after) = sides(&fate);
        if before == after || privileges::covers(key) {
            continue;
        }
        let written = |tree: Option<&Tree>| tree.and_then(Written::written);
        match key {
            _ if alike(key, before, after) => tree(changes, subject, key, before, after),
            // Not only extensions of Compose.
            "build" if Sense::Read.of(key, before) != Sense::Read.of(key, after) => {
                let what = "build changed: run `gen dev build`";
                changes.push(
                    Change::notice(Id::BuildChanged, subject.1, subject.2, what)
                        .was(written(before))
                        .is(written(after))
                        .explains([key]),
                );
            }
            "deploy" => settings::deploy(&new.name, before, after, changes),
            "expose" => {
                value(changes, (Id::ServiceChanged, Area::Ports, &new.name), key, written(before), written(after));
            }
            _ => tree(changes, subject, key, before, after),
        }
    }
}

/// A command without what comes from the declarations of variables.
pub(super) fn plain(pair: &Pair<'_>, command: Option<&Command>) -> Option<Command> {
    Some(match command? {
        Command::Line(line) => Command::Line(pair.plain(line)),
        Command::Arguments(list) => Command::Arguments(list.iter().map(|text| pair.plain(text)).collect()),
    })
}

/// The texts of a command.
fn texts(command: Option<&Command>) -> &[Text] {
    match command {
        None => &[],
        Some(Command::Line(line)) => std::slice::from_ref(line),
        Some(Command::Arguments(list)) => list,
    }
}

/// Keys that Compose does not hash.
const NOT_HASHED: &[&str] = &["build", "pull_policy", "pull_refresh_after", "scale"];

/// Compose recreates a container if its hash changes. The hash does not cover how the image is built and pulled, what
/// the service waits for, its profiles and the number of its replicas (`ServiceHash` of Compose 2 and 5).
fn recreated(role: Role, pair: &Pair<'_>, reconfigured: bool, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let mut reasons: Vec<&str> = Vec::new();
    let mut variables: Vec<&str> = Vec::new();
    macro_rules! fields {
        ($($field:ident)*) => {
            $(if old.$field != new.$field {
                reasons.push(stringify!($field));
            })*
        };
    }
    let image = |service: &Service| service.image.as_ref().map(|image| pair.plain(image));
    if image(old) != image(new) {
        reasons.push("image");
    }
    let (before, after) = (sorted(&old.environment), sorted(&new.environment));
    if same_but_defaults(pair, &before, &after) && sorted(&old.inherited) == sorted(&new.inherited) {
        for ((_, before), (_, after)) in before.iter().zip(&after) {
            if before != after {
                variables.extend(pair.through(before));
            }
        }
    } else {
        reasons.push("environment");
    }
    for (name, old, new) in [
        ("command", old.command.as_ref(), new.command.as_ref()),
        ("entrypoint", old.entrypoint.as_ref(), new.entrypoint.as_ref()),
    ] {
        if plain(pair, old).map(split) == plain(pair, new).map(split) {
            let both = texts(old).iter().zip(texts(new));
            variables.extend(both.filter(|(old, new)| old != new).flat_map(|(old, _)| pair.through(old)));
        } else {
            reasons.push(name);
        }
    }
    let networks = |service: &Service| -> Vec<(String, Option<Tree>)> {
        let networks = sorted(&service.networks).into_iter();
        networks.map(|network| (network.name.clone(), read(&network.keys))).collect()
    };
    if networks(old) != networks(new) {
        reasons.push("networks");
    }
    fields!(container_name hostname network_mode restart);
    let grants = |what: &str, grants: &[FileGrant]| -> Vec<(String, Tree)> {
        grants.iter().map(|grant| (grant.source.clone(), Sense::Read.grant(what, grant))).collect()
    };
    for (what, old, new) in [("secrets", &old.secrets, &new.secrets), ("configs", &old.configs, &new.configs)] {
        if grants(what, old) != grants(what, new) {
            reasons.push(what);
        }
    }
    if sorted(&old.labels) != sorted(&new.labels) || old.referring_labels != new.referring_labels {
        reasons.push("labels");
    }
    if sorted(&old.extra_hosts) != sorted(&new.extra_hosts) || old.referring_hosts != new.referring_hosts {
        reasons.push("extra_hosts");
    }
    for fate in fates(&old.keys.0, &new.keys.0, |(key, _)| key.as_str()) {
        let (key, before, after) = sides(&fate);
        let (before, after) = (Sense::Read.of(key, before), Sense::Read.of(key, after));
        if !NOT_HASHED.contains(&key)
            && !key.starts_with("x-")
            && hashed(key, before.as_ref()) != hashed(key, after.as_ref())
        {
            reasons.push(key);
        }
    }
    let mounts = |service: &Service| -> Vec<_> {
        let mounts = service.mounts.iter();
        mounts.map(|m| (m.kind, m.source.as_ref().map(trimmed), trimmed(&m.target), Sense::Read.mount(m))).collect()
    };
    if mounts(old) != mounts(new) {
        reasons.push("mounts");
    }
    if published(old) != published(new) {
        reasons.push("ports");
    }
    if probe(old) != probe(new) {
        reasons.push("healthcheck");
    }
    if reconfigured {
        reasons.push("configuration file");
    }
    variables.sort_unstable();
    variables.dedup();
    let mut why: Vec<String> = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    if !variables.is_empty() {
        why.push(format!("declaration of {}", quoted_list(variables)));
    }
    if why.is_empty() {
        return;
    }
    let why = why.join(", ");
    changes.push(match role {
        Role::Stack => Change::notice(Id::ContainerRecreated, Area::Services, &new.name, format!("recreated: {why}")),
        Role::Schema => Change::notice(Id::ContainerRecreated, Area::Schema, &new.name, format!("runs again: {why}")),
    });
}

fn same_but_defaults(pair: &Pair<'_>, before: &[&(String, Text)], after: &[&(String, Text)]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|((a, old), (b, new))| a == b && pair.same(old, new))
}

/// Entries by name: their order means nothing.
fn sorted<T: Named>(entries: &[T]) -> Vec<&T> {
    let mut entries: Vec<&T> = entries.iter().collect();
    entries.sort_by_key(|entry| entry.name().to_owned());
    entries
}

/// Something with a name.
trait Named {
    fn name(&self) -> &str;
}

impl Named for String {
    fn name(&self) -> &str {
        self
    }
}

impl Named for NetworkMember {
    fn name(&self) -> &str {
        &self.name
    }
}

impl<V> Named for (String, V) {
    fn name(&self) -> &str {
        &self.0
    }
}

/// The ports as the Compose file has them.
fn published(service: &Service) -> Vec<(Port, Option<Tree>)> {
    let published = service.ports.iter().filter(|port| port.published.is_some());
    // The path is for the docs.
    let plain = |port: &Port| Port { path: None, keys: Keys::default(), ..port.clone() };
    published.map(|port| (plain(port), read(&port.keys))).collect()
}

/// Keys as Compose hashes them.
fn read(keys: &Keys) -> Option<Tree> {
    Sense::Read.of("", Some(&Tree::Table(keys.0.clone())))
}

fn probe(service: &Service) -> Option<Healthcheck> {
    let mut healthcheck = service.healthcheck.clone();
    if let Some(Healthcheck::Probe(probe)) = &mut healthcheck {
        // For the docs.
        probe.http = None;
        probe.keys.0.retain(|(key, _)| !key.starts_with("x-"));
        // The default of what is written.
        let enable = std::mem::take(&mut probe.enable);
        probe.enable = enable && !probe.says_something();
        probe.test = probe.test.take().map(as_test);
        let times = [&mut probe.interval, &mut probe.timeout, &mut probe.start_period, &mut probe.start_interval];
        for time in times.into_iter().flatten() {
            if let Some(amount) = time.literal().and_then(|time| rules::amount("healthcheck", "interval", time)) {
                *time = amount.into();
            }
        }
    }
    healthcheck.filter(|healthcheck| *healthcheck != Healthcheck::Probe(Box::default()))
}

/// The command of a probe: a line is for a shell.
pub(super) fn as_test(command: Command) -> Command {
    match command {
        Command::Line(line) => Command::Arguments(vec!["CMD-SHELL".into(), line]),
        arguments @ Command::Arguments(_) => arguments,
    }
}

/// A key without the number of containers.
fn hashed<'t>(key: &str, value: Option<&'t Tree>) -> Option<Vec<(&'t str, &'t Tree)>> {
    Some(match value? {
        Tree::Table(entries) if key == "deploy" => {
            let entries = entries.iter().filter(|(key, _)| key != "replicas");
            entries.map(|(key, value)| (key.as_str(), value)).collect()
        }
        value => vec![("", value)],
    })
}
