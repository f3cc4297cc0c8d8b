//! Two tables of the spec as one: a profile over the base, or a service over the one that it extends.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::mem;

use super::compose::{self, Assignment};
use super::decode::shown;
use super::forms::{Form, is_one_or_more, list_of, short_for};
use super::service::{Condition, split_outside};
use super::tree::{Key, Node, Table, Value};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// What becomes of a list that is in both tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// The later one replaces it.
    Replaced,
    /// The items of both, as Compose joins them for `extends`
    /// (<https://github.com/compose-spec/compose-go/blob/v2.9.0/override/merge.go> and `uncity.go` next to it).
    Joined,
}

/// What is above the keys of a service that extends another one.
pub const SERVICE: &str = "services";

/// What is above the settings of a Temporal cluster.
const DYNAMIC_CONFIG: &str = "dynamic_config";

/// Keys of a healthcheck of which one is written instead of another.
const PROBES: [&str; 3] = ["http", "tcp", "test"];

/// Whether a value replaces the one of an extended service, even if both are lists or tables.
fn is_replaced(above: &str, key: &str, old: &Value<'_>, new: &Value<'_>) -> bool {
    fn at<'v>(value: &'v Value<'v>, key: &str) -> Option<&'v Value<'v>> {
        if let Value::Table(table) = value { Some(&table.at(&[key])?.value) } else { None }
    }
    match (above, key) {
        (SERVICE, "command" | "entrypoint") | ("healthcheck", "test") | ("ulimits", _) => true,
        // Options are those of a driver.
        (SERVICE, "logging") => {
            let drivers = (at(old, "driver"), at(new, "driver"));
            matches!(drivers, (Some(old), Some(new)) if old != new)
        }
        _ => false,
    }
}

/// Merges tables key by key, and replaces anything else. A list or a short form counts as the table that it stands for.
pub fn merge<'s>(above: &str, base: &mut Table<'s>, overlay: Table<'s>, lists: Lists, diagnostics: &mut Diagnostics) {
    let joined = lists == Lists::Joined;
    if joined && above == "healthcheck" && PROBES.iter().any(|probe| overlay.at(&[probe]).is_some()) {
        base.entries.retain(|(key, _)| !PROBES.contains(&&*key.name) && !matches!(&*key.name, "port" | "probe"));
    }
    let places = base.places();
    // Temporal compares the names of its settings without case.
    let folded = |name: &str| name.to_ascii_lowercase();
    let settings: HashMap<String, usize> = match above {
        DYNAMIC_CONFIG => places.iter().map(|(name, &place)| (folded(name), place)).collect(),
        _ => HashMap::new(),
    };
    // The port in the container of a kind is the kind's. Settings have ports of their own.
    let has_own_ports = above != "settings" && base.at(&["kind"]).or(overlay.at(&["kind"])).is_none();
    for (key, mut node) in overlay.entries {
        let Some((existing, old)) = places
            .get(key.name.as_ref())
            .or_else(|| settings.get(&folded(&key.name)))
            .and_then(|&place| base.entries.get_mut(place))
        else {
            base.entries.push((key, node));
            continue;
        };
        if key.name == "ports"
            && let (Value::Table(old), Value::Table(new)) = (&old.value, &mut node.value)
        {
            forget_targets(old, new);
            if has_own_ports {
                keep_targets(old, new, if joined { "target" } else { ASSUMED });
            }
        }
        // Nothing else of a healthcheck has an effect.
        let is_off = |table: &Table<'_>| table.at(&["disable"]).is_some_and(|node| node.value == Value::Boolean(true));
        if key.name == "healthcheck"
            && let (Value::Table(old), Value::Table(new)) = (&mut old.value, &node.value)
            && is_off(new)
        {
            old.entries.clear();
        }
        let joined = joined && !is_replaced(above, &key.name, &old.value, &node.value);
        if joined && is_one_or_more(above, &key.name) {
            as_list(old);
            as_list(&mut node);
        }
        if joined && key.name == "args" && (has_bare_name(old) || has_bare_name(&node)) {
            as_assignments(old);
            as_assignments(&mut node);
        }
        let table = match (&mut old.value, &mut node.value) {
            (Value::List(items), Value::List(new)) if joined && (above, &*key.name) == ("ipam", "config") => {
                join_pools(items, mem::take(new), diagnostics);
                continue;
            }
            (Value::List(items), Value::List(new)) if joined => {
                join(above, &key.name, items, mem::take(new));
                continue;
            }
            (_, Value::Table(new)) if joined || lists == Lists::Replaced => {
                as_table(above, &key, old, &new.places(), lists, diagnostics).map(|table| (table, mem::take(new)))
            }
            (Value::Table(table), _) if joined => {
                let new = as_table(above, &key, &mut node, &HashMap::new(), lists, diagnostics);
                new.map(|new| (mem::take(table), new))
            }
            _ => None,
        };
        if let Some((mut table, new)) = table {
            merge(&key.name, &mut table, new, lists, diagnostics);
            old.value = Value::Table(table);
        } else {
            existing.span = key.span;
            *old = node;
        }
    }
}

/// The key of a port in the container that applies if no table says another one, neither the kind nor what the service
/// extends. No key of a spec has a control character.
const ASSUMED: &str = "\0target";

/// An integer is a port of the host and of the container. Over a port that there is, it is only the former: what the
/// program listens on stays.
fn keep_targets<'s>(old: &Table<'s>, new: &mut Table<'s>, name: &'static str) {
    for (key, port) in &mut new.entries {
        let (Value::Integer(_), Some(old)) = (&port.value, old.at(&[&key.name])) else { continue };
        let named = |name: &'static str, node: Node<'s>| (Key { span: key.span, name: name.into() }, node);
        let span = port.span;
        let published = Node { span, value: mem::replace(&mut port.value, Value::Refused) };
        let mut entries = vec![named("published", published)];
        let target = match &old.value {
            Value::Table(port) if port.at(&["target"]).is_none() => port.at(&[ASSUMED]).or(port.at(&["published"])),
            Value::Integer(_) => Some(old),
            _ => None,
        };
        entries.extend(target.map(|target| named(name, target.clone())));
        port.value = Value::Table(Table { entries });
    }
}

/// Makes integers again of ports whose port in the container was assumed: now there is one that says it.
fn forget_targets(old: &Table<'_>, new: &mut Table<'_>) {
    for (key, port) in &mut new.entries {
        if let Value::Table(table) = &mut port.value
            && old.at(&[&key.name]).is_some()
            && table.take(ASSUMED).is_some()
            && let [(_, published)] = table.entries.as_mut_slice()
        {
            port.value = mem::replace(&mut published.value, Value::Refused);
        }
    }
}

/// Writes the assumed ports in the containers of a service, which is whole now.
pub fn settle_targets(service: &mut Table<'_>) {
    let has_kind = service.at(&["kind"]).is_some();
    let ports = service.entries.iter_mut().find(|(key, _)| key.name == "ports");
    let Some((_, Node { value: Value::Table(ports), .. })) = ports else { return };
    for (_, port) in &mut ports.entries {
        if let Value::Table(port) = &mut port.value
            && let Some((key, target)) = port.take(ASSUMED)
            && !has_kind
            && port.at(&["target"]).is_none()
        {
            port.entries.push((Key { span: key.span, name: "target".into() }, target));
        }
    }
}

/// A value as a table, if one with the names of `others` is merged with it; reports a list that has no such form.
fn as_table<'s>(
    above: &str,
    key: &Key<'s>,
    value: &mut Node<'s>,
    others: &HashMap<String, usize>,
    lists: Lists,
    diagnostics: &mut Diagnostics,
) -> Option<Table<'s>> {
    let items = match &mut value.value {
        Value::Table(table) => return Some(mem::take(table)),
        Value::List(items) => items,
        _ => {
            let name = short_for(above, &key.name)?.into();
            let span = value.span;
            let value = mem::replace(&mut value.value, Value::Refused);
            return Some(Table { entries: vec![(Key { span, name }, Node { span, value })] });
        }
    };
    let form = list_of(above, &key.name)?;
    let mut places: HashMap<String, usize> = HashMap::with_capacity(items.len());
    let mut table = Table::default();
    for item in items {
        match entry(item, form) {
            Ok((key, None)) if others.contains_key(key.name.as_ref()) => {}
            Ok((name, None)) if key.name == "environment" => {
                let span = name.span;
                table.entries.push((name, Node { span, value: Value::Absent }));
            }
            Ok((key, Some(node))) => {
                let place = *places.entry(key.name.clone().into_owned()).or_insert(table.entries.len());
                match table.entries.get_mut(place) {
                    Some((_, first)) => also(first, node),
                    None => table.entries.push((key, node)),
                }
            }
            Ok((_, None)) | Err(()) => {
                let name = shown(&key.name);
                let (title, at, help) = match lists {
                    Lists::Replaced => (
                        format!("a table cannot add to the list `{name}` of the base"),
                        "a table",
                        "write it as a table in the base, or as a list here, which replaces the whole list",
                    ),
                    Lists::Joined => (
                        format!("`extends` cannot join a list and a table of `{name}`"),
                        "",
                        "write both in the same form",
                    ),
                };
                let diagnostic = Diagnostic::new("list-in-base", title, key.span).at(at);
                diagnostics.push(diagnostic.also(item.span, "cannot be an entry of a table").help(help));
                return None;
            }
        }
    }
    Some(table)
}

fn as_list(node: &mut Node<'_>) {
    if matches!(node.value, Value::String(_)) {
        let only = Node { span: node.span, value: mem::replace(&mut node.value, Value::Refused) };
        node.value = Value::List(vec![only]);
    }
}

/// Whether a name has no value, which only a list can say.
pub fn has_bare_name(node: &Node<'_>) -> bool {
    match &node.value {
        Value::List(items) => {
            items.iter().any(|item| matches!(&item.value, Value::String(text) if !text.contains('=')))
        }
        Value::Table(table) => table.entries.iter().any(|(_, node)| node.value == Value::Absent),
        _ => false,
    }
}

/// Makes a list of a table of assignments, in which names may have no value.
pub fn as_assignments(node: &mut Node<'_>) {
    if let Value::Table(table) = &mut node.value {
        let item = |(key, node): (Key<'_>, Node<'_>)| {
            let text = match node.value {
                Value::Absent => key.name.into_owned(),
                value => format!("{}={}", key.name, value.written()),
            };
            Node { span: key.span, value: Value::String(Cow::Owned(text)) }
        };
        node.value = Value::List(mem::take(&mut table.entries).into_iter().map(item).collect());
    }
}

/// Puts later pools of addresses in the place of the earlier ones. They are merged with the last one of those if it has
/// the same subnet, or if there were several: `mergeIPAMConfig` of compose-go, but for several pools over several, of which
/// Compose only keeps one.
fn join_pools<'s>(items: &mut Vec<Node<'s>>, new: Vec<Node<'s>>, diagnostics: &mut Diagnostics) {
    let several = items.len() > 1;
    let last = items.pop();
    *items = new;
    let Some(Node { value: Value::Table(last), .. }) = last else { return };
    let subnet = |table: &Table<'_>| table.at(&["subnet"]).map(|node| node.value.written());
    for item in items {
        if let Value::Table(new) = &mut item.value
            && (several || subnet(&last) == subnet(new))
        {
            let mut whole = last.clone();
            merge("config", &mut whole, mem::take(new), Lists::Joined, diagnostics);
            *new = whole;
        }
    }
}

/// Adds items, of which one replaces an earlier one that is about the same.
fn join<'s>(above: &str, key: &str, items: &mut Vec<Node<'s>>, new: Vec<Node<'s>>) {
    let mut places: HashMap<String, usize> = HashMap::new();
    // What two of the extended ones have from a third is one item.
    let mut seen: HashSet<Span> = HashSet::new();
    for node in mem::take(items).into_iter().chain(new).filter(|node| seen.insert(node.span)) {
        let place = subject(above, key, &node).map_or(items.len(), |about| *places.entry(about).or_insert(items.len()));
        match items.get_mut(place) {
            Some(item) => *item = node,
            None => items.push(node),
        }
    }
}

/// What an item of a list is about, if there may be only one about it.
fn subject(above: &str, key: &str, item: &Node<'_>) -> Option<String> {
    let text = if let Value::String(text) = &item.value { Some(text.as_ref()) } else { None };
    let of = |key: &str| match &item.value {
        Value::Table(table) => table.at(&[key]).map(|node| node.value.written()),
        _ => None,
    };
    let own = |text: &str| Some(text.to_owned());
    match key {
        "volumes" if above == SERVICE => match text.map(split_outside).as_deref() {
            Some([target] | [_, target, ..]) => own(target),
            _ => of("target"),
        },
        "devices" if above == SERVICE => of("target").or_else(|| own(text?.split(':').nth(1).unwrap_or(text?))),
        "secrets" | "configs" if above == SERVICE => of("target").or_else(|| {
            let folder = if key == "secrets" { "/run/secrets" } else { "" };
            Some(format!("{folder}/{}", text.map(str::to_owned).or_else(|| of("source"))?))
        }),
        "env_file" => of("path").or_else(|| own(text?)),
        "ports" if text.is_none() && of("target").is_some() => {
            let of = |key| of(key).unwrap_or_default();
            let protocol = Some(of("protocol")).filter(|protocol| protocol != "tcp");
            Some(format!("{}:{}:{}/{}", of("host_ip"), of("published"), of("target"), protocol.unwrap_or_default()))
        }
        "ports" | "expose" => Some(item.value.written()),
        _ if above == "extra_hosts" || key == "extra_hosts" => own(text?),
        "additional_contexts"
        | "aliases"
        | "annotations"
        | "args"
        | "cap_add"
        | "cap_drop"
        | "depends_on"
        | "dns"
        | "dns_opt"
        | "dns_search"
        | "environment"
        | "labels"
        | "link_local_ips"
        | "links"
        | "models"
        | "networks"
        | "profiles"
        | "sysctls"
        | "tags"
        | "tmpfs" => own(text?.split('=').next()?),
        _ => None,
    }
}

/// An item of a list as an entry of a table; `None` for a value that a table can't express.
fn entry<'s>(item: &Node<'s>, form: Form) -> Result<(Key<'s>, Option<Node<'s>>), ()> {
    let Value::String(text) = &item.value else { return Err(()) };
    let plain = |name: &str, value: Value<'s>| {
        let key = Key { span: item.span, name: Cow::Owned(name.to_owned()) };
        Ok((key, Some(Node { span: item.span, value })))
    };
    let signs = match form {
        Form::Names => return plain(text, Value::Table(Table::default())),
        Form::Dependencies => {
            let named =
                |name, value| (Key { span: item.span, name: Cow::Borrowed(name) }, Node { span: item.span, value });
            let started = Value::String(Cow::Borrowed(Condition::Started.as_str()));
            let entries = vec![named("condition", started), named("required", Value::Boolean(true))];
            return plain(text, Value::Table(Table { entries }));
        }
        Form::Labels => &['='],
        Form::Assignments(signs) => signs,
        Form::Apart | Form::One | Form::Of(_) => return Err(()),
    };
    let Assignment { name, value } = compose::split(text, item.span, signs);
    let key = Key { span: name.span, name: Cow::Owned(name.value) };
    match value {
        Some((value, span)) => Ok((key, Some(Node { span, value: Value::String(Cow::Owned(value.to_owned())) }))),
        None if matches!(form, Form::Labels) => plain(text, Value::String(Cow::Borrowed(""))),
        None => Ok((key, None)),
    }
}

/// Adds a value to that of the same name: a host has several addresses.
fn also<'s>(first: &mut Node<'s>, node: Node<'s>) {
    if let Value::List(all) = &mut first.value {
        all.push(node);
    } else {
        let one = Node { span: first.span, value: std::mem::replace(&mut first.value, Value::Refused) };
        first.value = Value::List(vec![one, node]);
    }
}
