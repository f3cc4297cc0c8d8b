//! Compiles the kinds of `templates/kinds/` in: a table of their names and texts, and a view for each template that a
//! `kind.toml` names. And Compose's specification, without its descriptions.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

use serde_json::Value;

/// Compose's own specification.
const COMPOSE: &str = "src/spec/compose-spec.json";

/// The folder of the kinds.
const KINDS: &str = "templates/kinds";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={KINDS}");
    println!("cargo::rerun-if-changed={COMPOSE}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(KINDS)? {
        let entry = entry?;
        // A system may leave files of its own there.
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let name = entry.file_name().into_string();
        names.push(name.map_err(|_| io::Error::other(format!("a folder of {KINDS} has a name that is not UTF-8")))?);
    }
    names.sort();
    let (mut table, mut views, mut arms) = (String::new(), String::new(), String::new());
    for name in &names {
        let path = format!("{root}/{KINDS}/{name}/kind.toml");
        // Writing to a `String` cannot fail.
        let _ = writeln!(table, "BuiltIn::new({name:?}, include_str!({path:?})),");
        for template in templates(&fs::read_to_string(&path)?) {
            let language = language(&template)?;
            let number = arms.lines().count();
            let _ = writeln!(
                views,
                "mod view_{number} {{\n\
                 use crate::lit::{language} as filters;\n\
                 #[derive(askama::Template)]\n\
                 #[template(path = \"kinds/{name}/{template}\")]\n\
                 pub(super) struct View<'a> {{ pub(super) service: &'a super::Configured<'a> }}\n\
                 }}"
            );
            let _ = writeln!(
                arms,
                "({name:?}, {template:?}) => Some(askama::Template::render(&view_{number}::View {{ service }})),"
            );
        }
    }
    let table = format!(
        "/// The names of the kinds.\nconst NAMES: &[&str] = &{names:?};\n\n\
         /// The kinds, in the order of their names.\nstatic BUILT_IN: [BuiltIn; {}] = [\n{table}];\n",
        names.len()
    );
    let views = format!(
        "{views}/// A template of a kind, for one service; `None` if there is no such template.\n\
         fn render_template(kind: &str, template: &str, service: &Configured<'_>) -> Option<askama::Result<String>> {{\n\
         match (kind, template) {{\n{arms}_ => None,\n}}\n}}\n"
    );
    let mut specification: Value = serde_json::from_str(&fs::read_to_string(COMPOSE)?)?;
    without_descriptions(&mut specification);
    fs::write(Path::new(&out).join("compose-spec.json"), specification.to_string())?;
    fs::write(Path::new(&out).join("kinds.rs"), table)?;
    fs::write(Path::new(&out).join("kind_views.rs"), views)
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

/// The language of a template, by its extension: a module of `src/lit/`.
fn language(template: &str) -> io::Result<&'static str> {
    let extension = template.rsplit('.').next().unwrap_or_default();
    Ok(match extension {
        "yaml" | "yml" => "yaml",
        "json" => "json",
        "alloy" => "alloy",
        "sh" => "shell",
        "tf" | "hcl" => "hcl",
        "env" => "dotenv",
        "md" => "markdown",
        "dockerfile" => "dockerfile",
        _ => return Err(io::Error::other(format!("`{template}`: no module of src/lit/ writes this language"))),
    })
}
