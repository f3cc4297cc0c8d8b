//! Where the value of a variable lives: `[env.NAME] from = "op://…"`.

use super::decode::{Context, Decode, check_characters, shown};
use super::schema::{self, Schema, Schemas};
use super::tree::{Node, Value};
use crate::diagnostic::{Diagnostic, suggestion};

/// The beginnings of a source, each with an example.
const SCHEMES: [(&str, &str); 4] = [
    ("op://", "op://Development/Payments/token"),
    ("aws-sm://", "aws-sm://shop/payments#token"),
    ("vault://", "vault://secret/shop/payments#token"),
    ("cmd:", "cmd:pass show shop/payments"),
];

/// The longest source.
const LONGEST: usize = 2048;

/// A place of a secret, from which its own command reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it is written.
    pub text: String,
    /// Who has it.
    pub provider: Provider,
}

/// Who has a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// 1Password, by its reference `op://vault/item/field`.
    OnePassword,
    /// AWS Secrets Manager: the name or the ARN of a secret and, if that is a JSON object, one of its keys.
    AwsSecret {
        /// Its name or ARN.
        id: String,
        /// The key.
        key: Option<String>,
    },
    /// A key-value store of Vault.
    Vault {
        /// The path, which begins with the mount.
        path: String,
        /// The field.
        field: String,
    },
    /// Whatever a shell command prints.
    Command(String),
}

impl Source {
    /// Reads a source.
    ///
    /// # Errors
    /// What is wrong, and a way out.
    pub fn parse(text: &str) -> Result<Self, (&'static str, String)> {
        let Some((scheme, example)) = SCHEMES.iter().find(|(scheme, _)| text.starts_with(scheme)) else {
            let end = text.find("://").map(|at| at + 3).or_else(|| text.find(':').map(|at| at + 1));
            let written = text.get(..end.unwrap_or_default()).unwrap_or_default();
            let words = SCHEMES.iter().map(|(scheme, _)| *scheme);
            let examples = SCHEMES.map(|(_, example)| format!("`{example}`")).join(", ");
            let help = suggestion(written, words, || format!("write one like {examples}"));
            return Err(("it begins with none of `op://`, `aws-sm://`, `vault://` and `cmd:`", help));
        };
        let rest = text.strip_prefix(scheme).unwrap_or_default();
        let wrong = |what| Err((what, format!("write one like `{example}`")));
        if text.len() > LONGEST {
            return wrong("it is too long");
        }
        if text.contains(['\n', '\r', '\0']) {
            return wrong("it has a line break");
        }
        let (path, part) = rest.split_once('#').map_or((rest, None), |(path, part)| (path, Some(part)));
        let is_path = !path.is_empty() && !path.starts_with('-') && path.split('/').all(|part| !part.is_empty());
        let provider = match *scheme {
            "op://" if rest.split('/').count() < 3 || rest.split('/').any(str::is_empty) => {
                return wrong("it lacks a vault, an item or a field");
            }
            "op://" => Provider::OnePassword,
            "cmd:" if rest.trim().is_empty() => return wrong("it has no command"),
            "cmd:" => Provider::Command(rest.trim().to_owned()),
            _ if !is_path => return wrong("its path is empty, or begins with `-`, or has an empty part"),
            _ if part.is_some_and(str::is_empty) => return wrong("nothing follows `#`"),
            "aws-sm://" => Provider::AwsSecret { id: path.to_owned(), key: part.map(ToOwned::to_owned) },
            _ => match part {
                Some(field) => Provider::Vault { path: path.to_owned(), field: field.to_owned() },
                None => return wrong("it lacks the field, after `#`"),
            },
        };
        Ok(Self { text: text.to_owned(), provider })
    }

    /// Whether it runs a command of the spec's own.
    pub fn is_command(&self) -> bool {
        matches!(self.provider, Provider::Command(_))
    }
}

impl Decode for Source {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let Value::String(text) = node.value else {
            cx.mismatch(&node, "a string", super::decode::quoting(&node.value));
            return None;
        };
        if !check_characters(&text, span, cx) {
            return None;
        }
        match Self::parse(&text) {
            Ok(source) => Some(source),
            Err((what, help)) => {
                let title = format!("invalid secret source `{}`", shown(&text));
                cx.diagnostics.push(Diagnostic::new("invalid-source", title, span).at(what).help(help));
                None
            }
        }
    }

    fn schema(_: &mut Schemas) -> Schema {
        let examples = SCHEMES.map(|(_, example)| example);
        schema::pattern(r"^(op://[^/]+/[^/]+/.|aws-sm://[^/#-]|vault://[^/#-].*#.|cmd:\s*\S)", &examples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let aws = |id: &str, key: Option<&str>| Provider::AwsSecret { id: id.into(), key: key.map(Into::into) };
        for (text, provider) in [
            ("op://Dev/Shop/token", Provider::OnePassword),
            ("op://Dev/Shop/section/token", Provider::OnePassword),
            ("aws-sm://shop/db", aws("shop/db", None)),
            (
                "aws-sm://arn:aws:secretsmanager:eu-central-1:1:secret:a-1#b",
                aws("arn:aws:secretsmanager:eu-central-1:1:secret:a-1", Some("b")),
            ),
            ("vault://secret/shop#token", Provider::Vault { path: "secret/shop".into(), field: "token".into() }),
            ("cmd:pass show 'a#b'", Provider::Command("pass show 'a#b'".into())),
        ] {
            assert_eq!(Source::parse(text).map(|source| source.provider), Ok(provider), "{text}");
        }
        for text in [
            "",
            "op://",
            "op://Dev/Shop",
            "op://Dev//token",
            "aws-sm://",
            "aws-sm://#a",
            "aws-sm://a#",
            "aws-sm://--x",
            "vault://secret/shop",
            "vault://#f",
            "vault://a#",
            "cmd:",
            "cmd: ",
            "env:A",
            "http://a",
            "cmd:a\nb",
        ] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }
}
