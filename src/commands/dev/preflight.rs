//! Looks for what could prevent the stack from running.

use std::collections::BTreeMap;
use std::io;
use std::net::{TcpListener, UdpSocket};

use stackgen::dev::compose::Container;
use stackgen::dev::ports::{self, Wanted};
use stackgen::dev::{Environment, Finding, credentials, dotenv, engine, isolation, preflight, provider};
use stackgen::model::Variable;
use stackgen::model::service::Service;
use stackgen::output::{self, Cause};

use super::super::git;
use super::{Context, Step};

/// What is known about the machine; each image is looked up once.
pub struct Machine<'a> {
    context: &'a Context,
    environment: &'a Environment,
    images: BTreeMap<String, bool>,
}

/// Compose and the engine.
pub fn tools(context: &Context) -> Vec<Finding> {
    let (root, children) = (&context.root, &context.children);
    let mut findings = Vec::new();
    match children.ask(&engine::compose_version(root)) {
        Ok(answer) if answer.succeeded => {
            findings.extend(engine::check_compose(&answer.stdout, context.stack().compose_version()));
        }
        Ok(_) => findings.push(engine::no_compose()),
        Err(finding) => return vec![finding],
    }
    match children.ask(&engine::info(root)) {
        Ok(answer) => findings.extend(engine::check_engine(&answer.stdout, &answer.complaint())),
        Err(finding) => findings.push(finding),
    }
    findings
}

/// Stops unless the Compose plugin is there: without it, `docker` doesn't understand its options.
pub fn require_compose(context: &Context) -> Step<()> {
    let answer = context.children.ask(&engine::compose_version(&context.root))?;
    if answer.succeeded { Ok(()) } else { Err(engine::no_compose().into()) }
}

/// Stops if something is wrong with Terraform.
pub fn require_terraform(context: &Context) -> Step<()> {
    let findings = terraform(context);
    if findings.is_empty() { Ok(()) } else { Err(findings.into()) }
}

/// Terraform.
pub fn terraform(context: &Context) -> Vec<Finding> {
    match context.children.ask(&engine::terraform_version(&context.root)) {
        Ok(answer) => engine::check_terraform(&answer.stdout).into_iter().collect(),
        Err(finding) => vec![finding],
    }
}

/// Committed files that should not be.
pub fn committed(context: &Context) -> Vec<Finding> {
    let listed = git::committed(&context.root, &context.stack().outputs, [context.plan.profile()]);
    // Git may be missing, for example.
    listed.unwrap_or_default().iter().map(|path| preflight::committed(path)).collect()
}

/// Required variables without a value, and values that can't work.
pub fn variables(context: &Context, environment: &Environment) -> Result<Vec<Finding>, Finding> {
    let path = context.dotenv();
    let file = dotenv::load(&context.root, &path)?;
    Ok(preflight::variables(context.stack(), environment, file.as_ref()))
}

/// Variables whose value `gen dev up` chooses if nothing else is missing.
pub fn chosen<'c>(context: &'c Context, environment: &Environment) -> Result<Vec<&'c Variable>, Finding> {
    let file = dotenv::load(&context.root, &context.dotenv())?;
    // What is written there is kept, even if Compose reads no value from it.
    let is_written = |name: &str| file.as_ref().and_then(|file| file.get(name)).is_some_and(|value| !value.is_empty());
    let generated = context.stack().variables.iter().filter(|variable| preflight::is_generated(variable, environment));
    Ok(generated.filter(|variable| !is_written(&variable.name)).collect())
}

/// Required variables without a value, unless `gen dev up` chooses all of them.
pub fn missing(context: &Context, environment: &Environment) -> Result<Vec<Finding>, Finding> {
    let findings = variables(context, environment)?;
    let chosen = chosen(context, environment)?.iter().filter(|variable| variable.required).count();
    Ok(if findings.len() == chosen { Vec::new() } else { findings })
}

/// Other problems of `.env`.
pub fn dotenv(context: &Context) -> Result<Vec<Finding>, Finding> {
    let path = context.dotenv();
    let Some(file) = dotenv::load(&context.root, &path)? else { return Ok(Vec::new()) };
    let mut findings = preflight::strangers(context.stack(), &file);
    findings.extend(preflight::dollars(context.stack(), &path, &file.values(&Environment::process()).1));
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(context.root.join(&path)) {
        use std::os::unix::fs::PermissionsExt as _;
        findings.extend(preflight::readable_by_others(&path, metadata.permissions().mode()));
    }
    Ok(findings)
}

/// Outputs that are not up to date.
pub fn drift(context: &Context) -> Vec<Finding> {
    let plan = context.committed.as_ref().unwrap_or(&context.plan);
    match output::compare(&context.root, &plan.scope(), plan.files()) {
        Ok(comparison) => {
            let differences = comparison.differences.iter();
            // The manifest's lines repeat the other differences.
            let manifest = plan.scope().manifest;
            let is_output = |cause: &Cause| !matches!(cause, Cause::Stray);
            let mut count = differences.filter(|found| found.path != manifest && is_output(&found.cause)).count();
            if count == 0 && comparison.differences.iter().any(|found| matches!(found.cause, Cause::Interrupted)) {
                count = 1;
            }
            preflight::drift(plan.profile(), count).into_iter().collect()
        }
        Err(error) => vec![Finding::warning(
            format!("cannot compare the outputs with the spec: {error}"),
            "run `gen check` to see more",
        )],
    }
}

impl<'a> Machine<'a> {
    pub fn new(context: &'a Context, environment: &'a Environment) -> Self {
        Self { context, environment, images: BTreeMap::new() }
    }

    /// Images that must have been built and are missing.
    pub fn images(&mut self, services: &[&Service]) -> Step<Vec<Finding>> {
        for build in &self.context.stack().builds {
            if !self.images.contains_key(&build.reference) {
                let answer = self.context.children.ask(&engine::image(&self.context.root, &build.reference))?;
                self.images.insert(build.reference.clone(), answer.succeeded);
            }
        }
        let is_there = |reference: &str| self.images.get(reference).copied().unwrap_or_default();
        Ok(preflight::images(self.context.stack(), self.environment, services, is_there))
    }

    /// Source trees of images that are missing.
    pub fn sources(&self, services: &[&Service]) -> Vec<Finding> {
        let is_built = |reference: &str| self.images.get(reference).copied().unwrap_or_default();
        preflight::sources(&self.context.root, self.context.stack(), self.environment, services, is_built)
    }

    /// Files and folders of this machine that services need and that don't exist.
    pub fn paths(&self, services: &[&Service]) -> Vec<Finding> {
        preflight::paths(&self.context.root, self.context.stack(), self.environment, services)
    }

    /// Credentials that the users of services can't read. Only on Linux are the users of containers those of the host.
    pub fn credentials(&self, services: &[&Service]) -> Vec<Finding> {
        let readers = credentials::readers(services.iter().copied());
        let files = credential_files(self.environment);
        if readers.is_empty() || files.is_empty() || is_elsewhere() {
            return Vec::new();
        }
        let (root, children) = (&self.context.root, &self.context.children);
        let ask = |invocation| children.ask(&invocation).ok().filter(|answer| answer.succeeded);
        let Some(info) = ask(engine::info(root)) else { return Vec::new() };
        let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
        let user_of_image = |service: &Service| {
            let reference = stackgen::dev::services::image(service, self.environment)?;
            let user = known.entry(reference).or_insert_with_key(|reference| {
                let user = ask(engine::user(root, reference))?.stdout.trim().to_owned();
                let has_number = user.is_empty() || user.starts_with(|first: char| first.is_ascii_digit());
                if has_number { Some(user) } else { Some(ask(engine::user_number(root, reference))?.stdout) }
            });
            user.clone()
        };
        let users = engine::users(&info.stdout);
        credentials::unreadable(&readers, self.environment, &self.context.dotenv(), users, &files, user_of_image)
    }

    /// Ports that something else is using.
    pub fn ports(&self, services: &[&Service], containers: &[Container]) -> Vec<Finding> {
        if is_elsewhere() {
            return Vec::new();
        }
        let own: Vec<u16> =
            containers.iter().filter(|container| container.is_up()).flat_map(Container::published).collect();
        let mut findings = Vec::new();
        for port in ports::wanted(services, self.environment) {
            if own.contains(&port.number) {
                continue;
            }
            match bind(&port) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    findings.push(preflight::taken(&port, self.holder(&port).as_deref()));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    findings.push(preflight::no_address(&port));
                }
                // The engine may have permissions that this user lacks.
                Err(_) | Ok(()) => {}
            }
        }
        findings
    }

    /// What is using a port, if that can be found out: a container of another project, or a process.
    fn holder(&self, port: &Wanted) -> Option<String> {
        let running = self.context.children.ask(&engine::running(&self.context.root)).ok();
        let container = running.as_ref().and_then(|answer| engine::container_with_port(&answer.stdout, port.number));
        container.map(|name| format!("container `{name}`")).or_else(|| process_with_port(port.number))
    }
}

/// What the AWS SDK reads in `~/.aws`.
#[cfg(target_os = "linux")]
fn credential_files(environment: &Environment) -> Vec<credentials::OnHost> {
    use std::os::unix::fs::MetadataExt as _;
    let Some(home) = environment.get("HOME") else { return Vec::new() };
    let on_host = |path: String| {
        let metadata = std::fs::metadata(&path).ok()?;
        Some(credentials::OnHost { path, owner: metadata.uid(), group: metadata.gid(), mode: metadata.mode() })
    };
    ["", "/config", "/credentials"].into_iter().filter_map(|file| on_host(format!("{home}/.aws{file}"))).collect()
}

#[cfg(not(target_os = "linux"))]
fn credential_files(_: &Environment) -> Vec<credentials::OnHost> {
    Vec::new()
}

/// Whether the engine runs on another machine, whose ports can't be checked.
pub fn is_elsewhere() -> bool {
    std::env::var("DOCKER_HOST").is_ok_and(|host| host.starts_with("tcp:") || host.starts_with("ssh:"))
}

fn bind(port: &Wanted) -> io::Result<()> {
    let address = (port.address, port.number);
    if port.udp { UdpSocket::bind(address).map(drop) } else { TcpListener::bind(address).map(drop) }
}

/// Provider programs that are not installed. Runs none of them.
pub fn providers(context: &Context, environment: &Environment) -> Vec<Finding> {
    let started = stackgen::dev::services::started(context.stack(), &[]);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &str| {
        let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(&path).any(|folder| folder.join(&file).is_file())
    };
    let open = provider::open(context.stack(), environment);
    let commands = open.map(|(variable, source)| (variable, provider::command(&context.root, source).program));
    let missing = commands.filter(|(_, program)| !is_there(program));
    let finding = |(variable, program): (&Variable, &str)| {
        let help = provider::how_to_get(program).unwrap_or_default();
        let what = format!("`{program}`, which reads `{}`, is not installed or not on PATH", variable.name);
        let help = format!("{help}; or set {} in `{}`", variable.name, context.dotenv());
        // Of the rest, maybe nothing is ever started.
        if provider::is_needed(context.stack(), &variable.name, &started) {
            Finding::error(what, help)
        } else {
            Finding::warning(what, help)
        }
    };
    missing.map(finding).collect()
}

/// What an isolated stack shares with others all the same.
pub fn shared(context: &Context, environment: &Environment) -> Vec<Finding> {
    if context.committed.is_some() { isolation::shared(context.stack(), environment) } else { Vec::new() }
}

/// Looks in `/proc`, if there is one; processes of other users can't be seen.
fn process_with_port(port: u16) -> Option<String> {
    let tables: String =
        ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let sockets: Vec<String> = ports::listeners(&tables, port).map(|inode| format!("socket:[{inode}]")).collect();
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let has = files.flatten().any(|file| {
            std::fs::read_link(file.path())
                .is_ok_and(|to| sockets.iter().any(|socket| to.as_os_str() == socket.as_str()))
        });
        if has {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("`{}` (process {})", name.trim(), process.file_name().display()));
        }
    }
    None
}
