//! Finds the keys of the spec that produce a line of an output, and the lines that depend on a key.
//!
//! This is measured rather than recorded: a key is changed in the tree of the spec, in a way that its type allows, the
//! spec is resolved and rendered again, and the lines that change depend on the key. So it works for derived values and for
//! every artifact. Which of a thousand keys a line depends on is found by changing many at once (`search`); which lines
//! depend on a key takes about a millisecond.
//!
//! In a table whose keys are names, the name of a key is changed as well, together with all references to it, so that the
//! spec stays valid. A line may exist because of a key, so keys are also removed, a table together with the references to
//! it.

mod change;
mod lines;
mod search;
mod trees;

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use camino::{Utf8Path, Utf8PathBuf};

use crate::Plan;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::resolve::Shared;
use crate::spec::kind::Kinds;
use crate::spec::source::Sources;
use crate::spec::tree::{Node, Table, Value};
use crate::spec::{self, ProfileSpec};
use crate::{model, resolve, view};
use change::Edit;
use trees::{Changed, Trees};

/// The part of a key that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The name.
    Name,
    /// The value.
    Value,
    /// A list: that it is there.
    List,
    /// A table: that it is there.
    Table,
}

/// A key of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its dotted path from the top; an item of a list has its index in brackets.
    pub path: String,
    /// The place of the name or the value.
    pub span: Span,
    /// Which part of it.
    pub part: Part,
    /// Its path in the tree: the index of the entry or item on each level.
    steps: Vec<usize>,
    /// The places of the table that it is in, for a key of a table in the tree: that of its name and its own.
    above: Option<[Span; 2]>,
    /// The kind that declares it, by its place among those of the trace; `None` for a key of the spec itself.
    kind: Option<usize>,
}

impl Key {
    /// Whether it is in a table or list.
    fn is_in(&self, other: &Self) -> bool {
        let (own, around) = (&self.steps, &other.steps);
        other.part >= Part::List && self.kind == other.kind && own.len() > around.len() && own.starts_with(around)
    }
}

/// The lines of an output that depend on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The output, relative to the root.
    pub path: Utf8PathBuf,
    /// Its lines, one-based, ascending.
    pub lines: Vec<usize>,
}

/// A profile of a spec whose keys can be changed.
pub struct Trace<'s> {
    profile: ProfileSpec,
    trees: Trees<'s>,
    keys: Vec<Key>,
    /// The names of images that can't be changed, since a service has them by its kind.
    images: HashSet<String>,
    /// The artifacts of the stack as it is, each with its text once it is needed.
    outputs: Vec<(view::Artifact<'s>, OnceCell<String>)>,
}

impl<'s> Trace<'s> {
    /// A trace of a plan, and the spec that it was made from; `None` if the spec has no such profile.
    pub fn new(sources: &'s Sources, plan: &'s Plan) -> Option<Self> {
        let mut diagnostics = Diagnostics::default();
        let (profile, table) = spec::parse(sources, &mut diagnostics).profile(plan.profile())?;
        let kinds = kinds(sources, &mut diagnostics);
        let keys = all_keys(&table, &kinds);
        let images = default_images(&table, sources.kinds());
        let outputs = view::artifacts(plan.stack()).into_iter().map(|artifact| (artifact, OnceCell::new())).collect();
        Some(Self { profile, trees: Trees::new(sources, table, kinds), keys, images, outputs })
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
        self.outputs.iter().find(|(known, _)| known.path == path).map(text_of)
    }

    /// The outputs, in the order in which reports list them.
    pub fn outputs(&self) -> impl Iterator<Item = &Utf8Path> {
        self.outputs.iter().map(|(artifact, _)| artifact.path.as_path())
    }

    /// The lines of the outputs that depend on any of some keys, in the order of the outputs.
    pub fn reach(&self, keys: &[&Key]) -> Vec<Reach> {
        let (base, mut shared, mut found) = (Base::new(&self.trees), Shared::default(), Vec::new());
        // A table or list that can be removed takes with it what exists through anything in it.
        let mut removed: Option<&Key> = None;
        for key in keys {
            let edits = self.others(key);
            let changed = self.measure(&base, key, &edits, &mut shared, &|_| true);
            if key.part >= Part::List && changed.is_some() {
                removed = Some(*key);
            }
            found.extend(changed.into_iter().flatten());
            if key.part == Part::Value && !removed.is_some_and(|around| key.is_in(around)) {
                found.extend(self.measure(&base, key, &[Edit::Remove], &mut shared, &|_| true).into_iter().flatten());
            }
        }
        self.outputs()
            .filter_map(|path| {
                let of_path = found.iter().filter(|reach| reach.path == *path);
                let lines: BTreeSet<usize> = of_path.flat_map(|reach| reach.lines.iter().copied()).collect();
                (!lines.is_empty()).then(|| Reach { path: path.to_owned(), lines: lines.into_iter().collect() })
            })
            .collect()
    }

    /// The line of the rendered output for a line on disk; `None` if it was not rendered.
    pub fn rendered_line(&self, path: &Utf8Path, on_disk: &str, line: usize) -> Option<usize> {
        let rendered = self.output(path)?;
        line.checked_sub(1).filter(|&at| on_disk.lines().nth(at).is_some())?;
        lines::same(on_disk, rendered, &[line])?.pop()
    }

    /// For each of some lines of an output, the keys it depends on, those with the fewest lines first.
    pub fn causes(&self, path: &Utf8Path, lines: &[usize]) -> Vec<Vec<&Key>> {
        let Some(text) = self.output(path) else { return lines.iter().map(|_| Vec::new()).collect() };
        let (base, lines, is_other) = self.without_dashboards((path, text), lines);
        let keys: Vec<&Key> = self.keys.iter().filter(|key| !is_other(key)).collect();
        let found = search::causes(self, &base, path, &lines, &keys);
        lines
            .iter()
            .map(|line| {
                let mut found: Vec<&(&Key, Vec<usize>)> =
                    found.iter().filter(|(_, lines)| lines.binary_search(line).is_ok()).collect();
                found.sort_by_key(|(key, lines)| (lines.len(), key.span));
                let keys: Vec<&Key> = found.iter().map(|(key, _)| *key).collect();
                // One may matter both by its value and by its presence. A table or list adds nothing to what is in it.
                let mut said = HashSet::new();
                let is_new = |key: &&&Key| said.insert(std::ptr::from_ref::<Key>(**key));
                let is_needed = |key: &&&Key| key.part < Part::List || !keys.iter().any(|other| other.is_in(key));
                keys.iter().filter(is_new).filter(is_needed).copied().collect()
            })
            .collect()
    }

    /// The trees without the dashboards that lines of an output do not need, the lines in what they render, and whether a key
    /// is one of those dashboards. They are the largest part of a spec, and few outputs need them.
    fn without_dashboards(
        &self,
        (path, text): (&Utf8Path, &str),
        lines: &[usize],
    ) -> (Base<'_, 's>, Vec<usize>, impl Fn(&Key) -> bool) {
        let own = path.file_stem().filter(|_| path.extension() == Some("json")).unwrap_or_default();
        let mut trees = Changed::of(&self.trees);
        trees.retain_dashboards(|name| name == own);
        let mut problems = Diagnostics::unread();
        let stack = self.resolve(&trees, &mut Shared::default(), &mut problems);
        let without = stack.and_then(|stack| {
            let artifacts = view::artifacts(&stack);
            artifacts.iter().find(|artifact| artifact.path == path)?.render().ok()
        });
        let there = without.as_ref().and_then(|without| lines::same(text, without, lines));
        let is_same = there.is_some();
        let (base, lines) = match there {
            // A folder without dashboards is a problem that does not matter here.
            Some(lines) => (Base { trees, problems: problems.len(), text: without }, lines),
            None => (Base::new(&self.trees), lines.to_vec()),
        };
        let (all, own) = ("dashboards.", format!("dashboards.{own}"));
        let is_other = move |key: &Key| {
            let is_own = key.path.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            is_same && !is_own && key.path.starts_with(all)
        };
        (base, lines, is_other)
    }

    /// Changes of a key, the most likely valid one first.
    fn others(&self, key: &Key) -> Vec<Edit<'s>> {
        let image = key.path.strip_prefix("images.").filter(|_| key.part == Part::Name);
        if image.is_some_and(|name| self.images.contains(name)) {
            return Vec::new();
        }
        let mut edits = change::others(self.trees.of(key), &key.steps, key.part);
        if key.part != Part::Name {
            edits.push(Edit::Remove);
        }
        edits
    }

    /// The lines that a key reaches by the first of some changes that leaves the spec valid, or at least readable; `None` if
    /// none does. If only the removal is asked for, an invalid spec says nothing: it may lack much more.
    fn measure(
        &self,
        base: &Base<'_, 's>,
        key: &Key,
        edits: &[Edit<'s>],
        shared: &mut Shared,
        wanted: &dyn Fn(&Utf8Path) -> bool,
    ) -> Option<Vec<Reach>> {
        let mut second_best = None;
        let must_be_sound = matches!(edits, [Edit::Remove]);
        for edit in edits {
            match self.with_change(base, key, edit, shared) {
                (Some(stack), Judgement::Sound) => return Some(self.compare(base, &stack, wanted)),
                (Some(stack), Judgement::Readable) if second_best.is_none() && !must_be_sound => {
                    second_best = Some(stack);
                }
                _ => {}
            }
        }
        second_best.map(|stack| self.compare(base, &stack, wanted))
    }

    /// The stack with a key changed.
    fn with_change(
        &self,
        base: &Base<'_, 's>,
        key: &Key,
        edit: &Edit<'s>,
        shared: &mut Shared,
    ) -> (Option<model::Stack>, Judgement) {
        let mut changed = base.trees.clone();
        if !changed.apply(key, edit) {
            return (None, Judgement::Unreadable);
        }
        let renamed = edit.renamed();
        let is_gone = key.part == Part::Table && matches!(edit, Edit::Remove);
        let follow = |changed: &mut Changed<'_, 's>, places: &[Span]| {
            if is_gone { changed.forget(places) } else { changed.follow(renamed.as_slice(), places) }
        };
        let (stack, judgement, _) = self.judge((changed, base.problems), &follow, shared);
        (stack, judgement)
    }

    /// Resolves changed trees, after references to what was changed were changed as well; some problems do not matter.
    fn judge(
        &self,
        (mut changed, problems_before): (Changed<'_, 's>, usize),
        follow: &dyn Fn(&mut Changed<'_, 's>, &[Span]) -> bool,
        shared: &mut Shared,
    ) -> (Option<model::Stack>, Judgement, Vec<Diagnostic>) {
        /// References to references.
        const ROUNDS: usize = 3;
        let mut round = 0;
        loop {
            let mut problems = Diagnostics::unread();
            let stack = self.resolve(&changed, shared, &mut problems);
            if stack.is_some() && problems.len() <= problems_before {
                return (stack, Judgement::Sound, Vec::new());
            }
            let problems = problems.into_sorted();
            let places: Vec<Span> = problems.iter().filter_map(Diagnostic::primary).collect();
            round += 1;
            if round > ROUNDS || !follow(&mut changed, &places) {
                let judgement = if stack.is_some() { Judgement::Readable } else { Judgement::Unreadable };
                return (stack, judgement, problems);
            }
        }
    }

    /// Decodes and resolves changed trees; `None` if a table can't be read.
    fn resolve(
        &self,
        changed: &Changed<'_, 's>,
        shared: &mut Shared,
        problems: &mut Diagnostics,
    ) -> Option<model::Stack> {
        let (spec, kinds) = changed.decode(problems).filter(|_| problems.is_empty())?;
        let profile = ProfileSpec {
            profile: self.profile.profile.clone(),
            removed: self.profile.removed.clone(),
            location: self.profile.location.clone(),
            kinds,
            share: self.profile.share,
            spec: Some(spec),
            isolation: None,
        };
        resolve::resolve_all_the_same(&profile, shared, problems)
    }

    /// The stack with a key changed, in the first way that leaves the spec valid.
    #[cfg(test)]
    pub(crate) fn changed(&self, key: &Key, shared: &mut Shared) -> Option<model::Stack> {
        let base = Base::new(&self.trees);
        self.others(key).iter().find_map(|edit| match self.with_change(&base, key, edit, shared) {
            (stack, Judgement::Sound) => stack,
            _ => None,
        })
    }

    /// The lines of outputs that another stack changes.
    fn compare(&self, base: &Base<'_, 's>, stack: &model::Stack, wanted: &dyn Fn(&Utf8Path) -> bool) -> Vec<Reach> {
        let mut reached = Vec::new();
        self.each_with(base, stack, wanted, |(path, old), new| {
            let lines = lines::changed(old, new);
            if !lines.is_empty() {
                reached.push(Reach { path: path.to_owned(), lines });
            }
        });
        reached
    }

    /// Calls `each` with the path of each wanted output, its text, and its text in another stack, empty if it has none.
    fn each_with(
        &self,
        base: &Base<'_, 's>,
        stack: &model::Stack,
        wanted: &dyn Fn(&Utf8Path) -> bool,
        mut each: impl FnMut((&Utf8Path, &str), &str),
    ) {
        let changed = view::artifacts(stack);
        let by_path: HashMap<&Utf8Path, &view::Artifact<'_>> =
            changed.iter().map(|artifact| (artifact.path.as_path(), artifact)).collect();
        let known: HashSet<&Utf8Path> = self.outputs().collect();
        // An output named after a key has another name now; it is still compared.
        let mut renamed: HashMap<_, VecDeque<&view::Artifact<'_>>> = HashMap::new();
        for artifact in changed.iter().filter(|artifact| !known.contains(artifact.path.as_path())) {
            renamed.entry(place_of(&artifact.path)).or_default().push_back(artifact);
        }
        for output in &self.outputs {
            let path = output.0.path.as_path();
            let now = by_path.get(path).copied().or_else(|| renamed.get_mut(&place_of(path))?.pop_front());
            if wanted(path) {
                // Only a broken template can fail, which `gen render` reports.
                let new = now.and_then(|artifact| artifact.render().ok()).unwrap_or_default();
                each((path, base.text.as_deref().unwrap_or_else(|| text_of(output))), &new);
            }
        }
    }
}

/// What an output that is renamed keeps: its folder and its extension.
fn place_of(path: &Utf8Path) -> (Option<&Utf8Path>, Option<&str>) {
    (path.parent(), path.extension())
}

/// The text of an output, rendered once.
fn text_of<'o>((artifact, text): &'o (view::Artifact<'_>, OnceCell<String>)) -> &'o str {
    // Only a broken template can fail, which `gen render` reports.
    text.get_or_init(|| artifact.render().unwrap_or_default())
}

/// The trees that are changed.
struct Base<'t, 's> {
    trees: Changed<'t, 's>,
    /// How many problems they have.
    problems: usize,
    /// What they render for the only output that is compared, if that is another text than the whole spec's.
    text: Option<String>,
}

impl<'t, 's> Base<'t, 's> {
    fn new(trees: &'t Trees<'s>) -> Self {
        Self { trees: Changed::of(trees), problems: 0, text: None }
    }
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

/// The names of the images that services have by their kinds, but for what they inherit.
fn default_images(table: &Table<'_>, kinds: &Kinds) -> HashSet<String> {
    let Some(Value::Table(services)) = table.at(&["services"]).map(|node| &node.value) else { return HashSet::new() };
    let named = services.entries.iter().filter_map(|(_, service)| {
        let Value::Table(service) = &service.value else { return None };
        match &service.at(&["kind"])?.value {
            Value::String(name) if service.at(&["image"]).is_none() => Some(&**name),
            _ => None,
        }
    });
    let named: HashSet<&str> = named.collect();
    named.into_iter().filter_map(|name| Some(kinds.get(name)?.image_name().to_owned())).collect()
}

/// The keys of a profile's tree, and those of the kinds.
fn all_keys(table: &Table<'_>, kinds: &[(String, u16, Table<'_>)]) -> Vec<Key> {
    let mut keys = Vec::new();
    collect(table, "", None, &mut Vec::new(), &mut keys);
    for (place, (name, _, table)) in kinds.iter().enumerate() {
        let mut own = Vec::new();
        collect(table, &format!("kinds.{name}"), None, &mut Vec::new(), &mut own);
        // What refers to a name may be in a template.
        let values = own.into_iter().filter(|key| key.part != Part::Name);
        keys.extend(values.map(|key| Key { kind: Some(place), ..key }));
    }
    keys
}

/// All keys below a table, which is at `places`.
fn collect(table: &Table<'_>, path: &str, places: Option<[Span; 2]>, steps: &mut Vec<usize>, keys: &mut Vec<Key>) {
    for (index, (key, node)) in table.entries.iter().enumerate() {
        let path = if path.is_empty() { key.name.to_string() } else { format!("{path}.{}", key.name) };
        steps.push(index);
        let (span, part) = (key.span, Part::Name);
        keys.push(Key { path: path.clone(), span, part, steps: steps.clone(), above: places, kind: None });
        collect_value((key.span, node), &path, places, steps, keys);
        steps.pop();
    }
}

fn collect_value(
    (name, node): (Span, &Node<'_>),
    path: &str,
    above: Option<[Span; 2]>,
    steps: &mut Vec<usize>,
    keys: &mut Vec<Key>,
) {
    match &node.value {
        Value::Table(table) => {
            let (path_of, span) = (path.to_owned(), name);
            keys.push(Key { path: path_of, span, part: Part::Table, steps: steps.clone(), above, kind: None });
            collect(table, path, Some([name, node.span]), steps, keys);
        }
        Value::List(items) => {
            let (path_of, span) = (path.to_owned(), node.span);
            keys.push(Key { path: path_of, span, part: Part::List, steps: steps.clone(), above, kind: None });
            for (index, item) in items.iter().enumerate() {
                steps.push(index);
                collect_value((name, item), &format!("{path}[{index}]"), None, steps, keys);
                steps.pop();
            }
        }
        _ => keys.push(Key {
            path: path.to_owned(),
            span: node.span,
            part: Part::Value,
            steps: steps.clone(),
            above,
            kind: None,
        }),
    }
}
