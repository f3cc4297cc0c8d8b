//! What values of Compose must be besides what its specification says: formats and words that only its prose and its code
//! have (compose-go, docker/go-units and the engine's API), by the place of the key.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use super::decode::{Context, Decode, shown, unknown_word};
use super::tree::{Node, Table, Value};
use super::value::{self, Cpus, Ports};
use crate::diagnostic::{Diagnostic, Span, nearest};

/// A rule for the value of a key, or for each item of its list.
#[derive(Clone, Copy)]
enum Rule {
    Address,
    Cpus,
    Duration,
    /// The least and the greatest number.
    Numbers(i64, i64),
    Port,
    Size,
    /// A size, or -1 for none.
    Limit,
    /// An address with the length of its prefix.
    Subnet,
    /// One of some words, or a text that begins with one of the others.
    Words(&'static str, &'static [&'static str], &'static [&'static str]),
    /// The same, but there may be further words: only what looks like a typo is wrong.
    Typos(&'static str, &'static [&'static str], &'static [&'static str]),
    /// A name, and how it may be accessed.
    Access,
    /// A table with at most one of some keys.
    Either(&'static [&'static str]),
    /// A table with a target, unless the value of its `action` is one of some words.
    Target(&'static [&'static str]),
}

use Rule::{Access, Address, Duration, Either, Limit, Numbers, Port, Size, Subnet, Target, Typos, Words};

/// What names a container whose namespace is shared, or a namespace of the host (Podman).
const SHARED: &[&str] = &["service:", "container:", "ns:"];

const FAILURE_ACTIONS: &[&str] = &["continue", "pause", "rollback"];

const MOST: i64 = i64::MAX;

/// The rules by the end of the path of a key.
const RULES: &[(&str, Rule)] = &[
    ("aux_addresses", Address),
    ("bind.propagation", Words("propagation", &["private", "rprivate", "rshared", "rslave", "shared", "slave"], &[])),
    ("build", Either(&["dockerfile", "dockerfile_inline"])),
    ("cpus", Rule::Cpus),
    ("delay", Duration),
    ("deploy.endpoint_mode", Words("endpoint mode", &["dnsrr", "vip"], &[])),
    ("deploy.mode", Words("mode", &["global", "global-job", "replicated", "replicated-job"], &[])),
    ("deploy.replicas", Numbers(0, MOST)),
    ("device_read_bps.rate", Size),
    ("device_write_bps.rate", Size),
    ("devices", Either(&["count", "device_ids"])),
    ("dns", Address),
    ("env_file.format", Words("format", &["raw"], &[])),
    ("expose", Port),
    ("gateway", Address),
    ("gpus", Either(&["count", "device_ids"])),
    ("interval", Duration),
    ("ip_range", Subnet),
    ("ipc", Words("value of `ipc`:", &["host", "none", "private", "shareable"], SHARED)),
    ("ipv6_address", Address),
    ("isolation", Words("isolation", &["default", "hyperv", "process"], &[])),
    ("link_local_ips", Address),
    ("max_attempts", Numbers(0, MOST)),
    ("mem_limit", Size),
    ("mem_reservation", Size),
    ("mem_swappiness", Numbers(-1, 100)),
    ("memory", Size),
    ("memswap_limit", Limit),
    ("monitor", Duration),
    ("parallelism", Numbers(0, MOST)),
    ("pid", Words("value of `pid`:", &["host"], SHARED)),
    ("pull_policy", Words("pull policy", PULL_POLICIES, &["every_"])),
    ("restart_policy.condition", Words("condition", &["any", "none", "on-failure"], &[])),
    ("rollback_config.failure_action", Words("failure action", FAILURE_ACTIONS, &[])),
    ("scale", Numbers(0, MOST)),
    ("shm_size", Size),
    ("start_interval", Duration),
    ("start_period", Duration),
    ("stop_grace_period", Duration),
    ("subnet", Subnet),
    ("timeout", Duration),
    ("tmpfs.size", Size),
    ("update_config.failure_action", Words("failure action", FAILURE_ACTIONS, &[])),
    ("userns_mode", Typos("user namespace", &["host"], &[])),
    ("uts", Words("value of `uts`:", &["host"], SHARED)),
    ("volumes_from", Access),
    ("watch", Target(&["rebuild", "restart"])),
    ("window", Duration),
];

const PULL_POLICIES: &[&str] =
    &["always", "never", "missing", "if_not_present", "build", "refresh", "daily", "weekly", "every_12h"];

/// The rules by the last key of their paths.
static BY_KEY: LazyLock<HashMap<&str, Vec<(&str, Rule)>>> = LazyLock::new(|| {
    let mut by_key: HashMap<&str, Vec<(&str, Rule)>> = HashMap::new();
    for &(path, rule) in RULES {
        let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
        by_key.entry(key).or_default().push((above, rule));
    }
    by_key
});

/// The nanoseconds, the bytes or the number of a value whose key has such a format: what two spellings of it share.
pub fn amount(above: &str, key: &str, text: &str) -> Option<String> {
    match (Place { above, key }).rule()? {
        Duration => value::nanoseconds(text).map(|amount| amount.to_string()),
        Size | Limit => value::bytes(text).map(|amount| amount.to_string()),
        Rule::Cpus => text.parse::<f64>().ok().map(|amount| amount.to_string()),
        _ => None,
    }
}

/// A key, and the one of the table that has it.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub above: &'p str,
    pub key: &'p str,
}

impl Place<'_> {
    fn rule(self) -> Option<Rule> {
        let rules = BY_KEY.get(self.key)?;
        rules.iter().find(|(above, _)| above.is_empty() || *above == self.above).map(|&(_, rule)| rule)
    }

    /// Whether the value has a format of its own.
    pub fn has_format(self) -> bool {
        !matches!(self.rule(), None | Some(Numbers(..)))
    }

    /// Reports a value, or an item of a list, that breaks the rule of the key.
    pub fn check(self, node: &Node<'_>, cx: &mut Context<'_>) {
        let Some(rule) = self.rule() else { return };
        let span = node.span;
        match (rule, &node.value) {
            (Either(keys), Value::Table(table)) => either(table, keys, cx),
            (Target(others), Value::Table(table)) => {
                let action = table.at(&["action"]).map(|action| action.value.written()).unwrap_or_default();
                if table.at(&["target"]).is_none() && !others.contains(&action.as_str()) {
                    let title = format!("missing `target` of the action `{}`", shown(&action));
                    let diagnostic = Diagnostic::new("missing-key", title, span);
                    cx.diagnostics.push(diagnostic.help("add `target`: the path in the container"));
                }
            }
            (Size | Limit | Duration | Rule::Cpus | Port, Value::Table(_) | Value::List(_))
            | (Limit, Value::Integer(-1)) => {}
            (Rule::Cpus, _) => _ = Cpus::decode(node.clone(), cx),
            (Port, _) => {
                let mut port = node.clone();
                if let Value::String(text) = &mut port.value
                    && let Some(ports) = text.strip_suffix("/tcp").or_else(|| text.strip_suffix("/udp"))
                {
                    *text = ports.to_owned().into();
                }
                let _: Option<Ports> = Decode::decode(port, cx);
            }
            (Numbers(least, most), value) => {
                let number = match value {
                    Value::Integer(number) => *number,
                    Value::String(text) => text.parse().unwrap_or(least),
                    _ => least,
                };
                if number < least || number > most {
                    number_out_of_range(number, (Some(least), (most < MOST).then_some(most)), span, cx);
                }
            }
            (Size | Limit, value) => {
                let text = value.written();
                if value::bytes(&text).is_none() {
                    value::invalid_size(&text, span, cx);
                }
            }
            (_, Value::String(text)) if !text.contains("${") => check_text(rule, text, span, cx),
            _ => {}
        }
    }
}

fn check_text(rule: Rule, text: &str, span: Span, cx: &mut Context<'_>) {
    let wrong = |code, title: String, help: &str| Diagnostic::new(code, title, span).help(help);
    let subnet = |text: &str| {
        let (address, length) = text.split_once('/')?;
        let bits = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
        length.parse::<u8>().ok().filter(|length| *length <= bits)
    };
    match rule {
        Duration if value::nanoseconds(text).is_none() => value::invalid_duration(text, span, cx),
        Address if text.parse::<IpAddr>().is_err() => {
            let title = format!("invalid IP address `{}`", shown(text));
            cx.diagnostics.push(wrong("invalid-address", title, "write e.g. `10.0.0.1`"));
        }
        Subnet if subnet(text).is_none() => {
            let title = format!("invalid subnet `{}`", shown(text));
            cx.diagnostics.push(wrong("invalid-address", title, "write e.g. `172.30.0.0/24`"));
        }
        Words(what, words, prefixes) => {
            let begins = |prefix: &&str| text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
            let known = words.contains(&text) || prefixes.iter().any(begins);
            let interval = text.strip_prefix("every_").is_none_or(|interval| value::nanoseconds(interval).is_some());
            if !known || !interval {
                unknown_word(text, what, words, span, cx);
            }
        }
        Typos(what, words, prefixes) => {
            let known = words.contains(&text) || prefixes.iter().any(|prefix| text.starts_with(prefix));
            if !known && nearest(text, words.iter().copied()).is_some() {
                unknown_word(text, what, words, span, cx);
            }
        }
        Access => {
            let rest = text.strip_prefix("container:").unwrap_or(text);
            if let Some((_, mode)) = rest.split_once(':')
                && !matches!(mode, "ro" | "rw" | "z" | "Z")
            {
                unknown_word(mode, "mode", &["ro", "rw"], span, cx);
            }
        }
        _ => {}
    }
}

/// Reports keys of a table of which there may be one.
fn either(table: &Table<'_>, keys: &[&str], cx: &mut Context<'_>) {
    let mut found = table.entries.iter().filter(|(key, _)| keys.contains(&key.name.as_ref()));
    if let (Some((first, _)), Some((second, _))) = (found.next(), found.next()) {
        cx.diagnostics.push(
            Diagnostic::new("contradiction", format!("`{}` conflicts with `{}`", second.name, first.name), second.span)
                .also(first.span, "the other one")
                .help("remove one of the two"),
        );
    }
}

/// Reports a number outside of its bounds.
pub(super) fn number_out_of_range(
    number: i64,
    (least, most): (Option<i64>, Option<i64>),
    span: Span,
    cx: &mut Context<'_>,
) {
    let bounds = match (least, most) {
        (Some(least), Some(most)) => format!("must be from {least} to {most}"),
        (Some(least), None) => format!("must be at least {least}"),
        (None, most) => format!("must be at most {}", most.unwrap_or_default()),
    };
    let diagnostic = Diagnostic::new("number-out-of-range", format!("{number} is out of range"), span);
    cx.diagnostics.push(diagnostic.at(bounds));
}
