//! `gen import`.

use std::fmt::{Display, Write as _};
use std::fs;
use std::io::{self, Read as _};

use camino::Utf8Path;
use stackgen::diagnostic::Diagnostics;
use stackgen::import::{self, Context, Datasource, Folder, Kind, Note};
use stackgen::output;
use stackgen::spec::decode::{Map, Spanned};
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ReadError};

use super::report::{self, BOLD, RESET};
use super::{Outcome, Ran, current_folder, fail, find_root, location, print, print_error, stop, stop_with};
use crate::cli::{Import, ImportCommand, ImportCompose, ImportDashboard};

pub fn run(arguments: &Import) -> Outcome {
    match &arguments.command {
        ImportCommand::Dashboard(arguments) => dashboard(arguments),
        ImportCommand::Compose(arguments) => compose(arguments).unwrap_or_else(|outcome| outcome),
    }
}

fn compose(arguments: &ImportCompose) -> Ran {
    let current = current_folder()?;
    let mut files = arguments.files.clone();
    if files.is_empty() {
        files = import::compose::default_files(|path| current.join(path).is_file());
    }
    if files.is_empty() {
        let names: Vec<&str> = import::compose::DEFAULT_FILES.iter().map(|(name, _)| *name).collect();
        let title = format!("no Compose file in this directory: none of {}", names.join(", "));
        return Err(stop_with(Outcome::Invalid, title, "name it: `gen import compose FILE`"));
    }
    let read_text = |path: &Utf8Path| {
        let bytes = read(path)?;
        String::from_utf8(bytes).map_err(|_| io::Error::other("not UTF-8"))
    };
    let name = current.file_name().unwrap_or_default();
    let imported = import::compose::import(&files, name, &read_text).map_err(|error| match error {
        import::compose::Error::Io(path, error) => stop(Outcome::Failed, format!("cannot read `{path}`: {error}")),
        import::compose::Error::Invalid(found) => {
            print_error(&report::excerpts(&found.0, &found.1));
            Outcome::Invalid
        }
    })?;
    match &arguments.output {
        None => print(io::stdout(), &imported.text),
        Some(path) => write_new(path, &imported.text).map_err(|error| stop(Outcome::Failed, error))?,
    }
    let mut said = String::new();
    for note in &imported.notes {
        let _ = writeln!(said, "{note}");
    }
    let what = if imported.is_whole() { "project imported" } else { "not all of the project was imported" };
    let _ = writeln!(said, "{BOLD}{what}{RESET}");
    print_error(&said);
    Ok(if imported.is_whole() { Outcome::Clean } else { Outcome::Findings })
}

fn dashboard(arguments: &ImportDashboard) -> Outcome {
    let file = &arguments.file;
    let text = match read(file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                fail(&format!("{file}: byte {} is not UTF-8", error.utf8_error().valid_up_to()));
                return Outcome::Invalid;
            }
        },
        Err(error) => {
            fail(&format!("cannot read `{file}`: {error}"));
            return Outcome::Failed;
        }
    };
    let context = match context() {
        Ok(context) => Context { folder: arguments.folder.clone(), ..context },
        Err(outcome) => return outcome,
    };
    let imported = match import::import(&text, &context) {
        Ok(imported) => imported,
        Err(error @ import::Error::Json { .. }) => {
            fail(&format!("{file}:{error}"));
            return Outcome::Invalid;
        }
        Err(error) => {
            fail(&format!("{file}: {error}"));
            return Outcome::Invalid;
        }
    };
    let written = import::toml::text(&imported.description);
    match &arguments.output {
        None => print(io::stdout(), &written),
        Some(path) => {
            if let Err(error) = write_new(path, &written) {
                return stop(Outcome::Failed, error);
            }
        }
    }
    print_error(&summary(&imported.notes));
    Outcome::Clean
}

/// The limit of an imported file, in bytes.
const LARGEST: u64 = 64 << 20;

fn read(file: &Utf8Path) -> io::Result<Vec<u8>> {
    if file == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    // A device has no end, and opening a pipe would block.
    let metadata = fs::metadata(file)?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    fs::read(file)
}

/// Writes a file that doesn't exist yet.
fn write_new(path: &Utf8Path, text: &str) -> Result<(), String> {
    let cannot = |error: &dyn Display| format!("cannot write `{path}`: {error}");
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(cannot(&"not a path of a file"));
    };
    let folder = if folder.as_str().is_empty() { Utf8Path::new(".") } else { folder };
    if let Err(error) = fs::metadata(folder) {
        return Err(cannot(&error));
    }
    output::create(folder, [(Utf8Path::new(name), text)]).map_err(|error| match error {
        output::Error::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            cannot(&format!("{source}; remove it or choose another name"))
        }
        output::Error::Io { operation: "write", source, .. } => cannot(&source),
        other => other.to_string(),
    })
}

fn summary(notes: &[Note]) -> String {
    let mut out = String::new();
    for note in notes {
        let _ = writeln!(out, "{note}");
    }
    let counts = Kind::ALL.into_iter().filter_map(|kind| {
        let count = notes.iter().filter(|note| note.kind == kind).count();
        (count > 0).then(|| format!("{count} {kind}"))
    });
    let counts: Vec<String> = counts.collect();
    let counts = if counts.is_empty() { "nothing to note".to_owned() } else { counts.join(", ") };
    let _ = writeln!(out, "{BOLD}dashboard imported{RESET}: {counts}");
    out
}

/// What the stack of the current folder has; a dashboard can be imported without one.
fn context() -> Ran<Context> {
    let without = |why: &str| Context { datasources: Err(why.to_owned()), ..Context::default() };
    let Some(root) = find_root(&current_folder()?)? else {
        return Ok(without("no spec in this folder or above it"));
    };
    let broken = location().commands("the spec has problems, which `gen check` shows");
    let sources = match spec::read(&root, location()) {
        Ok(sources) => sources,
        Err((_, ReadError::Io(path, error))) => {
            return Err(stop(Outcome::Failed, format!("cannot read `{path}`: {error}")));
        }
        Err((_, ReadError::Refused(_))) => return Ok(without(&broken)),
    };
    Ok(stack(&sources).unwrap_or_else(|| without(&broken)))
}

/// What a stack has, unless its spec has problems.
fn stack(sources: &Sources) -> Option<Context> {
    // Problems elsewhere don't matter here, e.g. a folder that has no dashboard yet.
    let mut diagnostics = Diagnostics::default();
    let mut found = None;
    // Profiles may differ, but dashboards are written for all of them.
    spec::parse(sources, &mut diagnostics).for_each(
        |_| true,
        &mut Diagnostics::default(),
        |profile, _| found = found.take().or(profile.spec),
    );
    let spec = found.filter(|_| diagnostics.is_empty())?;
    let datasource = |(uid, source): (&Spanned<String>, &spec::stack::Datasource)| Datasource {
        uid: uid.value.clone(),
        title: source.title.value.clone(),
        plugin: source.kind.value.plugin().to_owned(),
        default: source.default.as_ref().is_some_and(|flag| flag.value),
    };
    let settings =
        spec.services.iter().filter_map(|(_, service)| service.settings.as_ref()?.strings_by_name("folders"));
    let folders = settings
        .flat_map(Map::iter)
        .map(|(name, title)| Folder { name: name.value.clone(), title: title.clone() })
        .collect();
    Some(Context { datasources: Ok(spec.datasources.iter().map(datasource).collect()), folders, folder: None })
}
