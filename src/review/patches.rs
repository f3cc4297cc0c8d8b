//! Values of outputs that the spec changes after they are rendered, and outputs that are the user's own.

use super::{Area, Change, Fate, Id, Pair, Severity, counted, fates, quoted};
use crate::model::patch::{Edit, Patch};
use crate::model::text::{Text, Tree};
use crate::model::{Stack, secret};
use crate::spec::patches::name_of;
use crate::spec::stack::TERRAFORM;
use crate::view::{self, COMPOSE};
use crate::{MANIFEST, difference, output};

/// An edit, and the patch that it is part of.
type Patched<'s> = (&'s Patch, &'s Edit);

fn of(stack: &Stack) -> Vec<Patched<'_>> {
    let applied = view::patched::applied(stack).into_iter();
    applied.flat_map(|patch| patch.edits.iter().map(move |edit| (patch, edit))).collect()
}

/// Each value that is changed, or no longer.
pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let key = |(patch, edit): &Patched<'_>| (patch.file.clone(), edit.action.word(), edit.path.text.clone());
    for fate in fates(&of(pair.before), &of(pair.after), key) {
        let (id, (patch, edit), before, after) = match fate {
            Fate::Added(new) => (Id::PatchAdded, *new, None, value(new.1)),
            Fate::Removed(old) => (Id::PatchRemoved, *old, value(old.1), None),
            Fate::Stays(old, new) if old.1.action != new.1.action => {
                (Id::PatchChanged, *new, value(old.1), value(new.1))
            }
            Fate::Stays(old, new) if old.0.reason != new.0.reason => {
                let what = format!("{} patched for a different reason", quoted(&new.1.path.text));
                let change = Change::notice(Id::PatchChanged, Area::Patches, &new.0.file, what);
                let change = Change { thing: Some(new.1.path.text.clone()), ..change };
                changes.push(change.was(old.0.reason.clone()).is(new.0.reason.clone()));
                continue;
            }
            Fate::Stays(..) => continue,
        };
        let value_of = quoted(&edit.path.text);
        let what = match (id, edit.action.word()) {
            (Id::PatchRemoved, _) => format!("{value_of} no longer patched"),
            (_, word) => {
                // No other change is about what it gives a container.
                let unjudged = unjudged(&patch.file).unwrap_or_default();
                format!("patched, {word} {value_of}{unjudged}: {}", patch.reason)
            }
        };
        let severity = match id {
            Id::PatchRemoved => Severity::Caution,
            _ if unjudged(&patch.file).is_some() => Severity::Danger,
            _ => Severity::Caution,
        };
        let change = Change::new(id, severity, Area::Patches, &patch.file, what).was(before).is(after);
        changes.push(Change { thing: Some(edit.path.text.clone()), ..change });
    }
}

/// Outputs that become the user's own or no longer are, and what would have changed in those that stay.
pub(super) fn ejected(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    let (before, after) = (view::patched::ejected(pair.before), view::patched::ejected(pair.after));
    if before.is_empty() && after.is_empty() {
        return;
    }
    let manifest = format!("{}/{MANIFEST}", pair.before.generated());
    let rendered = output::ejected_in_manifest(&pair.ground.manifest(&manifest).unwrap_or_default());
    for fate in fates(&before, &after, |(name, _)| name.as_str()) {
        match fate {
            Fate::Added((name, artifact)) => {
                let reason = artifact.ejected().unwrap_or_default();
                let unjudged = unjudged(name);
                let severity = if unjudged.is_some() { Severity::Danger } else { Severity::Caution };
                let unjudged = unjudged.unwrap_or_default();
                let what = format!("your own now, neither rendered nor compared{unjudged}: {reason}");
                changes.push(Change::new(Id::OutputEjected, severity, Area::Patches, name, what));
            }
            Fate::Removed((name, _)) => {
                changes.push(Change::notice(
                    Id::OutputReturned,
                    Area::Patches,
                    name,
                    "no longer your own: rendered again",
                ));
            }
            Fate::Stays((_, old), (name, new)) => {
                if old.ejected() != new.ejected() {
                    let change =
                        Change::notice(Id::OutputEjected, Area::Patches, name, "your own for a different reason");
                    changes.push(change.was(old.ejected().map(str::to_owned)).is(new.ejected().map(str::to_owned)));
                }
                // Only a broken template can fail, which the outputs report.
                let path = old.path.as_str();
                let (Ok(old), Ok(new)) = (old.render(), new.render()) else { continue };
                if rendered.get(path).is_some_and(|digest| *digest != output::digest(old.as_bytes())) {
                    let what = "ejected, so it is left alone: this version of `gen` would render it differently than the last render \
                                at the base; that is not a change of the spec";
                    changes.push(Change::notice(Id::RenderedDifferently, Area::Patches, name, what));
                }
                if old == new {
                    continue;
                }
                let (added, removed) = difference::counted(&old, &new);
                let what = format!(
                    "ejected, so it is left alone: {} would be added, and {} removed",
                    counted(added, "line"),
                    counted(removed, "line")
                );
                changes.push(Change::caution(Id::EjectedDiffers, Area::Patches, name, what));
            }
        }
    }
}

/// What of an output a review does not judge, though it may be a danger: what containers may do, what is in their images, and
/// what is created at a provider.
fn unjudged(file: &str) -> Option<&'static str> {
    match file.split_once('/') {
        None if file == COMPOSE => Some("; its effect on containers is not reviewed"),
        Some(("kubernetes", rest)) if !rest.starts_with("base/files/") => {
            Some("; its effect on containers is not reviewed")
        }
        Some(("docker", _)) => Some("; its effect on the image is not reviewed"),
        Some((TERRAFORM, _)) => Some("; its effect on the infrastructure is not reviewed"),
        _ => None,
    }
}

/// The value of an edit, without what looks like a secret.
fn value(edit: &Edit) -> Option<String> {
    let value = edit.action.value()?;
    if has_secret(edit.path.name(), value) {
        return Some(secret::HIDDEN.to_owned());
    }
    Some(match value {
        Tree::Text(text) => Text::shown(text),
        other => serde_json::to_string(other).unwrap_or_default(),
    })
}

fn has_secret(name: &str, value: &Tree) -> bool {
    match value {
        Tree::Text(text) => secret::is_written(name, text),
        Tree::List(items) => items.iter().any(|item| has_secret(name, item)),
        Tree::Table(entries) => {
            let beside =
                value.get("name").and_then(|name| if let Tree::Text(name) = name { name.literal() } else { None });
            entries.iter().any(|(key, value)| has_secret(name_of(key, beside, name), value))
        }
        Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::unjudged;

    #[test]
    fn what_is_built_and_created_is_a_danger_like_what_a_container_may_do() {
        for file in ["docker-compose.yml", "kubernetes/base/web.yaml", "docker/Dockerfile", "terraform/main.tf"] {
            assert!(unjudged(file).is_some(), "{file}");
        }
        for file in ["config/mimir.yaml", "kubernetes/base/files/config/mimir.yaml", "README.md", "docker.txt"] {
            assert_eq!(unjudged(file), None, "{file}");
        }
    }
}
