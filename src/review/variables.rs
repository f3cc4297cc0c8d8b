//! The variables of the user's `.env`.

use super::{Area, Change, Fate, Id, Pair, fates, quoted};
use crate::model::{Variable, secret};
use crate::spec::provider::Source;

const AREA: Area = Area::Variables;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.variables, &pair.after.variables, |variable| variable.name.as_str()) {
        match fate {
            Fate::Added(new) => added(new, changes),
            Fate::Removed(old) => changes.push(
                Change::notice(Id::VariableRemoved, AREA, &old.name, "no longer read: it can be removed from `.env`")
                    .was(shown(old)),
            ),
            Fate::Stays(old, new) => stays(old, new, changes),
        }
    }
}

fn added(new: &Variable, changes: &mut Vec<Change>) {
    source(None, new, changes);
    let filled = filled_by(new);
    changes.push(if new.required && new.from.is_none() {
        let what = format!("added and required: the stack does not start until `.env` sets it{filled}");
        Change::caution(Id::VariableRequired, AREA, &new.name, what)
    } else {
        let secret = if new.secret { "secret added" } else { "added" };
        Change::notice(Id::VariableAdded, AREA, &new.name, format!("{secret}{filled}")).is(shown(new))
    });
}

/// Where the value is read, if that is new: it may be any secret of whoever starts the stack, given to any container.
fn source(old: Option<&Source>, new: &Variable, changes: &mut Vec<Change>) {
    if old == new.from.as_ref() {
        return;
    }
    let was = old.map(|source| source.text.clone());
    changes.push(match &new.from {
        Some(source) => {
            let what = if source.is_command() {
                "`gen dev up` runs a command of the spec for its value, on the machine of whoever starts the stack"
            } else {
                "`gen dev up` reads its value from a new place, with the login of whoever starts the stack"
            };
            Change::danger(Id::SecretSource, AREA, &new.name, what).was(was).is(source.text.clone())
        }
        None => Change::notice(Id::VariableChanged, AREA, &new.name, "no longer read from elsewhere").was(was),
    });
}

/// The default, unless it looks like a secret.
fn shown(variable: &Variable) -> Option<String> {
    let default = variable.default.clone()?;
    let hidden = secret::is_written(&variable.name, &default.as_str().into());
    Some(if hidden { secret::HIDDEN.to_owned() } else { default })
}

fn filled_by(variable: &Variable) -> String {
    variable
        .output
        .as_ref()
        .map_or_else(String::new, |output| format!("; filled by Terraform's output {}", quoted(output)))
}

fn stays(old: &Variable, new: &Variable, changes: &mut Vec<Change>) {
    let name = &new.name;
    source(old.from.as_ref(), new, changes);
    if old.secret && !new.secret {
        changes.push(match &new.default {
            // The spec shows the value; it must not be repeated wherever this is printed.
            Some(_) => {
                Change::danger(Id::SecretExposed, AREA, name, "was a secret and now has a default, which is committed")
            }
            None => Change::danger(Id::SecretExposed, AREA, name, "no longer a secret: it may be committed and shown"),
        });
    } else if new.secret && !old.secret {
        changes.push(Change::notice(Id::VariableChanged, AREA, name, "now a secret"));
    }
    if old.generate != new.generate {
        let what = if new.generate { "now chosen at random if `.env` has none" } else { "no longer chosen at random" };
        changes.push(Change::notice(Id::VariableChanged, AREA, name, what));
    }
    if new.required && new.from.is_none() && (!old.required || old.from.is_some()) {
        let what = "now required: the stack does not start until `.env` sets it";
        changes.push(Change::caution(Id::VariableRequired, AREA, name, what).was(shown(old)));
    } else if old.required && !new.required {
        let after = shown(new).filter(|_| !old.secret);
        changes.push(Change::notice(Id::VariableChanged, AREA, name, "no longer required").is(after));
    } else if old.default != new.default && !old.secret {
        let what = match (&old.default, &new.default) {
            (None, _) => "default added",
            (_, None) => "default removed",
            _ => "default changed: it applies unless `.env` sets the variable",
        };
        changes.push(Change::notice(Id::DefaultChanged, AREA, name, what).was(shown(old)).is(shown(new)));
    }
    if old.output != new.output {
        let what = "filled by a different Terraform output";
        changes
            .push(Change::notice(Id::VariableChanged, AREA, name, what).was(old.output.clone()).is(new.output.clone()));
    }
    for (what, before, after) in
        [("description", &old.description, &new.description), ("heading", &old.group, &new.group)]
    {
        if before != after {
            changes.push(
                Change::notice(Id::VariableChanged, AREA, name, format!("{what} changed"))
                    .was(before.clone())
                    .is(after.clone()),
            );
        }
    }
}
