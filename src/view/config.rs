//! Which generated files a service mounts, as one digest: it stands in the Compose file as a label.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::{Artifact, COMPOSE, artifacts};
use crate::model::Stack;
use crate::model::service::{Mount, Service};
use crate::spec::service::MountType;

/// The digest of each service that mounts generated files: the first 16 hexadecimal digits of the SHA-256 of the path
/// in the container and the contents of each, in the order of its mounts.
///
/// A folder does not count: what is mounted as one is read again by whom it is for, as Grafana reads its dashboards.
///
/// A mounted file is rendered here and, for its own output, once more: they are a few small ones, half a
/// percent of what rendering takes, and no file has to be kept for it.
///
/// # Errors
/// Never because of what the spec says: only a template that is wrong can fail.
pub fn config_digests(stack: &Stack) -> askama::Result<BTreeMap<String, String>> {
    let artifacts = artifacts(stack);
    let folder = format!("generated/{}/", stack.profile);
    let mut files: HashMap<&str, File<'_, '_>> = artifacts
        .iter()
        .filter_map(|artifact| Some((artifact.path.as_str().strip_prefix(&folder)?, artifact)))
        // It can't hold a digest of itself.
        .filter(|(name, _)| *name != COMPOSE)
        .map(|(name, artifact)| (name, File { artifact, text: None }))
        .collect();
    let mut digests = BTreeMap::new();
    for service in &stack.services {
        if let Some(digest) = digest_of(service, &mut files)? {
            digests.insert(service.name.clone(), digest);
        }
    }
    Ok(digests)
}

/// A file that services may mount, with its text once one does.
struct File<'f, 's> {
    artifact: &'f Artifact<'s>,
    text: Option<String>,
}

fn digest_of(service: &Service, files: &mut HashMap<&str, File<'_, '_>>) -> askama::Result<Option<String>> {
    let mut hash: Option<Sha256> = None;
    for mount in &service.mounts {
        let Some(file) = generated(mount).and_then(|name| files.get_mut(name)) else { continue };
        let text = match &file.text {
            Some(text) => text,
            None => file.text.insert(file.artifact.render()?),
        };
        let hash = hash.get_or_insert_default();
        // Neither holds a NUL, so that no two lists of files are hashed alike.
        for part in [&mount.target.shown(), text] {
            hash.update(part);
            hash.update([0]);
        }
    }
    Ok(hash.map(|hash| {
        let first = hash.finalize().iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        format!("{first:016x}")
    }))
}

/// The path of a mount beside the Compose file.
fn generated(mount: &Mount) -> Option<&str> {
    if mount.kind != MountType::Bind {
        return None;
    }
    mount.source.as_ref()?.literal()?.strip_prefix("./")
}
