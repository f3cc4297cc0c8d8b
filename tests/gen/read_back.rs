//! Outputs, and values of the model, in a form in which they can be compared.

use stackgen::model::text::{Operator, Segment, Text};

/// A text as it stands in a Compose file.
pub fn compose(text: &Text) -> String {
    let literal = |text: &str| text.replace('$', "$$");
    match text {
        Text::Literal(text) => literal(text),
        Text::Parts(parts) => parts
            .iter()
            .map(|part| match part {
                Segment::Literal(text) => literal(text),
                Segment::Env(reference) => {
                    let operator = match &reference.operator {
                        None => String::new(),
                        Some(Operator::Default(word)) => format!(":-{}", compose(word)),
                        Some(Operator::Required(word)) => format!(":?{}", literal(word)),
                        Some(Operator::Alternative(word)) => format!(":+{}", compose(word)),
                    };
                    format!("${{{}{operator}}}", reference.name)
                }
            })
            .collect(),
    }
}

/// Alloy's syntax is HCL's but for the dots in the names of its components.
pub fn alloy_as_hcl(source: &str) -> String {
    source
        .lines()
        .map(|line| match line.split_once(' ') {
            Some((name, rest)) if rest.ends_with('{') && !line.starts_with(['\t', '/']) => {
                format!("{} {rest}\n", name.replace('.', "_"))
            }
            _ => format!("{line}\n"),
        })
        .collect()
}
