//! Finds the line of a complaint without a line number by the keys and values in its message.
//!
//! This reads the YAML that the templates write: block style, one key per line. It is not a parser: it skips what it does
//! not recognize, and the complaint then has no line.

/// A key of a YAML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// One-based.
    pub line: usize,
    /// The keys from the top; an item of a list has its index.
    pub path: Vec<String>,
    /// What follows the colon or the dash, without quotes.
    pub value: String,
}

/// The keys and plain items of a text, in order.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    // The column of each open key or dash, and its name; a list counts its items.
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut counts: Vec<(usize, usize)> = Vec::new();
    let mut block: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let mut rest = line.trim_start();
        let mut column = line.len() - rest.len();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        if let Some(above) = block {
            if column > above {
                continue;
            }
            block = None;
        }
        counts.retain(|&(at, _)| at <= column);
        while let Some(item) = rest.strip_prefix("- ").or_else(|| (rest == "-").then_some("")) {
            open.retain(|(at, _)| *at < column);
            let number = match counts.last_mut() {
                Some((at, number)) if *at == column => {
                    *number += 1;
                    *number
                }
                _ => {
                    counts.push((column, 0));
                    0
                }
            };
            open.push((column, number.to_string()));
            column += rest.len() - item.trim_start().len();
            rest = item.trim_start();
            // A list inside an item starts at 0.
            counts.retain(|&(at, _)| at < column);
        }
        let path = |open: &[(usize, String)]| open.iter().map(|(_, name)| name.clone()).collect();
        let Some((key, value)) = key_and_value(rest) else {
            if rest.starts_with(['|', '>']) {
                block = open.last().map(|&(at, _)| at);
            } else if !rest.is_empty() {
                entries.push(Entry { line: index + 1, path: path(&open), value: unquoted(rest).to_owned() });
            }
            continue;
        };
        open.retain(|(at, _)| *at < column);
        open.push((column, key.to_owned()));
        if value.starts_with(['|', '>']) {
            block = Some(column);
        }
        entries.push(Entry { line: index + 1, path: path(&open), value: unquoted(value).to_owned() });
    }
    entries
}

fn key_and_value(text: &str) -> Option<(&str, &str)> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let (key, rest) = inner.split_once(quote)?;
            return Some((key, rest.strip_prefix(':')?.trim()));
        }
    }
    if let Some(key) = text.strip_suffix(':') {
        return Some((key, ""));
    }
    text.split_once(": ").map(|(key, value)| (key, value.trim()))
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

/// The line that a message is about: a line number in it, or the deepest key whose path it contains, or a value that it
/// quotes.
pub(super) fn line(text: &str, message: &str) -> Option<usize> {
    if let Some(line) = named_line(message) {
        return Some(line);
    }
    let entries = entries(text);
    by_service(&entries, message).or_else(|| by_path(&entries, message)).or_else(|| by_value(&entries, message))
}

/// The last line number in a message: of a duplicate, the second place.
fn named_line(message: &str) -> Option<usize> {
    message.match_indices("line ").filter_map(|(at, word)| number(&message[at + word.len()..])).max()
}

/// The number at the start of a text.
pub(super) fn number(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `service "a"`, followed by one of its keys or values, as Compose writes it.
fn by_service(entries: &[Entry], message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("service \"")?;
    let (name, rest) = rest.split_once('"')?;
    let inside: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.path.len() >= 2 && entry.path[0] == "services" && entry.path[1] == name)
        .collect();
    // The wrong key or value comes last.
    let found = words(rest).into_iter().rev().find_map(|word| {
        let is_meant = |entry: &&&Entry| {
            entry.path.len() > 2 && (entry.value == word || entry.path.last().is_some_and(|key| key == word))
        };
        inside.iter().find(is_meant)
    });
    found.or(inside.first()).map(|entry| entry.line)
}

/// A word such as `services.web.cap_add[0]` or `compactor.delete-request-store`, as far as its keys exist. A key in quotes
/// after it is one below.
fn by_path(entries: &[Entry], message: &str) -> Option<usize> {
    let mut best: Option<(usize, &Entry)> = None;
    for word in message.split(|c: char| c.is_whitespace() || "'\"`(),;".contains(c)) {
        let word = word.trim_end_matches([':', '.']);
        let spelt: String = word.replace('-', "_").replace('[', ".").replace(']', "");
        for entry in entries {
            let path = entry.path.join(".");
            let matches = spelt == path.replace('-', "_") || spelt.starts_with(&format!("{}.", path.replace('-', "_")));
            let depth = entry.path.len();
            if matches && (spelt.contains('.') || depth > 1) && best.is_none_or(|(known, _)| depth > known) {
                best = Some((depth, entry));
            }
        }
    }
    let (_, found) = best?;
    let words = words(message);
    let below = entries.iter().find(|entry| {
        entry.path.len() == found.path.len() + 1
            && entry.path.starts_with(&found.path)
            && entry.path.last().is_some_and(|key| words.contains(&key.as_str()))
    });
    Some(below.unwrap_or(found).line)
}

/// The last word in quotes that is a value or a key.
fn by_value(entries: &[Entry], message: &str) -> Option<usize> {
    let quoted: Vec<&str> = ['"', '\'', '`']
        .into_iter()
        .flat_map(|quote| message.split(quote).skip(1).step_by(2))
        .filter(|word| !word.is_empty())
        .collect();
    let found = |word: &&str| {
        let named = entries.iter().filter(|entry| entry.path.last().is_some_and(|key| key == *word));
        let valued = entries.iter().filter(|entry| entry.value == **word);
        // Without a path, the nearest to the top is meant.
        valued.chain(named).min_by_key(|entry| entry.path.len())
    };
    quoted.iter().rev().find_map(found).map(|entry| entry.line)
}

/// Words without punctuation.
fn words(message: &str) -> Vec<&str> {
    message
        .split(|c: char| c.is_whitespace() || "'\"`(),;".contains(c))
        .map(|word| word.trim_end_matches([':', '.']))
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPOSE: &str = "\
name: x
services:
  web.a:
    image: a
    command:
      - |
        not: a key
      - second
    cap_add:
      - A
      - - B
    volumes:
      - type: volume
        source: data
        target: /x
    depends_on:
      db:
        condition: service_started
# a comment: of no one
volumes: {}
";

    #[test]
    fn keys_have_lines_and_paths() {
        let found: Vec<String> = entries(COMPOSE)
            .iter()
            .map(|entry| format!("{} {} {}", entry.line, entry.path.join("/"), entry.value))
            .collect();
        assert_eq!(
            found,
            [
                "1 name x",
                "2 services ",
                "3 services/web.a ",
                "4 services/web.a/image a",
                "5 services/web.a/command ",
                "8 services/web.a/command/1 second",
                "9 services/web.a/cap_add ",
                "10 services/web.a/cap_add/0 A",
                "11 services/web.a/cap_add/1/0 B",
                "12 services/web.a/volumes ",
                "13 services/web.a/volumes/0/type volume",
                "14 services/web.a/volumes/0/source data",
                "15 services/web.a/volumes/0/target /x",
                "16 services/web.a/depends_on ",
                "17 services/web.a/depends_on/db ",
                "18 services/web.a/depends_on/db/condition service_started",
                "20 volumes {}",
            ]
        );
    }

    #[test]
    fn a_message_leads_to_its_line() {
        for (message, expected) in [
            ("validating /f: services.web.a additional properties 'image' not allowed", 4),
            ("validating /f: services.web.a.cap_add must be a array", 9),
            ("services.web.a.volumes[0].source is wrong", 14),
            ("service \"web.a\" refers to undefined volume data: invalid compose project", 14),
            ("service \"web.a\" depends on undefined service \"db\": invalid compose project", 17),
            ("failed to parse: line 4: mapping key \"image\" already defined at line 3", 4),
            ("yaml: while parsing a block mapping at line 1, column 3: line 3, column 4: did not find", 3),
            ("additional properties 'volumes' not allowed", 20),
        ] {
            assert_eq!(line(COMPOSE, message), Some(expected), "{message}");
        }
        assert_eq!(line(COMPOSE, "no such thing"), None);
    }

    #[test]
    fn flags_and_values_lead_to_their_lines() {
        let text = "compactor:\n  working_directory: /a\n  retention_enabled: true\nblocks:\n  dir: /a/b\n";
        assert_eq!(line(text, "compactor.delete-request-store should be configured"), Some(1));
        assert_eq!(line(text, "the directory \"/a\" cannot overlap with the directory \"/a/b\""), Some(5));
    }
}
