//! What a container sees of the folder.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use super::Files;
use crate::folder::Kind;
use crate::import::compose::paths::clean;
use crate::import::compose::string;
use crate::spec::service::split_outside;
use crate::spec::tree::{Node, Table, Value};

/// The mounts of a service.
pub(super) struct Mounts<'f> {
    files: &'f Files<'f>,
    mounts: Vec<Mount>,
}

struct Mount {
    /// As it is written.
    node: Node<'static>,
    /// Its path in the container.
    target: Option<Utf8PathBuf>,
    /// That as it is written, if it depends on a variable.
    unknown: Option<String>,
    /// Its path in the folder.
    source: Option<Utf8PathBuf>,
}

/// Where a path of the container is.
pub(super) enum Place {
    /// At a path of the folder.
    Here(Utf8PathBuf),
    /// In a volume, or outside of the folder.
    Elsewhere,
    /// In the image.
    Image,
}

/// What becomes of a mount.
enum Rest {
    Whole,
    Nothing,
    /// These paths of the container and the folder instead.
    Parts(Vec<(Utf8PathBuf, Utf8PathBuf)>),
}

/// Where Grafana looks for what it is provisioned with.
pub(super) const PROVISIONING: &str = "/etc/grafana/provisioning";

/// The folders that the kind replaces.
const REPLACED: [&str; 2] = ["/etc/grafana/provisioning/datasources", "/etc/grafana/provisioning/dashboards"];

/// Where it writes: what will be there isn't known.
const DATA: &str = "/var/lib/grafana";

impl<'f> Mounts<'f> {
    /// Those of a service.
    pub fn of(service: &Table<'static>, files: &'f Files<'f>) -> Self {
        let mounts = match service.at(&["volumes"]).map(|node| &node.value) {
            Some(Value::List(items)) => items.iter().map(Mount::new).collect(),
            _ => Vec::new(),
        };
        Self { files, mounts }
    }

    /// Whether something is mounted at, above or below a path of the container.
    pub fn touch(&self, path: &Utf8Path) -> bool {
        self.mounts.iter().any(|mount| {
            mount.target.as_ref().is_some_and(|target| target.starts_with(path) || path.starts_with(target))
        })
    }

    /// The target of a mount, maybe only of paths of the folder, that depends on a variable.
    pub fn unknown(&self, here: bool) -> Option<&str> {
        self.mounts.iter().filter(|mount| !here || mount.source.is_some()).find_map(|mount| mount.unknown.as_deref())
    }

    /// Whether a file of the container is not that of the image.
    ///
    /// # Errors
    /// Why that can't be known.
    pub fn has(&self, file: &Utf8Path) -> Result<bool, String> {
        let (Place::Here(_) | Place::Elsewhere, Some(folder), Some(name)) =
            (self.place(file), file.parent(), file.file_name())
        else {
            return Ok(false);
        };
        Ok(self.entries(folder)?.contains_key(name))
    }

    /// Each mount that has a path of the folder, with its target.
    pub fn here(&self) -> impl Iterator<Item = (&Node<'static>, &Utf8Path, &Utf8Path)> {
        self.mounts.iter().filter_map(|mount| Some((&mount.node, mount.source.as_deref()?, mount.target.as_deref()?)))
    }

    /// Where a path of the container is.
    pub fn place(&self, path: &Utf8Path) -> Place {
        let inside =
            self.mounts.iter().filter_map(|mount| Some((mount, path.strip_prefix(mount.target.as_ref()?).ok()?)));
        match inside.min_by_key(|(_, rest)| rest.as_str().len()) {
            Some((Mount { source: Some(source), .. }, rest)) => Place::Here(clean(&source.join(rest))),
            Some(_) => Place::Elsewhere,
            None => Place::Image,
        }
    }

    /// What is in a folder of the container, by its name.
    ///
    /// # Errors
    /// Why that can't be known.
    pub fn entries(&self, folder: &Utf8Path) -> Result<BTreeMap<String, Kind>, String> {
        let mounted = self.mounts.iter().filter_map(|mount| {
            let below = mount.target.as_ref()?.strip_prefix(folder).ok()?;
            let mut parts = below.components();
            let name = parts.next()?.as_str().to_owned();
            let is_deeper = parts.next().is_some();
            let kind = match mount.source.as_ref().filter(|_| !is_deeper).map(|source| (self.files.list)(source)) {
                Some(Err(error)) if error.kind() == std::io::ErrorKind::NotADirectory => Kind::File,
                Some(Ok(_)) => Kind::Folder,
                None if is_deeper => Kind::Folder,
                _ => Kind::Other,
            };
            Some((name, kind))
        });
        let mounted: BTreeMap<String, Kind> = mounted.collect();
        let mut found = match self.place(folder) {
            Place::Here(path) => match (self.files.list)(&path) {
                Ok(entries) => entries.into_iter().collect(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
                Err(error) => return Err(format!("cannot read `{path}`: {error}")),
            },
            Place::Elsewhere if mounted.is_empty() => {
                return Err(format!("`{folder}` in the container is not mounted from this folder"));
            }
            Place::Elsewhere | Place::Image => BTreeMap::new(),
        };
        found.extend(mounted);
        found.retain(|name, _| !name.starts_with('.'));
        Ok(found)
    }

    /// The mounts that are left once the kind has the datasources and the dashboards, which are below `dashboards`.
    pub fn left(&self, dashboards: &[Utf8PathBuf]) -> Vec<Node<'static>> {
        let mut left = Vec::new();
        for mount in &self.mounts {
            let (Some(target), Some(source)) = (&mount.target, &mount.source) else {
                left.push(mount.node.clone());
                continue;
            };
            match self.rest(target, source, dashboards) {
                Rest::Whole => left.push(mount.node.clone()),
                Rest::Nothing => {}
                Rest::Parts(parts) => left.extend(parts.iter().map(|(target, source)| mount.part(target, source))),
            }
        }
        left
    }

    fn rest(&self, target: &Utf8Path, source: &Utf8Path, dashboards: &[Utf8PathBuf]) -> Rest {
        if REPLACED.iter().any(|replaced| target.starts_with(replaced))
            || dashboards.iter().any(|path| target.starts_with(path))
        {
            return Rest::Nothing;
        }
        // Nothing can be mounted into a folder that the container may only read.
        let is_split = Utf8Path::new(PROVISIONING).starts_with(target);
        let is_above =
            dashboards.iter().any(|path| path.starts_with(target)) && !Utf8Path::new(DATA).starts_with(target);
        if !is_split && !is_above {
            return Rest::Whole;
        }
        let Ok(entries) = (self.files.list)(source) else { return Rest::Whole };
        let mut parts = Vec::new();
        for (name, kind) in entries.into_iter().filter(|(name, _)| !name.starts_with('.')) {
            let (target, source) = (target.join(&name), source.join(&name));
            match self.rest(&target, &source, dashboards) {
                Rest::Nothing => {}
                _ if !is_split => return Rest::Whole,
                Rest::Whole if kind == Kind::Folder && self.is_empty(&source) => {}
                Rest::Whole => parts.push((target, source)),
                Rest::Parts(inner) => parts.extend(inner),
            }
        }
        parts.sort();
        Rest::Parts(parts)
    }

    fn is_empty(&self, folder: &Utf8Path) -> bool {
        (self.files.list)(folder).is_ok_and(|entries| entries.iter().all(|(name, _)| name.starts_with('.')))
    }
}

impl Mount {
    fn new(node: &Node<'static>) -> Self {
        let (source, target) = match &node.value {
            Value::String(text) => match split_outside(text).as_slice() {
                [target] => (None, Some(*target)),
                [source, target, ..] => (Some(*source).filter(|source| source.starts_with('.')), Some(*target)),
                [] => (None, None),
            },
            Value::Table(table) => {
                let text = |name: &str| match table.at(&[name]).map(|node| &node.value) {
                    Some(Value::String(text)) => Some(&**text),
                    _ => None,
                };
                (text("source").filter(|_| text("type") == Some("bind")), text("target"))
            }
            _ => (None, None),
        };
        let is_here = |path: &Utf8PathBuf| {
            !path.is_absolute() && !path.starts_with("..") && !path.starts_with("~") && !path.as_str().contains('$')
        };
        Self {
            node: node.clone(),
            unknown: target.filter(|target| target.contains('$')).map(ToOwned::to_owned),
            target: target.filter(|target| !target.contains('$')).map(|target| clean(Utf8Path::new(target))),
            source: source.map(|source| clean(Utf8Path::new(source))).filter(is_here),
        }
    }

    /// The same mount of something inside of it.
    fn part(&self, target: &Utf8Path, source: &Utf8Path) -> Node<'static> {
        let mut node = self.node.clone();
        match &mut node.value {
            Value::String(text) => {
                let options = split_outside(text).into_iter().skip(2).map(|option| format!(":{option}"));
                *text = format!("./{source}:{target}{}", options.collect::<String>()).into();
            }
            Value::Table(table) => {
                for (key, node) in &mut table.entries {
                    match &*key.name {
                        "source" => *node = string(&format!("./{source}")),
                        "target" => *node = string(target.as_str()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        node
    }
}
