//! A dashboard of Grafana, imported: what an import writes renders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use stackgen::diagnostic::{Diagnostic, Level};
use stackgen::import::{Context, Datasource, Folder, Kind, Note, import, toml as writer};
use stackgen::spec::source::Sources;

use super::check;
use super::random::Random;
use super::run::Target;
use super::text;

pub const TARGET: Target = Target { name: "import", cases: 150, make, check };

const STACK: &str = include_str!("../dashboards/stack.toml");

/// What another stack may have.
const OTHER_STACKS: [&str; 3] = ["unknown-datasource", "missing-datasource", "unknown-panel-type"];

/// The dashboards of the tests and of the repository.
struct Seeds {
    dashboards: Vec<Value>,
    /// Each value in them, with its key.
    values: Vec<(String, Value)>,
}

static SEEDS: LazyLock<Seeds> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = Vec::new();
    let grafana = root.join("generated/dev/grafana");
    let folders = fs::read_dir(grafana).unwrap().map(|entry| entry.unwrap().path());
    for folder in folders.chain([root.join("tests/dashboards")]).filter(|path| path.is_dir()) {
        files.extend(fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.sort();
    let dashboards: Vec<Value> =
        files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect();
    let mut values = Vec::new();
    for dashboard in &dashboards {
        collect("", dashboard, &mut values);
    }
    Seeds { dashboards, values }
});

fn collect(key: &str, value: &Value, values: &mut Vec<(String, Value)>) {
    values.push((key.to_owned(), value.clone()));
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(key, value, values)),
        Value::Array(list) => list.iter().for_each(|value| collect(key, value, values)),
        _ => {}
    }
}

fn make(random: &mut Random) -> Vec<u8> {
    let mut value = random.pick(&SEEDS.dashboards).clone();
    // Most panels aside: a small dashboard is read as a large one is, only faster.
    for key in ["panels", "rows"] {
        if let Some(Value::Array(panels)) = value.get_mut(key) {
            while panels.len() > 3 {
                panels.remove(random.below(panels.len()));
            }
        }
    }
    for _ in 0..random.below(12) {
        mutate(&mut value, random);
    }
    let mut input = if random.one_in(2) { value.to_string() } else { format!("{value:#}") }.into_bytes();
    if random.one_in(20) {
        text::scratch(&mut input, random);
    }
    input
}

/// The values below one.
fn children(value: &mut Value) -> Vec<(String, &mut Value)> {
    match value {
        Value::Object(map) => map.iter_mut().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter_mut().map(|value| (String::new(), value)).collect(),
        _ => Vec::new(),
    }
}

/// Changes a value somewhere.
fn mutate(value: &mut Value, random: &mut Random) {
    let mut key = String::new();
    let mut value = value;
    // Values below are more, so they are chosen more often.
    while !random.one_in(5) {
        let below = children(value).len();
        if below == 0 {
            break;
        }
        let at = random.below(below);
        (key, value) = children(value).swap_remove(at);
    }
    match random.below(10) {
        0..3 => {
            let alike: Vec<&Value> =
                SEEDS.values.iter().filter(|(other, _)| *other == key).map(|(_, value)| value).collect();
            if !alike.is_empty() {
                value.clone_from(alike[random.below(alike.len())]);
            }
        }
        3 => value.clone_from(&random.pick(&SEEDS.values).1),
        4 => *value = Value::from(text::text(random)),
        5 => *value = serde_json::from_str(text::number(random)).unwrap_or_default(),
        6 => {
            let (key, new) = random.pick(&SEEDS.values).clone();
            match value {
                Value::Object(map) => drop(map.insert(key, new)),
                Value::Array(list) => list.insert(random.below(list.len() + 1), new),
                Value::String(old) => old.push_str(&text::text(random)),
                _ => {}
            }
        }
        7 => match value {
            Value::Object(map) if !map.is_empty() => {
                let key = map.keys().nth(random.below(map.len())).unwrap().clone();
                let value = map.shift_remove(&key).unwrap();
                if random.one_in(3) {
                    map.insert(text::text(random), value);
                }
            }
            Value::Array(list) if !list.is_empty() => drop(list.remove(random.below(list.len()))),
            _ => {}
        },
        8 => *value = Value::Array(vec![value.clone(), value.clone()]),
        _ => *value = Value::Object([(key, value.take())].into_iter().collect()),
    }
}

/// IDs of panels follow from their names.
fn remove_ids(value: &mut Value) {
    if let Value::Object(map) = value
        && map.contains_key("gridPos")
    {
        map.shift_remove("id");
    }
    for (_, value) in children(value) {
        remove_ids(value);
    }
}

fn check(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let source = |uid: &str, title: &str, plugin: &str| Datasource {
        uid: uid.to_owned(),
        title: title.to_owned(),
        plugin: plugin.to_owned(),
        default: uid == "metrics",
    };
    let context = Context {
        datasources: Ok(vec![
            source("metrics", "Metrics", "prometheus"),
            source("logs", "Logs", "loki"),
            source("cloud", "Cloud", "cloudwatch"),
            source("api", "API", "yesoreyeram-infinity-datasource"),
        ]),
        folders: vec![Folder { name: "main".to_owned(), title: "Main".to_owned() }],
        folder: Some("main".to_owned()),
        ..Context::default()
    };
    import(text, &Context::default()).map(|found| writer::text(&found.description)).ok();
    let imported = match import(text, &context) {
        Ok(imported) => imported,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    for note in &imported.notes {
        assert!(!note.to_string().is_empty());
    }
    let written = writer::text(&imported.description);
    let mut sources = Sources::default();
    sources.push("spec/stack.toml", STACK.to_owned());
    sources.push("spec/dashboards/imported.toml", written.clone());
    match stackgen::plan(&sources, None) {
        Ok(plans) => {
            let files = check::files(&plans);
            let json = &files["generated/dev/grafana/main/imported.json"];
            serde_json::from_str::<Value>(json).unwrap();
            // Once it is in the words of the spec, it stays as it is, but for the names of panels without a title.
            let again = import(json, &context).unwrap();
            let mut sources = Sources::default();
            sources.push("spec/stack.toml", STACK.to_owned());
            sources.push("spec/dashboards/imported.toml", writer::text(&again.description));
            let plans = stackgen::plan(&sources, None).unwrap_or_else(|found| panic!("{found:#?}"));
            let again = &check::files(&plans)["generated/dev/grafana/main/imported.json"];
            let without_ids = |json: &str| {
                let mut value: Value = serde_json::from_str(json).unwrap();
                remove_ids(&mut value);
                format!("{value:#}")
            };
            let is_guessed = |note: &Note| note.kind == Kind::Assumed && note.to_string().contains("datasource");
            if !imported.notes.iter().any(is_guessed) {
                assert_eq!(without_ids(again), without_ids(json));
            }
            true
        }
        Err(diagnostics) => {
            check::refused(&sources, &diagnostics);
            let own: Vec<&Diagnostic> = diagnostics
                .iter()
                .filter(|found| found.level == Level::Error && !OTHER_STACKS.contains(&found.code))
                .collect();
            assert!(own.is_empty(), "{own:#?}\n{written}");
            false
        }
    }
}
