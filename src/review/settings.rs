//! Limits, dependencies, healthchecks, and what the kinds are told: what stores accept and keep, and what is scraped.

use super::written::{Written, entries};
use super::{Area, Change, Fate, Pair, Severity, fates, quoted, value};
use crate::model::kind::ScrapeTarget;
use crate::model::service::{Command, Dependency, Healthcheck, Probe, Service};
use crate::model::text::Tree;
use crate::model::{Address, Alloy, Loki, Mimir};
use crate::spec::service::Condition;

/// Of a service that was there before.
pub(super) fn service(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    for fate in fates(&old.depends_on, &new.depends_on, |dependency| dependency.service.as_str()) {
        dependency(&new.name, &fate, changes);
    }
    healthcheck(pair, old, new, changes);
}

/// The key `deploy` of a service.
pub(super) fn deploy(service: &str, before: Option<&Tree>, after: Option<&Tree>, changes: &mut Vec<Change>) {
    let subject = (Area::Limits, service);
    for (name, path) in [
        ("replicas", &["replicas"][..]),
        ("limits", &["resources", "limits"]),
        ("reservations", &["resources", "reservations"]),
    ] {
        let of = |tree: Option<&Tree>| path.iter().try_fold(tree?, |tree, key| tree.get(key))?.written();
        value(changes, subject, name, of(before), of(after));
    }
    let rest = |tree: Option<&Tree>| match tree? {
        Tree::Table(table) => {
            let rest = table.iter().filter(|(key, _)| !matches!(key.as_str(), "replicas" | "resources"));
            entries(&rest.cloned().collect::<Vec<_>>())
        }
        other => other.written(),
    };
    value(changes, subject, "deploy", rest(before), rest(after));
}

fn dependency(service: &str, fate: &Fate<'_, Dependency>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Dependencies;
    let condition = |dependency: &Dependency| dependency.condition.as_str().to_owned();
    match fate {
        Fate::Added(new) => changes
            .push(Change::notice(AREA, service, format!("waits for {}", quoted(&new.service))).is(condition(new))),
        Fate::Removed(old) => changes.push(
            Change::notice(AREA, service, format!("no longer waits for {}", quoted(&old.service))).was(condition(old)),
        ),
        Fate::Stays(old, new) => {
            if old.condition != new.condition {
                let weaker = new.condition == Condition::Started;
                let severity = if weaker { Severity::Caution } else { Severity::Notice };
                let what = if weaker { "waits for less of" } else { "waits for something else of" };
                changes.push(
                    Change::new(severity, AREA, service, format!("{what} {}", quoted(&new.service)))
                        .was(condition(old))
                        .is(condition(new)),
                );
            }
            if old.restart != new.restart {
                let what = if new.restart { "restarted with" } else { "no longer restarted with" };
                changes.push(Change::notice(AREA, service, format!("{what} {}", quoted(&new.service))));
            }
            if old.required != new.required {
                let what = if new.required { "needs" } else { "does without" };
                changes.push(Change::notice(AREA, service, format!("{what} {}", quoted(&new.service))));
            }
        }
    }
}

fn healthcheck(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Healthchecks;
    let subject = &new.name;
    match (&old.healthcheck, &new.healthcheck) {
        (Some(Healthcheck::Probe(old)), Some(Healthcheck::Probe(new))) => {
            let test = |probe: &Probe| {
                probe.test.as_ref().map(|test| match test {
                    Command::Line(line) => vec![pair.plain(line)],
                    Command::Arguments(arguments) => arguments.iter().map(|argument| pair.plain(argument)).collect(),
                })
            };
            if test(old) != test(new) {
                value(changes, (AREA, subject), "test", old.test.written(), new.test.written());
            }
            macro_rules! keys {
                ($($field:ident)*) => {
                    $(value(changes, (AREA, subject), stringify!($field), old.$field.written(), new.$field.written());)*
                };
            }
            keys!(interval timeout retries start_period start_interval);
        }
        (None | Some(Healthcheck::Disabled), Some(Healthcheck::Probe(probe))) => {
            changes.push(Change::notice(AREA, subject, "health is probed").is(probe.test.written()));
        }
        (Some(Healthcheck::Probe(probe)), None) => {
            changes.push(Change::caution(AREA, subject, "health is no longer probed").was(probe.test.written()));
        }
        (Some(Healthcheck::Probe(_)) | None, Some(Healthcheck::Disabled)) => {
            changes.push(Change::caution(AREA, subject, "health is no longer probed: switched off"));
        }
        (Some(Healthcheck::Disabled), None) => {
            changes.push(Change::notice(AREA, subject, "the image's own healthcheck is no longer switched off"));
        }
        (None, None) | (Some(Healthcheck::Disabled), Some(Healthcheck::Disabled)) => {}
    }
}

/// What the kinds with a configuration of their own are told.
pub(super) fn kinds(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.mimirs, &pair.after.mimirs, |mimir| mimir.service.as_str()) {
        if let Fate::Stays(old, new) = fate {
            mimir(old, new, changes);
        }
    }
    for fate in fates(&pair.before.lokis, &pair.after.lokis, |loki| loki.service.as_str()) {
        if let Fate::Stays(old, new) = fate {
            retention(old, new, changes);
        }
    }
    for fate in fates(&pair.before.alloys, &pair.after.alloys, |alloy| alloy.service.as_str()) {
        if let Fate::Stays(old, new) = fate {
            alloy(old, new, changes);
        }
    }
}

fn mimir(old: &Mimir, new: &Mimir, changes: &mut Vec<Change>) {
    for (name, before, after) in [
        ("max_series", old.max_series, new.max_series),
        ("max_series_per_metric", old.max_series_per_metric, new.max_series_per_metric),
        ("ingestion_rate", old.ingestion_rate, new.ingestion_rate),
        ("ingestion_burst", old.ingestion_burst, new.ingestion_burst),
    ] {
        // Mimir takes 0 for no limit.
        let most = |number: u32| if number == 0 { u32::MAX } else { number };
        if before != after {
            let name = quoted(name);
            let (severity, what) = if most(after) < most(before) {
                (Severity::Caution, format!("{name} lowered: Mimir refuses what is above"))
            } else {
                (Severity::Notice, format!("{name} raised"))
            };
            changes.push(
                Change::new(severity, Area::Limits, &new.service, what).was(before.to_string()).is(after.to_string()),
            );
        }
    }
}

fn retention(old: &Loki, new: &Loki, changes: &mut Vec<Change>) {
    if old.retention == new.retention {
        return;
    }
    let change = match new.retention.milliseconds.cmp(&old.retention.milliseconds) {
        std::cmp::Ordering::Less => Change::danger(Area::Retention, &new.service, "shortened: older logs are deleted"),
        std::cmp::Ordering::Equal => Change::notice(Area::Retention, &new.service, "written otherwise, the same time"),
        std::cmp::Ordering::Greater => Change::notice(Area::Retention, &new.service, "logs are kept longer"),
    };
    changes.push(change.was(old.retention.text.clone()).is(new.retention.text.clone()));
}

fn alloy(old: &Alloy, new: &Alloy, changes: &mut Vec<Change>) {
    let subject = (Area::Metrics, new.service.as_str());
    value(changes, subject, "scrape_interval", old.scrape_interval.text.written(), new.scrape_interval.text.written());
    for fate in fates(&old.targets, &new.targets, |target| target.job.as_str()) {
        let at = |target: &ScrapeTarget| format!("{}{}", target.address.authority(), target.address.path);
        changes.push(match fate {
            Fate::Added(target) => {
                Change::notice(subject.0, subject.1, format!("scrapes {}", quoted(&target.job))).is(at(target))
            }
            Fate::Removed(target) => {
                Change::caution(subject.0, subject.1, format!("no longer scrapes {}", quoted(&target.job)))
                    .was(at(target))
            }
            Fate::Stays(old, new) if old.address != new.address => {
                Change::notice(subject.0, subject.1, format!("scrapes {} elsewhere", quoted(&new.job)))
                    .was(at(old))
                    .is(at(new))
            }
            Fate::Stays(..) => continue,
        });
    }
    let url = |store: &Option<Address>| store.as_ref().map(ToString::to_string);
    value(changes, subject, "metrics_store", url(&old.metrics), url(&new.metrics));
    value(changes, subject, "logs_store", url(&old.logs), url(&new.logs));
}
