//! Creating and editing a spec, as data. Nothing here accesses the disk.
//!
//! Every edit is an insertion into the text, at a place determined by its tokens, so that nothing else moves or changes.

pub mod draft;
pub mod eject;
pub mod example;
pub mod format;
pub mod kind;
pub mod new;
pub mod outline;
pub mod pin;
pub mod repository;
mod tokens;
pub mod upgrade;

use crate::spec::source::normalise;

/// A text with the line endings and the byte order mark of the file that it replaces; `None` if the file has changed since it was
/// `read`.
pub fn changed(on_disk: &str, read: &str, text: &str) -> Option<String> {
    let windows = on_disk.contains('\n') && on_disk.matches('\n').count() == on_disk.matches("\r\n").count();
    let mark = if on_disk.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let text = format!("{mark}{}", if windows { text.replace('\n', "\r\n") } else { text.to_owned() });
    (normalise(on_disk.to_owned()) == read).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn line_endings_and_the_mark_stay() {
        for (on_disk, read, expected) in [
            ("a\r\nb\r\n", "a\nb\n", "c\r\nd\r\n"),
            ("a\r\nb\n", "a\nb\n", "c\nd\n"),
            ("\u{feff}a\n", "a\n", "\u{feff}c\nd\n"),
            ("", "", "c\nd\n"),
        ] {
            assert_eq!(changed(on_disk, read, "c\nd\n").as_deref(), Some(expected), "{on_disk:?}");
        }
    }

    #[test]
    fn what_somebody_has_saved_since_it_was_read_stays() {
        assert_eq!(changed("a\nb\n", "a\n", "c\n"), None);
        assert_eq!(changed("", "a\n", "c\n"), None);
    }
}
