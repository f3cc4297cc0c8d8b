//! The shorter forms of Compose's values: a list for a table, one item for a list, one value for a table. Merging them,
//! looking for paths in them and comparing them needs the longer form.

/// What may stand for a longer form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A list of `NAME=value`, with one of these signs, for a table.
    Assignments(&'static [char]),
    /// The same; a name alone has an empty value.
    Labels,
    /// A list of names, for a table of tables.
    Names,
    /// A list of services that are to be started, for a table of conditions.
    Dependencies,
    /// A list, for a table that only `gen` has.
    Apart,
    /// One item, for a list of it.
    One,
    /// The value of this key, for a table with it.
    Of(&'static str),
}

use Form::{Apart, Assignments, Dependencies, Labels, Names, Of, One};

const ANY: &str = "*";

/// What is above a key, the key and its form.
const FORMS: &[(&str, &str, Form)] = &[
    (ANY, "additional_contexts", Assignments(&['='])),
    (ANY, "annotations", Labels),
    (ANY, "args", Assignments(&['='])),
    (ANY, "build", Of("context")),
    (ANY, "depends_on", Dependencies),
    ("depends_on", ANY, Of("condition")),
    (ANY, "dns", One),
    (ANY, "dns_search", One),
    (ANY, "env_file", One),
    (ANY, "env_file", Of("path")),
    (ANY, "environment", Assignments(&['='])),
    (ANY, "extends", Of("service")),
    (ANY, "extra_hosts", Assignments(&['=', ':'])),
    ("extra_hosts", ANY, One),
    ("devices", "options", Labels),
    ("gpus", "options", Labels),
    (ANY, "gpus", Of("count")),
    ("images", ANY, Of("reference")),
    (ANY, "label_file", One),
    (ANY, "labels", Labels),
    (ANY, "models", Names),
    (ANY, "networks", Names),
    (ANY, "ports", Apart),
    ("ports", ANY, Of("published")),
    (ANY, "secrets", Of("source")),
    (ANY, "ssh", Labels),
    (ANY, "sysctls", Assignments(&['='])),
    (ANY, "tmpfs", One),
    ("watch", "ignore", One),
    ("watch", "include", One),
];

/// The forms of a key; `above` is the key of the table that has it, whose own keys may be names.
pub fn forms(above: &str, key: &str) -> impl Iterator<Item = Form> {
    let has_names = FORMS.iter().any(|(outer, inner, _)| *outer == above && *inner == ANY);
    let is = move |outer: &str, inner: &str| {
        if has_names { outer == above && inner == ANY } else { inner == key && (outer == above || outer == ANY) }
    };
    FORMS.iter().filter(move |(outer, inner, _)| is(outer, inner)).map(|(.., form)| *form)
}

/// Whether the value may be one item of a list.
pub fn is_one_or_more(above: &str, key: &str) -> bool {
    forms(above, key).any(|form| form == One)
}

/// The key of a table that a value stands for.
pub fn short_for(above: &str, key: &str) -> Option<&'static str> {
    forms(above, key).find_map(|form| if let Of(key) = form { Some(key) } else { None })
}

/// How a list of it is written as a table.
pub fn list_of(above: &str, key: &str) -> Option<Form> {
    forms(above, key).find(|form| !matches!(form, One | Of(_)))
}

/// The keys of which one says where a secret comes from.
pub const SECRET_SOURCES: &[&str] = &["file", "environment", "external"];

/// The keys of which one says where a config comes from.
pub const CONFIG_SOURCES: &[&str] = &["file", "environment", "external", "content"];
