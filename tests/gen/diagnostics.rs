//! Every mistake in a spec is shown with its places and a way out.
//!
//! `tests/specs/<name>/` is the `spec/` folder of a project; what the binary says of it stands in
//! `tests/snapshots/<name>.snap`.

use std::fs;

use super::project::Project;

#[test]
fn each_wrong_spec_has_its_diagnostic() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::glob!("../specs", "*/stack.toml", |path| {
            let folder = path.parent().unwrap();
            let name = folder.file_name().unwrap().to_str().unwrap();
            let project = Project::empty();
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                project.write(&format!("spec/{}", entry.file_name().to_str().unwrap()), fs::read(entry.path()).unwrap());
            }
            let run = project.run(&["check"]);
            assert_eq!(run.code, Some(2), "{name}: {run:?}");
            assert_eq!(run.stdout, "", "{name}");
            assert!(run.stderr.contains(&format!("error[{}]", code(name))), "{name}: {}", run.stderr);
            insta::with_settings!({ snapshot_suffix => "" }, {
                insta::assert_snapshot!(name, run.stderr);
            });
        });
    });
}

/// The code that a spec's folder is named for: what stands before a `--`.
fn code(name: &str) -> &str {
    name.split("--").next().unwrap_or(name)
}
