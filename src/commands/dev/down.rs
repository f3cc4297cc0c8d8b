//! `gen dev down`.

use super::{Context, Outcome, Step, child};

pub fn run(context: &Context, volumes: bool) -> Step {
    context.rendered()?;
    Ok(Outcome::Exit(child::become_(&context.compose.down(volumes))?))
}
