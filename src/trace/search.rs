//! Which of many keys lines depend on, found by changing many keys at once: if that leaves the lines as they are, none of
//! the keys matters; otherwise each half is tried. What is found is measured key by key in the end, so a key that only
//! seems to matter among others is dropped.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use camino::Utf8Path;

use super::change::Edit;
use super::trees::Changed;
use super::{Base, Key, Part, Trace, lines};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::resolve::Shared;
use crate::spec::decode::shown;

/// The number of groups to start with, besides that of the kinds: if all keys are changed at once, hardly anything fits together.
const PARTS: usize = 8;

/// The limit of attempts to replace changes that can't be read.
const ROUNDS: usize = 8;

/// The keys that lines of an output depend on, each with all lines of the output that do.
pub(super) fn causes<'t, 's>(
    trace: &'t Trace<'s>,
    base: &Base<'t, 's>,
    path: &Utf8Path,
    lines: &[usize],
    keys: &[&'t Key],
) -> Vec<(&'t Key, Vec<usize>)> {
    let (mut shared, mut found) = (Shared::default(), Vec::new());
    let mut unexplained = lines.to_vec();
    let all = base.text.as_deref().or(trace.output(path)).map_or(0, |text| text.lines().count());
    // If nothing that affects a line explains it, the line may exist because of a value or, failing that, a list or table.
    for (parts, is_removed) in
        [(&[Part::Name, Part::Value][..], false), (&[Part::Value], true), (&[Part::List, Part::Table], true)]
    {
        // A key that was found for each of these lines is not removed as well, nor is a list or table with such a key in it.
        let is_known = |key: &Key| {
            let says = |(other, lines): &(&Key, Vec<usize>), line| {
                (std::ptr::eq(*other, key) || other.is_in(key)) && lines.binary_search(line).is_ok()
            };
            is_removed && unexplained.iter().all(|line| found.iter().any(|found| says(found, line)))
        };
        let candidates = keys.iter().filter(|key| parts.contains(&key.part) && !is_known(key)).map(|&key| {
            let edits = if is_removed { vec![Edit::Remove] } else { trace.others(key) };
            let state = if edits.is_empty() { State::Never } else { State::InGroups };
            Candidate { key, edits, next: 0, state }
        });
        let candidates = candidates.collect();
        let (lines, shared) = (&unexplained, &mut shared);
        found.extend(Search { trace, base, path, lines, candidates, shared, found: Vec::new() }.run());
        unexplained.retain(|line| {
            !found.iter().any(|(_, lines): &(&Key, Vec<usize>)| explains(lines.len(), all) && lines.contains(line))
        });
        if unexplained.is_empty() {
            break;
        }
    }
    found
}

/// Whether a key that affects some lines of all says why one of them is there: what affects much of an output says little.
fn explains(affected: usize, all: usize) -> bool {
    affected <= (all / 4).max(1)
}

struct Search<'q, 't, 's> {
    trace: &'t Trace<'s>,
    base: &'q Base<'t, 's>,
    /// The output.
    path: &'q Utf8Path,
    lines: &'q [usize],
    candidates: Vec<Candidate<'t, 's>>,
    shared: &'q mut Shared,
    found: Vec<(&'t Key, Vec<usize>)>,
}

/// A key that may matter.
struct Candidate<'t, 's> {
    key: &'t Key,
    /// What it can be changed to.
    edits: Vec<Edit<'s>>,
    /// The edit that groups use: the first that can be read.
    next: usize,
    state: State,
}

/// How a key can be changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Together with others.
    InGroups,
    /// Only by itself.
    Alone,
    /// In no way that can be read.
    Never,
}

impl<'t, 's> Search<'_, 't, 's> {
    fn run(mut self) -> Vec<(&'t Key, Vec<usize>)> {
        let all: Vec<usize> = (0..self.candidates.len()).collect();
        self.settle(&all);
        // A service of another kind, or of none, has other rules, which hides what its other keys do.
        let (kinds, mut others): (Vec<usize>, Vec<usize>) =
            all.iter().partition(|&&at| self.candidates[at].key.path.rsplit('.').next() == Some("kind"));
        if others.iter().any(|&at| self.candidates[at].key.part >= Part::List) {
            // What is in a table before the table.
            others.reverse();
        } else {
            // Names and values apart: in Kubernetes, a changed value may declare the variable whose name was changed.
            others.sort_by_key(|&at| self.candidates[at].key.part);
        }
        for part in others.chunks(others.len().div_ceil(PARTS).max(1)).chain([kinds.as_slice()]) {
            self.split(part, false);
        }
        for at in all {
            if self.candidates[at].state == State::Alone {
                self.measure(at);
            }
        }
        self.found
    }

    /// Finds the keys of a group that matter; `is_known` says that one of them does.
    fn split(&mut self, group: &[usize], is_known: bool) {
        let group = self.in_groups(group);
        if let [only] = group.as_slice() {
            self.measure(*only);
            return;
        }
        if !is_known && !self.matters(&group) {
            return;
        }
        // Some were found to fit in no group.
        let group = self.in_groups(&group);
        let (first, second) = group.split_at(group.len() / 2);
        let is_first = match first {
            [] => false,
            [only] => self.measure(*only),
            _ => self.matters(first),
        };
        if is_first && first.len() > 1 {
            self.split(first, true);
        }
        if !second.is_empty() {
            self.split(second, !is_first);
        }
    }

    fn in_groups(&self, group: &[usize]) -> Vec<usize> {
        let fits = |at: &usize| self.candidates.get(*at).is_some_and(|candidate| candidate.state == State::InGroups);
        group.iter().copied().filter(fits).collect()
    }

    /// Whether any key of a group may matter.
    fn matters(&mut self, group: &[usize]) -> bool {
        for _ in 0..ROUNDS {
            let group = self.in_groups(group);
            if group.is_empty() {
                return false;
            }
            let (changed, names) = self.changed(&group);
            let follow = |changed: &mut Changed<'_, 's>, places: &[Span]| changed.follow(&names, places);
            match self.trace.judge((changed, self.base.problems), &follow, self.shared) {
                (Some(stack), ..) => {
                    let mut is_changed = true;
                    self.trace.each_with(self.base, &stack, &|other| other == self.path, |(_, old), new| {
                        is_changed = lines::may_be_changed(old, new, self.lines);
                    });
                    return is_changed;
                }
                (None, _, problems) => {
                    if !self.blame(&group, &problems) && !self.leave_alone(&group, &problems) {
                        return true;
                    }
                }
            }
        }
        true
    }

    /// The trees with all keys of a group changed, and the changed names.
    fn changed(&self, group: &[usize]) -> (Changed<'t, 's>, Vec<(String, String)>) {
        let mut changed = self.base.trees.clone();
        let mut names = Vec::new();
        // What is removed moves what comes after it in the spec.
        let mut places = group.to_vec();
        places.sort_unstable_by_key(|&at| Reverse(at));
        for at in places {
            let Candidate { key, edits, next, .. } = &self.candidates[at];
            let Some(edit) = edits.get(*next) else { continue };
            changed.apply(key, edit);
            names.extend(edit.renamed());
        }
        (changed, names)
    }

    /// Finds out how keys can be changed so that they can be read, which takes less time than to resolve the stack.
    fn settle(&mut self, all: &[usize]) {
        for part in [Part::Name, Part::Value] {
            let of_part: Vec<usize> = all.iter().copied().filter(|&at| self.candidates[at].key.part == part).collect();
            for _ in 0..ROUNDS {
                let group = self.in_groups(&of_part);
                let mut problems = Diagnostics::unread();
                self.changed(&group).0.decode(&mut problems);
                if !self.blame(&group, &problems.into_sorted()) {
                    break;
                }
            }
        }
    }

    /// Changes keys in another way, or not any more, whose changes can't be read; whether there are any.
    fn blame(&mut self, group: &[usize], problems: &[Diagnostic]) -> bool {
        let problems = Problems::of(problems);
        let mut is_any = false;
        for &at in group {
            let Candidate { key, edits, next, state } = &mut self.candidates[at];
            match edits.get(*next) {
                Some(Edit::Set(_)) if problems.are_in(key) => {
                    *next += 1;
                    if *next == edits.len() {
                        *state = State::Never;
                    }
                }
                Some(Edit::Rename { to, .. }) if problems.name_unknown(key, to) => *state = State::Never,
                Some(Edit::Remove) if problems.name_missing(key) => *state = State::Never,
                _ => continue,
            }
            is_any = true;
        }
        is_any
    }

    /// Takes names out of the groups whose change has other problems; whether there are any.
    fn leave_alone(&mut self, group: &[usize], problems: &[Diagnostic]) -> bool {
        let problems = Problems::of(problems);
        let mut is_any = false;
        for &at in group {
            let Candidate { key, edits, next, state } = &mut self.candidates[at];
            if matches!(edits.get(*next), Some(Edit::Rename { .. })) && problems.are_in(key) {
                *state = State::Alone;
                is_any = true;
            }
        }
        is_any
    }

    /// Measures a key; whether it matters.
    fn measure(&mut self, at: usize) -> bool {
        let Candidate { key, edits, .. } = &self.candidates[at];
        let path = self.path;
        let reach = self.trace.measure(self.base, key, edits, self.shared, &|other| other == path).unwrap_or_default();
        let Some(reach) = reach.into_iter().next() else { return false };
        let key = *key;
        let matters = self.lines.iter().any(|line| reach.lines.binary_search(line).is_ok());
        if key.part >= Part::List && self.lines.iter().all(|line| reach.lines.binary_search(line).is_ok()) {
            // What it is in adds nothing.
            for around in self.candidates.iter_mut().filter(|candidate| key.is_in(candidate.key)) {
                around.state = State::Never;
            }
        }
        if matters {
            self.found.push((key, reach.lines));
        }
        matters
    }
}

/// Problems by their places.
struct Problems<'d>(BTreeMap<(u16, u32), Vec<&'d Diagnostic>>);

impl<'d> Problems<'d> {
    fn of(problems: &'d [Diagnostic]) -> Self {
        let mut places: BTreeMap<(u16, u32), Vec<&Diagnostic>> = BTreeMap::new();
        for (problem, place) in problems.iter().filter_map(|problem| Some((problem, problem.primary()?))) {
            places.entry((place.file, place.start)).or_default().push(problem);
        }
        Self(places)
    }

    /// Those with a code at a place that say a name.
    fn say(&self, code: &str, span: Span, name: &str) -> bool {
        let at = self.0.get(&(span.file, span.start)).into_iter().flatten();
        let mut here = at.filter(|problem| problem.code == code && problem.primary() == Some(span));
        here.any(|problem| problem.title.contains(&format!("`{}`", shown(name))))
    }

    /// Whether any is in a key.
    fn are_in(&self, key: &Key) -> bool {
        let Span { file, start, end } = key.span;
        self.0.range((file, start)..=(file, end)).next().is_some()
    }

    /// Whether the new name of a key is unknown. The tables of a dashboard's file are all at its start.
    fn name_unknown(&self, key: &Key, name: &str) -> bool {
        self.say("unknown-key", key.span, name)
    }

    /// Whether the table of a key needs it.
    fn name_missing(&self, key: &Key) -> bool {
        let name = key.path.rsplit('.').next().unwrap_or_default();
        key.above.iter().flatten().any(|above| self.say("missing-key", *above, name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::spec::source::Sources;

    /// A line has the keys that are found by changing one key at a time: in a sample of lines, and the one that counts ports, which
    /// depends on names that a change of a kind beside them hides.
    #[test]
    fn groups_find_what_single_keys_do() {
        let mut sources = Sources::default();
        sources.push("spec/stack.toml", include_str!("../edit/examples/observability.toml").to_owned());
        sources
            .push("spec/dashboards/stack.toml", include_str!("../edit/examples/observability/stack.toml").to_owned());
        let plans = crate::plan(&sources, Some("dev")).unwrap();
        let trace = Trace::new(&sources, &plans[0]).unwrap();
        let (base, mut shared) = (Base::new(&trace.trees), Shared::default());
        let changeable = trace.keys().iter().filter(|key| key.part < Part::List);
        let single: Vec<_> = changeable
            .flat_map(|key| {
                let reach = trace.measure(&base, key, &trace.others(key), &mut shared, &|_| true).unwrap_or_default();
                reach.into_iter().map(move |reach| (key, reach))
            })
            .collect();
        let (mut lines, mut explained) = (0, 0);
        for path in trace.outputs() {
            let text = trace.output(path).unwrap_or_default();
            let counts_ports = text.lines().position(|line| line.contains("published ports"));
            let sample = (1..=text.lines().count()).step_by(4);
            // An empty line is the same as any other one.
            let sample = sample.filter(|line| text.lines().nth(line - 1).is_some_and(|text| !text.is_empty()));
            for line in counts_ports.map(|at| at + 1).into_iter().chain(sample) {
                let of_line = single.iter().filter(|(_, reach)| reach.path == path && reach.lines.contains(&line));
                let is_explained = of_line.clone().any(|(_, reach)| explains(reach.lines.len(), text.lines().count()));
                let named = |key: &Key| (key.path.clone(), key.part);
                let expected: BTreeSet<(String, Part)> = of_line.map(|(key, _)| named(key)).collect();
                let found = trace.causes(path, &[line]).remove(0);
                // Otherwise a value or a table may be there, too, whose removal matters.
                let (found, others): (Vec<&Key>, Vec<&Key>) =
                    found.into_iter().partition(|key| is_explained || expected.contains(&named(key)));
                assert!(others.iter().all(|key| key.part != Part::Name), "{path}:{line}: {others:?}");
                let found: BTreeSet<(String, Part)> = found.into_iter().map(named).collect();
                assert_eq!(found, expected, "{path}:{line}");
                lines += 1;
                explained += usize::from(!expected.is_empty());
            }
        }
        assert!(lines > 60 && explained > lines / 4, "{explained} of {lines}");
    }
}
