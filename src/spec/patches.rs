//! `[patches]`: values of outputs that differ from what is rendered.

use std::ops::Range;

use super::decode::{Map, Spanned, table};
use super::text::Tree;

table! {
    /// Values of an output that differ from what is rendered. A path has keys between dots, in quotes if they have one; an
    /// item of a list is `[0]`, `[name=http]` or `[=ALL]`, and so is a document of several: `[kind=Deployment].spec.replicas`.
    pub struct Patch as "a patch" {
        /// Why, for reviewers.
        reason: Spanned<String>,
        /// New values by path, of what is rendered: `{ "limits.ingestion_rate" = 50000 }`.
        set: Map<Spanned<Tree>>,
        /// What is added by the path of a list or a map: items, or keys that it lacks. The path `.` is the whole file.
        add: Map<Spanned<Tree>>,
        /// The paths of what is removed.
        remove: Vec<Spanned<String>>,
    }
}

/// The path of a value in an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// As written.
    pub text: String,
    /// Each step down, and where it ends in the text. The path of the whole file has none.
    pub steps: Vec<(Step, usize)>,
}

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// To an item of a list, counted from 0.
    Index(usize),
    /// To the item that has a value at some keys; that is the value if there are none.
    Item {
        /// The keys.
        keys: Vec<String>,
        /// The value, as text.
        value: String,
    },
}

/// What is wrong with a path, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What was expected.
    pub expected: &'static str,
    /// The bytes.
    pub at: Range<usize>,
}

/// The path of the whole file.
pub const WHOLE: &str = ".";

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// Its syntax is wrong.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut path = Self { text: text.to_owned(), steps: Vec::new() };
        if text == WHOLE {
            return Ok(path);
        }
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let wrong = |expected| Err(Wrong { expected, at: at..text.len() });
            let step = if let Some(inner) = rest.strip_prefix('[') {
                let Some(length) = end_of(inner, ']') else { return wrong("a `]` that ends the item") };
                let Some(step) = item(&inner[..length]) else {
                    return wrong("`[0]`, `[name=value]` or `[=value]`");
                };
                at += length + 2;
                step
            } else {
                let Some((key, length)) = key(rest) else { return wrong("a key") };
                at += length;
                Step::Key(key)
            };
            path.steps.push((step, at));
            match text[at..].chars().next() {
                None => return Ok(path),
                Some('.') => at += 1,
                Some('[') => {}
                Some(_) => return Err(Wrong { expected: "a `.` or a `[`", at: at..text.len() }),
            }
            if at == text.len() {
                return Err(Wrong { expected: "a key", at: at.saturating_sub(1)..at });
            }
        }
    }

    /// The path up to a step, as written.
    pub fn above(&self, step: usize) -> &str {
        step.checked_sub(1).map_or(WHOLE, |step| self.up_to(step))
    }

    /// The path with a step, as written.
    pub fn up_to(&self, step: usize) -> &str {
        self.steps.get(step).map_or(WHOLE, |(_, end)| &self.text[..*end])
    }

    /// What says what the value is: the last key, or the name of the item that it is the value of (`env[name=X].value`).
    pub fn name(&self) -> &str {
        self.steps.iter().fold("", |above, (step, _)| match step {
            Step::Key(key) => name_of(key, None, above),
            Step::Item { keys, value } if keys == &["name"] => value,
            Step::Index(_) | Step::Item { .. } => above,
        })
    }

    /// The keys on the way.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|(step, _)| if let Step::Key(key) = step { Some(key.as_str()) } else { None })
    }
}

/// What says what the value of a key is: the key, or if that is only `value`, the name that is beside it or above.
pub fn name_of<'n>(key: &'n str, beside: Option<&'n str>, above: &'n str) -> &'n str {
    if key == "value" { beside.unwrap_or(above) } else { key }
}

/// A key in quotes or without, and its length in the text.
fn key(text: &str) -> Option<(String, usize)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inner = &text[1..];
        let length = inner.find(quote)?;
        return Some((inner[..length].to_owned(), length + 2));
    }
    let length = text.find(['.', '[', ']', '"', '\'']).unwrap_or(text.len());
    (length > 0).then(|| (text[..length].to_owned(), length))
}

/// Where a character is outside of quotes. One begins where a key or a value does: `[=it's]` has none.
fn end_of(text: &str, wanted: char) -> Option<usize> {
    let mut quote = None;
    let mut before = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == wanted => return Some(at),
            None if matches!(c, '"' | '\'') && matches!(before, None | Some('.' | '=')) => quote = Some(c),
            _ => {}
        }
        before = Some(c);
    }
    None
}

/// What is between brackets.
fn item(text: &str) -> Option<Step> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Step::Index);
    }
    let at = end_of(text, '=')?;
    let (name, value) = (&text[..at], &text[at + 1..]);
    let mut keys = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (found, length) = key(rest)?;
        keys.push(found);
        rest = match &rest[length..] {
            "" => "",
            more => more.strip_prefix('.').filter(|more| !more.is_empty())?,
        };
    }
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some(Step::Item { keys, value: quoted.unwrap_or(value).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Vec<String> {
        let path = Path::parse(text).unwrap();
        let show = |(step, _): &(Step, usize)| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => format!("#{index}"),
            Step::Item { keys, value } => format!("{}={value}", keys.join("/")),
        };
        path.steps.iter().map(show).collect()
    }

    #[test]
    fn paths_have_keys_and_items() {
        assert_eq!(steps("a.b-c.d/e"), ["a", "b-c", "d/e"]);
        assert_eq!(steps("a.\"b.c\".'d[0]'[3].e"), ["a", "b.c", "d[0]", "#3", "e"]);
        assert_eq!(steps("ports[name=http].target"), ["ports", "name=http", "target"]);
        assert_eq!(steps("cap_drop[=ALL]"), ["cap_drop", "=ALL"]);
        assert_eq!(steps("x[=it's].y[a.'b.c'=don't]"), ["x", "=it's", "y", "a/b.c=don't"]);
        assert_eq!(steps("[metadata.name=web].spec"), ["metadata/name=web", "spec"]);
        assert_eq!(steps("x[\"a.b\"='c]=d'][0]"), ["x", "a.b=c]=d", "#0"]);
        assert_eq!(steps("."), [""; 0]);
        let path = Path::parse("a.'b.c'[0].d").unwrap();
        assert_eq!(
            [path.above(0), path.above(1), path.above(3), path.up_to(3)],
            [".", "a", "a.'b.c'[0]", "a.'b.c'[0].d"]
        );
        assert_eq!(path.name(), "d");
        for (text, name) in [
            (".", ""),
            ("a.value", "a"),
            ("containers[0].env[name=DB_PASSWORD].value", "DB_PASSWORD"),
            ("env[name=DB_PASSWORD]", "DB_PASSWORD"),
            ("ports[name=http].target", "target"),
            ("args[=x]", "args"),
            ("args[0]", "args"),
        ] {
            assert_eq!(Path::parse(text).unwrap().name(), name, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_path_has_a_place() {
        for (text, at) in [
            ("", 0..0),
            ("..", 0..2),
            ("a.", 1..2),
            ("a..b", 2..4),
            ("a[", 1..2),
            ("a[x]", 1..4),
            ("a[-1]", 1..5),
            ("a[0]b", 4..5),
            ("a\"b\"", 1..4),
            ("a.\"b", 2..4),
            ("a[99999999999999999999999]", 1..26),
            ("a[x.=1]", 1..7),
        ] {
            assert_eq!(Path::parse(text).map_err(|wrong| wrong.at), Err(at), "{text}");
        }
    }
}
