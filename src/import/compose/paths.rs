//! Paths of the host: in a Compose file they are relative to the folder of the project, in a spec to the root.

use std::borrow::Cow;
use std::cell::RefCell;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::env::VALUES;
use crate::diagnostic::Span;
use crate::model::service::REMOTE_CONTEXTS;
use crate::spec::decode::shown;
use crate::spec::merge::SERVICE;
use crate::spec::service::split_outside;
use crate::spec::text::closing_brace;
use crate::spec::tree::{Key, Node, Table, Value};

/// A path without `.` and, where that is certain, `..`.
pub fn clean(path: &Utf8Path) -> Utf8PathBuf {
    let mut out = Utf8PathBuf::new();
    for part in path.components() {
        match part {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir
                if out.components().next_back().is_some_and(|last| matches!(last, Utf8Component::Normal(_))) =>
            {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// Makes the relative paths of a document relative to the current folder; `folder` is that of the project, `values` has its
/// variables. Returns what to say about them.
pub(super) fn rebase(document: &mut Table<'static>, folder: &Utf8Path, values: Values<'_>) -> Vec<(Span, String)> {
    let rebase = Rebase { folder: clean(folder), values, said: RefCell::default() };
    for (section, node) in &mut document.entries {
        let Value::Table(entries) = &mut node.value else { continue };
        for (_, node) in &mut entries.entries {
            let Value::Table(entry) = &mut node.value else { continue };
            match &*section.name {
                SERVICE => rebase.service(entry),
                "secrets" | "configs" => rebase.at(entry, &["file"]),
                "volumes" if is_bind(entry) => rebase.at(entry, &["driver_opts", "device"]),
                _ => {}
            }
        }
    }
    rebase.said.into_inner()
}

/// Gives each build of a project that has no context the folder of the project.
pub(super) fn default_contexts(project: &mut Table<'static>, folder: &Utf8Path) {
    let folder = clean(folder);
    let Some((_, Node { value: Value::Table(services), .. })) =
        entry(project, SERVICE).filter(|_| !folder.as_str().is_empty())
    else {
        return;
    };
    for (_, node) in &mut services.entries {
        if let Value::Table(service) = &mut node.value
            && let Some((_, Node { value: Value::Table(build), .. })) = entry(service, "build")
            && build.at(&["context"]).is_none()
        {
            build.entries.push((super::key("context"), super::string(folder.as_str())));
        }
    }
}

/// Whether a path is one of another machine.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://") || REMOTE_CONTEXTS.iter().any(|start| path.starts_with(start))
}

fn is_bind(volume: &Table<'_>) -> bool {
    matches!(volume.at(&["driver_opts", "o"]), Some(Node { value: Value::String(options), .. })
        if options.split(',').any(|option| option == "bind"))
}

/// The value of a variable.
pub(super) type Values<'v> = &'v dyn Fn(&str) -> Option<String>;

struct Rebase<'v> {
    folder: Utf8PathBuf,
    values: Values<'v>,
    said: RefCell<Vec<(Span, String)>>,
}

impl Rebase<'_> {
    fn service(&self, service: &mut Table<'static>) {
        for (key, node) in &mut service.entries {
            match (&*key.name, &mut node.value) {
                ("build", Value::String(context)) => self.context(context, node.span),
                ("build", Value::Table(build)) => {
                    if let Some((_, Node { value: Value::String(context), span })) = entry(build, "context") {
                        self.context(context, *span);
                    }
                    if let Some((_, node)) = entry(build, "additional_contexts") {
                        self.contexts(&mut node.value);
                    }
                }
                ("env_file" | "label_file", _) => self.each(node, "path"),
                ("extends", Value::Table(extends)) => self.at(extends, &["file"]),
                ("develop", Value::Table(develop)) => {
                    if let Some((_, node)) = entry(develop, "watch") {
                        self.each(node, "path");
                    }
                }
                ("volumes", Value::List(mounts)) => mounts.iter_mut().for_each(|mount| self.mount(mount)),
                _ => {}
            }
        }
    }

    fn mount(&self, mount: &mut Node<'static>) {
        match &mut mount.value {
            Value::String(text) => {
                let pieces = split_outside(text);
                // Anything else is the name of a volume.
                let is_path = |path: &str| path.starts_with('.');
                if pieces.len() > 1
                    && let [source, ..] = pieces.as_slice()
                    && let Some(joined) = self.joined(source, is_path, mount.span)
                {
                    *text = format!("{joined}{}", &text[source.len()..]).into();
                }
            }
            Value::Table(table)
                if table.at(&["type"]).is_some_and(|node| node.value == Value::String("bind".into())) =>
            {
                self.at(table, &["source"]);
            }
            _ => {}
        }
    }

    fn contexts(&self, value: &mut Value<'static>) {
        match value {
            Value::Table(table) => {
                for (_, node) in &mut table.entries {
                    if let Value::String(context) = &mut node.value {
                        self.context(context, node.span);
                    }
                }
            }
            Value::List(items) => {
                for item in items {
                    if let Value::String(text) = &mut item.value
                        && let Some((name, context)) = text.split_once('=')
                    {
                        let mut context = context.to_owned().into();
                        self.context(&mut context, item.span);
                        *text = format!("{name}={context}").into();
                    }
                }
            }
            _ => {}
        }
    }

    /// A path, a list of them, or of tables with one.
    fn each(&self, node: &mut Node<'static>, name: &str) {
        match &mut node.value {
            Value::String(text) => self.path(text, node.span),
            Value::List(items) => items.iter_mut().for_each(|item| self.each(item, name)),
            Value::Table(table) => self.at(table, &[name]),
            _ => {}
        }
    }

    fn at(&self, table: &mut Table<'static>, path: &[&str]) {
        let Some((name, rest)) = path.split_first() else { return };
        let Some((_, node)) = entry(table, name) else { return };
        match &mut node.value {
            Value::String(text) if rest.is_empty() => self.path(text, node.span),
            Value::Table(inner) => self.at(inner, rest),
            _ => {}
        }
    }

    /// The context of a build, unless it is elsewhere.
    fn context(&self, context: &mut Cow<'static, str>, span: Span) {
        if !is_remote(context) {
            self.path(context, span);
        }
    }

    fn path(&self, path: &mut Cow<'static, str>, span: Span) {
        if let Some(joined) = self.joined(path, |_| true, span) {
            *path = joined.into();
        }
    }

    /// A path relative to the current folder, if it has to be another one. What begins with a variable is relative if that
    /// has such a value, or else its default.
    fn joined(&self, path: &str, is_path: impl Fn(&str) -> bool, span: Span) -> Option<String> {
        let is_relative = |path: &str| !path.starts_with(['/', '~', '\\']) && path.get(1..3) != Some(":\\");
        let Some(inside) = path.strip_prefix('$') else {
            let is_here = self.folder.as_str().is_empty();
            return (!is_here && is_path(path) && is_relative(path)).then(|| self.below(path));
        };
        let end = closing_brace(inside)?;
        let (reference, rest) = (inside.get(1..end)?, inside.get(end..)?);
        let (name, operator) = reference.split_at(reference.find(':').unwrap_or(reference.len()));
        let default = operator.strip_prefix(":-").unwrap_or_default();
        match (self.values)(name).filter(|value| !value.is_empty()) {
            Some(value) if is_path(&value) && is_relative(&value) && !is_remote(&value) => {
                let folder = self.below("");
                let now = format!("{folder}/{path}");
                let said =
                    format!("`{}` is `{}` now: `{name}` is a relative path in `{VALUES}`", shown(path), shown(&now));
                self.said.borrow_mut().push((span, said));
                Some(now)
            }
            Some(_) => None,
            None if default.is_empty() => None,
            None => Some(format!("${{{name}:-{}{rest}", self.joined(default, is_path, span)?)),
        }
    }

    fn below(&self, path: &str) -> String {
        let joined = clean(&self.folder.join(path));
        if joined.as_str().is_empty() {
            return ".".to_owned();
        }
        if joined.as_str().starts_with("..") || joined.is_absolute() {
            joined.into_string()
        } else {
            format!("./{joined}")
        }
    }
}

fn entry<'t>(table: &'t mut Table<'static>, name: &str) -> Option<(&'t Key<'static>, &'t mut Node<'static>)> {
    table.entries.iter_mut().find(|(key, _)| key.name == name).map(|(key, node)| (&*key, node))
}
