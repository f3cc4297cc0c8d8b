//! Templates of the user: Jinja at run time, over the [public model](crate::model::public).
//!
//! A template may be a stranger's, so it is bounded in every way: its size, what it may do (fuel, which also counts each
//! byte that it makes), how deep its expressions nest (the thread has a stack for all that a template can hold), the
//! operators that multiply what exists, and, since values are compared without fuel, the time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind, merge_maps};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;

use crate::lit::{self, Lit};
use crate::spec::LARGEST_TEMPLATE;
use crate::spec::stack::Language;

/// The steps that all templates of a stack may take together, besides those of [`EACH`]; 64 bytes that are made are one.
const FUEL: u64 = 1_000_000;

/// Further steps for each file that is rendered: a stack may have thousands of small ones.
const EACH: u64 = 2_000;

/// Nested loops.
const MOST_NESTED: usize = 30;

/// Lists in lists that are printed.
const MOST_LISTED: usize = 8;

/// Room for expressions as deep as a template is long.
const STACK: usize = 256 << 20;

/// The time for all templates of all stacks. Those that end take a few milliseconds.
const TIME: Duration = Duration::from_secs(6);

/// The time that the templates of a stack have in any case.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// A template to render.
pub struct Job {
    /// Its text.
    pub text: Arc<str>,
    /// How values are written.
    pub language: Language,
    /// What it can use.
    pub scope: Scope,
}

/// What a template can use.
#[derive(Clone)]
pub struct Scope(Value);

impl Scope {
    /// Nothing.
    pub fn none() -> Self {
        Self(Value::from(()))
    }

    /// The keys of a model.
    pub fn of(model: &impl Serialize) -> Self {
        Self(Value::from(Serde(model)))
    }

    /// One value of that name.
    pub fn named(name: &str, model: &impl Serialize) -> Self {
        Self(Value::from(BTreeMap::from([(name.to_owned(), Value::from(Serde(model)))])))
    }

    /// Both; what `self` has hides what `other` has.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        Self(merge_maps([self.0.clone(), other.0.clone()]))
    }
}

/// Whether a text has tags; without any it uses nothing, and preparing a whole stack for it takes long.
pub fn has_tags(text: &str) -> bool {
    ["{=", "{%"].iter().any(|open| text.contains(open))
}

/// Why a template can't be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// The bytes of the template that are wrong.
    pub place: Range<usize>,
}

/// Renders templates. Those that come after one that takes too long are not rendered.
///
/// `share` is how many stacks share the time.
pub fn render(jobs: Vec<Job>, share: usize) -> Vec<Result<String, Failure>> {
    let count = jobs.len();
    let mut fuel = FUEL.saturating_add(EACH.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX)));
    // Expressions nest at most half as deep as the longest template is long.
    let longest = jobs.iter().map(|job| job.text.len()).max().unwrap_or_default();
    let stack = STACK / usize::try_from(LARGEST_TEMPLATE).unwrap_or(1) * longest + (1 << 20);
    let (sender, results) = channel();
    let work = move || {
        for job in jobs {
            if sender.send(render_one(&job, &mut fuel)).is_err() {
                break;
            }
        }
    };
    let failed = |message: &str| Err(Failure { message: message.to_owned(), place: 0..0 });
    // It is left alone if it takes too long, and ends with the process.
    if let Err(error) = thread::Builder::new().stack_size(stack).spawn(work) {
        return vec![failed(&format!("cannot start a thread: {error}"))];
    }
    let time = TIME / u32::try_from(share.max(1)).unwrap_or(u32::MAX);
    let end = Instant::now() + time.max(LEAST_TIME);
    let mut rendered = Vec::with_capacity(count);
    while rendered.len() < count {
        match results.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(result) => rendered.push(result),
            Err(RecvTimeoutError::Timeout) => {
                rendered.push(failed("the template takes too long"));
                break;
            }
            Err(RecvTimeoutError::Disconnected) => {
                rendered.push(failed("the template cannot be rendered"));
                break;
            }
        }
    }
    rendered
}

fn render_one(job: &Job, fuel: &mut u64) -> Result<String, Failure> {
    if let Some((at, operator)) = multiplier(&job.text) {
        let message = format!("`{operator}` cannot be used in a template: join strings with `~`");
        return Err(Failure { message, place: at..at + 1 });
    }
    let left = *fuel;
    let environment = environment(job.language, left);
    let rendered = environment.and_then(|environment| {
        // Without the last newline, as in Jinja.
        let template = environment.template_from_str(&job.text)?;
        let rendered = template.render_captured(job.scope.0.clone())?;
        *fuel = rendered.state().fuel_levels().map_or(left, |(_, left)| left);
        Ok(rendered.into_output())
    });
    rendered.map(ending_in_a_newline).map_err(|error| failure(&error, &job.text, left))
}

fn ending_in_a_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn environment(language: Language, fuel: u64) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    // Those of the templates that are built in.
    let syntax = SyntaxConfig::builder()
        .block_delimiters("{%", "%}")
        .variable_delimiters("{=", "=}")
        .comment_delimiters("{#", "#}")
        .build()?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(fuel));
    environment.set_recursion_limit(MOST_NESTED);
    // For the place of an error.
    environment.set_debug(true);
    // What a block captured is written already.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("".into()));
    // They escape for HTML, or make what was small large.
    for filter in ["safe", "escape", "e", "pprint", "chain", "zip"] {
        environment.remove_filter(filter);
    }
    for function in ["debug", "namespace", "dict"] {
        environment.remove_global(function);
    }
    environment.add_filter("raw", |text: String| Value::from_safe_string(text));
    environment.set_formatter(move |out, state, value| print(out, state, value, language));
    Ok(environment)
}

/// Writes a value in the language of the file.
fn print(out: &mut Output, state: &mut State, value: &Value, language: Language) -> Result<(), Error> {
    if value.is_safe() {
        return out.write_str(value.as_str().unwrap_or_default()).map_err(Error::from);
    }
    let owned = Owned::of(state, value, 0)?;
    let lit = owned.lit();
    let mut text = String::new();
    match language {
        Language::Yaml => lit::yaml::write(&mut text, &lit),
        Language::Json => lit::json::write(&mut text, &lit),
        Language::Hcl => lit::hcl::write(&mut text, &lit),
        Language::Alloy => lit::alloy::write(&mut text, &lit),
        Language::Toml => lit::toml::write(&mut text, &lit),
        Language::Xml => lit::xml::write(&mut text, &lit),
        Language::Shell => lit::shell::write(&mut text, &lit),
        Language::Dotenv => lit::dotenv::write(&mut text, &lit),
        Language::Dockerfile => lit::dockerfile::write(&mut text, &lit),
        Language::Markdown => lit::markdown::write(&mut text, &lit),
        Language::Raw => match &lit {
            Lit::Str(string) => text.push_str(string),
            Lit::List(_) => return Err(refused("a list cannot be written as it is: use a loop, or `|join`")),
            Lit::Int(_) | Lit::Bool(_) => lit::json::write(&mut text, &lit),
        },
    }
    out.write_str(&text).map_err(Error::from)
}

/// A value that every language can write.
enum Owned {
    String(String),
    Integer(i128),
    Boolean(bool),
    List(Vec<Self>),
}

impl Owned {
    fn of(state: &State, value: &Value, depth: usize) -> Result<Self, Error> {
        state.consume_fuel(1)?;
        match value.kind() {
            ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
            ValueKind::String => {
                let text = value.as_str().unwrap_or_default();
                state.consume_fuel(u64::try_from(text.len() / 64).unwrap_or_default())?;
                Ok(Self::String(text.to_owned()))
            }
            ValueKind::Bool => Ok(Self::Boolean(value.is_true())),
            ValueKind::Number => i128::try_from(value.clone())
                .ok()
                .filter(|_| value.is_integer())
                .map(Self::Integer)
                .ok_or_else(|| refused("only integers can be written: divide with `//`")),
            ValueKind::Seq | ValueKind::Iterable if depth < MOST_LISTED => {
                let mut items = Vec::new();
                for item in value.try_iter()? {
                    items.push(Self::of(state, &item, depth + 1)?);
                }
                Ok(Self::List(items))
            }
            ValueKind::Map => Err(match value.get_attr("variables").ok().filter(|names| !names.is_undefined()) {
                Some(names) => {
                    let mut list = String::new();
                    for name in names.try_iter()? {
                        let _ = write!(list, "{}`{name}`", if list.is_empty() { "" } else { ", " });
                    }
                    refused(format!("the value has the variable {list}, which only Compose knows"))
                }
                None => refused("a table cannot be written: write its values"),
            }),
            ValueKind::None => Err(refused("`none` cannot be written")),
            kind => Err(refused(format!("a value of type {kind} cannot be written"))),
        }
    }

    fn lit(&self) -> Lit<'_> {
        match self {
            Self::String(text) => Lit::Str(text),
            Self::Integer(integer) => Lit::Int(*integer),
            Self::Boolean(boolean) => Lit::Bool(*boolean),
            Self::List(items) => Lit::List(items.iter().map(Self::lit).collect()),
        }
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn failure(error: &Error, text: &str, fuel: u64) -> Failure {
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!("the template takes more than {fuel} steps"),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    let line = || {
        let line = error.line().unwrap_or(1).saturating_sub(1);
        let start = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
        start..text[start..].find('\n').map_or(text.len(), |end| start + end)
    };
    let place = error.range().and_then(|range| {
        // A block that is not closed goes on to the end.
        let length = text.get(range.clone())?.trim_start_matches('\n').find('\n');
        let end = length.map_or(range.end, |length| range.start + length);
        (end > range.start).then_some(range.start..end)
    });
    Failure { message, place: place.unwrap_or_else(line) }
}

/// The first operator in the tags of a template that repeats strings or joins lists. Doing so over and over takes little
/// fuel, since joined lists are only made when they are used.
fn multiplier(text: &str) -> Option<(usize, char)> {
    let mut rest = 0;
    while let Some(found) = text[rest..].find('{') {
        let open = rest + found;
        rest = open + 1;
        let (close, is_comment) = match text.as_bytes().get(rest) {
            Some(b'=') => ("=}", false),
            Some(b'%') => ("%}", false),
            Some(b'#') => ("#}", true),
            _ => continue,
        };
        rest += 1;
        if is_comment {
            rest = text[rest..].find(close).map_or(text.len(), |end| rest + end + 2);
            continue;
        }
        let mut quote = None;
        let mut characters = text[rest..].char_indices();
        let tag = rest;
        rest = text.len();
        while let Some((at, c)) = characters.next() {
            match (quote, c) {
                (Some(_), '\\') => _ = characters.next(),
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '+' | '*') => return Some((tag + at, c)),
                (None, _) if text[tag + at..].starts_with(close) => {
                    rest = tag + at + 2;
                    break;
                }
                _ => {}
            }
        }
    }
    None
}
