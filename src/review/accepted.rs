//! What is accepted: findings of scanners, and changes of a review.

use std::collections::{HashMap, HashSet};

use super::{Area, Change, Fate, Id, Pair, Severity, fates};
use crate::Plan;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let both = [
        (Id::FindingAccepted, "this finding is now accepted", &pair.before.accepted, &pair.after.accepted),
        (
            Id::ChangeAccepted,
            "accepted from the next review on, once the base has it",
            &pair.before.accepted_changes,
            &pair.after.accepted_changes,
        ),
    ];
    for (id, now, before, after) in both {
        for fate in fates(before, after, |(name, _)| name) {
            changes.push(match fate {
                Fate::Added((name, reason)) => Change::caution(id, Area::Accepted, name, now).is(reason.clone()),
                Fate::Removed((name, reason)) => {
                    Change::notice(Id::AcceptanceRemoved, Area::Accepted, name, "no longer accepted")
                        .was(reason.clone())
                }
                Fate::Stays((_, before), (name, after)) if before != after => {
                    Change::notice(id, Area::Accepted, name, "accepted for a different reason")
                        .was(before.clone())
                        .is(after.clone())
                }
                Fate::Stays(..) => continue,
            });
        }
    }
}

/// Marks the changes of a profile that are accepted. An acceptance counts only if the base has it, too: a branch can't
/// accept what it does itself. The reason is the base's.
pub(super) fn mark(base: &[Plan], after: &Plan, changes: &mut [Change]) {
    let same = base.iter().find(|plan| plan.profile() == after.profile());
    // A new profile has what all others accept.
    let base: Vec<&Plan> = same.map_or_else(|| base.iter().collect(), |plan| vec![plan]);
    let Some((first, others)) = base.split_first() else { return };
    let names = |plan: &Plan| -> HashSet<String> {
        plan.stack().accepted_changes.iter().map(|(name, _)| name.clone()).collect()
    };
    let (after, others) = (names(after), others.iter().map(|plan| names(plan)).collect::<Vec<_>>());
    let reasons: HashMap<&str, &str> = first
        .stack()
        .accepted_changes
        .iter()
        .filter(|(name, _)| after.contains(name) && others.iter().all(|names| names.contains(name)))
        .map(|(name, reason)| (name.as_str(), reason.as_str()))
        .collect();
    if reasons.is_empty() {
        return;
    }
    for change in changes.iter_mut().filter(|change| change.severity != Severity::Notice) {
        change.accepted = reasons.get(change.name().as_str()).map(|reason| (*reason).to_owned());
    }
}
