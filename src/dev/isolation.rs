//! What a work tree has of its own: host ports that are chosen once and remembered, and the end of names.
//!
//! The memory is a file of the user's, outside of the tree: a branch can't bring one along.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Environment, Finding, Invocation};
use crate::model::Stack;
use crate::model::text::Tree;
use crate::spec::isolation::Isolation;
use crate::spec::value::Ports;
use crate::view::COMPOSE;

/// The ports to choose from: below those that systems give to clients (32768 on Linux, 49152 elsewhere) and that Kubernetes
/// gives to nodes (30000).
pub const RANGE: RangeInclusive<u16> = 20_000..=29_999;

/// How many digits of its digest tell work trees apart in names.
const DIGITS: usize = 8;

/// A work tree, and one of its specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree {
    /// Its canonical path.
    pub root: Utf8PathBuf,
    /// The spec's main file, relative to it.
    pub spec: Utf8PathBuf,
    digest: String,
}

/// What is remembered of a work tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Its canonical path.
    root: String,
    /// The spec's main file.
    spec: String,
    /// The host ports of each isolated profile, as `8080` or `8080-8090`.
    profiles: BTreeMap<String, BTreeMap<String, String>>,
}

impl WorkTree {
    /// The work tree at a canonical path.
    pub fn new(root: Utf8PathBuf, spec: &Utf8Path) -> Self {
        let hash = Sha256::new().chain_update(root.as_str()).chain_update([0]).chain_update(spec.as_str()).finalize();
        let digest = hash.iter().fold(String::new(), |mut digest, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(digest, "{byte:02x}");
            digest
        });
        Self { root, spec: spec.to_owned(), digest }
    }

    /// The end of the names of its stacks.
    pub fn suffix(&self) -> &str {
        self.digest.get(..DIGITS).unwrap_or_default()
    }

    /// The name of the file in which it is remembered.
    pub fn file(&self) -> String {
        format!("{}.json", self.digest)
    }

    /// The port at which the search for free ones begins.
    fn start(&self) -> u16 {
        let number = u64::from_str_radix(self.suffix(), 16).unwrap_or_default();
        let count = u64::from(RANGE.end() - RANGE.start()) + 1;
        u16::try_from(number % count).unwrap_or_default() + RANGE.start()
    }
}

impl Memory {
    /// Nothing yet.
    pub fn new(tree: &WorkTree) -> Self {
        Self { root: tree.root.to_string(), spec: tree.spec.to_string(), profiles: BTreeMap::new() }
    }

    /// Reads what was remembered of a work tree.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str, tree: &WorkTree) -> Result<Self, String> {
        let memory: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if memory.root != tree.root || memory.spec != tree.spec {
            return Err(format!("it is about `{}`", memory.root));
        }
        let wrong = |ports: &&String| Ports::parse(ports).is_none_or(|ports| ports.first < 1024);
        match memory.profiles.values().flat_map(BTreeMap::values).find(wrong) {
            Some(wrong) => Err(format!("`{wrong}` is not a port from 1024 on")),
            None => Ok(memory),
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        // Maps of strings always are JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Whether a profile is isolated.
    pub fn has(&self, profile: &str) -> bool {
        self.profiles.contains_key(profile)
    }

    /// Whether a port of a profile is remembered.
    pub fn knows(&self, profile: &str, port: &str) -> bool {
        self.profiles.get(profile).is_some_and(|ports| ports.contains_key(port))
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    /// Forgets a profile.
    pub fn forget(&mut self, profile: &str) {
        self.profiles.remove(profile);
    }

    /// The ports of a profile that had other numbers before: which, and both.
    pub fn moved<'m>(&'m self, before: &'m Self, profile: &str) -> Vec<[&'m str; 3]> {
        let (Some(now), Some(before)) = (self.profiles.get(profile), before.profiles.get(profile)) else {
            return Vec::new();
        };
        let pair = |(key, old): (&'m String, &'m String)| Some([key.as_str(), old.as_str(), now.get(key)?.as_str()]);
        // Otherwise the spec has changed.
        let count = |ports: &str| Ports::parse(ports).map(Ports::count);
        before.iter().filter_map(pair).filter(|[_, old, new]| old != new && count(old) == count(new)).collect()
    }

    /// The path of the work tree.
    pub fn root(&self) -> &Utf8Path {
        self.root.as_str().into()
    }

    /// Every port that is remembered.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        let ports = self.profiles.values().flat_map(BTreeMap::values).filter_map(|ports| Ports::parse(ports));
        ports.flat_map(|ports| ports.first..=ports.last)
    }

    /// The stack of a profile, with a port for each that it publishes: the remembered one, as long as it is usable, or a new
    /// one that is neither remembered elsewhere nor in use. Those of ports that the spec no longer has stay, for other branches.
    ///
    /// # Errors
    /// There are too few.
    pub fn choose(
        &mut self,
        tree: &WorkTree,
        profile: &str,
        wanted: &[(String, u16)],
        (others, is_usable, is_free): (&BTreeSet<u16>, impl Fn(u16) -> bool, impl Fn(u16) -> bool),
    ) -> Result<Isolation, Finding> {
        let mut isolation = Isolation { suffix: tree.suffix().to_owned(), ports: BTreeMap::new() };
        let mut known = self.profiles.remove(profile).unwrap_or_default();
        known.retain(|key, ports| {
            let Some((_, count)) = wanted.iter().find(|(wanted, _)| wanted == key) else { return true };
            let ports = Ports::parse(ports).filter(|ports| ports.count() == u32::from(*count));
            ports.is_some_and(|ports| (ports.first..=ports.last).all(&is_usable))
        });
        self.profiles.insert(profile.to_owned(), known);
        let mut taken: BTreeSet<u16> = others.iter().copied().chain(self.ports()).collect();
        let Some(known) = self.profiles.get_mut(profile) else { return Ok(isolation) };
        // Each port is looked at once: all before it are taken or in use.
        let mut candidates = (tree.start()..=*RANGE.end()).chain(*RANGE.start()..tree.start());
        for (key, count) in wanted {
            let ports = match known.get(key).and_then(|ports| Ports::parse(ports)) {
                Some(ports) => ports,
                None => candidates
                    .by_ref()
                    .map(|first| Ports { first, last: first.saturating_add(count - 1) })
                    .find(|ports| {
                        RANGE.contains(&ports.last)
                            && (ports.first..=ports.last).all(|port| !taken.contains(&port) && is_free(port))
                    })
                    .ok_or_else(none_left)?,
            };
            taken.extend(ports.first..=ports.last);
            known.insert(key.clone(), ports.to_string());
            isolation.ports.insert(key.clone(), ports);
        }
        Ok(isolation)
    }
}

fn none_left() -> Finding {
    let (first, last) = (RANGE.start(), RANGE.end());
    Finding::error(
        format!("no host port from {first} to {last} is left for this work tree"),
        "remove isolated stacks that are no longer needed with `gen dev down --volumes` in their work trees",
    )
}

/// The folder with the memory of all work trees: in the user's state, as the XDG Base Directory Specification says.
pub fn folder(environment: &Environment) -> Option<Utf8PathBuf> {
    let absolute = |name: &str| environment.get(name).map(Utf8PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME");
    let state = state.or_else(|| absolute("LOCALAPPDATA").filter(|_| cfg!(windows)));
    Some(state.or_else(|| Some(absolute("HOME")?.join(".local/state")))?.join("gen"))
}

/// Asks for the published ports of a project's running containers.
pub fn ports_of(root: &Utf8Path, project: &str) -> Invocation {
    let label = format!("label=com.docker.compose.project={project}");
    Invocation::new("docker", root, ["ps", "--filter", &label, "--format", "{{.Names}}\t{{.Ports}}"])
}

/// Asks for the running containers of a project that was started in a folder.
pub fn started_in(root: &Utf8Path, project: &str, folder: &Utf8Path) -> Invocation {
    let label = |key: &str, value: &str| format!("label=com.docker.compose.project{key}={value}");
    let filters = [label("", project), label(".working_dir", folder.as_str())];
    let filters = filters.iter().flat_map(|filter| ["--filter", filter.as_str()]);
    Invocation::new("docker", root, ["ps", "--quiet"]).with(filters)
}

/// What stacks of several work trees share all the same, or can't both have.
pub fn shared(stack: &Stack, environment: &Environment) -> Vec<Finding> {
    let mut findings = Vec::new();
    // What is written past the model is not known.
    let by_hand = [
        ("patched", stack.patches.iter().any(|patch| patch.file == COMPOSE)),
        ("ejected", stack.ejected.iter().any(|(file, _)| file == COMPOSE)),
    ];
    for (how, _) in by_hand.into_iter().filter(|(_, is_so)| *is_so) {
        findings.push(Finding::warning(
            format!("`{COMPOSE}` is {how}, so its ports and names may be the same in every work tree"),
            "give ports, names and volumes in the spec, or stop the stacks of other work trees",
        ));
    }
    for service in stack.every_service() {
        for port in service.ports.iter() {
            let Some(number) = port.published.as_ref().and_then(|published| published.port.as_ref()) else { continue };
            // One that is set is this work tree's own, or chosen with care.
            if let Some(variable) = number.variables().next().filter(|name| environment.get(name).is_none()) {
                findings.push(Finding::warning(
                    format!(
                        "port `{}` of `{}` is `{variable}`, whose default is the same in every work tree",
                        port.name, service.name
                    ),
                    format!("set {variable} in `{}`, or write a number in the spec", stack.dotenv()),
                ));
            }
        }
        if service.network_mode.as_ref().and_then(|mode| mode.literal()) == Some("host") {
            findings.push(Finding::warning(
                format!(
                    "`{}` uses the network of the host, so its ports are the same in every work tree",
                    service.name
                ),
                "publish its ports instead of `network_mode = \"host\"`",
            ));
        }
    }
    for network in &stack.networks {
        let pools = network.keys.at(&["ipam", "config"]);
        if matches!(pools, Some(Tree::List(pools)) if pools.iter().any(|pool| pool.get("subnet").is_some())) {
            findings.push(Finding::warning(
                format!("network `{}` has a fixed subnet, which only one running stack can have", network.name),
                "remove `subnet`, or stop the stacks of other work trees",
            ));
        }
    }
    for (what, entries) in [("network", &stack.networks), ("volume", &stack.volumes)] {
        for entry in entries.iter().filter(|entry| entry.keys.is_set("external")) {
            findings.push(Finding::warning(
                format!("{what} `{}` is external, so every work tree uses the same one", entry.name),
                format!("remove `external` if each should have a {what} of its own"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(path: &str) -> WorkTree {
        WorkTree::new(path.into(), "spec/stack.toml".into())
    }

    fn wanted(names: &[(&str, u16)]) -> Vec<(String, u16)> {
        names.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn ports_are_chosen_once_and_apart_from_others() {
        let (tree, none) = (tree("/src/one"), BTreeSet::new());
        let mut memory = Memory::new(&tree);
        let two = wanted(&[("web/http", 1), ("web/range", 3)]);
        let first = memory.choose(&tree, "dev", &two, (&none, |_| true, |_| true)).unwrap();
        let start = tree.start();
        assert_eq!(first.ports["web/http"], Ports { first: start, last: start });
        assert_eq!(first.ports["web/range"], Ports { first: start + 1, last: start + 3 });
        // Remembered, even if it is in use: by this stack.
        let mut read = Memory::read(&memory.text(), &tree).unwrap();
        assert_eq!(read.choose(&tree, "dev", &two, (&none, |_| true, |_| false)).unwrap(), first);
        // Unusable, or remembered by another one: the next that is free.
        let again = read.choose(&tree, "dev", &two, (&none, |port| port != start, |port| port > start + 4)).unwrap();
        assert_eq!(again.ports["web/http"].first, start + 5);
        assert_eq!(again.ports["web/range"], first.ports["web/range"]);
        let others: BTreeSet<u16> = memory.ports().collect();
        let mut other = Memory::new(&tree);
        let chosen = other.choose(&tree, "dev", &two, (&others, |_| true, |_| true)).unwrap();
        assert!(chosen.ports.values().all(|ports| !others.contains(&ports.first)), "{chosen:?}");
    }

    #[test]
    fn what_is_remembered_is_checked() {
        let tree = tree("/src/one");
        let text = |port: &str| {
            format!(r#"{{"root":"/src/one","spec":"spec/stack.toml","profiles":{{"dev":{{"web/http":"{port}"}}}}}}"#)
        };
        assert!(Memory::read(&text("20001"), &tree).unwrap().has("dev"));
        for (text, reason) in [
            (text("80"), "`80` is not a port from 1024 on"),
            (text("1e9"), "`1e9` is not a port from 1024 on"),
            (text("20001").replace("one", "two"), "it is about `/src/two`"),
            (text("20001").replace("\"spec\"", "\"run\""), "unknown field `run`"),
            (String::new(), "EOF"),
        ] {
            let error = Memory::read(&text, &tree).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn too_few_ports_are_an_error() {
        let (tree, none) = (tree("/src/one"), BTreeSet::new());
        let chosen = Memory::new(&tree).choose(&tree, "dev", &wanted(&[("a/b", 1)]), (&none, |_| true, |_| false));
        assert!(chosen.unwrap_err().what.contains("no host port from 20000 to 29999 is left"));
    }
}
