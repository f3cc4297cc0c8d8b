//! What runs outside of the stack.

use super::written::text;
use super::{Area, Change, Fate, Id, Pair, fates};
use crate::model::External;

const AREA: Area = Area::Services;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.external, &pair.after.external, |external| external.name.as_str()) {
        match fate {
            Fate::Added(new) => {
                let what = "runs outside of the stack";
                changes.push(Change::notice(Id::ExternalChanged, AREA, &new.name, what).is(text(&new.host)));
            }
            Fate::Removed(old) => {
                let what = "removed: nothing outside of the stack has this name any more";
                changes.push(Change::notice(Id::ExternalChanged, AREA, &old.name, what).was(text(&old.host)));
            }
            Fate::Stays(old, new) => stays(pair, old, new, changes),
        }
    }
}

fn stays(pair: &Pair<'_>, old: &External, new: &External, changes: &mut Vec<Change>) {
    if !pair.same(&old.host, &new.host) {
        let what = "host changed: clients use the data of the new one, and nothing is migrated";
        let change = Change::caution(Id::ExternalChanged, AREA, &new.name, what);
        changes.push(change.was(text(&old.host)).is(text(&new.host)));
    }
    if old.ports != new.ports {
        let ports = |external: &External| {
            let ports = external.ports.iter().map(|(name, number)| format!("{name} = {number}"));
            ports.collect::<Vec<_>>().join(", ")
        };
        let change = Change::notice(Id::ExternalChanged, AREA, &new.name, "ports changed");
        changes.push(change.was(ports(old)).is(ports(new)));
    }
}
