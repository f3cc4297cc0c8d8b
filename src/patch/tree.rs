//! The tree of a text, marked with what changes.

use std::ops::Range;

use serde_json::{Map, Value as Json};

use super::{Part, Problem};
use crate::diagnostic::suggestion;
use crate::review::counted;
use crate::spec::decode::{expected, shown};
use crate::spec::patches::{Path, Step};

/// A value and where it stands, if its format has places.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Range<usize>,
    /// Whether it is a list or a map between brackets.
    pub(super) is_flow: bool,
    /// Whether it is one with comments.
    pub(super) has_comments: bool,
    pub(super) change: Option<Change>,
    /// The edit that adds something to it, and what: a list of items or an object of keys.
    pub(super) added: Option<(usize, Json)>,
    /// The first edit that changes something in it.
    pub(super) touched: Option<usize>,
}

#[derive(Debug)]
pub(super) enum Value {
    Scalar(Json),
    List(Vec<Node>),
    /// Keys, each with where it stands.
    Map(Vec<Entry>),
}

/// A key, where it stands, and its value.
pub(super) type Entry = (String, Range<usize>, Node);

impl Default for Value {
    fn default() -> Self {
        Self::Scalar(Json::Null)
    }
}

/// A value is another one, or gone.
#[derive(Debug)]
pub(super) struct Change {
    edit: usize,
    pub(super) to: Option<Json>,
}

/// What an edit does.
pub(super) enum Action {
    Set(Json),
    Add(Json),
    Remove,
}

impl Node {
    /// A tree without places.
    pub(super) fn of(json: Json) -> Self {
        let value = match json {
            Json::Array(items) => Value::List(items.into_iter().map(Self::of).collect()),
            Json::Object(entries) => {
                Value::Map(entries.into_iter().map(|(key, value)| (key, 0..0, Self::of(value))).collect())
            }
            scalar => Value::Scalar(scalar),
        };
        Self { value, ..Self::default() }
    }

    /// The value as it was.
    pub(super) fn before(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) => scalar.clone(),
            Value::List(items) => items.iter().map(Self::before).collect(),
            Value::Map(entries) => {
                Json::Object(entries.iter().map(|(key, _, node)| (key.clone(), node.before())).collect())
            }
        }
    }

    /// The value as it is meant to be.
    pub(super) fn after(&self) -> Json {
        if let Some(Change { to: Some(to), .. }) = &self.change {
            return to.clone();
        }
        match &self.value {
            Value::Scalar(scalar) => scalar.clone(),
            Value::List(items) => {
                let mut list: Vec<Json> = items.iter().filter(|item| !item.is_removed()).map(Self::after).collect();
                if let Some((_, Json::Array(more))) = &self.added {
                    list.extend(more.iter().cloned());
                }
                Json::Array(list)
            }
            Value::Map(entries) => {
                let kept = entries.iter().filter(|(_, _, node)| !node.is_removed());
                let mut map: Map<String, Json> = kept.map(|(key, _, node)| (key.clone(), node.after())).collect();
                if let Some((_, Json::Object(more))) = &self.added {
                    map.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                Json::Object(map)
            }
        }
    }

    pub(super) fn is_removed(&self) -> bool {
        matches!(self.change, Some(Change { to: None, .. }))
    }

    /// Whether it or something in it changes.
    pub(super) fn is_touched(&self) -> bool {
        self.touched.is_some()
    }

    /// The number of its entries or items, and of those that are removed.
    pub(super) fn counts(&self) -> (usize, usize) {
        match &self.value {
            Value::Scalar(_) => (0, 0),
            Value::List(items) => (items.len(), items.iter().filter(|item| item.is_removed()).count()),
            Value::Map(entries) => (entries.len(), entries.iter().filter(|(_, _, node)| node.is_removed()).count()),
        }
    }

    fn describe(&self) -> &'static str {
        describe(match &self.value {
            Value::Scalar(scalar) => scalar,
            Value::List(_) => return "a list",
            Value::Map(_) => return "a map",
        })
    }
}

fn describe(json: &Json) -> &'static str {
    match json {
        Json::Null => "empty",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

/// A value on one line, for a message.
pub(super) fn written(json: &Json) -> String {
    match json {
        Json::String(text) => shown(text),
        other => shown(&other.to_string()),
    }
}

/// Suggestions for more problems than these would take as long as there are keys.
const MOST_SUGGESTED: usize = 50;

/// The edits that were marked so far.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) problems: Vec<Problem>,
}

/// Half of a problem.
type Wrong = Box<Problem>;

fn fault((code, part): (&'static str, Part), title: String, help: impl Into<String>) -> Wrong {
    Box::new(Problem { edit: 0, code, part, title, label: String::new(), help: help.into(), other: None })
}

impl Marks {
    /// Marks the tree with an edit, or keeps what is wrong with it.
    pub(super) fn mark(&mut self, documents: &mut [Node], path: &Path, edit: usize, action: Action) {
        let suggests = self.problems.len() < MOST_SUGGESTED;
        if let Err(problem) = mark(documents, path, edit, action, suggests) {
            self.problems.push(Problem { edit, ..*problem });
        }
    }
}

fn mark(documents: &mut [Node], path: &Path, edit: usize, action: Action, suggests: bool) -> Result<(), Wrong> {
    // Where it leads is found before anything is marked.
    let (document, first) = match path.steps.first() {
        // The only document of a manifest can be named as well as one of several.
        Some((Step::Item { keys, value }, _)) if matches!(documents, [only] if has(only, keys, value)) => (0, 1),
        _ if documents.len() == 1 => (0, 0),
        Some((step @ (Step::Item { .. } | Step::Index(_)), _)) => (document_of(documents, step, path)?, 1),
        _ => {
            let count = documents.len();
            let title = format!("`{}` does not say which of {count} documents is meant", shown(&path.text));
            return Err(fault(("invalid-patch", Part::Path), title, DOCUMENT));
        }
    };
    let mut places = Vec::with_capacity(path.steps.len());
    let mut node = &documents[document];
    for place in first..path.steps.len() {
        clash(node, path, edit, &action, false)?;
        let (at, child) = step_of(node, path, place, suggests)?;
        places.push(at);
        node = child;
    }
    clash(node, path, edit, &action, true)?;
    judge(node, path, &action, path.steps.len() == first)?;
    let mut node = &mut documents[document];
    for at in places {
        node.touched.get_or_insert(edit);
        let child = match &mut node.value {
            Value::List(items) => items.get_mut(at),
            Value::Map(entries) => entries.get_mut(at).map(|(_, _, child)| child),
            Value::Scalar(_) => None,
        };
        let Some(child) = child else { return Ok(()) };
        node = child;
    }
    node.touched.get_or_insert(edit);
    match action {
        Action::Set(to) => node.change = Some(Change { edit, to: Some(to) }),
        Action::Remove => node.change = Some(Change { edit, to: None }),
        Action::Add(more) => node.added = Some((edit, more)),
    }
    Ok(())
}

/// Two edits of one value, or of one that is in the other.
fn clash(node: &Node, path: &Path, edit: usize, action: &Action, is_last: bool) -> Result<(), Wrong> {
    let other = match (&node.change, action) {
        (Some(change), _) => Some(change.edit),
        (None, _) if !is_last => None,
        (None, Action::Add(_)) => node.added.as_ref().map(|(other, _)| *other),
        (None, _) => node.touched,
    };
    let Some(other) = other.filter(|other| *other != edit) else { return Ok(()) };
    let title = format!("`{}` is patched twice", shown(&path.text));
    let problem = fault(("patch-clash", Part::Path), title, "remove one of the two, or combine them");
    Err(Box::new(Problem { other: Some(other), ..*problem }))
}

/// The child that a step leads to, and its place.
fn step_of<'n>(node: &'n Node, path: &Path, place: usize, suggests: bool) -> Result<(usize, &'n Node), Wrong> {
    let step = &path.steps[place].0;
    let misfit = |needs: &str| {
        let title = format!("unknown path `{}`: {} is {}", shown(&path.text), above(path, place), node.describe());
        fault(("unknown-path", Part::Path), title, needs)
    };
    match (&node.value, step) {
        (Value::Map(entries), Step::Key(wanted)) => {
            if let Some(at) = entries.iter().position(|(key, ..)| key == wanted) {
                return Ok((at, &entries[at].2));
            }
            let title = format!("unknown path `{}`", shown(&path.text));
            let names = || entries.iter().map(|(key, ..)| key.as_str());
            let otherwise = || if entries.is_empty() { "it has no keys".to_owned() } else { expected(names()) };
            let help = if suggests { suggestion(wanted, names(), otherwise) } else { "correct it".to_owned() };
            let more = if help.ends_with('?') { "" } else { ";" };
            let help = if place + 1 == path.steps.len() { format!("{help}{more} `add` adds a new key") } else { help };
            let problem = fault(("unknown-path", Part::Path), title, help);
            let label = format!("{} has no key `{}`", above(path, place), shown(wanted));
            Err(Box::new(Problem { label, ..*problem }))
        }
        (Value::List(items), Step::Index(_) | Step::Item { .. }) => {
            let at = item_of(items, step, path, place)?;
            Ok((at, &items[at]))
        }
        (Value::List(_), Step::Key(_)) => Err(misfit("name an item: `[0]`, `[name=value]` or `[=value]`")),
        (Value::Map(_), _) => Err(misfit("name a key, after a dot")),
        (Value::Scalar(_), _) => Err(misfit("end the path there, or correct it")),
    }
}

/// What is above a step.
fn above(path: &Path, place: usize) -> String {
    if place == 0 { "the file".to_owned() } else { format!("`{}`", shown(path.above(place))) }
}

/// How one of several documents is named.
const DOCUMENT: &str = "start the path with something that only that document has: `[kind=Deployment].spec.replicas`";

/// The document that a step names.
fn document_of(documents: &[Node], step: &Step, path: &Path) -> Result<usize, Wrong> {
    item_of(documents, step, path, 0).map_err(|problem| {
        let label = problem.label.replace("items", "documents").replace("item", "document");
        Box::new(Problem { label, help: DOCUMENT.to_owned(), ..*problem })
    })
}

/// The item that a step names.
fn item_of(items: &[Node], step: &Step, path: &Path, place: usize) -> Result<usize, Wrong> {
    let unknown = |label: String, help: &str| {
        let title = format!("unknown path `{}`", shown(&path.text));
        let problem = fault(("unknown-path", Part::Path), title, help);
        Err(Box::new(Problem { label, ..*problem }))
    };
    match step {
        Step::Index(index) if *index < items.len() => Ok(*index),
        Step::Index(_) => {
            let label = format!("{} has {}", above(path, place), counted(items.len(), "item"));
            unknown(label, "indexes start at 0; `[name=value]` names an item by a value that it has")
        }
        Step::Item { keys, value } => {
            let mut found = items.iter().enumerate().filter(|(_, item)| has(item, keys, value)).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(at), None) => Ok(at),
                (Some(first), Some(second)) => {
                    let label = format!("items {first} and {second} both match");
                    unknown(label, "name one by its index: `[0]`")
                }
                (None, _) => {
                    let label = format!("no item of {} matches", above(path, place));
                    unknown(label, "name an item by its index, `[0]`, or by a value that it has, `[name=value]`")
                }
            }
        }
        Step::Key(_) => unknown(String::new(), "name an item"),
    }
}

/// Whether an item has a value at some keys.
fn has(item: &Node, keys: &[String], value: &str) -> bool {
    let mut node = item;
    for key in keys {
        let Value::Map(entries) = &node.value else { return false };
        let Some((_, _, child)) = entries.iter().find(|(name, ..)| name == key) else { return false };
        node = child;
    }
    match &node.value {
        Value::Scalar(Json::String(text)) => text == value,
        Value::Scalar(other) => written(other) == value,
        _ => false,
    }
}

/// Whether an edit fits a value, and changes something.
fn judge(node: &Node, path: &Path, action: &Action, is_whole: bool) -> Result<(), Wrong> {
    let name = shown(&path.text);
    let is_at = node.describe();
    match action {
        Action::Remove if is_whole => Err(fault(
            ("invalid-patch", Part::Path),
            format!("cannot remove `{name}`, the whole file"),
            "remove keys of it",
        )),
        Action::Remove => Ok(()),
        Action::Set(_) if is_whole => {
            let help = "set values in it, or make the file your own: `gen eject`";
            Err(fault(("invalid-patch", Part::Path), format!("cannot set `{name}`, the whole file"), help))
        }
        Action::Set(to) => {
            let before = node.before();
            if before == *to {
                let title = format!("patch has no effect: `{name}` already has this value");
                return Err(fault(("unused-patch", Part::Path), title, "remove it"));
            }
            let is_container = |json: &Json| json.is_array() || json.is_object();
            let differs = describe(&before) != describe(to) && (is_container(&before) || is_container(to));
            if differs && !before.is_null() {
                let title = format!("`{name}` is {is_at}: it cannot become {}", describe(to));
                let help = if is_container(&before) {
                    let form = if before.is_array() { "a list" } else { "a table" };
                    format!("write {form}, or the path of a value in it")
                } else {
                    "write a string, a number or a boolean".to_owned()
                };
                return Err(fault(("invalid-patch", Part::Value), title, help));
            }
            Ok(())
        }
        Action::Add(more) => judge_added(node, &name, more),
    }
}

fn judge_added(node: &Node, name: &str, more: &Json) -> Result<(), Wrong> {
    match (&node.value, more) {
        (Value::List(items), Json::Array(more)) => {
            if more.is_empty() {
                return Err(fault(
                    ("invalid-patch", Part::Value),
                    format!("nothing is added to `{name}`"),
                    "add an item",
                ));
            }
            let there: Vec<Json> = items.iter().map(Node::before).collect();
            match more.iter().position(|item| there.contains(item)) {
                None => Ok(()),
                Some(at) => {
                    let title = format!("patch has no effect: `{name}` already has this item");
                    Err(fault(("unused-patch", Part::Item(at)), title, "remove it"))
                }
            }
        }
        (Value::Map(entries), Json::Object(more)) => {
            if more.is_empty() {
                return Err(fault(
                    ("invalid-patch", Part::Value),
                    format!("nothing is added to `{name}`"),
                    "add a key",
                ));
            }
            let there = |key: &String| entries.iter().find(|(known, ..)| known == key).map(|(.., node)| node);
            let found = more.iter().find_map(|(key, value)| Some((key, value, there(key)?)));
            match found {
                None => Ok(()),
                Some((key, value, node)) if node.before() == *value => {
                    let title = format!("patch has no effect: `{name}` already has `{}` with this value", shown(key));
                    Err(fault(("unused-patch", Part::Key(key.clone())), title, "remove it"))
                }
                Some((key, ..)) => {
                    let title = format!("`{name}` already has `{}`", shown(key));
                    let help = "`set` changes the value of a key that is there";
                    Err(fault(("invalid-patch", Part::Key(key.clone())), title, help))
                }
            }
        }
        (Value::List(_), _) => {
            let title = format!("`{name}` is a list: add items, not {}", describe(more));
            Err(fault(("invalid-patch", Part::Value), title, "write a list of items: `[\"…\"]`"))
        }
        (Value::Map(_), _) => {
            let title = format!("`{name}` is a map: add keys, not {}", describe(more));
            Err(fault(("invalid-patch", Part::Value), title, "write a table: `{ key = … }`"))
        }
        (Value::Scalar(_), _) => {
            let title = format!("cannot add to `{name}`, which is {}", node.describe());
            Err(fault(
                ("invalid-patch", Part::Path),
                title,
                "`set` changes its value; `add` takes the path of a list or a map",
            ))
        }
    }
}
