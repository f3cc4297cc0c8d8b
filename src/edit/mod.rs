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

/// A text with the line endings and the byte order mark of the file that it replaces.
pub fn like(old: &str, text: &str) -> String {
    let windows = old.contains('\n') && old.matches('\n').count() == old.matches("\r\n").count();
    let mark = if old.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    format!("{mark}{}", if windows { text.replace('\n', "\r\n") } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn line_endings_and_the_mark_stay() {
        assert_eq!(like("a\r\nb\r\n", "c\nd\n"), "c\r\nd\r\n");
        assert_eq!(like("a\r\nb\n", "c\n"), "c\n");
        assert_eq!(like("\u{feff}a\n", "c\n"), "\u{feff}c\n");
        assert_eq!(like("", "c\n"), "c\n");
    }
}
