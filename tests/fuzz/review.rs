//! A review of two specs: what it says is printed in pull requests, and both are a stranger's.

use std::marker::PhantomData;

use pulldown_cmark::{Event, Options, Parser};
use stackgen::review;

use super::check;
use super::commands::review::git::Revision;
use super::commands::review::report::Report;
use super::project::Spec;
use super::random::Random;
use super::run::Target;
use super::spec::{changed, valid};

pub const TARGET: Target = Target { name: "review", cases: 100, make, check };

/// What is between the two specs.
const AFTER: &[u8] = b"#%%%\n";

fn make(random: &mut Random) -> Vec<u8> {
    let before = valid(random);
    let changes = 1 + random.below(6);
    let after = changed(&before, changes, random);
    [before.spec().text(), AFTER.to_vec(), after.spec().text()].concat()
}

fn check(input: &[u8]) -> bool {
    let at = input.windows(AFTER.len()).position(|part| part == AFTER);
    let (before, after) = at.map_or((input, input), |at| (&input[..at], &input[at + AFTER.len()..]));
    let (Ok((_, before)), Ok((_, after))) = (Spec::read(before).plan(), Spec::read(after).plan()) else { return false };
    let same = review::review(&after, &after, &()).unwrap();
    assert_eq!(same.changes, [], "a spec differs from itself");
    let found = review::review(&before, &after, &()).unwrap();
    if check::files(&before) != check::files(&after) {
        assert!(!found.changes.is_empty(), "outputs differ without a change");
    }
    let revision = Revision {
        name: "main".to_owned(),
        commit: "0123456789abcdef".to_owned(),
        is_merge_base: true,
        repository: PhantomData,
    };
    let several = before.len() > 1 || after.len() > 1;
    let report = Report { review: &found, revision: &revision, is_new: false, files_differ: true, several };
    report.text();
    let json = report.json();
    check::plain(&json);
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    let markdown = report.markdown();
    check::plain(&markdown);
    assert!(markdown.len() < 65_536, "{} bytes, which is more than GitHub takes", markdown.len());
    harmless(&markdown);
    true
}

/// A name of the spec is always code: it mentions nobody and is neither a link nor HTML.
fn harmless(markdown: &str) {
    let mut is_code = false;
    let allowed = ["<details>", "</details>", "<summary>", "</summary>"];
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM)
    {
        match event {
            Event::InlineHtml(tag) if tag.as_ref() == "<code>" => is_code = true,
            Event::InlineHtml(tag) if tag.as_ref() == "</code>" => is_code = false,
            Event::InlineHtml(html) | Event::Html(html) => {
                let mut rest = html.trim().to_owned();
                for tag in allowed {
                    rest = rest.replace(tag, "");
                }
                let number = rest.trim().split(' ').next().unwrap_or_default();
                assert!(rest.trim().is_empty() || number.parse::<usize>().is_ok(), "HTML in {markdown}");
            }
            Event::Start(tag) => {
                use pulldown_cmark::Tag::{FootnoteDefinition, Image, Link};
                assert!(!matches!(tag, Link { .. } | Image { .. } | FootnoteDefinition(_)), "{tag:?} in {markdown}");
            }
            // Profiles are named as they are: a name of theirs can't be any of these.
            Event::Text(text) if !is_code => {
                let signs = ["@", "://", "www.", "`", "<", "#"];
                assert!(!signs.iter().any(|sign| text.contains(sign)), "`{text}` is no code in {markdown}");
            }
            _ => {}
        }
    }
}
