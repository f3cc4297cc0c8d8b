//! Secrets that live elsewhere: which command reads one, and what it prints.

use std::collections::BTreeSet;

use camino::Utf8Path;

use super::{Environment, Finding, Invocation};
use crate::model::service::Service;
use crate::model::text::{Text, Tree};
use crate::model::{Keys, Named, Stack, Variable};
use crate::spec::provider::{Provider, Source};

/// The longest variable on Linux: its name and its value, without `=` and the byte at the end (`MAX_ARG_STRLEN`).
pub const LONGEST: usize = 128 * 1024 - 2;

/// The variables that have a source and no value.
pub fn open<'s>(stack: &'s Stack, environment: &Environment) -> impl Iterator<Item = (&'s Variable, &'s Source)> {
    let sources = stack.variables.iter().filter_map(|variable| Some((variable, variable.from.as_ref()?)));
    sources.filter(|(variable, _)| environment.get(&variable.name).is_none())
}

/// Whether Compose may need a variable to start services: it is in one of them, in something that belongs to no service, or
/// nowhere that is known.
pub fn is_needed(stack: &Stack, variable: &str, services: &[&Service]) -> bool {
    let shared = [&stack.networks, &stack.volumes, &stack.models];
    services.iter().any(|service| reads(stack, service, variable))
        || shared.into_iter().flatten().any(|entry| in_keys(&entry.keys, variable))
        || !stack.every_service().any(|service| reads(stack, service, variable))
}

/// Whether a service reads a variable, maybe in its build or from the file of a secret or a config.
fn reads(stack: &Stack, service: &Service, variable: &str) -> bool {
    let of_files = [(&service.secrets, &stack.secrets), (&service.configs, &stack.configs)];
    let in_file = of_files.into_iter().any(|(grants, sources)| {
        let mut granted = sources.iter().filter(|source| grants.iter().any(|grant| grant.source == source.name));
        granted.any(|source| is_of(source, variable))
    });
    in_file || service.refers_to.variables.iter().any(|name| name == variable) || is_in_build(stack, service, variable)
}

/// Whether a secret or a config is a variable, or has one in it.
fn is_of(source: &Named, variable: &str) -> bool {
    source.keys.text("environment").and_then(Text::literal) == Some(variable) || in_keys(&source.keys, variable)
}

/// Services with all that they wait for, in the order of the spec.
pub fn with_dependencies<'s>(stack: &'s Stack, services: &[&Service]) -> Vec<&'s Service> {
    let mut open: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    while let Some(name) = open.pop() {
        if names.insert(name)
            && let Some(service) = stack.every_service().find(|service| service.name == name)
        {
            open.extend(service.waits_for().iter().map(|(name, _)| *name));
        }
    }
    stack.every_service().filter(|service| names.contains(service.name.as_str())).collect()
}

/// Whether the build of a service reads a variable, maybe as a secret.
pub fn is_in_build(stack: &Stack, service: &Service, variable: &str) -> bool {
    let Some(build) = service.keys.get("build") else { return false };
    let items = |key: &str| match build.get(key) {
        Some(Tree::List(items)) => items.as_slice(),
        _ => &[],
    };
    let name = |item: &'_ Tree| match item {
        Tree::Text(text) => text.literal().map(str::to_owned),
        other => other.get("source").and_then(|source| Some(source.text()?.literal()?.to_owned())),
    };
    let granted: Vec<String> = items("secrets").iter().filter_map(name).collect();
    stack.secrets.iter().filter(|secret| granted.contains(&secret.name)).any(|secret| is_of(secret, variable))
        // One without a value has that of Compose's environment.
        || items("args").iter().filter_map(name).any(|name| name == variable)
        || mentions(build, variable)
}

/// Whether the hooks of a service, which also run when it ends, read a variable.
pub fn is_in_hooks(service: &Service, variable: &str) -> bool {
    ["post_start", "pre_stop"].iter().filter_map(|key| service.keys.get(key)).any(|hooks| mentions(hooks, variable))
}

fn in_keys(keys: &Keys, variable: &str) -> bool {
    keys.0.iter().any(|(_, tree)| mentions(tree, variable))
}

fn mentions(tree: &Tree, variable: &str) -> bool {
    match tree {
        Tree::Text(text) => text.variables().any(|name| name == variable),
        Tree::List(items) => items.iter().any(|item| mentions(item, variable)),
        Tree::Table(entries) => entries.iter().any(|(_, tree)| mentions(tree, variable)),
        Tree::Integer(_) | Tree::Float(_) | Tree::Boolean(_) => false,
    }
}

/// The command that prints a secret.
pub fn command(root: &Utf8Path, source: &Source) -> Invocation {
    let new = |program, args: &[&str]| Invocation::new(program, root, args.iter().copied());
    match &source.provider {
        Provider::OnePassword => new("op", &["read", "--no-newline", &source.text]),
        Provider::AwsSecret { id, .. } => {
            let of = ["secretsmanager", "get-secret-value", "--secret-id", id];
            // As text, none at all would be `None`.
            new("aws", &of).with(["--query", "SecretString", "--output", "json"])
        }
        // VAULT_FORMAT would quote the value.
        Provider::Vault { path, field } => {
            new("vault", &["kv", "get", "-format=table", &format!("-field={field}"), path])
        }
        Provider::Command(line) => new("sh", &["-c", line]),
    }
}

/// The value in what a command printed.
///
/// # Errors
/// There is none; says nothing of what there is.
pub fn value(variable: &str, source: &Source, printed: Vec<u8>) -> Result<String, Finding> {
    let wrong = |what: &str| {
        Err(Finding::error(
            format!("`{}` has no value for `{variable}`: {what}", source.text),
            format!("correct `from` of `[env.{variable}]`, or set {variable} in `.env`"),
        ))
    };
    let Ok(mut text) = String::from_utf8(printed) else { return wrong("it is not text") };
    // The others print no line break but the secret's own.
    if let Provider::Command(_) = &source.provider
        && text.ends_with('\n')
    {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if let Provider::AwsSecret { .. } = &source.provider {
        text = match serde_json::from_str(&text) {
            Ok(serde_json::Value::String(text)) => text,
            _ => return wrong("the secret is not text"),
        };
    }
    if let Provider::AwsSecret { key: Some(key), .. } = &source.provider {
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&text) else {
            return wrong("the secret is not a JSON object");
        };
        text = match object.get(key) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value.to_string(),
            Some(_) => return wrong("the key is neither a string nor a number"),
            None => return wrong("the secret does not have that key"),
        };
    }
    if text.is_empty() {
        return wrong("it is empty");
    }
    if variable.len() + text.len() > LONGEST {
        return wrong("it is longer than a variable can be");
    }
    if text.contains('\0') {
        return wrong("it has a NUL character, which no variable can have");
    }
    Ok(text)
}

/// That a command failed, whose own messages were shown.
pub fn failed(variable: &str, source: &Source, command: &Invocation) -> Finding {
    let help = match &source.provider {
        Provider::OnePassword => "log in with `op signin`",
        Provider::AwsSecret { .. } => "log in to AWS, and check AWS_PROFILE and AWS_REGION",
        Provider::Vault { .. } => "log in with `vault login`, and check VAULT_ADDR",
        Provider::Command(_) => "run the command to see what is wrong",
    };
    Finding::error(
        format!("cannot read `{variable}` from `{}`: `{}` failed", source.text, command.program),
        format!("{help}, or set {variable} in `.env`"),
    )
}

/// How to get the program of a source.
pub fn how_to_get(program: &str) -> Option<&'static str> {
    Some(match program {
        "op" => "install the CLI of 1Password: https://developer.1password.com/docs/cli/get-started/",
        "aws" => "install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
        "vault" => "install Vault: https://developer.hashicorp.com/vault/install",
        "sh" => "`cmd:` needs a POSIX shell: set the variable in `.env` instead",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(text).unwrap()
    }

    #[test]
    fn commands_are_the_providers_own() {
        for (text, expected) in [
            ("op://Dev/Shop/token", "op read --no-newline op://Dev/Shop/token"),
            (
                "aws-sm://shop/db#password",
                "aws secretsmanager get-secret-value --secret-id shop/db --query SecretString --output json",
            ),
            ("vault://secret/shop#token", "vault kv get -format=table -field=token secret/shop"),
            ("cmd:pass show shop | head -n 1", "sh -c pass show shop | head -n 1"),
        ] {
            let command = command("/".into(), &source(text));
            assert_eq!(format!("{} {}", command.program, command.args.join(" ")), expected);
        }
    }

    #[test]
    fn a_value_is_what_was_printed_and_never_repeated() {
        let read = |text: &str, printed: &str| value("TOKEN", &source(text), printed.into());
        assert_eq!(read("cmd:x", "a b\n\n").unwrap(), "a b\n");
        assert_eq!(read("vault://x/y#z", "a\n").unwrap(), "a\n");
        assert_eq!(read("aws-sm://x", "\"{\\\"a\\\":1}\"\r\n").unwrap(), "{\"a\":1}");
        assert_eq!(read("aws-sm://x#a", "\"{\\\"a\\\":\\\"hush\\\"}\"\n").unwrap(), "hush");
        assert_eq!(read("aws-sm://x#a", "\"{\\\"a\\\":5432}\"\n").unwrap(), "5432");
        for (text, printed) in [
            ("cmd:x", "\n"),
            ("cmd:x", "hush\0"),
            ("aws-sm://x#b", "\"{\\\"a\\\":\\\"hush\\\"}\""),
            ("aws-sm://x#a", "\"{\\\"a\\\":[\\\"hush\\\"]}\""),
            ("aws-sm://x#a", "\"hush\""),
            ("aws-sm://x", "null\n"),
            ("op://a/b/c", "hush ".repeat(LONGEST).as_str()),
        ] {
            let finding = read(text, printed).unwrap_err();
            assert!(!format!("{}{}", finding.what, finding.help).contains("hush"), "{finding:?}");
            assert!(finding.what.contains("`TOKEN`") && finding.what.contains(text), "{finding:?}");
        }
        assert!(value("TOKEN", &source("cmd:x"), vec![0xff]).is_err());
    }
}
