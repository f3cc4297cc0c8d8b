//! The isolated stack of a work tree: what it has of its own is chosen, remembered outside of the tree and rendered.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::Plan;
use stackgen::dev::compose::Compose;
use stackgen::dev::isolation::{self, Memory, WorkTree};
use stackgen::dev::{Environment, Finding, engine};
use stackgen::output::{self, Mode};
use stackgen::{folder, links};

use super::super::{Project, invalid, location};
use super::{Context, Step, note, preflight};
use crate::cli::{DevCommand, Format};

/// More than any memory has.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What keeps Git from committing the outputs, wherever they are.
const IGNORE_ALL: &str = "# The outputs of an isolated stack: see `gen dev up --isolated`.\n*\n";

/// Where a work tree is remembered.
pub struct Place {
    folder: Utf8PathBuf,
    pub tree: WorkTree,
}

impl Place {
    /// `None` if the user has no folder for it.
    fn of(root: &Utf8Path) -> Result<Option<Self>, Finding> {
        let Some(folder) = isolation::folder(&Environment::new([], Environment::process())) else { return Ok(None) };
        let root = root.canonicalize_utf8().map_err(|error| {
            Finding::error(format!("cannot find the path of the project: {error}"), "check that the directory exists")
        })?;
        Ok(Some(Self { folder, tree: WorkTree::new(root, location().main()) }))
    }

    fn file(&self) -> Utf8PathBuf {
        self.folder.join(self.tree.file())
    }

    /// What is remembered.
    fn memory(&self) -> Result<Option<Memory>, Finding> {
        let text = match links::read_text(&self.folder, self.tree.file().as_ref(), LARGEST) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.wrong(&error.to_string())),
        };
        Memory::read(&text, &self.tree).map(Some).map_err(|reason| self.wrong(&reason))
    }

    fn wrong(&self, reason: &str) -> Finding {
        let file = self.file();
        Finding::error(
            format!("cannot read which host ports this work tree has: `{file}`: {reason}"),
            "delete the file and run `gen dev up --isolated`, which chooses other ports",
        )
    }

    fn cannot(&self, error: &dyn std::fmt::Display) -> Finding {
        Finding::error(
            format!("cannot remember the host ports of this work tree in `{}`: {error}", self.folder),
            "make the folder writable, or set XDG_STATE_HOME to one that is",
        )
    }

    /// Keeps others from choosing ports at the same time, until the returned handle is dropped.
    fn lock(&self) -> Result<File, Finding> {
        let lock = || {
            fs::create_dir_all(&self.folder)?;
            let file = File::options().create(true).truncate(false).write(true).open(self.folder.join("lock"))?;
            file.lock().map(|()| file)
        };
        lock().map_err(|error| self.cannot(&error))
    }

    /// The ports that are remembered of other work trees, as long as these are there. A file that can't be read is reported in
    /// its own.
    fn others(&self) -> BTreeSet<u16> {
        let own = self.tree.file();
        let entries = folder::entries(self.folder.as_std_path()).unwrap_or_default();
        let names = entries.into_iter().filter_map(|entry| entry.name.into_string().ok());
        let texts = names.filter(|name| Utf8Path::new(name).extension() == Some("json") && *name != own);
        let texts = texts.filter_map(|name| links::read_text(&self.folder, name.as_ref(), LARGEST).ok());
        texts
            .filter_map(|text| serde_json::from_str::<Memory>(&text).ok())
            .filter(|memory| memory.root().exists())
            .flat_map(|memory| memory.ports().collect::<Vec<_>>())
            .collect()
    }

    fn write(&self, memory: &Memory) -> Result<(), Finding> {
        output::replace(&self.folder, self.tree.file().as_ref(), &memory.text(), Mode::Private)
            .map_err(|error| self.cannot(&error))
    }

    /// Forgets the ports of a profile.
    fn forget(&self, profile: &str) -> Step<()> {
        let _lock = self.lock()?;
        let Some(mut memory) = self.memory()? else { return Ok(()) };
        memory.forget(profile);
        if !memory.is_empty() {
            return Ok(self.write(&memory)?);
        }
        fs::remove_file(self.file()).map_err(|error| self.cannot(&error).into())
    }
}

/// Makes the context that of the isolated stack, if the command, the spec or an earlier command says so.
pub fn isolate(context: Context, project: &Project, command: &DevCommand) -> Step<Context> {
    let stack = context.stack();
    let is_asked = matches!(command, DevCommand::Up(up) if up.isolated) || stack.isolated;
    // Infrastructure belongs to an account, not to a work tree.
    if matches!(command, DevCommand::Infra(_)) {
        return Ok(context);
    }
    let Some(place) = Place::of(&context.root)? else {
        if !is_asked {
            return Ok(context);
        }
        let what = "cannot remember the host ports of this work tree: HOME is not set";
        return Err(Finding::error(what, "set HOME or XDG_STATE_HOME to the path of a folder").into());
    };
    let remembered = place.memory()?;
    let is_isolated = remembered.as_ref().is_some_and(|memory| memory.has(&stack.profile));
    if !is_asked && !is_isolated {
        return Ok(context);
    }
    let starts = matches!(command, DevCommand::Up(_) | DevCommand::Build { .. } | DevCommand::Schema(_));
    if starts && !is_isolated {
        refuse_running(&context)?;
    }
    let plan = plan(&context, project, &place, matches!(command, DevCommand::Up(_)), starts)?;
    let compose = Compose::new(&context.root, plan.stack());
    let context = Context { compose, committed: Some(context.plan), place: Some(place), plan, ..context };
    if starts || !context.root.join(context.compose.file()).is_file() {
        render(&context)?;
    }
    if let DevCommand::Up(_) = command {
        note(&format!("this work tree has a stack of its own: `{}`", context.stack().project));
    }
    Ok(context)
}

/// The plan of the isolated stack, if the work tree has one. Nothing is chosen or written.
pub fn remembered(project: &Project, profile: &str) -> Result<Option<Plan>, Finding> {
    let Some(place) = Place::of(&project.root)? else { return Ok(None) };
    let Some(mut memory) = place.memory()?.filter(|memory| memory.has(profile)) else { return Ok(None) };
    let mut wanted = stackgen::host_ports(&project.sources, profile);
    wanted.retain(|(port, _)| memory.knows(profile, port));
    let isolation = memory.choose(&place.tree, profile, &wanted, (&place.others(), |_| true, |_| true))?;
    // What fits the spec may be too long with an end: `gen dev` reports that.
    Ok(stackgen::plan_isolated(&project.sources, profile, &isolation).ok())
}

/// Stops if the stack runs from here without isolation: later commands would no longer find it.
fn refuse_running(context: &Context) -> Step<()> {
    let folder = context.root.join(context.stack().generated());
    let asked = isolation::started_in(&context.root, &context.stack().project, &folder);
    // Without an engine nothing runs, which is reported later.
    let is_running =
        context.children.ask(&asked).is_ok_and(|answer| answer.succeeded && !answer.stdout.trim().is_empty());
    if !is_running {
        return Ok(());
    }
    let help = if context.stack().isolated {
        format!("stop it with `docker compose --project-name {} down`", context.stack().project)
    } else {
        "stop it with `gen dev down`, then run `gen dev up --isolated` again".to_owned()
    };
    let what = format!("the stack `{}` already runs from this work tree without isolation", context.stack().project);
    Err(Finding::error(what, help).into())
}

/// Plans the isolated stack; with `keep`, its ports are remembered.
fn plan(context: &Context, project: &Project, place: &Place, may_change: bool, keep: bool) -> Step<Plan> {
    let profile = context.plan.profile();
    let wanted = stackgen::host_ports(&project.sources, profile);
    let isolated = |memory: &mut Memory, others: &BTreeSet<u16>| {
        // Ports of a stack that runs stay, whoever else has them.
        let own = if may_change { running(context, place)? } else { String::new() };
        let is_usable = |port| !may_change || is_free(port) || engine::container_with_port(&own, port).is_some();
        memory.choose(&place.tree, profile, &wanted, (others, is_usable, is_free))
    };
    let isolation = if keep {
        let _lock = place.lock()?;
        let before = place.memory()?.unwrap_or_else(|| Memory::new(&place.tree));
        let mut memory = before.clone();
        let isolation = isolated(&mut memory, &place.others())?;
        place.write(&memory)?;
        for [port, old, new] in memory.moved(&before, profile) {
            note(&format!("host port {old} of `{port}` is in use; it is now {new}"));
        }
        isolation
    } else {
        isolated(&mut place.memory()?.unwrap_or_else(|| Memory::new(&place.tree)), &place.others())?
    };
    stackgen::plan_isolated(&project.sources, profile, &isolation)
        .map_err(|diagnostics| invalid(&project.sources, &diagnostics, Format::Text).into())
}

/// The published ports of what runs of the isolated stack.
fn running(context: &Context, place: &Place) -> Result<String, Finding> {
    let name = format!("{}-{}", context.stack().project, place.tree.suffix());
    let answer = context.children.ask(&isolation::ports_of(&context.root, &name))?;
    Ok(answer.stdout)
}

/// Whether nothing on this machine has a port, at whichever address.
fn is_free(port: u16) -> bool {
    // Not on Linux, but elsewhere all addresses can be bound while another program has one of them.
    let addresses: [IpAddr; 3] = [Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let is_used = |bound: io::Result<()>| bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    preflight::is_elsewhere()
        || !addresses.iter().any(|&address| {
            is_used(TcpListener::bind((address, port)).map(drop)) || is_used(UdpSocket::bind((address, port)).map(drop))
        })
}

/// Renders the isolated stack: nobody reviews these outputs, so they are always those of the spec.
fn render(context: &Context) -> Step<()> {
    let ignored = output::File {
        path: format!("{}/.gitignore", context.stack().generated()).into(),
        executable: false,
        contents: IGNORE_ALL.to_owned(),
    };
    let ejected = ejected(context)?;
    write(context, context.plan.files().chain(ejected.into_iter().chain([ignored]).map(Ok)))
}

/// Copies of the outputs that are the user's own, which are next to the committed ones.
fn ejected(context: &Context) -> Step<Vec<output::File>> {
    let committed = context.committed.as_ref().map(Plan::ejected).unwrap_or_default();
    let copy = |(path, from): (Utf8PathBuf, Utf8PathBuf)| {
        let contents = links::read_text(&context.root, &from, output::LARGEST).map_err(|error| {
            Finding::error(format!("cannot read `{from}`: {error}"), "restore it, or remove its entry from `[ejected]`")
        })?;
        Ok(output::File { path, executable: is_executable(&context.root.join(from)), contents })
    };
    context.plan.ejected().into_iter().zip(committed).map(copy).collect()
}

/// Whether its owner may execute a file.
fn is_executable(path: &Utf8Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Forgets an isolated stack of which nothing is left, and deletes its outputs.
pub fn forget(context: &Context, place: &Place) -> Step<()> {
    place.forget(context.plan.profile())?;
    write(context, [])
}

fn write(context: &Context, files: impl IntoIterator<Item = Result<output::File, output::Error>>) -> Step<()> {
    let options = output::Options { force: true, dry_run: false, prune: true, kept: &[] };
    output::write(&context.root, &context.plan.scope(), files, options).map_err(|error| {
        let help = format!("delete `{}`, which has nothing but outputs of `gen`", context.stack().generated());
        Finding::error(format!("cannot write the outputs of this work tree's stack: {error}"), help)
    })?;
    Ok(())
}
