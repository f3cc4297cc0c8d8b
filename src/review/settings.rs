//! Limits, dependencies, healthchecks, and settings of kinds: what stores accept and keep, and what is scraped.

use std::cmp::Ordering;

use super::meaning::alike;
use super::written::{Written, rewritten, tree};
use super::{Area, Change, Fate, Id, Pair, Severity, changed, fates, quoted, services, sides, value};
use crate::model::kind::{ScrapeTarget, SettingValue};
use crate::model::service::{Dependency, Healthcheck, Probe, Service};
use crate::model::text::Tree;
use crate::model::{Address, Alloy};
use crate::spec::kind::{JudgedArea, JudgedSeverity, Literal};
use crate::spec::service::Condition;

/// Dependencies and healthcheck of a service that is in both specs.
pub(super) fn service(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    for fate in fates(&old.depends_on, &new.depends_on, |dependency| dependency.service.as_str()) {
        dependency(&new.name, &fate, changes);
    }
    let order = |service: &Service, other: &Service| -> Vec<String> {
        let known = |name: &str| other.depends_on.iter().any(|dependency| dependency.service == name);
        service.depends_on.iter().map(|dependency| dependency.service.clone()).filter(|name| known(name)).collect()
    };
    if old.depends_on.len() > 1 && order(old, new) != order(new, old) {
        changes.push(Change::notice(
            Id::DependencyChanged,
            Area::Dependencies,
            &new.name,
            "the order of dependencies changed",
        ));
    }
    healthcheck(pair, old, new, changes);
}

/// The key `deploy` of a service.
pub(super) fn deploy(service: &str, before: Option<&Tree>, after: Option<&Tree>, changes: &mut Vec<Change>) {
    let subject = (Id::ResourcesChanged, Area::Limits, service);
    for (name, path) in [
        ("replicas", &["replicas"][..]),
        ("limits", &["resources", "limits"]),
        ("reservations", &["resources", "reservations"]),
    ] {
        let [before, after] = [before, after].map(|tree| path.iter().try_fold(tree?, |tree, key| tree.get(key)));
        tree(changes, subject, name, before, after);
    }
    let rest = |tree: Option<&Tree>| match tree? {
        Tree::Table(table) => {
            let rest = table.iter().filter(|(key, _)| !matches!(key.as_str(), "replicas" | "resources"));
            let rest: Vec<_> = rest.cloned().collect();
            (!rest.is_empty()).then_some(Tree::Table(rest))
        }
        other => Some(other.clone()),
    };
    tree(changes, subject, "deploy", rest(before).as_ref(), rest(after).as_ref());
}

fn dependency(service: &str, fate: &Fate<'_, Dependency>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Dependencies;
    let condition = |dependency: &Dependency| dependency.condition.as_str().to_owned();
    match fate {
        Fate::Added(new) => changes.push(
            Change::notice(Id::DependencyChanged, AREA, service, format!("waits for {}", quoted(&new.service)))
                .is(condition(new)),
        ),
        Fate::Removed(old) => changes.push(
            Change::notice(
                Id::DependencyChanged,
                AREA,
                service,
                format!("no longer waits for {}", quoted(&old.service)),
            )
            .was(condition(old)),
        ),
        Fate::Stays(old, new) => {
            if old.condition != new.condition {
                let weaker = new.condition == Condition::Started;
                let severity = if weaker { Severity::Caution } else { Severity::Notice };
                let what = if weaker { "waits only for the start of" } else { "waits for a different condition of" };
                changes.push(
                    Change::new(
                        Id::DependencyChanged,
                        severity,
                        AREA,
                        service,
                        format!("{what} {}", quoted(&new.service)),
                    )
                    .was(condition(old))
                    .is(condition(new)),
                );
            }
            if old.restart != new.restart {
                let what = if new.restart { "restarts with" } else { "no longer restarts with" };
                changes.push(Change::notice(
                    Id::DependencyChanged,
                    AREA,
                    service,
                    format!("{what} {}", quoted(&new.service)),
                ));
            }
            if old.required != new.required {
                let what = if new.required { "requires" } else { "no longer requires" };
                changes.push(Change::notice(
                    Id::DependencyChanged,
                    AREA,
                    service,
                    format!("{what} {}", quoted(&new.service)),
                ));
            }
        }
    }
}

fn healthcheck(pair: &Pair<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Healthchecks;
    let subject = &new.name;
    match (&old.healthcheck, &new.healthcheck) {
        (Some(Healthcheck::Probe(old)), Some(Healthcheck::Probe(new))) => {
            let subject = (Id::HealthcheckChanged, AREA, subject.as_str());
            let [before, after] = [old, new].map(|probe| services::plain(pair, probe.test.as_ref()));
            if before != after {
                if before.map(services::as_test) == after.map(services::as_test) {
                    changes.push(rewritten(subject, "test"));
                } else {
                    value(changes, subject, "test", old.test.written(), new.test.written());
                }
            }
            // What the engine takes if a key is left out.
            macro_rules! keys {
                ($($field:ident $default:literal)*) => {
                    $({
                        let of = |probe: &Probe| probe.$field.written().map(|text| Tree::Text(text.as_str().into()));
                        let (old, new) = (of(old), of(new));
                        let name = stringify!($field);
                        let default = Tree::from($default);
                        let or_default = |value: &Option<Tree>| value.clone().or_else(|| Some(default.clone()));
                        if old != new && alike(name, or_default(&old).as_ref(), or_default(&new).as_ref()) {
                            changes.push(rewritten(subject, name));
                        } else {
                            tree(changes, subject, name, old.as_ref(), new.as_ref());
                        }
                    })*
                };
            }
            keys!(interval "30s" timeout "30s" retries "3" start_period "0s" start_interval "5s");
            if old.enable != new.enable {
                changes.push(rewritten(subject, "disable"));
            }
            for fate in fates(&old.keys.0, &new.keys.0, |(key, _)| key.as_str()) {
                let (key, before, after) = sides(&fate);
                tree(changes, subject, key, before, after);
            }
        }
        (None, Some(Healthcheck::Probe(probe))) | (Some(Healthcheck::Probe(probe)), None)
            if **probe == Probe::default() =>
        {
            changes.push(rewritten((Id::HealthcheckChanged, AREA, subject), "healthcheck"));
        }
        (None | Some(Healthcheck::Disabled { .. }), Some(Healthcheck::Probe(probe))) => {
            changes.push(
                Change::notice(Id::HealthcheckAdded, AREA, subject, "healthcheck added").is(probe.test.written()),
            );
        }
        (Some(Healthcheck::Probe(probe)), None) => {
            changes.push(
                Change::caution(Id::HealthcheckRemoved, AREA, subject, "healthcheck removed").was(probe.test.written()),
            );
        }
        (Some(Healthcheck::Probe(_)) | None, Some(Healthcheck::Disabled { .. })) => {
            changes.push(Change::caution(Id::HealthcheckRemoved, AREA, subject, "healthcheck disabled"));
        }
        (Some(Healthcheck::Disabled { .. }), None) => {
            changes.push(Change::notice(
                Id::HealthcheckAdded,
                AREA,
                subject,
                "the image's own healthcheck is no longer disabled",
            ));
        }
        (None, None) | (Some(Healthcheck::Disabled { .. }), Some(Healthcheck::Disabled { .. })) => {}
    }
}

/// Settings of the kinds, and what Alloy scrapes.
pub(super) fn kinds(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let in_files = changes.iter().any(|change| change.area == Area::Files);
    for fate in fates(&pair.before.services, &pair.after.services, |service| service.name.as_str()) {
        if let Fate::Stays(old, new) = fate {
            judged(old, new, changes);
            if in_files {
                unjudged(old, new, changes);
            }
        }
    }
    for fate in fates(&pair.before.alloys, &pair.after.alloys, |alloy| alloy.service.as_str()) {
        if let Fate::Stays(old, new) = fate {
            alloy(old, new, changes);
        }
    }
}

/// The settings of a service, as its kind judges their changes.
fn judged(old: &Service, new: &Service, changes: &mut Vec<Change>) {
    // By what the old one declares: the change itself may declare that it is harmless.
    let Some(kind) = old.kind.as_ref().filter(|kind| new.kind.as_ref() == Some(kind)) else { return };
    for (name, setting) in kind.declaration().settings.iter() {
        let Some(judgement) = &setting.review else { continue };
        let (before, after) = (old.setting(&name.value), new.setting(&name.value));
        if before == after {
            continue;
        }
        let subject = (Id::SettingChanged, area(judgement.area), new.name.as_str());
        // A value that means "no limit" is greater than any other.
        let amount = |literal: &Literal| setting.kind.value_of(literal)?.amount();
        let unlimited = judgement.unlimited.as_ref().and_then(amount);
        let order =
            before.and_then(SettingValue::amount).zip(after.and_then(SettingValue::amount)).map(|(before, after)| {
                let most = |amount: u64| if Some(amount) == unlimited { u64::MAX } else { amount };
                most(after).cmp(&most(before))
            });
        let (id, verdict) = match order {
            Some(Ordering::Less) => (Id::SettingLowered, judgement.less.as_ref()),
            Some(Ordering::Greater) => (Id::SettingRaised, judgement.more.as_ref()),
            Some(Ordering::Equal) => {
                let same = Change::notice(Id::SettingChanged, subject.1, subject.2, "written differently, same value");
                changes.push(same.was(before.written()).is(after.written()));
                continue;
            }
            None => (Id::SettingChanged, judgement.other.as_ref()),
        };
        match verdict {
            Some(verdict) => changes.push(
                Change::new(id, severity(verdict.severity), subject.1, subject.2, verdict.says.clone())
                    .was(before.written())
                    .is(after.written()),
            ),
            None => value(changes, subject, &name.value, before.written(), after.written()),
        }
    }
}

/// The other settings of a service whose kind is the project's own: templates may use them.
fn unjudged(old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let Some(kind) = old.kind.as_ref().filter(|kind| kind.is_own() && new.kind.as_ref() == Some(kind)) else { return };
    let is_judged = |name: &str| kind.declaration().settings.get(name).is_some_and(|setting| setting.review.is_some());
    for fate in fates(&old.settings, &new.settings, |setting| setting.name.as_str()) {
        let (name, before, after) = match fate {
            Fate::Added(new) => (&new.name, None, Some(&new.value)),
            Fate::Removed(old) => (&old.name, Some(&old.value), None),
            Fate::Stays(old, new) => (&new.name, Some(&old.value), Some(&new.value)),
        };
        if before != after && !is_judged(name) {
            let subject = (Id::SettingChanged, Area::Services, new.name.as_str());
            // Compose has no such key.
            let change = changed(subject, name, before.written(), after.written());
            changes.push(Change { keys: Vec::new(), ..change });
        }
    }
}

fn area(area: JudgedArea) -> Area {
    match area {
        JudgedArea::Limits => Area::Limits,
        JudgedArea::Retention => Area::Retention,
        JudgedArea::Metrics => Area::Metrics,
        JudgedArea::Privileges => Area::Privileges,
        JudgedArea::Services => Area::Services,
    }
}

fn severity(severity: Option<JudgedSeverity>) -> Severity {
    match severity {
        Some(JudgedSeverity::Danger) => Severity::Danger,
        Some(JudgedSeverity::Caution) => Severity::Caution,
        Some(JudgedSeverity::Notice) | None => Severity::Notice,
    }
}

impl Written for &SettingValue {
    fn written(&self) -> Option<String> {
        match self {
            SettingValue::Boolean(value) => Some(value.to_string()),
            SettingValue::Integer(number) => Some(number.to_string()),
            SettingValue::Duration(duration) => Some(duration.text.clone()),
            SettingValue::Size(size) => Some(size.0.clone()),
            SettingValue::Text(text) => text.written(),
            SettingValue::Secret(secret) => Some(format!("${{{}}}", secret.variable)),
            SettingValue::Strings(strings) => strings.written(),
            SettingValue::Map(entries) => {
                let entries: Vec<String> = entries.iter().map(|(name, text)| format!("{name} {text}")).collect();
                entries.written()
            }
        }
    }
}

fn alloy(old: &Alloy, new: &Alloy, changes: &mut Vec<Change>) {
    let subject = (Id::SettingChanged, Area::Metrics, new.service.as_str());
    value(changes, subject, "scrape_interval", old.scrape_interval.text.written(), new.scrape_interval.text.written());
    for fate in fates(&old.targets, &new.targets, |target| target.job.as_str()) {
        let at = |target: &ScrapeTarget| {
            let each = if target.replicated { " of each replica" } else { "" };
            format!("{}{}{each}", target.address.authority().shown(), target.address.path)
        };
        changes.push(match fate {
            Fate::Added(target) => {
                Change::notice(Id::ScrapeTargetAdded, subject.1, subject.2, format!("scrapes {}", quoted(&target.job)))
                    .is(at(target))
            }
            Fate::Removed(target) => Change::caution(
                Id::ScrapeTargetRemoved,
                subject.1,
                subject.2,
                format!("no longer scrapes {}", quoted(&target.job)),
            )
            .was(at(target)),
            Fate::Stays(old, new) if old != new => Change::notice(
                Id::ScrapeTargetChanged,
                subject.1,
                subject.2,
                format!("scrapes {} at a different address", quoted(&new.job)),
            )
            .was(at(old))
            .is(at(new)),
            Fate::Stays(..) => continue,
        });
    }
    let url = |store: &Option<Address>| store.as_ref().map(ToString::to_string);
    value(changes, subject, "metrics_store", url(&old.metrics), url(&new.metrics));
    value(changes, subject, "logs_store", url(&old.logs), url(&new.logs));
}
