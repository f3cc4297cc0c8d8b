//! What the programs that read the outputs say of them: which is to be run on what, as data, and what its answer means.
//!
//! Nothing here starts a process or prints; that is up to the commands of the binary. A [`Consumer`] is a program with
//! a checker of its own, a [`Check`] one run of it over some outputs, a [`Complaint`] a sentence of its answer with the
//! line that it is about.

mod alloy;
mod checkov;
mod compose;
mod grafana;
mod hadolint;
mod loki;
mod mimir;
mod place;
mod promtool;
mod shellcheck;
mod temporal;
mod terraform;

use camino::{Utf8Path, Utf8PathBuf};

use crate::dev::Environment;
use crate::model::Stack;
use crate::view;

/// A program that reads outputs, or a checker of their language.
#[derive(Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name in reports and on the command line.
    pub name: &'static str,
    /// What is looked for on `PATH`, the first that answers when it is asked for its version.
    pub programs: &'static [Program],
    /// How to get it.
    pub how_to_get: &'static str,
}

/// A program on `PATH`.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// Its file name.
    pub name: &'static str,
    /// What goes before its other arguments.
    pub first: &'static [&'static str],
    /// What asks it for its version.
    pub version: &'static [&'static str],
}

/// An image that holds a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Repository and tag.
    pub reference: String,
    /// Whether it is built here, so that nothing could pull it.
    pub built_here: bool,
}

impl Image {
    /// The version that the stack runs, if the tag tells.
    #[must_use]
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
    /// Who judges.
    pub consumer: &'static Consumer,
    /// Which of its checkers it is, if it has several.
    pub what: &'static str,
    /// The outputs that are judged, below the root.
    pub artifacts: Vec<Utf8PathBuf>,
    /// Whether it ends at the first problem, so that nothing is known of the other outputs.
    pub stops_at_the_first: bool,
    /// The image that the spec pins, if the consumer is a service of the stack.
    pub image: Option<Image>,
    /// How the program on `PATH` is run, at the root.
    pub local: Run,
    /// How the image's program is run; its paths are those below [`INSIDE`].
    pub inside: Option<Run>,
    /// Files that are written for it, by name.
    pub inputs: Vec<(String, String)>,
    /// What its answer means.
    pub read: Box<dyn Fn(&Answer<'_>) -> Reading + Send + Sync>,
}

impl Check {
    /// A check of a program that is looked for on `PATH` only.
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
            local,
            inside: None,
            inputs: Vec::new(),
            read: Box::new(read),
        }
    }
}

/// Where a container finds the outputs, at the paths that they have below the root.
pub const INSIDE: &str = "/verify";

/// What a run starts with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Another program that starts the consumer, as `bash`; then its first arguments are the run's own.
    pub through: Option<&'static str>,
    /// Arguments.
    pub args: Vec<Arg>,
    /// Variables. Of those of this process a run has what it needs to be found and to find an engine.
    pub env: Vec<(String, Arg)>,
    /// What a container starts instead of the image's entrypoint.
    pub entrypoint: Option<&'static str>,
    /// Further mounts of a container: an output and where it appears.
    pub mounts: Vec<(Utf8PathBuf, &'static str)>,
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// As it is. Paths are relative to the root.
    Is(String),
    /// A file, or with an empty name the folder, of those that were written for the check; after these words.
    Input(&'static str, &'static str),
    /// The consumer's own path.
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
}

/// How a consumer ended.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Whether its exit code was 0.
    pub succeeded: bool,
    /// Its standard output.
    pub stdout: &'a str,
    /// Its standard error.
    pub stderr: &'a str,
    /// The outputs that were judged, as they are on disk.
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

    /// The output that a consumer's message names, however it writes the path.
    fn named(&self, name: &str) -> Option<&'a Utf8Path> {
        let name = name.trim_start_matches("./");
        let by_end = self.files.iter().find(|(path, _)| name.ends_with(path.as_str()));
        let by_name = || {
            let file = Utf8Path::new(name).file_name()?;
            self.files.iter().find(|(path, _)| path.file_name() == Some(file))
        };
        by_end.or_else(by_name).map(|(path, _)| path.as_path())
    }

    /// What there is to say if nothing in the answer could be read: the consumer's own words.
    fn unreadable(&self) -> Reading {
        let words = [self.stderr.trim(), self.stdout.trim()].into_iter().find(|words| !words.is_empty());
        match words {
            Some(words) => Reading::Judged(vec![self.complaint(None, words)]),
            None => Reading::NoVerdict("it failed and didn't say why".to_owned()),
        }
    }

    /// The complaints; if there are none the exit code must agree.
    fn judged(&self, complaints: Vec<Complaint>) -> Reading {
        if complaints.is_empty() && !self.succeeded { self.unreadable() } else { Reading::Judged(complaints) }
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It judged: without a complaint all is well.
    Judged(Vec<Complaint>),
    /// Something that it needs isn't there, so it did not judge: why, and what to do.
    Skipped(String),
    /// It did not judge, and should have.
    NoVerdict(String),
}

/// What a consumer has against an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The output.
    pub path: Utf8PathBuf,
    /// Its line, one-based, if the complaint is about one.
    pub line: Option<usize>,
    /// The consumer's own words.
    pub message: String,
}

/// Every consumer, in the order of the documentation.
pub const CONSUMERS: &[&Consumer] = &[
    &compose::CONSUMER,
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
    paths: Vec<Utf8PathBuf>,
}

impl Outputs<'_> {
    /// An output of the folder `generated/<profile>`.
    fn generated(&self, name: &str) -> Utf8PathBuf {
        self.generated.join(name)
    }

    /// The outputs that a test accepts.
    fn which(&self, wanted: impl Fn(&Utf8Path) -> bool) -> Vec<Utf8PathBuf> {
        self.paths.iter().filter(|path| wanted(path)).cloned().collect()
    }

    /// The image of a service of the stack.
    fn image(&self, service: &str) -> Option<Image> {
        let service = self.stack.every_service().find(|known| known.name == service)?;
        let reference = service.image.as_ref()?.literal()?.to_owned();
        let built_here = self.stack.builds.iter().any(|build| build.reference == reference);
        Some(Image { reference, built_here })
    }

    /// What stands in for the user's `.env`: its example, with something for every variable that has no default.
    fn environment(&self) -> Environment {
        let value = |variable: &crate::model::Variable| {
            (variable.name.clone(), variable.default.clone().unwrap_or_else(|| EXAMPLE.to_owned()))
        };
        Environment::new(self.stack.variables.iter().map(value), [])
    }
}

/// The value of a variable that has no default.
const EXAMPLE: &str = "example";

/// Every check of a stack, in the order of its outputs; `read` gives an output as it is on disk.
pub fn checks(stack: &Stack, read: &dyn Fn(&Utf8Path) -> Option<String>) -> Vec<Check> {
    let outputs = Outputs {
        stack,
        generated: Utf8PathBuf::from("generated").join(&stack.profile),
        terraform: Utf8PathBuf::from("terraform").join(&stack.profile),
        paths: outputs(stack),
    };
    let mut checks = Vec::new();
    checks.push(compose::check(&outputs, read));
    checks.extend(alloy::checks(&outputs));
    checks.extend(kinds(&outputs));
    checks.extend(grafana::check(&outputs));
    checks.extend(promtool::checks(&outputs, read));
    checks.extend(hadolint::checks(&outputs));
    checks.extend(shellcheck::checks(&outputs));
    checks.extend(temporal::checks(&outputs));
    checks.extend(terraform::checks(&outputs));
    checks.extend(checkov::check(&outputs));
    checks
}

type Read = fn(&Answer<'_>) -> Reading;

/// The consumers of the files that kinds declare, and how their answers are read.
const OF_KINDS: [(&Consumer, Read); 2] = [(&loki::CONSUMER, loki::reading), (&mimir::CONSUMER, mimir::reading)];

/// The checks that kinds declare for their files: the program on `PATH`, or the one of the service's image.
fn kinds(outputs: &Outputs<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    for service in &outputs.stack.services {
        for (file, check) in service.files.iter().filter_map(|file| Some((file, file.check.as_ref()?))) {
            let found = OF_KINDS.iter().find(|(consumer, _)| consumer.name == check.consumer);
            let Some(&(consumer, reading)) = found else { continue };
            let path = outputs.generated(&file.path);
            let run = |path: &str| {
                let arguments: Vec<String> =
                    check.arguments.iter().map(|argument| argument.replace("${file}", path)).collect();
                Run::new(arguments.iter().map(String::as_str))
            };
            checks.push(Check {
                image: outputs.image(&service.name),
                inside: Some(run(&format!("{INSIDE}/{path}"))),
                ..Check::new(consumer, vec![path.clone()], run(path.as_str()), reading)
            });
        }
    }
    // In the order of the consumers, whatever that of the services is.
    checks.sort_by_key(|check| OF_KINDS.iter().position(|(consumer, _)| *consumer == check.consumer));
    checks
}

/// Every output of a stack, in the order in which reports list them.
#[must_use]
pub fn outputs(stack: &Stack) -> Vec<Utf8PathBuf> {
    view::artifacts(stack).into_iter().map(|artifact| artifact.path).collect()
}

/// The version in a program's answer: the first word that looks like one.
#[must_use]
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
    fn who_judges_the_file_of_a_kind_is_known() {
        let mut declared: Vec<&str> = Vec::new();
        for kind in crate::spec::kind::Kind::all() {
            let files = kind.declaration().files.iter();
            declared.extend(files.filter_map(|(_, file)| file.verify.as_ref()).map(|check| check.consumer.as_str()));
        }
        declared.sort_unstable();
        assert_eq!(declared, OF_KINDS.map(|(consumer, _)| consumer.name));
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
