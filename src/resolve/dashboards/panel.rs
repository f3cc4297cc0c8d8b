//! `[panels.<name>]`.

use serde_json::{Value, json};

use super::is_valid;
use super::object::Made;
use super::options::{self, Area};
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard::{Grid, Json};
use crate::spec::dashboard::FIELD;
use crate::spec::decode::{Spanned, listed, shown};
use crate::spec::grafana::{Data, Given, Kind, Record};
use crate::spec::quoted::Quoted;

/// Types of panels that do not show the results of queries.
const WITHOUT_QUERIES: &[&str] =
    &["text", "dashlist", "annolist", "alertlist", "news", "canvas", "welcome", "gettingstarted", "debug"];

/// Whether panels of a type show the results of queries.
pub fn needs_query(kind: &str) -> bool {
    !WITHOUT_QUERIES.contains(&kind)
}

impl<'a> Scope<'_, 'a> {
    /// The title that is written, or the name.
    pub(super) fn title(&mut self, record: &Record, name: &Spanned<String>) -> String {
        if let Some(title) = record.text("title") {
            return self.text(title);
        }
        self.refer(&name.value, |_| name.span);
        name.value.clone()
    }

    pub(super) fn panel(&mut self, name: &Spanned<String>, panel: &'a Record, id: u32, grid: Grid) -> Value {
        let Some(kind) = panel.text("type") else { return Value::Null };
        self.check_type(kind);
        let (datasource, queries) = self.queries(panel, name.span);
        // A library panel has its queries in the library.
        let elsewhere = panel.map("grafana").is_some_and(|grafana| grafana.knows("libraryPanel"));
        if panel.get("queries").is_none() && needs_query(kind) && panel.sound && !elsewhere {
            let title = format!("missing query in panel `{}`", shown(&name.value));
            self.report(
                Diagnostic::new("missing-query", title, name.span)
                    .help("add `queries = …`, or `queries = []` for none"),
            );
        }
        self.check_content(name, panel, kind);
        self.check_range(panel);
        let overrides: Vec<Value> = panel
            .items("overrides")
            .iter()
            .filter_map(|given| given.record())
            .filter_map(|rule| self.override_(rule, kind))
            .collect();
        let custom = self.options(kind, panel, "custom", Area::Custom);
        let (legend, tooltip) = (self.legend(panel, kind), self.tooltip(panel, kind));
        let reduce = panel.record("reduce").map(|reduce| {
            if !options::has(kind, "reduceOptions.calcs") {
                self.unsupported("reduce", reduce.span, kind, "remove it: panels of this type show whole series");
            }
            self.object(reduce, "", Vec::new()).into()
        });
        let passed = panel.map("grafana").is_some_and(|grafana| grafana.knows("fieldConfig"));
        let fields = passed || !overrides.is_empty() || has_fields(panel);
        let some = |list: Vec<Value>| (!list.is_empty()).then_some(Value::Array(list));
        let made: Made = vec![
            ("id", Some(id.into())),
            ("title", Some(self.title(panel, name).into())),
            ("width", Some(grid.json())),
            ("height", None),
            ("datasource", datasource.map(|source| source.json())),
            ("queries", some(queries)),
            // Grafana's types want it whole.
            ("fieldConfig", fields.then(|| json!({ "defaults": {}, "overrides": [] }))),
            ("custom", custom),
            ("overrides", some(overrides)),
            ("options.mode", panel.text("content").map(|_| "markdown".into())),
            ("legend", legend),
            ("tooltip", tooltip),
            ("reduce", reduce),
            ("options", self.options(kind, panel, "options", Area::Options)),
        ];
        let mut object = self.object(panel, kind, made);
        self.pass(panel, &mut object);
        object.into()
    }

    /// A type must be built into Grafana or come from an installed plugin.
    fn check_type(&mut self, kind: &Quoted) {
        if options::is_core(kind) || self.resolver.diagnostics.is_full() {
            return;
        }
        let settings =
            self.resolver.providers(crate::resolve::DASHBOARDS).filter_map(|(_, service)| service.settings.as_ref());
        let mut plugins = settings.flat_map(|settings| settings.strings("plugins"));
        let installed = plugins.any(|plugin| plugin.value.split('@').next() == Some(kind.value.as_str()));
        if !installed {
            let title = format!("unknown panel type `{}`", shown(kind));
            self.report(Diagnostic::new("unknown-panel-type", title, kind.span).suggest_of(
                self.resolver.diagnostics,
                kind,
                options::core_types(),
                || {
                    let id = shown(kind);
                    format!("use one of Grafana's types, or install the plugin: add `\"{id}@<version>\"` to its `settings.plugins`")
                },
            ));
        }
    }

    fn check_content(&mut self, name: &Spanned<String>, panel: &Record, kind: &Quoted) {
        let is_text = kind.value == "text";
        if let Some(content) = panel.text("content").filter(|_| !is_text) {
            self.unsupported(
                "content",
                content.span,
                kind,
                "remove it, or use `description` for a note: only text panels have `content`",
            );
        }
        if is_text && panel.text("content").is_none() && panel.sound {
            let title = format!("missing text in panel `{}`", shown(name));
            self.report(Diagnostic::new("missing-key", title, name.span).help("add `content = …`"));
        }
    }

    /// Reports a key that has no effect in panels of a type.
    fn unsupported(&mut self, key: &str, span: Span, kind: &Quoted, help: &str) {
        self.report(
            Diagnostic::new(
                "unsupported-key",
                format!("`{key}` cannot be used in a panel of type `{}`", shown(kind)),
                span,
            )
            .also(kind.span, "its type")
            .help(help),
        );
    }

    /// The ends of an axis, of a panel or an override.
    fn check_range(&mut self, record: &Record) {
        if let (Some(min), Some(max)) = (record.get("min"), record.get("max"))
            && min.number() >= max.number()
        {
            self.report(
                Diagnostic::new("contradiction", "`min` must be less than `max`", min.span)
                    .also(max.span, "the maximum")
                    .help("swap or change them"),
            );
        }
    }

    fn override_(&mut self, rule: &Record, kind: &str) -> Option<Value> {
        if rule.text("name").is_some() == rule.text("regexp").is_some() {
            if rule.sound {
                let title = if rule.text("name").is_some() {
                    "conflicting matchers in an override"
                } else {
                    "missing matcher in an override"
                };
                self.report(
                    Diagnostic::new("invalid-override", title, rule.span)
                        .help("set either `name = \"…\"` or `regexp = \"/…/\"`"),
                );
            }
            return None;
        }
        self.check_range(rule);
        let custom = self.options(kind, rule, "custom", Area::Custom);
        let mut matcher = Value::Null;
        let mut properties = Vec::new();
        for (id, value) in self.object(rule, "", vec![("custom", custom)]) {
            match (id.as_str(), value) {
                ("byName" | "byRegexp", options) => matcher = json!({ "id": id, "options": options }),
                ("custom", Value::Object(custom)) => properties.extend(
                    custom.into_iter().map(|(key, value)| json!({ "id": format!("custom.{key}"), "value": value })),
                ),
                (_, value) => properties.push(json!({ "id": id, "value": value })),
            }
        }
        for (id, given) in rule.entries("grafana") {
            let value = self.value(Kind::Raw, given);
            properties.extend(value.map(|value| json!({ "id": id.value, "value": value })));
        }
        if properties.is_empty() && rule.sound {
            self.report(
                Diagnostic::new("invalid-override", "override has no effect", rule.span)
                    .help("add what it changes, e.g. `unit = \"s\"`, or remove it"),
            );
        }
        Some(json!({ "matcher": matcher, "properties": properties }))
    }

    /// A color of Grafana's palette or of CSS.
    pub(super) fn color_name(&mut self, color: &Quoted) -> String {
        let mut names = options::common_words("color");
        if !is_valid(Kind::Color, color) {
            let diagnostic = Diagnostic::new("invalid-color", format!("invalid color `{}`", shown(color)), color.span);
            let hues: Vec<&str> = names.clone().filter(|known| !known.contains('-')).collect();
            self.report(diagnostic.suggest_of(self.resolver.diagnostics, color, &mut names, || {
                let hues = listed(hues.into_iter());
                format!("write `#rrggbb`, or one of {hues} (also `dark-red`, `semi-dark-red`, `light-red`, …)")
            }));
        }
        color.value.clone()
    }

    /// A mode, or else a color: the short form is either of them.
    pub(super) fn color(&mut self, color: &Record) -> Option<Value> {
        let mode = color.text("mode");
        let is_mode = |mode: &Quoted| options::common_words("color-mode").any(|known| known == mode.value);
        let fixed = match mode.filter(|mode| !is_mode(mode)) {
            Some(name) => Some(self.color_name(name)),
            None => color.text("fixed").map(|fixed| self.color_name(fixed)),
        };
        if mode.is_none() && fixed.is_none() {
            if color.sound {
                self.report(
                    Diagnostic::new("invalid-color", "missing color", color.span).help("add `mode = …` or `fixed = …`"),
                );
            }
            return None;
        }
        let mode = mode.filter(|mode| is_mode(mode)).map_or("fixed", |mode| mode.value.as_str());
        Some(self.object(color, "", vec![("mode", Some(mode.into())), ("fixed", fixed.map(Value::from))]).into())
    }

    pub(super) fn thresholds(&mut self, thresholds: &Record) -> Value {
        let mut last: Option<f64> = None;
        let steps = thresholds.items("steps");
        for (index, step) in steps.iter().filter_map(Given::record).enumerate() {
            let from = step.get("from").and_then(|from| Some((from.number()?, from.span)));
            let problem = match (from, last) {
                (Some((_, span)), _) if index == 0 => {
                    Some((span, "the first color cannot have a `from`", "remove its `from`"))
                }
                (None, _) if index > 0 && step.sound => {
                    Some((step.span, "missing value of a step", "write `{ from = …, color = \"…\" }`"))
                }
                (Some((from, span)), Some(last)) if from <= last => {
                    Some((span, "the step must be greater than the previous one", "sort the steps by value"))
                }
                _ => None,
            };
            if let Some((span, title, help)) = problem {
                self.report(Diagnostic::new("invalid-thresholds", title, span).help(help));
            }
            last = from.map(|(from, _)| from).or(last);
        }
        if steps.is_empty() && thresholds.sound {
            self.report(
                Diagnostic::new("invalid-thresholds", "missing color in the thresholds", thresholds.span)
                    .help("add at least one: `[\"green\", { from = 1, color = \"red\" }]`"),
            );
        }
        self.object(thresholds, "", Vec::new()).into()
    }

    /// Mappings; those of single values that follow each other are one of Grafana's.
    pub(super) fn mappings(&mut self, items: &[Given]) -> Value {
        let mut found: Vec<(&str, Json)> = Vec::new();
        let mut index = 0;
        for mapping in items.iter().filter_map(Given::record) {
            let range = mapping.get("from").or(mapping.get("to"));
            let given = [mapping.get("value"), range, mapping.get("regexp"), mapping.get("special")];
            let kinds: Vec<&str> = given
                .into_iter()
                .zip(["value", "range", "regex", "special"])
                .filter_map(|(given, kind)| given.map(|_| kind))
                .collect();
            let [kind] = kinds.as_slice() else {
                if mapping.sound {
                    self.report(
                        Diagnostic::new("invalid-mapping", "the mapping must have exactly one matcher", mapping.span)
                            .help("set one of `value`, `from` and `to`, `regexp`, `special`"),
                    );
                }
                continue;
            };
            let mut object = self.object(mapping, kind, Vec::new());
            let mut result = match object.shift_remove("result") {
                Some(Value::Object(result)) => result,
                _ => Json::new(),
            };
            if result.is_empty() && mapping.sound {
                self.report(
                    Diagnostic::new("invalid-mapping", "mapping has no effect", mapping.span)
                        .help("add `text`, `color` or `icon`"),
                );
            }
            result.insert("index".to_owned(), index.into());
            index += 1;
            if let Some(value) = mapping.text("value") {
                if let Some(("value", options)) = found.last_mut()
                    && !options.contains_key(&value.value)
                {
                    options.insert(value.value.clone(), result.into());
                } else {
                    found.push(("value", Json::from_iter([(value.value.clone(), result.into())])));
                }
            } else {
                object.insert("result".to_owned(), result.into());
                found.push((kind, object));
            }
        }
        found.into_iter().map(|(kind, options)| json!({ "type": kind, "options": options })).collect()
    }

    pub(super) fn calculation(&mut self, name: &Quoted) -> String {
        if !is_valid(Kind::Calculation, name) {
            let title = format!("unknown calculation `{}`", shown(name));
            let names: Vec<&str> = options::common_words("reducer").collect();
            let diagnostic = Diagnostic::new("unknown-value", title, name.span);
            let plain = names.iter().copied().filter(|name| !name.ends_with(|c: char| c.is_ascii_digit()));
            let help = format!("use one of {}, or `p1` to `p99`", listed(plain));
            self.report(diagnostic.suggest_of(self.resolver.diagnostics, name, names, || help));
        }
        name.value.clone()
    }

    fn legend(&mut self, panel: &Record, kind: &Quoted) -> Option<Value> {
        let legend = panel.record("legend")?;
        if !options::has(kind, "legend.displayMode") {
            self.unsupported("legend", legend.span, kind, "remove it, or use a key of `options`");
            return None;
        }
        let shown = legend.word("mode") != Some("none");
        let variant = if legend.text("sort_by").is_some() { "sorted" } else { "" };
        Some(self.object(legend, variant, vec![("showLegend", Some(shown.into()))]).into())
    }

    fn tooltip(&mut self, panel: &Record, kind: &Quoted) -> Option<Value> {
        let tooltip = panel.record("tooltip")?;
        let sorted = options::has(kind, "tooltip.sort");
        if !options::has(kind, "tooltip.mode") || (tooltip.word("sort").is_some() && !sorted) {
            self.unsupported("tooltip", tooltip.span, kind, "remove it, or its `sort`");
            return None;
        }
        Some(self.object(tooltip, if sorted { "sorted" } else { "" }, Vec::new()).into())
    }

    /// The `options` or the `custom` table: checked against Grafana's own types.
    fn options(&mut self, kind: &str, record: &Record, word: &str, area: Area) -> Option<Value> {
        let given = record.get(word)?;
        for problem in record.map(word).map(|map| options::check(kind, area, map)).unwrap_or_default() {
            self.report(problem);
        }
        let object = self.value(Kind::Object, given)?;
        object.as_object().is_some_and(|object| !object.is_empty()).then_some(object)
    }

    pub(super) fn transformation(&mut self, step: &Record) -> Option<Value> {
        let own = ["organize", "join_by_field", "sort_by", "filter_fields_by_name"];
        let merge = step.flag("merge").then_some("merge");
        let other = step.text("id").map(|_| "id");
        let mut words = own.into_iter().filter(|word| step.record(word).is_some()).chain(merge).chain(other);
        let (word, more) = (words.next(), words.next().is_some());
        if (word.is_none() || more || (other.is_none() && step.get("options").is_some())) && step.sound {
            self.report(Diagnostic::new("invalid-transformation", "a transformation must have exactly one step", step.span).help(
                "set one of `organize`, `join_by_field`, `sort_by`, `filter_fields_by_name`, `merge = true`, or \
                     `id` with `options`; further steps are further items of the list",
            ));
        }
        let word = word?;
        let mut options = match step.record(word) {
            Some(own) => self.object(own, "", Vec::new()).into(),
            None => step.get("options").and_then(|options| self.value(Kind::Raw, options)).unwrap_or_else(|| json!({})),
        };
        // Grafana has a list, of which only the first counts.
        if word == "sort_by" {
            options["sort"] = json!([options["sort"].take()]);
        }
        let own = step.table.key(word).and_then(|key| key.place(""));
        let id = own.or(step.text("id").map(|id| id.value.as_str()));
        let mut object = Json::from_iter([("id".to_owned(), id.into())]);
        if step.flag("disabled") {
            object.insert("disabled".to_owned(), true.into());
        }
        object.insert("options".to_owned(), options);
        Some(object.into())
    }
}

/// Whether a panel configures how its values are shown.
fn has_fields(panel: &Record) -> bool {
    FIELD.iter().filter_map(|key| panel.get(key.word)).any(|given| match &given.data {
        Data::List(items) => !items.is_empty(),
        Data::Map(map) => !map.is_empty(),
        _ => true,
    })
}
