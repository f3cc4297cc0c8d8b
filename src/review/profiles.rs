//! Profiles: those in both specs are compared; an added or removed one is a single change.

use super::services::{self, Digests};
use super::{
    Area, Change, Fate, Ground, Id, Pair, Severity, accepted, clusters, dashboards, datasources, external, fates,
    files, images, infrastructure, kubernetes, patches, schema, settings, sides, storage, unexplained, variables,
    written,
};
use crate::Plan;
use crate::model::Stack;

/// The changes of each profile: the current ones in their order, then those that were removed.
pub(super) fn compare(before: &[Plan], after: &[Plan], ground: &dyn Ground) -> Vec<(String, Vec<Change>)> {
    let of = |plans: &'_ [Plan], profile: &str| plans.iter().position(|plan| plan.profile() == profile);
    let mut all = Vec::new();
    for new in after {
        let old = of(before, new.profile()).and_then(|index| before.get(index));
        let mut changes = match old {
            Some(old) => stacks(&Digests::of(Some(old), Some(new)), old.stack(), new.stack(), ground),
            None => stacks(&Digests::of(None, Some(new)), &nothing(new.stack()), new.stack(), ground),
        };
        if old.is_none() && !before.is_empty() {
            // It is mostly the same as the other profiles.
            changes.retain(|change| change.severity == Severity::Danger);
            let stack = new.stack();
            let what = format!("added: {}", super::counted(stack.services.len(), "service"));
            changes
                .push(Change::notice(Id::ProfileAdded, Area::Profiles, new.profile(), what).is(stack.project.clone()));
        }
        accepted::mark(before, new, &mut changes);
        all.push((new.profile().to_owned(), changes));
    }
    for old in before.iter().filter(|old| of(after, old.profile()).is_none()) {
        all.push((old.profile().to_owned(), vec![gone(old.stack())]));
    }
    all
}

fn gone(old: &Stack) -> Change {
    let keeps = old.infrastructure.is_some() || old.volumes.iter().any(|volume| !volume.keys.is_set("external"));
    let what = "removed: its containers, its volumes and what Terraform created stay, but nothing describes them; to \
                delete them, run `gen dev down` and `gen dev infra destroy` first";
    let severity = if keeps { Severity::Danger } else { Severity::Caution };
    Change::new(Id::ProfileRemoved, severity, Area::Profiles, &old.profile, what).was(old.project.clone())
}

/// Every area, in the order of the spec.
fn stacks(digests: &Digests, before: &Stack, after: &Stack, ground: &dyn Ground) -> Vec<Change> {
    let pair = Pair::new(before, after, ground);
    let mut changes = Vec::new();
    stack(&pair, &mut changes);
    images::compare(&pair, &mut changes);
    clusters::compare(&pair, &mut changes);
    services::compare(&pair, digests, &mut changes);
    files::compare(&pair, &mut changes);
    patches::compare(&pair, &mut changes);
    patches::ejected(&pair, &mut changes);
    settings::kinds(&pair, &mut changes);
    storage::compare(&pair, &mut changes);
    kubernetes::compare(&pair, &mut changes);
    external::compare(&pair, &mut changes);
    schema::compare(&pair, &mut changes);
    datasources::compare(&pair, &mut changes);
    dashboards::compare(&pair, &mut changes);
    variables::compare(&pair, &mut changes);
    infrastructure::compare(&pair, &mut changes);
    accepted::compare(&pair, &mut changes);
    unexplained::compose(&pair, &mut changes);
    changes
}

fn stack(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let (before, after) = (pair.before, pair.after);
    if before.project != after.project {
        let volumes =
            before.volumes.iter().any(|volume| volume.keys.get("name").is_none() && !volume.keys.is_set("external"));
        let what = "Compose project changed: new containers are created, and the old ones keep running";
        changes.push(
            if volumes {
                Change::danger(Id::ProjectRenamed, Area::Stack, &after.project, format!("{what}; volumes start empty"))
            } else {
                Change::caution(Id::ProjectRenamed, Area::Stack, &after.project, what)
            }
            .was(before.project.clone())
            .is(after.project.clone()),
        );
    }
    for fate in fates(&before.unmanaged, &after.unmanaged, String::as_str) {
        changes.push(match fate {
            Fate::Added(path) => Change::danger(
                Id::UnmanagedPath,
                Area::Stack,
                path,
                "no longer checked: a program may load what is there",
            ),
            Fate::Removed(path) => Change::notice(Id::UnmanagedPath, Area::Stack, path, "checked again"),
            Fate::Stays(..) => continue,
        });
    }
    for (old, new, is_state) in
        [(before.generated(), after.generated(), false), (before.terraform(), after.terraform(), true)]
    {
        let used = !is_state || (before.infrastructure.is_some() && after.infrastructure.is_some());
        if old != new && used {
            let change = if is_state {
                let what = "moved: Terraform's state is not, and without it everything is created a second time";
                Change::danger(Id::OutputsMoved, Area::Stack, &new, what)
            } else {
                let what = "moved: your `.env` and other files of yours are not";
                Change::caution(Id::OutputsMoved, Area::Stack, &new, what)
            };
            changes.push(change.was(old).is(new));
        }
    }
    for path in pair.ground.committed(&after.profile) {
        let what = "committed: a program reads its values instead of the spec's";
        changes.push(Change::danger(Id::CommittedFile, Area::Stack, path, what));
    }
    for (what, old, new) in
        [("title", &before.title, &after.title), ("description", &before.description, &after.description)]
    {
        if old != new {
            changes.push(
                Change::notice(Id::StackChanged, Area::Stack, &after.project, format!("{what} changed"))
                    .was(old.clone())
                    .is(new.clone()),
            );
        }
    }
    for fate in fates(&before.extensions.0, &after.extensions.0, |(key, _)| key.as_str()) {
        let (key, old, new) = sides(&fate);
        written::tree(changes, (Id::StackChanged, Area::Stack, &after.project), key, old, new);
    }
}

/// An empty stack of the same name.
fn nothing(like: &Stack) -> Stack {
    Stack {
        profile: like.profile.clone(),
        outputs: like.outputs.clone(),
        project: like.project.clone(),
        title: like.title.clone(),
        description: like.description.clone(),
        ..Stack::default()
    }
}
