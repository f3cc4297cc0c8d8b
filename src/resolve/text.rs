//! References in strings: environment variables and addresses.

use super::Resolver;
use super::kubernetes::workloads;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::kubernetes::members_of;
use crate::model::text as model;
use crate::spec::kind;
use crate::spec::text::{Operator, Part, Scalar, Text, Value};

/// What refers to the host of a service, without a port, unless a port has this name.
pub(super) const HOST: &str = "host";

impl Resolver<'_> {
    /// A string with its references resolved.
    pub(super) fn text(&mut self, text: &Text) -> model::Text {
        if let Some(literal) = text.literal() {
            return model::Text::Literal(literal.to_owned());
        }
        match text.parts() {
            [part] => self.part(part),
            parts => model::Text::concat(parts.iter().map(|part| self.part(part))),
        }
    }

    fn part(&mut self, part: &Part) -> model::Text {
        match part {
            Part::Literal(literal) => literal.as_str().into(),
            Part::Address(address) => {
                self.address(&address.service, &address.endpoint, address.number, address.span).unwrap_or_default()
            }
            Part::Env(reference) => self.reference(&reference.name, reference.operator.as_ref(), reference.span).into(),
        }
    }

    pub(super) fn texts(&mut self, texts: &[Text]) -> Vec<model::Text> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    pub(super) fn scalars(&mut self, map: &crate::spec::decode::Map<Scalar>) -> Vec<(String, model::Text)> {
        map.iter().map(|(name, value)| (name.value.clone(), self.text(&value.0))).collect()
    }

    /// A typed value, or a reference in its place.
    pub(super) fn value<T: Clone>(&mut self, value: &Value<T>) -> model::Value<T> {
        match value {
            Value::Is(value) => model::Value::Is(value.clone()),
            Value::Env(text) => model::Value::Env(self.text(text)),
        }
    }

    /// A typed value that is written as a string.
    pub(super) fn written<T>(&mut self, value: &Value<T>, write: impl Fn(&T) -> String) -> model::Text {
        match value {
            Value::Is(value) => model::Text::Literal(write(value)),
            Value::Env(text) => self.text(text),
        }
    }

    /// `service:port`, a port's number, or an endpoint that the service's kind has.
    pub(super) fn address(&mut self, service: &str, endpoint: &str, number: bool, span: Span) -> Option<model::Text> {
        if self.external.contains_key(service) {
            return self.external_address(service, endpoint, number, span);
        }
        let Some(&index) = self.index.get(service) else {
            if service.starts_with("__") {
                let title = format!("unknown service `{}`", crate::spec::decode::shown(service));
                // Grafana's own variables are named like this.
                let help = format!("if Grafana replaces it, write `$${{{service}.{endpoint}}}`");
                self.report(Diagnostic::new("unknown-service", title, span).help(help));
                return None;
            }
            self.unknown_service(service, span, None);
            return None;
        };
        // What a port is published on is resolved with the ports, of which this one may come later.
        if self.ports.len() < self.spec.services.entries.len() {
            let title = format!("the address of `{service}` cannot be used in `ports`, `bind` and `host`");
            self.report(
                Diagnostic::new("invalid-reference", title, span)
                    .help("write the port or the host's address itself, or refer to a variable: `${NAME}`"),
            );
            return None;
        }
        self.references.service(service);
        let kind = self.spec.services.entries[index].1.kind.as_ref().map(|kind| kind.value.declaration());
        let ports = &self.ports[index];
        let has = |name: &str| ports.iter().any(|port| port.name == name);
        if endpoint == HOST && !number && !has(HOST) {
            if ports.is_empty() && self.is_kubernetes() {
                let title = format!("`{service}` has no port, and so no host name in Kubernetes");
                let help = "give it a port: `ports.http = { target = 80 }`";
                self.report(Diagnostic::new("not-in-kubernetes", title, span).help(help));
            }
            return Some(service.to_owned().into());
        }
        // A port's name comes before an endpoint's.
        let endpoints: Vec<_> = kind::endpoints(kind).filter(|(_, port, _)| !number && has(port)).collect();
        if !has(endpoint)
            && let Some((_, port, path)) = endpoints.iter().find(|(known, ..)| *known == endpoint)
        {
            let target = self.port_of(index, port, span, &[])?;
            return Some(format!("http://{service}:{target}{path}").into());
        }
        let names: Vec<&str> = endpoints.iter().map(|(known, ..)| *known).collect();
        let target = self.port_of(index, endpoint, span, &names)?;
        let host = self.host(index, endpoint);
        Some(if number { target.to_string() } else { format!("{host}:{target}") }.into())
    }

    /// The name by which others reach a port of a service.
    fn host(&self, index: usize, port: &str) -> String {
        let (name, service) = &self.spec.services.entries[index];
        let has_members = self.is_kubernetes()
            && workloads(service).find_map(|workload| workload.members.as_ref()).is_some_and(|own| own.value == port);
        if has_members { members_of(&name.value) } else { name.value.clone() }
    }

    /// A reference to a variable of `.env`, completed by its declaration.
    pub(super) fn reference(&mut self, name: &str, operator: Option<&Operator>, span: Span) -> model::Reference {
        let reference = |operator| model::Reference { name: name.to_owned(), operator: Some(operator) };
        let Some(used) = self.variables.get_mut(name) else {
            if super::names::is_setting(name) && !self.is_kubernetes() {
                let operator = operator.map(|operator| self.operator(operator));
                return model::Reference { name: name.to_owned(), operator };
            }
            self.undeclared_variable(name, span);
            return model::Reference { name: name.to_owned(), operator: None };
        };
        used.used = true;
        self.references.variable(name);
        let declared = used.variable.default.as_ref();
        match operator {
            Some(Operator::Default(word)) => {
                let flags = [("required", &used.variable.required), ("secret", &used.variable.secret)];
                let set =
                    flags.into_iter().find_map(|(what, flag)| Some((what, flag.as_ref().filter(|flag| flag.value)?)));
                if let Some((what, flag)) = set {
                    let title = format!("{what} variable `{name}` cannot have a default");
                    self.diagnostics.push(
                        Diagnostic::new("contradiction", title, span)
                            .at("this default")
                            .also(flag.span, what)
                            .help(format!("write `${{{name}}}` without a default")),
                    );
                    return reference(self.operator(&Operator::Default(word.clone())));
                }
                let conflict = match (declared, &used.inline) {
                    (Some(default), _) => (!default.value.0.is_same(word)).then_some(default.span),
                    (None, Some((first, first_span))) => (!first.is_same(word)).then_some(*first_span),
                    (None, None) => {
                        used.inline = Some((word.clone(), span));
                        None
                    }
                };
                if let Some(other) = conflict {
                    self.report(
                        Diagnostic::new("default-conflict", format!("conflicting defaults for `{name}`"), span)
                            .at("this default")
                            .also(other, "the other default")
                            .help(format!("declare the default once, in [env.{name}], and use `${{{name}}}`")),
                    );
                }
                reference(self.operator(&Operator::Default(word.clone())))
            }
            Some(operator) => reference(self.operator(operator)),
            None if used.variable.required.as_ref().is_some_and(|required| required.value) => {
                reference(model::Operator::Required(format!("set {name} in .env")))
            }
            None => {
                let default = self.default_of(name).unwrap_or_default();
                reference(model::Operator::Default(default.into()))
            }
        }
    }

    fn operator(&mut self, operator: &Operator) -> model::Operator {
        match operator {
            Operator::Default(word) => model::Operator::Default(self.text(word)),
            Operator::Required(message) => model::Operator::Required(message.clone()),
            Operator::Alternative(word) => model::Operator::Alternative(self.text(word)),
        }
    }

    /// The value of a text without a `.env`; `None` if it is unknown.
    pub(super) fn effective(&self, text: &Text) -> Option<String> {
        let mut whole = String::new();
        for part in text.parts() {
            match part {
                Part::Literal(literal) => whole.push_str(literal),
                Part::Env(reference) => match &reference.operator {
                    Some(Operator::Default(word)) => whole.push_str(&self.effective(word)?),
                    Some(Operator::Alternative(_)) => {}
                    _ => whole.push_str(&self.default_of(&reference.name)?),
                },
                Part::Address(_) => return None,
            }
        }
        Some(whole)
    }
}
