//! `[files]`: what templates of the user make.
//!
//! They are rendered here, since what is wrong with one is a mistake of the spec as any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Resolver, is_plain};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::public::Model;
use crate::model::{OwnFile, Stack};
use crate::spec::decode::{Map, Spanned, listed, shown};
use crate::spec::kind::Kind;
use crate::spec::stack::{Language, OwnFile as Written, Template};
use crate::template::{self, Failure, Job, Scope};

/// The outputs whose names don't depend on the spec, and folders that have only outputs.
const RESERVED: &[&str] = &["docker-compose.yml", crate::MANIFEST, "docker", "dynamicconfig", "grafana"];

/// Files that Compose loads by itself in the folder that it runs in (`cli/options.go` of compose-go).
const OF_COMPOSE: &[&str] = &[
    "compose.override.yaml",
    "compose.override.yml",
    "compose.yaml",
    "compose.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.yaml",
];

/// What editors know templates by, after the extension of what they make.
const TEMPLATE_ENDS: [&str; 3] = [".j2", ".jinja", ".tmpl"];

/// What the templates that a stack renders may have together, in bytes: with several profiles, each has its share.
const MOST_RENDERED: usize = 64 << 20;

/// Whose template it is.
enum Owner<'a> {
    /// An entry of `[files]`.
    Spec(&'a Spanned<String>, &'a Written),
    /// The kind of a service: the place of the service among all, and that of the file among those of the service.
    Kind(usize, usize),
}

impl<'a> Resolver<'a> {
    /// Renders the templates of kinds and of `[files]`.
    pub(super) fn files(&mut self, stack: &mut Stack) {
        let spec = self.spec;
        if !spec.files.entries.is_empty() || !self.profile.kinds.are_built_in() {
            self.check_paths(stack);
        }
        let mut owners: Vec<(Owner<'a>, &'a Template)> = Vec::new();
        let mut jobs = Vec::new();
        let mut whole: Option<Scope> = None;
        for (index, service) in stack.services.iter().enumerate() {
            let Some(kind) = &service.kind else { continue };
            // For its lifetime.
            let declared = spec.services.get(&service.name).and_then(|service| service.kind.as_ref());
            let Some(declared) = declared else { continue };
            let mut scope: Option<Scope> = None;
            for (file, (path, declaration)) in declared.value.files.iter().enumerate() {
                let Some(template) = &declaration.template else { continue };
                let (written, sound) = (declaration.language, declaration.sound);
                let language = self.language((path, &template.value.path), written, template.span, sound);
                let Some(language) = language else { continue };
                let scope = scope.get_or_insert_with(|| {
                    let own = Scope::named("service", &Model::of_service(service));
                    let whole = kind.is_own().then(|| whole.get_or_insert_with(|| Scope::of(&Model::of(stack))));
                    whole.map_or(own.clone(), |whole| own.over(whole))
                });
                let scope = scope.clone();
                owners.push((Owner::Kind(index, file), &template.value));
                jobs.push(Job { text: Arc::clone(&template.value.text), language, scope });
            }
        }
        for (path, file) in spec.files.iter() {
            let names = (path, file.template.value.path.as_str());
            let Some(language) = self.language(names, file.language, path.span, file.sound) else { continue };
            let scope = if template::has_tags(&file.template.value.text) {
                whole.get_or_insert_with(|| Scope::of(&Model::of(stack))).clone()
            } else {
                Scope::none()
            };
            owners.push((Owner::Spec(path, file), &file.template.value));
            jobs.push(Job { text: Arc::clone(&file.template.value.text), language, scope });
        }
        if jobs.is_empty() {
            return;
        }
        let size: usize = jobs.iter().map(|job| job.text.len()).sum();
        let most = MOST_RENDERED / self.profile.share;
        if size > most {
            let title = format!("the spec is too large: its files have {size} bytes of templates");
            let place = Span { file: owners.first().map_or(0, |(_, template)| template.file), start: 0, end: 1 };
            let help = format!("shorten the templates, or use them less often: the limit is {most} bytes");
            self.report(Diagnostic::new("spec-too-large", title, place).help(help));
            return;
        }
        // What a wrong spec lacks would be reported once more.
        let is_sound = self.diagnostics.is_empty();
        for ((owner, template), result) in owners.into_iter().zip(template::render(jobs, self.profile.share)) {
            match (result, owner) {
                (Ok(text), Owner::Spec(path, file)) => stack.files.push(OwnFile {
                    path: path.value.clone(),
                    executable: file.executable.unwrap_or_default(),
                    text,
                    template: template.path.clone(),
                }),
                (Ok(text), Owner::Kind(service, file)) => {
                    let is_own = stack.services[service].kind.as_ref().is_some_and(Kind::is_own);
                    let files = stack.services.get_mut(service).map(|service| &mut service.files);
                    if let Some(file) = files.and_then(|files| files.get_mut(file)) {
                        file.text = Some(text);
                        file.template = is_own.then(|| template.path.clone());
                    }
                }
                (Err(_), _) if !is_sound => {}
                (Err(failure), Owner::Spec(path, _)) => self.report_failure(template, failure, path.span, "the file"),
                (Err(failure), Owner::Kind(service, _)) => {
                    let span = self.service_span(&stack.services[service].name);
                    if stack.services[service].kind.as_ref().is_some_and(Kind::is_own) {
                        self.report_failure(template, failure, span, "for this service");
                    } else {
                        // Its template isn't one of the user's files.
                        self.report(
                            Diagnostic::new("invalid-template", failure.message, span).help("fix its settings"),
                        );
                    }
                }
            }
        }
    }

    /// How values are written in a file, by its name or that of its template; reports an unknown language.
    fn language(
        &mut self,
        (path, template): (&Spanned<String>, &str),
        written: Option<Language>,
        span: Span,
        sound: bool,
    ) -> Option<Language> {
        let language = written.or_else(|| Language::of(&path.value));
        let language = language
            .or_else(|| Language::of(TEMPLATE_ENDS.iter().fold(template, |name, end| name.trim_end_matches(end))));
        if language.is_none() && is_output(&path.value) {
            let title = format!("unknown language of `{}`", shown(&path.value));
            self.report_missing(
                sound,
                Diagnostic::new("unknown-language", title, span).help(format!(
                    "set `language` to one of {}; `raw` writes values without quotes",
                    listed(Language::WORDS.iter().copied())
                )),
            );
        }
        language
    }

    /// Reports what is wrong with a template, where it is, and what it takes its value from.
    fn report_failure(&mut self, template: &Template, failure: Failure, owner: Span, what: &str) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span { file: template.file, start: offset(failure.place.start), end: offset(failure.place.end) };
        // `services.api.ports.http`, as far as the spec has it.
        let named = failure.message.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
        let expression = named.or_else(|| template.text.get(failure.place.clone())).unwrap_or_default().to_owned();
        let mut steps = expression.trim().split('.').map(str::trim);
        let help = help(&failure, &template.text);
        let mut diagnostic = Diagnostic::new("invalid-template", failure.message, span);
        if let (Some(table), Some(name)) = (steps.next(), steps.next()) {
            let spec = self.spec;
            let known = match table {
                "services" => place(&spec.services, name),
                "networks" => place(&spec.networks, name),
                "volumes" => place(&spec.volumes, name),
                "datasources" => place(&spec.datasources, name),
                "clusters" => place(&spec.clusters, name),
                _ => None,
            };
            if let Some(known) = known {
                diagnostic = diagnostic.also(known, format!("`{table}.{}`", shown(name)));
            }
        }
        if self.profile.share > 1 {
            diagnostic = diagnostic.at(format!("in the profile `{}`", shown(&self.profile.profile.value)));
        }
        diagnostic = diagnostic.also(owner, what);
        self.report(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    /// Reports paths that can't be outputs, or are those of others.
    fn check_paths(&mut self, stack: &Stack) {
        let spec = self.spec;
        let readme = stack.outputs.readme.then_some("readme.md");
        let mut taken: BTreeMap<String, Option<Span>> =
            RESERVED.iter().chain(OF_COMPOSE).copied().chain(readme).map(|path| (path.to_owned(), None)).collect();
        let fixed = [crate::model::Grafana::DATASOURCES, crate::model::Grafana::DASHBOARDS];
        let fixed = fixed.into_iter().chain(stack.alloys.iter().map(|alloy| alloy.file.as_str()));
        taken.extend(fixed.map(|path| (path.to_lowercase(), None)));
        let mut written: Vec<Spanned<String>> = Vec::new();
        for (name, service) in spec.services.iter() {
            let Some(kind) = service.kind.as_ref().map(|kind| &kind.value) else { continue };
            for (path, (key, _)) in kind.files_of(&name.value).zip(kind.files.iter()) {
                if kind.is_own() {
                    written.push(Spanned { value: path, span: key.span });
                } else {
                    taken.insert(path.to_lowercase(), None);
                }
            }
        }
        written.extend(spec.files.iter().map(|(path, _)| path.clone()));
        for path in &written {
            if !is_output(&path.value) {
                self.report(
                    Diagnostic::new("invalid-path", format!("invalid path `{}`", shown(&path.value)), path.span).help(
                        "write a path in the folder of the outputs, such as `nginx/nginx.conf`, of letters, digits, `.`, \
                         `_` and `-`",
                    ),
                );
                continue;
            }
            // Some file systems don't tell upper from lower case.
            let name = path.value.to_lowercase();
            let clash = {
                let mut above = name.match_indices('/').map(|(at, _)| &name[..at]).chain([name.as_str()]);
                above.find_map(|above| taken.get(above)).copied()
            };
            let below = format!("{name}/");
            let clash = clash.or_else(|| {
                taken
                    .range(below.clone()..)
                    .next()
                    .filter(|(other, _)| other.starts_with(&below))
                    .map(|(_, span)| *span)
            });
            if let Some(other) = clash {
                let title = format!("duplicate output `{}`", shown(&path.value));
                let diagnostic = Diagnostic::new("output-clash", title, path.span);
                self.report(match other {
                    Some(other) if other == path.span => {
                        diagnostic.at("two services write it").help("write `${self}`, the service's name, in the path")
                    }
                    Some(other) => diagnostic.also(other, "the other one").help("rename one of them"),
                    None => diagnostic.at("`gen` writes it, or its folder").help("rename the file"),
                });
                continue;
            }
            taken.insert(name, Some(path.span));
        }
    }
}

/// How to fix a template, unless the message says it.
fn help(Failure { message, place }: &Failure, text: &str) -> Option<String> {
    const TABLES: [&str; 5] = ["services", "networks", "volumes", "datasources", "clusters"];
    if message.starts_with("tried to use - operator") {
        let line = text.get(..place.start)?.rfind('\n').map_or(0, |end| end + 1);
        let words = text.get(line..)?.lines().next()?;
        let words = words.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
        let (table, name) = words
            .filter_map(|word| word.trim_matches('-').split_once('.'))
            .map(|(table, rest)| (table, rest.split('.').next().unwrap_or_default()))
            .find(|(table, name)| TABLES.contains(table) && name.contains('-'))?;
        return Some(format!("write `{table}[\"{name}\"]`: without quotes, `-` subtracts"));
    }
    if let Some((_, method)) = message.split_once("has no method named ") {
        return Some(format!("use the filter: `|{method}`"));
    }
    if message.contains("undefined") {
        return Some("`gen model` prints what a template can use".to_owned());
    }
    let is_syntax = message.contains("expected");
    is_syntax.then(|| "write values as `{= name =}` and tags as `{% if name %}`: the language is Jinja's".to_owned())
}

/// Whether a path can be that of an output: in the folder of outputs, and not hidden.
fn is_output(path: &str) -> bool {
    // Those of a kind.
    let path = path.replace("${self}", "self");
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let is_hidden = path.split('/').any(|part| part.starts_with('.'));
    is_plain(&path) && !path.ends_with('/') && !is_hidden && path.chars().all(is_allowed)
}

/// Where the entry of that name is.
fn place<T>(table: &Map<T>, name: &str) -> Option<Span> {
    table.iter().find(|(key, _)| key.value == name).map(|(key, _)| key.span)
}
