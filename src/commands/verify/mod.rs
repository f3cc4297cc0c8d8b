//! `gen verify`: runs the checkers of the programs that read the outputs.
//!
//! They check what the spec renders, each in a folder of its own: what lies in the project is neither run nor obeyed, it is
//! only compared.

mod find;
mod report;
mod run;
mod trail;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use stackgen::Plan;
use stackgen::links;
use stackgen::output::{self, File};
use stackgen::parallel::{processors, side_by_side};
use stackgen::spec::source::Sources;
use stackgen::verify::{self, Check, Complaint, Consumer, Texts};

use self::find::{Engine, Local};
use super::confined::Programs;
use super::{Outcome, Ran, print, print_text, project, stop_for, stop_with};
use crate::cli::{Format, Verify};

/// A check and how it ended.
struct Row {
    check: Check,
    /// The consumer's version, if known.
    version: Option<String>,
    /// Whether it ran in an image.
    in_image: bool,
    verdict: Verdict,
    time: Duration,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Rejected(Vec<Complaint>),
    /// The checker, or something that it needs, is missing.
    Skipped(String),
    /// The checker failed without a verdict.
    Broken(String),
}

/// A profile and its checks.
struct Profile<'p> {
    plan: &'p Plan,
    texts: Texts,
    /// The outputs on disk that are not what the spec renders: they were not verified.
    different: Vec<Utf8PathBuf>,
    rows: Vec<Row>,
    /// The outputs that no program reads.
    unread: Vec<Utf8PathBuf>,
}

pub fn run(arguments: &Verify) -> Ran {
    let required = required(&arguments.require, arguments.context.is_some())?;
    let project = project(arguments.profile.as_deref(), arguments.format)?;
    let root = &project.root;
    let mut checks: Vec<(usize, Check)> = Vec::new();
    let mut profiles: Vec<Profile<'_>> = Vec::new();
    for (index, plan) in project.plans.iter().enumerate() {
        let profile = rendered(root, plan).map_err(|error| stop_for(&error))?;
        checks.extend(verify::checks(plan.stack(), &profile.texts).into_iter().map(|check| (index, check)));
        profiles.push(profile);
    }
    let programs = Programs::new(root);
    let rows = judge(root, &programs, checks, arguments.context.as_deref());
    for (index, row) in rows {
        if let Some(profile) = profiles.get_mut(index) {
            profile.rows.push(row);
        }
    }
    for profile in &mut profiles {
        let read = |path: &Utf8PathBuf| !profile.rows.iter().any(|row| row.check.artifacts.contains(path));
        profile.unread = verify::outputs(profile.plan.stack()).into_iter().filter(read).collect();
    }
    Ok(show(&project.sources, &profiles, &required, arguments.format, programs.without_network()))
}

/// Renders the outputs of a profile, and compares them with those on disk.
fn rendered<'p>(root: &Utf8Path, plan: &'p Plan) -> Result<Profile<'p>, output::Error> {
    let files: Vec<File> = plan.files().collect::<Result<_, _>>()?;
    let rendered = files.iter().map(|file| (file.path.clone(), file.contents.clone()));
    // Those of the user are checked as they are; one that can't be read is a difference to `gen check`.
    let own = plan.ejected().into_iter();
    let own = own.filter_map(|path| Some((path.clone(), links::read_text(root, &path, output::LARGEST).ok()?)));
    let texts = rendered.chain(own).collect();
    let comparison = output::compare(root, &plan.scope(), files.into_iter().map(Ok))?;
    let different = comparison.differences.into_iter().map(|difference| difference.path).collect();
    Ok(Profile { plan, texts, different, rows: Vec::new(), unread: Vec::new() })
}

fn show(sources: &Sources, profiles: &[Profile<'_>], required: &[&str], format: Format, offline: bool) -> Outcome {
    let trail = trail::follow(sources, profiles);
    match format {
        Format::Text => print_text(&report::text(profiles, &trail, required, offline)),
        Format::Json => print(io::stdout(), &report::json(profiles, &trail)),
        Format::Github => print(io::stdout(), &report::github(profiles, &trail, required)),
    }
    let rows = || profiles.iter().flat_map(|profile| &profile.rows);
    let missed = |row: &Row| matches!(row.verdict, Verdict::Skipped(_)) && required.contains(&row.check.consumer.name);
    let judged = |row: &Row| matches!(row.verdict, Verdict::Accepted | Verdict::Rejected(_));
    if rows().any(|row| missed(row) || matches!(row.verdict, Verdict::Broken(_))) || !rows().any(judged) {
        Outcome::Failed
    } else if rows().any(|row| matches!(row.verdict, Verdict::Rejected(_)))
        || profiles.iter().any(|profile| !profile.different.is_empty())
    {
        Outcome::Findings
    } else {
        Outcome::Clean
    }
}

/// The consumers that must not be skipped; `all` are those that need nothing but a program, unless a cluster is named.
fn required(names: &[String], has_cluster: bool) -> Ran<Vec<&'static str>> {
    let known = || verify::CONSUMERS.iter().map(|consumer| consumer.name);
    if names.iter().any(|name| name == "all") {
        return Ok(known().filter(|name| has_cluster || *name != verify::API_SERVER).collect());
    }
    names
        .iter()
        .map(|name| {
            known().find(|known| known == name).ok_or_else(|| {
                let names: Vec<&str> = known().collect();
                let help = format!("the consumers are: all, {}", names.join(", "));
                stop_with(Outcome::Invalid, format!("unknown consumer `{name}` in `--require`"), help)
            })
        })
        .collect()
}

/// Runs the checks in parallel; the results are in the same order.
fn judge(
    root: &Utf8Path,
    programs: &Programs,
    checks: Vec<(usize, Check)>,
    context: Option<&str>,
) -> Vec<(usize, Row)> {
    let consumers: Vec<&'static Consumer> = verify::CONSUMERS
        .iter()
        .copied()
        .filter(|consumer| checks.iter().any(|(_, check)| check.consumer == *consumer))
        .collect();
    let progress = Progress::new(consumers.len() + checks.len());
    let found: BTreeMap<&str, Result<Local, String>> = side_by_side(workers(), &consumers, |consumer| {
        let local = find::local(programs, consumer);
        progress.done(consumer.name);
        (consumer.name, local)
    })
    .into_iter()
    .collect();
    let engine = Engine::new(root, programs);
    let results = side_by_side(workers(), &checks, |(_, check)| {
        let started = Instant::now();
        let (verdict, version, in_image) = match found.get(check.consumer.name) {
            Some(Ok(local)) => (run::local(programs, check, local, context), local.version.clone(), false),
            Some(Err(reason)) => inside(programs, check, &engine, reason),
            None => (Verdict::Broken("its program was not looked for".to_owned()), None, false),
        };
        progress.done(check.consumer.name);
        (verdict, version, in_image, started.elapsed())
    });
    progress.clear();
    checks
        .into_iter()
        .zip(results)
        .map(|((index, check), (verdict, version, in_image, time))| {
            (index, Row { check, version, in_image, verdict, time })
        })
        .collect()
}

/// Runs a check in the image that the spec pins; `reason` says why there is no local program.
fn inside(programs: &Programs, check: &Check, engine: &Engine<'_>, reason: &str) -> (Verdict, Option<String>, bool) {
    let (Some(image), Some(inside)) = (&check.image, &check.inside) else {
        let how = check.consumer.how_to_get;
        return (Verdict::Skipped(format!("{reason}; to install it: {how}")), None, false);
    };
    let version = image.version().map(ToOwned::to_owned);
    match engine.has(image) {
        Err(missing) => (Verdict::Skipped(format!("{reason}, and {missing}")), version, false),
        Ok(()) => (run::inside(programs, check, image, inside), version, true),
    }
}

/// More than there are processors: checkers mostly wait for the disk and for containers.
fn workers() -> usize {
    (processors() * 2).clamp(2, 8)
}

/// A progress line, if standard error is a terminal.
struct Progress {
    total: usize,
    done: AtomicUsize,
    shown: bool,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self { total, done: AtomicUsize::new(0), shown: io::stderr().is_terminal() }
    }

    fn done(&self, name: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown {
            let _ = write!(io::stderr(), "\r\u{1b}[Kverifying {done}/{}: {name}", self.total);
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
