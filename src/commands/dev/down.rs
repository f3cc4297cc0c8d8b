//! `gen dev down`.

use super::{Context, Outcome, Step, child, isolated, preflight, secrets};

pub fn run(context: &Context, volumes: bool) -> Step {
    context.rendered()?;
    preflight::require_compose(context)?;
    secrets::read_for_hooks(context, &[])?;
    // Including the containers of services that are no longer in the spec.
    let down = context.existing("down")?.with(["--remove-orphans"]).with_flag("--volumes", volumes);
    // Without its data, nothing of an isolated stack is left to come back to.
    if let Some(place) = context.place.as_ref().filter(|_| volumes) {
        let ended = context.children.run(&down)?;
        if ended.succeeded() {
            isolated::forget(context, place)?;
        }
        return Ok(Outcome::Exit(ended.code));
    }
    Ok(Outcome::Exit(child::become_(&down)?))
}
