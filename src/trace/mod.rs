//! Finds the keys of the spec that produce a line of an output, and the lines that depend on a key.
//!
//! This is measured rather than recorded: a key is changed in the tree of the spec, in a way that its type allows, the
//! spec is resolved and rendered again, and the lines that change depend on the key. So it works for derived values and for
//! every artifact, at one or two milliseconds per key.
//!
//! In a table whose keys are names, the name of a key is changed as well, together with all references to it, so that the
//! spec stays valid.

mod change;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::parallel::{processors, side_by_side};
use crate::resolve::Shared;
use crate::spec::kind::{Kind, Kinds};
use crate::spec::source::Sources;
use crate::spec::stack::Spec;
use crate::spec::tree::{Node, Table, Value};
use crate::spec::{self, Document, ProfileSpec};
use crate::{model, resolve, view};

/// The part of a key that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The name.
    Name,
    /// The value.
    Value,
}

/// A key of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its dotted path from the top; an item of a list has its index in brackets.
    pub path: String,
    /// The place of the name or the value.
    pub span: Span,
    /// Which of the two it is.
    pub part: Part,
    /// Its path in the tree.
    steps: Vec<Step>,
    /// The kind that declares it, by its place among those of the trace; `None` for a key of the spec itself.
    kind: Option<usize>,
}

/// One step down in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Item(usize),
}

/// The lines of an output that depend on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The output, relative to the root.
    pub path: Utf8PathBuf,
    /// Its lines, one-based, ascending.
    pub lines: Vec<usize>,
}

/// A profile of a spec whose keys can be changed one by one.
pub struct Trace<'s> {
    document: Document<'s>,
    profile: ProfileSpec,
    table: Table<'s>,
    /// The kinds of the project: each with its name, and the tree of its file.
    kinds: Vec<(String, u16, Table<'s>)>,
    sources: &'s Sources,
    keys: Vec<Key>,
    outputs: Vec<(Utf8PathBuf, String)>,
}

impl<'s> Trace<'s> {
    /// A trace of a profile; `None` if the spec has errors or no such profile.
    pub fn new(sources: &'s Sources, profile: &str) -> Option<Self> {
        let mut diagnostics = Diagnostics::default();
        let document = spec::parse(sources, &mut diagnostics);
        let (profile, table) = document.profile(profile)?;
        let kinds = kinds(sources, &mut diagnostics);
        let keys = all_keys(&table, &kinds);
        let mut trace = Self { document, profile, table, kinds, sources, keys, outputs: Vec::new() };
        let stack = trace.resolve(trace.table.clone(), &mut diagnostics)?;
        if !diagnostics.is_empty() {
            return None;
        }
        trace.outputs = render(&stack, |_| true);
        Some(trace)
    }

    /// Every key of a profile, as [`keys`](Self::keys), without rendering anything; `None` if there is no such profile.
    pub fn keys_of(sources: &Sources, profile: &str) -> Option<Vec<Key>> {
        let mut diagnostics = Diagnostics::default();
        let (_, table) = spec::parse(sources, &mut diagnostics).profile(profile)?;
        Some(all_keys(&table, &kinds(sources, &mut diagnostics)))
    }

    /// Every key, in source order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// An output as it is rendered.
    pub fn output(&self, path: &Utf8Path) -> Option<&str> {
        self.outputs.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str())
    }

    /// The outputs, in the order in which reports list them.
    pub fn outputs(&self) -> impl Iterator<Item = &Utf8Path> {
        self.outputs.iter().map(|(path, _)| path.as_path())
    }

    /// The lines of the outputs that depend on any of some keys, in the order of the outputs.
    pub fn reach(&self, keys: &[&Key]) -> Vec<Reach> {
        let base = Base { table: self.table.clone(), problems: 0, text: None };
        let found = side_by_side(processors(), keys, |key| self.measure(&base, key, &|_| true));
        self.outputs
            .iter()
            .filter_map(|(path, _)| {
                let of_path = found.iter().flatten().filter(|reach| reach.path == *path);
                let lines: BTreeSet<usize> = of_path.flat_map(|reach| reach.lines.iter().copied()).collect();
                (!lines.is_empty()).then(|| Reach { path: path.clone(), lines: lines.into_iter().collect() })
            })
            .collect()
    }

    /// The line of the rendered output for a line on disk; `None` if it was not rendered.
    pub fn rendered_line(&self, path: &Utf8Path, on_disk: &str, line: usize) -> Option<usize> {
        let rendered = self.output(path)?;
        line.checked_sub(1).filter(|&at| on_disk.lines().nth(at).is_some())?;
        same_lines(on_disk, rendered, &[line])?.pop()
    }

    /// For each of some lines of an output, the keys it depends on, those with the fewest lines first.
    pub fn causes(&self, path: &Utf8Path, lines: &[usize]) -> Vec<Vec<&Key>> {
        let (base, lines) = self.base_for(path, lines);
        let candidates: Vec<&Key> =
            self.keys.iter().filter(|key| change::exists(self.tree_of(&base, key), &key.steps)).collect();
        // All lines are needed for the order.
        let reached: Vec<(&Key, Vec<usize>)> = side_by_side(processors(), &candidates, |&key| {
            let reach = self.measure(&base, key, &|other| other == path).pop()?;
            Some((key, reach.lines))
        })
        .into_iter()
        .flatten()
        .collect();
        lines
            .iter()
            .map(|line| {
                let mut found: Vec<&(&Key, Vec<usize>)> =
                    reached.iter().filter(|(_, lines)| lines.binary_search(line).is_ok()).collect();
                found.sort_by_key(|(key, lines)| (lines.len(), key.span));
                found.into_iter().map(|(key, _)| *key).collect()
            })
            .collect()
    }

    /// The tree to change for lines of an output, and where they are in what it renders: without dashboards, the largest part of
    /// a spec, unless the output is one or the lines need them.
    fn base_for(&self, path: &Utf8Path, lines: &[usize]) -> (Base<'s>, Vec<usize>) {
        let mut table = self.table.clone();
        let name = path.file_stem().filter(|_| path.extension() == Some("json"));
        if let Some((_, Node { value: Value::Table(dashboards), .. })) =
            table.entries.iter_mut().find(|(key, _)| key.name == DASHBOARDS)
        {
            dashboards.entries.retain(|(key, _)| name == Some(&*key.name));
        }
        let mut problems = Diagnostics::default();
        let spec = self.document.decode(table.clone(), &mut problems);
        let stack = resolve::resolve_all_the_same(
            &ProfileSpec { spec, ..self.without_spec() },
            &mut Shared::default(),
            &mut problems,
        );
        let text = stack.and_then(|stack| render(&stack, |other| other == path).pop()).map(|(_, text)| text);
        let whole = self.output(path).unwrap_or_default();
        if let Some(text) = text
            && let Some(lines) = same_lines(whole, &text, lines)
        {
            // A folder without dashboards is an error, which doesn't matter here.
            return (Base { table, problems: problems.len(), text: Some(text) }, lines);
        }
        (Base { table: self.table.clone(), problems: 0, text: None }, lines.to_vec())
    }

    /// Changes a key in the first way that leaves the spec valid, or at least readable, and compares.
    fn measure(&self, base: &Base<'s>, key: &Key, wanted: &dyn Fn(&Utf8Path) -> bool) -> Vec<Reach> {
        let mut second_best = None;
        for table in change::variants(self.tree_of(base, key), &key.steps, key.part) {
            let (stack, judgement) = self.judge(table, base, key);
            match (stack, judgement) {
                (Some(stack), Judgement::Sound) => return self.compare(&stack, base, wanted),
                (Some(stack), Judgement::Readable) if second_best.is_none() => second_best = Some(stack),
                _ => {}
            }
        }
        second_best.map_or_else(Vec::new, |stack| self.compare(&stack, base, wanted))
    }

    /// The tree that has a key.
    fn tree_of<'t>(&'t self, base: &'t Base<'s>, key: &Key) -> &'t Table<'s> {
        let kind = key.kind.and_then(|place| self.kinds.get(place));
        kind.map_or(&base.table, |(_, _, table)| table)
    }

    /// Decodes the spec with one of its trees changed: its own, or that of a kind.
    fn decode(
        &self,
        table: Table<'s>,
        base: &Base<'s>,
        key: &Key,
        problems: &mut Diagnostics,
    ) -> Option<(Spec, Kinds)> {
        let Some((name, file, _)) = key.kind.and_then(|place| self.kinds.get(place)) else {
            return Some((self.document.decode(table, problems)?, self.profile.kinds.clone()));
        };
        let kind = Kind::of_table(name, true, (*file, table), self.sources, problems)?;
        let sources = self.sources.with_kind(&kind);
        Some((spec::decode(base.table.clone(), &sources, problems)?, sources.kinds().clone()))
    }

    /// Resolves a changed tree, after renaming references to a changed name.
    fn judge(&self, mut table: Table<'s>, base: &Base<'s>, key: &Key) -> (Option<model::Stack>, Judgement) {
        /// References to references.
        const ROUNDS: usize = 3;
        for round in 0..=ROUNDS {
            let mut problems = Diagnostics::default();
            let read = self.decode(table.clone(), base, key, &mut problems).filter(|_| problems.is_empty());
            let mut stack = None;
            let mut otherwise = Judgement::Unreadable;
            if let Some((spec, kinds)) = read {
                let profile = ProfileSpec { spec: Some(spec), kinds, ..self.without_spec() };
                stack = resolve::resolve_all_the_same(&profile, &mut Shared::default(), &mut problems);
                otherwise = Judgement::Readable;
                if problems.len() <= base.problems {
                    return (stack, Judgement::Sound);
                }
            }
            let places: Vec<Span> = problems.into_sorted().iter().filter_map(Diagnostic::primary).collect();
            let renamed = key.part == Part::Name && round < ROUNDS && change::follow(&mut table, &key.steps, &places);
            if !renamed {
                return (stack, otherwise);
            }
        }
        (None, Judgement::Unreadable)
    }

    /// The stack with a key changed, in the first way that leaves the spec valid.
    #[cfg(test)]
    pub(crate) fn changed(&self, key: &Key) -> Option<model::Stack> {
        let base = Base { table: self.table.clone(), problems: 0, text: None };
        change::variants(&base.table, &key.steps, key.part).find_map(|table| match self.judge(table, &base, key) {
            (stack, Judgement::Sound) => stack,
            _ => None,
        })
    }

    fn without_spec(&self) -> ProfileSpec {
        ProfileSpec {
            profile: self.profile.profile.clone(),
            removed: self.profile.removed.clone(),
            location: self.profile.location.clone(),
            kinds: self.profile.kinds.clone(),
            share: self.profile.share,
            spec: None,
            isolation: None,
        }
    }

    fn resolve(&self, table: Table<'s>, diagnostics: &mut Diagnostics) -> Option<model::Stack> {
        let spec = self.document.decode(table, diagnostics);
        resolve::resolve(&ProfileSpec { spec, ..self.without_spec() }, &mut Shared::default(), diagnostics)
    }

    fn compare(&self, stack: &model::Stack, base: &Base<'s>, wanted: &dyn Fn(&Utf8Path) -> bool) -> Vec<Reach> {
        let changed = view::artifacts(stack);
        let is_new = |path: &Utf8Path| !self.outputs.iter().any(|(known, _)| known == path);
        // An output named after a key has another name now; it is still compared.
        let mut renamed: Vec<&view::Artifact<'_>> = changed.iter().filter(|artifact| is_new(&artifact.path)).collect();
        let mut reached = Vec::new();
        for (path, old) in &self.outputs {
            let same = changed.iter().find(|artifact| artifact.path == *path);
            let now = same.or_else(|| {
                let beside = |other: &&view::Artifact<'_>| {
                    other.path.parent() == path.parent() && other.path.extension() == path.extension()
                };
                let at = renamed.iter().position(beside)?;
                Some(renamed.remove(at))
            });
            if !wanted(path) {
                continue;
            }
            // Only a broken template can fail, which `gen render` reports.
            let new = now.and_then(|artifact| artifact.render().ok()).unwrap_or_default();
            let lines = moved(base.text.as_ref().unwrap_or(old), &new);
            if !lines.is_empty() {
                reached.push(Reach { path: path.clone(), lines });
            }
        }
        reached
    }
}

/// The key of the dashboards.
const DASHBOARDS: &str = "dashboards";

/// A tree to change in one place, and its number of problems.
struct Base<'s> {
    table: Table<'s>,
    problems: usize,
    /// What it renders for the only output that is compared, if that is another text than the whole spec's.
    text: Option<String>,
}

/// Whether a changed spec is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judgement {
    /// It is valid.
    Sound,
    /// All tables could be read, but contradict each other.
    Readable,
    /// A table could not be read.
    Unreadable,
}

/// The kinds of the project: each with its name, its file and the tree of that.
fn kinds<'s>(sources: &'s Sources, diagnostics: &mut Diagnostics) -> Vec<(String, u16, Table<'s>)> {
    let own = sources.kinds().own().filter_map(|(name, kind)| {
        let file = kind?.place().file;
        Some((name.to_owned(), file, spec::tree::parse(sources, file, diagnostics).table))
    });
    own.collect()
}

/// The keys of a profile's tree, and those of the kinds.
fn all_keys(table: &Table<'_>, kinds: &[(String, u16, Table<'_>)]) -> Vec<Key> {
    let mut keys = Vec::new();
    collect(table, "", &mut Vec::new(), &mut keys);
    for (place, (name, _, table)) in kinds.iter().enumerate() {
        let mut own = Vec::new();
        collect(table, &format!("kinds.{name}"), &mut Vec::new(), &mut own);
        // What refers to a name may be in a template.
        let values = own.into_iter().filter(|key| key.part == Part::Value);
        keys.extend(values.map(|key| Key { kind: Some(place), ..key }));
    }
    keys
}

/// All keys below a table: names, and values other than tables and lists.
fn collect(table: &Table<'_>, above: &str, steps: &mut Vec<Step>, keys: &mut Vec<Key>) {
    for (key, node) in &table.entries {
        let path = if above.is_empty() { key.name.to_string() } else { format!("{above}.{}", key.name) };
        steps.push(Step::Key(key.name.to_string()));
        keys.push(Key { path: path.clone(), span: key.span, part: Part::Name, steps: steps.clone(), kind: None });
        collect_value(node, &path, steps, keys);
        steps.pop();
    }
}

fn collect_value(node: &Node<'_>, path: &str, steps: &mut Vec<Step>, keys: &mut Vec<Key>) {
    match &node.value {
        Value::Table(table) => collect(table, path, steps, keys),
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                steps.push(Step::Item(index));
                collect_value(item, &format!("{path}[{index}]"), steps, keys);
                steps.pop();
            }
        }
        _ => keys.push(Key {
            path: path.to_owned(),
            span: node.span,
            part: Part::Value,
            steps: steps.clone(),
            kind: None,
        }),
    }
}

/// The outputs of a stack.
fn render(stack: &model::Stack, wanted: impl Fn(&Utf8Path) -> bool) -> Vec<(Utf8PathBuf, String)> {
    view::artifacts(stack)
        .into_iter()
        .filter(|artifact| wanted(&artifact.path))
        // Only a broken template can fail, which `gen render` reports.
        .filter_map(|artifact| Some((artifact.path.clone(), artifact.render().ok()?)))
        .collect()
}

/// Where lines of a text are in another one, one-based; `None` if one of them is not in it.
fn same_lines(text: &str, other: &str, lines: &[usize]) -> Option<Vec<usize>> {
    if text == other {
        return Some(lines.to_vec());
    }
    let old: Vec<&str> = text.lines().collect();
    let new: Vec<&str> = other.lines().collect();
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let place = |line: &usize| {
        let at = line.checked_sub(1)?;
        ops.iter().find_map(|op| match *op {
            DiffOp::Equal { old_index, new_index, len } if (old_index..old_index + len).contains(&at) => {
                Some(new_index + (at - old_index) + 1)
            }
            _ => None,
        })
    };
    lines.iter().map(place).collect()
}

/// The changed lines of the old text, one-based.
fn moved(old: &str, new: &str) -> Vec<usize> {
    if old == new {
        return Vec::new();
    }
    let old: Vec<&str> = old.lines().collect();
    let new: Vec<&str> = new.lines().collect();
    if old.len() == new.len() {
        return old.iter().zip(&new).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at + 1).collect();
    }
    capture_diff_slices(Algorithm::Myers, &old, &new)
        .into_iter()
        .filter_map(|op| match op {
            DiffOp::Delete { old_index, old_len, .. } | DiffOp::Replace { old_index, old_len, .. } => {
                Some(old_index + 1..=old_index + old_len)
            }
            DiffOp::Equal { .. } | DiffOp::Insert { .. } => None,
        })
        .flatten()
        .collect()
}
