//! `gen model`.

use std::io;

use stackgen::model::public::Model as Public;

use super::{Outcome, Ran, one_profile, print, report};
use crate::cli::Model;

pub fn run(arguments: &Model) -> Ran {
    let plan = one_profile(arguments.profile.as_deref())?;
    print(io::stdout(), &report::serialise(&Public::of(plan.stack())));
    Ok(Outcome::Clean)
}
