//! `[files]`: what templates of the user make.
//!
//! They are rendered here, since what is wrong with one is a mistake of the spec as any other.

use std::collections::BTreeMap;

use super::{Resolver, is_plain};
use crate::diagnostic::{Diagnostic, Span};
use crate::model::public::Model;
use crate::model::{OwnFile, Stack};
use crate::spec::decode::{Map, Spanned, listed, shown};
use crate::spec::stack::{Language, OwnFile as Written};
use crate::template::{self, Failure, Job};

/// The outputs whose names don't depend on the spec, and folders that have only outputs.
const RESERVED: &[&str] = &["docker-compose.yml", crate::MANIFEST, "docker", "dynamicconfig", "grafana"];

impl Resolver<'_> {
    pub(super) fn files(&mut self, stack: &Stack) -> Vec<OwnFile> {
        let spec = self.spec;
        if spec.files.entries.is_empty() {
            return Vec::new();
        }
        self.check_paths(stack);
        let mut files: Vec<(&Spanned<String>, &Written)> = Vec::new();
        let mut jobs = Vec::new();
        for (path, file) in spec.files.iter() {
            let Some(language) = file.language.or_else(|| Language::of(&path.value)) else {
                self.report_missing(
                    file.sound,
                    Diagnostic::new(
                        "unknown-language",
                        format!("unknown language of `{}`", shown(&path.value)),
                        path.span,
                    )
                    .help(format!(
                        "set `language` to one of {}; `raw` writes values without quotes",
                        listed(Language::WORDS.iter().copied())
                    )),
                );
                continue;
            };
            files.push((path, file));
            jobs.push(Job { text: file.template.value.text.clone(), language });
        }
        // What a wrong spec lacks would be reported once more.
        let is_sound = self.diagnostics.is_empty();
        let mut rendered = Vec::with_capacity(files.len());
        for ((path, file), result) in files.into_iter().zip(template::render(&Model::of(stack), jobs)) {
            match result {
                Ok(text) => rendered.push(OwnFile {
                    path: path.value.clone(),
                    executable: file.executable.unwrap_or_default(),
                    text,
                }),
                Err(failure) if is_sound => self.report_failure(path, file, failure),
                Err(_) => {}
            }
        }
        rendered
    }

    /// Reports what is wrong with a template, where it is, and what it takes its value from.
    fn report_failure(&mut self, path: &Spanned<String>, file: &Written, failure: Failure) {
        let template = &file.template.value;
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span { file: template.file, start: offset(failure.place.start), end: offset(failure.place.end) };
        // `services.api.ports.http`, as far as the spec has it.
        let named = failure.message.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
        let expression = named.or_else(|| template.text.get(failure.place.clone())).unwrap_or_default().to_owned();
        let mut steps = expression.trim().split('.').map(str::trim);
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
        self.report(diagnostic.also(path.span, "the file").help("`gen model` prints what a template can use"));
    }

    /// Reports paths that can't be outputs, or are those of others.
    fn check_paths(&mut self, stack: &Stack) {
        let spec = self.spec;
        let readme = stack.outputs.readme.then_some("readme.md");
        let mut taken: BTreeMap<String, Option<Span>> =
            RESERVED.iter().copied().chain(readme).map(|path| (path.to_owned(), None)).collect();
        let of_kinds = stack.services.iter().flat_map(|service| &service.files).map(|file| file.path.as_str());
        let fixed = [crate::model::Grafana::DATASOURCES, crate::model::Grafana::DASHBOARDS];
        let of_kinds = of_kinds.chain(stack.alloys.iter().map(|alloy| alloy.file.as_str())).chain(fixed);
        taken.extend(of_kinds.map(|path| (path.to_lowercase(), None)));
        for (path, _) in spec.files.iter() {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
            let is_hidden = path.value.split('/').any(|part| part.starts_with('.'));
            if !is_plain(&path.value) || path.value.ends_with('/') || is_hidden || !path.value.chars().all(is_allowed) {
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
                    Some(other) => diagnostic.also(other, "the other one").help("rename one of them"),
                    None => diagnostic.at("`gen` writes it, or its folder").help("rename the file"),
                });
                continue;
            }
            taken.insert(name, Some(path.span));
        }
    }
}

/// Where the entry of that name is.
fn place<T>(table: &Map<T>, name: &str) -> Option<Span> {
    table.iter().find(|(key, _)| key.value == name).map(|(key, _)| key.span)
}
