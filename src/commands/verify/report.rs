//! The results of the checks, for people, programs and GitHub.

use std::fmt::Write as _;
use std::time::Duration;

use camino::Utf8Path;
use serde_json::{Value, json};
use stackgen::review::counted;
use stackgen::shown::on_one_line;

use super::super::location;
use super::super::report::{self, BOLD, CYAN, GREEN, RED, RESET, YELLOW};
use super::trail::Trail;
use super::{Profile, Row, Verdict};

/// The number of checks for each verdict.
#[derive(Default)]
struct Count {
    accepted: usize,
    rejected: usize,
    skipped: usize,
    broken: usize,
}

impl Count {
    fn of(profiles: &[Profile<'_>]) -> Self {
        let mut count = Self::default();
        for row in profiles.iter().flat_map(|profile| &profile.rows) {
            match row.verdict {
                Verdict::Accepted => count.accepted += 1,
                Verdict::Rejected(_) => count.rejected += 1,
                Verdict::Skipped(_) => count.skipped += 1,
                Verdict::Broken(_) => count.broken += 1,
            }
        }
        count
    }

    fn line(&self) -> String {
        let mut parts = vec![format!("{} accepted", self.accepted)];
        for (number, word) in [(self.rejected, "rejected"), (self.skipped, "skipped"), (self.broken, "failed to run")] {
            if number > 0 {
                parts.push(format!("{number} {word}"));
            }
        }
        let all = self.accepted + self.rejected + self.skipped + self.broken;
        format!("{}: {}", counted(all, "check"), parts.join(", "))
    }
}

/// A line of the table: one output and one check.
struct Line<'r> {
    path: &'r str,
    consumer: String,
    verdict: &'static str,
    colour: &'static str,
    time: String,
}

fn lines<'r>(profile: &'r Profile<'_>) -> Vec<Line<'r>> {
    let folder = format!("{}/", profile.plan.stack().generated());
    let mut lines = Vec::new();
    for row in &profile.rows {
        for (index, path) in row.check.artifacts.iter().enumerate() {
            let (verdict, colour) = verdict_on(row, path);
            lines.push(Line {
                path: path.as_str().strip_prefix(&folder).unwrap_or(path.as_str()),
                consumer: consumer(row),
                verdict,
                colour,
                // The time is that of all outputs of the check.
                time: if index == 0 { seconds(row.time) } else { String::new() },
            });
        }
    }
    lines
}

fn verdict_on(row: &Row, path: &Utf8Path) -> (&'static str, &'static str) {
    match &row.verdict {
        Verdict::Rejected(complaints) if complaints.iter().any(|complaint| complaint.path == path) => ("rejected", RED),
        Verdict::Rejected(_) if row.check.stops_at_the_first => ("unknown", YELLOW),
        Verdict::Accepted | Verdict::Rejected(_) => ("accepted", GREEN),
        Verdict::Skipped(_) => ("skipped", YELLOW),
        Verdict::Broken(_) => ("failed", RED),
    }
}

fn consumer(row: &Row) -> String {
    let mut name = row.check.consumer.name.to_owned();
    for word in [row.check.what, row.version.as_deref().unwrap_or_default()] {
        if !word.is_empty() {
            name.push(' ');
            name.push_str(word);
        }
    }
    name
}

fn seconds(time: Duration) -> String {
    format!("{:.2}s", time.as_secs_f64())
}

pub fn text(profiles: &[Profile<'_>], trail: &Trail, required: &[&str], offline: bool) -> String {
    let mut out = String::new();
    for profile in profiles {
        if !profile.different.is_empty() {
            let differ = if profile.different.len() == 1 { "differs" } else { "differ" };
            let files = counted(profile.different.len(), "file");
            let _ = writeln!(out, "{RED}error{RESET}: {files} on disk {differ} from what the spec renders:");
            for path in &profile.different {
                let _ = writeln!(out, "  {path}");
            }
            let program = location().program();
            let _ = writeln!(
                out,
                "  {CYAN}help{RESET}: only what the spec renders is verified: run `{program} render`, or `{program} check` for details\n"
            );
        }
        let _ = writeln!(out, "{BOLD}{}{RESET}", profile.plan.stack().generated());
        let folder = format!("{}/", profile.plan.stack().generated());
        let lines = lines(profile);
        let widest = |text: fn(&Line<'_>) -> usize| lines.iter().map(text).max().unwrap_or_default();
        let path = widest(|line| line.path.len());
        let consumer = widest(|line| line.consumer.len());
        for line in &lines {
            let Line { verdict, colour, time, .. } = line;
            let row = format!(
                "{:path$}  {:consumer$} {colour}{verdict}{RESET}{:rest$}{time:>5}",
                line.path,
                line.consumer,
                "",
                rest = 9 - verdict.len(),
            );
            let _ = writeln!(out, "{}", row.trim_end());
        }
        for unread in &profile.unread {
            let name = unread.as_str().strip_prefix(&folder).unwrap_or(unread.as_str());
            let _ = writeln!(out, "{name:path$}  not checked");
        }
        out.push('\n');
    }
    out.push_str(&report::excerpts(&trail.sources, &trail.diagnostics));
    let mut said: Vec<String> = Vec::new();
    for row in profiles.iter().flat_map(|profile| &profile.rows) {
        for note in notes(row, required) {
            if !said.contains(&note) {
                said.push(note);
            }
        }
    }
    let ran_here = |row: &Row| !row.in_image && !matches!(row.verdict, Verdict::Skipped(_));
    if !offline && profiles.iter().flat_map(|profile| &profile.rows).any(ran_here) {
        said.push(format!("{CYAN}note{RESET}: this system cannot take the network away from checkers on `PATH`"));
    }
    for note in &said {
        let _ = writeln!(out, "{note}");
    }
    if !said.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", Count::of(profiles).line());
    out
}

/// Notes on a check.
fn notes(row: &Row, required: &[&str]) -> Vec<String> {
    let name = row.check.consumer.name;
    let mut notes = Vec::new();
    match &row.verdict {
        Verdict::Skipped(reason) if required.contains(&name) => {
            notes.push(format!("{RED}error{RESET}: {name} is required but was skipped: {reason}"));
        }
        Verdict::Skipped(reason) => notes.push(format!("{YELLOW}skipped{RESET}: {name}: {reason}")),
        Verdict::Broken(reason) => notes.push(format!("{RED}error{RESET}: {name} failed to run: {reason}")),
        Verdict::Accepted | Verdict::Rejected(_) => {}
    }
    if let (Some(pinned), Some(version), false) =
        (pinned(row), &row.version, matches!(row.verdict, Verdict::Skipped(_)))
        && pinned != version
    {
        notes.push(format!("{CYAN}note{RESET}: checked with {name} {version}, but the spec pins {pinned}"));
    }
    notes
}

/// The version that the spec pins.
fn pinned(row: &Row) -> Option<&str> {
    row.check.image.as_ref()?.version()
}

pub fn github(profiles: &[Profile<'_>], trail: &Trail, required: &[&str]) -> String {
    let mut out = String::new();
    for path in profiles.iter().flat_map(|profile| &profile.different) {
        let message =
            location().commands("differs from what the spec renders, which alone is verified: run `gen render`");
        report::annotation(&mut out, Some((path.as_str(), 1, 1)), "different", &message);
    }
    out.push_str(&report::github(&trail.sources, &trail.diagnostics));
    for row in profiles.iter().flat_map(|profile| &profile.rows) {
        let name = row.check.consumer.name;
        let place = row.check.artifacts.first().map(|path| (path.as_str(), 1, 1));
        match &row.verdict {
            Verdict::Skipped(reason) if required.contains(&name) => {
                report::annotation(&mut out, place, name, &format!("required but skipped: {reason}"));
            }
            Verdict::Broken(reason) => report::annotation(&mut out, place, name, &format!("failed to run: {reason}")),
            Verdict::Skipped(reason) => {
                let _ = writeln!(out, "skipped: {name}: {}", on_one_line(reason));
            }
            Verdict::Accepted | Verdict::Rejected(_) => {}
        }
    }
    let _ = writeln!(out, "{}", Count::of(profiles).line());
    out
}

pub fn json(profiles: &[Profile<'_>], trail: &Trail) -> String {
    let rows = profiles.iter().flat_map(|profile| profile.rows.iter().map(move |row| (profile, row)));
    let checks: Vec<Value> = rows
        .map(|(profile, row)| {
            let (verdict, reason) = match &row.verdict {
                Verdict::Accepted => ("accepted", None),
                Verdict::Rejected(_) => ("rejected", None),
                Verdict::Skipped(reason) => ("skipped", Some(reason)),
                Verdict::Broken(reason) => ("failed", Some(reason)),
            };
            json!({
                "profile": profile.plan.profile(),
                "artifacts": row.check.artifacts.iter().map(|path| path.as_str()).collect::<Vec<_>>(),
                "consumer": row.check.consumer.name,
                "what": row.check.what,
                "version": row.version,
                "pinned": pinned(row),
                "image": row.check.image.as_ref().filter(|_| row.in_image).map(|image| &image.reference),
                "verdict": verdict,
                "reason": reason,
                "seconds": row.time.as_secs_f64(),
            })
        })
        .collect();
    let count = Count::of(profiles);
    report::versioned(json!({
        "checks": checks,
        "complaints": report::json_diagnostics(&trail.sources, &trail.diagnostics),
        "different": profiles.iter().flat_map(|profile| &profile.different).map(|path| path.as_str()).collect::<Vec<_>>(),
        "unread": profiles.iter().flat_map(|profile| &profile.unread).map(|path| path.as_str()).collect::<Vec<_>>(),
        "accepted": count.accepted,
        "rejected": count.rejected,
        "skipped": count.skipped,
        "broken": count.broken,
    }))
}
