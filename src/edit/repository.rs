//! What Git needs to know about a project: which files keep the same bytes on every system, and which are not committed.

/// The attributes of the outputs and the spec. With other line endings every output would differ from its render.
pub const ATTRIBUTES: (&str, &[&str]) = (
    ".gitattributes",
    &[
        "/spec/** text eol=lf",
        "/generated/** linguist-generated text eol=lf",
        "/terraform/** linguist-generated text eol=lf",
    ],
);

/// What holds secrets or can be made again, in any folder: a repository may have several stacks.
pub const IGNORED: (&str, &[&str]) =
    (".gitignore", &[".env", "secrets.env", ".staging/", ".terraform/", "*.tfstate", "*.tfstate.*", "*.tfvars"]);

/// The text of a file with its missing lines appended; `None` if it already has all of them.
pub fn with_lines(file: Option<&str>, lines: &[&str]) -> Option<String> {
    let old = file.unwrap_or_default();
    let missing: Vec<&str> =
        lines.iter().copied().filter(|line| !old.lines().any(|known| known.trim() == *line)).collect();
    let between = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    (!missing.is_empty()).then(|| format!("{old}{between}{}\n", missing.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once() {
        assert_eq!(with_lines(None, &["a", "b"]).as_deref(), Some("a\nb\n"));
        assert_eq!(with_lines(Some("x\n b \ny"), &["a", "b"]).as_deref(), Some("x\n b \ny\na\n"));
        assert_eq!(with_lines(Some("b\na\n"), &["a", "b"]), None);
    }
}
