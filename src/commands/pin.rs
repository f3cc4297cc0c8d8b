//! `gen pin`.

use std::io;

use camino::Utf8Path;
use serde_json::{Value, json};
use stackgen::dev::{Finding, Invocation};
use stackgen::edit::pin::{self, Image};
use stackgen::resolve::is_digest;
use stackgen::review::counted;

use super::dev::child::Children;
use super::report::{self, BOLD, RESET};
use super::{Outcome, Ran, fail, location, print, print_text, project, rewrite, stop_with, sweep};
use crate::cli::{Listing, Pin};

/// A program that asks registries for the digest of an image: of the index, if there is one for each platform.
struct Asker {
    program: &'static str,
    /// Succeeds if the program can ask.
    probe: &'static [&'static str],
    /// The arguments before the image.
    ask: &'static [&'static str],
    /// What the image begins with.
    transport: &'static str,
}

/// `docker manifest inspect` has no digest of the index.
const ASKERS: &[Asker] = &[
    Asker {
        program: "docker",
        probe: &["buildx", "version"],
        ask: &["buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"],
        transport: "",
    },
    Asker { program: "crane", probe: &["version"], ask: &["digest"], transport: "" },
    Asker {
        program: "skopeo",
        probe: &["--version"],
        ask: &["inspect", "--no-tags", "--format", "{{.Digest}}"],
        transport: "docker://",
    },
];

pub fn run(arguments: &Pin) -> Ran {
    let project = project(None, arguments.format.into())?;
    if !arguments.check {
        sweep(&project.root, [])?;
    }
    let images = pin::images(&project.sources);
    if arguments.check && arguments.format == Listing::Json {
        return Ok(check_for_programs(&images));
    }
    let (skipped, images): (Vec<&Image>, Vec<&Image>) = images.iter().partition(|image| image.skipped.is_some());
    for image in skipped {
        print_text(&format!("{}: skipped, {}\n", image.reference, image.skipped.unwrap_or_default()));
    }
    let wanted: Vec<&Image> =
        images.iter().copied().filter(|image| arguments.update || image.digest().is_none()).collect();
    if arguments.check {
        for image in &wanted {
            print_text(&format!("{BOLD}{}{RESET}: not pinned\n", image.reference));
        }
        print_text(&format!("{}, {} not pinned\n", counted(images.len(), "image"), wanted.len()));
        return Ok(if wanted.is_empty() { Outcome::Clean } else { Outcome::Findings });
    }
    let mut found: Vec<(&Image, String)> = Vec::new();
    let mut failed = 0;
    if !wanted.is_empty() {
        let children = Children::new()
            .map_err(|error| stop_with(Outcome::Failed, format!("cannot receive signals: {error}"), "try again"))?;
        let Some(asker) = asker(&project.root, &children) else {
            let help = "install Docker with buildx, crane or skopeo";
            return Err(stop_with(Outcome::Failed, "no program on PATH can ask registries for digests", help));
        };
        for image in wanted {
            match asker.digest(&project.root, &children, image.tagged()) {
                Ok(digest) => found.push((image, digest)),
                Err(Finding { what, help, .. }) => {
                    failed += 1;
                    fail(&format!("{what}\n  help: {help}"));
                }
            }
        }
    }
    found.retain(|(image, digest)| image.digest() != Some(digest));
    let pinned = pin::pinned(&project.sources, &found);
    let pinned = pinned.iter().filter_map(|(index, text)| {
        let source = project.sources.files().get(*index)?;
        Some((source.path.as_path(), text.as_str()))
    });
    rewrite(&project.root, &project.sources, pinned)?;
    for (image, digest) in &found {
        print_text(&format!("{BOLD}{}{RESET}: pinned to {digest}\n", image.tagged()));
    }
    let count = images.len();
    let kept = count - found.len() - failed;
    print_text(&format!("{}: {} pinned, {kept} unchanged, {failed} failed\n", counted(count, "image"), found.len()));
    if !found.is_empty() {
        print_text(&location().commands("Run `gen render`.\n"));
    }
    Ok(if failed > 0 { Outcome::Failed } else { Outcome::Clean })
}

fn check_for_programs(images: &[Image]) -> Outcome {
    let row =
        |image: &Image| json!({ "reference": image.reference, "digest": image.digest(), "skipped": image.skipped });
    let rows: Vec<Value> = images.iter().map(row).collect();
    print(io::stdout(), &report::versioned(json!({ "images": rows })));
    let is_pinned = |image: &Image| image.skipped.is_some() || image.digest().is_some();
    if images.iter().all(is_pinned) { Outcome::Clean } else { Outcome::Findings }
}

/// The first program that can ask.
fn asker(root: &Utf8Path, children: &Children) -> Option<&'static Asker> {
    ASKERS.iter().find(|asker| {
        let probe = Invocation::new(asker.program, root, asker.probe.iter().copied());
        children.ask(&probe).is_ok_and(|answer| answer.succeeded)
    })
}

impl Asker {
    fn digest(&self, root: &Utf8Path, children: &Children, image: &str) -> Result<String, Finding> {
        let invocation =
            Invocation::new(self.program, root, self.ask.iter().copied()).with([format!("{}{image}", self.transport)]);
        let answer = children.ask(&invocation)?;
        let command = format!("`{} {}`", self.program, invocation.args.join(" "));
        if !answer.succeeded {
            return Err(Finding::error(
                format!("cannot get the digest of `{image}`: {}", answer.complaint()),
                format!("check its name and tag, log in to its registry, and try {command}"),
            ));
        }
        let digest = answer.stdout.trim();
        if !is_digest(digest) {
            return Err(Finding::error(
                format!("unexpected digest of `{image}`: `{digest}`"),
                format!("check the output of {command}"),
            ));
        }
        Ok(digest.to_owned())
    }
}
