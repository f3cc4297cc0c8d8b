//! `gen dev down`.

use super::{Context, Outcome, Step, child, preflight};

pub fn run(context: &Context, volumes: bool) -> Step {
    context.rendered()?;
    preflight::require_compose(context)?;
    // Including the containers of services that are no longer in the spec.
    let down = context.existing("down")?.with(["--remove-orphans"]).with_flag("--volumes", volumes);
    Ok(Outcome::Exit(child::become_(&down)?))
}
