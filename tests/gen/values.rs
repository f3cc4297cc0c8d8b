//! Hostile strings of a spec arrive in the Compose file as they were written.

use proptest::prelude::*;

use super::artifacts::{files, plan};

/// A string as TOML writes it.
fn toml(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Strings without control characters but tab and newline, which a spec may not hold.
fn text() -> impl Strategy<Value = String> {
    let traps = prop::sample::select(vec![
        "no",
        "on",
        "22:22",
        "0o17",
        "1e3",
        "~",
        "2024-01-01",
        " x ",
        "a: b",
        "a #b",
        "\t",
        "x\n",
        "\nx",
        "x\n\n",
        "- a",
        "{{ x }}",
        "%{ x }",
        "\\",
        "'",
        "\"",
        "$",
        "$$",
        "$(x)",
        "$1",
        "😀",
        "é",
        "\u{2028}",
        "*x",
        "&x",
        "!x",
        "|",
        ">",
        "1.50",
        "0x1f",
        "=",
        "<<",
        "null",
        "\u{a0}",
        "#",
        "",
    ]);
    prop_oneof![
        traps.prop_map(str::to_owned),
        "[^\\p{Cc}]{0,24}",
        prop::collection::vec(
            prop_oneof!["[a-z ]{0,6}", Just("\n".to_owned()), Just("\t".to_owned()), Just(": ".to_owned())],
            0..8
        )
        .prop_map(|parts| parts.concat()),
    ]
}

proptest! {
    #[test]
    fn values_survive(value in text(), label in text(), argument in text()) {
        // A dollar of the spec is written `$$` where it would begin a reference.
        let quoted = |text: &str| toml(&text.replace('$', "$$"));
        let spec = format!(
            "[stack]\nname = \"x\"\n[profiles.dev]\n[services.web]\nimage = \"web:1\"\ncommand = [\"sh\", \"-c\", {}]\n\
             [services.web.environment]\nVALUE = {}\n[services.web.labels]\n\"a.label\" = {}\n",
            quoted(&argument), quoted(&value), quoted(&label),
        );
        let files = files(&plan(&spec));
        let file: serde_yaml::Value = serde_yaml::from_str(&files["generated/dev/docker-compose.yml"]).unwrap();
        let service = &file["services"]["web"];
        let read = |value: &serde_yaml::Value| value.as_str().unwrap().replace("$$", "$");
        prop_assert_eq!(read(&service["environment"]["VALUE"]), value);
        prop_assert_eq!(read(&service["labels"]["a.label"]), label);
        prop_assert_eq!(read(&service["command"][2]), argument);
    }
}
