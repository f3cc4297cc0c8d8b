//! `gen eject`.

use camino::Utf8Path;
use stackgen::diagnostic::suggestion;
use stackgen::edit::eject::{self, Ejection};
use stackgen::links;
use stackgen::output::Cause;
use stackgen::view::patched;

use super::explain::below;
use super::{Outcome, Ran, check, location, new, project, stop_with};
use crate::cli::{Eject, Format};

pub fn run(arguments: &Eject) -> Ran {
    let project = project(None, Format::Text)?;
    let wanted = arguments.file.strip_prefix("./").unwrap_or(&arguments.file);
    let wanted_path = below(&project.root, &arguments.file);
    let mut names: Vec<String> = Vec::new();
    let mut found: Vec<(&str, String, String)> = Vec::new();
    for plan in &project.plans {
        for (path, name) in patched::names(plan.stack()) {
            if wanted_path == path || name == wanted {
                found.push((plan.profile(), name, path));
            } else {
                names.push(name);
            }
        }
    }
    let Some((profile, name, path)) = found.first() else {
        let help = suggestion(wanted, names.iter().map(String::as_str), || {
            "`gen list artifacts` lists the outputs".to_owned()
        });
        return Err(stop_with(Outcome::Invalid, format!("unknown output `{wanted}`"), location().commands(&help)));
    };
    // It has to have a text to begin with.
    if let Some((_, _, path)) = found.iter().find(|(.., path)| !links::is_file(&project.root, Utf8Path::new(path))) {
        let is_own = project.plans.iter().any(|plan| plan.ejected().iter().any(|own| own == path));
        let help = if is_own {
            check::remedy(&Cause::EjectedMissing, Utf8Path::new(path), location())
        } else {
            "run `gen render` first".to_owned()
        };
        let help = location().commands(&help);
        return Err(stop_with(Outcome::Invalid, format!("`{path}` does not exist; nothing was written"), help));
    }
    // A name is that of all profiles, a path that of one.
    let is_of_one = wanted_path == *path && project.plans.len() > 1;
    let ejection = Ejection { profile: is_of_one.then_some(*profile), name, reason: &arguments.reason };
    let draft = eject::eject(&project.sources, &ejection).map_err(new::refused)?;
    new::write(&project.root, &project.sources, &draft)
}
