//! YAML as Compose reads it: the tree of the spec, with the place and the comments of each key.
//!
//! The rules are those of Compose's reader (`go.yaml.in/yaml/v4`, `resolve.go` and `decode.go`): YAML 1.2 with the octal numbers
//! of 1.1 and merge keys. Aliases are replaced by copies, of which there may be only so many.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Options, Parser, Placement, ScalarStyle, Span as Place, Tag};

use crate::diagnostic::{Diagnostic, Span};
use crate::spec::decode::shown;
use crate::spec::tree::{Key, MOST_COPIED, Node, Table, Value};

/// How deep a tree may be.
const DEEPEST: usize = 64;

/// How many values a file may have, with the copies that aliases stand for.
const MOST: usize = 2_000_000;

/// The tag of a merge key, which says nothing more than `<<`.
const MERGE: &str = "tag:yaml.org,2002:merge";

/// What a tag of Compose does to the value of an earlier file
/// (<https://github.com/compose-spec/compose-spec/blob/main/13-merge.md>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `!reset`: the key is as if nothing had been written.
    Reset,
    /// `!override`: the value replaces the earlier one as a whole.
    Override,
}

/// A file and the first byte of a key, an item or a value.
pub type At = (u16, u32);

/// Where something begins.
pub fn at(span: Span) -> At {
    (span.file, span.start)
}

/// What a file has.
#[derive(Debug, Default)]
pub struct Documents {
    /// The value of each document.
    pub nodes: Vec<Node<'static>>,
    /// Its comments.
    pub comments: Comments,
    /// The values that have a tag of Compose.
    pub changes: HashMap<At, Change>,
    /// The values that aliases stand for.
    pub aliased: HashSet<At>,
}

/// The comments of files.
#[derive(Debug, Default)]
pub struct Comments {
    /// Those on the lines above a key or an item.
    pub above: HashMap<At, Vec<String>>,
    /// The one at the end of the line of a key or an item.
    pub beside: HashMap<At, String>,
    /// Those after the last key.
    pub below: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// The first mistake in its syntax, a key that is there twice, an unknown tag, or a tree that is too large.
pub fn read(text: &str, file: u16) -> Result<Documents, Diagnostic> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = Options::default();
    // A service may be commented out.
    options.max_buffered_comment_events = MOST;
    let mut reader = Reader {
        file,
        open_end: (!text.ends_with('\n')).then_some(text.len()),
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        count: 0,
        copied: 0,
        waiting: Vec::new(),
        last: None,
        found: Documents::default(),
    };
    reader.documents()?;
    Ok(reader.found)
}

struct Reader<E> {
    file: u16,
    /// The end of a text whose last line has no line break.
    open_end: Option<usize>,
    events: E,
    /// The values with an anchor, and how many values each has.
    anchors: HashMap<usize, (Node<'static>, usize)>,
    /// The values so far.
    count: usize,
    /// What aliases stand for so far, in bytes.
    copied: u64,
    /// Comments on lines of their own, for what follows them.
    waiting: Vec<String>,
    /// The first byte and the line of the last key or item.
    last: Option<(u32, usize)>,
    found: Documents,
}

type Read<T> = Result<T, Diagnostic>;

impl<'t, E: Iterator<Item = Result<(Event<'t>, Place), granit_parser::ScanError>>> Reader<E> {
    fn documents(&mut self) -> Read<()> {
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) => self.anchors.clear(),
                event => {
                    let node = self.node(event, place, 0)?;
                    self.found.nodes.push(node);
                }
            }
        }
        self.found.comments.below = std::mem::take(&mut self.waiting);
        Ok(())
    }

    /// The next event, skipping comments.
    fn next(&mut self) -> Read<(Event<'t>, Place)> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(text, placement), place))) => self.comment(&text, placement, place),
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    let at = mark(error.marker());
                    return Err(Diagnostic::new(
                        "yaml-syntax",
                        error.info(),
                        Span { start: at, end: at, file: self.file },
                    ));
                }
                None => return Ok((Event::StreamEnd, Place::default())),
            }
        }
    }

    fn comment(&mut self, text: &str, placement: Placement, place: Place) {
        let text = text.trim_end().to_owned();
        match self.last {
            Some((start, line)) if placement == Placement::Right && line == place.start.line() => {
                self.found.comments.beside.insert((self.file, start), text);
            }
            _ => self.waiting.push(text),
        }
    }

    fn span(&self, place: Place) -> Span {
        Span { file: self.file, start: mark(&place.start), end: mark(&place.end) }
    }

    /// A key or an item begins: the comments above it are its own.
    fn begin(&mut self, place: Place) {
        let start = mark(&place.start);
        self.last = Some((start, place.start.line()));
        if !self.waiting.is_empty() {
            self.found.comments.above.insert((self.file, start), std::mem::take(&mut self.waiting));
        }
    }

    fn counted(&mut self, values: usize, span: Span) -> Read<()> {
        self.count += values;
        if self.count > MOST {
            let title = format!("more than {MOST} values, with those that aliases stand for");
            return Err(Diagnostic::new("spec-too-large", title, span));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Read<Node<'static>> {
        let span = self.span(place);
        let before = self.count;
        self.counted(1, span)?;
        if depth > DEEPEST {
            return Err(Diagnostic::new("yaml-syntax", format!("nested deeper than {DEEPEST} levels"), span));
        }
        let (anchor, tag, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                // A block or a text over several lines ends elsewhere.
                if let Some((start, _)) = self.last {
                    self.last = Some((start, place.end.line()));
                }
                // The reader adds the line break that the last line of the file lacks.
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let is_open = is_block && self.open_end.is_some_and(|end| place.end.byte_offset() >= Some(end));
                let text = if is_open { text.strip_suffix('\n').unwrap_or(&text) } else { &text };
                (anchor, tag.clone(), scalar(text, style, tag.as_deref(), span)?)
            }
            Event::SequenceStart(_, anchor, tag) => (anchor, tag, Value::List(self.list(depth)?)),
            Event::MappingStart(_, anchor, tag) => (anchor, tag, Value::Table(self.table(depth)?)),
            Event::Alias(id) => {
                let Some((node, count)) = self.anchors.get(&id).cloned() else {
                    return Err(Diagnostic::new("yaml-syntax", "an alias inside of its own value", span));
                };
                self.counted(count, span)?;
                self.copied += node.value.weight();
                if self.copied > MOST_COPIED {
                    let title = format!("aliases stand for more than {} MB", MOST_COPIED >> 20);
                    return Err(Diagnostic::new("spec-too-large", title, span));
                }
                self.found.aliased.insert(at(node.span));
                return Ok(node);
            }
            _ => return Err(Diagnostic::new("yaml-syntax", "expected a value", span)),
        };
        if let Some(tag) = &tag
            && tag.is_custom()
            && tag.to_string() != MERGE
        {
            let change = match tag.to_string().as_str() {
                "!reset" => Change::Reset,
                "!override" => Change::Override,
                other => {
                    let title = format!("unknown tag `{}`", shown(other));
                    return Err(
                        Diagnostic::new("yaml-syntax", title, span).help("Compose knows `!reset` and `!override`")
                    );
                }
            };
            self.found.changes.insert(at(span), change);
        }
        let node = Node { span, value };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.count - before));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Read<Vec<Node<'static>>> {
        let mut items = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            self.begin(place);
            items.push(self.node(event, place, depth + 1)?);
        }
    }

    fn table(&mut self, depth: usize) -> Read<Table<'static>> {
        let mut entries: Vec<(Key<'static>, Node<'static>)> = Vec::new();
        let mut own: HashMap<String, Span> = HashMap::new();
        // What is merged, and where it stands.
        let mut merged: Vec<(usize, Node<'static>)> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            self.begin(place);
            let is_plain = match &event {
                Event::Scalar(_, ScalarStyle::Plain, _, tag) => tag.as_ref().is_none_or(|tag| tag.to_string() == MERGE),
                _ => false,
            };
            let key = self.node(event, place, depth + 1)?;
            let name = match key.value {
                Value::String(name) => name.into_owned(),
                Value::List(_) | Value::Table(_) => {
                    return Err(Diagnostic::new("yaml-syntax", "a mapping key must be a scalar", key.span));
                }
                other => other.written(),
            };
            let (event, place) = self.next()?;
            let value = self.node(event, place, depth + 1)?;
            if is_plain && name == "<<" {
                merged.push((entries.len(), value));
                continue;
            }
            if let Some(first) = own.insert(name.clone(), key.span) {
                let title = format!("duplicate key `{}`", shown(&name));
                return Err(Diagnostic::new("yaml-syntax", title, key.span).also(first, "the other one"));
            }
            entries.push((Key { span: key.span, name: Cow::Owned(name) }, value));
        }
        merge(merged, entries, own)
    }
}

/// A byte of the file.
fn mark(mark: &Marker) -> u32 {
    u32::try_from(mark.byte_offset().unwrap_or_default()).unwrap_or(u32::MAX)
}

/// The entries with those of merge keys at their places: a table's own entries win, then the first that has one.
fn merge(
    merged: Vec<(usize, Node<'static>)>,
    entries: Vec<(Key<'static>, Node<'static>)>,
    own: HashMap<String, Span>,
) -> Read<Table<'static>> {
    let mut seen: HashSet<String> = own.into_keys().collect();
    let mut whole = Vec::with_capacity(entries.len());
    let mut rest = entries.into_iter();
    let mut taken = 0;
    for (place, node) in merged {
        whole.extend(rest.by_ref().take(place - taken));
        taken = place;
        let span = node.span;
        let sources = match node.value {
            Value::List(items) => items,
            value => vec![Node { span, value }],
        };
        for source in sources {
            let Value::Table(table) = source.value else {
                return Err(Diagnostic::new("yaml-syntax", "`<<` merges mappings only", source.span));
            };
            whole.extend(table.entries.into_iter().filter(|(key, _)| seen.insert(key.name.clone().into_owned())));
        }
    }
    whole.extend(rest);
    Ok(Table { entries: whole })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Read<Value<'static>> {
    let core = tag.and_then(Tag::core_suffix);
    if core == Some("str") || (style != ScalarStyle::Plain && core.is_none()) {
        return Ok(Value::String(Cow::Owned(text.to_owned())));
    }
    let value = plain(text);
    match (core, value) {
        (Some("float"), Value::Integer(number)) => {
            Ok(number.to_string().parse().map_or(Value::Integer(number), Value::Float))
        }
        (Some("int" | "float" | "bool" | "null"), Value::String(_)) => {
            Err(Diagnostic::new("yaml-syntax", format!("`{}` is not what its tag says", shown(text)), span))
        }
        (_, value) => Ok(value),
    }
}

/// The value of a scalar without a tag.
pub(crate) fn scalar_of(text: &str, style: ScalarStyle) -> serde_json::Value {
    if style == ScalarStyle::Plain { plain(text).json() } else { text.into() }
}

/// The value of a scalar without quotes.
fn plain(text: &str) -> Value<'static> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Absent,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    number(text).unwrap_or_else(|| Value::String(Cow::Owned(text.to_owned())))
}

fn number(text: &str) -> Option<Value<'static>> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let digits = text.replace('_', "");
    let (negative, rest) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let (radix, part) = match rest.get(..2) {
        Some("0x" | "0X") => (16, &rest[2..]),
        Some("0o" | "0O") => (8, &rest[2..]),
        Some("0b" | "0B") => (2, &rest[2..]),
        _ if rest.len() > 1 && rest.starts_with('0') => (8, &rest[1..]),
        _ => (10, rest),
    };
    if part.starts_with(|c: char| c.is_ascii_alphanumeric())
        && let Ok(number) = i64::from_str_radix(&format!("{}{part}", if negative { "-" } else { "" }), radix)
    {
        return Some(Value::Integer(number));
    }
    // What is too large for the reader's numbers stays a text.
    if radix == 10 && !negative && part.parse::<u64>().is_ok() {
        return Some(Value::String(Cow::Owned(part.to_owned())));
    }
    let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
    number.filter(|_| is_float(&digits)).map(Value::Float)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let has_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    has_mantissa && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}
