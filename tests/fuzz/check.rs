//! What must hold of every spec, whatever it says.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use pulldown_cmark::Event;
use serde::Deserialize as _;
use serde_yaml::Value;
use stackgen::dev::dotenv::Dotenv;
use stackgen::dev::{Environment, ports, preflight, services};
use stackgen::diagnostic::Diagnostic;
use stackgen::edit::format::format;
use stackgen::edit::new::{New, Service};
use stackgen::graph::{self, Graph};
use stackgen::model::Variable;
use stackgen::output::{self, Options};
use stackgen::shown::printable;
use stackgen::spec::source::Sources;
use stackgen::spec::stack::DatasourceType;
use stackgen::trace::Trace;
use stackgen::{Plan, edit, list};

use super::commands::report;
use super::project::{self, Spec};
use super::read_back::{alloy_as_hcl, compose};
use super::run;

/// Whether a spec has no mistakes. Those that it has are checked.
pub fn is_valid(spec: &Spec) -> bool {
    run::tried(&spec.text());
    match spec.plan() {
        Ok(_) => true,
        Err((sources, diagnostics)) => {
            refused(&sources, &diagnostics);
            false
        }
    }
}

/// Checks what becomes of a spec. Returns whether it is valid.
pub fn spec(spec: &Spec) -> bool {
    let (sources, plans) = match spec.plan() {
        Ok(planned) => planned,
        Err((sources, diagnostics)) => {
            refused(&sources, &diagnostics);
            report(&sources, &diagnostics);
            for source in sources.files() {
                formatted(&source.text);
            }
            return false;
        }
    };
    let files = files(&plans);
    for plan in &plans {
        outputs(plan, &files);
        other_views(plan);
    }
    // Rendered once more: from the formatted spec, since its layout means nothing.
    let mut again = Sources::default();
    for source in sources.files() {
        again.push(&source.path, formatted(&source.text).expect("a valid spec can be formatted"));
    }
    let plans =
        stackgen::plan(&again, None).unwrap_or_else(|found| panic!("once formatted, it is refused: {found:#?}"));
    let files_again: BTreeMap<_, _> =
        plans.iter().flat_map(rendered).map(|file| (file.path.into_string(), file.contents)).collect();
    assert_eq!(files, files_again, "rendering the formatted spec gives something else");
    // What is slow is for few, whose choice is no other in another run.
    match sources.files()[0].text.len() % 32 {
        0 => on_disk(&plans),
        1 => edited(&sources),
        2 => traced(&sources, &plans),
        _ => {}
    }
    true
}

/// The files of some plans.
pub fn files(plans: &[Plan]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for file in plans.iter().flat_map(rendered) {
        let path = file.path.into_string();
        assert_eq!(files.insert(path.clone(), file.contents), None, "`{path}` is rendered twice");
    }
    files
}

fn rendered(plan: &Plan) -> impl Iterator<Item = output::File> {
    plan.files().map(|file| file.unwrap_or_else(|error| panic!("{error}")))
}

/// A text whose layout is changed has the same meaning, and none that can't be read is changed.
fn formatted(text: &str) -> Option<String> {
    let once = format(text)?;
    let twice = format(&once);
    assert_eq!(twice.as_deref(), Some(once.as_str()), "formatting twice gives something else");
    Some(once)
}

// ---- a spec with mistakes ------------------------------------------------------------------------

/// Diagnostics are few, short, printable, and point into their files.
pub fn refused(sources: &Sources, diagnostics: &[Diagnostic]) {
    assert!(!diagnostics.is_empty(), "refused without a reason");
    for diagnostic in diagnostics {
        let Diagnostic { title, labels, help, .. } = diagnostic;
        assert!(!title.is_empty() && !labels.is_empty(), "{diagnostic:?}");
        let texts = labels.iter().map(|label| &label.text).chain([title]).chain(help);
        for text in texts {
            assert!(text.len() < 1_100 && !text.contains(char::is_control), "{diagnostic:?}");
        }
        for label in labels {
            let source = sources.file(label.span).unwrap_or_else(|| panic!("no such file: {diagnostic:?}"));
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(start <= end && end <= source.text.len(), "beyond the file: {diagnostic:?}");
            assert!(source.text.is_char_boundary(start), "{diagnostic:?}");
            assert!(source.text.is_char_boundary(end), "{diagnostic:?}");
        }
    }
}

/// The reports of diagnostics are printed as they are, but for that for people.
fn report(sources: &Sources, diagnostics: &[Diagnostic]) {
    let text = report::text(sources, diagnostics);
    assert!(text.len() < 2_000_000, "{} bytes of text", text.len());
    let json = report::json(sources, diagnostics);
    plain(&json);
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    let github = report::github(sources, diagnostics);
    plain(&github);
    let is_command = |line: &str| line.starts_with("::error ") || line.starts_with("::warning ");
    assert!(github.lines().all(|line| is_command(line) && !line.contains("##[")), "{github}");
    assert_eq!(github.lines().count(), diagnostics.len());
}

/// Nothing of a text is obeyed by a terminal.
pub fn plain(text: &str) {
    assert!(!text.contains('\u{1b}') && printable(text) == text, "a terminal would obey {:?}", printable(text));
}

// ---- a valid one ---------------------------------------------------------------------------------

/// Every output is what its reader expects.
fn outputs(plan: &Plan, files: &BTreeMap<String, String>) {
    let stack = plan.stack();
    let folders = ["generated", "terraform"].map(|folder| format!("{folder}/{}/", stack.profile));
    for (path, text) in files.iter().filter(|(path, _)| folders.iter().any(|folder| path.starts_with(folder))) {
        assert!(text.ends_with('\n'), "{path} has no end");
        let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(control, None, "{path} has a control character");
        // A range of ports is a short text.
        let ports: usize = stack.services.iter().map(|service| service.ports.len()).sum();
        let bound = 1_000_000 + 10_000 * stack.services.len() + 300 * ports;
        assert!(text.len() < bound, "{path} has {} bytes", text.len());
        let path = Utf8Path::new(path);
        let wrong = |error: &dyn std::fmt::Display| -> ! { panic!("{path}: {error}") };
        match path.extension().unwrap_or(path.file_name().unwrap_or_default()) {
            "yml" | "yaml" => {
                // Only manifests are several.
                let mut documents = serde_yaml::Deserializer::from_str(text)
                    .map(|document| Value::deserialize(document).unwrap_or_else(|error| wrong(&error)))
                    .collect::<Vec<_>>();
                let value = documents.pop().unwrap_or_default();
                if path.file_name() == Some("docker-compose.yml") {
                    compose_file(plan, &value);
                }
            }
            "json" => {
                serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|error| wrong(&error));
            }
            "tf" => unique(&hcl::parse(text).unwrap_or_else(|error| wrong(&error))),
            "alloy" => {
                hcl::parse(&alloy_as_hcl(text)).unwrap_or_else(|error| wrong(&error));
            }
            // What a person fills in for Kubernetes has fewer variables.
            "example" if path.file_name() != Some(".env.example") => {
                Dotenv::parse(text).unwrap_or_else(|error| wrong(&error.reason));
            }
            "example" => {
                let file = Dotenv::parse(text).unwrap_or_else(|error| wrong(&error.reason));
                let default = |variable: &Variable| variable.default.clone().unwrap_or_default();
                let expected = stack.variables.iter().map(|variable| (variable.name.clone(), default(variable)));
                let found = file.variables().map(|(name, value)| (name.to_owned(), value.to_owned()));
                // They are listed by group.
                let [expected, found]: [BTreeSet<_>; 2] = [expected.collect(), found.collect()];
                assert_eq!((found, file.variables().count()), (expected, stack.variables.len()), "{path}");
            }
            "md" => markdown(text),
            "Dockerfile" => dockerfile(text),
            "sh" => {}
            other => panic!("{path}: what reads `{other}`?"),
        }
    }
}

/// The only HTML is ours.
fn markdown(text: &str) {
    for event in pulldown_cmark::Parser::new_ext(text, pulldown_cmark::Options::all()) {
        if let Event::Html(html) | Event::InlineHtml(html) = event {
            let is_ours = html.starts_with("<!-- Generated") || ["<br>", "<code>", "</code>"].contains(&html.as_ref());
            assert!(is_ours, "{html:?} in {text}");
        }
    }
}

/// Each line is an instruction, a comment, or goes on.
fn dockerfile(text: &str) {
    let mut goes_on = false;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let word = line.split(' ').next().unwrap_or_default();
        assert!(goes_on || word.len() > 2 && word.chars().all(|c| c.is_ascii_uppercase()), "{line:?} in {text}");
        goes_on = line.ends_with('\\');
    }
}

/// The Compose file has the services of the model, with their images and variables.
fn compose_file(plan: &Plan, file: &Value) {
    let stack = plan.stack();
    assert_eq!(file["name"], stack.project.as_str());
    let services: Vec<_> = stack.services.iter().chain(&stack.schema_services).collect();
    let found = file["services"].as_mapping().map_or(0, serde_yaml::Mapping::len);
    assert_eq!(found, services.len());
    for service in services {
        let found = &file["services"][service.name.as_str()];
        assert!(found.is_mapping(), "{}: {found:?}", service.name);
        if let Some(image) = &service.image {
            assert_eq!(found["image"], compose(image).as_str(), "{}", service.name);
        }
        for (key, texts) in [("environment", &service.environment), ("labels", &service.labels)] {
            for (name, text) in texts {
                assert_eq!(found[key][name.as_str()], compose(text).as_str(), "{}", service.name);
            }
        }
        let count = |key: &str| found[key].as_sequence().map_or(0, Vec::len);
        assert_eq!(count("volumes"), service.mounts.len(), "{}", service.name);
        for dependency in &service.depends_on {
            assert!(found["depends_on"][dependency.service.as_str()].is_mapping(), "{}", service.name);
        }
    }
}

/// Terraform refuses two attributes or two blocks of a name.
fn unique(body: &hcl::Body) {
    let mut names = BTreeSet::new();
    for attribute in body.attributes() {
        assert!(names.insert(attribute.key.to_string()), "`{}` twice", attribute.key.as_str());
    }
    let mut names = BTreeSet::new();
    for block in body.blocks() {
        let labels: Vec<&str> = block.labels.iter().map(hcl::structure::BlockLabel::as_str).collect();
        let name = format!("{} {labels:?}", block.identifier.as_str());
        assert!(labels.is_empty() || names.insert(name.clone()), "{name} twice");
        unique(&block.body);
    }
}

/// What else is made of a model.
fn other_views(plan: &Plan) {
    let stack = plan.stack();
    let graph = Graph::of(stack);
    graph::dot::render(&graph);
    graph::mermaid::render(&graph);
    // Its layout takes as long as everything else.
    if stack.services.len() < 20 {
        let svg = graph::svg::render(&graph).unwrap_or_else(|| panic!("too large for a drawing"));
        roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    }
    let rows = serde_json::json!([
        list::services(stack),
        list::ports(stack),
        list::variables(stack),
        list::images(stack),
        list::datasources(stack),
    ]);
    plain(&report::serialise(&rows));
    let environment = Environment::default();
    let services: Vec<_> = stack.services.iter().collect();
    ports::wanted(&services, &environment);
    for service in services {
        services::urls(service, &environment);
    }
    preflight::variables(stack, &environment, None);
}

/// What `gen new` adds makes no mistake, but for what it needs: another service may not be there for it.
fn edited(sources: &Sources) {
    let service = Service { name: "new-one", image: Some("nginx:1.29"), ..Service::default() };
    let kind = DatasourceType::Prometheus;
    let datasource = New::Datasource { name: "new-one", kind, service: None };
    for new in [New::Service(service), datasource, New::Dashboard { name: "new-one", folder: None }] {
        if let Ok(draft) = edit::new::add(sources, new) {
            let (sources, mistakes) = draft.mistakes(sources);
            // In Kubernetes it needs the user of its image.
            let is_needed = |mistake: &Diagnostic| mistake.title.starts_with("missing user of");
            let fine = mistakes.is_empty() || mistakes.iter().any(is_needed) || !matches!(new, New::Service(_));
            assert!(fine, "{new:?}: {mistakes:#?}");
            if !mistakes.is_empty() {
                refused(&sources, &mistakes);
            }
        }
    }
}

/// Each line of an output depends on keys that exist.
fn traced(sources: &Sources, plans: &[Plan]) {
    let trace = Trace::new(sources, &plans[0]).expect("a valid spec can be traced");
    trace.reach(&trace.keys().iter().take(100).collect::<Vec<_>>());
    for path in trace.outputs().take(2) {
        trace.causes(path, &[1, 2]);
    }
}

/// What was just written is clean, and is written once.
fn on_disk(plans: &[Plan]) {
    let folder = project::folder();
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let options = Options { prune: true, ..Options::default() };
    for plan in plans {
        output::write(root, &plan.scope(), plan.files(), options).unwrap_or_else(|error| panic!("{error}"));
    }
    for plan in plans {
        let compared = output::compare(root, &plan.scope(), plan.files()).unwrap_or_else(|error| panic!("{error}"));
        assert!(compared.differences.is_empty(), "{:?}", compared.differences);
        let again = output::write(root, &plan.scope(), plan.files(), options).unwrap_or_else(|error| panic!("{error}"));
        assert!(again.written.is_empty() && again.removed.is_empty() && again.left.is_empty(), "{again:?}");
    }
}
