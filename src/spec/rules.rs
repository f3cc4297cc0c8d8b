//! What values of Compose must be besides what its specification says: formats and words that only its prose and its code
//! have (compose-go, docker/go-units and the engine's API), by the place of the key.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use super::decode::{Context, Decode, missing_key, shown, unknown_word, written};
use super::tree::{Node, Table, Value};
use super::value::{self, Cpus, Ports};
use crate::diagnostic::{Diagnostic, Span, nearest};

/// A rule for the value of a key, or for each item of its list.
#[derive(Clone, Copy)]
enum Rule {
    Address,
    Cpus,
    /// A device of the host: a table, or what is between colons.
    Device,
    Duration,
    /// The least and the greatest number. compose-go reads an unsigned integer from no text, and so from no reference,
    /// where `interpolateTypeCastMapping` lacks the key (loader/interpolate.go and mapstructure.go of compose-go 2.9.1).
    Integer(i64, i64),
    /// What each item of a list is, and how to write it; the key may also be a table.
    Item(fn(&str) -> bool, &'static str),
    /// A command, which Compose splits if it is a text.
    Line,
    /// The permissions of a file.
    Mode,
    /// The least and the greatest number. A text has an integer, whatever the specification says (`toInt64` there).
    Numbers(i64, i64),
    Port,
    /// Strings, of which numbers are written with all of their digits.
    Strings,
    Size,
    /// A size, or -1 for none.
    Limit,
    /// What a text is, and how to write it.
    Text(fn(&str) -> bool, &'static str),
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
    /// A table with a key.
    Needs(&'static str, &'static str),
    /// A text and nothing else, whatever the specification says.
    Only,
    /// A text or an integer.
    Whole,
}

use Rule::{
    Access, Address, Duration, Either, Integer, Item, Limit, Numbers, Port, Size, Subnet, Target, Typos, Words,
};

/// What names a container whose namespace is shared, or a namespace of the host (Podman).
const SHARED: &[&str] = &["service:", "container:", "ns:"];

/// The last three are Docker's words for the others (`mapRestartPolicyCondition` of Compose).
const RESTART_CONDITIONS: &[&str] = &["any", "none", "on-failure", "always", "no", "unless-stopped"];

const FAILURE_ACTIONS: &[&str] = &["continue", "pause", "rollback"];

const LEAST: i64 = i64::MIN;

const MOST: i64 = i64::MAX;

/// The engine's (`verifyPlatformContainerResources` of Moby); 0 is none.
const WEIGHT: Rule = Integer(0, 1000);

const A_FILE: Rule = Rule::Text(is_filled, "the path of a file");

/// The rules by the end of the path of a key.
const RULES: &[(&str, Rule)] = &[
    ("additional_contexts", Item(has_sign, "`name=path`")),
    ("aux_addresses", Address),
    ("bind.propagation", Words("propagation", &["private", "rprivate", "rshared", "rslave", "shared", "slave"], &[])),
    ("blkio_config.weight", WEIGHT),
    ("build", Either(&["dockerfile", "dockerfile_inline"])),
    ("build.extra_hosts", Item(has_address, "`host=address`")),
    ("build.secrets", Rule::Needs("source", "a secret of a build")),
    ("build.ulimits", Integer(-1, MOST)),
    ("build.ulimits.hard", Integer(-1, MOST)),
    ("build.ulimits.soft", Integer(-1, MOST)),
    ("command", Rule::Line),
    ("cpu_period", Numbers(LEAST, MOST)),
    ("cpu_quota", Numbers(LEAST, MOST)),
    ("cpu_rt_period", Numbers(LEAST, MOST)),
    ("cpu_rt_runtime", Numbers(LEAST, MOST)),
    ("cpu_shares", Numbers(LEAST, MOST)),
    ("cpus", Rule::Cpus),
    ("delay", Duration),
    ("deploy.endpoint_mode", Words("endpoint mode", &["dnsrr", "vip"], &[])),
    ("deploy.mode", Words("mode", &["global", "global-job", "replicated", "replicated-job"], &[])),
    ("deploy.replicas", Numbers(0, MOST)),
    ("device_read_bps.rate", Size),
    ("device_write_bps.rate", Size),
    ("devices", Rule::Device),
    ("devices.permissions", Rule::Text(are_permissions, "`r`, `w` and `m`, e.g. `rw`")),
    ("discrete_resource_spec.value", Numbers(LEAST, MOST)),
    ("dns", Address),
    ("driver_opts", Rule::Strings),
    ("env_file", A_FILE),
    ("env_file.format", Words("format", &["raw"], &[])),
    ("env_file.path", A_FILE),
    ("expose", Port),
    ("gateway", Address),
    ("gpus", Either(&["count", "device_ids"])),
    ("group_add", Rule::Whole),
    ("interval", Duration),
    ("ip_range", Subnet),
    ("ipc", Words("value of `ipc`:", &["host", "none", "private", "shareable"], SHARED)),
    ("ipv6_address", Address),
    ("isolation", Words("isolation", &["default", "hyperv", "process"], &[])),
    ("label_file", A_FILE),
    ("link_local_ips", Address),
    ("links", Rule::Text(|link| link.matches(':').count() < 2, "`service` or `service:alias`")),
    ("mac_address", Rule::Text(is_mac, "an address, e.g. `02:42:ac:11:00:02`")),
    ("max_attempts", Numbers(0, MOST)),
    ("max_replicas_per_node", Numbers(0, MOST)),
    ("mem_limit", Size),
    ("mem_reservation", Size),
    ("mem_swappiness", Numbers(-1, 100)),
    ("memory", Size),
    ("memswap_limit", Limit),
    ("mode", Rule::Mode),
    ("monitor", Duration),
    ("parallelism", Numbers(0, MOST)),
    ("pid", Words("value of `pid`:", &["host"], SHARED)),
    ("pids_limit", Numbers(LEAST, MOST)),
    ("pull_policy", Words("pull policy", PULL_POLICIES, &["every_"])),
    ("reservations.devices", Either(&["count", "device_ids"])),
    ("restart_policy.condition", Words("condition", RESTART_CONDITIONS, &[])),
    ("rollback_config.failure_action", Words("failure action", FAILURE_ACTIONS, &[])),
    ("scale", Numbers(0, MOST)),
    ("shm_size", Size),
    ("ssh", Item(is_ssh, "`default` or `name=path`")),
    ("start_interval", Duration),
    ("start_period", Duration),
    ("stop_grace_period", Duration),
    ("storage_opt", Rule::Strings),
    ("subnet", Subnet),
    ("timeout", Duration),
    ("tmpfs.mode", Integer(0, 0o7777)),
    ("tmpfs.size", Size),
    ("update_config.failure_action", Words("failure action", FAILURE_ACTIONS, &[])),
    ("userns_mode", Typos("user namespace", &["host"], &[])),
    ("uts", Words("value of `uts`:", &["host"], SHARED)),
    ("volumes_from", Access),
    ("watch", Target(&["rebuild", "restart"])),
    ("watch.path", Rule::Text(is_filled, "a path")),
    ("weight_device.weight", WEIGHT),
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
    // The longest path decides.
    for rules in by_key.values_mut() {
        rules.sort_by_key(|(above, _)| std::cmp::Reverse(above.len()));
    }
    by_key
});

/// The nanoseconds, the bytes or the number of a value whose key has such a format: what two spellings of it share.
pub fn amount(above: &str, key: &str, text: &str) -> Option<String> {
    match Place::of(Some(&Place::of(None, above)), key).rule? {
        Duration => value::nanoseconds(text).map(|amount| amount.to_string()),
        Size | Limit => value::bytes(text).map(|amount| amount.to_string()),
        Rule::Cpus => text.parse::<f64>().ok().map(|amount| amount.to_string()),
        _ => None,
    }
}

/// A key, and the place of the table that has it.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    above: Option<&'p Place<'p>>,
    pub key: &'p str,
    rule: Option<Rule>,
}

impl<'p> Place<'p> {
    pub fn of(above: Option<&'p Self>, key: &'p str) -> Self {
        let mut place = Self { above, key, rule: None };
        let rules = BY_KEY.get(key).map_or(&[][..], Vec::as_slice);
        place.rule = rules.iter().find(|(path, _)| path.is_empty() || place.is_below(path)).map(|&(_, rule)| rule);
        place
    }

    fn is_below(self, path: &str) -> bool {
        let mut above = self.above;
        path.rsplit('.').all(|key| {
            let place = above.filter(|place| place.key == key);
            above = place.and_then(|place| place.above);
            place.is_some()
        })
    }

    /// The value of a name that the user chose, in a table that stands for a list.
    pub fn of_entry(self) -> Self {
        let rule = match self.rule {
            // Compose 2.40.3 panics at anything else.
            Some(Item(..)) if self.key == "additional_contexts" => Some(Rule::Only),
            Some(Item(..)) => None,
            rule => rule,
        };
        Self { rule, ..self }
    }

    /// Whether the value has a format of its own.
    pub fn has_format(self) -> bool {
        use Rule::{Only, Strings, Text, Whole};
        !matches!(self.rule, None | Some(Integer(..) | Item(..) | Numbers(..) | Only | Strings | Text(..) | Whole))
    }

    /// How a number becomes a duration.
    pub fn in_seconds(self, value: &Value<'_>) -> Option<String> {
        match (self.rule, value) {
            (Some(Duration), Value::Integer(number)) => Some(format!("write a number with its unit: `\"{number}s\"`")),
            _ => None,
        }
    }

    /// Whether each number is a string.
    pub fn has_strings(self) -> bool {
        matches!(self.rule, Some(Rule::Strings))
    }

    /// Whether a text has an integer, if it has a number.
    pub fn has_integers(self) -> bool {
        matches!(self.rule, Some(Numbers(..)))
    }

    /// Leaves those of the specification's types that Compose reads.
    pub fn narrow(self, types: &mut Vec<&'static str>) {
        match self.rule {
            Some(Integer(..)) => types.retain(|name| *name != "string"),
            Some(Rule::Only) => types.retain(|name| *name == "string"),
            Some(Rule::Strings) if types.is_empty() => types.extend(["string", "number"]),
            Some(Rule::Whole) => types.iter_mut().filter(|name| **name == "number").for_each(|name| *name = "integer"),
            _ => {}
        }
    }

    /// Reports items of a list that break the rule of the key.
    pub fn check_items(self, items: &[Node<'_>], cx: &mut Context<'_>) {
        let Some(Item(is_right, form)) = self.rule else { return };
        for item in items {
            if let Value::String(text) = &item.value
                && !is_right(text)
            {
                invalid_value(self.key, text, form, item.span, cx);
            }
        }
    }

    /// Reports a value, or an item of a list, that breaks the rule of the key.
    pub fn check(self, node: &Node<'_>, cx: &mut Context<'_>) {
        let Some(rule) = self.rule else { return };
        let span = node.span;
        match (rule, &node.value) {
            (Either(keys), Value::Table(table)) => either(table, keys, cx),
            (Target(others), Value::Table(table)) => {
                let action = table.at(&["action"]).map(|action| action.value.written()).unwrap_or_default();
                let target = table.at(&["target"]).filter(|target| target.value.written() != "");
                if target.is_none() && !others.contains(&action.as_str()) {
                    let title = format!("missing `target` of the action `{}`", shown(&action));
                    let diagnostic = Diagnostic::new("missing-key", title, span);
                    cx.diagnostics.push(diagnostic.help("add `target`: the path in the container"));
                }
            }
            (Rule::Needs(key, what), Value::Table(table)) if table.at(&[key]).is_none() => {
                missing_key(key, what, span, cx);
            }
            // Compose reads a text as a size.
            (Numbers(-1, _), Value::String(text)) if text.starts_with('-') => {
                invalid_value(self.key, text, "a number without quotes", span, cx);
            }
            (Rule::Device, Value::Table(table)) if table.at(&["target"]).is_none() => {
                missing_key("target", "a device", span, cx);
            }
            (
                Size | Limit | Duration | Rule::Cpus | Port | Rule::Mode | Numbers(..) | Integer(..),
                Value::Table(_) | Value::List(_),
            )
            | (Limit, Value::Integer(-1)) => {}
            (Rule::Mode, value) => {
                let is_right = match value {
                    // A decimal 440 would be 0o670.
                    Value::Integer(mode) => {
                        (0..=0o7777).contains(mode) && (*mode < 8 || written(span, cx).starts_with("0o"))
                    }
                    Value::String(mode) => {
                        mode.contains("${") || u32::from_str_radix(mode, 8).is_ok_and(|mode| mode <= 0o7777)
                    }
                    _ => false,
                };
                if !is_right {
                    let text =
                        if let Value::Integer(_) = value { written(span, cx).to_owned() } else { value.written() };
                    invalid_value(self.key, &text, "an octal number, e.g. `0o440`", span, cx);
                }
            }
            (Rule::Line, Value::String(line)) => check_line(line, span, cx),
            (Rule::Cpus, _) => _ = Cpus::decode(node.clone(), cx),
            (Port, _) => {
                let mut port = node.clone();
                if let Value::String(text) = &mut port.value
                    && let Some((ports, "tcp" | "udp" | "sctp")) = text.split_once('/')
                {
                    *text = ports.to_owned().into();
                }
                let _: Option<Ports> = Decode::decode(port, cx);
            }
            (Numbers(least, most) | Integer(least, most), value) => {
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
            (_, Value::String(text)) if !text.contains("${") => check_text(rule, (self.key, text), span, cx),
            _ => {}
        }
    }
}

fn is_filled(text: &str) -> bool {
    !text.is_empty()
}

fn has_sign(item: &str) -> bool {
    item.contains('=')
}

fn is_ssh(item: &str) -> bool {
    item == "default" || item.contains("${") || has_sign(item)
}

fn has_address(item: &str) -> bool {
    item.split_once(['=', ':']).is_some_and(|(host, address)| !host.is_empty() && !address.is_empty())
}

fn is_device(text: &str) -> bool {
    let mut pieces = text.split(':').skip(2);
    pieces.next().is_none_or(are_permissions) && pieces.next().is_none()
}

/// Permissions of a device (`ValidateDeviceMode` of docker/cli).
fn are_permissions(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| "rwm".contains(c))
}

/// An address of Ethernet, as Go reads it with colons, dashes or dots (`ParseMAC`).
fn is_mac(text: &str) -> bool {
    let groups = |sign: char, digits: usize| {
        text.split(sign).count() * digits == 12
            && text.split(sign).all(|piece| piece.len() == digits && piece.chars().all(|c| c.is_ascii_hexdigit()))
    };
    groups(':', 2) || groups('-', 2) || groups('.', 4)
}

/// Reports a value that is not of the form that help shows.
fn invalid_value(key: &str, text: &str, form: &str, span: Span, cx: &mut Context<'_>) {
    let title = format!("invalid value `{}` of `{}`", shown(text), shown(key));
    cx.diagnostics.push(Diagnostic::new("wrong-type", title, span).help(format!("write {form}")));
}

/// Reports a command that Compose can't split; one of a service itself is checked when its references are known.
pub(super) fn check_line(line: &str, span: Span, cx: &mut Context<'_>) {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        rest = match (after.strip_prefix('$'), after.strip_prefix('{')) {
            (None, Some(reference)) => reference.split_once('}').map_or("", |(_, rest)| rest),
            (escaped, _) => {
                plain.push('$');
                escaped.unwrap_or(after)
            }
        };
    }
    plain.push_str(rest);
    if let Some(problem) = invalid_command(&plain, span) {
        cx.diagnostics.push(problem);
    }
}

/// The problem with a command without its references, if Compose can't split it.
pub fn invalid_command(line: &str, span: Span) -> Option<Diagnostic> {
    (!value::is_command_line(line)).then(|| {
        Diagnostic::new("invalid-command", "invalid command line", span)
            .at("has an unclosed quote, a parenthesis, or a `\\` at its end")
            .help("quote it, or write a list of arguments, e.g. `[\"sh\", \"-c\", \"…\"]`")
    })
}

fn check_text(rule: Rule, (key, text): (&str, &str), span: Span, cx: &mut Context<'_>) {
    let wrong = |code, title: String, help: &str| Diagnostic::new(code, title, span).help(help);
    match rule {
        Duration if value::nanoseconds(text).is_none() || value::is_too_long(text) => {
            value::invalid_duration(text, span, cx);
        }
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
        Rule::Text(is_right, form) if !is_right(text) => invalid_value(key, text, form, span, cx),
        Rule::Device if !is_device(text) => {
            invalid_value(key, text, "`source`, `source:target` or `source:target:rwm`", span, cx);
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

/// An address and the length of its prefix.
pub fn subnet(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    Some((address, length.parse().ok().filter(|length| *length <= bits)?))
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
