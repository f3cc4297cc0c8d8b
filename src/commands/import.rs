//! `gen import`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::diagnostic::Diagnostics;
use stackgen::import::{self, Context, Datasource, Folder, Kind, Note};
use stackgen::model::dashboard::plugin;
use stackgen::spec;
use stackgen::spec::decode::{Map, Spanned};

use super::report::{BOLD, RESET};
use super::{Outcome, fail, print};
use crate::cli::{Import, ImportCommand, ImportDashboard};

pub fn run(arguments: &Import) -> Outcome {
    match &arguments.command {
        ImportCommand::Dashboard(arguments) => dashboard(arguments),
    }
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
    let context = Context { folder: arguments.folder.clone(), ..context() };
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
    let result = match &arguments.output {
        None => io::stdout().write_all(written.as_bytes()).and_then(|()| io::stdout().flush()),
        Some(path) => write_new(path, &written),
    };
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let path = arguments.output.as_deref().unwrap_or(Utf8Path::new("standard output"));
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "; remove it or choose another name",
            _ => "",
        };
        fail(&format!("cannot write `{path}`: {error}{hint}"));
        return Outcome::Failed;
    }
    print(anstream::stderr(), &report(&imported.notes));
    Outcome::Clean
}

fn read(file: &Utf8Path) -> io::Result<Vec<u8>> {
    if file == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    fs::read(file)
}

/// Writes a file that doesn't exist yet; none is left if that fails half-way.
fn write_new(path: &Utf8Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

fn report(notes: &[Note]) -> String {
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
fn context() -> Context {
    match stack() {
        Ok(context) => context,
        Err(why) => Context { datasources: Err(why.to_owned()), ..Context::default() },
    }
}

fn stack() -> Result<Context, &'static str> {
    let outside = "no spec in this folder or above it";
    let current = std::env::current_dir().ok().and_then(|path| Utf8PathBuf::try_from(path).ok()).ok_or(outside)?;
    let root = current.ancestors().find(|folder| folder.join(spec::MAIN).exists()).ok_or(outside)?;
    let broken = "the spec has problems, which `gen check` shows";
    let sources = spec::read(root).map_err(|_| broken)?;
    // Problems elsewhere don't matter here, e.g. a folder that has no dashboard yet.
    let mut diagnostics = Diagnostics::default();
    let mut found = None;
    // Profiles may differ, but dashboards are written for all of them.
    spec::parse(&sources, &mut diagnostics).for_each(
        |_| true,
        &mut Diagnostics::default(),
        |profile, _| found = found.take().or(profile.spec),
    );
    let spec = found.filter(|_| diagnostics.is_empty()).ok_or(broken)?;
    let datasource = |(uid, source): (&Spanned<String>, &spec::stack::Datasource)| Datasource {
        uid: uid.value.clone(),
        title: source.title.value.clone(),
        plugin: plugin(source.kind.value).to_owned(),
        default: source.default.as_ref().is_some_and(|flag| flag.value),
    };
    let settings =
        spec.services.iter().filter_map(|(_, service)| service.settings.as_ref()?.strings_by_name("folders"));
    let folders = settings
        .flat_map(Map::iter)
        .map(|(name, title)| Folder { name: name.value.clone(), title: title.clone() })
        .collect();
    Ok(Context { datasources: Ok(spec.datasources.iter().map(datasource).collect()), folders, folder: None })
}
