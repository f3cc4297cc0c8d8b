//! Problems of a spec, as data: a code, a title, the places involved and a way out.
//!
//! `commands/report.rs` renders them.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The code of a patch whose output is one of no profile: what the base says is for all of them.
pub const OF_NO_PROFILE: &str = "unknown-artifact";

/// A range of bytes in one source file of the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The index of the file in [`Sources`](crate::spec::source::Sources), in include order.
    pub file: u16,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The part of this span from byte `from` up to byte `to`, both counted from its start.
    pub fn slice(self, from: usize, to: usize) -> Self {
        let at = |offset: usize| self.start.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX)).min(self.end);
        Self { file: self.file, start: at(from), end: at(to) }
    }
}

/// One place that a diagnostic points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What this place has to do with the problem; may be empty.
    pub text: String,
}

/// How serious a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Nothing can be rendered.
    Error,
    /// It changes neither what is rendered nor how a command ends.
    Warning,
}

impl Level {
    /// Its name in reports for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One problem in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How serious it is.
    pub level: Level,
    /// A stable name in kebab case, e.g. `port-clash`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub title: String,
    /// The places involved; the first one is to be changed.
    pub labels: Vec<Label>,
    /// How to fix it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic whose first place is `span`.
    pub fn new(code: &'static str, title: impl Into<String>, span: Span) -> Self {
        let labels = vec![Label { span, text: String::new() }];
        Self { level: Level::Error, code, title: line(title), labels, help: None }
    }

    /// Labels the first place.
    pub fn at(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = line(text);
        }
        self
    }

    /// Points at a further place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: line(text) });
        self
    }

    /// Says how to fix it.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(line(text));
        self
    }

    /// Adds "did you mean …?" for the candidate nearest to `name`, or what `otherwise` says.
    ///
    /// For a list that `gen` defines; see [`suggest_of`](Self::suggest_of) for one that the spec does.
    pub fn suggest<'a>(
        self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        otherwise: impl FnOnce() -> String,
    ) -> Self {
        self.help(suggestion(name, candidates, otherwise))
    }

    /// As [`suggest`](Self::suggest), for names of the spec: a large one with many mistakes would be compared with
    /// itself, so only the first ones of `among` are suggested something.
    pub fn suggest_of<'a>(
        self,
        among: &Diagnostics,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        otherwise: impl FnOnce() -> String,
    ) -> Self {
        // It is going to be dropped.
        if among.is_full() || among.is_unread {
            return self;
        }
        let found = among.nearest(name, candidates);
        self.help(found.map_or_else(otherwise, did_you_mean))
    }

    /// The place to change.
    pub fn primary(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Every problem of one spec.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// How many names were compared for suggestions.
    compared: Cell<usize>,
    /// What looks wrong, and stops nothing.
    warnings: Vec<Diagnostic>,
    /// Whether they are discarded without being shown.
    is_unread: bool,
}

impl Diagnostics {
    /// An empty list that is discarded without being shown. Only the number and the places of its diagnostics matter, so
    /// suggestions and explanations, which take most of the time, are left out.
    pub fn unread() -> Self {
        Self { is_unread: true, ..Self::default() }
    }

    /// Whether they are discarded without being shown.
    pub fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// The limit: a megabyte of nonsense has a million problems.
    pub const MOST: usize = 1_000;

    /// The limit of an [`unread`](Self::unread) list: changing every key of a large stack makes several for each service.
    const MOST_UNREAD: usize = 200_000;

    /// The limit of comparisons for suggestions, after which none is started: about a tenth of a second.
    const MOST_COMPARED: usize = 1_000_000;

    /// An empty list whose suggestions count towards the limit of this one.
    pub fn apart(&self) -> Self {
        Self { compared: self.compared.clone(), is_unread: self.is_unread, ..Self::default() }
    }

    /// As [`nearest`], until the limit of comparisons is reached.
    pub fn nearest<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let compared = self.compared.get();
        if compared >= Self::MOST_COMPARED || self.is_full() || self.is_unread {
            return None;
        }
        let mut count = 0;
        let found = nearest(name, candidates.into_iter().inspect(|_| count += 1));
        self.compared.set(compared + count);
        found
    }

    /// How many there are, with warnings.
    pub fn count(&self) -> usize {
        self.list.len() + self.warnings.len()
    }

    /// Adds a diagnostic, up to the limit.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.list.push(diagnostic);
        }
    }

    /// The limit of warnings.
    const MOST_WARNINGS: usize = 100;

    /// Adds a warning, up to the limit.
    pub fn warn(&mut self, diagnostic: Diagnostic) {
        if self.warnings.len() < Self::MOST_WARNINGS {
            self.warnings.push(Diagnostic { level: Level::Warning, ..diagnostic });
        }
    }

    /// Keeps what is unused only if it was reported for each of `profiles`: others use it.
    pub fn keep_unused(&mut self, profiles: usize) {
        // Of too many, the last ones are missing.
        if profiles < 2 || self.is_full() || self.warnings.len() >= Self::MOST_WARNINGS {
            return;
        }
        for list in [&mut self.list, &mut self.warnings] {
            let is_unused = |diagnostic: &Diagnostic| diagnostic.code.starts_with("unused-");
            let place = |diagnostic: &Diagnostic| diagnostic.primary().map(|span| (span.file, span.start));
            let mut counts: HashMap<Option<(u16, u32)>, usize> = HashMap::new();
            for diagnostic in list.iter().filter(|diagnostic| is_unused(diagnostic)) {
                *counts.entry(place(diagnostic)).or_default() += 1;
            }
            list.retain(|diagnostic| !is_unused(diagnostic) || counts.get(&place(diagnostic)) >= Some(&profiles));
        }
    }

    /// Keeps what is about an output only if it was reported for each of `profiles`: others have it, or need it.
    pub fn keep_of_outputs(&mut self, profiles: usize) {
        for list in [&mut self.list, &mut self.warnings] {
            let is_of_output = |diagnostic: &Diagnostic| matches!(diagnostic.code, OF_NO_PROFILE | "unused-patch");
            let place = |diagnostic: &Diagnostic| diagnostic.primary().map(|span| (span.file, span.start));
            let mut counts: HashMap<Option<(u16, u32)>, usize> = HashMap::new();
            for diagnostic in list.iter().filter(|diagnostic| is_of_output(diagnostic)) {
                *counts.entry(place(diagnostic)).or_default() += 1;
            }
            list.retain(|diagnostic| !is_of_output(diagnostic) || counts.get(&place(diagnostic)) >= Some(&profiles));
        }
    }

    /// Whether it has no errors.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether the limit is reached.
    pub fn is_full(&self) -> bool {
        self.list.len() >= if self.is_unread { Self::MOST_UNREAD } else { Self::MOST }
    }

    /// Whether an error or a warning has that code.
    pub fn has(&self, code: &str) -> bool {
        self.list.iter().chain(&self.warnings).any(|diagnostic| diagnostic.code == code)
    }

    /// Keeps those that `keep` accepts.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// Moves those of another list to the end of this one.
    pub fn append(&mut self, other: Self) {
        self.compared.set(self.compared.get().max(other.compared.get()));
        for diagnostic in other.list {
            self.push(diagnostic);
        }
        for warning in other.warnings {
            self.warn(warning);
        }
    }

    /// Errors and warnings in source order, without duplicates: profiles share most of the spec and so its problems.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.append(&mut self.warnings);
        self.list.sort_by(|a, b| match (a.primary(), b.primary()) {
            (Some(x), Some(y)) => {
                (x.file, x.start, a.code).cmp(&(y.file, y.start, b.code)).then_with(|| a.title.cmp(&b.title))
            }
            (x, y) => x.is_some().cmp(&y.is_some()).then(Ordering::Equal),
        });
        // A service that extends another one has its problems, too.
        self.list.dedup_by(|b, a| {
            a == b || (a.primary().is_some() && a.primary() == b.primary() && a.code == b.code && a.title == b.title)
        });
        self.list
    }
}

/// A message that a terminal and an annotation can show, whatever name of the spec it quotes: one line without control
/// characters, of limited length.
fn line(text: impl Into<String>) -> String {
    const MOST: usize = 1_000;
    let text = text.into();
    if text.len() <= MOST && !text.contains(char::is_control) {
        return text;
    }
    let mut short = String::with_capacity(MOST);
    for c in text.chars() {
        if short.len() >= MOST {
            short.push('…');
            break;
        }
        if c.is_control() { short.extend(c.escape_default()) } else { short.push(c) }
    }
    short
}

/// "did you mean …?" for the candidate nearest to `name`, or what `otherwise` says.
pub fn suggestion<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest(name, candidates).map_or_else(otherwise, did_you_mean)
}

fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// The candidate with the fewest edits from `name`, if they are few enough to be a typo. A neighbor, `kafka-2` of an unknown
/// `kafka-1`, is something else.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = Wanted::new(name)?;
    let allowed = (wanted.length / 3).max(1);
    let numbered = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let own = Some(numbered(name)).filter(|stem| *stem < name.len());
    let is_neighbor = |other: &str| {
        own.is_some_and(|stem| numbered(other) == stem && stem < other.len() && other.get(..stem) == name.get(..stem))
    };
    candidates
        .into_iter()
        .filter(|candidate| !is_neighbor(candidate))
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= allowed + 2)
        .map(|candidate| (wanted.edits(candidate), candidate))
        .filter(|&(distance, candidate)| distance <= allowed || (wanted.length >= 3 && candidate.starts_with(name)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// A name that is compared with others, regardless of case: for each of its characters, the bits of its places.
struct Wanted {
    ascii: [u64; 128],
    others: Vec<(char, u64)>,
    length: usize,
}

impl Wanted {
    /// `None` if it is empty or too long: a longer name is not a typo.
    fn new(name: &str) -> Option<Self> {
        const LONGEST: usize = 64;
        let mut wanted = Self { ascii: [0; 128], others: Vec::new(), length: 0 };
        for c in name.chars().take(LONGEST + 1).flat_map(char::to_lowercase) {
            if wanted.length == LONGEST {
                return None;
            }
            let place = 1 << wanted.length;
            wanted.length += 1;
            if let Some(places) = wanted.ascii.get_mut(c as usize) {
                *places |= place;
            } else if let Some((_, places)) = wanted.others.iter_mut().find(|(other, _)| *other == c) {
                *places |= place;
            } else {
                wanted.others.push((c, place));
            }
        }
        (wanted.length > 0).then_some(wanted)
    }

    fn places(&self, c: char) -> u64 {
        self.ascii
            .get(c as usize)
            .copied()
            .unwrap_or_else(|| self.others.iter().find(|(other, _)| *other == c).map_or(0, |(_, places)| *places))
    }

    /// Insertions, deletions, substitutions and swaps of neighbors that make the name another one (optimal string
    /// alignment). A column of the usual table is one word, so a character takes a dozen instructions (H. Hyyrö, "A
    /// bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003).
    fn edits(&self, candidate: &str) -> usize {
        let last = self.length - 1;
        let mut distance = self.length;
        let (mut above, mut below, mut diagonal, mut before) = (u64::MAX, 0_u64, 0_u64, 0_u64);
        for c in candidate.chars().flat_map(char::to_lowercase) {
            let same = self.places(c);
            let swapped = ((!diagonal & same) << 1) & before;
            diagonal = ((same & above).wrapping_add(above) ^ above) | same | below | swapped;
            let (right, left) = (below | !(diagonal | above), diagonal & above);
            distance = distance + (right >> last & 1) as usize - (left >> last & 1) as usize;
            let (right, left) = (right << 1 | 1, left << 1);
            above = left | !(diagonal | right);
            below = right & diagonal;
            before = same;
        }
        distance
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Diagnostic, Diagnostics, Span, Wanted, nearest};

    #[test]
    fn a_list_that_nobody_reads_has_a_limit_of_its_own() {
        let mut unread = Diagnostics::unread();
        for start in 0..=1_000 {
            unread.push(Diagnostic::new("x", "x", Span { file: 0, start, end: start }));
        }
        assert_eq!(unread.len(), Diagnostics::MOST + 1);
    }

    #[test]
    fn a_message_is_one_line_that_ends() {
        let span = Span { file: 0, start: 0, end: 0 };
        let diagnostic = Diagnostic::new("code", "a\nb\u{1b}[31m", span).help("x".repeat(10_000));
        assert_eq!(diagnostic.title, "a\\nb\\u{1b}[31m");
        assert!(diagnostic.help.unwrap().len() < 1_010);
    }

    #[test]
    fn nearest_finds_slips_and_nothing_else() {
        let names = ["temporal-frontend", "temporal-history", "grafana", "image", "ports"];
        assert_eq!(nearest("temporal-fronted", names), Some("temporal-frontend"));
        assert_eq!(nearest("imgae", names), Some("image"));
        assert_eq!(nearest("Port", names), Some("ports"));
        assert_eq!(nearest("postgres", names), None);
        assert_eq!(nearest(&"x".repeat(10_000), names), None);
        assert_eq!(nearest("", names), None);
        // `kafka-1` was renamed.
        assert_eq!(nearest("kafka-1", ["kafka-2", "broker-1"]), None);
        assert_eq!(nearest("kafka-1", ["kafka-2", "kafka1"]), Some("kafka1"));
    }

    #[test]
    fn only_the_first_of_many_unknown_names_are_compared() {
        let names: Vec<String> = (0..20_000).map(|index| format!("service-{index:05}")).collect();
        let mut diagnostics = Diagnostics::default();
        let mut compared = 0;
        for index in 0..20_000 {
            let name = format!("servcie-{index:05}");
            let candidates = names.iter().map(String::as_str).inspect(|_| compared += 1);
            let diagnostic = Diagnostic::new("unknown-service", "unknown", Span { file: 0, start: index, end: index });
            diagnostics.push(diagnostic.suggest_of(&diagnostics, &name, candidates, || "declare it".to_owned()));
        }
        assert_eq!(compared, Diagnostics::MOST_COMPARED);
        let helps: Vec<String> = diagnostics.into_sorted().into_iter().filter_map(|found| found.help).collect();
        assert_eq!(helps.len(), Diagnostics::MOST);
        assert_eq!(helps[0], "did you mean `service-00000`?");
        assert_eq!(helps[49], "did you mean `service-00049`?");
        assert_eq!(helps[50], "declare it");
    }

    /// The usual table.
    fn edits(wanted: &[char], other: &[char]) -> usize {
        let mut table = vec![vec![0; other.len() + 1]; wanted.len() + 1];
        for i in 0..=wanted.len() {
            for j in 0..=other.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let replaced = table[i - 1][j - 1] + usize::from(wanted[i - 1] != other[j - 1]);
                    let mut cost = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    if i > 1 && j > 1 && wanted[i - 1] == other[j - 2] && wanted[i - 2] == other[j - 1] {
                        cost = cost.min(table[i - 2][j - 2] + 1);
                    }
                    cost
                };
            }
        }
        table[wanted.len()][other.len()]
    }

    proptest! {
        #[test]
        fn edits_are_counted_as_the_usual_table_does(wanted in "[abcé]{1,64}", other in "[abcé]{0,80}") {
            let chars = |text: &str| text.chars().collect::<Vec<char>>();
            prop_assert_eq!(Wanted::new(&wanted).unwrap().edits(&other), edits(&chars(&wanted), &chars(&other)));
        }
    }
}
