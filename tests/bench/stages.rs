//! The stages of the pipeline, one benchmark each, on the reference stack and on synthetic ones.
//!
//! `cargo bench --bench stages` runs them all; a word behind `--` picks those whose names hold it.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has to stop")]

mod synthetic;

use std::{fmt, fs};

use camino::{Utf8Path, Utf8PathBuf};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use stackgen::diagnostic::Diagnostics;
use stackgen::output::{self, File, Options};
use stackgen::spec::source::Sources;
use stackgen::spec::{self, ProfileSpec};
use stackgen::{Plan, resolve, view};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// What a benchmark runs on.
#[derive(Clone, Copy)]
enum Stack {
    Reference,
    Synthetic(usize),
    /// So many dashboards, each with so many panels.
    Dashboards(usize, usize),
}

const STACKS: [Stack; 5] = [
    Stack::Reference,
    Stack::Synthetic(150),
    Stack::Synthetic(1_500),
    Stack::Synthetic(15_000),
    Stack::Dashboards(300, 40),
];

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference => f.write_str("reference"),
            Self::Synthetic(count) => count.fmt(f),
            Self::Dashboards(count, panels) => write!(f, "{count}x{panels}"),
        }
    }
}

/// A stack on disk.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new(stack: Stack) -> Self {
        let text = match stack {
            Stack::Reference => include_str!("../../spec/stack.toml").to_owned(),
            Stack::Synthetic(count) => synthetic::spec(count),
            Stack::Dashboards(..) => synthetic::spec_with_dashboards(),
        };
        let project = Self { folder: TempDir::new().unwrap() };
        fs::create_dir(project.root().join("spec")).unwrap();
        fs::write(project.root().join(spec::MAIN), text).unwrap();
        if let Stack::Dashboards(count, panels) = stack {
            fs::create_dir(project.root().join("spec/dashboards")).unwrap();
            for index in 1..=count {
                let path = project.root().join(format!("spec/dashboards/dashboard-{index:04}.toml"));
                fs::write(path, synthetic::dashboard(index, panels)).unwrap();
            }
        }
        if let Stack::Reference = stack {
            for folder in ["spec/dashboards", "spec/files"] {
                let from = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
                let to = project.root().join(folder);
                fs::create_dir(&to).unwrap();
                for file in from.read_dir_utf8().unwrap().map(Result::unwrap) {
                    fs::copy(file.path(), to.join(file.file_name())).unwrap();
                }
            }
        }
        project
    }

    fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }

    fn sources(&self) -> Sources {
        spec::read(self.root(), &spec::Location::default()).map_err(|(_, error)| error).unwrap()
    }

    fn plan(&self) -> Plan {
        stackgen::plan(&self.sources(), None).unwrap().pop().unwrap()
    }
}

fn bytes(sources: &Sources) -> BytesCount {
    BytesCount::new(sources.files().iter().map(|file| file.text.len()).sum::<usize>())
}

fn decode(sources: &Sources) -> Vec<ProfileSpec> {
    let mut diagnostics = Diagnostics::default();
    let mut profiles = Vec::new();
    spec::parse(sources, &mut diagnostics).for_each(|_| true, &mut diagnostics, |profile, _| profiles.push(profile));
    assert!(diagnostics.is_empty(), "the spec is sound");
    profiles
}

fn rendered(plan: &Plan) -> Vec<File> {
    plan.files().collect::<Result<_, _>>().unwrap()
}

/// 1: the files of the spec to text.
#[divan::bench(args = STACKS)]
fn read(bencher: Bencher<'_, '_>, stack: Stack) {
    let project = Project::new(stack);
    bencher.counter(bytes(&project.sources())).bench(|| project.sources());
}

/// 1: text to a tree with spans.
#[divan::bench(args = STACKS)]
fn parse(bencher: Bencher<'_, '_>, stack: Stack) {
    let sources = Project::new(stack).sources();
    // The document isn't dropped while the time is taken.
    bencher.counter(bytes(&sources)).bench(|| spec::parse(&sources, &mut Diagnostics::default()));
}

/// 1: text by way of the tree to typed tables.
#[divan::bench(args = STACKS)]
fn parse_and_decode(bencher: Bencher<'_, '_>, stack: Stack) {
    let sources = Project::new(stack).sources();
    bencher.counter(bytes(&sources)).bench(|| decode(&sources));
}

/// 2: typed tables to the model.
#[divan::bench(args = STACKS, name = "resolve")]
fn resolve_profile(bencher: Bencher<'_, '_>, stack: Stack) {
    let project = Project::new(stack);
    let profiles = decode(&project.sources());
    let services = project.plan().stack().services.len();
    bencher.counter(ItemsCount::new(services)).bench(|| {
        profiles
            .iter()
            .map(|profile| {
                resolve::resolve(profile, &mut resolve::Shared::default(), &mut Diagnostics::default()).unwrap()
            })
            .collect::<Vec<_>>()
    });
}

/// 1 and 2, with the time that it takes to drop what is needed no longer.
#[divan::bench(args = STACKS)]
fn plan(bencher: Bencher<'_, '_>, stack: Stack) {
    let project = Project::new(stack);
    let services = project.plan().stack().services.len();
    bencher
        .with_inputs(|| project.sources())
        .input_counter(bytes)
        .counter(ItemsCount::new(services))
        .bench_refs(|sources| stackgen::plan(sources, None).unwrap());
}

/// 3 to 5: every artifact to its text, each dropped before the next.
#[divan::bench(args = STACKS)]
fn render(bencher: Bencher<'_, '_>, stack: Stack) {
    let plan = Project::new(stack).plan();
    let size: usize = rendered(&plan).iter().map(|file| file.contents.len()).sum();
    bencher
        .counter(BytesCount::new(size))
        .bench(|| plan.files().map(|file| file.unwrap().contents.len()).sum::<usize>());
}

/// The artifacts of the reference stack, one by one.
#[divan::bench(args = reference_artifacts())]
fn artifact(bencher: Bencher<'_, '_>, path: &Utf8PathBuf) {
    let plan = Project::new(Stack::Reference).plan();
    let artifacts = view::artifacts(plan.stack());
    let artifact = artifacts.iter().find(|artifact| artifact.path == *path).unwrap();
    bencher.counter(BytesCount::of_str(&artifact.render().unwrap())).bench_local(|| artifact.render().unwrap());
}

fn reference_artifacts() -> Vec<Utf8PathBuf> {
    let plan = Project::new(Stack::Reference).plan();
    view::artifacts(plan.stack()).into_iter().map(|artifact| artifact.path).collect()
}

/// 6: rendered texts against the same files on disk.
#[divan::bench(args = STACKS)]
fn compare(bencher: Bencher<'_, '_>, stack: Stack) {
    let project = Project::new(stack);
    let plan = project.plan();
    let scope = plan.scope();
    output::write(project.root(), &scope, plan.files(), Options::default()).unwrap();
    let size: usize = rendered(&plan).iter().map(|file| file.contents.len()).sum();
    bencher.counter(BytesCount::new(size)).with_inputs(|| rendered(&plan)).bench_values(|files| {
        let comparison = output::compare(project.root(), &scope, files.into_iter().map(Ok)).unwrap();
        assert!(comparison.differences.is_empty(), "nothing differs");
        comparison.compared
    });
}
