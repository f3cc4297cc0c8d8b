//! `spec/dashboards/*.toml`.

mod ids;
mod interpolation;
pub mod layout;
pub mod options;
mod panel;
mod promql;
mod query;
mod raw;
mod scope;
mod variables;

use std::collections::HashMap;

use super::{Resolver, names};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard as model;
use crate::model::dashboard::{Dashboard, Grid, LinkTarget};
use crate::spec::dashboard as spec;
use crate::spec::dashboard::GraphTooltip;
use crate::spec::decode::{Map, Spanned, listed, shown};
use crate::spec::quoted::Quoted;
use ids::Ids;
use layout::Item;
use scope::Scope;

/// A query with something in the place of each variable that Prometheus could read there: a name, and for a range a
/// duration.
#[must_use]
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

impl Resolver<'_> {
    /// Every dashboard, for a stack that has a Grafana.
    pub(super) fn dashboards(&mut self) -> Vec<Dashboard> {
        let spec = self.spec;
        let mut uids: HashMap<String, Span> = HashMap::new();
        let mut dashboards = Vec::with_capacity(spec.dashboards.entries.len());
        if self.providers(super::DASHBOARDS).next().is_none() {
            if let Some((name, _)) = spec.dashboards.iter().next()
                && spec.services.broken.is_empty()
                && !self.removes()
            {
                let title = format!("nothing shows the dashboard `{}`", shown(&name.value));
                let diagnostic = Diagnostic::new("missing-service", title, name.span);
                self.report_missing(spec.sound, diagnostic.help(super::add_a_provider(super::DASHBOARDS)));
            }
            return dashboards;
        }
        for (name, dashboard) in spec.dashboards.iter() {
            let uid = dashboard.uid.as_ref().unwrap_or(name);
            self.check_uid(uid, dashboard.uid.is_some());
            if let Some(&first) = uids.get(&uid.value) {
                self.report(
                    Diagnostic::new("uid-clash", format!("two dashboards have the UID `{}`", shown(uid)), uid.span)
                        .also(first, "the other one")
                        .help("give one of them a `uid` of its own"),
                );
            } else {
                uids.insert(uid.value.clone(), uid.span);
            }
            if self.in_folder(&dashboard.folder) {
                dashboards.push(Scope::new(self, name, dashboard).dashboard(uid.value.clone()));
            }
        }
        self.check_folders();
        dashboards
    }

    /// A UID is part of URLs, and the name of a dashboard is that of its file.
    fn check_uid(&mut self, uid: &Spanned<String>, written: bool) {
        // `maxUIDLength` and the pattern of Grafana's pkg/util/shortid_generator.go.
        const LONGEST: usize = 40;
        if !written {
            names::dashboard(uid, self.diagnostics);
        }
        let spelt = uid.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let fits = (1..=LONGEST).contains(&uid.value.len()) && (spelt || !written);
        if !fits {
            self.report(
                Diagnostic::new("invalid-uid", format!("`{}` is no UID", shown(uid)), uid.span)
                    .help(format!("a UID has 1 to {LONGEST} letters, digits, `-` and `_`")),
            );
        }
    }

    /// Whether Grafana has a folder; reports that it hasn't.
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
        let title = format!("Grafana has no folder `{}`", shown(&folder.value));
        let declared =
            format!("declare it: `folders.{} = \"<title>\"` in [services.{grafana}.settings]", shown(folder));
        self.report_unknown(("unknown-folder", title), &section, (&folder.value, folder.span), names, || declared);
        false
    }

    /// A folder without a dashboard is a directory that isn't there.
    fn check_folders(&mut self) {
        let spec = self.spec;
        if self.removes() || !spec.dashboards.broken.is_empty() {
            return;
        }
        for (_, service) in self.providers(super::DASHBOARDS).collect::<Vec<_>>() {
            let folders = service.settings.as_ref().and_then(|settings| settings.strings_by_name("folders"));
            for (folder, _) in folders.into_iter().flat_map(Map::iter) {
                if !spec.dashboards.iter().any(|(_, dashboard)| dashboard.folder.value == folder.value) {
                    let diagnostic = Diagnostic::new(
                        "unused-folder",
                        format!("no dashboard is in the folder `{}`", shown(folder)),
                        folder.span,
                    );
                    let help = format!("write `spec/dashboards/<name>.toml` with `folder = \"{}\"`", shown(folder));
                    self.report_unused("unknown-folder", diagnostic.help(format!("{help}, or remove it")));
                }
            }
        }
    }
}

impl<'a> Scope<'_, 'a> {
    fn dashboard(mut self, uid: String) -> Dashboard {
        let written = self.dashboard;
        self.dashboard_datasource();
        let mut ids = Ids::default();
        self.fixed_ids(&mut ids);
        let mut seen: HashMap<&'a str, Span> = HashMap::new();
        let (panels, mut top) = self.panels(&written.panels, 0, &mut ids, &mut seen);
        let mut rows = Vec::with_capacity(written.rows.entries.len());
        for (name, row) in written.rows.iter() {
            let title = self.title(row.title.as_ref(), name);
            let id = row.id.as_ref().map_or_else(|| ids.derive(&format!("row {}", name.value)), |id| id.value);
            let grid = Grid { x: 0, y: top, width: layout::COLUMNS, height: 1 };
            let collapsed = row.collapsed == Some(true);
            let (panels, below) = self.panels(&row.panels, top + 1, &mut ids, &mut seen);
            // Of a closed row only its title takes room.
            top = if collapsed { top + 1 } else { below };
            let repeat = row.repeat.as_ref().map(|repeat| self.repeat(repeat));
            let grafana = self.passthrough(&row.grafana, &raw::ROW);
            rows.push(model::Row { id, title, collapsed, repeat, grid, panels, grafana });
        }
        let variables = written.variables.iter().map(|(name, variable)| self.variable(name, variable)).collect();
        let annotations = written.annotations.iter().map(|(name, note)| self.annotation(name, note)).collect();
        let links = written.links.iter().map(|link| self.link(link)).collect();
        let dashboard = Dashboard {
            folder: written.folder.value.clone(),
            name: self.name.value.clone(),
            uid,
            title: self.text(&written.title),
            description: written.description.as_ref().map(|text| self.text(text)).unwrap_or_default(),
            tags: written.tags.clone(),
            refresh: written.refresh.as_ref().map(|refresh| self.duration(refresh, &["auto"])),
            time: written.time.as_ref().map(|time| {
                let to = time.0.to.as_ref().map_or_else(|| "now".to_owned(), |to| self.time(to));
                (self.time(&time.0.from), to)
            }),
            timezone: written.timezone.clone(),
            graph_tooltip: written.graph_tooltip.unwrap_or(GraphTooltip::Default),
            editable: written.editable.unwrap_or(true),
            links,
            variables,
            annotations,
            panels,
            rows,
            grafana: self.passthrough(&written.grafana, &raw::DASHBOARD),
        };
        self.report_unused_variables();
        dashboard
    }

    /// Ids that are written come first, so that none of them is derived for another.
    fn fixed_ids(&mut self, ids: &mut Ids) {
        let written = self.dashboard;
        let of_panels = |panels: &'a Map<spec::Panel>| panels.iter().filter_map(|(_, panel)| panel.id.as_ref());
        let rows = written.rows.iter().flat_map(|(_, row)| row.id.iter().chain(of_panels(&row.panels)));
        let mut places: HashMap<u32, Span> = HashMap::new();
        for id in of_panels(&written.panels).chain(rows) {
            if ids.take(id.value) {
                places.insert(id.value, id.span);
            } else {
                let diagnostic = Diagnostic::new("id-clash", format!("two panels have the id {}", id.value), id.span);
                let first = places.get(&id.value).copied().unwrap_or(id.span);
                self.report(diagnostic.also(first, "the other one").help("remove one of the two: an id is derived"));
            }
        }
    }

    fn panels(
        &mut self,
        panels: &'a Map<spec::Panel>,
        top: u32,
        ids: &mut Ids,
        seen: &mut HashMap<&'a str, Span>,
    ) -> (Vec<model::Panel>, u32) {
        let items: Vec<Item> = panels.iter().map(|(_, panel)| self.item(panel)).collect();
        let (places, below) = layout::place(&items, top);
        let mut list = Vec::with_capacity(items.len());
        for ((name, panel), grid) in panels.iter().zip(places) {
            if let Some(first) = seen.insert(&name.value, name.span) {
                self.report(
                    Diagnostic::new(
                        "panel-clash",
                        format!("two panels are called `{}`", shown(&name.value)),
                        name.span,
                    )
                    .also(first, "the other one")
                    .help("ids come from names: call one otherwise, and give it the same `title` if it should have it"),
                );
            }
            let id = panel.id.as_ref().map_or_else(|| ids.derive(&name.value), |id| id.value);
            list.push(self.panel(name, panel, id, grid));
        }
        (list, below)
    }

    /// A panel's size, which must be one that the grid has.
    fn item(&mut self, panel: &spec::Panel) -> Item {
        // A higher panel is a slip: it would be ten screens high.
        const HIGHEST: u32 = 300;
        let mut size = |written: Option<&Spanned<u32>>, most: u32, what: &str| {
            let written = written?;
            if (1..=most).contains(&written.value) {
                return Some(written.value);
            }
            self.report(
                Diagnostic::new("invalid-panel-size", format!("no panel has {} {what}", written.value), written.span)
                    .help(format!("write a number from 1 to {most}, or leave it out")),
            );
            None
        };
        let width = size(panel.width.as_ref(), layout::COLUMNS, "columns");
        let height = size(panel.height.as_ref(), HIGHEST, "rows");
        Item::new(&panel.kind.value, width, height)
    }

    fn annotation(&mut self, name: &Spanned<String>, note: &'a spec::Annotation) -> model::Annotation {
        let datasource = self.datasource_or_default(note.datasource.as_ref(), name.span);
        let query = note.query.as_ref().map(|query| {
            let mut query = self.query(&query.0, datasource.as_ref());
            // `Anno` is what Grafana's own support for annotations calls it.
            "Anno".clone_into(&mut query.reference);
            query
        });
        model::Annotation {
            name: name.value.clone(),
            datasource: datasource.unwrap_or_else(model::Datasource::mixed),
            query,
            color: note.color.as_ref().map_or_else(|| "red".to_owned(), |color| self.color_name(color)),
            enabled: note.enabled.unwrap_or(true),
            hidden: note.hidden.unwrap_or(false),
            grafana: self.passthrough(&note.grafana, &raw::ANNOTATION),
        }
    }

    fn link(&mut self, link: &spec::Link) -> model::Link {
        let target = match (&link.url, &link.tags) {
            (Some(url), None) => LinkTarget::Url(self.text(url)),
            (None, Some(tags)) => {
                LinkTarget::Dashboards { tags: tags.clone(), dropdown: link.dropdown.unwrap_or(false) }
            }
            (url, _) => {
                let title = match url {
                    Some(_) => "a link leads to a URL or to the dashboards with tags, not to both",
                    None => "where does the link lead?",
                };
                let help = "give it either `url` or `tags`";
                self.report(Diagnostic::new("invalid-link", title, link.span).help(help));
                LinkTarget::Url(String::new())
            }
        };
        if link.include_variables == Some(true) {
            self.use_all();
        }
        model::Link {
            title: self.text(&link.title),
            target,
            tooltip: link.tooltip.as_ref().map(|text| self.text(text)).unwrap_or_default(),
            icon: link.icon.clone().unwrap_or_else(|| "external link".to_owned()),
            new_tab: link.new_tab.unwrap_or(false),
            include_variables: link.include_variables.unwrap_or(false),
            keep_time: link.keep_time.unwrap_or(false),
        }
    }

    /// A time relative to now, e.g. `now-1d/d`, or a date.
    fn time(&mut self, time: &Quoted) -> String {
        let relative = time.strip_prefix("now").is_some_and(|rest| {
            let (offset, unit) = rest.split_once('/').map_or((rest, None), |(offset, unit)| (offset, Some(unit)));
            let signed = offset.is_empty() || offset.strip_prefix(['-', '+']).is_some_and(is_duration);
            signed && unit.is_none_or(|unit| UNITS.contains(&unit))
        });
        let date = time.starts_with(|c: char| c.is_ascii_digit()) && time.contains('-');
        if !relative && !date && !time.contains('$') {
            self.report(
                Diagnostic::new("invalid-time", format!("`{}` is no time", shown(time)), time.span)
                    .help("write a time like `now`, `now-6h`, `now-1d/d` or `2026-01-31T08:00:00Z`"),
            );
        }
        self.text(time)
    }

    /// A duration as Grafana writes it, e.g. `30s`, or one of some words.
    fn duration(&mut self, duration: &Quoted, words: &[&str]) -> String {
        let fits = is_duration(duration) || words.contains(&duration.value.as_str()) || duration.contains('$');
        if !fits {
            let also = if words.is_empty() { String::new() } else { format!(", or {}", listed(words.iter().copied())) };
            self.report(
                Diagnostic::new("invalid-duration", format!("`{}` is no duration", shown(duration)), duration.span)
                    .help(format!("write a number with a unit, e.g. `30s` or `1h`{also}")),
            );
        }
        self.text(duration)
    }
}

/// The units of Grafana's times and intervals (`rangeUtil` of @grafana/data).
const UNITS: &[&str] = &["ms", "s", "m", "h", "d", "w", "M", "Q", "fQ", "y", "fy"];

fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix('>').unwrap_or(text);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    digits > 0 && UNITS.contains(&&text[digits..])
}
