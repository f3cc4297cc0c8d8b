//! Mounts, volumes, networks and secrets.

use super::written::{Written, text};
use super::{Area, Change, Fate, Pair, fates, quoted, value};
use crate::model::service::{Mount, SecretUse, Service};
use crate::model::{Network, Secret, SecretSource, Stack, Volume};
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
    let used = |secret: &SecretUse| {
        let parts = [secret.target.written(), secret.uid.written(), secret.gid.written(), secret.mode.written()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    for fate in fates(&old.secrets, &new.secrets, |secret| secret.source.as_str()) {
        changes.push(match fate {
            Fate::Added(secret) => {
                Change::notice(Area::Secrets, subject, format!("reads the secret {}", quoted(&secret.source)))
            }
            Fate::Removed(secret) => {
                Change::notice(Area::Secrets, subject, format!("no longer reads the secret {}", quoted(&secret.source)))
            }
            Fate::Stays(before, after) if used(before) != used(after) => {
                let what = format!("the file of the secret {} is another", quoted(&after.source));
                Change::notice(Area::Secrets, subject, what).was(used(before)).is(used(after))
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
    secrets(pair, changes);
}

/// The name of a volume in the engine.
fn in_engine(stack: &Stack, volume: &Volume) -> String {
    volume.engine_name.written().unwrap_or_else(|| {
        if volume.external { volume.name.clone() } else { format!("{}_{}", stack.project, volume.name) }
    })
}

fn volumes(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Volumes;
    // A renamed project takes all of them along, which is told once.
    let renamed = pair.before.project != pair.after.project;
    for fate in fates(&pair.before.volumes, &pair.after.volumes, |volume| volume.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                let what = if new.external { "must exist in the engine" } else { "new" };
                changes.push(Change::notice(AREA, &new.name, what).is(in_engine(pair.after, new)));
            }
            Fate::Removed(old) if old.external => {
                changes.push(Change::notice(AREA, &old.name, "no longer used").was(in_engine(pair.before, old)));
            }
            Fate::Removed(old) => changes.push(
                Change::danger(AREA, &old.name, "orphaned: its data stays in the engine, and no service reads it")
                    .was(in_engine(pair.before, old)),
            ),
            Fate::Stays(old, new) => {
                let (before, after) = (in_engine(pair.before, old), in_engine(pair.after, new));
                let own = |volume: &Volume| volume.engine_name.is_none() && !volume.external;
                if before != after && !(renamed && own(old) && own(new)) {
                    let what = "another volume of the engine: what the old one holds isn't there any more";
                    changes.push(Change::danger(AREA, &new.name, what).was(before).is(after));
                } else if old.external != new.external {
                    let what = if new.external { "must exist in the engine now" } else { "Compose's own now" };
                    changes.push(Change::caution(AREA, &new.name, what));
                }
                let made = |volume: &Volume| {
                    let driver = volume.driver.written().unwrap_or_else(|| "local".to_owned());
                    let rest = [volume.driver_opts.written(), volume.labels.written()];
                    [Some(driver)].into_iter().chain(rest).flatten().collect::<Vec<_>>().join(", ")
                };
                let (before, after) = (made(old), made(new));
                if before != after && !new.external {
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
                changes.push(Change::notice(AREA, &new.name, "new").is(new.engine_name.written()));
                continue;
            }
            Fate::Removed(old) => {
                changes.push(Change::notice(AREA, &old.name, "gone").was(old.engine_name.written()));
                continue;
            }
            Fate::Stays(old, new) => (old, new),
        };
        if old.internal != new.internal {
            changes.push(if new.internal {
                Change::notice(AREA, &new.name, "cut off from the outside now")
            } else {
                Change::caution(AREA, &new.name, "no longer cut off from the outside")
            });
        }
        let external = |network: &Network| Some(network.external.to_string());
        value(changes, (AREA, &new.name), "external", external(old), external(new));
        macro_rules! keys {
            ($($name:literal $field:ident)*) => {
                $(value(changes, (AREA, &new.name), $name, old.$field.written(), new.$field.written());)*
            };
        }
        keys!("name" engine_name "driver" driver "driver_opts" driver_opts "subnet" subnet "labels" labels);
    }
}

fn secrets(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Secrets;
    let from = |secret: &Secret| {
        let source = match &secret.source {
            SecretSource::File(file) => format!("the file {}", text(file)),
            SecretSource::Environment(variable) => format!("the variable {variable}"),
            SecretSource::External => "the engine".to_owned(),
        };
        secret.engine_name.written().map_or_else(|| source.clone(), |name| format!("{source}, as {name}"))
    };
    for fate in fates(&pair.before.secrets, &pair.after.secrets, |secret| secret.name.as_str()) {
        changes.push(match fate {
            Fate::Added(new) => Change::notice(AREA, &new.name, "new").is(from(new)),
            Fate::Removed(old) => Change::notice(AREA, &old.name, "gone").was(from(old)),
            Fate::Stays(old, new) if from(old) != from(new) => {
                Change::notice(AREA, &new.name, "comes from somewhere else").was(from(old)).is(from(new))
            }
            Fate::Stays(..) => continue,
        });
    }
}
