//! The variables of the user's `.env`.

use super::{Area, Change, Fate, Pair, fates, quoted};
use crate::model::Variable;

const AREA: Area = Area::Variables;

pub(super) fn compare(pair: &Pair<'_>, changes: &mut Vec<Change>) {
    for fate in fates(&pair.before.variables, &pair.after.variables, |variable| variable.name.as_str()) {
        match fate {
            Fate::Added(new) => added(new, changes),
            Fate::Removed(old) => changes.push(
                Change::notice(AREA, &old.name, "no longer read: it may go from `.env`").was(old.default.clone()),
            ),
            Fate::Stays(old, new) => stays(old, new, changes),
        }
    }
}

fn added(new: &Variable, changes: &mut Vec<Change>) {
    let filled = filled_by(new);
    changes.push(if new.required {
        let what = format!("new, and required: the stack doesn't start until `.env` sets it{filled}");
        Change::caution(AREA, &new.name, what)
    } else {
        let secret = if new.secret { "new, a secret" } else { "new" };
        Change::notice(AREA, &new.name, format!("{secret}{filled}")).is(new.default.clone())
    });
}

fn filled_by(variable: &Variable) -> String {
    variable.output.as_ref().map_or_else(String::new, |output| format!("; Terraform's {} fills it", quoted(output)))
}

fn stays(old: &Variable, new: &Variable, changes: &mut Vec<Change>) {
    let name = &new.name;
    if old.secret && !new.secret {
        changes.push(match &new.default {
            // The value is shown in the spec, and needn't be repeated wherever this is printed.
            Some(_) => Change::danger(AREA, name, "was a secret, and has a default now: it is committed"),
            None => Change::danger(AREA, name, "no longer a secret: it may be committed and shown"),
        });
    } else if new.secret && !old.secret {
        changes.push(Change::notice(AREA, name, "a secret now"));
    }
    if new.required && !old.required {
        let what = "required now: the stack doesn't start until `.env` sets it";
        changes.push(Change::caution(AREA, name, what).was(old.default.clone()));
    } else if old.required && !new.required {
        let after = new.default.clone().filter(|_| !old.secret);
        changes.push(Change::notice(AREA, name, "no longer required").is(after));
    } else if old.default != new.default && !old.secret {
        let what = match (&old.default, &new.default) {
            (None, _) => "has a default now",
            (_, None) => "has no default any more",
            _ => "another default, where `.env` says nothing",
        };
        changes.push(Change::notice(AREA, name, what).was(old.default.clone()).is(new.default.clone()));
    }
    if old.output != new.output {
        let what = "filled from another Terraform output";
        changes.push(Change::notice(AREA, name, what).was(old.output.clone()).is(new.output.clone()));
    }
    for (what, before, after) in
        [("description", &old.description, &new.description), ("heading", &old.group, &new.group)]
    {
        if before != after {
            changes.push(Change::notice(AREA, name, format!("another {what}")).was(before.clone()).is(after.clone()));
        }
    }
}
