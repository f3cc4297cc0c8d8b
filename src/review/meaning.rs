//! What values of Compose mean, however they are written: each has one form that stands for all others. Compose hashes
//! what it reads (compose-go), in which differences remain that have no effect.

use super::written::one_line;
use crate::model::service::{Command, FileGrant, Mount};
use crate::model::text::{Text, Tree};
use crate::spec::forms::{Form, is_one_or_more, list_of, short_for};
use crate::spec::rules;

/// What of a value counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// What Compose reads.
    Read,
    /// What has an effect.
    Effect,
}

/// Keys that are not `false` if they are left out; Compose tells the two apart.
const ON: &[&str] = &["attach", "enable_ipv4", "init"];

/// Values that change nothing: what is above a key, the key and the value, and whether Compose's hash has them.
const DEFAULTS: &[(&str, &str, &str, Option<Sense>)] = &[
    ("", "attach", "true", Some(Sense::Effect)),
    ("", "driver", "bridge", Some(Sense::Effect)),
    ("", "stop_grace_period", "10000000000", Some(Sense::Effect)),
    ("build", "dockerfile", "Dockerfile", None),
    ("devices", "permissions", "rwm", Some(Sense::Effect)),
    ("env_file", "required", "true", None),
    ("volume", "nocopy", "false", None),
];

/// Tables of Compose that its hash has even if they are empty.
const KEPT: &[&str] = &["blkio_config", "credential_spec", "deploy", "develop", "logging"];

fn is_empty(value: &Tree) -> bool {
    match value {
        Tree::Text(Text::Literal(text)) => text.is_empty(),
        Tree::List(items) => items.is_empty(),
        Tree::Table(entries) => entries.is_empty(),
        _ => false,
    }
}

/// Whether two values of a key mean the same.
pub(super) fn alike(key: &str, before: Option<&Tree>, after: Option<&Tree>) -> bool {
    before == after || (!key.starts_with("x-") && Sense::Effect.of(key, before) == Sense::Effect.of(key, after))
}

impl Sense {
    /// The value of a key in the one form that stands for all with its meaning.
    pub(super) fn of(self, key: &str, value: Option<&Tree>) -> Option<Tree> {
        let value = value.filter(|value| ON.contains(&key) || **value != Tree::Boolean(false))?;
        let is_kept = self == Self::Read && KEPT.contains(&key);
        let value = Some(self.canonical("", key, value)).filter(|value| !self.is_default("", key, value))?;
        (is_kept || !is_empty(&value)).then_some(value)
    }

    fn is_default(self, above: &str, key: &str, value: &Tree) -> bool {
        let Tree::Text(Text::Literal(text)) = value else { return false };
        DEFAULTS.iter().any(|&(outer, inner, default, only)| {
            (outer, inner, default) == (above, key, text) && only.is_none_or(|only| only == self)
        })
    }

    fn canonical(self, above: &str, key: &str, value: &Tree) -> Tree {
        match (value, list_of(above, key)) {
            (Tree::Text(Text::Literal(line)), _) if key == "command" => {
                Tree::List(words(line).into_iter().map(Tree::from).collect())
            }
            (Tree::List(items), Some(form)) => items
                .iter()
                .map(|item| self.entry(item, form))
                .collect::<Option<Vec<_>>>()
                .map_or_else(|| value.clone(), |entries| self.table(key, &entries)),
            (Tree::List(items), None) => Tree::List(items.iter().map(|item| self.single(above, key, item)).collect()),
            // `gpus` is `all` or a list.
            _ if is_one_or_more(above, key) || key == "gpus" => Tree::List(vec![self.single(above, key, value)]),
            _ => self.single(above, key, value),
        }
    }

    /// An item of a list as an entry of the table that it stands for.
    fn entry(self, item: &Tree, form: Form) -> Option<(String, Tree)> {
        let Tree::Text(Text::Literal(text)) = item else { return None };
        let named = |signs: &[char], other: Tree| match text.split_once(signs) {
            Some((name, value)) => (name.to_owned(), Tree::from(value)),
            None => (text.clone(), other),
        };
        Some(match form {
            // Without a value it is taken from where Compose runs.
            Form::Assignments(signs) => named(signs, Tree::List(Vec::new())),
            Form::Labels => named(&['='], Tree::from("")),
            // Compose does not fill in options.
            Form::Names if self == Self::Effect => (text.clone(), Tree::Table(Vec::new())),
            Form::Names => (text.clone(), Tree::from("")),
            Form::Dependencies | Form::Apart | Form::One | Form::Of(_) => return None,
        })
    }

    /// A single value: not a list, or one item of a list.
    fn single(self, above: &str, key: &str, value: &Tree) -> Tree {
        let text = match value {
            Tree::List(_) => return self.canonical(above, key, value),
            Tree::Table(entries) => return self.table(key, entries),
            Tree::Text(Text::Literal(text)) if key == "count" && text == "all" => "-1".to_owned(),
            Tree::Text(Text::Literal(text)) => text.clone(),
            Tree::Text(_) => return value.clone(),
            Tree::Integer(mode) if key == "mode" && matches!(above, "secrets" | "configs") => format!("{mode:o}"),
            number => one_line(number),
        };
        let texts = |entries: &[(&str, &str)]| {
            let entries: Vec<_> = entries.iter().map(|(key, text)| ((*key).to_owned(), Tree::from(*text))).collect();
            self.table(key, &entries)
        };
        if key == "devices" && above.is_empty() {
            let mut parts = text.splitn(3, ':');
            let source = parts.next().unwrap_or_default();
            let target = parts.next().unwrap_or(source);
            let mut permissions: Vec<char> = parts.next().unwrap_or("rwm").chars().collect();
            if self == Self::Effect {
                permissions.sort_unstable_by_key(|&right| "rwm".find(right));
            }
            let permissions: String = permissions.into_iter().collect();
            return texts(&[("source", source), ("target", target), ("permissions", &permissions)]);
        }
        let text = rules::amount(above, key, &text).or_else(|| self.synonym(key, &text)).unwrap_or(text);
        match short_for(above, key) {
            _ if above == "ulimits" && self == Self::Effect => texts(&[("soft", &text), ("hard", &text)]),
            Some(inner) => texts(&[(inner, &text)]),
            None => Tree::from(text.as_str()),
        }
    }

    /// Another text with the same meaning.
    fn synonym(self, key: &str, text: &str) -> Option<String> {
        if key == "mode" {
            return Some(text.trim_start_matches('0').to_owned());
        }
        if self == Self::Read {
            return None;
        }
        Some(match key {
            "expose" => text.strip_suffix("/tcp")?.to_owned(),
            "volumes_from" => text.strip_suffix(":rw")?.to_owned(),
            "links" | "external_links" => {
                text.split_once(':').filter(|(service, alias)| service == alias)?.0.to_owned()
            }
            "restart" => text.strip_suffix(":0")?.to_owned(),
            "mac_address" => text.to_ascii_lowercase(),
            "user" if ["0", "0:0", "root:root", "root:0", "0:root"].contains(&text) => "root".to_owned(),
            "pull_policy" if text == "if_not_present" => "missing".to_owned(),
            "pull_policy" if text == "daily" => rules::amount("", "interval", "24h")?,
            "pull_policy" if text == "weekly" => rules::amount("", "interval", "168h")?,
            "pull_policy" => rules::amount("", "interval", text.strip_prefix("every_")?)?,
            "cap_add" | "cap_drop" => {
                let name = text.to_ascii_uppercase();
                name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
            }
            "security_opt" => {
                let option = text.replacen('=', ":", 1);
                option.strip_suffix(":true").filter(|name| *name == "no-new-privileges").unwrap_or(&option).to_owned()
            }
            _ => return None,
        })
    }

    /// The entries by name, without those that mean nothing.
    fn table(self, key: &str, entries: &[(String, Tree)]) -> Tree {
        // Compose does not hash extensions, unless they are names like any other.
        let has_names = list_of("", key).is_some() || matches!(key, "driver_opts" | "options");
        // What is below `deploy` has no effect without a key.
        let may_be_empty = self == Self::Read || !matches!(key, "deploy" | "resources");
        let mut entries: Vec<(String, Tree)> = entries
            .iter()
            .filter(|(name, _)| self == Self::Effect || has_names || !name.starts_with("x-"))
            .map(|(name, value)| (name.clone(), self.canonical(key, name, value)))
            .filter(|(name, value)| !self.is_default(key, name, value) && (may_be_empty || !is_empty(value)))
            .collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Tree::Table(entries)
    }

    /// The options of a secret or a config that a service reads.
    pub(super) fn grant(self, what: &str, grant: &FileGrant) -> Tree {
        let folder = if what == "secrets" { "/run/secrets" } else { "" };
        let default = Tree::from(format!("{folder}/{}", grant.source).as_str());
        let mut keys = grant.keys.0.clone();
        // Compose fills in that of a secret only.
        let short = Tree::from(grant.source.as_str());
        let is_default = |value: &Tree| *value == default || (self == Self::Effect && *value == short);
        keys.retain(|(key, value)| key != "target" || !is_default(value) || (what == "configs" && self == Self::Read));
        self.table(what, &keys)
    }

    /// The options of a mount.
    pub(super) fn mount(self, mount: &Mount) -> Tree {
        let mut entries = mount.keys.0.clone();
        // `false` is the default.
        entries.extend(mount.read_only.as_ref().map(|read_only| ("read_only".to_owned(), read_only.clone().into())));
        entries.retain(|(_, value)| *value != Tree::Boolean(false));
        let mut options = self.table("volumes", &entries);
        if let (Self::Effect, Tree::Table(entries)) = (self, &mut options) {
            entries.retain(|(_, value)| *value != Tree::Table(Vec::new()));
        }
        options
    }
}

/// A path of a mount without what `path.Clean` of Go drops at its end.
pub(super) fn trimmed(path: &Text) -> Text {
    match path.literal().map(|path| path.trim_end_matches('/')) {
        Some(path) if !path.is_empty() => path.into(),
        _ => path.clone(),
    }
}

/// A command as its words, if they are plain.
pub(super) fn split(command: Command) -> Command {
    match &command {
        Command::Line(Text::Literal(line)) => match words(line).as_slice() {
            [one] if one == line => command,
            words => Command::Arguments(words.iter().map(|word| Text::from(*word)).collect()),
        },
        _ => command,
    }
}

/// The words of a line that no shell would read otherwise; one for any other.
fn words(line: &str) -> Vec<&str> {
    let is_plain = |c: char| c.is_alphanumeric() || " -_./:=,@+%".contains(c);
    if line.chars().all(is_plain) { line.split_whitespace().collect() } else { vec![line] }
}
