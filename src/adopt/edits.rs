//! Changes of the spec's text: a value at its place, keys and items that are added or removed. Everything else stays as it is.

use std::ops::Range;

use crate::diagnostic::{Diagnostics, Span};
use crate::edit::draft::{Draft, key};
use crate::edit::outline::{self, KeyValue, Section};
use crate::spec;
use crate::spec::source::Sources;
use crate::spec::tree::{Key, Node, Table, Value};

/// The spec with another text in place of a piece of one of its files.
pub(super) fn replaced(sources: &Sources, file: u16, place: Range<usize>, text: &str) -> Option<Sources> {
    let mut whole = sources.at(file)?.text.clone();
    whole.get(place.clone())?;
    whole.replace_range(place, text);
    Some(sources.with_text(file, whole))
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

/// A spec as a profile sees it, to be edited.
pub(super) struct Text<'s> {
    sources: &'s Sources,
    profile: &'s str,
    table: Table<'s>,
}

impl<'s> Text<'s> {
    pub(super) fn new(sources: &'s Sources, profile: &'s str) -> Option<Self> {
        let (_, table) = spec::parse(sources, &mut Diagnostics::default()).profile(profile)?;
        Some(Self { sources, profile, table })
    }

    /// Another spec, as the same profile sees it.
    pub(super) fn of<'o>(&self, sources: &'o Sources) -> Option<Text<'o>>
    where
        's: 'o,
    {
        Text::new(sources, self.profile)
    }

    /// The value of a key that is written somewhere.
    pub(super) fn at(&self, path: &[String]) -> Option<&Node<'s>> {
        self.table.at(&path.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn entry(&self, path: &[String]) -> Option<&(Key<'s>, Node<'s>)> {
        let (name, above) = path.split_last()?;
        let table = if above.is_empty() {
            &self.table
        } else if let Value::Table(table) = &self.at(above)?.value {
            table
        } else {
            return None;
        };
        table.entries.iter().find(|(key, _)| key.name == *name)
    }

    /// Every table of the spec and its path.
    pub(super) fn tables(&self, top: &str) -> Vec<(Vec<String>, &Table<'s>)> {
        let Some(Node { value: Value::Table(table), .. }) = self.table.at(&[top]) else { return Vec::new() };
        let named = table.entries.iter().filter_map(|(key, node)| match &node.value {
            Value::Table(table) => Some((vec![top.to_owned(), key.name.clone().into_owned()], table)),
            _ => None,
        });
        named.collect()
    }

    /// The spec with another value of a key that has one.
    pub(super) fn changed(&self, path: &[String], value: &str) -> Option<Sources> {
        let span = self.at(path)?.span;
        let written = self.sources.at(span.file)?.text.get(range(span))?;
        // A table with a header has no place of its own.
        if matches!(self.at(path)?.value, Value::Table(_)) && !written.starts_with('{') {
            return None;
        }
        replaced(self.sources, span.file, range(span), value)
    }

    /// The spec with one more key, each time somewhere else: beside its neighbours, in the base, in the profile.
    pub(super) fn added(&self, path: &[String], value: &str, beside: [Option<&str>; 2]) -> Vec<Sources> {
        let mut found = Vec::new();
        let Some((name, above)) = path.split_last() else { return found };
        for (neighbour, is_after) in beside.into_iter().zip([true, false]) {
            let whole = neighbour.map(|neighbour| [above, &[neighbour.to_owned()]].concat());
            found.extend(whole.and_then(|whole| self.beside(&whole, name, value, is_after)));
        }
        let base: Vec<&str> = path.iter().map(String::as_str).collect();
        let of_profile: Vec<&str> = ["profiles", self.profile].into_iter().chain(base.iter().copied()).collect();
        // What only the profile has is there; what the base has may be changed for one profile.
        for path in [base, of_profile] {
            let mut draft = Draft::new(self.sources);
            if draft.set(&path, value).is_ok() {
                found.push(draft.sources());
            }
        }
        found
    }

    /// The statement that a key is in, and the path of its table.
    fn statement(&self, span: Span) -> Option<(Section, KeyValue)> {
        let text = &self.sources.at(span.file)?.text;
        let contains = |place: &Range<usize>| place.contains(&(span.start as usize));
        let section = outline::of(text).into_iter().find(|section| contains(&section.place))?;
        let statement = section.keys.iter().find(|key| contains(&key.place))?.clone();
        Some((section, statement))
    }

    /// The path of a statement's key without that of the profile.
    fn path_of(&self, section: &Section, statement: &KeyValue) -> Vec<String> {
        let whole = [&section.path[..], &statement.path[..]].concat();
        match whole.as_slice() {
            [profiles, profile, rest @ ..] if profiles == "profiles" && profile == self.profile => rest.to_vec(),
            _ => whole,
        }
    }

    fn beside(&self, neighbour: &[String], name: &str, value: &str, is_after: bool) -> Option<Sources> {
        let span = self.entry(neighbour)?.0.span;
        let (section, statement) = self.statement(span)?;
        if self.path_of(&section, &statement) != neighbour {
            return None;
        }
        let (_, dots) = statement.path.split_last()?;
        let dotted: Vec<String> = dots.iter().map(String::as_str).chain([name]).map(key).collect();
        let text = &self.sources.at(span.file)?.text;
        let at = if is_after { statement.place.end } else { statement.place.start };
        let open = if text.get(..at)?.ends_with('\n') || at == 0 { "" } else { "\n" };
        replaced(self.sources, span.file, at..at, &format!("{open}{} = {value}\n", dotted.join(".")))
    }

    /// The spec without a key: its statement, its tables, or its piece of an inline table.
    pub(super) fn removed(&self, path: &[String]) -> Option<Sources> {
        let (key, node) = self.entry(path)?;
        let text = &self.sources.at(key.span.file)?.text;
        if let Some((section, statement)) = self.statement(key.span) {
            if self.path_of(&section, &statement) == path {
                return replaced(self.sources, key.span.file, statement.place, "");
            }
            let place = piece(text, key.span.start as usize..node.span.end as usize)?;
            return replaced(self.sources, key.span.file, place, "");
        }
        let is_it = |section: &&Section| {
            section.has_header && self.path_of(section, &KeyValue { path: Vec::new(), place: 0..0 }) == path
        };
        let place = outline::of(text).iter().find(is_it)?.place.clone();
        // The blank line above it, too.
        let start = if text.get(..place.start)?.ends_with("\n\n") { place.start - 1 } else { place.start };
        replaced(self.sources, key.span.file, start..place.end, "")
    }

    /// The spec with items of a list replaced by others.
    pub(super) fn spliced(&self, path: &[String], gone: Range<usize>, items: &[String]) -> Option<Sources> {
        let node = self.at(path)?;
        let Value::List(nodes) = &node.value else { return None };
        let text = &self.sources.at(node.span.file)?.text;
        if gone.len() == items.len() && !gone.is_empty() {
            let first = nodes.get(gone.start)?.span;
            let last = nodes.get(gone.end - 1)?.span;
            let mut written = text.get(first.start as usize..last.end as usize)?.to_owned();
            for (node, item) in nodes.get(gone)?.iter().zip(items).rev() {
                let start = (node.span.start - first.start) as usize;
                written.replace_range(start..start + (node.span.end - node.span.start) as usize, item);
            }
            return replaced(self.sources, node.span.file, first.start as usize..last.end as usize, &written);
        }
        let mut text = text.clone();
        if !items.is_empty() {
            insert(&mut text, node.span, nodes, gone.end, items)?;
        }
        for node in nodes.get(gone)?.iter().rev() {
            let place = piece(&text, range(node.span))?;
            text.replace_range(place, "");
        }
        Some(self.sources.with_text(node.span.file, text))
    }
}

/// Writes items into a list, before the one of an index.
fn insert(text: &mut String, list: Span, nodes: &[Node<'_>], index: usize, items: &[String]) -> Option<()> {
    let own_line = |at: usize| {
        let line = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let indent = text.get(line..at)?;
        (indent.chars().all(char::is_whitespace) && line > list.start as usize).then(|| indent.to_owned())
    };
    if let Some(next) = nodes.get(index) {
        let at = next.span.start as usize;
        let end = own_line(at).map_or(", ".to_owned(), |indent| format!(",\n{indent}"));
        let written = format!("{}{end}", items.join(&end));
        text.insert_str(at, &written);
        return Some(());
    }
    let Some(before) = nodes.last() else {
        text.insert_str(list.start as usize + 1, &items.join(", "));
        return Some(());
    };
    let (at, end) = (before.span.end as usize, list.end as usize);
    let Some(indent) = own_line(before.span.start as usize) else {
        let written = format!(", {}", items.join(", "));
        text.insert_str(at, &written);
        return Some(());
    };
    // A comment after the last item stays after it.
    let rest = text.get(at..end)?;
    let line_end = at + rest.find('\n')?;
    let written = format!("\n{indent}{},", items.join(&format!(",\n{indent}")));
    let has_comma = rest.trim_start().starts_with(',');
    text.insert_str(line_end, if has_comma { &written } else { written.strip_suffix(',')? });
    if !has_comma {
        text.insert(at, ',');
    }
    Some(())
}

/// What goes with a piece of a list or of an inline table: its comma, and its line if it has one of its own.
fn piece(text: &str, place: Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..place.start)?;
    let after = text.get(place.end..)?;
    let blank = |c: char| matches!(c, ' ' | '\t');
    let rest = after.trim_start_matches(blank);
    let Some(rest) = rest.strip_prefix(',') else {
        let trimmed = before.trim_end();
        // The last one: the comma before it goes.
        let start = trimmed.strip_suffix(',').map_or(place.start, str::len);
        return Some(start..place.end);
    };
    let line = before.trim_end_matches(blank);
    let own_line = line.ends_with('\n') && rest.trim_start_matches(blank).starts_with('\n');
    let rest = rest.trim_start_matches(blank);
    let end = text.len() - rest.len();
    Some(if own_line { line.len()..end + 1 } else { place.start..end })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "[profiles.dev]\n\n[services.a]\nports.http = 80\ncommand = [\"x\", \"y\"] # c\nargs = [\n  \"1\", # one\n  \"2\",\n]\n\
        env = { A = \"1\", B = \"2\" }\n\n[services.a.labels]\nx = \"1\"\n\n[profiles.dev.services.a]\nmem = \"1g\"\n";

    fn edited(edit: impl Fn(&Text<'_>) -> Option<Sources>) -> String {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", SPEC.to_owned());
        let text = Text::new(&sources, "dev").unwrap();
        edit(&text).unwrap().files()[0].text.clone()
    }

    fn path(path: &str) -> Vec<String> {
        path.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn keys_are_removed_with_what_is_theirs() {
        for (key, gone) in [
            ("services.a.ports.http", "ports.http = 80\n"),
            ("services.a.env.A", "A = \"1\", "),
            ("services.a.env.B", ", B = \"2\""),
            ("services.a.labels", "\n[services.a.labels]\nx = \"1\"\n"),
            ("services.a.mem", "mem = \"1g\"\n"),
        ] {
            assert_eq!(edited(|text| text.removed(&path(key))), SPEC.replacen(gone, "", 1), "{key}");
        }
    }

    #[test]
    fn items_are_replaced_added_and_removed() {
        let key = |name: &str| path(&format!("services.a.{name}"));
        let item = |text: &str| vec![text.to_owned()];
        for (list, gone, items, from, to) in [
            ("command", 1..2, item("\"z\""), "\"y\"]", "\"z\"]"),
            ("command", 2..2, item("\"z\""), "\"y\"]", "\"y\", \"z\"]"),
            ("command", 0..0, item("\"z\""), "[\"x\"", "[\"z\", \"x\""),
            ("command", 1..2, Vec::new(), ", \"y\"]", "]"),
            ("args", 2..2, item("\"3\""), "\"2\",\n", "\"2\",\n  \"3\",\n"),
            ("args", 1..1, item("\"3\""), "  \"2\",\n", "  \"3\",\n  \"2\",\n"),
            ("args", 1..2, Vec::new(), "  \"2\",\n", ""),
        ] {
            let found = edited(|text| text.spliced(&key(list), gone.clone(), &items));
            assert_eq!(found, SPEC.replacen(from, to, 1), "{list} {gone:?}");
        }
    }

    #[test]
    fn keys_are_added_beside_their_neighbours() {
        let found =
            edited(|text| text.added(&path("services.a.labels.y"), "\"2\"", [Some("x"), None]).into_iter().next());
        assert_eq!(found, SPEC.replacen("x = \"1\"\n", "x = \"1\"\ny = \"2\"\n", 1));
        let found =
            edited(|text| text.added(&path("services.a.ports.db"), "81", [None, Some("http")]).into_iter().next());
        assert_eq!(found, SPEC.replacen("ports.http", "ports.db = 81\nports.http", 1));
    }
}
