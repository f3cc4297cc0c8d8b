//! Secrets that are written in the spec, or where everyone on the host can read them. They are warnings: a password of a
//! database that only listens on loopback may be fine.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::secret;
use crate::model::text::Text as ModelText;
use crate::spec::decode::{Map, Spanned, shown};
use crate::spec::patches::{Path, name_of};
use crate::spec::service::{Command, Service};
use crate::spec::text::{Part, Scalar, Text, Tree};

impl Resolver<'_> {
    /// Warns of secrets that are written in the spec: in environments, and as defaults.
    pub(super) fn check_secrets(&mut self) {
        let spec = self.spec;
        for (_, service) in spec.services.iter() {
            self.check_written(&service.environment);
            self.check_exposed(service);
        }
        for (_, step) in spec.schema.iter() {
            self.check_written(&step.environment);
            self.check_command("command", &step.command);
        }
        for (_, patch) in spec.patches.iter() {
            for (path, value) in patch.set.iter().chain(patch.add.iter()) {
                let Ok(path) = Path::parse(&path.value) else { continue };
                let exposed = path.keys().find_map(exposed);
                self.check_patched(path.name(), exposed, &value.value);
            }
        }
        for (name, variable) in spec.env.iter() {
            if let Some(default) = &variable.default {
                self.check_literal(&name.value, &default.value.0, default.span);
            }
        }
    }

    fn check_written(&mut self, environment: &Map<Scalar>) {
        for (name, value) in environment.iter() {
            self.check_literal(&name.value, &value.0, value.0.span);
        }
    }

    /// Values of an output, each by what it is called; `exposed` is the key that they are in if others can see them.
    fn check_patched(&mut self, name: &str, exposed_by: Option<&'static str>, tree: &Tree) {
        match tree {
            Tree::Text(text) => match exposed_by {
                Some(key) if key == name => self.check_arguments(key, [text]),
                _ => {
                    if let Some(key) = exposed_by {
                        self.check_text(key, text);
                    }
                    self.check_literal(name, text, text.span);
                }
            },
            Tree::List(items) => {
                if let Some(key) = exposed_by.filter(|key| *key == name) {
                    self.check_arguments(key, items.iter().filter_map(Tree::text));
                }
                for item in items.iter().filter(|item| exposed_by != Some(name) || item.text().is_none()) {
                    self.check_patched(name, exposed_by, item);
                }
            }
            Tree::Table(entries) => {
                let beside = tree.entry("name").and_then(|(_, name)| name.text()?.literal());
                for (key, value) in entries {
                    let name = name_of(&key.value, beside, name);
                    self.check_patched(name, exposed(&key.value).or(exposed_by), value);
                }
            }
            Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) => {}
        }
    }

    fn check_literal(&mut self, name: &str, value: &Text, span: Span) {
        // A password of a URL is before an `@`, and tokens are long.
        let may_be =
            |part: &Part| matches!(part, Part::Literal(literal) if literal.len() > 12 || literal.contains('@'));
        if !value.parts().iter().any(may_be) && !secret::is_secret_name(name) {
            return;
        }
        let is_written = match value.literal() {
            Some(literal) => secret::is_literal(name, literal),
            None => secret::is_written(name, &plain(value)),
        };
        if !is_written {
            return;
        }
        self.report(
            Diagnostic::new("literal-secret", format!("`{}` looks like a secret that is committed", shown(name)), span)
                .help("keep it in `.env`: write `${NAME}`, and declare it in `[env.NAME]` with `secret = true`"),
        );
    }

    /// Warns of secrets in what `docker inspect` and `ps` show.
    fn check_exposed(&mut self, service: &Service) {
        for (key, command) in [("command", &service.command), ("entrypoint", &service.entrypoint)] {
            if let Some(command) = command {
                self.check_command(key, command);
            }
        }
        if let Some(test) = service.healthcheck.as_ref().and_then(|healthcheck| healthcheck.test.as_ref()) {
            self.check_command("healthcheck", test);
        }
        for (_, label) in service.labels.iter() {
            self.check_text("labels", &label.0);
        }
        if let Some(arguments) = service.compose.at(&["build", "args"]) {
            self.check_tree("build.args", arguments);
        }
    }

    fn check_command(&mut self, key: &str, command: &Spanned<Command>) {
        match &command.value {
            Command::Line(line) => self.check_arguments(key, [line]),
            Command::Arguments(arguments) => self.check_arguments(key, arguments),
        }
    }

    fn check_arguments<'t>(&mut self, key: &str, texts: impl IntoIterator<Item = &'t Text>) {
        let mut option = "";
        for text in texts {
            self.check_text(key, text);
            let literal = text.literal().unwrap_or_default();
            let is_option = option.starts_with('-') && !option.contains(['=', ' ']);
            let follows = is_option && !literal.starts_with('-') && secret::is_literal(option, literal);
            if !literal.is_empty() && (follows || secret::has_secret(literal)) {
                let title = format!("`{key}` contains what looks like a secret");
                self.diagnostics.warn(
                    Diagnostic::new("literal-secret", title, text.span)
                        .help("keep it in `.env`, and pass it in a file (`secrets`), or at least in `environment`"),
                );
            }
            option = literal;
        }
    }

    fn check_tree(&mut self, key: &str, tree: &Tree) {
        match tree {
            Tree::Text(text) => self.check_text(key, text),
            Tree::List(items) => items.iter().for_each(|item| self.check_tree(key, item)),
            Tree::Table(entries) => entries.iter().for_each(|(_, value)| self.check_tree(key, value)),
            Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) => {}
        }
    }

    fn check_text(&mut self, key: &str, text: &Text) {
        for part in text.parts() {
            let Part::Env(reference) = part else { continue };
            let declared = self.variables.get(reference.name.as_str());
            let is_secret = declared.and_then(|used| used.variable.secret.as_ref()).is_some_and(|secret| secret.value);
            if !is_secret {
                continue;
            }
            let (title, help) = if key == "build.args" {
                ("is kept in the history of the image", "use a secret of the build: `build.secrets`")
            } else {
                ("is visible to others on the host", "pass it in a file (`secrets`), or at least in `environment`")
            };
            let title = format!("secret `{}` in `{key}` {title}", reference.name);
            self.report(Diagnostic::new("secret-in-command", title, reference.span).help(help));
        }
    }
}

/// The key if its values can be seen by others: where a program's arguments are in the Compose file and in a manifest, and
/// labels.
fn exposed(key: &str) -> Option<&'static str> {
    ["command", "entrypoint", "labels", "args"].into_iter().find(|exposed| *exposed == key)
}

/// A text with what it refers to, as the model has it but for addresses.
fn plain(text: &Text) -> ModelText {
    let parts = text.parts().iter().map(|part| match part {
        Part::Literal(literal) => crate::model::text::Segment::Literal(literal.clone()),
        Part::Address(address) => crate::model::text::Segment::Literal(address.service.clone()),
        Part::Env(reference) => crate::model::text::Segment::Env(crate::model::text::Reference {
            name: reference.name.clone(),
            operator: None,
        }),
    });
    ModelText::Parts(parts.collect())
}
