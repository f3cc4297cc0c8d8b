//! Names of an isolated stack that nothing in a spec refers to: of containers, and of volumes and networks that have one in
//! the engine.

use crate::model::text::{Text, Tree};
use crate::model::{Keys, Named, Stack};

/// The network mode that joins a container's network.
const CONTAINER: &str = "container:";

/// Gives them an end of their own.
pub(super) fn rename(stack: &mut Stack, suffix: &str) {
    let end = Text::from(format!("-{suffix}"));
    let ended = |name: &Text| Text::concat([name.clone(), end.clone()]);
    for Named { keys, .. } in stack.volumes.iter_mut().chain(&mut stack.networks) {
        if !keys.is_set("external")
            && let Some(Tree::Text(name)) = keys.get_mut("name")
        {
            *name = ended(name);
        }
    }
    let containers: Vec<Text> = stack.every_service().filter_map(|service| service.container_name.clone()).collect();
    let is_own = |name: &str| containers.iter().any(|own| own.literal() == Some(name));
    let joined = |mode: &Text| mode.literal().and_then(|mode| mode.strip_prefix(CONTAINER)).is_some_and(is_own);
    for service in stack.services.iter_mut().chain(&mut stack.schema_services) {
        if let Some(name) = &mut service.container_name {
            *name = ended(name);
        }
        if let Some(mode) = service.network_mode.as_mut().filter(|mode| joined(mode)) {
            *mode = ended(mode);
        }
        for key in ["pid", "ipc"] {
            join(&mut service.keys, key, joined, ended);
        }
    }
}

/// A key that names a container, if it is one of the stack.
fn join(keys: &mut Keys, key: &str, is_own: impl Fn(&Text) -> bool, ended: impl Fn(&Text) -> Text) {
    if let Some(Tree::Text(text)) = keys.get_mut(key).filter(|tree| tree.text().is_some_and(is_own)) {
        *text = ended(text);
    }
}
