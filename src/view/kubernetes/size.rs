//! How large the `ConfigMap`s are: the API server refuses one above a limit.

use std::collections::HashMap;

use super::{Scope, kustomization};
use crate::model::Stack;

/// The most that the values of a `ConfigMap` have together, in bytes (`MaxSecretSize` of k8s.io/kubernetes/pkg/apis/core, which
/// its validation applies to both).
pub const LARGEST: usize = 1 << 20;

/// The sizes of the `ConfigMap`s of files, as these are rendered.
#[derive(Default)]
pub struct Sizes {
    /// Each with its name and its size so far.
    maps: Vec<(String, usize)>,
    /// Those that have a file, or the files of a folder, by path.
    places: HashMap<String, Vec<usize>>,
}

impl Sizes {
    /// Those of a stack; none unless it runs in Kubernetes.
    pub fn of(stack: &Stack) -> Self {
        let mut sizes = Self::default();
        let Some(kubernetes) = &stack.kubernetes else { return sizes };
        let scope = Scope::new(stack, kubernetes);
        let files = stack.files();
        for map in stack.every_service().flat_map(|service| kustomization::config_maps(&scope, service)) {
            for path in map.paths() {
                sizes.places.entry(format!("{files}/{path}")).or_default().push(sizes.maps.len());
            }
            sizes.maps.push((map.name, 0));
        }
        sizes
    }

    /// Adds a file; the name and the size of a `ConfigMap` that is too large with it.
    pub fn add(&mut self, path: &str, size: usize) -> Option<(&str, usize)> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut over = None;
        for &place in [path, folder].into_iter().filter_map(|path| self.places.get(path)).flatten() {
            let (_, sum) = self.maps.get_mut(place)?;
            *sum += size;
            over = over.or((*sum > LARGEST).then_some(place));
        }
        let (name, sum) = self.maps.get(over?)?;
        Some((name, *sum))
    }
}
