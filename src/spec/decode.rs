//! Tree to typed tables.
//!
//! Every wrong key and value of a table is reported, not only the first one, and an unknown key
//! names its nearest neighbour; that is what `serde` cannot give (it stops at the first error of a
//! table) and why the tables of the spec are declared with `table!` and `choice!`.

use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::json;

use super::schema::{self, Schema, Schemas};
use super::source::Sources;
use super::tree::{Key, Node, Table, Value};
use super::{extends, former};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};

/// What decoding needs besides the tree.
pub struct Context<'c> {
    /// The texts, to find a place inside a string.
    pub sources: &'c Sources,
    /// Where problems go.
    pub diagnostics: &'c mut Diagnostics,
}

impl Context<'_> {
    /// Reports a value of the wrong type.
    pub fn mismatch(&mut self, node: &Node<'_>, expected: &str, help: Option<&str>) {
        if let Value::Refused = node.value {
            return;
        }
        let title = format!("expected {expected}, found {}", node.value.describe());
        let diagnostic = Diagnostic::new("wrong-type", title, node.span);
        self.diagnostics.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }
}

/// A type that a value of the spec can be read as.
pub trait Decode: Sized {
    /// Reads it; `None` after the problems were reported.
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self>;

    /// What a missing key means; `None` if the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// The value that Compose reads from a text, in the keys in which a text can have references.
    fn unquoted(_: &str) -> Option<Value<'static>> {
        None
    }

    /// Its JSON Schema, for editors.
    fn schema(schemas: &mut Schemas) -> Schema;
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        // An invalid value was reported; treating it as absent lets the rest be checked.
        Some(T::decode(node, cx))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        T::schema(schemas)
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Self::new)
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        T::schema(schemas)
    }
}

impl<T: Decode> Decode for Arc<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Self::new)
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        T::schema(schemas)
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        T::decode(node, cx).map(|value| Self { value, span })
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        T::schema(schemas)
    }
}

impl Decode for String {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = node.value else {
            cx.mismatch(&node, "a string", quoting(&node.value));
            return None;
        };
        check_characters(&text, node.span, cx).then(|| text.into_owned())
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": "string" })
    }
}

/// How a scalar becomes a string.
pub(super) fn quoting(value: &Value<'_>) -> Option<&'static str> {
    matches!(value, Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime)
        .then_some("put it in quotes")
}

/// What the spec has in a place.
pub(super) fn written<'c>(span: Span, cx: &'c Context<'_>) -> &'c str {
    let text = cx.sources.file(span).and_then(|file| file.text.get(span.start as usize..span.end as usize));
    text.unwrap_or_default()
}

/// Reports an integer in another base where it becomes text: a program that reads `UMASK` would get 18 for `0o022`.
pub(super) fn check_decimal(node: &Node<'_>, cx: &mut Context<'_>) -> bool {
    let Value::Integer(number) = node.value else { return true };
    let text = written(node.span, cx);
    if !["0o", "0x", "0b"].iter().any(|base| text.starts_with(base)) {
        return true;
    }
    let title = format!("`{}` would become the text `{number}`", shown(text));
    let help = format!("put the text that the program reads in quotes: `\"{}\"`, or `\"{number}\"`", shown(text));
    cx.diagnostics.push(Diagnostic::new("wrong-type", title, node.span).help(help));
    false
}

/// A float with the digits that the spec has: `3.10` is a version, not 3.1.
pub(super) fn digits(number: f64, span: Span, cx: &Context<'_>) -> String {
    let written = written(span, cx).replace('_', "");
    // A trace changes the number where it stands.
    if written.parse() == Ok(number) { written } else { number.to_string() }
}

/// No consumer of the outputs accepts control characters in its values, and a NUL ends a C string.
pub(super) fn check_characters(text: &str, span: Span, cx: &mut Context<'_>) -> bool {
    // Nearly every text is printable ASCII. A loop that doesn't stop early is vectorized.
    if text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
        return true;
    }
    let Some(found) = text.chars().find(|&c| c.is_control() && !"\n\r\t".contains(c)) else {
        return true;
    };
    cx.diagnostics.push(
        Diagnostic::new(
            "control-character",
            format!("invalid control character U+{:04X} in a string", u32::from(found)),
            span,
        )
        .help("remove it: only line breaks and tab are allowed"),
    );
    false
}

/// The longest key in bytes. YAML's readers look 1,024 characters ahead for the colon, and escapes double a key.
const LONGEST_KEY: usize = 500;

/// Whether a name can be a key of an output.
pub(super) fn check_key(name: &str, span: Span, cx: &mut Context<'_>) -> bool {
    if name.len() > LONGEST_KEY {
        cx.diagnostics.push(
            Diagnostic::new("key-too-long", format!("key of {} bytes is too long", name.len()), span)
                .help(format!("shorten it: the limit is {LONGEST_KEY} bytes")),
        );
        return false;
    }
    check_characters(name, span, cx)
}

impl Decode for bool {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::Boolean(boolean) = node.value else {
            cx.mismatch(&node, "`true` or `false`", None);
            return None;
        };
        Some(boolean)
    }

    fn unquoted(text: &str) -> Option<Value<'static>> {
        text.parse().ok().map(Value::Boolean)
    }

    fn schema(_: &mut Schemas) -> Schema {
        json!({ "type": "boolean" })
    }
}

/// A whole number, also from a text with the number of an instance.
fn whole(node: &Node<'_>, cx: &Context<'_>) -> Option<i64> {
    match &node.value {
        Value::Integer(number) => Some(*number),
        Value::String(text) => {
            let span = node.span;
            let written = cx.sources.file(span)?.text.get(span.start as usize..span.end as usize)?;
            written.contains("${self.number").then(|| text.parse().ok())?
        }
        _ => None,
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Decode for $type {
            fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
                let Some(number) = whole(&node, cx) else {
                    cx.mismatch(&node, "an integer", None);
                    return None;
                };
                let converted = <$type>::try_from(number).ok();
                if converted.is_none() {
                    cx.diagnostics.push(
                        Diagnostic::new(
                            "number-out-of-range",
                            format!("{number} is out of range"),
                            node.span,
                        )
                        .at(format!("must be from {} to {}", <$type>::MIN, <$type>::MAX))
                        .help("write a number in that range"),
                    );
                }
                converted
            }

            fn unquoted(text: &str) -> Option<Value<'static>> {
                text.parse().ok().map(Value::Integer)
            }

            fn schema(_: &mut Schemas) -> Schema {
                json!({ "type": "integer", "minimum": <$type>::MIN, "maximum": <$type>::MAX })
            }
        }
    )*};
}
integers!(u16 u32 i64);

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Value::List(items) = node.value else {
            cx.mismatch(&node, "a list", None);
            return None;
        };
        let mut list = Self::with_capacity(items.len());
        list.extend(items.into_iter().filter_map(|item| T::decode(item, cx)));
        Some(list)
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::list::<T>(schemas)
    }
}

/// A table whose keys are names that the user chose, in source order.
#[derive(Debug, Clone)]
pub struct Map<T> {
    /// The entries that could be read.
    pub entries: Vec<(Spanned<String>, T)>,
    /// The names of those that could not: they exist, so that a reference to one is not an error.
    pub broken: BTreeSet<String>,
    /// Those that only exist to be extended.
    bases: Option<Box<Bases>>,
    /// The place of each entry, built at the first look-up in a large table.
    places: OnceLock<Places>,
}

/// Boxed, since a service has half a dozen maps and few of them ever need it.
type Places = Box<HashMap<String, usize>>;

/// Names of tables that only exist to be extended; boxed for the same reason.
#[derive(Debug, Clone, Default)]
struct Bases(Vec<Spanned<String>>);

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), broken: BTreeSet::new(), bases: None, places: OnceLock::new() }
    }
}

impl<T> Map<T> {
    /// Whether there is an entry of that name, readable or not.
    pub fn knows(&self, name: &str) -> bool {
        self.get(name).is_some() || self.broken.contains(name)
    }

    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        // Most tables are small.
        if self.entries.len() < 16 {
            return self.entries.iter().find(|(key, _)| key.value == name).map(|(_, value)| value);
        }
        let places = self.places.get_or_init(|| {
            Box::new(self.entries.iter().enumerate().map(|(place, (key, _))| (key.value.clone(), place)).collect())
        });
        self.entries.get(*places.get(name)?).map(|(_, value)| value)
    }

    /// The place of the table of that name, if it only exists to be extended.
    pub fn base(&self, name: &str) -> Option<Span> {
        self.bases.as_ref()?.0.iter().find(|base| base.value == name).map(|base| base.span)
    }

    /// The names, in source order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.value.as_str())
    }

    /// The entries, in source order.
    pub fn iter(&self) -> impl Iterator<Item = (&Spanned<String>, &T)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Whether it has no entry at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.broken.is_empty()
    }
}

impl<T: Decode> Map<T> {
    /// Reads the table of a key that also accepts a list.
    pub(super) fn unlisted(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::Table(_) = node.value {
            return Self::decode(node, cx);
        }
        cx.mismatch(&node, "a list or a table", None);
        None
    }
}

impl<T: Decode> Decode for Map<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::List(_) = node.value {
            cx.mismatch(&node, "a table", Some("write a name and a value for each: `name = …`"));
            return None;
        }
        let table = table_of(node, "a table", cx)?;
        let mut map = Self::default();
        map.entries.reserve_exact(table.entries.len());
        for (key, node) in table.entries {
            let name = key.name.into_owned();
            if !check_key(&name, key.span, cx) {
                continue;
            }
            let name = Spanned { value: name, span: key.span };
            if node.value == Value::Absent {
                map.bases.get_or_insert_default().0.push(name);
                continue;
            }
            match T::decode(node, cx) {
                Some(value) => map.entries.push((name, value)),
                None => {
                    map.broken.insert(name.value);
                }
            }
        }
        Some(map)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::map::<T>(schemas)
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone)]
pub struct Many<T>(pub Vec<T>);

impl<T: Decode> Decode for Many<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            Value::List(_) => Vec::decode(node, cx).map(Self),
            _ => T::decode(node, cx).map(|value| Self(vec![value])),
        }
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([T::schema(schemas), schema::list::<T>(schemas)])
    }
}

/// A table of the spec that also has a short form.
pub trait Shorthand: Decode {
    /// Reads the short form: any value but a table.
    fn from_short(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self>;

    /// The JSON Schema of the short form, for editors.
    fn short_schema(schemas: &mut Schemas) -> Schema;
}

/// A table, or its short form.
#[derive(Debug, Clone)]
pub struct Short<T>(pub T);

impl<T: Shorthand> Decode for Short<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.value {
            Value::Table(_) => T::decode(node, cx),
            _ => T::from_short(node, cx),
        }
        .map(Self)
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        schema::any_of([T::short_schema(schemas), T::schema(schemas)])
    }
}

impl<T: Listed> Listed for Short<T> {
    fn from_name(span: Span) -> Option<Self> {
        T::from_name(span).map(Self)
    }
}

/// What a name in a list means, where a table of names is accepted too.
pub trait Listed: Sized {
    /// The entry of a name at `span`; `None` if a name alone is not enough.
    fn from_name(span: Span) -> Option<Self>;
}

/// A list of names, or a table with an entry for each.
#[derive(Debug, Clone)]
pub struct Named<T>(pub Vec<(Spanned<String>, T)>);

impl<T: Decode + Listed> Decode for Named<T> {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if let Value::List(_) = node.value {
            let names: Vec<Spanned<String>> = Vec::decode(node, cx)?;
            let mut entries: Vec<(Spanned<String>, T)> = Vec::with_capacity(names.len());
            let mut seen: HashMap<String, Span> = HashMap::with_capacity(names.len());
            for name in names {
                if listed_once(&name, &mut seen, cx)
                    && let Some(entry) = T::from_name(name.span)
                {
                    entries.push((name, entry));
                }
            }
            return Some(Self(entries));
        }
        Map::unlisted(node, cx).map(|map| Self(map.entries))
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn schema(schemas: &mut Schemas) -> Schema {
        let names = json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true });
        schema::any_of([names, schema::map::<T>(schemas)])
    }
}

/// Reports a duplicate name in a list.
pub(super) fn listed_once(name: &Spanned<String>, seen: &mut HashMap<String, Span>, cx: &mut Context<'_>) -> bool {
    let Some(first) = seen.insert(name.value.clone(), name.span) else { return true };
    cx.diagnostics.push(
        Diagnostic::new("listed-twice", format!("duplicate entry `{}`", shown(&name.value)), name.span)
            .at("again here")
            .also(first, "first here")
            .help("remove one of the two"),
    );
    false
}

/// The node's table; reports any other value.
pub fn table_of<'s>(node: Node<'s>, expected: &str, cx: &mut Context<'_>) -> Option<Table<'s>> {
    let Value::Table(table) = node.value else {
        cx.mismatch(&node, expected, None);
        return None;
    };
    Some(table)
}

/// Reports an unknown key of a table; returns the one that was probably meant.
pub fn unknown_key(key: &Key<'_>, what: &str, known: &[&'static str], cx: &mut Context<'_>) -> Option<&'static str> {
    const MOST: usize = 12;
    if cx.diagnostics.is_full() {
        return None;
    }
    // These are read before the rest.
    let before = if what == "the spec" { &["profiles", "include"] } else { extends::keys_of(what) };
    let known = &[known, before].concat();
    let unknown = Diagnostic::new("unknown-key", format!("unknown key `{}` in {what}", shown(&key.name)), key.span);
    if cx.diagnostics.is_unread() {
        cx.diagnostics.push(unknown);
        return None;
    }
    if former::had(what, &key.name) {
        cx.diagnostics.push(unknown.help(former::HELP));
        return None;
    }
    cx.diagnostics.push(unknown.suggest(&key.name, known.iter().copied(), || {
        let more = known.len().saturating_sub(MOST);
        let rest = format!(", or {more} others that the schema describes");
        expected(known.iter().copied().take(MOST)) + if more > 0 { &rest } else { "" }
    }));
    nearest(&key.name, known.iter().copied())
}

/// Reports a missing key of a table.
pub fn missing_key(key: &str, what: &str, span: Span, cx: &mut Context<'_>) {
    let help = if what == "the spec" { format!("add the table `[{key}]`") } else { format!("add `{key} = …`") };
    cx.diagnostics.push(Diagnostic::new("missing-key", format!("missing key `{key}` in {what}"), span).help(help));
}

/// A name cut to what a message can hold.
pub fn shown(name: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().count() > MOST {
        short.push('…');
    }
    short
}

/// Names in back-ticks, separated by commas, cut to a readable number.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 60;
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = names.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(", …");
    }
    text
}

/// What can be used instead of a wrong name, as help.
pub fn expected<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => "remove it: none is declared".to_owned(),
        [only] => format!("expected `{only}`"),
        _ => format!("expected one of {}", listed(names.into_iter())),
    }
}

/// Declares a table of the spec: a struct whose fields are its keys.
///
/// A field of type `Option`, `Vec`, `Many` or `Map` may be left out; `field as "key"` gives a key
/// that is not a Rust identifier, and `field: type = value` a default. A table with `(short field)` may be
/// written as the value of that field, one that is `(listed)` as a name in a list; then the other fields are left out.
/// `..keys: "definition"` takes each further key that Compose has in that definition of its specification.
/// `as "a table" then function` hands what was read to a function that completes it.
macro_rules! table {
    ($(#[doc = $docs:literal])* pub struct $name:ident as $what:literal $(($($form:tt)*))? $(then $complete:path)? {
        $($(#[doc = $field_docs:literal])* $field:ident $(as $key:literal)?: $type:ty $(= $default:expr)?,)*
        $(..$rest:ident: $definition:literal,)?
    }) => {
        $(#[doc = $docs])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// Where the table stands.
            pub span: $crate::diagnostic::Span,
            /// Whether all of it could be read. If not, a key that seems to be missing may be one that is wrong.
            pub sound: bool,
            $($(#[doc = $field_docs])* pub $field: $type,)*
            $(
                /// Further keys of Compose.
                pub $rest: $crate::spec::compose::Keys,
            )?
        }

        impl $name {
            /// The keys, in the order of the documentation.
            pub const KEYS: &[&str] = &[$($crate::spec::decode::table!(@key $field $($key)?)),*];
        }

        impl $crate::spec::decode::Decode for $name {
            fn decode(
                node: $crate::spec::tree::Node<'_>,
                cx: &mut $crate::spec::decode::Context<'_>,
            ) -> Option<Self> {
                let span = node.span;
                let before = cx.diagnostics.len();
                let table = $crate::spec::decode::table_of(node, concat!("a table for ", $what), cx)?;
                $(let mut $field: Option<Option<$type>> = None;)*
                $(let mut $rest = $crate::spec::compose::Keys::default();)?
                let mut misspelt: Vec<&'static str> = Vec::new();
                for (key, node) in table.entries {
                    $(
                        if key.name == $crate::spec::decode::table!(@key $field $($key)?) {
                            $field = Some($crate::spec::decode::Decode::decode(node, cx));
                            continue;
                        }
                    )*
                    $(
                        if let Some(shape) = $crate::spec::decode::table!(@shape $definition).key(&key.name) {
                            $rest.add(&key, node, shape, $definition, cx);
                            continue;
                        }
                        let known = $crate::spec::decode::table!(@shape $definition).keys();
                        let known: Vec<&'static str> = known.filter(|key| !Self::KEYS.contains(key)).collect();
                    )?
                    misspelt.extend($crate::spec::decode::table!(@unknown key cx $what $($definition known)?));
                }
                $(
                    let $field = $field.unwrap_or_else(|| {
                        let absent = $crate::spec::decode::Decode::absent();
                        let key = $crate::spec::decode::table!(@key $field $($key)?);
                        if absent.is_none() && !misspelt.contains(&key) {
                            $crate::spec::decode::missing_key(key, $what, span, cx);
                        }
                        absent
                    });
                )*
                $($crate::spec::decode::table!(@shape $definition).check_required(Self::KEYS, &$rest, $what, span, cx);)?
                let sound = cx.diagnostics.len() == before && !cx.diagnostics.is_full();
                let read = Self { span, sound, $($field: $field?,)* $($rest,)? };
                $(let read = $complete(read, cx);)?
                Some(read)
            }

            fn schema(schemas: &mut $crate::spec::schema::Schemas) -> $crate::spec::schema::Schema {
                schemas.table::<Self>($what, concat!($($docs, "\n"),*))
            }
        }

        impl $crate::spec::schema::Tabular for $name {
            fn fields(schemas: &mut $crate::spec::schema::Schemas) -> Vec<$crate::spec::schema::Field> {
                #[allow(unused_mut, reason = "only Compose's tables have further keys")]
                let mut fields = vec![$($crate::spec::schema::Field {
                    key: $crate::spec::decode::table!(@key $field $($key)?).into(),
                    docs: concat!($($field_docs, "\n"),*).into(),
                    default: $crate::spec::decode::table!(@default $($default)?),
                    schema: <$type as $crate::spec::decode::Decode>::schema(schemas),
                    required: <$type as $crate::spec::decode::Decode>::absent().is_none(),
                }),*];
                $(schemas.further($crate::spec::compose::described($definition), &mut fields);)?
                fields
            }
        }

        $crate::spec::decode::table!(@forms $name [$($($form)*)?] $($field)* $(, $rest)?);
    };
    (@shape $definition:literal) => {{
        static SHAPE: std::sync::LazyLock<$crate::spec::compose::Shape> =
            std::sync::LazyLock::new(|| $crate::spec::compose::definition($definition));
        *SHAPE
    }};
    (@default) => { None };
    (@default $default:expr) => { Some($default.into()) };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@unknown $key:ident $cx:ident $what:literal) => {
        $crate::spec::decode::unknown_key(&$key, $what, Self::KEYS, $cx)
    };
    (@unknown $key:ident $cx:ident $what:literal $definition:literal $known:ident) => {
        $crate::spec::decode::unknown_key(&$key, $what, &[Self::KEYS, &$known].concat(), $cx)
    };
    (@forms $name:ident [] $($field:ident)* $(, $rest:ident)?) => {};
    (@forms $name:ident [short $short:ident] $($field:ident)* $(, $rest:ident)?) => {
        impl $crate::spec::decode::Shorthand for $name {
            fn from_short(
                node: $crate::spec::tree::Node<'_>,
                cx: &mut $crate::spec::decode::Context<'_>,
            ) -> Option<Self> {
                let span = node.span;
                let before = cx.diagnostics.len();
                let mut node = Some(node);
                $(
                    let $field = if stringify!($field) == stringify!($short) {
                        node.take().and_then(|node| $crate::spec::decode::Decode::decode(node, cx))
                    } else {
                        $crate::spec::decode::Decode::absent()
                    };
                )*
                let sound = cx.diagnostics.len() == before && !cx.diagnostics.is_full();
                Some(Self { span, sound, $($field: $field?,)* $($rest: Default::default(),)? })
            }

            fn short_schema(schemas: &mut $crate::spec::schema::Schemas) -> $crate::spec::schema::Schema {
                $crate::spec::schema::schema_of(|value: &Self| &value.$short, schemas)
            }
        }
    };
    (@forms $name:ident [short $short:ident, listed] $($field:ident)* $(, $rest:ident)?) => {
        $crate::spec::decode::table!(@forms $name [short $short] $($field)* $(, $rest)?);
        $crate::spec::decode::table!(@forms $name [listed] $($field)* $(, $rest)?);
    };
    (@forms $name:ident [listed] $($field:ident)* $(, $rest:ident)?) => {
        impl $crate::spec::decode::Listed for $name {
            fn from_name(span: $crate::diagnostic::Span) -> Option<Self> {
                Some(Self {
                    span,
                    sound: true,
                    $($field: $crate::spec::decode::Decode::absent()?,)*
                    $($rest: Default::default(),)?
                })
            }
        }
    };
}
pub(crate) use table;

/// Declares a value of the spec that is one of a few words.
macro_rules! choice {
    ($(#[doc = $docs:literal])* pub enum $name:ident as $what:literal {
        $($(#[doc = $variant_docs:literal])* $variant:ident = $word:literal,)*
    }) => {
        $(#[doc = $docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $variant_docs])* $variant,)* }

        impl $name {
            /// The words, in the order of the documentation.
            pub const WORDS: &[&str] = &[$($word),*];

            /// Each of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// What a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// The word that stands for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl $crate::spec::decode::Decode for $name {
            fn decode(
                node: $crate::spec::tree::Node<'_>,
                cx: &mut $crate::spec::decode::Context<'_>,
            ) -> Option<Self> {
                let span = node.span;
                let word = String::decode(node, cx)?;
                match word.as_str() {
                    $($word => Some(Self::$variant),)*
                    _ => {
                        $crate::spec::decode::unknown_word(&word, $what, Self::WORDS, span, cx);
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::spec::schema::Schemas) -> $crate::spec::schema::Schema {
                $crate::spec::schema::words(Self::WORDS, &[$(concat!($($variant_docs, "\n"),*)),*])
            }
        }
    };
}
pub(crate) use choice;

/// Reports an unknown word.
pub fn unknown_word(word: &str, what: &str, known: &[&str], span: Span, cx: &mut Context<'_>) {
    cx.diagnostics.push(Diagnostic::new("unknown-value", format!("unknown {what} `{}`", shown(word)), span).suggest(
        word,
        known.iter().copied(),
        || expected(known.iter().copied()),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_long_is_cut() {
        let name = "a".repeat(80);
        assert_eq!(shown(&name), name);
        assert_eq!(shown(&format!("{name}b")), format!("{name}…"));
        let listing = |count: usize| listed(std::iter::repeat_n("a", count));
        assert_eq!((listing(0).as_str(), listing(2).as_str()), ("none", "`a`, `a`"));
        assert_eq!((listing(60).ends_with("`a`"), listing(61).ends_with("`a`, …")), (true, true));
    }
}
