//! A spec: planned and rendered, or refused.

use super::check;
use super::document::{Document, Entry, Kind, Section, path, quoted, scalars, unquoted};
use super::project::Spec;
use super::random::Random;
use super::run::Target;
use super::seeds::{Pieces, SEEDS, kind, word};
use super::text;

pub const TARGET: Target = Target { name: "spec", cases: 250, make, check: |input| check::spec(&Spec::read(input)) };

fn make(random: &mut Random) -> Vec<u8> {
    let pieces = if random.one_in(5) {
        let seeds = if random.one_in(3) { &SEEDS.valid } else { &SEEDS.others };
        let mut pieces = random.pick(seeds).clone();
        for _ in 0..random.few(6) {
            mutate(&mut pieces, random);
        }
        pieces
    } else {
        valid(random)
    };
    let mut input = pieces.spec().text();
    if random.one_in(8) {
        text::scratch(&mut input, random);
    }
    input
}

/// A spec without mistakes: a change that makes one is taken back.
pub fn valid(random: &mut Random) -> Pieces {
    let seeds = if random.one_in(40) { &SEEDS.large } else { &SEEDS.valid };
    let pieces = random.pick(seeds).clone();
    changed(&pieces, 1 + random.below(8), random)
}

/// A spec with up to so many changes, and without mistakes.
pub fn changed(pieces: &Pieces, changes: usize, random: &mut Random) -> Pieces {
    let mut pieces = pieces.clone();
    for _ in 0..changes {
        let mut next = pieces.clone();
        mutate(&mut next, random);
        if check::is_valid(&next.spec()) {
            pieces = next;
        }
    }
    pieces
}

/// Makes one change.
fn mutate(pieces: &mut Pieces, random: &mut Random) {
    if random.one_in(12) {
        return split(pieces, random);
    }
    let file = random.below(pieces.files.len());
    let document = &mut pieces.files[file].1;
    match random.below(34) {
        0..4 => with_entry(document, random, |entry, random| {
            if let Some(values) = SEEDS.values.get(word(&entry.key)) {
                entry.value.clone_from(random.pick(values));
            }
        }),
        4..7 => with_scalar(document, random, |scalar, kind, random| {
            scalar.clone_from(random.pick(if kind == Kind::Text { &SEEDS.texts } else { &SEEDS.numbers }));
        }),
        7..9 => with_scalar(document, random, |scalar, kind, random| {
            if kind == Kind::Other || random.one_in(8) {
                text::number(random).clone_into(scalar);
            }
        }),
        9..13 => with_scalar(document, random, |scalar, _, random| {
            let mut whole = unquoted(scalar).unwrap_or_default();
            let places: Vec<usize> = (0..=whole.len()).filter(|&at| whole.is_char_boundary(at)).collect();
            if random.one_in(2) {
                whole.insert_str(*random.pick(&places), &text::text(random));
            } else {
                whole = text::text(random);
            }
            *scalar = quoted(&whole);
        }),
        13..15 => refer(document, random),
        15..20 => {
            let at = random.below(document.sections.len());
            let section = &mut document.sections[at];
            if let Some(entries) = SEEDS.entries.get(&kind(section)) {
                let entry = random.pick(entries).clone();
                let at = random.below(section.entries.len() + 1);
                section.entries.insert(at, entry);
            }
        }
        20..23 => {
            let groups: Vec<&Vec<Section>> = SEEDS.sections.values().collect();
            let group = groups[random.below(groups.len())];
            let section = random.pick(group).clone();
            insert(document, section, random);
        }
        23 => repeat(document, random),
        24 => rename(document, random),
        25 => with_section(document, random, |section, random| {
            let mut parts: Vec<String> = section.path().into_iter().map(ToOwned::to_owned).collect();
            *parts.last_mut().unwrap() = quoted(&text::text(random));
            section.header = parts.join(".");
        }),
        26 => with_entry(document, random, |entry, random| {
            let mut parts: Vec<String> = path(&entry.key).into_iter().map(ToOwned::to_owned).collect();
            let at = random.below(parts.len());
            parts[at] = if random.one_in(2) { quoted(&text::text(random)) } else { "x".to_owned() };
            entry.key = parts.join(".");
        }),
        27 => with_entry(document, random, |entry, random| {
            let value = &entry.value;
            entry.value = match random.below(5) {
                0 => format!("[{value}]"),
                1 => format!("[{value}, {value}]"),
                2 => format!("{{ {} = {value} }}", quoted(&text::text(random))),
                3 => "[]".to_owned(),
                _ => "{}".to_owned(),
            };
        }),
        28 => with_section(document, random, |section, random| {
            if !section.entries.is_empty() {
                section.entries.remove(random.below(section.entries.len()));
            }
        }),
        29 if document.sections.len() > 1 => {
            document.sections.remove(1 + random.below(document.sections.len() - 1));
        }
        30 if document.sections.len() > 2 => {
            let mut place = || 1 + random.below(document.sections.len() - 1);
            let (one, other) = (place(), place());
            document.sections.swap(one, other);
        }
        _ => profile(document, random),
    }
}

fn with_section(document: &mut Document, random: &mut Random, change: impl FnOnce(&mut Section, &mut Random)) {
    let at = random.below(document.sections.len());
    change(&mut document.sections[at], random);
}

fn with_entry(document: &mut Document, random: &mut Random, change: impl FnOnce(&mut Entry, &mut Random)) {
    let mut entries: Vec<&mut Entry> = document.sections.iter_mut().flat_map(|section| &mut section.entries).collect();
    let at = random.below(entries.len());
    if let Some(entry) = entries.get_mut(at) {
        change(entry, random);
    }
}

fn with_scalar(document: &mut Document, random: &mut Random, change: impl FnOnce(&mut String, Kind, &mut Random)) {
    with_entry(document, random, |entry, random| {
        let scalars = scalars(&entry.value);
        if let Some((range, kind)) = scalars.get(random.below(scalars.len())) {
            let mut scalar = entry.value[range.clone()].to_owned();
            change(&mut scalar, *kind, random);
            entry.value.replace_range(range.clone(), &scalar);
        }
    });
}

fn insert(document: &mut Document, section: Section, random: &mut Random) {
    let at = 1 + random.below(document.sections.len());
    document.sections.insert(at, section);
}

/// Names with a place in the headers: services, variables, volumes.
fn names<'d>(document: &'d Document, table: &str) -> Vec<&'d str> {
    let paths = document.sections.iter().map(Section::path);
    paths.filter(|path| path.len() > 1 && path[0] == table).map(|path| path[1]).collect()
}

/// Refers to a port, a variable or a name.
fn refer(document: &mut Document, random: &mut Random) {
    let some = |list: Vec<&str>, random: &mut Random| -> String {
        if list.is_empty() { "x".to_owned() } else { (*random.pick(&list)).to_owned() }
    };
    let service = some(names(document, "services"), random);
    let variable = some(names(document, "env"), random);
    let port = random.pick(&["http", "grpc", "metrics", "http.port", "http.published", "x"]);
    let reference = match random.below(8) {
        0..3 => format!("${{{service}.{port}}}"),
        3 => format!("http://${{{service}.{port}}}/x"),
        4 => format!("${{{variable}}}"),
        5 => format!("${{{variable}:-{}}}", text::number(random)),
        6 => format!("${{self.{port}}}"),
        _ => service,
    };
    with_scalar(document, random, |scalar, _, random| {
        let mut whole = unquoted(scalar).unwrap_or_default();
        if random.one_in(2) {
            whole.clear();
        }
        *scalar = quoted(&(whole + &reference));
    });
}

/// Repeats a section under another name, rarely hundreds of times.
fn repeat(document: &mut Document, random: &mut Random) {
    let section = random.pick(&document.sections).clone();
    let times = if random.one_in(100) { 1 + random.below(300) } else { random.few(3) };
    for number in 0..times {
        let mut copy = section.clone();
        let mut parts: Vec<String> = section.path().into_iter().map(ToOwned::to_owned).collect();
        let at = 1.min(parts.len() - 1);
        parts[at] = format!("{}-{number}", parts[at].trim_matches(['"', '\'']));
        copy.header = parts.join(".");
        document.sections.push(copy);
    }
}

/// Gives something another name, wherever it is named.
fn rename(document: &mut Document, random: &mut Random) {
    let paths = document.sections.iter().map(Section::path);
    let names: Vec<String> = paths.filter(|path| path.len() > 1).map(|path| path[1].to_owned()).collect();
    if names.is_empty() {
        return;
    }
    let old = random.pick(&names);
    let new = if random.one_in(2) {
        random.pick(&names).clone()
    } else {
        (*random.pick(&["a", "no", "1", "a_b-c", "X"])).to_owned()
    };
    *document = Document::read(&document.text().replace(old.as_str(), &new));
}

/// Adds a profile, or something to one: what it removes, or changes.
fn profile(document: &mut Document, random: &mut Random) {
    let profiles = names(document, "profiles");
    let name = if profiles.is_empty() || random.one_in(3) { "other" } else { random.pick(&profiles) }.to_owned();
    let section = random.pick(&document.sections).clone();
    match random.below(4) {
        0 => {
            let mut removed = section.path().iter().take(2).copied().collect::<Vec<_>>().join(".");
            if let Some(entry) = section.entries.first().filter(|_| random.one_in(2)) {
                removed = format!("{}.{}", section.header, entry.key);
            }
            let list = Entry::new("remove", format!("[{}]", quoted(&removed)));
            insert(document, Section::new(format!("profiles.{name}"), vec![list]), random);
        }
        1 => insert(document, Section::new(format!("profiles.{name}"), Vec::new()), random),
        _ => {
            let header = format!("profiles.{name}.{}", section.header);
            let mut entries = section.entries;
            for entry in &mut entries {
                if let Some(values) = SEEDS.values.get(word(&entry.key)) {
                    entry.value.clone_from(random.pick(values));
                }
            }
            entries.truncate(random.few(3));
            insert(document, Section::new(header, entries), random);
        }
    }
}

/// Moves the end of the main file to one that it includes.
fn split(pieces: &mut Pieces, random: &mut Random) {
    let name = format!("part-{}.toml", pieces.files.len());
    let main = &mut pieces.files[0].1;
    if main.sections.len() < 2 {
        return;
    }
    let moved = main.sections.split_off(1 + random.below(main.sections.len() - 1));
    let entries = &mut main.sections[0].entries;
    let at = entries.iter().position(|entry| entry.key == "include").unwrap_or_else(|| {
        entries.insert(0, Entry::new("include", "[]"));
        0
    });
    let include = &mut entries[at];
    let end = include.value.rfind(']').unwrap_or_default();
    let comma = if include.value[..end].trim_end().ends_with(['[', ',']) { "" } else { ", " };
    include.value.insert_str(end, &format!("{comma}{}", quoted(&name)));
    let mut sections = vec![Section::default()];
    sections.extend(moved);
    pieces.files.push((name, Document { sections }));
}
