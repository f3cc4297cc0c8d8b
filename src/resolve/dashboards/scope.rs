//! What the strings of a dashboard refer to: its variables and the stack's datasources.

use std::collections::HashSet;
use std::ops::Range;

use super::interpolation::{is_escaped, is_literal, references};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::dashboard::Datasource;
use crate::resolve::Resolver;
use crate::spec::dashboard::Dashboard;
use crate::spec::decode::{Map, Spanned, shown};
use crate::spec::grafana::{Given, Record};
use crate::spec::quoted::Quoted;

/// UIDs of Grafana's own datasources, and their types.
const BUILT_IN: &[(&str, &str)] = &[
    ("-- Dashboard --", "datasource"),
    ("-- Grafana --", "grafana"),
    ("grafana", "grafana"),
    (EXPRESSION, EXPRESSION),
];

/// The datasource of expressions over a panel's other queries.
pub(super) const EXPRESSION: &str = "__expr__";

/// One dashboard while it is resolved.
pub(super) struct Scope<'r, 'a> {
    pub(super) resolver: &'r mut Resolver<'a>,
    pub(super) name: &'a Spanned<String>,
    pub(super) dashboard: &'a Record,
    /// Variables that something refers to.
    used: HashSet<String>,
    /// Names without a variable that were reported.
    unknown: HashSet<String>,
    /// Datasources of the stack that the dashboard names.
    pub(super) named: Vec<Datasource>,
    /// The default datasource of panels.
    default: Option<Datasource>,
    /// Queries that an expression may refer to as if they were variables.
    pub(super) queries: Vec<String>,
}

impl<'r, 'a> Scope<'r, 'a> {
    pub(super) fn new(resolver: &'r mut Resolver<'a>, name: &'a Spanned<String>, dashboard: &'a Dashboard) -> Self {
        Self {
            resolver,
            name,
            dashboard: &dashboard.record,
            used: HashSet::new(),
            unknown: HashSet::new(),
            named: Vec::new(),
            default: None,
            queries: Vec::new(),
        }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.resolver.report(diagnostic);
    }

    /// A string in which Grafana puts in variables.
    pub(super) fn text(&mut self, text: &Quoted) -> String {
        self.refer(text, |range| text.place(range));
        text.value.clone()
    }

    /// Records the variables that a string refers to; reports unknown ones.
    pub(super) fn refer(&mut self, text: &str, place: impl Fn(&Range<usize>) -> Span) {
        for reference in references(text) {
            let name = reference.name;
            let declared = self.dashboard.map("variables").is_some_and(|variables| variables.knows(name));
            let query = self.queries.iter().any(|query| query == name);
            if declared && is_escaped(text, &reference) {
                self.report_escaped(name, place(&reference.range));
            } else if !query && (declared || !is_literal(text, &reference)) {
                self.refer_to(name, place(&reference.range), text.get(reference.range.clone()));
            }
        }
    }

    /// Grafana has no way to keep the name of a variable from being replaced.
    fn report_escaped(&mut self, name: &str, span: Span) {
        let variables = self.dashboard.records("variables");
        let variable = variables.filter(|(known, _)| known.value == name).map(|(known, _)| known.span).next();
        let title = format!("`$${}` cannot be literal: Grafana replaces it by the variable", shown(name));
        let diagnostic = Diagnostic::new("contradiction", title, span);
        let diagnostic = match variable {
            Some(variable) => diagnostic.also(variable, "the variable"),
            None => diagnostic,
        };
        self.report(diagnostic.help("rename the variable, or write one `$`"));
    }

    /// Records the variables that a string may refer to.
    pub(super) fn use_in(&mut self, text: &str) {
        self.used.extend(references(text).into_iter().map(|reference| reference.name.to_owned()));
    }

    /// A key that holds the name of a variable, with or without its dollar.
    pub(super) fn repeat(&mut self, name: &Quoted) -> String {
        let plain = name.trim_start_matches('$').trim_matches(['{', '}']);
        self.refer_to(plain, name.span, None);
        plain.to_owned()
    }

    /// Records the use of a variable; Grafana leaves one that doesn't exist as it is, so that is a warning, and one for
    /// all places.
    fn refer_to(&mut self, name: &str, span: Span, written: Option<&str>) {
        let variables = self.dashboard.map("variables");
        if variables.is_some_and(|variables| variables.knows(name)) {
            if !self.used.contains(name) {
                self.used.insert(name.to_owned());
            }
            return;
        }
        // A megabyte of dollar signs would be a million problems.
        if self.resolver.diagnostics.is_full() || self.unknown.contains(name) {
            return;
        }
        self.unknown.insert(name.to_owned());
        let title = format!("unknown dashboard variable `{}`", shown(name));
        let names = variables.into_iter().flat_map(Map::names);
        let diagnostic = Diagnostic::new("unknown-dashboard-variable", title, span).suggest_of(
            self.resolver.diagnostics,
            name,
            names,
            || {
                let literal = written.filter(|written| written.starts_with('$')).map(shown);
                let literal = literal.map(|text| format!(", or write `${text}` for the text itself"));
                format!("declare it under [variables.{}]{}", shown(name), literal.unwrap_or_default())
            },
        );
        self.resolver.report(diagnostic);
    }

    /// A link passes all variables on.
    pub(super) fn use_all(&mut self) {
        self.used.extend(self.dashboard.map("variables").into_iter().flat_map(Map::names).map(str::to_owned));
    }

    pub(super) fn report_unused_variables(&mut self) {
        let written = self.dashboard;
        for (name, variable) in written.records("variables") {
            // Filters are added to every query.
            let used = variable.word("type") == Some("adhoc") || self.used.contains(&name.value);
            if !used && written.sound {
                let title = format!("unused dashboard variable `{}`", shown(&name.value));
                let help = format!("use it as `${}`, or remove it", shown(&name.value));
                let diagnostic = Diagnostic::new("unused-dashboard-variable", title, name.span).help(help);
                self.resolver.report_unused("unknown-dashboard-variable", diagnostic);
            }
        }
    }

    /// Finds the default datasource of panels.
    pub(super) fn dashboard_datasource(&mut self) {
        self.default = if let Some(written) = self.dashboard.text("datasource") {
            self.datasource(written)
        } else {
            self.resolver.default_datasource()
        };
    }

    /// The datasource that is named, or the dashboard's; `None` after a report.
    pub(super) fn datasource_or_default(&mut self, written: Option<&Quoted>, span: Span) -> Option<Datasource> {
        if let Some(written) = written {
            return self.datasource(written);
        }
        if self.default.is_none()
            && self.dashboard.text("datasource").is_none()
            && self.resolver.spec.datasources.broken.is_empty()
        {
            self.report(Diagnostic::new("missing-datasource", "missing datasource", span).help(
                "name one: `datasource = \"<uid>\"` here or at the top of the dashboard, or give one of the \
                     stack's `default = true`",
            ));
        }
        self.default.clone()
    }

    /// The datasource of that UID, or the one that a variable stands for.
    fn datasource(&mut self, written: &Quoted) -> Option<Datasource> {
        let name = written.value.as_str();
        if let [reference] = references(name).as_slice()
            && reference.range == (0..name.len())
        {
            return self.datasource_variable(reference.name, written.span);
        }
        if let Some((uid, plugin)) = BUILT_IN.iter().find(|(uid, _)| *uid == name) {
            return Some(Datasource { plugin: (*plugin).to_owned(), uid: (*uid).to_owned() });
        }
        if let Some(source) = self.resolver.datasource(name) {
            if !self.named.contains(&source) {
                self.named.push(source.clone());
            }
            return Some(source);
        }
        let sources = &self.resolver.spec.datasources;
        if sources.knows(name) {
            return None;
        }
        if self.resolver.diagnostics.is_full() {
            return None;
        }
        let names: Vec<&str> = sources.names().collect();
        let near = self.resolver.diagnostics.nearest(name, names.iter().copied());
        let declared = sources.iter().find(|(uid, _)| near.is_none_or(|near| uid.value == near));
        let title = format!("unknown datasource `{}`", shown(name));
        let help = crate::spec::decode::expected(names.iter().copied());
        let removed = format!("datasources.{name}");
        if self.resolver.profile.removed.iter().any(|path| path.value == removed) || declared.is_none() {
            self.resolver.report_unknown(
                ("unknown-datasource", title),
                "datasources",
                (name, written.span),
                names,
                || "declare it under [datasources]".to_owned(),
            );
        } else if let Some((uid, _)) = declared {
            let diagnostic = Diagnostic::new("unknown-datasource", title, written.span)
                .also(uid.span, if near.is_some() { "similar name" } else { "the stack's datasources" })
                .suggest(name, near, || help);
            self.report(diagnostic);
        }
        None
    }

    fn datasource_variable(&mut self, name: &str, span: Span) -> Option<Datasource> {
        let variables = self.dashboard.map("variables");
        if !variables.is_some_and(|variables| variables.knows(name)) {
            if !self.resolver.diagnostics.is_full() {
                let title = format!("unknown datasource: the dashboard has no variable `{}`", shown(name));
                let names = variables.into_iter().flat_map(Map::names);
                let diagnostic = Diagnostic::new("unknown-datasource", title, span).suggest_of(
                    self.resolver.diagnostics,
                    name,
                    names,
                    || format!("name a datasource of the stack, or declare [variables.{}]", shown(name)),
                );
                self.report(diagnostic);
            }
            return None;
        }
        self.refer_to(name, span, None);
        let variable = variables?.get(name)?.record()?;
        let kind = variable.get("type")?;
        if variable.word("type") != Some("datasource") {
            self.report(
                Diagnostic::new("unknown-datasource", format!("the variable `{name}` is not a datasource"), span)
                    .also(kind.span, "its type")
                    .help("give it `type = \"datasource\"`"),
            );
            return None;
        }
        // Anything else is reported with the variable.
        let plugin = variable.get("query").and_then(Given::text)?.value.clone();
        Some(Datasource { plugin, uid: format!("${{{name}}}") })
    }
}
