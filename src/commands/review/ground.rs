//! The files and links of the project that the meaning of a spec depends on: those of the work tree, and those at a
//! revision.

use std::cell::RefCell;
use std::collections::HashMap;
use std::{fs, io};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde::Deserialize as _;
use serde_yaml::Value;
use stackgen::links;
use stackgen::model::Outputs;
use stackgen::review::{Ground, Led, Side};

use super::super::git::{self, Failure};
use super::git::Revision;

/// Bytes of a file that `extends` names.
const LARGEST: u64 = 1 << 20;

/// Files that one names, and these in turn; and links on the way to a path, as many as Linux follows.
const MOST: usize = 40;

/// The work tree and a revision.
pub struct Compared<'r> {
    root: &'r Utf8Path,
    revision: &'r Revision<'r>,
    led: RefCell<HashMap<(Side, String), Option<Led>>>,
    /// Links of the work tree, and where they lead at the revision if they are links there.
    before: RefCell<HashMap<Utf8PathBuf, Option<String>>>,
    differ: RefCell<HashMap<String, bool>>,
    /// Files that should not be committed, and are.
    unwanted: Vec<String>,
    outputs: Outputs,
}

/// The links on the way to a path: each, and where it leads.
type Links = Vec<(Utf8PathBuf, String)>;

impl<'r> Compared<'r> {
    /// # Errors
    /// Git can't tell what is committed.
    pub fn new(root: &'r Utf8Path, outputs: Outputs, revision: &'r Revision<'r>) -> Result<Self, Failure> {
        Ok(Self {
            root,
            revision,
            led: RefCell::default(),
            before: RefCell::default(),
            differ: RefCell::default(),
            unwanted: revision.changed(&git::places(&outputs))?,
            outputs,
        })
    }

    /// Where a link leads. One of the revision that the work tree doesn't have matters to nothing.
    fn link(&self, side: Side, path: &Utf8Path) -> Option<String> {
        let now = fs::read_link(self.root.join(path)).ok()?;
        if side == Side::After {
            return Some(now.to_string_lossy().into_owned());
        }
        self.before.borrow_mut().entry(path.to_owned()).or_insert_with(|| self.link_before(path)).clone()
    }

    fn link_before(&self, path: &Utf8Path) -> Option<String> {
        let (mode, target) = self.revision.at(path).ok()??;
        (mode == "120000").then(|| String::from_utf8_lossy(&target).into_owned())
    }

    /// Whether one of the links on the way to a path is not the same at the revision.
    fn is_led_elsewhere(&self, path: &Utf8Path) -> bool {
        let (links, _) = self.walk(Side::After, path);
        links.into_iter().any(|(link, target)| self.link(Side::Before, &link) != Some(target))
    }

    /// The links on the way to a path, and where that ends unless one of them leaves the project.
    fn walk(&self, side: Side, path: &Utf8Path) -> (Links, Option<Utf8PathBuf>) {
        let mut found = Vec::new();
        let root = self.root.canonicalize_utf8().unwrap_or_else(|_| self.root.to_owned());
        let mut rest: Vec<String> = parts(path);
        let mut at = Utf8PathBuf::new();
        while let Some(part) = rest.pop() {
            if part == ".." {
                if !at.pop() {
                    return (found, None);
                }
                continue;
            }
            at.push(&part);
            let Some(target) = self.link(side, &at) else { continue };
            found.push((at.clone(), target.clone()));
            at.pop();
            let target = match Utf8Path::new(&target).strip_prefix(&root) {
                Ok(inside) => {
                    at = Utf8PathBuf::new();
                    inside
                }
                Err(_) => target.as_ref(),
            };
            if target.is_absolute() || found.len() >= MOST {
                return (found, None);
            }
            rest.extend(parts(target));
        }
        (found, Some(at))
    }

    /// What a file says, if it says the same at the revision; nothing if it is in neither.
    fn same(&self, path: &Utf8Path) -> io::Result<Option<String>> {
        let changed = || io::Error::other("not the same");
        let real = links::follow(self.root, path)?;
        if self.is_led_elsewhere(path) {
            return Err(changed());
        }
        let real = real.strip_prefix(self.root.canonicalize_utf8()?).map_err(|_| changed())?;
        let before = match self.revision.at(real)? {
            Some((mode, bytes)) if mode.starts_with("100") => Some(bytes),
            Some(_) => return Err(changed()),
            None => None,
        };
        let now = match links::read(self.root, real, LARGEST) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // A checkout may have other line ends.
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        let (before, now) = (before.map(text), now.map(text));
        if before == now { Ok(now) } else { Err(changed()) }
    }

    fn closure_differs(&self, path: &str) -> bool {
        let mut seen = vec![Utf8PathBuf::from(path)];
        let mut next = 0;
        while let Some(path) = seen.get(next).cloned() {
            next += 1;
            // One that can't be read, is too large, or leads out of the project, may say anything.
            let Ok(text) = self.same(&path) else { return true };
            let Some(named) = text.as_deref().map_or_else(|| Some(Vec::new()), extended) else { return true };
            for file in named {
                let Some(named) = normal(&path.parent().unwrap_or(Utf8Path::new("")).join(file)) else { return true };
                if !seen.contains(&named) {
                    seen.push(named);
                }
            }
            if seen.len() > MOST {
                return true;
            }
        }
        false
    }
}

impl Ground for Compared<'_> {
    fn leads(&self, side: Side, path: &str) -> Option<Led> {
        let key = (side, path.to_owned());
        if let Some(known) = self.led.borrow().get(&key) {
            return known.clone();
        }
        let (links, end) = self.walk(side, path.into());
        let is_hidden = |path: &Utf8PathBuf| path.components().any(|part| part.as_str().starts_with('.'));
        let led = links.last().map(|(_, target)| match end.filter(|end| !is_hidden(end)) {
            Some(end) => Led::Inside(end.into_string()),
            None => Led::Outside(target.clone()),
        });
        self.led.borrow_mut().insert(key, led.clone());
        led
    }

    fn differs(&self, path: Option<&str>) -> bool {
        let Some(path) = path else { return true };
        let known = self.differ.borrow().get(path).copied();
        known.unwrap_or_else(|| {
            let differs = self.closure_differs(path);
            self.differ.borrow_mut().insert(path.to_owned(), differs);
            differs
        })
    }

    fn committed(&self, profile: &str) -> Vec<String> {
        let found = |path: &String| {
            let (of, path) = git::unwanted(path, &self.outputs)?;
            of.is_none_or(|of| of == profile).then_some(path)
        };
        let mut found: Vec<String> = self.unwanted.iter().filter_map(found).collect();
        found.dedup();
        found
    }

    fn manifest(&self, path: &str) -> Option<Vec<u8>> {
        let (mode, text) = self.revision.at(path.into()).ok()??;
        mode.starts_with("100").then_some(text)
    }
}

/// The parts of a path, the last one first.
fn parts(path: &Utf8Path) -> Vec<String> {
    path.components().rev().map(|part| part.as_str().to_owned()).filter(|part| part != ".").collect()
}

/// A relative path without `..`, unless it leaves the project.
fn normal(path: &Utf8Path) -> Option<Utf8PathBuf> {
    let mut normal = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::Normal(part) => normal.push(part),
            Utf8Component::ParentDir => normal.pop().then_some(())?,
            Utf8Component::CurDir => {}
            Utf8Component::RootDir | Utf8Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// The files that the services of a Compose file extend, unless Compose may read something else there.
fn extended(text: &str) -> Option<Vec<String>> {
    // Tags that the parser resolves itself, and decodes otherwise than Compose.
    if ["!!binary", "!<", "%TAG"].iter().any(|tag| text.contains(tag)) {
        return None;
    }
    let mut files = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let mut document = Value::deserialize(document).ok()?;
        document.apply_merge().ok()?;
        if !has_plain_keys(&document) {
            return None;
        }
        let Value::Mapping(document) = document else { continue };
        let Some(services) = document.get("services") else { continue };
        let Value::Mapping(services) = services else { return None };
        for service in services.values() {
            let Value::Mapping(service) = service else { return None };
            match service.get("extends") {
                // A service of the same file.
                None | Some(Value::String(_)) => {}
                Some(Value::Mapping(base)) => match base.get("file") {
                    None => {}
                    Some(Value::String(file)) if is_plain(file) => files.push(file.clone()),
                    Some(_) => return None,
                },
                Some(_) => return None,
            }
        }
    }
    Some(files)
}

/// Whether no key or value has a tag: Compose may take it for another one.
fn has_plain_keys(value: &Value) -> bool {
    match value {
        Value::Tagged(_) => false,
        Value::Sequence(items) => items.iter().all(has_plain_keys),
        Value::Mapping(entries) => entries.iter().all(|(key, value)| {
            matches!(key, Value::String(_) | Value::Number(_) | Value::Bool(_)) && has_plain_keys(value)
        }),
        _ => true,
    }
}

/// Whether a file is named as it is: not by a variable, and not on another machine.
fn is_plain(file: &str) -> bool {
    !file.contains(['$', ':']) && !file.starts_with("github.com/")
}
