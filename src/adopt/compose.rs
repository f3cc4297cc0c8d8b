//! Keys and items that were added, removed or changed in a Compose file: most have the same words in the spec.

use std::ops::Range;

use super::edits::Text;
use super::values::{quoted, written};
use crate::import::compose::yaml;
use crate::spec::source::Sources;
use crate::spec::tree::{Node, Table, Value};

/// Specs that are tried for one change.
const MOST_STATES: usize = 24;

/// A difference between two Compose files.
#[derive(Debug, PartialEq)]
enum Change<'t> {
    /// A key has another value, or is new: between which others.
    Put(Vec<String>, &'t Value<'static>, [Option<String>; 2]),
    /// A key is gone.
    Drop(Vec<String>),
    /// Items of a list were replaced by others; with the whole of the old list, and of the new one.
    Splice { path: Vec<String>, gone: Range<usize>, old: &'t [Node<'static>], new: &'t [Node<'static>] },
}

/// The specs that may render the `edited` Compose file in place of the `rendered` one, the most likely one first, each with the
/// key that it changes.
pub(super) fn candidates(
    sources: &Sources,
    profile: &str,
    folder: &str,
    [rendered, edited]: [&str; 2],
) -> Vec<(Sources, String)> {
    let read = |text: &str| yaml::read(text, 0).ok()?.nodes.into_iter().next();
    let (Some(old), Some(new)) = (read(rendered), read(edited)) else { return Vec::new() };
    let mut changes = Vec::new();
    compare(&mut Vec::new(), &old, &new, &mut changes);
    // A file that has become another one is not one edit.
    if changes.is_empty() || changes.len() > MOST_STATES {
        return Vec::new();
    }
    let mut states: Vec<Option<Sources>> = vec![None];
    for change in &changes {
        let forms = states.iter().flat_map(|state| {
            let text = Text::new(state.as_ref().unwrap_or(sources), profile);
            text.map(|text| Spec { text, folder }.forms(change)).unwrap_or_default()
        });
        states = forms.take(MOST_STATES).map(Some).collect();
    }
    let key = changes.first().map(|change| change.path().join(".")).unwrap_or_default();
    states.into_iter().flatten().map(|sources| (sources, key.clone())).collect()
}

impl Change<'_> {
    fn path(&self) -> &[String] {
        match self {
            Self::Put(path, ..) | Self::Drop(path) | Self::Splice { path, .. } => path,
        }
    }
}

fn compare<'t>(path: &mut Vec<String>, old: &'t Node<'static>, new: &'t Node<'static>, changes: &mut Vec<Change<'t>>) {
    match (&old.value, &new.value) {
        (Value::Table(old), Value::Table(new)) => {
            let has = |table: &Table<'_>, name: &str| table.at(&[name]).is_some();
            for (key, _) in old.entries.iter().filter(|(key, _)| !has(new, &key.name)) {
                changes.push(Change::Drop([&path[..], &[key.name.clone().into_owned()]].concat()));
            }
            for (place, (key, node)) in new.entries.iter().enumerate() {
                path.push(key.name.clone().into_owned());
                if let Some(old) = old.at(&[&key.name]) {
                    compare(path, old, node, changes);
                } else {
                    let name = |place: usize| {
                        let (key, _) = new.entries.get(place)?;
                        Some(key.name.clone().into_owned())
                    };
                    let beside = [place.checked_sub(1).and_then(name), name(place + 1)];
                    changes.push(Change::Put(path.clone(), &node.value, beside));
                }
                path.pop();
            }
        }
        (Value::List(old), Value::List(new)) => {
            let same = |(a, b): &(&Node<'_>, &Node<'_>)| is_same(&a.value, &b.value);
            let start = old.iter().zip(new).take_while(same).count();
            let rest = old.len().min(new.len()) - start;
            let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(same).count();
            if start < old.len().max(new.len()) - end {
                changes.push(Change::Splice { path: path.clone(), gone: start..old.len() - end, old, new });
            }
        }
        (old, value) if !is_same(old, value) => changes.push(Change::Put(path.clone(), value, [None, None])),
        _ => {}
    }
}

/// Whether two values are the same, wherever they stand.
fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Table(one), Value::Table(other)) => {
            let entry = |((a, x), (b, y)): (&(_, Node<'_>), &(_, Node<'_>))| {
                let names = |a: &crate::spec::tree::Key<'_>, b: &crate::spec::tree::Key<'_>| a.name == b.name;
                names(a, b) && is_same(&x.value, &y.value)
            };
            one.entries.len() == other.entries.len() && one.entries.iter().zip(&other.entries).all(entry)
        }
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_same(&a.value, &b.value))
        }
        (one, other) => one == other,
    }
}

/// A spec that is to get the change of a Compose file.
struct Spec<'s> {
    text: Text<'s>,
    /// The folder of the Compose file.
    folder: &'s str,
}

impl Spec<'_> {
    fn forms(&self, change: &Change<'_>) -> Vec<Sources> {
        match change {
            Change::Put(path, value, beside) => {
                let beside = [beside[0].as_deref(), beside[1].as_deref()];
                if let [services, service, depends, on, condition] = path.as_slice()
                    && services == "services"
                    && depends == "depends_on"
                    && condition == "condition"
                {
                    let path = [services, service, depends, on].map(Clone::clone);
                    return self.put(&path, value, beside);
                }
                self.put(path, value, beside)
            }
            Change::Drop(path) => self.drop(path),
            Change::Splice { path, gone, old, new } => self.splice(path, gone, old, new),
        }
    }

    fn put(&self, path: &[String], value: &Value<'_>, beside: [Option<&str>; 2]) -> Vec<Sources> {
        let mut found = Vec::new();
        for value in self.values(path, value) {
            if self.text.at(path).is_some() {
                found.extend(self.text.changed(path, &value));
            } else {
                found.extend(self.text.added(path, &value, beside));
            }
        }
        if let [.., depends, on] = path
            && depends == "depends_on"
        {
            found.extend(self.append(&path[..path.len() - 1], &quoted(on)));
        }
        found
    }

    /// Adds an item to a list.
    fn append(&self, path: &[String], item: &str) -> Option<Sources> {
        let Value::List(items) = &self.text.at(path)?.value else { return None };
        self.text.spliced(path, items.len()..items.len(), &[item.to_owned()])
    }

    /// The texts that a value may have in the spec.
    fn values(&self, path: &[String], value: &Value<'_>) -> Vec<String> {
        let last = path.last().map_or("", String::as_str);
        let within = |word: &str| path.iter().rev().nth(1).is_some_and(|above| above == word);
        let mut found = Vec::new();
        match value {
            Value::Table(table) if within("depends_on") => {
                found.extend(table.at(&["condition"]).and_then(|node| written(&node.value)));
            }
            Value::Table(table) if last == "depends_on" => {
                let pair = |(key, node): &(crate::spec::tree::Key<'_>, Node<'_>)| {
                    let Value::Table(table) = &node.value else { return None };
                    let condition = written(&table.at(&["condition"])?.value)?;
                    Some(format!("{} = {condition}", crate::edit::draft::key(&key.name)))
                };
                let pairs: Option<Vec<String>> = table.entries.iter().map(pair).collect();
                found.extend(pairs.map(|pairs| format!("{{ {} }}", pairs.join(", "))));
            }
            Value::List(items) if last == "volumes" => {
                let items: Option<Vec<String>> =
                    items.iter().map(|item| self.mounts(&item.value).into_iter().next()).collect();
                found.extend(items.map(|items| format!("[{}]", items.join(", "))));
            }
            _ => {}
        }
        found.extend(written(value));
        match value {
            // What a variable is declared with is added by a render.
            Value::String(text) => {
                found.extend(bare(text).map(|text| quoted(&text)));
                found.extend(text.parse::<i64>().ok().map(|number| number.to_string()));
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => found.push(quoted(&value.written())),
            _ => {}
        }
        found
    }

    fn drop(&self, path: &[String]) -> Vec<Sources> {
        let mut found: Vec<Sources> = self.text.removed(path).into_iter().collect();
        if let [above @ .., name] = path
            && let Some(Value::List(items)) = self.text.at(above).map(|node| &node.value)
        {
            let is_it = |item: &Node<'_>| {
                let written = item.value.written();
                written == *name || written.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('='))
            };
            let place = items.iter().position(is_it);
            found.extend(place.and_then(|place| self.text.spliced(above, place..place + 1, &[])));
        }
        found
    }

    fn splice(&self, path: &[String], gone: &Range<usize>, old: &[Node<'_>], new: &[Node<'_>]) -> Vec<Sources> {
        let last = path.last().map_or("", String::as_str);
        let end = new.len() - (old.len() - gone.end);
        let (before, after) = (old.get(gone.clone()).unwrap_or_default(), new.get(gone.start..end).unwrap_or_default());
        let mut found = Vec::new();
        if last == "ports" {
            found.extend(self.ports(path, before, after));
        }
        if let Some(Value::List(items)) = self.text.at(path).map(|node| &node.value) {
            let count = items.len();
            for form in 0..3 {
                let forms = after.iter().map(|item| self.items(last, &item.value).into_iter().nth(form));
                let Some(written) = forms.collect::<Option<Vec<String>>>() else { continue };
                // The items of the spec are those of the file, or the last of them: the others are the kind's.
                let missing = old.len().saturating_sub(count);
                let places = [(count == old.len()).then_some(0), gone.start.checked_sub(missing).map(|_| missing)];
                for less in places.into_iter().flatten() {
                    let place = gone.start.saturating_sub(less)..gone.end.saturating_sub(less);
                    found.extend(self.text.spliced(path, place, &written));
                }
                if before.is_empty() {
                    found.extend(self.text.spliced(path, count..count, &written));
                    found.extend(self.text.spliced(path, 0..0, &written));
                }
            }
            if let ([item], true) = (before, after.is_empty()) {
                let wanted = self.items(last, &item.value);
                let place =
                    items.iter().position(|item| written(&item.value).is_some_and(|item| wanted.contains(&item)));
                found.extend(place.and_then(|place| self.text.spliced(path, place..place + 1, &[])));
            }
        }
        // What was added to the kind's items, and the whole list in their place.
        let items = |nodes: &[Node<'_>]| -> Option<String> {
            let items: Option<Vec<String>> =
                nodes.iter().map(|node| self.items(last, &node.value).into_iter().next()).collect();
            Some(format!("[{}]", items?.join(", ")))
        };
        let wholes = [if before.is_empty() { items(after) } else { None }, items(new)];
        for whole in wholes.into_iter().flatten() {
            if self.text.at(path).is_some() {
                found.extend(self.text.changed(path, &whole));
            } else {
                found.extend(self.text.added(path, &whole, [None, None]));
            }
        }
        found
    }

    /// The texts that an item of a list may have in the spec.
    fn items(&self, list: &str, item: &Value<'_>) -> Vec<String> {
        if list == "volumes" {
            return self.mounts(item);
        }
        let mut found: Vec<String> = written(item).into_iter().collect();
        if let Value::String(text) = item {
            found.extend(bare(text).map(|text| quoted(&text)));
        }
        found
    }

    /// The texts that a mount may have.
    fn mounts(&self, mount: &Value<'_>) -> Vec<String> {
        let mut found = Vec::new();
        let rebased = |source: &str| {
            let is_relative = source.starts_with("./") || source.starts_with("../");
            if is_relative { from_root(self.folder, source) } else { source.to_owned() }
        };
        match mount {
            Value::Table(table) => {
                let text = |key: &str| match &table.at(&[key])?.value {
                    Value::String(text) => Some(text.as_ref()),
                    _ => None,
                };
                if let (Some(source), Some(target)) = (text("source"), text("target")) {
                    let is_read_only = table.at(&["read_only"]).is_some_and(|node| node.value == Value::Boolean(true));
                    let end = if is_read_only { ":ro" } else { "" };
                    found.push(quoted(&format!("{}:{target}{end}", rebased(source))));
                }
            }
            Value::String(text) => found.extend(bare(text).map(|text| quoted(&text))),
            _ => {}
        }
        found.extend(written(mount));
        found
    }

    /// Ports, which have names in the spec.
    fn ports(&self, path: &[String], old: &[Node<'_>], new: &[Node<'_>]) -> Option<Sources> {
        let mut state: Option<Sources> = None;
        let mut step = |edit: &dyn Fn(&Text<'_>) -> Option<Sources>| {
            let next = match &state {
                None => edit(&self.text),
                Some(state) => edit(&self.text.of(state)?),
            };
            state = Some(next?);
            Some(())
        };
        for port in old {
            let path = [path, &[name_of(port)?]].concat();
            if !new.iter().any(|other| name_of(other) == name_of(port)) {
                step(&|text| text.removed(&path))?;
            }
        }
        for port in new {
            let path = [path, &[name_of(port)?]].concat();
            let value = port_of(port)?;
            step(&|text| {
                if text.at(&path).is_some() {
                    text.changed(&path, &value)
                } else {
                    text.added(&path, &value, [None, None]).into_iter().next()
                }
            })?;
        }
        state
    }
}

/// A path that is relative to a folder, relative to the root.
fn from_root(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    format!("./{}", parts.join("/"))
}

fn name_of(port: &Node<'_>) -> Option<String> {
    let Value::Table(port) = &port.value else { return None };
    Some(port.at(&["name"])?.value.written())
}

/// A port of a Compose file as the spec writes it.
fn port_of(port: &Node<'_>) -> Option<String> {
    let Value::Table(port) = &port.value else { return None };
    let number = |key: &str| port.at(&[key])?.value.written().parse::<u16>().ok();
    let (target, published) = (number("target")?, number("published"));
    let text = |key: &str| port.at(&[key]).map(|node| node.value.written());
    let host = text("host_ip").filter(|ip| ip != "127.0.0.1");
    let protocol = text("protocol").filter(|protocol| protocol != "tcp");
    if published == Some(target) && host.is_none() && protocol.is_none() {
        return Some(target.to_string());
    }
    let mut keys = Vec::new();
    keys.extend(published.map(|port| format!("published = {port}")));
    keys.push(format!("target = {target}"));
    keys.extend(host.map(|host| format!("host_ip = {}", quoted(&host))));
    keys.extend(protocol.map(|protocol| format!("protocol = {}", quoted(&protocol))));
    Some(format!("{{ {} }}", keys.join(", ")))
}

/// A text with variables without what stands behind their names.
fn bare(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let end = after.find('}')?;
        let name = after.get(..end)?;
        let name = name.split([':', '?', '-', '+']).next().unwrap_or(name);
        out.push_str(before);
        out.push_str("${");
        out.push_str(name);
        out.push('}');
        rest = after.get(end + 1..)?;
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_written_by_its_name() {
        assert_eq!(bare("a ${B:?set B in .env} ${C} ${D-x}").as_deref(), Some("a ${B} ${C} ${D}"));
        assert_eq!(bare("a ${B"), None);
        assert_eq!(bare("a"), None);
    }

    #[test]
    fn a_path_is_that_of_the_root() {
        assert_eq!(from_root("generated/dev", "../../data"), "./data");
        assert_eq!(from_root("generated/dev", "./config/x.yaml"), "./generated/dev/config/x.yaml");
        assert_eq!(from_root("generated/dev", "../../../data"), "./../data");
    }
}
