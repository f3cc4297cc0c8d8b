//! Profiles: each that stays is compared, and one that comes or goes is told as a whole.

use super::services::{self, Digests};
use super::{
    Area, Change, Pair, Severity, accepted, clusters, dashboards, datasources, images, infrastructure, schema,
    settings, storage, variables,
};
use crate::Plan;
use crate::model::Stack;

/// The changes of each profile: first those that are there now, in their order, then those that are gone.
pub(super) fn compare(before: &[Plan], after: &[Plan]) -> Vec<(String, Vec<Change>)> {
    let of = |plans: &'_ [Plan], profile: &str| plans.iter().position(|plan| plan.profile() == profile);
    let mut all = Vec::new();
    for new in after {
        let old = of(before, new.profile()).and_then(|index| before.get(index));
        let mut changes = match old {
            Some(old) => stacks(&Digests::of(Some(old), Some(new)), old.stack(), new.stack()),
            None => stacks(&Digests::of(None, Some(new)), &nothing(new.stack()), new.stack()),
        };
        if old.is_none() && !before.is_empty() {
            // It is mostly what the other profiles are.
            changes.retain(|change| change.severity == Severity::Danger);
            let stack = new.stack();
            let what = format!("new: {}", super::counted(stack.services.len(), "service"));
            changes.push(Change::notice(Area::Profiles, new.profile(), what).is(stack.project.clone()));
        }
        all.push((new.profile().to_owned(), changes));
    }
    for old in before.iter().filter(|old| of(after, old.profile()).is_none()) {
        all.push((old.profile().to_owned(), vec![gone(old.stack())]));
    }
    all
}

fn gone(old: &Stack) -> Change {
    let keeps = old.infrastructure.is_some() || old.volumes.iter().any(|volume| !volume.external);
    let what = "gone: what runs of it, its volumes and what Terraform created stay, and nothing describes them; \
                before, run `gen dev down` and `gen dev infra destroy`";
    let severity = if keeps { Severity::Danger } else { Severity::Caution };
    Change::new(severity, Area::Profiles, &old.profile, what).was(old.project.clone())
}

/// Every area, in the order of the spec.
fn stacks(digests: &Digests, before: &Stack, after: &Stack) -> Vec<Change> {
    let pair = Pair::new(before, after);
    let mut changes = Vec::new();
    stack(&pair, &mut changes);
    images::compare(&pair, &mut changes);
    clusters::compare(&pair, &mut changes);
    services::compare(&pair, digests, &mut changes);
    settings::kinds(&pair, &mut changes);
    storage::compare(&pair, &mut changes);
    schema::compare(&pair, &mut changes);
    datasources::compare(&pair, &mut changes);
    dashboards::compare(&pair, &mut changes);
    variables::compare(&pair, &mut changes);
    infrastructure::compare(&pair, &mut changes);
    accepted::compare(&pair, &mut changes);
    changes
}

fn stack(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let (before, after) = (pair.before, pair.after);
    if before.project != after.project {
        let volumes = before.volumes.iter().any(|volume| volume.engine_name.is_none() && !volume.external);
        let what = "another Compose project: every container is made anew, and the old ones run on";
        changes.push(
            if volumes {
                Change::danger(Area::Stack, &after.project, format!("{what}; its volumes begin empty"))
            } else {
                Change::caution(Area::Stack, &after.project, what)
            }
            .was(before.project.clone())
            .is(after.project.clone()),
        );
    }
    for (what, old, new) in
        [("title", &before.title, &after.title), ("description", &before.description, &after.description)]
    {
        if old != new {
            changes.push(
                Change::notice(Area::Stack, &after.project, format!("another {what}")).was(old.clone()).is(new.clone()),
            );
        }
    }
}

/// A stack of that name with nothing in it.
fn nothing(like: &Stack) -> Stack {
    Stack {
        profile: like.profile.clone(),
        project: like.project.clone(),
        title: like.title.clone(),
        description: like.description.clone(),
        networks: Vec::new(),
        volumes: Vec::new(),
        secrets: Vec::new(),
        services: Vec::new(),
        schema_services: Vec::new(),
        schema: Vec::new(),
        builds: Vec::new(),
        clusters: Vec::new(),
        alloys: Vec::new(),
        grafanas: Vec::new(),
        dashboards: Vec::new(),
        variables: Vec::new(),
        infrastructure: None,
        accepted: Vec::new(),
    }
}
