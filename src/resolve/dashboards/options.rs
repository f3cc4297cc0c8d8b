//! The options of Grafana's own panels. The build script compiles `panel_options.tsv` in, which
//! `node tests/grafana/options.mjs` writes from @grafana/schema.

use std::sync::LazyLock;

use crate::diagnostic::Diagnostic;
use crate::spec::dashboard::PANEL;
use crate::spec::decode::{Map, Spanned, expected, listed, shown};
use crate::spec::grafana::{Data, Given, Kind, Logic, own};

include!(concat!(env!("OUT_DIR"), "/panel_options.rs"));

/// Which table of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// `options`.
    Options,
    /// `fieldConfig.defaults.custom`.
    Custom,
}

impl Area {
    fn word(self) -> &'static str {
        match self {
            Self::Options => "options",
            Self::Custom => "custom",
        }
    }
}

/// One line of the table.
#[derive(Debug)]
struct Line {
    panel: &'static str,
    area: &'static str,
    path: &'static str,
    kind: &'static str,
}

/// The lines of a panel type.
fn of(panel: &str) -> impl Iterator<Item = &'static Line> {
    let from = LINES.partition_point(|line| line.panel < panel);
    LINES.iter().skip(from).take_while(move |line| line.panel == panel)
}

fn find(panel: &str, area: &str, path: &str) -> Option<&'static Line> {
    let at = LINES.binary_search_by(|line| (line.panel, line.area, line.path).cmp(&(panel, area, path)));
    LINES.get(at.ok()?)
}

/// Whether a panel type is built into Grafana.
pub fn is_core(panel: &str) -> bool {
    /// Each panel is looked up several times.
    static TYPES: LazyLock<Vec<&str>> = LazyLock::new(|| core_types().collect());
    TYPES.contains(&panel)
}

/// In place of a panel type: words that every panel knows.
const COMMON: &str = "-";

/// The names of Grafana's colors (`color`), of its ways to choose one (`color-mode`) or of its calculations (`reducer`).
pub fn common_words(what: &str) -> impl Iterator<Item = &'static str> + Clone {
    /// Every color of a dashboard is looked up.
    static WORDS: LazyLock<Vec<(&str, Vec<&str>)>> = LazyLock::new(|| {
        of(COMMON).filter(|line| line.path == ROOT).map(|line| (line.area, line.kind.split('|').collect())).collect()
    });
    let found = WORDS.iter().find(|(known, _)| *known == what);
    found.into_iter().flat_map(|(_, words)| words.iter().copied())
}

/// The path of a whole table.
const ROOT: &str = ".";

/// Grafana's built-in panel types.
pub fn core_types() -> impl Iterator<Item = &'static str> {
    let panels = LINES.chunk_by(|line, next| line.panel == next.panel).filter_map(|lines| Some(lines.first()?.panel));
    panels.filter(|panel| *panel != COMMON)
}

/// Whether panels of a type have an option; a plugin may have any.
pub fn has(panel: &str, path: &str) -> bool {
    !is_core(panel) || find(panel, Area::Options.word(), path).is_some()
}

/// The options that a panel has keys for, by their paths: `legend.sortBy` is `legend.sort_by`.
static OWN: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let mut options = Vec::new();
    for (place, key) in own(&PANEL) {
        let Some(place) = place.strip_prefix("options.") else { continue };
        let Kind::Table(table) = key.kind else {
            options.push((place.to_owned(), key.word.to_owned()));
            continue;
        };
        if table.logic == Logic::Legend {
            options.push((format!("{place}.showLegend"), key.word.to_owned()));
        }
        for (below, inner) in own(table) {
            // The short form says it in the key itself.
            let short = table.short == Some(inner.word);
            let word = if short { key.word.to_owned() } else { format!("{}.{}", key.word, inner.word) };
            options.push((format!("{place}.{below}"), word));
        }
    }
    options
});

/// The key of a panel that says the same as an option.
fn key_of(path: &str) -> Option<&'static str> {
    OWN.iter().find(|(own, _)| own == path).map(|(_, word)| word.as_str())
}

/// Problems with the options of a panel; those of plugins are not known.
pub fn check(panel: &str, area: Area, table: &Map<Given>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let check = Check { panel, area };
    // A panel without a line for the area has no such options; `any` means that its options are unknown.
    if is_core(panel) && find(panel, area.word(), ROOT).is_none_or(|root| root.kind != "any") {
        check.members("", table, &mut problems);
    }
    problems
}

struct Check<'c> {
    panel: &'c str,
    area: Area,
}

impl Check<'_> {
    fn members(&self, prefix: &str, table: &Map<Given>, problems: &mut Vec<Diagnostic>) {
        for (key, given) in table.iter() {
            let path = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
            let own = if self.area == Area::Options { key_of(&path) } else { None };
            // A dot in a key would pass for a table.
            let known = find(self.panel, self.area.word(), &path).filter(|_| !key.value.contains('.'));
            match (own, known) {
                // The heatmap's legend has other options than the rest.
                (Some(own), Some(_)) => problems.push(
                    Diagnostic::new("first-class-key", format!("`{path}` cannot be set in `options`"), key.span)
                        .help(format!("use `{own}` of the panel instead")),
                ),
                (_, Some(line)) => self.value(line.kind, &path, given, problems),
                (_, None) => problems.push(self.unknown(prefix, &path, key)),
            }
        }
    }

    fn unknown(&self, prefix: &str, path: &str, key: &Spanned<String>) -> Diagnostic {
        let area = self.area.word();
        let title = format!("unknown option `{}` of a `{}` panel", shown(path), self.panel);
        let unknown = Diagnostic::new("unknown-option", title, key.span).at(format!("in `{area}`"));
        if path != ROOT && find(self.panel, area, path).is_some() {
            return unknown.help(format!("remove the quotes around `{}`", shown(&key.value)));
        }
        let below = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let siblings: Vec<&str> = of(self.panel)
            .filter(|line| line.area == area)
            .filter_map(|line| line.path.strip_prefix(&below))
            .filter(|rest| !rest.contains('.'))
            .collect();
        unknown.suggest(&key.value, siblings.iter().copied(), || {
            let elsewhere = match self.area {
                Area::Options => Area::Custom,
                Area::Custom => Area::Options,
            };
            if find(self.panel, elsewhere.word(), path).is_some() {
                format!("move it to `{}`", elsewhere.word())
            } else {
                expected(siblings.iter().copied())
            }
        })
    }

    fn value(&self, kind: &str, path: &str, given: &Given, problems: &mut Vec<Diagnostic>) {
        let kinds: Vec<&str> = kind.split(" or ").collect();
        let fitting = kinds.iter().find(|kind| fits(kind, given));
        match (fitting, &given.data) {
            (Some(&"object"), Data::Map(table)) => self.members(path, table, problems),
            (Some(&"list object"), Data::List(items)) => {
                for item in items {
                    if let Data::Map(table) = &item.data {
                        self.members(&format!("{path}.*"), table, problems);
                    }
                }
            }
            (Some(&"map object"), Data::Map(items)) => {
                for (_, item) in items.iter() {
                    if let Data::Map(table) = &item.data {
                        self.members(&format!("{path}.*"), table, problems);
                    }
                }
            }
            (Some(_), _) => {}
            (None, _) => {
                let expected: Vec<String> = kinds.iter().map(|kind| describe(kind)).collect();
                let title = format!("invalid value for `{}` of a `{}` panel", shown(path), self.panel);
                let words: Vec<&str> = kinds.iter().flat_map(|kind| kind.split('|')).collect();
                let written = match &given.data {
                    Data::Text(text) => text.value.as_str(),
                    _ => "",
                };
                problems.push(Diagnostic::new("invalid-option", title, given.span).suggest(
                    written,
                    if kind.contains('|') { words } else { Vec::new() },
                    || format!("write {}", expected.join(" or ")),
                ));
            }
        }
    }
}

/// Whether a value is of one type of the table.
fn fits(kind: &str, given: &Given) -> bool {
    if let Some(inner) = kind.strip_prefix("list ") {
        return matches!(&given.data, Data::List(items) if items.iter().all(|item| fits(inner, item)));
    }
    if let Some(inner) = kind.strip_prefix("map ") {
        return matches!(&given.data, Data::Map(table) if table.iter().all(|(_, item)| fits(inner, item)));
    }
    match (kind, &given.data) {
        ("any", _) | ("bool", Data::Flag(_)) | ("number", Data::Int(_) | Data::Float(_)) | ("object", Data::Map(_)) => {
            true
        }
        // A variable may be used instead of the word.
        (_, Data::Text(text)) => kind == "string" || words(kind).any(|word| word == text.value),
        (_, Data::Int(number)) => words(kind).any(|word| word == number.to_string()),
        _ => false,
    }
}

/// The words of a type that is a choice, or one word.
fn words(kind: &str) -> impl Iterator<Item = &str> {
    let named = matches!(kind, "any" | "bool" | "number" | "string" | "object");
    kind.split('|').filter(move |_| !named)
}

fn describe(kind: &str) -> String {
    match kind {
        "bool" => "`true` or `false`".to_owned(),
        "number" => "a number".to_owned(),
        "string" => "a string".to_owned(),
        "object" => "a table".to_owned(),
        _ if kind.starts_with("list ") => "a list".to_owned(),
        _ if kind.starts_with("map ") => "a table".to_owned(),
        _ => format!("one of {}", listed(kind.split('|'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_described() {
        let [text, list, map, word] = ["string", "list string", "map number", "a|b"].map(describe);
        assert_eq!([text, list, map, word], ["a string", "a list", "a table", "one of `a`, `b`"]);
    }

    #[test]
    fn the_table_has_what_the_panels_of_the_issue_need() {
        for panel in [
            "timeseries",
            "stat",
            "gauge",
            "bargauge",
            "table",
            "text",
            "logs",
            "heatmap",
            "state-timeline",
            "piechart",
        ] {
            assert!(is_core(panel), "{panel}");
        }
        assert!(!is_core("graph") && !is_core("singlestat") && !is_core("row"));
        assert!(has("timeseries", "legend.displayMode") && !has("heatmap", "legend.displayMode"));
        let types: Vec<&str> = core_types().collect();
        assert!(types.len() > 15 && types.is_sorted() && types.windows(2).all(|pair| pair[0] != pair[1]), "{types:?}");
        for (path, key) in [
            ("content", "content"),
            ("legend.displayMode", "legend"),
            ("legend.showLegend", "legend"),
            ("legend.sortBy", "legend.sort_by"),
            ("tooltip.mode", "tooltip"),
            ("reduceOptions.calcs", "reduce"),
            ("reduceOptions.limit", "reduce.limit"),
        ] {
            assert!(LINES.iter().any(|line| line.area == "options" && line.path == path), "{path}");
            assert_eq!(key_of(path), Some(key), "{path}");
        }
        assert_eq!(key_of("legend"), None);
        assert_eq!(key_of("graphMode"), None);
        for line in LINES {
            let found = find(line.panel, line.area, line.path).map(|found| found.kind);
            assert_eq!(found, Some(line.kind), "{line:?}: the table is sorted");
            for kind in line.kind.split(" or ") {
                assert!(!kind.is_empty() && !kind.contains("  "), "{line:?}");
            }
        }
    }
}
