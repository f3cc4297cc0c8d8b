//! `gen dev logs`.

use super::{Context, Outcome, Step, child, preflight};

pub fn run(context: &Context, follow: bool, services: &[String]) -> Step {
    context.rendered()?;
    context.known(services)?;
    preflight::require_compose(context)?;
    let logs = context.existing("logs")?.with_flag("--follow", follow).with(services);
    Ok(Outcome::Exit(child::become_(&logs)?))
}
