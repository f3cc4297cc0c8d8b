//! `gen watch`.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use notify::{Event, RecursiveMode, Watcher};
use stackgen::output;

use super::render::write;
use super::report::{BOLD, RESET};
use super::{Around, LOST, Outcome, Outputs, Ran, check, location, print_text, project, root, stop};
use crate::cli::{Format, Watch};

/// An editor saves a file in several steps: events closer together than this are one.
const QUIET: Duration = Duration::from_millis(20);

/// Lines of one render's changes that are shown.
const MOST_LINES: usize = 60;

pub fn run(arguments: &Watch) -> Ran {
    let root = root()?;
    let folder = root.join(location().folder());
    let (sender, events) = channel();
    let watcher = notify::recommended_watcher(move |event| {
        // The receiver is gone only when the process is.
        let _ = sender.send(event);
    });
    let started = watcher.and_then(|mut watcher| {
        watcher.watch(folder.as_std_path(), RecursiveMode::Recursive)?;
        Ok(watcher)
    });
    // Watching ends when this is dropped.
    let _watcher = started.map_err(|error| stop(Outcome::Failed, format!("cannot watch `{folder}`: {error}")))?;
    loop {
        render(arguments.profile.as_deref());
        print_text(&format!("{BOLD}watching{RESET} {}/\n", location().folder()));
        if LOST.load(Ordering::Relaxed) {
            return Err(Outcome::Failed);
        }
        wait(&events)?;
    }
}

/// Waits until a file of the spec has been saved.
fn wait(events: &Receiver<notify::Result<Event>>) -> Ran<()> {
    let mut saved = false;
    while !saved {
        match events.recv() {
            Ok(Ok(event)) => saved = concerns(&event),
            Ok(Err(error)) => return Err(stop(Outcome::Failed, format!("cannot continue watching: {error}"))),
            // The watcher lives as long as this.
            Err(_) => return Err(Outcome::Failed),
        }
    }
    while events.recv_timeout(QUIET).is_ok() {}
    Ok(())
}

/// Ignores reads and what a render itself writes next to the spec.
fn concerns(event: &Event) -> bool {
    let is_spec = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_written = name.ends_with(".schema.json") || name.ends_with(".sha256");
        !name.starts_with('.') && !is_written && !path.components().any(|part| part.as_os_str() == ".staging")
    };
    !event.kind.is_access() && event.paths.iter().any(|path| is_spec(path))
}

/// Renders once, and shows what changes.
fn render(profile: Option<&str>) {
    let Ok(project) = project(profile, Format::Text) else { return };
    let Ok(Around { removed, .. }) = project.around(profile) else { return };
    for Outputs { scope, files, .. } in project.outputs(profile, removed) {
        if let Ok(comparison) = output::compare(&project.root, &scope, files) {
            let manifest = scope.manifest;
            let differences =
                comparison.differences.into_iter().filter(|difference| difference.path != manifest).collect();
            print_text(&check::changes(differences, MOST_LINES));
        }
    }
    let options = output::Options { force: false, dry_run: false, prune: true, kept: &[] };
    write(&project, profile, options).show();
}
