//! An output becomes the user's own.

use toml_writer::{ToTomlValue as _, TomlStringBuilder};

use super::draft::{Draft, Refusal, key};
use crate::spec::source::Sources;

/// What `gen eject` writes into the spec.
#[derive(Debug, Clone, Copy)]
pub struct Ejection<'e> {
    /// The profile; `None` for all.
    pub profile: Option<&'e str>,
    /// The output.
    pub name: &'e str,
    /// Why.
    pub reason: &'e str,
}

/// Adds an entry to `[ejected]`.
///
/// # Errors
/// It is there.
pub fn eject(sources: &Sources, ejection: &Ejection<'_>) -> Result<Draft, Refusal> {
    let Ejection { profile, name, reason } = *ejection;
    let mut draft = Draft::new(sources);
    let whole = ["ejected", name];
    let of_profile = profile.map(|profile| ["profiles", profile, "ejected", name]);
    let path: &[&str] = of_profile.as_ref().map_or(&whole, |path| path);
    let is_there = match &of_profile {
        Some(path) => draft.has_written(path),
        // What a profile says is not said of the others.
        None => draft.look(|base, _| base.at(&whole).is_some()),
    };
    if is_there {
        let message = format!("`{name}` is ejected already");
        return Err(Refusal::new(message, "edit the file itself, or remove its entry from `[ejected]`"));
    }
    let value = TomlStringBuilder::new(reason).as_default().to_toml_value();
    if let Err(refusal) = draft.set(path, &value) {
        if profile.is_some() {
            return Err(refusal);
        }
        draft.add_table("ejected", &format!("[ejected]\n{} = {value}\n", key(name)));
    }
    Ok(draft)
}
