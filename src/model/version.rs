//! The version of Compose that a stack needs.

use std::fmt;

use super::Stack;
use super::text::Tree;

/// Major and minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The first version with names of ports and `--profile "*"`.
const LEAST: Version = Version(2, 24);

/// The first version that knows a key of a service: its compose-go is the first whose schema has it.
const SINCE: &[(&[&str], Version)] = &[
    (&["build", "entitlements"], Version(2, 27)),
    (&["build", "no_cache_filter"], Version(5, 0)),
    (&["develop", "watch", "initial_sync"], Version(2, 40)),
    (&["gpus"], Version(2, 30)),
    (&["label_file"], Version(2, 32)),
    (&["models"], Version(2, 38)),
    (&["networks", "gw_priority"], Version(2, 33)),
    (&["networks", "interface_name"], Version(2, 36)),
    (&["post_start"], Version(2, 30)),
    (&["pre_start"], Version(5, 3)),
    (&["pre_stop"], Version(2, 30)),
    (&["provider"], Version(2, 35)),
    (&["use_api_socket"], Version(2, 38)),
];

impl Stack {
    /// The oldest version of Compose that reads the stack.
    pub fn compose_version(&self) -> Version {
        let mut needed = LEAST;
        for service in &self.services {
            let members = service.networks.iter().flat_map(|member| &member.keys.0);
            let members = members.map(|(key, tree)| (["networks", key.as_str()], tree));
            for (path, tree) in members {
                needed = needed.max(newest(&path, tree));
            }
            for (key, tree) in &service.keys.0 {
                needed = needed.max(newest(&[key.as_str()], tree));
            }
        }
        needed
    }
}

/// The version that knows all keys of a value at a path.
fn newest(path: &[&str], tree: &Tree) -> Version {
    let rest = SINCE.iter().filter_map(|(known, version)| Some((known.strip_prefix(path)?, *version)));
    rest.filter(|(rest, _)| has(tree, rest)).map(|(_, version)| version).max().unwrap_or(LEAST)
}

/// Whether a value, or an item of a list, has a key below others.
fn has(tree: &Tree, path: &[&str]) -> bool {
    match (path, tree) {
        ([], _) => true,
        (path, Tree::List(items)) => items.iter().any(|item| has(item, path)),
        ([key, rest @ ..], tree) => tree.get(key).is_some_and(|tree| has(tree, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_key_decides() {
        let table = |key: &str| Tree::Table(vec![(key.to_owned(), true.into())]);
        assert_eq!(newest(&["build"], &table("context")), LEAST);
        assert_eq!(newest(&["build"], &table("no_cache_filter")), Version(5, 0));
        assert_eq!(newest(&["networks", "gw_priority"], &true.into()), Version(2, 33));
        let watch = Tree::Table(vec![("watch".to_owned(), Tree::List(vec![table("action"), table("initial_sync")]))]);
        assert_eq!(newest(&["develop"], &watch), Version(2, 40));
        assert!(Version(2, 40) < Version(5, 3));
    }
}
