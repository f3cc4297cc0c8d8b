//! `gen dev` of a stack in Kubernetes.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use stackgen::dev::kubectl::{self, Kubectl, Progress};
use stackgen::dev::terraform::Filled;
use stackgen::dev::{Environment, Finding, Invocation, dotenv, services, values};
use stackgen::model::kubernetes::{FILES, SECRETS};
use stackgen::model::{Kubernetes, Service, Variable};
use stackgen::output::{self, Mode};

use super::{Context, Outcome, Step, Stop, child, env, infra, note, preflight, print_error, print_text, say};
use crate::cli::{DevCommand, EnvCommand, Listing, Up};

/// The way out without a context.
const CHOOSE: &str = "choose one: `kubectl config use-context NAME`";

/// The way out where kubectl says what is wrong.
const SAID: &str = "see `gen dev ps`, `gen dev logs SERVICE` and `kubectl describe pod`";

/// The time between two looks at what comes up, and how often something must be stuck in a row.
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: u32 = 8;

/// How long everything may take to come up.
const PATIENCE: Duration = Duration::from_mins(10);

pub fn run(context: &Context, kubernetes: &Kubernetes, command: &DevCommand) -> Step {
    match command {
        DevCommand::Up(arguments) => up(context, &target(context, kubernetes)?, arguments),
        DevCommand::Down { volumes } => down(context, &target(context, kubernetes)?, *volumes),
        DevCommand::Ps { format } => {
            let kubectl = target(context, kubernetes)?;
            let format = match format {
                Listing::Json => &["--output", "json"][..],
                Listing::Text => &[],
            };
            Ok(Outcome::Exit(child::become_(&kubectl.pods().with(format.iter().copied()))?))
        }
        DevCommand::Logs { follow, services } => {
            context.known(services)?;
            let logs = target(context, kubernetes)?.logs(services).with_flag("--follow", *follow);
            Ok(Outcome::Exit(child::become_(&logs)?))
        }
        DevCommand::Restart { services } => restart(context, kubernetes, services),
        DevCommand::Forward { service } => forward(context, &target(context, kubernetes)?, service),
        DevCommand::Build { .. } => Err(Stop::invalid(Finding::error(
            "images for Kubernetes are built for a registry",
            format!("see the commands in `{}/README.md`, which build and push them", context.stack().generated()),
        ))),
        DevCommand::Infra(command) => infra::run(context, command),
        DevCommand::Doctor { format } => doctor(context, kubernetes, *format),
        DevCommand::Schema(_) => Err(Stop::invalid(Finding::error(
            "the steps of the schema are Jobs in Kubernetes",
            "run `gen dev up`, which applies them with the rest",
        ))),
        DevCommand::Env(EnvCommand::Fill) => env::run(context, &EnvCommand::Fill),
        DevCommand::Env(EnvCommand::Check { format: Listing::Json }) => {
            Ok(super::doctor::show(&filled_in(context)?, Listing::Json))
        }
        DevCommand::Env(EnvCommand::Check { .. }) => {
            let findings = filled_in(context)?;
            if findings.iter().any(Finding::is_error) {
                return Err(findings.into());
            }
            say(&findings);
            note("all required variables have a value");
            Ok(Outcome::Clean)
        }
    }
}

/// The namespace in the cluster of the current context, if the profile names that.
fn target(context: &Context, kubernetes: &Kubernetes) -> Step<Kubectl> {
    let kustomization = format!("{}/kustomization.yaml", context.stack().kustomization());
    context.exists(kustomization.as_str().into())?;
    let current = context.ask(&kubectl::current_context(&context.root), "kubectl config current-context", CHOOSE)?;
    let current = current.trim();
    kubectl::allowed(kubernetes, current, &context.stack().profile).map_err(Stop::invalid)?;
    note(&format!("context `{current}`, namespace `{}`", kubernetes.namespace));
    Ok(Kubectl::new(&context.root, current, context.stack(), kubernetes))
}

fn up(context: &Context, kubectl: &Kubectl, arguments: &Up) -> Step {
    if !arguments.services.is_empty() {
        return Err(Stop::invalid(Finding::error(
            "`up` applies the whole stack in Kubernetes",
            "leave out the services, or remove the others in the profile",
        )));
    }
    if arguments.isolated {
        return Err(Stop::invalid(Finding::error(
            "a stack in Kubernetes belongs to its namespace, not to a work tree",
            "leave out `--isolated`, and give the work tree a profile with another `kubernetes.namespace`",
        )));
    }
    owned(context, kubectl)?;
    generate(context, kubectl)?;
    let mut findings = filled_in(context)?;
    findings.extend(preflight::drift(context));
    say(&findings);
    if findings.iter().any(Finding::is_error) {
        note("nothing was applied");
        return Err(Outcome::Findings.into());
    }
    let applied = apply(context, kubectl)?;
    if !arguments.detach {
        wait(context, kubectl, &applied)?;
    }
    prune(context, kubectl, &applied)?;
    let pages = pages(context);
    if pages.is_empty() {
        note("the stack is up");
    } else {
        print_text(&format!("Open these while the command next to each is running:\n{pages}"));
    }
    Ok(Outcome::Clean)
}

/// Refuses a namespace that another stack, or another profile, has made its own: both would change the same objects.
fn owned(context: &Context, kubectl: &Kubectl) -> Step<()> {
    let answer = context.children.ask(&kubectl.owner())?;
    let owner = answer.stdout.trim();
    // Who may not see namespaces can't know.
    if !answer.succeeded || owner.is_empty() || owner == context.stack().project {
        return Ok(());
    }
    let owner = stackgen::shown::printable(owner);
    Err(Stop::invalid(Finding::error(
        format!("the namespace belongs to the stack `{owner}`"),
        "name another one in `kubernetes.namespace`, or remove its label `app.kubernetes.io/part-of`",
    )))
}

/// Waits until objects have come up, as long as they can.
fn wait(context: &Context, kubectl: &Kubectl, names: &[String]) -> Step<()> {
    let end = Instant::now() + PATIENCE;
    let mut said = (Vec::new(), Vec::new());
    let (mut rounds, mut failures) = (0, 0);
    loop {
        let answer = match context.ask(&kubectl.state(), "kubectl get", SAID) {
            Ok(answer) => answer,
            // The API server of a new cluster may not be steady yet.
            Err(_) if failures < ROUNDS => {
                failures += 1;
                thread::sleep(ROUND);
                continue;
            }
            Err(finding) => return Err(finding.into()),
        };
        failures = 0;
        let progress = Progress::of(&answer, names).map_err(|error| {
            Finding::error(format!("unexpected output of `kubectl get`: {error}"), "update kubectl")
        })?;
        if !progress.outdated.is_empty() {
            note(&format!("replacing {}, which did not come up", short(&progress.outdated)));
            context.ask(&kubectl.delete(&progress.outdated), "kubectl delete", SAID)?;
        }
        // A secret that an operator writes may be late, and a registry may recover.
        rounds = if progress.stuck.is_empty() { 0 } else { rounds + 1 };
        if rounds == ROUNDS {
            let stuck = progress.stuck.iter().map(|what| stackgen::shown::printable(what).into_owned());
            return Err(stuck.map(|what| Finding::error(what, SAID)).collect::<Vec<_>>().into());
        }
        if progress.waiting.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            let what = format!("not up after {} minutes: {}", PATIENCE.as_secs() / 60, short(&progress.waiting));
            return Err(Finding::error(what, SAID).into());
        }
        if said.0 != progress.waiting {
            note(&format!("waiting for {}", short(&progress.waiting)));
        }
        if said.1 != progress.homeless {
            progress.homeless.iter().for_each(|what| note(&stackgen::shown::printable(what)));
        }
        said = (progress.waiting, progress.homeless);
        thread::sleep(ROUND);
    }
}

/// Names, without their kinds; of many the first ones.
fn short(names: &[String]) -> String {
    const MOST: usize = 6;
    let plain = names.iter().take(MOST).map(|name| name.split_once('/').map_or(name.as_str(), |(_, name)| name));
    let mut shown = plain.collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        let _ = write!(shown, " and {} more", names.len() - MOST);
    }
    stackgen::shown::printable(&shown).into_owned()
}

/// Replaces pods, and waits for the new ones.
fn restart(context: &Context, kubernetes: &Kubernetes, names: &[String]) -> Step {
    context.known(names)?;
    let is_meant = |service: &&Service| names.is_empty() || names.contains(&service.name);
    let (one_shots, services): (Vec<_>, Vec<_>) =
        context.stack().services.iter().filter(is_meant).partition(|service| service.one_shot);
    if let Some(one_shot) = one_shots.first().filter(|_| !names.is_empty()) {
        return Err(Stop::invalid(Finding::error(
            format!("`{}` runs once", one_shot.name),
            "leave it out: `gen dev up` runs it again once it has changed",
        )));
    }
    let kubectl = target(context, kubernetes)?;
    let answer = context.ask(&kubectl.restart(services), "kubectl rollout restart", SAID)?;
    wait(context, &kubectl, &kubectl::names(&answer).into_iter().collect::<Vec<_>>())?;
    note("restarted");
    Ok(Outcome::Clean)
}

/// Applies everything. A Job that can't be changed, since a value that it reads is another one, is replaced.
fn apply(context: &Context, kubectl: &Kubectl) -> Step<Vec<String>> {
    let apply = kubectl.apply(&context.stack().kustomization());
    let mut answer = context.children.ask(&apply)?;
    let jobs = kubectl::immutable_jobs(&answer.stderr);
    if !answer.succeeded && !jobs.is_empty() {
        note(&format!("replacing {}", jobs.join(", ")));
        context.ask(&kubectl.delete(&jobs), "kubectl delete", SAID)?;
        answer = context.children.ask(&apply)?;
    }
    if !answer.succeeded {
        print_error(&stackgen::shown::printable(&answer.stderr));
        return Err(Finding::error("failed to apply the stack", "see the output of kubectl above").into());
    }
    let applied = kubectl::names(&answer.stdout);
    if applied.is_empty() {
        return Err(Finding::error("`kubectl apply` names no object that it applied", "update kubectl").into());
    }
    note(&format!("applied {}", stackgen::review::counted(applied.len(), "object")));
    Ok(applied.into_iter().collect())
}

/// Deletes what the stack had and no longer has, once nothing uses it.
fn prune(context: &Context, kubectl: &Kubectl, applied: &[String]) -> Step<()> {
    let mut listed = context.ask(&kubectl.objects("get").with(["--output", "name"]), "kubectl get", SAID)?;
    for kind in kubectl::CUSTOM_KINDS {
        listed.push_str(&custom(context, &kubectl.custom("get", kind).with(["--output", "name"]))?);
    }
    // Its operator labels it as it is labelled itself.
    let has_store = context.stack().kubernetes.as_ref().is_some_and(|kubernetes| kubernetes.external_secrets.is_some());
    let is_stored = |name: &String| has_store && *name == format!("secret/{SECRETS}");
    let left = kubectl::names(&listed).into_iter().filter(|name| !applied.contains(name) && !is_stored(name));
    let left: Vec<String> = left.collect();
    if !left.is_empty() {
        context.ask(&kubectl.delete(&left), "kubectl delete", SAID)?;
        note(&format!("deleted {}, which the spec no longer has", left.join(", ")));
    }
    Ok(())
}

/// What a command says of objects that only some clusters know.
fn custom(context: &Context, command: &Invocation) -> Step<String> {
    let answer = context.children.ask(command)?;
    let kubernetes = context.stack().kubernetes.as_ref();
    // Who may not see them has none, unless the stack has.
    let has_some = kubernetes.is_some_and(|own| own.gateway.is_some() || own.external_secrets.is_some());
    if answer.succeeded
        || kubectl::is_unknown_kind(&answer.stderr)
        || !has_some && kubectl::is_forbidden(&answer.stderr)
    {
        return Ok(answer.stdout);
    }
    Err(Finding::error(format!("`kubectl` failed: {}", answer.complaint()), SAID).into())
}

fn down(context: &Context, kubectl: &Kubectl, volumes: bool) -> Step {
    for kind in kubectl::CUSTOM_KINDS {
        custom(context, &kubectl.custom("delete", kind))?;
    }
    let deleted = context.children.run(&kubectl.objects("delete"))?;
    if volumes && deleted.succeeded() {
        return Ok(Outcome::Exit(child::become_(&kubectl.delete_claims())?));
    }
    Ok(Outcome::Exit(deleted.code))
}

fn forward(context: &Context, kubectl: &Kubectl, name: &str) -> Step {
    context.known(&[name.to_owned()])?;
    let service = context.stack().services.iter().find(|service| service.name == name && service.publishes());
    let Some(service) = service else {
        let help = "publish one in the spec: `ports.http = 8080`";
        return Err(Stop::invalid(Finding::error(format!("`{name}` publishes no port"), help)));
    };
    Ok(Outcome::Exit(child::become_(&kubectl.forward(service))?))
}

/// The pages to open, each with the command that makes its port reachable.
fn pages(context: &Context) -> String {
    let environment = Environment::new(std::collections::BTreeMap::new(), Environment::process());
    let mut out = String::new();
    for service in &context.stack().services {
        if let Some(url) = services::urls(service, &environment).first() {
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "  {url}  {} forward {}", context.stack().dev(), service.name);
        }
    }
    out
}

/// Writes random values to the file of secrets for those that have none and may be chosen, if nothing else is missing there.
/// Another machine may have chosen them before: then the data in the cluster needs those.
fn generate(context: &Context, kubectl: &Kubectl) -> Step<()> {
    let [_, secrets] = FILES;
    let path = path_of(context, secrets);
    let text = dotenv::read(&context.root, &path)?.unwrap_or_default();
    let there = values::read(&text);
    let is_missing = |variable: &&Variable| there.get(variable.name.as_str()).is_none_or(|value| value.is_empty());
    let missing: Vec<_> = of_file(context, secrets).filter(is_missing).collect();
    if missing.is_empty() || missing.iter().any(|variable| !variable.generate) {
        return Ok(());
    }
    let listed = context.ask(&kubectl.secrets(), "kubectl get secret", SAID)?;
    if let Some(secret) = kubectl::names(&listed).iter().find(|name| name.starts_with(&format!("secret/{SECRETS}-"))) {
        let names: Vec<&str> = missing.iter().map(|variable| variable.name.as_str()).collect();
        return Err(Finding::error(
            format!("`{path}` lacks {}, and the cluster has values that its data may need", names.join(", ")),
            format!("take them from there: `{}`", kubectl.shown(secret, &path)),
        )
        .into());
    }
    fill_file(context, secrets, &[], true)
}

fn path_of(context: &Context, file: &str) -> Utf8PathBuf {
    format!("{}/{file}", context.stack().overlay()).into()
}

fn of_file<'c>(context: &'c Context, file: &'static str) -> impl Iterator<Item = &'c Variable> {
    context.stack().wanted().filter(move |variable| variable.file() == file)
}

/// Fills in Terraform's outputs. `up` chooses the secrets that may be chosen, as it knows the cluster.
pub fn fill(context: &Context, filled: &[Filled]) -> Step {
    for file in FILES {
        fill_file(context, file, filled, false)?;
    }
    let findings = filled_in(context)?;
    if findings.iter().any(Finding::is_error) { Err(findings.into()) } else { Ok(Outcome::Clean) }
}

/// Fills in one file; a new one starts as a copy of its example.
fn fill_file(context: &Context, file: &'static str, filled: &[Filled], choose: bool) -> Step<()> {
    let wanted: Vec<&Variable> = of_file(context, file).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let path = path_of(context, file);
    let there = dotenv::read(&context.root, &path)?;
    let text = match &there {
        Some(text) => text.clone(),
        None => env::without_header(&stackgen::view::values_example(context.stack(), file)).to_owned(),
    };
    let own = values::read(&text);
    let names: HashSet<&str> = wanted.iter().map(|variable| variable.name.as_str()).collect();
    let outputs: Vec<&Filled> = filled.iter().filter(|filled| names.contains(filled.name.as_str())).collect();
    let filled: HashSet<&str> = outputs.iter().map(|filled| filled.name.as_str()).collect();
    let is_chosen = |variable: &&&Variable| {
        let name = variable.name.as_str();
        choose && variable.generate && own.get(name).is_none_or(|value| value.is_empty()) && !filled.contains(name)
    };
    let chosen: Vec<&str> = wanted.iter().filter(is_chosen).map(|variable| variable.name.as_str()).collect();
    let random = chosen.iter().map(|_| env::random()).collect::<Step<Vec<_>>>()?;
    let assignments = outputs.iter().map(|filled| (filled.name.as_str(), filled.value.as_str()));
    let assignments = assignments.chain(chosen.iter().copied().zip(random.iter().map(String::as_str)));
    let (new, changes) = values::fill(&text, &assignments.collect::<Vec<_>>());
    if there.as_ref().is_none_or(|text| *text != new) {
        output::replace(&context.root, &path, &new, Mode::Private).map_err(|error| env::not_written(&path, &error))?;
    }
    let own = |name: &str| own.get(name).copied().unwrap_or_default().to_owned();
    print_text(&env::told(context, &path, outputs.into_iter().zip(changes), &chosen, own));
    Ok(())
}

/// What is missing in the files that a person fills in.
fn filled_in(context: &Context) -> Step<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in FILES {
        let wanted: Vec<_> = of_file(context, file).collect();
        if !wanted.is_empty() {
            let path = path_of(context, file);
            let text = dotenv::read(&context.root, &path)?;
            findings.extend(values::unfilled(path.as_str(), text.as_deref(), wanted));
        }
    }
    Ok(findings)
}

fn doctor(context: &Context, kubernetes: &Kubernetes, format: Listing) -> Step {
    let mut findings = filled_in(context)?;
    findings.extend(preflight::drift(context));
    findings.extend(preflight::committed(context));
    if context.stack().infrastructure.is_some() {
        findings.extend(preflight::terraform(context));
    }
    match target(context, kubernetes) {
        Err(stop) => findings.extend(stop.findings),
        Ok(kubectl) => {
            const HELP: &str = "check that the cluster is reachable: `kubectl cluster-info`";
            match context.ask(&kubectl.version(), "kubectl version", HELP) {
                Err(finding) => findings.push(finding),
                Ok(_) => findings.extend(lacking(context, &kubectl)?),
            }
        }
    }
    Ok(super::doctor::show(&findings, format))
}

/// Storage classes and custom kinds that the stack uses and the cluster lacks.
fn lacking(context: &Context, kubectl: &Kubectl) -> Step<Vec<Finding>> {
    let mut findings = Vec::new();
    let with_volumes = || context.stack().services.iter().filter(|service| service.has_volumes());
    let named = || with_volumes().filter_map(|service| Some((service, service.workload.storage_class.as_deref()?)));
    if named().next().is_some() {
        let classes = context.ask(&kubectl.storage_classes(), "kubectl get storageclass", SAID)?;
        let classes: Vec<&str> = classes.split_whitespace().collect();
        findings.extend(named().filter(|(_, class)| !classes.contains(class)).map(|(service, class)| {
            Finding::error(
                format!("the cluster has no storage class `{class}` for the volumes of `{}`", service.name),
                "`kubectl get storageclass` lists them",
            )
        }));
    }
    if let Some(service) = with_volumes().find(|service| service.workload.storage_class.is_none()) {
        let classes = context.ask(&kubectl.default_classes(), "kubectl get storageclass", SAID)?;
        if classes.trim().is_empty() {
            findings.push(Finding::error(
                format!("the cluster has no default storage class for the volumes of `{}`", service.name),
                "name one: `kubernetes.storage_class = \"…\"`; `kubectl get storageclass` lists them",
            ));
        }
    }
    let stack = context.stack();
    let has_routes = stack.services.iter().any(|service| !service.workload.routes.is_empty());
    let is_stored = stack.pod_variables().any(|variable| stack.is_stored(variable));
    let used = [(has_routes, "the Gateway API"), (is_stored, "the External Secrets Operator")];
    for (kind, (_, what)) in kubectl::CUSTOM_KINDS.into_iter().zip(used).filter(|(_, (is_used, _))| *is_used) {
        let answer = context.children.ask(&kubectl.custom("get", kind))?;
        if kubectl::is_unknown_kind(&answer.stderr) {
            let kind = kind.split('.').next().unwrap_or(kind);
            let what = format!("install {what}, or its definitions, in the cluster");
            findings.push(Finding::error(format!("the cluster does not know the kind `{kind}`"), what));
        }
    }
    Ok(findings)
}
