//! What the files of variables say: `.env`, and the example that is committed beside it.

use std::collections::HashMap;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::paths::clean;
use super::{Kind, Notes, Read};
use crate::dev::dotenv::Dotenv;
use crate::diagnostic::Span;
use crate::spec::decode::shown;
use crate::spec::merge::SERVICE;
use crate::spec::text::{closing_brace, is_variable_name};
use crate::spec::tree::{Node, Table, Value};

/// Where variables are described, by precedence.
const EXAMPLES: [&str; 5] = [".env.example", ".env.sample", ".env.template", ".env.dist", "example.env"];

/// The file of the values.
pub(super) const VALUES: &str = ".env";

/// The most lines of a comment that are about one variable.
const MOST_LINES: usize = 3;

/// What is known of variables.
#[derive(Debug, Default)]
pub(super) struct Known {
    descriptions: HashMap<String, String>,
    /// The values, of which none becomes part of a spec.
    pub values: Dotenv,
    /// Those that may be relative paths.
    relative: HashMap<String, String>,
    /// The folder of the project.
    folder: Utf8PathBuf,
}

impl Known {
    /// Reads the files in a folder, and says why the values can't be read.
    pub fn read(folder: &Utf8Path, read: Read<'_>) -> (Self, Option<String>) {
        let mut known = Self { folder: folder.to_owned(), ..Self::default() };
        // Comments of the file with values may have some, too.
        for text in EXAMPLES.into_iter().filter_map(|name| read(&folder.join(name)).ok()) {
            known.describe(&text);
        }
        let values = match read(&folder.join(VALUES)) {
            Ok(text) => Dotenv::parse(&text).map_err(|error| format!("line {}: {}", error.line, error.reason)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (known, None),
            Err(error) => Err(error.to_string()),
        };
        match values {
            Ok(values) => {
                let is_absolute = |value: &str| value.starts_with(['/', '~', '\\']) || value.contains(':');
                let relative = values.variables().filter(|(_, value)| !value.is_empty() && !is_absolute(value));
                known.relative.extend(relative.map(|(name, value)| (name.to_owned(), value.to_owned())));
                known.values = values;
                (known, None)
            }
            Err(error) => {
                let what = format!("cannot read `{VALUES}`, which may have relative paths: {}", shown(&error));
                (known, Some(what))
            }
        }
    }

    /// What a comment says of a variable, on one line.
    pub fn description(&self, name: &str) -> Option<&str> {
        self.descriptions.get(name).map(String::as_str)
    }

    /// Takes the comments above and beside variables, also above those that are commented out.
    fn describe(&mut self, text: &str) {
        let mut above: Vec<&str> = Vec::new();
        for line in text.lines().map(str::trim) {
            let comment = line.strip_prefix('#').map(|text| text.trim_matches(['#', '=', '-', '*', ' ', '\t']));
            let assigned = line.trim_start_matches(['#', ' ']);
            let name = assigned.trim_start_matches("export ").split_once('=').map(|(name, _)| name.trim_end());
            match (comment, name.filter(|name| is_variable_name(name))) {
                (_, Some(name)) => {
                    let beside = assigned.split_once(" #").map(|(_, text)| text.trim());
                    let beside = beside.filter(|_| above.is_empty() && !assigned.contains(['"', '\'']));
                    let text = beside.map_or_else(|| above.join(" "), ToOwned::to_owned);
                    if !text.is_empty() && above.len() <= MOST_LINES && !text.contains(char::is_control) {
                        self.descriptions.entry(name.to_owned()).or_insert(text);
                    }
                    above.clear();
                }
                (Some(text), None) if !text.is_empty() => above.push(text),
                (Some(_), None) => {}
                (None, None) => above.clear(),
            }
        }
    }

    /// Notes the paths that begin with a variable whose value is relative: to the folder of the Compose file.
    pub fn note_relative(&self, spec: &Table<'static>, folder: &str, notes: &mut Notes<'_>) {
        if self.relative.is_empty() {
            return;
        }
        for (section, node) in &spec.entries {
            let Value::Table(entries) = &node.value else { continue };
            for (_, node) in &entries.entries {
                let Value::Table(entry) = &node.value else { continue };
                for path in PATHS.iter().filter(|(above, _)| *above == section.name).map(|(_, path)| *path) {
                    self.paths_at(entry, path, &mut |variable, value, span| {
                        let up = Utf8Path::new("../..").join(clean(&self.folder.join(value)));
                        let what = format!(
                            "`{variable}={}` in `{VALUES}` is relative to `{folder}` now; write `{}` or an absolute path",
                            shown(value),
                            shown(up.as_str())
                        );
                        notes.add(Kind::Lost, Some(span), what);
                    });
                }
            }
        }
    }

    fn paths_at(&self, table: &Table<'static>, path: &[&str], found: &mut impl FnMut(&str, &str, Span)) {
        let Some((name, rest)) = path.split_first() else { return };
        let mut each = |node: &Node<'static>| match &node.value {
            Value::String(text) if rest.len() < 2 => {
                let known = leading(text).and_then(|name| self.relative.get_key_value(name));
                // In the short form, anything else is the name of a volume.
                let is_path = |value: &str| *name != "volumes" || value.starts_with('.');
                if let Some((variable, value)) = known.filter(|(_, value)| is_path(value)) {
                    found(variable, value, node.span);
                }
            }
            Value::Table(inner) => self.paths_at(inner, rest, found),
            _ => {}
        };
        match table.at(&[name]) {
            Some(Node { value: Value::List(items), .. }) => items.iter().for_each(each),
            Some(node) => each(node),
            None => {}
        }
    }
}

/// Where paths of the host are: the section, and the keys below a name.
const PATHS: [(&str, &[&str]); 7] = [
    (SERVICE, &["volumes", "source"]),
    (SERVICE, &["build", "context"]),
    (SERVICE, &["env_file", "path"]),
    (SERVICE, &["label_file", "path"]),
    ("secrets", &["file"]),
    ("configs", &["file"]),
    ("volumes", &["driver_opts", "device"]),
];

/// The variable with which a text begins.
fn leading(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('$')?;
    let inside = inside.get(1..closing_brace(inside)?)?;
    Some(inside.split(':').next().unwrap_or(inside))
}
