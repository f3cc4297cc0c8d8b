//! Names that become host names, file names, identifiers: what all of their readers accept.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model::Grafana;
use crate::spec::decode::{Map, Spanned, shown};
use crate::spec::kind::SettingValue;
use crate::spec::stack::Spec;
use crate::spec::text::is_variable_name;

/// The longest name: a label of a host name (RFC 1123) has at most 63 octets.
const LONGEST: usize = 63;

/// The longest name that is not a label: that of a host (RFC 1035).
const LONGEST_OF_COMPOSE: usize = 253;

/// The longest name of a bucket: S3 allows 63 characters, of which 24 are the project's, 12 the account's, and 2 dashes.
const LONGEST_BUCKET: usize = 25;

/// What is wrong with a name that becomes a host name, a file name and a Terraform identifier.
pub fn problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("use at least one character".to_owned());
    }
    if name.len() > LONGEST {
        return Some(format!("use at most {LONGEST} characters"));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        return Some("start it with a lowercase letter or a digit".to_owned());
    }
    let bad = name.chars().find(|&c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_'));
    bad.map(|c| format!("use lowercase letters, digits, `-` and `_`, not `{}`", c.escape_debug()))
}

fn check(name: &str, span: Span, what: &str, diagnostics: &mut Diagnostics) {
    if let Some(problem) = problem(name) {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("invalid {what} name `{}`", shown(name)), span).help(problem),
        );
    }
}

/// A profile's name is a folder of the outputs.
pub(super) fn profile(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    check(&name.value, name.span, "profile", diagnostics);
}

/// A dashboard's name is that of its output.
pub(super) fn dashboard(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    check(&name.value, name.span, "dashboard", diagnostics);
}

/// A datasource's name is its UID, of which Grafana itself makes one of capital letters.
fn datasource(uid: &Spanned<String>, diagnostics: &mut Diagnostics) {
    check(&uid.value.to_ascii_lowercase(), uid.span, "datasource", diagnostics);
}

fn all<'n>(names: impl IntoIterator<Item = &'n Spanned<String>>, what: &str, diagnostics: &mut Diagnostics) {
    for name in names {
        check(&name.value, name.span, what, diagnostics);
    }
}

fn keys<'n, T: 'n>(map: impl IntoIterator<Item = &'n Map<T>>) -> impl Iterator<Item = &'n Spanned<String>> {
    map.into_iter().flat_map(|map| map.iter().map(|(name, _)| name))
}

/// Every other name of the spec.
pub(super) fn stack(spec: &Spec, diagnostics: &mut Diagnostics) {
    all([&spec.stack.name], "stack", diagnostics);
    all(&spec.stack.project, "project", diagnostics);
    all(&spec.stack.network, "network", diagnostics);
    // The files of kinds have the service's name.
    let (kinds, plain): (Vec<_>, Vec<_>) = spec.services.iter().partition(|(_, service)| service.kind.is_some());
    all(kinds.into_iter().map(|(name, _)| name), "service", diagnostics);
    of_compose(plain.into_iter().map(|(name, _)| name), "service", diagnostics);
    all(keys([&spec.external]), "external service", diagnostics);
    all(keys([&spec.images]), "image", diagnostics);
    all(keys([&spec.clusters]), "cluster", diagnostics);
    all(keys([&spec.schema]), "schema step", diagnostics);
    of_compose(keys([&spec.volumes]), "volume", diagnostics);
    of_compose(keys([&spec.networks]), "network", diagnostics);
    of_compose(keys([&spec.secrets]), "secret", diagnostics);
    of_compose(keys([&spec.configs]), "config", diagnostics);
    of_compose(keys([&spec.models]), "model", diagnostics);
    keys([&spec.datasources]).for_each(|uid| datasource(uid, diagnostics));
    if let Some(infrastructure) = &spec.infrastructure {
        for name in keys([&infrastructure.buckets]) {
            bucket(name, diagnostics);
        }
        all([&infrastructure.project], "project", diagnostics);
    }
    for (_, external) in spec.external.iter() {
        all(external.ports.iter().map(|(name, _)| name), "port", diagnostics);
    }
    for (name, service) in spec.services.iter() {
        all(service.ports.iter().map(|(name, _)| name), "port", diagnostics);
        if let Some(host) = &service.hostname
            && let Some(name) = host.value.literal()
        {
            any(name, host.span, "host", diagnostics);
        }
        // Compose takes an empty one, too.
        for profile in service.profiles.iter().filter(|profile| !profile.value.is_empty()) {
            any(&profile.value, profile.span, "Compose profile", diagnostics);
        }
        match &service.container_name {
            Some(own) => {
                if let Some(literal) = own.value.literal() {
                    container(literal, own.span, "use at least two characters", diagnostics);
                }
            }
            // Anything else about it was reported with the service.
            None if name.value.len() == 1 && spec.stack.container_names.as_ref().is_some_and(|names| names.value) => {
                container(&name.value, name.span, "set `container_name` to a longer name", diagnostics);
            }
            None => {}
        }
        for path in service.kind.iter().flat_map(|kind| kind.value.files_of(&name.value)) {
            if [Grafana::DATASOURCES, Grafana::DASHBOARDS].contains(&path.as_str()) {
                diagnostics.push(
                    Diagnostic::new("invalid-name", format!("output `{path}` is reserved for Grafana"), name.span)
                        .help("rename the service"),
                );
            }
        }
        for (name, _) in service.environment.iter() {
            environment(name, diagnostics);
        }
        for text in service
            .environment
            .referring
            .iter()
            .chain(service.kubernetes.iter().flat_map(|own| &own.environment.referring))
        {
            diagnostics.push(
                Diagnostic::new("invalid-name", "the name of a variable refers to another one", text.span)
                    .help("write the name itself"),
            );
        }
        let hosts = service.extra_hosts.hosts.iter().map(|(host, _)| host);
        let labels = service.labels.iter().map(|(label, _)| label).chain(&service.labels.bare);
        for name in labels.chain(hosts).filter(|name| name.value.is_empty() || name.value.contains("${")) {
            let title = format!("invalid name `{}` of a label or a host", shown(&name.value));
            let help = "use at least one character, and references in a list only: `\"${NAME}=value\"`";
            diagnostics.push(Diagnostic::new("invalid-name", title, name.span).help(help));
        }
        let (Some(kind), Some(settings)) = (&service.kind, &service.settings) else { continue };
        for (setting, value) in settings.iter() {
            let Some(what) = kind.settings.get(setting).and_then(|setting| setting.names.as_deref()) else { continue };
            match &value.value {
                SettingValue::StringsByName(map) => all(keys([map]), what, diagnostics),
                SettingValue::Ports(map) => all(keys([map]), what, diagnostics),
                _ => {}
            }
        }
    }
    for (_, step) in spec.schema.iter() {
        for (name, _) in step.environment.iter() {
            environment(name, diagnostics);
        }
    }
    for (name, _) in spec.env.iter() {
        variable(name, diagnostics);
    }
}

/// A bucket's name ends with its name in the spec
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
fn bucket(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let wrong = name.value.contains('_') || name.value.ends_with('-') || name.value.len() > LONGEST_BUCKET;
    if !wrong || problem(&name.value).is_some() {
        return check(&name.value, name.span, "bucket", diagnostics);
    }
    diagnostics.push(
        Diagnostic::new("invalid-name", format!("invalid bucket name `{}`", shown(&name.value)), name.span).help(format!(
            "use at most {LONGEST_BUCKET} lowercase letters, digits and `-`, and end with a letter or a digit: S3 allows no others"
        )),
    );
}

/// Docker's rules for the name of a container (`RestrictedNamePattern` of Moby): at least two characters.
fn container(name: &str, span: Span, way_out: &str, diagnostics: &mut Diagnostics) {
    let fits = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_of_compose);
    if !fits {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("invalid container name `{}`", shown(name)), span)
                .help("use letters, digits, `-`, `_` and `.`, and start with a letter or a digit"),
        );
    } else if name.len() == 1 {
        diagnostics
            .push(Diagnostic::new("invalid-name", format!("container name `{name}` is too short"), span).help(way_out));
    }
}

/// What Compose accepts in the names of services, volumes, networks, secrets and configs (`patternProperties` of the
/// specification).
fn is_of_compose(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}

/// Names that only Compose reads.
fn of_compose<'n>(names: impl IntoIterator<Item = &'n Spanned<String>>, what: &str, diagnostics: &mut Diagnostics) {
    for name in names {
        let fits = name.value.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && name.value.chars().all(is_of_compose)
            && name.value.len() <= LONGEST_OF_COMPOSE;
        if !fits {
            let title = format!("invalid {what} name `{}`", shown(&name.value));
            let help = "use letters, digits, `-`, `_` and `.`, and start with a letter, a digit or `_`";
            diagnostics.push(Diagnostic::new("invalid-name", title, name.span).help(help));
        }
    }
}

/// A name that Compose and the engine take as it is.
fn any(name: &str, span: Span, what: &str, diagnostics: &mut Diagnostics) {
    if name.is_empty() || name.contains(char::is_whitespace) || name.len() > LONGEST_OF_COMPOSE {
        let title = format!("invalid {what} name `{}`", shown(name));
        let help = format!("write a name without spaces, of at most {LONGEST_OF_COMPOSE} characters");
        diagnostics.push(Diagnostic::new("invalid-name", title, span).help(help));
    }
}

/// A variable of a container: what its system accepts.
fn environment(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    if name.value.is_empty() || name.value.contains('=') || name.value.contains("${") {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("invalid variable name `{}`", shown(&name.value)), name.span)
                .help("use at least one character, no `=` and no reference"),
        );
    }
}

/// The variables that Compose and Docker read in `.env` themselves, but for those that only change what they print
/// (<https://docs.docker.com/compose/how-tos/environment-variables/envvars/>,
/// <https://docs.docker.com/reference/cli/docker/#environment-variables>).
const SETTINGS: [&str; 25] = [
    "COMPOSE_ANSI",
    "COMPOSE_API_VERSION",
    "COMPOSE_BAKE",
    "COMPOSE_CONVERT_WINDOWS_PATHS",
    "COMPOSE_DISABLE_ENV_FILE",
    "COMPOSE_ENV_FILES",
    "COMPOSE_EXPERIMENTAL",
    "COMPOSE_FILE",
    "COMPOSE_IGNORE_ORPHANS",
    "COMPOSE_MENU",
    "COMPOSE_PARALLEL_LIMIT",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_PROGRESS",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_REMOVE_ORPHANS",
    "COMPOSE_STATUS_STDOUT",
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_DEFAULT_PLATFORM",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
];

/// Whether a variable is a setting of Compose or Docker, which has a value that no `.env` should give it.
pub fn is_setting(name: &str) -> bool {
    SETTINGS.contains(&name)
}

fn variable(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    if is_setting(&name.value) {
        let owner = if name.value.starts_with("COMPOSE_") { "Compose" } else { "Docker" };
        let title = format!("variable `{}` is reserved for {owner}", shown(&name.value));
        let help =
            format!("remove it: {owner} reads it as its own setting, and `${{{}}}` needs no declaration", name.value);
        diagnostics.push(Diagnostic::new("reserved-variable", title, name.span).help(help));
        return;
    }
    if !is_variable_name(&name.value) {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("invalid variable name `{}`", shown(&name.value)), name.span)
                .help("use letters, digits and `_`, and don't start with a digit"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn names() {
        for good in ["a", "temporal-history", "0x", "a_b", &"x".repeat(63)] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in ["", "A", "-a", "a/b", "..", "a\0", "a\nb", "ä", "a b", "a.b", &"x".repeat(64)] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }
}
