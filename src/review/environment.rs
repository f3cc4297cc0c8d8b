//! The variables that containers see.

use std::collections::HashSet;

use super::written::text;
use super::{Area, Change, Fate, Id, Pair, clusters, fates, quoted};
use crate::model::Stack;
use crate::model::service::Service;
use crate::model::text::Text;

const AREA: Area = Area::Environment;

/// The secrets of a stack.
pub(super) struct Secrets<'s>(HashSet<&'s str>);

impl<'s> Secrets<'s> {
    pub(super) fn of(stack: &'s Stack) -> Self {
        let secret = stack.variables.iter().filter(|variable| variable.secret);
        Self(secret.map(|variable| variable.name.as_str()).collect())
    }

    fn any(&self, text: &Text) -> bool {
        text.variables().any(|name| self.0.contains(name))
    }
}

/// The environment of a service that was there before.
pub(super) fn compare(pair: &Pair<'_>, secrets: &Secrets<'_>, old: &Service, new: &Service, changes: &mut Vec<Change>) {
    let service = &new.name;
    for fate in fates(&old.environment, &new.environment, |(name, _)| name.as_str()) {
        match fate {
            Fate::Added((name, value)) if !clusters::covers(pair, service, name) => {
                changes.push(
                    Change::notice(Id::EnvironmentAdded, AREA, service, format!("{} added", quoted(name)))
                        .is(text(value)),
                );
            }
            Fate::Removed((name, value)) if !clusters::covers(pair, service, name) => {
                changes.push(
                    Change::notice(Id::EnvironmentRemoved, AREA, service, format!("{} removed", quoted(name)))
                        .was(text(value)),
                );
            }
            Fate::Stays((_, before), (name, after))
                if !pair.same(before, after) && !clusters::covers(pair, service, name) =>
            {
                let lost = secrets.any(before) && after.literal().is_some_and(|literal| !literal.is_empty());
                changes.push(if lost {
                    // The new value must not be repeated wherever this is printed.
                    let what = format!("{} was a secret in `.env` and is now written in the spec", quoted(name));
                    Change::danger(Id::SecretWritten, AREA, service, what).was(text(before))
                } else {
                    Change::notice(Id::EnvironmentChanged, AREA, service, format!("{} changed", quoted(name)))
                        .was(text(before))
                        .is(text(after))
                });
            }
            Fate::Added(_) | Fate::Removed(_) | Fate::Stays(..) => {}
        }
    }
    for fate in fates(&old.inherited, &new.inherited, String::as_str) {
        let (name, what) = match fate {
            Fate::Added(name) => (name, "is taken from where Compose runs"),
            Fate::Removed(name) => (name, "is no longer taken from where Compose runs"),
            Fate::Stays(..) => continue,
        };
        changes.push(Change::notice(Id::EnvironmentInherited, AREA, service, format!("{} {what}", quoted(name))));
    }
    // The last one wins.
    let names = |service: &Service| -> Vec<String> {
        service.environment.iter().map(|(name, _)| name).chain(&service.inherited).cloned().collect()
    };
    let (mut before, mut after) = (names(old), names(new));
    if before != after {
        before.sort_unstable();
        after.sort_unstable();
        if before == after {
            changes.push(Change::notice(Id::EnvironmentChanged, AREA, service, "the order of variables changed"));
        }
    }
}
