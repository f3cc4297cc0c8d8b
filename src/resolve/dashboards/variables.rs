//! `[variables.<name>]` of a dashboard.

use serde_json::Value;

use super::scope::Scope;
use super::{promql, raw};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard::{Choice, Current, Datasource, Language, Variable, VariableValues};
use crate::spec::dashboard as spec;
use crate::spec::dashboard::{Refresh, VariableType};
use crate::spec::decode::{Spanned, listed, shown};
use crate::spec::raw::{Raw, RawValue};

/// What stands for all values (`ALL_VARIABLE_VALUE` of Grafana).
const ALL: &str = "$__all";

impl Scope<'_, '_> {
    pub(super) fn variable(&mut self, name: &Spanned<String>, variable: &spec::Variable) -> Variable {
        let fits = !name.value.is_empty() && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits || name.value.starts_with("__") {
            self.report(
                Diagnostic::new("invalid-name", format!("`{}` is no name for a variable", shown(name)), name.span)
                    .help("a dashboard's variable holds letters, digits and `_`, and does not begin with `__`"),
            );
        }
        self.check_keys(variable);
        let mut current: Option<Vec<String>> = variable.current.as_ref().map(|current| current.0.clone());
        if let Some(label) = &variable.label {
            self.refer(label, |_| name.span);
        }
        let values = match variable.kind.value {
            VariableType::Query => {
                let datasource = self.datasource_or_default(variable.datasource.as_ref(), name.span);
                if datasource.as_ref().is_some_and(|source| Language::of(&source.plugin) == Language::PromQl) {
                    self.check_promql(variable);
                }
                VariableValues::Query {
                    datasource: datasource.unwrap_or_else(Datasource::mixed),
                    query: self.required_query(name, variable),
                    refresh: variable.refresh.as_ref().map_or(Refresh::Load, |refresh| refresh.value),
                    choice: self.choice(variable),
                }
            }
            VariableType::Datasource => {
                let plugin = match self.required_query(name, variable) {
                    Value::String(plugin) => plugin,
                    _ => String::new(),
                };
                VariableValues::Datasource { plugin, choice: self.choice(variable) }
            }
            VariableType::Custom => {
                let values = self.required_values(name, variable);
                VariableValues::Custom { values, choice: self.choice(variable) }
            }
            VariableType::Interval => {
                let values = self.required_values(name, variable).into_iter().map(|(_, value)| value).collect();
                let auto = variable.auto.as_ref().is_some_and(|auto| auto.value).then(|| {
                    // Grafana's own defaults.
                    let count = variable.auto_count.as_ref().map_or(30, |count| count.value);
                    (count, variable.auto_min.as_ref().map_or_else(|| "10s".to_owned(), |min| min.value.clone()))
                });
                VariableValues::Interval { values, auto }
            }
            VariableType::Textbox => VariableValues::Textbox(one(current.take())),
            VariableType::Adhoc => {
                let datasource = self.datasource_or_default(variable.datasource.as_ref(), name.span);
                VariableValues::Adhoc(datasource.unwrap_or_else(Datasource::mixed))
            }
            VariableType::Constant => {
                if current.is_none() {
                    self.missing(name.span, "constant", "current");
                }
                VariableValues::Constant(one(current.take()))
            }
        };
        Variable {
            name: name.value.clone(),
            label: variable.label.clone(),
            description: variable.description.clone(),
            hide: variable.hide,
            skip_url_sync: variable.skip_url_sync.unwrap_or(false),
            values,
            current: current.map(|mut values| match values.len() {
                1 if !variable.multi.as_ref().is_some_and(|multi| multi.value) => {
                    Current::One(values.pop().unwrap_or_default())
                }
                _ => Current::Many(values),
            }),
            grafana: self.passthrough(&variable.grafana, &raw::VARIABLE),
        }
    }

    fn choice(&mut self, variable: &spec::Variable) -> Choice {
        let is = |flag: &Option<Spanned<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
        let include_all = is(&variable.include_all);
        if let Some(all) = variable.all_value.as_ref().filter(|_| !include_all) {
            self.report(
                Diagnostic::new("contradiction", "all values can't be chosen, so nothing stands for them", all.span)
                    .help("add `include_all = true`, or remove `all_value`"),
            );
        }
        let all = variable.current.as_ref().is_some_and(|current| current.0.iter().any(|value| value == ALL));
        if all && !include_all {
            self.report(
                Diagnostic::new("contradiction", format!("`{ALL}` can't be chosen"), variable.kind.span)
                    .help("add `include_all = true`, or remove it from `current`"),
            );
        }
        Choice {
            regex: variable.regex.as_ref().map(|regex| self.text(regex)),
            sort: variable.sort.as_ref().map(|sort| sort.value),
            multi: is(&variable.multi),
            include_all,
            all_value: variable.all_value.as_ref().map(|value| value.value.clone()),
            allow_custom_value: variable.allow_custom_value.unwrap_or(true),
        }
    }

    /// The query of a variable of Prometheus is a function of Grafana's, which may hold PromQL (the variable query editor
    /// of @grafana/prometheus).
    fn check_promql(&mut self, variable: &spec::Variable) {
        let Some(Raw { span, value: RawValue::String(query) }) = &variable.query else { return };
        let inside =
            |function: &str| query.trim().strip_prefix(function)?.trim_start().strip_prefix('(')?.strip_suffix(')');
        let part = match (inside("query_result"), inside("label_values")) {
            (Some(expression), _) => Some(expression),
            // A label alone, or a selector before the label.
            (_, Some(arguments)) => arguments.rsplit_once(',').map(|(selector, _)| selector),
            _ if ["metrics(", "label_names("].iter().any(|function| query.trim().starts_with(function)) => None,
            // Anything else is asked as it stands.
            _ => Some(query.as_str()),
        };
        if let Some(Err(problem)) = part.map(promql::check) {
            self.report(
                Diagnostic::new("invalid-promql", "Prometheus can't read the variable's query", *span)
                    .at(problem.message)
                    .help("write `label_values(<selector>, <label>)`, `query_result(<query>)`, `metrics(<regexp>)` or a query"),
            );
        }
    }

    fn required_query(&mut self, name: &Spanned<String>, variable: &spec::Variable) -> Value {
        let Some(query) = &variable.query else {
            self.missing(name.span, variable.kind.value.as_str(), "query");
            return Value::Null;
        };
        let fits = match query.value {
            RawValue::String(_) => true,
            RawValue::Table(_) => variable.kind.value == VariableType::Query,
            _ => false,
        };
        if !fits {
            let expected = match variable.kind.value {
                VariableType::Query => "a string or a table",
                _ => "a string",
            };
            self.report(
                Diagnostic::new("wrong-type", format!("expected {expected}"), query.span)
                    .help("write the query, e.g. `label_values(up, job)`, or the type of datasource"),
            );
        }
        self.json(query)
    }

    fn required_values(&mut self, name: &Spanned<String>, variable: &spec::Variable) -> Vec<(Option<String>, String)> {
        let Some(values) = variable.values.as_ref().filter(|values| !values.value.0.is_empty()) else {
            self.missing(name.span, variable.kind.value.as_str(), "values");
            return Vec::new();
        };
        for (text, value) in &values.value.0 {
            for part in text.iter().chain([value]) {
                self.refer(part, |_| values.span);
            }
        }
        values.value.0.clone()
    }

    fn missing(&mut self, span: Span, kind: &str, key: &str) {
        self.report(
            Diagnostic::new("missing-key", format!("a variable of type `{kind}` needs the key `{key}`"), span)
                .help(format!("add `{key} = …`")),
        );
    }

    /// Keys of other types of variables do nothing.
    fn check_keys(&mut self, variable: &spec::Variable) {
        use VariableType::{Adhoc, Custom, Datasource, Interval, Query};
        let several = [Query, Datasource, Custom].as_slice();
        let span = |raw: &Raw| raw.span;
        let keys = [
            ("datasource", variable.datasource.as_ref().map(|value| value.span), [Query, Adhoc].as_slice()),
            ("query", variable.query.as_ref().map(span), &[Query, Datasource]),
            ("values", variable.values.as_ref().map(|value| value.span), &[Custom, Interval]),
            ("regex", variable.regex.as_ref().map(|value| value.span), &[Query, Datasource]),
            ("sort", variable.sort.as_ref().map(|value| value.span), &[Query]),
            ("refresh", variable.refresh.as_ref().map(|value| value.span), &[Query]),
            ("multi", variable.multi.as_ref().map(|value| value.span), several),
            ("include_all", variable.include_all.as_ref().map(|value| value.span), several),
            ("all_value", variable.all_value.as_ref().map(|value| value.span), several),
            ("auto", variable.auto.as_ref().map(|value| value.span), &[Interval]),
            ("auto_count", variable.auto_count.as_ref().map(|value| value.span), &[Interval]),
            ("auto_min", variable.auto_min.as_ref().map(|value| value.span), &[Interval]),
        ];
        let kind = variable.kind.value;
        for (key, span, kinds) in keys {
            if let Some(span) = span.filter(|_| !kinds.contains(&kind)) {
                let fits = listed(kinds.iter().map(|kind| kind.as_str()));
                self.report(
                    Diagnostic::new(
                        "unsupported-key",
                        format!("a variable of type `{}` has no `{key}`", kind.as_str()),
                        span,
                    )
                    .also(variable.kind.span, "its type")
                    .help(format!("remove it: it is for {fits}")),
                );
            }
        }
    }
}

fn one(values: Option<Vec<String>>) -> String {
    values.and_then(|values| values.into_iter().next()).unwrap_or_default()
}
