//! The YAML of a Kubernetes object, and the `$` of its commands and variables.
//!
//! Kubernetes expands `$(NAME)` in `command`, `args` and the values of `env`, and `$$` is a literal dollar there
//! (<https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>). It is as
//! little a matter of YAML as Compose's interpolation, so [`expanded`] escapes what is written in those places.

use std::borrow::Cow;

use askama::filters::Safe;

pub use super::compose::Node;
use super::compose::write_lines;
use super::{AsLit, yaml};

/// The lines of an object, from column 0.
#[askama::filter_fn]
pub fn document(node: Node<'_>, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let mut out = String::with_capacity(2048);
    write_lines(&mut out, &node, 0, |text| Cow::Borrowed(text));
    Ok(Safe(out))
}

/// The value on one line.
#[askama::filter_fn]
pub fn lit<T: AsLit>(value: T, _: &dyn askama::Values) -> askama::Result<Safe<String>> {
    let source = yaml::string(&value);
    Ok(Safe(source))
}

/// A literal where Kubernetes expands `$(NAME)`: a dollar is doubled if it would begin a reference or end an escape.
pub fn expanded(text: &str) -> Cow<'_, str> {
    if !text.contains("$(") && !text.contains("$$") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '$' && matches!(rest.peek(), Some('$' | '(')) {
            out.push('$');
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::expanded;

    #[test]
    fn only_dollars_that_kubernetes_reads_are_doubled() {
        // (`Expand` of k8s.io/kubernetes/third_party/forked/golang/expansion reads them back.)
        for (text, written) in [
            ("plain", "plain"),
            ("$HOME/a", "$HOME/a"),
            ("$(id -u)", "$$(id -u)"),
            ("$$", "$$$"),
            ("a$$(b", "a$$$$(b"),
            ("${A}", "${A}"),
        ] {
            assert_eq!(expanded(text), written, "{text}");
            assert_eq!(read(written), text, "{written}");
        }
    }

    /// As Kubernetes reads it, without any variable.
    fn read(text: &str) -> String {
        let mut out = String::new();
        let bytes: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == '$' && bytes.get(at + 1) == Some(&'$') {
                at += 1;
            }
            out.push(bytes[at]);
            at += 1;
        }
        out
    }
}
