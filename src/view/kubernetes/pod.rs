//! The template of a pod: the container of a service, those that wait for what it needs, and its volumes.

use super::object::{Map, NAME, bytes, cpus, number, text};
use super::{Scope, environment};
use crate::lit::manifest::{Node, expanded};
use crate::model::Service;
use crate::model::service::{Command, Healthcheck, Port, Probe};
use crate::model::text::{Text, Tree, Value};
use crate::spec::service::{Condition, MountType};
use crate::spec::value;

/// What a service without an interval of its healthcheck has, in seconds: Compose's defaults.
const INTERVAL: u64 = 30;
const TIMEOUT: u64 = 30;
const RETRIES: u32 = 3;

/// The template of a service's pods.
pub(super) fn template<'a>(scope: &Scope<'a>, service: &'a Service) -> Map<'a> {
    let labels = Map::default().key(NAME, &service.name);
    let annotations = Node::Table(annotations(service));
    Map::default()
        .key("metadata", Map::default().key("labels", labels).key("annotations", annotations))
        .key("spec", spec(scope, service))
}

/// Labels and annotations of Compose, which select nothing.
fn annotations(service: &Service) -> Vec<(&str, Node<'_>)> {
    let mut all: Vec<(&str, Node<'_>)> =
        service.labels.iter().map(|(name, value)| (name.as_str(), text(value.shown()))).collect();
    if let Some(Tree::Table(entries)) = service.keys.get("annotations") {
        all.extend(entries.iter().map(|(name, value)| (name.as_str(), text(scalar(value)))));
    }
    all
}

fn scalar(tree: &Tree) -> String {
    match tree {
        Tree::Text(text) => text.shown(),
        Tree::Integer(integer) => integer.to_string(),
        Tree::Float(float) => float.to_string(),
        Tree::Boolean(boolean) => boolean.to_string(),
        Tree::List(_) | Tree::Table(_) => String::new(),
    }
}

fn spec<'a>(scope: &Scope<'a>, service: &'a Service) -> Map<'a> {
    let watches_pods = super::service::watches_pods(scope.stack, service);
    let own_account = service.aws || watches_pods;
    let grace = service.keys.text("stop_grace_period").and_then(|text| seconds(&text.shown()));
    // One entry for each address, as the API server wants.
    let mut hosts: Vec<(String, Vec<Node<'a>>)> = Vec::new();
    for (host, addresses) in &service.extra_hosts {
        for address in addresses.iter().map(Text::shown) {
            match hosts.iter_mut().find(|(known, _)| *known == address) {
                Some((_, names)) => names.push(Node::from(host)),
                None => hosts.push((address, vec![Node::from(host)])),
            }
        }
    }
    let hosts = Node::list(hosts, |(address, names)| {
        Map::default().key("ip", text(address)).key("hostnames", Node::List(names))
    });
    let again = if service.workload.retries == Some(0) { "Never" } else { "OnFailure" };
    Map::default()
        .option("serviceAccountName", own_account.then_some(&service.name))
        // Only a service that asks the API server gets a token.
        .key("automountServiceAccountToken", watches_pods)
        // A variable for each port of each service: names of the stack's own variables may be among them.
        .key("enableServiceLinks", false)
        .option("restartPolicy", service.one_shot.then_some(again))
        .option(
            "terminationGracePeriodSeconds",
            grace.map(|grace| Node::Integer(i64::try_from(grace).unwrap_or(i64::MAX))),
        )
        .key("nodeSelector", platform(service))
        .key("hostAliases", hosts)
        .key("topologySpreadConstraints", spread(service))
        .key("securityContext", security_of_pod(service))
        .key("initContainers", Node::List(waits(scope, service).into_iter().map(Node::from).collect()))
        .key("containers", Node::List(vec![container(scope, service).into()]))
        .key("volumes", volumes(scope, service))
}

/// The nodes that can run the image.
fn platform(service: &Service) -> Map<'_> {
    let platform = service.keys.text("platform").map(Text::shown).unwrap_or_default();
    let mut parts = platform.split('/').map(ToOwned::to_owned);
    let labels = ["kubernetes.io/os", "kubernetes.io/arch"];
    labels.into_iter().fold(Map::default(), |map, label| match parts.next().filter(|part| !part.is_empty()) {
        Some(part) => map.key(label, text(part)),
        None => map,
    })
}

/// Several pods are on several nodes, if there are some.
fn spread(service: &Service) -> Node<'_> {
    if !service.is_several() {
        return Node::List(Vec::new());
    }
    let constraint = Map::default()
        .key("maxSkew", 1_u32)
        .key("topologyKey", "kubernetes.io/hostname")
        .key("whenUnsatisfiable", "ScheduleAnyway")
        .key("labelSelector", super::object::pods_of(&service.name));
    Node::List(vec![constraint.into()])
}

fn security_of_pod(service: &Service) -> Map<'_> {
    let user = service.workload.user.map(|user| number(i64::from(user)));
    let group = service.keys.text("user").and_then(|user| user.literal()?.split_once(':')?.1.parse::<i64>().ok());
    let group = group.map(number).or_else(|| user.clone());
    Map::default()
        .key("runAsNonRoot", true)
        .option("runAsUser", user)
        .option("runAsGroup", group.clone())
        // Volumes are its group's.
        .option("fsGroup", group)
        .key("fsGroupChangePolicy", "OnRootMismatch")
        .key("seccompProfile", Map::default().key("type", "RuntimeDefault"))
}

fn security(service: &Service, user: Option<u32>, read_only: bool) -> Map<'_> {
    let added = service.keys.texts("cap_add").map(|name| text(name.shown())).collect();
    Map::default().option("runAsUser", user.map(|user| number(i64::from(user)))).and(restricted(read_only, added))
}

/// What a container may not do.
fn restricted(read_only: bool, added: Vec<Node<'_>>) -> Map<'_> {
    let capabilities = Map::default().key("drop", Node::List(vec!["ALL".into()])).key("add", Node::List(added));
    Map::default()
        .key("allowPrivilegeEscalation", false)
        .flag("readOnlyRootFilesystem", read_only)
        .key("capabilities", capabilities)
}

fn image<'a>(scope: &Scope<'a>, service: &'a Service) -> Node<'a> {
    let reference = service.image.clone().unwrap_or_default();
    text(scope.kubernetes.image(&reference, scope.stack.is_built(service)))
}

fn container<'a>(scope: &Scope<'a>, service: &'a Service) -> Map<'a> {
    let ports = Node::list(service.ports.iter(), |port| {
        Map::default().key("name", port_name(port)).key("containerPort", port.target).option("protocol", protocol(port))
    });
    let policy = service.keys.text("pull_policy").filter(|_| !scope.stack.is_built(service)).map(Text::shown);
    let policy = policy.as_deref().and_then(|policy| match policy {
        "always" => Some("Always"),
        "never" => Some("Never"),
        "missing" | "if_not_present" => Some("IfNotPresent"),
        _ => None,
    });
    let map = Map::default()
        .key("name", &service.name)
        .key("image", image(scope, service))
        .option("imagePullPolicy", policy)
        .key("command", command(service, service.entrypoint.as_ref()))
        .key("args", command(service, service.command.as_ref()))
        .option("workingDir", service.keys.text("working_dir").map(|folder| text(folder.shown())))
        .flag("tty", service.keys.is_set("tty"))
        .flag("stdin", service.keys.is_set("stdin_open"))
        .key("env", environment::of_container(scope, service))
        .key("ports", ports);
    probes(service, map)
        .key("resources", resources(service))
        .key("securityContext", security(service, None, service.keys.is_set("read_only")))
        .key("volumeMounts", mounts(scope, service))
}

/// A command as a list: Compose splits one string as a shell would.
fn command<'a>(service: &'a Service, command: Option<&'a Command>) -> Node<'a> {
    match command {
        None => Node::List(Vec::new()),
        Some(Command::Arguments(arguments)) => {
            Node::list(arguments, |argument| environment::spelled(service, argument))
        }
        Some(Command::Line(line)) => {
            Node::List(split(line).iter().map(|word| owned(&environment::spelled(service, word))).collect())
        }
    }
}

fn owned<'b>(node: &Node<'_>) -> Node<'b> {
    match node {
        Node::Str(literal) => text(literal.clone()),
        _ => Node::Null,
    }
}

/// The words of a command line; the resolver refuses one that can't be split.
fn split(line: &Text) -> Vec<Text> {
    line.literal().and_then(shlex::split).unwrap_or_default().into_iter().map(Text::Literal).collect()
}

/// What is reserved for a pod, and what it may take.
fn resources(service: &Service) -> Map<'_> {
    let of = service.resources();
    let amounts = |cpu: Option<u64>, memory: Option<u64>| {
        Map::default().option("cpu", cpu.map(cpus)).option("memory", memory.map(bytes))
    };
    let (requests, limits) = (amounts(of.cpus, of.memory), amounts(of.cpus_limit, of.memory_limit));
    Map::default().key("requests", requests).key("limits", limits)
}

/// A healthcheck says whether a pod gets requests, and how long it may take to start.
fn probes<'a>(service: &'a Service, container: Map<'a>) -> Map<'a> {
    // A Job's pod gets no requests.
    if service.one_shot {
        return container;
    }
    let Some(Healthcheck::Probe(probe)) = &service.healthcheck else { return by_path(service, container) };
    let time = |text: Option<&Text>, default| text.and_then(|text| seconds(&text.shown())).unwrap_or(default).max(1);
    let interval = time(probe.interval.as_ref(), INTERVAL);
    let timeout = time(probe.timeout.as_ref(), TIMEOUT);
    let at_start = time(probe.start_interval.as_ref(), interval);
    let grace = probe.start_period.as_ref().and_then(|text| seconds(&text.shown())).unwrap_or_default();
    let retries = match &probe.retries {
        Some(Value::Is(retries)) => *retries,
        _ => RETRIES,
    };
    let checked = |period: u64, failures: u64| {
        let number = |number: u64| Node::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        action(service, probe)
            .key("periodSeconds", number(period))
            .key("timeoutSeconds", number(timeout))
            .key("failureThreshold", number(failures))
    };
    let retries = u64::from(retries);
    // Until then Compose calls it starting; a pod whose startup probe fails is started again.
    let container = match grace {
        0 => container,
        grace => container.key("startupProbe", checked(at_start, (grace + retries * interval).div_ceil(at_start))),
    };
    // How long a server may take to start says nothing of how long it gets requests that it doesn't answer.
    let container = container.key("readinessProbe", checked(interval, u64::from(RETRIES)));
    if service.workload.liveness { container.key("livenessProbe", checked(interval, retries)) } else { container }
}

/// A service without a healthcheck, which its image may have no program for: one of its ports answers a GET.
fn by_path<'a>(service: &'a Service, container: Map<'a>) -> Map<'a> {
    let port = service.ports.iter().find_map(|port| Some((port, port.path.as_ref()?)));
    let Some((port, path)) = port.filter(|_| service.healthcheck.is_none()) else { return container };
    let get = Map::default().key("path", path).key("port", port_name(port));
    container.key("readinessProbe", Map::default().key("httpGet", get))
}

fn action<'a>(service: &'a Service, probe: &'a Probe) -> Map<'a> {
    let named = |number: u16| service.ports.iter().find(|port| port.target == number).map(port_name);
    if let Some((port, path)) = &probe.http {
        return Map::default().key("httpGet", Map::default().key("path", path).option("port", named(*port)));
    }
    if let Some(port) = probe.tcp {
        return Map::default().key("tcpSocket", Map::default().option("port", named(port)));
    }
    let words: Vec<Node<'a>> = match &probe.test {
        Some(Command::Arguments(arguments)) => match arguments.split_first() {
            Some((form, line)) if form.literal() == Some("CMD-SHELL") => in_shell(line.first()),
            Some((_, arguments)) => arguments.iter().map(|argument| environment::spelled(service, argument)).collect(),
            None => Vec::new(),
        },
        line => in_shell(line.as_ref().and_then(|line| line.texts().first())),
    };
    Map::default().key("exec", Map::default().key("command", Node::List(words)))
}

fn in_shell<'a>(line: Option<&Text>) -> Vec<Node<'a>> {
    // The kubelet expands these, too (`ExpandContainerCommandOnlyStatic`).
    vec!["sh".into(), "-c".into(), text(expanded(&line.map(Text::shown).unwrap_or_default()))]
}

/// Whole seconds, rounded up.
fn seconds(duration: &str) -> Option<u64> {
    let nanoseconds = value::nanoseconds(duration)?;
    u64::try_from(nanoseconds.div_ceil(1_000_000_000)).ok()
}

/// The name of a port.
pub(super) fn port_name<'a>(port: &Port) -> Node<'a> {
    text(port.pod_name())
}

/// The protocol, unless it is the default.
pub(super) fn protocol(port: &Port) -> Option<Node<'static>> {
    let protocol = port.protocol.as_str().to_ascii_uppercase();
    (protocol != "TCP").then(|| text(protocol))
}

/// What runs a command again and again until it succeeds. Without the trap, the first process of a container ignores the signal
/// that ends it.
const UNTIL: &str = "trap 'exit 143' TERM; until \"$@\"; do sleep 2; done";

/// What waits until each of some addresses accepts connections.
const UNTIL_OPEN: &str = "trap 'exit 143' TERM; for address; do until nc -z -w 2 \"${address%:*}\" \"${address#*:}\"; do sleep 2; done; done";

/// The containers that wait until what the service needs is there: one for all ports, and one for each effect. A Service
/// has no address of a pod that isn't ready, so a port that is open is healthy.
fn waits<'a>(scope: &Scope<'a>, service: &'a Service) -> Vec<Map<'a>> {
    let in_loop = |script: &'static str, words: Vec<Node<'a>>| {
        let shell = ["sh", "-c", script, "wait"].into_iter().map(Node::from);
        Node::List(shell.chain(words).collect())
    };
    let mut open: Vec<Node<'a>> = Vec::new();
    let mut effects: Vec<Map<'a>> = Vec::new();
    for (other, condition) in service.waits_for() {
        let Some(dependency) = scope.service(other) else { continue };
        if condition != Condition::Completed {
            open.extend(dependency.awaited_port().map(|port| text(format!("{other}:{port}"))));
            continue;
        }
        let Some(effect) = &dependency.workload.effect else { continue };
        let words = effect.texts().iter().map(|word| environment::spelled(dependency, word));
        let shell = matches!(effect, Command::Line(_)).then_some(["sh", "-c"].map(Node::from));
        let effect = shell.into_iter().flatten().chain(words).collect();
        let read_only = dependency.keys.is_set("read_only");
        effects.push(
            Map::default()
                .key("name", text(format!("wait-for-{other}")))
                .key("image", image(scope, dependency))
                .key("command", in_loop(UNTIL, effect))
                .key("env", environment::of_container(scope, dependency))
                .key("resources", resources(dependency))
                .key("securityContext", security(dependency, dependency.workload.user, read_only))
                .key("volumeMounts", Node::List(tmpfs_mounts(dependency))),
        );
    }
    let memory = |mebibytes: u64| Map::default().key("memory", bytes(mebibytes << 20));
    let of_ports = (!open.is_empty()).then(|| {
        Map::default()
            .key("name", "wait-for-ports")
            .key("image", &scope.kubernetes.wait_image)
            .key("command", in_loop(UNTIL_OPEN, open))
            .key("resources", Map::default().key("requests", memory(16).key("cpu", "10m")).key("limits", memory(32)))
            .key("securityContext", restricted(true, Vec::new()))
    });
    of_ports.into_iter().chain(effects).collect()
}

/// The folders in memory: of a service, or of one whose effect is waited for.
fn tmpfs(service: &Service) -> impl Iterator<Item = String> + '_ {
    let of_mounts = service.mounts.iter().filter(|mount| mount.kind == MountType::Tmpfs);
    let keys = service.keys.texts("tmpfs").map(Text::shown);
    keys.chain(of_mounts.map(|mount| mount.target.shown()))
}

fn tmpfs_mounts<'a>(service: &Service) -> Vec<Node<'a>> {
    let mount =
        |target: String| Map::default().key("name", text(folder_name(&target))).key("mountPath", text(target)).into();
    tmpfs(service).map(mount).collect()
}

/// The name of the volume that is mounted at a path.
fn folder_name(path: &str) -> String {
    let plain: String =
        path.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("memory-{}", plain.trim_matches('-'))
}

/// Where files and folders appear in the container.
fn mounts<'a>(scope: &Scope<'a>, service: &'a Service) -> Node<'a> {
    let mut all: Vec<Node<'a>> = Vec::new();
    let keys = super::kustomization::keys(service);
    for mount in &service.mounts {
        let target = text(mount.target.shown());
        let read_only = matches!(mount.read_only, Some(Value::Is(true)));
        let map = match mount.kind {
            MountType::Volume => Map::default()
                .key("name", text(mount.volume_name()))
                .key("mountPath", target)
                // A new file system has a folder `lost+found`, which a database refuses.
                .option("subPath", mount.volume().map(|_| "data")),
            MountType::Bind => match super::kustomization::file_of(&keys, mount) {
                Some(super::kustomization::Source::File(key)) => {
                    Map::default().key("name", "files").key("mountPath", target).key("subPath", text(key))
                }
                Some(super::kustomization::Source::Folder(name)) => {
                    Map::default().key("name", text(name)).key("mountPath", target)
                }
                None => continue,
            },
            _ => continue,
        };
        all.push(map.flag("readOnly", read_only).into());
    }
    for grant in &service.secrets {
        let target = grant.keys.text("target").map_or_else(|| grant.source.clone(), Text::shown);
        let path = if target.starts_with('/') { target } else { format!("/run/secrets/{target}") };
        all.push(
            Map::default()
                .key("name", "secrets")
                .key("mountPath", text(path))
                .option("subPath", scope.granted.get(grant.source.as_str()).copied())
                .key("readOnly", true)
                .into(),
        );
    }
    all.extend(tmpfs_mounts(service));
    if service.keys.get("shm_size").is_some() {
        all.push(Map::default().key("name", "shm").key("mountPath", "/dev/shm").into());
    }
    Node::List(all)
}

fn volumes<'a>(scope: &Scope<'a>, service: &'a Service) -> Node<'a> {
    let mut all: Vec<Node<'a>> = Vec::new();
    for source in super::kustomization::config_maps(scope, service) {
        let config = Map::default()
            .key("name", text(source.name.clone()))
            .option("defaultMode", source.executable.then(|| number(0o555)));
        all.push(Map::default().key("name", text(source.volume)).key("configMap", config).into());
    }
    let anonymous = service.mounts.iter().filter(|mount| mount.kind == MountType::Volume && mount.volume().is_none());
    for mount in anonymous {
        all.push(Map::default().key("name", text(mount.volume_name())).even_empty("emptyDir", Map::default()).into());
    }
    if !service.secrets.is_empty() {
        // Only its own: the others of the stack are in the same `Secret`.
        let items = Node::List(
            service
                .secrets
                .iter()
                .filter_map(|grant| scope.granted.get(grant.source.as_str()).copied())
                .map(|variable| Map::default().key("key", variable).key("path", variable).into())
                .collect(),
        );
        let secret =
            Map::default().key("secretName", super::SECRETS).key("defaultMode", number(0o440)).key("items", items);
        all.push(Map::default().key("name", "secrets").key("secret", secret).into());
    }
    let one_shots = service.waits_for().into_iter().filter(|(_, condition)| *condition == Condition::Completed);
    let awaited = one_shots.filter_map(|(other, _)| scope.service(other));
    let mut folders: Vec<String> = tmpfs(service).chain(awaited.flat_map(tmpfs)).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders {
        let memory = Map::default().key("medium", "Memory");
        all.push(Map::default().key("name", text(folder_name(&folder))).key("emptyDir", memory).into());
    }
    if let Some(size) = service.keys.get("shm_size").map(scalar).and_then(|size| value::bytes(&size)) {
        let memory = Map::default().key("medium", "Memory").key("sizeLimit", bytes(size));
        all.push(Map::default().key("name", "shm").key("emptyDir", memory).into());
    }
    Node::List(all)
}
