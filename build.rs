//! Compiles the kinds of `templates/kinds/` in: a table of their names, their `kind.toml` and the templates that it names.
//! Also the pages of diagnostics in `templates/codes/`, the options of Grafana's panels, and Compose's specification,
//! without its descriptions.

use std::fmt::Write as _;
use std::fs::FileType;
use std::path::Path;
use std::{env, fs, io};

use serde_json::Value;

/// Compose's own specification.
const COMPOSE: &str = "src/spec/compose-spec.json";

/// The options of Grafana's panels: panel type, area, dotted path and type; its first lines say how to read it.
const OPTIONS: &str = "src/resolve/dashboards/panel_options.tsv";

/// The folder of the kinds.
const KINDS: &str = "templates/kinds";

/// The folder of the pages of diagnostics.
const CODES: &str = "templates/codes";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={KINDS}");
    println!("cargo::rerun-if-changed={CODES}");
    println!("cargo::rerun-if-changed={COMPOSE}");
    println!("cargo::rerun-if-changed={OPTIONS}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    // A system may leave files of its own there.
    let names = entries(KINDS, FileType::is_dir)?;
    let mut table = String::new();
    for name in &names {
        let folder = format!("{root}/{KINDS}/{name}");
        let toml = format!("{folder}/kind.toml");
        // Writing to a `String` cannot fail.
        let mut found = String::new();
        for template in templates(&fs::read_to_string(&toml)?) {
            let _ = write!(found, "({template:?}, include_str!({:?})), ", format!("{folder}/{template}"));
        }
        let _ = writeln!(table, "BuiltIn::new({name:?}, include_str!({toml:?}), &[{found}]),");
    }
    let table = format!(
        "/// The names of the built-in kinds.\nconst NAMES: &[&str] = &{names:?};\n\n\
         /// The built-in kinds, in the order of their names.\nstatic BUILT_IN: [BuiltIn; {}] = [\n{table}];\n",
        names.len()
    );
    let mut pages = String::new();
    let files = entries(CODES, FileType::is_file)?;
    for (file, code) in files.iter().filter_map(|file| Some((file, file.strip_suffix(".md")?))) {
        let _ = writeln!(pages, "({code:?}, include_str!({:?})),", format!("{root}/{CODES}/{file}"));
    }
    let pages = format!(
        "/// The page of each code, in the order of the codes.\nstatic PAGES: &[(&str, &str)] = &[\n{pages}];\n"
    );
    fs::write(Path::new(&out).join("codes.rs"), pages)?;
    let mut lines = String::new();
    for line in fs::read_to_string(OPTIONS)?.lines().filter(|line| !line.starts_with('#')) {
        let [panel, area, path, kind] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(io::Error::other(format!("{OPTIONS} has a line that doesn't have four columns: {line}")));
        };
        let _ = writeln!(lines, "Line {{ panel: {panel:?}, area: {area:?}, path: {path:?}, kind: {kind:?} }},");
    }
    let lines = format!("/// The lines of the table, in order.\nstatic LINES: &[Line] = &[\n{lines}];\n");
    fs::write(Path::new(&out).join("panel_options.rs"), lines)?;
    let mut specification: Value = serde_json::from_str(&fs::read_to_string(COMPOSE)?)?;
    without_descriptions(&mut specification);
    fs::write(Path::new(&out).join("compose-spec.json"), specification.to_string())?;
    fs::write(Path::new(&out).join("kinds.rs"), table)
}

/// The names in a folder, in order.
fn entries(folder: &str, wanted: impl Fn(&FileType) -> bool) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if wanted(&entry.file_type()?) {
            let name = entry.file_name().into_string();
            names.push(name.map_err(|_| io::Error::other(format!("{folder} has a name that is not UTF-8")))?);
        }
    }
    names.sort();
    Ok(names)
}

/// The specification without what is only for editors, so that it is parsed in a third of the time.
fn without_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            entries.retain(|key, value| key != "description" || !value.is_string());
            entries.values_mut().for_each(without_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_descriptions),
        _ => {}
    }
}

/// The templates that a `kind.toml` names: each on a line of its own, or a parser would have to be built for this.
fn templates(toml: &str) -> Vec<String> {
    let mut templates: Vec<String> = Vec::new();
    let named = toml.lines().filter_map(|line| line.strip_prefix("template = \"")?.strip_suffix('"'));
    for template in named {
        if !templates.iter().any(|known| known == template) {
            templates.push(template.to_owned());
        }
    }
    templates
}
