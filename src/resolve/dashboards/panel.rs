//! `[panels.<name>]`.

use serde_json::{Map as JsonMap, Value};

use super::options::{self, Area};
use super::raw;
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard as model;
use crate::model::dashboard::{Grid, Matcher, Matches, Panel, Passthrough, Property, TransformationStep};
use crate::spec::dashboard as spec;
use crate::spec::dashboard::{JoinMode, LegendMode, Placement, ThresholdsMode, TooltipMode, TooltipSort};
use crate::spec::decode::{Map, Short, Spanned, listed, shown};
use crate::spec::quoted::Quoted;
use crate::spec::raw::{Number, Raw};

/// Types of panels that show something else than the results of queries.
const WITHOUT_QUERIES: &[&str] =
    &["text", "dashlist", "annolist", "alertlist", "news", "canvas", "welcome", "gettingstarted", "debug"];

/// The keys that panels and overrides share.
struct Field<'f> {
    unit: Option<&'f String>,
    decimals: Option<&'f Spanned<u32>>,
    min: Option<&'f Spanned<Number>>,
    max: Option<&'f Spanned<Number>>,
    no_value: Option<&'f String>,
    display_name: Option<&'f Quoted>,
    thresholds: Option<&'f Short<spec::Thresholds>>,
    mappings: &'f [spec::Mapping],
    color: Option<&'f Short<spec::Color>>,
    data_links: &'f [spec::DataLink],
    custom: &'f Map<Raw>,
}

macro_rules! field {
    ($of:expr) => {
        Field {
            unit: $of.unit.as_ref(),
            decimals: $of.decimals.as_ref(),
            min: $of.min.as_ref(),
            max: $of.max.as_ref(),
            no_value: $of.no_value.as_ref(),
            display_name: $of.display_name.as_ref(),
            thresholds: $of.thresholds.as_ref(),
            mappings: &$of.mappings,
            color: $of.color.as_ref(),
            data_links: &$of.data_links,
            custom: &$of.custom,
        }
    };
}

impl Scope<'_, '_> {
    /// The title that is written, or the name.
    pub(super) fn title(&mut self, title: Option<&Quoted>, name: &Spanned<String>) -> String {
        if let Some(title) = title {
            return self.text(title);
        }
        self.refer(&name.value, |_| name.span);
        name.value.clone()
    }

    pub(super) fn panel(&mut self, name: &Spanned<String>, panel: &spec::Panel, id: u32, grid: Grid) -> Panel {
        self.check_type(&panel.kind);
        let (datasource, queries) = self.queries(panel, name.span);
        if queries.is_empty() && !WITHOUT_QUERIES.contains(&panel.kind.value.as_str()) && panel.sound {
            let title = format!("the panel `{}` queries nothing", shown(&name.value));
            self.report(Diagnostic::new("missing-query", title, name.span).help("add `queries = …`"));
        }
        self.check_content(name, panel);
        let field = self.field(&field!(panel), &panel.kind.value);
        let overrides = panel.overrides.iter().filter_map(|one| self.override_(one, &panel.kind.value)).collect();
        let (legend, tooltip) = (self.legend(panel), self.tooltip(panel));
        let reduce = panel.reduce.as_ref().map(|reduce| self.reduce(&reduce.0, &panel.kind));
        let repeat =
            panel.repeat.as_ref().map(|repeat| (self.repeat(repeat), panel.repeat_direction, panel.max_per_row));
        Panel {
            id,
            title: self.title(panel.title.as_ref(), name),
            kind: panel.kind.value.clone(),
            description: panel.description.as_ref().map(|text| self.text(text)),
            grid,
            datasource,
            queries,
            field,
            overrides,
            content: panel.content.as_ref().map(|text| self.text(text)),
            legend,
            tooltip,
            reduce,
            options: self.options(&panel.kind.value, &panel.options, Area::Options),
            transformations: panel.transformations.iter().filter_map(|step| self.transformation(step)).collect(),
            links: panel.links.iter().map(|link| self.link(link)).collect(),
            repeat,
            interval: panel.interval.as_ref().map(|interval| self.duration(interval, &[])),
            max_data_points: panel.max_data_points,
            time_from: panel.time_from.as_ref().map(|time| self.text(time)),
            time_shift: panel.time_shift.as_ref().map(|time| self.text(time)),
            hide_time_override: panel.hide_time_override.unwrap_or(false),
            transparent: panel.transparent.unwrap_or(false),
            grafana: self.passthrough(&panel.grafana, &raw::PANEL),
        }
    }

    /// A type is one of Grafana's own, or that of a plugin that is installed.
    fn check_type(&mut self, kind: &Spanned<String>) {
        if options::is_core(&kind.value) {
            return;
        }
        let settings =
            self.resolver.providers(crate::resolve::DASHBOARDS).filter_map(|(_, service)| service.settings.as_ref());
        let mut plugins = settings.flat_map(|settings| settings.strings("plugins"));
        let installed = plugins.any(|plugin| plugin.value.split('@').next() == Some(kind.value.as_str()));
        if !installed {
            let title = format!("Grafana has no panel type `{}`", shown(kind));
            self.report(Diagnostic::new("unknown-panel-type", title, kind.span).suggest(
                &kind.value,
                options::core_types(),
                || {
                    let id = shown(kind);
                    format!("Grafana has its own types and those of plugins: add `\"{id}@<version>\"` to its `settings.plugins`")
                },
            ));
        }
    }

    fn check_content(&mut self, name: &Spanned<String>, panel: &spec::Panel) {
        let is_text = panel.kind.value == "text";
        if let Some(content) = panel.content.as_ref().filter(|_| !is_text) {
            self.unsupported(
                "content",
                content.span,
                &panel.kind,
                "only text panels have it; for a note, use `description`",
            );
        }
        if is_text && panel.content.is_none() && panel.sound {
            let title = format!("the text panel `{}` has no text", shown(name));
            self.report(Diagnostic::new("missing-key", title, name.span).help("add `content = …`"));
        }
    }

    /// Reports a key that does nothing in panels of a type.
    fn unsupported(&mut self, key: &str, span: Span, kind: &Spanned<String>, help: &str) {
        self.report(
            Diagnostic::new("unsupported-key", format!("a panel of type `{}` has no `{key}`", shown(kind)), span)
                .also(kind.span, "its type")
                .help(help),
        );
    }

    fn field(&mut self, field: &Field<'_>, kind: &str) -> Vec<Property> {
        if let (Some(min), Some(max)) = (field.min, field.max)
            && min.value.0 >= max.value.0
        {
            self.report(
                Diagnostic::new("contradiction", "the least value is not below the greatest", min.span)
                    .also(max.span, "the greatest")
                    .help("swap or change them"),
            );
        }
        let mut list = Vec::new();
        list.extend(field.display_name.map(|name| Property::DisplayName(self.text(name))));
        list.extend(field.unit.map(|unit| Property::Unit(unit.clone())));
        list.extend(field.decimals.map(|decimals| Property::Decimals(decimals.value)));
        list.extend(field.min.map(|min| Property::Min(min.value.0)));
        list.extend(field.max.map(|max| Property::Max(max.value.0)));
        list.extend(field.no_value.map(|text| Property::NoValue(text.clone())));
        list.extend(field.color.and_then(|color| self.color(&color.0)).map(Property::Color));
        list.extend(field.thresholds.map(|thresholds| Property::Thresholds(self.thresholds(&thresholds.0))));
        if !field.mappings.is_empty() {
            let mappings = field.mappings.iter().filter_map(|mapping| self.mapping(mapping)).collect();
            list.push(Property::Mappings(mappings));
        }
        if !field.data_links.is_empty() {
            let links = field.data_links.iter();
            let links = links.map(|link| (self.text(&link.title), self.text(&link.url), link.new_tab == Some(true)));
            list.push(Property::Links(links.collect()));
        }
        let custom = self.options(kind, field.custom, Area::Custom);
        list.extend(custom.into_iter().map(|(key, value)| Property::Custom(key, value)));
        list
    }

    fn override_(&mut self, one: &spec::Override, kind: &str) -> Option<model::Override> {
        let matcher = match (&one.name, &one.regexp) {
            (Some(name), None) => Matcher::Name(name.value.clone()),
            (None, Some(regexp)) => Matcher::Regexp(regexp.value.clone()),
            (name, _) => {
                if one.sound {
                    let title =
                        if name.is_some() { "an override has two matchers" } else { "what does the override match?" };
                    self.report(
                        Diagnostic::new("invalid-override", title, one.span)
                            .help("give it either `name = \"…\"` or `regexp = \"/…/\"`"),
                    );
                }
                return None;
            }
        };
        let mut field = self.field(&field!(one), kind);
        for (id, value) in one.grafana.iter() {
            let value = self.json(value);
            field.push(Property::Other(id.value.clone(), value));
        }
        if field.is_empty() && one.sound {
            self.report(
                Diagnostic::new("invalid-override", "the override changes nothing", one.span)
                    .help("say what is different, e.g. `unit = \"s\"`, or remove it"),
            );
        }
        Some(model::Override { matcher, field })
    }

    /// A colour of Grafana's palette, or one in numbers.
    pub(super) fn color_name(&mut self, color: &Spanned<String>) -> String {
        let name = color.value.as_str();
        let hex = name.strip_prefix('#').is_some_and(|digits| {
            matches!(digits.len(), 3 | 4 | 6 | 8) && digits.chars().all(|c| c.is_ascii_hexdigit())
        });
        let functions = ["rgb(", "rgba(", "hsl(", "hsla("];
        let function = functions.iter().any(|start| name.starts_with(start)) && name.ends_with(')');
        let mut names = options::common_words("color");
        if !hex && !function && !names.clone().any(|known| known == name) {
            let diagnostic = Diagnostic::new("invalid-color", format!("`{}` is no colour", shown(color)), color.span);
            let hues: Vec<&str> = names.clone().filter(|known| !known.contains('-')).collect();
            self.report(diagnostic.suggest(name, &mut names, || {
                let hues = listed(hues.into_iter());
                format!("write `#rrggbb`, or one of {hues} (also `dark-red`, `semi-dark-red`, `light-red`, …)")
            }));
        }
        color.value.clone()
    }

    fn color(&mut self, color: &spec::Color) -> Option<model::Color> {
        let Some(mode) = &color.mode else {
            let fixed = color.fixed.as_ref().map(|fixed| self.color_name(fixed));
            if fixed.is_none() && color.sound {
                self.report(
                    Diagnostic::new("invalid-color", "which colour?", color.span).help("add `mode = …` or `fixed = …`"),
                );
            }
            return Some(model::Color { mode: "fixed".to_owned(), fixed: Some(fixed?), by: color.by });
        };
        if !options::common_words("color-mode").any(|known| known == mode.value) {
            // The short form is a mode or else a colour.
            let name = self.color_name(mode);
            return Some(model::Color { mode: "fixed".to_owned(), fixed: Some(name), by: color.by });
        }
        let fixed = color.fixed.as_ref().map(|fixed| self.color_name(fixed));
        Some(model::Color { mode: mode.value.clone(), fixed, by: color.by })
    }

    fn thresholds(&mut self, thresholds: &spec::Thresholds) -> model::Thresholds {
        let mut last: Option<&Spanned<Number>> = None;
        let mut steps = Vec::with_capacity(thresholds.steps.len());
        for (index, step) in thresholds.steps.iter().enumerate() {
            let problem = match (&step.0.from, last) {
                (Some(from), _) if index == 0 => {
                    Some((from.span, "the first colour holds below every step", "leave its `from` out"))
                }
                (None, _) if index > 0 && step.0.sound => Some((
                    step.0.span,
                    "from which value on does the colour hold?",
                    "write `{ from = …, color = \"…\" }`",
                )),
                (Some(from), Some(last)) if from.value.0 <= last.value.0 => {
                    Some((from.span, "a step does not lie above the one before it", "order the steps by their values"))
                }
                _ => None,
            };
            if let Some((span, title, help)) = problem {
                self.report(Diagnostic::new("invalid-thresholds", title, span).help(help));
            }
            last = step.0.from.as_ref().or(last);
            steps.push((step.0.from.as_ref().map(|from| from.value.0), self.color_name(&step.0.color)));
        }
        if steps.is_empty() && thresholds.sound {
            self.report(
                Diagnostic::new("invalid-thresholds", "there is no colour", thresholds.span)
                    .help("write at least one: `[\"green\", { from = 1, color = \"red\" }]`"),
            );
        }
        model::Thresholds { mode: thresholds.mode.unwrap_or(ThresholdsMode::Absolute), steps }
    }

    fn mapping(&mut self, mapping: &spec::Mapping) -> Option<model::Mapping> {
        let range = mapping.from.is_some() || mapping.to.is_some();
        let number = |number: &Option<Spanned<Number>>| number.as_ref().map(|number| number.value.0);
        let matches = match (&mapping.value, range, &mapping.regexp, &mapping.special) {
            (Some(value), false, None, None) => Matches::Value(value.value.0.clone()),
            (None, true, None, None) => Matches::Range(number(&mapping.from), number(&mapping.to)),
            (None, false, Some(regexp), None) => Matches::Regexp(regexp.value.clone()),
            (None, false, None, Some(special)) => Matches::Special(special.value),
            _ => {
                if mapping.sound {
                    self.report(
                        Diagnostic::new("invalid-mapping", "which values does the mapping match?", mapping.span)
                            .help("give it one of `value`, `from` and `to`, `regexp`, `special`"),
                    );
                }
                return None;
            }
        };
        if mapping.sound && mapping.text.is_none() && mapping.color.is_none() && mapping.icon.is_none() {
            self.report(
                Diagnostic::new("invalid-mapping", "the mapping changes nothing", mapping.span)
                    .help("add `text`, `color` or `icon`"),
            );
        }
        let color = mapping.color.as_ref().map(|color| self.color_name(color));
        Some(model::Mapping { matches, text: mapping.text.clone(), color, icon: mapping.icon.clone() })
    }

    fn calc(&mut self, calc: &Spanned<String>) -> String {
        let mut names = options::common_words("reducer");
        if !names.any(|known| known == calc.value) {
            let title = format!("`{}` is no calculation", shown(calc));
            let names: Vec<&str> = options::common_words("reducer").collect();
            let diagnostic = Diagnostic::new("unknown-value", title, calc.span);
            let plain = names.iter().copied().filter(|name| !name.ends_with(|c: char| c.is_ascii_digit()));
            let help = format!("use one of {}, or `p1` to `p99`", listed(plain));
            self.report(diagnostic.suggest(&calc.value, names, || help));
        }
        calc.value.clone()
    }

    fn legend(&mut self, panel: &spec::Panel) -> Option<model::Legend> {
        let legend = &panel.legend.as_ref()?.0;
        if !options::has(&panel.kind.value, "legend.displayMode") {
            self.unsupported("legend", legend.span, &panel.kind, "remove it, or look for a key in `options`");
            return None;
        }
        Some(model::Legend {
            mode: legend.mode.unwrap_or(LegendMode::List),
            placement: legend.placement.unwrap_or(Placement::Bottom),
            calcs: legend.calcs.iter().map(|calc| self.calc(calc)).collect(),
            sort: legend.sort_by.clone().map(|by| (by, legend.sort_desc.unwrap_or(false))),
            width: legend.width,
        })
    }

    fn tooltip(&mut self, panel: &spec::Panel) -> Option<model::Tooltip> {
        let tooltip = &panel.tooltip.as_ref()?.0;
        let sorts = options::has(&panel.kind.value, "tooltip.sort");
        if !options::has(&panel.kind.value, "tooltip.mode") || (tooltip.sort.is_some() && !sorts) {
            self.unsupported("tooltip", tooltip.span, &panel.kind, "remove it, or its `sort`");
            return None;
        }
        Some(model::Tooltip {
            mode: tooltip.mode.unwrap_or(TooltipMode::Single),
            sort: sorts.then(|| tooltip.sort.unwrap_or(TooltipSort::None)),
        })
    }

    fn reduce(&mut self, reduce: &spec::Reduce, kind: &Spanned<String>) -> model::Reduce {
        if !options::has(&kind.value, "reduceOptions.calcs") {
            self.unsupported("reduce", reduce.span, kind, "remove it: it shows whole series");
        }
        let mut calcs: Vec<String> = reduce.calcs.iter().map(|calc| self.calc(calc)).collect();
        if calcs.is_empty() {
            // Grafana's own default.
            calcs.push("lastNotNull".to_owned());
        }
        model::Reduce {
            calcs,
            fields: reduce.fields.clone().unwrap_or_default(),
            values: reduce.values.unwrap_or(false),
            limit: reduce.limit,
        }
    }

    /// The `options` or the `custom` table: what Grafana's own types say it may hold.
    fn options(&mut self, kind: &str, table: &Map<Raw>, area: Area) -> Passthrough {
        for problem in options::check(kind, area, &table.entries) {
            self.report(problem);
        }
        self.object(&table.entries)
    }

    fn transformation(&mut self, written: &spec::Transformation) -> Option<model::Transformation> {
        let mut steps = Vec::new();
        let clone = |names: &Vec<String>| names.clone();
        if let Some(organize) = &written.organize {
            steps.push(TransformationStep::Organize {
                exclude: clone(&organize.exclude),
                include: clone(&organize.include),
                rename: organize.rename.iter().map(|(old, new)| (old.value.clone(), new.clone())).collect(),
                order: clone(&organize.order),
            });
        }
        if let Some(join) = &written.join_by_field {
            steps.push(TransformationStep::JoinByField(join.field.clone(), join.mode.unwrap_or(JoinMode::Outer)));
        }
        if let Some(sort) = &written.sort_by {
            steps.push(TransformationStep::SortBy(sort.field.clone(), sort.desc == Some(true)));
        }
        if let Some(filter) = &written.filter_fields_by_name {
            steps.push(TransformationStep::FilterFieldsByName {
                include: (clone(&filter.include), filter.include_regexp.clone()),
                exclude: (clone(&filter.exclude), filter.exclude_regexp.clone()),
            });
        }
        if written.merge.as_ref().is_some_and(|merge| merge.value) {
            steps.push(TransformationStep::Merge);
        }
        if let Some(id) = &written.id {
            let options = written.options.as_ref().map(|options| self.json(options));
            steps.push(TransformationStep::Other(id.value.clone(), options.unwrap_or(Value::Object(JsonMap::new()))));
        }
        let one = steps.len() == 1 && (written.id.is_some() || written.options.is_none());
        if !one && written.sound {
            self.report(Diagnostic::new("invalid-transformation", "a transformation is one step", written.span).help(
                "give it one of `organize`, `join_by_field`, `sort_by`, `filter_fields_by_name`, `merge = true`, or \
                     `id` with `options`; further steps are further items of the list",
            ));
        }
        Some(model::Transformation { step: steps.pop()?, disabled: written.disabled == Some(true) })
    }
}
