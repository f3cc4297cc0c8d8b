//! The dashboards of the folder, and the folders of Grafana that they are in.

use std::collections::{HashMap, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::mounts::{Mounts, Place};
use super::provisioning::{Provider, Refused};
use super::{Files, Note};
use crate::folder::Kind as Entry;
use crate::import::compose::Kind;
use crate::import::names::Names;
use crate::import::{self, Context, Datasource, Folder};
use crate::resolve::name_problem;
use crate::review::counted;
use crate::spec::decode::shown;

/// The most dashboards of all providers: a spec may have a few more files.
const MOST: usize = 900;

/// The most files and folders in which they are.
const MOST_ENTRIES: usize = 20_000;

/// How deep the folders of dashboards may be.
const DEEPEST: usize = 16;

/// The title of the folder for dashboards that are in none: the spec has no dashboard without one.
const WITHOUT: &str = "Dashboards";

/// The longest name: the names of a spec have limits.
const LONGEST: usize = 40;

/// A dashboard that was imported.
pub(super) struct Dashboard {
    /// Its file in the spec.
    pub path: Utf8PathBuf,
    /// The text of that.
    pub text: String,
    /// Its JSON in the folder.
    pub file: Utf8PathBuf,
    /// Its JSON in the container.
    pub mounted: Utf8PathBuf,
    /// The name of its folder in the spec.
    pub folder: String,
    /// How many notes there are on what changed in it.
    notes: usize,
}

impl Dashboard {
    /// Its JSON in the container, once the kind mounts it.
    pub fn target(&self) -> String {
        format!("/etc/grafana/dashboards/{}/{}.json", self.folder, self.path.file_stem().unwrap_or_default())
    }
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub dashboards: Vec<Dashboard>,
    pub folders: Vec<Folder>,
    notes: Vec<Note>,
    names: Names,
    folder_names: Names,
    by_title: HashMap<String, String>,
    /// The folders that have another UID now, by title and UID.
    renamed: HashSet<(String, String)>,
}

impl Found {
    /// Reads the dashboards of all providers.
    pub fn read(
        providers: &[Provider],
        (mounts, files): (&Mounts<'_>, &Files<'_>),
        datasources: Vec<Datasource>,
    ) -> Refused<Self> {
        let mut found = Self::default();
        let (mut seen, mut entries) = (HashSet::new(), 0);
        let mut all = Vec::new();
        for provider in providers {
            let mut paths = Vec::new();
            walk(&provider.path, mounts, (0, &mut entries), &mut paths)?;
            if paths.is_empty() {
                let message = format!("no dashboards in `{}` of the container", provider.path);
                found.notes.push(Note { kind: Kind::Dropped, place: None, message });
            }
            all.extend(paths.into_iter().filter(|path| seen.insert(path.clone())).map(|path| (path, provider)));
        }
        if all.len() > MOST {
            return Err(format!("it has {} dashboards, and the limit is {MOST}", all.len()));
        }
        let mut context = Context { datasources: Ok(datasources), ..Context::default() };
        for (path, provider) in all {
            found.add(&path, provider, (mounts, files), &mut context)?;
        }
        Ok(found)
    }

    fn add(
        &mut self,
        mounted: &Utf8Path,
        provider: &Provider,
        (mounts, files): (&Mounts<'_>, &Files<'_>),
        context: &mut Context,
    ) -> Refused<()> {
        let Place::Here(file) = mounts.place(mounted) else {
            return Err(format!("`{mounted}` in the container is not mounted from this folder"));
        };
        let above = mounted.parent().filter(|above| provider.by_structure && **above != provider.path);
        let title =
            above.and_then(Utf8Path::file_name).or(provider.folder.as_deref().filter(|_| !provider.by_structure));
        let read = (files.read)(&file).map_err(|error| error.to_string());
        // The folder is only made once something is in it.
        let imported = read.and_then(|text| {
            let folder = self.folder(title, provider);
            context.folder = Some(folder.clone());
            let imported = import::import(&text, context).map_err(|error| error.to_string())?;
            Ok((folder, imported))
        });
        match imported {
            Ok((folder, imported)) => {
                let stem = slug(file.file_stem().unwrap_or_default(), "dashboard");
                let path = Utf8PathBuf::from(format!("spec/dashboards/{}.toml", self.names.unique_with(&stem, "-")));
                let text = import::toml::text(&imported.description);
                let notes = imported.notes.len();
                self.dashboards.push(Dashboard { path, text, file, mounted: mounted.to_owned(), folder, notes });
            }
            Err(why) => self.lose(&file, &why),
        }
        Ok(())
    }

    fn lose(&mut self, file: &Utf8Path, why: &str) {
        self.notes.push(Note { kind: Kind::Lost, place: None, message: format!("dashboard `{file}`: {why}") });
    }

    /// What to say, once it is known which dashboards the spec has.
    pub fn into_notes(self) -> Vec<Note> {
        let changed = self.dashboards.iter().filter(|dashboard| dashboard.notes > 0).map(|dashboard| {
            let Dashboard { file, path, notes, .. } = dashboard;
            let notes = counted(*notes, "note");
            let message = format!("`{file}` is now `{path}`; run `gen import dashboard {file}` to see {notes}");
            Note { kind: Kind::Converted, place: None, message }
        });
        changed.chain(self.notes).collect()
    }

    /// Takes away what the spec can't have.
    pub fn refuse(&mut self, problems: &[(Utf8PathBuf, Note)]) {
        let mut first: HashMap<&Utf8Path, &Note> = HashMap::new();
        for (path, note) in problems {
            first.entry(path).or_insert(note);
        }
        let dashboards = std::mem::take(&mut self.dashboards);
        for dashboard in dashboards {
            match first.get(dashboard.path.as_path()) {
                Some(note) => self.lose(&dashboard.file, &note.message),
                None => self.dashboards.push(dashboard),
            }
        }
    }

    /// The name of a folder by its title.
    fn folder(&mut self, title: Option<&str>, provider: &Provider) -> String {
        let uid = provider.uid.as_deref().filter(|_| title.is_some());
        let title = title.unwrap_or(WITHOUT);
        let name = if let Some(known) = self.by_title.get(title) {
            known.clone()
        } else {
            // Grafana's UID of a folder is its name in the spec.
            let wish = uid.filter(|uid| name_problem(uid).is_none());
            let wish = wish.map_or_else(|| slug(title, "folder"), ToOwned::to_owned);
            let name = self.folder_names.unique_with(&wish, "-");
            if title == WITHOUT {
                let message = format!("folder `{WITHOUT}`: for dashboards without a folder");
                self.notes.push(Note { kind: Kind::Assumed, place: None, message });
            }
            self.folders.push(Folder { name: name.clone(), title: title.to_owned() });
            self.by_title.insert(title.to_owned(), name.clone());
            name
        };
        if let Some(uid) = uid.filter(|uid| *uid != name)
            && self.renamed.insert((title.to_owned(), uid.to_owned()))
        {
            let problem = name_problem(uid).map_or("is taken", |_| "is not a valid name in a spec");
            let message = format!("folder `{}` has the UID `{name}`: `{}` {problem}", shown(title), shown(uid));
            self.notes.push(Note { kind: Kind::Assumed, place: provider.place.clone(), message });
        }
        name
    }
}

/// The dashboards in a folder of the container and below it.
fn walk(
    folder: &Utf8Path,
    mounts: &Mounts<'_>,
    (depth, entries): (usize, &mut usize),
    found: &mut Vec<Utf8PathBuf>,
) -> Refused<()> {
    if depth > DEEPEST {
        return Err(format!("`{folder}` in the container is nested too deeply"));
    }
    for (name, kind) in mounts.entries(folder)? {
        *entries += 1;
        if *entries > MOST_ENTRIES {
            return Err(format!("the folders of its dashboards have too many files, and the limit is {MOST_ENTRIES}"));
        }
        let path = folder.join(&name);
        match kind {
            Entry::Folder => walk(&path, mounts, (depth + 1, &mut *entries), found)?,
            Entry::File if path.extension() == Some("json") => found.push(path),
            Entry::File => {}
            Entry::Other => return Err(format!("`{path}` in the container is neither a file nor a folder")),
        }
    }
    Ok(())
}

/// A text as a name of the spec.
fn slug(text: &str, otherwise: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase).take(LONGEST) {
        if c.is_ascii_alphanumeric() || c == '_' {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches(['-', '_']);
    if name.is_empty() { otherwise.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name() {
        for (title, name) in
            [("Node Exporter (Full)", "node-exporter-full"), ("API", "api"), ("é_", "folder"), ("", "folder")]
        {
            assert_eq!(slug(title, "folder"), name);
            assert_eq!(name_problem(name), None);
        }
    }
}
