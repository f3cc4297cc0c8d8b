//! `gen pin` with stand-ins for the programs that ask registries.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::project::{Project, Run};

const SPEC: &str = r#"# Kept.
[stack]
name = "shop"

[profiles.dev]
[profiles.staging]
services.api.image = "api:2.0"

[images]
web = "nginx:1.29" # kept, too
app = { ref = "app:dev", build = { context = "${APP_PATH}" } }

[services.another]
image = "built:1"

[services.web]
image = "web"

[services.app]
image = "app"

[services.api]
image   =   'registry.example.com:5000/api:1.4.2'

[services.again]
image = "nginx:1.29"

[services.mirrored]
image = "${MIRROR}/cache:1"

[services.built]
image = "built:1"
build.context = "."

[env.APP_PATH]
description = "Source tree of the app"

[env.MIRROR]
description = "Registry that caches"
default = "mirror.example.com"
"#;

/// Prints a digest that depends on the image's name only; knows no `missing`.
const DOCKER: &str = r#"#!/bin/sh
printf '%s\n' "$*" >> "${0%/*}/record"
[ "$*" = 'buildx version' ] && exit "${NO_BUILDX:-0}"
eval "image=\${$#}"
case "${image}" in
*"${MISSING:-missing}"*) echo "ERROR: ${image}: not found" >&2; exit 1 ;;
*"${ODD:-odd}"*) echo sha256:odd; exit 0 ;;
esac
printf 'sha256:%064d\n' "${#image}"
"#;

fn project() -> Project {
    let project = Project::new(SPEC);
    for program in ["docker", "crane"] {
        project.write(&format!("bin/{program}"), DOCKER);
        fs::set_permissions(project.path(&format!("bin/{program}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    project
}

fn run(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    let mut command = project.command(&[&["pin"], arguments].concat());
    command.env("PATH", path).envs(variables.iter().copied());
    Run::from(command.output().unwrap())
}

fn asked(project: &Project) -> Vec<String> {
    let record = fs::read_to_string(project.path("bin/record")).unwrap_or_default();
    let _ = fs::remove_file(project.path("bin/record"));
    record.lines().filter(|line| !line.contains("version")).map(ToOwned::to_owned).collect()
}

fn digest(length: usize) -> String {
    format!("sha256:{length:064}")
}

#[test]
fn digests_are_written_and_nothing_else() {
    let project = project();
    assert_eq!(run(&project, &["--check"], &[]).code, Some(1));
    assert_eq!((project.read("spec/stack.toml"), asked(&project)), (SPEC.to_owned(), Vec::new()));
    let ran = run(&project, &[], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let pinned = |text: &str, image: &str| text.replace(image, &format!("{image}@{}", digest(image.len())));
    let images = ["nginx:1.29", "registry.example.com:5000/api:1.4.2", "api:2.0"];
    let expected = images.iter().fold(SPEC.to_owned(), |text, image| pinned(&text, image));
    assert_eq!(project.read("spec/stack.toml"), expected);
    // Each once, however many services run it.
    let ask = |image: &str| format!("buildx imagetools inspect --format {{{{.Manifest.Digest}}}} {image}");
    let order = ["api:2.0", "nginx:1.29", "registry.example.com:5000/api:1.4.2"];
    assert_eq!(asked(&project), order.map(ask));
    for line in [
        "app:dev: skipped, it is built here\n",
        "built:1: skipped, it is built here\n",
        "${MIRROR}/cache:1: skipped, it has a variable\n",
        "nginx:1.29: pinned to sha256:0",
        "3 images: 3 pinned, 0 unchanged, 0 failed\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {ran:?}");
    }
    assert_eq!(project.run(&["render"]).code, Some(0));
    assert!(project.read("generated/dev/docker-compose.yml").contains(&format!("image: nginx:1.29@{}\n", digest(10))));
    let listed = project.run(&["list", "images", "--profile", "dev", "--format", "json"]);
    assert!(listed.stdout.contains(&format!("nginx:1.29@{}", digest(10))), "{listed:?}");

    // Nothing is left to be done, or asked.
    assert_eq!(run(&project, &["--check"], &[]).code, Some(0));
    assert_eq!(run(&project, &[], &[]).code, Some(0));
    assert_eq!((project.read("spec/stack.toml"), asked(&project)), (expected.clone(), Vec::new()));

    // A tag that moved.
    let old = expected.replace(&digest(10), &digest(9));
    project.write("spec/stack.toml", &old);
    let ran = run(&project, &["--update"], &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("3 images: 1 pinned, 2 unchanged, 0 failed\n"), "{ran:?}");
    assert_eq!(project.read("spec/stack.toml"), expected);
}

#[test]
fn a_failure_is_no_success() {
    let project = project();
    let ran = run(&project, &[], &[("MISSING", "nginx"), ("ODD", "api:2.0")]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for line in [
        "error: cannot get the digest of `nginx:1.29`: ERROR: nginx:1.29: not found\n",
        "help: check its name and tag, log in to its registry, and try `docker buildx imagetools inspect",
        "error: unexpected digest of `api:2.0`: `sha256:odd`\n",
    ] {
        assert!(ran.stderr.contains(line), "{line}: {ran:?}");
    }
    assert!(ran.stdout.contains("3 images: 1 pinned, 0 unchanged, 2 failed\n"), "{ran:?}");
    let text = project.read("spec/stack.toml");
    assert!(
        text.contains("5000/api:1.4.2@sha256:0") && text.contains("\"nginx:1.29\"") && text.contains("\"api:2.0\"")
    );
}

#[test]
fn without_a_program_nothing_is_written() {
    let project = project();
    let ran = run(&project, &[], &[("NO_BUILDX", "1")]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(asked(&project).iter().all(|line| line.starts_with("digest ")));
    let project = Project::new(SPEC);
    let mut command = project.command(&["pin"]);
    let ran = Run::from(command.env("PATH", project.root()).output().unwrap());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("install Docker with buildx, crane or skopeo"), "{ran:?}");
    assert_eq!(project.read("spec/stack.toml"), SPEC);
    // An invalid spec is not pinned.
    project.replace("spec/stack.toml", "image = \"web\"", "image = \"wbe\"");
    assert_eq!(project.run(&["pin", "--check"]).code, Some(2));
}
