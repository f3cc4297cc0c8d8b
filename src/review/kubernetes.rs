//! What only Kubernetes needs to know: where the stack is applied, and its workloads.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::written::Written;
use super::{Area, Change, Fate, Id, Pair, Severity, fates, quoted};
use crate::graph;
use crate::model::kubernetes::Workload;
use crate::model::service::Mount;
use crate::model::{Kubernetes, Service, Stack};
use crate::view::quantity;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    match (&pair.before.kubernetes, &pair.after.kubernetes) {
        (Some(before), Some(after)) => {
            places(pair, before, after, changes);
            for fate in fates(&pair.before.services, &pair.after.services, |service| service.name.as_str()) {
                match fate {
                    Fate::Stays(before, after) => workload(before, after, changes),
                    // Its name is a part of theirs.
                    Fate::Removed(old) if old.has_volumes() => {
                        let what = "removed, but its claims stay; a service with another name starts without its data";
                        let claims: Vec<String> = old
                            .mounts
                            .iter()
                            .filter(|mount| mount.volume().is_some())
                            .map(|mount| format!("{}-{}-0", mount.volume_name(), old.name))
                            .collect();
                        let change = Change::danger(Id::ClaimChanged, Area::Volumes, &old.name, what);
                        changes.push(change.was(claims.join(", ")));
                    }
                    _ => {}
                }
            }
            policies(pair, changes);
        }
        (None, None) => {}
        // A profile that was added.
        (None, Some(after)) if pair.before.services.is_empty() => contexts(&[], &after.contexts, changes),
        (before, after) => {
            let engine = |kubernetes: &Option<Kubernetes>| if kubernetes.is_some() { "Kubernetes" } else { "Compose" };
            let what = "runs in another engine: its data is not moved, and what runs in the old one stays there";
            changes.push(
                Change::danger(Id::TargetChanged, Area::Stack, name(pair.after), what)
                    .was(engine(before).to_owned())
                    .is(engine(after).to_owned()),
            );
            if let Some(after) = after {
                contexts(&[], &after.contexts, changes);
            }
        }
    }
}

fn name(stack: &Stack) -> &str {
    &stack.project
}

/// Where it is applied, and where its images come from.
fn places(pair: &Pair<'_>, before: &Kubernetes, after: &Kubernetes, changes: &mut Vec<Change>) {
    let mut add = |severity, what: &str, before: &str, after: &str| {
        if before != after {
            let change = Change::new(Id::KubernetesChanged, severity, Area::Stack, name(pair.after), what);
            changes.push(change.was(before.to_owned()).is(after.to_owned()));
        }
    };
    let what = "namespace changed: everything is created again without its data, and the old one stays";
    add(Severity::Danger, what, &before.namespace, &after.namespace);
    let registry = |kubernetes: &Kubernetes| kubernetes.registry.clone().unwrap_or_default();
    let what = "registry changed: nodes pull the images that are built here from another place";
    add(Severity::Caution, what, &registry(before), &registry(after));
    let gateway = |kubernetes: &Kubernetes| {
        let gateway = kubernetes.gateway.as_ref();
        gateway.map(|(namespace, name)| format!("{}/{name}", namespace.as_deref().unwrap_or("."))).unwrap_or_default()
    };
    add(Severity::Caution, "Gateway of routes changed", &gateway(before), &gateway(after));
    let store = |kubernetes: &Kubernetes| {
        let secrets = kubernetes.external_secrets.as_ref();
        secrets.map(|own| format!("{} {} {}", own.kind.as_str(), own.store, own.prefix)).unwrap_or_default()
    };
    let what = "secrets come from another place: it must have all of them before the pods start";
    add(Severity::Caution, what, &store(before), &store(after));
    add(Severity::Notice, "image of containers that wait changed", &before.wait_image, &after.wait_image);
    contexts(&before.contexts, &after.contexts, changes);
}

fn contexts(before: &[String], after: &[String], changes: &mut Vec<Change>) {
    for fate in fates(before, after, String::as_str) {
        changes.push(match fate {
            Fate::Added(context) => {
                let what = "context added: `gen dev` changes that cluster if it is the current context";
                Change::danger(Id::ContextChanged, Area::Stack, context, what)
            }
            Fate::Removed(context) => Change::notice(Id::ContextChanged, Area::Stack, context, "context removed"),
            Fate::Stays(..) => continue,
        });
    }
}

/// Who may connect to whom, of the services that stay.
fn policies(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let (before, after) = (graph::clients(pair.before), graph::clients(pair.after));
    let names = |stack| Stack::every_service(stack).map(|service| service.name.as_str()).collect::<HashSet<_>>();
    let (old, new) = (names(pair.before), names(pair.after));
    let stays = |name: &str| old.contains(name) && new.contains(name);
    let none = BTreeSet::new();
    for service in pair.after.services.iter().map(|service| service.name.as_str()).filter(|name| stays(name)) {
        let clients = |of: &BTreeMap<&'_ str, BTreeSet<&'_ str>>| -> BTreeSet<String> {
            let known = of.get(service).unwrap_or(&none).iter();
            known.filter(|client| stays(client)).map(|client| (*client).to_owned()).collect()
        };
        let (before, after) = (clients(&before), clients(&after));
        for client in after.difference(&before) {
            let what = format!("{} may connect to it", quoted(client));
            changes.push(Change::notice(Id::PolicyChanged, Area::Services, service, what));
        }
        for client in before.difference(&after) {
            let what = format!("{} may no longer connect to it", quoted(client));
            changes.push(Change::caution(Id::PolicyChanged, Area::Services, service, what));
        }
    }
}

/// The claim of a `StatefulSet` can't be changed, and a volume can't shrink.
fn workload(before: &Service, after: &Service, changes: &mut Vec<Change>) {
    let (old, new): (&Workload, &Workload) = (&before.workload, &after.workload);
    let name = &after.name;
    let has_claims = |service: &Service| service.has_volumes();
    if has_claims(before) && has_claims(after) {
        let claims = |service: &Service| {
            let names: Vec<&str> = service.mounts.iter().filter_map(Mount::volume).collect();
            names.join(", ")
        };
        let size = |workload: &Workload| workload.storage.map_or("default".to_owned(), quantity);
        let class = |workload: &Workload| workload.storage_class.clone().unwrap_or_else(|| "default".to_owned());
        let shrinks = new.storage < old.storage;
        let of_size = if shrinks {
            "storage shrinks: no volume can; move the data to another one"
        } else {
            "storage changed: a StatefulSet's claims can't be changed; delete it with `--cascade=orphan`, and let its claim grow"
        };
        let fixed = "a StatefulSet's claims can't be changed; delete it with `--cascade=orphan` first";
        for (what, before, after) in [
            (of_size, size(old), size(new)),
            (&*format!("storage class changed: {fixed}"), class(old), class(new)),
            (&*format!("volumes changed: {fixed}"), claims(before), claims(after)),
        ] {
            if before != after {
                let change = Change::danger(Id::ClaimChanged, Area::Volumes, name, what);
                changes.push(change.was(before).is(after));
            }
        }
    }
    for fate in fates(&old.routes, &new.routes, |(port, _)| port.as_str()) {
        changes.push(match fate {
            Fate::Added((port, host)) => {
                let what = format!("port {} is reachable from outside the cluster", quoted(port));
                Change::danger(Id::RouteChanged, Area::Ports, name, what).is(host.clone())
            }
            Fate::Removed((port, host)) => {
                let what = format!("port {} is no longer reachable from outside the cluster", quoted(port));
                Change::caution(Id::RouteChanged, Area::Ports, name, what).was(host.clone())
            }
            Fate::Stays((_, old), (port, new)) if old != new => {
                let what = format!("port {} is reachable at another host name", quoted(port));
                Change::caution(Id::RouteChanged, Area::Ports, name, what).was(old.clone()).is(new.clone())
            }
            Fate::Stays(..) => continue,
        });
    }
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let memory = |workload: &Workload| shown(workload.memory.map(quantity));
    let number = |number: Option<u64>| shown(number.map(|number| number.to_string()));
    let effect = |workload: &Workload| workload.effect.as_ref().and_then(Written::written);
    for (severity, what, before, after) in [
        (
            Severity::Caution,
            "user changed: files in its volumes belong to the old one",
            number(old.user.map(u64::from)),
            number(new.user.map(u64::from)),
        ),
        (Severity::Caution, "role in AWS changed", shown(old.role_arn.clone()), shown(new.role_arn.clone())),
        (Severity::Notice, "reserved CPUs changed", shown(old.cpus.clone()), shown(new.cpus.clone())),
        (Severity::Notice, "reserved memory changed", memory(old), memory(new)),
        (Severity::Notice, "liveness probe changed", old.liveness.to_string(), new.liveness.to_string()),
        (Severity::Notice, "port of its members changed", shown(old.members.clone()), shown(new.members.clone())),
        (Severity::Notice, "effect changed", shown(effect(old)), shown(effect(new))),
    ] {
        if before != after {
            let change = Change::new(Id::WorkloadChanged, severity, Area::Services, name, what);
            changes.push(change.was(before).is(after));
        }
    }
}
