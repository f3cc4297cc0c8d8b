//! Variables in texts, as Compose reads them (compose-go, `template/template.go`), in the forms that a spec has.

use crate::spec::decode::shown;
use crate::spec::text::{DEEPEST, closing_brace};

/// How a variable is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether the text gives a default.
    pub has_default: bool,
    /// Whether the text says that it must be set.
    pub required: bool,
}

/// A text in the forms of a spec, with the variables that it uses, and what of it had to be changed in meaning.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Braced {
    /// The text.
    pub text: String,
    /// Its variables, in order.
    pub variables: Vec<Variable>,
    /// References whose meaning changed.
    pub changed: Vec<Changed>,
    /// Forms that a spec can't say.
    pub refused: Vec<String>,
}

/// A reference that is about whether its variable is set, and now about whether it has a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The variable.
    pub name: String,
    /// As it was written.
    pub before: String,
    /// As it is now.
    pub after: String,
}

/// What a name begins with.
fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Reads a text.
pub fn braced(text: &str) -> Braced {
    read(text, 0)
}

fn read(text: &str, depth: usize) -> Braced {
    let mut found = Braced::default();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        found.text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            found.text.push_str("$$");
            rest = after;
            continue;
        }
        if after.starts_with(is_start) {
            let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
            let name = &after[..end];
            found.text.extend(["${", name, "}"]);
            found.variables.push(Variable { name: name.to_owned(), has_default: false, required: false });
            rest = &after[end..];
            continue;
        }
        if !after.starts_with('{') {
            // It stands for itself.
            found.text.push('$');
            rest = after;
            continue;
        }
        let Some(length) = closing_brace(after) else {
            // Compose refuses the text.
            found.refused.push(format!("${after}"));
            found.text.push_str(&rest[at..].replace('$', "$$"));
            return found;
        };
        reference(&after[1..length], depth, &mut found);
        rest = &after[length + 1..];
    }
    found.text.push_str(rest);
    found
}

/// The operators of Compose, with those of a spec that come nearest.
const OPERATORS: [(&str, &str); 6] = [(":-", ":-"), (":?", ":?"), (":+", ":+"), ("-", ":-"), ("?", ":?"), ("+", ":+")];

fn reference(inside: &str, depth: usize, found: &mut Braced) {
    let written = format!("${{{inside}}}");
    let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    let operator = OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator));
    let (Some(&(operator, own)), true) =
        (operator.or((rest.is_empty()).then_some(&("", ""))), name.starts_with(is_start))
    else {
        found.refused.push(written.clone());
        found.text.push_str(&written.replace('$', "$$"));
        return;
    };
    let word = &rest[operator.len()..];
    if depth == DEEPEST {
        found.refused.push(written.clone());
        found.text.push_str(&written.replace('$', "$$"));
        return;
    }
    let inner = read(word, depth + 1);
    found.variables.push(Variable { name: name.to_owned(), has_default: own == ":-", required: own == ":?" });
    let word = if own == ":?" {
        // A spec has no variable in a message.
        word.replace(['$', '{', '}', '\n'], "")
    } else {
        found.changed.extend(inner.changed);
        found.refused.extend(inner.refused);
        found.variables.extend(inner.variables);
        inner.text
    };
    if word.contains('\n') {
        found.refused.push(written.clone());
    }
    let now = format!("${{{name}{own}{word}}}");
    if own != operator {
        found.changed.push(Changed { name: name.to_owned(), before: written, after: now.clone() });
    }
    found.text.push_str(&now);
}

/// A text with the values of its variables, or their defaults.
pub fn evaluated<'v>(text: &str, value: &dyn Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let Some(length) = rest.starts_with('{').then(|| closing_brace(rest)).flatten() else {
            out.push('$');
            continue;
        };
        let inside = &rest[1..length];
        rest = &rest[length + 1..];
        let (name, word) = inside.split_at(inside.find(|c| !is_name(c)).unwrap_or(inside.len()));
        let set = value(name).filter(|value| !value.is_empty());
        match (word.get(..2), set) {
            (Some(":+"), Some(_)) | (Some(":-"), None) => out.push_str(&evaluated(&word[2..], value)),
            (_, None) => {}
            (_, Some(set)) => out.push_str(set),
        }
    }
    out + rest
}

/// Replaces the variables of a text where a spec can't have any by their present values, and says so; `None` if there are
/// none, or the result is empty.
pub fn resolved<'v>(what: &str, text: &str, value: &dyn Fn(&str) -> Option<&'v str>) -> Option<(String, String)> {
    let now = text.contains("${").then(|| evaluated(text, value)).filter(|now| !now.is_empty())?;
    let said = format!("`{}` in `{what}` resolved to `{}`", shown(text), shown(&now));
    Some((now, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form() {
        for (text, now) in [
            ("plain", "plain"),
            ("$A-$B", "${A}-${B}"),
            ("$$A 5$$", "$$A 5$$"),
            ("${A:-b} ${A:?must} ${A:+c}", "${A:-b} ${A:?must} ${A:+c}"),
            ("${A-b}${A?}${A+c}", "${A:-b}${A:?}${A:+c}"),
            ("${A:-{x}}", "${A:-{x}}"),
            ("${A:-${B-$C}/$$d}!", "${A:-${B:-${C}}/$$d}!"),
        ] {
            assert_eq!(braced(text).text, now, "{text}");
        }
        let found = braced("${A-b} $B");
        let changed: Vec<_> = found.changed.iter().map(|one| [&*one.name, &*one.before, &*one.after]).collect();
        assert_eq!(changed, [["A", "${A-b}", "${A:-b}"]]);
        assert_eq!(found.variables.len(), 2);
        let names = |text| braced(text).variables.into_iter().map(|variable| variable.name).collect::<Vec<_>>();
        assert_eq!(names("${A:-${B:-c}}"), ["A", "B"]);
        assert_eq!(braced("$1 $(x)").text, "$1 $(x)");
        assert_eq!(braced("${A!}").refused.len(), 1);
        assert_eq!(braced("a ${A $B").text, "a $${A $$B");
    }

    #[test]
    fn what_a_text_is_now() {
        let values = |name: &str| {
            Some(match name {
                "SET" => "value",
                "EMPTY" => "",
                _ => return None,
            })
        };
        for (text, now) in [
            ("${SET}/${EMPTY}/${NONE}", "value//"),
            ("${SET:-a}${EMPTY:-b}${NONE:-${SET}}", "valuebvalue"),
            ("${SET:+a}${EMPTY:+b}${NONE:+c}${NONE:?must}", "a"),
            ("$${SET} $", "${SET} $"),
        ] {
            assert_eq!(evaluated(text, &values), now, "{text}");
        }
    }
}
