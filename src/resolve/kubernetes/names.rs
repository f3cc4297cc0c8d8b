//! The names of objects, labels and annotations, by the rules of k8s.io/apimachinery (`validation.go`).

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::kubernetes::members_of;
use crate::model::{self, Stack};
use crate::spec::decode::shown;
use crate::spec::service::Service;
use crate::spec::text::Tree;

/// The longest DNS label.
pub(super) const LONGEST_LABEL: usize = 63;

/// The longest host name, and name of an object.
pub(super) const LONGEST_HOST: usize = 253;

/// The longest name of a service: a `StatefulSet` labels its pods with its name and a hash of ten characters, and labels have at
/// most 63.
pub(super) const LONGEST_NAME: usize = 52;

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Whether it is a DNS label; the name of a Service also begins with a letter.
fn is_label(label: &str) -> bool {
    label.starts_with(is_alphanumeric)
        && label.ends_with(is_alphanumeric)
        && label.chars().all(|c| is_alphanumeric(c) || c == '-')
}

/// Whether it is a host name in lowercase letters.
pub(super) fn is_host(name: &str) -> bool {
    is_object_name(name) && name.split('.').all(|label| label.len() <= LONGEST_LABEL)
}

/// Whether it is the name of an object.
fn is_object_name(name: &str) -> bool {
    name.len() <= LONGEST_HOST && name.split('.').all(is_label)
}

/// Whether it is the key of an annotation: a name, perhaps with a host and `/` before it.
fn is_qualified(key: &str) -> bool {
    let (host, name) = key.split_once('/').map_or((None, key), |(host, name)| (Some(host), name));
    let edge = |c: char| c.is_ascii_alphanumeric();
    // The server looks at it in lowercase letters.
    host.is_none_or(|host| is_object_name(&host.to_ascii_lowercase()))
        && name.len() <= LONGEST_LABEL
        && name.starts_with(edge)
        && name.ends_with(edge)
        && name.chars().all(|c| edge(c) || "-_.".contains(c))
}

impl Resolver<'_> {
    pub(super) fn check_label(&mut self, name: &str, span: Span, what: &str, longest: usize) {
        if name.len() > longest || !is_label(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let title = format!("invalid {what} `{}`", shown(name));
            self.report(Diagnostic::new("invalid-name", title, span).at("not a DNS label").help(format!(
                "in Kubernetes, start it with a lowercase letter, then use lowercase letters, digits and `-`, at most {longest} in \
                 all",
            )));
        }
    }

    /// Reports an invalid name of an object that the cluster must have; `kind` is what kubectl calls its kind.
    pub(super) fn check_object_name(&mut self, name: &str, span: Span, what: &str, kind: &str) {
        if !is_object_name(name) {
            let title = format!("invalid {what} `{}`", shown(name));
            let help = format!("write its name; `kubectl get {kind}` lists it");
            self.report(Diagnostic::new("invalid-name", title, span).at("not the name of an object").help(help));
        }
    }

    /// Reports what is no Gateway: a name, or a namespace and a name.
    pub(super) fn check_gateway(&mut self, gateway: &str, span: Span) {
        let (namespace, name) = gateway.split_once('/').map_or((None, gateway), |(space, name)| (Some(space), name));
        if namespace.is_some_and(|space| space.len() > LONGEST_LABEL || !is_label(space)) || !is_object_name(name) {
            let title = format!("invalid Gateway `{}`", shown(gateway));
            let help = "write `name` or `namespace/name`; `kubectl get gateway --all-namespaces` lists them";
            self.report(Diagnostic::new("invalid-name", title, span).help(help));
        }
    }

    /// Labels of Compose become annotations.
    pub(super) fn check_annotations(&mut self, written: &Service, service: &model::Service) {
        let labels = written.labels.iter().map(|(key, _)| key);
        let annotations = written.compose.get("annotations").filter(|_| service.keys.get("annotations").is_some());
        let annotations = annotations.into_iter().flat_map(|tree| match tree {
            Tree::Table(entries) => entries.as_slice(),
            _ => &[],
        });
        for key in labels.chain(annotations.map(|(key, _)| key)) {
            if !is_qualified(&key.value) {
                let title = format!("invalid annotation `{}`", shown(&key.value));
                self.report(Diagnostic::new("invalid-name", title, key.span).help(format!(
                    "in Kubernetes, a label is an annotation: use letters, digits, `-`, `_` and `.`, at most {LONGEST_LABEL}, \
                     perhaps with a host name and `/` before them; or remove it in this profile"
                )));
            }
        }
    }

    /// Reports objects of two services that have one name.
    pub(super) fn check_clashes(&mut self, stack: &Stack) {
        for service in stack.services.iter().filter(|service| service.workload.members.is_some()) {
            let members = members_of(&service.name);
            let other = self.index.get(members.as_str()).and_then(|&index| stack.services.get(index));
            // Without a port it has no Service.
            if other.is_none_or(|other| other.ports.is_empty()) {
                continue;
            }
            if let Some(&index) = self.index.get(members.as_str()) {
                let (other, _) = &self.spec.services.entries[index];
                let title = format!("`{members}` is the name by which the pods of `{}` find each other", service.name);
                self.report(Diagnostic::new("invalid-name", title, other.span).help("rename the service"));
            }
        }
        self.check_route_clashes(stack);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_the_api_server_takes_them() {
        for name in ["fast", "gp3-encrypted", "example.com", "9a.b", "a"] {
            assert!(is_host(name), "{name}");
        }
        for name in ["", "Fast", "a_b", "-a", "a-", "a..b", "a/b", &"a".repeat(254)] {
            assert!(!is_object_name(name), "{name}");
        }
        let long = "a".repeat(64);
        assert!(is_object_name(&long) && !is_host(&long));
        for key in ["team", "com.example.team", "Example.com/Team_1", "traefik.http.routers.web.rule"] {
            assert!(is_qualified(key), "{key}");
        }
        for key in ["", "a b", "/a", "a/", "a/b/c", "a_b.com/b", "-a", &"a".repeat(64)] {
            assert!(!is_qualified(key), "{key}");
        }
    }
}
