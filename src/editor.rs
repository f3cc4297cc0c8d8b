//! The JSON Schemas of the spec, for editors.
//!
//! They don't depend on the stack, so they belong to no profile and have their own manifest. Making them from the tables of
//! the spec takes longer than everything else that `gen check` does, so they are compiled in as they are in this
//! repository's own `spec/`, and a test compares them with the tables.

use serde_json::Value;

use crate::output::{File, Scope};
use crate::spec::source::Sources;
use crate::spec::{Location, schema};

/// The schema of the main file and the files it includes.
pub const STACK: Schema = Schema { name: "stack.schema.json", text: include_str!("../spec/stack.schema.json") };

/// The schema of a dashboard's file.
pub const DASHBOARD: Schema =
    Schema { name: "dashboard.schema.json", text: include_str!("../spec/dashboard.schema.json") };

/// What the schemas say, and more, for people.
pub const REFERENCE: Schema = Schema { name: "REFERENCE.md", text: include_str!("../spec/REFERENCE.md") };

/// A schema, as it is written next to the spec.
#[derive(Debug)]
pub struct Schema {
    /// The name of its file.
    pub name: &'static str,
    /// Its JSON.
    pub text: &'static str,
}

/// The paths of the schemas.
pub fn scope(location: &Location) -> Scope {
    Scope {
        manifest: location.beside("schema.sha256"),
        folders: vec![location.folder().to_owned()],
        ..Scope::default()
    }
}

/// The files beside the spec. A project with kinds of its own has their settings in its schema, and a schema for their
/// declarations.
pub fn files(sources: &Sources, schemas: bool, reference: bool) -> impl Iterator<Item = File> {
    let (location, kinds) = (sources.location(), sources.kinds());
    let file = |name: &str, contents: String| File { path: location.beside(name), executable: false, contents };
    let mut files = Vec::new();
    if schemas {
        let built_in = kinds.are_built_in();
        let stack = if built_in { STACK.text.to_owned() } else { text_of(&schema::stack(kinds)) };
        files.extend([file(STACK.name, stack), file(DASHBOARD.name, DASHBOARD.text.to_owned())]);
        files.extend((!built_in).then(|| file("kind.schema.json", text_of(&schema::kind()))));
    }
    files.extend(reference.then(|| file(REFERENCE.name, REFERENCE.text.to_owned())));
    files.into_iter()
}

/// A schema as it is written.
pub fn text_of(schema: &Value) -> String {
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;
    use crate::spec::kind::Kinds;
    use camino::Utf8Path;

    #[test]
    fn the_schemas_and_the_reference_say_what_the_tables_say() {
        let mut stale = Vec::new();
        for (Schema { name, text }, expected) in [
            (STACK, text_of(&schema::stack(&Kinds::default()))),
            (DASHBOARD, text_of(&schema::dashboard())),
            (REFERENCE, reference::text()),
        ] {
            if text != expected {
                stale.push(name);
                if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
                    std::fs::write(Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("spec").join(name), expected)
                        .unwrap();
                }
            }
        }
        assert!(
            stale.is_empty(),
            "{stale:?} are out of date: run `INSTA_UPDATE=always cargo test --lib editor`, then `gen render`"
        );
    }
}
