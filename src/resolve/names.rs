//! Names that become host names, file names, identifiers: what all of their readers accept.

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model::Grafana;
use crate::spec::decode::{Map, Spanned, shown};
use crate::spec::kind::SettingValue;
use crate::spec::stack::Spec;
use crate::spec::text::is_variable_name;

/// The longest name: a label of a host name (RFC 1123) has at most 63 octets.
const LONGEST: usize = 63;

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
    all(&spec.stack.network, "network", diagnostics);
    all(keys([&spec.services]), "service", diagnostics);
    all(keys([&spec.external]), "external service", diagnostics);
    all(keys([&spec.images]), "image", diagnostics);
    all(keys([&spec.clusters]), "cluster", diagnostics);
    all(keys([&spec.schema]), "schema step", diagnostics);
    all(keys([&spec.volumes]), "volume", diagnostics);
    all(keys([&spec.networks]), "network", diagnostics);
    all(keys([&spec.secrets]), "secret", diagnostics);
    all(keys([&spec.configs]), "config", diagnostics);
    all(keys([&spec.models]), "model", diagnostics);
    all(keys([&spec.datasources]), "datasource", diagnostics);
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
            check(name, host.span, "host", diagnostics);
        }
        all(&service.profiles, "Compose profile", diagnostics);
        match &service.container_name {
            Some(name) => container(name, "use at least two characters", diagnostics),
            // Anything else about it was reported with the service.
            None if name.value.len() == 1 && spec.stack.container_names.as_ref().is_some_and(|names| names.value) => {
                container(name, "set `container_name` to a longer name", diagnostics);
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
        let hosts = service.extra_hosts.0.iter().map(|(host, _)| host);
        let labels = service.labels.iter().map(|(label, _)| label).chain(&service.labels.bare);
        for name in labels.chain(hosts).filter(|name| name.value.is_empty()) {
            let diagnostic = Diagnostic::new("invalid-name", "invalid name `` of a label or a host", name.span);
            diagnostics.push(diagnostic.help("use at least one character"));
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
fn container(name: &Spanned<String>, way_out: &str, diagnostics: &mut Diagnostics) {
    let fits = name.value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.value.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !fits {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("invalid container name `{}`", shown(&name.value)), name.span)
                .help("use letters, digits, `-`, `_` and `.`, and start with a letter or a digit"),
        );
    } else if name.value.len() == 1 {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("container name `{}` is too short", name.value), name.span)
                .help(way_out),
        );
    }
}

/// A variable of a container may hold dots and dashes, as Elasticsearch's settings do.
fn environment(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let fits = name.value.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.value.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !fits {
        diagnostics.push(
            Diagnostic::new("invalid-name", format!("invalid variable name `{}`", shown(&name.value)), name.span)
                .help("use letters, digits, `_`, `.` and `-`, and don't start with a digit"),
        );
    }
}

/// The beginnings of variables that configure Docker itself, and what reads them in `.env`
/// (<https://docs.docker.com/compose/how-tos/environment-variables/envvars/>,
/// <https://docs.docker.com/reference/cli/docker/#environment-variables>).
const RESERVED: [(&str, &str); 2] = [("COMPOSE_", "Compose"), ("DOCKER_", "Docker")];

fn variable(name: &Spanned<String>, diagnostics: &mut Diagnostics) {
    if let Some((start, owner)) = RESERVED.into_iter().find(|(start, _)| name.value.starts_with(start)) {
        let title = format!("variable `{}` is reserved for {owner}", shown(&name.value));
        let help = format!("rename it: {owner} reads variables that start with `{start}` as its own settings");
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
