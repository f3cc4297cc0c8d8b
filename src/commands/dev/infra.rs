//! `gen dev infra`.

use std::io::{self, BufRead as _};

use stackgen::dev::Finding;
use stackgen::dev::terraform::Terraform;
use stackgen::model::Infrastructure;

use super::super::location;
use super::child::Ended;
use super::{Context, Outcome, Step, Stop, child, env, note, preflight, print};
use crate::cli::InfraCommand;

pub fn run(context: &Context, command: &InfraCommand) -> Step {
    let Some(infrastructure) = &context.stack().infrastructure else {
        return Err(Stop::invalid(Finding::error(
            format!("profile `{}` has no infrastructure", context.plan.profile()),
            "declare it in `[infrastructure]`, or choose another profile with `--profile`",
        )));
    };
    let terraform = Terraform::new(&context.root, context.stack());
    context.exists(&terraform.folder().join("main.tf"))?;
    preflight::require_terraform(context)?;
    match command {
        InfraCommand::Apply { yes } => apply(context, infrastructure, &terraform, *yes),
        InfraCommand::Destroy => destroy(context, infrastructure, &terraform),
        InfraCommand::Output => Ok(Outcome::Exit(child::become_(&terraform.command(&["output"]))?)),
    }
}

/// Installs the providers if they are missing.
fn init(context: &Context, terraform: &Terraform) -> Step<()> {
    match terraform.init() {
        Some(init) => succeed(context.children.run_without_input(&init)?),
        None => Ok(()),
    }
}

fn succeed(ended: Ended) -> Step<()> {
    if ended.succeeded() { Ok(()) } else { Err(Outcome::Exit(ended.code).into()) }
}

fn apply(context: &Context, infrastructure: &Infrastructure, terraform: &Terraform, yes: bool) -> Step {
    let apply: &[&str] = if yes { &["apply", "-input=false", "-auto-approve"] } else { &["apply"] };
    init(context, terraform)?;
    succeed(context.children.run(&terraform.command(apply))?)?;
    env::fill(context, infrastructure, terraform)
}

/// Shows the plan, then asks for the project's name. It is read from standard input, which need not be a terminal, so that
/// scripts can pass it. There is no other way to confirm.
fn destroy(context: &Context, infrastructure: &Infrastructure, terraform: &Terraform) -> Step {
    init(context, terraform)?;
    succeed(context.children.run_without_input(&terraform.command(&["plan", "-destroy", "-input=false"]))?)?;
    let project = &infrastructure.project;
    print(
        anstream::stderr(),
        &format!(
            "\nThis destroys all of the above, including the data.\nType the name of the project, {project}, to continue: "
        ),
    );
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    if read.is_err() || typed.trim() != project {
        return Err(Finding::error(
            "not the name of the project; nothing was destroyed",
            format!("run the command again and type `{project}`"),
        )
        .into());
    }
    let ended =
        context.children.run_without_input(&terraform.command(&["destroy", "-input=false", "-auto-approve"]))?;
    if ended.succeeded() {
        note(&format!(
            "`{}` still has the values of the destroyed resources; remove them before the next `{} dev infra apply`",
            context.values(),
            location().program()
        ));
    }
    Ok(Outcome::Exit(ended.code))
}
