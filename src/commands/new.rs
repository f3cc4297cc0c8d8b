//! `gen new`.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::edit;
use stackgen::edit::draft::{Change, Draft, Refusal};
use stackgen::edit::new::{self, New as Wanted, Service};
use stackgen::output;
use stackgen::review::counted;
use stackgen::spec::decode::listed;
use stackgen::spec::source::Sources;
use stackgen::spec::stack::DatasourceType;

use super::report::{self, BOLD, GREEN, RESET};
use super::{LOST, Outcome, Ran, location, print_error, print_text, read_toml, rewrite, root, stop, stop_with, sweep};
use crate::cli::{Format, New, NewCommand};

pub fn run(arguments: &New) -> Ran {
    let root = root()?;
    sweep(&root, [])?;
    let sources = read_toml(&root, Format::Text)?;
    let new = match &arguments.command {
        NewCommand::Service(service) => Wanted::Service(Service {
            name: &service.name,
            kind: service.kind.as_deref(),
            image: service.image.as_deref(),
            port: service.port,
            cluster: service.cluster.as_deref(),
        }),
        NewCommand::Datasource(datasource) => Wanted::Datasource {
            name: &datasource.name,
            kind: DatasourceType::from_word(&datasource.kind).unwrap_or(DatasourceType::Prometheus),
            service: datasource.service.as_deref(),
        },
        NewCommand::Dashboard(dashboard) => {
            Wanted::Dashboard { name: &dashboard.name, folder: dashboard.folder.as_deref() }
        }
        NewCommand::Kind { name } => {
            let files = edit::kind::new(&sources, name).map_err(refused)?;
            return kind(&root, name, &files);
        }
    };
    let draft = new::add(&sources, new).map_err(refused)?;
    write(&root, &sources, &draft)
}

/// Writes an edited spec that has no new mistakes.
pub fn write(root: &Utf8Path, sources: &Sources, draft: &Draft) -> Ran {
    let (edited, mistakes) = draft.mistakes(sources);
    if !mistakes.is_empty() {
        print_error(&report::excerpts(&edited, &mistakes));
        let problems = counted(mistakes.len(), "new problem");
        return Err(stop(Outcome::Invalid, format!("the spec would have {problems}; nothing was written")));
    }
    // New files last: a process that is killed before leaves nothing that the next one refuses.
    let (new, old): (Vec<_>, Vec<_>) = draft.changed().partition(|(_, _, is_new)| *is_new);
    rewrite(root, sources, old.into_iter().map(|(path, text, _)| (path, text)))?;
    let new = new.into_iter().map(|(path, text, _)| (path, text));
    output::create(root, new).map_err(|error| stop(Outcome::Failed, error))?;
    print_text(&changes(draft.changes()));
    if LOST.load(Ordering::Relaxed) {
        let paths = listed(draft.changed().map(|(path, ..)| path.as_str()));
        print_error(&format!("the change is in {paths}\n"));
    }
    let left = stackgen::plan(&edited, None).err().map_or(0, |problems| problems.len());
    if left > 0 {
        let problems = counted(left, "other problem");
        print_error(&format!("the spec has {problems}; run `{} check` to see more\n", location().program()));
    }
    Ok(Outcome::Clean)
}

fn kind(root: &Utf8Path, name: &str, files: &[(Utf8PathBuf, String)]) -> Ran {
    let written = files.iter().map(|(path, text)| (path.as_path(), text.as_str()));
    output::create(root, written).map_err(|error| stop(Outcome::Failed, error))?;
    let mut out = String::new();
    for (path, _) in files {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{BOLD}{path}{RESET}: created");
    }
    print_text(&format!(
        "{out}\nedit it, then run `{} new service {name}` or set `kind = \"{name}\"`\n",
        location().program()
    ));
    Ok(Outcome::Clean)
}

pub fn refused(Refusal { message, help }: Refusal) -> Outcome {
    stop_with(Outcome::Invalid, format!("{message}; nothing was written"), help)
}

fn changes(changes: &[Change]) -> String {
    let mut out = String::new();
    for Change { path, is_new_file, table, text } in changes {
        let what = match table {
            _ if *is_new_file => "created".to_owned(),
            Some(table) => format!("in `{table}`"),
            None => "added".to_owned(),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{BOLD}{path}{RESET}: {what}");
        for line in text.lines() {
            let _ = writeln!(out, "{GREEN}+{}{line}{RESET}", if line.is_empty() { "" } else { " " });
        }
        out.push('\n');
    }
    let _ = writeln!(out, "run `{} render` to write the outputs", location().program());
    out
}
