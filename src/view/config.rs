//! The digest of the generated files that a service mounts, which is a label in the Compose file.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::{Artifact, COMPOSE, artifacts};
use crate::model::Stack;
use crate::model::service::{Mount, Service};
use crate::model::text::Text;
use crate::spec::service::MountType;

/// The digest of each service that mounts generated files: the first 16 hexadecimal digits of the SHA-256 of the path
/// in the container and the contents of each, in the order of its mounts.
///
/// Folders do not count: a program that mounts a folder rereads it, as Grafana does with its dashboards.
///
/// A mounted file is rendered here and again for its own output: these are a few small files, half a percent of the
/// time of a render, and no file has to be kept in memory.
///
/// # Errors
/// Only if a template is wrong, never because of the spec.
pub fn config_digests(stack: &Stack) -> askama::Result<BTreeMap<String, String>> {
    let artifacts = artifacts(stack);
    let folder = format!("{}/", stack.files());
    let mut files: HashMap<&str, File<'_, '_>> = artifacts
        .iter()
        .filter_map(|artifact| Some((artifact.path.as_str().strip_prefix(&folder)?, artifact)))
        // It can't contain its own digest, and what a file of the user's has is not known.
        .filter(|(name, artifact)| *name != COMPOSE && artifact.ejected().is_none())
        .map(|(name, artifact)| (name, File { artifact, text: None }))
        .collect();
    let mut digests = BTreeMap::new();
    for service in &stack.services {
        if let Some(digest) = digest_of(stack, service, &mut files)? {
            digests.insert(service.name.clone(), digest);
        }
    }
    Ok(digests)
}

/// A file that services can mount, with its text once a service does.
struct File<'f, 's> {
    artifact: &'f Artifact<'s>,
    text: Option<String>,
}

fn digest_of(
    stack: &Stack,
    service: &Service,
    files: &mut HashMap<&str, File<'_, '_>>,
) -> askama::Result<Option<String>> {
    let mut hash: Option<Sha256> = None;
    let mounts = service.mounts.iter().filter_map(|mount| Some((generated(mount)?, mount.target.shown())));
    let configs = service.configs.iter().filter_map(|grant| {
        let config = stack.configs.iter().find(|config| config.name == grant.source)?;
        let target = grant.keys.text("target").map_or_else(|| format!("/{}", grant.source), Text::shown);
        Some((config.keys.text("file")?.literal()?.strip_prefix("./")?, target))
    });
    for (name, target) in mounts.chain(configs) {
        let Some(file) = files.get_mut(name) else { continue };
        let text = match &file.text {
            Some(text) => text,
            None => file.text.insert(file.artifact.render()?),
        };
        let hash = hash.get_or_insert_default();
        // Neither contains a NUL, so different lists of files never hash the same.
        for part in [&target, text] {
            hash.update(part);
            hash.update([0]);
        }
    }
    Ok(hash.map(|hash| {
        let first = hash.finalize().iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        format!("{first:016x}")
    }))
}

/// The path of a mount, relative to the Compose file.
fn generated(mount: &Mount) -> Option<&str> {
    if mount.kind != MountType::Bind {
        return None;
    }
    mount.source.as_ref()?.literal()?.strip_prefix("./")
}
