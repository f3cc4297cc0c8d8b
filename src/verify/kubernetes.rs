//! kustomize builds what is applied, and kubeconform compares each object with the schema of its kind.

use camino::Utf8PathBuf;
use serde::Deserialize;

use super::{Answer, Arg, Check, Complaint, Consumer, EXAMPLE, Outputs, Program, Reading, Run, place};

pub(super) const KUSTOMIZE: Consumer = Consumer {
    name: "kustomize",
    programs: &[Program { name: "kubectl", first: &[], version: &["version", "--client"] }],
    how_to_get: "https://kubernetes.io/docs/tasks/tools/#kubectl",
};

pub(super) const KUBECONFORM: Consumer = Consumer {
    name: "kubeconform",
    programs: &[Program { name: "kubeconform", first: &[], version: &["-v"] }],
    how_to_get: "https://github.com/yannh/kubeconform#installation",
};

/// The variable with the folder of kubeconform's schemas, which are not downloaded: a clone of
/// <https://github.com/yannh/kubernetes-json-schema>, or a folder of the same form.
const SCHEMAS: &str = "KUBECONFORM_SCHEMAS";

/// The outputs of a base with objects: all but the kustomization and the files of pods.
pub(super) fn manifests(outputs: &Outputs<'_>) -> Vec<Utf8PathBuf> {
    if outputs.stack.kubernetes.is_none() {
        return Vec::new();
    }
    let base = Utf8PathBuf::from(outputs.stack.base());
    outputs.which(|path| {
        path.parent() == Some(&base)
            && path.extension() == Some("yaml")
            && path.file_name() != Some("kustomization.yaml")
    })
}

pub(super) fn checks(outputs: &Outputs<'_>) -> Vec<Check> {
    let files = manifests(outputs);
    if files.is_empty() {
        return Vec::new();
    }
    let folder = format!("{}/kubernetes/", outputs.stack.generated());
    let built = outputs.which(|path| path.as_str().starts_with(&folder));
    let root = outputs.stack.kustomization();
    // What a person fills in.
    let filled = built.iter().filter_map(|path| {
        let name = path.as_str().strip_suffix(".env.example")?;
        let text: String = outputs
            .text(path)
            .lines()
            .map(|line| if line.ends_with('=') { format!("{line}{EXAMPLE}\n") } else { format!("{line}\n") })
            .collect();
        Some((format!("{name}.env").into(), text))
    });
    let kustomize = Check {
        stops_at_the_first: true,
        files: filled.collect(),
        ..Check::new(&KUSTOMIZE, built, Run::new(["kustomize", root.as_str()]), kustomized)
    };
    // Their definitions are those of the cluster's operators.
    let options = ["-strict", "-skip", "HTTPRoute,ExternalSecret", "-output", "json"];
    let local = Run::new(options).with(Arg::Folder("-schema-location=", SCHEMAS));
    let paths = files.iter().map(|file| Arg::Is(file.to_string()));
    let local = paths.fold(local, Run::with);
    vec![kustomize, Check::new(&KUBECONFORM, files, local, conforms)]
}

/// It stops at the first error, which names a file.
fn kustomized(answer: &Answer<'_>) -> Reading {
    if answer.succeeded {
        return Reading::Judged(Vec::new());
    }
    let message = answer.stderr.trim().trim_start_matches("error: ");
    if message.is_empty() {
        return answer.unreadable();
    }
    let words = message.split(|c: char| c.is_whitespace() || "'\"`,".contains(c));
    let named = words.filter(|word| word.contains('.')).find_map(|word| answer.named(word.trim_matches(':')));
    let first = answer.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
    let path = named.map_or(first, ToOwned::to_owned);
    let text = answer.files.iter().find(|(known, _)| *known == path).map_or("", |(_, text)| text);
    Reading::Judged(vec![Complaint { line: place::line(text, message), path, message: message.to_owned() }])
}

#[derive(Deserialize)]
struct Report {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    filename: String,
    kind: String,
    name: String,
    status: String,
    msg: String,
}

/// Without `-verbose` it lists what is not valid.
fn conforms(answer: &Answer<'_>) -> Reading {
    let Ok(report) = serde_json::from_str::<Report>(answer.stdout) else { return answer.unreadable() };
    let complaints = report
        .resources
        .iter()
        .filter(|resource| resource.status != "statusValid" && resource.status != "statusSkipped")
        .filter_map(|resource| {
            let path = answer.named(&resource.filename)?.to_owned();
            let text = answer.files.iter().find(|(known, _)| *known == path).map_or("", |(_, text)| text);
            let message = format!("{} {}: {}", resource.kind, resource.name, resource.msg);
            Some(Complaint { line: line_of(text, &resource.kind, &resource.name), path, message })
        })
        .collect();
    answer.judged(complaints)
}

/// The line of an object: that of its `kind`.
fn line_of(text: &str, kind: &str, name: &str) -> Option<usize> {
    let (kind, name) = (format!("kind: {kind}"), format!("  name: {name}"));
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().enumerate().position(|(at, line)| {
        *line == kind && lines.iter().skip(at).take_while(|line| **line != "---").any(|line| *line == name)
    });
    at.map(|at| at + 1)
}
