//! Changing keys of a spec's tree.

use std::borrow::Cow;

use super::Part;
use crate::diagnostic::Span;
use crate::spec::tree::{Key, Node, Table, Value};

/// A change of one key.
#[derive(Debug, Clone)]
pub(super) enum Edit<'s> {
    /// Another name.
    Rename {
        /// The name.
        from: String,
        /// The other one.
        to: String,
    },
    /// Another value.
    Set(Value<'s>),
    /// Nothing in its place.
    Remove,
}

impl Edit<'_> {
    /// The name, and the other one.
    pub(super) fn renamed(&self) -> Option<(String, String)> {
        let Self::Rename { from, to } = self else { return None };
        Some((from.clone(), to.clone()))
    }
}

/// Other names or values of a key, the most likely valid one first.
pub(super) fn others<'s>(table: &Table<'s>, steps: &[usize], part: Part) -> Vec<Edit<'s>> {
    let rename = |(key, _): &(Key<'s>, Node<'s>)| Edit::Rename {
        from: key.name.clone().into_owned(),
        to: other_name(&key.name),
    };
    match part {
        Part::List | Part::Table => Vec::new(),
        Part::Name => entry_at(table, steps).map(rename).into_iter().collect(),
        Part::Value => {
            let values = value_at(table, steps).map(other_values).unwrap_or_default();
            values.into_iter().map(Edit::Set).collect()
        }
    }
}

/// Changes a key; whether it is there.
pub(super) fn apply<'s>(table: &mut Table<'s>, steps: &[usize], edit: &Edit<'s>) -> bool {
    match edit {
        Edit::Rename { to, .. } => entry_mut(table, steps).map(|(key, _)| key.name = Cow::Owned(to.clone())).is_some(),
        Edit::Set(value) => node_mut(table, steps).map(|node| node.value = value.clone()).is_some(),
        Edit::Remove => take_at(table, steps),
    }
}

/// Renames the references at these places to changed names, each given with its new one; whether there were any.
///
/// The places are in order.
pub(super) fn follow(table: &mut Table<'_>, names: &[(String, String)], places: &[Span]) -> bool {
    let mut changed = false;
    rename(table, names, places, &mut changed);
    changed
}

/// Removes the references at these places to what is gone; whether there were any.
///
/// The places are in order.
pub(super) fn forget(table: &mut Table<'_>, places: &[Span]) -> bool {
    let mut changed = false;
    table.entries.retain_mut(|(_, node)| stays(node, places, &mut changed));
    changed
}

fn stays(node: &mut Node<'_>, places: &[Span], changed: &mut bool) -> bool {
    match &mut node.value {
        Value::Table(table) => *changed |= forget(table, places),
        Value::List(items) => items.retain_mut(|item| stays(item, places, changed)),
        _ if is_at(node.span, places) => {
            *changed = true;
            return false;
        }
        _ => {}
    }
    true
}

/// Another name of the same shape.
fn other_name(name: &str) -> String {
    let last = name.chars().next_back();
    let more = if last.is_some_and(char::is_uppercase) { 'X' } else { 'x' };
    format!("{name}{more}")
}

/// Other values of the same type, the most likely valid one first.
fn other_values<'s>(value: &Value<'s>) -> Vec<Value<'s>> {
    match value {
        Value::Boolean(boolean) => vec![Value::Boolean(!boolean)],
        // Where a number is divided and rounded, one more may make no difference.
        Value::Integer(number) => {
            let double = number.checked_mul(2).filter(|_| number.unsigned_abs() > 1);
            let others = [double, number.checked_add(1), number.checked_sub(1)];
            others.into_iter().flatten().map(Value::Integer).collect()
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

fn rename(table: &mut Table<'_>, names: &[(String, String)], places: &[Span], changed: &mut bool) {
    for (key, node) in &mut table.entries {
        if is_at(key.span, places)
            && let Some((_, new)) = names.iter().find(|(name, _)| key.name == *name)
        {
            key.name = Cow::Owned(new.clone());
            *changed = true;
        }
        rename_value(node, names, places, changed);
    }
}

fn rename_value(node: &mut Node<'_>, names: &[(String, String)], places: &[Span], changed: &mut bool) {
    match &mut node.value {
        Value::String(text) if is_at(node.span, places) => {
            let all = names.iter().filter(|(name, _)| text.contains(name.as_str()));
            let renamed = all.fold(text.to_string(), |text, (name, new)| replace_word(&text, name, new));
            if renamed != *text {
                *text = Cow::Owned(renamed);
                *changed = true;
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| rename_value(item, names, places, changed)),
        Value::Table(table) => rename(table, names, places, changed),
        _ => {}
    }
}

/// Whether one of some places, which are in order, is in a key or value.
fn is_at(span: Span, places: &[Span]) -> bool {
    let first = places.partition_point(|place| (place.file, place.start) < (span.file, span.start));
    places.get(first).is_some_and(|place| place.file == span.file && place.start <= span.end)
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

fn entry_at<'t, 's>(table: &'t Table<'s>, steps: &[usize]) -> Option<&'t (Key<'s>, Node<'s>)> {
    let (last, above) = steps.split_last()?;
    if above.is_empty() {
        return table.entries.get(*last);
    }
    if let Value::Table(table) = value_at(table, above)? { table.entries.get(*last) } else { None }
}

fn value_at<'t, 's>(table: &'t Table<'s>, steps: &[usize]) -> Option<&'t Value<'s>> {
    let (first, rest) = steps.split_first()?;
    rest.iter().try_fold(&table.entries.get(*first)?.1.value, |value, step| match value {
        Value::Table(table) => table.entries.get(*step).map(|(_, node)| &node.value),
        Value::List(items) => items.get(*step).map(|node| &node.value),
        _ => None,
    })
}

fn entry_mut<'t, 's>(table: &'t mut Table<'s>, steps: &[usize]) -> Option<&'t mut (Key<'s>, Node<'s>)> {
    let (last, above) = steps.split_last()?;
    if above.is_empty() {
        return table.entries.get_mut(*last);
    }
    if let Value::Table(table) = &mut node_mut(table, above)?.value { table.entries.get_mut(*last) } else { None }
}

fn node_mut<'t, 's>(table: &'t mut Table<'s>, steps: &[usize]) -> Option<&'t mut Node<'s>> {
    let (first, rest) = steps.split_first()?;
    rest.iter().try_fold(&mut table.entries.get_mut(*first)?.1, |node, step| match &mut node.value {
        Value::Table(table) => table.entries.get_mut(*step).map(|(_, node)| node),
        Value::List(items) => items.get_mut(*step),
        _ => None,
    })
}

/// Removes a key or an item of a list.
fn take_at(table: &mut Table<'_>, steps: &[usize]) -> bool {
    let Some((&last, above)) = steps.split_last() else { return false };
    let take = |table: &mut Table<'_>| {
        last < table.entries.len() && {
            table.entries.remove(last);
            true
        }
    };
    if above.is_empty() {
        return take(table);
    }
    match node_mut(table, above).map(|node| &mut node.value) {
        Some(Value::Table(table)) => take(table),
        Some(Value::List(items)) if last < items.len() => {
            items.remove(last);
            true
        }
        _ => false,
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
