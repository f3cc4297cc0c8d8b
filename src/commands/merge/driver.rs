//! The merge driver: what Git runs for a file that both sides have changed.

use std::fs;

use camino::Utf8Path;
use stackgen::editor;
use stackgen::output;
use stackgen::spec::Location;

use super::{git, remember, sides};
use crate::cli::MergeDriver;
use crate::commands::{Outcome, Ran, current_folder, stop};

/// Writes the merged file in place of ours. A conflict is [`Outcome::Findings`]; after any other outcome Git merges the texts.
pub fn run(MergeDriver { base, ours, theirs, size, path }: &MergeDriver) -> Ran {
    let read = |file: &Utf8Path| {
        fs::read(file).map_err(|error| stop(Outcome::Failed, format!("cannot read `{file}`: {error}")))
    };
    let texts = [read(base)?, read(ours)?, read(theirs)?];
    let folder = current_folder()?;
    let git = git(&folder)?;
    let merged = if is_manifest(path) { output::merged_manifest(&texts[0], &texts[1], &texts[2]) } else { None };
    if let Some(text) = merged {
        fs::write(ours, text).map_err(|error| stop(Outcome::Failed, format!("cannot write `{ours}`: {error}")))?;
    } else if !sides::is_output(&git, path, &texts[1]) || !sides::was_rendered(&git, path, &texts[2]) {
        // Somebody's text: as without a driver.
        let size = format!("--marker-size={size}");
        let arguments = [
            "merge-file",
            &size,
            "-L",
            "ours",
            "-L",
            "base",
            "-L",
            "theirs",
            ours.as_str(),
            base.as_str(),
            theirs.as_str(),
        ];
        let ended = git.run("", &arguments).map_err(|failure| stop(failure.outcome, failure.message))?;
        return Ok(if ended.status.success() { Outcome::Clean } else { Outcome::Findings });
    }
    remember(&git);
    Ok(Outcome::Clean)
}

/// Whether a file is a list of outputs.
fn is_manifest(path: &str) -> bool {
    let name = Utf8Path::new(path).file_name();
    let beside_spec = editor::scope(&Location::default()).manifest;
    name == Some(stackgen::MANIFEST) || name == beside_spec.file_name()
}
