//! Reads a text without errors in one pass.
//!
//! The `toml` crate keeps all tokens and events of a text before it builds its own tree, about twenty times the size of a
//! large spec, since it has to recover from errors. This reader builds our tree from the events of its parser, piece by
//! piece. At the first error it gives up, and the crate reads the text and reports the errors.

use std::borrow::Cow;

use foldhash::HashMap;
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::lexer::{Token, TokenKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, ParseError, Source};

use super::tree::{Key, Node, Table, Value};
use crate::diagnostic::Span;

/// The limit of the `toml` crate.
const DEEPEST: u32 = 80;

/// The least number of tokens of a piece, which ends at a header.
const PIECE: usize = 512;

/// A table with this many entries has an index.
const LARGE: usize = 12;

/// The limit of keys, values and brackets, each of which takes up to a hundred bytes: 15,000 services have a third of it.
pub(super) const MOST: usize = 3_000_000;

/// Why a text could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// Where the first error was noticed, in bytes.
    pub(super) at: usize,
    pub(super) why: Why,
}

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The grammar.
    Syntax,
    /// A key or a table that there is already.
    Repeated,
    /// An integer of more than 64 bits.
    Number,
    /// A date, which a spec does not have.
    Date,
    /// The limit of keys and values.
    TooLarge,
}

/// Reads a text, up to the first error.
pub(super) fn parse(text: &str, file: u16) -> Result<Table<'_>, Failure> {
    let source = Source::new(text);
    let mut builder = Builder::new(source, file);
    let mut failed = Failed(None);
    let mut tokens: Vec<Token> = Vec::with_capacity(PIECE * 2);
    // Brackets that are open, and dots of the current key.
    let (mut depth, mut dots) = (0_u32, 0_u32);
    let mut line_start = true;
    let mut size = 0_usize;
    for token in source.lex() {
        let kind = token.kind();
        if line_start && kind == TokenKind::Newline && text.as_bytes().get(token.span().start()) == Some(&b'\n') {
            // A megabyte of empty lines would be a megabyte of tokens.
            tokens.pop_if(|before| before.kind() == TokenKind::Whitespace);
            continue;
        }
        if line_start && depth == 0 && tokens.len() >= PIECE {
            builder.feed(&tokens, &mut failed)?;
            tokens.clear();
        }
        match kind {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
            TokenKind::Dot => dots += 1,
            TokenKind::Newline | TokenKind::Equals | TokenKind::Comma => dots = 0,
            _ => {}
        }
        let is_part = !matches!(kind, TokenKind::Newline | TokenKind::Whitespace | TokenKind::Comment | TokenKind::Dot);
        size += usize::from(is_part);
        if size > MOST || tokens.len() > 2 * MOST {
            return Err(Failure { at: token.span().start(), why: Why::TooLarge });
        }
        line_start = kind == TokenKind::Newline || (line_start && kind == TokenKind::Whitespace);
        if kind != TokenKind::Eof {
            tokens.push(token);
        }
        // The rest only adds to the error.
        if depth.max(dots) > DEEPEST {
            builder.feed(&tokens, &mut failed)?;
            return Err(Failure { at: token.span().start(), why: Why::Syntax });
        }
    }
    builder.feed(&tokens, &mut failed)?;
    drop(tokens);
    Ok(builder.finish())
}

/// The place of the first error, which the other reader reports.
struct Failed(Option<usize>);

impl ErrorSink for Failed {
    fn report_error(&mut self, error: ParseError) {
        let place = error.unexpected().or(error.context()).map_or(0, |span| span.start());
        self.0.get_or_insert(place);
    }
}

/// How a table was defined, which determines what may add to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// By its own header, or the root.
    Header,
    /// By the header of a table inside it.
    Implied,
    /// By a dotted key.
    Dotted,
}

/// A table that is being read.
struct Growing<'s> {
    entries: Vec<(Key<'s>, Entry<'s>)>,
    /// The index of each entry, once there are many.
    index: Option<HashMap<Cow<'s, str>, usize>>,
    origin: Origin,
    span: Span,
}

enum Entry<'s> {
    Value(Node<'s>),
    /// A table, by its index.
    Table(usize),
    /// An array of tables, by their indices.
    Tables(Vec<usize>),
}

impl<'s> Growing<'s> {
    fn new(origin: Origin, span: Span) -> Self {
        Self { entries: Vec::new(), index: None, origin, span }
    }

    fn position(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.entries.iter().position(|(key, _)| key.name == name),
        }
    }

    fn push(&mut self, key: Key<'s>, entry: Entry<'s>) {
        if let Some(index) = &mut self.index {
            index.insert(key.name.clone(), self.entries.len());
        }
        self.entries.push((key, entry));
        if self.index.is_none() && self.entries.len() >= LARGE {
            let places = self.entries.iter().enumerate().map(|(at, (key, _))| (key.name.clone(), at));
            self.index = Some(places.collect());
        }
    }
}

/// A value that is being read.
enum Open<'s> {
    Array(usize, Vec<Node<'s>>),
    /// An inline table: its index, its start, and the key of the next value.
    Inline(usize, usize, Vec<Key<'s>>),
}

struct Builder<'s> {
    source: Source<'s>,
    file: u16,
    failed: Option<Failure>,
    tables: Vec<Growing<'s>>,
    /// The table whose body is being read.
    current: usize,
    /// The keys of a header or of the next value.
    keys: Vec<Key<'s>>,
    /// The start of the header, and whether it is one of an array.
    header: Option<(usize, bool)>,
    open: Vec<Open<'s>>,
}

impl<'s> Builder<'s> {
    fn new(source: Source<'s>, file: u16) -> Self {
        let root = Growing::new(Origin::Header, Span { file, start: 0, end: 0 });
        Self {
            source,
            file,
            failed: None,
            tables: vec![root],
            current: 0,
            keys: Vec::new(),
            header: None,
            open: Vec::new(),
        }
    }

    fn feed(&mut self, tokens: &[Token], failed: &mut Failed) -> Result<(), Failure> {
        let source = self.source;
        let mut validated = ValidateWhitespace::new(self, source);
        let mut guarded = RecursionGuard::new(&mut validated, DEEPEST);
        parse_document(tokens, &mut guarded, failed);
        // The parser accepts a key without a value at the end.
        if !self.keys.is_empty() {
            self.fail(tokens.last().map_or(0, |token| token.span().end()), Why::Syntax);
        }
        let syntax = failed.0.map(|at| Failure { at, why: Why::Syntax });
        let first = syntax.into_iter().chain(self.failed).min_by_key(|failure| failure.at);
        first.map_or(Ok(()), Err)
    }

    fn fail(&mut self, at: usize, why: Why) {
        self.failed.get_or_insert(Failure { at, why });
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let at = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: at(start), end: at(end) }
    }

    /// The table at a path below `table`, which is created if missing; `None` where TOML forbids it.
    fn walk(&mut self, mut table: usize, path: &[Key<'s>], header: bool) -> Option<usize> {
        for key in path {
            let found = self.tables[table].position(&key.name);
            table = match found.map(|at| &self.tables[table].entries[at].1) {
                None => {
                    let made = self.tables.len();
                    let origin = if header { Origin::Implied } else { Origin::Dotted };
                    let mut growing = Growing::new(origin, key.span);
                    // Most have one entry only, and a vector would start with four.
                    growing.entries.reserve_exact(1);
                    self.tables.push(growing);
                    self.tables[table].push(key.clone(), Entry::Table(made));
                    made
                }
                Some(&Entry::Table(found)) => {
                    if !header && self.tables[found].origin != Origin::Dotted {
                        return None;
                    }
                    found
                }
                Some(Entry::Tables(all)) if header => *all.last()?,
                Some(_) => return None,
            };
        }
        // The limit of the other reader.
        (path.len() < DEEPEST as usize).then_some(table)
    }

    fn insert(&mut self, table: usize, mut path: Vec<Key<'s>>, entry: Entry<'s>) -> Option<()> {
        let last = path.pop()?;
        let table = self.walk(table, &path, false)?;
        if self.tables[table].position(&last.name).is_some() {
            return None;
        }
        self.tables[table].push(last, entry);
        Some(())
    }

    /// Starts the table of a header.
    fn enter(&mut self, array: bool, span: Span) -> Option<()> {
        let mut path = std::mem::take(&mut self.keys);
        let last = path.pop()?;
        let parent = self.walk(0, &path, true)?;
        let position = self.tables[parent].position(&last.name);
        let made = self.tables.len();
        if let Some(at) = position {
            match self.tables[parent].entries.get_mut(at).map(|(_, entry)| entry) {
                Some(Entry::Tables(all)) if array => all.push(made),
                Some(&mut Entry::Table(found)) if !array => {
                    let implied = self.tables.get_mut(found).filter(|table| table.origin == Origin::Implied)?;
                    implied.origin = Origin::Header;
                    implied.span = span;
                    // The place of the table is that of its own header.
                    self.tables[parent].entries[at].0 = last;
                    self.current = found;
                    return Some(());
                }
                _ => return None,
            }
        } else {
            let entry = if array { Entry::Tables(vec![made]) } else { Entry::Table(made) };
            self.tables[parent].push(last, entry);
        }
        self.tables.push(Growing::new(Origin::Header, span));
        self.current = made;
        Some(())
    }

    /// Adds a value to the innermost array or table.
    fn place(&mut self, node: Node<'s>) {
        let at = node.span.start as usize;
        let placed = match self.open.last_mut() {
            Some(Open::Array(_, items)) => {
                items.push(node);
                Some(())
            }
            Some(Open::Inline(table, _, keys)) => {
                let (table, keys) = (*table, std::mem::take(keys));
                self.insert(table, keys, Entry::Value(node))
            }
            None => {
                let keys = std::mem::take(&mut self.keys);
                self.insert(self.current, keys, Entry::Value(node))
            }
        };
        if placed.is_none() {
            self.fail(at, Why::Repeated);
        }
    }

    fn value(
        &mut self,
        span: toml_parser::Span,
        encoding: Option<Encoding>,
        errors: &mut dyn ErrorSink,
    ) -> Result<Value<'s>, Why> {
        let text = self.source.input().get(span.start()..span.end()).ok_or(Why::Syntax)?;
        let raw = toml_parser::Raw::new_unchecked(text, encoding, span);
        let mut decoded = Cow::Borrowed("");
        Ok(match raw.decode_scalar(&mut decoded, errors) {
            ScalarKind::String => Value::String(decoded),
            ScalarKind::Boolean(boolean) => Value::Boolean(boolean),
            ScalarKind::Integer(radix) => {
                Value::Integer(i64::from_str_radix(&decoded, radix.value()).map_err(|_| Why::Number)?)
            }
            ScalarKind::Float => Value::Float(decoded.parse().map_err(|_| Why::Syntax)?),
            ScalarKind::DateTime => return Err(Why::Date),
        })
    }

    fn finish(mut self) -> Table<'s> {
        self.take(0)
    }

    fn take(&mut self, table: usize) -> Table<'s> {
        let empty = Growing::new(Origin::Header, self.tables[table].span);
        let table = std::mem::replace(&mut self.tables[table], empty);
        let mut entries: Vec<(Key<'s>, Node<'s>)> = table
            .entries
            .into_iter()
            .map(|(key, entry)| {
                let node = match entry {
                    Entry::Value(node) => node,
                    Entry::Table(inner) => self.node(inner),
                    Entry::Tables(all) => {
                        let items: Vec<Node<'s>> = all.into_iter().map(|inner| self.node(inner)).collect();
                        let span = items.first().map_or(key.span, |first| first.span);
                        Node { span, value: Value::List(items) }
                    }
                };
                (key, node)
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        Table { entries }
    }

    fn node(&mut self, table: usize) -> Node<'s> {
        let span = self.tables[table].span;
        Node { span, value: Value::Table(self.take(table)) }
    }
}

impl EventReceiver for Builder<'_> {
    fn std_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.header = Some((span.start(), false));
    }

    fn array_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.header = Some((span.start(), true));
    }

    fn std_table_close(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn array_table_close(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn simple_key(&mut self, span: toml_parser::Span, kind: Option<Encoding>, errors: &mut dyn ErrorSink) {
        let Some(text) = self.source.input().get(span.start()..span.end()) else {
            self.fail(span.start(), Why::Syntax);
            return;
        };
        let mut name = Cow::Borrowed("");
        toml_parser::Raw::new_unchecked(text, kind, span).decode_key(&mut name, errors);
        let key = Key { span: self.span(span.start(), span.end()), name };
        match self.open.last_mut() {
            Some(Open::Inline(_, _, keys)) => keys.push(key),
            Some(Open::Array(..)) => self.fail(span.start(), Why::Syntax),
            None => self.keys.push(key),
        }
    }

    fn scalar(&mut self, span: toml_parser::Span, kind: Option<Encoding>, errors: &mut dyn ErrorSink) {
        match self.value(span, kind, errors) {
            Ok(value) => self.place(Node { span: self.span(span.start(), span.end()), value }),
            Err(why) => self.fail(span.start(), why),
        }
    }

    fn array_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) -> bool {
        self.open.push(Open::Array(span.start(), Vec::new()));
        true
    }

    fn array_close(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        match self.open.pop() {
            Some(Open::Array(start, items)) => {
                self.place(Node { span: self.span(start, span.end()), value: Value::List(items) });
            }
            _ => self.fail(span.start(), Why::Syntax),
        }
    }

    fn inline_table_open(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) -> bool {
        let place = self.span(span.start(), span.end());
        self.tables.push(Growing::new(Origin::Header, place));
        self.open.push(Open::Inline(self.tables.len() - 1, span.start(), Vec::new()));
        true
    }

    fn inline_table_close(&mut self, span: toml_parser::Span, _: &mut dyn ErrorSink) {
        match self.open.pop() {
            Some(Open::Inline(table, start, _)) => {
                let value = Value::Table(self.take(table));
                self.place(Node { span: self.span(start, span.end()), value });
            }
            _ => self.fail(span.start(), Why::Syntax),
        }
    }
}

impl Builder<'_> {
    fn close_header(&mut self, span: toml_parser::Span) {
        let Some((start, array)) = self.header.take() else {
            self.fail(span.start(), Why::Syntax);
            return;
        };
        let span = self.span(start, span.end());
        if self.enter(array, span).is_none() {
            self.fail(start, Why::Repeated);
        }
    }
}
