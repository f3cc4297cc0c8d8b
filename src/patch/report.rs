//! What is wrong with patches, at their places in the spec.

use std::cell::LazyCell;

use super::{MOST_EDITS, Part, Problem};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::model::Stack;
use crate::spec::decode::{Spanned, shown};
use crate::spec::lints::Level;
use crate::spec::patches::Patch;
use crate::spec::stack::Spec;
use crate::spec::text::Tree;
use crate::view::patched::{Entry, Fault, faults, names};

/// Reports each patch of a stack that can't be applied, or that changes nothing, and each output that doesn't exist. The
/// stack is that of the spec.
pub fn report(spec: &Spec, stack: &Stack, diagnostics: &mut Diagnostics) {
    let outputs = LazyCell::new(|| names(stack));
    for (entry, fault) in faults(stack) {
        let (table, name, patch) = match entry {
            Entry::Patch(place) => {
                let patch = spec.patches.entries.get(place);
                ("patches", patch.map(|(name, _)| name), patch)
            }
            Entry::Ejected(place) => ("ejected", spec.ejected.entries.get(place).map(|(name, _)| name), None),
        };
        let Some(name) = name else { continue };
        let shown_name = shown(&name.value);
        let diagnostic = match fault {
            Fault::Unknown { whole } => {
                let title = format!("unknown output `{shown_name}` in `[{table}]`");
                let diagnostic = Diagnostic::new("unknown-artifact", title, name.span);
                if let Some(relative) = whole {
                    diagnostic.help(format!("write `{relative}`, its path in the profile's folder"))
                } else {
                    let names = outputs.iter().map(|(_, name)| name.as_str());
                    diagnostic.suggest_of(diagnostics, &name.value, names, || {
                        "`gen list artifacts` lists them; write the path in the profile's folder".to_owned()
                    })
                }
            }
            Fault::Refused(why) => {
                Diagnostic::new("unpatchable-artifact", format!("`{shown_name}` cannot be patched: {why}"), name.span)
                    .help("make it your own: `gen eject`, or `[files]` for one that a template of yours makes")
            }
            Fault::Ejected => {
                let title = format!("`{shown_name}` cannot be patched: it is ejected");
                let own = spec.ejected.iter().find(|(own, _)| own.value == name.value);
                let diagnostic = Diagnostic::new("unpatchable-artifact", title, name.span);
                let diagnostic = match own {
                    Some((own, _)) => diagnostic.also(own.span, "your own"),
                    None => diagnostic,
                };
                diagnostic.help("edit the file itself, or remove its entry from `[ejected]`")
            }
            Fault::OfTemplate(template) => {
                let title = format!("`{shown_name}` cannot be patched: it is made by a template of the spec");
                let help = format!("change `{template}`");
                Diagnostic::new("unpatchable-artifact", title, name.span).help(help)
            }
            Fault::TooMany => {
                Diagnostic::new("invalid-patch", format!("more than {MOST_EDITS} changes of `{shown_name}`"), name.span)
                    .help("make the file your own: `gen eject`")
            }
            Fault::Job => {
                let title = format!("`{shown_name}` cannot be patched: a Job cannot change");
                Diagnostic::new("unpatchable-artifact", title, name.span)
                    .help("change its service: the name of a Job has the digest of what it runs")
            }
            Fault::Edit(problem, other) => {
                let other = other.and_then(|place| spec.patches.entries.get(place)).map(|(_, patch)| patch);
                let Some((_, patch)) = patch else { continue };
                edit(patch, problem, other)
            }
        };
        match spec.lints.level(diagnostic.code) {
            Level::Allow => {}
            Level::Warn => diagnostics.warn(diagnostic),
            Level::Deny => diagnostics.push(diagnostic),
        }
    }
}

/// The problem of an edit; the one that it is at odds with may be of another patch of the same output.
fn edit(patch: &Patch, problem: Problem, other: Option<&Patch>) -> Diagnostic {
    let Problem { edit, code, part, title, label, help, other: clash } = problem;
    let (place, value) = written(patch, edit);
    let span = match (&part, value) {
        (Part::Value, Some(value)) => value.span,
        (Part::Item(at), Some(value)) => item(value, *at).unwrap_or(value.span),
        (Part::Key(key), Some(value)) => value.value.entry(key).map_or(value.span, |(span, _)| span),
        _ => place,
    };
    let mut diagnostic = Diagnostic::new(code, title, span).at(label);
    if let Some(clash) = clash {
        diagnostic = diagnostic.also(written(other.unwrap_or(patch), clash).0, "the other one");
    }
    diagnostic.help(help)
}

/// The path and the value of an edit, which are in the order of the keys of a patch.
fn written(patch: &Patch, edit: usize) -> (Span, Option<&Spanned<Tree>>) {
    let values = patch.set.iter().chain(patch.add.iter()).map(|(path, value)| (path.span, Some(value)));
    let removed = patch.remove.iter().map(|path| (path.span, None));
    values.chain(removed).nth(edit).unwrap_or((patch.span, None))
}

/// Where a text of a list stands; other items have no place of their own.
fn item(value: &Spanned<Tree>, at: usize) -> Option<Span> {
    match &value.value {
        Tree::List(items) => match items.get(at)? {
            Tree::Text(text) => Some(text.span),
            _ => None,
        },
        _ => None,
    }
}
