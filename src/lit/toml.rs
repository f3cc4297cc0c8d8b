//! TOML: basic strings on one line.

use toml_writer::ToTomlValue as _;
use toml_writer::TomlStringBuilder;

use super::{Lit, write_with};

language! {
    /// The value as a TOML value, on one line.
}

/// Appends the value as the `lit` filter writes it.
pub fn write(out: &mut String, lit: &Lit<'_>) {
    write_with(out, lit, |out, text| out.push_str(&TomlStringBuilder::new(text).as_basic().to_toml_value()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hostile;
    use super::*;

    fn read(source: &str) -> Vec<String> {
        let table: toml::Table = toml::from_str(&format!("a = {source}\n")).unwrap();
        let items = table["a"].as_array().unwrap().iter();
        items.map(|item| item.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_value_is_on_one_line() {
        assert_eq!(string("a \"b\"\n\\"), r#""a \"b\"\n\\""#);
        assert_eq!(
            (string(&8080_u16), string(&true), string(&["a", "b"])),
            ("8080".into(), "true".into(), r#"["a", "b"]"#.into())
        );
    }

    proptest! {
        #[test]
        fn values_round_trip(texts in proptest::collection::vec(hostile::string(), 0..4)) {
            prop_assert_eq!(read(&string(&texts)), texts);
        }
    }
}
