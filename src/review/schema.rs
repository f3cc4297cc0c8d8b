//! The steps that create schemas. Their services are compared with the other services.

use super::{Area, Change, Fate, Id, Pair, fates};
use crate::model::SchemaStep;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    const AREA: Area = Area::Schema;
    let (before, after) = (&pair.before.schema, &pair.after.schema);
    for fate in fates(before, after, |step| step.name.as_str()) {
        match fate {
            // A separate service is reported as a service.
            Fate::Added(new) if !new.compose_profile => {
                changes.push(
                    Change::notice(Id::SchemaStepAdded, AREA, &new.name, "now a step").is(new.description.clone()),
                );
            }
            Fate::Removed(old) if !old.compose_profile => {
                changes.push(
                    Change::notice(Id::SchemaStepRemoved, AREA, &old.name, "no longer a step")
                        .was(old.description.clone()),
                );
            }
            Fate::Stays(old, new) if old.service != new.service => {
                let what = "a different service runs the step";
                changes.push(
                    Change::notice(Id::SchemaStepChanged, AREA, &new.name, what)
                        .was(old.service.clone())
                        .is(new.service.clone()),
                );
            }
            Fate::Added(_) | Fate::Removed(_) | Fate::Stays(..) => {}
        }
    }
    let order = |steps: &[SchemaStep], others: &[SchemaStep]| -> Vec<String> {
        let known = |name: &str| others.iter().any(|other| other.name == name);
        steps.iter().map(|step| step.name.clone()).filter(|name| known(name)).collect()
    };
    let (old, new) = (order(before, after), order(after, before));
    if old != new {
        let what = "the order of the steps changed";
        changes.push(
            Change::caution(Id::SchemaOrderChanged, AREA, &pair.after.project, what)
                .was(old.join(", "))
                .is(new.join(", ")),
        );
    }
}
