//! What the files of variables say: `.env`, and the example that is committed beside it.

use std::collections::HashMap;
use std::io;

use camino::Utf8Path;

use super::Read;
use crate::dev::dotenv::Dotenv;
use crate::spec::decode::shown;
use crate::spec::text::is_variable_name;

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
}

impl Known {
    /// Reads the files in a folder, and says why the values can't be read.
    pub fn read(folder: &Utf8Path, read: Read<'_>) -> (Self, Option<String>) {
        let mut known = Self::default();
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
                known.values = values;
                (known, None)
            }
            Err(error) => {
                let what = format!("cannot read `{VALUES}`, which may decide paths: {}", shown(&error));
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
}
