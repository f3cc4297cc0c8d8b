//! Problems of a spec, as data: a code, a title, the places involved and a way out.
//!
//! `commands/report.rs` renders them.

use std::cmp::Ordering;

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

/// One problem in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
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
        Self { code, title: line(title), labels: vec![Label { span, text: String::new() }], help: None }
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
    pub fn suggest<'a>(
        self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
        otherwise: impl FnOnce() -> String,
    ) -> Self {
        self.help(suggestion(name, candidates, otherwise))
    }

    /// The place to change.
    pub fn primary(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Every problem of one spec.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The limit: a megabyte of nonsense has a million problems.
    pub const MOST: usize = 1_000;

    /// Adds a diagnostic, up to the limit.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.0.len() < Self::MOST {
            self.0.push(diagnostic);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the limit is reached.
    pub fn is_full(&self) -> bool {
        self.0.len() >= Self::MOST
    }

    /// Whether one has that code.
    pub fn has(&self, code: &str) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.code == code)
    }

    /// Keeps those that `keep` accepts.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.0.retain(keep);
    }

    /// Moves those of another list to the end of this one.
    pub fn append(&mut self, other: Self) {
        for diagnostic in other.0 {
            self.push(diagnostic);
        }
    }

    /// In source order, without duplicates: profiles share most of the spec and so its problems.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by(|a, b| match (a.primary(), b.primary()) {
            (Some(x), Some(y)) => {
                (x.file, x.start, a.code).cmp(&(y.file, y.start, b.code)).then_with(|| a.title.cmp(&b.title))
            }
            (x, y) => x.is_some().cmp(&y.is_some()).then(Ordering::Equal),
        });
        self.0.dedup();
        self.0
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
    nearest(name, candidates).map_or_else(otherwise, |found| format!("did you mean `{found}`?"))
}

/// The candidate with the fewest edits from `name`, if they are few enough to be a typo.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A longer name is not a typo, and the table below grows with its length.
    const LONGEST: usize = 64;
    let wanted: Vec<char> = name.chars().take(LONGEST + 1).flat_map(char::to_lowercase).collect();
    if wanted.len() > LONGEST {
        return None;
    }
    let allowed = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= allowed + 2)
        .map(|candidate| (edits(&wanted, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= allowed || (wanted.len() >= 3 && candidate.starts_with(name)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn edits(wanted: &[char], candidate: &str) -> usize {
    let other: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
    let width = other.len() + 1;
    let mut before = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (i, &a) in wanted.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, &b) in other.iter().enumerate() {
            let mut cost = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == other[j - 1] && wanted[i - 1] == b {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[width - 1]
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Span, nearest};

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
    }
}
