//! `gen upgrade`.

use std::fmt::Write as _;

use camino::Utf8Path;
use stackgen::diagnostic::Diagnostics;
use stackgen::edit::upgrade::{Change, Rendered, upgraded};
use stackgen::import::compose;
use stackgen::output::{self, FORMAT, File};
use stackgen::review::counted;
use stackgen::spec::former;
use stackgen::spec::source::Sources;
use stackgen::spec::stack::GENERATED;
use stackgen::spec::tree::{self, Value};
use stackgen::{MANIFEST, Plan, folder, links, plan};

use super::report::{self, BOLD, CYAN, RESET};
use super::{Outcome, Ran, location, print_error, print_text, read_toml, rewrite, root, stop, stop_with, sweep};
use crate::cli::{Format, Upgrade};

/// Differences of a file that are shown; the rest is counted.
const MOST: usize = 10;

pub fn run(arguments: &Upgrade) -> Ran {
    let root = root()?;
    if !arguments.dry_run {
        sweep(&root, [])?;
    }
    let sources = read_toml(&root, Format::Text)?;
    let (formats, rendered) = committed(&root, &sources);
    let is_current = !formats.is_empty() && formats.iter().all(|format| format.is_some_and(|format| format >= FORMAT));
    // A branch from before may have brought old keys along.
    let rendered = if is_current { Rendered::default() } else { rendered };
    let (new, all) = upgraded(&sources, &rendered);
    if is_current && all.is_empty() {
        print_text(&format!("The spec and its outputs have the current format, {FORMAT}.\n"));
        return Ok(Outcome::Clean);
    }
    let changed = sources.files().iter().zip(new.files()).filter(|(old, new)| old.text != new.text);
    let files: Vec<(&Utf8Path, &str)> = changed.map(|(_, file)| (file.path.as_path(), file.text.as_str())).collect();
    let mut out = String::new();
    let mut last = String::new();
    for Change { path, line, what, .. } in &all {
        let text = format!("{BOLD}{path}:{line}{RESET}: {what}\n");
        // The keys of a table move together.
        if text != last {
            out.push_str(&text);
        }
        last = text;
    }
    print_text(&out);
    let plans = plan(&new, None);
    if plans.as_ref().is_err_and(|diagnostics| diagnostics.iter().any(|found| found.code == "toml-syntax")) {
        print_error(&report::excerpts(&new, plans.as_ref().err().map_or(&[], Vec::as_slice)));
        let help = "make these changes by hand, then run `gen upgrade` again";
        return Err(stop_with(Outcome::Invalid, "the changed spec would not be valid TOML; nothing was written", help));
    }
    if let Ok(plans) = &plans {
        let files = plans.iter().flat_map(Plan::files).collect::<Result<Vec<_>, _>>();
        print_text(&compared(&root, &files.map_err(|error| stop(Outcome::Failed, error))?));
    }
    if !arguments.dry_run {
        rewrite(&root, &sources, files.iter().copied())?;
    }
    let would = if arguments.dry_run { "would be " } else { "" };
    print_text(&format!("{}, {} {would}changed\n", counted(all.len(), "change"), counted(files.len(), "file")));
    match plans {
        Ok(_) => {
            print_text(&format!("{CYAN}help{RESET}: {}\n", location().commands("run `gen render`")));
            Ok(Outcome::Clean)
        }
        Err(mut diagnostics) => {
            // It was just run.
            for diagnostic in diagnostics.iter_mut().filter(|found| found.help.as_deref() == Some(former::HELP)) {
                diagnostic.help =
                    Some("it is a key of an older format: write its keys in the table above it".to_owned());
            }
            print_error(&report::excerpts(&new, &diagnostics));
            let left = counted(diagnostics.len(), "problem");
            Err(stop_with(
                Outcome::Invalid,
                format!("{left} left in the spec"),
                "fix the rest by hand, then run `gen render`",
            ))
        }
    }
}

/// The formats that the manifests of the outputs name, if they do, and what the Compose files have.
fn committed(root: &Utf8Path, sources: &Sources) -> (Vec<Option<u32>>, Rendered) {
    // What the spec says besides cannot be read yet.
    let parsed = tree::parse(sources, 0, &mut Diagnostics::default());
    let generated = match parsed.table.at(&["outputs", "generated"]).map(|node| &node.value) {
        Some(Value::String(folder)) => folder.to_string(),
        _ => GENERATED.to_owned(),
    };
    let mut formats = Vec::new();
    let mut rendered = Rendered::default();
    for entry in folder::entries(root.join(&generated).as_std_path()).unwrap_or_default() {
        let profile = format!("{generated}/{}", entry.name.to_string_lossy());
        let read = |name: &str| links::read_text(root, format!("{profile}/{name}").as_ref(), output::LARGEST).ok();
        formats.extend(read(MANIFEST).map(|manifest| output::format_of(&manifest)));
        rendered.compose.extend(read("docker-compose.yml"));
    }
    (formats, rendered)
}

/// Whether the outputs on disk mean the same as those that a render would write.
fn compared(root: &Utf8Path, files: &[File]) -> String {
    let mut out = String::new();
    let (mut same, mut alike) = (0, 0);
    for File { path, contents, .. } in files {
        let Ok(on_disk) = links::read_text(root, path, output::LARGEST) else {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "{BOLD}{path}{RESET}: new");
            continue;
        };
        if on_disk == *contents {
            same += 1;
            continue;
        }
        let is_yaml = [".yaml", ".yml", ".json"].iter().any(|end| path.as_str().ends_with(end));
        match compose::differences(&on_disk, contents).ok().filter(|_| is_yaml) {
            Some(differences) if differences.is_empty() => alike += 1,
            Some(differences) => {
                let _ = writeln!(out, "{BOLD}{path}{RESET}: differs");
                for difference in differences.iter().take(MOST) {
                    let _ = writeln!(out, "  {difference}");
                }
                if differences.len() > MOST {
                    let _ = writeln!(out, "  … and {} more", differences.len() - MOST);
                }
            }
            None => _ = writeln!(out, "{BOLD}{path}{RESET}: differs"),
        }
    }
    let _ = writeln!(out, "{}: {same} the same, {alike} with the same meaning", counted(files.len(), "output"));
    out
}
