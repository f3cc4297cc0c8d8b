//! Findings of scanners that are accepted.

use super::{Area, Change, Fate, Id, Pair, fates};

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.accepted, &pair.after.accepted, |(id, _)| id) {
        changes.push(match fate {
            Fate::Added((id, reason)) => {
                Change::caution(Id::FindingAccepted, Area::Accepted, id, "this finding is now accepted")
                    .is(reason.clone())
            }
            Fate::Removed((id, reason)) => {
                Change::notice(Id::AcceptanceRemoved, Area::Accepted, id, "this finding is no longer accepted")
                    .was(reason.clone())
            }
            Fate::Stays((_, before), (id, after)) if before != after => {
                Change::notice(Id::FindingAccepted, Area::Accepted, id, "accepted for a different reason")
                    .was(before.clone())
                    .is(after.clone())
            }
            Fate::Stays(..) => continue,
        });
    }
}
