//! `gen init`.

use std::fmt::Write as _;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::edit::example::Example;
use stackgen::edit::repository::{ATTRIBUTES, IGNORED, with_lines};
use stackgen::folder::{Kind, entries};
use stackgen::import::compose;
use stackgen::import::folder::{Files, Import};
use stackgen::model::Outputs;
use stackgen::spec::stack::{GENERATED, TERRAFORM};
use stackgen::spec::{self, MAIN};
use stackgen::{links, output};

use super::report::{BOLD, RESET};
use super::{Outcome, Ran, current_folder, import, load, location, print_text, stop, stop_with, sweep};
use crate::cli::Init;

pub fn run(arguments: &Init) -> Ran {
    let current = current_folder()?;
    if !location().is_default() {
        let help = "create `spec/stack.toml` without `--spec`, then move it and name the folders of its outputs";
        return Err(stop_with(Outcome::Invalid, "`gen init` does not take `--spec`", help));
    }
    // Where another project has its spec and outputs, whatever their names.
    let taken = current.ancestors().skip(1).find(|folder| {
        let below = current.strip_prefix(folder).unwrap_or(&current);
        let top = below.components().next().map_or("", |part| part.as_str());
        folder.join(MAIN).exists() && folders(folder).iter().any(|taken| taken == top)
    });
    if let Some(above) = taken {
        return Err(stop_with(
            Outcome::Findings,
            format!("the current directory belongs to another project, whose spec is `{}`", above.join(MAIN)),
            "run `gen init` outside of the folders of that project's spec and outputs",
        ));
    }
    sweep(&current, [])?;
    let Some(folder) = &arguments.from else {
        // The command line takes the names of examples only.
        let example = Example::named(&arguments.example).ok_or(Outcome::Invalid)?;
        let files: Vec<_> = example.files().into_iter().map(|(path, text)| (path.into(), text.to_owned())).collect();
        let out = create(&current, &files)?;
        print_text(&(out + "\n" + &next_steps(None)));
        return Ok(Outcome::Clean);
    };
    let folder = below(&current, folder)?;
    let imported = existing(&current, &folder)?;
    let out = create(&current, &imported.files)?;
    let outcome = import::say("folder", &imported.notes, imported.is_whole(), None);
    let env = folder.join(".env");
    print_text(&(out + "\n" + &next_steps(Some(env).filter(|env| current.join(env).exists()))));
    Ok(outcome)
}

fn next_steps(env: Option<Utf8PathBuf>) -> String {
    let mut out = String::from("Next steps:\n  gen render    write the outputs to generated/\n");
    if let Some(env) = env {
        let _ = writeln!(out, "  cp {env} generated/dev/.env");
    }
    out.push_str("  gen dev up    start the stack (needs Docker)\n");
    out
}

/// The folder that a spec is made of, relative to the current one.
fn below(current: &Utf8Path, folder: &Utf8Path) -> Ran<Utf8PathBuf> {
    let Some(below) = stackgen::import::folder::below(current, folder) else {
        let help = "run `gen init --from .` there, or in a folder above it: the spec belongs to the current directory";
        let title = format!("`{folder}` is not below the current directory");
        return Err(stop_with(Outcome::Invalid, title, help));
    };
    let there = links::follow(current, &below).and_then(|path| path.metadata());
    if !there.map_err(|error| stop(Outcome::Failed, format!("cannot read `{folder}`: {error}")))?.is_dir() {
        return Err(stop(Outcome::Invalid, format!("`{folder}` is not a folder")));
    }
    Ok(below)
}

/// What a folder becomes.
fn existing(current: &Utf8Path, folder: &Utf8Path) -> Ran<Import> {
    let help = "convert one with another name: `gen import compose FILE --output spec/stack.toml`";
    let (files, name) = compose::located(&import::compose_files(current, folder, help)?, &import::as_entered(current));
    let list = |path: &Utf8Path| {
        let entries = entries(links::follow(current, path)?.as_std_path())?.into_iter().map(|entry| {
            let name = entry.name.to_string_lossy().into_owned();
            // A link to a file is as good as the file; a folder may be one that contains the link.
            let is_file = entry.kind == Kind::File || links::is_file(current, &path.join(&name));
            (name, if is_file { Kind::File } else { entry.kind })
        });
        Ok(entries.collect())
    };
    // What the folder has may be a stranger's.
    let read = |path: &Utf8Path| match stackgen::import::folder::below(current, path) {
        Some(path) => links::read_text(current, &path, import::LARGEST),
        None => Err(io::Error::other("it is not below the current directory")),
    };
    let how = Files { read: &read, list: &list };
    stackgen::import::folder::import(&files, &name, &how).map_err(import::refuse_compose)
}

/// Creates the files of a spec and what Git needs to know, or nothing; says what was done.
fn create(current: &Utf8Path, files: &[(Utf8PathBuf, String)]) -> Ran<String> {
    // A broken link counts as well; what a killed run has created doesn't, as long as the spec itself is missing.
    let differs = |path: &Utf8Path, text: &str| {
        let path = current.join(path);
        path.symlink_metadata().is_ok() && std::fs::read_to_string(path).ok().as_deref() != Some(text)
    };
    let is_there = current.join(MAIN).symlink_metadata().is_ok();
    let refused = files.iter().find(|(path, text)| if path == MAIN { is_there } else { differs(path, text) });
    if let Some((path, _)) = refused {
        return Err(stop_with(
            Outcome::Findings,
            format!("`{path}` already exists; nothing was written"),
            if path == MAIN {
                "edit it, or run `gen init` in an empty directory"
            } else {
                "move it, or run `gen init` in an empty directory"
            },
        ));
    }
    // Those that are there are completed.
    let mut for_git = Vec::new();
    for (path, lines) in [ATTRIBUTES, IGNORED] {
        let old = match links::read_text(current, path.into(), spec::LARGEST) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(stop(Outcome::Failed, format!("cannot read `{path}`: {error}"))),
        };
        for_git.extend(with_lines(old.as_deref(), lines).map(|text| (path, text, old.is_some())));
    }
    let new = for_git.iter().filter(|(.., is_there)| !is_there);
    let new = new.map(|(path, text, _)| (Utf8Path::new(path), text.as_str()));
    // The spec last, since it is what makes a directory a project.
    let (main, others): (Vec<_>, Vec<_>) =
        files.iter().map(|(path, text)| (path.as_path(), text.as_str())).partition(|(path, _)| *path == MAIN);
    output::create(current, new.chain(others).chain(main)).map_err(|error| stop(Outcome::Failed, error))?;
    for (path, text, _) in for_git.iter().filter(|(.., is_there)| *is_there) {
        output::replace(current, Utf8Path::new(path), text, output::Mode::Keep)
            .map_err(|error| stop(Outcome::Failed, error))?;
    }
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    for (path, _) in files {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: created");
    }
    for (path, _, is_there) in &for_git {
        let _ = writeln!(out, "{BOLD}{path}{RESET}: {}", if *is_there { "updated" } else { "created" });
    }
    Ok(out)
}

/// The folders of a project's spec and outputs: the default ones if its spec is wrong.
fn folders(root: &Utf8Path) -> Vec<String> {
    let mut all = ["spec", GENERATED, TERRAFORM].map(str::to_owned).to_vec();
    if let Ok(project) = load(root.to_owned(), location(), None) {
        let Outputs { generated, terraform, .. } = project.folders();
        all.extend([generated, terraform]);
    }
    all
}
