//! kustomize builds what is applied, kubeconform compares each object with the schema of its kind, and the API server of a
//! cluster that the user names says whether it would accept them.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::dev::kubectl;

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

/// The dry run of an API server, which checks what no schema can, such as immutable fields and quotas, and writes nothing.
pub(super) const API_SERVER: Consumer = Consumer {
    name: "api-server",
    programs: &[Program { name: "kubectl", first: &[], version: &["version", "--client"] }],
    how_to_get: KUSTOMIZE.how_to_get,
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
    let filled: Vec<_> = filled.collect();
    let kustomize = Check {
        stops_at_the_first: true,
        files: filled.clone(),
        ..Check::new(&KUSTOMIZE, built.clone(), Run::new(["kustomize", root.as_str()]), kustomized)
    };
    // As `gen dev up` applies them: another manager would only add to what is there.
    let options = ["apply", "--server-side", "--field-manager=gen", "--dry-run=server", "--kustomize", root.as_str()];
    let dry_run = Run::new([]).with(Arg::Context("--context="));
    let dry_run = options.iter().fold(dry_run, |run, option| run.with(Arg::Is((*option).to_owned())));
    let namespace =
        outputs.stack.kubernetes.as_ref().map(|kubernetes| kubernetes.namespace.clone()).unwrap_or_default();
    let of_pods = outputs.stack.files();
    let sent: Vec<Utf8PathBuf> = built.iter().filter(|path| !path.starts_with(&of_pods)).cloned().collect();
    let read = built.into_iter().map(|path| (path.clone(), outputs.text(&path).to_owned()));
    let api_server = Check {
        files: filled.into_iter().chain(read).collect(),
        ..Check::new(&API_SERVER, sent, dry_run, move |answer| answered(answer, &namespace))
    };
    // Their definitions are those of the cluster's operators.
    let options = ["-strict", "-skip", "HTTPRoute,ExternalSecret", "-output", "json"];
    let local = Run::new(options).with(Arg::Folder("-schema-location=", SCHEMAS));
    let paths = files.iter().map(|file| Arg::Is(file.to_string()));
    let local = paths.fold(local, Run::with);
    vec![kustomize, Check::new(&KUBECONFORM, files, local, conforms), api_server]
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

/// How kubectl starts what an API server says of one object: `The` if it is the only one.
const REFUSALS: [&str; 4] =
    ["Error from server", "The ", "resource mapping not found", "Warning: would violate PodSecurity"];

/// What says nothing of the outputs.
const NO_VERDICT: [&str; 6] = [
    "(InternalError)",
    "(ServiceUnavailable)",
    "(Timeout)",
    "(TooManyRequests)",
    "(Unauthorized)",
    "does not support dry run",
];

/// kubectl goes on after an error, and writes one or more lines for each.
fn answered(answer: &Answer<'_>, namespace: &str) -> Reading {
    let mut messages: Vec<String> = Vec::new();
    let mut others: Vec<&str> = Vec::new();
    for line in answer.stderr.lines() {
        let line = line.strip_prefix("error: ").unwrap_or(line);
        if REFUSALS.iter().any(|start| line.starts_with(start)) {
            messages.push(line.to_owned());
        } else if let Some(message) = messages.last_mut()
            && ["* ", " ", "ensure "].iter().any(|start| line.starts_with(start))
        {
            message.push('\n');
            message.push_str(line);
        } else if !line.starts_with("Warning: ") {
            others.push(line);
        }
    }
    let unknown = format!("namespaces \"{namespace}\" not found");
    if messages.iter().any(|message| message.contains(&unknown)) {
        return Reading::NoVerdict(format!(
            "the cluster has no namespace `{namespace}`, which a dry run does not create; to create it: \
             kubectl create namespace {namespace}"
        ));
    }
    let is_verdict = |message: &&String| {
        let denied = message.contains(" cannot patch resource ");
        !denied && !NO_VERDICT.iter().any(|reason| message.contains(reason))
    };
    let (judged, failed): (Vec<&String>, Vec<&String>) = messages.iter().partition(is_verdict);
    // `gen dev up` replaces Jobs: the values of the example are not those of the cluster.
    let judged = judged.into_iter().filter(|message| kubectl::immutable_jobs(message).is_empty());
    let objects = Objects::of(answer);
    let complaints: Vec<Complaint> = judged.map(|message| objects.refusal(answer, message)).collect();
    let failed = failed.into_iter().map(String::as_str).chain(others);
    match failed.collect::<Vec<_>>().join("\n") {
        failed if complaints.is_empty() && !failed.is_empty() && !answer.succeeded => Reading::NoVerdict(failed),
        _ => Reading::Judged(complaints),
    }
}

/// The objects of the outputs: the file and the line of each, by its kind and its name.
struct Objects<'a>(HashMap<(String, &'a str), (&'a Utf8Path, usize)>);

impl<'a> Objects<'a> {
    fn of(answer: &Answer<'a>) -> Self {
        let all = answer.files.iter().flat_map(|(path, text)| {
            objects(text).into_iter().map(|(at, kind, name)| ((kind.to_lowercase(), name), (path.as_path(), at)))
        });
        Self(all.collect())
    }

    /// A kind as messages spell it: `Deployment`, `Deployment.apps` or `deployments.apps`.
    fn find(&self, kind: &str, name: &str) -> Option<(&'a Utf8Path, usize)> {
        let kind = kind.split('.').next()?.to_lowercase();
        let single = kind.strip_suffix("ies").map(|stem| format!("{stem}y"));
        let single = single.or_else(|| kind.strip_suffix('s').map(ToOwned::to_owned));
        [Some(kind), single].into_iter().flatten().find_map(|kind| self.0.get(&(kind, name)).copied())
    }

    /// The complaint in a message.
    fn refusal(&self, answer: &Answer<'a>, message: &str) -> Complaint {
        let found = named(message).and_then(|(kind, name)| self.find(kind, name));
        let first = || answer.files.first().map_or(Utf8Path::new(""), |(path, _)| path);
        let line = found.map(|(path, at)| {
            let text = answer.files.iter().find(|(known, _)| known == path).map_or("", |(_, text)| text);
            let rest: Vec<&str> = text.lines().skip(at).take_while(|line| *line != "---").collect();
            at + place::line(&rest.join("\n"), message).unwrap_or_default()
        });
        let path = found.map_or_else(first, |(path, _)| path);
        Complaint { path: path.to_owned(), line, message: message.to_owned() }
    }
}

/// The kind and the name of the object in a message. Its forms: `The Service "web" is invalid`, `deployments.apps "web" is
/// forbidden`, `(namespace/web; apps/v1, Kind=Deployment)`, `not found for name: "web" … no matches for kind "HTTPRoute"`.
fn named(message: &str) -> Option<(&str, &str)> {
    let quoted = |start: &str| message.split_once(start)?.1.split('"').next();
    if let Some(name) = quoted(" for name: \"") {
        return Some((quoted(" for kind \"")?, name));
    }
    if let Some((_, rest)) = message.split_once(", Kind=") {
        let name = message.split_once("; ")?.0.rsplit('/').next()?;
        return Some((rest.split(')').next()?, name));
    }
    let object = message.strip_prefix("The ").or_else(|| Some(message.split_once(": ")?.1))?;
    let (kind, rest) = object.split_once(" \"")?;
    Some((kind, rest.split('"').next()?))
}

/// The line of the `kind` of each object in a text, one-based, with the kind and the name.
fn objects(text: &str) -> Vec<(usize, &str, &str)> {
    let mut objects = Vec::new();
    let mut kind = None;
    for (at, line) in text.lines().enumerate() {
        if let Some(word) = line.strip_prefix("kind: ") {
            kind = Some((at + 1, word));
        } else if let Some(name) = line.strip_prefix("  name: ")
            && let Some((at, kind)) = kind.take()
        {
            objects.push((at, kind, name));
        }
    }
    objects
}

/// The line of an object: that of its `kind`.
fn line_of(text: &str, kind: &str, name: &str) -> Option<usize> {
    objects(text).into_iter().find(|(_, known, other)| *known == kind && *other == name).map(|(at, ..)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What kubectl 1.37 writes.
    #[test]
    fn the_object_of_a_refusal() {
        for (message, object) in [
            ("The StatefulSet \"db\" is invalid: spec.volumeClaimTemplates: field is immutable", ("StatefulSet", "db")),
            ("Error from server (Invalid): Deployment.apps \"web\" is invalid: spec: x", ("Deployment.apps", "web")),
            (
                "Error from server (Forbidden): deployments.apps \"web\" is forbidden: quota",
                ("deployments.apps", "web"),
            ),
            (
                "Error from server: failed to create typed patch object (shop/loki; apps/v1, Kind=StatefulSet): .spec.replikas: \
                 field not declared in schema",
                ("StatefulSet", "loki"),
            ),
            (
                "resource mapping not found for name: \"web-http\" namespace: \"shop\" from \"base\": no matches for kind \
                 \"HTTPRoute\" in version \"gateway.networking.k8s.io/v1\"",
                ("HTTPRoute", "web-http"),
            ),
        ] {
            assert_eq!(named(message), Some(object), "{message}");
        }
        assert_eq!(named("Error from server"), None);
    }

    #[test]
    fn a_refusal_is_at_its_object() {
        let text = "kind: Service\nmetadata:\n  name: web\n---\nkind: NetworkPolicy\nmetadata:\n  name: web\nspec:\n  port: x\n";
        let files = [("base/web.yaml".into(), text.to_owned())];
        let said = |stderr| {
            let answer = Answer { succeeded: false, stdout: "", stderr, files: &files };
            answered(&answer, "shop")
        };
        let lines = |reading| match reading {
            Reading::Judged(complaints) => complaints.into_iter().map(|complaint| complaint.line).collect(),
            _ => Vec::new(),
        };
        let refused = "Warning: unknown field\n\
                       Error from server (Invalid): networkpolicies.networking.k8s.io \"web\" is invalid: spec.port: no\n\
                       Error from server (Invalid): Service \"web\" is invalid: x\n* more\n\
                       The Job \"web\" is invalid: spec.template: field is immutable\n\
                       Unable to connect to the server: timeout\n";
        assert_eq!(lines(said(refused)), [Some(9), Some(3)]);
        let cut = "Unable to connect to the server: timeout";
        assert_eq!(said(cut), Reading::NoVerdict(cut.to_owned()));
        let unreachable = "error: context \"x\" does not exist\n";
        assert_eq!(said(unreachable), Reading::NoVerdict("context \"x\" does not exist".to_owned()));
        let denied = "Error from server (Forbidden): services \"web\" is forbidden: User \"a\" cannot patch resource \"services\"";
        assert_eq!(said(denied), Reading::NoVerdict(denied.to_owned()));
    }
}
