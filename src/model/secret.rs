//! What looks like a secret that someone wrote down: by the name that it has, or as the password of a URL.

use std::borrow::Cow;
use std::ops::Range;

use super::text::Text;

/// Words of a name whose value is a secret.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pass",
    "secret",
    "secrets",
    "token",
    "apikey",
    "credential",
    "credentials",
];

/// Words before `key` that don't make it a secret one.
const PLAIN_KEYS: &[&str] = &["public", "primary", "foreign", "sort", "partition", "routing", "cache", "index"];

/// Last words of a name whose value is about a secret, not the secret itself.
const ABOUT: &[&str] = &[
    "algorithm",
    "arn",
    "count",
    "dir",
    "directory",
    "disabled",
    "duration",
    "enabled",
    "endpoint",
    "expiration",
    "expiry",
    "field",
    "file",
    "folder",
    "format",
    "header",
    "host",
    "id",
    "issuer",
    "length",
    "lifetime",
    "limit",
    "max",
    "min",
    "mode",
    "name",
    "path",
    "policy",
    "provider",
    "prefix",
    "region",
    "required",
    "rotation",
    "seconds",
    "size",
    "spec",
    "store",
    "suffix",
    "timeout",
    "ttl",
    "type",
    "uri",
    "url",
    "user",
    "username",
    "version",
];

/// Values that are a setting rather than a secret.
const SETTINGS: &[&str] = &[
    "true", "false", "yes", "no", "on", "off", "none", "null", "default", "enabled", "disabled", "required",
    "optional", "always", "never", "auto",
];

/// What stands for a secret wherever one would be shown.
pub const HIDDEN: &str = "***";

/// Whether a value of that name is a secret: `DB_PASSWORD`, `apiKey`, `access-key`.
pub fn is_secret_name(name: &str) -> bool {
    // Most names have none of these, and words take memory.
    let has =
        |part: &&str| name.as_bytes().windows(part.len()).any(|found| found.eq_ignore_ascii_case(part.as_bytes()));
    if !["key", "pass", "pwd", "secret", "token", "credential"].iter().any(has) {
        return false;
    }
    let words = words(name);
    let Some(last) = words.last() else { return false };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    let is_key = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        (words[at] == "key" || words[at] == "keys") && before.is_some_and(|word| !PLAIN_KEYS.contains(&word.as_str()))
    };
    words.iter().any(|word| WORDS.contains(&word.as_str())) || is_key(words.len() - 1)
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut start = true;
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            start = true;
            continue;
        }
        start |= lower && c.is_uppercase();
        lower = c.is_lowercase();
        if std::mem::take(&mut start) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// Whether a value with a name is a secret that is written down.
pub fn is_written(name: &str, value: &Text) -> bool {
    if let Text::Literal(literal) = value
        && is_secret_name(name)
        && is_value(name, literal)
    {
        return true;
    }
    if let Text::Literal(literal) = value {
        return passwords(literal).next().is_some();
    }
    let plain = value.replaced(|reference| Some(reference.plain().into())).unwrap_or_default();
    passwords(&plain).next().is_some()
}

/// Whether a text may be a secret, rather than a setting, a path, a reference or an address.
fn is_value(name: &str, value: &str) -> bool {
    let value = value.trim();
    let is_setting = value.len() < 3 || SETTINGS.contains(&value.to_ascii_lowercase().as_str());
    // `TOKEN = 4000` is more likely a number of tokens.
    let is_number =
        value.chars().all(|c| c.is_ascii_digit() || c == '.') && !words(name).iter().any(|w| w.starts_with("pass"));
    let is_path = value.starts_with(['/', '~']) || value.starts_with("./") || value.starts_with("../");
    let is_url = value.contains("://");
    !(is_setting || is_number || is_path || is_url || value.starts_with(['$', '<']))
}

/// Finds secrets in a text.
type Find = fn(&str) -> Vec<Range<usize>>;

/// Where the passwords of URLs are.
fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, _)| {
        let start = at + 3;
        let end = text[start..].find(['/', '?', '#', ' ', '"', '\'', '\n']).map_or(text.len(), |end| start + end);
        let host = start + text[start..end].rfind('@')?;
        let from = start + text[start..host].find(':')? + 1;
        let secret = &text[from..host];
        (!secret.is_empty() && !secret.starts_with('$') && secret != HIDDEN).then_some(from..host)
    })
}

/// Where the defaults of variables are whose name says that they are secrets: `${API_KEY:-…}`.
fn defaults(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("${").filter_map(|(at, _)| {
        let start = at + 2;
        let name = text[start..]
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map(|end| &text[start..start + end])?;
        let from = start + name.len() + 2;
        let word = text.get(from..).filter(|_| text[start + name.len()..].starts_with(":-"))?;
        let end = from + word.find('}').unwrap_or(word.len());
        is_assigned(name, &text[from..end]).then_some(from..end)
    })
}

/// Where values are that are assigned to such a name: `--db-password=…`, `TOKEN="…"`.
fn assignments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('=').map(|at| from + at) {
        let is_name = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let length: usize = text[from..at].chars().rev().take_while(is_name).map(char::len_utf8).sum();
        let name = &text[at - length..at];
        from = at + 1;
        if !is_secret_name(name) {
            continue;
        }
        let quote = text[from..].chars().next().filter(|c| matches!(c, '"' | '\''));
        let start = from + quote.map_or(0, char::len_utf8);
        let ends = |c: char| quote.map_or(c.is_whitespace() || matches!(c, ',' | '"' | '\'' | ';'), |quote| c == quote);
        let end = text[start..].find(ends).map_or(text.len(), |end| start + end);
        if is_assigned(name, &text[start..end]) {
            found.push(start..end);
        }
        from = end;
    }
    found
}

fn is_assigned(name: &str, value: &str) -> bool {
    is_secret_name(name) && is_value(name, value) && value != HIDDEN
}

fn without(text: &str, places: impl IntoIterator<Item = Range<usize>>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut shown = 0;
    // Those that overlap were hidden with the one before.
    for place in places {
        if place.start >= shown && place.end > place.start {
            out.push_str(&text[shown..place.start]);
            out.push_str(HIDDEN);
            shown = place.end;
        }
    }
    if shown == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[shown..]);
    Cow::Owned(out)
}

/// What is shown of a value that is a secret: of a URL, all but its password.
pub fn hidden(value: &str) -> String {
    if passwords(value).next().is_some() { hide(value).into_owned() } else { HIDDEN.to_owned() }
}

/// A text without the secrets in it: passwords of URLs, defaults of secret variables, and what is assigned to a name
/// (`--db-password=…`, `TOKEN=…`).
pub fn hide(text: &str) -> Cow<'_, str> {
    let passes: [Find; 3] = [|text| passwords(text).collect(), |text| defaults(text).collect(), assignments];
    let mut shown = Cow::Borrowed(text);
    for places in passes {
        if let Cow::Owned(hidden) = without(&shown, places(&shown)) {
            shown = Cow::Owned(hidden);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name_and_value() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "POSTGRES_PASSWORD_1",
            "apiKey",
            "AWS_SECRET_ACCESS_KEY",
            "github-token",
            "PGPASS",
            "client.secret",
        ] {
            assert_eq!(is_secret_name(name), name != "PGPASS", "{name}");
        }
        for name in [
            "KEY",
            "MONKEY",
            "TOKEN_TTL",
            "PASSWORD_FILE",
            "AWS_ACCESS_KEY_ID",
            "PUBLIC_KEY",
            "SECRET_NAME",
            "COMPASS",
            "KEYSPACE",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        for (name, value, expected) in [
            ("PASSWORD", "hunter2", true),
            ("PASSWORD", "1234", true),
            ("TOKEN", "4000", false),
            ("PASSWORD", "", false),
            ("PASSWORD", "true", false),
            ("PASSWORD", "/run/secrets/password", false),
            ("SECRET", "https://vault.example.org/x", false),
            ("SECRET", "https://me:hunter2@vault.example.org/x", true),
            ("DATABASE", "postgres://me:hunter2@db/x", true),
            ("DATABASE", "postgres://me@db/x", false),
            ("TITLE", "hunter2", false),
        ] {
            assert_eq!(is_written(name, &value.into()), expected, "{name} {value}");
        }
    }

    #[test]
    fn secrets_in_a_text_are_hidden() {
        for (text, shown) in [
            ("a b", "a b"),
            ("postgres://me:hunter2@db/x?y=1 and http://a:b@c", "postgres://me:***@db/x?y=1 and http://a:***@c"),
            ("serve --db-password=hunter2 --port=80", "serve --db-password=*** --port=80"),
            ("TOKEN=\"a b\" PGX=1", "TOKEN=\"***\" PGX=1"),
            ("TOKEN=${TOKEN}", "TOKEN=${TOKEN}"),
            ("${TITLE:-a} ${API_KEY:-abc} ${API_KEY:-}", "${TITLE:-a} ${API_KEY:-***} ${API_KEY:-}"),
            ("é_TOKEN=abc, x", "é_TOKEN=***, x"),
            ("PASSWORD=", "PASSWORD="),
            ("a=b=TOKEN=x1y2=z é", "a=b=TOKEN=*** é"),
            ("${", "${"),
            ("${API_KEY", "${API_KEY"),
            ("${API_KEY:-abc", "${API_KEY:-***"),
            ("://a:b@c://d:e@f", "://a:***@c://d:***@f"),
        ] {
            assert_eq!(hide(text), shown);
        }
    }

    #[test]
    fn every_secret_of_a_long_text_is_hidden() {
        // With quadratic time this would take hours.
        for (piece, shown) in [
            ("://a:b@c ", "://a:***@c "),
            ("TOKEN=abc ", "TOKEN=*** "),
            ("${API_KEY:-abc}", "${API_KEY:-***}"),
            ("=", "="),
            ("${", "${"),
        ] {
            assert!(hide(&piece.repeat(300_000)) == shown.repeat(300_000), "{piece}");
        }
    }
}
