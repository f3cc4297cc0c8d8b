//! Mounts, volumes, networks and secrets.

use std::collections::HashMap;

use super::meaning::{Sense, trimmed};
use super::written::{Written, entries, rewritten, text, tree};
use super::{Area, Change, Fate, Id, Pair, fates, quoted, sides};
use crate::model::service::{FileGrant, Mount, Service};
use crate::model::text::Tree;
use crate::model::{Named, Stack};
use crate::spec::forms::{CONFIG_SOURCES, SECRET_SOURCES};
use crate::spec::service::MountType;

/// The mounts and secrets of a service that is in both specs.
pub(super) fn mounts(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Mounts;
    let subject = &new.name;
    for fate in fates(&old.mounts, &new.mounts, |mount| text(&trimmed(&mount.target))) {
        match fate {
            Fate::Added(mount) => {
                let what = format!("{} mounted", quoted(&text(&mount.target)));
                changes.push(Change::notice(Id::MountAdded, AREA, subject, what).is(described(mount)));
            }
            Fate::Removed(mount) => {
                let target = quoted(&text(&mount.target));
                changes.push(if let Some(above) = above(mount, &new.mounts) {
                    let folder = quoted(&text(&above.target));
                    let stays = above.source == mount.source && mount.source.is_some();
                    let what = if stays {
                        format!("the volume at {target} is mounted at {folder} instead: its files are there now, and are kept")
                    } else {
                        format!("{target} is a part of the mount at {folder} now: the data in the old volume is not moved")
                    };
                    let change = Change::caution(Id::MountChanged, AREA, subject, what);
                    if stays { change } else { change.was(described(mount)).is(described(above)) }
                } else if mount.kind == MountType::Volume {
                    let what =
                        format!("{target} is no longer a volume: what is written there is lost with the container");
                    Change::caution(Id::VolumeUnmounted, AREA, subject, what).was(described(mount))
                } else {
                    Change::notice(Id::MountRemoved, AREA, subject, format!("{target} no longer mounted"))
                        .was(described(mount))
                });
            }
            Fate::Stays(before, after) => {
                let same = match (&before.source, &after.source) {
                    (Some(before), Some(after)) => pair.same(&trimmed(before), &trimmed(after)),
                    (before, after) => before == after,
                };
                let target = quoted(&text(&after.target));
                if !same || before.kind != after.kind {
                    let what = format!("source of {target} changed");
                    let change = if before.kind == MountType::Volume {
                        Change::caution(
                            Id::MountChanged,
                            AREA,
                            subject,
                            format!("{what}: the data in the old volume is not moved"),
                        )
                    } else {
                        Change::notice(Id::MountChanged, AREA, subject, what)
                    };
                    changes.push(change.was(described(before)).is(described(after)));
                } else if before.keys != after.keys {
                    let part = |mount: &Mount| {
                        ["volume", "image"].map(|kind| mount.keys.at(&[kind, "subpath"]).and_then(Tree::text).cloned())
                    };
                    let change = if part(before) != part(after) {
                        let what = format!("another part is mounted at {target}: the data in the old one is not moved");
                        Change::caution(Id::MountChanged, AREA, subject, what)
                    } else if Sense::Effect.mount(before) == Sense::Effect.mount(after) {
                        let what = format!("mount options of {target} are written differently, with the same meaning");
                        Change::notice(Id::MountChanged, AREA, subject, what)
                    } else {
                        Change::notice(Id::MountChanged, AREA, subject, format!("mount options of {target} changed"))
                    };
                    changes.push(change.was(before.keys.written()).is(after.keys.written()));
                } else if Sense::Effect.mount(before) != Sense::Effect.mount(after) {
                    let what = format!("write access to {target} changed");
                    let change = Change::notice(Id::MountChanged, AREA, subject, what);
                    changes.push(change.was(described(before)).is(described(after)));
                } else if before != after {
                    let what = format!("{target} is written differently, with the same meaning");
                    changes.push(Change::notice(Id::MountChanged, AREA, subject, what));
                }
            }
        }
    }
    grants((Area::Secrets, "secret"), subject, (&old.secrets, &new.secrets), changes);
    grants((Area::Secrets, "config"), subject, (&old.configs, &new.configs), changes);
}

/// The mount of a folder above a volume, which keeps what is written in the place of that.
fn above<'m>(volume: &Mount, mounts: &'m [Mount]) -> Option<&'m Mount> {
    let target = trimmed(&volume.target);
    let target = target.literal().filter(|_| volume.kind == MountType::Volume)?;
    mounts.iter().filter(|mount| mount.kind != MountType::Tmpfs).find(|mount| {
        let folder = trimmed(&mount.target);
        folder.literal().and_then(|folder| target.strip_prefix(folder)).is_some_and(|rest| rest.starts_with('/'))
    })
}

/// The secrets or configs that a service reads.
fn grants(
    (area, what): (Area, &str),
    subject: &str,
    (old, new): (&[FileGrant], &[FileGrant]),
    changes: &mut Vec<Change>,
) {
    let (old, new) = (numbered(old), numbered(new));
    for fate in fates(&old, &new, |(number, grant)| (grant.source.as_str(), *number)) {
        let change = match fate {
            Fate::Added((_, grant)) => {
                Change::notice(Id::FileGranted, area, subject, format!("reads the {what} {}", quoted(&grant.source)))
            }
            Fate::Removed((_, grant)) => Change::notice(
                Id::FileRevoked,
                area,
                subject,
                format!("no longer reads the {what} {}", quoted(&grant.source)),
            ),
            Fate::Stays((_, before), (_, after)) if before.keys != after.keys => {
                let source = quoted(&after.source);
                let key = format!("{what}s");
                let change = if Sense::Effect.grant(&key, before) == Sense::Effect.grant(&key, after) {
                    let what = format!("the {what} {source} is written differently, with the same meaning");
                    Change::notice(Id::FileGranted, area, subject, what)
                } else if what == "secret" && mode(after) & !mode(before) != 0 {
                    Change::caution(Id::FileGranted, area, subject, format!("more users can read the {what} {source}"))
                } else {
                    Change::notice(Id::FileGranted, area, subject, format!("options of the {what} {source} changed"))
                };
                let (before, after) = (with_mode(before), with_mode(after));
                if before == after { change } else { change.was(before).is(after) }
            }
            Fate::Stays(..) => continue,
        };
        changes.push(change.explains([format!("{what}s").as_str()]));
    }
}

/// A service may read a file at several paths.
fn numbered(grants: &[FileGrant]) -> Vec<(usize, &FileGrant)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut numbered = Vec::with_capacity(grants.len());
    for grant in grants {
        let number = seen.entry(&grant.source).or_default();
        *number += 1;
        numbered.push((*number, grant));
    }
    numbered
}

/// The permissions of a file; Compose's default is to let everyone read it.
fn mode(grant: &FileGrant) -> i64 {
    match grant.keys.get("mode") {
        Some(Tree::Integer(mode)) => *mode,
        Some(Tree::Text(text)) => text.literal().and_then(|mode| i64::from_str_radix(mode, 8).ok()).unwrap_or(0o777),
        _ => 0o444,
    }
}

/// The options of a file; the permissions in octal, however they are written.
fn with_mode(grant: &FileGrant) -> Option<String> {
    let mut keys = grant.keys.clone();
    if let Some(written) = keys.get_mut("mode") {
        *written = Tree::from(format!("0o{:03o}", mode(grant)).as_str());
    }
    keys.written()
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
    if stack.kubernetes.is_some() {
        return volume.name.clone();
    }
    volume.keys.text("name").written().unwrap_or_else(|| {
        if is_external(volume) { volume.name.clone() } else { format!("{}_{}", stack.project, volume.name) }
    })
}

fn is_external(named: &Named) -> bool {
    named.keys.is_set("external")
}

/// What the engine creates a volume from.
const CREATED_FROM: [&str; 2] = ["driver", "driver_opts"];

/// What says which volume of the engine it is.
const IDENTITY: [&str; 2] = ["external", "name"];

/// Some of the keys of something.
fn keys_of(named: &Named, keys: &[&str]) -> Vec<(String, Tree)> {
    named.keys.0.iter().filter(|(key, _)| keys.contains(&key.as_str())).cloned().collect()
}

fn volumes(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Volumes;
    // A renamed project renames all of them, which is reported once.
    let renamed = pair.before.project != pair.after.project;
    for fate in fates(&pair.before.volumes, &pair.after.volumes, |volume| volume.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                let what = if is_external(new) { "external: it must already exist in the engine" } else { "added" };
                changes.push(
                    Change::notice(Id::VolumeAdded, AREA, &new.name, what).is(in_engine(pair.after, new)).whole(),
                );
            }
            Fate::Removed(old) if is_external(old) => {
                changes.push(
                    Change::notice(Id::VolumeRemoved, AREA, &old.name, "no longer used")
                        .was(in_engine(pair.before, old))
                        .whole(),
                );
            }
            Fate::Removed(old) => changes.push(
                Change::danger(
                    Id::VolumeOrphaned,
                    AREA,
                    &old.name,
                    "orphaned: its data stays in the engine, but no service uses it",
                )
                .was(in_engine(pair.before, old))
                .whole(),
            ),
            Fate::Stays(old, new) => {
                let start = changes.len();
                let (before, after) = (in_engine(pair.before, old), in_engine(pair.after, new));
                let own = |volume: &Named| volume.keys.get("name").is_none() && !is_external(volume);
                if before != after && !(renamed && own(old) && own(new)) {
                    let what = "now a different volume in the engine: the data in the old one is not moved";
                    changes.push(
                        Change::danger(Id::VolumeReplaced, AREA, &new.name, what)
                            .was(before)
                            .is(after)
                            .explains(IDENTITY),
                    );
                } else if is_external(old) != is_external(new) {
                    let what = if is_external(new) {
                        "now external: it must already exist in the engine"
                    } else {
                        "no longer external: managed by Compose"
                    };
                    changes.push(Change::caution(Id::VolumeChanged, AREA, &new.name, what).explains(IDENTITY));
                }
                if !changes[start..].iter().any(|change| change.keys.iter().any(|key| IDENTITY.contains(&key.as_str())))
                {
                    for key in IDENTITY.iter().filter(|key| old.keys.get(key) != new.keys.get(key)) {
                        changes.push(rewritten((Id::VolumeChanged, AREA, &new.name), key));
                    }
                }
                let (before, after) = (keys_of(old, &CREATED_FROM), keys_of(new, &CREATED_FROM));
                if before != after {
                    let change = if is_external(new) {
                        Change::notice(Id::VolumeChanged, AREA, &new.name, "options changed")
                    } else {
                        let what = "cannot be changed: Compose must delete it, including its data, and create it again";
                        Change::danger(Id::VolumeRecreated, AREA, &new.name, what)
                    };
                    changes.push(change.was(entries(&before)).is(entries(&after)).explains(CREATED_FROM));
                }
                each_key((Id::VolumeChanged, AREA), old, new, &[CREATED_FROM, IDENTITY].concat(), changes);
            }
        }
    }
}

fn networks(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Networks;
    for fate in fates(&pair.before.networks, &pair.after.networks, |network| network.name.as_str()) {
        let (old, new) = match fate {
            Fate::Added(new) => {
                changes.push(
                    Change::notice(Id::NetworkAdded, AREA, &new.name, "added")
                        .is(new.keys.text("name").written())
                        .whole(),
                );
                continue;
            }
            Fate::Removed(old) => {
                changes.push(
                    Change::notice(Id::NetworkRemoved, AREA, &old.name, "removed")
                        .was(old.keys.text("name").written())
                        .whole(),
                );
                continue;
            }
            Fate::Stays(old, new) => (old, new),
        };
        let (before, after) = (old.keys.is_set("internal"), new.keys.is_set("internal"));
        if before != after {
            let change = if after {
                Change::notice(Id::NetworkChanged, AREA, &new.name, "now isolated from external networks")
            } else {
                Change::caution(
                    Id::NetworkNoLongerInternal,
                    AREA,
                    &new.name,
                    "no longer isolated from external networks",
                )
            };
            changes.push(change.explains(["internal"]));
        } else if old.keys.get("internal") != new.keys.get("internal") {
            changes.push(rewritten((Id::NetworkChanged, AREA, &new.name), "internal"));
        }
        each_key((Id::NetworkChanged, AREA), old, new, &["internal"], changes);
    }
}

fn files((area, before, after): (Area, &[Named], &[Named]), changes: &mut Vec<Change>) {
    let sources = [SECRET_SOURCES, CONFIG_SOURCES, &["driver", "driver_opts", "model"]].concat();
    for fate in fates(before, after, |file| file.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                changes.push(Change::notice(Id::SourceAdded, area, &new.name, "added").is(new.keys.written()).whole());
            }
            Fate::Removed(old) => {
                changes.push(
                    Change::notice(Id::SourceRemoved, area, &old.name, "removed").was(old.keys.written()).whole(),
                );
            }
            Fate::Stays(old, new) => {
                let (before, after) = (keys_of(old, &sources), keys_of(new, &sources));
                let sense = |keys: &[(String, Tree)]| Sense::Effect.of("", Some(&Tree::Table(keys.to_vec())));
                if before != after && sense(&before) == sense(&after) {
                    let what = "the source is written differently, with the same meaning";
                    let change = Change::notice(Id::SourceChanged, area, &new.name, what);
                    changes.push(change.explains(sources.iter().copied()));
                } else if before != after {
                    let change = Change::notice(Id::SourceChanged, area, &new.name, "source changed");
                    changes.push(change.was(entries(&before)).is(entries(&after)).explains(sources.iter().copied()));
                }
                each_key((Id::SourceChanged, area), old, new, &sources, changes);
            }
        }
    }
}

/// Keys whose names are explanation enough.
fn each_key((id, area): (Id, Area), old: &Named, new: &Named, but: &[&str], changes: &mut Vec<Change>) {
    for fate in fates(&old.keys.0, &new.keys.0, |(key, _)| key.as_str()) {
        let (key, before, after) = sides(&fate);
        if !but.contains(&key) {
            tree(changes, (id, area, &new.name), key, before, after);
        }
    }
}
