//! `gen dev logs`.

use super::{Context, Outcome, Step, child};

pub fn run(context: &Context, follow: bool, services: &[String]) -> Step {
    context.rendered()?;
    context.known(services)?;
    Ok(Outcome::Exit(child::become_(&context.compose.logs(follow, services))?))
}
