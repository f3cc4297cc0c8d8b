//! `[variables.<name>]` of a dashboard.

use serde_json::{Value, json};

use super::object::Made;
use super::promql;
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard::{Datasource, Language};
use crate::spec::decode::{Spanned, listed, shown};
use crate::spec::grafana::{Data, Given, Record};
use crate::spec::quoted::Quoted;

/// What stands for all values (`ALL_VARIABLE_VALUE` of Grafana).
const ALL: &str = "$__all";

impl Scope<'_, '_> {
    pub(super) fn variable(&mut self, name: &Spanned<String>, variable: &Record) -> Value {
        if !super::is_variable(&name.value) {
            self.report(
                Diagnostic::new("invalid-name", format!("invalid variable name `{}`", shown(name)), name.span)
                    .help("use letters, digits and `_`, and don't start with `__`"),
            );
        }
        let kind = variable.word("type").unwrap_or_default();
        self.check_keys(variable, kind);
        self.check_choice(variable);
        let mut made: Made = vec![("name", Some(name.value.as_str().into()))];
        if matches!(kind, "query" | "adhoc") {
            let datasource = self.datasource_or_default(variable.text("datasource"), name.span);
            if kind == "query"
                && datasource.as_ref().is_some_and(|source| Language::of(&source.plugin) == Language::PromQl)
            {
                self.check_promql(variable);
            }
            made.push(("datasource", Some(datasource.unwrap_or_else(Datasource::mixed).json())));
        }
        let current: Vec<&str> =
            variable.items("current").iter().filter_map(Given::text).map(|text| text.value.as_str()).collect();
        let values = self.values(name.span, kind, variable);
        match kind {
            "query" | "datasource" => self.check_query_of_variable(name.span, kind, variable),
            "custom" => made.push(("values", Some(custom(&values).into()))),
            "interval" => {
                let list: Vec<&str> = values.iter().map(|(_, value)| *value).collect();
                made.push(("values", Some(list.join(",").into())));
                if !variable.flag("auto") {
                    made.extend([("auto_count", None), ("auto_min", None)]);
                }
            }
            "textbox" | "constant" => {
                if kind == "constant" && variable.get("current").is_none() {
                    self.missing(name.span, "constant", "current");
                }
                made.push(("query", Some(current.first().copied().unwrap_or_default().into())));
            }
            _ => {}
        }
        let text = |value: &str| {
            let named = values.iter().find(|(_, other)| *other == value).map(|(text, _)| *text);
            if value == ALL { "All".to_owned() } else { named.unwrap_or(value).to_owned() }
        };
        let current = match current.as_slice() {
            [] if matches!(kind, "textbox" | "constant") => Some(json!({ "text": "", "value": "" })),
            [] if variable.get("current").is_none() => None,
            [one] if !variable.flag("multi") => Some(json!({ "text": text(one), "value": one })),
            many => Some(json!({ "text": many.iter().map(|one| text(one)).collect::<Vec<_>>(), "value": many })),
        };
        made.push(("current", current));
        let mut object = self.object(variable, kind, made);
        self.pass(variable, &mut object);
        object.into()
    }

    fn check_choice(&mut self, variable: &Record) {
        if variable.flag("include_all") {
            return;
        }
        if let Some(all) = variable.get("all_value") {
            self.report(
                Diagnostic::new("contradiction", "`all_value` has no effect without `include_all`", all.span)
                    .help("add `include_all = true`, or remove `all_value`"),
            );
        }
        let selected = variable.items("current").iter().filter_map(Given::text);
        if selected.into_iter().any(|value| value.value == ALL)
            && let Some(kind) = variable.get("type").filter(|_| variable.word("type").is_some_and(is_selected))
        {
            self.report(
                Diagnostic::new(
                    "contradiction",
                    format!("`{ALL}` cannot be selected without `include_all`"),
                    kind.span,
                )
                .help("add `include_all = true`, or remove it from `current`"),
            );
        }
    }

    fn check_promql(&mut self, variable: &Record) {
        let Some(query) = variable.text("query") else { return };
        if let Some(Err(problem)) = promql_of(query).map(promql::check) {
            self.report(
                Diagnostic::new("invalid-promql", "invalid PromQL in the variable's query", query.span)
                    .at(problem.message)
                    .help("write `label_values(<selector>, <label>)`, `query_result(<query>)`, `metrics(<regexp>)` or a query"),
            );
        }
    }

    fn check_query_of_variable(&mut self, name: Span, kind: &str, variable: &Record) {
        let Some(query) = variable.get("query") else { return self.missing(name, kind, "query") };
        let fits = match query.data {
            Data::Text(_) => true,
            Data::Map(_) => kind == "query",
            _ => false,
        };
        if !fits {
            let expected = if kind == "query" { "a string or a table" } else { "a string" };
            self.report(
                Diagnostic::new("wrong-type", format!("expected {expected}"), query.span)
                    .help("write the query, e.g. `label_values(up, job)`, or the type of datasource"),
            );
        }
    }

    /// Texts and values of a list.
    fn values<'v>(&mut self, name: Span, kind: &str, variable: &'v Record) -> Vec<(&'v str, &'v str)> {
        let given = variable.get("values");
        let list =
            given.into_iter().flat_map(Given::items).filter_map(Given::text).map(|text| (text.value.as_str(), text));
        let table = given.into_iter().flat_map(Given::entries);
        let table = table.filter_map(|(text, value)| Some((text.value.as_str(), value.text()?)));
        let pairs: Vec<(&str, &Quoted)> = list.chain(table).collect();
        if pairs.is_empty() && matches!(kind, "custom" | "interval") {
            self.missing(name, kind, "values");
        }
        for (text, value) in &pairs {
            self.refer(text, |_| value.span);
            self.text(value);
        }
        pairs.into_iter().map(|(text, value)| (text, value.value.as_str())).collect()
    }

    fn missing(&mut self, span: Span, kind: &str, key: &str) {
        self.report(
            Diagnostic::new("missing-key", format!("missing key `{key}` in a variable of type `{kind}`"), span)
                .help(format!("add `{key} = …`")),
        );
    }

    /// Reports keys that have no effect in this type of variable.
    fn check_keys(&mut self, variable: &Record, kind: &str) {
        let Some(its_type) = variable.get("type") else { return };
        for (word, given) in variable.given() {
            let only = variable.table.key(word).map(|key| key.only).unwrap_or_default();
            if !only.is_empty() && !only.contains(&kind) {
                let title = format!("`{word}` cannot be used in a variable of type `{kind}`");
                self.report(
                    Diagnostic::new("unsupported-key", title, given.span)
                        .also(its_type.span, "its type")
                        .help(format!("remove it, or use one of the types {}", listed(only.iter().copied()))),
                );
            }
        }
    }
}

/// The PromQL in the query of a variable of Prometheus, which is a function of Grafana's (the variable query editor of
/// @grafana/prometheus).
pub fn promql_of(query: &str) -> Option<&str> {
    let inside =
        |function: &str| query.trim().strip_prefix(function)?.trim_start().strip_prefix('(')?.strip_suffix(')');
    match (inside("query_result"), inside("label_values")) {
        (Some(expression), _) => Some(expression),
        // A label alone, or a selector before the label.
        (_, Some(arguments)) => arguments.rsplit_once(',').map(|(selector, _)| selector),
        _ if ["metrics(", "label_names("].iter().any(|function| query.trim().starts_with(function)) => None,
        // Anything else is a query.
        _ => Some(query),
    }
}

/// Whether something is selected of a type's values.
fn is_selected(kind: &str) -> bool {
    crate::spec::dashboard::SELECTED.contains(&kind)
}

/// The query of a `custom` variable: `value` or `text : value`, in which a backslash keeps a comma.
fn custom(values: &[(&str, &str)]) -> String {
    let plain = |text: &str| text.replace(',', "\\,");
    let one = |(text, value): &(&str, &str)| {
        if text == value { plain(value) } else { format!("{} : {}", plain(text), plain(value)) }
    };
    values.iter().map(one).collect::<Vec<_>>().join(", ")
}
