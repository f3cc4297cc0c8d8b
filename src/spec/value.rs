//! Values with their own syntax: durations, sizes, port numbers.

use std::fmt;

use serde_json::json;

use super::decode::{Context, Decode, shown};
use super::schema::{self, Schema, Schemas, any_of};
use super::tree::{Node, Value as TreeValue};
use crate::diagnostic::{Diagnostic, Span};

/// A duration such as `30s` or `1m30s`, in Go's syntax, which Compose, Temporal, Loki and Alloy share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration {
    /// As written.
    pub text: String,
    /// In milliseconds.
    pub milliseconds: u64,
}

/// The longest `time.Duration` of Go, which is in nanoseconds.
const LONGEST_MILLISECONDS: u64 = 9_223_372_036_854;

impl Duration {
    /// Reads a duration; `None` if it is invalid, or longer than the 292 years that Go's programs can read.
    pub fn parse(text: &str) -> Option<Self> {
        let mut total: u64 = 0;
        // Go takes it without a unit.
        let mut rest = if text == "0" { "" } else { text };
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let factor = match &rest[..unit] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return None,
            };
            total = total.checked_add(number.checked_mul(factor)?)?;
            rest = &rest[unit..];
        }
        (!text.is_empty() && total <= LONGEST_MILLISECONDS).then(|| Self { text: text.to_owned(), milliseconds: total })
    }

    /// A number of seconds.
    pub fn seconds(number: u32) -> Self {
        Self { text: format!("{number}s"), milliseconds: u64::from(number) * 1_000 }
    }

    /// A number of minutes.
    pub fn minutes(number: u32) -> Self {
        Self { text: format!("{number}m"), milliseconds: u64::from(number) * 60_000 }
    }
}

impl Decode for Duration {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        if let TreeValue::Integer(_) = node.value {
            cx.mismatch(&node, "a string", Some("write a number with its unit, e.g. `\"30s\"`"));
            return None;
        }
        let text = String::decode(node, cx)?;
        let duration = Self::parse(&text);
        if duration.is_none() {
            invalid_duration(&text, span, cx);
        }
        duration
    }

    fn schema(_: &mut Schemas) -> Schema {
        schema::pattern("^([0-9]+(ms|s|m|h))+$", &["30s", "1m30s"])
    }
}

/// Whether a duration is longer than Go's programs can read.
pub(super) fn is_too_long(text: &str) -> bool {
    nanoseconds(text).is_some_and(|time| time / 1_000_000 > LONGEST_MILLISECONDS.into())
}

/// Reports an invalid duration.
pub(super) fn invalid_duration(text: &str, span: Span, cx: &mut Context<'_>) {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()?.checked_mul(24));
    let help = match days {
        _ if is_too_long(text) => format!("write at most `{}h`", LONGEST_MILLISECONDS / 3_600_000),
        Some(hours) => format!("write it in hours: `{hours}h`"),
        None => "write numbers with the units `ms`, `s`, `m` or `h`, e.g. `1m30s`".to_owned(),
    };
    let title = format!("invalid duration `{}`", shown(text));
    cx.diagnostics.push(Diagnostic::new("invalid-duration", title, span).help(help));
}

/// A size in bytes such as `64m` or `1gb`, in the forms that Docker and programs read, or a plain number of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size(pub String);

impl Size {
    /// The number of bytes, if it fits.
    pub fn bytes(&self) -> Option<u64> {
        bytes(&self.0)
    }
}

/// The number of bytes of a size as Docker reads it, such as `1.5g`, `64MiB` or `1 gb`
/// (<https://github.com/docker/go-units/blob/v0.5.0/size.go>).
pub fn bytes(text: &str) -> Option<u64> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let number = text.trim_end_matches(|c| !is_number(c));
    let unit = text[number.len()..].strip_prefix(' ').filter(|unit| !unit.is_empty()).unwrap_or(&text[number.len()..]);
    let unit = unit.to_ascii_lowercase();
    let shift = match unit.trim_end_matches('b') {
        _ if unit.ends_with("bb") || unit == "ib" => return None,
        "" => 0,
        prefix => {
            let prefix = if unit.ends_with("ib") { prefix.strip_suffix('i')? } else { prefix };
            10 * (1 + ["k", "m", "g", "t", "p"].iter().position(|known| *known == prefix)?)
        }
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(1 << shift);
    }
    #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
    let size = number.parse::<f64>().ok().filter(|_| number.chars().all(is_number))? * (1_u64 << shift) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range, and not negative")]
    (size < 9e18).then_some(size as u64)
}

/// Reports an invalid size.
pub(super) fn invalid_size(text: &str, span: Span, cx: &mut Context<'_>) {
    let help = match text.strip_suffix('i').map(str::to_ascii_lowercase).filter(|text| bytes(text).is_some()) {
        Some(text) => format!("write `{text}`: units are powers of 1024"),
        None => "write a whole number with the unit `b`, `k`, `m` or `g`, e.g. `64m`".to_owned(),
    };
    cx.diagnostics.push(Diagnostic::new("invalid-size", format!("invalid size `{}`", shown(text)), span).help(help));
}

/// The nanoseconds of a duration as Compose reads it: numbers with the units of Go, days and weeks.
pub fn nanoseconds(text: &str) -> Option<u128> {
    let mut total = 0;
    // Go takes it without a unit.
    let mut rest = if text == "0" { "" } else { text };
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let factor: u64 = match &unit[..end] {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "w" => 604_800_000_000_000,
            _ => return None,
        };
        let number: f64 = rest[..rest.len() - unit.len()].parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative")]
        #[expect(clippy::cast_precision_loss, reason = "the units are exact")]
        let part = (number * factor as f64).round() as u128;
        total += part.min(u128::from(u64::MAX));
        rest = &unit[end..];
    }
    (!text.is_empty()).then_some(total)
}

impl Decode for Size {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let text = match node.value {
            TreeValue::Integer(bytes @ 0..) => return Some(Self(bytes.to_string())),
            TreeValue::Integer(negative) => negative.to_string(),
            _ => String::decode(node, cx)?,
        };
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let unit = text[digits..].to_ascii_lowercase();
        if digits > 0 && matches!(unit.as_str(), "" | "b" | "k" | "kb" | "m" | "mb" | "g" | "gb") {
            return Some(Self(text));
        }
        invalid_size(&text, span, cx);
        None
    }

    fn schema(_: &mut Schemas) -> Schema {
        any_of([json!({ "type": "integer", "minimum": 0 }), schema::pattern("^[0-9]+([bB]|[kmgKMG][bB]?)?$", &["64m"])])
    }
}

/// The name of a user or a database: programs put it into SQL, into URLs and into scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier(pub String);

impl Identifier {
    /// What to do about one that is invalid.
    pub const HELP: &str = "use at most 63 lowercase letters, digits, `_` and `-`, starting with a letter or `_`";

    /// Whether a text is one. The length is `NAMEDATALEN` of PostgreSQL without its end.
    pub fn is_valid(text: &str) -> bool {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        starts && text.chars().all(is_plain) && text.len() <= 63
    }
}

impl Decode for Identifier {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let text = String::decode(node, cx)?;
        if Self::is_valid(&text) {
            return Some(Self(text));
        }
        let title = if text.is_empty() { "empty name".to_owned() } else { format!("invalid name `{}`", shown(&text)) };
        let diagnostic = Diagnostic::new("invalid-name", title, span);
        let diagnostic = if text.contains("${") { diagnostic.at("cannot refer to a variable") } else { diagnostic };
        cx.diagnostics.push(diagnostic.help(Self::HELP));
        None
    }

    fn schema(_: &mut Schemas) -> Schema {
        schema::pattern("^[a-z_][a-z0-9_-]{0,62}$", &["temporal"])
    }
}

/// A number of CPUs: an integer, a float or a string such as `0.5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpus(pub String);

impl Decode for Cpus {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let text = match &node.value {
            TreeValue::Integer(number) => number.to_string(),
            TreeValue::Float(number) => number.to_string(),
            _ => String::decode(node, cx)?,
        };
        if text.parse::<f64>().is_ok_and(|cpus| cpus.is_finite() && cpus > 0.0) {
            return Some(Self(text));
        }
        cx.diagnostics.push(
            Diagnostic::new("invalid-cpus", format!("invalid number of CPUs `{}`", shown(&text)), span).help(
                match text.strip_suffix('m').and_then(|text| text.parse::<u32>().ok()).filter(|&number| number > 0) {
                    Some(thousandths) => format!("write `{}`", f64::from(thousandths) / 1000.0),
                    None => "write a positive number, e.g. `0.5`".to_owned(),
                },
            ),
        );
        None
    }

    fn schema(_: &mut Schemas) -> Schema {
        any_of([json!({ "type": "number", "exclusiveMinimum": 0 }), schema::pattern("^[0-9.eE+-]+$", &["0.5"])])
    }
}

/// One port or a range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last; equal to the first for one port.
    pub last: u16,
}

impl Ports {
    /// Reads `8080` or `8080-8090`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<u16>().ok()).flatten().filter(|&port| port > 0)
        };
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        (first <= last).then_some(Self { first, last })
    }

    /// How many there are.
    pub fn count(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

/// The title of a diagnostic.
pub(super) fn invalid_port(text: &str) -> String {
    if text.is_empty() { "empty port".to_owned() } else { format!("invalid port `{}`", shown(text)) }
}

impl Decode for Ports {
    fn decode(node: Node<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let span = node.span;
        let text = match &node.value {
            TreeValue::Integer(number) => number.to_string(),
            TreeValue::String(text) => text.clone().into_owned(),
            _ => {
                cx.mismatch(&node, "a port number", None);
                return None;
            }
        };
        let ports = Self::parse(&text);
        if ports.is_none() {
            cx.diagnostics.push(
                Diagnostic::new("invalid-port", invalid_port(&text), span).at("must be from 1 to 65535").help(
                    if text.contains(':') {
                        "write `{ published = 8082, target = 8080 }`"
                    } else {
                        "write a number, or a range as a string: `\"8000-8010\"`"
                    },
                ),
            );
        }
        ports
    }

    fn schema(_: &mut Schemas) -> Schema {
        any_of([
            json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
            schema::pattern("^[0-9]+(-[0-9]+)?$", &["8000-8010"]),
        ])
    }
}

/// Whether Compose can split a command at its spaces (`Parse` of go-shellwords 1.0.12, which ignores what follows an
/// operator of a shell).
pub fn is_command_line(line: &str) -> bool {
    let [mut single, mut double, mut back, mut dollar, mut escaped] = [false; 5];
    let mut last = ' ';
    for c in line.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if !single => {
                escaped = true;
                continue;
            }
            '`' if !single && !double && !dollar => back = !back,
            ')' if !single && !double && !back => dollar = !dollar,
            '(' if !single && !double && !back => {
                if dollar || last != '$' {
                    return false;
                }
                dollar = true;
            }
            '"' if !single && !dollar => {
                double = !double;
                continue;
            }
            '\'' if !double && !dollar => {
                single = !single;
                continue;
            }
            ';' | '&' | '|' | '<' | '>' if !(single || double || back || dollar) => return true,
            _ => {}
        }
        last = c;
    }
    !(single || double || back || dollar || escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_compose_splits() {
        for right in
            ["", "a b", "a 'b c' \"d 'e\"", "a\\ b", "it\\'s", "a | b 'c", "`a b`", "$(a b)", "'('", "a # \"x\""]
        {
            assert!(is_command_line(right), "{right}");
        }
        for wrong in ["it's", "a \"b", "a \\", "a (b)", "a )", "a `b", "$(a"] {
            assert!(!is_command_line(wrong), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        let milliseconds = |text| Duration::parse(text).map(|duration| duration.milliseconds);
        assert_eq!(milliseconds("1m30s"), Some(90_000));
        assert_eq!(milliseconds("250ms"), Some(250));
        assert_eq!(milliseconds("72h"), Some(259_200_000));
        for (made, text) in [(Duration::seconds(5), "5s"), (Duration::minutes(5), "5m")] {
            assert_eq!((made.text.as_str(), Some(made.milliseconds)), (text, milliseconds(text)));
        }
        for wrong in ["", "5", "s", "5 s", "5d", "-5s", "1.5m", "99999999999999999999s", "9999999999999999h"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        let bytes = |text: &str| Size(text.to_owned()).bytes();
        assert_eq!(
            (bytes("64"), bytes("64b"), bytes("1k"), bytes("1KB")),
            (Some(64), Some(64), Some(1024), Some(1024))
        );
        assert_eq!((bytes("2m"), bytes("1gb")), (Some(2 << 20), Some(1 << 30)));
        assert_eq!(bytes("99999999999999999g"), None);
        assert_eq!((bytes("1.5gb"), bytes("64MiB"), bytes(".5k")), (Some(3 << 29), Some(64 << 20), Some(512)));
        assert_eq!((bytes("1 gb"), bytes("1tb"), bytes("5.p")), (Some(1 << 30), Some(1 << 40), Some(5 << 50)));
        for wrong in
            ["", " 1g", "10q", "-1", "1bb", "1mbb", "1  g", "g", "inf", ".", "1ib", "1 ", "1.5.5g", "1g1", "99999.9p"]
        {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nanoseconds_of_a_duration() {
        assert_eq!(nanoseconds("1m30s"), nanoseconds("90s"));
        assert_eq!((nanoseconds("1.5h"), nanoseconds("1d")), (Some(5_400_000_000_000), Some(86_400_000_000_000)));
        for right in ["10s", "100us", "1w2d", "0s"] {
            assert!(nanoseconds(right).is_some(), "{right}");
        }
        for wrong in ["", "10", "s", "10 s", "soon", "1..5s", "5y"] {
            assert_eq!(nanoseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(Ports::parse("8080"), Some(Ports { first: 8080, last: 8080 }));
        assert_eq!(Ports::parse("8000-8010"), Some(Ports { first: 8000, last: 8010 }));
        for wrong in ["", "0", "65536", "10-5", "+5", "1-", "-1", "80:80"] {
            assert_eq!(Ports::parse(wrong), None, "{wrong}");
        }
    }
}
