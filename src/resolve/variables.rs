//! `[env]`: the variables of the user's `.env`, and who reads them.

use super::Resolver;
use super::service::PROFILE;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::Variable;
use crate::model::text::Operator;
use crate::spec::decode::{Spanned, expected, shown};
use crate::spec::stack;
use crate::spec::text::is_variable_name;

/// Variables that nearly every shell exports.
const OF_SHELLS: &[&str] = &["HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"];

impl Resolver<'_> {
    /// The default of a variable: declared, or known from the infrastructure.
    pub(super) fn default_of(&self, name: &str) -> Option<String> {
        let used = self.variables.get(name)?;
        if let Some(default) = &used.variable.default {
            return default.value.0.literal().map(ToOwned::to_owned);
        }
        // botocore refuses an empty name of a profile (`get_scoped_config` of its `session.py`).
        if name == PROFILE && used.variable.required.as_ref().is_none_or(|required| !required.value) {
            return Some("default".to_owned());
        }
        // The region has one source: services use the region in which Terraform creates resources.
        let output = used.variable.output.as_ref()?;
        let infrastructure = self.spec.infrastructure.as_ref()?;
        (output.value == super::infrastructure::REGION_OUTPUT).then(|| infrastructure.region.value.clone())
    }

    /// Reports a variable that `[env]` does not have.
    pub(super) fn undeclared_variable(&mut self, name: &str, span: Span) {
        // Compose has its own settings from where it runs.
        if self.spec.env.knows(name) || (super::names::is_setting(name) && !self.is_kubernetes()) {
            return;
        }
        let title = format!("variable `{}` is not declared", shown(name));
        let names = self.spec.env.names();
        let port = self.index.get(name).and_then(|&index| self.ports.get(index)?.first());
        let address = port.map(|port| format!("${{{name}.{}}}", port.name));
        self.report_unknown(("undeclared-variable", title), "env", (name, span), names, || {
            // The name of a service in place of its address.
            match address {
                Some(address) => format!("for the address of the service `{name}`, write `{address}`"),
                None => format!("declare it: `[env.{name}]` with a `description`"),
            }
        });
    }

    /// Whether something that was resolved so far refers to a variable.
    pub(super) fn is_used(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|used| used.used)
    }

    /// Records a use of a variable outside of strings.
    pub(super) fn note_use(&mut self, name: &str) {
        if let Some(used) = self.variables.get_mut(name) {
            used.used = true;
        }
    }

    /// A value that is chosen at random, or lives elsewhere, must have no other source.
    fn check_source(&mut self, name: &str, variable: &stack::Variable, generate: Option<&Spanned<bool>>) {
        let default = variable.default.as_ref().map(|default| (default.span, "default"));
        let output = variable.output.as_ref().map(|output| (output.span, "output"));
        let from = variable.from.as_ref().map(|from| (from.span, "lives elsewhere"));
        let generate = generate.map(|generate| (generate.span, "is chosen at random"));
        let other = default.or(output).or(generate.filter(|_| from.is_some()));
        if let (Some((place, of)), Some((span, what))) = (from.or(generate), other) {
            self.report(
                Diagnostic::new("contradiction", format!("`{name}` has two sources"), place)
                    .at(of)
                    .also(span, what)
                    .help("remove one of the two"),
            );
        }
        let is_secret = variable.secret.as_ref().is_some_and(|secret| secret.value);
        if let Some(from) = variable.from.as_ref().filter(|_| !is_secret && variable.sound) {
            let title = format!("`{name}` comes from a secret store but is not marked as a secret");
            self.report(
                Diagnostic::new("contradiction", title, from.span)
                    .help(format!("add `secret = true` to `[env.{}]`, so that its value is never shown", shown(name))),
            );
        }
    }

    /// Checks the declarations, once everything that may refer to one was resolved.
    pub(super) fn finish_variables(&mut self) -> Vec<Variable> {
        let spec = self.spec;
        let outputs = self.output_names();
        let mut variables = Vec::with_capacity(spec.env.entries.len());
        // What fills the variables may be gone with the infrastructure or a cluster.
        let removes_outputs = self
            .profile
            .removed
            .iter()
            .any(|path| matches!(path.value.split('.').next(), Some("infrastructure" | "clusters")));
        for (name, variable) in spec.env.iter() {
            let flag = |flag: &Option<Spanned<bool>>| flag.as_ref().filter(|flag| flag.value).cloned();
            let (required, secret) = (flag(&variable.required), flag(&variable.secret));
            if let Some(default) = &variable.default {
                let contradiction = match (&required, &secret) {
                    (Some(required), _) => {
                        Some((required.span, "a required variable cannot have a default", "required"))
                    }
                    (_, Some(secret)) => {
                        Some((secret.span, "a secret cannot have a default: it would be committed", "secret"))
                    }
                    _ => None,
                };
                if let Some((span, title, what)) = contradiction {
                    self.report(
                        Diagnostic::new("contradiction", title, default.span)
                            .at("this default")
                            .also(span, what)
                            .help("remove one of the two"),
                    );
                }
                let representable = default.value.0.literal().is_some_and(Operator::representable);
                if !representable {
                    self.report(
                        Diagnostic::new(
                            "invalid-default",
                            format!("the default of `{}` cannot be used in `${{{}:-…}}`", name.value, name.value),
                            default.span,
                        )
                        .help("remove `$`, `{`, `}` and line breaks, or remove the default and document the value in the description"),
                    );
                }
            }
            let generate = flag(&variable.generate);
            self.check_source(&name.value, variable, generate.as_ref());
            let output = variable.output.as_ref().filter(|output| outputs.contains(&output.value));
            if let Some(output) = &variable.output
                && !outputs.contains(&output.value)
                && !removes_outputs
            {
                let names = || outputs.iter().map(String::as_str);
                self.report_missing(
                    spec.sound,
                    Diagnostic::new(
                        "unknown-output",
                        format!("unknown Terraform output `{}`", shown(&output.value)),
                        output.span,
                    )
                    .suggest_of(self.diagnostics, &output.value, names(), || expected(names())),
                );
            }
            if OF_SHELLS.contains(&name.value.as_str()) {
                let title = format!("the variable `{}` is set by shells", name.value);
                self.report(
                    Diagnostic::new("shell-variable", title, name.span)
                        .help("rename it: Compose prefers the shell's value to that of `.env`"),
                );
            }
            let used = self.is_used(&name.value);
            if !used && self.removes() {
                continue;
            }
            // A variable with an invalid name, which was reported, cannot be referenced.
            if !used && is_variable_name(&name.value) {
                self.report_unused(
                    "undeclared-variable",
                    Diagnostic::new("unused-variable", format!("unused variable `{}`", name.value), name.span)
                        .help(format!("use it as `${{{}}}`, or remove it", name.value)),
                );
            }
            variables.push(Variable {
                name: name.value.clone(),
                description: variable.description.value.clone(),
                group: variable.group.clone().unwrap_or_default(),
                required: required.is_some(),
                default: self.default_of(&name.value),
                secret: secret.is_some(),
                generate: generate.is_some(),
                output: output.map(|output| output.value.clone()),
                from: variable.from.as_ref().map(|from| from.value.clone()),
            });
        }
        variables
    }
}
