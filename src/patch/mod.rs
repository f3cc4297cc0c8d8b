//! Patches of outputs: values that are set, added or removed in a text that was rendered.
//!
//! The text is read as a tree, which is marked with what changes; then only the lines of what changes are written again.
//! What a path leads to is always that of the rendered text, whatever other edits do.

mod json;
mod report;
mod tree;
mod yaml;

use serde_json::Value as Json;

use crate::lit::compose::{AsCompose, Compose};
use crate::model::patch::{Action, Edit};
use crate::model::text::{Text, Tree};
pub use report::report;
use tree::{Marks, Node};

/// The most edits of one file: one with more is better made by a template.
pub const MOST_EDITS: usize = 1_000;

/// A language whose values can be patched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// The Compose file, in whose texts variables can be.
    Compose,
    /// JSON.
    Json,
}

/// What an edit, by its place in the list, does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which edit.
    pub edit: usize,
    /// The code of the diagnostic.
    pub code: &'static str,
    /// The part of the edit that is wrong.
    pub part: Part,
    /// What is wrong, in one line.
    pub title: String,
    /// More about the place; may be empty.
    pub label: String,
    /// How to fix it.
    pub help: String,
    /// The edit that it is at odds with.
    pub other: Option<usize>,
}

/// A part of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Its path.
    Path,
    /// Its value.
    Value,
    /// An item of its value.
    Item(usize),
    /// A key of its value.
    Key(String),
}

/// Why a text can't be patched at all.
pub type Refused = String;

/// A text, patched.
#[derive(Debug)]
pub struct Patched {
    /// The text, without the edits that have a problem.
    pub text: String,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The documents that were changed, as they were and as they are now.
    pub changed: Vec<[Json; 2]>,
}

/// Applies edits to a text.
///
/// # Errors
/// The text is not one of the format, or has a layout in which the edits can't be made.
pub fn apply(text: &str, format: Format, edits: &[&Edit]) -> Result<Patched, Refused> {
    let mut documents = match format {
        Format::Yaml | Format::Compose => yaml::read(text)?,
        Format::Json => vec![json::read(text)?],
    };
    let mut marks = Marks::default();
    for (place, edit) in edits.iter().enumerate() {
        let action = match &edit.action {
            Action::Set(tree) => tree::Action::Set(json(tree, format)),
            Action::Add(tree) => tree::Action::Add(json(tree, format)),
            Action::Remove => tree::Action::Remove,
        };
        marks.mark(&mut documents, &edit.path, place, action);
    }
    let meant: Vec<Json> = documents.iter().map(Node::after).collect();
    let changed = documents.iter().zip(&meant).filter(|(document, _)| document.is_touched());
    let changed = changed.map(|(before, after)| [before.before(), after.clone()]).collect();
    if !documents.iter().any(Node::is_touched) {
        return Ok(Patched { text: text.to_owned(), problems: marks.problems, changed });
    }
    let new = match format {
        Format::Yaml | Format::Compose => yaml::write(text, &documents)?,
        Format::Json => json::write(&meant)?,
    };
    // The text is data until a reader gives back the values that were meant.
    let read: Vec<Json> = match format {
        Format::Yaml | Format::Compose => yaml::read(&new)?.iter().map(Node::before).collect(),
        Format::Json => vec![json::read(&new)?.before()],
    };
    if read != meant {
        return Err("its layout can't be kept with these changes".to_owned());
    }
    Ok(Patched { text: new, problems: marks.problems, changed })
}

/// A value as a reader of the format gets it.
fn json(tree: &Tree, format: Format) -> Json {
    match tree {
        Tree::Text(text) if format == Format::Compose => match text.as_compose() {
            Compose::Str(text) => Json::String(text.into_owned()),
            _ => Json::String(Text::shown(text)),
        },
        Tree::Text(text) => Json::String(text.shown()),
        Tree::Integer(number) => (*number).into(),
        Tree::Float(number) => (*number).into(),
        Tree::Boolean(boolean) => (*boolean).into(),
        Tree::List(items) => items.iter().map(|item| json(item, format)).collect(),
        Tree::Table(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.clone(), json(value, format))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lit::hostile;
    use crate::spec::patches::Path;

    /// A file in the layout of those that templates make.
    const FILE: &str = "\
# Generated.
target: all

# Where it listens.
server:
  # The port.
  port: 80 # not 8080
  names:
    - a
    - b # the second
  empty: {}

text: |
  one
  # two

rules:
  - name: x
    hosts: [h1, h2]

  - name: y
    on: \"yes\"
";

    fn set(path: &str, value: Tree) -> Edit {
        Edit { path: Path::parse(path).unwrap(), action: Action::Set(value) }
    }

    fn add(path: &str, value: Tree) -> Edit {
        Edit { path: Path::parse(path).unwrap(), action: Action::Add(value) }
    }

    fn remove(path: &str) -> Edit {
        Edit { path: Path::parse(path).unwrap(), action: Action::Remove }
    }

    fn table(entries: &[(&str, Tree)]) -> Tree {
        Tree::Table(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    /// The lines that edits remove and add, and what is wrong with them.
    fn diff(text: &str, edits: &[Edit]) -> (String, Vec<String>) {
        let edits: Vec<&Edit> = edits.iter().collect();
        let Patched { text: new, problems, changed } = apply(text, Format::Yaml, &edits).unwrap();
        // Another reader agrees.
        if let [[_, changed]] = changed.as_slice() {
            assert_eq!(serde_yaml::from_str::<Json>(&new).unwrap(), *changed, "{new}");
        }
        let mut lines = String::new();
        for change in similar::TextDiff::from_lines(text, new.as_str()).iter_all_changes() {
            let sign = match change.tag() {
                similar::ChangeTag::Delete => '-',
                similar::ChangeTag::Insert => '+',
                similar::ChangeTag::Equal => continue,
            };
            lines.push(sign);
            lines += change.value();
        }
        (lines, problems.into_iter().map(|problem| format!("{} {}", problem.edit, problem.code)).collect())
    }

    #[test]
    fn only_the_lines_of_what_changes_are_others() {
        for (edits, lines) in [
            (vec![set("server.port", Tree::Integer(81))], "-  port: 80 # not 8080\n+  port: 81 # not 8080\n"),
            (vec![set("target", "yes".into())], "-target: all\n+target: \"yes\"\n"),
            (vec![set("server.names[=b]", "c".into())], "-    - b # the second\n+    - c # the second\n"),
            (vec![set("text", "x\ny\n".into())], "-  one\n-  # two\n+  x\n+  y\n"),
            (vec![remove("server.port")], "-  # The port.\n-  port: 80 # not 8080\n"),
            (vec![remove("server.names[0]")], "-    - a\n"),
            (
                vec![remove("server.names[0]"), remove("server.names[1]")],
                "-  names:\n-    - a\n-    - b # the second\n+  names: []\n",
            ),
            (vec![remove("text")], "-text: |\n-  one\n-  # two\n-\n"),
            (vec![remove("rules[name=x].name")], "-  - name: x\n-    hosts: [h1, h2]\n+  - hosts: [h1, h2]\n"),
            (vec![remove("rules[name=y]")], "-\n-  - name: y\n-    on: \"yes\"\n"),
            (vec![add("server.names", Tree::List(vec!["c".into()]))], "+    - c\n"),
            (vec![add("server.empty", table(&[("a", true.into())]))], "-  empty: {}\n+  empty:\n+    a: true\n"),
            (
                vec![add("rules[0].hosts", Tree::List(vec!["h3".into()]))],
                "-    hosts: [h1, h2]\n+    hosts:\n+      - h1\n+      - h2\n+      - h3\n",
            ),
            (vec![add("rules[1]", table(&[("b", table(&[("c", 1.5_f64.tree())]))]))], "+    b:\n+      c: 1.5\n"),
            (
                vec![add("rules", Tree::List(vec![table(&[("name", "z".into()), ("l", Tree::List(Vec::new()))])]))],
                "+  - name: z\n+    l: []\n",
            ),
            (
                vec![
                    add(".", table(&[("more", "x".into())])),
                    remove("rules[1].on"),
                    add("rules", Tree::List(vec!["w".into()])),
                ],
                "-    on: \"yes\"\n+  - w\n+more: x\n",
            ),
        ] {
            assert_eq!(diff(FILE, &edits), (lines.to_owned(), Vec::new()), "{edits:?}");
        }
    }

    #[test]
    fn what_is_beside_a_change_between_brackets_keeps_its_text() {
        for (text, edit, expected) in [
            (
                "a: [yes, .inf, 'x', 0x10, 1]\n",
                set("a[4]", Tree::Integer(2)),
                "a:\n  - yes\n  - .inf\n  - 'x'\n  - 0x10\n  - 2\n",
            ),
            ("a: {b: no, \"c\": {d: [1, ~]}}\n", remove("a.c.d[0]"), "a:\n  b: no\n  \"c\":\n    d:\n      - ~\n"),
            ("- [on, {e: off}]\n", set("[0][1].e", 1.5_f64.tree()), "- - on\n  - e: 1.5\n"),
            ("{a: no, b: 1}\n", remove("b"), "a: no\n"),
            ("a: [x] # one\nb: [no]\n", add("b", Tree::List(vec!["z".into()])), "a: [x] # one\nb:\n  - no\n  - z\n"),
        ] {
            assert_eq!(apply(text, Format::Yaml, &[&edit]).unwrap().text, expected);
        }
        let with_comment = "a: [\n  x, # one\n  y\n]\n";
        let why = apply(with_comment, Format::Yaml, &[&remove("a[1]")]).unwrap_err();
        assert_eq!(why, "it has comments between brackets, which would be lost");
        assert_eq!(apply(with_comment, Format::Yaml, &[&remove("a")]).unwrap().text.trim(), "{}");
    }

    #[test]
    fn a_wrong_edit_leaves_the_others() {
        let edits = [
            set("server.port", Tree::Integer(80)),
            set("target", "some".into()),
            remove("nowhere"),
            remove("server"),
            set("server.port", Tree::Integer(81)),
        ];
        let expected = ["0 unused-patch", "2 unknown-path", "4 patch-clash"];
        let (lines, problems) = diff(FILE, &edits);
        assert_eq!(problems, expected);
        for part in ["+target: some\n", "-# Where it listens.\n-server:\n"] {
            assert!(lines.contains(part), "{lines}");
        }
    }

    #[test]
    fn a_document_of_several_is_named_by_what_it_has() {
        let text = "# Generated.\nkind: A\nspec:\n  x: 1\n---\nkind: B\nmetadata:\n  name: b\nspec:\n  x: 1\n";
        let two =
            diff(text, &[set("[metadata.name=b].spec.x", Tree::Integer(2)), set("[kind=A].spec.x", Tree::Integer(3))]);
        assert_eq!(two, ("-  x: 1\n+  x: 3\n-  x: 1\n+  x: 2\n".to_owned(), Vec::new()));
        let only =
            diff("kind: A\nspec:\n  x: 1\n", &[set("[kind=A].spec.x", Tree::Integer(3)), remove("[kind=B].spec")]);
        assert_eq!(only, ("-  x: 1\n+  x: 3\n".to_owned(), vec!["1 unknown-path".to_owned()]));
        let both = "metadata:\n  name: a\n---\nmetadata:\n  name: a\n";
        let both = apply(both, Format::Yaml, &[&remove("[metadata.name=a].metadata.name")]).unwrap().problems.remove(0);
        assert_eq!(
            (both.label.as_str(), both.help.as_str()),
            (
                "documents 0 and 1 both match",
                "start the path with something that only that document has: `[kind=Deployment].spec.replicas`"
            )
        );
        let wrong =
            diff(text, &[set("spec.x", Tree::Integer(2)), remove("[kind=A]"), set("[kind=C].x", Tree::Integer(1))]);
        assert_eq!(
            wrong,
            (String::new(), ["0 invalid-patch", "1 invalid-patch", "2 unknown-path"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn what_outputs_do_not_have_is_refused() {
        for text in ["a: &x 1\n", "a: *x\n", "a: !t 1\n", "? [a]\n: 1\n", "a: 1\na: 2\n", "a: [\n", "", "<<: {a: 1}\n"]
        {
            assert!(apply(text, Format::Yaml, &[&remove("a")]).is_err(), "{text}");
        }
        assert!(apply("{\"a\":1}\n", Format::Json, &[&remove("a")]).is_err());
        let json = apply("{\n  \"a\": 1,\n  \"b\": 2\n}\n", Format::Json, &[&remove("a")]).unwrap();
        assert_eq!(json.text, "{\n  \"b\": 2\n}\n");
    }

    #[test]
    fn a_block_begins_at_its_indicator() {
        let text = "a:\n  - |-\n    >\n     x\n  - >\n    |y\nb: |-\n  |\n  z\n";
        let patched = apply(text, Format::Yaml, &[&set("a[0]", "1".into()), &set("b", "2".into())]).unwrap();
        assert_eq!(patched.text, "a:\n  - \"1\"\n  - >\n    |y\nb: \"2\"\n");
    }

    trait AsTree {
        fn tree(self) -> Tree;
    }

    impl AsTree for f64 {
        fn tree(self) -> Tree {
            Tree::Float(self)
        }
    }

    /// The paths of all values, with whether each is a single one.
    fn paths(json: &Json, above: &str, found: &mut Vec<(String, bool)>) {
        let below: Vec<(String, &Json)> = match json {
            Json::Array(items) => items.iter().enumerate().map(|(at, item)| (format!("{above}[{at}]"), item)).collect(),
            Json::Object(entries) => entries
                .iter()
                .map(|(key, value)| (format!("{above}{}\"{key}\"", if above.is_empty() { "" } else { "." }), value))
                .collect(),
            _ => return,
        };
        for (path, value) in below {
            found.push((path.clone(), !value.is_array() && !value.is_object()));
            paths(value, &path, found);
        }
    }

    fn value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            hostile::string().prop_map(Json::from),
            any::<i32>().prop_map(Json::from),
            any::<bool>().prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map("[a-c .#:-]{1,3}", inner, 0..4)
                    .prop_map(|entries| Json::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_edits_of_any_values_are_read_back(
            root in prop::collection::btree_map("[a-d]", value(), 1..4),
            picks in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, hostile::string()), 1..4),
        ) {
            let root = Json::Object(root.into_iter().collect());
            let mut all = Vec::new();
            paths(&root, "", &mut all);
            let text = yaml::printed(&root);
            let edits: Vec<Edit> = picks.iter().map(|(pick, what, text)| {
                let (path, is_scalar) = &all[pick.index(all.len())];
                match (what, is_scalar) {
                    (0, _) => remove(path),
                    (_, true) => set(path, text.as_str().into()),
                    (1, _) => add(path, Tree::List(vec![text.as_str().into()])),
                    _ => add(path, table(&[("new", text.as_str().into())])),
                }
            }).collect();
            let edits: Vec<&Edit> = edits.iter().collect();
            match apply(&text, Format::Yaml, &edits) {
                Ok(patched) => {
                    if let [[_, changed]] = patched.changed.as_slice() {
                        let read: Json = serde_yaml::from_str(&patched.text).map_err(|error| TestCaseError::fail(error.to_string()))?;
                        prop_assert_eq!(&read, changed, "{}", patched.text);
                    }
                }
                Err(why) => prop_assert!(false, "{}: {:?}\n{}", why, edits, text),
            }
        }
    }
}
