//! Whether what an import writes resolves.

use camino::{Utf8Path, Utf8PathBuf};

use crate::diagnostic::Diagnostic;
use crate::edit::draft::{Draft, key};
use crate::spec::Location;
use crate::spec::source::Sources;

/// Codes that only a stack can decide about.
const OF_THE_STACK: [&str; 3] = ["unknown-datasource", "missing-datasource", "unknown-panel-type"];

/// What is wrong with a dashboard's text, and the spec with the dashboard in it. Its file is `path`, below the project's
/// root, or any new one. Without a spec, only what no stack decides about is checked.
pub fn check(spec: Option<&Sources>, folder: &str, path: Option<&Utf8Path>, text: &str) -> (Sources, Vec<Diagnostic>) {
    let alone;
    let before = if let Some(spec) = spec {
        spec
    } else {
        let mut sources = Sources::default();
        sources.push(Location::default().main(), stack(folder));
        sources.settle();
        alone = sources;
        &alone
    };
    let mut draft = Draft::new(before);
    draft.put_file(path.map_or_else(|| free(before), ToOwned::to_owned), text.to_owned());
    let (sources, mut mistakes) = draft.mistakes(before);
    // Somewhere else the file may take the place of the dashboard that has its UID and its title.
    mistakes.retain(|mistake| path.is_some() || !["uid-clash", "title-clash"].contains(&mistake.code));
    mistakes.retain(|mistake| spec.is_some() || !OF_THE_STACK.contains(&mistake.code));
    (sources, mistakes)
}

/// A path that no dashboard has.
fn free(sources: &Sources) -> Utf8PathBuf {
    let folder = sources.location().dashboards();
    let names = (1..).map(|number| Utf8PathBuf::from(format!("{folder}/imported-{number}.toml")));
    let is_free = |path: &Utf8PathBuf| !sources.files().iter().any(|file| file.path == *path);
    names.into_iter().find(is_free).unwrap_or_default()
}

/// A stack that has nothing but Grafana.
fn stack(folder: &str) -> String {
    let folder = key(folder);
    format!(
        "[stack]\nname = \"stack\"\n[profiles.dev]\n[services.grafana]\nkind = \"grafana\"\nimage = \"grafana/grafana:13.2.1\"\n\
         settings = {{ admin_password = \"${{PASSWORD}}\", folders = {{ {folder} = \"Folder\" }} }}\n\
         [env.PASSWORD]\ndescription = \"Password\"\nsecret = true\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_has_no_problem() {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", stack("general"));
        sources.settle();
        assert_eq!(crate::plan(&sources, None).err(), None);
        let (_, mistakes) = check(None, "general", None, "folder = \"general\"\ntitle = \"T\"\nx = 1\n");
        assert_eq!(mistakes.iter().map(|one| one.code).collect::<Vec<_>>(), ["unknown-key"]);
    }
}
