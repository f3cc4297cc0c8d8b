//! `[patches]`: the values of outputs that the spec changes. Whether they apply is known once the outputs are rendered.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::patch::{Action, Edit, Patch};
use crate::spec::decode::{Spanned, shown};
use crate::spec::patches::Path;
use crate::spec::text::{Part, Text, Tree};

/// The output in which Compose replaces variables.
const COMPOSE: &str = "docker-compose.yml";

impl Resolver<'_> {
    /// The patches, with the references in their values resolved.
    pub(super) fn patches(&mut self) -> Vec<Patch> {
        let spec = self.spec;
        let mut patches = Vec::new();
        for (file, patch) in spec.patches.iter() {
            self.check_reason_to("patch", &file.value, &patch.reason);
            let mut edits = Vec::new();
            for (path, value) in patch.set.iter() {
                let action = Action::Set(self.patched(&file.value, &value.value));
                edits.extend(self.path(&path.value, path.span).map(|path| Edit { path, action }));
            }
            for (path, value) in patch.add.iter() {
                let action = Action::Add(self.patched(&file.value, &value.value));
                edits.extend(self.path(&path.value, path.span).map(|path| Edit { path, action }));
            }
            for path in &patch.remove {
                edits.extend(self.path(&path.value, path.span).map(|path| Edit { path, action: Action::Remove }));
            }
            if patch.sound && edits.is_empty() {
                let title = format!("patch of `{}` without a change", shown(&file.value));
                self.report(
                    Diagnostic::new("invalid-patch", title, file.span)
                        .help("say what it changes: `set = { \"path.of.a.value\" = … }`, or `add` or `remove`"),
                );
            }
            patches.push(Patch { file: file.value.clone(), reason: patch.reason.value.clone(), edits });
        }
        patches
    }

    /// The outputs that are the user's own.
    pub(super) fn ejected(&mut self) -> Vec<(String, String)> {
        let spec = self.spec;
        for (file, reason) in spec.ejected.iter() {
            self.check_reason_to("eject", &file.value, reason);
        }
        spec.ejected.iter().map(|(file, reason)| (file.value.clone(), reason.value.clone())).collect()
    }

    fn check_reason_to(&mut self, what: &str, file: &str, reason: &Spanned<String>) {
        if reason.value.trim().is_empty() {
            let title = format!("missing reason to {what} `{}`", shown(file));
            let diagnostic = Diagnostic::new("missing-reason", title, reason.span).at("must not be empty");
            self.report(diagnostic.help("write why, for reviewers"));
        }
    }

    fn path(&mut self, text: &str, span: Span) -> Option<Path> {
        match Path::parse(text) {
            Ok(path) => Some(path),
            Err(wrong) => {
                let title = format!("invalid path `{}`", shown(text));
                let found = text.get(wrong.at).unwrap_or_default();
                let label = match found {
                    "" => format!("expected {}", wrong.expected),
                    found => format!("expected {}, found `{}`", wrong.expected, shown(found)),
                };
                let help = "write keys between dots, in quotes if they have one, and items as `[0]` or `[name=value]`";
                self.report(Diagnostic::new("invalid-patch", title, span).at(label).help(help));
                None
            }
        }
    }

    /// A value of an output, in which only Compose replaces variables.
    fn patched(&mut self, file: &str, value: &Tree) -> crate::model::text::Tree {
        if file != COMPOSE {
            let mut texts = Vec::new();
            value.texts(&mut texts);
            let parts = texts.into_iter().flat_map(Text::parts);
            for reference in
                parts.filter_map(|part| if let Part::Env(reference) = part { Some(reference) } else { None })
            {
                let title = format!("`{}` cannot have the variable `{}`", shown(file), reference.name);
                self.report(Diagnostic::new("invalid-reference", title, reference.span).help(format!(
                    "write the value itself, or `$${{{}}}` if the program that reads the file replaces it",
                    reference.name
                )));
            }
        }
        self.tree(value)
    }
}
