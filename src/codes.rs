//! The pages of diagnostics: what a code means, with a wrong and a right spec.
//!
//! Each is a file of `templates/codes/`: prose, whose first sentence says what is wrong, and then the two specs, or none if no
//! spec shows it. A spec without `[stack]` leaves out what each one has; a line such as `# spec/web.toml` begins a file.

use crate::diagnostic::suggestion;
use crate::spec::accepted::Id;

include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// The codes, each with its page in Markdown.
pub fn all() -> &'static [(&'static str, &'static str)] {
    PAGES
}

/// The page of a code.
///
/// # Errors
/// The code is unknown: the help for it.
pub fn page(code: &str) -> Result<&'static str, String> {
    let found = PAGES.iter().find(|(name, _)| *name == code);
    found.map(|(_, page)| *page).ok_or_else(|| {
        if let Some(id) = Id::ALL.iter().find(|id| id.as_str() == code) {
            // Its lines are those of a comment.
            let lines: Vec<&str> = id.docs().lines().map(str::trim).collect();
            return format!("it is a change that `gen review` reports: {}", lines.join(" "));
        }
        suggestion(code, PAGES.iter().map(|(name, _)| *name), || "a diagnostic shows its code in brackets".to_owned())
    })
}
