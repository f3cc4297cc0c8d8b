//! The JSON Schemas of the spec, for editors.
//!
//! They don't depend on the stack, so they belong to no profile and have their own manifest. Making them from the tables of
//! the spec takes longer than everything else that `gen check` does, so they are compiled in as they are in this
//! repository's own `spec/`, and a test compares them with the tables.

use camino::Utf8Path;

use crate::output::{File, Scope};

/// The schema of the main file and the files it includes.
pub const STACK: Schema = Schema { path: "spec/stack.schema.json", text: include_str!("../spec/stack.schema.json") };

/// The schema of a dashboard's file.
pub const DASHBOARD: Schema =
    Schema { path: "spec/dashboard.schema.json", text: include_str!("../spec/dashboard.schema.json") };

/// A schema, as it is written next to the spec.
#[derive(Debug)]
pub struct Schema {
    /// The path below the root.
    pub path: &'static str,
    /// Its JSON.
    pub text: &'static str,
}

/// The paths of the schemas.
pub fn scope() -> Scope {
    Scope { manifest: "spec/schema.sha256".into(), folders: vec!["spec".into()], others: None, files: Vec::new() }
}

/// The schemas.
pub fn files() -> impl Iterator<Item = File> {
    let file = |Schema { path, text }: Schema| File {
        path: Utf8Path::new(path).to_owned(),
        executable: false,
        contents: text.to_owned(),
    };
    [STACK, DASHBOARD].into_iter().map(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::schema;

    #[test]
    fn the_schemas_say_what_the_tables_say() {
        for (Schema { path, text }, schema) in [(STACK, schema::stack()), (DASHBOARD, schema::dashboard())] {
            let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if text != expected {
                if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
                    std::fs::write(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join(path), expected).unwrap();
                }
                panic!("{path} is out of date: run `INSTA_UPDATE=always cargo test --lib editor`, then `gen render`");
            }
        }
    }
}
