//! `gen dev infra`.

use std::io::Write as _;
use std::process::Stdio;

use super::super::project::{REFERENCE, WHOLE_REFERENCE};
use super::{Run, SMALL, Stubs};

pub const OUTPUTS: &str = r#"{
  "region": {"sensitive": false, "type": "string", "value": "eu-west-1"},
  "monitored_endpoint": {"value": "monitored.dsql.on.aws"},
  "copilot_endpoint": {"value": "copilot.dsql.on.aws"},
  "knowledge_base_id": {"value": "KB $1"},
  "profiles_bucket": {"value": ""},
  "data_source_id": {"value": null}
}"#;

const CHDIR: &str = "terraform -chdir=terraform/dev";

fn stubs() -> Stubs {
    let stubs = Stubs::new(REFERENCE);
    stubs.project.write("generated/dev/.env", "# mine\nGRAFANA_ADMIN_PASSWORD=secret\n");
    stubs.answer("output -json", 0, OUTPUTS);
    stubs
}

fn typed(stubs: &Stubs, arguments: &[&str], text: &str) -> Run {
    let mut command = stubs.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn apply_installs_what_is_needed_and_fills_the_variables() {
    let stubs = stubs();
    let run = stubs.run(&["infra", "apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        stubs.changes(),
        [format!("{CHDIR} init -input=false"), format!("{CHDIR} apply"), format!("{CHDIR} output -json")]
    );
    let env = stubs.project.read("generated/dev/.env");
    assert!(env.starts_with("# mine\nGRAFANA_ADMIN_PASSWORD=secret\n"), "{env}");
    assert!(env.contains("\nTEMPORAL_SQL_HOST=monitored.dsql.on.aws\n"), "{env}");
    assert!(env.contains("\nCOPILOT_KNOWLEDGE_BASE_ID='KB $1'\n"), "{env}");
    assert!(!env.contains("COPILOT_PROFILE_S3_BUCKET"), "{env}");

    stubs.project.write("terraform/dev/.terraform.lock.hcl", "");
    stubs.project.write("terraform/dev/.terraform/providers/x", "");
    let run = stubs.run(&["infra", "apply", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("generated/dev/.env: 0 variables filled"), "{run:?}");
    assert_eq!(stubs.changes(), [format!("{CHDIR} apply -input=false -auto-approve"), format!("{CHDIR} output -json")]);
    assert_eq!(stubs.project.read("generated/dev/.env"), env);

    // In a fresh clone, the committed lock file decides.
    std::fs::remove_dir_all(stubs.project.path("terraform/dev/.terraform")).unwrap();
    assert_eq!(stubs.run(&["infra", "apply"]).code, Some(0));
    assert_eq!(stubs.changes()[0], format!("{CHDIR} init -input=false -lockfile=readonly"));
}

/// In Kubernetes there are files of values and of secrets, whose values have no quotes.
#[test]
fn the_files_of_an_overlay_are_filled() {
    let stubs = Stubs::new(WHOLE_REFERENCE);
    stubs.answer("output -json", 0, OUTPUTS);
    let own = ["--profile", "cluster"];
    let run = stubs.run(&[&own[..], &["env", "check"]].concat());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("overlays/cluster/config.env` does not exist"), "{run:?}");

    let run = stubs.run(&[&own[..], &["infra", "apply", "--yes"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("TEMPORAL_SQL_HOST = `monitored.dsql.on.aws` (Terraform output"), "{run:?}");
    // `up` chooses, which knows the cluster.
    assert!(!run.stdout.contains("GRAFANA_ADMIN_PASSWORD"), "{run:?}");
    let overlay = "generated/cluster/kubernetes/overlays/cluster";
    let config = stubs.project.read(&format!("{overlay}/config.env"));
    assert!(config.starts_with("# Endpoint of"), "{config}");
    assert!(config.contains("\nCOPILOT_KNOWLEDGE_BASE_ID=KB $1\n"), "{config}");
    assert!(config.contains("\nCOPILOT_PROFILE_S3_BUCKET=\n"), "{config}");
    assert!(!config.contains("AWS_REGION"), "{config}");

    assert!(stubs.project.read(&format!("{overlay}/secrets.env")).ends_with("\nGRAFANA_ADMIN_PASSWORD=\n"));
    stubs.project.write(&format!("{overlay}/config.env"), config.replace("copilot.dsql.on.aws", "mine"));
    let run = stubs.run(&[&own[..], &["env", "fill"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("COPILOT_DSQL_HOST = `mine` (kept; Terraform output"), "{run:?}");
    assert_eq!(stubs.run(&[&own[..], &["env", "check"]].concat()).code, Some(0));
}

#[test]
fn what_terraform_says_with_its_exit_code_is_passed_on() {
    let stubs = stubs();
    stubs.answer(" apply", 5, "");
    assert_eq!(stubs.run(&["infra", "apply"]).code, Some(5));
    stubs.answer(" init", 6, "");
    stubs.record();
    assert_eq!(stubs.run(&["infra", "apply"]).code, Some(6));
    assert_eq!(stubs.changes(), [format!("{CHDIR} init -input=false")]);
    stubs.answer("terraform -chdir=terraform/dev output", 7, "");
    assert_eq!(stubs.run(&["infra", "output"]).code, Some(7));
}

#[test]
fn destroy_wants_the_projects_name() {
    let stubs = stubs();
    let asked = [format!("{CHDIR} init -input=false"), format!("{CHDIR} plan -destroy -input=false")];
    for text in ["", "yes\n", "temporal\n"] {
        let run = typed(&stubs, &["infra", "destroy"], text);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("Type the name of the project, temporal-sre-copilot, to continue"), "{run:?}");
        assert!(run.stderr.contains("nothing was destroyed"), "{run:?}");
        assert_eq!(stubs.changes(), asked);
    }
    let run = typed(&stubs, &["infra", "destroy"], "temporal-sre-copilot\n");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(stubs.changes()[2], format!("{CHDIR} destroy -input=false -auto-approve"));
    stubs.answer("plan -destroy", 9, "");
    assert_eq!(typed(&stubs, &["infra", "destroy"], "temporal-sre-copilot\n").code, Some(9));
}

#[test]
fn a_stack_without_infrastructure_says_so() {
    let stubs = Stubs::new(SMALL);
    let run = stubs.run(&["infra", "apply"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("profile `dev` has no infrastructure\n  help: declare it in"), "{run:?}");
}

#[test]
fn terraform_must_be_there_and_new_enough() {
    let stubs = stubs();
    stubs.answer("terraform version", 0, r#"{"terraform_version":"1.5.7"}"#);
    let run = stubs.run(&["infra", "apply"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("Terraform 1.5.7 is too old: 1.9 or newer is required\n  help: install Terraform"),
        "{run:?}"
    );
    assert!(stubs.changes().is_empty());
    assert!(stubs.run(&["doctor"]).stdout.contains("Terraform 1.5.7 is too old"));
}
