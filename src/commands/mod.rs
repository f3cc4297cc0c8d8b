//! One file for each subcommand. Only this module prints.

mod adopt;
mod check;
mod completions;
mod confined;
mod dev;
mod eject;
mod explain;
mod fmt;
mod git;
mod graph;
mod impact;
mod import;
mod init;
mod kind;
mod list;
mod mcp;
mod merge;
mod model;
mod new;
mod pin;
mod projects;
mod render;
mod report;
mod review;
mod same;
mod schema;
mod table;
mod upgrade;
mod verify;
mod watch;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::Plan;
use stackgen::diagnostic::{Diagnostic, Diagnostics};
use stackgen::edit;
use stackgen::editor;
use stackgen::folder;
use stackgen::links;
use stackgen::model::{DEFAULT_PROFILE, Outputs as Settings};
use stackgen::outcome::Outcome;
use stackgen::output;
use stackgen::shown::{printable, without_commands};
use stackgen::spec::decode::{listed, shown};
use stackgen::spec::source::Sources;
use stackgen::spec::stack::{GENERATED, TERRAFORM};
use stackgen::spec::{self, Location, ReadError};

use crate::cli::{Cli, Command, Format, Listing};

/// How a command ended; an error has been reported.
type Ran<T = Outcome> = Result<T, Outcome>;

/// What `--spec` says.
static SPEC: OnceLock<Location> = OnceLock::new();

/// Whether something that was to be printed could not be.
static LOST: AtomicBool = AtomicBool::new(false);

/// Parses the command line and runs the command.
pub fn run() -> Outcome {
    output::report_waiting(|message| print_error(&format!("{message}\n")));
    output::ask_about_merges(merge::are_merged);
    let outcome = match Cli::read() {
        Ok(cli) => run_command(cli),
        Err(text) if text.use_stderr() => {
            print_error(&text.render().ansi().to_string());
            Outcome::Invalid
        }
        Err(text) => {
            print_text(&text.render().ansi().to_string());
            Outcome::Clean
        }
    };
    if LOST.load(Ordering::Relaxed) { Outcome::Failed } else { outcome }
}

fn run_command(cli: Cli) -> Outcome {
    if let Some(directory) = &cli.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        return stop(Outcome::Failed, format!("cannot change to the directory `{directory}`: {error}"));
    }
    if let Some(file) = &cli.spec
        && let Err(outcome) = set_location(file)
    {
        return outcome;
    }
    let ran = match cli.command {
        Command::Render(arguments) => render::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Impact(arguments) => impact::run(&arguments),
        Command::Adopt(arguments) => adopt::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Man { folder } => completions::man(&folder),
        Command::Schema(arguments) => Ok(schema::run(&arguments)),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Pin(arguments) => pin::run(&arguments),
        Command::Eject(arguments) => eject::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Model(arguments) => model::run(&arguments),
        Command::Kind(command) => kind::run(&command),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Dev(arguments) => Ok(dev::run(&arguments)),
        Command::Import(arguments) => Ok(import::run(&arguments)),
        Command::Mcp(arguments) => mcp::run(&arguments, cli.spec.as_deref()),
        Command::Git(command) => merge::run(&command),
        Command::Upgrade(arguments) => upgrade::run(&arguments),
    };
    ran.unwrap_or_else(|outcome| outcome)
}

/// The project that the current folder belongs to, and its plans.
struct Project {
    root: Utf8PathBuf,
    sources: Sources,
    plans: Vec<Plan>,
    /// What looks wrong in the spec.
    warnings: Vec<Diagnostic>,
}

impl Project {
    /// The outputs of each profile and, unless one was chosen, the schemas and what removed profiles have left, which
    /// [`around`](Self::around) finds.
    fn outputs(&self, profile: Option<&str>, removed: Vec<Removed>) -> Vec<Outputs<'_>> {
        let mut outputs: Vec<Outputs<'_>> = self
            .plans
            .iter()
            .map(|plan| Outputs {
                what: format!("the outputs of profile `{}`", plan.profile()),
                scope: plan.scope(),
                files: Box::new(plan.files()),
                ejected: plan.ejected(),
            })
            .collect();
        if profile.is_none() {
            outputs.extend(removed.into_iter().map(|removed| Outputs {
                what: removed.what,
                scope: removed.scope,
                files: Box::new(std::iter::empty()),
                ejected: Vec::new(),
            }));
            let scope = editor::scope(self.sources.location());
            let wanted = |of: fn(&Settings) -> bool| self.plans.iter().any(|plan| of(&plan.stack().outputs));
            let (schemas, reference) = (wanted(|outputs| outputs.schemas), wanted(|outputs| outputs.reference));
            if schemas || reference || self.root.join(&scope.manifest).is_file() {
                let what = match (schemas, reference) {
                    (true, _) => "the schemas",
                    (false, true) => "the reference",
                    (false, false) => "the schemas, which are left out,",
                };
                let files = Box::new(editor::files(&self.sources, schemas, reference).map(Ok));
                outputs.push(Outputs { what: what.to_owned(), scope, files, ejected: Vec::new() });
            }
        }
        outputs
    }

    /// Where the outputs of all profiles are.
    fn folders(&self) -> stackgen::model::Outputs {
        self.plans.first().map(|plan| plan.stack().outputs.clone()).unwrap_or_default()
    }

    /// What is in the folders of all outputs besides the profiles of the spec; nothing if a profile was chosen.
    fn around(&self, profile: Option<&str>) -> Ran<Around> {
        if profile.is_some() {
            return Ok(Around::default());
        }
        let stackgen::model::Outputs { generated, terraform, .. } = self.folders();
        let mut of_user: HashMap<String, Vec<String>> = HashMap::new();
        for path in self.plans.iter().flat_map(|plan| plan.stack().unmanaged.iter().cloned()) {
            let name = path.split('/').nth(1).unwrap_or_default().to_owned();
            of_user.entry(name).or_default().push(path);
        }
        let profiles: HashSet<&str> = self.plans.iter().map(Plan::profile).collect();
        let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut strays = Vec::new();
        for top in [generated.as_str(), &terraform] {
            if of_user.get("").is_some_and(|whole| whole.iter().any(|path| path == top)) {
                continue;
            }
            let folder = self.root.join(top);
            if folder.is_symlink() && links::follow(&self.root, top.into()).is_err() {
                strays.push(top.into());
                continue;
            }
            for folder::Entry { name, kind } in self.entries(top)? {
                let shown = name.to_string_lossy().escape_debug().to_string();
                // A folder may be a link to another one in the project.
                if kind != folder::Kind::File && profiles.contains(shown.as_str()) {
                    continue;
                }
                let named = of_user.get(&shown);
                if kind == folder::Kind::Folder && name.to_str() == Some(&shown) {
                    let of_user = named.into_iter().chain(of_user.get("")).flatten().cloned().collect();
                    folders.insert(shown, of_user);
                    continue;
                }
                let path = format!("{top}/{shown}");
                if !named.is_some_and(|named| named.contains(&path)) {
                    strays.push(path.into());
                }
            }
        }
        strays.sort_unstable();
        let removed = folders.into_iter().map(|(name, of_user)| Removed {
            what: format!("the outputs of profile `{name}`, which no longer exists,"),
            scope: stackgen::scope_of([&generated, &terraform], &name, of_user),
            name,
        });
        let mut around = Around { removed: removed.collect(), strays };
        around.removed.extend(self.moved(&generated, &terraform)?);
        Ok(around)
    }

    /// What is left in the default folder since the outputs are in another one. What else is there is not looked at.
    fn moved(&self, generated: &str, terraform: &str) -> Ran<Vec<Removed>> {
        let real = |top: &str| self.root.join(top).canonicalize().ok();
        if !self.sources.location().is_default() || generated == GENERATED || real(generated) == real(GENERATED) {
            return Ok(Vec::new());
        }
        let has_manifest =
            |name: &String| links::is_file(&self.root, format!("{GENERATED}/{name}/{}", stackgen::MANIFEST).as_ref());
        let names = self.entries(GENERATED)?.into_iter().filter(|entry| entry.kind == folder::Kind::Folder);
        let mut names: Vec<String> = names.filter_map(|entry| entry.name.into_string().ok()).collect();
        names.retain(has_manifest);
        names.sort_unstable();
        let removed = |name: String| {
            let scope = stackgen::scope_of([GENERATED, TERRAFORM], &name, Vec::new());
            let (folders, mut former): (Vec<_>, Vec<_>) =
                scope.folders.into_iter().partition(|folder| folder.starts_with(GENERATED));
            former.retain(|_| terraform != TERRAFORM);
            let what = format!("the outputs in `{GENERATED}/{name}`, which are in `{generated}` now,");
            Removed { what, scope: output::Scope { folders, former, ..scope }, name }
        };
        Ok(names.into_iter().map(removed).collect())
    }

    /// What is in a folder of the root, if it is one.
    fn entries(&self, top: &str) -> Ran<Vec<folder::Entry>> {
        match folder::entries(self.root.join(top).as_std_path()) {
            // Reported for the outputs in it.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            entries => entries.map_err(|error| stop(Outcome::Failed, format!("cannot read `{top}`: {error}"))),
        }
    }
}

/// What is in the folders of all outputs besides the profiles of the spec.
#[derive(Default)]
struct Around {
    /// Folders, each of which may be a removed profile's.
    removed: Vec<Removed>,
    /// Whatever else is there.
    strays: Vec<Utf8PathBuf>,
}

/// The folders that a removed profile may have had.
struct Removed {
    name: String,
    /// What they are, for a message.
    what: String,
    scope: output::Scope,
}

/// Outputs that are written together or not at all.
struct Outputs<'p> {
    /// What they are, for a message.
    what: String,
    scope: output::Scope,
    /// Rendered one after the other.
    files: Box<dyn Iterator<Item = Result<output::File, output::Error>> + 'p>,
    /// Those that are the user's own.
    ejected: Vec<Utf8PathBuf>,
}

/// Finds, reads and plans; reports what is wrong.
fn project(profile: Option<&str>, format: Format) -> Ran<Project> {
    let project = load(root()?, location(), profile).map_err(|unread| unread.report(format))?;
    check_folders(&project)?;
    Ok(project)
}

/// Why a project can't be read: a file can't, or the spec has problems.
enum Unread {
    Io(Utf8PathBuf, io::Error),
    Invalid(Sources, Vec<Diagnostic>),
}

impl From<(Sources, ReadError)> for Unread {
    fn from((sources, error): (Sources, ReadError)) -> Self {
        match error {
            ReadError::Io(path, error) => Self::Io(sources.location().shown(&path), error),
            ReadError::Refused(diagnostics) => Self::Invalid(sources, diagnostics.into_sorted()),
        }
    }
}

impl Unread {
    fn report(self, format: Format) -> Outcome {
        match self {
            Self::Io(path, error) => stop(Outcome::Failed, format!("cannot read `{path}`: {error}")),
            Self::Invalid(sources, diagnostics) => invalid(&sources, &diagnostics, format),
        }
    }
}

/// Reads and plans.
fn load(root: Utf8PathBuf, location: &Location, profile: Option<&str>) -> Result<Project, Unread> {
    let sources = spec::read(&root, location)?;
    match stackgen::plan_with_warnings(&sources, profile) {
        Ok((plans, warnings)) => Ok(Project { root, sources, plans, warnings }),
        Err(diagnostics) => Err(Unread::Invalid(sources, diagnostics)),
    }
}

/// Refuses folders of outputs that are another spec's: the default ones to all specs but the default one, and any whose
/// outputs say that they come from another.
fn check_folders(project: &Project) -> Ran<()> {
    let Settings { generated, terraform, .. } = project.folders();
    let main = location().main();
    let refuse = |message: String, help: &str| Err(stop_with(Outcome::Invalid, message, help));
    if !location().is_default() && (generated == GENERATED || terraform == TERRAFORM) {
        let help = "add `generated = \"…\"` and `terraform = \"…\"` to `[outputs]`: the default folders are those of \
                    `spec/stack.toml`";
        return refuse(format!("`{main}` must name the folders of its outputs"), help);
    }
    if generated == GENERATED {
        return Ok(());
    }
    for folder::Entry { name, kind } in project.entries(&generated)? {
        let folder = format!("{generated}/{}", name.to_string_lossy());
        if kind != folder::Kind::Folder {
            continue;
        }
        let texts = ["docker-compose.yml", "kubernetes/base/kustomization.yaml"].map(|name| {
            let path = format!("{folder}/{name}");
            links::read_text(&project.root, path.as_ref(), spec::LARGEST).unwrap_or_default()
        });
        let mut owners = texts.iter().filter_map(|text| text.strip_prefix("# Generated from ")?.split_once(": "));
        let owner = owners.next().map(|(owner, _)| owner);
        if let Some(owner) = owner.filter(|owner| *owner != main) {
            let message = format!("`{}` has outputs of `{}`, not of `{main}`", shown(&folder), shown(owner));
            return refuse(message, "give each spec folders of its own, or delete the folder if the spec was moved");
        }
    }
    Ok(())
}

/// Reads the files of the spec; reports why they can't be read.
fn read(root: &Utf8Path, format: Format) -> Ran<Sources> {
    spec::read(root, location()).map_err(|unread| Unread::from(unread).report(format))
}

/// Reads the files of the spec and reports syntax errors, and a spec that requires another `gen`; whatever else is wrong does
/// not matter.
fn read_toml(root: &Utf8Path, format: Format) -> Ran<Sources> {
    let sources = read(root, format)?;
    let mut diagnostics = Diagnostics::default();
    let mut refusals = Vec::new();
    for file in 0..sources.files().len() {
        let parsed = spec::tree::parse(&sources, u16::try_from(file).unwrap_or(u16::MAX), &mut diagnostics);
        refusals.extend(spec::requires::refusal(&parsed.table));
    }
    diagnostics.retain(|diagnostic| diagnostic.code == "toml-syntax");
    for refusal in refusals {
        diagnostics.push(refusal);
    }
    if diagnostics.is_empty() {
        return Ok(sources);
    }
    Err(invalid(&sources, &diagnostics.into_sorted(), format))
}

/// Removes what a killed command has left next to the spec's files, and in further directories.
fn sweep<'f>(root: &Utf8Path, folders: impl IntoIterator<Item = &'f Utf8Path>) -> Ran<()> {
    let mut all = vec![location().folder().to_owned(), location().dashboards()];
    all.extend(folders.into_iter().map(Utf8Path::to_owned));
    let all: Vec<&Utf8Path> = all.iter().map(Utf8PathBuf::as_path).collect();
    output::sweep(root, &all).map_err(|error| stop(Outcome::Failed, error))
}

/// Replaces files of the spec, if each still has the text that was read. Line endings and byte order marks stay.
fn rewrite<'c>(
    root: &Utf8Path,
    sources: &Sources,
    changes: impl IntoIterator<Item = (&'c Utf8Path, &'c str)>,
) -> Ran<()> {
    let mut texts = Vec::new();
    for (path, text) in changes {
        let on_disk = links::read_text(root, path, spec::LARGEST)
            .map_err(|error| stop(Outcome::Failed, format!("cannot read `{path}`: {error}")))?;
        let read = sources.files().iter().chain(sources.templates()).find(|source| source.path == path);
        let Some(text) = read.and_then(|read| edit::changed(&on_disk, &read.text, text)) else {
            let message = format!("`{path}` has changed on disk since it was read; nothing was written");
            return Err(stop_with(Outcome::Failed, message, "run the command again"));
        };
        texts.push((path, text));
    }
    for (path, text) in texts {
        output::replace(root, path, &text, output::Mode::Keep).map_err(|error| stop(Outcome::Failed, error))?;
    }
    Ok(())
}

/// The plan of the profile that a command is about: the one that is named, the only one, or `dev`.
fn one_profile(profile: Option<&str>, format: Format) -> Ran<Plan> {
    one_of(project(profile, format)?.plans, Plan::profile)
}

/// The only one of several profiles, or `dev`.
fn one_of<T>(mut all: Vec<T>, name: impl Fn(&T) -> &str) -> Ran<T> {
    if all.len() > 1 {
        let Some(index) = all.iter().position(|one| name(one) == DEFAULT_PROFILE) else {
            let help = format!("choose one with `--profile`: {}", listed(all.iter().map(name)));
            return Err(stop_with(Outcome::Invalid, "the spec has several profiles", help));
        };
        all.swap(0, index);
    }
    all.into_iter().next().ok_or(Outcome::Invalid)
}

fn current_folder() -> Ran<Utf8PathBuf> {
    let cannot =
        |error: &dyn Display| stop(Outcome::Failed, format!("cannot determine the current directory: {error}"));
    let current = std::env::current_dir().map_err(|error| cannot(&error))?;
    Utf8PathBuf::try_from(current).map_err(|error| cannot(&error))
}

/// Where the spec is: what `--spec` says, or the default.
fn location() -> &'static Location {
    static DEFAULT: OnceLock<Location> = OnceLock::new();
    SPEC.get().unwrap_or_else(|| DEFAULT.get_or_init(Location::default))
}

/// Sets the location of the spec for this process.
fn set_location(file: &Utf8Path) -> Ran<()> {
    let current = current_folder()?;
    let Some(found) = Location::new(file.strip_prefix(&current).unwrap_or(file)) else {
        let message = format!("invalid path of a spec `{}`", shown(file.as_str()));
        let help = "write the path of a `stack.toml` in a folder of the current directory, such as `ops/stack.toml`, of letters, \
                    digits, `.`, `_`, `-` and spaces, without `..`";
        return Err(stop_with(Outcome::Invalid, message, help));
    };
    // The command line is parsed once.
    let _ = SPEC.set(found);
    Ok(())
}

/// The directory with the spec that a directory belongs to: with `--spec` itself.
fn find_root(current: &Utf8Path) -> Ran<Option<Utf8PathBuf>> {
    let most = if SPEC.get().is_some() { 1 } else { usize::MAX };
    for folder in current.ancestors().take(most) {
        let main = folder.join(location().main());
        match main.try_exists() {
            Ok(true) => return Ok(Some(folder.to_owned())),
            Ok(false) => {}
            // A file of the same name as the directory.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => return Err(stop(Outcome::Failed, format!("cannot access `{main}`: {error}"))),
        }
    }
    Ok(None)
}

fn root() -> Ran<Utf8PathBuf> {
    let current = current_folder()?;
    if let Some(root) = find_root(&current)? {
        return Ok(root);
    }
    let main = location().main();
    if SPEC.get().is_some() {
        let help = "with `--spec`, the root of the project is the current directory: change it with `-C`";
        return Err(stop_with(Outcome::Invalid, format!("could not find `{main}` in `{current}`"), help));
    }
    let message = format!("could not find `{main}` in `{current}` or any parent directory");
    Err(stop_with(Outcome::Invalid, message, "create one with `gen init`"))
}

/// Shows what looks wrong; it changes nothing else. A report for programs has it in it.
fn warn(project: &Project, format: Format) {
    let Project { sources, warnings, .. } = project;
    match format {
        _ if warnings.is_empty() => {}
        Format::Github => print(io::stdout(), &report::github(sources, warnings)),
        Format::Json => {}
        Format::Text => print_error(&report::text(sources, warnings)),
    }
}

fn invalid(sources: &Sources, diagnostics: &[Diagnostic], format: Format) -> Outcome {
    match format {
        Format::Text => print_error(&report::text(sources, diagnostics)),
        Format::Json => print(io::stdout(), &report::json(sources, diagnostics)),
        Format::Github => print(io::stdout(), &report::github(sources, diagnostics)),
    }
    Outcome::Invalid
}

/// Prints a text to standard output or standard error, as all of the commands do: if that fails, so has the command. A
/// reader that went away early, as `head` does, has read all that it wanted.
fn print(mut stream: impl Write, text: &str) {
    let result = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if let Err(error) = result
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        LOST.store(true, Ordering::Relaxed);
        let _ = writeln!(io::stderr(), "error: cannot write the output: {error}");
    }
}

/// Prints a report for people, in the colours that the terminal takes.
fn print_text(text: &str) {
    print(anstream::stdout(), &fit_to_show(text));
}

/// Prints what went wrong, or what is going on, for people.
fn print_error(text: &str) {
    print(anstream::stderr(), &fit_to_show(text));
}

/// The text without what a terminal, or GitHub's runner, would take for a command: names, values and lines of files are
/// part of it.
fn fit_to_show(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    if std::env::var_os("GITHUB_ACTIONS").is_none() {
        return text;
    }
    match text {
        Cow::Borrowed(text) => without_commands(text),
        Cow::Owned(text) => Cow::Owned(without_commands(&text).into_owned()),
    }
}

/// Reports a failure that has no place in the spec.
fn fail(message: &str) {
    print_error(&format!("{}error{}: {message}\n", report::RED, report::RESET));
}

/// Reports a failure, with the outcome that it leads to.
fn stop(outcome: Outcome, message: impl Display) -> Outcome {
    fail(&message.to_string());
    outcome
}

/// Reports why outputs were not compared or written.
fn stop_for(error: &output::Error) -> Outcome {
    match error {
        output::Error::Newer { .. } => stop_with(
            Outcome::Invalid,
            error,
            "install that version; `[stack] requires` can say which one a spec is for",
        ),
        _ => stop(Outcome::Failed, error),
    }
}

/// As [`stop`] does, with a way out.
fn stop_with(outcome: Outcome, message: impl Display, help: impl Display) -> Outcome {
    stop(
        outcome,
        format!("{message}\n  {}help{}: {}", report::CYAN, report::RESET, location().commands(&help.to_string())),
    )
}

/// What a program wrote to a stream; after an error, what was read so far.
fn read_all(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Prints a report for people in the colours that the terminal takes, or one for programs as it is.
fn show(format: Listing, text: impl FnOnce() -> String, json: impl FnOnce() -> String) -> Outcome {
    match format {
        Listing::Text => print_text(&text()),
        Listing::Json => print(io::stdout(), &json()),
    }
    Outcome::Clean
}
