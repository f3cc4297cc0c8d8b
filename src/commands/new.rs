//! `gen new`.

use std::fmt::Write as _;

use camino::Utf8Path;
use stackgen::diagnostic::Diagnostics;
use stackgen::edit::draft::{Change, Draft, Refusal};
use stackgen::edit::new::{self, New as Wanted, Service};
use stackgen::edit::save;
use stackgen::spec::kind::Kind;
use stackgen::spec::source::Sources;
use stackgen::spec::stack::DatasourceType;
use stackgen::spec::{self, ReadError, tree};

use super::report::{self, BOLD, CYAN, GREEN, RED, RESET};
use super::{Outcome, fail, print, report_diagnostics, root};
use crate::cli::{Format, New, NewCommand};

pub fn run(arguments: &New) -> Outcome {
    let root = match root() {
        Ok(root) => root,
        Err(outcome) => return outcome,
    };
    let sources = match read(&root) {
        Ok(sources) => sources,
        Err(outcome) => return outcome,
    };
    let draft = match new::add(&sources, wanted(&arguments.command)) {
        Ok(draft) => draft,
        Err(Refusal { message, help }) => {
            fail(&format!("{message}; nothing was written\n  {CYAN}help{RESET}: {help}"));
            return Outcome::Invalid;
        }
    };
    let (edited, mistakes) = draft.mistakes(&sources);
    if !mistakes.is_empty() {
        let mut out = report::excerpts(&edited, &mistakes);
        let problems = if mistakes.len() == 1 { "a mistake" } else { "mistakes" };
        // Writing to a `String` cannot fail.
        let _ =
            writeln!(out, "{RED}error{RESET}: the spec would have {problems} that it hasn't now; nothing was written");
        print(anstream::stderr(), &out);
        return Outcome::Invalid;
    }
    if let Err((path, error)) = write(&root, &draft) {
        fail(&format!("cannot write `{path}`: {error}"));
        return Outcome::Failed;
    }
    print(anstream::stdout(), &changes(draft.changes()));
    let left = stackgen::plan(&edited, None).err().map_or(0, |problems| problems.len());
    if left > 0 {
        let problems = if left == 1 { "problem" } else { "problems" };
        print(anstream::stderr(), &format!("the spec still has {left} {problems}, which `gen check` shows\n"));
    }
    Outcome::Clean
}

fn wanted(command: &NewCommand) -> Wanted<'_> {
    match command {
        NewCommand::Service(service) => Wanted::Service(Service {
            name: &service.name,
            // The command line takes these words only.
            kind: service.kind.as_deref().and_then(Kind::from_word),
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
    }
}

/// Reads the spec, whatever is wrong with it but its syntax.
fn read(root: &Utf8Path) -> Result<Sources, Outcome> {
    let (sources, diagnostics) = match spec::read(root) {
        Ok(sources) => {
            let mut diagnostics = Diagnostics::default();
            for file in 0..sources.files().len() {
                tree::parse(&sources, u16::try_from(file).unwrap_or(u16::MAX), &mut diagnostics);
            }
            (sources, diagnostics)
        }
        Err((_, ReadError::Io(path, error))) => {
            fail(&format!("cannot read `{path}`: {error}"));
            return Err(Outcome::Failed);
        }
        Err((sources, ReadError::Refused(diagnostics))) => (sources, diagnostics),
    };
    if diagnostics.is_empty() {
        return Ok(sources);
    }
    report_diagnostics(&sources, &diagnostics.into_sorted(), Format::Text);
    Err(Outcome::Invalid)
}

fn write(root: &Utf8Path, draft: &Draft) -> Result<(), (String, std::io::Error)> {
    for (path, text, is_new) in draft.changed() {
        let result = if is_new {
            save::create(root, [(path, text)]).map_err(|(_, error)| error)
        } else {
            save::replace(&root.join(path), text)
        };
        result.map_err(|error| (path.to_string(), error))?;
    }
    Ok(())
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
    out.push_str("run `gen render` to write the outputs\n");
    out
}
