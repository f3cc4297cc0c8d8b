//! Variables in Grafana's provisioning, which stand for those of its container (Grafana 13, `pkg/services/provisioning/values`
//! and `pkg/setting/expanders.go`).

use std::collections::HashMap;

use crate::spec::decode::shown;
use crate::spec::text::closing_brace;

/// The environment of Grafana's container: texts of the spec by name.
pub(super) type Environment = HashMap<String, String>;

/// A text of the provisioning as one of the spec: variables of the container are what the service sets them to.
///
/// # Errors
/// Why it can't be known what the text means.
pub(super) fn text(text: &str, environment: &Environment) -> Result<String, String> {
    let pieces: Result<Vec<String>, String> = text.split("$$").map(|piece| expanded(piece, environment)).collect();
    Ok(pieces?.join("$$"))
}

fn expanded(piece: &str, environment: &Environment) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = piece;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let word = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (provider, braced) = after.split_at(word);
        let (name, left) = match braced.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some((name, left)) if provider.is_empty() || provider == "__env" => (name, left),
            Some(_) if provider.starts_with("__") => {
                return Err(format!("it uses `${}{{…}}`", shown(provider)));
            }
            _ if provider.is_empty() => {
                // It stands for itself.
                out.push_str("$$");
                rest = after;
                continue;
            }
            _ => (provider, braced),
        };
        let value = environment.get(name).ok_or_else(|| format!("the service does not set `{}`", shown(name)))?;
        // A reference in the spec is to what Compose has, which Grafana must have, too.
        let differs = |inner: &&str| {
            environment.get(*inner).is_some_and(|set| variable(set).is_none_or(|(name, _)| name != *inner))
        };
        if let Some(inner) = references(value).find(differs) {
            return Err(format!(
                "`{}` refers to `{}`, which has another value in the service",
                shown(name),
                shown(inner)
            ));
        }
        out.push_str(value);
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

/// The variables to which a text of the spec refers.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// The variable that a text of the spec consists of, and whether it has a default or the like.
pub(super) fn variable(text: &str) -> Option<(&str, bool)> {
    let inside = text.strip_prefix('$')?;
    let length = closing_brace(inside).filter(|length| inside.starts_with('{') && length + 1 == inside.len())?;
    let inside = &inside[1..length];
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    Some((&inside[..end], end < inside.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form() {
        let set =
            [("URL", "http://${HOST:-loki}:3100"), ("TOKEN", "${TOKEN}"), ("A", "a$$b"), ("SELF", "http://${SELF}")];
        let environment = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (written, expected) in [
            ("plain", Ok("plain")),
            ("$URL/x", Ok("http://${HOST:-loki}:3100/x")),
            ("${URL}", Ok("http://${HOST:-loki}:3100")),
            ("Bearer $__env{TOKEN}", Ok("Bearer ${TOKEN}")),
            ("$A-$$A", Ok("a$$b-$$A")),
            ("^a$", Ok("^a$$")),
            ("$$${URL}", Ok("$$http://${HOST:-loki}:3100")),
            ("$$${__value.raw}", Err("the service does not set `__value.raw`")),
            ("$${__value.raw}", Ok("$${__value.raw}")),
            ("$__file{/x}", Err("it uses `$__file{…}`")),
            ("$SELF", Err("`SELF` refers to `SELF`, which has another value in the service")),
            ("$MISSING", Err("the service does not set `MISSING`")),
        ] {
            assert_eq!(
                text(written, &environment).as_deref(),
                expected.map_err(ToOwned::to_owned).as_ref().copied(),
                "{written}"
            );
        }
        for (written, expected) in [
            ("${A}", Some(("A", false))),
            ("${A:-${B}}", Some(("A", true))),
            ("${A}${B}", None),
            ("A", None),
            ("$A", None),
            ("", None),
        ] {
            assert_eq!(variable(written), expected, "{written}");
        }
    }
}
