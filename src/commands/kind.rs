//! `gen kind`.

use std::fmt::Write as _;
use std::io;

use serde_json::{Value, json};
use stackgen::diagnostic::suggestion;
use stackgen::spec::decode::{listed, shown};
use stackgen::spec::kind::Kind;
use stackgen::spec::source::Sources;

use super::{Outcome, Ran, current_folder, find_root, print, read, report, stop_with};
use crate::cli::{KindCommand, Listing};

pub fn run(KindCommand::Show { name, format }: &KindCommand) -> Ran {
    // Built-in kinds are shown everywhere.
    let sources = match find_root(&current_folder()?)? {
        Some(root) => read(&root, (*format).into())?,
        None => Sources::default(),
    };
    let folder = sources.location().kinds().join(name);
    let own = sources.templates().iter();
    let own = own.filter_map(|file| Some((file.path.strip_prefix(&folder).ok()?.as_str(), file.text.as_str())));
    let mut files: Vec<(&str, &str)> = own.collect();
    if files.is_empty() {
        files.extend(
            Kind::files_of_built_in(name).into_iter().flatten().map(|(file, text)| -> (&str, &str) { (file, text) }),
        );
    }
    if files.is_empty() {
        let names = sources.kinds().names();
        let help =
            suggestion(name, names.iter().copied(), || format!("expected one of {}", listed(names.iter().copied())));
        return Err(stop_with(Outcome::Invalid, format!("unknown kind `{}`", shown(name)), help));
    }
    if *format == Listing::Json {
        let files: Vec<Value> = files.iter().map(|(file, text)| json!({ "name": file, "text": text })).collect();
        print(io::stdout(), &report::versioned(json!({ "name": name, "files": files })));
        return Ok(Outcome::Clean);
    }
    let mut text = String::new();
    for (file, contents) in files {
        let space = if text.is_empty() { "" } else { "\n" };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{space}# {file}\n{}", contents.trim_end());
    }
    print(io::stdout(), &text);
    Ok(Outcome::Clean)
}
