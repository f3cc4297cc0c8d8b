//! Changing one key of a spec's tree.

use std::borrow::Cow;

use super::{Part, Step};
use crate::diagnostic::Span;
use crate::spec::tree::{Key, Node, Table, Value};

/// The tree with the key changed in several ways, the most likely valid one first; each is made when it is needed, since
/// that copies the tree.
pub(super) fn variants<'v, 's: 'v>(
    table: &'v Table<'s>,
    steps: &'v [Step],
    part: Part,
) -> impl Iterator<Item = Table<'s>> + 'v {
    let with = |change: &mut dyn FnMut(&mut Table<'s>) -> Option<()>| {
        let mut changed = table.clone();
        change(&mut changed).map(|()| changed)
    };
    let name = name_of(steps).filter(|_| part == Part::Name).map(other_name);
    let values = value_at(table, steps).filter(|_| part == Part::Value).map(others);
    let without = values.is_some().then_some(());
    let named = name.into_iter().filter_map(move |name| {
        with(&mut |table| {
            entry_at(table, steps)?.0.name = Cow::Owned(name.clone());
            Some(())
        })
    });
    let other = values.into_iter().flatten().filter_map(move |value| {
        with(&mut |table| {
            node_at(table, steps)?.value = value.clone();
            Some(())
        })
    });
    let gone = without.into_iter().filter_map(move |()| with(&mut |table| take_at(table, steps).then_some(())));
    named.chain(other).chain(gone)
}

/// Renames the references at these places to a changed name; whether there were any.
pub(super) fn follow(table: &mut Table<'_>, steps: &[Step], places: &[Span]) -> bool {
    let Some(name) = name_of(steps) else { return false };
    let new = other_name(name);
    let mut changed = false;
    rename(table, name, &new, places, &mut changed);
    changed
}

/// Another name of the same shape.
fn other_name(name: &str) -> String {
    let last = name.chars().next_back();
    let more = if last.is_some_and(char::is_uppercase) { 'X' } else { 'x' };
    format!("{name}{more}")
}

/// Other values of the same type, the most likely valid one first.
fn others<'s>(value: &Value<'s>) -> Vec<Value<'s>> {
    match value {
        Value::Boolean(boolean) => vec![Value::Boolean(!boolean)],
        Value::Integer(number) => {
            [number.checked_add(1), number.checked_sub(1)].into_iter().flatten().map(Value::Integer).collect()
        }
        Value::Float(number) => vec![Value::Float(number + 1.0), Value::Float(number / 2.0)],
        Value::String(text) => {
            let string = |text: String| Value::String(Cow::Owned(text));
            let more = string(format!("{text}x"));
            match count(text) {
                // A number is the most important part: of a version, a duration, a port. Several may reach several lines.
                Some(counted) => {
                    [count_all(text), Some(counted)].into_iter().flatten().map(string).chain([more]).collect()
                }
                None => vec![more, string(format!("x{text}"))],
            }
        }
        Value::Datetime | Value::Refused | Value::Absent | Value::List(_) | Value::Table(_) => Vec::new(),
    }
}

/// The text with its last number outside of references doubled, so that multiples stay multiples.
fn count(text: &str) -> Option<String> {
    let outside = text.rfind('}').map_or(0, |end| end + 1);
    let end = outside + text.get(outside..)?.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = text[..end].trim_end_matches(|c: char| c.is_ascii_digit()).len().max(outside);
    let number: u64 = text[start..end].parse().ok()?;
    let other = if number == 0 { 1 } else { number.checked_mul(2)? };
    Some(format!("{}{other}{}", &text[..start], &text[end..]))
}

/// The text with one more for each of its numbers, if it consists of several with signs between them, as ports do.
fn count_all(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_digit() || ":-./".contains(c);
    if !text.chars().all(plain) || text.split([':', '-']).count() < 2 {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 2);
    for piece in text.split_inclusive([':', '-']) {
        let number = piece.trim_end_matches([':', '-']);
        match number.parse::<u64>().ok().and_then(|number| number.checked_add(1)) {
            Some(next) => out.push_str(&next.to_string()),
            None => out.push_str(number),
        }
        out.push_str(&piece[number.len()..]);
    }
    (out != text).then_some(out)
}

fn rename(table: &mut Table<'_>, name: &str, new: &str, places: &[Span], changed: &mut bool) {
    let meant = |span: Span| {
        places.iter().any(|place| place.file == span.file && span.start <= place.start && place.start <= span.end)
    };
    for (key, node) in &mut table.entries {
        if key.name == name && meant(key.span) {
            key.name = Cow::Owned(new.to_owned());
            *changed = true;
        }
        rename_value(node, name, new, places, changed, &meant);
    }
}

fn rename_value(
    node: &mut Node<'_>,
    name: &str,
    new: &str,
    places: &[Span],
    changed: &mut bool,
    meant: &impl Fn(Span) -> bool,
) {
    match &mut node.value {
        Value::String(text) if meant(node.span) => {
            let renamed = replace_word(text, name, new);
            if renamed != *text {
                *text = Cow::Owned(renamed);
                *changed = true;
            }
        }
        Value::List(items) => {
            for item in items {
                rename_value(item, name, new, places, changed, meant);
            }
        }
        Value::Table(table) => rename(table, name, new, places, changed),
        _ => {}
    }
}

/// Replaces a name, except within longer ones.
fn replace_word(text: &str, name: &str, new: &str) -> String {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut out = String::with_capacity(text.len() + 1);
    let mut from = 0;
    for (at, found) in text.match_indices(name) {
        let end = at + found.len();
        let alone = !text[..at].chars().next_back().is_some_and(part_of_name) && !text[end..].starts_with(part_of_name);
        out.push_str(&text[from..at]);
        out.push_str(if alone { new } else { found });
        from = end;
    }
    out.push_str(&text[from..]);
    out
}

fn entry_at<'t, 's>(table: &'t mut Table<'s>, steps: &[Step]) -> Option<&'t mut (Key<'s>, Node<'s>)> {
    let (Step::Key(name), above) = steps.split_last()? else { return None };
    table_at(table, above)?.entries.iter_mut().find(|(key, _)| key.name == *name)
}

fn table_at<'t, 's>(table: &'t mut Table<'s>, steps: &[Step]) -> Option<&'t mut Table<'s>> {
    if steps.is_empty() {
        return Some(table);
    }
    if let Value::Table(table) = &mut node_at(table, steps)?.value { Some(table) } else { None }
}

fn node_at<'t, 's>(table: &'t mut Table<'s>, steps: &[Step]) -> Option<&'t mut Node<'s>> {
    let (last, above) = steps.split_last()?;
    match last {
        Step::Key(_) => entry_at(table, steps).map(|(_, node)| node),
        Step::Item(index) => match &mut node_at(table, above)?.value {
            Value::List(items) => items.get_mut(*index),
            _ => None,
        },
    }
}

fn value_at<'t, 's>(table: &'t Table<'s>, steps: &[Step]) -> Option<&'t Value<'s>> {
    let (Step::Key(first), rest) = steps.split_first()? else { return None };
    let mut value = &table.at(&[first])?.value;
    for step in rest {
        value = match (value, step) {
            (Value::Table(table), Step::Key(name)) => &table.at(&[name])?.value,
            (Value::List(items), Step::Item(index)) => &items.get(*index)?.value,
            _ => return None,
        };
    }
    Some(value)
}

/// Whether a key exists.
pub(super) fn exists(table: &Table<'_>, steps: &[Step]) -> bool {
    value_at(table, steps).is_some()
}

fn name_of(steps: &[Step]) -> Option<&str> {
    match steps.last()? {
        Step::Key(name) => Some(name),
        Step::Item(_) => None,
    }
}

/// Removes a key or an item of a list.
fn take_at(table: &mut Table<'_>, steps: &[Step]) -> bool {
    let Some((last, above)) = steps.split_last() else { return false };
    match last {
        Step::Key(name) => table_at(table, above).is_some_and(|table| table.take(name).is_some()),
        Step::Item(index) => match node_at(table, above).map(|node| &mut node.value) {
            Some(Value::List(items)) if *index < items.len() => {
                items.remove(*index);
                true
            }
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_counts_outside_of_its_references() {
        assert_eq!(count("72h").as_deref(), Some("144h"));
        assert_eq!(count("grafana/loki:3.7.6").as_deref(), Some("grafana/loki:3.7.12"));
        assert_eq!(count("${A1}:8080/x").as_deref(), Some("${A1}:16160/x"));
        assert_eq!(count("answers in ≤5 s").as_deref(), Some("answers in ≤10 s"));
        assert_eq!(count("№9").as_deref(), Some("№18"));
        assert_eq!(count("${A1}"), None);
        assert_eq!(count("info"), None);
    }

    #[test]
    fn each_port_counts() {
        assert_eq!(count_all("8080:80").as_deref(), Some("8081:81"));
        assert_eq!(count_all("8000-8010:80-90").as_deref(), Some("8001-8011:81-91"));
        assert_eq!(count_all("127.0.0.1:8080:80").as_deref(), Some("127.0.0.1:8081:81"));
        for other in ["80", "grafana/loki:3.7.6", "1m30s", "10.0.0.1", ""] {
            assert_eq!(count_all(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_replaced_where_it_stands_alone() {
        assert_eq!(replace_word("${db.sql} db-2 db", "db", "dbx"), "${dbx.sql} db-2 dbx");
    }
}
