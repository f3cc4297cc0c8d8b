//! `gen model`.

use std::io;

use stackgen::diagnostic::Level;
use stackgen::model::Stack;
use stackgen::model::public::Model as Public;

use super::{Outcome, Ran, Unread, load, location, one_of, one_profile, print, report, root};
use crate::cli::{Format, Model};

pub fn run(arguments: &Model) -> Ran {
    let profile = arguments.profile.as_deref();
    if let Err(Unread::Invalid(sources, diagnostics)) = load(root()?, location(), profile) {
        let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error);
        if errors.all(|error| error.code == "invalid-template") {
            let stack = one_of(stackgen::stacks_for_templates(&sources, profile), |stack: &Stack| &stack.profile)?;
            print(io::stdout(), &report::serialise(&Public::of(&stack)));
            return Ok(Unread::Invalid(sources, diagnostics).report(Format::Text));
        }
    }
    let plan = one_profile(profile, Format::Json)?;
    print(io::stdout(), &report::serialise(&Public::of(plan.stack())));
    Ok(Outcome::Clean)
}
