//! `gen import`.

use std::fmt::{Display, Write as _};
use std::io::{self, Read as _, Write as _};
use std::{env, fs};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::dev::Invocation;
use stackgen::dev::dotenv::Dotenv;
use stackgen::import::{self, Context, Kind, Note};
use stackgen::output;
use stackgen::resolve::dashboards::is_uid;
use stackgen::review::counted;
use stackgen::spec::decode::shown;
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ReadError};

use super::dev::child::Children;
use super::report::{self, BOLD, RESET};
use super::{
    Outcome, Ran, current_folder, fail, find_root, location, print, print_error, project, rewrite, same, stop,
    stop_with,
};
use crate::cli::{Format, Import, ImportCommand, ImportCompose, ImportDashboard};

pub fn run(arguments: &Import) -> Outcome {
    match &arguments.command {
        ImportCommand::Dashboard(arguments) => dashboard(arguments),
        ImportCommand::Compose(arguments) => compose(arguments).unwrap_or_else(|outcome| outcome),
    }
}

fn compose(arguments: &ImportCompose) -> Ran {
    let current = current_folder()?;
    let files = if arguments.files.is_empty() {
        compose_files(&current, Utf8Path::new(""), "name it: `gen import compose FILE`")?
    } else {
        arguments.files.clone()
    };
    let (files, name) = import::compose::located(&files, &as_entered(&current));
    let imported = import::compose::import(&files, &name, &read_text).map_err(refuse_compose)?;
    // Before anything is written: without Compose, the command can be run again.
    let differing = if arguments.verify { Some(same::verify(&files, &imported)?) } else { None };
    match &arguments.output {
        None => print(io::stdout(), &imported.text),
        Some(path) => {
            // A project without a spec has no folder for it.
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .map_err(|error| stop(Outcome::Failed, format!("cannot create `{folder}`: {error}")))?;
            }
            write_new(path, &imported.text).map_err(|error| stop(Outcome::Failed, error))?;
        }
    }
    Ok(say("project", &imported.notes, imported.is_whole(), differing.as_deref()))
}

/// The current folder by the links that led to it: Compose names the project of that path.
pub(super) fn as_entered(current: &Utf8Path) -> Utf8PathBuf {
    let entered = env::var("PWD").ok().map(Utf8PathBuf::from);
    let is_current = |path: &Utf8PathBuf| path.canonicalize_utf8().is_ok_and(|path| path == current);
    entered.filter(is_current).unwrap_or_else(|| current.to_owned())
}

/// The files that Compose takes in a folder if none is named.
pub(super) fn compose_files(current: &Utf8Path, folder: &Utf8Path, help: &str) -> Ran<Vec<Utf8PathBuf>> {
    // If it can't be read, the import says so.
    let values = read_text(&folder.join(".env")).ok().and_then(|text| Dotenv::parse(&text).ok());
    let value = |name: &str| {
        env::var(name).ok().or_else(|| values.as_ref().and_then(|values| values.get(name).map(ToOwned::to_owned)))
    };
    let named = import::compose::named_files(value);
    if !named.is_empty() {
        return Ok(named.iter().map(|file| folder.join(file)).collect());
    }
    import::compose::default_files(current, folder).map_err(|title| stop_with(Outcome::Invalid, title, help))
}

/// Reports that a project is not one to Compose.
pub(super) fn refuse_compose(error: import::compose::Error) -> Outcome {
    match error {
        import::compose::Error::Io(path, error) => stop(Outcome::Failed, format!("cannot read `{path}`: {error}")),
        import::compose::Error::Invalid(found) => {
            print_error(&report::excerpts(&found.0, &found.1));
            Outcome::Invalid
        }
    }
}

/// Says what became of what was imported, and where it differs, if Compose was asked.
pub(super) fn say(
    what: &str,
    notes: &[import::compose::Note],
    is_whole: bool,
    differing: Option<&[String]>,
) -> Outcome {
    let mut said = String::new();
    for note in notes {
        let _ = writeln!(said, "{note}");
    }
    let is_same = differing.is_none_or(<[String]>::is_empty);
    for difference in differing.unwrap_or_default() {
        let _ = writeln!(said, "differs: {difference}");
    }
    let end = match (is_whole, is_same) {
        (false, _) => format!("not all of the {what} was imported"),
        (true, false) => format!("the imported {what} is not the same"),
        (true, true) if differing.is_some() => format!("{what} imported, and it means the same to Compose"),
        (true, true) => format!("{what} imported"),
    };
    let _ = writeln!(said, "{BOLD}{end}{RESET}");
    print_error(&said);
    if is_whole && is_same { Outcome::Clean } else { Outcome::Findings }
}

fn dashboard(arguments: &ImportDashboard) -> Outcome {
    let file = &arguments.file;
    let bytes = match &arguments.from_grafana {
        None => read(file).map_err(|error| stop(Outcome::Failed, format!("cannot read `{file}`: {error}"))),
        Some(url) => fetch(url, file.as_str()),
    };
    let text = match bytes {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                fail(&format!("{file}: byte {} is not UTF-8", error.utf8_error().valid_up_to()));
                return Outcome::Invalid;
            }
        },
        Err(outcome) => return outcome,
    };
    if let Some(into) = &arguments.into {
        return back(file, &text, into).unwrap_or_else(|outcome| outcome);
    }
    let (context, stack) = match context() {
        Ok((context, stack)) => (Context { folder: arguments.folder.clone(), ..context }, stack),
        Err(outcome) => return outcome,
    };
    let imported = match import::import(&text, &context) {
        Ok(imported) => imported,
        Err(error) => return refuse(file, &error),
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
    let notes = summary(&imported.notes);
    let (root, spec) = stack.unzip();
    let place = root.zip(arguments.output.as_deref()).and_then(|(root, path)| in_spec(&root, path));
    let folder = imported.description.folder();
    let (sources, mistakes) = import::check(spec.as_ref(), folder, place.as_deref(), &written);
    if mistakes.is_empty() {
        print_error(&notes);
        return Outcome::Clean;
    }
    print_error(&format!("{}{notes}", report::excerpts(&sources, &mistakes)));
    let problems = counted(mistakes.len(), "problem");
    stop(Outcome::Invalid, format!("the imported dashboard has {problems} in this stack: fix them before you render"))
}

/// Reports that a file is not a dashboard.
fn refuse(file: &Utf8Path, error: &import::Error) -> Outcome {
    let space = if matches!(error, import::Error::Json { .. }) { "" } else { " " };
    stop(Outcome::Invalid, format!("{file}:{space}{error}"))
}

/// Changes a dashboard of the spec where the export differs from what it renders.
fn back(file: &Utf8Path, exported: &str, into: &Utf8Path) -> Ran {
    let project = project(None, Format::Text)?;
    let found = in_spec(&project.root, into).and_then(|path| {
        let dashboards = project.plans.iter().flat_map(|plan| &plan.stack().dashboards);
        let dashboard = dashboards.into_iter().find(|one| Some(one.name.as_str()) == path.file_stem())?;
        let source = project.sources.files().iter().find(|source| source.path == path)?;
        Some((path, dashboard, source))
    });
    let Some((path, dashboard, source)) = found else {
        let help = "name one of its files, or use `--output` for a new one";
        return Err(stop_with(Outcome::Invalid, format!("`{into}` is not a dashboard of the spec"), help));
    };
    let known = Context::of(&project.sources).unwrap_or_default();
    let context = Context { folder: Some(dashboard.folder.clone()), ..known };
    let (text, notes) =
        import::into(&source.text, &dashboard.json, exported, &context).map_err(|error| match error {
            import::Failure::Import(error) => refuse(file, &error),
            import::Failure::Refused(refusal) => {
                stop_with(Outcome::Invalid, format!("{path}: {}; nothing was written", refusal.message), refusal.help)
            }
        })?;
    let notes: Vec<String> = notes.iter().map(|note| format!("{note}\n")).collect();
    let notes = notes.concat();
    if text == source.text {
        print_error(&format!("{notes}{BOLD}{path}{RESET}: unchanged\n"));
        return Ok(Outcome::Clean);
    }
    let (edited, mistakes) = import::check(Some(&project.sources), &dashboard.folder, Some(&path), &text);
    if !mistakes.is_empty() {
        print_error(&format!("{}{notes}", report::excerpts(&edited, &mistakes)));
        let problems = counted(mistakes.len(), "new problem");
        return Err(stop(Outcome::Invalid, format!("the spec would have {problems}; nothing was written")));
    }
    rewrite(&project.root, &project.sources, [(path.as_path(), text.as_str())])?;
    print_error(&format!("{notes}{BOLD}{path}{RESET}: changed\n"));
    Ok(Outcome::Clean)
}

/// The path of a dashboard below the root, if a file is one of the spec.
fn in_spec(root: &Utf8Path, file: &Utf8Path) -> Option<Utf8PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    let folder = folder.canonicalize_utf8().ok()?;
    let dashboards = root.join(location().dashboards()).canonicalize_utf8().ok()?;
    (folder == dashboards).then(|| Utf8Path::new(&location().dashboards()).join(file.file_name().unwrap_or_default()))
}

/// Asks a Grafana for the dashboard of a UID.
fn fetch(url: &str, uid: &str) -> Ran<Vec<u8>> {
    let scheme = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    if !scheme || url.contains(|c: char| c.is_whitespace() || c.is_control() || "?#@".contains(c)) {
        let help = "write the address of its start page, e.g. `http://localhost:3000`";
        return Err(stop_with(Outcome::Invalid, format!("`{}` is not a URL of Grafana", shown(url)), help));
    }
    if !is_uid(uid) {
        let help = "it is in the URL of the dashboard, after `/d/`";
        return Err(stop_with(Outcome::Invalid, format!("invalid UID `{}`", shown(uid)), help));
    }
    let failed = |error: &dyn Display| stop(Outcome::Failed, format!("cannot ask Grafana: {error}"));
    let address = format!("{}/api/dashboards/uid/{uid}", url.trim_end_matches('/'));
    // Neither an argument, which other users see, nor sent on to where an answer leads.
    let mut header = tempfile::NamedTempFile::new().map_err(|error| failed(&error))?;
    if let Ok(token) = env::var("GRAFANA_TOKEN") {
        if token.is_empty() || token.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(stop(Outcome::Invalid, "GRAFANA_TOKEN is not a token"));
        }
        writeln!(header, "Authorization: Bearer {token}").map_err(|error| failed(&error))?;
    }
    let size = LARGEST.to_string();
    let options =
        ["--fail", "--silent", "--show-error", "--globoff", "--max-time", "60", "--max-filesize", size.as_str()];
    let header = format!("@{}", header.path().display());
    let invocation = Invocation::new("curl", &current_folder()?, options)
        .with(["--proto", "=http,https", "--header"])
        .with([header, address]);
    let children = Children::new().map_err(|error| failed(&error))?;
    let answer = children.ask(&invocation).map_err(|finding| stop_with(Outcome::Failed, finding.what, finding.help))?;
    if !answer.succeeded {
        let help = "check the URL and the UID, and set `GRAFANA_TOKEN` to a token that may read dashboards";
        let message = format!("Grafana did not give the dashboard `{uid}`: {}", answer.complaint());
        return Err(stop_with(Outcome::Failed, message, help));
    }
    Ok(answer.stdout.into_bytes())
}

/// The limit of an imported file, in bytes.
pub(super) const LARGEST: u64 = 64 << 20;

/// The text of a file of a Compose project.
pub(super) fn read_text(path: &Utf8Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::other("not UTF-8"))
}

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

/// What the stack of the current folder has, its root and its spec; a dashboard can be imported without one.
fn context() -> Ran<(Context, Option<(Utf8PathBuf, Sources)>)> {
    let without = |why: &str| (Context { datasources: Err(why.to_owned()), ..Context::default() }, None);
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
    Ok(match Context::of(&sources) {
        Some(context) => (context, Some((root, sources))),
        None => without(&broken),
    })
}
