//! `gen import`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::import::{self, Context, Datasource, Folder, Kind, Note};
use stackgen::model::Stack;
use stackgen::spec;
use stackgen::spec::stack::DatasourceType;

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
            io::ErrorKind::AlreadyExists => "; move it away or choose another name",
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
    let plans = stackgen::plan(&sources, None).map_err(|_| broken)?;
    // Profiles may differ in ports and sizes, but dashboards are written for all of them.
    let stack = plans.first().map(stackgen::Plan::stack).ok_or(broken)?;
    Ok(Context { datasources: Ok(datasources(stack)), folders: folders(stack), folder: None })
}

fn datasources(stack: &Stack) -> Vec<Datasource> {
    let Some(grafana) = stack.grafanas.first() else { return Vec::new() };
    let plugin = |kind| match kind {
        DatasourceType::Prometheus => "prometheus",
        DatasourceType::Loki => "loki",
        DatasourceType::CloudWatch => "cloudwatch",
        DatasourceType::Json => "yesoreyeram-infinity-datasource",
    };
    let datasource = |source: &stackgen::model::Datasource| Datasource {
        uid: source.uid.clone(),
        title: source.title.clone(),
        plugin: plugin(source.kind).to_owned(),
        default: source.default,
    };
    grafana.datasources.iter().map(datasource).collect()
}

fn folders(stack: &Stack) -> Vec<Folder> {
    let Some(grafana) = stack.grafanas.first() else { return Vec::new() };
    let folder =
        |folder: &stackgen::model::kind::Folder| Folder { name: folder.directory.clone(), title: folder.title.clone() };
    grafana.folders.iter().map(folder).collect()
}
