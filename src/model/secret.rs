//! What looks like a secret that someone wrote down: by the name that it has, or as the password of a URL.

use std::borrow::Cow;
use std::ops::Range;

use super::text::{Operator, Reference, Segment, Text};

/// Words of a name whose value is a secret.
const WORDS: &str = "password passwd passphrase pwd pw pass mnemonic secret secrets token apikey credential credentials cred creds \
    psk htpasswd passcode";

/// How a word ends that is several of these without a sign between them: `PGPASSWORD`.
const ENDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "accountkey",
    "authkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "signingkey",
    "keybase",
];

/// What `pass` follows in such a word. `bypass` and `compass` are something else.
const BEFORE_PASS: &[&str] = &["admin", "db", "ftp", "ldap", "mail", "mysql", "redis", "root", "smtp", "sql", "user"];

/// Words of a name whose value is a secret if it looks like one: `AUTH = "basic"` does not.
const MAYBE: &str =
    "auth authorization bearer cookie dsn hmac jwt pepper salt sas seed session signature signing webhook";

/// Last words of a name whose value is a secret although it may be a number.
const NUMBERS: &[&str] = &["pin", "otp", "totp"];

/// What all of these have in them, by their first letter: most names have none of it.
const HINTS: &[(u8, &[&str])] = &[
    (b'a', &["auth"]),
    (b'b', &["bearer"]),
    (b'c', &["cred", "cookie"]),
    (b'd', &["dsn"]),
    (b'h', &["hmac"]),
    (b'j', &["jwt"]),
    (b'k', &["key"]),
    (b'm', &["mnemonic"]),
    (b'o', &["otp"]),
    (b'p', &["pass", "pepper", "pin", "psk", "pw"]),
    (b's', &["salt", "sas", "secret", "seed", "session", "sign"]),
    (b't', &["token"]),
    (b'w', &["webhook"]),
];

/// How tokens of well-known services begin, whatever their name is, and how many characters follow at least.
const TOKENS: &[(&str, usize)] = &[
    ("ghp_", 16),
    ("gho_", 16),
    ("ghs_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xapp-", 10),
    ("sk_live_", 10),
    ("rk_live_", 10),
    ("sk_test_", 10),
    ("sk-ant-", 16),
    ("sk-proj-", 16),
    ("SG.", 30),
    ("whsec_", 16),
    ("dop_v1_", 30),
    ("pypi-Ag", 30),
    ("AGE-SECRET-KEY-1", 30),
    ("hooks.slack.com/services/", 16),
    ("npm_", 30),
    ("hvs.", 20),
    ("dckr_pat_", 16),
    ("hf_", 30),
    ("eyJ", 30),
    ("Bearer ", 6),
    ("Basic ", 8),
    ("-----BEGIN", 16),
];

/// Words before `key` that don't make it a secret one.
const PLAIN_KEYS: &[&str] = &["public", "primary", "foreign", "sort", "partition", "routing", "cache", "index"];

/// Last words of a name whose value is about a secret, not the secret itself.
const ABOUT: &str = "algorithm arn count dir directory disabled duration enabled endpoint expiration expiry field file \
    folder format header host id issuer length lifetime limit max mechanism method min mode name path \
    policy provider prefix realm region required rotation scheme seconds size spec stdin store suffix timeout \
    ttl type uri url user username version";

/// Values that are a setting rather than a secret.
const SETTINGS: &str =
    "true false yes no on off none null default enabled disabled required optional always never auto";

/// What stands for a secret wherever one would be shown.
pub const HIDDEN: &str = "***";

/// Whether a value of that name is a secret: `DB_PASSWORD`, `apiKey`, `access-key`; or may be, as that of `AUTH`.
pub fn is_secret_name(name: &str) -> bool {
    strength(name) != Strength::None
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// Nothing.
    None,
    /// It is a secret if it looks like one.
    Maybe,
    /// It is a secret.
    Secret,
}

fn strength(name: &str) -> Strength {
    let bytes = name.as_bytes();
    let hinted = bytes.iter().enumerate().any(|(at, byte)| {
        let hints = HINTS.iter().find(|(first, _)| *first == byte.to_ascii_lowercase()).map_or(&[][..], |(_, all)| all);
        let is_there =
            |hint: &&str| bytes[at..].get(..hint.len()).is_some_and(|it| it.eq_ignore_ascii_case(hint.as_bytes()));
        hints.iter().any(is_there)
    });
    if !hinted {
        return Strength::None;
    }
    let words = words(name);
    let Some(last) = words.last() else { return Strength::None };
    if is_one_of(ABOUT, last) {
        return Strength::None;
    }
    let is_key = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        (words[at] == "key" || words[at] == "keys") && before.is_some_and(|word| !PLAIN_KEYS.contains(&word.as_str()))
    };
    let is_secret = |word: &String| {
        is_one_of(WORDS, word)
            || ENDS.iter().any(|end| word.ends_with(end))
            || word.strip_suffix("pass").is_some_and(|before| BEFORE_PASS.contains(&before))
    };
    if words.iter().any(is_secret) || is_key(words.len() - 1) || NUMBERS.contains(&last.as_str()) {
        Strength::Secret
    } else if words.iter().any(|word| is_one_of(MAYBE, word)) || (words.len() == 1 && last == "key") {
        Strength::Maybe
    } else {
        Strength::None
    }
}

fn is_one_of(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
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
    if let Text::Literal(literal) = value {
        return is_literal(name, literal);
    }
    let is_secret = |segment: &Segment| match segment {
        // What is written around a reference may be a prefix.
        Segment::Literal(literal) => is_value(name, literal) && is_random(literal),
        Segment::Env(_) => word(segment).is_some_and(|word| is_literal(name, &word)),
    };
    if let Text::Parts(segments) = value
        && segments.iter().any(is_secret)
    {
        return true;
    }
    let plain = value.replaced(|reference| Some(reference.plain().into())).unwrap_or_default();
    passwords(&plain).next().is_some() || !tokens(&plain).is_empty()
}

/// Whether nothing of a value with a name may be shown: of a URL, only the password is hidden, unless all of it is one.
pub fn is_hidden(name: &str, value: &Text) -> bool {
    let plain = value.replaced(|reference| Some(reference.plain().into())).unwrap_or_default();
    is_written(name, value) && (!plain.contains("://") || is_value(name, &plain))
}

/// What a reference may stand for, whatever its variable is.
fn word(segment: &Segment) -> Option<Cow<'_, str>> {
    match segment {
        Segment::Env(Reference { operator: Some(Operator::Default(word) | Operator::Alternative(word)), .. }) => {
            Some(word.literal().map_or_else(|| word.shown().into(), Cow::Borrowed))
        }
        _ => None,
    }
}

/// Whether a literal with a name is a secret that is written down.
pub fn is_literal(name: &str, literal: &str) -> bool {
    is_value(name, literal) || passwords(literal).next().is_some() || !tokens(literal).is_empty()
}

/// Whether a text has a secret in it, as far as that can be seen without its name.
pub fn has_secret(text: &str) -> bool {
    FINDS.iter().any(|find| !find(text).is_empty())
}

/// Whether a value with a name may be a secret, rather than a setting, a path, a reference or an address.
fn is_value(name: &str, value: &str) -> bool {
    let strength = strength(name);
    if strength == Strength::None {
        return false;
    }
    let value = value.trim();
    let is_setting = value.len() < 3 || is_one_of(SETTINGS, &value.to_ascii_lowercase());
    // `TOKEN = 4000` is more likely a number of tokens.
    let words = words(name);
    let may_count =
        !words.iter().any(|word| word.starts_with("pass") || word == "pw" || NUMBERS.contains(&word.as_str()));
    let is_number = may_count && value.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_path = value.starts_with(['/', '~']) || value.starts_with("./") || value.starts_with("../");
    !(is_setting || is_number || is_path || value.starts_with(['$', '<']))
        && ((strength == Strength::Secret && !value.contains("://")) || is_random(value))
}

/// Whether a value looks made up: `hunter2`, but neither `basic` nor `oauth2`; of a URL, more than a name with a number.
fn is_random(value: &str) -> bool {
    let least = if value.contains("://") { 9 } else { 7 };
    let is_random = |part: &str| {
        let has = |kind: fn(&u8) -> bool| part.bytes().any(|byte| kind(&byte));
        part.len() >= least && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random)
}

/// Finds secrets in a text.
type Find = fn(&str) -> Vec<Range<usize>>;

/// All ways to find one.
const FINDS: [Find; 6] =
    [|text| passwords(text).collect(), drivers, |text| defaults(text).collect(), assignments, flags, tokens];

/// Where tokens of well-known services are.
fn tokens(text: &str) -> Vec<Range<usize>> {
    const SHORTEST: usize = 12;
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at + SHORTEST <= bytes.len() {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        // Most bytes begin none.
        let may_begin = b"gAxsrnheB-Swdp".contains(&bytes[at]);
        let is_start = may_begin && (at == 0 || !is_part(bytes[at - 1]));
        let token = || TOKENS.iter().find(|(start, _)| bytes[at..].starts_with(start.as_bytes()));
        let Some(&(start, least)) = is_start.then(token).flatten() else {
            at += 1;
            continue;
        };
        let after = at + start.len();
        let end = if start == "-----BEGIN" {
            let line = bytes[after..].iter().take(40).copied().collect::<Vec<_>>();
            if String::from_utf8_lossy(&line).contains("PRIVATE KEY") { bytes.len() } else { after }
        } else {
            let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_.=+/".contains(byte);
            after + bytes[after..].iter().take_while(is_part).count()
        };
        if end - after >= least {
            found.push(at..end);
        }
        at = end;
    }
    found
}

/// Where values are that follow an option of such a name: `--token hunter2`, `"--token", "hunter2"`.
fn flags(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('-').map(|at| from + at) {
        let is_start = text[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || "\"'[,".contains(c));
        let rest = text[at..].trim_start_matches('-');
        let name = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .map_or(rest, |end| &rest[..end]);
        let after = text.len() - rest.len() + name.len();
        from = after.max(at + 1);
        // `curl -u me:hunter2`
        let is_user = matches!(name, "u" | "user");
        if !is_start || !(is_user || is_secret_name(name)) {
            continue;
        }
        let value = text[after..].trim_start_matches(|c: char| c.is_whitespace() || "\"',".contains(c));
        let start = text.len() - value.len();
        let end = value.find(|c: char| c.is_whitespace() || "\"',;]".contains(c)).unwrap_or(value.len());
        if start == after || value.starts_with('-') {
            continue;
        }
        let skipped = if is_user { value[..end].find(':').map_or(end, |colon| colon + 1) } else { 0 };
        let secret = &value[skipped..end];
        let is_found = if is_user { is_random(secret) } else { is_assigned(name, secret) };
        if is_found {
            found.push(start + skipped..start + end);
            from = start + end;
        }
    }
    found
}

/// Where the passwords of URLs are.
fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, _)| {
        let start = at + 3;
        let end = text[start..].find(['/', '?', '#', ' ', '"', '\'', '\n']).map_or(text.len(), |end| start + end);
        let host = start + text[start..end].rfind('@')?;
        let from = match text[start..host].find(':') {
            Some(colon) => start + colon + 1,
            // `https://0123456789abcdef0123456789abcdef@sentry.io/1`
            None if host - start >= 20 && is_random(&text[start..host]) => start,
            None => return None,
        };
        let secret = &text[from..host];
        (!secret.is_empty() && !secret.starts_with('$') && secret != HIDDEN).then_some(from..host)
    })
}

/// Where the passwords are that drivers of databases take: `me:hunter2@tcp(db:3306)/x`.
fn drivers(text: &str) -> Vec<Range<usize>> {
    let ends =
        text.match_indices('@').filter(|(at, _)| ["@tcp(", "@unix("].iter().any(|end| text[*at..].starts_with(end)));
    let secret = |(end, _): (usize, &str)| {
        let colon = text[..end].rfind(|c: char| c.is_whitespace() || ":@\"'(".contains(c))?;
        let secret = text[colon..end].strip_prefix(':')?;
        (!secret.is_empty() && !secret.starts_with('$') && secret != HIDDEN).then_some(colon + 1..end)
    };
    ends.filter_map(secret).collect()
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
    is_value(name, value) && value != HIDDEN
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
/// (`--db-password=…`, `TOKEN=…`, `--token …`), and tokens of well-known services.
pub fn hide(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for places in FINDS {
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
    #[expect(clippy::too_many_lines, reason = "a table")]
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
        for name in [
            "DBPASS",
            "PGPASSWORD",
            "SECRETKEYBASE",
            "ACCESSTOKEN",
            "PRIVATEKEY",
            "CREDS",
            "PSK",
            "HTPASSWD",
            "MASTERKEY",
            "ADMIN_PW",
            "MNEMONIC",
            "KEY",
            "PIN",
            "TOTP_SEED",
            "SALT",
            "HMAC",
            "AWS_SESSION",
            "JWT_SIGNING",
            "AUTH",
            "AUTHORIZATION",
            "BEARER",
            "COOKIE",
        ] {
            assert!(is_written(name, &"hunter2".into()), "{name}");
            assert!(!is_written(&format!("{name}_METHOD"), &"hunter2".into()), "{name}");
        }
        for (name, value) in [
            ("AUTH", "basic"),
            ("KEY", "value"),
            ("RANDOM_SEED", "42"),
            ("SESSION_STORE", "redis1234"),
            ("PIN", "no"),
            ("SHIPPING", "1234"),
            ("AUTH", "oauth2"),
            ("BYPASS", "hunter2"),
            ("COOKIE", "session"),
            ("AUTHOR", "hunter2 of x"),
            ("WEBHOOK", "http://receiver:8080/hook1"),
            ("SIGNING", "SHA-256"),
            ("TITLE", "ghp_"),
            ("TITLE", "Bearer of news"),
            ("TITLE", "AKIAISACITY"),
        ] {
            assert!(!is_written(name, &value.into()), "{name} {value}");
        }
        for (name, value) in [
            ("SLACK_WEBHOOK", "https://hooks.slack.com/services/T00000000/B00000000/abcdefgh12345678"),
            ("SENTRY_DSN", "https://0123456789abcdef@o1.ingest.sentry.io/1"),
            ("X", "ghp_0123456789abcdefghij"),
            ("X", "sk-proj-0123456789abcdefghij"),
            ("X", "SG.0123456789abcdefghijkl.0123456789abcdefghijkl"),
            ("X", "whsec_0123456789abcdefghij"),
            ("X", "dop_v1_0123456789abcdef0123456789abcdef"),
            ("X", "AGE-SECRET-KEY-10123456789ABCDEF0123456789ABCDEF"),
            ("X", "pypi-AgEIcHlwaS5vcmcCJDAxMjM0NTY3ODktYWJj"),
            ("X", "https://hooks.slack.com/services/T00000000/B00000000/abcdefgh"),
            ("X", "https://0123456789abcdef0123456789abcdef@sentry.io/1"),
            ("PIN", "1234"),
            ("TOKEN", "a://hunter2hunter2"),
            ("X", "AKIAIOSFODNN7EXAMPLE"),
            ("X", "xoxb-0123456789-abc"),
            ("X", "sk_live_0123456789ab"),
            ("X", "-----BEGIN RSA PRIVATE KEY-----\nabc"),
            ("X", "Bearer abcdefgh"),
            ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"),
        ] {
            assert!(is_written(name, &value.into()), "{name} {value}");
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
    fn what_is_around_a_reference_may_be_a_secret() {
        let reference = || Segment::Env(Reference { name: "X".to_owned(), operator: None });
        for (name, before, after, expected) in [
            ("API_SECRET", "pre", "hunter2hunter2", true),
            ("API_SECRET", "Bearer ", "", false),
            ("TITLE", "pre", "hunter2hunter2", false),
        ] {
            let text = Text::Parts(vec![Segment::Literal(before.into()), reference(), Segment::Literal(after.into())]);
            assert_eq!((is_written(name, &text), is_hidden(name, &text)), (expected, expected), "{name} {after}");
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
            ("serve --token hunter2 --port 80", "serve --token *** --port 80"),
            ("[\"--db-password\", \"hunter2\", \"x\"]", "[\"--db-password\", \"***\", \"x\"]"),
            ("serve -token hunter2", "serve -token ***"),
            (
                "--token-file /x --token $TOKEN --token --x --password-stdin abc",
                "--token-file /x --token $TOKEN --token --x --password-stdin abc",
            ),
            ("curl -H 'Authorization: Bearer abc.def' x", "curl -H 'Authorization: ***' x"),
            ("a ghp_0123456789abcdefghij b", "a *** b"),
            ("curl -u admin:hunter2 --user 1000:1000 x", "curl -u admin:*** --user 1000:1000 x"),
            ("me:hunter2@tcp(db:3306)/x", "me:***@tcp(db:3306)/x"),
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
        // With quadratic time this would take minutes.
        for (piece, shown) in [
            ("://a:b@c ", "://a:***@c "),
            ("TOKEN=abc ", "TOKEN=*** "),
            ("${API_KEY:-abc}", "${API_KEY:-***}"),
            ("=", "="),
            ("-", "-"),
            ("--token abc ", "--token *** "),
            ("-a", "-a"),
            ("ghp_ ", "ghp_ "),
            ("eyJ ", "eyJ "),
            ("eyJ,", "eyJ,"),
            ("- ", "- "),
            ("${", "${"),
            ("@tcp(", "@tcp("),
            ("-u a ", "-u a "),
        ] {
            assert!(hide(&piece.repeat(100_000)) == shown.repeat(100_000), "{piece}");
        }
    }
}
