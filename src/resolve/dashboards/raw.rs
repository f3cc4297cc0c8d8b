//! Parts of Grafana's JSON that the spec passes on: as JSON, checked for keys that the spec has itself.

use serde_json::{Map as JsonMap, Number, Value};

use super::scope::Scope;
use crate::diagnostic::Diagnostic;
use crate::model::dashboard::Passthrough;
use crate::spec::decode::{Map, Spanned, listed, shown};
use crate::spec::raw::{Raw, RawValue};

/// What the `grafana` table of something may hold.
pub(super) struct Accepts {
    /// What it belongs to, for a message.
    what: &'static str,
    /// Dotted paths of Grafana's keys, and the keys of the spec that say the same.
    own: &'static [(&'static str, &'static str)],
    /// The other paths that Grafana knows; `None` where plugins decide.
    known: Option<&'static [&'static str]>,
}

/// Dashboard (`Dashboard` of @grafana/schema).
pub(super) const DASHBOARD: Accepts = Accepts {
    what: "a dashboard",
    own: &[
        ("uid", "uid"),
        ("title", "title"),
        ("description", "description"),
        ("tags", "tags"),
        ("refresh", "refresh"),
        ("time", "time"),
        ("timezone", "timezone"),
        ("graphTooltip", "graph_tooltip"),
        ("editable", "editable"),
        ("links", "links"),
        ("templating", "variables"),
        ("annotations", "annotations"),
        ("panels", "panels` or `rows"),
    ],
    known: Some(&["fiscalYearStartMonth", "gnetId", "liveNow", "preload", "revision", "timepicker", "weekStart"]),
};

/// Row (`RowPanel`).
pub(super) const ROW: Accepts = Accepts {
    what: "a row",
    own: &[("title", "title"), ("collapsed", "collapsed"), ("repeat", "repeat"), ("id", "id"), ("panels", "panels")],
    known: Some(&["datasource", "repeatDirection"]),
};

/// Panel (`Panel` and `FieldConfig`).
pub(super) const PANEL: Accepts = Accepts {
    what: "a panel",
    own: &[
        ("id", "id"),
        ("type", "type"),
        ("title", "title"),
        ("description", "description"),
        ("gridPos", "width` and `height"),
        ("datasource", "datasource"),
        ("targets", "queries"),
        ("transparent", "transparent"),
        ("links", "links"),
        ("repeat", "repeat"),
        ("repeatDirection", "repeat_direction"),
        ("maxPerRow", "max_per_row"),
        ("interval", "interval"),
        ("maxDataPoints", "max_data_points"),
        ("timeFrom", "time_from"),
        ("timeShift", "time_shift"),
        ("hideTimeOverride", "hide_time_override"),
        ("fieldConfig.defaults.unit", "unit"),
        ("fieldConfig.defaults.decimals", "decimals"),
        ("fieldConfig.defaults.min", "min"),
        ("fieldConfig.defaults.max", "max"),
        ("fieldConfig.defaults.noValue", "no_value"),
        ("fieldConfig.defaults.displayName", "display_name"),
    ],
    known: Some(&[
        "autoMigrateFrom",
        "cacheTimeout",
        "fieldConfig.defaults.actions",
        // These have keys of their own, too, but not for everything that Grafana takes.
        "fieldConfig.defaults.color",
        "fieldConfig.defaults.custom",
        "fieldConfig.defaults.description",
        "fieldConfig.defaults.displayNameFromDS",
        "fieldConfig.defaults.fieldMinMax",
        "fieldConfig.defaults.filterable",
        "fieldConfig.defaults.links",
        "fieldConfig.defaults.mappings",
        "fieldConfig.defaults.path",
        "fieldConfig.defaults.thresholds",
        "fieldConfig.defaults.writeable",
        "fieldConfig.overrides",
        "libraryPanel",
        "options",
        "pluginVersion",
        "queryCachingTTL",
        "timeCompare",
        "transformations",
    ]),
};

/// Variable (`VariableModel`, and what the dashboard's editor writes besides).
pub(super) const VARIABLE: Accepts = Accepts {
    what: "a variable",
    own: &[
        ("type", "type"),
        ("name", "name"),
        ("label", "label"),
        ("description", "description"),
        ("hide", "hide"),
        ("datasource", "datasource"),
        ("query", "query"),
        ("regex", "regex"),
        ("sort", "sort"),
        ("refresh", "refresh"),
        ("multi", "multi"),
        ("includeAll", "include_all"),
        ("allValue", "all_value"),
        ("current", "current"),
        ("skipUrlSync", "skip_url_sync"),
        ("allowCustomValue", "allow_custom_value"),
        ("auto", "auto"),
        ("auto_count", "auto_count"),
        ("auto_min", "auto_min"),
    ],
    known: Some(&[
        "baseFilters",
        "defaultKeys",
        "definition",
        "enableGroupBy",
        "filters",
        "options",
        "regexApplyTo",
        "staticOptions",
        "staticOptionsOrder",
        "valuesFormat",
    ]),
};

/// Annotation (`AnnotationQuery`, and what plugins add).
pub(super) const ANNOTATION: Accepts = Accepts {
    what: "an annotation",
    own: &[
        ("name", "name"),
        ("datasource", "datasource"),
        ("enable", "enabled"),
        ("hide", "hidden"),
        ("iconColor", "color"),
    ],
    known: None,
};

/// Query: what every plugin's has.
pub(super) const QUERY: Accepts =
    Accepts { what: "a query", own: &[("refId", "ref"), ("datasource", "datasource"), ("hide", "hide")], known: None };

impl Scope<'_, '_> {
    /// A `grafana` table as JSON.
    pub(super) fn passthrough(&mut self, table: &Map<Raw>, accepts: &Accepts) -> Passthrough {
        self.accepted("", &table.entries, accepts)
    }

    fn accepted(&mut self, prefix: &str, table: &[(Spanned<String>, Raw)], accepts: &Accepts) -> Passthrough {
        let mut object = JsonMap::new();
        for (key, raw) in table {
            let path = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
            if let Some((_, own)) = accepts.own.iter().find(|(own, _)| *own == path) {
                self.report(
                    Diagnostic::new("first-class-key", format!("`{path}` has a key of its own"), key.span)
                        .help(format!("write `{own}` instead, outside of `grafana`")),
                );
                continue;
            }
            let below = format!("{path}.");
            let known = accepts.known.is_none_or(|known| known.contains(&path.as_str()));
            let inner = accepts.own.iter().map(|(own, _)| *own).chain(accepts.known.into_iter().flatten().copied());
            let has_inner = inner.into_iter().any(|own| own.starts_with(&below));
            match &raw.value {
                RawValue::Table(table) if has_inner => {
                    let inner = self.accepted(&path, table, accepts);
                    object.insert(key.value.clone(), Value::Object(inner));
                }
                _ if known => {
                    object.insert(key.value.clone(), self.json(raw));
                }
                _ => {
                    let known = accepts.known.unwrap_or_default();
                    let title = format!("Grafana knows no key `{}` of {}", shown(&path), accepts.what);
                    let all = known.iter().copied().chain(accepts.own.iter().map(|(own, _)| *own));
                    self.report(
                        Diagnostic::new("unknown-key", title, key.span)
                            .suggest(&path, all, || format!("it knows: {}", listed(known.iter().copied()))),
                    );
                }
            }
        }
        object
    }

    /// A table as JSON.
    pub(super) fn object(&mut self, table: &[(Spanned<String>, Raw)]) -> Passthrough {
        table.iter().map(|(key, raw)| (key.value.clone(), self.json(raw))).collect()
    }

    /// A value as JSON; Grafana puts in variables in all of its strings.
    pub(super) fn json(&mut self, raw: &Raw) -> Value {
        match &raw.value {
            RawValue::String(text) => {
                self.refer(text, |_| raw.span);
                Value::String(text.clone())
            }
            RawValue::Integer(number) => Value::Number((*number).into()),
            RawValue::Float(number) => self::number(*number),
            RawValue::Boolean(boolean) => Value::Bool(*boolean),
            RawValue::List(items) => Value::Array(items.iter().map(|item| self.json(item)).collect()),
            RawValue::Table(table) => Value::Object(self.object(table)),
        }
    }
}

/// A finite number as JSON.
fn number(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
