//! The variables that containers see.

use std::collections::HashSet;

use super::written::text;
use super::{Area, Change, Fate, Id, Pair, clusters, fates, quoted};
use crate::model::service::{Command, Healthcheck, Service};
use crate::model::text::Text;
use crate::model::{Stack, secret};

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

/// A value, unless it is a secret.
fn shown(name: &str, value: &Text) -> String {
    if secret::is_hidden(name, value) {
        return secret::HIDDEN.to_owned();
    }
    text(value)
}

/// What a service does with secrets that others can see.
fn careless(service: &Service, secrets: &Secrets<'_>) -> Vec<(Id, String, String)> {
    let mut found = Vec::new();
    for (name, _) in service.environment.iter().filter(|(name, value)| secret::is_written(name, value)) {
        let what = format!("{} looks like a secret that is committed", quoted(name));
        found.push((Id::LiteralSecret, what, name.clone()));
    }
    let mut seen = |key: &str, text: &Text| {
        for name in text.variables().filter(|name| secrets.0.contains(name)) {
            let what = format!("the secret {} in {} is visible to others on the host", quoted(name), quoted(key));
            found.push((Id::SecretInCommand, what, name.to_owned()));
        }
    };
    let mut commands = vec![("command", service.command.as_ref()), ("entrypoint", service.entrypoint.as_ref())];
    if let Some(Healthcheck::Probe(probe)) = &service.healthcheck {
        commands.push(("healthcheck", probe.test.as_ref()));
    }
    for (key, command) in commands {
        match command {
            Some(Command::Line(line)) => seen(key, line),
            Some(Command::Arguments(arguments)) => arguments.iter().for_each(|argument| seen(key, argument)),
            None => {}
        }
    }
    service.labels.iter().for_each(|(_, label)| seen("labels", label));
    if let Some(arguments) = service.keys.at(&["build", "args"]) {
        arguments.each_text(&mut |text| seen("build.args", text));
    }
    found
}

/// Cautions for what a service now does with secrets; nothing for what it did before.
pub(super) fn secrets(
    before: Option<(&Service, &Secrets<'_>)>,
    (new, secrets): (&Service, &Secrets<'_>),
    changes: &mut Vec<Change>,
) {
    let found = careless(new, secrets);
    // Most services are careful.
    if found.is_empty() {
        return;
    }
    let (mut known, mut were_secret) = (HashSet::new(), HashSet::new());
    if let Some((old, secrets)) = before {
        known.extend(careless(old, secrets));
        let secret = old.environment.iter().filter(|(_, value)| secrets.any(value));
        were_secret.extend(secret.map(|(name, _)| name.as_str()));
    }
    for found in found.into_iter().filter(|found| !known.contains(found)) {
        let (id, what, thing) = found;
        // That is a danger of its own.
        if id == Id::LiteralSecret && were_secret.contains(thing.as_str()) {
            continue;
        }
        // What changed is another change.
        let keys = Vec::new();
        changes.push(Change { thing: Some(thing), keys, ..Change::caution(id, AREA, &new.name, what) });
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
                        .is(shown(name, value)),
                );
            }
            Fate::Removed((name, value)) if !clusters::covers(pair, service, name) => {
                changes.push(
                    Change::notice(Id::EnvironmentRemoved, AREA, service, format!("{} removed", quoted(name)))
                        .was(shown(name, value)),
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
                        .was(shown(name, before))
                        .is(shown(name, after))
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
