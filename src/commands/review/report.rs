//! The report of a review, for people, pull requests and programs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::json;
use similar::{DiffOp, group_diff_ops};
use stackgen::difference;
use stackgen::review::{Area, Change, Id, Outputs, Review, Severity, counted};
use stackgen::shown::{markdown_code as code, visible};

use super::super::report::{self, BOLD, CYAN, GREEN, RED, RESET, YELLOW};
use super::git::Revision;

/// Columns of a line for people.
const WIDTH: usize = 80;

/// Notices that are shown; the rest is counted.
const MOST_NOTICES: usize = 150;

/// Bytes of Markdown: GitHub's limit for a comment is 65,536 characters.
const BUDGET: usize = 62_000;

/// Those of them for dangers: enough for a short line for each id.
const FOR_DANGERS: usize = 42_000;

/// Cautions that are shown.
const MOST: usize = 100;

/// Dangers that are shown: a branch should not hide one behind others.
const MOST_DANGERS: usize = 1_000;

/// Characters of a value that are shown.
const LONGEST: usize = 120;

/// Subjects of a line of notices that are shown.
const SUBJECTS: usize = 6;

/// Characters of a name or a value in Markdown, if there is not room for everything.
const BRIEF: usize = 40;

/// Characters of two values on one line.
const SHORT: usize = 60;

/// A review and its context.
pub struct Report<'r> {
    pub review: &'r Review,
    pub revision: &'r Revision<'r>,
    /// Whether the revision has no spec.
    pub is_new: bool,
    /// Whether the files of the spec differ, even if their meaning doesn't.
    pub files_differ: bool,
    /// Whether there are several profiles.
    pub several: bool,
}

/// Changes that differ only in their subjects.
struct Line<'r> {
    change: &'r Change,
    subjects: Vec<&'r str>,
}

/// The changes with a severity that are not accepted, or those that are.
fn lines(changes: &[Change], severity: Option<Severity>) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut places = HashMap::new();
    let wanted = |change: &&Change| match severity {
        Some(severity) => change.severity == severity && change.accepted.is_none(),
        None => change.accepted.is_some(),
    };
    for change in changes.iter().filter(wanted) {
        let Change { id, area, what, before, after, accepted, profiles, .. } = change;
        let alike = (id, area, what, before, after, accepted, profiles);
        let place = *places.entry(alike).or_insert(lines.len());
        match lines.get_mut(place) {
            Some(line) => line.subjects.push(&change.subject),
            None => lines.push(Line { change, subjects: vec![&change.subject] }),
        }
    }
    lines
}

/// Writes lines, each with the area of the one before, up to a number of them and of bytes, and counts the changes that
/// are left. The first of
/// each id takes precedence over the second of any: a branch should not hide one behind others.
fn within_budget(
    out: &mut String,
    lines: &[Line<'_>],
    (most, budget, noun): (usize, usize, &str),
    write: impl Fn(&mut String, &Line<'_>, usize, Option<Area>),
) {
    let order = by_precedence(lines);
    for length in [LONGEST, BRIEF] {
        let mut used = 0;
        let mut shown: Vec<usize> = Vec::new();
        for &index in order.iter().take(most) {
            let mut text = String::new();
            write(&mut text, &lines[index], length, None);
            used += text.len();
            if used > budget {
                break;
            }
            shown.push(index);
        }
        if length == LONGEST && used > budget {
            continue;
        }
        shown.sort_unstable();
        let mut area = None;
        for &index in &shown {
            write(out, &lines[index], length, area);
            area = Some(lines[index].change.area);
        }
        if let Some(left) = left(lines, &shown) {
            let _ = write!(out, "\n… {} more: see `--format json`\n", counted(left, noun));
        }
        return;
    }
}

/// The lines by precedence: the first of each id, then the second of each.
fn by_precedence(lines: &[Line<'_>]) -> Vec<usize> {
    let mut seen: HashMap<Id, usize> = HashMap::new();
    let mut rank = |&index: &usize| {
        let rank = seen.entry(lines[index].change.id).or_default();
        *rank += 1;
        *rank
    };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_cached_key(&mut rank);
    order
}

/// The number of changes that are not shown.
fn left(lines: &[Line<'_>], shown: &[usize]) -> Option<usize> {
    let all: usize = lines.iter().map(|line| line.subjects.len()).sum();
    let shown: usize = shown.iter().map(|&index| lines[index].subjects.len()).sum();
    (all > shown).then(|| all - shown)
}

const SEVERITIES: [(Option<Severity>, &str, &str); 4] = [
    (Some(Severity::Danger), "danger", RED),
    (Some(Severity::Caution), "caution", YELLOW),
    (None, "accepted", GREEN),
    (Some(Severity::Notice), "notice", CYAN),
];

impl Line<'_> {
    fn shown(&self, length: usize) -> usize {
        if self.change.severity == Severity::Notice || length == BRIEF { SUBJECTS } else { MOST }
    }
}

impl Report<'_> {
    fn count(&self) -> String {
        let parts: Vec<String> = SEVERITIES
            .iter()
            .map(|(severity, noun, _)| match severity {
                Some(severity) => (self.review.count(*severity), counted(self.review.count(*severity), noun)),
                None => (self.review.accepted(), format!("{} {noun}", self.review.accepted())),
            })
            .filter(|(number, _)| *number > 0)
            .map(|(_, counted)| counted)
            .collect();
        parts.join(", ")
    }

    /// The report without changes.
    fn unchanged(&self) -> String {
        if self.files_differ {
            format!("the spec has the same meaning as at {}, although its files differ", self.revision)
        } else {
            format!("the spec is the same as at {}", self.revision)
        }
    }

    fn outputs(&self) -> Option<String> {
        let Outputs { added, changed, removed } = &self.review.outputs;
        let parts: Vec<String> = [(added, "added"), (changed, "changed"), (removed, "removed")]
            .iter()
            .filter(|(files, _)| !files.is_empty())
            .map(|(files, what)| format!("{} {what}", files.len()))
            .collect();
        (!parts.is_empty()).then(|| format!("outputs: {}", parts.join(", ")))
    }

    fn heading(&self) -> String {
        if self.is_new {
            format!("no spec at {}: everything is new", self.revision)
        } else {
            format!("compared with {}", self.revision)
        }
    }

    pub fn text(&self) -> String {
        let mut out = String::new();
        if self.review.changes.is_empty() && !self.is_new {
            wrap(&mut out, &sentence(&visible(&self.unchanged())), 0);
            out.push('\n');
            return out;
        }
        wrap(&mut out, &sentence(&visible(&self.heading())), 0);
        out.push_str("\n\n");
        for (severity, word, colour) in SEVERITIES {
            let lines = lines(&self.review.changes, severity);
            let most = match severity {
                Some(Severity::Danger) => MOST_DANGERS,
                Some(Severity::Notice) => MOST_NOTICES,
                _ => MOST,
            };
            let mut shown = by_precedence(&lines);
            shown.truncate(most);
            shown.sort_unstable();
            for &index in &shown {
                self.line(&mut out, &lines[index], word, colour);
            }
            if let Some(left) = left(&lines, &shown) {
                let _ = writeln!(out, "… {} more: see `--format json`", counted(left, word));
            }
            if !lines.is_empty() {
                out.push('\n');
            }
        }
        if let Some(name) = self.acceptable() {
            let help =
                "help: to accept a known danger, add it to the spec with the reason; it counts once the base has it:";
            let mut wrapped = String::new();
            wrap(&mut wrapped, help, 0);
            let wrapped = wrapped.replacen("help", &format!("{CYAN}help{RESET}"), 1);
            let _ = writeln!(out, "{wrapped}\n    [accepted]\n    {}\n", visible(&name));
        }
        let _ = write!(out, "{}", self.count());
        if let Some(outputs) = self.outputs() {
            let _ = write!(out, "; {outputs}");
        }
        out.push('\n');
        out
    }

    /// How the first danger is accepted, as a line of the spec.
    fn acceptable(&self) -> Option<String> {
        let is_danger = |change: &&Change| change.severity == Severity::Danger && change.accepted.is_none();
        let name = self.review.changes.iter().find(is_danger)?.name();
        let (id, subject) = name.split_once('.')?;
        let bare = !subject.is_empty() && subject.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let subject = if bare { subject.to_owned() } else { json!(subject).to_string() };
        Some(format!("{id}.{subject} = \"…\""))
    }

    fn line(&self, out: &mut String, line: &Line<'_>, word: &str, colour: &str) {
        let Line { change, subjects } = line;
        let mut subject = visible(&subjects.iter().take(line.shown(LONGEST)).copied().collect::<Vec<_>>().join(", "));
        if subjects.len() > line.shown(LONGEST) {
            let _ = write!(subject, " and {} more", subjects.len() - line.shown(LONGEST));
        }
        let profiles = self.profiles(change);
        let head = format!("{word}[{}]", change.id.as_str());
        // Colours have no width, so they are inserted after wrapping.
        let mut plain = String::new();
        wrap(&mut plain, &format!("{head} {subject}{profiles}: {}", visible(&change.what)), 4);
        let _ = write!(out, "{colour}{word}{RESET}");
        let rest = plain.strip_prefix(word).unwrap_or(&plain);
        let bold = rest.find(&subject).filter(|_| !subject.is_empty());
        match bold {
            Some(at) => {
                let (before, after) = rest.split_at(at);
                let (name, after) = after.split_at(subject.len());
                let _ = writeln!(out, "{before}{BOLD}{name}{RESET}{after}");
            }
            None => {
                let _ = writeln!(out, "{rest}");
            }
        }
        if let Some(reason) = &change.accepted {
            let mut wrapped = String::new();
            wrap(&mut wrapped, &format!("    reason: {}", short(reason)), 6);
            let _ = writeln!(out, "{wrapped}");
        }
        let (before, after) = differing(change.before.as_deref(), change.after.as_deref());
        match (before.as_deref().map(short), after.as_deref().map(short)) {
            (Some(before), Some(after)) if before.chars().count() + after.chars().count() <= SHORT => {
                let _ = writeln!(out, "    {RED}{before}{RESET} -> {GREEN}{after}{RESET}");
            }
            (before, after) => {
                for (sign, colour, value) in [("-", RED, before), ("+", GREEN, after)] {
                    if let Some(value) = value {
                        let mut wrapped = String::new();
                        wrap(&mut wrapped, &format!("    {sign} {value}"), 6);
                        let _ = writeln!(out, "{colour}{wrapped}{RESET}");
                    }
                }
            }
        }
    }

    pub fn markdown(&self) -> String {
        let mut out = String::from("### Effects of this change to the spec\n\n");
        if self.review.changes.is_empty() && !self.is_new {
            out.push_str(&prose(&sentence(&self.unchanged()), LONGEST));
            out.push_str(".\n");
            return out;
        }
        let _ = write!(out, "{}.\n\n**{}**", prose(&sentence(&self.heading()), LONGEST), self.count());
        if let Some(outputs) = self.outputs() {
            let _ = write!(out, "; {outputs}");
        }
        out.push('\n');
        for (severity, title, noun, parts) in [
            (Some(Severity::Danger), "Dangers", "danger", 0),
            (Some(Severity::Caution), "Cautions", "caution", 3),
            (None, "Accepted", "accepted change", 2),
        ] {
            let lines = lines(&self.review.changes, severity);
            if lines.is_empty() {
                continue;
            }
            let _ = write!(out, "\n#### {title}\n\n");
            out.push_str("| Change | What | Before | After |");
            out.push_str(if severity.is_none() { " Reason |\n| --- " } else { "\n" });
            out.push_str("| --- | --- | --- | --- |\n");
            // The rest is shared with what follows.
            let (most, budget) = match BUDGET.saturating_sub(out.len()).checked_div(parts) {
                None => (MOST_DANGERS, FOR_DANGERS),
                Some(share) => (MOST, share),
            };
            within_budget(&mut out, &lines, (most, budget, noun), |out, line, length, _| {
                let change = line.change;
                let value = |value: Option<String>| value.map(|value| code(&cut(&value, length))).unwrap_or_default();
                let (before, after) = differing(change.before.as_deref(), change.after.as_deref());
                let _ = write!(
                    out,
                    "| {} | {}: {} | {} | {} |",
                    code(change.id.as_str()),
                    self.subjects(line, length),
                    prose(&change.what, length),
                    value(before),
                    value(after)
                );
                if let Some(reason) = &change.accepted {
                    let _ = write!(out, " {} |", code(&cut(reason, length)));
                }
                out.push('\n');
            });
        }
        self.notices(&mut out);
        out
    }

    /// The notices, collapsed.
    fn notices(&self, out: &mut String) {
        let lines = lines(&self.review.changes, Some(Severity::Notice));
        if lines.is_empty() {
            return;
        }
        let number = counted(self.review.count(Severity::Notice), "notice");
        // An empty line ends the HTML; Markdown follows.
        let _ = write!(out, "\n<details>\n<summary>{number}</summary>\n");
        let budget = BUDGET.saturating_sub(out.len());
        within_budget(out, &lines, (MOST_NOTICES, budget, "notice"), |out, line, length, last| {
            let change = line.change;
            if last != Some(change.area) {
                let _ = write!(out, "\n**{}**\n\n", change.area.as_str());
            }
            let _ = write!(
                out,
                "- {} {}: {}",
                code(change.id.as_str()),
                self.subjects(line, length),
                prose(&change.what, length)
            );
            match &differing(change.before.as_deref(), change.after.as_deref()) {
                (Some(before), Some(after)) => {
                    let _ = write!(out, " ({} → {})", code(&cut(before, length)), code(&cut(after, length)));
                }
                (Some(value), None) | (None, Some(value)) => {
                    let _ = write!(out, " ({})", code(&cut(value, length)));
                }
                (None, None) => {}
            }
            out.push('\n');
        });
        out.push_str("\n</details>\n");
    }

    fn subjects(&self, line: &Line<'_>, length: usize) -> String {
        let shown = line.shown(length);
        let names: Vec<String> = line.subjects.iter().take(shown).map(|name| code(&cut(name, length))).collect();
        let mut out = names.join(", ");
        if line.subjects.len() > shown {
            let _ = write!(out, " and {} more", line.subjects.len() - shown);
        }
        out.push_str(&self.profiles(line.change));
        out
    }

    /// The profiles of a change, if there are several.
    fn profiles(&self, change: &Change) -> String {
        if !self.several || change.profiles.is_empty() {
            return String::new();
        }
        let mut names: Vec<&str> = change.profiles.iter().take(SUBJECTS).map(String::as_str).collect();
        let more = format!("{} more", change.profiles.len().saturating_sub(SUBJECTS));
        if change.profiles.len() > SUBJECTS {
            names.push(&more);
        }
        format!(" ({})", names.join(", "))
    }

    pub fn json(&self) -> String {
        let count = |severity| self.review.count(severity);
        report::versioned(json!({
            "against": {
                "revision": self.revision.name,
                "commit": self.revision.commit,
                "merge_base": self.revision.is_merge_base,
                "has_spec": !self.is_new,
            },
            "files_differ": self.files_differ,
            "counts": {
                "danger": count(Severity::Danger),
                "caution": count(Severity::Caution),
                "accepted": self.review.accepted(),
                "notice": count(Severity::Notice),
            },
            "changes": self.review.changes,
            "outputs": self.review.outputs,
        }))
    }
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A value on one line, truncated, with control characters made visible.
/// Two values, of long ones only the words that differ with those around them.
fn differing(before: Option<&str>, after: Option<&str>) -> (Option<String>, Option<String>) {
    /// Equal words that are shown on each side.
    const AROUND: usize = 2;
    /// Longer lists are not compared.
    const MOST_WORDS: usize = 2_000;
    let whole = (before.map(ToOwned::to_owned), after.map(ToOwned::to_owned));
    let (Some(before), Some(after)) = (before, after) else { return whole };
    let [old, new] = [before, after].map(|value| value.split(' ').collect::<Vec<_>>());
    if before.len().min(after.len()) <= SHORT || old.len().max(new.len()) > MOST_WORDS {
        return whole;
    }
    if before == after {
        return whole;
    }
    let groups = group_diff_ops(difference::compared(&old, &new), AROUND);
    let pieces = |words: &[&str], ranges: Vec<Range<usize>>| {
        let mut out = String::new();
        let mut end = 0;
        for range in ranges {
            out.push_str(if range.start > end { "… " } else { "" });
            end = range.end;
            out.push_str(&words[range].join(" "));
            out.push(' ');
        }
        out.push_str(if end < words.len() { "…" } else { "" });
        Some(out.trim_end().to_owned())
    };
    let range = |side: fn(&DiffOp) -> Range<usize>| -> Vec<Range<usize>> {
        let ends = groups.iter().filter_map(|group| Some((side(group.first()?), side(group.last()?))));
        ends.map(|(first, last)| first.start..last.end).collect()
    };
    (pieces(&old, range(DiffOp::old_range)), pieces(&new, range(DiffOp::new_range)))
}

fn short(value: &str) -> String {
    cut(value, LONGEST)
}

fn cut(value: &str, length: usize) -> String {
    let mut out: String = visible(value).chars().take(length).collect();
    if value.chars().count() > length {
        out.push('…');
    }
    out
}

/// A sentence with names in back-ticks, which become code. So does whatever `gen` doesn't write itself.
fn prose(text: &str, length: usize) -> String {
    let mut out = String::new();
    for (index, piece) in text.split('`').enumerate() {
        let own = |c: char| c.is_ascii_alphanumeric() || " .,;:()'/-_→×…".contains(c);
        // Underscores mean nothing within a word.
        let is_name = |word: &str| !word.starts_with('_') && !word.ends_with('_');
        let plain = index % 2 == 0
            && piece.chars().all(own)
            && piece.split([' ', ',']).all(is_name)
            && !piece.contains("://")
            && !piece.contains("www.");
        if plain {
            out.push_str(piece);
        } else if !piece.is_empty() {
            // Two spans next to each other would be one.
            out.push_str(if out.ends_with('`') { " " } else { "" });
            out.push_str(&code(&cut(piece, length)));
        }
    }
    out
}

/// Appends text in lines of [`WIDTH`] columns; all but the first are indented.
fn wrap(out: &mut String, text: &str, indent: usize) {
    let start = text.len() - text.trim_start_matches(' ').len();
    out.push_str(&" ".repeat(start));
    let mut column = start;
    for (index, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing_in_markdown() {
        assert_eq!(prose("port `http` published, and bound", LONGEST), "port `http` published, and bound");
        assert_eq!(prose("panel `<img src=x>` added", LONGEST), "panel `<img src=x>` added");
        assert_eq!(prose("<b> @x `a|b`", LONGEST), "`<b> @x ` `a│b`");
        // Whatever ends a quotation early is still text.
        assert_eq!(prose("a `b` c` <i>", LONGEST), "a `b` c` <i>`");
        assert_eq!(prose("a @b", LONGEST), "`a @b`");
        assert_eq!(prose("see www.example.org", LONGEST), "`see www.example.org`");
    }

    #[test]
    fn lines_are_wrapped() {
        let mut out = String::new();
        wrap(&mut out, &"word ".repeat(40), 4);
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert!(out.lines().skip(1).all(|line| line.starts_with("    w")), "{out}");
    }

    #[test]
    fn values_are_one_line_without_controls() {
        assert_eq!(short("a\nb\u{1b}[31m\u{202e}c\n"), "a\\nb\\u{1b}[31m\\u{202e}c");
        assert_eq!(short(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }
}
