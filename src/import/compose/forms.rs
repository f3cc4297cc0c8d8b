//! What Compose accepts and a spec has no form for, in the form that means the same.

use std::collections::HashMap;

use super::interpolation::{evaluated, resolved};
use super::{Kind, Notes, string};
use crate::dev::dotenv::Dotenv;
use crate::diagnostic::Span;
use crate::spec::decode::shown;
use crate::spec::merge::{SERVICE, as_assignments, has_bare_name};
use crate::spec::service::{ShortPort, split_outside};
use crate::spec::tree::{Key, Node, Table, Value};

/// Lists of a service whose items are names of the spec.
const NAMES: [&str; 4] = ["depends_on", "networks", "profiles", "links"];

/// Lists of assignments, of which the last one of a name counts.
const ASSIGNED: [&str; 2] = ["labels", "environment"];

/// What is true or false in a section, by path (`loader/interpolate.go` of compose-go); a star stands for any name.
const FLAGS: [(&str, &[&str]); 19] = [
    (SERVICE, &["depends_on", "*", "required"]),
    (SERVICE, &["depends_on", "*", "restart"]),
    (SERVICE, &["healthcheck", "disable"]),
    (SERVICE, &["init"]),
    (SERVICE, &["oom_kill_disable"]),
    (SERVICE, &["privileged"]),
    (SERVICE, &["read_only"]),
    (SERVICE, &["stdin_open"]),
    (SERVICE, &["tty"]),
    (SERVICE, &["volumes", "read_only"]),
    (SERVICE, &["volumes", "volume", "nocopy"]),
    ("configs", &["external"]),
    ("networks", &["attachable"]),
    ("networks", &["enable_ipv4"]),
    ("networks", &["enable_ipv6"]),
    ("networks", &["external"]),
    ("networks", &["internal"]),
    ("secrets", &["external"]),
    ("volumes", &["external"]),
];

/// Makes booleans of words at a path, also in the items of lists.
fn flags(node: &mut Node<'static>, path: &[&str]) {
    match (&mut node.value, path) {
        (Value::String(text), []) => {
            if let Some(flag) = flag(text) {
                node.value = Value::Boolean(flag);
            }
        }
        (Value::List(items), path) => items.iter_mut().for_each(|item| flags(item, path)),
        (Value::Table(table), [name, rest @ ..]) => {
            let named = table.entries.iter_mut().filter(|(key, _)| *name == "*" || key.name == *name);
            named.for_each(|(_, node)| flags(node, rest));
        }
        _ => {}
    }
}

/// Brings a section into forms that a spec has.
pub(super) fn settle(section: &str, entries: &mut Table<'static>, values: &Dotenv, notes: &mut Notes<'_>) {
    let mut forms = Forms { values, notes };
    for (_, node) in &mut entries.entries {
        if let Value::Table(entry) = &mut node.value
            && section == SERVICE
        {
            forms.service(entry);
        }
        FLAGS.iter().filter(|(of, _)| *of == section).for_each(|(_, path)| flags(node, path));
        let Value::Table(entry) = &mut node.value else { continue };
        match section {
            SERVICE => forms.disabled(entry),
            "networks" | "volumes" => forms.external(entry),
            _ => {}
        }
    }
}

/// The words for true and false that Compose takes.
fn flag(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

struct Forms<'f, 's> {
    values: &'f Dotenv,
    notes: &'f mut Notes<'s>,
}

impl Forms<'_, '_> {
    /// Puts the value of a text in its place if there is a variable in it, and says so.
    fn decide(&mut self, what: &str, node: &mut Node<'static>) {
        if let Value::String(text) = &mut node.value {
            *text = self.decided(what, text, node.span).into();
        }
    }

    fn decided(&mut self, what: &str, text: &str, span: Span) -> String {
        match resolved(what, text, &|name| self.values.get(name)) {
            Some((now, said)) => {
                self.notes.add(Kind::Assumed, Some(span), said);
                now
            }
            None => text.to_owned(),
        }
    }

    fn value(&self, text: &str) -> String {
        evaluated(text, &|name| self.values.get(name))
    }

    fn drop(&mut self, key: &Key<'static>, why: &str) {
        self.notes.add(Kind::Dropped, Some(key.span), format!("`{}`: {why}", key.name));
    }

    fn service(&mut self, service: &mut Table<'static>) {
        service.entries.retain(|(key, node)| {
            let is_default = match (&*key.name, &node.value) {
                ("hostname" | "restart", Value::String(text)) => text.is_empty(),
                ("cpus", value) => value.written().parse() == Ok(0.0),
                _ => false,
            };
            if is_default {
                self.drop(key, "it is the default");
            }
            !is_default
        });
        for (key, node) in &mut service.entries {
            let name = key.name.clone();
            match (&*name, &mut node.value) {
                ("healthcheck", Value::Table(check)) => self.healthcheck(check),
                ("ports", Value::List(items)) => items.iter_mut().for_each(|item| self.port(item)),
                ("volumes", Value::List(items)) => items.iter_mut().for_each(|item| self.mount(item)),
                ("depends_on", Value::Table(dependencies)) => {
                    for (_, dependency) in &mut dependencies.entries {
                        if let Value::Table(dependency) = &mut dependency.value {
                            self.at(&name, dependency, &["condition", "required", "restart"]);
                        }
                    }
                }
                ("secrets" | "configs", Value::List(items)) => {
                    for item in items {
                        match &mut item.value {
                            Value::Table(grant) => self.at(&name, grant, &["source"]),
                            _ => self.decide(&name, item),
                        }
                    }
                }
                (name, Value::List(items)) if NAMES.contains(&name) => {
                    for item in items {
                        self.decide(name, item);
                    }
                }
                (name, _) if ASSIGNED.contains(&name) => self.assignments(name, node),
                _ => {}
            }
        }
    }

    fn at(&mut self, what: &str, table: &mut Table<'static>, keys: &[&str]) {
        for (key, node) in &mut table.entries {
            if keys.contains(&&*key.name) {
                self.decide(what, node);
            }
        }
    }

    fn healthcheck(&mut self, check: &mut Table<'static>) {
        self.at("healthcheck", check, &["disable"]);
        check.entries.retain(|(key, node)| {
            let is_empty = key.name == "test" && node.value == Value::List(Vec::new());
            if is_empty {
                self.drop(key, "if it is empty, that of the image applies");
            }
            !is_empty
        });
    }

    /// What a healthcheck that is off has besides.
    fn disabled(&mut self, service: &mut Table<'static>) {
        let check = service.entries.iter_mut().find(|(key, _)| key.name == "healthcheck");
        let Some((_, Node { value: Value::Table(check), .. })) = check else { return };
        let is_off = check.at(&["disable"]).is_some_and(|node| node.value == Value::Boolean(true));
        check.entries.retain(|(key, _)| {
            let stays = !is_off || key.name == "disable" || key.name.starts_with("x-");
            if !stays {
                self.drop(key, "it has no effect with `disable`");
            }
            stays
        });
    }

    fn port(&mut self, item: &mut Node<'static>) {
        match &mut item.value {
            Value::String(text) => {
                let now = match last(text, '/') {
                    (ports, Some(protocol)) => {
                        format!("{ports}/{}", in_lower_case(&self.decided("ports", protocol, item.span)))
                    }
                    (ports, None) => ports.to_owned(),
                };
                // A variable may be all of it.
                let is_whole = ShortPort::split(&now).is_some_and(|port| port.published.is_none());
                let hides = is_whole && self.value(&now).contains(':');
                *text = if hides { self.decided("ports", &now, item.span) } else { now }.into();
            }
            Value::Table(port) => {
                self.at("ports", port, &["protocol"]);
                for (key, node) in &mut port.entries {
                    if let (true, Value::String(protocol)) = (key.name == "protocol", &mut node.value) {
                        *protocol = in_lower_case(protocol).into();
                    }
                }
            }
            _ => {}
        }
    }

    fn mount(&mut self, item: &mut Node<'static>) {
        match &mut item.value {
            Value::String(text) => {
                let pieces = split_outside(text);
                let now = match pieces.as_slice() {
                    [whole] if self.value(whole).contains(':') => self.decided("volumes", whole, item.span),
                    [source, target, ..] if is_letter(source) && target.starts_with('/') => {
                        let said = format!("`{source}` is a volume here; Compose reads `{source}:` as a Windows drive");
                        self.notes.add(Kind::Assumed, Some(item.span), said);
                        return;
                    }
                    [source, target, options] if options.contains("${") => {
                        format!("{source}:{target}:{}", self.decided("volumes", options, item.span))
                    }
                    _ => return,
                };
                *text = now.into();
            }
            Value::Table(mount) => self.at("volumes", mount, &["type"]),
            _ => {}
        }
    }

    /// What an external network or volume has besides its name.
    fn external(&mut self, entry: &mut Table<'static>) {
        if !entry.at(&["external"]).is_some_and(|node| node.value == Value::Boolean(true)) {
            return;
        }
        entry.entries.retain(|(key, _)| {
            let stays = matches!(&*key.name, "external" | "name") || key.name.starts_with("x-");
            if !stays {
                self.drop(key, "it has no effect, since another project creates it");
            }
            stays
        });
    }

    /// Assignments as a table, each name once, unless only a list can say one of them.
    fn assignments(&mut self, what: &str, node: &mut Node<'static>) {
        if matches!(node.value, Value::Table(_)) && has_bare_name(node) {
            as_assignments(node);
        }
        let Value::List(items) = &mut node.value else { return };
        for item in &mut *items {
            // A label may have a variable in its name, in a list.
            if what == "environment"
                && let Value::String(text) = &mut item.value
                && let Some((name, value)) = text.split_once('=')
                && name.contains("${")
            {
                *text = format!("{}={value}", self.decided(what, name, item.span)).into();
            }
        }
        let name = |item: &Node<'_>| match &item.value {
            Value::String(text) => text.split('=').next().map(ToOwned::to_owned),
            _ => None,
        };
        let last: HashMap<String, usize> =
            items.iter().enumerate().filter_map(|(at, item)| Some((name(item)?, at))).collect();
        let mut at = 0;
        items.retain(|item| {
            let known = name(item).and_then(|name| last.get(&name).copied());
            at += 1;
            let is_last = known.is_none_or(|last| last + 1 == at);
            if !is_last {
                let said = format!("`{}`: a later item replaces it", shown(&item.value.written()));
                self.notes.add(Kind::Dropped, Some(item.span), said);
            }
            is_last
        });
        as_entries(node);
    }
}

/// Whether Compose reads it as a drive.
fn is_letter(source: &str) -> bool {
    source.len() == 1 && source.starts_with(char::is_alphabetic)
}

/// A word in lower case, unless it is a variable.
fn in_lower_case(word: &str) -> String {
    if word.contains("${") { word.to_owned() } else { word.to_ascii_lowercase() }
}

/// What is before and after the last of a character that is outside of references.
fn last(text: &str, c: char) -> (&str, Option<&str>) {
    match text.rfind(c) {
        Some(at) if !text[at..].contains('}') || text[at..].starts_with(&format!("{c}${{")) => {
            (&text[..at], Some(&text[at + c.len_utf8()..]))
        }
        _ => (text, None),
    }
}

/// A list of assignments as a table, unless only a list can say one of them.
fn as_entries(node: &mut Node<'static>) {
    let Value::List(items) = &node.value else { return };
    let entry = |item: &Node<'static>| {
        let Value::String(text) = &item.value else { return None };
        let (name, value) = text.split_once('=')?;
        let is_plain = !name.is_empty() && !name.contains('$');
        let key = || Key { span: item.span, name: name.to_owned().into() };
        is_plain.then(|| (key(), Node { span: item.span, ..string(value) }))
    };
    let entries: Option<Vec<_>> = items.iter().map(entry).collect();
    if let Some(entries) = entries.filter(|entries| !entries.is_empty()) {
        node.value = Value::Table(Table { entries });
    }
}
