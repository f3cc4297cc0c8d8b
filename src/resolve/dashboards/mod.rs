//! `spec/dashboards/*.toml`.

pub mod ids;
pub mod interpolation;
pub mod layout;
pub mod object;
pub mod options;
pub mod panel;
pub mod promql;
mod query;
mod scope;
pub mod variables;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Resolver, names};
use crate::diagnostic::{Diagnostic, Span};
use crate::lit::json::Document;
use crate::model::dashboard::{Dashboard, Datasource, Grid, Json};
use crate::spec::dashboard::Dashboard as Written;
use crate::spec::decode::{Map, Spanned, listed, shown};
use crate::spec::grafana::{Kind as Type, Record};
use crate::spec::lints::Lints;
use crate::spec::quoted::Quoted;
use ids::Ids;
use layout::Item;
use scope::Scope;

/// The classic schema's last version (`DASHBOARD_SCHEMA_VERSION` of Grafana 13).
const SCHEMA_VERSION: u32 = 42;

/// A query with something in the place of each variable that Prometheus could read there: a name, and for a range a
/// duration.
pub fn with_stand_ins(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut from = 0;
    for reference in interpolation::references(query) {
        out.push_str(&query[from..reference.range.start]);
        let before = &query[..reference.range.start];
        let in_range = before.rfind('[').is_some_and(|open| !before[open..].contains(']'));
        out.push_str(if in_range { "5m" } else { "x" });
        from = reference.range.end;
    }
    out.push_str(&query[from..]);
    out
}

/// Dashboards that were resolved, for the next profile that has the same.
#[derive(Debug, Default)]
pub struct Shared {
    plugins: Vec<String>,
    lints: Lints,
    /// By the address of what they were resolved from, which is kept, so that nothing else has it.
    resolved: HashMap<usize, Resolved>,
    /// Queries without a mistake: panels share some, and changes of a trace most.
    queries: HashSet<String>,
}

/// A dashboard that was resolved without anything to report, and what that depends on.
#[derive(Debug)]
struct Resolved {
    written: Arc<Written>,
    dashboard: Arc<Dashboard>,
    /// The datasources of the stack that it names.
    named: Vec<Datasource>,
    default: Option<Datasource>,
    /// Whether the profile removes something: what is unused is then no mistake.
    removes: bool,
}

impl Resolver<'_> {
    /// Forgets what was resolved with other plugins or lints, and from what nothing else has any more.
    fn keep_what_fits(&mut self) {
        let settings = self.providers(super::DASHBOARDS).filter_map(|(_, service)| service.settings.as_ref());
        let plugins = settings.flat_map(|settings| settings.strings("plugins")).map(|plugin| plugin.value.clone());
        let plugins: Vec<String> = plugins.collect();
        if self.shared.plugins != plugins || self.shared.lints != self.spec.lints {
            let queries = std::mem::take(&mut self.shared.queries);
            *self.shared = Shared { plugins, lints: self.spec.lints.clone(), resolved: HashMap::new(), queries };
        }
        // A trace resolves thousands of dashboards that are changed, each of them once.
        self.shared.resolved.retain(|_, resolved| Arc::strong_count(&resolved.written) > 1);
    }

    /// A datasource of the stack.
    fn datasource(&self, uid: &str) -> Option<Datasource> {
        let source = self.spec.datasources.get(uid)?;
        Some(Datasource { plugin: source.kind.value.plugin().to_owned(), uid: uid.to_owned() })
    }

    /// The stack's default datasource.
    fn default_datasource(&self) -> Option<Datasource> {
        let sources = &self.spec.datasources;
        let default = sources.iter().find(|(_, source)| source.default.as_ref().is_some_and(|flag| flag.value));
        let only = || sources.iter().next().filter(|_| sources.entries.len() == 1);
        default.or_else(only).and_then(|(uid, _)| self.datasource(&uid.value))
    }

    /// Every dashboard, for a stack that has a Grafana.
    pub(super) fn dashboards(&mut self) -> Vec<Arc<Dashboard>> {
        let spec = self.spec;
        let mut uids: HashMap<String, Span> = HashMap::new();
        let mut titles: HashMap<(&str, &str), Span> = HashMap::new();
        let mut dashboards = Vec::with_capacity(spec.dashboards.entries.len());
        if self.providers(super::DASHBOARDS).next().is_none() {
            if let Some((name, _)) = spec.dashboards.iter().next()
                && spec.services.broken.is_empty()
                && !self.removes()
            {
                let title = format!("missing service to show dashboard `{}`", shown(&name.value));
                let diagnostic = Diagnostic::new("missing-service", title, name.span);
                self.report_missing(
                    spec.sound,
                    diagnostic.help(super::add_a_provider(&self.profile.kinds, super::DASHBOARDS)),
                );
            }
            return dashboards;
        }
        self.keep_what_fits();
        for (name, dashboard) in spec.dashboards.iter() {
            let written = dashboard.record.text("uid");
            let uid = written.map(|uid| Spanned { value: uid.value.clone(), span: uid.span });
            let uid = uid.as_ref().unwrap_or(name);
            self.check_uid(uid, written.is_some());
            if let Some(&first) = uids.get(&uid.value) {
                self.report(
                    Diagnostic::new("uid-clash", format!("duplicate dashboard UID `{}`", shown(uid)), uid.span)
                        .also(first, "the other one")
                        .help("set another `uid` for one of them"),
                );
            } else {
                uids.insert(uid.value.clone(), uid.span);
            }
            if let Some(title) = dashboard.record.text("title")
                && let Some(first) = titles.insert((&dashboard.folder.value, &title.value), title.span)
            {
                let message = format!("duplicate dashboard title `{}` in a folder", shown(&title.value));
                self.report(
                    Diagnostic::new("title-clash", message, title.span)
                        .also(first, "the other one")
                        .help("change one of them: Grafana stops updating the folder"),
                );
            }
            if self.in_folder(&dashboard.folder) {
                dashboards.push(self.dashboard((name, dashboard), uid));
            }
        }
        self.check_folders();
        dashboards
    }

    /// A UID is part of URLs, and the name of a dashboard is that of its file.
    fn check_uid(&mut self, uid: &Spanned<String>, written: bool) {
        if !written {
            names::dashboard(uid, self.diagnostics);
        }
        // Other problems with the name were reported.
        let fits = if written { is_uid(&uid.value) } else { uid.value.len() <= LONGEST_UID };
        if !fits {
            self.report(
                Diagnostic::new("invalid-uid", format!("invalid UID `{}`", shown(uid)), uid.span)
                    .help(format!("use 1 to {LONGEST_UID} letters, digits, `-` and `_`")),
            );
        }
    }

    /// Whether Grafana has a folder; reports it if not.
    fn in_folder(&mut self, folder: &Spanned<String>) -> bool {
        let settings = self.providers(super::DASHBOARDS).filter_map(|(_, service)| service.settings.as_ref());
        let folders: Vec<_> = settings.filter_map(|settings| settings.strings_by_name("folders")).collect();
        if folders.iter().any(|map| map.knows(&folder.value)) {
            return true;
        }
        let names: Vec<&str> = folders.iter().flat_map(|map| map.names()).collect();
        let grafana =
            self.providers(super::DASHBOARDS).next().map(|(name, service)| (name.value.clone(), service.sound));
        let Some((grafana, true)) = grafana else { return false };
        let section = format!("services.{grafana}.settings.folders");
        let title = format!("unknown folder `{}`", shown(&folder.value));
        let declared =
            format!("declare it: `folders.{} = \"<title>\"` in [services.{grafana}.settings]", shown(folder));
        self.report_unknown(("unknown-folder", title), &section, (&folder.value, folder.span), names, || declared);
        false
    }

    /// A folder without a dashboard is a directory that doesn't exist.
    fn check_folders(&mut self) {
        let spec = self.spec;
        if self.removes() || !spec.dashboards.broken.is_empty() {
            return;
        }
        for (_, service) in self.providers(super::DASHBOARDS).collect::<Vec<_>>() {
            let folders = service.settings.as_ref().and_then(|settings| settings.strings_by_name("folders"));
            for (folder, _) in folders.into_iter().flat_map(Map::iter) {
                if !spec.dashboards.iter().any(|(_, dashboard)| dashboard.folder.value == folder.value) {
                    let diagnostic =
                        Diagnostic::new("unused-folder", format!("unused folder `{}`", shown(folder)), folder.span);
                    let dashboards = self.profile.location.dashboards();
                    let help = format!("write `{dashboards}/<name>.toml` with `folder = \"{}\"`", shown(folder));
                    self.report_unused("unknown-folder", diagnostic.help(format!("{help}, or remove it")));
                }
            }
        }
    }
}

impl<'a> Resolver<'a> {
    /// A dashboard, which an earlier profile may have resolved without anything to report.
    fn dashboard(
        &mut self,
        (name, written): (&'a Spanned<String>, &'a Arc<Written>),
        uid: &Spanned<String>,
    ) -> Arc<Dashboard> {
        let place = Arc::as_ptr(written).addr();
        let default = self.default_datasource();
        if let Some(resolved) = self.shared.resolved.get(&place)
            && Arc::ptr_eq(&resolved.written, written)
            && (!resolved.removes || self.removes())
            && resolved.default == default
            && resolved.named.iter().all(|named| self.datasource(&named.uid).as_ref() == Some(named))
        {
            return Arc::clone(&resolved.dashboard);
        }
        let before = self.diagnostics.count();
        let mut scope = Scope::new(self, name, written);
        let dashboard = Arc::new(scope.dashboard(uid.value.clone(), written.folder.value.clone()));
        let named = scope.named;
        // What is broken hides mistakes.
        let is_whole = self.spec.sound && self.spec.datasources.broken.is_empty();
        if is_whole && self.diagnostics.count() == before {
            let (written, removes) = (Arc::clone(written), self.removes());
            let resolved = Resolved { written, dashboard: Arc::clone(&dashboard), named, default, removes };
            self.shared.resolved.insert(place, resolved);
        }
        dashboard
    }
}

impl<'a> Scope<'_, 'a> {
    fn dashboard(&mut self, uid: String, folder: String) -> Dashboard {
        let written = self.dashboard;
        self.dashboard_datasource();
        let mut ids = Ids::default();
        self.fixed_ids(&mut ids);
        let mut seen: HashMap<&'a str, Span> = HashMap::new();
        let (mut panels, mut top) = self.panels(written, 0, &mut ids, &mut seen);
        for (name, row) in written.records("rows") {
            let id = row.count("id").unwrap_or_else(|| ids.derive(&format!("row {}", name.value)));
            let grid = Grid { x: 0, y: top, width: layout::COLUMNS, height: 1 };
            let (mut inner, below) = self.panels(row, top + 1, &mut ids, &mut seen);
            let title = self.title(row, name);
            let made = vec![
                ("id", Some(id.into())),
                ("title", Some(title.into())),
                ("gridPos", Some(grid.json())),
                ("panels", None),
            ];
            let mut object = self.object(row, "", made);
            self.pass(row, &mut object);
            // Grafana keeps the panels of a closed row inside of it, those of an open one after it. Of a closed row only
            // its title takes room.
            let collapsed = row.flag("collapsed");
            top = if collapsed { top + 1 } else { below };
            object.insert("panels".to_owned(), if collapsed { inner.drain(..).collect() } else { json!([]) });
            panels.push(object.into());
            panels.extend(inner);
        }
        let variables: Vec<Value> =
            written.records("variables").map(|(name, variable)| self.variable(name, variable)).collect();
        let annotations: Vec<Value> =
            written.records("annotations").map(|(name, annotation)| self.annotation(name, annotation)).collect();
        let list = |list: Vec<Value>| (!list.is_empty()).then(|| json!({ "list": list }));
        let made = vec![
            ("uid", Some(uid.as_str().into())),
            ("variables", list(variables)),
            ("annotations", list(annotations)),
            ("panels", None),
            ("rows", None),
        ];
        let mut json = self.object(written, "", made);
        self.pass(written, &mut json);
        json.insert("panels".to_owned(), panels.into());
        json.insert("schemaVersion".to_owned(), SCHEMA_VERSION.into());
        json.values_mut().for_each(unescape);
        self.report_unused_variables();
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (title, description) = (text("title"), text("description"));
        Dashboard { folder, name: self.name.value.clone(), uid, title, description, json: Document::new(json) }
    }

    /// Explicit IDs are taken first, so that none of them is derived for another panel.
    fn fixed_ids(&mut self, ids: &mut Ids) {
        let written = self.dashboard;
        let id_of = |record: &'a Record| record.get("id").zip(record.count("id"));
        let of_panels = |record: &'a Record| record.records("panels").filter_map(move |(_, panel)| id_of(panel));
        let rows = written.records("rows").flat_map(|(_, row)| id_of(row).into_iter().chain(of_panels(row)));
        let mut places: HashMap<u32, Span> = HashMap::new();
        for (given, id) in of_panels(written).chain(rows) {
            if ids.take(id) {
                places.insert(id, given.span);
            } else {
                let diagnostic = Diagnostic::new("id-clash", format!("duplicate panel ID {id}"), given.span);
                let first = places.get(&id).copied().unwrap_or(given.span);
                self.report(
                    diagnostic.also(first, "the other one").help("remove one of the two: IDs are generated by default"),
                );
            }
        }
    }

    fn panels(
        &mut self,
        holder: &'a Record,
        top: u32,
        ids: &mut Ids,
        seen: &mut HashMap<&'a str, Span>,
    ) -> (Vec<Value>, u32) {
        let items: Vec<Item> = holder.records("panels").map(|(_, panel)| self.item(panel)).collect();
        let (places, below) = layout::place(&items, top);
        let mut list = Vec::with_capacity(items.len());
        for ((name, panel), grid) in holder.records("panels").zip(places) {
            if let Some(first) = seen.insert(&name.value, name.span) {
                self.report(
                    Diagnostic::new("panel-clash", format!("duplicate panel name `{}`", shown(&name.value)), name.span)
                        .also(first, "the other one")
                        .help(
                            "rename one of them, since IDs are generated from names; set `title` to show the same text",
                        ),
                );
            }
            let id = panel.count("id").unwrap_or_else(|| ids.derive(&name.value));
            list.push(self.panel(name, panel, id, grid));
        }
        (list, below)
    }

    /// A panel's size, which must fit the grid.
    fn item(&mut self, panel: &Record) -> Item {
        // A higher panel is a mistake: it would be ten screens high.
        const HIGHEST: u32 = 300;
        let mut size = |word: &str, most: u32, what: &str| {
            let (given, size) = panel.get(word).zip(panel.count(word))?;
            if (1..=most).contains(&size) {
                return Some(size);
            }
            self.report(
                Diagnostic::new("invalid-panel-size", format!("invalid panel size: {size} {what}"), given.span)
                    .help(format!("write a number from 1 to {most}, or remove it")),
            );
            None
        };
        let width = size("width", layout::COLUMNS, "columns");
        let height = size("height", HIGHEST, "rows");
        Item::new(panel.text("type").map(|kind| kind.value.as_str()).unwrap_or_default(), width, height)
    }

    fn annotation(&mut self, name: &Spanned<String>, annotation: &'a Record) -> Value {
        let datasource = self.datasource_or_default(annotation.text("datasource"), name.span);
        // `Anno` is the name that Grafana's own support for annotations uses.
        let query = annotation.record("query").map(|query| self.query(query, "Anno", datasource.as_ref(), None));
        let made = vec![
            ("name", Some(name.value.as_str().into())),
            ("datasource", Some(datasource.unwrap_or_else(Datasource::mixed).json())),
        ];
        let mut object: Json = self.object(annotation, "", made);
        if let Some(query) = query {
            object.insert("target".to_owned(), query.into());
        }
        self.pass(annotation, &mut object);
        object.into()
    }

    pub(super) fn link(&mut self, link: &Record) -> Value {
        let kind = match (link.get("url").is_some(), link.get("tags").is_some()) {
            (true, false) => "link",
            (false, true) => "dashboards",
            (url, _) => {
                let title = if url { "`url` conflicts with `tags`" } else { "missing `url` or `tags` of a link" };
                self.report(Diagnostic::new("invalid-link", title, link.span).help("set either `url` or `tags`"));
                "link"
            }
        };
        if link.flag("include_variables") {
            self.use_all();
        }
        self.object(link, "", vec![("type", Some(kind.into()))]).into()
    }

    /// A time relative to now, e.g. `now-1d/d`, or a date.
    pub(super) fn time(&mut self, time: &Quoted) -> String {
        if !is_valid(Type::Time, time) {
            self.report(
                Diagnostic::new("invalid-time", format!("invalid time `{}`", shown(time)), time.span)
                    .help("write a time like `now`, `now-6h`, `now-1d/d` or `2026-01-31T08:00:00Z`"),
            );
        }
        self.text(time)
    }

    /// A duration as Grafana writes it, e.g. `30s`, or one of some words.
    pub(super) fn duration(&mut self, duration: &Quoted, words: &'static [&'static str]) -> String {
        if !self::is_valid(Type::Duration(words), duration) {
            let also = if words.is_empty() { String::new() } else { format!(", or {}", listed(words.iter().copied())) };
            self.report(
                Diagnostic::new("invalid-duration", format!("invalid duration `{}`", shown(duration)), duration.span)
                    .help(format!("write a number with a unit, e.g. `30s` or `1h`{also}")),
            );
        }
        self.text(duration)
    }
}

/// Gives the texts of a value as Grafana gets them: `$name` for `$$name`.
fn unescape(value: &mut Value) {
    // Looking for one character is much faster, and most texts have none.
    let has_pair = |text: &str| text.contains('$') && text.contains("$$");
    match value {
        Value::String(text) if has_pair(text) => *text = interpolation::unescaped(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(unescape),
        Value::Object(map) => {
            if map.keys().any(|key| has_pair(key)) {
                let entries = std::mem::take(map).into_iter();
                map.extend(entries.map(|(key, value)| (interpolation::unescaped(&key).into_owned(), value)));
            }
            map.values_mut().for_each(unescape);
        }
        _ => {}
    }
}

/// Whether a string is one of a type's.
pub fn is_valid(kind: Type, text: &str) -> bool {
    match kind {
        Type::Duration(words) => is_duration(text) || words.contains(&text) || text.contains('$'),
        Type::Time => {
            let relative = text.strip_prefix("now").is_some_and(|rest| {
                let (offset, unit) = rest.split_once('/').map_or((rest, None), |(offset, unit)| (offset, Some(unit)));
                let signed = offset.is_empty() || offset.strip_prefix(['-', '+']).is_some_and(is_duration);
                signed && unit.is_none_or(|unit| UNITS.contains(&unit))
            });
            let date = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('-');
            relative || date || text.contains('$')
        }
        Type::Color => {
            let hex = text.strip_prefix('#').is_some_and(|digits| {
                matches!(digits.len(), 3 | 4 | 6 | 8) && digits.chars().all(|c| c.is_ascii_hexdigit())
            });
            let function = ["rgb(", "rgba(", "hsl(", "hsla("].iter().any(|start| text.starts_with(start));
            hex || (function && text.ends_with(')')) || options::common_words("color").any(|known| known == text)
        }
        Type::Calculation => options::common_words("reducer").any(|known| known == text),
        _ => true,
    }
}

/// Whether a UID is one that Grafana accepts in a URL.
pub fn is_uid(uid: &str) -> bool {
    (1..=LONGEST_UID).contains(&uid.len()) && uid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Whether a dashboard's variable may have a name.
pub fn is_variable(name: &str) -> bool {
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    word && !name.starts_with("__")
}

/// `maxUIDLength` of Grafana's `pkg/util/shortid_generator.go`, whose pattern [`is_uid`] has.
pub(super) const LONGEST_UID: usize = 40;

/// The units of Grafana's times and intervals (`rangeUtil` of @grafana/data).
const UNITS: &[&str] = &["ms", "s", "m", "h", "d", "w", "M", "Q", "fQ", "y", "fy"];

fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix('>').unwrap_or(text);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    digits > 0 && UNITS.contains(&&text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostics;
    use crate::spec;
    use crate::spec::source::Sources;

    #[test]
    fn stand_ins_are_what_prometheus_reads() {
        assert_eq!(with_stand_ins("rate(up{a=\"$b\"}[$c]) > $d"), "rate(up{a=\"x\"}[5m]) > x");
    }

    #[test]
    fn dashboards_that_nothing_has_any_more_are_forgotten() {
        let mut sources = Sources::default();
        for (path, text) in [
            ("spec/stack.toml", include_str!("../../edit/examples/observability.toml")),
            ("spec/dashboards/stack.toml", include_str!("../../edit/examples/observability/stack.toml")),
        ] {
            sources.push(path, text.to_owned());
        }
        let mut shared = Shared::default();
        for _ in 0..3 {
            let (mut problems, mut of_profiles) = (Diagnostics::default(), Diagnostics::default());
            spec::parse(&sources, &mut problems).for_each(
                |_| true,
                &mut of_profiles,
                |profile, problems| {
                    assert!(crate::resolve::resolve(&profile, &mut shared, problems).is_some());
                },
            );
            assert_eq!(shared.resolved.len(), 1);
        }
    }

    #[test]
    fn texts_of_each_type() {
        const DURATION: Type = Type::Duration(&["auto"]);
        for (kind, good, bad) in [
            (
                Type::Time,
                &["now", "now-6h", "now+1d/d", "now/fQ", "2026-01-31T08:00:00Z", "$from"][..],
                &["", "6h", "now-6", "now/x", "5", "a-b", "next-1d"][..],
            ),
            (DURATION, &["30s", ">15m", "auto", "$step"], &["", "s", ">", "5", "5x", "5 s"]),
            (
                Type::Color,
                &["#abc", "#abcd", "#aabbcc", "#aabbccdd", "rgb(1, 2, 3)", "hsla(1, 2%, 3%, 1)", "dark-red"],
                &["", "#ab", "#abg", "rgb(1", "x)", "abc"],
            ),
        ] {
            for text in good {
                assert!(is_valid(kind, text), "{text}");
            }
            for text in bad {
                assert!(!is_valid(kind, text), "{text}");
            }
        }
    }
}
