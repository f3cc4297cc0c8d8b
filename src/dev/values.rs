//! The files of an overlay that a person fills in, as kustomize reads them: `NAME=value`, where the value is all that follows.

use std::collections::{HashMap, HashSet};

use super::Finding;
use super::dotenv::Change;
use crate::model::Variable;

/// The variables of a text, each with the number of its line and its value.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    // As kustomize, which skips the mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (name, value) = line.trim_start().split_once('=').filter(|(name, _)| !name.starts_with('#'))?;
        Some((number, name, value))
    })
}

/// The values of a text by their variables.
pub fn read(text: &str) -> HashMap<&str, &str> {
    entries(text).map(|(_, name, value)| (name, value)).collect()
}

/// The text with values for the variables that have none yet, and what was done with each. Nothing else changes.
pub fn fill(text: &str, assignments: &[(&str, &str)]) -> (String, Vec<Change>) {
    let places: HashMap<&str, (usize, &str)> =
        entries(text).map(|(number, name, value)| (name, (number, value))).collect();
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let mut changes = Vec::new();
    for (name, value) in assignments {
        let place = places.get(name).copied();
        changes.push(match place.map_or("", |(_, own)| own) {
            own if own == *value => Change::Same,
            "" => {
                let filled = format!("{name}={value}");
                match place.and_then(|(number, _)| lines.get_mut(number - 1)) {
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
    let known: HashSet<&str> = wanted.iter().map(|variable| variable.name.as_str()).collect();
    let mut seen = HashSet::new();
    for (number, name, _) in entries(text) {
        let at = format!("line {number} of `{path}`");
        let is_known = known.contains(name);
        let name = crate::shown::printable(name);
        if !seen.insert(name.clone()) {
            findings.push(Finding::error(format!("{at} sets `{name}` again"), "remove one of the two lines"));
        } else if !is_known {
            let help = "remove it, or rename it: `NAME=value` alone, without `export`";
            findings.push(Finding::warning(format!("{at} sets `{name}`, which no pod reads"), help));
        }
    }
    let values = read(text);
    for variable in wanted {
        match values.get(variable.name.as_str()).copied() {
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
                from: None,
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
