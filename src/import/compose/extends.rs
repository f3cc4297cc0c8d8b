//! Services with all that they extend, in their own file or in others.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};

use super::load::{Loader, Stop};
use super::removed::Removed;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::decode::shown;
use crate::spec::merge::SERVICE;
use crate::spec::tree::{MOST_COPIED, Node, Table, Value};

/// The services that can be extended: those of a file, or of a document that is being read.
pub(super) struct Services {
    /// Which file or document it is.
    id: usize,
    table: Table<'static>,
    places: HashMap<String, usize>,
    /// What they remove of what they extend.
    removed: Removed,
}

/// Services by the files and documents that they are in, as far as they are known.
#[derive(Default)]
pub(super) struct Extended {
    /// The number of files and documents.
    count: usize,
    files: HashMap<Utf8PathBuf, Rc<Services>>,
    done: HashMap<usize, HashMap<String, Table<'static>>>,
    /// About how many bytes were copied.
    copied: u64,
}

/// What a service extends.
struct Extends {
    service: String,
    file: Option<Utf8PathBuf>,
    span: Span,
}

impl Extends {
    /// Takes the key out of a service.
    fn take(service: &mut Table<'static>) -> Option<Self> {
        let (_, node) = service.take("extends")?;
        let text = |node: &Node<'static>| match &node.value {
            Value::String(text) => text.clone().into_owned(),
            _ => String::new(),
        };
        let at = |name| if let Value::Table(table) = &node.value { table.at(&[name]).map(text) } else { None };
        let service = if let Value::Table(_) = &node.value { at("service").unwrap_or_default() } else { text(&node) };
        Some(Self { service, file: at("file").map(Utf8PathBuf::from), span: node.span })
    }
}

impl Loader<'_> {
    /// Replaces the services of a document that extend others by what they are then.
    pub(super) fn extend(&mut self, document: &mut Table<'static>, removed: &Removed) -> Result<(), Stop> {
        let Some((_, Node { value: Value::Table(services), .. })) =
            document.entries.iter_mut().find(|(key, _)| key.name == SERVICE)
        else {
            return Ok(());
        };
        let extends =
            |node: &Node<'static>| matches!(&node.value, Value::Table(table) if table.at(&["extends"]).is_some());
        let which: Vec<usize> =
            (0..).zip(&services.entries).filter(|(_, (_, node))| extends(node)).map(|(at, _)| at).collect();
        if which.is_empty() {
            return Ok(());
        }
        let removed = removed.below(SERVICE).cloned().unwrap_or_default();
        let of_document = self.services(services.clone(), removed);
        for place in which {
            let (name, node) = &mut services.entries[place];
            node.value = Value::Table(self.extended(&of_document, name.name.clone().into_owned())?);
        }
        self.extended.done.remove(&of_document.id);
        Ok(())
    }

    fn services(&mut self, table: Table<'static>, removed: Removed) -> Rc<Services> {
        self.extended.count += 1;
        Rc::new(Services { id: self.extended.count, places: table.places(), table, removed })
    }

    /// The services of a file, which is read once.
    fn services_of(&mut self, path: &Utf8Path, from: Span) -> Result<Rc<Services>, Stop> {
        if let Some(services) = self.extended.files.get(path) {
            return Ok(services.clone());
        }
        let mut whole = Table::default();
        let mut last = Removed::default();
        for (document, removed) in self.documents(path, path.parent().unwrap_or(Utf8Path::new("")), Some(from))? {
            removed.apply(&mut whole);
            self.add(&mut whole, document);
            last = removed.below(SERVICE).cloned().unwrap_or_default();
        }
        let services = match whole.take(SERVICE) {
            Some((_, Node { value: Value::Table(services), .. })) => services,
            _ => Table::default(),
        };
        let services = self.services(services, last);
        self.extended.files.insert(path.to_owned(), services.clone());
        Ok(services)
    }

    /// A service with all that it extends.
    fn extended(&mut self, services: &Rc<Services>, name: String) -> Result<Table<'static>, Stop> {
        let (mut services, mut name) = (services.clone(), name);
        let mut seen = HashSet::new();
        let mut chain = Vec::new();
        let mut from = None;
        let mut whole = loop {
            if let Some(done) = self.extended.done.get(&services.id).and_then(|done| done.get(&name)) {
                break done.clone();
            }
            let own = services.places.get(&name).map(|&place| &services.table.entries[place].1.value);
            let mut own = match (own, from) {
                (Some(Value::Table(own)), _) => own.clone(),
                (_, None) => return Ok(Table::default()),
                (_, Some(span)) => {
                    let title = format!("unknown service `{}` in `extends`", shown(&name));
                    let help = "define it, or fix the name";
                    return Err(Diagnostic::new("invalid-compose", title, span).help(help).into());
                }
            };
            let Some(extends) = Extends::take(&mut own) else { break own };
            if !seen.insert((services.id, name.clone())) {
                let title = format!("service `{}` extends itself", shown(&name));
                return Err(Diagnostic::new("invalid-compose", title, extends.span).help("remove an `extends`").into());
            }
            let next = match &extends.file {
                Some(path) => self.services_of(&super::paths::clean(path), extends.span)?,
                None => services.clone(),
            };
            chain.push((std::mem::replace(&mut services, next), std::mem::replace(&mut name, extends.service), own));
            from = Some(extends.span);
        };
        while let Some((services, name, own)) = chain.pop() {
            self.extended.copied += whole.weight() + own.weight();
            if self.extended.copied > MOST_COPIED {
                let title = format!("services with `extends` are larger than {} MB", MOST_COPIED >> 20);
                return Err(Diagnostic::new("spec-too-large", title, from.unwrap_or(super::NOWHERE)).into());
            }
            if let Some(removed) = services.removed.below(&name) {
                removed.apply(&mut whole);
            }
            self.change(&mut whole, own, SERVICE);
            self.extended.done.entry(services.id).or_default().insert(name, whole.clone());
        }
        Ok(whole)
    }
}
