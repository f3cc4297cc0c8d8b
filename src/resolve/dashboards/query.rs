//! Queries: which keys fit depends on the datasource.

use serde_json::Value;

use super::ids::reference;
use super::object::Made;
use super::promql;
use super::scope::{EXPRESSION, Scope};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard::{Datasource, Json, Language};
use crate::spec::dashboard::QUERY;
use crate::spec::dashboard::variant::{JSON, LOKI, MATH, METRIC, PROMETHEUS};
use crate::spec::decode::{listed, shown};
use crate::spec::grafana::{Given, Key, Record};

impl Language {
    /// Its name, and the variants of its queries.
    fn variants(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::PromQl => ("Prometheus", &[PROMETHEUS]),
            Self::LogQl => ("Loki", &[LOKI]),
            Self::CloudWatch => ("CloudWatch", &[METRIC, MATH]),
            Self::Infinity => ("JSON API", &[JSON]),
            Self::Other => ("plugin", &[PROMETHEUS]),
        }
    }
}

impl<'a> Scope<'_, 'a> {
    /// The queries of a panel and its datasource.
    pub(super) fn queries(&mut self, panel: &'a Record, span: Span) -> (Option<Datasource>, Vec<Value>) {
        let queries: Vec<&Record> = panel.items("queries").iter().filter_map(Given::record).collect();
        let written = panel.text("datasource");
        if queries.is_empty() {
            return (written.and_then(|_| self.datasource_or_default(written, span)), Vec::new());
        }
        let all_named = queries.iter().all(|query| query.text("datasource").is_some());
        let own = if all_named && written.is_none() { None } else { self.datasource_or_default(written, span) };
        let names = self.references(&queries);
        let source = |query: &&'a Record| match query.text("datasource") {
            None => own.clone(),
            written => self.datasource_or_default(written, span),
        };
        let sources: Vec<Option<Datasource>> = queries.iter().map(source).collect();
        // Expressions use the panel's other queries, of any datasource.
        let asked: Vec<&Datasource> = sources.iter().flatten().filter(|source| source.plugin != EXPRESSION).collect();
        let panel_source = match asked.as_slice() {
            [] => sources.iter().flatten().next().cloned(),
            [first, rest @ ..] if rest.iter().all(|source| source == first) => Some((*first).clone()),
            _ => Some(Datasource::mixed()),
        };
        let mut list = Vec::with_capacity(queries.len());
        for ((query, name), source) in queries.into_iter().zip(&names).zip(&sources) {
            if source.as_ref().is_some_and(|source| source.plugin == EXPRESSION) {
                self.queries.clone_from(&names);
            }
            let shown = source.as_ref().filter(|source| Some(*source) != panel_source.as_ref());
            list.push(self.query(query, name, source.as_ref(), shown).into());
            self.queries.clear();
        }
        (panel_source, list)
    }

    /// The names of a panel's queries.
    fn references(&mut self, queries: &[&Record]) -> Vec<String> {
        let written: Vec<_> = queries.iter().map(|query| query.text("ref")).collect();
        for (index, name) in written.iter().enumerate() {
            let first =
                written.iter().take(index).flatten().find(|first| Some(&first.value) == name.map(|name| &name.value));
            if let (Some(first), Some(name)) = (first, name) {
                self.report(
                    Diagnostic::new("query-clash", format!("duplicate query name `{}`", shown(name)), name.span)
                        .also(first.span, "the other one")
                        .help("rename one of them, or remove its `ref`"),
                );
            }
        }
        let mut free = (0..).map(reference).filter(|name| !written.iter().flatten().any(|taken| taken.value == *name));
        written
            .iter()
            .map(|name| name.map(|name| name.value.clone()).or_else(|| free.next()).unwrap_or_default())
            .collect()
    }

    /// One query, of the datasource `source`, which it names itself if `named` is given.
    pub(super) fn query(
        &mut self,
        query: &Record,
        name: &str,
        source: Option<&Datasource>,
        named: Option<&Datasource>,
    ) -> Json {
        let mut made: Made = vec![("ref", Some(name.into())), ("datasource", named.map(Datasource::json))];
        let variant = match source {
            Some(source) => {
                let language = Language::of(&source.plugin);
                self.check_query_keys(query, language, source);
                self.check_query(query, language, source);
                self.variant(query, language, &mut made)
            }
            None => "",
        };
        if variant.is_empty() {
            // Its language is not known, but its variables are.
            for text in query.text("expr").into_iter().chain(query.text("legend")) {
                self.text(text);
            }
        }
        let mut object = self.object(query, variant, made);
        self.pass(query, &mut object);
        object
    }

    /// The variant of a query, and what follows from it.
    fn variant(&mut self, query: &Record, language: Language, made: &mut Made) -> &'static str {
        let instant = query.flag("instant");
        match language {
            _ if is_passed(query, language) => "",
            Language::PromQl | Language::Other => {
                // Without either word Prometheus is asked for a range.
                made.push(("range", Some((instant && query.flag("range")).into())));
                PROMETHEUS
            }
            Language::LogQl => {
                made.extend([("instant", instant.then(|| "instant".into())), ("range", None)]);
                LOKI
            }
            Language::CloudWatch => {
                if query.text("expr").is_some() {
                    MATH
                } else {
                    METRIC
                }
            }
            Language::Infinity => {
                let columns = query.records("columns");
                let columns: Vec<Value> = columns
                    .map(|(title, column)| {
                        self.object(column, "", vec![("title", Some(title.value.as_str().into()))]).into()
                    })
                    .collect();
                made.extend([
                    ("format", Some(query.word("format").unwrap_or("table").into())),
                    ("columns", Some(columns.into())),
                ]);
                JSON
            }
        }
    }

    fn check_query(&mut self, query: &Record, language: Language, source: &Datasource) {
        match language {
            _ if is_passed(query, language) => {}
            Language::PromQl | Language::LogQl | Language::Other => {
                if query.text("expr").is_none() && query.map("grafana").is_some_and(|passed| passed.knows("expr")) {
                    return;
                }
                let Some(expr) = query.text("expr").filter(|expr| !expr.trim().is_empty()) else {
                    let span = query.text("expr").map_or(query.span, |expr| expr.span);
                    return self.missing_part(span, &source.plugin, "expr");
                };
                if language == Language::PromQl
                    && let Err(problem) = self.promql(expr)
                {
                    self.report(
                        Diagnostic::new("invalid-promql", "invalid PromQL query", expr.place(&problem.range))
                            .at(problem.message)
                            .help("fix the query; Grafana's variables are read as valid values"),
                    );
                }
            }
            Language::CloudWatch => {
                for key in ["namespace", "metric", "statistic"] {
                    match (query.text("expr"), query.text(key)) {
                        (Some(expr), Some(other)) => {
                            let title = format!("`{key}` cannot be used in an expression over other queries");
                            self.report(
                                Diagnostic::new("contradiction", title, other.span)
                                    .also(expr.span, "the expression")
                                    .help("remove one of the two"),
                            );
                        }
                        (None, None) => self.missing_part(query.span, "CloudWatch", key),
                        _ => {}
                    }
                }
            }
            Language::Infinity => {
                if query.text("url").is_none() {
                    self.missing_part(query.span, "JSON API", "url");
                }
                if let (Some(format), Some(word @ ("time_series" | "heatmap"))) =
                    (query.get("format"), query.word("format"))
                {
                    self.report(
                        Diagnostic::new(
                            "unsupported-key",
                            format!("unsupported format `{word}` of a JSON API query"),
                            format.span,
                        )
                        .help("use `table`, `timeseries`, `logs` or `dataframe`"),
                    );
                }
            }
        }
    }

    /// Checks a query, a good one once for each text.
    fn promql(&mut self, query: &str) -> Result<(), promql::Problem> {
        let known = &mut self.resolver.shared.queries;
        if !known.contains(query) {
            promql::check(query)?;
            known.insert(query.to_owned());
        }
        Ok(())
    }

    fn missing_part(&mut self, span: Span, language: &str, key: &str) {
        self.report(
            Diagnostic::new("missing-key", format!("missing key `{key}` in a {language} query"), span)
                .help(format!("add `{key} = …`")),
        );
    }

    /// Reports keys that have no effect with this datasource.
    fn check_query_keys(&mut self, query: &Record, language: Language, source: &Datasource) {
        let (what, variants) = language.variants();
        let special = |key: &str| query.table.key(key).is_some_and(Key::is_everywhere);
        let has = |key: &Key| variants.iter().any(|variant| key.place(variant).is_some());
        for (word, given) in query.given() {
            if special(word) || query.table.key(word).is_some_and(has) {
                continue;
            }
            let title = format!("`{word}` cannot be used in a {what} query");
            let fits = QUERY.keys().map(|(_, key)| key).filter(|key| key.is_written() && has(key));
            let fits = listed(fits.map(|key| key.word).filter(|word| !special(word)));
            self.report(
                Diagnostic::new("unsupported-key", title, given.span)
                    .at(format!("the datasource is `{}`", shown(&source.uid)))
                    .help(format!("remove it, or choose another datasource; this one supports {fits}")),
            );
        }
    }
}

/// Whether a query is in Grafana's words only. Expressions and queries of panels have no text, and CloudWatch has logs too.
fn is_passed(query: &Record, language: Language) -> bool {
    let own = query.given().any(|(word, _)| query.table.key(word).is_some_and(|key| !key.is_everywhere()));
    let passed = query.map("grafana").is_some_and(|grafana| !grafana.is_empty());
    (!own && passed) || (language == Language::Other && query.text("expr").is_none())
}
