//! The YAML of Grafana's provisioning files.
//!
//! Grafana expands `$NAME` and `${NAME}` in every value of these files and reads `$$` as a literal
//! dollar
//! (<https://grafana.com/docs/grafana/latest/administration/provisioning/#use-environment-variables>).
//! Nothing expands in keys, nor in dashboard JSON.

use askama::filters::Safe;

use super::{AsLit, Lit, write_with, yaml};

language! {
    /// The value on one line, with its dollars doubled.
}

/// A string as a mapping key, in which Grafana expands nothing.
#[askama::filter_fn]
pub fn key<T: AsLit>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let source = yaml::string(&value);
    Ok(Safe(source))
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    match lit {
        Lit::Str(text) => yaml::write_str(out, &text.replace('$', "$$")),
        _ => write_with(out, lit, |out, text| yaml::write_flow_str(out, &text.replace('$', "$$"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    #[test]
    fn dollars_are_doubled() {
        assert_eq!(string("$a ${b} $$"), "$$a $${b} $$$$");
        assert_eq!(string(&["$a", "{$b}"]), "[$$a, \"{$$b}\"]");
        assert_eq!(string(&true), "true");
    }

    proptest! {
        #[test]
        fn values_round_trip(text in hostile::string()) {
            let read: String = serde_yaml::from_str(&string(&text))?;
            // With every dollar of a pair, nothing is left to expand.
            let pairs: Vec<_> = read.split("$$").collect();
            prop_assert!(pairs.iter().all(|part| !part.contains('$')));
            prop_assert_eq!(pairs.join("$"), text);
        }
    }
}
