//! A new kind of the project.

use camino::Utf8PathBuf;

use super::draft::Refusal;
use crate::resolve::{has_logic, name_problem};
use crate::spec::decode::shown;
use crate::spec::kind::{DECLARATION, Kind};
use crate::spec::source::Sources;

/// The beginning of a kind: a service with a port, a setting and a configuration file.
const START: [(&str, &str); 2] = [
    (DECLARATION, include_str!("../../templates/new/kind.toml")),
    ("config.yaml", include_str!("../../templates/new/config.yaml")),
];

/// The files of a new kind: a copy of the built-in kind of that name, which it then replaces, or a beginning.
///
/// # Errors
/// The name is taken or wrong, or the built-in kind can't be replaced.
pub fn new(sources: &Sources, name: &str) -> Result<Vec<(Utf8PathBuf, String)>, Refusal> {
    if let Some(problem) = name_problem(name) {
        return Err(Refusal::new(format!("invalid kind name `{}`", shown(name)), problem));
    }
    let folder = sources.location().kinds().join(name);
    if sources.kinds().own().any(|(known, _)| known == name) {
        return Err(Refusal::new(format!("duplicate kind `{name}`"), format!("edit `{folder}/{DECLARATION}`")));
    }
    if has_logic(name) {
        let help = "use another name: `gen` generates what it needs of other services";
        return Err(Refusal::new(format!("the built-in kind `{name}` cannot be replaced"), help));
    }
    let file = |(file, text): (&str, &str)| {
        let schema = if file == DECLARATION { "#:schema ../../kind.schema.json\n" } else { "" };
        (folder.join(file), format!("{schema}{}", text.replace("NAME", name)))
    };
    Ok(match Kind::files_of_built_in(name) {
        Some(files) => files.map(file).collect(),
        None => START.into_iter().map(file).collect(),
    })
}
