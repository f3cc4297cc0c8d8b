//! The JSON Schemas of the spec, for editors.
//!
//! They don't depend on the stack, so they belong to no profile and have their own manifest.

use camino::Utf8Path;
use serde_json::Value;

use crate::output::{File, Scope};
use crate::spec::schema;

/// The schema of the main file and the files it includes.
pub const STACK: &str = "spec/stack.schema.json";

/// The schema of a dashboard's file.
pub const DASHBOARD: &str = "spec/dashboard.schema.json";

/// The paths of the schemas.
#[must_use]
pub fn scope() -> Scope {
    Scope { manifest: "spec/schema.sha256".into(), folders: vec!["spec".into()] }
}

/// The schemas.
pub fn files() -> impl Iterator<Item = File> {
    let file = |path: &str, schema: &Value| {
        // Serializing strings and numbers can't fail.
        let mut contents = serde_json::to_string_pretty(schema).unwrap_or_default();
        contents.push('\n');
        File { path: Utf8Path::new(path).to_owned(), executable: false, contents }
    };
    [file(STACK, &schema::stack()), file(DASHBOARD, &schema::dashboard())].into_iter()
}
