//! `gen fmt`: the layout of the spec's files, and nothing but the layout.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use stackgen::diagnostic::Diagnostics;
use stackgen::edit::format::{first_difference, format};
use stackgen::spec::source::Sources;
use stackgen::spec::tree::{self, Table, Value};
use toml_parser::lexer::TokenKind;

use super::project::{DASHBOARDS, Project, REFERENCE};

/// The tree of a text, in order and without places; `None` if there is a mistake.
fn meaning(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.push("spec/stack.toml", text.to_owned());
    let mut diagnostics = Diagnostics::default();
    let table = tree::parse(&sources, file, &mut diagnostics).table;
    diagnostics.is_empty().then(|| plain(&table))
}

fn plain(table: &Table<'_>) -> String {
    let entries = table.entries.iter().map(|(key, node)| format!("{:?}: {}", key.name, plain_value(&node.value)));
    entries.collect::<Vec<_>>().join("\n")
}

fn plain_value(value: &Value<'_>) -> String {
    match value {
        Value::Table(table) => format!("{{{}}}", plain(table)),
        Value::List(items) => {
            format!("[{}]", items.iter().map(|item| plain_value(&item.value)).collect::<Vec<_>>().join(", "))
        }
        // Dates have no value here.
        value => format!("{value:?}"),
    }
}

fn tokens(text: &str) -> Vec<(TokenKind, &str)> {
    let source = toml_parser::Source::new(text);
    source.lex().map(|token| (token.kind(), &text[token.span().start()..token.span().end()])).collect()
}

fn comments(text: &str) -> Vec<&str> {
    tokens(text).into_iter().filter(|(kind, _)| *kind == TokenKind::Comment).map(|(_, text)| text.trim_end()).collect()
}

/// Whatever the text, what must hold of it once it is formatted; gives it back.
fn formatted(text: &str) -> String {
    let formatted = format(text).unwrap_or_else(|| panic!("not formatted:\n{text}"));
    assert_eq!(format(&formatted).as_deref(), Some(formatted.as_str()), "not idempotent:\n{text}");
    assert_eq!(meaning(&formatted), meaning(text), "another meaning:\n{text}");
    assert_eq!(comments(&formatted), comments(text), "other comments:\n{text}");
    formatted
}

/// Every TOML file of the tests and of the repository's own spec.
fn texts() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).replace("\r\n", "\n");
                found.push((path.display().to_string(), text.trim_start_matches('\u{feff}').to_owned()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["spec", "src/edit/examples", "tests/specs", "tests/dashboards", "tests/e2e/spec", "tests/gen"] {
        collect(&root.join(folder), &mut found);
    }
    found
}

#[test]
fn the_spec_of_this_repository_is_canonical() {
    for (path, text) in [("spec/stack.toml", REFERENCE)].into_iter().chain(DASHBOARDS) {
        let new = formatted(text);
        assert_eq!(first_difference(text, &new), None, "{path}");
    }
}

#[test]
fn every_spec_of_the_tests_keeps_its_meaning_and_its_comments() {
    let mut count = 0;
    for (_, text) in texts().iter().filter(|(_, text)| meaning(text).is_some()) {
        formatted(text);
        count += 1;
    }
    assert!(count > 150, "{count}");
}

#[test]
fn one_thing_after_the_other() {
    for (text, expected) in [
        ("", ""),
        ("\n\n", ""),
        ("# only a comment", "# only a comment\n"),
        ("a=1", "a = 1\n"),
        ("  a\t=  1  \n", "a = 1\n"),
        ("\n\n\na = 1\n\n\n\nb = 2\n\n\n", "a = 1\n\nb = 2\n"),
        ("a . \"b c\" . d = 1\n", "a.\"b c\".d = 1\n"),
        ("a = 1\n[ t . u ]\nb = 2\n[v]#x\n", "a = 1\n\n[t.u]\nb = 2\n\n[v] #x\n"),
        ("[t]\n\n# about b\nb = 1\n", "[t]\n\n# about b\nb = 1\n"),
        // A comment right above a header belongs to it, one that stands apart stays apart.
        ("a = 1\n# about t\n[t]\n", "a = 1\n\n# about t\n[t]\n"),
        ("a = 1\n# apart\n\n\n[t]\n", "a = 1\n# apart\n\n[t]\n"),
        ("[[t]]\n[[t]]\n", "[[t]]\n\n[[t]]\n"),
        // Comments at the ends of lines stay in their column.
        ("a = 1   # x   \nb = 22#y\n", "a = 1   # x\nb = 22 #y\n"),
        (
            "a = [ ]\nb = { }\nc = [1,2 , 3,]\nd = {x=1,y = [ 2 ]}\n",
            "a = []\nb = {}\nc = [1, 2, 3]\nd = { x = 1, y = [2] }\n",
        ),
        ("a = [1,\n2]\n", "a = [\n  1,\n  2,\n]\n"),
        ("a = [\n    1, 2,\n3\n  ]\n", "a = [\n  1, 2,\n  3,\n]\n"),
        ("a = [\n\n1,\n\n\n2,\n\n]\n", "a = [\n  1,\n\n  2,\n]\n"),
        ("a = [ # x\n1 # y\n, 2, # z\n# w\n]\n", "a = [ # x\n  1, # y\n  2, # z\n  # w\n]\n"),
        ("a = [\n[\n1\n],\n[2]]\n", "a = [\n  [\n    1,\n  ],\n  [2],\n]\n"),
        ("a = { b = [\n1\n] }\n", "a = { b = [\n  1,\n] }\n"),
        ("a = {\nb = 1, c = 2\n}\n", "a = {\n  b = 1, c = 2,\n}\n"),
        // Strings of several lines are values, to the last blank.
        ("a   = '''\n  x = 1  \n\n\n[t]'''\n", "a = '''\n  x = 1  \n\n\n[t]'''\n"),
        ("a = [{ b = '''\n1,\n''' , c = 1 },]\n", "a = [{ b = '''\n1,\n''', c = 1 }]\n"),
        (
            "a = -1.5e+3\nb = 1979-05-27 07:32:00.5Z  # x\nc = 0x_f\n",
            "a = -1.5e+3\nb = 1979-05-27 07:32:00.5Z  # x\nc = 0x_f\n",
        ),
    ] {
        assert_eq!(format(text).as_deref(), Some(expected), "{text:?}");
        if meaning(text).is_some() {
            assert_eq!(formatted(text), expected, "{text:?}");
        }
    }
}

#[test]
fn what_is_no_toml_is_left_alone() {
    for text in ["a", "a = ", "a = [1", "[t", "a = 1 b = 2", "= 1", "a = { b }", "[t]] \n", "]"] {
        assert_eq!(format(text), None, "{text:?}");
    }
}

/// The text with other blanks and blank lines, which all mean the same; `numbers` decides.
fn disturbed(text: &str, numbers: &[u8]) -> String {
    let mut numbers = numbers.iter().cycle().copied();
    let mut pick = |from: &[&'static str]| from[usize::from(numbers.next().unwrap()) % from.len()];
    let all = tokens(text);
    let mut out = String::new();
    let mut depth = 0;
    for (index, (kind, piece)) in all.iter().enumerate() {
        let next = all.get(index + 1).map(|(kind, _)| *kind);
        match kind {
            // Before a comment they are the writer's; at the end of a line of a list nothing is wrong with more either.
            TokenKind::Whitespace if next == Some(TokenKind::Comment) => out.push_str(piece),
            TokenKind::Whitespace => out.push_str(pick(&["", " ", "\t", "   "])),
            TokenKind::Equals | TokenKind::Comma => {
                out.push_str(pick(&["", " ", "\t "]));
                out.push_str(piece);
                out.push_str(if next == Some(TokenKind::Comment) { "" } else { pick(&["", " ", "  "]) });
            }
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                depth += 1;
                out.push_str(piece);
                // `[ [` is no header of a list of tables.
                out.push_str(if next == Some(TokenKind::LeftSquareBracket) { "" } else { pick(&["", " "]) });
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                depth -= 1;
                out.push_str(piece);
            }
            TokenKind::Newline => {
                out.push_str(pick(&["", " ", "\t"]));
                out.push('\n');
                let is_blank = next == Some(TokenKind::Newline);
                out.push_str(if is_blank { pick(&["", "\n", " \n\t\n"]) } else { pick(&["", "  ", "\t"]) });
            }
            _ => out.push_str(piece),
        }
    }
    assert_eq!(depth, 0);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The canonical layout is found again, whatever became of it.
    #[test]
    fn blanks_do_not_matter(numbers in prop::collection::vec(any::<u8>(), 1..400), which in 0..4_usize) {
        let text = [REFERENCE, DASHBOARDS[0].1, DASHBOARDS[1].1, DASHBOARDS[2].1][which];
        let disturbed = disturbed(text, &numbers);
        prop_assert_eq!(meaning(&disturbed), meaning(text));
        prop_assert_eq!(formatted(&disturbed), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Any text that is TOML is formatted, and keeps what it says.
    #[test]
    fn nothing_is_lost(pieces in prop::collection::vec(prop::sample::select(vec![
        "a", "b", "c", "\"d e\"", "'f'", ".", " = ", "=", "[", "]", "{ ", " }", ", ", ",", "\n", "\n", "\n\n\n", "1", "-2.5",
        "true", "\"x\"", "'y'", "\"\"\"\n \"\"\"", "# c", " # d \n", " ", "\t", "\n[a]\n", "\n[a.b]\n", "\n[[c]]\n", "\na.b = 1\n",
        "\nb = { a.b = 1, c = [1, 2] }\n", "\nd=[\n", "\n]\n", "1979-05-27 07:32:00",
    ]), 0..24)) {
        let text = pieces.concat();
        if meaning(&text).is_some() {
            formatted(&text);
        } else {
            // Whatever it is: no panic.
            let _ = format(&text);
        }
    }
}

// ---- the command --------------------------------------------------------------------------------

const UNTIDY: &str = "# x\n[stack]\nname=\"a\"  \n[profiles.dev]\n";
const TIDY: &str = "# x\n[stack]\nname = \"a\"\n\n[profiles.dev]\n";

#[test]
fn check_names_the_first_line_and_writes_nothing() {
    let project = Project::new(UNTIDY);
    project.write("spec/dashboards/d.toml", "title = \"d\"\n\n\n");
    let run = project.run(&["fmt", "--check"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(
        run.stdout,
        "spec/stack.toml:3: not formatted\n-name=\"a\"··\n+name = \"a\"\n  help: run `gen fmt`\n\n\
         spec/dashboards/d.toml:3: not formatted\n-\n  help: run `gen fmt`\n\n\
         2 files checked, 2 to format\n"
    );
    assert_eq!(project.read("spec/stack.toml"), UNTIDY);
}

#[test]
fn files_are_formatted_where_they_stand() {
    // What the files say is as wrong as can be, which is no matter here.
    let project = Project::new(format!("include=[\"more.toml\"]\n{UNTIDY}"));
    project.write("spec/more.toml", "[ services.a ]\nimgae='x'");
    project.write("spec/dashboards/d.toml", "title = \"d\"\n");
    let run = project.run_in("spec", &["fmt"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout, "spec/stack.toml: formatted\nspec/more.toml: formatted\n3 files checked, 2 formatted\n");
    assert_eq!(project.read("spec/stack.toml"), format!("include = [\"more.toml\"]\n\n{TIDY}"));
    assert_eq!(project.read("spec/more.toml"), "[services.a]\nimgae = 'x'\n");
    let run = project.run(&["fmt", "--check"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "3 files checked, all formatted\n"));
    let mut left: Vec<_> =
        fs::read_dir(project.path("spec")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["dashboards", "more.toml", "stack.toml"]);
}

#[test]
fn a_syntax_error_is_reported_and_nothing_is_written() {
    let project = Project::new(UNTIDY);
    project.write("spec/dashboards/d.toml", "title = \n");
    for command in [&["fmt"][..], &["fmt", "--check"]] {
        let run = project.run(command);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(
            run.stderr.contains("error[toml-syntax]") && run.stderr.contains("spec/dashboards/d.toml:1"),
            "{run:?}"
        );
        assert_eq!(project.read("spec/dashboards/d.toml"), "title = \n");
        assert_eq!(project.read("spec/stack.toml"), UNTIDY);
    }
}

#[test]
fn line_endings_and_a_byte_order_mark_are_no_layout() {
    let project = Project::new(format!("\u{feff}{}", TIDY.replace('\n', "\r\n")));
    assert_eq!(project.run(&["fmt", "--check"]).code, Some(0));
    project.write("spec/stack.toml", format!("\u{feff}{}", UNTIDY.replace('\n', "\r\n")));
    assert_eq!(project.run(&["fmt"]).code, Some(0));
    assert_eq!(project.read("spec/stack.toml"), format!("\u{feff}{}", TIDY.replace('\n', "\r\n")));
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_mode_and_a_link_stays_one() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let project = Project::empty();
    project.write("real/stack.toml", UNTIDY);
    fs::set_permissions(project.path("real/stack.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(project.path("spec")).unwrap();
    symlink("../real/stack.toml", project.path("spec/stack.toml")).unwrap();
    assert_eq!(project.run(&["fmt"]).code, Some(0));
    assert_eq!(project.read("real/stack.toml"), TIDY);
    assert!(project.path("spec/stack.toml").is_symlink());
    let mode = fs::metadata(project.path("real/stack.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn outside_of_a_project_there_is_nothing_to_format() {
    let run = Project::empty().run(&["fmt"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("could not find `spec/stack.toml` in "), "{run:?}");
}
