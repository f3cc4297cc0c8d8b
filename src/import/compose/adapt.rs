//! A project as the tables of a spec: what Compose has at other places, and what a spec needs besides.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::convert::Found;
use super::env::{Known, VALUES};
use super::interpolation::{Changed, Variable};
use super::load::SECTIONS;
use super::yaml::at;
use super::{Kind, NOWHERE, Notes, forms, images, key, ports, string, table};
use crate::model::secret::is_secret_name;
use crate::resolve::is_setting;
use crate::spec::decode::{listed, shown};
use crate::spec::merge::SERVICE;
use crate::spec::stack::Defaults;
use crate::spec::text::is_variable_name;
use crate::spec::tree::{Key, Node, Table, Value};

/// The profile of an import: a Compose project has one.
const PROFILE: &str = "dev";

/// The most services that the description of a variable names.
const MOST_READERS: usize = 3;

/// The spec of a project.
pub(super) fn adapt(
    project: Table<'static>,
    name: &str,
    (found, known): (&Found, &Known),
    notes: &mut Notes<'_>,
) -> Table<'static> {
    for (kind, span, message) in &found.notes {
        notes.add(*kind, Some(*span), message.clone());
    }
    for (span, Changed { name, before, after }) in &found.softened {
        let (kind, why) = match known.values.get(name) {
            Some("") => (Kind::Lost, format!(", which differs as long as `{name}` is empty in `{VALUES}`")),
            _ => (Kind::Converted, ": an empty variable counts as one that is not set".to_owned()),
        };
        notes.add(kind, Some(*span), format!("`{}` is `{}` now{why}", shown(before), shown(after)));
    }
    let mut own_name = None;
    // What stands at the beginning of a file is about all of it.
    let first = project.entries.first().filter(|(key, _)| key.name == SERVICE);
    let mut head = first.map_or(NOWHERE, |(key, _)| key.span);
    let mut sections: Vec<(Key<'static>, Node<'static>)> = Vec::new();
    let mut extensions = Vec::new();
    for (key, node) in project.entries {
        match (&*key.name, &node.value) {
            ("version", _) => {
                head = key.span;
                notes.add(Kind::Dropped, Some(key.span), "`version`: Compose ignores it");
            }
            ("name", Value::String(text)) => {
                head = key.span;
                // An empty name falls back to that of the folder.
                own_name = Some((text.clone().into_owned(), node.span)).filter(|(name, _)| !name.is_empty());
            }
            (section, Value::Table(_)) if SECTIONS.contains(&section) => sections.push((key, node)),
            (extension, value) if extension.starts_with("x-") => {
                if found.aliased.contains(&at(node.span)) || has_aliased(value, found) {
                    let what = format!("`{}`: its values stand where it was referred to", shown(extension));
                    notes.add(Kind::Dropped, Some(key.span), what);
                } else {
                    extensions.push((key, node));
                }
            }
            (section, value) if SECTIONS.contains(&section) => {
                let what = format!("`{section}`: expected a mapping, found {}", value.describe());
                notes.add(Kind::Lost, Some(key.span), what);
            }
            (other, _) => {
                notes.add(Kind::Lost, Some(key.span), format!("unknown key `{}`", shown(other)));
            }
        }
    }
    let folder = name;
    let (project, at) = own_name.map_or_else(|| (normalized(folder), NOWHERE), |(name, span)| (name, span));
    let stack_name = normalized(&project);
    let mut stack = Table { entries: vec![(key("name"), string(&stack_name))] };
    if stack_name == project {
        // Without it, the project has the name of the profile as well.
        stack.entries.push((key("project"), Node { span: at, ..string(&project) }));
    } else {
        let what = format!("the name of the project, `{}`: `{stack_name}`", shown(&project));
        notes.add(Kind::Lost, Some(at), what);
        stack.entries.push((key("project"), string(&stack_name)));
    }
    stack.entries.push((key("defaults"), string(Defaults::Compose.as_str())));
    let mut spec = Table { entries: vec![(Key { span: head, ..key("stack") }, table(stack))] };
    let profiles = Table { entries: vec![(key(PROFILE), table(Table::default()))] };
    spec.entries.push((key("profiles"), table(profiles)));
    for (section, node) in &mut sections {
        let Value::Table(entries) = &mut node.value else { continue };
        forms::settle(&section.name, entries, &known.values, notes);
        if section.name == SERVICE {
            ports::name(entries);
        }
    }
    let mut readers = readers(&sections);
    for (extension, node) in &extensions {
        collect(&node.value, &mut |variable| {
            readers.entry(variable.to_owned()).or_default().insert(extension.name.clone().into_owned());
        });
    }
    let is_there = |section: &Key<'_>, node: &Node<'_>| {
        // A section without names says nothing.
        section.name == SERVICE || !matches!(&node.value, Value::Table(entries) if entries.entries.is_empty())
    };
    sections.retain(|(section, node)| is_there(section, node));
    spec.entries.extend(sections);
    spec.entries.extend(extensions);
    let env = variables(&found.variables, &readers, known);
    if !env.entries.is_empty() {
        spec.entries.push((key("env"), table(env)));
    }
    spec
}

/// A kind would give a service a healthcheck, limits and files that its project lacks, so it is only named.
pub(super) fn suggest_kinds(spec: &Table<'static>, notes: &mut Notes<'_>) {
    let Some(Node { value: Value::Table(services), .. }) = spec.at(&[SERVICE]) else { return };
    for (name, service) in &services.entries {
        let Value::Table(service) = &service.value else { continue };
        if let (Some(kind), None, Some(image)) = (images::kind(service), service.at(&["kind"]), service.at(&["image"]))
        {
            let name = shown(&name.name);
            let what = format!("`kind = \"{kind}\"` for `{name}`, with a healthcheck, limits and files of its own");
            notes.add(Kind::Possible, Some(image.span), what);
        }
    }
}

/// Whether a part of an extension was used elsewhere: then it is there for that.
fn has_aliased(value: &Value<'_>, found: &Found) -> bool {
    let nested = |node: &Node<'_>| found.aliased.contains(&at(node.span)) || has_aliased(&node.value, found);
    match value {
        Value::Table(table) => table.entries.iter().any(|(_, node)| nested(node)),
        Value::List(items) => items.iter().any(nested),
        _ => false,
    }
}

/// A name as Compose makes it of the name of a folder (`NormalizeProjectName` of compose-go), but not empty.
fn normalized(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String =
        lower.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(*c)).collect();
    let name = kept.trim_start_matches(['-', '_']);
    if name.is_empty() { "stack".to_owned() } else { name.to_owned() }
}

/// The services in which a variable is, by its name.
fn readers(sections: &[(Key<'static>, Node<'static>)]) -> HashMap<String, BTreeSet<String>> {
    let mut readers: HashMap<String, BTreeSet<String>> = HashMap::new();
    for (section, node) in sections {
        let Value::Table(entries) = &node.value else { continue };
        for (name, node) in &entries.entries {
            let who = if section.name == SERVICE { name.name.clone() } else { section.name.clone() };
            let mut add = |variable: &str| {
                readers.entry(variable.to_owned()).or_default().insert(who.clone().into_owned());
            };
            collect(&node.value, &mut add);
            if let Value::Table(source) = &node.value
                && let Some(Node { value: Value::String(variable), .. }) = source.at(&["environment"])
            {
                add(variable);
            }
            passed(&node.value, &mut add);
        }
    }
    readers
}

/// Calls `found` with the variables that a service passes on from where Compose runs.
pub(super) fn passed<'v>(service: &'v Value<'_>, found: &mut impl FnMut(&'v str)) {
    let Value::Table(service) = service else { return };
    match service.at(&["environment"]).map(|node| &node.value) {
        Some(Value::List(items)) => {
            for item in items {
                match &item.value {
                    Value::String(text) if !text.contains(['=', '$']) => found(text),
                    _ => {}
                }
            }
        }
        // Merged from lists and tables.
        Some(Value::Table(table)) => {
            let passed = table.entries.iter().filter(|(_, node)| node.value == Value::Absent);
            passed.for_each(|(key, _)| found(&key.name));
        }
        _ => {}
    }
}

/// Calls `found` with the name of each reference of a value.
fn collect(value: &Value<'_>, found: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => {
            let mut rest: &str = text;
            while let Some((_, after)) = rest.split_once('$') {
                // `$$` is an escaped dollar sign.
                rest = after.strip_prefix('$').unwrap_or(after);
                if let Some(inside) = after.strip_prefix('{') {
                    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
                    found(&inside[..end]);
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(&item.value, found)),
        Value::Table(table) => table.entries.iter().for_each(|(_, node)| collect(&node.value, found)),
        _ => {}
    }
}

/// The declarations of variables.
fn variables(used: &[Variable], readers: &HashMap<String, BTreeSet<String>>, known: &Known) -> Table<'static> {
    let mut by_name: BTreeMap<&str, Vec<&Variable>> = BTreeMap::new();
    for variable in used {
        by_name.entry(&variable.name).or_default().push(variable);
    }
    for name in readers.keys() {
        by_name.entry(name).or_default();
    }
    let mut env = Table::default();
    for (name, uses) in by_name {
        let Some(who) = readers.get(name).filter(|_| !is_setting(name) && is_variable_name(name)) else { continue };
        let read_by = || match who.len() {
            0..=MOST_READERS => format!("Read by {}", listed(who.iter().map(String::as_str))),
            count => format!("Read by {count} services"),
        };
        let description = known.description(name).map_or_else(read_by, ToOwned::to_owned);
        let mut declared = Table { entries: vec![(key("description"), string(&description))] };
        let has_default = uses.iter().any(|variable| variable.has_default);
        let flag = |name: &str| (key(name), Node { span: NOWHERE, value: Value::Boolean(true) });
        if !uses.is_empty() && uses.iter().all(|variable| variable.required) {
            declared.entries.push(flag("required"));
        }
        if !has_default && is_secret_name(name) {
            declared.entries.push(flag("secret"));
        }
        env.entries.push((key(name), table(declared)));
    }
    env
}
