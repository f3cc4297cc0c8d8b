//! Paths of the host: in a Compose file they are relative to the folder of the project, in a spec to the root.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::model::service::REMOTE_CONTEXTS;
use crate::spec::merge::SERVICE;
use crate::spec::service::split_outside;
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

/// Makes the relative paths of a document relative to the current folder; `folder` is that of the project.
pub(super) fn rebase(document: &mut Table<'static>, folder: &Utf8Path) {
    let folder = clean(folder);
    if folder.as_str().is_empty() {
        return;
    }
    let rebase = Rebase { folder };
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
}

/// Whether a path is one of another machine.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://") || REMOTE_CONTEXTS.iter().any(|start| path.starts_with(start))
}

fn is_bind(volume: &Table<'_>) -> bool {
    matches!(volume.at(&["driver_opts", "o"]), Some(Node { value: Value::String(options), .. })
        if options.split(',').any(|option| option == "bind"))
}

struct Rebase {
    folder: Utf8PathBuf,
}

impl Rebase {
    fn service(&self, service: &mut Table<'static>) {
        for (key, node) in &mut service.entries {
            match (&*key.name, &mut node.value) {
                ("build", Value::String(context)) => self.context(context),
                ("build", Value::Table(build)) => {
                    if let Some((_, Node { value: Value::String(context), .. })) = entry(build, "context") {
                        self.context(context);
                    } else if build.at(&["context"]).is_none() {
                        build.entries.push((super::key("context"), super::string(&self.folder.join("").into_string())));
                    }
                    if let Some((_, node)) = entry(build, "additional_contexts") {
                        self.contexts(&mut node.value);
                    }
                }
                ("env_file" | "label_file", value) => self.each(value, "path"),
                ("extends", Value::Table(extends)) => self.at(extends, &["file"]),
                ("develop", Value::Table(develop)) => {
                    if let Some((_, node)) = entry(develop, "watch") {
                        self.each(&mut node.value, "path");
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
                if pieces.len() > 1
                    && let [source, ..] = pieces.as_slice()
                    && source.starts_with('.')
                {
                    *text = format!("{}{}", self.joined(source), &text[source.len()..]).into();
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
                        self.context(context);
                    }
                }
            }
            Value::List(items) => {
                for item in items {
                    if let Value::String(text) = &mut item.value
                        && let Some((name, context)) = text.split_once('=')
                    {
                        let mut context = context.to_owned().into();
                        self.context(&mut context);
                        *text = format!("{name}={context}").into();
                    }
                }
            }
            _ => {}
        }
    }

    /// A path, a list of them, or of tables with one.
    fn each(&self, value: &mut Value<'static>, name: &str) {
        match value {
            Value::String(text) => *text = self.joined(text).into(),
            Value::List(items) => items.iter_mut().for_each(|item| self.each(&mut item.value, name)),
            Value::Table(table) => self.at(table, &[name]),
            _ => {}
        }
    }

    fn at(&self, table: &mut Table<'static>, path: &[&str]) {
        let Some((name, rest)) = path.split_first() else { return };
        match entry(table, name).map(|(_, node)| &mut node.value) {
            Some(Value::String(text)) if rest.is_empty() => *text = self.joined(text).into(),
            Some(Value::Table(inner)) => self.at(inner, rest),
            _ => {}
        }
    }

    /// The context of a build, unless it is elsewhere.
    fn context(&self, context: &mut std::borrow::Cow<'static, str>) {
        if !is_remote(context) {
            *context = self.joined(context).into();
        }
    }

    fn joined(&self, path: &str) -> String {
        if path.starts_with(['/', '~', '$']) || path.get(1..3) == Some(":\\") {
            return path.to_owned();
        }
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
