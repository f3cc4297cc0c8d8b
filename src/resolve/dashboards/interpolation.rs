//! Grafana's variables in a text.
//!
//! Grafana replaces all matches of this regular expression, in every string of a dashboard that it interpolates
//! (`variableRegex` in `public/app/features/variables/utils.ts` of Grafana 12, `VARIABLE_REGEX` in
//! `packages/scenes/src/variables/constants.ts` of @grafana/scenes 6):
//!
//! ```text
//! /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\${(\w+)(?:\.([^:^\}]+))?(?::([^\}]+))?}/g
//! ```
//!
//! It ignores the language around it: quotes, comments and backslashes do not stop it. What has the name of no variable
//! stays as it is.
//!
//! The spec has one thing more: `$$name` is `$name` in the JSON, and means no variable.

use std::borrow::Cow;
use std::ops::Range;

/// One place of a text that Grafana replaces by the value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The variable, e.g. `namespace`.
    pub name: &'a str,
    /// Bytes of the whole reference, with its `$` and brackets.
    pub range: Range<usize>,
    /// `field` of `${name.field}`.
    pub field: Option<&'a str>,
    /// `format` of `${name:format}` or `[[name:format]]`.
    pub format: Option<&'a str>,
}

/// The references of a text, in order.
///
/// A name of only digits is not a reference, although Grafana's expression matches it: no variable has one, and `$1` is
/// a group that `label_replace` or a renaming of fields captured.
pub fn references(text: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find(['$', '['])) {
        let start = at + next;
        match reference(text, start) {
            Some(reference) => {
                at = reference.range.end;
                if !reference.name.bytes().all(|byte| byte.is_ascii_digit()) {
                    found.push(reference);
                }
            }
            None => at = start + 1,
        }
    }
    found
}

/// The reference that starts at this byte.
fn reference(text: &str, start: usize) -> Option<Reference<'_>> {
    let rest = text.get(start..)?;
    let whole =
        |name, field, format, after: &str| Reference { name, range: start..text.len() - after.len(), field, format };
    if let Some(inner) = rest.strip_prefix("[[") {
        let (name, after) = word(inner)?;
        let (format, after) = match after.strip_prefix(':').and_then(word) {
            Some((format, after)) => (Some(format), after),
            None => (None, after),
        };
        return Some(whole(name, None, format, after.strip_prefix("]]")?));
    }
    let rest = rest.strip_prefix('$')?;
    let Some(inner) = rest.strip_prefix('{') else {
        let (name, after) = word(rest)?;
        return Some(whole(name, None, None, after));
    };
    let (name, after) = word(inner)?;
    let (field, after) = match after.strip_prefix('.').and_then(|field| until(field, &[':', '^', '}'])) {
        Some((field, after)) => (Some(field), after),
        None => (None, after),
    };
    let (format, after) = match after.strip_prefix(':').and_then(|format| until(format, &['}'])) {
        Some((format, after)) => (Some(format), after),
        None => (None, after),
    };
    Some(whole(name, field, format, after.strip_prefix('}')?))
}

/// The longest start of word characters, `\w` of JavaScript, and the rest.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What stands before the first of these characters, if anything does, and the rest.
fn until<'a>(text: &'a str, stops: &[char]) -> Option<(&'a str, &'a str)> {
    let end = text.find(stops).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Whether Grafana itself, or one of its data sources, gives a variable of this name a value.
///
pub fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        // https://grafana.com/docs/grafana/latest/visualizations/dashboards/variables/global-variables/
        "__dashboard" | "__from" | "__to" | "__interval" | "__interval_ms" | "__name" | "__org" | "__user"
        | "__range" | "__range_s" | "__range_ms" | "__rate_interval" | "timeFilter" | "__timeFilter" | "__timezone"
        | "__url_time_range" | "__all_variables"
        // The Prometheus data source adds the interval in milliseconds: `getRateIntervalScopedVariable` of
        // @grafana/prometheus.
        | "__rate_interval_ms"
        // `macrosIndex` of @grafana/scenes: links and titles that show data, and the address of the page.
        | "__value" | "__data" | "__series" | "__field" | "__url"
        // Links of the table panel before Grafana 7, which imported dashboards still have; `__cell_<n>` below, and
        // `tag_<name>` of aliases of InfluxDB's queries.
        | "__cell"
        // `constants.ts` of @grafana/scenes: what is typed in a variable's drop-down list, the chosen scopes.
        | "__searchFilter" | "__scopes"
        // `constants.ts`, as values: all of a list, the interval that is computed. Loki's data source takes
        // `[$__auto]` for a query's range: https://grafana.com/docs/grafana/latest/datasources/loki/template-variables/
        | "__all" | "__auto"
        // https://grafana.com/docs/grafana/latest/datasources/aws-cloudwatch/query-editor/
        | "__period_auto"
        // Macros of the SQL data sources:
        // https://grafana.com/docs/grafana/latest/datasources/postgres/query-editor/#macros
        | "__time" | "__timeEpoch" | "__timeFrom" | "__timeTo" | "__timeGroup" | "__timeGroupAlias"
        | "__unixEpochFilter" | "__unixEpochFrom" | "__unixEpochTo" | "__unixEpochGroup" | "__unixEpochGroupAlias"
        | "__unixEpochNanoFilter" | "__unixEpochNanoFrom" | "__unixEpochNanoTo"
        // And of ClickHouse's: https://github.com/grafana/clickhouse-datasource#macros
        | "__dateFilter" | "__dateTimeFilter" | "__dt" | "__fromTime" | "__toTime" | "__fromTime_ms" | "__toTime_ms"
        | "__timeFilter_ms" | "__timeInterval" | "__timeInterval_ms" | "__interval_s" | "__conditionalAll" | "__column"
        | "__table"
    ) || ["__auto_interval_", "__cell_", "tag_"].iter().any(|start| name.starts_with(start))
}

/// Whether a reference stands for something even if the dashboard has no such variable.
///
/// Grafana leaves a `$` as it is where it has no such variable. That is what a regular expression means by `\$`, and a
/// legend by a label of Prometheus such as `__name__`, as no variable may be named.
pub fn is_literal(text: &str, reference: &Reference<'_>) -> bool {
    let name = reference.name;
    let escaped = text.get(..reference.range.start).is_some_and(|before| before.ends_with('\\'));
    escaped || is_escaped(text, reference) || (name.starts_with("__") && name.ends_with("__")) || is_builtin(name)
}

/// Whether a `$` before a reference makes it a literal text: `$$name`.
pub fn is_escaped(text: &str, reference: &Reference<'_>) -> bool {
    dollars(text, reference).is_multiple_of(2)
}

/// The `$` that a reference begins with and those before it; 1 for `[[name]]`.
fn dollars(text: &str, reference: &Reference<'_>) -> usize {
    let start = reference.range.start;
    if !text.get(start..).is_some_and(|rest| rest.starts_with('$')) {
        return 1;
    }
    let before = text.get(..start).unwrap_or_default();
    1 + before.len() - before.trim_end_matches('$').len()
}

/// A text of the spec as Grafana gets it: of two `$` before a name, one.
pub fn unescaped(text: &str) -> Cow<'_, str> {
    rewritten(text, |dollars| dollars.div_ceil(2))
}

/// A text of Grafana as the spec has it, in which a `$` before a reference is a `$`.
pub fn escaped(text: &str) -> Cow<'_, str> {
    rewritten(text, |dollars| 2 * dollars - 1)
}

/// Changes how many `$` are before each name.
fn rewritten(text: &str, count: impl Fn(usize) -> usize) -> Cow<'_, str> {
    if !text.contains("$$") {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for reference in references(text) {
        let dollars = dollars(text, &reference);
        if dollars > 1 {
            let end = reference.range.start + 1;
            out.push_str(text.get(from..end - dollars).unwrap_or_default());
            out.extend(std::iter::repeat_n('$', count(dollars)));
            from = end;
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escaped, is_builtin, is_literal, references, unescaped};

    /// Name, field and format of each reference, as text.
    fn shown(text: &str) -> Vec<String> {
        references(text)
            .iter()
            .map(|reference| {
                let whole = format!("{}@{}", reference.name, &text[reference.range.clone()]);
                let field = reference.field.map(|field| format!(" .{field}"));
                let format = reference.format.map(|format| format!(" :{format}"));
                whole + &field.unwrap_or_default() + &format.unwrap_or_default()
            })
            .collect()
    }

    #[test]
    fn every_way_to_refer_to_a_variable_is_found() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("no variable", &[]),
            ("$ns", &["ns@$ns"]),
            ("a$ns-b", &["ns@$ns"]),
            ("${ns}", &["ns@${ns}"]),
            ("${ns}_total", &["ns@${ns}"]),
            ("$ns_total", &["ns_total@$ns_total"]),
            ("${ns:regex}", &["ns@${ns:regex} :regex"]),
            ("${__from:date:YYYY-MM}", &["__from@${__from:date:YYYY-MM} :date:YYYY-MM"]),
            ("${__user.login}", &["__user@${__user.login} .login"]),
            ("${__data.fields[0].name:raw}", &["__data@${__data.fields[0].name:raw} .fields[0].name :raw"]),
            ("[[ns]]", &["ns@[[ns]]"]),
            ("[[ns:pipe]]", &["ns@[[ns:pipe]] :pipe"]),
            ("x[[[range]]]", &["range@[[range]]"]),
            ("$a$b", &["a@$a", "b@$b"]),
            ("$$a", &["a@$a"]),
            ("\"$a\" # $b", &["a@$a", "b@$b"]),
            ("ä$aä${b}ä", &["a@$a", "b@${b}"]),
            // What the expression does not match.
            ("$", &[]),
            ("$ a", &[]),
            ("${}", &[]),
            ("${a", &[]),
            ("${a.}", &[]),
            ("${a:}", &[]),
            ("${a b}", &[]),
            ("${a^b}", &[]),
            ("[[a]", &[]),
            ("[[a:]]", &[]),
            ("[[a.b]]", &[]),
            ("[[:alpha:]]", &[]),
            ("{{operation}}", &[]),
            ("€", &[]),
            // Groups that a regular expression captured.
            ("$1", &[]),
            ("${1}:$2", &[]),
            ("$1 $a", &["a@$a"]),
            ("$1st", &["1st@$1st"]),
            // The name extends to its closing brace, even if part of it looks like a reference.
            ("${a:$b}", &["a@${a:$b} :$b"]),
            ("${a $b}", &["b@$b"]),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), *expected, "{text}");
        }
    }

    #[test]
    fn grafana_knows_its_own_names() {
        for name in
            ["__interval", "__rate_interval", "__range_s", "__from", "timeFilter", "__auto_interval_step", "__field"]
        {
            assert!(is_builtin(name), "{name}");
        }
        for name in ["", "interval", "namespace", "__", "__rate", "__intervals", "__auto_intervals", "from"] {
            assert!(!is_builtin(name), "{name}");
        }
    }

    #[test]
    fn a_dollar_may_mean_itself() {
        let literal = |text: &str| references(text).iter().map(|one| is_literal(text, one)).collect::<Vec<_>>();
        assert_eq!(literal("topic!~'\\\\$SYS.*' $a"), [true, false]);
        assert_eq!(literal("{{ $__name__ }} $__name $__other $name__"), [true, true, false, false]);
        assert_eq!(literal("$$a $$$a $${a} $$$${a} [[a]] $[[a]]"), [true, false, true, true, false, false]);
        for (written, rendered) in
            [("$$a", "$a"), ("$$$a", "$$a"), ("$$${a}", "$${a}"), ("$$", "$$"), ("$$1", "$$1"), ("é$$a$b", "é$a$b")]
        {
            assert_eq!(unescaped(written), rendered);
        }
        assert_eq!(escaped("$a $$a $$"), "$a $$$a $$");
    }

    proptest! {
        #[test]
        fn references_lie_in_the_text_in_order(text in "([$\\[\\]{}:.^a1_é \"]|\\$\\{|\\[\\[a)*") {
            let mut end = 0;
            for reference in references(&text) {
                prop_assert!(reference.range.start >= end);
                prop_assert!(text.get(reference.range.clone()).is_some_and(|whole| whole.contains(reference.name)));
                end = reference.range.end;
            }
        }

        #[test]
        fn what_is_escaped_is_read_again(text in "([$\\[\\]{}:.^a1_é \"]|\\$\\{|\\[\\[a)*") {
            let written = escaped(&text);
            let names = |text: &str| references(text).iter().map(|one| one.name.to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(names(&written), names(&text));
            prop_assert_eq!(unescaped(&written), text.as_str());
        }
    }
}
