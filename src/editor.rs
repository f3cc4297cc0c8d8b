//! What an editor needs of a project: the schemas of the spec's files, beside them.
//!
//! They say nothing of the stack, so they belong to no profile and have a manifest of their own.

use camino::Utf8Path;
use serde_json::Value;

use crate::output::{File, Scope};
use crate::spec::schema;

/// The schema of the main file and those that it includes.
pub const STACK: &str = "spec/stack.schema.json";

/// The schema of a dashboard's file.
pub const DASHBOARD: &str = "spec/dashboard.schema.json";

/// What the schemas own on disk.
#[must_use]
pub fn scope() -> Scope {
    Scope { manifest: "spec/schema.sha256".into(), folders: vec!["spec".into()] }
}

/// The schemas.
pub fn files() -> impl Iterator<Item = File> {
    let file = |path: &str, schema: &Value| {
        // Strings and numbers: that can't fail.
        let mut contents = serde_json::to_string_pretty(schema).unwrap_or_default();
        contents.push('\n');
        File { path: Utf8Path::new(path).to_owned(), executable: false, contents }
    };
    [file(STACK, &schema::stack()), file(DASHBOARD, &schema::dashboard())].into_iter()
}
