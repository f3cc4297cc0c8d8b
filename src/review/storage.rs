//! Mounts, volumes, networks and secrets.

use super::written::{Written, entries, text};
use super::{Area, Change, Fate, Pair, fates, quoted, value};
use crate::model::service::{FileGrant, Mount, Service};
use crate::model::{Named, Stack};
use crate::spec::service::MountType;

/// The mounts and secrets of a service that was there before.
pub(super) fn mounts(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Mounts;
    let subject = &new.name;
    for fate in fates(&old.mounts, &new.mounts, |mount| text(&mount.target)) {
        match fate {
            Fate::Added(mount) => {
                let what = format!("{} mounted", quoted(&text(&mount.target)));
                changes.push(Change::notice(AREA, subject, what).is(described(mount)));
            }
            Fate::Removed(mount) => {
                let target = quoted(&text(&mount.target));
                changes.push(if mount.kind == MountType::Volume {
                    let what = format!("{target} is no volume any more: what is written there goes with the container");
                    Change::caution(AREA, subject, what).was(described(mount))
                } else {
                    Change::notice(AREA, subject, format!("{target} no longer mounted")).was(described(mount))
                });
            }
            Fate::Stays(before, after) => {
                let same = match (&before.source, &after.source) {
                    (Some(before), Some(after)) => pair.same(before, after),
                    (before, after) => before == after,
                };
                let target = quoted(&text(&after.target));
                if !same || before.kind != after.kind {
                    let what = format!("another source at {target}");
                    let change = if before.kind == MountType::Volume {
                        Change::caution(AREA, subject, format!("{what}: what the volume holds isn't there any more"))
                    } else {
                        Change::notice(AREA, subject, what)
                    };
                    changes.push(change.was(described(before)).is(described(after)));
                } else if before.keys != after.keys {
                    let what = format!("{target} mounted otherwise");
                    changes
                        .push(Change::notice(AREA, subject, what).was(before.keys.written()).is(after.keys.written()));
                } else if before.read_only != after.read_only {
                    changes.push(
                        Change::notice(AREA, subject, format!("{target} may be written or not, other than before"))
                            .was(described(before))
                            .is(described(after)),
                    );
                }
            }
        }
    }
    grants((Area::Secrets, "secret"), subject, (&old.secrets, &new.secrets), changes);
    grants((Area::Secrets, "config"), subject, (&old.configs, &new.configs), changes);
}

/// The secrets or configs that a service reads.
fn grants(
    (area, what): (Area, &str),
    subject: &str,
    (old, new): (&[FileGrant], &[FileGrant]),
    changes: &mut Vec<Change>,
) {
    for fate in fates(old, new, |grant| grant.source.as_str()) {
        changes.push(match fate {
            Fate::Added(grant) => Change::notice(area, subject, format!("reads the {what} {}", quoted(&grant.source))),
            Fate::Removed(grant) => {
                Change::notice(area, subject, format!("no longer reads the {what} {}", quoted(&grant.source)))
            }
            Fate::Stays(before, after) if before.keys != after.keys => {
                let title = format!("the file of the {what} {} is another", quoted(&after.source));
                Change::notice(area, subject, title).was(before.keys.written()).is(after.keys.written())
            }
            Fate::Stays(..) => continue,
        });
    }
}

fn described(mount: &Mount) -> String {
    let source = mount.source.written().unwrap_or_else(|| mount.kind.as_str().to_owned());
    match mount.read_only.written().as_deref() {
        None | Some("false") => source,
        Some("true") => format!("{source} (read-only)"),
        Some(other) => format!("{source} (read-only: {other})"),
    }
}

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    volumes(pair, changes);
    networks(pair, changes);
    files((Area::Secrets, &pair.before.secrets, &pair.after.secrets), changes);
    files((Area::Secrets, &pair.before.configs, &pair.after.configs), changes);
    files((Area::Services, &pair.before.models, &pair.after.models), changes);
}

/// The name of a volume in the engine.
fn in_engine(stack: &Stack, volume: &Named) -> String {
    volume.keys.text("name").written().unwrap_or_else(|| {
        if is_external(volume) { volume.name.clone() } else { format!("{}_{}", stack.project, volume.name) }
    })
}

fn is_external(named: &Named) -> bool {
    named.keys.is_set("external")
}

/// What Compose makes something of.
fn made(named: &Named) -> Option<String> {
    entries(&named.keys.0.iter().filter(|(key, _)| key != "name" && key != "external").cloned().collect::<Vec<_>>())
}

fn volumes(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Volumes;
    // A renamed project takes all of them along, which is told once.
    let renamed = pair.before.project != pair.after.project;
    for fate in fates(&pair.before.volumes, &pair.after.volumes, |volume| volume.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                let what = if is_external(new) { "must exist in the engine" } else { "new" };
                changes.push(Change::notice(AREA, &new.name, what).is(in_engine(pair.after, new)));
            }
            Fate::Removed(old) if is_external(old) => {
                changes.push(Change::notice(AREA, &old.name, "no longer used").was(in_engine(pair.before, old)));
            }
            Fate::Removed(old) => changes.push(
                Change::danger(AREA, &old.name, "orphaned: its data stays in the engine, and no service reads it")
                    .was(in_engine(pair.before, old)),
            ),
            Fate::Stays(old, new) => {
                let (before, after) = (in_engine(pair.before, old), in_engine(pair.after, new));
                let own = |volume: &Named| volume.keys.get("name").is_none() && !is_external(volume);
                if before != after && !(renamed && own(old) && own(new)) {
                    let what = "another volume of the engine: what the old one holds isn't there any more";
                    changes.push(Change::danger(AREA, &new.name, what).was(before).is(after));
                } else if is_external(old) != is_external(new) {
                    let what = if is_external(new) { "must exist in the engine now" } else { "Compose's own now" };
                    changes.push(Change::caution(AREA, &new.name, what));
                }
                let (before, after) = (made(old), made(new));
                if before != after && !is_external(new) {
                    let what = "can't be changed: Compose has to delete it, with its data, to make it anew";
                    changes.push(Change::danger(AREA, &new.name, what).was(before).is(after));
                } else if before != after {
                    changes.push(Change::notice(AREA, &new.name, "described otherwise").was(before).is(after));
                }
            }
        }
    }
}

fn networks(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Networks;
    for fate in fates(&pair.before.networks, &pair.after.networks, |network| network.name.as_str()) {
        let (old, new) = match fate {
            Fate::Added(new) => {
                changes.push(Change::notice(AREA, &new.name, "new").is(new.keys.text("name").written()));
                continue;
            }
            Fate::Removed(old) => {
                changes.push(Change::notice(AREA, &old.name, "gone").was(old.keys.text("name").written()));
                continue;
            }
            Fate::Stays(old, new) => (old, new),
        };
        let (before, after) = (old.keys.is_set("internal"), new.keys.is_set("internal"));
        if before != after {
            changes.push(if after {
                Change::notice(AREA, &new.name, "cut off from the outside now")
            } else {
                Change::caution(AREA, &new.name, "no longer cut off from the outside")
            });
        }
        each_key(AREA, old, new, &["internal"], changes);
    }
}

fn files((area, before, after): (Area, &[Named], &[Named]), changes: &mut Vec<Change>) {
    for fate in fates(before, after, |file| file.name.as_str()) {
        changes.push(match fate {
            Fate::Added(new) => Change::notice(area, &new.name, "new").is(new.keys.written()),
            Fate::Removed(old) => Change::notice(area, &old.name, "gone").was(old.keys.written()),
            Fate::Stays(old, new) if old != new => Change::notice(area, &new.name, "comes from somewhere else")
                .was(old.keys.written())
                .is(new.keys.written()),
            Fate::Stays(..) => continue,
        });
    }
}

/// Keys whose meaning needs no more words than their names.
fn each_key(area: Area, old: &Named, new: &Named, but: &[&str], changes: &mut Vec<Change>) {
    for fate in fates(&old.keys.0, &new.keys.0, |(key, _)| key.as_str()) {
        let (key, before, after) = match fate {
            Fate::Added((key, after)) => (key, None, after.written()),
            Fate::Removed((key, before)) => (key, before.written(), None),
            Fate::Stays((key, before), (_, after)) => (key, before.written(), after.written()),
        };
        if !but.contains(&key.as_str()) {
            value(changes, (area, &new.name), key, before, after);
        }
    }
}
