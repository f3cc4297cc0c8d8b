//! `gen dev restart`.

use stackgen::dev::Finding;
use stackgen::dev::compose::Container;

use super::{Context, Outcome, Step, child, preflight, secrets};

pub fn run(context: &Context, services: &[String]) -> Step {
    context.rendered()?;
    context.known(services)?;
    preflight::require_compose(context)?;
    let restart = |services: &[String]| -> Step {
        secrets::read_for_hooks(context, services)?;
        Ok(Outcome::Exit(child::become_(&context.existing("restart")?.with(services))?))
    };
    if !services.is_empty() {
        return restart(services);
    }
    // Without names Compose would also run one-shot services again.
    let containers = context.containers()?;
    let mut running: Vec<String> =
        containers.into_iter().filter(Container::is_up).map(|container| container.service).collect();
    running.sort();
    running.dedup();
    if running.is_empty() {
        return Err(Finding::error("no services are running", "start the stack with `gen dev up`").into());
    }
    restart(&running)
}
