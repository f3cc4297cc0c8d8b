//! The trees of a spec, and the same with changes.

use std::borrow::Cow;

use super::Key;
use super::change::{self, Edit};
use crate::diagnostic::{Diagnostics, Span};
use crate::spec::kind::{Kind, Kinds};
use crate::spec::source::Sources;
use crate::spec::stack::Spec;
use crate::spec::tree::{Table, Value};
use crate::spec::{self, DASHBOARDS, Dashboards};

/// The trees of a spec.
pub(super) struct Trees<'s> {
    sources: &'s Sources,
    /// What all but the dashboards are decoded from: they are the largest part, and most changes don't affect them.
    spec: Table<'s>,
    dashboards: Dashboards<'s>,
    /// The tree with all of the spec.
    whole: Table<'s>,
    /// The kinds of the project: each with its name, its file and the tree of that.
    kinds: Vec<(String, u16, Table<'s>)>,
}

impl<'s> Trees<'s> {
    pub(super) fn new(sources: &'s Sources, whole: Table<'s>, kinds: Vec<(String, u16, Table<'s>)>) -> Self {
        let mut spec = whole.clone();
        let dashboards = Dashboards::take(&mut spec);
        Self { sources, spec, dashboards, whole, kinds }
    }

    /// The tree that has a key.
    pub(super) fn of(&self, key: &Key) -> &Table<'s> {
        key.kind.and_then(|place| self.kinds.get(place)).map_or(&self.whole, |(.., table)| table)
    }
}

/// The trees with changes; what has none is not copied.
#[derive(Clone)]
pub(super) struct Changed<'t, 's> {
    trees: &'t Trees<'s>,
    spec: Cow<'t, Table<'s>>,
    /// A table with that of the dashboards.
    dashboards: Option<Table<'s>>,
    /// Those with changes, by place.
    kinds: Vec<(usize, Table<'s>)>,
}

impl<'t, 's> Changed<'t, 's> {
    /// The trees as they are.
    pub(super) fn of(trees: &'t Trees<'s>) -> Self {
        Self { trees, spec: Cow::Borrowed(&trees.spec), dashboards: None, kinds: Vec::new() }
    }

    /// Changes a key; whether it is there.
    pub(super) fn apply(&mut self, key: &Key, edit: &Edit<'s>) -> bool {
        let Some(place) = key.kind else {
            if key.path.starts_with("dashboards.") {
                // The only entry of its table.
                let steps: Vec<usize> = std::iter::once(0).chain(key.steps.iter().skip(1).copied()).collect();
                return self.dashboards().is_some_and(|table| change::apply(table, &steps, edit));
            }
            return change::apply(self.spec.to_mut(), &key.steps, edit);
        };
        if !self.kinds.iter().any(|(known, _)| *known == place)
            && let Some((.., table)) = self.trees.kinds.get(place)
        {
            self.kinds.push((place, table.clone()));
        }
        let table = self.kinds.iter_mut().find(|(known, _)| *known == place);
        table.is_some_and(|(_, table)| change::apply(table, &key.steps, edit))
    }

    /// Renames the references at these places; whether there were any.
    pub(super) fn follow(&mut self, names: &[(String, String)], places: &[Span]) -> bool {
        !names.is_empty() && self.change(|table| change::follow(table, names, places))
    }

    /// Removes the references at these places; whether there were any.
    pub(super) fn forget(&mut self, places: &[Span]) -> bool {
        self.change(|table| change::forget(table, places))
    }

    /// Changes the spec and the dashboards; whether either was changed.
    fn change(&mut self, change: impl Fn(&mut Table<'s>) -> bool) -> bool {
        let of_spec = change(self.spec.to_mut());
        let had_own = self.dashboards.is_some();
        let of_dashboards = self.dashboards().is_some_and(change);
        if !had_own && !of_dashboards {
            self.dashboards = None;
        }
        of_spec || of_dashboards
    }

    /// Keeps some dashboards.
    pub(super) fn retain_dashboards(&mut self, keep: impl Fn(&str) -> bool) {
        let tables = self.dashboards().and_then(|table| table.entries.first_mut());
        if let Some((_, node)) = tables
            && let Value::Table(dashboards) = &mut node.value
        {
            // The places of the others stay.
            let others = dashboards.entries.iter_mut().filter(|(key, _)| !keep(&key.name));
            others.for_each(|(_, node)| node.value = Value::Absent);
        }
    }

    /// A copy of the dashboards.
    fn dashboards(&mut self) -> Option<&mut Table<'s>> {
        if self.dashboards.is_none() {
            let entry = self.trees.whole.entries.iter().find(|(key, _)| key.name == DASHBOARDS)?;
            self.dashboards = Some(Table { entries: vec![entry.clone()] });
        }
        self.dashboards.as_mut()
    }

    /// Decodes the spec, with its kinds; `None` after the problems were reported.
    pub(super) fn decode(&self, problems: &mut Diagnostics) -> Option<(Spec, Kinds)> {
        let mut kinds = Vec::new();
        for (place, table) in &self.kinds {
            let (name, file, _) = self.trees.kinds.get(*place)?;
            kinds.push(Kind::of_table(name, true, (*file, table.clone()), self.trees.sources, problems)?);
        }
        let changed = (!kinds.is_empty()).then(|| self.trees.sources.with_kinds(&kinds));
        let sources = changed.as_ref().unwrap_or(self.trees.sources);
        let mut spec = spec::decode(self.spec.clone().into_owned(), sources, problems);
        let own = self.dashboards.as_ref().and_then(|table| table.entries.first());
        match own {
            Some((_, node)) => self.trees.dashboards.give_changed(node.clone(), spec.as_mut(), sources, problems),
            None => self.trees.dashboards.give(spec.as_mut(), sources, problems),
        }
        Some((spec?, sources.kinds().clone()))
    }
}
