//! Ports by name, and the addresses of services as references to those.

use std::collections::HashMap;

use super::{Kind, Notes, key, string, table};
use crate::diagnostic::Span;
use crate::spec::decode::shown;
use crate::spec::merge::SERVICE;
use crate::spec::service::{HTTP_PORT, PROTOCOL, ShortPort};
use crate::spec::text::closing_brace;
use crate::spec::tree::{Key, Node, Table, Value};

/// The names of ports that programs have by convention.
const KNOWN: [(&str, &[u16]); 15] = [
    (HTTP_PORT, &[80, 3000, 3100, 5000, 5601, 8000, 8008, 8080, 8081, 8088, 8888, 9090, 9200]),
    ("https", &[443, 8443]),
    ("sql", &[1433, 3306, 5432]),
    ("redis", &[6379]),
    ("mongodb", &[27017]),
    ("amqp", &[5672]),
    ("kafka", &[9092]),
    ("mqtt", &[1883]),
    ("nats", &[4222]),
    ("otlp-grpc", &[4317]),
    ("otlp-http", &[4318]),
    ("ssh", &[22]),
    ("smtp", &[25, 1025]),
    ("dns", &[53]),
    ("ldap", &[389]),
];

/// The places in a service where an address is one of another service.
const READ: [&str; 3] = ["environment", "command", "entrypoint"];

/// Gives the listed ports of services names, unless a table can't say the same.
pub(super) fn name(services: &mut Table<'static>) {
    for (_, service) in &mut services.entries {
        let Value::Table(service) = &mut service.value else { continue };
        let Some((_, node)) = service.entries.iter_mut().find(|(key, _)| key.name == "ports") else { continue };
        let Value::List(items) = &node.value else { continue };
        let mut taken = HashMap::new();
        let ports: Option<Vec<_>> = items.iter().map(|item| named(item, &mut taken)).collect();
        if let Some(entries) = ports.filter(|ports| !ports.is_empty()) {
            node.value = Value::Table(Table { entries });
        }
    }
}

/// A number as it is usually written.
fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|number: &u16| *number > 0 && number.to_string() == text)
}

fn port(text: &str) -> Node<'static> {
    number(text).map_or_else(|| string(text), |number| Node { value: Value::Integer(number.into()), ..string("") })
}

/// A port with its name; `None` for a range, or if the host chooses its port.
fn named(item: &Node<'static>, taken: &mut HashMap<String, usize>) -> Option<(Key<'static>, Node<'static>)> {
    let entries = match &item.value {
        Value::String(text) => {
            let ShortPort { host_ip, published, target, protocol } = ShortPort::split(text)?;
            let entry = |name: &str, value| Some((key(name), value));
            [
                entry("published", port(published?)),
                entry("target", port(target)),
                host_ip.and_then(|address| entry("host_ip", string(address))),
                protocol.filter(|own| *own != PROTOCOL).and_then(|own| entry("protocol", string(own.as_str()))),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        Value::Table(table) => table.entries.clone(),
        _ => return None,
    };
    let entries = Table { entries };
    let written = |name: &str| entries.at(&[name]).map(|node| node.value.written());
    let (published, target) = (written("published").filter(|text| !text.is_empty())?, written("target")?);
    let is_range = |text: &str| number(text).is_none() && !text.contains("${");
    if is_range(&published) || is_range(&target) || entries.at(&["name"]).is_some() {
        return None;
    }
    let name = name_of(&published, &target, written("protocol").as_deref(), taken);
    let value = match entries.entries.as_slice() {
        [_, _] if published == target && number(&target).is_some() => port(&target),
        _ => table(entries),
    };
    Some((Key { span: item.span, name: name.into() }, Node { span: item.span, ..value }))
}

/// A free name; `taken` has the last number that was tried for each.
fn name_of(published: &str, target: &str, protocol: Option<&str>, taken: &mut HashMap<String, usize>) -> String {
    let protocol = protocol.unwrap_or(PROTOCOL.as_str());
    let target = number(target);
    let known = target.and_then(|target| KNOWN.iter().find(|(_, ports)| ports.contains(&target)));
    let base = match (known, target) {
        (Some((name, _)), _) if protocol == PROTOCOL.as_str() => (*name).to_owned(),
        (Some((name, _)), _) => format!("{name}-{protocol}"),
        (None, Some(target)) => format!("{protocol}-{target}"),
        (None, None) => protocol.to_owned(),
    };
    // Numbers make duplicate names unique.
    let numbers = [target, number(published)].into_iter().flatten();
    let names = std::iter::once(base.clone()).chain(numbers.map(|number| format!("{base}-{number}")));
    for name in names {
        if !taken.contains_key(&name) {
            taken.insert(name.clone(), 1);
            return name;
        }
    }
    loop {
        let last = taken.entry(base.clone()).or_default();
        *last += 1;
        let name = format!("{base}-{last}");
        if !taken.contains_key(&name) {
            taken.insert(name.clone(), 1);
            return name;
        }
    }
}

/// Replaces the addresses of services that have a port of that number by references.
pub(super) fn refer(spec: &mut Table<'static>, notes: &mut Notes<'_>) {
    let Some((_, Node { value: Value::Table(services), .. })) =
        spec.entries.iter_mut().find(|(key, _)| key.name == SERVICE)
    else {
        return;
    };
    let mut ports: HashMap<(String, u16), String> = HashMap::new();
    for (service, node) in &services.entries {
        let Value::Table(node) = &node.value else { continue };
        let Some(Node { value: Value::Table(named), .. }) = node.at(&["ports"]) else { continue };
        for (name, node) in &named.entries {
            let target = match &node.value {
                Value::Table(port) if port.at(&["protocol"]).is_none_or(|node| node.value.written() == "tcp") => {
                    port.at(&["target"]).map(|node| node.value.written())
                }
                Value::Table(_) => None,
                other => Some(other.written()),
            };
            if let Some(target) = target.and_then(|target| number(&target))
                && !service.name.contains(['.', ':'])
            {
                ports.entry((service.name.clone().into_owned(), target)).or_insert(name.name.clone().into_owned());
            }
        }
    }
    for (own, service) in &mut services.entries {
        let Value::Table(service) = &mut service.value else { continue };
        for (key, node) in &mut service.entries {
            if READ.contains(&&*key.name) {
                in_texts(node, &own.name, &ports, notes);
            }
        }
    }
}

fn in_texts(node: &mut Node<'static>, own: &str, ports: &HashMap<(String, u16), String>, notes: &mut Notes<'_>) {
    match &mut node.value {
        Value::String(text) => {
            if let Some(now) = with_references(text, own, ports, (node.span, notes)) {
                *text = now.into();
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| in_texts(item, own, ports, notes)),
        Value::Table(table) => table.entries.iter_mut().for_each(|(_, node)| in_texts(node, own, ports, notes)),
        _ => {}
    }
}

/// Whether a character can be part of a host name.
fn is_of_host(c: char) -> bool {
    c.is_alphanumeric() || "-_.".contains(c)
}

/// A text with references in the places of addresses.
fn with_references(
    text: &str,
    own: &str,
    ports: &HashMap<(String, u16), String>,
    (span, notes): (Span, &mut Notes<'_>),
) -> Option<String> {
    const SCHEME: &str = "http://";
    let mut out = String::new();
    // What is copied, and where the host begins that the next colon may end.
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['$', ':']) {
        at += found;
        let rest = &text[at + 1..];
        if text[at..].starts_with('$') {
            // `$$` is an escaped dollar sign.
            at += 1 + match rest.chars().next() {
                Some('{') => closing_brace(rest).unwrap_or_default(),
                Some('$') => 1,
                _ => 0,
            };
            continue;
        }
        let before = &text[copied..at];
        let begins = before
            .rfind(|c| !is_of_host(c))
            .map_or(0, |last| last + before[last..].chars().next().map_or(1, char::len_utf8));
        let host = &before[begins..];
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let after = rest[digits..].chars().next();
        // A host after a dollar or a brace is part of another name.
        let is_whole =
            !before[..begins].ends_with(['}', '$', ':', '%']) && after.is_none_or(|c| "/?#,; \"'\n)&|".contains(c));
        let name = number(&rest[..digits])
            .filter(|_| is_whole && host != own)
            .and_then(|number| ports.get(&(host.to_owned(), number)));
        at += 1;
        let Some(name) = name else { continue };
        let start = copied + begins;
        let end = at + digits;
        let (from, reference) = match text[..start].strip_suffix(SCHEME) {
            Some(_) if name == HTTP_PORT && start - SCHEME.len() >= copied => {
                (start - SCHEME.len(), format!("${{{host}.url}}"))
            }
            _ => (start, format!("${{{host}.{name}}}")),
        };
        let what = format!("`{}` is `{reference}` now: the address of `{host}`", shown(&text[from..end]));
        notes.add(Kind::Converted, Some(span), what);
        out.push_str(&text[copied..from]);
        out.push_str(&reference);
        copied = end;
        at = end;
    }
    (copied > 0).then(|| out + &text[copied..])
}
