//! Queries: which keys fit goes by the datasource.

use super::ids::reference;
use super::promql;
use super::raw;
use super::scope::{EXPRESSION, Scope};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard::{Ask, Datasource, JsonQuery, Language, LokiQuery, MetricQuery, PromQuery, Query};
use crate::spec::dashboard as spec;
use crate::spec::dashboard::{ColumnType, Method, Parser, QueryFormat};
use crate::spec::decode::{listed, shown};
use crate::spec::quoted::Quoted;

impl Language {
    /// Its name, and the keys that its queries have.
    fn keys(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::PromQl => ("Prometheus", &["expr", "legend", "format", "instant", "range", "exemplar", "interval"]),
            Self::LogQl => ("Loki", &["expr", "legend", "instant", "range", "interval", "max_lines", "direction"]),
            Self::CloudWatch => (
                "CloudWatch",
                &[
                    "expr",
                    "legend",
                    "namespace",
                    "metric",
                    "statistic",
                    "dimensions",
                    "region",
                    "period",
                    "account",
                    "search",
                ],
            ),
            Self::Infinity => ("a JSON API", &["url", "root", "columns", "format", "method", "parser"]),
            Self::Other => ("this plugin", &["expr", "legend", "format", "instant", "range", "exemplar", "interval"]),
        }
    }
}

impl Scope<'_, '_> {
    /// The queries of a panel and its datasource.
    pub(super) fn queries(&mut self, panel: &spec::Panel, span: Span) -> (Option<Datasource>, Vec<Query>) {
        if panel.queries.0.is_empty() {
            let datasource =
                panel.datasource.as_ref().and_then(|_| self.datasource_or_default(panel.datasource.as_ref(), span));
            return (datasource, Vec::new());
        }
        let all_named = panel.queries.0.iter().all(|query| query.0.datasource.is_some());
        let own = if all_named && panel.datasource.is_none() {
            None
        } else {
            self.datasource_or_default(panel.datasource.as_ref(), span)
        };
        let names = self.references(panel);
        let mut sources = Vec::new();
        let mut queries: Vec<Query> = Vec::with_capacity(panel.queries.0.len());
        for query in &panel.queries.0 {
            let source = match &query.0.datasource {
                Some(_) => self.datasource_or_default(query.0.datasource.as_ref(), span),
                None => own.clone(),
            };
            if source.as_ref().is_some_and(|source| source.plugin == EXPRESSION) {
                self.queries.clone_from(&names);
            }
            queries.push(self.query(&query.0, source.as_ref()));
            self.queries.clear();
            sources.push(source);
        }
        for (query, name) in queries.iter_mut().zip(names) {
            query.reference = name;
        }
        // Expressions go over the panel's other queries, wherever those go.
        let asked: Vec<&Datasource> = sources.iter().flatten().filter(|source| source.plugin != EXPRESSION).collect();
        let panel_source = match asked.as_slice() {
            [] => sources.iter().flatten().next().cloned(),
            [first, rest @ ..] if rest.iter().all(|source| source == first) => Some((*first).clone()),
            _ => Some(Datasource::mixed()),
        };
        for (query, source) in queries.iter_mut().zip(sources) {
            query.datasource = source.filter(|source| Some(source) != panel_source.as_ref());
        }
        (panel_source, queries)
    }

    /// The names of a panel's queries.
    fn references(&mut self, panel: &spec::Panel) -> Vec<String> {
        let written: Vec<_> = panel.queries.0.iter().map(|query| query.0.reference.as_ref()).collect();
        for (index, name) in written.iter().enumerate() {
            let first =
                written.iter().take(index).flatten().find(|first| Some(&first.value) == name.map(|name| &name.value));
            if let (Some(first), Some(name)) = (first, name) {
                self.report(
                    Diagnostic::new("query-clash", format!("two queries are called `{}`", shown(name)), name.span)
                        .also(first.span, "the other one")
                        .help("call one otherwise, or leave `ref` out"),
                );
            }
        }
        let mut free = (0..).map(reference).filter(|name| !written.iter().flatten().any(|taken| taken.value == *name));
        written
            .iter()
            .map(|name| name.map(|name| name.value.clone()).or_else(|| free.next()).unwrap_or_default())
            .collect()
    }

    /// One query, without its name.
    pub(super) fn query(&mut self, query: &spec::Query, source: Option<&Datasource>) -> Query {
        let grafana = self.passthrough(&query.grafana, &raw::QUERY);
        let ask = if let Some(source) = source {
            let language = Language::of(&source.plugin);
            self.check_query_keys(query, language, source);
            self.ask(query, language, source)
        } else {
            // Its language is not known, but its variables are.
            for text in query.expr.iter().chain(&query.legend) {
                self.text(text);
            }
            Ask::Other
        };
        Query { reference: String::new(), datasource: None, hide: query.hide.unwrap_or(false), ask, grafana }
    }

    fn ask(&mut self, query: &spec::Query, language: Language, source: &Datasource) -> Ask {
        let legend = query.legend.as_ref().map(|legend| self.text(legend));
        let flag = |flag: &Option<crate::spec::decode::Spanned<bool>>| flag.as_ref().map(|flag| flag.value);
        let (instant, range) = (flag(&query.instant).unwrap_or(false), flag(&query.range));
        match language {
            // Expressions and queries of panels have no text.
            Language::Other if query.expr.is_none() => Ask::Other,
            Language::PromQl | Language::Other => {
                let expr = self.expr(query, source);
                if language == Language::PromQl
                    && let Some(written) = &query.expr
                    && let Err(problem) = promql::check(&expr)
                {
                    let place = written.place(&problem.range);
                    self.report(
                        Diagnostic::new("invalid-promql", "Prometheus can't read the query", place)
                            .at(problem.message)
                            .help("mend the query at this place; Grafana's variables stand for valid values here"),
                    );
                }
                Ask::Prometheus(PromQuery {
                    expr,
                    legend,
                    format: query.format.as_ref().map(|format| format.value),
                    instant,
                    range: range.unwrap_or(!instant),
                    exemplar: flag(&query.exemplar).unwrap_or(false),
                    interval: query.interval.as_ref().map(|interval| self.duration(interval, &[])),
                })
            }
            Language::LogQl => Ask::Loki(LokiQuery {
                expr: self.expr(query, source),
                legend,
                instant,
                step: query.interval.as_ref().map(|interval| self.duration(interval, &[])),
                max_lines: query.max_lines.as_ref().map(|lines| lines.value),
                direction: query.direction.as_ref().map(|direction| direction.value),
            }),
            Language::CloudWatch => self.metric(query, legend),
            Language::Infinity => self.json_api(query),
        }
    }

    fn expr(&mut self, query: &spec::Query, source: &Datasource) -> String {
        let Some(expr) = query.expr.as_ref().filter(|expr| !expr.trim().is_empty()) else {
            let span = query.expr.as_ref().map_or(query.span, |expr| expr.span);
            self.missing_part(span, &source.plugin, "expr");
            return String::new();
        };
        self.text(expr)
    }

    fn metric(&mut self, query: &spec::Query, label: Option<String>) -> Ask {
        let mut text = |part: &Option<Quoted>| part.as_ref().map(|part| self.text(part));
        let (region, period, account) = (text(&query.region), text(&query.period), text(&query.account));
        let (namespace, metric, statistic) = (text(&query.namespace), text(&query.metric), text(&query.statistic));
        if let Some(expression) = &query.expr {
            let others = [("namespace", &query.namespace), ("metric", &query.metric), ("statistic", &query.statistic)];
            for (key, other) in others {
                if let Some(other) = other {
                    let title = format!("an expression over other queries has no `{key}`");
                    self.report(
                        Diagnostic::new("contradiction", title, other.span)
                            .also(expression.span, "the expression")
                            .help("remove one of the two"),
                    );
                }
            }
            let expression = self.text(expression);
            return Ask::Math { expression, label, region: region.unwrap_or_default(), period };
        }
        for (key, part) in [("namespace", &namespace), ("metric", &metric), ("statistic", &statistic)] {
            if part.is_none() {
                self.missing_part(query.span, "CloudWatch", key);
            }
        }
        let mut dimensions = Vec::new();
        for (name, values) in query.dimensions.iter().flat_map(|map| map.value.iter()) {
            let values = values.0.iter().map(|value| self.text(value)).collect();
            dimensions.push((name.value.clone(), values));
        }
        Ask::Metric(Box::new(MetricQuery {
            namespace: namespace.unwrap_or_default(),
            metric: metric.unwrap_or_default(),
            statistic: statistic.unwrap_or_default(),
            dimensions,
            label,
            region,
            period,
            account,
            exact: !query.search.as_ref().is_some_and(|search| search.value),
        }))
    }

    fn json_api(&mut self, query: &spec::Query) -> Ask {
        if query.url.is_none() {
            self.missing_part(query.span, "a JSON API", "url");
        }
        if let Some(format) = query
            .format
            .as_ref()
            .filter(|format| matches!(format.value, QueryFormat::TimeSeries | QueryFormat::Heatmap))
        {
            self.report(
                Diagnostic::new(
                    "unsupported-key",
                    format!("a JSON API gives no `{}`", format.value.as_str()),
                    format.span,
                )
                .help("use `table`, `timeseries`, `logs` or `dataframe`"),
            );
        }
        let mut columns = Vec::new();
        for (title, column) in query.columns.iter().flat_map(|map| map.value.iter()) {
            let selector = self.text(&column.0.selector);
            columns.push((title.value.clone(), selector, column.0.kind.unwrap_or(ColumnType::String)));
        }
        Ask::Json(JsonQuery {
            url: query.url.as_ref().map(|url| self.text(url)).unwrap_or_default(),
            root: query.root.as_ref().map(|root| self.text(root)).unwrap_or_default(),
            format: query.format.as_ref().map_or(QueryFormat::Table, |format| format.value),
            method: query.method.as_ref().map_or(Method::Get, |method| method.value),
            parser: query.parser.as_ref().map_or(Parser::Backend, |parser| parser.value),
            columns,
        })
    }

    fn missing_part(&mut self, span: Span, language: &str, key: &str) {
        self.report(
            Diagnostic::new("missing-key", format!("a query of {language} needs the key `{key}`"), span)
                .help(format!("add `{key} = …`")),
        );
    }

    /// Keys of other datasources do nothing.
    fn check_query_keys(&mut self, query: &spec::Query, language: Language, source: &Datasource) {
        let quoted = |value: &Option<Quoted>| value.as_ref().map(|value| value.span);
        let keys = [
            ("expr", quoted(&query.expr)),
            ("legend", quoted(&query.legend)),
            ("format", query.format.as_ref().map(|value| value.span)),
            ("instant", query.instant.as_ref().map(|value| value.span)),
            ("range", query.range.as_ref().map(|value| value.span)),
            ("exemplar", query.exemplar.as_ref().map(|value| value.span)),
            ("interval", quoted(&query.interval)),
            ("max_lines", query.max_lines.as_ref().map(|value| value.span)),
            ("direction", query.direction.as_ref().map(|value| value.span)),
            ("namespace", quoted(&query.namespace)),
            ("metric", quoted(&query.metric)),
            ("statistic", quoted(&query.statistic)),
            ("dimensions", query.dimensions.as_ref().map(|value| value.span)),
            ("region", quoted(&query.region)),
            ("period", quoted(&query.period)),
            ("account", quoted(&query.account)),
            ("search", query.search.as_ref().map(|value| value.span)),
            ("url", quoted(&query.url)),
            ("root", quoted(&query.root)),
            ("columns", query.columns.as_ref().map(|value| value.span)),
            ("method", query.method.as_ref().map(|value| value.span)),
            ("parser", query.parser.as_ref().map(|value| value.span)),
        ];
        let (what, fitting) = language.keys();
        for (key, span) in keys {
            if let Some(span) = span.filter(|_| !fitting.contains(&key)) {
                let title = format!("a query of {what} has no `{key}`");
                let fits = listed(fitting.iter().copied());
                self.report(
                    Diagnostic::new("unsupported-key", title, span)
                        .at(format!("the datasource is `{}`", shown(&source.uid)))
                        .help(format!("remove it, or name another datasource: this one's queries have {fits}")),
                );
            }
        }
    }
}
