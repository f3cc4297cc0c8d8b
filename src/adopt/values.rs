//! The value that a key must have for a line to become another one.
//!
//! What a line shows of a value is a piece of the value's text, so the same change is made to that text: where what stands around
//! the difference is most alike. Numbers may be derived from another one. Whether a guess is right is not decided here.

use std::borrow::Cow;
use std::ops::Range;

use crate::import::toml::{self, Item};
use crate::spec::source::Sources;
use crate::spec::tree::{self, Value};

/// A longer line, or value, has no guesses.
const LONGEST: usize = 10_000;

/// How much around a difference is compared, in characters.
const CONTEXT: usize = 60;

/// Guesses for one value.
const MOST_GUESSES: usize = 4;

/// A line and what it became, without their line breaks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'t> {
    old: &'t str,
    new: &'t str,
    /// How many bytes are the same at the start, and at the end.
    start: usize,
    end: usize,
}

impl<'t> Line<'t> {
    pub(super) fn new(old: &'t str, new: &'t str) -> Self {
        let (old, new) = (old.trim_end_matches('\n'), new.trim_end_matches('\n'));
        let start = common(old.chars(), new.chars());
        let end = common(old[start..].chars().rev(), new[start..].chars().rev());
        Self { old, new, start, end }
    }

    /// What the difference replaces, and by what.
    fn difference(&self) -> (&'t str, &'t str) {
        (&self.old[self.start..self.old.len() - self.end], &self.new[self.start..self.new.len() - self.end])
    }

    /// The same difference in another text: a place and how well it fits, the best first.
    fn places_in(&self, text: &str) -> Vec<(usize, Range<usize>)> {
        let (gone, _) = self.difference();
        let (before, after) = (&self.old[..self.start], &self.old[self.old.len() - self.end..]);
        let mut places: Vec<(usize, Range<usize>)> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .filter(|&at| text[at..].starts_with(gone))
            .map(|at| {
                let end = at + gone.len();
                let left = common(before.chars().rev().take(CONTEXT), text[..at].chars().rev());
                let right = common(after.chars().take(CONTEXT), text[end..].chars());
                (left + right + gone.len(), at..end)
            })
            .filter(|(fit, _)| *fit > 0)
            .collect();
        places.sort_by_key(|(fit, place)| (usize::MAX - fit, place.start));
        places
    }

    /// The numbers that differ.
    fn numbers(&self) -> Option<(i64, i64)> {
        let number = |text: &str, end: usize| -> Option<i64> {
            let digits = |c: char| c.is_ascii_digit();
            let start = text[..self.start].trim_end_matches(digits).len();
            let stop = text.len() - end;
            let rest = &text[stop..];
            let stop = stop + (rest.len() - rest.trim_start_matches(digits).len());
            text.get(start..stop)?.parse().ok()
        };
        Some((number(self.old, self.end)?, number(self.new, self.end)?))
    }

    /// What stands behind a key, without quotes, in both lines; or all of both.
    pub(super) fn scalars(&self) -> Option<(&'t str, &'t str)> {
        fn scalar<'t>(line: &'t str, key: &str) -> Option<&'t str> {
            let rest = line.strip_prefix(key)?.trim().trim_end_matches(',');
            let quoted = |quote: char| rest.strip_prefix(quote)?.strip_suffix(quote);
            Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(rest))
        }
        let shared = &self.old[..self.start];
        let end = [": ", "= ", "- ", "="].iter().filter_map(|sign| Some(shared.find(sign)? + sign.len())).min();
        let end = end.unwrap_or(shared.len() - shared.trim_start().len());
        Some((scalar(self.old, &self.old[..end])?, scalar(self.new, &self.new[..end])?))
    }
}

/// How many bytes are the same.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
}

/// A guess: how well it fits, and the text of the value in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) fit: usize,
    pub(super) text: String,
}

/// The value that a piece of TOML stands for.
fn parsed(raw: &str) -> Option<Value<'static>> {
    let mut sources = Sources::default();
    let file = sources.push("value.toml", format!("x = {raw}\n"));
    let mut table = tree::parse(&sources, file, &mut crate::diagnostic::Diagnostics::default()).table;
    Some(table.take("x")?.1.into_owned().value)
}

/// Other texts for a value as the spec has it, the most likely one first.
pub(super) fn guesses(raw: &str, line: &Line<'_>) -> Vec<Guess> {
    let is_short = [raw, line.old, line.new].iter().all(|text| text.len() <= LONGEST);
    let Some(value) = is_short.then(|| parsed(raw)).flatten() else { return Vec::new() };
    let mut found = match &value {
        Value::Boolean(flag) => {
            let says = |text: &str| text.contains(&flag.to_string());
            let fit = if says(line.old) { flag.to_string().len() } else { 0 };
            vec![Guess { fit, text: (!flag).to_string() }]
        }
        Value::Integer(number) => {
            let texts = texts(&number.to_string(), line).into_iter().chain(derived(*number, line));
            texts.filter_map(|(fit, text)| Some(Guess { fit, text: like_number(raw, text.parse().ok()?) })).collect()
        }
        Value::Float(number) => {
            let texts = texts(&number.to_string(), line).into_iter();
            texts
                .filter(|(_, text)| text.parse::<f64>().is_ok_and(f64::is_finite))
                .map(|(fit, text)| Guess {
                    fit,
                    text: if text.contains(['.', 'e']) { text } else { format!("{text}.0") },
                })
                .collect()
        }
        Value::String(text) => strings(raw, text, line),
        _ => Vec::new(),
    };
    found.sort_by_key(|guess| usize::MAX - guess.fit);
    let mut known: Vec<String> = vec![raw.to_owned()];
    found.retain(|guess| {
        let is_new = !known.contains(&guess.text);
        known.push(guess.text.clone());
        is_new
    });
    found.truncate(MOST_GUESSES);
    found
}

/// Another name for a key.
pub(super) fn names(name: &str, line: &Line<'_>) -> Vec<(usize, String)> {
    texts(name, line)
}

/// A text with the difference of the line in it.
fn texts(text: &str, line: &Line<'_>) -> Vec<(usize, String)> {
    let (_, new) = line.difference();
    let mut found: Vec<(usize, String)> = everywhere(text, line).into_iter().collect();
    found.extend(line.places_in(text).into_iter().take(2).map(|(fit, place)| {
        let mut text = text.to_owned();
        text.replace_range(place, new);
        (fit, text)
    }));
    found
}

/// A text that the line shows several times, and that changes wherever it does.
fn everywhere(text: &str, line: &Line<'_>) -> Option<(usize, String)> {
    let count = line.old.matches(text).count();
    if text.is_empty() || count < 2 {
        return None;
    }
    let first = line.old.find(text)?;
    let count = isize::try_from(count).ok()?;
    let size = |text: &str| isize::try_from(text.len()).unwrap_or(0);
    let length = usize::try_from(size(text) + (size(line.new) - size(line.old)) / count).ok()?;
    let other = line.new.get(first..first.checked_add(length)?)?;
    (line.old.replace(text, other) == line.new).then(|| (text.len() + 1, other.to_owned()))
}

/// Numbers that the line's number may be derived from: by a factor or a summand.
fn derived(number: i64, line: &Line<'_>) -> Vec<(usize, String)> {
    let Some((old, new)) = line.numbers() else { return Vec::new() };
    let scaled = number.checked_mul(new).filter(|product| old != 0 && product % old == 0).map(|product| product / old);
    let moved = new.checked_sub(old).and_then(|more| number.checked_add(more));
    if number == old {
        return Vec::new();
    }
    scaled.into_iter().chain(moved).map(|number| (0, number.to_string())).collect()
}

/// A number in the way that another one is written.
fn like_number(raw: &str, number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    if !raw.contains('_') {
        return number.to_string();
    }
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    if number < 0 { format!("-{out}") } else { out }
}

fn strings(raw: &str, text: &str, line: &Line<'_>) -> Vec<Guess> {
    let (_, new) = line.difference();
    let mut found = Vec::new();
    for (fit, place) in line.places_in(text).into_iter().take(2) {
        let written = within(raw, text, &place, new).unwrap_or_else(|| {
            let mut text = text.to_owned();
            text.replace_range(place.clone(), new);
            quoted(&text)
        });
        found.push(Guess { fit, text: written });
    }
    found.extend(everywhere(text, line).map(|(fit, text)| Guess { fit, text: quoted(&text) }));
    // One number in a text, as in `72h`.
    let digits = |c: char| c.is_ascii_digit();
    let rest = text.trim_start_matches(digits);
    if let Ok(number) = text[..text.len() - rest.len()].parse::<i64>() {
        let other = derived(number, line).into_iter();
        found.extend(other.map(|(fit, number)| Guess { fit, text: quoted(&format!("{number}{rest}")) }));
    }
    if let Some((old, new)) = line.scalars() {
        // What a reference stands for is in the line.
        if text.contains('$') && !new.is_empty() {
            found.push(Guess { fit: 0, text: quoted(new) });
        }
        if text.eq_ignore_ascii_case(old) && text != old {
            found.push(Guess { fit: old.len(), text: quoted(&new.to_lowercase()) });
        }
    }
    found
}

/// A string as TOML has it, with a piece replaced where the spec writes it, so that its quotes and line breaks stay.
fn within(raw: &str, text: &str, place: &Range<usize>, new: &str) -> Option<String> {
    if new.contains(|c: char| c.is_control() || matches!(c, '"' | '\'' | '\\') || crate::shown::is_obeyed(c)) {
        return None;
    }
    for context in [40, 20, 10, 5, 2, 0] {
        let start = text[..place.start].char_indices().rev().take(context).last().map_or(place.start, |(at, _)| at);
        let end = text[place.end..].char_indices().nth(context).map_or(text.len(), |(at, _)| place.end + at);
        let needle = &text[start..end];
        if !needle.is_empty() && raw.matches(needle).count() == 1 {
            let (before, after) = (&text[start..place.start], &text[place.end..end]);
            return Some(raw.replacen(needle, &format!("{before}{new}{after}"), 1));
        }
    }
    None
}

/// A string of TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::assigned("", &Item::Text(text.to_owned()))
}

/// A value of TOML.
pub(super) fn written(value: &Value<'_>) -> Option<String> {
    Some(toml::assigned("", &item(value)?))
}

fn item(value: &Value<'_>) -> Option<Item> {
    Some(match value {
        Value::String(text) => Item::Text(Cow::clone(text).into_owned()),
        Value::Integer(number) => Item::Int(*number),
        Value::Float(number) => Item::Float(*number),
        Value::Boolean(flag) => Item::Bool(*flag),
        Value::List(items) => Item::List(items.iter().map(|node| item(&node.value)).collect::<Option<_>>()?),
        Value::Table(table) => {
            let mut keys = toml::Table::default();
            for (key, node) in &table.entries {
                keys.push(key.name.clone().into_owned(), item(&node.value)?);
            }
            Item::Table(keys)
        }
        Value::Datetime | Value::Refused | Value::Absent => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(raw: &str, old: &str, new: &str) -> Vec<String> {
        guesses(raw, &Line::new(old, new)).into_iter().map(|guess| guess.text).collect()
    }

    #[test]
    fn a_value_changes_as_its_line_does() {
        for (raw, old, new, expected) in [
            (
                "\"grafana/loki:3.7.6\"",
                "    image: grafana/loki:3.7.6\n",
                "    image: grafana/loki:3.7.16\n",
                "\"grafana/loki:3.7.16\"",
            ),
            ("'72h'", "  retention_period: 72h\n", "  retention_period: 96h\n", "'96h'"),
            ("500_000", "  max: 500000\n", "  max: 1500000\n", "1_500_000"),
            ("9200", "  published: \"9200\"\n", "  published: \"9201\"\n", "9201"),
            ("false", "  enabled: \"false\"\n", "  enabled: \"true\"\n", "true"),
            ("\"256m\"", "  OPTS: -Xms256m -Xmx256m\n", "  OPTS: -Xms1g -Xmx1g\n", "\"1g\""),
            (
                "\"http://${loki.url}/x\"",
                "  U: http://loki:3100/x\n",
                "  U: http://loki:3100/y\n",
                "\"http://${loki.url}/y\"",
            ),
            ("\"\"\"\na \\\n  b c\"\"\"", "# a b c\n", "# a b d\n", "\"\"\"\na \\\n  b d\"\"\""),
            ("\"x\"", "x\n", "a\"b\n", "'a\"b'"),
            ("25", "  total: 100\n", "  total: 200\n", "50"),
            ("0.5", "  cpu: 0.5\n", "  cpu: 2\n", "2.0"),
        ] {
            assert!(all(raw, old, new).contains(&expected.to_owned()), "{raw} {new}: {:?}", all(raw, old, new));
        }
    }

    #[test]
    fn a_value_that_the_line_does_not_show_has_no_guess() {
        assert_eq!(all("\"abc\"", "  x: 1\n", "  x: 2\n"), [""; 0]);
        assert_eq!(all("[1]", "  x: 1\n", "  x: 2\n"), [""; 0]);
        assert_eq!(all("\"72h\"", "  x: 72h\n", "  x: 72h\n"), [""; 0]);
    }
}
