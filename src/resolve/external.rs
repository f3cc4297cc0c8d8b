//! `[external]`: what already runs outside of the stack. Nothing waits for it: it is there before the stack.

use foldhash::HashMap;

use super::clusters::zero;
use super::text::HOST;
use super::{Resolver, kinds};
use crate::diagnostic::{Diagnostic, Span};
use crate::model;
use crate::model::kind::{Address, DOCKER_HOST, Host};
use crate::model::text::Text;
use crate::spec::decode::{expected, shown};
use crate::spec::external::External;
use crate::spec::kind::{self, Declaration, SettingType, SettingValue, Takes};
use crate::spec::text::{Operator, Part};

/// An external service with its host resolved.
pub(super) struct Elsewhere<'a> {
    pub written: &'a External,
    pub host: Text,
}

impl Elsewhere<'_> {
    fn kind(&self) -> Option<&Declaration> {
        self.written.kind.as_ref().map(|kind| kind.value.declaration())
    }

    /// The number of a port.
    pub fn port(&self, name: &str) -> Option<u16> {
        let own = self.written.ports.get(name).map(|port| port.value);
        own.or_else(|| Some(self.kind()?.ports.get(name)?.target))
    }

    /// The number of each port by name.
    pub fn ports(&self) -> Vec<(String, u16)> {
        let written = self.written.ports.names();
        let of_kind = self.kind().into_iter().flat_map(|kind| kind.ports.names());
        let of_kind = of_kind.filter(|name| self.written.ports.get(name).is_none());
        written.chain(of_kind).filter_map(|name| Some((name.to_owned(), self.port(name)?))).collect()
    }
}

/// Whether a host is the container itself.
fn is_own(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified())
}

impl Resolver<'_> {
    /// Resolves the hosts, before anything refers to them.
    pub(super) fn resolve_external(&mut self) {
        let spec = self.spec;
        let mut found = HashMap::default();
        for (name, written) in spec.external.iter() {
            if let Some(&index) = self.index.get(name.value.as_str()) {
                let (service, _) = &spec.services.entries[index];
                let title = format!("`{}` is a service of the stack", shown(&name.value));
                let help = format!(
                    "rename one of them, or remove the service in this profile: `remove = [\"services.{}\"]`",
                    shown(&name.value)
                );
                self.report(
                    Diagnostic::new("invalid-name", title, name.span).also(service.span, "the service").help(help),
                );
            }
            self.check_host(written);
            self.check_external_kind(written);
            if written.ports.is_empty() && written.kind.is_none() {
                let title = format!("missing key `ports` in external service `{}`", shown(&name.value));
                let diagnostic = Diagnostic::new("missing-key", title, name.span);
                self.report_missing(
                    written.sound,
                    diagnostic.help("write the number of each port: `ports = { http = 80 }`"),
                );
            }
            let host = self.text(&written.host.value);
            found.insert(name.value.as_str(), Elsewhere { written, host });
        }
        self.external = found;
    }

    fn check_host(&mut self, written: &External) {
        let host = &written.host;
        let is_of_host = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let parts = host.value.parts();
        let fits = host.value.literal() != Some("")
            && parts.iter().all(|part| match part {
                Part::Literal(literal) => literal.chars().all(is_of_host),
                Part::Env(_) => true,
                // What runs elsewhere has no address of the stack.
                Part::Address(_) => false,
            });
        for reference in
            parts.iter().filter_map(|part| if let Part::Env(reference) = part { Some(reference) } else { None })
        {
            let name = shown(&reference.name);
            let declared = self.variables.get(reference.name.as_str());
            let is_required = declared.is_none_or(|used| {
                used.variable.required.as_ref().is_some_and(|required| required.value) || !used.variable.sound
            });
            let default = match &reference.operator {
                Some(Operator::Default(word)) => self.effective(word),
                Some(Operator::Alternative(_)) => None,
                Some(Operator::Required(_)) => continue,
                None if is_required => continue,
                None => self.default_of(&reference.name),
            };
            let (title, help) = match default.filter(|default| !default.is_empty()) {
                None => (
                    format!("the host may be empty: `{name}` is optional"),
                    format!("add `required = true` to [env.{name}], or a default"),
                ),
                Some(default) if default.chars().all(is_of_host) => continue,
                Some(default) => (
                    format!("invalid host `{}`", shown(&default)),
                    format!("write a default of `{name}` that is a name or an IPv4 address alone"),
                ),
            };
            self.report(Diagnostic::new("invalid-host", title, reference.span).help(help));
        }
        let literal = host.value.literal();
        let title = literal.map_or_else(|| "invalid host".to_owned(), |host| format!("invalid host `{}`", shown(host)));
        if !fits {
            self.report(Diagnostic::new("invalid-host", title, host.span).help(
                "write the name or the IPv4 address alone, without scheme and port: `host = \"db.example.com\"`; ports have \
                 names: `ports = { sql = 5432 }`",
            ));
        } else if literal.is_some_and(is_own) {
            let help = "write the name of a machine that containers reach: this one is the container itself";
            self.report(Diagnostic::new("invalid-host", title, host.span).help(help));
        } else if host.value.literal() == Some(DOCKER_HOST) {
            let help = "write the name of a machine that containers reach on every system: this one only resolves with `extra_hosts`";
            self.report(Diagnostic::new("invalid-host", title, host.span).help(help));
        }
    }

    /// Reports ports and settings that are wrong, and kinds that are more than an address for others.
    fn check_external_kind(&mut self, written: &External) {
        for (port, number) in written.ports.iter().filter(|(_, number)| number.value == 0) {
            self.report(zero(&port.value, number.span));
        }
        let Some(kind) = &written.kind else { return };
        let declared = kind.value.declaration();
        let name = kind.value.as_str();
        if kinds::has_logic(name) || declared.takes(Takes::Cluster) || declared.takes(Takes::Role) {
            let title = format!("a service of kind `{name}` can't be external");
            let help = "remove `kind`, and write the numbers of its ports: `ports = { http = 80 }`";
            self.report(Diagnostic::new("contradiction", title, kind.span).help(help));
        }
        for (setting, value) in written.settings.iter().flat_map(|settings| settings.iter()) {
            let SettingValue::Text(text) = &value.value else { continue };
            // For its references.
            self.text(text);
            if declared.settings.get(setting).is_some_and(|declared| declared.kind == SettingType::Secret) {
                self.check_secret(text, value.span);
            }
        }
        for (port, _) in written.ports.iter() {
            if declared.ports.get(&port.value).is_none() {
                let names = || declared.ports.names();
                let title = format!("unknown port `{}` of kind `{name}`", shown(&port.value));
                let diagnostic = Diagnostic::new("unknown-port", title, port.span);
                let diagnostic = diagnostic.suggest_of(self.diagnostics, &port.value, names(), || expected(names()));
                self.report(diagnostic);
            }
        }
        for diagnostic in
            written.settings.iter().flat_map(|settings| settings.out_of_range.iter().chain(&settings.foreign))
        {
            self.report(diagnostic.clone());
        }
    }

    /// The model of them.
    pub(super) fn external_models(&self) -> Vec<model::External> {
        let models = self.spec.external.iter().filter_map(|(name, written)| {
            let elsewhere = self.external.get(name.value.as_str())?;
            Some(model::External {
                name: name.value.clone(),
                host: elsewhere.host.clone(),
                ports: elsewhere.ports(),
                group: written.group.clone().unwrap_or_default(),
                description: written.description.clone().unwrap_or_default(),
            })
        });
        models.collect()
    }

    /// The address of a port of a service or of an external one.
    pub(super) fn address_of(&self, name: &str, port: u16, path: &str) -> Address {
        let host = match self.external.get(name) {
            Some(elsewhere) => Host::External { name: name.to_owned(), host: elsewhere.host.clone() },
            None => Host::Service(name.to_owned()),
        };
        Address { host, port, path: path.to_owned() }
    }

    /// What a reference to an external service stands for; reports an unknown port.
    pub(super) fn external_address(&mut self, name: &str, endpoint: &str, number: bool, span: Span) -> Option<Text> {
        let elsewhere = self.external.get(name)?;
        if endpoint == HOST && !number && elsewhere.port(HOST).is_none() {
            let host = elsewhere.host.clone();
            self.refer_to(&Address {
                host: Host::External { name: name.to_owned(), host: host.clone() },
                port: 0,
                path: String::new(),
            });
            return Some(host);
        }
        let written = elsewhere.written;
        let kind = written.kind.as_ref().map(|kind| kind.value.declaration());
        // A port's name comes before an endpoint's.
        let mut endpoints = kind::endpoints(kind).filter(|(_, port, _)| !number && self.has_port(name, port));
        let found = endpoints.find(|(known, ..)| *known == endpoint && !self.has_port(name, known));
        let (port, path) = found.map_or((endpoint, None), |(_, port, path)| (port, Some(path)));
        let target = self.external_port(name, port, span)?;
        let address = self.address_of(name, target, path.unwrap_or_default());
        self.refer_to(&address);
        Some(if number {
            target.to_string().into()
        } else if path.is_some() {
            address.url()
        } else {
            address.authority()
        })
    }

    fn has_port(&self, name: &str, port: &str) -> bool {
        self.external.get(name).is_some_and(|elsewhere| elsewhere.port(port).is_some())
    }

    /// The number of a port of an external service; reports an unknown one.
    pub(super) fn external_port(&mut self, name: &str, port: &str, span: Span) -> Option<u16> {
        let elsewhere = self.external.get(name)?;
        let target = elsewhere.port(port);
        if target.is_none() && elsewhere.written.sound && !elsewhere.written.ports.knows(port) {
            let ports = elsewhere.ports();
            let names = || ports.iter().map(|(name, _)| name.as_str());
            let title = format!("unknown port `{}` of external service `{}`", shown(port), shown(name));
            let diagnostic = Diagnostic::new("unknown-port", title, span).also(elsewhere.written.span, "the service");
            let diagnostic = diagnostic.suggest_of(self.diagnostics, port, names(), || expected(names()));
            self.report(diagnostic);
        }
        target
    }

    /// The names of the ports of a service or of an external one.
    pub(super) fn port_names(&self, name: &str) -> Option<Vec<String>> {
        if let Some(&index) = self.index.get(name) {
            return Some(self.ports.get(index)?.iter().map(|port| port.name.clone()).collect());
        }
        Some(self.external.get(name)?.ports().into_iter().map(|(name, _)| name).collect())
    }

    /// Refers to the service of an address, and to the variables in it.
    pub(super) fn refer_to(&mut self, address: &Address) {
        if let Some(name) = address.name() {
            self.references.service(name);
        }
        if let Host::External { host, .. } = &address.host {
            for variable in host.variables() {
                self.references.variable(variable);
            }
        }
    }
}
