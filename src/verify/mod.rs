//! Validation by the programs that read the outputs: what to run, as data, and the meaning of its output.
//!
//! Nothing here starts a process or prints; the commands of the binary do. A [`Consumer`] is a program with a checker, a
//! [`Check`] one run of it on some outputs, a [`Complaint`] one of its errors, with the line of the output.
//!
//! What is checked is what the spec renders, never what lies on the disk: a check carries its files, and runs in a folder
//! with nothing else in it.

mod alloy;
mod checkov;
mod compose;
mod grafana;
mod hadolint;
mod kubernetes;
mod loki;
mod mimir;
mod place;
mod promtool;
mod shellcheck;
mod temporal;
mod terraform;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::dev::Environment;
use crate::model::Stack;
use crate::spec::kind::Verifier;
use crate::view;

/// A program that reads outputs, or a checker of their language.
#[derive(Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name in reports and on the command line.
    pub name: &'static str,
    /// Its programs on `PATH`: the first that prints its version is used.
    pub programs: &'static [Program],
    /// How to install it.
    pub how_to_get: &'static str,
}

/// A program on `PATH`.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Its file name.
    pub name: &'static str,
    /// Arguments before all others.
    pub first: &'static [&'static str],
    /// Arguments that make it print its version.
    pub version: &'static [&'static str],
}

/// An image of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Repository and tag.
    pub reference: String,
    /// Whether it is built locally and can't be pulled.
    pub built_here: bool,
}

impl Image {
    /// The version that the stack runs, if it is the tag.
    pub fn version(&self) -> Option<&str> {
        // A registry may have a port.
        let (_, tag) =
            self.reference.split_once('@').map_or(self.reference.as_str(), |(name, _)| name).rsplit_once(':')?;
        let tag = tag.trim_start_matches('v');
        (tag.starts_with(|c: char| c.is_ascii_digit()) && !tag.contains('/')).then_some(tag)
    }
}

/// One run of a consumer.
pub struct Check {
    /// The program.
    pub consumer: &'static Consumer,
    /// Which of its checkers it is, if it has several.
    pub what: &'static str,
    /// The outputs to check, relative to the root.
    pub artifacts: Vec<Utf8PathBuf>,
    /// Whether it stops at the first error, so that the other outputs may not have been checked.
    pub stops_at_the_first: bool,
    /// The image that the spec pins, if the consumer is a service of the stack.
    pub image: Option<Image>,
    /// What the program on `PATH` does first, if the user has set every variable that it needs.
    pub before: Option<Run>,
    /// How the program on `PATH` is run, in a folder of its own that holds `files`.
    pub local: Run,
    /// How the image's program is run, with paths below [`INSIDE`].
    pub inside: Option<Run>,
    /// The text of each artifact and of whatever else it reads, by path relative to that folder.
    pub files: Vec<(Utf8PathBuf, String)>,
    /// Interprets its output.
    pub read: Box<dyn Fn(&Answer<'_>) -> Reading + Send + Sync>,
}

impl Check {
    /// A check without an image.
    fn new(
        consumer: &'static Consumer,
        artifacts: Vec<Utf8PathBuf>,
        local: Run,
        read: impl Fn(&Answer<'_>) -> Reading + Send + Sync + 'static,
    ) -> Self {
        Self {
            consumer,
            what: "",
            artifacts,
            stops_at_the_first: false,
            image: None,
            before: None,
            local,
            inside: None,
            files: Vec::new(),
            read: Box::new(read),
        }
    }
}

/// The root of the outputs in a container.
pub const INSIDE: &str = "/verify";

/// The parameters of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Another program that starts the consumer, such as `bash`; the arguments are those of that program.
    pub through: Option<&'static str>,
    /// Arguments.
    pub args: Vec<Arg>,
    /// Variables, in addition to the few that every checker gets.
    pub env: Vec<(String, Arg)>,
    /// Replaces the image's entrypoint.
    pub entrypoint: Option<&'static str>,
    /// Additional mounts of a container: an output and its target.
    pub mounts: Vec<(Utf8PathBuf, &'static str)>,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// A literal argument. Paths are relative to the folder of the check.
    Is(String),
    /// A prefix and the value of a variable of the user: a folder outside the project.
    Folder(&'static str, &'static str),
    /// A prefix and the context of kubectl that the user names, whose settings and network the run then has.
    Context(&'static str),
    /// The path of the consumer's program.
    Program,
}

impl Run {
    fn new<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        Self { args: args.into_iter().map(|arg| Arg::Is(arg.to_owned())).collect(), ..Self::default() }
    }

    fn with(mut self, arg: Arg) -> Self {
        self.args.push(arg);
        self
    }

    /// Whether it asks the cluster that the user names.
    pub fn asks_cluster(&self) -> bool {
        self.args.iter().any(|arg| matches!(arg, Arg::Context(_)))
    }
}

/// The rendered outputs of a profile.
pub type Texts = BTreeMap<Utf8PathBuf, String>;

/// How a consumer ended.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Whether its exit code was 0.
    pub succeeded: bool,
    /// Its standard output.
    pub stdout: &'a str,
    /// Its standard error.
    pub stderr: &'a str,
    /// The checked outputs, as the consumer has read them.
    pub files: &'a [(Utf8PathBuf, String)],
}

impl<'a> Answer<'a> {
    /// The text of the only output.
    fn text(&self) -> &'a str {
        self.files.first().map_or("", |(_, text)| text)
    }

    /// A complaint about the only output.
    fn complaint(&self, line: Option<usize>, message: impl Into<String>) -> Complaint {
        let path = self.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        Complaint { path, line, message: message.into() }
    }

    /// The output that a message names, in any form of its path.
    fn named(&self, name: &str) -> Option<&'a Utf8Path> {
        let name = name.trim_start_matches("./");
        let by_end = self.files.iter().find(|(path, _)| name.ends_with(path.as_str()));
        let by_name = || {
            let file = Utf8Path::new(name).file_name()?;
            self.files.iter().find(|(path, _)| path.file_name() == Some(file))
        };
        by_end.or_else(by_name).map(|(path, _)| path.as_path())
    }

    /// The reading of an unknown output: the whole text is the error.
    fn unreadable(&self) -> Reading {
        let words = [self.stderr.trim(), self.stdout.trim()].into_iter().find(|words| !words.is_empty());
        match words {
            Some(words) => Reading::Judged(vec![self.complaint(None, words)]),
            None => Reading::NoVerdict("it failed without an error message".to_owned()),
        }
    }

    /// The reading of these complaints; without any, the exit code must be 0.
    fn judged(&self, complaints: Vec<Complaint>) -> Reading {
        if complaints.is_empty() && !self.succeeded { self.unreadable() } else { Reading::Judged(complaints) }
    }
}

/// The meaning of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The outputs were checked; without complaints they are valid.
    Judged(Vec<Complaint>),
    /// Something that the check needs is missing: what, and how to get it.
    Skipped(String),
    /// The check failed to run: why.
    NoVerdict(String),
}

/// An error that a consumer found in an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The output.
    pub path: Utf8PathBuf,
    /// The line, one-based, if known.
    pub line: Option<usize>,
    /// The consumer's message.
    pub message: String,
}

/// The consumer that needs a cluster.
pub const API_SERVER: &str = kubernetes::API_SERVER.name;

/// Every consumer, in the order of the documentation.
pub const CONSUMERS: &[&Consumer] = &[
    &compose::CONSUMER,
    &kubernetes::KUSTOMIZE,
    &kubernetes::KUBECONFORM,
    &kubernetes::API_SERVER,
    &alloy::CONSUMER,
    &loki::CONSUMER,
    &mimir::CONSUMER,
    &grafana::CONSUMER,
    &promtool::CONSUMER,
    &temporal::CONSUMER,
    &hadolint::CONSUMER,
    &shellcheck::CONSUMER,
    &terraform::CONSUMER,
    &checkov::CONSUMER,
];

/// The outputs of a stack, by the consumers that read them.
#[derive(Debug)]
struct Outputs<'s> {
    stack: &'s Stack,
    generated: Utf8PathBuf,
    terraform: Utf8PathBuf,
    texts: &'s Texts,
    /// In the order in which reports list them.
    paths: Vec<Utf8PathBuf>,
}

impl Outputs<'_> {
    /// An output in the profile's folder.
    fn generated(&self, name: &str) -> Utf8PathBuf {
        self.generated.join(name)
    }

    /// An output that containers read.
    fn mounted(&self, name: &str) -> Utf8PathBuf {
        Utf8PathBuf::from(self.stack.files()).join(name)
    }

    /// The text of an output.
    fn text(&self, path: &Utf8Path) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// The outputs for which `wanted` is true.
    fn which(&self, wanted: impl Fn(&Utf8Path) -> bool) -> Vec<Utf8PathBuf> {
        self.paths.iter().filter(|path| wanted(path)).cloned().collect()
    }

    /// A check of each of these outputs, whose path is the last argument.
    fn each(
        &self,
        wanted: impl Fn(&Utf8Path) -> bool,
        consumer: &'static Consumer,
        args: &[&str],
        read: fn(&Answer<'_>) -> Reading,
    ) -> Vec<Check> {
        let check = |file: Utf8PathBuf| {
            let local = Run::new(args.iter().copied().chain([file.as_str()]));
            Check::new(consumer, vec![file], local, read)
        };
        self.which(wanted).into_iter().map(check).collect()
    }

    /// The image of a service of the stack.
    fn image(&self, service: &str) -> Option<Image> {
        let service = self.stack.every_service().find(|known| known.name == service)?;
        let reference = service.image.as_ref()?.literal()?.to_owned();
        let built_here = self.stack.builds.iter().any(|build| build.reference == reference);
        Some(Image { reference, built_here })
    }

    /// A substitute for the user's `.env`, with a value for every variable.
    fn environment(&self) -> Environment {
        let value = |variable: &crate::model::Variable| {
            (variable.name.clone(), variable.default.clone().unwrap_or_else(|| EXAMPLE.to_owned()))
        };
        Environment::new(self.stack.variables.iter().map(value), [])
    }
}

/// The value of a variable without a default.
const EXAMPLE: &str = "example";

/// Every check of a stack and its rendered outputs, in the order of the consumers.
pub fn checks(stack: &Stack, texts: &Texts) -> Vec<Check> {
    let outputs = Outputs {
        stack,
        generated: stack.generated().into(),
        terraform: stack.terraform().into(),
        texts,
        paths: outputs(stack),
    };
    let mut checks = Vec::new();
    if stack.kubernetes.is_none() {
        checks.push(compose::check(&outputs));
    }
    checks.extend(kubernetes::checks(&outputs));
    checks.extend(alloy::checks(&outputs));
    checks.extend(kinds(&outputs));
    checks.extend(grafana::check(&outputs));
    checks.extend(promtool::checks(&outputs));
    checks.extend(hadolint::checks(&outputs));
    checks.extend(shellcheck::checks(&outputs));
    checks.extend(temporal::checks(&outputs));
    checks.extend(terraform::checks(&outputs));
    checks.extend(checkov::check(&outputs));
    for check in &mut checks {
        for path in &check.artifacts {
            if !check.files.iter().any(|(known, _)| known == path) {
                check.files.push((path.clone(), outputs.text(path).to_owned()));
            }
        }
    }
    checks
}

type Read = fn(&Answer<'_>) -> Reading;

/// The consumers of the files that kinds declare, their arguments before the file's path, and how their answers are read.
const OF_KINDS: [(Verifier, &Consumer, &[&str], Read); 2] = [
    (Verifier::Loki, &loki::CONSUMER, &["-verify-config"], loki::reading),
    (Verifier::Mimir, &mimir::CONSUMER, &["-modules"], mimir::reading),
];

/// The checks that kinds declare for their files: the program on `PATH`, or the one of the service's image.
fn kinds(outputs: &Outputs<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for service in &outputs.stack.services {
        for (file, check) in service.files.iter().filter_map(|file| Some((file, file.check?))) {
            let Some((_, consumer, arguments, reading)) = OF_KINDS.iter().find(|(known, ..)| *known == check) else {
                continue;
            };
            let path = outputs.mounted(&file.path);
            let run = |path: &str| {
                let file = format!("-config.file={path}");
                Run::new(arguments.iter().copied().chain([file.as_str()]))
            };
            checks.push(Check {
                image: outputs.image(&service.name),
                inside: Some(run(&format!("{INSIDE}/{path}"))),
                ..Check::new(consumer, vec![path.clone()], run(path.as_str()), *reading)
            });
        }
    }
    // In the order of the consumers, whatever that of the services is.
    checks.sort_by_key(|check| OF_KINDS.iter().position(|(_, consumer, ..)| *consumer == check.consumer));
    checks
}

/// Every output of a stack, in the order in which reports list them.
pub fn outputs(stack: &Stack) -> Vec<Utf8PathBuf> {
    view::artifacts(stack).into_iter().map(|artifact| artifact.path).collect()
}

/// The version in a program's output: the first word that looks like one.
pub fn version(answer: &str) -> Option<&str> {
    answer
        .split(|c: char| c.is_whitespace() || c == ',' || c == '"')
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_consumers_tell_them() {
        for (answer, version) in [
            ("loki, version 3.6.7 (branch: release-3.6.x, revision: 7e1daf3a)\n  build user:", "3.6.7"),
            ("alloy, version v1.19.0 (branch: HEAD)", "1.19.0"),
            ("Haskell Dockerfile Linter 2.15.1", "2.15.1"),
            ("temporal version 1.31.2", "1.31.2"),
            ("2.40.3", "2.40.3"),
            ("{\n  \"terraform_version\": \"1.11.4\",", "1.11.4"),
            ("ShellCheck - shell script analysis tool\nversion: 0.11.0\n", "0.11.0"),
            ("promtool, version 2.42.0+ds (branch: debian/sid)", "2.42.0+ds"),
        ] {
            assert_eq!(super::version(answer), Some(version));
        }
        assert_eq!(version("no idea"), None);
    }

    #[test]
    fn an_image_tells_its_version_by_its_tag() {
        let version = |reference: &str| {
            Image { reference: reference.to_owned(), built_here: false }.version().map(ToOwned::to_owned)
        };
        assert_eq!(version("grafana/alloy:v1.19.1").as_deref(), Some("1.19.1"));
        assert_eq!(version("localhost:5000/loki"), None);
        assert_eq!(version("temporal-dsql-runtime:test"), None);
        assert_eq!(version("grafana/loki:3.7.6@sha256:00").as_deref(), Some("3.7.6"));
    }
}
