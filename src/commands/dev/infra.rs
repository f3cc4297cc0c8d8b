//! `gen dev infra`.

use std::io::{self, BufRead as _};

use stackgen::dev::Finding;
use stackgen::dev::terraform::Terraform;
use stackgen::model::Infrastructure;

use super::{Context, Outcome, Step, child, env, note, preflight, print, say};
use crate::cli::InfraCommand;

pub fn run(context: &Context, command: &InfraCommand) -> Step {
    let Some(infrastructure) = &context.stack().infrastructure else {
        say(&[Finding::error(
            format!("profile `{}` has no infrastructure", context.plan.profile()),
            "describe it below `[infrastructure]` of the spec, or choose another with `--profile`",
        )]);
        return Ok(Outcome::Invalid);
    };
    let terraform = Terraform::new(&context.root, context.stack());
    if !context.root.join(terraform.folder()).join("main.tf").is_file() {
        say(&[Finding::error(format!("there is no `{}/main.tf`", terraform.folder()), "run `gen render`")]);
        return Ok(Outcome::Invalid);
    }
    let wrong = preflight::terraform(context);
    if !wrong.is_empty() {
        say(&wrong);
        return Ok(Outcome::Findings);
    }
    match command {
        InfraCommand::Apply { yes } => apply(context, infrastructure, &terraform, *yes),
        InfraCommand::Destroy => destroy(context, infrastructure, &terraform),
        InfraCommand::Output => Ok(Outcome::Exit(child::become_(&terraform.output())?)),
    }
}

/// Installs the providers if they aren't there yet.
fn init(context: &Context, terraform: &Terraform) -> Step<Option<Outcome>> {
    if !terraform.needs_init() {
        return Ok(None);
    }
    let ended = context.children.run_without_input(&terraform.init())?;
    Ok((!ended.succeeded()).then_some(Outcome::Exit(ended.code)))
}

fn apply(context: &Context, infrastructure: &Infrastructure, terraform: &Terraform, yes: bool) -> Step {
    if let Some(failed) = init(context, terraform)? {
        return Ok(failed);
    }
    let ended = context.children.run(&terraform.apply(yes))?;
    if !ended.succeeded() {
        return Ok(Outcome::Exit(ended.code));
    }
    env::fill(context, infrastructure, terraform)
}

/// Shows the plan, then asks for the project's name. It is read from standard input, whatever that is, so that a
/// program can give it as well; nothing else is taken for consent.
fn destroy(context: &Context, infrastructure: &Infrastructure, terraform: &Terraform) -> Step {
    if let Some(failed) = init(context, terraform)? {
        return Ok(failed);
    }
    let ended = context.children.run_without_input(&terraform.plan_destroy())?;
    if !ended.succeeded() {
        return Ok(Outcome::Exit(ended.code));
    }
    let project = &infrastructure.project;
    print(
        anstream::stderr(),
        &format!(
            "\nThis destroys everything above, and what it holds is lost.\nType the project's name, {project}, to go on: "
        ),
    );
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    if read.is_err() || typed.trim() != project {
        say(&[Finding::error(
            "nothing was destroyed: that is not the project's name",
            format!("run the command again and type `{project}`"),
        )]);
        return Ok(Outcome::Findings);
    }
    let ended = context.children.run_without_input(&terraform.destroy())?;
    if ended.succeeded() {
        note(&format!(
            "`{}` still names what was destroyed; empty its values before the next `gen dev infra apply`",
            context.dotenv()
        ));
    }
    Ok(Outcome::Exit(ended.code))
}
