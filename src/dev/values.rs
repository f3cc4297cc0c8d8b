//! The files of an overlay that a person fills in, as kustomize reads them: `NAME=value`, where the value is all that follows.

use std::collections::HashSet;

use super::Finding;
use super::dotenv::Change;
use crate::model::Variable;

/// The lines with their numbers, without what kustomize skips.
fn lines(text: &str) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines().map(str::trim_start).collect::<Vec<_>>()).collect::<Vec<_>>().into_iter()
}

/// The value of a variable, if the text has a line of it.
pub fn get<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    lines(text).rev().find_map(|(_, line)| line.strip_prefix(name)?.strip_prefix('='))
}

/// The text with values for the variables that have none yet, and what was done with each. Nothing else changes.
pub fn fill(text: &str, assignments: &[(&str, &str)]) -> (String, Vec<Change>) {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let mut changes = Vec::new();
    for (name, value) in assignments {
        let start = format!("{name}=");
        let place = lines.iter_mut().rev().find(|line| line.trim_start().starts_with(&start));
        let own = place.as_ref().and_then(|line| line.trim_start().strip_prefix(&start)).unwrap_or_default();
        changes.push(match own {
            own if own == *value => Change::Same,
            "" => {
                let filled = format!("{start}{value}");
                match place {
                    Some(line) => *line = filled,
                    None => lines.push(filled),
                }
                Change::Filled
            }
            _ => Change::Kept,
        });
    }
    (lines.join("\n") + "\n", changes)
}

/// What is wrong with a file that a person fills in, as kustomize reads it.
pub fn unfilled<'v>(path: &str, text: Option<&str>, wanted: impl IntoIterator<Item = &'v Variable>) -> Vec<Finding> {
    let wanted: Vec<&Variable> = wanted.into_iter().collect();
    let Some(text) = text else {
        if wanted.iter().all(|variable| variable.generate) {
            return Vec::new();
        }
        let help = format!("run `cp {path}.example {path}`, and fill it in");
        return vec![Finding::error(format!("`{path}` does not exist"), help)];
    };
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for (number, line) in lines(text) {
        let Some((name, _)) = line.split_once('=').filter(|(name, _)| !name.starts_with('#')) else { continue };
        let at = format!("line {number} of `{path}`");
        let name = crate::shown::printable(name);
        if !seen.insert(name.clone()) {
            findings.push(Finding::error(format!("{at} sets `{name}` again"), "remove one of the two lines"));
        } else if !wanted.iter().any(|variable| variable.name == name) {
            let help = "remove it, or rename it: `NAME=value` alone, without `export`";
            findings.push(Finding::warning(format!("{at} sets `{name}`, which no pod reads"), help));
        }
    }
    for variable in wanted {
        match get(text, &variable.name) {
            // `gen dev up` chooses it.
            None | Some("") if variable.generate => {}
            // What only Terraform fills in may be left empty.
            None | Some("") if !variable.required && !variable.secret => findings.push(Finding::warning(
                format!("`{}` is empty in `{path}`", variable.name),
                "run `gen dev env fill` once Terraform has created the resources, or leave it empty",
            )),
            None | Some("") => findings.push(Finding::error(
                format!("`{}` is not set in `{path}`", variable.name),
                format!("set it: {}", variable.description),
            )),
            Some(value) if value.starts_with(['"', '\'']) => findings.push(Finding::warning(
                format!("the value of `{}` in `{path}` begins with a quote, which kustomize keeps", variable.name),
                "remove the quotes",
            )),
            Some(_) => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_kustomize_reads() {
        let wanted: Vec<Variable> = ["A", "B", "C", "D"]
            .map(|name| Variable {
                name: name.to_owned(),
                description: "About it".to_owned(),
                group: String::new(),
                required: true,
                default: None,
                secret: false,
                generate: false,
                output: None,
            })
            .to_vec();
        let findings = unfilled("x.env", Some("# A=1\nA=\nB=1\n  C=\"1\"\nB=2\nexport D=1\n"), &wanted);
        let said: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(
            said,
            [
                "line 5 of `x.env` sets `B` again",
                "line 6 of `x.env` sets `export D`, which no pod reads",
                "`A` is not set in `x.env`",
                "the value of `C` in `x.env` begins with a quote, which kustomize keeps",
                "`D` is not set in `x.env`"
            ]
        );
        assert_eq!(unfilled("x.env", None, &wanted).len(), 1);
    }

    #[test]
    fn only_what_has_no_value_is_filled() {
        let (text, changes) = fill("# A=\nA=\nB=1\nC=2\r\n", &[("A", "x y"), ("B", "1"), ("C", "3"), ("D", "4")]);
        assert_eq!(text, "# A=\nA=x y\nB=1\nC=2\nD=4\n");
        assert_eq!(changes, [Change::Filled, Change::Same, Change::Kept, Change::Filled]);
        assert_eq!(fill(&text, &[("A", "other")]).0, text);
    }
}
