//! The files and links of the project that the meaning of a spec depends on: those of the work tree, and those at a
//! revision.

use std::cell::RefCell;
use std::collections::HashMap;
use std::{fs, io};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use stackgen::links;
use stackgen::review::Ground;

use super::git::Revision;

/// Bytes of a file that `extends` names.
const LARGEST: u64 = 1 << 20;

/// Files that one names, and these in turn; and links on the way to a path, as many as Linux follows.
const MOST: usize = 40;

/// The work tree and a revision.
pub struct Compared<'r> {
    root: &'r Utf8Path,
    revision: &'r Revision<'r>,
    led: RefCell<HashMap<String, Option<String>>>,
    differ: RefCell<HashMap<String, bool>>,
}

impl<'r> Compared<'r> {
    pub fn new(root: &'r Utf8Path, revision: &'r Revision<'r>) -> Self {
        Self { root, revision, led: RefCell::default(), differ: RefCell::default() }
    }

    /// Whether one of the links on the way to a path is not the same at the revision.
    fn is_led_elsewhere(&self, path: &Utf8Path) -> bool {
        self.links(path).iter().any(|(link, target)| {
            let before = self.revision.at(link).ok().flatten();
            !before.is_some_and(|(mode, bytes)| mode == "120000" && bytes == target.as_bytes())
        })
    }

    /// The links on the way to a path, up to one that leads out of the project: each, and where it leads.
    fn links(&self, path: &Utf8Path) -> Vec<(Utf8PathBuf, String)> {
        let mut found = Vec::new();
        let root = self.root.canonicalize_utf8().unwrap_or_else(|_| self.root.to_owned());
        let mut rest: Vec<String> = parts(path);
        let mut at = Utf8PathBuf::new();
        while let Some(part) = rest.pop() {
            if part == ".." {
                if !at.pop() {
                    break;
                }
                continue;
            }
            at.push(&part);
            let Ok(target) = fs::read_link(self.root.join(&at)) else { continue };
            let target = target.to_string_lossy().into_owned();
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
                break;
            }
            rest.extend(parts(target));
        }
        found
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
            // One that is too large, or leads out of the project, may say anything.
            let Ok(text) = self.same(&path) else { return true };
            for file in text.iter().flat_map(|text| files(text)) {
                let named = normal(&path.parent().unwrap_or(Utf8Path::new("")).join(file));
                if let Some(named) = named.filter(|named| !seen.contains(named) && seen.len() < MOST) {
                    seen.push(named);
                }
            }
        }
        false
    }
}

impl Ground for Compared<'_> {
    fn leads_out(&self, path: &str) -> Option<String> {
        let known = self.led.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let leaves = links::follow(self.root, path.into()).is_err() && self.is_led_elsewhere(path.into());
            let led = leaves.then(|| self.links(path.into()).pop().map(|(_, target)| target)).flatten();
            self.led.borrow_mut().insert(path.to_owned(), led.clone());
            led
        })
    }

    fn differs(&self, path: &str) -> bool {
        let known = self.differ.borrow().get(path).copied();
        known.unwrap_or_else(|| {
            let differs = self.closure_differs(path);
            self.differ.borrow_mut().insert(path.to_owned(), differs);
            differs
        })
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

/// The values of `file:` in a Compose file. That is a search, not a parser: one too many does no harm.
fn files(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("file").filter_map(|(at, word)| {
        let rest = text.get(at + word.len()..)?.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?;
        let value = rest.trim_start();
        let value = value.split(['\n', ',', '}']).next()?.split(" #").next()?;
        let value = value.trim().trim_matches(['"', '\'']);
        (!value.is_empty() && !text[..at].ends_with('_')).then_some(value)
    })
}
